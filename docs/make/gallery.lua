--- The pictures of the README: runs an example, checks and all, and saves its figure in every style that a page may have.
---
---     GALLERY=grokking moonlab run docs/make/gallery.lua --no-window --quiet     (./dev gallery does it for all of them)
require "moonlab"
local figure = require "moonlab.figure"

local name = os.getenv "GALLERY" or error("GALLERY names no example", 0)
local made, new = {}, figure.new
function figure.new(opts)
  local fig = new(opts)
  made[#made + 1] = fig
  return fig
end

dofile(("examples/%s.lua"):format(name))
for _, style in ipairs { "light", "dark" } do
  made[1]:save(("docs/images/%s-%s.png"):format(name, style), { style = style, dpi = 144 })
end
