-- The reference: every example does what it says, everything has one, and the pages say what the sources say.
local source    = os.getenv "MOONLAB_SOURCE"
local ml        = require "moonlab"
local process   = dofile(source .. "/tests/lua/process.lua")
local reference = assert(loadfile(source .. "/docs/make/reference.lua"))(source)
local examples  = dofile(source .. "/docs/make/examples.lua")

local function read(path)
  local file = assert(io.open(source .. path))
  local text = file:read "a"
  file:close()
  return text
end

-- Does the class's own example show the method?
local function shown_by_class(shown, entry)
  local text = shown[entry.owner]
  return text and text:find("[%.:]" .. entry.name .. "%f[^%w_]") ~= nil
end

-- The same words and, up to what another processor or LAPACK rounds differently, the same numbers.
local function agree(expected, got)
  local a, b = {}, {}
  for word in expected:gmatch "[^%s%[%],]+" do a[#a + 1] = word end
  for word in got:gmatch "[^%s%[%],]+" do b[#b + 1] = word end
  if #a ~= #b then return false end
  for i, word in ipairs(a) do
    local x, y = tonumber(word), tonumber(b[i])
    if word ~= b[i] and not (x and y and math.abs(x - y) <= 2e-4 * math.max(math.abs(x), 1e-3)) then return false end
  end
  return true
end

teardown(process.remove_all)

describe("the reference", function()
  for _, page in ipairs(reference.PAGES) do
    local shown = reference.examples(page)

    it("has examples that do what they say: " .. page[2], function()
      if page[1] == "runs" then return end -- these leave files: below
      local n = 0
      for name, example in pairs(shown) do
        n = n + 1
        local expected, got = examples.expected(example), examples.run(example)
        assert(agree(expected, got), ("%s prints\n%s\ninstead of\n%s"):format(name, got, expected))
      end
      assert.is_true(n > 0)
    end)

    it("documents and shows everything: " .. page[2], function()
      local entries, wanted = reference.entries(page), {}
      for _, entry in ipairs(entries) do
        wanted[entry.full] = true
        assert(not entry.undocumented, entry.full .. " has no docstring")
        assert(entry.owner == "" or shown[entry.full] or shown_by_class(shown, entry), entry.full .. " has no example")
      end
      if not page.sources then
        for _, op in ipairs(ml.ops()) do
          wanted[op.name] = true
          assert(shown[op.name], op.name .. " has no example")
        end
      end
      for name in pairs(shown) do assert(wanted[name], "an example of what is not there: " .. name) end
    end)
  end

  it("misses no function", function()
    local known = {}
    for _, page in ipairs(reference.PAGES) do
      for _, entry in ipairs(reference.entries(page)) do
        known[entry.full] = true
        if entry.owner == "Tensor" then known["ml." .. entry.name] = true end -- methods made in Lua are functions of ml too
      end
    end
    for _, op in ipairs(ml.ops()) do known["ml." .. op.name], known["Tensor:" .. op.name] = true, true end
    known["ml.run"], known["ml.figure"] = true, true -- their classes, Run and Figure, show them
    local missing = {}
    local function look(owner, functions, skip)
      for name, value in pairs(functions) do
        local is_operation = owner == "ml.linalg." and known["ml." .. name] and value == ml[name] -- documented there
        local expected = is_operation or known[owner .. name] or name:find "^_" or skip and skip[name]
        if type(value) == "function" and not expected then
          missing[#missing + 1] = owner .. name
        end
      end
    end
    for _, part in ipairs { "fft", "tree", "linalg", "stats", "probe", "kernels", "measures", "ui" } do -- loaded when first used
      local good, module = pcall(function() return ml[part] end)
      if good then look("ml." .. part .. ".", module) end
    end
    look("ml.", ml)
    for _, part in ipairs { "autograd", "optim", "data" } do look("ml." .. part .. ".", ml[part]) end
    look("nn.", ml.nn)
    local _, methods = debug.getupvalue(debug.getmetatable(ml.zeros {}).__index, 1)
    look("Tensor:", methods, { cat = true, stack = true })
    table.sort(missing)
    assert.equal("", table.concat(missing, " "))
  end)

  it("is kept as its sources say", function()
    for name, text in pairs(reference.pages()) do
      assert(text == read("/docs/reference/" .. name .. ".md"), name .. ".md is out of date; run ./dev docs")
    end
  end)

  it("has an example of a run that does what it says", function()
    local example = reference.examples { "runs" }
    for name, text in pairs(example) do
      local result = process.script('local ml = require "moonlab"; local nn = ml.nn\n' .. text:gsub("%-%->[^\n]*", ""))
      assert.equal(0, result.code, name .. ": " .. tostring(result.err))
      for line in examples.expected(text):gmatch "[^\n]+" do
        for word in line:gmatch "%S+" do
          assert(result.out:find(word, 1, true), ("%s: no '%s' in: %s"):format(name, word, result.out))
        end
      end
    end
  end)
end)
