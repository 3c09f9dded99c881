--- Figures: panels of curves and heatmaps, drawn to files and to a live window by one painter.
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.FigureOptions
---@field rows?  integer  panels in a column, 1..8 (default 1)
---@field cols?  integer  panels in a row, 1..8 (default 1)
---@field title? string
---@field theme? "light"|"dark"

---@class moonlab.LinesOptions
---@field x?      string  "step" (default), or the name of a metric: points of the same run:log meet
---@field xscale? "linear"|"log"
---@field yscale? "linear"|"log"
---@field xlim?   number[]  { low, high }; default: from the data
---@field ylim?   number[]
---@field title?  string
---@field xlabel? string  (default: x)
---@field ylabel? string

---@class moonlab.HeatmapOptions
---@field title?     string
---@field xlabel?    string
---@field ylabel?    string
---@field row_shift? integer   added to the numbers of the rows, which count from 1; -1 counts from 0
---@field col_shift? integer
---@field limits?    number[]  values at the two ends of the colours; default: from the data
---@field diverging? boolean   two hues that meet at the middle
---@field stretch?   boolean   fill the panel instead of keeping cells square

---@class moonlab.SaveOptions
---@field width?  number  in 1/96 inch (default 440 a panel)
---@field height? number  in 1/96 inch (default 330 a panel)
---@field dpi?    number  pixels an inch of a PNG (default 192)
---@field theme?  "light"|"dark"

local REFRESH = 0.25 -- seconds between two looks at the sources of the heatmaps while a window shows them

local shown = {} -- figures whose window was opened: alive for as long as it is

---@class moonlab.Figure
---@field private core userdata
---@field private x_of table<string, string>        curve -> what runs along its x axis
---@field private sources table<integer, any>       panel -> function or tensor of its heatmap
---@field private refreshed? number                 when the heatmaps were last looked at
---@field private stale boolean                     something was logged since
local Figure = {}
Figure.__index = Figure
Figure.__name = "moonlab.Figure"

--- Declares the curves of a panel, in place of what it showed. A name in two panels is one curve, drawn twice.
---@param panel integer   counted from 1, row by row
---@param names string[]  in a run's figure: the metrics of run:log
---@param opts? moonlab.LinesOptions
---@return moonlab.Figure
function Figure:lines(panel, names, opts)
  local x = "step"
  if type(opts) == "table" then
    if opts.x ~= nil and type(opts.x) ~= "string" then
      check.fail("fig:lines: x must be 'step' or the name of a metric, got a %s", type(opts.x))
    end
    x = opts.x or x
    local copy = {}
    for key, value in pairs(opts) do copy[key] = value end
    copy.xlabel = opts.xlabel or x
    opts = copy
  elseif opts == nil then
    opts = { xlabel = x }
  end
  if type(names) == "string" then names = { names } end
  for _, name in ipairs(type(names) == "table" and names or {}) do
    if self.x_of[name] and self.x_of[name] ~= x then
      check.fail("fig:lines: '%s' runs over '%s' in another panel; it cannot run over '%s' too", name, self.x_of[name], x)
    end
  end
  self.core:lines(panel, names, opts)
  for _, name in ipairs(names) do self.x_of[name] = x end
  self.sources[panel] = nil
  return self
end

--- Declares a heatmap, in place of what the panel showed.
--- A function is called when the picture is refreshed: at the first log, a few times a second while a window is open,
--- and before every save. Nothing it does is recorded for derivatives, and random numbers it draws are not missed.
---@param panel  integer  counted from 1, row by row
---@param source moonlab.Tensor | fun(): moonlab.Tensor  (rows, columns), or (columns) for one row
---@param opts?  moonlab.HeatmapOptions
---@return moonlab.Figure
function Figure:heatmap(panel, source, opts)
  if type(source) ~= "function" and type(source) ~= "userdata" then
    check.fail("fig:heatmap: needs a tensor, or a function that returns one, got a %s", type(source))
  end
  self.core:heatmap(panel, opts)
  self.sources[panel] = source
  self.stale = true
  return self
end

--- Adds a point to a curve. Figures of a run get theirs from run:log.
---@param name string
---@param x number
---@param y number  nan breaks the line
---@return moonlab.Figure
function Figure:point(name, x, y)
  self.core:point(name, x, y)
  return self
end

--- Looks at the sources of all heatmaps now.
---@return moonlab.Figure
function Figure:refresh()
  self.refreshed, self.stale = core.figure.clock(), false
  for panel, source in pairs(self.sources) do
    self.core:set(panel, type(source) == "function" and core.figure.aside(source) or source)
  end
  return self
end

--- Takes the numbers of one run:log; called by the run.
---@param step integer
---@param numbers table<string, number>
function Figure:feed(step, numbers)
  for name, y in pairs(numbers) do
    if self.core:shows(name) then
      local x = self.x_of[name]
      x = x == "step" and step or numbers[x]
      if x then self.core:point(name, x, y) end
    end
  end
  self.stale = true
  if not next(self.sources) then return end
  if not self.refreshed or (self.core:is_open() and core.figure.clock() - self.refreshed >= REFRESH) then self:refresh() end
end

--- Draws to a file: .png, .svg or .pdf by the end of the path. The file appears complete or not at all.
---@param path string
---@param opts? moonlab.SaveOptions
---@return moonlab.Figure
function Figure:save(path, opts)
  if self.stale then self:refresh() end
  self.core:save(path, opts)
  return self
end

--- Opens a live window. Keys: s saves a picture, t changes the theme, + and - the size of text, q closes.
---@return true?   opened
---@return string? reason  why there is none; having no display is no error
function Figure:show()
  local opened, reason = self.core:show()
  if opened then shown[self] = true end
  if opened and next(self.sources) and self.refreshed then self:refresh() end
  return opened, reason
end

--- Is its window open?
---@return boolean
function Figure:is_open() return self.core:is_open() end

--- Waits until the window is closed, at most so many seconds (negative: for ever).
---@param seconds number
---@return boolean closed
function Figure:wait(seconds) return self.core:wait(seconds) end

--- Closes the window. The figure stays.
function Figure:close() self.core:close() end

local figure = setmetatable({}, { __call = function(self, opts) return self.new(opts) end })

--- Makes a figure of rows x cols panels.
---@param opts? moonlab.FigureOptions
---@return moonlab.Figure
function figure.new(opts)
  return setmetatable({ core = core.figure.new(opts), x_of = {}, sources = {}, stale = false }, Figure)
end

--- Returns when the last window is closed; says first what it waits for. Ctrl-C ends the waiting.
function figure.wait_all()
  local waiting = false
  for fig in pairs(shown) do
    while fig:is_open() do
      if not waiting then io.stderr:write("the window stays open: close it or press q in it\n") end
      waiting = true
      fig:wait(0.2)
    end
    shown[fig] = nil
  end
end

return figure
