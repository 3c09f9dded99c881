-- Losses as nn's functions: what they choose between, and what they say; their values are compared in tests/golden/ops.py.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local scores = ml.tensor({ { 2, -1, 0.5 }, { 0, 1, 3 } }, { dtype = "f64" })
local labels = ml.tensor { 1, 2 }

describe("cross_entropy", function()
  it("is the plain one when every class weighs the same", function()
    local plain = nn.cross_entropy(scores, labels):item()
    holds(plain, nn.cross_entropy(scores, labels, { weight = ml.ones({ 3 }, { dtype = "f64" }) * 7 }), 1e-12)
    holds(plain, nn.cross_entropy(scores, labels, { label_smoothing = 0 }), 1e-12)
    holds(plain * 2, nn.cross_entropy(scores, labels, { reduction = "sum" }), 1e-12)
    assert.same({ 2 }, nn.cross_entropy(scores, labels, { reduction = "none" }).shape)
  end)

  it("with weights counts rows by their class", function()
    local each = nn.cross_entropy(scores, labels, { reduction = "none" }):tolist()
    local weight = ml.tensor({ 1, 3, 9 }, { dtype = "f64" })
    holds((each[1] * 1 + each[2] * 3) / 4, nn.cross_entropy(scores, labels, { weight = weight }), 1e-12)
  end)

  it("smooths towards all classes", function()
    local logp = scores:log_softmax()
    local want = -(0.9 * (logp[{ 1, 1 }]:item() + logp[{ 2, 2 }]:item()) + 0.1 / 3 * logp:sum():item()) / 2
    holds(want, nn.cross_entropy(scores, labels, { label_smoothing = 0.1 }), 1e-12)
  end)

  it("says what is wrong", function()
    fails(function() return nn.cross_entropy(scores, labels, { label_smothing = 0.1 }) end,
      "^cross_entropy: unknown option 'label_smothing'")
    fails(function() return nn.cross_entropy(scores, labels, { reduction = "sum", wait = 1 }) end,
      "^cross_entropy: unknown option 'wait'")
    fails(function() return nn.cross_entropy(scores, labels, { reduction = "max" }) end, "reduction must be")
    fails(function() return nn.cross_entropy(scores, labels, { label_smoothing = 2 }) end,
      "label_smoothing must be in %[0, 1%], got 2")
    fails(function() return nn.cross_entropy(scores, labels, { weight = ml.ones { 2 } }) end,
      "needs a weight for each of 3 classes, got shape %(2%)")
    fails(function() return nn.cross_entropy(scores, labels - 1, { reduction = "sum" }) end, "0")
    fails(function() return nn.cross_entropy(3, labels, { reduction = "sum" }) end, "cross_entropy")
  end)
end)

describe("mse", function()
  it("is put together as asked", function()
    local x, y = ml.tensor({ 1, 2 }, { dtype = "f64" }), ml.tensor({ 0, 4 }, { dtype = "f64" })
    holds(2.5, nn.mse(x, y), 1e-12)
    holds(2.5, nn.mse(x, y, { reduction = "mean" }), 1e-12)
    holds(5, nn.mse(x, y, { reduction = "sum" }), 1e-12)
    holds({ 1, 4 }, nn.mse(x, y, { reduction = "none" }), 1e-12)
    fails(function() return nn.mse(x, y, { reduction = "max" }) end, "^mse: reduction must be mean, sum or none, got 'max'")
    fails(function() return nn.mse(x, y:reshape(2, 1), { reduction = "sum" }) end, "^mse: shapes differ")
    fails(function() return nn.mse(x, y, { reducton = "sum" }) end, "^mse: ")
  end)
end)

describe("bce_with_logits", function()
  it("takes a weight of positives for each column", function()
    local x, y = ml.tensor({ { 1, -2 }, { 0.5, 3 } }, { dtype = "f64" }), ml.tensor({ { 1, 0 }, { 0, 1 } }, { dtype = "f64" })
    local each = nn.bce_with_logits(x, y, { pos_weight = ml.tensor({ 2, 5 }, { dtype = "f64" }), reduction = "none" })
    for column, weight in ipairs { 2, 5 } do
      local one = nn.bce_with_logits(x[{ {}, column }], y[{ {}, column }], { pos_weight = weight, reduction = "none" })
      holds(one:tolist(), each[{ {}, column }], 1e-12)
    end
    holds(each:mean():item(), nn.bce_with_logits(x, y, { pos_weight = ml.tensor({ 2, 5 }, { dtype = "f64" }) }), 1e-12)
  end)

  it("keeps its exactness far out", function()
    local x, y = ml.tensor { 1000., -1000. }, ml.tensor { 1., 0. }
    holds({ 0, 0 }, nn.bce_with_logits(x, y, { reduction = "none" }))
    holds({ 1000, 1000 }, nn.bce_with_logits(-x, y, { reduction = "none" }))
  end)
end)

describe("kl_div", function()
  it("is zero of equal distributions, and takes a share of nothing as nothing", function()
    local p = ml.tensor({ { 0.25, 0.75, 0 } }, { dtype = "f64" }):log()
    holds(0, nn.kl_div(p:exp():add(1e-300):log(), p), 1e-12)
    local q = ml.tensor({ { 0.5, 0.25, 0.25 } }, { dtype = "f64" }):log():requires_grad_()
    local loss = nn.kl_div(q, p)
    holds(0.25 * math.log(0.5) + 0.75 * math.log(3), loss, 1e-12)
    loss:backward()
    holds({ { -0.25, -0.75, 0 } }, q.grad, 1e-12)
  end)
end)

describe("margins", function()
  it("are those of the scores", function()
    holds({ 1.5, -2 }, nn.margin(scores, labels), 1e-12)
    assert.equal(scores:argmax(-1):eq(labels):tolist()[2], nn.margin(scores, labels):tolist()[2] > 0)
    fails(function() return nn.margin(scores[{ {}, { 1, 1 } }], ml.tensor { 1, 1 }) end, "two classes at least")
    fails(function() return nn.multi_margin(scores, labels, { p = 3 }) end, "p must be 1 or 2, got 3")
    fails(function() return nn.huber(scores, scores, { delta = 0 }) end, "delta must be above 0, got 0")
    fails(function() return nn.hinge(scores, labels) end, "shapes differ")
  end)
end)

describe("losses", function()
  it("train a classifier on separable points, each of them", function()
    local x = ml.randn({ 60, 2 }, { seed = 3 })
    local side = (x[{ {}, 1 }] + x[{ {}, 2 }]):sign():reshape(60, 1)
    local two = (side:reshape(60):gt(0)):cast "i64" + 1
    local cases = {
      hinge = side, logistic_loss = side, exponential_loss = side, huber = side, smooth_l1 = side,
      bce_with_logits = (side + 1) * 0.5, multi_margin = two, cross_entropy = two,
    }
    for name, target in pairs(cases) do
      ml.seed(1)
      local model = nn.Linear(2, target == two and 2 or 1)
      local opt = ml.optim.Adam(model:parameters(), { lr = 0.05 })
      for _ = 1, 100 do opt:minimize(nn[name](model(x), target)) end
      local right = target == two and model(x):argmax(-1):eq(two) or model(x):sign():eq(side)
      assert(right:cast("f32"):mean():item() > 0.95, name)
    end
  end)
end)
