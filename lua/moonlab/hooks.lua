--- Values inside a model, seen and replaced by name while it runs.
---
---     local y, cache = model:run_with_cache(x, "*.relu")
---     print(cache["2.relu"])
---     do
---       local hooked <close> = model:with_hooks { ["2"] = function(value) return value * 0 end }
---       print(model(x))                                                     -- with layer 2 switched off
---     end
---
--- The name of a point is the way to a layer, then its kind in lower case: "2.relu", "1.inner.3.linear"; of the model itself the
--- kind alone. The way alone, "2", means the same. A layer may have points inside it, with names of their own: "3.pattern".
--- Names may be patterns: `*` stands for any text, dots included, `?` for one character.
local core  = require "moonlab.core"
local check = require "moonlab.check"
local glob  = require "moonlab.glob"

local inner, is_tensor = core.inner, core.tensor.is_tensor

---@class moonlab.Module
local Module = {}

-- The results of all modules: name -> path and path -> name; and the names in their order.
local function results_of(model)
  local path_of, name_of, names = {}, {}, {}
  local function note(module, path)
    for name, child in module:named_children() do note(child, path == "" and name or path .. "." .. name) end
    local kind = module:kind():lower()
    local name = path == "" and kind or path .. "." .. kind
    path_of[name], name_of[path], names[#names + 1] = path, name, name
  end
  note(model, "")
  return path_of, name_of, names
end

-- What knows which patterns a point fits: a function of its name that gives the list of them, empty for none; and one that fails
-- unless all patterns have met a point.
local function matcher(where, model, patterns)
  local path_of, name_of, names = results_of(model)
  local known, met, seen = {}, {}, {}
  local function fitting(name)
    if known[name] then return known[name] end
    local list = {}
    for _, pattern in ipairs(patterns) do
      if glob.fits(name, pattern) or (path_of[name] and glob.fits(path_of[name], pattern)) then
        list[#list + 1], met[pattern] = pattern, true
      end
    end
    if not path_of[name] then seen[#seen + 1] = name end
    known[name] = list
    return list
  end
  local function check_all_met()
    for _, pattern in ipairs(patterns) do
      if not met[pattern] then
        for _, name in ipairs(seen) do names[#names + 1] = name end
        glob.fail(where, pattern, names)
      end
    end
  end
  return fitting, check_all_met, name_of
end

---@class moonlab.RunWithCacheOptions
---@field params?  moonlab.Tensor[]  in place of the model's own, as for apply
---@field buffers? moonlab.Tensor[]  likewise
---@field train?   boolean           as for apply
---@field seed?    integer           as for apply

local function run(model, x, opts)
  if not opts then return model(x) end
  check.options("run_with_cache", opts, { params = {}, buffers = {}, train = true, seed = 0 })
  local given = { train = opts.train, seed = opts.seed }
  local params = opts.params or model:parameters()
  if opts.buffers then return model:apply(params, opts.buffers, x, given) end
  return model:apply(params, x, given)
end

--- Runs the model, and keeps the values at the points that these names fit. They are part of the graph: what is computed from
--- them has gradients. Of a point that is passed more than once the later values are called "2.relu#2" and so on.
---@param x moonlab.Tensor
---@param names? string|string[]  patterns of points, as "*.relu", or ways to layers, as "2" (default all)
---@param opts? moonlab.RunWithCacheOptions  with any of them the model runs by apply: nothing in it changes
---@return moonlab.Tensor y
---@return table<string, moonlab.Tensor> cache  by the names of the points; cache["2"] finds "2.relu" too
---@return moonlab.Tensor[]? new_buffers  when buffers were given
function Module:run_with_cache(x, names, opts)
  local patterns = glob.list("run_with_cache", names == nil and "*" or names)
  local fitting, check_all_met, name_of = matcher("run_with_cache", self, patterns)
  local cache, times = {}, {}
  local number = inner.hook(self, function(name) return #fitting(name) > 0 end, function(name, value)
    if #fitting(name) == 0 then return end -- asked all the same, where there was no memory to ask the first function
    local count = (times[name] or 0) + 1
    times[name] = count
    cache[count == 1 and name or ("%s#%d"):format(name, count)] = value
  end)
  local _ <close> = setmetatable({}, { __close = function() inner.unhook(self, number) end })
  local y, buffers = run(self, x, opts)
  check_all_met()
  setmetatable(cache, { paths = name_of, __index = function(values, path)
    local name = name_of[path]
    return name and rawget(values, name)
  end })
  return y, cache, buffers
end

---@class moonlab.Hooked  a model with hooks: call it, or the model itself
---@field model moonlab.Module
---@operator call(moonlab.Tensor): moonlab.Tensor
local Hooked = {}
Hooked.__index = Hooked

--- Takes the hooks off; `local hooked <close>` does it at the end of its block, whatever happens there.
function Hooked:close()
  if self.number then inner.unhook(self.model, self.number) end
  self.number = nil
end
Hooked.__close = Hooked.close
Hooked.__call  = function(self, ...) return self.model(...) end

--- Puts functions on points of the model, until what it returns is closed. Each is given the value there and the name of the
--- point, and returns what goes on in its place, or nothing. They are called whenever the model runs: model(x), apply, inside
--- transforms.
---@param functions table<string, fun(value: moonlab.Tensor, name: string): moonlab.Tensor?>  by points or ways to layers
---@return moonlab.Hooked
function Module:with_hooks(functions)
  if type(functions) ~= "table" then check.fail("with_hooks: takes a table of functions by name, got %s", type(functions)) end
  local patterns = {}
  for pattern, fn in pairs(functions) do
    if type(pattern) ~= "string" then
      check.fail("with_hooks: hooks are given by name, [\"2\"] = function, got a %s", type(pattern))
    end
    if type(fn) ~= "function" then check.fail("with_hooks: '%s' must be a function, got %s", pattern, type(fn)) end
    patterns[#patterns + 1] = pattern
  end
  table.sort(patterns)
  local fitting, check_all_met, name_of = matcher("with_hooks", self, glob.list("with_hooks", patterns))
  local last = name_of[""] -- the model's own result: then every other point was passed
  local number = inner.hook(self, function(name) return name == last or #fitting(name) > 0 end, function(name, value)
    for _, pattern in ipairs(fitting(name)) do
      local patched = functions[pattern](value, name)
      if patched ~= nil and not is_tensor(patched) then
        check.fail("with_hooks: '%s' must return a tensor, or nothing, got %s", pattern, type(patched))
      end
      value = patched or value
    end
    if name == last then check_all_met() end
    return value
  end)
  return setmetatable({ model = self, number = number }, Hooked)
end

return Module
