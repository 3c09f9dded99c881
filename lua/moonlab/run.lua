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
local core    = require "moonlab.core"
local fail    = require("moonlab.check").fail
local figure  = require "moonlab.figure"
local json    = require "moonlab.json"
local params  = require "moonlab.params"
local session = require "moonlab.session"

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
---@field total? integer                steps of the loop
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

local function note(format, ...)
  if not session.quiet then io.stderr:write(format:format(...), "\n") end
end

local function stop_if_interrupted()
  if session.interrupted then error("interrupted", 0) end
end

--- figures -------------------------------------------------------------------------------------------------------

local function figure_path(self, i)
  return ("%s/figures/figure%s"):format(self.dir, i == 1 and "" or "-" .. i)
end

local function save_figures(self)
  local state = self._
  if not state.unsaved then return end
  state.unsaved = false
  for i, fig in ipairs(state.figures) do
    local path = figure_path(self, i)
    for _, ending in ipairs { ".png", ".svg", ".pdf" } do fig:save(path .. ending) end
    if i > state.told then
      state.told = i
      if not session.quiet then print(("figure: %s.png"):format(path)) end
    end
  end
end

-- A recording has FRAMES frames, evenly over the steps, or over their logarithm where the first panel's axis is logarithmic.
local FRAMES = 200

local function record_frame(self, step)
  local state = self._
  local fig, total = state.figures[1], state.total
  if not (state.record and fig and total) then return end
  if not state.film then
    state.film, state.next_frame = fig:record(state.record), 0
  end
  if step < state.next_frame and step < total then return end
  state.film:frame()
  state.next_frame = fig.log_steps and math.max(step + 1, step * total ^ (1 / FRAMES)) or step + math.max(1, total / FRAMES)
end

local function end_recording(self)
  local state = self._
  local film = state.film
  state.film, state.record = nil, nil
  if not film then return end
  film:frame():close()
end

-- Windows open once the loop begins: by then the script has said what the panels show.
local function open_windows(self)
  local state = self._
  if not session.window then return end
  for i = state.shown + 1, #state.figures do
    if state.figures[i]:show(self.dir .. "/figures") then state.windows = true
    else note("no display: the figure goes to %s.png", figure_path(self, i)) end
  end
  state.shown = #state.figures
end

-- Without a window, curves stand in the terminal while the loop runs, from the first metrics on.
local function show_curves(self, step, numbers)
  local state = self._
  if state.curves == nil and state.looping then
    local curves = session.tui and require "moonlab.curves"
    local fig, own
    if curves and curves.wanted(state.windows) then fig, own = curves.choose(state.figures, numbers, session.tui_names) end
    state.curves, state.own_curves = fig or false, own
    if fig then
      state.core:above(fig.core)
      curves.begin(state.core)
    end
  end
  if state.own_curves then state.curves:feed(step, numbers) end
end

--- Adds a figure to the run. Its curves are fed by run:log; it is saved as PNG, SVG and PDF in the run's directory,
--- and shown in a window when the moonlab program has a display.
---@param opts? moonlab.FigureOptions
---@return moonlab.Figure
function methods:figure(opts)
  local state = self._
  local fig = figure.new(opts)
  state.figures[#state.figures + 1] = fig
  state.unsaved = true
  return fig
end

--- Saves the figures as they are now.
---@return moonlab.Run
function methods:save()
  self._.unsaved = true
  save_figures(self)
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

--- the loop ------------------------------------------------------------------------------------------------------

local function end_loop(self, failure)
  local state = self._
  local interrupted = state.core:loop_end()
  if state.curves then require("moonlab.curves").finish() end
  state.looping, state.curves = false, nil
  if interrupted then session.interrupted = true end -- also when all steps were done: then it meant what follows
  if interrupted and self.step < state.total then
    state.interrupted = true
    state.core:outcome "interrupted"
    note("interrupted at step %d; all of it is in %s", self.step, self.dir)
  elseif failure ~= nil then
    state.core:outcome("failed", tostring(failure))
  else
    state.core:outcome "done"
  end
  if failure ~= nil then pcall(save_figures, self) else save_figures(self) end
end

--- Counts the steps: `for step in run:steps() do`. Shows progress; Ctrl-C ends the loop after the step under way.
--- In the window, Space pauses it and goes on, `.` takes one step, and Ctrl-Q is Ctrl-C.
---@param total? integer  (default: the parameter steps)
---@return fun(): integer?
function methods:steps(total)
  stop_if_interrupted()
  total = total or self.params.steps
  if math.type(total) ~= "integer" or total < 0 then
    fail("run:steps: needs a number of steps, as in ml.run { steps = 1000 }; got %s", tostring(total))
  end
  local state, step = self._, 0
  open_windows(self)
  local loop = state.core
  loop:loop_begin(total, session.quiet)
  state.looping = true
  loop:outcome("failed", "the script ended inside its loop")
  state.total, self.step = total, 0
  local function next_step()
    if not loop:tick(step) or step == total then return nil end
    step = step + 1
    self.step = step
    return step
  end
  return next_step, nil, nil, setmetatable({}, { __close = function(_, failure) end_loop(self, failure) end })
end

--- True at the first step, at every multiple of n, and at the last.
---@param n integer
---@return boolean
function methods:every(n)
  if math.type(n) ~= "integer" or n < 1 then fail("run:every: needs an integer >= 1, got %s", tostring(n)) end
  local step = self.step
  return step % n == 0 or step == 1 or step == self._.total
end

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
    open_windows(self)
    state.unsaved = true
    for _, fig in ipairs(state.figures) do fig:feed(step, numbers) end
    record_frame(self, step)
  end
  show_curves(self, step, numbers)
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
  local saved, problem = pcall(save_figures, self)
  local recorded, trouble = pcall(end_recording, self)
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

local function resolve(defaults)
  local values, names = {}, {}
  for name, value in pairs(defaults) do
    local problem = params.problem(name, value)
    if problem then fail("run: %s", problem) end
    if name ~= "steps" and (methods[name] or name == "dir" or name == "step" or name == "params") then
      fail("run: a parameter cannot be called '%s', a run has something of that name", name)
    end
    values[name], names[#names + 1] = value, name
  end
  session.consumed = true
  local record
  for _, override in ipairs(overrides()) do
    local default = defaults[override.name]
    if override.name == "record" and default == nil then
      record = override.text
      goto continue
    end
    if default == nil then
      usage_error(("%s=%s: %s"):format(override.name, override.text, params.unknown("parameter", override.name, names)))
    end
    local value, problem = params.read(override.name, override.text, default)
    if problem then usage_error(problem) end
    values[override.name] = value
    ::continue::
  end
  return values, record
end

-- The file that calls ml.run; nil at a prompt.
local function calling_script()
  local info = debug.getinfo(3, "S")
  return info and info.source:match "^@(.*)"
end

local function typed()
  local arg = _G.arg
  if session.command or type(arg) ~= "table" then return session.command end
  local first, words = 0, {}
  while arg[first - 1] do first = first - 1 end
  for i = first, #arg do words[#words + 1] = tostring(arg[i]) end
  return table.concat(words, " ")
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

--- Starts a run. The table holds its parameters and their defaults: numbers, booleans, texts, and lists of them.
--- name, seed and steps have a meaning (the run's place, ml.seed, the loop), the others are the experiment's own.
--- key=value on the command line overrides a default and must be of its type.
---@param defaults table<string, any>
---@return moonlab.Run
local function start(defaults)
  stop_if_interrupted()
  if type(defaults) ~= "table" then
    fail("run: needs a table of parameters, as in ml.run { name = \"demo\", steps = 100 }; got a %s", type(defaults))
  end
  local script, complete = calling_script(), {}
  for name, value in pairs(defaults) do complete[name] = value end
  complete.seed = defaults.seed == nil and 1 or defaults.seed
  complete.name = defaults.name or (script or "run"):match("[^/\\]*$"):gsub("%.lua$", ""):gsub("[^%w_.-]", "-")
  local values, record = resolve(complete)
  if type(values.name) ~= "string" then fail("run: name must be text, got a %s", type(values.name)) end
  if math.type(values.seed) ~= "integer" or values.seed < 0 then
    fail("run: seed must be an integer >= 0, got %s", tostring(values.seed))
  end
  local state = { figures = {}, names = {}, unsaved = false, shown = 0, told = 0, record = record }
  state.core = core.run.start {
    name = values.name, seed = values.seed, params = json.encode(values), script = script, command = typed(),
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
