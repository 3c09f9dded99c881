-- What is done with kernels: alignment, CKA, spectra, regression, against definitions written out and known cases.
local ml      = require "moonlab"
local nn      = ml.nn
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local kernels = ml.kernels

local function randn(shape, seed) return ml.randn(shape, { dtype = "f64", seed = seed }) end
local function near(expected, got, tolerance)
  assert.is_true(math.abs(expected - got) <= (tolerance or 1e-12), ("expected %.15g, got %.15g"):format(expected, got))
end
local function gram(x) return x:matmul(x:transpose()) end
local function eye(n) return ml.eye(n, { dtype = "f64" }) end
local function trace(x) return x:diagonal():sum():item() end

-- HSIC by its definition, with the centring matrix written out.
local function hsic(k, l)
  local n = #k
  local h = eye(n) - ml.ones({ n, n }, { dtype = "f64" }) / n
  return trace(k:matmul(h):matmul(l):matmul(h))
end

-- The unbiased estimate, as sums over different i, j, q, r: a U-statistic of order 4 (Song et al. 2012, equation 3).
local function hsic_by_sums(k, l)
  local n, a, b = #k, k:tolist(), l:tolist()
  local two, three, four = 0, 0, 0
  for i = 1, n do
    for j = 1, n do
      if j ~= i then
        two = two + a[i][j] * b[i][j]
        for q = 1, n do
          if q ~= i and q ~= j then
            three = three + a[i][j] * b[i][q]
            for r = 1, n do
              if r ~= i and r ~= j and r ~= q then four = four + a[i][j] * b[q][r] end
            end
          end
        end
      end
    end
  end
  local n2, n3 = n * (n - 1), n * (n - 1) * (n - 2)
  return two / n2 + four / (n3 * (n - 3)) - 2 * three / n3
end

describe("CKA", function()
  local x, y = randn({ 9, 4 }, 1), randn({ 9, 6 }, 2)
  y = y + x:matmul(randn({ 4, 6 }, 3)) + 5

  it("is its definition, linear and with a Gaussian kernel", function()
    local k, l = gram(x), gram(y)
    near(hsic(k, l) / math.sqrt(hsic(k, k) * hsic(l, l)), kernels.cka(x, y))
    near(kernels.cka(x, y), kernels.alignment(k, l))
    near(kernels.cka(x, randn({ 9, 30 }, 4)), kernels.alignment(k, gram(randn({ 9, 30 }, 4)))) -- more features than inputs
    local function rbf(z, sigma)
      local d, all = ml.stats.cdist(z, z), {}
      for i = 1, #z do for j = 1, i - 1 do all[#all + 1] = d[{ i, j }]:item() end end
      table.sort(all)
      return (-(d / (sigma * all[#all // 2])):square() / 2):exp()
    end
    assert.equal(0, 9 * 8 // 2 % 2) -- an even number of distances: the lower middle one
    for _, sigma in ipairs { 0.5, 1.3 } do
      local a, b = rbf(x, sigma), rbf(y, sigma)
      near(hsic(a, b) / math.sqrt(hsic(a, a) * hsic(b, b)), kernels.cka(x, y, { kernel = "rbf", sigma = sigma }), 1e-9)
    end
  end)

  it("debiased is the ratio of the sums over different inputs", function()
    local k, l = gram(x), gram(y)
    local expected = hsic_by_sums(k, l) / math.sqrt(hsic_by_sums(k, k) * hsic_by_sums(l, l))
    near(expected, kernels.cka(x, y, { debiased = true }), 1e-10)
    local wide, other = randn({ 40, 400 }, 5), randn({ 40, 400 }, 6) -- unrelated, with many features
    assert.is_true(kernels.cka(wide, other) > 0.8)
    assert.is_true(math.abs(kernels.cka(wide, other, { debiased = true })) < 0.1)
  end)

  it("does not see rotations, scales and shifts, but sees other linear maps", function()
    local q = ml.linalg.qr(randn({ 4, 4 }, 7))
    for _, opts in ipairs { {}, { kernel = "rbf" }, { debiased = true }, { kernel = "rbf", debiased = true } } do
      near(1, kernels.cka(x, x, opts))
      near(kernels.cka(x, y, opts), kernels.cka(x:matmul(q) * 3 + 7, y, opts), 1e-9)
      assert.is_true(kernels.cka(x, x:matmul(randn({ 4, 4 }, 8)), opts) < 0.98)
    end
  end)

  it("of layers is that of their outputs", function()
    ml.seed(1)
    local model = nn.Sequential { nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3) }
    local inputs = ml.randn { 30, 4 }
    local all = kernels.layer_cka(model, nil, inputs, { batch = 7 })
    assert.same({ 4, 4 }, all.shape)
    holds({ 1, 1, 1, 1 }, all:diagonal(), 1e-12)
    local one = model[1](inputs)
    near(kernels.cka(one, model[4](one:relu())), all[{ 1, 4 }]:item(), 1e-6)
    near(1, all[{ 2, 3 }]:item(), 1e-12) -- dropout does nothing in evaluation
    assert.is_true(model:training())
    local other = nn.Sequential { nn.Linear(4, 8), nn.ReLU() }
    near(kernels.cka(one, other[1](inputs)), kernels.layer_cka(model, other, inputs)[{ 1, 1 }]:item(), 1e-6)
  end)

  it("names what is wrong", function()
    fails(function() kernels.cka(x, randn({ 8, 2 }, 1)) end, "^kernels%.cka: x has 9 inputs, y 8")
    fails(function() kernels.cka(x, ml.ones { 9, 2 }) end, "one side is the same for all inputs")
    fails(function() kernels.cka(x, y, { kernel = "rfb" }) end, "kernel must be \"linear\" or \"rbf\"")
    fails(function() kernels.cka(x:slice(1, 1, 3), y:slice(1, 1, 3), { debiased = true }) end, "at least 4 inputs, got 3")
    fails(function() kernels.alignment(x, x) end, "must be a square kernel matrix, got shape %(9, 4%)")
  end)
end)

describe("alignment and spectra", function()
  it("know simple cases", function()
    local k = gram(randn({ 6, 3 }, 1))
    near(1, kernels.alignment(k, 3 * k + 5)) -- a constant is centred away
    assert.is_true(kernels.alignment(k, 3 * k + 5, { centred = false }) < 0.99)
    local y = ml.tensor({ 1., -1., 1., -1. }, { dtype = "f64" })
    near(1, kernels.alignment(gram(y:unsqueeze(2)), gram(y:unsqueeze(2))))
    near(1 / math.sqrt(3), kernels.alignment(eye(4), gram(y:unsqueeze(2)))) -- tr(H y y^T) / (|H| |y y^T|)
  end)

  it("count directions", function()
    local s = kernels.spectrum(eye(5) * 3)
    holds({ 3, 3, 3, 3, 3 }, s.values, 1e-12)
    near(5, s.participation, 1e-9)
    near(5, s.effective_rank, 1e-9)
    near(2.5, kernels.spectrum(eye(5) * 3, { ridge = 3 }).effective_dim, 1e-9)
    local one = kernels.spectrum(ml.ones({ 4, 4 }, { dtype = "f64" }))
    near(1, one.participation, 1e-6)
    near(1, one.effective_rank, 1e-6)
    near(1, kernels.spectrum(ml.ones({ 4, 4 }, { dtype = "f64" }), { ridge = 0.1 }).effective_dim, 0.03)
    local q = ml.linalg.qr(randn({ 3, 3 }, 2))
    local mixed = kernels.spectrum((q * ml.tensor({ 1., 2., 5. }, { dtype = "f64" })):matmul(q:transpose()), { ridge = 1 })
    holds({ 5, 2, 1 }, mixed.values, 1e-12)
    near(64 / 30, mixed.participation, 1e-12)
    near(5 / 6 + 2 / 3 + 1 / 2, mixed.effective_dim, 1e-12)
    near(0, kernels.spectrum(eye(3) * 0).effective_rank)
  end)
end)

describe("kernel regression", function()
  local x, z = randn({ 12, 3 }, 1), randn({ 5, 3 }, 2)
  local function kernel(a, b) return (-ml.stats.cdist(a, b):square() / 2):exp() end
  local k, across = kernel(x, x), kernel(z, x)

  it("is the solution of its equations; the posterior of a Gaussian process", function()
    local y, ridge = randn({ 12, 2 }, 3), 0.3
    local fit = kernels.regression(k, y, { ridge = ridge })
    holds(ml.linalg.solve(k + eye(12) * ridge, y):tolist(), fit.alpha, 1e-9)
    holds(across:matmul(ml.linalg.solve(k + eye(12) * ridge, y)):tolist(), fit:predict(across), 1e-9)
    local known = ml.linalg.solve(k + eye(12) * ridge, across:transpose())
    local variance = 1 - across:matmul(known):diagonal()
    holds(variance:tolist(), fit:variance(across, ml.ones { 5 }), 1e-9)
    local exact = kernels.regression(k, y[{ {}, 1 }])
    assert.same({ 12 }, exact:predict(k).shape)
    holds(y[{ {}, 1 }]:tolist(), exact:predict(k), 1e-3) -- without noise it interpolates, and is sure of it
    assert.is_true(exact:variance(k, ml.ones { 12 }):max():item() < 1e-5)
  end)

  it("leaves every input out exactly, and takes the best ridge", function()
    local labels = ml.tensor { 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3 }
    local y, ridges, errors, best = labels:one_hot(3):cast "f64" * 2 - 1, { 1e-3, 0.1, 1, 10 }, {}, 1
    local hits = {}
    for r, ridge in ipairs(ridges) do
      local total, right = 0, 0
      for i = 1, 12 do
        local keep = {}
        for j = 1, 12 do if j ~= i then keep[#keep + 1] = j end end
        local at = ml.tensor(keep)
        local fit = kernels.regression(kernel(x[at], x[at]), y[at], { ridge = ridge })
        local scores = fit:scores(kernel(x:slice(1, i, i), x[at]))
        total = total + (scores - y:slice(1, i, i)):square():sum():item()
        right = right + (scores:argmax(-1):item() == labels[i]:item() and 1 or 0)
      end
      errors[r], hits[r] = total / 12, right / 12
      if errors[r] < errors[best] then best = r end
    end
    local fit = kernels.regression(k, labels, { ridge = ridges })
    assert.equal(ridges[best], fit.ridge)
    near(errors[best], fit.loo_error, 1e-9)
    near(hits[best], fit.loo_accuracy, 1e-12)
    near(fit:predict(k):eq(labels):cast("f64"):mean():item(), fit:accuracy(k, labels))
  end)

  it("with the conjugate kernel is ridge on the features; with a linear one, linear", function()
    ml.seed(2)
    local model = nn.Sequential { nn.Linear(3, 20, { dtype = "f64" }), nn.Tanh(), nn.Linear(20, 2, { dtype = "f64" }) }
    local features = model[1](x):tanh():detach()
    holds((gram(features) / 20):tolist(), kernels.conjugate(model, x), 1e-12)
    holds((gram(features) / 20):tolist(), kernels.conjugate(model, x, nil, { layer = 2, batch = 5 }), 1e-12)
    local y, ridge = randn({ 12, 1 }, 4), 0.05
    local w = ml.linalg.solve(features:transpose():matmul(features) / 20 + eye(20) * ridge, features:transpose():matmul(y) / 20)
    local fit = kernels.regression(kernels.conjugate(model, x), y, { ridge = ridge })
    holds(model[1](z):tanh():matmul(w):detach():tolist(), fit:predict(kernels.conjugate(model, z, x)), 1e-9)
    local phi = ml.probe.features.relu { inputs = 3, n = 50, seed = 1 }
    holds((gram(phi(x):cast "f64") / 50):tolist(), kernels.conjugate(phi, x), 1e-6)
  end)

  it("names what is wrong", function()
    fails(function() kernels.regression(across, ml.ones { 5 }) end, "takes a square kernel matrix, got shape %(5, 12%)")
    fails(function() kernels.regression(k, ml.ones { 5 }) end, "needs a target for each of 12 inputs")
    fails(function() kernels.regression(k, ml.ones { 12 }, { ridge = 0 }) end, "a ridge is a number above 0, got 0")
    local fit = kernels.regression(k, ml.ones { 12 })
    fails(function() fit:predict(k:slice(2, 1, 3)) end, "takes the kernel of inputs with the 12 training inputs")
    fails(function() fit:accuracy(k, ml.ones { 12 }) end, "fitted to numbers")
    fails(function() fit:variance(across, ml.ones { 3 }) end, "the kernel of each of the 5 inputs with itself")
    fails(function() kernels.conjugate(nn.Linear(3, 2), x) end, "of a Linear say which layer")
  end)
end)
