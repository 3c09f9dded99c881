-- The loop of examples/grokking.lua, timed; bench/watched.sh runs it alone, with a window and with curves in the terminal.
-- Writes to the file `out`: steps a second, and processor time a step in microseconds, of the thread that trains and of the
-- whole process. The first tells what the script sees; the second is what the script itself pays for being watched, whatever
-- else the machine is doing. Linux only: the times come from /proc.
local ml = require "moonlab"
local nn = ml.nn

local run  = ml.run { name = "watched", seed = 1, p = 97, width = 256, lr = 5e-3, steps = 600, warm = 100, out = "watched.txt" }
local data = ml.data.modular { p = run.p, op = "+", train_fraction = 0.4, seed = run.seed }
local model = nn.Sequential {
  nn.Embedding(run.p, 128), nn.Flatten(), nn.Linear(256, run.width), nn.ReLU(), nn.Linear(run.width, run.p),
}
local opt = ml.optim.AdamW(model:parameters(), { lr = run.lr, weight_decay = 1.0, betas = { 0.9, 0.98 } })

local fig = run:figure { rows = 2, cols = 2, title = "watched" }
fig:lines(1, { "train_acc", "test_acc" }, { xscale = "log", ylim = { 0, 1 }, title = "accuracy" })
fig:lines(2, { "train_loss", "test_loss" }, { xscale = "log", yscale = "log", title = "cross entropy" })
fig:lines(3, { "weight_norm" }, { xscale = "log", title = "norm of the weights" })
fig:heatmap(4, function() return ml.fft.power(model[1].weight) end, { title = "power spectrum of the embedding" })

local function main_thread() -- seconds on a processor; the process and its first thread have one number
  local file <close> = assert(io.open "/proc/thread-self/schedstat")
  return file:read "n" * 1e-9
end

local began, main, all
for step in run:steps() do
  local loss = nn.cross_entropy(model(data.train.x), data.train.y)
  opt:minimize(loss)
  if run:every(10) then
    run:log {
      train_loss = loss, test_loss = nn.cross_entropy(model(data.test.x), data.test.y),
      train_acc = ml.accuracy(model, data.train), test_acc = ml.accuracy(model, data.test),
      weight_norm = ml.weight_norm(model),
    }
  end
  if step == run.warm then began, main, all = ml.clock(), main_thread(), os.clock() end -- windows are open, libraries loaded
  if step == run.params.steps then
    local n = run.params.steps - run.warm
    local file <close> = assert(io.open(run.out, "w"))
    file:write(("%.3f %.1f %.1f %s\n"):format(n / (ml.clock() - began), (main_thread() - main) / n * 1e6, (os.clock() - all) / n * 1e6,
      fig:is_open() and "window" or "none"))
  end
end
