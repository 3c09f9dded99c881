/* Linear: y = x w^T + b along the last dimension. */
#include "nn/module.h"

#include <stdio.h>

/* Without a bias a constant zero stands in: one path, and the derivative does not visit it. */
ml_tensor *mli_linear_bias(const ml_module *m, ml_tensor *const *params)
{
    return m->linear.bias ? params[1] : ml_zeros(ML_SHAPE(m->linear.out), ml_tensor_dtype(params[0]));
}

ml_tensor *mli_linear_run(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_act act)
{
    int     n    = ml_tensor_ndim(x);
    int64_t last = n ? ml_tensor_size(x, n - 1) : 0;
    if (n == 0)
        return ml_fail("%s: the input is a single number; its last size must be %lld", ml_module_text(m), (long long)m->linear.in);
    if (last != m->linear.in) {
        ml_shape shape = ml_tensor_shape(x);
        return ml_fail("%s: the input's last size is %lld, not %lld; its shape is %s", ml_module_text(m), (long long)last,
                       (long long)m->linear.in, ml_shape_text(&shape));
    }
    return ml_linear(x, params[0], mli_linear_bias(m, params), &(ml_linear_opts){ .act = act });
}

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    return mli_linear_run(m, a->params, x, ML_ACT_NONE);
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "Linear(%lld -> %lld%s)", (long long)m->linear.in, (long long)m->linear.out, m->linear.bias ? "" : ", no bias");
}

const mli_module_kind mli_linear_kind = { "Linear", forward, text, { "weight", "bias" }, { NULL } };

ml_module *ml_nn_linear(int64_t in, int64_t out, const ml_linear_layer_opts *opts)
{
    ml_linear_layer_opts o = opts ? *opts : (ml_linear_layer_opts){ 0 };
    if (in < 1 || out < 1)
        return ml_fail("Linear: sizes must be at least 1, got %lld -> %lld", (long long)in, (long long)out);
    if (!ml_dtype_is_float(o.dtype)) return ml_fail("Linear: dtype must be f32 or f64, got %s", ml_dtype_name(o.dtype));
    int        n = o.no_bias ? 1 : 2;
    ml_module *m = mli_module_new(&mli_linear_kind, n, 0);
    if (!m) return NULL;
    m->linear.in   = in;
    m->linear.out  = out;
    m->linear.bias = !o.no_bias;
    const mli_parameter list[] = { { ML_SHAPE(out, in), mli_init_or(o.weight_init, ML_INIT_FAN_IN_UNIFORM) },
                                   { ML_SHAPE(out), mli_init_or(o.bias_init, ML_INIT_FAN_IN_UNIFORM) } };
    return mli_module_fill(m, list, n, o.dtype, in, out);
}
