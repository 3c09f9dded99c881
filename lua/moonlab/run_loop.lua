--- The loop of a run: its steps, what happens between two of them, and how it ends.
local fail    = require("moonlab.check").fail
local figures = require "moonlab.run_figures"
local note    = require "moonlab.note"
local session = require "moonlab.session"

---@class (partial) moonlab.Run
local methods = {}

-- A hand has ended the loop: Ctrl-C, Ctrl-Q, stop, the last window of a loop without end. Is that its proper end?
local function stopped(self)
  local state = self._
  state.core:stop(self.step, state.loop)
  if state.total == math.huge then return true end
  session.interrupted = true
  note("interrupted at step %d; all of it is in %s", self.step, self.dir)
end

-- The step after which a run that is done again was ended; nil: at its end.
local function cut_of(self, total)
  local state = self._
  local cut = state.replay and state.replay:stop_of(state.loop, total == math.huge)
  return cut and cut < total and cut or nil
end

local function end_loop(self, failure, cut)
  local state = self._
  local interrupted, done = state.core:loop_end(), true
  if state.knobs then state.knobs.board:lock(true) end
  if state.curves then require("moonlab.curves").finish() end
  state.looping, state.curves = false, nil
  if failure == nil and self.step == cut then
    done = state.total == math.huge
    note("ended at step %d, where that run was", self.step)
  elseif (interrupted or state.closed) and self.step < state.total then
    done = stopped(self)
  elseif interrupted then
    session.interrupted = true -- all steps were done: then it meant what follows
  end
  if not done then
    state.interrupted = true
    state.core:outcome "interrupted"
  elseif failure ~= nil then
    state.core:outcome("failed", tostring(failure))
  else
    state.core:outcome "done"
  end
  if failure ~= nil then pcall(figures.save, self) else figures.save(self) end
end

-- How many steps; math.huge: as long as a hand lets it.
local function number_of_steps(self, total)
  total = total or self.params.steps
  if total == math.huge then total = self._.asked or total end
  if total ~= math.huge and (math.type(total) ~= "integer" or total < 0) then
    fail("run:steps: needs a number of steps, as in ml.run { steps = 1000 }; got %s", tostring(total))
  end
  return total
end

-- What happens between two steps; false when there is no next one.
local function between(self)
  local state = self._
  if state.replay then state.replay:apply(self) end
  while true do
    local go, paused = state.core:tick(self.step)
    if go ~= nil then return go end
    require("moonlab.knobs").apply(self)
    if paused then figures.refresh(self) end
  end
end

--- Counts the steps: `for step in run:steps() do`. Shows progress; Ctrl-C ends the loop after the step under way.
--- In the window, Space pauses it and goes on, `.` takes one step, and Ctrl-Q is Ctrl-C; so do the buttons of its bar.
--- math.huge is a loop without end, which ends by Ctrl-C, by Ctrl-Q, or with its last window: then the run is done and the script
--- goes on behind the loop. steps=N on the command line gives such a loop an end; it needs one, or a window.
---@param total? number  (default: the parameter steps)
---@return fun(): integer?
function methods:steps(total)
  if session.interrupted then error("interrupted", 0) end
  total = number_of_steps(self, total)
  local state, step = self._, 0
  figures.open(self)
  state.loop, state.closed = state.loop + 1, nil
  local cut = cut_of(self, total)
  if total == math.huge and not cut and not figures.any_open(self) then
    state.loop = state.loop - 1
    fail("run:steps: a loop without end ends with its window, and there is none; say how many steps, %s",
      self.params.steps and "as in steps=1000 on the command line" or "as in run:steps(1000)")
  end
  local loop, last = state.core, cut or total
  loop:loop_begin(last == math.huge and 0 or last, session.quiet)
  state.looping = true
  if state.knobs then state.knobs.board:lock(state.replay ~= nil) end
  loop:outcome("failed", "the script ended inside its loop")
  state.total, self.step = total, 0
  local function next_step()
    if not between(self) or step == last then return nil end
    if last == math.huge and not figures.any_open(self) then
      state.closed = true
      return nil
    end
    step = step + 1
    self.step = step
    return step
  end
  return next_step, nil, nil, setmetatable({}, { __close = function(_, failure) end_loop(self, failure, cut) end })
end

--- True at the first step, at every multiple of n, and at the last.
---@param n integer
---@return boolean
function methods:every(n)
  if math.type(n) ~= "integer" or n < 1 then fail("run:every: needs an integer >= 1, got %s", tostring(n)) end
  local step = self.step
  return step % n == 0 or step == 1 or step == self._.total
end

return methods
