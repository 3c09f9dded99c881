-- Runs, as scripts see them, through the moonlab program and through the stock interpreter.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
local script, quiet = process.script, "--quiet"

-- A network small enough for a test: 60 steps of full-batch AdamW on modular addition.
local training = [[
  local ml = require "moonlab"
  local nn = ml.nn
  local run   = ml.run { name = "tiny", seed = 1, steps = 60, lr = 1e-2 }
  local data  = ml.data.modular { p = 11, op = "+", train_fraction = 0.5, seed = run.seed }
  local model = nn.Sequential { nn.Embedding(11, 16), nn.Flatten(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 11) }
  local opt   = ml.optim.AdamW(model:parameters(), { lr = run.lr, weight_decay = 1.0 })
  for step in run:steps() do
    local loss = nn.cross_entropy(model(data.train.x), data.train.y)
    opt:minimize(loss)
    run:log { loss = loss, accuracy = ml.accuracy(model, data.test) }
  end
  run:check("learns", run:last "loss" < 1)
]]

teardown(process.remove_all)

describe("parameters", function()
  local show = [[
    local ml  = require "moonlab"
    local run = ml.run { name = "p", lr = 5e-3, width = 256, bias = true, op = "+", betas = { 0.9, 0.98 }, sizes = { 3, 4 } }
    local function show(v) return type(v) == "table" and table.concat(v, ";") or tostring(v) end
    for _, name in ipairs { "lr", "width", "bias", "op", "betas", "sizes", "seed", "name" } do print(name, show(run[name])) end
  ]]

  it("are the script's defaults", function()
    local done = script(show, quiet)
    assert.equal("", done.err)
    assert.equal("lr\t0.005\nwidth\t256\nbias\ttrue\nop\t+\nbetas\t0.9;0.98\nsizes\t3;4\nseed\t1\nname\tp\n", done.out)
    assert.equal(0, done.code)
  end)

  it("are overridden by key=value of the same type", function()
    local done = script(show, quiet .. " lr=1 width=1e3 bias=no op=x=y 'betas={0.5, 1}' sizes=7 seed=3 name=q")
    assert.equal("", done.err)
    assert.equal("lr\t1.0\nwidth\t1000\nbias\tfalse\nop\tx=y\nbetas\t0.5;1.0\nsizes\t7\nseed\t3\nname\tq\n", done.out)
    assert.truthy(process.exists(process.runs(done.folder)[1] .. "/run.json"))
    assert.matches("/runs/q/", process.runs(done.folder)[1])
  end)

  it("are overridden from a stock interpreter's command line too", function()
    assert.matches("^lr\t1.0\nwidth\t7\n", script(show, "lr=1 width=7", { by = "lua" }).out)
  end)

  local function refused(arguments, message)
    local done = script(show, quiet .. " " .. arguments)
    assert.equal(2, done.code)
    assert.equal("", done.out)
    assert.truthy(done.err:find(message, 1, true), done.err)
    assert.equal(0, #process.runs(done.folder)) -- nothing was started
  end

  it("refuse a word of another type, naming the default and the type", function()
    refused("lr=abc", "moonlab run: lr=abc: lr must be a number (default 0.005), got 'abc'")
    refused("lr=", "lr=: lr must be a number (default 0.005), got ''")
    refused("width=wide", "width=wide: width must be an integer (default 256), got 'wide'")
    refused("width=0.5", "got '0.5'; write the default as 256.0 in the script to allow fractions")
    refused("bias=2", "bias=2: bias must be true or false (default true), got '2'")
    refused("betas=0.9,x", "betas=0.9,x: betas must be a list of numbers (default 0.9,0.98), got '0.9,x'")
    refused("sizes=1,2.5", "sizes=1,2.5: sizes must be a list of integers (default 3,4), got '1,2.5'")
  end)

  it("offer the nearest known name for an unknown one", function()
    refused("widht=3", "widht=3: unknown parameter 'widht'; did you mean 'width'?")
    refused("temperature=3", "unknown parameter 'temperature'; there are: betas, bias, lr, name, op, seed, sizes, width")
  end)

  it("cannot be given to a script that takes none", function()
    local done = script("print 'ran'", quiet .. " lr=1")
    assert.equal(2, done.code)
    assert.truthy(done.err:find("moonlab run: 'lr=1' has no effect: script.lua calls no ml.run", 1, true), done.err)
  end)

  it("are refused with the script's line when the script names them wrongly", function()
    local function wrong(text, message)
      local done = script('local ml = require "moonlab"\n' .. text, quiet)
      assert.equal(1, done.code)
      assert.truthy(done.err:find("script.lua:2: " .. message, 1, true), done.err)
    end
    wrong("ml.run { net = print }", "run: parameter 'net' is a function; parameters are numbers, booleans, texts")
    wrong("ml.run { 5 }", "run: parameters have names, as in lr = 1e-3; got 1")
    wrong("ml.run { log = 5 }", "run: a parameter cannot be called 'log'")
    wrong("ml.run(5)", "run: needs a table of parameters")
    wrong("ml.run { seed = 0.5 }", "run: seed must be an integer >= 0, got 0.5")
    wrong("ml.run { seed = -1 }", "run: seed must be an integer >= 0, got -1")
    wrong("ml.run { name = '../x' }", "run: the name '../x' may only have letters")
    wrong("ml.run { name = 5 }", "run: name must be text")
    wrong("print(ml.run { name = 'a', width = 1 }.widht)", "run: unknown parameter 'widht'; did you mean 'width'?")
  end)

  it("are kept in the run's directory, beside the script", function()
    local done   = script(show, quiet .. " width=7")
    local record = process.record(done.folder)
    for _, part in ipairs { '"lr":0.005', '"width":7', '"bias":true', '"op":"+"', '"betas":[0.9,0.98]', '"seed":1',
                            '"status":"done"', '"command":"moonlabrunscript.lua--quietwidth=7"' } do
      assert.truthy(record:find(part, 1, true), part .. " in " .. record)
    end
    assert.equal(show, process.read(process.runs(done.folder)[1] .. "/script.lua"))
  end)

  it("name the run after the script when nothing else does", function()
    assert.matches("/runs/script/", process.runs(script("require 'moonlab'.run {}", quiet).folder)[1])
  end)

  it("seed the random numbers", function()
    local draw = "local ml = require 'moonlab' ml.run {} print(ml.randn { 3 })"
    local first, again, other = script(draw, quiet), script(draw, quiet), script(draw, quiet .. " seed=2")
    assert.equal(first.out, again.out)
    assert.not_equal(first.out, other.out)
  end)
end)

describe("the loop", function()
  it("counts steps, and every(n) is true at the first, at multiples of n and at the last", function()
    local done = script([[
      local run, seen, total = require "moonlab".run { steps = 11 }, {}, 0
      assert(run.step == 0)
      for step in run:steps() do
        assert(step == run.step)
        total = total + 1
        if run:every(4) then seen[#seen + 1] = step end
      end
      print(total, run.params.steps, table.concat(seen, " "))
      for step in run:steps(2) do io.write(step, " ") end
      for _ in run:steps(0) do error "no step" end
    ]], quiet)
    assert.equal("", done.err)
    assert.equal("11\t11\t1 4 8 11\n1 2 ", done.out)
  end)

  it("needs a number of steps", function()
    local done = script("local run = require 'moonlab'.run {}\nfor _ in run:steps() do end", quiet)
    assert.truthy(done.err:find("script.lua:2: run:steps: needs a number of steps, as in ml.run { steps = 1000 }; got nil",
      1, true), done.err)
    local every = script("local run = require 'moonlab'.run {}\nrun:every(0)", quiet)
    assert.truthy(every.err:find("script.lua:2: run:every: needs an integer >= 1, got 0", 1, true), every.err)
  end)

  it("shows progress on the error output, and nothing when told to be quiet", function()
    local text = "local run = require 'moonlab'.run { steps = 5 } for _ in run:steps() do run:log { loss = 0.25 } end"
    local done = script(text)
    assert.matches("100%%.*5/5.*loss 0%.25", done.err)
    assert.falsy(done.err:find("\27", 1, true)) -- no terminal, no escape codes
    assert.equal("", script(text, quiet).err)
  end)

  it("may be left by break: the run is done", function()
    local done = script("local run = require 'moonlab'.run { steps = 9 } \z
                         for s in run:steps() do if s == 3 then break end end", quiet)
    assert.equal(0, done.code)
    assert.matches('"status":"done"', process.record(done.folder))
  end)
end)

describe("metrics", function()
  it("are recorded with their step, and exported as CSV", function()
    local done = script([[
      local ml  = require "moonlab"
      local run = ml.run { steps = 3 }
      run:log { start = true }
      for step in run:steps() do
        run:log { loss = 1 / step, tensor = ml.full({ 1 }, step) }
        if step == 2 then run:log { late = -1e-300 } end
      end
      run:log({ after = 5 }, 10)
    ]], quiet)
    assert.equal("", done.err)
    local rows = {}
    for line in process.metrics(process.runs(done.folder)[1]):gmatch "[^\n]+" do rows[#rows + 1] = line end
    assert.same({ "step,start,loss,tensor,late,after", "0,1,,,,", "1,,1,1,,", "2,,0.5,2,-1e-300,", "3,,0.3333333333333333,3,,",
                  "10,,,,,5" }, rows)
  end)

  it("must be numbers, or tensors of one value, under a name", function()
    local function wrong(call, message)
      local done = script("local ml = require 'moonlab' local run = ml.run {}\n" .. call, quiet)
      assert.equal(1, done.code)
      assert.truthy(done.err:find("script.lua:2: " .. message, 1, true), done.err)
    end
    wrong("run:log { loss = 'low' }", "run:log: 'loss' must be a number or a tensor of one value, got a string")
    wrong("run:log { loss = ml.zeros { 2, 3 } }", "run:log: 'loss' must be a number or a tensor of one value, got ")
    wrong("run:log { 0.5 }", "run:log: metrics have names, as in run:log { loss = loss }")
    wrong("run:log(0.5)", "run:log: metrics have names, as in run:log { loss = loss }")
    wrong("run:log({ loss = 1 }, 0.5)", "run:log: the step must be an integer, got 0.5")
    wrong("run:log({ loss = 1 }, -1)", "")
  end)

  it("are asked for by last and reached", function()
    local done = script([[
      local run = require "moonlab".run { steps = 20 }
      for step in run:steps() do run:log { accuracy = step / 20 } end
      print(run:last "accuracy", run:reached("accuracy", 0.5), run:reached("accuracy", 1.5), run:last("other", 0))
      print(pcall(run.last, run, "acuracy"))
      print(pcall(run.reached, run, "zebra", 1))
    ]], quiet)
    assert.equal("", done.err)
    assert.matches("^1.0\t10\tnil\t0\n", done.out)
    assert.truthy(done.out:find("run:last: unknown metric 'acuracy'; did you mean 'accuracy'?", 1, true), done.out)
    assert.truthy(done.out:find("run:reached: unknown metric 'zebra'; there are: accuracy", 1, true), done.out)
  end)

  it("are the same to the bit for the same seed, on any number of threads", function()
    local first = script(training, quiet)
    assert.equal("", first.err)
    assert.equal(0, first.code)
    local metrics = process.metrics(process.runs(first.folder)[1])
    local _, rows = metrics:gsub("\n", "")
    assert.equal(61, rows)
    for _, threads in ipairs { 1, 2, 3 } do
      local again = script(training, quiet, { environment = { MOONLAB_THREADS = threads } })
      assert.equal(metrics, process.metrics(process.runs(again.folder)[1]))
    end
    local option = script(training, quiet .. " --threads 2")
    assert.equal(metrics, process.metrics(process.runs(option.folder)[1]))
    local other = script(training, quiet .. " seed=2")
    assert.not_equal(metrics, process.metrics(process.runs(other.folder)[1]))
    local stock = script(training, "", { by = "lua" })
    assert.equal(metrics, process.metrics(process.runs(stock.folder)[1]))
  end)
end)

describe("checks", function()
  local text = [[
    local run = require "moonlab".run { name = "claims" }
    run:check("holds", 1 < 2, "1 against 2")
    run:check("fails", 2 < 1, "2 against 1")
    run:check("after it", run)
    print "the script went on"
  ]]

  it("are printed and recorded; one that fails makes the program exit with 3", function()
    local done = script(text)
    assert.equal(3, done.code)
    assert.equal("✓ holds: 1 against 2\n✗ fails: 2 against 1\n✓ after it\nthe script went on\n", done.out)
    local record = process.record(done.folder)
    for _, part in ipairs { '"status":"done"', '"name":"holds"', '"detail":"1against2"', '"passed":false', '"name":"afterit"' } do
      assert.truthy(record:find(part, 1, true), part .. " in " .. record)
    end
  end)

  it("that pass are not printed when quiet, those that fail are", function()
    local done = script(text, quiet)
    assert.equal("✗ fails: 2 against 1\nthe script went on\n", done.out)
    assert.equal(3, done.code)
  end)

  it("that fail are an error under a stock interpreter, which knows no other exit code", function()
    local done = script(text, "", { by = "lua" })
    assert.equal(1, done.code)
    assert.equal("✓ holds: 1 against 2\n", done.out)
    assert.matches("script.lua:3: check failed: fails: 2 against 1", done.err)
    assert.matches('"passed":false', process.record(done.folder))
  end)

  it("exit with 0 when all hold", function()
    assert.equal(0, script("require 'moonlab'.run {}:check('fine', true)", quiet).code)
  end)

  it("are not hidden by os.exit", function()
    assert.equal(3, script("require 'moonlab'.run {}:check('wrong', false) os.exit()", quiet).code)
  end)
end)

-- popen, unlike os.execute, leaves SIGINT alone in this process: the signal is pending when the call returns.
local interrupt = "io.popen('kill -INT $PPID'):close() "

describe("Ctrl-C", function()
  it("ends the loop after the step under way, with everything saved", function()
    local done = script([[
      local run = require "moonlab".run { steps = 1000 }
      local fig = run:figure {}
      fig:lines(1, { "loss" })
      for step in run:steps() do
        if step == 70 then ]] .. interrupt .. [[ end
        run:log { loss = 1 / step }
      end
      print("stopped at", run.step)
      run:check("learned", false)
      for _ in run:steps() do print "no second loop" end
    ]])
    assert.equal(130, done.code)
    assert.matches("stopped at\t70\n$", done.out)
    assert.matches("interrupted at step 70; all of it is in runs/script/", done.err)
    assert.matches("- learned: not checked, the run was interrupted", done.err)
    assert.falsy(done.err:find("traceback", 1, true))
    assert.matches('"status":"interrupted"', process.record(done.folder))
    local run = process.runs(done.folder)[1]
    local metrics = process.metrics(run)
    assert.matches("\n70,0%.0142857142857142%d*\n$", metrics)
    local _, rows = metrics:gsub("\n", "")
    assert.equal(71, rows)
    assert.truthy(process.exists(run .. "/figures/figure.png"))
  end)

  it("outside a loop ends the script at once", function()
    local done = script("local run = require 'moonlab'.run {} run:log { a = 1 } " .. interrupt .. " while true do end", quiet)
    assert.equal(130, done.code)
    assert.equal("", done.err)
    assert.matches('"status":"interrupted"', process.record(done.folder))
    assert.matches("\n0,1\n$", process.metrics(process.runs(done.folder)[1]))
  end)

  it("ends a script without a run too", function()
    local done = script("require 'moonlab' " .. interrupt .. " while true do end", quiet)
    assert.equal(130, done.code)
    assert.equal("", done.err)
  end)

  it("twice ends the program, whatever it does", function()
    -- The pattern keeps Lua's own C code busy for longer than anybody waits: no hook is heard there.
    local done = script("io.popen('(sleep 0.2; kill -INT $PPID; sleep 0.2; kill -INT $PPID) &'):close() \z
                         string.find(('a'):rep(100000), ('.-'):rep(20) .. 'b')", quiet)
    assert.equal(130, done.code)
  end)

  it("in the last step lets the checks be made, but no further run begin", function()
    local done = script([[
      for seed = 1, 3 do
        local run = require "moonlab".run { steps = 3, seed = seed }
        for step in run:steps() do if step == 3 then ]] .. interrupt .. [[ end end
        run:check("counted", run.step == 3)
      end
    ]])
    assert.equal(130, done.code)
    assert.equal("✓ counted\n", done.out)
    assert.matches('"status":"done"', process.record(done.folder))
  end)

  it("works under a stock interpreter too", function()
    local done = script([[
      local run = require "moonlab".run { steps = 100 }
      for s in run:steps() do run:log { s = s } if s == 5 then ]] .. interrupt .. [[ end end
      print(run.step)
    ]], "", { by = "lua" })
    assert.equal("5\n", done.out)
    assert.matches('"status":"interrupted"', process.record(done.folder))
  end)
end)

describe("an error", function()
  it("in the loop ends the run as failed, with the script's line and who called it", function()
    local done = script([[
local ml  = require "moonlab"
local run = ml.run { steps = 9 }
local function forward(x)
  return x:matmul(ml.zeros { 4, 5 })
end
for step in run:steps() do
  run:log { step = step }
  if step == 3 then local y = forward(ml.zeros { 2, 3 }) run:log { y = y } end
end
]])
    assert.equal(1, done.code)
    assert.matches("^script.lua:4: matmul: [^\n]*%(2, 3%) x %(4, 5%)\n    from script.lua:8\n$",
      done.err:match "[^\n]*\n[^\n]*\n$")
    local record = process.record(done.folder)
    assert.matches('"status":"failed"', record)
    assert.matches('script.lua:4:matmul:', record)
    assert.matches("\n3,3\n$", process.metrics(process.runs(done.folder)[1]))
  end)

  it("after the loop ends the run as failed", function()
    local text = "local run <close> = require 'moonlab'.run { steps = 2 }\nfor _ in run:steps() do end\nerror 'late'"
    for _, by in ipairs { "moonlab", "lua" } do
      local done = script(text, by == "moonlab" and quiet or "", { by = by })
      assert.equal(1, done.code)
      assert.matches("script.lua:3: late", done.err)
      local record = process.record(done.folder)
      assert.matches('"status":"failed"', record)
      assert.matches("script.lua:3:late", record)
    end
  end)

  it("is charged to the run under way, not to those before it", function()
    local done = script([[
      local ml = require "moonlab"
      local first, second = ml.run { name = "first" }, ml.run { name = "second" }
      error "wrong"
    ]], quiet)
    local runs = process.runs(done.folder)
    assert.equal(2, #runs)
    assert.matches('"status": *"done"', process.read(runs[1] .. "/run.json"))
    assert.matches('"status": *"failed"', process.read(runs[2] .. "/run.json"))
  end)

  it("that was caught does not fail the run", function()
    local done = script("local run = require 'moonlab'.run {} pcall(error, 'x')", quiet)
    assert.matches('"status":"done"', process.record(done.folder))
  end)

  it("by os.exit is one too", function()
    local done = script("local run = require 'moonlab'.run {} os.exit(7)", quiet)
    assert.equal(7, done.code)
    assert.matches('"status":"failed","message":"os.exit%(7%)"', process.record(done.folder))
  end)

  it("for want of memory names the cap, and loses nothing", function()
    local done = script("local ml = require 'moonlab' local run = ml.run {} run:log { a = 1 }\nml.zeros { 65536, 4096 }", quiet,
      { environment = { MOONLAB_MEMORY = "64M" } })
    assert.equal(1, done.code)
    assert.matches("script.lua:2: .*out of memory.*cap is 64.0 MB", done.err)
    assert.matches("\n0,1\n$", process.metrics(process.runs(done.folder)[1]))
  end)

  it("names the folder that cannot be written, and what to do", function()
    local done = script("local ml = require 'moonlab'\nml.run {}", quiet,
      { environment = { MOONLAB_RUNS = "script.lua/runs" } })
    assert.equal(1, done.code)
    assert.truthy(done.err:find("script.lua:2: run: cannot make the folder 'script.lua/runs/script'", 1, true), done.err)
    assert.truthy(done.err:find("MOONLAB_RUNS", 1, true), done.err)
  end)

  it("comes from using a run that was finished", function()
    local done = script("local run = require 'moonlab'.run {}\nrun:finish():finish()\nrun:log { a = 1 }", quiet)
    assert.equal(1, done.code)
    assert.matches("script.lua:3: .*has been finished", done.err)
    assert.matches('"status":"done"', process.record(done.folder))
  end)
end)

describe("a stock interpreter", function()
  it("runs the same script, and ends its runs when it closes", function()
    local done = script("local run = require 'moonlab'.run { steps = 2 } for s in run:steps() do run:log { s = s } end", "",
      { by = "lua" })
    assert.equal(0, done.code)
    assert.matches('"status":"done"', process.record(done.folder))
    assert.matches("\n2,2\n$", process.metrics(process.runs(done.folder)[1]))
  end)
end)
