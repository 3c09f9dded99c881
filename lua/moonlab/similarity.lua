--- How alike two kernels or two representations are, and what a kernel's eigenvalues say. In f64.
local ml    = require "moonlab"
local check = require "moonlab.check"

local activations = require "moonlab.activations"
local spectra     = require "moonlab.spectra"

---@class moonlab.kernels
local kernels = {}

local function matrix(where, x, name)
  if not ml.is_tensor(x) or x:dim() ~= 2 or x:numel() == 0 then
    check.fail("kernels.%s: %s must be a matrix, got %s", where, name,
      ml.is_tensor(x) and "shape (" .. table.concat(x.shape, ", ") .. ")" or type(x))
  end
  return x:detach():cast "f64"
end

local function square(where, x, name)
  local k = matrix(where, x, name)
  if k.shape[1] ~= k.shape[2] then
    check.fail("kernels.%s: %s must be a square kernel matrix, got shape (%s)", where, name, table.concat(k.shape, ", "))
  end
  return k
end

local function centred(k) -- H K H, H = 1 - 1 1^T / n
  return k - k:mean({ 1 }, true) - k:mean({ 2 }, true) + k:mean()
end

local function inner(a, b) return (a * b):sum():item() end

local function ratio(where, ab, aa, bb)
  if not (aa > 0 and bb > 0) then check.fail("kernels.%s: one side is the same for all inputs: nothing to compare", where) end
  return ab / math.sqrt(aa * bb)
end

-- Kernels -------------------------------------------------------------------------------------------------------------------

--- The cosine of the angle between two kernel matrices, centred first unless told otherwise: 1 when one is a multiple of the
--- other. For labels take y y^T.
--- Cortes, Mohri & Rostamizadeh 2012, "Algorithms for learning kernels based on centered alignment".
---@param k1 moonlab.Tensor  (n, n)
---@param k2 moonlab.Tensor  (n, n)
---@param opts? { centred?: boolean }  default true
---@return number
function kernels.alignment(k1, k2, opts)
  local o = check.options("kernels.alignment", opts, { centred = true })
  local a, b = square("alignment", k1, "k1"), square("alignment", k2, "k2")
  if #a ~= #b then check.fail("kernels.alignment: of %d inputs and of %d", #a, #b) end
  if o.centred then a, b = centred(a), centred(b) end
  return ratio("alignment", inner(a, b), inner(a, a), inner(b, b))
end

---@class moonlab.Spectrum
---@field values         moonlab.Tensor  eigenvalues, falling
---@field effective_dim  number  sum of w / (w + ridge): how many directions kernel regression with this ridge uses
---@field participation  number  (sum of w)^2 / sum of w^2: how many directions share the trace
---@field effective_rank number  e to the entropy of w / sum of w (Roy & Vetterli 2007)

--- The eigenvalues of a kernel matrix, and how many of them matter. Those below 0 by rounding count as 0.
---@param k moonlab.Tensor  (n, n), symmetric
---@param opts? { ridge?: number }  default 1e-6 of the mean of the diagonal
---@return moonlab.Spectrum
function kernels.spectrum(k, opts)
  local o = check.options("kernels.spectrum", opts, { ridge = check.any })
  local m = square("spectrum", k, "k")
  local values = ml.linalg.eigvalsh(m):flip():clamp(0)
  local total = values:sum():item()
  local ridge = o.ridge or 1e-6 * total / #m
  if type(ridge) ~= "number" or ridge < 0 then
    check.fail("kernels.spectrum: ridge must be a number, at least 0, got %s", tostring(ridge))
  end
  if total == 0 then return { values = values, effective_dim = 0, participation = 0, effective_rank = 0 } end
  return {
    values = values, effective_dim = ml.where(values:gt(0), values / (values + ridge + 1e-300), 0):sum():item(),
    participation = total * total / values:square():sum():item(), effective_rank = spectra.effective_rank(values),
  }
end

-- Representations -----------------------------------------------------------------------------------------------------------

-- exp(-|x - y|^2 / (2 s^2)), s a multiple of the median distance.
local function rbf(x, sigma)
  local squares = ml.stats.cdist(x, x):cast("f64"):square()
  local n = #x
  local above = ml.ones({ n, n }, { dtype = "bool" }):triu(1)
  local median = squares:masked_select(above):median():item()
  if median == 0 then median = 1 end
  return (squares / (-2 * sigma * sigma * median)):exp()
end

-- The unbiased estimate of HSIC, from kernels without their diagonals. Song et al. 2012.
local function hsic_unbiased(k, l)
  local n = #k
  local a, b = k:sum(2), l:sum(2)
  local ab = inner(k, l) + a:sum():item() * b:sum():item() / ((n - 1) * (n - 2)) - 2 / (n - 2) * inner(a, b)
  return ab / (n * (n - 3))
end

local function without_diagonal(k) return k - k:diagonal():diag_embed() end

-- What one side of CKA is: a function of another side that gives their HSIC, up to a factor common to all.
local function side(x, o)
  if o.kernel == "linear" and not o.debiased then
    return { features = x - x:mean({ 1 }, true) }
  end
  local k = o.kernel == "linear" and x:matmul(x:transpose()) or rbf(x, o.sigma)
  return { kernel = o.debiased and without_diagonal(k) or centred(k) }
end

local function hsic(a, b, o)
  if a.features then -- |X^T Y|^2 is the same number as <X X^T, Y Y^T>; whichever matrix is smaller
    local n, p, q = #a.features, a.features.shape[2], b.features.shape[2]
    if p * q <= n * n then return a.features:transpose():matmul(b.features):square():sum():item() end
    return inner(a.features:matmul(a.features:transpose()), b.features:matmul(b.features:transpose()))
  end
  return o.debiased and hsic_unbiased(a.kernel, b.kernel) or inner(a.kernel, b.kernel)
end

local CKA = { kernel = "linear", sigma = 0.5, debiased = false }

local function cka_options(where, opts, more)
  local defaults = {}
  for _, part in ipairs { CKA, more or {} } do
    for name, value in pairs(part) do defaults[name] = value end
  end
  local o = check.options("kernels." .. where, opts, defaults)
  if o.kernel ~= "linear" and o.kernel ~= "rbf" then
    check.fail("kernels.%s: kernel must be \"linear\" or \"rbf\", got \"%s\"", where, o.kernel)
  end
  if o.sigma <= 0 then check.fail("kernels.%s: sigma must be above 0, got %s", where, o.sigma) end
  return o
end

local function check_rows(where, n, o)
  if n < (o.debiased and 4 or 2) then
    check.fail("kernels.%s: needs at least %d inputs, got %d", where, o.debiased and 4 or 2, n)
  end
end

---@class moonlab.CKAOptions
---@field kernel?   "linear"|"rbf"  (default "linear")
---@field sigma?    number   rbf: its width, in median distances (default 0.5)
---@field debiased? boolean  by the unbiased estimate of HSIC: near 0 for what is unrelated (default false)

--- Centred kernel alignment of two representations of the same inputs: 1 when they are equal up to rotation and scale. Without
--- debiased it grows with features / inputs for unrelated ones too. Kornblith et al. 2019, "Similarity of neural network
--- representations revisited"; debiased as in Nguyen, Raghu & Kornblith 2021.
---@param x moonlab.Tensor  (n, p)
---@param y moonlab.Tensor  (n, q)
---@param opts? moonlab.CKAOptions
---@return number
function kernels.cka(x, y, opts)
  local o = cka_options("cka", opts)
  local a, b = matrix("cka", x, "x"), matrix("cka", y, "y")
  if #a ~= #b then check.fail("kernels.cka: x has %d inputs, y %d; both must be of the same ones", #a, #b) end
  check_rows("cka", #a, o)
  a, b = side(a, o), side(b, o)
  return ratio("cka", hsic(a, b, o), hsic(a, a, o), hsic(b, b, o))
end

--- CKA of every layer of one Sequential with every layer of another, or of its own: what a heat map of it shows.
---@param model1 moonlab.Module
---@param model2 moonlab.Module?  nil: model1
---@param x      moonlab.Tensor   (n, ...)
---@param opts?  moonlab.CKAOptions  and batch: inputs at a time (default 64)
---@return moonlab.Tensor  (layers of model1, layers of model2) f64
function kernels.layer_cka(model1, model2, x, opts)
  local o = cka_options("layer_cka", opts, { batch = 64 })
  check_rows("layer_cka", ml.is_tensor(x) and x:dim() > 0 and #x or 0, o)
  local function sides(model)
    local all = {}
    for i = 1, #model do
      local of = activations.of("kernels.layer_cka", model, i)
      all[i] = side(activations.rows("kernels.layer_cka", of, x, o.batch, model), o)
      all[i].size = hsic(all[i], all[i], o)
    end
    return all
  end
  local a = sides(model1)
  local b = (model2 == nil or model2 == model1) and a or sides(model2)
  local table_of = {}
  for i, from in ipairs(a) do
    table_of[i] = {}
    for j, to in ipairs(b) do table_of[i][j] = ratio("layer_cka", hsic(from, to, o), from.size, to.size) end
  end
  return ml.tensor(table_of, { dtype = "f64" })
end

---@class moonlab.ConjugateOptions
---@field layer? integer|string  whose output counts, by its path (default: what the last layer of a Sequential reads)
---@field batch? integer         inputs at a time (default 64)

--- The conjugate kernel: products of the features that the last layer reads, over their number. A network whose last layer
--- alone is trained does regression with it. Of a function that is no model: of what it returns.
---@param model moonlab.Module|fun(x: moonlab.Tensor): moonlab.Tensor
---@param x1    moonlab.Tensor   (n, ...)
---@param x2?   moonlab.Tensor   (m, ...); nil: x1
---@param opts? moonlab.ConjugateOptions
---@return moonlab.Tensor  (n, m) f64
function kernels.conjugate(model, x1, x2, opts)
  local o = check.options("kernels.conjugate", opts, { layer = check.any, batch = 64 })
  local map = model
  if o.layer ~= nil then
    map = activations.of("kernels.conjugate", model, o.layer)
  elseif require "moonlab.structure".is_module(model) then
    if model:kind() ~= "Sequential" or #model < 1 then
      check.fail("kernels.conjugate: of a %s say which layer, as in layer = \"2\"", model:kind())
    end
    map = #model > 1 and activations.of("kernels.conjugate", model, #model - 1) or function(x) return x end
  end
  local a = activations.rows("kernels.conjugate", map, x1, o.batch, model)
  local b = x2 and activations.rows("kernels.conjugate", map, x2, o.batch, model) or a
  return a:matmul(b:transpose()) / a.shape[2]
end

return kernels
