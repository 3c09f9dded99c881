--- Optimizer
local w = ml.tensor({ 1., 2. }, { requires_grad = true })
local opt = ml.optim.SGD({ w }, { lr = 0.1 })
opt:minimize(w:square():sum())
print(w, opt.steps)  --> [0.8, 1.6]  f32 (2) recorded  1
opt:zero_grad()
w:square():sum():backward()
opt:step()
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
