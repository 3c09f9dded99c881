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
        const T lr = (T)o->lr, mu = (T)o->momentum, l2 = (T)o->l2, keep = (T)(1 - o->decay);             \
        if (!buf) {                                                                                      \
            for (int64_t i = 0; i < n; i++) w[i] = w[i] * keep - lr * (g[i] + l2 * w[i]);                \
        } else {                                                                                         \
            const T look = o->nesterov ? mu : 0;                                                         \
            for (int64_t i = 0; i < n; i++) {                                                            \
                T grad = g[i] + l2 * w[i];                                                               \
                T v    = mu * buf[i] + grad;                                                             \
                buf[i] = v;                                                                              \
                w[i]   = w[i] * keep - lr * (o->nesterov ? grad + look * v : v);                         \
            }                                                                                            \
        }                                                                                                \
    }
SGD(sgd_f32, float)
SGD(sgd_f64, double)

/* One loop for each pair of arrays that may be missing: a test inside would keep it from being vectors. */
#define RMSPROP_LOOP(T, SQRT, CENTRE, MOVE)                                                              \
    for (int64_t i = 0; i < n; i++) {                                                                    \
        T grad = g[i] + l2 * w[i];                                                                       \
        T var  = a * v[i] + c * grad * grad;                                                             \
        v[i]   = var;                                                                                    \
        CENTRE;                                                                                          \
        T step = grad / (SQRT(var) + eps);                                                               \
        MOVE;                                                                                            \
    }
#define RMSPROP_CENTRE(T) T m = a * mean[i] + c * grad; mean[i] = m; var -= m * m; var = var > 0 ? var : 0 /* rounding */
#define RMSPROP_MOVE(T)   T b = mu * buf[i] + step; buf[i] = b; w[i] = w[i] * keep - lr * b
#define RMSPROP(name, T, SQRT)                                                                           \
    static void name(int64_t n, const mlk_rmsprop *o, T *restrict w, const T *restrict g, T *restrict v, T *restrict mean, T *restrict buf) \
    {                                                                                                    \
        const T a = (T)o->alpha, c = (T)(1 - o->alpha), eps = (T)o->eps, lr = (T)o->lr, mu = (T)o->momentum, l2 = (T)o->l2, keep = (T)(1 - o->decay); \
        if (mean && buf) RMSPROP_LOOP(T, SQRT, RMSPROP_CENTRE(T), RMSPROP_MOVE(T))                       \
        else if (mean) RMSPROP_LOOP(T, SQRT, RMSPROP_CENTRE(T), w[i] = w[i] * keep - lr * step)          \
        else if (buf) RMSPROP_LOOP(T, SQRT, (void)0, RMSPROP_MOVE(T))                                    \
        else RMSPROP_LOOP(T, SQRT, (void)0, w[i] = w[i] * keep - lr * step)                              \
    }
RMSPROP(rmsprop_f32, float, sqrtf)
RMSPROP(rmsprop_f64, double, sqrt)

#define ADAGRAD(name, T, SQRT)                                                                           \
    static void name(int64_t n, const mlk_adagrad *o, T *restrict w, const T *restrict g, T *restrict sum) \
    {                                                                                                    \
        const T lr = (T)o->lr, eps = (T)o->eps, l2 = (T)o->l2, keep = (T)(1 - o->decay);                 \
        for (int64_t i = 0; i < n; i++) {                                                                \
            T grad = g[i] + l2 * w[i];                                                                   \
            T all  = sum[i] + grad * grad;                                                               \
            sum[i] = all;                                                                                \
            w[i]   = w[i] * keep - lr * grad / (SQRT(all) + eps);                                        \
        }                                                                                                \
    }
ADAGRAD(adagrad_f32, float, sqrtf)
ADAGRAD(adagrad_f64, double, sqrt)

#define LION(name, T)                                                                                    \
    static void name(int64_t n, const mlk_lion *o, T *restrict w, const T *restrict g, T *restrict m)    \
    {                                                                                                    \
        const T b1 = (T)o->beta1, c1 = (T)(1 - o->beta1), b2 = (T)o->beta2, c2 = (T)(1 - o->beta2);      \
        const T lr = (T)o->lr, keep = (T)(1 - o->decay);                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                \
            T u    = b1 * m[i] + c1 * g[i];                                                              \
            T step = u > 0 ? lr : u < 0 ? -lr : u - u; /* 0, and NaN stays NaN */                        \
            m[i]   = b2 * m[i] + c2 * g[i];                                                              \
            w[i]   = w[i] * keep - step;                                                                 \
        }                                                                                                \
    }
LION(lion_f32, float)
LION(lion_f64, double)

#define MUON(name, T)                                                                                    \
    static void name(int64_t n, const mlk_muon *o, T *restrict w, const T *restrict g, const T *restrict u, T *restrict m) \
    {                                                                                                    \
        const T mu = (T)o->momentum, c = (T)(1 - o->momentum), lr = (T)o->lr, keep = (T)(1 - o->decay);  \
        for (int64_t i = 0; i < n; i++) {                                                                \
            m[i] = mu * m[i] + c * g[i];                                                                 \
            w[i] = w[i] * keep - lr * u[i];                                                              \
        }                                                                                                \
    }
MUON(muon_f32, float)
MUON(muon_f64, double)

void AT_LEVEL(mlk_fill_steps)(ml_kernels *k)
{
    k->adam_f32    = adam_f32;
    k->adam_f64    = adam_f64;
    k->sgd_f32     = sgd_f32;
    k->sgd_f64     = sgd_f64;
    k->rmsprop_f32 = rmsprop_f32;
    k->rmsprop_f64 = rmsprop_f64;
    k->adagrad_f32 = adagrad_f32;
    k->adagrad_f64 = adagrad_f64;
    k->lion_f32    = lion_f32;
    k->lion_f64    = lion_f64;
    k->muon_f32    = muon_f32;
    k->muon_f64    = muon_f64;
}
