/* Composed reductions: var, std, norm. Where a root has no derivative its argument is exchanged before it is drawn, so that the
 * rule has 0 there and no 0 * inf. */
#include "ops/reduce.h"

#include <math.h>

MLI_IS_OVER(var);
MLI_IS_OVER(std);
_Static_assert(sizeof(ml_var_opts) == sizeof(ml_std_opts) && offsetof(ml_var_opts, correction) == offsetof(ml_std_opts, correction),
               "std reads its options as var");

/* f(x) where x is not 0, else 0. */
static ml_tensor *unless_zero(ml_tensor *x, ml_tensor *(*f)(ml_tensor *, double), double p)
{
    if (!x) return NULL;
    ml_tensor *zero = ml_eq(x, ml_number(0)), *none = ml_scalar(0, (ml_dtype)x->dtype), *one = ml_scalar(1, (ml_dtype)x->dtype);
    return ml_where(zero, none, f(ml_where(zero, one, x), p));
}

static ml_tensor *power(ml_tensor *x, double p) { return p == 0.5 ? ml_sqrt(x) : ml_pow(x, ml_number(p)); }

/* --- var, std ---------------------------------------------------------------------------------------------------------------------- */
static ml_tensor *var_compose(ml_call *c)
{
    const ml_var_opts *o    = c->opts;
    double             n    = (double)mli_n_reduced(c) - (double)o->correction;
    ml_tensor         *mean = ml_mean(c->in[0], &(ml_mean_opts){ o->dims, true });
    ml_tensor         *sum  = ml_sum(ml_square(ml_sub(c->in[0], mean)), &(ml_sum_opts){ o->dims, o->keepdim });
    return ml_mul(sum, ml_number(1 / (n > 0 ? n : 0)));
}

static ml_tensor *std_compose(ml_call *c) { return unless_zero(var_compose(c), power, 0.5); }

/* --- norm -------------------------------------------------------------------------------------------------------------------------- */
static bool norm_infer(ml_call *c)
{
    const ml_norm_opts *o    = c->opts;
    mli_over            over = { o->dims, o->keepdim };
    ml_call             sum  = *c;
    sum.opts                 = &over;
    if (!mli_reduce_infer(&sum)) return false;
    c->shape = sum.shape;
    return !(o->p < 0 || isinf(o->p)) || mli_refuse_nothing(c);
}

static ml_tensor *norm_compose(ml_call *c)
{
    const ml_norm_opts *o    = c->opts;
    ml_tensor          *x    = c->in[0];
    ml_sum_opts         over = { o->dims, o->keepdim };
    double              p    = o->p;
    if (isnan(p)) return ml_fail("norm: p must be a number, got nan");
    if (p == 0) return ml_sum(ml_abs(ml_sign(x)), &over);
    if (p == 1) return ml_sum(ml_abs(x), &over);
    if (p == 2) return unless_zero(ml_sum(ml_square(x), &over), power, 0.5);
    if (p == (double)INFINITY) return ml_max(ml_abs(x), &(ml_max_opts){ o->dims, o->keepdim });
    if (p == (double)-INFINITY) return ml_min(ml_abs(x), &(ml_min_opts){ o->dims, o->keepdim });
    ml_tensor *a = ml_abs(x);
    a = p > 0 ? unless_zero(a, power, p) : ml_pow(a, ml_number(p)); /* 0 to a negative power is inf, and makes the norm 0 */
    return unless_zero(ml_sum(a, &over), power, 1 / p);
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
static const ml_var_opts rows = { .dims = { 1, { 0 } }, .correction = 1 }, last_kept = { .dims = { 1, { -1 } }, .keepdim = true },
                         ends = { .dims = { 2, { 0, 2 } }, .correction = 1 };
static const ml_sample var_samples[] = {
    { .in = { "(3, 4)" }, .order = 3 }, { .in = { "(3, 4)" }, .opts = &rows }, { .in = { "(3, 4)" }, .opts = &last_kept },
    { .in = { "(2, 3, 4)" }, .opts = &ends }, { 0 }
};
static const ml_norm_opts one = { .p = 1 }, three = { .p = 3, .dims = { 1, { 0 } } }, half = { .p = 0.5, .dims = { 1, { 1 } }, .keepdim = true },
                          greatest = { .p = INFINITY, .dims = { 1, { 1 } } }, least = { .p = -INFINITY }, count = { .p = 0 }, inverse = { .p = -2 };
static const ml_sample norm_samples[] = {
    { .in = { "(3, 4)" }, .order = 3 }, { .in = { "(3, 4)" }, .opts = &one }, { .in = { "(3, 4)" }, .opts = &three }, { .in = { "(3, 4)" }, .opts = &half, .low = 0.3, .high = 2 },
    { .in = { "(3, 4)" }, .opts = &greatest }, { .in = { "(3, 4)" }, .opts = &least }, { .in = { "(3, 4)" }, .opts = &count },
    { .in = { "(3, 4)" }, .opts = &inverse, .low = 0.3, .high = 2 }, { .in = { "()" } }, { 0 }
};

const ml_op ml_op_var  = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = mli_reduce_infer, .compose = var_compose, .samples = var_samples };
const ml_op ml_op_std  = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = mli_reduce_infer, .compose = std_compose, .samples = var_samples };
const ml_op ml_op_norm = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = norm_infer, .compose = norm_compose, .samples = norm_samples };
