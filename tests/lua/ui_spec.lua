-- Knobs without a window: what they start from, what is refused, changes between steps, the log, replay.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
local script  = process.script

local quiet = "--quiet --no-window"

teardown(process.remove_all)

-- A training whose numbers depend on everything that a knob can change. HAND=1: changes come as from a hand in the window.
local training = [[
  local ml  = require "moonlab"
  local run = ml.run { name = "hand", steps = 60, lr = 0.1, act = "relu", aug = false, width = 8 }
  local w, said = ml.randn { 4 }, {}
  local lr = ml.ui.slider(run, "lr", { from = 1e-3, to = 1, scale = "log", on = function(v) said[#said + 1] = v end })
  ml.ui.toggle(run, "aug")
  ml.ui.choice(run, "act", { "relu", "tanh" })
  ml.ui.slider(run, "width", { from = 4, to = 64 })
  ml.ui.button(run, "reset", { on = function() w = ml.randn { 4 } end })
  local board = os.getenv "HAND" and run._.knobs.board
  local fig = run:figure()
  fig:lines(1, { "w" })
  for step in run:steps() do
    w = w * (1 - run.lr * 0.1) + (run.aug and 0.5 or 0) + (run.act == "tanh" and 1 or 0) + run.width * 0.01
    run:log { w = w:sum() }
    if board then
      if step == 10 then board:turn(1, 0.5) end
      if step == 11 then board:turn(1, 0.1234567890123, true) end
      if step == 20 then board:turn(2, 1) board:turn(5, 1) board:turn(3, 2) end
      if step == 30 then board:turn(4, 33.4) end
    end
  end
  print(lr.value, run.lr, run.aug, run.act, math.type(run.width), run.width, table.concat(said, " "))
  for _, mark in ipairs(run._.knobs.marks) do print(mark.step, mark.text) end
]]

local by_hand = "0.1234567890123\t0.1234567890123\ttrue\ttanh\tinteger\t33\t0.5 0.1234567890123\n" ..
  "11\tlr 0.1235\n20\taug on\n20\treset\n20\tact tanh\n30\twidth 33\n"

local function only_run(done) return process.runs(done.folder)[1] end

describe("a knob", function()
  local made = [[
    local ml  = require "moonlab"
    local run = ml.run { name = "k", lr = 0.01, aug = false, act = "tanh", width = 16 }
    local lr    = ml.ui.slider(run, "lr", { from = 1e-4, to = 1, scale = "log", on = function(v) print("lr is", v) end })
    local width = ml.ui.slider(run, "width", { from = 8, to = 32, value = 9 })
    local aug   = ml.ui.toggle(run, "aug", { label = "augment!" })
    local act   = ml.ui.choice(run, "act", { "relu", "tanh" })
    local own   = ml.ui.slider(run, "top_k", { from = 0, to = 1, value = 0.25 })
    local go    = ml.ui.button(run, "go", { on = function(...) print("go", select("#", ...)) end })
    print(lr.value, width.value, aug.value, act.value, own.value, go.value, own.label, aug.label)
  ]]

  it("starts from the run's parameter, or from its own value", function()
    local done = script(made, quiet)
    assert.equal("", done.err)
    assert.equal("0.01\t16\tfalse\ttanh\t0.25\tnil\ttop k\taugment!\n", done.out)
  end)

  it("starts from what the command line says, even beyond its bounds", function()
    local done = script(made .. "lr:set(2)", quiet .. " lr=3 aug=yes act=relu width=64")
    assert.equal("3.0\t64\ttrue\trelu\t0.25\tnil\ttop k\taugment!\nlr is\t2.0\n", done.out)
  end)

  it("is set by the script at once: its function is called, the run's field follows, the parameters stay", function()
    local done = script(made .. [[
      lr:set(0.5) aug:set(true) act:set("relu") width:set(20) go:press()
      print(run.lr, run.aug, run.act, run.width, run.params.lr, run.params.width, lr, go)
    ]], quiet)
    assert.equal("", done.err)
    assert.truthy(done.out:find("lr is\t0.5\ngo\t0\n0.5\ttrue\trelu\t20" ..
      "\t0.01\t16\tslider lr = 0.5\tbutton go\n", 1, true), done.out)
  end)

  it("may be set by its own function, which is not called again", function()
    local done = script([[
      local ml = require "moonlab"
      local run, knob = ml.run {}, nil
      knob = ml.ui.slider(run, "k", { from = 0.0, to = 1, value = 0, on = function(v)
        io.write(v, " ")
        knob:set(0.5)
        if v == 1 then error "no" end
      end })
      knob:set(0.75)
      print(knob.value, pcall(knob.set, knob, 1.0))
      knob:set(0.25)
    ]], quiet)
    assert.equal("", done.err)
    assert.matches("^0.75 1 0.5\tfalse\t.*no\n0.25 $", done.out)
  end)

  it("that is wrong says so, with the script's line", function()
    local function wrong(text, message)
      local head = 'local ml = require "moonlab" local run, ui = ml.run { lr = 0.1, w = 4, b = true, z = 0.0 }, ml.ui\n'
      local done = script(head .. text, quiet)
      assert.equal(1, done.code)
      assert.truthy(done.err:find("script.lua:2: " .. message, 1, true), done.err)
    end
    wrong("ui.slider({}, 'lr', { from = 0, to = 1 })",
      "ui.slider: a knob belongs to a run, as in ui.slider(run, \"lr\", ...); got a table")
    wrong("ui.slider(run, 5, {})", "ui.slider: a knob has a name of letters, digits and _, as in \"lr\"; got 5")
    wrong("ui.slider(run, 'steps', {})", "ui.slider: no knob can be 'steps': a run cannot change it")
    wrong("ui.slider(run, 'x', { from = 0, to = 1 })",
      "ui.slider: give the run a parameter x, or the slider a value to start from")
    wrong("ui.slider(run, 'lr', { to = 1 })", "ui.slider: lr: from must be a number, got nil")
    wrong("ui.slider(run, 'lr', { from = 0, to = 1 / 0 })", "ui.slider: lr: to must be a number, got inf")
    wrong("ui.slider(run, 'lr', { from = 1, to = 1 })", "ui.slider: lr: from must be less than to, got 1 and 1")
    wrong("ui.slider(run, 'lr', { from = 0, to = 1, scale = 'lgo' })",
      "ui.slider: lr: scale must be 'linear' or 'log', got 'lgo'")
    wrong("ui.slider(run, 'z', { from = 0.1, to = 1, scale = 'log' })",
      "ui.slider: z: a log scale has no place for 0.0; use scale = \"linear\"")
    wrong("ui.slider(run, 'lr', { form = 0, to = 1 })", "ui.slider: unknown option 'form'; did you mean 'from'?")
    wrong("ui.slider(run, 'lr', { from = 0, to = 1, on = 5 })", "ui.slider: on: takes a function, got number")
    wrong("ui.slider(run, 'b', { from = 0, to = 1 })", "ui.slider: b: the start must be a number, got true")
    wrong("ui.toggle(run, 'lr')", "ui.toggle: the parameter lr must be true or false, it is 0.1")
    wrong("ui.toggle(run, 'b') ui.toggle(run, 'b')", "ui.toggle: the run has a knob 'b' already")
    wrong("ui.toggle(run, 'b', { label = '' })", "ui.toggle: label must be a text, got ")
    wrong("ui.toggle(run, 'b', { label = ('x'):rep(100) })", "knob: the label is too long")
    wrong("ui.choice(run, 'c', 'relu')",
      "ui.choice: c: the choices are a list of texts, as in { \"relu\", \"tanh\" }, got string")
    wrong("ui.choice(run, 'c', { 'a', 'b', 'a' })", "ui.choice: c: 'a' is there twice")
    wrong("ui.choice(run, 'c', { 'a', 5 })", "ui.choice: c: choice 2 must be a text, got 5")
    wrong("ui.choice(run, 'c', { 'relu', 'tanh' }, { value = 'rely' })",
      "ui.choice: c: 'rely' is none of 'relu', 'tanh'; did you mean 'relu'?")
    wrong("local l = {} for i = 1, 33 do l[i] = 'c' .. i end ui.choice(run, 'c', l)", "knob: a choice has 1..32 texts, got 33")
    wrong("ui.button(run, 'lr')", "ui.button: a button has no value, but the run has a parameter 'lr'")
    wrong("ui.slider(run, 'lr', { from = 0, to = 1 }):set(2)", "knob 'lr': the value must be a number within 0..1, got 2")
    wrong("ui.slider(run, 'w', { from = 0, to = 8 }):set(2.5)", "knob 'w': the value must be a whole number within 0..8, got 2.5")
    wrong("ui.toggle(run, 'b'):set(1)", "knob 'b': the value must be true or false, got 1")
    wrong("ui.toggle(run, 'b').value = false", "knob 'b': set its value by knob:set(value)")
    wrong("ui.choice(run, 'c', { 'a', 'b' }):set('d')", "knob 'c': the value must be one of 'a', 'b', got 'd'")
    wrong("ui.button(run, 'c'):set(1)", "knob 'c': the value is a button and has no value; knob:press() presses it")
    wrong("ui.toggle(run, 'b'):press()", "knob 'b': it is a toggle; set its value by knob:set(value)")
    wrong("for i = 1, 65 do ui.button(run, 'b' .. i) end", "knob: a run has 64 knobs at most")
  end)
end)

describe("a change by hand", function()
  local plain, hand = script(training, quiet), script(training, quiet, { environment = { HAND = 1 } })

  it("comes between two steps, in order, and leaves a mark for each gesture", function()
    assert.equal("", hand.err)
    assert.equal(by_hand, hand.out)
    assert.equal("0.1\t0.1\tfalse\trelu\tinteger\t8\t\n", plain.out)
    local untouched, touched = process.metrics(only_run(plain)), process.metrics(only_run(hand))
    local function head(metrics, rows) return metrics:match("^" .. ("[^\n]*\n"):rep(rows + 1)) end
    assert.equal(head(untouched, 10), head(touched, 10))
    assert.not_equal(head(untouched, 11), head(touched, 11))
  end)

  it("is made again by replay: the metrics are the same to the bit, on any number of threads", function()
    local first = process.metrics(only_run(hand))
    for threads = 1, 2 do
      local again = script(training, ("%s replay=%s --threads %d"):format(quiet, only_run(hand), threads))
      assert.equal("", again.err)
      assert.equal(by_hand, again.out)
      assert.equal(first, process.metrics(only_run(again)))
      local twice = script(training, ("%s replay=%s"):format(quiet, only_run(again))) -- a replay can be replayed
      assert.equal(first, process.metrics(only_run(twice)))
    end
    assert.not_equal(first, process.metrics(only_run(plain)))
  end)

  it("is not taken from a hand while it is made again", function()
    local again = script(training, ("%s replay=%s"):format(quiet, only_run(plain)), { environment = { HAND = 1 } })
    assert.equal(process.metrics(only_run(plain)), process.metrics(only_run(again)))
  end)

  it("has its parameters from the run, but for what the command line says", function()
    local other = script(training, quiet .. " lr=0.2 seed=5 steps=40 name=other", { environment = { HAND = 1 } })
    local again = script(training, ("%s replay=%s"):format(quiet, only_run(other)))
    assert.matches("/runs/other/", only_run(again))
    assert.equal(process.metrics(only_run(other)), process.metrics(only_run(again)))
    local varied = script(training, ("%s replay=%s seed=1 lr=0.1"):format(quiet, only_run(other)))
    assert.equal(process.metrics(only_run(hand)):match("^" .. ("[^\n]*\n"):rep(41)), process.metrics(only_run(varied)))
  end)

  it("is told of when the script is another one", function()
    local dir = only_run(hand)
    local again = script(training .. "-- changed", "--no-window replay=" .. dir)
    assert.truthy(again.err:find("replay: the script differs from that of the run, " .. dir .. "/script.lua", 1, true), again.err)
    assert.falsy(script(training, "--no-window replay=" .. dir).err:find("differs", 1, true))
    local none = script(training:gsub("ml.ui.toggle[^\n]*", ""), quiet .. " replay=" .. dir)
    assert.equal(1, none.code)
    assert.truthy(none.err:find("replay: step 20 of " .. dir .. ": the script has no knob 'aug'", 1, true), none.err)
  end)

  it("does not come where there is no run to be done again", function()
    local function refused(dir, message)
      local done = script(training, quiet .. " replay=" .. dir)
      assert.equal(2, done.code)
      assert.truthy(done.err:find("moonlab run: replay=" .. dir .. ": " .. message, 1, true), done.err)
      assert.equal(0, #process.runs(done.folder))
    end
    local folder = process.folder()
    refused("nowhere", "there is no run 'nowhere'")
    refused(folder, "there is no run '" .. folder .. "'")
    process.write(folder .. "/run.json", "{ \"params\": { \"lr\": 0.1 } }")
    refused(folder, "there is no run in '" .. folder .. "': cannot open")
    process.write(folder .. "/log", "not a log of any kind")
    refused(folder, "'" .. folder .. "/log' is not the log of a run")
    process.write(folder .. "/log", process.read(only_run(hand) .. "/log"))
    process.write(folder .. "/run.json", "{ \"params\": 5 }")
    refused(folder, "'" .. folder .. "' is no run to be done again: its run.json has no parameters")
    process.write(folder .. "/run.json", "{ \"params\": {")
    refused(folder, "'" .. folder .. "' is no run to be done again: run.json cannot be read")
    process.write(folder .. "/run.json", "{ \"params\": { \"lrr\": 0.1 } }")
    refused(folder, "that run is of another script: unknown parameter 'lrr'; did you mean 'lr'?")
    process.write(folder .. "/run.json", "{ \"params\": { \"lr\": \"fast\" } }")
    refused(folder, "that run is of another script: its parameter 'lr' is of another type")
  end)

  it("that was cut off ends the replay where the log ends", function()
    local folder, log = process.folder(), process.read(only_run(hand) .. "/log")
    process.write(folder .. "/run.json", process.read(only_run(hand) .. "/run.json"))
    process.write(folder .. "/script.lua", training)
    process.write(folder .. "/log", log:sub(1, #log * 2 // 3) .. "torn")
    local again = script(training, quiet .. " replay=" .. folder)
    assert.equal(0, again.code)
    local metrics = process.metrics(only_run(again))
    local _, rows = metrics:gsub("\n", "")
    assert.truthy(rows > 30 and rows < 60, rows)
    assert.equal(metrics, process.metrics(only_run(hand)):sub(1, #metrics))
  end)

  it("counts its loop: the same step of another one is not meant", function()
    local text = [[
      local ml  = require "moonlab"
      local run = ml.run { name = "loops" }
      local k = ml.ui.slider(run, "k", { from = 0.0, to = 1, value = 0.5 })
      for loop = 1, 2 do
        for step in run:steps(20) do
          run:log({ k = k.value }, 20 * loop + step)
          if loop == 2 and step == 5 and os.getenv "HAND" then run._.knobs.board:turn(1, 1) end
        end
      end
    ]]
    local first = script(text, quiet, { environment = { HAND = 1 } })
    local again = script(text, quiet .. " replay=" .. only_run(first))
    assert.matches("\n45,0.5\n46,1\n", process.metrics(only_run(first)))
    assert.equal(process.metrics(only_run(first)), process.metrics(only_run(again)))
  end)
end)

describe("the marks of changes", function()
  require "moonlab"
  local changes = require "moonlab.changes"

  local function marks(list)
    local all = {}
    for _, c in ipairs(list) do
      changes.add(all, { step = c[1], name = c[2], value = c[3], goes_on = c[4] or false, loop = c.loop or 1 })
    end
    local words = {}
    for i, mark in ipairs(all) do words[i] = mark.step .. ":" .. mark.text end
    return table.concat(words, " ")
  end

  it("are one for each gesture, at its last step", function()
    assert.equal("390:lr 0.3", marks { { 10, "lr", "0.1" }, { 200, "lr", "0.2", true }, { 390, "lr", "0.3", true } })
    assert.equal("1010:lr 0.2", marks { { 1000, "lr", "0.1" }, { 1010, "lr", "0.2" } }) -- within 1 % of the step
    assert.equal("1000:lr 0.1 1011:lr 0.2", marks { { 1000, "lr", "0.1" }, { 1011, "lr", "0.2" } })
    assert.equal("5:lr 0.1 6:lr 0.2", marks { { 5, "lr", "0.1" }, { 6, "lr", "0.2" } })
    assert.equal("5:b 5:lr 0.2", marks { { 5, "b", "null" }, { 5, "lr", "0.1" }, { 5, "lr", "0.2" } })
    assert.equal("300:lr 0.2 200:b", marks { { 100, "lr", "0.1" }, { 200, "b", "null" }, { 300, "lr", "0.2", true } })
    assert.equal("7:lr 1 7:lr 2", marks { { 7, "lr", "1" }, { 7, "lr", "2", true, loop = 2 } }) -- of another loop
  end)

  it("say what has become of it", function()
    assert.equal("1:weight decay 0.0001235 1:width 64 1:augment on 1:aug off 1:act tanh 1:new data",
      marks { { 1, "weight_decay", "0.00012345678" }, { 1, "width", "64" }, { 1, "augment", "true" }, { 1, "aug", "false" },
              { 1, "act", '"tanh"' }, { 1, "new_data", "null" } })
  end)

  it("stand in all panels over the step, whenever those are made", function()
    local done = script([[
      local ml  = require "moonlab"
      local run = ml.run { name = "marks", steps = 40 }
      local fig = run:figure { cols = 3 }
      fig:lines(1, { "x" }):lines(2, { "y" }, { x = "x" })
      ml.ui.slider(run, "k", { from = 0.0, to = 1, value = 0.5 })
      local plain = fig:pixels():cast("f32")
      local function changed(panel) -- columns of the picture that this panel has
        local all = fig:pixels():cast("f32") - plain
        local third = all.shape[2] // 3
        return all[{ {}, { (panel - 1) * third + 1, panel * third } }]:abs():sum():item() > 0
      end
      for step in run:steps() do
        if step == 5 then plain = fig:pixels():cast("f32") end
        if step == 5 then run._.knobs.board:turn(1, 0.25) end
        if step == 6 then print(changed(1), changed(2), changed(3)) end
        if step == 7 then fig:lines(3, { "z" }) end
        if step < 5 then run:log { x = 40 } end -- so nothing else changes
      end
      for panel, mark in pairs(fig.over_step) do print(panel, mark and "marked") end
    ]], quiet)
    assert.equal("", done.err)
    assert.matches("true\tfalse\tfalse\n", done.out)
    assert.truthy(done.out:find("1\tmarked", 1, true) and done.out:find("3\tmarked", 1, true), done.out)
  end)
end)

describe("a loop without end", function()
  local text = [[
    local ml  = require "moonlab"
    local run = ml.run { name = "endless", steps = math.huge }
    local k   = ml.ui.slider(run, "k", { from = 0.0, to = 1, value = 0.5 })
    local x   = 0
    for step in run:steps() do
      x = x + k.value
      run:log { x = x }
      if step == 7 and os.getenv "HAND" then run._.knobs.board:turn(1, 1) end
      if step == 23 and os.getenv "HAND" then os.execute("kill -TERM $PPID") end
    end
    print(run.step, run:check("counted", run:last "x" > 3))
  ]]

  it("needs something that ends it", function()
    local done = script(text, quiet)
    assert.equal(1, done.code)
    assert.truthy(done.err:find("script.lua:5: run:steps: a loop without end ends with its window, and there is none; " ..
      "say how many steps, as in steps=1000 on the command line", 1, true), done.err)
    assert.equal(0, script(text, quiet .. " steps=12").code)
    assert.equal("12\ttrue\n", (script(text, quiet .. " steps=12").out:gsub("✓[^\n]*\n", "")))
    local wrong = script(text, quiet .. " steps=1.5")
    assert.equal(2, wrong.code)
    assert.truthy(wrong.err:find("steps must be an integer", 1, true), wrong.err)
    local first = script(text, quiet .. " steps=30", { environment = { HAND = 1 } }) -- with an end, which it does not reach
    assert.equal(130, first.code)
    assert.truthy(process.record(first.folder):find('"status":"interrupted"', 1, true))
    assert.matches("\n23,19.5\n$", process.metrics(only_run(first)))
    local again = script(text, ("%s steps=30 replay=%s"):format(quiet, only_run(first)))
    assert.equal(0, again.code)
    assert.truthy(process.record(again.folder):find('"status":"interrupted"', 1, true))
    assert.equal(process.metrics(only_run(first)), process.metrics(only_run(again)))
    local alone = script(text, ("--no-window replay=%s"):format(only_run(first)))
    assert.equal("23\tnil\n", alone.out)
    assert.truthy(alone.err:find("ended at step 23, where that run was", 1, true), alone.err)
    assert.truthy(alone.err:find("counted: not checked", 1, true), alone.err)
    assert.equal(process.metrics(only_run(first)), process.metrics(only_run(alone)))
    local given = script("local run = require 'moonlab'.run { steps = 5 } for s in run:steps(math.huge) do io.write(s, ' ') end",
      quiet .. " steps=3")
    assert.equal("1 2 3 ", given.out)
  end)
end)
