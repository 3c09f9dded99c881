-- 200 full-batch AdamW steps of modular addition, p = 97; prints microseconds per step.
local ml = require "moonlab"
local nn = ml.nn

local p     = 97
local data  = ml.data.modular { p = p, op = "+", train_fraction = 0.4, seed = 1 }
local x, y  = data.train.x, data.train.y
local model = nn.Sequential {
  nn.Embedding(p, 128), nn.Flatten(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, p),
}
local opt = ml.optim.AdamW(model:parameters(), { lr = 5e-3, weight_decay = 1.0, betas = { 0.9, 0.98 } })

local function train(steps)
  for _ = 1, steps do
    opt:minimize(nn.cross_entropy(model(x), y))
  end
end

train(20)
local began = ml.clock()
train(180)
print((ml.clock() - began) / 180 * 1e6)
