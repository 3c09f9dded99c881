-- Tensors of 4 MB made and dropped, against one that is filled again; prints microseconds a turn, in pairs so that a busy
-- machine meets both, and the most memory in use in tensors of that size.
local ml = require "moonlab"

local n, turns = 1000, 20
local kept     = ml.zeros { n, n }
local before   = ml.memory().live
local fresh, reused = math.huge, math.huge

local function drop(i) return ml.full({ n, n }, i):sum() end

local function reuse(i)
  kept[{}] = i
  return kept:sum()
end

local function time(f)
  local began = ml.clock()
  for i = 1, turns do f(i) end
  return (ml.clock() - began) / turns * 1e6
end

for _ = 1, 15 do
  fresh  = math.min(fresh, time(drop))
  reused = math.min(reused, time(reuse))
end
print(fresh, reused, (ml.memory().peak - before) / (4 * n * n))
