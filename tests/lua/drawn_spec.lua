-- Images drawn by rule: geometry that has an answer on paper, balance, repeatability, options.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails   = support.fails

-- Every class once, in its place, with nothing left to chance.
local function still(kind, changes)
  local opts = { rotation = 0, shear = 0, scale = 1, shift = 0, thickness = 2, wobble = 0, n_train = 40, n_test = 1 }
  for name, value in pairs(changes or {}) do opts[name] = value end
  local set, images = ml.data[kind](opts).train, {}
  for i = 1, #set.y do images[set.y[i]:item()] = set.x[{ i, 1 }] end
  return images
end

local function furthest(a, b) return (a - b):abs():max():item() end

describe("data.digits and data.shapes", function()
  it("have as many of each class, in random order, with values from 0 to 1", function()
    for kind, classes in pairs { digits = 10, shapes = 8 } do
      local data = ml.data[kind] { n_train = 400, n_test = 80, noise = 0.2 }
      assert.equal(classes, #data.classes)
      assert.same({ 400, 1, 28, 28 }, data.train.x.shape)
      for part, n in pairs { train = 400, test = 80 } do
        for _, count in ipairs(data[part].y:bincount({ classes = classes }):tolist()) do assert.equal(n // classes, count) end
      end
      assert.is_true(data.train.x:min():item() >= 0 and data.train.x:max():item() <= 1)
      local first = data.train.y[{ { 1, classes } }]:bincount { classes = classes }
      assert.is_true(first:max():item() > 1) -- not one after the other
    end
    assert.same({ 3, 3, 2, 2, 2, 2, 2, 2 }, -- what is over goes to the first classes
      ml.data.shapes({ n_train = 18, n_test = 1 }).train.y:bincount({ classes = 8 }):tolist())
  end)

  it("turn, move and fill as geometry says", function()
    for _, kind in ipairs { "digits", "shapes" } do
      local upright, turned = still(kind), still(kind, { rotation = { 90, 90 } })
      local moved, filled = still(kind, { shift = { 2, 2 } }), still(kind, { filled = true })
      for class, image in ipairs(upright) do
        assert.is_true(furthest(turned[class], image:transpose(1, 2):flip { dims = { 2 } }) < 1e-5) -- with the clock
        assert.is_true(furthest(moved[class], image:roll { shifts = { 2, 2 }, dims = { 1, 2 } }) < 1e-5)
        assert.is_true((filled[class] - image):min():item() >= 0)
      end
    end
    -- a square of 0.78 * 2 * 0.36 * 28 = 15.72 pixels, and half a pen more at each side
    local area = still("shapes", { filled = true })[3]:sum():item()
    assert.is_true(math.abs(area - 17.72 ^ 2) < 5, tostring(area))
    -- the strokes of a seven, 1.16 and 2.119 long, 10.08 pixels the unit, 2 wide, with round ends
    local ink = still("digits")[8]:sum():item()
    local wanted = (1.16 + math.sqrt(0.7 ^ 2 + 2 ^ 2)) * 10.08 * 2 + math.pi
    assert.is_true(math.abs(ink / wanted - 1) < 0.06, ("%g, not %g"):format(ink, wanted))
  end)

  it("have smooth edges", function()
    local image = still("digits", { thickness = 4 })[1]
    local between = ml.logical_and(image:gt(0.05), image:lt(0.95)):cast("f32"):mean():item()
    assert.is_true(between > 0.03 and image:eq(1):any():item())
  end)

  it("give the test set another look", function()
    local data = ml.data.digits { n_train = 10, n_test = 200, rotation = 0, shift = 0, shear = 0, test = { shift = { 5, 5 } } }
    local function centre(x) -- column of the middle of the ink
      local columns = x:sum { dims = { 1, 2, 3 } }
      return ((columns * ml.arange(1, 28)):sum() / columns:sum()):item()
    end
    assert.is_true(math.abs(centre(data.test.x) - centre(data.train.x) - 5) < 0.5)
  end)

  it("draws ink and ground that can be told apart", function()
    local x = ml.data.shapes({ n_train = 50, n_test = 1, size = 32, colour = true, filled = true }).train.x
    assert.same({ 50, 3, 32, 32 }, x.shape)
    local range = x:max { dims = { 3, 4 } } - x:min { dims = { 3, 4 } }
    assert.is_true(range:max({ dims = { 2 } }):min():item() >= 0.39)
  end)

  it("are decided by the seed, each image by itself", function()
    local few, many = ml.data.digits { n_train = 10, n_test = 5 }, ml.data.digits { n_train = 10, n_test = 5, seed = 2 }
    assert.same(few.train.x:tolist(), ml.data.digits({ n_train = 10, n_test = 5 }).train.x:tolist())
    assert.not_same(few.train.x:tolist(), many.train.x:tolist())
    assert.is_true(furthest(few.train.x[1], few.train.x[2]) > 0.5)
  end)

  it("say what is wrong with their options", function()
    for options, message in pairs {
      [{ size = 7 }] = "size must be 8%.%.256, got 7", [{ size = 10 ^ 15 // 1 }] = "size must be",
      [{ n_train = 0 }] = "n_train must be 1%.%.10000000, got 0", [{ n_test = -3 }] = "n_test must be",
      [{ rotation = { 10, 5 } }] = "rotation of the training set must be a range within %-360%.%.360, got 10%.%.5",
      [{ scale = 0 }] = "scale of the training set", [{ thickness = 0 / 0 }] = "thickness of the training set",
      [{ shift = 29 }] = "shift of the training set must be a range within %-28%.%.28",
      [{ noise = -1 }] = "noise of the training set", [{ wobble = math.huge }] = "wobble of the training set",
      [{ rotation = { 1, 2, 3 } }] = "rotation must be two numbers, got 3", [{ rotaton = 3 }] = "did you mean 'rotation'%?",
    } do
      fails(function() ml.data.digits(options) end, "^digits: .*" .. message)
    end
    fails(function() ml.data.shapes { test = { rotation = 1000 } } end, "^shapes: rotation of the test set must be")
    fails(function() ml.data.shapes { test = { size = 3 } } end, "^shapes%.test: unknown option 'size'")
    fails(function() ml.data.shapes { test = 3 } end, "^shapes%.test: options must be a table, got number")
    fails(function() ml.data.digits { n_train = 10000000, n_test = 1, size = 256 } end, "out of memory")
  end)
end)
