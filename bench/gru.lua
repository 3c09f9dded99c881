-- The GRU of MNIST-1D: 40 steps of one value, 6 units in both directions, all outputs -> 10; batch 100. Prints microseconds
-- per Adam step: the mean, then the least of ten.
local ml = require "moonlab"
local nn = ml.nn

local model = nn.Sequential { nn.GRU(1, 6, { bidirectional = true }), nn.Flatten(), nn.Linear(480, 10) }
local opt   = ml.optim.Adam(model:parameters(), { lr = 1e-2 })
local x, y  = ml.randn { 100, 40, 1 }, ml.randint(1, 10, { 100 })

local function train(steps)
  local began = ml.clock()
  for _ = 1, steps do opt:minimize(nn.cross_entropy(model(x), y)) end
  return (ml.clock() - began) / steps * 1e6
end

train(20)
local total, least = 0, math.huge
for _ = 1, 10 do
  local time = train(20)
  total, least = total + time, math.min(least, time)
end
print(total / 10, least)
