--- Data sets in pieces: batches, splits, folds; and on one scale.
---
---     local data   = ml.data.split(all, { test = 0.2, seed = 1 })
---     local loader = ml.data.loader(data.train, { batch = 64, augment = { { "shift", 2 }, "flip" }, prefetch = true })
---     for epoch = 1, 8 do
---       for batch in loader do opt:minimize(nn.cross_entropy(model(batch.x), batch.y)) end
---     end
local core  = require "moonlab.core"
local check = require "moonlab.check"
local sets  = require "moonlab.sets"

---@class moonlab.data
local data = {}

--- batches ---------------------------------------------------------------------------------------------------------

---@class moonlab.Batch
---@field x        moonlab.Tensor   (n, ...)
---@field y        moonlab.Tensor   (n, ...)
---@field ids      moonlab.Tensor   (n) i64: which examples of the set
---@field y_other? moonlab.Tensor   after mixup of labels: those of the examples mixed in
---@field share?   number           after mixup: of x and y in the mixture; loss = share loss(y) + (1 - share) loss(y_other)

---@class moonlab.LoaderOptions
---@field batch?       integer   (default 64)
---@field shuffle?     boolean   each epoch in an order of its own, from the seed and its number (default true)
---@field drop_last?   boolean   no smaller batch at the end of an epoch (default false)
---@field seed?        integer   of order and augmentation (default 1)
---@field prefetch?    boolean   a second thread makes the next batch meanwhile; the same batches (default false)
---@field augment?     any       a function of a batch, or steps { name, amount }, then functions; the names are below
---@field standardise? moonlab.Scaler|boolean  at last onto this scale; true: that of the set itself (default false)

--- The batches of an epoch: `for batch in loader do`, a new epoch for each loop. `#loader` is how many there are.
---@class moonlab.Loader
---@field epoch integer  under way, from 1; 0 before the first
---@overload fun(): moonlab.Batch?
---@operator len: integer
local Loader = {}
Loader.__index = Loader

-- Steps by name for the C part, and the functions behind them.
local function read_augment(augment)
  if type(augment) == "function" then return {}, { augment } end
  if type(augment) ~= "table" then check.fail("loader: augment must be a list or a function, got %s", type(augment)) end
  local steps, functions = {}, {}
  for i, step in ipairs(augment) do
    if type(step) == "function" then
      functions[#functions + 1] = step
    else
      local name, amount = step, 0.5
      if type(step) == "table" then name, amount = step[1], step[2] end
      if type(name) ~= "string" then check.fail("loader: step %d of augment must be { name, amount } or a function", i) end
      if type(step) == "string" and not name:find "^flip" then
        check.fail("loader: '%s' needs an amount: augment = { { \"%s\", 1 } }", name, name)
      end
      if #functions > 0 then check.fail("loader: '%s' stands behind a function in augment; functions come last", name) end
      steps[#steps + 1] = { name, amount }
    end
  end
  for key in pairs(augment) do
    if math.type(key) ~= "integer" then
      check.fail("loader: augment is a list of steps: { { \"%s\", ... } }", tostring(key))
    end
  end
  return steps, functions
end

local function scale_of(set, wanted)
  if wanted == false then return end
  local scaler = wanted
  if wanted == true then scaler = select(2, data.standardise(set)) end
  if getmetatable(scaler) == nil or not core.tensor.is_tensor(scaler.mean) then
    check.fail("loader: standardise must be true or a scaler of data.standardise, got %s", type(wanted))
  end
  local shape = { table.unpack(set.x.shape, 2) }
  if #shape == 0 then check.fail "loader: standardise needs examples of at least one dimension, (n, ...)" end
  return scaler.mean[1]:expand(shape):contiguous(), scaler.std[1]:expand(shape):contiguous()
end

--- Batches of a data set, in C: gathered, augmented and brought onto a scale. What an epoch brings is a function of the seed
--- and its number alone. A loop that is left by break is over; the next one begins the next epoch.
---
--- Augmentations: shift (at most so many pixels), rotate (degrees), flip and flip_vertical (a probability; the bare name is 0.5),
--- cutout (a square of so many pixels), noise (standard deviation), mixup (Beta(amount, amount); the last of them).
---@param set  moonlab.Dataset  its values must stay as they are
---@param opts? moonlab.LoaderOptions
---@return moonlab.Loader
function data.loader(set, opts)
  sets.check("loader", set)
  opts = sets.options("loader", opts, {
    batch = 64, shuffle = true, drop_last = false, seed = 1, prefetch = false, augment = sets.ANY, standardise = sets.ANY,
  }, { augment = {}, standardise = false })
  local steps, functions = read_augment(opts.augment)
  local mean, std = scale_of(set, opts.standardise)
  if math.type(opts.batch) ~= "integer" or opts.batch < 1 then
    check.fail("loader: batch must be a whole number, at least 1, got %s", opts.batch)
  end
  local loader = core.loader.new(set.x, set.y, {
    batch = opts.batch, in_order = not opts.shuffle, drop_last = opts.drop_last, seed = opts.seed, prefetch = opts.prefetch,
    augment = steps, mean = mean, std = std,
  })
  local batches = core.loader.batches(loader)
  return setmetatable({ core = loader, functions = functions, epoch = 0, position = 0, batches = batches }, Loader)
end

local function take(self)
  local batch = core.loader.next(self.core)
  if not batch then return nil end
  self.position = self.position + 1
  for _, augment in ipairs(self.functions) do
    batch = augment(batch) or batch
    if type(batch) ~= "table" then
      check.fail("loader: a function of augment must return a batch or nothing, got %s", type(batch))
    end
  end
  return batch
end

-- The first call of a loop brings no batch of before: then an epoch begins.
function Loader:__call(_, before)
  if before == nil then
    core.loader.start(self.core, self.epoch + 1, 1)
    self.epoch, self.position = self.epoch + 1, 0
  end
  return take(self)
end

function Loader:__len() return self.batches end

function Loader:__tostring()
  return ("loader: %d batches an epoch; epoch %d, batch %d"):format(self.batches, self.epoch, self.position)
end

--- The next batch, epoch after epoch without end: for loops that count steps.
---@return moonlab.Batch
function Loader:next()
  if self.epoch == 0 or self.position >= self.batches then
    core.loader.start(self.core, self.epoch + 1, 1)
    self.epoch, self.position = self.epoch + 1, 0
  end
  return take(self)
end

--- Where it is, for a checkpoint: plain numbers.
---@return { epoch: integer, position: integer }
function Loader:state() return { epoch = self.epoch, position = self.position } end

--- Goes on from such a place: loader:next() gives the batches that would have come.
---@param state { epoch: integer, position: integer }
---@return moonlab.Loader self
function Loader:load_state(state)
  local good = type(state) == "table" and math.type(state.epoch) == "integer" and math.type(state.position) == "integer"
  if not good or state.epoch < 0 or state.position < 0 or state.position > self.batches then
    check.fail("load_state: takes what loader:state() gave, an epoch and a position of 0..%d", self.batches)
  end
  if state.epoch > 0 then core.loader.start(self.core, state.epoch, state.position + 1) end
  self.epoch, self.position = state.epoch, state.position
  return self
end

--- Augmented examples, all at once.
---@param x moonlab.Tensor   (n, ...) f32
---@param augment any         as a loader takes it, without functions and mixup
---@param opts? { seed?: integer }  (default 1)
---@return moonlab.Tensor
function data.augment(x, augment, opts)
  opts = check.options("augment", opts, { seed = 1 })
  if not core.tensor.is_tensor(x) then check.fail("augment: takes a tensor and a list of steps, got %s", type(x)) end
  local steps = read_augment(augment)
  for _, step in ipairs(steps) do
    if step[1] == "mixup" then check.fail "augment: mixup mixes labels too; use it in data.loader" end
  end
  if x:dim() == 0 or #x == 0 then return x:clone() end
  local loader = core.loader.new(x, core.make.zeros { #x }, { batch = #x, in_order = true, seed = opts.seed, augment = steps })
  core.loader.start(loader, 1, 1)
  return core.loader.next(loader).x
end

--- splits -----------------------------------------------------------------------------------------------------------

-- The examples in a random order, and the rank of each by which it is dealt out: stratified that among those sorted by class, so
-- that whoever gets every so-many-th gets so much of each class.
local function dealt(where, set, opts)
  local n = #set.x
  local order = core.make.randperm(n, { seed = opts.seed })
  if not opts.stratified then return order, core.make.arange(1, n, { dtype = "i64" }) end
  if set.y.dtype ~= "i64" or set.y:dim() ~= 1 then check.fail("%s: stratified needs labels, y (n) i64", where) end
  return order, set.y[order]:argsort():argsort()
end

local function rows(set, ids)
  local part = {}
  for name, value in pairs(set) do
    local of_examples = core.tensor.is_tensor(value) and value:dim() > 0 and #value == #set.x
    part[name] = of_examples and value[ids] or value
  end
  return part
end

---@class moonlab.SplitOptions
---@field test?       number   the share, or from 1 on the number, of examples for testing (default 0.2)
---@field stratified? boolean  both parts have the classes in the same shares, up to rounding (default false)
---@field seed?       integer  (default 1)

--- Examples divided at random into two sets.
---@param set moonlab.Dataset
---@param opts? moonlab.SplitOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.split(set, opts)
  sets.check("split", set)
  opts = check.options("split", opts, { test = 0.2, stratified = false, seed = 1 })
  local n = #set.x
  local n_test = opts.test >= 1 and opts.test or math.floor(opts.test * n + 0.5)
  if n_test ~= math.floor(n_test) or n_test < 1 or n_test >= n then
    check.fail("split: test must be a share of the %d examples or a number of them that leaves some on each side, got %s", n,
      opts.test)
  end
  n_test = math.tointeger(n_test)
  local order, rank = dealt("split", set, opts)
  local test = (rank * n_test // n):gt((rank - 1) * n_test // n)
  return { train = rows(set, order[test:logical_not()]), test = rows(set, order[test]) }
end

---@class moonlab.FoldsOptions
---@field k?          integer  (default 5)
---@field stratified? boolean  (default false)
---@field seed?       integer  (default 1)

--- The k ways to test on one of k equal parts and train on the others.
---@param set moonlab.Dataset
---@param opts? moonlab.FoldsOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }[]
function data.folds(set, opts)
  sets.check("folds", set)
  opts = check.options("folds", opts, { k = 5, stratified = false, seed = 1 })
  local n, k = #set.x, opts.k
  if math.type(k) ~= "integer" or k < 2 or k > n then
    check.fail("folds: k must be 2..%d, the number of examples, got %s", n, k)
  end
  local order, rank = dealt("folds", set, opts)
  local folds = {}
  for fold = 1, k do
    local test = (rank % k):eq(fold - 1)
    folds[fold] = { train = rows(set, order[test:logical_not()]), test = rows(set, order[test]) }
  end
  return folds
end

--- scales -----------------------------------------------------------------------------------------------------------

--- Mean and standard deviation to go onto a scale and back: `scaler(x)`, `scaler:inverse(z)`.
---@class moonlab.Scaler
---@field mean moonlab.Tensor
---@field std  moonlab.Tensor
---@overload fun(x: moonlab.Tensor): moonlab.Tensor
local Scaler = {}
Scaler.__index = Scaler

function Scaler:__call(x) return (x - self.mean) / self.std end

--- Undoes scaler(x).
---@param z moonlab.Tensor
---@return moonlab.Tensor
function Scaler:inverse(z) return z * self.std + self.mean end

---@class moonlab.StandardiseOptions
---@field per? "feature"|"channel"|"all"  what has a scale of its own: each value of an example, each channel (n, channels, ...),
---                                       nothing (default "channel" from three dimensions on, else "feature")
---@field eps? number  a smaller standard deviation counts as 1: what does not vary is only moved (default 1e-8)

--- Mean 0 and standard deviation 1, fitted on the training set and applied to both; or to the one set that is given.
---@generic T
---@param set T  a data set, or { train =, test = }
---@param opts? moonlab.StandardiseOptions
---@return T
---@return moonlab.Scaler
function data.standardise(set, opts)
  local train = sets.train("standardise", set)
  local x = train.x
  opts = check.options("standardise", opts, { per = x:dim() >= 3 and "channel" or "feature", eps = 1e-8 })
  local dims = { feature = { 1 }, channel = { 1 }, all = {} }
  if not dims[opts.per] then check.fail("standardise: per must be \"feature\", \"channel\" or \"all\", got '%s'", opts.per) end
  if x.dtype ~= "f32" and x.dtype ~= "f64" then check.fail("standardise: x must be f32 or f64, got %s", x.dtype) end
  if opts.per == "channel" and x:dim() < 2 then check.fail "standardise: per = \"channel\" needs x (n, channels, ...)" end
  for d = 3, x:dim() do if opts.per == "channel" then table.insert(dims.channel, d) end end
  for d = 1, x:dim() do table.insert(dims.all, d) end
  local wide = x:cast "f64"
  local over = { dims = dims[opts.per], keepdim = true }
  local mean, std = wide:mean(over), wide:std { dims = over.dims, keepdim = true, correction = 0 }
  std = core.op.where(std:gt(opts.eps), std, core.make.ones_like(std))
  local scaler = setmetatable({ mean = mean:cast(x.dtype), std = std:cast(x.dtype) }, Scaler)
  return sets.map(set, function(part) return { x = scaler(part.x) } end), scaler
end

return data
