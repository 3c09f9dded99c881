-- The playground without a window: it is turned as by a hand, in every combination that a student may come to.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
local support = dofile(process.source .. "/tests/lua/support.lua")
local path    = process.source .. "/examples/play.lua"

teardown(process.remove_all)

-- The playground with a hand at its knobs: PLAN[n] = { knob = value, ... }, or a list of such pairs in their order, is done
-- after n steps. Buttons have the value 1. TOLD is called with each title of the first panel.
local hand = [[
  local ml, start = require "moonlab", require("moonlab").run
  local knobs, figure = {}, nil
  for _, kind in ipairs { "slider", "choice", "button" } do -- to know their order, and their texts
    local make = ml.ui[kind]
    ml.ui[kind] = function(run, name, texts, opts)
      knobs[#knobs + 1] = name
      knobs[name] = { place = #knobs, texts = kind == "choice" and texts }
      return make(run, name, texts, opts)
    end
  end
  function ml.run(parameters)
    local run = start(parameters)
    local steps, make_figure = run.steps, run.figure
    rawset(run, "figure", function(self, opts)
      figure = make_figure(self, opts)
      local panel = figure.panel
      rawset(figure, "panel", function(fig, n, options)
        if n == 1 and options.title and TOLD then TOLD(run.step, options.title) end
        return panel(fig, n, options)
      end)
      return figure
    end)
    rawset(run, "steps", function(self)
      local next_step, a, b, closing = steps(self)
      return function(...)
        if DRAWN and DRAWN(run.step) then figure:refresh():pixels { size = { 600, 400 } } end
        for _, change in ipairs(PLAN[run.step] or {}) do
          local knob, value = knobs[change[1] ], change[2]
          for place, text in ipairs(knob.texts or {}) do
            if text == value then value = place end
          end
          run._.knobs.board:turn(knob.place, value)
        end
        return next_step(...)
      end, a, b, closing
    end)
    return run
  end
  dofile(PLAYGROUND)
]]

local function play(plan, arguments)
  local text = ("local PLAYGROUND = %q\nlocal PLAN, TOLD, DRAWN = {}\n%s\n%s"):format(path, plan, hand)
  return process.script(text, arguments .. " --quiet --no-window")
end

local function good(done)
  assert.equal("", done.err)
  assert.equal(0, done.code)
  return done
end

-- The metrics of the only run: { { step =, train_loss =, ... }, ... }.
local function metrics(done)
  local lines, names = process.metrics(process.runs(done.folder)[1]):gmatch "[^\n]+", {}
  for name in lines():gmatch "[^,]+" do names[#names + 1] = name end
  local rows = {}
  for line in lines do
    local row, i = {}, 0
    for word in line:gmatch "[^,]+" do
      i = i + 1
      row[names[i]] = tonumber(word)
      assert.is_truthy(tonumber(word) and math.abs(tonumber(word)) < math.huge, line)
    end
    rows[#rows + 1] = row
  end
  return rows
end

local function after(rows, step, until_step)
  local list = {}
  for _, row in ipairs(rows) do
    if row.step > step and row.step <= until_step then list[#list + 1] = row.train_loss .. " " .. row.test_acc end
  end
  return list
end

local EACH = 10 -- steps of a combination; so many are looked at one by one

-- A sanitizer finds in few combinations what it finds in all.
local networks   = support.sanitized and { "8-8", "cnn" } or { "8-8", "linear", "cnn", "64-64-64" }
local optimizers = support.sanitized and { "SGD", "Muon" } or { "SGD", "momentum", "Adam", "AdamW", "RMSprop", "Lion", "Muon" }

describe("the playground", function()
  for _, data in ipairs { "spirals", "moons", "circles", "modular", "mnist1d" } do
    it("learns " .. data .. " with every optimizer, a few networks and activations, and draws it", function()
      local plan, step = {}, 0
      for _, network in ipairs(networks) do
        for i, optimizer in ipairs(optimizers) do
          local activation = ({ "relu", "tanh", "gelu", "sigmoid", "sin" })[(i - 1) % 5 + 1]
          local first = i == 1 and ("{ 'architecture', '%s' },"):format(network) or ""
          plan[#plan + 1] = ("PLAN[%d] = { %s { 'activation', '%s' }, { 'optimizer', '%s' } }")
            :format(step, first, activation, optimizer)
          step = step + EACH
        end
      end
      plan[#plan + 1] = "DRAWN = function(step) return step % 40 == 19 end"
      local done = good(play(table.concat(plan, "\n"), ("data=%s steps=%d"):format(data, step)))
      local rows = metrics(done)
      assert.equal(step, rows[#rows].step) -- a step each at first
      for from = 0, step - EACH, EACH do
        local seen = after(rows, from, from + EACH)
        assert.equal(EACH, #seen)
        assert.not_equal(seen[1], seen[EACH])
      end
      for _, ending in ipairs { "png", "svg", "pdf" } do
        assert.is_true(process.exists(process.runs(done.folder)[1] .. "/figures/figure." .. ending))
      end
    end)
  end

  it("begins anew with the same numbers after 'again', with others after 'new seed' and every other change", function()
    local changes = {
      { "noise", "0.3" }, { "wrong_labels", "0.25" }, { "train_fraction", "0.75" }, { "batch", "7" }, { "data", "'moons'" },
      { "activation", "'sin'" }, { "architecture", "'4'" }, { "optimizer", "'Adam'" },
    }
    local plan = "PLAN[40] = { { 'again', 1 } } PLAN[80] = { { 'new_seed', 1 } } PLAN[120] = { { 'again', 1 } }\n"
    for i, change in ipairs(changes) do
      plan = plan .. ("PLAN[%d] = { { '%s', %s } }\n"):format(120 + 40 * i, change[1], change[2])
    end
    local done = good(play(plan, "architecture=8 steps=" .. 160 + 40 * #changes))
    local rows = metrics(done)
    local first = after(rows, 0, 40)
    assert.equal(40, #first)
    assert.same(first, after(rows, 40, 80))
    local second = after(rows, 80, 120)
    for i = 1, 40 do assert.not_equal(first[i], second[i]) end
    assert.same(second, after(rows, 120, 160))
    local before = second
    for i, change in ipairs(changes) do
      local this = after(rows, 120 + 40 * i, 160 + 40 * i)
      assert.equal(40, #this, change[1])
      assert.not_equal(before[40], this[40], change[1])
      before = this
    end
    local lesson = process.runs(done.folder)[1]
    local replay = process.shell(("%s play replay='%s' --no-window --quiet"):format(process.program, lesson))
    assert.equal("", replay.err)
    assert.equal(process.metrics(lesson), process.metrics(process.runs(replay.folder)[1]))
  end)

  it("takes a new learning rate and weight decay without a new start", function()
    local plain = metrics(good(play("", "data=modular p=11 steps=60")))
    for _, change in ipairs { "{ 'lr', 0.1 }", "{ 'weight_decay', 0.1 }" } do
      local rows = metrics(good(play(("PLAN[30] = { %s }"):format(change), "data=modular p=11 steps=60")))
      assert.same(after(plain, 0, 30), after(rows, 0, 30))
      local old, new = after(plain, 30, 60), after(rows, 30, 60)
      assert.equal(#old, #new)
      for i = 1, #old do assert.not_equal(old[i], new[i]) end
      assert.is_true(rows[31].train_loss < rows[1].train_loss / 2) -- it goes on from where it was
    end
  end)

  it("says so when the loss is no number any more, and goes on after 'again'", function()
    local done = play([[
      PLAN[0] = { { 'lr', 10 }, { 'activation', 'relu' } }
      PLAN[300] = { { 'lr', 0.05 } }
      PLAN[320] = { { 'again', 1 } }
      TOLD = function(step, title) print(step, title) end
    ]], "data=circles architecture=64-64-64 optimizer=SGD weight_decay=2 steps=340")
    assert.equal("", done.err)
    assert.equal(0, done.code)
    local broken = tonumber(done.out:match "(%d+)\tThe loss is no number any more: lower the rate, press again")
    assert.is_truthy(broken and broken < 300, done.out)
    assert.is_truthy(done.out:find "\n320\tcircles, seed 1")
    local csv = process.metrics(process.runs(done.folder)[1])
    assert.is_truthy(csv:find "\n340,[%d.]+,[%d.]+,[%d.]+,[%d.]+\n$", csv)
  end)

  it("puts up with the corners of its knobs", function()
    for _, arguments in ipairs {
      "data=modular p=5 train_fraction=0.02", "data=modular p=97 architecture=linear wrong_labels=1 train_fraction=0.98",
      "data=mnist1d train_fraction=0.02 wrong_labels=1 noise=1 batch=4096 architecture=1", "train_fraction=0.02 batch=1 noise=1",
      "train_fraction=0.98 wrong_labels=1 architecture=cnn", "data=moons noise=0 batch=4096 architecture=3-300 lr=1e-5",
    } do
      local done = process.shell(("%s play steps=30 --no-window --quiet %s"):format(process.program, arguments))
      assert.equal("", done.err, arguments)
      assert.equal(0, done.code)
      assert.equal(30, #metrics(done))
    end
  end)

  it("is a command, whose run keeps the script, and whose words are checked", function()
    local done = process.shell(process.program .. " play steps=3 data=moons lr=0.01 --no-window --quiet")
    assert.equal("", done.err)
    assert.equal(process.read(path), process.read(process.runs(done.folder)[1] .. "/script.lua"))
    assert.is_truthy(process.record(done.folder):find('"lr":0.01', 1, true))
    assert.is_truthy(process.record(done.folder):find('"command":"moonlabplaysteps=3data=moons', 1, true))
    for arguments, wanted in pairs {
      ["--no-window"] = { 1, "a loop without end ends with its window" },
      ["lrr=3"] = { 2, "moonlab play: lrr=3: unknown parameter 'lrr'; did you mean 'lr'?" },
      ["lr=fast"] = { 2, "lr must be a number (default 0.03)" },
      ["data=modular lr=fast"] = { 2, "lr must be a number (default 0.01)" },
      ["lr=20"] = { 1, "lr must be 1e-05..10, got 20" },
      ["p=3"] = { 1, "p must be 5..97, got 3" },
      ["data=mons"] = { 1, "'mons' is none of 'spirals', 'moons', 'circles', 'modular', 'mnist1d'; did you mean 'moons'?" },
      ["architecture=8-0"] = { 1, "a layer has 1..1024 units, got 0" },
      ["architecture=wide"] = { 1, "'wide' is none of" },
      ["--watch"] = { 2, "moonlab play: unknown option '--watch'" },
      ["more"] = { 2, "moonlab play: 'more' is not of the form key=value" },
    } do
      local wrong = process.shell(("%s play %s"):format(process.program, arguments))
      assert.equal(wanted[1], wrong.code, arguments)
      assert.is_truthy(wrong.err:find(wanted[2], 1, true), wrong.err)
    end
    assert.is_truthy(process.shell(process.program .. " help").out:find "\n  play ")
  end)

  it("uses nothing but what every script may", function()
    local text = process.read(path):gsub("%-%-[^\n]*", "")
    for _, word in ipairs { "moonlab%.", "%f[%w]core%f[%W]", "[%.:]_", "debug", "package", "rawget", "rawset", "session" } do
      assert.is_nil(text:find(word), word)
    end
    assert.is_truthy(text:find 'require "moonlab"')
  end)
end)
