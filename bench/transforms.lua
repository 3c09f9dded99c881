-- Functions of functions, from Lua. The last line prints the microseconds of a Hessian-vector product of an MLP 2-64-64-2 (tanh),
-- batch 32; those of 256 per-sample gradients of a network 16-64-10 by vmap(grad); and how many times as long their loop takes.
local ml = require "moonlab"
local nn = ml.nn

local function network(sizes)
  local layers = {}
  for i = 1, #sizes - 1 do
    layers[#layers + 1] = nn.Linear(sizes[i], sizes[i + 1])
    if i < #sizes - 1 then layers[#layers + 1] = nn.Tanh() end
  end
  local model = nn.Sequential(layers)
  local params = ml.tree.map(function(p) return p:detach() end, model)
  return params, function(p, x, y) return nn.cross_entropy(model:apply(p, x), y) end
end

local function median_us(repeats, calls, f)
  local times = {}
  f()
  for i = 1, repeats do
    local began = ml.clock()
    for _ = 1, calls do f() end
    times[i] = (ml.clock() - began) / calls * 1e6
  end
  table.sort(times)
  return times[(repeats + 1) // 2]
end

ml.seed(1)
local params, loss = network { 2, 64, 64, 2 }
local v, x, y = ml.tree.randn_like(params), ml.randn { 32, 2 }, ml.randint(1, 2, { 32 })
local hvp = median_us(9, 200, function() return ml.hvp(loss, params, v, x, y) end)

local wide, wide_loss = network { 16, 64, 10 }
local samples, labels = ml.randn { 256, 16 }, ml.randint(1, 10, { 256 })
local gradient = ml.grad(wide_loss)
local each = ml.vmap(gradient, { nil, 1, 1 })
local batch, loop = {}, {}
for i = 1, 7 do -- taking turns
  batch[i] = median_us(1, 10, function() return each(wide, samples, labels) end)
  loop[i] = median_us(1, 1, function()
    for k = 1, 256 do gradient(wide, samples[k]:reshape(1, 16), labels[k]:reshape(1)) end
  end)
end
table.sort(batch)
table.sort(loop)
print(("hvp %.1f us; vmap(grad) of 256 samples %.1f us, their loop %.1f us"):format(hvp, batch[4], loop[4]))
print(hvp, batch[4], loop[4] / batch[4])
