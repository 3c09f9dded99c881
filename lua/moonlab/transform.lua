--- Functions of functions: derivatives, and one function run on a whole batch. Arguments and results are trees (tree.lua).
---
---     local loss = function(p, x, y) return nn.cross_entropy((x:matmul(p.w1) + p.b1):relu():matmul(p.w2), y) end
---     local grads      = ml.grad(loss)(params, x, y)                      -- a tree like params
---     local per_sample = ml.vmap(ml.grad(loss), { nil, 1, 1 })(params, x, y)
---     local curvature  = ml.hvp(loss, params, v, x, y)
---
--- Any of them may stand inside a function given to another, to any depth. A function must be made of operations on tensors;
--- it may branch, loop and use what is outside as it likes, but for the values of a batch: ml.where chooses between those.
local core      = require "moonlab.core"
local check     = require "moonlab.check"
local structure = require "moonlab.structure"

local steps, is_tensor = core.transform, core.tensor.is_tensor
local flatten, put_together = structure.flatten, structure.put_together
local pack, unpack = table.pack, table.unpack

---@class moonlab.transform
local transform = {}

-- What arguments are ----------------------------------------------------------------------------------------------------

local function shape_text(x)
  return "(" .. table.concat(x.shape, ", ") .. ")"
end

local function described(value)
  return is_tensor(value) and "a tensor of shape " .. shape_text(value) or type(value)
end

local function check_function(where, f)
  if type(f) == "function" then return end
  local meta = getmetatable(f)
  if not (type(meta) == "table" and meta.__call) then check.fail("%s: takes a function, got %s", where, type(f)) end
end

-- The leaf's name in messages: "argument 2", "argument 1.layer1.w".
local function leaf_name(where, argument, value, leaf)
  local path = structure.paths(value, where)[leaf]
  return path == "" and ("argument %d"):format(argument) or ("argument %d.%s"):format(argument, path)
end

local function is_float(x)
  local dtype = x.dtype
  return dtype == "f32" or dtype == "f64"
end

-- argnums: a position, or a list of them; returns the list, and whether it was one position.
local function positions(where, argnums)
  if argnums == nil then return { 1 }, true end
  local list = type(argnums) == "table" and argnums or { argnums }
  for _, k in ipairs(list) do
    if math.type(k) ~= "integer" or k < 1 then
      check.fail("%s: an argument is named by its position, 1 or more, got %s", where, tostring(k))
    end
  end
  if #list == 0 then check.fail("%s: no argument is named", where) end
  return list, list ~= argnums
end

-- Calling a function on fresh inputs -------------------------------------------------------------------------------------

-- What a call leaves: the results, and the fresh leaves of the arguments that are differentiated.
---@class moonlab.Trial
---@field fresh   moonlab.Tensor[]
---@field shapes  table                structures, by the arguments' order in `which`
---@field results table                packed

-- Calls f with the arguments at the positions `which` fresh, and recording on.
local function try_out(where, f, which, args)
  local leaves, shapes = {}, {}
  for i, k in ipairs(which) do
    if k > args.n then
      check.fail("%s: argument %d is to be differentiated, but %d %s given", where, k, args.n, args.n == 1 and "was" or "were")
    end
    local own, shape = flatten(args[k], where)
    if #own == 0 then
      check.fail("%s: argument %d must be a tensor or a tree of them, got %s", where, k, described(args[k]))
    end
    for leaf, x in ipairs(own) do
      if not is_float(x) then
        check.fail("%s: %s is %s; only f32 and f64 have derivatives", where, leaf_name(where, k, args[k], leaf), x.dtype)
      end
      leaves[#leaves + 1] = x
    end
    shapes[i] = shape
  end
  local fresh, given, at = steps.fresh(leaves), { unpack(args, 1, args.n) }, 1
  for i, k in ipairs(which) do given[k], at = put_together(shapes[i], fresh, at) end
  return { fresh = fresh, shapes = shapes, results = pack(steps.call(true, f, unpack(given, 1, args.n))) }
end

-- Leaves of the arguments of a trial, as one tree an argument.
local function as_arguments(trial, leaves)
  local trees, at = {}, 1
  for i, shape in ipairs(trial.shapes) do trees[i], at = put_together(shape, leaves, at) end
  return trees
end

-- A result as somebody outside may see it: no part of the graph of the fresh inputs.
local function released(where, value, fresh)
  local leaves, shape = flatten(value, where)
  return (put_together(shape, steps.release(leaves, fresh), 1))
end

-- The first result, which must be one number.
local function check_number(where, results, has_aux)
  local y = results[1]
  if results.n == 0 then check.fail("%s: the function returned nothing; it must return one number, as a tensor", where) end
  if not is_tensor(y) then check.fail("%s: the function must return one number, as a tensor, got %s", where, type(y)) end
  if y:numel() ~= 1 then
    check.fail("%s: the function must return one number, got shape %s; reduce it (sum, mean), or use jacobian", where,
      shape_text(y))
  end
  if results.n > 1 and not has_aux then
    check.fail("%s: the function returned %d results; { has_aux = true } passes the others on", where, results.n)
  end
  return y
end

-- The only result, a tree with tensors: its leaves and structure.
local function check_tree(where, results)
  if results.n == 0 then check.fail("%s: the function returned nothing", where) end
  if results.n > 1 then check.fail("%s: the function returned %d results; return them in one table", where, results.n) end
  local leaves, shape = flatten(results[1], where)
  if #leaves == 0 then check.fail("%s: the function must return a tensor or a tree of them, got %s", where, type(results[1])) end
  return leaves, shape
end

-- grad --------------------------------------------------------------------------------------------------------------------

---@class moonlab.GradOptions
---@field has_aux? boolean  the function returns more after the number: passed on, not differentiated (default false)

local function gradient_function(where, f, argnums, opts, with_value)
  check_function(where, f)
  if type(argnums) == "table" and opts == nil and argnums.has_aux ~= nil then argnums, opts = nil, argnums end
  local which, single = positions(where, argnums)
  local has_aux = check.options(where, opts, { has_aux = false }).has_aux
  return function(...)
    local trial = try_out(where, f, which, pack(...))
    local results, fresh = trial.results, trial.fresh
    local y = check_number(where, results, has_aux)
    local grads = as_arguments(trial, steps.pull_back({ y }, nil, fresh, false))
    if single then grads = grads[1] end
    if not (has_aux or with_value) then return grads end
    for i = 2, results.n do results[i] = released(where, results[i], fresh) end
    if not with_value then return grads, unpack(results, 2, results.n) end
    return released(where, y, fresh), grads, unpack(results, 2, results.n)
  end
end

--- The gradient of a function that returns one number, as a function of the same arguments. It returns a tree like the
--- argument; for a list of positions a list of them. With has_aux the further results of f come behind it.
---@param f fun(...): moonlab.Tensor, ...
---@param argnums? integer|integer[]  which arguments (default 1)
---@param opts? moonlab.GradOptions
---@return fun(...): any, ...
function transform.grad(f, argnums, opts)
  return gradient_function("grad", f, argnums, opts, false)
end

--- The same, with the value first: value, gradient, further results.
---@param f fun(...): moonlab.Tensor, ...
---@param argnums? integer|integer[]  which arguments (default 1)
---@param opts? moonlab.GradOptions
---@return fun(...): moonlab.Tensor, any, ...
function transform.value_and_grad(f, argnums, opts)
  return gradient_function("value_and_grad", f, argnums, opts, true)
end

-- vjp, jvp ------------------------------------------------------------------------------------------------------------------

-- Positions of the arguments that have a float tensor: those that can be differentiated.
local function differentiable(where, args)
  local which = {}
  for k = 1, args.n do
    for _, x in ipairs((flatten(args[k], where))) do
      if is_float(x) then
        which[#which + 1] = k
        break
      end
    end
  end
  if #which == 0 then check.fail("%s: none of the arguments is a tensor of floats", where) end
  return which
end

-- The leaves of `given` for a value of this structure and these leaves; a number may stand for a tensor of shape ().
local function leaves_like(where, given, leaves, shape, names)
  if type(given) == "number" and #leaves == 1 and leaves[1]:numel() == 1 then
    return { core.make.full(leaves[1].shape, given, { dtype = leaves[1].dtype }) }
  end
  local own, other = flatten(given, where)
  structure.check_same(where, shape, other, names)
  local i = steps.first_other_shape(own, leaves)
  if i then
    local path = structure.paths(given, where)[i]
    check.fail("%s: %s differ%s: shape %s and %s", where, names, path == "" and "" or " at " .. path, shape_text(leaves[i]),
      shape_text(own[i]))
  end
  return own
end

--- The value of f and its pullback: a function that takes a tree like the value (nothing, for one number) and returns the
--- product of it with the Jacobian, one result for each argument; nil for arguments without floats. It may be called again.
---@param f fun(...): any
---@param ... any  the arguments
---@return any value
---@return fun(seed?: any): ... pullback
function transform.vjp(f, ...)
  check_function("vjp", f)
  local args = pack(...)
  local which = differentiable("vjp", args)
  local trial = try_out("vjp", f, which, args)
  local leaves, shape = check_tree("vjp", trial.results)
  local value = released("vjp", trial.results[1], trial.fresh)
  return value, function(seed)
    local seeds = seed ~= nil and leaves_like("vjp", seed, leaves, shape, "the value and the seed") or nil
    if not seeds and not (#leaves == 1 and leaves[1]:numel() == 1) then
      check.fail("vjp: the value is not one number; the pullback takes a tree like it")
    end
    local grads, all = as_arguments(trial, steps.pull_back(leaves, seeds, trial.fresh, true)), {}
    for i, k in ipairs(which) do all[k] = grads[i] end
    return unpack(all, 1, args.n)
  end
end

--- The value of f and its derivative along the tangents. A tangent of nil or false stands for zeros.
---@param f fun(...): any
---@param primals any[]   the arguments, in a list; a tensor alone is the only argument
---@param tangents any[]  one tree like each argument
---@return any value
---@return any derivative  a tree like the value
function transform.jvp(f, primals, tangents)
  check_function("jvp", f)
  if is_tensor(primals) then primals, tangents = { primals }, { tangents } end
  if type(primals) ~= "table" or type(tangents) ~= "table" then
    check.fail("jvp: takes a function, a list of its arguments and a list of tangents, got %s and %s", described(primals),
      described(tangents))
  end
  local args = pack(unpack(primals, 1, primals.n or #primals))
  local which, given = {}, {}
  for k = 1, args.n do
    if tangents[k] ~= nil and tangents[k] ~= false then which[#which + 1] = k end
  end
  if #which == 0 then check.fail("jvp: no tangent was given for any of the %d arguments", args.n) end
  for _, k in ipairs(which) do
    local leaves, shape = flatten(args[k], "jvp")
    local names = ("argument %d and its tangent"):format(k)
    for _, t in ipairs(leaves_like("jvp", tangents[k], leaves, shape, names)) do given[#given + 1] = t end
  end
  local trial = try_out("jvp", f, which, args)
  local leaves, shape = check_tree("jvp", trial.results)
  for _, y in ipairs(leaves) do
    if not is_float(y) then check.fail("jvp: a result is %s; only f32 and f64 have derivatives", y.dtype) end
  end
  local derivatives = steps.release(steps.push_forward(leaves, trial.fresh, given), trial.fresh)
  return released("jvp", trial.results[1], trial.fresh), (put_together(shape, derivatives, 1))
end

-- jacobian, hessian, hvp ------------------------------------------------------------------------------------------------------

--- The Jacobian of f with respect to one argument, as a function of the same arguments: for a tensor and a tensor, one of the
--- shape of the result followed by that of the argument; for trees, a tree like the result of trees like the argument.
---@param f fun(...): any
---@param argnum? integer  (default 1)
---@return fun(...): any
function transform.jacobian(f, argnum)
  check_function("jacobian", f)
  local which = positions("jacobian", argnum or 1)
  if #which ~= 1 then check.fail "jacobian: takes the position of one argument" end
  return function(...)
    local trial = try_out("jacobian", f, which, pack(...))
    local leaves, shape = check_tree("jacobian", trial.results)
    local rows = {}
    for i, y in ipairs(leaves) do
      if not is_float(y) then check.fail("jacobian: a result is %s; only f32 and f64 have derivatives", y.dtype) end
      rows[i] = as_arguments(trial, steps.release(steps.jacobian(y, trial.fresh, i < #leaves), trial.fresh))[1]
    end
    return (put_together(shape, rows, 1))
  end
end

--- The Hessian of a function that returns one number, with respect to one argument: the Jacobian of its gradient.
---@param f fun(...): moonlab.Tensor
---@param argnum? integer  (default 1)
---@return fun(...): any
function transform.hessian(f, argnum)
  local which = positions("hessian", argnum or 1)
  if #which ~= 1 then check.fail "hessian: takes the position of one argument" end
  return transform.jacobian(gradient_function("hessian", f, which[1], nil, false), which[1])
end

--- The Hessian of f with respect to its first argument, times v; without the matrix, for the price of a few gradients.
---@param f fun(params: any, ...): moonlab.Tensor  returns one number
---@param params any  where
---@param v any       a tree like params
---@param ... any     the other arguments of f
---@return any        a tree like params
function transform.hvp(f, params, v, ...)
  check_function("hvp", f)
  local trial = try_out("hvp", f, { 1 }, pack(params, ...))
  local y = check_number("hvp", trial.results, false)
  local vector = leaves_like("hvp", v, trial.fresh, trial.shapes[1], "the parameters and the vector")
  local products = steps.release(steps.hvp(y, trial.fresh, vector), trial.fresh)
  return (put_together(trial.shapes[1], products, 1))
end

--- The same values, but constant: no derivative passes through, whoever takes it.
---@param value moonlab.Tree
---@return moonlab.Tree
function transform.stop_gradient(value)
  local leaves, shape = flatten(value, "stop_gradient")
  local constant = {}
  for i, x in ipairs(leaves) do constant[i] = x:detach() end
  return (put_together(shape, constant, 1))
end

--- fn(...), but what is computed on the way to its results is forgotten, and computed again when a backward pass comes by:
--- memory for time. Random numbers are the same again. fn may depend on its arguments, on what it closes over, and on random
--- numbers alone; it must not be called for what else it does, for it is called twice.
---@param fn fun(...): ...
---@param ... any
---@return any ...
function transform.checkpoint(fn, ...)
  check_function("checkpoint", fn)
  return steps.checkpoint(fn, ...)
end

-- vmap ------------------------------------------------------------------------------------------------------------------------

---@class moonlab.VmapOptions
---@field randomness? "error"|"different"|"same"  what drawing inside means: refused, each of the batch its own draw, or one
---                                               draw for all (default "error")

-- The dimension of every leaf of a structure into `dims`: false for whole. `dim` is a number for all leaves, false or nil for
-- none, or a table of such for the children.
local function spread(where, shape, dim, dims, name)
  if shape == true then
    if dim ~= false and dim ~= nil and (math.type(dim) ~= "integer" or dim == 0) then
      check.fail("vmap: %s for %s must be a dimension, counted from 1, or nil for the whole, got %s", where, name, tostring(dim))
    end
    dims[#dims + 1] = dim or false
  elseif shape.keys then
    local nested = type(dim) == "table"
    local known = {}
    for i, key in ipairs(shape.keys) do
      known[key] = true
      local own = dim
      if nested then own = dim[key] end
      spread(where, shape.children[i], own, dims, name .. "." .. tostring(key))
    end
    for key in pairs(nested and dim or {}) do
      if not known[key] then check.fail("vmap: %s names %s.%s, which is not there", where, name, tostring(key)) end
    end
  end
end

local function largest_position(list)
  local most = 0
  for key in pairs(list) do
    if math.type(key) == "integer" and key > most then most = key end
  end
  return most
end

-- Flattens the arguments, with the dimension of every leaf, and finds the size of the batch.
local function find_batch(args, in_dims)
  local parts, size, first = {}, nil, nil
  if type(in_dims) == "table" and largest_position(in_dims) > args.n then
    check.fail("vmap: in_dims has an entry for argument %d, %d %s given", largest_position(in_dims), args.n,
      args.n == 1 and "was" or "were")
  end
  for k = 1, args.n do
    local leaves, shape = flatten(args[k], "vmap")
    local dim = in_dims
    if in_dims == nil then dim = 1 elseif type(in_dims) == "table" then dim = in_dims[k] end
    if #leaves == 0 and type(in_dims) == "table" and dim then
      check.fail("vmap: argument %d is no tensor and has no dimension %s; give it nil", k, tostring(dim))
    end
    local dims = {}
    spread("in_dims", shape, dim, dims, ("argument %d"):format(k))
    for i, x in ipairs(leaves) do
      local d = dims[i]
      if d then
        local sizes = x.shape
        local n = sizes[d > 0 and d or #sizes + 1 + d]
        local function name() return leaf_name("vmap", k, args[k], i) end
        if not n then check.fail("vmap: %s has no dimension %d: its shape is %s", name(), d, shape_text(x)) end
        if size and n ~= size then
          check.fail("vmap: sizes differ: %s has %d in dimension %d, %s has %d", name(), n, d, first(), size)
        end
        size, first = n, first or name
      end
    end
    parts[k] = { leaves = leaves, shape = shape, dims = dims }
  end
  if not size then check.fail "vmap: no argument is mapped over; give at least one of them a dimension" end
  return parts, size
end

local function run_batch(f, args, in_dims, out_dims, randomness)
  local parts, size = find_batch(args, in_dims)
  local level, given = steps.vmap_begin(size, randomness), {}
  for k = 1, args.n do
    local part = parts[k]
    local leaves = part.leaves
    for i, d in ipairs(part.dims) do
      if d then leaves[i] = steps.vmap_wrap(level, leaves[i], d) end
    end
    given[k] = put_together(part.shape, leaves, 1)
  end
  local results = pack(f(unpack(given, 1, args.n)))
  if type(out_dims) == "table" and largest_position(out_dims) > results.n then
    check.fail("vmap: out_dims has an entry for result %d, the function returned %d", largest_position(out_dims), results.n)
  end
  for k = 1, results.n do
    local leaves, shape = flatten(results[k], "vmap")
    local dim, dims = out_dims, {}
    if type(out_dims) == "table" then dim = out_dims[k] end
    if dim == nil then dim = 1 end
    spread("out_dims", shape, dim, dims, ("result %d"):format(k))
    for i, y in ipairs(leaves) do leaves[i] = steps.vmap_unwrap(level, y, dims[i] or 1) end
    results[k] = put_together(shape, leaves, 1)
  end
  return unpack(results, 1, results.n)
end

--- f on a whole batch at once: equal to the loop that calls it for each and stacks the results, up to rounding, but computed
--- with one operation where the loop has as many as the batch is long.
---
--- in_dims says which dimension of each argument counts the batch: { nil, 1, 1 } for three arguments of which the first is
--- whole, the same for all. A number is for all arguments; in a table of a nested argument's keys it is for each of them.
--- out_dims says likewise where the batch goes in the results; a result that does not depend on it is repeated.
---@param f fun(...): ...
---@param in_dims? integer|table   (default 1, for every argument that has tensors)
---@param out_dims? integer|table  (default 1)
---@param opts? moonlab.VmapOptions
---@return fun(...): ...
function transform.vmap(f, in_dims, out_dims, opts)
  check_function("vmap", f)
  local randomness = check.options("vmap", opts, { randomness = "error" }).randomness
  if randomness ~= "error" and randomness ~= "different" and randomness ~= "same" then
    check.fail("vmap: randomness must be \"error\", \"different\" or \"same\", got \"%s\"", randomness)
  end
  for name, dims in pairs { in_dims = in_dims, out_dims = out_dims } do
    if type(dims) ~= "table" and math.type(dims) ~= "integer" then
      check.fail("vmap: %s must be a dimension, or a table of them, got %s", name, type(dims))
    end
  end
  return function(...)
    return steps.call(nil, run_batch, f, pack(...), in_dims, out_dims, randomness)
  end
end

-- replicas ------------------------------------------------------------------------------------------------------------------

-- What differs: names -> lists of numbers, or tensors whose first dimension counts the copies. The rest is the same for all.
local function find_copies(hyper)
  local n, first
  local each, same = {}, {}
  for name, value in pairs(hyper) do
    local size
    if is_tensor(value) and value:dim() > 0 then
      size = value.shape[1]
    elseif type(value) == "table" then
      size = #value
      for i, v in ipairs(value) do
        if type(v) ~= "number" then
          check.fail("replicas: %s differs between copies, so its values must be numbers, got %s at %d", name, type(v), i)
        end
      end
    end
    if size and n and size ~= n then
      check.fail("replicas: %s has %d values, %s has %d; each needs one for every copy", name, size, first, n)
    end
    if size and name == "seed" then value = core.make.tensor(value, { dtype = "i64" }) end -- all 64 bits of each
    if size then n, first, each[name] = size, name, value else same[name] = value end
  end
  if not n then check.fail "replicas: takes the number of copies, or a table with a list of values for what differs" end
  if n == 0 then check.fail "replicas: there are no copies: the lists are empty" end
  return n, each, same
end

local function run_copies(fn, n, each, same)
  local level = steps.vmap_begin(n, "same", true)
  for name, value in pairs(each) do
    if is_tensor(value) then
      same[name] = steps.vmap_wrap(level, value, 1)
    else
      same[name] = steps.vmap_numbers(level, value)
    end
  end
  if same.seed then core.make.seed(same.seed) end
  local results = pack(fn(same))
  for k = 1, results.n do
    local leaves, shape = flatten(results[k], "replicas")
    for i, y in ipairs(leaves) do leaves[i] = steps.vmap_unwrap(level, y:detach(), 1) end
    results[k] = put_together(shape, leaves, 1)
  end
  return unpack(results, 1, results.n)
end

--- Trains n copies of a network as one batched computation: fn is the body of an ordinary training script, called once with
--- the hyperparameters; layers, losses, optimizers and what they return stand for one copy inside and for all outside.
---
---     local result = ml.replicas({ seed = { 1, 2, 3 }, lr = { 1e-2, 1e-3, 1e-3 } }, function(h)
---       local model = nn.Sequential { nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1) }
---       local opt   = ml.optim.AdamW(model:parameters(), { lr = h.lr })
---       local losses = {}
---       for step = 1, 100 do
---         local loss = nn.mse(model(x), y)
---         opt:minimize(loss)
---         losses[step] = loss:detach()
---       end
---       return { losses = losses, model = model }
---     end)
---     print(result.losses[100])                           -- (3): the last loss of each copy
---
--- With seeds, ml.seed has been called for each copy with its own: it draws what it would draw alone. A number n stands for
--- the seeds 1..n. Without seeds all copies draw the same numbers. What differs is a tensor inside fn: lr and weight_decay may
--- be one; :item(), and `if` on a value, may not be used; a history is a list of tensors.
---@param hyper integer|table<string, any>  lists of n numbers (or tensors (n, ...)), and what is the same for all
---@param fn fun(h: table<string, any>): ...
---@return any ...  what fn returns, every tensor (n, ...) and outside all graphs
function transform.replicas(hyper, fn)
  check_function("replicas", fn)
  if math.type(hyper) == "integer" then
    if hyper < 1 then check.fail("replicas: the number of copies must be at least 1, got %d", hyper) end
    local seeds = {}
    for i = 1, hyper do seeds[i] = i end
    hyper = { seed = seeds }
  elseif type(hyper) ~= "table" then
    check.fail("replicas: takes the number of copies or a table of hyperparameters, got %s", type(hyper))
  end
  local n, each, same = find_copies(hyper)
  return steps.call(nil, run_copies, fn, n, each, same)
end

return transform
