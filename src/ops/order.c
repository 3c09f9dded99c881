/* Values by their rank along a dimension: kthvalue, and median and quantile made of it. */
#include "ops/reduce.h"

#include <math.h>
#include <string.h>

/* --- kthvalue -------------------------------------------------------------------------------------------------------------------- */
static bool ranked_infer(ml_call *c, int dim, bool keepdim)
{
    bool    mask[ML_MAX_DIMS];
    ml_dims dims = { 1, { dim } };
    if (!mli_dims_mask(ml_op_info_at(c->id)->name, &dims, c->in[0]->shape.n, mask)) return false;
    c->shape = mli_reduced_shape(&c->in[0]->shape, mask, keepdim);
    c->dtype = (ml_dtype)c->in[0]->dtype;
    return mli_refuse_nothing(c);
}

static int64_t size_along(const ml_tensor *x, int dim)
{
    return x->shape.n == 0 ? 1 : x->shape.size[dim < 0 ? dim + x->shape.n : dim];
}

static bool kthvalue_infer(ml_call *c)
{
    const ml_kthvalue_opts *o = c->opts;
    if (!ranked_infer(c, o->dim, o->keepdim)) return false;
    int64_t n = size_along(c->in[0], o->dim);
    if (o->k < 1 || (o->k > n && ml_shape_numel(&c->shape) > 0)) return ml_fail("kthvalue: k must be 1..%lld, got %lld", (long long)n, (long long)o->k);
    return true;
}

typedef struct {
    mli_block b;
    int64_t   k, each; /* rank from 0; columns a task */
    void     *out;
    bool      failed;
} rank_job;

#define PICK(S, T)                                                                              \
    {                                                                                           \
        const T *x = (const T *)mli_data(b->x) + (i / b->inner) * n * b->inner + i % b->inner;  \
        T       *column = room, *sorted = column + n;                                           \
        for (int64_t r = 0; r < n; r++) column[r] = x[r * b->inner];                            \
        mlk_sort_rows_##S(1, n, column, false, NULL, sorted, scratch);                          \
        ((T *)j->out)[i] = sorted[j->k];                                                        \
    }

static void pick_columns(void *ctx, int64_t task)
{
    rank_job        *j       = ctx;
    const mli_block *b       = &j->b;
    int64_t          n       = b->reduced, stop = (task + 1) * j->each;
    size_t           values  = 2 * (size_t)n * sizeof(double), bytes = values + mlk_sort_scratch(n);
    void            *room = ml_block_take(bytes), *scratch = (char *)room + values;
    if (!room) {
        j->failed = true; /* every task that fails writes the same */
        return;
    }
    for (int64_t i = task * j->each; i < stop && i < b->outer * b->inner; i++) {
        switch ((ml_dtype)b->x->dtype) {
        case ML_F32: PICK(f32, float) break;
        case ML_F64: PICK(f64, double) break;
        case ML_I64: PICK(i64, int64_t) break;
        default: PICK(u8, uint8_t) break;
        }
    }
    ml_block_give(room, bytes);
}

static bool kthvalue_forward(ml_call *c)
{
    const ml_kthvalue_opts *o = c->opts;
    rank_job                j = { .k = o->k - 1, .out = mli_data(c->out) };
    if (ml_shape_numel(&c->shape) == 0) return true;
    if (!mli_dim_block(c, o->dim, &j.b)) return false;
    int64_t columns = j.b.outer * j.b.inner;
    j.each          = j.b.reduced < 8192 ? 8192 / j.b.reduced + 1 : 1;
    ml_parallel((columns + j.each - 1) / j.each, pick_columns, &j);
    return !j.failed;
}

/* To the first of the values that equal the chosen one. */
static bool kthvalue_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_kthvalue_opts *o = c->opts;
    ml_tensor              *x = c->in[0], *y = c->out;
    if (x->shape.n > 0 && !o->keepdim) {
        ml_shape kept = x->shape;
        kept.size[o->dim < 0 ? o->dim + x->shape.n : o->dim] = 1;
        y  = ml_reshape(y, &(ml_reshape_opts){ kept });
        dy = ml_reshape(dy, &(ml_reshape_opts){ kept });
    }
    ml_tensor *equal = ml_eq(x, y), *nth = ml_cumsum(equal, &(ml_cumsum_opts){ .dim = o->dim });
    dx[0] = dy ? ml_where(ml_logical_and(equal, ml_eq(nth, ml_number(1))), dy, ml_scalar(0, (ml_dtype)dy->dtype)) : NULL;
    return dx[0] != NULL;
}

static ml_tensor *kthvalue_vmap(ml_call *c, const bool batched[], int64_t batch)
{
    (void)batched;
    ml_kthvalue_opts o = *(const ml_kthvalue_opts *)c->opts;
    return mli_dim_vmap(c, &o, &o.dim, &o.keepdim, batch);
}

/* --- median, quantile -------------------------------------------------------------------------------------------------------------- */
/* Sorting has put NaN last; the median of what has a NaN is NaN. */
static ml_tensor *nan_if_any(ml_tensor *x, int dim, bool keepdim, ml_tensor *y)
{
    if (!y || !ml_dtype_is_float((ml_dtype)y->dtype)) return y;
    ml_any_opts over = { ML_DIMS(dim), keepdim };
    return ml_where(ml_any(ml_isnan(x), &over), ml_scalar(NAN, (ml_dtype)y->dtype), y);
}

static bool median_infer(ml_call *c)
{
    const ml_median_opts *o = c->opts;
    return ranked_infer(c, o->dim, o->keepdim);
}

static ml_tensor *median_compose(ml_call *c)
{
    const ml_median_opts *o   = c->opts;
    ml_kthvalue_opts      kth = { (size_along(c->in[0], o->dim) + 1) / 2, o->dim, o->keepdim };
    return nan_if_any(c->in[0], o->dim, o->keepdim, ml_kthvalue(c->in[0], &kth));
}

static bool quantile_infer(ml_call *c)
{
    const ml_quantile_opts *o = c->opts;
    return ranked_infer(c, o->dim, o->keepdim);
}

static ml_tensor *quantile_compose(ml_call *c)
{
    const ml_quantile_opts *o = c->opts;
    if (!(o->q >= 0 && o->q <= 1)) return ml_fail("quantile: q must be in 0..1, got %g", o->q);
    int64_t          n  = size_along(c->in[0], o->dim);
    double           at = o->q * (double)(n - 1), below = floor(at);
    ml_kthvalue_opts kth = { (int64_t)below + 1, o->dim, o->keepdim };
    ml_tensor       *y   = ml_kthvalue(c->in[0], &kth);
    if (at > below) {
        kth.k++;
        y = ml_lerp(y, ml_kthvalue(c->in[0], &kth), ml_number(at - below));
    }
    return nan_if_any(c->in[0], o->dim, o->keepdim, y);
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
static const ml_kthvalue_opts second = { .k = 2, .dim = 0 }, third_kept = { .k = 3, .dim = 1, .keepdim = true };
static const ml_median_opts   columns = { .dim = 0, .keepdim = true };
static const ml_quantile_opts upper = { .q = 0.8, .dim = 0 }, middle = { .q = 0.5, .dim = 1 };
static const ml_sample kthvalue_samples[] = { { .in = { "(3, 4)" } }, { .in = { "(3, 4)" }, .opts = &second }, { .in = { "(2, 5, 2)" }, .opts = &third_kept }, { .in = { "()" } }, { 0 } };
static const ml_sample median_samples[]   = { { .in = { "(3, 4)" } }, { .in = { "(5, 3)" }, .opts = &columns }, { .in = { "()" } }, { 0 } };
static const ml_sample quantile_samples[] = { { .in = { "(3, 4)" } }, { .in = { "(5, 3)" }, .opts = &upper }, { .in = { "(2, 5)" }, .opts = &middle }, { .in = { "()" } }, { 0 } };

const ml_op ml_op_kthvalue = { .kind = ML_OTHER, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(0) | ML_SAVE_OUT, .infer = kthvalue_infer, .forward = kthvalue_forward,
                               .vjp = kthvalue_vjp, .vmap = kthvalue_vmap, .samples = kthvalue_samples };
const ml_op ml_op_median   = { .kind = ML_OTHER, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(0), .infer = median_infer, .compose = median_compose, .samples = median_samples };
const ml_op ml_op_quantile = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = quantile_infer, .compose = quantile_compose, .samples = quantile_samples };
