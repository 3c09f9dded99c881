--- What a least-squares fit aims at: numbers are themselves; of labels 1..k, 1 at the label and -1 elsewhere.
local check = require "moonlab.check"

local targets = {}

--- Targets (n, k) in f64, and the labels as i64 when they are some.
---@param where string
---@param y     moonlab.Tensor  (n) labels from 1, or floats (n) or (n, k)
---@return moonlab.Tensor targets
---@return moonlab.Tensor? labels
function targets.of(where, y)
  if y.dtype == "f32" or y.dtype == "f64" then
    y = y:detach():cast "f64"
    return y:dim() == 1 and y:unsqueeze(2) or y:reshape(#y, -1), nil
  end
  if y:dim() ~= 1 then check.fail("%s: labels have one dimension, got (%s)", where, table.concat(y.shape, ", ")) end
  local labels = y:cast "i64"
  local least = labels:min():item()
  if least < 1 then check.fail("%s: labels count from 1, found %d%s", where, least, least == 0 and " (add 1)" or "") end
  return labels:one_hot(labels:max():item()):cast "f64" * 2 - 1, labels
end

return targets
