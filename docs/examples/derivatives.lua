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
