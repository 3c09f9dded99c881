-- Modules written in Lua: like all others, whatever is done with them.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

-- x + scale f(f(x)), counting its runs in training; f is tied to itself by being run twice.
local Block = nn.module "Block"

function Block:init(width)
  self.norm  = nn.BatchNorm1d(width, { dtype = "f64" })
  self.steps = { nn.Linear(width, width, { dtype = "f64" }), nn.Tanh() }
  self.width = width
  self:parameter("scale", ml.full({ 1 }, 0.5, { dtype = "f64" }))
  self:buffer("runs", ml.zeros({}, { dtype = "f64" }))
end

function Block:twice(x)
  for _ = 1, 2 do
    for _, step in ipairs(self.steps) do x = step(x) end
  end
  return x
end

function Block:forward(x)
  if self:training() then self.runs = self.runs + 1 end
  return x + self.scale * self:point("middle", self:twice(self.norm(x)))
end

local function by_hand(block, x)
  local y = block.norm(x)
  for _ = 1, 2 do y = (y:matmul(block.steps[1].weight:transpose()) + block.steps[1].bias):tanh() end
  return x + block.scale * y
end

local function network()
  local f64 = { dtype = "f64" }
  return nn.Sequential { nn.Linear(2, 3, f64), Block(3), nn.Sequential { Block(3), nn.Linear(3, 1, f64) } }
end

local function names_of(iterate, model)
  local names = {}
  for name in iterate(model) do names[#names + 1] = name end
  return names
end

describe("a module written in Lua", function()
  it("computes what its forward says, and has what its init made", function()
    local block, x = Block(3), ml.randn({ 4, 3 }, { dtype = "f64" })
    holds(by_hand(block, x):tolist(), block(x), 1e-12)
    assert.equal("Block", block:kind())
    assert.equal(3, block.width)
    assert.equal(3, #block)
    assert.equal("Linear", block.steps[1]:kind())
    assert.equal("BatchNorm1d", block[1]:kind())
    assert.equal(1, block.runs:item())
    assert.is_true(block.scale.requires_grad and block.scale.is_leaf)
    assert.is_function(block.twice)
    fails(function() return block.wdith end, "^Block has no field 'wdith'")
    assert.same({ "norm", "steps.1", "steps.2" }, names_of(block.named_children, block))
  end)

  it("lists parameters and buffers by its names, nested either way", function()
    local model = network()
    assert.same({ "1.weight", "1.bias", "2.scale", "2.norm.weight", "2.norm.bias", "2.steps.1.weight", "2.steps.1.bias",
      "3.1.scale", "3.1.norm.weight", "3.1.norm.bias", "3.1.steps.1.weight", "3.1.steps.1.bias", "3.2.weight", "3.2.bias" },
      names_of(model.named_parameters, model))
    assert.same({ "2.runs", "2.norm.running_mean", "2.norm.running_var", "3.1.runs", "3.1.norm.running_mean",
      "3.1.norm.running_var" }, names_of(model.named_buffers, model))
    assert.matches("2%.steps%.1 +Linear%(3 %-> 3%) +12 +weight %(3, 3%)", tostring(model))
    assert.matches("2 +Block +1 +scale %(1%)", tostring(model))
  end)

  it("trains", function()
    ml.seed(4)
    local model, x = network(), ml.randn({ 32, 2 }, { dtype = "f64" })
    local y = x:square():sum(2):unsqueeze(2)
    local opt, first, last = ml.optim.Adam(model:parameters(), { lr = 0.02 }), nil, nil
    for _ = 1, 150 do
      local loss = nn.mse(model(x), y)
      opt:minimize(loss)
      first, last = first or loss:item(), loss:item()
    end
    assert.is_true(last < 0.2 * first)
    assert.equal(150, model[2].runs:item())
  end)

  it("is a pure function of parameters and buffers", function()
    local model, x = network(), ml.randn({ 8, 2 }, { dtype = "f64" })
    local other = model:clone()
    for _, p in ipairs(other:parameters()) do p:detach()[{}] = p:detach() * 1.5 end
    local y, buffers = model:apply(other:parameters(), other:buffers(), x)
    assert.equal(0, model[2].runs:item())
    holds(other(x):tolist(), y, 1e-12)
    for i, b in ipairs(other:buffers()) do holds(b:tolist(), buffers[i], 1e-12) end
    assert.equal(1, other[2].runs:item())
    local calm = model:apply(other:parameters(), other:buffers(), x, { train = false })
    holds(other:eval()(x):tolist(), calm, 1e-12)
    assert.is_true(other[3][1]:training() == false and model[3][1]:training())
  end)

  it("lets every transform through", function()
    local model, x = network(), ml.randn({ 5, 4, 2 }, { dtype = "f64" })
    local params = model:parameters()
    local function loss(p, rows) return model:apply(p, rows, { train = true }):square():mean() end
    local mapped = ml.vmap(ml.grad(loss), { nil, 1 })(params, x)
    for i = 1, 5 do
      for k, g in ipairs(ml.grad(loss)(params, x[i])) do holds(g:tolist(), mapped[k][i], 1e-9) end
    end
    local v = ml.tree.randn_like(params, { seed = 3 })
    local hv, h = ml.hvp(loss, params, v, x[1]), 1e-5
    local function moved(by) return ml.grad(loss)(ml.tree.add(params, v, by), x[1]) end
    local difference = ml.tree.scale(ml.tree.sub(moved(h), moved(-h)), 1 / (2 * h))
    for k, t in ipairs(hv) do holds(difference[k]:tolist(), t, 1e-6) end
    local one = function(row) return model:apply(params, row:unsqueeze(1), { train = false }):reshape(-1) end
    local jacobian = ml.vmap(ml.jacobian(one))(x[1])
    local kept = ml.checkpoint(function(rows) return model:apply(params, rows) end, x[1])
    holds(model:apply(params, x[1]):tolist(), kept, 1e-12)
    assert.same({ 4, 1, 2 }, jacobian.shape)
    local seen = ml.replicas({ seed = { 1, 2 } }, function() return Block(3).steps[1].weight:detach() end)
    assert.same({ 2, 3, 3 }, seen.shape)
    assert.is_false(seen[1]:eq(seen[2]):all():item())
  end)

  it("may be computed again by a checkpoint around it", function()
    local block, x = Block(3):eval(), ml.randn({ 4, 3 }, { dtype = "f64", requires_grad = true })
    block(x):square():sum():backward()
    local want, scale = x.grad:tolist(), block.scale.grad:tolist()
    x:zero_grad()
    block.scale:zero_grad()
    ml.checkpoint(block, x):square():sum():backward()
    holds(want, x.grad, 1e-12)
    holds(scale, block.scale.grad, 1e-12)
  end)

  it("may have checkpoints inside, of layers and of functions", function()
    local Deep = nn.module "Deep"
    function Deep:init(inside)
      self.inside, self.layers = inside, {}
      for i = 1, 3 do self.layers[i] = nn.Sequential { nn.Linear(3, 3, { dtype = "f64" }), nn.Dropout(0.3), nn.Tanh() } end
      self:parameter("scale", ml.full({ 1 }, 0.5, { dtype = "f64" }))
      self:buffer("count", ml.zeros({}, { dtype = "f64" }))
    end
    function Deep:forward(t)
      local call = self.inside and ml.checkpoint or function(fn, ...) return fn(...) end
      local last = self.layers[3] -- taken before, used inside
      self.count = self.count + 1
      t = call(self.layers[1], t)
      t = call(function(u) return self.layers[2](u) * self.scale * self.count end, t)
      return call(function(u) return last(u) + self.layers[1][1].weight:sum() end, t)
    end
    local plain, x = Deep(false), ml.randn({ 4, 3 }, { dtype = "f64" })
    local inside = Deep(true):load_state(plain:state())
    local outer = nn.Sequential { inside }
    local function loss(model)
      return function(p, rows) return model:apply(p, rows, { seed = 5, train = true }):square():sum() end
    end
    local want = ml.grad(loss(nn.Sequential { plain }))(plain:parameters(), x)
    for k, g in ipairs(ml.grad(loss(outer))(inside:parameters(), x)) do holds(want[k]:tolist(), g, 1e-10) end
    for _, model in ipairs { plain, inside } do -- with what it holds itself, and from the default stream
      ml.seed(3)
      model(x):square():sum():backward()
    end
    for k, p in ipairs(inside:parameters()) do holds(plain:parameters()[k].grad:tolist(), p.grad, 1e-10) end
    assert.equal(1, inside.count:item())
    local twice = ml.hvp(loss(outer), inside:parameters(), plain:parameters(), x)
    for k, v in ipairs(ml.hvp(loss(nn.Sequential { plain }), plain:parameters(), plain:parameters(), x)) do
      holds(v:tolist(), twice[k], 1e-8)
    end
    local self_of
    local Leak = nn.module "Leak"
    function Leak:forward(t)
      self_of = self
      return ml.checkpoint(function(u) return self:training() and u * 2 or u end, t)
    end
    local y = Leak()(ml.ones({ 2 }, { requires_grad = true })):sum()
    fails(function() return self_of.anything end, "self is of a call of forward that is over")
    y:backward()
    fails(function() return self_of.anything end, "self is of a call of forward that is over")
  end)

  it("is saved, loaded and copied", function()
    local a, b, x = network(), network(), ml.randn({ 4, 2 }, { dtype = "f64" })
    a(x)
    b:load_state(a:state())
    local copy = a:clone()
    copy[2].norm.weight:detach()[{}] = 3
    holds(a:eval()(x):tolist(), b:eval()(x))
    assert.is_true(copy[2].width == 3 and copy[2].twice == Block.twice)
    assert.equal(1, a[2].norm.weight[1]:item())
  end)

  it("keeps fields that are neither layers, parameters nor buffers", function()
    local Counter = nn.module "Counter"
    function Counter:init() self.calls, self.maybe = 0, nil end
    function Counter:forward(x)
      self.calls = self.calls + 1
      if self.maybe then return x end
      return x + self.calls
    end
    local counter = Counter()
    holds({ 1 }, counter(ml.zeros { 1 }))
    holds({ 2 }, counter(ml.zeros { 1 }))
    local copy = counter:clone()
    copy(ml.zeros { 1 })
    assert.same({ 2, 3 }, { counter.calls, copy.calls })
  end)
end)

describe("what init assigns", function()
  it("may be lists of layers that grow", function()
    local Deep = nn.module "Deep"
    function Deep:init(depth)
      self.first = nn.Linear(2, 3)
      self.layers = {}
      self.last = nn.Linear(3, 1)
      for _ = 1, depth do table.insert(self.layers, nn.Linear(3, 3)) end
      self.sizes = { 2, 3, 1 }
    end
    function Deep:forward(x)
      x = self.first(x)
      for _, layer in ipairs(self.layers) do x = layer(x):relu() end
      return self.last(x)
    end
    local model = Deep(3)
    assert.same({ "first", "layers.1", "layers.2", "layers.3", "last" }, names_of(model.named_children, model))
    assert.equal(10, #model:parameters())
    assert.same({ 2, 3, 1 }, model.sizes)
    local x = ml.randn { 4, 2 }
    local y = model.first(x)
    for _, layer in ipairs(model.layers) do y = layer(y):relu() end
    holds(model.last(y):tolist(), model(x))
    assert.equal(4, #Deep(2):clone().layers + 2)
  end)

  it("is refused where it would be lost", function()
    local function kind(init)
      local Kind = nn.module "Kind"
      function Kind:init() init(self) end
      function Kind.forward(_, x) return x end
      return Kind
    end
    fails(function() local _ = kind(function(self) self.layers = { a = nn.ReLU() } end)() end,
      "^Kind: layers in self.layers would not be found; a table with layers is a list of nothing else")
    fails(function() local _ = kind(function(self) self.layers = { nn.ReLU(), 3 } end)() end, "self.layers would not be found")
    fails(function() local _ = kind(function(self) self.w = ml.ones({ 2 }, { requires_grad = true }) end)() end,
      "^Kind: self.w wants a gradient, but is no parameter; write self:parameter%(\"w\", tensor%)")
    local block = Block(2)
    fails(function() block.width = 4 end, "^Block: no field of a model can be set")
    fails(function() return block:forward(ml.ones { 1, 2 }) end, "^Block: forward is called by calling the module")
  end)
end)

describe("mistakes in a module written in Lua", function()
  local function one(forward, init)
    local Kind = nn.module "Kind"
    Kind.forward, Kind.init = forward, init
    return Kind
  end
  local x = ml.ones { 2, 3 }

  it("have the line where they are", function()
    local model = nn.Sequential { one(function(_, t) return t:matmul(t) end)() }
    local good, message = pcall(model, x)
    assert.is_false(good)
    assert.matches("own_modules_spec.lua:%d+: matmul: inner sizes differ: %(2, 3%) x %(2, 3%)$", message)
    local thrown = {}
    local _, caught = pcall(nn.Residual(one(function() error(thrown) end)()), x)
    assert.equal(thrown, caught)
    local _, nothing = pcall(nn.lambda(function() error() end), x)
    assert.is_nil(nothing)
    holds({ { 1, 1, 1 }, { 1, 1, 1 } }, nn.ReLU()(x)) -- and nothing is left behind
  end)

  it("leave recording, vmaps and scopes as they were", function()
    local model = nn.Sequential { one(function(_, t)
      return ml.no_grad(function() return ml.vmap(function(row) return row:matmul(t) end)(ml.ones { 4, 7 }) end)
    end)() }
    local w = ml.ones({ 3 }, { requires_grad = true })
    for _ = 1, 3 do
      assert.is_false(pcall(model, x))
      assert.is_true((w * 2).requires_grad)
    end
    assert.is_false(pcall(ml.grad(function(t) return model(t):sum() end), x))
    assert.is_false(pcall(ml.vmap(model), ml.ones { 5, 2, 3 }))
    assert.is_true(ml.autograd.recording())
  end)

  it("are named", function()
    fails(function() local _ = one(function() return 3 end)()(x) end, "^Kind: forward must return a tensor, got number")
    fails(function() local _ = one(function() end)()(x) end, "^Kind: forward must return a tensor, got nil")
    fails(function() local _ = one(nil)() end, "^Kind: it has no forward; write function Kind:forward%(x%)")
    fails(function() local _ = nn.module "two words" end, "^module: the kind is a name")
    fails(function() local _ = nn.module(3) end, "^module: the kind is a name, as in nn.module \"Block\", got number")
    fails(function() local _ = nn.lambda(3) end, "^lambda: takes a function of a tensor, got number")
    local forward = function(_, t) return t end
    fails(function() local _ = one(forward, function(self) self.apply = nn.ReLU() end)() end,
      "'apply' is a method of all modules")
    fails(function() local _ = one(forward, function(self) self.training = true end)() end,
      "'training' is a method of all modules")
    fails(function()
      local Kind = nn.module "Kind"
      function Kind:point() return self end
    end, "^Kind: 'point' is a method of all modules; choose another name")
    fails(function() local _ = one(forward, function(self) self[1] = nn.ReLU() end)() end, "have names, as in self.inner, got 1")
    fails(function()
      local _ = one(forward, function(self)
        self.a = nn.ReLU()
        self:parameter("a", ml.ones { 1 })
      end)()
    end, "there is a layer called 'a' already")
    fails(function() local _ = one(forward, function(self) self:parameter("a", 3) end)() end,
      "parameter a must be a tensor, got number")
    local ids = ml.ones({ 1 }, { dtype = "i64" })
    fails(function() local _ = one(forward, function(self) self:parameter("a", ids) end)() end,
      "parameter a must be f32 or f64, got i64")
    local function with_w(self) self:parameter("w", ml.ones { 1 }) end
    local function with_b(self) self:buffer("b", ml.ones { 1 }) end
    fails(function() local _ = one(function(self, t) self.w = t end, with_w)()(x) end,
      "Kind: w is a parameter; it does not change while the module runs")
    fails(function() local _ = one(function(self, t) self.b = t end, with_b)()(x) end,
      "Kind: buffer b has shape %(1%), not %(2, 3%)")
    fails(function() local _ = one(function(self, t) return self(t) end)()(x) end, "it is running already; call its layers")
    local kept
    one(function(self, t)
      kept = self
      return t
    end)()(x)
    fails(function() return kept.anything end, "self is of a call of forward that is over")
  end)
end)

describe("nn.lambda", function()
  it("is a function as a layer", function()
    local model = nn.Sequential { nn.Linear(3, 2), nn.lambda(function(t) return t:sin() end, "Wave"), nn.Linear(2, 1) }
    local x = ml.randn { 4, 3 }
    holds(model[3](model[1](x):sin()):tolist(), model(x))
    assert.equal("Wave", model[2]:kind())
    assert.equal(4, #model:parameters())
    assert.equal("Lambda", tostring(nn.lambda(function(t) return t end)))
  end)
end)

describe("memory", function()
  it("of modules that are made and dropped is given back, also in circles", function()
    local output = support.run [[
      local ml = require "moonlab"
      local nn = ml.nn
      ml.threads(1)
      local Own = nn.module "Own"
      function Own:init(inner) self.inner, self.note = inner, {} end
      function Own:forward(x) return ml.checkpoint(self.inner, x) end
      local x = ml.ones({ 1, 32 }, { requires_grad = true })
      local count = 0
      local function once()
        local model
        local peek = nn.lambda(function(t) return model and t or t end) -- a circle: it holds the model that holds it
        local own  = Own(nn.Sequential { nn.Linear(32, 32), peek })
        model = nn.Sequential { own, nn.Residual(Own(nn.Tanh())) }
        own.note[1] = model -- another
        model = model:clone()
        local y = model(x)
        count = count + 1
        if count % 2 == 0 then y:sum():backward() end
        local hooked <close> = model:with_hooks { ["*.tanh"] = function(t) return model and t end }
        model(x)
        pcall(nn.lambda(function() error {} end), x)
      end
      local function counted() return (ml.memory().live + ml.memory().cached) / 1024 + collectgarbage "count" end
      for _ = 1, 1000 do once() end
      collectgarbage()
      collectgarbage()
      local before = counted()
      for _ = 1, 3000 do once() end
      collectgarbage()
      collectgarbage()
      local after = counted()
      print(after < before + 200 and "flat" or ("%d kB, then %d kB"):format(before, after))]]
    assert.equal("flat\n", output)
  end)
end)
