--- The pictures of the playground's window in the README: opens it, lets it learn, and takes the screen when it has.
---
---     xvfb-run -a -s "-screen 0 1500x940x24" moonlab run docs/make/window.lua data=modular
---
--- ./dev gallery does it; it needs ImageMagick.
require "moonlab"
local figure = require "moonlab.figure"

local data = (arg[1] or "data=spirals"):match "^data=(%a+)$"
local STEP, PATH = data == "modular" and 560 or 1500, ("docs/images/play-%s.png"):format(data)

local new = figure.new
function figure.new(opts)
  local fig = new(opts)
  local feed, taken = fig.feed, false
  function fig:feed(step, numbers)
    feed(self, step, numbers)
    if step < STEP or taken then return end
    taken = true
    self:refresh()
    if not self:is_open() or self:wait(1.5) then error("the window is not open", 0) end -- until it is drawn
    if not os.execute(("import -window root -trim +repage -strip '%s'"):format(PATH)) then error("import failed", 0) end
    self:close() -- which ends the loop
  end
  return fig
end

dofile "examples/play.lua"
