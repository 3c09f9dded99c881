-- Copies of a network trained as one: each must be what it would be alone.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local x      = ml.randn({ 24, 2 }, { seed = 5 })
local target = x[{ {}, 1 }]:reshape(24, 1) * x[{ {}, 2 }]:reshape(24, 1)
local labels = target:gt(0):cast("i64"):reshape(24) + 1

local SEEDS <const>, RATES <const>, DECAYS <const> = { 3, 1, 2 }, { 1e-2, 3e-3, 5e-2 }, { 0.1, 0, 0.02 }

-- The body of an ordinary script: nothing in it knows of copies.
local function script(optimizer, loss_of)
  return function(h)
    local model = nn.Sequential { nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2) }
    local opt   = ml.optim[optimizer](model:parameters(), { lr = h.lr, weight_decay = h.weight_decay })
    local losses = {}
    for step = 1, 20 do
      local noise = ml.randn({ 24, 2 }) * 0.01
      local loss = loss_of(model(x + noise))
      opt:minimize(loss)
      losses[step] = loss:detach()
      if step == 10 then opt.lr = opt.lr * 0.5 end
    end
    return { losses = losses, params = model:parameters(), accuracy = ml.accuracy(model, { x = x, y = labels }),
      norm = ml.weight_norm(model) }
  end
end

local function check(optimizer, loss_of)
  local body = script(optimizer, loss_of)
  local all = ml.replicas({ seed = SEEDS, lr = RATES, weight_decay = DECAYS }, body)
  for i = 1, 3 do
    ml.seed(SEEDS[i])
    local one = body { lr = RATES[i], weight_decay = DECAYS[i] }
    for step = 1, 20 do holds(one.losses[step]:item(), all.losses[step][i], 2e-5) end
    for k, p in ipairs(one.params) do holds(p:tolist(), all.params[k][i], 2e-5) end
    holds(one.accuracy, all.accuracy[i])
    holds(one.norm:item(), all.norm[i], 2e-5)
  end
  assert.same({ 3 }, all.losses[20].shape)
  assert.is_false(all.params[1].requires_grad)
end

describe("replicas", function()
  for _, optimizer in ipairs { "SGD", "Adam", "AdamW", "RMSprop", "Adagrad" } do
    it("train as if alone: " .. optimizer, function()
      check(optimizer, function(y) return nn.cross_entropy(y, labels) end)
      check(optimizer, function(y) return nn.mse(y[{ {}, 1 }]:reshape(24, 1), target) end)
    end)
  end

  it("start with what each seed draws alone", function()
    local function draw()
      return nn.Linear(3, 4).weight, ml.rand { 2 }, ml.randint(1, 9, { 3 }), ml.randperm(6), nn.Embedding(3, 2).weight,
        nn.init.he_normal(ml.zeros { 2, 2 })
    end
    local all = { ml.replicas({ seed = { 7, 8 } }, function()
      return draw()
    end) }
    for i, seed in ipairs { 7, 8 } do
      ml.seed(seed)
      local one = { draw() }
      for k = 1, 6 do assert.same(one[k]:tolist(), all[k][i]:tolist()) end
    end
  end)

  it("stand for the seeds 1..n when only their number is given", function()
    local w = ml.replicas(3, function(h) return nn.Linear(2, 2).weight, h.seed end)
    ml.seed(2)
    assert.same(nn.Linear(2, 2).weight:tolist(), w[2]:tolist())
    assert.same({ 1, 2, 3 }, select(2, ml.replicas(3, function(h) return h.seed, h.seed end)):tolist())
  end)

  it("draw the same numbers when they have no seeds", function()
    ml.seed(4)
    local one = ml.randn({ 2 }):tolist()
    ml.seed(4)
    local all = ml.replicas({ lr = { 1, 2 } }, function(h) return ml.randn({ 2 }) + h.lr * 0 end)
    assert.same({ one, one }, all:tolist())
  end)

  it("have parameters of their own, however these are made", function()
    local function body(h)
      local w, v = ml.zeros({ 2 }, { requires_grad = true }), ml.tensor({ 1.0, 2.0 }):requires_grad_()
      local layer = nn.Linear(2, 1)
      local opt = ml.optim.SGD({ w, v, layer.weight, layer.bias }, { lr = h.lr })
      for _ = 1, 3 do opt:minimize(((x * w + v):tanh() - target):square():mean() + layer(x):square():mean()) end
      local buffer = ml.zeros { 3 }
      buffer[2] = w:detach()[1]
      return w, v, layer.weight, buffer
    end
    ml.seed(1)
    local all = { ml.replicas({ lr = { 0.1, 0.5 } }, body) }
    for i, lr in ipairs { 0.1, 0.5 } do
      ml.seed(1)
      for k, one in ipairs { body { lr = lr } } do holds(one:tolist(), all[k][i], 1e-5) end
    end
  end)

  it("may be seeded inside, and draw from a seed of each", function()
    local a, b = ml.replicas({ seed = { 5, 6 } }, function(h)
      ml.seed(h.seed + 1)
      local first = ml.randn { 2 }
      return first, ml.randn({ 2 }, { seed = h.seed })
    end)
    ml.seed(7)
    assert.same(ml.randn({ 2 }):tolist(), a[2]:tolist())
    assert.same(ml.randn({ 2 }, { seed = 5 }):tolist(), b[1]:tolist())
    local same = ml.replicas({ seed = { 5, 6 } }, function() ml.seed(9) return ml.randn { 2 } end)
    assert.same(same[1]:tolist(), same[2]:tolist())
  end)

  it("take numbers that give way to the dtype of tensors, and tensors", function()
    local r = ml.replicas({ c = { 2, 0.5 }, data = ml.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } }, same = 3 }, function(h)
      assert.equal(3, h.same)
      assert.same({ 2 }, h.data.shape)
      assert.equal("f32", (h.data * h.c).dtype)
      return h.data * h.c, "text", 1
    end)
    holds({ { 2, 4 }, { 1.5, 2 } }, r)
  end)

  it("compose with the transforms inside", function()
    local w, v = ml.randn({ 3, 4 }, { seed = 1 }), ml.randn({ 4 }, { seed = 2 })
    local function f(a) return (a * a * a):sum() end
    local hv = ml.replicas({ w = w }, function(h) return ml.hvp(f, h.w, v) end)
    holds((w * v * 6):tolist(), hv, 1e-5)
    local per = ml.replicas({ w = w }, function(h)
      return ml.vmap(function(s) return ml.grad(f)(h.w * s) end)(ml.tensor { 1.0, 2.0 })
    end)
    assert.same({ 3, 2, 4 }, per.shape)
    holds((w[2] * w[2] * 12):tolist(), per[{ 2, 2 }], 1e-5)
  end)

  it("leave the default stream as it was", function()
    ml.seed(11)
    local expected = ml.randn({ 2 }):tolist()
    ml.seed(11)
    ml.replicas(4, function() return ml.randn { 5 } end)
    assert.same(expected, ml.randn({ 2 }):tolist())
  end)

  it("say what is wrong", function()
    fails(function() ml.replicas({ seed = { 1, 2 }, lr = { 1 } }, print) end,
      "^replicas: %a+ has %d values, %a+ has %d; each needs")
    fails(function() ml.replicas({ lr = 3 }, print) end, "^replicas: takes the number of copies, or a table with a list")
    fails(function() ml.replicas("three", print) end,
      "^replicas: takes the number of copies or a table of hyperparameters, got string")
    fails(function() ml.replicas(0, print) end, "^replicas: the number of copies must be at least 1, got 0")
    fails(function() ml.replicas({ act = { "relu", "tanh" } }, print) end,
      "^replicas: act differs between copies, so its values must be numbers, got string at 1")
    fails(function() ml.replicas(2) end, "^replicas: takes a function, got nil")
    fails(function() ml.replicas(2, function() return nn.Linear(1, 1).weight:sum():item() end) end,
      "^item: inside vmap a tensor stands for one of a batch")
    fails(function()
      ml.replicas({ lr = { 1, -1 } }, function(h) local _ = ml.optim.SGD(nn.Linear(1, 1):parameters(), { lr = h.lr }) end)
    end, "^SGD: lr must be a finite number, 0 or more, got %-1")
    local outside = nn.Linear(1, 1)
    fails(function()
      ml.replicas({ lr = { 1, 2 } }, function(h) local _ = ml.optim.SGD(outside:parameters(), { lr = h.lr }) end)
    end, "^SGD: lr differs between 2 copies, but a parameter does not: make it inside the same vmap")
    fails(function() ml.replicas({ n = { 1, 2 } }, function(h) ml.zeros { h.n } end) end, "^zeros: a size must be")
  end)
end)
