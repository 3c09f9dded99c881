--- What reads better in Lua beside the optimizers: groups by name, averages of weights, a range test.
local ml    = require "moonlab"
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.optim
---@field schedule moonlab.schedule
local optim = { schedule = require "moonlab.schedule" }

--- groups -------------------------------------------------------------------------------------------------------------------

---@class moonlab.GroupsOptions
---@field no_decay? string[]|"vectors"  names without weight decay, * is anything; "vectors": all that is no matrix
---@field [integer] table  { names = { "head.*" }, lr = ..., ... }: a group with those options, before all others

-- "*.bias" as a pattern of Lua.
local function pattern_of(name)
  return "^" .. name:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$"
end

local function matches(name, names)
  for _, wanted in ipairs(names) do
    if name:match(pattern_of(wanted)) then return true end
  end
  return false
end

--- The parameters of a model as groups, by their names: the first group whose names fit takes a parameter.
---
---     ml.optim.AdamW(ml.optim.groups(model, { no_decay = { "*.bias" }, { names = { "1.*" }, lr = 1e-4 } }), { lr = 1e-3 })
---@param model moonlab.Module
---@param opts  moonlab.GroupsOptions
---@return moonlab.ParameterGroup[]
function optim.groups(model, opts)
  if type(model) ~= "userdata" or ml.is_tensor(model) then check.fail "optim.groups: takes a model and a table of names" end
  if type(opts) ~= "table" then
    check.fail("optim.groups: needs a table, as { no_decay = { \"*.bias\" } }, got %s", type(opts))
  end
  local vectors = opts.no_decay == "vectors"
  if opts.no_decay ~= nil and not vectors and type(opts.no_decay) ~= "table" then
    check.fail 'optim.groups: no_decay must be a list of names, or "vectors"'
  end
  for name in pairs(opts) do
    if name ~= "no_decay" and math.type(name) ~= "integer" then
      check.fail("optim.groups: unknown option '%s'; it knows no_decay, and groups { names = {...}, lr = ... }", name)
    end
  end
  local groups = {}
  for i, given in ipairs(opts) do
    if type(given) ~= "table" or type(given.names) ~= "table" then check.fail("optim.groups: group %d needs names, a list", i) end
    groups[i] = { params = {} }
    for name, value in pairs(given) do
      if name ~= "names" then groups[i][name] = value end
    end
  end
  local plain, rest = { params = {}, weight_decay = 0 }, { params = {} }
  for name, p in model:named_parameters() do
    local target
    for i, given in ipairs(opts) do
      if not target and matches(name, given.names) then target = groups[i] end
    end
    if not target and opts.no_decay then
      if vectors and p:dim() < 2 or not vectors and matches(name, opts.no_decay) then target = plain end
    end
    table.insert((target or rest).params, p)
  end
  for i, given in ipairs(opts) do
    if #groups[i].params == 0 then
      check.fail("optim.groups: no parameter of the model is called %s", table.concat(given.names, " or "))
    end
  end
  if not vectors and opts.no_decay and #plain.params == 0 then
    check.fail("optim.groups: no parameter of the model is called %s", table.concat(opts.no_decay, " or "))
  end
  if #plain.params > 0 then groups[#groups + 1] = plain end
  if #rest.params > 0 then table.insert(groups, 1, rest) end
  return groups
end

--- averages of weights ----------------------------------------------------------------------------------------------------------

---@class moonlab.WeightAverage
---@field decay?  number   of an exponential average
---@field updates integer  made so far
---@field private params moonlab.Tensor[]
---@field private values moonlab.Tensor[]
---@field private inside boolean?
local WeightAverage = {}
WeightAverage.__index = WeightAverage

local function parameters_of(where, model)
  if type(model) == "userdata" and not ml.is_tensor(model) then return model:parameters() end
  if type(model) == "table" and #model > 0 then return model end
  check.fail("%s: takes a model, or a list of its parameters", where)
end

local function average(where, model, decay)
  local self = setmetatable({ decay = decay, updates = 0, params = parameters_of(where, model), values = {} }, WeightAverage)
  if type(model) == "userdata" then self.model = model end
  for i, p in ipairs(self.params) do self.values[i] = p:detach():clone() end
  return self
end

--- A running average of a model's weights: average = decay average + (1 - decay) weight at each update. It begins with the
--- weights as they are.
---@param model moonlab.Module|moonlab.Tensor[]
---@param opts? { decay?: number }  (default 0.999)
---@return moonlab.WeightAverage
function optim.ema(model, opts)
  local o = check.options("ema", opts, { decay = 0.999 })
  if not (o.decay >= 0 and o.decay <= 1) then check.fail("ema: decay must be in [0, 1], got %s", o.decay) end
  return average("ema", model, o.decay)
end

--- The plain mean of a model's weights at each update (stochastic weight averaging, Izmailov et al. 2018).
---@param model moonlab.Module|moonlab.Tensor[]
---@return moonlab.WeightAverage
function optim.swa(model)
  return average("swa", model, nil)
end

--- Takes the weights as they are now into the average.
---@return moonlab.WeightAverage self
function WeightAverage:update()
  local keep = self.decay or self.updates / (self.updates + 1)
  ml.no_grad(function()
    for i, p in ipairs(self.params) do
      local value = self.values[i]
      value[{}] = keep == 0 and p:detach() or value * keep + p:detach() * (1 - keep)
    end
  end)
  self.updates = self.updates + 1
  return self
end

local function exchange(self)
  for i, p in ipairs(self.params) do
    local now, value = p:detach():clone(), self.values[i]
    p:detach()[{}] = value
    value[{}] = now
  end
end

--- Puts the average into the model until the value is closed: `local averaged <close> = ema:swapped()`. Then the weights are back
--- to the bit.
---@return table closable
function WeightAverage:swapped()
  if self.inside then check.fail "swapped: the average is in the model already; close that first" end
  self.inside = true
  exchange(self)
  return setmetatable({}, { __close = function()
    if self.inside then exchange(self) end
    self.inside = nil
  end })
end

--- The averaged weights for good: the model has them from now on.
---@return moonlab.WeightAverage self
function WeightAverage:copy_to()
  if self.inside then check.fail "copy_to: the average is in the model already; close that first" end
  for i, p in ipairs(self.params) do p:detach()[{}] = self.values[i] end
  return self
end

--- What it has come to: for ml.save_checkpoint, with load_state to go on.
---@return { updates: integer, values: moonlab.Tensor[] }
function WeightAverage:state()
  local values = {}
  for i, value in ipairs(self.values) do values[i] = value:clone() end
  return { updates = self.updates, values = values }
end

---@param state table  as state() gives it
---@return moonlab.WeightAverage self
function WeightAverage:load_state(state)
  if type(state) ~= "table" or type(state.values) ~= "table" or math.type(state.updates) ~= "integer" then
    check.fail "load_state: this is no state of an average of weights"
  end
  if #state.values ~= #self.values then
    check.fail("load_state: this is the average of %d parameters, not of %d", #state.values, #self.values)
  end
  for i, value in ipairs(state.values) do
    if table.concat(value.shape, ",") ~= table.concat(self.values[i].shape, ",") then
      check.fail("load_state: parameter %d must have shape (%s), got (%s)", i, table.concat(self.values[i].shape, ", "),
        table.concat(value.shape, ", "))
    end
  end
  for i, value in ipairs(state.values) do self.values[i][{}] = value end
  self.updates = state.updates
  return self
end

local FAR <const> = 1e20 -- beside it a batch's own statistics vanish

-- The running statistics of a model, by their names.
local function statistics_of(model)
  local found = {}
  for name, b in model:named_buffers() do
    if name:match "running_mean$" or name:match "running_var$" then found[name] = b end
  end
  return found
end

local function fill(buffers, value)
  for _, b in pairs(buffers) do b[{}] = value end
end

-- A layer makes of its statistics r: (1 - m) r + m batch. From far away m shows; from 0 on, m batch.
local function mean_statistics(model, buffers, list)
  local momentum, totals = {}, {}
  fill(buffers, FAR)
  model(list[1])
  for name, b in pairs(buffers) do momentum[name] = 1 - b:max():item() / FAR end
  for _, batch in ipairs(list) do
    fill(buffers, 0)
    model(batch)
    for name, b in pairs(buffers) do totals[name] = totals[name] and totals[name] + b or b:clone() end
  end
  for name, b in pairs(buffers) do b[{}] = totals[name] / (#list * momentum[name]) end
end

--- Computes the running statistics of batch norm anew, as the plain mean of those of the batches: with averaged weights the
--- old ones do not fit. Nothing is recorded; the layers are in training meanwhile.
---@param model   moonlab.Module
---@param batches moonlab.Tensor[]  inputs
---@return moonlab.Module model
function optim.update_statistics(model, batches)
  if type(model) ~= "userdata" or ml.is_tensor(model) then check.fail "update_statistics: takes a model and batches of inputs" end
  if type(batches) ~= "table" or #batches == 0 then check.fail "update_statistics: takes a list of inputs, at least one" end
  local buffers, before, training = statistics_of(model), {}, {}
  if next(buffers) == nil then return model end
  for name, b in pairs(buffers) do before[name] = b:clone() end
  local function note(layer)
    training[#training + 1] = { layer, layer:training() }
    for i = 1, #layer do note(layer[i]) end
  end
  note(model)
  model:train()
  local good, message = pcall(ml.no_grad, mean_statistics, model, buffers, batches)
  for _, entry in ipairs(training) do entry[1]:train(entry[2]) end
  if not good then
    for name, b in pairs(buffers) do b[{}] = before[name] end
    error(message, 0)
  end
  return model
end

--- a range test -----------------------------------------------------------------------------------------------------------------

---@class moonlab.LRRangeOptions
---@field low?       number   first rate (default 1e-6)
---@field high?      number   last rate (default 1)
---@field steps?     integer  (default 100)
---@field smooth?    number   of the running mean of the loss (default 0.9)
---@field worse?     number   it ends when the smoothed loss is so many times the best one (default 4)
---@field optimizer? string   (default "SGD")
---@field options?   table    of the optimizer

---@class moonlab.LRRange
---@field lr         number[]  that were tried
---@field loss       number[]  smoothed
---@field suggestion number?   where the loss falls steepest over log lr; nil when it never falls
---@field lowest     number    where it is lowest: training at this rate is about to break
---@field diverged   boolean   it ended early

-- Where the smoothed loss falls steepest over the logarithm of the rate, before its minimum.
local function steepest(lr, loss, lowest)
  local best, at = 0, nil
  for i = 2, lowest - 1 do
    local slope = (loss[i + 1] - loss[i - 1]) / (math.log(lr[i + 1]) - math.log(lr[i - 1]))
    if slope < best then best, at = slope, lr[i] end
  end
  return at
end

local function run_range(params, loss_of, o)
  local settings = { lr = o.low }
  for name, value in pairs(o.options) do settings[name] = value end
  local opt, mean, best = ml.optim[o.optimizer](params, settings), 0, math.huge
  local result = { lr = {}, loss = {}, diverged = false }
  for step = 1, o.steps do
    opt.lr = o.low * (o.high / o.low) ^ ((step - 1) / (o.steps - 1))
    local loss = loss_of()
    if not ml.is_tensor(loss) then check.fail("lr_range: the function must return the loss, a tensor, got %s", type(loss)) end
    mean = o.smooth * mean + (1 - o.smooth) * loss:item()
    local smoothed = mean / (1 - o.smooth ^ step)
    if smoothed ~= smoothed or smoothed == math.huge or smoothed > o.worse * best and best > 0 then
      result.diverged = true
      break
    end
    if smoothed < best then best, result.lowest = smoothed, opt.lr end
    result.lr[step], result.loss[step] = opt.lr, smoothed
    opt:minimize(loss)
  end
  local lowest = 1
  for i, value in ipairs(result.loss) do
    if value < result.loss[lowest] then lowest = i end
  end
  result.suggestion = steepest(result.lr, result.loss, lowest)
  return result
end

--- Tries rates of learning from low to high, a step each, and tells where the loss falls steepest (Smith 2017). The model, its
--- running statistics and the random numbers are afterwards as before.
---@param model moonlab.Module|moonlab.Tensor[]
---@param loss_of fun(): moonlab.Tensor  the loss of the next batch
---@param opts? moonlab.LRRangeOptions
---@return moonlab.LRRange
function optim.lr_range(model, loss_of, opts)
  local o = check.options("lr_range", opts,
    { low = 1e-6, high = 1.0, steps = 100, smooth = 0.9, worse = 4.0, optimizer = "SGD", options = {} })
  local params = parameters_of("lr_range", model)
  if type(loss_of) ~= "function" then check.fail("lr_range: needs a function that returns the loss, got %s", type(loss_of)) end
  if not (o.low > 0 and o.high > o.low) then check.fail("lr_range: needs 0 < low < high, got %s and %s", o.low, o.high) end
  if o.steps < 3 then check.fail("lr_range: steps must be 3 or more, got %s", o.steps) end
  if not (o.smooth >= 0 and o.smooth < 1) then check.fail("lr_range: smooth must be in [0, 1), got %s", o.smooth) end
  local tensors, values = {}, {}
  for i, p in ipairs(params) do tensors[i] = p end
  if type(model) == "userdata" then
    for _, b in model:named_buffers() do tensors[#tensors + 1] = b end
  end
  for i, t in ipairs(tensors) do values[i] = t:detach():clone() end
  local seed, stream = core.io.random_state()
  local good, result = pcall(run_range, params, loss_of, o)
  for i, t in ipairs(tensors) do t:detach()[{}] = values[i] end
  for _, p in ipairs(params) do p:zero_grad() end
  core.io.random_state(seed, stream)
  if not good then error(result, 0) end
  return result
end

return optim
