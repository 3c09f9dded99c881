--- ml.data: what the C part makes by rule, and the files that add to it, loaded when a name is asked for that is not there yet.
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.data
local data = {}
for name, generator in pairs(core.data) do data[name] = generator end

local waiting = { "loader", "datasets", "generators", "regressions", "corruptions", "languages" }

local function load_next()
  for name, value in pairs((require("moonlab." .. table.remove(waiting, 1)))) do data[name] = value end
end

return setmetatable(data, {
  __index = function(_, name)
    while #waiting > 0 do
      load_next()
      local found = rawget(data, name)
      if found then return found end
    end
    local known = {}
    for key in next, data do known[#known + 1] = key end
    table.sort(known)
    local nearest = core.nearest(tostring(name), known)
    check.fail("ml.data has no '%s'%s", tostring(name), nearest and ("; did you mean '%s'?"):format(nearest) or "")
  end,
  __pairs = function()
    while #waiting > 0 do load_next() end
    return next, data
  end,
})
