--- How a model is shown: one line a layer, those inside a container below it.
local core  = require "moonlab.core"
local check = require "moonlab.check"

local is_tensor = core.tensor.is_tensor

---@class moonlab.Module
local Module = {}

local BYTES <const> = { f32 = 4, f64 = 8, i64 = 8, u8 = 1, bool = 1 }

local function grouped(n) -- 1234567 -> "1,234,567"
  local text = ("%d"):format(n):reverse():gsub("%d%d%d", "%0,"):reverse()
  return (text:gsub("^,", ""))
end

local function size_text(bytes) -- 52 -> "52 bytes", 5242880 -> "5.2 MB"
  if bytes < 1000 then return ("%d bytes"):format(bytes) end
  local units, at = { "kB", "MB", "GB", "TB" }, 0
  while bytes >= 999.95 and at < #units do bytes, at = bytes / 1000, at + 1 end
  return ("%.1f %s"):format(bytes, units[at])
end

local function shape_text(x) return "(" .. table.concat(x.shape, ", ") .. ")" end

-- Parameters and their number, each once: tied layers list theirs twice.
local function distinct(tensors)
  local list, by_shape = {}, {}
  for _, t in ipairs(tensors) do
    local shape, known = shape_text(t), false
    by_shape[shape] = by_shape[shape] or {}
    for _, other in ipairs(by_shape[shape]) do known = known or other == t end
    if not known then
      list[#list + 1] = t
      table.insert(by_shape[shape], t)
    end
  end
  return list
end

local function total(tensors)
  local count, bytes = 0, 0
  for _, t in ipairs(distinct(tensors)) do count, bytes = count + t:numel(), bytes + t:numel() * BYTES[t.dtype] end
  return count, bytes
end

-- What belongs to the layer itself: "weight (3, 2)  bias (3)", with what stands between a parameter and the layer.
local function own_shapes(layer)
  local texts, count, i = {}, 0, 0
  local inside = {} -- how the names of what the children have begin
  for name in layer:named_children() do inside[#inside + 1] = name .. "." end
  for name, p in layer:named_parameters() do
    i = i + 1
    local own = true
    for _, beginning in ipairs(inside) do own = own and name:sub(1, #beginning) ~= beginning end
    if own then
      local factor = core.inner.factor(layer, i)
      texts[#texts + 1] = ("%s %s%s%s"):format(name, shape_text(p), factor ~= 1 and (" x %.4g"):format(factor) or "",
        core.inner.frozen(layer, i) and " frozen" or "")
      count = count + p:numel()
    end
  end
  return table.concat(texts, "  "), count > 0 and grouped(count) or ""
end

-- One row a layer, those inside it below: { position, text, output, count, shapes }.
local function add_rows(rows, layer, path, outputs)
  local shapes, count = own_shapes(layer)
  local text = layer:kind() == "Sequential" and "Sequential" or layer:describe()
  if path ~= "" or shapes ~= "" then rows[#rows + 1] = { path, path == "" and "" or text, outputs[path] or "", count, shapes } end
  for name, child in layer:named_children() do add_rows(rows, child, path == "" and name or path .. "." .. name, outputs) end
end

local RIGHT <const> = { [4] = "" } -- numbers; the others to the left

-- Columns as wide as their widest text; empty ones take no room.
local function laid_out(rows)
  local width, lines = {}, {}
  for _, row in ipairs(rows) do
    for i = 1, 5 do width[i] = math.max(width[i] or 0, #row[i]) end
  end
  for k, row in ipairs(rows) do
    local line = ""
    for i = 1, 5 do
      if width[i] > 0 then line = line .. ("  %" .. (RIGHT[i] or "-") .. width[i] .. "s"):format(row[i]) end
    end
    lines[k] = line:gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

local function table_of(model, outputs, last)
  local rows = {}
  add_rows(rows, model, "", outputs)
  rows[#rows + 1] = { "", "in all", outputs[""] or "", grouped((total(model:parameters()))), last or "" }
  return (model:kind() == "Sequential" and "Sequential" or model:describe()) .. "\n" .. laid_out(rows)
end

--- A table of the layers: position, kind, number of parameters, their shapes.
---@param model moonlab.Module
---@return string
local function text(model)
  if #model == 0 then return model:describe() end
  return table_of(model, {})
end

-- Does the model begin with a table of embeddings?
local function takes_ids(model)
  while #model > 0 do model = model[1] end
  return model:kind() == "Embedding"
end

local function input_of(model, x, dtype)
  if is_tensor(x) then return x end
  if type(x) ~= "table" then check.fail("summary: takes an input or its shape, as in { 64, 784 }, got %s", type(x)) end
  if takes_ids(model) then return core.make.ones(x, { dtype = "i64" }) end
  local first = model:parameters()[1]
  return core.make.zeros(x, { dtype = dtype ~= "" and dtype or first and first.dtype or "f32" })
end

-- Of the layers that have none inside: a container's output is that of its last, most often.
local function size_of_outputs(layer, path, cache)
  if #layer == 0 then return cache[path] and cache[path]:numel() * BYTES[cache[path].dtype] or 0 end
  local bytes = 0
  for name, child in layer:named_children() do
    bytes = bytes + size_of_outputs(child, path == "" and name or path .. "." .. name, cache)
  end
  return bytes
end

---@class moonlab.SummaryOptions
---@field dtype? moonlab.dtype  of an input that is given by its shape (default that of the first parameter, or ids)

--- Prints a table of the layers: position, kind, output, number of parameters, their shapes, and their size in bytes. The
--- outputs are found by running the model on x, or on zeros (ones, for an embedding) of that shape, in evaluation; nothing
--- in it changes.
---@param x? moonlab.Tensor|integer[]  an input, or its shape; nothing: no column of outputs
---@param opts? moonlab.SummaryOptions
function Module:summary(x, opts)
  opts = check.options("summary", opts, { dtype = "" })
  local outputs, passing = {}, ""
  if x ~= nil then
    local input, opened = input_of(self, x, opts.dtype), { params = self:parameters(), train = false }
    local _, cache = core.transform.call(false, self.run_with_cache, self, input, "*", opened)
    for path, name in pairs(getmetatable(cache).paths) do
      if cache[name] then outputs[path] = shape_text(cache[name]) end
    end
    passing = (", %s of outputs for this input"):format(size_text(size_of_outputs(self, "", cache)))
  end
  local _, bytes = total(self:parameters())
  local _, more = total(self:buffers())
  print(table_of(self, outputs, size_text(bytes) .. (more > 0 and (", buffers %s"):format(size_text(more)) or "") .. passing))
end

Module.text = text
return Module
