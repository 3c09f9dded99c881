--- Frozen parameters: they stay where they are in model:parameters(), but have no gradient, and optimizers let them be.
local core = require "moonlab.core"
local glob = require "moonlab.glob"

---@class moonlab.Module
local Module = {}

-- Is this the parameter's name, or that of a layer around it?
local function named(name, pattern)
  if glob.fits(name, pattern) then return true end
  local at = name:find(".", 1, true)
  while at do
    if glob.fits(name:sub(1, at - 1), pattern) then return true end
    at = name:find(".", at + 1, true)
  end
  return false
end

local function set(where, model, patterns, on)
  patterns = glob.list(where, patterns == nil and "*" or patterns)
  local names, met = {}, {}
  for name in model:named_parameters() do names[#names + 1] = name end
  for i, name in ipairs(names) do
    for _, pattern in ipairs(patterns) do
      if named(name, pattern) then
        met[pattern] = true
        core.inner.freeze(model, i, on)
      end
    end
  end
  for _, pattern in ipairs(patterns) do
    if not met[pattern] and pattern ~= "*" then glob.fail(where, pattern, names) end
  end
  return model
end

--- Parameters that are not to be trained: all, or those with these names, or in layers with these names: "1", "*.bias",
--- { "1.*", "3.weight" }. They have no gradient, so optimizers, also ones that exist already, let them be, weight decay included;
--- model:parameters() and model:state() list them as before. What `apply` is given it differentiates, frozen or not.
---@param names? string|string[]  `*` stands for any text (default all)
---@return moonlab.Module self
function Module:freeze(names) return set("freeze", self, names, true) end

--- To be trained again.
---@param names? string|string[]  (default all)
---@return moonlab.Module self
function Module:unfreeze(names) return set("unfreeze", self, names, false) end

--- The names of the parameters that are frozen.
---@return string[]
function Module:frozen()
  local names, i = {}, 0
  for name in self:named_parameters() do
    i = i + 1
    if core.inner.frozen(self, i) then names[#names + 1] = name end
  end
  return names
end

return Module
