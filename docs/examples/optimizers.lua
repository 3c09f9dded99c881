--- Optimizer
local w = ml.tensor({ 1., 2. }, { requires_grad = true })
local opt = ml.optim.SGD({ w }, { lr = 0.1 })
opt:minimize(w:square():sum())
print(w, opt.steps)  --> [0.8, 1.6]  f32 (2) recorded  1
opt:zero_grad()
w:square():sum():backward()
opt:step()
opt:set_schedule(function(step) return 0.5 ^ step end)
print(w, opt.kind)  --> [0.64, 1.28]  f32 (2) recorded  SGD

--- Optimizer:state
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.SGD({ w }, { lr = 0.1, momentum = 0.9 })
opt:minimize(w:square():sum())
local state = opt:state()
print(state.kind, state.steps, state.parameters[1].momentum)  --> SGD  1  [2.]  f32 (1)

--- Optimizer:load_state
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.SGD({ w }, { lr = 0.1, momentum = 0.9 })
local state = opt:state()
opt:minimize(w:square():sum())
print(opt:load_state(state).steps)  --> 0

--- ml.optim.SGD
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.SGD({ w }, { lr = 0.1, momentum = 0.9 })
for _ = 1, 3 do opt:minimize(w:square():sum()) end
print(w)  --> [0.062]  f32 (1) recorded

--- ml.optim.Adam
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.Adam({ w }, { lr = 0.1 })
for _ = 1, 3 do opt:minimize(w:square():sum()) end
print(w)  --> [0.7016]  f32 (1) recorded

--- ml.optim.AdamW
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.AdamW({ w }, { lr = 0.1, weight_decay = 1 })
for _ = 1, 3 do opt:minimize(w:square():sum()) end
print(w)  --> [0.4625]  f32 (1) recorded
-- Groups of parameters: the second without decay, and slower.
local b = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.AdamW({ { params = { w } }, { params = { b }, weight_decay = 0, lr_scale = 0.1 } }, { lr = 1e-2 })
print(opt.groups[1].lr, opt.groups[2].lr, opt.groups[2].weight_decay)  --> 0.01  0.001  0.0

--- ml.optim.RMSprop
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.RMSprop({ w }, { lr = 0.01, centered = true, momentum = 0.5 })
for _ = 1, 3 do opt:minimize(w:square():sum()) end
print(w)  --> [0.6712]  f32 (1) recorded

--- ml.optim.Adagrad
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.Adagrad({ w }, { lr = 0.1 })
for _ = 1, 3 do opt:minimize(w:square():sum()) end
print(w)  --> [0.7805]  f32 (1) recorded

--- ml.optim.Lion
local w = ml.tensor({ 1. }, { requires_grad = true })
local opt = ml.optim.Lion({ w }, { lr = 0.1 })
for _ = 1, 3 do opt:minimize(w:square():sum()) end
print(w)  --> [0.7]  f32 (1) recorded

--- ml.optim.Muon
local model = nn.Linear(2, 2)
local opt = ml.optim.Muon(model:parameters(), { lr = 0.02, adam_lr = 1e-3 })
opt:minimize(nn.mse(model(ml.eye(2)), ml.eye(2)))
print(#opt.groups, opt.groups[1].kind, opt.groups[2].kind, opt.groups[2].lr)  --> 2  Muon  AdamW  0.001

--- ml.optim.LBFGS
local w = ml.tensor({ -1.2, 1. }, { dtype = "f64", requires_grad = true })
local opt = ml.optim.LBFGS({ w }, { max_iter = 100 })
local _, first = opt:minimize(function()
  local a, b = w[1], w[2]
  return (1 - a):square() + 100 * (b - a:square()):square()
end)
print(first, (w - 1):abs():max():item() < 1e-4)  --> 24.2  true

--- ml.optim.GradientFlow
local w = ml.tensor({ 1., 1. }, { dtype = "f64", requires_grad = true })
local opt = ml.optim.GradientFlow({ w }, { span = 0.5, rtol = 1e-8 })
for _ = 1, 2 do opt:minimize(function() return (w:square() * ml.tensor { 0.5, 1. }):sum() end) end
print(opt.time, w:tolist()[1] - math.exp(-1) < 1e-6, w:tolist()[2] - math.exp(-2) < 1e-6)  --> 1.0  true  true

--- ml.optim.SAM
local w = ml.tensor({ 3., 4. }, { requires_grad = true })
local opt = ml.optim.SAM(ml.optim.SGD({ w }, { lr = 0.1 }), { rho = 0.5 })
opt:minimize(function() return w:square():sum() / 2 end)
print(w)  --> [2.67, 3.56]  f32 (2) recorded

--- ml.optim.clip_grad_norm
local w = ml.tensor({ 3., 4. }, { requires_grad = true })
w:square():sum():backward()
print(ml.optim.clip_grad_norm({ w }, 1), w.grad)  --> 10.  f64 ()  [0.6, 0.8]  f32 (2)

--- ml.optim.clip_grad_value
local w = ml.tensor({ 3., -4. }, { requires_grad = true })
w:square():sum():backward()
ml.optim.clip_grad_value({ w }, 3.5)
print(w.grad)  --> [ 3.5, -3.5]  f32 (2)

--- ml.optim.groups
local model = nn.Sequential { nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1) }
local groups = ml.optim.groups(model, { no_decay = { "*.bias" }, { names = { "3.weight" }, lr = 1e-4 } })
local opt = ml.optim.AdamW(groups, { lr = 1e-3, weight_decay = 0.1 })
for i, group in ipairs(opt.groups) do print(#groups[i].params, group.lr, group.weight_decay) end
--> 1  0.001  0.1
--> 1  0.0001  0.1
--> 2  0.001  0.0

--- ml.optim.ema
local w = ml.tensor({ 0. }, { requires_grad = true })
local average = ml.optim.ema({ w }, { decay = 0.9 })
w:detach()[{}] = 1
print(average:update().updates, average:copy_to() and w)  --> 1  [0.1]  f32 (1) recorded

--- ml.optim.swa
local w = ml.tensor({ 0. }, { requires_grad = true })
local average = ml.optim.swa({ w })
for value = 1, 3 do
  w:detach()[{}] = value
  average:update()
end
average:copy_to()
print(w)  --> [2.]  f32 (1) recorded

--- WeightAverage
local w = ml.tensor({ 2. }, { requires_grad = true })
local average = ml.optim.ema({ w }, { decay = 0.5 })
w:detach()[{}] = 4
average:update()
do
  local _ <close> = average:swapped()
  print("inside", w)  --> inside  [3.]  f32 (1) recorded
end
local kept = average:state()
average:load_state(kept):copy_to()
print(w)  --> [3.]  f32 (1) recorded

--- ml.optim.update_statistics
local model = nn.Sequential { nn.BatchNorm1d(1) }
ml.optim.update_statistics(model, { ml.tensor { { 0. }, { 2. } }, ml.tensor { { 2. }, { 4. } } })
for name, b in model:named_buffers() do print(name, b) end
--> 1.running_mean  [2.0]  f32 (1)
--> 1.running_var  [2.0]  f32 (1)

--- ml.optim.lr_range
local model = nn.Linear(4, 1)
local x = ml.randn({ 64, 4 }, { seed = 1 })
local range = ml.optim.lr_range(model, function() return nn.mse(model(x), x:sum(2):reshape(64, 1)) end, { high = 100 })
print(range.diverged, range.suggestion > 1e-3 and range.suggestion < 1, range.lowest > range.suggestion)  --> true  true  true

--- ml.optim.schedule.constant
local f = ml.optim.schedule.constant { warmup = 3 }
print(f(0), f(2), f(3))  --> 0.25  0.75  1

--- ml.optim.schedule.cosine
local f = ml.optim.schedule.cosine { steps = 100, warmup = 10, final = 0.1 }
print(f(0), f(10), f(55), f(100))  --> 0.090909090909091  1.0  0.55  0.1

--- ml.optim.schedule.linear
local f = ml.optim.schedule.linear { steps = 100 }
print(f(0), f(25), f(100))  --> 1.0  0.75  0.0

--- ml.optim.schedule.polynomial
local f = ml.optim.schedule.polynomial { steps = 100, power = 2 }
print(f(0), f(50), f(100))  --> 1.0  0.25  0.0

--- ml.optim.schedule.exponential
local f = ml.optim.schedule.exponential { gamma = 0.5 }
print(f(0), f(1), f(2))  --> 1.0  0.5  0.25

--- ml.optim.schedule.step
local f = ml.optim.schedule.step { every = 30 }
print(f(0), f(29), f(30))  --> 1.0  1.0  0.1

--- ml.optim.schedule.multistep
local f = ml.optim.schedule.multistep { at = { 10, 20 }, gamma = 0.5 }
print(f(9), f(10), f(20))  --> 1.0  0.5  0.25

--- ml.optim.schedule.one_cycle
local f = ml.optim.schedule.one_cycle { steps = 100 }
print(f(0), f(29), f(99))  --> 0.04  1.0  4e-06
