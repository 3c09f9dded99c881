/* The matrix exponential and powers. */
#include "ops/dense.h"
#include "ops/matrix.h"

#include <math.h>
#include <string.h>

/* --- expm ---------------------------------------------------------------------------------------------------------------------
 * Higham 2005, "The scaling and squaring method for the matrix exponential revisited": the Pade approximant of degree 13 of
 * x / 2^s, whose 1-norm is at most theta, squared s times. Matrices are square and their layout does not matter as long as
 * it is one: (A B) column-major is (B A) row-major, and all factors are polynomials of one matrix, which commute. */
static const double pade[14] = { 64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800,
                                 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1 };
static const double theta = 5.371920351148152;

static bool product(int64_t n, const double *a, const double *b, double *c)
{
    mlk_gemm g = { .m = n, .n = n, .k = n, .a = b, .b = a, .c = c, .a_row = n, .a_col = 1, .b_row = n, .b_col = 1, .c_row = n };
    return mli_multiply(ML_F64, &g);
}

static double norm_1(int64_t n, const double *a) /* the largest sum of a column's sizes */
{
    double most = 0;
    for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += fabs(a[i + j * n]);
        if (sum > most) most = sum;
    }
    return most;
}

/* out = c6 x^6 + c4 x^4 + c2 x^2 + c0 */
static void polynomial(int64_t n, double *const power[4], const double c[4], double *out)
{
    for (int64_t i = 0; i < n * n; i++) out[i] = c[3] * power[3][i] + c[2] * power[2][i] + c[1] * power[1][i];
    for (int64_t i = 0; i < n; i++) out[i * (n + 1)] += c[0];
}

enum { EXPM_SPACES = 8 };

/* exp(a) into a; space: EXPM_SPACES n x n matrices */
static bool exponential(const mli_lapack *l, int64_t n, double *a, double *space, int *pivots)
{
    int64_t square = n * n;
    double *x2 = space, *x4 = x2 + square, *x6 = x4 + square, *u = x6 + square, *v = u + square, *t = v + square, *w = t + square;
    double *const power[4] = { NULL, x2, x4, x6 };
    double  norm = norm_1(n, a);
    int     s = 0;
    if (norm > theta) frexp(norm / theta, &s);
    if (!isfinite(norm)) s = 1024;
    for (int64_t i = 0; i < square; i++) a[i] = ldexp(a[i], -s);
    if (!product(n, a, a, x2) || !product(n, x2, x2, x4) || !product(n, x2, x4, x6)) return false;
    /* u = x (x^6 (b13 x^6 + b11 x^4 + b9 x^2) + b7 x^6 + b5 x^4 + b3 x^2 + b1) */
    polynomial(n, power, (double[]){ 0, pade[9], pade[11], pade[13] }, t);
    polynomial(n, power, (double[]){ pade[1], pade[3], pade[5], pade[7] }, w);
    if (!product(n, x6, t, u)) return false;
    for (int64_t i = 0; i < square; i++) w[i] += u[i];
    if (!product(n, a, w, u)) return false;
    /* v = x^6 (b12 x^6 + b10 x^4 + b8 x^2) + b6 x^6 + b4 x^4 + b2 x^2 + b0 */
    polynomial(n, power, (double[]){ 0, pade[8], pade[10], pade[12] }, t);
    polynomial(n, power, (double[]){ pade[0], pade[2], pade[4], pade[6] }, w);
    if (!product(n, x6, t, v)) return false;
    for (int64_t i = 0; i < square; i++) {
        double odd = u[i], even = v[i] + w[i];
        a[i] = even + odd;
        t[i] = even - odd;
    }
    if (l->lu((int)n, (int)n, t, pivots) == 0) l->lu_solve((int)n, (int)n, t, pivots, a); /* never singular below theta */
    for (; s > 0; s--) {
        if (!product(n, a, a, t)) return false;
        memcpy(a, t, (size_t)square * sizeof *a);
    }
    return true;
}

static bool expm_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("expm");
    int64_t n = mli_cols(c->in[0]), batch = mli_batch(&c->shape);
    double *a = l ? mli_columns(c, c->in[0]) : NULL, *space = a ? mli_space(EXPM_SPACES * n * n + n) : NULL, *out = space ? mli_result(c) : NULL;
    if (!out) return false;
    int *pivots = (int *)(void *)(space + EXPM_SPACES * n * n);
    for (int64_t b = 0; n > 0 && b < batch; b++, a += n * n) {
        if (!exponential(l, n, a, space, pivots)) return false;
        mli_transposed_copy(a, n, n, out + b * n * n);
    }
    return mli_deliver(c, out);
}

static bool expm_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_expm_frechet(ml_mT(c->in[0]), dy);
    return dx[0] != NULL;
}

/* --- expm_frechet: what stands in the upper right of exp((x, y), (0, x)) (Van Loan 1978) ------------------------------------------ */
static bool expm_frechet_infer(ml_call *c)
{
    if (!mli_square_infer(c)) return false;
    if (ml_shape_equal(&c->in[0]->shape, &c->in[1]->shape)) return true;
    return ml_fail("expm_frechet: the direction must have the shape of the matrix, got %s and %s", ml_shape_text(&c->in[0]->shape), ml_shape_text(&c->in[1]->shape));
}

static bool expm_frechet_forward(ml_call *c)
{
    const mli_lapack *l = mli_lapack_find("expm_frechet");
    int64_t n = mli_cols(c->in[0]), n2 = 2 * n, batch = mli_batch(&c->shape);
    double *x = l ? mli_columns(c, c->in[0]) : NULL, *y = x ? mli_columns(c, c->in[1]) : NULL;
    double *space = y ? mli_space((EXPM_SPACES + 1) * n2 * n2 + n2) : NULL, *out = space ? mli_result(c) : NULL;
    if (!out) return false;
    double *whole = space + EXPM_SPACES * n2 * n2;
    for (int64_t b = 0; n > 0 && b < batch; b++, x += n * n, y += n * n) {
        memset(whole, 0, (size_t)(n2 * n2) * sizeof *whole);
        for (int64_t j = 0; j < n; j++) {
            memcpy(whole + j * n2, x + j * n, (size_t)n * sizeof *x);
            memcpy(whole + (n + j) * n2, y + j * n, (size_t)n * sizeof *y);
            memcpy(whole + (n + j) * n2 + n, x + j * n, (size_t)n * sizeof *x);
        }
        if (!exponential(l, n2, whole, space, (int *)(void *)(whole + n2 * n2))) return false;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) out[(b * n + i) * n + j] = whole[(n + j) * n2 + i];
    }
    return mli_deliver(c, out);
}

static ml_tensor *blocks(ml_tensor *a, ml_tensor *b, ml_tensor *c, ml_tensor *d)
{
    static const ml_cat_opts beside = { -1 }, below = { -2 };
    ml_tensor *top = ml_cat((ml_tensor *[]){ a, b }, 2, &beside), *bottom = ml_cat((ml_tensor *[]){ c, d }, 2, &beside);
    return ml_cat((ml_tensor *[]){ top, bottom }, 2, &below);
}

static ml_tensor *block_at(ml_tensor *x, int64_t n, int64_t row, int64_t col)
{
    return ml_slice(mli_rows_of(x, row, n), &(ml_slice_opts){ .dim = -1, .start = col, .stop = col + n, .step = 1 });
}

/* The direction enters linearly. For x: the same rule once more, on the matrix of blocks, whose diagonal has x twice. */
static bool expm_frechet_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *x = c->in[0], *zero = ml_zeros(dy->shape, (ml_dtype)dy->dtype);
    int64_t    n = mli_cols(x);
    if (ml_needs(c, 1)) dx[1] = ml_expm_frechet(ml_mT(x), dy);
    if (ml_needs(c, 0)) {
        ml_tensor *whole = ml_expm_frechet(ml_mT(blocks(x, c->in[1], zero, x)), blocks(zero, dy, zero, zero));
        dx[0] = ml_add(block_at(whole, n, 0, 0), block_at(whole, n, n, n));
    }
    return !ml_failed();
}

static ml_tensor *expm_frechet_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *x = mli_with_batch(c->in[0], batched[0], n), *y = mli_with_batch(c->in[1], batched[1], n);
    if (x && x->shape.n < 3) return ml_fail("expm_frechet: needs matrices, inside vmap each is of %d dimensions", x->shape.n - 1);
    return ml_expm_frechet(x, y);
}

/* --- matrix_power -------------------------------------------------------------------------------------------------------------- */
static ml_tensor *matrix_power_compose(ml_call *c)
{
    int64_t    n = ((const ml_matrix_power_opts *)c->opts)->n;
    uint64_t   left = n < 0 ? -(uint64_t)n : (uint64_t)n;
    ml_tensor *square = n < 0 ? ml_inv(c->in[0], NULL) : c->in[0], *power = NULL;
    if (n == 0) return ml_add(ml_mul(c->in[0], ml_number(0)), ml_eye(mli_cols(c->in[0]), (ml_dtype)c->in[0]->dtype));
    for (; square && left > 0; left >>= 1) {
        if (left & 1u) power = power ? ml_matmul(power, square) : square;
        if (left > 1) square = ml_matmul(square, square);
    }
    return square ? ml_reshape(power, &(ml_reshape_opts){ c->in[0]->shape }) : NULL; /* of n = 1 a tensor of its own */
}

/* --- samples, operations ------------------------------------------------------------------------------------------------------- */
static const ml_matrix_power_opts cube = { 3 }, inverse_square = { -2 };
static const ml_sample expm_samples[]         = { { .in = { "(2, 2)" }, .low = -1, .high = 1 }, { .in = { "(2, 2, 2)" }, .low = -1, .high = 1 }, { 0 } };
static const ml_sample expm_frechet_samples[] = { { .in = { "(2, 2)", "(2, 2)" }, .low = -1, .high = 1 }, { .in = { "(2, 1, 1)", "(2, 1, 1)" } }, { 0 } };
static const ml_sample matrix_power_samples[] = { { .in = { "m(3, 3)" }, .opts = &cube }, { .in = { "m(2, 2, 2)" }, .opts = &inverse_square }, { 0 } };

const ml_op ml_op_expm         = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = mli_square_infer, .forward = expm_forward,
                                   .vjp = expm_vjp, .vmap = mli_matrix_vmap, .samples = expm_samples };
const ml_op ml_op_expm_frechet = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .infer = expm_frechet_infer,
                                   .forward = expm_frechet_forward, .vjp = expm_frechet_vjp, .vmap = expm_frechet_vmap, .samples = expm_frechet_samples };
const ml_op ml_op_matrix_power = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .infer = mli_square_infer, .compose = matrix_power_compose,
                                   .samples = matrix_power_samples };
