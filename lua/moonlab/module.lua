--- Modules of your own, in Lua.
---
---     local Block = nn.module "Block"
---
---     function Block:init(width)
---       self.norm  = nn.LayerNorm(width)
---       self.inner = nn.Sequential { nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width) }
---       self:parameter("scale", ml.zeros { 1 })
---     end
---
---     function Block:forward(x)
---       return x + self.scale * self.inner(self.norm(x))
---     end
---
---     local model = nn.Sequential { nn.Linear(2, 16), Block(16), Block(16), nn.Linear(16, 1) }
local core      = require "moonlab.core"
local check     = require "moonlab.check"
local structure = require "moonlab.structure"

local is_module, is_tensor = structure.is_module, core.tensor.is_tensor

---@class moonlab.nn
local nn = {}

-- Names that self has in init and forward, beside the methods of all modules.
local TAKEN <const> = { parameter = true, buffer = true, point = true, training = true, kind = true, describe = true }

local function check_free(kind, name)
  if TAKEN[name] or core.inner.methods[name] then
    check.fail("%s: '%s' is a method of all modules; choose another name", kind, tostring(name))
  end
end

-- What init makes of self ------------------------------------------------------------------------------------------------

---@class moonlab.Draft  a module while its init runs
---@field class  table
---@field order  string[]  names in the order in which they were first assigned
---@field values table     name -> what was assigned
---@field taken  table     name -> "parameter" or "buffer"
local Draft = {}
Draft.__index = Draft

local function new_draft(class)
  return setmetatable({
    class = class, order = {}, values = {}, taken = {}, parameter_names = {}, parameters = {}, buffer_names = {}, buffers = {},
  }, Draft)
end

-- Names are parts of "2.block.weight", and stand behind a dot in the script.
function Draft:check_name(name)
  local kind = self.class.kind
  if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
    check.fail("%s: layers, parameters and buffers have names, as in self.inner, got %s", kind, tostring(name))
  end
  check_free(kind, name)
end

-- self:parameter(name, value), self:buffer(name, value)
function Draft:add(what, names, values, name, value)
  self:check_name(name)
  local before = self.taken[name] or is_module(self.values[name]) and "layer" or self.values[name] ~= nil and "field"
  if before then check.fail("%s: there is a %s called '%s' already", self.class.kind, before, name) end
  if not is_tensor(value) then check.fail("%s: %s %s must be a tensor, got %s", self.class.kind, what, name, type(value)) end
  names[#names + 1], values[#values + 1], self.taken[name] = name, value, what
  return value
end

-- self.name = value
function Draft:set(name, value)
  local kind = self.class.kind
  if self.taken[name] then
    if rawequal(value, self:get(name)) then return end -- self.scale = self:parameter("scale", ...)
    check.fail("%s: '%s' is a %s; it cannot be set to a %s", kind, name, self.taken[name], type(value))
  end
  if is_module(value) then self:check_name(name) end
  check_free(kind, name)
  if is_tensor(value) and value.requires_grad and value.is_leaf then
    check.fail("%s: self.%s wants a gradient, but is no parameter; write self:parameter(\"%s\", tensor)", kind, name, name)
  end
  if self.values[name] == nil then self.order[#self.order + 1] = name end
  self.values[name] = value
end

function Draft:get(name)
  for i, own in ipairs(self.parameter_names) do if own == name then return self.parameters[i] end end
  for i, own in ipairs(self.buffer_names) do if own == name then return self.buffers[i] end end
  local value = self.values[name]
  if value == nil then value = self.class[name] end
  return value
end

local function self_of(draft)
  local methods = {
    parameter = function(_, name, value) return draft:add("parameter", draft.parameter_names, draft.parameters, name, value) end,
    buffer    = function(_, name, value) return draft:add("buffer", draft.buffer_names, draft.buffers, name, value) end,
  }
  return setmetatable({}, {
    __index    = function(_, name) return methods[name] or draft:get(name) end,
    __newindex = function(_, name, value) draft:set(name, value) end,
  })
end

-- How many entries are modules, and how many are not.
local function count_modules(value)
  local yes, no = 0, 0
  for _, entry in pairs(value) do
    if is_module(entry) then yes = yes + 1 else no = no + 1 end
  end
  return yes, no
end

-- Sorts what was assigned, when init is over and lists are full: layers, lists of layers, and what is neither.
function Draft:sorted()
  local fields, lists, names, children = {}, {}, {}, {}
  local function add(name, module)
    names[#names + 1], children[#children + 1] = name, module
    return #children
  end
  for _, name in ipairs(self.order) do
    local value = self.values[name]
    local yes, no = 0, 0
    if type(value) == "table" then yes, no = count_modules(value) end
    if is_module(value) then
      add(name, value)
    elseif yes > 0 then
      if no > 0 or #value ~= yes then
        check.fail("%s: layers in self.%s would not be found; a table with layers is a list of nothing else", self.class.kind,
          tostring(name))
      end
      self:check_name(name)
      lists[name] = {}
      for i, module in ipairs(value) do lists[name][i] = add(("%s.%d"):format(name, i), module) end
    else
      fields[name] = value
    end
  end
  return fields, lists, names, children
end

local function build(class, ...)
  if type(class.forward) ~= "function" then
    check.fail("%s: it has no forward; write function %s:forward(x) ... end", class.kind, class.kind)
  end
  local draft = new_draft(class)
  if class.init then class.init(self_of(draft), ...) end
  local fields, lists, names, children = draft:sorted()
  return core.inner.custom(class.kind, { class = class, fields = fields, lists = lists }, draft.parameter_names,
    draft.parameters, draft.buffer_names, draft.buffers, names, children)
end

-- For users --------------------------------------------------------------------------------------------------------------

---@class moonlab.ModuleClass  a kind of module written in Lua: call it to make one
---@field kind string
---@field init? fun(self: any, ...)  is given what the class was called with. Of what it assigns to self, modules, and lists of
---  them, become layers; self:parameter(name, tensor) and self:buffer(name, tensor) declare; the rest are plain fields
---@field forward fun(self: any, x: moonlab.Tensor): moonlab.Tensor  self has all that init gave it, as this run was given it:
---  layers to call, parameters and buffers to read; assigning to a buffer changes it; self:training(); self:point(name, value)
---  is a value that hooks may see and replace
---@operator call(...): moonlab.Module

--- A new kind of module. Those made of it are like all others: they stand in containers and have layers inside, are trained,
--- saved, printed, copied, applied to parameters that are given, and every transform goes through them. So forward must be made
--- of operations on x and on what self gives, without layers of the outside. Further functions of the class are methods of self.
---@param kind string  its name: "Block"
---@return moonlab.ModuleClass
function nn.module(kind)
  if type(kind) ~= "string" or not kind:find "^[%a_][%w_]*$" then
    local got = type(kind) == "string" and ("\"%s\""):format(kind) or type(kind)
    check.fail("module: the kind is a name, as in nn.module \"Block\", got %s", got)
  end
  return setmetatable({ kind = kind }, {
    __newindex = function(class, name, value)
      check_free(kind, name)
      rawset(class, name, value)
    end,
    __call     = build,
    __tostring = function() return ("module %s"):format(kind) end,
  })
end

--- A function as a layer. It has no parameters: what trains belongs in nn.module.
---@param fn fun(x: moonlab.Tensor): moonlab.Tensor
---@param kind? string  how it is called when printed (default "Lambda")
---@return moonlab.Module
function nn.lambda(fn, kind)
  if type(fn) ~= "function" then check.fail("lambda: takes a function of a tensor, got %s", type(fn)) end
  local class = nn.module(kind or "Lambda")
  function class.forward(_, x) return fn(x) end
  return build(class)
end

return nn
