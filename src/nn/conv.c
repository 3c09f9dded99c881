/* Convolutions of one and two dimensions, and the transposed ones. */
#include "nn/conv.h"

#include <stdio.h>
#include <string.h>

/* --- dimensions ----------------------------------------------------------------------------------------------------------- */
ml_tensor *mli_with_row(ml_tensor *x)
{
    if (!x) return NULL;
    ml_shape s = ml_tensor_shape(x);
    return mli_reshaped(x, ML_SHAPE(s.size[0], s.size[1], 1, s.size[2]));
}

ml_tensor *mli_without_row(ml_tensor *y)
{
    if (!y) return NULL;
    ml_shape s = ml_tensor_shape(y);
    return mli_reshaped(y, ML_SHAPE(s.size[0], s.size[1], s.size[3]));
}

bool mli_conv_fits(const ml_module *m, ml_tensor *x)
{
    ml_shape s = ml_tensor_shape(x);
    if (s.n != m->conv.dims + 2)
        return ml_fail("%s: the input must be %s, got %s", ml_module_text(m), m->conv.dims == 1 ? "(n, channels, length)" : "(n, channels, height, width)", ml_shape_text(&s));
    return s.size[1] == m->conv.in || ml_fail("%s: the input has %lld channels, not %lld; its shape is %s", ml_module_text(m), (long long)s.size[1],
                                              (long long)m->conv.in, ml_shape_text(&s));
}

/* --- padding ----------------------------------------------------------------------------------------------------------------- */
void mli_conv_padding(const ml_module *m, int d, int64_t *before, int64_t *behind)
{
    int64_t reach = (m->conv.kernel[d] - 1) * m->conv.dilation[d];
    *before = m->conv.same ? reach / 2 : m->conv.padding[d];
    *behind = m->conv.same ? reach - reach / 2 : m->conv.padding[d];
}

ml_tensor *mli_conv_padded(const ml_module *m, ml_tensor *x)
{
    ml_pad_opts o = { .pad = { .n = 4 }, .mode = m->conv.padding_mode };
    for (int d = 0; d < 2; d++) mli_conv_padding(m, d, &o.pad.at[2 - 2 * d], &o.pad.at[3 - 2 * d]); /* the last dimension first */
    return mli_blame(m, "pad", ml_pad(x, &o));
}

/* --- forward ------------------------------------------------------------------------------------------------------------------- */
ml_tensor *mli_conv_bias(const ml_module *m, ml_tensor *const *params)
{
    return m->conv.bias ? params[1] : ml_zeros(ML_SHAPE(m->conv.out), ml_tensor_dtype(params[0]));
}

ml_tensor *mli_conv_with(const ml_module *m, ml_tensor *x, ml_tensor *w, ml_tensor *b, ml_act act)
{
    ml_conv2d_bias_opts o = { .groups = m->conv.groups, .act = act };
    bool                zeros  = m->conv.padding_mode == ML_PAD_CONSTANT; /* these the operation adds itself */
    int64_t             cut[2] = { 0, 0 };
    for (int d = 0; d < 2; d++) {
        int64_t before, behind;
        mli_conv_padding(m, d, &before, &behind);
        o.stride[d]   = m->conv.stride[d];
        o.dilation[d] = m->conv.dilation[d];
        o.padding[d]  = zeros ? behind : 0;
        cut[d]        = zeros ? behind - before : 0; /* both ends got the larger one: the first place is too many */
    }
    ml_tensor *y = mli_blame(m, "conv2d_bias", ml_conv2d_bias(zeros ? x : mli_conv_padded(m, x), w, b, &o));
    for (int d = 0; d < 2; d++)
        if (y && cut[d]) y = ml_slice(y, &(ml_slice_opts){ 2 + d, cut[d], INT64_MAX, 1 });
    return y;
}

/* Signals and pictures of one channel are often kept without its dimension. */
static ml_tensor *with_channel(const ml_module *m, ml_tensor *x)
{
    return m->conv.in == 1 && x && ml_tensor_ndim(x) == m->conv.dims + 1 ? ml_unsqueeze(x, &(ml_unsqueeze_opts){ 1 }) : x;
}

ml_tensor *mli_conv_apply(const ml_module *m, ml_tensor *w, ml_tensor *b, ml_tensor *x, ml_act act)
{
    x = with_channel(m, x);
    if (!mli_conv_fits(m, x)) return NULL;
    if (m->conv.dims == 2) return mli_conv_with(m, x, w, b, act);
    return mli_without_row(mli_conv_with(m, mli_with_row(x), mli_with_row(w), b, act));
}

ml_tensor *mli_conv_run(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_act act)
{
    return mli_conv_apply(m, params[0], mli_conv_bias(m, params), x, act);
}

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    return mli_conv_run(m, a->params, x, ML_ACT_NONE);
}

static ml_tensor *transposed_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    if (!mli_conv_fits(m, x)) return NULL;
    bool row = m->conv.dims == 1;
    if (row && !(x = mli_with_row(x))) return NULL;
    ml_conv2d_dx_opts o = { .groups = m->conv.groups };
    for (int d = 0; d < 2; d++) {
        o.stride[d]   = m->conv.stride[d];
        o.padding[d]  = m->conv.padding[d];
        o.dilation[d] = m->conv.dilation[d];
        o.size[d]     = (ml_tensor_size(x, 2 + d) - 1) * o.stride[d] - 2 * o.padding[d] + o.dilation[d] * (m->conv.kernel[d] - 1) + m->conv.output_padding[d] + 1;
        if (o.size[d] < 0) return ml_fail("%s: nothing is left of an input of %lld", ml_module_text(m), (long long)ml_tensor_size(x, 2 + d));
    }
    ml_tensor *y = mli_blame(m, "conv2d_dx", ml_conv2d_dx(x, row ? mli_with_row(a->params[0]) : a->params[0], &o));
    if (m->conv.bias) y = ml_add(y, mli_reshaped(a->params[1], ML_SHAPE(m->conv.out, 1, 1)));
    return row ? mli_without_row(y) : y;
}

/* --- text: "Conv2d(3 -> 16, kernel 3, stride 2, padding 1)"; a pair that is no square as 3x5 ------------------------------------ */
static void add_pair(char *to, size_t bytes, const char *name, const int64_t pair[2], int dims, int64_t silent)
{
    size_t used = strlen(to);
    if (pair[1] == silent && (dims == 1 || pair[0] == silent)) return;
    if (dims == 1 || pair[0] == pair[1]) snprintf(to + used, bytes - used, ", %s %lld", name, (long long)pair[1]);
    else snprintf(to + used, bytes - used, ", %s %lldx%lld", name, (long long)pair[0], (long long)pair[1]);
}

void mli_conv_text(const ml_module *m, char *to, size_t bytes)
{
    static const char *const modes[ML_PAD_COUNT] = { "", ", reflect", ", replicate", ", circular" };
    snprintf(to, bytes, "%s(%lld -> %lld", ml_module_kind(m), (long long)m->conv.in, (long long)m->conv.out);
    add_pair(to, bytes, "kernel", m->conv.kernel, m->conv.dims, -1);
    add_pair(to, bytes, "stride", m->conv.stride, m->conv.dims, 1);
    if (!m->conv.same) add_pair(to, bytes, "padding", m->conv.padding, m->conv.dims, 0);
    add_pair(to, bytes, "dilation", m->conv.dilation, m->conv.dims, 1);
    size_t used = strlen(to);
    snprintf(to + used, bytes - used, "%s%s", m->conv.same ? ", same" : "", modes[m->conv.padding_mode]);
    used = strlen(to);
    if (m->conv.groups > 1) snprintf(to + used, bytes - used, ", %lld groups", (long long)m->conv.groups);
    used = strlen(to);
    snprintf(to + used, bytes - used, "%s)", m->conv.bias ? "" : ", no bias");
}

#define OWN { "weight", "bias" }, { NULL }
const mli_module_kind mli_conv2d_kind = { "Conv2d", forward, mli_conv_text, OWN }, mli_conv1d_kind = { "Conv1d", forward, mli_conv_text, OWN };
static const mli_module_kind transposed2d = { "ConvTranspose2d", transposed_forward, mli_conv_text, OWN },
                             transposed1d = { "ConvTranspose1d", transposed_forward, mli_conv_text, OWN };

/* --- making one ------------------------------------------------------------------------------------------------------------------ */
static bool check(const char *name, int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *o, int64_t groups)
{
    if (in < 1 || out < 1 || kernel[0] < 1 || kernel[1] < 1 || kernel[0] > INT32_MAX || kernel[1] > INT32_MAX || in > INT32_MAX || out > INT32_MAX)
        return ml_fail("%s: sizes must be at least 1, got %lld -> %lld with a kernel of (%lld, %lld)", name, (long long)in, (long long)out, (long long)kernel[0], (long long)kernel[1]);
    if (groups < 1 || in % groups || out % groups)
        return ml_fail("%s: %lld groups do not divide %lld inputs and %lld outputs", name, (long long)groups, (long long)in, (long long)out);
    for (int d = 0; d < 2; d++) {
        if (o->stride[d] < 0 || o->dilation[d] < 0 || o->padding[d] < 0 || o->output_padding[d] < 0 || o->stride[d] > INT32_MAX || o->dilation[d] > INT32_MAX ||
            o->padding[d] > INT32_MAX || o->output_padding[d] > INT32_MAX)
            return ml_fail("%s: stride and dilation must be at least 1, padding at least 0", name);
        if (o->output_padding[d] && o->output_padding[d] >= o->stride[d] && o->output_padding[d] >= o->dilation[d])
            return ml_fail("%s: output_padding must be smaller than the stride or the dilation, got %lld", name, (long long)o->output_padding[d]);
    }
    if (o->same && (o->stride[0] > 1 || o->stride[1] > 1)) return ml_fail("%s: \"same\" padding keeps the size only with a stride of 1", name);
    if (o->padding_mode < 0 || o->padding_mode >= ML_PAD_COUNT) return ml_fail("%s: there is no padding mode %d", name, (int)o->padding_mode);
    return ml_dtype_is_float(o->dtype) || ml_fail("%s: dtype must be f32 or f64, got %s", name, ml_dtype_name(o->dtype));
}

ml_module *mli_conv_new(const mli_module_kind *kind, int dims, int64_t in, int64_t out, const int64_t kernel[2], ml_conv_layer_opts o)
{
    int64_t groups = o.groups ? o.groups : 1;
    if (dims == 1) { /* the first of each pair, for columns */
        o.stride[1] = o.stride[0], o.dilation[1] = o.dilation[0], o.padding[1] = o.padding[0], o.output_padding[1] = o.output_padding[0];
        o.stride[0] = o.dilation[0] = 1;
        o.padding[0] = o.output_padding[0] = 0;
    }
    if (!check(kind->name, in, out, kernel, &o, groups)) return NULL;
    ml_module *m = mli_module_new(kind, o.no_bias ? 1 : 2, 0);
    if (!m) return NULL;
    m->conv.in           = in;
    m->conv.out          = out;
    m->conv.dims         = dims;
    m->conv.groups       = groups;
    m->conv.bias         = !o.no_bias;
    m->conv.same         = o.same;
    m->conv.padding_mode = o.padding_mode;
    for (int d = 0; d < 2; d++) {
        m->conv.kernel[d]         = kernel[d];
        m->conv.stride[d]         = o.stride[d] ? o.stride[d] : 1;
        m->conv.dilation[d]       = o.dilation[d] ? o.dilation[d] : 1;
        m->conv.padding[d]        = o.padding[d];
        m->conv.output_padding[d] = o.output_padding[d];
    }
    return m;
}

static ml_module *make(const mli_module_kind *kind, int dims, int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts)
{
    ml_conv_layer_opts o = opts ? *opts : (ml_conv_layer_opts){ 0 };
    ml_module         *m = mli_conv_new(kind, dims, in, out, kernel, o);
    if (!m) return NULL;
    bool     transposed = kind->forward == transposed_forward;
    int64_t  first = transposed ? in : out, second = (transposed ? out : in) / m->conv.groups, area = kernel[0] * kernel[1];
    ml_shape shape = dims == 1 ? ML_SHAPE(first, second, kernel[1]) : ML_SHAPE(first, second, kernel[0], kernel[1]);
    mli_parameter list[] = { { shape, mli_init_or(o.weight_init, ML_INIT_FAN_IN_UNIFORM) }, { ML_SHAPE(out), mli_init_or(o.bias_init, ML_INIT_FAN_IN_UNIFORM) } };
    list[0].init.groups = m->conv.groups;
    return mli_module_fill(m, list, m->n_params, o.dtype, second * area, first * area);
}

ml_module *ml_nn_conv2d(int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts)
{
    return make(&mli_conv2d_kind, 2, in, out, kernel, opts);
}

ml_module *ml_nn_conv1d(int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts)
{
    return make(&mli_conv1d_kind, 1, in, out, (int64_t[]){ 1, kernel }, opts);
}

static ml_module *make_transposed(const mli_module_kind *kind, int dims, int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts)
{
    if (opts && (opts->same || opts->padding_mode != ML_PAD_CONSTANT)) return ml_fail("%s: padding is a number here", kind->name);
    return make(kind, dims, in, out, kernel, opts);
}

ml_module *ml_nn_conv_transpose2d(int64_t in, int64_t out, const int64_t kernel[2], const ml_conv_layer_opts *opts)
{
    return make_transposed(&transposed2d, 2, in, out, kernel, opts);
}

ml_module *ml_nn_conv_transpose1d(int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts)
{
    return make_transposed(&transposed1d, 1, in, out, (int64_t[]){ 1, kernel }, opts);
}
