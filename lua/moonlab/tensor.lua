--- What returns more than one tensor, which an operation of the table cannot. All of it is made of operations, so it has
--- derivatives. Each is a method of tensors and a function of `ml`.
local ml    = require "moonlab"
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.Tensor
local Tensor = {}

-- x, and dim as a number from 1 on: what the functions below begin with.
local function own_dim(where, x, dim)
  if not ml.is_tensor(x) then check.fail("%s: takes a tensor, got %s", where, type(x)) end
  local n = #x.shape
  dim = dim or 1
  if math.type(dim) ~= "integer" then check.fail("%s: dim must be a whole number, got %s", where, tostring(dim)) end
  if n == 0 then check.fail("%s: a single number has no dimensions", where) end
  if dim == 0 or dim > n or dim < -n then
    check.fail("%s: dim %d of a tensor with %d dimensions; they count from 1, or from -1 at the end", where, dim, n)
  end
  return dim > 0 and dim or n + 1 + dim
end

--- Pieces along dim, as a list of views: of one size, the last perhaps smaller, or of the sizes in a list.
---@param sizes integer|integer[]  a list must add up to the size of dim
---@param dim? integer             (default 1)
---@return moonlab.Tensor[]
function Tensor:split(sizes, dim)
  dim = own_dim("split", self, dim)
  local n, pieces = self.shape[dim], {}
  if math.type(sizes) == "integer" then
    if sizes < 1 then check.fail("split: the size must be at least 1, got %d", sizes) end
    for start = 1, math.max(n, 1), sizes do pieces[#pieces + 1] = self:slice(dim, start, math.min(start + sizes - 1, n)) end
    return pieces
  end
  if type(sizes) ~= "table" then check.fail("split: takes a size or a list of sizes, got %s", type(sizes)) end
  local start = 1
  for i, size in ipairs(sizes) do
    if math.type(size) ~= "integer" or size < 0 then check.fail("split: size %d of the list is %s", i, tostring(size)) end
    if size > n - start + 1 then break end
    pieces[i] = self:slice(dim, start, start + size - 1)
    start = start + size
  end
  if start ~= n + 1 or #pieces ~= #sizes then
    check.fail("split: the sizes must add up to %d, the size of dimension %d", n, dim)
  end
  return pieces
end

--- At most n pieces of one size along dim, the last perhaps smaller, as a list of views.
---@param n    integer
---@param dim? integer  (default 1)
---@return moonlab.Tensor[]
function Tensor:chunk(n, dim)
  dim = own_dim("chunk", self, dim)
  if math.type(n) ~= "integer" or n < 1 then check.fail("chunk: n must be at least 1, got %s", tostring(n)) end
  return self:split(math.max(1, (self.shape[dim] + n - 1) // n), dim)
end

--- x[1], x[2], ... along dim, as a list of views with one dimension fewer.
---@param dim? integer  (default 1)
---@return moonlab.Tensor[]
function Tensor:unbind(dim)
  dim = own_dim("unbind", self, dim)
  local rows = {}
  for i = 1, self.shape[dim] do rows[i] = self:slice(dim, i, i):squeeze(dim) end
  return rows
end

-- dim as it was given: alone or in a table of options, which argsort reads.
local function dim_in(where, x, option)
  local dim = option
  if type(option) == "table" then dim = option.dim end
  own_dim(where, x, dim or -1)
  return dim
end

--- The values in order along dim, and the positions they came from. NaN comes last; equal values stay in their order.
---@param dim?        integer|{ dim: integer?, descending: boolean? }  (default -1)
---@param descending? boolean  (default false)
---@return moonlab.Tensor values, moonlab.Tensor positions
function Tensor:sort(dim, descending)
  local along = dim_in("sort", self, dim)
  local at = self:argsort(dim, descending)
  return self:gather(at, along), at
end

--- The k largest values along dim, in order, and their positions.
---@param k        integer|{ k: integer, dim: integer?, largest: boolean? }
---@param dim?     integer|{ dim: integer?, largest: boolean? }  (default -1)
---@param largest? boolean  false: the k smallest (default true)
---@return moonlab.Tensor values, moonlab.Tensor positions
function Tensor:topk(k, dim, largest)
  local given = k
  if type(k) ~= "table" then
    given = { dim = dim, largest = largest }
    if type(dim) == "table" then given = check.options("topk", dim, { dim = -1, largest = true }) end
    given.k = k
  end
  local opts  = check.options("topk", given, { k = 1, dim = -1, largest = true })
  local along = own_dim("topk", self, opts.dim)
  local n     = self.shape[along]
  if math.type(opts.k) ~= "integer" or opts.k < 0 or opts.k > n then
    check.fail("topk: k must be 0..%d, the size of dimension %d, got %s", n, along, tostring(opts.k))
  end
  local at = self:argtopk(opts.k, along, opts.largest)
  return self:gather(at, along), at
end

-- The dimensions of a list from 1 on, none twice, and the others in their order.
local function parted(where, x, list)
  local chosen, others, taken = {}, {}, {}
  for i, dim in ipairs(list) do
    chosen[i] = own_dim(where, x, dim)
    if taken[chosen[i]] then check.fail("%s: dimension %d is given twice", where, dim) end
    taken[chosen[i]] = true
  end
  for d = 1, #x.shape do
    if not taken[d] then others[#others + 1] = d end
  end
  return chosen, others
end

--- The sum over pairs of dimensions of two tensors: the last n of x with the first n of y, or those of two lists, one with one.
--- What is left of x comes first, then what is left of y.
---@param y     moonlab.Tensor
---@param dims? integer|{ [1]: integer[], [2]: integer[] }  (default 2)
---@return moonlab.Tensor
function Tensor:tensordot(y, dims)
  if not ml.is_tensor(self) or not ml.is_tensor(y) then check.fail "tensordot: takes two tensors" end
  local lists = dims or 2
  if math.type(lists) == "integer" then
    local n = lists
    if n < 0 or n > #self.shape or n > #y.shape then
      check.fail("tensordot: there are not %d dimensions in both, of %d and %d", n, #self.shape, #y.shape)
    end
    lists = { {}, {} }
    for i = 1, n do lists[1][i], lists[2][i] = #self.shape - n + i, i end
  end
  if type(lists) ~= "table" or type(lists[1]) ~= "table" or type(lists[2]) ~= "table" or #lists[1] ~= #lists[2] then
    check.fail "tensordot: dims is a number, or two lists of as many dimensions"
  end
  local left, kept_left   = parted("tensordot", self, lists[1])
  local right, kept_right = parted("tensordot", y, lists[2])
  local shape, sizes      = {}, { 1, 1, 1 }
  for i, d in ipairs(left) do
    if self.shape[d] ~= y.shape[right[i]] then
      check.fail("tensordot: dimension %d has %d, dimension %d of the other %d", d, self.shape[d], right[i], y.shape[right[i]])
    end
    sizes[2] = sizes[2] * self.shape[d]
  end
  for _, d in ipairs(kept_left) do shape[#shape + 1], sizes[1] = self.shape[d], sizes[1] * self.shape[d] end
  for _, d in ipairs(kept_right) do shape[#shape + 1], sizes[3] = y.shape[d], sizes[3] * y.shape[d] end
  local function as_matrix(x, order, rows, columns)
    return (#order > 0 and x:permute(order) or x):reshape(rows, columns)
  end
  local a = as_matrix(self, table.move(left, 1, #left, #kept_left + 1, kept_left), sizes[1], sizes[2])
  local b = as_matrix(y, table.move(kept_right, 1, #kept_right, #right + 1, right), sizes[2], sizes[3])
  return a:matmul(b):reshape(shape)
end

--- The different values in rising order, how often each occurs, and for each element of x which of them it is. No derivative.
---@return moonlab.Tensor values     (n)
---@return moonlab.Tensor counts     (n) i64
---@return moonlab.Tensor positions  of the shape of x, i64: values[positions] equals x
function Tensor:unique()
  if not ml.is_tensor(self) then check.fail("unique: takes a tensor, got %s", type(self)) end
  local x = self:detach()
  local sorted = x:flatten()
  sorted = sorted:take(sorted:argsort())
  local n = sorted.shape[1]
  if n == 0 then return sorted, ml.zeros({ 0 }, { dtype = "i64" }), ml.zeros(x.shape, { dtype = "i64" }) end
  local before, after = sorted:slice(1, 1, n - 1), sorted:slice(1, 2, n)
  local changes = before:eq(before):gt(before:ge(after)) -- 1 < 2 and 1 < NaN, but one NaN stands for all
  local values = sorted:masked_select(ml.cat { ml.tensor { true }, changes })
  local positions = values:searchsorted(x)
  return values, positions:bincount(values.shape[1]), positions
end

--- Coordinates of a grid: of n tensors with one dimension each, a list of n tensors with n dimensions; the i-th holds the
--- values of the i-th tensor along dimension i.
---@param ... moonlab.Tensor  or one list of them
---@return moonlab.Tensor[]
function ml.meshgrid(...)
  local axes = ml.is_tensor((...)) and { ... } or (...)
  if type(axes) ~= "table" or #axes == 0 then check.fail "meshgrid: takes tensors, or a list of them" end
  local shape = {}
  for i, axis in ipairs(axes) do
    if not ml.is_tensor(axis) or #axis.shape ~= 1 then check.fail("meshgrid: number %d must be a tensor of one dimension", i) end
    shape[i] = axis.shape[1]
  end
  local grids = {}
  for i, axis in ipairs(axes) do
    local column = {}
    for d = 1, #axes do column[d] = d == i and shape[i] or 1 end
    grids[i] = axis:reshape(column):expand(shape)
  end
  return grids
end

local methods = core.methods()
for name, method in pairs(Tensor) do methods[name], ml[name] = method, method end
