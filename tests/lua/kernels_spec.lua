-- Kernels: the empirical one against the Jacobian and closed forms, the infinite ones against numerical integrals
-- (tests/golden/kernels.py) and against wide networks.
local ml      = require "moonlab"
local nn      = ml.nn
local source  = os.getenv "MOONLAB_SOURCE"
local support = dofile(source .. "/tests/lua/support.lua")
local golden  = dofile(source .. "/tests/golden/kernels.lua")
local holds, fails = support.holds, support.fails

local kernels = ml.kernels

local function randn(shape, seed) return ml.randn(shape, { dtype = "f64", seed = seed }) end

local function distance(a, b) return ((a - b):abs():max() / b:abs():max()):item() end

-- (n, p) of a model: the rows of the Jacobian, output by output.
local function jacobian(model, x)
  local rows = ml.jacobian(function(p) return model:apply(p, x, { train = false }) end)(model:parameters())
  for i, r in ipairs(rows) do rows[i] = r:reshape(r.shape[1] * r.shape[2], -1) end
  return ml.cat(rows, 2)
end

local function by_jacobian(model, x1, x2)
  local a, b = jacobian(model, x1), jacobian(model, x2)
  return a:matmul(b:transpose()):reshape(#x1, #a // #x1, #x2, #b // #x2):permute(1, 3, 2, 4)
end

local function mlp(dtype)
  local opts = { dtype = dtype }
  return nn.Sequential {
    nn.Linear(5, 7, opts), nn.Tanh(), nn.Sequential { nn.Linear(7, 6, { bias = false, dtype = dtype }), nn.ReLU() },
    nn.Linear(6, 3, opts),
  }
end

local function cnn()
  return nn.Sequential {
    nn.Conv2d(2, 4, 3, { padding = 1 }), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, { stride = 2, groups = 2 }), nn.Tanh(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6, 3), nn.LayerNorm(3),
  }
end

describe("the tangent kernel", function()
  it("is the product of Jacobians: linear layers", function()
    ml.seed(1)
    local model, x1, x2 = mlp "f64", randn({ 5, 5 }, 1), randn({ 3, 5 }, 2)
    local full = by_jacobian(model, x1, x2)
    assert.is_true(distance(kernels.ntk(model, x1, x2, { outputs = "full" }), full) < 1e-13)
    assert.is_true(distance(kernels.ntk(model, x1, x2), full:diagonal(0, 3, 4):mean(-1)) < 1e-13)
    assert.is_true(distance(kernels.ntk(model, x1, x2, { outputs = 2 }), full[{ {}, {}, 2, 2 }]) < 1e-13)
    assert.is_true(distance(kernels.ntk(model, x1, nil, { outputs = "full" }), by_jacobian(model, x1, x1)) < 1e-13)
    assert.same({ 5, 3, 3, 3 }, kernels.ntk(model, x1, x2, { outputs = "full" }).shape)
  end)

  it("is the product of Jacobians: any other layer, and one that stands twice", function()
    ml.seed(2)
    local model, x1, x2 = cnn(), ml.randn({ 6, 2, 6, 6 }, { seed = 3 }), ml.randn({ 4, 2, 6, 6 }, { seed = 4 })
    model(x1)
    assert.is_true(distance(kernels.ntk(model, x1, x2, { outputs = "full" }), by_jacobian(model, x1, x2)) < 1e-5)
    assert.is_true(model:training())
    local shared = nn.Linear(4, 4, { dtype = "f64" })
    local tied = nn.Sequential { shared, nn.Tanh(), shared }
    local x = randn({ 3, 4 }, 5)
    assert.is_true(distance(kernels.ntk(tied, x, nil, { outputs = "full" }), by_jacobian(tied, x, x)) < 1e-13)
    local f64 = { dtype = "f64" }
    local tokens = nn.Sequential { nn.Linear(4, 5, f64), nn.Tanh(), nn.Flatten(), nn.Linear(10, 2, f64) }
    x = randn({ 3, 2, 4 }, 6) -- a linear layer on rows of rows
    assert.is_true(distance(kernels.ntk(tokens, x, nil, { outputs = "full" }), by_jacobian(tokens, x, x)) < 1e-13)
  end)

  it("of a function of parameters is that of the model", function()
    ml.seed(3)
    local model, x1, x2 = mlp "f64", randn({ 4, 5 }, 7), randn({ 3, 5 }, 8)
    local function f(p, x) return model:apply(p.list, x) end
    local opts = { params = { list = model:parameters() }, outputs = "full" }
    assert.is_true(distance(kernels.ntk(f, x1, x2, opts), by_jacobian(model, x1, x2)) < 1e-13)
    opts.outputs = 3
    assert.is_true(distance(kernels.ntk(f, x1, x2, opts), kernels.ntk(model, x1, x2, { outputs = 3 })) < 1e-13)
  end)

  it("of a linear network is X X^T times what its depth makes of it", function()
    local x = randn({ 6, 4 }, 9)
    local one = nn.Linear(4, 1, { bias = false, dtype = "f64" })
    holds(x:matmul(x:transpose()):tolist(), kernels.ntk(one, x), 1e-13)
    local no_bias = { bias = false, dtype = "f64" }
    local two = nn.Sequential { nn.Linear(4, 8, no_bias), nn.Linear(8, 1, no_bias) }
    local a, b = two[1].weight:detach(), two[2].weight:detach()
    local gram, hidden = x:matmul(x:transpose()), x:matmul(a:transpose())
    holds((gram * b:square():sum() + hidden:matmul(hidden:transpose())):tolist(), kernels.ntk(two, x), 1e-13)
  end)

  it("does not depend on tiles, on what is kept, or on the number of threads", function()
    ml.seed(4)
    local model, x1, x2 = cnn(), ml.randn({ 13, 2, 6, 6 }, { seed = 10 }), ml.randn({ 9, 2, 6, 6 }, { seed = 11 })
    model(x1)
    local whole, own = kernels.ntk(model, x1, x2, { outputs = "full" }), kernels.ntk(model, x1)
    local least = tonumber(select(2, pcall(kernels.ntk, model, x1, x2, { memory = 10 })):match "needs (%d+) bytes")
    local small = { outputs = "full", memory = math.floor(least * 1.6) }
    local plan = kernels.ntk_plan(model, x1, x2, small)
    assert.is_true(not plan.kept and plan.rows < 9, tostring(plan))
    assert.is_true(distance(kernels.ntk(model, x1, x2, small), whole) < 1e-5)
    assert.is_true(distance(kernels.ntk(model, x1, nil, { memory = math.floor(least * 1.6) }), own) < 1e-5)
    local threads = ml.threads()
    ml.threads(threads == 1 and 2 or 1)
    local other = kernels.ntk(model, x1, x2, { outputs = "full" })
    ml.threads(threads)
    assert.equal(0, (other - whole):abs():max():item())
  end)

  it("weighs parameters by their rates, and leaves frozen ones out", function()
    ml.seed(5)
    local model, x = mlp "f64", randn({ 4, 5 }, 12)
    local rates = { ["1.weight"] = 0.5, ["1.bias"] = 0, ["3.1.weight"] = 3 }
    local columns, factor = jacobian(model, x), {}
    for name, p in model:named_parameters() do
      factor[#factor + 1] = ml.full({ p:numel() }, rates[name] or 1, { dtype = "f64" })
    end
    local expected = (columns * ml.cat(factor, 1)):matmul(columns:transpose()):reshape(4, 3, 4, 3):permute(1, 3, 2, 4)
    assert.is_true(distance(kernels.ntk(model, x, nil, { rates = rates, outputs = "full" }), expected) < 1e-13)
    local last = kernels.ntk(model, x, nil, { rates = { ["1.weight"] = 0, ["1.bias"] = 0, ["3.1.weight"] = 0 } })
    model[1].weight:requires_grad_(false)
    model[1].bias:requires_grad_(false)
    model[3][1].weight:requires_grad_(false)
    assert.is_true(distance(kernels.ntk(model, x), last) < 1e-13)
  end)

  it("knows its memory before it starts: 64 images through 1,024 units in less than 100 MB and 1 s", function()
    ml.seed(6)
    local model = nn.Sequential { nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 10) }
    local x = ml.rand({ 64, 784 }, { seed = 13 })
    local plan = kernels.ntk_plan(model, x)
    collectgarbage()
    collectgarbage()
    local before, began = ml.memory(), ml.clock()
    kernels.ntk(model, x)
    local seconds, peak = ml.clock() - began, ml.memory().peak
    assert.is_true(plan.bytes < 100e6, tostring(plan))
    assert.is_true(seconds < 1, seconds .. " s")
    if peak > before.peak then -- else the specs before this one have used more
      assert.is_true(peak - before.live <= plan.bytes, ("%d bytes, planned %d"):format(peak - before.live, plan.bytes))
    end
    assert.is_truthy(tostring(plan):find("1 Linear: product of inputs and derivatives, 11024 numbers an input", 1, true))
  end)

  it("names what is wrong", function()
    local model, x = mlp(), ml.ones { 2, 5 }
    fails(function() kernels.ntk(model, x, nil, { output = 1 }) end, "unknown option 'output'; did you mean 'outputs'")
    fails(function() kernels.ntk(model, x, nil, { outputs = 4 }) end, "^kernels%.ntk: output 4 of 3")
    fails(function() kernels.ntk(model, x, nil, { outputs = "all" }) end, "outputs must be \"mean\", \"full\" or a position")
    fails(function() kernels.ntk(model, x, nil, { rates = { ["2.weight"] = 1 } }) end, "no parameter '2%.weight' to have a rate")
    fails(function() kernels.ntk(nn.Tanh(), x) end, "^kernels%.ntk: the model has no parameters")
    fails(function() kernels.ntk(function() end, x) end, "takes a model, or a function f%(params, x%) with params")
    fails(function() kernels.ntk(model, x, nil, { memory = 100 }) end, "^ntk: needs %d+ bytes at least, 100 bytes are allowed")
    fails(function() kernels.ntk(model, ml.ones { 2, 4 }) end, "%(1, 4%)")
    fails(function() kernels.ntk_plan(model, 3) end, "^kernels%.ntk_plan: x1 must be a tensor of inputs")
  end)
end)

describe("kernels of infinite width", function()
  for _, case in ipairs(golden) do
    it("are integrals over normal numbers: " .. case.name, function()
      local x, y = ml.tensor(case.x, { dtype = "f64" }), ml.tensor(case.y, { dtype = "f64" })
      local net = kernels.infinite(case.layers)
      local nngp, ntk = net(x, y)
      holds(case.nngp, nngp, 1e-6)
      holds(case.ntk, ntk, 2e-5) -- the integral of a step on a grid
      local own, own_ntk = net(x)
      holds(case.nngp[1][1], own[{ 1, 1 }], 1e-6) -- y begins with x[1]
      holds(case.ntk[1][1], own_ntk[{ 1, 1 }], 2e-5)
      assert.is_true((own - own:transpose()):abs():max():item() < 1e-12)
    end)
  end

  it("of one hidden layer of ReLU are Cho and Saul's, whatever the tiles", function()
    local x = randn({ 300, 3 }, 1)
    local norm = x:square():sum(2):sqrt()
    local angle = (x:matmul(x:transpose()) / (norm:unsqueeze(2) * norm)):clamp(-1, 1):acos()
    local j1 = angle:sin() + (math.pi - angle) * angle:cos() -- their J_1, which begins with pi at equal inputs
    local expected = norm:unsqueeze(2) * norm / 3 * j1 / (2 * math.pi)
    local nngp = kernels.infinite { "linear", "relu", "linear" } (x)
    assert.is_true(distance(nngp, expected) < 1e-12)
    local one = kernels.infinite { "linear" } (x)
    assert.is_true(distance(one, x:matmul(x:transpose()) / 3) < 1e-14)
  end)

  it("of signals are those of images of one row", function()
    local x = randn({ 3, 2, 5 }, 2)
    local layers = { { "conv", kernel = 3, bias_var = 0.1 }, "relu", "global_avg_pool", "linear" }
    local nngp, ntk = kernels.infinite(layers)(x)
    -- an image with a kernel of 3 x 3 whose rows are all the same signal, going round, averages the same values three times
    local images = x:unsqueeze(3):expand(3, 2, 4, 5)
    local tall = { { "conv", kernel = 3, bias_var = 0.1 }, "relu", "global_avg_pool", "linear" }
    local other, other_ntk = kernels.infinite(tall)(images)
    assert.is_true(distance(nngp, other) < 1e-12 and distance(ntk, other_ntk) < 1e-12)
  end)

  it("of zeros and of equal inputs are finite", function()
    local x = ml.zeros { 2, 4 }
    x[2] = 1
    local nngp, ntk = kernels.infinite { "linear", "relu", "linear" } (x)
    assert.is_true(nngp:isfinite():all():item() and ntk:isfinite():all():item())
    holds(0, nngp[{ 1, 1 }])
  end)

  -- The mean distance of the tangent kernel of a network of this width from the one in closed form, over a few draws. In the
  -- NTK parametrisation a parameter is its weight by sqrt(fan_in / variance): a rate of variance / fan_in.
  local DRAWS = 12
  local function finite(width, x, exact, layers, rates)
    local total = 0
    for seed = 1, DRAWS do
      ml.seed(100 * width + seed)
      local k = kernels.ntk(nn.Sequential(layers(width)), x, nil, { rates = rates(width) })
      total = total + ((k - exact):square():mean():sqrt() / exact:square():mean():sqrt()):item()
    end
    return total / DRAWS
  end

  local function slope_of(x, exact, layers, rates, widths)
    local sizes, errors = {}, {}
    for i, width in ipairs(widths) do
      sizes[i], errors[i] = math.log(width), math.log(finite(width, x, exact, layers, rates))
    end
    return ml.stats.regression(sizes, errors).coefficients[2]:item(), math.exp(errors[#errors])
  end

  local function normal(variance) return { "normal", scale = math.sqrt(variance) } end

  it("are the limit of finite ones: the error falls as 1 / sqrt(width), and does not for a wrong recursion", function()
    local x = ml.randn({ 10, 6 }, { seed = 3 })
    local function layers(width)
      local function linear(n, m) return nn.Linear(n, m, { weight_init = normal(2 / n), bias_init = normal(0.1) }) end
      return { linear(6, width), nn.ReLU(), linear(width, width), nn.ReLU(), linear(width, 1) }
    end
    local function rates(width)
      return {
        ["1.weight"] = 2 / 6, ["3.weight"] = 2 / width, ["5.weight"] = 2 / width,
        ["1.bias"] = 0.1, ["3.bias"] = 0.1, ["5.bias"] = 0.1,
      }
    end
    local he = { "linear", weight_var = 2, bias_var = 0.1 }
    local _, exact = kernels.infinite { he, "relu", he, "relu", he } (x)
    local widths = { 64, 128, 256, 512 }
    local slope, last = slope_of(x, exact, layers, rates, widths)
    assert.is_true(slope > -0.65 and slope < -0.35, ("slope %.3f"):format(slope))
    assert.is_true(last < 0.2, ("error %.3f"):format(last))
    local _, wrong = kernels.infinite { he, "relu", he, "erf", he } (x) -- one activation too smooth
    local flat = slope_of(x, wrong, layers, rates, widths)
    assert.is_true(flat > -0.2, ("slope %.3f of a wrong kernel"):format(flat))
    local nngp = kernels.infinite { he, "relu", he, "relu", he } (x) -- and the other kernel is not it
    assert.is_true(slope_of(x, nngp, layers, rates, widths) > -0.2)
  end)

  it("are the limit of finite convolutions", function()
    local x = ml.randn({ 5, 2, 5, 5 }, { seed = 4 })
    for _, readout in ipairs { "flatten", "global_avg_pool" } do
      local places = readout == "flatten" and 25 or 1
      local function layers(width)
        local conv = nn.Conv2d(2, width, 3, { padding = 1, weight_init = normal(2 / 18), bias_init = normal(0.1) })
        local last = nn.Linear(places * width, 1, { bias = false, weight_init = normal(1 / (places * width)) })
        return { conv, nn.ReLU(), places == 1 and nn.GlobalAvgPool() or nn.Flatten(), last }
      end
      local function rates(width)
        return { ["1.weight"] = 2 / 18, ["1.bias"] = 0.1, ["4.weight"] = 1 / (places * width) }
      end
      local conv = { "conv", kernel = 3, padding = 1, weight_var = 2, bias_var = 0.1 }
      local _, exact = kernels.infinite { conv, "relu", readout, "linear" } (x)
      local slope, last = slope_of(x, exact, layers, rates, { 32, 64, 128, 256 })
      assert.is_true(slope > -0.65 and slope < -0.35, ("%s: slope %.3f"):format(readout, slope))
      assert.is_true(last < 0.1, ("%s: error %.3f"):format(readout, last))
    end
  end)

  it("name what is wrong", function()
    fails(function() kernels.infinite {} end, "^kernels%.infinite: takes a list of layers")
    fails(function() kernels.infinite { "linear", "tanh" } end, "layer 2 must be linear, .*, got tanh")
    fails(function() kernels.infinite { { "linear", variance = 2 } } end, "unknown option 'variance'")
    fails(function() kernels.infinite { { "linear", bias_var = -1 } } end, "variances are at least 0")
    fails(function() kernels.infinite { "conv", "linear" } (ml.ones { 2, 1, 4, 4 }) end, "a linear layer takes vectors")
    fails(function() kernels.infinite { "conv" } (ml.ones { 2, 1, 4, 4 }) end, "must end with vectors")
    fails(function() kernels.infinite { "conv", "flatten" } (ml.ones { 2, 1, 2, 4 }) end, "a kernel of 3 does not fit")
    fails(function() kernels.infinite { "linear" } (ml.ones { 2, 3 }, ml.ones { 2, 4 }) end, "x1 has shape %(2, 3%), x2 %(2, 4%)")
  end)
end)
