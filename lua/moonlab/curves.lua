--- Curves in the terminal while a loop runs: of the run's figure, or of what it logs. Loaded when a run shows some.
local figure  = require "moonlab.figure"
local session = require "moonlab.session"

local curves = {}

-- "train_loss" and "test_loss" belong into one panel: the last word says what is measured.
local function subject(name) return name:match "([^_%./ ]+)$" or name end

--- Puts a metric into the panel of its subject, or into a new one behind the others. A panel is a list of names.
---@param panels table[]  what the panels show so far
---@param name string
---@return integer panel
function curves.place(panels, name)
  local at = 1
  while panels[at] and panels[at].subject ~= subject(name) do at = at + 1 end
  panels[at] = panels[at] or { subject = subject(name) }
  table.insert(panels[at], name)
  return at
end

-- A panel for each subject, in the order of the names.
local function of_metrics(names)
  local panels = {}
  for _, name in ipairs(names) do curves.place(panels, name) end
  local cols = math.min(#panels, 8)
  local fig = figure.new { cols = cols, rows = math.min(8, (#panels + cols - 1) // cols) }
  for i = 1, math.min(#panels, 64) do fig:lines(i, panels[i]) end
  return fig
end

--- The figure whose curves are to be seen: the first with curves that grow, else one of the metrics. names: only these.
---@param figures moonlab.Figure[]
---@param numbers table<string, number>  what is logged
---@param names? string[]
---@return moonlab.Figure? figure
---@return boolean? own  made here: somebody must feed it
function curves.choose(figures, numbers, names)
  if not names then
    for _, fig in ipairs(figures) do
      if next(fig.x_of) then return fig, false end
    end
    names = {}
    for name in pairs(numbers) do names[#names + 1] = name end
    table.sort(names)
  end
  if #names == 0 then return nil end
  return of_metrics(names), true
end

--- Does the environment name a display?
function curves.is_display() return (os.getenv "DISPLAY" or "") ~= "" or (os.getenv "WAYLAND_DISPLAY" or "") ~= "" end

--- Are curves to be drawn, when no window is? "auto": when somebody is at a terminal that has no display.
---@param windows boolean  a window is open
function curves.wanted(windows)
  local tui = session.tui
  if session.quiet or not tui then return false end
  if tui ~= "auto" then return true end
  return not windows and not curves.is_display()
end

-- What a script prints stands above the curves: they make room, and are drawn again below it.
local print = print

--- While the loop runs, print makes room first.
---@param run userdata  the core of the run
function curves.begin(run)
  _G.print = function(...) -- luacheck: ignore 122
    run:clear()
    io.stderr:flush()
    print(...)
    io.stdout:flush()
  end
end

function curves.finish() _G.print = print end -- luacheck: ignore 122

return curves
