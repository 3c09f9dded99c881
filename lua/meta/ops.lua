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

--- hyperbolic tangent
---@param x moonlab.Tensor|number
---@return moonlab.Tensor
function ml.tanh(x) end

--- hyperbolic tangent
---@return moonlab.Tensor
function Tensor:tanh() end

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

--- x ^ y
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.pow(x, y) end

--- x ^ y
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:pow(y) end

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

---@class moonlab.ReshapeOptions
---@field shape? integer|integer[]

--- the same values in another shape; one size may be -1
---@param x moonlab.Tensor|number
---@param shape? integer|integer[]|moonlab.ReshapeOptions
---@param ... integer
---@return moonlab.Tensor
function ml.reshape(x, shape, ...) end

--- the same values in another shape; one size may be -1
---@param shape? integer|integer[]|moonlab.ReshapeOptions
---@param ... integer
---@return moonlab.Tensor
function Tensor:reshape(shape, ...) end

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

---@class moonlab.ScatterRowsOptions
---@field rows? integer

--- undoes embedding: adds x (ids..., ...) into zeros (rows, ...) at ids
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param rows? integer|moonlab.ScatterRowsOptions
---@return moonlab.Tensor
function ml.scatter_rows(x, y, rows) end

--- undoes embedding: adds x (ids..., ...) into zeros (rows, ...) at ids
---@param y moonlab.Tensor|number
---@param rows? integer|moonlab.ScatterRowsOptions
---@return moonlab.Tensor
function Tensor:scatter_rows(y, rows) end

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

--- act(x w^T + b): x (..., k), w (m, k), b (m) -> (..., m)
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.LinearOptions
---@return moonlab.Tensor
function ml.linear(x, y, z, act) end

--- act(x w^T + b): x (..., k), w (m, k), b (m) -> (..., m)
---@param y moonlab.Tensor|number
---@param z moonlab.Tensor|number
---@param act? "none"|"relu"|"tanh"|"sigmoid"|moonlab.LinearOptions
---@return moonlab.Tensor
function Tensor:linear(y, z, act) end

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

--- mean over rows of -log softmax(x)[label]: x (n, classes), labels (n); or one row: (classes), ()
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.cross_entropy(x, y) end

--- mean over rows of -log softmax(x)[label]: x (n, classes), labels (n); or one row: (classes), ()
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:cross_entropy(y) end

--- mean of (x - y)^2
---@param x moonlab.Tensor|number
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function ml.mse(x, y) end

--- mean of (x - y)^2
---@param y moonlab.Tensor|number
---@return moonlab.Tensor
function Tensor:mse(y) end
