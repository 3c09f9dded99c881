--- A run once more, with what hands did to it: `moonlab run SCRIPT replay=RUN`. It has the parameters of that run, its changes
--- come after the same steps, and it ends where that run was ended by a hand; so its metrics are the same to the bit.
local finder  = require "moonlab.run_finder"
local log     = require("moonlab.core").log
local note    = require "moonlab.note"
local params  = require "moonlab.params"
local reader  = require "moonlab.run_reader"
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

--- Reads what there is to do again.
---@param run string  as for ml.open_run: a directory, or a name
---@return moonlab.Replay?
---@return string? problem
function replay.open(run)
  local dirs, problem = finder.find(run)
  if not dirs then return nil, problem end
  local good, past = pcall(reader.open, dirs[1], function() end) -- its metrics are not asked for
  if not good then return nil, (past:match "run: (.*)" or past) end
  if past.trouble or next(past.params) == nil then
    past:close()
    return nil, ("'%s' is no run to be done again: %s"):format(dirs[1], past.trouble or "its run.json has no parameters")
  end
  reader.read(past):close()
  return setmetatable({ dir = past.dir, params = past.params, changes = past.changes, stops = past.stops, last = past.step,
    ended = past.ended, next = 1 }, Replay)
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
  local now  = session.script_text or script and log.read_file(script)
  local past = log.read_file(self.dir .. "/script.lua")
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
