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
  end)

  it("takes an i64 tensor of positions", function()
    holds({ { 7, 8, 9 }, { 1, 2, 3 }, { 7, 8, 9 } }, x[ml.tensor { 3, 1, 3 }])
    fails(function() return x[ml.tensor { 0 }] end, "^embedding: ids must be 1%.%.3, found 0 %(add 1%)")
    fails(function() return x[ml.tensor { 4 }] end, "ids must be 1%.%.3, found 4")
    fails(function() return x[x:gt(1)] end, "must be i64, got bool; masks are not supported here yet")
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
