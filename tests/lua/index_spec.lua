local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

describe("indexing", function()
  local x
  before_each(function() x = ml.tensor { { 1.0, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } } end)

  it("takes a position, counted from 1 or from the end", function()
    holds({ 1, 2, 3 }, x[1])
    holds({ 7, 8, 9 }, x[-1])
    holds(6, x[{ 2, 3 }])
    holds(6, x[2][3])
    holds(6, x[{ -2, -1 }])
  end)

  it("takes ranges, the end included", function()
    holds({ { 1, 2, 3 }, { 4, 5, 6 } }, x[{ { 1, 2 } }])
    holds({ 2, 5, 8 }, x[{ {}, 2 }])
    holds({ 2, 5 }, x[{ { 1, 2 }, 2 }])
    holds({ { 5, 6 }, { 8, 9 } }, x[{ { 2, -1 }, { 2, 3 } }])
    holds({ { 1, 2, 3 }, { 7, 8, 9 } }, x[{ { 1, 3, 2 } }])
    holds({ { 4, 5, 6 }, { 7, 8, 9 } }, x[{ { 2 } }])
    assert.same({ 3, 3 }, x[{}].shape)
    local column = x[{ {}, 2 }] -- a view
    column[1] = 20
    holds(20, x[{ 1, 2 }])
  end)

  it("takes an i64 tensor of positions", function()
    holds({ { 7, 8, 9 }, { 1, 2, 3 }, { 7, 8, 9 } }, x[ml.tensor { 3, 1, 3 }])
    holds({ { 7, 8, 9 }, { 1, 2, 3 } }, x[ml.tensor { -1, -3 }])
    holds({ 4, 5, 6 }, x[ml.tensor(2)])
    fails(function() return x[ml.tensor { 0 }] end,
      "^index: positions in dimension 1 of a tensor of shape %(3, 3%) must be 1%.%.3, or from %-1 at the end; found 0 %(add 1%)")
    fails(function() return x[{ {}, ml.tensor { 4 } }] end, "^index: positions in dimension 2 of .* found 4$")
    fails(function() return x[ml.tensor { 1.0 }] end, "^index: a tensor of positions must be i64, a mask bool; got f32")
  end)

  it("takes tensors of positions beside other things", function()
    local ids = ml.tensor { 3, 1 }
    holds({ { 3, 1 }, { 6, 4 }, { 9, 7 } }, x[{ {}, ids }])
    holds({ 8, 2 }, x[{ ids, 2 }])
    holds({ { 8, 9 }, { 2, 3 } }, x[{ ids, { 2, 3 } }])
    holds({ 8, 1 }, x[{ ids, ml.tensor { 2, 1 } }]) -- together: (3, 2) and (1, 1)
    holds({ { 8, 7 }, { 2, 1 } }, x[{ ids:unsqueeze(-1), ml.tensor { 2, 1 } }]) -- every combination
    fails(function() return x[{ ids, ml.tensor { 1, 2, 3 } }] end,
      "^index: tensors of positions pick together, but %(2%) and %(3%) do not broadcast; for every combination give one")
    fails(function() return x[{ { ids, 2 } }] end, "^index: tensors of positions stand beside ranges, as in x%[{ ids, {1, 2} }%]")
  end)

  it("takes masks", function()
    holds({ 6, 7, 8, 9 }, x[x:gt(5)])
    holds({ { 1, 2, 3 }, { 7, 8, 9 } }, x[ml.tensor { true, false, true }])
    holds({ { 2 }, { 5 }, { 8 } }, x[{ {}, ml.tensor { false, true, false } }])
    holds({ 2, 8 }, x[{ ml.tensor { true, false, true }, 2 }])
    assert.same({ 0 }, x[x:gt(9)].shape)
    fails(function() return x[ml.tensor { true, false }] end,
      "^index: a mask of shape %(2%) does not fit dimension 1 of a tensor of shape %(3, 3%), from dimension 1 on")
    fails(function() return x[{ x:gt(5), 1 }] end, "^index: more positions than dimensions in a tensor of shape %(3, 3%)")
    fails(function() return x[ml.tensor(true)] end, "^index: a single boolean is no mask")
  end)

  it("gives views: a change shows in both", function()
    local row = x[2]
    row[1] = 40
    holds({ 40, 5, 6 }, x[2])
  end)

  it("has a derivative", function()
    local w = ml.tensor({ { 1.0, 2 }, { 3, 4 } }, { requires_grad = true })
    local y = w[{ 1, 2 }] * w[{ {}, 1 }]:sum()
    y:backward()
    holds({ { 2, 4 }, { 2, 0 } }, w.grad)
    w:zero_grad()
    local z = w[w:gt(1)]:square():sum() + 10 * w[{ ml.tensor { 1, 1 }, ml.tensor { 2, 2 } }]:sum()
    z:backward()
    holds({ { 0, 24 }, { 6, 8 } }, w.grad)
    local v = ml.tensor({ 1.0, 2, 3 }, { requires_grad = true })
    local g = ml.autograd.grad((v[ml.tensor { 1, 1, 3 }] ^ 3):sum(), { v }, { create_graph = true })[1]
    g:sum():backward()
    holds({ 12, 0, 18 }, v.grad)
  end)

  it("reads and writes what NumPy does", function()
    local function turned(t) return #t.shape > 1 and t:transpose(1, -1):clone():transpose(1, -1) or t:flip():flip() end
    local function I(list) return ml.tensor(list) end
    local groups = assert(loadfile(os.getenv "MOONLAB_SOURCE" .. "/tests/golden/index.lua"))(I, I)
    local n = 0
    for _, group in ipairs(groups) do
      local count = 1
      for _, size in ipairs(group.shape) do count = count * size end
      for _, case in ipairs(group) do
        local key, result, shape, filled, written, value = table.unpack(case)
        local y = ml.arange(count):reshape(group.shape)
        assert.same(result, y[key]:tolist())
        assert.same(shape, y[key].shape)
        for turn = 1, 2 do -- also where the last dimension is the first in memory
          local one, many = y:clone(), y:clone()
          if turn == 2 then one, many = turned(y), turned(y) end
          one[key] = -1
          many[key] = ml.tensor(value)
          assert.same(filled, one:tolist())
          assert.same(written, many:tolist())
        end
        n = n + 1
      end
    end
    assert.equal(120, n)
  end)

  it("says what is out of range", function()
    fails(function() return x[0] end, "^index: positions count from 1, .* got 0 %(add 1%)")
    fails(function() return x[4] end, "index: position 4 in the first dimension of a tensor of shape %(3, 3%)")
    fails(function() return x[{ 1, -4 }] end, "index: position %-4 in the second dimension")
    fails(function() return x[{ 1, 1, 1 }] end, "index: 3 positions for a tensor of shape %(3, 3%)")
    fails(function() return x[{ { 3, 1 } }] end, "index: the range {3, 1} ends before it begins")
    fails(function() return x[{ { 1, 3, 0 } }] end, "index: a step must be at least 1, got 0")
    fails(function() return x[{ { 1, 2, 3, 4 } }] end, "a range is {first, last}")
    fails(function() return x[1.5] end, "index: a position must be a whole number, got 1%.5")
    fails(function() return x[true] end, "index: takes a position")
    fails(function() return ml.tensor(1)[1] end, "index: 1 positions for a tensor of shape %(%)")
  end)

  describe("for writing", function()
    it("takes numbers and tensors, which broadcast", function()
      x[1] = 0
      x[{ 2, 2 }] = 50
      x[{ {}, 3 }] = ml.tensor { 30, 60, 90 }
      holds({ { 0, 0, 30 }, { 4, 50, 60 }, { 7, 8, 90 } }, x)
      x[{ { 2, 3 }, { 1, 2 } }] = ml.tensor { -1.0, -2 }
      holds({ { 0, 0, 30 }, { -1, -2, 60 }, { -1, -2, 90 } }, x)
      x[{ { 1, 3, 2 } }] = 7
      holds({ { 7, 7, 7 }, { -1, -2, 60 }, { 7, 7, 7 } }, x)
      x[{}] = 1
      holds({ { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } }, x)
      local t = x:transpose()
      t[1] = ml.tensor { 1.0, 2, 3 }
      holds({ 1, 2, 3 }, x[{ {}, 1 }])
      local flags = ml.tensor { false, false }
      flags[2] = true
      assert.same({ false, true }, flags:tolist())
      fails(function() x[1] = ml.tensor { 1, 2 } end,
        "^assign: a value of shape %(2%) does not fit into a place of shape %(3%)")
      x[{}] = ml.arange(9):reshape(3, 3)
      x[x:gt(7)] = 0
      x[ml.tensor { 2, -2 }] = ml.tensor { -1, -2, -3 }
      holds({ { 1, 2, 3 }, { -1, -2, -3 }, { 7, 0, 0 } }, x)
      x[{ ml.tensor { true, false, true }, { 1, 2 } }] = ml.tensor { { 10 }, { 20 } }
      holds({ { 10, 10, 3 }, { -1, -2, -3 }, { 20, 20, 0 } }, x)
      fails(function() x[x:gt(2)] = ml.tensor { 1, 2 } end,
        "^assign: a value of shape %(2%) does not fit into a place of shape %(5%)")
      fails(function() x[ml.tensor { 1, 9 }] = 5 end, "^assign: positions in dimension 1 .* found 9$")
      fails(function() x[1]:expand(3, 3)[ml.tensor { 1 }] = 5 end,
        "^assign: the target %(3, 3%) shows some of its values more than once; write into a clone of it")
      holds({ { 10, 10, 3 }, { -1, -2, -3 }, { 20, 20, 0 } }, x)
      fails(function() x[1] = { 1, 2, 3 } end, "^assign: the value must be a number or a tensor; of a list make one, ml%.tensor")
      fails(function() x[1] = "one" end, "assign: the value must be a number, got string")
    end)

    it("is refused where it would falsify a recorded graph", function()
      local w = ml.ones({ 3 }, { requires_grad = true })
      local y = w * 2
      fails(function() y[1] = 0 end, "^assign: this tensor is the result of a recorded operation")
      fails(function() w[1] = 0 end, "assign: this tensor requires a gradient; change it inside ml%.no_grad")
      fails(function() x[1] = y end, "assign: the value is recorded and its gradient would be lost")
      ml.no_grad(function() w[1] = 5 end)
      holds({ 5, 1, 1 }, w)
    end)

    it("is noticed by a graph that had saved the old values", function()
      local w = ml.ones({ 3 }, { requires_grad = true })
      local data = ml.tensor { 1.0, 2, 3 }
      local y = (w * data):sum()
      data[1] = 100
      fails(function() y:backward() end, "^backward: an input of 'mul', shape %(3%), was modified after it was used")
    end)
  end)
end)
