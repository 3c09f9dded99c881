-- The prompt: through a pipe, through a terminal, and its completion by itself.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
local ml   = require "moonlab"
local repl = require "moonlab.repl"

teardown(process.remove_all)

local function piped(input, options)
  options = options or {}
  options.input = input
  return process.shell(process.program .. " repl", options)
end

describe("the prompt, through a pipe,", function()
  it("prints the values of expressions, and runs statements", function()
    local done = piped "1 + 1\n=2, 'two'\nx = 3\nx\n\nlocal y = 4\nnil\nfor i = 1, 2 do print(i) end\n"
    assert.equal("", done.err)
    assert.equal("2\n2\ttwo\n3\nnil\n1\n2\n", done.out)
    assert.equal(0, done.code)
  end)

  it("takes input of many lines until it is complete", function()
    local done = piped "function f(a)\n  return a\nend\nf(\n  7\n)\ns = [[\none\n]]\ns\n"
    assert.equal("", done.err)
    assert.equal("7\none\n\n", done.out)
  end)

  it("has ml and nn", function()
    local done = piped "ml.ones { 2 }:sum():item()\nnn.Linear\nml == require 'moonlab'\n"
    assert.matches("^2.0\n%a+: [^\n]*\ntrue\n$", done.out)
    assert.equal("", done.err)
  end)

  it("writes no prompt and no escape codes", function()
    local done = piped "1\n"
    assert.equal("1\n", done.out)
    assert.falsy((done.out .. done.err):find("\27", 1, true))
  end)

  it("survives every error", function()
    local bad = {
      { "ml.zeros { 2, 3 }:matmul(ml.zeros { 4, 5 })", "matmul: " },
      { "ml.zeros({ 2 }, { dtype = 'f16' })", "f16" },
      { "nn.cross_entropy(ml.zeros { 2, 3 }, ml.tensor({ 0, 1 }, { dtype = 'i64' }))", "add 1" },
      { "nn.cross_entropy(ml.zeros { 2, 3 }, ml.tensor({ 1, 9 }, { dtype = 'i64' }))", "9" },
      { "ml.zeros({ 2 }, { dtyp = 'f32' })", "did you mean 'dtype'?" },
      { "ml.figure { row = 1 }", "did you mean 'rows'?" },
      { "w = ml.ones { 2 } w.requires_grad = true (w * w):backward()", "" },
      { "y = (w * w):sum() y:backward() y:backward()", "" },
      { "ml.zeros { 65536, 65536 }", "out of memory" },
      { "ml.run { name = 'x' }", "cannot make the folder" },
      { "error()", "nil" },
      { "error {}", "table" },
      { "local = 1", "<name> expected" },
      { "f(", "" },
      { ")", "unexpected symbol" },
      { "undefined()", "undefined" },
      { "setmetatable({}, { __tostring = function() error 'no text' end })", "no text" },
      { "coroutine.wrap(error)('in a coroutine')", "in a coroutine" },
    }
    for _, case in ipairs(bad) do
      local input = case[1] == "f(" and "f(\n)\n" or case[1] .. "\n"
      local done = piped(input .. "print('still', 'here')\n",
        { environment = { MOONLAB_MEMORY = "256M", MOONLAB_RUNS = "/dev/null/runs" } })
      assert.equal(0, done.code, case[1])
      assert.matches("still\there\n$", done.out, nil, case[1])
      assert.truthy(done.err ~= "" and done.err:find(case[2], 1, true), case[1] .. " -> " .. done.err)
    end
  end)

  it("names anomalies and goes on", function()
    local done = piped "ml.detect_anomaly(true)\nml.zeros { 2 }:log()\n'still here'\n"
    assert.matches("log", done.err)
    assert.matches("still here\n$", done.out)
  end)

  it("says what is missing when the input ends too early", function()
    local done = piped "1\nfunction f()\n"
    assert.equal("1\n", done.out)
    assert.matches("'end' expected", done.err)
    assert.equal(0, done.code)
  end)

  it("tells failed checks without an error, and ends runs when it leaves", function()
    local done = piped "r = ml.run { name = 'p', steps = 2 }\nfor s in r:steps() do r:log { s = s } end\n\z
                        r:check('wrong', false)\n"
    assert.matches("✗ wrong\n", done.out)
    assert.matches('"status":"done"', process.record(done.folder))
  end)
end)

describe("the prompt, on a terminal,", function()
  local function talk(lines, options)
    options = options or {}
    options.environment = options.environment or {}
    options.environment.TERM = "xterm"
    options.environment.XDG_STATE_HOME = options.environment.XDG_STATE_HOME or process.folder()
    options.environment.HOME = process.folder()
    local done = process.dialogue(process.program .. " repl", lines, options)
    assert.equal(0, done.code, done.err .. done.out)
    return done.out
  end

  it("greets, evaluates, and leaves at Ctrl-D", function()
    local out = talk { "expect > ", [[send 6*7\n]], "expect 42", "expect > ", [[send \x04]] }
    assert.matches("^moonlab %d", out)
  end)

  it("asks for more until the input is complete", function()
    talk { "expect > ", [[send function f()\n]], "expect ... ", [[send return 'fi'..'ne'\n]], "expect ... ", [[send end f()\n]],
           "expect > ", [[send f()\n]], "expect fine", "expect > ", [[send \x04]] }
  end)

  it("drops the line at Ctrl-C", function()
    talk { "expect > ", [[send bro(ken\x03]], "expect > ", [[send 'fi'..'ne'\n]], "expect fine", "expect > ",
           [[send function f()\n]], "expect ... ", [[send \x03]], "expect > ", [[send 'also '..'fine'\n]], "expect also fine",
           "expect > ", [[send \x04]] }
  end)

  it("stops what runs at Ctrl-C", function()
    talk { "expect > ", [[send print('go'..'es') while true do end\n]], "expect goes", [[send \x03]], "expect interrupted",
           "expect > ", [[send r = ml.run { name = 'r', steps = 1 << 40 }\n]], "expect > ",
           [[send for s in r:steps() do if s == 9 then print('loo'..'ps') end end\n]], "expect loops", [[send \x03]],
           "expect > ", [[send 'stop'..'ped', r.step >= 9\n]], "expect stopped\ttrue", "expect > ",
           [[send for s in r:steps(3) do print('a'..'gain', s) end\n]], "expect again\t3", "expect > ", [[send \x04]] }
  end)

  it("survives an error", function()
    talk { "expect > ", [[send ml.zeros{2,3}:matmul(ml.zeros{4,5})\n]], "expect matmul: ", "expect > ", [[send 'fi'..'ne'\n]],
           "expect fine", "expect > ", [[send \x04]] }
  end)

  it("completes names, and lists them when there are several", function()
    talk { "expect > ", [[send string.rev\t('olleh')\n]], "expect hello", "expect > ",
           [[send x = ml.zero\t{2}\n]], "expect > ", [[send #x:resh\t{1, 2}\n]], "expect 1", "expect > ",
           [[send string.f\t]], "expect find", "expect format", "expect > string.f", [[send \x03]], "expect > ",
           [[send \x04]] }
  end)

  it("keeps a history", function()
    local state = process.folder()
    talk({ "expect > ", [[send 'remem'..'bered'\n]], "expect remembered", "expect > ", [[send \x04]] },
      { environment = { XDG_STATE_HOME = state } })
    assert.truthy(process.exists(state .. "/moonlab/history"))
    talk({ "expect > ", [[send \x10\n]], "expect remembered", "expect > ", [[send \x04]] },
      { environment = { XDG_STATE_HOME = state } })
  end)

  it("needs no place for the history", function()
    talk({ "expect > ", [[send 'fi'..'ne'\n]], "expect fine", "expect > ", [[send \x04]] },
      { environment = { XDG_STATE_HOME = "/dev/null" } })
  end)
end)

describe("completion", function()
  local function completes(text, rest, candidates)
    local got, list = repl.complete(text)
    assert.equal(rest, got)
    if candidates then assert.same(candidates, list) end
  end

  before_each(function() _G.sample = { alpha = 1, alphabet = { deep = { 1, { inner = 2 } } }, beta = print } end)
  after_each(function() _G.sample = nil end)

  it("knows globals, keywords, fields and elements", function()
    completes("x = samp", "le", { "sample" })
    completes("whi", "le", { "while" })
    completes("sample.al", "pha", { "alpha", "alphabet" })
    completes("sample.alphabet.de", "ep")
    completes("sample.alphabet.deep[2].in", "ner")
    completes("print(sample.b", "eta")
  end)

  it("knows methods, and after a colon only what can be called", function()
    completes("sample:", "beta", { "beta" })
    _G.sample = ml.zeros { 2, 2 }
    completes("sample:matm", "ul", { "matmul" })
    completes("sample:requires_gr", "ad_")
    completes("sample.requires_gr", "ad")
    completes("sample.shape.", "")
    _G.sample = ml
    completes("sample.rand", "", { "rand", "rand_like", "randint", "randn", "randn_like", "randperm" })
    completes("sample.nn.Lin", "ear")
  end)

  it("knows what a module and a string answer to", function()
    _G.sample = ml.nn.Sequential { ml.nn.Linear(2, 3) }
    completes("sample:param", "eters")
    completes("sample[1]:param", "eters")
    _G.sample = "text"
    completes("sample:rever", "se")
  end)

  it("has nothing to say where nothing is known", function()
    completes("nowhere.x", "", {})
    completes("sample.alpha.x", "", {})
    completes("sample..", "", {})
    completes("1 + ", "")
    completes("", "")
  end)
end)
