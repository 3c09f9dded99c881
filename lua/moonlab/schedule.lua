--- Schedules: functions of the steps made so far (0 before the first), which give what the learning rates count at the next.
---
---     local opt = ml.optim.AdamW(params, { lr = 1e-3, schedule = ml.optim.schedule.cosine { steps = 1000, warmup = 50 } })
---     opt:set_schedule(function(step) return 1 / math.sqrt(1 + step) end)
---
--- All take `warmup`, so many steps in which the rate rises in equal parts to what it is afterwards; the rest begins then.
local check = require "moonlab.check"

---@class moonlab.schedule
local schedule = {}

local function positive(where, name, value, least)
  if value < least or value ~= value or value == math.huge then
    check.fail("schedule.%s: %s must be a number, %s or more, got %s", where, name, least, value)
  end
end

-- The options, checked; every one is a number, those without a default must be given.
local function options(where, given, defaults, needed)
  local all = { warmup = 0 }
  for name, value in pairs(defaults) do all[name] = value end
  for _, name in ipairs(needed or {}) do all[name] = 1 end
  local o = check.options("schedule." .. where, given, all)
  for _, name in ipairs(needed or {}) do
    if given == nil or given[name] == nil then check.fail("schedule.%s: needs %s", where, name) end
    positive(where, name, o[name], 1)
  end
  positive(where, "warmup", o.warmup, 0)
  return o
end

local function warmed(o, after)
  local warmup <const> = o.warmup
  if warmup <= 0 then return after end
  return function(step)
    if step < warmup then return (step + 1) / (warmup + 1) * after(0) end
    return after(step - warmup)
  end
end

--- The rate as it is.
---@param opts? { warmup?: number }
---@return fun(step: integer): number
function schedule.constant(opts)
  return warmed(options("constant", opts, {}), function() return 1 end)
end

-- What is left of 1 when share of a fall from 1 to `final` has been made, in shape f.
local function falling(where, opts, defaults, f)
  defaults.final = 0.0
  local o = options(where, opts, defaults, { "steps" })
  local steps <const> = o.steps - o.warmup
  if steps <= 0 then check.fail("schedule.%s: %s steps end before its warm-up of %s", where, o.steps, o.warmup) end
  return warmed(o, function(step)
    return o.final + (1 - o.final) * f(math.min(step / steps, 1), o)
  end)
end

--- From 1 to final along half a cosine, in `steps` steps with the warm-up (Loshchilov & Hutter 2017).
---@param opts { steps: number, final?: number, warmup?: number }  final 0
---@return fun(step: integer): number
function schedule.cosine(opts)
  return falling("cosine", opts, {}, function(x) return (1 + math.cos(math.pi * x)) / 2 end)
end

--- From 1 to final along (1 - x)^power.
---@param opts { steps: number, power?: number, final?: number, warmup?: number }  power 1: a straight line
---@return fun(step: integer): number
function schedule.polynomial(opts)
  return falling("polynomial", opts, { power = 1.0 }, function(x, o) return (1 - x) ^ o.power end)
end

--- From 1 to final along a straight line.
---@param opts { steps: number, final?: number, warmup?: number }
---@return fun(step: integer): number
function schedule.linear(opts)
  return falling("linear", opts, {}, function(x) return 1 - x end)
end

--- gamma^step.
---@param opts { gamma?: number, warmup?: number }  gamma 0.999
---@return fun(step: integer): number
function schedule.exponential(opts)
  local o = options("exponential", opts, { gamma = 0.999 })
  positive("exponential", "gamma", o.gamma, 0)
  return warmed(o, function(step) return o.gamma ^ step end)
end

--- Times gamma after every so many steps.
---@param opts { every: number, gamma?: number, warmup?: number }  gamma 0.1
---@return fun(step: integer): number
function schedule.step(opts)
  local o = options("step", opts, { gamma = 0.1 }, { "every" })
  return warmed(o, function(step) return o.gamma ^ (step // o.every) end)
end

--- Times gamma at each of the steps in a list.
---@param opts { at: number[], gamma?: number, warmup?: number }  gamma 0.1; `at` counts from the end of the warm-up
---@return fun(step: integer): number
function schedule.multistep(opts)
  local at = type(opts) == "table" and opts.at
  if type(at) ~= "table" then check.fail "schedule.multistep: needs at, a list of steps, as in { at = { 100, 150 } }" end
  local rest = {}
  for name, value in pairs(opts) do
    if name ~= "at" then rest[name] = value end
  end
  local o = options("multistep", rest, { gamma = 0.1 })
  return warmed(o, function(step)
    local passed = 0
    for _, border in ipairs(at) do
      if step >= border then passed = passed + 1 end
    end
    return o.gamma ^ passed
  end)
end

--- Up from `start` to 1 in a share `rise` of the steps, down to `final` in the rest, both along half a cosine
--- (Smith & Topin 2018).
---@param opts { steps: number, rise?: number, start?: number, final?: number }  rise 0.3, start 1/25, final start/10^4
---@return fun(step: integer): number
function schedule.one_cycle(opts)
  local o = options("one_cycle", opts, { rise = 0.3, start = 1 / 25, final = 1 / 25 * 1e-4 }, { "steps" })
  if o.warmup ~= 0 then check.fail "schedule.one_cycle: rises by itself; it takes no warmup" end
  if not (o.rise >= 0 and o.rise <= 1) then check.fail("schedule.one_cycle: rise must be in [0, 1], got %s", o.rise) end
  local top <const>, last <const> = o.rise * o.steps - 1, o.steps - 1
  local function between(from, to, x) return to + (from - to) / 2 * (1 + math.cos(math.pi * x)) end
  return function(step)
    if step <= top then return between(o.start, 1, top > 0 and step / top or 1) end
    return between(1, o.final, math.min((step - top) / math.max(last - top, 1e-9), 1))
  end
end

return schedule
