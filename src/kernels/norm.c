/* Normalisation of rows and channels, f32 and f64. Sums as in sums.c: lanes within blocks, f64 between them. */
#include "kernels/level.h"

#define LANES 16
#define BLOCK 1024

/* The sums of n terms of one or two kinds, EACH adding to a[l] and b[l] what element i gives. */
#define SUMS(T, n, EACH)                                                             \
    double sum_a = 0, sum_b = 0;                                                     \
    for (int64_t first = 0; first < n; first += BLOCK) {                             \
        int64_t last = first + BLOCK < n ? first + BLOCK : n, i = first;             \
        T       a[LANES] = { 0 }, b[LANES] = { 0 };                                  \
        for (; i + LANES <= last; i += LANES)                                        \
            for (int64_t l = 0; l < LANES; l++) { EACH(l, i + l) }                   \
        for (int64_t l = 0; i < last; i++, l++) { EACH(l, i) }                       \
        T block_a = 0, block_b = 0;                                                  \
        for (int l = 0; l < LANES; l++) block_a += a[l], block_b += b[l];            \
        sum_a += (double)block_a;                                                    \
        sum_b += (double)block_b;                                                    \
    }

#define SQUARE(l, i)      a[l] += (x[i] - mean) * (x[i] - mean);
#define SLOPES(l, i)      a[l] += dy[i], b[l] += dy[i] * (x[i] - mean);
#define PASSES(i)         ((x[i] - mean) * scale + shift > 0)
#define SLOPES_EACH(l, i) a[l] += dy[i] * w[i], b[l] += dy[i] * w[i] * (x[i] - mean);

#define NORM(T, S)                                                                                                           \
    static double norm_squares_##S(int64_t n, const void *in, double about)                                                  \
    {                                                                                                                        \
        const T *x = in, mean = (T)about;                                                                                    \
        SUMS(T, n, SQUARE)                                                                                                   \
        (void)sum_b;                                                                                                         \
        return sum_a;                                                                                                        \
    }                                                                                                                        \
    static void norm_slopes_##S(int64_t n, const void *slope, const void *in, const void *weight, double about, double sums[2]) \
    {                                                                                                                        \
        const T *dy = slope, *x = in, *w = weight, mean = (T)about;                                                          \
        if (w) {                                                                                                             \
            SUMS(T, n, SLOPES_EACH)                                                                                          \
            sums[0] = sum_a, sums[1] = sum_b;                                                                                \
        } else {                                                                                                             \
            SUMS(T, n, SLOPES)                                                                                               \
            sums[0] = sum_a, sums[1] = sum_b;                                                                                \
        }                                                                                                                    \
    }                                                                                                                        \
    static void norm_scale_##S(int64_t n, const void *in, double about, double by, double plus, void *out)                   \
    {                                                                                                                        \
        const T *x = in, mean = (T)about, scale = (T)by, shift = (T)plus;                                                    \
        T       *y = out;                                                                                                    \
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale + shift;                                                \
    }                                                                                                                        \
    static void norm_scale_relu_##S(int64_t n, const void *in, double about, double by, double plus, void *out)              \
    {                                                                                                                        \
        const T *x = in, mean = (T)about, scale = (T)by, shift = (T)plus;                                                    \
        T       *y = out;                                                                                                    \
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale + shift < 0 ? 0 : (x[i] - mean) * scale + shift;        \
    }                                                                                                                        \
    static void norm_slopes_relu_##S(int64_t n, const void *slope, const void *in, double about, double by, double plus, double sums[2]) \
    {                                                                                                                        \
        const T *dy = slope, *x = in, mean = (T)about, scale = (T)by, shift = (T)plus;                                       \
        sums[0] = sums[1] = 0;                                                                                               \
        for (int64_t first = 0; first < n; first += BLOCK, dy += BLOCK, x += BLOCK) { /* the choice apart: lanes do not choose */ \
            int64_t count = n - first < BLOCK ? n - first : BLOCK;                                                           \
            T       passed[BLOCK];                                                                                           \
            double  part[2];                                                                                                 \
            for (int64_t i = 0; i < count; i++) passed[i] = PASSES(i) ? dy[i] : 0;                                           \
            norm_slopes_##S(count, passed, x, NULL, about, part);                                                            \
            sums[0] += part[0], sums[1] += part[1];                                                                          \
        }                                                                                                                    \
    }                                                                                                                        \
    static void norm_dx_relu_##S(int64_t n, const void *slope, const void *in, double about, double by, double plus, double minus, double turn, \
                                 void *out)                                                                                  \
    {                                                                                                                        \
        const T *dy = slope, *x = in, mean = (T)about, scale = (T)by, shift = (T)plus, level = (T)minus, tilt = (T)turn;     \
        T       *dx = out;                                                                                                   \
        for (int64_t i = 0; i < n; i++) dx[i] = scale * (PASSES(i) ? dy[i] : 0) - level - (x[i] - mean) * tilt;              \
    }                                                                                                                        \
    static void norm_scale_each_##S(int64_t n, const void *in, double about, double by, const void *weight, const void *bias, void *out) \
    {                                                                                                                        \
        const T *x = in, *w = weight, *b = bias, mean = (T)about, scale = (T)by;                                             \
        T       *y = out;                                                                                                    \
        if (b) for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * w[i] + b[i];                                   \
        else for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * w[i];                                            \
    }                                                                                                                        \
    static void norm_dx_##S(int64_t n, const void *slope, const void *in, const void *weight, double about, double by, double minus, \
                            double turn, void *out)                                                                          \
    {                                                                                                                        \
        const T *dy = slope, *x = in, *w = weight, mean = (T)about, scale = (T)by, level = (T)minus, tilt = (T)turn;         \
        T       *dx = out;                                                                                                   \
        if (w) for (int64_t i = 0; i < n; i++) dx[i] = scale * dy[i] * w[i] - level - (x[i] - mean) * tilt;                  \
        else for (int64_t i = 0; i < n; i++) dx[i] = scale * dy[i] - level - (x[i] - mean) * tilt;                           \
    }                                                                                                                        \
    static void norm_dw_##S(int64_t n, const void *slope, const void *in, double about, double by, double *dw, double *db)   \
    {                                                                                                                        \
        const T *dy = slope, *x = in, mean = (T)about, scale = (T)by;                                                        \
        for (int64_t i = 0; i < n; i++) {                                                                                    \
            dw[i] += (double)(dy[i] * (x[i] - mean) * scale);                                                                \
            db[i] += (double)dy[i];                                                                                          \
        }                                                                                                                    \
    }
NORM(float, f32)
NORM(double, f64)

#define SET(S)                                   \
    k->norm_squares_##S    = norm_squares_##S;   \
    k->norm_slopes_##S     = norm_slopes_##S;    \
    k->norm_scale_##S      = norm_scale_##S;     \
    k->norm_scale_each_##S = norm_scale_each_##S; \
    k->norm_scale_relu_##S  = norm_scale_relu_##S;  \
    k->norm_slopes_relu_##S = norm_slopes_relu_##S; \
    k->norm_dx_relu_##S     = norm_dx_relu_##S;     \
    k->norm_dx_##S         = norm_dx_##S;        \
    k->norm_dw_##S         = norm_dw_##S;
void AT_LEVEL(mlk_fill_norm)(ml_kernels *k)
{
    SET(f32)
    SET(f64)
}
