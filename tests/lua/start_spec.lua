local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails   = support.fails

describe("require \"moonlab\"", function()
  it("works in a stock interpreter that only knows where the shared object is", function()
    local output, good = support.run("print(require 'moonlab'.version)", "LUA_PATH='/nowhere/?.lua'")
    assert.is_true(good)
    assert.equal("0.1.0\n", output)
  end)

  it("leaves no globals behind", function()
    local output = support.run [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local ml = require "moonlab"
      local _ = ml.fft, ml.nn.Linear(2, 3)
      for name in pairs(_G) do assert(before[name], name) end
      print "clean"]]
    assert.equal("clean\n", output)
  end)

  it("tells another version of Lua what it needs", function()
    if not os.execute "command -v lua5.1 >/dev/null" then return pending "no lua5.1 here" end
    local output, good = support.run("require 'moonlab'", nil, "lua5.1")
    assert.is_false(good)
    assert.matches("moonlab needs Lua 5%.4", output)
  end)

  it("is one library, however often it is asked for", function()
    assert.equal(require "moonlab", require "moonlab")
    package.loaded["moonlab.check"] = nil
    assert.is_function(require("moonlab.check").options)
  end)

  it("offers the nearest name for one that it does not have", function()
    local ml = require "moonlab"
    fails(function() return ml.zeroes end, "^ml has no 'zeroes'; did you mean 'zeros'%?")
    fails(function() return ml.xyzzy end, "ml has no 'xyzzy'$")
  end)

  it("works in two states at once, as far as one sees", function()
    local output = support.run [[
      local ml = require "moonlab"
      package.loaded.moonlab, package.loaded["moonlab.core"] = nil, nil
      local again = require "moonlab"
      assert(again ~= ml)
      print((again.ones { 2 } + ml.ones { 2 }):sum():item())]]
    assert.equal("4.0\n", output)
  end)
end)

describe("the machine", function()
  local ml = require "moonlab"

  it("tells and sets the number of threads", function()
    local n = ml.threads()
    assert.equal(1, ml.threads(1))
    assert.equal(1, ml.threads())
    ml.threads(n)
    fails(function() ml.threads(0) end, "^threads: must be 1%.%.256, got 0")
  end)

  it("tells memory and time", function()
    local before = ml.memory().live
    local x = ml.zeros { 1000, 1000 }
    assert.is_true(ml.memory().live - before >= 4e6)
    assert.is_true(ml.memory().peak >= ml.memory().live)
    assert.equal(1000000, x:numel())
    local t = ml.clock()
    assert.is_true(ml.clock() >= t)
  end)
end)
