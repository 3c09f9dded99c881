local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local function values(list)
  local out = {}
  for i, t in ipairs(list) do out[i] = t:item() end
  return out
end

local function number(v) return ml.tensor(v, { dtype = "f64" }) end

describe("tree", function()
  it("has one order: positions, then names by the alphabet", function()
    local t = { b = number(4), number(1), a = { x = number(3), number(2.5) }, [3] = number(2), [-1] = number(0) }
    assert.same({ 0, 1, 2, 2.5, 3, 4 }, values((ml.tree.flatten(t))))
    assert.same({ "-1", "1", "3", "a.1", "a.x", "b" }, ml.tree.paths(t))
    local again = { a = {}, [3] = number(2) } -- the same keys, put in another order
    again.b, again[-1], again.a.x, again.a[1], again[1] = number(4), number(0), number(3), number(2.5), number(1)
    assert.same(values((ml.tree.flatten(t))), values((ml.tree.flatten(again))))
  end)

  it("comes apart and together again, with what is no tensor", function()
    local Class = {}
    Class.__index = Class
    function Class:double() return self.w * 2 end
    local object = setmetatable({ w = number(2), name = "layer", rate = 0.5, on = false }, Class)
    local leaves, structure = ml.tree.flatten { object, empty = {} }
    assert.equal(1, #leaves)
    local back = ml.tree.unflatten({ number(7) }, structure)
    assert.same({}, back.empty)
    assert.equal("layer", back[1].name)
    assert.is_false(back[1].on)
    holds(14, back[1]:double())
    assert.equal(2, object.w:item())
  end)

  it("may be a tensor alone", function()
    local x = number(3)
    local leaves, structure = ml.tree.flatten(x)
    assert.equal(x, leaves[1])
    holds(4, ml.tree.unflatten({ number(4) }, structure))
    holds(6, ml.tree.map(function(t) return t * 2 end, x))
    assert.same({ "" }, ml.tree.paths(x))
  end)

  it("takes a module as the list of its parameters", function()
    local nn = ml.nn
    local model = nn.Sequential { nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1) }
    assert.same({ "1.weight", "1.bias", "3.weight", "3.bias" }, ml.tree.paths(model))
    assert.same({ "net.1.weight", "net.1.bias", "net.3.weight", "net.3.bias" }, ml.tree.paths { net = model })
    local x = ml.randn { 4, 2 }
    local copy = ml.tree.map(function(p) return p:detach() end, model)
    assert.same(model(x):tolist(), model:apply(copy, x):tolist())
    holds(ml.tree.dot(copy, model:parameters()):item(), ml.tree.dot(model, model))
  end)

  it("maps over several", function()
    local a, b = { x = number(1), { number(2) } }, { { number(20) }, x = number(10) }
    local sum = ml.tree.map(function(p, q) return p + q end, a, b)
    holds(11, sum.x)
    holds(22, sum[1][1])
    assert.same({ x = "f64", { "f64" } }, ml.tree.map(function(t) return t.dtype end, a))
  end)

  it("does the sums of vectors", function()
    local a = { w = ml.tensor { 1.0, 2.0 }, b = ml.tensor(3.0) }
    local b = { w = ml.tensor { 4.0, 5.0 }, b = ml.tensor(6.0) }
    holds(32, ml.tree.dot(a, b))
    holds(math.sqrt(14), ml.tree.norm(a))
    holds({ 5, 7 }, ml.tree.add(a, b).w)
    holds(-9, ml.tree.add(a, b, -2).b)
    holds({ 3, 3 }, ml.tree.sub(b, a).w)
    holds({ 2, 4 }, ml.tree.scale(a, 2).w)
    holds({ 0, 0 }, ml.tree.zeros_like(a).w)
    assert.equal(3, ml.tree.numel(a))
    local z = ml.tree.randn_like(a, { seed = 3 })
    assert.same(z.w:tolist(), ml.tree.randn_like(a, { seed = 3 }).w:tolist())
    assert.same({ 2 }, z.w.shape)
    assert.not_equal(z.w:tolist()[1], z.b:item())
  end)

  it("becomes one vector and back", function()
    local a = { w = ml.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } }, b = ml.tensor(5.0) }
    local vector, unravel = ml.tree.ravel(a)
    holds({ 5, 1, 2, 3, 4 }, vector)
    local twice = unravel(vector * 2)
    holds({ { 2, 4 }, { 6, 8 } }, twice.w)
    holds(10, twice.b)
    fails(function() unravel(ml.ones { 4 }) end, "^tree%.ravel: the vector must have 5 values, got shape %(4%)")
  end)

  it("is differentiable all the way", function()
    local a = { w = ml.tensor({ 3.0, 4.0 }):requires_grad_() }
    ml.tree.norm(a):backward()
    holds({ 0.6, 0.8 }, a.w.grad)
  end)

  it("says where two differ", function()
    local one = { params = { layer1 = { w = number(1), b = number(2) } } }
    fails(function() ml.tree.dot(one, { params = { layer1 = { b = number(2) } } }) end,
      "^tree%.dot: tree 1 and tree 2 differ at params%.layer1%.w: missing in the second")
    fails(function() ml.tree.add({ params = { layer1 = { b = number(2) } } }, one) end,
      "^tree%.map: tree 1 and tree 2 differ at params%.layer1%.w: missing in the first")
    fails(function() ml.tree.map(print, one, one, { params = { layer1 = number(2) } }) end,
      "^tree%.map: tree 1 and tree 3 differ at params%.layer1: a table in one, a tensor in the other")
    fails(function() ml.tree.map(print, one, { params = { layer1 = { w = number(1), b = 3 } } }) end,
      "differ at params%.layer1%.b: a tensor in one, no tensor in the other")
    fails(function() ml.tree.map(print, number(1), {}) end, "differ at the top: a tensor in one, a table in the other")
    fails(function() ml.tree.sub({ number(1) }, { [2] = number(1) }) end, "differ at 1: missing in the second")
  end)

  it("refuses what is none", function()
    local loop = {}
    loop.again = loop
    fails(function() ml.tree.flatten(loop) end, "^tree%.flatten: tables nested deeper than 100; is one inside itself%?")
    fails(function() ml.tree.flatten { a = { [{}] = number(1) } } end,
      "^tree%.flatten: the keys of a tree are numbers and names")
    fails(function() ml.tree.norm {} end, "^tree%.norm: there is no tensor in the tree")
    fails(function() ml.tree.dot({ 1 }, { 2 }) end, "^tree%.dot: there is no tensor in the trees")
    fails(function() ml.tree.map({ number(1) }) end, "^tree%.map: takes a function and a tree, got table")
    fails(function() ml.tree.unflatten({}, true) end, "^tree%.unflatten: the structure has 1 leaves, 0 were given")
    fails(function() ml.tree.unflatten({}, nil) end, "^tree%.unflatten: takes leaves and the structure")
    fails(function() ml.tree.randn_like({ number(1) }, { sed = 3 }) end,
      "^tree%.randn_like: unknown option 'sed'; did you mean 'seed'")
  end)
end)
