-- A CNN for MNIST: conv 32, conv 64 (3x3, ReLU), max pool 2, 128, 10; batch 64. Prints microseconds per Adam step
-- and per forward pass, and how many times as long a step takes as its products would at 105 GFLOP/s on each of two cores.
local ml = require "moonlab"
local nn = ml.nn

local model = nn.Sequential {
  nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
  nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
}
local opt  = ml.optim.Adam(model:parameters(), { lr = 1e-3 })
local x, y = ml.randn { 64, 1, 28, 28 }, ml.randint(1, 10, { 64 })

local function step() opt:minimize(nn.cross_entropy(model(x), y)) end
local function forward() ml.no_grad(function() return model(x) end) end

local function measure(run)
  for _ = 1, 3 do run() end
  local began = ml.clock()
  for _ = 1, 20 do run() end
  return (ml.clock() - began) / 20 * 1e6
end
-- forward, by the weights, and by the input where that is not the images
local gflop = 2 * 64 * (2 * 32 * 26 * 26 * 9 + 3 * (64 * 24 * 24 * 32 * 9 + 9216 * 128 + 128 * 10)) / 1e9
local train = measure(step)
print(train, measure(forward), train / (gflop / (2 * 105) * 1e6))
