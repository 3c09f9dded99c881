--- Makes the annotations of the operations from their table. Returns the text of ops.lua beside it:
---     LUA_CPATH=build/release/lua/?.so lua5.4 -e 'io.write(dofile "lua/meta/generate.lua")' > lua/meta/ops.lua
--- tests/lua/annotations_spec.lua fails when that file does not say what the table says.
local ml = require "moonlab"

local types = { -- kind of an option -> what Lua gives
  dims = "integer|integer[]", shape = "integer|integer[]", dim = "integer", position = "integer", integer = "integer",
  integers = "integer|integer[]", pair = "integer|integer[]", number = "number", flag = "boolean", dtype = "moonlab.dtype",
  text = "string",
}
local inputs = { "x", "y", "z", "w" }

local in_lua = { sort = true } -- has more results there: lua/moonlab/tensor.lua

local lines = { [[
---@meta
-- Made by generate.lua from the table of operations, include/moonlab/op_list.h. Not to be edited.
-- luacheck: ignore 212 241 631

---@class moonlab.Tensor
local Tensor = {}
---@class moonlab
local ml = {}]] }

local function add(format, ...) lines[#lines + 1] = format:format(...) end

local function type_of(option)
  return types[option.kind] or option.words:gsub("[^|]+", '"%0"') -- a choice: '"a"|"b"'
end

local function class_of(name)
  return "moonlab." .. ("_" .. name):gsub("_(%l)", string.upper) .. "Options"
end

for _, op in ipairs(ml.ops()) do
  if in_lua[op.name] then goto continue end
  local options = class_of(op.name)
  if #op.options > 0 then
    add("\n---@class %s", options)
    for _, option in ipairs(op.options) do add("---@field %s? %s", option.name, type_of(option)) end
  end
  local tensors = { table.unpack(inputs, 1, op.inputs) }
  local parameters, names = {}, {}
  for i, option in ipairs(op.options) do
    parameters[i] = ("---@param %s? %s|%s"):format(option.name, type_of(option), options)
    names[i] = option.name
    if option.kind == "shape" then -- also as numbers: x:reshape(3, 4)
      parameters[i + 1] = "---@param ... integer"
      names[i + 1] = "..."
    end
  end
  local function declare(owner, separator, first)
    add("\n--- %s", op.doc)
    if op.inputs < 0 and first == 1 then add "---@param xs moonlab.Tensor[]" end
    for i = first, #tensors do add("---@param %s moonlab.Tensor|number", tensors[i]) end
    for _, parameter in ipairs(parameters) do lines[#lines + 1] = parameter end
    local all = op.inputs < 0 and (first == 1 and { "xs" } or {}) or { table.unpack(tensors, first) }
    for _, name in ipairs(names) do all[#all + 1] = name end
    add("---@return moonlab.Tensor\nfunction %s%s%s(%s) end", owner, separator, op.name, table.concat(all, ", "))
  end
  declare("ml", ".", 1)
  if op.inputs > 0 then declare("Tensor", ":", 2) end
  ::continue::
end

return table.concat(lines, "\n") .. "\n"
