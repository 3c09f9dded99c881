/* The largest and the smallest: max, min over dimensions, argmax, argmin along one. */
#include "ops/reduce.h"

MLI_IS_OVER(max);
MLI_IS_OVER(min);

/* --- max, min ------------------------------------------------------------------------------------------------------------------ */
#define BETTER(T, greatest) (v != v ? best == best : best == best && (greatest ? v > best : v < best)) /* the first NaN wins */
#define SCAN(T, greatest)                                                                  \
    {                                                                                      \
        const T *x = mli_data(b->x);                                                       \
        for (int64_t o = 0; o < b->outer; o++)                                             \
            for (int64_t c = 0; c < b->inner; c++) {                                       \
                const T *at   = x + o * b->reduced * b->inner + c;                         \
                T        best = at[0];                                                     \
                int64_t  where = 0;                                                        \
                for (int64_t r = 1; r < b->reduced; r++) {                                 \
                    T v = at[r * b->inner];                                                \
                    if (BETTER(T, greatest)) best = v, where = r;                          \
                }                                                                          \
                if (positions) positions[o * b->inner + c] = where + base;                 \
                else ((T *)values)[o * b->inner + c] = best;                               \
            }                                                                              \
    }

static void scan(const mli_block *b, bool greatest, void *values, int64_t *positions, int64_t base)
{
    switch ((ml_dtype)b->x->dtype) {
    case ML_F32: SCAN(float, greatest) break;
    case ML_F64: SCAN(double, greatest) break;
    case ML_I64: SCAN(int64_t, greatest) break;
    default: SCAN(uint8_t, greatest) break;
    }
}

static bool extreme_infer(ml_call *c)
{
    return mli_reduce_infer(c) && mli_refuse_nothing(c);
}

static bool extreme(ml_call *c, bool greatest)
{
    mli_block b;
    if (ml_shape_numel(&c->shape) == 0) return true;
    if (!mli_reduce_block(c, &b)) return false;
    scan(&b, greatest, mli_data(c->out), NULL, 0);
    return true;
}

static bool max_forward(ml_call *c) { return extreme(c, true); }
static bool min_forward(ml_call *c) { return extreme(c, false); }

/* Equal values share: 1 / count each. The mask is a constant, so the second derivative is that of dy alone. */
static bool extreme_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_dtype   dtype = (ml_dtype)c->in[0]->dtype;
    ml_tensor *mask  = ml_cast(ml_eq(c->in[0], mli_keep_dims(c, c->out)), &(ml_cast_opts){ dtype });
    ml_sum_opts keep = *(const mli_over *)c->opts;
    keep.keepdim     = true;
    dx[0] = ml_mul(ml_div(mask, ml_sum(mask, &keep)), mli_keep_dims(c, dy));
    return dx[0] != NULL;
}

/* --- argmax, argmin: positions, no derivative -------------------------------------------------------------------------------- */
static bool arg_infer(ml_call *c)
{
    const ml_argmax_opts *o    = c->opts;
    const char           *name = ml_op_info_at(c->id)->name;
    bool                  mask[ML_MAX_DIMS];
    ml_dims               dims = { 1, { o->dim } };
    if (!mli_dims_mask(name, &dims, c->in[0]->shape.n, mask)) return false;
    c->shape = mli_reduced_shape(&c->in[0]->shape, mask, o->keepdim);
    c->dtype = ML_I64;
    return mli_refuse_nothing(c);
}

static bool arg_extreme(ml_call *c, bool greatest)
{
    _Static_assert(sizeof(ml_argmin_opts) == sizeof(ml_argmax_opts), "argmin reads its options as argmax");
    const ml_argmax_opts *o = c->opts;
    mli_block             b;
    if (ml_shape_numel(&c->shape) == 0) return true;
    if (!mli_dim_block(c, o->dim, &b)) return false;
    scan(&b, greatest, NULL, mli_data(c->out), o->base);
    return true;
}

static ml_tensor *arg_vmap(ml_call *c, const bool batched[], int64_t batch)
{
    (void)batched;
    ml_argmax_opts o = *(const ml_argmax_opts *)c->opts;
    return mli_dim_vmap(c, &o, &o.dim, &o.keepdim, batch);
}

static bool argmax_forward(ml_call *c) { return arg_extreme(c, true); }
static bool argmin_forward(ml_call *c) { return arg_extreme(c, false); }

/* --- the operations -------------------------------------------------------------------------------------------------------- */
static const mli_over rows = { .dims = { 1, { 0 } } }, last_kept = { .dims = { 1, { -1 } }, .keepdim = true },
                  ends = { .dims = { 2, { 0, 2 } } };
static const ml_sample reduce_samples[] = {
    { .in = { "(3, 4)" } }, { .in = { "(3, 4)" }, .opts = &rows }, { .in = { "(3, 4)" }, .opts = &last_kept },
    { .in = { "(2, 3, 4)" }, .opts = &ends }, { .in = { "()" } }, { 0 }
};
static const ml_argmax_opts first_dim = { .dim = 0, .base = 1 };
static const ml_sample arg_samples[] = {
    { .in = { "(3, 4)" }, .order = ML_VALUE_ONLY }, { .in = { "(3, 4)" }, .opts = &first_dim, .order = ML_VALUE_ONLY }, { 0 }
};

const ml_op ml_op_max    = { .kind = ML_OTHER, .saves = ML_SAVE_IN(0) | ML_SAVE_OUT, .infer = extreme_infer, .forward = max_forward, .vjp = extreme_vjp, .vmap = mli_reduce_vmap, .samples = reduce_samples };
const ml_op ml_op_min    = { .kind = ML_OTHER, .saves = ML_SAVE_IN(0) | ML_SAVE_OUT, .infer = extreme_infer, .forward = min_forward, .vjp = extreme_vjp, .vmap = mli_reduce_vmap, .samples = reduce_samples };
const ml_op ml_op_argmax = { .kind = ML_OTHER, .flags = ML_NOGRAD | ML_NO_PROMOTE, .infer = arg_infer, .forward = argmax_forward, .vmap = arg_vmap, .samples = arg_samples };
const ml_op ml_op_argmin = { .kind = ML_OTHER, .flags = ML_NOGRAD | ML_NO_PROMOTE, .infer = arg_infer, .forward = argmin_forward, .vmap = arg_vmap, .samples = arg_samples };
