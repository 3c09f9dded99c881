/* Linear systems: square, triangular, and in the sense of least squares. */
#include "ops/dense.h"

#include <math.h>
#include <string.h>

/* --- systems a x = b ------------------------------------------------------------------------------------------------------ */
/* x as a view whose batch is that of the result; of b, a vector is a column. */
static ml_tensor *with_batch_of(ml_tensor *x, const ml_shape *batch, int64_t rows, int64_t cols)
{
    bool     vector = x->shape.n == 1;
    ml_shape s = *batch;
    int64_t  strides[ML_MAX_DIMS];
    int      missing = batch->n - (x->shape.n - (vector ? 1 : 2));
    for (int d = 0; d < batch->n; d++) strides[d] = d < missing || x->shape.size[d - missing] == 1 ? 0 : x->strides[d - missing];
    strides[s.n]  = x->strides[x->shape.n - (vector ? 1 : 2)];
    s.size[s.n++] = rows;
    strides[s.n]  = vector ? 0 : x->strides[x->shape.n - 1];
    s.size[s.n++] = cols;
    return mli_view(x, s, strides, x->offset);
}

typedef struct {
    int64_t n, n_right, batch;
    int64_t a_step;      /* from one matrix to the next: 0 when one is that of every system */
    double *a, *b, *out; /* column-major; b becomes the solution */
} systems;

static bool systems_of(ml_call *c, systems *s)
{
    bool     vector = c->in[1]->shape.n == 1;
    ml_shape batch  = c->shape;
    batch.n -= vector ? 1 : 2;
    s->n       = mli_cols(c->in[0]);
    s->n_right = vector ? 1 : mli_cols(c->in[1]);
    s->batch   = ml_shape_numel(&batch);
    s->a_step  = mli_batch(&c->in[0]->shape) == 1 ? 0 : s->n * s->n;
    s->a       = mli_columns(c, s->a_step ? with_batch_of(c->in[0], &batch, s->n, s->n) : c->in[0]);
    s->b       = s->a ? mli_columns(c, with_batch_of(c->in[1], &batch, s->n, s->n_right)) : NULL;
    s->out     = s->b ? mli_result(c) : NULL;
    return s->out != NULL;
}

static bool deliver_solutions(ml_call *c, const systems *s)
{
    int64_t each = s->n * s->n_right;
    for (int64_t i = 0; i < s->batch; i++) mli_transposed_copy(s->b + i * each, s->n, s->n_right, s->out + i * each);
    return mli_deliver(c, s->out);
}

static bool square_system_infer(ml_call *c) { return mli_is_square(c, 0) && mli_solution_infer(c); }

/* b, or a gradient of its shape, as matrices */
static ml_tensor *as_columns(const ml_call *c, ml_tensor *x)
{
    if (!x || c->in[1]->shape.n > 1) return x;
    ml_shape s = x->shape;
    s.size[s.n++] = 1;
    return ml_reshape(x, &(ml_reshape_opts){ s });
}

/* The gradient of b: as b when that is a vector, which may have been the right side of many matrices */
static ml_tensor *as_right_side(const ml_call *c, ml_tensor *db)
{
    if (!db || c->in[1]->shape.n > 1) return db;
    ml_shape s = db->shape;
    s.n--;
    return ml_reshape(db, &(ml_reshape_opts){ s });
}

/* --- solve ---------------------------------------------------------------------------------------------------------------- */
static bool singular(const char *op, int64_t which, const ml_shape *s)
{
    return ml_fail("%s: matrix %lld of shape %s is singular; lstsq and pinv take such", op, (long long)which + 1, ml_shape_text(s));
}

static int *pivots_of(int64_t n) { return (int *)(void *)mli_space((n + 1) / 2); }

static bool solve_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("solve");
    systems s;
    if (!l || !systems_of(c, &s)) return false;
    int *pivots = pivots_of(s.n);
    if (!pivots) return false;
    for (int64_t i = 0; s.n > 0 && i < s.batch; i++) {
        double *a = s.a + i * s.a_step;
        if ((i == 0 || s.a_step) && l->lu((int)s.n, (int)s.n, a, pivots) != 0) return singular("solve", i, &c->in[0]->shape);
        if (s.n_right > 0) l->lu_solve((int)s.n, (int)s.n_right, a, pivots, s.b + i * s.n * s.n_right);
    }
    return deliver_solutions(c, &s);
}

/* db = a^-T dx, da = -db x^T */
static bool solve_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *db = ml_solve(ml_mT(c->in[0]), as_columns(c, dy));
    if (ml_needs(c, 0)) dx[0] = ml_neg(ml_matmul(db, ml_mT(as_columns(c, c->out))));
    if (ml_needs(c, 1)) dx[1] = as_right_side(c, db);
    return !ml_failed();
}

/* --- solve_triangular ------------------------------------------------------------------------------------------------------- */
static bool solve_triangular_forward(ml_call *c)
{
    const ml_solve_triangular_opts *o = c->opts;
    const mli_lapack *l = mli_lapack_find("solve_triangular");
    systems s;
    if (!l || !systems_of(c, &s)) return false;
    for (int64_t i = 0; s.n > 0 && i < s.batch; i++) {
        const double *a = s.a + i * s.a_step;
        for (int64_t d = 0; o->strict && !o->unitriangular && d < s.n; d++)
            if (a[d + d * s.n] == 0)
                return ml_fail("solve_triangular: matrix %lld of shape %s is singular: its diagonal has a 0 at %lld", (long long)i + 1,
                               ml_shape_text(&c->in[0]->shape), (long long)d + 1);
        if (s.n_right > 0) l->solve_triangular(o->upper, o->transpose, o->unitriangular, (int)s.n, (int)s.n_right, a, s.b + i * s.n * s.n_right);
    }
    return deliver_solutions(c, &s);
}

/* As solve, of the triangle that was read. */
static bool solve_triangular_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_solve_triangular_opts *o = c->opts;
    ml_solve_triangular_opts        turned = { o->upper, !o->transpose, o->unitriangular, false };
    ml_tensor *db = ml_solve_triangular(c->in[0], as_columns(c, dy), &turned);
    if (ml_needs(c, 0)) {
        ml_tensor *x = as_columns(c, c->out), *da = ml_neg(o->transpose ? ml_matmul(x, ml_mT(db)) : ml_matmul(db, ml_mT(x)));
        int64_t    off = o->unitriangular ? 1 : 0;
        dx[0] = o->upper ? ml_triu(da, &(ml_triu_opts){ off }) : ml_tril(da, &(ml_tril_opts){ -off });
    }
    if (ml_needs(c, 1)) dx[1] = as_right_side(c, db);
    return !ml_failed();
}

/* --- inv -------------------------------------------------------------------------------------------------------------------- */
static bool inv_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("inv");
    int64_t n = mli_cols(c->in[0]), batch = mli_batch(&c->shape);
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *identity = a ? mli_space(n * n) : NULL, *out = identity ? mli_result(c) : NULL;
    int    *pivots = out ? pivots_of(n) : NULL;
    if (!pivots) return false;
    for (int64_t b = 0; n > 0 && b < batch; b++, a += n * n) {
        int info = l->lu((int)n, (int)n, a, pivots);
        if (info != 0 && ((const ml_inv_opts *)c->opts)->strict) return singular("inv", b, &c->in[0]->shape);
        for (int64_t i = 0; i < n * n; i++) identity[i] = info != 0 ? (double)NAN : i % (n + 1) == 0;
        if (info == 0) l->lu_solve((int)n, (int)n, a, pivots, identity);
        mli_transposed_copy(identity, n, n, out + b * n * n);
    }
    return mli_deliver(c, out);
}

static bool inv_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[]) /* -y^T dy y^T */
{
    ml_tensor *yt = ml_mT(c->out);
    dx[0] = ml_neg(mli_product3(yt, dy, yt));
    return dx[0] != NULL;
}

/* --- pinv, lstsq, matrix_rank ------------------------------------------------------------------------------------------------- */
/* The singular values at or below this count as 0. Of f32 input the digits beyond f32 mean nothing. */
static double cutoff(double rcond, const ml_tensor *x, double largest)
{
    int64_t m = mli_rows(x), n = mli_cols(x);
    return (rcond >= 0 ? rcond : (double)(m > n ? m : n) * mli_epsilon(x)) * largest;
}

static bool pinv_infer(ml_call *c)
{
    if (!mli_is_matrix(c, 0)) return false;
    c->shape = c->in[0]->shape;
    c->shape.size[c->shape.n - 1] = mli_rows(c->in[0]);
    c->shape.size[c->shape.n - 2] = mli_cols(c->in[0]);
    return true;
}

typedef struct {
    int64_t m, n, k, batch;
    double *a, *s, *u, *vt;
} svds;

static bool svds_of(const ml_call *c, svds *j)
{
    ml_tensor *x = c->in[0];
    j->m = mli_rows(x), j->n = mli_cols(x), j->k = j->m < j->n ? j->m : j->n;
    j->batch = mli_batch(&x->shape);
    j->a = mli_columns(c, x);
    j->s = j->a ? mli_space(j->k + j->m * j->k + j->k * j->n) : NULL;
    if (!j->s) return false;
    j->u  = j->s + j->k;
    j->vt = j->u + j->m * j->k;
    return true;
}

static bool take_svd(const ml_call *c, const mli_lapack *l, const svds *j, int64_t i)
{
    int info = l->svd((int)j->m, (int)j->n, j->a + i * j->m * j->n, j->s, j->u, j->vt);
    if (info == 0) return true;
    return info == -1 ? false : ml_fail("%s: the svd did not converge for matrix %lld of shape %s", ml_op_info_at(c->id)->name, (long long)i + 1, ml_shape_text(&c->in[0]->shape));
}

static bool pinv_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("pinv");
    svds    j;
    double *out = l && svds_of(c, &j) ? mli_result(c) : NULL;
    if (!out) return false;
    for (int64_t b = 0; j.k > 0 && b < j.batch; b++) {
        double *p = out + b * j.n * j.m;
        if (!take_svd(c, l, &j, b)) return false;
        double least = cutoff(((const ml_pinv_opts *)c->opts)->rcond, c->in[0], j.s[0]);
        memset(p, 0, (size_t)(j.n * j.m) * sizeof *p);
        for (int64_t i = 0; i < j.k && j.s[i] > least; i++)
            for (int64_t r = 0; r < j.n; r++) {
                double v = j.vt[i + r * j.k] / j.s[i];
                for (int64_t q = 0; q < j.m; q++) p[r * j.m + q] += v * j.u[i * j.m + q];
            }
    }
    return mli_deliver(c, out);
}

/* Golub and Pereyra 1973, for a rank that does not change nearby: with P = A^+ and g the gradient of P,
 * dA = -P^T g P^T + (1 - A P) g^T P P^T + P^T P g^T (1 - P A). */
static bool pinv_vjp(ml_call *c, ml_tensor *g, ml_tensor *dx[])
{
    ml_tensor *a = c->in[0], *p = c->out, *pt = ml_mT(p), *gt = ml_mT(g);
    ml_tensor *left = mli_product3(gt, p, pt), *right = mli_product3(pt, p, gt);
    ml_tensor *sum = ml_sub(ml_sub(left, mli_product3(a, p, left)), mli_product3(pt, g, pt));
    dx[0] = ml_add(sum, ml_sub(right, mli_product3(right, p, a)));
    return dx[0] != NULL;
}

static ml_tensor *lstsq_compose(ml_call *c)
{
    return ml_matmul(ml_pinv(c->in[0], &(ml_pinv_opts){ ((const ml_lstsq_opts *)c->opts)->rcond }), c->in[1]);
}

static bool matrix_rank_infer(ml_call *c)
{
    if (!mli_is_matrix(c, 0)) return false;
    c->shape = c->in[0]->shape;
    c->shape.n -= 2;
    c->dtype = ML_I64;
    return true;
}

static bool matrix_rank_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("matrix_rank");
    svds     j;
    int64_t *out = mli_data(c->out);
    if (!l || !svds_of(c, &j)) return false;
    for (int64_t b = 0; b < j.batch; b++) {
        out[b] = 0;
        if (j.k > 0 && !take_svd(c, l, &j, b)) return false;
        while (out[b] < j.k && j.s[out[b]] > cutoff(((const ml_matrix_rank_opts *)c->opts)->rcond, c->in[0], j.s[0])) out[b]++;
    }
    return true;
}

/* --- samples, operations ------------------------------------------------------------------------------------------------------- */
static const ml_solve_triangular_opts upper = { .upper = true, .strict = true }, turned_unit = { .transpose = true, .unitriangular = true, .strict = true };
static const ml_sample inv_samples[]   = { { .in = { "m(3, 3)" } }, { .in = { "m(2, 2, 2)" } }, { 0 } };
static const ml_sample solve_samples[] = { { .in = { "m(3, 3)", "(3)" } }, { .in = { "m(2, 2)", "(2, 3)" } }, { .in = { "m(2, 1, 2, 2)", "(3, 2, 1)" } }, { 0 } };
static const ml_sample solve_triangular_samples[] = {
    { .in = { "m(3, 3)", "(3, 2)" } }, { .in = { "m(2, 2)", "(2)" }, .opts = &upper }, { .in = { "m(2, 2, 2)", "(2, 1)" }, .opts = &turned_unit }, { 0 }
};
static const ml_sample pinv_samples[]  = { { .in = { "m(3, 2)" } }, { .in = { "m(2, 3)" } }, { .in = { "m(2, 2, 2)" } }, { 0 } };
static const ml_sample lstsq_samples[] = { { .in = { "m(3, 2)", "(3)" } }, { .in = { "m(2, 3)", "(2, 2)" } }, { 0 } };
static const ml_sample rank_samples[]  = { { .in = { "m(3, 2)" }, .order = ML_VALUE_ONLY }, { .in = { "m(2, 2, 2)" }, .order = ML_VALUE_ONLY }, { 0 } };

#define FLOATS .kind = ML_OTHER, .flags = ML_FLOAT_ONLY
const ml_op ml_op_solve = { FLOATS, .saves = ML_SAVE_IN(0) | ML_SAVE_OUT, .infer = square_system_infer, .forward = solve_forward, .vjp = solve_vjp,
                            .vmap = mli_solution_vmap, .samples = solve_samples };
const ml_op ml_op_solve_triangular = { FLOATS, .saves = ML_SAVE_IN(0) | ML_SAVE_OUT, .infer = square_system_infer, .forward = solve_triangular_forward,
                                       .vjp = solve_triangular_vjp, .vmap = mli_solution_vmap, .samples = solve_triangular_samples };
const ml_op ml_op_inv   = { FLOATS, .saves = ML_SAVE_OUT, .infer = mli_square_infer, .forward = inv_forward, .vjp = inv_vjp, .vmap = mli_matrix_vmap,
                            .samples = inv_samples };
const ml_op ml_op_pinv  = { FLOATS, .saves = ML_SAVE_IN(0) | ML_SAVE_OUT, .infer = pinv_infer, .forward = pinv_forward, .vjp = pinv_vjp,
                            .vmap = mli_matrix_vmap, .samples = pinv_samples };
const ml_op ml_op_lstsq = { FLOATS, .infer = mli_solution_infer, .compose = lstsq_compose, .samples = lstsq_samples };
const ml_op ml_op_matrix_rank = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY | ML_NOGRAD, .infer = matrix_rank_infer, .forward = matrix_rank_forward,
                                  .vmap = mli_matrix_vmap, .samples = rank_samples };
