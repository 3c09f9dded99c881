--- Knobs: what a hand may change in the window of a run while it trains.
---
---     local lr = ml.ui.slider(run, "lr", { from = 1e-4, to = 1, scale = "log", on = function(v) opt.lr = v end })
---     ml.ui.toggle(run, "augment", { value = true })
---     ml.ui.choice(run, "activation", { "relu", "tanh", "gelu" }, { on = rebuild })
---     ml.ui.button(run, "reset", { on = rebuild })
---
--- A knob starts from the run's parameter of its name, so key=value of the command line holds, and `run.<name>` follows it. A
--- change is applied between two steps, also while the loop is paused; it is in the run's log, as a mark in the figures over the
--- step, and `moonlab run SCRIPT replay=RUN` makes it again. Without a window a knob is its start and costs nothing.
local core  = require "moonlab.core"
local check = require "moonlab.check"
local knobs = require "moonlab.knobs"

local ui = {}

-- The options, after the checks that all kinds share.
local function options_of(where, run, name, opts, defaults)
  local meta = getmetatable(run)
  if type(meta) ~= "table" or meta.__name ~= "moonlab.Run" then
    check.fail("%s: a knob belongs to a run, as in %s(run, \"lr\", ...); got a %s", where, where, type(run))
  end
  if type(name) ~= "string" or not name:match "^%a[%w_]*$" then
    check.fail("%s: a knob has a name of letters, digits and _, as in \"lr\"; got %s", where, tostring(name))
  end
  if name == "steps" or name == "name" then check.fail("%s: no knob can be '%s': a run cannot change it", where, name) end
  if run._.knobs and run._.knobs.by_name[name] then check.fail("%s: the run has a knob '%s' already", where, name) end
  defaults.label, defaults.on = check.any, check.any
  local o = check.options(where, opts, defaults)
  if o.on ~= nil then check.is_function(where .. ": on", o.on) end
  if o.label == nil then o.label = name:gsub("_", " ") end
  if type(o.label) ~= "string" or o.label == "" then check.fail("%s: label must be a text, got %s", where, tostring(o.label)) end
  return o
end

---@class moonlab.KnobOptions
---@field on?    fun(value: any)  called after a change, between two steps
---@field label? string           what stands in the window (default: the name, _ as a space)

---@class moonlab.SliderOptions: moonlab.KnobOptions
---@field from   number            the least
---@field to     number            the most
---@field value? number            the start, when the run has no parameter of that name
---@field scale? "linear"|"log"    (default "linear")

--- A number within bounds: whole when from, to and the start are integers. A parameter beyond the bounds, from the command line,
--- moves them.
---@param run  moonlab.Run
---@param name string
---@param opts moonlab.SliderOptions
---@return moonlab.Knob
function ui.slider(run, name, opts)
  local where = "ui.slider"
  local o = options_of(where, run, name, opts, { from = check.any, to = check.any, value = check.any, scale = "linear" })
  local start = rawget(run.params, name)
  if start == nil then start = o.value end
  local function number(value, what)
    if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge then
      check.fail("%s: %s: %s must be a number, got %s", where, name, what, tostring(value))
    end
  end
  if start == nil then check.fail("%s: give the run a parameter %s, or the slider a value to start from", where, name) end
  number(o.from, "from")
  number(o.to, "to")
  number(start, "the start")
  if o.from >= o.to then check.fail("%s: %s: from must be less than to, got %s and %s", where, name, o.from, o.to) end
  if o.scale ~= "linear" and o.scale ~= "log" then
    check.fail("%s: %s: scale must be 'linear' or 'log', got '%s'", where, name, o.scale)
  end
  if o.scale == "log" and math.min(o.from, start) <= 0 then
    check.fail("%s: %s: a log scale has no place for %s; use scale = \"linear\"", where, name, math.min(o.from, start))
  end
  local whole = math.type(o.from) == "integer" and math.type(o.to) == "integer" and math.type(start) == "integer"
  local own = { from = math.min(o.from, start), to = math.max(o.to, start), whole = whole }
  return knobs.add(run, name, "slider", o, own, knobs.number_for(own, start))
end

---@class moonlab.ToggleOptions: moonlab.KnobOptions
---@field value? boolean  the start, when the run has no parameter of that name (default false)

--- On or off.
---@param run  moonlab.Run
---@param name string
---@param opts? moonlab.ToggleOptions
---@return moonlab.Knob
function ui.toggle(run, name, opts)
  local o = options_of("ui.toggle", run, name, opts, { value = false })
  local start = rawget(run.params, name)
  if start == nil then start = o.value end
  if type(start) ~= "boolean" then
    check.fail("ui.toggle: the parameter %s must be true or false, it is %s", name, tostring(start))
  end
  return knobs.add(run, name, "toggle", o, {}, start)
end

---@class moonlab.ChoiceOptions: moonlab.KnobOptions
---@field value? string  the start, when the run has no parameter of that name (default: the first)

--- One of some texts.
---@param run     moonlab.Run
---@param name    string
---@param choices string[]  at most 32, all different
---@param opts?   moonlab.ChoiceOptions
---@return moonlab.Knob
function ui.choice(run, name, choices, opts)
  local where = "ui.choice"
  local o = options_of(where, run, name, opts, { value = check.any })
  if type(choices) ~= "table" or #choices == 0 then
    check.fail("%s: %s: the choices are a list of texts, as in { \"relu\", \"tanh\" }, got %s", where, name,
      type(choices) == "table" and "none" or type(choices))
  end
  local own = { choices = {} }
  for i, text in ipairs(choices) do
    if type(text) ~= "string" or text == "" then
      check.fail("%s: %s: choice %d must be a text, got %s", where, name, i, tostring(text))
    end
    if knobs.place_of(own.choices, text) then check.fail("%s: %s: '%s' is there twice", where, name, text) end
    own.choices[i] = text
  end
  local start = rawget(run.params, name)
  if start == nil then start = o.value end
  if start == nil then start = own.choices[1] end
  if not knobs.place_of(own.choices, start) then
    local nearest = type(start) == "string" and core.nearest(start, own.choices)
    check.fail("%s: %s: '%s' is none of '%s'%s", where, name, tostring(start), table.concat(own.choices, "', '"),
      nearest and ("; did you mean '%s'?"):format(nearest) or "")
  end
  return knobs.add(run, name, "choice", o, own, start)
end

--- Something to be done when it is pressed.
---@param run  moonlab.Run
---@param name string
---@param opts? moonlab.KnobOptions  its `on` has no argument
---@return moonlab.Knob
function ui.button(run, name, opts)
  local o = options_of("ui.button", run, name, opts, {})
  if rawget(run.params, name) ~= nil then
    check.fail("ui.button: a button has no value, but the run has a parameter '%s'", name)
  end
  return knobs.add(run, name, "button", o, {}, nil)
end

return ui
