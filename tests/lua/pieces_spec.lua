-- What returns several tensors: pieces, sorted values with their positions, different values, grids.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local x = ml.tensor({ { 1, 2, 3, 4, 5 }, { 6, 7, 8, 9, 10 } }, { dtype = "f64" })

local function all(list) -- the values of each
  local values = {}
  for i, t in ipairs(list) do values[i] = t:tolist() end
  return values
end

describe("pieces of a tensor", function()
  it("have one size, the last perhaps a smaller one", function()
    assert.same({ { { 1, 2 }, { 6, 7 } }, { { 3, 4 }, { 8, 9 } }, { { 5 }, { 10 } } }, all(x:split(2, 2)))
    assert.same({ { { 1, 2, 3, 4, 5 } }, { { 6, 7, 8, 9, 10 } } }, all(ml.split(x, 1)))
    assert.equal(1, #x:split(9))
    assert.equal(1, #ml.zeros({ 0 }):split(2))
  end)

  it("have the sizes of a list", function()
    assert.same({ { { 1 }, { 6 } }, { { 2, 3, 4, 5 }, { 7, 8, 9, 10 } } }, all(x:split({ 1, 4 }, -1)))
    assert.same({ 2, 0 }, x:split({ 5, 0 }, 2)[2].shape)
  end)

  it("are at most so many", function()
    assert.same({ { { 1, 2, 3 }, { 6, 7, 8 } }, { { 4, 5 }, { 9, 10 } } }, all(x:chunk(2, 2)))
    assert.equal(3, #x:chunk(4, 2)) -- of 2, 2 and 1
  end)

  it("are all of one", function()
    assert.same({ { 1, 2, 3, 4, 5 }, { 6, 7, 8, 9, 10 } }, all(x:unbind()))
    assert.same({ 3, 8 }, x:unbind(2)[3]:tolist())
  end)

  it("are views, and have derivatives", function()
    local w = ml.ones({ 4 }, { requires_grad = true })
    local first, second = table.unpack(w:split(2));
    (first * 3 + second * second):sum():backward()
    holds({ 3, 3, 2, 2 }, w.grad)
    local y = ml.zeros { 2, 2 }
    y:unbind(2)[1][2] = 7
    holds({ { 0, 0 }, { 7, 0 } }, y)
  end)

  it("are refused with a reason", function()
    fails(function() x:split(0) end, "^split: the size must be at least 1, got 0")
    fails(function() x:split({ 1, 2 }, 2) end, "^split: the sizes must add up to 5, the size of dimension 2")
    fails(function() x:split({ 4, 2 }, 2) end, "^split: the sizes must add up to 5")
    fails(function() x:split("2") end, "^split: takes a size or a list of sizes, got string")
    fails(function() x:chunk(2, 3) end, "^chunk: dim 3 of a tensor with 2 dimensions; they count from 1")
    fails(function() x:chunk(0) end, "^chunk: n must be at least 1, got 0")
    fails(function() ml.unbind(3) end, "^unbind: takes a tensor, got number")
    fails(function() ml.ones({}):unbind() end, "^unbind: a single number has no dimensions")
  end)
end)

describe("the k largest", function()
  it("come in order, with their positions", function()
    local values, positions = x:topk(2)
    holds({ { 5, 4 }, { 10, 9 } }, values)
    holds({ { 5, 4 }, { 5, 4 } }, positions)
    holds({ { 1, 2, 3, 4, 5 } }, (x:topk(1, 1, false)))
    holds({ { 1 }, { 6 } }, (x:topk(1, { largest = false })))
    holds({ { 6, 7, 8, 9, 10 } }, (x:topk { k = 1, dim = 1 }))
  end)

  it("pass the derivative on to their places", function()
    local w = ml.tensor({ 3.0, 1, 2 }, { requires_grad = true })
    local values = w:topk(2)
    values:square():sum():backward()
    holds({ 6, 0, 4 }, w.grad)
    w:zero_grad()
    local sorted = w:sort();
    (sorted * ml.tensor { 1, 10, 100 }):sum():backward()
    holds({ 100, 1, 10 }, w.grad)
  end)
end)

describe("the different values", function()
  it("come in order, counted, with the place of each element among them", function()
    local values, counts, positions = ml.tensor({ { 3, 1, 3 }, { 2, 3, 1 } }):unique()
    assert.same({ 1, 2, 3 }, values:tolist())
    assert.same({ 2, 1, 3 }, counts:tolist())
    assert.same({ { 3, 1, 3 }, { 2, 3, 1 } }, positions:tolist())
    assert.same({ { 3, 1, 3 }, { 2, 3, 1 } }, values[positions]:tolist())
  end)

  it("count all NaN as one, the last", function()
    local values, counts, positions = ml.unique(ml.tensor { 0 / 0, 2, 0 / 0, -0.0, 0.0 })
    assert.same({ 0, 2 }, values:slice(1, 1, 2):tolist())
    assert.same({ 2, 1, 2 }, counts:tolist())
    assert.same({ 3, 2, 3, 1, 1 }, positions:tolist())
  end)

  it("may be none", function()
    local values, counts, positions = ml.zeros({ 0, 2 }):unique()
    assert.same({ 0 }, values.shape)
    assert.same({ 0 }, counts.shape)
    assert.same({ 0, 2 }, positions.shape)
  end)
end)

describe("a grid", function()
  it("has the coordinates of its points", function()
    local a, b = table.unpack(ml.meshgrid(ml.tensor { 1, 2 }, ml.tensor { 10, 20, 30 }))
    assert.same({ { 1, 1, 1 }, { 2, 2, 2 } }, a:tolist())
    assert.same({ { 10, 20, 30 }, { 10, 20, 30 } }, b:tolist())
    assert.equal(1, #ml.meshgrid { ml.tensor { 1, 2 } })
    fails(function() ml.meshgrid(x) end, "^meshgrid: number 1 must be a tensor of one dimension")
    fails(function() ml.meshgrid() end, "^meshgrid: takes tensors, or a list of them")
  end)
end)

describe("tensordot", function()
  it("is the sum that einsum writes", function()
    local a, y = ml.randn({ 2, 3, 4 }, { seed = 1, dtype = "f64" }), ml.randn({ 3, 4, 5 }, { seed = 2, dtype = "f64" })
    holds(ml.einsum("ijk,jkl->il", a, y):tolist(), a:tensordot(y), 1e-12)
    holds(ml.einsum("ijk,jkl->il", a, y):tolist(), ml.tensordot(a, y, { { -1, 2 }, { 2, 1 } }), 1e-12)
    holds(ml.einsum("ijk,lkm->ijlm", a, y):tolist(), a:tensordot(y, { { 3 }, { 2 } }), 1e-12)
    assert.same({ 2, 3, 4, 3, 4, 5 }, a:tensordot(y, 0).shape)
    local full = a:tensordot(a, 3)
    assert.same({}, full.shape)
    holds(a:square():sum():item(), full, 1e-12)
    assert.same({ 2, 3, 4 }, ml.grad(function(v) return v:tensordot(y):sum() end)(a).shape)
  end)

  it("says what is wrong", function()
    local a, y = ml.zeros { 2, 3 }, ml.zeros { 3, 4 }
    fails(function() a:tensordot(y) end, "^tensordot: dimension 1 has 2, dimension 1 of the other 3")
    fails(function() a:tensordot(y, 3) end, "^tensordot: there are not 3 dimensions in both, of 2 and 2")
    fails(function() a:tensordot(y, { { 1, 1 }, { 1, 2 } }) end, "^tensordot: dimension 1 is given twice")
    fails(function() a:tensordot(y, { { 3 }, { 1 } }) end, "^tensordot: dim 3 of a tensor with 2 dimensions")
    fails(function() a:tensordot(y, { { 1 } }) end, "^tensordot: dims is a number, or two lists of as many dimensions")
    fails(function() a:tensordot(3) end, "^tensordot: takes two tensors")
  end)
end)

describe("topk", function()
  it("speaks of itself when something is wrong", function()
    local a = ml.tensor { { 3, 1, 2 } }
    fails(function() a:topk(4) end, "^topk: k must be 0%.%.3, the size of dimension 2, got 4")
    fails(function() a:topk(1.5) end, "^topk: k must be 0%.%.3")
    fails(function() a:topk(1, { larges = true }) end, "^topk: unknown option 'larges'; did you mean 'largest'%?")
    fails(function() a:topk(1, 3) end, "^topk: dim 3 of a tensor with 2 dimensions")
    local values = a:topk { k = 2, largest = false }
    holds({ { 1, 2 } }, values)
    values = a:topk(2, { dim = 2 })
    holds({ { 3, 2 } }, values)
    values = a:topk(2, 2, false)
    holds({ { 1, 2 } }, values)
  end)
end)
