/* moonlab/linalg.h - factorisations taken apart, and spectra of matrices that are only known as functions.
 *
 *     ml_tensor *w, *v;
 *     ml_eigh(x, &w, &v);                                   // x = v diag(w) v^T, recorded: w and v have derivatives
 *
 *     static bool apply(void *ctx, ml_tensor *v, ml_tensor **out) { return ml_hvp(..., out); }
 *     ml_operator hessian = { apply, &model, n_parameters, ML_F32 };
 *     ml_spectrum top;
 *     ml_lanczos(&hessian, &(ml_lanczos_opts){ .k = 5 }, &top);             // its five largest eigenvalues
 *
 * The operations (solve, inv, pinv, cholesky, ...) are in ops.h. LAPACK is loaded at the first of them.
 */
#ifndef MOONLAB_LINALG_H
#define MOONLAB_LINALG_H

#include "moonlab/autograd.h"

const char *ml_linalg_library(void); /* which LAPACK was found; NULL with a message */

/* --- factorisations of each matrix in (..., m, n); k = min(m, n) -------------------------------------------------------- */
/* Where eigenvalues or singular values coincide, only what does not depend on the choice of their vectors has a derivative. */
bool ml_eigh(ml_tensor *x, ml_tensor **w, ml_tensor **v);               /* of (x + x^T) / 2: w (..., n) ascending, v columns */
bool ml_svd(ml_tensor *x, ml_tensor **u, ml_tensor **s, ml_tensor **v); /* x = u diag(s) v^T: (m, k), (k) falling, (n, k) */
bool ml_qr(ml_tensor *x, ml_tensor **q, ml_tensor **r);                 /* (m, k), (k, n), diagonal of r >= 0 */
bool ml_sign_logdet(ml_tensor *x, ml_tensor **sign, ml_tensor **logdet); /* each (...) */

/* --- symmetric operators: functions of vectors ------------------------------------------------------------------------------ */
typedef struct ml_operator {
    bool (*apply)(void *ctx, ml_tensor *v, ml_tensor **out); /* v (n) -> out (n); false: failed, message set */
    void    *ctx;
    int64_t  n;
    ml_dtype dtype; /* of v; sums are in f64 whatever it is */
} ml_operator;

typedef struct ml_power_opts {
    int64_t steps;     /* at most; 0 = 100 */
    double  tolerance; /* ends when |A v - value v| <= tolerance |value|; 0 = 1e-6 */
    ml_key  start;     /* of the random first vector */
} ml_power_opts;

/* The eigenvalue of largest size and its vector (n), by power iteration; residual: |A v - value v| at the end. Any may be NULL. */
bool ml_power_iteration(const ml_operator *a, const ml_power_opts *opts, double *value, ml_tensor **vector, double *residual);

typedef enum ml_ends { ML_LARGEST, ML_SMALLEST, ML_BOTH_ENDS } ml_ends;

typedef struct ml_lanczos_opts {
    int64_t k;       /* how many eigenvalues, at each end asked for; 0 = 1 */
    ml_ends ends;
    int64_t steps;   /* products with A, never more than n; 0 = 50, or 2 k where that is more */
    bool    vectors; /* the eigenvectors too */
    ml_key  start;
} ml_lanczos_opts;

typedef struct ml_spectrum {
    ml_tensor *values;  /* (m) f64, ascending */
    ml_tensor *errors;  /* (m) f64: an eigenvalue of A lies within this of each */
    ml_tensor *vectors; /* (n, m) in columns, in the operator's dtype; NULL unless asked for */
} ml_spectrum;

/* Extreme eigenvalues of a symmetric operator (Lanczos 1950) with full reorthogonalisation: steps * n numbers of memory. Of an
 * eigenvalue that A has several times, the further copies come late: all of them are there after n steps. */
bool ml_lanczos(const ml_operator *a, const ml_lanczos_opts *opts, ml_spectrum *out);

typedef struct ml_density_opts {
    int64_t probes, steps, points; /* 0 = 10, 80, 200 */
    double  sigma;                 /* width of the Gaussian around each eigenvalue; 0 = 1 % of the range of the spectrum */
    double  low, high;             /* of the points; both 0 = the range of the spectrum and 5 sigma beyond */
    ml_key  start;
} ml_density_opts;

/* The density of all eigenvalues, smoothed, by stochastic Lanczos quadrature: points (p) and density (p), whose integral is 1.
 * Ghorbani, Krishnan and Xiao 2019, "An investigation into neural net optimization via Hessian eigenvalue density". */
bool ml_spectral_density(const ml_operator *a, const ml_density_opts *opts, ml_tensor **points, ml_tensor **density);

#endif
