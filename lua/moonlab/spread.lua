--- How far several curves, one a seed, are apart: what bands show.
local check   = require "moonlab.check"
local special = require "moonlab.special"

-- Where the t distribution with df degrees of freedom leaves 2.5 % on each side.
local function t_95(df)
  local low, high = 0, 1e4
  for _ = 1, 200 do
    local middle = (low + high) / 2
    if special.t_two_sided(middle, df) > 0.05 then low = middle else high = middle end
  end
  return high
end

--- The middle of several curves, and how far they are apart.
---@param where string        who asks, for the message
---@param all   moonlab.Tensor (seeds, n) f64
---@param show  string         as in moonlab.BandOptions
---@return moonlab.Tensor middle, moonlab.Tensor low, moonlab.Tensor high
local function of_seeds(where, all, show)
  local n = all.shape[1]
  if show == "quartiles" then return all:quantile(0.5, 1), all:quantile(0.25, 1), all:quantile(0.75, 1) end
  local middle = all:mean(1)
  if show == "range" then return middle, all:min(1), all:max(1) end
  if show ~= "std" and show ~= "interval" then
    check.fail("%s: show must be interval, std, range or quartiles, got '%s'", where, show)
  end
  local spread = n > 1 and all:std(1) or middle * 0
  if show == "interval" and n > 1 then spread = spread * (t_95(n - 1) / math.sqrt(n)) end
  return middle, middle - spread, middle + spread
end

return of_seeds
