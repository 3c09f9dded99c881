--- moonlab: tensors, derivatives, layers, optimizers and runs.
---
---     local ml = require "moonlab"
---     local x  = ml.randn { 3, 4 }
---     print((x * 2):tanh():sum(1))
---
--- The operations are methods of tensors and functions of `ml`; lua/meta/ has the annotations of all of them.
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab: moonlab.transform
---@field nn       moonlab.nn
---@field optim    moonlab.optim
---@field data     moonlab.data
---@field fft      moonlab.fft
---@field linalg   moonlab.linalg
---@field stats    moonlab.stats
---@field run      fun(defaults: table<string, any>): moonlab.Run
---@field figure   fun(opts: moonlab.FigureOptions?): moonlab.Figure
---@field autograd moonlab.autograd
---@field tree     moonlab.tree
---@field io       moonlab.io
---@field probe    moonlab.probe
---@field kernels  moonlab.kernels
---@field measures moonlab.measures
---@field ui       moonlab.ui
local ml = {}
package.loaded["moonlab"] = ml -- the files below may ask for it while it is being put together

for _, part in ipairs { core.tensor, core.make, core.op } do
  for name, value in pairs(part) do ml[name] = value end
end

require "moonlab.tensor" -- methods with more than one result
ml.ops            = core.ops
ml.autograd       = { grad = core.autograd.grad, recording = core.autograd.recording }
ml.detect_anomaly = core.autograd.detect_anomaly
ml.fuse           = core.autograd.fuse
ml.nn             = require "moonlab.nn"

--- Calls fn without recording: what it computes has no derivative, and costs no memory for one.
---@param fn fun(...): ...
---@param ... any  its arguments
---@return any ...  what it returns
function ml.no_grad(fn, ...)
  if type(fn) ~= "function" then check.fail("no_grad: takes a function and its arguments, got %s", type(fn)) end
  return core.transform.call(false, fn, ...)
end

local train = require "moonlab.train"
ml.accuracy, ml.weight_norm = train.accuracy, train.weight_norm

-- Loaded when first used, which keeps the start short.
local later = {}
for _, name in ipairs { "fft", "run", "figure", "tree", "linalg", "stats", "io", "data", "probe", "kernels", "measures", "ui" } do
  if package.preload["moonlab." .. name] then later[name] = "moonlab." .. name end
end
local fields = { -- of ml that are functions of one module
  ["moonlab.transform"] = {
    "grad", "value_and_grad", "vjp", "jvp", "jacobian", "hessian", "hvp", "vmap", "stop_gradient", "checkpoint",
  },
  ["moonlab.replicas"] = { "replicas" },
  ["moonlab.run_reader"] = { "open_run" },
  ["moonlab.files"] = { "load", "save", "save_checkpoint", "load_checkpoint" },
}
for module, names in pairs(fields) do
  for _, name in ipairs(names) do later[name] = module end
end

-- Names of a table that are not known: the nearest that is.
local function no_name(owner, name, ...)
  local known = {}
  for _, names in ipairs { ... } do
    for key in pairs(names) do known[#known + 1] = key end
  end
  table.sort(known) -- the same answer every time
  local nearest = core.nearest(tostring(name), known)
  core.raise(("%s has no '%s'%s"):format(owner, name, nearest and ("; did you mean '%s'?"):format(nearest) or ""))
end

ml.optim = setmetatable({}, { __index = function(self, name) -- schedules, averages of weights and so on: when first used
  local value = core.optim[name] or require "moonlab.optim"[name]
  if value == nil then no_name("ml.optim", name, core.optim, require "moonlab.optim") end
  rawset(self, name, value)
  return value
end })

return setmetatable(ml, {
  __index = function(self, name)
    local module = later[name]
    if module then
      local value = require(module)
      if fields[module] then value = value[name] end
      rawset(self, name, value)
      return value
    end
    no_name("ml", name, self, later)
  end,
})
