--- Regressions made by rule. Each is a function of its options; its seed has nothing to do with ml.seed. The targets are (n, 1),
--- as a model gives them: against (n) they would broadcast.
local core   = require "moonlab.core"
local check  = require "moonlab.check"
local draws  = require "moonlab.draws"
local making = require "moonlab.making"
local make   = core.make

local whole, within, options, parts = making.whole, making.within, making.options, making.parts

---@class moonlab.data
local data = {}

local TAU = 2 * math.pi

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
