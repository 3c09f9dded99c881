/* Adagrad: the gradient over the root of the sum of all its squares so far. */
#include "optim/optim_impl.h"

static double initial(const void *opts)
{
    return ((const ml_adagrad_opts *)opts)->initial_sum;
}

static void prepare(const void *opts, mli_slot *s)
{
    const ml_adagrad_opts *o = opts;
    s->decoupled = o->decoupled;
    s->correction            = 1 + (double)s->steps * o->lr_decay;
    s->rule.adagrad          = (mlk_adagrad){ .eps = o->eps };
}

static void rates(const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    rule->adagrad.lr    = lr / s->correction;
    rule->adagrad.l2    = s->decoupled ? 0 : weight_decay;
    rule->adagrad.decay = s->decoupled ? lr * weight_decay : 0;
}

#define STATE(T) MLI_AT(T, 1)
static void run(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n)
{
    MLI_RUN(adagrad, &rule->adagrad, STATE);
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_adagrad_opts, lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_adagrad_opts, lr_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_adagrad_opts, initial_sum, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_adagrad_opts, eps, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_adagrad_opts, weight_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_adagrad_opts, decoupled, ML_OPTION_FLAG),
    { 0 },
};
static const ml_adagrad_opts defaults = { .lr = 1e-2, .eps = 1e-10 };

ml_adagrad_opts ml_adagrad_defaults(void) { return defaults; }

const mli_optim_kind mli_adagrad = {
    .info        = { "Adagrad", sizeof defaults, &defaults, options },
    .state_names = { "sum" },
    .initial = initial, .prepare = prepare, .rates = rates, .run = run,
};
