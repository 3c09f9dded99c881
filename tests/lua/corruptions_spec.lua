-- What is done to data sets on purpose: how much of it, to which set, and that the old set stays.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails   = support.fails

local function fresh()
  return ml.data.gaussians { classes = 4, dim = 6, n_train = 4000, n_test = 400, seed = 1 }
end

local function furthest(a, b) return (a - b):abs():max():item() end

describe("corruptions", function()
  it("are decided by their seed, touch nothing that was given, and keep what else a set has", function()
    local set, copy = fresh(), fresh()
    for _, name in ipairs { "label_noise", "random_labels", "permute_pixels", "feature_noise" } do
      local a, b, c = ml.data[name](set), ml.data[name](set), ml.data[name](set, { seed = 2 })
      for _, part in ipairs { "train", "test" } do
        for _, field in ipairs { "x", "y" } do
          assert.same(copy[part][field]:tolist(), set[part][field]:tolist(), name)
          assert.same(a[part][field]:tolist(), b[part][field]:tolist(), name)
        end
      end
      assert.is_true(furthest(a.train.x, c.train.x) > 0 or a.train.y:ne(c.train.y):any():item(), name)
      assert.is_true(a.centres == set.centres)
      local alone = ml.data[name](set.train) -- one set is the training set
      assert.same(a.train.y:tolist(), alone.y:tolist(), name)
      assert.equal(0, furthest(a.train.x, alone.x))
    end
  end)

  it("make exactly the fraction of labels wrong, each other class as often", function()
    local set = fresh()
    for _, fraction in ipairs { 0, 0.1, 0.5, 1 } do
      local noisy = ml.data.label_noise(set, { fraction = fraction })
      local wrong = noisy.train.y:ne(set.train.y)
      assert.equal(fraction * 4000, wrong:cast("i64"):sum():item())
      assert.is_true(wrong:eq(noisy.train.wrong):all():item())
      assert.is_true(noisy.train.y:min():item() >= 1 and noisy.train.y:max():item() <= 4)
      assert.is_true(noisy.test == set.test or noisy.test.y:eq(set.test.y):all():item())
    end
    local all = ml.data.label_noise(set, { fraction = 1 })
    for class = 1, 4 do
      local became = all.train.y[set.train.y:eq(class)]:bincount({ classes = 4 }):tolist()
      assert.equal(0, became[class])
      for other = 1, 4 do assert.is_true(other == class or became[other] > 250, other) end -- 333 with deviation 15
    end
  end)

  it("draw labels that know nothing of the old ones", function()
    local set    = fresh()
    local random = ml.data.random_labels(set)
    assert.is_true(math.abs(random.train.y:eq(set.train.y):cast("f32"):mean():item() - 0.25) < 0.035)
    assert.same(set.test.y:tolist(), random.test.y:tolist())
    assert.equal(9, ml.data.random_labels(set, { classes = 9 }).train.y:max():item())
  end)

  it("put the values in one other order, the same in both sets and all channels", function()
    local x = ml.rand({ 5, 3, 4, 4 }, { seed = 1 })
    local set = { train = { x = x, y = ml.ones { 5 } }, test = { x = x + 1, y = ml.ones { 5 } } }
    local other = ml.data.permute_pixels(set)
    assert.same(x.shape, other.train.x.shape)
    local flat = x:reshape(5, 3, 16)[{ {}, {}, other.train.permutation }]:reshape(5, 3, 4, 4)
    assert.equal(0, furthest(flat, other.train.x))
    assert.is_true(furthest(other.test.x, other.train.x + 1) < 1e-6 and furthest(x, other.train.x) > 0.1)
    local each = ml.data.permute_pixels(set, { each = true })
    assert.equal(0, furthest(each.train.x:reshape(5, 3, 16):sort(3), x:reshape(5, 3, 16):sort(3)))
    local one = ml.arange(1, 16):cast("f32"):reshape(1, 1, 16):expand(5, 2, 16):contiguous()
    local rows = ml.data.permute_pixels({ x = one, y = ml.ones { 5 } }, { each = true }).x
    assert.is_true(furthest(rows[1], rows[2]) > 1 and furthest(rows[{ {}, 1 }], rows[{ {}, 2 }]) == 0)
  end)

  it("add noise of their standard deviation, where it is wanted", function()
    local set = fresh()
    local noisy = ml.data.feature_noise(set, { std = 0.3 })
    for _, part in ipairs { "train", "test" } do
      local noise = noisy[part].x - set[part].x
      assert.is_true(math.abs(noise:std():item() - 0.3) < 0.015 and math.abs(noise:mean():item()) < 0.03)
    end
    local one = ml.data.feature_noise(set, { only = "test" })
    assert.is_true(furthest(one.train.x, set.train.x) == 0 and furthest(one.test.x, set.test.x) > 0)
  end)

  it("say what is wrong", function()
    local set = fresh()
    local narrow = { x = ml.zeros { 2, 5 }, y = ml.zeros { 2 } }
    local floats = { x = set.train.x, y = set.train.x }
    for _, case in ipairs {
      { "label_noise", set, { fraction = 1.5 }, "fraction must be 0%.%.1, got 1.5" },
      { "label_noise", set, { fraction = 0 / 0 }, "fraction must be 0%.%.1" },
      { "label_noise", set, { classes = 3 }, "there is a label 4, and classes is 3" },
      { "label_noise", floats, {}, "needs labels, y %(n%) i64, got f32 %(4000, 6%)" },
      { "label_noise", { x = set.train.x, y = set.train.y - 1 }, {}, "labels count from 1, found 0 %(add 1%)" },
      { "label_noise", { x = set.train.x, y = set.train.y * 0 + 1 }, {}, "needs at least two classes, got 1" },
      { "random_labels", {}, {}, "takes a data set" }, { "random_labels", set, { sed = 1 }, "did you mean 'seed'%?" },
      { "permute_pixels", { x = set.train.y, y = set.train.y }, {}, "x must be %(n, ...%), got 1 dimension" },
      { "permute_pixels", { train = set.train, test = narrow }, {}, "must have one shape" },
      { "feature_noise", set, { std = -1 }, "std must be at least 0" },
      { "feature_noise", set, { only = "tets" }, "only must be \"train\" or \"test\", got 'tets'" },
      { "feature_noise", { x = set.train.y, y = set.train.y }, {}, "x must be f32 or f64, got i64" },
    } do
      fails(function() ml.data[case[1]](case[2], case[3]) end, "^" .. case[1] .. ": .*" .. case[4])
    end
  end)
end)
