-- Linear probes against fits that are made again for every row left out; random features against the kernels they approach.
local ml      = require "moonlab"
local nn      = ml.nn
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local function randn(shape, seed) return ml.randn(shape, { dtype = "f64", seed = seed }) end
local function item(t) return t:item() end

-- Ridge with an intercept by its normal equations: the intercept is one more column, without penalty.
local function by_hand(x, y, penalty)
  local n, p = x.shape[1], x.shape[2]
  local with_one = ml.cat({ x, ml.ones({ n, 1 }, { dtype = "f64" }) }, 2)
  local d = ml.ones({ p + 1 }, { dtype = "f64" }) * penalty
  d[{ p + 1 }] = 0
  local w = ml.linalg.solve(with_one:transpose():matmul(with_one) + d:diag_embed(), with_one:transpose():matmul(y))
  return w:slice(1, 1, p), w:slice(1, p + 1)
end

local function without(t, i)
  local n = #t
  return ml.cat({ t:slice(1, 1, i - 1), t:slice(1, i + 1, n) }, 1)
end

-- The predictions for the rows, each by a fit that has not seen it.
local function left_out(x, y, penalty)
  local rows = {}
  for i = 1, #x do
    local w, b = by_hand(without(x, i), without(y, i), penalty)
    rows[i] = x:slice(1, i, i):matmul(w) + b
  end
  return ml.cat(rows, 1)
end

local function unit(x) return (x - x:mean(1)):square():sum():item() / x.shape[2] end -- what a relative penalty is multiplied by

describe("the ridge probe", function()
  for title, size in pairs { ["more rows than features"] = { 14, 4 }, ["more features than rows"] = { 9, 25 } } do
    it("is the closed form, its left-out error that of fits without the row: " .. title, function()
      local x, y = randn(size, 1) + 0.7, randn({ size[1], 3 }, 2) - 2
      for _, penalty in ipairs { 1e-3, 0.1, 2 } do
        local probe = ml.probe.linear(nil, { x = x, y = y }, { penalty = penalty, standardise = false })
        local w, b = by_hand(x, y, penalty * unit(x))
        holds(w:transpose():tolist(), probe.weight, 1e-9)
        holds(b:squeeze(1):tolist(), probe.bias, 1e-9)
        holds((x:matmul(w) + b):tolist(), probe(x), 1e-9)
        local out = left_out(x, y, penalty * unit(x))
        holds((out - y):square():sum(2):mean():item(), ml.tensor(probe.loo_error, { dtype = "f64" }), 1e-9)
        local by_vectors = ml.probe.linear(nil, { x = x, y = y }, { penalty = { penalty, penalty }, standardise = false })
        holds(by_vectors.weight:tolist(), probe.weight, 1e-9) -- one penalty takes another way than several
        holds({ probe.loo_error, probe.loo_error }, by_vectors.loo_errors, 1e-9)
        assert.is_true(math.abs(by_vectors.effective_dim - probe.effective_dim) < 1e-8)
        local naive = (probe(x) - y):square():sum(2):mean():item() -- the training error is not it
        assert.is_true(naive < 0.9 * probe.loo_error)
      end
    end)
  end

  it("is the same by blocks of a larger matrix", function()
    for _, size in ipairs { { 700, 301 }, { 290, 500 } } do
      local set = { x = randn(size, 1), y = randn({ size[1], 2 }, 2) }
      local one  = ml.probe.linear(nil, set, { penalty = 0.01 })
      local pair = ml.probe.linear(nil, set, { penalty = { 0.01, 0.01 } })
      holds(pair.weight:tolist(), one.weight, 1e-9)
      holds(pair.loo_errors:tolist()[1], ml.tensor(one.loo_error, { dtype = "f64" }), 1e-9)
    end
  end)

  it("counts left-out hits, and takes the best of several penalties by either", function()
    local labels = ml.randint(1, 3, { 40 }, { seed = 3 })
    local x = randn({ 40, 6 }, 4) + 0.8 * labels:one_hot(6)
    local y = labels:one_hot(3):cast "f64" * 2 - 1
    local penalties, errors, hits = { 1e-4, 1e-2, 0.3, 10 }, {}, {}
    for i, penalty in ipairs(penalties) do
      local out = left_out(x, y, penalty * unit(x))
      errors[i] = item((out - y):square():sum(2):mean())
      hits[i]   = item(out:argmax(-1):eq(labels):cast("f64"):mean())
    end
    local set = { x = x, y = labels }
    local by_error = ml.probe.linear(nil, set, { penalty = penalties, standardise = false })
    holds(errors, by_error.loo_errors, 1e-9)
    local best = 1
    for i = 2, 4 do if errors[i] < errors[best] then best = i end end
    assert.equal(penalties[best], by_error.penalty)
    assert.is_true(math.abs(hits[best] - by_error.loo_accuracy) < 1e-12)
    local by_accuracy = ml.probe.linear(nil, set, { penalty = ml.tensor(penalties), select = "accuracy", standardise = false })
    assert.is_true(math.abs(math.max(table.unpack(hits)) - by_accuracy.loo_accuracy) < 1e-12)
    holds(by_error:accuracy(set), by_error(x):argmax(-1):eq(labels):cast("f64"):mean())
    assert.is_true(math.abs(by_error:accuracy(set) - ml.accuracy(by_error, set)) < 1e-12)
  end)

  it("learns a line, and that noise has nothing to learn", function()
    local x = randn({ 60, 5 }, 5)
    local set = { x = x, y = x:matmul(randn({ 5 }, 6)) + 3 }
    local probe = ml.probe.linear(nil, set)
    assert.is_true(probe:r2(set) > 1 - 1e-9)
    assert.equal(1e-8, probe.penalty)
    assert.same({ 60 }, probe:predict(x).shape)
    local noise = ml.probe.linear(nil, { x = x, y = randn({ 60 }, 7) })
    assert.is_true(noise.penalty >= 1 and noise.effective_dim < 2.6, tostring(noise))
  end)

  it("does not see scales when it standardises, and survives features that are always the same", function()
    local x, y = randn({ 30, 4 }, 8), ml.randint(1, 2, { 30 }, { seed = 9 })
    local plain  = ml.probe.linear(nil, { x = x, y = y })
    local scaled = ml.probe.linear(nil, { x = x * ml.tensor { 1., 100., 1e-3, 7. } + 5, y = y })
    holds(plain(x):tolist(), scaled(x * ml.tensor { 1., 100., 1e-3, 7. } + 5), 1e-6)
    local dead = ml.probe.linear(nil, { x = ml.cat({ x, ml.ones({ 30, 2 }, { dtype = "f64" }) * 1e6 }, 2), y = y })
    holds(plain.loo_error, ml.tensor(dead.loo_error, { dtype = "f64" }), 1e-6)
    holds({ { 0, 0 }, { 0, 0 } }, dead.weight:slice(2, 5))
    local none = ml.probe.linear(nil, { x = ml.ones { 30, 2 }, y = y }) -- then the answer is the mean
    holds(0, none.weight:abs():max())
    fails(function() plain:scores(ml.ones { 2, 3 }) end, "^probe: fitted to 4 features, these inputs have 3")
  end)

  it("reads any layer, in evaluation, batch by batch, and leaves the model as it is", function()
    ml.seed(1)
    local model = nn.Sequential {
      nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Sequential { nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3) }, nn.Tanh(),
    }
    model(ml.randn { 50, 5 })
    local x, y = ml.randn { 33, 5 }, ml.randint(1, 2, { 33 })
    local before = model:state()
    local probe = ml.probe.linear(model, { x = x, y = y }, { layer = "3.1", batch = 7 })
    assert.is_true(model:training())
    for name, t in pairs(model:state()) do holds(before[name]:tolist(), t) end
    model:eval()
    local hidden = model[2](model[1](x)):relu():detach()
    assert.is_true(model[3][2]:training() == false)
    holds(hidden:tolist(), probe:features(x), 1e-6)
    local same = ml.probe.linear(nil, { x = hidden, y = y })
    holds(same.weight:tolist(), probe.weight, 1e-5)
    holds(ml.probe.linear(model, { x = x, y = y }).weight:tolist(),
      ml.probe.linear(model, { x = x, y = y }, { layer = 4 }).weight, 1e-9)
  end)

  it("reads points inside of other containers, and names those that a pattern fits", function()
    ml.seed(7)
    local model = nn.Sequential { nn.Linear(4, 6), nn.Residual(nn.Sequential { nn.Linear(6, 6), nn.ReLU() }), nn.ReLU() }
    local x, y = ml.randn { 20, 4 }, ml.randint(1, 2, { 20 })
    local hidden = model[2].inner(model[1](x)):detach()
    holds(hidden:tolist(), ml.probe.linear(model, { x = x, y = y }, { layer = "*.inner.2.relu" }):features(x), 1e-6)
    holds(hidden:tolist(), ml.probe.linear(model, { x = x, y = y }, { layer = "2.inner.2" }):features(x), 1e-6)
    fails(function() ml.probe.linear(model, { x = x, y = y }, { layer = "*.relu" }) end, "fits 2 points: 2%.inner%.2%.relu")
  end)

  it("names what is wrong", function()
    local set = { x = ml.ones { 4, 2 }, y = ml.tensor { 1, 2, 1, 2 } }
    fails(function() ml.probe.linear(nil, { x = set.x }) end, "^probe%.linear: the data must be a table with tensors x and y")
    fails(function() ml.probe.linear(nil, { x = set.x, y = ml.tensor { 0, 1, 1, 2 } }) end, "count from 1, found 0 %(add 1%)")
    fails(function() ml.probe.linear(nil, { x = set.x, y = ml.tensor { 1, 2 } }) end, "x has shape %(4, 2%), y %(2%)")
    fails(function() ml.probe.linear(nil, set, { penalties = 3 }) end, "unknown option 'penalties'; did you mean 'penalty'")
    fails(function() ml.probe.linear(nil, set, { penalty = 0 }) end, "a penalty is a number above 0, got 0")
    fails(function() ml.probe.linear(nil, set, { penalty = {} }) end, "there is no penalty in the list")
    fails(function() ml.probe.linear(nil, set, { layer = 2 }) end, "layer = 2 needs a model of layers, got nil")
    fails(function() ml.probe.linear(nn.Sequential { nn.Tanh() }, set, { layer = "2" }) end, "'2'")
    fails(function() ml.probe.linear(function() return 3 end, set) end, "the features of 4 inputs must be a tensor")
    fails(function() ml.probe.linear(nil, set):r2(set) end, "^r2: this probe was fitted to labels")
    fails(function() ml.probe.features.conv { poll = 2 } end, "^features%.conv: unknown option 'poll'; did you mean 'pool'")
    fails(function() ml.probe.features.relu { n = 0 } end, "^features%.relu: n must be a whole number, at least 1")
    fails(function() ml.probe.features.relu { inputs = 3 } (ml.ones { 2, 4 }) end, "made for 3 inputs, got x of shape %(2, 4%)")
  end)
end)

describe("the logistic probe", function()
  local function near(expected, got, tolerance) holds(expected, ml.tensor(got, { dtype = "f64" }), tolerance) end

  it("is at the minimum: Newton's method on two classes finds the same", function()
    local x = randn({ 40, 3 }, 1)
    local y = (x:matmul(ml.tensor { 1., -0.5, 0. }) + 0.7 * randn({ 40 }, 2)):gt(0.3):cast "i64" + 1
    for _, penalty in ipairs { 1e-3, 0.1 } do
      local probe = ml.probe.linear(nil, { x = x, y = y }, { solver = "logistic", penalty = penalty, standardise = false })
      -- two columns that differ by v: the penalty on both is that of penalty / 2 on v alone
      local t, v = (y - 1):cast "f64", ml.zeros({ 4 }, { dtype = "f64" })
      local with_one = ml.cat({ x - x:mean(1), ml.ones({ 40, 1 }, { dtype = "f64" }) }, 2)
      local d = ml.tensor({ 1., 1., 1., 0. }, { dtype = "f64" }) * (penalty / 2)
      for _ = 1, 30 do
        local p = with_one:matmul(v):sigmoid()
        local gradient = with_one:transpose():matmul(p - t) / 40 + d * v
        local hessian = (with_one:transpose() * (p * (1 - p))):matmul(with_one) / 40 + d:diag_embed()
        v = v - ml.linalg.solve(hessian, gradient)
      end
      local w = probe.weight[2] - probe.weight[1]
      holds(v:slice(1, 1, 3):tolist(), w, 1e-5)
      local scores = probe(x)
      holds(with_one:matmul(v):tolist(), scores[{ {}, 2 }] - scores[{ {}, 1 }], 1e-5)
    end
  end)

  it("has no gradient left, of several classes; more penalty makes weights smaller", function()
    local labels = ml.randint(1, 4, { 200 }, { seed = 3 })
    local x = randn({ 200, 6 }, 4) * 3 + labels:one_hot(6)
    local last
    for _, penalty in ipairs { 1e-6, 1e-3, 1 } do
      local set   = { x = x, y = labels }
      local probe = ml.probe.linear(nil, set, { solver = "logistic", penalty = penalty })
      local z = (x - x:mean(1)) / (x - x:mean(1)):square():mean(1):sqrt()
      local std = (x - x:mean(1)):square():mean(1):sqrt()
      local off = probe(x):softmax(-1) - labels:one_hot(4)
      local gradient = off:transpose():matmul(z) / 200 + penalty * probe.weight * std
      near(0, gradient:abs():max():item(), 1e-6)
      near(0, off:mean(1):abs():max():item(), 1e-6)
      local size = probe.weight:square():sum():item()
      assert.is_true(not last or size < last)
      last = size
      assert.is_true(probe:accuracy(set) > 0.3 and probe.steps > 0)
    end
  end)

  it("names what is wrong", function()
    local numbers, set = { x = ml.ones { 4, 2 }, y = ml.ones { 4 } }, { x = ml.ones { 4, 2 }, y = ml.tensor { 1, 2, 1, 2 } }
    fails(function() ml.probe.linear(nil, numbers, { solver = "logistic" }) end, "takes labels")
    fails(function() ml.probe.linear(nil, set, { solver = "logistic", penalty = { 1, 2 } }) end, "takes one penalty, got 2")
    fails(function() ml.probe.linear(nil, set, { solver = "newton" }) end, "solver must be")
  end)
end)

describe("the digits of MNIST", function()
  local path = os.getenv "MOONLAB_SOURCE" .. "/../shared/data"
  local there = io.open(path .. "/mnist/t10k-images-idx3-ubyte.gz")
  if there then there:close() else io.stderr:write("probe: no " .. path .. ": the real MNIST is not tested\n") end

  it("are read from 512 random features to 96.5 %, from pixels to less than 90 %", function()
    if not there or support.sanitized then return end
    local began = os.clock()
    local data = ml.data.split(ml.data.mnist({ path = path, only = "test" }).test, { test = 2000, seed = 1 })
    local probe = ml.probe.linear(ml.probe.features.conv { filters = 32, kernel = 5, pool = 6, seed = 1 }, data.train)
    local accuracy = probe:accuracy(data.test)
    assert.equal(512, probe.weight.shape[2])
    assert.is_true(accuracy >= 0.965, tostring(accuracy))
    local seconds = os.clock() - began -- of the processor: other programs do not take it
    assert.is_true(seconds < 6, seconds .. " s on all threads together")
    local pixels = ml.probe.linear(nil, data.train):accuracy(data.test)
    assert.is_true(pixels < 0.9 and pixels > 0.8, tostring(pixels))
  end)
end)

describe("the example of random convolutions", function()
  local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
  teardown(process.remove_all)

  -- How its three checks end, on drawn digits: a share of the filters is enough to tell.
  local function checks(arguments)
    local example = os.getenv "MOONLAB_SOURCE" .. "/examples/probe_random_conv.lua"
    local result  = process.shell(("'%s' run '%s' --no-window steps=4 %s"):format(process.program, example, arguments),
      { environment = { MOONLAB_DATA = "" } })
    local passed = {}
    for mark in (result.out .. result.err):gmatch "([✓✗]+) [^\n]*against" do passed[#passed + 1] = mark == "✓" end
    return passed, result.out .. result.err
  end

  it("shows their advantage, which is gone when the pixels are permuted", function()
    if support.sanitized then return end
    local passed, output = checks ""
    assert.same({ true, true, true }, passed, output)
    passed, output = checks "permuted=true"
    assert.same({ false, false, true }, passed, output)
  end)
end)

describe("random features", function()
  local x = ml.randn({ 12, 6 }, { seed = 1 })

  -- The mean over a few seeds of the greatest error of phi phi^T.
  local function error_of(make, n, kernel)
    local total = 0
    for seed = 1, 8 do
      local phi = make { inputs = 6, n = n, seed = seed } (x):cast "f64"
      total = total + item((phi:matmul(phi:transpose()) - kernel):square():mean():sqrt())
    end
    return total / 8
  end

  it("of ReLU approach the arc-cosine kernel as 1 / sqrt(n)", function()
    local x64 = x:cast "f64"
    local gram = x64:matmul(x64:transpose())
    local norm = gram:diagonal():sqrt()
    local norms = norm:unsqueeze(2) * norm
    local angle = (gram / norms):clamp(-1, 1):acos()
    local kernel = norms * (angle:sin() + (math.pi - angle) * angle:cos()) / math.pi / 6 -- weights of variance 2 / 6
    local few, many = error_of(ml.probe.features.relu, 256, kernel), error_of(ml.probe.features.relu, 4096, kernel)
    assert.is_true(many / few > 0.15 and many / few < 0.4, ("%g %g"):format(few, many)) -- 1/4
    assert.is_true(error_of(ml.probe.features.relu, 4096, kernel * 1.3) > 2 * many)
  end)

  it("of Fourier approach the Gaussian kernel as 1 / sqrt(n)", function()
    local kernel = (-ml.stats.cdist(x, x):cast("f64"):square() / 12):exp()
    local few  = error_of(ml.probe.features.fourier, 256, kernel)
    local many = error_of(ml.probe.features.fourier, 4096, kernel)
    assert.is_true(many / few > 0.15 and many / few < 0.4, ("%g %g"):format(few, many))
  end)

  it("of convolutions are those of the layers", function()
    local phi = ml.probe.features.conv { channels = 2, filters = 3, kernel = 3, padding = 1, pool = 2, bias_std = 0.5, seed = 4 }
    local layers = nn.Sequential { nn.Conv2d(2, 3, 3, { padding = 1 }), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten() }
    layers[1]:load_state { weight = phi.weight, bias = phi.bias }
    local images = ml.randn({ 4, 2, 8, 6 }, { seed = 5 })
    holds(layers(images):detach():tolist(), phi(images), 1e-6)
    local signals = ml.probe.features.conv { filters = 4, kernel = 5, padding = 2, pool = 5, dims = 1, seed = 6 }
    assert.same({ 7, 16 }, signals(ml.randn { 7, 20 }).shape)
    holds(signals(ml.ones { 7, 20 }):tolist(), signals(ml.ones { 7, 1, 20 }))
    fails(function() phi(ml.ones { 2, 3, 8, 8 }) end, "^features%.conv: takes %(n, 2, h, w%), got x of shape %(2, 3, 8, 8%)")
  end)

  it("are the same for the same seed, and others for another", function()
    for _, make in pairs { ml.probe.features.relu, ml.probe.features.fourier } do
      local function at(seed) return make { inputs = 6, n = 5, seed = seed } (x) end
      holds(at(3):tolist(), at(3))
      assert.is_true((at(3) - at(4)):abs():max():item() > 0)
    end
  end)
end)
