--- `moonlab view`: its command line, its window, its curves in the terminal.
local core   = require "moonlab.core"
local curves = require "moonlab.curves"
local finder = require "moonlab.run_finder"
local glob   = require "moonlab.glob"
local view   = require "moonlab.view"

local log = core.log

local PERIOD = 0.25 -- seconds between two looks at the logs

local FAILED, USAGE = 1, 2

local command = {}

-- Options with a value, and what it is; flags.
local VALUES = { ["--metrics"] = "names, as in --metrics 'test_*,loss'", ["--save"] = "a file: .png, .svg or .pdf",
                 ["--style"] = "light, dark or print", ["--newest"] = "a number of runs",
                 ["--smooth"] = "a number from 0 to below 1, as 0.9" }
local FLAGS  = { ["--log"] = true, ["--mean"] = true, ["--tui"] = true, ["--no-follow"] = true }

local function split(text)
  local list = {}
  for item in text:gmatch "[^,]+" do list[#list + 1] = item end
  return list
end

-- The words as { runs =, save = ... }; or nil and what is wrong.
local function read(words)
  local given, i = { runs = {} }, 1
  while words[i] do
    local word = words[i]
    local name, value = word:match "^(%-%-[%w-]+)=(.*)$"
    name = name or word
    if VALUES[name] then
      if not value then
        i = i + 1
        value = words[i]
      end
      if not value or value == "" then return nil, ("%s needs %s"):format(name, VALUES[name]) end
      given[name:sub(3)] = value
    elseif FLAGS[word] then
      given[word:sub(3)] = true
    elseif word:sub(1, 1) == "-" then
      local known = {}
      for _, options in ipairs { VALUES, FLAGS } do
        for option in pairs(options) do known[#known + 1] = option end
      end
      table.sort(known)
      local near = core.nearest(name, known)
      return nil, ("unknown option '%s'%s"):format(word, near and ("; did you mean '%s'?"):format(near) or "")
    else
      table.insert(given.runs, word)
    end
    i = i + 1
  end
  if given.style and not ({ light = true, dark = true, print = true })[given.style] then
    return nil, ("--style must be light, dark or print, got '%s'"):format(given.style)
  end
  if given.save and not ({ png = true, svg = true, pdf = true })[given.save:lower():match "%.(%a+)$" or ""] then
    return nil, ("--save needs a file that ends in .png, .svg or .pdf, got '%s'"):format(given.save)
  end
  if given.newest then
    local n = math.tointeger(tonumber(given.newest))
    if not n or n < 1 then return nil, ("--newest needs a number of runs, got '%s'"):format(given.newest) end
    given.newest = n
  end
  if given.smooth then
    local weight = tonumber(given.smooth)
    if not (weight and weight >= 0 and weight < 1) then
      return nil, ("--smooth needs %s, got '%s'"):format(VALUES["--smooth"], given.smooth)
    end
    if given.mean then return nil, "--smooth and --mean do not go together: a mean is drawn as it is" end
    given.smooth = weight
  end
  if given.metrics then
    given.metrics = split(given.metrics)
    if #given.metrics == 0 then return nil, "--metrics needs " .. VALUES["--metrics"] end
  end
  return given
end

-- The directories that are meant, each once; or nil and what is wrong.
local function find(given)
  local dirs, known = {}, {}
  local words = #given.runs > 0 and given.runs or { false }
  for _, word in ipairs(words) do
    local found, problem = finder.find(word or nil, given.newest)
    if not found then return nil, problem end
    for _, dir in ipairs(found) do
      if not known[dir] then dirs[#dirs + 1] = dir end
      known[dir] = true
    end
  end
  return dirs
end

local function tell(v)
  for _, note in ipairs(v:news()) do io.stderr:write(note, "\n") end
end

--- the three ways to look -----------------------------------------------------------------------------------------------

local function in_window(v, given)
  local title = v:title()
  local width, height
  if #v.panels < 3 and v:is_running() then width, height = 1000, 640 end -- there may be more panels soon
  if not v.figure:show(#v.runs == 1 and v.runs[1].dir .. "/figures" or nil, title, width, height) then return false end
  tell(v)
  while not v.figure:wait(PERIOD) do
    if not given["no-follow"] then v:poll() end
    tell(v)
  end
  return true
end

local function in_terminal(v, given)
  local page = log.page(v.figure.core)
  local _ <close> = setmetatable({}, { __close = function()
    page:close()
    tell(v)
  end })
  while true do
    local follow = v:is_running() and not given["no-follow"]
    page:tell(v:title() .. (follow and "   Ctrl-C ends" or ""))
    if not follow then return end
    log.sleep(PERIOD)
    v:poll()
  end
end

local function to_file(v, given)
  tell(v)
  v.figure:save(given.save, { style = given.style })
  print(given.save)
end

-- Is there something to be seen, now or later? Else why not.
local function nothing(v, given)
  local waits = v:is_running() and not given.save and not given["no-follow"]
  local pattern, names = v:missing()
  if waits then return nil end
  if #names == 0 then
    return #v.runs == 1 and ("'%s' has logged no metrics"):format(v.runs[1].dir) or "these runs have logged no metrics"
  end
  if not pattern then return nil end
  local _, problem = pcall(glob.fail, "--metrics", pattern, names)
  return tostring(problem)
end

--- Runs the command.
---@param ... string  what stands behind `moonlab view`
---@return integer code, string? problem
function command.run(...)
  local given, problem = read { ... }
  if not given then return USAGE, problem end
  local terminal = log.is_terminal()
  if given.tui and not given.save and not terminal then
    return FAILED, "--tui draws on a terminal, and stderr is none; --save FILE.png draws to a file"
  end
  local dirs, why = find(given)
  if not dirs then return FAILED, why end
  local tui = not given.save and (given.tui or (not curves.is_display() and terminal))
  local v = view.new(dirs, {
    metrics = given.metrics, log = given.log, smooth = given.smooth, mean = given.mean, style = given.style, apart = tui,
  })
  why = nothing(v, given)
  if why then
    tell(v)
    return FAILED, why
  end
  if given.save then to_file(v, given)
  elseif tui then in_terminal(v, given)
  elseif not in_window(v, given) then
    if not terminal then return FAILED, "there is no display, and stderr is no terminal; --save FILE.png draws to a file" end
    return FAILED, "the display cannot be opened; --tui draws in the terminal, --save FILE.png to a file"
  end
  return 0
end

return command
