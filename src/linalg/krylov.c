/* Spectra of symmetric operators from products with vectors: power iteration, Lanczos, stochastic Lanczos quadrature.
 * Everything but the operator itself is in f64 and nothing is recorded. */
#include "moonlab/linalg.h"

#include "tensor/tensor_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* --- vectors ----------------------------------------------------------------------------------------------------------------- */
static double dot(int64_t n, const double *x, const double *y)
{
    double sum[4] = { 0 };
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) sum[k] += x[i + k] * y[i + k];
    for (; i < n; i++) sum[0] += x[i] * y[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double norm(int64_t n, const double *x) { return sqrt(dot(n, x, x)); }
static void add_times(int64_t n, double a, const double *x, double *y) { for (int64_t i = 0; i < n; i++) y[i] += a * x[i]; }
static void scale(int64_t n, double a, double *x) { for (int64_t i = 0; i < n; i++) x[i] *= a; }

static double *numbers(int64_t n, ml_tensor **t)
{
    *t = ml_empty(ML_SHAPE(n), ML_F64);
    return *t ? mli_data(*t) : NULL;
}

static bool random_unit(int64_t n, ml_key key, double *out)
{
    ml_tensor *v = ml_randn(ML_SHAPE(n), ML_F64, key);
    if (!v) return false;
    memcpy(out, mli_data(v), (size_t)n * sizeof *out);
    scale(n, 1 / norm(n, out), out);
    return true;
}

static bool check_operator(const char *who, const ml_operator *a)
{
    if (a->n < 1) return ml_fail("%s: the operator's vectors have %lld values, at least 1 is needed", who, (long long)a->n);
    if (!ml_dtype_is_float(a->dtype)) return ml_fail("%s: the operator's vectors must be f32 or f64, they are %s", who, ml_dtype_name(a->dtype));
    return true;
}

/* out = A v, from and to f64 */
static bool multiply(const char *who, const ml_operator *a, const double *v, double *out)
{
    ml_scope   scope = ml_scope_begin();
    ml_shape   want  = ML_SHAPE(a->n);
    ml_tensor *x     = ml_cast(ml_from(want, ML_F64, v), &(ml_cast_opts){ a->dtype }), *y = NULL;
    bool       ok    = x && a->apply(a->ctx, x, &y) && y;
    if (ok && !ml_shape_equal(&y->shape, &want))
        ok = ml_fail("%s: the operator made %s of %s; it must keep the shape", who, ml_shape_text(&y->shape), ml_shape_text(&want));
    ok = ok && ml_tensor_copy_out(y, ML_F64, out);
    ml_scope_end(&scope);
    if (!ok) return false;
    if (isfinite(dot(a->n, out, out))) return true;
    return ml_fail("%s: the operator's result holds NaN, infinities or numbers that are too large", who);
}

/* --- power iteration ------------------------------------------------------------------------------------------------------------ */
static bool iterate(const ml_operator *a, int64_t steps, double tolerance, double *v, double *w, double *value, double *residual)
{
    int64_t n = a->n;
    for (int64_t i = 0;; i++) {
        if (!multiply("power_iteration", a, v, w)) return false;
        *value = dot(n, v, w);
        double size = norm(n, w), off = 0;
        for (int64_t k = 0; k < n; k++) off += (w[k] - *value * v[k]) * (w[k] - *value * v[k]);
        *residual = sqrt(off);
        if (*residual <= tolerance * fabs(*value) || size == 0 || i + 1 >= steps) return true;
        for (int64_t k = 0; k < n; k++) v[k] = w[k] / size;
    }
}

bool ml_power_iteration(const ml_operator *a, const ml_power_opts *opts, double *value, ml_tensor **vector, double *residual)
{
    ml_power_opts o = opts ? *opts : (ml_power_opts){ 0 };
    if (!check_operator("power_iteration", a)) return false;
    bool       was = ml_set_recording(false);
    ml_tensor *v, *w;
    double     eigenvalue = 0, off = 0;
    double    *at = numbers(a->n, &v), *next = at ? numbers(a->n, &w) : NULL;
    bool ok = next && random_unit(a->n, o.start, at) && iterate(a, o.steps > 0 ? o.steps : 100, o.tolerance > 0 ? o.tolerance : 1e-6, at, next, &eigenvalue, &off);
    if (ok && vector) ok = (*vector = ml_cast(v, &(ml_cast_opts){ a->dtype })) != NULL;
    ml_set_recording(was);
    if (value) *value = eigenvalue;
    if (residual) *residual = off;
    return ok;
}

/* --- Lanczos ---------------------------------------------------------------------------------------------------------------------- */
/* A restricted to the span of q, A q, A^2 q, ...: tridiagonal in the orthonormal basis. */
typedef struct {
    int64_t    m;         /* steps taken */
    ml_tensor *basis_of;  /* (steps, n) */
    double    *basis, *alpha, *beta; /* beta[m - 1]: what is left over */
} krylov;

/* w loses its parts along the first m rows of the basis; twice, as once leaves rounding errors that grow (Parlett 1980). */
static void make_orthogonal(const krylov *k, int64_t m, int64_t n, double *w)
{
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < m; i++) add_times(n, -dot(n, k->basis + i * n, w), k->basis + i * n, w);
}

/* The span is closed under A: another random direction continues, with nothing between (beta 0). So copies of an eigenvalue
 * that A has several times are found too. */
static bool start_again(int64_t n, ml_key start, krylov *k, double *w)
{
    ml_scope scope = ml_scope_begin();
    bool     ok    = random_unit(n, ml_key_of(start.seed, start.stream + ((uint64_t)k->m << 32)), w);
    ml_scope_end(&scope);
    if (ok) make_orthogonal(k, k->m, n, w);
    return ok;
}

static bool krylov_run(const char *who, const ml_operator *a, int64_t steps, ml_key start, krylov *k)
{
    int64_t    n = a->n;
    ml_tensor *numbers_of, *next_of;
    if (steps > n) steps = n;
    *k          = (krylov){ 0 };
    k->basis_of = ml_empty(ML_SHAPE(steps, n), ML_F64);
    k->basis    = k->basis_of ? mli_data(k->basis_of) : NULL;
    k->alpha    = k->basis ? numbers(2 * steps, &numbers_of) : NULL;
    double *w   = k->alpha ? numbers(n, &next_of) : NULL, size = 0;
    if (!w || !random_unit(n, start, k->basis)) return false;
    k->beta = k->alpha + steps;
    while (k->m < steps) {
        double *q = k->basis + k->m * n;
        if (!multiply(who, a, q, w)) return false;
        k->alpha[k->m] = dot(n, q, w);
        make_orthogonal(k, k->m + 1, n, w);
        double left = norm(n, w);
        size = fmax(size, fabs(k->alpha[k->m]) + left);
        bool closed = left <= 10 * DBL_EPSILON * size;
        k->beta[k->m++] = closed ? 0 : left;
        if (k->m == steps) break;
        if (closed && !start_again(n, start, k, w)) return false;
        memcpy(q + n, w, (size_t)n * sizeof *w);
        scale(n, 1 / norm(n, w), q + n);
    }
    return true;
}

/* Eigenvalues (m), ascending, and eigenvectors (m, m), in columns, of the tridiagonal matrix: one tensor (m + 1, m). */
static const double *ritz(const krylov *k)
{
    ml_tensor *t = ml_zeros(ML_SHAPE(k->m, k->m), ML_F64);
    double    *v = t ? mli_data(t) : NULL;
    for (int64_t i = 0; v && i < k->m; i++) {
        v[i * (k->m + 1)] = k->alpha[i];
        if (i + 1 < k->m) v[i * k->m + i + 1] = v[(i + 1) * k->m + i] = k->beta[i];
    }
    t = ml_eigh_parts(t);
    return t ? mli_data(t) : NULL;
}

/* Which columns are asked for: the first `low` and the last `high` of m. */
static int64_t column_at(int64_t i, int64_t low, int64_t m, int64_t count) { return i < low ? i : m - count + i; }

static bool collect(const ml_operator *a, const krylov *k, const double *parts, int64_t low, int64_t count, bool vectors, ml_spectrum *out)
{
    int64_t    m = k->m;
    ml_tensor *chosen_of;
    double    *values = numbers(count, &out->values), *errors = values ? numbers(count, &out->errors) : NULL, *chosen = errors ? numbers(m * count, &chosen_of) : NULL;
    if (!chosen) return false;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = column_at(i, low, m, count);
        values[i] = parts[at];
        errors[i] = fabs(k->beta[m - 1] * parts[m * m + at]);
        for (int64_t j = 0; j < m; j++) chosen[j * count + i] = parts[(j + 1) * m + at];
    }
    out->vectors = NULL;
    if (!vectors) return true;
    ml_tensor *basis = ml_slice(k->basis_of, &(ml_slice_opts){ .dim = 0, .start = 0, .stop = m, .step = 1 });
    ml_tensor *whole = ml_matmul(ml_mT(basis), ml_reshape(chosen_of, &(ml_reshape_opts){ ML_SHAPE(m, count) }));
    out->vectors = ml_cast(whole, &(ml_cast_opts){ a->dtype });
    return out->vectors != NULL;
}

bool ml_lanczos(const ml_operator *a, const ml_lanczos_opts *opts, ml_spectrum *out)
{
    ml_lanczos_opts o = opts ? *opts : (ml_lanczos_opts){ 0 };
    if (!check_operator("lanczos", a)) return false;
    int64_t wanted = o.k > 0 ? o.k : 1, steps = o.steps > 0 ? o.steps : 2 * wanted > 50 ? 2 * wanted : 50;
    bool    was    = ml_set_recording(false), ok = false;
    krylov  k;
    const double *parts = krylov_run("lanczos", a, steps, o.start, &k) ? ritz(&k) : NULL;
    if (parts) {
        int64_t at_end = wanted < k.m ? wanted : k.m;
        int64_t low = o.ends == ML_LARGEST ? 0 : at_end, high = o.ends == ML_SMALLEST ? 0 : at_end;
        if (low + high > k.m) low = k.m - high;
        ok = collect(a, &k, parts, low, low + high, o.vectors, out);
    }
    ml_set_recording(was);
    return ok;
}

/* --- stochastic Lanczos quadrature ------------------------------------------------------------------------------------------------ */
/* For a random unit vector q, the eigenvalues of the tridiagonal matrix with the squared first components of its eigenvectors as
 * weights are the nodes of Gauss quadrature for the spectrum seen by q, whose mean over q is the density of all eigenvalues. */
typedef struct {
    int64_t n;
    double *node, *weight;
} quadrature;

static bool add_probe(const ml_operator *a, int64_t steps, ml_key key, quadrature *q)
{
    ml_scope scope = ml_scope_begin();
    krylov   k;
    const double *parts = krylov_run("spectral_density", a, steps, key, &k) ? ritz(&k) : NULL;
    for (int64_t i = 0; parts && i < k.m; i++) {
        q->node[q->n]     = parts[i];
        q->weight[q->n++] = parts[k.m + i] * parts[k.m + i];
    }
    ml_scope_end(&scope);
    return parts != NULL;
}

static void smooth(const quadrature *q, double probes, double sigma, int64_t n, const double *at, double *density)
{
    double height = 1 / (probes * sigma * sqrt(2 * 3.14159265358979323846));
    for (int64_t p = 0; p < n; p++) {
        double sum = 0;
        for (int64_t i = 0; i < q->n; i++) {
            double d = (at[p] - q->node[i]) / sigma;
            sum += q->weight[i] * exp(-0.5 * d * d);
        }
        density[p] = height * sum;
    }
}

bool ml_spectral_density(const ml_operator *a, const ml_density_opts *opts, ml_tensor **points, ml_tensor **density)
{
    ml_density_opts o = opts ? *opts : (ml_density_opts){ 0 };
    if (!check_operator("spectral_density", a)) return false;
    int64_t probes = o.probes > 0 ? o.probes : 10, steps = o.steps > 0 ? o.steps : 80, n = o.points > 0 ? o.points : 200;
    if (steps > a->n) steps = a->n;
    bool       was = ml_set_recording(false), ok = true;
    ml_tensor *nodes, *weights;
    quadrature q = { 0, numbers(probes * steps, &nodes), numbers(probes * steps, &weights) };
    ok = q.node && q.weight;
    for (int64_t i = 0; ok && i < probes; i++) ok = add_probe(a, steps, ml_key_of(o.start.seed, o.start.stream + (uint64_t)i), &q);
    double low = ok ? q.node[0] : 0, high = low;
    for (int64_t i = 0; ok && i < q.n; i++) low = fmin(low, q.node[i]), high = fmax(high, q.node[i]);
    double range = high > low ? high - low : fmax(fabs(high), 1), sigma = o.sigma > 0 ? o.sigma : 0.01 * range;
    if (o.low < o.high) low = o.low, high = o.high;
    else low -= 5 * sigma, high += 5 * sigma;
    ok = ok && (*points = ml_linspace(low, high, n, ML_F64)) && (*density = ml_empty(ML_SHAPE(n), ML_F64));
    if (ok) smooth(&q, (double)probes, sigma, n, mli_data(*points), mli_data(*density));
    ml_set_recording(was);
    return ok;
}
