-- Grokking on modular addition: memorise first, understand a thousand steps later.
-- Paper:  Power et al. 2022, "Grokking: Generalization Beyond Overfitting on Small Algorithmic Datasets"
-- Claim:  training accuracy reaches 0.99 early, test accuracy at least 300 steps later, and only with weight decay.
-- Figure: two accuracies far apart on a log axis of steps; the losses; the norm of the weights, which falls while
--         nothing seems to happen; the spectrum of the embedding, where a few frequencies light up at the transition.
-- Time:   25 s on two cores.   Try: weight_decay=0; or turn it off in the window, once it generalises, and on again
local ml = require "moonlab"
local nn = ml.nn

local run = ml.run {                       -- defaults; `moonlab run grokking.lua weight_decay=0 seed=3` overrides
  name = "grokking", seed = 1,
  p = 97, width = 256, lr = 5e-3, weight_decay = 1.0, steps = 2000,
}
local data  = ml.data.modular { p = run.p, op = "+", train_fraction = 0.4, seed = run.seed }
local model = nn.Sequential {
  nn.Embedding(run.p, 128), nn.Flatten(), nn.Linear(256, run.width), nn.ReLU(), nn.Linear(run.width, run.p),
}
local opt   = ml.optim.AdamW(model:parameters(), { lr = run.lr, weight_decay = run.weight_decay, betas = { 0.9, 0.98 } })
ml.ui.slider(run, "weight_decay", { from = 0, to = 2, on = function(v) opt.weight_decay = v end })
ml.ui.slider(run, "lr", { from = 1e-4, to = 0.1, scale = "log", on = function(v) opt.lr = v end })

local fig = run:figure { rows = 2, cols = 2, title = "Grokking: (a + b) mod " .. run.p }
fig:lines(1, { "train_acc", "test_acc" }, { xscale = "log", ylim = { 0, 1 }, title = "accuracy" })
fig:lines(2, { "train_loss", "test_loss" }, { xscale = "log", yscale = "log", title = "cross entropy" })
fig:lines(3, { "weight_norm" }, { xscale = "log", title = "norm of the weights" })
fig:heatmap(4, function() return ml.fft.power(model[1].weight) end, {
  title = "power spectrum of the embedding", xlabel = "embedding dimension", ylabel = "frequency", row_shift = -1,
})

for _ in run:steps() do
  local loss = nn.cross_entropy(model(data.train.x), data.train.y)
  opt:minimize(loss)
  if run:every(10) then
    run:log {
      train_loss = loss, test_loss = nn.cross_entropy(model(data.test.x), data.test.y),
      train_acc = ml.accuracy(model, data.train), test_acc = ml.accuracy(model, data.test),
      weight_norm = ml.weight_norm(model),
    }
  end
end

local memorised, generalised = run:reached("train_acc", 0.99), run:reached("test_acc", 0.99)
run:check("memorised at least 300 steps before it generalised",
  memorised and generalised and generalised - memorised >= 300,
  ("steps %s and %s"):format(memorised or "never", generalised or "never"))
run:check("generalised", run:last "test_acc" > 0.99, ("test accuracy %.4f"):format(run:last "test_acc"))
