-- Convolutions over symmetries: what turning or mirroring the image does to the result, exactly where the arithmetic is exact.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails   = support.fails
local nn      = ml.nn

local function turned(x) return x:transpose():flip(-2) end -- a quarter turn against the clock, numpy's rot90
local function mirrored(x) return x:flip(-1) end

-- The symmetries of the result, (n, c, g, h, w), change places as the image moves: symmetry 4 m + t + 1 is r^t s^m; a turn makes
-- r^(t + 1) s^m of it, the mirror s r^t s^m = r^-t s^(m + 1).
local function moved(y, move, place)
  local parts = {}
  for g = 0, y.shape[3] - 1 do parts[place(g % 4, g // 4) + 1] = move(y[{ {}, {}, g + 1 }]) end
  return ml.stack(parts, 3)
end
local function after_turn(y) return moved(y, turned, function(t, m) return 4 * m + (t + 1) % 4 end) end
local function after_mirror(y) return moved(y, mirrored, function(t, m) return 4 * (1 - m) + -t % 4 end) end

local function distance(a, b)
  assert.same(a.shape, b.shape)
  return (a - b):abs():max():item()
end

-- Whole numbers: sums of their products are exact in any order.
local function whole(shape, seed) return ml.randint(-3, 3, shape, { seed = seed }):cast "f64" end
local function made_whole(layer)
  for i, p in ipairs(layer:parameters()) do p:detach()[{}] = whole(p.shape, 10 + i) end
  return layer
end

describe("LiftConv2d", function()
  for _, case in ipairs {
    { "p4", 3, {} }, { "p4", 2, {} }, { "p4", 5, { padding = "same" } }, { "p4", 3, { stride = 2, bias = false } },
    { "p4m", 3, { padding = 1, dilation = 2 } }, { "p4m", 2, {} }, { "p4m", 3, { padding = "same", padding_mode = "circular" } },
  } do
    it(("turns with the image: %s, kernel %d"):format(case[1], case[2]), function()
      case[3].group, case[3].dtype = case[1], "f64"
      local layer, x = made_whole(nn.LiftConv2d(2, 3, case[2], case[3])), whole({ 2, 2, 9, 9 }, 1)
      local y = layer(x)
      assert.equal(case[1] == "p4" and 4 or 8, y.shape[3])
      assert.equal(0, distance(layer(turned(x)), after_turn(y)))
      if case[1] == "p4m" then assert.equal(0, distance(layer(mirrored(x)), after_mirror(y))) end
      assert.is_true(distance(layer(turned(x)), y) > 1)
    end)
  end

  it("has its own weight in the first symmetry", function()
    local layer, x = nn.LiftConv2d(2, 3, 3, { dtype = "f64" }), whole({ 2, 2, 7, 6 }, 1)
    local plain = nn.Conv2d(2, 3, 3, { dtype = "f64" })
    assert.is_true(distance(layer(x)[{ {}, {}, 1 }], plain:apply(layer:parameters(), x)) < 1e-12)
  end)
end)

describe("GroupConv2d", function()
  for _, group in ipairs { "p4", "p4m" } do
    it("turns with the image: " .. group, function()
      local opts = { group = group, padding = 1, dtype = "f64" }
      local model = made_whole(nn.Sequential {
        nn.LiftConv2d(1, 2, 3, opts), nn.ReLU(), nn.GroupConv2d(2, 3, 3, opts), nn.Square(), nn.MaxPool2d(2),
        nn.GroupConv2d(3, 2, 3, opts),
      })
      local x = whole({ 2, 1, 8, 8 }, 1)
      local y = model(x)
      assert.equal(0, distance(model(turned(x)), after_turn(y)))
      if group == "p4m" then assert.equal(0, distance(model(mirrored(x)), after_mirror(y))) end
      assert.is_true(distance(model(turned(x)), y) > 1)
    end)
  end

  it("is blind for turns behind GroupPool, also when it has learned", function()
    ml.seed(3)
    local function model_of(lift, conv, pool)
      return nn.Sequential { lift, nn.BatchNorm2d(6), nn.ReLU(), conv, nn.BatchNorm2d(6), nn.ReLU(), pool, nn.GlobalAvgPool(),
        nn.Linear(6, 3) }
    end
    local opts = { group = "p4m", padding = "same" }
    local function turning(model)
      local opt = ml.optim.Adam(model:parameters(), { lr = 1e-2 })
      local x, y = ml.randn({ 24, 1, 9, 9 }, { seed = 1 }), ml.randint(1, 3, { 24 }, { seed = 2 })
      local first, last
      for _ = 1, 20 do
        local loss = nn.cross_entropy(model(x), y)
        first, last = first or loss:item(), loss:item()
        opt:minimize(loss)
      end
      assert.is_true(last < 0.9 * first)
      model:eval()
      local out = model(x)
      return math.max(distance(model(turned(x)), out), distance(model(mirrored(x)), out)), out:abs():max():item()
    end
    for _, kind in ipairs { "max", "mean" } do
      local off, size = turning(model_of(nn.LiftConv2d(1, 6, 3, opts), nn.GroupConv2d(6, 6, 3, opts), nn.GroupPool(kind)))
      assert.is_true(off < 1e-4 * size, ("%s: it changes by %g of %g"):format(kind, off, size))
    end
    local same = { padding = "same" }
    local plain = nn.Sequential {
      nn.Conv2d(1, 6, 3, same), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, same), nn.ReLU(), nn.GlobalAvgPool(),
        nn.Linear(6, 3),
    }
    local off, size = turning(plain)
    assert.is_true(off > 1e-2 * size)
  end)

  it("goes through transforms", function()
    local layer = nn.LiftConv2d(1, 2, 3, { dtype = "f64" })
    local function f(w, x) return layer:apply({ w, layer.bias }, x):square():sum() end
    local x, w = ml.randn({ 3, 1, 5, 5 }, { seed = 1, dtype = "f64" }), layer.weight:detach()
    local each = ml.vmap(ml.grad(f), { nil, 1 })(w, x:unsqueeze(2))
    assert.is_true(distance(each:sum(1), ml.grad(f)(w, x)) < 1e-10)
    local v = ml.randn(w.shape, { seed = 2, dtype = "f64" })
    local step = 1e-5
    local by_difference = (ml.grad(f)(w + v * step, x) - ml.grad(f)(w - v * step, x)) / (2 * step)
    assert.is_true(distance(ml.hvp(f, w, v, x), by_difference) < 1e-5)
  end)

  it("says what is wrong", function()
    fails(function() nn.LiftConv2d(1, 2, { 3, 3 }) end, "^LiftConv2d: the kernel is square: one number")
    fails(function() nn.LiftConv2d(1, 2, 3, { group = "p8" }) end, '^LiftConv2d: group must be "p4" or "p4m", got "p8"')
    fails(function() nn.GroupConv2d(1, 2, 3, { stride = { 1, 2 } }) end,
      "^GroupConv2d: stride, padding and dilation must be the same")
    fails(function() nn.GroupConv2d(1, 2, 4, { padding = "same" }) end, "only odd ones are equivariant")
    fails(function() nn.GroupConv2d(1, 2, 3, { groups = 2 }) end, "unknown option 'groups'; did you mean 'group'")
    fails(function() nn.GroupConv2d(2, 3, 3)(ml.zeros { 1, 2, 8, 5, 5 }) end,
      "^GroupConv2d%(2 %-> 3, kernel 3, p4%): the input must be %(n, 2, 4, height, width%), got %(1, 2, 8, 5, 5%); LiftConv2d")
    fails(function() nn.LiftConv2d(2, 3, 3)(ml.zeros { 1, 3, 5, 5 }) end,
      "^LiftConv2d%(2 %-> 3, kernel 3, p4%): the input has 3 channels")
    fails(function() nn.GroupPool()(ml.zeros { 1, 3, 5, 5 }) end, "^GroupPool%(max%): the input must be")
    fails(function() nn.GroupPool "sum" end, '^GroupPool: takes "max" or "mean", got sum')
  end)
end)
