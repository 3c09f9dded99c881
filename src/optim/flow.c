/* Gradient flow, dw/dt = -dL/dw: Dormand and Prince's Runge-Kutta pair of orders 5 and 4 (1980). The difference of the two is the
 * error of a step, which decides whether it is taken and how long the next one is. The last slope of a step is the first of
 * the next. In f64; parameters of f32 are rounded at every step. */
#include "optim/flat.h"

#include "tensor/tensor_impl.h"

#include <string.h>

enum { TIME, STEP, TAKEN, REFUSED, N_NUMBERS };
enum { STAGES = 7 };

static const double A[STAGES][STAGES - 1] = {
    { 0 },
    { 1. / 5 },
    { 3. / 40, 9. / 40 },
    { 44. / 45, -56. / 15, 32. / 9 },
    { 19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729 },
    { 9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656 },
    { 35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84 }, /* the fifth order: where stage 7 is */
};
/* fifth minus fourth order */
static const double E[STAGES] = { 71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40 };

static bool make_own(ml_optim *opt) { return mli_own(opt, 0, ML_SHAPE(N_NUMBERS)); }

typedef struct flow {
    ml_optim          *opt;
    const mli_closure *f;
    const ml_flow_opts *o;
    int64_t n, evaluations;
    double *x, *y, *k[STAGES]; /* where it is, where a stage is, slopes: gradients, so that the flow goes against them */
    double  loss;              /* at x */
} flow;

static bool slope(flow *w, const double *at, double *k, double *loss)
{
    mli_flat_write(w->opt, at);
    w->evaluations++;
    return mli_flat_loss(w->opt, w->f, loss, k);
}

/* Root mean square of v over its tolerance at x. */
static double size(const flow *w, const double *v, const double *x, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < w->n; i++) {
        double r = v[i] / (w->o->atol + w->o->rtol * fmax(fabs(x[i]), fabs(y[i])));
        sum += r * r;
    }
    return w->n ? sqrt(sum / (double)w->n) : 0;
}

/* A first step by Hairer, Norsett & Wanner (1993), II.4: so short that a step of Euler shows little change of slope. */
static bool first_step(flow *w, double *h)
{
    double d0 = size(w, w->x, w->x, w->x), d1 = size(w, w->k[0], w->x, w->x), h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1, loss;
    mli_flat_move(w->n, w->x, -h0, w->k[0], w->y);
    if (!slope(w, w->y, w->k[1], &loss)) return false;
    for (int64_t i = 0; i < w->n; i++) w->k[2][i] = w->k[1][i] - w->k[0][i];
    double d2 = size(w, w->k[2], w->x, w->x) / h0, most = fmax(d1, d2);
    *h = fmin(100 * h0, most <= 1e-15 ? fmax(1e-6, h0 * 1e-3) : pow(0.01 / most, 1. / 5));
    if (!isfinite(*h)) *h = h0;
    return true;
}

/* One trial of length h: error over tolerance; w->y is the new point, w->k[6] the slope there. */
static bool trial(flow *w, double h, double *error, double *loss)
{
    *loss = w->loss;
    for (int s = 1; s < STAGES; s++) {
        for (int64_t i = 0; i < w->n; i++) {
            double sum = 0;
            for (int j = 0; j < s; j++) sum += A[s][j] * w->k[j][i];
            w->y[i] = w->x[i] - h * sum;
        }
        if (!slope(w, w->y, w->k[s], loss)) return false;
    }
    double sum = 0;
    for (int64_t i = 0; i < w->n; i++) {
        double e = 0;
        for (int s = 0; s < STAGES; s++) e += E[s] * w->k[s][i];
        e *= h / (w->o->atol + w->o->rtol * fmax(fabs(w->x[i]), fabs(w->y[i])));
        sum += e * e;
    }
    *error = w->n ? sqrt(sum / (double)w->n) : 0;
    if (!isfinite(*loss)) *error = NAN;
    return true;
}

static void take(flow *w)
{
    double *x = w->x, *k = w->k[0];
    w->x = w->y, w->y = x;
    w->k[0] = w->k[STAGES - 1], w->k[STAGES - 1] = k;
}

/* Steps until span has gone by; span 0: one step. */
static bool integrate(flow *w, double *numbers)
{
    double span = w->o->span, gone = 0, h = numbers[STEP];
    if (!(h > 0) && !first_step(w, &h)) return false;
    for (bool again = true, refused = false; again;) {
        if (w->evaluations >= w->o->max_evals)
            return ml_fail("GradientFlow: %lld losses did not reach time %g, steps are %g long; a larger rtol or max_evals, or a shorter "
                           "span, would do", (long long)w->evaluations, numbers[TIME] + span, h);
        bool   last = span > 0 && gone + h * (1 + 1e-12) >= span;
        double step = last ? span - gone : h, error, loss;
        if (!trial(w, step, &error, &loss)) return false;
        if (!(error <= 1)) {
            h       = step * (isfinite(error) ? fmax(0.2, 0.9 * pow(error, -0.2)) : 0.2);
            refused = true;
            numbers[REFUSED]++;
            if (!(h > 1e-14 * fmax(numbers[TIME] + gone, 1e-100)) || h < 1e-290)
                return ml_fail("GradientFlow: no step from time %g is short enough, the loss there is %g", numbers[TIME] + gone, w->loss);
            continue;
        }
        take(w);
        w->loss       = loss;
        gone          = last ? span : gone + step;
        double factor = error > 0 ? fmin(5, fmax(0.2, 0.9 * pow(error, -0.2))) : 5;
        if (refused) factor = fmin(factor, 1);
        if (!last || factor < 1) h = step * factor; /* a step cut short by the end says nothing of the next */
        refused = false;
        numbers[TAKEN]++;
        again = span > 0 && !last;
    }
    numbers[TIME] += gone;
    numbers[STEP] = h;
    return true;
}

static bool minimize(ml_optim *opt, const mli_closure *f, double *value)
{
    flow     w     = { .opt = opt, .f = f, .o = (const ml_flow_opts *)(const void *)opt->groups[0].opts, .n = mli_flat_size(opt) };
    ml_scope scope = ml_scope_begin();
    double  *start = mli_flat_new(w.n), numbers[N_NUMBERS];
    bool     ok    = start && (w.x = mli_flat_new(w.n)) && (w.y = mli_flat_new(w.n));
    for (int s = 0; ok && s < STAGES; s++) ok = (w.k[s] = mli_flat_new(w.n)) != NULL;
    if (ok) {
        memcpy(numbers, mli_data(opt->own[0]), sizeof numbers);
        mli_flat_read(opt, start);
        memcpy(w.x, start, (size_t)w.n * sizeof *start);
        ok     = slope(&w, w.x, w.k[0], &w.loss);
        *value = w.loss;
        if (ok && !(isfinite(w.loss) && isfinite(mli_flat_largest(w.n, w.k[0]))))
            ok = ml_fail("GradientFlow: the loss at time %g is %g, or its gradient is no number", numbers[TIME], w.loss) != NULL;
        ok = ok && integrate(&w, numbers);
        mli_flat_write(opt, ok ? w.x : start);
        if (ok) memcpy(mli_data(opt->own[0]), numbers, sizeof numbers);
    }
    ml_scope_end(&scope);
    return ok;
}

double ml_optim_time(const ml_optim *opt)
{
    return opt && opt->kind == &mli_flow ? ((const double *)mli_data(opt->own[0]))[TIME] : 0;
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_flow_opts, span, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_flow_opts, rtol, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_flow_opts, atol, ML_OPTION_NUMBER, .low = 0, .high = INFINITY, .open_low = true),
    MLI_OPTION(ml_flow_opts, max_evals, ML_OPTION_INTEGER, .low = 10, .high = INFINITY),
    { 0 },
};
static const ml_flow_opts defaults = { .rtol = 1e-5, .atol = 1e-8, .max_evals = 100000 };

ml_flow_opts ml_flow_defaults(void) { return defaults; }

const mli_optim_kind mli_flow = {
    .info      = { "GradientFlow", sizeof defaults, &defaults, options },
    .own_names = { "numbers" },
    .make_own = make_own, .minimize = minimize,
};
