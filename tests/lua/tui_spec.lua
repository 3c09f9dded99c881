-- Curves in the terminal while a loop runs.
local source = os.getenv "MOONLAB_SOURCE"
local process = dofile(source .. "/tests/lua/process.lua")
local screen  = dofile(source .. "/tests/lua/screen.lua")

teardown(process.remove_all)

local COLUMNS = 100 -- of the terminal in pty.c

-- Half a second of work: a few pictures.
local function loop(figure, body)
  return ([[
    local ml = require "moonlab"
    local run = ml.run { name = "demo", steps = 60 }
    %s
    for step in run:steps() do
      local t = os.clock()
      while os.clock() - t < 0.01 do end
      run:log { train_loss = 100 / step, test_loss = 50 + step, acc = step / 60 }
      %s
    end
  ]]):format(figure or "", body or "")
end

local FIGURE = [[run:figure():lines(1, { "train_loss" }, { title = "my panel", xscale = "log" })]]

local function on_terminal(text, arguments, environment, lines)
  local folder = process.folder()
  process.write(folder .. "/script.lua", text)
  local all = { TERM = "xterm", LC_ALL = "C.UTF-8" }
  for name, value in pairs(environment or {}) do all[name] = value end
  local done = process.dialogue(("%s run script.lua %s"):format(process.program, arguments or ""), lines or {},
    { folder = folder, environment = all })
  done.screen = screen(done.out, COLUMNS)
  done.shown = table.concat(done.screen, "\n")
  return done
end

local function has_dots(text) return text:find "\xE2[\xA0-\xA3][\x80-\xBF]" end

local function count(text, piece)
  local n = 0
  for _ in text:gmatch(piece) do n = n + 1 end
  return n
end

describe("curves in the terminal", function()
  it("are drawn in place, above the bar, and stay when the loop is over", function()
    local done = on_terminal(loop(FIGURE))
    assert.equal(0, done.code, done.out)
    assert.truthy(count(done.out, "my panel") > 1, done.out)                 -- drawn several times
    assert.equal(1, count(done.shown, "my panel"), done.shown)               -- in one place
    assert.equal(1, count(done.shown, "60/60"), done.shown)
    assert.truthy(done.shown:find("100 ┤", 1, true), done.shown)             -- the ends of y
    assert.truthy(done.shown:find("1.67 ┤", 1, true), done.shown)
    assert.matches("\n +1 +step +60\n100%%", done.shown)                     -- and of x; the bar is below
    assert.truthy(has_dots(done.shown))
    assert.truthy(done.out:find("\27[36m", 1, true))                         -- in colour
    assert.falsy(done.out:find("\27[?", 1, true))                            -- no mode is set that would have to be left
  end)

  it("are those of the metrics when there is no figure, those of one subject in one panel", function()
    local done = on_terminal(loop())
    assert.matches("\n? *acc +test_loss +train_loss", (done.shown:gsub("\n.*", "")))
    local chosen = on_terminal(loop(FIGURE), "--tui=acc")
    assert.matches("acc", chosen.shown:match "^[^\n]*")
    assert.falsy(chosen.shown:find("my panel", 1, true))
    assert.falsy(chosen.shown:match("^[^\n]*"):find("loss", 1, true))
  end)

  it("leave what the script prints above them", function()
    local done = on_terminal(loop(FIGURE, [[if step % 20 == 0 then print("at " .. step) end]]))
    assert.matches("\nat 20\nat 40\nat 60\n *my panel", done.shown)
    assert.equal(1, count(done.shown, "my panel"))
  end)

  it("respect NO_COLOR, and terminals without UTF-8", function()
    local done = on_terminal(loop(FIGURE), "", { NO_COLOR = "1" })
    assert.falsy(done.out:find "\27%[[%d;]*m")
    assert.truthy(done.shown:find("a train_loss", 1, true), done.shown)
    local ascii = on_terminal(loop(FIGURE), "", { LC_ALL = "C" })
    assert.truthy(ascii.shown:find("100 |", 1, true), ascii.shown)
    assert.falsy(ascii.shown:gsub("\nfigure: .*", ""):find "[\x80-\xFF]", ascii.shown)
  end)

  it("are not there when nobody wants them", function()
    for _, arguments in ipairs { "--no-window", "--quiet", "--quiet --tui" } do
      assert.falsy(on_terminal(loop(FIGURE), arguments).out:find("my panel", 1, true), arguments)
    end
    assert.falsy(on_terminal(loop(FIGURE), "", { TERM = "dumb" }).out:find("my panel", 1, true))
    assert.falsy(on_terminal(loop(), "", { DISPLAY = ":99" }).out:find("┤", 1, true)) -- a display, but no figure: as ever
    local piped = process.script(loop(FIGURE), "--tui", { environment = { LC_ALL = "C.UTF-8" } })
    assert.equal(0, piped.code, piped.err)
    assert.falsy(piped.err:find("my panel", 1, true))
  end)

  it("change no number", function()
    local with, without = on_terminal(loop(FIGURE)), on_terminal(loop(FIGURE), "--quiet")
    assert.equal(process.metrics(process.runs(without.folder)[1]), process.metrics(process.runs(with.folder)[1]))
  end)

  it("end cleanly with an error and with Ctrl-C", function()
    local wrong = on_terminal(loop(FIGURE, [[if step == 50 then error "no more" end]]))
    assert.equal(1, wrong.code)
    assert.equal(1, count(wrong.shown, "my panel"), wrong.shown)
    assert.matches("49/60[^\n]*\n.*script.lua:8: no more", wrong.shown)
    local stopped = on_terminal(loop(FIGURE), "steps=100000", nil, { "expect my panel", [[send \x03]] })
    assert.equal(130, stopped.code)
    assert.equal(1, count(stopped.shown, "my panel"), stopped.shown)
    assert.matches("/100000[^\n]*\ninterrupted at step", stopped.shown)
    assert.equal("0", stopped.out:match ".*\27%[([%d;]*)m") -- the last colour is none
  end)
end)
