--- Layers and losses: those of the C part, and what models have beside.
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.nn
local nn = core.nn
core.inner = nn.inner -- of modules: what only moonlab's own files use

for name, loss in pairs(require "moonlab.losses") do nn[name] = loss end

--- A table of the layers: position, kind, number of parameters, their shapes.
nn.module.__tostring = function(model) return require("moonlab.summary").text(model) end

---@class moonlab.Module
local Module = nn.module.methods
core.inner.methods = Module

-- Parameters and buffers (running statistics), by their names.
local function held(model)
  local tensors = {}
  for name, p in model:named_parameters() do tensors[name] = p end
  for name, b in model:named_buffers() do tensors[name] = b end
  return tensors
end

--- The parameters and buffers by their names, copied: what ml.save writes and model:load_state takes.
---@return table<string, moonlab.Tensor>
function Module:state()
  local state = {}
  for name, t in pairs(held(self)) do state[name] = t:clone() end
  return state
end

-- Is this the state of such a model? Names and shapes must be the same, dtypes too: nothing is lost without a word.
local function check_state(model, state)
  if type(state) ~= "table" then check.fail("load_state: takes a table of tensors by name, got %s", type(state)) end
  local known = held(model)
  for name, p in pairs(known) do
    local t = state[name]
    if not core.tensor.is_tensor(t) then check.fail("load_state: there is no tensor '%s' for %s", name, model:kind()) end
    if t.dtype ~= p.dtype or table.concat(t.shape, ",") ~= table.concat(p.shape, ",") then
      check.fail("load_state: '%s' must be %s (%s), got %s (%s)", name, p.dtype, table.concat(p.shape, ", "), t.dtype,
        table.concat(t.shape, ", "))
    end
  end
  for name in pairs(state) do
    if not known[name] then check.fail("load_state: %s has no tensor '%s'", model:kind(), tostring(name)) end
  end
end

--- Takes over values: all parameters and buffers, under the names that model:state() gives. When one is missing, too many,
--- or of another shape or dtype, nothing has changed.
---@param state table<string, moonlab.Tensor>
---@return moonlab.Module self
function Module:load_state(state)
  check_state(self, state)
  for name, t in pairs(held(self)) do t:detach()[{}] = state[name]:detach() end
  return self
end
nn.module, nn.inner = nil, nil

-- Loaded when first used.
for name, file in pairs {
  summary = "summary", run_with_cache = "hooks", with_hooks = "hooks", freeze = "freeze", unfreeze = "freeze", frozen = "freeze",
} do
  Module[name] = function(...)
    Module[name] = require("moonlab." .. file)[name]
    return Module[name](...)
  end
end

local later = { module = "module", lambda = "module", parametrise = "parametrise" }

return setmetatable(nn, {
  __index = function(self, name)
    if later[name] then
      rawset(self, name, require("moonlab." .. later[name])[name])
      return rawget(self, name)
    end
    local known = {}
    for key in pairs(self) do known[#known + 1] = key end
    for key in pairs(later) do known[#known + 1] = key end
    local nearest = core.nearest(tostring(name), known)
    core.raise(("nn has no '%s'%s"):format(name, nearest and ("; did you mean '%s'?"):format(nearest) or ""))
  end,
})
