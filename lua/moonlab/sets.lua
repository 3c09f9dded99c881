--- What functions on data sets share. A set is { x =, y = } and what else it knows; two of them are { train =, test = }.
local core  = require "moonlab.core"
local check = require "moonlab.check"

local sets = {}

local is_tensor = core.tensor.is_tensor

local function is_set(set) return type(set) == "table" and is_tensor(set.x) and is_tensor(set.y) end

--- Raises unless it is { x =, y = } with as many rows in both, and at least one.
function sets.check(where, set)
  if not is_set(set) then
    local two = type(set) == "table" and is_set(set.train)
    check.fail("%s: takes a data set, a table with tensors x and y%s", where,
      two and "; give it one of the two: set.train" or "")
  end
  local x, y = set.x, set.y
  if x:dim() == 0 or y:dim() == 0 or #x ~= #y or #x == 0 then
    check.fail("%s: x and y must have the same number of rows, at least one, got (%s) and (%s)", where,
      table.concat(x.shape, ", "), table.concat(y.shape, ", "))
  end
end

--- The set itself, or the training set of two; both are checked.
function sets.train(where, set)
  if type(set) == "table" and set.train ~= nil then
    sets.check(where, set.train)
    if set.test ~= nil then sets.check(where, set.test) end
    return set.train
  end
  sets.check(where, set)
  return set
end

local function changed(part, change, name)
  local new, fields = {}, change(part, name)
  for key, value in pairs(part) do new[key] = value end
  for key, value in pairs(fields or {}) do new[key] = value end
  return new
end

--- A new set with what `change(part, "train"|"test")` returns in place of its fields; of two sets in both. The old one stays.
function sets.map(set, change)
  if set.train == nil then return changed(set, change, "train") end
  local new = {}
  for key, value in pairs(set) do new[key] = value end
  new.train = changed(set.train, change, "train")
  if set.test then new.test = changed(set.test, change, "test") end
  return new
end

--- check.options where some may be of any type: those whose default is sets.ANY; theirs are in `defaults`.
sets.ANY = {}
function sets.options(where, given, known, defaults)
  local typed, rest = {}, {}
  if given ~= nil and type(given) ~= "table" then check.options(where, given, known) end
  for name, value in pairs(given or {}) do
    if known[name] == sets.ANY then rest[name] = value else typed[name] = value end
  end
  local options = check.options(where, typed, known)
  for name, default in pairs(known) do
    if default == sets.ANY then
      if rest[name] == nil then options[name] = defaults[name] else options[name] = rest[name] end
    end
  end
  return options
end

return sets
