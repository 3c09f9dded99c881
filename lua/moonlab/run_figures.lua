--- What a run does with its figures: files, recordings, windows, curves in the terminal. `self` is the run.
local note    = require "moonlab.note"
local session = require "moonlab.session"

local run_figures = {}

local function path_of(self, i)
  return ("%s/figures/figure%s"):format(self.dir, i == 1 and "" or "-" .. i)
end

--- Files of all figures, if they have changed.
function run_figures.save(self)
  local state = self._
  if not state.unsaved then return end
  state.unsaved = false
  for i, fig in ipairs(state.figures) do
    local path = path_of(self, i)
    for _, ending in ipairs { ".png", ".svg", ".pdf" } do fig:save(path .. ending) end
    if i > state.told then
      state.told = i
      if not session.quiet then print(("figure: %s.png"):format(path)) end
    end
  end
end

-- A recording has FRAMES frames, evenly over the steps, or over their logarithm where the first panel's axis is logarithmic.
-- Of a loop without end nobody knows how many there will be: then each comes GROWTH times later than the one before.
local FRAMES, GROWTH = 200, 1.02

local function next_frame(fig, step, total)
  if total == math.huge then return math.max(step + 1, step * GROWTH) end
  if fig.log_steps then return math.max(step + 1, step * total ^ (1 / FRAMES)) end
  return step + math.max(1, total / FRAMES)
end

--- Takes a frame of the recording when one is due.
function run_figures.record(self, step)
  local state = self._
  local fig, total = state.figures[1], state.total
  if not (state.record and fig and total) then return end
  if not state.film then
    state.film, state.next_frame = fig:record(state.record), 0
  end
  if step < state.next_frame and step < total then return end
  state.film:frame()
  state.next_frame = next_frame(fig, step, total)
end

--- Writes the recording.
function run_figures.end_recording(self)
  local state = self._
  local film = state.film
  state.film, state.record = nil, nil
  if not film then return end
  film:frame():close()
end

--- Opens windows. They open once the loop begins: by then the script has said what the panels show.
function run_figures.open(self)
  local state = self._
  if not session.window then return end
  for i = state.shown + 1, #state.figures do
    if state.figures[i]:show(self.dir .. "/figures") then state.windows = true
    else note("no display: the figure goes to %s.png", path_of(self, i)) end
  end
  state.shown = #state.figures
end

--- Is a window of the run open?
---@return boolean
function run_figures.any_open(self)
  for _, fig in ipairs(self._.figures) do
    if fig:is_open() then return true end
  end
  return false
end

--- Looks at the sources of what windows show, now: while a loop is paused nothing else would.
function run_figures.refresh(self)
  for _, fig in ipairs(self._.figures) do
    if fig:is_open() then fig:refresh() end
  end
end

--- Without a window, curves stand in the terminal while the loop runs, from the first metrics on.
function run_figures.show_curves(self, step, numbers)
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

return run_figures
