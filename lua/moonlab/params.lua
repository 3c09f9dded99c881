--- Parameters of a run: the script's defaults, and key=value from the command line that must fit them.
local core = require "moonlab.core"

local params = {}

local kinds = { -- what a default can be; how a word from the command line becomes one
  number  = { name = "a number", plural = "numbers", read = function(word)
    local value = tonumber(word)
    return value and value + 0.0
  end },
  integer = { name = "an integer", plural = "integers", read = function(word)
    local value = tonumber(word)
    return value and math.tointeger(value) -- 1e4 is an integer too
  end },
  boolean = { name = "true or false", plural = "booleans", read = function(word)
    return ({ ["true"] = true, yes = true, on = true, ["1"] = true,
              ["false"] = false, no = false, off = false, ["0"] = false })[word:lower()]
  end },
  string  = { name = "text", plural = "texts", read = function(word) return word end },
}

local function kind_of(value)
  local kind = math.type(value) or type(value)
  return kind == "float" and "number" or kind
end

--- The kind of a list's items; integers among numbers are numbers. An empty list says nothing: numbers.
local function item_kind(list)
  local kind
  for key, item in pairs(list) do
    local this = kind_of(item)
    if math.type(key) ~= "integer" or not kinds[this] then return nil end
    if kind == nil or kind == this then kind = this
    elseif (kind == "number" or kind == "integer") and (this == "number" or this == "integer") then kind = "number"
    else return nil end
  end
  return kind or "number"
end

--- What is wrong with a default; nil when nothing is.
---@return string?
function params.problem(name, value)
  if type(name) ~= "string" or not name:match "^%a[%w_]*$" then
    return ("parameters have names, as in lr = 1e-3; got %s"):format(tostring(name))
  end
  if kinds[kind_of(value)] or (type(value) == "table" and item_kind(value)) then return nil end
  return ("parameter '%s' is a %s; parameters are numbers, booleans, texts and lists of one of these")
    :format(name, type(value))
end

--- A default as the user would type it.
local function show(value)
  if type(value) ~= "table" then return tostring(value) end
  local words = {}
  for i, item in ipairs(value) do words[i] = tostring(item) end
  return table.concat(words, ",")
end

local function read_list(word, kind)
  local list = {}
  local inside = word:match "^%s*[{%[](.*)[}%]]%s*$" or word
  if inside:match "^%s*$" then return list end
  for item in (inside .. ","):gmatch "%s*(.-)%s*," do
    local value = kinds[kind].read(item)
    if value == nil then return nil end
    list[#list + 1] = value
  end
  return list
end

--- The value that `word` stands for, of the kind of the default; or nil and what is wrong.
---@param name string
---@param word string
---@param default any
---@return any value, string? problem
function params.read(name, word, default)
  local value, wanted
  if type(default) == "table" then
    local kind = item_kind(default)
    value, wanted = read_list(word, kind), "a list of " .. kinds[kind].plural
  else
    local kind = kinds[kind_of(default)]
    value, wanted = kind.read(word), kind.name
  end
  if value ~= nil then return value end
  local hint = ""
  if math.type(default) == "integer" and tonumber(word) then
    hint = ("; write the default as %d.0 in the script to allow fractions"):format(default)
  end
  return nil, ("%s=%s: %s must be %s (default %s), got '%s'%s")
    :format(name, word, name, wanted, show(default), word, hint)
end

-- One value of the kind; JSON has no infinity, and no point in 1.0.
local function fit_one(kind, value)
  if kind == "number" and (value == "inf" or value == "-inf" or value == "nan" or value == "-nan") then
    return value == "inf" and math.huge or value == "-inf" and -math.huge or 0 / 0
  end
  if kind == "number" and type(value) == "number" then return value + 0.0 end
  if kind_of(value) == kind then return value end
end

--- A value that was written as JSON, as one of the default's kind; nil when it is of another.
---@param value any
---@param default any
---@return any
function params.fit(value, default)
  if type(default) ~= "table" then return fit_one(kind_of(default), value) end
  if type(value) ~= "table" then return nil end
  local kind, list = item_kind(default), {}
  if #default == 0 then kind = item_kind(value) end
  for i, item in ipairs(value) do
    list[i] = fit_one(kind, item)
    if list[i] == nil then return nil end
  end
  return list
end

--- "unknown <what> 'word'; did you mean 'x'?", or the list of what there is when nothing is near.
---@param what string
---@param word string
---@param known string[]
---@return string
function params.unknown(what, word, known)
  table.sort(known)
  local best = core.nearest(word, known)
  if best then return ("unknown %s '%s'; did you mean '%s'?"):format(what, word, best) end
  return ("unknown %s '%s'; there are: %s"):format(what, word, table.concat(known, ", "))
end

return params
