--- Trees: nested tables of tensors, as parameters are written. A tensor alone is a tree too.
---
---     local params = { w = { ml.randn { 3, 4 }, ml.randn { 4 } }, scale = ml.ones {} }
---     local half   = ml.tree.map(function(t) return t * 0.5 end, params)
---     local size   = ml.tree.norm(params)
---
--- The order is always the same: numbers as keys first, by size, then names, by the alphabet. A module counts as the list of
--- its parameters, as model:parameters() gives it. Whatever else a table holds (numbers, texts, functions) is no leaf: it is
--- carried along from the first tree. A table keeps its metatable, so an object is still one afterwards.
local core  = require "moonlab.core"
local check = require "moonlab.check"

local structure = require "moonlab.structure"

local is_tensor = core.tensor.is_tensor
local flattened, put_together, check_same = structure.flatten, structure.put_together, structure.check_same

---@class moonlab.tree
local tree = {}

---@alias moonlab.Tree moonlab.Tensor|moonlab.Module|table

---@class moonlab.TreeStructure  what is left of a tree without its tensors; tree.unflatten puts others there

--- The tensors of a tree in their order, and what is left without them.
---@param value moonlab.Tree
---@return moonlab.Tensor[] leaves
---@return moonlab.TreeStructure structure
function tree.flatten(value)
  return flattened(value, "tree.flatten")
end

--- The tree of this structure with these tensors (or whatever else) as its leaves.
---@param leaves any[]  as many as the structure has
---@param shape moonlab.TreeStructure  from tree.flatten
---@return moonlab.Tree
function tree.unflatten(leaves, shape)
  if shape ~= true and type(shape) ~= "table" then
    check.fail("tree.unflatten: takes leaves and the structure that tree.flatten gave, got %s", type(shape))
  end
  local value, next_leaf = put_together(shape, leaves, 1)
  if next_leaf ~= #leaves + 1 then
    check.fail("tree.unflatten: the structure has %d leaves, %d were given", next_leaf - 1, #leaves)
  end
  return value
end

--- The names of the leaves, in their order: "layer1.w"; the only leaf of a tensor alone is "".
---@param value moonlab.Tree
---@return string[]
function tree.paths(value)
  return (structure.paths(value, "tree.paths"))
end

local function all_leaves(where, first, ...)
  local leaves, shape = flattened(first, where)
  local lists = { leaves }
  for i = 1, select("#", ...) do
    local others, other = flattened((select(i, ...)), where)
    check_same(where, shape, other, ("tree 1 and tree %d"):format(i + 1))
    lists[i + 1] = others
  end
  return lists, shape
end

--- fn of every tensor; with several trees of the same structure, of those in the same place.
---@param fn fun(t: moonlab.Tensor, ...: moonlab.Tensor): any
---@param first moonlab.Tree
---@param ... moonlab.Tree
---@return moonlab.Tree
function tree.map(fn, first, ...)
  if type(fn) ~= "function" then check.fail("tree.map: takes a function and a tree, got %s", type(fn)) end
  local lists, shape = all_leaves("tree.map", first, ...)
  local results, count = {}, #lists
  for i = 1, #lists[1] do
    if count == 1 then
      results[i] = fn(lists[1][i])
    else
      local at = {}
      for k = 1, count do at[k] = lists[k][i] end
      results[i] = fn(table.unpack(at, 1, count))
    end
  end
  return (put_together(shape, results, 1))
end

--- The sum of all products of two trees, as one vector of each: a tensor of shape ().
---@param a moonlab.Tree
---@param b moonlab.Tree  of the same structure and shapes
---@return moonlab.Tensor
function tree.dot(a, b)
  local lists = all_leaves("tree.dot", a, b)
  local total
  for i, x in ipairs(lists[1]) do
    local part = (x * lists[2][i]):sum()
    total = total and total + part or part
  end
  if not total then check.fail "tree.dot: there is no tensor in the trees" end
  return total
end

--- The Euclidean norm of all tensors as one vector: a tensor of shape ().
---@param value moonlab.Tree
---@return moonlab.Tensor
function tree.norm(value)
  local total
  for _, x in ipairs((flattened(value, "tree.norm"))) do
    local squares = x:square():sum()
    total = total and total + squares or squares
  end
  if not total then check.fail "tree.norm: there is no tensor in the tree" end
  return total:sqrt()
end

--- a + scale b, tensor by tensor.
---@param a moonlab.Tree
---@param b moonlab.Tree  of the same structure
---@param scale? number|moonlab.Tensor  (default 1)
---@return moonlab.Tree
function tree.add(a, b, scale)
  if scale == nil then return tree.map(function(x, y) return x + y end, a, b) end
  return tree.map(function(x, y) return x + y * scale end, a, b)
end

--- a - b, tensor by tensor.
---@param a moonlab.Tree
---@param b moonlab.Tree  of the same structure
---@return moonlab.Tree
function tree.sub(a, b)
  return tree.map(function(x, y) return x - y end, a, b)
end

--- Every tensor times a factor.
---@param value moonlab.Tree
---@param factor number|moonlab.Tensor
---@return moonlab.Tree
function tree.scale(value, factor)
  return tree.map(function(x) return x * factor end, value)
end

--- Zeros in the shapes and dtypes of a tree.
---@param value moonlab.Tree
---@return moonlab.Tree
function tree.zeros_like(value)
  return tree.map(function(x) return core.make.zeros(x.shape, { dtype = x.dtype }) end, value)
end

--- Standard normal numbers in the shapes and dtypes of a tree.
---@param value moonlab.Tree
---@param opts? { seed?: integer }  else the next streams of ml.seed
---@return moonlab.Tree
function tree.randn_like(value, opts)
  check.options("tree.randn_like", opts, { seed = 0 })
  local leaves, shape = flattened(value, "tree.randn_like")
  local total, at, parts = 0, 0, {}
  for _, x in ipairs(leaves) do total = total + x:numel() end
  local all = core.make.randn({ total }, { dtype = "f64", seed = opts and opts.seed }) -- one draw, so that one seed does
  for i, x in ipairs(leaves) do
    local n = x:numel()
    parts[i] = all:slice(1, at + 1, at + n):reshape(x.shape):cast(x.dtype)
    at = at + n
  end
  return (put_together(shape, parts, 1))
end

--- How many numbers all tensors have together.
---@param value moonlab.Tree
---@return integer
function tree.numel(value)
  local total = 0
  for _, x in ipairs((flattened(value, "tree.numel"))) do total = total + x:numel() end
  return total
end

--- All numbers of a tree as one vector, and the function that makes such a tree of a vector.
---@param value moonlab.Tree
---@return moonlab.Tensor vector
---@return fun(vector: moonlab.Tensor): moonlab.Tree unravel
function tree.ravel(value)
  local leaves, shape = flattened(value, "tree.ravel")
  if #leaves == 0 then check.fail "tree.ravel: there is no tensor in the tree" end
  local flat, shapes, sizes, total = {}, {}, {}, 0
  for i, x in ipairs(leaves) do
    flat[i], shapes[i], sizes[i] = x:reshape(-1), x.shape, x:numel()
    total = total + sizes[i]
  end
  return core.op.cat(flat, 1), function(vector)
    if not is_tensor(vector) or vector:dim() ~= 1 or vector:numel() ~= total then
      check.fail("tree.ravel: the vector must have %d values, got %s", total,
        is_tensor(vector) and ("shape (%s)"):format(table.concat(vector.shape, ", ")) or type(vector))
    end
    local parts, at = {}, 0
    for i = 1, #shapes do
      parts[i] = vector:slice(1, at + 1, at + sizes[i]):reshape(shapes[i])
      at = at + sizes[i]
    end
    return (put_together(shape, parts, 1))
  end
end

return tree
