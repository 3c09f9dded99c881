/* Embedding: a row of the table for every id. */
#include "nn/module.h"

#include <stdio.h>

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    return mli_blame(m, "embedding", ml_embedding(a->params[0], x, &(ml_embedding_opts){ .base = m->embedding.base }));
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "Embedding(%lld -> %lld)", (long long)m->embedding.rows, (long long)m->embedding.dim);
}

const mli_module_kind mli_embedding_kind = { "Embedding", forward, text, { "weight" }, { NULL } };

ml_module *ml_nn_embedding(int64_t rows, int64_t dim, const ml_embedding_layer_opts *opts)
{
    ml_embedding_layer_opts o = opts ? *opts : (ml_embedding_layer_opts){ 0 };
    if (rows < 1 || dim < 1)
        return ml_fail("Embedding: sizes must be at least 1, got %lld -> %lld", (long long)rows, (long long)dim);
    if (!ml_dtype_is_float(o.dtype)) return ml_fail("Embedding: dtype must be f32 or f64, got %s", ml_dtype_name(o.dtype));
    ml_module *m = mli_module_new(&mli_embedding_kind, 1, 0);
    if (!m) return NULL;
    m->embedding.rows = rows;
    m->embedding.dim  = dim;
    m->embedding.base = o.base;
    const mli_parameter weight = { ML_SHAPE(rows, dim), mli_init_or(o.init, ML_INIT_NORMAL) };
    return mli_module_fill(m, &weight, 1, o.dtype, dim, rows);
}
