--- Linear probes: how much does a representation that nobody trained for it already know?
---
---     local probe = ml.probe.linear(nil, data.train)                           -- of the inputs themselves
---     local probe = ml.probe.linear(model, data.train, { layer = "3" })        -- of what a layer makes of them
---     local probe = ml.probe.linear(ml.probe.features.conv { seed = 1 }, data.train)
---     print(probe:accuracy(data.test), probe.penalty, probe.loo_accuracy)
---
--- The model is not changed: its features are computed once, batch by batch, and the fit is in f64.
local ml    = require "moonlab"
local check = require "moonlab.check"
local ridge = require "moonlab.ridge"

local activations = require "moonlab.activations"
local targets     = require "moonlab.targets"

---@class moonlab.probe
---@field features moonlab.features
local probe = setmetatable({}, { __index = function(self, name)
  if name ~= "features" then return nil end
  local features = require "moonlab.features"
  rawset(self, name, features)
  return features
end })

-- What is fitted -------------------------------------------------------------------------------------------------------

local function check_set(where, set)
  if type(set) ~= "table" or not (ml.is_tensor(set.x) and ml.is_tensor(set.y)) then
    check.fail("%s: the data must be a table with tensors x and y, as data.train", where)
  end
  if set.x:dim() == 0 or set.y:dim() == 0 or #set.x ~= #set.y then
    check.fail("%s: x has shape (%s), y (%s); each input needs one", where, table.concat(set.x.shape, ", "),
      table.concat(set.y.shape, ", "))
  end
end

-- How features are scaled for the fit: x' = (x - mean) * scale.
local function scaling(x, standardise)
  local mean = x:mean(1)
  local centred = x - mean
  if not standardise then return centred, mean, ml.ones({ x.shape[2] }, { dtype = "f64" }) end
  local std = centred:square():mean(1):sqrt()
  local constant = std:le(1e-12 * std:max():item())
  local scale = ml.where(constant, 0, 1 / ml.where(constant, 1, std)) -- a feature that is always the same says nothing
  return centred * scale, mean, scale
end

-- The fitted object ------------------------------------------------------------------------------------------------------

--- What probe.linear returns: a function of inputs that returns a score for each class, or the predicted numbers.
---@class moonlab.Probe
---@field solver  "ridge"|"logistic"
---@field weight  moonlab.Tensor  (k, p) f64, of the features as they are
---@field bias    moonlab.Tensor  (k) f64
---@field penalty number          the one that was used
---@field loo_error?    number          ridge: mean squared error of the rows, each left out of the fit that predicts it
---@field loo_accuracy? number          ridge, of labels: share of these predictions that are right
---@field penalties?    number[]        ridge: all that were tried
---@field loo_errors?   moonlab.Tensor  and the error of each
---@field effective_dim? number         ridge: how many directions of the features the fit uses
---@field steps?        integer         logistic: of the optimizer
---@overload fun(x: moonlab.Tensor): moonlab.Tensor
local Probe = { __name = "moonlab.Probe" }
Probe.__index = Probe

--- The features of inputs: what the weights multiply.
---@param x moonlab.Tensor  (n, ...)
---@return moonlab.Tensor  (n, p) f64
function Probe:features(x)
  local features = activations.rows("probe", self.map, x, self.batch, self.model)
  if features.shape[2] ~= self.weight.shape[2] then
    check.fail("probe: fitted to %d features, these inputs have %d", self.weight.shape[2], features.shape[2])
  end
  return features
end

--- Scores (n, k), one for each class; for numbers their prediction. probe(x) is the same.
---@param x moonlab.Tensor  (n, ...)
---@return moonlab.Tensor
function Probe:scores(x)
  return self:features(x):matmul(self.weight:transpose()) + self.bias
end

function Probe:__call(x) return self:scores(x) end

--- The class of the largest score, from 1; for numbers their prediction, of the shape of y.
---@param x moonlab.Tensor  (n, ...)
---@return moonlab.Tensor
function Probe:predict(x)
  local scores = self:scores(x)
  if self.classes then return scores:argmax(-1) end
  return self.one and scores:squeeze(2) or scores
end

--- The share of inputs whose largest score is at their label.
---@param set moonlab.Dataset
---@return number
function Probe:accuracy(set)
  check_set("accuracy", set)
  if not self.classes then check.fail "accuracy: this probe was fitted to numbers; its measure is r2" end
  return self:predict(set.x):eq(set.y):cast("f64"):mean():item()
end

--- The share of the variance of y that the predictions explain: 1 - sum of squared errors / sum of squares about the mean.
---@param set moonlab.Dataset  y: numbers
---@return number
function Probe:r2(set)
  check_set("r2", set)
  if self.classes then check.fail "r2: this probe was fitted to labels; its measure is accuracy" end
  local y = set.y:cast "f64"
  local rest = (self:predict(set.x) - y):square():sum() / (y - y:mean(1)):square():sum()
  return 1 - rest:item()
end

function Probe:__tostring()
  local text = ("%s probe (%d features -> %d), penalty %.3g"):format(self.solver, self.weight.shape[2], self.weight.shape[1],
    self.penalty)
  if self.loo_accuracy then return text .. (", left-out accuracy %.4f"):format(self.loo_accuracy) end
  return self.loo_error and text .. (", left-out error %.4g"):format(self.loo_error) or text
end

-- Fitting -------------------------------------------------------------------------------------------------------------------

local function penalties_of(given, solver)
  if given == nil and solver == "logistic" then return { 1e-4 } end
  if given == nil then return ml.logspace(-8, 1, 19, { dtype = "f64" }):tolist() end
  if ml.is_tensor(given) then given = given:flatten():tolist() end
  local list = type(given) == "table" and given or { given }
  if #list == 0 then check.fail "probe.linear: there is no penalty in the list" end
  for _, penalty in ipairs(list) do
    if type(penalty) ~= "number" or not (penalty > 0 and penalty < math.huge) then
      check.fail("probe.linear: a penalty is a number above 0, got %s", tostring(penalty))
    end
  end
  return list
end

local function fit_ridge(self, x, y, labels, penalties, select)
  local mean = y:mean(1)
  local squares = x:square():sum(1)
  local live = squares:count_nonzero():item() -- features that are not constant; with none of these the fit is the mean
  local unit = live > 0 and squares:sum():item() / live or 1 -- so that a penalty means the same for any scale and number of rows
  local absolute = {}
  for i, penalty in ipairs(penalties) do absolute[i] = penalty * unit end
  local fit = ridge.fit(x, y - mean, absolute, labels, mean, select)
  self.penalty, self.penalties, self.loo_errors = penalties[fit.best], penalties, fit.errors
  self.loo_error, self.loo_accuracy = fit.errors[fit.best]:item(), fit.hits and fit.hits[fit.best]:item()
  self.effective_dim = fit.effective_dim
  return fit.weight, mean
end

local function fit_logistic(self, x, labels, penalties)
  if not labels then check.fail "probe.linear: the logistic solver takes labels; numbers are for ridge" end
  if #penalties > 1 then check.fail("probe.linear: the logistic solver takes one penalty, got %d", #penalties) end
  local weight, bias, steps = require "moonlab.logistic".fit(x, labels, self.classes, penalties[1])
  self.penalty, self.steps = penalties[1], steps
  return weight, bias
end

---@class moonlab.ProbeOptions
---@field solver?      "ridge"|"logistic"  (default "ridge")
---@field penalty?     number|number[]|moonlab.Tensor  ridge: the best of several (default 1e-8 to 10); logistic: one (1e-4)
---@field select?      "error"|"accuracy"  what of the rows left out chooses the penalty (default "error")
---@field layer?       integer|string      a point of the model by its path, 3, "2.1", or pattern (default: its output)
---@field standardise? boolean             features to mean 0 and deviation 1 first (default true)
---@field batch?       integer             inputs whose features are computed at a time (default 64)

--- Fits a linear classifier, or a regression where y holds floats, to features of the inputs.
---
--- Ridge: the minimum of |y - b - features w^T|^2 / n + penalty s |w|^2 in closed form, y = 1 for the right class and -1 for the
--- others, s the mean squared feature (1 when standardised). Of several penalties the best is the one with the least error on
--- rows left out of the fit that predicts them: exact, and for all penalties from one decomposition. Memory: four times the
--- features in f64. Time: rows times features times whichever of them is fewer.
---
--- Logistic: the minimum of the mean cross entropy + penalty / 2 |w|^2, by L-BFGS.
---
--- Alain & Bengio 2016, "Understanding intermediate layers using linear classifier probes".
---@param model? moonlab.Module|fun(x: moonlab.Tensor): moonlab.Tensor  (n, ...) -> (n, ...); nil: the inputs themselves
---@param set    moonlab.Dataset
---@param opts?  moonlab.ProbeOptions
---@return moonlab.Probe
function probe.linear(model, set, opts)
  local o = check.options("probe.linear", opts, {
    solver = "ridge", penalty = check.any, select = "error", layer = check.any, standardise = true, batch = 64,
  })
  if o.solver ~= "ridge" and o.solver ~= "logistic" then
    check.fail("probe.linear: solver must be \"ridge\" or \"logistic\", got \"%s\"", o.solver)
  end
  if o.select ~= "error" and o.select ~= "accuracy" then
    check.fail("probe.linear: select must be \"error\" or \"accuracy\", got \"%s\"", o.select)
  end
  if math.type(o.batch) ~= "integer" or o.batch < 1 then
    check.fail("probe.linear: batch must be a whole number, at least 1, got %s", tostring(o.batch))
  end
  check_set("probe.linear", set)
  if #set.x < 2 then check.fail("probe.linear: needs at least two inputs, got %d", #set.x) end
  local penalties = penalties_of(o.penalty, o.solver)
  local map = model or function(x) return x end
  if o.layer ~= nil then map = activations.of("probe.linear", model, o.layer) end

  local self = setmetatable({ solver = o.solver, model = model, map = map, batch = o.batch }, Probe)
  local y, labels = targets.of("probe.linear", set.y)
  if not labels and o.select == "accuracy" then check.fail "probe.linear: numbers have no accuracy to select by" end
  self.classes, self.one = labels and y.shape[2], set.y:dim() == 1
  local x, mean, scale = scaling(activations.rows("probe.linear", map, set.x, o.batch, model), o.standardise)
  local weight, bias
  if o.solver == "ridge" then
    weight, bias = fit_ridge(self, x, y, labels, penalties, o.select)
  else
    weight, bias = fit_logistic(self, x, labels, penalties)
  end
  self.weight = weight * scale
  self.bias   = bias - self.weight:matmul(mean)
  return self
end

return probe
