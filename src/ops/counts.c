/* What holds and how often: any, all, count_nonzero over dimensions, histogram. No derivatives; every dtype as it is. */
#include "ops/reduce.h"

#include <math.h>
#include <string.h>

MLI_IS_OVER(any);
MLI_IS_OVER(all);
MLI_IS_OVER(count_nonzero);

/* --- any, all, count_nonzero -------------------------------------------------------------------------------------------------- */
static bool truth_infer(ml_call *c)
{
    if (!mli_reduce_infer(c)) return false;
    c->dtype = ML_BOOL;
    return true;
}

static bool count_infer(ml_call *c)
{
    if (!mli_reduce_infer(c)) return false;
    c->dtype = ML_I64;
    return true;
}

#define COUNT(T)                                                                                \
    if (b->inner == 1) {                                                                        \
        const T *row   = (const T *)mli_data(b->x) + o * b->reduced;                            \
        int64_t  total = 0;                                                                     \
        for (int64_t r = 0; r < b->reduced; r++) total += row[r] != 0;                          \
        *count = total;                                                                         \
    } else                                                                                      \
    for (int64_t r = 0; r < b->reduced; r++) {                                                  \
        const T *row = (const T *)mli_data(b->x) + (o * b->reduced + r) * b->inner;             \
        for (int64_t i = 0; i < b->inner; i++) count[i] += row[i] != 0;                         \
    }

/* The not-zero ones of one outer index, into count (inner). */
static void count_true(const mli_block *b, int64_t o, int64_t *count)
{
    memset(count, 0, (size_t)b->inner * sizeof *count);
    switch ((ml_dtype)b->x->dtype) {
    case ML_F32: COUNT(float) break;
    case ML_F64: COUNT(double) break;
    case ML_I64: COUNT(int64_t) break;
    default: COUNT(uint8_t) break;
    }
}

static bool count_nonzero_forward(ml_call *c)
{
    mli_block b;
    if (!mli_reduce_block(c, &b)) return false;
    for (int64_t o = 0; o < b.outer; o++) count_true(&b, o, (int64_t *)mli_data(c->out) + o * b.inner);
    return true;
}

static bool truth(ml_call *c, bool all)
{
    mli_block b;
    if (!mli_reduce_block(c, &b)) return false;
    ml_tensor *counts = ml_empty(ML_SHAPE(b.inner), ML_I64);
    if (!counts) return false;
    const int64_t *count = mli_data(counts);
    uint8_t       *out   = mli_data(c->out);
    for (int64_t o = 0; o < b.outer; o++, out += b.inner) {
        count_true(&b, o, mli_data(counts));
        for (int64_t i = 0; i < b.inner; i++) out[i] = all ? count[i] == b.reduced : count[i] > 0;
    }
    return true;
}

static bool any_forward(ml_call *c) { return truth(c, false); }
static bool all_forward(ml_call *c) { return truth(c, true); }

/* --- histogram ------------------------------------------------------------------------------------------------------------------ */
static bool histogram_infer(ml_call *c)
{
    const ml_histogram_opts *o = c->opts;
    if (o->bins < 1) return ml_fail("histogram: bins must be at least 1, got %lld", (long long)o->bins);
    if (!isfinite(o->low) || !isfinite(o->high) || o->low > o->high)
        return ml_fail("histogram: low and high must be finite and in this order, got %g and %g", o->low, o->high);
    c->shape = (ml_shape){ 1, { o->bins } };
    c->dtype = ML_I64;
    return true;
}

static bool own_range(const double *v, int64_t n, double *low, double *high)
{
    *low = n ? INFINITY : 0, *high = n ? -INFINITY : 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(v[i])) return ml_fail("histogram: a value is %g, so the values have no range; give low and high", v[i]);
        *low  = fmin(*low, v[i]);
        *high = fmax(*high, v[i]);
    }
    if (*low == *high) *low -= 1, *high += 1;
    return true;
}

/* Values outside, and NaN, are in no bin. */
static bool histogram_forward(ml_call *c)
{
    const ml_histogram_opts *o    = c->opts;
    int64_t                  n    = ml_tensor_numel(c->in[0]), *count = mli_data(c->out);
    double                   low  = o->low, high = o->high;
    ml_tensor               *wide = ml_empty(c->in[0]->shape, ML_F64);
    if (!wide) return false;
    mli_strided_copy(c->in[0], ML_F64, mli_data(wide));
    const double *v = mli_data(wide);
    if (low == high && !own_range(v, n, &low, &high)) return false;
    memset(count, 0, (size_t)o->bins * sizeof *count);
    for (int64_t i = 0; i < n; i++) {
        if (!(v[i] >= low && v[i] <= high)) continue;
        int64_t at = (int64_t)((v[i] - low) / (high - low) * (double)o->bins);
        count[at < o->bins ? at : o->bins - 1]++;
    }
    return true;
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
static const mli_over          rows = { .dims = { 1, { 0 } } }, last_kept = { .dims = { 1, { -1 } }, .keepdim = true };
static const ml_histogram_opts four = { .bins = 4, .low = -1, .high = 1.5 }, own = { .bins = 3 };
static const ml_sample truth_samples[] = {
    { .in = { "b(3, 4)" }, .order = ML_VALUE_ONLY }, { .in = { "b(3, 4)" }, .opts = &rows, .order = ML_VALUE_ONLY },
    { .in = { "b(2, 2, 2)" }, .opts = &last_kept, .order = ML_VALUE_ONLY }, { .in = { "(3)" }, .order = ML_VALUE_ONLY }, { 0 }
};
static const ml_sample histogram_samples[] = {
    { .in = { "(3, 4)" }, .opts = &four, .order = ML_VALUE_ONLY }, { .in = { "(9)" }, .opts = &own, .order = ML_VALUE_ONLY }, { 0 }
};
#define TRUTH(f, INFER)                                                                                                              \
    const ml_op ml_op_##f = { .kind = ML_OTHER, .flags = ML_NOGRAD | ML_NO_PROMOTE, .infer = INFER##_infer, .forward = f##_forward,  \
                              .vmap = mli_reduce_vmap, .samples = truth_samples };
TRUTH(any, truth)
TRUTH(all, truth)
TRUTH(count_nonzero, count)
const ml_op ml_op_histogram = { .kind = ML_OTHER, .flags = ML_NOGRAD | ML_NO_PROMOTE, .infer = histogram_infer, .forward = histogram_forward, .samples = histogram_samples };
