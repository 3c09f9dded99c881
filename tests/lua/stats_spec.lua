-- Statistics against published values: Anscombe 1973, NIST's certified values for Longley's data, the examples in the
-- documentation of SciPy 1.x (scipy.stats.pearsonr, spearmanr, kendalltau), tables of the t distribution; and closed forms.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local stats   = ml.stats
local special = require "moonlab.special"
local holds, fails = support.holds, support.fails

local function near(expected, got, tolerance)
  if math.abs(got - expected) > (tolerance or 1e-12) * math.max(1, math.abs(expected)) then
    error(("expected %.15g, got %.15g"):format(expected, got), 2)
  end
end

describe("mean and std", function()
  it("take lists and tensors", function()
    near(2.5, stats.mean { 1, 2, 3, 4 })
    near(2.5, stats.mean(ml.tensor { { 1, 2 }, { 3, 4 } }))
    near(math.sqrt(5 / 3), stats.std { 1, 2, 3, 4 })
    near(math.sqrt(5 / 4), stats.std({ 1, 2, 3, 4 }, { correction = 0 }))
    near(0.5, stats.std({ 1e9, 1e9 + 1 }, { correction = 0 }))
    fails(function() stats.mean(3) end, "^stats%.mean: x must be a list of numbers or a tensor, got number")
    fails(function() stats.mean { 1, "2" } end, "^stats%.mean: entry 2 of x must be a number, got string")
  end)
end)

describe("smooth", function()
  it("is the mean of the past, weighted by age", function()
    local x, past = {}, 0.9
    for i = 1, 60 do x[i] = math.sin(i * i) end
    local got = stats.smooth(x, past):tolist()
    for n = 1, #x do
      local sum, weights = 0, 0
      for i = 1, n do sum, weights = sum + past ^ (n - i) * x[i], weights + past ^ (n - i) end
      near(sum / weights, got[n])
    end
    holds(x, (stats.smooth(ml.tensor(x, { dtype = "f64" }), 0)))
    holds({ 3, 3, 3 }, stats.smooth({ 3, 3, 3 }, 0.999), 1e-12)
  end)
  it("tells the range of what it stands for", function()
    local x, nan = {}, 0 / 0
    for i = 1, 200 do x[i] = i % 17 == 3 and nan or math.sin(i * i) end
    for past, width in pairs { [0] = 1, [0.5] = 3, [0.9] = 19, [0.99] = 199 } do
      local average, low, high = stats.smooth(x, past)
      average, low, high = average:tolist(), low:tolist(), high:tolist()
      for n = 1, #x do
        local least, most = math.huge, -math.huge
        for i = math.max(1, n - width + 1), n do
          if x[i] == x[i] then least, most = math.min(least, x[i]), math.max(most, x[i]) end
        end
        if x[n] == x[n] then
          near(least, low[n]); near(most, high[n])
        else
          assert.is_true(low[n] ~= low[n] and high[n] ~= high[n] and average[n] ~= average[n])
        end
      end
    end
  end)
  it("leaves what is not finite where it is", function()
    local far = stats.smooth({ 1, math.huge, 2, -math.huge }, 0.5):tolist()
    assert.are.equal(math.huge, far[2]); assert.are.equal(-math.huge, far[4])
    near(5 / 3, far[3])
    local got = stats.smooth({ 1, 0 / 0, 2 }, 0.5):tolist()
    assert.is_true(got[2] ~= got[2])
    near(5 / 3, got[3])
  end)
  it("refuses what is no weight", function()
    for _, past in ipairs { 1, -0.1, 0 / 0, "much" } do
      fails(function() stats.smooth({ 1 }, past) end, "^stats%.smooth: past must be a number from 0 to below 1")
    end
    fails(function() stats.smooth({}, 0.5) end, "stats%.smooth")
  end)
end)

describe("special functions", function()
  it("have their known values", function()
    near(math.log(24), special.log_gamma(5), 1e-14)
    near(math.log(math.sqrt(math.pi)), special.log_gamma(0.5), 1e-14)
    near(0.05, special.t_two_sided(math.tan(0.475 * math.pi), 1), 1e-12)
    near(1 - 3 / math.sqrt(11), special.t_two_sided(3, 2), 1e-13)
    near(0.05, special.t_two_sided(2.2281388519862744, 10), 1e-12) -- by the finite sum for an even number of degrees
    near(0.01, special.t_two_sided(2.6259, 100), 1e-4)
    near(1 - 2 / math.pi * math.atan(3), special.t_two_sided(3, 1), 1e-13) -- Cauchy
    near(0.6875, special.beta_inc(0.5, 2, 3), 1e-13)
    near(0.975, special.normal_cdf(1.959963984540054), 1e-14)
    near(1.2798125438858350e-12 * 1e12, special.normal_cdf(-7) * 1e12, 1e-12)
    near(-1.6448536269514722, special.normal_quantile(0.05), 1e-12)
  end)
end)

describe("correlation", function()
  local x, y = { 1, 2, 3, 4, 5, 6, 7 }, { 10, 9, 2.5, 6, 4, 3, 2 }

  it("of Pearson", function()
    local r, p = stats.pearson(x, y)
    near(-0.828503883588428, r, 1e-14)
    near(0.021280260007523286, p, 1e-12)
    near(1, (stats.pearson(x, ml.tensor(x) * 3 + 1)), 1e-7)
    local _, certain = stats.pearson(x, x)
    near(0, certain)
    local none = stats.pearson({ 1, 1, 1 }, { 1, 2, 3 })
    assert.is_true(none ~= none)
  end)

  it("of Spearman, with ties", function()
    local rho, p = stats.spearman({ 1, 2, 3, 4, 5 }, { 5, 6, 7, 8, 7 })
    near(0.82078268166812329, rho, 1e-14)
    near(0.088587005313543812, p, 1e-12)
    holds({ 2.5, 1, 2.5, 4 }, stats.ranks { 7, 3, 7, 9 })
    -- IQ and hours of television: Spearman's rho is -29/165
    rho = stats.spearman({ 106, 100, 86, 101, 99, 103, 97, 113, 112, 110 }, { 7, 27, 2, 50, 28, 29, 20, 12, 6, 17 })
    near(-29 / 165, rho, 1e-14)
  end)

  it("of Kendall, as all pairs give it", function()
    near(-0.47140452079103173, stats.kendall({ 12, 2, 1, 12, 2 }, { 1, 4, 7, 1, 0 }), 1e-14)
    near(1, stats.kendall({ 1, 2, 3 }, { 4, 5, 9 }))
    near(-1, stats.kendall({ 1, 2, 3 }, { 4, 3, 2 }))
    local function slow(a, b)
      local sum, free_a, free_b = 0, 0, 0
      for i = 1, #a do
        for j = i + 1, #a do
          local u, v = a[i] - a[j], b[i] - b[j]
          local s, t = u > 0 and 1 or u < 0 and -1 or 0, v > 0 and 1 or v < 0 and -1 or 0
          sum, free_a, free_b = sum + s * t, free_a + s * s, free_b + t * t
        end
      end
      return sum / math.sqrt(free_a * free_b)
    end
    for seed = 1, 20 do
      local n = 2 + 3 * seed
      local a = ml.randint(1, 1 + seed, { n }, { seed = seed }):tolist()
      local b = ml.randint(1, 5, { n }, { seed = 100 + seed }):tolist()
      local expected = slow(a, b)
      if expected == expected then near(expected, stats.kendall(a, b), 1e-13) end
    end
  end)

  it("names what does not fit", function()
    fails(function() stats.pearson({ 1, 2 }, { 1 }) end, "^stats%.pearson: needs at least 2 values, got 1")
    fails(function() stats.kendall({ 1, 2 }, { 1, 2, 3 }) end, "^stats%.kendall: x has 2 values, y 3")
    fails(function() stats.kendall({ 1, 0 / 0 }, { 1, 2 }) end, "^stats%.kendall: value 2 is NaN")
    fails(function() stats.spearman(ml.ones { 2, 2 }, { 1, 2 }) end, "^stats%.spearman: x must be of one dimension, got 2")
  end)
end)

describe("bootstrap", function()
  it("finds the interval of a mean that theory gives", function()
    local x = ml.randn({ 400 }, { seed = 1, dtype = "f64" })
    local ci = stats.bootstrap(x, nil, { seed = 2 })
    local error_of_mean = stats.std(x) / 20
    near(stats.mean(x), ci.estimate)
    near(error_of_mean, ci.std_error, 0.05 * error_of_mean)
    assert.is_true(math.abs(ci.low - (ci.estimate - 1.96 * error_of_mean)) < 0.15 * error_of_mean)
    assert.is_true(math.abs(ci.high - (ci.estimate + 1.96 * error_of_mean)) < 0.15 * error_of_mean)
    assert.same(ci, stats.bootstrap(x, { seed = 2 }))
    assert.is_true(stats.bootstrap(x, { seed = 3 }).low ~= ci.low)
  end)

  it("covers the truth about as often as it says", function()
    local covered = 0
    for k = 1, 100 do
      local x = ml.randn({ 30 }, { seed = 1000 + k, dtype = "f64" })
      local ci = stats.bootstrap(x, { samples = 200, level = 0.9, seed = k })
      if ci.low < 0 and ci.high > 0 then covered = covered + 1 end
    end
    assert.is_true(covered > 78 and covered < 98, covered) -- 90 expected, 3 the standard deviation
  end)

  it("corrects for skew, and takes any statistic of rows that belong together", function()
    local skewed = -ml.rand({ 40 }, { seed = 4, dtype = "f64" }):log()
    local plain = stats.bootstrap(skewed, { method = "percentile", seed = 5 })
    local bca = stats.bootstrap(skewed, { seed = 5 })
    assert.is_true(bca.low > plain.low and bca.high > plain.high)
    local x = ml.randn({ 50 }, { seed = 6, dtype = "f64" })
    local both = ml.cat({ x:reshape(-1, 1), (x + ml.randn({ 50 }, { seed = 7, dtype = "f64" })):reshape(-1, 1) }, 2)
    local function correlation(s) return (stats.pearson(s[{ {}, 1 }], s[{ {}, 2 }])) end
    local ci = stats.bootstrap(both, correlation, { samples = 500, seed = 8 })
    assert.is_true(ci.low < math.sqrt(0.5) and math.sqrt(0.5) < ci.high and ci.high < 1)
  end)

  it("names what is wrong", function()
    fails(function() stats.bootstrap { 1 } end, "^stats%.bootstrap: needs at least 2 values")
    fails(function() stats.bootstrap({ 1, 2 }, { level = 95 }) end, "^stats%.bootstrap: level must lie between 0 and 1, got 95")
    fails(function() stats.bootstrap({ 1, 2 }, { method = "t" }) end, "^stats%.bootstrap: method must be")
    fails(function() stats.bootstrap({ 1, 2 }, function() end) end,
      "^stats%.bootstrap: the statistic must return a number, got nil")
  end)
end)

describe("regression", function()
  it("of Anscombe's first data set", function()
    local fit = stats.regression({ 10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5 },
      { 8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68 })
    holds({ 3.0001, 0.5001 }, fit.coefficients, 5e-5)
    holds({ 1.1247, 0.1179 }, fit.std_errors, 5e-5)
    holds({ 2.667, 4.241 }, fit.t, 5e-4)
    holds({ 0.02573, 0.00217 }, fit.p, 5e-6)
    near(0.6665, fit.r2, 5e-5)
    assert.equal(9, fit.df)
  end)

  it("of Longley's data, whose columns nearly depend on each other, as NIST certifies it", function()
    local y = { 60323, 61122, 60171, 61187, 63221, 63639, 64989, 63761, 66019, 67857, 68169, 66513, 68655, 69564, 69331, 70551 }
    local x = ml.tensor({
      { 83.0, 88.5, 88.2, 89.5, 96.2, 98.1, 99.0, 100.0, 101.2, 104.6, 108.4, 110.8, 112.6, 114.2, 115.7, 116.9 },
      { 234289, 259426, 258054, 284599, 328975, 346999, 365385, 363112, 397469, 419180, 442769, 444546, 482704, 502601, 518173,
        554894 },
      { 2356, 2325, 3682, 3351, 2099, 1932, 1870, 3578, 2904, 2822, 2936, 4681, 3813, 3931, 4806, 4007 },
      { 1590, 1456, 1616, 1650, 3099, 3594, 3547, 3350, 3048, 2857, 2798, 2637, 2552, 2514, 2572, 2827 },
      { 107608, 108632, 109773, 110929, 112075, 113270, 115094, 116219, 117388, 118734, 120445, 121950, 123366, 125368, 127852,
        130081 },
      { 1947, 1948, 1949, 1950, 1951, 1952, 1953, 1954, 1955, 1956, 1957, 1958, 1959, 1960, 1961, 1962 },
    }, { dtype = "f64" }):transpose()
    local fit = stats.regression(x, y)
    local certified = { -3482258.63459582, 15.0618722713733, -0.0358191792925910, -2.02022980381683, -1.03322686717359,
                        -0.0511041056535807, 1829.15146461355 }
    local errors = { 890420.383607373, 84.9149257747669, 0.0334910077722432, 0.488399681651699, 0.214274163161675,
                     0.226073200069370, 455.478499142212 }
    for i = 1, 7 do
      near(1, fit.coefficients[i]:item() / certified[i], 1e-8)
      near(1, fit.std_errors[i]:item() / errors[i], 1e-8)
    end
    near(304.854073561965, fit.sigma, 1e-10)
    near(0.995479004577296, fit.r2, 1e-12)
  end)

  it("names what cannot be fitted", function()
    fails(function() stats.regression({ { 1, 2 }, { 2, 4 }, { 3, 6 } }, { 1, 2, 3 }) end,
      "^stats%.regression: column 3 of x depends on those before it")
    fails(function() stats.regression({ 1, 2 }, { 1, 2, 3 }) end, "^stats%.regression: x has 2 rows, y 3")
    fails(function() stats.regression({ { 1, 2, 3 } }, { 1 }) end,
      "^stats%.regression: 4 coefficients cannot be found from 1 rows")
  end)
end)

describe("pca", function()
  it("finds the axis of a line, and everything with all components", function()
    local t = ml.tensor { -2.0, -1.0, 0.0, 1.0, 2.0 }
    local line = ml.cat({ (3 * t + 7):reshape(-1, 1), (4 * t - 1):reshape(-1, 1) }, 2)
    local axes = stats.pca(line)
    holds({ 7, -1 }, axes.mean, 1e-6)
    holds({ 0.6, 0.8 }, axes.components[1] * axes.components[{ 1, 2 }]:sign(), 1e-6)
    holds({ 62.5, 0 }, axes.variance, 1e-6) -- 25 times 10 / 4
    holds({ 1, 0 }, axes.ratio, 1e-6)
    holds(line:tolist(), axes.scores:matmul(axes.components) + axes.mean, 1e-6)
    assert.same({ 5, 1 }, stats.pca(line, 1).scores.shape)
    fails(function() stats.pca(line, 3) end, "^stats%.pca: k must be a whole number from 1 to 2, got 3")
    fails(function() stats.pca(ml.ones { 1, 2 }) end, "^stats%.pca: needs at least 2 rows, got 1")
  end)

  it("agrees with the eigenvectors of the covariance", function()
    local x = ml.randn({ 30, 4 }, { seed = 9, dtype = "f64" })
    local centred = x - x:mean(1)
    local w = (centred:transpose():matmul(centred) / 29):eigvalsh()
    holds({ w[4]:item(), w[3]:item(), w[2]:item(), w[1]:item() }, stats.pca(x).variance, 1e-12)
  end)
end)

describe("cdist", function()
  local x, y = ml.tensor { { 0.0, 0.0 }, { 3.0, 4.0 } }, ml.tensor { { 0.0, 0.0 }, { 0.0, 8.0 }, { 6.0, 8.0 } }

  it("is the distance of each row to each", function()
    holds({ { 0, 8, 10 }, { 5, 5, 5 } }, stats.cdist(x, y))
    holds({ { 0, 8, 14 }, { 7, 7, 7 } }, stats.cdist(x, y, { p = 1 }))
    holds({ { 0, 8, 8 }, { 4, 4, 4 } }, stats.cdist(x, y, { p = math.huge }))
    holds({ { 0, 5 }, { 5, 0 } }, stats.cdist(x))
    assert.same({ 0, 3 }, stats.cdist(ml.zeros { 0, 2 }, y).shape)
    fails(function() stats.cdist(x, ml.ones { 2, 3 }) end, "^stats%.cdist: needs tensors %(n, d%) and %(m, d%)")
    fails(function() stats.cdist(x, y, { p = 3 }) end, "^stats%.cdist: p must be 1, 2 or math.huge, got 3")
  end)

  it("goes in blocks when it is large, and has a derivative at equal rows too", function()
    local many = ml.randn({ 3000, 3 }, { seed = 10, dtype = "f64" })
    local whole = stats.cdist(many)
    assert.same({ 3000, 3000 }, whole.shape)
    near((many[2999] - many[17]):square():sum():sqrt():item(), whole[{ 2999, 17 }]:item())
    local slope = ml.grad(function(v) return stats.cdist(v):sum() end)(x)
    holds({ { -1.2, -1.6 }, { 1.2, 1.6 } }, slope, 1e-6)
  end)
end)
