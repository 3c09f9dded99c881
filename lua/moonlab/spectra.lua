--- What eigenvalues or singular values say together.
local ml = require "moonlab"

local spectra = {}

--- e to the entropy of the values' shares of their sum: how many of them matter. 0 when all are 0.
---@param values moonlab.Tensor  at least 0
---@return number
function spectra.effective_rank(values)
  local total = values:sum():item()
  if total == 0 then return 0 end
  local share = values / total
  local some  = share:gt(0)
  return math.exp(ml.where(some, -share * ml.where(some, share, 1):log(), 0):sum():item())
end

return spectra
