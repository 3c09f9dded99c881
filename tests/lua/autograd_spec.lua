local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local function leaf(list) return ml.tensor(list, { dtype = "f64", requires_grad = true }) end

describe("backward", function()
  it("adds to the gradient of every leaf", function()
    local x, w = ml.tensor({ 1.0, 2 }, { dtype = "f64" }), leaf { 3, 4 }
    local loss = (w * x):square():sum()
    loss:backward()
    holds({ 6, 32 }, w.grad)
    assert.is_nil(x.grad)
    local again = (w * x):sum()
    again:backward()
    holds({ 7, 34 }, w.grad)
    w:zero_grad()
    assert.is_nil(w.grad)
  end)

  it("takes a seed for more than one value", function()
    local w = leaf { 1, 2 }
    local y = w * 3
    y:backward { seed = ml.tensor { 10.0, 100.0 } }
    holds({ 30, 300 }, w.grad)
  end)

  it("says what it needs", function()
    local w = leaf { 1, 2 }
    fails(function() return (w * 2):backward() end,
      "^backward: the gradient of a non%-scalar: shape %(2%); reduce it %(sum, mean%) or pass a seed of that shape")
    fails(function() return ml.ones({}):backward() end,
      "^backward: this tensor does not depend on anything that requires a gradient")
    fails(function() return w:sum():backward { seed = 1 } end,
      "^backward: seed must be a moonlab%.Tensor, got number")
    fails(function() return w:sum():backward { keep = true } end, "^backward: unknown option 'keep'")
    fails(function() return w:sum():backward { seed = ml.ones { 3 } } end,
      "^backward: the seed has shape %(3%), the result %(%)")
  end)

  it("frees the graph: a second time is an error that says what to do", function()
    local w = leaf { 1, 2 }
    local loss = w:square():sum()
    loss:backward()
    fails(function() loss:backward() end,
      "^backward: the graph of 'sum' has been freed by an earlier backward; pass keep_graph = true to that one")
    local kept = w:square():sum()
    kept:backward { keep_graph = true }
    kept:backward()
    holds({ 2 + 2 + 2, 4 + 4 + 4 }, w.grad)
  end)
end)

describe("requires_grad", function()
  it("is asked for in three ways", function()
    local ways = {
      ml.ones({ 2 }, { requires_grad = true }), ml.ones({ 2 }):requires_grad_(true), ml.ones({ 2 }):requires_grad_(),
    }
    for _, w in ipairs(ways) do
      assert.is_true(w.requires_grad and w.is_leaf)
    end
    local w = ml.ones { 2 }
    w.requires_grad = true
    local y = w * 2
    assert.is_true(y.requires_grad)
    assert.is_false(y.is_leaf)
    w.requires_grad = false
    assert.is_false((w * 2).requires_grad)
  end)

  it("is for leaves of floats", function()
    fails(function() ml.tensor({ 1 }):requires_grad_() end,
      "^requires_grad: only f32 and f64 have gradients, this tensor is i64")
    fails(function() (leaf { 1 } * 2):requires_grad_() end,
      "^requires_grad: this tensor is the result of a recorded operation; detach it")
    fails(function() ml.ones({ 1 }).requires_grad = 1 end, "requires_grad must be true or false, got number")
  end)
end)

describe("detach and no_grad", function()
  it("leave the graph", function()
    local w = leaf { 2 }
    local y = (w:detach() * w):sum()
    y:backward()
    holds({ 2 }, w.grad)
    local z, more = ml.no_grad(function(a, b) return w * a, b end, 3, "more")
    assert.is_false(z.requires_grad)
    assert.equal("more", more)
  end)

  it("puts the recording back, also after an error", function()
    fails(function() ml.no_grad(function() error("stop", 1) end) end, "^stop")
    assert.is_true((leaf { 1 } * 2).requires_grad)
    ml.no_grad(function() ml.no_grad(function() end) assert.is_false(ml.autograd.recording()) end)
    assert.is_true(ml.autograd.recording())
  end)
end)

describe("autograd.grad", function()
  it("gives gradients as results, of any order", function()
    local x = leaf { 2 }
    local y = (x ^ 4):sum()
    local dx = ml.autograd.grad(y, x, { create_graph = true })
    holds({ 32 }, dx)
    local ddx = ml.autograd.grad(dx:sum(), x, { create_graph = true })
    holds({ 48 }, ddx)
    holds({ 48 }, ml.autograd.grad(ddx:sum(), x))
    assert.is_nil(x.grad)
  end)

  it("takes a list and gives a list", function()
    local a, b, c = leaf { 1 }, leaf { 2 }, leaf { 3 }
    local grads = ml.autograd.grad((a * b):sum(), { a, b, c })
    assert.equal(3, #grads)
    holds({ 2 }, grads[1])
    holds({ 1 }, grads[2])
    holds({ 0 }, grads[3])
  end)

  it("says what it needs", function()
    local x = leaf { 1 }
    fails(function() return ml.autograd.grad(x:sum(), ml.ones { 2 }) end,
      "^grad: input 1, shape %(2%), is not recorded")
    fails(function() return ml.autograd.grad(x:sum(), 3) end,
      "^grad: argument 2 must be a tensor or a list of them, got number")
    fails(function() return ml.autograd.grad(x:sum(), { x, 3 }) end,
      "^grad: an input must be a moonlab%.Tensor, got number")
    fails(function() return ml.autograd.grad(x:sum(), x, { creategraph = true }) end, "did you mean 'create_graph'%?")
  end)
end)

describe("anomaly detection", function()
  before_each(function() assert.is_false(ml.detect_anomaly(true)) end)
  after_each(function() ml.detect_anomaly(false) end)

  it("names the operation and the line that first made a NaN", function()
    fails(function() return ml.tensor({ -1.0, 4.0 }):log() end,
      "^log: the operation made NaN: value 1 of 2, shape %(2%)")
    fails(function() return ml.ones { 2 } / 0 end, "^div: the operation made an infinity")
  end)

  it("names the line of the forward operation whose derivative made one", function()
    local w = leaf { 0, 1 }
    local info = debug.getinfo(1, "Sl")
    local y = w:sqrt()
    local loss = y:sum()
    fails(function() loss:backward() end,
      ("^sqrt: the derivative made an infinity.*%%(called at %s:%d%%)"):format(
        info.short_src:gsub("%p", "%%%0"), info.currentline + 1))
  end)

  it("tells what it was, and takes nothing but true or false", function()
    assert.is_true(ml.detect_anomaly(true))
    fails(function() ml.detect_anomaly() end, "^detect_anomaly: takes true or false, got nothing")
  end)
end)

describe("a graph", function()
  it("may be deep", function()
    local x = leaf { 1 }
    local y = x
    for _ = 1, 100000 do y = y + 1 end
    y:sum():backward()
    holds({ 1 }, x.grad)
  end)
end)
