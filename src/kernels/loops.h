/* The loops of maps, as macros: EXPR of x, or of a and b, for one function and dtype. */
#ifndef MLK_LOOPS_H
#define MLK_LOOPS_H

#include "kernels/level.h"

#define LOOP1_AS(name, T, R, EXPR)                                             \
    static void name(int64_t n, const void *vx, void *vy)                      \
    {                                                                          \
        const T *xs = vx;                                                      \
        R       *ys = vy;                                                      \
        for (int64_t i = 0; i < n; i++) {                                      \
            T x   = xs[i];                                                     \
            ys[i] = (R)(EXPR);                                                 \
        }                                                                      \
    }
#define LOOP1(name, T, EXPR) LOOP1_AS(name, T, T, EXPR)

/* The three cases of steps get a loop each, so that each becomes vector code. */
#define LOOP2_AS(name, T, R, EXPR)                                                                     \
    static void name(int64_t n, const void *va, int sa, const void *vb, int sb, void *vy)              \
    {                                                                                                  \
        const T *as = va, *bs = vb;                                                                    \
        R       *ys = vy;                                                                              \
        if (sa && sb) {                                                                                \
            for (int64_t i = 0; i < n; i++) { T a = as[i], b = bs[i]; ys[i] = (R)(EXPR); }              \
        } else if (sa) {                                                                               \
            const T b = n ? bs[0] : 0;                                                                 \
            for (int64_t i = 0; i < n; i++) { T a = as[i]; ys[i] = (R)(EXPR); }                         \
        } else if (sb) {                                                                               \
            const T a = n ? as[0] : 0;                                                                 \
            for (int64_t i = 0; i < n; i++) { T b = bs[i]; ys[i] = (R)(EXPR); }                         \
        } else {                                                                                       \
            const T a = n ? as[0] : 0, b = n ? bs[0] : 0;                                              \
            for (int64_t i = 0; i < n; i++) ys[i] = (R)(EXPR);                                         \
        }                                                                                              \
    }
#define LOOP2(name, T, EXPR) LOOP2_AS(name, T, T, EXPR)

#endif
