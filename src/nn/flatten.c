/* Flatten. */
#include "nn/module.h"

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
