--- Writes what run.json keeps: numbers, booleans, text, and lists of them.
local json = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or value == math.huge or value == -math.huge then return quote(tostring(value)) end -- JSON has none
  local short = ("%.14g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

--- A list, or the fields of a table in the order of their names.
local function encode(value)
  local kind = type(value)
  if kind == "number" then return number(value) end
  if kind == "string" then return quote(value) end
  if kind == "boolean" then return tostring(value) end
  assert(kind == "table", "json: cannot write a " .. kind)
  local parts = {}
  if #value > 0 or not next(value) then
    for i, item in ipairs(value) do parts[i] = encode(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do parts[#parts + 1] = quote(key) .. ":" .. encode(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

---@param value number|boolean|string|table
---@return string
function json.encode(value) return encode(value) end

return json
