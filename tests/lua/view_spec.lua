-- Runs that are looked at from outside: ml.open_run, what tells runs apart, `moonlab view`.
local source = os.getenv "MOONLAB_SOURCE"
local process = dofile(source .. "/tests/lua/process.lua")
local screen  = dofile(source .. "/tests/lua/screen.lua")
local ml     = require "moonlab"
local labels = require "moonlab.run_labels"
local view   = require "moonlab.view"

teardown(process.remove_all)

local SCRIPT = [[
  local ml = require "moonlab"
  local run = ml.run { name = "demo", steps = 20, lr = 0.1, wide = false, layers = { 8, 8 }, note = "plain" }
  for step in run:steps() do
    run:log { train_loss = run.lr * step + run.seed, test_loss = 2 * step, acc = step / 20 }
  end
  run:check("learned", run.lr < 100, "as it should")
]]

-- A run that takes 10 ms a step; from step 40 on it logs more.
local SLOW = [[
  local ml = require "moonlab"
  local run = ml.run { name = "slow", steps = 100, lr = 0.1, die = 0 }
  for step in run:steps() do
    local t = os.clock()
    while os.clock() - t < 0.01 do end
    run:log { loss = 1 / step }
    if step >= 40 then run:log { late = step } end
    if step == run.die then os.execute "kill -9 $PPID" end
  end
]]

-- Runs of SCRIPT with these words each; returns their folder, and the directories in this order.
local function runs(list, script)
  local folder, dirs = process.folder(), {}
  for i, words in ipairs(list) do
    local before = {}
    for _, dir in ipairs(process.runs(folder)) do before[dir] = true end
    assert.equal(0, process.script(script or SCRIPT, words .. " --quiet", { folder = folder }).code)
    for _, dir in ipairs(process.runs(folder)) do
      if not before[dir] then dirs[i] = dir end
    end
  end
  return folder, dirs
end

local function run_view(folder, words, environment)
  return process.shell(("%s view %s"):format(process.program, words or ""), { folder = folder, environment = environment })
end

local function shown(v)
  local list = {}
  for i, panel in ipairs(v.panels) do list[i] = table.concat(panel, "+") end
  return table.concat(list, " ")
end

local function pixels(v) return v.figure:pixels { size = { 300, 200 } } end

-- How many pixels differ.
local function distance(a, b) return a:ne(b):cast("f64"):sum():item() end

describe("ml.open_run", function()
  it("gives parameters, metrics to the bit, checks and how the run ended", function()
    local _, dirs = runs { "lr=0.3 seed=7 layers=4,2,1" }
    local run = ml.open_run(dirs[1])
    assert.equal("demo", run.name)
    assert.equal("done", run.status)
    assert.same({ 0.3, 7, 20, { 4, 2, 1 }, false },
      { run.params.lr, run.params.seed, run.params.steps, run.params.layers, run.params.wide })
    assert.same({ "acc", "test_loss", "train_loss" }, run.metrics)
    local steps, values = run:metric "train_loss"
    assert.equal("i64", steps.dtype)
    assert.equal("f64", values.dtype)
    assert.equal(20, #steps)
    for i = 1, 20 do
      assert.equal(i, steps[i]:item())
      assert.equal(0.3 * i + 7, values[i]:item())
    end
    assert.same({ { step = 20, name = "learned", passed = true, detail = "as it should" } }, run.checks)
    assert.equal(20, run.step)
    assert.is_nil(run.damaged)
    assert.is_nil(run.trouble)
    assert.falsy(run:is_running())
    assert.falsy(run:update())
    local _, why = pcall(function() run:metric "trian_loss" end)
    assert.matches("view_spec%.lua:%d+: open_run: unknown metric 'trian_loss'; did you mean 'train_loss'%?", why)
    run:close()
    assert.error_matches(function() run:update() end, "was closed")
    assert.equal(20, #run:metric "acc")
  end)

  it("says what there is when it finds none", function()
    assert.error_matches(function() ml.open_run(3) end, "open_run: takes the directory of a run, or a name, got a number")
    assert.error_matches(function() ml.open_run "no/such/place" end, "there is no run 'no/such/place'")
  end)

  it("reads what is before a damaged or a missing end", function()
    local _, dirs = runs { "" }
    local text = process.read(dirs[1] .. "/log")
    process.write(dirs[1] .. "/log", text:sub(1, -100))
    local cut = ml.open_run(dirs[1])
    assert.equal("cut", cut.damaged)
    assert.truthy(#cut:metric "acc" >= 18)
    local half = #text // 2
    process.write(dirs[1] .. "/log", text:sub(1, half) .. "garbage in the middle" .. text:sub(half + 1))
    local damaged = ml.open_run(dirs[1])
    assert.equal("damaged", damaged.damaged)
    local n = #damaged:metric "acc"
    assert.truthy(n >= 5 and n < 20, n)
    process.write(dirs[1] .. "/log", "no log at all")
    assert.error_matches(function() ml.open_run(dirs[1]) end, "is not the log of a run")
  end)

  it("knows a run that was killed from one at work", function()
    local folder = process.folder()
    process.script(SLOW, "die=30 --quiet", { folder = folder })
    local run = ml.open_run(process.runs(folder)[1])
    assert.equal("lost", run.status)
    assert.falsy(run:is_running())
    assert.truthy(run.step >= 25 and run.step <= 30, run.step) -- a kill may cost 20 ms
    assert.equal(run.step, #run:metric "loss")
  end)

  it("follows a run that another process writes", function()
    local folder = process.folder()
    process.write(folder .. "/script.lua", SLOW)
    os.execute(("cd '%s' && MOONLAB_RUNS=runs '%s' run script.lua --quiet >out 2>&1 &"):format(folder, process.program))
    local clock = os.time()
    local dir
    repeat dir = process.runs(folder)[1] until dir and process.exists(dir .. "/run.json") or os.time() - clock > 20
    local run = ml.open_run(dir)
    local first, v = #run.metrics > 0 and #run:metric "loss" or 0, view.new({ run.dir }, {})
    assert.truthy(first < 100)
    assert.equal("running", run.status)
    assert.truthy(v:is_running())
    local before, rounds = nil, 0
    while (run:is_running() or v:is_running()) and os.time() - clock < 60 do
      run:update()
      if v:poll() then rounds = rounds + 1 end
      if shown(v) == "loss" then before = before or pixels(v) end
    end
    assert.equal("done", run.status)
    assert.equal(100, #run:metric "loss")
    assert.equal(61, #run:metric "late")
    local _, values = run:metric "loss"
    for i = 1, 100 do assert.equal(1 / i, values[i]:item()) end
    assert.truthy(rounds > 3, rounds)
    assert.equal("loss late", shown(v)) -- a panel more
    assert.truthy(before and distance(before, pixels(v)) > 1000)
    assert.truthy(table.concat(v:news(), "\n"):find("slow/%d+%-%d+: done after step 100"))
    assert.same({}, v:news())
  end)
end)

describe("runs over each other", function()
  it("are named by what they differ in, in its order, the seed last", function()
    local _, dirs = runs { "lr=10.0 seed=2", "lr=9 seed=1", "lr=9 seed=2 wide=true" }
    local v = view.new(dirs, {})
    assert.same({ "lr 9, wide false, seed 1", "lr 9, wide true, seed 2", "lr 10, wide false, seed 2" }, v.labels)
    assert.equal("acc test_loss+train_loss", shown(v))
    assert.equal("demo: 3 runs", v:title())
  end)

  it("are named by their time when they do not differ", function()
    local _, dirs = runs { "", "" }
    local v = view.new(dirs, {})
    assert.matches("^%d%d:%d%d:%d%d", v.labels[1])
    assert.not_equal(v.labels[1], v.labels[2])
    assert.matches("^demo %d%d:%d%d:%d%d", view.new({ dirs[1] }, {}):title())
  end)

  it("of different experiments are named by it, and by what all of them have", function()
    local a = { name = "a", started = "20260102-030405", params = { lr = 1, only = 3, seed = 1 } }
    local b = { name = "b", started = "20260103-030405", params = { lr = 2, seed = 1 } }
    local c = { name = "a", started = "20260102-030405-2", params = { lr = 1, only = 4, seed = 1 } }
    local list = { b, c, a }
    assert.same({ "name", "lr" }, labels.differing(list))
    assert.same({ "a, lr 1, 2026-01-02 03:04:05", "a, lr 1, 2026-01-02 03:04:05 (2)", "b, lr 2" },
      labels.of(list, labels.differing(list)))
    assert.same({ "only" }, labels.differing { a, c })
    assert.same({}, labels.differing { a })
    assert.same({ "lr" }, labels.differing { -- 1 and 1.0 are the same value; a list is compared item by item
      { name = "a", params = { x = 1, l = { 1, 2 }, lr = 1 } }, { name = "a", params = { x = 1.0, l = { 1, 2 }, lr = 2 } },
    })
    assert.same({ "x none", "x 1" }, labels.of({ { name = "a", started = "a", params = {} },
      { name = "a", started = "b", params = { x = 1 } } }, { "x" }))
  end)

  it("have one colour each in all panels, and the metrics of a panel a dash", function()
    local _, dirs = runs { "lr=0.1", "lr=0.2" }
    local v = view.new(dirs, {})
    assert.same({ "blue", "orange" }, v.colours)
    local _, _, first = v:curve(1, "train_loss") -- the next curve of that metric would look so
    local _, _, second = v:curve(2, "acc")
    assert.same({ "blue", "dashed", "", 1 }, { first.colour, first.dash, first.label, first.group })
    assert.same({ "orange", "solid", "lr 0.2", 2 }, { second.colour, second.dash, second.label, second.group })
    assert.equal(40, #labels.colours(40))
    assert.matches("^#%x%x%x%x%x%x$", labels.colours(40)[40])
  end)

  it("show what happened in one that is alone, a few of the last", function()
    local script = [[
      local ml = require "moonlab"
      local run = ml.run { name = "knobs", steps = 400, n = 2 }
      local core = run._.core
      for step in run:steps() do
        run:log { loss = 1 / step, late = step > 50 and step or nil }
        if step % 10 == 0 and step <= 10 * run.n then core:change(step, 1, "lr", ("%.17g"):format(step / 1000), false) end
        if step == 300 then core:event(step, "half\27[1m way\nthere") end
      end
      run:check("learned", true)
      run:check("slept", true)
    ]]
    local _, dirs = runs({ "n=2", "n=40" }, script)
    local function texts(v)
      local list = {}
      for i, mark in ipairs(v.figure.changes or {}) do list[i] = mark.step .. " " .. mark.text end
      return list
    end
    assert.same({ "10 lr 0.01", "20 lr 0.02", "300 half [1m way there", "400 ✓ learned", "400 ✓ slept" },
      texts(view.new({ dirs[1] }, {})))
    local many = texts(view.new({ dirs[2] }, {}))
    assert.equal(24, #many)
    assert.equal("400 ✓ slept", many[24])
    assert.same({}, texts(view.new(dirs, {})))
    local changes = ml.open_run(dirs[1]).changes
    assert.same({ step = 20, loop = 1, name = "lr", value = "0.02", goes_on = false }, changes[2])
    local with, without = view.new({ dirs[1] }, {}), view.new({ dirs[1] }, { apart = true })
    assert.truthy(distance(pixels(with), pixels(without)) > 100)
  end)

  it("that differ in the seed alone become a mean with a band", function()
    local _, dirs = runs { "seed=1", "seed=2", "seed=6", "lr=0.2 seed=1 steps=20" }
    local v = view.new(dirs, { mean = true })
    assert.same({ "lr 0.1 (3 runs)", "lr 0.2 (1 run)" }, v.labels)
    local loss = v.means.shown[1].train_loss
    assert.equal(20, #loss.middle)
    for i = 1, 20 do assert.near(0.1 * i + 3, loss.middle[i]:item(), 1e-12) end
    local std = math.sqrt(((1 - 3) ^ 2 + (2 - 3) ^ 2 + (6 - 3) ^ 2) / 2)
    assert.near(std, loss.high[5]:item() - loss.middle[5]:item(), 1e-12)
    assert.near(0, v.means.shown[2].train_loss.high[5]:item() - v.means.shown[2].train_loss.middle[5]:item(), 1e-12)
  end)

  it("are averaged at the steps that all of them have", function()
    local script = [[
      local ml = require "moonlab"
      local run = ml.run { name = "odd", steps = 30, gap = 1 }
      for step in run:steps() do
        if step % run.gap == 0 then run:log { loss = run.gap } end
      end
    ]]
    local _, dirs = runs({ "gap=2", "gap=3", "steps=10 gap=2" }, script)
    local short = view.new({ dirs[1], dirs[3] }, { mean = true })
    assert.same({ "steps 10 (1 run)", "steps 30 (1 run)" }, short.labels)
    local align = require("moonlab.view_means").align
    local all = {}
    for i = 1, 3 do
      local steps, values = ml.open_run(dirs[i]):metric "loss"
      all[i] = { steps = steps, values = values }
    end
    local steps, values = align { all[1], all[2] }
    assert.same({ 6, 12, 18, 24, 30 }, steps:tolist())
    assert.same({ { 2, 2, 2, 2, 2 }, { 3, 3, 3, 3, 3 } }, values:tolist())
    steps = align { all[1], all[3] }
    assert.same({ 2, 4, 6, 8, 10 }, steps:tolist())
  end)

  it("show what was asked for, in panels apart when they are many", function()
    local words = {}
    for i = 1, 8 do words[i] = ("lr=%g"):format(i / 100) end
    local _, dirs = runs(words)
    assert.equal("acc test_loss train_loss", shown(view.new(dirs, {})))
    assert.equal("test_loss+train_loss", shown(view.new({ dirs[1] }, { metrics = { "*_loss" } })))
    assert.equal("x", view.new({ dirs[1] }, { metrics = { "x" } }):missing())
  end)
end)

describe("a run.json that is not to be trusted", function()
  local function with_json(text)
    local folder, dirs = runs { "" }
    os.remove(dirs[1] .. "/run.json")
    if text then process.write(dirs[1] .. "/run.json", text) end
    return folder, dirs[1]
  end

  it("leaves the metrics to be seen", function()
    for _, text in ipairs {
      "[]", "[1, 2]", "1", "", "{", "null", '"text"', "\0\0\0",
      '{"name": 3, "params": [1], "status": {}, "pid": "x", "machine": 2}',
      '{"params": 7, "status": "mad", "pid": -1, "machine": {"host": 5}}', '{"params": {"lr": null, "x": {"y": [[]]}}}',
      ("["):rep(100000), '{"a": ' .. ("["):rep(150) .. ("]"):rep(150) .. "}", '{"params": {"lr": 1e999, "lr2": -1e999}}',
    } do
      local _, dir = with_json(text)
      local run = ml.open_run(dir)
      assert.equal("demo", run.name)
      assert.equal("table", type(run.params))
      assert.equal(20, #run:metric "acc")
      assert.equal("done", run.status) -- the log says so
      local _, other = with_json(text:gsub("7", "8"))
      local v = view.new({ dir, other }, {})
      assert.equal(2, #v.labels)
      assert.truthy(pixels(v).shape[1] > 0)
    end
    assert.matches("run.json cannot be read: json: wrong at byte 1", ml.open_run(select(2, with_json "")).trouble)
    assert.matches("run.json cannot be read: it is no object", ml.open_run(select(2, with_json "[1]")).trouble)
    assert.matches("run.json cannot be read: No such file", ml.open_run(select(2, with_json(nil))).trouble)
  end)

  it("is not waited for, nor read when it is huge", function()
    local _, dir = with_json(nil)
    assert(os.execute(("mkfifo '%s/run.json'"):format(dir)))
    assert.matches("it is no file", ml.open_run(dir).trouble)
    os.remove(dir .. "/run.json")
    assert(os.execute(("truncate -s 1T '%s/run.json'"):format(dir)))
    assert.matches("it has more than 16 MB", ml.open_run(dir).trouble)
  end)

  it("may have names in any script, and control characters, that are drawn or left out", function()
    local function json(i)
      return ('{"name": "\\u001b[31mred\\n\\t %s", "params": {"λ\\u0000\\r": %d, '
        .. '"名前": "\\ud83d\\ude00 שלום %s %d", "x^{": "\\\\alpha_{"}}'):format(("a"):rep(300), i, ("é"):rep(200), i)
    end
    local _, a = with_json(json(1))
    local folder, b = with_json(json(2))
    local v = view.new({ a, b }, {})
    for _, label in ipairs(v.labels) do
      assert.falsy(label:find "%c", label)
      assert.truthy(utf8.len(label), label)
    end
    assert.falsy(v:title():find "%c")
    assert.truthy(pixels(v).shape[1] > 0)
    local done = run_view(folder, ("--save x.png '%s' '%s'"):format(a, b))
    assert.equal(0, done.code, done.err)
    assert.equal("", done.err)
  end)
end)

describe("moonlab view", function()
  it("draws to a file: the newest run, one of a name, several, a directory", function()
    local folder, dirs = runs { "lr=0.1", "lr=0.2", "lr=0.3" }
    for _, words in ipairs {
      "", "demo", "demo:3", "demo:99", "'" .. dirs[2] .. "/'", "runs/demo", "--newest 2 demo", "demo demo", "--log demo",
      "--mean demo:3", "--smooth 0.9 demo:2", "--metrics '*_loss' demo", "--no-follow --style=dark demo",
    } do
      os.remove(folder .. "/out.png")
      local done = run_view(folder, words .. " --save out.png")
      assert.equal(0, done.code, words .. done.err)
      assert.equal("out.png\n", done.out)
      assert.equal("", done.err, words)
      assert.equal("\x89PNG", process.read(folder .. "/out.png"):sub(1, 4))
    end
    local short = dirs[1]:match "demo/.*$"
    assert.equal(0, run_view(folder, short .. " --save out.svg --style print").code)
    assert.truthy(process.read(folder .. "/out.svg"):find "<svg")
    assert.equal(0, run_view(folder, short .. " --save out.PDF").code)
  end)

  it("says what there is when there is no such run", function()
    local folder, dirs = runs { "" }
    local stamp = dirs[1]:match "[^/]+$"
    local escaped = stamp:gsub("%-", "%%-")
    for words, why in pairs {
      ["dmo"] = "there is no run 'dmo'; did you mean 'demo'%?",
      ["nothing"] = "there is no run 'nothing'; in 'runs' there are: demo",
      ["demo/" .. stamp .. "-7"] = ("there is no run 'demo/%s%%-7'; did you mean 'demo/%s'%%?"):format(escaped, escaped),
      ["script.lua"] = "there is no run 'script.lua'",
      ["demo:0"] = "'demo:0': at least one run must be meant",
      ["''"] = "the name of a run is empty",
      ["demo --metrics los"] = "nothing is called 'los'",
    } do
      local done = run_view(folder, words .. " --save x.png")
      assert.equal(1, done.code, words)
      assert.matches("^moonlab view: ", done.err)
      assert.matches(why, done.err)
      assert.falsy(done.err:find "lua:%d")
    end
    local nothing = run_view(process.folder(), "")
    assert.equal(1, nothing.code)
    assert.matches("there is no run in 'runs'; moonlab run SCRIPT makes one", nothing.err)
  end)

  it("refuses a wrong command line", function()
    for words, why in pairs {
      ["--metrcs x"] = "unknown option '%-%-metrcs'; did you mean '%-%-metrics'%?",
      ["--save"] = "%-%-save needs a file",
      ["--save x.gif"] = "ends in .png, .svg or .pdf, got 'x.gif'", ["--style blue"] = "light, dark or print, got 'blue'",
      ["--newest=0"] = "%-%-newest needs a number of runs", ["--metrics=,"] = "%-%-metrics needs names",
      ["-x"] = "unknown option", ["--smooth 0.5 --mean"] = "do not go together",
      ["--smooth 1"] = "%-%-smooth needs a number from 0 to below 1, as 0.9, got '1'",
      ["--log=3"] = "unknown option '%-%-log=3'",
    } do
      local done = run_view(nil, words)
      assert.equal(2, done.code, words)
      assert.matches(why, done.err)
      assert.matches("`moonlab help view` says more", done.err)
    end
    local help = process.shell(process.program .. " help view")
    assert.equal(0, help.code)
    assert.matches("%-%-save FILE", help.out)
  end)

  it("says what to do where there is neither a display nor a terminal", function()
    local folder = runs { "" }
    local done = run_view(folder, "demo")
    assert.equal(1, done.code)
    assert.matches("there is no display, and stderr is no terminal; %-%-save FILE%.png draws to a file", done.err)
    assert.matches("%-%-tui draws on a terminal, and stderr is none", run_view(folder, "demo --tui").err)
    assert.matches("no display", run_view(folder, "demo", { DISPLAY = ":987" }).err)
  end)

  it("tells of logs that are damaged, and of runs that were killed", function()
    local folder, dirs = runs { "" }
    local text = process.read(dirs[1] .. "/log")
    process.write(dirs[1] .. "/log", text:sub(1, 700) .. "x" .. text:sub(701))
    local done = run_view(folder, "demo --save x.png")
    assert.equal(0, done.code, done.err)
    assert.matches("demo/[%d-]+: its log is damaged after step %d+; what is before that is shown", done.err)
    process.write(dirs[1] .. "/log", text:sub(1, 16))
    assert.matches("has logged no metrics", run_view(folder, "demo --save x.png").err)
    process.script(SLOW, "die=20 --quiet", { folder = folder })
    done = run_view(folder, "slow --save x.png")
    assert.equal(0, done.code)
    assert.matches("slow/[%d-]+: its process is gone without an end; the last record is of step %d+\n", done.err)
  end)

  local ENVIRONMENT = { TERM = "xterm", LC_ALL = "C.UTF-8" }

  it("draws braille on a terminal without a display, and ends with the last run", function()
    local folder, dirs = runs { "lr=0.1", "lr=0.2" }
    process.write(folder .. "/slow.lua", SLOW)
    process.write(folder .. "/both", ("'%s' run slow.lua --quiet --no-window & sleep 0.3; '%s' view slow '%s'\n")
      :format(process.program, process.program, dirs[1]))
    local done = process.dialogue(process.program .. " view demo:2", {}, { folder = folder, environment = ENVIRONMENT })
    local picture = table.concat(screen(done.out, 100), "\n")
    assert.equal(0, done.code, done.out)
    assert.matches("^ +acc +test_loss *\n", picture)                 -- a panel each, and one legend for all
    assert.matches("\nlr 0%.1   lr 0%.2 *\ndemo: 2 runs", picture)
    assert.truthy(picture:find "\xE2[\xA0-\xA3][\x80-\xBF]")
    done = process.dialogue("/bin/sh both", {}, { folder = folder, environment = ENVIRONMENT })
    picture = table.concat(screen(done.out, 100), "\n")
    assert.equal(0, done.code, done.out)
    assert.matches("1 running", done.out)
    assert.matches("Ctrl%-C ends", done.out)
    assert.matches("demo, slow: 2 runs\n", picture)
    assert.matches("slow/[%d-]+: done after step 100", picture)
    assert.matches("late", picture)
  end)

  it("opens a window where there is a display, and Ctrl-C closes it", function()
    if not os.execute "command -v xvfb-run >/dev/null" then return pending "needs xvfb-run" end
    local folder = runs { "lr=0.1", "lr=0.2" }
    local words = "xvfb-run -a -s '-screen 0 1000x700x24' timeout --preserve-status -s INT %d '%s' view demo:2 --style dark"
    local done
    for _, seconds in ipairs { 2, 10, 30 } do -- a busy machine may not have come to the window yet: then Ctrl-C just ends it
      local clock = os.time()
      done = process.shell(words:format(seconds, process.program), { folder = folder })
      assert.truthy(os.time() - clock >= seconds)
      if done.code ~= 130 then break end
    end
    assert.same({ 0, "" }, { done.code, done.err })
  end)

  it("notices that a run was killed while it looked", function()
    local folder = process.folder()
    process.write(folder .. "/slow.lua", SLOW)
    process.write(folder .. "/both", ("'%s' run slow.lua steps=3000 --quiet --no-window & run=$!\n"
      .. "sleep 0.3; (sleep 1; kill -9 $run) & exec '%s' view\n"):format(process.program, process.program))
    local done = process.dialogue("/bin/sh both", { "expect running" }, { folder = folder, environment = ENVIRONMENT })
    assert.equal(0, done.code, done.out)
    assert.matches("slow %d%d:%d%d:%d%d: lost", done.out)
    assert.matches("slow/[%d-]+: its process is gone without an end; the last record is of step %d+", done.out)
  end)

  it("is ended by Ctrl-C, without harm to the run, and that is no failure", function()
    local folder = process.folder()
    process.write(folder .. "/slow.lua", SLOW)
    process.write(folder .. "/out", "")
    process.write(folder .. "/both", ("setsid '%s' run slow.lua steps=300 --quiet --no-window <out >out 2>&1 &\n"
      .. "sleep 0.3; exec '%s' view\n"):format(process.program, process.program))
    local done = process.dialogue("/bin/sh both", { "expect running", "send \\x03" },
      { folder = folder, environment = ENVIRONMENT })
    assert.equal(0, done.code, done.out)
    local run = ml.open_run(process.runs(folder)[1])
    assert.equal("running", run.status)
    local clock = os.time()
    while run:is_running() and os.time() - clock < 60 do run:update() end
    assert.equal("done", run.status)
    assert.equal(300, #run:metric "loss")
  end)
end)
