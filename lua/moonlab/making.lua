--- What generators share: checking sizes, and the two parts of a set, each from draws of its own.
local check = require "moonlab.check"
local draws = require "moonlab.draws"
local sets  = require "moonlab.sets"

local making = {}

local MOST = 1e8 // 1 | 0 -- values in one tensor
making.MOST = MOST

---@class moonlab.GeneratorOptions
---@field n_train? integer  (default 1000)
---@field n_test?  integer  (default 1000)
---@field seed?    integer  (default 1)

--- Raises unless the value is a whole number of low..high.
function making.whole(where, name, value, low, high)
  if math.type(value) ~= "integer" or value < low or value > high then
    check.fail("%s: %s must be a whole number, %d..%d, got %s", where, name, low, high, tostring(value))
  end
end

--- Raises unless the value is in low..high.
function making.within(where, name, value, low, high)
  if not (value >= low and value <= high) then check.fail("%s: %s must be %g..%g, got %s", where, name, low, high, value) end
end

--- The options with those that every generator has. `any`: those of any type, with their defaults.
function making.options(where, given, defaults, any)
  defaults.n_train, defaults.n_test, defaults.seed = defaults.n_train or 1000, defaults.n_test or 1000, 1
  for name in pairs(any or {}) do defaults[name] = sets.ANY end
  local opts = sets.options(where, given, defaults, any or {})
  making.whole(where, "n_train", opts.n_train, 1, MOST)
  making.whole(where, "n_test", opts.n_test, 1, MOST)
  if math.type(opts.seed) ~= "integer" then check.fail("%s: seed must be a whole number, got %s", where, opts.seed) end
  return opts
end

--- { train =, test = } of what part(n, source, "train"|"test") returns. The test set does not change with the size of the other.
function making.parts(where, opts, part)
  local result = {}
  for name, n in pairs { train = opts.n_train, test = opts.n_test } do
    result[name] = part(n, draws.of(where .. "." .. name, opts.seed), name)
  end
  return result
end

--- Labels 1..classes, as many of each, in random order.
function making.labels(n, classes, source) return (source:randperm(n) - 1) % classes + 1 end

return making
