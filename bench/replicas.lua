-- Adam steps of 16 MLPs 2-64-64-2, batch 32, with seeds of their own: one after another, and as one batch. Prints the
-- microseconds for a step of all 16 as one batch, then how many times as long the 16 runs take.
local ml = require "moonlab"
local nn = ml.nn

local COPIES <const> = 16
local x, y = ml.randn { 32, 2 }, ml.randint(1, 2, { 32 })

local function train(steps)
  local model = nn.Sequential {
    nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2),
  }
  local opt = ml.optim.Adam(model:parameters(), { lr = 1e-3 })
  local began
  for step = 1, steps do
    if step == steps // 4 then began = ml.clock() end
    opt:minimize(nn.cross_entropy(model(x), y))
  end
  return (ml.clock() - began) / (steps - steps // 4 + 1) * 1e6
end

local alone, together = {}, {}
for repetition = 1, 5 do -- taking turns, so that both meet the same machine
  local all = 0
  for seed = 1, COPIES do
    ml.seed(seed)
    all = all + train(200)
  end
  alone[repetition] = all
  together[repetition] = ml.replicas(COPIES, function() return train(800) end)
end
table.sort(alone)
table.sort(together)
print(("%.1f us as one batch, %.2f times as long one after another (%.1f us)"):format(together[3], alone[3] / together[3], alone[3]))
print(together[3], alone[3] / together[3])
