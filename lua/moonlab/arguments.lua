--- What the command line says to a run: key=value, replay=RUN, record=PATH.
local fail    = require("moonlab.check").fail
local params  = require "moonlab.params"
local replay  = require "moonlab.replay"
local session = require "moonlab.session"

local arguments = {}

-- The words key=value of the command line, in their order.
local function overrides()
  local list = {}
  for _, word in ipairs(type(_G.arg) == "table" and _G.arg or {}) do
    local name, text = word:match "^(%a[%w_]*)=(.*)$"
    if name then list[#list + 1] = { name = name, text = text } end
  end
  return list
end

-- A mistake on the command line has no line in the script.
local function usage_error(message)
  session.usage_error = message
  error(message, 0)
end

--- The parameters: the defaults, or those of a run that is done again, and what the command line says.
---@param defaults table<string, any>
---@param is_taken fun(name: string): any  a parameter cannot be called so
---@return table<string, any> values
---@return { record: string?, replay: moonlab.Replay?, asked: integer? } extra  what the command line says besides
function arguments.resolve(defaults, is_taken)
  local values, names, extra = {}, {}, {}
  for name, value in pairs(defaults) do
    local problem = params.problem(name, value)
    if problem then fail("run: %s", problem) end
    if is_taken(name) then fail("run: a parameter cannot be called '%s', a run has something of that name", name) end
    values[name], names[#names + 1] = value, name
  end
  session.consumed = true
  local given = overrides()
  for _, override in ipairs(given) do
    if override.name == "replay" and defaults.replay == nil and not session.replayed then
      session.replayed = true -- by the first run of a script
      local problem
      extra.replay, problem = replay.open(override.text)
      if extra.replay then values, problem = extra.replay:values(defaults) end
      if problem then usage_error(("replay=%s: %s"):format(override.text, problem)) end
      if values.steps ~= defaults.steps then
        values.steps = math.tointeger(values.steps) or values.steps -- of a loop without end, which was given one
        extra.asked = values.steps
      end
    end
  end
  for _, override in ipairs(given) do
    local default = defaults[override.name]
    if default == nil and override.name == "record" then
      extra.record = override.text
    elseif default ~= nil then
      if override.name == "steps" and default == math.huge then default = 0 end -- a number of them
      local value, problem = params.read(override.name, override.text, default)
      if problem then usage_error(problem) end
      values[override.name] = value
      if override.name == "steps" then extra.asked = value end
    elseif override.name ~= "replay" then
      usage_error(("%s=%s: %s"):format(override.name, override.text, params.unknown("parameter", override.name, names)))
    end
  end
  return values, extra
end

--- The command line as it was typed.
---@return string?
function arguments.typed()
  local arg = _G.arg
  if session.command or type(arg) ~= "table" then return session.command end
  local first, words = 0, {}
  while arg[first - 1] do first = first - 1 end
  for i = first, #arg do words[#words + 1] = tostring(arg[i]) end
  return table.concat(words, " ")
end

return arguments
