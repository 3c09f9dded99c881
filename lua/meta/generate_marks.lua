--- Makes the annotations of the marks of figures from their table. Returns the text of marks.lua beside it:
---     LUA_CPATH=build/release/lua/?.so lua5.4 -e 'io.write(dofile "lua/meta/generate_marks.lua")' > lua/meta/marks.lua
--- tests/lua/annotations_spec.lua fails when that file does not say what the table says.
require "moonlab"
local core = require "moonlab.core"

local types = { number = "number", flag = "boolean", text = "string", texts = "string[]", pair = "number[]" }

local lines = { [[
---@meta
-- Made by generate_marks.lua from the table of marks, include/moonlab/mark_list.h. Not to be edited.
-- luacheck: ignore 212 241 631

---@class (partial) moonlab.Figure
local Figure = {}

---@class moonlab.MarkOptions: moonlab.PanelOptions]] }

local function add(format, ...) lines[#lines + 1] = format:format(...) end

local marks, common = core.figure.marks(), {} -- common: options that every mark has

local function field(option)
  local kind = option.kind == "word" and option.words:gsub("[^|]+", '"%0"') or types[option.kind]
  local usual = option.kind == "number" and option.default ~= 0 and (" (default %g)"):format(option.default) or ""
  add("---@field %s? %s  %s%s", option.name, kind, option.doc, usual)
end

local count = {}
for _, mark in ipairs(marks) do
  for _, option in ipairs(mark.options) do count[option.name] = (count[option.name] or 0) + 1 end
end
for _, option in ipairs(marks[1].options) do
  if count[option.name] == #marks then
    common[option.name] = true
    field(option)
  end
end

for _, mark in ipairs(marks) do
  local class = "moonlab." .. mark.name:gsub("^%l", string.upper) .. "Options"
  add("\n---@class %s: moonlab.MarkOptions", class)
  for _, slot in ipairs(mark.slots) do
    if slot.optional then add("---@field %s? moonlab.Values  (%s)", slot.name, slot.dims) end
  end
  for _, option in ipairs(mark.options) do
    local hidden = mark.name == "graph" and option.name == "base" -- nodes count from 1 in Lua
    if not common[option.name] and not hidden then field(option) end
  end
  add("\n--- Adds %s.", mark.doc)
  add("---@param panel integer  counted from 1, row by row")
  local names = { "panel" }
  for _, slot in ipairs(mark.slots) do
    if not slot.optional then
      names[#names + 1] = slot.name
      add("---@param %s moonlab.Values  (%s)", slot.name, slot.dims)
    end
  end
  names[#names + 1] = "opts"
  add("---@param opts? %s\n---@return moonlab.Figure\nfunction Figure:%s(%s) end", class, mark.name, table.concat(names, ", "))
end

return table.concat(lines, "\n") .. "\n"
