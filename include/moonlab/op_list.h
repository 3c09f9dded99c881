/* Every operation, once. From this list come the C prototypes and option structs (ops.h), the table that the engine,
 * the tests and the reference pages walk (src/ops/table.c), and the Lua methods. The definition of each, with
 * its derivative and its test samples, is a `const ml_op ml_op_<name>` in src/ops/.
 *
 * ML_OP  (name, inputs, meaning)                 inputs: 1, 2, 3, 4 or N (any number)
 * ML_OPX (name, inputs, meaning, options)        option kinds:
 *   DIMS(f) list of dimensions, none given = all   DIM(f, default)  one dimension; negative counts from the end
 *   SHAPE(f) sizes                                 INT(f, default)  FLAG(f, default)  REAL(f, default)
 *   INDEX(f, default) a position                   CHOICE(f, default, "a|b|c") one of these words; in C its place, from 0
 *   INTS(f) whole numbers, one or a list           NEWDIM(f, default)  a dimension of the result, which has one more
 *   DTYPE(f) "f32", "f64", "i64", "u8", "bool"     BASE(f) what positions in tensors count from: C 0, Lua 1
 *   TEXT(f)  at most ML_TEXT_BYTES - 1 characters
 */
/* --- pointwise, one input ------------------------------------------------------------------------- */
ML_OP (neg,        1, "-x")
ML_OP (abs,        1, "|x|")
ML_OP (sign,       1, "-1, 0 or 1; no derivative")
ML_OP (exp,        1, "e^x")
ML_OP (expm1,      1, "e^x - 1, exact near 0")
ML_OP (log,        1, "natural logarithm")
ML_OP (log1p,      1, "log(1 + x), exact near 0")
ML_OP (sqrt,       1, "square root")
ML_OP (rsqrt,      1, "1 / sqrt(x)")
ML_OP (square,     1, "x * x")
ML_OP (reciprocal, 1, "1 / x")
ML_OP (sin,        1, "sine")
ML_OP (cos,        1, "cosine")
ML_OP (tanh,       1, "hyperbolic tangent")
ML_OP (sigmoid,    1, "1 / (1 + e^-x)")
ML_OP (erf,        1, "error function")
ML_OP (softplus,   1, "log(1 + e^x), without overflow")
ML_OP (relu,       1, "max(x, 0); its derivative at 0 is 0")
ML_OP (step,       1, "1 where x > 0, else 0; no derivative")
ML_OP (floor,      1, "largest integer <= x; no derivative")
ML_OP (ceil,       1, "smallest integer >= x; no derivative")
ML_OP (round,      1, "nearest integer, halves to even; no derivative")
ML_OPX(cast,       1, "the same values in another dtype", DTYPE(dtype))
/* --- pointwise, two and three inputs; shapes broadcast --------------------------------------------- */
ML_OP (add,        2, "x + y")
ML_OP (sub,        2, "x - y")
ML_OP (mul,        2, "x * y, element by element")
ML_OP (div,        2, "x / y; integers divide to the floor")
ML_OP (pow,        2, "x ^ y")
ML_OP (maximum,    2, "the larger of x and y; equal values share the derivative")
ML_OP (minimum,    2, "the smaller of x and y; equal values share the derivative")
ML_OP (eq,         2, "x == y, as bool")
ML_OP (ne,         2, "x ~= y, as bool")
ML_OP (lt,         2, "x < y, as bool")
ML_OP (le,         2, "x <= y, as bool")
ML_OP (gt,         2, "x > y, as bool")
ML_OP (ge,         2, "x >= y, as bool")
ML_OP (where,      3, "x where the condition holds, else y: where(condition, x, y)")
/* --- reductions -------------------------------------------------------------------------------------- */
ML_OPX(sum,        1, "sum over dims (all when none given)",                 DIMS(dims) FLAG(keepdim, false))
ML_OPX(mean,       1, "mean over dims (all when none given)",                DIMS(dims) FLAG(keepdim, false))
ML_OPX(max,        1, "largest value over dims; equal values share the derivative", DIMS(dims) FLAG(keepdim, false))
ML_OPX(min,        1, "smallest value over dims; equal values share the derivative", DIMS(dims) FLAG(keepdim, false))
ML_OPX(argmax,     1, "position of the first largest value along dim",       DIM(dim, -1) FLAG(keepdim, false) BASE(base))
ML_OPX(argmin,     1, "position of the first smallest value along dim",      DIM(dim, -1) FLAG(keepdim, false) BASE(base))
ML_OPX(logsumexp,  1, "log of the sum of e^x along dim, without overflow",   DIM(dim, -1) FLAG(keepdim, false))
/* --- shape -------------------------------------------------------------------------------------------- */
ML_OPX(reshape,    1, "the same values in another shape; one size may be -1", SHAPE(shape))
ML_OPX(expand,     1, "repeats along dimensions of size 1, without a copy",   SHAPE(shape))
ML_OPX(sum_to,     1, "undoes expand: sums to a smaller shape",               SHAPE(shape))
ML_OPX(permute,    1, "dimensions in another order",                          DIMS(dims))
ML_OPX(transpose,  1, "swaps two dimensions",                                 DIM(dim1, -2) DIM(dim2, -1))
ML_OPX(slice,      1, "positions start..stop by step along dim",              DIM(dim, 0) INDEX(start, 0) INT(stop, INT64_MAX) INT(step, 1))
ML_OPX(unslice,    1, "undoes slice: zeros of length size along dim, x at start, start+step, ...", DIM(dim, 0) INDEX(start, 0) INT(size, 0) INT(step, 1))
ML_OPX(cat,        N, "joins tensors along dim",                              DIM(dim, 0))
ML_OP (contiguous, 1, "the same values, row-major in memory")
/* --- positions ---------------------------------------------------------------------------------------- */
ML_OPX(embedding,  2, "rows of x (v, ...) at ids (...) -> (ids..., ...)",     BASE(base))
ML_OPX(scatter_rows, 2, "undoes embedding: adds x (ids..., ...) into zeros (rows, ...) at ids", INT(rows, 0) BASE(base))
ML_OPX(one_hot,    1, "ids (...) -> (..., classes): 1 at the id, else 0; f32",  INT(classes, 0) BASE(base))
/* --- products and networks ----------------------------------------------------------------------------- */
ML_OP (matmul,     2, "(..., n, k) x (..., k, m) -> (..., n, m); a vector is a row on the left, a column on the right")
ML_OP (bmm,        2, "(b, n, k) x (b, k, m) -> (b, n, m): one matrix product for each of the batch")
ML_OP (dot,        2, "sum of x_i y_i of two vectors: a single number")
ML_OP (outer,      2, "x_i y_j of two vectors: (n), (m) -> (n, m)")
ML_OP (kron,       2, "Kronecker product: y once for each element of x, times it; (n, m), (k, l) -> (n k, m l)")
ML_OP (trace,      1, "sum of the diagonal of each matrix: (..., n, m) -> (...)")
ML_OPX(einsum,     N, "sums of products by letters: 'ij,jk->ik'; '...' stands for the dimensions without a letter", TEXT(equation))
ML_OPX(linear,     3, "act(x w^T + b): x (..., k), w (m, k), b (m) -> (..., m)", CHOICE(act, ML_ACT_NONE, ML_ACT_WORDS))
ML_OPX(token_linear, 4, "linear of embedded tokens in one: ids (n, t), table (v, d), w (m, t d), b (m) -> (n, m)", CHOICE(act, ML_ACT_NONE, ML_ACT_WORDS) BASE(base))
ML_OPX(softmax,    1, "e^x / sum e^x along dim",                              DIM(dim, -1))
ML_OPX(log_softmax, 1, "log of softmax along dim",                            DIM(dim, -1))
ML_OPX(cross_entropy, 2, "mean over rows of -log softmax(x)[label]: x (n, classes), labels (n); or one row: (classes), ()", BASE(base))
ML_OP (mse,        2, "mean of (x - y)^2")
