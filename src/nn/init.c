/* Initialisers. Values are drawn and scaled in f64, then rounded, so f32 and f64 weights are the same up to that. */
#include "nn/module.h"

#include "moonlab/transform.h"
#include "tensor/tensor_impl.h"

#include <math.h>
#include <string.h>

static const char *const names[ML_INIT_COUNT] = {
    [ML_INIT_DEFAULT]        = "default",
    [ML_INIT_ZEROS]          = "zeros",
    [ML_INIT_CONSTANT]       = "constant",
    [ML_INIT_UNIFORM]        = "uniform",
    [ML_INIT_NORMAL]         = "normal",
    [ML_INIT_FAN_IN_UNIFORM] = "fan_in_uniform",
    [ML_INIT_GLOROT_UNIFORM] = "glorot_uniform",
    [ML_INIT_GLOROT_NORMAL]  = "glorot_normal",
    [ML_INIT_HE_UNIFORM]     = "he_uniform",
    [ML_INIT_HE_NORMAL]      = "he_normal",
    [ML_INIT_LECUN_UNIFORM]  = "lecun_uniform",
    [ML_INIT_LECUN_NORMAL]   = "lecun_normal",
    [ML_INIT_ORTHOGONAL]     = "orthogonal",
    [ML_INIT_IDENTITY]       = "identity",
    [ML_INIT_SPARSE]         = "sparse",
};

const char *ml_init_name(ml_init_kind kind)
{
    return (int)kind >= 0 && kind < ML_INIT_COUNT ? names[kind] : "?";
}

bool ml_init_parse(const char *name, ml_init_kind *kind)
{
    for (int i = 0; i < ML_INIT_COUNT; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *kind = (ml_init_kind)i;
        return true;
    }
    const char *meant = ml_nearest_word(name, names, ML_INIT_COUNT);
    if (meant) return ml_fail("init: there is no '%s'; did you mean '%s'?", name, meant);
    return ml_fail("init: there is no '%s'; there are zeros, constant, uniform, normal, fan_in_uniform, glorot_uniform, "
                   "glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal, orthogonal, identity, sparse and default", name);
}

bool ml_init_gain(const char *activation, double slope, double *gain)
{
    static const char *const known[] = { "linear", "sigmoid", "sin", "tanh", "relu", "leaky_relu", "selu" };
    enum { N = sizeof known / sizeof *known };
    const double gains[N] = { 1, 1, 1, 5.0 / 3, sqrt(2), sqrt(2 / (1 + slope * slope)), 0.75 };
    for (int i = 0; i < N; i++) {
        if (strcmp(activation, known[i]) != 0) continue;
        *gain = gains[i];
        return isfinite(slope) || ml_fail("init.gain: the slope must be finite, got %g", slope);
    }
    const char *meant = ml_nearest_word(activation, known, N);
    if (meant) return ml_fail("init.gain: there is no '%s'; did you mean '%s'?", activation, meant);
    return ml_fail("init.gain: there is no '%s'; there are linear, sigmoid, sin, tanh, relu, leaky_relu and selu", activation);
}

/* --- filling -------------------------------------------------------------------------------------------------------------- */
typedef enum { FIXED, UNIFORM, NORMAL } shape_of_values;

/* The one that the formula goes by, unless another was asked for. */
static double fan_of(ml_init init, double fan_in, double fan_out, ml_fan own)
{
    switch (init.fan != ML_FAN_DEFAULT ? init.fan : own) {
    case ML_FAN_IN: return fan_in;
    case ML_FAN_OUT: return fan_out;
    default: return (fan_in + fan_out) / 2;
    }
}

static bool goes_by_fan(ml_init_kind kind) { return kind >= ML_INIT_FAN_IN_UNIFORM && kind <= ML_INIT_LECUN_NORMAL; }

/* What to draw, and its half width or standard deviation. */
static shape_of_values spread(ml_init init, double fan_in, double fan_out, double *scale)
{
    bool   glorot = init.kind == ML_INIT_GLOROT_UNIFORM || init.kind == ML_INIT_GLOROT_NORMAL;
    double s      = init.scale != 0 ? init.scale : 1, fan = fan_of(init, fan_in, fan_out, glorot ? ML_FAN_MEAN : ML_FAN_IN);
    switch (init.kind) {
    case ML_INIT_CONSTANT: *scale = s; return FIXED;
    case ML_INIT_UNIFORM: *scale = s; return UNIFORM;
    case ML_INIT_NORMAL: *scale = s; return NORMAL;
    case ML_INIT_FAN_IN_UNIFORM: *scale = s / sqrt(fan); return UNIFORM;
    case ML_INIT_HE_UNIFORM: *scale = s * sqrt(6 / fan); return UNIFORM;
    case ML_INIT_HE_NORMAL: *scale = s * sqrt(2 / fan); return NORMAL;
    case ML_INIT_GLOROT_UNIFORM:
    case ML_INIT_LECUN_UNIFORM: *scale = s * sqrt(3 / fan); return UNIFORM;
    case ML_INIT_GLOROT_NORMAL:
    case ML_INIT_LECUN_NORMAL: *scale = s * sqrt(1 / fan); return NORMAL;
    default: *scale = 0; return FIXED;
    }
}

static ml_tensor *draw(const ml_tensor *w, ml_init init, ml_key key, int64_t fan_in, int64_t fan_out)
{
    double          scale;
    if (init.kind >= ML_INIT_ORTHOGONAL) return mli_init_structured(w->shape, init, key);
    shape_of_values values = spread(init, (double)fan_in, (double)fan_out, &scale);
    if (values == FIXED) return ml_full(w->shape, ML_F64, scale);
    ml_tensor *t = values == UNIFORM ? ml_rand(w->shape, ML_F64, key) : ml_randn(w->shape, ML_F64, key);
    double    *v = ml_tensor_mutable_data(t);
    for (int64_t i = 0, n = ml_tensor_numel(t); i < n; i++) v[i] = values == UNIFORM ? scale * (2 * v[i] - 1) : scale * v[i];
    return t;
}

bool mli_init_fill(ml_tensor *w, ml_init init, ml_key key, int64_t fan_in, int64_t fan_out)
{
    if (!isfinite(init.scale)) return ml_fail("init: the scale must be finite, got %g", init.scale);
    if (init.fan < 0 || init.fan >= ML_FAN_COUNT) return ml_fail("init: there is no fan %d", (int)init.fan);
    if (init.fan != ML_FAN_DEFAULT && !goes_by_fan(init.kind)) return ml_fail("init: %s does not go by a fan", ml_init_name(init.kind));
    if (init.connections < 0 || init.groups < 0) return ml_fail("init: connections and groups must be at least 1");
    ml_scope   scope = ml_scope_begin();
    ml_tensor *t     = ml_tensor_numel(w) ? draw(w, init, key, fan_in, fan_out) : w;
    bool       ok    = t && (t == w || ml_copy_into(w, t));
    ml_scope_end(&scope);
    return ok;
}

static bool check_target(const ml_tensor *w, ml_init init)
{
    if (!w) return false;
    if (!ml_dtype_is_float(ml_tensor_dtype(w)))
        return ml_fail("init: only f32 and f64 are initialised, this tensor is %s", ml_dtype_name(ml_tensor_dtype(w)));
    if (!ml_tensor_is_leaf(w)) return ml_fail("init: this tensor, shape %s, is the result of a recorded operation; only leaves are initialised", ml_shape_text(&w->shape));
    if (init.kind <= ML_INIT_DEFAULT || init.kind >= ML_INIT_COUNT)
        return ml_fail("init: only a layer has a default; name another initialiser");
    return true;
}

static bool fill_by_shape(ml_tensor *w, ml_init init, ml_key key)
{
    int64_t fan_in = 1, fan_out = 1;
    int     n      = ml_tensor_ndim(w);
    for (int d = 0; d < n; d++) {
        if (d != 0 || n == 1) fan_in *= ml_tensor_size(w, d);
        if (d != 1) fan_out *= ml_tensor_size(w, d);
    }
    return mli_init_fill(w, init, key, fan_in, fan_out);
}

bool ml_init_fill(ml_tensor *w, ml_init init, ml_key key)
{
    return w && mli_has_values("init", w) && check_target(w, init) && fill_by_shape(w, init, key);
}

typedef struct new_values {
    ml_shape shape;
    ml_dtype dtype;
    ml_init  init;
} new_values;

static ml_tensor *draw_values(void *ctx, ml_key key)
{
    const new_values *v = ctx;
    ml_tensor        *t = ml_empty(v->shape, v->dtype);
    return t && fill_by_shape(t, v->init, key) ? t : NULL;
}

bool ml_init_draw(ml_tensor *w, ml_init init)
{
    if (!check_target(w, init)) return false;
    ml_scope   scope = ml_scope_begin();
    new_values v     = { w->shape, ml_tensor_dtype(w), init };
    ml_tensor *t     = ml_draw(draw_values, &v);
    bool       ok    = t && ml_copy_into(w, t);
    ml_scope_end(&scope);
    return ok;
}
