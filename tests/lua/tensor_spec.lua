local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

describe("making tensors", function()
  it("takes the shape as a list or as numbers, the options beside it or behind it", function()
    for _, x in ipairs { ml.zeros { 2, 3 }, ml.zeros(2, 3), ml.zeros({ 2, 3 }, {}) } do
      assert.same({ 2, 3 }, x.shape)
      assert.equal("f32", x.dtype)
      holds({ { 0, 0, 0 }, { 0, 0, 0 } }, x)
    end
    for _, x in ipairs { ml.ones({ 2 }, { dtype = "f64" }), ml.ones { 2, dtype = "f64" }, ml.ones(2, { dtype = "f64" }) } do
      assert.equal("f64", x.dtype)
      holds({ 1, 1 }, x)
    end
    assert.same({}, ml.zeros {}.shape)
    assert.same({ 0, 3 }, ml.zeros { 0, 3 }.shape)
    holds({ 2.5, 2.5 }, ml.full({ 2 }, 2.5))
    assert.is_true(ml.zeros({ 2 }, { requires_grad = true }).requires_grad)
  end)

  it("keeps the kind of Lua's numbers: whole ones i64, others f32, booleans bool", function()
    assert.equal("i64", ml.tensor { 1, 2, 3 }.dtype)
    assert.equal("f32", ml.tensor { 1, 2.5 }.dtype)
    assert.equal("f32", ml.tensor { 1.0 }.dtype)
    assert.equal("bool", ml.tensor { true, false }.dtype)
    assert.equal("f32", ml.tensor {}.dtype)
    assert.equal("f64", ml.tensor({ 1, 2 }, { dtype = "f64" }).dtype)
    assert.same({ 2, 0 }, ml.tensor { {}, {} }.shape)
    assert.same({}, ml.tensor(3).shape)
    assert.equal((1 << 53) + 1, ml.tensor((1 << 53) + 1):item())
    assert.equal(math.maxinteger, ml.tensor { math.maxinteger }:tolist()[1])
    holds({ 1, -1 }, ml.tensor({ 1.9, -1.9 }, { dtype = "i64" }))
    local x = ml.tensor { 1.0, 2.0 }
    local copy = ml.tensor(x)
    copy[1] = 5
    holds({ 1, 2 }, x)
  end)

  it("refuses ragged and mixed lists", function()
    fails(function() ml.tensor { { 1, 2 }, { 3 } } end,
      "^tensor: ragged list: expected shape %(2, 2%), but a list at level 2 has 1 entries, not 2")
    fails(function() ml.tensor { { 1, 2 }, 3 } end, "tensor: ragged list: number where others have a list")
    fails(function() ml.tensor { 1, { 2 } } end, "tensor: ragged list: a list where others have a number")
    fails(function() ml.tensor { 1, true } end, "tensor: numbers and booleans in one list")
    fails(function() ml.tensor { 1, "2" } end, "tensor: the values must be numbers or booleans, got string")
    fails(function() ml.tensor({ 1e300 }, { dtype = "i64" }) end, "tensor: 1e%+300 does not fit into an integer")
    local deep = 1
    for _ = 1, 9 do deep = { deep } end
    fails(function() ml.tensor(deep) end, "tensor: lists are nested deeper than 8")
    local endless = {}
    endless[1] = endless
    fails(function() ml.tensor(endless) end, "nested deeper than 8")
  end)

  it("counts from 1 and includes both ends", function()
    holds({ 1, 2, 3, 4 }, ml.arange(4))
    holds({ 3, 4, 5 }, ml.arange(3, 5))
    holds({ 5, 3, 1 }, ml.arange(5, 1, -2))
    holds({}, ml.arange(0))
    holds({}, ml.arange(2, 1))
    assert.equal("i64", ml.arange(4).dtype)
    assert.equal("f32", ml.arange(1, 2, 0.5).dtype)
    assert.equal("f64", ml.arange(4, { dtype = "f64" }).dtype)
    local tenths = ml.arange(0, 1, 0.1)
    assert.equal(11, #tenths)
    assert.equal(1, tenths[11]:item())
    holds({ 0, 0.5, 1 }, ml.linspace(0, 1, 3))
    holds({ { 1, 0 }, { 0, 1 } }, ml.eye(2))
    holds({ { 1, 0, 0 }, { 0, 1, 0 } }, ml.eye(2, 3))
    holds({ { 1 }, { 0 } }, ml.eye(2, 1, { dtype = "i64" }))
    assert.same({ 0, 2 }, ml.eye(0, 2).shape)
    holds({ 0.1, 1, 10 }, ml.logspace(-1, 1, 3))
    holds({ 2, 4, 8 }, ml.logspace(1, 3, 3, { base = 2, dtype = "f64" }))
    fails(function() ml.logspace(1, 3, 3, { base = -2 }) end, "^logspace: the base must be positive, got %-2")
    fails(function() ml.eye(-1) end, "^shape: sizes must not be negative")
    fails(function() ml.arange "3" end, "arange: takes %(n%)")
    fails(function() ml.arange(1, 5, 0) end, "arange: step must not be 0")
  end)

  it("takes the shape and the dtype of another", function()
    local x = ml.ones({ 2, 3 }, { dtype = "f64" })
    for name, f in pairs { zeros = ml.zeros_like, ones = ml.ones_like, rand = ml.rand_like, randn = ml.randn_like } do
      assert.same({ 2, 3 }, f(x).shape, name)
      assert.equal("f64", f(x).dtype, name)
      assert.equal("f32", f(x, { dtype = "f32" }).dtype, name)
      assert.is_true(f(x, { requires_grad = true }).requires_grad, name)
    end
    holds({ 7, 7 }, ml.full_like(ml.tensor { 1, 2 }, 7))
    assert.equal("i64", ml.full_like(ml.tensor { 1, 2 }, 7).dtype)
    assert.equal("f32", ml.randn_like(ml.tensor { 1, 2 }).dtype)
    fails(function() ml.zeros_like(3) end, "^zeros_like: argument 1 must be a moonlab.Tensor, got number")
    fails(function() ml.zeros_like(x, { seed = 1 }) end, "^zeros_like: unknown option 'seed'")
  end)

  it("draws between low and high, and around a mean", function()
    local u, g = ml.rand({ 20000 }, { low = -3, high = 5, seed = 1 }), ml.randn { 20000, mean = 10, std = 0.5, seed = 1 }
    assert.is_true(u:min():item() >= -3 and u:min():item() < -2.99 and u:max():item() < 5 and u:max():item() > 4.99)
    assert.is_true(math.abs(u:mean():item() - 1) < 0.08) -- five times 8 / sqrt(12 * 20000)
    assert.is_true(math.abs(g:mean():item() - 10) < 0.018)
    assert.is_true(math.abs((g - 10):square():mean():item() - 0.25) < 0.0125)
    holds((ml.rand({ 5 }, { seed = 3 }) * 2 + 1):tolist(), ml.rand({ 5 }, { seed = 3, low = 1, high = 3 }))
    fails(function() ml.rand({ 2 }, { low = 2, high = 1 }) end, "^rand: low must not be above high, got 2 and 1")
    fails(function() ml.randn({ 2 }, { std = -1 }) end, "^randn: mean must be finite and std at least 0, got 0 and %-1")
    fails(function() ml.rand({ 2 }, { mean = 1 }) end, "^rand: unknown option 'mean'")
  end)

  it("tosses coins", function()
    local coins = ml.bernoulli(0.25, { 100, 200 }, { seed = 4 })
    assert.equal("f32", coins.dtype)
    assert.is_true(math.abs(coins:mean():item() - 0.25) < 0.0154) -- five standard errors
    assert.equal(0, (coins * (coins - 1)):abs():max():item())
    holds({ 0, 1 }, ml.bernoulli(ml.tensor { 0.0, 1.0 }))
    assert.equal("bool", ml.bernoulli(0.5, { 3 }, { dtype = "bool" }).dtype)
    assert.equal("f64", ml.bernoulli(ml.tensor({ 0.5 }, { dtype = "f64" }), { seed = 2 }).dtype)
    holds(ml.bernoulli(0.5, { 9 }, { seed = 2 }):tolist(), ml.bernoulli(0.5, { 9, seed = 2 }))
    fails(function() ml.bernoulli(1.5, { 2 }) end, "^bernoulli: a probability must be 0..1, got 1.5")
    fails(function() ml.bernoulli(ml.tensor { 0.5, -1 }) end, "^bernoulli: a probability must be 0..1, got %-1")
    fails(function() ml.bernoulli("often", { 2 }) end, "^bernoulli: the probability must be a number, got string")
  end)

  it("draws the same numbers from the same seed", function()
    ml.seed(7)
    local a, b = ml.randn { 5 }, ml.rand { 5 }
    ml.seed(7)
    holds(a:tolist(), ml.randn { 5 }, 0)
    holds(b:tolist(), ml.rand { 5 }, 0)
    holds(ml.randn({ 3 }, { seed = 5 }):tolist(), ml.randn({ 3 }, { seed = 5 }), 0)
    assert.not_same(ml.randn({ 3 }, { seed = 5 }):tolist(), ml.randn({ 3 }, { seed = 6 }):tolist())
  end)

  it("draws within the ends that it was given", function()
    local dice = ml.randint(1, 6, { 2000 })
    assert.equal("i64", dice.dtype)
    assert.equal(1, dice:min():item())
    assert.equal(6, dice:max():item())
    assert.equal("f64", ml.randint(0, 1, { 3 }, { dtype = "f64" }).dtype)
    local order = ml.randperm(100):tolist()
    table.sort(order)
    for i = 1, 100 do assert.equal(i, order[i]) end
    local u = ml.rand { 1000 }
    assert.is_true(u:min() >= 0 and u:max() < 1)
    local mean, square = ml.randn({ 10000 }):mean():item(), ml.randn({ 10000 }):square():mean():item()
    assert.is_true(math.abs(mean) < 0.05 and math.abs(square - 1) < 0.05)
    fails(function() ml.randint(2, 1, { 3 }) end, "randint: low must not be larger than high, got 2, 1")
  end)

  it("names what is wrong with its arguments", function()
    fails(function() ml.zeros "3" end, "^zeros: the shape must be a list of sizes, as in {3, 4}, got string")
    fails(function() ml.zeros { 2.5 } end, "zeros: a size must be a whole number, got 2%.5")
    fails(function() ml.zeros { -1 } end, "must not be negative")
    fails(function() ml.zeros { 1, 1, 1, 1, 1, 1, 1, 1, 1 } end, "at most 8 dimensions")
    fails(function() ml.zeros({ 2 }, { dtyp = "f64" }) end, "zeros: unknown option 'dtyp'; did you mean 'dtype'%?")
    fails(function() ml.zeros({ 2 }, { dtype = "f16" }) end,
      "zeros: no dtype is called 'f16'; they are f32, f64, i64, u8, bool")
    fails(function() ml.zeros({ 2 }, { dtype = "i64", requires_grad = true }) end, "only f32 and f64 have gradients")
    fails(function() ml.full(3, 4) end, "full: the shape must be a list")
  end)
end)

describe("looking at a tensor", function()
  local x = ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }

  it("tells sizes", function()
    assert.equal(2, #x)
    assert.equal(6, x:numel())
    assert.equal(2, x:dim())
    assert.equal(3, x:size(2))
    assert.equal(3, x:size(-1))
    assert.same({ 2, 3 }, x:size())
    fails(function() x:size(3) end, "^size: dim 3 of a tensor with 2 dimensions; they count from 1")
    fails(function() return #ml.tensor(1) end, "a tensor of shape %(%) has no length")
  end)

  it("gives values as Lua's own", function()
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, x:tolist())
    assert.equal("integer", math.type(x[{ 1, 1 }]:item()))
    assert.equal("float", math.type(ml.tensor(1.0):item()))
    assert.is_true(ml.tensor(true):item())
    assert.same({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, x:transpose():tolist())
    assert.same({}, ml.zeros { 0 }:tolist())
    fails(function() x:item() end, "^item: needs a tensor with one value, got shape %(2, 3%)")
  end)

  it("prints as NumPy does", function()
    assert.equal("[[1, 2, 3],\n [4, 5, 6]]  i64 (2, 3)", tostring(x))
    assert.equal("[1.5, 2.0]  f32 (2)", tostring(ml.tensor { 1.5, 2.0 }))
    assert.equal("3.  f64 ()", tostring(ml.tensor(3.0, { dtype = "f64" })))
    assert.matches("%.%.%.", tostring(ml.zeros { 2000 }))
    assert.matches("recorded", tostring(ml.zeros({ 1 }, { requires_grad = true }) * 2))
  end)

  it("compares by identity, and single values by size", function()
    local w = ml.ones({ 2 }, { requires_grad = true })
    w:sum():backward()
    assert.is_true(w.grad == w.grad)
    assert.is_false(x == ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } })
    assert.is_true(ml.tensor(1) < 2 and ml.tensor(2.5) >= ml.tensor(2) and 3 > ml.tensor(2))
    assert.is_false(ml.tensor(1) > 1)
    fails(function() return x < 3 end,
      "compares single values, got shape %(2, 3%); x:lt%(y%) compares element by element")
  end)

  it("offers the nearest name for a field that it does not have", function()
    fails(function() return x.shap end, "^a tensor has no field 'shap'; did you mean 'shape'%?")
    fails(function() x.shape = { 3 } end, "a tensor has no field 'shape' that can be set")
  end)

  it("lets go of its values when a block closes it", function()
    local y <close> = ml.zeros { 10 }
    local kept
    do
      local z <close> = ml.ones { 10 }
      kept = z
    end
    assert.equal(10, y:numel())
    fails(function() kept:sum() end, "sum: argument 1 must be a tensor or a number, got")
    fails(function() kept:item() end, "has been closed")
    assert.equal("a closed tensor", tostring(kept))
  end)

  it("survives other things in its place", function()
    local get_size, meta = x.size, debug.getmetatable(x)
    for _, other in ipairs { 1, "x", {}, print, io.stdout, coroutine.create(print), true } do
      fails(function() get_size(other) end, "size: argument 1 must be a moonlab%.Tensor, got ")
      assert.has_no.errors(function() meta.__gc(other) end)
    end
    fails(function() get_size() end, "got nothing")
    assert.is_false(ml.is_tensor(io.stdout))
    assert.is_true(ml.is_tensor(x))
  end)
end)
