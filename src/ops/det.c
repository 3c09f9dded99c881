/* Determinants. */
#include "ops/dense.h"

#include <math.h>

/* LU of n x n in place: the sign of the product of the pivots, and each pivot on the diagonal. */
static int lu_sign(const mli_lapack *l, int64_t n, double *a, int *pivots)
{
    int sign = 1;
    l->lu((int)n, (int)n, a, pivots);
    for (int64_t i = 0; i < n; i++) {
        double pivot = a[i + i * n];
        if (pivots[i] != i + 1) sign = -sign;
        sign = pivot == 0 ? 0 : pivot < 0 ? -sign : sign;
    }
    return sign;
}

static bool det_infer(ml_call *c)
{
    c->shape = c->in[0]->shape;
    if (!mli_is_square(c, 0)) return false;
    c->shape.n -= 2;
    return true;
}

static bool slogdet_infer(ml_call *c)
{
    if (!det_infer(c)) return false;
    c->shape.size[c->shape.n++] = 2;
    return true;
}

/* The determinants of a batch: det into out (1 value each), or sign and logarithm (2 each). */
static bool determinants(ml_call *c, bool logarithm)
{
    const mli_lapack *l = mli_lapack_find(ml_op_info_at(c->id)->name);
    int64_t n = mli_cols(c->in[0]), batch = mli_batch(&c->in[0]->shape);
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *out = a ? mli_result(c) : NULL;
    int    *pivots = out ? (int *)(void *)mli_space(n) : NULL;
    if (!pivots) return false;
    for (int64_t b = 0; b < batch; b++, a += n * n) {
        int    sign = n > 0 ? lu_sign(l, n, a, pivots) : 1;
        double product = 1, sum = 0;
        for (int64_t i = 0; i < n; i++) product *= fabs(a[i + i * n]), sum += log(fabs(a[i + i * n]));
        if (logarithm) out[2 * b] = sign, out[2 * b + 1] = sign ? sum : -(double)INFINITY;
        else out[b] = sign * product;
    }
    return mli_deliver(c, out);
}

static bool det_forward(ml_call *c) { return determinants(c, false); }
static bool slogdet_forward(ml_call *c) { return determinants(c, true); }

/* Single values as matrices that multiply (..., n, n): (...) -> (..., 1, 1) */
static ml_tensor *as_factor(ml_tensor *x)
{
    if (!x) return NULL;
    ml_shape s = x->shape;
    s.size[s.n++] = 1;
    s.size[s.n++] = 1;
    return ml_reshape(x, &(ml_reshape_opts){ s });
}

static bool det_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_mul(as_factor(dy), ml_cofactor(c->in[0]));
    return dx[0] != NULL;
}

/* Of the logarithm: the transposed inverse, NaN for a singular matrix. The sign is constant. */
static bool slogdet_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_shape   s = dy->shape;
    ml_tensor *log_part = ml_slice(dy, &(ml_slice_opts){ .dim = -1, .start = 1, .stop = 2, .step = 1 });
    s.size[s.n++ - 1] = 1;
    s.size[s.n - 1]   = 1;
    dx[0] = ml_mul(ml_reshape(log_part, &(ml_reshape_opts){ s }), ml_mT(ml_inv(c->in[0], &(ml_inv_opts){ .strict = false })));
    return dx[0] != NULL;
}

/* --- cofactors ---------------------------------------------------------------------------------------------------------------- */
/* With A = U S V^T they are det(U) det(V) U diag(products of all s but one) V^T: no division by what may be 0. */
static bool cofactor_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("cofactor");
    int64_t n = mli_cols(c->in[0]), batch = mli_batch(&c->in[0]->shape), square = n * n;
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *s = a ? mli_space(2 * n + 2 * square) : NULL, *out = s ? mli_result(c) : NULL;
    int    *pivots = out ? (int *)(void *)mli_space(n) : NULL;
    if (!pivots) return false;
    double *others = s + n, *u = others + n, *vt = u + square;
    for (int64_t b = 0; n > 0 && b < batch; b++, a += square) {
        double *rows = out + b * square;
        int     info = l->svd((int)n, (int)n, a, s, u, vt);
        if (info != 0) return info == -1 ? false : ml_fail("cofactor: the svd did not converge for matrix %lld of shape %s", (long long)b + 1, ml_shape_text(&c->in[0]->shape));
        for (int64_t i = 0; i < n; i++) {
            others[i] = 1;
            for (int64_t j = 0; j < n; j++)
                if (j != i) others[i] *= s[j];
        }
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t k = 0; k < n; k++) sum += u[i + k * n] * others[k] * vt[k + j * n];
                rows[i * n + j] = sum;
            }
        int sign = lu_sign(l, n, u, pivots) * lu_sign(l, n, vt, pivots);
        for (int64_t i = 0; i < square; i++) rows[i] *= sign;
    }
    return mli_deliver(c, out);
}

/* With B the transposed inverse and C = det B the value: dA = <dC, C> B - C dC^T B. NaN where the matrix is singular. */
static bool cofactor_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *inverse = ml_mT(ml_inv(c->in[0], &(ml_inv_opts){ .strict = false }));
    ml_tensor *along = ml_sum(ml_mul(dy, c->out), &(ml_sum_opts){ ML_DIMS(-2, -1), true });
    dx[0] = ml_sub(ml_mul(along, inverse), mli_product3(c->out, ml_mT(dy), inverse));
    return dx[0] != NULL;
}

/* --- samples, operations ------------------------------------------------------------------------------------------------------- */
static const ml_sample square_samples[] = { { .in = { "m(3, 3)" } }, { .in = { "m(2, 2, 2)" } }, { 0 } };

#define DETERMINANT(name, SAVES, INFER) \
    const ml_op ml_op_##name = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = SAVES, .infer = INFER, .forward = name##_forward, \
                                 .vjp = name##_vjp, .vmap = mli_matrix_vmap, .samples = square_samples };
DETERMINANT(det,      ML_SAVE_IN(0),               det_infer)
DETERMINANT(slogdet,  ML_SAVE_IN(0),               slogdet_infer)
DETERMINANT(cofactor, ML_SAVE_IN(0) | ML_SAVE_OUT, mli_square_infer)
