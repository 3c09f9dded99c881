-- Bilinear, locally connected layers, kinds of padding, adaptive and global pools, activations and initialisers with options.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function distance(a, b)
  assert.same(a.shape, b.shape)
  return (a - b):abs():max():item()
end

describe("Bilinear", function()
  it("is a form of two vectors for each output", function()
    local layer = nn.Bilinear(2, 3, 2, { weight_init = "zeros", bias_init = { "constant", scale = 0.5 } })
    layer.weight:detach()[{ 1, 1, 3 }] = 2 -- a1 b3
    layer.weight:detach()[{ 2, 2, 1 }] = 1 -- a2 b1
    holds({ { 30.5, 6.5 } }, layer(ml.tensor { { 3., 2, 3, 4, 5 } }))
    holds({ 30.5, 6.5 }, layer(ml.tensor { 3., 2, 3, 4, 5 }))
    assert.same({ 4, 6, 2 }, layer(ml.zeros { 4, 6, 5 }).shape)
    assert.equal("Bilinear(2, 3 -> 2)", tostring(layer))
    assert.equal(1, #nn.Bilinear(2, 3, 2, { bias = false }):parameters())
    fails(function() return layer(ml.zeros { 4, 4 }) end,
      "^Bilinear%(2, 3 %-> 2%): the input's last size must be 5, both vectors side by side")
    fails(function() return nn.Bilinear(2, 3) end, "^Bilinear: the number of outputs must be a whole number")
    fails(function() return nn.Bilinear(2, 0, 3) end, "^Bilinear: sizes must be at least 1, got 2, 0 %-> 3")
  end)
end)

describe("locally connected layers", function()
  it("are a convolution when all places have the same weights", function()
    for _, opts in ipairs { {}, { stride = 2 }, { padding = 1 }, { padding = "same", padding_mode = "reflect" },
      { bias = false } } do
      opts.dtype = "f64"
      local conv, layer = nn.Conv2d(2, 3, { 3, 2 }, opts), nn.LocallyConnected2d(2, 3, { 3, 2 }, { 6, 5 }, opts)
      local x = ml.randn({ 4, 2, 6, 5 }, { seed = 1, dtype = "f64" })
      layer.weight:detach()[{}] = conv.weight:detach():unsqueeze(1):expand(layer.weight.shape)
      if conv.parameters(conv)[2] then layer.bias:detach()[{}] = conv.bias:detach():reshape(3, 1, 1):expand(layer.bias.shape) end
      assert.is_true(distance(layer(x), conv(x)) < 1e-12)
    end
    local conv, layer = nn.Conv1d(2, 3, 3, { padding = 1 }), nn.LocallyConnected1d(2, 3, 3, 7, { padding = 1 })
    local x = ml.randn({ 4, 2, 7 }, { seed = 1 })
    layer.weight:detach()[{}] = conv.weight:detach():unsqueeze(1):expand(layer.weight.shape)
    layer.bias:detach()[{}] = conv.bias:detach():unsqueeze(2):expand(layer.bias.shape)
    assert.is_true(distance(layer(x), conv(x)) < 1e-5)
  end)

  it("have weights of their own at each place", function()
    local layer = nn.LocallyConnected1d(1, 1, 2, 4, { bias = false })
    layer.weight:detach()[{}] = ml.tensor({ 1., 0, 0, 1, 2, 3 }):reshape(3, 1, 1, 2)
    holds({ { { 10, 30, 180 } } }, layer(ml.tensor { { { 10., 20, 30, 40 } } }))
    assert.equal("LocallyConnected1d(1 -> 1, kernel 2, no bias, size 4)", tostring(layer))
    local bound = 1 / math.sqrt(3 * 9)
    local w = nn.LocallyConnected2d(3, 4, 3, 8).weight
    assert.is_true(w:abs():max():item() <= bound and w:abs():max():item() > 0.98 * bound)
  end)

  it("say what is wrong", function()
    fails(function() return nn.LocallyConnected2d(1, 1, 3, { 4, 5 })(ml.zeros { 1, 1, 5, 5 }) end,
      "the input has another size, its shape is")
    fails(function() return nn.LocallyConnected2d(1, 1, 3, 2) end,
      "^LocallyConnected2d: the kernel %(3, 3%) is larger than the images")
    fails(function() return nn.LocallyConnected2d(1, 1, 3) end,
      "^LocallyConnected2d: the size of the images must be a whole number, got nothing")
    fails(function() return nn.LocallyConnected2d(1, 1, 3, 5, { groups = 1 }) end, "unknown option 'groups'")
    fails(function() return nn.LocallyConnected2d(1, 1, 3, 5, { weight_init = "orthogonal" }) end,
      "^LocallyConnected2d: orthogonal is made for one matrix, here there is one at each place")
  end)
end)

describe("padding", function()
  it("is what its mode says", function()
    local x = ml.tensor { { { 1., 2, 3, 4 } } }
    local function ends(mode, padding)
      local layer = nn.Conv1d(1, 1, 3, { padding = padding or 1, padding_mode = mode, bias = false })
      return layer:apply({ ml.tensor { { { 1., 10, 100 } } } }, x)
    end
    holds({ { { 210, 321, 432, 43 } } }, ends "zeros")
    holds({ { { 214, 321, 432, 143 } } }, ends "circular")
    holds({ { { 212, 321, 432, 343 } } }, ends "reflect")
    holds({ { { 211, 321, 432, 443 } } }, ends "replicate")
    holds({ { { 212, 321, 432, 343 } } }, ends("reflect", "same"))
    holds({ { { 321, 432 } } }, ends("zeros", "valid"))
    local said = tostring(nn.Conv1d(1, 1, 3, { padding = 1, padding_mode = "reflect" }))
    assert.equal("Conv1d(1 -> 1, kernel 3, padding 1, reflect)", said)
    fails(function() return nn.Conv1d(1, 1, 3, { padding_mode = "mirror" }) end,
      '^Conv1d: padding_mode must be "zeros", "reflect"')
    fails(function() return nn.Conv1d(1, 1, 3, { padding_mode = "constant" }) end,
      '^Conv1d: padding_mode must be "zeros", "reflect"')
    local wide = nn.Conv1d(1, 1, 3, { padding = 5, padding_mode = "circular", bias = false })
    fails(function() return wide(x) end, "^Conv1d%(1 %-> 1, kernel 3, padding 5, circular, no bias%): .*at most 4 values")
  end)
end)

describe("pools", function()
  it("of one dimension, and of the largest value", function()
    local row = ml.tensor { { { 1., 5, 2, 3, 4 } } }
    holds({ { { 8 / 3, 3 } } }, nn.AdaptiveAvgPool1d(2)(row), 1e-6)
    holds({ { { 5, 4 } } }, nn.AdaptiveMaxPool1d(2)(row))
    holds({ 5, 4 }, nn.AdaptiveMaxPool1d(2)(row:reshape(1, 5))[1])
    local x = ml.arange(1, 16):cast("f32"):reshape(1, 1, 4, 4)
    holds({ { { { 6, 8 }, { 14, 16 } } } }, nn.AdaptiveMaxPool2d(2)(x))
    holds({ { { { 6, 7, 8 }, { 10, 11, 12 }, { 14, 15, 16 } } } }, nn.AdaptiveMaxPool2d(3)(x))
    holds({ { 16 } }, nn.GlobalMaxPool()(x))
    holds({ { 5 } }, nn.GlobalMaxPool()(row))
    assert.equal("AdaptiveMaxPool2d(2x3)", tostring(nn.AdaptiveMaxPool2d { 2, 3 }))
    fails(function() return nn.GlobalMaxPool()(ml.zeros { 2, 3 }) end,
      "^GlobalMaxPool: the input must be %(n, channels, %.%.%.%)")
    fails(function() return nn.AdaptiveMaxPool2d(2)(ml.zeros { 3 }) end,
      "^AdaptiveMaxPool2d%(2%): the input must be %(%.%.%., height, width%)")
    fails(function() return nn.AdaptiveMaxPool2d(0) end, "^AdaptiveMaxPool2d: ")
  end)
end)

describe("activations", function()
  it("take their options by position or by name, and say them", function()
    local x = ml.tensor { -1., 2 }
    holds({ -0.2, 2 }, nn.LeakyReLU(0.2)(x))
    holds({ -0.2, 2 }, nn.LeakyReLU { slope = 0.2 }(x))
    holds({ -0.01, 2 }, nn.LeakyReLU()(x))
    for text, layer in pairs {
      ["LeakyReLU"] = nn.LeakyReLU(), ["LeakyReLU(slope 0.3)"] = nn.LeakyReLU(0.3), ["ELU(alpha 2)"] = nn.ELU(2),
        ["GELU(tanh)"] = nn.GELU(true),
      ["Clamp(min 0, max 6)"] = nn.Clamp(0, 6), ["Softmax(dim 2)"] = nn.Softmax(2), ["Softmax"] = nn.Softmax(-1),
        ["LogSoftmax(dim -2)"] = nn.LogSoftmax(-2),
      ["Sine(30)"] = nn.Sine(), ["Sine(1.5)"] = nn.Sine(1.5), ["Maxout(3)"] = nn.Maxout(3), ["Maxout(3, dim 2)"] = nn.Maxout(3,
        { dim = 2 }),
    } do assert.equal(text, tostring(layer)) end
    holds({ { 0.5, 0.5 } }, nn.Softmax(2)(ml.zeros { 1, 2 }))
    holds({ { 1, 1 } }, nn.Softmax(1)(ml.zeros { 1, 2 }))
    fails(function() nn.LeakyReLU { slop = 0.2 } end, "^LeakyReLU: unknown option 'slop'; did you mean 'slope'%?")
    fails(function() nn.LeakyReLU "steep" end, "^LeakyReLU: slope must be a number, got")
    fails(function() nn.Softmax(0) end, "^Softmax: dim 0 of a tensor")
    fails(function() nn.Softmax(3)(ml.zeros { 2, 2 }) end, "^Softmax%(dim 3%): ")
    fails(function() nn.SELU(1) end, "^SELU: takes no arguments")
    fails(function() nn.Sine(1 / 0) end, "^Sine: w0 must be finite")
  end)

  it("of several pieces take the largest", function()
    holds({ { 5, 3 } }, nn.Maxout(2)(ml.tensor { { 1., 5, 3, 2 } }))
    holds({ { { 3, 4 } } }, nn.Maxout(2, { dim = 2 })(ml.tensor { { { 1., 4 }, { 3., 2 } } }))
    assert.same({ 2, 5, 4, 4 }, nn.Maxout(3, { dim = -3 })(ml.zeros { 2, 15, 4, 4 }).shape)
    fails(function() return nn.Maxout(2)(ml.zeros { 2, 3 }) end,
      "^Maxout%(2%): the input must have a dimension there of a multiple of 2, got")
    fails(function() nn.Maxout(2, { dim = 0 }) end, "^Maxout: dim counts from 1")
    fails(function() nn.Maxout(0) end, "^Maxout: there must be at least 1 piece")
  end)

  it("keep mean 0 and variance 1 as SELU promises, and ReLU does not", function()
    local function after(make, init)
      ml.seed(1)
      local x = ml.randn { 200, 300 }
      for _ = 1, 12 do x = make()(nn.Linear(300, 300, { bias = false, weight_init = init })(x)) end
      return x:mean():item(), x:var():item()
    end
    local mean, var = after(nn.SELU, "lecun_normal")
    assert.is_true(math.abs(mean) < 0.1 and math.abs(var - 1) < 0.3)
    mean, var = after(nn.ReLU, "lecun_normal")
    assert.is_true(var < 0.05 and mean > 0)
  end)

  it("make a SIREN whose layers stay between -1 and 1 and keep their spread", function()
    ml.seed(2)
    local x, w0 = ml.rand { 500, 2 } * 2 - 1, 30
    local layers = { nn.Linear(2, 256, { weight_init = { "uniform", scale = 1 / 2 } }), nn.Sine(w0) }
    for _ = 1, 4 do
      layers[#layers + 1] = nn.Linear(256, 256, { weight_init = { "he_uniform", scale = 1 / w0 }, bias_init = "zeros" })
      layers[#layers + 1] = nn.Sine(w0)
    end
    local y = nn.Sequential(layers)(x)
    -- a layer sees a normal sum of variance 2 v; the sine of that has (1 - e^-4v) / 2, which stays at v = 0.398
    assert.is_true(math.abs(y:square():mean():item() - 0.398) < 0.04)
  end)
end)

describe("initialisers by option", function()
  it("take scale, gain, fan and connections", function()
    local w = nn.Linear(40, 30, { weight_init = { "orthogonal", gain = "relu" }, dtype = "f64" }).weight:detach()
    assert.is_true(distance(w:matmul(w:transpose()), ml.ones({ 30 }, { dtype = "f64" }):diag_embed() * 2) < 1e-10)
    assert.equal(90, nn.Linear(40, 30, { weight_init = { "sparse", connections = 3 } }).weight:count_nonzero():item())
    local conv = nn.Conv2d(16, 64, 3, { weight_init = { "he_normal", fan = "out" } })
    assert.is_true(math.abs(conv.weight:square():mean():item() / (2 / (64 * 9)) - 1) < 0.1)
    assert.is_true(math.abs(nn.init.gain "leaky_relu" - math.sqrt(2 / 1.0001)) < 1e-12)
    assert.equal(1, nn.init.gain("leaky_relu", 1))
    local eye = nn.init.identity(ml.zeros { 4, 2 }, { groups = 2 })
    holds({ { 1, 0 }, { 0, 1 }, { 1, 0 }, { 0, 1 } }, eye)
    holds(nn.init.orthogonal(ml.zeros { 3, 3 }, { seed = 4 }):tolist(), nn.init.orthogonal(ml.zeros { 3, 3 }, { seed = 4 }), 0)
  end)

  it("say what is wrong", function()
    local function with(init) return function() nn.Linear(3, 2, { weight_init = init }) end end
    fails(with { "normal", fan = "in" }, "^Linear: unknown option 'fan'")
    fails(with { "he_normal", fan = "into" }, '^Linear: fan must be "in", "out" or "mean", got "into"')
    fails(with { "he_normal", gain = "relu", scale = 2 }, '^Linear: gain = "relu" is a scale by name; give one of both')
    fails(with { "he_normal", gain = "rleu" }, "init.gain: there is no 'rleu'; did you mean 'relu'%?")
    fails(with { "sparse", connections = 0 }, "^Linear: connections must be at least 1")
    fails(with { "identity", groups = 2 }, "^Linear: unknown option 'groups'")
    fails(function() nn.init.gain(3) end, "^init.gain: takes the name of an activation, got number")
    fails(function() nn.init.orthogonal(ml.zeros { 3 }) end, "^init: orthogonal needs a matrix, got shape %(3%)")
    fails(function() nn.init.normal(ml.zeros { 3 }, 2) end, "^init.normal: options must be a table, got number")
  end)
end)
