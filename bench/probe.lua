-- A linear probe on random convolutional features: 1,000 images of 28 x 28, 32 filters of 5 x 5, ReLU, mean over windows of
-- 6 x 6, then ridge in f64 on the 512 features; moonlab's gives the error of rows left out too. Prints milliseconds, the least
-- of several times: with one penalty, twice (PyTorch's features all at once, then in batches); the best of 19 penalties; what the
-- convolution would take at best (limit.lua).
local ml    = require "moonlab"
local limit = dofile(debug.getinfo(1, "S").source:match "^@(.*/)" .. "limit.lua")

local x, y = ml.rand { 1000, 1, 28, 28 }, ml.randint(1, 10, { 1000 })
local phi  = ml.probe.features.conv { filters = 32, kernel = 5, pool = 6, seed = 1 }

local function measure(opts)
  local least = math.huge
  for _ = 1, 9 do
    local began = ml.clock()
    ml.probe.linear(phi, { x = x, y = y }, opts)
    least = math.min(least, ml.clock() - began)
  end
  return least * 1e3
end

local one = measure { penalty = 1e-3 }
print(one, one, measure {}, limit(1000 * 32 * 25 * 24 * 24))
