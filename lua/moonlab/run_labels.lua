--- What tells runs apart: the parameters in which they differ, or when they began; and a colour for each.
local json = require "moonlab.json"

local labels = {}

local MOST_PARTS = 4   -- of a label
local MOST_BYTES = 28  -- of a value in it

--- The first bytes of a text, whole characters, without control characters.
---@param text string
---@param most integer
---@return string
function labels.cut(text, most)
  text = text:gsub("%c+", " ")
  if #text <= most then return text end
  local stop = most - 3
  while stop > 0 and text:byte(stop + 1) >= 0x80 and text:byte(stop + 1) < 0xC0 do stop = stop - 1 end
  return text:sub(1, stop) .. "…"
end

local function show(value)
  if math.type(value) == "float" then return ("%.6g"):format(value) end
  if type(value) ~= "table" then return labels.cut(tostring(value), MOST_BYTES) end
  local items = {}
  for i, item in ipairs(value) do items[i] = show(item) end
  return labels.cut("{" .. table.concat(items, ", ") .. "}", MOST_BYTES)
end

--- "20260102-030405-2" -> "2026-01-02", "03:04:05 (2)"; nil when it is no such name.
local function moment(started)
  local year, month, day, hour, minute, second, k = started:match "^(%d%d%d%d)(%d%d)(%d%d)%-(%d%d)(%d%d)(%d%d)%-?(%d*)$"
  if not year then return nil end
  local time = ("%s:%s:%s"):format(hour, minute, second)
  return ("%s-%s-%s"):format(year, month, day), k ~= "" and ("%s (%s)"):format(time, k) or time
end

--- When a run began, as short as the others allow.
---@param run moonlab.RunReader
---@param runs moonlab.RunReader[]
---@return string
function labels.time(run, runs)
  local day, time = moment(run.started)
  if not day then return labels.cut(run.started, MOST_BYTES) end
  for _, other in ipairs(runs) do
    if moment(other.started) ~= day then return day .. " " .. time end
  end
  return time
end

-- "1" and "1.0" are one value, as a command line may say either.
local function same(a, b)
  if type(a) == "number" and type(b) == "number" then return a == b end
  return type(a) == type(b) and json.encode(a) == json.encode(b)
end

--- The parameters in which runs differ, in the order of their names, the seed last. Of runs of different experiments only those
--- that all of them have.
---@param runs moonlab.RunReader[]
---@return string[]
function labels.differing(runs)
  local first, names, keys, one_name = runs[1], {}, {}, true
  for _, run in ipairs(runs) do
    one_name = one_name and run.name == first.name
    for key in pairs(run.params) do names[key] = true end
  end
  for key in pairs(names) do
    local differs, everywhere = false, true
    for _, run in ipairs(runs) do
      local value = run.params[key]
      everywhere = everywhere and value ~= nil
      differs = differs or (value == nil) ~= (first.params[key] == nil) or (value ~= nil and not same(value, first.params[key]))
    end
    if differs and key ~= "name" and (everywhere or one_name) then keys[#keys + 1] = tostring(key) end
  end
  table.sort(keys, function(a, b)
    if (a == "seed") ~= (b == "seed") then return b == "seed" end
    return a < b
  end)
  if not one_name then table.insert(keys, 1, "name") end
  return keys
end

local function part(run, key)
  if key == "name" then return labels.cut(run.name, MOST_BYTES) end
  local value = run.params[key]
  return labels.cut(key, MOST_BYTES) .. " " .. (value == nil and "none" or show(value))
end

--- A run by these parameters: "lr 0.1, seed 2".
---@param run moonlab.RunReader
---@param keys string[]
---@return string
function labels.parts(run, keys)
  local parts = {}
  for k = 1, math.min(#keys, MOST_PARTS) do parts[k] = part(run, keys[k]) end
  return table.concat(parts, ", ")
end

local function is_before(a, b) -- numbers by value, texts by letters, what is not there first
  if a == nil or b == nil then return a == nil and b ~= nil end
  if type(a) == "number" and type(b) == "number" then return a < b end
  return tostring(a) < tostring(b)
end

--- Puts runs into the order of the parameters in which they differ, then of their start; returns a label for each.
---@param runs moonlab.RunReader[]
---@param keys string[]  what labels.differing says, or a part of it
---@return string[]
function labels.of(runs, keys)
  local place = {}
  for i, run in ipairs(runs) do place[run] = i end
  table.sort(runs, function(a, b)
    for _, key in ipairs(keys) do
      local x, y = key == "name" and a.name or a.params[key], key == "name" and b.name or b.params[key]
      if is_before(x, y) then return true end
      if is_before(y, x) then return false end
    end
    if a.started ~= b.started then return a.started < b.started end
    return place[a] < place[b]
  end)
  local texts, count = {}, {}
  for i, run in ipairs(runs) do
    texts[i] = #keys > 0 and labels.parts(run, keys) or labels.time(run, runs)
    count[texts[i]] = (count[texts[i]] or 0) + 1
  end
  for i, run in ipairs(runs) do
    if count[texts[i]] > 1 and #keys > 0 then texts[i] = texts[i] .. ", " .. labels.time(run, runs) end
  end
  return texts
end

--- colours -----------------------------------------------------------------------------------------------------------

local PALETTE = { "blue", "orange", "green", "pink", "amber", "sky", "grey" }

-- From dark violet to ochre, both ends readable on light and on dark paper.
local RAMP = {
  { 94, 79, 162 }, { 50, 110, 189 }, { 30, 150, 160 }, { 70, 170, 100 }, { 160, 170, 40 }, { 220, 140, 30 }, { 205, 70, 60 },
}

local function on_ramp(t)
  local at = math.min(math.floor(t * (#RAMP - 1)), #RAMP - 2)
  local part_of, a, b = t * (#RAMP - 1) - at, RAMP[at + 1], RAMP[at + 2]
  local mixed = {}
  for i = 1, 3 do mixed[i] = math.floor(a[i] + part_of * (b[i] - a[i]) + 0.5) end
  return ("#%02x%02x%02x"):format(mixed[1], mixed[2], mixed[3])
end

--- A colour for each of n runs that are in order: few are told apart, many show their order.
---@param n integer
---@return string[]
function labels.colours(n)
  local list = {}
  for i = 1, n do list[i] = n <= #PALETTE and PALETTE[i] or on_ramp((i - 1) / (n - 1)) end
  return list
end

return labels
