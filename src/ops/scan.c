/* Products and running sums, products and maxima. The derivative of a product must not divide by its factors, which may be 0: it is that of
 * the same product from halves (prod) and from doubling steps (cumprod), which is right to every order whatever is 0. */
#include "ops/reduce.h"

MLI_IS_OVER(prod);

/* --- prod ------------------------------------------------------------------------------------------------------------------------ */
#define PRODUCT(T, A)                                                                           \
    for (int64_t o = 0; o < b.outer; o++)                                                       \
        for (int64_t i = 0; i < b.inner; i++) {                                                 \
            const T *x = (const T *)mli_data(b.x) + o * b.reduced * b.inner + i;                \
            A product = 1;                                                                      \
            for (int64_t r = 0; r < b.reduced; r++) product *= (A)x[r * b.inner];               \
            ((T *)mli_data(c->out))[o * b.inner + i] = (T)product;                              \
        }

static bool prod_forward(ml_call *c)
{
    mli_block b;
    if (!mli_reduce_block(c, &b)) return false;
    switch ((ml_dtype)b.x->dtype) {
    case ML_F32: PRODUCT(float, double) break; /* the product may come back from where f32 has no numbers */
    case ML_F64: PRODUCT(double, double) break;
    default: PRODUCT(int64_t, uint64_t) break; /* wraps around, as NumPy's */
    }
    return true;
}

static ml_tensor *part(ml_tensor *x, int dim, int64_t from, int64_t to) { return ml_slice(x, &(ml_slice_opts){ dim, from, to, 1 }); }

/* The reduced dimensions last and in one; then half times half until one is left. */
static ml_tensor *prod_compose(ml_call *c)
{
    ml_tensor *x = c->in[0];
    bool       mask[ML_MAX_DIMS];
    ml_dims    order = { 0 };
    int64_t    n     = mli_n_reduced(c);
    mli_reduce_mask(c, mask);
    if (n == 0) return ml_add(ml_sum(x, c->opts), ml_number(1));
    ml_shape rows = mli_reduced_shape(&x->shape, mask, false);
    for (int pass = 0; pass < 2; pass++)
        for (int d = 0; d < x->shape.n; d++)
            if (mask[d] == (pass == 1)) order.at[order.n++] = d;
    int last = rows.n;
    rows.size[rows.n++] = n;
    x = ml_reshape(order.n ? ml_permute(x, &(ml_permute_opts){ order }) : x, &(ml_reshape_opts){ rows });
    for (int64_t half; n > 1; n = n - half) {
        half = n / 2;
        ml_tensor *y = ml_mul(part(x, last, 0, half), part(x, last, half, 2 * half));
        x = n % 2 ? ml_cat((ml_tensor *[]){ y, part(x, last, 2 * half, n) }, 2, &(ml_cat_opts){ last }) : y;
    }
    return ml_reshape(x, &(ml_reshape_opts){ c->shape });
}

/* --- cumsum, cumprod --------------------------------------------------------------------------------------------------------------- */
static bool scan_infer(ml_call *c)
{
    int d;
    c->shape = c->in[0]->shape;
    return mli_dim(ml_op_info_at(c->id)->name, *(const int *)c->opts, c->shape.n, &d);
}
_Static_assert(offsetof(ml_cumsum_opts, dim) == 0 && offsetof(ml_cumprod_opts, dim) == 0 && offsetof(ml_cummax_opts, dim) == 0,
               "dim comes first");

/* Sums and products run in A; f32 in f64, so that an error does not build up. */
#define SCAN(T, A, START, STEP)                                                                 \
    for (int64_t o = 0; o < b.outer; o++) {                                                     \
        const T *x = (const T *)mli_data(b.x) + o * n * b.inner;                                \
        T       *y = (T *)mli_data(c->out) + o * n * b.inner;                                   \
        A       *sum = mli_data(sums);                                                          \
        for (int64_t i = 0; i < b.inner; i++) sum[i] = START;                                   \
        for (int64_t k = 0; k < n; k++) {                                                       \
            int64_t at = (reverse ? n - 1 - k : k) * b.inner;                                   \
            for (int64_t i = 0; i < b.inner; i++) {                                             \
                sum[i] = sum[i] STEP (A)x[at + i];                                              \
                y[at + i] = (T)sum[i];                                                          \
            }                                                                                   \
        }                                                                                       \
    }

static bool scan(ml_call *c, int dim, bool product, bool reverse)
{
    mli_block b;
    if (!mli_dim_block(c, dim, &b)) return false;
    int64_t    n    = b.reduced;
    ml_tensor *sums = ml_empty(ML_SHAPE(b.inner), ML_F64);
    if (!sums) return false;
    switch ((ml_dtype)b.x->dtype) {
    case ML_F32:
        if (product) SCAN(float, double, 1, *)
        else SCAN(float, double, 0, +)
        break;
    case ML_F64:
        if (product) SCAN(double, double, 1, *)
        else SCAN(double, double, 0, +)
        break;
    default:
        if (product) SCAN(int64_t, uint64_t, 1, *)
        else SCAN(int64_t, uint64_t, 0, +)
        break;
    }
    return true;
}

static bool cumsum_forward(ml_call *c)
{
    const ml_cumsum_opts *o = c->opts;
    return scan(c, o->dim, false, o->reverse);
}

static bool cumsum_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_cumsum_opts o = *(const ml_cumsum_opts *)c->opts;
    o.reverse        = !o.reverse;
    dx[0]            = ml_cumsum(dy, &o);
    return dx[0] != NULL;
}

static ml_tensor *cumsum_vmap(ml_call *c, const bool batched[], int64_t batch)
{
    (void)batched;
    ml_cumsum_opts o = *(const ml_cumsum_opts *)c->opts;
    return mli_dim_vmap(c, &o, &o.dim, NULL, batch);
}

static bool cumprod_forward(ml_call *c) { return scan(c, ((const ml_cumprod_opts *)c->opts)->dim, true, false); }

/* Each result grows by the one that ends where it begins: of 1, 2, 4, ... values. */
static ml_tensor *doubling(ml_call *c, int option, ml_tensor *(*join)(ml_tensor *, ml_tensor *))
{
    ml_tensor *y = c->in[0];
    int        dim;
    if (!mli_dim(ml_op_info_at(c->id)->name, option, y->shape.n, &dim)) return NULL;
    int64_t n = y->shape.n ? y->shape.size[dim] : 1;
    y         = ml_reshape(y, &(ml_reshape_opts){ y->shape });
    for (int64_t s = 1; y && s < n; s *= 2)
        y = ml_cat((ml_tensor *[]){ part(y, dim, 0, s), join(part(y, dim, s, n), part(y, dim, 0, n - s)) }, 2, &(ml_cat_opts){ dim });
    return y;
}

static ml_tensor *cumprod_compose(ml_call *c) { return doubling(c, ((const ml_cumprod_opts *)c->opts)->dim, ml_mul); }

static ml_tensor *cumprod_vmap(ml_call *c, const bool batched[], int64_t batch)
{
    (void)batched;
    ml_cumprod_opts o = *(const ml_cumprod_opts *)c->opts;
    return mli_dim_vmap(c, &o, &o.dim, NULL, batch);
}

/* --- cummax ------------------------------------------------------------------------------------------------------------------------- */
#define RUNNING_MAX(T)                                                                          \
    for (int64_t o = 0; o < b.outer; o++) {                                                     \
        const T *x = (const T *)mli_data(b.x) + o * b.reduced * b.inner;                        \
        T       *y = (T *)mli_data(c->out) + o * b.reduced * b.inner;                           \
        for (int64_t i = 0; i < b.reduced * b.inner; i++) {                                     \
            T so_far = i < b.inner ? x[i] : y[i - b.inner];                                     \
            y[i]     = so_far != so_far || so_far >= x[i] ? so_far : x[i]; /* NaN stays */      \
        }                                                                                       \
    }

static bool cummax_forward(ml_call *c)
{
    mli_block b;
    if (!mli_dim_block(c, ((const ml_cummax_opts *)c->opts)->dim, &b)) return false;
    switch ((ml_dtype)b.x->dtype) {
    case ML_F32: RUNNING_MAX(float) break;
    case ML_F64: RUNNING_MAX(double) break;
    default: RUNNING_MAX(int64_t) break;
    }
    return true;
}

static ml_tensor *cummax_compose(ml_call *c) { return doubling(c, ((const ml_cummax_opts *)c->opts)->dim, ml_maximum); }

static ml_tensor *cummax_vmap(ml_call *c, const bool batched[], int64_t batch)
{
    (void)batched;
    ml_cummax_opts o = *(const ml_cummax_opts *)c->opts;
    return mli_dim_vmap(c, &o, &o.dim, NULL, batch);
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
static const mli_over       ends = { .dims = { 2, { 0, 2 } } }, last_kept = { .dims = { 1, { -1 } }, .keepdim = true };
static const ml_cumsum_opts first_back = { .dim = 0, .reverse = true };
static const ml_cumprod_opts first = { .dim = 0 };
static const ml_sample prod_samples[] = {
    { .in = { "(3, 4)" }, .order = 3 }, { .in = { "(3, 4)" }, .opts = &last_kept }, { .in = { "(2, 3, 3)" }, .opts = &ends }, { .in = { "()" } }, { 0 }
};
static const ml_sample cumsum_samples[] = { { .in = { "(3, 4)" } }, { .in = { "(3, 2, 2)" }, .opts = &first_back }, { .in = { "()" } }, { 0 } };
static const ml_sample cumprod_samples[] = { { .in = { "(3, 4)" }, .order = 3 }, { .in = { "(3, 2, 2)" }, .opts = &first }, { .in = { "()" } }, { 0 } };
static const ml_cummax_opts first_max = { .dim = 0 };
static const ml_sample cummax_samples[] = { { .in = { "(3, 4)" } }, { .in = { "(5, 2, 2)" }, .opts = &first_max }, { .in = { "()" } }, { 0 } };

const ml_op ml_op_cummax  = { .kind = ML_OTHER, .flags = ML_COUNTS, .saves = ML_SAVE_IN(0), .infer = scan_infer, .forward = cummax_forward, .compose = cummax_compose, .vmap = cummax_vmap, .samples = cummax_samples };
const ml_op ml_op_prod    = { .kind = ML_OTHER, .flags = ML_COUNTS, .saves = ML_SAVE_IN(0), .infer = mli_reduce_infer, .forward = prod_forward, .compose = prod_compose, .vmap = mli_reduce_vmap, .samples = prod_samples };
const ml_op ml_op_cumsum  = { .kind = ML_LINEAR, .flags = ML_COUNTS, .infer = scan_infer, .forward = cumsum_forward, .vjp = cumsum_vjp, .vmap = cumsum_vmap, .samples = cumsum_samples };
const ml_op ml_op_cumprod = { .kind = ML_OTHER, .flags = ML_COUNTS, .saves = ML_SAVE_IN(0), .infer = scan_infer, .forward = cumprod_forward, .compose = cumprod_compose, .vmap = cumprod_vmap, .samples = cumprod_samples };
