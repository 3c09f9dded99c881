--- What training loops measure.
local ml    = require "moonlab"
local core  = require "moonlab.core"
local check = require "moonlab.check"

local train = {}

---@class moonlab.Dataset
---@field x moonlab.Tensor  (n, ...) inputs
---@field y moonlab.Tensor  (n) labels, counted from 1

---@class moonlab.AccuracyOptions
---@field batch? integer  rows at a time, which bounds the memory (default 4096)

-- Puts a model into evaluation until the value is closed; then every layer is again as it was.
local function evaluating(model)
  local layers = {}
  local function note(layer)
    layers[#layers + 1] = { layer, layer:training() }
    for i = 1, #layer do note(layer[i]) end
  end
  if type(model) == "userdata" and not ml.is_tensor(model) then
    note(model)
    model:eval()
  end
  return setmetatable({}, { __close = function()
    for _, entry in ipairs(layers) do entry[1]:train(entry[2]) end -- a container before its layers
  end })
end
train.evaluating = evaluating

train.evaluating = evaluating

--- Share of the rows whose largest output is their label, in [0, 1]. Nothing is recorded; a model is in evaluation meanwhile.
---@param model fun(x: moonlab.Tensor): moonlab.Tensor|moonlab.Module  (n, ...) -> (n, classes)
---@param data  moonlab.Dataset
---@param opts? moonlab.AccuracyOptions
---@return number|moonlab.Tensor  inside vmap and replicas a tensor, of each
function train.accuracy(model, data, opts)
  opts = check.options("accuracy", opts, { batch = 4096 })
  if type(data) ~= "table" or not (ml.is_tensor(data.x) and ml.is_tensor(data.y)) then
    check.fail "accuracy: the data must be a table with tensors x and y"
  end
  local x, y = data.x, data.y
  local n = #x
  if n ~= #y then check.fail("accuracy: %d inputs, but %d labels", n, #y) end
  if n == 0 then check.fail "accuracy: no rows to measure" end
  if opts.batch < 1 then check.fail("accuracy: batch must be at least 1, got %s", opts.batch) end
  local _ <close> = evaluating(model)
  return ml.no_grad(function()
    local right = 0
    for first = 1, n, opts.batch do
      local rows = { { first, math.min(first + opts.batch - 1, n) } }
      local hits = model(n > opts.batch and x[rows] or x):argmax(-1):eq(n > opts.batch and y[rows] or y)
      local count = hits:cast("i64"):sum()
      right = right + (core.transform.is_batched(count) and count:cast "f64" or count:item())
    end
    return right / n
  end)
end

--- Euclidean norm of all parameters together, as a tensor of shape ().
---@param params moonlab.Module|moonlab.Tensor[]  a model, or a list of tensors
---@return moonlab.Tensor
function train.weight_norm(params)
  if type(params) == "userdata" and not ml.is_tensor(params) then params = params:parameters() end
  if type(params) ~= "table" or #params == 0 then
    check.fail "weight_norm: takes a model or a list of tensors, at least one"
  end
  local total
  for _, p in ipairs(params) do
    local squares = p:square():sum()
    total = total and total + squares or squares
  end
  return total:sqrt()
end

return train
