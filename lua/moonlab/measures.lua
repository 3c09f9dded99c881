--- Measures of trained networks that have been proposed to tell how they generalise.
---
---     local m = ml.measures
---     print(m.sharpness(model, data.train), m.margins(model, data.train):quantile(0.1))
---     local norms = m.norms(model, { initial = before })       -- norms.frobenius, norms.log_spectral, norms.distance, ...
---
--- Everything is in evaluation, and nothing in the model changes. Jiang et al. 2020, "Fantastic generalization measures and where
--- to find them", compares them.
local ml    = require "moonlab"
local check = require "moonlab.check"

local activations = require "moonlab.activations"
local spectra     = require "moonlab.spectra"
local structure   = require "moonlab.structure"

---@class moonlab.measures
local measures = {}

local function check_model(where, model)
  if not structure.is_module(model) or #model:parameters() == 0 then
    check.fail("measures.%s: takes a model with parameters, got %s", where,
      structure.is_module(model) and model:kind() or type(model))
  end
end

local function check_set(where, set)
  if type(set) ~= "table" or not (ml.is_tensor(set.x) and ml.is_tensor(set.y)) or #set.x ~= #set.y or #set.x == 0 then
    check.fail("measures.%s: the data must be a table with tensors x and y of as many rows, as data.train", where)
  end
end

--- How far each input is from another answer: the output of its label minus the largest other one; below 0 where it is wrong.
---@param model fun(x: moonlab.Tensor): moonlab.Tensor
---@param set   moonlab.Dataset  labels from 1
---@param opts? { batch?: integer }  inputs at a time (default 256)
---@return moonlab.Tensor  (n) f64
function measures.margins(model, set, opts)
  local o = check.options("measures.margins", opts, { batch = 256 })
  check_set("margins", set)
  local outputs = activations.rows("measures.margins", model, set.x, o.batch, model)
  local own = set.y:one_hot(outputs.shape[2]):cast "bool"
  local right = ml.where(own, outputs, 0):sum(2)
  return right - ml.where(own, -math.huge, outputs):max(2)
end

-- What is differentiated: the loss over a set as a function of the parameters.
local function loss_of(model, set, loss)
  return function(params) return loss(model:apply(params, set.x, { train = false }), set.y) end
end

---@class moonlab.SharpnessOptions
---@field loss?  fun(y: moonlab.Tensor, target: moonlab.Tensor): moonlab.Tensor  (default nn.cross_entropy)
---@field k?     integer  eigenvalues (default 1)
---@field steps? integer  products with the Hessian (default 50)
---@field seed?  integer  of the first vector (default 1)

--- The largest eigenvalue of the Hessian of the loss by the parameters, by Lanczos' method: over 2 / lr, gradient descent leaves
--- the minimum. Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability".
---@param model moonlab.Module
---@param set   moonlab.Dataset
---@param opts? moonlab.SharpnessOptions
---@return number sharpness
---@return moonlab.Tensor values  the k largest, f64, ascending
function measures.sharpness(model, set, opts)
  local o = check.options("measures.sharpness", opts, { loss = ml.nn.cross_entropy, k = 1, steps = 50, seed = 1 })
  check_model("sharpness", model)
  check_set("sharpness", set)
  local params, loss = model:parameters(), loss_of(model, set, o.loss)
  local values = ml.linalg.lanczos(function(v) return ml.hvp(loss, params, v) end, params,
    { k = o.k, steps = math.max(o.steps, o.k), seed = o.seed })
  return values[-1]:item(), values
end

--- The trace of the Fisher information: the mean over inputs and over labels, as the model itself gives them, of the squared
--- norm of the gradient of its log-likelihood. With empirical = true over the labels of the set.
---@param model moonlab.Module   (n, ...) -> logits (n, classes)
---@param set   moonlab.Dataset
---@param opts? { empirical?: boolean, batch?: integer }  false; inputs at a time, 64
---@return number
function measures.fisher_trace(model, set, opts)
  local o = check.options("measures.fisher_trace", opts, { empirical = false, batch = 64 })
  check_model("fisher_trace", model)
  check_set("fisher_trace", set)
  local params, n, total = model:parameters(), #set.x, 0
  local function log_likelihood(p, x, label)
    return -ml.nn.cross_entropy(model:apply(p, x:unsqueeze(1), { train = false }), label:unsqueeze(1))
  end
  local gradients = ml.vmap(ml.grad(log_likelihood), { nil, 1, 1 })
  local function squares(x, labels) -- (n)
    local sum
    for _, g in ipairs(gradients(params, x, labels)) do
      local own = g:detach():cast("f64"):square():reshape(#x, -1):sum(2)
      sum = sum and sum + own or own
    end
    return sum
  end
  for first = 1, n, o.batch do
    local last = math.min(first + o.batch - 1, n)
    local x, y = set.x:slice(1, first, last), set.y:slice(1, first, last)
    if o.empirical then
      total = total + squares(x, y):sum():item()
    else
      local chances = activations.rows("measures.fisher_trace", model, x, o.batch, model):softmax(-1)
      for c = 1, chances.shape[2] do
        total = total + (chances[{ {}, c }] * squares(x, ml.full({ #x }, c, { dtype = "i64" }))):sum():item()
      end
    end
  end
  return total / n
end

--- The square root of the sum, over all paths from inputs to outputs, of the squared product of the weights on the way: of
--- networks of linear layers, convolutions, ReLU and mean or largest pooling. Neyshabur, Tomioka & Srebro 2015.
---@param model moonlab.Module
---@param shape integer[]  of an input, without the number of inputs: { 784 }, { 1, 28, 28 }
---@return number
function measures.path_norm(model, shape)
  check_model("path_norm", model)
  if type(shape) ~= "table" then check.fail("measures.path_norm: takes the shape of an input, got %s", type(shape)) end
  local squared = {}
  for i, p in ipairs(model:parameters()) do squared[i] = p:detach():square() end
  local ones = ml.ones({ 1, table.unpack(shape) }, { dtype = squared[1].dtype })
  return math.sqrt(ml.no_grad(function() return model:apply(squared, ones, { train = false }):sum():item() end))
end

---@class moonlab.Norms
---@field parameters     integer  their number
---@field frobenius      number   sum over weights of |W|_F^2
---@field log_frobenius  number   sum of log |W|_F^2: log of their product
---@field log_spectral   number   sum of log |W|_2^2
---@field stable_rank    number   sum of |W|_F^2 / |W|_2^2
---@field distance?      number   sum of |W - W0|_F^2
---@field spectral       table<string, number>  |W|_2 of each weight, by its name

--- Norms of the weights: parameters of two or more dimensions, as matrices (out, rest); biases and scales of normalisation are
--- left out. Fold normalisation into the layer before it first. Bartlett et al. 2017; Neyshabur et al. 2018.
---@param model moonlab.Module
---@param opts? { initial?: table<string, moonlab.Tensor> }  the model:state() that it started from
---@return moonlab.Norms
function measures.norms(model, opts)
  local o = check.options("measures.norms", opts, { initial = check.any })
  check_model("norms", model)
  local norms = { parameters = 0, frobenius = 0, log_frobenius = 0, log_spectral = 0, stable_rank = 0, spectral = {},
                  distance = o.initial and 0 }
  for name, p in model:named_parameters() do
    norms.parameters = norms.parameters + p:numel()
    if p:dim() >= 2 then
      local w = p:detach():cast("f64"):reshape(p.shape[1], -1)
      local frobenius, largest = w:square():sum():item(), ml.linalg.svdvals(w)[1]:item()
      norms.frobenius, norms.log_frobenius = norms.frobenius + frobenius, norms.log_frobenius + math.log(frobenius)
      norms.log_spectral, norms.spectral[name] = norms.log_spectral + 2 * math.log(largest), largest
      norms.stable_rank = norms.stable_rank + (largest > 0 and frobenius / largest ^ 2 or 0)
      if o.initial then
        local before = o.initial[name]
        if not ml.is_tensor(before) or before:numel() ~= p:numel() then
          check.fail("measures.norms: initial must be a model:state(), with '%s' of as many values", name)
        end
        norms.distance = norms.distance + (w - before:cast("f64"):reshape(w.shape)):square():sum():item()
      end
    end
  end
  return norms
end

--- e to the entropy of the singular values' shares, of centred features (n, p): how many directions they use.
--- Roy & Vetterli 2007, "The effective rank".
---@param x moonlab.Tensor  (n, p)
---@return number
function measures.effective_rank(x)
  if not ml.is_tensor(x) or x:dim() ~= 2 then check.fail "measures.effective_rank: takes features (n, p)" end
  local features = x:detach():cast "f64"
  return spectra.effective_rank(ml.linalg.svdvals(features - features:mean(1)))
end

return measures
