local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function small()
  return nn.Sequential { nn.Embedding(5, 4), nn.Flatten(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3) }
end

describe("layers", function()
  it("hold their parameters", function()
    local layer = nn.Linear(3, 2)
    assert.same({ 2, 3 }, layer.weight.shape)
    assert.same({ 2 }, layer.bias.shape)
    assert.is_true(layer.weight.requires_grad and layer.weight.is_leaf)
    assert.is_true(layer.weight == layer.weight)
    assert.equal(0, #layer)
    assert.equal("Linear", layer:kind())
  end)

  it("compute what they say", function()
    local layer = nn.Linear(3, 2)
    local x = ml.tensor { { 1.0, 2, 3 } }
    holds((x:matmul(layer.weight:transpose()) + layer.bias):tolist(), layer(x), 1e-6)
    local table_of = nn.Embedding(4, 2)
    holds({ table_of.weight[3]:tolist(), table_of.weight[1]:tolist() }, table_of(ml.tensor { 3, 1 }), 0)
    assert.same({ 2, 12 }, nn.Flatten()(ml.ones { 2, 3, 4 }).shape)
    holds({ 0, 2 }, nn.ReLU()(ml.tensor { -1.0, 2 }))
    holds(ml.tensor({ 0.5 }):tanh():tolist(), nn.Tanh()(ml.tensor { 0.5 }), 1e-6)
    holds(ml.tensor({ 0.5 }):sigmoid():tolist(), nn.Sigmoid()(ml.tensor { 0.5 }), 1e-6)
  end)

  it("take options, and refuse those that they do not know", function()
    local plain = nn.Linear(3, 2, { bias = false, dtype = "f64", weight_init = "zeros" })
    assert.equal(1, #plain:parameters())
    assert.equal("f64", plain.weight.dtype)
    holds({ { 0, 0, 0 }, { 0, 0, 0 } }, plain.weight)
    holds({ { 3, 3 } }, nn.Embedding(1, 2, { init = { "constant", scale = 3 } }).weight)
    fails(function() return nn.Linear(3, 2, { biass = false }) end,
      "^Linear: unknown option 'biass'; did you mean 'bias'%?")
    fails(function() return nn.Linear(3, 2, { weight_init = "he_normall" }) end, "he_normal")
    fails(function() return nn.Linear(3, 2, { weight_init = 3 }) end,
      "^Linear: an initialiser is a name, or { name, scale = }, got number")
    fails(function() return nn.Linear(3, 2, { weight_init = { "uniform", scal = 3 } }) end,
      "unknown option 'scal'; did you mean 'scale'%?")
    fails(function() return nn.Linear(3) end, "^Linear: the number of outputs must be a whole number, got nothing")
    fails(function() return nn.Linear(3, 0) end, "^Linear: ")
    fails(function() return nn.ReLU { slope = 1 } end, "^ReLU: takes no arguments")
    fails(function() return nn.Flatten(1) end, "^Flatten: takes no arguments")
    fails(function() return plain.wieght end, "^Linear has no field 'wieght'")
  end)

  it("name their input when it is wrong", function()
    local layer = nn.Linear(3, 2)
    fails(function() return layer(ml.ones { 4, 5 }) end, "%(4, 5%)")
    fails(function() return layer(3) end, "^Linear: its input must be a moonlab%.Tensor, got number")
    fails(function() return layer() end, "^Linear: its input must be a moonlab%.Tensor, got nothing")
    fails(function() return nn.Embedding(4, 2)(ml.tensor { 0 }) end, "must be 1%.%.4, found 0 %(add 1%)")
    fails(function() return nn.Embedding(4, 2)(ml.tensor { 5 }) end, "must be 1%.%.4, found 5")
  end)
end)

describe("Sequential", function()
  it("runs its layers one after the other", function()
    local model = small()
    local x = ml.tensor { { 1, 2 }, { 5, 3 } }
    local y = x
    for i = 1, #model do y = model[i](y) end
    holds(y:tolist(), model(x), 1e-5)
    assert.equal(5, #model)
    assert.equal("Embedding", model[1]:kind())
    assert.is_true(model[1] == model[1] and model[-1] == model[5])
    assert.same({ 5, 4 }, model[1].weight.shape)
    fails(function() return model[6] end, "^Sequential: no layer 6; it has 5, counted from 1")
    fails(function() return model[0] end, "^Sequential: no layer 0; it has 5")
  end)

  it("lists its parameters in the order of the layers", function()
    local model = small()
    local names, params = {}, model:parameters()
    for name, p in model:named_parameters() do
      names[#names + 1] = name
      assert.is_true(p == params[#names])
    end
    assert.same({ "1.weight", "3.weight", "3.bias", "5.weight", "5.bias" }, names)
  end)

  it("is a pure function of given parameters too", function()
    local model = small()
    local x, params = ml.tensor { { 1, 2 } }, {}
    for i, p in ipairs(model:parameters()) do params[i] = p * 0 end
    holds({ { 0, 0, 0 } }, model:apply(params, x))
    holds(model(x):tolist(), model:apply(model:parameters(), x), 0)
    fails(function() return model:apply({ params[1] }, x) end, "it has 5 parameters, 1 were given")
    fails(function() return model:apply(params) end, "^apply: the input must be a moonlab%.Tensor, got nothing")
    fails(function() return model:apply({ 3 }, x) end, "^apply: parameter 1 must be a moonlab%.Tensor, got number")
  end)

  it("nests, shares layers and outlives their names", function()
    local shared = nn.Linear(2, 2)
    local model = nn.Sequential(nn.Sequential { shared, nn.Tanh() }, nn.Linear(2, 1))
    shared = shared.weight
    collectgarbage()
    assert.is_true(model[1][1].weight == shared)
    assert.same({ 3, 1 }, model(ml.ones { 3, 2 }).shape)
    fails(function() return nn.Sequential { nn.Linear(2, 2), 3 } end,
      "^Sequential: layer 2 must be a moonlab%.Module, got number")
    fails(function() return nn.Sequential({ nn.Linear(2, 2) }, { name = "x" }) end,
      "^Sequential: unknown option 'name'")
  end)

  it("prints a table of its layers", function()
    assert.equal([[
Sequential
  1  Embedding(5 -> 4)  20  weight (5, 4)
  2  Flatten
  3  Linear(8 -> 6)     54  weight (6, 8)  bias (6)
  4  ReLU
  5  Linear(6 -> 3)     21  weight (3, 6)  bias (3)
     in all             95]], tostring(small()))
    assert.equal("Linear(3 -> 2)", tostring(nn.Linear(3, 2)))
    local nested = nn.Sequential { nn.Sequential { nn.Linear(1000, 1000) } }
    assert.equal([[
Sequential
  1    Sequential
  1.1  Linear(1000 -> 1000)  1,001,000  weight (1000, 1000)  bias (1000)
       in all                1,001,000]], tostring(nested))
  end)
end)

describe("initialisers", function()
  it("fill a tensor and return it", function()
    local w = ml.zeros { 200, 100 }
    assert.is_true(nn.init.he_normal(w) == w)
    assert.is_true(math.abs(w:square():mean():item() - 2 / 100) < 0.002)
    nn.init.uniform(w, { scale = 0.5 })
    assert.is_true(w:max() < 0.5 and w:min() >= -0.5 and w:max() > 0.49)
    nn.init.constant(w, { scale = 3 })
    assert.equal(3, w[{ 7, 7 }]:item())
    nn.init.normal(w, { seed = 4 })
    local first = w[1]:tolist()
    nn.init.zeros(w)
    nn.init.normal(w, { seed = 4 })
    holds(first, w[1], 0)
    fails(function() nn.init.normal(w, { standard = 4 }) end,
      "^init%.normal: unknown option 'standard'; it knows scale, gain, seed")
    fails(function() nn.init.normal(ml.tensor { 1 }) end, "f")
  end)
end)
