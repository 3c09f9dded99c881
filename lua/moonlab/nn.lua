--- Layers and losses: those of the C part, and how a model is printed.
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.nn
local nn = core.nn

for name, loss in pairs(require "moonlab.losses") do nn[name] = loss end

local function grouped(n) -- 1234567 -> "1,234,567"
  local text = ("%d"):format(n):reverse():gsub("%d%d%d", "%0,"):reverse()
  return (text:gsub("^,", ""))
end

local function shapes_of(layer)
  local texts, count = {}, 0
  for name, p in layer:named_parameters() do
    texts[#texts + 1] = ("%s (%s)"):format(name, table.concat(p.shape, ", "))
    count = count + p:numel()
  end
  return table.concat(texts, "  "), count
end

-- One row a layer, those inside a container below it: { position, text, count, shapes }.
local function add_rows(rows, layer, path)
  if #layer == 0 then
    local shapes, count = shapes_of(layer)
    rows[#rows + 1] = { path, layer:describe(), count > 0 and grouped(count) or "", shapes }
    return
  end
  if path ~= "" then rows[#rows + 1] = { path, layer:kind(), "", "" } end
  for i = 1, #layer do add_rows(rows, layer[i], path == "" and tostring(i) or path .. "." .. i) end
end

-- Columns as wide as their widest text, numbers to the right.
local function laid_out(rows)
  local width = { 0, 0, 0 }
  for _, row in ipairs(rows) do
    for i = 1, 3 do width[i] = math.max(width[i], #row[i]) end
  end
  local lines = {}
  for i, row in ipairs(rows) do
    local line = ("  %-" .. width[1] .. "s  %-" .. width[2] .. "s  %" .. width[3] .. "s  %s"):format(table.unpack(row))
    lines[i] = (line:gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

--- A table of the layers: position, kind, number of parameters, their shapes.
nn.module.__tostring = function(model)
  if #model == 0 then return model:describe() end
  local rows, total = {}, 0
  add_rows(rows, model, "")
  for _, p in ipairs(model:parameters()) do total = total + p:numel() end
  rows[#rows + 1] = { "", "in all", grouped(total), "" }
  return model:kind() .. "\n" .. laid_out(rows)
end

---@class moonlab.Module
local Module = nn.module.methods

-- Parameters and buffers (running statistics), by their names.
local function held(model)
  local tensors = {}
  for name, p in model:named_parameters() do tensors[name] = p end
  for name, b in model:named_buffers() do tensors[name] = b end
  return tensors
end

--- The parameters and buffers by their names, copied: what ml.save writes and model:load_state takes.
---@return table<string, moonlab.Tensor>
function Module:state()
  local state = {}
  for name, t in pairs(held(self)) do state[name] = t:clone() end
  return state
end

-- Is this the state of such a model? Names and shapes must be the same, dtypes too: nothing is lost without a word.
local function check_state(model, state)
  if type(state) ~= "table" then check.fail("load_state: takes a table of tensors by name, got %s", type(state)) end
  local known = held(model)
  for name, p in pairs(known) do
    local t = state[name]
    if not core.tensor.is_tensor(t) then check.fail("load_state: there is no tensor '%s' for %s", name, model:kind()) end
    if t.dtype ~= p.dtype or table.concat(t.shape, ",") ~= table.concat(p.shape, ",") then
      check.fail("load_state: '%s' must be %s (%s), got %s (%s)", name, p.dtype, table.concat(p.shape, ", "), t.dtype,
        table.concat(t.shape, ", "))
    end
  end
  for name in pairs(state) do
    if not known[name] then check.fail("load_state: %s has no tensor '%s'", model:kind(), tostring(name)) end
  end
end

--- Takes over values: all parameters and buffers, under the names that model:state() gives. When one is missing, too many,
--- or of another shape or dtype, nothing has changed.
---@param state table<string, moonlab.Tensor>
---@return moonlab.Module self
function Module:load_state(state)
  check_state(self, state)
  for name, t in pairs(held(self)) do t:detach()[{}] = state[name]:detach() end
  return self
end
nn.module = nil

return nn
