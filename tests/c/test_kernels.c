/* The loops over numbers, against plain ones in f64 and against libm. Set MOONLAB_CPU to test another level. */
#include <criterion/criterion.h>

#include "kernels/kernels.h"
#include "moonlab/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- functions of one number ------------------------------------------------------------------------------------------- */
/* Distance in units of the last place of an f32 at want; below the normal range, of the smallest normal. */
static double ulps(float got, double want)
{
    float nearest = (float)want;
    if (isnan(nearest)) return isnan(got) ? 0 : INFINITY;
    if (got == nearest) return 0;
    if (isinf(got) || isinf(nearest)) return INFINITY;
    int exponent;
    frexp(want, &exponent);
    if (exponent < -125) exponent = -125;
    return fabs((double)got - want) / ldexp(1, exponent - 24);
}

static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static double gelu(double x) { return x < -40 ? -0.0 : (double)(x * erfcl(-x / sqrtl(2)) / 2); }

Test(kernels, f32_functions_keep_the_promised_accuracy)
{
    const ml_kernels *k = mlk();
    const struct {
        const char *name;
        void (*f)(int64_t, const void *, void *);
        double (*exact)(double);
        double limit;
    } cases[] = {
        { "exp", k->exp_f32, exp, 1.5 },          { "expm1", k->expm1_f32, expm1, 2 },         { "log", k->log_f32, log, 1.5 },
        { "log1p", k->log1p_f32, log1p, 3 },      { "tanh", k->tanh_f32, tanh, 3 },            { "sigmoid", k->sigmoid_f32, sigmoid, 3 },
        { "softplus", k->softplus_f32, softplus, 3 }, { "erf", k->erf_f32, erf, 2.5 },          { "sin", k->sin_f32, sin, 2 },
        { "cos", k->cos_f32, cos, 2 },            { "exp2", k->exp2_f32, exp2, 1.5 },           { "log2", k->log2_f32, log2, 2 },
        { "log10", k->log10_f32, log10, 2 },      { "erfc", k->erfc_f32, erfc, 4 },             { "gelu", k->gelu_f32, gelu, 4 },
        { "tan", k->tan_f32, tan, 4.5 },          { "sinh", k->sinh_f32, sinh, 3.5 },           { "cosh", k->cosh_f32, cosh, 3 },
        { "asinh", k->asinh_f32, asinh, 2.5 },    { "acosh", k->acosh_f32, acosh, 2.5 },        { "atanh", k->atanh_f32, atanh, 2.5 },
        { "sqrt", k->sqrt_f32, sqrt, 0.51 },
    };
    enum { N = 4096 };
    static float x[N], y[N];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double   worst = 0;
        float    at    = 0;
        uint64_t bits  = 0;
        while (bits < 1ull << 32) { /* every 4099th of all floats: all exponents, both signs, NaN and infinities */
            int n = 0;
            for (; n < N && bits < 1ull << 32; n++, bits += 4099) {
                uint32_t b = (uint32_t)bits;
                memcpy(&x[n], &b, sizeof b);
            }
            cases[c].f(n, x, y);
            for (int i = 0; i < n; i++) {
                double u = ulps(y[i], cases[c].exact((double)x[i]));
                if (u > worst) worst = u, at = x[i];
            }
        }
        cr_expect_leq(worst, cases[c].limit, "%s of %.9g is wrong by %.2f units of the last place", cases[c].name, (double)at, worst);
    }
}

Test(kernels, a_vector_and_its_tail_compute_alike)
{
    enum { N = 67 };
    static float x[N], whole[N], single[N];
    for (int i = 0; i < N; i++) x[i] = 0.1f * (float)(i - 30);
    const ml_kernels *k = mlk();
    void (*const f[])(int64_t, const void *, void *) = { k->exp_f32,     k->tanh_f32, k->sigmoid_f32, k->log1p_f32,
                                                         k->softplus_f32, k->sin_f32,  k->erf_f32,     k->gelu_f32 };
    for (size_t c = 0; c < sizeof f / sizeof *f; c++) {
        f[c](N, x, whole);
        for (int i = 0; i < N; i++) f[c](1, &x[i], &single[i]);
        cr_expect_arr_eq(whole, single, sizeof whole, "function %zu depends on the place in the vector", c);
    }
}

/* --- sums --------------------------------------------------------------------------------------------------------------- */
Test(kernels, sums_are_exact_to_rounding_at_every_length)
{
    enum { N = 5000 };
    static float  x[N];
    static double d[N];
    for (int i = 0; i < N; i++) d[i] = x[i] = (float)sin(i * 1.7) + 1;
    double exact = 0;
    for (int64_t n = 0; n <= N; n++) {
        if (n > 0) exact += (double)x[n - 1];
        if (n > 70 && n % 97) continue;
        cr_expect_float_eq(mlk()->sum_f32(n, x), exact, 1e-6 * (1 + exact), "n = %d", (int)n);
        cr_expect_float_eq(mlk()->sum_f64(n, d), exact, 1e-13 * (1 + exact), "n = %d", (int)n);
    }
}

/* --- matrix products ------------------------------------------------------------------------------------------------------ */
typedef struct {
    int64_t m, n, k;
    bool    a_turned, b_turned, bias;
    mlk_act act;
} product;

static double act_of(mlk_act act, double z)
{
    switch (act) {
    case MLK_ACT_RELU: return z < 0 ? 0 : z;
    case MLK_ACT_TANH: return tanh(z);
    case MLK_ACT_SIGMOID: return sigmoid(z);
    default: return z;
    }
}

static double noise(int64_t i) { return sin((double)i * 12.9898) * 0.9; }

#define CHECK_PRODUCT(T, gemm, tolerance)                                                                                  \
    static void check_##gemm(product p)                                                                                    \
    {                                                                                                                      \
        int64_t step = p.n + 3; /* rows of c lie apart; what is between them must stay */                                   \
        T *a = calloc((size_t)(p.m * p.k + 1), sizeof(T)), *b = calloc((size_t)(p.k * p.n + 1), sizeof(T));                \
        T *c = calloc((size_t)(p.m * step + 1), sizeof(T)), *bias = calloc((size_t)p.n + 1, sizeof(T));                    \
        for (int64_t i = 0; i < p.m * p.k; i++) a[i] = (T)noise(i);                                                        \
        for (int64_t i = 0; i < p.k * p.n; i++) b[i] = (T)noise(i + 1000);                                                 \
        for (int64_t i = 0; i < p.m * step; i++) c[i] = (T)77;                                                             \
        for (int64_t i = 0; i < p.n; i++) bias[i] = (T)noise(i + 5000);                                                    \
        mlk_gemm g = { .m = p.m, .n = p.n, .k = p.k, .a = a, .a_row = p.a_turned ? 1 : p.k, .a_col = p.a_turned ? p.m : 1, .b = b, \
                       .b_row = p.b_turned ? 1 : p.n, .b_col = p.b_turned ? p.k : 1, .c = c, .c_row = step,                \
                       .bias = p.bias ? bias : NULL, .act = p.act };                                                       \
        cr_assert(mlk()->gemm(&g));                                                                                        \
        for (int64_t i = 0; i < p.m; i++)                                                                                  \
            for (int64_t j = 0; j < step; j++) {                                                                           \
                double want = 77, scale = 1;                                                                               \
                if (j < p.n) {                                                                                             \
                    want = p.bias ? (double)bias[j] : 0;                                                                   \
                    for (int64_t k = 0; k < p.k; k++) {                                                                    \
                        double term = (double)a[i * g.a_row + k * g.a_col] * (double)b[k * g.b_row + j * g.b_col];         \
                        want += term;                                                                                      \
                        scale += fabs(term);                                                                               \
                    }                                                                                                      \
                    want = act_of(p.act, want);                                                                            \
                }                                                                                                          \
                if (fabs((double)c[i * step + j] - want) > tolerance * scale)                                              \
                    cr_expect(false, #gemm " %dx%dx%d %d%d act %d: (%d, %d) is %.9g, not %.9g", (int)p.m, (int)p.n, (int)p.k, \
                                   p.a_turned, p.b_turned, (int)p.act, (int)i, (int)j, (double)c[i * step + j], want);     \
            }                                                                                                              \
        free(a), free(b), free(c), free(bias);                                                                             \
    }
CHECK_PRODUCT(float, gemm_f32, 1e-6)
CHECK_PRODUCT(double, gemm_f64, 1e-14)

Test(kernels, products_of_every_small_size_and_layout)
{
    const int64_t sizes[] = { 0, 1, 2, 3, 5, 6, 7, 12, 13, 16, 17, 33 };
    const int     count   = sizeof sizes / sizeof *sizes;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++)
            for (int l = 0; l < count; l++)
                for (int layout = 0; layout < 4; layout++) {
                    product p = { sizes[i], sizes[j], sizes[l], layout & 1, layout >> 1, (i + j + l) % 2, (mlk_act)((i + l) % 4) };
                    check_gemm_f32(p);
                    check_gemm_f64(p);
                }
}

Test(kernels, products_beyond_the_block_sizes)
{
    check_gemm_f32((product){ 5, 7, 600, true, true, true, MLK_ACT_TANH });   /* three blocks of k */
    check_gemm_f32((product){ 400, 20, 3, false, true, false, MLK_ACT_NONE }); /* three blocks of rows */
    check_gemm_f32((product){ 9, 1100, 11, false, false, true, MLK_ACT_RELU }); /* three blocks of columns */
    check_gemm_f64((product){ 70, 130, 300, true, false, true, MLK_ACT_SIGMOID });
}

Test(kernels, products_have_the_same_bits_on_any_number_of_threads)
{
    enum { M = 150, N = 210, K = 300 };
    static float a[M * K], b[K * N], one[M * N], many[M * N];
    for (int i = 0; i < M * K; i++) a[i] = (float)noise(i);
    for (int i = 0; i < K * N; i++) b[i] = (float)noise(i + 9);
    mlk_gemm g = { .m = M, .n = N, .k = K, .a = a, .a_row = K, .a_col = 1, .b = b, .b_row = N, .b_col = 1, .c = one, .c_row = N };
    ml_threads_set(1);
    mlk()->gemm_f32(&g);
    g.c = many;
    for (int threads = 2; threads <= 7; threads++) {
        memset(many, 0, sizeof many);
        ml_threads_set(threads);
        mlk()->gemm_f32(&g);
        cr_expect_arr_eq(one, many, sizeof one, "%d threads", threads);
    }
}

/* Slim tiles, turned results, panels read where they are: whichever computes an element, it is one sum in one order. */
Test(kernels, an_element_of_a_product_has_the_same_bits_whatever_is_beside_it)
{
    enum { MOST = 80, K = 37 };
    static float a[MOST * K], b[K * MOST], all[MOST * MOST], part[MOST * MOST], bias[MOST];
    for (int i = 0; i < MOST * K; i++) a[i] = (float)noise(i), b[i] = (float)noise(i + 77);
    for (int i = 0; i < MOST; i++) bias[i] = (float)noise(i + 3);
    const int64_t sizes[] = { 1, 2, 4, 7, 8, 9, 15, 16, 17, 31, 32, 40, 63, 80 };
    for (int layout = 0; layout < 4; layout++)
        for (int act = MLK_ACT_NONE; act <= MLK_ACT_TANH; act++) {
            mlk_gemm whole = { .m = MOST, .n = MOST, .k = K, .a = a, .a_row = layout & 1 ? 1 : K, .a_col = layout & 1 ? MOST : 1, .b = b,
                               .b_row = layout & 2 ? 1 : MOST, .b_col = layout & 2 ? K : 1, .c = all, .c_row = MOST,
                               .bias = act ? bias : NULL, .act = (mlk_act)act };
            cr_assert(mlk()->gemm_f32(&whole));
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
                    for (int apart = 0; apart < 2; apart++) {
                        mlk_gemm g = whole;
                        g.m = sizes[i], g.n = sizes[j], g.c = part, g.c_row = apart ? MOST : g.n;
                        cr_assert(mlk()->gemm_f32(&g));
                        for (int64_t r = 0; r < g.m; r++)
                            cr_expect_arr_eq(part + r * g.c_row, all + r * MOST, (size_t)g.n * sizeof(float), "%dx%d, layout %d, act %d: row %d",
                                             (int)g.m, (int)g.n, layout, act, (int)r);
                    }
        }
}

Test(kernels, a_product_without_memory_says_so)
{
    enum { N = 100 }; /* smaller ones need none */
    static float a[N * N], c[N * N];
    a[0] = 1;
    mlk_gemm g = { .m = N, .n = N, .k = N, .a = a, .a_row = N, .a_col = 1, .b = a, .b_row = N, .b_col = 1, .c = c, .c_row = N };
    ml_memory_fail_after(1);
    cr_expect_not(mlk()->gemm_f32(&g));
    ml_memory_fail_after(0);
    cr_expect(mlk()->gemm_f32(&g));
    cr_expect_eq(c[0], 1);
}

/* --- rows --------------------------------------------------------------------------------------------------------------- */
#define CHECK_ROWS(S, T)                                                                                                   \
    static void check_rows_##S(int64_t n)                                                                                  \
    {                                                                                                                      \
        enum { ROWS = 37, MOST = 20 };                                                                                     \
        T        x[ROWS * MOST], together[ROWS * MOST], alone[ROWS * MOST];                                                \
        int64_t  labels[ROWS];                                                                                             \
        double   all[ROWS], one[ROWS];                                                                                      \
        for (int64_t i = 0; i < ROWS * n; i++) x[i] = (T)(9 * noise(i + n));                                               \
        for (int64_t j = 0; j < n; j++) x[3 * n + j] = -(T)INFINITY; /* each kind of row that is not ordinary */           \
        x[7 * n] = (T)INFINITY, x[11 * n + n / 2] = (T)NAN, x[13 * n] = -(T)INFINITY;                                      \
        for (int64_t r = 0; r < ROWS; r++) labels[r] = 1 + r % n;                                                          \
        void (*const f[])(int64_t, int64_t, const T *, T *) = { mlk()->softmax_##S, mlk()->log_softmax_##S, mlk()->logsumexp_##S }; \
        for (size_t k = 0; k < 3; k++) {                                                                                   \
            int64_t width = k == 2 ? 1 : n;                                                                                \
            f[k](ROWS, n, x, together);                                                                                    \
            for (int64_t r = 0; r < ROWS; r++) f[k](1, n, x + r * n, alone + r * width);                                   \
            for (int64_t i = 0; i < ROWS * width; i++)                                                                     \
                cr_expect(together[i] == alone[i] || (isnan(together[i]) && isnan(alone[i])), "function %zu, rows of %d: value %d", k, (int)n, (int)i); \
        }                                                                                                                  \
        x[3 * n] = x[7 * n] = x[11 * n + n / 2] = x[13 * n] = 1;                                                                      \
        for (int64_t r = 0; r < ROWS; r++) mlk()->cross_entropy_##S(1, n, x + r * n, labels + r, 1, one + r);                \
        mlk()->cross_entropy_##S(ROWS, n, x, labels, 1, all);                                                              \
        cr_expect_arr_eq(all, one, sizeof all, "cross entropy of %d", (int)n);                                             \
        mlk()->cross_entropy_dx_##S(ROWS, n, x, labels, 1, 0.3, together);                                                 \
        for (int64_t r = 0; r < ROWS; r++) mlk()->cross_entropy_dx_##S(1, n, x + r * n, labels + r, 1, 0.3, alone + r * n); \
        cr_expect_arr_eq(together, alone, (size_t)(ROWS * n) * sizeof(T), "the slope of the cross entropy of %d", (int)n);  \
    }
CHECK_ROWS(f32, float)
CHECK_ROWS(f64, double)

Test(kernels, a_row_has_the_same_bits_alone_and_among_others)
{
    for (int64_t n = 1; n <= 20; n++) check_rows_f32(n), check_rows_f64(n);
}

/* --- smoothing ---------------------------------------------------------------------------------------------------------- */
static double rough(int i)
{
    return i % 13 == 5 ? NAN : i % 29 == 11 ? INFINITY : i % 31 == 2 ? -INFINITY : sin(i * i * 0.7) + 1e-3 * i;
}

Test(kernels, smoothing_is_the_weighted_mean_of_the_past)
{
    enum { N = 300 };
    static const double pasts[] = { 0, 0.3, 0.9, 0.999 };
    double              y[N], got[N], pieces[N];
    for (int i = 0; i < N; i++) y[i] = rough(i);
    for (int k = 0; k < 4; k++) {
        mlk_average state = { .past = pasts[k] }, again = { .past = pasts[k] };
        mlk_smooth(N, y, got, &state);
        memcpy(pieces, y, sizeof y);
        for (int i = 0; i < N; i += 37) mlk_smooth(N - i < 37 ? N - i : 37, pieces + i, pieces + i, &again); /* in place, and goes on */
        cr_expect_eq(memcmp(got, pieces, sizeof got), 0);
        for (int i = 0; i < N; i++) {
            double sum = 0, weights = 0, weight = 1;
            for (int j = i; j >= 0; j--) {
                if (!isfinite(y[j])) continue;
                sum += weight * y[j], weights += weight;
                weight *= pasts[k];
            }
            if (isfinite(y[i])) cr_expect(fabs(got[i] - sum / weights) < 1e-12, "%g, %d: %g, not %g", pasts[k], i, got[i], sum / weights);
            else cr_expect(isnan(y[i]) ? isnan(got[i]) : got[i] == y[i], "%d stays what it is", i);
        }
    }
    double      big[] = { 1e308, -1e308, 1.7e308, 5e-324 }, to[4];
    mlk_average state = { .past = 0.9 };
    mlk_smooth(4, big, to, &state);
    for (int i = 0; i < 4; i++) cr_expect(isfinite(to[i]), "large values average to %g", to[i]);
}

Test(kernels, a_rolling_range_is_that_of_a_plain_loop)
{
    enum { N = 200 };
    double y[N], low[N], high[N], scratch[N];
    for (int n = 1; n <= N; n += 33)
        for (int width = 1; width <= 2 * N; width = width < 8 ? width + 1 : width * 2) {
            for (int i = 0; i < n; i++) y[i] = rough(i);
            mlk_rolling_range(n, y, width, low, high, scratch);
            for (int i = 0; i < n; i++) {
                double least = INFINITY, most = -INFINITY;
                for (int j = i - width + 1 < 0 ? 0 : i - width + 1; j <= i; j++)
                    if (isfinite(y[j])) least = fmin(least, y[j]), most = fmax(most, y[j]);
                if (isfinite(y[i])) cr_expect(low[i] == least && high[i] == most, "n %d, width %d, %d: %g..%g, not %g..%g", n, width, i, low[i], high[i], least, most);
                else cr_expect(!isfinite(low[i]) && !isfinite(high[i]));
            }
        }
}

/* So many values of independent noise have a mean that is as steady: the sum of the squares of the weights is one over it. */
Test(kernels, the_width_of_an_average_is_as_steady)
{
    for (double past = 0; past < 0.9999; past = past < 0.5 ? past + 0.25 : (1 + past) / 2) {
        double squares = 0, weight = 1 - past;
        for (int i = 0; i < 400000; i++) squares += weight * weight, weight *= past;
        cr_expect(fabs((double)mlk_smooth_width(past) - 1 / squares) <= 0.51, "%g: %ld, %g", past, (long)mlk_smooth_width(past), 1 / squares);
    }
    cr_expect(mlk_smooth_width(0.9) == 19 && mlk_smooth_width(0.99) == 199 && mlk_smooth_width(0.5) == 3 && mlk_smooth_width(0) == 1);
    cr_expect(mlk_smooth_width(nextafter(1, 0)) > 1000000);
}

/* --- sorting ------------------------------------------------------------------------------------------------------------ */
/* Does b come before a, in the order wanted? NaN comes last, and equal values have no order of their own. */
static bool before(double b, double a, bool descending)
{
    if (isnan(a) || isnan(b)) return isnan(a) && !isnan(b);
    return descending ? b > a : b < a;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static double some_value(uint64_t *state, bool wild)
{
    static const double special[] = { NAN, INFINITY, -INFINITY, 0.0, -0.0, 1e-40, -1e-40, 1, -1 };
    if (wild && next_random(state) % 4 == 0) return special[next_random(state) % (sizeof special / sizeof *special)];
    return wild ? (double)next_random(state) - 1e9 : (double)(next_random(state) % 200); /* many equal ones */
}

#define CHECK_SORT(S, T)                                                                                           \
    static void check_sort_##S(int64_t n, bool wild, bool descending)                                              \
    {                                                                                                              \
        enum { ROWS = 3 };                                                                                         \
        size_t   cells = (size_t)(ROWS * n) + 1;                                                                   \
        T       *x = malloc(cells * sizeof *x), *y = malloc(cells * sizeof *y);                                    \
        int64_t *at = malloc(cells * sizeof *at);                                                                  \
        char    *seen = calloc((size_t)n + 1, 1);                                                                  \
        void    *scratch = malloc(mlk_sort_scratch(n) + 1);                                                        \
        uint64_t state = (uint64_t)n * 4 + wild * 2u + descending;                                                 \
        for (int64_t i = 0; i < ROWS * n; i++) x[i] = (T)some_value(&state, wild);                                 \
        mlk_sort_rows_##S(ROWS, n, x, descending, at, y, scratch);                                                 \
        for (int64_t r = 0; r < ROWS; r++) {                                                                       \
            memset(seen, 0, (size_t)n);                                                                            \
            for (int64_t i = 0; i < n; i++) {                                                                      \
                int64_t k = at[r * n + i];                                                                         \
                cr_assert(k >= 0 && k < n && !seen[k]++, #S ": no permutation");                                   \
                cr_assert(memcmp(&y[r * n + i], &x[r * n + k], sizeof *x) == 0, #S ": value and position differ");  \
                if (i == 0) continue;                                                                              \
                double a = (double)y[r * n + i - 1], b = (double)y[r * n + i];                                     \
                cr_assert(!before(b, a, descending), #S ": %g stands before %g in a row of %d", a, b, (int)n);      \
                if (!before(a, b, descending)) cr_assert_lt(at[r * n + i - 1], k, #S ": equal values were exchanged"); \
            }                                                                                                      \
        }                                                                                                          \
        mlk_sort_rows_##S(ROWS, n, x, descending, NULL, NULL, scratch); /* either may be left out */               \
        free(x), free(y), free(at), free(seen), free(scratch);                                                     \
    }
MLK_SORT(CHECK_SORT)

Test(kernels, rows_are_sorted_stably_with_nan_last)
{
    static const int64_t lengths[] = { 0, 1, 2, 3, 47, 48, 49, 50, 255, 1000, 70000 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int descending = 0; descending < 2; descending++) {
            for (int wild = 0; wild < 2; wild++) {
                check_sort_f32(lengths[i], wild, descending);
                check_sort_f64(lengths[i], wild, descending);
            }
            check_sort_i64(lengths[i], false, descending);
            check_sort_u8(lengths[i], false, descending);
        }
    const int64_t far[] = { INT64_MAX, -1, INT64_MIN, 0, 1 };
    int64_t       y[5];
    _Alignas(16) char scratch[5 * 2 * 16];
    mlk_sort_rows_i64(1, 5, far, false, NULL, y, scratch);
    cr_assert(y[0] == INT64_MIN && y[1] == -1 && y[2] == 0 && y[3] == 1 && y[4] == INT64_MAX);
}
