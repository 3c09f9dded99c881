/* L-BFGS (Liu & Nocedal 1989): the last `history` steps s and changes of the gradient y stand for the curvature; their product with
 * a gradient takes two loops over them. All in f64, whatever the parameters are.
 *
 * What it remembers between calls: s, y (history, n) as rings, the last direction and gradient, and a few numbers. A call that
 * fails puts the parameters back and forgets the rest. */
#include "optim/flat.h"

#include "tensor/tensor_impl.h"

#include <string.h>

enum { S, Y, DIRECTION, GRADIENT, NUMBERS };                  /* own tensors */
enum { ITERATIONS, EVALUATIONS, KEPT, NEWEST, STEP, SCALE, N_NUMBERS };

static bool make_own(ml_optim *opt)
{
    const ml_lbfgs_opts *o = (const ml_lbfgs_opts *)(const void *)opt->groups[0].opts;
    int64_t n = mli_flat_size(opt);
    return mli_own(opt, S, ML_SHAPE(o->history, n)) && mli_own(opt, Y, ML_SHAPE(o->history, n)) && mli_own(opt, DIRECTION, ML_SHAPE(n)) &&
           mli_own(opt, GRADIENT, ML_SHAPE(n)) && mli_own(opt, NUMBERS, ML_SHAPE(N_NUMBERS));
}

static double *own(const ml_optim *opt, int k) { return mli_data(opt->own[k]); }

/* The pair of the last step, if it tells of a positive curvature. */
static void remember(ml_optim *opt, const ml_lbfgs_opts *o, int64_t n, const double *g)
{
    double       *num = own(opt, NUMBERS), *last = own(opt, GRADIENT);
    const double *d = own(opt, DIRECTION);
    double        ys = 0, yy = 0;
    for (int64_t i = 0; i < n; i++) last[i] = g[i] - last[i]; /* y */
    ys = mli_flat_dot(n, last, d) * num[STEP];
    yy = mli_flat_dot(n, last, last);
    if (ys <= 1e-10) return;
    int64_t at = num[KEPT] > 0 ? ((int64_t)num[NEWEST] + 1) % o->history : 0;
    double *s = own(opt, S) + at * n, *y = own(opt, Y) + at * n;
    for (int64_t i = 0; i < n; i++) s[i] = d[i] * num[STEP], y[i] = last[i];
    num[NEWEST] = (double)at;
    num[KEPT]   = fmin(num[KEPT] + 1, (double)o->history);
    num[SCALE]  = ys / yy;
}

/* d = -H g */
static bool direction(ml_optim *opt, const ml_lbfgs_opts *o, int64_t n, const double *g)
{
    const double *num  = own(opt, NUMBERS);
    double       *d    = own(opt, DIRECTION), *a = mli_flat_new(o->history);
    int64_t       kept = (int64_t)num[KEPT];
    if (!a) return false;
    for (int64_t i = 0; i < n; i++) d[i] = -g[i];
    for (int64_t k = 0; k < kept; k++) { /* from the newest back */
        int64_t       at = ((int64_t)num[NEWEST] - k + o->history) % o->history;
        const double *s = own(opt, S) + at * n, *y = own(opt, Y) + at * n;
        a[at] = mli_flat_dot(n, s, d) / mli_flat_dot(n, y, s);
        mli_flat_move(n, d, -a[at], y, d);
    }
    for (int64_t i = 0; i < n; i++) d[i] *= num[SCALE];
    for (int64_t k = kept - 1; k >= 0; k--) {
        int64_t       at = ((int64_t)num[NEWEST] - k + o->history) % o->history;
        const double *s = own(opt, S) + at * n, *y = own(opt, Y) + at * n;
        mli_flat_move(n, d, a[at] - mli_flat_dot(n, y, d) / mli_flat_dot(n, y, s), s, d);
    }
    return true;
}

typedef struct work {
    int64_t   n;
    double   *x, *at, *spare[3];
    mli_point now, found;
} work;

static bool find_room(ml_optim *opt, work *w)
{
    int64_t n   = w->n = mli_flat_size(opt);
    double **all[] = { &w->x, &w->at, &w->spare[0], &w->spare[1], &w->spare[2], &w->now.g, &w->found.g };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(*all[i] = mli_flat_new(n))) return false;
    return true;
}

/* The loss where the call begins. */
static bool look(ml_optim *opt, const mli_closure *f, work *w)
{
    own(opt, NUMBERS)[EVALUATIONS]++;
    if (!mli_flat_loss(opt, f, &w->now.loss, w->now.g)) return false;
    if (isfinite(w->now.loss) && isfinite(mli_flat_largest(w->n, w->now.g))) return true;
    return ml_fail("LBFGS: the loss where the step begins is %g, or its gradient is no number; nothing can be searched from there", w->now.loss);
}

/* A new direction, and the first step to try along it. */
static bool aim(ml_optim *opt, const ml_lbfgs_opts *o, work *w)
{
    double *num   = own(opt, NUMBERS), lr = opt->groups[0].rate[ML_LR].all * opt->factor, sum = 0;
    bool    fresh = num[ITERATIONS]++ == 0;
    if (fresh) num[KEPT] = 0, num[SCALE] = 1;
    else remember(opt, o, w->n, w->now.g);
    if (!direction(opt, o, w->n, w->now.g)) return false;
    memcpy(own(opt, GRADIENT), w->now.g, (size_t)w->n * sizeof *w->x);
    for (int64_t k = 0; k < w->n; k++) sum += fabs(w->now.g[k]);
    num[STEP]    = fresh ? fmin(1, 1 / sum) * lr : lr; /* no curvature is known yet: the gradient alone may be of any size */
    w->now.t     = 0;
    w->now.slope = mli_flat_dot(w->n, w->now.g, own(opt, DIRECTION));
    return true;
}

/* Finds how far to go: num[STEP], and w->found there. */
static bool search(ml_optim *opt, const mli_closure *f, work *w, int64_t *used)
{
    double  *num  = own(opt, NUMBERS);
    mli_line line = { .opt = opt, .f = f, .n = w->n, .x = w->x, .d = own(opt, DIRECTION), .at = w->at, .tolerance = 1e-9, .shortest = INFINITY };
    if (!mli_line_search(&line, &w->now, num[STEP], &w->found, w->spare)) return false;
    *used += line.evaluations, num[EVALUATIONS] += line.evaluations;
    num[STEP] = w->found.t;
    if (line.finite > 0) return true;
    return ml_fail("LBFGS: the loss is no number at any of %d steps along the line, the shortest of length %g; before it is %g",
                   line.evaluations, line.shortest, w->now.loss);
}

static bool iterate(ml_optim *opt, const ml_lbfgs_opts *o, const mli_closure *f, work *w, double *first)
{
    double       *num = own(opt, NUMBERS);
    const double *d   = own(opt, DIRECTION);
    int64_t       n = w->n, used = 1, most = o->max_evals > 0 ? o->max_evals : o->max_iter * 5 / 4;
    if (!look(opt, f, w)) return false;
    *first = w->now.loss;
    if (mli_flat_largest(n, w->now.g) <= o->tolerance_grad) return true;
    for (int64_t i = 0; i < o->max_iter; i++) {
        if (!aim(opt, o, w)) return false;
        if (w->now.slope > -o->tolerance_change) break;
        if (o->line_search && !search(opt, f, w, &used)) return false;
        mli_flat_move(n, w->x, num[STEP], d, w->x);
        mli_flat_write(opt, w->x);
        if (!o->line_search) {
            if (i + 1 == o->max_iter) break; /* the next call looks there anyway */
            if (!mli_flat_loss(opt, f, &w->found.loss, w->found.g)) return false;
            used++, num[EVALUATIONS]++;
        }
        mli_point was = w->now;
        w->now = w->found, w->found = was;
        if (!isfinite(w->now.loss))
            return ml_fail("LBFGS: the loss became %g after a step of %g; a line search would have shortened it", w->now.loss, num[STEP]);
        if (used >= most || mli_flat_largest(n, w->now.g) <= o->tolerance_grad ||
            fabs(num[STEP]) * mli_flat_largest(n, d) <= o->tolerance_change || fabs(w->now.loss - was.loss) < o->tolerance_change) break;
    }
    return true;
}

static bool minimize(ml_optim *opt, const mli_closure *f, double *value)
{
    const ml_lbfgs_opts *o = (const ml_lbfgs_opts *)(const void *)opt->groups[0].opts;
    ml_scope scope = ml_scope_begin();
    work     w     = { 0 };
    double  *start = mli_flat_new(mli_flat_size(opt));
    bool     ok    = start && find_room(opt, &w);
    if (ok) {
        mli_flat_read(opt, start);
        memcpy(w.x, start, (size_t)w.n * sizeof *start);
        ok = iterate(opt, o, f, &w, value);
        if (!ok) {
            mli_flat_write(opt, start);
            memset(own(opt, NUMBERS), 0, N_NUMBERS * sizeof(double));
        }
    }
    ml_scope_end(&scope);
    return ok;
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_lbfgs_opts, lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_lbfgs_opts, max_iter, ML_OPTION_INTEGER, .low = 1, .high = INFINITY),
    MLI_OPTION(ml_lbfgs_opts, max_evals, ML_OPTION_INTEGER, .low = 0, .high = INFINITY),
    MLI_OPTION(ml_lbfgs_opts, history, ML_OPTION_INTEGER, .low = 1, .high = 1e6),
    MLI_OPTION(ml_lbfgs_opts, tolerance_grad, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_lbfgs_opts, tolerance_change, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_lbfgs_opts, line_search, ML_OPTION_FLAG),
    { 0 },
};
static const ml_lbfgs_opts defaults = {
    .lr = 1, .max_iter = 20, .history = 10, .tolerance_grad = 1e-7, .tolerance_change = 1e-9, .line_search = true,
};

ml_lbfgs_opts ml_lbfgs_defaults(void) { return defaults; }

const mli_optim_kind mli_lbfgs = {
    .info      = { "LBFGS", sizeof defaults, &defaults, options },
    .own_names = { "s", "y", "direction", "gradient", "numbers" },
    .make_own = make_own, .minimize = minimize,
};
