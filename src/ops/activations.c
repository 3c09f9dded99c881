/* Activations of networks. A product with x in a slope stops growing where the other factor has long been 0 or 1: inf * 0
 * would be NaN. */
#include "ops/pointwise.h"

#define SQRT_HALF        0.70710678118654752440
#define ONE_BY_SQRT_2PI  0.39894228040143267794
#define SQRT_8_BY_PI     1.5957691216057307117
#define GELU_CUBE        0.044715

FORWARD1_FLOAT(tanh)
FORWARD1_FLOAT(sigmoid)
FORWARD1_FLOAT(softplus)
FORWARD1_ANY(relu)
FORWARD1_ANY(step)
FORWARD1_FLOAT(silu)
FORWARD1_FLOAT(log_sigmoid)
FORWARD1_FLOAT(softsign)
FORWARD1_FLOAT(mish)

static bool gelu_forward(ml_call *c)
{
    return mli_map1(c, ((const ml_gelu_opts *)c->opts)->tanh ? PICK_FLOAT(c, gelu_tanh) : PICK_FLOAT(c, gelu));
}

static bool with_number(ml_call *c, double number, mli_map2_fn f) /* the number goes in as a repeated input */
{
    ml_tensor *in[] = { X, like(X, number) };
    ml_call    run  = *c;
    run.n_in = 2;
    run.in   = in;
    return in[1] && mli_map2(&run, f);
}

static double slope_of(const ml_call *c) { return ((const ml_leaky_relu_opts *)c->opts)->slope; }
static double alpha_of(const ml_call *c) { return ((const ml_elu_opts *)c->opts)->alpha; }
static bool leaky_relu_forward(ml_call *c) { return with_number(c, slope_of(c), PICK_FLOAT(c, leaky_relu)); }
static bool elu_forward(ml_call *c) { return with_number(c, alpha_of(c), PICK_FLOAT(c, elu)); }

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
static ml_tensor *within(double bound, ml_tensor *x) { return ml_clamp(x, &(ml_clamp_opts){ -bound, bound }); }
static ml_tensor *positive(ml_tensor *x) { return ml_gt(x, ml_number(0)); }

SLOPE(tanh, ml_mul(minus_from(1, OUT), plus(1, OUT))) /* 1 - y*y cancels near 1 */
SLOPE(sigmoid, ml_mul(OUT, minus_from(1, OUT)))
SLOPE(softplus, ml_sigmoid(X))
SLOPE(relu, ml_step(OUT))
SLOPE(log_sigmoid, ml_sigmoid(ml_neg(X)))
SLOPE(softsign, ml_square(ml_reciprocal(plus(1, ml_abs(X)))))
SLOPE(leaky_relu, ml_where(positive(X), like(X, 1), like(X, slope_of(c))))

static ml_tensor *elu_slope(ml_call *c, int i)
{
    (void)i;
    ml_tensor *right = positive(X); /* e^x there is not used, and must not overflow */
    return ml_where(right, like(X, 1), times(alpha_of(c), ml_exp(except(right, 0, X))));
}

/* x Phi(x): Phi(x) + x phi(x). By tanh: x s(2u), u = sqrt(2/pi) (x + 0.044715 x^3): s + x s (1 - s) 2u'. */
static ml_tensor *gelu_slope(ml_call *c, int i)
{
    (void)i;
    ml_tensor *x = within(40, X), *square = ml_square(x);
    if (!((const ml_gelu_opts *)c->opts)->tanh) {
        ml_tensor *density = times(ONE_BY_SQRT_2PI, ml_exp(times(-0.5, square)));
        return ml_add(times(0.5, ml_erfc(times(-SQRT_HALF, x))), ml_mul(x, density));
    }
    ml_tensor *u2 = ml_mul(times(SQRT_8_BY_PI, x), plus(1, times(GELU_CUBE, square)));
    ml_tensor *s = ml_sigmoid(u2), *both = ml_mul(s, ml_sigmoid(ml_neg(u2)));
    return ml_add(s, ml_mul(ml_mul(x, both), times(SQRT_8_BY_PI, plus(1, times(3 * GELU_CUBE, square)))));
}

static ml_tensor *silu_slope(ml_call *c, int i)
{
    (void)i;
    ml_tensor *x = within(800, X), *s = ml_sigmoid(x);
    return ml_add(s, ml_mul(x, ml_mul(s, ml_sigmoid(ml_neg(x)))));
}

static ml_tensor *mish_slope(ml_call *c, int i)
{
    (void)i;
    ml_tensor *x = within(800, X), *t = ml_tanh(ml_softplus(x));
    return ml_add(t, ml_mul(ml_mul(x, ml_sigmoid(x)), ml_mul(minus_from(1, t), plus(1, t))));
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
SAMPLES(any)    = { SHAPES_1, { 0 } };
SAMPLES(kinked) = { { .in = { "(2, 3)" }, .low = 0.1, .high = 2 }, { .in = { "(2, 3)" }, .low = -2, .high = -0.1 }, { 0 } };
SAMPLES(flat)   = { { .in = { "(2, 3)" }, .order = ML_VALUE_ONLY }, { .in = { "()" }, .order = ML_VALUE_ONLY }, { 0 } };
static const ml_gelu_opts       by_tanh = { .tanh = true };
static const ml_leaky_relu_opts steep   = { .slope = 0.3 };
static const ml_elu_opts        small   = { .alpha = 0.7 };
SAMPLES(gelu)       = { { .in = { "(2, 3)" } }, { .in = { "(2, 3)" }, .opts = &by_tanh }, { .in = { "()" } }, { 0 } };
SAMPLES(leaky_relu) = { { .in = { "(2, 3)" } }, { .in = { "(2, 3)" }, .opts = &steep }, { 0 } };
SAMPLES(elu)        = { { .in = { "(2, 3)" } }, { .in = { "(2, 3)" }, .opts = &small }, { 0 } };

MAP_DIRECT(tanh, any)
MAP_DIRECT(sigmoid, any)
const ml_op ml_op_relu = { .kind = ML_POINTWISE, .saves = ML_SAVE_OUT, .forward = relu_forward, .slope = relu_slope,
                           .vjp_direct = relu_direct, .samples = kinked_samples };
FLAT(step, 0, flat)
MAP(softplus,    IN, ML_FLOAT_ONLY, any)
MAP(leaky_relu,  IN, ML_FLOAT_ONLY, leaky_relu)
MAP(elu,         IN, ML_FLOAT_ONLY, elu)
MAP(gelu,        IN, ML_FLOAT_ONLY, gelu)
MAP(silu,        IN, ML_FLOAT_ONLY, any)
MAP(mish,        IN, ML_FLOAT_ONLY, any)
MAP(log_sigmoid, IN, ML_FLOAT_ONLY, any)
MAP(softsign,    IN, ML_FLOAT_ONLY, kinked)
