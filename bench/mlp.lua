-- One Adam step of an MLP 784-256-256-10, batch 128; prints microseconds per step.
local ml = require "moonlab"
local nn = ml.nn

local model = nn.Sequential {
  nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10),
}
local opt  = ml.optim.Adam(model:parameters(), { lr = 1e-3 })
local x, y = ml.randn { 128, 784 }, ml.randint(1, 10, { 128 })

local function train(steps)
  for _ = 1, steps do
    opt:minimize(nn.cross_entropy(model(x), y))
  end
end

train(30)
local began = ml.clock()
train(300)
print((ml.clock() - began) / 300 * 1e6)
