-- Learning rates that stay: tune a narrow network, and use the rate in a wide one.
-- Paper:  Yang et al. 2022, "Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer"
-- Claim:  in the standard parametrisation the best learning rate of Adam falls as the width grows; in the maximal-update
--         parametrisation it stays, and wider is better at every rate.
-- Figure: loss against the learning rate, a curve for each width: valleys that wander, and valleys that stand below each other.
-- Time:   22 s of one core.   Try: updates=1000
local ml = require "moonlab"
local nn = ml.nn

local run = ml.run {                       -- a step is a learning rate: 2^-11, 2^-10, ...
  name = "mup", seed = 1, seeds = 2, steps = 8, lowest = -11, widths = { 32, 128, 512 }, batch = 100, updates = 300,
}
local data = ml.data.mnist1d { seed = 42 }.train
local x, y = data.x, data.y

local fig = run:figure { rows = 1, cols = 2, title = "Adam on MNIST-1D: loss against learning rate" }
for panel, kind in ipairs { "standard", "mup" } do
  local names = {}
  for i, width in ipairs(run.widths) do names[i] = kind .. "_" .. width end
  fig:lines(panel, names, { x = "log2_lr", title = kind, ylabel = "cross entropy" })
end

-- The mean loss of the last 50 steps.
local function train(kind, width, lr, seed)
  ml.seed(seed)
  local model = nn.Sequential { nn.Linear(40, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10) }
  local scaling = nn.parametrise(model, kind, { base_width = run.widths[1], gain = 1, zero_output = kind == "mup" })
  local opt, total = ml.optim.Adam(scaling:groups(), { lr = lr }), 0
  for step = 1, run.updates do
    local first = (step - 1) * run.batch % #x
    local rows = { { first + 1, first + run.batch } }
    local loss = nn.cross_entropy(model(x[rows]), y[rows])
    opt:minimize(loss)
    if step > run.updates - 50 then total = total + loss:item() end
  end
  return total / 50
end

local losses, best = {}, {} -- "mup_512" -> the loss at each rate, and which of them is best
for i in run:steps() do
  local log2_lr = run.lowest + i - 1
  local row = { log2_lr = log2_lr }
  for _, kind in ipairs { "standard", "mup" } do
    for _, width in ipairs(run.widths) do
      local name, loss = kind .. "_" .. width, 0
      for seed = run.seed, run.seed + run.seeds - 1 do loss = loss + train(kind, width, 2.0 ^ log2_lr, seed) / run.seeds end
      row[name] = loss
      losses[name] = losses[name] or {}
      losses[name][i] = loss
      if loss < losses[name][best[name] or i] + 1e-9 then best[name] = i end
    end
  end
  run:log(row)
end

local narrow, wide = run.widths[1], run.widths[#run.widths]
local function drift(kind) return best[kind .. "_" .. wide] - best[kind .. "_" .. narrow] end
local function worst(kind) -- how much worse the widest is than the narrowest, where it is worst
  local most = -math.huge
  for i, loss in ipairs(losses[kind .. "_" .. wide]) do most = math.max(most, loss - losses[kind .. "_" .. narrow][i]) end
  return most
end
run:check("the best rate falls with width in standard", drift "standard" <= -2, ("by 2^%d"):format(drift "standard"))
run:check("it stays in mup", math.abs(drift "mup") <= 1, ("by 2^%d"):format(drift "mup"))
run:check("wider is better at every rate in mup", worst "mup" <= 0.02, ("%.3f"):format(worst "mup"))
run:check("not so in standard", worst "standard" > 0.02, ("%.3f"):format(worst "standard"))
