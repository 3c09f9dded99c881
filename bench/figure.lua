-- Redraws figures at 1280 x 800, in memory; prints milliseconds a picture: the median and the least of each. First that of the
-- grokking example (two accuracies and two losses over log axes, the norm of the weights, a spectrum), then 20 curves of 100,000
-- points: noise, all of them over each other; noise beside each other; smooth curves; noise smoothed, the averages computed anew
-- for each picture (a window keeps them).
local ml = require "moonlab"

local fig = ml.figure { rows = 2, cols = 2, title = "Grokking: addition modulo 97" }
fig:lines(1, { "train_acc", "test_acc" }, { title = "Accuracy", xscale = "log", ylim = { 0, 1 } })
fig:lines(2, { "train_loss", "test_loss" }, { title = "Loss", xscale = "log", yscale = "log" })
fig:lines(3, { "weight_norm" }, { title = "Weight norm", xscale = "log" })
ml.seed(1)
fig:heatmap(4, ml.rand { 49, 128 }, { title = "Power spectrum of the embedding", xlabel = "dimension", ylabel = "frequency" })

local function rise(step, at, steep) return 1 / (1 + (at / step) ^ steep) end
for step = 1, 2000 do
  local wiggle = 1 + 0.03 * math.sin(12.9898 * step) * math.cos(78.233 * step)
  fig:feed(step, {
    train_acc = rise(step, 18, 2.6), test_acc = 0.99 * rise(step, 900, 4.2) + 0.01,
    train_loss = wiggle * (4.57 / (1 + (step / 12) ^ 2.2) + 2e-7),
    test_loss = wiggle * (4.57 + 9 * rise(step, 40, 1.5)) * (1.0005 - rise(step, 900, 4)),
    weight_norm = 61 + 22 * rise(step, 30, 2) - 46 * rise(step, 700, 1.8),
  })
end

local figures = { fig }

local function twenty(value, smooth)
  local f, names = ml.figure {}, {}
  for k = 1, 20 do names[k] = "curve " .. k end
  f:lines(1, names, { title = "20 x 100,000", smooth = smooth })
  math.randomseed(1)
  for i = 1, 100000 do
    for k = 1, 20 do f:point(names[k], i, value(i, k)) end
  end
  figures[#figures + 1] = f
end

local function noise() return math.sqrt(-2 * math.log(1 - math.random())) * math.cos(2 * math.pi * math.random()) end
twenty(noise)
twenty(function(_, k) return k + 0.2 * noise() end)
twenty(function(i, k) return k + math.sin(20 * i / 1e5 + k) end)
twenty(noise, 0.99)

local columns = {}
for _, f in ipairs(figures) do
  local times = {}
  for i = 1, 30 do
    local began = ml.clock()
    f:pixels { size = { 1280, 800 } }
    times[i] = (ml.clock() - began) * 1e3
  end
  table.sort(times)
  columns[#columns + 1] = ("%.3f %.3f"):format(times[15], times[1])
end
print(table.concat(columns, " "))
