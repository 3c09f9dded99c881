/* One step of recurrent cells and of their derivatives, f32 and f64. A plane holds one value of a unit for each of so many samples
 * that lie side by side (lanes): all is pointwise here, and the products between the steps are taps (conv.c). */
#include "kernels/level.h"
#include "kernels/vmath.h"

#include <math.h>

static inline double sigmoid64(double x)
{
    double z = exp(-fabs(x));
    return (x < 0 ? z : 1) / (1 + z);
}

#ifdef __clang__
#define EACH for (int64_t i = 0; i < n; i++)
#else
#define EACH _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) /* planes do not overlap */
#endif

#define DEFINE(T, S, TANH, SIGMOID)                                                                                              \
    static void rnn_step_##S(const mlk_cell *c)                                                                                  \
    {                                                                                                                            \
        const int64_t n = c->n;                                                                                                  \
        const T      *x = c->x, *a = c->a;                                                                                       \
        T            *y = c->y;                                                                                                  \
        switch (c->act) {                                                                                                        \
        case MLK_ACT_TANH: EACH y[i] = TANH(x[i] + a[i]); break;                                                                 \
        case MLK_ACT_RELU: EACH y[i] = x[i] + a[i] < 0 ? 0 : x[i] + a[i]; break;                                                 \
        case MLK_ACT_SIGMOID: EACH y[i] = SIGMOID(x[i] + a[i]); break;                                                           \
        case MLK_ACT_NONE: EACH y[i] = x[i] + a[i]; break;                                                                       \
        }                                                                                                                        \
    }                                                                                                                            \
    static void rnn_back_##S(const mlk_cell *c)                                                                                  \
    {                                                                                                                            \
        const int64_t n = c->n;                                                                                                  \
        const T      *y = c->y, *dy = c->dy;                                                                                     \
        T            *dx = c->dx, *ds = c->ds;                                                                                   \
        switch (c->act) {                                                                                                        \
        case MLK_ACT_TANH: EACH dx[i] = dy[i] * ((1 - y[i]) * (1 + y[i])); break;                                                \
        case MLK_ACT_RELU: EACH dx[i] = y[i] > 0 ? dy[i] : 0; break;                                                             \
        case MLK_ACT_SIGMOID: EACH dx[i] = dy[i] * (y[i] * (1 - y[i])); break;                                                   \
        case MLK_ACT_NONE: EACH dx[i] = dy[i]; break;                                                                            \
        }                                                                                                                        \
        EACH ds[i] = 0;                                                                                                          \
    }                                                                                                                            \
    /* r, z, m: reset gate, update gate, new memory, in which r stands before the product with the state: y = m + z (s - m) */   \
    static void gru_step_##S(const mlk_cell *c)                                                                                  \
    {                                                                                                                            \
        const int64_t n = c->n;                                                                                                  \
        const T      *x = c->x, *a = c->a, *s = c->s;                                                                            \
        T            *y = c->y;                                                                                                  \
        EACH {                                                                                                                   \
            T r = SIGMOID(x[i] + a[i]), z = SIGMOID(x[n + i] + a[n + i]), m = TANH(x[2 * n + i] + r * a[2 * n + i]);             \
            y[i] = m + z * (s[i] - m);                                                                                           \
        }                                                                                                                        \
    }                                                                                                                            \
    static void gru_back_##S(const mlk_cell *c)                                                                                  \
    {                                                                                                                            \
        const int64_t n = c->n;                                                                                                  \
        const T      *x = c->x, *a = c->a, *s = c->s, *dy = c->dy;                                                               \
        T            *dx = c->dx, *da = c->da, *ds = c->ds;                                                                      \
        EACH {                                                                                                                   \
            T r = SIGMOID(x[i] + a[i]), z = SIGMOID(x[n + i] + a[n + i]), m = TANH(x[2 * n + i] + r * a[2 * n + i]);             \
            T dm = dy[i] * (1 - z) * ((1 - m) * (1 + m)), dr = dm * a[2 * n + i] * (r * (1 - r)), dz = dy[i] * (s[i] - m) * (z * (1 - z)); \
            dx[i] = da[i] = dr;                                                                                                  \
            dx[n + i] = da[n + i] = dz;                                                                                          \
            dx[2 * n + i] = dm;                                                                                                  \
            da[2 * n + i] = dm * r;                                                                                              \
            ds[i]         = dy[i] * z;                                                                                           \
        }                                                                                                                        \
    }                                                                                                                            \
    /* in, forget, new, out; s and y: h, then c */                                                                               \
    static void lstm_step_##S(const mlk_cell *c)                                                                                 \
    {                                                                                                                            \
        const int64_t n = c->n;                                                                                                  \
        const T      *x = c->x, *a = c->a, *s = c->s;                                                                            \
        T            *y = c->y;                                                                                                  \
        EACH {                                                                                                                   \
            T in = SIGMOID(x[i] + a[i]), forget = SIGMOID(x[n + i] + a[n + i]), m = TANH(x[2 * n + i] + a[2 * n + i]);           \
            T out = SIGMOID(x[3 * n + i] + a[3 * n + i]), memory = forget * s[n + i] + in * m;                                   \
            y[n + i] = memory;                                                                                                   \
            y[i]     = out * TANH(memory);                                                                                       \
        }                                                                                                                        \
    }                                                                                                                            \
    static void lstm_back_##S(const mlk_cell *c)                                                                                 \
    {                                                                                                                            \
        const int64_t n = c->n;                                                                                                  \
        const T      *x = c->x, *a = c->a, *s = c->s, *y = c->y, *dy = c->dy;                                                    \
        T            *dx = c->dx, *ds = c->ds;                                                                                   \
        EACH {                                                                                                                   \
            T in = SIGMOID(x[i] + a[i]), forget = SIGMOID(x[n + i] + a[n + i]), m = TANH(x[2 * n + i] + a[2 * n + i]);           \
            T out = SIGMOID(x[3 * n + i] + a[3 * n + i]), seen = TANH(y[n + i]);                                                 \
            T dc = dy[n + i] + dy[i] * out * ((1 - seen) * (1 + seen));                                                          \
            dx[i]         = dc * m * (in * (1 - in));                                                                            \
            dx[n + i]     = dc * s[n + i] * (forget * (1 - forget));                                                             \
            dx[2 * n + i] = dc * in * ((1 - m) * (1 + m));                                                                       \
            dx[3 * n + i] = dy[i] * seen * (out * (1 - out));                                                                    \
            ds[i]         = 0;                                                                                                   \
            ds[n + i]     = dc * forget;                                                                                         \
        }                                                                                                                        \
    }

DEFINE(float, f32, vtanh, vsigmoid)
DEFINE(double, f64, tanh, sigmoid64)

/* --- samples side by side, and back -------------------------------------------------------------------------------------------- */
/* Element (i, j) of 4 x 4 from x becomes (j, i) of y. */
#if defined(__clang__) || __GNUC__ >= 12
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

static inline void turn_f32(const float *x, int64_t x_step, float *y, int64_t y_step)
{
    const quad a = *(const quad *)x, b = *(const quad *)(x + x_step), c = *(const quad *)(x + 2 * x_step), d = *(const quad *)(x + 3 * x_step);
    const quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const quad ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(quad *)y                = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(quad *)(y + y_step)     = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(quad *)(y + 2 * y_step) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    *(quad *)(y + 3 * y_step) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}
#else
static inline void turn_f32(const float *x, int64_t x_step, float *y, int64_t y_step)
{
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 4; j++) y[j * y_step + i] = x[i * x_step + j];
}
#endif

static inline void turn_f64(const double *x, int64_t x_step, double *y, int64_t y_step)
{
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 4; j++) y[j * y_step + i] = x[i * x_step + j];
}

/* Rows of width values, row_step apart, into planes of LANES and back; the lanes of rows that are missing are 0. */
#define LANES MLK_PANEL
#define LANES_OF(T, S)                                                                                                           \
    static void turn_all_##S(int64_t rows, int64_t columns, const T *x, int64_t x_step, T *y, int64_t y_step)                    \
    {                                                                                                                            \
        int64_t i = 0;                                                                                                           \
        for (; i + 4 <= rows; i += 4) {                                                                                          \
            int64_t j = 0;                                                                                                       \
            for (; j + 4 <= columns; j += 4) turn_##S(x + i * x_step + j, x_step, y + j * y_step + i, y_step);                   \
            for (; j < columns; j++)                                                                                             \
                for (int64_t l = i; l < i + 4; l++) y[j * y_step + l] = x[l * x_step + j];                                       \
        }                                                                                                                        \
        for (; i < rows; i++)                                                                                                    \
            for (int64_t j = 0; j < columns; j++) y[j * y_step + i] = x[i * x_step + j];                                         \
    }                                                                                                                            \
    static void lanes_load_##S(int64_t rows, int64_t width, const void *from, int64_t row_step, void *planes)                    \
    {                                                                                                                            \
        T *to = planes;                                                                                                          \
        turn_all_##S(rows, width, from, row_step, to, LANES);                                                                    \
        for (int64_t j = 0; rows < LANES && j < width; j++)                                                                      \
            for (int64_t l = rows; l < LANES; l++) to[j * LANES + l] = 0;                                                        \
    }                                                                                                                            \
    static void lanes_store_##S(int64_t rows, int64_t width, const void *planes, void *to, int64_t row_step)                     \
    {                                                                                                                            \
        turn_all_##S(width, rows, planes, LANES, to, row_step);                                                                  \
    }
LANES_OF(float, f32)
LANES_OF(double, f64)

void AT_LEVEL(mlk_fill_recurrent)(ml_kernels *k)
{
#define SET(f) k->f##_f32 = f##_f32, k->f##_f64 = f##_f64;
    SET(rnn_step) SET(rnn_back) SET(gru_step) SET(gru_back) SET(lstm_step) SET(lstm_back) SET(lanes_load) SET(lanes_store)
}
