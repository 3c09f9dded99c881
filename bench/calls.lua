-- Recorded calls on a few elements, results dropped: x + b and x:matmul(w); prints microseconds of each, best of 60 runs.
local ml = require "moonlab"

local x, b = ml.tensor({ 1.5, 2., 3., 4. }, { requires_grad = true }), ml.tensor { 1.5, 2., 3., 4. }
local m, w = ml.randn({ 4, 4 }, { requires_grad = true }), ml.randn { 4, 4 }

local function add(n)
  for _ = 1, n do local _ = x + b end
end

local function matmul(n)
  for _ = 1, n do local _ = m:matmul(w) end
end

local function best(run)
  local least = math.huge
  run(2000)
  for _ = 1, 60 do
    local began = ml.clock()
    run(2000)
    least = math.min(least, ml.clock() - began)
  end
  return least / 2000 * 1e6
end

print(best(add), best(matmul))
