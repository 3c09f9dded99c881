-- Linear algebra against closed forms: matrices whose spectra, inverses and derivatives are known.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local linalg  = ml.linalg
local holds, fails = support.holds, support.fails

local function f64(list) return ml.tensor(list, { dtype = "f64" }) end
local function randn(shape, seed) return ml.randn(shape, { dtype = "f64", seed = seed }) end
local function eye(n) return ml.eye(n, { dtype = "f64" }) end
local function equal(a, b, tolerance) holds(b:tolist(), a, tolerance or 1e-10) end

-- 2 on the diagonal, -1 beside it: its eigenvalues are 2 - 2 cos(k pi / (n + 1)).
local function laplacian(n)
  local rows = {}
  for i = 1, n do
    rows[i] = {}
    for j = 1, n do rows[i][j] = i == j and 2.0 or math.abs(i - j) == 1 and -1.0 or 0.0 end
  end
  return f64(rows)
end

local function laplacian_eigenvalues(n)
  local values = {}
  for k = 1, n do values[k] = 2 - 2 * math.cos(k * math.pi / (n + 1)) end
  return values
end

local function hilbert(n)
  local rows = {}
  for i = 1, n do
    rows[i] = {}
    for j = 1, n do rows[i][j] = 1 / (i + j - 1) end
  end
  return f64(rows)
end

describe("factorisations", function()
  it("put matrices together again, in any shape", function()
    for _, shape in ipairs { { 5, 3 }, { 3, 5 }, { 4, 4 }, { 2, 3, 6, 4 }, { 3, 0 }, { 0, 0 } } do
      local x = randn(shape, 1)
      local u, s, v = linalg.svd(x)
      local across = s.shape -- (..., k) -> (..., 1, k)
      table.insert(across, #across, 1)
      equal((u * s:reshape(across)):matmul(v:transpose()), x)
      local q, r = linalg.qr(x)
      equal(q:matmul(r), x)
    end
  end)

  it("know the tridiagonal matrix", function()
    for _, n in ipairs { 1, 2, 5, 40 } do
      local x = laplacian(n)
      local w, v = linalg.eigh(x)
      holds(laplacian_eigenvalues(n), w, 1e-12)
      equal(v:transpose():matmul(v), eye(n), 1e-12)
      equal(x:matmul(v), v * w, 1e-12)
      holds(n + 1, linalg.det(x), 1e-12) -- and its determinant
      local sign, logdet = linalg.slogdet(x)
      holds(1, sign)
      holds(math.log(n + 1), logdet, 1e-12)
    end
  end)

  it("know Hilbert's matrix, which is nearly singular", function()
    holds(1 / 2160, linalg.det(hilbert(3)), 1e-14)
    assert.is_true(math.abs(linalg.det(hilbert(5)):item() * 266716800000 - 1) < 1e-9)
    local inverse = linalg.inv(hilbert(4))
    holds({ { 16, -120, 240, -140 }, { -120, 1200, -2700, 1680 }, { 240, -2700, 6480, -4200 }, { -140, 1680, -4200, 2800 } },
      inverse, 1e-10)
    assert.equal(12, linalg.matrix_rank(hilbert(12), 1e-17):item())
    assert.is_true(linalg.matrix_rank(hilbert(20)):item() < 15) -- in f64 the rest is rounding
  end)

  it("fix the signs", function()
    local _, v = linalg.eigh(laplacian(6))
    local largest = v:abs():max(1)
    for i = 1, 6 do
      local column = v[{ {}, i }]:tolist()
      for _, c in ipairs(column) do
        if math.abs(c) > largest[i]:item() * (1 - 1e-6) then
          assert.is_true(c > 0)
          break
        end
      end
    end
    local _, r = linalg.qr(randn({ 4, 4 }, 2))
    for i = 1, 4 do assert.is_true(r[{ i, i }]:item() > 0) end
  end)

  it("name what they refuse", function()
    local nan = eye(2) * (0 / 0)
    fails(function() linalg.eigh(nan) end, "^eigh_parts: the input, shape %(2, 2%), holds NaN")
    fails(function() linalg.svd(nan) end, "^svd_parts: the input")
    fails(function() linalg.eigh(ml.ones { 2, 3 }) end, "^eigh_parts: needs a square matrix, got shape %(2, 3%)")
    fails(function() linalg.eigh { 1, 2 } end, "^linalg%.eigh: takes a tensor, got table")
    fails(function() linalg.qr(ml.ones { 3 }) end, "^qr_parts: needs a matrix, got shape %(3%)")
  end)
end)

describe("derivatives of functions of matrices", function()
  it("are right where eigenvalues coincide, if the function does not see the choice of vectors", function()
    local function root(x) -- the trace of the square root, by eigenvalues and vectors: f(x) = tr sqrt(x), f' = x^(-1/2) / 2
      local w, v = linalg.eigh(x)
      return linalg.trace((v * w:sqrt()):matmul(v:transpose()))
    end
    equal(ml.grad(root)(eye(3) * 4), eye(3) * 0.25, 1e-12)
    local function nuclear(x) -- sum of singular values: the derivative is u v^T
      local u, s, v = linalg.svd(x)
      return s:sum() + 0 * u:sum() + 0 * v:sum()
    end
    equal(ml.grad(nuclear)(eye(3)), eye(3), 1e-12)
  end)

  it("see what coincides up to rounding, at any scale", function()
    local q = linalg.qr(randn({ 3, 3 }, 20))
    for _, scale in ipairs { 1e-8, 1, 1e8 } do
      local function with(a, b, c) return (q * f64 { a, b, c }):matmul(q:transpose()) end
      local function root(x)
        local w, v = linalg.eigh(x)
        return linalg.trace((v * w:sqrt()):matmul(v:transpose()))
      end
      local slope = ml.grad(root)(with(4 * scale, 4 * scale, 9 * scale)) * math.sqrt(scale)
      equal(slope, with(1 / 4, 1 / 4, 1 / 6), 1e-6)
      local function largest(x) -- of rank 1: the derivative is u v^T of the first pair, whatever the others are
        local u, s, v = linalg.svd(x)
        return s[1] + 0 * (u:sum() + v:sum())
      end
      local a, b = q:slice(2, 1, 1), f64 { 0.6, 0.8 }
      equal(ml.grad(largest)(scale * a * b), a * b, 1e-6)
    end
    local function sum(x) -- and of nothing at all it is a number
      local u, s, v = linalg.svd(x)
      return s:sum() + 0 * (u:sum() + v:sum())
    end
    for _, shape in ipairs { { 3, 3 }, { 3, 2 }, { 2, 3 } } do
      local zeros = ml.zeros(shape, { dtype = "f64" })
      assert.is_true(ml.grad(sum)(zeros):abs():max():item() < 10)
      local second = ml.grad(function(x) return ml.grad(sum)(x):square():sum() end)(zeros)
      assert.is_true(second:abs():max():item() < 1e6)
    end
  end)

  it("of the determinant are cofactors, also of a singular matrix", function()
    local x = f64 { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } }
    holds({ { -3, 6, -3 }, { 6, -12, 6 }, { -3, 6, -3 } }, ml.grad(linalg.det)(x), 1e-12)
  end)

  it("of log det are the inverse, of a quadratic form its matrix", function()
    local a = laplacian(4)
    equal(ml.grad(function(x) local _, l = linalg.slogdet(x) return l end)(a), linalg.inv(a), 1e-12)
    local q = randn({ 4, 4 }, 3)
    local hessian = ml.hessian(function(x) return 0.5 * x:dot(q:matmul(x)) end)(randn({ 4 }, 4))
    equal(hessian, (q + q:transpose()) / 2, 1e-12)
  end)
end)

describe("least squares", function()
  it("of full rank is the normal equations' solution; ridge is that of the extended system", function()
    local x, y, penalty = randn({ 20, 4 }, 5), randn({ 20 }, 6), 0.7
    local gram = x:transpose():matmul(x)
    equal(linalg.lstsq(x, y), linalg.solve(gram, x:transpose():matmul(y)), 1e-10)
    local extended, zeros = ml.cat { x, eye(4) * math.sqrt(penalty) }, ml.zeros({ 4 }, { dtype = "f64" })
    local ridge = linalg.solve(gram + eye(4) * penalty, x:transpose():matmul(y))
    equal(linalg.lstsq(extended, ml.cat { y, zeros }), ridge, 1e-10)
    -- and in the dual form, x^T (x x^T + penalty)^-1 y
    local dual = x:transpose():matmul(linalg.solve(x:matmul(x:transpose()) + eye(20) * penalty, y))
    equal(dual, ridge, 1e-10)
  end)

  it("with more unknowns than equations is the interpolation of least norm", function()
    local x, y = randn({ 5, 12 }, 7), randn({ 5 }, 8)
    local w = linalg.lstsq(x, y)
    equal(x:matmul(w), y, 1e-10)
    equal(w, x:transpose():matmul(linalg.solve(x:matmul(x:transpose()), y)), 1e-10) -- x^T (x x^T)^-1 y
    local other = w + (eye(12) - linalg.pinv(x):matmul(x)):matmul(randn({ 12 }, 9)) -- another interpolation
    equal(x:matmul(other), y, 1e-10)
    assert.is_true(other:square():sum():item() > w:square():sum():item() + 0.1)
  end)

  it("is what gradient descent from 0 finds", function()
    local x, y = randn({ 3, 6 }, 10), randn({ 3 }, 11)
    local w = ml.zeros({ 6 }, { dtype = "f64" })
    local gradient = ml.grad(function(v) return (x:matmul(v) - y):square():sum() / 2 end)
    for _ = 1, 4000 do w = w - 0.05 * gradient(w) end
    equal(w, linalg.lstsq(x, y), 1e-8)
  end)
end)

describe("the matrix exponential", function()
  it("of a rotation's generator is the rotation", function()
    for _, angle in ipairs { 0.1, 1.0, 30.0 } do
      holds({ { math.cos(angle), -math.sin(angle) }, { math.sin(angle), math.cos(angle) } },
        linalg.expm(f64 { { 0, -angle }, { angle, 0 } }), 1e-12)
    end
    holds({ { 1, 1, 0.5 }, { 0, 1, 1 }, { 0, 0, 1 } }, linalg.expm(f64 { { 0, 1, 0 }, { 0, 0, 1 }, { 0, 0, 0 } }), 1e-14)
  end)
end)

describe("the tangent kernel of a linear network", function()
  it("is X X^T", function()
    local x = randn({ 6, 4 }, 12)
    local jacobian = ml.jacobian(function(w) return x:matmul(w) end)(randn({ 4 }, 13))
    equal(jacobian:matmul(jacobian:transpose()), x:matmul(x:transpose()), 1e-12)
  end)
end)

describe("spectra of functions", function()
  local n = 60
  local a = laplacian(n)
  local known = laplacian_eigenvalues(n)
  local function apply(v) return a:matmul(v) end
  local vector = ml.zeros({ n }, { dtype = "f64" })

  it("lanczos finds both ends, with vectors", function()
    local values, errors, vectors = linalg.lanczos(apply, vector, { k = 2, which = "both", steps = 60, vectors = true, seed = 1 })
    holds({ known[1], known[2], known[n - 1], known[n] }, values, 1e-10)
    assert.is_true(errors:max():item() < 1e-8)
    for i, v in ipairs(vectors) do
      equal(apply(v), v * values[i], 1e-8)
      holds(1, v:square():sum(), 1e-10)
    end
    holds({ known[n] }, (linalg.lanczos(apply, vector, { steps = 60, seed = 2 })), 1e-10)
    holds({ known[1] }, (linalg.lanczos(apply, vector, { steps = 60, which = "smallest", seed = 2 })), 1e-10)
  end)

  it("lanczos goes on where a subspace is closed, and needs no more steps than dimensions", function()
    local values = linalg.lanczos(function(v) return v * 3 end, vector, { k = 5, seed = 1 })
    holds({ 3, 3, 3, 3, 3 }, values, 1e-12)
    holds({ 0 }, (linalg.lanczos(function(v) return v * 0 end, vector, { seed = 1 })), 1e-12)
    local small = f64 { { 2, 1 }, { 1, 2 } }
    holds({ 1, 3 }, (linalg.lanczos(function(v) return small:matmul(v) end, f64 { 0, 0 }, { k = 7, seed = 1 })), 1e-12)
  end)

  it("the Hessian of a quadratic over parameters has the eigenvalues of its matrices", function()
    local params = { w = ml.randn({ 3 }, { seed = 1 }), layers = { ml.randn({ 2, 2 }, { seed = 2 }) } }
    local function loss(p) -- Hessian: diag(1, 2, 3) and 10 four times
      return (f64 { 1, 2, 3 }:cast "f32" * p.w:square()):sum() / 2 + 5 * p.layers[1]:square():sum()
    end
    local function hessian(v) return ml.hvp(loss, params, v) end
    local values, _, vectors = linalg.lanczos(hessian, params, { k = 4, vectors = true, seed = 3 })
    holds({ 10, 10, 10, 10 }, values, 1e-5)
    holds({ 1, 2, 3, 10, 10, 10, 10 }, (linalg.lanczos(hessian, params, { k = 7, seed = 3 })), 1e-5)
    assert.same({ 2, 2 }, vectors[4].layers[1].shape)
    assert.equal("f32", vectors[4].w.dtype)
    local value, top, residual = linalg.power_iteration(hessian, params, { seed = 4 })
    assert.is_true(math.abs(value - 10) < 1e-4 and residual < 1e-3)
    assert.is_true(top.w:abs():max():item() < 1e-3)
  end)

  it("the same seed gives the same numbers", function()
    local function once(seed) return (linalg.lanczos(apply, vector, { steps = 5, seed = seed })):item() end
    assert.equal(once(5), once(5))
    assert.is_true(once(5) ~= once(6))
  end)

  it("the density integrates to 1 and stands where the eigenvalues are", function()
    local points, density = linalg.spectral_density(apply, vector,
      { probes = 40, steps = 60, points = 400, sigma = 0.05, seed = 1 })
    local step = (points[2] - points[1]):item()
    assert.is_true(math.abs(density:sum():item() * step - 1) < 1e-3)
    local expected = ml.zeros({ 400 }, { dtype = "f64" })
    for _, value in ipairs(known) do
      expected = expected + (-((points - value) / 0.05):square() / 2):exp() / (0.05 * math.sqrt(2 * math.pi) * n)
    end
    assert.is_true((density - expected):abs():sum():item() * step < 0.15) -- 40 probes: within sampling error of the exact one
  end)

  it("name what is wrong", function()
    fails(function() linalg.lanczos(3, vector) end, "^linalg%.lanczos: takes a function of trees")
    fails(function() linalg.lanczos(apply, vector, { k = 0 }) end, "^linalg%.lanczos: k must be at least 1, got 0")
    fails(function() linalg.lanczos(apply, vector, { which = "left" }) end, "^linalg%.lanczos: which must be")
    fails(function() linalg.lanczos(apply, vector, { step = 3 }) end, "unknown option 'step'; did you mean 'steps'")
    fails(function() linalg.lanczos(function(v) return v * (0 / 0) end, vector) end,
      "^lanczos: the operator's result holds NaN")
    fails(function() linalg.lanczos(function(v) return v:slice(1, 1, 3) end, vector) end,
      "^lanczos: the operator made %(3%) of %(60%); it must keep the shape")
    fails(function() linalg.lanczos(function() error "mine" end, vector) end, "^mine$")
    fails(function() linalg.spectral_density(apply, {}) end, "there is no tensor")
  end)
end)
