-- ml.fuse: the same results in one pass over memory.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local function chain(z) return (z * 2 + 1):relu() * z - z end

describe("fuse", function()
  it("returns what the function returns", function()
    local z = ml.randn { 7, 300 }
    holds(chain(z):tolist(), ml.fuse(chain)(z), 0)
    local a, b, c, none = ml.fuse(function(x, k, y) return x / y, k, { x + y }, nil end)(z, "k", ml.full({ 300 }, 4))
    holds((z / 4):tolist(), a, 0)
    assert.equal("k", b)
    holds((z + 4):tolist(), c[1], 0)
    assert.is_nil(none)
    assert.equal(0, select("#", ml.fuse(function() end)()))
  end)

  it("calls the function every time: nothing it captures goes stale", function()
    local scale, calls = 2, 0
    local f = ml.fuse(function(x) calls = calls + 1 return x * scale + 0.5 end)
    holds({ 2.5, 4.5 }, f(ml.tensor { 1., 2. }))
    scale = 3
    holds({ 3.5 }, f(ml.tensor { 1. }))
    holds({ { 3.5 } }, f(ml.tensor({ { 1. } }, { dtype = "f64" })))
    assert.equal(3, calls)
  end)

  it("lets the function do what any function may", function()
    local kept
    local f = ml.fuse(function(x)
      local y = x * 2
      kept = y + 1
      if (y:sum() > 0) then y = y - y:mean() end
      if y[1]:item() < 0 then y = -y end
      return y:exp():sum(), #y, y.shape[1], tostring(y)
    end)
    local sum, n, size, text = f(ml.tensor { 1., 3. })
    holds(math.exp(2) + math.exp(-2), sum)
    assert.equal(2, n)
    assert.equal(2, size)
    assert.equal(tostring(ml.tensor { 2., -2. }), text)
    holds({ 3, 7 }, kept)
  end)

  it("gives the derivatives of the function", function()
    local x = ml.tensor({ -1., 0.5, 2. }, { requires_grad = true })
    local w = ml.tensor({ 1., 2., 3. }, { requires_grad = true })
    ml.fuse(chain)(x):sum():backward()
    holds({ -1, 2, 8 }, x.grad)
    ml.fuse(function(z) return chain(z) * w end)(ml.tensor { -1., 0.5, 2. }):sum():backward() -- w is captured
    holds({ 1, 0.5, 8 }, w.grad)
  end)

  it("nests, and yields", function()
    local inner = ml.fuse(chain)
    holds(chain(ml.ones { 3 } + 1):tolist(), ml.fuse(function(x) return inner(x + 1) end)(ml.ones { 3 }))
    local routine = coroutine.wrap(ml.fuse(function(x) return x + coroutine.yield(x * 2) end))
    holds({ 2 }, routine(ml.ones { 1 }))
    holds({ 6 }, routine(5))
  end)

  it("raises at the line of the mistake", function()
    fails(function() return ml.fuse(function(x) return x + ml.ones { 3 } end)(ml.ones { 2 }) end, "^add: shapes do not broadcast")
    fails(function() return ml.fuse(3) end, "^fuse: needs a function, got number")
    fails(function()
      return ml.fuse(function(x)
        local y = x * 2
        x[1] = 7
        return y
      end)(ml.ones { 2 })
    end, "^fuse: an input of 'mul', shape %(2%), was modified before the result was computed")
  end)
end)
