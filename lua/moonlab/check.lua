--- Checking arguments: options in a table, unknown ones refused with the nearest known name.
local core = require "moonlab.core"

local check = {}

--- In place of a default: an option of any type, nil unless given. Whoever reads it checks it.
check.any = {}

--- Raises a message at the script's line: the first one outside lua/moonlab/.
---@param format string
---@param ... any  as string.format takes
function check.fail(format, ...)
  core.raise(format:format(...))
end

--- Refuses what cannot be called.
---@param where string  who takes the function, for the message
---@param f any
function check.is_function(where, f)
  if type(f) == "function" then return end
  local meta = getmetatable(f)
  if not (type(meta) == "table" and meta.__call) then check.fail("%s: takes a function, got %s", where, type(f)) end
end

--- The options with their defaults filled in, as a new table. A given one must have the type of its default.
---@generic T: table
---@param where    string  whose options they are, for the message
---@param given    table?
---@param defaults T
---@return T
function check.options(where, given, defaults)
  if given ~= nil and type(given) ~= "table" then
    check.fail("%s: options must be a table, got %s", where, type(given))
  end
  local options = {}
  for name, value in pairs(defaults) do
    if value ~= check.any then options[name] = value end
  end
  for name, value in pairs(given or {}) do
    local default = defaults[name]
    if default == nil then
      local known = {}
      for key in pairs(defaults) do known[#known + 1] = key end
      table.sort(known)
      local nearest = core.nearest(tostring(name), known)
      local advice = nearest and ("did you mean '%s'?"):format(nearest) or "it knows " .. table.concat(known, ", ")
      check.fail("%s: unknown option '%s'; %s", where, name, advice)
    end
    if default ~= check.any and type(value) ~= type(default) then
      check.fail("%s: %s must be a %s, got %s", where, name, type(default), type(value))
    end
    options[name] = value
  end
  return options
end

--- Takes the options of a call that hands the rest on to another: its own with their defaults filled in, each of the type of its
--- default, and a new table of all others.
---@generic T: table
---@param where string  whose options they are, for the message
---@param given table?
---@param own   T       its defaults; filled in
---@return T own
---@return table rest
function check.split(where, given, own)
  local rest = {}
  if given ~= nil and type(given) ~= "table" then check.fail("%s: options must be a table, got a %s", where, type(given)) end
  for name, value in pairs(given or {}) do
    if own[name] == nil then
      rest[name] = value
    else
      if type(value) ~= type(own[name]) then
        check.fail("%s: %s must be a %s, got a %s", where, name, type(own[name]), type(value))
      end
      own[name] = value
    end
  end
  return own, rest
end

return check
