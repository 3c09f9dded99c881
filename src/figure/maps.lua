-- Makes map_table.c, the colour maps: lua5.4 src/figure/maps.lua > src/figure/map_table.c
--
-- A map is a path through OKLab (Ottosson 2020), a space in which equal distances look about equally large. The path is walked at an
-- even pace, so that equal steps of the value look equal; what sRGB cannot show loses chroma, never lightness.
local SHADES = 256

local function to_srgb(linear)
  if linear <= 0.0031308 then return 12.92 * linear end
  return 1.055 * linear ^ (1 / 2.4) - 0.055
end

local function lab_to_linear(L, a, b)
  local l = (L + 0.3963377774 * a + 0.2158037573 * b) ^ 3
  local m = (L - 0.1055613458 * a - 0.0638541728 * b) ^ 3
  local s = (L - 0.0894841775 * a - 1.2914855480 * b) ^ 3
  return 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s
end

local function shown(L, a, b)
  local r, g, bl = lab_to_linear(L, a, b)
  local low, high = math.min(r, g, bl), math.max(r, g, bl)
  return low >= -1e-9 and high <= 1 + 1e-9
end

-- lightness 0..1, chroma, hue in degrees -> the point in OKLab, with as much of the chroma as sRGB has
local function point(L, chroma, hue)
  local ca, cb = math.cos(math.rad(hue)), math.sin(math.rad(hue))
  local low, high = 0, chroma
  if not shown(L, chroma * ca, chroma * cb) then
    for _ = 1, 40 do
      local middle = (low + high) / 2
      if shown(L, middle * ca, middle * cb) then low = middle else high = middle end
    end
    chroma = low
  end
  return { L, chroma * ca, chroma * cb }
end

local function distance(p, q)
  return math.sqrt((p[1] - q[1]) ^ 2 + (p[2] - q[2]) ^ 2 + (p[3] - q[3]) ^ 2)
end

-- path(t), t in 0..1, walked at an even pace
local function even(path, n)
  local fine, length = 4096, { [0] = 0 }
  for i = 1, fine do length[i] = length[i - 1] + distance(path((i - 1) / fine), path(i / fine)) end
  local points, k = {}, 0
  for i = 0, n - 1 do
    local wanted = length[fine] * i / (n - 1)
    while k < fine - 1 and length[k + 1] < wanted do k = k + 1 end
    local part = (wanted - length[k]) / (length[k + 1] - length[k])
    points[i + 1] = path((k + math.min(math.max(part, 0), 1)) / fine)
  end
  return points
end

local maps = {}

-- violet through blue and green to yellow
maps[#maps + 1] = { "viridis", even(function(t)
  local hue = 305 - 200 * (0.75 * t + 0.25 * t * t)
  return point(0.25 + 0.66 * t, 0.13 + 0.06 * t * t - 0.02 * math.sin(math.pi * t), hue)
end, SHADES) }

-- blue and red that meet at the shade of the paper, white or dark; both sides are as long and as light as each other
local function diverging(middle, ends)
  local function side(hue)
    return even(function(t) return point(middle + (ends - middle) * t, 0.15 * t ^ 0.9, hue) end, SHADES // 2)
  end
  local blue, red, points = side(252), side(32), {}
  for i = SHADES // 2, 1, -1 do points[#points + 1] = blue[i] end
  for i = 1, SHADES // 2 do points[#points + 1] = red[i] end
  return points
end
maps[#maps + 1] = { "diverging", diverging(0.97, 0.48) }
maps[#maps + 1] = { "diverging_dark", diverging(0.24, 0.70) }

-- a circle of hues, all as light as each other: for angles
local ring = {}
for i = 0, SHADES - 1 do ring[i + 1] = point(0.70, 0.115, 20 + 360 * i / SHADES) end
maps[#maps + 1] = { "cyclic", ring }

maps[#maps + 1] = { "grey", even(function(t) return { 0.12 + 0.88 * t, 0, 0 } end, SHADES) }

local function byte(x) return math.floor(math.min(math.max(to_srgb(x), 0), 1) * 255 + 0.5) end

io.write("/* Made by maps.lua. Not to be edited. */\n#include \"figure/style.h\"\n\n/* clang-format off */\n")
for _, map in ipairs(maps) do
  io.write(("const uint32_t mli_map_%s[MLI_SHADES] = {\n"):format(map[1]))
  for i, p in ipairs(map[2]) do
    local r, g, b = lab_to_linear(p[1], p[2], p[3])
    io.write(("%s0x%02X%02X%02X,%s"):format(i % 12 == 1 and "    " or " ", byte(r), byte(g), byte(b), (i % 12 == 0 or i == SHADES) and "\n" or ""))
  end
  io.write("};\n")
end

-- lua5.4 src/figure/maps.lua palette: the seven colours of the print style, hues apart and lightnesses apart
if arg[1] == "palette" then
  for i, L in ipairs { 0.25, 0.62, 0.45, 0.78, 0.35, 0.70, 0.54 } do
    local hue = ({ 260, 45, 160, 350, 75, 230, 0 })[i]
    local p = point(L, i == 7 and 0 or 0.12, hue)
    local r, g, b = lab_to_linear(p[1], p[2], p[3])
    io.stderr:write(("HEX(0x%02X%02X%02X), "):format(byte(r), byte(g), byte(b)))
  end
  io.stderr:write("\n")
end
