--- Data sets made by rule: points in the plane and in space, functions of bits. Each is a function of its options; its seed has
--- nothing to do with ml.seed. Labels count from 1.
local core   = require "moonlab.core"
local check  = require "moonlab.check"
local draws  = require "moonlab.draws"
local making = require "moonlab.making"
local sets   = require "moonlab.sets"
local make   = core.make

local whole, within, options, parts, labels = making.whole, making.within, making.options, making.parts, making.labels

---@class moonlab.data
local data = {}

local TAU = 2 * math.pi

--- points -----------------------------------------------------------------------------------------------------------

---@class moonlab.SpiralsOptions: moonlab.GeneratorOptions
---@field arms?  integer  classes (default 2)
---@field turns? number   of an arm from the middle to radius 1 (default 1.5)
---@field noise? number   standard deviation (default 0.02)

--- Arms of a spiral wound into each other: x (n, 2), y the arm.
---@param opts? moonlab.SpiralsOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.spirals(opts)
  opts = options("spirals", opts, { arms = 2, turns = 1.5, noise = 0.02 })
  whole("spirals", "arms", opts.arms, 1, 1000)
  within("spirals", "turns", opts.turns, 0, 100)
  within("spirals", "noise", opts.noise, 0, 100)
  return parts("spirals", opts, function(n, source)
    local y, r = labels(n, opts.arms, source), source:rand { n }
    local angle = (r * opts.turns + (y - 1):cast "f32" / opts.arms) * TAU
    return { x = core.op.stack({ r * angle:cos(), r * angle:sin() }, -1) + source:randn { n, 2 } * opts.noise, y = y }
  end)
end

---@class moonlab.NoisyOptions: moonlab.GeneratorOptions
---@field noise? number  standard deviation (default 0.1)

--- Two half circles that reach into each other: x (n, 2), y 1 or 2.
---@param opts? moonlab.NoisyOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.moons(opts)
  opts = options("moons", opts, { noise = 0.1 })
  within("moons", "noise", opts.noise, 0, 100)
  return parts("moons", opts, function(n, source)
    local y, angle = labels(n, 2, source), source:rand { n } * math.pi
    local lower = (y - 1):cast "f32" -- the second is the first turned about (0.5, 0.25)
    local across = angle:cos() * (1 - 2 * lower) + lower
    local up     = angle:sin() * (1 - 2 * lower) + lower * 0.5
    return { x = core.op.stack({ across, up }, -1) + source:randn { n, 2 } * opts.noise, y = y }
  end)
end

---@class moonlab.SpheresOptions: moonlab.NoisyOptions
---@field dim?   integer   of the space (default 500)
---@field radii? number[]  one a class (default { 1, 1.3 })
---@field noise? number    standard deviation (default 0)

--- Concentric spheres: x (n, dim) evenly on them, y which one. Gilmer et al. 2018, "Adversarial spheres".
---@param opts? moonlab.SpheresOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.spheres(opts)
  opts = options("spheres", opts, { dim = 500, noise = 0, radii = { 1, 1.3 } })
  whole("spheres", "dim", opts.dim, 1, 1000000)
  within("spheres", "noise", opts.noise, 0, 100)
  for i, r in ipairs(opts.radii) do
    if type(r) ~= "number" or not (r > 0 and r < math.huge) then
      check.fail("spheres: radius %d must be positive, got %s", i, tostring(r))
    end
  end
  if #opts.radii < 2 then check.fail("spheres: radii must be at least two, got %d", #opts.radii) end
  local radii = make.tensor(opts.radii, { dtype = "f32" })
  return parts("spheres", opts, function(n, source)
    local y, z = labels(n, #opts.radii, source), source:randn { n, opts.dim }
    local x = z / z:square():sum({ dims = { 2 }, keepdim = true }):sqrt() * radii[y]:reshape(n, 1)
    if opts.noise > 0 then x = x + source:randn { n, opts.dim } * opts.noise end
    return { x = x, y = y }
  end)
end

---@class moonlab.CirclesOptions: moonlab.NoisyOptions
---@field factor? number  radius of the inner one; the outer one's is 1 (default 0.5)

--- Two circles: x (n, 2), y 1 for the outer one.
---@param opts? moonlab.CirclesOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.circles(opts)
  opts = options("circles", opts, { noise = 0.1, factor = 0.5 })
  within("circles", "noise", opts.noise, 0, 100)
  within("circles", "factor", opts.factor, 1e-6, 1)
  return data.spheres {
    dim = 2, radii = { 1, opts.factor }, noise = opts.noise, n_train = opts.n_train, n_test = opts.n_test, seed = opts.seed,
  }
end

---@class moonlab.GaussiansOptions: moonlab.GeneratorOptions
---@field classes?    integer         (default 3)
---@field dim?        integer         (default 2)
---@field separation? number          mean distance between two centres, in root mean square (default 4)
---@field std?        number          of each class, in every direction (default 1)
---@field centres?    moonlab.Tensor  (classes, dim); else they are drawn

--- A mixture of Gaussians, one a class: x (n, dim), y which one; centres (classes, dim).
---@param opts? moonlab.GaussiansOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, centres: moonlab.Tensor }
function data.gaussians(opts)
  opts = options("gaussians", opts, { classes = 3, dim = 2, separation = 4, std = 1 }, { centres = false })
  whole("gaussians", "classes", opts.classes, 1, 1000000)
  whole("gaussians", "dim", opts.dim, 1, 1000000)
  within("gaussians", "separation", opts.separation, 0, 1e6)
  within("gaussians", "std", opts.std, 0, 1e6)
  local centres = opts.centres
  if not centres then -- two of them differ by N(0, 2 s^2 I), whose mean square length is 2 s^2 dim
    local own = draws.of("gaussians.centres", opts.seed)
    centres = own:randn { opts.classes, opts.dim } * (opts.separation / (2 * opts.dim) ^ 0.5)
  elseif not core.tensor.is_tensor(centres) or centres:dim() ~= 2 or #centres == 0 then
    check.fail("gaussians: centres must be a tensor (classes, dim), got %s", type(centres))
  end
  local result = parts("gaussians", opts, function(n, source)
    local y = labels(n, #centres, source)
    return { x = centres:cast "f32"[y] + source:randn { n, centres.shape[2] } * opts.std, y = y }
  end)
  result.centres = centres
  return result
end

--- functions of bits ------------------------------------------------------------------------------------------------

-- Bits 0 and 1 as what networks are given.
local function encoded(where, bits, encoding)
  if encoding == "bits" then return bits:cast "f32" end
  if encoding == "signs" then return 1 - 2 * bits:cast "f32" end
  check.fail("%s: encoding must be \"signs\" or \"bits\", got '%s'", where, encoding)
end

---@class moonlab.ParityOptions: moonlab.GeneratorOptions
---@field bits?     integer         (default 40)
---@field k?        integer         how many of them count (default 3)
---@field noise?    number          share of the training labels that are wrong (default 0)
---@field encoding? "signs"|"bits"  0 and 1 as 1 and -1, so that the parity is a product, or as they are (default "signs")

--- Sparse parity: x (n, bits) random, y 1 or 2 for an even or odd number of ones among k hidden positions, which `subset` lists.
--- Barak et al. 2022, "Hidden progress in deep learning: SGD learns parities near the computational limit".
---@param opts? moonlab.ParityOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, subset: moonlab.Tensor }
function data.parity(opts)
  opts = options("parity", opts, { bits = 40, k = 3, noise = 0, encoding = "signs" })
  whole("parity", "bits", opts.bits, 1, 1000000)
  whole("parity", "k", opts.k, 1, opts.bits)
  within("parity", "noise", opts.noise, 0, 1)
  local order  = draws.of("parity.subset", opts.seed):randperm(opts.bits)
  local subset = order[{ { 1, opts.k } }]
  subset = subset[subset:argsort()]
  local result = parts("parity", opts, function(n, source, name)
    local bits = source:randint(0, 1, { n, opts.bits })
    local odd  = bits[{ {}, subset }]:sum(2) % 2
    if name == "train" and opts.noise > 0 then odd = (odd + source:rand({ n }):lt(opts.noise):cast "i64") % 2 end
    return { x = encoded("parity", bits, opts.encoding), y = odd + 1 }
  end)
  result.subset = subset
  return result
end

-- The values of the function at 0, 1, 2, ...: a list of 2^k zeros and ones.
local function truth_table(given, k, seed)
  local n, values = 1 << k, nil
  if given == false then return draws.of("boolean.table", seed):randint(0, 1, { n }):tolist() end
  if math.type(given) == "integer" then
    if k > 6 then check.fail("boolean: a number holds the table of at most 6 bits, not of %d; give it as text", k) end
    if k < 6 and given >> n ~= 0 then check.fail("boolean: the table of %d bits is a number of %d bits, got %d", k, n, given) end
    values = {}
    for i = 1, n do values[i] = given >> (i - 1) & 1 end
    return values
  end
  if type(given) == "string" then
    values = {}
    for letter in given:gmatch "." do values[#values + 1] = tonumber(letter) or letter end
  elseif type(given) == "table" then
    values = given
  end
  if not values or #values ~= n then
    check.fail("boolean: table must be text or a list of %d zeros and ones, or a number, got %s", n,
      values and ("%d of them"):format(#values) or type(given))
  end
  for i, v in ipairs(values) do
    if v ~= 0 and v ~= 1 then check.fail("boolean: entry %d of the table must be 0 or 1, got %s", i, v) end
  end
  return values
end

---@class moonlab.BooleanOptions
---@field k?              integer                   bits (default 7)
---@field table?          string|integer|integer[]  the value at 0, 1, ...: "0110", a list, or a number whose lowest bit is the
---                                                 value at 0; else drawn at random
---@field train_fraction? number                    in (0, 1) (default 0.5)
---@field encoding?       "signs"|"bits"            (default "signs")
---@field seed?           integer                   of split and table (default 1)

--- A function of k bits at all 2^k inputs, split at random: x (n, k), the highest bit first; y its value + 1. all: the whole cube
--- in order; table: the function, as text.
---@param opts? moonlab.BooleanOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, all: moonlab.Dataset, table: string }
function data.boolean(opts)
  opts = sets.options("boolean", opts, { k = 7, train_fraction = 0.5, encoding = "signs", seed = 1, table = sets.ANY },
    { table = false })
  whole("boolean", "k", opts.k, 1, 20)
  if not (opts.train_fraction > 0 and opts.train_fraction < 1) then
    check.fail("boolean: train_fraction must be between 0 and 1, got %s", opts.train_fraction)
  end
  local n, columns = 1 << opts.k, {}
  local values = truth_table(opts.table, opts.k, opts.seed)
  local numbers = make.arange(0, n - 1, { dtype = "i64" })
  for j = 1, opts.k do columns[j] = numbers // (1 << (opts.k - j)) % 2 end
  local x, y = encoded("boolean", core.op.stack(columns, -1), opts.encoding), make.tensor(values, { dtype = "i64" }) + 1
  local order   = draws.of("boolean.split", opts.seed):randperm(n)
  local n_train = math.min(n - 1, math.max(1, math.floor(opts.train_fraction * n + 0.5)))
  local train, test = order[{ { 1, n_train } }], order[{ { n_train + 1, n } }]
  return {
    train = { x = x[train], y = y[train] }, test = { x = x[test], y = y[test] }, all = { x = x, y = y },
    table = table.concat(values),
  }
end

return data
