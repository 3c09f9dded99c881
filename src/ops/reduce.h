/* What the families of reductions share: reduce.c (which defines it, with sum and mean), extremes.c, counts.c, moments.c, scan.c,
 * order.c. */
#ifndef MOONLAB_OPS_REDUCE_H
#define MOONLAB_OPS_REDUCE_H

#include "ops/op.h"

#include "kernels/kernels.h"

/* The input as a contiguous (outer, reduced, inner). */
typedef struct {
    int64_t    outer, reduced, inner;
    ml_tensor *x;
} mli_block;
bool     mli_make_block(ml_tensor *x, const bool mask[ML_MAX_DIMS], mli_block *b);
/* scale times the sums of n columns of rows that lie `step` apart, f32 or f64: what a sum over a dimension that is not the last one gives. */
void     mli_sum_down(ml_dtype dtype, int64_t rows, int64_t n, const void *x, int64_t step, double scale, void *out);
ml_shape mli_reduced_shape(const ml_shape *in, const bool mask[ML_MAX_DIMS], bool keepdim);

/* --- options that begin with dims and keepdim: over dims, all when none are given ------------------------------------------ */
typedef ml_sum_opts mli_over; /* stands for the option struct of each of them */
#define MLI_IS_OVER(op) \
    _Static_assert(offsetof(ml_##op##_opts, dims) == offsetof(mli_over, dims) && offsetof(ml_##op##_opts, keepdim) == offsetof(mli_over, keepdim), \
                   #op " is read as sum is")
bool       mli_reduce_infer(ml_call *c);                          /* the shape; the dtype of the input */
void       mli_reduce_mask(const ml_call *c, bool mask[ML_MAX_DIMS]);
bool       mli_reduce_block(ml_call *c, mli_block *b);            /* of in[0] */
int64_t    mli_n_reduced(const ml_call *c);                       /* how many values become one */
ml_tensor *mli_keep_dims(const ml_call *c, ml_tensor *y);         /* the reduced dimensions put back as 1: broadcasts against in[0] */
ml_tensor *mli_reduce_vmap(ml_call *c, const bool batched[], int64_t batch);
bool       mli_refuse_nothing(const ml_call *c);                  /* false, with a message, where a value would be of no values */

/* --- options that begin with dim -------------------------------------------------------------------------------------------- */
bool       mli_dim_block(ml_call *c, int dim, mli_block *b);      /* of in[0], dim reduced; infer has checked dim */
/* dim is the one in the options; o, opts_bytes long, may be changed. keepdim NULL: the operation keeps the shape. */
ml_tensor *mli_dim_vmap(ml_call *c, void *o, int *dim, bool *keepdim, int64_t batch);

#endif
