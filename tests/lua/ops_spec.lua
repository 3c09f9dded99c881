-- Every operation of the table, called from Lua, held to Lua's own arithmetic. The table decides what must be here: an
-- operation without a case below fails.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local function f64(list) return ml.tensor(list, { dtype = "f64" }) end

local function map(list, f)
  local out = {}
  for i, v in ipairs(list) do out[i] = f(v) end
  return out
end

local function half_to_even(x)
  local low = math.floor(x)
  if x - low ~= 0.5 then return math.floor(x + 0.5) end
  return low % 2 == 0 and low or low + 1
end

-- name -> what it computes of one number, and the numbers to try
local any, positive = { -2.5, -1.5, -0.25, 0.0, 0.5, 1.0, 3.5 }, { 0.25, 1.0, 2.0, 9.0 }
local erf_at = { [-2.0] = -0.99532226501895271, [0.0] = 0, [0.5] = 0.52049987781304652, [1.0] = 0.84270079294971489 }
local inside, beyond = { -0.75, -0.5, 0.0, 0.25, 1.0 }, { 1.0, 1.5, 20.0 }
local function tanh(x) return 1 - 2 / (math.exp(2 * x) + 1) end
local function sigmoid(x) return 1 / (1 + math.exp(-x)) end
local function whole(x) return x < 0 and math.ceil(x) or math.floor(x) end
local one = {
  exp2       = { function(x) return 2 ^ x end, any },
  log2       = { function(x) return math.log(x, 2) end, positive },
  log10      = { function(x) return math.log(x, 10) end, positive },
  tan        = { math.tan, any },
  asin       = { math.asin, inside },
  acos       = { math.acos, inside },
  atan       = { math.atan, any },
  sinh       = { function(x) return (math.exp(x) - math.exp(-x)) / 2 end, any },
  cosh       = { function(x) return (math.exp(x) + math.exp(-x)) / 2 end, any },
  asinh      = { function(x) return math.log(x + math.sqrt(x * x + 1)) end, any },
  acosh      = { function(x) return math.log(x + math.sqrt(x * x - 1)) end, beyond },
  atanh      = { function(x) return math.log((1 + x) / (1 - x)) / 2 end, { -0.75, -0.5, 0.0, 0.25 } },
  erfc       = { function(x) return 1 - erf_at[x] end, { -2.0, 0.0, 0.5, 1.0 } },
  silu       = { function(x) return x * sigmoid(x) end, any },
  mish       = { function(x) return x * tanh(math.log(1 + math.exp(x))) end, any },
  log_sigmoid = { function(x) return math.log(sigmoid(x)) end, any },
  softsign   = { function(x) return x / (1 + math.abs(x)) end, any },
  trunc      = { whole, any },
  frac       = { function(x) return x - whole(x) end, any },
  isnan      = { function(x) return x ~= x end, { 1.0, 0 / 0, -1 / 0 } },
  isinf      = { function(x) return x == 1 / 0 or x == -1 / 0 end, { 1.0, 0 / 0, -1 / 0 } },
  isfinite   = { function(x) return x - x == 0 end, { 1.0, 0 / 0, -1 / 0 } },
  logical_not = { function(x) return x == 0 end, any },
  neg        = { function(x) return -x end, any },
  abs        = { math.abs, any },
  sign       = { function(x) return x > 0 and 1 or x < 0 and -1 or 0 end, any },
  exp        = { math.exp, any },
  expm1      = { function(x) return math.exp(x) - 1 end, any },
  log        = { math.log, positive },
  log1p      = { function(x) return math.log(1 + x) end, positive },
  sqrt       = { math.sqrt, positive },
  rsqrt      = { function(x) return 1 / math.sqrt(x) end, positive },
  square     = { function(x) return x * x end, any },
  reciprocal = { function(x) return 1 / x end, positive },
  sin        = { math.sin, any },
  cos        = { math.cos, any },
  tanh       = { function(x) return 1 - 2 / (math.exp(2 * x) + 1) end, any },
  sigmoid    = { function(x) return 1 / (1 + math.exp(-x)) end, any },
  erf        = { function(x) return erf_at[x] end, { -2.0, 0.0, 0.5, 1.0 } },
  softplus   = { function(x) return math.log(1 + math.exp(x)) end, any },
  relu       = { function(x) return math.max(x, 0.0) end, any },
  step       = { function(x) return x > 0 and 1 or 0 end, any },
  floor      = { math.floor, any },
  ceil       = { math.ceil, any },
  round      = { half_to_even, any },
  contiguous = { function(x) return x end, any },
}

-- name -> what it computes of two numbers
local two = {
  add     = function(x, y) return x + y end,
  sub     = function(x, y) return x - y end,
  mul     = function(x, y) return x * y end,
  div     = function(x, y) return x / y end,
  pow     = function(x, y) return x ^ y end,
  maximum = function(x, y) return math.max(x, y) end,
  minimum = function(x, y) return math.min(x, y) end,
  eq      = function(x, y) return x == y end,
  ne      = function(x, y) return x ~= y end,
  lt      = function(x, y) return x < y end,
  le      = function(x, y) return x <= y end,
  gt      = function(x, y) return x > y end,
  ge      = function(x, y) return x >= y end,
  remainder = function(x, y) return x % y end,
  hypot   = function(x, y) return math.sqrt(x * x + y * y) end,
  atan2   = math.atan,
  logaddexp = function(x, y) return math.log(math.exp(x) + math.exp(y)) end,
  logical_and = function(x, y) return x ~= 0 and y ~= 0 end,
  logical_or = function(x, y) return x ~= 0 or y ~= 0 end,
  logical_xor = function(x, y) return (x ~= 0) ~= (y ~= 0) end,
}

local m = f64 { { 1, 2, 3 }, { 4, 5, 6 } }

-- name -> a check of its own
local other = {
  cast = function()
    assert.equal("i64", m:cast("i64").dtype)
    holds({ { 1, 2, 3 }, { 4, 5, 6 } }, m:cast { dtype = "u8" })
    assert.equal("f32", ml.cast(m, "f32").dtype)
    fails(function() return m:cast() end, "^cast: needs the dtype")
    fails(function() return m:cast "f16" end, "^cast: no dtype is called 'f16'")
  end,
  where = function()
    holds({ { 0, 2, 0 }, { 4, 0, 6 } }, (m % 2):eq(0):where(m, 0))
    holds({ { 9, 9, 3 }, { 4, 5, 6 } }, ml.where(m:lt(3), 9, m))
    fails(function() return ml.where(m, 9, m) end, "^where: the condition must be bool, got f64")
  end,
  clamp = function()
    holds({ { 2, 2, 3 }, { 4, 4, 4 } }, m:clamp(2, 4))
    holds({ { 1, 2, 3 }, { 4, 4, 4 } }, m:clamp { max = 4 })
    holds({ { 1, 2, 3 }, { 4, 5, 6 } }, m:clamp())
    assert.equal("i64", ml.tensor({ 1, 9 }):clamp(2, 4).dtype)
    holds({ 2, 4 }, ml.tensor({ 1, 9 }):clamp(2, 4))
    fails(function() return ml.tensor({ 1, 9 }):clamp(2.5) end, "^clamp: integers need whole bounds, got 2%.5 and inf")
    fails(function() return m:clamp(0 / 0) end, "^clamp: min and max must be numbers")
  end,
  leaky_relu = function()
    holds({ -0.02, 3 }, f64({ -2, 3 }):leaky_relu())
    holds({ -1, 3 }, f64({ -2, 3 }):leaky_relu(0.5))
  end,
  elu = function()
    holds({ math.exp(-2) - 1, 3 }, f64({ -2, 3 }):elu())
    holds({ (math.exp(-2) - 1) / 2, 3 }, f64({ -2, 3 }):elu { alpha = 0.5 })
  end,
  gelu = function()
    holds({ -0.15865525393145705, 0, 0.84134474606854295 }, f64({ -1, 0, 1 }):gelu())
    holds({ -0.15880800939172324, 0, 0.84119199060827676 }, f64({ -1, 0, 1 }):gelu(true))
  end,
  erfinv = function() holds({ -0.5, 0, 0.25, 2 }, f64({ -0.5, 0, 0.25, 2 }):erf():erfinv(), 1e-12) end,
  nan_to_num = function()
    local odd = f64 { 0 / 0, 1 / 0, -1 / 0, 5 }
    assert.same({ 7, 8, 9, 5 }, odd:nan_to_num(7, 8, 9):tolist())
    assert.same({ 0, 1.7976931348623157e308, -1, 5 }, odd:nan_to_num { neginf = -1 }:tolist())
  end,
  lerp = function()
    holds({ { 1.5, 1.5, 1.5 }, { 1.5, 1.5, 1.5 } }, ml.lerp(m * 0 + 1, 2, 0.5))
    holds({ { 1, 3, 3 }, { 4, 6, 6 } }, m:lerp(m + 1, f64 { 0, 1, 0 }))
  end,
  sum = function()
    holds(21, m:sum())
    holds({ 5, 7, 9 }, m:sum(1))
    holds({ 6, 15 }, m:sum(-1))
    holds(21, m:sum(1, 2))
    holds({ { 6 }, { 15 } }, m:sum(2, true))
    holds({ { 6 }, { 15 } }, m:sum { 2, keepdim = true })
    holds({ { 6 }, { 15 } }, m:sum({ 2 }, { keepdim = true }))
    holds({ { 21 } }, m:sum { dims = { 1, 2 }, keepdim = true })
    holds({ { 21 } }, ml.sum(m, nil, true))
    local long = ml.arange(1, 200001, 1, { dtype = "f64" }) -- summed in pieces
    holds(200001 * 200002 // 2, long:sum())
    holds({ 200001 * 200002 // 2, 200001 }, ml.stack({ long, ml.ones({ 200001 }, { dtype = "f64" }) }, 1):sum(2))
  end,
  mean = function()
    holds(3.5, m:mean())
    holds({ 2.5, 3.5, 4.5 }, m:mean(1))
  end,
  max = function()
    holds(6, m:max())
    holds({ 3, 6 }, m:max(2))
  end,
  min = function()
    holds(1, m:min())
    holds({ 1, 4 }, m:min(2))
  end,
  argmax = function()
    holds({ 3, 3 }, m:argmax())
    holds({ 2, 2, 2 }, m:argmax(1))
    holds({ { 3 }, { 3 } }, m:argmax(2, true))
    assert.equal("i64", m:argmax().dtype)
  end,
  argmin = function()
    holds({ 1, 1 }, m:argmin())
    holds({ { 1, 1, 1 } }, m:argmin { dim = 1, keepdim = true })
  end,
  prod = function()
    holds(720, m:prod())
    holds({ 4, 10, 18 }, m:prod(1))
    assert.equal("i64", ml.tensor({ 2, 3 }):prod().dtype)
  end,
  any = function()
    assert.equal(true, m:gt(5):any():item())
    holds({ false, true }, m:gt(5):any(2))
    holds({ { false }, { true } }, m:gt(5):any(2, true))
  end,
  all = function()
    assert.equal(false, m:gt(5):all():item())
    holds({ false, true }, m:gt(3):all(2))
    assert.equal(true, ml.zeros({ 0 }):all():item())
  end,
  count_nonzero = function()
    holds(6, m:count_nonzero())
    holds({ 0, 1, 2 }, (m * m:gt(1)):sub(m:eq(4) * 4):gt(2):count_nonzero { dims = 1 })
    assert.equal("i64", m:count_nonzero().dtype)
  end,
  var = function()
    holds(3.5, m:var())
    holds({ 4.5, 4.5, 4.5 }, m:var(1))
    holds({ 2.25, 2.25, 2.25 }, m:var { 1, correction = 0 })
    holds({ { 1 }, { 1 } }, m:var(2, true))
  end,
  std = function()
    holds({ 1, 1 }, m:std(2))
    holds(math.sqrt(35 / 12), m:std(nil, nil, 0))
  end,
  norm = function()
    holds(math.sqrt(91), m:norm())
    holds(21, m:norm(1))
    holds({ 3, 6 }, m:norm(math.huge, 2))
    holds({ 2, 2, 2 }, m:norm { p = 0, dims = 1 })
    holds({ 65 ^ (1 / 3), 133 ^ (1 / 3), 243 ^ (1 / 3) }, m:norm(3, 1))
    fails(function() return m:norm(0 / 0) end, "^norm: p must be a number, got nan")
  end,
  cumsum = function()
    holds({ { 1, 3, 6 }, { 4, 9, 15 } }, m:cumsum())
    holds({ { 5, 7, 9 }, { 4, 5, 6 } }, m:cumsum(1, true))
  end,
  cumprod = function()
    holds({ { 1, 2, 6 }, { 4, 20, 120 } }, m:cumprod())
    holds({ { 1, 2, 3 }, { 4, 10, 18 } }, m:cumprod(1))
  end,
  cummax = function()
    local x = f64 { { 1, 3, 2, 5 }, { 4, 0, 4, 3 } }
    holds({ { 1, 3, 3, 5 }, { 4, 4, 4, 4 } }, x:cummax())
    holds({ { 1, 3, 2, 5 }, { 4, 3, 4, 5 } }, x:cummax(1))
    local y = ml.tensor { 1., 0 / 0, 3 }:cummax():tolist()
    assert.is_true(y[1] == 1 and y[2] ~= y[2] and y[3] ~= y[3])
    local slope = ml.grad(function(v) return v:cummax():sum() end)
    holds({ 1, 3, 0 }, slope(ml.tensor { 1., 4, 2 }) + ml.tensor { 0., 1, 0 }, 1e-6) -- 4 counts twice
  end,
  scatter = function()
    holds({ { 1, 2, 10 }, { 20, 5, 6 } }, m:scatter(ml.tensor { { 3 }, { 1 } }, f64 { { 10 }, { 20 } }, 2))
    holds({ { 1, 30, 3 }, { 4, 5, 6 } }, m:scatter(ml.tensor { { 2, 2 } }, f64 { { 10, 30 } })) -- the last one stays
    local slope = ml.grad(function(v) return (m:scatter(ml.tensor { { 2, 2 } }, v) * 7):sum() end)
    holds({ { 0, 7 } }, slope(f64 { { 10, 30 } }))
    holds({ 1, 0, 1 }, ml.tensor({ true, true, true }):scatter(ml.tensor { 2 }, ml.tensor { false }):cast "f64")
    fails(function() return m:scatter(ml.tensor { { 3 } }, f64 { 1 }) end,
      "^scatter: what is written has shape %(1%), its positions %(1, 1%)")
    fails(function() return m:scatter(ml.tensor { { 4 } }, f64 { { 1 } }) end, "^scatter: positions must be 1%.%.3, found 4")
  end,
  kthvalue = function()
    holds({ 1, 4 }, m:kthvalue())
    holds({ 2, 5 }, m:kthvalue(2))
    holds({ 4, 5, 6 }, m:kthvalue(2, 1))
    fails(function() return m:kthvalue(4) end, "^kthvalue: k must be 1%.%.3, got 4")
    fails(function() return m:kthvalue(0) end, "^kthvalue: k must be 1%.%.3, got 0")
  end,
  median = function()
    holds({ 2, 5 }, m:median())
    holds({ 1, 2, 3 }, m:median(1))
  end,
  quantile = function()
    holds({ 2, 5 }, m:quantile())
    holds({ 1.75, 2.75, 3.75 }, m:quantile(0.25, 1))
    fails(function() return m:quantile(1.5) end, "^quantile: q must be in 0%.%.1, got 1%.5")
  end,
  histogram = function()
    holds({ 2, 2, 2 }, m:histogram(3))
    holds({ 1, 1, 1, 1 }, m:histogram(4, 1.5, 5.5))
    fails(function() return m:histogram(0) end, "^histogram: bins must be at least 1, got 0")
    fails(function() return m:histogram(3, 2, 1) end, "^histogram: low and high must be finite and in this order")
    fails(function() return f64({ 1, 0 / 0 }):histogram() end, "^histogram: a value is .*nan, so the values have no range")
  end,
  logsumexp = function()
    local log_sum = math.log(math.exp(1) + math.exp(2) + math.exp(3))
    holds({ log_sum, log_sum + 3 }, m:logsumexp())
    holds({ { log_sum }, { log_sum + 3 } }, m:logsumexp(2, true))
  end,
  reshape = function()
    for _, y in ipairs { m:reshape(3, 2), m:reshape { 3, 2 }, m:reshape(-1, 2), m:reshape { shape = { 3, 2 } } } do
      holds({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, y)
    end
    holds(7, f64({ 7 }):reshape {})
    fails(function() return m:reshape() end, "^reshape: needs the shape")
    fails(function() return m:reshape(4, 2) end, "^reshape: %(2, 3%) has 6 values, which do not fill %(4, 2%)")
  end,
  expand = function() holds({ { 1, 2 }, { 1, 2 } }, f64({ 1, 2 }):expand(2, 2)) end,
  sum_to = function() holds({ { 5, 7, 9 } }, m:sum_to { 1, 3 }) end,
  permute = function()
    holds({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, m:permute(2, 1))
    holds({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, m:permute { -1, -2 })
    fails(function() return m:permute(1, 1) end, "^permute: dimension 1 is given twice")
  end,
  transpose = function()
    holds({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, m:transpose())
    assert.same({ 4, 3, 2 }, ml.zeros({ 2, 3, 4 }):transpose(1, 3).shape)
  end,
  view = function()
    holds({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, m:view(3, -1))
    fails(function() return m:transpose():view(6) end,
      "^view: the values of %(3, 2%) do not lie in the order of %(6%); reshape copies them")
  end,
  movedim = function()
    assert.same({ 3, 4, 2 }, ml.zeros({ 2, 3, 4 }):movedim(1, 3).shape)
    assert.same({ 4, 2, 3 }, ml.zeros({ 2, 3, 4 }):movedim(-1, 1).shape)
  end,
  squeeze = function()
    assert.same({ 2, 3 }, ml.zeros({ 1, 2, 1, 3 }):squeeze().shape)
    assert.same({ 2, 1, 3 }, ml.zeros({ 1, 2, 1, 3 }):squeeze(1, 2).shape)
  end,
  unsqueeze = function()
    assert.same({ 1, 2, 3 }, m:unsqueeze().shape)
    assert.same({ 2, 3, 1 }, m:unsqueeze(3).shape)
    assert.same({ 2, 3, 1 }, m:unsqueeze(-1).shape)
    fails(function() return m:unsqueeze(4) end, "^unsqueeze: dim 4 of a tensor with 3 dimensions")
  end,
  flatten = function()
    holds({ 1, 2, 3, 4, 5, 6 }, m:flatten())
    assert.same({ 2, 12 }, ml.zeros({ 2, 3, 4 }):flatten(2).shape)
    assert.same({ 6, 4 }, ml.zeros({ 2, 3, 4 }):flatten { end_dim = 2 }.shape)
    fails(function() return m:flatten(2, 1) end, "^flatten: start_dim 2 comes after end_dim 1")
  end,
  stack = function()
    holds({ { 1, 2 }, { 3, 4 } }, ml.stack { f64 { 1, 2 }, f64 { 3, 4 } })
    holds({ { 1, 3 }, { 2, 4 } }, ml.stack({ f64 { 1, 2 }, f64 { 3, 4 } }, 2))
    fails(function() return ml.stack { m, f64 { 1 } } end, "^stack: tensor 2 has shape %(1%), the first %(2, 3%)")
  end,
  flip = function()
    holds({ { 6, 5, 4 }, { 3, 2, 1 } }, m:flip())
    holds({ { 3, 2, 1 }, { 6, 5, 4 } }, m:flip(2))
  end,
  roll = function()
    holds({ { 6, 1, 2 }, { 3, 4, 5 } }, m:roll(1))
    holds({ { 2, 3, 1 }, { 5, 6, 4 } }, m:roll(-1, 2))
    holds({ { 5, 6, 4 }, { 2, 3, 1 } }, m:roll({ 1, -1 }, { 1, 2 }))
    fails(function() return m:roll({ 1, 2 }, 1) end, "^roll: 2 shifts for 1 dims; give one for each")
    fails(function() return m:roll() end, "^roll: needs the shifts")
  end,
  tile = function()
    holds({ { 1, 2, 1, 2 } }, f64({ { 1, 2 } }):tile(2))
    holds({ { 1, 2 }, { 1, 2 } }, f64({ 1, 2 }):tile(2, 1))
    fails(function() return m:tile() end, "^tile: needs the repeats")
  end,
  repeat_interleave = function()
    holds({ 1, 1, 2, 2 }, f64({ 1, 2 }):repeat_interleave(2))
    holds({ { 1, 1, 2, 2, 3, 3 }, { 4, 4, 5, 5, 6, 6 } }, m:repeat_interleave(2, 2))
  end,
  pad = function() -- before, after; of the last dimension first
    holds({ { 0, 1, 2, 3, 0, 0 }, { 0, 4, 5, 6, 0, 0 } }, m:pad { 1, 2 })
    holds({ { 9, 9 }, { 1, 2 }, { 4, 5 } }, m:pad({ 0, -1, 1, 0 }, "constant", 9))
    holds({ { 2, 1, 2, 3, 2 }, { 5, 4, 5, 6, 5 } }, m:pad({ 1, 1 }, "reflect"))
    holds({ { 1, 1, 2, 3 }, { 4, 4, 5, 6 } }, m:pad({ 1, 0 }, { mode = "replicate" }))
    holds({ { 3, 1, 2, 3 }, { 6, 4, 5, 6 } }, m:pad({ 1, 0 }, "circular"))
    fails(function() return m:pad({ 1, 1 }, "mirror") end,
      '^pad: mode must be "constant", "reflect", "replicate" or "circular", got "mirror"')
    fails(function() return m:pad({ 3, 0 }, "reflect") end,
      "^pad: dimension 2 of %(2, 3%) gives at most 2 values at an end in this mode, got 3 and 0")
    fails(function() return m:pad { 1 } end, "^pad: needs a pair of numbers, before and after, for each of")
  end,
  diagonal = function()
    holds({ 1, 5 }, m:diagonal())
    holds({ 2, 6 }, m:diagonal(1))
    fails(function() return f64({ 1 }):diagonal() end, "^diagonal: needs at least 2 dimensions, there are 1")
  end,
  diag_embed = function()
    holds({ { 7, 0 }, { 0, 8 } }, f64({ 7, 8 }):diag_embed())
    holds({ { 0, 7 }, { 0, 0 } }, f64({ 7 }):diag_embed(1))
  end,
  tril = function()
    holds({ { 1, 0, 0 }, { 4, 5, 0 } }, m:tril())
    holds({ { 1, 2, 0 }, { 4, 5, 6 } }, m:tril(1))
  end,
  triu = function()
    holds({ { 1, 2, 3 }, { 0, 5, 6 } }, m:triu())
    holds({ { 0, 2, 3 }, { 0, 0, 6 } }, m:triu(1))
  end,
  unfold = function() -- dim, size, step
    holds({ { 1, 2 }, { 2, 3 }, { 3, 4 } }, f64({ 1, 2, 3, 4 }):unfold(1, 2, 1))
    holds({ { 1, 2 }, { 3, 4 } }, f64({ 1, 2, 3, 4, 5 }):unfold(1, 2, 2))
    fails(function() return m:unfold(2, 4) end, "^unfold: a window of 4 is longer than dimension 2 of %(2, 3%)")
  end,
  overlap_add = function() -- dim, size, step
    holds({ 1, 4, 3 }, f64({ { 1, 2 }, { 2, 3 } }):overlap_add(1, 3, 1))
  end,
  slice = function() -- dim, start, stop (included), step
    holds({ { 2, 3 }, { 5, 6 } }, m:slice(2, 2, 3))
    holds({ { 2, 3 }, { 5, 6 } }, m:slice(2, 2))
    holds({ { 1, 3 }, { 4, 6 } }, m:slice(2, 1, -1, 2))
    holds({ { 1, 2 }, { 4, 5 } }, m:slice(2, 1, -2))
    holds({ { 4, 5, 6 } }, m:slice { start = -1 })
    assert.same({ 2, 0 }, m:slice(2, 1, 0).shape)
    fails(function() return m:slice(2, 0) end, "^slice: start counts from 1, or from %-1 at the end; got 0 %(add 1%)")
  end,
  unslice = function() -- dim, start, size, step
    holds({ 0, 1, 0, 2, 0 }, f64({ 1, 2 }):unslice(1, 2, 5, 2))
  end,
  cat = function()
    local x, y = f64 { { 1, 2 } }, f64 { { 3, 4 } }
    holds({ { 1, 2 }, { 3, 4 } }, ml.cat { x, y })
    holds({ { 1, 2, 3, 4 } }, ml.cat({ x, y }, 2))
    holds({ { 1, 2, 3, 4 } }, ml.cat({ x, y }, { dim = -1 }))
    holds({ { 1, 2, 3, 4 } }, x:cat(y, 2))
    fails(function() return ml.cat {} end, "^cat: needs a list of tensors, got an empty one")
    fails(function() return ml.cat { x, 3 } end, "^cat: entry 2 of the list must be a tensor, got number")
    fails(function() return ml.cat() end, "^cat: needs a list of tensors, got nothing")
  end,
  embedding = function()
    holds({ { 4, 5, 6 }, { 1, 2, 3 } }, m:embedding(ml.tensor { 2, 1 }))
    fails(function() return m:embedding(ml.tensor { 0 }) end, "^embedding: ids must be 1%.%.2, found 0 %(add 1%)")
    fails(function() return m:embedding(ml.tensor { 3 }) end, "^embedding: ids must be 1%.%.2, found 3")
    fails(function() return m:embedding(ml.tensor { 1.0 }) end,
      "^embedding: ids must be integers %(i64%), got f32; cast them")
  end,
  scatter_rows = function()
    holds({ { 0, 0, 0 }, { 5, 7, 9 } }, m:scatter_rows(ml.tensor { 2, 2 }, 2))
    holds({ { 0, 0, 0 }, { 5, 7, 9 } }, m:scatter_rows(ml.tensor { 2, 2 }, { rows = 2 }))
  end,
  index_select = function()
    holds({ { 3, 1 }, { 6, 4 } }, m:index_select(ml.tensor { 3, 1 }, 2))
    holds({ { 4, 5, 6 } }, m:index_select(ml.tensor { 2 }))
    fails(function() return m:index_select(ml.tensor { 4 }, 2) end, "^index_select: ids must be 1%.%.3, found 4")
  end,
  gather = function()
    holds({ { 3, 1 }, { 4, 4 } }, m:gather(ml.tensor { { 3, 1 }, { 1, 1 } }, 2))
    holds({ { 4, 2, 6 } }, m:gather(ml.tensor { { 2, 1, 2 } }, 1))
    fails(function() return m:gather(ml.tensor { { 0 } }) end, "^gather: positions must be 1%.%.3, found 0 %(add 1%)")
    fails(function() return m:gather(ml.tensor { 1 }) end,
      "^gather: the positions, shape %(1%), must have the dimensions of x, %(2, 3%), none larger but dimension 2")
  end,
  scatter_add = function()
    holds({ { 1, 2, 13 }, { 4, 5, 26 } }, m:scatter_add(ml.tensor { { 3 }, { 3 } }, f64 { { 10 }, { 20 } }, 2))
    fails(function() return m:scatter_add(ml.tensor { { 3 } }, f64 { 1 }) end,
      "^scatter_add: what is added has shape %(1%), its positions %(1, 1%)")
  end,
  take = function()
    holds({ { 6 }, { 1 } }, m:take(ml.tensor { { 6 }, { 1 } }))
    fails(function() return m:take(ml.tensor { 7 }) end, "^take: positions must be 1%.%.6, found 7")
  end,
  masked_select = function()
    holds({ 3, 4, 5, 6 }, m:masked_select(m:gt(2)))
    holds({ { 4, 5, 6 } }, m:masked_select(ml.tensor { false, true }))
    fails(function() return m:masked_select(ml.tensor { true }) end,
      "^masked_select: a mask of shape %(1%) does not lie over the first dimensions of %(2, 3%)")
    fails(function() return m:masked_select(m) end, "^masked_select: the mask must be bool, got f64; compare first")
  end,
  nonzero = function() assert.same({ { 1, 3 }, { 2, 1 } }, f64({ { 0, 0, 5 }, { 1, 0, 0 } }):nonzero():tolist()) end,
  sort = function()
    local values, positions = f64({ 3, 1, 2 }):sort()
    holds({ 1, 2, 3 }, values)
    assert.same({ 2, 3, 1 }, positions:tolist())
    holds({ { 4, 5, 6 }, { 1, 2, 3 } }, (m:sort(1, true)))
    holds({ { 3, 2, 1 }, { 6, 5, 4 } }, (ml.sort(m, { dim = 2, descending = true })))
    fails(function() m:sort(3) end, "^sort: dim 3 of a tensor with 2 dimensions")
  end,
  argsort = function()
    holds({ 2, 3, 1 }, f64({ 3, 1, 2 }):argsort())
    holds({ 1, 3, 2 }, f64({ 3, 1, 2 }):argsort { descending = true })
    holds({ 3, 1, 2 }, f64({ 0 / 0, 0 / 0, 2 }):argsort())
  end,
  argtopk = function()
    holds({ { 3, 2 }, { 3, 2 } }, m:argtopk(2))
    holds({ { 1 }, { 1 } }, m:argtopk { k = 1, largest = false })
    fails(function() return m:argtopk(4) end, "^argtopk: k must be 0%.%.3, the size of dimension 2, got 4")
  end,
  searchsorted = function() -- x[p] is the first that is not smaller; one after the last when there is none
    holds({ 1, 2, 4 }, f64({ 1, 2, 3 }):searchsorted(f64 { 0, 2, 9 }))
    holds({ 1, 3, 4 }, f64({ 1, 2, 3 }):searchsorted(f64 { 0, 2, 9 }, true))
  end,
  bincount = function()
    assert.same({ 2, 0, 1 }, ml.tensor({ 3, 1, 1 }):bincount():tolist())
    assert.same({ 2, 0, 1, 0 }, ml.tensor({ 3, 1, 1 }):bincount(4):tolist())
    fails(function() return ml.tensor({ 0 }):bincount() end, "^bincount: ids must be .* found 0 %(add 1%)")
  end,
  one_hot = function()
    holds({ { 0, 0, 1 }, { 1, 0, 0 } }, ml.tensor({ 3, 1 }):one_hot(3))
    fails(function() return ml.tensor({ 0 }):one_hot(3) end, "^one_hot: .* must be 1%.%.3, found 0 %(add 1%)")
  end,
  matmul = function()
    holds({ { 14, 32 }, { 32, 77 } }, m:matmul(m:transpose()))
    holds({ 14, 32 }, m:matmul(f64 { 1, 2, 3 }))
  end,
  bmm = function()
    local x = f64 { { { 1, 2 } }, { { 3, 4 } } }
    holds({ { { 5 } }, { { 25 } } }, x:bmm(x:transpose()))
    fails(function() return m:bmm(m) end, "^bmm: needs %(b, n, k%) and %(b, k, m%), got %(2, 3%) and %(2, 3%)")
  end,
  dot = function()
    holds(32, f64({ 1, 2, 3 }):dot(f64 { 4, 5, 6 }))
    fails(function() return m:dot(m) end, "^dot: needs two vectors, got %(2, 3%) and %(2, 3%)")
    fails(function() return ml.ones({ 2 }):dot(ml.ones { 3 }) end, "^dot: sizes differ: %(2%) and %(3%)")
  end,
  outer = function() holds({ { 3, 4 }, { 6, 8 } }, f64({ 1, 2 }):outer(f64 { 3, 4 })) end,
  kron = function() holds({ { 1, 0, 2, 0 }, { 0, 1, 0, 2 } }, f64({ { 1, 2 } }):kron(ml.eye(2))) end,
  trace = function()
    holds(6, m:trace())
    fails(function() return ml.ones({ 2 }):trace() end, "^trace: needs a matrix, got shape %(2%)")
  end,
  einsum = function()
    local product = { { 14, 32 }, { 32, 77 } }
    for _, y in ipairs { ml.einsum("ij,kj->ik", m, m), ml.einsum("ij,kj->ik", { m, m }), ml.einsum({ m, m }, "ij,kj"),
                         m:einsum(m, "ij, kj -> ik"), ml.einsum({ m, m }, { equation = "ij,kj->ik" }) } do
      holds(product, y)
    end
    local five = f64 { 1, 2 }
    holds(33, ml.einsum("a,a,a,a,a->", five, five, five, five, five))
    holds({ 1, 32 }, ml.einsum("a,a,a,a,a->a", five, five, ml.tensor { 1, 2 }, five, five))
    fails(function() return ml.einsum("ij,jk->ik", m, m) end,
      "^einsum: 'j' is 3 in operand 1, shape %(2, 3%), and 2 in operand 2, shape %(2, 3%)")
    fails(function() return ml.einsum("ij,jk", m) end, "^einsum: 'ij,jk' has 2 terms, there is 1 operand")
    fails(function() return ml.einsum("ijk", m) end, "^einsum: the term 'ijk' of 'ijk' has 3 letters, its operand 2 dimensions")
    fails(function() return ml.einsum("ij->ik", m) end, "^einsum: 'k' of the result is in no operand")
    fails(function() return ml.einsum("ij->ii", m) end, "^einsum: 'i' is twice in the result")
    fails(function() return ml.einsum("i2", m) end, "^einsum: ")
    fails(function() return ml.einsum(("i"):rep(200), m) end, "^einsum: the equation has 200 characters")
    fails(function() return m:einsum() end, "^einsum: needs the equation")
    fails(function() return m:einsum { equation = 3 } end, "^einsum: the equation must be a text, got number")
  end,
  solve_triangular = function()
    local a = f64 { { 2, 9 }, { 1, 4 } }
    holds({ 3, 0.5 }, a:solve_triangular(f64 { 6, 5 }))
    holds({ -4, 2 }, a:solve_triangular(f64 { 10, 8 }, { upper = true }))
    holds({ 3, 1 }, a:solve_triangular(f64 { 7, 4 }, { transpose = true }) * f64 { 1, 1 })
    holds({ 6, -1 }, a:solve_triangular(f64 { 6, 5 }, { unitriangular = true }))
    fails(function() return ml.zeros({ 2, 2 }):solve_triangular(ml.ones { 2 }) end,
      "^solve_triangular: matrix 1 of shape %(2, 2%) is singular: its diagonal has a 0 at 1")
  end,
  solve = function()
    holds({ 1, 2 }, f64({ { 1, 2 }, { 3, 4 } }):solve(f64 { 5, 11 }))
    fails(function() return ml.ones({ 2, 2 }):solve(ml.ones { 2 }) end,
      "^solve: matrix 1 of shape %(2, 2%) is singular; lstsq and pinv")
    fails(function() return ml.eye(2):solve(ml.ones { 3 }) end, "^solve: the right side, shape %(3%), must have 2 rows")
    fails(function() return m:solve(ml.ones { 2 }) end, "^solve: needs a square matrix, got shape %(2, 3%)")
  end,
  inv = function()
    holds({ { -2, 1 }, { 1.5, -0.5 } }, f64({ { 1, 2 }, { 3, 4 } }):inv())
    fails(function() return ml.zeros({ 2, 3, 3 }):inv() end, "^inv: matrix 1 of shape %(2, 3, 3%) is singular")
    local bad = ml.zeros({ 2, 2 }):inv { strict = false }
    assert.is_true(bad[{ 1, 1 }]:item() ~= bad[{ 1, 1 }]:item())
    fails(function() return (ml.eye(2) / 0):inv() end, "^inv: the input, shape %(2, 2%), holds an infinity")
  end,
  pinv = function()
    holds({ { 0.2, 0.4 } }, f64({ { 1 }, { 2 } }):pinv())
    holds({ { 0.5, 0 }, { 0, 0 } }, f64({ { 2, 0 }, { 0, 0.1 } }):pinv(0.5))
    fails(function() return ml.ones({ 2 }):pinv() end, "^pinv: needs a matrix, got shape %(2%)")
  end,
  lstsq = function()
    holds({ 1.5, 0 }, f64({ { 1, 0 }, { 1, 0 } }):lstsq(f64 { 1, 2 }))
    fails(function() return (ml.eye(2) * (0 / 0)):lstsq(ml.ones { 2 }) end, "^lstsq: .*holds NaN")
  end,
  det = function() holds(-2, f64({ { 1, 2 }, { 3, 4 } }):det()) end,
  cofactor = function() holds({ { 4, -3 }, { -2, 1 } }, f64({ { 1, 2 }, { 3, 4 } }):cofactor()) end,
  slogdet = function()
    holds({ -1, math.log(2) }, f64({ { 1, 2 }, { 3, 4 } }):slogdet())
    holds({ 0, -math.huge }, ml.zeros({ 2, 2 }):slogdet())
  end,
  cholesky = function()
    holds({ { 2, 0 }, { 1, 3 } }, f64({ { 4, 2 }, { 2, 10 } }):cholesky())
    fails(function() return f64({ { 1, 2 }, { 2, 1 } }):cholesky() end,
      "^cholesky: matrix 1 of shape %(2, 2%) is not positive definite")
  end,
  eigh_parts = function()
    local h = math.sqrt(0.5)
    holds({ { 1, 3 }, { h, h }, { -h, h } }, f64({ { 2, 1 }, { 1, 2 } }):eigh_parts())
  end,
  svd_parts = function() holds({ { 0.6 }, { 0.8 }, { 5 }, { 1 } }, f64({ { 3 }, { 4 } }):svd_parts()) end,
  qr_parts = function() holds({ { 0.6 }, { 0.8 }, { 5 } }, f64({ { 3 }, { 4 } }):qr_parts()) end,
  eigvalsh = function() holds({ 1, 3 }, f64({ { 2, 1 }, { 1, 2 } }):eigvalsh()) end,
  svdvals = function() holds({ 5 }, f64({ { 3 }, { 4 } }):svdvals()) end,
  matrix_rank = function()
    assert.equal(1, f64({ { 1, 2 }, { 2, 4 } }):matrix_rank():item())
    assert.equal(1, f64({ { 1, 0 }, { 0, 0.1 } }):matrix_rank(0.5):item())
  end,
  expm = function() holds({ { math.exp(1), 0 }, { 0, 1 } }, f64({ { 1, 0 }, { 0, 0 } }):expm()) end,
  expm_frechet = function() holds({ { math.exp(1) } }, f64({ { 1 } }):expm_frechet(f64 { { 1 } })) end,
  matrix_power = function()
    holds({ { 1, 3 }, { 0, 1 } }, f64({ { 1, 1 }, { 0, 1 } }):matrix_power(3))
    holds({ { 1, -2 }, { 0, 1 } }, f64({ { 1, 1 }, { 0, 1 } }):matrix_power(-2))
    fails(function() return ml.zeros({ 2, 2 }):matrix_power(-1) end, "^matrix_power: inv: matrix 1 of shape %(2, 2%) is singular")
  end,
  rfft = function()
    holds({ { 6, 0 }, { -1.5, math.sqrt(3) / 2 } }, f64({ 1, 2, 3 }):rfft())
    fails(function() return ml.zeros({ 0 }):rfft() end, "^rfft: needs at least one value")
  end,
  irfft = function()
    holds({ 1, 2, 3 }, f64({ 1, 2, 3 }):rfft():irfft(3))
    holds({ 1, 2, 3, 4 }, f64({ 1, 2, 3, 4 }):rfft():irfft())
    fails(function() return f64({ 1, 2, 3 }):rfft():irfft(6) end,
      "^irfft: 2 frequencies, shape %(2, 2%), make 2 or 3 values, not 6")
  end,
  linear = function()
    local w, b = f64 { { 1, 0, 0 }, { 0, 0, -1 } }, f64 { 0.5, 4 }
    holds({ { 1.5, 1 }, { 4.5, -2 } }, m:linear(w, b))
    holds({ { 1.5, 1 }, { 4.5, 0 } }, m:linear(w, b, "relu"))
    holds({ { 1.5, 1 }, { 4.5, 0 } }, m:linear(w, b, { act = "relu" }))
    fails(function() return m:linear(w, b, "gelu") end,
      "^linear: act must be \"none\", \"relu\", \"tanh\" or \"sigmoid\", got \"gelu\"")
  end,
  act_dx = function()
    holds({ { 0, -6, -24 }, { -60, -120, -210 } }, m:act_dx(m))
    holds({ { 0, -4, -18 }, { -48, -100, -180 } }, m:act_dx(m, "sigmoid"))
    holds({ { 1, 1, 0 }, { 1, 0, 1 } }, (m * 0 + 1):act_dx(f64 { { 2, 1, -1 }, { 3, 0, 1 } }, "relu"))
    fails(function() return m:act_dx(m, "none") end, "^act_dx: needs an activation: relu, tanh or sigmoid")
  end,
  token_linear = function()
    local ids, w, b = ml.tensor { { 2, 1 }, { 1, 1 } }, f64 { { 1, 0, 0, 0, 0, 1 }, { -1, 0, 0, 0, 0, 0 } }, f64 { 0.5, 0 }
    holds({ { 4 + 3 + 0.5, -4 }, { 1 + 3 + 0.5, -1 } }, ids:token_linear(m, w, b))
    holds({ { 7.5, 0 }, { 4.5, 0 } }, ids:token_linear(m, w, b, "relu"))
    fails(function() return (ids - 1):token_linear(m, w, b) end, "ids must be 1%.%.2, found 0 %(add 1%)")
  end,
  softmax = function()
    local e, total = map({ 1, 2, 3 }, math.exp), math.exp(1) + math.exp(2) + math.exp(3)
    local share = map(e, function(v) return v / total end)
    holds({ share, share }, m:softmax())
    holds({ share, share }, m:softmax(2))
    holds({ share, share }, m:transpose():softmax { dim = 1 }:transpose())
  end,
  log_softmax = function() holds(m:softmax():log():tolist(), m:log_softmax(-1)) end,
  cross_entropy = function()
    local expected = -(m:log_softmax()[{ 1, 3 }] + m:log_softmax()[{ 2, 1 }]):item() / 2
    holds(expected, m:cross_entropy(ml.tensor { 3, 1 }))
    holds(expected, ml.nn.cross_entropy(m, ml.tensor { 3, 1 }))
    holds(-m:log_softmax()[{ 1, 3 }]:item(), m[1]:cross_entropy(ml.tensor(3)))
    holds({ -m:log_softmax()[{ 1, 3 }]:item(), -m:log_softmax()[{ 2, 1 }]:item() }, m:cross_entropy(ml.tensor { 3, 1 }, 2))
    fails(function() return m:cross_entropy(ml.tensor { 3, 1 }, { groups = 3 }) end,
      "^cross_entropy: %(2, 3%) do not fall into 3 groups of as many rows each")
    fails(function() return m:cross_entropy(ml.tensor { 0, 3 }) end, "labels must be 1%.%.3, found 0 %(add 1%)")
    fails(function() return m:cross_entropy(ml.tensor { 1, 4 }) end, "labels must be 1%.%.3, found 4")
    fails(function() return m:cross_entropy(ml.tensor { 1 }) end, "^cross_entropy: ")
  end,
  conv2d = function()
    local x, w = ml.arange(1, 9):cast("f32"):reshape(1, 1, 3, 3), ml.tensor { { { { 1., 0 }, { 0, -1 } } } }
    holds({ { { { -4, -4 }, { -4, -4 } } } }, x:conv2d(w))
    holds({ { { { -1, -3 }, { -7, -4 } } } }, x:conv2d(w, { stride = 2, padding = 1 })) -- 0-1, 0-3, 0-7, 5-9
    fails(function() return x:conv2d(w, { stride = 0 }) end, "^conv2d: stride must be 1%.%.")
    fails(function() return x:conv2d(w, { stride = { 1, 2, 3 } }) end, "^conv2d: stride takes one number, or two")
    fails(function() return x:conv2d(w, { groups = 2 }) end, "^conv2d: 2 groups do not divide 1 inputs")
    fails(function() return m:conv2d(w) end, "^conv2d: the input must have four dimensions, %(n, c, h, w%), got %(2, 3%)")
  end,
  conv2d_dx = function()
    local w = ml.tensor { { { { 1., 0 }, { 0, -1 } } } }
    holds({ { { { 3, 0 }, { 0, -3 } } } }, ml.tensor { { { { 3. } } } }:conv2d_dx(w, { size = 2 }))
    fails(function() return ml.tensor { { { { 3. } } } }:conv2d_dx(w, { size = 5 }) end,
      "^conv2d_dx: a size of %(5, 5%) gives %(4, 4%) places")
  end,
  conv2d_dw = function()
    local x = ml.arange(1, 4):cast("f32"):reshape(1, 1, 2, 2)
    holds({ { { { 3, 6 }, { 9, 12 } } } }, x:conv2d_dw(ml.tensor { { { { 3. } } } }, { kernel = 2 }))
    fails(function() return x:conv2d_dw(x, { kernel = 2 }) end, "^conv2d_dw: ")
  end,
  conv2d_bias = function()
    local x, w = ml.tensor { { { { 1., 2, 0 } } } }, ml.tensor { { { { 1., -1 } } } }
    holds({ { { { -0.5, 2.5 } } } }, ml.conv2d_bias(x, w, ml.tensor { 0.5 }))
    holds({ { { { 0, 2.5 } } } }, ml.conv2d_bias(x, w, ml.tensor { 0.5 }, { act = "relu" }))
    fails(function() return ml.conv2d_bias(x, w, ml.tensor { 1., 2 }) end, "^conv2d_bias: the bias must have shape %(1%)")
  end,
  max_pool2d = function()
    holds({ { 5, 2 } }, ml.tensor { { 1., 5, 2, 0 }, { 3, 4, 1, 1 } }:max_pool2d(2))
    holds({ { 5, 5, 2 }, { 4, 4, 1 } },
      ml.tensor { { 1., 5, 2, 0 }, { 3, 4, 1, 1 } }:max_pool2d { kernel = { 1, 2 }, stride = 1 })
    fails(function() return m:max_pool2d(3) end, "^max_pool2d: the kernel reaches over 3 rows, the image has 2")
  end,
  max_pool2d_positions = function()
    holds({ { 2, 3 } }, ml.tensor { { 1., 5, 2, 0 }, { 3, 4, 1, 1 } }:max_pool2d_positions(2)) -- from 1
  end,
  avg_pool2d = function()
    holds({ { 3, 1 } }, ml.tensor { { 1., 5, 2, 0 }, { 3, 3, 1, 1 } }:avg_pool2d(2))
    holds({ { 0.5 } }, ml.tensor { { 2. } }:avg_pool2d { kernel = 2, padding = 1, stride = 2 })
    holds({ { 2 } }, ml.tensor { { 2. } }:avg_pool2d { kernel = 2, padding = 1, stride = 2, count_include_pad = false })
    fails(function() return m:avg_pool2d { kernel = 2, padding = 2 } end, "^avg_pool2d: the padding may be at most half")
  end,
  adaptive_avg_pool2d = function()
    holds({ { 2, 3 } }, ml.tensor { { 1., 2, 3 }, { 2, 3, 4 } }:adaptive_avg_pool2d { 1, 2 })
  end,
  layer_norm = function()
    holds({ { -1, 3 } }, ml.tensor { { 1., 3 } }:layer_norm(ml.tensor { 1., 2 }, ml.tensor { 0., 1 }, { eps = 0 }))
    fails(function() return m:layer_norm(ml.ones { 2 }, ml.ones { 2 }) end,
      "^layer_norm: the weight must have the shape of the last 1 dimensions")
  end,
  rms_norm = function()
    holds({ { 1, -2 } }, ml.tensor { { 3., -3 } }:rms_norm(ml.tensor { 1., 2 }, { eps = 0 }))
  end,
  group_norm = function()
    local x = ml.tensor { { 1., 3, 10, 30 } }
    holds({ { -1, 1, -1, 1 } }, x:group_norm(ml.ones { 4 }, ml.zeros { 4 }, { groups = 2, eps = 0 }))
    fails(function() return x:group_norm(ml.ones { 4 }, ml.zeros { 4 }, { groups = 3 }) end,
      "^group_norm: 3 groups do not divide 4 channels")
  end,
  channel_moments = function()
    local x = ml.tensor { { { 1., 3 }, { 10, 10 } }, { { 5, 7 }, { 20, 40 } } }
    holds({ { 4, 20 }, { 5, 150 } }, x:channel_moments(), 1e-6)
    holds({ { 2, 20 }, { 1, 100 } }, ml.tensor { { 1., 10 }, { 3, 30 } }:channel_moments(), 1e-6)
    fails(function() return ml.ones({ 3 }):channel_moments() end, "^channel_moments: the input must be %(n, channels")
  end,
  batch_norm = function()
    local z = ml.tensor { { 1., 10 }, { 3, 30 } }:batch_norm(ml.tensor { 1., 2 }, ml.tensor { 0., 1 }, { eps = 0, act = "relu" })
    holds({ { 0, 0 }, { 1, 3 } }, z)
    holds({ { -1, -1 }, { 1, 3 } },
      ml.tensor { { 1., 10 }, { 3, 30 } }:batch_norm(ml.tensor { 1., 2 }, ml.tensor { 0., 1 }, { eps = 0 }))
    fails(function() return m:batch_norm(ml.ones { 2 }, ml.zeros { 2 }) end, "^batch_norm: the weight must have shape %(3%)")
  end,
  dropout = function()
    local x = ml.ones { 64 }
    local y = x:dropout(0.5, 3)
    holds(y:tolist(), x:dropout { seed = 3 }, 0)
    holds({ 0, 2 }, ml.tensor { y:min():item(), y:max():item() })
    holds(x:tolist(), x:dropout(0))
    fails(function() return x:dropout(2) end, "^dropout: p must be in 0%.%.1, got 2")
  end,
  rnn = function()
    local x, w, b = f64 { { { 1 }, { -2 } } }, f64 { { 0.5 } }, f64 { 1 }
    holds({ { { 2 + 1.5 }, { -1 + 1.75 } } }, x:rnn(w, b, f64 { { 3 } }, { act = "none" }))
    holds({ { { 2 }, { 0 } } }, x:rnn(w, b, f64 { { 0 } }, { act = "relu" }))
    holds({ { { 2 }, { 0 } } }, x:rnn(w, b, f64 { { 0 } }, { act = "relu", reverse = true }))
    fails(function() return x:rnn(w, b, f64 { 3 }) end, "^rnn: the first state must have shape %(1, 1%), got %(1%)")
    fails(function() return x:rnn(w, b, f64 { { 3 } }, { act = "gelu" }) end, "^rnn: act must be ")
  end,
  gru = function()
    local x, w, b = { 1, -2, 0.5 }, { 0.5, -1, 2 }, { 0.25, 0, -1 }
    local function after(s)
      local r, z = sigmoid(x[1] + w[1] * s + b[1]), sigmoid(x[2] + w[2] * s + b[2])
      return (1 - z) * tanh(x[3] + r * (w[3] * s + b[3])) + z * s
    end
    holds({ { { after(0.75) }, { after(after(0.75)) } } },
      f64({ { x, x } }):gru(f64 { { w[1] }, { w[2] }, { w[3] } }, f64(b), f64 { { 0.75 } }), 1e-12)
    fails(function() return f64({ { x } }):gru(f64 { w }, f64(b), f64 { { 0 } }) end, "^gru: the weight must be %(3 h, h%)")
  end,
  lstm = function()
    local x, w, b = { 1, -2, 0.5, 1.5 }, { 0.5, -1, 2, 1 }, { 0.25, 0, -1, 0.5 }
    local function gate(i, h) return x[i] + w[i] * h + b[i] end
    local c = sigmoid(gate(2, 0.75)) * 0.3 + sigmoid(gate(1, 0.75)) * tanh(gate(3, 0.75))
    local h = sigmoid(gate(4, 0.75)) * tanh(c)
    holds({ { { { h } } }, { { { c } } } }, f64({ { x } }):lstm(f64 { { w[1] }, { w[2] }, { w[3] }, { w[4] } }, f64(b),
      f64 { { { 0.75 } }, { { 0.3 } } }), 1e-12)
    fails(function() return f64({ { x } }):lstm(f64 { { 1 }, { 1 }, { 1 }, { 1 } }, f64(b), f64 { { 0 } }) end,
      "^lstm: the first state must have shape %(2, 1, 1%)")
  end,
  weighted_cross_entropy = function()
    local each = m:cross_entropy(ml.tensor { 3, 1 }, { groups = 2 }):tolist()
    holds((each[1] * 4 + each[2] * 1) / 5, m:weighted_cross_entropy(ml.tensor { 3, 1 }, ml.tensor { 1., 2, 4 }))
    fails(function() return m:weighted_cross_entropy(ml.tensor { 3, 1 }, ml.ones { 2 }) end,
      "needs a weight for each of 3 classes")
    fails(function() return m:weighted_cross_entropy(ml.tensor { 3, 1 }, ml.ones { 3 }, { label_smoothing = -1 }) end,
      "must be in %[0, 1%]")
  end,
  bce_with_logits = function()
    holds({ math.log(2), 2 + math.log(1 + math.exp(-2)) },
      ml.tensor { 0., 2 }:bce_with_logits(ml.tensor { 1., 0 }, { reduction = "none" }))
    holds(3 * math.log(2), ml.tensor { 0. }:bce_with_logits(ml.tensor { 1. }, 3, "sum"))
  end,
  hinge = function()
    holds({ 0.5, 0, 2 }, ml.tensor { 0.5, -3, 1 }:hinge(ml.tensor { 1., -1, -1 }, { reduction = "none" }))
    fails(function() return m:hinge(m[1]) end, "^hinge: shapes differ: %(2, 3%) and %(3%)")
  end,
  logistic_loss = function() holds(math.log(1 + math.exp(-2)), ml.tensor { 2. }:logistic_loss(ml.tensor { 1. })) end,
  exponential_loss = function() holds(math.exp(2), ml.tensor { 2. }:exponential_loss(ml.tensor { -1. })) end,
  huber = function()
    holds({ 0.125, 2 * (3 - 1) }, ml.tensor { 0.5, -3 }:huber(ml.zeros { 2 }, 2, "none"))
    fails(function() return m:huber(m, -1) end, "^huber: delta must be above 0, got %-1")
  end,
  smooth_l1 = function()
    holds({ 0.125 / 2, 3 - 1 }, ml.tensor { 0.5, -3 }:smooth_l1(ml.zeros { 2 }, 2, "none"))
    fails(function() return m:smooth_l1(m, -1) end, "^smooth_l1: beta must be 0 or more, got %-1")
  end,
  kl_div = function()
    local q, p = ml.tensor { 0.5, 0.5 }:log(), ml.tensor { 0.25, 0.75 }:log()
    holds(0.25 * math.log(0.5) + 0.75 * math.log(1.5), q:kl_div(p))
    fails(function() return ml.tensor(1.):kl_div(ml.tensor(1.)) end, "^kl_div: needs a last dimension")
  end,
  multi_margin = function()
    holds((0.5 + 0) / 3, ml.tensor { { 2., 1.5, 0 } }:multi_margin(ml.tensor { 1 }))
    holds((2.5 ^ 2 + 3 ^ 2) / 3, ml.tensor { { 2., 1.5, 0 } }:multi_margin(ml.tensor { 3 }, { p = 2 }))
    fails(function() return m:multi_margin(ml.tensor { 1, 2 }, { p = 3 }) end, "^multi_margin: p must be 1 or 2, got 3")
    fails(function() return m:multi_margin(ml.tensor { 1., 2 }) end, "^multi_margin: labels must be")
  end,
  margin = function()
    holds({ 0.5, -2 }, ml.tensor { { 2., 1.5, 0 }, { 2, 1.5, 0 } }:margin(ml.tensor { 1, 3 }))
    fails(function() return ml.ones({ 2, 1 }):margin(ml.tensor { 1, 1 }) end, "^margin: needs two classes at least")
    fails(function() return m:margin(ml.tensor { 1 }) end, "^margin: needs scores %(n, classes%) and labels %(n%)")
  end,
  attention = function()
    local q, k, v = f64 { { 1, 0 }, { 0, 2 } }, f64 { { 1, 1 }, { -1, 3 } }, f64 { { 1, 10 }, { 2, 30 } }
    local function mixed(a, b) -- by scores a and b
      local share = 1 / (1 + math.exp(b - a))
      return { share + 2 * (1 - share), 10 * share + 30 * (1 - share) }
    end
    local root = math.sqrt(2)
    holds({ mixed(1 / root, -1 / root), mixed(2 / root, 6 / root) }, q:attention(k, v), 1e-12)
    holds({ mixed(0.5, -0.5), mixed(1, 3) }, q:attention(k, v, { scale = 0.5 }), 1e-12)
    holds({ { 1, 10 }, mixed(2 / root, 6 / root) }, q:attention(k, v, { causal = true }), 1e-12)
    holds({ mixed(2 / root, 6 / root) }, q[{ { 2, 2 } }]:attention(k, v, { causal = true }), 1e-12) -- the last query sees all
    fails(function() return q:attention(k[{ { 1, 1 } }], v[{ { 1, 1 } }], { causal = true }) end,
      "^attention: causal, the first of 2 queries would see none of 1 keys")
    fails(function() return q:attention(k:reshape(4, 1), v) end, "^attention: queries and keys must be of one width")
    fails(function() return q:attention(k, v[{ { 1, 1 } }]) end, "^attention: needs a value for each key")
  end,
  self_attention = function()
    local x = f64 { { 1, 0, 1, 1, 1, 10 }, { 0, 2, -1, 3, 2, 30 } }
    holds(x[{ {}, { 1, 2 } }]:attention(x[{ {}, { 3, 4 } }], x[{ {}, { 5, 6 } }]):tolist(), x:self_attention(), 1e-12)
    holds({ { 1, 10 }, { 1.5, 20 } }, (x * f64 { 0, 0, 1, 1, 1, 1 }):self_attention { heads = 2, causal = true }, 1e-12)
    fails(function() return x:self_attention(4) end, "^self_attention: needs queries, keys and values of 4 heads side by side")
  end,
  cross_attention = function()
    local x = f64 { { 1, 0, 1, 1, 1, 10 }, { 0, 2, -1, 3, 2, 30 } }
    local q, kv = x[{ {}, { 1, 2 } }], x[{ {}, { 3, 6 } }]
    holds(x:self_attention():tolist(), q:cross_attention(kv), 1e-12)
    holds(x:self_attention({ heads = 2, causal = true })[{ { 2, 2 } }]:tolist(),
      q[{ { 2, 2 } }]:cross_attention(kv, { heads = 2, causal = true }), 1e-12)
    fails(function() return q:cross_attention(q) end, "^cross_attention: needs keys and values side by side, twice as wide")
    fails(function() return q:cross_attention(kv, 3) end, "^cross_attention: needs queries of 3 heads side by side")
  end,
  mse = function()
    holds((9 + 4 + 1 + 0 + 1 + 4) / 6, m:mse(m * 0 + 4))
    holds(0, ml.nn.mse(m, m))
  end,
}

describe("the table of operations", function()
  for _, op in ipairs(ml.ops()) do
    it("has " .. op.name .. ": a method, a function, a doc, the values that Lua computes", function()
      assert.equal(ml[op.name], m[op.name])
      assert.is_function(ml[op.name])
      assert.is_true(#op.doc > 0)
      if one[op.name] then
        local f, inputs = table.unpack(one[op.name])
        assert.equal(1, op.inputs)
        holds(map(inputs, f), f64(inputs)[op.name](f64(inputs)), 1e-12)
        holds(f(inputs[2]), ml[op.name](inputs[2]), 1e-5) -- a plain number, in f32
      elseif two[op.name] then
        local f, x, y = two[op.name], { 1.5, 2.0, 3.0, 0.5 }, { 2.0, 2.0, -1.0, 0.5 }
        local expected = map({ 1, 2, 3, 4 }, function(i) return f(x[i], y[i]) end)
        assert.equal(2, op.inputs)
        holds(expected, f64(x)[op.name](f64(x), f64(y)), 1e-12)
        holds(map(x, function(v) return f(v, 2.0) end), ml[op.name](f64(x), 2), 1e-12)
        holds(map(y, function(v) return f(2.0, v) end), ml[op.name](2, f64(y)), 1e-12)
      else
        assert(other[op.name], "no case for " .. op.name)()
      end
    end)
  end

  it("knows each case by its name", function()
    local known = {}
    for _, op in ipairs(ml.ops()) do known[op.name] = true end
    for _, cases in ipairs { one, two, other } do
      for name in pairs(cases) do assert(known[name], name) end
    end
  end)
end)

describe("operators", function()
  local x, i = f64 { 7, -7 }, ml.tensor { 7, -7 }

  it("are those of Lua", function()
    holds({ 9, -5 }, x + 2)
    holds({ -5, 9 }, 2 - x)
    holds({ 14, -14 }, x * 2)
    holds({ 3.5, -3.5 }, x / 2)
    holds({ 3, -4 }, x // 2)
    holds({ 1, 1 }, x % 2)
    holds({ 49, 49 }, x ^ 2)
    holds({ -7, 7 }, -x)
    holds({ 8, 8 }, 2 ^ (x * 0 + 3))
  end)

  it("treat integers as Lua does: / divides truly, // to the floor", function()
    assert.equal("f32", (i / 2).dtype)
    holds({ 3.5, -3.5 }, i / 2)
    holds({ 2 / 7, -2 / 7 }, 2 / i)
    assert.equal("i64", (i // 2).dtype)
    holds({ 3, -4 }, i // 2)
    holds({ 1, 1 }, i % 2)
    holds({ -1, -1 }, i % -2)
    holds({ 7 % 2.5, -7 % 2.5 }, i % 2.5)
    fails(function() return i % 0 end, "^remainder: integer division by zero")
    assert.equal("i64", (i + 2).dtype)
    assert.equal("f32", (i + 0.5).dtype)
  end)

  it("have derivatives", function()
    local w = ml.tensor({ 3.0, -4.5 }, { requires_grad = true, dtype = "f64" })
    local y = w ^ 2 / 2 + 3 * w - w % 1
    y:sum():backward()
    holds({ 5, -2.5 }, w.grad)
    local v = ml.tensor({ 1.0 }, { requires_grad = true, dtype = "f64" })
    local third = v / 3 -- a plain number is as exact as the tensor that it meets
    third:sum():backward()
    holds({ 1 / 3 }, v.grad, 1e-16)
  end)
end)

describe("arguments of operations", function()
  local x = ml.ones { 2, 3 }

  it("are named when they are wrong", function()
    fails(function() return x:matmul(ml.ones { 4, 5 }) end, "^matmul: inner sizes differ: %(2, 3%) x %(4, 5%)")
    fails(function() return x + ml.ones { 2, 4 } end, "^add: shapes do not broadcast: %(2, 3%) and %(2, 4%)")
    fails(function() return x:add() end, "^add: argument 2 must be a tensor or a number, got nothing")
    fails(function() return x:add(true) end, "^add: argument 2 must be a tensor or a number, got boolean")
    fails(function() return x + "1" end, "^add: argument 2 must be a tensor or a number, got string")
    fails(function() return x:add(ml.nn.ReLU()) end,
      "^add: argument 2 must be a tensor or a number, got moonlab%.Module")
    fails(function() return x:relu(3) end, "^relu: too many arguments: number")
    fails(function() return x:sum(1, true, 5) end, "^sum: too many arguments: number")
    fails(function() return x:sum(3) end, "^sum: dim 3 of a tensor with 2 dimensions; they count from 1, or from %-1")
    fails(function() return x:sum(0) end, "^sum: dim 0 of a tensor with 2 dimensions")
    fails(function() return x:sum(1.5) end, "^sum: dims must be a whole number, got 1%.5")
    fails(function() return x:sum "all" end, "^sum: dims must be a list of whole numbers, got string")
    fails(function() return x:sum(1, 1) end, "^sum: ")
    fails(function() return x:softmax { 1 } end, "^softmax: dim does not take a list")
    fails(function() return ml.ones({}):argmax(1) end, "^argmax: dim 1 of a tensor with 0 dimensions")
  end)

  it("that are options are refused when unknown, and the nearest is offered", function()
    fails(function() return x:sum { dim = 1 } end, "^sum: unknown option 'dim'; did you mean 'dims'%?")
    fails(function() return x:sum(1, { keep_dim = true }) end,
      "^sum: unknown option 'keep_dim'; did you mean 'keepdim'%?")
    fails(function() return x:sum { along = 1 } end, "^sum: unknown option 'along'; it knows dims, keepdim")
    fails(function() return x:relu { slope = 1 } end, "^relu: unknown option 'slope'; it has no options")
    fails(function() return x:argmax { base = 0 } end, "^argmax: unknown option 'base'")
    fails(function() return x:sum { keepdim = 1 } end, "^sum: keepdim must be true or false, got number")
    fails(function() return x:sum({ keepdim = true }, 1) end, "^sum: the table of options must come last")
  end)

  it("may be left out, or be an empty table", function()
    assert.equal(6, x:sum({}):item())
    assert.equal(6, x:sum({}, {}):item())
    assert.same({ 2, 3 }, x:softmax({}).shape)
    assert.same({ 1, 3 }, x:argmax(1, nil, {}):reshape(1, 3).shape)
  end)
end)
