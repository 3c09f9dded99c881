--- Statistics for experiments: what a few runs say, and how sure it is.
---
---     local r, p = ml.stats.pearson(sharpness, gap)            -- lists of numbers, or tensors of one dimension
---     local ci   = ml.stats.bootstrap(accuracies)              -- ci.low, ci.high of the mean, 95 %
---     local fit  = ml.stats.regression(log_width, log_loss)    -- fit.coefficients, fit.std_errors, fit.p, fit.r2
---     local axes = ml.stats.pca(features, 2)                   -- axes.scores (n, 2)
---
--- Samples are lists of numbers or tensors; the sums are in f64. Numbers come back as numbers, tables of them as tensors.
local ml      = require "moonlab"
local check   = require "moonlab.check"
local core    = require "moonlab.core"
local special = require "moonlab.special"

---@class moonlab.stats
local stats = {}

---@alias moonlab.Sample number[]|moonlab.Tensor

-- Samples ------------------------------------------------------------------------------------------------------------------

-- As a tensor of f64 with its own shape, outside any graph.
local function tensor_of(where, x, name)
  if ml.is_tensor(x) then return x:detach():cast "f64" end
  if type(x) ~= "table" then check.fail("stats.%s: %s must be a list of numbers or a tensor, got %s", where, name, type(x)) end
  for i, v in ipairs(x) do
    if type(v) ~= "number" and type(v) ~= "table" then
      check.fail("stats.%s: entry %d of %s must be a number, got %s", where, i, name, type(v))
    end
  end
  return #x == 0 and ml.zeros({ 0 }, { dtype = "f64" }) or ml.tensor(x, { dtype = "f64" })
end

local function vector_of(where, x, name, least)
  local t = tensor_of(where, x, name)
  if t:dim() ~= 1 then check.fail("stats.%s: %s must be of one dimension, got %d", where, name, t:dim()) end
  if t:numel() < least then check.fail("stats.%s: needs at least %d values, got %d", where, least, t:numel()) end
  return t
end

local function pair_of(where, x, y, least)
  local a, b = vector_of(where, x, "x", least), vector_of(where, y, "y", least)
  if a:numel() ~= b:numel() then check.fail("stats.%s: x has %d values, y %d", where, a:numel(), b:numel()) end
  return a, b
end

local function matrix_of(where, x, name)
  local t = tensor_of(where, x, name)
  if t:dim() == 1 then t = t:reshape(-1, 1) end
  if t:dim() ~= 2 then check.fail("stats.%s: %s must be (n, p) or (n), got %d dimensions", where, name, t:dim()) end
  return t
end

--- The mean of all values.
---@param x moonlab.Sample
---@return number
function stats.mean(x)
  return tensor_of("mean", x, "x"):mean():item()
end

--- The standard deviation of all values: the root of their mean square distance from the mean, over n - correction.
---@param x moonlab.Sample
---@param opts? { correction?: integer }  default 1
---@return number
function stats.std(x, opts)
  local o = check.options("stats.std", opts, { correction = 1 })
  local t = tensor_of("std", x, "x")
  return math.sqrt((t - t:mean()):square():sum():item() / (t:numel() - o.correction))
end

--- Smooths a curve as figures do with the option `smooth`, and the window with the keys [ and ]: an exponential average of the
--- past, made up for its beginning at zero. A value of age k has the weight past^k; age counts values, not what stands along x.
--- What is not finite stays where it is and does not count. The average is as steady as the mean of
--- w = (1 + past) / (1 - past) values, rounded (19 for 0.9, 199 for 0.99); `low` and `high` are the least and the most of the
--- finite ones among the last w.
---@param x moonlab.Sample  of one dimension, in the order of time
---@param past number       the weight of the past, 0 (nothing changes) to below 1
---@return moonlab.Tensor average  f64
---@return moonlab.Tensor low      f64
---@return moonlab.Tensor high     f64
function stats.smooth(x, past)
  if type(past) ~= "number" or not (past >= 0 and past < 1) then
    check.fail("stats.smooth: past must be a number from 0 to below 1, got %s", tostring(past))
  end
  local all = core.stats.smooth(vector_of("smooth", x, "x", 1), past)
  return all[1], all[2], all[3]
end

-- Correlation --------------------------------------------------------------------------------------------------------------

local function correlation(a, b)
  local x, y = a - a:mean(), b - b:mean()
  local size = math.sqrt(x:square():sum():item()) * math.sqrt(y:square():sum():item())
  if size == 0 then return 0 / 0 end -- one side is constant
  return math.max(-1, math.min(1, (x * y):sum():item() / size))
end

local function correlation_p(r, n) -- two-sided, of the t distribution
  if n < 3 or r ~= r then return 0 / 0 end
  local rest = 1 - r * r
  return rest <= 0 and 0.0 or special.t_two_sided(r * math.sqrt((n - 2) / rest), n - 2)
end

--- Pearson's correlation, and the p-value of "there is none" for normal x and y. NaN when one of them is constant.
---@param x moonlab.Sample
---@param y moonlab.Sample  as many values
---@return number r
---@return number p  two-sided
function stats.pearson(x, y)
  local a, b = pair_of("pearson", x, y, 2)
  local r = correlation(a, b)
  return r, correlation_p(r, a:numel())
end

local function by_value(values)
  local order = {}
  for i = 1, #values do order[i] = i end
  table.sort(order, function(i, j)
    if values[i] ~= values[j] then return values[i] < values[j] end
    return i < j
  end)
  return order
end

local function no_nan(where, values)
  for i, v in ipairs(values) do
    if v ~= v then check.fail("stats.%s: value %d is NaN, which has no rank", where, i) end
  end
  return values
end

local function ranked(values)
  local order, ranks, first = by_value(values), {}, 1
  while first <= #order do
    local last = first
    while last < #order and values[order[last + 1]] == values[order[first]] do last = last + 1 end
    for i = first, last do ranks[order[i]] = (first + last) / 2 end
    first = last + 1
  end
  return ranks
end

--- The rank of each value, 1 for the smallest; equal values share the mean of theirs.
---@param x moonlab.Sample
---@return moonlab.Tensor  f64
function stats.ranks(x)
  local t = vector_of("ranks", x, "x", 1)
  return ml.tensor(ranked(no_nan("ranks", t:tolist())), { dtype = "f64" })
end

--- Spearman's correlation: Pearson's, of the ranks. The p-value is that of the t distribution.
---@param x moonlab.Sample
---@param y moonlab.Sample
---@return number rho
---@return number p
function stats.spearman(x, y)
  local a, b = pair_of("spearman", x, y, 2)
  return stats.pearson(ranked(no_nan("spearman", a:tolist())), ranked(no_nan("spearman", b:tolist())))
end

local function pairs_within(count) return count * (count - 1) // 2 end

-- How many pairs of a list in order are equal, by same(i, j) of neighbours.
local function tied_pairs(n, same)
  local total, run = 0, 1
  for i = 2, n + 1 do
    if i <= n and same(i - 1, i) then run = run + 1
    else total, run = total + pairs_within(run), 1 end
  end
  return total
end

-- Sorts the list and returns how many pairs stood in falling order.
local function count_inversions(list)
  local n, width, total, from, to = #list, 1, 0, list, {}
  while width < n do
    for left = 1, n, 2 * width do
      local middle, right = math.min(left + width, n + 1), math.min(left + 2 * width, n + 1)
      local i, j = left, middle
      for k = left, right - 1 do
        if i < middle and (j >= right or from[i] <= from[j]) then
          to[k], i = from[i], i + 1
        else
          to[k], j, total = from[j], j + 1, total + (middle - i)
        end
      end
    end
    from, to, width = to, from, 2 * width
  end
  return total, from
end

--- Kendall's tau-b: (pairs in the same order - pairs in opposite order), with ties accounted for. O(n log n).
--- Knight 1966, "A computer method for calculating Kendall's tau with ungrouped data".
---@param x moonlab.Sample
---@param y moonlab.Sample
---@return number tau  NaN when one side is constant
function stats.kendall(x, y)
  local s, t = pair_of("kendall", x, y, 2)
  local a, b = no_nan("kendall", s:tolist()), no_nan("kendall", t:tolist())
  local n, order = #a, {}
  for i = 1, n do order[i] = i end
  table.sort(order, function(i, j)
    if a[i] ~= a[j] then return a[i] < a[j] end
    if b[i] ~= b[j] then return b[i] < b[j] end
    return i < j
  end)
  local function same_x(i, j) return a[order[i]] == a[order[j]] end
  local all, x_ties = pairs_within(n), tied_pairs(n, same_x)
  local both_ties = tied_pairs(n, function(i, j) return same_x(i, j) and b[order[i]] == b[order[j]] end)
  local list = {}
  for i = 1, n do list[i] = b[order[i]] end
  local opposite, sorted = count_inversions(list)
  local y_ties = tied_pairs(n, function(i, j) return sorted[i] == sorted[j] end)
  local difference = all - x_ties - y_ties + both_ties - 2 * opposite
  return difference / math.sqrt(all - x_ties) / math.sqrt(all - y_ties)
end

-- Bootstrap ------------------------------------------------------------------------------------------------------------------

local function number_from(where, value)
  if ml.is_tensor(value) then return value:item() end
  if type(value) ~= "number" then check.fail("stats.%s: the statistic must return a number, got %s", where, type(value)) end
  return value
end

local function quantile(sorted, q) -- linear between the values, as NumPy's default
  local at = 1 + q * (#sorted - 1)
  local low = math.max(1, math.min(#sorted, math.floor(at)))
  local high = math.min(low + 1, #sorted)
  return sorted[low] + (at - low) * (sorted[high] - sorted[low])
end

local function without_row(x, i)
  local n = x:size(1)
  if i == 1 then return x:slice(1, 2) end
  if i == n then return x:slice(1, 1, n - 1) end
  return ml.cat({ x:slice(1, 1, i - 1), x:slice(1, i + 1) }, 1)
end

-- Efron 1987: which quantiles to take when the statistic is biased or its spread depends on its value.
local function corrected(q, x, statistic, estimate, sorted)
  local below = 0
  for _, v in ipairs(sorted) do below = below + (v < estimate and 1 or v == estimate and 0.5 or 0) end
  local share = math.max(0.5 / #sorted, math.min(1 - 0.5 / #sorted, below / #sorted))
  local bias, left, sum, squares, cubes = special.normal_quantile(share), {}, 0, 0, 0
  for i = 1, x:size(1) do
    left[i] = number_from("bootstrap", statistic(without_row(x, i)))
    sum = sum + left[i]
  end
  for _, v in ipairs(left) do
    local d = sum / #left - v
    squares, cubes = squares + d * d, cubes + d * d * d
  end
  local acceleration = squares > 0 and cubes / (6 * squares ^ 1.5) or 0
  local z = bias + special.normal_quantile(q)
  return special.normal_cdf(bias + z / (1 - acceleration * z))
end

---@class moonlab.BootstrapOptions
---@field samples? integer             how many resamples (default 2000)
---@field level?   number              of confidence (default 0.95)
---@field method?  "bca"|"percentile"  (default "bca": corrected for bias and skew)
---@field seed?    integer             of the resamples; else the next stream of ml.seed

---@class moonlab.Interval
---@field estimate  number  the statistic of the sample itself
---@field low       number
---@field high      number
---@field std_error number  the standard deviation of the statistic over the resamples

--- A confidence interval for any statistic, by resampling with replacement along the first dimension.
--- Efron 1987, "Better bootstrap confidence intervals". BCa needs n + samples evaluations.
---@param x moonlab.Sample  (n, ...): rows belong together, so paired data are the columns of a matrix
---@param statistic? fun(x: moonlab.Tensor): number|moonlab.Tensor  (default: the mean)
---@param opts? moonlab.BootstrapOptions
---@return moonlab.Interval
function stats.bootstrap(x, statistic, opts)
  if type(statistic) == "table" and opts == nil then statistic, opts = nil, statistic end
  local o = check.options("stats.bootstrap", opts, { samples = 2000, level = 0.95, method = "bca", seed = 0 })
  if o.method ~= "bca" and o.method ~= "percentile" then
    check.fail("stats.bootstrap: method must be \"bca\" or \"percentile\", got %s", o.method)
  end
  if not (o.level > 0 and o.level < 1) then check.fail("stats.bootstrap: level must lie between 0 and 1, got %g", o.level) end
  if o.samples < 2 then check.fail("stats.bootstrap: needs at least 2 samples, got %d", o.samples) end
  local t = tensor_of("bootstrap", x, "x")
  if t:dim() == 0 or t:size(1) < 2 then check.fail "stats.bootstrap: needs at least 2 values" end
  statistic = statistic or function(sample) return sample:mean() end
  local n, values = t:size(1), {}
  local ids = ml.randint(1, n, { o.samples, n }, { seed = opts and opts.seed })
  for i = 1, o.samples do values[i] = number_from("bootstrap", statistic(t[ids[i]])) end
  local estimate, std_error = number_from("bootstrap", statistic(t)), stats.std(values)
  table.sort(no_nan("bootstrap", values))
  local low, high = (1 - o.level) / 2, (1 + o.level) / 2
  if o.method == "bca" then
    low, high = corrected(low, t, statistic, estimate, values), corrected(high, t, statistic, estimate, values)
  end
  return { estimate = estimate, low = quantile(values, low), high = quantile(values, high), std_error = std_error }
end

-- Regression -----------------------------------------------------------------------------------------------------------------

---@class moonlab.Regression
---@field coefficients moonlab.Tensor  (p): the constant first, when there is one
---@field std_errors   moonlab.Tensor  (p)
---@field t            moonlab.Tensor  (p): coefficient over its error
---@field p            moonlab.Tensor  (p): two-sided, of "this coefficient is 0"
---@field r2           number          share of the variance of y that is explained
---@field sigma        number          standard deviation of the residuals, over n - p
---@field df           integer         n - p
---@field residuals    moonlab.Tensor  (n)

--- Linear regression of y on the columns of x by least squares (QR), with classical errors.
---@param x moonlab.Sample  (n) or (n, p)
---@param y moonlab.Sample  (n)
---@param opts? { intercept?: boolean }  a constant besides the columns of x (default true)
---@return moonlab.Regression
function stats.regression(x, y, opts)
  local o = check.options("stats.regression", opts, { intercept = true })
  local columns, target = matrix_of("regression", x, "x"), vector_of("regression", y, "y", 1)
  local n = target:numel()
  if columns:size(1) ~= n then check.fail("stats.regression: x has %d rows, y %d", columns:size(1), n) end
  if o.intercept then columns = ml.cat({ ml.ones({ n, 1 }, { dtype = "f64" }), columns }, 2) end
  local p = columns:size(2)
  if n < p then check.fail("stats.regression: %d coefficients cannot be found from %d rows; use linalg.lstsq", p, n) end
  local scale = columns:square():sum(1):sqrt() -- columns of size 1: their units do not matter
  local q, r = ml.linalg.qr(columns / scale)
  for i = 1, p do
    if r[{ i, i }]:item() <= 1e-14 then check.fail("stats.regression: column %d of x depends on those before it", i) end
  end
  local coefficients = r:solve_triangular(q:transpose():matmul(target), { upper = true }) / scale
  local residuals = target - columns:matmul(coefficients)
  local df, rest = n - p, residuals:square():sum():item()
  local spread = o.intercept and (target - target:mean()) or target
  local sigma = math.sqrt(rest / df)
  local inverse = r:solve_triangular(ml.eye(p, { dtype = "f64" }), { upper = true })
  local std_errors = inverse:square():sum(2):sqrt() / scale * sigma
  local t, significance = coefficients / std_errors, {}
  for i = 1, p do significance[i] = df > 0 and special.t_two_sided(t[i]:item(), df) or 0 / 0 end
  return {
    coefficients = coefficients, std_errors = std_errors, t = t, p = ml.tensor(significance, { dtype = "f64" }),
    r2 = 1 - rest / spread:square():sum():item(), sigma = sigma, df = df, residuals = residuals,
  }
end

-- Many dimensions ------------------------------------------------------------------------------------------------------------

---@class moonlab.Pca
---@field mean       moonlab.Tensor  (p)
---@field components moonlab.Tensor  (k, p): orthonormal rows, by falling variance, the largest number of each positive
---@field variance   moonlab.Tensor  (k): along each component, over n - 1
---@field ratio      moonlab.Tensor  (k): its share of the whole variance
---@field scores     moonlab.Tensor  (n, k): x - mean in the coordinates of the components

--- Principal components of the rows of x, by the svd of the centred matrix; in f64.
---@param x moonlab.Sample  (n, p), n at least 2
---@param k? integer        how many components (default: all, min(n, p))
---@return moonlab.Pca
function stats.pca(x, k)
  local rows = matrix_of("pca", x, "x")
  local n, p = rows:size(1), rows:size(2)
  if n < 2 then check.fail("stats.pca: needs at least 2 rows, got %d", n) end
  local most = math.min(n, p)
  k = k or most
  if math.type(k) ~= "integer" or k < 1 or k > most then
    check.fail("stats.pca: k must be a whole number from 1 to %d, got %s", most, tostring(k))
  end
  local mean = rows:mean(1)
  local u, s, v = ml.linalg.svd((rows - mean):transpose()) -- this way round the signs of the components are fixed
  local variance, first = s:square() / (n - 1), s:slice(1, 1, k)
  return {
    mean = mean, components = u:slice(2, 1, k):transpose(), variance = variance:slice(1, 1, k),
    ratio = variance:slice(1, 1, k) / variance:sum(), scores = v:slice(2, 1, k) * first,
  }
end

local BLOCK = 1 << 22 -- values of a block of differences

--- Distances of the rows of x to the rows of y: (n, d), (m, d) -> (n, m). Recorded; the derivative at equal rows is 0.
---@param x moonlab.Tensor
---@param y? moonlab.Tensor  (default: x)
---@param opts? { p?: number }  the norm: 1, 2 (default) or math.huge
---@return moonlab.Tensor
function stats.cdist(x, y, opts)
  if not ml.is_tensor(y) and opts == nil then y, opts = nil, y end
  y = y or x
  local norm = check.options("stats.cdist", opts, { p = 2 }).p
  if norm ~= 1 and norm ~= 2 and norm ~= math.huge then check.fail("stats.cdist: p must be 1, 2 or math.huge, got %g", norm) end
  if not (ml.is_tensor(x) and ml.is_tensor(y) and x:dim() == 2 and y:dim() == 2 and x:size(2) == y:size(2)) then
    check.fail "stats.cdist: needs tensors (n, d) and (m, d)"
  end
  local n, m, d = x:size(1), y:size(1), x:size(2)
  local rows, parts = math.max(1, BLOCK // math.max(1, m * d)), {}
  for first = 1, math.max(n, 1), rows do
    local difference = x:slice(1, first, math.min(first + rows - 1, n)):reshape(-1, 1, d) - y
    local part
    if norm == 2 then
      local squares = difference:square():sum(-1)
      local apart = squares:gt(0)
      part = ml.where(apart, ml.where(apart, squares, 1):sqrt(), 0)
    elseif norm == 1 then part = difference:abs():sum(-1)
    else part = difference:abs():max(-1) end
    parts[#parts + 1] = part
  end
  return #parts == 1 and parts[1] or ml.cat(parts, 1)
end

return stats
