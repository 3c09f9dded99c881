/* What the products share: tensors seen as matrices, and the kernel for their dtype. */
#ifndef MOONLAB_OPS_MATRIX_H
#define MOONLAB_OPS_MATRIX_H

#include "kernels/kernels.h"
#include "ops/op.h"

/* Sizes and steps of the last two dimensions. */
typedef struct mli_matrix {
    int64_t rows, cols, row, col;
} mli_matrix;

static inline mli_matrix mli_last_two(const ml_tensor *t)
{
    int n = t->shape.n;
    return (mli_matrix){ t->shape.size[n - 2], t->shape.size[n - 1], t->strides[n - 2], t->strides[n - 1] };
}

bool mli_multiply(ml_dtype dtype, const mlk_gemm *g); /* f32, f64, i64; false: no memory */

/* act(z), recorded: what the fused layers compose from. */
ml_tensor *mli_act(ml_act act, ml_tensor *z);
mlk_act    mli_kernel_act(ml_act act);
/* dy times the slope of the activation at the output y: one pass, not recorded. */
ml_tensor *mli_before_act(ml_act act, ml_tensor *dy, ml_tensor *y);

#endif
