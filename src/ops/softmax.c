/* Softmax and its relatives along one dimension, and the losses. */
#include "ops/op.h"

#include "kernels/kernels.h"

#include <string.h>

#define ROWS_A_TASK(n) ((n) >= 16384 ? 1 : 16384 / ((n) + 1) + 1) /* by the size alone: about 16384 elements */

/* --- rows along any dimension ------------------------------------------------------------------------------------------------- */
typedef struct {
    ml_op_id    id;
    ml_dtype    dtype;
    int64_t     rows, n, each;
    const char *x;
    char       *y;
} rows_job;

static void some_rows(void *ctx, int64_t task)
{
    const rows_job *j = ctx;
    int64_t first = task * j->each, k = j->rows - first < j->each ? j->rows - first : j->each;
    int64_t width = (int64_t)ml_dtype_bytes(j->dtype);
    const void *x = j->x + first * j->n * width;
    void       *y = j->y + first * (j->id == ML_OP_logsumexp ? 1 : j->n) * width;
    bool        f32 = j->dtype == ML_F32;
    switch (j->id) {
    case ML_OP_softmax: f32 ? mlk()->softmax_f32(k, j->n, x, y) : mlk()->softmax_f64(k, j->n, x, y); break;
    case ML_OP_log_softmax: f32 ? mlk()->log_softmax_f32(k, j->n, x, y) : mlk()->log_softmax_f64(k, j->n, x, y); break;
    default: f32 ? mlk()->logsumexp_f32(k, j->n, x, y) : mlk()->logsumexp_f64(k, j->n, x, y); break;
    }
}

static void all_rows(ml_call *c, ml_tensor *x, ml_tensor *y, int64_t n)
{
    rows_job j = { .id = (ml_op_id)c->id, .dtype = c->dtype, .rows = n ? ml_tensor_numel(x) / n : 0, .n = n, .each = ROWS_A_TASK(n), .x = mli_data(x), .y = mli_data(y) };
    ml_parallel((j.rows + j.each - 1) / j.each, some_rows, &j);
}

/* softmax, log_softmax and logsumexp have dim as their first option. */
_Static_assert(offsetof(ml_softmax_opts, dim) == 0 && offsetof(ml_log_softmax_opts, dim) == 0 && offsetof(ml_logsumexp_opts, dim) == 0,
               "dim is read alike");
static int dim_of(const ml_call *c) { return *(const int *)c->opts; }

static bool rows_infer(ml_call *c)
{
    int d;
    if (!mli_dim(ml_op_info_at(c->id)->name, dim_of(c), c->in[0]->shape.n, &d)) return false;
    c->shape = c->in[0]->shape;
    return true;
}

static ml_tensor *swapped(ml_tensor *t, int a, int b) /* an unrecorded view with two dimensions exchanged */
{
    ml_shape shape = t->shape;
    int64_t  strides[ML_MAX_DIMS];
    memcpy(strides, t->strides, sizeof strides);
    shape.size[a] = t->shape.size[b];
    shape.size[b] = t->shape.size[a];
    strides[a]    = t->strides[b];
    strides[b]    = t->strides[a];
    return mli_view(t, shape, strides, t->offset);
}

static bool rows_forward(ml_call *c)
{
    int        d = 0, last = c->in[0]->shape.n - 1;
    ml_tensor *x = c->in[0];
    mli_dim("", dim_of(c), x->shape.n, &d);
    int64_t n = x->shape.n ? x->shape.size[d] : 1;
    if (d >= last) {
        if (!(x = mli_contiguous(x))) return false;
        all_rows(c, x, c->out, n);
        return true;
    }
    x = mli_contiguous(swapped(x, d, last));
    ml_tensor *y = x ? ml_empty(x->shape, c->dtype) : NULL, *back = y ? swapped(y, d, last) : NULL;
    if (!back) return false;
    all_rows(c, x, y, n);
    mli_strided_copy(back, c->dtype, mli_data(c->out));
    return true;
}

static ml_tensor *sum_along(const ml_call *c, ml_tensor *x) { return ml_sum_dim(x, dim_of(c), true); }

static bool softmax_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_mul(c->out, ml_sub(dy, sum_along(c, ml_mul(dy, c->out))));
    return dx[0] != NULL;
}

static bool log_softmax_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_sub(dy, ml_mul(ml_exp(c->out), sum_along(c, dy)));
    return dx[0] != NULL;
}

/* --- logsumexp -------------------------------------------------------------------------------------------------------------------- */
static bool logsumexp_infer(ml_call *c)
{
    const ml_logsumexp_opts *o = c->opts;
    int d;
    if (!mli_dim("logsumexp", o->dim, c->in[0]->shape.n, &d)) return false;
    c->shape = (ml_shape){ 0 };
    for (int i = 0; i < c->in[0]->shape.n; i++) {
        if (i != d) c->shape.size[c->shape.n++] = c->in[0]->shape.size[i];
        else if (o->keepdim) c->shape.size[c->shape.n++] = 1;
    }
    if (c->in[0]->shape.n && c->in[0]->shape.size[d] == 0 && ml_shape_numel(&c->shape) > 0)
        return ml_fail("logsumexp: of no values, shape %s, is not defined", ml_shape_text(&c->in[0]->shape));
    return true;
}

static bool logsumexp_forward(ml_call *c)
{
    int        d = 0, last = c->in[0]->shape.n - 1;
    ml_tensor *x = c->in[0];
    mli_dim("", dim_of(c), x->shape.n, &d);
    if (ml_tensor_numel(x) == 0) return true;
    int64_t n = x->shape.n ? x->shape.size[d] : 1;
    if (d < last) { /* the others keep their order: the dimension goes to the end */
        ml_shape shape = { 0 };
        int64_t  strides[ML_MAX_DIMS];
        for (int i = 0; i <= last; i++)
            if (i != d) strides[shape.n] = x->strides[i], shape.size[shape.n++] = x->shape.size[i];
        strides[shape.n]      = x->strides[d];
        shape.size[shape.n++] = n;
        x = mli_view(x, shape, strides, x->offset);
    }
    if (!x || !(x = mli_contiguous(x))) return false;
    all_rows(c, x, c->out, n);
    return true;
}

static bool logsumexp_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int d = 0;
    mli_dim("", dim_of(c), c->in[0]->shape.n, &d);
    ml_shape kept = c->in[0]->shape;
    if (kept.n) kept.size[d] = 1;
    dx[0] = ml_mul(ml_softmax(c->in[0], &(ml_softmax_opts){ dim_of(c) }), ml_reshape(dy, &(ml_reshape_opts){ kept }));
    return dx[0] != NULL;
}

/* A dimension counted from the front moves by the batch; a single number is a row of one. */
static ml_tensor *rows_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched;
    ml_logsumexp_opts o = c->id == ML_OP_logsumexp ? *(const ml_logsumexp_opts *)c->opts : (ml_logsumexp_opts){ .dim = dim_of(c) };
    ml_tensor        *x = c->in[0];
    if (x->shape.n == 1) { /* (n) -> (n, 1) */
        x         = ml_reshape(x, &(ml_reshape_opts){ { 2, { n, 1 } } });
        o.dim     = 1;
        o.keepdim = false;
        return ml_reshape(ml_op_apply(c->id, &x, 1, &o), &(ml_reshape_opts){ { 1, { n } } });
    }
    if (o.dim >= 0) o.dim++;
    return ml_op_apply(c->id, &x, 1, &o);
}

/* --- cross_entropy -------------------------------------------------------------------------------------------------------------- */
static bool cross_entropy_infer(ml_call *c)
{
    ml_shape x = c->in[0]->shape, y = c->in[1]->shape;
    bool     rows = x.n == 2 && y.n == 1 && x.size[0] == y.size[0], one = x.n == 1 && y.n == 0;
    if (!rows && !one)
        return ml_fail("cross_entropy: needs logits (n, classes) and labels (n), or (classes) and one label, got %s and %s", ml_shape_text(&x), ml_shape_text(&y));
    if (!ml_dtype_is_float((ml_dtype)c->in[0]->dtype))
        return ml_fail("cross_entropy: logits must be f32 or f64, got %s", ml_dtype_name((ml_dtype)c->in[0]->dtype));
    if (c->in[1]->dtype != ML_I64 && c->in[1]->dtype != ML_U8)
        return ml_fail("cross_entropy: labels must be integers (i64), got %s; cast them first", ml_dtype_name((ml_dtype)c->in[1]->dtype));
    int64_t groups = ((const ml_cross_entropy_opts *)c->opts)->groups;
    if (groups < 0 || (groups > 0 && (one || y.size[0] % groups)))
        return ml_fail("cross_entropy: %s do not fall into %lld groups of as many rows each", ml_shape_text(&x), (long long)groups);
    c->shape = groups ? ML_SHAPE(groups) : ML_SCALAR;
    c->dtype = (ml_dtype)c->in[0]->dtype;
    return true;
}

/* The rows fall into groups of one mean each, a group into parts of `each` rows; a sum is that of its parts in their order. A task
 * is one part, or as many whole groups as have about `each` rows together. */
#define LOSSES 256 /* at once */
typedef struct {
    ml_tensor     *x;
    const int64_t *labels;
    int64_t        groups, rows, n, each, parts, base; /* rows, parts: of a group */
    int64_t        together, tasks;                    /* groups of a task, where a group is one part */
    const double  *scale; /* backward: of each group */
    double        *part;  /* forward: the sum of each part, 0 before */
    char          *dx;    /* backward */
} loss_job;

static const void *row_at(const loss_job *j, const void *x, int64_t row)
{
    return (const char *)x + row * j->n * (int64_t)ml_dtype_bytes((ml_dtype)j->x->dtype);
}

static void add_losses(const loss_job *j, int64_t first, int64_t k)
{
    double loss[LOSSES];
    for (int64_t done = 0, m; done < k; done += m) {
        int64_t row = first + done;
        m = k - done < LOSSES ? k - done : LOSSES;
        if (j->x->dtype == ML_F32) mlk()->cross_entropy_f32(m, j->n, row_at(j, mli_data(j->x), row), j->labels + row, j->base, loss);
        else mlk()->cross_entropy_f64(m, j->n, row_at(j, mli_data(j->x), row), j->labels + row, j->base, loss);
        for (int64_t i = 0, left; i < m; i += left) { /* of one part at a time */
            int64_t group = (row + i) / j->rows, at = (row + i) % j->rows / j->each, end = (at + 1) * j->each;
            left          = group * j->rows + (end < j->rows ? end : j->rows) - (row + i);
            left          = left < m - i ? left : m - i;
            double *part  = &j->part[group * j->parts + at];
            for (int64_t r = i; r < i + left; r++) *part += loss[r];
        }
    }
}

/* Of groups that follow each other and have one scale, at once. */
static void write_slopes(const loss_job *j, int64_t first, int64_t k)
{
    for (int64_t row = first, next; row < first + k; row = next) {
        int64_t group = row / j->rows, last = group;
        while ((last + 1) * j->rows < first + k && j->scale[last + 1] == j->scale[group]) last++;
        next     = (last + 1) * j->rows < first + k ? (last + 1) * j->rows : first + k;
        void *dx = (void *)(uintptr_t)row_at(j, j->dx, row);
        if (j->x->dtype == ML_F32)
            mlk()->cross_entropy_dx_f32(next - row, j->n, row_at(j, mli_data(j->x), row), j->labels + row, j->base, j->scale[group], dx);
        else mlk()->cross_entropy_dx_f64(next - row, j->n, row_at(j, mli_data(j->x), row), j->labels + row, j->base, j->scale[group], dx);
    }
}

static void loss_rows(void *ctx, int64_t task)
{
    const loss_job *j     = ctx;
    int64_t         group = task / j->parts * j->together, at = task % j->parts * j->each, all = j->groups * j->rows;
    int64_t         first = group * j->rows + at, span = j->parts > 1 ? j->each : j->together * j->rows, end = (group + j->together) * j->rows;
    if (end > all) end = all;
    if (first + span > end) span = end - first;
    if (j->part) add_losses(j, first, span);
    else write_slopes(j, first, span);
}

static int64_t groups_of(const ml_call *c)
{
    int64_t groups = ((const ml_cross_entropy_opts *)c->opts)->groups;
    return groups > 0 ? groups : 1;
}

static bool loss_job_of(ml_call *c, loss_job *j)
{
    int64_t n = c->in[0]->shape.size[c->in[0]->shape.n - 1], groups = groups_of(c), rows = ml_tensor_numel(c->in[1]) / groups;
    *j = (loss_job){ .x = mli_contiguous(c->in[0]), .groups = groups, .rows = rows, .n = n, .each = ROWS_A_TASK(n),
                     .base = ((const ml_cross_entropy_opts *)c->opts)->base };
    j->parts    = rows > j->each ? (rows + j->each - 1) / j->each : 1;
    j->together = j->parts > 1 || rows == 0 ? 1 : j->each / rows;
    j->tasks    = (groups + j->together - 1) / j->together * j->parts;
    j->labels = j->x ? mli_ids("cross_entropy", "labels", c->in[1], n, (int)j->base) : NULL;
    return j->labels != NULL;
}

static bool cross_entropy_forward(ml_call *c)
{
    loss_job j;
    if (!loss_job_of(c, &j)) return false;
    ml_tensor *parts = ml_zeros(ML_SHAPE(j.groups * j.parts), ML_F64);
    if (!parts) return false;
    j.part = mli_data(parts);
    if (j.rows > 0) ml_parallel(j.tasks, loss_rows, &j);
    for (int64_t g = 0; g < j.groups; g++) {
        double total = 0;
        for (int64_t i = 0; i < j.parts; i++) total += j.part[g * j.parts + i];
        total /= (double)j.rows;
        if (c->dtype == ML_F32) ((float *)mli_data(c->out))[g] = (float)total;
        else ((double *)mli_data(c->out))[g] = total;
    }
    return true;
}

static bool cross_entropy_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    loss_job   j;
    ml_tensor *scale = ml_empty(ML_SHAPE(groups_of(c)), ML_F64);
    if (!scale || !loss_job_of(c, &j) || !(dx[0] = ml_empty(c->in[0]->shape, c->dtype))) return false;
    double *s = mli_data(scale);
    mli_strided_copy(dy, ML_F64, s);
    for (int64_t g = 0; g < j.groups; g++) s[g] /= (double)j.rows;
    j.scale = s;
    j.dx    = mli_data(dx[0]);
    if (j.rows > 0) ml_parallel(j.tasks, loss_rows, &j);
    return true;
}

/* What is of a group, for each of its rows: (groups) -> (rows of all, 1); a single number as it is. */
static ml_tensor *for_each_row(const ml_call *c, ml_tensor *t)
{
    int64_t groups = ((const ml_cross_entropy_opts *)c->opts)->groups, rows = groups ? ml_tensor_numel(c->in[1]) / groups : 0;
    if (!groups) return t;
    t = ml_expand(ml_reshape(t, &(ml_reshape_opts){ ML_SHAPE(groups, 1) }), &(ml_expand_opts){ ML_SHAPE(groups, rows) });
    return ml_reshape(t, &(ml_reshape_opts){ ML_SHAPE(groups * rows, 1) });
}

static ml_tensor *hot_labels(const ml_call *c)
{
    ml_one_hot_opts o = { .classes = c->in[0]->shape.size[c->in[0]->shape.n - 1], .base = ((const ml_cross_entropy_opts *)c->opts)->base };
    return ml_one_hot(c->in[1], &o);
}

static bool cross_entropy_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[]) /* (softmax - one hot) dy / rows */
{
    double     rows  = (double)ml_tensor_numel(c->in[1]) / (double)groups_of(c);
    ml_tensor *slope = ml_sub(ml_softmax(c->in[0], NULL), hot_labels(c));
    dx[0] = ml_mul(slope, for_each_row(c, ml_mul(dy, ml_number(1 / rows))));
    return dx[0] != NULL;
}

static ml_tensor *cross_entropy_compose(ml_call *c)
{
    int64_t    groups = ((const ml_cross_entropy_opts *)c->opts)->groups;
    double     rows   = (double)ml_tensor_numel(c->in[1]) / (double)groups_of(c);
    ml_tensor *picked = ml_mul(ml_log_softmax(c->in[0], NULL), hot_labels(c));
    if (groups) picked = ml_sum_dim(ml_reshape(picked, &(ml_reshape_opts){ ML_SHAPE(groups, picked ? ml_tensor_numel(picked) / groups : 0) }), 1, false);
    else picked = ml_sum(picked, NULL);
    return ml_mul(picked, ml_number(-1 / rows));
}

/* The batch is so many groups more. */
static ml_tensor *cross_entropy_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_cross_entropy_opts o = *(const ml_cross_entropy_opts *)c->opts;
    ml_tensor *x = mli_with_batch(c->in[0], batched[0], n), *labels = mli_with_batch(c->in[1], batched[1], n);
    if (!x || !labels) return NULL;
    ml_shape each = o.groups ? ML_SHAPE(n, o.groups) : ML_SHAPE(n);
    int64_t  rows = ml_tensor_numel(labels), classes = x->shape.size[x->shape.n - 1];
    if (n == 0) { /* of nothing, but part of the graph */
        ml_sum_opts rest = { .dims.n = 0 };
        for (int d = 1; d < x->shape.n; d++) rest.dims.at[rest.dims.n++] = d;
        return ml_reshape(ml_sum(x, &rest), &(ml_reshape_opts){ each });
    }
    o.groups = n * groups_of(c);
    x        = ml_reshape(x, &(ml_reshape_opts){ ML_SHAPE(rows, classes) });
    labels   = ml_reshape(labels, &(ml_reshape_opts){ ML_SHAPE(rows) });
    return ml_reshape(ml_cross_entropy(x, labels, &o), &(ml_reshape_opts){ each });
}

/* --- mse ---------------------------------------------------------------------------------------------------------------------------- */
static bool mse_infer(ml_call *c)
{
    if (!ml_shape_equal(&c->in[0]->shape, &c->in[1]->shape))
        return ml_fail("mse: shapes differ: %s and %s; reshape or expand one of them", ml_shape_text(&c->in[0]->shape), ml_shape_text(&c->in[1]->shape));
    c->shape = ML_SCALAR;
    return true;
}

static ml_tensor *mse_compose(ml_call *c) { return ml_mean(ml_square(ml_sub(c->in[0], c->in[1])), NULL); }

static bool mse_forward(ml_call *c)
{
    ml_tensor *a = mli_contiguous(c->in[0]), *b = mli_contiguous(c->in[1]);
    if (!a || !b) return false;
    int64_t n = ml_tensor_numel(a);
    if (c->dtype == ML_F32) *(float *)mli_data(c->out) = (float)(mlk()->sum_sq_diff_f32(n, mli_data(a), mli_data(b)) / (double)n);
    else *(double *)mli_data(c->out) = mlk()->sum_sq_diff_f64(n, mli_data(a), mli_data(b)) / (double)n;
    return true;
}

static bool mse_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    double     n     = (double)ml_tensor_numel(c->in[0]);
    ml_tensor *slope = ml_mul(ml_sub(c->in[0], c->in[1]), ml_mul(dy, ml_number(2 / n)));
    dx[0] = slope;
    if (ml_needs(c, 1)) dx[1] = ml_neg(slope);
    return !ml_failed();
}

/* --- samples, operations ---------------------------------------------------------------------------------------------------------- */
static const ml_softmax_opts   first       = { 0 };
static const ml_logsumexp_opts first_kept  = { 0, true };
static const ml_sample softmax_samples[]   = { { .in = { "(3, 4)" } }, { .in = { "(3, 2, 4)" }, .opts = &first }, { 0 } };
static const ml_sample logsumexp_samples[] = { { .in = { "(3, 4)" } }, { .in = { "(3, 2, 4)" }, .opts = &first_kept }, { 0 } };
static const ml_cross_entropy_opts two_groups = { .groups = 2 };
static const ml_sample loss_samples[]      = { { .in = { "(5, 4)", "i(5)" }, .ids = 4 }, { .in = { "(4)", "i()" }, .ids = 4 },
                                               { .in = { "(6, 4)", "i(6)" }, .opts = &two_groups, .ids = 4 }, { 0 } };
static const ml_sample mse_samples[]       = { { .in = { "(2, 3)", "(2, 3)" } }, { .in = { "()", "()" } }, { 0 } };

const ml_op ml_op_softmax       = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_OUT, .infer = rows_infer, .forward = rows_forward,
                                    .vjp = softmax_vjp, .vmap = rows_vmap, .samples = softmax_samples };
const ml_op ml_op_log_softmax   = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_OUT, .infer = rows_infer, .forward = rows_forward,
                                    .vjp = log_softmax_vjp, .vmap = rows_vmap, .samples = softmax_samples };
const ml_op ml_op_logsumexp     = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = logsumexp_infer, .forward = logsumexp_forward,
                                    .vjp = logsumexp_vjp, .vmap = rows_vmap, .samples = logsumexp_samples };
const ml_op ml_op_cross_entropy = { .kind = ML_OTHER, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .infer = cross_entropy_infer,
                                    .forward = cross_entropy_forward, .vjp = cross_entropy_vjp, .vjp_direct = cross_entropy_direct, .compose = cross_entropy_compose, .vmap = cross_entropy_vmap,
                                    .samples = loss_samples };
const ml_op ml_op_mse           = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .infer = mse_infer, .forward = mse_forward,
                                    .vjp = mse_vjp, .compose = mse_compose, .samples = mse_samples };
