-- Marks, layouts and recordings, as scripts see them.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
local ml = require "moonlab"
local nn = ml.nn

teardown(process.remove_all)

local function wrong(message, f, ...)
  local good, problem = pcall(f, ...)
  assert.falsy(good)
  problem = tostring(problem)
  assert.truthy(problem:find(message, 1, true), problem)
  assert.matches("marks_spec.lua:%d+: ", problem)
end

-- Pixels that are not the colour of the paper.
local function ink(fig, opts)
  local pixels = fig:pixels(opts or { size = { 200, 150 } }):cast "f64"
  return pixels:ne(pixels[1][1]):cast("f64"):sum():item()
end

describe("marks", function()
  local fig
  before_each(function() fig = ml.figure {} end)

  it("refuse what they do not know, at the script's line", function()
    wrong("fig:scatter: unknown option 'radios'; did you mean 'radius'?",
      function() fig:scatter(1, { 1 }, { 1 }, { radios = 2 }) end)
    wrong("fig:line: y must be a tensor, a list of numbers or a function that returns one, got nothing",
      function() fig:line(1, { 1 }) end)
    wrong("fig:line: y has 2 where x has 3", function() fig:line(1, { 1, 2, 3 }, { 1, 2 }) end)
    wrong("fig:line: there is nothing behind the options", function() fig:line(1, { 1 }, { 1 }, {}, 5) end)
    wrong("fig:contour: map must be one of auto|viridis|diverging|cyclic|grey, got 'jet'",
      function() fig:contour(1, { 1, 2 }, { 1, 2 }, ml.eye(2), { map = "jet" }) end)
    wrong("fig:images: images must have the dimensions (n, h, w), got shape (2, 3)",
      function() fig:images(1, ml.zeros { 2, 3 }) end)
    wrong("fig:bars: names must be a list of texts, got boolean", function() fig:bars(1, { 1 }, { names = true }) end)
    wrong("fig:histogram: range must be two numbers, the lower first", function() fig:histogram(1, { 1 }, { range = 5 }) end)
    wrong("fig:line: no panel 2;", function() fig:line(2, { 1 }, { 1 }) end)
  end)

  it("take lists, numbers, tensors of any type, and functions that are called again at a refresh", function()
    local calls = 0
    fig:scatter(1, { 1, 2, 3 }, ml.arange(3), { by = ml.tensor { 1, 2, 1 } })
    fig:event(1, 2, { text = "here" })
    fig:line(1, function() calls = calls + 1 return { 1, 2 }, { 3, 4 } end, { label = "f" })
    assert.equal(0, calls)
    assert.is_true(ink(fig) > 100)
    assert.equal(1, calls)
    fig:refresh()
    assert.equal(2, calls)
  end)

  it("show a tensor as it is at the refresh", function()
    local w = ml.zeros { 4, 4 }
    fig:heatmap(1, w, { limits = { 0, 1 } })
    local before = fig:pixels { size = { 60, 40 } }
    w[{}] = 1
    fig:refresh()
    assert.is_false(before:eq(fig:pixels { size = { 60, 40 } }):all():item())
  end)

  it("may be over an axis of their own on the right, curves that grow too", function()
    local function beyond(right) -- columns from the last vertical line to the last number
      local f = ml.figure {}
      f:lines(1, { "loss" }, { ylabel = "loss" }):lines(1, { "rate" }, { right = right, y2label = "rate" })
      for i = 1, 10 do f:point("loss", i, 1 / i):point("rate", i, i * 1e-4) end
      local columns = f:pixels { size = { 440, 330 } }:cast("f64"):ne(255.0):cast("f64"):sum { 1, 3 }:tolist()
      local line, last = 0, 0
      for i, n in ipairs(columns) do
        if n > 600 then line = i end
        if n > 0 then last = i end
      end
      return last - line
    end
    assert.is_true(beyond(false) < 20, "a grid line, and half of its number")
    assert.is_true(beyond(true) > 30, "an axis with numbers and a name")
  end)

  it("lie over each other in one panel, and go when it is cleared", function()
    fig:heatmap(1, ml.eye(3)):scatter(1, { 1, 2 }, { 1, 2 }):text(1, 2, 2, { text = "x" })
    local all = ink(fig)
    assert.equal(0, ink(fig:clear(1)))
    assert.is_true(all > 1000)
  end)

  it("may have labels with raised and lowered parts, and metrics may have a _ in their names", function()
    local plain = ink(ml.figure { title = "10-3" }, { size = { 300, 200 } })
    local raised = ink(ml.figure { title = "10^{-3}" }, { size = { 300, 200 } })
    assert.is_true(raised ~= plain and raised > 0)
    local names = { "train_acc", "train\\_acc" } -- the second is the first, said with care
    local a = ml.figure { title = names[1] }:pixels { size = { 300, 200 } }
    assert.is_true(a:eq(ml.figure { title = names[2] }:pixels { size = { 300, 200 } }):all():item())
  end)
end)

describe("a layout", function()
  it("is a picture in letters, counted as they come", function()
    local fig = ml.figure { layout = { "aab", "ccb" } }
    fig:line(3, { 1, 2 }, { 1, 2 })
    wrong("fig:line: no panel 4; this figure has panels 1..3", function() fig:line(4, { 1 }, { 1 }) end)
    wrong("the cells of 'a' are no rectangle", function() ml.figure { layout = { "ab", "ba" } } end)
    wrong("layout says how many rows and cols there are", function() ml.figure { layout = "ab", rows = 2 } end)
  end)

  it("shares axes: two panels then have the range of both", function()
    local function picture(share)
      local fig = ml.figure { rows = 2, share_x = share }
      fig:line(1, { 0, 1 }, { 0, 1 }):line(2, { 0, 10 }, { 0, 1 })
      return fig:pixels { size = { 60, 40 } } -- without words: curves alone
    end
    local function right_end(pixels) -- of the upper curve
      local upper = pixels[{ { 1, 18 }, {}, {} }]:cast "f64"
      local columns = upper:ne(255.0):cast("f64"):sum { 1, 3 }:tolist()
      for i = #columns, 1, -1 do if columns[i] > 0 then return i end end
    end
    assert.is_true(right_end(picture(false)) > 50)
    assert.is_true(right_end(picture(true)) < 15)
  end)
end)

describe("images with places", function()
  local function picture(x, y, opts)
    local options = { x = x, y = y, limits = { 0, 1 } }
    for name, value in pairs(opts or {}) do options[name] = value end
    return ml.figure {}:images(1, ml.zeros { #x, 2, 2 }, options):pixels { size = { 100, 50 } }:cast "f64"
  end
  -- Rows and columns of what is darker than paper.
  local function extent(pixels)
    local dark = pixels:sum(3):lt(300):cast "i64"
    local down, across = dark:sum(2):gt(0):nonzero():tolist(), dark:sum(1):gt(0):nonzero():tolist()
    return down[1][1], down[#down][1], across[1][1], across[#across][1]
  end

  it("stand there, square, of the size that was asked for", function()
    local top, bottom, left, right = extent(picture({ 0 }, { 0 }, { size = 0.5 }))
    local high, wide = bottom - top + 1, right - left + 1
    assert.is_true(math.abs(high - wide) <= 1, high .. " x " .. wide)
    assert.is_true(math.abs((top + bottom) / 2 - 25) < 1.5 and math.abs((left + right) / 2 - 50) < 1.5)
    local _, _, _, larger = extent(picture({ 0 }, { 0 }, { size = 1 }))
    assert.is_true(larger > right + high / 4)
    top, bottom, left, right = extent(picture({ 0, 3 }, { 0, 1 })) -- the second to the right, and above
    local pixels = picture({ 0, 3 }, { 0, 1 }):sum(3)
    assert.is_true(pixels[bottom - 1][left + 1]:item() < 300 and pixels[top + 1][right - 1]:item() < 300)
    assert.is_true(pixels[top + 1][left + 1]:item() > 300 and pixels[bottom - 1][right - 1]:item() > 300)
  end)

  it("are left out where there is no such place, and draw nothing wrong with odd numbers", function()
    local _, _, left, right = extent(picture({ 0, 0 / 0, math.huge }, { 0, 0, -math.huge }, { size = 0.5 }))
    local _, _, alone_left, alone_right = extent(picture({ 0 }, { 0 }, { size = 0.5 }))
    assert.same({ alone_left, alone_right }, { left, right })
    for _, size in ipairs { 0, -3, 1e300 } do picture({ 0, 1 }, { 0, 1 }, { size = size }) end
    picture({ 1e300, -1e300 }, { 1e-300, 0 })
    ml.figure {}:images(1, ml.full({ 2, 3, 3 }, 0 / 0), { x = { 0, 1 }, y = { 0, 0 }, diverging = true }):pixels()
    ml.figure {}:images(1, ml.zeros { 0, 3, 3 }, { x = {}, y = {} }):pixels()
    wrong("images: x has 3 where images has 2",
      function() ml.figure {}:images(1, ml.zeros { 2, 3, 3 }, { x = { 1, 2, 3 }, y = { 1, 2, 3 } }) end)
  end)
end)

describe("helpers", function()
  it("draw the mean of curves with a band that the spread says", function()
    local curves = ml.stack { ml.tensor { 1., 2, 3 }, ml.tensor { 3., 4, 5 } }
    for _, show in ipairs { "interval", "std", "range", "quartiles" } do
      assert.is_true(ink(ml.figure {}:band(1, { 1, 2, 3 }, curves, { show = show })) > 200)
    end
    wrong("fig:band: show must be interval, std, range or quartiles, got 'all'",
      function() ml.figure {}:band(1, { 1, 2, 3 }, curves, { show = "all" }) end)
    wrong("fig:band: curves must have the shape (seeds, n), got (3)",
      function() ml.figure {}:band(1, { 1, 2, 3 }, ml.zeros { 3 }) end)
  end)

  it("show where a model decides, in the colours of the points", function()
    local x = ml.tensor { { -1., 0 }, { 1., 0 } }
    local function half_plane(p) return ml.stack({ -p[{ {}, 1 }], p[{ {}, 1 }] }, 2) * 50 end
    local fig = ml.figure {}:decision(1, half_plane, { x = x, y = ml.tensor { 1, 2 } }, { xlim = { -2, 2 }, ylim = { -2, 2 } })
    local pixels = fig:pixels { size = { 100, 60 } }:cast "f64" -- bare: the panel is all but 3 pixels a side
    local left, right = pixels[30][10], pixels[30][90]
    assert.is_true(left[3]:item() > left[1]:item(), "blue on the left")
    assert.is_true(right[1]:item() > right[3]:item(), "orange on the right")
    local score = ml.figure {}:decision(1, function(p) return p[{ {}, 1 }] * 100 end,
      { x = x }, { xlim = { -2, 2 }, ylim = { -2, 2 } })
    local again = score:pixels { size = { 100, 60 } }:cast "f64"
    assert.is_true(again[30][90][1]:item() > again[30][90][3]:item(), "one output is the score of class 2")
    wrong("fig:decision: the data must be a table with x of the shape (n, 2)",
      function() fig:decision(1, half_plane, { x = ml.zeros { 3 } }) end)
  end)

  it("leave a model's mode as it was", function()
    local model = nn.Sequential { nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2) }
    model:train()
    ml.figure {}:decision(1, model, { x = ml.randn { 5, 2 } }):refresh()
    assert.is_true(model[2]:training())
  end)

  it("show what each unit answers, with the weights where there is room", function()
    local a = ml.linspace(-1, 1, 8)
    local grid = ml.stack({ a:reshape { 1, 8 }:expand { 8, 8 }, a:reshape { 8, 1 }:expand { 8, 8 } }, 3)
    local function net(units)
      return nn.Sequential { nn.Linear(2, units), nn.BatchNorm1d(units), nn.Tanh(), nn.Linear(units, 3) }
    end
    local model, seen = net(4), {}
    model:train()
    local fig, images, graph = ml.figure {}, ml.figure {}.images, ml.figure {}.graph
    function fig.images(self, panel, values, opts)
      seen.maps, seen.x, seen.y = values(), opts.x, opts.y
      return images(self, panel, values, opts)
    end
    function fig.graph(self, panel, x, y, from, to, weight, opts)
      seen.weights = weight()
      return graph(self, panel, x, y, from, to, weight, opts)
    end
    fig:neurons(1, model, grid, { title = "units" }):refresh()
    assert.is_true(model[2]:training())
    assert.same({ 2 + 4 + 3, 8, 8 }, seen.maps.shape)
    assert.same({ 2 * 4 + 4 * 3 }, seen.weights.shape)
    assert.is_true(math.abs(seen.weights[1]:item() - model[1].weight[1][1]:item()) < 1e-6)
    model:eval()
    local answers = model(grid:reshape { 64, 2 }):detach():cast "f64" -- negative values are red
    assert.is_true((seen.maps[7]:reshape { 64 } + answers[{ {}, 1 }]):abs():max():item() < 1e-6)
    assert.same(seen.maps[1]:tolist(), (grid[{ {}, {}, 1 }]:cast "f64" * -1):tolist())
    assert.is_true(seen.x[1] < seen.x[3] and seen.x[3] == seen.x[6] and seen.x[6] < seen.x[7] and seen.y[3] > seen.y[4])

    seen = {}
    function fig.graph() error "no weights between layers of several columns" end
    fig:neurons(1, net(40), grid, { most = 30, outputs = false })
    assert.same({ 2 + 30, 8, 8 }, seen.maps.shape)
    local places = {}
    for i, x in ipairs(seen.x) do places[x .. ":" .. seen.y[i]] = true end
    local n = 0
    for _ in pairs(places) do n = n + 1 end
    assert.equal(32, n) -- none hides another

    local ids = ml.ones({ 3, 3, 2 }, { dtype = "i64" })
    local tokens = nn.Sequential { nn.Embedding(5, 4), nn.Flatten(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 5) }
    seen = {}
    function fig.graph() end
    fig:neurons(1, tokens, ids, { outputs = false })
    assert.same({ 6, 3, 3 }, seen.maps.shape) -- of ids there is nothing to show
    fig:neurons(1, tokens, ids, { outputs = false, layers = { "2", "4" }, names = { "both", "sum" } })
    assert.same({ 8 + 6, 3, 3 }, seen.maps.shape)

    fig = ml.figure {}
    wrong("fig:neurons: inputs must have the shape (rows, columns, ...), got (3, 3)",
      function() fig:neurons(1, model, ml.zeros { 3, 3 }) end)
    wrong("fig:neurons: needs a model with Linear layers, or layers", function() fig:neurons(1, nn.ReLU(), grid) end)
    wrong("fig:neurons: most must be 1..400, got 0", function() fig:neurons(1, model, grid, { most = 0 }) end)
    wrong("fig:neurons: outputs must be a boolean", function() fig:neurons(1, model, grid, { outputs = 3 }) end)
    wrong("unknown option 'titel'", function() fig:neurons(1, model, grid, { titel = "units" }) end)
    wrong("run_with_cache: ", function() fig:neurons(1, model, grid, { layers = { "nowhere" } }) end)
  end)

  it("draw networks", function()
    assert.is_true(ink(ml.figure {}:network(1, nn.Sequential { nn.Linear(3, 100), nn.ReLU(), nn.Linear(100, 2) })) > 500)
    wrong("fig:network: needs a model with Linear layers", function() ml.figure {}:network(1, nn.ReLU()) end)
    wrong("layer 2 takes 4 inputs, the one before it has 3 outputs",
      function() ml.figure {}:network(1, { ml.zeros { 3, 2 }, ml.zeros { 1, 4 } }) end)
  end)
end)

describe("a recording", function()
  local script = [[
    local run = require "moonlab".run { name = "filmed", steps = 100 }
    run:figure {}:lines(1, { "loss" }, { xscale = SCALE })
    for step in run:steps() do run:log { loss = 1 / step } end
  ]]

  local function frames(folder) -- each has a control block of its own
    local _, n = process.read(folder .. "/out.gif"):gsub("\33\249\4", "")
    return n
  end

  local function film(scale, path, environment)
    local folder = process.folder()
    process.write(folder .. "/script.lua", (script:gsub("SCALE", ("%q"):format(scale))))
    local done = process.shell(("%s run script.lua record=%s --no-window --quiet"):format(process.program, path),
      { folder = folder, environment = environment })
    return folder, done
  end

  it("is an animated GIF; over a log axis its frames are, too", function()
    local folder, done = film("linear", "out.gif")
    assert.equal(0, done.code, done.err)
    assert.equal("GIF89a", process.read(folder .. "/out.gif"):sub(1, 6))
    local even = frames(folder)
    folder = film("log", "out.gif")
    local log = frames(folder)
    assert.is_true(even >= 100 and log >= 30 and log <= 100, even .. ", " .. log)
  end)

  it("says what is wrong with its path, and what it needs", function()
    local _, done = film("log", "out.avi")
    assert.equal(1, done.code)
    assert.matches("record: 'out.avi' does not end in .gif, .mp4, .mkv, .webm or .mov", done.err, 1, true)
    local folder
    folder, done = film("log", "out.mp4", { PATH = "/nowhere" })
    assert.equal(1, done.code)
    local advice = "'out.mp4' needs ffmpeg, which is not installed; a path that ends in .gif needs nothing"
    assert.truthy(done.err:find(advice, 1, true), done.err)
    assert.falsy(io.open(folder .. "/out.mp4"))
  end)

  it("gives ffmpeg raw frames, and names the film when it is whole", function()
    local tools = process.folder()
    process.write(tools .. "/ffmpeg", "#!/bin/sh\nfor last; do :; done\necho \"$@\" > arguments\nwc -c > \"$last\"\n")
    os.execute("chmod +x " .. tools .. "/ffmpeg")
    local folder, done = film("log", "out.mp4", { PATH = tools .. ":/usr/bin:/bin" })
    assert.equal(0, done.code, done.err)
    local arguments = process.read(folder .. "/arguments")
    assert.matches("%-f rawvideo %-pix_fmt bgr0 %-s 660x494 %-r 20 %-i %- .*out%.part%.mp4", arguments)
    local bytes = tonumber(process.read(folder .. "/out.mp4"))
    assert.equal(0, bytes % (660 * 494 * 4))
    assert.is_true(bytes / (660 * 494 * 4) > 60)
    process.write(tools .. "/ffmpeg", "#!/bin/sh\nexit 3\n")
    folder, done = film("log", "out.mp4", { PATH = tools .. ":/usr/bin:/bin" })
    assert.equal(1, done.code)
    assert.falsy(io.open(folder .. "/out.part.mp4"))
    process.write(tools .. "/ffmpeg", "#!/bin/sh\nhead -c 3000000 > out.part.mp4\nkill -9 $$\n") -- dies in the middle
    folder, done = film("log", "out.mp4", { PATH = tools .. ":/usr/bin:/bin" })
    assert.equal(1, done.code)
    assert.matches("script.lua:3: record: ffmpeg has stopped taking frames for 'out.mp4'", done.err, 1, true)
    assert.falsy(io.open(folder .. "/out.part.mp4") or io.open(folder .. "/out.mp4"))
  end)

  it("finds out at its beginning that there is no such folder", function()
    for _, path in ipairs { "nowhere/out.gif", "nowhere/out.mp4" } do
      local _, done = film("log", path)
      assert.equal(1, done.code)
      assert.matches(("script.lua:3: record: cannot write '%s': the folder nowhere: "):format(path), done.err, 1, true)
    end
  end)

  describe("by the system's ffmpeg", function()
    local there = process.shell("command -v ffmpeg ffprobe").code == 0
    local function real(title, test)
      if there then it(title, test) else pending(title .. " (no ffmpeg and ffprobe here)", function() end) end
    end

    local function probe(file)
      return process.shell("ffprobe -v error -count_frames -show_entries stream=width,height,pix_fmt,color_space,nb_read_frames"
        .. " -of default=nw=1 " .. file).out
    end

    real("plays everywhere: even sizes, 4:2:0, colours that are named", function()
      for _, ending in ipairs { "mp4", "mkv", "webm", "mov" } do
        local folder, done = film("log", "out." .. ending)
        assert.equal(0, done.code, done.err)
        local found = probe(folder .. "/out." .. ending)
        assert.matches("width=660\nheight=494\npix_fmt=yuv420p\ncolor_space=bt709\n", found, 1, true)
        local n = tonumber(found:match "nb_read_frames=(%d+)")
        assert.is_true(n >= 70 and n <= 140, found) -- 30 to 100 of the run, and 40 of its end
        assert.falsy(io.open(folder .. "/out.part." .. ending))
      end
    end)

    real("leaves nothing broken on a full disk", function() -- in miniature: no file may be as large as that
      local folder = process.folder()
      process.write(folder .. "/film.lua", [[
        local ml = require "moonlab"
        local fig, x = ml.figure {}, nil
        fig:heatmap(1, function() return x end)
        local film = fig:record(os.getenv "OUT")
        for _ = 1, 40 do
          x = ml.randn { 90, 90 }
          film:frame()
        end
        film:close()
      ]])
      for _, ending in ipairs { "mp4", "mkv", "webm", "mov", "gif" } do
        local file = folder .. "/out." .. ending
        local done = process.shell(("ulimit -f 64; OUT=out.%s %s run film.lua --quiet"):format(ending, process.program),
          { folder = folder })
        assert.equal(1, done.code, ending .. done.err)
        assert.matches("out." .. ending .. "'", done.err, 1, true)
        assert.falsy(io.open(file) or io.open(folder .. "/out.part." .. ending), ending)
      end
    end)

    real("is whole when Ctrl-C ends the run", function()
      local folder = process.folder()
      process.write(folder .. "/script.lua", (script:gsub("SCALE", '"linear"'):gsub("steps = 100", "steps = 1000000000")
        :gsub("run:log", "if step == 1000 then print 'under way' end run:log")))
      local done = process.shell(("%s %s run script.lua record=out.mp4 --no-window --quiet"):format(process.pty, process.program),
        { folder = folder, input = "expect under way\nsend \\x03\n" })
      assert.equal(130, done.code, done.err)
      assert.truthy(probe(folder .. "/out.mp4"):find "nb_read_frames=4%d", done.out)
    end)
  end)
end)
