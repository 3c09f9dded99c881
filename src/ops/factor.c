/* Factorisations. An operation has one output, so the parts of a factorisation stand below each other with the index that
 * they share as columns; ml_eigh, ml_svd, ml_qr (moonlab/linalg.h) take them apart.
 *
 * What is free is fixed, so that results can be compared: of each eigenvector and left singular vector the largest component
 * is positive, and the diagonal of R. Derivatives do not notice, as the sign is constant nearby. Where values coincide, the
 * vectors are not differentiable; functions that do not depend on the choice among them are, and their derivative is right:
 * the terms with 1 / (difference) cancel there and are left out. Their second derivative is finite, but not right. */
#include "ops/dense.h"

#include <math.h>
#include <string.h>

/* --- signs ---------------------------------------------------------------------------------------------------------------- */
/* -1 when the largest component is negative; among those that are equally large up to rounding, the first counts. */
static double sign_of(const double *v, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        if (fabs(v[i]) > most) most = fabs(v[i]);
    for (int64_t i = 0; i < n; i++)
        if (fabs(v[i]) >= most * (1 - 1e-6)) return v[i] < 0 ? -1 : 1;
    return 1;
}

/* --- differences of eigenvalues ---------------------------------------------------------------------------------------------- */
/* 1 / (v_j - v_i) of a row (..., 1, n), 0 where they are equal up to rounding. */
static ml_tensor *inverse_differences(ml_tensor *row)
{
    if (!row) return NULL;
    ml_tensor *d    = ml_sub(row, ml_mT(row)), *zero = ml_scalar(0, (ml_dtype)row->dtype), *one = ml_scalar(1, (ml_dtype)row->dtype);
    ml_tensor *norm = ml_sqrt(ml_sum_dim(ml_square(row), -1, true));
    ml_tensor *near = ml_le(ml_abs(d), ml_mul(norm, ml_number(10 * mli_epsilon(row))));
    return ml_where(near, zero, ml_reciprocal(ml_where(near, one, d)));
}

/* 1 / s of a row of singular values, 0 where it is 0 up to rounding. */
static ml_tensor *inverse_values(ml_tensor *row)
{
    if (!row) return NULL;
    ml_tensor *zero = ml_scalar(0, (ml_dtype)row->dtype), *one = ml_scalar(1, (ml_dtype)row->dtype);
    ml_tensor *norm = ml_sqrt(ml_sum_dim(ml_square(row), -1, true));
    ml_tensor *none = ml_le(row, ml_mul(norm, ml_number(10 * mli_epsilon(row))));
    return ml_where(none, zero, ml_reciprocal(ml_where(none, one, row)));
}

/* --- eigh ------------------------------------------------------------------------------------------------------------------- */
static bool eigh_parts_infer(ml_call *c)
{
    c->shape = c->in[0]->shape;
    if (!mli_is_square(c, 0)) return false;
    c->shape.size[c->shape.n - 2]++;
    return true;
}

static void make_symmetric(double *a, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) a[i + j * n] = a[j + i * n] = 0.5 * a[i + j * n] + 0.5 * a[j + i * n];
}

static bool eigh_parts_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("eigh_parts");
    int64_t n = mli_cols(c->in[0]), batch = mli_batch(&c->in[0]->shape);
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *w = a ? mli_space(n) : NULL, *out = w ? mli_result(c) : NULL;
    if (!out) return false;
    for (int64_t b = 0; n > 0 && b < batch; b++, a += n * n) {
        double *row = out + b * (n + 1) * n;
        make_symmetric(a, n);
        int info = l->eigh((int)n, a, w);
        if (info != 0) return info == -1 ? false : ml_fail("eigh_parts: did not converge for matrix %lld of shape %s", (long long)b + 1, ml_shape_text(&c->in[0]->shape));
        memcpy(row, w, (size_t)n * sizeof *w);
        for (int64_t j = 0; j < n; j++) {
            double sign = sign_of(a + j * n, n);
            for (int64_t i = 0; i < n; i++) row[(i + 1) * n + j] = sign * a[j * n + i];
        }
    }
    return mli_deliver(c, out);
}

/* dA = V (diag(dw) + F o (V^T dV)) V^T with F_ij = 1 / (w_j - w_i), made symmetric: (x + x^T) / 2 is what was factorised. */
static bool eigh_parts_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int64_t    n = mli_cols(dy);
    ml_tensor *w = mli_rows_of(c->out, 0, 1), *v = mli_rows_of(c->out, 1, n), *dw = mli_rows_of(dy, 0, 1), *dv = mli_rows_of(dy, 1, n);
    ml_tensor *turning = ml_mul(inverse_differences(w), ml_matmul(ml_mT(v), dv));
    dx[0] = mli_symmetric(mli_product3(v, ml_add(mli_on_diagonal(dw), turning), ml_mT(v)));
    return dx[0] != NULL;
}

static bool values_infer(ml_call *c)
{
    const ml_shape *s = &c->in[0]->shape;
    if (c->id == ML_OP_eigvalsh ? !mli_is_square(c, 0) : !mli_is_matrix(c, 0)) return false;
    c->shape = *s;
    c->shape.n--;
    c->shape.size[s->n - 2] = s->size[s->n - 1] < s->size[s->n - 2] ? s->size[s->n - 1] : s->size[s->n - 2];
    return true;
}

/* Row `at` of packed parts: (..., rows, k) -> (..., k) */
static ml_tensor *values_row(ml_tensor *parts, int64_t at)
{
    ml_tensor *row = mli_rows_of(parts, at, 1);
    if (!row) return NULL;
    ml_shape s = row->shape;
    s.size[s.n - 2] = s.size[s.n - 1];
    s.n--;
    return ml_reshape(row, &(ml_reshape_opts){ s });
}

static ml_tensor *eigvalsh_compose(ml_call *c) { return values_row(ml_eigh_parts(c->in[0]), 0); }

/* --- svd -------------------------------------------------------------------------------------------------------------------- */
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static bool svd_parts_infer(ml_call *c)
{
    if (!mli_is_matrix(c, 0)) return false;
    int64_t m = mli_rows(c->in[0]), n = mli_cols(c->in[0]);
    c->shape = c->in[0]->shape;
    c->shape.size[c->shape.n - 2] = m + 1 + n;
    c->shape.size[c->shape.n - 1] = least(m, n);
    return true;
}

static bool svd_parts_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("svd_parts");
    int64_t m = mli_rows(c->in[0]), n = mli_cols(c->in[0]), k = least(m, n), batch = mli_batch(&c->in[0]->shape);
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *s = a ? mli_space(k + m * k + k * n) : NULL, *out = s ? mli_result(c) : NULL;
    if (!out) return false;
    double *u = s + k, *vt = u + m * k;
    for (int64_t b = 0; k > 0 && b < batch; b++, a += m * n, out += (m + 1 + n) * k) {
        int info = l->svd((int)m, (int)n, a, s, u, vt);
        if (info != 0) return info == -1 ? false : ml_fail("svd_parts: did not converge for matrix %lld of shape %s", (long long)b + 1, ml_shape_text(&c->in[0]->shape));
        for (int64_t j = 0; j < k; j++) {
            double sign = sign_of(u + j * m, m);
            for (int64_t i = 0; i < m; i++) out[i * k + j] = sign * u[j * m + i];
            out[m * k + j] = s[j];
            for (int64_t i = 0; i < n; i++) out[(m + 1 + i) * k + j] = sign * vt[i * k + j];
        }
    }
    return mli_deliver(c, out - (k > 0 ? batch * (m + 1 + n) * k : 0));
}

static ml_tensor *antisymmetric(ml_tensor *x) { return ml_sub(x, ml_mT(x)); }

/* What of dv lies outside the columns of v: dv - v (v^T dv) */
static ml_tensor *outside(ml_tensor *v, ml_tensor *dv, ml_tensor *v_dv) { return ml_sub(dv, ml_matmul(v, v_dv)); }

/* Townsend 2016, "Differentiating the singular value decomposition", with 1 / (s_j^2 - s_i^2) as a product, which keeps the
 * digits of close values. */
static bool svd_parts_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int64_t    m = mli_rows(c->in[0]), n = mli_cols(c->in[0]), k = least(m, n);
    ml_tensor *u = mli_rows_of(c->out, 0, m), *s = mli_rows_of(c->out, m, 1), *v = mli_rows_of(c->out, m + 1, n);
    ml_tensor *du = mli_rows_of(dy, 0, m), *ds = mli_rows_of(dy, m, 1), *dv = mli_rows_of(dy, m + 1, n);
    ml_tensor *u_du = ml_matmul(ml_mT(u), du), *v_dv = ml_matmul(ml_mT(v), dv), *sums = ml_add(s, ml_mT(s));
    ml_tensor *f = inverse_differences(s), *zero = ml_scalar(0, (ml_dtype)dy->dtype), *one = ml_scalar(1, (ml_dtype)dy->dtype);
    if (!sums || !f) return false;
    ml_tensor *null = ml_eq(sums, zero); /* both values 0: f is 0 there already */
    f = ml_div(f, ml_where(null, one, sums));
    ml_tensor *core = ml_add(ml_mul(ml_mul(f, antisymmetric(u_du)), s), ml_mul(ml_mT(s), ml_mul(f, antisymmetric(v_dv))));
    ml_tensor *sum  = mli_product3(u, ml_add(core, mli_on_diagonal(ds)), ml_mT(v));
    if (m > k) sum = ml_add(sum, ml_matmul(ml_mul(outside(u, du, u_du), inverse_values(s)), ml_mT(v)));
    if (n > k) sum = ml_add(sum, ml_matmul(u, ml_mT(ml_mul(outside(v, dv, v_dv), inverse_values(s)))));
    dx[0] = sum;
    return sum != NULL;
}

static ml_tensor *svdvals_compose(ml_call *c) { return values_row(ml_svd_parts(c->in[0]), mli_rows(c->in[0])); }

/* --- qr --------------------------------------------------------------------------------------------------------------------- */
static bool qr_parts_infer(ml_call *c)
{
    if (!mli_is_matrix(c, 0)) return false;
    int64_t m = mli_rows(c->in[0]), n = mli_cols(c->in[0]);
    c->shape = c->in[0]->shape;
    c->shape.size[c->shape.n - 2] = m + n;
    c->shape.size[c->shape.n - 1] = least(m, n);
    return true;
}

static bool qr_parts_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("qr_parts");
    int64_t m = mli_rows(c->in[0]), n = mli_cols(c->in[0]), k = least(m, n), batch = mli_batch(&c->in[0]->shape);
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *r = a ? mli_space(k * n) : NULL, *out = r ? mli_result(c) : NULL;
    if (!out) return false;
    for (int64_t b = 0; k > 0 && b < batch; b++, a += m * n) {
        double *rows = out + b * (m + n) * k;
        int     info = l->qr((int)m, (int)n, a, r);
        if (info != 0) return info == -1 ? false : ml_fail("qr_parts: LAPACK refused shape %s", ml_shape_text(&c->in[0]->shape));
        for (int64_t j = 0; j < k; j++) {
            double sign = r[j + j * k] < 0 ? -1 : 1;
            for (int64_t i = 0; i < m; i++) rows[i * k + j] = sign * a[j * m + i];
            for (int64_t i = 0; i < n; i++) rows[(m + i) * k + j] = sign * r[j + i * k];
        }
    }
    return mli_deliver(c, out);
}

static const ml_tril_opts below = { -1 }; /* without the diagonal */

/* Of a with as many rows as columns or more, l = R^T: dA = (dQ + Q M) R^-T, M the lower half of R dR^T - dQ^T Q mirrored. */
static ml_tensor *tall_qr_vjp(ml_tensor *q, ml_tensor *l, ml_tensor *dq, ml_tensor *dl)
{
    ml_tensor *m    = ml_sub(ml_matmul(ml_mT(l), ml_tril(dl, NULL)), ml_matmul(ml_mT(dq), q));
    ml_tensor *sum  = ml_add(dq, ml_matmul(q, ml_add(ml_tril(m, NULL), ml_mT(ml_tril(m, &below)))));
    return ml_mT(ml_solve_triangular(l, ml_mT(sum), &(ml_solve_triangular_opts){ .transpose = true }));
}

/* Walter and Lehmann 2018, "Algorithmic differentiation of linear algebra functions". A wide matrix is (X, Y) = Q (U, V):
 * Q depends on X alone, and V = Q^T Y. */
static bool qr_parts_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int64_t    m = mli_rows(c->in[0]), n = mli_cols(c->in[0]), k = least(m, n);
    ml_tensor *q = mli_rows_of(c->out, 0, m), *l = mli_rows_of(c->out, m, k), *dq = mli_rows_of(dy, 0, m), *dl = mli_rows_of(dy, m, k);
    if (n > k) {
        ml_tensor *vt = mli_rows_of(c->out, m + k, n - k), *dvt = mli_rows_of(dy, m + k, n - k);
        dq = ml_add(dq, ml_matmul(ml_matmul(q, ml_mT(vt)), dvt));
        dx[0] = ml_cat((ml_tensor *[]){ tall_qr_vjp(q, l, dq, dl), ml_matmul(q, ml_mT(dvt)) }, 2, &(ml_cat_opts){ -1 });
    } else dx[0] = tall_qr_vjp(q, l, dq, dl);
    return dx[0] != NULL;
}

/* --- cholesky ----------------------------------------------------------------------------------------------------------------- */
static bool cholesky_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("cholesky");
    int64_t n = mli_cols(c->in[0]), batch = mli_batch(&c->in[0]->shape);
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *out = a ? mli_result(c) : NULL;
    if (!out) return false;
    for (int64_t b = 0; n > 0 && b < batch; b++, a += n * n) {
        make_symmetric(a, n);
        int info = l->cholesky((int)n, a);
        if (info != 0)
            return ml_fail("cholesky: matrix %lld of shape %s is not positive definite: its leading %d x %d part is not; add a multiple of the identity",
                           (long long)b + 1, ml_shape_text(&c->in[0]->shape), info, info);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) out[b * n * n + i * n + j] = j <= i ? a[i + j * n] : 0;
    }
    return mli_deliver(c, out);
}

/* dA = L^-T P L^-1, made symmetric, where P is the lower half of L^T dL with half of its diagonal (Murray 2016). */
static bool cholesky_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    static const ml_solve_triangular_opts transposed = { .transpose = true };
    ml_tensor *full = ml_matmul(ml_mT(c->out), ml_tril(dy, NULL));
    ml_tensor *half = ml_mul(ml_add(ml_tril(full, NULL), ml_tril(full, &below)), ml_number(0.5));
    ml_tensor *left = ml_solve_triangular(c->out, half, &transposed);
    dx[0] = mli_symmetric(ml_solve_triangular(c->out, ml_mT(left), &transposed)); /* of the transpose, which is as good */
    return dx[0] != NULL;
}

/* --- samples, operations ------------------------------------------------------------------------------------------------------- */
static const ml_sample symmetric_samples[] = { { .in = { "s(3, 3)" } }, { .in = { "s(2, 2, 2)" } }, { 0 } };
static const ml_sample any_samples[]       = { { .in = { "m(3, 2)" } }, { .in = { "m(2, 3)" } }, { .in = { "m(2, 2, 2)" } }, { 0 } };

#define FACTOR(name, SAVES, SAMPLES) \
    const ml_op ml_op_##name = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = SAVES, .infer = name##_infer, .forward = name##_forward, \
                                 .vjp = name##_vjp, .vmap = mli_matrix_vmap, .samples = SAMPLES };
#define cholesky_infer mli_square_infer
FACTOR(eigh_parts, ML_SAVE_OUT, symmetric_samples)
FACTOR(svd_parts,  ML_SAVE_OUT, any_samples)
FACTOR(qr_parts,   ML_SAVE_OUT, any_samples)
FACTOR(cholesky,   ML_SAVE_OUT, symmetric_samples)
const ml_op ml_op_eigvalsh = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .infer = values_infer, .compose = eigvalsh_compose, .samples = symmetric_samples };
const ml_op ml_op_svdvals  = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .infer = values_infer, .compose = svdvals_compose, .samples = any_samples };
