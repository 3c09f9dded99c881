-- How often a window redraws 20 curves of 100,000 points of noise while points arrive, some hundred a second: pictures
-- a second, plain and smoothed (0.99). Needs a display:
--
--     xvfb-run -a -s "-screen 0 1440x900x24" build/ci/bin/moonlab run bench/redraws.lua
local ml = require "moonlab"

local SECONDS = 4

local function rate(smooth)
  local fig, names = ml.figure { layout = "aaa aaa" }, {} -- a window of 1320 x 660
  for k = 1, 20 do names[k] = "curve " .. k end
  fig:lines(1, names, { title = "20 x 100,000", smooth = smooth })
  math.randomseed(1)
  local n = 0
  local function add()
    n = n + 1
    for k = 1, 20 do fig:point(names[k], n, math.sqrt(-2 * math.log(1 - math.random())) * math.cos(2 * math.pi * math.random())) end
  end
  while n < 100000 do add() end
  assert(fig:show())
  local warm = ml.clock() + 1.5 -- the first pictures load fonts; how busy the process is must be known too
  while ml.clock() < warm do add() fig:wait(0.001) end
  local began, frames = ml.clock(), fig.core:frames()
  while ml.clock() < began + SECONDS do add() fig:wait(0.001) end
  local got = (fig.core:frames() - frames) / (ml.clock() - began)
  fig.core:close()
  return got, n
end

local plain, n = rate()
local smoothed = rate(0.99)
print(("%.1f %.1f pictures a second, up to %d points a curve"):format(plain, smoothed, n))
