--- Tensor
local x = ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
print(x[2])  --> [4, 5, 6]  i64 (3)
print(x[{ 1, 3 }])  --> 3  i64 ()
print(x[{ {}, { 2, 3 } }])
--> [[2, 3],
-->  [5, 6]]  i64 (2, 2)
x[{ 1, 1 }] = 10
print(x, #x, x.dtype)
--> [[10,  2,  3],
-->  [ 4,  5,  6]]  i64 (2, 3)  2  i64

--- Tensor:item
print(ml.tensor { 2, 3 }:sum():item() + 1)  --> 6

--- Tensor:tolist
print(ml.tensor { { 1, 2 }, { 3, 4 } }:tolist()[2][1])  --> 3

--- Tensor:size
local x = ml.zeros { 2, 5 }
print(x:size(2), x.shape[1])  --> 5  2

--- Tensor:numel
print(ml.zeros { 2, 5 }:numel())  --> 10

--- Tensor:dim
print(ml.zeros { 2, 5 }:dim())  --> 2

--- Tensor:clone
local x = ml.zeros { 2 }
local y = x:clone()
y[1] = 7
print(x, y)  --> [0., 0.]  f32 (2)  [7., 0.]  f32 (2)

--- Tensor:detach
local x = ml.ones({ 2 }, { requires_grad = true })
local y = x * x:detach()
y:sum():backward()
print(x.grad, x:detach().requires_grad)  --> [1., 1.]  f32 (2)  false

--- Tensor:backward
local x = ml.tensor({ 1., 2. }, { requires_grad = true })
x:square():sum():backward()
print(x.grad)  --> [2., 4.]  f32 (2)

--- Tensor:requires_grad_
local x = ml.tensor { 3. }:requires_grad_()
x:square():sum():backward()
print(x.grad)  --> [6.]  f32 (1)

--- Tensor:zero_grad
local x = ml.tensor({ 3. }, { requires_grad = true })
x:square():sum():backward()
print(x:zero_grad().grad)  --> nil

--- ml.zeros
print(ml.zeros { 2, 3 })
--> [[0., 0., 0.],
-->  [0., 0., 0.]]  f32 (2, 3)
print(ml.zeros({ 2 }, { dtype = "i64" }))  --> [0, 0]  i64 (2)

--- ml.ones
print(ml.ones { 2 })  --> [1., 1.]  f32 (2)

--- ml.full
print(ml.full({ 2, 2 }, 0.5))
--> [[0.5, 0.5],
-->  [0.5, 0.5]]  f32 (2, 2)

--- ml.rand
print(ml.rand({ 3 }, { seed = 1 }))  --> [0.8903, 0.5857, 0.6720]  f32 (3)

--- ml.randn
print(ml.randn({ 3 }, { seed = 1 }))  --> [-1.8046, -1.0784, -1.4756]  f32 (3)

--- ml.randint
print(ml.randint(1, 6, { 5 }, { seed = 1 }))  --> [6, 5, 2, 5, 2]  i64 (5)

--- ml.randperm
print(ml.randperm(5, { seed = 1 }))  --> [3, 5, 1, 4, 2]  i64 (5)

--- ml.arange
print(ml.arange(4))  --> [1, 2, 3, 4]  i64 (4)
print(ml.arange(0, 1, 0.25))  --> [0.00, 0.25, 0.50, 0.75, 1.00]  f32 (5)

--- ml.linspace
print(ml.linspace(0, 1, 5))  --> [0.00, 0.25, 0.50, 0.75, 1.00]  f32 (5)

--- ml.eye
print(ml.eye(2))
--> [[1., 0.],
-->  [0., 1.]]  f32 (2, 2)

--- ml.tensor
print(ml.tensor { { 1, 2 }, { 3, 4 } })
--> [[1, 2],
-->  [3, 4]]  i64 (2, 2)
print(ml.tensor({ 1, 2 }, { dtype = "f64" }))  --> [1., 2.]  f64 (2)
print(ml.tensor(0.5))  --> 0.5  f32 ()

--- ml.is_tensor
print(ml.is_tensor(ml.zeros {}), ml.is_tensor(1))  --> true  false

--- ml.seed
ml.seed(7)
local first = ml.rand { 2 }
ml.seed(7)
print(ml.rand { 2 }:eq(first))  --> [true, true]  bool (2)

--- ml.threads
print(ml.threads() >= 1)  --> true

--- ml.clock
local began = ml.clock()
print(ml.clock() >= began)  --> true

--- ml.memory
local x = ml.zeros { 1000, 1000 } -- 4 bytes each
print(ml.memory().live >= 4e6, #x)  --> true  1000

--- ml.ops
local op = ml.ops()[1]
print(op.name, op.doc, op.inputs, #op.options)  --> neg  -x  1  0

--- ml.detect_anomaly
local was = ml.detect_anomaly(true)
print(pcall(function() return ml.tensor { 0. }:log() end))
--> false  example:2: log: the operation made an infinity: value 1 of 1, shape (1)
ml.detect_anomaly(was)

--- ml.fuse
local function f(z) return (z * 2 + 1):relu() * z - z end
local z = ml.tensor { -1.0, 0.0, 2.0 }
print(f(z), ml.fuse(f)(z))  --> [1., 0., 8.]  f32 (3)  [1., 0., 8.]  f32 (3)

--- ml.no_grad
local w = ml.ones({ 2 }, { requires_grad = true })
print(ml.no_grad(function() return (w * 2).requires_grad end))  --> false

--- ml.accuracy
local function model(x) return x end -- its outputs are its inputs
local data = { x = ml.tensor { { 0.9, 0.1 }, { 0.2, 0.8 }, { 0.7, 0.3 } }, y = ml.tensor { 1, 2, 2 } }
print(ml.accuracy(model, data))  --> 0.66666666666667

--- ml.weight_norm
print(ml.weight_norm { ml.tensor { 3. }, ml.tensor { 4. } })  --> 5.  f32 ()
