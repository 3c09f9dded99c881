/* Locally connected layers: convolutions with other weights at each place. The windows of all images at one place are the rows of a matrix,
 * the weights of this place another: one product for each place. */
#include "nn/conv.h"

#include <stdio.h>
#include <string.h>

static int64_t places(const ml_module *m, int d)
{
    int64_t before, behind;
    mli_conv_padding(m, d, &before, &behind);
    int64_t reach = m->conv.size[d] + before + behind - m->conv.kernel[d];
    return reach < 0 ? 0 : reach / m->conv.stride[d] + 1;
}

/* (n, c, h, w) -> (n, c, h', w', kh, kw), a view */
static ml_tensor *windows_of(const ml_module *m, ml_tensor *x)
{
    for (int d = 0; d < 2; d++) x = ml_unfold(x, &(ml_unfold_opts){ .dim = 2 + d, .size = m->conv.kernel[d], .step = m->conv.stride[d] });
    return x;
}

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    if (!mli_conv_fits(m, x)) return NULL;
    bool     row = m->conv.dims == 1;
    ml_shape s   = ml_tensor_shape(x);
    if ((!row && s.size[2] != m->conv.size[0]) || s.size[s.n - 1] != m->conv.size[1])
        return ml_fail("%s: the input has another size, its shape is %s", ml_module_text(m), ml_shape_text(&s));
    int64_t    n = s.size[0], high = places(m, 0), wide = places(m, 1), taps = m->conv.in * m->conv.kernel[0] * m->conv.kernel[1];
    ml_tensor *w = mli_reshaped(a->params[0], ML_SHAPE(high * wide, m->conv.out, taps));
    x            = mli_conv_padded(m, row ? mli_with_row(x) : x);
    x            = ml_permute(windows_of(m, x), &(ml_permute_opts){ { 6, { 2, 3, 0, 1, 4, 5 } } });
    ml_tensor *y = ml_bmm(mli_reshaped(x, ML_SHAPE(high * wide, n, taps)), ml_mT(w)); /* (places, n, out) */
    y            = mli_reshaped(ml_permute(y, &(ml_permute_opts){ { 3, { 1, 2, 0 } } }), ML_SHAPE(n, m->conv.out, high, wide));
    if (row) y = mli_without_row(y);
    return m->conv.bias ? ml_add(y, a->params[1]) : y;
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    mli_conv_text(m, to, bytes);
    size_t used = strlen(to) - 1; /* before the bracket */
    if (m->conv.dims == 1) snprintf(to + used, bytes - used, ", size %lld)", (long long)m->conv.size[1]);
    else snprintf(to + used, bytes - used, ", size %lldx%lld)", (long long)m->conv.size[0], (long long)m->conv.size[1]);
}

static const mli_module_kind local2d = { "LocallyConnected2d", forward, text, { "weight", "bias" }, { NULL } },
                             local1d = { "LocallyConnected1d", forward, text, { "weight", "bias" }, { NULL } };

/* --- making one ------------------------------------------------------------------------------------------------------------------ */
static bool check(const char *name, const ml_conv_layer_opts *o, const int64_t size[2])
{
    if (o->groups > 1 || o->dilation[0] > 1 || o->dilation[1] > 1 || o->output_padding[0] || o->output_padding[1])
        return ml_fail("%s: takes neither groups nor dilation", name);
    ml_init_kind of_matrices = o->weight_init.kind >= ML_INIT_ORTHOGONAL ? o->weight_init.kind : o->bias_init.kind;
    if (of_matrices >= ML_INIT_ORTHOGONAL)
        return ml_fail("%s: %s is made for one matrix, here there is one at each place", name, ml_init_name(of_matrices));
    return (size[0] >= 1 && size[1] >= 1 && size[0] <= INT32_MAX && size[1] <= INT32_MAX) ||
           ml_fail("%s: the size of its images must be at least 1, got (%lld, %lld)", name, (long long)size[0], (long long)size[1]);
}

static ml_module *make(const mli_module_kind *kind, int dims, int64_t in, int64_t out, const int64_t kernel[2], const int64_t size[2],
                       const ml_conv_layer_opts *opts)
{
    ml_conv_layer_opts o = opts ? *opts : (ml_conv_layer_opts){ 0 };
    if (!check(kind->name, &o, size)) return NULL;
    ml_module *m = mli_conv_new(kind, dims, in, out, kernel, o);
    if (!m) return NULL;
    memcpy(m->conv.size, size, sizeof m->conv.size);
    int64_t high = places(m, 0), wide = places(m, 1), area = kernel[0] * kernel[1];
    if (high < 1 || wide < 1) {
        ml_module_release(m);
        return ml_fail("%s: the kernel (%lld, %lld) is larger than the images with their padding, (%lld, %lld)", kind->name, (long long)kernel[0],
                       (long long)kernel[1], (long long)size[0], (long long)size[1]);
    }
    ml_shape weight = ML_SHAPE(high * wide, out, in, kernel[0], kernel[1]), bias = ML_SHAPE(out, high, wide);
    if (dims == 1) weight = ML_SHAPE(wide, out, in, kernel[1]), bias = ML_SHAPE(out, wide);
    const mli_parameter list[] = { { weight, mli_init_or(o.weight_init, ML_INIT_FAN_IN_UNIFORM) },
                                   { bias, mli_init_or(o.bias_init, ML_INIT_FAN_IN_UNIFORM) } };
    return mli_module_fill(m, list, m->n_params, o.dtype, in * area, out * area);
}

ml_module *ml_nn_locally_connected2d(int64_t in, int64_t out, const int64_t kernel[2], const int64_t size[2], const ml_conv_layer_opts *opts)
{
    return make(&local2d, 2, in, out, kernel, size, opts);
}

ml_module *ml_nn_locally_connected1d(int64_t in, int64_t out, int64_t kernel, int64_t size, const ml_conv_layer_opts *opts)
{
    return make(&local1d, 1, in, out, (int64_t[]){ 1, kernel }, (int64_t[]){ 1, size }, opts);
}
