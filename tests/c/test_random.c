/* Random numbers: Philox 4x32-10 against its published vectors, the distributions made from it, and their promise
 * to be a function of (seed, stream, position) alone. */
#include "support.h"
#include "moonlab/tensor.h"

#include <math.h>
#include <stdlib.h>

enum { N = 200000 };

static double *values_of(const ml_tensor *t)
{
    cr_assert_not_null(t, "%s", ml_error_message());
    double *v = malloc((size_t)ml_tensor_numel(t) * sizeof *v);
    cr_assert(ml_tensor_copy_out(t, ML_F64, v));
    return v;
}

/* The vectors that Random123 ships for philox4x32 with 10 rounds: counter words, key words, result. */
Test(philox, gives_the_published_numbers)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, { 0xffffffff, 0xffffffff },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const uint32_t *c = known[i].counter, *k = known[i].key;
        ml_key   key = ml_key_of(k[0] | (uint64_t)k[1] << 32, c[2] | (uint64_t)c[3] << 32);
        uint32_t out[4];
        ml_philox(key, c[0] | (uint64_t)c[1] << 32, out);
        for (int w = 0; w < 4; w++)
            cr_expect_eq(out[w], known[i].out[w], "vector %zu, word %d: %08x", i, w, out[w]);
    }
}

static void expect_same_start(ml_tensor *longer, ml_tensor *shorter, const char *what)
{
    double *a = values_of(longer), *b = values_of(shorter);
    for (int64_t i = 0; i < ml_tensor_numel(shorter); i++)
        cr_assert_eq(a[i], b[i], "%s: element %d", what, (int)i);
    free(a);
    free(b);
}

static double mean_difference(ml_tensor *x, ml_tensor *y)
{
    double *a = values_of(x), *b = values_of(y), sum = 0;
    int64_t n = ml_tensor_numel(x);
    for (int64_t i = 0; i < n; i++) sum += fabs(a[i] - b[i]);
    free(a);
    free(b);
    return sum / (double)n;
}

Test(random, is_a_function_of_seed_stream_and_position)
{
    ml_key key = ml_key_of(5, 9);
    expect_same_start(ml_rand(ML_SHAPE(101), ML_F64, key), ml_rand(ML_SHAPE(5, 7), ML_F64, key), "rand");
    expect_same_start(ml_randn(ML_SHAPE(101), ML_F32, key), ml_randn(ML_SHAPE(7, 5), ML_F32, key), "randn");
    expect_same_start(ml_randint(0, 1000, ML_SHAPE(50), key), ml_randint(0, 1000, ML_SHAPE(49), key),
                      "randint");
    expect_same_start(ml_randperm(50, key), ml_randperm(50, key), "randperm");
    ml_tensor *x = ml_rand(ML_SHAPE(1000), ML_F64, key);
    cr_expect(mean_difference(x, ml_rand(ML_SHAPE(1000), ML_F64, ml_key_of(6, 9))) > 0.25, "another seed");
    cr_expect(mean_difference(x, ml_rand(ML_SHAPE(1000), ML_F64, ml_key_of(5, 10))) > 0.25, "another stream");
    cr_expect(mean_difference(x, ml_rand(ML_SHAPE(1000), ML_F64, ml_key_of(5ull << 32, 9))) > 0.25,
              "the seed's high half");
    cr_expect(mean_difference(x, ml_rand(ML_SHAPE(1000), ML_F64, ml_key_of(5, 9ull << 32))) > 0.25,
              "the stream's high half");
}

Test(random, f32_and_f64_draw_the_same_numbers)
{
    ml_key  key = ml_key_of(3, 1);
    double *a   = values_of(ml_rand(ML_SHAPE(1000), ML_F32, key)),
           *b   = values_of(ml_rand(ML_SHAPE(1000), ML_F64, key));
    for (int i = 0; i < 1000; i++) cr_assert_float_eq(a[i], b[i], 0x1p-24);
    free(a);
    free(b);
}

Test(random, the_default_stream_moves_on_and_starts_again_with_the_seed)
{
    ml_seed(11);
    ml_key a = ml_key_next(), b = ml_key_next();
    cr_expect(a.seed == 11 && b.seed == 11 && a.stream != b.stream);
    ml_seed(11);
    ml_key c = ml_key_next();
    cr_expect(c.seed == a.seed && c.stream == a.stream);
}

/* chi squared of the counts in equal cells: for k cells its mean is k - 1 and its deviation sqrt(2 (k - 1)) */
static double chi_squared(const int *counts, int k, double n)
{
    double sum = 0, wanted = n / k;
    for (int i = 0; i < k; i++) sum += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
    return sum;
}

static void expect_flat(const int *counts, int k, const char *what)
{
    double x = chi_squared(counts, k, N), z = (x - (k - 1)) / sqrt(2.0 * (k - 1));
    cr_expect(fabs(z) < 4.5, "%s: chi squared is %.1f for %d cells, %.1f deviations off", what, x, k, z);
}

Test(random, rand_is_uniform)
{
    for (int d = 0; d < 2; d++) {
        double *v = values_of(ml_rand(ML_SHAPE(N), d ? ML_F64 : ML_F32, ml_key_of(1, 2)));
        int     cells[100] = { 0 }, pairs[100] = { 0 };
        double  sum = 0;
        for (int i = 0; i < N; i++) {
            cr_assert(v[i] >= 0 && v[i] < 1, "%g", v[i]);
            cells[(int)(v[i] * 100)]++;
            pairs[(int)(v[i] * 10) * 10 + (int)(v[(i + 1) % N] * 10)]++; /* neighbours are independent */
            sum += v[i];
        }
        cr_expect_float_eq(sum / N, 0.5, 4.5 * sqrt(1.0 / 12 / N));
        expect_flat(cells, 100, "cells");
        expect_flat(pairs, 100, "pairs");
        free(v);
    }
}

Test(random, randn_is_normal)
{
    for (int d = 0; d < 2; d++) {
        double *v = values_of(ml_randn(ML_SHAPE(N), d ? ML_F64 : ML_F32, ml_key_of(2, 2)));
        double  m[5] = { 0 }, product = 0;
        int     cells[50] = { 0 };
        for (int i = 0; i < N; i++) {
            cr_assert(isfinite(v[i]) && fabs(v[i]) < 9, "%g", v[i]);
            for (int p = 1; p <= 4; p++) m[p] += pow(v[i], p) / N;
            product += v[i] * v[(i + 1) % N] / N;
            int cell = (int)(50 * 0.5 * erfc(-v[i] / sqrt(2))); /* its distribution function: uniform again */
            cells[cell < 50 ? cell : 49]++;
        }
        double s = 4.5 / sqrt(N); /* the deviation of the mean of x^p is sqrt(E x^2p - (E x^p)^2) / sqrt(N) */
        cr_expect_float_eq(m[1], 0, s * sqrt(1), "mean %g", m[1]);
        cr_expect_float_eq(m[2], 1, s * sqrt(2), "variance %g", m[2]);
        cr_expect_float_eq(m[3], 0, s * sqrt(15), "third moment %g", m[3]);
        cr_expect_float_eq(m[4], 3, s * sqrt(96), "fourth moment %g", m[4]);
        cr_expect_float_eq(product, 0, s, "neighbours %g", product);
        expect_flat(cells, 50, "cells");
        free(v);
    }
    cr_expect_eq(ml_tensor_numel(ml_randn(ML_SHAPE(0), ML_F32, ml_key_of(1, 1))), 0);
    cr_expect(isfinite(ml_item(ml_randn(ML_SCALAR, ML_F32, ml_key_of(1, 1)))));
}

Test(random, randint_is_flat_over_its_range)
{
    double *v = values_of(ml_randint(-3, 7, ML_SHAPE(N), ml_key_of(1, 1)));
    int     cells[10] = { 0 };
    for (int i = 0; i < N; i++) {
        cr_assert(v[i] >= -3 && v[i] <= 6, "%g", v[i]);
        cells[(int)v[i] + 3]++;
    }
    expect_flat(cells, 10, "cells");
    free(v);
    cr_expect_eq(ml_item(ml_randint(5, 6, ML_SCALAR, ml_key_of(1, 1))), 5);
    expect_fails(ml_randint(5, 5, ML_SHAPE(3), ml_key_of(1, 1)),
                 "randint: low must be below high, got 5 and 5");
    expect_fails(ml_randint(5, INT64_MIN, ML_SHAPE(3), ml_key_of(1, 1)), "randint: ");
}

Test(random, randint_takes_the_widest_range)
{
    ml_tensor     *t = ml_randint(INT64_MIN, INT64_MAX, ML_SHAPE(1000), ml_key_of(1, 1));
    const int64_t *v = ml_tensor_data(t);
    int negative = 0;
    for (int i = 0; i < 1000; i++) negative += v[i] < 0;
    cr_expect(negative > 430 && negative < 570, "%d of 1000 are negative", negative);
}

Test(random, randperm_is_a_permutation_and_a_fair_one)
{
    for (int n = 0; n <= 300; n = n < 5 ? n + 1 : n * 3) {
        double *v = values_of(ml_randperm(n, ml_key_of(4, 4)));
        char    seen[400] = { 0 };
        for (int i = 0; i < n; i++) {
            cr_assert(v[i] >= 0 && v[i] < n && !seen[(int)v[i]], "n = %d: %g at %d", n, v[i], i);
            seen[(int)v[i]] = 1;
        }
        free(v);
    }
    int cells[25] = { 0 }; /* which value stands at which place */
    for (int i = 0; i < N / 5; i++) {
        double *v = values_of(ml_randperm(5, ml_key_of(7, (uint64_t)i)));
        for (int k = 0; k < 5; k++) cells[k * 5 + (int)v[k]]++;
        free(v);
    }
    expect_flat(cells, 25, "places");
    expect_fails(ml_randperm(-1, ml_key_of(1, 1)), "randperm: n must not be negative, got -1");
}

Test(random, uniform_stays_below_high)
{
    for (int d = ML_F32; d <= ML_F64; d++) { /* where rounding alone would reach it: one step of the dtype between the ends */
        double     low = 1, high = d == ML_F32 ? 1 + 0x1p-23 : 1 + 0x1p-52;
        ml_tensor *t = ml_uniform(ML_SHAPE(1000), (ml_dtype)d, low, high, ml_key_of(1, 1));
        double    *v = values_of(t);
        for (int i = 0; i < 1000; i++) cr_expect(v[i] == low, "%.17g", v[i]);
        free(v);
    }
    double *v = values_of(ml_uniform(ML_SHAPE(3), ML_F32, 2, 2, ml_key_of(1, 1)));
    cr_expect(v[0] == 2 && v[1] == 2 && v[2] == 2);
    free(v);
    expect_fails(ml_uniform(ML_SHAPE(3), ML_F32, NAN, 1, ml_key_of(1, 1)), "rand: low must not be above high");
    expect_fails(ml_uniform(ML_SHAPE(3), ML_F32, 0, INFINITY, ml_key_of(1, 1)), "rand: ");
    expect_fails(ml_normal(ML_SHAPE(3), ML_F32, 0, NAN, ml_key_of(1, 1)), "randn: mean must be finite and std at least 0");
    expect_fails(ml_bernoulli(ml_full(ML_SHAPE(2), ML_F64, NAN), ML_F32, ml_key_of(1, 1)), "bernoulli: a probability must be 0..1, got nan");
}

Test(random, dtypes_without_fractions_are_refused)
{
    expect_fails(ml_rand(ML_SHAPE(3), ML_I64, ml_key_of(1, 1)), "rand: dtype must be f32 or f64, got i64");
    expect_fails(ml_randn(ML_SHAPE(3), ML_BOOL, ml_key_of(1, 1)),
                 "randn: dtype must be f32 or f64, got bool");
}
