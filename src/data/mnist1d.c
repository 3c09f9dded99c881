/* MNIST-1D: ten one-dimensional templates, each example a padded, scaled, moved, noisy and sheared one of them.
 * Greydanus & Kobak 2024, "Scaling down deep learning with MNIST-1D".
 *
 * The recipe draws from one Mersenne Twister, example after example, so the order of the draws is part of it: with seed 42
 * these are the published arrays. Everything is computed in f64, as there. */
#include "moonlab/data.h"

#include <math.h>
#include <string.h>

#include "data/mersenne.h"

#define CLASSES    10
#define TEMPLATE   12
#define MOST_STEPS 4096 /* of a signal, before and after resampling */
#define MOST       1000000
#define REACH      8    /* of the Gaussian filter: 4 standard deviations of 2 */

static const double drawn[CLASSES][TEMPLATE] = {
    { 5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5 },
    { 5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5 },
    { 5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5 },
    { 5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5 },
    { 5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5 },
    { 5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5 },
    { 5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5 },
    { 5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5 },
    { 5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5 },
    { 5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5 },
};

ml_mnist1d_opts ml_mnist1d_defaults(void)
{
    return (ml_mnist1d_opts){
        .n = 5000, .train_fraction = 0.8, .length = 40, .padding = { 36, 60 }, .max_translation = 48, .scale = 0.4,
        .correlated_noise = 0.25, .iid_noise = 0.02, .shear = 0.75, .seed = 42, .dtype = ML_F32,
    };
}

static bool check(const ml_mnist1d_opts *o)
{
    const struct { const char *name; double value; } sizes[] = {
        { "scale", o->scale }, { "correlated_noise", o->correlated_noise }, { "iid_noise", o->iid_noise }, { "shear", o->shear },
    };
    if (o->n < CLASSES || o->n > MOST || o->n % CLASSES)
        return ml_fail("mnist1d: n must be a multiple of %d, %d..%d, got %lld", CLASSES, CLASSES, MOST, (long long)o->n);
    if (!(o->train_fraction > 0 && o->train_fraction < 1))
        return ml_fail("mnist1d: train_fraction must be between 0 and 1, got %g", o->train_fraction);
    if (o->length < 2 || o->length > MOST_STEPS)
        return ml_fail("mnist1d: length must be 2..%d, got %lld", MOST_STEPS, (long long)o->length);
    if (o->padding[0] < 0 || o->padding[1] < o->padding[0] || o->padding[1] > MOST_STEPS - TEMPLATE)
        return ml_fail("mnist1d: padding must be two numbers, rising, 0..%d, got %lld and %lld", MOST_STEPS - TEMPLATE,
                       (long long)o->padding[0], (long long)o->padding[1]);
    if (o->max_translation < 0 || o->max_translation > o->padding[1] + TEMPLATE)
        return ml_fail("mnist1d: max_translation must be 0..%lld, the padded length, got %lld",
                       (long long)o->padding[1] + TEMPLATE, (long long)o->max_translation);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!(sizes[i].value >= 0 && isfinite(sizes[i].value)))
            return ml_fail("mnist1d: %s must be at least 0, got %g", sizes[i].name, sizes[i].value);
    if (o->seed > UINT32_MAX)
        return ml_fail("mnist1d: seed must be 0..4294967295, got %lld: its generator is seeded with 32 bits", (long long)o->seed);
    if (o->base != 0 && o->base != 1) return ml_fail("mnist1d: base must be 0 or 1, got %d", o->base);
    if (!ml_dtype_is_float(o->dtype)) return ml_fail("mnist1d: dtype must be f32 or f64, got %s", ml_dtype_name(o->dtype));
    return true;
}

/* Each template with mean 0 and standard deviation 1, then beginning at 0, divided by 6. */
static void normalised(int class, double *v)
{
    double mean = 0, var = 0;
    for (int i = 0; i < TEMPLATE; i++) mean += drawn[class][i] / TEMPLATE;
    for (int i = 0; i < TEMPLATE; i++) var += (drawn[class][i] - mean) * (drawn[class][i] - mean) / TEMPLATE;
    for (int i = 0; i < TEMPLATE; i++) v[i] = (drawn[class][i] - mean) / sqrt(var);
    double first = v[0];
    for (int i = 0; i < TEMPLATE; i++) v[i] = (v[i] - first) / 6;
}

static double place(int64_t i, int64_t n) { return i == n - 1 ? 1 : (double)i * (1.0 / (double)(n - 1)); } /* of n even ones in 0..1 */

/* y = the polyline through x, read at m even places from its first point to its last. To the bit as published: whether a value
 * is exactly 0 decides whether it is padding. */
static void resample(const double *x, int64_t n, double *y, int64_t m)
{
    for (int64_t i = 0, k = 1; i < m; i++) {
        double at = place(i, m);
        while (k < n - 1 && place(k, n) < at) k++; /* the first point that is not before it */
        double left = place(k - 1, n);
        y[i] = (x[k] - x[k - 1]) / (place(k, n) - left) * (at - left) + x[k - 1];
    }
}

/* y = x filtered by a Gaussian of standard deviation 2; outside, x is its mirror image: d c b a | a b c d | d c b a. */
static void smooth(const double *x, double *y, int64_t n)
{
    double taps[REACH + 1], sum = 0;
    for (int j = 0; j <= REACH; j++) sum += (taps[j] = exp(-j * j / 8.0)) * (j ? 2 : 1);
    for (int64_t i = 0; i < n; i++) {
        y[i] = 0;
        for (int j = -REACH; j <= REACH; j++) {
            int64_t k = (i + j) % (2 * n);
            if (k < 0) k += 2 * n;
            y[i] += taps[j < 0 ? -j : j] / sum * x[k < n ? k : 2 * n - 1 - k];
        }
    }
}

typedef struct { double a[MOST_STEPS], b[MOST_STEPS], noise[MOST_STEPS]; } workspace;

/* One example of a template, into x (length). */
static void make_signal(const ml_mnist1d_opts *o, mli_mersenne *m, const double *template, workspace *w, double *x)
{
    int64_t n = TEMPLATE + o->padding[1], range = o->padding[1] - o->padding[0] + 1;
    int64_t padded = TEMPLATE + o->padding[0] + (int64_t)(mli_mersenne_uniform(m) * (double)range);
    for (int64_t i = 0; i < padded; i++) w->a[i] = i < TEMPLATE ? template[i] + 1e-8 : 0; /* what is 0 from here on is padding */
    resample(w->a, padded, w->b, n);
    double  scale = 1 + o->scale * (mli_mersenne_uniform(m) - 0.5);
    int64_t shift = o->max_translation ? (int64_t)mli_mersenne_upto(m, (uint32_t)o->max_translation - 1) : 0;
    for (int64_t i = 0; i < n; i++) w->a[(i + shift) % n] = w->b[i] * scale;
    for (int64_t i = 0; i < n; i++) w->b[i] = o->correlated_noise * mli_mersenne_normal(m);
    smooth(w->b, w->noise, n);
    for (int64_t i = 0; i < n; i++) {
        if (w->a[i] == 0) w->a[i] = w->noise[i];
        w->a[i] += o->iid_noise * mli_mersenne_normal(m);
    }
    double slope = o->shear * (mli_mersenne_uniform(m) - 0.5);
    for (int64_t i = 0; i < n; i++) w->a[i] -= slope * (place(i, n) - 0.5);
    resample(w->a, n, x, o->length);
}

static void standardise(double *x, int64_t n)
{
    double mean = 0, var = 0;
    for (int64_t i = 0; i < n; i++) mean += x[i];
    mean /= (double)n;
    for (int64_t i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean);
    double std = sqrt(var / (double)n);
    for (int64_t i = 0; i < n; i++) x[i] = (x[i] - mean) / std;
}

static void order_positions(const ml_mnist1d_opts *o, mli_mersenne *m, int64_t *columns)
{
    for (int64_t j = 0; j < o->length; j++) columns[j] = j;
    if (!o->shuffled) return;
    mli_mersenne_seed(m, (uint32_t)o->seed);
    mli_mersenne_permutation(m, o->length, columns);
}

ml_tensor *ml_mnist1d_positions(const ml_mnist1d_opts *o)
{
    mli_mersenne m;
    if (!check(o)) return NULL;
    ml_tensor *t  = ml_empty(ML_SHAPE(o->length), ML_I64);
    int64_t   *to = t ? ml_tensor_mutable_data(t) : NULL;
    if (to) order_positions(o, &m, to);
    for (int64_t j = 0; to && j < o->length; j++) to[j] += o->base;
    return t;
}

/* All examples in the order of their classes, x (n, length), and the order in which they are given out. */
static void make_all(const ml_mnist1d_opts *o, workspace *w, double *x, int64_t *rows, int64_t *columns)
{
    mli_mersenne m;
    double       template[TEMPLATE];
    mli_mersenne_seed(&m, (uint32_t)o->seed);
    for (int64_t i = 0; i < o->n; i++) {
        if (i % (o->n / CLASSES) == 0) normalised((int)(i / (o->n / CLASSES)), template);
        make_signal(o, &m, template, w, x + i * o->length);
    }
    mli_mersenne_permutation(&m, o->n, rows);
    standardise(x, o->n * o->length);
    order_positions(o, &m, columns);
}

/* The examples rows[0..] as a set: x (its size, length), y (its size). */
static void give_out(const ml_mnist1d_opts *o, const double *x, const int64_t *rows, const int64_t *columns, const ml_dataset *set)
{
    void    *values = ml_tensor_mutable_data(set->x);
    int64_t *labels = ml_tensor_mutable_data(set->y);
    for (int64_t i = 0, n = ml_tensor_numel(set->y); i < n; i++) {
        labels[i] = rows[i] / (o->n / CLASSES) + o->base;
        for (int64_t j = 0; j < o->length; j++) {
            double v = x[rows[i] * o->length + columns[j]];
            if (o->dtype == ML_F32) ((float *)values)[i * o->length + j] = (float)v;
            else ((double *)values)[i * o->length + j] = v;
        }
    }
}

static bool make_room(const ml_mnist1d_opts *o, int64_t n, ml_dataset *set)
{
    set->x = ml_empty(ML_SHAPE(n, o->length), o->dtype);
    set->y = ml_empty(ML_SHAPE(n), ML_I64);
    return set->x && set->y;
}

bool ml_data_mnist1d(const ml_mnist1d_opts *opts, ml_dataset *train, ml_dataset *test)
{
    if (!check(opts)) return false;
    int64_t n_train = (int64_t)((double)opts->n * opts->train_fraction + 1e-9); /* as there: cut off, not rounded */
    if (n_train < 1) n_train = 1;
    if (n_train > opts->n - 1) n_train = opts->n - 1;
    ml_dataset first, rest;
    if (!make_room(opts, n_train, &first) || !make_room(opts, opts->n - n_train, &rest)) return false;
    ml_scope   scope   = ml_scope_begin();
    ml_tensor *x       = ml_empty(ML_SHAPE(opts->n, opts->length), ML_F64);
    ml_tensor *rows    = ml_empty(ML_SHAPE(opts->n), ML_I64), *columns = ml_empty(ML_SHAPE(opts->length), ML_I64);
    workspace *w       = ml_realloc(NULL, 0, sizeof *w);
    bool       ok      = x && rows && columns && w;
    if (ok) {
        double  *values = ml_tensor_mutable_data(x);
        int64_t *order = ml_tensor_mutable_data(rows), *places = ml_tensor_mutable_data(columns);
        make_all(opts, w, values, order, places);
        give_out(opts, values, order, places, &first);
        give_out(opts, values, order + n_train, places, &rest);
        *train = first;
        *test  = rest;
    }
    ml_realloc(w, w ? sizeof *w : 0, 0);
    ml_scope_end(&scope);
    return ok;
}
