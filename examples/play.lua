-- A playground: choose data and a network, turn the knobs while it learns, and watch what it decides and how.
-- Paper:  Smilkov et al. 2017, "Direct-manipulation visualization of deep networks"; Power et al. 2022 for modular addition
-- Figure: what the network decides, with its points; what each unit answers, with the weights; loss and accuracy on both sets,
--         the attempt before in pale.
-- Time:   until the window is closed; a lesson is played again, step by step, with replay=RUN.
-- Try:    data=modular, which groks within seconds; wrong_labels=0.5; optimizer=SGD lr=10;  without a window: steps=2000
local ml = require "moonlab"
local nn = ml.nn
local ui = ml.ui

local PLANE       = { spirals = true, moons = true, circles = true }
local DATA        = { "spirals", "moons", "circles", "modular", "mnist1d" }
local NETWORKS    = { "linear", "4", "8", "8-8", "8-8-8", "32-32", "64-64-64", "128", "cnn" }
local ACTIVATIONS = { "relu", "tanh", "gelu", "sigmoid", "sin" }
local LAYERS      = { relu = nn.ReLU, tanh = nn.Tanh, gelu = nn.GELU, sigmoid = nn.Sigmoid, sin = nn.Sin }
local OPTIMIZERS  = { "SGD", "momentum", "Adam", "AdamW", "RMSprop", "Lion", "Muon" }
local RATES       = { SGD = 0.1, momentum = 0.03, Adam = 0.01, AdamW = 0.01, RMSprop = 0.003, Lion = 0.001, Muon = 0.02 }
local SPEEDS      = { "10", "30", "100", "300", "1000", "max" } -- steps a second, about
local POINTS      = 600 -- of the plane, train and test
local LOOKED_AT   = 1000 -- examples of a set, for loss and accuracy

-- What suits each kind of data.
local SUITS = {
  plane = {
    architecture = "8-8", activation = "tanh", optimizer = "AdamW", lr = 0.03, weight_decay = 0.0, batch = 32, noise = 0.05,
    train_fraction = 0.5, speed = "300",
  },
  modular = {
    architecture = "128", activation = "relu", optimizer = "AdamW", lr = 0.01, weight_decay = 1.0, batch = 4096, noise = 0.0,
    train_fraction = 0.5, speed = "100",
  },
  mnist1d = {
    architecture = "cnn", activation = "relu", optimizer = "AdamW", lr = 0.01, weight_decay = 0.0, batch = 100, noise = 0.02,
    train_fraction = 0.8, speed = "300",
  },
}
local function kind_of(data) return PLANE[data] and "plane" or data end

-- Defaults depend on the data, so what was asked for is looked up before the run begins; an unknown word is told by its knob.
local asked = { data = "spirals", optimizer = "" }
for _, word in ipairs(arg or {}) do
  local name, value = word:match "^(%a+)=(.+)$"
  if asked[name] then asked[name] = value end
end
local parameters = { name = "play", seed = 1, data = asked.data, p = 43, wrong_labels = 0.0, steps = math.huge }
for name, value in pairs(SUITS[kind_of(asked.data)] or SUITS.plane) do parameters[name] = value end
if asked.optimizer ~= parameters.optimizer then parameters.lr = RATES[asked.optimizer] or parameters.lr end
local run = ml.run(parameters)

--- the knobs ---------------------------------------------------------------------------------------------------------------

local RANGES = {
  lr = { 1e-5, 10, "log" }, weight_decay = { 0, 2 }, batch = { 1, 4096, "log" }, noise = { 0, 1 }, wrong_labels = { 0, 1 },
  train_fraction = { 0.02, 0.98 }, p = { 5, 97 },
}
local start, turned, change_data, change_optimizer, change_seed -- below
local knobs = {}
local quiet = false -- the script turns a knob itself

local function turn(name, value)
  quiet = true
  knobs[name]:set(value)
  quiet = false
end

local function again()
  if not quiet then start() end
end

local function choice(name, texts, on, label)
  knobs[name] = ui.choice(run, name, texts, { on = on, label = label })
end

local function slider(name, on, label)
  local low, high, scale = table.unpack(RANGES[name])
  local value = run[name]
  if not (value >= low and value <= high) then error(("%s must be %g..%g, got %s"):format(name, low, high, value), 0) end
  knobs[name] = ui.slider(run, name, { from = low, to = high, scale = scale, on = on, label = label })
end

local function with(texts, one) -- any other network from the command line
  for _, text in ipairs(texts) do
    if text == one then return texts end
  end
  if not one:match "^%d[%d%-]*$" then return texts end
  for units in one:gmatch "%d+" do
    if #units > 4 or tonumber(units) < 1 or tonumber(units) > 1024 then error("a layer has 1..1024 units, got " .. units, 0) end
  end
  return { one, table.unpack(texts) }
end

ui.button(run, "again", { on = again })
ui.button(run, "new_seed", { on = function() change_seed() end })
choice("speed", SPEEDS, nil, "steps a second")
choice("data", DATA, function() change_data() end)
choice("architecture", with(NETWORKS, run.architecture), again)
choice("activation", ACTIVATIONS, again)
choice("optimizer", OPTIMIZERS, function() if not quiet then change_optimizer() end end)
slider("lr", function(value) turned("lr", value) end, "learning rate")
slider("weight_decay", function(value) turned("weight_decay", value) end)
slider("batch", again)
slider("train_fraction", again, "share for training")
slider("noise", function() if knobs.data.value ~= "modular" then again() end end, "noise of the points")
slider("wrong_labels", again)
slider("p", function() if knobs.data.value == "modular" then again() end end, "p of modular addition")

--- what is trained ----------------------------------------------------------------------------------------------------------

local seed = run.seed
local data, model, opt, loader -- of this attempt

local function make_data()
  local name, share, noise = knobs.data.value, knobs.train_fraction.value, knobs.noise.value
  local set
  if name == "modular" then
    set = ml.data.modular { p = knobs.p.value, train_fraction = share, seed = seed }
    set.classes = knobs.p.value
  elseif name == "mnist1d" then
    set = ml.data.mnist1d { train_fraction = share, iid_noise = noise, seed = 41 + seed }
    set.classes = 10
  else
    local n = math.floor(POINTS * share + 0.5)
    set = ml.data[name] { n_train = n, n_test = POINTS - n, noise = noise, seed = seed }
    set.classes = 2
  end
  local noisy = ml.data.label_noise(set, { fraction = knobs.wrong_labels.value, classes = set.classes, seed = seed })
  noisy.classes = set.classes
  return noisy
end

local function make_model()
  local text, activation, layers = knobs.architecture.value, LAYERS[knobs.activation.value], {}
  local width = PLANE[knobs.data.value] and 2 or 40
  if knobs.data.value == "modular" then
    layers, width = { nn.Embedding(data.classes, 32), nn.Flatten() }, 64
  elseif text == "cnn" then
    for i = 1, 3 do
      layers[#layers + 1] = nn.Conv1d(i == 1 and 1 or 25, 25, i == 1 and 5 or 3, { stride = 2, padding = 1 })
      layers[#layers + 1] = activation()
    end
    layers[#layers + 1], width = nn.Flatten(), 125
  end
  for units in text:gmatch "%d+" do
    layers[#layers + 1] = nn.Linear(width, math.tointeger(units))
    layers[#layers + 1], width = activation(), math.tointeger(units)
  end
  layers[#layers + 1] = nn.Linear(width, data.classes)
  return nn.Sequential(layers)
end

local function make_optimizer()
  local name = knobs.optimizer.value
  local options = { lr = knobs.lr.value, weight_decay = knobs.weight_decay.value }
  if name == "momentum" then name, options.momentum = "SGD", 0.9 end
  if name == "AdamW" then options.betas = { 0.9, 0.98 } end
  if name == "Muon" then options.adam_lr = options.lr / 2 end
  return ml.optim[name](model:parameters(), options)
end

--- what is remembered -------------------------------------------------------------------------------------------------------

local CURVES = { "train_loss", "test_loss", "train_acc", "test_acc" }
local MOST   = 4000 -- points of a curve; with more, every other one goes
local now, before   -- this attempt and the one before, if it was of the same data

local function new_attempt()
  local attempt = { data = knobs.data.value, age = 0, next_look = 1, broken = false, steps = {}, changes = {} }
  for _, name in ipairs(CURVES) do attempt[name] = {} end
  return attempt
end

local function thin(values)
  local n = #values
  for i = 1, n // 2 do values[i] = values[2 * i] end
  for i = n, n // 2 + 1, -1 do values[i] = nil end
end

local function remember(numbers)
  if #now.steps >= MOST then
    thin(now.steps)
    for _, name in ipairs(CURVES) do thin(now[name]) end
  end
  table.insert(now.steps, now.age)
  for _, name in ipairs(CURVES) do table.insert(now[name], numbers[name]) end
end

local function look_at(set)
  local n = math.min(#set.y, LOOKED_AT)
  local x, y = set.x:slice(1, 1, n), set.y:slice(1, 1, n)
  local scores = model(x)
  return nn.cross_entropy(scores, y):item(), scores:argmax(-1):eq(y):cast("f64"):mean():item()
end

local function measure()
  local numbers = {}
  ml.no_grad(function()
    numbers.train_loss, numbers.train_acc = look_at(data.train)
    numbers.test_loss, numbers.test_acc = look_at(data.test)
  end)
  return numbers
end

--- the figure ---------------------------------------------------------------------------------------------------------------

local fig = run:figure { layout = { "aabb", "aabb", "ccde" } }
local MAIN, UNITS, LOSS, ACCURACY, INSIDE = 1, 2, 3, 4, 5

local function list(values) return ml.tensor(values, { dtype = "f64" }) end

-- A curve of an attempt up to a step: of the one before so much that this one has its room.
local function so_far(attempt, name, step)
  local steps, values = {}, {}
  for i, at in ipairs(attempt.steps) do
    if at > step then break end
    steps[i], values[i] = at, attempt[name][i]
  end
  return list(steps), list(values)
end

local function draw_curves(panel, what, opts)
  opts.xlabel, opts.xscale = "steps", now.data == "modular" and "log" or "linear"
  fig:clear(panel):panel(panel, opts)
  for _, part in ipairs { "train", "test" } do
    local name, colour = part .. "_" .. what, part == "train" and "blue" or "orange"
    local this, last = now, before
    if last then
      fig:line(panel, function() return so_far(last, name, math.max(200, 1.5 * this.age)) end, { colour = colour, alpha = 0.3 })
    end
    fig:line(panel, function() return so_far(this, name, math.huge) end, { colour = colour, label = part })
  end
  local at, words = {}, {}
  for i, change in ipairs(now.changes) do at[i], words[i] = change.age, change.text end
  if #at > 0 then fig:event(panel, list(at), { text = words }) end
end

local function draw_all_curves()
  draw_curves(LOSS, "loss", { title = "cross entropy", yscale = "log" })
  draw_curves(ACCURACY, "acc", { title = "accuracy", ylim = { 0, 1.02 } })
end

-- Rows from top to bottom, columns from left to right: (n, n, 2) places of the plane around the points.
local function plane(n)
  local x = ml.cat { data.train.x, data.test.x }
  local low, high = x:min(1), x:max(1)
  local middle, half = (low + high) / 2, ((high - low):max() / 2 * 1.15):item()
  local steps = ml.linspace(-half, half, n)
  local across = steps:reshape { 1, n }:expand { n, n } + middle[1]
  local up     = (steps * -1):reshape { n, 1 }:expand { n, n } + middle[2]
  return ml.stack({ across, up }, 3), middle:tolist(), half
end

local function draw_plane()
  local inputs, middle, half = plane(24)
  local test = data.test.x
  fig:decision(MAIN, model, { x = ml.cat { data.train.x, test }, y = ml.cat { data.train.y, data.test.y } }, {
    points = 80, equal = true, legend = false, xlabel = "points with a white centre are the test set",
    xlim = { middle[1] - half, middle[1] + half }, ylim = { middle[2] - half, middle[2] + half },
  })
  fig:scatter(MAIN, test[{ {}, 1 }], test[{ {}, 2 }], { colour = "#ffffff", radius = 1.2 })
  fig:neurons(UNITS, model, inputs, { title = "what each unit answers" })
  fig:histogram(INSIDE, function()
    local all = {}
    for i, p in ipairs(model:parameters()) do all[i] = p:detach():reshape { -1 } end
    return ml.cat(all)
  end, { bins = 40, title = "weights", colour = "grey" })
end

local function draw_modular()
  local p = data.classes
  local a = ml.arange(p):reshape { p, 1 }:expand { p, p }
  local pairs_of = ml.stack({ a, a:transpose() }, 3)
  local flat   = pairs_of:reshape { p * p, 2 }
  local answer = (flat:sum(2) - 2) % p + 1
  local rows   = ml.arange(p * p)
  fig:heatmap(MAIN, function()
    return model(flat):softmax(-1)[{ rows, answer }]:reshape { p, p }
  end, {
    limits = { 0, 1 }, xlabel = "b    (colour: probability of the right answer; dots: the training set)", ylabel = "a",
    row_shift = -1, col_shift = -1,
  })
  local train = data.train.x - 1 -- cells count from 0 here
  fig:scatter(MAIN, train[{ {}, 2 }], train[{ {}, 1 }], { colour = "pink", radius = p < 40 and 2 or 1.3 })
  fig:neurons(UNITS, model, pairs_of, {
    title = "what each unit answers to (a, b)", outputs = false, most = 30, layers = #model < 4 and { 2 } or nil,
  })
  fig:heatmap(INSIDE, function() return ml.fft.power(model[1].weight) end, {
    title = "spectrum of the embedding", xlabel = "dimension", ylabel = "frequency", row_shift = -1, stretch = true,
  })
end

local function draw_mnist1d()
  local test = { x = data.test.x:slice(1, 1, math.min(#data.test.y, LOOKED_AT)) }
  test.y = data.test.y:slice(1, 1, #test.x)
  fig:heatmap(MAIN, function()
    local counts = ml.zeros { 100 }
    counts = counts + ((test.y - 1) * 10 + model(test.x):argmax(-1)):bincount { classes = 100 }
    counts = counts:reshape { 10, 10 }
    return counts / counts:sum({ dims = { 2 }, keepdim = true }):clamp { min = 1 }
  end, { limits = { 0, 1 }, xlabel = "answer", ylabel = "digit", row_shift = -1, col_shift = -1 })

  local signals, digits = {}, {}
  for digit = 1, 10 do
    local of_digit = test.x[test.y:eq(digit)]
    if #of_digit > 0 then signals[#signals + 1], digits[#digits + 1] = of_digit[1], digit end
  end
  local x, y = ml.stack(signals), ml.tensor(digits, { dtype = "i64" })
  local n = #digits
  local gap   = ml.full({ n, 1 }, 0 / 0, { dtype = "f64" })
  local along = ml.cat({ ml.arange(40):cast("f64"):reshape { 1, 40 }:expand { n, 40 }, gap }, 2):reshape { -1 }
  local up    = ml.cat({ x:cast "f64" * 0.25 + (y - 1):reshape { n, 1 }, gap }, 2)
  for i, name in ipairs { "right", "wrong" } do
    fig:line(UNITS, function()
      local shown = model(x):argmax(-1):eq(y):cast("i64"):eq(2 - i):reshape { n, 1 }
      return along, ml.where(shown, up, 0 / 0):reshape { -1 }
    end, { colour = i == 1 and "blue" or "orange", label = name })
  end
  fig:panel(UNITS, { title = "a signal of each digit", ylabel = "digit", xlabel = "position" })
  local first = model[1].weight
  fig:heatmap(INSIDE, function() return first:reshape { first.shape[1], -1 } end, {
    title = "weights of the first layer", xlabel = "input", ylabel = "unit", diverging = true, stretch = true,
  })
end

local DRAW = { plane = draw_plane, modular = draw_modular, mnist1d = draw_mnist1d }

local function tell(numbers)
  local title = "The loss is no number any more: lower the rate, press again"
  if not now.broken then
    title = ("%s, seed %d: test %.1f %% right, train %.1f %%"):format(now.data, seed, 100 * numbers.test_acc,
      100 * numbers.train_acc)
  end
  fig:panel(MAIN, { title = title })
end

--- attempts -----------------------------------------------------------------------------------------------------------------

-- Everything anew, from the seed.
function start()
  local name = knobs.data.value
  if knobs.architecture.value == "cnn" and name ~= "mnist1d" then -- there is nothing to slide along
    turn("architecture", SUITS[kind_of(name)].architecture)
  end
  ml.seed(seed)
  data  = make_data()
  model = make_model()
  opt   = make_optimizer()
  local batch = knobs.batch.value
  loader = batch < #data.train.y and ml.data.loader(data.train, { batch = batch, seed = seed }) or nil
  if now and now.age > 20 then before = now end
  if before and before.data ~= name then before = nil end
  now = new_attempt()
  for panel = 1, 5 do fig:clear(panel) end
  DRAW[kind_of(name)]()
  draw_all_curves()
  local numbers = measure()
  remember(numbers)
  tell(numbers)
end

-- Takes over what suits, where the kind of the data is another now.
function change_data()
  local name = knobs.data.value
  if kind_of(name) ~= kind_of(now.data) then
    for knob, value in pairs(SUITS[kind_of(name)]) do turn(knob, value) end
  end
  start()
end

-- A rate that is right for one is wrong for the next by orders of magnitude.
function change_optimizer()
  turn("lr", RATES[knobs.optimizer.value])
  start()
end

function change_seed()
  seed = seed + 1
  start()
end

-- Rates take effect at once. A drag is one mark in the curves, or what looks like one.
function turned(name, value)
  if quiet then return end
  opt[name] = value
  local changes, text = now.changes, ("%s %.2g"):format(name:gsub("_", " "), value)
  local last = changes[#changes]
  if not (last and last.name == name and now.age - last.age <= math.max(50, now.age / 20)) then
    last = { name = name }
    changes[#changes + 1] = last
  end
  last.age, last.text = math.max(now.age, 1), text
  draw_all_curves()
end

local function learn()
  local batch = loader and loader:next() or data.train
  local loss  = nn.cross_entropy(model(batch.x), batch.y)
  opt:minimize(loss)
  now.age = now.age + 1
  local value = loss:item()
  now.broken = value ~= value or value == math.huge
end

-- Each step at first, then every fiftieth of what has passed: enough for a log axis, and it costs next to nothing.
local function look()
  now.next_look = now.age + math.max(1, math.min(now.age // 50, 200))
  local numbers = measure()
  remember(numbers)
  run:log(numbers)
  tell(numbers)
end

-- The window's own waiting keeps the pace; without a window there is none to keep.
local function keep_pace(step)
  local speed = tonumber(knobs.speed.value)
  if now.broken then fig:wait(0.05)
  elseif speed then
    local every = math.max(1, speed // 50)
    if step % every == 0 then fig:wait(every / speed) end
  end
end

start()
for step in run:steps() do
  if not now.broken then
    learn()
    if now.broken or now.age >= now.next_look then look() end
  end
  keep_pace(step)
end
