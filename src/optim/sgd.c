/* Stochastic gradient descent, with momentum and Nesterov's look ahead. The momentum starts at zero, so that the
 * first step is that of plain descent (Nesterov: 1 + momentum times as long). */
#include "optim/optim_impl.h"

static bool check(const void *opts)
{
    const ml_sgd_opts *o = opts;
    if (!o->nesterov || o->momentum > 0) return true;
    return ml_fail("SGD: nesterov looks ahead along the momentum; set momentum > 0, for example 0.9");
}

static bool uses(const void *opts, int k)
{
    (void)k;
    return ((const ml_sgd_opts *)opts)->momentum > 0;
}

static void prepare(const void *opts, mli_slot *s)
{
    const ml_sgd_opts *o = opts;
    s->decoupled = o->decoupled;
    s->rule.sgd          = (mlk_sgd){ .momentum = o->momentum, .nesterov = o->nesterov };
}

static void rates(const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    rule->sgd.lr    = lr;
    rule->sgd.l2    = s->decoupled ? 0 : weight_decay;
    rule->sgd.decay = s->decoupled ? lr * weight_decay : 0;
}

static void run(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n)
{
    if (ml_tensor_dtype(s->w) == ML_F32) {
        float *w = s->data[0], *v = s->data[1];
        mlk()->sgd_f32(n, &rule->sgd, w + first, (const float *)s->g + first, v ? v + first : NULL);
    } else {
        double *w = s->data[0], *v = s->data[1];
        mlk()->sgd_f64(n, &rule->sgd, w + first, (const double *)s->g + first, v ? v + first : NULL);
    }
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_sgd_opts, lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_sgd_opts, momentum, ML_OPTION_NUMBER, .high = 1),
    MLI_OPTION(ml_sgd_opts, nesterov, ML_OPTION_FLAG),
    MLI_OPTION(ml_sgd_opts, weight_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_sgd_opts, decoupled, ML_OPTION_FLAG),
    { 0 },
};
static const ml_sgd_opts defaults = { .lr = 1e-2 };

ml_sgd_opts ml_sgd_defaults(void) { return defaults; }

const mli_optim_kind mli_sgd = {
    .info        = { "SGD", sizeof defaults, &defaults, options },
    .state_names = { "momentum" },
    .check = check, .uses = uses, .prepare = prepare, .rates = rates, .run = run,
};
