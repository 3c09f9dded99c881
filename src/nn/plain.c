/* Layers without parameters: Flatten, and every activation. */
#include "nn/module.h"

#include <ctype.h>

/* --- Flatten ------------------------------------------------------------------------------------------------------------ */
static ml_tensor *flatten(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    (void)a;
    int n = ml_tensor_ndim(x);
    if (n == 0) return ml_fail("%s: the input is a single number; it must have a first dimension, that of the samples", ml_module_text(m));
    if (n == 2) return x;
    int64_t rows = ml_tensor_size(x, 0), product = 1;
    for (int d = 1; d < n; d++) product *= ml_tensor_size(x, d); /* not -1: there may be no samples */
    return ml_reshape(x, &(ml_reshape_opts){ ML_SHAPE(rows, product) });
}

const mli_module_kind mli_flatten_kind = { "Flatten", flatten, NULL, { NULL }, { NULL } };

ml_module *ml_nn_flatten(void)
{
    return mli_module_new(&mli_flatten_kind, 0, 0);
}

/* --- activations ---------------------------------------------------------------------------------------------------------- */
static ml_tensor *activate(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    (void)a;
    return ml_op_apply(m->activation.op, &x, 1, NULL);
}

const mli_module_kind mli_activation_kind = { NULL, activate, NULL, { NULL }, { NULL } };

ml_act mli_activation_act(const ml_module *m)
{
    if (m->kind != &mli_activation_kind) return ML_ACT_NONE;
    switch (m->activation.op) {
    case ML_OP_relu: return ML_ACT_RELU;
    case ML_OP_tanh: return ML_ACT_TANH;
    case ML_OP_sigmoid: return ML_ACT_SIGMOID;
    default: return ML_ACT_NONE;
    }
}

/* "soft_sign" -> "SoftSign", as layers are called; but for ReLU, which everybody knows by another spelling. */
static void layer_name(ml_op_id op, char *to, size_t bytes)
{
    const char *from = op == ML_OP_relu ? "ReLU" : ml_op_info_at(op)->name;
    size_t      used = 0;
    for (bool begins = true; *from && used + 1 < bytes; from++) {
        if (*from != '_') to[used++] = begins ? (char)toupper((unsigned char)*from) : *from;
        begins = *from == '_';
    }
    to[used] = '\0';
}

ml_module *ml_nn_activation(ml_op_id op)
{
    const ml_op_info *info = ml_op_info_at(op);
    if (!info) return ml_fail("activation: there is no operation %d", (int)op);
    if (info->n_in != 1 || info->opts_bytes)
        return ml_fail("activation: %s is none; an activation has one input and no options", info->name);
    ml_module *m = mli_module_new(&mli_activation_kind, 0, 0);
    if (!m) return NULL;
    m->activation.op = op;
    layer_name(op, m->activation.name, sizeof m->activation.name);
    return m;
}
