--- Linear algebra, and spectra of matrices that are only known as functions, such as a Hessian.
---
---     local w, v = ml.linalg.eigh(x)                              -- recorded, as every operation is
---     local apply  = function(v) return ml.hvp(loss, params, v) end
---     local values = ml.linalg.lanczos(apply, params, { k = 5 })  -- its five largest eigenvalues
---     local points, density = ml.linalg.spectral_density(apply, params)
---
--- Of tensors (..., m, n) each matrix by itself. f32 is computed in f64 and rounded. NaN, singular systems and the like are
--- errors that say what to do instead.
local ml    = require "moonlab"
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.linalg
local linalg = {}

for _, name in ipairs { "solve", "solve_triangular", "inv", "pinv", "lstsq", "det", "cofactor", "cholesky", "eigvalsh", "svdvals",
                        "matrix_rank", "matrix_power", "expm", "expm_frechet", "trace" } do
  linalg[name] = ml[name] -- operations of one result
end

-- Factorisations, taken apart --------------------------------------------------------------------------------------------

local function packed(name, x)
  if not ml.is_tensor(x) then check.fail("linalg.%s: takes a tensor, got %s", name, type(x)) end
  return ml[name .. "_parts"](x)
end

local function row(parts, at) -- (..., rows, k) -> (..., k)
  local shape = parts.shape
  table.remove(shape, #shape - 1)
  return parts:slice(-2, at, at):reshape(shape)
end

--- Eigenvalues and eigenvectors of (x + x^T) / 2: x = v diag(w) v^T. The largest component of each eigenvector is positive.
--- Where eigenvalues coincide, only what does not depend on the choice of their vectors has a derivative.
---@param x moonlab.Tensor   (..., n, n)
---@return moonlab.Tensor w  (..., n), ascending
---@return moonlab.Tensor v  (..., n, n), in columns
function linalg.eigh(x)
  local parts = packed("eigh", x)
  return row(parts, 1), parts:slice(-2, 2)
end

--- Thin svd, x = u diag(s) v^T with k = min(m, n). The largest component of each column of u is positive.
--- Where singular values coincide, only what does not depend on the choice of their vectors has a derivative.
---@param x moonlab.Tensor   (..., m, n)
---@return moonlab.Tensor u  (..., m, k)
---@return moonlab.Tensor s  (..., k), falling
---@return moonlab.Tensor v  (..., n, k)
function linalg.svd(x)
  local parts, m = packed("svd", x), x:size(-2)
  return parts:slice(-2, 1, m), row(parts, m + 1), parts:slice(-2, m + 2)
end

--- Thin QR factorisation, x = q r with k = min(m, n). The diagonal of r is not negative. Derivatives need full rank.
---@param x moonlab.Tensor   (..., m, n)
---@return moonlab.Tensor q  (..., m, k), orthonormal columns
---@return moonlab.Tensor r  (..., k, n), upper triangular
function linalg.qr(x)
  local parts, m = packed("qr", x), x:size(-2)
  return parts:slice(-2, 1, m), parts:slice(-2, m + 1):transpose()
end

--- Sign and logarithm of the size of the determinant, which itself may be too large; 0 and -inf for a singular matrix.
---@param x moonlab.Tensor        (..., n, n)
---@return moonlab.Tensor sign    (...)
---@return moonlab.Tensor logdet  (...)
function linalg.slogdet(x)
  local both = ml.slogdet(x)
  local shape = both.shape
  table.remove(shape)
  return both:slice(-1, 1, 1):reshape(shape), both:slice(-1, 2, 2):reshape(shape)
end

-- Functions as matrices --------------------------------------------------------------------------------------------------

-- The function on vectors, how long and of what dtype they are, and how a vector becomes a tree like `like` again.
local function operator(where, fn, like)
  local meta = getmetatable(fn)
  if type(fn) ~= "function" and not (type(meta) == "table" and meta.__call) then
    check.fail("linalg.%s: takes a function of trees like its second argument, got %s", where, type(fn))
  end
  local vector, unravel = ml.tree.ravel(like)
  local function apply(v) return (ml.tree.ravel(fn(unravel(v)))) end
  return apply, vector:numel(), vector.dtype, unravel
end

local function options(where, opts, defaults)
  local o = check.options("linalg." .. where, opts, defaults)
  for name, value in pairs(o) do
    if math.type(value) == "integer" and name ~= "seed" and opts and opts[name] and value < 1 then
      check.fail("linalg.%s: %s must be at least 1, got %d", where, name, value)
    end
  end
  return o, opts and opts.seed
end

---@class moonlab.LanczosOptions
---@field k?       integer  how many eigenvalues at each end asked for (default 1)
---@field which?   "largest"|"smallest"|"both"  (default "largest")
---@field steps?   integer  products with the matrix (default 50, or 2 k where that is more)
---@field vectors? boolean  the eigenvectors too (default false)
---@field seed?    integer  of the first vector; else the next stream of ml.seed

--- Extreme eigenvalues of a symmetric matrix that is given as a function v -> A v, by Lanczos' method with full
--- reorthogonalisation. Memory: steps times the size of v, in f64. Of an eigenvalue that A has several times, the further
--- copies come late: all of them are there after as many steps as v has numbers.
---@param fn   fun(v: moonlab.Tree): moonlab.Tree  linear and symmetric, e.g. a Hessian by ml.hvp
---@param like moonlab.Tree                        what v looks like: a vector, or parameters
---@param opts? moonlab.LanczosOptions
---@return moonlab.Tensor values   f64, ascending
---@return moonlab.Tensor errors   an eigenvalue of A lies within this of each
---@return moonlab.Tree[]? vectors  one for each value, like v, of norm 1
function linalg.lanczos(fn, like, opts)
  local o, seed = options("lanczos", opts, { k = 1, which = "largest", steps = 0, vectors = false, seed = 0 })
  if o.which ~= "largest" and o.which ~= "smallest" and o.which ~= "both" then
    check.fail("linalg.lanczos: which must be \"largest\", \"smallest\" or \"both\", got %s", o.which)
  end
  local apply, n, dtype, unravel = operator("lanczos", fn, like)
  local values, errors, columns = core.linalg.lanczos(apply, n, dtype, seed, o.k, o.which, o.steps, o.vectors)
  if not columns then return values, errors end
  local vectors = {}
  for i = 1, values:numel() do vectors[i] = unravel(columns:slice(2, i, i):reshape(n)) end
  return values, errors, vectors
end

---@class moonlab.PowerOptions
---@field steps?     integer  at most (default 100)
---@field tolerance? number   ends when |A v - value v| <= tolerance |value| (default 1e-6)
---@field seed?      integer  of the first vector; else the next stream of ml.seed

--- The eigenvalue of largest size of a symmetric matrix that is given as a function v -> A v, by power iteration.
---@param fn   fun(v: moonlab.Tree): moonlab.Tree
---@param like moonlab.Tree
---@param opts? moonlab.PowerOptions
---@return number value
---@return moonlab.Tree vector  like v, of norm 1
---@return number residual      |A v - value v|
function linalg.power_iteration(fn, like, opts)
  local o, seed = options("power_iteration", opts, { steps = 100, tolerance = 1e-6, seed = 0 })
  local apply, n, dtype, unravel = operator("power_iteration", fn, like)
  local value, vector, residual = core.linalg.power_iteration(apply, n, dtype, seed, o.steps, o.tolerance)
  return value, unravel(vector), residual
end

---@class moonlab.DensityOptions
---@field probes? integer  random vectors (default 10)
---@field steps?  integer  of Lanczos for each (default 80)
---@field points? integer  (default 200)
---@field sigma?  number   width of the Gaussian around each eigenvalue (default 1 % of the range of the spectrum)
---@field low?    number   where the points begin and end (default: the range of the spectrum and 5 sigma beyond)
---@field high?   number
---@field seed?   integer  of the probes; else the next stream of ml.seed

--- The density of all eigenvalues of a symmetric matrix that is given as a function v -> A v, smoothed by Gaussians; its
--- integral is 1. Stochastic Lanczos quadrature, Ghorbani, Krishnan and Xiao 2019, "An investigation into neural net
--- optimization via Hessian eigenvalue density".
---@param fn   fun(v: moonlab.Tree): moonlab.Tree
---@param like moonlab.Tree
---@param opts? moonlab.DensityOptions
---@return moonlab.Tensor points   f64
---@return moonlab.Tensor density  f64
function linalg.spectral_density(fn, like, opts)
  local o, seed = options("spectral_density", opts,
    { probes = 10, steps = 80, points = 200, sigma = 0.0, low = 0.0, high = 0.0, seed = 0 })
  local apply, n, dtype = operator("spectral_density", fn, like)
  return core.linalg.spectral_density(apply, n, dtype, seed, o.probes, o.steps, o.points, o.sigma, o.low, o.high)
end

return linalg
