-- MNIST-1D: ten digits as signals of 40 numbers, where a perceptron, a convolution and a recurrence are far apart.
-- Paper:  Greydanus & Kobak 2024, "Scaling down deep learning with MNIST-1D"
-- Claim:  logistic regression reaches 32 % of the test set, an MLP 68, a CNN 94, a GRU 91; where the positions are shuffled the
--         last two lose what they knew of neighbours and order, 56 and 57, and the others lose nothing. Each within 3 points.
-- Figure: accuracy on both sets beside the published one; a signal of each class.
-- Time:   10 s on one core, the GRU longer.   Try: model=mlp, shuffled=true; random_labels=true, with which the check fails
local ml = require "moonlab"
local nn = ml.nn

local run = ml.run {                       -- published=FOLDER reads the arrays of the paper: x.npy, y.npy, x_test.npy, y_test.npy
  name = "mnist1d", seed = 1, model = "cnn", shuffled = false, random_labels = false, data_seed = 42, published = "",
  lr = 1e-2, batch = 100, steps = 6000,
}
local MODELS = { -- as published, in order and shuffled; the weight decay
  logistic = { 0.32, 0.32, 0 }, mlp = { 0.68, 0.68, 0.3 }, cnn = { 0.94, 0.56, 0 }, gru = { 0.91, 0.57, 0.1 },
}
local ordered, shuffled, decay = table.unpack(MODELS[run.model] or error("model must be logistic, mlp, cnn or gru"))
local published = run.shuffled and shuffled or ordered

local data = ml.data.mnist1d { seed = run.data_seed, shuffled = run.shuffled }
for part, ending in pairs { train = ".npy", test = "_test.npy" } do
  local set = data[part]
  if run.published ~= "" then
    set.x, set.y = ml.load(run.published .. "/x" .. ending), ml.load(run.published .. "/y" .. ending):cast "i64" + 1
    if run.shuffled then set.x = set.x[{ {}, data.positions }] end
  end
  if run.model == "gru" then set.x = set.x:unsqueeze(-1) end -- a sequence of single numbers
end
if run.random_labels then data = ml.data.random_labels(data, { seed = run.seed }) end

local conv = { stride = 2, padding = 1 }
local model
if run.model == "logistic" then
  model = nn.Linear(40, 10)
elseif run.model == "mlp" then
  model = nn.Sequential {
    nn.Linear(40, 100), nn.ReLU(), nn.Residual(nn.Sequential { nn.Linear(100, 100), nn.ReLU() }), nn.Linear(100, 10),
  }
elseif run.model == "cnn" then
  model = nn.Sequential {
    nn.Conv1d(1, 25, 5, conv), nn.ReLU(), nn.Conv1d(25, 25, 3, conv), nn.ReLU(), nn.Conv1d(25, 25, 3, conv), nn.ReLU(),
    nn.Flatten(), nn.Linear(125, 10),
  }
else
  model = nn.Sequential { nn.GRU(1, 6, { bidirectional = true }), nn.Flatten(), nn.Linear(480, 10) }
end
local opt    = ml.optim.AdamW(model:parameters(), { lr = run.lr, weight_decay = decay })
local loader = ml.data.loader(data.train, { batch = run.batch, seed = run.seed })

local fig = run:figure { rows = 1, cols = 2, title = "MNIST-1D: " .. run.model .. (run.shuffled and ", shuffled" or "") }
fig:lines(1, { "train_acc", "test_acc", "published" }, { xscale = "log", ylim = { 0, 1 }, title = "accuracy" })
fig:heatmap(2, function()
  local rows = {}
  for digit = 1, 10 do rows[digit] = data.test.x[data.test.y:eq(digit)][1]:reshape(40) end
  return ml.stack(rows, 1)
end, { title = "a signal of each digit", xlabel = "position", ylabel = "digit", row_shift = -1 })

for step in run:steps() do
  opt.lr = run.lr * (1 + math.cos(math.pi * step / run.params.steps)) / 2
  local batch = loader:next()
  local loss  = nn.cross_entropy(model(batch.x), batch.y)
  opt:minimize(loss)
  if run:every(100) then
    local train_acc, test_acc = ml.accuracy(model, data.train), ml.accuracy(model, data.test)
    run:log { loss = loss, train_acc = train_acc, test_acc = test_acc, published = published }
  end
end
run:check("as published, within 3 points", math.abs(run:last "test_acc" - published) <= 0.03,
  ("%.1f %%, published %.0f %%"):format(100 * run:last "test_acc", 100 * published))
