-- Adam steps of 16 MLPs (tanh), with seeds of their own: one after another, and as one batch by ml.replicas. For three sizes, a
-- line with the microseconds of a step of all 16, the least of many; the last line prints how many times as long the 16 runs
-- take, size by size.
local ml = require "moonlab"
local nn = ml.nn

local COPIES <const> = 16

local function trainer(width, rows)
  local x, y = ml.randn { rows, 2 }, ml.randint(1, 2, { rows })
  return function(steps)
    local model = nn.Sequential {
      nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2),
    }
    local opt = ml.optim.Adam(model:parameters(), { lr = 1e-3 })
    local least = math.huge
    for _ = 1, steps do
      local began = ml.clock()
      opt:minimize(nn.cross_entropy(model(x), y))
      least = math.min(least, ml.clock() - began)
    end
    return least * 1e6
  end
end

local ratios = {}
for i, size in ipairs { { 16, 16 }, { 32, 32 }, { 64, 32 } } do
  local train = trainer(size[1], size[2])
  local alone, together = {}, {}
  for repetition = 1, 7 do -- taking turns, so that both meet the same machine
    local all = 0
    for seed = 1, COPIES do
      ml.seed(seed)
      all = all + train(100)
    end
    alone[repetition] = all
    together[repetition] = ml.replicas(COPIES, function() return train(300) end)
  end
  table.sort(alone)
  table.sort(together)
  ratios[i] = alone[4] / together[4]
  print(("2-%d-%d-2, batch %d: %.1f us as one, %.1f us one after another, %.2f times as long"):format(size[1], size[1],
    size[2], together[4], alone[4], ratios[i]))
end
print(ratios[1], ratios[2], ratios[3])
