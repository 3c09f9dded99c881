/* RMSprop: the gradient over the root of its running mean square; centered, over its running standard deviation. */
#include "optim/optim_impl.h"

enum { SQUARE, MEAN, MOMENTUM };

static bool uses(const void *opts, int k)
{
    const ml_rmsprop_opts *o = opts;
    return k == SQUARE || (k == MEAN && o->centered) || (k == MOMENTUM && o->momentum > 0);
}

static void prepare(const void *opts, mli_slot *s)
{
    const ml_rmsprop_opts *o = opts;
    s->decoupled = o->decoupled;
    s->rule.rmsprop          = (mlk_rmsprop){ .alpha = o->alpha, .eps = o->eps, .momentum = o->momentum };
}

static void rates(const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    rule->rmsprop.lr    = lr;
    rule->rmsprop.l2    = s->decoupled ? 0 : weight_decay;
    rule->rmsprop.decay = s->decoupled ? lr * weight_decay : 0;
}

#define STATE(T) MLI_AT(T, 1 + SQUARE), MLI_AT(T, 1 + MEAN), MLI_AT(T, 1 + MOMENTUM)
static void run(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n)
{
    MLI_RUN(rmsprop, &rule->rmsprop, STATE);
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_rmsprop_opts, lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_rmsprop_opts, alpha, ML_OPTION_NUMBER, MLI_BELOW_ONE),
    MLI_OPTION(ml_rmsprop_opts, eps, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_rmsprop_opts, momentum, ML_OPTION_NUMBER, .high = 1),
    MLI_OPTION(ml_rmsprop_opts, centered, ML_OPTION_FLAG),
    MLI_OPTION(ml_rmsprop_opts, weight_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_rmsprop_opts, decoupled, ML_OPTION_FLAG),
    { 0 },
};
static const ml_rmsprop_opts defaults = { .lr = 1e-2, .alpha = 0.99, .eps = 1e-8 };

ml_rmsprop_opts ml_rmsprop_defaults(void) { return defaults; }

const mli_optim_kind mli_rmsprop = {
    .info        = { "RMSprop", sizeof defaults, &defaults, options },
    .state_names = { "square", "mean", "momentum" },
    .uses = uses, .prepare = prepare, .rates = rates, .run = run,
};
