local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

local function leaf(list) return ml.tensor(list, { dtype = "f64", requires_grad = true }) end

describe("an optimizer", function()
  it("makes steps that can be worked out by hand", function()
    local w = leaf { 1, 2 }
    local sgd = ml.optim.SGD({ w }, { lr = 0.1 })
    sgd:minimize(w:square():sum())
    holds({ 0.8, 1.6 }, w, 1e-12)
    local v = leaf { 1 }
    ml.optim.SGD({ v }, { lr = 0.1, weight_decay = 0.5 }):minimize(v:sum())
    holds({ 1 - 0.1 * (1 + 0.5) }, v, 1e-12)
    local u = leaf { 1 }
    ml.optim.Adam({ u }, { lr = 0.1 }):minimize((u * 3):sum()) -- the first step has the size of lr
    holds({ 0.9 }, u, 1e-6)
    local t = leaf { 1 }
    ml.optim.AdamW({ t }, { lr = 0.1, weight_decay = 0.5, betas = { 0.9, 0.98 } }):minimize((t * 3):sum())
    holds({ 0.85 }, t, 1e-6)
  end)

  it("chains, and can be driven by hand", function()
    local w = leaf { 1 }
    local opt = ml.optim.SGD({ w }, { lr = 0.5 })
    local loss = (w * 2):sum()
    loss:backward()
    assert.equal(opt, opt:step())
    assert.equal(opt, opt:zero_grad())
    assert.is_nil(w.grad)
    assert.equal(opt, opt:minimize(w:sum()))
    holds({ 1 - 1 - 0.5 }, w)
    assert.equal(2, opt.steps)
  end)

  it("shows its settings, which can be changed", function()
    local w = leaf { 1 }
    local opt = ml.optim.AdamW({ w }, { lr = 1e-2, weight_decay = 0 })
    assert.equal(1e-2, opt.lr)
    assert.equal("AdamW", opt.kind)
    opt.lr = 0.5
    opt.weight_decay = 0.25
    assert.equal(0.5, opt.lr)
    assert.equal(0.25, opt.weight_decay)
    assert.matches("^AdamW%(lr = 0%.5, weight_decay = 0%.25%): 1 parameters, 0 steps$", tostring(opt))
    fails(function() opt.lr = -1 end, "lr")
    fails(function() opt.lr = "fast" end, "^AdamW: lr must be a number, got string")
    fails(function() opt.momentum = 1 end,
      "^AdamW: no field 'momentum' can be set; lr, weight_decay, clip_norm and clip_value can")
    fails(function() return opt.learning_rate end, "^AdamW has no field 'learning_rate'")
    fails(function() return opt:minimise() end, "^AdamW has no field 'minimise'; did you mean 'minimize'%?")
  end)

  it("says what is wrong with its arguments", function()
    local w = leaf { 1 }
    fails(function() return ml.optim.AdamW({ w }, { weight_dacay = 1 }) end,
      "^AdamW: unknown option 'weight_dacay'; did you mean 'weight_decay'%?")
    fails(function() return ml.optim.SGD({ w }, { betas = { 1, 2 } }) end,
      "^SGD: unknown option 'betas'; it knows lr, momentum, nesterov, weight_decay, decoupled")
    fails(function() return ml.optim.Adam({ w }, { betas = 0.9 }) end, "^Adam: betas must be a list of two numbers")
    fails(function() return ml.optim.Adam({ w }, { lr = "1e-3" }) end, "^Adam: lr must be a number, got string")
    fails(function() return ml.optim.Adam(w) end,
      "^Adam: the parameters must be a list of tensors, as model:parameters%(%) gives, got moonlab%.Tensor")
    fails(function() return ml.optim.Adam({}) end, "")
    fails(function() return ml.optim.Adam({ w * 2 }) end, "")
    fails(function() return ml.optim.Adam({ w }, { lr = -1 }) end, "lr")
    fails(function() ml.optim.Adam({ w }):minimize() end,
      "^minimize: the loss must be a moonlab%.Tensor, got nothing")
    fails(function() ml.optim.Adam({ w }):minimize(w * ml.ones { 3 }) end,
      "^backward: the gradient of a non%-scalar: shape %(3%)")
    fails(function() ml.optim.Adam({ w }):minimize(ml.ones {}) end,
      "does not depend on anything that requires a gradient")
  end)
end)

describe("groups of parameters", function()
  local function two() return leaf { 1, 2 }, leaf { 3 } end

  it("have options of their own, and the optimizer's where they have none", function()
    local w, b = two()
    local opt = ml.optim.SGD({ { params = { w }, lr = 0.5, weight_decay = 1 }, { params = { b } } }, { lr = 0.1 })
    opt:minimize(w:sum() + b:sum())
    holds({ 1 - 0.5 * 2, 2 - 0.5 * 3 }, w, 1e-12)
    holds({ 2.9 }, b, 1e-12)
    assert.equal(2, #opt.groups)
    assert.equal(0.5, opt.groups[1].lr)
    assert.equal(0.1, opt.groups[2].lr)
    assert.equal(1, opt.groups[1].weight_decay)
    assert.equal("SGD", opt.groups[2].kind)
  end)

  it("follow lr in proportion, and can be set alone", function()
    local w, b = two()
    local opt = ml.optim.AdamW({ { params = { w }, lr_scale = 0.25 }, { params = { b }, weight_decay = 0 } }, { lr = 0.4 })
    opt.lr, opt.weight_decay = 0.8, 0.5
    assert.equal(0.2, opt.groups[1].lr)
    assert.equal(0.8, opt.groups[2].lr)
    assert.equal(0.5, opt.groups[1].weight_decay)
    assert.equal(0, opt.groups[2].weight_decay)
    opt.groups[2].lr = 0.1
    assert.equal(0.8, opt.lr)
    assert.equal(0.1, opt.groups[2].lr)
    opt.lr = 1.6
    assert.equal(0.2, opt.groups[2].lr)
  end)

  it("may have a rule of their own", function()
    local w, b = two()
    local opt = ml.optim.AdamW({ { params = { w } }, { params = { b }, optimizer = "SGD", lr = 0.5 } },
      { lr = 0.1, weight_decay = 0 })
    opt:minimize((w * 3):sum() + b:sum())
    holds({ 0.9, 1.9 }, w, 1e-6)
    holds({ 2.5 }, b, 1e-12)
    assert.equal("SGD", opt.groups[2].kind)
  end)

  it("are kept by the state", function()
    local function make()
      local w, b = two()
      return ml.optim.SGD({ { params = { w }, momentum = 0.9 }, { params = { b }, lr = 0.01 } }, { lr = 0.1 }), w, b
    end
    local opt, w, b = make()
    local function step(o, p, q) o:minimize((p * p):sum() + (q * q):sum()) end
    step(opt, w, b)
    opt.groups[1].lr, opt.groups[2].weight_decay = 0.05, 0.5
    local state, w0, b0 = opt:state(), w:clone(), b:clone()
    step(opt, w, b)
    local other, w2, b2 = make()
    w2:detach()[{}], b2:detach()[{}] = w0:detach(), b0:detach()
    other:load_state(state)
    assert.equal(0.05, other.groups[1].lr)
    assert.equal(0.5, other.groups[2].weight_decay)
    step(other, w2, b2)
    assert.same(w:tolist(), w2:tolist())
    assert.same(b:tolist(), b2:tolist())
    assert.is_nil(state.parameters[2].momentum)
    local one = leaf { 1 }
    fails(function() ml.optim.SGD({ one }, { momentum = 0.9 }):load_state(state) end,
      "^load_state: this is the state of 2 groups, not of 1")
    state.groups[2].lr = -1
    fails(function() other:load_state(state) end, "^load_state: lr must be a finite number, 0 or more")
  end)

  it("may have rates for each of replicas", function()
    local rates = { 0.1, 0.02 }
    local function body(h)
      local w, b = ml.ones { 2 }:requires_grad_(), ml.ones { 1 }:requires_grad_()
      local opt = ml.optim.SGD({ { params = { w }, lr_scale = 2 }, { params = { b }, lr = h.slow } },
        { lr = h.lr, momentum = 0.5 })
      for _ = 1, 3 do opt:minimize(w:square():sum() + b:square():sum()) end
      local state = opt:state()
      opt:load_state(state)
      for _ = 1, 3 do opt:minimize(w:square():sum() + b:square():sum()) end
      return { w:detach(), b:detach() }
    end
    local all = ml.replicas({ lr = rates, slow = { 0.01, 0.03 } }, body)
    for i = 1, 2 do
      local one = body { lr = rates[i], slow = ({ 0.01, 0.03 })[i] }
      holds(one[1]:tolist(), all[1][i], 1e-6)
      holds(one[2]:tolist(), all[2][i], 1e-6)
    end
  end)

  it("say what is wrong with them", function()
    local w, b = two()
    fails(function() return ml.optim.SGD { { params = { w }, learning_rate = 1 } } end, "^SGD: unknown option 'learning_rate'")
    fails(function() return ml.optim.SGD { { params = { w }, mommentum = 1 } } end, "did you mean 'momentum'%?")
    fails(function() return ml.optim.SGD { { lr = 1 } } end, "^SGD: the parameters must be a list of tensors, .* got nil")
    fails(function() return ml.optim.SGD { { params = { w } }, { params = { w } } } end,
      "^SGD: a parameter of shape %(2%) is in two groups")
    fails(function() return ml.optim.SGD { { params = { w } }, b } end,
      "^SGD: group 2 must be a table, { params = {...}, lr = ... }")
    fails(function() return ml.optim.SGD { { params = { w }, optimizer = "AdamV" } } end,
      "there is no optimizer 'AdamV'; did you mean 'Adam")
    fails(function() return ml.optim.SGD { { params = { w }, lr_scale = 0 } } end, "^SGD: lr_scale must be above 0")
    local opt = ml.optim.SGD { { params = { w } } }
    fails(function() opt.groups[1].momentum = 1 end, "no field 'momentum' of a group can be set; lr and weight_decay can")
    fails(function() return opt.groups[1].betas end, "a group has no field 'betas'")
  end)
end)

describe("training", function()
  it("brings a small network to high accuracy", function()
    ml.seed(3)
    local nn = ml.nn
    local points = ml.randn({ 200, 2 }, { seed = 1 })
    local labels = (points[{ {}, 1 }] * points[{ {}, 2 }]):gt(0):cast "i64" + 1 -- XOR of the signs
    local data = { x = points, y = labels }
    local model = nn.Sequential { nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2) }
    local opt = ml.optim.Adam(model:parameters(), { lr = 2e-2 })
    assert.is_true(ml.accuracy(model, data) < 0.9)
    for _ = 1, 300 do opt:minimize(nn.cross_entropy(model(data.x), data.y)) end
    assert.is_true(ml.accuracy(model, data) > 0.97, tostring(ml.accuracy(model, data)))
    assert.is_true(ml.weight_norm(model):item() > 1)
  end)

  it("gives the same numbers from the same seed", function()
    local nn = ml.nn
    local function losses()
      ml.seed(5)
      local model = nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 3) }
      local opt = ml.optim.AdamW(model:parameters())
      local x, y, all = ml.randn { 16, 3 }, ml.randint(1, 3, { 16 }), {}
      for step = 1, 20 do
        local loss = nn.cross_entropy(model(x), y)
        all[step] = loss:item()
        opt:minimize(loss)
      end
      return all
    end
    assert.same(losses(), losses())
  end)
end)
