--- From what a person types to the directories of runs: "grokking" is the newest run of that name.
local log = require("moonlab.core").log

local finder = {}

local nearest = require("moonlab.core").nearest

local function join(folder, name) return folder == "" and name or folder:gsub("/+$", "") .. "/" .. name end

local function newest_of(folder, count)
  local dirs = {}
  for i, name in ipairs(log.list(folder, true)) do
    if i > count then break end
    dirs[i] = join(folder, name)
  end
  return dirs
end

-- All runs below the root, newest first.
local function all_runs(root)
  local dirs = {}
  for _, name in ipairs(log.list(root, false)) do
    for _, dir in ipairs(newest_of(join(root, name), math.huge)) do dirs[#dirs + 1] = dir end
  end
  table.sort(dirs, log.newer)
  return dirs
end

local function no_run(word, root)
  local names = log.list(root, false)
  if #names == 0 then return ("there is no run '%s': nothing is in '%s'"):format(word, root) end
  local name, rest = word:match "^([^/]*)/(.*)$"
  if name and rest ~= "" and #log.list(join(root, name), true) > 0 then
    local runs = log.list(join(root, name), true)
    local near = nearest(rest, runs)
    return ("there is no run '%s'; %s"):format(word, near and ("did you mean '%s/%s'?"):format(name, near)
      or ("the newest of '%s' is '%s'"):format(name, runs[1]))
  end
  local near = nearest(word:match "[^/]*$", names)
  if near then return ("there is no run '%s'; did you mean '%s'?"):format(word, near) end
  local shown = table.concat(names, ", ", 1, math.min(#names, 10)) .. (#names > 10 and ", ..." or "")
  return ("there is no run '%s'; in '%s' there are: %s"):format(word, root, shown)
end

--- The directories that a word means, newest first: of a run itself; of the newest run of a name, or with name:3 of the three
--- newest; of one run, as "name/20260102-030405"; of the newest run in a folder. nil: the newest run of all.
---@param word? string
---@param count? integer  how many of a name's runs (default 1)
---@return string[]? dirs
---@return string? problem
function finder.find(word, count)
  local root = log.root()
  count = count or 1
  if not word then
    local dirs = all_runs(root)
    if #dirs == 0 then return nil, ("there is no run in '%s'; moonlab run SCRIPT makes one"):format(root) end
    return table.move(dirs, 1, math.min(count, #dirs), 1, {})
  end
  if log.is_run(word) then return { (word:gsub("(.)/+$", "%1")) } end
  local name, number = word:match "^(.-):(%d+)$"
  if name then
    word, count = name, math.tointeger(tonumber(number)) or 0
    if count < 1 then return nil, ("'%s:%s': at least one run must be meant"):format(name, number) end
  end
  if word == "" then return nil, "the name of a run is empty" end
  local under = join(root, word):gsub("/+$", "")
  if log.is_run(under) then return { under } end
  for _, folder in ipairs { under, word } do
    local dirs = newest_of(folder, count)
    if #dirs > 0 then return dirs end
  end
  return nil, no_run(word, root)
end

return finder
