--- Tensor
local x = ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
print(x[2])  --> [4, 5, 6]  i64 (3)
print(x[{ 1, 3 }])  --> 3  i64 ()
print(x[{ {}, { 2, 3 } }])
--> [[2, 3],
-->  [5, 6]]  i64 (2, 2)
print(x[ml.tensor { 2, 1 }])
--> [[4, 5, 6],
-->  [1, 2, 3]]  i64 (2, 3)
print(x[x:gt(4)], x[{ {}, ml.tensor { true, false, true } }])
--> [5, 6]  i64 (2)  [[1, 3],
-->  [4, 6]]  i64 (2, 2)
x[{ 1, 1 }] = 10
x[x:lt(4)] = 0
print(x, #x, x.dtype)
--> [[10,  0,  0],
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

--- Tensor:split
for _, piece in ipairs(ml.arange(5):split(2)) do print(piece) end
--> [1, 2]  i64 (2)
--> [3, 4]  i64 (2)
--> [5]  i64 (1)
print(#ml.zeros { 4, 6 }:split({ 1, 5 }, 2))  --> 2

--- Tensor:chunk
for _, piece in ipairs(ml.arange(5):chunk(2)) do print(piece) end
--> [1, 2, 3]  i64 (3)
--> [4, 5]  i64 (2)

--- Tensor:unbind
local first, second = table.unpack(ml.tensor { { 1, 2 }, { 3, 4 } }:unbind(2))
print(first, second)  --> [1, 3]  i64 (2)  [2, 4]  i64 (2)

--- Tensor:sort
local values, positions = ml.tensor { { 3, 1, 2 }, { 4, 6, 5 } }:sort(2, true)
print(values)
--> [[3, 2, 1],
-->  [6, 5, 4]]  i64 (2, 3)
print(positions)
--> [[1, 3, 2],
-->  [2, 3, 1]]  i64 (2, 3)

--- Tensor:topk
local values, positions = ml.tensor { 3, 1, 4, 1, 5 }:topk(2)
print(values, positions)  --> [5, 4]  i64 (2)  [5, 3]  i64 (2)

--- Tensor:tensordot
local x, y = ml.ones { 2, 3, 4 }, ml.ones { 4, 3, 5 }
print(table.concat(x:tensordot(y, 1).shape, ", "))  --> 2, 3, 3, 5
print(table.concat(x:tensordot(y, { { 2, 3 }, { 2, 1 } }).shape, ", "))  --> 2, 5

--- Tensor:unique
local values, counts, positions = ml.tensor { 30, 10, 30, 20 }:unique()
print(values, counts)  --> [10, 20, 30]  i64 (3)  [1, 1, 2]  i64 (3)
print(positions)  --> [3, 1, 3, 2]  i64 (4)

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

--- ml.meshgrid
local x, y = table.unpack(ml.meshgrid(ml.tensor { 1, 2 }, ml.tensor { 10, 20, 30 }))
print(x + y)
--> [[11, 21, 31],
-->  [12, 22, 32]]  i64 (2, 3)

--- ml.zeros_like
print(ml.zeros_like(ml.tensor { 1, 2 }))  --> [0, 0]  i64 (2)

--- ml.ones_like
print(ml.ones_like(ml.tensor { 1, 2 }, { dtype = "f64" }))  --> [1., 1.]  f64 (2)

--- ml.full_like
print(ml.full_like(ml.tensor { 1, 2 }, 7))  --> [7, 7]  i64 (2)

--- ml.rand_like
print(ml.rand_like(ml.zeros { 2, 2 }, { low = 5, high = 6, seed = 1 }))
--> [[5.8903, 5.5857],
-->  [5.6720, 5.4756]]  f32 (2, 2)

--- ml.randn_like
print(ml.randn_like(ml.zeros { 3 }, { seed = 1 }))  --> [-1.8046, -1.0784, -1.4756]  f32 (3)

--- ml.bernoulli
print(ml.bernoulli(0.5, { 6 }, { seed = 2 }))  --> [1., 0., 1., 0., 0., 0.]  f32 (6)
print(ml.bernoulli(ml.tensor { 0., 1. }))  --> [0., 1.]  f32 (2)

--- ml.logspace
print(ml.logspace(0, 3, 4))  --> [   1.,   10.,  100., 1000.]  f32 (4)
print(ml.logspace(1, 4, 4, { base = 2 }))  --> [ 2.,  4.,  8., 16.]  f32 (4)

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
