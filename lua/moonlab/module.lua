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

-- What init makes of self ------------------------------------------------------------------------------------------------

---@class moonlab.Draft
---@field class table
---@field fields table       what is neither layer, parameter nor buffer
---@field lists table        fields that are lists of layers: their positions among the children
---@field taken table        name -> what it is called in messages
local Draft = {}
Draft.__index = Draft

local function new_draft(class)
  return setmetatable({
    class = class, fields = {}, lists = {}, taken = {},
    parameter_names = {}, parameters = {}, buffer_names = {}, buffers = {}, child_names = {}, children = {},
  }, Draft)
end

-- Names are parts of "2.block.weight", and stand behind a dot in the script.
function Draft:check_name(name)
  local kind = self.class.kind
  if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
    check.fail("%s: layers, parameters and buffers have names, as in self.inner, got %s", kind, tostring(name))
  end
  if core.inner.methods[name] then check.fail("%s: '%s' is a method of all modules; choose another name", kind, name) end
  if self.taken[name] then check.fail("%s: there is a %s called '%s' already", kind, self.taken[name], name) end
end

function Draft:add(what, names, values, name, value)
  self:check_name(name)
  if not is_tensor(value) then check.fail("%s: %s %s must be a tensor, got %s", self.class.kind, what, name, type(value)) end
  names[#names + 1], values[#values + 1], self.taken[name] = name, value, what
  self.fields[name] = nil
  return value
end

function Draft:add_child(name, module)
  self.child_names[#self.child_names + 1], self.children[#self.children + 1] = name, module
  return #self.children
end

local function is_list_of_modules(value)
  if type(value) ~= "table" or #value == 0 then return false end
  for _, entry in ipairs(value) do
    if not is_module(entry) then return false end
  end
  return true
end

function Draft:set(name, value)
  if is_module(value) then
    self:check_name(name)
    self:add_child(name, value)
    self.taken[name] = "layer"
  elseif is_list_of_modules(value) then
    self:check_name(name)
    local places = {}
    for i, module in ipairs(value) do places[i] = self:add_child(("%s.%d"):format(name, i), module) end
    self.lists[name], self.taken[name] = places, "list of layers"
  elseif self.taken[name] then
    if not rawequal(value, self:get(name)) then
      check.fail("%s: '%s' is a %s; it cannot be set to a %s", self.class.kind, name, self.taken[name], type(value))
    end
  else
    self.fields[name] = value
  end
end

function Draft:get(name)
  for i, own in ipairs(self.parameter_names) do if own == name then return self.parameters[i] end end
  for i, own in ipairs(self.buffer_names) do if own == name then return self.buffers[i] end end
  for i, own in ipairs(self.child_names) do if own == name then return self.children[i] end end
  if self.lists[name] then
    local list = {}
    for i, at in ipairs(self.lists[name]) do list[i] = self.children[at] end
    return list
  end
  local value = self.fields[name]
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

local function build(class, ...)
  if type(class.forward) ~= "function" then
    check.fail("%s: it has no forward; write function %s:forward(x) ... end", class.kind, class.kind)
  end
  local draft = new_draft(class)
  if class.init then class.init(self_of(draft), ...) end
  return core.inner.custom(class.kind, { class = class, fields = draft.fields, lists = draft.lists }, draft.parameter_names,
    draft.parameters, draft.buffer_names, draft.buffers, draft.child_names, draft.children)
end

-- For users --------------------------------------------------------------------------------------------------------------

---@class moonlab.ModuleClass  a kind of module written in Lua: call it to make one
---@field kind string
---@field init? fun(self: any, ...)  is given what the class was called with. What it assigns to self: modules, and lists of them,
---  become layers; self:parameter(name, tensor) and self:buffer(name, tensor) declare; the rest are plain fields
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
