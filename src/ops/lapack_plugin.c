/* moonlab_lapack.so: LAPACK's calling convention (Fortran: all by address, lengths of texts at the end) ends here. */
#include "ops/lapack.h"

#include "moonlab/base.h"

#include <stdio.h>
#include <string.h>

static mli_take_fn *take;
static mli_give_fn *give;

/* --- the library ------------------------------------------------------------------------------------------------------- */
typedef const char *text;
void dsyevd_(text jobz, text uplo, const int *n, double *a, const int *lda, double *w, double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t);
void dgesdd_(text jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u, const int *ldu, double *vt, const int *ldvt, double *work,
             const int *lwork, int *iwork, int *info, size_t);
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau, double *work, const int *lwork, int *info);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivots, int *info);
void dgetrs_(text trans, const int *n, const int *nrhs, const double *a, const int *lda, const int *pivots, double *b, const int *ldb, int *info, size_t);
void dpotrf_(text uplo, const int *n, double *a, const int *lda, int *info, size_t);
void dtrsm_(text side, text uplo, text transa, text diag, const int *m, const int *n, const double *alpha, const double *a, const int *lda, double *b, const int *ldb,
            size_t, size_t, size_t, size_t);
void ilaver_(int *major, int *minor, int *patch);

/* OpenBLAS has these, another LAPACK need not. */
void  openblas_set_num_threads(int n) __attribute__((weak));
char *openblas_get_config(void) __attribute__((weak));

/* --- work space: what the library asks for, from the core's accounted memory ---------------------------------------------- */
typedef struct {
    double *real;
    int    *whole, n_real, n_whole;
} space;

static size_t bytes_of(const space *s) { return (size_t)s->n_real * sizeof *s->real + (size_t)s->n_whole * sizeof *s->whole; }

static int space_take(space *s, double n_real, int n_whole)
{
    s->n_real  = (int)n_real;
    s->n_whole = n_whole;
    s->real    = take(bytes_of(s));
    s->whole   = s->real ? (int *)(void *)(s->real + s->n_real) : NULL;
    return s->real != NULL;
}

static void space_give(space *s) { give(s->real, bytes_of(s)); }

/* --- the functions of the table ------------------------------------------------------------------------------------------- */
static int at_least_1(int n) { return n > 1 ? n : 1; }

static int eigh(int n, double *a, double *w)
{
    double wanted;
    int    wanted_whole, query = -1, info;
    space  s;
    dsyevd_("V", "L", &n, a, &n, w, &wanted, &query, &wanted_whole, &query, &info, 1, 1);
    if (!space_take(&s, wanted, wanted_whole)) return -1;
    dsyevd_("V", "L", &n, a, &n, w, s.real, &s.n_real, s.whole, &s.n_whole, &info, 1, 1);
    space_give(&s);
    return info;
}

static int svd(int m, int n, double *a, double *sv, double *u, double *vt)
{
    double wanted;
    int    k = m < n ? m : n, query = -1, info, none;
    space  s;
    dgesdd_("S", &m, &n, a, &m, sv, u, &m, vt, &k, &wanted, &query, &none, &info, 1);
    if (!space_take(&s, wanted, 8 * k)) return -1;
    dgesdd_("S", &m, &n, a, &m, sv, u, &m, vt, &k, s.real, &s.n_real, s.whole, &info, 1);
    space_give(&s);
    return info;
}

static int qr(int m, int n, double *a, double *r)
{
    double wanted[2], *tau;
    int    k = m < n ? m : n, query = -1, info;
    space  s;
    dgeqrf_(&m, &n, a, &m, NULL, &wanted[0], &query, &info);
    dorgqr_(&m, &k, &k, a, &m, NULL, &wanted[1], &query, &info);
    if (!space_take(&s, (wanted[0] > wanted[1] ? wanted[0] : wanted[1]) + k, 0)) return -1;
    tau         = s.real;
    double *work = s.real + k;
    int     n_work = s.n_real - k;
    dgeqrf_(&m, &n, a, &m, tau, work, &n_work, &info);
    for (long j = 0; j < n; j++)
        for (long i = 0; i < k; i++) r[i + j * k] = i <= j ? a[i + j * m] : 0;
    dorgqr_(&m, &k, &k, a, &m, tau, work, &n_work, &info);
    space_give(&s);
    return info;
}

static int lu(int m, int n, double *a, int *pivots)
{
    int info, ld = at_least_1(m);
    dgetrf_(&m, &n, a, &ld, pivots, &info);
    return info;
}

static int lu_solve(int n, int n_right, const double *a, const int *pivots, double *b)
{
    int info;
    dgetrs_("N", &n, &n_right, a, &n, pivots, b, &n, &info, 1);
    return info;
}

static int cholesky(int n, double *a)
{
    int info;
    dpotrf_("L", &n, a, &n, &info, 1);
    return info;
}

static void solve_triangular(int upper, int transpose, int unit, int n, int n_right, const double *a, double *b)
{
    const double one = 1;
    dtrsm_("L", upper ? "U" : "L", transpose ? "T" : "N", unit ? "U" : "N", &n, &n_right, &one, a, &n, b, &n, 1, 1, 1, 1);
}

static const char *about(void)
{
    static char words[200];
    if (openblas_get_config) {
        snprintf(words, sizeof words, "%s", openblas_get_config());
        char *end = strchr(words, ' ');
        end = end ? strchr(end + 1, ' ') : NULL; /* "OpenBLAS 0.3.21 NO_LAPACK ..." */
        if (end) *end = '\0';
        return words;
    }
    int major, minor, patch;
    ilaver_(&major, &minor, &patch);
    snprintf(words, sizeof words, "version %d.%d.%d", major, minor, patch);
    return words;
}

static const mli_lapack table = {
    .version = ML_VERSION, .about = about, .eigh = eigh, .svd = svd, .qr = qr, .lu = lu, .lu_solve = lu_solve,
    .cholesky = cholesky, .solve_triangular = solve_triangular,
};

mli_lapack_entry mli_lapack_start;

/* One thread: sums are cut by the number of threads there, and results would depend on the machine's load. */
__attribute__((visibility("default"))) const mli_lapack *mli_lapack_start(mli_take_fn *core_take, mli_give_fn *core_give)
{
    take = core_take;
    give = core_give;
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    return &table;
}
