-- Lua's collector keeps pace with memory that it does not see. No script below calls collectgarbage.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local MB <const> = 1024 * 1024

describe("memory", function()
  it("of large tensors that are dropped never holds more than a few of them", function()
    local before, most = ml.memory().live, 0
    for i = 1, 100 do
      local x = ml.full({ 10 * MB / 4 }, i)
      most = math.max(most, ml.memory().live - before)
      assert.equal(i, x[1]:item())
    end
    assert.is_true(most <= 3 * 1.1 * 10 * MB, ("held %.0f MB"):format(most / MB))
  end)

  it("of graphs that are dropped is given back, however small their results", function()
    local w = ml.ones({ 1000, 1000 }, { requires_grad = true })
    local before, most = ml.memory().live, 0
    for _ = 1, 100 do
      local loss = (w * w):sum()
      most = math.max(most, ml.memory().live - before)
      assert.equal(1000000, loss:item())
    end
    assert.is_true(most <= 40 * MB, ("held %.0f MB"):format(most / MB))
  end)

  it("of a graph is free after backward, though the loss lives", function()
    local w = ml.ones({ 1000, 1000 }, { requires_grad = true })
    collectgarbage()
    collectgarbage()
    local before = ml.memory().live
    local loss = ml.nn.mse((w * w):tanh() * 2, w:detach())
    assert.is_true(ml.memory().live - before > 7 * MB)
    loss:backward()
    collectgarbage()
    assert.is_true(ml.memory().live - before < 5 * MB) -- the gradient
    assert.is_true(loss:item() > 0)
  end)

  it("stays flat while a tiny network trains", function()
    local output = support.run [[
      local ml = require "moonlab"
      local nn = ml.nn
      local function kilobytes() -- of the process, and as moonlab and Lua count them
        local file = io.open "/proc/self/statm"
        local _, pages = file:read("n", "n")
        file:close()
        local memory = ml.memory()
        return pages * 4, (memory.live + memory.cached) / 1024 + collectgarbage "count"
      end
      ml.threads(1)
      local model = nn.Sequential { nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 2) }
      local opt  = ml.optim.Adam(model:parameters(), { lr = 1e-3 })
      local x, y = ml.randn { 32, 2 }, ml.randint(1, 2, { 32 })
      local resident, counted
      for step = 1, 24000 do -- the first steps fill the caches, until the collector has gone round
        local loss = nn.cross_entropy(model(x), y)
        opt:minimize(loss)
        if step == 5000 then resident, counted = kilobytes() end
      end
      local resident_now, counted_now = kilobytes()
      print(resident_now - resident, counted_now - counted)
    ]]
    local resident, counted = output:match "^(%S+)%s(%S+)\n$"
    assert.is_truthy(resident, output)
    assert.is_true(tonumber(counted) <= 256, ("moonlab grew by %s KB"):format(counted)) -- 13 bytes a step
    if not os.getenv "ASAN_OPTIONS" then -- the sanitizer keeps what is freed
      assert.is_true(tonumber(resident) <= 256, ("the process grew by %s KB"):format(resident))
    end
  end)

  it("beyond a cap is an error, after which all goes on", function()
    local output = support.run([[
      local ml = require "moonlab"
      local x = ml.ones { 1000 }
      local good, message = pcall(function() return ml.zeros { 100, 1024, 1024 } end)
      print(good, message)
      print(pcall(function() return ml.zeros { 1 << 40, 1 << 40 } end))
      print((x + 1):sum():item())
    ]], "MOONLAB_MEMORY=64M")
    local first, second, third = output:match "^(.-)\n(.-)\n(.-)\n$"
    assert.matches("^false\t[^:]+:3: out of memory: 400%.0 MB more asked for, .* the cap is 64%.0 MB %(MOONLAB_MEMORY%)$", first)
    assert.matches("^false\t[^:]+:5: out of memory: ", second)
    assert.equal("2000.0", third)
  end)

  it("that is allowed must be readable", function()
    local output, good = support.run("local ml = require 'moonlab'", "MOONLAB_MEMORY=lots")
    assert.is_false(good)
    assert.matches(":1: MOONLAB_MEMORY must be a number of bytes, or one with K, M, G or T behind it, such as 512M or 1%.5G; "
      .. "it is 'lots'", output)
  end)

  it("tells the largest tensor in use, and who made it", function()
    local output = support.run [[
      local ml = require "moonlab"
      print(ml.memory().largest)
      local a = ml.zeros { 600, 500 }
      local b = ml.fuse(function(x) return x + 1 end)(ml.tensor({ 0 }, { dtype = "f64" }):expand { 400000 })
      local function show()
        local l = ml.memory().largest
        print(l.bytes, l.dtype, table.concat(l.shape, " "), l.site)
      end
      show()
      b = nil
      collectgarbage()
      show()
      local c = ml.nn.mse -- makes none
      a = a:reshape { 500, 600 } -- a view of the same values
      collectgarbage()
      show()
    ]]
    local none, first, second, third = output:match "^(.-)\n(.-)\n(.-)\n(.-)\n$"
    assert.equal("nil", none, output)
    assert.matches("^3200000\tf64\t400000\t[^:]+:4$", first)
    assert.matches("^1200000\tf32\t600 500\t[^:]+:3$", second)
    assert.equal(second, third)
  end)

  it("of a loop that makes and drops tensors is that of three, whatever it computes", function()
    local output = support.run [[
      local ml = require "moonlab"
      local n, before = 4e6, ml.memory().live
      for i = 1, 1000 do
        local t = ml.zeros { 1000, 1000 }
        if i % 20 == 0 then local y = t + i end
      end
      local made = ml.memory().peak
      local x = ml.zeros { 1000, 1000 }
      for i = 1, 200 do
        local y = x + i
        local z = y * 2
      end
      print((made - before) / n, (ml.memory().peak - before) / n - 1) -- besides x
    ]]
    local made, computed = output:match "^(%S+)%s(%S+)\n$"
    assert.is_truthy(computed, output)
    assert.is_true(tonumber(made) <= 3.3, ("%s tensors"):format(made))
    assert.is_true(tonumber(computed) <= 3.3, ("%s tensors"):format(computed))
  end)

  it("under a cap is collected before a call fails", function()
    local output = support.run([[
      local ml = require "moonlab"
      local sum = 0
      for i = 1, 200 do -- each is a fifth of what is allowed, and growth alone would not collect it
        local x = ml.full({ 3, 1024, 1024 }, i)
        sum = sum + x[{ 1, 1, 1 }]:item()
      end
      print(sum)
    ]], "MOONLAB_MEMORY=64M")
    assert.equal("20100.0\n", output)
  end)

  it("is left to the script that stops the collector", function()
    local output = support.run [[
      local ml = require "moonlab"
      collectgarbage "stop"
      for _ = 1, 10 do local _ = ml.zeros { 1024, 1024 } end
      print(ml.memory().live >= 40 * 1024 * 1024)
    ]]
    assert.equal("true\n", output)
  end)

  it("is not lost to errors", function()
    local x = ml.ones { 100 }
    local function wrong()
      pcall(function() return x + ml.ones { 3 } end)
      pcall(function() return x:sum { keep = 1 } end)
      pcall(function() return ml.cat({ x, ml.ones { 2, 2 } }, 1) end)
      pcall(function() return ml.tensor { 1, "x" } end)
      pcall(function() x[1] = ml.ones { 5 } end)
    end
    wrong()
    collectgarbage()
    collectgarbage()
    local before = ml.memory().live
    for _ = 1, 1000 do wrong() end
    collectgarbage()
    collectgarbage()
    assert.equal(before, ml.memory().live)
    holds(1, x[1])
    fails(function() return x + ml.ones { 3 } end, "^add: shapes do not broadcast")
  end)
end)
