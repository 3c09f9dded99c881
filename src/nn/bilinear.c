/* Bilinear: y_o = a^T W_o b + bias_o, where a and b stand side by side along the last dimension of the input. */
#include "nn/module.h"

#include <stdio.h>
#include <string.h>

static ml_tensor *part(ml_tensor *x, int dim, int64_t from, int64_t to) { return ml_slice(x, &(ml_slice_opts){ dim, from, to, 1 }); }

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_shape s    = ml_tensor_shape(x);
    int64_t  both = m->bilinear.in[0] + m->bilinear.in[1];
    if (s.n == 0 || s.size[s.n - 1] != both)
        return ml_fail("%s: the input's last size must be %lld, both vectors side by side; its shape is %s", ml_module_text(m),
                       (long long)both, ml_shape_text(&s));
    static const ml_einsum_opts rule  = { "...i,oij,...j->...o" };
    ml_tensor                  *in[3] = { part(x, s.n - 1, 0, m->bilinear.in[0]), a->params[0], part(x, s.n - 1, m->bilinear.in[0], both) };
    ml_tensor                  *y     = ml_einsum(in, 3, &rule);
    return m->bilinear.bias ? ml_add(y, a->params[1]) : y;
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "Bilinear(%lld, %lld -> %lld%s)", (long long)m->bilinear.in[0], (long long)m->bilinear.in[1],
             (long long)m->bilinear.out, m->bilinear.bias ? "" : ", no bias");
}

static const mli_module_kind bilinear_kind = { "Bilinear", forward, text, { "weight", "bias" }, { NULL } };

ml_module *ml_nn_bilinear(int64_t in1, int64_t in2, int64_t out, const ml_linear_layer_opts *opts)
{
    ml_linear_layer_opts o = opts ? *opts : (ml_linear_layer_opts){ 0 };
    if (in1 < 1 || in2 < 1 || out < 1 || in1 > INT32_MAX || in2 > INT32_MAX || out > INT32_MAX)
        return ml_fail("Bilinear: sizes must be at least 1, got %lld, %lld -> %lld", (long long)in1, (long long)in2, (long long)out);
    if (!ml_dtype_is_float(o.dtype)) return ml_fail("Bilinear: dtype must be f32 or f64, got %s", ml_dtype_name(o.dtype));
    int        n = o.no_bias ? 1 : 2;
    ml_module *m = mli_module_new(&bilinear_kind, n, 0);
    if (!m) return NULL;
    memcpy(m->bilinear.in, (int64_t[]){ in1, in2 }, sizeof m->bilinear.in);
    m->bilinear.out  = out;
    m->bilinear.bias = !o.no_bias;
    const mli_parameter list[] = { { ML_SHAPE(out, in1, in2), mli_init_or(o.weight_init, ML_INIT_FAN_IN_UNIFORM) },
                                   { ML_SHAPE(out), mli_init_or(o.bias_init, ML_INIT_FAN_IN_UNIFORM) } };
    return mli_module_fill(m, list, n, o.dtype, in1, out * in2);
}
