--- Names by pattern: `*` stands for any text, dots included, `?` for one character.
local core  = require "moonlab.core"
local check = require "moonlab.check"

local glob = {}

--- Does the whole name fit?
---@param name string
---@param pattern string
---@return boolean
function glob.fits(name, pattern)
  local plain = pattern:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return name:find("^" .. plain .. "$") ~= nil
end

--- The patterns as a list; fails, at the script's line, for anything but a text or texts.
---@param where string
---@param patterns string|string[]
---@return string[]
function glob.list(where, patterns)
  local list = type(patterns) == "table" and patterns or { patterns }
  for i, pattern in ipairs(list) do
    if type(pattern) ~= "string" then
      check.fail("%s: pattern %d must be text, as in \"*.relu\", got %s", where, i, type(pattern))
    end
  end
  if #list == 0 then check.fail("%s: takes a pattern, as in \"*.relu\", or a list of them, got %s", where, type(patterns)) end
  return list
end

--- Fails: nothing is called so. Names the nearest, or what there is.
---@param where string
---@param pattern string
---@param names string[]
function glob.fail(where, pattern, names)
  local nearest = core.nearest(pattern, names)
  if nearest then check.fail("%s: nothing is called '%s'; did you mean '%s'?", where, pattern, nearest) end
  local shown = table.concat(names, ", ", 1, math.min(#names, 12)) .. (#names > 12 and ", ..." or "")
  check.fail("%s: nothing is called '%s'; there is %s", where, pattern, #names > 0 and shown or "nothing")
end

return glob
