--- What is left of a tree (see tree.lua) without its tensors, and how to take one apart and put it together again.
---
--- A structure is `true` for a tensor, { keys =, children =, meta = } for a table or a module, { constant = } for the rest.
local core  = require "moonlab.core"
local check = require "moonlab.check"

local is_tensor, type, next = core.tensor.is_tensor, type, next

local structure = {}

local DEEPEST = 100 -- a table inside itself ends here

local function is_module(value)
  local meta = type(value) == "userdata" and getmetatable(value)
  return type(meta) == "table" and meta.__name == "moonlab.Module"
end

local function joined(path, key)
  return path == "" and tostring(key) or path .. "." .. tostring(key)
end

local function before(a, b)
  local ta, tb = type(a), type(b)
  if ta ~= tb then return ta == "number" end
  return a < b
end

-- The keys of a table in their order. A list, by far the most common, needs no sorting.
local function keys_of(t, where, path)
  local keys, n, sorted = {}, 0, true
  for key in next, t do
    local kind = type(key)
    if kind ~= "number" and kind ~= "string" then
      check.fail("%s: the keys of a tree are numbers and names, %s has a %s", where, path == "" and "it" or path, kind)
    end
    n = n + 1
    keys[n] = key
    sorted = sorted and key == n
  end
  if not sorted then table.sort(keys, before) end
  return keys
end

-- Adds the tensors of value to leaves; `paths`, when given, gets the name of every one. Returns the structure.
local function take_apart(value, leaves, paths, where, path, depth)
  if is_tensor(value) then
    leaves[#leaves + 1] = value
    if paths then paths[#paths + 1] = path end
    return true
  end
  if type(value) == "table" then
    if depth == DEEPEST then check.fail("%s: tables nested deeper than %d; is one inside itself?", where, DEEPEST) end
    local keys, children = keys_of(value, where, path), {}
    for i = 1, #keys do
      local key = keys[i]
      children[i] = take_apart(value[key], leaves, paths, where, paths and joined(path, key) or path, depth + 1)
    end
    return { keys = keys, children = children, meta = getmetatable(value) }
  end
  if is_module(value) then
    local keys, children = {}, {}
    for name, parameter in value:named_parameters() do
      leaves[#leaves + 1] = parameter
      if paths then paths[#paths + 1] = joined(path, name) end
      keys[#keys + 1], children[#children + 1] = #keys + 1, true
    end
    return { keys = keys, children = children }
  end
  return { constant = value }
end

-- The value of a structure with the leaves from position `at` on, and the position behind them.
local function put_together(shape, leaves, at)
  if shape == true then return leaves[at], at + 1 end
  if not shape.keys then return shape.constant, at end
  local value, keys, children = {}, shape.keys, shape.children
  for i = 1, #keys do value[keys[i]], at = put_together(children[i], leaves, at) end
  return shape.meta and setmetatable(value, shape.meta) or value, at
end
structure.put_together, structure.is_module = put_together, is_module

local function kind(shape)
  return shape == true and "a tensor" or shape.keys and "a table" or "no tensor"
end

-- The first place where two structures differ: its path and what is wrong there; nil when they are the same. Constants may
-- differ: they are no part of the shape.
local function difference(a, b, path)
  if kind(a) ~= kind(b) then return path, ("%s in one, %s in the other"):format(kind(a), kind(b)) end
  if a == true or not a.keys then return nil end
  for i = 1, math.max(#a.keys, #b.keys) do
    local ka, kb = a.keys[i], b.keys[i]
    if ka ~= kb then
      local missing_in_b = kb == nil or (ka ~= nil and before(ka, kb))
      return joined(path, missing_in_b and ka or kb), ("missing in %s"):format(missing_in_b and "the second" or "the first")
    end
    local where, what = difference(a.children[i], b.children[i], joined(path, ka))
    if where then return where, what end
  end
end

--- Fails, with the path, unless both have the same structure; `names` say which two trees these are.
function structure.check_same(where, a, b, names)
  local path, what = difference(a, b, "")
  if path then check.fail("%s: %s differ at %s: %s", where, names, path == "" and "the top" or path, what) end
end

--- The tensors of a tree in their order, and its structure.
function structure.flatten(value, where)
  if is_tensor(value) then return { value }, true end
  local leaves = {}
  return leaves, take_apart(value, leaves, nil, where, "", 0)
end

--- The names of the leaves.
function structure.paths(value, where)
  local paths = {}
  take_apart(value, {}, paths, where, "", 0)
  return paths
end

return structure
