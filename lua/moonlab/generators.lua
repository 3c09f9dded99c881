--- Data sets made by rule: points in the plane and in space, functions of bits, regressions. Each is a function of its options;
--- its seed has nothing to do with ml.seed. Labels count from 1; the targets of a regression are (n, 1), as a model gives them.
local core  = require "moonlab.core"
local check = require "moonlab.check"
local draws = require "moonlab.draws"
local sets  = require "moonlab.sets"
local make  = core.make

---@class moonlab.data
local data = {}

local TAU  = 2 * math.pi
local MOST = 1e8 // 1 | 0 -- values in one tensor

---@class moonlab.GeneratorOptions
---@field n_train? integer  (default 1000)
---@field n_test?  integer  (default 1000)
---@field seed?    integer  (default 1)

local function whole(where, name, value, low, high)
  if math.type(value) ~= "integer" or value < low or value > high then
    check.fail("%s: %s must be a whole number, %d..%d, got %s", where, name, low, high, tostring(value))
  end
end

local function within(where, name, value, low, high)
  if not (value >= low and value <= high) then check.fail("%s: %s must be %g..%g, got %s", where, name, low, high, value) end
end

local function options(where, given, defaults, any)
  defaults.n_train, defaults.n_test, defaults.seed = defaults.n_train or 1000, defaults.n_test or 1000, 1
  for name in pairs(any or {}) do defaults[name] = sets.ANY end
  local opts = sets.options(where, given, defaults, any or {})
  whole(where, "n_train", opts.n_train, 1, MOST)
  whole(where, "n_test", opts.n_test, 1, MOST)
  if math.type(opts.seed) ~= "integer" then check.fail("%s: seed must be a whole number, got %s", where, opts.seed) end
  return opts
end

-- Both parts, each from draws of its own: the test set does not change with the size of the other.
local function parts(where, opts, part)
  local result = {}
  for name, n in pairs { train = opts.n_train, test = opts.n_test } do
    result[name] = part(n, draws.of(where .. "." .. name, opts.seed), name)
  end
  return result
end

-- Labels 1..classes, as many of each, in random order.
local function labels(n, classes, source) return (source:randperm(n) - 1) % classes + 1 end

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

--- regressions ------------------------------------------------------------------------------------------------------

-- Eigenvalues from an exponent or a list.
local function spectrum_of(opts)
  local given = opts.spectrum
  if type(given) == "number" then
    within("linear", "spectrum", given, -100, 100)
    return make.arange(1, opts.dim):cast "f32" ^ -given
  end
  local t = core.tensor.is_tensor(given) and given
    or type(given) == "table" and #given > 0 and make.tensor(given, { dtype = "f32" })
  if not t or t:dim() ~= 1 or #t ~= opts.dim then
    check.fail("linear: spectrum must be an exponent or a list of %d eigenvalues, got %s", opts.dim,
      t and ("%d"):format(t:numel()) or type(given))
  end
  if not t:ge(0):all():item() or not t:isfinite():all():item() then check.fail "linear: eigenvalues must be at least 0" end
  return t:cast "f32"
end

---@class moonlab.LinearRegressionOptions: moonlab.GeneratorOptions
---@field dim?      integer                         (default 100)
---@field spectrum? number|number[]|moonlab.Tensor  eigenvalues of the covariance: i^-spectrum, or a list (default 0: all 1)
---@field rotate?   boolean                         eigenvectors in random directions, else the axes (default false)
---@field weight?   number[]|moonlab.Tensor         (dim) of the true function along the eigenvectors; else random of length 1
---@field noise?    number                          standard deviation of y about the true function (default 0.5)

---@class moonlab.LinearData
---@field train    moonlab.Dataset
---@field test     moonlab.Dataset
---@field weight   moonlab.Tensor   (dim, 1)
---@field spectrum moonlab.Tensor   (dim)
---@field basis?   moonlab.Tensor   (dim, dim)

--- Linear regression: x (n, dim) Gaussian, y (n, 1) = x weight + noise. weight (dim, 1), in the coordinates of x; spectrum (dim),
--- and basis (dim, dim), whose columns are the eigenvectors when they were rotated.
---@param opts? moonlab.LinearRegressionOptions
---@return moonlab.LinearData
function data.linear(opts)
  opts = options("linear", opts, { dim = 100, rotate = false, noise = 0.5 }, { spectrum = 0, weight = false })
  whole("linear", "dim", opts.dim, 1, 1000000)
  within("linear", "noise", opts.noise, 0, 1e6)
  local spectrum, own = spectrum_of(opts), draws.of("linear", opts.seed)
  local weight, basis = own:randn { opts.dim, 1 }, nil
  if opts.weight then
    weight = core.tensor.is_tensor(opts.weight) and opts.weight or make.tensor(opts.weight, { dtype = "f32" })
    if weight:numel() ~= opts.dim then check.fail("linear: weight must have %d values, got %d", opts.dim, weight:numel()) end
    weight = weight:cast "f32":reshape(opts.dim, 1)
  else
    weight = weight / weight:square():sum():sqrt()
  end
  if opts.rotate then
    whole("linear", "dim", opts.dim, 1, 4096)
    basis  = require("moonlab.linalg").qr(own:randn { opts.dim, opts.dim })
    weight = basis:matmul(weight)
  end
  local result = parts("linear", opts, function(n, source)
    local x = source:randn { n, opts.dim } * spectrum:sqrt()
    if basis then x = x:matmul(basis:transpose(1, 2)) end
    return { x = x, y = x:matmul(weight) + source:randn { n, 1 } * opts.noise }
  end)
  result.weight, result.spectrum, result.basis = weight, spectrum, basis
  return result
end

---@class moonlab.TeacherOptions: moonlab.GeneratorOptions
---@field layers?     integer[]  sizes from input to output of a teacher to be drawn (default { 20, 10, 1 })
---@field activation? string     between its layers, an operation (default "relu")
---@field model?      moonlab.Module|fun(x: moonlab.Tensor): moonlab.Tensor  a teacher that is given: reads (n, layers[1])
---@field sphere?     boolean    x evenly on the unit sphere, else standard normal (default false)
---@field noise?      number     standard deviation of y about what the teacher says (default 0)
---@field labels?     boolean    y is the position of its largest output (default false)

--- What a teacher network says: x (n, inputs), y (n, outputs), or (n) labels. teacher: the network as a function. A drawn one has
--- no biases, and weights N(0, 1 / inputs of the layer).
---@param opts? moonlab.TeacherOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, teacher: fun(x: moonlab.Tensor): moonlab.Tensor }
function data.teacher(opts)
  opts = options("teacher", opts, { activation = "relu", sphere = false, noise = 0, labels = false, layers = { 20, 10, 1 } },
    { model = false })
  within("teacher", "noise", opts.noise, 0, 1e6)
  local layers, own, weights = opts.layers, draws.of("teacher", opts.seed), {}
  if #layers < (opts.model and 1 or 2) then check.fail("teacher: layers must be sizes, from input to output, got %d", #layers) end
  for i, size in ipairs(layers) do whole("teacher", ("layers[%d]"):format(i), size, 1, 1000000) end
  local act = core.op[opts.activation]
  if not act then check.fail("teacher: activation must be an operation such as \"relu\", got '%s'", opts.activation) end
  for i = 2, #layers do weights[i - 1] = own:randn { layers[i - 1], layers[i] } / layers[i - 1] ^ 0.5 end
  local teacher = opts.model or function(x)
    for i, w in ipairs(weights) do x = (i > 1 and act(x) or x):matmul(w) end
    return x
  end
  local result = parts("teacher", opts, function(n, source)
    local x = source:randn { n, layers[1] }
    if opts.sphere then x = x / x:square():sum({ dims = { 2 }, keepdim = true }):sqrt() end
    local y = core.transform.call(false, teacher, x) -- nothing is recorded
    if not core.tensor.is_tensor(y) or y:dim() ~= 2 or #y ~= n then
      check.fail("teacher: the model must give (%d, outputs), got %s", n,
        core.tensor.is_tensor(y) and "(" .. table.concat(y.shape, ", ") .. ")" or type(y))
    end
    if opts.noise > 0 then y = y + source:randn(y.shape) * opts.noise end
    return { x = x, y = opts.labels and y:argmax(-1) or y }
  end)
  result.teacher = teacher
  return result
end

---@class moonlab.FrequenciesOptions
---@field frequencies? number[]         whole turns over the interval (default { 1, 2, 4, 6, 8, 10, 12, 16 })
---@field amplitudes?  number|number[]  (default 1)
---@field phases?      number[]         radians; else random
---@field noise?       number           standard deviation of the training targets (default 0)
---@field n_train?     integer          (default 128)
---@field n_test?      integer          (default 512)
---@field seed?        integer          (default 1)

---@class moonlab.FrequenciesData
---@field train       moonlab.Dataset
---@field test        moonlab.Dataset
---@field frequencies moonlab.Tensor   and amplitudes and phases: (k) f64
---@field amplitudes  moonlab.Tensor
---@field phases      moonlab.Tensor

--- A sum of sines on an even grid: x (n, 1) from -1 up to 1, y (n, 1) = sum of a sin(pi f (x + 1) + phase). What networks learn
--- first of it: Rahaman et al. 2019, "On the spectral bias of neural networks".
---@param opts? moonlab.FrequenciesOptions
---@return moonlab.FrequenciesData
function data.frequencies(opts)
  opts = options("frequencies", opts, { noise = 0, n_train = 128, n_test = 512, frequencies = { 1, 2, 4, 6, 8, 10, 12, 16 } },
    { amplitudes = 1, phases = false })
  within("frequencies", "noise", opts.noise, 0, 1e6)
  local k = #opts.frequencies
  local function column(name, given)
    if type(given) ~= "table" or #given ~= k or k == 0 then
      local got = type(given) == "table" and #given or type(given)
      check.fail("frequencies: %s must be a list of %d numbers, got %s", name, k, got)
    end
    for i, v in ipairs(given) do
      if type(v) ~= "number" or v ~= v or math.abs(v) > 1e6 then
        check.fail("frequencies: entry %d of %s must be a number up to 1e6, got %s", i, name, tostring(v))
      end
    end
    return make.tensor(given, { dtype = "f64" })
  end
  local turns  = column("frequencies", opts.frequencies)
  local phases = opts.phases and column("phases", opts.phases)
    or draws.of("frequencies", opts.seed):rand({ k }):cast "f64" * TAU
  local heights = type(opts.amplitudes) == "number" and make.full({ k }, opts.amplitudes, { dtype = "f64" })
    or column("amplitudes", opts.amplitudes)
  local result = parts("frequencies", opts, function(n, source, name)
    local t = (make.arange(0, n - 1):cast "f64" / n):reshape(n, 1)
    local y = ((t * turns * TAU + phases):sin() * heights):sum({ dims = { 2 }, keepdim = true }):cast "f32"
    if name == "train" and opts.noise > 0 then y = y + source:randn { n, 1 } * opts.noise end
    return { x = (t * 2 - 1):cast "f32", y = y }
  end)
  result.frequencies, result.amplitudes, result.phases = turns, heights, phases
  return result
end

return data
