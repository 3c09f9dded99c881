/* Kernels on rows of n: softmax and its relatives, written once for f32 and f64.
 *
 * A row of many is worked on in vectors of its own values. Rows of few, the classes of a small problem, are worked on LANES rows at a
 * time, a value of each in a vector: the same sums in the same order, so a row has the same bits in either way. */
#include "kernels/level.h"
#include "kernels/vmath.h"

#include <math.h>

#define EXP_float(x)  vexp(x)
#define EXP_double(x) exp(x)
#define LOG_float(x)  vlog(x)
#define LOG_double(x) log(x)
#define LANES 16

/* The body that follows does k slim rows: x, e, sums and tops are theirs; then rows, x and what else are moved on. Too few rows are
 * left to the loop of single ones. */
#define SLIM_ROWS(T, S, MOVE)                                                                               \
    T e[LANES][LANES], sums[LANES], tops[LANES];                                                            \
    for (int64_t k; n > 0 && n <= LANES && rows >= LANES / 4 &&                                             \
                    (k = rows < LANES ? rows : LANES, slim_exp_##S(k, n, x, e, sums, tops), true);          \
         rows -= k, x += k * n, MOVE)

/* e^(x - max) of a row is summed in 16 lanes, added in pairs: a fixed order. */
#define DEFINE_ROWS(T, S)                                                                                   \
    static T row_max_##S(int64_t n, const T *x)                                                             \
    {                                                                                                       \
        T lane[LANES];                                                                                      \
        for (int64_t l = 0; l < LANES; l++) lane[l] = -(T)INFINITY;                                         \
        int64_t i = 0;                                                                                      \
        for (; i + LANES <= n; i += LANES)                                                                  \
            for (int64_t l = 0; l < LANES; l++) lane[l] = x[i + l] > lane[l] || x[i + l] != x[i + l] ? x[i + l] : lane[l]; \
        for (int64_t l = 0; i + l < n; l++) lane[l] = x[i + l] > lane[l] || x[i + l] != x[i + l] ? x[i + l] : lane[l]; \
        T m = lane[0];                                                                                      \
        for (int64_t l = 1; l < LANES; l++) m = lane[l] > m || lane[l] != lane[l] ? lane[l] : m;            \
        return m;                                                                                           \
    }                                                                                                       \
    /* Returns sum e^(x - max); y gets the terms unless NULL. A row of -inf has max -inf: shift 0 then. */  \
    static T row_exp_##S(int64_t n, const T *x, T *y, T *max)                                               \
    {                                                                                                       \
        T m = row_max_##S(n, x), lane[LANES] = { 0 };                                                       \
        T shift = m == -(T)INFINITY ? 0 : m;                                                                \
        *max = shift;                                                                                       \
        int64_t i = 0;                                                                                      \
        for (; i + LANES <= n; i += LANES) {                                                                \
            T e[LANES];                                                                                     \
            for (int64_t l = 0; l < LANES; l++) e[l] = EXP_##T(x[i + l] - shift);                           \
            for (int64_t l = 0; l < LANES; l++) lane[l] += e[l];                                            \
            if (y)                                                                                          \
                for (int64_t l = 0; l < LANES; l++) y[i + l] = e[l];                                        \
        }                                                                                                   \
        if (i < n) { /* the rest as a whole vector too, padded with e^-inf = 0 */                           \
            T e[LANES];                                                                                     \
            for (int64_t l = 0; l < LANES; l++) e[l] = i + l < n ? x[i + l] - shift : -(T)INFINITY;         \
            for (int64_t l = 0; l < LANES; l++) e[l] = EXP_##T(e[l]);                                       \
            for (int64_t l = 0; l < LANES; l++) lane[l] += e[l];                                            \
            if (y)                                                                                          \
                for (int64_t l = 0; i + l < n; l++) y[i + l] = e[l];                                        \
        }                                                                                                   \
        for (int64_t half = LANES / 2; half > 0; half /= 2)                                                 \
            for (int64_t l = 0; l < half; l++) lane[l] += lane[l + half];                                   \
        return lane[0];                                                                                     \
    }                                                                                                       \
    /* e[j][r] = e^(x - max) of value j in row r, of rows 0..rows-1; the sum and the largest of each. The order is that of row_exp. */ \
    static void slim_exp_##S(int64_t rows, int64_t n, const T *x, T e[LANES][LANES], T sums[LANES], T tops[LANES]) \
    {                                                                                                       \
        T part[LANES][LANES];                                                                               \
        for (int64_t j = 0; j < n; j++)                                                                     \
            for (int64_t r = 0; r < LANES; r++) e[j][r] = r < rows ? x[r * n + j] : 0;                      \
        for (int64_t r = 0; r < LANES; r++) tops[r] = -(T)INFINITY;                                         \
        for (int64_t j = 0; j < n; j++)                                                                     \
            for (int64_t r = 0; r < LANES; r++) tops[r] = e[j][r] > tops[r] || e[j][r] != e[j][r] ? e[j][r] : tops[r]; \
        for (int64_t r = 0; r < LANES; r++) tops[r] = tops[r] == -(T)INFINITY ? 0 : tops[r];                \
        for (int64_t j = 0; j < n; j++)                                                                     \
            for (int64_t r = 0; r < LANES; r++) part[j][r] = e[j][r] = EXP_##T(e[j][r] - tops[r]);          \
        for (int64_t half = LANES / 2, left = n; half > 0; left = left < half ? left : half, half /= 2)     \
            for (int64_t j = 0; j + half < left; j++)                                                       \
                for (int64_t r = 0; r < LANES; r++) part[j][r] += part[j + half][r];                        \
        for (int64_t r = 0; r < LANES; r++) sums[r] = part[0][r];                                           \
    }                                                                                                       \
    static void softmax_##S(int64_t rows, int64_t n, const T *x, T *y)                                      \
    {                                                                                                       \
        SLIM_ROWS(T, S, y += k * n) {                                                                       \
            for (int64_t r = 0; r < LANES; r++) sums[r] = 1 / sums[r];                                      \
            for (int64_t r = 0; r < k; r++)                                                                 \
                for (int64_t j = 0; j < n; j++) y[r * n + j] = e[j][r] * sums[r];                           \
        }                                                                                                   \
        for (int64_t r = 0; r < rows; r++, x += n, y += n) {                                                \
            T max, scale = 1 / row_exp_##S(n, x, y, &max);                                                  \
            for (int64_t i = 0; i < n; i++) y[i] *= scale;                                                  \
        }                                                                                                   \
    }                                                                                                       \
    static void log_softmax_##S(int64_t rows, int64_t n, const T *x, T *y)                                  \
    {                                                                                                       \
        SLIM_ROWS(T, S, y += k * n) {                                                                       \
            for (int64_t r = 0; r < LANES; r++) sums[r] = LOG_##T(sums[r]);                                 \
            for (int64_t r = 0; r < k; r++)                                                                 \
                for (int64_t j = 0; j < n; j++) y[r * n + j] = (x[r * n + j] - tops[r]) - sums[r];          \
        }                                                                                                   \
        for (int64_t r = 0; r < rows; r++, x += n, y += n) {                                                \
            T max, log_sum = LOG_##T(row_exp_##S(n, x, NULL, &max));                                        \
            for (int64_t i = 0; i < n; i++) y[i] = (x[i] - max) - log_sum; /* exact for confident rows */   \
        }                                                                                                   \
    }                                                                                                       \
    static void logsumexp_##S(int64_t rows, int64_t n, const T *x, T *y)                                    \
    {                                                                                                       \
        SLIM_ROWS(T, S, y += k) {                                                                           \
            for (int64_t r = 0; r < LANES; r++) sums[r] = tops[r] == (T)INFINITY ? tops[r] : tops[r] + LOG_##T(sums[r]); \
            for (int64_t r = 0; r < k; r++) y[r] = sums[r];                                                 \
        }                                                                                                   \
        for (int64_t r = 0; r < rows; r++, x += n) {                                                        \
            T max, sum = row_exp_##S(n, x, NULL, &max);                                                     \
            y[r] = max == (T)INFINITY ? max : max + LOG_##T(sum); /* inf - inf inside is no reason for NaN */ \
        }                                                                                                   \
    }                                                                                                       \
    static double cross_entropy_##S(int64_t rows, int64_t n, const T *x, const int64_t *labels, int64_t base) \
    {                                                                                                       \
        double total = 0;                                                                                   \
        SLIM_ROWS(T, S, labels += k) {                                                                      \
            for (int64_t r = 0; r < LANES; r++) sums[r] = LOG_##T(sums[r]);                                 \
            for (int64_t r = 0; r < k; r++) total += (double)(sums[r] - (x[r * n + labels[r] - base] - tops[r])); \
        }                                                                                                   \
        for (int64_t r = 0; r < rows; r++, x += n) {                                                        \
            T max, sum = row_exp_##S(n, x, NULL, &max);                                                     \
            total += (double)(LOG_##T(sum) - (x[labels[r] - base] - max));                                  \
        }                                                                                                   \
        return total;                                                                                       \
    }                                                                                                       \
    static void cross_entropy_dx_##S(int64_t rows, int64_t n, const T *x, const int64_t *labels, int64_t base, double scale, T *dx) \
    {                                                                                                       \
        SLIM_ROWS(T, S, (labels += k, dx += k * n)) {                                                       \
            for (int64_t r = 0; r < LANES; r++) sums[r] = (T)scale / sums[r];                               \
            for (int64_t r = 0; r < k; r++) {                                                               \
                for (int64_t j = 0; j < n; j++) dx[r * n + j] = e[j][r] * sums[r];                          \
                dx[r * n + labels[r] - base] -= (T)scale;                                                   \
            }                                                                                               \
        }                                                                                                   \
        for (int64_t r = 0; r < rows; r++, x += n, dx += n) {                                               \
            T max, factor = (T)scale / row_exp_##S(n, x, dx, &max);                                         \
            for (int64_t i = 0; i < n; i++) dx[i] *= factor;                                                \
            dx[labels[r] - base] -= (T)scale;                                                               \
        }                                                                                                   \
    }
DEFINE_ROWS(float, f32)
DEFINE_ROWS(double, f64)

void AT_LEVEL(mlk_fill_rows)(ml_kernels *k)
{
#define SET(f) k->f##_f32 = f##_f32, k->f##_f64 = f##_f64;
    SET(softmax)
    SET(log_softmax)
    SET(logsumexp)
    SET(cross_entropy)
    SET(cross_entropy_dx)
}
