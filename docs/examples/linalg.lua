--- ml.linalg.eigh
local x = ml.tensor { { 2., 1. }, { 1., 2. } }
local w, v = ml.linalg.eigh(x)
print(w)  --> [1., 3.]  f32 (2)
print((v * w):matmul(v:transpose()):round())
--> [[2., 1.],
-->  [1., 2.]]  f32 (2, 2)

--- ml.linalg.svd
local x = ml.tensor { { 3., 0. }, { 4., 5. } }
local u, s, v = ml.linalg.svd(x)
print(s)  --> [6.7082, 2.2361]  f32 (2)
print(((u * s):matmul(v:transpose()) - x):abs():max():lt(1e-5))  --> true  bool ()

--- ml.linalg.qr
local x = ml.tensor { { 3., 1. }, { 4., 2. } }
local q, r = ml.linalg.qr(x)
print(r)
--> [[5.0, 2.2],
-->  [0.0, 0.4]]  f32 (2, 2)
print(q:matmul(r):round())
--> [[3., 1.],
-->  [4., 2.]]  f32 (2, 2)

--- ml.linalg.slogdet
local sign, logdet = ml.linalg.slogdet(ml.eye(300) * -10)
print(sign, logdet)  --> 1.  f32 ()  690.7755  f32 ()

--- ml.linalg.lanczos
local w = { ml.ones { 3 }, ml.ones { 2 } }
local function loss(p) return (ml.tensor { 1., 2., 3. } * p[1]:square()):sum() + 5 * p[2]:square():sum() end
local function hessian(v) return ml.hvp(loss, w, v) end
print((ml.linalg.lanczos(hessian, w, { k = 3, seed = 1 })))  --> [ 6.0, 10.0, 10.0]  f64 (3)

--- ml.linalg.power_iteration
local a = ml.tensor { { 2., 1. }, { 1., 2. } }
local value, vector = ml.linalg.power_iteration(function(v) return a:matmul(v) end, ml.zeros { 2 }, { seed = 1 })
print(("%.3f"):format(value), vector:abs())  --> 3.000  [0.7071, 0.7071]  f32 (2)

--- ml.linalg.spectral_density
local a = ml.cat({ ml.zeros { 80 }, ml.ones { 20 } }, 1) -- the diagonal of a matrix
local points, density = ml.linalg.spectral_density(function(v) return a * v end, a, { probes = 50, seed = 1 })
local step = (points[2] - points[1]):item()
local below = ml.where(points:lt(0.5), density, 0):sum():item() * step
print(("%.1f of the eigenvalues are near 0"):format(below))  --> 0.8 of the eigenvalues are near 0

--- ml.fft.rfft
print(ml.fft.rfft(ml.tensor { 1., 0., 0., 0. }))
--> [[1., 0.],
-->  [1., 0.],
-->  [1., 0.]]  f32 (3, 2)

--- ml.fft.irfft
local x = ml.tensor { 1., 2., 3. }
print(ml.fft.irfft(ml.fft.rfft(x), 3))  --> [1., 2., 3.]  f32 (3)

--- ml.fft.power
local turns = ml.arange(0, 7) * (2 * math.pi / 8)
print(ml.fft.power((2 * turns):cos()):round())  --> [ 0.,  0., 16.,  0.,  0.]  f32 (5)

--- ml.stats.mean
print(ml.stats.mean { 1, 2, 3, 4 })  --> 2.5

--- ml.stats.std
print(ml.stats.std { 1, 3 }, ml.stats.std({ 1, 3 }, { correction = 0 }))  --> 1.4142135623731  1.0

--- ml.stats.pearson
local r, p = ml.stats.pearson({ 1, 2, 3, 4, 5, 6, 7 }, { 10, 9, 2.5, 6, 4, 3, 2 })
print(("r = %.4f, p = %.4f"):format(r, p))  --> r = -0.8285, p = 0.0213

--- ml.stats.smooth
local average, low, high = ml.stats.smooth({ 0, 1, 1, 0 }, 0.5)
print(average)  --> [0.0, 0.66667, 0.85714, 0.4]  f64 (4)
print(low)      --> [0., 0., 0., 0.]  f64 (4)
print(high)     --> [0., 1., 1., 1.]  f64 (4)

--- ml.stats.ranks
print(ml.stats.ranks { 7, 3, 7, 9 })  --> [2.5, 1.0, 2.5, 4.0]  f64 (4)

--- ml.stats.spearman
local rho, p = ml.stats.spearman({ 1, 2, 3, 4, 5 }, { 5, 6, 7, 8, 7 })
print(("rho = %.4f, p = %.4f"):format(rho, p))  --> rho = 0.8208, p = 0.0886

--- ml.stats.kendall
print(("%.4f"):format(ml.stats.kendall({ 12, 2, 1, 12, 2 }, { 1, 4, 7, 1, 0 })))  --> -0.4714

--- ml.stats.bootstrap
local accuracies = { 0.91, 0.93, 0.90, 0.94, 0.92, 0.88, 0.93 }
local ci = ml.stats.bootstrap(accuracies, { seed = 1 })
print(("%.3f, 95 %% between %.3f and %.3f"):format(ci.estimate, ci.low, ci.high))
--> 0.916, 95 % between 0.899 and 0.929

--- ml.stats.regression
local width, loss = ml.tensor { 8., 16., 32., 64., 128. }, ml.tensor { 2.0, 1.45, 0.98, 0.72, 0.5 }
local fit = ml.stats.regression(width:log(), loss:log())
print(("exponent %.3f +- %.3f, r2 = %.4f"):format(fit.coefficients[2]:item(), fit.std_errors[2]:item(), fit.r2))
--> exponent -0.501 +- 0.009, r2 = 0.9990

--- ml.stats.pca
local x = ml.tensor { { 1., 2. }, { 2., 4. }, { 3., 6.1 }, { 4., 7.9 } }
local axes = ml.stats.pca(x, 1)
print(axes.components)  --> [[0.4506, 0.8927]]  f64 (1, 2)
print(axes.ratio)  --> [0.9999]  f64 (1)

--- ml.stats.cdist
local x, y = ml.tensor { { 0., 0. }, { 3., 4. } }, ml.tensor { { 0., 8. }, { 6., 8. } }
print(ml.stats.cdist(x, y))
--> [[ 8., 10.],
-->  [ 5.,  5.]]  f32 (2, 2)
