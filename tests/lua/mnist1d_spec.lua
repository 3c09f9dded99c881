-- MNIST-1D by its recipe: the published numbers, and the properties that any parameters must leave standing.
local source  = os.getenv "MOONLAB_SOURCE"
local ml      = require "moonlab"
local support = dofile(source .. "/tests/lua/support.lua")
local fails   = support.fails

local published = source .. "/../shared/data/mnist1d"

describe("data.mnist1d", function()
  local data = ml.data.mnist1d { dtype = "f64" }

  -- Values of the published arrays, from an independent implementation of the recipe.
  it("makes the published set with seed 42", function()
    local labels = {}
    for i = 1, 20 do labels[i] = data.train.y[i]:item() - 1 end
    assert.same({ 2, 6, 4, 5, 6, 6, 6, 0, 3, 1, 6, 9, 4, 3, 4, 5, 1, 9, 0, 3 }, labels)
    support.holds({ -.33200567, -.47191037, -.77869708, -1.00974083, -.88235257 }, data.train.x[{ 1, { 1, 5 } }], 1e-8)
    for _, entry in ipairs {
      { data.train.x[{ 1, 1 }], -0.33200566736939013 }, { data.train.x[{ 4000, 40 }], -1.6509928567520655 },
      { data.test.x[{ 1, 1 }], -0.07877078047732886 }, { data.test.x[{ 1000, 40 }], 1.1931518368352756 },
    } do
      assert.is_true(math.abs(entry[1]:item() - entry[2]) < 2e-14)
    end
    assert.is_true(math.abs(data.train.x:abs():sum():item() - 118338.29510719892) < 1e-8)
    assert.same({ 398, 396, 411, 394, 394, 402, 401, 404, 402, 398 }, data.train.y:bincount():tolist())
  end)

  it("is the published files to the rounding of f32", function()
    local there = io.open(published .. "/x.npy")
    if not there then return pending("no MNIST-1D at " .. published .. ": the published arrays are not compared") end
    there:close()
    local single = ml.data.mnist1d()
    for part, ending in pairs { train = ".npy", test = "_test.npy" } do
      local x, y = ml.load(published .. "/x" .. ending), ml.load(published .. "/y" .. ending)
      assert.equal("f32", x.dtype)
      assert.is_true((single[part].x - x):abs():max():item() <= 2 ^ -22)
      assert.is_true(single[part].y:eq(y:cast "i64" + 1):all():item())
    end
  end)

  it("has as many of each class, mean 0 and standard deviation 1", function()
    for _, opts in ipairs { { n = 200, seed = 3 }, { n = 50, length = 17, seed = 0, train_fraction = 0.5 } } do
      local some = ml.data.mnist1d(opts)
      local x, y = ml.cat({ some.train.x, some.test.x }, 1), ml.cat({ some.train.y, some.test.y }, 1)
      assert.same({ opts.n, opts.length or 40 }, x.shape)
      assert.equal(opts.n * (opts.train_fraction or 0.8), #some.train.y)
      for _, count in ipairs(y:bincount { classes = 10 }:tolist()) do assert.equal(opts.n / 10, count) end
      assert.is_true(math.abs(x:mean():item()) < 1e-6 and math.abs(x:var { correction = 0 }:item() - 1) < 1e-5)
    end
  end)

  it("without noise, scale, shear and moves gives each class its template", function()
    local still = ml.data.mnist1d {
      n = 20, length = 48, padding = 36, max_translation = 0, scale = 0, correlated_noise = 0, iid_noise = 0, shear = 0,
    }
    local rows = {}
    for _, part in ipairs { still.train, still.test } do
      for i = 1, #part.y do
        local class = part.y[i]:item()
        if rows[class] then support.holds(rows[class], part.x[i], 1e-6) end
        rows[class] = part.x[i]:tolist()
      end
    end
    assert.equal(10, #rows)
    -- class 1, drawn 5 6 6.5 6.75 7 7 7 7 6.75 6.5 6 5: up to a factor and a shift that the whole set shares
    local zero, unit = rows[1][48], (rows[1][5] - rows[1][48]) / 2
    for i, height in ipairs { 0, 1, 1.5, 1.75, 2, 2, 2, 2, 1.75, 1.5, 1, 0 } do
      assert.is_true(math.abs((rows[1][i] - zero) / unit - height) < 1e-4)
    end
  end)

  it("shuffles the positions of all signals alike", function()
    local shuffled = ml.data.mnist1d { shuffled = true, dtype = "f64" }
    assert.is_true(shuffled.train.y:eq(data.train.y):all():item())
    local first, moved = data.train.x[1]:tolist(), shuffled.train.x[1]:tolist()
    local from, n_moved = {}, 0
    for j, v in ipairs(moved) do
      for i, w in ipairs(first) do if v == w then from[j] = i end end
      if from[j] ~= j then n_moved = n_moved + 1 end
    end
    assert.is_true(n_moved > 30)
    assert.same(from, shuffled.positions:tolist())
    assert.equal(40, data.positions[40]:item())
    support.holds(data.test.x[{ {}, ml.tensor(from, { dtype = "i64" }) }]:tolist(), shuffled.test.x, 0)
  end)

  it("is decided by its seed alone", function()
    local a = ml.data.mnist1d({ n = 20, seed = 7 }).train.x:tolist()
    ml.seed(5)
    assert.same(a, ml.data.mnist1d({ n = 20, seed = 7 }).train.x:tolist())
    assert.not_same(a, ml.data.mnist1d({ n = 20, seed = 8 }).train.x:tolist())
  end)

  it("says what is wrong with its options", function()
    for options, message in pairs {
      [{ n = 15 }] = "n must be a multiple of 10, 10%.%.1000000, got 15", [{ n = 0 }] = "got 0",
      [{ n = 2 ^ 40 // 1 * 10 }] = "must be a multiple", [{ train_fraction = 1 }] = "train_fraction must be between 0 and 1",
      [{ length = 1 }] = "length must be 2%.%.4096, got 1", [{ padding = { 60, 36 } }] = "padding must be two numbers, rising",
      [{ padding = { -1, 3 } }] = "padding must be", [{ padding = { 1, 2, 3 } }] = "padding must be two numbers, got 3",
      [{ padding = { 1.5, 2 } }] = "padding must be a whole number", [{ padding = 10 ^ 9 // 1 | 0 }] = "padding must be",
      [{ max_translation = 73 }] = "max_translation must be 0%.%.72, the padded length, got 73",
      [{ iid_noise = -1 }] = "iid_noise must be at least 0, got %-1", [{ shear = 0 / 0 }] = "shear must be",
      [{ scale = math.huge }] = "scale must be", [{ seed = -1 }] = "seed must be 0%.%.4294967295, got %-1",
      [{ dtype = "i64" }] = "dtype must be f32 or f64, got i64", [{ shufled = true }] = "did you mean 'shuffled'%?",
    } do
      fails(function() ml.data.mnist1d(options) end, "^mnist1d: .*" .. message)
    end
  end)
end)
