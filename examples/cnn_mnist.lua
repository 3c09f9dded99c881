-- A small convolutional network on handwritten digits: what one place learns of strokes holds in every place.
-- Paper:  LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition"
-- Claim:  98 % of unseen digits after 8 passes over 8,000; with random labels it learns nothing that holds for others.
-- Data:   MNIST's 10,000 test digits where MOONLAB_DATA has them, shuffled into 8,000 and 2,000; else digits drawn by rule.
-- Figure: accuracy and loss by epoch; the filters of the first layer; the ten unseen digits that it finds hardest.
-- Time:   80 s on two busy cores.   Try: augment=true; random_labels=true, with which the check fails
local ml = require "moonlab"
local nn = ml.nn

local run = ml.run {
  name = "cnn_mnist", seed = 1, epochs = 8, batch = 64, lr = 1e-3, channels = 32, dropout = 0.25, augment = false,
  random_labels = false,
}
local real = ml.data.has("mnist", { only = "test" })
local data = real and ml.data.split(ml.data.mnist({ only = "test" }).test, { test = 2000, seed = run.seed })
  or ml.data.digits { n_train = 8000, n_test = 2000, seed = run.seed }
if run.random_labels then data = ml.data.random_labels(data, { seed = run.seed }) end

ml.seed(run.seed)
local model = nn.Sequential {
  nn.Conv2d(1, run.channels, 3), nn.ReLU(), nn.Conv2d(run.channels, 2 * run.channels, 3), nn.ReLU(), nn.MaxPool2d(2),
  nn.Dropout(run.dropout), nn.Flatten(), nn.Linear(2 * run.channels * 12 * 12, 128), nn.ReLU(), nn.Dropout(2 * run.dropout),
  nn.Linear(128, 10),
}
local opt    = ml.optim.Adam(model:parameters(), { lr = run.lr })
local loader = ml.data.loader(data.train, {
  batch = run.batch, seed = run.seed, prefetch = true, augment = run.augment and { { "shift", 2 }, { "rotate", 10 } } or {},
})

local function sheet(images, columns) -- (n, h, w) as one picture
  local n, h, w = table.unpack(images.shape)
  return images:reshape(n // columns, columns, h, w):permute({ 1, 3, 2, 4 }):reshape(n // columns * h, columns * w)
end
local fig = run:figure { rows = 2, cols = 2, title = real and "A CNN on MNIST" or "A CNN on drawn digits" }
fig:lines(1, { "train_acc", "test_acc" }, { ylim = { 0.9, 1 }, title = "accuracy", xlabel = "epoch" })
fig:lines(2, { "loss" }, { yscale = "log", title = "loss, mean over the epoch", xlabel = "epoch" })
fig:heatmap(3, function() return sheet(model[1].weight:reshape(run.channels, 3, 3), 8) end, { title = "filters" })
fig:heatmap(4, function()
  local log_p = model:eval()(data.test.x[{ { 1, 500 } }]):log_softmax():gather(data.test.y[{ { 1, 500 } }]:unsqueeze(2))
  model:train()
  return sheet(data.test.x[log_p:reshape(500):argtopk(10, -1, false)]:reshape(10, 28, 28), 5)
end, { title = "the hardest of 500" })

local seconds = 0
for _ in run:steps(run.epochs) do
  local start, sum = ml.clock(), 0
  for batch in loader do
    local loss = nn.cross_entropy(model(batch.x), batch.y)
    opt:minimize(loss)
    sum = sum + loss:item()
  end
  seconds = seconds + ml.clock() - start
  run:log { loss = sum / #loader, train_acc = ml.accuracy(model, data.train), test_acc = ml.accuracy(model, data.test) }
end
run:check("98 % of unseen digits", run:last "test_acc" >= 0.98,
  ("%.2f %% after %.0f s of training"):format(100 * run:last "test_acc", seconds))
