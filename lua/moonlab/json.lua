--- JSON: writes what run.json and checkpoints keep, and reads it back.
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

--- reading ---------------------------------------------------------------------------------------------------------

local DEEPEST = 200

local unescaped = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function wrong(at) error(("json: wrong at byte %d"):format(at), 0) end

-- The text whose opening quote is at `at`, and the place behind its closing one.
local function decode_text(text, at)
  local parts = {}
  at = at + 1
  while true do
    local plain, stop = text:match('^([^"\\%c]*)()', at)
    parts[#parts + 1] = plain
    local c = text:sub(stop, stop)
    if c == '"' then return table.concat(parts), stop + 1 end
    if c ~= "\\" then wrong(stop) end
    local kind = text:sub(stop + 1, stop + 1)
    local code = kind == "u" and tonumber(text:match("^%x%x%x%x", stop + 2), 16)
    local low  = code and code >= 0xD800 and code <= 0xDBFF and tonumber(text:match("^\\u(%x%x%x%x)", stop + 6), 16)
    if low and low >= 0xDC00 and low <= 0xDFFF then
      parts[#parts + 1], at = utf8.char(0x10000 + ((code & 0x3FF) << 10 | low & 0x3FF)), stop + 12
    elseif code and (code < 0xD800 or code > 0xDFFF) then
      parts[#parts + 1], at = utf8.char(code), stop + 6
    elseif unescaped[kind] then
      parts[#parts + 1], at = unescaped[kind], stop + 2
    else
      wrong(stop)
    end
  end
end

local function decode_number(text, at)
  local word, stop = text:match("^(%-?%d+%.?%d*[eE]?[+-]?%d*)()", at)
  local value = word and tonumber(word)
  if not value or word:find "^%-?0%d" or word:find "%.$" or word:find "%.[eE]" then wrong(at) end
  return value, stop
end

local decode

-- What stands between brackets, and the place behind the closing one.
local function decode_members(text, at, close, depth)
  local value, n = {}, 0
  if depth > DEEPEST then wrong(at) end
  at = text:match("^[ \t\r\n]*()", at + 1)
  if text:sub(at, at) == close then return value, at + 1 end
  while true do
    local key
    if close == "}" then
      if text:sub(at, at) ~= '"' then wrong(at) end
      key, at = decode_text(text, at)
      at = text:match("^[ \t\r\n]*:[ \t\r\n]*()", at) or wrong(at)
      if value[key] ~= nil then wrong(at) end -- twice
    else
      n = n + 1
      key = n
    end
    value[key], at = decode(text, at, depth)
    local c
    c, at = text:match("^[ \t\r\n]*(.?)()", at)
    if c == close then return value, at end
    if c ~= "," then wrong(at) end
    at = text:match("^[ \t\r\n]*()", at)
  end
end

local words = { ["true"] = true, ["false"] = false }
local for_null -- what stands for null; nil: null is wrong, as a table cannot hold it

function decode(text, at, depth)
  local c = text:sub(at, at)
  if c == "{" then return decode_members(text, at, "}", depth + 1) end
  if c == "[" then return decode_members(text, at, "]", depth + 1) end
  if c == '"' then return decode_text(text, at) end
  local word, stop = text:match("^(%a+)()", at)
  if word then
    local value = words[word]
    if word == "null" then value = for_null end
    if value == nil then wrong(at) end
    return value, stop
  end
  return decode_number(text, at)
end

--- The value of a JSON text; an error when it is none, or has a key twice, or null when nothing stands for it. Numbers with a
--- point or an exponent are floats, the others integers.
---@param text string
---@param null? any  stands for null
---@return number|boolean|string|table
function json.decode(text, null)
  for_null = null
  local value, at = decode(text, text:match "^[ \t\r\n]*()", 0)
  if not text:find("^[ \t\r\n]*$", at) then wrong(at) end
  return value
end

return json
