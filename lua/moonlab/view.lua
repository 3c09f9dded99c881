--- Runs as curves: of one run all that it logged, of several the same metrics over each other. They go on growing.
---
---     local v = view.new({ "runs/demo/20260102-030405" }, {})
---     while v:is_running() do v:poll() end
---     v.figure:save "runs.png"
local changes = require "moonlab.changes"
local core    = require "moonlab.core"
local curves  = require "moonlab.curves"
local figure  = require "moonlab.figure"
local glob    = require "moonlab.glob"
local labels  = require "moonlab.run_labels"
local means   = require "moonlab.view_means"
local reader  = require "moonlab.run_reader"

local MOST_RUNS   = 256
local MOST_PANELS = 64
local MOST_MARKS  = 512 -- in one panel
local CLEAR       = 6   -- runs that can be told apart when a panel has several metrics of each, or a legend in each panel
local MOST_EVENTS = 24
local NAME_BYTES  = 95  -- of a series
local SILENCE     = 60  -- seconds without a record that are worth telling

local DASHES = { "solid", "dashed", "dotted", "dash-dotted" }

local view = {}

---@class moonlab.ViewOptions
---@field metrics? string[]  patterns of names, as "test_*" (default: all)
---@field log?     boolean   logarithmic axes of steps
---@field smooth?  number    the weight of the past in curves, 0 to below 1
---@field mean?    boolean   runs that differ in the seed alone as their mean, with a band
---@field apart?   boolean   a panel for each metric
---@field style?   string

---@class moonlab.View
---@field figure moonlab.Figure
---@field runs   moonlab.RunReader[]  in the order of the legend
---@field labels string[]
local View = {}
View.__index = View

--- panels ------------------------------------------------------------------------------------------------------------

-- Wider than high, as screens are.
local function grid(n)
  if n <= 3 then return 1, n end
  local cols = math.min(8, math.ceil(math.sqrt(n * 1.2)))
  return (n + cols - 1) // cols, cols
end

local function add_panel(self)
  local n = #self.panels
  self.figure.core:arrange(grid(n))
  self.figure:panel(n, { xlabel = "step", xscale = self.opts.log and "log" or nil, smooth = self.opts.smooth })
end

-- A dash tells which metric of its panel a curve is: once there are two they stand in the legend, below the runs.
local function add_keys(self)
  if #self.labels == 1 then return end
  for at, panel in ipairs(self.panels) do
    for k = (panel.keys or 0) + 1, #panel > 1 and #panel or 0 do
      self.figure.core:add("line", at, {
        label = labels.cut(panel[k], NAME_BYTES), group = self.number[panel[k]],
        colour = "ink", dash = DASHES[(k - 1) % #DASHES + 1],
      })
      panel.keys = k
    end
  end
end

--- The panel of a metric and its place there; nil when it is not to be seen, or there is no room.
---@param name string
---@return integer? panel, integer? place
function View:place(name)
  local known = self.placed[name]
  if known ~= nil then return known and known[1], known and known[2] end
  self.placed[name] = false
  local wanted = not self.opts.metrics
  for _, pattern in ipairs(self.opts.metrics or {}) do wanted = wanted or glob.fits(name, pattern) end
  if not wanted then return nil end
  if #self.panels == MOST_PANELS then
    self:note(("there is room for %d panels: '%s' and others are not shown; --metrics chooses"):format(MOST_PANELS,
      labels.cut(name, 60)), "panels")
    return nil
  end
  local before = #self.panels
  local panel  = before + 1
  if self.apart then self.panels[panel] = { name } else panel = curves.place(self.panels, name) end
  if panel > before then add_panel(self) end
  local k = #self.panels[panel]
  self.n_metrics = self.n_metrics + 1
  self.number[name] = #self.labels + self.n_metrics -- groups of marks: runs, then metrics
  self.figure:panel(panel, { title = labels.cut(k == 1 and name or self.panels[panel].subject, 180) })
  self.placed[name] = { panel, k }
  return panel, k
end

-- A name that no other series has.
local function series_name(self, text)
  local name, k = labels.cut(text, NAME_BYTES), 1
  if name == "" then name = "?" end
  while self.series[name] do
    k = k + 1
    name = labels.cut(text, NAME_BYTES - 8) .. " #" .. k
  end
  self.series[name] = true
  return name
end

--- The options of the curve of run i (or of the i-th mean) that shows a metric, and the name of its series.
---@param i integer
---@param name string
---@return integer? panel, string series, table options
function View:curve(i, name)
  local panel, k = self:place(name)
  if not panel then return nil, "", {} end
  self.marks[panel] = (self.marks[panel] or 0) + 1
  if self.marks[panel] > MOST_MARKS - MOST_EVENTS - 8 then
    self:note(("there is no room for more curves with '%s'"):format(labels.cut(name, 60)), "marks")
    return nil, "", {}
  end
  if #self.labels == 1 then return panel, series_name(self, name), { label = labels.cut(name, NAME_BYTES) } end
  local named = k == 1 and (panel == 1 or #self.labels <= CLEAR or self.opts.apart) -- many runs stand in one legend
  return panel, series_name(self, name .. ": " .. self.labels[i]), {
    label = named and self.labels[i] or "", colour = self.colours[i], dash = DASHES[(k - 1) % #DASHES + 1],
    group = i, subgroup = self.number[name],
  }
end

--- runs --------------------------------------------------------------------------------------------------------------

-- Where the metrics of a run go, block by block.
local function feeder(self)
  return function(run, id, name)
    local series = run.series[name]
    if series == nil then
      local panel, opts
      panel, series, opts = self:curve(self.index[run], name)
      if panel then self.figure:curve(panel, series, opts) end
      series = panel and series or false
      run.series[name] = series
    end
    if series then run.core:feed(self.figure.core, id, series) end
  end
end

--- Something to tell the user, once.
---@param text string
---@param once? string  what it is about (default: the text)
function View:note(text, once)
  if self.noted[once or text] then return end
  self.noted[once or text] = true
  self.notes[#self.notes + 1] = text
end

local function tell_state(self, run)
  local who = ("%s/%s"):format(run.name, run.started)
  if run.trouble then self:note(("%s: %s"):format(who, run.trouble)) end
  if run.damaged and not (run.damaged == "cut" and run:is_running()) then
    self:note(run.damaged == "cut" and ("%s: the last record of its log is not whole; what is before it is shown"):format(who)
      or ("%s: its log is damaged after step %d; what is before that is shown"):format(who, run.step), who .. run.damaged)
  end
  if run.told == run.status then return end
  local before = run.told
  run.told = run.status
  if run.status == "lost" then
    self:note(("%s: its process is gone without an end; the last record is of step %d"):format(who, run.step))
  elseif before == "running" then
    local why = run.message ~= "" and ": " .. labels.cut(run.message, 200) or ""
    self:note(("%s: %s after step %d%s"):format(who, run.status, run.step, why))
  end
end

-- What happened in a run that is alone: events, claims, and what hands changed.
local function happened(run)
  local list = {}
  for _, change in ipairs(run.changes) do changes.add(list, change) end
  for _, event in ipairs(run.events) do list[#list + 1] = { step = event.step, text = event.text } end
  for _, claim in ipairs(run.checks) do
    list[#list + 1] = { step = claim.step, text = (claim.passed and "✓ " or "✗ ") .. claim.name }
  end
  for i, mark in ipairs(list) do mark.place = i end
  table.sort(list, function(a, b) return a.step < b.step or (a.step == b.step and a.place < b.place) end)
  list = table.move(list, math.max(1, #list - MOST_EVENTS + 1), #list, 1, {})
  for _, mark in ipairs(list) do mark.text = labels.cut(mark.text, 60) end
  return list
end

local function show_events(self)
  local run = self.runs[1]
  local n = #run.changes + #run.events + #run.checks
  if #self.runs > 1 or self.opts.apart or n == self.n_events then return end
  self.n_events = n
  changes.show(self.figure, happened(run))
end

--- What stands above the panels: whose curves these are, and what is unusual about them.
---@return string
function View:title()
  local run, names, count, states = self.runs[1], {}, {}, {}
  for _, other in ipairs(self.runs) do
    if not count[other.name] then names[#names + 1] = other.name end
    count[other.name] = true
    states[other.status] = (states[other.status] or 0) + 1
  end
  local text = #names > 3 and ("%d experiments"):format(#names) or table.concat(names, ", ")
  text = labels.cut(text, 100)
  local said = {}
  if #self.runs == 1 then
    text = text .. " " .. labels.time(run, {})
    if run.status ~= "done" then said[1] = run.status end
  else
    said[1] = ("%d runs"):format(#self.runs)
    for _, state in ipairs { "running", "interrupted", "failed", "lost" } do
      if states[state] then said[#said + 1] = ("%d %s"):format(states[state], state) end
    end
  end
  local silent = states.running and core.figure.clock() - self.heard or 0
  if silent >= SILENCE then said[#said + 1] = ("nothing new for %d min"):format(silent // 60) end
  return #said > 0 and text .. ": " .. table.concat(said, ", ") or text
end

local function refresh(self)
  if self.means then self.means:refresh(not self:is_running()) end
  add_keys(self)
  for _, run in ipairs(self.runs) do tell_state(self, run) end
  show_events(self)
  local title = self:title()
  if title ~= self.titled then self.figure.core:title(title) end
  self.titled = title
end

--- Reads what has been logged since.
---@return boolean news
function View:poll()
  local news = false
  for _, run in ipairs(self.runs) do
    if not run.ended and run:update() then news = true end
  end
  if news then self.heard = core.figure.clock() end
  refresh(self)
  return news
end

--- Is one of the runs at work still?
---@return boolean
function View:is_running()
  for _, run in ipairs(self.runs) do
    if run:is_running() then return true end
  end
  return false
end

--- All notes that were not given yet.
---@return string[]
function View:news()
  local notes = self.notes
  self.notes = {}
  return notes
end

--- Metrics that were asked for and that nobody has logged: the first pattern, and the names that there are.
---@return string? pattern, string[] names
function View:missing()
  local names = {}
  for name in pairs(self.placed) do names[#names + 1] = name end
  table.sort(names)
  for _, pattern in ipairs(self.opts.metrics or {}) do
    local found = false
    for _, name in ipairs(names) do found = found or glob.fits(name, pattern) end
    if not found then return pattern, names end
  end
  return nil, names
end

--- Opens runs and draws what they have logged so far.
---@param dirs string[]
---@param opts moonlab.ViewOptions
---@return moonlab.View
function view.new(dirs, opts)
  if #dirs > MOST_RUNS then require("moonlab.check").fail("view: at most %d runs, got %d", MOST_RUNS, #dirs) end
  local self = setmetatable({
    opts = opts, runs = {}, index = {}, panels = {}, placed = {}, number = {}, n_metrics = 0, series = {}, marks = {},
    n_events = 0, notes = {}, noted = {}, heard = core.figure.clock(), figure = figure.new { style = opts.style },
  }, View)
  local take = feeder(self)
  if opts.mean then take = nil end
  for i, dir in ipairs(dirs) do
    self.runs[i] = reader.open(dir, take)
    self.runs[i].series = {}
  end
  local keys = labels.differing(self.runs)
  self.labels = labels.of(self.runs, keys)
  if opts.mean then self.means = means.new(self, keys) end
  self.colours = labels.colours(#self.labels)
  self.apart = opts.apart or #self.labels > CLEAR
  for i, run in ipairs(self.runs) do
    self.index[run] = i
    reader.read(run)
    run.told = run.status
    if run.status == "lost" then run.told = nil end
  end
  refresh(self)
  return self
end

return view
