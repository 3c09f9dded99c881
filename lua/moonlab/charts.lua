--- Figures of experiments, made of the marks: bands over seeds, decision boundaries, networks.
local ml      = require "moonlab"
local check   = require "moonlab.check"
local spread  = require "moonlab.spread"
local train   = require "moonlab.train"

---@class (partial) moonlab.Figure
local Figure = {}

--- bands -----------------------------------------------------------------------------------------------------------

---@class moonlab.BandOptions: moonlab.LineOptions
---@field show? "interval"|"std"|"range"|"quartiles"  95 % of the mean by Student's t; quartiles: its median (default "interval")

--- Adds the mean of several curves, one a seed, and a band that says how far they are apart.
---@param panel  integer
---@param x      moonlab.Values  (n)
---@param curves moonlab.Tensor|moonlab.Tensor[]  (seeds, n), or a list of (n)
---@param opts?  moonlab.BandOptions
---@return moonlab.Figure
function Figure:band(panel, x, curves, opts)
  local own, rest = check.split("fig:band", opts, { show = "interval" })
  if type(curves) == "table" then curves = ml.stack(curves) end
  if not ml.is_tensor(curves) or #curves.shape ~= 2 or curves.shape[1] == 0 then
    check.fail("fig:band: curves must have the shape (seeds, n), got %s",
      ml.is_tensor(curves) and ("(%s)"):format(table.concat(curves.shape, ", ")) or "a " .. type(curves))
  end
  local middle
  middle, rest.low, rest.high = spread("fig:band", curves:cast "f64", own.show)
  return self:line(panel, x, middle, rest)
end

--- decision boundaries -----------------------------------------------------------------------------------------------

---@class moonlab.DecisionOptions: moonlab.PanelOptions
---@field points?  integer   of the grid, in each direction (default 120)
---@field classes? string[]  names of the classes

local function range(values, given)
  if given then return given[1], given[2] end
  local low, high = values:min():item(), values:max():item()
  local more = 0.12 * math.max(high - low, 1e-9)
  return low - more, high + more
end

-- (n, k) outputs -> the class of each row, counted from 1, and how probable it is. One output alone is the logit of class 2.
local function decide(output, n)
  if not ml.is_tensor(output) or output.shape[1] ~= n then
    check.fail("fig:decision: the model must return a tensor with a row for each of its %d inputs", n)
  end
  local scores = output:cast("f64"):reshape { n, -1 }
  if scores.shape[2] == 1 then
    local p = scores:sigmoid():reshape { n }
    return ml.where(p:gt(0.5), 2, 1), ml.maximum(p, 1 - p)
  end
  local p = scores:softmax(-1)
  return p:argmax(-1), p:max(-1)
end

--- Adds the decisions of a model on the plane, and the points that it was trained on. It is asked again when the picture is
--- refreshed; nothing is recorded, and a module is in evaluation meanwhile.
---@param panel integer
---@param model fun(x: moonlab.Tensor): moonlab.Tensor  (n, 2) -> (n, classes), or (n) scores of class 2 against class 1
---@param data  moonlab.Dataset  x (n, 2), and labels y where there are any
---@param opts? moonlab.DecisionOptions
---@return moonlab.Figure
function Figure:decision(panel, model, data, opts)
  local own, rest = check.split("fig:decision", opts, { points = 120, classes = {} })
  local x = type(data) == "table" and data.x
  if not ml.is_tensor(x) or #x.shape ~= 2 or x.shape[2] ~= 2 then
    check.fail "fig:decision: the data must be a table with x of the shape (n, 2), and labels y"
  end
  if math.type(own.points) ~= "integer" or own.points < 2 or own.points > 2000 then
    check.fail("fig:decision: points must be 2..2000, got %s", tostring(own.points))
  end
  local n = own.points
  local x_low, x_high = range(x[{ {}, 1 }], rest.xlim)
  local y_low, y_high = range(x[{ {}, 2 }], rest.ylim)
  local across, up = ml.linspace(x_low, x_high, n), ml.linspace(y_low, y_high, n)
  local u, v = across:reshape { 1, n }:expand { n, n }, up:reshape { n, 1 }:expand { n, n }
  local grid = ml.stack({ u, v }, 3):reshape { n * n, 2 }:cast(x.dtype)
  rest.xlim, rest.ylim = { x_low, x_high }, { y_low, y_high }
  local names = #own.classes > 0 and own.classes or nil
  local function look()
    local _ <close> = train.evaluating(model)
    local class, sure = decide(model(grid), n * n)
    return class:reshape { n, n }, sure:reshape { n, n }
  end
  local sure -- of the same look: what is given by name is read after what is given by position
  local options = { sure = function() return sure end }
  for name, value in pairs(rest) do options[name] = value end
  self:regions(panel, function()
    local class
    class, sure = look()
    return across, up, class
  end, options)
  return self:scatter(panel, x[{ {}, 1 }], x[{ {}, 2 }], { by = data.y, classes = names })
end

--- networks ------------------------------------------------------------------------------------------------------------

---@class moonlab.NetworkOptions: moonlab.PanelOptions
---@field most? integer  units of a layer that are drawn; of larger ones the first (default 24)

local function weights_of(model, list)
  if type(model) == "table" then
    for _, w in ipairs(model) do list[#list + 1] = w end
    return list
  end
  for i = 1, #model do
    local layer = model[i]
    if #layer > 0 then weights_of(layer, list)
    elseif layer:kind() == "Linear" then list[#list + 1] = layer.weight end
  end
  return list
end

--- Adds the graph of a network: its units in columns, the weights of its Linear layers as edges, blue where positive. It is
--- looked at again when the picture is refreshed.
---@param panel integer
---@param model moonlab.Module|moonlab.Tensor[]  with Linear layers; or their weights, each (outputs, inputs)
---@param opts? moonlab.NetworkOptions
---@return moonlab.Figure
function Figure:network(panel, model, opts)
  local own, rest = check.split("fig:network", opts, { most = 24 })
  local has_layers = type(model) == "table" or (type(model) == "userdata" and not ml.is_tensor(model))
  local weights = has_layers and weights_of(model, {}) or {}
  if #weights == 0 then check.fail "fig:network: needs a model with Linear layers, or a list of weights" end
  local x, y, from, to, first = {}, {}, {}, {}, {}
  local columns = { math.min(weights[1].shape[2], own.most) }
  for i, w in ipairs(weights) do columns[i + 1] = math.min(w.shape[1], own.most) end
  for i, units in ipairs(columns) do
    first[i] = #x
    for k = 1, units do
      x[#x + 1] = i
      y[#y + 1] = (units + 1) / 2 - k
    end
  end
  for i = 1, #weights do
    local inputs, before = weights[i].shape[2], i > 1 and weights[i - 1].shape[1] or weights[1].shape[2]
    if inputs ~= before then
      check.fail("fig:network: layer %d takes %d inputs, the one before it has %d outputs", i, inputs, before)
    end
    for k = 1, columns[i + 1] do
      for j = 1, columns[i] do
        from[#from + 1], to[#to + 1] = first[i] + j, first[i + 1] + k
      end
    end
  end
  local function edges()
    local parts = {}
    for i, w in ipairs(weights) do parts[i] = w[{ { 1, columns[i + 1] }, { 1, columns[i] } }]:reshape { -1 }:cast "f64" end
    return ml.cat(parts)
  end
  return self:graph(panel, x, y, from, to, edges, rest)
end

return Figure
