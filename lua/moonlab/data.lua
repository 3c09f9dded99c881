--- ml.data: what the C part makes by rule, and the files that add to it.
local core = require "moonlab.core"

---@class moonlab.data
local data = {}
for _, part in ipairs {
  core.data, require "moonlab.generators", require "moonlab.languages", require "moonlab.corruptions", require "moonlab.loader",
  (require "moonlab.datasets"),
} do
  for name, value in pairs(part) do data[name] = value end
end

return data
