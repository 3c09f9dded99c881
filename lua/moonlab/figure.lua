--- Figures: panels of curves and other marks, drawn to files and to a live window by one painter.
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.FigureOptions
---@field rows?    integer  panels in a column, 1..8 (default 1)
---@field cols?    integer  panels in a row, 1..8 (default 1)
---@field layout?  string|string[]  in their place: a text a row, a letter a panel, as in { "aab", "ccb" }; . is empty
---@field share_x? boolean  panels of a column have one x axis, with numbers at the lowest
---@field share_y? boolean  panels of a row have one y axis, with numbers at the leftmost
---@field title?   string
---@field style?   "light"|"dark"|"print"

--- Options of a panel; every mark takes them too. What is not given stays as it is. Titles and labels may have 10^{-3}, w_{i}
--- and \alpha in them.
---@class moonlab.PanelOptions
---@field title?   string
---@field xlabel?  string
---@field ylabel?  string
---@field y2label? string    of the axis on the right, which is there when a mark has right = true
---@field xscale?  "linear"|"log"|"symlog"  symlog: both signs, linear around zero
---@field yscale?  "linear"|"log"|"symlog"
---@field y2scale? "linear"|"log"|"symlog"
---@field xlim?    number[]  { low, high }; default: from the data
---@field ylim?    number[]
---@field y2lim?   number[]
---@field equal?   boolean   a unit of x is as long as one of y
---@field legend?  boolean   (default true: where there is something to tell apart)
---@field smooth?  number    of curves that grow: the weight of the past, 0 to below 1, in the average that is drawn over them
---                          (ml.stats.smooth); the curve is then faint, on a band from the least to the most of the points that
---                          the average stands for. By points, not by x. In the window [ and ] change it

---@class moonlab.LinesOptions: moonlab.PanelOptions
---@field x?       string   "step" (default), or the name of a metric: points of the same run:log meet
---@field right?   boolean  over the y axis on the right

---@class moonlab.SaveOptions
---@field size?   number[]  width and height in 1/96 inch (default 440 x 330 a panel)
---@field dpi?    number    pixels an inch of a PNG (default 192)
---@field style?  "light"|"dark"|"print"

---@alias moonlab.Values moonlab.Tensor|number[]|number|fun(): moonlab.Tensor

local REFRESH = 0.25 -- seconds between two looks at the sources of the marks while a window shows them

local shown = {} -- figures whose window was opened: alive for as long as it is

---@class moonlab.Figure
---@field private core userdata
---@field private x_of table<string, string>  curve -> what runs along its x axis
---@field private sources table[]             marks whose numbers come from functions or tensors, in the order of their making
---@field private refreshed? number           when they were last looked at
---@field private stale boolean               something was logged since
---@field log_steps? boolean                  the first panel has the logarithm of the step along its axis
---@field private over_step table<integer, integer|false>  panel with the step along its axis -> its mark of changes
---@field private changes? table[]             of the run's knobs, see moonlab.changes
local Figure = {}
Figure.__index = Figure
Figure.__name = "moonlab.Figure"

--- Changes the options of a panel.
---@param panel integer   counted from 1, row by row
---@param opts  moonlab.PanelOptions
---@return moonlab.Figure
function Figure:panel(panel, opts)
  self.core:panel(panel, opts)
  return self
end

--- Takes everything away that a panel shows, and its options.
---@param panel integer
---@return moonlab.Figure
function Figure:clear(panel)
  self.core:clear(panel)
  self.over_step[panel] = nil
  for i = #self.sources, 1, -1 do
    if self.sources[i].panel == panel then table.remove(self.sources, i) end
  end
  return self
end

-- What hands change is marked in all panels over the step.
local function stands_over_step(self, panel)
  if self.over_step[panel] ~= nil then return end
  self.over_step[panel] = false
  if self.changes then require("moonlab.changes").show(self, self.changes) end
end

--- Adds curves to a panel that grow point by point. A name in two panels is one curve, drawn twice.
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
  if panel == 1 and x == "step" then self.log_steps = opts.xscale == "log" end
  for _, name in ipairs(names) do self.x_of[name] = x end
  if x == "step" then stands_over_step(self, panel) end
  return self
end

--- Adds one curve that grows, with the options of a line: its label in the legend (empty: none), colour, dash, width ...
---@param panel integer  counted from 1, row by row
---@param name string    in a run's figure: a metric of run:log, over the step
---@param opts? moonlab.LineOptions
---@return moonlab.Figure
function Figure:curve(panel, name, opts)
  self.core:curve(panel, name, opts)
  self.x_of[name] = self.x_of[name] or "step"
  if self.x_of[name] == "step" then stands_over_step(self, panel) end
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

--- marks -----------------------------------------------------------------------------------------------------------

-- What may stand for numbers: a tensor, a list or a number, or a function that returns one.
local function is_source(value)
  local kind = type(value)
  return kind == "userdata" or kind == "function" or kind == "number" or (kind == "table" and (#value > 0 or next(value) == nil))
end

-- As a tensor; lists and numbers of Lua become f64.
local function to_tensor(where, name, value)
  if type(value) == "function" then value = core.figure.aside(value) end
  if type(value) == "number" then value = { value } end
  if type(value) == "table" then return core.make.tensor(value, { dtype = "f64" }) end
  if type(value) ~= "userdata" then
    check.fail("%s: %s must be a tensor, a list of numbers or a function that returns one, got a %s", where, name, type(value))
  end
  return value
end

-- Looks at the sources of one mark and hands their numbers over.
local function look(self, mark)
  local data, where = {}, "fig:" .. mark.kind
  if mark.all then
    local values = core.figure.aside(function() return { mark.all() } end)
    for i, name in ipairs(mark.needed) do data[name] = to_tensor(where, name, values[i]) end
  end
  for name, value in pairs(mark.values) do data[name] = to_tensor(where, name, value) end
  self.core:give(mark.id, mark.kind, data)
end

-- A method for each mark of the table: fig:scatter(panel, x, y, { by = labels }). Data that it must have come by position, other
-- data and options by name. One function may stand for all that come by position; it returns them.
local function add_mark(kind)
  local needed, optional = {}, {}
  for _, slot in ipairs(kind.slots) do
    if slot.optional then optional[slot.name] = true else needed[#needed + 1] = slot.name end
  end
  local where = "fig:" .. kind.name
  Figure[kind.name] = Figure[kind.name] or function(self, panel, ...)
    local given, values = { ... }, {}
    local opts, all
    local n = select("#", ...)
    if #needed > 1 and type(given[1]) == "function" and not is_source(given[2]) then
      all, opts = given[1], given[2]
      if n > 2 then check.fail("%s: there is nothing behind the options", where) end
    else
      for i, name in ipairs(needed) do
        if not is_source(given[i]) then
          check.fail("%s: %s must be a tensor, a list of numbers or a function that returns one, got %s", where, name,
            given[i] == nil and "nothing" or "a " .. type(given[i]))
        end
        values[name] = given[i]
      end
      opts = given[#needed + 1]
      if n > #needed + 1 then check.fail("%s: there is nothing behind the options", where) end
    end
    local options = {}
    if opts ~= nil and type(opts) ~= "table" then check.fail("%s: options must be a table, got %s", where, type(opts)) end
    for name, value in pairs(opts or {}) do
      if optional[name] then
        if not is_source(value) then
          check.fail("%s: %s must be a tensor or a list of numbers, got a %s", where, name, type(value))
        end
        values[name] = value
      else
        options[name] = value
      end
    end
    if kind.name == "graph" then options.base = options.base or 1 end -- nodes count from 1 here
    local mark = { panel = panel, kind = kind.name, all = all, needed = needed, values = values }
    local calls = all ~= nil
    for name, value in pairs(values) do
      if type(value) == "function" then calls = true end
      if type(value) == "table" or type(value) == "number" then values[name] = to_tensor(where, name, value) end
    end
    mark.id = self.core:add(kind.name, panel, options)
    self.sources[#self.sources + 1] = mark
    if calls then self.stale = true else look(self, mark) end -- what is wrong with numbers is told at once
    return self
  end
end

for _, kind in ipairs(core.figure.marks()) do add_mark(kind) end

-- Figures of models, loaded when first asked for.
for module, names in pairs { charts = { "band", "decision", "network" }, neurons = { "neurons" } } do
  for _, name in ipairs(names) do
    Figure[name] = function(...) return require("moonlab." .. module)[name](...) end
  end
end

--- files and windows -----------------------------------------------------------------------------------------------

--- Looks at the sources of all marks now.
---@return moonlab.Figure
function Figure:refresh()
  self.refreshed, self.stale = core.figure.clock(), false
  for _, mark in ipairs(self.sources) do look(self, mark) end
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
  if #self.sources == 0 then return end
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

--- Draws into memory: one panel's size unless told otherwise, at 96 pixels an inch.
---@param opts? moonlab.SaveOptions
---@return moonlab.Tensor pixels  (rows, columns, 3): red, green, blue, 0..255, u8
function Figure:pixels(opts)
  if self.stale then self:refresh() end
  return self.core:pixels(opts)
end

---@class moonlab.Recording
---@field private core userdata
---@field private figure moonlab.Figure
local Recording = {}
Recording.__index = Recording
Recording.__name = "moonlab.Recording"

--- Starts a recording: an animated .gif, or an .mp4, .mkv, .webm or .mov through the system's ffmpeg. `recording:frame()` adds
--- the figure as it is, `recording:close()` writes the file. `moonlab run ... record=PATH` does it for the first figure of a run.
---@param path string
---@param opts? moonlab.SaveOptions  of each frame
---@return moonlab.Recording
function Figure:record(path, opts)
  return setmetatable({ core = self.core:record(path, opts), figure = self }, Recording)
end

--- Adds the figure as it is now.
---@return moonlab.Recording
function Recording:frame()
  self.figure:refresh()
  self.core:frame()
  return self
end

--- Writes the file. The last frame stays for two seconds.
function Recording:close() self.core:close() end

--- Opens a live window. The wheel zooms, the left button drags a box to zoom into, the right one moves; a click on a name of
--- the legend hides its curve; x and y make an axis logarithmic, s saves a picture, q closes, and ? tells all keys.
---@param folder? string  where pictures go (default: the current one; for the figures of a run: its own)
---@param title? string   of the window (default: the figure's)
---@param width? integer  in pixels (default: by the number of panels, as the height)
---@param height? integer
---@return true?   opened
---@return string? reason  why there is none; having no display is no error
function Figure:show(folder, title, width, height)
  local opened, reason = self.core:show(folder, title, width, height)
  if opened then shown[self] = true end
  if opened and #self.sources > 0 and self.refreshed then self:refresh() end
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

--- Makes a figure of rows x cols panels, or of the panels of a layout.
---@param opts? moonlab.FigureOptions
---@return moonlab.Figure
function figure.new(opts)
  if type(opts) == "table" and type(opts.layout) == "table" then
    local copy = {}
    for name, value in pairs(opts) do copy[name] = value end
    copy.layout = table.concat(opts.layout, " ")
    opts = copy
  end
  return setmetatable({ core = core.figure.new(opts), x_of = {}, over_step = {}, sources = {}, stale = false }, Figure)
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
