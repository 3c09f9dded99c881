-- The CNN of MNIST-1D (Greydanus & Kobak 2020): three convolutions of 25 channels with stride 2, batch 100; prints microseconds
-- per Adam step, then what its products would take at best (limit.lua).
local ml = require "moonlab"
local nn = ml.nn
local limit = dofile(debug.getinfo(1, "S").source:match "^@(.*/)" .. "limit.lua")

local model = nn.Sequential {
  nn.Conv1d(1, 25, 5, { stride = 2, padding = 1 }), nn.ReLU(),
  nn.Conv1d(25, 25, 3, { stride = 2, padding = 1 }), nn.ReLU(),
  nn.Conv1d(25, 25, 3, { stride = 2, padding = 1 }), nn.ReLU(),
  nn.Flatten(), nn.Linear(125, 10),
}
local opt  = ml.optim.Adam(model:parameters(), { lr = 1e-2 })
local x, y = ml.randn { 100, 1, 40 }, ml.randint(1, 10, { 100 })

local function train(steps)
  for _ = 1, steps do
    opt:minimize(nn.cross_entropy(model(x), y))
  end
end

train(50)
local began = ml.clock()
train(500)
local step = (ml.clock() - began) / 500 * 1e6
-- forward, by the weights, and by the input where that is not the signals
local multiplications = 100 * (2 * 25 * 5 * 19 + 3 * (25 * 25 * 3 * (10 + 5) + 125 * 10))
print(step, limit(multiplications) * 1e3)
