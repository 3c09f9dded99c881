--- Reading runs that are finished, or that another process is still writing.
---
---     local run = ml.open_run "grokking"            -- the newest run of that name
---     print(run.params.lr, run.status)
---     local steps, acc = run:metric "test_acc"      -- (n) i64, (n) f64
---     repeat until not run:update()                 -- what has been logged since
local core    = require "moonlab.core"
local fail    = require("moonlab.check").fail
local json    = require "moonlab.json"
local unknown = require("moonlab.params").unknown

local log = core.log

local BLOCK  = 1 << 17 -- values that are held at a time
local GLANCE = 2       -- seconds between two looks at run.json while nothing is logged

---@class moonlab.LoggedEvent
---@field step integer  the last one that was logged before
---@field time number   seconds since the start of the run
---@field text string

---@class moonlab.LoggedCheck
---@field step   integer
---@field name   string
---@field passed boolean
---@field detail string  may be empty

--- A run as its directory tells it. Its events have step, time and text, its checks step, name, passed and detail, its changes
--- step, name and value, as JSON.
---@class moonlab.RunReader
---@field dir      string
---@field name     string
---@field started  string   the name of its directory: date and time
---@field params   table<string, any>  all parameters, seed and steps too
---@field status   "running"|"done"|"interrupted"|"failed"|"lost"  lost: it never ended, and its process is there no more
---@field message  string   why it failed; may be empty
---@field metrics  string[] names, in the order of their first appearance
---@field events   moonlab.LoggedEvent[]  in the order of the log, as are the others
---@field checks   moonlab.LoggedCheck[]  claims of the script
---@field changes  moonlab.Change[]  what hands did to its knobs
---@field stops    table<integer, integer>  loop -> the step after which a hand ended it
---@field ended    boolean  the log says how the run ended
---@field step     integer  the last one that was logged, 0 before
---@field damaged? "cut"|"damaged"  the log ends within a record, or in one that is broken; what is before it has been read
---@field trouble? string   what is wrong with run.json, or why the log is not followed any more
local Reader = {}
Reader.__index = Reader
Reader.__name = "moonlab.RunReader"

local STATUS = { running = true, done = true, interrupted = true, failed = true }

-- run.json, as far as it is what it should be.
local function describe(self)
  local text, why = log.read_file(self.dir .. "/run.json")
  local good, value = false, nil
  if text then good, value = pcall(json.decode, text, false) end
  if not good or type(value) ~= "table" or value[1] ~= nil then
    self.trouble = ("run.json cannot be read: %s"):format(not text and why or not good and tostring(value) or "it is no object")
    value = {}
  end
  local machine = type(value.machine) == "table" and value.machine or {}
  self.params = type(value.params) == "table" and value.params or {}
  if type(value.name) == "string" and value.name ~= "" then self.name = value.name end
  self.status = STATUS[value.status] and value.status or "running"
  self.message = type(value.message) == "string" and value.message or ""
  self.host = type(machine.host) == "string" and machine.host or ""
  self.pid = math.type(value.pid) == "integer" and value.pid or 0
  self.glanced = core.figure.clock()
end

local function take_record(self, record)
  if record.kind == "event" then
    table.insert(self.events, { step = record.step, time = record.time, text = record.text })
  elseif record.kind == "check" then
    table.insert(self.checks, { step = record.step, name = record.text, passed = record.passed, detail = record.detail })
  elseif record.kind == "change" then
    table.insert(self.changes, {
      step = record.step, loop = record.loop, name = record.text, value = record.detail, goes_on = record.goes_on,
    })
  elseif record.kind == "stop" then
    self.stops[record.loop] = record.step
  elseif record.kind == "end" then
    self.ended = true
    self.status = STATUS[record.text] and record.text or "failed"
    self.message = record.detail
  end
  self.step = math.max(self.step, record.step)
end

local function keep(self, id, name)
  local pieces = self.pieces[name] or {}
  self.pieces[name] = pieces
  pieces[#pieces + 1] = { self.core:column(id) }
end

-- Reads on as far as the log goes now. take(reader, id, name) is called for each metric of a block of records that has values
-- in it; the block is the core's columns. Returns: was there anything?
local function read_on(self, take)
  local news, more = false, true
  while more do
    local records
    records, more = self.core:read(BLOCK)
    for _, name in ipairs(self.core:names(#self.metrics + 1)) do self.metrics[#self.metrics + 1] = name end
    for id = 1, #self.metrics do
      local _, last = self.core:holds(id)
      if last then
        take(self, id, self.metrics[id])
        self.step, news = math.max(self.step, last), true
      end
    end
    self.core:clear()
    for _, record in ipairs(records) do take_record(self, record) end
    news = news or #records > 0
  end
  self.damaged = self.core:torn()
  return news
end

-- A process that is gone writes no end.
local function look_for_process(self)
  if self.status == "running" and not log.alive(self.host, self.pid) then self.status = "lost" end
end

-- What only run.json, or the process, can tell while nothing more is logged.
local function glance(self)
  if self.ended or core.figure.clock() - self.glanced < GLANCE then return false end
  local before = self.status
  describe(self)
  look_for_process(self)
  return self.status ~= before
end

-- Opens a run without reading its log yet. take: where metrics go, see read_on; nil: they are kept.
local function open(dir, take)
  local self = setmetatable({
    dir = dir, name = dir:match "([^/]+)/+[^/]+/*$" or dir, started = dir:match "([^/]+)/*$", core = log.open(dir),
    metrics = {}, events = {}, checks = {}, changes = {}, stops = {}, pieces = {}, step = 0,
    ended = false, take = take or keep,
  }, Reader)
  describe(self)
  look_for_process(self)
  return self
end

-- Reads the log for the first time.
local function read(self)
  read_on(self, self.take)
  return self
end

--- Reads what has been logged since. A run that another process writes can be followed so.
---@return boolean news
function Reader:update()
  local more, why = self.core:more()
  if why then self.trouble = why end
  local news = more and read_on(self, self.take)
  if news and self.status == "lost" then self.status = "running" end -- somebody does write it
  return news or glance(self)
end

--- Will there be more? Not when the run has ended, its process is gone, or its log cannot be followed.
---@return boolean
function Reader:is_running() return self.status == "running" and not (self.trouble and self.core:is_over()) end

--- The values of a metric, and the steps that they were logged at.
---@param name string
---@return moonlab.Tensor steps   (n) i64
---@return moonlab.Tensor values  (n) f64
function Reader:metric(name)
  local pieces = self.pieces[name]
  if not pieces then
    if #self.metrics == 0 then fail("open_run: '%s' has logged nothing", self.dir) end
    fail("open_run: %s", unknown("metric", tostring(name), table.move(self.metrics, 1, #self.metrics, 1, {})))
  end
  if #pieces > 1 then
    local steps, values = {}, {}
    for i, piece in ipairs(pieces) do steps[i], values[i] = piece[1], piece[2] end
    local cat = require("moonlab").cat
    pieces = { { cat(steps), cat(values) } }
    self.pieces[name] = pieces
  end
  return pieces[1][1], pieces[1][2]
end

--- Gives the file back; what was read stays.
function Reader:close() self.core:close() end

Reader.__close = Reader.close

function Reader.__tostring(self) return ("run %s: %s, step %d"):format(self.dir, self.status, self.step) end

local reader = { open = open, read = read } -- those two for views

--- Opens a run, finished or not: its parameters, and what it has logged so far.
---@param run? string  its directory; or the name of runs: the newest of them (default: the newest of all)
---@return moonlab.RunReader
function reader.open_run(run)
  if run ~= nil and type(run) ~= "string" then fail("open_run: takes the directory of a run, or a name, got a %s", type(run)) end
  local dirs, problem = require("moonlab.run_finder").find(run)
  if not dirs then fail("open_run: %s", problem) end
  return read(open(dirs[1]))
end

return reader
