--- neg
print(-ml.tensor { 1.5, -2 })  --> [-1.5,  2.0]  f32 (2)

--- abs
print(ml.tensor { -1.5, 2 }:abs())  --> [1.5, 2.0]  f32 (2)

--- sign
print(ml.tensor { -1.5, 0, 2 }:sign())  --> [-1.,  0.,  1.]  f32 (3)

--- exp
print(ml.tensor { 0., 1. }:exp())  --> [1.0000, 2.7183]  f32 (2)

--- expm1
print(ml.tensor { 1e-10, 1. }:expm1())  --> [1.0000e-10, 1.7183e+00]  f32 (2)

--- log
print(ml.tensor { 1., 10. }:log())  --> [0.0000, 2.3026]  f32 (2)

--- log1p
print(ml.tensor { 1e-10, 1. }:log1p())  --> [1.0000e-10, 6.9315e-01]  f32 (2)

--- sqrt
print(ml.tensor { 4., 9. }:sqrt())  --> [2., 3.]  f32 (2)

--- rsqrt
print(ml.tensor { 4., 16. }:rsqrt())  --> [0.50, 0.25]  f32 (2)

--- square
print(ml.tensor { 3, -4 }:square())  --> [ 9, 16]  i64 (2)

--- reciprocal
print(ml.tensor { 2., 0. }:reciprocal())  --> [0.5, inf]  f32 (2)

--- sin
print(ml.tensor { 0., math.pi / 2 }:sin())  --> [0., 1.]  f32 (2)

--- cos
print(ml.tensor { 0., math.pi }:cos())  --> [ 1., -1.]  f32 (2)

--- tanh
print(ml.tensor { -1., 0., 100. }:tanh())  --> [-0.7616,  0.0000,  1.0000]  f32 (3)

--- sigmoid
print(ml.tensor { -100., 0., 2. }:sigmoid())  --> [3.784e-44, 5.000e-01, 8.808e-01]  f32 (3)

--- erf
print(ml.tensor { 0., 1. }:erf())  --> [0.0000, 0.8427]  f32 (2)

--- softplus
print(ml.tensor { -100., 0., 100. }:softplus())  --> [3.7835e-44, 6.9315e-01, 1.0000e+02]  f32 (3)

--- relu
local x = ml.tensor({ -1., 0., 2. }, { requires_grad = true })
x:relu():sum():backward()
print(x:relu())  --> [0., 0., 2.]  f32 (3) recorded
print(x.grad)  --> [0., 0., 1.]  f32 (3)

--- step
print(ml.tensor { -1., 0., 2. }:step())  --> [0., 0., 1.]  f32 (3)

--- floor
print(ml.tensor { -1.5, 1.5 }:floor())  --> [-2.,  1.]  f32 (2)

--- ceil
print(ml.tensor { -1.5, 1.5 }:ceil())  --> [-1.,  2.]  f32 (2)

--- round
print(ml.tensor { 0.5, 1.5, 2.4 }:round())  --> [0., 2., 2.]  f32 (3)

--- exp2
print(ml.tensor { 3., 0.5 }:exp2())  --> [8.0000, 1.4142]  f32 (2)

--- log2
print(ml.tensor { 8., 10. }:log2())  --> [3.0000, 3.3219]  f32 (2)

--- log10
print(ml.tensor { 0.01, 20. }:log10())  --> [-2.000,  1.301]  f32 (2)

--- tan
print(ml.tensor { 0., math.pi / 4 }:tan())  --> [0., 1.]  f32 (2)

--- asin
print(ml.tensor { 0.5, 2. }:asin())  --> [0.5236,    nan]  f32 (2)

--- acos
print(ml.tensor { -1., 0.5 }:acos())  --> [3.1416, 1.0472]  f32 (2)

--- atan
print(ml.tensor { 1., -1 / 0 }:atan())  --> [ 0.7854, -1.5708]  f32 (2)

--- sinh
print(ml.tensor { 0., 1. }:sinh())  --> [0.0000, 1.1752]  f32 (2)

--- cosh
print(ml.tensor { 0., 1. }:cosh())  --> [1.0000, 1.5431]  f32 (2)

--- asinh
print(ml.tensor { 0., 1e30 }:asinh())  --> [ 0.0000, 69.7707]  f32 (2)

--- acosh
print(ml.tensor { 1., 3. }:acosh())  --> [0.0000, 1.7627]  f32 (2)

--- atanh
print(ml.tensor { 0.5, 1. }:atanh())  --> [0.5493,    inf]  f32 (2)

--- erfc
print(ml.tensor { 0., 9. }:erfc())  --> [1.000e+00, 4.137e-37]  f32 (2)

--- erfinv
print(ml.tensor { 0.5, 1. }:erfinv())  --> [0.4769,    inf]  f32 (2)

--- leaky_relu
print(ml.tensor { -2., 3. }:leaky_relu())  --> [-0.02,  3.00]  f32 (2)
print(ml.tensor { -2., 3. }:leaky_relu(0.2))  --> [-0.4,  3.0]  f32 (2)

--- elu
print(ml.tensor { -2., 3. }:elu())  --> [-0.8647,  3.0000]  f32 (2)
print(ml.tensor { -2., 3. }:elu { alpha = 0.5 })  --> [-0.4323,  3.0000]  f32 (2)

--- gelu
print(ml.tensor { -1., 0., 1. }:gelu())  --> [-0.1587,  0.0000,  0.8413]  f32 (3)
print(ml.tensor { -1., 0., 1. }:gelu { tanh = true })  --> [-0.1588,  0.0000,  0.8412]  f32 (3)

--- silu
print(ml.tensor { -1., 0., 1. }:silu())  --> [-0.2689,  0.0000,  0.7311]  f32 (3)

--- mish
print(ml.tensor { -1., 0., 1. }:mish())  --> [-0.3034,  0.0000,  0.8651]  f32 (3)

--- log_sigmoid
print(ml.tensor { -200., 0. }:log_sigmoid())  --> [-200.0000,   -0.6931]  f32 (2)

--- softsign
print(ml.tensor { -3., 0., 3. }:softsign())  --> [-0.75,  0.00,  0.75]  f32 (3)

--- trunc
print(ml.tensor { -1.7, 1.7 }:trunc())  --> [-1.,  1.]  f32 (2)

--- frac
print(ml.tensor { -1.75, 1.75 }:frac())  --> [-0.75,  0.75]  f32 (2)

--- clamp
print(ml.tensor { -2., 0.5, 3. }:clamp(0, 1))  --> [0.0, 0.5, 1.0]  f32 (3)
print(ml.tensor { -2., 0.5, 3. }:clamp { min = 0 })  --> [0.0, 0.5, 3.0]  f32 (3)

--- nan_to_num
print(ml.tensor { 0 / 0, 1 / 0, 1 }:nan_to_num { posinf = 9 })  --> [0., 9., 1.]  f32 (3)

--- isnan
print(ml.tensor { 0 / 0, 1 / 0, 1 }:isnan())  --> [ true, false, false]  bool (3)

--- isinf
print(ml.tensor { 0 / 0, 1 / 0, 1 }:isinf())  --> [false,  true, false]  bool (3)

--- isfinite
print(ml.tensor { 0 / 0, 1 / 0, 1 }:isfinite())  --> [false, false,  true]  bool (3)

--- logical_not
print(ml.tensor({ -1., 0., 1. }):gt(0):logical_not())  --> [ true,  true, false]  bool (3)

--- cast
print(ml.tensor { 1, 2 }:cast "f64")  --> [1., 2.]  f64 (2)

--- add
print(ml.tensor { 1, 2 } + ml.tensor { 10, 20 })  --> [11, 22]  i64 (2)
print(ml.tensor { { 1 }, { 2 } } + ml.tensor { 10, 20, 30 })
--> [[11, 21, 31],
-->  [12, 22, 32]]  i64 (2, 3)

--- sub
print(10 - ml.tensor { 1, 2 })  --> [9, 8]  i64 (2)

--- mul
print(ml.tensor { 1.5, 2 } * 2)  --> [3., 4.]  f32 (2)

--- div
print(ml.tensor { 7, -7 } / 2)  --> [ 3.5, -3.5]  f32 (2)
print(ml.tensor { 7, -7 }:div(2))  --> [ 3, -4]  i64 (2)

--- pow
print(ml.tensor { 2., 3. } ^ 2)  --> [4., 9.]  f32 (2)

--- remainder
print(ml.tensor { 7, -7 } % 3)  --> [1, 2]  i64 (2)
print(ml.remainder(ml.tensor { 5.5, -5.5 }, -2))  --> [-0.5, -1.5]  f32 (2)

--- hypot
print(ml.tensor { 3., 1e30 }:hypot(4))  --> [5.0e+00, 1.0e+30]  f32 (2)

--- atan2
local height, width = ml.tensor { 1., 1., -1. }, ml.tensor { 1., -1., 0. }
print(height:atan2(width))  --> [ 0.7854,  2.3562, -1.5708]  f32 (3)

--- logaddexp
print(ml.tensor { 0., 1000. }:logaddexp(ml.tensor { 0., 1000. }))  --> [   0.6931, 1000.6932]  f32 (2)

--- logical_and
local x = ml.tensor { -1., 0.5, 2. }
print(x:gt(0):logical_and(x:lt(1)))  --> [false,  true, false]  bool (3)

--- logical_or
local x = ml.tensor { -1., 0.5, 2. }
print(x:lt(0):logical_or(x:gt(1)))  --> [ true, false,  true]  bool (3)

--- logical_xor
print(ml.tensor { 1, 1, 0 }:logical_xor(ml.tensor { 1, 0, 0 }))  --> [false,  true, false]  bool (3)

--- lerp
print(ml.lerp(ml.zeros { 3 }, ml.ones { 3 }, ml.tensor { 0., 0.25, 1. }))  --> [0.00, 0.25, 1.00]  f32 (3)

--- maximum
print(ml.tensor { 1, 5 }:maximum(3))  --> [3, 5]  i64 (2)

--- minimum
print(ml.tensor { 1, 5 }:minimum(ml.tensor { 4, 4 }))  --> [1, 4]  i64 (2)

--- eq
print(ml.tensor { 1, 2, 3 }:eq(2))  --> [false,  true, false]  bool (3)

--- ne
print(ml.tensor { 1, 2, 3 }:ne(2))  --> [ true, false,  true]  bool (3)

--- lt
print(ml.tensor { 1, 2, 3 }:lt(2))  --> [ true, false, false]  bool (3)

--- le
print(ml.tensor { 1, 2, 3 }:le(2))  --> [ true,  true, false]  bool (3)

--- gt
print(ml.tensor { 1, 2, 3 }:gt(2))  --> [false, false,  true]  bool (3)

--- ge
print(ml.tensor { 1, 2, 3 }:ge(2))  --> [false,  true,  true]  bool (3)

--- where
local x = ml.tensor { -1., 4. }
print(ml.where(x:gt(0), x, 0))  --> [0., 4.]  f32 (2)

--- sum
local x = ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
print(x:sum())  --> 21  i64 ()
print(x:sum(1))  --> [5, 7, 9]  i64 (3)
print(x:sum { 2, keepdim = true })
--> [[ 6],
-->  [15]]  i64 (2, 1)

--- mean
local x = ml.tensor { { 1., 2. }, { 3., 4. } }
print(x:mean())  --> 2.5  f32 ()
print(x:mean(2))  --> [1.5, 3.5]  f32 (2)

--- max
print(ml.tensor { { 1, 9 }, { 7, 3 } }:max(2))  --> [9, 7]  i64 (2)

--- min
print(ml.tensor { { 1, 9 }, { 7, 3 } }:min())  --> 1  i64 ()

--- argmax
print(ml.tensor { { 1, 9 }, { 7, 3 } }:argmax(2))  --> [2, 1]  i64 (2)

--- argmin
print(ml.tensor { { 1, 9 }, { 7, 3 } }:argmin(1))  --> [1, 2]  i64 (2)

--- logsumexp
print(ml.tensor { 1000., 1000. }:logsumexp())  --> 1000.6932  f32 ()

--- prod
print(ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }:prod(2))  --> [  6, 120]  i64 (2)

--- any
print(ml.tensor { { -1., 2. }, { -3., -4. } }:gt(0):any(2))  --> [ true, false]  bool (2)

--- all
print(ml.tensor { { 1., 2. }, { -3., 4. } }:gt(0):all(2))  --> [ true, false]  bool (2)

--- count_nonzero
print(ml.tensor { 0., 2., 0., -1. }:count_nonzero())  --> 2  i64 ()

--- var
local x = ml.tensor { { 1., 2., 3. }, { 4., 4., 4. } }
print(x:var(2))  --> [1., 0.]  f32 (2)
print(x:var(2, { correction = 0 }))  --> [0.6667, 0.0000]  f32 (2)

--- std
print(ml.tensor { { 1., 2., 3. }, { 4., 4., 4. } }:std(2))  --> [1., 0.]  f32 (2)

--- norm
local x = ml.tensor { 3., -4. }
print(x:norm())  --> 5.  f32 ()
print(x:norm(1))  --> 7.  f32 ()
print(x:norm(math.huge))  --> 4.  f32 ()

--- cumsum
print(ml.tensor { 1, 2, 3 }:cumsum())  --> [1, 3, 6]  i64 (3)
print(ml.tensor { 1, 2, 3 }:cumsum { reverse = true })  --> [6, 5, 3]  i64 (3)

--- cumprod
print(ml.tensor { 1, 2, 3, 4 }:cumprod())  --> [ 1,  2,  6, 24]  i64 (4)

--- cummax
print(ml.tensor { 1, 3, 2, 5 }:cummax())  --> [1, 3, 3, 5]  i64 (4)

--- kthvalue
print(ml.tensor { 5., 1., 3. }:kthvalue(2))  --> 3.  f32 ()

--- median
print(ml.tensor { { 5., 1., 3. }, { 2., 8., 4. } }:median())  --> [3., 4.]  f32 (2)

--- quantile
print(ml.tensor { 5., 1., 3., 2. }:quantile(0.25))  --> 1.75  f32 ()

--- histogram
print(ml.tensor { 0.1, 0.2, 0.6, 1.0 }:histogram { bins = 4, low = 0, high = 1 })  --> [2, 0, 1, 1]  i64 (4)

--- reshape
print(ml.arange(6):reshape(2, 3))
--> [[1, 2, 3],
-->  [4, 5, 6]]  i64 (2, 3)
print(ml.arange(6):reshape { 3, -1 })
--> [[1, 2],
-->  [3, 4],
-->  [5, 6]]  i64 (3, 2)

--- expand
print(ml.tensor { { 1 }, { 2 } }:expand(2, 3))
--> [[1, 1, 1],
-->  [2, 2, 2]]  i64 (2, 3)

--- sum_to
print(ml.ones { 4, 3 }:sum_to(3))  --> [4., 4., 4.]  f32 (3)

--- permute
print(table.concat(ml.zeros { 2, 3, 4 }:permute(3, 1, 2).shape, ", "))  --> 4, 2, 3

--- transpose
print(ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }:transpose())
--> [[1, 4],
-->  [2, 5],
-->  [3, 6]]  i64 (3, 2)

--- slice
local x = ml.arange(10)
print(x:slice(1, 3, 5))  --> [3, 4, 5]  i64 (3)
print(x[{ { 2, 10, 4 } }])  --> [ 2,  6, 10]  i64 (3)

--- unslice
print(ml.tensor { 1., 2. }:unslice { dim = 1, start = 2, size = 5, step = 2 })  --> [0., 1., 0., 2., 0.]  f32 (5)

--- cat
print(ml.cat({ ml.tensor { 1, 2 }, ml.tensor { 3 } }, 1))  --> [1, 2, 3]  i64 (3)

--- view
local x = ml.zeros { 2, 3 }
x:view(6)[2] = 7
print(x)
--> [[0., 7., 0.],
-->  [0., 0., 0.]]  f32 (2, 3)

--- movedim
print(table.concat(ml.zeros { 2, 3, 4 }:movedim(1, 3).shape, ", "))  --> 3, 4, 2

--- squeeze
local x = ml.zeros { 1, 2, 1, 3 }
print(table.concat(x:squeeze().shape, ", "), table.concat(x:squeeze(1).shape, ", "))  --> 2, 3  2, 1, 3

--- unsqueeze
print(ml.tensor { 1, 2 }:unsqueeze(2))
--> [[1],
-->  [2]]  i64 (2, 1)

--- flatten
print(ml.tensor { { 1, 2 }, { 3, 4 } }:flatten())  --> [1, 2, 3, 4]  i64 (4)
print(table.concat(ml.zeros { 2, 3, 4 }:flatten(2, 3).shape, ", "))  --> 2, 12

--- stack
local x, y = ml.tensor { 1, 2, 3 }, ml.tensor { 4, 5, 6 }
print(ml.stack { x, y })
--> [[1, 2, 3],
-->  [4, 5, 6]]  i64 (2, 3)
print(ml.stack({ x, y }, 2))
--> [[1, 4],
-->  [2, 5],
-->  [3, 6]]  i64 (3, 2)

--- flip
print(ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }:flip(2))
--> [[3, 2, 1],
-->  [6, 5, 4]]  i64 (2, 3)

--- roll
print(ml.arange(5):roll(2))  --> [4, 5, 1, 2, 3]  i64 (5)
print(ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }:roll(-1, 2))
--> [[2, 3, 1],
-->  [5, 6, 4]]  i64 (2, 3)

--- tile
print(ml.tensor { 1, 2 }:tile(3))  --> [1, 2, 1, 2, 1, 2]  i64 (6)
print(ml.tensor { 1, 2 }:tile(2, 2))
--> [[1, 2, 1, 2],
-->  [1, 2, 1, 2]]  i64 (2, 4)

--- repeat_interleave
print(ml.tensor { 1, 2 }:repeat_interleave(3))  --> [1, 1, 1, 2, 2, 2]  i64 (6)

--- pad
local x = ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
print(x:pad { 1, 2 })
--> [[0, 1, 2, 3, 0, 0],
-->  [0, 4, 5, 6, 0, 0]]  i64 (2, 6)
print(x:pad({ 0, 0, 1, 0 }, "constant", 9))
--> [[9, 9, 9],
-->  [1, 2, 3],
-->  [4, 5, 6]]  i64 (3, 3)
print(x:pad({ 2, 2 }, "reflect"))
--> [[3, 2, 1, 2, 3, 2, 1],
-->  [6, 5, 4, 5, 6, 5, 4]]  i64 (2, 7)

--- diagonal
print(ml.arange(9):reshape(3, 3):diagonal(), ml.arange(9):reshape(3, 3):diagonal(1))
--> [1, 5, 9]  i64 (3)  [2, 6]  i64 (2)

--- diag_embed
print(ml.tensor { 7, 8 }:diag_embed())
--> [[7, 0],
-->  [0, 8]]  i64 (2, 2)

--- tril
print(ml.ones { 3, 3 }:tril())
--> [[1., 0., 0.],
-->  [1., 1., 0.],
-->  [1., 1., 1.]]  f32 (3, 3)

--- triu
print(ml.ones { 3, 3 }:triu(1))
--> [[0., 1., 1.],
-->  [0., 0., 1.],
-->  [0., 0., 0.]]  f32 (3, 3)

--- unfold
print(ml.arange(5):unfold(1, 3, 1))
--> [[1, 2, 3],
-->  [2, 3, 4],
-->  [3, 4, 5]]  i64 (3, 3)

--- overlap_add
print(ml.tensor { { 1., 1., 1. }, { 1., 1., 1. } }:overlap_add(1, 4, 1))  --> [1., 2., 2., 1.]  f32 (4)

--- contiguous
print(ml.tensor { { 1, 2 }, { 3, 4 } }:transpose():contiguous())
--> [[1, 3],
-->  [2, 4]]  i64 (2, 2)

--- embedding
local table_of_rows = ml.tensor { { 1., 2. }, { 3., 4. }, { 5., 6. } }
print(table_of_rows:embedding(ml.tensor { 3, 1 }))
--> [[5., 6.],
-->  [1., 2.]]  f32 (2, 2)

--- scatter_rows
local x, ids = ml.tensor { { 1., 2. }, { 3., 4. } }, ml.tensor { 3, 3 }
print(x:scatter_rows(ids, { rows = 3 }))
--> [[0., 0.],
-->  [0., 0.],
-->  [4., 6.]]  f32 (3, 2)

--- index_select
print(ml.tensor { { 1, 2, 3 }, { 4, 5, 6 } }:index_select(ml.tensor { 3, 1 }, 2))
--> [[3, 1],
-->  [6, 4]]  i64 (2, 2)

--- gather
local x = ml.tensor { { 10, 20, 30 }, { 40, 50, 60 } }
print(x:gather(ml.tensor { { 3 }, { 1 } }, 2))
--> [[30],
-->  [40]]  i64 (2, 1)

--- scatter
local x = ml.zeros { 2, 3 }
print(x:scatter(ml.tensor { { 1, 1 }, { 3, 2 } }, ml.tensor { { 5., 6. }, { 7., 8. } }, 2))
--> [[6., 0., 0.],
-->  [0., 8., 7.]]  f32 (2, 3)

--- scatter_add
local x = ml.zeros { 2, 3 }
print(x:scatter_add(ml.tensor { { 1, 1 }, { 3, 2 } }, ml.tensor { { 5., 6. }, { 7., 8. } }, 2))
--> [[11.,  0.,  0.],
-->  [ 0.,  8.,  7.]]  f32 (2, 3)

--- take
print(ml.tensor { { 10, 20, 30 }, { 40, 50, 60 } }:take(ml.tensor { 1, 6 }))  --> [10, 60]  i64 (2)

--- masked_select
local x = ml.tensor { { 1, -2 }, { -3, 4 } }
print(x:masked_select(x:gt(0)), x[x:gt(0)])  --> [1, 4]  i64 (2)  [1, 4]  i64 (2)

--- nonzero
print(ml.tensor { { 0, 5 }, { 6, 0 } }:nonzero())
--> [[1, 2],
-->  [2, 1]]  i64 (2, 2)

--- sort
local values, positions = ml.tensor { 30, 10, 20 }:sort()
print(values, positions)  --> [10, 20, 30]  i64 (3)  [2, 3, 1]  i64 (3)
print((ml.tensor { 30, 10, 20 }:sort { descending = true }))  --> [30, 20, 10]  i64 (3)

--- argsort
print(ml.tensor { 30, 10, 20 }:argsort())  --> [2, 3, 1]  i64 (3)

--- argtopk
print(ml.tensor { 30, 10, 20 }:argtopk(2))  --> [1, 3]  i64 (2)

--- searchsorted
print(ml.tensor { 10, 20, 30 }:searchsorted(ml.tensor { 5, 20, 99 }))  --> [1, 2, 4]  i64 (3)
print(ml.tensor { 10, 20, 30 }:searchsorted(ml.tensor { 5, 20, 99 }, true))  --> [1, 3, 4]  i64 (3)

--- bincount
print(ml.tensor { 1, 3, 3 }:bincount(), ml.tensor { 1, 3, 3 }:bincount(5))
--> [1, 0, 2]  i64 (3)  [1, 0, 2, 0, 0]  i64 (5)

--- one_hot
print(ml.tensor { 1, 3 }:one_hot(3))
--> [[1., 0., 0.],
-->  [0., 0., 1.]]  f32 (2, 3)

--- matmul
local a, v = ml.tensor { { 1., 2. }, { 3., 4. } }, ml.tensor { 1., 1. }
print(a:matmul(a))
--> [[ 7., 10.],
-->  [15., 22.]]  f32 (2, 2)
print(a:matmul(v))  --> [3., 7.]  f32 (2)

--- bmm
local a = ml.tensor { { { 1., 2. } }, { { 3., 4. } } }
print(a:bmm(a:transpose()))
--> [[[ 5.]],
-->
-->  [[25.]]]  f32 (2, 1, 1)

--- dot
print(ml.tensor { 1., 2. }:dot(ml.tensor { 3., 4. }))  --> 11.  f32 ()

--- outer
print(ml.tensor { 1, 2 }:outer(ml.tensor { 3, 4, 5 }))
--> [[ 3,  4,  5],
-->  [ 6,  8, 10]]  i64 (2, 3)

--- kron
print(ml.eye(2):kron(ml.tensor { { 1., 2. } }))
--> [[1., 2., 0., 0.],
-->  [0., 0., 1., 2.]]  f32 (2, 4)

--- trace
print(ml.tensor { { 1., 2. }, { 3., 4. } }:trace())  --> 5.  f32 ()

--- einsum
local a, b = ml.tensor { { 1., 2. }, { 3., 4. } }, ml.tensor { 1., 10. }
print(ml.einsum("ij,j->i", a, b))  --> [21., 43.]  f32 (2)
print(ml.einsum("ii", a))  --> 5.  f32 ()

--- linear
local x, w, b = ml.tensor { { 1., 2. } }, ml.tensor { { 1., 1. }, { -1., -1. } }, ml.tensor { 0.5, 0.5 }
print(x:linear(w, b, "relu"))  --> [[3.5, 0.0]]  f32 (1, 2)

--- act_dx
local y = ml.tensor { 0.5, -2. }:tanh()
print(ml.ones { 2 }:act_dx(y, "tanh"))  --> [0.7864, 0.0707]  f32 (2)

--- token_linear
local ids, rows = ml.tensor { { 1, 2 } }, ml.tensor { { 1., 2. }, { 3., 4. } }
local w, b = ml.ones { 1, 4 }, ml.zeros { 1 }
print(ml.token_linear(ids, rows, w, b))  --> [[10.]]  f32 (1, 1)

--- softmax
print(ml.tensor { 1., 1., 1000. }:softmax())  --> [0., 0., 1.]  f32 (3)
print(ml.tensor { 1., 2. }:softmax())  --> [0.2689, 0.7311]  f32 (2)

--- log_softmax
print(ml.tensor { 0., 0. }:log_softmax())  --> [-0.6931, -0.6931]  f32 (2)

--- cross_entropy
local scores, labels = ml.tensor { { 2., 0. }, { 0., 2. } }, ml.tensor { 1, 2 }
print(scores:cross_entropy(labels))  --> 0.1269  f32 ()

--- mse
print(ml.tensor { 1., 2. }:mse(ml.tensor { 1., 4. }))  --> 2.  f32 ()

--- weighted_cross_entropy
local scores, labels = ml.tensor { { 2., 0. }, { 0., 2. } }, ml.tensor { 1, 2 }
print(ml.weighted_cross_entropy(scores, labels, ml.tensor { 1., 3. }, { label_smoothing = 0.1 }))  --> 0.2269  f32 ()

--- bce_with_logits
print(ml.tensor { 0., 2. }:bce_with_logits(ml.tensor { 1., 0. }, { reduction = "none" }))  --> [0.6931, 2.1269]  f32 (2)

--- hinge
print(ml.tensor { 0.5, -3. }:hinge(ml.tensor { 1., -1. }, { reduction = "none" }))  --> [0.5, 0.0]  f32 (2)

--- logistic_loss
print(ml.tensor { 0., 5. }:logistic_loss(ml.tensor { 1., -1. }, { reduction = "none" }))  --> [0.6931, 5.0067]  f32 (2)

--- exponential_loss
print(ml.tensor { 0., 1. }:exponential_loss(ml.tensor { 1., -1. }, { reduction = "none" }))  --> [1.0000, 2.7183]  f32 (2)

--- huber
print(ml.tensor { 0.5, 3. }:huber(ml.tensor { 0., 0. }, { reduction = "none" }))  --> [0.125, 2.500]  f32 (2)

--- smooth_l1
print(ml.tensor { 0.5, 3. }:smooth_l1(ml.tensor { 0., 0. }, { beta = 2, reduction = "none" }))  --> [0.0625, 2.0000]  f32 (2)

--- kl_div
local q, p = ml.tensor { 0.5, 0.5 }:log(), ml.tensor { 0.25, 0.75 }:log()
print(q:kl_div(p))  --> 0.1308  f32 ()

--- multi_margin
print(ml.tensor { { 2., 1.5, 0. } }:multi_margin(ml.tensor { 1 }))  --> 0.1667  f32 ()

--- margin
print(ml.tensor { { 2., 1.5, 0. }, { 2., 1.5, 0. } }:margin(ml.tensor { 1, 3 }))  --> [ 0.5, -2.0]  f32 (2)

--- conv2d
local x = ml.tensor { { { { 1., 2., 3. }, { 4., 5., 6. } } } }
local w = ml.tensor { { { { 1., -1. } } } }
print(x:conv2d(w))
--> [[[[-1., -1.],
-->    [-1., -1.]]]]  f32 (1, 1, 2, 2)
print(x:conv2d(w, { stride = { 1, 2 }, padding = { 0, 1 } }))
--> [[[[-1., -1.],
-->    [-4., -1.]]]]  f32 (1, 1, 2, 2)

--- conv2d_dx
local w = ml.tensor { { { { 1., -1. } } } }
print(ml.tensor { { { { 1., 0. }, { 0., 2. } } } }:conv2d_dx(w, { size = { 2, 3 } }))
--> [[[[ 1., -1.,  0.],
-->    [ 0.,  2., -2.]]]]  f32 (1, 1, 2, 3)

--- conv2d_dw
local x, dy = ml.tensor { { { { 1., 2., 3. } } } }, ml.tensor { { { { 1., 10. } } } }
print(x:conv2d_dw(dy, { kernel = { 1, 2 } }))  --> [[[[21., 32.]]]]  f32 (1, 1, 1, 2)

--- conv2d_bias
local x, w = ml.tensor { { { { 1., 2., 0. } } } }, ml.tensor { { { { 1., -1. } } } }
print(ml.conv2d_bias(x, w, ml.tensor { 0.5 }, { act = "relu" }))  --> [[[[0.0, 2.5]]]]  f32 (1, 1, 1, 2)

--- max_pool2d
local x = ml.tensor { { 1., 5., 2., 0. }, { 3., 4., 1., 1. } }
print(x:max_pool2d(2), x:max_pool2d { kernel = { 1, 2 }, stride = 1 })
--> [[5., 2.]]  f32 (1, 2)  [[5., 5., 2.],
-->  [4., 4., 1.]]  f32 (2, 3)

--- max_pool2d_positions
print(ml.tensor { { 1., 5., 2., 0. }, { 3., 4., 1., 1. } }:max_pool2d_positions(2))  --> [[2, 3]]  i64 (1, 2)

--- avg_pool2d
local x = ml.tensor { { 1., 5., 2., 0. }, { 3., 3., 1., 1. } }
print(x:avg_pool2d(2))  --> [[3., 1.]]  f32 (1, 2)
print(x:avg_pool2d { kernel = 2, padding = 1, count_include_pad = false })
--> [[1.0, 3.5, 0.0],
-->  [3.0, 2.0, 1.0]]  f32 (2, 3)

--- adaptive_avg_pool2d
print(ml.tensor { { 1., 5., 2., 0. }, { 3., 3., 1., 1. } }:adaptive_avg_pool2d { size = { 1, 2 } })
--> [[3., 1.]]  f32 (1, 2)

--- layer_norm
local x, one, zero = ml.tensor { { 1., 3. }, { 0., 100. } }, ml.ones { 2 }, ml.zeros { 2 }
print(x:layer_norm(one, zero))
--> [[-1.0,  1.0],
-->  [-1.0,  1.0]]  f32 (2, 2)

--- rms_norm
print(ml.tensor { { 3., 3. }, { 0., 2. } }:rms_norm(ml.ones { 2 }))
--> [[1.0000, 1.0000],
-->  [0.0000, 1.4142]]  f32 (2, 2)

--- group_norm
print(ml.tensor { { 1., 3., 10., 30. } }:group_norm(ml.ones { 4 }, ml.zeros { 4 }, { groups = 2 }))
--> [[-1.0,  1.0, -1.0,  1.0]]  f32 (1, 4)

--- batch_norm
print(ml.tensor { { 1., 10. }, { 3., 30. } }:batch_norm(ml.ones { 2 }, ml.zeros { 2 }))
--> [[-1.0, -1.0],
-->  [ 1.0,  1.0]]  f32 (2, 2)

--- channel_moments
print(ml.tensor { { 1., 10. }, { 3., 30. } }:channel_moments())
--> [[  2.,  20.],
-->  [  1., 100.]]  f32 (2, 2)

--- dropout
print(ml.ones { 8 }:dropout { p = 0.5, seed = 1 })  --> [2., 2., 2., 0., 0., 2., 2., 0.]  f32 (8)

--- rnn
local x = ml.tensor { { { 1. }, { 0. }, { 0. } } }
print(x:rnn(ml.tensor { { 0.5 } }, ml.zeros { 1 }, ml.zeros { 1, 1 }, { act = "none" }):reshape(3))  --> [1.00, 0.50, 0.25]  f32 (3)

--- gru
local x = ml.zeros { 2, 5, 12 }                   -- two sequences of 5 steps, three gates of 4 values each
local y = x:gru(ml.zeros { 12, 4 }, ml.zeros { 12 }, ml.ones { 2, 4 })
print(y[{ 1, {}, 1 }])                            --> [0.5000, 0.2500, 0.1250, 0.0625, 0.0312]  f32 (5)

--- lstm
local x = ml.zeros { 2, 5, 16 }
local y = x:lstm(ml.zeros { 16, 4 }, ml.zeros { 16 }, ml.ones { 2, 2, 4 })
print(table.concat(y.shape, ", "), y[{ 2, 1, {}, 1 }])  --> 2, 2, 5, 4  [0.5000, 0.2500, 0.1250, 0.0625, 0.0312]  f32 (5)

--- attention
local q, k = ml.zeros { 3, 2 }, ml.zeros { 3, 2 }               -- nothing to choose by: means of what is seen
local v = ml.tensor { { 1. }, { 2. }, { 6. } }
print(q:attention(k, v):reshape(3))                             --> [3., 3., 3.]  f32 (3)
print(q:attention(k, v, { causal = true }):reshape(3))          --> [1.0, 1.5, 3.0]  f32 (3)

--- self_attention
local x = ml.zeros { 2, 5, 3 * 8 }                              -- queries, keys and values of 8, as one product gives them
print(table.concat(x:self_attention({ heads = 4, causal = true }).shape, ", "))  --> 2, 5, 8

--- cross_attention
local q, kv = ml.zeros { 2, 1, 8 }, ml.zeros { 2, 5, 2 * 8 }    -- one query, five keys and values of 8
print(table.concat(q:cross_attention(kv, { heads = 4 }).shape, ", "))  --> 2, 1, 8

--- solve_triangular
local a = ml.tensor { { 2., 0. }, { 1., 4. } }
print(a:solve_triangular(ml.tensor { 6., 5. }))  --> [3.0, 0.5]  f32 (2)
print(a:solve_triangular(ml.tensor { 6., 8. }, { transpose = true }))  --> [2., 2.]  f32 (2)

--- solve
local a = ml.tensor { { 1., 2. }, { 3., 4. } }
print(a:solve(ml.tensor { 5., 11. }))  --> [1., 2.]  f32 (2)
print(a:solve(ml.eye(2)))
--> [[-2.0,  1.0],
-->  [ 1.5, -0.5]]  f32 (2, 2)

--- inv
local a = ml.tensor { { 1., 2. }, { 3., 4. } }
print(a:inv())
--> [[-2.0,  1.0],
-->  [ 1.5, -0.5]]  f32 (2, 2)

--- pinv
local x = ml.tensor { { 3. }, { 4. } }
print(x:pinv())  --> [[0.12, 0.16]]  f32 (1, 2)
print(x:matmul(x:pinv()):matmul(x))
--> [[3.],
-->  [4.]]  f32 (2, 1)

--- lstsq
local x, y = ml.tensor { { 1., 1. }, { 1., 2. }, { 1., 3. } }, ml.tensor { 1., 2., 4. }
print(x:lstsq(y))  --> [-0.6667,  1.5000]  f32 (2)

--- det
print(ml.tensor { { 1., 2. }, { 3., 4. } }:det())  --> -2.  f32 ()

--- cofactor
local x = ml.tensor { { 1., 2. }, { 3., 4. } }
print(x:cofactor())
--> [[ 4., -3.],
-->  [-2.,  1.]]  f32 (2, 2)
print(ml.grad(ml.det)(x))
--> [[ 4., -3.],
-->  [-2.,  1.]]  f32 (2, 2)

--- slogdet
print((ml.eye(300) * 10):slogdet())  --> [  1.0000, 690.7755]  f32 (2)

--- cholesky
local x = ml.tensor { { 4., 2. }, { 2., 10. } }
local l = x:cholesky()
print(l)
--> [[2., 0.],
-->  [1., 3.]]  f32 (2, 2)
print(l:matmul(l:transpose()))
--> [[ 4.,  2.],
-->  [ 2., 10.]]  f32 (2, 2)

--- eigh_parts
print(ml.tensor { { 2., 1. }, { 1., 2. } }:eigh_parts())
--> [[ 1.0000,  3.0000],
-->  [ 0.7071,  0.7071],
-->  [-0.7071,  0.7071]]  f32 (3, 2)

--- svd_parts
print(ml.tensor { { 3. }, { 4. } }:svd_parts())
--> [[0.6],
-->  [0.8],
-->  [5.0],
-->  [1.0]]  f32 (4, 1)

--- qr_parts
print(ml.tensor { { 3. }, { 4. } }:qr_parts())
--> [[0.6],
-->  [0.8],
-->  [5.0]]  f32 (3, 1)

--- eigvalsh
print(ml.tensor { { 2., 1. }, { 1., 2. } }:eigvalsh())  --> [1., 3.]  f32 (2)

--- svdvals
print(ml.tensor { { 3., 0. }, { 4., 0. } }:svdvals())  --> [5., 0.]  f32 (2)

--- matrix_rank
print(ml.tensor { { 1., 2. }, { 2., 4. } }:matrix_rank())  --> 1  i64 ()

--- expm
print(ml.tensor { { 0., 1. }, { 0., 0. } }:expm())
--> [[1., 1.],
-->  [0., 1.]]  f32 (2, 2)
print(ml.tensor { { 1., 0. }, { 0., 2. } }:expm())
--> [[2.7183, 0.0000],
-->  [0.0000, 7.3891]]  f32 (2, 2)

--- expm_frechet
local x, direction = ml.zeros { 2, 2 }, ml.tensor { { 1., 2. }, { 3., 4. } }
print(x:expm_frechet(direction))
--> [[1., 2.],
-->  [3., 4.]]  f32 (2, 2)

--- matrix_power
local step = ml.tensor { { 1., 1. }, { 0., 1. } }
print(step:matrix_power(5))
--> [[1., 5.],
-->  [0., 1.]]  f32 (2, 2)
print(step:matrix_power(-1))
--> [[ 1., -1.],
-->  [ 0.,  1.]]  f32 (2, 2)

--- rfft
print(ml.tensor { 1., 0., 0., 0. }:rfft())
--> [[1., 0.],
-->  [1., 0.],
-->  [1., 0.]]  f32 (3, 2)

--- irfft
local x = ml.tensor { 1., 2., 3. }
print(x:rfft():irfft(3))  --> [1., 2., 3.]  f32 (3)
