-- Parametrisations: what they promise about width, each beside one that does not keep the promise.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local WIDTHS <const> = { 64, 128, 256, 512 }

local function mlp(d, width, k, opts)
  local first, hidden, last = nn.Linear(d, width, opts), nn.Linear(width, width, opts), nn.Linear(width, k, opts)
  return nn.Sequential { first, nn.ReLU(), hidden, nn.ReLU(), last }
end

local function shallow(d, width, k, opts)
  return nn.Sequential { nn.Linear(d, width, opts), nn.ReLU(), nn.Linear(width, k, opts) }
end

-- The slope of log y against log width: the exponent of the width.
local function exponent(values, widths)
  local xs, ys = {}, {}
  for i, value in ipairs(values) do xs[i], ys[i] = math.log((widths or WIDTHS)[i]), math.log(value) end
  local n, mx, my, sxy, sxx = #xs, 0, 0, 0, 0
  for i = 1, n do mx, my = mx + xs[i] / n, my + ys[i] / n end
  for i = 1, n do sxy, sxx = sxy + (xs[i] - mx) * (ys[i] - my), sxx + (xs[i] - mx) ^ 2 end
  return sxy / sxx
end

local function near(expected, got, tolerance, what)
  assert(math.abs(got - expected) <= tolerance, ("%s goes as width^%.3f, not ^%g"):format(what, got, expected))
end

-- How far the values at the points move in `steps` steps, by mean size, averaged over seeds: point -> list over widths.
local POINTS <const> = { "1", "3", "5" }
local function movement(kind, optimizer, lr, steps)
  local x = ml.randn({ 32, 16 }, { seed = 1 })
  local y = ml.randn({ 32, 4 }, { seed = 2 })
  local moved = { ["1"] = {}, ["3"] = {}, ["5"] = {} }
  for i, width in ipairs(WIDTHS) do
    for seed = 1, 3 do
      ml.seed(seed)
      local model = mlp(16, width, 4)
      local scaling = nn.parametrise(model, kind, { base_width = 64 })
      local opt = ml.optim[optimizer](scaling:groups { optimizer = optimizer }, { lr = lr })
      local start, before = model:run_with_cache(x, POINTS)
      start = start:detach() -- outputs count from where they start, which for some kinds depends on the width
      for _ = 1, steps do opt:minimize(nn.mse(model(x) - start, y)) end
      local _, after = model:run_with_cache(x, POINTS)
      for _, point in ipairs(POINTS) do
        moved[point][i] = (moved[point][i] or 0) + (after[point] - before[point]):abs():mean():item() / 3
      end
    end
  end
  return moved
end

describe("the coordinate check", function() -- Yang et al. 2022, appendix D.1
  for optimizer, lr in pairs { Adam = 0.003, SGD = 0.05 } do
    it("passes for mup: values move as far at every width, " .. optimizer, function()
      local moved = movement("mup", optimizer, lr, 4)
      for _, point in ipairs(POINTS) do near(0, exponent(moved[point]), 0.12, "movement at " .. point) end
    end)
  end

  it("passes for mean_field with Adam, which is the same by other means", function()
    local moved = movement("mean_field", "Adam", 0.003, 4)
    for _, point in ipairs(POINTS) do near(0, exponent(moved[point]), 0.12, "movement at " .. point) end
  end)

  it("fails for standard: they move further the wider it is", function()
    local moved = movement("standard", "Adam", 0.003, 4)
    for _, point in ipairs { "3", "5" } do
      local slope = exponent(moved[point])
      assert(slope > 0.3, ("movement at %s goes as width^%.3f"):format(point, slope))
    end
  end)

  it("shows laziness for ntk: the output moves, the features less and less", function()
    for optimizer, lr in pairs { Adam = 0.02, SGD = 0.05 } do
      local moved = movement("ntk", optimizer, lr, 4)
      near(0, exponent(moved["5"]), 0.15, "movement of the output")
      near(-0.5, exponent(moved["3"]), 0.2, "movement of the last features, " .. optimizer)
      near(-0.5, exponent(moved["1"]), 0.2, "movement of the first features, " .. optimizer)
    end
  end)
end)

describe("ntk", function()
  local d = 6
  local function sphere(n, seed)
    local x = ml.randn({ n, d }, { dtype = "f64", seed = seed })
    return x / x:square():sum(2, { keepdim = true }):sqrt() * math.sqrt(d)
  end

  local function kernel(model, x)
    local function f(params, row) return model:apply(params, row:unsqueeze(1)):reshape({}) end
    local grads, n = ml.vmap(ml.grad(f), { nil, 1 })(model:parameters(), x), #x
    local k = ml.zeros({ n, n }, { dtype = "f64" })
    for _, g in ipairs(grads) do
      local rows = g:reshape(n, -1)
      k = k + rows:matmul(rows:transpose())
    end
    return k
  end

  -- Jacot, Gabriel & Hongler 2018 with the arc-cosine kernels of Cho & Saul 2009: one hidden layer of ReLU, without biases,
  -- inputs of norm sqrt(d), gain g: g^2 K + g^2 (x.x'/d) g^2 (pi - t) / (2 pi), K = g^2 (sin t + (pi - t) cos t) / (2 pi).
  local function closed_form(x, g)
    local cosine = (x:matmul(x:transpose()) / d):clamp { min = -1, max = 1 }
    local angle  = (1 - cosine:square()):clamp { min = 0 }:sqrt():atan2(cosine)
    local first  = (angle:sin() + (math.pi - angle) * cosine) * (g ^ 2 / (2 * math.pi))
    return (first + cosine * (math.pi - angle) * (g ^ 2 / (2 * math.pi))) * g ^ 2
  end

  it("has a kernel that tends to the closed form, by 1/sqrt(width)", function()
    local x = sphere(8, 3)
    local errors = {}
    for i, width in ipairs(WIDTHS) do
      errors[i] = 0
      for seed = 1, 8 do
        ml.seed(seed)
        local model = shallow(d, width, 1, { dtype = "f64", bias = false })
        nn.parametrise(model, "ntk", { gain = 1.3 })
        local want = closed_form(x, 1.3)
        errors[i] = errors[i] + ((kernel(model, x) - want):norm() / want:norm()):item() / 8
      end
    end
    near(-0.5, exponent(errors), 0.15, "distance to the closed form")
    assert(errors[4] < 0.12, ("the distance is %.3f at width 512"):format(errors[4]))
  end)

  -- Exponents of how far the first weights and the kernel move in training, relative to where they start.
  local function relative_movement(kind)
    local x, weights, kernels = sphere(16, 4), {}, {}
    local y = x:slice(2, 1, 1) * x:slice(2, 2, 2)
    for i, width in ipairs(WIDTHS) do
      weights[i], kernels[i] = 0, 0
      for seed = 1, 3 do
        ml.seed(seed)
        local model = shallow(d, width, 1, { dtype = "f64", bias = false })
        local scaling = nn.parametrise(model, kind)
        local start, at_zero, before = model[1].weight:detach():clone(), model(x):detach(), kernel(model, x)
        local opt = ml.optim.SGD(scaling:groups { optimizer = "SGD" }, { lr = 0.2 })
        for _ = 1, 20 do opt:minimize(nn.mse(model(x) - at_zero, y)) end
        weights[i] = weights[i] + ((model[1].weight - start):norm() / start:norm()):item() / 3
        kernels[i] = kernels[i] + ((kernel(model, x) - before):norm() / before:norm()):item() / 3
      end
    end
    return exponent(weights), exponent(kernels)
  end

  it("trains with weights that move as 1/sqrt(width), and a kernel that stands still; mean_field with neither", function()
    local weights, kernels = relative_movement "ntk"
    near(-0.5, weights, 0.1, "movement of the weights")
    assert(kernels < -0.4 and kernels > -1.1, ("movement of the kernel goes as width^%.3f"):format(kernels))
    weights, kernels = relative_movement "mean_field"
    near(0, weights, 0.12, "movement of the weights")
    near(0, kernels, 0.15, "movement of the kernel")
  end)
end)

describe("mean_field", function()
  local function variance(kind)
    local x, list = ml.randn({ 16, 5 }, { seed = 5 }), {}
    for i, width in ipairs(WIDTHS) do
      local all = ml.replicas(64, function()
        local model = shallow(5, width, 1)
        nn.parametrise(model, kind, { gain = 1.4 })
        return model(x)
      end)
      list[i] = all:square():mean():item()
    end
    return exponent(list)
  end

  it("starts with outputs whose variance falls as 1/width; those of ntk stay", function()
    near(-1, variance "mean_field", 0.2, "variance")
    near(0, variance "ntk", 0.2, "variance")
  end)

  it("moves its features as far at every width", function()
    local moved = movement("mean_field", "SGD", 0.05, 4)
    for _, point in ipairs { "1", "3" } do near(0, exponent(moved[point]), 0.12, "movement of the features at " .. point) end
  end)

  it("is mup: the same steps of the same functions, where their constants meet", function()
    local x = ml.randn({ 8, 1 }, { dtype = "f64", seed = 6 })
    local y, outputs = x:sin(), {}
    for i, kind in ipairs { "mean_field", "mup", "ntk" } do
      ml.seed(7)
      local model = mlp(1, 32, 1, { dtype = "f64", bias = false }) -- fan_in 1 and gain 1: no constants
      local scaling = nn.parametrise(model, kind, { gain = 1, base_width = 1 })
      local opt = ml.optim.SGD(scaling:groups { optimizer = "SGD" }, { lr = 0.05 })
      for _ = 1, 20 do opt:minimize(nn.mse(model(x), y)) end
      outputs[i] = model(x)
    end
    holds(outputs[1]:tolist(), outputs[2], 1e-10)
    assert.is_true((outputs[1] - outputs[3]):abs():max():item() > 1e-3)
  end)

  it("goes from lazy to rich by gamma", function()
    local x = ml.randn({ 32, 4 }, { seed = 1 })
    local y, moved = x:prod(2):unsqueeze(2):tanh(), {}
    for i, gamma in ipairs { 0.05, 1, 4 } do
      ml.seed(1)
      local model = shallow(4, 256, 1, { bias = false })
      local groups = nn.parametrise(model, "mean_field", { gamma = gamma }):groups { optimizer = "SGD" }
      local start, at_zero = model[1].weight:detach():clone(), model(x):detach()
      local opt = ml.optim.SGD(groups, { lr = 0.1 })
      for _ = 1, 50 do opt:minimize(nn.mse(model(x) - at_zero, y)) end
      moved[i] = ((model[1].weight - start):norm() / start:norm()):item()
    end
    assert(moved[1] < 0.1 * moved[2] and moved[2] < 0.5 * moved[3], ("%g %g %g"):format(table.unpack(moved)))
  end)
end)

describe("parametrise", function()
  it("is standard at the base width, whatever the kind", function()
    local models = {}
    for i, kind in ipairs { "standard", "mup" } do
      ml.seed(3)
      models[i] = mlp(5, 64, 3)
      for _, e in ipairs(nn.parametrise(models[i], kind, { base_width = 64 }).parameters) do
        assert.same({ 1, 1, 1 }, { e.factor, e.sgd, e.adam })
      end
    end
    for k, p in ipairs(models[1]:parameters()) do holds(p:tolist(), models[2]:parameters()[k], 1e-6) end
  end)

  it("draws what it says", function()
    local model = nn.Sequential {
      nn.Embedding(50, 200), nn.Flatten(), nn.Linear(400, 300), nn.ReLU(), nn.LayerNorm(300), nn.Linear(300, 10),
    }
    local scaling = nn.parametrise(model, "mup", { base_width = 50, gain = 1.5 })
    for _, e in ipairs(scaling.parameters) do
      if e.std then
        local measured = e.tensor:square():mean():sqrt():item()
        assert(math.abs(measured / e.std - 1) < 0.05, ("%s: %g, not %g"):format(e.name, measured, e.std))
      end
    end
    assert.equal(1, model[5].weight:min():item())
    assert.equal(0, model[3].bias:abs():max():item())
    assert.equal(0.25, scaling.parameters[#scaling.parameters - 1].factor)
    nn.parametrise(model, "standard")
    local kept = model[3].weight:tolist()
    local again = nn.parametrise(model, "mup", { base_width = 50, init = false })
    holds(kept, model[3].weight, 0)
    assert.equal("mup", again.kind)
  end)

  it("groups by rate, decays matrices at every width alike", function()
    local model = mlp(5, 256, 3)
    local scaling = nn.parametrise(model, "mup", { base_width = 64 })
    local opt = ml.optim.AdamW(scaling:groups { weight_decay = 0.1 }, { lr = 0.01 })
    local count = 0
    for _, group in ipairs(scaling:groups { weight_decay = 0.1 }) do
      count = count + #group.params
      local decay = group.weight_decay * group.lr_scale
      assert(decay == 0 or math.abs(decay - 0.1) < 1e-12)
    end
    assert.equal(6, count)
    assert.near(0.0025, opt.groups[3].lr, 1e-12)
    opt.lr = 0.02
    assert.near(0.005, opt.groups[3].lr, 1e-12)
    local tied = nn.Linear(4, 4)
    local twice = nn.Sequential { tied, nn.ReLU(), tied, nn.Linear(4, 2) }
    assert.is_truthy(ml.optim.SGD(nn.parametrise(twice, "standard"):groups { optimizer = "SGD" }, { lr = 0.1 }))
  end)

  it("finds what grows by comparing with a narrower model", function()
    local function net(width)
      local Two = nn.module "Two"
      function Two:init()
        self.left, self.right, self.last = nn.Linear(3, width), nn.Linear(5, width), nn.Linear(width, 2)
        self:parameter("table", ml.zeros { width, width })
      end
      function Two:forward(x)
        local h = self.left(x:slice(2, 1, 3)) + self.right(x:slice(2, 4, 8))
        return self.last((h:matmul(self.table)):relu())
      end
      return Two()
    end
    local scaling = nn.parametrise(net(256), "mup", { base = net(32) })
    local roles = {}
    for _, e in ipairs(scaling.parameters) do roles[e.name] = ("%s %g %g"):format(e.role, e.sgd, e.adam) end
    assert.same({
      table = "hidden 1 0.125", ["left.weight"] = "input 8 1", ["left.bias"] = "vector 8 1", ["right.weight"] = "input 8 1",
      ["right.bias"] = "vector 8 1", ["last.weight"] = "output 8 1", ["last.bias"] = "vector 1 1",
    }, roles)
    fails(function() nn.parametrise(net(8), "mup", { base = nn.Linear(3, 8) }) end,
      "base must be the same model, narrower; it has weight")
  end)

  it("says what it takes", function()
    local model = mlp(5, 8, 3)
    fails(function() nn.parametrise(model, "muup", { base_width = 4 }) end, "there is no 'muup'; did you mean 'mup'")
    fails(function() nn.parametrise(model, "mup") end, "mup goes by a base: give base_width")
    fails(function() nn.parametrise(model, "ntk", { gian = 1 }) end, "unknown option 'gian'; did you mean 'gain'")
    fails(function() nn.parametrise(model, "ntk", { gain = 0 }) end, "gain must be above 0")
    fails(function() nn.parametrise(nn.ReLU(), "ntk") end, "ReLU has no weight matrix")
    fails(function() nn.parametrise(3, "ntk") end, "takes a model and the name of a parametrisation")
    local scaling = nn.parametrise(model, "ntk")
    fails(function() scaling:groups { optimizer = "Muon" } end, "no rule is known for 'Muon'")
    fails(function() scaling:groups { optimizer = "Adam", weight_decay = 0.1 } end, "weight_decay of Adam is not decoupled")
    assert.matches("1%.weight +input +1 +0%.6325 +1 +0%.3536", tostring(scaling))
  end)
end)
