--- What a step could take at best: its multiplications at the rate of a matrix product that nothing disturbs, measured here.
local ml = require "moonlab"

---@param multiplications number
---@return number milliseconds
return function(multiplications)
  local n = 1024
  local a, b, least = ml.ones { n, n }, ml.ones { n, n }, math.huge
  for _ = 1, 12 do
    local began = ml.clock()
    ml.no_grad(function() return a:matmul(b) end)
    least = math.min(least, ml.clock() - began)
  end
  return multiplications / n ^ 3 * least * 1e3
end
