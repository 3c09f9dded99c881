--- Figure
local fig = ml.figure { layout = { "aab", "ccb" }, title = "three panels" }
fig:panel(1, { title = "log axes know 10^{-3}", xscale = "log", yscale = "log" })
fig:lines(1, { "a", "b" })
fig:heatmap(2, ml.eye(4), { title = "identity" })
for x = 1, 10 do
  fig:point("a", x, x * x)
  fig:feed(x, { b = 2 * x })
end
fig:refresh()
fig:clear(3)
local path = os.tmpname() .. ".svg"
fig:save(path, { size = { 600, 400 }, style = "print" })
print(io.open(path):read(5))  --> <?xml
os.remove(path)
print(fig:pixels { size = { 60, 40 } }.shape[2])  --> 60
print(fig:is_open()) -- fig:show() opens a window, fig:wait(1) looks at it for a second, fig:close() closes it  --> false

--- Figure:curve
local fig = ml.figure {}
fig:curve(1, "wide", { label = "256 wide", colour = "blue", group = 1 })   -- a click on a name hides its group, in all panels
fig:curve(1, "narrow", { label = "16 wide", colour = "orange", dash = "dashed", group = 2 })
for step = 1, 100 do fig:feed(step, { wide = 1 / step, narrow = 2 / step }) end

--- Figure:record
local fig = ml.figure {}
local path = os.tmpname() .. ".gif"
fig:record(path, { size = { 100, 60 } }):frame():close()
os.remove(path)

--- Recording
local fig  = ml.figure {}
local path = os.tmpname() .. ".gif"
fig:lines(1, { "height" }, { ylim = { 0, 1 } })
local recording = fig:record(path, { size = { 200, 150 } })
for t = 0, 1, 0.1 do
  fig:point("height", t, t * (1 - t) * 4)
  recording:frame()
end
recording:close()
print(io.open(path):read(6))  --> GIF89a
os.remove(path)

--- Figure:line
local x   = ml.linspace(0, 10, 200)
local fig = ml.figure {}
fig:line(1, x, x:sin(), { label = "sin", low = x:sin() - 0.2, high = x:sin() + 0.2 })
fig:line(1, x, x:exp(), { label = "e^x", right = true, y2scale = "log" })

--- Figure:scatter
local p = ml.randn { 100, 2 }
ml.figure { cols = 2 }
  :scatter(1, p[{ {}, 1 }], p[{ {}, 2 }], { by = ml.randint(1, 2, { 100 }), classes = { "cats", "dogs" }, equal = true })
  :scatter(2, p[{ {}, 1 }], p[{ {}, 2 }], { by = p:square():sum(2) })

--- Figure:bars
ml.figure {}:bars(1, { { 0.90, 0.71 }, { 0.97, 0.68 } }, { names = { "SGD", "AdamW" }, groups = { "train", "test" } })

--- Figure:histogram
ml.figure {}:histogram(1, ml.randn { 1000 }, { density = true })

--- Figure:heatmap
ml.figure {}:heatmap(1, ml.randn { 8, 12 }, { diverging = true, title = "weights", xlabel = "input", ylabel = "unit" })

--- Figure:images
local filters = ml.nn.Linear(25, 16).weight
ml.figure {}:images(1, function() return filters:reshape { 16, 5, 5 } end, { diverging = true }) -- looks again at every refresh
ml.figure {}:images(1, ml.rand { 3, 8, 8 }, { x = { 1, 2, 2 }, y = { 0, 0.5, -0.5 } })

--- Figure:field
local at   = ml.linspace(-1, 1, 12)
local x, y = table.unpack(ml.meshgrid { at, at })
ml.figure {}:field(1, at, at, y, -x)

--- Figure:contour
local at   = ml.linspace(-2, 2, 50)
local x, y = table.unpack(ml.meshgrid { at, at })
ml.figure { cols = 2 }
  :contour(1, at, at, x:square() + y:square() * 4, { numbers = true })
  :contour(2, at, at, x:square() + y:square() * 4, { filled = true, levels = 12 })

--- Figure:regions
local at   = ml.linspace(-1, 1, 50)
local x, y = table.unpack(ml.meshgrid { at, at })
ml.figure {}:regions(1, at, at, ml.where((x * y):gt(0), 1, 2), { classes = { "same sign", "different" } })

--- Figure:graph
ml.figure {}:graph(1, { 0, 0, 1 }, { 0, 1, 0.5 }, { 1, 2 }, { 3, 3 }, { 0.8, -0.3 })

--- Figure:text
local fig = ml.figure {}
fig:line(1, { 1, 2, 3 }, { 1, 4, 9 })
fig:text(1, 2.2, 7, { text = "steep", to_x = 2.6, to_y = 6.6 })
fig:text(1, 0.05, 0.95, { text = "n = 3", panel = true, side = "right" })

--- Figure:event
local fig = ml.figure {}
fig:lines(1, { "test_acc" }, { xscale = "log" })
fig:event(1, { 40, 930 }, { text = { "memorised", "generalised" } })
fig:event(1, 0.99, { level = true, dash = "dotted" })

--- Figure:band
local seeds = ml.stack { ml.tensor { 1., 2, 3 }, ml.tensor { 1., 3, 5 }, ml.tensor { 2., 3, 4 } }
ml.figure {}:band(1, { 1, 2, 3 }, seeds, { label = "mean of 3 seeds", show = "std" })

--- Figure:decision
local x     = ml.randn { 60, 2 }
local data  = { x = x, y = ml.where(x:square():sum(2):lt(1), 1, 2) }
local model = nn.Sequential { nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2) }
ml.figure {}:decision(1, model, data, { equal = true })

--- Figure:network
ml.figure {}:network(1, nn.Sequential { nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 1) })

--- Figure:neurons
local steps = ml.linspace(-2, 2, 24)
local plane = ml.stack({ steps:reshape(1, 24):expand { 24, 24 }, (steps * -1):reshape(24, 1):expand { 24, 24 } }, 3)
local model = nn.Sequential { nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2) }
ml.figure {}:neurons(1, model, plane, { title = "what each unit answers" })
