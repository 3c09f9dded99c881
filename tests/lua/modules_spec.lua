-- Modules made of modules: containers.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function names_of(model)
  local names = {}
  for name in model:named_parameters() do names[#names + 1] = name end
  return names
end

describe("Residual", function()
  it("adds its input, or what a shortcut makes of it", function()
    local inner, x = nn.Linear(3, 3), ml.randn { 4, 3 }
    holds((x + inner(x)):tolist(), nn.Residual(inner)(x))
    holds((x + inner(x) * 0.1):tolist(), nn.Residual(inner, { scale = 0.1 })(x))
    holds(x:tolist(), nn.Residual(inner, { scale = 0 })(x))
    local wide, short = nn.Linear(3, 5), nn.Linear(3, 5, { bias = false })
    local model = nn.Residual(wide, { shortcut = short })
    holds((short(x) + wide(x)):tolist(), model(x))
    assert.same({ "inner.weight", "inner.bias", "shortcut.weight" }, names_of(model))
    assert.is_true(model.inner == wide and model[2] == short and #model == 2)
  end)

  it("refuses what it would have to broadcast, and says what it takes", function()
    local model = nn.Residual(nn.Linear(3, 1))
    fails(function() return model(ml.ones { 4, 3 }) end, "^Residual: the inner layers give %(4, 1%), their input is %(4, 3%)")
    fails(function() return nn.Residual() end, "^Residual: the inner module must be a moonlab.Module, got nothing")
    fails(function() return nn.Residual(nn.ReLU(), { shortcut = 3 }) end, "shortcut must be a moonlab.Module, got number")
    fails(function() return nn.Residual(nn.ReLU(), { shortcutt = nn.ReLU() }) end, "did you mean 'shortcut'")
    fails(function() return nn.Residual(nn.ReLU(), { scale = 0 / 0 }) end, "scale must be a finite number")
  end)
end)

describe("Parallel", function()
  it("puts branches together", function()
    local a, b, x = nn.Linear(3, 2), nn.Linear(3, 2), ml.randn { 4, 3 }
    holds(ml.cat({ a(x), b(x) }, 2):tolist(), nn.Parallel { a, b } (x))
    holds(ml.cat({ a(x), b(x) }, 1):tolist(), nn.Parallel({ a, b }, { dim = 1 })(x))
    holds((a(x) + b(x)):tolist(), nn.Parallel({ a, b }, { merge = "sum" })(x))
    holds(ml.stack({ a(x), b(x) }, 3):tolist(), nn.Parallel({ a, b }, { merge = "stack", dim = -1 })(x))
  end)

  it("says what it takes", function()
    fails(function() return nn.Parallel({ nn.ReLU() }, { merge = "mean" }) end,
      "merge must be \"concat\", \"sum\" or \"stack\", got \"mean\"")
    fails(function() return nn.Parallel({ nn.ReLU() }, { dim = 0 }) end, "dim is a dimension")
    fails(function() return nn.Parallel {} end, "^Parallel: takes 1 to 256 branches, got 0")
    fails(function() return nn.Parallel { 3 } end, "branch 1 must be a moonlab.Module")
    local uneven = nn.Parallel({ nn.Linear(2, 1), nn.Linear(2, 2) }, { merge = "sum" })
    fails(function() return uneven(ml.ones { 4, 2 }) end, "branch 1 gives %(4, 1%), branch 2 %(4, 2%)")
  end)
end)

local function f64_linear(n, m) return nn.Linear(n, m, { dtype = "f64" }) end

describe("containers inside containers", function()
  it("give PyTorch's values and gradients", function() -- tests/golden/modules.py
    local want = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/golden/modules.lua")
    local first = nn.Residual(nn.Sequential { f64_linear(3, 4), nn.Tanh(), f64_linear(4, 3) }, { scale = 0.5 })
    local inner = nn.Sequential { f64_linear(3, 2), nn.ReLU() }
    local second = nn.Residual(inner, { shortcut = nn.Linear(3, 2, { bias = false, dtype = "f64" }) })
    local ends = { f64_linear(5, 2), nn.Sequential { f64_linear(5, 2), nn.Sin() } }
    local model = nn.Sequential { nn.Parallel { first, second }, nn.Parallel(ends, { merge = "sum" }) }
    for i, p in ipairs(model:parameters()) do p:detach()[{}] = ml.tensor(want.params[i], { dtype = "f64" }) end
    local x = ml.tensor(want.x, { dtype = "f64", requires_grad = true })
    local y = model(x)
    holds(want.y, y, 1e-14)
    holds(want.stacked, nn.Parallel(ends, { merge = "stack" })(model[1](x)), 1e-14)
    y:square():mean():backward()
    holds(want.dx, x.grad, 1e-14)
    for i, p in ipairs(model:parameters()) do holds(want.grads[i], p.grad, 1e-14) end
  end)

  it("are pure functions of parameters and buffers, and every transform goes through", function()
    local block = nn.Residual(nn.Sequential { f64_linear(3, 3), nn.BatchNorm1d(3, { dtype = "f64" }), nn.Tanh() })
    local model = nn.Sequential { block, nn.Parallel({ f64_linear(3, 1), f64_linear(3, 1) }, { merge = "sum" }) }
    local x = ml.randn({ 5, 4, 3 }, { dtype = "f64" })
    local function loss(params, rows) return model:apply(params, rows):square():mean() end
    local mapped = ml.vmap(ml.grad(loss), { nil, 1 })(model:parameters(), x)
    for i = 1, 5 do
      for k, g in ipairs(ml.grad(loss)(model:parameters(), x[i])) do holds(g:tolist(), mapped[k][i], 1e-10) end
    end
    local _, buffers = model:apply(model:parameters(), model:buffers(), x[1])
    model(x[1])
    for k, b in ipairs(model:buffers()) do holds(buffers[k]:tolist(), b) end
  end)

  it("save and load by their names", function()
    local function make() return nn.Sequential { nn.Residual(nn.BatchNorm1d(3)), nn.Linear(3, 2) } end
    local a, b, x = make(), make(), ml.randn { 4, 3 }
    a(x)
    b:load_state(a:state())
    holds(a:eval()(x):tolist(), b:eval()(x))
    assert.is_truthy(a:state()["1.inner.running_var"])
  end)
end)
