-- A small ResNet (He et al. 2016): three stages of 16, 32 and 64 channels, each a block of two 3x3 convolutions, batch normalisation;
-- batch 64 of 32x32 colour images. Prints microseconds per step of SGD with momentum and per forward pass in evaluation, the
-- least of several, and how many times as long a step takes as its convolutions would as matrix products: 105 GFLOP/s on each of two cores.
local ml = require "moonlab"
local nn = ml.nn

local gflop, size = 0, 32
local function conv(inputs, outputs, kernel, stride)
  size = size // stride
  local pass = 2 * 64 * outputs * size * size * inputs * kernel * kernel / 1e9
  gflop = gflop + pass * (inputs == 3 and 2 or 3) -- forward, by the weights, and by the input where that is not the images
  if kernel == 1 then size = size * stride end    -- beside the others
  return nn.Conv2d(inputs, outputs, kernel, { stride = stride, padding = kernel // 2, bias = false })
end

local function block(inputs, outputs, stride)
  local shortcut = stride > 1 and nn.Sequential { conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs) } or nil
  local inner = nn.Sequential {
    conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(), conv(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs),
  }
  return nn.Sequential { nn.Residual(inner, { shortcut = shortcut }), nn.ReLU() }
end

local model = nn.Sequential {
  conv(3, 16, 3, 1), nn.BatchNorm2d(16), nn.ReLU(),
  block(16, 16, 1), block(16, 32, 2), block(32, 64, 2),
  nn.GlobalAvgPool(), nn.Linear(64, 10),
}
local opt  = ml.optim.SGD(model:parameters(), { lr = 0.01, momentum = 0.9 })
local x, y = ml.randn { 64, 3, 32, 32 }, ml.randint(1, 10, { 64 })

local function step() opt:minimize(nn.cross_entropy(model(x), y)) end
local function forward() ml.no_grad(function() return model(x) end) end

local function measure(run)
  for _ = 1, 3 do run() end
  local least = math.huge
  for _ = 1, 15 do
    local began = ml.clock()
    run()
    least = math.min(least, ml.clock() - began)
  end
  return least * 1e6
end
local train = measure(step)
model:eval()
print(train, measure(forward), train / (gflop / (2 * 105) * 1e6))
