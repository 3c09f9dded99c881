/* Pooling of one image plane at a time, f32 and f64. */
#include "kernels/level.h"

#include <string.h>

/* Does v take the place of the largest so far? The first of equal ones stays, and so does the first NaN. As a choice between two
 * values it is three selections, which a compiler makes vectors of. */
#define BEATS(v, m) ((m) == (m) && ((v) > (m) || (v) != (v)))
#define CHOICE(T, S)                                              \
    static inline T choose_##S(T v, T m, T beaten, T held)        \
    {                                                             \
        T it = m < v ? beaten : held;                             \
        it   = v != v ? beaten : it;                              \
        return m != m ? held : it;                                \
    }
CHOICE(float, f32)
CHOICE(double, f64)

static int64_t from(const mlk_pool *p, int d, int64_t at) { int64_t i = at * p->stride[d] - p->padding[d]; return i < 0 ? 0 : i; }
static int64_t until(const mlk_pool *p, int d, int64_t at)
{
    int64_t i = at * p->stride[d] - p->padding[d] + p->kernel[d];
    return i > p->in[d] ? p->in[d] : i;
}

/* Windows of 2 by 2, side by side, are most of all pooling: without branches. */
static int is_quarter(const mlk_pool *p)
{
    return p->kernel[0] == 2 && p->kernel[1] == 2 && p->stride[0] == 2 && p->stride[1] == 2 && p->padding[0] == 0 && p->padding[1] == 0;
}

#define POOL(T, S)                                                                                                            \
    static void quarters_##S(int64_t n, const T *restrict a, const T *restrict b, T *restrict y)                              \
    {                                                                                                                         \
        for (int64_t j = 0; j < n; j++) {                                                                                     \
            T a0 = a[2 * j], a1 = a[2 * j + 1], b0 = b[2 * j], b1 = b[2 * j + 1];                                             \
            T up = choose_##S(a1, a0, a1, a0), down = choose_##S(b1, b0, b1, b0);                                             \
            y[j] = choose_##S(down, up, down, up);                                                                            \
        }                                                                                                                     \
    }                                                                                                                         \
    static void quarters_dx_##S(int64_t n, const T *restrict a, const T *restrict b, const T *restrict dy, T *restrict da, T *restrict db)\
    {                                                                                                                         \
        for (int64_t j = 0; j < n; j++) {                                                                                     \
            T a0 = a[2 * j], a1 = a[2 * j + 1], b0 = b[2 * j], b1 = b[2 * j + 1], slope = dy[j];                              \
            T up = choose_##S(a1, a0, a1, a0), down = choose_##S(b1, b0, b1, b0);                                             \
            T above = choose_##S(down, up, 0, slope), below = choose_##S(down, up, slope, 0);                                 \
            da[2 * j]     = choose_##S(a1, a0, 0, above);                                                                     \
            da[2 * j + 1] = choose_##S(a1, a0, above, 0);                                                                     \
            db[2 * j]     = choose_##S(b1, b0, 0, below);                                                                     \
            db[2 * j + 1] = choose_##S(b1, b0, below, 0);                                                                     \
        }                                                                                                                     \
    }                                                                                                                         \
    static int64_t largest_##S(const mlk_pool *p, int64_t i, int64_t j, const T *x)                                           \
    {                                                                                                                         \
        int64_t best = from(p, 0, i) * p->in[1] + from(p, 1, j);                                                              \
        for (int64_t r = from(p, 0, i); r < until(p, 0, i); r++)                                                              \
            for (int64_t c = from(p, 1, j); c < until(p, 1, j); c++)                                                          \
                if (BEATS(x[r * p->in[1] + c], x[best])) best = r * p->in[1] + c;                                             \
        return best;                                                                                                          \
    }                                                                                                                         \
    static void max_pool_##S(const mlk_pool *p, const void *image, void *out)                                                 \
    {                                                                                                                         \
        const T *x = image;                                                                                                   \
        T       *y = out;                                                                                                     \
        for (int64_t i = 0; i < p->out[0]; i++, y += p->out[1]) {                                                             \
            if (is_quarter(p)) {                                                                                              \
                const T *a = x + 2 * i * p->in[1], *b = a + p->in[1];                                                         \
                quarters_##S(p->out[1], a, b, y);                                                                             \
            } else {                                                                                                          \
                for (int64_t j = 0; j < p->out[1]; j++) y[j] = x[largest_##S(p, i, j, x)];                                    \
            }                                                                                                                 \
        }                                                                                                                     \
    }                                                                                                                         \
    static void max_pool_at_##S(const mlk_pool *p, const void *image, int64_t base, int64_t *at)                              \
    {                                                                                                                         \
        for (int64_t i = 0; i < p->out[0]; i++)                                                                               \
            for (int64_t j = 0; j < p->out[1]; j++) *at++ = largest_##S(p, i, j, image) + base;                               \
    }                                                                                                                         \
    static void max_pool_dx_##S(const mlk_pool *p, const void *image, const void *slope, void *out)                           \
    {                                                                                                                         \
        const T *x = image, *dy = slope;                                                                                      \
        T       *dx = out;                                                                                                    \
        memset(dx, 0, (size_t)(p->in[0] * p->in[1]) * sizeof(T));                                                             \
        for (int64_t i = 0; i < p->out[0]; i++, dy += p->out[1]) {                                                            \
            if (is_quarter(p)) {                                                                                              \
                const T *a = x + 2 * i * p->in[1], *b = a + p->in[1];                                                         \
                quarters_dx_##S(p->out[1], a, b, dy, dx + 2 * i * p->in[1], dx + (2 * i + 1) * p->in[1]);                     \
            } else {                                                                                                          \
                for (int64_t j = 0; j < p->out[1]; j++) dx[largest_##S(p, i, j, x)] += dy[j];                                 \
            }                                                                                                                 \
        }                                                                                                                     \
    }                                                                                                                         \
    static void avg_pool_##S(const mlk_pool *p, const void *image, void *out)                                                 \
    {                                                                                                                         \
        const T *x = image;                                                                                                   \
        T       *y = out;                                                                                                     \
        for (int64_t i = 0; i < p->out[0]; i++)                                                                               \
            for (int64_t j = 0; j < p->out[1]; j++) {                                                                         \
                T       sum = 0;                                                                                              \
                int64_t r0 = from(p, 0, i), r1 = until(p, 0, i), c0 = from(p, 1, j), c1 = until(p, 1, j);                     \
                for (int64_t r = r0; r < r1; r++)                                                                             \
                    for (int64_t c = c0; c < c1; c++) sum += x[r * p->in[1] + c];                                             \
                *y++ = sum / (T)(p->count_padding ? p->kernel[0] * p->kernel[1] : (r1 - r0) * (c1 - c0));                     \
            }                                                                                                                 \
    }                                                                                                                         \
    static void avg_pool_dx_##S(const mlk_pool *p, const void *slope, void *out)                                              \
    {                                                                                                                         \
        const T *dy = slope;                                                                                                  \
        T       *dx = out;                                                                                                    \
        memset(dx, 0, (size_t)(p->in[0] * p->in[1]) * sizeof(T));                                                             \
        for (int64_t i = 0; i < p->out[0]; i++)                                                                               \
            for (int64_t j = 0; j < p->out[1]; j++) {                                                                         \
                int64_t r0 = from(p, 0, i), r1 = until(p, 0, i), c0 = from(p, 1, j), c1 = until(p, 1, j);                     \
                T       each = *dy++ / (T)(p->count_padding ? p->kernel[0] * p->kernel[1] : (r1 - r0) * (c1 - c0));           \
                for (int64_t r = r0; r < r1; r++)                                                                             \
                    for (int64_t c = c0; c < c1; c++) dx[r * p->in[1] + c] += each;                                           \
            }                                                                                                                 \
    }
POOL(float, f32)
POOL(double, f64)

#define SET(S)                              \
    k->max_pool_##S    = max_pool_##S;      \
    k->max_pool_at_##S = max_pool_at_##S;   \
    k->max_pool_dx_##S = max_pool_dx_##S;   \
    k->avg_pool_##S    = avg_pool_##S;      \
    k->avg_pool_dx_##S = avg_pool_dx_##S;
void AT_LEVEL(mlk_fill_pool)(ml_kernels *k)
{
    SET(f32)
    SET(f64)
}
