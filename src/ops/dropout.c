/* Dropout: values that are 0 by chance, and the same ones whoever asks again. */
#include "ops/op.h"

static bool dropout_infer(ml_call *c)
{
    const ml_dropout_opts *o = c->opts;
    c->shape = c->in[0]->shape;
    return (o->p >= 0 && o->p <= 1) || ml_fail("dropout: p must be in 0..1, got %g", o->p);
}

/* Whether a value stays depends on seed, stream and its place alone. */
static bool dropout_forward(ml_call *c)
{
    const ml_dropout_opts *o    = c->opts;
    ml_tensor             *x    = mli_contiguous(c->in[0]);
    ml_tensor             *draw = x ? ml_rand(c->shape, ML_F32, ml_key_of((uint64_t)o->seed, (uint64_t)o->stream)) : NULL;
    if (!draw) return false;
    const float *u     = mli_data(draw);
    double       scale = o->p < 1 ? 1 / (1 - o->p) : 0;
    int64_t      n     = ml_tensor_numel(x);
    float        p     = (float)o->p, narrow = (float)scale;
    if (c->dtype == ML_F32) {
        const float *v = mli_data(x);
        float       *y = mli_data(c->out);
        for (int64_t i = 0; i < n; i++) y[i] = u[i] >= p ? v[i] * narrow : 0;
    } else {
        const double *v = mli_data(x);
        double       *y = mli_data(c->out);
        for (int64_t i = 0; i < n; i++) y[i] = u[i] >= p ? v[i] * scale : 0;
    }
    return true;
}

static bool dropout_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_dropout(dy, c->opts);
    return dx[0] != NULL;
}

/* Inside vmap each of the batch loses the same places, as in a loop. */
static ml_tensor *dropout_compose(ml_call *c)
{
    return ml_mul(c->in[0], ml_dropout(ml_ones(c->in[0]->shape, (ml_dtype)c->in[0]->dtype), c->opts));
}

static const ml_dropout_opts some = { .p = 0.3, .seed = 4, .stream = 2 };
static const ml_sample dropout_samples[] = { { .in = { "(5, 4)" } }, { .in = { "(3, 2, 4)" }, .opts = &some }, { 0 } };
const ml_op ml_op_dropout = { .kind = ML_LINEAR, .flags = ML_FLOAT_ONLY, .infer = dropout_infer, .forward = dropout_forward, .vjp = dropout_vjp,
                              .compose = dropout_compose, .samples = dropout_samples };
