--- ml.linalg.eigh
local w, v = ml.linalg.eigh(ml.tensor { { 2., 1. }, { 1., 2. } })
print(w)  --> [1., 3.]  f32 (2)
print(v)
--> [[ 0.7071,  0.7071],
-->  [-0.7071,  0.7071]]  f32 (2, 2)

--- ml.linalg.svd
local u, s, v = ml.linalg.svd(ml.tensor { { 3., 0. }, { 0., 2. }, { 0., 0. } })
print(s, (u * s):matmul(v:transpose())[2])  --> [3., 2.]  f32 (2)  [0., 2.]  f32 (2)

--- ml.linalg.qr
local q, r = ml.linalg.qr(ml.tensor { { 3., 1. }, { 4., 3. } })
print(r)
--> [[5., 3.],
-->  [0., 1.]]  f32 (2, 2)

--- ml.linalg.slogdet
local sign, logarithm = ml.linalg.slogdet(ml.tensor { { 0., 2. }, { 3., 0. } })
print(sign, logarithm)  --> -1.  f32 ()  1.7918  f32 ()

--- ml.linalg.lanczos
local a = ml.tensor { { 2., 1., 0. }, { 1., 2., 1. }, { 0., 1., 2. } }
print(ml.linalg.lanczos(function(v) return a:matmul(v) end, ml.zeros { 3 }, { k = 2 }))
--> [2.0000, 3.4142]  f64 (2)  [0., 0.]  f64 (2)
-- the same with a Hessian that nobody writes down:
local loss = function(p) return (p.w ^ 2 * ml.tensor { 1., 2. }):sum() + p.b ^ 2 * 5 end
local params = { w = ml.ones { 2 }, b = ml.tensor(1.) }
print(ml.linalg.lanczos(function(v) return ml.hvp(loss, params, v) end, params, { k = 1 }))
--> [10.0]  f64 (1)  [0.]  f64 (1)

--- ml.linalg.power_iteration
local a = ml.tensor { { 2., 1. }, { 1., 2. } }
print((ml.linalg.power_iteration(function(v) return a:matmul(v) end, ml.zeros { 2 })))  --> 3.0000000329499

--- ml.linalg.spectral_density
local a = ml.tensor { 1., 1., 1., 3. } -- the diagonal of a matrix
local points, density = ml.linalg.spectral_density(function(v) return a * v end, ml.zeros { 4 }, { points = 5, sigma = 0.5 })
print(#points, #density)  --> 5  5

--- ml.fft.power
local turns = ml.arange(0, 7) * (2 * math.pi / 8)
print(ml.fft.power((2 * turns):cos()):round())  --> [ 0.,  0., 16.,  0.,  0.]  f32 (5)

--- ml.fft.rfft
print(ml.fft.rfft(ml.tensor { 1., 2., 3., 4. }))
--> [[ 1.0000e+01,  0.0000e+00],
-->  [-2.0000e+00,  2.0000e+00],
-->  [-2.0000e+00, -7.3479e-16]]  f32 (3, 2)

--- ml.fft.irfft
print(ml.fft.irfft(ml.fft.rfft(ml.tensor { 1., 2., 3., 4. }), 4))  --> [1., 2., 3., 4.]  f32 (4)

--- ml.stats.mean
print(ml.stats.mean { 1, 2, 6 })  --> 3.0

--- ml.stats.std
print(ml.stats.std { 2, 4, 4, 4, 5, 5, 7, 9 })  --> 2.1380899352994

--- ml.stats.pearson
print(ml.stats.pearson({ 1, 2, 3, 4 }, { 2, 4, 6, 9 }))  --> 0.99437671268437  0.0056232873156312

--- ml.stats.ranks
print(ml.stats.ranks { 10, 30, 30, 20 })  --> [1.0, 3.5, 3.5, 2.0]  f64 (4)

--- ml.stats.spearman
print(ml.stats.spearman({ 1, 2, 3, 4 }, { 1, 9, 4, 16 }))  --> 0.8  0.2

--- ml.stats.kendall
print(ml.stats.kendall({ 1, 2, 3, 4 }, { 1, 3, 2, 4 }))  --> 0.66666666666667

--- ml.stats.bootstrap
local interval = ml.stats.bootstrap(ml.arange(20), ml.stats.mean, { seed = 1 })
print(interval.low < 10.5, 10.5 < interval.high)  --> true  true

--- ml.stats.regression
local fit = ml.stats.regression(ml.tensor { { 0. }, { 1. }, { 2. } }, ml.tensor { 1., 3., 5. })
print(fit.r2)  --> 1.0

--- ml.stats.pca
local p = ml.stats.pca(ml.tensor { { -1., -1. }, { 0., 0. }, { 1., 1. } }, 1)
print(p.components)  --> [[0.7071, 0.7071]]  f64 (1, 2)

--- ml.stats.cdist
print(ml.stats.cdist(ml.tensor { { 0., 0. } }, ml.tensor { { 3., 4. }, { 0., 1. } }))  --> [[5., 1.]]  f32 (1, 2)
