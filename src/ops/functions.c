/* Elementary functions, element by element: exponentials and logarithms, circular and hyperbolic ones, the error function. */
#include "ops/pointwise.h"

#define LN_2          0.69314718055994530942
#define LOG2_E        1.4426950408889634074
#define LOG10_E       0.43429448190325182765
#define TWO_BY_SQRTPI 1.1283791670955125739

FORWARD1_FLOAT(exp)
FORWARD1_FLOAT(exp2)
FORWARD1_FLOAT(expm1)
FORWARD1_FLOAT(log)
FORWARD1_FLOAT(log2)
FORWARD1_FLOAT(log10)
FORWARD1_FLOAT(log1p)
FORWARD1_FLOAT(sin)
FORWARD1_FLOAT(cos)
FORWARD1_FLOAT(tan)
FORWARD1_FLOAT(asin)
FORWARD1_FLOAT(acos)
FORWARD1_FLOAT(atan)
FORWARD1_FLOAT(sinh)
FORWARD1_FLOAT(cosh)
FORWARD1_FLOAT(asinh)
FORWARD1_FLOAT(acosh)
FORWARD1_FLOAT(atanh)
FORWARD1_FLOAT(erf)
FORWARD1_FLOAT(erfc)
FORWARD1_FLOAT(erfinv)
FORWARD2_FLOAT(atan2)
FORWARD2_FLOAT(logaddexp)

/* --- slopes ---------------------------------------------------------------------------------------------------------------- */
static ml_tensor *one_minus_square(ml_tensor *x) { return ml_mul(minus_from(1, x), plus(1, x)); } /* no cancellation near 1 */
static ml_tensor *gauss(ml_tensor *x) { return ml_exp(ml_neg(ml_square(x))); }

SLOPE(exp, OUT)
SLOPE(exp2, times(LN_2, OUT))
SLOPE(expm1, plus(1, OUT))
SLOPE(log, ml_reciprocal(X))
SLOPE(log2, times(LOG2_E, ml_reciprocal(X)))
SLOPE(log10, times(LOG10_E, ml_reciprocal(X)))
SLOPE(log1p, ml_reciprocal(plus(1, X)))
SLOPE(sin, ml_cos(X))
SLOPE(cos, ml_neg(ml_sin(X)))
SLOPE(tan, plus(1, ml_square(OUT)))
SLOPE(asin, ml_rsqrt(one_minus_square(X)))
SLOPE(acos, ml_neg(ml_rsqrt(one_minus_square(X))))
SLOPE(atan, ml_reciprocal(plus(1, ml_square(X))))
SLOPE(sinh, ml_cosh(X))
SLOPE(cosh, ml_sinh(X))
SLOPE(asinh, ml_reciprocal(ml_hypot(X, ml_number(1))))                              /* x * x would overflow */
SLOPE(acosh, ml_mul(ml_rsqrt(plus(-1, X)), ml_rsqrt(plus(1, X))))
SLOPE(atanh, ml_reciprocal(one_minus_square(X)))
SLOPE(erf, times(TWO_BY_SQRTPI, gauss(X)))
SLOPE(erfc, times(-TWO_BY_SQRTPI, gauss(X)))
SLOPE(erfinv, times(1 / TWO_BY_SQRTPI, ml_exp(ml_square(OUT))))

/* The angle of the point (y, x): d/dx = y / r^2, d/dy = -x / r^2, and 0 at the origin, where it has none. */
static ml_tensor *atan2_slope(ml_call *c, int i)
{
    ml_tensor *r = ml_hypot(X, Y), *safe = except(is_zero(r), 1, r);
    return ml_div(ml_div(i == 0 ? Y : ml_neg(X), safe), safe);
}

/* Two infinities of one sign share; their difference would be NaN. */
static ml_tensor *logaddexp_slope(ml_call *c, int i)
{
    ml_tensor *equal = ml_logical_and(ml_isinf(X), ml_eq(X, Y));
    return ml_sigmoid(except(equal, 0, i == 0 ? ml_sub(X, Y) : ml_sub(Y, X)));
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
SAMPLES(any)      = { SHAPES_1, { 0 } };
SAMPLES(positive) = WITHIN(0.2, 3);
SAMPLES(log1p)    = WITHIN(-0.8, 3);
SAMPLES(inside)   = WITHIN(-0.7, 0.7);
SAMPLES(gentle)   = WITHIN(-1, 1);
SAMPLES(beyond)   = WITHIN(1.3, 3);
SAMPLES(two)      = { { .in = { "(2, 3)", "(2, 3)" }, .order = 3 }, { .in = { "(2, 3)", "(3)" } }, { .in = { "()", "(2)" } }, { 0 } };

#define FUNCTION(f, SAVES, SAMPLE) MAP(f, SAVES, ML_FLOAT_ONLY, SAMPLE)
FUNCTION(exp,    ML_SAVE_OUT, any)
FUNCTION(exp2,   ML_SAVE_OUT, any)
FUNCTION(expm1,  ML_SAVE_OUT, any)
FUNCTION(log,    IN,          positive)
FUNCTION(log2,   IN,          positive)
FUNCTION(log10,  IN,          positive)
FUNCTION(log1p,  IN,          log1p)
FUNCTION(sin,    IN,          any)
FUNCTION(cos,    IN,          any)
FUNCTION(tan,    ML_SAVE_OUT, gentle)
FUNCTION(asin,   IN,          inside)
FUNCTION(acos,   IN,          inside)
FUNCTION(atan,   IN,          any)
FUNCTION(sinh,   IN,          any)
FUNCTION(cosh,   IN,          any)
FUNCTION(asinh,  IN,          any)
FUNCTION(acosh,  IN,          beyond)
FUNCTION(atanh,  IN,          inside)
FUNCTION(erf,    IN,          any)
FUNCTION(erfc,   IN,          any)
FUNCTION(erfinv, ML_SAVE_OUT, inside)
FUNCTION(atan2,     IN2, two)
FUNCTION(logaddexp, IN2, two)
