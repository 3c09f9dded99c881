-- Layers of networks of images: convolutions, pooling, normalisation, dropout; training and evaluation; a small CNN that learns.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function shape_of(layer, ...) return layer(ml.ones { ... }).shape end

describe("convolutions", function()
  it("have the shapes that their options say", function()
    assert.same({ 2, 8, 5, 6 }, shape_of(nn.Conv2d(3, 8, 3), 2, 3, 7, 8))
    assert.same({ 2, 8, 7, 8 }, shape_of(nn.Conv2d(3, 8, 3, { padding = 1 }), 2, 3, 7, 8))
    assert.same({ 2, 8, 4, 3 }, shape_of(nn.Conv2d(3, 8, { 3, 5 }, { stride = 2, padding = { 1, 1 } }), 2, 3, 7, 8))
    assert.same({ 2, 8, 7, 8 }, shape_of(nn.Conv2d(3, 8, 4, { padding = "same" }), 2, 3, 7, 8))
    assert.same({ 2, 6, 7, 8 },
      shape_of(nn.Conv2d(3, 6, 5, { padding = "same", padding_mode = "circular", groups = 3 }), 2, 3, 7, 8))
    assert.same({ 2, 8, 19 }, shape_of(nn.Conv1d(1, 8, 5, { stride = 2, padding = 1 }), 2, 1, 40))
    assert.same({ 2, 8, 19 }, shape_of(nn.Conv1d(1, 8, 5, { stride = 2, padding = 1 }), 2, 40)) -- of one channel
    assert.same({ 2, 8, 5, 6 }, shape_of(nn.Conv2d(1, 8, 3), 2, 7, 8))
    assert.same({ 2, 8, 40 }, shape_of(nn.Conv1d(1, 8, 4, { padding = "same", dilation = 3 }), 2, 1, 40))
    assert.same({ 2, 3, 14, 16 },
      shape_of(nn.ConvTranspose2d(8, 3, 2, { stride = 2 }), 2, 8, 7, 8))
    assert.same({ 2, 3, 14, 16 },
      shape_of(nn.ConvTranspose2d(8, 3, 3, { stride = 2, padding = 1, output_padding = 1 }), 2, 8, 7, 8))
    assert.same({ 8, 1, 3 }, nn.Conv1d(1, 8, 3).weight.shape)
    assert.same({ 8, 1, 3, 3 }, nn.Conv2d(4, 8, 3, { groups = 4 }).weight.shape)
  end)

  it("compute what they say", function()
    local x = ml.tensor { { { 1., 2, 3, 4 } } }
    local function conv(opts, weights)
      local layer = nn.Conv1d(1, 1, #weights, opts)
      return layer:apply({ ml.tensor { { weights } }, ml.tensor { 0.5 } }, x):tolist()[1][1]
    end
    holds({ 5.5, 8.5, 11.5 }, ml.tensor(conv({}, { 1., 2 })))                              -- x_i + 2 x_(i+1)
    holds({ 5.5, 8.5, 11.5, 4.5 }, ml.tensor(conv({ padding = "same" }, { 1., 2 })))       -- one more at the end
    holds({ 5.5, 8.5, 11.5, 6.5 }, ml.tensor(conv({ padding = "same", padding_mode = "circular" }, { 1., 2 })))
    holds({ 1.5, 2.5, 3.5, 4.5, 1.5, 2.5 }, ml.tensor(conv({ padding = 2, padding_mode = "circular", dilation = 2 }, { 0., 1 })))
    local up = nn.ConvTranspose2d(1, 1, { 1, 2 }, { stride = { 1, 2 } })
    holds({ { { { 1, 3, 2, 6 } } } },
      up:apply({ ml.tensor { { { { 1., 3 } } } }, ml.zeros { 1 } }, ml.tensor { { { { 1., 2 } } } }))
  end)

  it("are one operation with the ReLU behind them", function()
    local model = nn.Sequential { nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 2, { stride = 2 }), nn.Tanh() }
    local x = ml.randn { 2, 2, 7, 6 }
    local y = x
    for i = 1, 4 do y = model[i](y) end
    holds(y:tolist(), model(x), 1e-5)
  end)

  it("begin as PyTorch's do", function()
    local layer = nn.Conv2d(8, 64, 5)
    local bound = 1 / math.sqrt(8 * 25)
    for _, p in ipairs(layer:parameters()) do
      assert.is_true(p:max():item() <= bound and p:min():item() >= -bound and p:max():item() > 0.8 * bound)
    end
    ml.seed(3)
    local first = nn.Conv2d(2, 2, 3).weight:tolist()
    ml.seed(3)
    holds(first, nn.Conv2d(2, 2, 3).weight, 0)
  end)

  it("say what is wrong", function()
    local layer = nn.Conv2d(3, 8, 3)
    fails(function() return layer(ml.ones { 2, 4, 7, 7 }) end, "^Conv2d%(3 %-> 8, kernel 3%): the input has 4 channels, not 3")
    fails(function() return layer(ml.ones { 3, 7, 7 }) end, "the input must be %(n, channels, height, width%), got %(3, 7, 7%)")
    fails(function() return layer(ml.ones { 1, 3, 2, 7 }) end, "the kernel reaches over 3 rows, the image has 2")
    fails(function() return nn.Conv2d(3, 8, 3, { padding = "full" }) end,
      "^Conv2d: padding must be a number, two, \"same\" or \"valid\"")
    fails(function() return nn.Conv2d(3, 8, 3, { padding = "same", stride = 2 }) end, "only with a stride of 1")
    fails(function() return nn.Conv2d(3, 8, 3, { stride = 0 }) end, "^Conv2d: stride must be at least 1")
    fails(function() return nn.Conv2d(3, 8, 3, { groups = 2 }) end, "2 groups do not divide 3 inputs")
    fails(function() return nn.Conv2d(3, 8, 3, { strides = 2 }) end, "unknown option 'strides'; did you mean 'stride'%?")
    fails(function() return nn.Conv1d(3, 8, { 3, 3 }) end, "^Conv1d: the kernel is one number")
  end)
end)

describe("pooling", function()
  it("takes windows", function()
    local x = ml.arange(1, 16):cast("f32"):reshape(1, 1, 4, 4)
    holds({ { { { 6, 8 }, { 14, 16 } } } }, nn.MaxPool2d(2)(x))
    holds({ { { { 3.5, 5.5 }, { 11.5, 13.5 } } } }, nn.AvgPool2d(2)(x))
    holds({ { { { 1.5, 3.5 } } } }, nn.AvgPool2d({ 1, 2 }, { stride = { 4, 2 } })(x))
    holds({ { { { 8.5 } } } }, nn.AdaptiveAvgPool2d(1)(x))
    holds({ { 8.5 } }, nn.GlobalAvgPool()(x))
    local row = ml.tensor { { { 1., 5, 2, 3, 4 } } }
    holds({ { { 5, 3 } } }, nn.MaxPool1d(2)(row))
    holds({ { { 5, 5, 4 } } }, nn.MaxPool1d(3, { stride = 2, padding = 1 })(row))
    holds({ { { 3, 10 / 3, 3.5 } } }, nn.AvgPool1d(3, { stride = 2, padding = 1, count_include_pad = false })(row), 1e-6)
    fails(function() return nn.MaxPool2d(2, { padding = 2 }) end, "^MaxPool2d: .*at most half")
    fails(function() return nn.MaxPool2d(3)(ml.ones { 1, 1, 2, 2 }) end, "^MaxPool2d%(3%): the kernel reaches over 3 rows")
  end)
end)

describe("normalisation", function()
  it("has mean 0 and variance 1 where it says", function()
    local x = ml.randn { 6, 4, 5, 3 } * 3 + 2
    local function check(y, dims)
      assert.is_true(y:mean(dims):abs():max():item() < 1e-5)
      assert.is_true((y:var { dims = dims, correction = 0 } - 1):abs():max():item() < 1e-3)
    end
    check(nn.BatchNorm2d(4)(x), { 1, 3, 4 })
    check(nn.LayerNorm(3, { eps = 1e-6 })(x), { 4 })
    check(nn.LayerNorm({ 5, 3 })(x), { 3, 4 })
    check(nn.GroupNorm(2, 4)(x):reshape(6, 2, 30), { 3 })
    check(nn.BatchNorm1d(4)(x:reshape(6, 4, 15)), { 1, 3 })
    check(nn.BatchNorm1d(60)(x:reshape(6, 60)), { 1 })
    local y = nn.RMSNorm(3)(x)
    assert.is_true((y:square():mean(-1) - 1):abs():max():item() < 1e-2)
  end)

  it("keeps running statistics in training and uses them in evaluation", function()
    local layer = nn.BatchNorm1d(2, { momentum = 0.5 })
    local x = ml.tensor { { 1., 10 }, { 3., 30 } }
    layer(x)
    holds({ 1, 10 }, layer.running_mean)
    holds({ 1.5, 100.5 }, layer.running_var)
    layer:eval()
    assert.is_false(layer:training())
    holds({ { 0, 0 }, { 2 / math.sqrt(1.5), 20 / math.sqrt(100.5) } }, layer(x), 1e-4)
    holds({ 1, 10 }, layer.running_mean)
    layer:train()
    layer(x)
    holds({ 1.5, 15 }, layer.running_mean)
    fails(function() return layer(ml.ones { 1, 2 }) end, "more than one value for each channel")
    fails(function() return nn.BatchNorm2d(3)(ml.ones { 2, 2, 2, 2 }) end, "the input has 2 channels, not 3")
  end)

  it("keeps its running statistics in what is saved", function()
    local function new() return nn.Sequential { nn.Linear(3, 4), nn.BatchNorm1d(4) } end
    local model, other = new(), new()
    model(ml.randn { 8, 3 })
    other:load_state(model:state())
    holds(model[2].running_mean:tolist(), other[2].running_mean, 0)
    holds(model:eval()(ml.ones { 1, 3 }):tolist(), other:eval()(ml.ones { 1, 3 }), 0)
    local state = model:state()
    state["2.running_var"] = nil
    fails(function() other:load_state(state) end, "there is no tensor '2%.running_var' for Sequential")
  end)

  it("is a pure function of parameters and buffers too", function()
    local model = nn.Sequential { nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2) }
    local x = ml.randn { 8, 3 }
    local names = {}
    for name in model:named_buffers() do names[#names + 1] = name end
    assert.same({ "2.running_mean", "2.running_var" }, names)
    local before = model[2].running_mean:tolist()
    local y, state = model:apply(model:parameters(), model:buffers(), x, { train = true, seed = 7 })
    local again = model:apply(model:parameters(), model:buffers(), x, { train = true, seed = 7 })
    holds(y:tolist(), again, 0)
    assert.equal(2, #state)
    holds(before, model[2].running_mean, 0)
    assert.is_true((state[1] - model[2].running_mean):abs():max():item() > 0)
    local calm = model:apply(model:parameters(), state, x, { train = false })
    holds(calm:tolist(), model:apply(model:parameters(), state, x, { train = false }), 0)
    fails(function() model:apply(model:parameters(), { state[1] }, x) end, "it has 2 buffers, 1 were given")
    fails(function() model:apply(model:parameters(), { state[1], x }, x) end,
      "buffer 2%.running_var must have shape %(4%), got %(8, 3%)")
    fails(function() model:apply(model:parameters(), x, { trian = true }) end, "unknown option 'trian'; did you mean 'train'%?")
  end)
end)

describe("dropout", function()
  it("drops a share in training, and nothing in evaluation", function()
    local layer, x = nn.Dropout(0.25), ml.ones { 100, 100 }
    ml.seed(1)
    local y = layer(x)
    local kept = y:ne(0):cast("f32"):mean():item()
    assert.is_true(math.abs(kept - 0.75) < 0.02)
    holds(ml.where(y:ne(0), ml.full({ 100, 100 }, 1 / 0.75), ml.zeros { 100, 100 }):tolist(), y, 1e-6)
    assert.is_true(layer(x):ne(y):cast("f32"):sum():item() > 0)
    ml.seed(1)
    holds(y:tolist(), layer(x), 0)
    layer:eval()
    holds(x:tolist(), layer(x), 0)
    fails(function() return nn.Dropout(2) end, "^Dropout: p must be in 0%.%.1")
  end)
end)

describe("accuracy", function()
  it("is that of the model in evaluation, which is then again as it was", function()
    local model = nn.Sequential { nn.Sequential { nn.BatchNorm1d(2), nn.Dropout(0.9) }, nn.BatchNorm1d(2):eval() }
    local xs, ys = {}, {}
    for i = 1, 50 do xs[i], ys[i] = ml.eye(2), ml.tensor { 1, 2 } end
    local data = { x = ml.cat(xs, 1), y = ml.cat(ys, 1) }
    assert.equal(1, ml.accuracy(model, data))
    holds({ 0, 0 }, model[1][1].running_mean, 0)
    assert.is_true(model:training() and model[1]:training() and model[1][2]:training())
    assert.is_false(model[2]:training())
    fails(function() ml.accuracy(model, { x = ml.ones { 2, 3 }, y = data.y[{ { 1, 2 } }] }) end, "the input has 3 channels")
    assert.is_true(model:training())
  end)
end)

-- Bars: a horizontal or a vertical one, or a cross of both, anywhere in an image of 12 by 12 with noise. A place tells nothing.
local function bars(n, seed)
  ml.seed(seed)
  local x, labels = ml.randn { n, 1, 12, 12 } * 0.3, ml.randint(1, 3, { n })
  local at = ml.randint(2, 11, { n, 2 }):tolist()
  for i, kind in ipairs(labels:tolist()) do
    if kind ~= 2 then x[{ i, 1, at[i][1] }] = x[{ i, 1, at[i][1] }] + 1 end
    if kind ~= 1 then
      for row = 1, 12 do x[{ i, 1, row, at[i][2] }] = x[{ i, 1, row, at[i][2] }] + 1 end
    end
  end
  return { x = x, y = labels }
end

local function trained(data, test)
  ml.seed(5)
  local model = nn.Sequential {
    nn.Conv2d(1, 8, 3, { padding = 1, bias = false }), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(64, 3),
  }
  local opt = ml.optim.Adam(model:parameters(), { lr = 5e-3 })
  for _ = 1, 12 do
    for first = 1, data.y.shape[1], 50 do
      local part = { { first, first + 49 } }
      opt:minimize(nn.cross_entropy(model(data.x[part]), data.y[part]))
    end
  end
  return ml.accuracy(model, test)
end

describe("a small CNN", function()
  it("learns bars that may lie anywhere, and nothing of shuffled labels", function()
    local data, test = bars(300, 1), bars(200, 2)
    assert.is_true(trained(data, test) >= 0.95)
    ml.seed(9)
    local shuffled = { x = data.x, y = ml.randint(1, 3, { 300 }) }
    assert.is_true(trained(shuffled, test) <= 0.55)
  end)
end)
