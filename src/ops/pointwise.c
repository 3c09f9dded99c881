/* Element by element: arithmetic, functions, comparisons. The slope is dy/dx in public operations, so it has a slope too;
 * vjp_direct does dy * slope in one pass where that is worth a kernel. */
#include "ops/op.h"

#include "kernels/kernels.h"

#include <math.h>

#define SAMPLES(name) static const ml_sample name##_samples[]
#define SHAPES_1 { .in = { "(2, 3)" } }, { .in = { "()" } }

/* --- forward: by dtype of the input ---------------------------------------------------------------------------------- */
#define PICK_FLOAT(c, f) ((c)->in[0]->dtype == ML_F32 ? mlk()->f##_f32 : mlk()->f##_f64)
#define PICK_ANY(c, f)   ((c)->in[0]->dtype == ML_I64 ? mlk()->f##_i64 : PICK_FLOAT(c, f))

#define FORWARD1_FLOAT(f) static bool f##_forward(ml_call *c) { return mli_map1(c, PICK_FLOAT(c, f)); }
#define FORWARD1_ANY(f)   static bool f##_forward(ml_call *c) { return mli_map1(c, PICK_ANY(c, f)); }
#define FORWARD2_ANY(f)   static bool f##_forward(ml_call *c) { return mli_map2(c, PICK_ANY(c, f)); }
MLK_MAP1_FLOAT(FORWARD1_FLOAT)
MLK_MAP1_ANY(FORWARD1_ANY)
MLK_COMPARE(FORWARD2_ANY)
FORWARD2_ANY(add)
FORWARD2_ANY(sub)
FORWARD2_ANY(mul)
FORWARD2_ANY(maximum)
FORWARD2_ANY(minimum)

/* Integers have no infinity to answer with: the first offending element is named instead. */
static bool refuse_element(ml_call *c, bool (*bad)(int64_t), const char *why)
{
    if (c->in[1]->dtype != ML_I64) return true;
    ml_tensor *y = mli_contiguous(c->in[1]);
    if (!y) return false;
    const int64_t *v = mli_data(y);
    for (int64_t i = 0, n = ml_tensor_numel(y); i < n; i++)
        if (bad(v[i])) return ml_fail("%s: %s (element %lld of %s is %lld)", ml_op_info_at(c->id)->name, why, (long long)i,
                                      ml_shape_text(&y->shape), (long long)v[i]);
    return true;
}

static bool is_zero(int64_t v) { return v == 0; }
static bool is_negative(int64_t v) { return v < 0; }

static bool div_forward(ml_call *c)
{
    return refuse_element(c, is_zero, "integer division by zero; cast to f32 for infinities") && mli_map2(c, PICK_ANY(c, div));
}

static bool pow_forward(ml_call *c)
{
    return refuse_element(c, is_negative, "an integer to a negative power is no integer; cast to f32 first") &&
           mli_map2(c, PICK_ANY(c, pow));
}

static bool where_forward(ml_call *c)
{
    size_t bytes = ml_dtype_bytes((ml_dtype)c->in[1]->dtype);
    return mli_map3(c, bytes == 4 ? mlk()->where_4 : bytes == 8 ? mlk()->where_8 : mlk()->where_1);
}

static bool cast_forward(ml_call *c)
{
    mli_strided_copy(c->in[0], c->dtype, mli_data(c->out));
    return true;
}

/* --- numbers in rules: a plain number takes the dtype of what it meets -------------------------------------------------- */
static ml_tensor *times(double a, ml_tensor *x) { return ml_mul(ml_number(a), x); }
static ml_tensor *plus(double a, ml_tensor *x) { return ml_add(ml_number(a), x); }
static ml_tensor *minus_from(double a, ml_tensor *x) { return ml_sub(ml_number(a), x); }
static ml_tensor *like(ml_tensor *x, double v) { return x ? ml_scalar(v, (ml_dtype)x->dtype) : NULL; }
/* a comparison as numbers of the dtype of x */
static ml_tensor *as_float(ml_tensor *mask, ml_tensor *x) { return ml_cast(mask, &(ml_cast_opts){ (ml_dtype)x->dtype }); }

/* dx = f(dy, y) in one pass */
static bool direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[], mli_map2_fn f32, mli_map2_fn f64)
{
    ml_tensor *in[] = { dy, c->out };
    ml_call    run  = *c;
    run.n_in = 2;
    run.in   = in;
    run.out  = dx[0] = ml_empty(c->shape, c->dtype);
    return dx[0] && mli_map2(&run, c->dtype == ML_F32 ? f32 : f64);
}
#define DIRECT(f)                                                                        \
    static bool f##_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])                   \
    {                                                                                    \
        return direct(c, dy, dx, mlk()->f##_dx_f32, mlk()->f##_dx_f64);                  \
    }
DIRECT(relu)
DIRECT(tanh)
DIRECT(sigmoid)

/* --- slopes ---------------------------------------------------------------------------------------------------------------- */
#define X (c->in[0])
#define Y (c->in[1])
#define OUT (c->out)
#define SLOPE(f, EXPR) static ml_tensor *f##_slope(ml_call *c, int i) { (void)i; return EXPR; }

SLOPE(abs, ml_sign(X))
SLOPE(exp, OUT)
SLOPE(expm1, plus(1, OUT))
SLOPE(log, ml_reciprocal(X))
SLOPE(log1p, ml_reciprocal(plus(1, X)))
SLOPE(sqrt, times(0.5, ml_reciprocal(OUT)))
SLOPE(rsqrt, times(-0.5, ml_mul(OUT, ml_reciprocal(X))))
SLOPE(square, times(2, X))
SLOPE(reciprocal, ml_neg(ml_square(OUT)))
SLOPE(sin, ml_cos(X))
SLOPE(cos, ml_neg(ml_sin(X)))
SLOPE(tanh, ml_mul(minus_from(1, OUT), plus(1, OUT))) /* 1 - y*y cancels near 1 */
SLOPE(sigmoid, ml_mul(OUT, minus_from(1, OUT)))
SLOPE(erf, times(1.1283791670955126, ml_exp(ml_neg(ml_square(X))))) /* 2 / sqrt(pi) */
SLOPE(softplus, ml_sigmoid(X))
SLOPE(relu, ml_step(OUT))
SLOPE(mul, i == 0 ? Y : X)

/* Sums hand dy on: a slope of 1 would cost a pass. */
static bool neg_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    (void)c;
    dx[0] = ml_neg(dy);
    return dx[0] != NULL;
}

static bool add_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    (void)c;
    dx[0] = dx[1] = dy;
    return true;
}

static bool sub_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = dy;
    if (ml_needs(c, 1)) dx[1] = ml_neg(dy);
    return !ml_failed();
}

static ml_tensor *div_slope(ml_call *c, int i)
{
    return i == 0 ? ml_reciprocal(Y) : ml_neg(ml_div(OUT, Y));
}

/* d x^y / dx = y x^(y-1), where 0 * 0^-1 counts as 0. d / dy = x^y log x, where x = 0 and y > 0 it is 0. */
static ml_tensor *pow_slope(ml_call *c, int i)
{
    ml_tensor *x_is_0 = ml_eq(X, ml_number(0));
    if (i == 0) {
        ml_tensor *both = ml_mul(as_float(x_is_0, X), as_float(ml_eq(Y, ml_number(0)), X));
        return ml_mul(Y, ml_pow(X, ml_sub(Y, minus_from(1, both))));
    }
    return ml_mul(OUT, ml_log(ml_where(x_is_0, like(X, 1), X)));
}

/* Ties share: half each. */
static ml_tensor *extreme_slope(ml_tensor *mine, ml_tensor *other, bool largest)
{
    ml_tensor *wins = as_float(largest ? ml_gt(mine, other) : ml_lt(mine, other), mine);
    return ml_add(wins, times(0.5, as_float(ml_eq(mine, other), mine)));
}
SLOPE(maximum, i == 0 ? extreme_slope(X, Y, true) : extreme_slope(Y, X, true))
SLOPE(minimum, i == 0 ? extreme_slope(X, Y, false) : extreme_slope(Y, X, false))

static bool where_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    if (ml_needs(c, 1)) dx[1] = ml_where(X, dy, like(dy, 0));
    if (ml_needs(c, 2)) dx[2] = ml_where(X, like(dy, 0), dy);
    return !ml_failed();
}

static bool where_infer(ml_call *c)
{
    const ml_shape *a = &c->in[0]->shape, *b = &c->in[1]->shape, *d = &c->in[2]->shape;
    ml_shape ab;
    if (!ml_shape_broadcast(a, b, &ab) || !ml_shape_broadcast(&ab, d, &c->shape))
        return ml_fail("where: shapes do not broadcast: %s, %s and %s", ml_shape_text(a), ml_shape_text(b), ml_shape_text(d));
    if (c->in[0]->dtype != ML_BOOL && c->in[0]->dtype != ML_U8)
        return ml_fail("where: the condition must be bool, got %s; compare first, e.g. x:gt(0)", ml_dtype_name((ml_dtype)c->in[0]->dtype));
    c->dtype = (ml_dtype)c->in[1]->dtype;
    return true;
}

/* Copies whatever the output needs; the gradient is cast back by the engine. */
static bool cast_infer(ml_call *c)
{
    c->shape = X->shape;
    c->dtype = ((const ml_cast_opts *)c->opts)->dtype;
    return true;
}

static bool cast_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    (void)c;
    dx[0] = dy;
    return true;
}

/* --- samples ---------------------------------------------------------------------------------------------------------------- */
SAMPLES(any)      = { SHAPES_1, { 0 } };
SAMPLES(positive) = { { .in = { "(2, 3)" }, .low = 0.2, .high = 3 }, { .in = { "()" }, .low = 0.2, .high = 3 }, { 0 } };
SAMPLES(log1p)    = { { .in = { "(2, 3)" }, .low = -0.8, .high = 3 }, { 0 } };
SAMPLES(kinked)   = { { .in = { "(2, 3)" }, .low = 0.1, .high = 2 }, { .in = { "(2, 3)" }, .low = -2, .high = -0.1 }, { 0 } };
SAMPLES(nonzero)  = { { .in = { "(2, 3)" }, .low = 0.3, .high = 2 }, { .in = { "()" }, .low = -2, .high = -0.3 }, { 0 } };
SAMPLES(two)      = { { .in = { "(2, 3)", "(2, 3)" } }, { .in = { "(2, 3)", "(3)" } }, { .in = { "(2, 1)", "()" } }, { 0 } };
SAMPLES(compare)  = { { .in = { "(2, 3)", "(2, 3)" }, .order = ML_VALUE_ONLY }, { .in = { "(2, 1)", "(3)" }, .order = ML_VALUE_ONLY }, { 0 } };
SAMPLES(flat)     = { { .in = { "(2, 3)" }, .order = ML_VALUE_ONLY }, { .in = { "()" }, .order = ML_VALUE_ONLY }, { 0 } };
SAMPLES(quotient) = { { .in = { "(2, 3)", "(2, 3)" }, .low = 0.3, .high = 2 }, { .in = { "(2, 3)", "(3)" }, .low = 0.3, .high = 2 }, { 0 } };
SAMPLES(where)    = { { .in = { "b(2, 3)", "(2, 3)", "(2, 3)" } }, { .in = { "b(3)", "(2, 1)", "()" } }, { 0 } };
static const ml_cast_opts to_f64 = { ML_F64 };
SAMPLES(cast)     = { { .in = { "(2, 3)" }, .opts = &to_f64 }, { 0 } };

/* --- the operations -------------------------------------------------------------------------------------------------------- */
#define UNARY(f, SAVES, FLAGS, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = FLAGS, .saves = SAVES, .forward = f##_forward, \
                              .slope = f##_slope, .samples = SAMPLE##_samples };
#define UNARY_DIRECT(f, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_OUT, .forward = f##_forward, \
                              .slope = f##_slope, .vjp_direct = f##_direct, .samples = SAMPLE##_samples };
#define FLAT(f, FLAGS, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = ML_NOGRAD | (FLAGS), .forward = f##_forward, .samples = SAMPLE##_samples };
#define BINARY(f, SAVES, FLAGS, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = FLAGS, .saves = SAVES, .forward = f##_forward, \
                              .slope = f##_slope, .samples = SAMPLE##_samples };
#define IN  ML_SAVE_IN(0)
#define IN2 (ML_SAVE_IN(0) | ML_SAVE_IN(1))

UNARY(abs,        IN,               0,             kinked)
UNARY(exp,        ML_SAVE_OUT,      ML_FLOAT_ONLY, any)
UNARY(expm1,      ML_SAVE_OUT,      ML_FLOAT_ONLY, any)
UNARY(log,        IN,               ML_FLOAT_ONLY, positive)
UNARY(log1p,      IN,               ML_FLOAT_ONLY, log1p)
UNARY(sqrt,       ML_SAVE_OUT,      ML_FLOAT_ONLY, positive)
UNARY(rsqrt,      IN | ML_SAVE_OUT, ML_FLOAT_ONLY, positive)
UNARY(square,     IN,               0,             any)
UNARY(reciprocal, ML_SAVE_OUT,      ML_FLOAT_ONLY, nonzero)
UNARY(sin,        IN,               ML_FLOAT_ONLY, any)
UNARY(cos,        IN,               ML_FLOAT_ONLY, any)
UNARY(erf,        IN,               ML_FLOAT_ONLY, any)
UNARY(softplus,   IN,               ML_FLOAT_ONLY, any)
UNARY_DIRECT(tanh, any)
UNARY_DIRECT(sigmoid, any)
const ml_op ml_op_relu = { .kind = ML_POINTWISE, .saves = ML_SAVE_OUT, .forward = relu_forward, .slope = relu_slope,
                           .vjp_direct = relu_direct, .samples = kinked_samples };

FLAT(sign,  0,             flat)
FLAT(step,  0,             flat)
FLAT(floor, ML_FLOAT_ONLY, flat)
FLAT(ceil,  ML_FLOAT_ONLY, flat)
FLAT(round, ML_FLOAT_ONLY, flat)

BINARY(mul,     IN2,               0, two)
BINARY(div,     IN2 | ML_SAVE_OUT, 0, quotient)
BINARY(pow,     IN2 | ML_SAVE_OUT, 0, quotient)
BINARY(maximum, IN2,               0, two)
BINARY(minimum, IN2,               0, two)
#define SUM(f, SAMPLE) const ml_op ml_op_##f = { .kind = ML_POINTWISE, .forward = f##_forward, .vjp = f##_vjp, .samples = SAMPLE##_samples };
SUM(neg, any)
SUM(add, two)
SUM(sub, two)
#define COMPARISON(f) FLAT(f, ML_TO_BOOL, compare)
MLK_COMPARE(COMPARISON)

const ml_op ml_op_where = { .kind = ML_OTHER, .vmap = mli_pointwise_vmap, .saves = ML_SAVE_IN(0), .infer = where_infer, .forward = where_forward,
                            .vjp = where_vjp, .samples = where_samples };
const ml_op ml_op_cast  = { .kind = ML_LINEAR, .vmap = mli_pointwise_vmap, .flags = ML_NO_PROMOTE, .infer = cast_infer, .forward = cast_forward,
                            .vjp = cast_vjp, .samples = cast_samples };
