--- Random features: what an architecture makes of its inputs before it has learned anything.
---
---     local phi   = ml.probe.features.conv { filters = 32, kernel = 5, pool = 6, seed = 1 }
---     local probe = ml.probe.linear(phi, data.train)      -- or phi(x): (n, ...) -> (n, phi.dim)
---
--- Each is a function whose weights are drawn once and never trained. The same seed gives the same function.
local ml    = require "moonlab"
local check = require "moonlab.check"

---@class moonlab.features
local features = {}

--- A function of inputs (n, ...) that returns features (n, dim).
---@class moonlab.Features
---@field kind   string          "relu", "fourier", "conv"
---@field weight moonlab.Tensor  what was drawn
---@field bias   moonlab.Tensor
---@field dim?   integer         how many features; of conv it depends on the size of the images
---@overload fun(x: moonlab.Tensor): moonlab.Tensor
local Features = { __name = "moonlab.Features" }
Features.__index = Features

function Features:__call(x)
  if not ml.is_tensor(x) then check.fail("features.%s: takes a tensor, got %s", self.kind, type(x)) end
  return self.map(x)
end

function Features:__tostring() return self.text end

local function options(kind, opts, defaults)
  local o = check.options("features." .. kind, opts, defaults)
  for name, default in pairs(defaults) do
    local least = math.type(default) == "integer" and name ~= "seed" and (name == "padding" and 0 or 1)
    if least and (math.type(o[name]) ~= "integer" or o[name] < least) then
      check.fail("features.%s: %s must be a whole number, at least %d, got %s", kind, name, least, tostring(o[name]))
    end
  end
  return o
end

-- Two draws that stay what they are when one of them changes its size.
local function draws(opts, seed)
  if not (opts and opts.seed) then return {}, {} end
  return { seed = 2 * seed }, { seed = 2 * seed + 1 }
end

local function drawn(shape, std, how)
  return ml.randn(shape, { std = std, seed = how.seed })
end

-- (n, ...) -> (n, inputs)
local function as_rows(kind, x, inputs)
  local rows = x:dim() == 2 and x or x:reshape(#x, -1)
  if rows.shape[2] ~= inputs then
    check.fail("features.%s: made for %d inputs, got x of shape (%s)", kind, inputs, table.concat(x.shape, ", "))
  end
  return rows
end

---@class moonlab.ReLUFeaturesOptions
---@field inputs?     integer  numbers in an input (default 784)
---@field n?          integer  features (default 1024)
---@field weight_std? number   times 1 / sqrt(inputs) (default sqrt(2))
---@field bias_std?   number   (default 0)
---@field seed?       integer  else the next streams of ml.seed

--- relu(x w^T + b) / sqrt(n), w and b normal: products of these features approach the arc-cosine kernel of order 1, that of one
--- hidden layer of infinite width. Cho & Saul 2009, "Kernel methods for deep learning".
---@param opts? moonlab.ReLUFeaturesOptions
---@return moonlab.Features
function features.relu(opts)
  local o = options("relu", opts, { inputs = 784, n = 1024, weight_std = math.sqrt(2), bias_std = 0.0, seed = 0 })
  local of_weight, of_bias = draws(opts, o.seed)
  local scale = 1 / math.sqrt(o.n) -- may go into the weights, as relu(a x) = a relu(x)
  local weight = drawn({ o.n, o.inputs }, o.weight_std * scale / math.sqrt(o.inputs), of_weight)
  local bias   = drawn({ o.n }, o.bias_std * scale, of_bias)
  return setmetatable({
    kind = "relu", weight = weight, bias = bias, dim = o.n, text = ("random ReLU features (%d -> %d)"):format(o.inputs, o.n),
    map = function(x) return ml.linear(as_rows("relu", x, o.inputs), weight, bias, "relu") end,
  }, Features)
end

---@class moonlab.FourierFeaturesOptions
---@field inputs? integer  numbers in an input (default 784)
---@field n?      integer  features (default 1024)
---@field scale?  number   the length over which the kernel falls (default sqrt(inputs))
---@field seed?   integer  else the next streams of ml.seed

--- sqrt(2 / n) cos(x w^T + b), w normal with deviation 1 / scale, b uniform in 0..2 pi: products of these features approach
--- the Gaussian kernel exp(-|x - y|^2 / (2 scale^2)). Rahimi & Recht 2007, "Random features for large-scale kernel machines".
---@param opts? moonlab.FourierFeaturesOptions
---@return moonlab.Features
function features.fourier(opts)
  local o = options("fourier", opts, { inputs = 784, n = 1024, scale = 0.0, seed = 0 })
  local length = opts and opts.scale or math.sqrt(o.inputs)
  if length <= 0 then check.fail("features.fourier: scale must be above 0, got %s", tostring(length)) end
  local of_weight, of_bias = draws(opts, o.seed)
  local weight = drawn({ o.n, o.inputs }, 1 / length, of_weight)
  local bias   = ml.rand({ o.n }, { high = 2 * math.pi, seed = of_bias.seed })
  local height = math.sqrt(2 / o.n)
  return setmetatable({
    kind = "fourier", weight = weight, bias = bias, dim = o.n,
    text = ("random Fourier features (%d -> %d, scale %g)"):format(o.inputs, o.n, length),
    map = function(x) return ml.linear(as_rows("fourier", x, o.inputs), weight, bias):cos() * height end,
  }, Features)
end

---@class moonlab.ConvFeaturesOptions
---@field channels?   integer  of the input (default 1)
---@field filters?    integer  (default 32)
---@field kernel?     integer  its side (default 5)
---@field padding?    integer  zeros around the input (default 0)
---@field pool?       integer  side of the windows whose mean is taken; 1: none (default 6)
---@field dims?       integer  2: images, 1: signals (default 2)
---@field linear?     boolean  leaves the ReLU out: the control that shows what it is for (default false)
---@field weight_std? number   times 1 / sqrt(values in a filter) (default 1)
---@field bias_std?   number   (default 0)
---@field seed?       integer  else the next streams of ml.seed

--- The means, over windows, of relu of a convolution with normal filters. Images (n, channels, h, w), or (n, h, w) of one
--- channel; signals (n, channels, l) or (n, l). Saxe et al. 2011, "On random weights and unsupervised feature learning".
---@param opts? moonlab.ConvFeaturesOptions
---@return moonlab.Features
function features.conv(opts)
  local o = options("conv", opts, {
    channels = 1, filters = 32, kernel = 5, padding = 0, pool = 6, dims = 2, linear = false, weight_std = 1.0, bias_std = 0.0,
    seed = 0,
  })
  if o.dims > 2 then check.fail("features.conv: dims must be 1 or 2, got %d", o.dims) end
  local of_weight, of_bias = draws(opts, o.seed)
  local images = o.dims == 2
  local rows   = images and o.kernel or 1
  local fan_in = o.channels * rows * o.kernel
  local weight = drawn({ o.filters, o.channels, rows, o.kernel }, o.weight_std / math.sqrt(fan_in), of_weight)
  local bias   = drawn({ o.filters }, o.bias_std, of_bias)
  local how    = { padding = { images and o.padding or 0, o.padding }, act = o.linear and "none" or "relu" }
  local window = { images and o.pool or 1, o.pool }
  local function map(x)
    local given = x.shape
    if x:dim() == o.dims + 1 and o.channels == 1 then x = x:unsqueeze(2) end
    if not images and x:dim() == 3 then x = x:unsqueeze(3) end
    if x:dim() ~= 4 or x.shape[2] ~= o.channels then
      check.fail("features.conv: takes (n, %d%s), got x of shape (%s)", o.channels, images and ", h, w" or ", l",
        table.concat(given, ", "))
    end
    local maps = ml.conv2d_bias(x, weight, bias, how)
    if o.pool > 1 then maps = maps:avg_pool2d { kernel = window } end
    return maps:reshape(#maps, -1)
  end
  return setmetatable({
    kind = "conv", weight = weight, bias = bias, map = map,
    text = ("random convolutional features (%d filters of %d%s, pool %d%s)"):format(o.filters, o.kernel,
      images and (" x %d"):format(o.kernel) or "", o.pool, o.linear and ", linear" or ""),
  }, Features)
end

return features
