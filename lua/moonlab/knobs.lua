--- The knobs of a run, as moonlab.ui makes them: their values, and what hands and scripts do to them.
local core    = require "moonlab.core"
local check   = require "moonlab.check"
local changes = require "moonlab.changes"
local json    = require "moonlab.json"

local knobs = {}

---@class moonlab.Knob
---@field name  string
---@field kind  "slider"|"toggle"|"choice"|"button"
---@field label string  what stands in the window
---@field value any     as it is now: a number, true or false, one of the texts; nil of a button
local Knob = {}
Knob.__name = "moonlab.Knob"

local knob_methods = {}

function Knob.__index(self, key)
  if key == "value" then return self._.value end
  return knob_methods[key]
end

function Knob.__newindex(self, key)
  if key == "value" then check.fail("knob '%s': set its value by knob:set(value)", self.name) end
  check.fail("knob '%s': it has no field '%s' that can be set", self.name, tostring(key))
end

function Knob.__tostring(self)
  local text = self.kind .. " " .. self.name
  return self.kind == "button" and text or text .. " = " .. tostring(self.value)
end

--- values: as Lua has them, as the board in the window has them, as the log has them ------------------------------------

local function place_of(choices, value)
  for i, text in ipairs(choices) do
    if text == value then return i end
  end
end

local function to_board(knob, value)
  if knob.kind == "toggle" then return value and 1 or 0 end
  if knob.kind == "choice" then return place_of(knob._.choices, value) end
  return value
end

local function from_board(knob, value)
  if knob.kind == "slider" then return knob._.whole and math.tointeger(value) or value end
  if knob.kind == "toggle" then return value ~= 0 end
  if knob.kind == "choice" then return knob._.choices[math.tointeger(value)] end
end

-- A number of a slider, of the kind that it has; nil when it is none, or not within.
local function number_for(slider, value)
  if type(value) ~= "number" or not (value >= slider.from and value <= slider.to) then return nil end
  if slider.whole then return math.tointeger(value) end
  return value + 0.0
end

-- What is wrong with a value for the knob; nil, and the value as the knob has it, when nothing is.
local function problem_of(knob, value)
  local own = knob._
  if knob.kind == "slider" then
    local number = number_for(own, value)
    if number then return nil, number end
    local kind = own.whole and "a whole number" or "a number"
    return ("must be %s within %s..%s, got %s"):format(kind, own.from, own.to, tostring(value))
  elseif knob.kind == "toggle" then
    if type(value) == "boolean" then return nil, value end
    return ("must be true or false, got %s"):format(tostring(value))
  elseif knob.kind == "choice" then
    if place_of(own.choices, value) then return nil, value end
    return ("must be one of '%s', got '%s'"):format(table.concat(own.choices, "', '"), tostring(value))
  end
  return "is a button and has no value; knob:press() presses it"
end

--- changes -----------------------------------------------------------------------------------------------------------

-- The value is there before `on` hears of it. What `on` does to the same knob is not told to it again.
local function put(knob, value)
  local own = knob._
  own.value = value
  if own.follows then own.run[knob.name] = value end
  if not own.on or own.busy then return end
  local _ <close> = setmetatable({}, { __close = function() own.busy = false end })
  own.busy = true
  if knob.kind == "button" then own.on() else own.on(value) end
end

--- Sets the value from the script, at once: `on` is called, the window shows it. It is not logged, since the script will do it
--- again. The value must be one that a hand could choose.
---@param value any
---@return moonlab.Knob
function knob_methods:set(value)
  local problem, fitting = problem_of(self, value)
  if problem then check.fail("knob '%s': the value %s", self.name, problem) end
  self._.board:set(self._.place, to_board(self, fitting))
  put(self, fitting)
  return self
end

--- Does what a button does, from the script.
---@return moonlab.Knob
function knob_methods:press()
  if self.kind ~= "button" then check.fail("knob '%s': it is a %s; set its value by knob:set(value)", self.name, self.kind) end
  put(self, nil)
  return self
end

local function mark_figures(run)
  for _, fig in ipairs(run._.figures) do changes.show(fig, run._.knobs.marks) end
end

-- A change after the step under way: it is in the log before it is felt, so that the log also tells what broke a script.
local function perform(run, knob, value, goes_on)
  local state  = run._
  local change = { step = run.step, loop = state.loop, name = knob.name, goes_on = goes_on,
                   value = knob.kind == "button" and "null" or json.encode(value) }
  state.core:change(change.step, change.loop, change.name, change.value, goes_on)
  changes.add(state.knobs.marks, change)
  put(knob, value)
  state.unsaved = true
end

--- Applies what hands have done since it was last asked; called by the loop between two steps.
---@param run moonlab.Run
function knobs.apply(run)
  local own = run._.knobs
  for place, value, goes_on in own.board.take, own.board do
    local knob = own.list[place]
    perform(run, knob, from_board(knob, value), goes_on)
  end
  mark_figures(run)
end

--- Makes a change of another run's log again, in the same place.
---@param run moonlab.Run
---@param change moonlab.Change
---@return string? problem
function knobs.replay(run, change)
  local own  = run._.knobs
  local knob = own and own.by_name[change.name]
  if not knob then return ("the script has no knob '%s'"):format(change.name) end
  if knob.kind == "button" then
    if change.value ~= "null" then return ("'%s' is a button here"):format(change.name) end
    perform(run, knob, nil, change.goes_on)
  else
    local good, value = pcall(json.decode, change.value)
    if not good then return ("knob '%s': '%s' is no value"):format(change.name, change.value) end
    local problem, fitting = problem_of(knob, value)
    if problem then return ("knob '%s': the value %s"):format(change.name, problem) end
    own.board:set(knob._.place, to_board(knob, fitting))
    perform(run, knob, fitting, change.goes_on)
  end
  mark_figures(run)
end

--- making them ---------------------------------------------------------------------------------------------------------

--- The figure's window shows them, and the figure what they have done.
---@param fig moonlab.Figure
---@param all table  the knobs of a run
function knobs.beside(fig, all)
  fig.core:set_knobs(all.board)
  changes.show(fig, all.marks)
end

local function knobs_of(run)
  local state = run._
  if not state.knobs then
    state.knobs = { board = core.knobs.new(), list = {}, by_name = {}, marks = {} }
    state.knobs.board:lock(not state.looping or state.replay ~= nil)
    state.core:set_knobs(state.knobs.board)
    for _, fig in ipairs(state.figures) do knobs.beside(fig, state.knobs) end
  end
  return state.knobs
end

--- Adds one to its run.
---@param run  moonlab.Run
---@param name string
---@param kind "slider"|"toggle"|"choice"|"button"
---@param o    table  label, on, scale
---@param own  table  from, to, whole; choices
---@param start any
---@return moonlab.Knob
function knobs.add(run, name, kind, o, own, start)
  local all  = knobs_of(run)
  local knob = { name = name, kind = kind, label = o.label, _ = own }
  own.run, own.on, own.board, own.value = run, o.on, all.board, start
  own.follows = rawget(run.params, name) ~= nil
  own.place = all.board:add {
    kind = kind, label = o.label, from = own.from, to = own.to, log = o.scale == "log", whole = own.whole, choices = own.choices,
    value = kind ~= "button" and to_board(knob, start) or 0,
  }
  all.list[own.place], all.by_name[name] = knob, knob
  return setmetatable(knob, Knob)
end

knobs.place_of, knobs.number_for = place_of, number_for

return knobs
