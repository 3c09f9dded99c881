-- The decision boundary of a small network on two spirals.
-- Paper:  Lang & Witbrock 1988, "Learning to tell two spirals apart"
-- Claim:  a network of two hidden layers tells the spirals apart, also between its points; a linear model cannot.
-- Figure: what each of them decides on the plane, paler where it is less sure, with the points; their losses; the network.
-- Time:   10 s on two cores.   Try: width=4, or noise=0.3
local ml = require "moonlab"
local nn = ml.nn

local run = ml.run { name = "decision_boundary", seed = 1, points = 300, noise = 0.02, width = 24, lr = 1e-2, steps = 1500 }
ml.seed(run.seed)

-- Each class winds one and a half times around the origin; the second is the first, turned by half a turn.
local function spirals(n)
  local turn = ml.rand { n } * 3 * math.pi + 0.4
  local side = ml.arange(n) % 2 -- 1, 0, 1, 0 ...
  local angle, radius = turn + side:cast "f32" * math.pi, turn / (3 * math.pi)
  local x = ml.stack({ radius * angle:cos(), radius * angle:sin() }, 2) + run.noise * ml.randn { n, 2 }
  return { x = x, y = 2 - side }
end
local data, unseen = spirals(run.points), spirals(1000)

local models = {
  network = nn.Sequential {
    nn.Linear(2, run.width), nn.Tanh(), nn.Linear(run.width, run.width), nn.Tanh(), nn.Linear(run.width, 2),
  },
  linear  = nn.Sequential { nn.Linear(2, 2) },
}
local opts = {}
for name, model in pairs(models) do opts[name] = ml.optim.Adam(model:parameters(), { lr = run.lr }) end

local fig = run:figure { cols = 3, title = "Two spirals" }
local around = { equal = true, xlim = { -1.25, 1.25 }, ylim = { -1.25, 1.25 }, classes = { "one", "the other" } }
local function titled(title, legend)
  local opts_of = { title = title, legend = legend }
  for name, value in pairs(around) do opts_of[name] = value end
  return opts_of
end
fig:decision(1, models.network, data, titled("a network of two hidden layers", true))
fig:decision(2, models.linear, data, titled("a linear model", false))
fig:lines(3, { "network_loss", "linear_loss" }, { yscale = "log", title = "cross entropy" })

for _ in run:steps() do
  local losses = {}
  for name, model in pairs(models) do
    losses[name .. "_loss"] = nn.cross_entropy(model(data.x), data.y)
    opts[name]:minimize(losses[name .. "_loss"])
  end
  if run:every(10) then run:log(losses) end
end

local seen, new = ml.accuracy(models.network, data), ml.accuracy(models.network, unseen)
run:check("the network tells the points apart", seen > 0.99, ("%.3f"):format(seen))
run:check("and points between them", new > 0.95, ("%.3f"):format(new))
local control = ml.accuracy(models.linear, data)
run:check("the linear model does not", control < 0.75, ("%.3f"):format(control))
