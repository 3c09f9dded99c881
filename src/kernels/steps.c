/* Optimizer steps: each weight, its gradient and its state are read and written once. Formulas as in PyTorch. */
#include "kernels/level.h"

#include <math.h>

#define ADAM(name, T, SQRT)                                                                              \
    static void name(int64_t n, const mlk_adam *o, T *restrict w, const T *restrict g, T *restrict m, T *restrict v) \
    {                                                                                                    \
        const T b1 = (T)o->beta1, c1 = (T)(1 - o->beta1), b2 = (T)o->beta2, c2 = (T)(1 - o->beta2);      \
        const T eps = (T)o->eps, step = (T)o->step_size, root = (T)o->root_scale;                        \
        const T l2 = (T)o->l2, keep = (T)(1 - o->decay);                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                \
            T grad = g[i] + l2 * w[i];                                                                   \
            T mean = b1 * m[i] + c1 * grad;                                                              \
            T var  = b2 * v[i] + c2 * grad * grad;                                                       \
            m[i]   = mean;                                                                               \
            v[i]   = var;                                                                                \
            w[i]   = w[i] * keep - step * mean / (SQRT(var) * root + eps);                               \
        }                                                                                                \
    }
ADAM(adam_f32, float, sqrtf)
ADAM(adam_f64, double, sqrt)

#define SGD(name, T)                                                                                     \
    static void name(int64_t n, const mlk_sgd *o, T *restrict w, const T *restrict g, T *restrict buf)   \
    {                                                                                                    \
        const T lr = (T)o->lr, mu = (T)o->momentum, l2 = (T)o->l2;                                       \
        if (!buf) {                                                                                      \
            for (int64_t i = 0; i < n; i++) w[i] -= lr * (g[i] + l2 * w[i]);                             \
        } else {                                                                                         \
            const T look = o->nesterov ? mu : 0;                                                         \
            for (int64_t i = 0; i < n; i++) {                                                            \
                T grad = g[i] + l2 * w[i];                                                               \
                T v    = mu * buf[i] + grad;                                                             \
                buf[i] = v;                                                                              \
                w[i] -= lr * (o->nesterov ? grad + look * v : v);                                        \
            }                                                                                            \
        }                                                                                                \
    }
SGD(sgd_f32, float)
SGD(sgd_f64, double)

void AT_LEVEL(mlk_fill_steps)(ml_kernels *k)
{
    k->adam_f32 = adam_f32;
    k->adam_f64 = adam_f64;
    k->sgd_f32  = sgd_f32;
    k->sgd_f64  = sgd_f64;
}
