--- ml.probe.linear
local labels = ml.randint(1, 3, { 600 }, { seed = 1 })
local x = ml.randn({ 600, 8 }, { seed = 2 }) + 2 * labels:one_hot(8)
local train, test = { x = x[{ { 1, 400 } }], y = labels[{ { 1, 400 } }] }, { x = x[{ { 401, 600 } }], y = labels[{ { 401, 600 } }] }
local probe = ml.probe.linear(nil, train)                     -- of the inputs themselves
print(("%.2f %.2f"):format(probe:accuracy(test), probe.loo_accuracy))  --> 0.87 0.84

local model = nn.Sequential { nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3) }
local layer = ml.probe.linear(model, train, { layer = 2 })    -- of what an untrained layer makes of them
print(layer.weight.shape[2])  --> 32

local logistic = ml.probe.linear(nil, train, { solver = "logistic", penalty = 1e-3 })
print(("%.2f"):format(logistic:accuracy(test)))  --> 0.86

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

--- ml.kernels.ntk
local model = nn.Sequential { nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10) }
local x = ml.randn({ 20, 784 }, { seed = 1 })
print(ml.kernels.ntk(model, x).shape[2])                              --> 20
print(#ml.kernels.ntk(model, x, nil, { outputs = "full" }).shape)     --> 4
local f = function(p, inputs) return inputs:matmul(p.w) end            -- of a function of parameters
local x = ml.tensor { { 1., 2. }, { 3., 4. } }
print(ml.kernels.ntk(f, x, nil, { params = { w = ml.zeros { 2 } } }))  -- linear: x x^T
--> [[ 5., 11.],
-->  [11., 25.]]  f32 (2, 2)

--- ml.kernels.ntk_plan
local model = nn.Sequential { nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5408, 10) }
print(ml.kernels.ntk_plan(model, ml.zeros { 1000, 1, 28, 28 }))
--> tangent kernel 1000 x 1000 of 10 outputs: at most 85.1 MB, in tiles of 256 inputs
-->   1 Conv2d: rows of the Jacobian, 800 numbers an input
-->   4 Linear: product of inputs and derivatives, 5508 numbers an input

--- ml.kernels.infinite
local he  = { "linear", weight_var = 2 }
local net = ml.kernels.infinite { he, "relu", he, "relu", he }
local nngp, ntk = net(ml.tensor { { 1., 0. }, { 0., 1. } })
print(nngp)
--> [[1.0000, 0.4937],
-->  [0.4937, 1.0000]]  f64 (2, 2)
print(ntk)
--> [[3.0000, 0.6857],
-->  [0.6857, 3.0000]]  f64 (2, 2)

--- ml.kernels.conjugate
local phi = ml.probe.features.fourier { inputs = 2, n = 10000, scale = 1, seed = 1 }
local x = ml.tensor { { 0., 0. }, { 1., 1. } }
print((ml.kernels.conjugate(phi, x) * 1e6):round() / 100) -- features are divided by their number once more
--> [[0.99, 0.38],
-->  [0.38, 1.01]]  f64 (2, 2)
local model = nn.Sequential { nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3) }
print(ml.kernels.conjugate(model, x).shape[1])  --> 2

--- ml.kernels.alignment
local y = ml.tensor { { 1. }, { -1. }, { 1. }, { -1. } }
local target = y:matmul(y:transpose())
print(("%.4f %.4f"):format(ml.kernels.alignment(target * 3 + 5, target), ml.kernels.alignment(ml.eye(4), target)))
--> 1.0000 0.5774

--- ml.kernels.spectrum
local s = ml.kernels.spectrum(ml.tensor { { 2., 1., 0. }, { 1., 2., 0. }, { 0., 0., 0. } }, { ridge = 1 })
print(s.values)  --> [3., 1., 0.]  f64 (3)
print(("%.2f %.2f %.2f"):format(s.effective_dim, s.participation, s.effective_rank))  --> 1.25 1.60 1.75

--- ml.kernels.cka
local x = ml.randn({ 100, 20 }, { seed = 1 })
local y = ml.randn({ 100, 30 }, { seed = 2 })
print(("%.3f"):format(ml.kernels.cka(x, 2 * x:flip(2) + 1)))              --> 1.000
print(("%.2f"):format(ml.kernels.cka(x, y)))                              --> 0.21
print(ml.kernels.cka(x, y, { debiased = true }) < 0.05)                   --> true
print(("%.2f"):format(ml.kernels.cka(x, x:relu(), { kernel = "rbf" })))   --> 0.86

--- ml.kernels.layer_cka
local model = nn.Sequential { nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4) }
local similar = ml.kernels.layer_cka(model, nil, ml.randn { 50, 8 })
print(similar:diagonal())  --> [1., 1., 1.]  f64 (3)

--- ml.kernels.regression
local x = ml.linspace(-3, 3, 20)
local function kernel(a, b) return (-(a:unsqueeze(2) - b):square() / 2):exp() end
local fit = ml.kernels.regression(kernel(x, x), x:sin(), { ridge = 1e-4 })
local z = ml.tensor { 0.5, 1.5, 9. }                             -- 9 is far outside
print((fit:predict(kernel(z, x)) * 100):round())                 --> [ 48., 100.,   0.]  f64 (3)
print(fit:variance(kernel(z, x), ml.ones { 3 }):gt(1e-3))        --> [false, false,  true]  bool (3)

--- KernelFit
local labels = ml.tensor { 1, 1, 2, 2 }
local x      = ml.tensor { { 0., 0. }, { 0., 1. }, { 3., 0. }, { 3., 1. } }
local net    = ml.kernels.infinite { { "linear", bias_var = 1 }, "relu", "linear" }
local _, k   = net(x)
local fit    = ml.kernels.regression(k, labels, { ridge = { 1e-3, 1e-2, 0.1 } })
local z      = ml.tensor { { 0.5, 0.5 }, { 2.5, 0. } }
local _, across = net(z, x)
print(fit:predict(across), fit:accuracy(across, ml.tensor { 1, 2 }), fit.loo_accuracy)  --> [1, 2]  i64 (2)  1.0  1.0
local _, own = net(z)
print(fit:scores(across).shape[2], fit:variance(across, own:diagonal()):lt(0.2))        --> 2  [true, true]  bool (2)

--- ml.measures.margins
local outputs = ml.tensor { { 3., 1., 2. }, { 0., 5., 7. } }
print(ml.measures.margins(function(x) return x end, { x = outputs, y = ml.tensor { 1, 2 } }))  --> [ 1., -2.]  f64 (2)

--- ml.measures.sharpness
local x = ml.tensor { { 1., 0. }, { 0., 3. } }                       -- squared error: the Hessian is 2 x^T x / n
local model = nn.Linear(2, 1, { bias = false })
local top = ml.measures.sharpness(model, { x = x, y = ml.zeros { 2, 1 } }, { loss = nn.mse })
print(("%.4f"):format(top))  --> 9.0000

--- ml.measures.fisher_trace
local model = nn.Linear(2, 3, { weight_init = "zeros", bias_init = "zeros" })
local set = { x = ml.tensor { { 1., 1. }, { 3., 0. } }, y = ml.tensor { 1, 3 } }
print(("%.4f"):format(ml.measures.fisher_trace(model, set)))  -- (1 - 1/3) times the mean of |x|^2 + 1
--> 4.3333

--- ml.measures.path_norm
local model = nn.Sequential { nn.Linear(2, 3, { bias = false }), nn.ReLU(), nn.Linear(3, 1, { bias = false }) }
model:load_state { ["1.weight"] = ml.ones { 3, 2 }, ["3.weight"] = ml.full({ 1, 3 }, 2) }
print(("%.4f"):format(ml.measures.path_norm(model, { 2 })))  -- six paths of 2
--> 4.8990

--- ml.measures.norms
local model = nn.Linear(2, 2, { bias = false })
local before = model:state()
model:load_state { weight = ml.tensor { { 3., 0. }, { 0., 4. } } }
local norms = ml.measures.norms(model, { initial = before })
print(norms.frobenius, norms.spectral.weight, norms.stable_rank, norms.distance > 0)  --> 25.0  4.0  1.5625  true

--- ml.measures.effective_rank
local x = ml.tensor { { 1., 0., 0. }, { 0., 1., 0. }, { -1., 0., 0. }, { 0., -1., 0. } }
print(("%.4f"):format(ml.measures.effective_rank(x)))  --> 2.0000
