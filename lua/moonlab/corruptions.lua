--- What experiments do to data sets on purpose. Each function takes a set, or { train =, test = }, and returns a new one; the old
--- one stays. Each is a function of its arguments and its seed.
local core  = require "moonlab.core"
local check = require "moonlab.check"
local draws = require "moonlab.draws"
local sets  = require "moonlab.sets"

---@class moonlab.data
local data = {}

-- Labels of the training set and how many classes there are: as told, or as the labels of both sets say.
local function classes_of(where, set, opts)
  local train = sets.train(where, set)
  local most  = 0
  for _, part in ipairs { train, set.test } do
    if part.y.dtype ~= "i64" or part.y:dim() ~= 1 then
      check.fail("%s: needs labels, y (n) i64, got %s (%s)", where, part.y.dtype, table.concat(part.y.shape, ", "))
    end
    if part.y:min():item() < 1 then check.fail("%s: labels count from 1, found %d (add 1)", where, part.y:min():item()) end
    most = math.max(most, part.y:max():item())
  end
  if opts.classes ~= 0 and opts.classes < most then
    check.fail("%s: there is a label %d, and classes is %d", where, most, opts.classes)
  end
  local classes = opts.classes ~= 0 and opts.classes or most
  if math.type(classes) ~= "integer" or classes < 2 then check.fail("%s: needs at least two classes, got %s", where, classes) end
  return classes
end

---@class moonlab.LabelNoiseOptions
---@field fraction? number   of the training labels that become wrong (default 0.2)
---@field classes?  integer  (default: as the labels say)
---@field seed?     integer  (default 1)

--- Wrong labels for a fraction of the training set, each one of the other classes at random. The set says which: train.wrong (n),
--- bool.
---@generic T
---@param set T
---@param opts? moonlab.LabelNoiseOptions
---@return T
function data.label_noise(set, opts)
  opts = check.options("label_noise", opts, { fraction = 0.2, classes = 0, seed = 1 })
  local classes = classes_of("label_noise", set, opts)
  if not (opts.fraction >= 0 and opts.fraction <= 1) then
    check.fail("label_noise: fraction must be 0..1, got %s", opts.fraction)
  end
  return sets.map(set, function(part, name)
    if name ~= "train" then return end
    local n, source = #part.y, draws.of("label_noise", opts.seed)
    local wrong = source:randperm(n):le(math.floor(opts.fraction * n + 0.5))
    local other = (part.y - 1 + source:randint(1, classes - 1, { n })) % classes + 1
    return { y = core.op.where(wrong, other, part.y), wrong = wrong }
  end)
end

---@class moonlab.RandomLabelsOptions
---@field classes? integer  (default: as the labels say)
---@field seed?    integer  (default 1)

--- Training labels that have nothing to do with the examples, all classes equally likely. Zhang et al. 2017, "Understanding deep
--- learning requires rethinking generalization".
---@generic T
---@param set T
---@param opts? moonlab.RandomLabelsOptions
---@return T
function data.random_labels(set, opts)
  opts = check.options("random_labels", opts, { classes = 0, seed = 1 })
  local classes = classes_of("random_labels", set, opts)
  return sets.map(set, function(part, name)
    return name == "train" and { y = draws.of("random_labels", opts.seed):randint(1, classes, { #part.y }) } or nil
  end)
end

---@class moonlab.PermutePixelsOptions
---@field each? boolean  every example in an order of its own (default false: one order for all)
---@field seed? integer  (default 1)

--- The values of each example in another order, in both sets; all channels of (n, channels, ...) alike. permutation: the order,
--- when it is one for all: the value at place i comes from permutation[i].
---@generic T
---@param set T
---@param opts? moonlab.PermutePixelsOptions
---@return T
function data.permute_pixels(set, opts)
  opts = check.options("permute_pixels", opts, { each = false, seed = 1 })
  local train = sets.train("permute_pixels", set)
  if train.x:dim() < 2 then check.fail("permute_pixels: x must be (n, ...), got %d dimension", train.x:dim()) end
  local n_values = train.x:numel() // #train.x // (train.x:dim() > 2 and train.x.shape[2] or 1)
  local order = draws.of("permute_pixels", opts.seed):randperm(n_values)
  return sets.map(set, function(part, name)
    local x = part.x
    local n, channels = #x, x:dim() > 2 and x.shape[2] or 1
    if x:numel() ~= n * channels * n_values then check.fail "permute_pixels: examples of both sets must have one shape" end
    local flat = x:reshape(n, channels, n_values)
    if not opts.each then return { x = flat:index_select(order, 3):reshape(x.shape), permutation = order } end
    local orders = draws.of("permute_pixels." .. name, opts.seed):rand({ n, 1, n_values }):argsort(3)
    return { x = flat:gather(orders:expand(n, channels, n_values), 3):reshape(x.shape) }
  end)
end

---@class moonlab.FeatureNoiseOptions
---@field std?  number          of what is added to every value (default 0.1)
---@field only? "train"|"test"  one set alone (default: both)
---@field seed? integer         (default 1)

--- Gaussian noise on every value of x.
---@generic T
---@param set T
---@param opts? moonlab.FeatureNoiseOptions
---@return T
function data.feature_noise(set, opts)
  opts = check.options("feature_noise", opts, { std = 0.1, only = "", seed = 1 })
  local train = sets.train("feature_noise", set)
  if not (opts.std >= 0 and opts.std < math.huge) then check.fail("feature_noise: std must be at least 0, got %s", opts.std) end
  if opts.only ~= "" and opts.only ~= "train" and opts.only ~= "test" then
    check.fail("feature_noise: only must be \"train\" or \"test\", got '%s'", opts.only)
  end
  if train.x.dtype ~= "f32" and train.x.dtype ~= "f64" then
    check.fail("feature_noise: x must be f32 or f64, got %s", train.x.dtype)
  end
  return sets.map(set, function(part, name)
    if opts.only ~= "" and opts.only ~= name then return end
    local noise = draws.of("feature_noise." .. name, opts.seed):randn(part.x.shape)
    return { x = part.x + noise:cast(part.x.dtype) * opts.std }
  end)
end

return data
