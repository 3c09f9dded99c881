--- The prompt's own thinking: what was typed becomes a function, the beginning of a name becomes a list of names.
local repl = {}

--- Turns input into a function: an expression (also after "=") returns its values, anything else is a chunk.
---@param source string
---@return function? chunk
---@return string?   problem  nil when the input is fine so far, but not complete
function repl.compile(source)
  local expression = source:match "^%s*=(.*)$"
  local chunk, problem = load("return " .. (expression or source), "=repl", "t")
  if chunk then return chunk end
  if not expression then chunk, problem = load(source, "=repl", "t") end
  if chunk then return chunk end
  if problem:find "<eof>$" then return nil end
  return nil, problem
end

-- The names that a value answers to: its keys, then those of what stands behind it.
local function names_of(value, found, depth)
  if depth > 8 then return end
  if type(value) == "table" then
    for name in next, value do
      if type(name) == "string" and name:match "^[%a_][%w_]*$" then found[name] = true end
    end
  end
  local meta = debug.getmetatable(value)
  local index = type(meta) == "table" and rawget(meta, "__index")
  if type(index) == "table" then
    names_of(index, found, depth + 1)
  elseif type(index) == "function" then -- moonlab's own keep their names in the first upvalue
    local _, names = debug.getupvalue(index, 1)
    if type(names) == "table" then names_of(names, found, depth + 1) end
  end
end

local function field(value, key) return value[key] end

--- Completes the name that the text ends in: globals, fields, methods.
---@param text string      what stands before the cursor
---@return string   rest        what all candidates have next
---@return string[] candidates  sorted
function repl.complete(text)
  local path = text:match "[%a_][%w_.:%[%]]*$" or ""
  local owner, separator, word = path:match "^(.*)([.:])([%a_]?[%w_]*)$"
  local value = _G
  if owner then
    local known, rest = owner:match "^([%a_][%w_]*)(.*)$"
    value = known and rawget(_G, known)
    while value ~= nil and rest ~= "" do
      local name, after = rest:match "^[.:]([%a_][%w_]*)(.*)$"
      local position, behind = rest:match "^%[(%d+)%](.*)$"
      local key = name or math.tointeger(tonumber(position))
      rest = after or behind or ""
      local good, found = false, nil
      if key then good, found = pcall(field, value, key) end
      value = good and found or nil
    end
  else
    word = path
  end
  local found, candidates = {}, {}
  if value ~= nil then names_of(value, found, 0) end
  if not owner then
    for keyword in ("and break do else elseif end false for function goto if in local nil not or repeat return then \z
                     true until while"):gmatch "%a+" do found[keyword] = true end
  end
  for name in pairs(found) do
    local fits = name:sub(1, #word) == word and (word ~= "" or name:sub(1, 1) ~= "_")
    if fits and separator == ":" then
      local good, method = pcall(field, value, name)
      fits = good and type(method) == "function"
    end
    if fits then candidates[#candidates + 1] = name end
  end
  table.sort(candidates)
  local common = candidates[1] or word
  for _, name in ipairs(candidates) do
    while name:sub(1, #common) ~= common do common = common:sub(1, -2) end
  end
  return common:sub(#word + 1), candidates
end

return repl
