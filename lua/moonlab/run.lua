--- Runs: parameters with overrides, a loop with progress and Ctrl-C, metrics, checks and figures in one directory.
---
---     local run = ml.run { name = "demo", seed = 1, steps = 100, lr = 0.1 }
---     for step in run:steps() do
---       if run:every(10) then run:log { loss = loss } end
---     end
---     run:check("learned", run:last "loss" < 0.1)
---
--- The moonlab program ends all runs with the script: done, failed with the error, or interrupted. Under a stock
--- interpreter nobody tells us how the script ended: a run is failed when an error left its loop, else done; write
--- `local run <close> = ml.run {...}` to have errors after the loop noted too.
local core      = require "moonlab.core"
local arguments = require "moonlab.arguments"
local fail      = require("moonlab.check").fail
local figure    = require "moonlab.figure"
local figures   = require "moonlab.run_figures"
local json      = require "moonlab.json"
local note      = require "moonlab.note"
local params    = require "moonlab.params"
local session   = require "moonlab.session"

---@class moonlab.Run  besides these fields: every parameter of the run
---@field dir    string                the run's directory
---@field step   integer               the step under way; 0 before the loop
---@field name   string
---@field seed   integer
---@field params table<string, any>    all parameters, `steps` too (run.steps is the loop)
local methods = {}

---@class moonlab.RunState
---@field core userdata
---@field figures moonlab.Figure[]
---@field names table<string, boolean>  metrics that were logged
---@field total? number                 steps of the loop; math.huge: no end
---@field asked? integer                steps=N of the command line
---@field loop integer                  how many loops have begun
---@field closed? boolean               the last window was closed, which ends a loop without end
---@field knobs? table                  { board =, list =, by_name =, marks = }, made by moonlab.ui
---@field replay? moonlab.Replay        a run that is done again
---@field unsaved boolean               the figures have changed since they were saved
---@field shown integer                 figures that were offered a window
---@field told integer                  figures whose path was printed
---@field record? string                where the first figure is recorded to; record=PATH on the command line
---@field film? moonlab.Recording
---@field looping? boolean
---@field windows? boolean              a window was opened
---@field curves? moonlab.Figure|false  of the terminal; nil: not chosen yet
---@field keep? table                   what the next program goes on from
---@field kept_steps? integer          that it had behind it when the program began
---@field own_curves? boolean           made of what is logged, and fed by the run
---@field next_frame? number            the step from which the next frame is taken
---@field interrupted? boolean
---@field ended? boolean

local newest                                     -- the run that an error of the script is charged to
local runs = setmetatable({}, { __mode = "v" })  -- all that are not collected, in the order of their start
local n_runs, n_failed_checks = 0, 0

--- figures -------------------------------------------------------------------------------------------------------

--- Adds a figure to the run. Its curves are fed by run:log; it is saved as PNG, SVG and PDF in the run's directory,
--- and shown in a window when the moonlab program has a display.
---@param opts? moonlab.FigureOptions
---@return moonlab.Figure
function methods:figure(opts)
  local state = self._
  local fig = figure.new(opts)
  state.figures[#state.figures + 1] = fig
  state.unsaved = true
  if state.knobs then require("moonlab.knobs").beside(fig, state.knobs) end
  return fig
end

--- Saves the figures as they are now.
---@return moonlab.Run
function methods:save()
  self._.unsaved = true
  figures.save(self)
  return self
end

--- What the next program goes on from when a file of the script is saved under `moonlab run --watch`: models and optimizers,
--- under names. Returns the steps that they have behind them, in all programs; then they, and the default random numbers, are
--- as they were at the end of the last one, even if that was an error. nil when this is the first, or when they fit no more:
--- then it begins anew. Without --watch it does nothing.
---@param keep table  e.g. { model = model, opt = opt }
---@return integer? steps
function methods:on_reload(keep)
  if type(keep) ~= "table" then
    fail("run:on_reload: needs a table of models and optimizers, as in { model = model, opt = opt }")
  end
  if not session.reload then return nil end
  local steps, problem = require("moonlab.watched").take(self, keep)
  if steps then note("goes on after %d steps", steps) end
  if problem then note("begins anew: %s", problem) end
  return steps
end

for name, method in pairs(require "moonlab.run_loop") do methods[name] = method end

--- metrics -------------------------------------------------------------------------------------------------------

--- Records numbers, or tensors of one value, under their names.
---@param metrics table<string, number|boolean|moonlab.Tensor>
---@param step? integer  (default: the step of the loop)
---@return moonlab.Run
function methods:log(metrics, step)
  local state, numbers = self._, {}
  if type(metrics) ~= "table" then fail("run:log: metrics have names, as in run:log { loss = loss }") end
  step = step or self.step
  if math.type(step) ~= "integer" then fail("run:log: the step must be an integer, got %s", tostring(step)) end
  for name, value in pairs(metrics) do
    if type(name) ~= "string" then fail("run:log: metrics have names, as in run:log { loss = loss }") end
    local number = core.run.number(value)
    if not number then
      fail("run:log: '%s' must be a number or a tensor of one value, got %s", name,
        type(value) == "userdata" and tostring(value) or "a " .. type(value))
    end
    numbers[name], state.names[name] = number, true
  end
  state.core:log(step, numbers)
  if #state.figures > 0 then
    figures.open(self)
    state.unsaved = true
    for _, fig in ipairs(state.figures) do fig:feed(step, numbers) end
    figures.record(self, step)
  end
  figures.show_curves(self, step, numbers)
  return self
end

local function check_logged(self, where, name)
  local names = {}
  for known in pairs(self._.names) do names[#names + 1] = known end
  if #names == 0 then fail("%s: '%s' was not logged; nothing was", where, tostring(name)) end
  if not self._.names[name] then fail("%s: %s", where, params.unknown("metric", tostring(name), names)) end
end

--- The latest value of a metric. Without a second argument, a metric that was never logged is an error.
---@param name string
---@param otherwise? any  what to return when it was never logged
---@return number
function methods:last(name, otherwise)
  local value = self._.core:last(name)
  if value then return value end
  if otherwise == nil then check_logged(self, "run:last", name) end
  return otherwise
end

--- The first step at which a metric was >= threshold; nil when it never was.
---@param name string
---@param threshold number
---@return integer?
function methods:reached(name, threshold)
  if type(threshold) ~= "number" then fail("run:reached: needs a threshold, as in run:reached(\"acc\", 0.99)") end
  check_logged(self, "run:reached", name)
  return self._.core:reached(name, threshold)
end

--- the end -------------------------------------------------------------------------------------------------------

--- Checks a claim of the experiment, records and prints the outcome. When one fails, the moonlab program goes on and
--- exits with 3 at the end; under a stock interpreter, which has no such exit code, it is an error at once.
---@param name string
---@param passed any      nil and false: it does not hold
---@param detail? string  the numbers behind it
---@return boolean? passed  nil when the run was interrupted: then nothing can be said
function methods:check(name, passed, detail)
  local state = self._
  if type(name) ~= "string" then fail("run:check: a check has a name, as in run:check(\"learned\", loss < 0.1)") end
  detail = detail ~= nil and tostring(detail) or nil
  if state.interrupted then
    note("- %s: not checked, the run was interrupted", name)
    return nil
  end
  passed = passed and true or false
  state.core:check(name, passed, detail)
  local line = detail and name .. ": " .. detail or name
  if not passed then
    n_failed_checks = n_failed_checks + 1
    if not session.program then fail("check failed: %s", line) end
  end
  if not passed or not session.quiet then
    state.core:clear()
    print((passed and "✓ " or "✗ ") .. line)
  end
  return passed
end

--- Ends the run: saves the figures and closes the log. The end of the script does it too.
---@return moonlab.Run
function methods:finish()
  local state = self._
  if state.ended then return self end
  state.ended = true
  local saved, problem = pcall(figures.save, self)
  local recorded, trouble = pcall(figures.end_recording, self)
  local kept, loss = true, nil
  if state.keep then kept, loss = pcall(require("moonlab.watched").give, self) end
  state.core:finish()
  if not saved then error(problem, 0) end
  if not recorded then error(trouble, 0) end
  if not kept then error(loss, 0) end
  return self
end

--- Ends all runs; called once, when the script is over. Returns the exit code.
function session.finish(failure, interrupted)
  if newest and not newest._.ended then
    if interrupted then newest._.core:outcome "interrupted"
    elseif failure and not session.interrupted then newest._.core:outcome("failed", failure) end -- else its loop knows
  end
  local undrawn = false
  for i = 1, n_runs do
    if runs[i] then
      local good, problem = pcall(runs[i].finish, runs[i])
      if not good and not failure then
        io.stderr:write(tostring(problem), "\n")
        undrawn = true
      end
    end
  end
  if interrupted or session.interrupted then return 130 end
  if failure then return session.usage_error and failure:find(session.usage_error, 1, true) == 1 and 2 or 1 end
  return undrawn and 1 or n_failed_checks > 0 and 3 or 0
end

session.wait = figure.wait_all

-- os.exit closes no Lua state: without this, a run that ends by it would look as if it had been killed.
local exit = os.exit
function os.exit(code, close) -- luacheck: ignore 122
  local good = code == nil or code == true or code == 0
  local said = session.finish(not good and ("os.exit(%s)"):format(tostring(code)) or nil, false)
  exit(good and session.program == "run" and said or code, close)
end

--- the start -----------------------------------------------------------------------------------------------------

-- The file that calls ml.run; nil at a prompt.
local function calling_script()
  local info = debug.getinfo(3, "S")
  return info and info.source:match "^@(.*)"
end

local Run = { __name = "moonlab.Run" }

function Run.__index(self, key)
  local method = methods[key]
  if method then return method end
  local known = {}
  for name in pairs(self.params) do known[#known + 1] = name end
  fail("run: %s", params.unknown("parameter", tostring(key), known))
end

function Run.__tostring(self) return ("run %s: step %d"):format(self.dir, self.step) end

function Run.__close(self, failure)
  if failure ~= nil then self._.core:outcome("failed", tostring(failure)) end
  self:finish()
end

-- Names of a run's own things, which a parameter cannot have.
local function is_taken(name)
  return name ~= "steps" and (methods[name] or name == "dir" or name == "step" or name == "params")
end

--- Starts a run. The table holds its parameters and their defaults: numbers, booleans, texts, and lists of them.
--- name, seed and steps have a meaning (the run's place, ml.seed, the loop), the others are the experiment's own.
--- key=value on the command line overrides a default and must be of its type.
---@param defaults table<string, any>
---@return moonlab.Run
local function start(defaults)
  if session.interrupted then error("interrupted", 0) end
  if type(defaults) ~= "table" then
    fail("run: needs a table of parameters, as in ml.run { name = \"demo\", steps = 100 }; got a %s", type(defaults))
  end
  local script, complete = calling_script(), {}
  for name, value in pairs(defaults) do complete[name] = value end
  complete.seed = defaults.seed == nil and 1 or defaults.seed
  complete.name = defaults.name or (script or "run"):match("[^/\\]*$"):gsub("%.lua$", ""):gsub("[^%w_.-]", "-")
  local values, extra = arguments.resolve(complete, is_taken)
  if type(values.name) ~= "string" then fail("run: name must be text, got a %s", type(values.name)) end
  if math.type(values.seed) ~= "integer" or values.seed < 0 then
    fail("run: seed must be an integer >= 0, got %s", tostring(values.seed))
  end
  local state = { figures = {}, names = {}, unsaved = false, shown = 0, told = 0, loop = 0,
                  record = extra.record, replay = extra.replay, asked = extra.asked }
  if state.replay then state.replay:compare(script) end
  state.core = core.run.start {
    name = values.name, seed = values.seed, params = json.encode(values), script = script,
    script_text = session.script_text, command = arguments.typed(),
  }
  local self = { _ = state, params = values, dir = state.core:dir(), step = 0 }
  for name, value in pairs(values) do
    if name ~= "steps" then self[name] = value end
  end
  n_runs = n_runs + 1
  runs[n_runs], newest = self, self
  return setmetatable(self, Run)
end

return start
