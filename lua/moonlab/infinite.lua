--- Kernels of infinitely wide networks in closed form: NNGP, the covariance of the outputs at initialisation, and NTK, the
--- tangent kernel, which stays what it is in training.
---
--- Both go through the layers as covariances of two inputs, K, with the variances q of each alone and the tangent kernel T:
---
---     linear      K <- w K + b       T <- w T + K (the new one)                       w, b: variances of weights and biases
---     activation  K <- E[phi(u) phi(v)]   T <- T E[phi'(u) phi'(v)]                   u, v normal with covariance K
---
--- (Lee et al. 2018; Jacot et al. 2018.) For images K has a value for every two places. A convolution takes its mean over the
--- places that a filter meets; behind Flatten only equal places matter, which is a factor of places in memory and time, behind
--- GlobalAvgPool all do (Novak et al. 2019, Arora et al. 2019). Everything is in f64, the first inputs tile by tile.
local ml    = require "moonlab"
local check = require "moonlab.check"

local infinite = {}

local TILE = 2 ^ 21 -- numbers in the covariance of a tile

-- Activations: E[phi phi], E[phi' phi'] and the variance of phi, from the covariance k, the variances a and b of its sides,
-- which broadcast against it, in this order.
local activations = {}

function activations.relu(k, a, b) -- the arc-cosine kernel of order 1; Cho & Saul 2009
  local norm  = (a * b):sqrt()
  local some  = norm:gt(0)
  local angle = (ml.where(some, k, 0) / ml.where(some, norm, 1)):clamp(-1, 1):acos()
  local rest  = math.pi - angle
  return norm * (angle:sin() + rest * angle:cos()) / (2 * math.pi), ml.where(some, rest / (2 * math.pi), 0.25)
end

function activations.erf(k, a, b) -- Williams 1997
  local outer = (1 + 2 * a) * (1 + 2 * b)
  return (2 * k / outer:sqrt()):clamp(-1, 1):asin() * (2 / math.pi), (outer - 4 * k * k):rsqrt() * (4 / math.pi)
end

local variance_of = {
  relu = function(q) return q / 2 end,
  erf  = function(q) return (2 * q / (1 + 2 * q)):asin() * (2 / math.pi) end,
}

-- The layers as a script gives them -----------------------------------------------------------------------------------------

local KINDS = {
  linear = { weight_var = 1.0, bias_var = 0.0 },
  conv   = { weight_var = 1.0, bias_var = 0.0, kernel = 3, padding = 0, circular = false },
  relu = {}, erf = {}, flatten = {}, global_avg_pool = {},
}

local function read_layer(given, i)
  local kind, opts = given, nil
  if type(given) == "table" then
    kind, opts = given[1], {}
    for name, value in pairs(given) do
      if name ~= 1 then opts[name] = value end
    end
  end
  if type(kind) ~= "string" or not KINDS[kind] then
    check.fail("kernels.infinite: layer %d must be linear, conv, relu, erf, flatten or global_avg_pool, got %s", i,
      tostring(kind))
  end
  local layer = check.options("kernels.infinite: " .. kind, opts, KINDS[kind])
  if layer.weight_var and (layer.weight_var < 0 or layer.bias_var < 0) then
    check.fail("kernels.infinite: layer %d: variances are at least 0", i)
  end
  if kind == "conv" and (math.type(layer.kernel) ~= "integer" or layer.kernel < 1 or layer.padding < 0) then
    check.fail("kernels.infinite: layer %d: the kernel must be at least 1 and the padding at least 0", i)
  end
  layer.kind = kind
  return layer
end

-- Covariances over places -----------------------------------------------------------------------------------------------------

-- Zeros, or what stands at the other end, around dimension dim.
local function padded(x, dim, by, circular)
  if by == 0 then return x end
  if circular then
    local n = x.shape[dim]
    return ml.cat({ x:slice(dim, n - by + 1, n), x, x:slice(dim, 1, by) }, dim)
  end
  local pad = {}
  for i = 1, 2 * (x:dim() - dim + 1) do pad[i] = 0 end
  pad[#pad - 1], pad[#pad] = by, by
  return x:pad { pad = pad }
end

-- The mean over a filter's places, which move together along each group of dimensions: { { 3 }, { 4 } } is the diagonal of
-- images; { { 3, 5 }, { 4, 6 } } moves rows of both inputs, then columns of both.
local function filtered(x, layer, groups)
  for _, dims in ipairs(groups) do
    for _, dim in ipairs(dims) do x = padded(x, dim, layer.padding, layer.circular) end
    local size = x.shape[dims[1]] - layer.kernel + 1
    if size < 1 then check.fail("kernels.infinite: a kernel of %d does not fit into the images", layer.kernel) end
    local total
    for at = 1, layer.kernel do
      local window = x
      for _, dim in ipairs(dims) do window = window:slice(dim, at, at + size - 1) end
      total = total and total + window or window
    end
    x = total / layer.kernel
  end
  return x
end

-- Which dimensions move together in a covariance of two inputs (all: for every two places) and in the variances of one.
local function groups_of(places, all)
  if all then return places == 1 and { { 3, 4 } } or { { 3, 5 }, { 4, 6 } } end
  return places == 1 and { { 3 } } or { { 3 }, { 4 } }
end

-- The variances beside a covariance: a (n, 1, h, w) and b (1, m, h, w); for every two places (n, 1, h, w, 1, 1) and
-- (1, m, 1, 1, h, w).
local function sides(state)
  local a, b = state.a, state.b
  if state.all then
    for _ = 1, state.places do
      a = a:unsqueeze(-1)
      b = b:unsqueeze(3)
    end
  end
  return a, b
end

local steps = {}

function steps.linear(s, layer)
  if s.places > 0 then check.fail "kernels.infinite: a linear layer takes vectors; put flatten or global_avg_pool before it" end
  for _, name in ipairs { "k", "a", "b" } do s[name] = s[name] * layer.weight_var + layer.bias_var end
  s.t = s.t and s.t * layer.weight_var + s.k or s.k
end

function steps.conv(s, layer)
  if s.places == 0 then check.fail "kernels.infinite: a convolution takes images (n, c, h, w) or signals (n, c, l)" end
  local both, one = groups_of(s.places, s.all), groups_of(s.places, false)
  local function through(x, groups) return filtered(x, layer, groups) * layer.weight_var end
  s.k, s.a, s.b = through(s.k, both) + layer.bias_var, through(s.a, one) + layer.bias_var, through(s.b, one) + layer.bias_var
  s.t = s.t and through(s.t, both) + s.k or s.k
end

local function activation(s, layer)
  local a, b = sides(s)
  local k, slope = activations[layer.kind](s.k, a, b)
  s.k, s.t = k, s.t and s.t * slope
  s.a, s.b = variance_of[layer.kind](s.a), variance_of[layer.kind](s.b)
end
steps.relu, steps.erf = activation, activation

-- The mean over every place (of all: every two), of a covariance and of the variances.
local function pooled(s, variance)
  local function mean(x) return x and (x:dim() == 2 and x or x:reshape(x.shape[1], x.shape[2], -1):mean(3)) end
  s.k, s.t, s.places, s.all = mean(s.k), mean(s.t), 0, false
  s.a, s.b = variance(s.a, "a"), variance(s.b, "b")
end

function steps.flatten(s)
  pooled(s, function(q) return q:reshape(q.shape[1], q.shape[2], -1):mean(3) end)
end

function steps.global_avg_pool(s)
  if s.places == 0 then check.fail "kernels.infinite: there is nothing to pool over" end
  pooled(s, function(_, side) return s.own[side] end)
end

-- One pair of tiles ------------------------------------------------------------------------------------------------------------

-- (n, c, places...) -> the covariance of the first layer's inputs: the mean over channels.
local function start(x1, x2, all)
  local c, places = x1.shape[2], x1:dim() - 2
  local k
  if places == 0 then
    k = x1:matmul(x2:transpose())
  elseif all then
    local n, m, where = #x1, #x2, { table.unpack(x1.shape, 3) }
    local flat1 = x1:movedim(2, -1):reshape(-1, c)
    k = flat1:matmul(x2:movedim(2, -1):reshape(-1, c):transpose())
    local shape = { n, table.unpack(where) }
    table.move({ m, table.unpack(where) }, 1, 1 + places, #shape + 1, shape)
    k = k:reshape(shape):movedim(2 + places, 2)
  else
    k = (x1:unsqueeze(2) * x2:unsqueeze(1)):sum(3)
  end
  return k / c, places
end

local function variances(x, first) -- (n, 1, places...) or (1, n, places...)
  return x:square():mean(2):unsqueeze(first and 2 or 1)
end

-- Runs the layers. `own`: the variances after global average pooling, which need every two places of each input with itself.
local function through(layers, x1, x2, all, own)
  local s = { a = variances(x1, true), b = variances(x2, false), all = all, own = own }
  s.k, s.places = start(x1, x2, all)
  for _, layer in ipairs(layers) do steps[layer.kind](s, layer) end
  return s
end

-- The variance of each input behind GlobalAvgPool, one input at a time.
local function pooled_variances(layers, x)
  local upto, values = {}, {}
  for i, layer in ipairs(layers) do
    upto[i] = layer
    if layer.kind == "global_avg_pool" then break end
  end
  for i = 1, #x do
    local one = x:slice(1, i, i)
    values[i] = through(upto, one, one, true, {}).k:reshape(1)
  end
  return ml.cat(values, 1)
end

---@class moonlab.InfiniteNetwork  a function of inputs: nngp, ntk = net(x1, x2)
local Network = { __name = "moonlab.InfiniteNetwork" }
Network.__index = Network

local function check_inputs(x, name, places)
  if not ml.is_tensor(x) or x:dim() < 2 or x:dim() > 4 or #x == 0 then
    check.fail("kernels.infinite: %s must be (n, d), (n, c, l) or (n, c, h, w), got %s", name,
      ml.is_tensor(x) and "(" .. table.concat(x.shape, ", ") .. ")" or type(x))
  end
  if places and x:dim() - 2 ~= places then check.fail("kernels.infinite: x1 and x2 must be of one kind, and of one size") end
  return x:detach():cast "f64"
end

function Network:__call(x1, x2)
  local a = check_inputs(x1, "x1")
  local b = x2 and check_inputs(x2, "x2", a:dim() - 2) or a
  if table.concat(a.shape, ",", 2) ~= table.concat(b.shape, ",", 2) then
    check.fail("kernels.infinite: x1 has shape (%s), x2 (%s)", table.concat(a.shape, ", "), table.concat(b.shape, ", "))
  end
  local places = 1
  for d = 3, a:dim() do places = places * a.shape[d] end
  local all = self.pools and a:dim() > 2
  local own_a, own_b
  if all then
    own_a = pooled_variances(self.layers, a)
    own_b = x2 and pooled_variances(self.layers, b) or own_a
  end
  local each = all and places * places or places
  local columns = math.max(1, math.min(#b, TILE // each))
  local rows    = math.max(1, math.min(#a, TILE // (each * columns)))
  local nngp    = ml.zeros({ #a, #b }, { dtype = "f64" })
  local ntk     = ml.zeros({ #a, #b }, { dtype = "f64" })
  for i = 1, #a, rows do
    local r = { i, math.min(i + rows - 1, #a) }
    for j = 1, #b, columns do
      local c = { j, math.min(j + columns - 1, #b) }
      local own = all and { a = own_a:slice(1, r[1], r[2]):unsqueeze(2), b = own_b:slice(1, c[1], c[2]):unsqueeze(1) }
      local s = through(self.layers, a:slice(1, r[1], r[2]), b:slice(1, c[1], c[2]), all, own)
      if s.places > 0 then check.fail "kernels.infinite: the network must end with vectors; add flatten or global_avg_pool" end
      nngp[{ r, c }] = s.k
      if s.t then ntk[{ r, c }] = s.t end
    end
  end
  return nngp, ntk
end

function Network:__tostring()
  local names = {}
  for i, layer in ipairs(self.layers) do names[i] = layer.kind end
  return "infinite network: " .. table.concat(names, ", ")
end

--- See ml.kernels.infinite.
function infinite.network(given)
  if type(given) ~= "table" or #given == 0 then check.fail "kernels.infinite: takes a list of layers" end
  local layers, pools = {}, false
  for i, layer in ipairs(given) do
    layers[i] = read_layer(layer, i)
    if layers[i].kind == "global_avg_pool" then
      if pools then check.fail "kernels.infinite: there can be one global_avg_pool" end
      pools = true
    end
  end
  return setmetatable({ layers = layers, pools = pools }, Network)
end

return infinite
