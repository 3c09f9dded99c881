--- A run once more, with what hands did to it: `moonlab run SCRIPT replay=RUNDIR`. It has the parameters of that run, its changes
--- come after the same steps, and it ends where that run was ended by a hand; so its metrics are the same to the bit.
local core    = require "moonlab.core"
local json    = require "moonlab.json"
local note    = require "moonlab.note"
local params  = require "moonlab.params"
local session = require "moonlab.session"

local replay = {}

---@class moonlab.Replay
---@field dir     string
---@field params  table<string, any>
---@field changes moonlab.Change[]
---@field next    integer  of the changes: the first that was not made again
---@field stops   table<integer, integer>  loop -> the step after which a hand ended it
---@field last    integer  the last step in the log
---@field ended   boolean  the log says how the run ended
local Replay = {}
Replay.__index = Replay

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

--- Reads what there is to do again.
---@param dir string
---@return moonlab.Replay?
---@return string? problem
function replay.open(dir)
  local text = dir ~= "" and read_file(dir .. "/run.json")
  if not text then return nil, ("there is no run in '%s': it has no run.json"):format(dir) end
  local good, about = pcall(json.decode, text, false)
  if not (good and type(about) == "table" and type(about.params) == "table") then
    return nil, ("'%s/run.json' is damaged: it has no parameters of a run"):format(dir)
  end
  local past, problem = core.run.history(dir)
  if not past then return nil, (problem:gsub("^run: ", "")) end
  past.dir, past.params, past.next = dir, about.params, 1
  return setmetatable(past, Replay)
end

--- The parameters of that run for a script with these defaults.
---@param defaults table<string, any>
---@return table<string, any>?
---@return string? problem
function Replay:values(defaults)
  local values, known = {}, {}
  for name, value in pairs(defaults) do values[name], known[#known + 1] = value, name end
  local names = {}
  for name in pairs(self.params) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local default = defaults[name]
    local value   = default ~= nil and params.fit(self.params[name], default)
    local problem = default == nil and params.unknown("parameter", name, known) or
      value == nil and ("its parameter '%s' is of another type"):format(name)
    if problem then return nil, "that run is of another script: " .. problem end
    values[name] = value
  end
  return values
end

--- Tells when the script is not the one of that run.
---@param script string?  its path
function Replay:compare(script)
  local now, past = session.script_text or script and read_file(script), read_file(self.dir .. "/script.lua")
  if not past then note("replay: the run keeps no copy of its script; whether this one is the same is unknown")
  elseif now ~= past then note("replay: the script differs from that of the run, %s/script.lua; so may its numbers", self.dir) end
end

--- The step after which a loop of that run was ended; nil: it went to its end.
---@param loop integer  counted from 1
---@param endless boolean
---@return integer?
function Replay:stop_of(loop, endless)
  if self.stops[loop] then return self.stops[loop] end
  if not self.ended or endless then return self.last end -- killed, or failed: then as far as the log goes
end

--- Makes the changes again that came after the step under way.
---@param run moonlab.Run
function Replay:apply(run)
  local loop = run._.loop
  while self.next <= #self.changes do
    local change = self.changes[self.next]
    if change.loop > loop or change.loop == loop and change.step > run.step then return end
    self.next = self.next + 1
    local problem = require "moonlab.knobs".replay(run, change)
    if problem then error(("replay: step %d of %s: %s"):format(change.step, self.dir, problem), 0) end
  end
end

return replay
