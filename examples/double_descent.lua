-- Double descent of a linear model: more parameters than data need not be too many.
-- Paper:  Belkin et al. 2019, "Reconciling modern machine-learning practice and the classical bias-variance trade-off";
--         Hastie et al. 2022, "Surprises in high-dimensional ridgeless least squares interpolation"
-- Claim:  the test error of least squares of least norm peaks where the model begins to fit its n points exactly, and falls
--         again below its best value before; a little ridge takes the peak away. For isotropic data theory says the curve.
-- Figure: left, errors against the number of random features, the peak at n, and the ridge without one; right, isotropic
--         regression on the curves of the theory.
-- Time:   10 s on two cores.   Try: noise=0.1; ridge=1e-9, with which the fourth check fails
local ml = require "moonlab"

local run = ml.run { name = "double_descent", seed = 1, n = 200, dim = 30, noise = 0.5, ridge = 0.1, seeds = 5 }
local n, f64 = run.n, { dtype = "f64" }
local widths = { 10, 20, 50, 80, 100, 130, 150, 170, 185, 195, 200, 205, 215, 230, 260, 300, 400, 600, 1000, 2000 }
local ratios = { 0.1, 0.25, 0.5, 0.7, 0.8, 1.25, 1.5, 2, 3, 5 } -- parameters for each point
local seen = { width = {}, train = {}, test = {}, ridge = {}, ratio = {}, risk = {} } -- of a width or ratio: one value a seed

-- The median over the seeds, and its quartiles, of what was seen so far.
local function quartile(name, q)
  return function()
    local values = {}
    for i, list in ipairs(seen[name]) do values[i] = ml.tensor(list, f64):quantile(q):item() end
    return values
  end
end
local fig = run:figure { rows = 1, cols = 2, title = ("Double descent of a linear model, n = %d"):format(n) }
fig:panel(1, {
  title = "random ReLU features", xlabel = "features", ylabel = "mean squared error",
  xscale = "log", yscale = "log", ylim = { 1e-2, 1e3 },
})
for _, name in ipairs { "test", "train", "ridge" } do
  fig:line(1, function() return seen.width end, quartile(name, 0.5), {
    low = quartile(name, 0.25), high = quartile(name, 0.75),
    label = name == "ridge" and ("test, ridge \\lambda = %g"):format(run.ridge) or name, dots = true,
  })
end
fig:event(1, n, { text = "n features" })
fig:panel(2, { title = "isotropic data", xlabel = "parameters / n", ylabel = "excess risk", xscale = "log", yscale = "log" })
local before, after = ml.linspace(0.1, 0.97, 200, f64), ml.logspace(math.log(1.03, 10), 1, 200, f64)
local s2 = run.noise ^ 2
fig:line(2, before, before * s2 / (1 - before), { colour = "grey", label = "theory" })
fig:line(2, after, 1 - 1 / after + s2 / (after - 1), { colour = "grey" })
fig:scatter(2, function() return seen.ratio, quartile("risk", 0.5)() end, { label = "measured", colour = "blue" })
fig:event(2, 1)

local function normal(...) return ml.randn({ ... }, f64) end
local function mse(a, b) return (a - b):square():mean():item() end

for i in run:steps(#widths + #ratios) do
  local width, ratio = widths[i], ratios[i - #widths]
  local at = { train = {}, test = {}, ridge = {}, risk = {} }
  for seed = 1, width and run.seeds or 2 * run.seeds do
    ml.seed(run.seed * 1000 + seed) -- the same points for every width
    if width then
      local w, x, x_new = normal(run.dim), normal(n, run.dim), normal(1000, run.dim)
      w = w / w:square():sum():sqrt()
      local y, y_new = x:matmul(w) + run.noise * normal(n), x_new:matmul(w)
      local v = normal(run.dim, width) / math.sqrt(run.dim)
      local features, new = x:matmul(v):relu() / math.sqrt(width), x_new:matmul(v):relu() / math.sqrt(width)
      local least = ml.linalg.lstsq(features, y, { rcond = 1e-12 })
      local gram = features:matmul(features:transpose()) + run.ridge * ml.eye(n, f64)
      local ridge = features:transpose():matmul(ml.linalg.solve(gram, y))
      at.train[seed], at.test[seed] = mse(features:matmul(least), y), mse(new:matmul(least), y_new)
      at.ridge[seed] = mse(new:matmul(ridge), y_new)
    else
      local p = math.floor(ratio * n + 0.5)
      local beta = normal(p)
      beta = beta / beta:square():sum():sqrt()
      local x = normal(n, p)
      local fit = ml.linalg.lstsq(x, x:matmul(beta) + run.noise * normal(n), { rcond = 1e-12 })
      at.risk[seed] = (fit - beta):square():sum():item()
    end
  end
  for name, values in pairs(at) do if #values > 0 then table.insert(seen[name], values) end end
  if width then table.insert(seen.width, width) else table.insert(seen.ratio, ratio) end
  local median = ml.tensor(width and at.test or at.risk, f64):quantile(0.5):item()
  run:log(width and { features = width, test_error = median } or { ratio = ratio, excess_risk = median })
end

-- The claims, and the control: with a ridge there is no peak.
local test, ridge, risk = quartile("test", 0.5)(), quartile("ridge", 0.5)(), quartile("risk", 0.5)()
local peak, classical, least = 1, math.huge, math.huge -- of the test error; of that with a ridge, before n
for i, width in ipairs(widths) do
  if test[i] > test[peak] then peak = i end
  if width < n then classical, least = math.min(classical, test[i]), math.min(least, ridge[i]) end
end
run:check("the peak is where there are as many features as points", widths[peak] == n, ("at %d"):format(widths[peak]))
run:check("it is at least ten times the error of the largest model", test[peak] >= 10 * test[#test],
  ("%.3g and %.3g"):format(test[peak], test[#test]))
run:check("the second descent ends below the first", test[#test] < classical, ("%.3f and %.3f"):format(test[#test], classical))
run:check("with a ridge there is no peak: at n at most a quarter more than before, and less at the end",
  ridge[peak] <= 1.25 * least and ridge[#ridge] < least, ("%.3f, %.3f at n, %.3f"):format(least, ridge[peak], ridge[#ridge]))
local worst = 0
for i, g in ipairs(ratios) do
  local theory = g < 1 and s2 * g / (1 - g) or 1 - 1 / g + s2 / (g - 1)
  worst = math.max(worst, math.abs(risk[i] / theory - 1))
end
run:check("isotropic risks are those of the theory, within 20 %", worst < 0.2, ("at worst %.0f %% off"):format(100 * worst))
