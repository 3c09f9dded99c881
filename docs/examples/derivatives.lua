--- ml.autograd.grad
local x = ml.tensor({ 1., 2. }, { requires_grad = true })
local slope = ml.autograd.grad((x ^ 3):sum(), x, { create_graph = true })
print(slope)  --> [ 3., 12.]  f32 (2) recorded
print(ml.autograd.grad(slope:sum(), x))  --> [ 6., 12.]  f32 (2)

--- ml.autograd.recording
print(ml.autograd.recording())  --> true

--- ml.tree.flatten
local leaves, structure = ml.tree.flatten { w = { ml.ones { 2 }, ml.zeros { 1 } }, scale = ml.tensor(3.) }
print(#leaves, leaves[1])  --> 3  3.  f32 ()
print(ml.tree.unflatten(leaves, structure).w[2])  --> [0.]  f32 (1)

--- ml.tree.unflatten
local leaves, structure = ml.tree.flatten { a = ml.tensor { 1. }, b = ml.tensor { 2. } }
print(ml.tree.unflatten({ leaves[2], leaves[1] }, structure).a)  --> [2.]  f32 (1)

--- ml.tree.paths
print(table.concat(ml.tree.paths { layer = { w = ml.ones { 2 }, b = ml.ones {} }, ml.ones {} }, ", "))
--> 1, layer.b, layer.w

--- ml.tree.map
local params = { w = ml.tensor { 1., 2. }, b = ml.tensor(3.) }
local half = ml.tree.map(function(t) return t * 0.5 end, params)
print(half.w, half.b)  --> [0.5, 1.0]  f32 (2)  1.5  f32 ()

--- ml.tree.dot
print(ml.tree.dot({ ml.tensor { 1., 2. }, ml.tensor(3.) }, { ml.tensor { 1., 1. }, ml.tensor(2.) }))  --> 9.  f32 ()

--- ml.tree.norm
print(ml.tree.norm { ml.tensor { 3. }, { ml.tensor { 4. } } })  --> 5.  f32 ()

--- ml.tree.add
print(ml.tree.add({ w = ml.tensor { 1., 2. } }, { w = ml.tensor { 10., 20. } }, 0.1).w)  --> [2., 4.]  f32 (2)

--- ml.tree.sub
print(ml.tree.sub({ w = ml.tensor { 1., 2. } }, { w = ml.tensor { 1., 1. } }).w)  --> [0., 1.]  f32 (2)

--- ml.tree.scale
print(ml.tree.scale({ w = ml.tensor { 1., 2. } }, 3).w)  --> [3., 6.]  f32 (2)

--- ml.tree.zeros_like
print(ml.tree.zeros_like({ w = ml.tensor { 1., 2. } }).w)  --> [0., 0.]  f32 (2)

--- ml.tree.randn_like
print(ml.tree.randn_like({ w = ml.zeros { 2 }, b = ml.zeros {} }, { seed = 1 }).w)  --> [-1.0784, -1.4756]  f32 (2)

--- ml.tree.numel
print(ml.tree.numel { ml.zeros { 2, 3 }, ml.zeros {} })  --> 7

--- ml.tree.ravel
local vector, unravel = ml.tree.ravel { w = ml.tensor { { 1., 2. } }, b = ml.tensor(3.) }
print(vector)  --> [3., 1., 2.]  f32 (3)
print(unravel(vector * 2).w)  --> [[2., 4.]]  f32 (1, 2)

--- ml.grad
local function f(p) return (p.a * p.b ^ 2):sum() end
local p = { a = ml.tensor { 1., 2. }, b = ml.tensor { 3., 4. } }
print(ml.grad(f)(p).a, ml.grad(f)(p).b)  --> [ 9., 16.]  f32 (2)  [ 6., 16.]  f32 (2)
local cube = function(x) return x ^ 3 end
print(ml.grad(ml.grad(cube))(ml.tensor(2.)))  --> 12.  f32 ()

--- ml.value_and_grad
local function f(x) return x:square():sum(), "how it went" end
print(ml.value_and_grad(f, 1, { has_aux = true })(ml.tensor { 3. }))  --> 9.  f32 ()  [6.]  f32 (1)  how it went

--- ml.vjp
local value, pullback = ml.vjp(function(x) return x:square() end, ml.tensor { 1., 2. })
print(value, pullback(ml.tensor { 1., 10. }))  --> [1., 4.]  f32 (2)  [ 2., 40.]  f32 (2)

--- ml.jvp
print(ml.jvp(function(x) return x:square() end, { ml.tensor { 1., 2. } }, { ml.tensor { 1., 0. } }))
--> [1., 4.]  f32 (2)  [2., 0.]  f32 (2)

--- ml.jacobian
print(ml.jacobian(function(x) return x:square() end)(ml.tensor { 1., 2. }))
--> [[2., 0.],
-->  [0., 4.]]  f32 (2, 2)

--- ml.hessian
print(ml.hessian(function(x) return x[1] * x[2] ^ 2 end)(ml.tensor { 1., 3. }))
--> [[0., 6.],
-->  [6., 2.]]  f32 (2, 2)

--- ml.hvp
local function f(x) return x[1] * x[2] ^ 2 end
print(ml.hvp(f, ml.tensor { 1., 3. }, ml.tensor { 1., 0. }))  --> [0., 6.]  f32 (2)

--- ml.stop_gradient
local f = function(x) return x * ml.stop_gradient(x) end
print(ml.grad(f)(ml.tensor(3.)))  --> 3.  f32 ()

--- ml.vmap
local loss = function(w, x, y) return (x:dot(w) - y):square() end
local w, x, y = ml.tensor { 1., 1. }, ml.tensor { { 1., 2. }, { 3., 4. } }, ml.tensor { 1., 2. }
print(ml.vmap(ml.grad(loss), { nil, 1, 1 })(w, x, y)) -- the gradient of each sample
--> [[ 4.,  8.],
-->  [30., 40.]]  f32 (2, 2)

--- ml.replicas
local x = ml.tensor { { -1. }, { 0. }, { 1. } }
local w = ml.replicas({ lr = { 0.1, 0.5 } }, function(h)
  local weight = ml.zeros({ 1, 1 }, { requires_grad = true })
  local opt = ml.optim.SGD({ weight }, { lr = h.lr })
  for _ = 1, 10 do opt:minimize(nn.mse(x:matmul(weight), x * 2)) end
  return weight
end)
print(w:reshape(2))  --> [1.5219, 2.0000]  f32 (2)

--- ml.checkpoint
local function block(h, w)
  for _ = 1, 10 do h = h:matmul(w):tanh() end
  return h
end
local w = ml.eye(2)
print(ml.grad(function(p) return ml.checkpoint(block, ml.ones { 1, 2 }, p):sum() end)(w))
--> [[1.8452, 1.8452],
-->  [1.8452, 1.8452]]  f32 (2, 2)
