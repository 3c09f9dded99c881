--- What hands have changed, as marks over the steps: a pure function of the log.
local core = require "moonlab.core"

local changes = {}

local CLOSE = 0.01 -- of the step: what follows so soon on a change of the same name moves its mark

local function number_text(value)
  return math.type(value) == "integer" and ("%d"):format(value) or ("%.4g"):format(value)
end

--- "lr 0.01", "activation tanh", "augment on", "reset".
---@param name string
---@param value string  as the log has it: JSON; null of a button
---@return string
function changes.text(name, value)
  name = name:gsub("_", " ")
  local number = math.tointeger(tonumber(value)) or tonumber(value)
  if number then return name .. " " .. number_text(number) end
  local words = { ["true"] = " on", ["false"] = " off", null = "" }
  return name .. (words[value] or " " .. (value:match '^"(.*)"$' or value))
end

---@class moonlab.Change
---@field step    integer  after which it was made
---@field loop    integer  which loop of the run, counted from 1
---@field name    string   of the knob
---@field value   string   JSON; null of a button
---@field goes_on boolean  with the gesture of the change before, as in a drag

--- Adds a change to the marks: one for each gesture, at its last step. `marks` is a list of { step =, name =, text = }, empty at
--- first, and changed here.
---@param marks table[]
---@param change moonlab.Change
function changes.add(marks, change)
  local mark
  for i = #marks, 1, -1 do
    if marks[i].name == change.name then
      mark = marks[i]
      break
    end
  end
  local near = mark and mark.loop == change.loop and change.step - mark.step <= CLOSE * change.step
  if not (near or mark and mark.loop == change.loop and change.goes_on) then
    mark = { name = change.name, loop = change.loop }
    marks[#marks + 1] = mark
  end
  mark.step, mark.text = change.step, changes.text(change.name, change.value)
end

--- Shows the marks in all panels of a figure that are over the step, and in those that will be.
---@param fig moonlab.Figure
---@param marks table[]
function changes.show(fig, marks)
  fig.changes = marks
  if #marks == 0 then return end
  local steps, texts = {}, {}
  for i, mark in ipairs(marks) do steps[i], texts[i] = mark.step, mark.text end
  local at, options = core.make.tensor(steps, { dtype = "f64" }), { text = texts, colour = "grey", dash = "dotted" }
  for panel, id in pairs(fig.over_step) do
    if id then fig.core:change(id, "event", options)
    else
      id = fig.core:add("event", panel, options)
      fig.over_step[panel] = id
    end
    fig.core:give(id, "event", { at = at })
  end
end

return changes
