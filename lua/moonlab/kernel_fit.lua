--- Regression with a kernel, which is also the posterior of a Gaussian process.
local ml    = require "moonlab"
local check = require "moonlab.check"

local targets = require "moonlab.targets"

---@class moonlab.kernels
local kernels = {}

--- What kernels.regression returns.
---@class moonlab.KernelFit
---@field alpha      moonlab.Tensor  (n, k) f64: predictions are kernels with the training inputs times these
---@field ridge      number          the one that was used
---@field loo_error  number          mean squared error of the training inputs, each left out of the fit that predicts it
---@field loo_accuracy? number       of labels: share of these predictions that are right
local KernelFit = { __name = "moonlab.KernelFit" }
KernelFit.__index = KernelFit

local function check_kernel(self, k)
  if not ml.is_tensor(k) or k:dim() ~= 2 or k.shape[2] ~= #self.alpha then
    check.fail("kernel fit: takes the kernel of inputs with the %d training inputs, (m, %d), got %s", #self.alpha, #self.alpha,
      ml.is_tensor(k) and "shape (" .. table.concat(k.shape, ", ") .. ")" or type(k))
  end
  return k:detach():cast "f64"
end

--- The mean of the prediction: a score for each class, or the numbers.
---@param k moonlab.Tensor  (m, n): the kernel of the inputs with the training inputs
---@return moonlab.Tensor   (m, k)
function KernelFit:scores(k) return check_kernel(self, k):matmul(self.alpha) end

--- The class of the largest score, from 1; for numbers their prediction, of the shape of y.
---@param k moonlab.Tensor  (m, n)
---@return moonlab.Tensor
function KernelFit:predict(k)
  local scores = self:scores(k)
  if self.classes then return scores:argmax(-1) end
  return self.one and scores:squeeze(2) or scores
end

--- Share of the inputs whose largest score is at their label.
---@param k moonlab.Tensor  (m, n)
---@param y moonlab.Tensor  (m) labels
---@return number
function KernelFit:accuracy(k, y)
  if not self.classes then check.fail "accuracy: this regression was fitted to numbers" end
  return self:predict(k):eq(y):cast("f64"):mean():item()
end

--- The variance of the Gaussian process behind the prediction: what the training inputs leave unknown, without noise.
---@param k     moonlab.Tensor  (m, n)
---@param prior moonlab.Tensor  (m): the kernel of each input with itself
---@return moonlab.Tensor       (m)
function KernelFit:variance(k, prior)
  local across = check_kernel(self, k)
  if not ml.is_tensor(prior) or prior:dim() ~= 1 or #prior ~= #across then
    check.fail("variance: needs the kernel of each of the %d inputs with itself", #across)
  end
  local half = across:matmul(self.vectors)
  return (prior:detach():cast "f64" - (half:square() / (self.values + self.ridge)):sum(2)):clamp(0)
end

local function ridges_of(given, values)
  if given == nil then return { 1e-8 * values:sum():item() / #values } end
  if ml.is_tensor(given) then given = given:flatten():tolist() end
  local list = type(given) == "table" and given or { given }
  if #list == 0 then check.fail "kernels.regression: there is no ridge in the list" end
  for _, ridge in ipairs(list) do
    if type(ridge) ~= "number" or not (ridge > 0 and ridge < math.huge) then
      check.fail("kernels.regression: a ridge is a number above 0, got %s", tostring(ridge))
    end
  end
  return list
end

--- Kernel ridge regression: scores(k) = k (K + ridge)^-1 y, the posterior mean of a Gaussian process with this covariance and
--- noise of variance ridge; of labels, on 1 for the right class and -1 for the others, without intercept. Of several ridges the
--- one with the least error on inputs left out of the fit that predicts them, which is exact: alpha_i / (K + ridge)^-1_ii.
--- Rasmussen & Williams 2006, "Gaussian processes for machine learning", chapters 2 and 5.
---@param k moonlab.Tensor  (n, n)
---@param y moonlab.Tensor  (n) labels from 1, or floats (n) or (n, k)
---@param opts? { ridge?: number|number[]|moonlab.Tensor }  default 1e-8 of the mean of the diagonal
---@return moonlab.KernelFit
function kernels.regression(k, y, opts)
  local o = check.options("kernels.regression", opts, { ridge = check.any })
  if not ml.is_tensor(k) or k:dim() ~= 2 or k.shape[1] ~= k.shape[2] or #k == 0 then
    check.fail("kernels.regression: takes a square kernel matrix, got %s",
      ml.is_tensor(k) and "shape (" .. table.concat(k.shape, ", ") .. ")" or type(k))
  end
  if not ml.is_tensor(y) or y:dim() == 0 or #y ~= #k then
    check.fail("kernels.regression: needs a target for each of %d inputs", #k)
  end
  local wanted, labels = targets.of("kernels.regression", y)
  local values, vectors = ml.linalg.eigh(k:detach():cast "f64")
  values = values:clamp(0)
  local self = setmetatable({
    values = values, vectors = vectors, classes = labels and wanted.shape[2], one = y:dim() == 1,
  }, KernelFit)
  local turned, squares = vectors:transpose():matmul(wanted), vectors:square()
  for _, ridge in ipairs(ridges_of(o.ridge, values)) do
    local shrink = 1 / (values + ridge)
    local alpha = vectors:matmul(turned * shrink:unsqueeze(2))
    local off = alpha / squares:matmul(shrink):unsqueeze(2) -- target minus prediction, left out
    local err = off:square():sum(2):mean():item()
    if not self.loo_error or err < self.loo_error then
      self.alpha, self.ridge, self.loo_error = alpha, ridge, err
      self.loo_accuracy = labels and (wanted - off):argmax(-1):eq(labels):cast("f64"):mean():item()
    end
  end
  return self
end

return kernels
