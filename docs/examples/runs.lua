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
