--- Kernels of networks, of finite and of infinite width, and what can be done with a kernel.
---
---     local k    = ml.kernels.ntk(model, x)                       -- (n, n): the tangent kernel as the parameters are
---     local net  = ml.kernels.infinite { { "linear", weight_var = 2 }, "relu", "linear" }
---     local nngp, ntk = net(x, x_test)                            -- in closed form, for infinitely wide layers
---     local fit  = ml.kernels.regression(ntk_train, y)            -- fit:predict(ntk_test_train)
---     print(ml.kernels.alignment(k, target), ml.kernels.spectrum(k).effective_dim)
---     print(ml.kernels.cka(features, other_features, { debiased = true }))

---@class moonlab.kernels
local kernels = {}

for _, part in ipairs { "similarity", "kernel_fit" } do
  for name, value in pairs(require("moonlab." .. part)) do kernels[name] = value end
end

--- The tangent kernel of a network: for two inputs the product of its derivatives by the parameters, summed over these.
---
--- Linear layers are products of two small matrices, others rows of their Jacobian, all in tiles within the memory allowed;
--- what it will take is known before it starts (ntk_plan), and printed when it is much. The model is in evaluation meanwhile, so
--- normalisation by batch is by its running statistics; parameters that do not require gradients count nothing. A layer that
--- stands twice in a Sequential makes the whole a single layer. Jacot, Gabriel & Hongler 2018, "Neural tangent kernel"; Novak,
--- Sohl-Dickstein & Schoenholz 2022, "Fast finite width neural tangent kernel".
---@param model moonlab.Module|fun(params: moonlab.Tree, x: moonlab.Tensor): moonlab.Tensor  a function needs opts.params
---@param x1    moonlab.Tensor   (n, ...)
---@param x2?   moonlab.Tensor   (m, ...); nil: x1
---@param opts? moonlab.NTKOptions
---@return moonlab.Tensor  (n, m): the mean over outputs, or one of them; with outputs = "full" (n, m, k, k)
function kernels.ntk(model, x1, x2, opts)
  local ntk = require "moonlab.ntk"
  local plan = ntk.plan("kernels.ntk", model, x1, x2, opts)
  if plan.verbose or plan.verbose == nil and plan.bytes > 64e6 then io.stderr:write(tostring(plan), "\n") end
  return ntk.run(plan, model, x1, x2)
end

--- What ml.kernels.ntk would do: tiles, how each layer is treated, and the most bytes it takes. Runs one input.
---@param model moonlab.Module|fun(params: moonlab.Tree, x: moonlab.Tensor): moonlab.Tensor
---@param x1    moonlab.Tensor
---@param x2?   moonlab.Tensor
---@param opts? moonlab.NTKOptions
---@return moonlab.NTKPlan
function kernels.ntk_plan(model, x1, x2, opts)
  return require "moonlab.ntk".plan("kernels.ntk_plan", model, x1, x2, opts)
end

---@alias moonlab.InfiniteLayer string|table  "linear", "conv", "relu", "erf", "flatten", "global_avg_pool"; or { name, options }

--- A network whose layers are infinitely wide, as a function of inputs (n, d), (n, c, l) or (n, c, h, w) that returns two
--- kernels (n, m) in f64: NNGP, the covariance of its outputs at initialisation, and NTK, its tangent kernel.
---
--- Options of linear and conv: weight_var, divided by the number of values that a weight's unit reads (default 1), bias_var
--- (default 0); of conv also kernel (default 3), padding (default 0), circular (default false). The NTK is that of the NTK
--- parametrisation, weights sqrt(weight_var / fan_in) times parameters of variance 1. Memory is bounded by tiles; with
--- global_avg_pool a pair of inputs takes the square of their places, else the places.
--- Lee et al. 2018 and Novak et al. 2019 (NNGP), Jacot et al. 2018 and Arora et al. 2019 (NTK).
---@param layers moonlab.InfiniteLayer[]
---@return fun(x1: moonlab.Tensor, x2?: moonlab.Tensor): moonlab.Tensor, moonlab.Tensor
function kernels.infinite(layers)
  return require "moonlab.infinite".network(layers)
end

return kernels
