/* Sums in a fixed order, which depends on n alone, whatever the width of the machine's vectors. f32 values are added in groups of 8
 * with three roundings each, and these sums in f64, so that a long sum of f32 is as good as its last rounding. */
#include "kernels/level.h"

#define LANES 16
#define GROUP 8

/* 16 lanes; a lane takes 8 terms at a time, those 16 apart; at the end the lanes are added in pairs. TERM(j) is the term at j. */
#define LANE_SUM(name, ARGS, TERM)                                                 \
    static double name(int64_t n, ARGS)                                            \
    {                                                                              \
        double  lane[LANES] = { 0 };                                               \
        int64_t i = 0;                                                             \
        for (; i + GROUP * LANES <= n; i += GROUP * LANES)                         \
            for (int64_t l = 0; l < LANES; l++) {                                  \
                const int64_t j = i + l;                                           \
                lane[l] += (double)(((TERM(j) + TERM(j + 16)) + (TERM(j + 32) + TERM(j + 48))) +              \
                                    ((TERM(j + 64) + TERM(j + 80)) + (TERM(j + 96) + TERM(j + 112))));        \
            }                                                                      \
        for (; i < n; i++) lane[i % LANES] += (double)(TERM(i));                   \
        for (int64_t half = LANES / 2; half > 0; half /= 2)                        \
            for (int64_t l = 0; l < half; l++) lane[l] += lane[l + half];          \
        return lane[0];                                                            \
    }
#define COMMA ,
#define VALUE(j)  x[j]
#define SQUARE(j) ((a[j] - b[j]) * (a[j] - b[j]))
LANE_SUM(sum_f32, const float *x, VALUE)
LANE_SUM(sum_f64, const double *x, VALUE)
LANE_SUM(sum_sq_diff_f32, const float *a COMMA const float *b, SQUARE)
LANE_SUM(sum_sq_diff_f64, const double *a COMMA const double *b, SQUARE)

/* Columns: groups of 8 rows. */
#define SUM_ROWS(name, T)                                                          \
    static void name(int64_t rows, int64_t n, const T *restrict x, int64_t step, double *restrict total) \
    {                                                                              \
        for (; rows >= GROUP; rows -= GROUP, x += GROUP * step) {                  \
            const T *a = x, *b = a + step, *c = b + step, *d = c + step, *e = d + step, *f = e + step, *g = f + step, *h = g + step; \
            for (int64_t j = 0; j < n; j++)                                        \
                total[j] += (double)(((a[j] + b[j]) + (c[j] + d[j])) + ((e[j] + f[j]) + (g[j] + h[j])));      \
        }                                                                          \
        for (; rows > 0; rows--, x += step)                                        \
            for (int64_t j = 0; j < n; j++) total[j] += (double)x[j];              \
    }
SUM_ROWS(sum_rows_f32, float)
SUM_ROWS(sum_rows_f64, double)

void AT_LEVEL(mlk_fill_sums)(ml_kernels *k)
{
    k->sum_f32         = sum_f32;
    k->sum_f64         = sum_f64;
    k->sum_sq_diff_f32 = sum_sq_diff_f32;
    k->sum_sq_diff_f64 = sum_sq_diff_f64;
    k->sum_rows_f32    = sum_rows_f32;
    k->sum_rows_f64    = sum_rows_f64;
}
