/* What the parts of transformers know of each other. */
#ifndef MOONLAB_NN_ATTENTION_H
#define MOONLAB_NN_ATTENTION_H

#include "nn/module.h"

/* MultiHeadAttention of queries, which are x (n, t, dim) or its last positions, to x: of the queries' shape. a: its own arguments. */
ml_tensor *mli_attend(const ml_module *m, const mli_args *a, ml_tensor *x, ml_tensor *queries);
/* (t, n): positions first, first + 1, ... times 10000^(-i/n), for i < n; not recorded */
ml_tensor *mli_position_angles(int64_t t, int64_t n, int64_t first, ml_dtype dtype);

#endif
