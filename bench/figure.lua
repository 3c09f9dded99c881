-- Redraws the figure of the grokking example at 1280 x 800 (two accuracies and two losses over log axes, the norm of the weights, a
-- spectrum), in memory; prints milliseconds a picture: the median and the least.
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

local times = {}
for i = 1, 60 do
  local began = ml.clock()
  fig:pixels { size = { 1280, 800 } }
  times[i] = (ml.clock() - began) * 1e3
end
table.sort(times)
print(("%.3f %.3f"):format(times[30], times[1]))
