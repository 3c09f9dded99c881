--- ml.autograd.grad
local x = ml.tensor({ 1., 2. }, { requires_grad = true })
local slope = ml.autograd.grad((x ^ 3):sum(), x, { create_graph = true })
print(slope)  --> [ 3., 12.]  f32 (2) recorded
print(ml.autograd.grad(slope:sum(), x))  --> [ 6., 12.]  f32 (2)

--- ml.autograd.recording
print(ml.autograd.recording())  --> true
