--- What a network makes of a set of inputs, batch by batch: the features that probes and kernels are about.
local ml    = require "moonlab"
local check = require "moonlab.check"
local train = require "moonlab.train"

local structure = require "moonlab.structure"

local activations = {}

--- A function of inputs that gives the value at one point of a model, as run_with_cache names it: 3, "2.1", "1.inner.relu".
---@param where string
---@param model moonlab.Module
---@param layer integer|string
---@return fun(x: moonlab.Tensor): moonlab.Tensor
function activations.of(where, model, layer)
  if not structure.is_module(model) then
    check.fail("%s: layer = %s needs a model of layers, got %s", where, tostring(layer), type(model))
  end
  local name = tostring(layer)
  return function(x)
    local _, cache = model:run_with_cache(x, name)
    local value = cache[name]
    if value then return value end
    local points = {} -- a pattern: it must mean one of them
    for point in pairs(cache) do points[#points + 1] = point end
    if #points == 1 then return cache[points[1]] end
    table.sort(points)
    check.fail("%s: layer = \"%s\" fits %d points: %s", where, name, #points, table.concat(points, ", "))
  end
end

--- fn over all rows of x, batch rows at a time: features (n, p) in f64, or the dtype asked for. Nothing is recorded, and the
--- model is in evaluation meanwhile.
---@param where string
---@param fn    fun(x: moonlab.Tensor): moonlab.Tensor
---@param x     moonlab.Tensor
---@param batch integer
---@param model any    what is put into evaluation
---@param dtype? moonlab.dtype
---@return moonlab.Tensor
function activations.rows(where, fn, x, batch, model, dtype)
  local n, result = #x, nil
  local _ <close> = train.evaluating(model)
  ml.no_grad(function()
    for first = 1, n, batch do
      local last = math.min(first + batch - 1, n)
      local y = fn(n > batch and x:slice(1, first, last) or x)
      if not ml.is_tensor(y) or y:dim() == 0 or #y ~= last - first + 1 then
        check.fail("%s: the features of %d inputs must be a tensor with as many rows, got %s", where, last - first + 1,
          ml.is_tensor(y) and "(" .. table.concat(y.shape, ", ") .. ")" or type(y))
      end
      y = y:reshape(#y, -1)
      if not result then result = ml.zeros({ n, y.shape[2] }, { dtype = dtype or "f64" }) end
      result[{ { first, last } }] = y
    end
  end)
  return result
end

return activations
