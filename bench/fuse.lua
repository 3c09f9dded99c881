-- A million floats: relu(z*2 + 1)*z - z fused and not, and z + z; prints microseconds of each, best of 100 runs.
local ml = require "moonlab"

local z = ml.randn { 1000000 }

local function chain(x) return (x * 2 + 1):relu() * x - x end

local function best(f)
  local least = math.huge
  for _ = 1, 100 do
    local began = ml.clock()
    local _ = f(z)
    least = math.min(least, ml.clock() - began)
  end
  return least * 1e6
end

print(best(ml.fuse(chain)), best(chain), best(function(x) return x + x end))
