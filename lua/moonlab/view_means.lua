--- Runs that differ in the seed alone, as their mean with a band.
local ml     = require "moonlab"
local labels = require "moonlab.run_labels"
local spread = require "moonlab.spread"

local clock = require("moonlab.core").figure.clock

local means = {}

---@class moonlab.ViewMeans
---@field view   moonlab.View
---@field groups moonlab.RunReader[][]
---@field shown  table[]  the means that are drawn, by group and metric
local Means = {}
Means.__index = Means

-- The steps that all have, with the values of each there: mostly they are the first ones of all.
local function align(all)
  local n = math.huge
  for _, one in ipairs(all) do n = math.min(n, #one.steps) end
  local first = all[1].steps[{ { 1, n } }]
  local even = true
  for i = 2, #all do even = even and first:eq(all[i].steps[{ { 1, n } }]):all():item() end
  if even then
    local rows = {}
    for i, one in ipairs(all) do rows[i] = one.values[{ { 1, n } }] end
    return first:cast "f64", ml.stack(rows)
  end
  local at, steps, rows = {}, {}, {}
  for i, one in ipairs(all) do
    local values = one.values:tolist()
    for k, step in ipairs(one.steps:tolist()) do
      at[step] = at[step] or {}
      at[step][i] = at[step][i] or values[k]
    end
    rows[i] = {}
  end
  for step, values in pairs(at) do
    local count = 0
    for _ in pairs(values) do count = count + 1 end
    if count == #all then steps[#steps + 1] = step end
  end
  if #steps == 0 then return nil end
  table.sort(steps)
  for k, step in ipairs(steps) do
    for i = 1, #all do rows[i][k] = at[step][i] end
  end
  return ml.tensor(steps, { dtype = "f64" }), ml.tensor(rows, { dtype = "f64" })
end

-- Of the runs of a group that have logged a metric.
local function gather(group, name)
  local all, size = {}, 0
  for _, run in ipairs(group) do
    if run.pieces[name] then
      local steps, values = run:metric(name)
      all[#all + 1] = { steps = steps, values = values }
      size = size + #steps
    end
  end
  return all, size
end

-- A curve with its band; where only growing curves can be drawn, in a terminal, without it.
local function show(self, i, name)
  local view = self.view
  local panel, series, opts = view:curve(i, name)
  if not panel then return false end
  local one = { size = 0, fed = 0, series = series }
  if view.opts.apart then
    view.figure:curve(panel, series, opts)
    return one
  end
  opts.low, opts.high = function() return one.low end, function() return one.high end
  one.x, one.middle, one.low, one.high = {}, {}, {}, {}
  view.figure:line(panel, function() return one.x, one.middle end, opts)
  return one
end

local function compute(one, all, view)
  local steps, values = align(all)
  if not steps then return end
  one.x = steps
  one.middle, one.low, one.high = spread("view", values, "std")
  if not view.opts.apart then return end
  for k = one.fed + 1, #steps do view.figure:point(one.series, steps[k]:item(), one.middle[k]:item()) end
  one.fed = #steps
end

--- Computes again what has changed; a tenth of the time at most, unless it must.
---@param must boolean
function Means:refresh(must)
  local view, changed, began = self.view, false, clock()
  if began < self.again and not must then return end
  for i, group in ipairs(self.groups) do
    for _, run in ipairs(group) do
      for _, name in ipairs(run.metrics) do
        if self.shown[i][name] == nil then self.shown[i][name] = show(self, i, name) end
      end
    end
    for name, one in pairs(self.shown[i]) do
      local all, size = {}, 0
      if one then all, size = gather(group, name) end
      if one and size ~= one.size then
        one.size, changed = size, true
        compute(one, all, view)
      end
    end
  end
  if changed then view.figure:refresh() end
  self.again = clock() + 9 * (clock() - began)
end

--- Groups the runs of a view, and gives its legend their names.
---@param view moonlab.View
---@param keys string[]  the parameters in which its runs differ
---@return moonlab.ViewMeans
function means.new(view, keys)
  local others, groups, texts, by_text = {}, {}, {}, {}
  for _, key in ipairs(keys) do
    if key ~= "seed" then others[#others + 1] = key end
  end
  for _, run in ipairs(view.runs) do
    local text = labels.parts(run, others)
    if not by_text[text] then
      groups[#groups + 1] = {}
      by_text[text] = groups[#groups]
      texts[#texts + 1] = text
    end
    table.insert(by_text[text], run)
  end
  for i, group in ipairs(groups) do
    local count = ("%d run%s"):format(#group, #group == 1 and "" or "s")
    texts[i] = texts[i] == "" and count or ("%s (%s)"):format(texts[i], count)
  end
  view.labels = texts
  local self = setmetatable({ view = view, groups = groups, shown = {}, again = 0 }, Means)
  for i = 1, #groups do self.shown[i] = {} end
  return self
end

means.align = align

return means
