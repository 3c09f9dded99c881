-- One Adam step of an MLP 2-64-64-2, batch 32; prints microseconds per step.
local ml = require "moonlab"
local nn = ml.nn

local model = nn.Sequential {
  nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2),
}
local opt  = ml.optim.Adam(model:parameters(), { lr = 1e-3 })
local x, y = ml.randn { 32, 2 }, ml.randint(1, 2, { 32 })

local function train(steps)
  for _ = 1, steps do
    opt:minimize(nn.cross_entropy(model(x), y))
  end
end

train(200)
local began = ml.clock()
train(2000)
print((ml.clock() - began) / 2000 * 1e6)
