--- Run
local run = ml.run { name = "demo", seed = 1, steps = 3, lr = 0.5 }
local w   = ml.tensor({ 4. }, { requires_grad = true })
local opt = ml.optim.SGD({ w }, { lr = run.lr / 2 })
run:on_reload { opt = opt }  -- under `moonlab run --watch`: what the next program goes on from
local fig = run:figure { title = "descent" }
fig:lines(1, { "loss" }, { yscale = "log" })
for _ in run:steps() do
  local loss = w:square():sum()
  opt:minimize(loss)
  if run:every(1) then run:log { loss = loss } end
end
print(run:last "loss", run:reached("loss", 10))  --> 1.0  1
print(run:check("learned", run:last "loss" < 5))  --> true
run:save()
run:finish()
--- RunReader
local run = ml.run { name = "demo", seed = 3, steps = 4, lr = 0.5 }
for step in run:steps() do run:log { loss = 1 / step } end
run:check("learned", run:last "loss" < 0.5)
run:finish()
local seen = ml.open_run(run.dir)  -- "demo" would be the newest run of that name; any process may do this, at any time
print(seen.status, seen.params.lr, seen.step)  --> done  0.5  4
local steps, loss = seen:metric "loss"
print(steps[-1]:item(), loss[-1]:item())  --> 4  0.25
print(seen.checks[1].name, seen.checks[1].passed)  --> learned  true
print(seen:update(), seen:is_running())  -- has something been logged since, and may more come?  --> false  false
seen:close()

--- ml.open_run
for seed = 1, 3 do
  local run = ml.run { name = "sweep", seed = seed, steps = 5 }
  for step in run:steps() do run:log { acc = seed * step } end
  run:finish()
end
local run = ml.open_run "sweep"  -- the newest run of this name
print(run.params.seed, run.metrics[1], #run:metric "acc")  --> 3  acc  5


--- Knob
local run = ml.run { name = "knobs", lr = 0.5 }
local opt = ml.optim.SGD({ ml.zeros({ 1 }, { requires_grad = true }) }, { lr = run.lr })
local lr  = ml.ui.slider(run, "lr", { from = 1e-3, to = 1, scale = "log", on = function(v) opt.lr = v end })
lr:set(0.1)  -- as a hand in the window can between two steps
print(lr.value, run.lr, opt.lr)  --> 0.1  0.1  0.1
local again = ml.ui.button(run, "again", { on = function() print "pressed" end })
again:press()  --> pressed
--- ml.ui.slider
local run = ml.run { name = "knobs", width = 32 }
local width = ml.ui.slider(run, "width", { from = 8, to = 128 })  -- whole numbers, as all three are
local noise = ml.ui.slider(run, "noise", { from = 0, to = 1, value = 0.25 })
print(run.width, width, noise)  --> 32  slider width = 32  slider noise = 0.25
--- ml.ui.toggle
local run = ml.run { name = "knobs", augment = true }
local augment = ml.ui.toggle(run, "augment")
print(augment.value, run.augment)  --> true  true
--- ml.ui.choice
local run = ml.run { name = "knobs" }
local activation = ml.ui.choice(run, "activation", { "relu", "tanh", "gelu" }, { value = "tanh" })
print(activation)  --> choice activation = tanh
--- ml.ui.button
local run = ml.run { name = "knobs" }
local reset = ml.ui.button(run, "reset", { on = function() print "from the start" end })
print(reset)  --> button reset
