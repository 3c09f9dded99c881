/* Normalisations: (x - mean) / sqrt(variance + eps), then a weight and a bias. Two forms: rows that lie together with a weight for
 * each value (layer_norm, rms_norm), here, and sets of runs with a weight for each channel (group_norm, batch_norm), in channels.c.
 * compose defines them; forward and vjp_direct pass over memory as rarely as they can. Statistics are summed in f64 between blocks. */
#include "ops/norm.h"

#include <math.h>
#include <string.h>

mli_norm_loops mli_norm_loops_of(ml_dtype dtype)
{
    const ml_kernels *k = mlk();
#define PICK(S) { dtype == ML_F32, k->sum_f32, k->sum_f64, k->norm_squares_##S, k->norm_slopes_##S, k->norm_scale_##S, k->norm_scale_relu_##S, \
                  k->norm_slopes_relu_##S, k->norm_dx_relu_##S, k->norm_scale_each_##S, \
                  k->norm_dx_##S, k->norm_dw_##S, (int64_t)ml_dtype_bytes(dtype) }
    mli_norm_loops narrow = PICK(f32), wide = PICK(f64);
    return dtype == ML_F32 ? narrow : wide;
}

/* --- definitions, from simpler operations --------------------------------------------------------------------------------------------- */
ml_tensor *mli_normalised(ml_tensor *x, const ml_dims *dims, double eps, bool centred)
{
    ml_mean_opts over = { .dims = *dims, .keepdim = true };
    ml_tensor   *d    = centred ? ml_sub(x, ml_mean(x, &over)) : x;
    return ml_mul(d, ml_rsqrt(ml_add(ml_mean(ml_square(d), &over), ml_number(eps))));
}

bool mli_norm_eps(const char *op, double eps)
{
    return (eps >= 0 && isfinite(eps)) || ml_fail("%s: eps must not be negative, got %g", op, eps);
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------------ */
typedef struct {
    mli_norm_loops       l;
    int64_t     rows, n, each;
    bool        centred;
    double      eps;
    const char *x, *w, *b, *dy;
    char       *y;     /* the result, or dx; NULL: not asked for */
    double     *sums;  /* (tasks, 2, n): dw, db */
} rows_job;

static void statistics(const rows_job *j, const char *x, double *mean, double *scale)
{
    *mean  = j->centred ? mli_norm_sum(&j->l, j->n, x) / (double)j->n : 0;
    *scale = 1 / sqrt(j->l.squares(j->n, x, *mean) / (double)j->n + j->eps);
}

static void norm_rows(void *ctx, int64_t task)
{
    const rows_job *j = ctx;
    for (int64_t r = task * j->each; r < (task + 1) * j->each && r < j->rows; r++) {
        int64_t at = r * j->n * j->l.bytes;
        double  mean, scale;
        statistics(j, j->x + at, &mean, &scale);
        j->l.scale_each(j->n, j->x + at, mean, scale, j->w, j->b, j->y + at);
    }
}

/* With z = (x - mean) scale: dx = scale (dy w - mean(dy w) - z mean(dy w z)). */
static void norm_rows_back(void *ctx, int64_t task)
{
    const rows_job *j  = ctx;
    double         *dw = j->sums + task * 2 * j->n, *db = dw + j->n, n = (double)j->n;
    memset(dw, 0, (size_t)(2 * j->n) * sizeof *dw);
    for (int64_t r = task * j->each; r < (task + 1) * j->each && r < j->rows; r++) {
        int64_t at = r * j->n * j->l.bytes;
        double  mean, scale, s[2];
        statistics(j, j->x + at, &mean, &scale);
        j->l.dw(j->n, j->dy + at, j->x + at, mean, scale, dw, db);
        if (!j->y) continue;
        j->l.slopes(j->n, j->dy + at, j->x + at, j->w, mean, s);
        j->l.dx(j->n, j->dy + at, j->x + at, j->w, mean, scale, j->centred ? scale * s[0] / n : 0, scale * scale * scale * s[1] / n, j->y + at);
    }
}

/* Of layer_norm and rms_norm: what they have in common of options and inputs. */
static bool make_rows(const ml_call *c, int64_t ndim, double eps, bool centred, rows_job *j)
{
    ml_tensor *x = mli_contiguous(c->in[0]), *w = mli_contiguous(c->in[1]), *b = c->n_in > 2 ? mli_contiguous(c->in[2]) : NULL;
    if (!x || !w || (c->n_in > 2 && !b)) return false;
    *j = (rows_job){ .l = mli_norm_loops_of(c->dtype), .n = 1, .centred = centred, .eps = eps, .x = mli_data(x), .w = mli_data(w), .b = b ? mli_data(b) : NULL };
    for (int d = 0; d < ndim; d++) j->n *= x->shape.size[x->shape.n - 1 - d];
    j->rows = j->n ? ml_tensor_numel(x) / j->n : 0;
    j->each = 16384 / (j->n + 1) + 1;
    return true;
}

static bool run_rows(rows_job *j, ml_tensor *y)
{
    j->y = mli_data(y);
    ml_parallel((j->rows + j->each - 1) / j->each, norm_rows, j);
    return true;
}

/* Sums of tasks in order, into a tensor. */
static ml_tensor *total_of(const double *sums, int64_t tasks, int64_t step, int64_t n, ml_shape shape, ml_dtype dtype)
{
    ml_tensor *t = ml_zeros(shape, ML_F64);
    if (!t) return NULL;
    double *v = mli_data(t);
    for (int64_t k = 0; k < tasks; k++)
        for (int64_t i = 0; i < n; i++) v[i] += sums[k * step + i];
    return ml_cast(t, &(ml_cast_opts){ dtype });
}

static bool rows_back(ml_call *c, rows_job *j, ml_tensor *dy, ml_tensor *dx[])
{
    if (!(dy = mli_contiguous(dy))) return false;
    if (ml_needs(c, 0) && !(dx[0] = ml_empty(c->in[0]->shape, c->dtype))) return false;
    int64_t most = (j->rows + 15) / 16; /* at most 16 tasks, whose sums are kept */
    if (j->each < most) j->each = most;
    int64_t tasks = (j->rows + j->each - 1) / j->each;
    size_t  bytes = (size_t)(2 * tasks * j->n + 1) * sizeof(double);
    if (!(j->sums = ml_block_take(bytes))) return false;
    j->dy = mli_data(dy);
    j->y  = dx[0] ? mli_data(dx[0]) : NULL;
    ml_parallel(tasks, norm_rows_back, j);
    if (ml_needs(c, 1)) dx[1] = total_of(j->sums, tasks, 2 * j->n, j->n, c->in[1]->shape, c->dtype);
    if (c->n_in > 2 && ml_needs(c, 2)) dx[2] = total_of(j->sums + j->n, tasks, 2 * j->n, j->n, c->in[2]->shape, c->dtype);
    ml_block_give(j->sums, bytes);
    return !ml_failed();
}

/* The last ndim dimensions of x are the shape of the weight (and bias). */
static bool rows_infer(ml_call *c, int64_t ndim, double eps)
{
    const char     *op = ml_op_info_at(c->id)->name;
    const ml_shape *x  = &c->in[0]->shape;
    if (!mli_norm_eps(op, eps)) return false;
    if (ndim < 1 || ndim > x->n) return ml_fail("%s: ndim must be 1..%d for an input of shape %s, got %lld", op, x->n, ml_shape_text(x), (long long)ndim);
    ml_shape last = { (int)ndim, { 0 } };
    for (int d = 0; d < ndim; d++) last.size[d] = x->size[x->n - ndim + d];
    for (int i = 1; i < c->n_in; i++)
        if (!ml_shape_equal(&c->in[i]->shape, &last))
            return ml_fail("%s: the %s must have the shape of the last %lld dimensions, %s, got %s", op, i == 1 ? "weight" : "bias", (long long)ndim,
                           ml_shape_text(&last), ml_shape_text(&c->in[i]->shape));
    c->shape = *x;
    return true;
}

static ml_tensor *rows_compose(ml_call *c, int64_t ndim, double eps, bool centred)
{
    ml_dims dims = { .n = (int)ndim };
    for (int d = 0; d < ndim; d++) dims.at[d] = -1 - d;
    ml_tensor *y = ml_mul(mli_normalised(c->in[0], &dims, eps, centred), c->in[1]);
    return c->n_in > 2 ? ml_add(y, c->in[2]) : y;
}

#define ROWS(op, CENTRED)                                                                                                       \
    static bool op##_infer(ml_call *c) { const ml_##op##_opts *o = c->opts; return rows_infer(c, o->ndim, o->eps); }            \
    static ml_tensor *op##_compose(ml_call *c) { const ml_##op##_opts *o = c->opts; return rows_compose(c, o->ndim, o->eps, CENTRED); } \
    static bool op##_forward(ml_call *c)                                                                                        \
    {                                                                                                                           \
        const ml_##op##_opts *o = c->opts;                                                                                      \
        rows_job              j;                                                                                                \
        return make_rows(c, o->ndim, o->eps, CENTRED, &j) && run_rows(&j, c->out);                                              \
    }                                                                                                                           \
    static bool op##_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])                                                         \
    {                                                                                                                           \
        const ml_##op##_opts *o = c->opts;                                                                                      \
        rows_job              j;                                                                                                \
        return make_rows(c, o->ndim, o->eps, CENTRED, &j) && rows_back(c, &j, dy, dx);                                          \
    }
ROWS(layer_norm, true)
ROWS(rms_norm, false)

/* --- samples, the operations ------------------------------------------------------------------------------------------------------------- */
static const ml_layer_norm_opts two_dims = { 2, 1e-2 };
static const ml_rms_norm_opts   rms_two  = { 2, 1e-2 };
static const ml_sample layer_norm_samples[] = { { .in = { "(3, 5)", "(5)", "(5)" } }, { .in = { "(2, 2, 3)", "(2, 3)", "(2, 3)" }, .opts = &two_dims }, { 0 } };
static const ml_sample rms_norm_samples[]   = { { .in = { "(3, 5)", "(5)" } }, { .in = { "(2, 2, 3)", "(2, 3)" }, .opts = &rms_two }, { 0 } };

MLI_NORM(layer_norm, 0)
MLI_NORM(rms_norm, 0)
