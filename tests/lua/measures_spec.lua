-- Measures of networks where they are known: linear models, logistic regression, paths counted one by one.
local ml      = require "moonlab"
local nn      = ml.nn
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local measures = ml.measures

local F64 = { dtype = "f64" }
local function randn(shape, seed) return ml.randn(shape, { dtype = "f64", seed = seed }) end
local function near(expected, got, tolerance)
  local far = math.abs(expected - got) / math.max(1, math.abs(expected))
  assert.is_true(far <= (tolerance or 1e-10), ("expected %.12g, got %.12g"):format(expected, got))
end

describe("margins", function()
  it("are to the best of the others", function()
    local outputs = ml.tensor({ { 3, 1, 2 }, { 0, 5, 7 }, { 1, 1, 0 } }, F64)
    local set = { x = outputs, y = ml.tensor { 1, 2, 1 } }
    holds({ 1, -2, 0 }, measures.margins(function(x) return x end, set, { batch = 2 }))
    fails(function() measures.margins(function(x) return x end, { x = outputs }) end, "^measures%.margins: the data must be")
  end)
end)

describe("sharpness", function()
  it("of a linear model with squared error is the largest eigenvalue of 2 X^T X / n", function()
    ml.seed(1)
    local model, x = nn.Linear(5, 1, { bias = false, dtype = "f64" }), randn({ 30, 5 }, 1)
    local set = { x = x, y = randn({ 30, 1 }, 2) }
    local expected = ml.linalg.eigvalsh(x:transpose():matmul(x) * (2 / 30))
    local top, values = measures.sharpness(model, set, { loss = nn.mse, k = 2 })
    near(expected[5]:item(), top)
    holds(expected:slice(1, 4, 5):tolist(), values, 1e-9)
  end)

  it("of a network is that of the whole Hessian, in evaluation", function()
    ml.seed(2)
    local model = nn.Sequential { nn.Linear(3, 4, F64), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2, F64) }
    local set = { x = randn({ 12, 3 }, 3), y = ml.randint(1, 2, { 12 }, { seed = 4 }) }
    local flat, unravel = ml.tree.ravel(model:parameters())
    local hessian = ml.hessian(function(v)
      return nn.cross_entropy(model:apply(unravel(v), set.x, { train = false }), set.y)
    end)(flat:detach())
    near(ml.linalg.eigvalsh(hessian)[-1]:item(), (measures.sharpness(model, set)), 1e-8)
    assert.is_true(model:training())
    fails(function() measures.sharpness(nn.Tanh(), set) end, "^measures%.sharpness: takes a model with parameters, got Tanh")
  end)
end)

describe("the trace of the Fisher information", function()
  it("of logistic regression is a sum of p (1 - p) |x|^2", function()
    ml.seed(3)
    local model, x = nn.Linear(4, 3, F64), randn({ 20, 4 }, 5)
    local set = { x = x, y = ml.randint(1, 3, { 20 }, { seed = 6 }) }
    local p, norms = model(x):softmax(-1):detach(), x:square():sum(2) + 1 -- the bias counts as an input of 1
    -- E over labels of |e_y - p|^2 = 1 - |p|^2
    near((norms * (1 - p:square():sum(2))):mean():item(), measures.fisher_trace(model, set, { batch = 7 }))
    local off = p - set.y:one_hot(3)
    near((norms * off:square():sum(2)):mean():item(), measures.fisher_trace(model, set, { empirical = true }))
  end)

  it("of a network is the mean over single gradients", function()
    ml.seed(4)
    local model = nn.Sequential { nn.Linear(3, 5, F64), nn.ReLU(), nn.Linear(5, 2, F64) }
    local set = { x = randn({ 6, 3 }, 7), y = ml.randint(1, 2, { 6 }, { seed = 8 }) }
    local total = 0
    for i = 1, 6 do
      local loss = nn.cross_entropy(model(set.x:slice(1, i, i)), set.y:slice(1, i, i))
      for _, g in ipairs(ml.autograd.grad(loss, model:parameters())) do total = total + g:square():sum():item() / 6 end
    end
    near(total, measures.fisher_trace(model, set, { empirical = true }))
  end)
end)

describe("norms", function()
  it("of paths are sums over every path", function()
    ml.seed(5)
    local model = nn.Sequential {
      nn.Linear(2, 3, { bias = false, dtype = "f64" }), nn.ReLU(), nn.Linear(3, 2, { bias = false, dtype = "f64" }),
    }
    local a, b, total = model[1].weight:tolist(), model[3].weight:tolist(), 0
    for i = 1, 2 do for h = 1, 3 do for o = 1, 2 do total = total + (a[h][i] * b[o][h]) ^ 2 end end end
    near(math.sqrt(total), measures.path_norm(model, { 2 }))
    local before = model(ml.ones({ 1, 2 }, F64)):tolist()
    holds(before, model(ml.ones({ 1, 2 }, F64))) -- the model is as it was
    -- rescaling two layers of ReLU against each other changes neither the function nor this norm, but the others
    local was = measures.norms(model)
    local norm = measures.path_norm(model, { 2 })
    model:load_state { ["1.weight"] = model[1].weight * 7, ["3.weight"] = model[3].weight / 7 }
    near(norm, measures.path_norm(model, { 2 }))
    near(was.log_spectral, measures.norms(model).log_spectral, 1e-9)
    assert.is_true(measures.norms(model).frobenius > 2 * was.frobenius)
  end)

  it("of known matrices", function()
    local model = nn.Sequential { nn.Linear(2, 2, F64), nn.ReLU(), nn.Conv2d(1, 2, 2, F64) }
    model:load_state {
      ["1.weight"] = ml.tensor({ { 3, 0 }, { 0, 4 } }, F64), ["1.bias"] = ml.ones({ 2 }, F64),
      ["3.weight"] = ml.tensor({ { { { 1, 1 }, { 1, 1 } } }, { { { 1, 1 }, { -1, -1 } } } }, F64),
      ["3.bias"] = ml.ones({ 2 }, F64),
    }
    local norms = measures.norms(model, { initial = model:state() })
    assert.equal(16, norms.parameters)
    near(33, norms.frobenius)
    near(math.log(25 * 8), norms.log_frobenius)
    near(4, norms.spectral["1.weight"])
    near(2, norms.spectral["3.weight"])
    near(math.log(16 * 4), norms.log_spectral)
    near(25 / 16 + 2, norms.stable_rank)
    near(0, norms.distance)
    local other = model:state()
    other["1.weight"] = other["1.weight"] + 1
    near(4, measures.norms(model, { initial = other }).distance)
    fails(function() measures.norms(model, { initial = {} }) end, "initial must be a model:state%(%), with '1%.weight'")
    fails(function() measures.norms(3) end, "^measures%.norms: takes a model with parameters, got number")
  end)

  it("effective rank counts directions", function()
    local q = ml.linalg.qr(randn({ 50, 4 }, 9) - randn({ 50, 4 }, 9):mean(1))
    near(4, measures.effective_rank(q), 1e-9)
    near(2, measures.effective_rank(q:slice(2, 1, 2):matmul(ml.linalg.qr(randn({ 7, 2 }, 10)):transpose())), 1e-6)
    assert.equal(0, measures.effective_rank(ml.ones { 5, 3 }))
    fails(function() measures.effective_rank(ml.ones { 5 }) end, "^measures%.effective_rank: takes features")
  end)
end)
