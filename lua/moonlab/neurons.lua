--- What each unit of a network answers over a table of inputs: small maps, layer by layer, with the weights between them.
local ml    = require "moonlab"
local check = require "moonlab.check"
local train = require "moonlab.train"

---@class (partial) moonlab.Figure
local Figure = {}

---@class moonlab.NeuronsOptions: moonlab.PanelOptions
---@field layers?  string[]|integer[]  points of the model, as run_with_cache names them (default: what each Linear layer but the
---                                    first is given)
---@field most?    integer  units of a layer that are shown; of larger ones the first (default 16)
---@field outputs? boolean  the model's own outputs are the last layer (default true)
---@field names?   string[] of the layers, written above them

local ASPECT = 1.35 -- of a panel, about: layers of many units take so many columns that all maps are as large as they can be
local GAP    = 0.6  -- between two layers, in maps
local COLUMN = 10   -- so many maps stand in one column at any rate: then there is room for the weights

local function defaults(model)
  local points, weights = {}, {}
  if type(model) ~= "userdata" or ml.is_tensor(model) then return points, weights end
  for i = 1, #model do
    if model[i]:kind() == "Linear" then
      if #weights > 0 then points[#points + 1] = i - 1 end
      weights[#weights + 1] = model[i].weight
    end
  end
  return points, weights
end

-- The columns that a layer of n units takes where there are so many rows.
local function columns_of(n, rows) return math.ceil(n / rows) end

-- As many rows as let the maps be largest.
local function choose_rows(counts)
  local highest, best, largest = math.max(table.unpack(counts)), 1, 0
  if highest <= COLUMN then return highest end
  for rows = 1, highest do
    local width = GAP * (#counts - 1)
    for _, n in ipairs(counts) do width = width + columns_of(n, rows) end
    local size = math.min(ASPECT / width, 1 / rows)
    if size > largest * (1 + 1e-9) then best, largest = rows, size end
  end
  return best
end

-- Where the maps stand, one layer after the other; whether each layer is one column; and the middle of each.
local function places(counts)
  local rows = choose_rows(counts)
  local x, y, single, width, middle = {}, {}, true, 0, {}
  for _, n in ipairs(counts) do width, single = width + columns_of(n, rows), single and n <= rows end
  local gap, at = math.max(GAP, #counts > 1 and (ASPECT * rows - width) / (#counts - 1) or 0), 0
  for layer, n in ipairs(counts) do
    local columns = columns_of(n, rows)
    local high = math.ceil(n / columns) -- columns of one layer are equally long, but for the last
    for k = 0, n - 1 do
      x[#x + 1] = at + k // high
      y[#y + 1] = (high - 1) / 2 - k % high
    end
    middle[layer] = at + (columns - 1) / 2
    at = at + columns + gap
  end
  return { x = x, y = y, single = single, middle = middle, top = rows / 2 + 0.15 }
end

-- Edges between layers: for each pair the weight (units, units before), where its sizes are those of the layers.
local function edges_between(sizes, counts, weights)
  local from, to, parts, first = {}, {}, {}, 0
  for i = 1, #sizes - 1 do
    local w = weights[i]
    if not w or w.shape[2] ~= sizes[i] or w.shape[1] ~= sizes[i + 1] then return nil end
    for k = 1, counts[i + 1] do
      for j = 1, counts[i] do from[#from + 1], to[#to + 1] = first + j, first + counts[i] + k end
    end
    parts[i] = function() return w[{ { 1, counts[i + 1] }, { 1, counts[i] } }]:reshape { -1 }:cast "f64" end
    first = first + counts[i]
  end
  return from, to, function()
    local values = {}
    for i, part in ipairs(parts) do values[i] = part() end
    return ml.cat(values)
  end
end

--- Adds a map for each unit of a network: what it answers at each place of a table of inputs, blue above zero and red below,
--- each map in its own scale. Layers stand side by side, inputs that are plain numbers first; layers of up to 10 are one column
--- each, with the weights of the Linear layers between them. It is looked at again when the picture is refreshed; nothing is
--- recorded, and a module is in evaluation meanwhile.
---@param panel  integer
---@param model  moonlab.Module
---@param inputs moonlab.Tensor  (rows, columns, ...): what the model is given at each place, row 1 at the top
---@param opts?  moonlab.NeuronsOptions
---@return moonlab.Figure
function Figure:neurons(panel, model, inputs, opts)
  local own, rest = check.split("fig:neurons", opts, { layers = {}, most = 16, outputs = true, names = {} })
  if math.type(own.most) ~= "integer" or own.most < 1 or own.most > 400 then
    check.fail("fig:neurons: most must be 1..400, got %s", tostring(own.most))
  end
  if not ml.is_tensor(inputs) or #inputs.shape < 3 then
    check.fail("fig:neurons: inputs must have the shape (rows, columns, ...), got %s",
      ml.is_tensor(inputs) and ("(%s)"):format(table.concat(inputs.shape, ", ")) or "a " .. type(inputs))
  end
  local rows, columns = inputs.shape[1], inputs.shape[2]
  local shape = { rows * columns }
  for i = 3, #inputs.shape do shape[#shape + 1] = inputs.shape[i] end
  local flat = inputs:reshape(shape)
  local points, weights = defaults(model)
  if #own.layers > 0 then points = own.layers end
  local shows_inputs = #shape == 2 and inputs.dtype:sub(1, 1) == "f"
  if #points == 0 and not (own.outputs and #weights > 0) then
    check.fail "fig:neurons: needs a model with Linear layers, or layers = { ... }, the points to look at"
  end
  local names = {}
  for i, point in ipairs(points) do names[i] = tostring(point) end

  local function values() -- of each layer (places, units)
    local _ <close> = train.evaluating(model)
    local y, cache = model(flat), {}
    if #names > 0 then y, cache = model:run_with_cache(flat, names) end
    local list = shows_inputs and { flat } or {}
    for _, name in ipairs(names) do list[#list + 1] = cache[name] end
    if own.outputs then list[#list + 1] = y end
    for i, value in ipairs(list) do list[i] = value:detach():reshape { rows * columns, -1 } end
    return list
  end
  local sizes, counts = {}, {}
  for i, value in ipairs(ml.no_grad(values)) do
    sizes[i] = value.shape[2]
    counts[i] = math.min(sizes[i], own.most)
  end

  local at = places(counts)
  if at.single then
    local between = {} -- the weights between the columns that stand there
    for i = shows_inputs and 1 or 2, #weights do between[#between + 1] = weights[i] end
    local from, to, strength = edges_between(sizes, counts, between)
    if from and #from > 0 then self:graph(panel, at.x, at.y, from, to, strength, { radius = 1 }) end
  end
  rest.x, rest.y, rest.diverging, rest.size = at.x, at.y, true, 0.86
  self:images(panel, function()
    local maps = {}
    for i, value in ipairs(values()) do
      maps[i] = value[{ {}, { 1, counts[i] } }]:transpose():reshape { counts[i], rows, columns }:cast "f64"
    end
    return ml.cat(maps) * -1 -- the map's blue is below zero, that of the weights above
  end, rest)
  local words, tops = {}, {}
  for i, count in ipairs(counts) do
    local name = own.names[i]
    local part = count < sizes[i] and ("%d of %d"):format(count, sizes[i]) or nil
    words[i] = name and part and name .. ": " .. part or name or part or ""
    tops[i] = at.top
  end
  return self:text(panel, at.middle, tops, { text = words, side = "above" })
end

return Figure
