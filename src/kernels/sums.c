/* Sums in a fixed order: 16 lanes within a block of 1024, the lanes then added in pairs, the blocks in f64. The order
 * depends on n alone, whatever the width of the machine's vectors, and the error grows with n / 1024 at f64's scale. */
#include "kernels/level.h"

#define LANES 16
#define BLOCK 1024

#define BLOCK_SUM(name, T, ARGS, TERM)                                             \
    static double name(int64_t n, ARGS)                                            \
    {                                                                              \
        double total = 0;                                                          \
        for (int64_t start = 0; start < n; start += BLOCK) {                       \
            int64_t stop = start + BLOCK < n ? start + BLOCK : n, i = start;       \
            T       lane[LANES] = { 0 };                                           \
            for (; i + LANES <= stop; i += LANES)                                  \
                for (int64_t l = 0; l < LANES; l++) {                              \
                    const int64_t j = i + l;                                       \
                    lane[l] += TERM;                                               \
                }                                                                  \
            for (int64_t l = 0; i + l < stop; l++) {                               \
                const int64_t j = i + l;                                           \
                lane[l] += TERM;                                                   \
            }                                                                      \
            for (int64_t half = LANES / 2; half > 0; half /= 2)                    \
                for (int64_t l = 0; l < half; l++) lane[l] += lane[l + half];      \
            total += (double)lane[0];                                              \
        }                                                                          \
        return total;                                                              \
    }
#define COMMA ,
BLOCK_SUM(sum_f32, float, const float *x, x[j])
BLOCK_SUM(sum_f64, double, const double *x, x[j])
BLOCK_SUM(sum_sq_diff_f32, float, const float *a COMMA const float *b, (a[j] - b[j]) * (a[j] - b[j]))
BLOCK_SUM(sum_sq_diff_f64, double, const double *a COMMA const double *b, (a[j] - b[j]) * (a[j] - b[j]))

#define ADD_ROWS(name, T)                                                          \
    static void name(int64_t rows, int64_t n, const T *restrict x, int64_t step, T *restrict y) \
    {                                                                              \
        for (int64_t r = 0; r < rows; r++)                                         \
            for (int64_t j = 0; j < n; j++) y[j] += x[r * step + j];               \
    }
ADD_ROWS(add_rows_f32, float)
ADD_ROWS(add_rows_f64, double)

void AT_LEVEL(mlk_fill_sums)(ml_kernels *k)
{
    k->sum_f32         = sum_f32;
    k->sum_f64         = sum_f64;
    k->sum_sq_diff_f32 = sum_sq_diff_f32;
    k->sum_sq_diff_f64 = sum_sq_diff_f64;
    k->add_rows_f32    = add_rows_f32;
    k->add_rows_f64    = add_rows_f64;
}
