-- Functions of 1M floats, element by element; prints the median microseconds of each, in the order of the list,
-- then the least of each: on a busy machine the median says more of the machine.
local ml = require "moonlab"

ml.seed(1)
local n = 1000000
local x = ml.randn { n }
local positive = x:abs() + 0.1
local y = ml.rand { n }

local functions = {
  function() return x:tanh() end,
  function() return x:exp() end,
  function() return positive:log() end,
  function() return x:sigmoid() end,
  function() return x:gelu() end,
  function() return x:sin() end,
  function() return x:cos() end,
  function() return x:erf() end,
  function() return positive ^ y end,
  function() return x:sum() end,
}

local medians, least = {}, {}
for i, f in ipairs(functions) do
  local times = {}
  for k = 1, 40 do
    local began = ml.clock()
    f()
    times[k] = (ml.clock() - began) * 1e6
  end
  table.sort(times)
  medians[i], least[i] = ("%.1f"):format(times[20]), ("%.1f"):format(times[1])
end
print(table.concat(medians, " ") .. " " .. table.concat(least, " "))
