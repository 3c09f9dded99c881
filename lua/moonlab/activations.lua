--- What a network makes of a set of inputs, batch by batch: the features that probes and kernels are about.
local ml    = require "moonlab"
local check = require "moonlab.check"
local train = require "moonlab.train"

local structure = require "moonlab.structure"

local activations = {}

--- A function of inputs that gives the output of one layer of a model, by its path: 3, "3", "2.1". A layer of a Sequential, or
--- of Sequentials inside it.
---@param where string
---@param model moonlab.Module
---@param layer integer|string
---@return fun(x: moonlab.Tensor): moonlab.Tensor
function activations.of(where, model, layer)
  if not structure.is_module(model) then
    check.fail("%s: layer = %s needs a model of layers, got %s", where, tostring(layer), type(model))
  end
  local path = {}
  for word in tostring(layer):gmatch "[^%.]+" do path[#path + 1] = math.tointeger(tonumber(word)) or word end
  local at = model
  for _, place in ipairs(path) do
    if math.type(place) ~= "integer" or place < 1 or place > #at or at:kind() ~= "Sequential" then
      check.fail("%s: there is no layer '%s' in %s; layers are named by their place, as in \"2\" or \"2.1\"", where,
        tostring(layer), model:kind())
    end
    at = at[place]
  end
  return function(x)
    local inside = model
    for _, place in ipairs(path) do
      for i = 1, place - 1 do x = inside[i](x) end
      inside = inside[place]
    end
    return inside(x)
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
