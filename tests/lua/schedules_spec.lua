-- Schedules, averages of weights, groups by name, the range test, and what optimizers do with functions.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn, schedule = ml.nn, ml.optim.schedule

local function leaf(list) return ml.tensor(list, { dtype = "f64", requires_grad = true }) end
local function near(want, got)
  assert(math.abs(want - got) <= 1e-12 * math.max(1, math.abs(want)), ("%.15g, not %.15g"):format(got, want))
end

describe("a schedule", function()
  it("has the values of its formula", function()
    local cosine = schedule.cosine { steps = 40, final = 0.2 }
    for _, t in ipairs { 0, 7, 20, 40, 100 } do
      near(0.2 + 0.8 * (1 + math.cos(math.pi * math.min(t, 40) / 40)) / 2, cosine(t))
    end
    near(0.25, schedule.polynomial { steps = 40, power = 2 } (20))
    near(0.5 + 0.5 * 0.75, schedule.linear { steps = 40, final = 0.5 } (10))
    near(0.9 ^ 7, schedule.exponential { gamma = 0.9 } (7))
    near(0.01, schedule.step { every = 10 } (25))
    near(0.25, schedule.multistep { at = { 10, 20, 30 }, gamma = 0.5 } (29))
  end)

  it("is PyTorch's scheduler of that name", function()
    local seen = 0
    for line in io.lines(os.getenv "MOONLAB_SOURCE" .. "/tests/golden/schedules.txt") do
      local name, words, rates = line:match "^(%S+) (.-) : (.*)$"
      local opts, step = {}, 0
      for key, value in words:gmatch "(%S+)=(%S+)" do
        opts[key] = tonumber(value)
        if not opts[key] then
          opts[key] = {}
          for item in value:gmatch "[^,]+" do table.insert(opts[key], tonumber(item)) end
        end
      end
      local f = schedule[name](opts)
      for rate in rates:gmatch "%S+" do
        near(tonumber(rate), f(step))
        step = step + 1
      end
      assert.is_true(step >= 40)
      seen = seen + 1
    end
    assert.equal(8, seen)
  end)

  it("warms up in equal parts, then begins", function()
    for name, opts in pairs { constant = {}, cosine = { steps = 30 }, linear = { steps = 30 }, polynomial = { steps = 30 },
      exponential = {}, step = { every = 5 }, multistep = { at = { 5 } } } do
      local plain, warm = {}, {}
      for key, value in pairs(opts) do plain[key], warm[key] = value, value end
      warm.warmup = 4
      if plain.steps then plain.steps = 26 end
      local f, g = schedule[name](plain), schedule[name](warm)
      for t = 0, 3 do near((t + 1) / 5, g(t)) end
      for t = 0, 40 do near(f(t), g(t + 4)) end
    end
  end)

  it("of one cycle rises and falls once", function()
    local f, top = schedule.one_cycle { steps = 50, rise = 0.4, start = 0.1, final = 0.01 }, 0
    near(0.1, f(0))
    near(1, f(19))
    near(0.01, f(49))
    near(0.01, f(60))
    for t = 1, 49 do
      if f(t) > f(t - 1) then top = t end
      assert.is_true(f(t) > 0 and f(t) <= 1)
    end
    assert.equal(19, top)
  end)

  it("scales the steps of an optimizer, and leaves lr alone", function()
    local w = leaf { 1 }
    local opt = ml.optim.SGD({ w }, { lr = 0.5, schedule = function(step) return 1 / (1 + step) end })
    local want = 1
    for step = 0, 4 do
      near(0.5 / (1 + step), opt.lr_now)
      opt:minimize(w:sum())
      want = want - 0.5 / (1 + step)
      holds({ want }, w, 1e-12)
    end
    assert.equal(0.5, opt.lr)
    opt:set_schedule(function(step) return step == 0 and 2 or 0 end) -- counts from here
    opt:minimize(w:sum())
    holds({ want - 1 }, w, 1e-12)
    opt:set_schedule(nil)
    opt:minimize(w:sum())
    holds({ want - 1.5 }, w, 1e-12)
  end)

  it("reaches groups by hand too", function()
    local w, b = leaf { 1 }, leaf { 1 }
    local opt = ml.optim.SGD({ { params = { w } }, { params = { b }, lr = 0.1 } },
      { lr = 1, schedule = function() return 0.5 end })
    w:sum():backward()
    b:sum():backward()
    opt:step()
    holds({ 0.5 }, w, 1e-12)
    holds({ 0.95 }, b, 1e-12)
  end)

  it("goes on where a state was saved", function()
    local function make()
      local w = leaf { 1, 2 }
      return ml.optim.Adam({ w }, { lr = 0.1 }), w
    end
    local f = schedule.cosine { steps = 12, warmup = 3 }
    local opt, w = make()
    local function step(o, p) o:minimize((p - 3):square():sum()) end
    for _ = 1, 2 do step(opt, w) end
    opt:set_schedule(f)
    for _ = 1, 5 do step(opt, w) end
    local state, other, v = opt:state(), make()
    v:detach()[{}] = w:detach()
    other:set_schedule(f):load_state(state)
    for _ = 1, 5 do
      step(opt, w)
      step(other, v)
    end
    assert.same(w:tolist(), v:tolist())
    assert.equal(opt.lr_now, other.lr_now)
    assert.equal(2, state.schedule_start)
  end)

  it("says what is wrong", function()
    local w = leaf { 1 }
    fails(function() local _ = schedule.cosine() end, "^schedule.cosine: needs steps")
    fails(function() local _ = schedule.cosine { step = 3 } end,
      "^schedule.cosine: unknown option 'step'; did you mean 'steps'%?")
    fails(function() local _ = schedule.cosine { steps = 10, warmup = 10 } end, "10 steps end before its warm%-up of 10")
    fails(function() local _ = schedule.one_cycle { steps = 10, warmup = 2 } end, "takes no warmup")
    fails(function() local _ = schedule.multistep { gamma = 1 } end, "^schedule.multistep: needs at, a list")
    fails(function() local _ = ml.optim.SGD({ w }, { schedule = 3 }) end, "^SGD: a schedule must be a function of the step")
    fails(function() ml.optim.SGD({ w }, { schedule = function() return "x" end }):minimize(w:sum()) end,
      "what a schedule returns must be a number, got string")
    fails(function() ml.optim.SGD({ w }, { schedule = function() return -1 end }):minimize(w:sum()) end,
      "^SGD: the factor of a schedule must be a finite number")
    fails(function() local _ = ml.optim.shedule end, "^ml.optim has no 'shedule'; did you mean 'schedule'%?")
    fails(function() local _ = ml.optim.RMSProp end, "did you mean 'RMSprop'%?")
  end)
end)

describe("clipping", function()
  it("keeps the direction, and reports the norm before", function()
    local w, b = leaf { 3, 0 }, leaf { 4 }
    ;(w:square():sum() / 2 + b:square():sum() / 2):backward()
    holds(5, ml.optim.clip_grad_norm({ w, b }, 1), 1e-12)
    holds({ 0.6, 0 }, w.grad, 1e-6)
    holds({ 0.8 }, b.grad, 1e-6)
    holds(1, ml.optim.clip_grad_norm({ w, b }, math.huge), 1e-6) -- only measures
    ml.optim.clip_grad_value({ w, b }, 0.7)
    holds({ 0.7 }, b.grad, 1e-12)
    holds({ 0.6, 0 }, w.grad, 1e-6)
    fails(function() ml.optim.clip_grad_norm({ w }, -1) end, "^clip_grad_norm: the most must be a number, 0 or more, got %-1")
    fails(function() ml.optim.clip_grad_norm(w, 1) end, "^clip_grad_norm: the parameters must be a list of tensors")
  end)

  it("is an option", function()
    local w = leaf { 3, 4 }
    local opt = ml.optim.SGD({ w }, { lr = 1, clip_norm = 1 })
    opt:minimize(w:square():sum() / 2)
    holds({ 3 - 0.6, 4 - 0.8 }, w, 1e-5)
    assert.equal(1, opt.clip_norm)
    opt.clip_norm = math.huge
    opt.clip_value = 0.1
    opt:minimize(w:square():sum() / 2)
    holds({ 3 - 0.7, 4 - 0.9 }, w, 1e-5)
    fails(function() local _ = ml.optim.LBFGS({ w }, { clip_norm = 1 }) end, "^LBFGS: needs gradients as they are")
    fails(function() opt.clip_norm = -1 end, "^SGD: clip_norm must be a number, 0 or more")
  end)

  it("is for each of replicas alone", function()
    local function body(h)
      local w = ml.full({ 2 }, 1.0):requires_grad_()
      local opt = ml.optim.SGD({ w }, { lr = 1, clip_norm = 1 })
      local loss = (w * h.slope):sum()
      loss:backward()
      local norm = ml.optim.clip_grad_norm({ w }, math.huge)
      opt:minimize((w * h.slope):sum())
      return { w:detach(), norm }
    end
    local all = ml.replicas({ slope = { 0.1, 10 } }, body)
    for i, slope in ipairs { 0.1, 10 } do
      local one = body { slope = slope }
      holds(one[1]:tolist(), all[1][i], 1e-6)
      holds(one[2]:item(), all[2][i], 1e-6)
    end
  end)
end)

describe("a function as the loss", function()
  it("is called where the parameters are, once by most optimizers", function()
    local w, calls = leaf { 2 }, 0
    local opt = ml.optim.SGD({ w }, { lr = 0.25 })
    local same, first = opt:minimize(function()
      calls = calls + 1
      return w:square():sum()
    end)
    assert.equal(opt, same)
    assert.equal(4, first)
    assert.equal(1, calls)
    holds({ 1 }, w, 1e-12)
  end)

  it("is what some need", function()
    local w = leaf { 2 }
    fails(function() ml.optim.LBFGS({ w }):minimize(w:sum()) end,
      "^LBFGS: computes the loss more than once a step: give minimize a function that returns it, not the loss")
    fails(function() ml.optim.GradientFlow({ w }):step() end, "^GradientFlow: computes the loss")
    fails(function() ml.optim.SAM(ml.optim.Adam { w }):minimize(w:sum()) end, "^Adam with SAM: computes the loss")
    fails(function() local _ = ml.optim.SAM({ w }, { rho = 1 }) end, "^SAM: the optimizer must be a moonlab.Optimizer, got table")
    fails(function() local _ = ml.optim.SAM(ml.optim.Adam { w }, { roh = 1 }) end,
      "^SAM: unknown option 'roh'; did you mean 'rho'%?")
    fails(function() local _ = ml.optim.LBFGS({ w }, { histroy = 1 }) end,
      "^LBFGS: unknown option 'histroy'; did you mean 'history'%?")
  end)

  it("may raise, and then nothing has happened", function()
    for name, make in pairs { LBFGS = ml.optim.LBFGS, GradientFlow = ml.optim.GradientFlow, SGD = ml.optim.SGD,
      SAM = function(p) return ml.optim.SAM(ml.optim.SGD(p)) end } do
      for _, bad in ipairs { 1, 2 } do
        local w, calls = leaf { 2, 1 }, 0
        local opt = make({ w })
        local good, message = pcall(opt.minimize, opt, function()
          calls = calls + 1
          if calls == bad then error "enough" end
          return w:square():sum()
        end)
        if good then
          assert.equal("SGD", name)
        else
          assert.matches("schedules_spec.lua:%d+: enough$", message)
          holds({ 2, 1 }, w, 0)
          assert.equal(0, opt.steps)
          opt:minimize(function() return w:square():sum() end)
          assert.equal(1, opt.steps)
        end
      end
    end
    local w = leaf { 1 }
    fails(function() ml.optim.SGD({ w }):minimize(function() return 3 end) end,
      "^minimize: the function must return the loss, a tensor, got number")
    fails(function() ml.optim.LBFGS({ w }):minimize(function() return w:sum() * (0 / 0) end) end,
      "^LBFGS: the loss where the step begins is %-?nan")
  end)

  it("may use another optimizer inside", function()
    local w, v = leaf { 1 }, leaf { 5 }
    local inner = ml.optim.SGD({ v }, { lr = 0.1 })
    ml.optim.LBFGS({ w }):minimize(function()
      inner:minimize(function() return v:square():sum() end)
      return (w - 2):square():sum()
    end)
    holds({ 2 }, w, 1e-6)
    assert.is_true(v:item() < 5)
  end)

  it("brings logistic regression to its optimum", function()
    local x = ml.randn({ 200, 3 }, { seed = 2, dtype = "f64" })
    local noise = ml.randn({ 200 }, { seed = 3, dtype = "f64" })
    local y = (x:matmul(ml.tensor({ 1, -2, 0.5 }, { dtype = "f64" })) + noise):gt(0):cast "f64"
    local w = leaf { 0, 0, 0 }
    local function loss() return nn.bce_with_logits(x:matmul(w), y) + 1e-2 * w:square():sum() end
    local opt = ml.optim.LBFGS({ w }, { max_iter = 50, tolerance_grad = 1e-10, tolerance_change = 0 })
    opt:minimize(loss)
    -- the optimum is where this is zero
    local gradient = x:transpose():matmul(x:matmul(w:detach()):sigmoid() - y) / 200 + 2e-2 * w:detach()
    assert.is_true(gradient:abs():max():item() < 1e-9)
    local again = ml.optim.SGD({ w }, { lr = 1 })
    local before = loss():item()
    again:minimize(loss)
    assert.is_true(math.abs(loss():item() - before) < 1e-15)
  end)

  it("with a flow reports the time, and keeps it in the state", function()
    local function make()
      local w = leaf { 1, 2 }
      return ml.optim.GradientFlow({ w }, { rtol = 1e-7 }), w
    end
    local opt, w = make()
    local function loss(p) return function() return (p:square() * ml.tensor { 0.5, 3 }):sum() end end
    for _ = 1, 5 do opt:minimize(loss(w)) end
    holds({ math.exp(-opt.time), 2 * math.exp(-6 * opt.time) }, w, 1e-6)
    local state, other, v = opt:state(), make()
    v:detach()[{}] = w:detach()
    other:load_state(state)
    assert.equal(opt.time, other.time)
    for _ = 1, 3 do
      opt:minimize(loss(w))
      other:minimize(loss(v))
    end
    assert.same(w:tolist(), v:tolist())
    state.own = nil
    fails(function() other:load_state(state) end, "^load_state: this is no state of an optimizer: it has no own")
  end)
end)

describe("groups by name", function()
  local model = nn.Sequential { nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1) }

  it("divide all parameters", function()
    local groups = ml.optim.groups(model, { no_decay = { "*.bias" } })
    assert.equal(2, #groups)
    assert.is_nil(groups[1].weight_decay)
    assert.equal(0, groups[2].weight_decay)
    for _, p in ipairs(groups[2].params) do assert.equal(1, p:dim()) end
    local vectors = ml.optim.groups(model, { no_decay = "vectors" })
    assert.same({ 2, 2 }, { #vectors[1].params, #vectors[2].params })
    local w = ml.optim.AdamW(groups, { lr = 1e-3, weight_decay = 0.5 })
    assert.equal(0.5, w.groups[1].weight_decay)
    assert.equal(0, w.groups[2].weight_decay)
  end)

  it("say what they did not find", function()
    fails(function() local _ = ml.optim.groups(model, { no_decay = { "*.bais" } }) end,
      "^optim.groups: no parameter of the model is called %*.bais")
    fails(function() local _ = ml.optim.groups(model, { { names = { "9.*" }, lr = 1 } }) end,
      "^optim.groups: no parameter of the model is called 9.%*")
    fails(function() local _ = ml.optim.groups(model, { nodecay = {} }) end, "^optim.groups: unknown option 'nodecay'")
    fails(function() local _ = ml.optim.groups(model, { {} }) end, "^optim.groups: group 1 needs names")
    fails(function() local _ = ml.optim.groups({}, {}) end, "^optim.groups: takes a model")
  end)
end)

describe("an average of weights", function()
  it("is the weighted, or the plain, mean", function()
    local w = leaf { 0 }
    local ema, swa = ml.optim.ema({ w }, { decay = 0.8 }), ml.optim.swa({ w })
    local want, sum = 0, 0
    for step = 1, 6 do
      w:detach()[{}] = step * step
      want, sum = 0.8 * want + 0.2 * step * step, sum + step * step
      ema:update()
      swa:update()
    end
    do
      local _ <close> = ema:swapped()
      holds({ want }, w, 1e-12)
      fails(function() ema:swapped() end, "^swapped: the average is in the model already")
    end
    holds({ 36 }, w, 0)
    local state = swa:state()
    holds({ sum / 6 }, swa:copy_to() and w, 1e-12)
    local other = ml.optim.swa({ leaf { 5 } }):load_state(state)
    assert.equal(6, other.updates)
    fails(function() other:load_state({ updates = 1, values = {} }) end,
      "^load_state: this is the average of 0 parameters, not of 1")
    fails(function() local _ = ml.optim.ema({ w }, { decay = 2 }) end, "^ema: decay must be in %[0, 1%], got 2")
  end)

  it("needs statistics of its own: the mean over batches, whatever the momentum", function()
    for _, momentum in ipairs { 0.1, 0.5 } do
      local model = nn.Sequential { nn.Linear(3, 4), nn.BatchNorm1d(4, { momentum = momentum }), nn.ReLU() }
      model:eval()
      local batches, mean = {}, 0
      for i = 1, 5 do
        batches[i] = ml.randn({ 16, 3 }, { seed = i }) + i
        mean = mean + model[1](batches[i]):mean(1):detach() / 5
      end
      ml.optim.update_statistics(model, batches)
      for name, b in model:named_buffers() do
        if name:match "mean$" then holds(mean:tolist(), b, 1e-4) end
        if name:match "var$" then
          local var = 0
          for _, x in ipairs(batches) do var = var + model[1](x):detach():var { dims = { 1 } } / 5 end
          holds(var:tolist(), b, 1e-4)
        end
      end
      assert.is_false(model:training())
      assert.is_false(model[2]:training())
    end
    fails(function() ml.optim.update_statistics(nn.Linear(1, 1), {}) end, "^update_statistics: takes a list of inputs")
  end)
end)

describe("the range test", function()
  it("finds the rates that train, and leaves no trace", function()
    local x = ml.randn({ 64, 4 }, { seed = 1, dtype = "f64" })
    local y = x:matmul(ml.tensor({ 1, 2, -1, 0.5 }, { dtype = "f64" })):reshape(64, 1)
    local w = ml.zeros({ 4, 1 }, { dtype = "f64" }):requires_grad_()
    local function loss() return nn.mse(x:matmul(w) + ml.randn({ 64, 1 }, { dtype = "f64" }) * 1e-3, y) end
    ml.seed(4)
    local range = ml.optim.lr_range({ w }, loss, { low = 1e-4, high = 100 })
    local after = ml.rand { 2 }
    ml.seed(4)
    assert.same(ml.rand({ 2 }):tolist(), after:tolist())
    holds(ml.zeros({ 4, 1 }):tolist(), w, 0)
    assert.is_nil(w.grad)
    assert.is_true(range.diverged)
    assert.equal(#range.lr, #range.loss)
    -- a quadratic diverges at 2 / (largest curvature); the suggestion is below, and not uselessly small
    local curvature = ml.linalg.eigh(x:transpose():matmul(x) * (2 / 64)):max():item()
    assert.is_true(range.suggestion < 2 / curvature and range.suggestion > 1e-2 / curvature, tostring(range.suggestion))
    local opt = ml.optim.SGD({ w }, { lr = range.suggestion })
    local before = loss():item()
    for _ = 1, 50 do opt:minimize(loss()) end
    assert.is_true(loss():item() < before / 10)
  end)

  it("says what is wrong", function()
    local w = leaf { 1 }
    fails(function() local _ = ml.optim.lr_range({ w }) end, "^lr_range: needs a function that returns the loss, got nil")
    fails(function() local _ = ml.optim.lr_range({ w }, function() return 1 end) end,
      "^lr_range: the function must return the loss, a tensor")
    fails(function() local _ = ml.optim.lr_range({ w }, print, { low = 2 }) end, "^lr_range: needs 0 < low < high")
    holds({ 1 }, w, 0)
  end)
end)
