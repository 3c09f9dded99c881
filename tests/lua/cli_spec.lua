-- The moonlab program's command line.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")

teardown(process.remove_all)

local function moonlab(arguments, options)
  return process.shell(process.program .. " " .. arguments, options)
end

local function refused(arguments, message)
  local done = moonlab(arguments)
  assert.equal(2, done.code)
  assert.equal("", done.out)
  assert.truthy(done.err:find(message, 1, true), done.err)
end

describe("moonlab", function()
  it("without a command prints its usage and fails", function()
    local done = moonlab ""
    assert.equal(2, done.code)
    assert.matches("^usage: moonlab COMMAND", done.err)
  end)

  it("help lists the commands, help COMMAND explains one", function()
    for _, form in ipairs { "help", "--help", "-h" } do
      local done = moonlab(form)
      assert.equal(0, done.code)
      for _, command in ipairs { "run", "repl", "export", "doctor", "version", "help" } do
        assert.matches("\n  " .. command .. " ", done.out)
      end
    end
    for _, form in ipairs { "help run", "run --help", "run -h" } do
      local done = moonlab(form)
      assert.equal(0, done.code)
      assert.matches("^usage: moonlab run SCRIPT", done.out)
      assert.matches("3 a check of the script failed", done.out)
    end
    refused("help rnu", "moonlab: unknown command 'rnu'; did you mean 'run'?")
  end)

  it("version prints the version", function()
    for _, form in ipairs { "version", "--version", "-v" } do
      assert.matches("^moonlab %d+%.%d+%.%d+\n$", moonlab(form).out)
    end
  end)

  it("refuses unknown commands, with the nearest known one", function()
    refused("rum x.lua", "moonlab: unknown command 'rum'; did you mean 'run'?")
    refused("frobnicate", "moonlab: unknown command 'frobnicate'")
    refused("script.lua", "'script.lua' is no command; to run a script: moonlab run script.lua")
    refused("version now", "moonlab version: takes no arguments")
    refused("doctor now", "moonlab doctor: takes no arguments")
    refused("repl now", "moonlab repl: takes no arguments")
  end)
end)

describe("moonlab run", function()
  it("refuses a wrong command line", function()
    refused("run", "moonlab run: needs a script")
    refused("run nowhere.lua", "moonlab run: cannot read 'nowhere.lua': No such file or directory")
    refused("run --frobnicate x.lua", "moonlab run: unknown option '--frobnicate'")
    refused("run x.lua lr", "moonlab run: 'lr' is not of the form key=value")
    refused("run x.lua --threads", "moonlab run: --threads needs a number 1..256, got ''")
    refused("run x.lua --threads 0", "moonlab run: --threads needs a number 1..256, got '0'")
    refused("run x.lua --threads=two", "moonlab run: --threads needs a number 1..256, got 'two'")
  end)

  it("gives the script its arguments, as the stock interpreter does", function()
    local text = "require 'moonlab'.run { a = 1, b = 2 } print(arg[0], arg[1], arg[2], arg[3])"
    assert.equal("script.lua\ta=3\tb=4\tnil\n", process.script(text, "--quiet a=3 --threads=1 b=4").out)
  end)

  it("prints errors with the script's line", function()
    local done = process.script("print 'first'\nerror 'second'", "--quiet")
    assert.equal(1, done.code)
    assert.equal("first\n", done.out)
    assert.equal("script.lua:2: second\n", done.err)
  end)

  it("prints errors of the language with their line", function()
    local done = process.script("local x = 1\nlocal = 2", "--quiet")
    assert.equal(1, done.code)
    assert.equal("script.lua:2: <name> expected near '='\n", done.err)
  end)

  it("names the lines that led to an error, only the script's own", function()
    local done = process.script([[
local ml = require "moonlab"
local function inner(x) return x:reshape { 7 } + 0 end
local function outer(x) local y = inner(x) return y end
outer(ml.zeros { 2, 3 })
]], "--quiet")
    assert.matches("^script.lua:2: reshape: [^\n]*\n    from script.lua:3, in 'outer'\n    from script.lua:4\n$", done.err)
    assert.falsy(done.err:find("%[C%]"))
    assert.falsy(done.err:find("moonlab/", 1, true))
  end)

  it("survives errors that are no text", function()
    assert.equal("nil\n", process.script("error()", "--quiet").err:match "^[^\n]*\n")
    assert.matches("^table: ", process.script("error {}", "--quiet").err)
    local own = "error(setmetatable({}, { __tostring = function() return 'my own' end }))"
    assert.matches("^my own\n", process.script(own, "--quiet").err)
    assert.equal(1, process.script("error()", "--quiet").code)
  end)

  it("survives a recursion without end", function()
    local done = process.script("local function f() return f() + 1 end\nf()", "--quiet")
    assert.equal(1, done.code)
    assert.matches("^script.lua:1: stack overflow", done.err)
    assert.truthy(#done.err < 2000)
  end)

  it("runs a script that does not use moonlab", function()
    local done = process.script("print(1 + 1)", "")
    assert.same({ 0, "2\n", "" }, { done.code, done.out, done.err })
  end)
end)

describe("moonlab export", function()
  local text = "local run = require 'moonlab'.run { name = 'x', steps = 2 } \z
                for s in run:steps() do run:log { s = s, mark = %d } end"
  local folder
  setup(function()
    folder = process.folder()
    for i = 1, 3 do process.script(text:format(i), "--quiet", { folder = folder }) end
  end)

  it("takes a run's directory", function()
    local run = process.runs(folder)[1]
    local done = moonlab("export " .. run .. " --csv", { folder = folder })
    assert.equal(0, done.code)
    assert.equal(run .. "/metrics.csv\n", done.out)
    assert.matches("^step,time,mark,s\n1,[%d.e-]+,1,1\n2,[%d.e-]+,1,2\n$", process.read(run .. "/metrics.csv"))
  end)

  it("takes an experiment's name: its latest run", function()
    local done = moonlab("export x --csv out.csv", { folder = folder })
    assert.equal("out.csv\n", done.out)
    assert.matches("\n2,[%d.e-]+,3,2\n$", process.read(folder .. "/out.csv"))
  end)

  it("writes to the standard output for -", function()
    assert.matches("^step,time,mark,s\n", moonlab("export x --csv -", { folder = folder }).out)
  end)

  it("says what is wrong", function()
    local done = moonlab("export y --csv", { folder = folder })
    assert.equal(1, done.code)
    assert.equal("moonlab export: 'y' is neither the directory of a run nor an experiment in 'runs'\n", done.err)
    done = moonlab("export x --csv nowhere/out.csv", { folder = folder })
    assert.equal(1, done.code)
    assert.matches("nowhere/out.csv", done.err)
    refused("export", "moonlab export: needs a run")
    refused("export x", "moonlab export: needs a format; there is --csv")
    refused("export x --cvs", "moonlab export: unknown option '--cvs'")
    refused("export x --csv a b", "moonlab export: 'b' is one word too many")
  end)
end)

describe("moonlab doctor", function()
  it("gives each part a line and a verdict", function()
    local done = moonlab "doctor"
    assert.equal(0, done.code, done.out)
    for _, part in ipairs { "ok +moonlab +%d", "ok +Lua +Lua 5%.4", "ok +kernels +%S+, arithmetic checked",
                            "ok +threads +%d", "ok +memory +no cap",
                            "ok +figures +[Cc]airo %d", "note +display +none", "ok +runs +'runs' can be written" } do
      assert.matches("\n" .. part, "\n" .. done.out)
    end
    for line in done.out:gmatch "[^\n]+" do assert.matches("^%a+ +%a+ +%S", line) end
  end)

  it("fails when something is broken", function()
    local function broken(environment, message)
      local done = moonlab("doctor", { environment = environment })
      assert.equal(1, done.code)
      assert.matches("\nBROKEN +" .. message, done.out)
    end
    broken({ MOONLAB_RUNS = "/dev/null/runs" }, "runs +'/dev/null/runs': ")
    broken({ MOONLAB_MEMORY = "plenty" },
      "memory +MOONLAB_MEMORY must be a number of bytes, .*such as 512M or 1%.5G; it is 'plenty'")
    broken({ MOONLAB_THREADS = "many" }, "threads +%d+; MOONLAB_THREADS must be 1%.%.256, it is 'many'")
  end)

  it("tells the limits that are set", function()
    local done = moonlab("doctor", { environment = { MOONLAB_MEMORY = "512M", MOONLAB_THREADS = "2" } })
    assert.equal(0, done.code)
    assert.matches("ok +memory +cap 512.0 MB", done.out)
    assert.matches("ok +threads +2 ", done.out)
  end)

  it("leaves nothing behind in the folders it looks at", function()
    local done = moonlab "doctor"
    assert.equal("", process.shell("ls -A", { folder = done.folder }).out)
  end)
end)
