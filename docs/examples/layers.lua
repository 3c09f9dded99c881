--- Module
local model = nn.Sequential { nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1) }
print(model)
--> Sequential
-->   1  Linear(2 -> 3)   9  weight (3, 2)  bias (3)
-->   2  ReLU
-->   3  Linear(3 -> 1)   4  weight (1, 3)  bias (1)
-->      in all          13
print(#model, model[1]:kind(), model[1]:describe())  --> 3  Linear  Linear(2 -> 3)
for name, p in model:named_parameters() do print(name, table.concat(p.shape, " x ")) end
--> 1.weight  3 x 2
--> 1.bias  3
--> 3.weight  1 x 3
--> 3.bias  1
print(#model:parameters())  --> 4

--- Module:apply
local layer = nn.Linear(2, 1)
local weights = { ml.tensor { { 1., 2. } }, ml.tensor { 0.5 } }
print(layer:apply(weights, ml.tensor { { 1., 1. } }))  --> [[3.5]]  f32 (1, 1)

--- nn.Linear
local layer = nn.Linear(3, 2, { bias_init = "zeros" })
print(layer(ml.zeros { 1, 3 }))  --> [[0., 0.]]  f32 (1, 2) recorded

--- nn.Embedding
local layer = nn.Embedding(10, 4)
print(table.concat(layer(ml.tensor { 1, 10 }).shape, ", "))  --> 2, 4

--- nn.Flatten
print(table.concat(nn.Flatten()(ml.zeros { 5, 2, 3 }).shape, ", "))  --> 5, 6

--- nn.Sequential
local model = nn.Sequential { nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1) }
print(table.concat(model(ml.zeros { 5, 2 }).shape, ", "))  --> 5, 1

--- nn.ReLU
print(nn.ReLU()(ml.tensor { -1., 2. }))  --> [0., 2.]  f32 (2)

--- nn.Tanh
print(nn.Tanh()(ml.tensor { 0., 1. }))  --> [0.0000, 0.7616]  f32 (2)

--- nn.Sigmoid
print(nn.Sigmoid()(ml.tensor { 0., 1. }))  --> [0.5000, 0.7311]  f32 (2)

--- nn.Softplus
print(nn.Softplus()(ml.tensor { 0., 1. }))  --> [0.6931, 1.3133]  f32 (2)

--- nn.Sin
print(nn.Sin()(ml.tensor { 0., 1. }))  --> [0.0000, 0.8415]  f32 (2)

--- nn.Cos
print(nn.Cos()(ml.tensor { 0., 1. }))  --> [1.0000, 0.5403]  f32 (2)

--- nn.Erf
print(nn.Erf()(ml.tensor { 0., 1. }))  --> [0.0000, 0.8427]  f32 (2)

--- nn.Exp
print(nn.Exp()(ml.tensor { 0., 1. }))  --> [1.0000, 2.7183]  f32 (2)

--- nn.Abs
print(nn.Abs()(ml.tensor { -2., 1. }))  --> [2., 1.]  f32 (2)

--- nn.Square
print(nn.Square()(ml.tensor { -2., 1. }))  --> [4., 1.]  f32 (2)

--- nn.cross_entropy
print(nn.cross_entropy(ml.tensor { { 2., 0. }, { 0., 2. } }, ml.tensor { 1, 1 }))  --> 1.1269  f32 ()

--- nn.mse
print(nn.mse(ml.tensor { 1., 2. }, ml.tensor { 0., 0. }))  --> 2.5  f32 ()

--- Module:state
local model = nn.Linear(2, 1)
for name, t in pairs(model:state()) do if name == "bias" then print(name, #t) end end  --> bias  1

--- Module:load_state
local model, other = nn.Linear(2, 1), nn.Linear(2, 1)
other:load_state(model:state())
print(other.weight:eq(model.weight):all())  --> true  bool ()
