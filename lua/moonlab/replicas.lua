--- Copies of a network, trained as one batched computation: a level of vmap in which what is made is one for each.
local core      = require "moonlab.core"
local check     = require "moonlab.check"
local structure = require "moonlab.structure"

local steps, is_tensor = core.transform, core.tensor.is_tensor

---@class moonlab.replicas
local replicas = {}

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
  local results = table.pack(fn(same))
  for k = 1, results.n do
    local leaves, shape = structure.flatten(results[k], "replicas")
    for i, y in ipairs(leaves) do leaves[i] = steps.vmap_unwrap(level, y:detach(), 1) end
    results[k] = structure.put_together(shape, leaves, 1)
  end
  return table.unpack(results, 1, results.n)
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
function replicas.replicas(hyper, fn)
  check.is_function("replicas", fn)
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

return replicas
