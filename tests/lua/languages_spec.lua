-- Sequences by rule, against definitions that are written another way; that all strings come, and as often as the others.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails   = support.fails

local data = ml.data

local function balance(word, kinds) -- the greatest depth of a balanced string, else nil
  local text = {}
  for i, token in ipairs(word) do text[i] = string.char(token <= kinds and 64 + token or 96 + token - kinds) end
  text = table.concat(text)
  local depth = 0
  while #text > 0 do -- takes innermost pairs away, all of a kind at once
    local shorter = text
    for kind = 1, kinds do shorter = shorter:gsub(string.char(64 + kind, 96 + kind), "") end
    if shorter == text then return nil end
    text, depth = shorter, depth + 1
  end
  return depth
end

local function depth_of(word, kinds)
  local height, most = 0, 0
  for _, token in ipairs(word) do
    height = height + (token <= kinds and 1 or -1)
    most = math.max(most, height)
  end
  return most
end

-- How often each row comes.
local function counts(x)
  local seen, kinds = {}, 0
  for _, row in ipairs(x:tolist()) do
    local key = table.concat(row, " ")
    if not seen[key] then kinds = kinds + 1 end
    seen[key] = (seen[key] or 0) + 1
  end
  return seen, kinds
end

describe("sequences", function()
  it("are decided by their seed alone", function()
    for _, name in ipairs { "copies", "dyck", "counting", "regular" } do
      local opts = { n_train = 20, n_test = 10, seed = 3 }
      ml.seed(1)
      local a = data[name](opts)
      ml.seed(2)
      assert.same(a.train.x:tolist(), data[name](opts).train.x:tolist())
      assert.same(a.test.y:tolist(), data[name](opts).test.y:tolist())
      opts.n_train = 30
      assert.same(a.test.x:tolist(), data[name](opts).test.x:tolist())
      opts.seed = 4
      assert.not_same(a.test.x:tolist(), data[name](opts).test.x:tolist())
      fails(function() data[name] { n_train = 0 } end, "^" .. name .. ": n_train must be")
      fails(function() data[name] { seed = 1.5 } end, "^" .. name .. ": seed must be")
      fails(function() data[name] { n_tset = 1 } end, "^" .. name .. ": .*did you mean 'n_test'%?")
      fails(function() data[name](3) end, "^" .. name .. ": options must be a table, got number")
    end
  end)

  it("of copies can be read off from what came before", function()
    local made = data.copies { vocabulary = 5, length = 7, n_train = 300 }
    local starts = {}
    for i, x in ipairs(made.train.x:tolist()) do
      local y, from = made.train.y[i]:tolist(), made.train.source[i]:tolist()
      for k = 1, 12 do assert.equal(x[k + 1], y[k]) end
      for k = 1, 7 do
        assert.equal(x[from[k]], y[6 + k])
        if k > 1 then assert.equal(from[k - 1] % 7 + 1, from[k]) end
      end
      starts[from[1]] = (starts[from[1]] or 0) + 1
    end
    for s = 1, 7 do assert.is_true(starts[s] > 20) end -- 43 with deviation 6
    local straight = data.copies { length = 4, shifted = false, n_train = 5 }
    assert.same({ 1, 2, 3, 4 }, straight.test.source[1]:tolist())
    assert.is_true(made.train.x:max():item() == 5 and made.train.x:min():item() == 1)
  end)

  it("of brackets are balanced, within the depth, and all strings come alike", function()
    local made = data.dyck { kinds = 1, length = 8, depth = 8, n_train = 2800, task = "recognise" }
    local seen, kinds = counts(made.train.x[made.train.y:eq(2)])
    assert.equal(14, kinds) -- Catalan's number
    for _, n in pairs(seen) do assert.is_true(n > 55 and n < 145, n) end -- 100 with deviation 10
    for _, depth in ipairs { 2, 5 } do
      local few = data.dyck { kinds = 3, length = 12, depth = depth, task = "recognise", n_train = 400 }
      local y, right = few.train.y:tolist(), 0
      for i, word in ipairs(few.train.x:tolist()) do
        assert.equal(y[i] == 2, balance(word, 3) ~= nil)
        if y[i] == 2 then
          right = right + 1
          assert.is_true(depth_of(word, 3) <= depth)
        end
      end
      assert.equal(200, right)
    end
    local _, two = counts(data.dyck({ kinds = 2, length = 4, task = "recognise", n_train = 2000 }).train.x)
    assert.is_true(two > 8) -- 2 shapes of 4 colourings, and broken ones
    local long = data.dyck { length = 10, test_length = 20, n_train = 10, n_test = 10 }
    assert.same({ 10, 9, 10, 19 }, { long.train.x.shape[1], long.train.x.shape[2], long.test.y.shape[1], long.test.y.shape[2] })
    assert.same(long.train.x[{ {}, { 2, 9 } }]:tolist(), long.train.y[{ {}, { 1, 8 } }]:tolist())
    local huge = data.dyck({ length = 1000, depth = 100, kinds = 1, task = "recognise", n_train = 2 }).train
    local word = huge.x[huge.y:eq(2)]:tolist()[1]
    assert.is_true(balance(word, 1) ~= nil and depth_of(word, 1) <= 100)
  end)

  it("of counting have equal numbers, or not", function()
    for letters = 2, 3 do
      local made = data.counting { letters = letters, train = { 1, 6 }, test = { 7, 9 }, n_train = 400, n_test = 200 }
      for part, range in pairs { train = { 1, 6 }, test = { 7, 9 } } do
        local y, right = made[part].y:tolist(), 0
        for i, row in ipairs(made[part].x:tolist()) do
          local text = table.concat(row)
          assert.is_truthy(text:find(letters == 2 and "^1*2+3+$" or "^1*2+3+4+$"))
          local n = {}
          for k = 2, letters + 1 do
            n[k] = select(2, text:gsub(tostring(k), ""))
            assert.is_true(n[k] >= range[1] and n[k] <= range[2])
          end
          assert.equal(y[i] == 2, n[2] == n[3] and (letters == 2 or n[3] == n[4]))
          right = right + y[i] - 1
        end
        assert.equal(#y / 2, right)
      end
      assert.same({ 9 * letters, 9 * letters }, { made.train.x.shape[2], made.test.x.shape[2] })
    end
  end)

  -- The languages as patterns or counts on text of 0 and 1.
  local MEMBERS = {
    parity  = function(s) return select(2, s:gsub("1", "")) % 2 == 0 end,
    tomita1 = function(s) return not s:find "0" end,
    tomita2 = function(s) return s:gsub("10", "") == "" end,
    tomita3 = function(s)
      for ones, zeros in s:gmatch "(1+)(0+)" do
        if #ones % 2 == 1 and #zeros % 2 == 1 then return false end
      end
      return true
    end,
    tomita4 = function(s) return not s:find "000" end,
    tomita5 = function(s) return select(2, s:gsub("0", "")) % 2 == 0 and select(2, s:gsub("1", "")) % 2 == 0 end,
    tomita6 = function(s) return (select(2, s:gsub("0", "")) - select(2, s:gsub("1", ""))) % 3 == 0 end,
    tomita7 = function(s) return s:find "^0*1*0*1*$" ~= nil end,
  }

  it("of regular languages are in them or not, all strings of a side alike", function()
    for name, member in pairs(MEMBERS) do
      local length = 6
      local inside = 0
      for number = 0, 63 do
        local text = ""
        for bit = 0, 5 do text = text .. (number >> bit & 1) end
        if member(text) then inside = inside + 1 end
      end
      local made = data.regular { language = name, length = length, n_train = 3200, n_test = 2 }
      local y, labels = made.train.y, made.train.y:tolist()
      for i, row in ipairs(made.train.x[{ { 1, 200 } }]:tolist()) do
        local text = table.concat(row):gsub("1", "0"):gsub("2", "1")
        assert.equal(member(text), labels[i] == 2, name .. " " .. text)
      end
      for verdict, strings in pairs { [2] = inside, [1] = 64 - inside } do
        local seen, kinds = counts(made.train.x[y:eq(verdict)])
        assert.equal(strings, kinds, name)
        local mean = 1600 / strings
        for _, n in pairs(seen) do assert.is_true(math.abs(n - mean) < 5.5 * mean ^ 0.5, name) end
      end
    end
  end)

  it("of automata tell the states that they go through", function()
    local three = { next = { { 2, 1 }, { 3, 2 }, { 1, 3 } }, accept = { 1 } } -- a number of first symbols divisible by 3
    local made  = data.regular { language = three, length = 9, test_length = 400, n_train = 100, n_test = 20 }
    for part, length in pairs { train = 9, test = 400 } do
      local x, y, states = made[part].x:tolist(), made[part].y:tolist(), made[part].states:tolist()
      for i, row in ipairs(x) do
        local firsts = 0
        for k = 1, length do
          firsts = firsts + (row[k] == 1 and 1 or 0)
          assert.equal(firsts % 3 + 1, states[i][k])
        end
        assert.equal(firsts % 3 == 0, y[i] == 2)
      end
    end
  end)

  it("say what is wrong with their options", function()
    for _, case in ipairs {
      { "copies", { vocabulary = 0 }, "vocabulary must be" }, { "copies", { length = 0 }, "length must be" },
      { "dyck", { length = 7 }, "length must be even, got 7" }, { "dyck", { length = 2000 }, "length must be" },
      { "dyck", { kinds = 0 }, "kinds must be" }, { "dyck", { depth = 0 }, "depth must be" },
      { "dyck", { task = "guess" }, "task must be \"next\" or \"recognise\", got 'guess'" },
      { "dyck", { test_length = 3 }, "test_length must be even" },
      { "counting", { letters = 4 }, "letters must be" },
      { "counting", { train = { 3 } }, "must be { least, greatest }, got 1 numbers" },
      { "counting", { train = { 5, 3 } }, "must be a whole number, 5%.%.1000, got 3" },
      { "counting", { test = { 3, 3 } }, "test must leave a choice" },
      { "regular", { language = "tomita8" }, "no language 'tomita8'; did you mean 'tomita%d'%?" },
      { "regular", { language = {} }, "a language is a name or" },
      { "regular", { language = { next = { { 1, 3 } }, accept = { 1 } } }, "next%[1%] must be a whole number, 1%.%.1, got 3" },
      { "regular", { language = { next = { { 1, 1 }, { 1 } }, accept = { 1 } } }, "next%[2%] must be a state for each symbol" },
      { "regular", { language = { next = { { 1, 1 } }, accept = { 2 } } }, "accept must be" },
      { "regular", { language = { next = { { 1, 1 } }, accept = { 1 } } }, "no string of length 20 is outside of the language" },
      { "regular", { language = "tomita2", length = 3 }, "no string of length 3 is in the language" },
      { "regular", { length = 0 }, "length must be" },
    } do
      fails(function() data[case[1]](case[2]) end, "^" .. case[1] .. ": .*" .. case[3])
    end
  end)
end)
