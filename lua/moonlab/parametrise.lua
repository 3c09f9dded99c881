--- Parametrisations: how initialisation, factors and learning rates go with width. The rules stand at nn.parametrise.
local core  = require "moonlab.core"
local check = require "moonlab.check"

local inner, init = core.inner, core.nn.init

---@class moonlab.nn
local nn = {}

local KINDS <const> = { "standard", "ntk", "mean_field", "mup" }

-- What there is to scale -------------------------------------------------------------------------------------------------

-- Layers whose weight has its inputs first. A row of an embedding is read alone: one input.
local INPUTS_FIRST <const> = { ConvTranspose2d = true, Embedding = true }

---@class moonlab.ScaledParameter
---@field name   string
---@field tensor moonlab.Tensor
---@field index  integer   among the model's parameters
---@field role   "input"|"hidden"|"output"|"vector"
---@field fan_in integer?  of a matrix
---@field r_in   number    how much wider than the base
---@field r_out  number

-- Own parameters of all layers, in their order.
local function entries_of(model)
  local entries, index = {}, 0
  local function visit(layer, path)
    local inside = {}
    for name, child in layer:named_children() do inside[#inside + 1] = { name .. ".", child } end
    local kind = layer:kind()
    for name, p in layer:named_parameters() do
      local own = true
      for _, child in ipairs(inside) do own = own and name:sub(1, #child[1]) ~= child[1] end
      if own then
        index = index + 1
        local shape, entry = p.shape, { name = path .. name, tensor = p, index = index, layer = path, r_in = 1, r_out = 1 }
        if #shape >= 2 then
          local area, first = 1, INPUTS_FIRST[kind]
          for d = 3, #shape do area = area * shape[d] end
          entry.into, entry.out = first and 1 or 2, first and 2 or 1
          entry.fan_in = kind == "Embedding" and 1 or shape[entry.into] * area
          entry.embedding = kind == "Embedding"
        end
        entries[#entries + 1] = entry
      end
    end
    for _, child in ipairs(inside) do visit(child[2], path .. child[1]) end
  end
  visit(model, "")
  return entries
end

local function matrices_of(entries)
  local list = {}
  for _, entry in ipairs(entries) do
    if entry.fan_in then list[#list + 1] = entry end
  end
  return list
end

-- By their places: the first matrix reads the input, the last one gives the output, the others are in between.
local function by_place(entries, matrices, width, base_width)
  local last = matrices[#matrices]
  local r = width / base_width
  for i, entry in ipairs(matrices) do
    entry.role = entry == last and "output" or (i == 1 or entry.embedding) and "input" or "hidden"
    if entry.role ~= "output" then entry.r_out = r end
    if entry.role ~= "input" and #matrices > 1 then entry.r_in = r end
  end
  for _, entry in ipairs(entries) do
    if not entry.role then
      entry.role = "vector"
      if entry.layer ~= last.layer and entry.tensor:numel() > 1 then entry.r_out = r end
    end
  end
end

-- By comparing with the same model at its base width: what differs grows.
local function by_base(entries, matrices, base)
  local others = entries_of(base)
  for i, entry in ipairs(entries) do
    local other = others[i]
    if not other or other.name ~= entry.name or #other.tensor.shape ~= #entry.tensor.shape then
      check.fail("parametrise: base must be the same model, narrower; it has %s where the model has %s",
        other and other.name or "nothing", entry.name)
    end
    local shape, small = entry.tensor.shape, other.tensor.shape
    if entry.fan_in then
      entry.r_in, entry.r_out = shape[entry.into] / small[entry.into], shape[entry.out] / small[entry.out]
      if entry.embedding then entry.r_in = 1 end
      entry.role = entry.r_out ~= 1 and (entry.r_in == 1 and "input" or "hidden")
        or (entry.r_in ~= 1 or entry == matrices[#matrices]) and "output" or "hidden"
    else
      entry.role  = "vector"
      entry.r_out = entry.tensor:numel() / math.max(other.tensor:numel(), 1)
    end
  end
  local more = others[#entries + 1]
  if more then check.fail("parametrise: base must be the same model, narrower; it has %s besides", more.name) end
end

-- The rules ----------------------------------------------------------------------------------------------------------------

local rules = {}

function rules.standard(e, o)
  if e.fan_in then return { std = e.embedding and 1 or o.gain / math.sqrt(e.fan_in), factor = 1, sgd = 1, adam = 1 } end
  return { factor = 1, sgd = 1, adam = 1 }
end

local function root_of_fan(e, o) return e.embedding and 1 or o.gain / math.sqrt(e.fan_in) end

function rules.ntk(e, o)
  if not e.fan_in then return { std = 1, factor = o.bias_gain, sgd = 1, adam = 1 / math.sqrt(e.r_out) } end
  return { std = 1, factor = root_of_fan(e, o), sgd = 1, adam = e.role == "hidden" and 1 / o.r or 1 / math.sqrt(o.r) }
end

function rules.mean_field(e, o)
  local sgd = o.gamma ^ 2 * o.r
  if not e.fan_in then
    if e.of_output then return { factor = 1, sgd = 1, adam = 1 } end -- no part of the mean
    return { std = 1, factor = o.bias_gain, sgd = sgd, adam = o.gamma }
  end
  local root = math.sqrt(o.r)
  if e.role == "output" then return { std = 1, factor = root_of_fan(e, o) / (o.gamma * root), sgd = sgd, adam = o.gamma } end
  return { std = 1, factor = root_of_fan(e, o), sgd = sgd, adam = e.role == "hidden" and o.gamma / root or o.gamma }
end

function rules.mup(e, o)
  if not e.fan_in then return { factor = 1, sgd = e.r_out, adam = 1 } end
  if e.role == "output" then
    return { std = o.zero_output and 0 or root_of_fan(e, o) * math.sqrt(e.r_in), factor = 1 / e.r_in, sgd = e.r_in, adam = 1 }
  end
  return { std = root_of_fan(e, o), factor = 1, sgd = e.r_out / e.r_in, adam = 1 / e.r_in }
end

-- Is it a bias? What else is a vector starts as its layer wants it.
local function is_bias(e) return not e.fan_in and (e.name == "bias" or e.name:find "%.bias$" ~= nil) end

local function initialise(e)
  if e.std == 0 then init.zeros(e.tensor)
  elseif e.std then init.normal(e.tensor, { scale = e.std })
  elseif is_bias(e) then init.zeros(e.tensor) end
end

-- What comes of it ------------------------------------------------------------------------------------------------------------

---@class moonlab.Parametrisation
---@field kind string        "mup"
---@field model moonlab.Module
---@field parameters moonlab.ScaledParameter[]  each with std, factor and its learning rates, sgd and adam
local Parametrisation = {}
Parametrisation.__index = Parametrisation

-- How an optimizer's steps go with the gradient's size; whether its weight_decay is decoupled.
local OPTIMIZERS <const> = {
  SGD = { rule = "sgd", decay = true }, Adam = { rule = "adam" }, AdamW = { rule = "adam", decay = true },
  RMSprop = { rule = "adam" }, Adagrad = { rule = "adam" }, Lion = { rule = "adam", decay = true },
}

-- Each parameter once: tied layers list theirs twice.
local function distinct(parameters)
  local list = {}
  for _, e in ipairs(parameters) do
    local known = false
    for _, other in ipairs(list) do known = known or other.tensor == e.tensor end
    if not known then list[#list + 1] = e end
  end
  return list
end

---@class moonlab.ParametrisationGroupsOptions
---@field optimizer?    string  for which: "SGD", "Adam", "AdamW", "RMSprop", "Adagrad" or "Lion" (default "AdamW")
---@field weight_decay? number  of all matrices (default: the optimizer's, for all)

--- The parameters in groups, for an optimizer: those with the same learning rate together, each with its lr_scale. A
--- weight_decay that is given here works on matrices alone, and shrinks them as fast in every group and at every width: it is
--- divided by lr_scale.
---@param opts? moonlab.ParametrisationGroupsOptions
---@return moonlab.ParameterGroup[]
function Parametrisation:groups(opts)
  opts = check.options("groups", opts, { optimizer = "AdamW", weight_decay = -1 })
  local known = OPTIMIZERS[opts.optimizer]
  if not known then
    check.fail("groups: no rule is known for '%s'; there are Adagrad, Adam, AdamW, Lion, RMSprop and SGD", opts.optimizer)
  end
  local decay = opts.weight_decay >= 0 and opts.weight_decay or nil
  if decay and not known.decay then
    check.fail("groups: weight_decay of %s is not decoupled, so how it goes with width is not known; use AdamW", opts.optimizer)
  end
  local groups, at = {}, {}
  for _, e in ipairs(distinct(self.parameters)) do
    local lr, own = e[known.rule], decay and (e.fan_in and decay / e[known.rule] or 0)
    local key = ("%.17g %s"):format(lr, own or "")
    if not at[key] then
      groups[#groups + 1] = { params = {}, lr_scale = lr, weight_decay = own }
      at[key] = groups[#groups]
    end
    table.insert(at[key].params, e.tensor)
  end
  return groups
end

--- A table: name, role, standard deviation at the start, factor, learning rates.
function Parametrisation:__tostring()
  local lines = { ("%s: %-24s %-7s %10s %10s %10s %10s"):format(self.kind, "", "role", "std", "factor", "lr SGD", "lr Adam") }
  for _, e in ipairs(self.parameters) do
    lines[#lines + 1] = ("  %-" .. #self.kind + 24 .. "s %-7s %10s %10.4g %10.4g %10.4g"):format(e.name, e.role,
      e.std and ("%.4g"):format(e.std) or is_bias(e) and "0" or "as is", e.factor, e.sgd, e.adam)
  end
  return table.concat(lines, "\n")
end

-- For users --------------------------------------------------------------------------------------------------------------------

---@class moonlab.ParametriseOptions
---@field base_width?  number          where the learning rate was chosen: for mup it must be given, or base (default 1)
---@field width?       number          of the model (default: the outputs of its first layer)
---@field base?        moonlab.Module  the same model at base_width: what differs in size grows; else all between both ends does
---@field gain?        number          (default sqrt(2), for ReLU; 1 for what is linear near 0)
---@field bias_gain?   number          of ntk and mean_field (default 0.1)
---@field gamma?       number          of mean_field: below 1 lazier, above 1 richer (default 1)
---@field zero_output? boolean         of mup: the last layer starts at 0 (default false)
---@field init?        boolean         draws the parameters anew (default true)

--- Puts a parametrisation on a model: draws its parameters anew, sets factors, and knows the learning rates that belong to it.
---
---     local scaling = nn.parametrise(model, "mup", { base_width = 64 })
---     local opt     = ml.optim.AdamW(scaling:groups(), { lr = 1e-3 })   -- the lr that was best at width 64
---
--- A layer reads a w, where w is the parameter that is trained and saved, and a its factor; w starts as N(0, s^2). With n the
--- inputs of a weight matrix, g the gain, and r how much wider the model is than its base (r_in, r_out: the inputs and outputs
--- of that matrix; 1 where they do not grow), each learning rate is multiplied by what stands under its optimizer:
---
---                      s                   a                          SGD          Adam and its kind
---     standard         g / sqrt(n)         1                          1            1
---     ntk    first     1                   g / sqrt(n)                1            1 / sqrt(r)
---            hidden    1                   g / sqrt(n)                1            1 / r
---            last      1                   g / sqrt(n)                1            1 / sqrt(r)
---     mean_  first     1                   g / sqrt(n)                gamma^2 r    gamma
---     field  hidden    1                   g / sqrt(n)                gamma^2 r    gamma / sqrt(r)
---            last      1                   g / (sqrt(n r) gamma)      gamma^2 r    gamma
---     mup    first     g / sqrt(n)         1                          r_out        1
---            hidden    g / sqrt(n)         1                          r_out / r_in 1 / r_in
---            last      g sqrt(r_in / n)    1 / r_in                   r_in         1
---
--- Biases start at 0 and have the rates of first weights, that of the last layer 1. Those of ntk and mean_field, but for
--- mean_field's last, are N(0, 1) with factor bias_gain, as Jacot et al. have them. Embeddings are first weights with one input,
--- N(0, 1). Other vectors, as those of normalisation layers, keep their values.
---
--- standard: He et al. 2015; wider models need smaller rates. ntk: Jacot, Gabriel & Hongler 2018, Lee et al. 2019: the wider,
--- the less features and weights move, as 1/sqrt(width), and the kernel stands still. mean_field: Mei, Montanari & Nguyen 2018
--- for one hidden layer, Bordelon & Pehlevan 2022 for more; outputs start as 1/sqrt(width), features move at every width, gamma
--- goes from lazy to rich. mup: Yang & Hu 2021; Yang et al. 2022, "Tensor Programs V", table 8: values move as far at every
--- width, so that the best learning rate stays. mean_field and mup are one network up to constants, each in the form in which it
--- is known. The rules of ntk and mean_field for Adam, whose steps have the size of lr whatever that of the gradient, are those
--- that keep the same promises; its eps must stay far below the gradients, which fall with the width. Attention divides by
--- sqrt(d), where mup has d, the width of a head: a constant while models grow by more heads.
---@param model moonlab.Module
---@param kind "standard"|"ntk"|"mean_field"|"mup"
---@param opts? moonlab.ParametriseOptions
---@return moonlab.Parametrisation
function nn.parametrise(model, kind, opts)
  if type(model) ~= "userdata" then
    check.fail("parametrise: takes a model and the name of a parametrisation, got %s", type(model))
  end
  if not rules[kind] then
    local nearest = core.nearest(tostring(kind), KINDS)
    check.fail("parametrise: there is no '%s'; %s", tostring(kind),
      nearest and ("did you mean '%s'?"):format(nearest) or "there are standard, ntk, mean_field and mup")
  end
  local given = opts or {}
  local base  = given.base
  local rest  = {}
  for name, value in pairs(given) do if name ~= "base" then rest[name] = value end end
  local o = check.options("parametrise", rest, {
    base_width = 1, width = 0, gain = math.sqrt(2), bias_gain = 0.1, gamma = 1, zero_output = false, init = true,
  })
  if kind == "mup" and not base and not given.base_width then
    check.fail "parametrise: mup goes by a base: give base_width, where the learning rate was chosen, or base, that model"
  end
  for _, name in ipairs { "base_width", "gain", "gamma" } do
    local value = o[name]
    if value ~= value or value <= 0 then check.fail("parametrise: %s must be above 0, got %s", name, value) end
  end
  local entries = entries_of(model)
  local matrices = matrices_of(entries)
  if #matrices == 0 then check.fail("parametrise: %s has no weight matrix", model:kind()) end
  local first = matrices[1]
  local width = o.width > 0 and o.width or first.tensor.shape[first.out]
  if base then by_base(entries, matrices, base) else by_place(entries, matrices, width, o.base_width) end
  o.r = base and matrices[#matrices].r_in or (#matrices > 1 and width / o.base_width or 1)
  local ends = {}
  for _, e in ipairs(matrices) do ends[e.layer] = ends[e.layer] or e.role == "output" end
  for _, e in ipairs(entries) do
    e.of_output = e.role == "vector" and ends[e.layer] and e.r_out == 1
    for name, value in pairs(rules[kind](e, o)) do e[name] = value end
    if not e.fan_in and not is_bias(e) then e.std, e.factor = nil, 1 end
    if o.init then initialise(e) end
    inner.set_factor(model, e.index, e.factor)
  end
  return setmetatable({ kind = kind, model = model, parameters = entries }, Parametrisation)
end

return nn
