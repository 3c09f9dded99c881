/* Normalisations and dropout. Batch normalisation is the layer that has buffers: what they become is computed outside the graph. */
#include "nn/module.h"

#include "moonlab/transform.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Without weight and bias constants stand in, as for Linear. */
static ml_tensor *weight_of(const ml_module *m, ml_tensor *const *params, ml_tensor *x)
{
    return m->norm.affine ? params[0] : ml_ones(m->norm.shape, ml_tensor_dtype(x));
}

static ml_tensor *bias_of(const ml_module *m, ml_tensor *const *params, ml_tensor *x)
{
    return m->norm.affine ? params[1] : ml_zeros(m->norm.shape, ml_tensor_dtype(x));
}

/* --- batch ------------------------------------------------------------------------------------------------------------------- */
static bool has_channels(const ml_module *m, const ml_shape *s)
{
    bool ok = m->norm.dims == 2 ? s->n == 4 || s->n == 5 : s->n == 2 || s->n == 3;
    if (!ok) return ml_fail("%s: the input must be %s, got %s", ml_module_text(m), m->norm.dims == 2 ? "(n, channels, height, width), or (n, channels, symmetries, height, width)" : "(n, channels) or (n, channels, length)", ml_shape_text(s));
    return s->size[1] == m->norm.shape.size[0] || ml_fail("%s: the input has %lld channels, not %lld; its shape is %s", ml_module_text(m), (long long)s->size[1],
                                                          (long long)m->norm.shape.size[0], ml_shape_text(s));
}

/* (1 - momentum) old + momentum now, in the dtype of old */
static ml_tensor *moved(const ml_module *m, ml_tensor *old, ml_tensor *now)
{
    ml_tensor *y = ml_add(ml_mul(old, ml_number(1 - m->norm.momentum)), ml_mul(now, ml_number(m->norm.momentum)));
    return ml_cast(y, &(ml_cast_opts){ ml_tensor_dtype(old) });
}

static bool keep_statistics(const ml_module *m, const mli_args *a, ml_tensor *x, const ml_shape *s)
{
    bool       was     = ml_set_recording(false);
    double     n       = s->size[1] ? (double)(ml_shape_numel(s) / s->size[1]) : 0;
    ml_tensor *moments = ml_channel_moments(x), *now[2];
    for (int i = 0; i < 2; i++) now[i] = ml_reshape(ml_slice(moments, &(ml_slice_opts){ 0, i, i + 1, 1 }), &(ml_reshape_opts){ m->norm.shape });
    ml_tensor *mean = moved(m, mli_buffer(a, 0), now[0]), *var = moved(m, mli_buffer(a, 1), ml_mul(now[1], ml_number(n / (n - 1))));
    bool       ok   = mli_becomes(m, a, 0, mean) && mli_becomes(m, a, 1, var);
    ml_set_recording(was);
    return ok;
}

static ml_tensor *by_channel(ml_tensor *v, int n)
{
    if (!v) return NULL;
    ml_shape s = { n - 1, { ml_tensor_size(v, 0) } };
    for (int d = 1; d < s.n; d++) s.size[d] = 1;
    return ml_reshape(v, &(ml_reshape_opts){ s });
}

static ml_tensor *running_scale(const ml_module *m, const mli_args *a, ml_dtype dtype)
{
    ml_tensor *scale = ml_rsqrt(ml_add(mli_buffer(a, 1), ml_number(m->norm.eps)));
    return m->norm.affine ? ml_mul(a->params[0], scale) : ml_cast(scale, &(ml_cast_opts){ dtype });
}

bool mli_batch_is_affine(const ml_module *m, const mli_args *a) { return mli_is_batch_norm(m) && m->norm.tracking && !mli_trains(m, a); }

void mli_batch_affine(const ml_module *m, const mli_args *a, ml_dtype dtype, ml_tensor **scale, ml_tensor **shift)
{
    *scale = running_scale(m, a, dtype);
    *shift = ml_neg(ml_mul(mli_buffer(a, 0), *scale));
    if (m->norm.affine) *shift = ml_add(*shift, a->params[1]);
}

/* By the running statistics, which are constants: (x - mean) (w / sqrt(var + eps)) + b. */
static ml_tensor *by_running(const ml_module *m, const mli_args *a, ml_tensor *x, int n)
{
    ml_tensor *scale = running_scale(m, a, ml_tensor_dtype(x));
    ml_tensor *y     = ml_mul(ml_sub(x, by_channel(mli_buffer(a, 0), n)), by_channel(scale, n));
    return m->norm.affine ? ml_add(y, by_channel(a->params[1], n)) : y;
}

static ml_tensor *acted(ml_act act, ml_tensor *y)
{
    switch (act) {
    case ML_ACT_RELU: return ml_relu(y);
    case ML_ACT_TANH: return ml_tanh(y);
    case ML_ACT_SIGMOID: return ml_sigmoid(y);
    default: return y;
    }
}

ml_tensor *mli_batch_run(const ml_module *m, const mli_args *a, ml_tensor *x, ml_act act)
{
    ml_shape s      = ml_tensor_shape(x);
    bool     trains = mli_trains(m, a);
    if (!has_channels(m, &s)) return NULL;
    if (!trains && m->norm.tracking) return acted(act, by_running(m, a, x, s.n));
    if (s.size[1] && ml_shape_numel(&s) / s.size[1] < 2)
        return ml_fail("%s: in training it needs more than one value for each channel, got %s; call eval() to use the running statistics", ml_module_text(m), ml_shape_text(&s));
    ml_batch_norm_opts o = { m->norm.eps, act };
    ml_tensor         *y = mli_blame(m, "batch_norm", ml_batch_norm(x, weight_of(m, a->params, x), bias_of(m, a->params, x), &o));
    if (!y || !m->norm.tracking) return y;
    return keep_statistics(m, a, x, &s) ? y : NULL;
}

static ml_tensor *batch_forward(const ml_module *m, const mli_args *a, ml_tensor *x) { return mli_batch_run(m, a, x, ML_ACT_NONE); }
bool mli_is_batch_norm(const ml_module *m) { return m->kind->forward == batch_forward; }

/* --- layer, rms, group ------------------------------------------------------------------------------------------------------------ */
static ml_tensor *layer_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_layer_norm_opts o = { .ndim = m->norm.shape.n, .eps = m->norm.eps };
    return mli_blame(m, "layer_norm", ml_layer_norm(x, weight_of(m, a->params, x), bias_of(m, a->params, x), &o));
}

static ml_tensor *rms_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_rms_norm_opts o = { .ndim = m->norm.shape.n, .eps = m->norm.eps };
    return mli_blame(m, "rms_norm", ml_rms_norm(x, weight_of(m, a->params, x), &o));
}

static ml_tensor *group_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_group_norm_opts o = { .groups = m->norm.groups, .eps = m->norm.eps };
    return mli_blame(m, "group_norm", ml_group_norm(x, weight_of(m, a->params, x), bias_of(m, a->params, x), &o));
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    size_t used = (size_t)snprintf(to, bytes, "%s(", ml_module_kind(m));
    if (m->norm.groups) used += (size_t)snprintf(to + used, bytes - used, "%lld groups of ", (long long)m->norm.groups);
    for (int d = 0; d < m->norm.shape.n && used < bytes; d++)
        used += (size_t)snprintf(to + used, bytes - used, "%s%lld", d ? ", " : "", (long long)m->norm.shape.size[d]);
    if (used < bytes) snprintf(to + used, bytes - used, "%s%s)", m->norm.affine ? "" : ", no weight", m->norm.dims && !m->norm.tracking ? ", not tracking" : "");
}

#define AFFINE { "weight", "bias" }
#define RUNNING { "running_mean", "running_var" }
static const mli_module_kind batch1d = { "BatchNorm1d", batch_forward, text, AFFINE, RUNNING }, batch2d = { "BatchNorm2d", batch_forward, text, AFFINE, RUNNING },
                             layer = { "LayerNorm", layer_forward, text, AFFINE, { NULL } }, rms = { "RMSNorm", rms_forward, text, { "weight" }, { NULL } },
                             group = { "GroupNorm", group_forward, text, AFFINE, { NULL } };

/* --- making one --------------------------------------------------------------------------------------------------------------------- */
static ml_module *make(const mli_module_kind *kind, ml_shape shape, const ml_norm_layer_opts *opts)
{
    ml_norm_layer_opts o = opts ? *opts : (ml_norm_layer_opts){ 0 };
    for (int d = 0; d < shape.n; d++)
        if (shape.size[d] < 1) return ml_fail("%s: sizes must be at least 1, got %s", kind->name, ml_shape_text(&shape));
    if (shape.n == 0) return ml_fail("%s: needs a size", kind->name);
    if (o.eps < 0 || !isfinite(o.eps) || o.momentum < 0 || o.momentum > 1 || isnan(o.momentum))
        return ml_fail("%s: eps must not be negative, momentum in 0..1, got %g and %g", kind->name, o.eps, o.momentum);
    if (!ml_dtype_is_float(o.dtype)) return ml_fail("%s: dtype must be f32 or f64, got %s", kind->name, ml_dtype_name(o.dtype));
    bool       tracking = kind->buffers[0] && !o.no_tracking;
    int        n        = o.no_affine ? 0 : kind->own[1] ? 2 : 1;
    ml_module *m        = mli_module_new(kind, n, tracking ? 2 : 0);
    if (!m) return NULL;
    m->norm.shape    = shape;
    m->norm.eps      = o.eps != 0 ? o.eps : 1e-5;
    m->norm.momentum = o.momentum != 0 ? o.momentum : 0.1;
    m->norm.affine   = !o.no_affine;
    m->norm.tracking = tracking;
    ml_scope scope   = ml_scope_begin();
    for (int i = 0; i < m->n_buffers && m->n_own_buffers == i; i++) {
        m->buffers[i] = ml_retain(i == 0 ? ml_zeros(shape, o.dtype) : ml_ones(shape, o.dtype));
        if (m->buffers[i]) m->n_own_buffers++;
    }
    ml_scope_end(&scope);
    if (m->n_own_buffers < m->n_buffers) {
        ml_module_release(m);
        return NULL;
    }
    const mli_parameter list[] = { { shape, { ML_INIT_CONSTANT, 1 } }, { shape, { ML_INIT_ZEROS, 0 } } };
    return mli_module_fill(m, list, n, o.dtype, 1, 1);
}

ml_module *ml_nn_batch_norm(int dims, int64_t channels, const ml_norm_layer_opts *opts)
{
    if (dims != 1 && dims != 2) return ml_fail("BatchNorm: of 1 or 2 dimensions, got %d", dims);
    ml_module *m = make(dims == 1 ? &batch1d : &batch2d, ML_SHAPE(channels), opts);
    if (m) m->norm.dims = dims;
    return m;
}

ml_module *ml_nn_layer_norm(ml_shape last, const ml_norm_layer_opts *opts) { return make(&layer, last, opts); }
ml_module *ml_nn_rms_norm(ml_shape last, const ml_norm_layer_opts *opts) { return make(&rms, last, opts); }

ml_module *ml_nn_group_norm(int64_t groups, int64_t channels, const ml_norm_layer_opts *opts)
{
    if (groups < 1 || channels < 1 || channels % groups)
        return ml_fail("GroupNorm: %lld groups do not divide %lld channels", (long long)groups, (long long)channels);
    ml_module *m = make(&group, ML_SHAPE(channels), opts);
    if (m) m->norm.groups = groups;
    return m;
}

/* --- dropout -------------------------------------------------------------------------------------------------------------------------- */
typedef struct mask {
    double    p;
    ml_shape  shape;
    ml_dtype  dtype;
} mask;

/* 0, or 1 / (1 - p) where a value stays. */
static ml_tensor *draw_mask(void *ctx, ml_key key)
{
    const mask *m = ctx;
    return ml_dropout(ml_ones(m->shape, m->dtype), &(ml_dropout_opts){ m->p, (int64_t)key.seed, (int64_t)key.stream });
}

ml_tensor *mli_dropout(const ml_module *m, const mli_args *a, double p, ml_tensor *x)
{
    if (!x || !mli_trains(m, a) || p == 0) return x;
    if (!a->key) {
        mask drawn = { p, ml_tensor_shape(x), ml_dtype_is_float(ml_tensor_dtype(x)) ? ml_tensor_dtype(x) : ML_F32 };
        return ml_mul(x, ml_draw(draw_mask, &drawn));
    }
    ml_key key = mli_next_key(a);
    return mli_blame(m, "dropout", ml_dropout(x, &(ml_dropout_opts){ p, (int64_t)key.seed, (int64_t)key.stream }));
}

static ml_tensor *dropout_forward(const ml_module *m, const mli_args *a, ml_tensor *x) { return mli_dropout(m, a, m->dropout.p, x); }

static void dropout_text(const ml_module *m, char *to, size_t bytes) { snprintf(to, bytes, "Dropout(%g)", m->dropout.p); }

static const mli_module_kind dropout_kind = { "Dropout", dropout_forward, dropout_text, { NULL }, { NULL } };

ml_module *ml_nn_dropout(double p)
{
    if (!(p >= 0 && p <= 1)) return ml_fail("Dropout: p must be in 0..1, got %g", p);
    ml_module *m = mli_module_new(&dropout_kind, 0, 0);
    if (m) m->dropout.p = p;
    return m;
}
