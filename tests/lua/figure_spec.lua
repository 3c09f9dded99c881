-- Figures, as scripts see them.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
local ml = require "moonlab"

teardown(process.remove_all)

local function wrong(message, f, ...)
  local good, problem = pcall(f, ...)
  assert.falsy(good)
  problem = tostring(problem)
  assert.truthy(problem:find(message, 1, true), problem)
  assert.matches("figure_spec.lua:%d+: ", problem)
end

describe("a figure", function()
  local fig
  before_each(function() fig = ml.figure { rows = 1, cols = 2, title = "two panels" } end)

  it("refuses unknown options with the nearest known one", function()
    wrong("figure: unknown option 'row'; did you mean 'rows'?", function() ml.figure { row = 1 } end)
    wrong("fig:lines: unknown option 'xscal'; did you mean 'xscale'?", function() fig:lines(1, { "a" }, { xscal = "log" }) end)
    wrong("fig:heatmap: unknown option 'titel'; did you mean 'title'?",
      function() fig:heatmap(1, ml.zeros { 2, 2 }, { titel = "" }) end)
    wrong("fig:save: unknown option 'siez'; did you mean 'size'?", function() fig:save("x.png", { siez = { 3, 3 } }) end)
  end)

  it("counts panels from 1", function()
    wrong("fig:lines: no panel 3; this figure has panels 1..2, counted row by row", function() fig:lines(3, { "a" }) end)
    wrong("fig:lines: no panel 0; this figure has panels 1..2", function() fig:lines(0, { "a" }) end)
    wrong("fig:heatmap: no panel -1;", function() fig:heatmap(-1, ml.zeros { 2, 2 }) end)
    wrong("fig:lines: the panel must be a whole number, got ", function() fig:lines("a", { "a" }) end)
    fig:lines(2, { "a" })
  end)

  it("smooths the curves of a panel", function()
    local function picture(smooth)
      local one = ml.figure {}
      one:lines(1, { "a" }, { smooth = smooth })
      for i = 1, 500 do one:point("a", i, math.sin(i * i)) end
      return one, one:pixels { size = { 300, 200 } }
    end
    local plain, as_it_is = picture(nil)
    local smooth, averaged = picture(0.9)
    local function differ(a, b) return (a:cast "f64" - b:cast "f64"):abs():sum():item() end
    assert.is_true(differ(as_it_is, averaged) > 0)
    smooth:panel(1, { title = "" }) -- what is not given stays
    assert.are.equal(0, differ(averaged, smooth:pixels { size = { 300, 200 } }))
    smooth:panel(1, { smooth = 0 })
    assert.are.equal(0, differ(as_it_is, smooth:pixels { size = { 300, 200 } }))
    plain:panel(1, { smooth = 0.9 })
    assert.are.equal(0, differ(averaged, plain:pixels { size = { 300, 200 } }))
    wrong("fig:lines: smooth is the weight of the past, 0 to below 1; got -0.5",
      function() fig:lines(1, { "a" }, { smooth = -0.5 }) end)
    wrong("panel: smooth is the weight of the past, 0 to below 1; got 1", function() fig:panel(1, { smooth = 1 }) end)
    wrong("fig:panel: smooth must be a number", function() fig:panel(1, { smooth = "much" }) end)
  end)

  it("refuses sizes, scales, limits, names and styles that it does not know", function()
    wrong("figure: rows and cols must be 1..8, got 0 x 1", function() ml.figure { rows = 0 } end)
    wrong("figure: rows and cols must be 1..8, got 1 x 9", function() ml.figure { cols = 9 } end)
    wrong("figure: style must be 'default', 'light', 'dark' or 'print', got 'pink'", function() ml.figure { style = "pink" } end)
    wrong("fig:lines: xscale must be 'default', 'linear', 'log' or 'symlog', got 'logarithmic'",
      function() fig:lines(1, { "a" }, { xscale = "logarithmic" }) end)
    wrong("fig:lines: ylim must be two numbers, the lower first, as in ylim = { 0, 1 }",
      function() fig:lines(1, { "a" }, { ylim = { 1, 0 } }) end)
    wrong("fig:lines: ylim must be two numbers", function() fig:lines(1, { "a" }, { ylim = 1 }) end)
    wrong("fig:lines: title must be text", function() fig:lines(1, { "a" }, { title = {} }) end)
    wrong("fig:lines: a panel shows 1..512 curves, got 0", function() fig:lines(1, {}) end)
    wrong("fig:lines: the name of curve 2 must be text", function() fig:lines(1, { "a", {} }) end)
    wrong("fig:lines: x must be 'step' or the name of a metric", function() fig:lines(1, { "a" }, { x = 5 }) end)
  end)

  it("draws one curve over one thing", function()
    fig:lines(1, { "a" }, { x = "loss" })
    wrong("fig:lines: 'a' runs over 'loss' in another panel; it cannot run over 'step' too", function() fig:lines(2, { "a" }) end)
  end)

  it("is saved as PNG, SVG and PDF by the end of the path", function()
    local folder = process.folder()
    fig:lines(1, { "loss" }, { xscale = "log", ylim = { 0, 1 }, title = "a title" })
    fig:heatmap(2, ml.randn { 5, 7 }, { diverging = true })
    for x = 1, 50 do fig:point("loss", x, 1 / x) end
    fig:save(folder .. "/f.png"):save(folder .. "/f.svg"):save(folder .. "/f.pdf", { size = { 300, 200 }, style = "dark" })
    assert.equal("\137PNG\r\n\26\n", process.read(folder .. "/f.png"):sub(1, 8))
    assert.matches("<svg", process.read(folder .. "/f.svg"))
    assert.equal("%PDF-", process.read(folder .. "/f.pdf"):sub(1, 5))
    wrong("f.bmp", function() fig:save(folder .. "/f.bmp") end)
    wrong("/nowhere/f.png", function() fig:save(folder .. "/nowhere/f.png") end)
    wrong("fig:save: the path must be text", function() fig:save {} end)
  end)

  it("takes any words and any numbers, in every format", function()
    local words = { "損失関数 ∇", "فقدان الدالة", "ошибка", "त्रुटि", "🙂🚀", "e\u{301}", "\xff\xfe \xc3", "two\nlines\ttab",
      "a^{b^{c}} _{", "שלום", "zero\0byte", ("W"):rep(300), "\u{202e}override", "\27[31m", "&<>\"'%s", "" }
    local values = { 1, 0 / 0, 1 / 0, -1 / 0, 0, -0.0, 1e308, -1e308, 5e-324 }
    for i, word in ipairs(words) do
      local odd = ml.figure { cols = 3, title = word }
      odd:line(1, values, values, { label = word })
      odd:bars(1, values, { label = word })
      odd:panel(1, { title = word, xlabel = word, ylabel = word, yscale = ({ "linear", "log", "symlog" })[i % 3 + 1] })
      odd:text(2, { 1 }, { 1 }, { text = { word } })
      odd:event(2, { 1, 0 / 0 }, { text = { word, word } })
      odd:heatmap(3, ml.full({ 2, 2 }, values[i % #values + 1]))
      for _, ending in ipairs { "png", "svg", "pdf" } do
        local path = process.folder() .. "/odd." .. ending
        odd:save(path, { size = { 600, 200 } })
        assert.is_true(#process.read(path) > 1000, word .. " as " .. ending)
      end
    end
  end)

  it("shows no window without a display, and says why", function()
    local done = process.shell("lua5.4 -e \"print(require 'moonlab'.figure {}:show())\"")
    assert.matches("^nil\t.*no display", done.out)
    assert.equal(0, done.code)
  end)
end)

describe("a heatmap", function()
  local fig
  before_each(function() fig = ml.figure {} end)

  it("needs a matrix, or a function that returns one", function()
    local needed = "fig:heatmap: values must be a tensor, a list of numbers or a function that returns one, got "
    wrong(needed .. "a boolean", function() fig:heatmap(1, true) end)
    wrong(needed .. "nothing", function() fig:heatmap(1) end)
    local path = process.folder() .. "/f.png"
    wrong("fig:heatmap: values must have the dimensions (r?, c), got shape (2, 3, 4)",
      function() fig:heatmap(1, ml.zeros { 2, 3, 4 }) end)
    fig:clear(1):heatmap(1, function() return "text" end)
    wrong(needed .. "a string", function() fig:save(path) end)
    fig:clear(1):heatmap(1, function() return ml.zeros { 5 } end) -- a vector is one row
    fig:save(path)
  end)

  it("looks at its source before a save, and only when something has changed", function()
    local calls, folder = 0, process.folder()
    fig:heatmap(1, function() calls = calls + 1 return ml.zeros { 2, 2 } end)
    assert.equal(0, calls)
    fig:save(folder .. "/f.png"):save(folder .. "/f.svg")
    assert.equal(1, calls)
    for step = 1, 100 do fig:feed(step, { loss = 1 }) end -- no window: nobody looks
    assert.equal(1, calls)
    fig:save(folder .. "/f.png")
    assert.equal(2, calls)
  end)

  it("leaves random numbers and recording as they were", function()
    local function draws(looks)
      ml.seed(7)
      local first = ml.randn { 2 }
      local recorded
      fig:heatmap(1, function()
        local w = ml.ones { 2, 2 }
        w.requires_grad = true
        recorded = (w * 2).requires_grad
        return ml.randn { 3, 3 }
      end)
      if looks then fig:refresh() end
      if looks then assert.is_false(recorded) end
      return tostring(first) .. tostring(ml.randn { 2 })
    end
    assert.equal(draws(false), draws(true))
    local w = ml.ones { 2 }
    w.requires_grad = true
    assert.is_true((w * 2).requires_grad)
  end)

  it("puts recording back after an error in its function", function()
    fig:heatmap(1, function() error "nothing to see" end)
    wrong("nothing to see", function() fig:refresh() end)
    local w = ml.ones { 2 }
    w.requires_grad = true
    assert.is_true((w * 2).requires_grad)
  end)
end)

describe("the figure of a run", function()
  local text = [[
    local ml  = require "moonlab"
    local run = ml.run { name = "drawn", steps = 20, seed = 5 }
    local fig = run:figure { rows = 1, cols = 3 }
    fig:lines(1, { "loss", "other" }, { xscale = "log" })
    fig:lines(2, { "phase" }, { x = "loss" })
    fig:heatmap(3, function() return ml.randn { 4, 4 } end)
    for step in run:steps() do run:log { loss = 1 / step, phase = step, unseen = ml.randn({ 1 }):item() } end
  ]]

  it("is saved as PNG, SVG and PDF at the end, and its path is told", function()
    local done = process.script(text)
    assert.equal(0, done.code)
    local run = process.runs(done.folder)[1]
    local path = run:match "(runs/.*)" .. "/figures/figure"
    assert.equal("figure: " .. path .. ".png\n", done.out)
    for _, ending in ipairs { ".png", ".svg", ".pdf" } do
      assert.truthy(#process.read(run .. "/figures/figure" .. ending) > 1000)
    end
  end)

  it("goes to files when there is no display, which is told in one line", function()
    local done = process.script(text)
    local _, lines = done.err:gsub("no display: the figure goes to runs/drawn/[^/]*/figures/figure.png\n", "")
    assert.equal(1, lines)
    assert.falsy(process.script(text, "--no-window").err:find("no display", 1, true))
    assert.equal("", process.script(text, "--quiet").err)
  end)

  it("does not change the numbers of the run", function()
    local with = process.script(text, "--quiet")
    local without = process.script(text:gsub("fig:heatmap[^\n]*", ""), "--quiet")
    assert.equal(process.metrics(process.runs(without.folder)[1]), process.metrics(process.runs(with.folder)[1]))
  end)

  it("is numbered when there are several", function()
    local done = process.script("local run = require 'moonlab'.run {} run:figure {} run:figure {} run:figure {}", "--no-window")
    assert.matches("/figure.png\nfigure: [^\n]*/figure%-2.png\nfigure: [^\n]*/figure%-3.png\n$", done.out)
  end)

  it("names the line when its function fails, and the run is kept", function()
    local done = process.script([[
local ml  = require "moonlab"
local run = ml.run { steps = 5 }
run:figure {}:heatmap(1, function() return ml.zeros { 2, 3 }:matmul(ml.zeros { 2, 3 }) end)
for step in run:steps() do run:log { step = step } end
]], "--no-window")
    assert.equal(1, done.code)
    assert.matches("script.lua:3: matmul: ", done.err)
    assert.matches('"status":"failed"', process.record(done.folder))
    assert.matches("\n1,1\n$", process.metrics(process.runs(done.folder)[1]))
  end)

  it("cannot be written to a folder that is gone: an error, and the metrics are kept", function()
    local done = process.script([[
      local run = require "moonlab".run { steps = 2 }
      run:figure {}:lines(1, { "a" })
      for step in run:steps() do
        run:log { a = step }
        os.execute("rm -r " .. run.dir .. "/figures")
      end
    ]], "--no-window")
    assert.equal(1, done.code)
    assert.matches("figures/figure.png", done.err)
    assert.matches("\n2,2\n$", process.metrics(process.runs(done.folder)[1]))
  end)

  local it_shows = os.execute "command -v xvfb-run >/dev/null 2>&1" and it or pending

  it_shows("opens a window when there is a display, and training does not wait for it", function()
    local folder = process.folder()
    process.write(folder .. "/script.lua", text .. [[
      assert(fig:is_open())
      fig:close()
      assert(not fig:is_open())
      run:log({ loss = 0.5 }, 21)
    ]])
    local done = process.shell(("xvfb-run -a %s run script.lua"):format(process.program), { folder = folder })
    assert.equal(0, done.code, done.err)
    assert.falsy(done.err:find("no display", 1, true), done.err)
    assert.falsy(done.err:find("the window stays open", 1, true)) -- nobody is at this terminal
    local quiet = process.script(text, "--quiet")
    local with = process.metrics(process.runs(folder)[1]):gsub("21,[^\n]*\n$", "")
    assert.equal(process.metrics(process.runs(quiet.folder)[1]), with) -- with a window: the same numbers
  end)

  it_shows("stays in its window after the run until that is closed, when somebody is there", function()
    local function talk(script, lines)
      local folder = process.folder()
      process.write(folder .. "/script.lua", script)
      return process.shell(("xvfb-run -a %s %s run script.lua"):format(process.pty, process.program),
        { folder = folder, input = table.concat(lines, "\n") .. "\n", environment = { TERM = "xterm" } })
    end
    local done = talk(text, { "expect figure: ", "expect the window stays open", [[send \x03]] })
    assert.equal(0, done.code, done.err .. done.out) -- Ctrl-C ends the waiting, and nothing else
    done = talk(text .. "\nrun:check('wrong', false)", { "expect the window stays open", [[send \x03]] })
    assert.equal(3, done.code, done.err .. done.out)
    done = talk(text .. "\nfig:close()", { "expect figure: " })
    assert.equal(0, done.code, done.err .. done.out)
    assert.falsy(done.out:find("the window stays open", 1, true))
  end)
end)
