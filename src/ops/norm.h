/* What the two forms of normalisation share: norm.c, channels.c. */
#ifndef MOONLAB_OPS_NORM_H
#define MOONLAB_OPS_NORM_H

#include "ops/op.h"

#include "kernels/kernels.h"

/* The loops of one dtype. */
typedef struct {
    bool   f32;
    double (*sum32)(int64_t, const float *);
    double (*sum64)(int64_t, const double *);
    double (*squares)(int64_t, const void *, double);
    void (*slopes)(int64_t, const void *, const void *, const void *, double, double[2]);
    void (*scale)(int64_t, const void *, double, double, double, void *);
    void (*scale_relu)(int64_t, const void *, double, double, double, void *);
    void (*slopes_relu)(int64_t, const void *, const void *, double, double, double, double[2]);
    void (*dx_relu)(int64_t, const void *, const void *, double, double, double, double, double, void *);
    void (*scale_each)(int64_t, const void *, double, double, const void *, const void *, void *);
    void (*dx)(int64_t, const void *, const void *, const void *, double, double, double, double, void *);
    void (*dw)(int64_t, const void *, const void *, double, double, double *, double *);
    int64_t bytes;
} mli_norm_loops;

mli_norm_loops mli_norm_loops_of(ml_dtype dtype);

static inline double mli_norm_sum(const mli_norm_loops *l, int64_t n, const char *x)
{
    return l->f32 ? l->sum32(n, (const float *)(const void *)x) : l->sum64(n, (const double *)(const void *)x);
}

/* (x - mean) / sqrt(variance + eps) over dims, from simpler operations; not centred: without the mean. */
ml_tensor *mli_normalised(ml_tensor *x, const ml_dims *dims, double eps, bool centred);
bool       mli_norm_eps(const char *op, double eps); /* false, with a message, when it is negative */

#define MLI_NORM(op, more) \
    const ml_op ml_op_##op = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1) | (more), .infer = op##_infer, \
                               .forward = op##_forward, .vjp_direct = op##_direct, .compose = op##_compose, .samples = op##_samples };

#endif
