--- Run
local run = ml.run { name = "demo", seed = 1, steps = 3, lr = 0.5 }
local w   = ml.tensor({ 4. }, { requires_grad = true })
local opt = ml.optim.SGD({ w }, { lr = run.lr / 2 })
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

--- Figure
local fig = ml.figure { rows = 1, cols = 2, title = "two panels" }
fig:lines(1, { "a", "b" }, { xscale = "log" })
fig:heatmap(2, ml.eye(4), { title = "identity" })
for x = 1, 10 do
  fig:point("a", x, x * x)
  fig:feed(x, { b = 2 * x })
end
fig:refresh()
local path = os.tmpname() .. ".svg"
fig:save(path)
print(io.open(path):read(5))  --> <?xml
os.remove(path)
print(fig:is_open()) -- fig:show() opens a window, fig:wait(1) looks at it for a second, fig:close() closes it  --> false
