/* Arithmetic, element by element: signs, sums, products, powers, extremes, rounding. */
#include "ops/pointwise.h"

/* --- forward ------------------------------------------------------------------------------------------------------------ */
FORWARD1_ANY(neg)
FORWARD1_ANY(abs)
FORWARD1_ANY(sign)
FORWARD1_ANY(square)
FORWARD1_FLOAT(sqrt)
FORWARD1_FLOAT(rsqrt)
FORWARD1_FLOAT(reciprocal)
FORWARD1_FLOAT(floor)
FORWARD1_FLOAT(ceil)
FORWARD1_FLOAT(round)
FORWARD1_FLOAT(trunc)
FORWARD1_FLOAT(frac)
FORWARD2_ANY(add)
FORWARD2_ANY(sub)
FORWARD2_ANY(mul)
FORWARD2_ANY(maximum)
FORWARD2_ANY(minimum)
FORWARD2_FLOAT(hypot)

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

static bool equals_zero(int64_t v) { return v == 0; }
static bool is_negative(int64_t v) { return v < 0; }

static bool div_forward(ml_call *c)
{
    return refuse_element(c, equals_zero, "integer division by zero; cast to f32 for infinities") && mli_map2(c, PICK_ANY(c, div));
}

static bool remainder_forward(ml_call *c)
{
    return refuse_element(c, equals_zero, "integer division by zero; cast to f32 for NaN") && mli_map2(c, PICK_ANY(c, remainder));
}

static bool pow_forward(ml_call *c)
{
    return refuse_element(c, is_negative, "an integer to a negative power is no integer; cast to f32 first") &&
           mli_map2(c, PICK_ANY(c, pow));
}

static bool lerp_forward(ml_call *c) { return mli_map3(c, PICK_FLOAT(c, lerp)); }

/* The bounds go in as repeated inputs. An integer has no fractions to be bounded by, and -inf is its least value. */
static bool clamp_forward(ml_call *c)
{
    const ml_clamp_opts *o = c->opts;
    if (isnan(o->min) || isnan(o->max)) return ml_fail("clamp: min and max must be numbers, got %g and %g", o->min, o->max);
    if (X->dtype == ML_I64 && ((isfinite(o->min) && o->min != floor(o->min)) || (isfinite(o->max) && o->max != floor(o->max))))
        return ml_fail("clamp: integers need whole bounds, got %g and %g; cast to f32 first", o->min, o->max);
    ml_tensor *in[] = { X, like(X, o->min), like(X, o->max) };
    ml_call    run  = *c;
    run.n_in = 3;
    run.in   = in;
    return in[1] && in[2] && mli_map3(&run, PICK_ANY(c, clamp));
}

/* --- slopes ---------------------------------------------------------------------------------------------------------------- */
SLOPE(abs, ml_sign(X))
SLOPE(sqrt, times(0.5, ml_reciprocal(OUT)))
SLOPE(rsqrt, times(-0.5, ml_mul(OUT, ml_reciprocal(X))))
SLOPE(square, times(2, X))
SLOPE(reciprocal, ml_neg(ml_square(OUT)))
SLOPE(mul, i == 0 ? Y : X)
SLOPE(hypot, ml_div(i == 0 ? X : Y, except(is_zero(OUT), 1, OUT))) /* 0 at the origin, not 0 / 0 */
SLOPE(lerp, i == 0 ? minus_from(1, Z) : i == 1 ? Z : ml_sub(Y, X))

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

static bool frac_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    (void)c;
    dx[0] = dy;
    return true;
}

/* x - q y with a whole q, which is found from the remainder: the quotient x / y may have been rounded up to the next. */
static bool remainder_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = dy;
    if (ml_needs(c, 1)) dx[1] = ml_mul(dy, ml_round(ml_div(ml_sub(OUT, X), Y)));
    return !ml_failed();
}

/* 1 within the bounds and at them. */
static bool clamp_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_clamp_opts *o = c->opts;
    dx[0] = ml_where(ml_logical_and(ml_ge(X, ml_number(o->min)), ml_le(X, ml_number(o->max))), dy, like(dy, 0));
    return dx[0] != NULL;
}

static ml_tensor *div_slope(ml_call *c, int i)
{
    return i == 0 ? ml_reciprocal(Y) : ml_neg(ml_div(OUT, Y));
}

/* d x^y / dx = y x^(y-1), where 0 * 0^-1 counts as 0. d / dy = x^y log x, where x = 0 and y > 0 it is 0. */
static ml_tensor *pow_slope(ml_call *c, int i)
{
    ml_tensor *x_is_0 = is_zero(X);
    if (i == 0) {
        ml_tensor *both = ml_mul(as_float(x_is_0, X), as_float(is_zero(Y), X));
        return ml_mul(Y, ml_pow(X, ml_sub(Y, minus_from(1, both))));
    }
    return ml_mul(OUT, ml_log(except(x_is_0, 1, X)));
}

/* Ties share: half each. */
static ml_tensor *extreme_slope(ml_tensor *mine, ml_tensor *other, bool largest)
{
    ml_tensor *wins = as_float(largest ? ml_gt(mine, other) : ml_lt(mine, other), mine);
    return ml_add(wins, times(0.5, as_float(ml_eq(mine, other), mine)));
}
SLOPE(maximum, i == 0 ? extreme_slope(X, Y, true) : extreme_slope(Y, X, true))
SLOPE(minimum, i == 0 ? extreme_slope(X, Y, false) : extreme_slope(Y, X, false))

/* --- the operations -------------------------------------------------------------------------------------------------------- */
SAMPLES(any)      = { SHAPES_1, { 0 } };
SAMPLES(positive) = WITHIN(0.2, 3);
SAMPLES(kinked)   = { { .in = { "(2, 3)" }, .low = 0.1, .high = 2 }, { .in = { "(2, 3)" }, .low = -2, .high = -0.1 }, { 0 } };
SAMPLES(nonzero)  = { { .in = { "(2, 3)" }, .low = 0.3, .high = 2 }, { .in = { "()" }, .low = -2, .high = -0.3 }, { 0 } };
SAMPLES(two)      = { { .in = { "(2, 3)", "(2, 3)" } }, { .in = { "(2, 3)", "(3)" } }, { .in = { "(2, 1)", "()" } }, { 0 } };
SAMPLES(three)    = { { .in = { "(2, 3)", "(2, 3)", "(2, 3)" }, .order = 3 }, { .in = { "(2, 1)", "(3)", "()" } }, { 0 } };
SAMPLES(smooth)   = { { .in = { "(2, 3)", "(2, 3)" }, .order = 3 }, { .in = { "(2, 3)", "(3)" } }, { .in = { "()", "(2)" } }, { 0 } };
SAMPLES(flat)     = { { .in = { "(2, 3)" }, .order = ML_VALUE_ONLY }, { .in = { "()" }, .order = ML_VALUE_ONLY }, { 0 } };
SAMPLES(quotient) = { { .in = { "(2, 3)", "(2, 3)" }, .low = 0.3, .high = 2 }, { .in = { "(2, 3)", "(3)" }, .low = 0.3, .high = 2 }, { 0 } };
static const ml_clamp_opts below = { .min = -INFINITY, .max = 0.2 }, between = { .min = -1, .max = 1 };
SAMPLES(clamp)    = { { .in = { "(2, 3)" }, .opts = &between }, { .in = { "(5)" }, .opts = &below }, { .in = { "()" } }, { 0 } };

MAP_VJP(neg, 0, 0, any)
MAP(abs,        IN,               0,             kinked)
MAP(sqrt,       ML_SAVE_OUT,      ML_FLOAT_ONLY, positive)
MAP(rsqrt,      IN | ML_SAVE_OUT, ML_FLOAT_ONLY, positive)
MAP(square,     IN,               0,             any)
MAP(reciprocal, ML_SAVE_OUT,      ML_FLOAT_ONLY, nonzero)
FLAT(sign,  0,             flat)
FLAT(floor, ML_FLOAT_ONLY, flat)
FLAT(ceil,  ML_FLOAT_ONLY, flat)
FLAT(round, ML_FLOAT_ONLY, flat)
FLAT(trunc, ML_FLOAT_ONLY, flat)
MAP_VJP(frac,  0,  ML_FLOAT_ONLY, any)
MAP_VJP(clamp, IN, 0,             clamp)

MAP_VJP(add, 0, 0, two)
MAP_VJP(sub, 0, 0, two)
MAP(mul,     IN2,               0, two)
MAP(div,     IN2 | ML_SAVE_OUT, 0, quotient)
MAP_VJP(remainder, IN2 | ML_SAVE_OUT, 0, quotient)
MAP(pow,     IN2 | ML_SAVE_OUT, 0, quotient)
MAP(maximum, IN2,               0, two)
MAP(minimum, IN2,               0, two)
MAP(hypot,   IN2 | ML_SAVE_OUT, ML_FLOAT_ONLY, smooth)
MAP(lerp,    IN3,               ML_FLOAT_ONLY, three)
