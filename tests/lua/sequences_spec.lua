-- Layers of sequences: what a script sees of them; values are compared with PyTorch's in tests/c/test_sequences.c.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function names_of(layer)
  local names = {}
  for name in layer:named_parameters() do names[#names + 1] = name end
  return names
end

describe("recurrent layers", function()
  it("have parameters named and shaped as PyTorch's, a module for each layer and direction", function()
    local layer = nn.GRU(3, 5)
    assert.same({ "weight_ih", "weight_hh", "bias_ih", "bias_hh" }, names_of(layer))
    assert.same({ 15, 3 }, layer.weight_ih.shape)
    assert.same({ 15, 5 }, layer.weight_hh.shape)
    assert.same({ 20, 3 }, nn.LSTM(3, 5).weight_ih.shape)
    assert.same({ 5, 3 }, nn.RNN(3, 5, { bias = false }).weight_ih.shape)
    local deep = nn.LSTM(3, 5, { layers = 2, bidirectional = true })
    assert.equal(4, #deep)
    assert.same({ 20, 10 }, deep[4].weight_ih.shape)
    assert.equal("3.weight_ih", names_of(deep)[9])
    assert.equal("LSTM(10 -> 5, reverse)", deep[4]:describe())
    assert.equal("LSTM(3 -> 5, 2 layers, bidirectional)", deep:describe())
  end)

  it("read from the end what they read from the end", function()
    local layer = nn.RNN(1, 1, { bidirectional = true, nonlinearity = "relu" })
    local half = { ml.ones { 1, 1 }, ml.full({ 1, 1 }, 0.5), ml.zeros { 1 }, ml.zeros { 1 } }
    local params = { table.unpack(half) }
    for i = 1, 4 do params[4 + i] = half[i] end
    local x = ml.tensor { { { 1. }, { 0. }, { 2. } } }
    holds({ { { 1, 1.5 }, { 0.5, 1 }, { 2.25, 2 } } }, layer:apply(params, x))
    local last = nn.RNN(1, 1, { bidirectional = true, nonlinearity = "relu", output = "last" })
    holds({ { 2.25, 1.5 } }, last:apply(params, x))
  end)

  it("hand their state on", function()
    local layer, x = nn.LSTM(2, 3, { layers = 2 }), ml.randn { 4, 6, 2 }
    local whole, last = layer:scan(x)
    local first, state = layer:scan(x[{ {}, { 1, 2 } }])
    local second, again = layer:scan(x[{ {}, { 3, 6 } }], state)
    holds(whole:tolist(), ml.cat({ first, second }, 2), 1e-6)
    holds(last:tolist(), again, 1e-6)
    assert.same({ 2, 2, 4, 3 }, state.shape)
    holds(layer(x):tolist(), whole, 0)
    local zeros = {}
    for i, p in ipairs(layer:parameters()) do zeros[i] = ml.zeros(p.shape) end
    local nothing = layer:scan(x, nil, { params = zeros })
    assert.equal(0, nothing:abs():max():item())
  end)

  it("drop between layers, in training alone", function()
    local layer, x = nn.GRU(2, 8, { layers = 2, dropout = 0.5 }), ml.randn { 3, 4, 2 }
    local params = layer:parameters()
    local one = layer:apply(params, x, { train = true, seed = 1 })
    holds(one:tolist(), layer:apply(params, x, { train = true, seed = 1 }), 0)
    assert.is_true((one - layer:apply(params, x, { train = true, seed = 2 })):abs():max():item() > 1e-4)
    assert.is_true((one - layer:apply(params, x, { train = false })):abs():max():item() > 1e-4)
    holds(layer:eval()(x):tolist(), layer:apply(params, x, { train = false }), 0)
  end)

  it("compose with functions of functions", function()
    local layer = nn.GRU(1, 3, { bidirectional = true, dtype = "f64" })
    local params, x = {}, ml.randn({ 5, 4, 1 }, { dtype = "f64" })
    for i, p in ipairs(layer:parameters()) do params[i] = p:detach() end
    local function loss(p, sample) return layer:apply(p, sample:unsqueeze(1)):square():sum() end
    local each = ml.vmap(ml.grad(loss), { nil, 1 })(params, x)
    local total = ml.grad(function(p) return layer:apply(p, x):square():sum() end)(params)
    for i in ipairs(params) do holds(total[i]:tolist(), each[i]:sum { dims = 1 }, 1e-10) end
    local direction = {}
    for i, p in ipairs(params) do direction[i] = ml.randn(p.shape, { dtype = "f64" }) end
    local product = ml.hvp(loss, params, direction, x[1])
    local jacobian = ml.jacobian(function(p) return loss(p, x[1]) end)(params)
    local small = 1e-5
    local function moved(by)
      local there = {}
      for i, p in ipairs(params) do there[i] = p + direction[i] * by end
      return ml.grad(loss)(there, x[1])
    end
    local ahead, behind = moved(small), moved(-small)
    for i in ipairs(params) do
      holds(((ahead[i] - behind[i]) / (2 * small)):tolist(), product[i], 1e-7)
      holds(ml.grad(loss)(params, x[1])[i]:tolist(), jacobian[i], 1e-10)
    end
  end)

  it("say what is wrong", function()
    local layer = nn.GRU(1, 3)
    fails(function() return layer(ml.zeros { 2, 40 }) end,
      "^GRU%(1 %-> 3%): the input must be %(n, t, 1%).*x:unsqueeze%(%-1%)")
    fails(function() return nn.GRU(1, 3, { layer = 2 }) end, "unknown option 'layer'; did you mean 'layers'%?")
    fails(function() return nn.GRU(1, 3, { nonlinearity = "relu" }) end, "unknown option 'nonlinearity'")
    fails(function() return nn.RNN(1, 3, { nonlinearity = "elu" }) end,
      "^RNN: nonlinearity must be \"tanh\" or \"relu\", got \"elu\"")
    fails(function() return nn.GRU(1, 3, { output = "final" }) end, "^GRU: output must be \"all\" or \"last\"")
    fails(function() return nn.Linear(1, 3):scan(ml.zeros { 1, 1 }) end,
      "^scan: only a recurrent layer .* this is Linear%(1 %-> 3%)")
    fails(function() return layer:scan(ml.zeros { 2, 4, 1 }, ml.zeros { 2, 3 }) end, "the state must have shape %(1, 2, 3%)")
  end)
end)

describe("transformers", function()
  it("have the layers that their options say", function()
    local block = nn.TransformerBlock(8, 2)
    assert.equal(5, #block)
    assert.equal("TransformerBlock(8, 2 heads, mlp 32 relu)", block:describe())
    assert.same({ 32, 8 }, block[4].weight.shape)
    assert.same({ 24, 8 }, block[2].in_proj_weight.shape)
    assert.equal("2.in_proj_weight", names_of(block)[3])
    assert.equal(3, #nn.TransformerBlock(8, 2, { norm = "none" }))
    assert.equal(2, #nn.TransformerBlock(8, 2, { mlp = 0 }))
    assert.equal("RMSNorm", nn.TransformerBlock(8, 2, { norm = "rms" })[1]:kind())
    assert.same({ "in_proj_weight", "out_proj_weight" }, names_of(nn.MultiHeadAttention(8, 2, { bias = false })))
    assert.equal("TransformerBlock(8, 2 heads, mlp 5 gelu, causal, norm behind, last position)",
      nn.TransformerBlock(8, 2, { mlp = 5, activation = "gelu", causal = true, norm_first = false, output = "last" }):describe())
  end)

  it("do what they say of a vector that says so", function()
    local layer, eye = nn.MultiHeadAttention(2, 1, { bias = false }), ml.eye(2)
    local x = ml.tensor { { { 1., 0 }, { 0, 1 } } }
    local share = 1 / (1 + math.exp(-1 / math.sqrt(2)))
    local params = { ml.cat({ eye, eye, eye }, 1), eye * 2 }
    holds({ { { 2 * share, 2 - 2 * share }, { 2 - 2 * share, 2 * share } } }, layer:apply(params, x), 1e-6)
    holds({ { { { share, 1 - share }, { 1 - share, share } } } }, layer:pattern(x, { params = params }), 1e-6)
  end)

  it("begin as PyTorch's do", function()
    local layer = nn.MultiHeadAttention(64, 4)
    local function bound(p) return math.max(p:max():item(), -p:min():item()) end
    local glorot, linear = math.sqrt(6 / (4 * 64)), 1 / 8
    assert.is_true(bound(layer.in_proj_weight) <= glorot and bound(layer.in_proj_weight) > 0.98 * glorot)
    assert.is_true(bound(layer.out_proj_weight) <= linear and bound(layer.out_proj_weight) > 0.98 * linear)
    assert.equal(0, bound(layer.in_proj_bias) + bound(layer.out_proj_bias))
    local spread = nn.PositionalEmbedding(100, 50).weight:std():item()
    assert.is_true(math.abs(spread - 0.02) < 0.001)
  end)

  it("tell positions apart only when they are told", function()
    local x = ml.randn { 1, 4, 8 }
    local turned = x:flip(2)
    local function of_set(model) return (model(x) - model(turned):flip(2)):abs():max():item() end
    local block = nn.TransformerBlock(8, 2)
    assert.is_true(of_set(block) < 1e-5)
    assert.is_true(of_set(nn.Sequential { nn.PositionalEmbedding(9, 8, { init = "normal" }), block }) > 1e-3)
    assert.is_true(of_set(nn.Sequential { nn.SinusoidalEmbedding(8), block }) > 1e-3)
    assert.is_true(of_set(nn.TransformerBlock(8, 2, { rotary = true })) > 1e-4)
  end)

  it("compose with functions of functions", function()
    local layer = nn.TransformerBlock(4, 2, { mlp = 3, causal = true, activation = "gelu", dtype = "f64" })
    local params, x = {}, ml.randn({ 5, 3, 4 }, { dtype = "f64" })
    for i, p in ipairs(layer:parameters()) do params[i] = p:detach() end
    local function loss(p, sample) return layer:apply(p, sample:unsqueeze(1)):sin():sum() end
    local each = ml.vmap(ml.grad(loss), { nil, 1 })(params, x)
    local total = ml.grad(function(p) return layer:apply(p, x):sin():sum() end)(params)
    for i in ipairs(params) do holds(total[i]:tolist(), each[i]:sum { dims = 1 }, 1e-10) end
    local direction = ml.randn({ 3, 4 }, { dtype = "f64" })
    local function of_input(sample) return loss(params, sample) end
    local product, hessian = ml.hvp(of_input, x[1], direction), ml.hessian(of_input)(x[1])
    holds(hessian:reshape(12, 12):matmul(direction:reshape(12)):reshape(3, 4):tolist(), product, 1e-9)
  end)

  it("say what is wrong", function()
    fails(function() return nn.TransformerBlock(8, 3) end, "3 heads do not divide 8 values")
    fails(function() return nn.TransformerBlock(8, 2, { norm = "batch" }) end,
      "^TransformerBlock: norm must be \"layer\", \"rms\" or \"none\", got \"batch\"")
    fails(function() return nn.TransformerBlock(8, 2, { mlp_width = 3 }) end, "unknown option 'mlp_width'")
    fails(function() return nn.Linear(8, 8):pattern(ml.zeros { 1, 2, 8 }) end, "only MultiHeadAttention has one")
    fails(function() return nn.MultiHeadAttention(8, 2)(ml.zeros { 2, 8 }) end, "the input must be %(n, t, 8%), samples first")
  end)
end)

-- Letters, and the same again: what comes next in the second half stands five places before.
local function repeated(n)
  local x = ml.randint(1, 8, { n, 12 })
  x[{ {}, { 7, 12 } }] = x[{ {}, { 1, 6 } }]
  return x
end

describe("attention", function()
  it("learns to look up what stood elsewhere; without it nothing is learned", function()
    local function trained(layers)
      ml.seed(2)
      local list = { nn.Embedding(8, 32), nn.PositionalEmbedding(12, 32, { init = "normal" }) }
      for _ = 1, layers do list[#list + 1] = nn.TransformerBlock(32, 2, { mlp = 0, causal = true }) end
      list[#list + 1] = nn.Linear(32, 8)
      local model = nn.Sequential(list)
      local opt = ml.optim.AdamW(model:parameters(), { lr = 3e-3 })
      for _ = 1, 200 do
        local x = repeated(32)
        opt:minimize(nn.cross_entropy(model(x)[{ {}, { 6, 11 } }]:reshape(-1, 8), x[{ {}, { 7, 12 } }]:reshape(-1)))
      end
      local x = repeated(200)
      return model(x)[{ {}, { 6, 11 } }]:argmax():eq(x[{ {}, { 7, 12 } }]):cast("f32"):mean():item()
    end
    assert.is_true(trained(1) >= 0.98)
    assert.is_true(trained(0) <= 0.2)
  end)
end)

-- Which of the two letters came first? It must be carried over all the steps between.
local function first_letter(n, steps)
  local x = ml.randn { n, steps, 2 } * 0.1
  local labels = ml.randint(1, 2, { n })
  for i, label in ipairs(labels:tolist()) do x[{ i, 1, label }] = x[{ i, 1, label }] + 1 end
  return x, labels
end

describe("a GRU", function()
  it("learns to remember, and nothing of shuffled labels", function()
    local function trained(shuffled)
      ml.seed(3)
      local x, labels = first_letter(200, 12)
      local test, answers = first_letter(200, 12)
      if shuffled then labels = ml.randint(1, 2, { 200 }) end
      local model = nn.Sequential { nn.GRU(2, 8, { output = "last" }), nn.Linear(8, 2) }
      local opt = ml.optim.Adam(model:parameters(), { lr = 1e-2 })
      for _ = 1, 150 do opt:minimize(nn.cross_entropy(model(x), labels)) end
      return ml.accuracy(model, { x = test, y = answers })
    end
    assert.is_true(trained(false) >= 0.97)
    assert.is_true(trained(true) <= 0.75)
  end)
end)
