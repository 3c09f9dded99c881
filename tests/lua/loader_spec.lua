-- Batches, augmentation, splits and scales from Lua; what a batch is made of is tested in tests/c/test_loader.c.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails, holds = support.fails, support.holds

local function numbered(n) -- x (n, 1): 1, 2, ...; y: three classes in turn
  local ids = ml.arange(1, n, { dtype = "i64" })
  return { x = ids:cast("f32"):reshape(n, 1), y = (ids - 1) % 3 + 1 }
end

local function ids_of(loader)
  local ids = {}
  for batch in loader do
    for _, id in ipairs(batch.ids:tolist()) do ids[#ids + 1] = id end
    holds(batch.ids:tolist(), batch.x:reshape(#batch.x), 0)
  end
  return ids
end

local function sorted(list) table.sort(list); return list end

describe("data.loader", function()
  it("begins an epoch with each loop, also after break", function()
    local set, plain = numbered(10), {}
    for i = 1, 10 do plain[i] = i end
    local loader = ml.data.loader(set, { batch = 4 })
    assert.equal(3, #loader)
    local first = ids_of(loader)
    for batch in loader do
      if #batch.x == 4 then break end
    end
    assert.equal(2, loader.epoch)
    local second = ids_of(loader)
    assert.equal(3, loader.epoch)
    assert.not_same(first, second)
    assert.same(plain, sorted(first))
    assert.same(plain, sorted(second))
    assert.same(plain, ids_of(ml.data.loader(set, { batch = 3, shuffle = false })))
    assert.equal(8, #ids_of(ml.data.loader(set, { batch = 4, drop_last = true })))
    assert.equal("loader: 3 batches an epoch; epoch 3, batch 3", tostring(loader))
  end)

  it("gives the same batches with and without prefetch, by the seed", function()
    local set = ml.data.digits { n_train = 50, n_test = 1 }.train
    local function sums(prefetch, seed)
      local list = {}
      local loader = ml.data.loader(set, {
        batch = 8, seed = seed, prefetch = prefetch, standardise = true,
        augment = { { "shift", 3 }, { "rotate", 20 }, "flip", { "cutout", 5 }, { "noise", 0.1 }, { "mixup", 0.3 } },
      })
      for _ = 1, 2 do
        for batch in loader do list[#list + 1] = { batch.x:tolist(), batch.y:tolist(), batch.y_other:tolist(), batch.share } end
      end
      return list
    end
    assert.same(sums(false, 1), sums(true, 1))
    assert.not_same(sums(true, 1), sums(true, 2))
  end)

  it("goes on from a state", function()
    local set = numbered(10)
    local a, b = ml.data.loader(set, { batch = 3 }), ml.data.loader(set, { batch = 3, prefetch = true })
    for _ = 1, 6 do a:next() end
    b:load_state(a:state())
    assert.same({ epoch = 2, position = 2 }, a:state())
    for _ = 1, 7 do assert.same(a:next().ids:tolist(), b:next().ids:tolist()) end
    fails(function() b:load_state { epoch = 1 } end, "^load_state: takes what loader:state%(%) gave")
    fails(function() b:load_state { epoch = 1, position = 5 } end, "a position of 0%.%.4")
  end)

  it("ends with functions of the script", function()
    local loader = ml.data.loader(numbered(6), { batch = 6, shuffle = false, augment = {
      { "noise", 0 }, function(batch) batch.x = batch.x * 2 end, function(batch) return { x = batch.x + 1, y = batch.y } end,
    } })
    holds({ { 3 }, { 5 }, { 7 }, { 9 }, { 11 }, { 13 } }, loader:next().x)
    holds({ { 2 }, { 4 }, { 6 } }, ml.data.loader({ x = ml.tensor { { 1 }, { 2 }, { 3 } }, y = ml.tensor { 1, 1, 1 } },
      { shuffle = false, augment = function(batch) batch.x = batch.x * 2 end }):next().x)
    local odd = ml.data.loader(numbered(3), { augment = function() return 3 end })
    fails(function() odd:next() end, "must return a batch or nothing")
  end)

  it("says what is wrong with its arguments", function()
    local set = numbered(4)
    for message, call in pairs {
      ["takes a data set, a table with tensors x and y; give it one of the two: set%.train"] =
        function() ml.data.loader { train = set, test = set } end,
      ["takes a data set, a table with tensors x and y$"] = function() ml.data.loader(set.x) end,
      ["same number of rows"] = function() ml.data.loader { x = set.x, y = set.y[{ { 1, 3 } }] } end,
      ["batch must be a whole number, at least 1, got 0"] = function() ml.data.loader(set, { batch = 0 }) end,
      ["batch must be a whole number, at least 1, got 2.5"] = function() ml.data.loader(set, { batch = 2.5 }) end,
      ["did you mean 'prefetch'%?"] = function() ml.data.loader(set, { prefech = true }) end,
      ["shuffle must be a boolean, got number"] = function() ml.data.loader(set, { shuffle = 1 }) end,
      ["there is no augmentation 'flop'; did you mean 'flip'%?"] =
        function() ml.data.loader(set, { augment = { { "flop", 1 } } }) end,
      ["'shift' needs an amount"] = function() ml.data.loader(set, { augment = { "shift" } }) end,
      ["augment is a list of steps: { { \"shift\""] = function() ml.data.loader(set, { augment = { shift = 2 } }) end,
      ["'noise' stands behind a function"] = function() ml.data.loader(set, { augment = { print, { "noise", 1 } } }) end,
      ["flip takes a probability, 0%.%.1, got 2"] =
        function() ml.data.loader({ x = ml.zeros { 4, 2, 2 }, y = set.y }, { augment = { { "flip", 2 } } }) end,
      ["shift needs images, .* and an example is %(1%)"] = function() ml.data.loader(set, { augment = { { "shift", 2 } } }) end,
      ["noise must be a number, got string"] = function() ml.data.loader(set, { augment = { { "noise", "x" } } }) end,
      ["standardise must be true or a scaler"] = function() ml.data.loader(set, { standardise = { mean = 0 } }) end,
      ["with drop_last a batch of 64 leaves nothing"] = function() ml.data.loader(set, { drop_last = true }) end,
      ["augmentation and standardising need x in f32, got i64"] =
        function() ml.data.loader({ x = set.y, y = set.y }, { augment = { { "noise", 1 } } }) end,
    } do
      local good, text = pcall(call)
      assert(not good and text:find("loader: .*" .. message), message .. "\ngot: " .. tostring(text))
    end
  end)
end)

describe("data.augment", function()
  local x = ml.rand({ 40, 2, 6, 6 }, { seed = 5 })
  local function furthest(a, b) return (a - b):abs():max():item() end

  it("flips with its probability", function()
    assert.equal(0, furthest(ml.data.augment(x, { { "flip", 1 } }), x:flip { dims = { 4 } }))
    assert.equal(0, furthest(ml.data.augment(x, { { "flip_vertical", 1 } }), x:flip { dims = { 3 } }))
    assert.equal(0, furthest(ml.data.augment(x, { { "flip", 0 } }), x))
    local many = ml.data.augment(ml.tensor({ 1.0, 2.0 }):reshape(1, 1, 2):expand(4000, 1, 2):contiguous(), { "flip" })
    assert.is_true(math.abs(many[{ {}, 1, 1 }]:mean():item() - 1.5) < 0.04)
  end)

  it("shifts by whole pixels, all channels alike, each amount as often", function()
    local dot = ml.zeros { 5000, 2, 7, 7 }
    dot[{ {}, {}, 4, 4 }] = 1
    local moved = ml.data.augment(dot, { { "shift", 2 } })
    assert.equal(0, furthest(moved[{ {}, 1 }], moved[{ {}, 2 }]))
    holds(ml.ones({ 5000 }):tolist(), moved[{ {}, 1 }]:sum { dims = { 2, 3 } })
    local often = moved[{ {}, 1 }]:sum { dims = { 1 } } -- 200 each of the 25 places in the middle
    assert.equal(5000, often[{ { 2, 6 }, { 2, 6 } }]:sum():item())
    assert.is_true(often[{ { 2, 6 }, { 2, 6 } }]:min():item() > 140 and often:max():item() < 260)
  end)

  it("rotates about the middle, and keeps what is round", function()
    local n = 21
    local at = ml.arange(1, n) - 11
    local r2 = at:square():reshape(n, 1) + at:square():reshape(1, n)
    local blob = (r2 / -18):exp():reshape(1, n, n):expand(20, n, n):contiguous()
    assert.is_true(furthest(ml.data.augment(blob, { { "rotate", 180 } }), blob) < 0.04)
    local bar = ml.zeros { 20, n, n }
    bar[{ {}, 11, { 11, 19 } }] = 1 -- a hand that shows to the right
    local turned = ml.data.augment(bar, { { "rotate", 30 } })
    local mass   = turned:sum { dims = { 2, 3 } }
    assert.is_true(furthest(mass, mass * 0 + 9) < 1)
    local across = (turned * at:reshape(1, 1, n)):sum { dims = { 2, 3 } }
    local down   = (turned * at:reshape(1, n, 1)):sum { dims = { 2, 3 } }
    local angle = down:atan2(across) * 180 / math.pi
    assert.is_true(angle:abs():max():item() <= 31 and angle:max():item() > 10 and angle:min():item() < -10)
  end)

  it("cuts squares out", function()
    local cut = ml.data.augment(ml.ones { 500, 3, 9, 9 }, { { "cutout", 3 } })
    local gone = 81 - cut[{ {}, 1 }]:sum { dims = { 2, 3 } }
    assert.is_true(gone:max():item() == 9 and gone:min():item() == 4) -- 4 in a corner
    assert.equal(0, furthest(cut[{ {}, 1 }], cut[{ {}, 3 }]))
  end)

  it("adds noise of its standard deviation, to anything", function()
    local noise = ml.data.augment(ml.zeros { 2000, 11 }, { { "noise", 0.5 } })
    assert.is_true(math.abs(noise:std():item() - 0.5) < 0.01 and math.abs(noise:mean():item()) < 0.015)
    assert.equal(0, furthest(noise, ml.data.augment(ml.zeros { 2000, 11 }, { { "noise", 0.5 } })))
    assert.is_true(furthest(noise, ml.data.augment(ml.zeros { 2000, 11 }, { { "noise", 0.5 } }, { seed = 2 })) > 0.5)
  end)

  it("leaves x as it is and refuses nonsense", function()
    local before = x:clone()
    ml.data.augment(x, { { "shift", 2 }, "flip" })
    assert.equal(0, furthest(x, before))
    assert.same({ 0, 2, 6, 6 }, ml.data.augment(ml.zeros { 0, 2, 6, 6 }, { "flip" }).shape)
    fails(function() ml.data.augment(x, { { "mixup", 1 } }) end, "^augment: mixup mixes labels too")
    fails(function() ml.data.augment({}, { "flip" }) end, "^augment: takes a tensor")
  end)
end)

describe("data.split and data.folds", function()
  local set = numbered(100)
  set.name = "kept"

  it("have every example on one side", function()
    for _, opts in ipairs { { test = 0.25 }, { test = 25 }, { test = 0.25, stratified = true } } do
      local both = ml.data.split(set, opts)
      assert.equal(25, #both.test.y)
      assert.equal("kept", both.train.name)
      local all = ml.cat({ both.train.x, both.test.x }, 1):reshape(100):tolist()
      assert.is_true(all[1] ~= 1 or all[2] ~= 2)
      holds(set.x:reshape(100):tolist(), ml.tensor(sorted(all)), 0)
      holds(((both.test.x:reshape(25) - 1) % 3 + 1):tolist(), both.test.y:cast "f32", 0)
    end
    assert.same(ml.data.split(set).train.x:tolist(), ml.data.split(set).train.x:tolist())
    assert.not_same(ml.data.split(set).train.x:tolist(), ml.data.split(set, { seed = 2 }).train.x:tolist())
  end)

  it("keep the shares of the classes when stratified", function()
    local y = ml.cat({ ml.full({ 60 }, 1), ml.full({ 30 }, 2), ml.full({ 10 }, 3) }, 1):cast "i64"
    local uneven = { x = ml.zeros { 100, 1 }, y = y }
    local both = ml.data.split(uneven, { test = 0.3, stratified = true })
    assert.same({ 18, 9, 3 }, both.test.y:bincount():tolist())
    for _, fold in ipairs(ml.data.folds(uneven, { k = 10, stratified = true })) do
      assert.same({ 6, 3, 1 }, fold.test.y:bincount():tolist())
      assert.equal(90, #fold.train.y)
    end
    fails(function() ml.data.split({ x = set.x, y = set.x }, { stratified = true }) end, "^split: stratified needs labels")
  end)

  it("test on each example once in k folds", function()
    local seen = {}
    for _, fold in ipairs(ml.data.folds(numbered(11), { k = 4 })) do
      assert.equal(11, #fold.train.y + #fold.test.y)
      for _, row in ipairs(fold.test.x:tolist()) do seen[#seen + 1] = row[1] // 1 | 0 end
    end
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, sorted(seen))
  end)

  it("refuse what leaves nothing", function()
    for _, test in ipairs { 0, 1e-9, -1, 100, 100.5, 0.9999 } do
      fails(function() ml.data.split(set, { test = test }) end, "^split: test must be a share of the 100 examples")
    end
    for _, k in ipairs { 1, 101, 2.5 } do fails(function() ml.data.folds(set, { k = k }) end, "^folds: k must be 2%.%.100") end
  end)
end)

describe("data.standardise", function()
  local x = ml.randn({ 50, 3, 4, 4 }, { seed = 1 }) * 3 + ml.tensor({ 1, 5, -7 }):reshape(1, 3, 1, 1)
  local data = { train = { x = x, y = ml.zeros { 50 } }, test = { x = x + 2, y = ml.zeros { 50 } }, classes = { "a" } }

  it("fits the training set, changes both, and goes back", function()
    for per, dims in pairs { channel = { 1, 3, 4 }, feature = { 1 }, all = { 1, 2, 3, 4 } } do
      local new, scaler = ml.data.standardise(data, { per = per })
      assert.is_true(new.train.x:mean({ dims = dims }):abs():max():item() < 1e-5)
      assert.is_true((new.train.x:std { dims = dims, correction = 0 } - 1):abs():max():item() < 1e-4)
      assert.is_true((scaler:inverse(new.test.x) - data.test.x):abs():max():item() < 1e-4)
      assert.is_true((scaler(data.test.x) - new.test.x):abs():max():item() == 0)
      assert.equal("a", new.classes[1])
      assert.is_true(data.train.x == x)
    end
  end)

  it("only moves what does not vary", function()
    local new = ml.data.standardise { x = ml.full({ 5, 2 }, 3), y = ml.zeros { 5 } }
    holds(ml.zeros({ 5, 2 }):tolist(), new.x)
  end)

  it("is what a loader does with its scaler", function()
    local new, scaler = ml.data.standardise(data)
    local batch = ml.data.loader(data.test, { batch = 50, shuffle = false, standardise = scaler }):next()
    assert.is_true((batch.x - new.test.x):abs():max():item() < 1e-5)
  end)

  it("says what is wrong", function()
    fails(function() ml.data.standardise(data, { per = "row" }) end, "^standardise: per must be")
    local flat, whole = { x = ml.zeros { 3 }, y = ml.zeros { 3 } }, { x = ml.zeros({ 3, 1 }):cast "i64", y = ml.zeros { 3 } }
    fails(function() ml.data.standardise(whole) end, "x must be f32 or f64, got i64")
    fails(function() ml.data.standardise(flat, { per = "channel" }) end, "needs x %(n, channels")
    fails(function() ml.data.standardise { train = data.train, test = {} } end, "takes a data set")
  end)
end)
