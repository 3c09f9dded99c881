--- The empirical tangent kernel, T(x, x') = sum over parameters of df(x)/dp df(x')/dp, layer by layer and tile by tile.
---
--- The Jacobian of a linear layer is an outer product, so its part of the kernel needs none: with the layer's inputs X and the
--- derivatives dY of the network by its outputs, it is (dY dY^T) (X X^T + 1), element by element: k (inputs + outputs) numbers a
--- row in place of k inputs outputs, and as much less work. Of every other layer the Jacobian's rows are computed, by vmap of
--- vjp. Both are kept of all inputs when they fit into the memory allowed, else of two tiles, and computed again for every pair.
local ml        = require "moonlab"
local check     = require "moonlab.check"
local structure = require "moonlab.structure"
local train     = require "moonlab.train"

local ntk = {}

local BYTES = { f32 = 4, f64 = 8 }
local ROWS  = 256 -- of a tile at most: enough for quick products, few enough for the caches

-- The network, taken apart -------------------------------------------------------------------------------------------------

-- What one parameter's part is multiplied by.
local function rate_of(rates, name, used)
  local rate = rates[name]
  if rate == nil then return 1 end
  if type(rate) ~= "number" or rate < 0 then
    check.fail("ntk: the rate of '%s' must be a number, at least 0, got %s", name, tostring(rate))
  end
  used[name] = true
  return rate
end

---@class moonlab.ntk.Leaf  a layer with parameters, or a whole function
---@field name    string
---@field kind    string
---@field layer   any
---@field params  moonlab.Tensor[]
---@field rates   number[]
---@field names   string[]
---@field columns integer   of its Jacobian
---@field product boolean   a linear layer on vectors
---@field numbers integer   what is kept of an input

local function leaf_of(layer, path, rates, used)
  local leaf = { name = path, kind = layer:kind(), layer = layer, params = layer:parameters(), rates = {}, names = {} }
  for name, p in layer:named_parameters() do
    local full = path == "" and name or path .. "." .. name
    local rate = rate_of(rates, full, used)
    leaf.names[#leaf.names + 1], leaf.rates[#leaf.rates + 1] = full, p.requires_grad and rate or 0 -- a frozen one never moves
  end
  return leaf
end

-- The layers in their order, each a step: a leaf with parameters, or a function without.
local function add_steps(steps, model, path, rates, used)
  if model:kind() == "Sequential" then
    for i = 1, #model do add_steps(steps, model[i], path == "" and tostring(i) or path .. "." .. i, rates, used) end
  elseif #model:parameters() > 0 then
    steps[#steps + 1] = { leaf = leaf_of(model, path, rates, used), run = model }
  else
    steps[#steps + 1] = { run = model }
  end
end

-- Does a parameter stand in two places? Then the derivatives of both add up before they are multiplied.
local function is_tied(steps)
  local seen = {}
  for _, step in ipairs(steps) do
    if step.leaf then
      for _, other in ipairs(seen) do
        if other == step.run then return true end
      end
      seen[#seen + 1] = step.run
    end
  end
  return false
end

local function steps_of(model, rates, used)
  local steps = {}
  add_steps(steps, model, "", rates, used)
  if is_tied(steps) then return { { leaf = leaf_of(model, "", rates, used), run = model } } end
  return steps
end

-- A function of parameters and inputs: one step, whose Jacobian is that of the function.
local function function_step(f, params, rates, used)
  local leaves = structure.flatten(params, "ntk")
  if #leaves == 0 then check.fail "ntk: there is no tensor in the parameters" end
  local names, each = structure.paths(params, "ntk"), {}
  for i, name in ipairs(names) do each[i] = rate_of(rates, name, used) end
  local leaf = { name = "", kind = "function", params = leaves, rates = each, names = names, tree = params, f = f }
  return { { leaf = leaf, run = function(x) return f(params, x) end } }
end

-- One tile of inputs -------------------------------------------------------------------------------------------------------

-- The outputs as (n, k), for a network that gives (n), (n, k) or more dimensions.
local function as_outputs(y, n)
  if not ml.is_tensor(y) or y:dim() == 0 or #y ~= n then
    check.fail("ntk: the network must give a row for each of %d inputs, got %s", n,
      ml.is_tensor(y) and "(" .. table.concat(y.shape, ", ") .. ")" or type(y))
  end
  return y:reshape(n, -1)
end

-- The columns of a list of per-sample gradients side by side, times the roots of the rates: (n, columns).
local function joined(grads, rates)
  local columns = {}
  for i, g in ipairs(grads) do
    local flat = g:reshape(#g, -1)
    columns[i] = (rates[i] == 1 and flat or flat * math.sqrt(rates[i])):detach()
  end
  return #columns == 1 and columns[1] or ml.cat(columns, 2)
end

-- Rows of the Jacobian of a layer, by one derivative of the outputs: (n, parameters of the layer).
local function layer_rows(leaf, x, dy)
  local rows = ml.vmap(function(one, d)
    local _, pullback = ml.vjp(function(p) return leaf.layer:apply(p, one:unsqueeze(1)) end, leaf.params)
    return pullback(d:unsqueeze(1))
  end)(x, dy)
  return joined(rows, leaf.rates)
end

local function function_rows(leaf, x, c)
  local gradient = ml.grad(function(p, one) return as_outputs(leaf.f(p, one:unsqueeze(1)), 1):slice(2, c, c):sum() end)
  return joined(structure.flatten(ml.vmap(gradient, { nil, 1 })(leaf.tree, x), "ntk"), leaf.rates)
end

-- Runs the network on x and keeps what its leaves read and make. The derivatives of a frozen network are wanted all the same.
local function forward(steps, x)
  local inputs, outputs = {}, {}
  for _, step in ipairs(steps) do
    if step.leaf then
      inputs[#inputs + 1] = x:detach()
      x = step.run(x)
      if not x.requires_grad then x = x:detach():requires_grad_() end
      outputs[#outputs + 1] = x
    else
      x = step.run(x)
    end
  end
  return x, inputs, outputs
end

-- What the kernel is a product of, for the rows of x: for each leaf { x = (n, i), d = (n, k, o) } or { d = (n, k, parameters) }.
local function tangents(plan, x)
  local n, parts, leaves = #x, {}, plan.leaves
  for l = 1, #leaves do parts[l] = { d = {} } end
  if leaves[1].f then
    for c = 1, plan.k do parts[1].d[c] = function_rows(leaves[1], x, plan.output or c) end
  else
    local y, inputs, outputs = forward(plan.steps, x)
    y = as_outputs(y, n)
    for c = 1, plan.k do
      local at = plan.output or c
      local dys = ml.autograd.grad(y:slice(2, at, at):sum(), outputs, { keep_graph = c < plan.k })
      for l, leaf in ipairs(leaves) do
        parts[l].x    = leaf.product and inputs[l] or nil
        parts[l].d[c] = leaf.product and dys[l] or layer_rows(leaf, inputs[l], dys[l])
      end
    end
  end
  for _, part in ipairs(parts) do part.d = #part.d == 1 and part.d[1]:unsqueeze(2) or ml.stack(part.d, 2) end
  return parts
end

-- The kernel of two tiles: (n, m), or (n, m, k, k).
local function block(plan, a, b)
  local total
  for l, leaf in ipairs(plan.leaves) do
    local da, db = a[l].d, b[l].d
    local n, m, k = #da, #db, plan.k
    local value
    if plan.full then
      value = da:reshape(n * k, -1):matmul(db:reshape(m * k, -1):transpose()):reshape(n, k, m, k):permute(1, 3, 2, 4)
    else
      value = da:reshape(n, -1):matmul(db:reshape(m, -1):transpose())
    end
    if leaf.product then
      local gram = a[l].x:matmul(b[l].x:transpose()) * leaf.rates[1] + (leaf.rates[2] or 0)
      value = value * (plan.full and gram:reshape(n, m, 1, 1) or gram)
    end
    total = total and total + value or value
  end
  return plan.full and total or total / plan.k
end

-- The plan ----------------------------------------------------------------------------------------------------------------

---@class moonlab.NTKPlan  what a kernel will take, known before it is computed; tostring() tells it in words
---@field rows    integer   inputs in a tile
---@field bytes   integer   at most, beyond what is in use already
---@field kept    boolean   what is needed of the inputs is kept for all of them; else computed again for each pair of tiles
---@field k       integer   outputs whose kernels are computed
---@field leaves  moonlab.ntk.Leaf[]
local Plan = { __name = "moonlab.NTKPlan" }
Plan.__index = Plan

local function amount(bytes) return bytes < 1e5 and ("%d bytes"):format(bytes) or ("%.1f MB"):format(bytes / 1e6) end

function Plan:__tostring()
  local lines = { ("tangent kernel %d x %d of %d output%s%s: at most %s, in tiles of %d inputs%s"):format(self.n, self.m, self.k,
    self.k == 1 and "" or "s", self.full and ", all pairs" or "", amount(self.bytes), self.rows,
    self.kept and "" or ", whose derivatives are computed again for each pair") }
  for _, leaf in ipairs(self.leaves) do
    lines[#lines + 1] = ("  %s %s: %s, %d numbers an input"):format(leaf.name, leaf.kind,
      leaf.product and "product of inputs and derivatives" or "rows of the Jacobian", leaf.numbers)
  end
  return table.concat(lines, "\n")
end

-- One input through the network: sizes of everything.
local function measure(plan, x)
  local one, numbers = x:slice(1, 1, 1), 0
  local y
  if plan.leaves[1].f then
    y = plan.steps[1].run(one)
    numbers = 8 * y:numel() + 2 * plan.leaves[1].columns
  else
    local inputs, outputs, at
    y, inputs, outputs = forward(plan.steps, one)
    for l, leaf in ipairs(plan.leaves) do
      leaf.product = leaf.kind == "Linear" and inputs[l]:dim() == 2
      leaf.reads, leaf.makes = inputs[l]:numel(), outputs[l]:numel()
      numbers = numbers + leaf.reads + 3 * leaf.makes -- value, its activation, and the derivatives of both, one layer at a time
      if not leaf.product then at = math.max(at or 0, 4 * (leaf.reads + leaf.makes)) end -- channels as groups, padded
    end
    numbers = numbers + (at or 0)
  end
  plan.outputs, plan.dtype = as_outputs(y, 1).shape[2], y.dtype
  return numbers
end

local function fit_tiles(plan, forward_numbers, memory)
  local size = BYTES[plan.dtype]
  local kept = 0
  for _, leaf in ipairs(plan.leaves) do
    leaf.numbers = leaf.product and leaf.reads + plan.k * leaf.makes or plan.k * leaf.columns
    kept = kept + leaf.numbers
  end
  local pairs_of = plan.full and plan.k * plan.k or 1
  local result, inputs = plan.n * plan.m * pairs_of, plan.same and plan.n or plan.n + plan.m
  -- While a tile is computed: its activations, and each derivative before they are stacked. While a block is: three of its size.
  local function taken(rows, held)
    return size * (result + (held + rows) * kept + rows * forward_numbers + 4 * rows * rows * pairs_of)
  end
  local rows = math.min(ROWS, math.max(plan.n, plan.m))
  local enough, again = taken(1, inputs), taken(1, 2)
  plan.kept = enough <= memory
  if not plan.kept and again > memory then
    check.fail("ntk: needs %s at least, %s are allowed; give memory = bytes%s", amount(math.min(enough, again)), amount(memory),
      plan.full and ", or outputs = \"mean\"" or "")
  end
  local function all(r) return taken(r, plan.kept and inputs or 2 * r) end
  while rows > 1 and all(rows) > memory do rows = rows - math.max(1, rows // 8) end
  plan.rows, plan.bytes = rows, all(rows)
end

---@class moonlab.NTKOptions
---@field outputs? "mean"|"full"|integer  mean: of the kernels of each (the default); full: of every two, (n, m, k, k)
---@field params?  moonlab.Tree           of a function f(params, x)
---@field rates?   table<string, number>  what a parameter's part is multiplied by: its learning rate (default 1)
---@field memory?  integer                bytes that may be taken (default 512 MiB)
---@field verbose? boolean                prints the plan first (default: when it takes more than 64 MB)

--- What ml.kernels.ntk would do.
---@param where string
---@param model moonlab.Module|fun(params: moonlab.Tree, x: moonlab.Tensor): moonlab.Tensor
---@param x1    moonlab.Tensor
---@param x2?   moonlab.Tensor
---@param opts? moonlab.NTKOptions
---@return moonlab.NTKPlan
function ntk.plan(where, model, x1, x2, opts)
  local o = check.options(where, opts, {
    outputs = check.any, params = check.any, rates = {}, memory = 512 * 2 ^ 20, verbose = check.any,
  })
  local outputs, params = o.outputs, o.params
  if outputs ~= nil and outputs ~= "mean" and outputs ~= "full" and math.type(outputs) ~= "integer" then
    check.fail("%s: outputs must be \"mean\", \"full\" or a position, got %s", where, tostring(outputs))
  end
  for name, x in pairs { x1 = x1, x2 = x2 } do
    if not ml.is_tensor(x) or x:dim() == 0 or #x == 0 then
      check.fail("%s: %s must be a tensor of inputs, at least one", where, name)
    end
  end
  local used = {}
  local steps
  if structure.is_module(model) then
    if params ~= nil then check.fail("%s: a model has its parameters; params are for functions", where) end
    steps = steps_of(model, o.rates, used)
  else
    if params == nil then check.fail("%s: takes a model, or a function f(params, x) with params = ... in the options", where) end
    steps = function_step(model, params, o.rates, used)
  end
  local plan = setmetatable({
    steps = steps, leaves = {}, n = #x1, m = x2 and #x2 or #x1, same = x2 == nil, full = outputs == "full",
    verbose = o.verbose,
  }, Plan)
  for _, step in ipairs(steps) do
    if step.leaf then
      step.leaf.columns = 0
      for _, p in ipairs(step.leaf.params) do step.leaf.columns = step.leaf.columns + p:numel() end
      plan.leaves[#plan.leaves + 1] = step.leaf
    end
  end
  if #plan.leaves == 0 then check.fail("%s: the model has no parameters", where) end
  for name in pairs(o.rates) do
    if not used[name] then check.fail("%s: there is no parameter '%s' to have a rate", where, tostring(name)) end
  end
  local _ <close> = train.evaluating(model)
  local numbers = measure(plan, x1)
  if math.type(outputs) == "integer" and (outputs < 1 or outputs > plan.outputs) then
    check.fail("%s: output %d of %d; they count from 1", where, outputs, plan.outputs)
  end
  plan.output = math.type(outputs) == "integer" and outputs or nil
  plan.k = plan.output and 1 or plan.outputs
  fit_tiles(plan, numbers, o.memory)
  return plan
end

-- Running it ---------------------------------------------------------------------------------------------------------------

local function tiles_of(n, rows)
  local tiles = {}
  for first = 1, n, rows do tiles[#tiles + 1] = { first, math.min(first + rows - 1, n) } end
  return tiles
end

--- The kernel that a plan describes.
---@param plan  moonlab.NTKPlan
---@param model any
---@param x1    moonlab.Tensor
---@param x2?   moonlab.Tensor
---@return moonlab.Tensor
function ntk.run(plan, model, x1, x2)
  local _ <close> = train.evaluating(model)
  local shape = plan.full and { plan.n, plan.m, plan.k, plan.k } or { plan.n, plan.m }
  local result = ml.zeros(shape, { dtype = plan.dtype })
  local rows, columns = tiles_of(plan.n, plan.rows), tiles_of(plan.m, plan.rows)
  local kept = {}
  local function tile(x, side, i, range)
    local key = side .. i
    if kept[key] then return kept[key] end
    local t = tangents(plan, x:slice(1, range[1], range[2]))
    if plan.kept then kept[key] = t end
    return t
  end
  for i, r in ipairs(rows) do
    local a = tile(x1, "x1 ", i, r)
    for j, c in ipairs(columns) do
      if x2 or j >= i then
        local b = not x2 and i == j and a or tile(x2 or x1, x2 and "x2 " or "x1 ", j, c)
        local value = block(plan, a, b)
        result[{ r, c }] = value
        if not x2 and j > i then
          result[{ c, r }] = plan.full and value:permute(2, 1, 4, 3) or value:transpose()
        end
      end
    end
  end
  return result
end

return ntk
