--- ml.probe.linear
local labels = ml.randint(1, 3, { 600 }, { seed = 1 })
local x = ml.randn({ 600, 8 }, { seed = 2 }) + 2 * labels:one_hot(8)
local train, test = { x = x[{ { 1, 400 } }], y = labels[{ { 1, 400 } }] }, { x = x[{ { 401, 600 } }], y = labels[{ { 401, 600 } }] }
local probe = ml.probe.linear(nil, train)                     -- of the inputs themselves
print(("%.2f %.2f"):format(probe:accuracy(test), probe.loo_accuracy))  --> 0.87 0.84

local model = nn.Sequential { nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3) }
local layer = ml.probe.linear(model, train, { layer = 2 })    -- of what an untrained layer makes of them
print(layer.weight.shape[2])  --> 32

--- Probe
local x = ml.randn({ 50, 3 }, { seed = 1 })
local set = { x = x, y = x:matmul(ml.tensor { 1., -2., 0.5 }) + 3 }   -- numbers: a regression
local probe = ml.probe.linear(nil, set, { penalty = 1e-6, standardise = false })
print(probe.weight, probe.bias)  --> [[ 1.0, -2.0,  0.5]]  f64 (1, 3)  [3.0]  f64 (1)
print(("%.6f"):format(probe:r2(set)), probe:predict(x).shape[1], probe:scores(x).shape[2])  --> 1.000000  50  1
print(probe:features(x).dtype)  --> f64
local signs = ml.probe.linear(nil, { x = x, y = set.y:gt(3):cast "i64" + 1 })  -- labels: a classifier
print(("%.2f"):format(signs:accuracy { x = x, y = set.y:gt(3):cast "i64" + 1 }))  --> 0.98

--- ml.probe.features.relu
local phi = ml.probe.features.relu { inputs = 2, n = 20000, seed = 1 }
local a = phi(ml.tensor { { 1., 0. }, { 0., 1. } })
print(phi)  --> random ReLU features (2 -> 20000)
print((a:matmul(a:transpose()) * 100):round() / 100)  -- the arc-cosine kernel: 1/2 and 1/(2 pi)
--> [[0.50, 0.16],
-->  [0.16, 0.50]]  f32 (2, 2)

--- ml.probe.features.fourier
local phi = ml.probe.features.fourier { inputs = 2, n = 20000, scale = 1, seed = 1 }
local a = phi(ml.tensor { { 1., 0. }, { 0., 1. } })
print((a:matmul(a:transpose()) * 100):round() / 100)  -- exp(-|x - y|^2 / 2)
--> [[1.00, 0.36],
-->  [0.36, 1.00]]  f32 (2, 2)

--- ml.probe.features.conv
local phi = ml.probe.features.conv { filters = 32, kernel = 5, pool = 6, seed = 1 }
print(phi(ml.randn { 10, 1, 28, 28 }).shape[2])  --> 512
