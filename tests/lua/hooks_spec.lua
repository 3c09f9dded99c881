-- Values inside a model by name: seen, replaced, differentiated; frozen parameters; what a model prints of itself.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function f64(n, m) return nn.Linear(n, m, { dtype = "f64" }) end

local function network()
  return nn.Sequential { f64(3, 4), nn.ReLU(), nn.Residual(nn.Sequential { f64(4, 4), nn.Tanh() }), f64(4, 2) }
end

local function keys(t)
  local list = {}
  for key in pairs(t) do list[#list + 1] = key end
  table.sort(list)
  return list
end

local x = ml.randn({ 5, 3 }, { dtype = "f64", seed = 1 })

describe("run_with_cache", function()
  it("gives the values at the points that were asked for", function()
    local model = network()
    local y, cache = model:run_with_cache(x, { "*.relu", "3.inner.*" })
    holds(model(x):tolist(), y, 1e-12)
    assert.same({ "2.relu", "3.inner.1.linear", "3.inner.2.tanh", "3.inner.sequential" }, keys(cache))
    local h = model[1](x):relu()
    holds(h:tolist(), cache["2.relu"], 1e-12)
    holds(model[3].inner[1](h):tolist(), cache["3.inner.1.linear"], 1e-12)
    assert.equal(cache["2.relu"], cache["2"])
    assert.is_nil(cache["1"])
    local _, all = model:run_with_cache(x)
    assert.equal(8, #keys(all))
    holds(y:tolist(), all["sequential"], 1e-12)
    holds(y:tolist(), all[""], 1e-12)
  end)

  it("leaves no hook behind, whatever happens", function()
    local model = nn.Sequential { f64(3, 4), nn.ReLU(), f64(4, 2) }
    model:run_with_cache(x)
    assert.is_false(pcall(function() model:run_with_cache(ml.ones { 2, 7 }) end))
    local plain = model(x):tolist()
    local _, first = model:run_with_cache(x, "1")
    holds(model[1](x):tolist(), first["1"], 1e-12)
    assert.same({ "1.linear" }, keys(first))
    holds(plain, model(x), 0)
  end)

  it("keeps them in the graph", function()
    local model = network()
    local _, cache = model:run_with_cache(x, "2.relu")
    cache["2.relu"]:square():sum():backward()
    local w = model[1].weight
    local want = ml.grad(function(p) return (x:matmul(p:transpose()) + model[1].bias):relu():square():sum() end)(w:detach())
    holds(want:tolist(), w.grad, 1e-10)
    assert.is_nil(model[4].weight.grad)
  end)

  it("works in apply and inside transforms", function()
    local model = network()
    local params = model:parameters()
    local function norm(p, rows)
      local _, cache = model:run_with_cache(rows, "3", { params = p })
      return cache["3"]:square():sum()
    end
    local function by_layers(p, rows)
      return model[3]:apply({ p[3], p[4] }, model[1]:apply({ p[1], p[2] }, rows):relu()):square():sum()
    end
    for k, g in ipairs(ml.grad(norm)(params, x)) do holds(ml.grad(by_layers)(params, x)[k]:tolist(), g, 1e-10) end
    local rows = x:unsqueeze(2)
    local each = ml.vmap(ml.grad(norm), { nil, 1 })(params, rows)
    for i = 1, 5 do holds(ml.grad(by_layers)(params, rows[i])[1]:tolist(), each[1][i], 1e-10) end
    local batch = nn.Sequential { nn.BatchNorm1d(3, { dtype = "f64" }), nn.Dropout(0.5) }
    local y, cache, buffers = batch:run_with_cache(x, "*", { buffers = batch:buffers(), train = true, seed = 3 })
    local z, same = batch:apply(batch:parameters(), batch:buffers(), x, { train = true, seed = 3 })
    holds(z:tolist(), y, 1e-12)
    holds(same[1]:tolist(), buffers[1], 1e-12)
    holds(z:tolist(), cache["2"], 1e-12)
  end)

  it("counts the times that a point is passed", function()
    local Twice = nn.module "Twice"
    function Twice:init() self.f = f64(3, 3) end
    function Twice:forward(t) return self:point("end", self.f(self.f(t))) end
    local model = nn.Sequential { Twice() }
    local _, cache = model:run_with_cache(x, { "*.f", "*.end" })
    assert.same({ "1.end", "1.f.linear", "1.f.linear#2" }, keys(cache))
    holds(model[1].f(cache["1.f"]):tolist(), cache["1.f.linear#2"], 1e-12)
  end)

  it("knows the way also where forward runs layers of layers", function()
    local Skips = nn.module "Skips"
    function Skips:init() self.all = nn.Sequential { f64(3, 3), nn.Tanh(), nn.Residual(f64(3, 3)) } end
    function Skips:forward(t) return self.all[3].inner(self.all[1](t)) * self.all[1].weight:sum() end
    local model = nn.Sequential { Skips() }
    local all = model[1].all
    local y, cache = model:run_with_cache(x)
    assert.same({ "1.all.1.linear", "1.all.3.inner.linear", "1.skips", "sequential" }, keys(cache))
    holds((all[3].inner(all[1](x)) * all[1].weight:sum()):tolist(), y, 1e-12)
    local _ <close> = all:with_hooks { ["3.inner"] = function(value) return value * 2 end }
    local other <close> = all[3]:with_hooks { inner = function(value) return value + 1 end } -- nearer: it comes first
    holds((y * 2 + all[1].weight:sum() * 2):tolist(), model(x), 1e-12)
    assert.equal(all[3], other.model)
  end)

  it("names what was meant", function()
    local model = network()
    fails(function() model:run_with_cache(x, "*.rleu") end, "^run_with_cache: nothing is called '%*%.rleu'; .*2%.relu")
    fails(function() model:run_with_cache(x, "3.inner.2.tanhh") end, "did you mean '3.inner.2.tanh'")
    fails(function() model:run_with_cache(x, 3) end, "^run_with_cache: pattern 1 must be text")
    fails(function() model:run_with_cache(x, {}) end, "^run_with_cache: takes a pattern")
    fails(function() model:run_with_cache(x, "*", { parms = {} }) end, "did you mean 'params'")
    fails(function() model:run_with_cache() end, "its input must be a moonlab.Tensor, got nil")
  end)
end)

describe("with_hooks", function()
  it("replaces values until it is closed", function()
    local model = network()
    local plain = model(x):tolist()
    do
      local hooked <close> = model:with_hooks { ["2"] = function(value) return value * 2 end }
      holds(model[4](model[3](model[1](x):relu() * 2)):tolist(), model(x), 1e-12)
      holds(model(x):tolist(), hooked(x), 0)
      holds(model(x):tolist(), model:apply(model:parameters(), x), 0)
    end
    holds(plain, model(x), 0)
    pcall(function()
      local _ <close> = model:with_hooks { ["*"] = function(value) return value * 0 end }
      error "inside"
    end)
    holds(plain, model(x), 0)
    local open = model:with_hooks { ["4.linear"] = function(value) return value + 1 end }
    holds((model(x) - 1):tolist(), model[4](model[3](model[2](model[1](x)))), 1e-12)
    open:close()
    open:close()
    holds(plain, model(x), 0)
  end)

  it("goes between layers that run as one", function()
    local model = nn.Sequential { f64(3, 4), nn.ReLU(), f64(4, 2) }
    local seen
    local _ <close> = model:with_hooks { ["1.linear"] = function(value, name)
      seen = name
      return -value
    end }
    holds(model[3]((-model[1](x)):relu()):tolist(), model(x), 1e-12)
    assert.equal("1.linear", seen)
  end)

  it("is differentiable, patches included, and part of every transform", function()
    local model, donor = network(), ml.randn({ 5, 4 }, { dtype = "f64", seed = 2 })
    local function patched(d, rows)
      local _ <close> = model:with_hooks { ["2"] = function(value) return value + d end }
      return model:apply(model:parameters(), rows):square():sum()
    end
    local function by_hand(d, rows) return model[4](model[3](model[1](rows):relu() + d)):square():sum() end
    holds(ml.grad(by_hand)(donor, x):tolist(), ml.grad(patched)(donor, x), 1e-10)
    holds(ml.hvp(by_hand, donor, donor, x):tolist(), ml.hvp(patched, donor, donor, x), 1e-8)
    local each = ml.vmap(ml.grad(patched))(donor, x)
    for i = 1, 5 do holds(ml.grad(by_hand)(donor[i], x[i]):tolist(), each[i], 1e-10) end
  end)

  it("patches one run with the values of another", function()
    local model, clean, corrupt = network(), x, ml.randn({ 5, 3 }, { dtype = "f64", seed = 9 })
    local _, cache = model:run_with_cache(clean, "*")
    for _, point in ipairs { "1", "2", "3" } do -- all that comes behind depends on these alone
      local _ <close> = model:with_hooks { [point] = function() return cache[point] end }
      holds(model(clean):tolist(), model(corrupt), 1e-12)
    end
  end)

  it("may be inside each other, and on layers themselves", function()
    local model = network()
    local outer <close> = model:with_hooks { ["3"] = function(value) return value * 2 end }
    local layer <close> = model[3]:with_hooks { residual = function(value) return value + 1 end }
    holds(model[4]((model[3].inner(model[1](x):relu()) + model[1](x):relu() + 1) * 2):tolist(), model(x), 1e-12)
    assert.is_true(outer.number ~= layer.number)
  end)

  it("raises at the script's line", function()
    local model = network()
    local _ <close> = model:with_hooks { ["3"] = function(value) return value:matmul(value) end }
    local good, message = pcall(model, x)
    assert.is_false(good)
    assert.matches("hooks_spec.lua:%d+: matmul: inner sizes differ: %(5, 4%) x %(5, 4%)$", message)
    local other <close> = network():with_hooks { ["9"] = print }
    fails(function() local _ = other(x) end, "^with_hooks: nothing is called '9'")
    fails(function() local _ = model:with_hooks { print } end, "hooks are given by name")
    fails(function() local _ = model:with_hooks { ["2"] = 3 } end, "'2' must be a function, got number")
    fails(function() local _ = model:with_hooks {} end, "^with_hooks: takes a pattern")
    local wrong <close> = network():with_hooks { ["2"] = function() return 3 end }
    fails(function() local _ = wrong(x) end, "'2' must return a tensor, or nothing, got number")
  end)
end)

describe("freeze", function()
  it("takes parameters out of training by name", function()
    local model = network()
    local before = model:state()
    local opt = ml.optim.AdamW(model:parameters(), { lr = 0.1 })
    assert.same({ "1.weight", "1.bias", "4.bias" }, model:freeze({ "1", "4.bias" }):frozen())
    assert.equal(6, #model:parameters())
    opt:minimize(model(x):square():sum())
    local again = ml.optim.SGD(model:parameters(), { lr = 0.1 })
    again:minimize(model(x):square():sum())
    for name, p in model:named_parameters() do
      local same = p:eq(before[name]):all():item()
      assert.equal(name == "1.weight" or name == "1.bias" or name == "4.bias", same, name)
      assert.equal(same, p.grad == nil, name)
    end
    assert.same({ "1.bias" }, model:unfreeze({ "1.weight", "4" }):frozen())
    assert.same({}, model:unfreeze():frozen())
    assert.equal(6, #model:freeze():frozen())
    assert.is_false(model(x).requires_grad)
  end)

  it("says what there is", function()
    local model = network()
    fails(function() model:freeze "5" end, "^freeze: nothing is called '5'; there is 1.weight, 1.bias")
    fails(function() model:freeze(3) end, "^freeze: pattern 1 must be text")
    assert.is_false(model:freeze "1":clone()[1].weight.requires_grad)
  end)
end)

describe("summary", function()
  local function printed(fn)
    local lines, globals = {}, package.loaded._G
    local old = globals.print
    globals.print = function(text) lines[#lines + 1] = text end
    local good, message = pcall(fn)
    globals.print = old
    assert(good, message)
    return table.concat(lines, "\n")
  end

  it("prints outputs, counts and bytes, and changes nothing", function()
    local model = nn.Sequential {
      nn.Conv2d(1, 4, 3, { padding = "same" }), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    }
    local text = printed(function() model:summary { 2, 1, 8, 8 } end)
    assert.matches("1  Conv2d%(1 %-> 4, kernel 3, same%)  %(2, 4, 8, 8%)     40  weight %(4, 1, 3, 3%)  bias %(4%)", text)
    assert.matches("4  Flatten +%(2, 256%)\n", text)
    assert.matches("in all +%(2, 10%) +2,618  10%.5 kB, buffers 32 bytes, 8%.3 kB of outputs for this input$", text)
    assert.equal(0, model[2].running_mean:sum():item())
    assert.is_true(model:training())
    assert.matches("Linear%(256 %-> 10%) +2,570", printed(function() model:summary() end))
    local ids = nn.Sequential { nn.Embedding(7, 3), nn.Flatten(), nn.Linear(6, 2) }
    assert.matches("1  Embedding%(7 %-> 3%)  %(4, 2, 3%)", printed(function() ids:summary { 4, 2 } end))
    fails(function() model:summary "x" end, "^summary: takes an input or its shape")
    fails(function() model:summary { 2, 3, 8, 8 } end, "the input has 3 channels, not 1")
  end)

  it("counts tied layers once, and marks what is frozen", function()
    local layer = nn.Linear(3, 3)
    local model = nn.Sequential { layer, nn.Tanh(), layer }:freeze "1.weight"
    assert.matches("in all +12$", tostring(model))
    assert.matches("weight %(3, 3%) frozen  bias %(3%)", tostring(model))
  end)
end)
