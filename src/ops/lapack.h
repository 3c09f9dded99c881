/* The part of LAPACK that moonlab uses, in f64: it stands in moonlab_lapack.so, loaded at the first factorisation. Matrices
 * are column-major. f32 is computed in f64 and rounded: small singular values of f32 matrices are worth more than speed.
 * Functions return LAPACK's info: 0 when done, > 0 as each says, -1 when the work space was refused. */
#ifndef MOONLAB_OPS_LAPACK_H
#define MOONLAB_OPS_LAPACK_H

#include <stddef.h>
#include <stdint.h>

#define MLI_LAPACK_MOST 20000 /* rows or columns: work spaces of a few n^2 keep below 2^31 values */

typedef void *mli_take_fn(size_t bytes);           /* the core's ml_block_take and ml_block_give */
typedef void mli_give_fn(void *ptr, size_t bytes);

typedef struct mli_lapack {
    const char *version; /* of moonlab */
    const char *(*about)(void);                                                   /* "OpenBLAS 0.3.21 ..., one thread" */
    int (*eigh)(int n, double *a, double *w);                                     /* lower a -> vectors; > 0: no convergence */
    int (*svd)(int m, int n, double *a, double *s, double *u, double *vt);        /* thin; a is destroyed; > 0: no convergence */
    int (*qr)(int m, int n, double *a, double *r);                                /* thin: a (m, min) -> Q; r (min, n) */
    int (*lu)(int m, int n, double *a, int *pivots);                              /* i > 0: U(i, i) is 0 */
    int (*lu_solve)(int n, int n_right, const double *lu, const int *pivots, double *b);
    int (*cholesky)(int n, double *a);                                            /* lower; i > 0: minor i is not positive */
    void (*solve_triangular)(int upper, int transpose, int unit, int n, int n_right, const double *a, double *b); /* no check */
} mli_lapack;

typedef const mli_lapack *mli_lapack_entry(mli_take_fn *take, mli_give_fn *give);
#define MLI_LAPACK_ENTRY "mli_lapack_start"

/* NULL with a message that begins with the operation's name. */
const mli_lapack *mli_lapack_find(const char *op);

#endif
