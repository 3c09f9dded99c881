--- Seeds for the draws of one data set: each draw has its own, and they have nothing to do with other sets' of the same seed.
local core = require "moonlab.core"
local make = core.make

local draws = {}

--- A source of draws: source:rand(shape), source:randn(shape), source:randint(low, high, shape), source:randperm(n).
---@param name string   of what is drawn: another name, other numbers
---@param seed integer
function draws.of(name, seed)
  local state = seed
  for i = 1, #name do state = (state ~ name:byte(i)) * 0x100000001b3 end -- Fowler, Noll & Vo: spreads the bytes
  local source = {}
  local function next_seed()
    state = state * 6364136223846793005 + 1442695040888963407 -- Knuth's: no state comes twice in 2^64
    return { seed = state }
  end
  function source.rand(_, shape) return make.rand(shape, next_seed()) end
  function source.randn(_, shape) return make.randn(shape, next_seed()) end
  function source.randint(_, low, high, shape) return make.randint(low, high, shape, next_seed()) end
  function source.randperm(_, n) return make.randperm(n, next_seed()) end
  return source
end

return draws
