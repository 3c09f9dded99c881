-- Data sets made by rule in Lua: closed forms, balance, repeatability, and options that make no sense.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails, holds = support.fails, support.holds

local data = ml.data
local NAMES = { "spirals", "moons", "circles", "spheres", "gaussians", "parity", "linear", "teacher", "frequencies" }

local function furthest(a, b) return (a - b):abs():max():item() end
local function of_class(set, class) return set.x[set.y:eq(class)] end
local function norms(x) return x:square():sum({ dims = { 2 } }):sqrt() end

describe("every generator", function()
  it("makes sets of the sizes that were asked for, decided by its seed alone", function()
    for _, name in ipairs(NAMES) do
      ml.seed(1)
      local a = data[name] { n_train = 30, n_test = 20, seed = 5 }
      assert.same({ 30, 20, 30, 20 }, { #a.train.x, #a.test.x, #a.train.y, #a.test.y }, name)
      ml.seed(2)
      local threads = ml.threads(1)
      local b, c = data[name] { n_train = 30, n_test = 20, seed = 5 }, data[name] { n_train = 30, n_test = 20, seed = 6 }
      ml.threads(threads)
      assert.same(a.train.x:tolist(), b.train.x:tolist(), name)
      assert.same(a.test.y:tolist(), b.test.y:tolist(), name)
      assert.not_same(a.train.y:tolist(), c.train.y:tolist(), name)
      if name ~= "frequencies" then -- whose inputs are a grid
        assert.not_same(a.train.x:tolist(), c.train.x:tolist(), name)
        assert.not_same(a.train.x[{ { 1, 20 } }]:tolist(), a.test.x:tolist(), name)
      end
      local longer = data[name] { n_train = 50, n_test = 20, seed = 5 }
      assert.same(a.test.x:tolist(), longer.test.x:tolist(), name) -- more training data, the same test
    end
  end)

  it("leaves the default random numbers alone", function()
    ml.seed(3)
    local expected = ml.rand({ 3 }):tolist()
    for _, name in ipairs(NAMES) do
      ml.seed(3)
      data[name] { n_train = 5, n_test = 5 }
      assert.same(expected, ml.rand({ 3 }):tolist(), name)
    end
  end)

  it("refuses sizes and options that make no sense", function()
    for _, name in ipairs(NAMES) do
      fails(function() data[name] { n_train = 0 } end, "^" .. name .. ": n_train must be a whole number, 1%.%.100000000, got 0")
      fails(function() data[name] { n_test = 1.5 } end, "^" .. name .. ": n_test must be a whole number")
      fails(function() data[name] { n_train = 10 ^ 12 // 1 | 0 } end, "^" .. name .. ": n_train must be")
      fails(function() data[name] { seed = 0.5 } end, "^" .. name .. ": seed must be a whole number, got 0.5")
      fails(function() data[name] { n_trian = 5 } end, "^" .. name .. ": unknown option 'n_trian'; did you mean 'n_train'%?")
      fails(function() data[name](7) end, "^" .. name .. ": options must be a table, got number")
    end
  end)
end)

describe("points", function()
  it("of spirals are where turns say", function()
    local set = data.spirals({ arms = 3, turns = 2, noise = 0, n_train = 300 }).train
    local r   = norms(set.x)
    local angle = set.x[{ {}, 2 }]:atan2(set.x[{ {}, 1 }])
    local off   = angle - r * (4 * math.pi) - (set.y - 1):cast "f32" * (2 * math.pi / 3)
    assert.is_true((off / 2):sin():abs():max():item() < 1e-4) -- whole turns apart
    assert.is_true(r:max():item() <= 1)
    assert.same({ 100, 100, 100 }, set.y:bincount():tolist())
  end)

  it("of moons and circles lie on them", function()
    local moons = data.moons({ noise = 0, n_train = 200 }).train
    local one, two = of_class(moons, 1), of_class(moons, 2)
    assert.is_true(furthest(norms(one), ml.ones { 100 }) < 1e-5 and one[{ {}, 2 }]:min():item() >= -1e-6)
    local moved = two - ml.tensor { 1, 0.5 }
    assert.is_true(furthest(norms(moved), ml.ones { 100 }) < 1e-5 and moved[{ {}, 2 }]:max():item() <= 1e-6)
    local circles = data.circles({ noise = 0, factor = 0.3, n_train = 200 }).train
    assert.is_true(furthest(norms(of_class(circles, 1)), ml.ones { 100 }) < 1e-5)
    assert.is_true(furthest(norms(of_class(circles, 2)), ml.full({ 100 }, 0.3)) < 1e-5)
    local noisy = data.circles({ noise = 0.05, n_train = 4000 }).train
    assert.is_true(math.abs(norms(of_class(noisy, 1)):std():item() - 0.05) < 0.005)
  end)

  it("of spheres are even in every direction", function()
    local set = data.spheres({ dim = 4, radii = { 1, 2, 5 }, n_train = 30000 }).train
    for class, radius in ipairs { 1, 2, 5 } do
      local x = of_class(set, class)
      assert.is_true(furthest(norms(x), ml.full({ 10000 }, radius)) < 1e-4 * radius)
      local covariance = x:transpose(1, 2):matmul(x) / 10000
      assert.is_true(furthest(covariance, ml.eye(4) * (radius ^ 2 / 4)) < 0.02 * radius ^ 2)
    end
  end)

  it("of Gaussians are about their centres", function()
    local centres = ml.tensor { { 0, 0, 3 }, { 5, 0, 0 } }
    local made    = data.gaussians { centres = centres, std = 0.5, n_train = 20000 }
    for class = 1, 2 do
      local x = of_class(made.train, class)
      assert.is_true(furthest(x:mean { dims = { 1 } }, centres[class]:cast "f32") < 0.03)
      assert.is_true(furthest(x:std { dims = { 1 } }, ml.full({ 3 }, 0.5)) < 0.02)
    end
    local c = data.gaussians({ classes = 400, dim = 20, separation = 7, n_train = 1, n_test = 1 }).centres
    local apart = (c:unsqueeze(1) - c:unsqueeze(2)):square():sum(3)
    assert.is_true(math.abs((apart:sum():item() / (400 * 399)) ^ 0.5 - 7) < 0.15)
  end)
end)

describe("functions of bits", function()
  it("are parities of a hidden subset", function()
    local of = { bits = function(x) return x:sum(2) % 2 end, signs = function(x) return (1 - x:prod(2)) / 2 end }
    for encoding, odd in pairs(of) do
      local made = data.parity { bits = 12, k = 4, encoding = encoding, n_train = 500 }
      local subset = made.subset:tolist()
      assert.equal(4, #subset)
      for i = 2, 4 do assert.is_true(subset[i - 1] < subset[i]) end
      for _, part in ipairs { made.train, made.test } do
        assert.is_true((odd(part.x[{ {}, made.subset }]) + 1):eq(part.y):all():item())
      end
    end
    local clean, noisy = data.parity { n_train = 5000 }, data.parity { n_train = 5000, noise = 0.1 }
    assert.is_true(math.abs(clean.train.y:ne(noisy.train.y):cast("f32"):mean():item() - 0.1) < 0.02)
    assert.same(clean.test.y:tolist(), noisy.test.y:tolist())
    assert.is_true(math.abs(clean.train.x:mean():item()) < 0.01 and clean.train.x:abs():eq(1):all():item())
  end)

  it("have each of the 2^k inputs once", function()
    local made = data.boolean { k = 5, train_fraction = 0.25, encoding = "bits" }
    local seen, weights = {}, ml.tensor { 16, 8, 4, 2, 1 }
    for part, n in pairs { train = 8, test = 24 } do
      assert.equal(n, #made[part].y)
      local numbers, y = made[part].x:matmul(weights:cast "f32"):tolist(), made[part].y:tolist()
      for i, number in ipairs(numbers) do
        number = math.tointeger(number)
        assert.is_nil(seen[number])
        seen[number] = true
        assert.equal(tonumber(made.table:sub(number + 1, number + 1)), y[i] - 1)
      end
    end
    holds(ml.arange(0, 31):cast("f32"):tolist(), made.all.x:matmul(weights:cast "f32"))
  end)

  it("come from a table as text, list or number", function()
    for _, given in ipairs { "0001", { 0, 0, 0, 1 }, 8 } do
      local both = data.boolean { k = 2, table = given }
      assert.equal("0001", both.table)
      holds({ { 1, 1 }, { 1, -1 }, { -1, 1 }, { -1, -1 } }, both.all.x)
      assert.same({ 1, 1, 1, 2 }, both.all.y:tolist())
    end
    assert.equal(("1"):rep(64), data.boolean({ k = 6, table = -1 }).table)
    assert.not_equal(data.boolean({ seed = 1 }).table, data.boolean({ seed = 2 }).table)
  end)

  it("say what is wrong", function()
    fails(function() data.boolean { k = 21 } end, "^boolean: k must be a whole number, 1%.%.20, got 21")
    fails(function() data.boolean { k = 2, table = "001" } end, "list of 4 zeros and ones, or a number, got 3 of them")
    fails(function() data.boolean { k = 2, table = "0021" } end, "entry 3 of the table must be 0 or 1, got 2")
    fails(function() data.boolean { k = 2, table = 16 } end, "the table of 2 bits is a number of 4 bits, got 16")
    fails(function() data.boolean { k = 7, table = 3 } end, "at most 6 bits")
    fails(function() data.boolean { k = 2, table = true } end, "got boolean")
    fails(function() data.boolean { train_fraction = 0 } end, "train_fraction must be between 0 and 1")
    fails(function() data.boolean { encoding = "words" } end, "encoding must be \"signs\" or \"bits\", got 'words'")
    fails(function() data.parity { bits = 3, k = 4 } end, "^parity: k must be a whole number, 1%.%.3, got 4")
    fails(function() data.parity { noise = 2 } end, "^parity: noise must be 0%.%.1, got 2")
    fails(function() data.parity { noise = 0 / 0 } end, "^parity: noise must be 0%.%.1")
  end)
end)

describe("regressions", function()
  it("of linear functions have the covariance that was asked for", function()
    for _, spectrum in ipairs { 0, 1.5, { 9, 4, 1, 0.25 } } do
      local made = data.linear { dim = 4, spectrum = spectrum, rotate = spectrum ~= 0, n_train = 40000, noise = 0 }
      local wanted = ml.tensor(type(spectrum) == "table" and spectrum
        or { 1, 2 ^ -spectrum, 3 ^ -spectrum, 4 ^ -spectrum })
      assert.is_true(furthest(made.spectrum, wanted:cast "f32") < 1e-6)
      local x = made.train.x
      if made.basis then
        assert.is_true(furthest(made.basis:transpose(1, 2):matmul(made.basis), ml.eye(4)) < 1e-5)
        x = x:matmul(made.basis)
      end
      local scale = wanted:cast("f32"):sqrt()
      local covariance = x:transpose(1, 2):matmul(x) / 40000 / scale / scale:reshape(4, 1)
      assert.is_true(furthest(covariance, ml.eye(4)) < 0.04)
      assert.is_true(furthest(made.train.x:matmul(made.weight), made.train.y) < 1e-5)
      assert.is_true(math.abs(made.weight:square():sum():item() - 1) < 1e-5)
    end
    local noisy = data.linear { dim = 3, weight = { 1, 2, 3 }, noise = 0.5, n_train = 20000 }
    holds({ { 1 }, { 2 }, { 3 } }, noisy.weight)
    assert.is_true(math.abs((noisy.train.y - noisy.train.x:matmul(noisy.weight)):std():item() - 0.5) < 0.01)
    assert.same({ 20000, 1 }, noisy.train.y.shape)
  end)

  it("repeat a teacher", function()
    local made = data.teacher { layers = { 5, 7, 2 }, activation = "tanh", sphere = true }
    assert.is_true(furthest(norms(made.train.x), ml.ones { 1000 }) < 1e-5)
    assert.is_true(furthest(made.teacher(made.test.x), made.test.y) == 0)
    assert.is_true(made.train.y:std():item() > 0.1)
    local net = ml.nn.Linear(5, 3)
    local own = data.teacher { layers = { 5 }, model = net, labels = true, n_train = 50 }
    assert.same(net(own.train.x):argmax(-1):tolist(), own.train.y:tolist())
    assert.is_false(data.teacher({ layers = { 5 }, model = net, n_train = 5 }).train.y.requires_grad)
    local noisy = data.teacher { noise = 0.3, n_train = 20000 }
    assert.is_true(math.abs((noisy.train.y - noisy.teacher(noisy.train.x)):std():item() - 0.3) < 0.01)
  end)

  it("of sines have these frequencies and no others", function()
    local made = data.frequencies { frequencies = { 1, 5, 12 }, amplitudes = { 1, 0.5, 2 }, n_train = 64 }
    local parts = ml.rfft(made.train.y:cast("f64"):reshape(64))
    local size  = parts:square():sum({ dims = { 2 } }):sqrt() / 32
    for f, value in ipairs(size:tolist()) do
      local wanted = ({ [2] = 1, [6] = 0.5, [13] = 2 })[f] or 0
      assert.is_true(math.abs(value - wanted) < 1e-5, f)
    end
    assert.is_true(made.train.x[1]:item() == -1 and math.abs(made.train.x[64]:item() - (1 - 2 / 64)) < 1e-6)
    local flat = data.frequencies { frequencies = { 3 }, phases = { 0 }, n_test = 12 }
    assert.is_true(math.abs(flat.test.y[2]:item() - 1) < 1e-6) -- sin(2 pi 3 / 12)
  end)

  it("say what is wrong", function()
    for _, case in ipairs {
      { "linear", { dim = 0 }, "dim must be" }, { "linear", { noise = -1 }, "noise must be" },
      { "linear", { dim = 3, spectrum = { 1, 2 } }, "list of 3 eigenvalues, got 2" },
      { "linear", { dim = 2, spectrum = { 1, -1 } }, "eigenvalues must be at least 0" },
      { "linear", { dim = 2, spectrum = { 1, 0 / 0 } }, "eigenvalues must be" }, { "linear", { spectrum = "x" }, "got string" },
      { "linear", { dim = 3, weight = { 1 } }, "weight must have 3 values, got 1" },
      { "teacher", { layers = { 3 } }, "layers must be sizes" }, { "teacher", { layers = { 3, 0 } }, "layers%[2%] must be" },
      { "teacher", { activation = "rleu" }, "activation must be an operation" },
      { "teacher", { model = function(x) return x:sum() end }, "the model must give %(1000, outputs%), got %(%)" },
      { "frequencies", { frequencies = {} }, "frequencies must be a list" },
      { "frequencies", { amplitudes = { 1 } }, "amplitudes must be a list of 8 numbers, got 1" },
      { "frequencies", { phases = { "a", 1, 1, 1, 1, 1, 1, 1 } }, "entry 1 of phases must be a number" },
      { "spheres", { radii = { 1 } }, "radii must be at least two" },
      { "spheres", { radii = { 1, -1 } }, "radius 2 must be positive" },
      { "gaussians", { centres = { 1 } }, "centres must be a tensor" }, { "gaussians", { std = math.huge }, "std must be" },
      { "spirals", { arms = 0 }, "arms must be" }, { "circles", { factor = 2 }, "factor must be" },
      { "moons", { noise = -1 }, "noise must be" },
    } do
      fails(function() data[case[1]](case[2]) end, "^" .. case[1] .. ": .*" .. case[3])
    end
  end)
end)
