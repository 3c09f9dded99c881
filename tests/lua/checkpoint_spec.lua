-- Checkpoints: less memory, the same derivatives.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function randn(shape, seed) return ml.randn(shape, { dtype = "f64", seed = seed }) end
local function same(a, b) holds(a:tolist(), b, 1e-12) end

local function block(h, w)
  for _ = 1, 4 do h = h:matmul(w):tanh() * 1.1 end
  return h
end

-- Three blocks, each through `call`.
local function chain(call)
  return function(w, x)
    local h = x
    for _ = 1, 3 do h = call(block, h, w) end
    return (h * h):sum()
  end
end
local plain = chain(function(f, ...) return f(...) end)
local saved = chain(function(f, ...) return ml.checkpoint(f, ...) end)
local w, x, v = randn({ 3, 3 }, 1), randn({ 4, 3 }, 2), randn({ 3, 3 }, 3)

describe("checkpoint", function()
  it("gives what the function gives", function()
    local a, text, b = ml.checkpoint(function(t) return t * 2, "text", { t } end, x)
    same(x * 2, a)
    assert.equal("text", text)
    assert.equal(x, b[1])
    same(x * 2, (ml.no_grad(ml.checkpoint, function(t) return t * 2 end, x)))
  end)

  it("has the derivatives of every order", function()
    same(ml.grad(plain)(w, x), ml.grad(saved)(w, x))
    same(ml.grad(plain, 2)(w, x), ml.grad(saved, 2)(w, x))
    same(ml.hvp(plain, w, v, x), ml.hvp(saved, w, v, x))
    same(ml.hessian(plain)(w, x), ml.hessian(saved)(w, x))
    local function third(f) return ml.grad(function(p) return (ml.hvp(f, p, v, x) * v):sum() end)(w) end
    same(third(plain), third(saved))
    same(select(2, ml.jvp(plain, { w, x }, { v })), select(2, ml.jvp(saved, { w, x }, { v })))
  end)

  it("composes with vmap, outside and inside", function()
    local many = randn({ 5, 3, 3 }, 4)
    same(ml.vmap(ml.grad(plain), { 1, nil })(many, x), ml.vmap(ml.grad(saved), { 1, nil })(many, x))
    local function total(f) return function(p) return ml.vmap(f, { 1, nil })(p, x):sum() end end
    same(ml.grad(total(plain))(many), ml.grad(total(saved))(many)) -- the pass comes when the vmap has ended
    local function inside(call)
      return function(p) return call(function(q) return ml.vmap(function(row) return block(row, q) end)(x):sum() end, p) end
    end
    same(ml.grad(inside(function(f, ...) return f(...) end))(w), ml.grad(inside(ml.checkpoint))(w))
    local function closed(call) -- over one of the batch
      return function(p, t) return call(function(q) return (block(t, q)):sum() end, p) end
    end
    local function sum(call) return function(p) return ml.vmap(closed(call), { nil, 1 })(p, x):sum() end end
    same(ml.grad(sum(function(f, ...) return f(...) end))(w), ml.grad(sum(ml.checkpoint))(w))
  end)

  it("reaches the leaves that the function closes over", function()
    local model = nn.Sequential { nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1) }
    local input = x:cast "f32"
    model(input):sum():backward()
    local expected = {}
    for i, p in ipairs(model:parameters()) do expected[i] = p.grad:tolist() p:zero_grad() end
    ml.checkpoint(model, input):sum():backward()
    for i, p in ipairs(model:parameters()) do holds(expected[i], p.grad, 1e-6) end
  end)

  it("draws the same random numbers again, and moves the stream once", function()
    local function noisy(t) return (t * ml.randn({ 3 }, { dtype = "f64" })):exp() * ml.rand({ 3 }, { dtype = "f64" }) end
    local function run(call)
      ml.seed(5)
      local leaf = randn({ 3 }, 6):requires_grad_()
      local y = call(noisy, leaf):sum()
      local after = ml.randn({ 2 }):tolist()
      y:backward { keep_graph = true }
      y:backward()
      return y:item(), leaf.grad, after, ml.randn({ 2 }):tolist()
    end
    local a, b = { run(function(f, t) return f(t) end) }, { run(ml.checkpoint) }
    assert.equal(a[1], b[1])
    same(a[2], b[2])
    assert.same(a[3], b[3])
    assert.same(a[4], b[4])
    local function batch(call)
      ml.seed(5)
      return ml.grad(function(t)
        return ml.vmap(function(row) return call(noisy, row):sum() end, 1, 1, { randomness = "different" })(t):sum()
      end)(randn({ 4, 3 }, 7))
    end
    same(batch(function(f, t) return f(t) end), batch(ml.checkpoint))
  end)

  it("holds transforms, and checkpoints, inside", function()
    local function inner(call)
      return function(p) return call(function(q) return ml.grad(plain)(q, x):square():sum() end, p) end
    end
    same(ml.grad(inner(function(f, ...) return f(...) end))(w), ml.grad(inner(ml.checkpoint))(w))
    local function twice(p) return ml.checkpoint(function(q) return saved(q, x) end, p) end
    same(ml.grad(plain)(w, x), ml.grad(twice)(w))
  end)

  it("saves memory, and gives all of it back", function()
    local big, leaf = randn({ 500, 3 }, 8), w:clone():requires_grad_()
    local function held(f)
      collectgarbage()
      collectgarbage()
      local before = ml.memory().live
      local y = f(leaf, big)
      collectgarbage()
      collectgarbage()
      local during = ml.memory().live - before
      y:backward()
      y = nil -- luacheck: ignore
      leaf:zero_grad()
      collectgarbage()
      collectgarbage()
      return during, ml.memory().live - before
    end
    held(saved)
    local all, left = held(plain)
    local few, left_too = held(saved)
    local one = 500 * 3 * 8 -- bytes of an activation: 12 x 2 of them, or those at the seams
    assert.is_true(all > 20 * one, ("plain holds %d activations"):format(all // one))
    assert.is_true(few < 6 * one, ("checkpoints hold %d activations"):format(few // one))
    assert.is_true(left < one and left_too < one)
  end)

  it("an unused one is given back too", function()
    local leaf = w:clone():requires_grad_()
    local function live()
      for _ = 1, 3 do collectgarbage() end
      return ml.memory().live
    end
    saved(leaf, x)
    local before = live()
    for _ = 1, 50 do saved(leaf, x) end
    assert.is_true(live() - before < 1000)
  end)

  it("says what is wrong", function()
    fails(function() ml.checkpoint(3) end, "^checkpoint: takes a function, got number")
    local calls = 0
    local function moody(t)
      calls = calls + 1
      return calls == 1 and t:tanh():sum() or t:exp():sum()
    end
    local leaf = randn({ 3 }, 1):requires_grad_()
    local y = ml.checkpoint(moody, leaf)
    fails(function() y:backward() end,
      "^checkpoint: the function did something else when it was computed again: operation 1 was tanh, now it is exp")
    local good = true
    local z = ml.checkpoint(function(t)
      if not good then error("no more", 0) end
      return t:tanh():sum()
    end, leaf)
    good = false
    fails(function() z:backward() end, "^checkpoint: computing it again failed: no more")
    good = true
    z:backward() -- nothing is spoilt
    holds((1 - leaf:detach():tanh() ^ 2):tolist(), leaf.grad, 1e-12)
    assert.has_error(function() ml.checkpoint(function() error("stop", 0) end) end, "stop")
    local data = randn({ 3 }, 2)
    local q = ml.checkpoint(function(t) return (t * data):sum() end, leaf)
    data[1] = 5
    fails(function() q:backward() end,
      "^backward: an input of 'mul', shape %(3%), was modified after it was used in a checkpoint")
  end)
end)
