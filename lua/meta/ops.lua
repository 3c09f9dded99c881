---@meta
-- Made by generate.lua from the table of operations, include/moonlab/op_list.h. Not to be edited.
-- luacheck: ignore 212 241 631

---@class moonlab.Tensor
local Tensor = {}
---@class moonlab
local ml = {}

--- -x
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.neg(x) end

--- -x
---@return moonlab.Tensor
function Tensor:neg() end

--- |x|
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.abs(x) end

--- |x|
---@return moonlab.Tensor
function Tensor:abs() end

--- -1, 0 or 1; no derivative
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.sign(x) end

--- -1, 0 or 1; no derivative
---@return moonlab.Tensor
function Tensor:sign() end

--- e^x
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.exp(x) end

--- e^x
---@return moonlab.Tensor
function Tensor:exp() end

--- 2^x
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.exp2(x) end

--- 2^x
---@return moonlab.Tensor
function Tensor:exp2() end

--- e^x - 1, exact near 0
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.expm1(x) end

--- e^x - 1, exact near 0
---@return moonlab.Tensor
function Tensor:expm1() end

--- natural logarithm
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.log(x) end

--- natural logarithm
---@return moonlab.Tensor
function Tensor:log() end

--- logarithm to base 2
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.log2(x) end

--- logarithm to base 2
---@return moonlab.Tensor
function Tensor:log2() end

--- logarithm to base 10
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.log10(x) end

--- logarithm to base 10
---@return moonlab.Tensor
function Tensor:log10() end

--- log(1 + x), exact near 0
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.log1p(x) end

--- log(1 + x), exact near 0
---@return moonlab.Tensor
function Tensor:log1p() end

--- square root
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.sqrt(x) end

--- square root
---@return moonlab.Tensor
function Tensor:sqrt() end

--- 1 / sqrt(x)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.rsqrt(x) end

--- 1 / sqrt(x)
---@return moonlab.Tensor
function Tensor:rsqrt() end

--- x * x
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.square(x) end

--- x * x
---@return moonlab.Tensor
function Tensor:square() end

--- 1 / x
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.reciprocal(x) end

--- 1 / x
---@return moonlab.Tensor
function Tensor:reciprocal() end

--- sine
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.sin(x) end

--- sine
---@return moonlab.Tensor
function Tensor:sin() end

--- cosine
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.cos(x) end

--- cosine
---@return moonlab.Tensor
function Tensor:cos() end

--- tangent
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.tan(x) end

--- tangent
---@return moonlab.Tensor
function Tensor:tan() end

--- inverse sine, in -pi/2..pi/2; NaN outside -1..1
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.asin(x) end

--- inverse sine, in -pi/2..pi/2; NaN outside -1..1
---@return moonlab.Tensor
function Tensor:asin() end

--- inverse cosine, in 0..pi; NaN outside -1..1
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.acos(x) end

--- inverse cosine, in 0..pi; NaN outside -1..1
---@return moonlab.Tensor
function Tensor:acos() end

--- inverse tangent, in -pi/2..pi/2
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.atan(x) end

--- inverse tangent, in -pi/2..pi/2
---@return moonlab.Tensor
function Tensor:atan() end

--- hyperbolic sine
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.sinh(x) end

--- hyperbolic sine
---@return moonlab.Tensor
function Tensor:sinh() end

--- hyperbolic cosine
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.cosh(x) end

--- hyperbolic cosine
---@return moonlab.Tensor
function Tensor:cosh() end

--- hyperbolic tangent
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.tanh(x) end

--- hyperbolic tangent
---@return moonlab.Tensor
function Tensor:tanh() end

--- inverse hyperbolic sine
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.asinh(x) end

--- inverse hyperbolic sine
---@return moonlab.Tensor
function Tensor:asinh() end

--- inverse hyperbolic cosine; NaN below 1
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.acosh(x) end

--- inverse hyperbolic cosine; NaN below 1
---@return moonlab.Tensor
function Tensor:acosh() end

--- inverse hyperbolic tangent; NaN outside -1..1
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.atanh(x) end

--- inverse hyperbolic tangent; NaN outside -1..1
---@return moonlab.Tensor
function Tensor:atanh() end

--- 1 / (1 + e^-x)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.sigmoid(x) end

--- 1 / (1 + e^-x)
---@return moonlab.Tensor
function Tensor:sigmoid() end

--- error function
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.erf(x) end

--- error function
---@return moonlab.Tensor
function Tensor:erf() end

--- 1 - erf(x), exact in the tail
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.erfc(x) end

--- 1 - erf(x), exact in the tail
---@return moonlab.Tensor
function Tensor:erfc() end

--- inverse error function; NaN outside -1..1
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.erfinv(x) end

--- inverse error function; NaN outside -1..1
---@return moonlab.Tensor
function Tensor:erfinv() end

--- log(1 + e^x), without overflow
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.softplus(x) end

--- log(1 + e^x), without overflow
---@return moonlab.Tensor
function Tensor:softplus() end

--- max(x, 0); its derivative at 0 is 0
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.relu(x) end

--- max(x, 0); its derivative at 0 is 0
---@return moonlab.Tensor
function Tensor:relu() end

---@class moonlab.LeakyReluOptions
---@field slope? number

--- x for x > 0, else slope * x
---@param x moonlab.Tensor|number
---@param slope? number|moonlab.LeakyReluOptions
---@return moonlab.Tensor
function ml.leaky_relu(x, slope) end

--- x for x > 0, else slope * x
---@param slope? number|moonlab.LeakyReluOptions
---@return moonlab.Tensor
function Tensor:leaky_relu(slope) end

---@class moonlab.EluOptions
---@field alpha? number

--- x for x > 0, else alpha (e^x - 1)
---@param x moonlab.Tensor|number
---@param alpha? number|moonlab.EluOptions
---@return moonlab.Tensor
function ml.elu(x, alpha) end

--- x for x > 0, else alpha (e^x - 1)
---@param alpha? number|moonlab.EluOptions
---@return moonlab.Tensor
function Tensor:elu(alpha) end

---@class moonlab.GeluOptions
---@field tanh? boolean

--- x times the normal distribution function at x; tanh: its approximation by tanh (Hendrycks & Gimpel 2016)
---@param x moonlab.Tensor|number
---@param tanh? boolean|moonlab.GeluOptions
---@return moonlab.Tensor
function ml.gelu(x, tanh) end

--- x times the normal distribution function at x; tanh: its approximation by tanh (Hendrycks & Gimpel 2016)
---@param tanh? boolean|moonlab.GeluOptions
---@return moonlab.Tensor
function Tensor:gelu(tanh) end

--- x * sigmoid(x), also called swish
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.silu(x) end

--- x * sigmoid(x), also called swish
---@return moonlab.Tensor
function Tensor:silu() end

--- x * tanh(softplus(x))
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.mish(x) end

--- x * tanh(softplus(x))
---@return moonlab.Tensor
function Tensor:mish() end

--- log of sigmoid, without underflow
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.log_sigmoid(x) end

--- log of sigmoid, without underflow
---@return moonlab.Tensor
function Tensor:log_sigmoid() end

--- x / (1 + |x|)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.softsign(x) end

--- x / (1 + |x|)
---@return moonlab.Tensor
function Tensor:softsign() end

--- 1 where x > 0, else 0; no derivative
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.step(x) end

--- 1 where x > 0, else 0; no derivative
---@return moonlab.Tensor
function Tensor:step() end

--- largest integer <= x; no derivative
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.floor(x) end

--- largest integer <= x; no derivative
---@return moonlab.Tensor
function Tensor:floor() end

--- smallest integer >= x; no derivative
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.ceil(x) end

--- smallest integer >= x; no derivative
---@return moonlab.Tensor
function Tensor:ceil() end

--- nearest integer, halves to even; no derivative
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.round(x) end

--- nearest integer, halves to even; no derivative
---@return moonlab.Tensor
function Tensor:round() end

--- the integer part, towards 0; no derivative
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.trunc(x) end

--- the integer part, towards 0; no derivative
---@return moonlab.Tensor
function Tensor:trunc() end

--- x - trunc(x), with the sign of x
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.frac(x) end

--- x - trunc(x), with the sign of x
---@return moonlab.Tensor
function Tensor:frac() end

---@class moonlab.ClampOptions
---@field min? number
---@field max? number

--- x, but at least min and at most max; the derivative is 1 within the bounds and at them
---@param x moonlab.Tensor|number
---@param min? number|moonlab.ClampOptions
---@param max? number|moonlab.ClampOptions
---@return moonlab.Tensor
function ml.clamp(x, min, max) end

--- x, but at least min and at most max; the derivative is 1 within the bounds and at them
---@param min? number|moonlab.ClampOptions
---@param max? number|moonlab.ClampOptions
---@return moonlab.Tensor
function Tensor:clamp(min, max) end

---@class moonlab.NanToNumOptions
---@field nan? number
---@field posinf? number
---@field neginf? number

--- x, but nan for NaN and posinf, neginf for infinities; those not given become the greatest finite values
---@param x moonlab.Tensor|number
---@param nan? number|moonlab.NanToNumOptions
---@param posinf? number|moonlab.NanToNumOptions
---@param neginf? number|moonlab.NanToNumOptions
---@return moonlab.Tensor
function ml.nan_to_num(x, nan, posinf, neginf) end

--- x, but nan for NaN and posinf, neginf for infinities; those not given become the greatest finite values
---@param nan? number|moonlab.NanToNumOptions
---@param posinf? number|moonlab.NanToNumOptions
---@param neginf? number|moonlab.NanToNumOptions
---@return moonlab.Tensor
function Tensor:nan_to_num(nan, posinf, neginf) end

--- is NaN, as bool
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.isnan(x) end

--- is NaN, as bool
---@return moonlab.Tensor
function Tensor:isnan() end

--- is inf or -inf, as bool
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.isinf(x) end

--- is inf or -inf, as bool
---@return moonlab.Tensor
function Tensor:isinf() end

--- is neither NaN nor infinite, as bool
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.isfinite(x) end

--- is neither NaN nor infinite, as bool
---@return moonlab.Tensor
function Tensor:isfinite() end

--- x == 0, as bool
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.logical_not(x) end

--- x == 0, as bool
---@return moonlab.Tensor
function Tensor:logical_not() end

---@class moonlab.CastOptions
---@field dtype? moonlab.dtype

--- the same values in another dtype
---@param x moonlab.Tensor|number
---@param dtype? moonlab.dtype|moonlab.CastOptions
---@return moonlab.Tensor
function ml.cast(x, dtype) end

--- the same values in another dtype
---@param dtype? moonlab.dtype|moonlab.CastOptions
---@return moonlab.Tensor
function Tensor:cast(dtype) end

--- x + y
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.add(x, y) end

--- x + y
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:add(y) end

--- x - y
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.sub(x, y) end

--- x - y
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:sub(y) end

--- x * y, element by element
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.mul(x, y) end

--- x * y, element by element
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:mul(y) end

--- x / y; integers divide to the floor
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.div(x, y) end

--- x / y; integers divide to the floor
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:div(y) end

--- x - y floor(x / y): the sign of y, as Lua's %
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.remainder(x, y) end

--- x - y floor(x / y): the sign of y, as Lua's %
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:remainder(y) end

--- x ^ y
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.pow(x, y) end

--- x ^ y
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:pow(y) end

--- sqrt(x^2 + y^2), without overflow; its derivative at 0, 0 is 0
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.hypot(x, y) end

--- sqrt(x^2 + y^2), without overflow; its derivative at 0, 0 is 0
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:hypot(y) end

--- the angle of the point with height x and width y, in -pi..pi
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.atan2(x, y) end

--- the angle of the point with height x and width y, in -pi..pi
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:atan2(y) end

--- log(e^x + e^y), without overflow
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.logaddexp(x, y) end

--- log(e^x + e^y), without overflow
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:logaddexp(y) end

--- the larger of x and y; equal values share the derivative
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.maximum(x, y) end

--- the larger of x and y; equal values share the derivative
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:maximum(y) end

--- the smaller of x and y; equal values share the derivative
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.minimum(x, y) end

--- the smaller of x and y; equal values share the derivative
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:minimum(y) end

--- x == y, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.eq(x, y) end

--- x == y, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:eq(y) end

--- x ~= y, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.ne(x, y) end

--- x ~= y, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:ne(y) end

--- x < y, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.lt(x, y) end

--- x < y, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:lt(y) end

--- x <= y, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.le(x, y) end

--- x <= y, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:le(y) end

--- x > y, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.gt(x, y) end

--- x > y, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:gt(y) end

--- x >= y, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.ge(x, y) end

--- x >= y, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:ge(y) end

--- both are true, as bool; every number but 0 is true
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.logical_and(x, y) end

--- both are true, as bool; every number but 0 is true
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:logical_and(y) end

--- at least one is true, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.logical_or(x, y) end

--- at least one is true, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:logical_or(y) end

--- exactly one is true, as bool
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.logical_xor(x, y) end

--- exactly one is true, as bool
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:logical_xor(y) end

--- x + z (y - x): from x to y as z goes from 0 to 1
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@return moonlab.Tensor
function ml.lerp(x, y, z) end

--- x + z (y - x): from x to y as z goes from 0 to 1
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:lerp(y, z) end

--- x where the condition holds, else y: where(condition, x, y)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@return moonlab.Tensor
function ml.where(x, y, z) end

--- x where the condition holds, else y: where(condition, x, y)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:where(y, z) end

---@class moonlab.SumOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- sum over dims (all when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.SumOptions
---@param keepdim? boolean|moonlab.SumOptions
---@return moonlab.Tensor
function ml.sum(x, dims, keepdim) end

--- sum over dims (all when none given)
---@param dims? integer|integer[]|moonlab.SumOptions
---@param keepdim? boolean|moonlab.SumOptions
---@return moonlab.Tensor
function Tensor:sum(dims, keepdim) end

---@class moonlab.MeanOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- mean over dims (all when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.MeanOptions
---@param keepdim? boolean|moonlab.MeanOptions
---@return moonlab.Tensor
function ml.mean(x, dims, keepdim) end

--- mean over dims (all when none given)
---@param dims? integer|integer[]|moonlab.MeanOptions
---@param keepdim? boolean|moonlab.MeanOptions
---@return moonlab.Tensor
function Tensor:mean(dims, keepdim) end

---@class moonlab.MaxOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- largest value over dims; equal values share the derivative
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.MaxOptions
---@param keepdim? boolean|moonlab.MaxOptions
---@return moonlab.Tensor
function ml.max(x, dims, keepdim) end

--- largest value over dims; equal values share the derivative
---@param dims? integer|integer[]|moonlab.MaxOptions
---@param keepdim? boolean|moonlab.MaxOptions
---@return moonlab.Tensor
function Tensor:max(dims, keepdim) end

---@class moonlab.MinOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- smallest value over dims; equal values share the derivative
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.MinOptions
---@param keepdim? boolean|moonlab.MinOptions
---@return moonlab.Tensor
function ml.min(x, dims, keepdim) end

--- smallest value over dims; equal values share the derivative
---@param dims? integer|integer[]|moonlab.MinOptions
---@param keepdim? boolean|moonlab.MinOptions
---@return moonlab.Tensor
function Tensor:min(dims, keepdim) end

---@class moonlab.ArgmaxOptions
---@field dim? integer
---@field keepdim? boolean

--- position of the first largest value along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.ArgmaxOptions
---@param keepdim? boolean|moonlab.ArgmaxOptions
---@return moonlab.Tensor
function ml.argmax(x, dim, keepdim) end

--- position of the first largest value along dim
---@param dim? integer|moonlab.ArgmaxOptions
---@param keepdim? boolean|moonlab.ArgmaxOptions
---@return moonlab.Tensor
function Tensor:argmax(dim, keepdim) end

---@class moonlab.ArgminOptions
---@field dim? integer
---@field keepdim? boolean

--- position of the first smallest value along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.ArgminOptions
---@param keepdim? boolean|moonlab.ArgminOptions
---@return moonlab.Tensor
function ml.argmin(x, dim, keepdim) end

--- position of the first smallest value along dim
---@param dim? integer|moonlab.ArgminOptions
---@param keepdim? boolean|moonlab.ArgminOptions
---@return moonlab.Tensor
function Tensor:argmin(dim, keepdim) end

---@class moonlab.LogsumexpOptions
---@field dim? integer
---@field keepdim? boolean

--- log of the sum of e^x along dim, without overflow
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.LogsumexpOptions
---@param keepdim? boolean|moonlab.LogsumexpOptions
---@return moonlab.Tensor
function ml.logsumexp(x, dim, keepdim) end

--- log of the sum of e^x along dim, without overflow
---@param dim? integer|moonlab.LogsumexpOptions
---@param keepdim? boolean|moonlab.LogsumexpOptions
---@return moonlab.Tensor
function Tensor:logsumexp(dim, keepdim) end

---@class moonlab.ProdOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- product over dims (all when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.ProdOptions
---@param keepdim? boolean|moonlab.ProdOptions
---@return moonlab.Tensor
function ml.prod(x, dims, keepdim) end

--- product over dims (all when none given)
---@param dims? integer|integer[]|moonlab.ProdOptions
---@param keepdim? boolean|moonlab.ProdOptions
---@return moonlab.Tensor
function Tensor:prod(dims, keepdim) end

---@class moonlab.AnyOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- is anything true, not 0, over dims (all when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.AnyOptions
---@param keepdim? boolean|moonlab.AnyOptions
---@return moonlab.Tensor
function ml.any(x, dims, keepdim) end

--- is anything true, not 0, over dims (all when none given)
---@param dims? integer|integer[]|moonlab.AnyOptions
---@param keepdim? boolean|moonlab.AnyOptions
---@return moonlab.Tensor
function Tensor:any(dims, keepdim) end

---@class moonlab.AllOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- is everything true, not 0, over dims (all when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.AllOptions
---@param keepdim? boolean|moonlab.AllOptions
---@return moonlab.Tensor
function ml.all(x, dims, keepdim) end

--- is everything true, not 0, over dims (all when none given)
---@param dims? integer|integer[]|moonlab.AllOptions
---@param keepdim? boolean|moonlab.AllOptions
---@return moonlab.Tensor
function Tensor:all(dims, keepdim) end

---@class moonlab.CountNonzeroOptions
---@field dims? integer|integer[]
---@field keepdim? boolean

--- how many are not 0, over dims (all when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.CountNonzeroOptions
---@param keepdim? boolean|moonlab.CountNonzeroOptions
---@return moonlab.Tensor
function ml.count_nonzero(x, dims, keepdim) end

--- how many are not 0, over dims (all when none given)
---@param dims? integer|integer[]|moonlab.CountNonzeroOptions
---@param keepdim? boolean|moonlab.CountNonzeroOptions
---@return moonlab.Tensor
function Tensor:count_nonzero(dims, keepdim) end

---@class moonlab.VarOptions
---@field dims? integer|integer[]
---@field keepdim? boolean
---@field correction? integer

--- variance over dims (all when none given): squares about the mean, divided by n - correction
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.VarOptions
---@param keepdim? boolean|moonlab.VarOptions
---@param correction? integer|moonlab.VarOptions
---@return moonlab.Tensor
function ml.var(x, dims, keepdim, correction) end

--- variance over dims (all when none given): squares about the mean, divided by n - correction
---@param dims? integer|integer[]|moonlab.VarOptions
---@param keepdim? boolean|moonlab.VarOptions
---@param correction? integer|moonlab.VarOptions
---@return moonlab.Tensor
function Tensor:var(dims, keepdim, correction) end

---@class moonlab.StdOptions
---@field dims? integer|integer[]
---@field keepdim? boolean
---@field correction? integer

--- square root of var; the derivative where all are equal is 0
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.StdOptions
---@param keepdim? boolean|moonlab.StdOptions
---@param correction? integer|moonlab.StdOptions
---@return moonlab.Tensor
function ml.std(x, dims, keepdim, correction) end

--- square root of var; the derivative where all are equal is 0
---@param dims? integer|integer[]|moonlab.StdOptions
---@param keepdim? boolean|moonlab.StdOptions
---@param correction? integer|moonlab.StdOptions
---@return moonlab.Tensor
function Tensor:std(dims, keepdim, correction) end

---@class moonlab.NormOptions
---@field p? number
---@field dims? integer|integer[]
---@field keepdim? boolean

--- (sum |x|^p)^(1/p) over dims (all when none given); p = inf: the largest, 0: how many are not 0; the derivative at 0 is 0
---@param x moonlab.Tensor|number
---@param p? number|moonlab.NormOptions
---@param dims? integer|integer[]|moonlab.NormOptions
---@param keepdim? boolean|moonlab.NormOptions
---@return moonlab.Tensor
function ml.norm(x, p, dims, keepdim) end

--- (sum |x|^p)^(1/p) over dims (all when none given); p = inf: the largest, 0: how many are not 0; the derivative at 0 is 0
---@param p? number|moonlab.NormOptions
---@param dims? integer|integer[]|moonlab.NormOptions
---@param keepdim? boolean|moonlab.NormOptions
---@return moonlab.Tensor
function Tensor:norm(p, dims, keepdim) end

---@class moonlab.CumsumOptions
---@field dim? integer
---@field reverse? boolean

--- running sum along dim; reverse: from the end
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.CumsumOptions
---@param reverse? boolean|moonlab.CumsumOptions
---@return moonlab.Tensor
function ml.cumsum(x, dim, reverse) end

--- running sum along dim; reverse: from the end
---@param dim? integer|moonlab.CumsumOptions
---@param reverse? boolean|moonlab.CumsumOptions
---@return moonlab.Tensor
function Tensor:cumsum(dim, reverse) end

---@class moonlab.CumprodOptions
---@field dim? integer

--- running product along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.CumprodOptions
---@return moonlab.Tensor
function ml.cumprod(x, dim) end

--- running product along dim
---@param dim? integer|moonlab.CumprodOptions
---@return moonlab.Tensor
function Tensor:cumprod(dim) end

---@class moonlab.CummaxOptions
---@field dim? integer

--- largest value so far along dim; NaN from where there is one; equal values share the derivative
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.CummaxOptions
---@return moonlab.Tensor
function ml.cummax(x, dim) end

--- largest value so far along dim; NaN from where there is one; equal values share the derivative
---@param dim? integer|moonlab.CummaxOptions
---@return moonlab.Tensor
function Tensor:cummax(dim) end

---@class moonlab.KthvalueOptions
---@field k? integer
---@field dim? integer
---@field keepdim? boolean

--- the k-th smallest value along dim, k from 1; NaN counts as the largest
---@param x moonlab.Tensor|number
---@param k? integer|moonlab.KthvalueOptions
---@param dim? integer|moonlab.KthvalueOptions
---@param keepdim? boolean|moonlab.KthvalueOptions
---@return moonlab.Tensor
function ml.kthvalue(x, k, dim, keepdim) end

--- the k-th smallest value along dim, k from 1; NaN counts as the largest
---@param k? integer|moonlab.KthvalueOptions
---@param dim? integer|moonlab.KthvalueOptions
---@param keepdim? boolean|moonlab.KthvalueOptions
---@return moonlab.Tensor
function Tensor:kthvalue(k, dim, keepdim) end

---@class moonlab.MedianOptions
---@field dim? integer
---@field keepdim? boolean

--- middle value along dim, the lower of two; NaN if any is
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.MedianOptions
---@param keepdim? boolean|moonlab.MedianOptions
---@return moonlab.Tensor
function ml.median(x, dim, keepdim) end

--- middle value along dim, the lower of two; NaN if any is
---@param dim? integer|moonlab.MedianOptions
---@param keepdim? boolean|moonlab.MedianOptions
---@return moonlab.Tensor
function Tensor:median(dim, keepdim) end

---@class moonlab.QuantileOptions
---@field q? number
---@field dim? integer
---@field keepdim? boolean

--- the value below which a share q of those along dim lies, linear between neighbours; NaN if any is
---@param x moonlab.Tensor|number
---@param q? number|moonlab.QuantileOptions
---@param dim? integer|moonlab.QuantileOptions
---@param keepdim? boolean|moonlab.QuantileOptions
---@return moonlab.Tensor
function ml.quantile(x, q, dim, keepdim) end

--- the value below which a share q of those along dim lies, linear between neighbours; NaN if any is
---@param q? number|moonlab.QuantileOptions
---@param dim? integer|moonlab.QuantileOptions
---@param keepdim? boolean|moonlab.QuantileOptions
---@return moonlab.Tensor
function Tensor:quantile(q, dim, keepdim) end

---@class moonlab.HistogramOptions
---@field bins? integer
---@field low? number
---@field high? number

--- how many values lie in each of bins equal parts of low..high, high included (their own range when low = high); i64
---@param x moonlab.Tensor|number
---@param bins? integer|moonlab.HistogramOptions
---@param low? number|moonlab.HistogramOptions
---@param high? number|moonlab.HistogramOptions
---@return moonlab.Tensor
function ml.histogram(x, bins, low, high) end

--- how many values lie in each of bins equal parts of low..high, high included (their own range when low = high); i64
---@param bins? integer|moonlab.HistogramOptions
---@param low? number|moonlab.HistogramOptions
---@param high? number|moonlab.HistogramOptions
---@return moonlab.Tensor
function Tensor:histogram(bins, low, high) end

---@class moonlab.ReshapeOptions
---@field shape? integer|integer[]

--- the same values in another shape, copied only where they must be; one size may be -1
---@param x moonlab.Tensor|number
---@param shape? integer|integer[]|moonlab.ReshapeOptions
---@param ... integer
---@return moonlab.Tensor
function ml.reshape(x, shape, ...) end

--- the same values in another shape, copied only where they must be; one size may be -1
---@param shape? integer|integer[]|moonlab.ReshapeOptions
---@param ... integer
---@return moonlab.Tensor
function Tensor:reshape(shape, ...) end

---@class moonlab.ViewOptions
---@field shape? integer|integer[]

--- as reshape, but refuses to copy: fails where the values do not lie in that order
---@param x moonlab.Tensor|number
---@param shape? integer|integer[]|moonlab.ViewOptions
---@param ... integer
---@return moonlab.Tensor
function ml.view(x, shape, ...) end

--- as reshape, but refuses to copy: fails where the values do not lie in that order
---@param shape? integer|integer[]|moonlab.ViewOptions
---@param ... integer
---@return moonlab.Tensor
function Tensor:view(shape, ...) end

---@class moonlab.ExpandOptions
---@field shape? integer|integer[]

--- repeats along dimensions of size 1, without a copy
---@param x moonlab.Tensor|number
---@param shape? integer|integer[]|moonlab.ExpandOptions
---@param ... integer
---@return moonlab.Tensor
function ml.expand(x, shape, ...) end

--- repeats along dimensions of size 1, without a copy
---@param shape? integer|integer[]|moonlab.ExpandOptions
---@param ... integer
---@return moonlab.Tensor
function Tensor:expand(shape, ...) end

---@class moonlab.SumToOptions
---@field shape? integer|integer[]

--- undoes expand: sums to a smaller shape
---@param x moonlab.Tensor|number
---@param shape? integer|integer[]|moonlab.SumToOptions
---@param ... integer
---@return moonlab.Tensor
function ml.sum_to(x, shape, ...) end

--- undoes expand: sums to a smaller shape
---@param shape? integer|integer[]|moonlab.SumToOptions
---@param ... integer
---@return moonlab.Tensor
function Tensor:sum_to(shape, ...) end

---@class moonlab.PermuteOptions
---@field dims? integer|integer[]

--- dimensions in another order
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.PermuteOptions
---@return moonlab.Tensor
function ml.permute(x, dims) end

--- dimensions in another order
---@param dims? integer|integer[]|moonlab.PermuteOptions
---@return moonlab.Tensor
function Tensor:permute(dims) end

---@class moonlab.TransposeOptions
---@field dim1? integer
---@field dim2? integer

--- swaps two dimensions
---@param x moonlab.Tensor|number
---@param dim1? integer|moonlab.TransposeOptions
---@param dim2? integer|moonlab.TransposeOptions
---@return moonlab.Tensor
function ml.transpose(x, dim1, dim2) end

--- swaps two dimensions
---@param dim1? integer|moonlab.TransposeOptions
---@param dim2? integer|moonlab.TransposeOptions
---@return moonlab.Tensor
function Tensor:transpose(dim1, dim2) end

---@class moonlab.MovedimOptions
---@field source? integer
---@field destination? integer

--- one dimension moved to another place
---@param x moonlab.Tensor|number
---@param source? integer|moonlab.MovedimOptions
---@param destination? integer|moonlab.MovedimOptions
---@return moonlab.Tensor
function ml.movedim(x, source, destination) end

--- one dimension moved to another place
---@param source? integer|moonlab.MovedimOptions
---@param destination? integer|moonlab.MovedimOptions
---@return moonlab.Tensor
function Tensor:movedim(source, destination) end

---@class moonlab.SqueezeOptions
---@field dims? integer|integer[]

--- without dims of size 1 (all of them when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.SqueezeOptions
---@return moonlab.Tensor
function ml.squeeze(x, dims) end

--- without dims of size 1 (all of them when none given)
---@param dims? integer|integer[]|moonlab.SqueezeOptions
---@return moonlab.Tensor
function Tensor:squeeze(dims) end

---@class moonlab.UnsqueezeOptions
---@field dim? integer

--- with one more dimension, of size 1, at dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.UnsqueezeOptions
---@return moonlab.Tensor
function ml.unsqueeze(x, dim) end

--- with one more dimension, of size 1, at dim
---@param dim? integer|moonlab.UnsqueezeOptions
---@return moonlab.Tensor
function Tensor:unsqueeze(dim) end

---@class moonlab.FlattenOptions
---@field start_dim? integer
---@field end_dim? integer

--- dimensions start_dim..end_dim as one
---@param x moonlab.Tensor|number
---@param start_dim? integer|moonlab.FlattenOptions
---@param end_dim? integer|moonlab.FlattenOptions
---@return moonlab.Tensor
function ml.flatten(x, start_dim, end_dim) end

--- dimensions start_dim..end_dim as one
---@param start_dim? integer|moonlab.FlattenOptions
---@param end_dim? integer|moonlab.FlattenOptions
---@return moonlab.Tensor
function Tensor:flatten(start_dim, end_dim) end

---@class moonlab.SliceOptions
---@field dim? integer
---@field start? integer
---@field stop? integer
---@field step? integer

--- positions start..stop by step along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.SliceOptions
---@param start? integer|moonlab.SliceOptions
---@param stop? integer|moonlab.SliceOptions
---@param step? integer|moonlab.SliceOptions
---@return moonlab.Tensor
function ml.slice(x, dim, start, stop, step) end

--- positions start..stop by step along dim
---@param dim? integer|moonlab.SliceOptions
---@param start? integer|moonlab.SliceOptions
---@param stop? integer|moonlab.SliceOptions
---@param step? integer|moonlab.SliceOptions
---@return moonlab.Tensor
function Tensor:slice(dim, start, stop, step) end

---@class moonlab.UnsliceOptions
---@field dim? integer
---@field start? integer
---@field size? integer
---@field step? integer

--- undoes slice: zeros of length size along dim, x at start, start+step, ...
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.UnsliceOptions
---@param start? integer|moonlab.UnsliceOptions
---@param size? integer|moonlab.UnsliceOptions
---@param step? integer|moonlab.UnsliceOptions
---@return moonlab.Tensor
function ml.unslice(x, dim, start, size, step) end

--- undoes slice: zeros of length size along dim, x at start, start+step, ...
---@param dim? integer|moonlab.UnsliceOptions
---@param start? integer|moonlab.UnsliceOptions
---@param size? integer|moonlab.UnsliceOptions
---@param step? integer|moonlab.UnsliceOptions
---@return moonlab.Tensor
function Tensor:unslice(dim, start, size, step) end

---@class moonlab.CatOptions
---@field dim? integer

--- joins tensors along dim
---@param xs moonlab.Tensor[]
---@param dim? integer|moonlab.CatOptions
---@return moonlab.Tensor
function ml.cat(xs, dim) end

---@class moonlab.StackOptions
---@field dim? integer

--- joins tensors of one shape along a new dimension
---@param xs moonlab.Tensor[]
---@param dim? integer|moonlab.StackOptions
---@return moonlab.Tensor
function ml.stack(xs, dim) end

---@class moonlab.FlipOptions
---@field dims? integer|integer[]

--- reverses the order along dims (all when none given)
---@param x moonlab.Tensor|number
---@param dims? integer|integer[]|moonlab.FlipOptions
---@return moonlab.Tensor
function ml.flip(x, dims) end

--- reverses the order along dims (all when none given)
---@param dims? integer|integer[]|moonlab.FlipOptions
---@return moonlab.Tensor
function Tensor:flip(dims) end

---@class moonlab.RollOptions
---@field shifts? integer|integer[]
---@field dims? integer|integer[]

--- moves each value shifts places along dims, round the end; without dims in the order of memory
---@param x moonlab.Tensor|number
---@param shifts? integer|integer[]|moonlab.RollOptions
---@param dims? integer|integer[]|moonlab.RollOptions
---@return moonlab.Tensor
function ml.roll(x, shifts, dims) end

--- moves each value shifts places along dims, round the end; without dims in the order of memory
---@param shifts? integer|integer[]|moonlab.RollOptions
---@param dims? integer|integer[]|moonlab.RollOptions
---@return moonlab.Tensor
function Tensor:roll(shifts, dims) end

---@class moonlab.TileOptions
---@field repeats? integer|integer[]

--- x repeated: repeats[d] times along dimension d, the last with the last
---@param x moonlab.Tensor|number
---@param repeats? integer|integer[]|moonlab.TileOptions
---@param ... integer
---@return moonlab.Tensor
function ml.tile(x, repeats, ...) end

--- x repeated: repeats[d] times along dimension d, the last with the last
---@param repeats? integer|integer[]|moonlab.TileOptions
---@param ... integer
---@return moonlab.Tensor
function Tensor:tile(repeats, ...) end

---@class moonlab.RepeatInterleaveOptions
---@field repeats? integer
---@field dim? integer

--- each row along dim repeated, side by side
---@param x moonlab.Tensor|number
---@param repeats? integer|moonlab.RepeatInterleaveOptions
---@param dim? integer|moonlab.RepeatInterleaveOptions
---@return moonlab.Tensor
function ml.repeat_interleave(x, repeats, dim) end

--- each row along dim repeated, side by side
---@param repeats? integer|moonlab.RepeatInterleaveOptions
---@param dim? integer|moonlab.RepeatInterleaveOptions
---@return moonlab.Tensor
function Tensor:repeat_interleave(repeats, dim) end

---@class moonlab.PadOptions
---@field pad? integer|integer[]
---@field mode? "constant"|"reflect"|"replicate"|"circular"
---@field value? number

--- more at the ends: pad = { before, after } of the last dimension, then of the one before, ...; negative cuts
---@param x moonlab.Tensor|number
---@param pad? integer|integer[]|moonlab.PadOptions
---@param mode? "constant"|"reflect"|"replicate"|"circular"|moonlab.PadOptions
---@param value? number|moonlab.PadOptions
---@return moonlab.Tensor
function ml.pad(x, pad, mode, value) end

--- more at the ends: pad = { before, after } of the last dimension, then of the one before, ...; negative cuts
---@param pad? integer|integer[]|moonlab.PadOptions
---@param mode? "constant"|"reflect"|"replicate"|"circular"|moonlab.PadOptions
---@param value? number|moonlab.PadOptions
---@return moonlab.Tensor
function Tensor:pad(pad, mode, value) end

---@class moonlab.DiagonalOptions
---@field offset? integer
---@field dim1? integer
---@field dim2? integer

--- the diagonal of dim1 and dim2, offset to the right, as the last dimension
---@param x moonlab.Tensor|number
---@param offset? integer|moonlab.DiagonalOptions
---@param dim1? integer|moonlab.DiagonalOptions
---@param dim2? integer|moonlab.DiagonalOptions
---@return moonlab.Tensor
function ml.diagonal(x, offset, dim1, dim2) end

--- the diagonal of dim1 and dim2, offset to the right, as the last dimension
---@param offset? integer|moonlab.DiagonalOptions
---@param dim1? integer|moonlab.DiagonalOptions
---@param dim2? integer|moonlab.DiagonalOptions
---@return moonlab.Tensor
function Tensor:diagonal(offset, dim1, dim2) end

---@class moonlab.DiagEmbedOptions
---@field offset? integer
---@field dim1? integer
---@field dim2? integer

--- matrices over dim1 and dim2 with the last dimension on the diagonal, offset to the right
---@param x moonlab.Tensor|number
---@param offset? integer|moonlab.DiagEmbedOptions
---@param dim1? integer|moonlab.DiagEmbedOptions
---@param dim2? integer|moonlab.DiagEmbedOptions
---@return moonlab.Tensor
function ml.diag_embed(x, offset, dim1, dim2) end

--- matrices over dim1 and dim2 with the last dimension on the diagonal, offset to the right
---@param offset? integer|moonlab.DiagEmbedOptions
---@param dim1? integer|moonlab.DiagEmbedOptions
---@param dim2? integer|moonlab.DiagEmbedOptions
---@return moonlab.Tensor
function Tensor:diag_embed(offset, dim1, dim2) end

---@class moonlab.TrilOptions
---@field diagonal? integer

--- matrices without what lies above the diagonal, or the one that many to the right
---@param x moonlab.Tensor|number
---@param diagonal? integer|moonlab.TrilOptions
---@return moonlab.Tensor
function ml.tril(x, diagonal) end

--- matrices without what lies above the diagonal, or the one that many to the right
---@param diagonal? integer|moonlab.TrilOptions
---@return moonlab.Tensor
function Tensor:tril(diagonal) end

---@class moonlab.TriuOptions
---@field diagonal? integer

--- matrices without what lies below the diagonal, or the one that many to the right
---@param x moonlab.Tensor|number
---@param diagonal? integer|moonlab.TriuOptions
---@return moonlab.Tensor
function ml.triu(x, diagonal) end

--- matrices without what lies below the diagonal, or the one that many to the right
---@param diagonal? integer|moonlab.TriuOptions
---@return moonlab.Tensor
function Tensor:triu(diagonal) end

---@class moonlab.UnfoldOptions
---@field dim? integer
---@field size? integer
---@field step? integer

--- windows of size along dim, each step further: (..., n, ...) -> (..., windows, ..., size), a view
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.UnfoldOptions
---@param size? integer|moonlab.UnfoldOptions
---@param step? integer|moonlab.UnfoldOptions
---@return moonlab.Tensor
function ml.unfold(x, dim, size, step) end

--- windows of size along dim, each step further: (..., n, ...) -> (..., windows, ..., size), a view
---@param dim? integer|moonlab.UnfoldOptions
---@param size? integer|moonlab.UnfoldOptions
---@param step? integer|moonlab.UnfoldOptions
---@return moonlab.Tensor
function Tensor:unfold(dim, size, step) end

---@class moonlab.OverlapAddOptions
---@field dim? integer
---@field size? integer
---@field step? integer

--- undoes unfold: adds windows (..., windows, ..., k) into zeros of length size along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.OverlapAddOptions
---@param size? integer|moonlab.OverlapAddOptions
---@param step? integer|moonlab.OverlapAddOptions
---@return moonlab.Tensor
function ml.overlap_add(x, dim, size, step) end

--- undoes unfold: adds windows (..., windows, ..., k) into zeros of length size along dim
---@param dim? integer|moonlab.OverlapAddOptions
---@param size? integer|moonlab.OverlapAddOptions
---@param step? integer|moonlab.OverlapAddOptions
---@return moonlab.Tensor
function Tensor:overlap_add(dim, size, step) end

--- the same values, row-major in memory
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.contiguous(x) end

--- the same values, row-major in memory
---@return moonlab.Tensor
function Tensor:contiguous() end

--- rows of x (v, ...) at ids (...) -> (ids..., ...)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.embedding(x, y) end

--- rows of x (v, ...) at ids (...) -> (ids..., ...)
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:embedding(y) end

---@class moonlab.IndexSelectOptions
---@field dim? integer

--- values of x (..., n, ...) at ids along dim -> (..., ids..., ...)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param dim? integer|moonlab.IndexSelectOptions
---@return moonlab.Tensor
function ml.index_select(x, y, dim) end

--- values of x (..., n, ...) at ids along dim -> (..., ids..., ...)
---@param y moonlab.Tensor|number
---@param dim? integer|moonlab.IndexSelectOptions
---@return moonlab.Tensor
function Tensor:index_select(y, dim) end

---@class moonlab.ScatterRowsOptions
---@field rows? integer
---@field dim? integer

--- undoes index_select: adds x (..., ids..., ...) into zeros (..., rows, ...) at ids along dim
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param rows? integer|moonlab.ScatterRowsOptions
---@param dim? integer|moonlab.ScatterRowsOptions
---@return moonlab.Tensor
function ml.scatter_rows(x, y, rows, dim) end

--- undoes index_select: adds x (..., ids..., ...) into zeros (..., rows, ...) at ids along dim
---@param y moonlab.Tensor|number
---@param rows? integer|moonlab.ScatterRowsOptions
---@param dim? integer|moonlab.ScatterRowsOptions
---@return moonlab.Tensor
function Tensor:scatter_rows(y, rows, dim) end

---@class moonlab.GatherOptions
---@field dim? integer

--- of x the value at position y along dim, for each element of y
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param dim? integer|moonlab.GatherOptions
---@return moonlab.Tensor
function ml.gather(x, y, dim) end

--- of x the value at position y along dim, for each element of y
---@param y moonlab.Tensor|number
---@param dim? integer|moonlab.GatherOptions
---@return moonlab.Tensor
function Tensor:gather(y, dim) end

---@class moonlab.ScatterAddOptions
---@field dim? integer

--- x with each element of z added at position y along dim
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param dim? integer|moonlab.ScatterAddOptions
---@return moonlab.Tensor
function ml.scatter_add(x, y, z, dim) end

--- x with each element of z added at position y along dim
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param dim? integer|moonlab.ScatterAddOptions
---@return moonlab.Tensor
function Tensor:scatter_add(y, z, dim) end

---@class moonlab.ScatterOptions
---@field dim? integer

--- x with each element of z written at position y along dim; of several at one place the last one stays
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param dim? integer|moonlab.ScatterOptions
---@return moonlab.Tensor
function ml.scatter(x, y, z, dim) end

--- x with each element of z written at position y along dim; of several at one place the last one stays
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param dim? integer|moonlab.ScatterOptions
---@return moonlab.Tensor
function Tensor:scatter(y, z, dim) end

--- values of x at positions y, which count through all of x in order
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.take(x, y) end

--- values of x at positions y, which count through all of x in order
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:take(y) end

--- values of x (or rows, ...) where the mask, over its first dimensions, holds: as many as that is
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.masked_select(x, y) end

--- values of x (or rows, ...) where the mask, over its first dimensions, holds: as many as that is
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:masked_select(y) end

--- positions of what is not 0: (count, dimensions of x)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.nonzero(x) end

--- positions of what is not 0: (count, dimensions of x)
---@return moonlab.Tensor
function Tensor:nonzero() end

---@class moonlab.ArgsortOptions
---@field dim? integer
---@field descending? boolean

--- positions of the values in order along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.ArgsortOptions
---@param descending? boolean|moonlab.ArgsortOptions
---@return moonlab.Tensor
function ml.argsort(x, dim, descending) end

--- positions of the values in order along dim
---@param dim? integer|moonlab.ArgsortOptions
---@param descending? boolean|moonlab.ArgsortOptions
---@return moonlab.Tensor
function Tensor:argsort(dim, descending) end

---@class moonlab.ArgtopkOptions
---@field k? integer
---@field dim? integer
---@field largest? boolean

--- positions of the k largest (or smallest) values along dim, in order
---@param x moonlab.Tensor|number
---@param k? integer|moonlab.ArgtopkOptions
---@param dim? integer|moonlab.ArgtopkOptions
---@param largest? boolean|moonlab.ArgtopkOptions
---@return moonlab.Tensor
function ml.argtopk(x, k, dim, largest) end

--- positions of the k largest (or smallest) values along dim, in order
---@param k? integer|moonlab.ArgtopkOptions
---@param dim? integer|moonlab.ArgtopkOptions
---@param largest? boolean|moonlab.ArgtopkOptions
---@return moonlab.Tensor
function Tensor:argtopk(k, dim, largest) end

---@class moonlab.SearchsortedOptions
---@field right? boolean

--- where each y belongs in the sorted x (..., n): before equal values, or with right after them
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param right? boolean|moonlab.SearchsortedOptions
---@return moonlab.Tensor
function ml.searchsorted(x, y, right) end

--- where each y belongs in the sorted x (..., n): before equal values, or with right after them
---@param y moonlab.Tensor|number
---@param right? boolean|moonlab.SearchsortedOptions
---@return moonlab.Tensor
function Tensor:searchsorted(y, right) end

---@class moonlab.BincountOptions
---@field classes? integer

--- how often each id occurs: i64 (classes); without classes as many as the largest id needs
---@param x moonlab.Tensor|number
---@param classes? integer|moonlab.BincountOptions
---@return moonlab.Tensor
function ml.bincount(x, classes) end

--- how often each id occurs: i64 (classes); without classes as many as the largest id needs
---@param classes? integer|moonlab.BincountOptions
---@return moonlab.Tensor
function Tensor:bincount(classes) end

---@class moonlab.OneHotOptions
---@field classes? integer

--- ids (...) -> (..., classes): 1 at the id, else 0; f32
---@param x moonlab.Tensor|number
---@param classes? integer|moonlab.OneHotOptions
---@return moonlab.Tensor
function ml.one_hot(x, classes) end

--- ids (...) -> (..., classes): 1 at the id, else 0; f32
---@param classes? integer|moonlab.OneHotOptions
---@return moonlab.Tensor
function Tensor:one_hot(classes) end

--- (..., n, k) x (..., k, m) -> (..., n, m); a vector is a row on the left, a column on the right
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.matmul(x, y) end

--- (..., n, k) x (..., k, m) -> (..., n, m); a vector is a row on the left, a column on the right
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:matmul(y) end

--- (b, n, k) x (b, k, m) -> (b, n, m): one matrix product for each of the batch
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.bmm(x, y) end

--- (b, n, k) x (b, k, m) -> (b, n, m): one matrix product for each of the batch
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:bmm(y) end

--- sum of x_i y_i of two vectors: a single number
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.dot(x, y) end

--- sum of x_i y_i of two vectors: a single number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:dot(y) end

--- x_i y_j of two vectors: (n), (m) -> (n, m)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.outer(x, y) end

--- x_i y_j of two vectors: (n), (m) -> (n, m)
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:outer(y) end

--- Kronecker product: y once for each element of x, times it; (n, m), (k, l) -> (n k, m l)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.kron(x, y) end

--- Kronecker product: y once for each element of x, times it; (n, m), (k, l) -> (n k, m l)
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:kron(y) end

--- sum of the diagonal of each matrix: (..., n, m) -> (...)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.trace(x) end

--- sum of the diagonal of each matrix: (..., n, m) -> (...)
---@return moonlab.Tensor
function Tensor:trace() end

---@class moonlab.EinsumOptions
---@field equation? string

--- sums of products by letters: 'ij,jk->ik'; '...' stands for the dimensions without a letter
---@param xs moonlab.Tensor[]
---@param equation? string|moonlab.EinsumOptions
---@return moonlab.Tensor
function ml.einsum(xs, equation) end

---@class moonlab.LinearOptions
---@field act? "none"|"relu"|"tanh"|"sigmoid"

--- act(x w^T + b): x (..., k), w (m, k), b (m) -> (..., m); or a batch of all three
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.LinearOptions
---@return moonlab.Tensor
function ml.linear(x, y, z, act) end

--- act(x w^T + b): x (..., k), w (m, k), b (m) -> (..., m); or a batch of all three
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.LinearOptions
---@return moonlab.Tensor
function Tensor:linear(y, z, act) end

---@class moonlab.ActDxOptions
---@field act? "none"|"relu"|"tanh"|"sigmoid"

--- x times the slope of an activation, from its result y: what the derivative of linear is made of
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.ActDxOptions
---@return moonlab.Tensor
function ml.act_dx(x, y, act) end

--- x times the slope of an activation, from its result y: what the derivative of linear is made of
---@param y moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.ActDxOptions
---@return moonlab.Tensor
function Tensor:act_dx(y, act) end

---@class moonlab.TokenLinearOptions
---@field act? "none"|"relu"|"tanh"|"sigmoid"

--- linear of embedded tokens in one: ids (n, t), table (v, d), w (m, t d), b (m) -> (n, m)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.TokenLinearOptions
---@return moonlab.Tensor
function ml.token_linear(x, y, z, w, act) end

--- linear of embedded tokens in one: ids (n, t), table (v, d), w (m, t d), b (m) -> (n, m)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.TokenLinearOptions
---@return moonlab.Tensor
function Tensor:token_linear(y, z, w, act) end

---@class moonlab.SoftmaxOptions
---@field dim? integer

--- e^x / sum e^x along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.SoftmaxOptions
---@return moonlab.Tensor
function ml.softmax(x, dim) end

--- e^x / sum e^x along dim
---@param dim? integer|moonlab.SoftmaxOptions
---@return moonlab.Tensor
function Tensor:softmax(dim) end

---@class moonlab.LogSoftmaxOptions
---@field dim? integer

--- log of softmax along dim
---@param x moonlab.Tensor|number
---@param dim? integer|moonlab.LogSoftmaxOptions
---@return moonlab.Tensor
function ml.log_softmax(x, dim) end

--- log of softmax along dim
---@param dim? integer|moonlab.LogSoftmaxOptions
---@return moonlab.Tensor
function Tensor:log_softmax(dim) end

---@class moonlab.CrossEntropyOptions
---@field groups? integer

--- mean over rows of -log softmax(x)[label]: x (n, classes), labels (n); or one row: (classes), (); with groups, the mean of each of so many
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param groups? integer|moonlab.CrossEntropyOptions
---@return moonlab.Tensor
function ml.cross_entropy(x, y, groups) end

--- mean over rows of -log softmax(x)[label]: x (n, classes), labels (n); or one row: (classes), (); with groups, the mean of each of so many
---@param y moonlab.Tensor|number
---@param groups? integer|moonlab.CrossEntropyOptions
---@return moonlab.Tensor
function Tensor:cross_entropy(y, groups) end

--- mean of (x - y)^2
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.mse(x, y) end

--- mean of (x - y)^2
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:mse(y) end

---@class moonlab.WeightedCrossEntropyOptions
---@field label_smoothing? number
---@field reduction? "mean"|"sum"|"none"

--- cross entropy with a weight z (classes) for each class and smoothed labels (Szegedy et al. 2016); the mean is weighted too
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param label_smoothing? number|moonlab.WeightedCrossEntropyOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.WeightedCrossEntropyOptions
---@return moonlab.Tensor
function ml.weighted_cross_entropy(x, y, z, label_smoothing, reduction) end

--- cross entropy with a weight z (classes) for each class and smoothed labels (Szegedy et al. 2016); the mean is weighted too
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param label_smoothing? number|moonlab.WeightedCrossEntropyOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.WeightedCrossEntropyOptions
---@return moonlab.Tensor
function Tensor:weighted_cross_entropy(y, z, label_smoothing, reduction) end

---@class moonlab.BceWithLogitsOptions
---@field pos_weight? number
---@field reduction? "mean"|"sum"|"none"

--- -(pos_weight y log s + (1 - y) log(1 - s)) with s = sigmoid(x) and y in 0..1
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param pos_weight? number|moonlab.BceWithLogitsOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.BceWithLogitsOptions
---@return moonlab.Tensor
function ml.bce_with_logits(x, y, pos_weight, reduction) end

--- -(pos_weight y log s + (1 - y) log(1 - s)) with s = sigmoid(x) and y in 0..1
---@param y moonlab.Tensor|number
---@param pos_weight? number|moonlab.BceWithLogitsOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.BceWithLogitsOptions
---@return moonlab.Tensor
function Tensor:bce_with_logits(y, pos_weight, reduction) end

---@class moonlab.HingeOptions
---@field margin? number
---@field reduction? "mean"|"sum"|"none"

--- max(0, margin - x y)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param margin? number|moonlab.HingeOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.HingeOptions
---@return moonlab.Tensor
function ml.hinge(x, y, margin, reduction) end

--- max(0, margin - x y)
---@param y moonlab.Tensor|number
---@param margin? number|moonlab.HingeOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.HingeOptions
---@return moonlab.Tensor
function Tensor:hinge(y, margin, reduction) end

---@class moonlab.LogisticLossOptions
---@field reduction? "mean"|"sum"|"none"

--- log(1 + e^(-x y))
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param reduction? "mean"|"sum"|"none"|moonlab.LogisticLossOptions
---@return moonlab.Tensor
function ml.logistic_loss(x, y, reduction) end

--- log(1 + e^(-x y))
---@param y moonlab.Tensor|number
---@param reduction? "mean"|"sum"|"none"|moonlab.LogisticLossOptions
---@return moonlab.Tensor
function Tensor:logistic_loss(y, reduction) end

---@class moonlab.ExponentialLossOptions
---@field reduction? "mean"|"sum"|"none"

--- e^(-x y)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param reduction? "mean"|"sum"|"none"|moonlab.ExponentialLossOptions
---@return moonlab.Tensor
function ml.exponential_loss(x, y, reduction) end

--- e^(-x y)
---@param y moonlab.Tensor|number
---@param reduction? "mean"|"sum"|"none"|moonlab.ExponentialLossOptions
---@return moonlab.Tensor
function Tensor:exponential_loss(y, reduction) end

---@class moonlab.HuberOptions
---@field delta? number
---@field reduction? "mean"|"sum"|"none"

--- (x - y)^2 / 2 up to a distance of delta, delta (|x - y| - delta / 2) beyond (Huber 1964)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param delta? number|moonlab.HuberOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.HuberOptions
---@return moonlab.Tensor
function ml.huber(x, y, delta, reduction) end

--- (x - y)^2 / 2 up to a distance of delta, delta (|x - y| - delta / 2) beyond (Huber 1964)
---@param y moonlab.Tensor|number
---@param delta? number|moonlab.HuberOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.HuberOptions
---@return moonlab.Tensor
function Tensor:huber(y, delta, reduction) end

---@class moonlab.SmoothL1Options
---@field beta? number
---@field reduction? "mean"|"sum"|"none"

--- huber with delta = beta, over beta: |x - y| - beta / 2 far away; beta 0: |x - y|
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param beta? number|moonlab.SmoothL1Options
---@param reduction? "mean"|"sum"|"none"|moonlab.SmoothL1Options
---@return moonlab.Tensor
function ml.smooth_l1(x, y, beta, reduction) end

--- huber with delta = beta, over beta: |x - y| - beta / 2 far away; beta 0: |x - y|
---@param y moonlab.Tensor|number
---@param beta? number|moonlab.SmoothL1Options
---@param reduction? "mean"|"sum"|"none"|moonlab.SmoothL1Options
---@return moonlab.Tensor
function Tensor:smooth_l1(y, beta, reduction) end

---@class moonlab.KlDivOptions
---@field reduction? "mean"|"sum"|"none"

--- divergence of q = e^x from p = e^y, sum of p (log p - log q) along the last dimension, for each row; the mean is that of rows
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param reduction? "mean"|"sum"|"none"|moonlab.KlDivOptions
---@return moonlab.Tensor
function ml.kl_div(x, y, reduction) end

--- divergence of q = e^x from p = e^y, sum of p (log p - log q) along the last dimension, for each row; the mean is that of rows
---@param y moonlab.Tensor|number
---@param reduction? "mean"|"sum"|"none"|moonlab.KlDivOptions
---@return moonlab.Tensor
function Tensor:kl_div(y, reduction) end

---@class moonlab.MultiMarginOptions
---@field margin? number
---@field p? integer
---@field reduction? "mean"|"sum"|"none"

--- sum over other classes of max(0, margin - x[label] + x[other])^p, over the number of classes: x (n, classes), labels (n)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param margin? number|moonlab.MultiMarginOptions
---@param p? integer|moonlab.MultiMarginOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.MultiMarginOptions
---@return moonlab.Tensor
function ml.multi_margin(x, y, margin, p, reduction) end

--- sum over other classes of max(0, margin - x[label] + x[other])^p, over the number of classes: x (n, classes), labels (n)
---@param y moonlab.Tensor|number
---@param margin? number|moonlab.MultiMarginOptions
---@param p? integer|moonlab.MultiMarginOptions
---@param reduction? "mean"|"sum"|"none"|moonlab.MultiMarginOptions
---@return moonlab.Tensor
function Tensor:multi_margin(y, margin, p, reduction) end

--- x[label] - the largest x[other], for each row: x (n, classes), labels (n) -> (n)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.margin(x, y) end

--- x[label] - the largest x[other], for each row: x (n, classes), labels (n) -> (n)
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:margin(y) end

---@class moonlab.Conv2dOptions
---@field stride? integer|integer[]
---@field padding? integer|integer[]
---@field dilation? integer|integer[]
---@field groups? integer

--- x (n, c, h, w) correlated with w (o, c/groups, kh, kw) -> (n, o, h', w')
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dOptions
---@param padding? integer|integer[]|moonlab.Conv2dOptions
---@param dilation? integer|integer[]|moonlab.Conv2dOptions
---@param groups? integer|moonlab.Conv2dOptions
---@return moonlab.Tensor
function ml.conv2d(x, y, stride, padding, dilation, groups) end

--- x (n, c, h, w) correlated with w (o, c/groups, kh, kw) -> (n, o, h', w')
---@param y moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dOptions
---@param padding? integer|integer[]|moonlab.Conv2dOptions
---@param dilation? integer|integer[]|moonlab.Conv2dOptions
---@param groups? integer|moonlab.Conv2dOptions
---@return moonlab.Tensor
function Tensor:conv2d(y, stride, padding, dilation, groups) end

---@class moonlab.Conv2dDxOptions
---@field stride? integer|integer[]
---@field padding? integer|integer[]
---@field dilation? integer|integer[]
---@field groups? integer
---@field size? integer|integer[]

--- undoes the places of conv2d: x (n, o, h', w'), w (o, c/groups, kh, kw) -> (n, c, size): its adjoint in x
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dDxOptions
---@param padding? integer|integer[]|moonlab.Conv2dDxOptions
---@param dilation? integer|integer[]|moonlab.Conv2dDxOptions
---@param groups? integer|moonlab.Conv2dDxOptions
---@param size? integer|integer[]|moonlab.Conv2dDxOptions
---@return moonlab.Tensor
function ml.conv2d_dx(x, y, stride, padding, dilation, groups, size) end

--- undoes the places of conv2d: x (n, o, h', w'), w (o, c/groups, kh, kw) -> (n, c, size): its adjoint in x
---@param y moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dDxOptions
---@param padding? integer|integer[]|moonlab.Conv2dDxOptions
---@param dilation? integer|integer[]|moonlab.Conv2dDxOptions
---@param groups? integer|moonlab.Conv2dDxOptions
---@param size? integer|integer[]|moonlab.Conv2dDxOptions
---@return moonlab.Tensor
function Tensor:conv2d_dx(y, stride, padding, dilation, groups, size) end

---@class moonlab.Conv2dDwOptions
---@field stride? integer|integer[]
---@field padding? integer|integer[]
---@field dilation? integer|integer[]
---@field groups? integer
---@field kernel? integer|integer[]

--- the adjoint of conv2d in w: x (n, c, h, w), y (n, o, h', w') -> (o, c/groups, kernel)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dDwOptions
---@param padding? integer|integer[]|moonlab.Conv2dDwOptions
---@param dilation? integer|integer[]|moonlab.Conv2dDwOptions
---@param groups? integer|moonlab.Conv2dDwOptions
---@param kernel? integer|integer[]|moonlab.Conv2dDwOptions
---@return moonlab.Tensor
function ml.conv2d_dw(x, y, stride, padding, dilation, groups, kernel) end

--- the adjoint of conv2d in w: x (n, c, h, w), y (n, o, h', w') -> (o, c/groups, kernel)
---@param y moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dDwOptions
---@param padding? integer|integer[]|moonlab.Conv2dDwOptions
---@param dilation? integer|integer[]|moonlab.Conv2dDwOptions
---@param groups? integer|moonlab.Conv2dDwOptions
---@param kernel? integer|integer[]|moonlab.Conv2dDwOptions
---@return moonlab.Tensor
function Tensor:conv2d_dw(y, stride, padding, dilation, groups, kernel) end

---@class moonlab.Conv2dBiasOptions
---@field stride? integer|integer[]
---@field padding? integer|integer[]
---@field dilation? integer|integer[]
---@field groups? integer
---@field act? "none"|"relu"|"tanh"|"sigmoid"

--- act(conv2d(x, w) + b), a number of b (o) for each channel, in one
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dBiasOptions
---@param padding? integer|integer[]|moonlab.Conv2dBiasOptions
---@param dilation? integer|integer[]|moonlab.Conv2dBiasOptions
---@param groups? integer|moonlab.Conv2dBiasOptions
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.Conv2dBiasOptions
---@return moonlab.Tensor
function ml.conv2d_bias(x, y, z, stride, padding, dilation, groups, act) end

--- act(conv2d(x, w) + b), a number of b (o) for each channel, in one
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param stride? integer|integer[]|moonlab.Conv2dBiasOptions
---@param padding? integer|integer[]|moonlab.Conv2dBiasOptions
---@param dilation? integer|integer[]|moonlab.Conv2dBiasOptions
---@param groups? integer|moonlab.Conv2dBiasOptions
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.Conv2dBiasOptions
---@return moonlab.Tensor
function Tensor:conv2d_bias(y, z, stride, padding, dilation, groups, act) end

---@class moonlab.MaxPool2dOptions
---@field kernel? integer|integer[]
---@field stride? integer|integer[]
---@field padding? integer|integer[]

--- largest value of each window of x (..., h, w), stride apart (0: the kernel); the first of equal ones has the derivative
---@param x moonlab.Tensor|number
---@param kernel? integer|integer[]|moonlab.MaxPool2dOptions
---@param stride? integer|integer[]|moonlab.MaxPool2dOptions
---@param padding? integer|integer[]|moonlab.MaxPool2dOptions
---@return moonlab.Tensor
function ml.max_pool2d(x, kernel, stride, padding) end

--- largest value of each window of x (..., h, w), stride apart (0: the kernel); the first of equal ones has the derivative
---@param kernel? integer|integer[]|moonlab.MaxPool2dOptions
---@param stride? integer|integer[]|moonlab.MaxPool2dOptions
---@param padding? integer|integer[]|moonlab.MaxPool2dOptions
---@return moonlab.Tensor
function Tensor:max_pool2d(kernel, stride, padding) end

---@class moonlab.MaxPool2dPositionsOptions
---@field kernel? integer|integer[]
---@field stride? integer|integer[]
---@field padding? integer|integer[]

--- where the largest value of each window is in its image, counted through the rows
---@param x moonlab.Tensor|number
---@param kernel? integer|integer[]|moonlab.MaxPool2dPositionsOptions
---@param stride? integer|integer[]|moonlab.MaxPool2dPositionsOptions
---@param padding? integer|integer[]|moonlab.MaxPool2dPositionsOptions
---@return moonlab.Tensor
function ml.max_pool2d_positions(x, kernel, stride, padding) end

--- where the largest value of each window is in its image, counted through the rows
---@param kernel? integer|integer[]|moonlab.MaxPool2dPositionsOptions
---@param stride? integer|integer[]|moonlab.MaxPool2dPositionsOptions
---@param padding? integer|integer[]|moonlab.MaxPool2dPositionsOptions
---@return moonlab.Tensor
function Tensor:max_pool2d_positions(kernel, stride, padding) end

---@class moonlab.AvgPool2dOptions
---@field kernel? integer|integer[]
---@field stride? integer|integer[]
---@field padding? integer|integer[]
---@field count_include_pad? boolean

--- mean of each window of x (..., h, w), stride apart (0: the kernel); padding counts as zeros, or not at all
---@param x moonlab.Tensor|number
---@param kernel? integer|integer[]|moonlab.AvgPool2dOptions
---@param stride? integer|integer[]|moonlab.AvgPool2dOptions
---@param padding? integer|integer[]|moonlab.AvgPool2dOptions
---@param count_include_pad? boolean|moonlab.AvgPool2dOptions
---@return moonlab.Tensor
function ml.avg_pool2d(x, kernel, stride, padding, count_include_pad) end

--- mean of each window of x (..., h, w), stride apart (0: the kernel); padding counts as zeros, or not at all
---@param kernel? integer|integer[]|moonlab.AvgPool2dOptions
---@param stride? integer|integer[]|moonlab.AvgPool2dOptions
---@param padding? integer|integer[]|moonlab.AvgPool2dOptions
---@param count_include_pad? boolean|moonlab.AvgPool2dOptions
---@return moonlab.Tensor
function Tensor:avg_pool2d(kernel, stride, padding, count_include_pad) end

---@class moonlab.AdaptiveAvgPool2dOptions
---@field size? integer|integer[]

--- means of size equal parts of x (..., h, w), which overlap where they do not divide it
---@param x moonlab.Tensor|number
---@param size? integer|integer[]|moonlab.AdaptiveAvgPool2dOptions
---@return moonlab.Tensor
function ml.adaptive_avg_pool2d(x, size) end

--- means of size equal parts of x (..., h, w), which overlap where they do not divide it
---@param size? integer|integer[]|moonlab.AdaptiveAvgPool2dOptions
---@return moonlab.Tensor
function Tensor:adaptive_avg_pool2d(size) end

---@class moonlab.LayerNormOptions
---@field ndim? integer
---@field eps? number

--- (x - mean) / sqrt(variance + eps) over the last ndim dimensions, times y, plus z, both of their shape (Ba et al. 2016)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param ndim? integer|moonlab.LayerNormOptions
---@param eps? number|moonlab.LayerNormOptions
---@return moonlab.Tensor
function ml.layer_norm(x, y, z, ndim, eps) end

--- (x - mean) / sqrt(variance + eps) over the last ndim dimensions, times y, plus z, both of their shape (Ba et al. 2016)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param ndim? integer|moonlab.LayerNormOptions
---@param eps? number|moonlab.LayerNormOptions
---@return moonlab.Tensor
function Tensor:layer_norm(y, z, ndim, eps) end

---@class moonlab.RmsNormOptions
---@field ndim? integer
---@field eps? number

--- x / sqrt(mean(x^2) + eps) over the last ndim dimensions, times y of their shape (Zhang & Sennrich 2019)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param ndim? integer|moonlab.RmsNormOptions
---@param eps? number|moonlab.RmsNormOptions
---@return moonlab.Tensor
function ml.rms_norm(x, y, ndim, eps) end

--- x / sqrt(mean(x^2) + eps) over the last ndim dimensions, times y of their shape (Zhang & Sennrich 2019)
---@param y moonlab.Tensor|number
---@param ndim? integer|moonlab.RmsNormOptions
---@param eps? number|moonlab.RmsNormOptions
---@return moonlab.Tensor
function Tensor:rms_norm(y, ndim, eps) end

---@class moonlab.GroupNormOptions
---@field groups? integer
---@field eps? number

--- x (n, c, ...) normalised over each group of channels of a sample, times y (c), plus z (c) (Wu & He 2018)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param groups? integer|moonlab.GroupNormOptions
---@param eps? number|moonlab.GroupNormOptions
---@return moonlab.Tensor
function ml.group_norm(x, y, z, groups, eps) end

--- x (n, c, ...) normalised over each group of channels of a sample, times y (c), plus z (c) (Wu & He 2018)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param groups? integer|moonlab.GroupNormOptions
---@param eps? number|moonlab.GroupNormOptions
---@return moonlab.Tensor
function Tensor:group_norm(y, z, groups, eps) end

---@class moonlab.BatchNormOptions
---@field eps? number
---@field act? "none"|"relu"|"tanh"|"sigmoid"

--- act(x (n, c, ...) normalised over all samples of each channel, times y (c), plus z (c)) (Ioffe & Szegedy 2015)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param eps? number|moonlab.BatchNormOptions
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.BatchNormOptions
---@return moonlab.Tensor
function ml.batch_norm(x, y, z, eps, act) end

--- act(x (n, c, ...) normalised over all samples of each channel, times y (c), plus z (c)) (Ioffe & Szegedy 2015)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param eps? number|moonlab.BatchNormOptions
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.BatchNormOptions
---@return moonlab.Tensor
function Tensor:batch_norm(y, z, eps, act) end

--- mean and variance, of all values, not n - 1, of each channel over all samples: (n, c, ...) -> (2, c)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.channel_moments(x) end

--- mean and variance, of all values, not n - 1, of each channel over all samples: (n, c, ...) -> (2, c)
---@return moonlab.Tensor
function Tensor:channel_moments() end

---@class moonlab.DropoutOptions
---@field p? number
---@field seed? integer
---@field stream? integer

--- x / (1 - p), each value 0 with probability p; which ones depends on seed, stream and place alone
---@param x moonlab.Tensor|number
---@param p? number|moonlab.DropoutOptions
---@param seed? integer|moonlab.DropoutOptions
---@param stream? integer|moonlab.DropoutOptions
---@return moonlab.Tensor
function ml.dropout(x, p, seed, stream) end

--- x / (1 - p), each value 0 with probability p; which ones depends on seed, stream and place alone
---@param p? number|moonlab.DropoutOptions
---@param seed? integer|moonlab.DropoutOptions
---@param stream? integer|moonlab.DropoutOptions
---@return moonlab.Tensor
function Tensor:dropout(p, seed, stream) end

---@class moonlab.RnnOptions
---@field reverse? boolean
---@field act? "none"|"relu"|"tanh"|"sigmoid"

--- s = act(x_t + w s + b) for each step of x (n, t, h): w (h, h), b (h), first s (n, h) -> every s (n, t, h) (Elman 1990)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param reverse? boolean|moonlab.RnnOptions
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.RnnOptions
---@return moonlab.Tensor
function ml.rnn(x, y, z, w, reverse, act) end

--- s = act(x_t + w s + b) for each step of x (n, t, h): w (h, h), b (h), first s (n, h) -> every s (n, t, h) (Elman 1990)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param reverse? boolean|moonlab.RnnOptions
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.RnnOptions
---@return moonlab.Tensor
function Tensor:rnn(y, z, w, reverse, act) end

---@class moonlab.GruOptions
---@field reverse? boolean

--- gated recurrent unit over x (n, t, 3 h): w (3 h, h), b (3 h), first s (n, h) -> every s (n, t, h); gates reset, update, new: s = (1 - z) tanh(x + r (w s + b)) + z s (Cho et al. 2014)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param reverse? boolean|moonlab.GruOptions
---@return moonlab.Tensor
function ml.gru(x, y, z, w, reverse) end

--- gated recurrent unit over x (n, t, 3 h): w (3 h, h), b (3 h), first s (n, h) -> every s (n, t, h); gates reset, update, new: s = (1 - z) tanh(x + r (w s + b)) + z s (Cho et al. 2014)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param reverse? boolean|moonlab.GruOptions
---@return moonlab.Tensor
function Tensor:gru(y, z, w, reverse) end

---@class moonlab.LstmOptions
---@field reverse? boolean

--- long short-term memory over x (n, t, 4 h): w (4 h, h), b (4 h), first h and c (2, n, h) -> every h and c (2, n, t, h); gates in, forget, new, out (Hochreiter & Schmidhuber 1997)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param reverse? boolean|moonlab.LstmOptions
---@return moonlab.Tensor
function ml.lstm(x, y, z, w, reverse) end

--- long short-term memory over x (n, t, 4 h): w (4 h, h), b (4 h), first h and c (2, n, h) -> every h and c (2, n, t, h); gates in, forget, new, out (Hochreiter & Schmidhuber 1997)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param w moonlab.Tensor|number
---@param reverse? boolean|moonlab.LstmOptions
---@return moonlab.Tensor
function Tensor:lstm(y, z, w, reverse) end

---@class moonlab.AttentionOptions
---@field causal? boolean
---@field scale? number

--- softmax(scale x y^T) z: queries x (..., t, d), keys y (..., s, d), values z (..., s, e) -> (..., t, e); causal: the last query sees every key, each before it one less (Vaswani et al. 2017)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param causal? boolean|moonlab.AttentionOptions
---@param scale? number|moonlab.AttentionOptions
---@return moonlab.Tensor
function ml.attention(x, y, z, causal, scale) end

--- softmax(scale x y^T) z: queries x (..., t, d), keys y (..., s, d), values z (..., s, e) -> (..., t, e); causal: the last query sees every key, each before it one less (Vaswani et al. 2017)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param causal? boolean|moonlab.AttentionOptions
---@param scale? number|moonlab.AttentionOptions
---@return moonlab.Tensor
function Tensor:attention(y, z, causal, scale) end

---@class moonlab.SelfAttentionOptions
---@field heads? integer
---@field causal? boolean
---@field scale? number

--- attention of x (..., t, 3 d) with itself in heads: queries, keys, values side by side, each of all heads -> (..., t, d)
---@param x moonlab.Tensor|number
---@param heads? integer|moonlab.SelfAttentionOptions
---@param causal? boolean|moonlab.SelfAttentionOptions
---@param scale? number|moonlab.SelfAttentionOptions
---@return moonlab.Tensor
function ml.self_attention(x, heads, causal, scale) end

--- attention of x (..., t, 3 d) with itself in heads: queries, keys, values side by side, each of all heads -> (..., t, d)
---@param heads? integer|moonlab.SelfAttentionOptions
---@param causal? boolean|moonlab.SelfAttentionOptions
---@param scale? number|moonlab.SelfAttentionOptions
---@return moonlab.Tensor
function Tensor:self_attention(heads, causal, scale) end

---@class moonlab.CrossAttentionOptions
---@field heads? integer
---@field causal? boolean
---@field scale? number

--- attention in heads of queries x (..., t, d) to y (..., s, 2 d), keys and values side by side -> (..., t, d)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param heads? integer|moonlab.CrossAttentionOptions
---@param causal? boolean|moonlab.CrossAttentionOptions
---@param scale? number|moonlab.CrossAttentionOptions
---@return moonlab.Tensor
function ml.cross_attention(x, y, heads, causal, scale) end

--- attention in heads of queries x (..., t, d) to y (..., s, 2 d), keys and values side by side -> (..., t, d)
---@param y moonlab.Tensor|number
---@param heads? integer|moonlab.CrossAttentionOptions
---@param causal? boolean|moonlab.CrossAttentionOptions
---@param scale? number|moonlab.CrossAttentionOptions
---@return moonlab.Tensor
function Tensor:cross_attention(y, heads, causal, scale) end

---@class moonlab.SolveTriangularOptions
---@field upper? boolean
---@field transpose? boolean
---@field unitriangular? boolean
---@field strict? boolean

--- x of a x = b, a triangular: (..., n, n), b (..., n, k) or (n); the other triangle is not read
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param upper? boolean|moonlab.SolveTriangularOptions
---@param transpose? boolean|moonlab.SolveTriangularOptions
---@param unitriangular? boolean|moonlab.SolveTriangularOptions
---@param strict? boolean|moonlab.SolveTriangularOptions
---@return moonlab.Tensor
function ml.solve_triangular(x, y, upper, transpose, unitriangular, strict) end

--- x of a x = b, a triangular: (..., n, n), b (..., n, k) or (n); the other triangle is not read
---@param y moonlab.Tensor|number
---@param upper? boolean|moonlab.SolveTriangularOptions
---@param transpose? boolean|moonlab.SolveTriangularOptions
---@param unitriangular? boolean|moonlab.SolveTriangularOptions
---@param strict? boolean|moonlab.SolveTriangularOptions
---@return moonlab.Tensor
function Tensor:solve_triangular(y, upper, transpose, unitriangular, strict) end

--- x of a x = b: (..., n, n), b (..., n, k), or (n) for a vector; singular: an error
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.solve(x, y) end

--- x of a x = b: (..., n, n), b (..., n, k), or (n) for a vector; singular: an error
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:solve(y) end

---@class moonlab.InvOptions
---@field strict? boolean

--- inverse; singular: an error, or NaN when not strict
---@param x moonlab.Tensor|number
---@param strict? boolean|moonlab.InvOptions
---@return moonlab.Tensor
function ml.inv(x, strict) end

--- inverse; singular: an error, or NaN when not strict
---@param strict? boolean|moonlab.InvOptions
---@return moonlab.Tensor
function Tensor:inv(strict) end

---@class moonlab.PinvOptions
---@field rcond? number

--- pseudoinverse (..., n, m) -> (..., m, n); singular values <= rcond * largest count as 0 (-1: max(n, m) * epsilon)
---@param x moonlab.Tensor|number
---@param rcond? number|moonlab.PinvOptions
---@return moonlab.Tensor
function ml.pinv(x, rcond) end

--- pseudoinverse (..., n, m) -> (..., m, n); singular values <= rcond * largest count as 0 (-1: max(n, m) * epsilon)
---@param rcond? number|moonlab.PinvOptions
---@return moonlab.Tensor
function Tensor:pinv(rcond) end

---@class moonlab.LstsqOptions
---@field rcond? number

--- x of least norm among those that minimise |a x - b|: a (..., n, m), b (..., n, k) or (n); rcond as in pinv
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param rcond? number|moonlab.LstsqOptions
---@return moonlab.Tensor
function ml.lstsq(x, y, rcond) end

--- x of least norm among those that minimise |a x - b|: a (..., n, m), b (..., n, k) or (n); rcond as in pinv
---@param y moonlab.Tensor|number
---@param rcond? number|moonlab.LstsqOptions
---@return moonlab.Tensor
function Tensor:lstsq(y, rcond) end

--- determinant
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.det(x) end

--- determinant
---@return moonlab.Tensor
function Tensor:det() end

--- matrix of cofactors: det(x) times the transposed inverse, also where x is singular
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.cofactor(x) end

--- matrix of cofactors: det(x) times the transposed inverse, also where x is singular
---@return moonlab.Tensor
function Tensor:cofactor() end

--- sign of the determinant and log of its size: (..., n, n) -> (..., 2); singular: 0 and -inf
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.slogdet(x) end

--- sign of the determinant and log of its size: (..., n, n) -> (..., 2); singular: 0 and -inf
---@return moonlab.Tensor
function Tensor:slogdet() end

--- lower triangular L with L L^T = (x + x^T) / 2; not positive definite: an error
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.cholesky(x) end

--- lower triangular L with L L^T = (x + x^T) / 2; not positive definite: an error
---@return moonlab.Tensor
function Tensor:cholesky() end

--- eigenvalues of (x + x^T) / 2, ascending, as row 1, the eigenvectors in the columns below: (..., n + 1, n); see linalg.eigh
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.eigh_parts(x) end

--- eigenvalues of (x + x^T) / 2, ascending, as row 1, the eigenvectors in the columns below: (..., n + 1, n); see linalg.eigh
---@return moonlab.Tensor
function Tensor:eigh_parts() end

--- thin svd of (..., m, n): U (m, k), the k singular values falling as one row, V (n, k); see linalg.svd
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.svd_parts(x) end

--- thin svd of (..., m, n): U (m, k), the k singular values falling as one row, V (n, k); see linalg.svd
---@return moonlab.Tensor
function Tensor:svd_parts() end

--- thin QR of (..., m, n): Q (m, k), R^T (n, k), diagonal of R >= 0; see linalg.qr
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.qr_parts(x) end

--- thin QR of (..., m, n): Q (m, k), R^T (n, k), diagonal of R >= 0; see linalg.qr
---@return moonlab.Tensor
function Tensor:qr_parts() end

--- eigenvalues of (x + x^T) / 2, ascending: (..., n, n) -> (..., n)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.eigvalsh(x) end

--- eigenvalues of (x + x^T) / 2, ascending: (..., n, n) -> (..., n)
---@return moonlab.Tensor
function Tensor:eigvalsh() end

--- singular values, falling: (..., n, m) -> (..., min(n, m))
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.svdvals(x) end

--- singular values, falling: (..., n, m) -> (..., min(n, m))
---@return moonlab.Tensor
function Tensor:svdvals() end

---@class moonlab.MatrixRankOptions
---@field rcond? number

--- number of singular values > rcond * largest; no derivative
---@param x moonlab.Tensor|number
---@param rcond? number|moonlab.MatrixRankOptions
---@return moonlab.Tensor
function ml.matrix_rank(x, rcond) end

--- number of singular values > rcond * largest; no derivative
---@param rcond? number|moonlab.MatrixRankOptions
---@return moonlab.Tensor
function Tensor:matrix_rank(rcond) end

--- matrix exponential (Higham 2005)
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.expm(x) end

--- matrix exponential (Higham 2005)
---@return moonlab.Tensor
function Tensor:expm() end

--- derivative of expm at x in the direction y, of its shape
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.expm_frechet(x, y) end

--- derivative of expm at x in the direction y, of its shape
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:expm_frechet(y) end

---@class moonlab.MatrixPowerOptions
---@field n? integer

--- the product of n copies; negative: of the inverse
---@param x moonlab.Tensor|number
---@param n? integer|moonlab.MatrixPowerOptions
---@return moonlab.Tensor
function ml.matrix_power(x, n) end

--- the product of n copies; negative: of the inverse
---@param n? integer|moonlab.MatrixPowerOptions
---@return moonlab.Tensor
function Tensor:matrix_power(n) end

--- Fourier transform of real values along the last dimension: (..., n) -> (..., n / 2 + 1, 2), real and imaginary parts last
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.rfft(x) end

--- Fourier transform of real values along the last dimension: (..., n) -> (..., n / 2 + 1, 2), real and imaginary parts last
---@return moonlab.Tensor
function Tensor:rfft() end

---@class moonlab.IrfftOptions
---@field n? integer

--- undoes rfft: (..., n / 2 + 1, 2) -> (..., n); n = 0 stands for the even length
---@param x moonlab.Tensor|number
---@param n? integer|moonlab.IrfftOptions
---@return moonlab.Tensor
function ml.irfft(x, n) end

--- undoes rfft: (..., n / 2 + 1, 2) -> (..., n); n = 0 stands for the even length
---@param n? integer|moonlab.IrfftOptions
---@return moonlab.Tensor
function Tensor:irfft(n) end
