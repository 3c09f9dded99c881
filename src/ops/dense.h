/* What the operations on dense matrices share: batches of them as f64, constants of their rules, vmap. */
#ifndef MOONLAB_OPS_DENSE_H
#define MOONLAB_OPS_DENSE_H

#include "ops/lapack.h"
#include "ops/op.h"

/* --- shape rules --------------------------------------------------------------------------------------------------------- */
bool mli_is_matrix(const ml_call *c, int i);        /* has two dimensions and fits LAPACK; else false with a message */
bool mli_is_square(const ml_call *c, int i);
bool mli_square_infer(ml_call *c);                  /* (..., n, n) -> (..., n, n) */
/* (..., n, m) and b (..., n, k) or (n) -> (..., m, k) or (..., m): the batches broadcast, b of one dimension is a vector. */
bool mli_solution_infer(ml_call *c);
static inline int64_t mli_rows(const ml_tensor *x) { return x->shape.size[x->shape.n - 2]; }
static inline int64_t mli_cols(const ml_tensor *x) { return x->shape.size[x->shape.n - 1]; }

/* --- values -------------------------------------------------------------------------------------------------------------- */
/* The matrices of x one after the other, f64, column-major, for LAPACK to work in: a temporary of the scope. NULL with a
 * message for want of memory, or for NaN and infinities, which LAPACK may loop over forever. */
double *mli_columns(const ml_call *c, ml_tensor *x);
double *mli_space(int64_t n);                       /* n f64 values, a temporary of the scope; NULL with a message */
/* Where the f64 values of the result go, row-major; mli_deliver brings them to the output in its dtype. */
double *mli_result(ml_call *c);
bool    mli_deliver(ml_call *c, const double *values);
int64_t mli_batch(const ml_shape *s);               /* how many matrices */
bool    mli_transposed_copy(const double *columns, int64_t rows, int64_t cols, double *out); /* to row-major; true */

/* --- for rules, in recorded operations -------------------------------------------------------------------------------------- */
ml_tensor *mli_rows_of(ml_tensor *x, int64_t first, int64_t n);      /* rows first..first+n-1 of each matrix */
ml_tensor *mli_on_diagonal(ml_tensor *row);                          /* (..., 1, n) -> (..., n, n) */
ml_tensor *mli_symmetric(ml_tensor *x);                              /* (x + x^T) / 2 */
ml_tensor *mli_product3(ml_tensor *a, ml_tensor *b, ml_tensor *c);
double     mli_epsilon(const ml_tensor *x);                          /* of its dtype */

/* --- vmap: matrices are the last dimensions, so a batch is one more of them ---------------------------------------------------- */
ml_tensor *mli_matrix_vmap(ml_call *c, const bool batched[], int64_t n);   /* one input */
ml_tensor *mli_solution_vmap(ml_call *c, const bool batched[], int64_t n); /* a and b as in mli_solution_infer */

#endif
