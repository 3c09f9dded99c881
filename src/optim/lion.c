/* Lion: the sign of a running mean, so every element moves by lr. The mean that is kept is slower than the one that steps. */
#include "optim/optim_impl.h"

static void prepare(const void *opts, mli_slot *s)
{
    const ml_lion_opts *o = opts;
    s->rule.lion          = (mlk_lion){ .beta1 = o->betas[0], .beta2 = o->betas[1] };
}

static void rates(const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    (void)s;
    rule->lion.lr    = lr;
    rule->lion.decay = lr * weight_decay;
}

#define STATE(T) MLI_AT(T, 1)
static void run(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n)
{
    MLI_RUN(lion, &rule->lion, STATE);
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_lion_opts, lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_lion_opts, betas, ML_OPTION_PAIR, MLI_BELOW_ONE),
    MLI_OPTION(ml_lion_opts, weight_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    { 0 },
};
static const ml_lion_opts defaults = { .lr = 1e-4, .betas = { 0.9, 0.99 } };

ml_lion_opts ml_lion_defaults(void) { return defaults; }

const mli_optim_kind mli_lion = {
    .info        = { "Lion", sizeof defaults, &defaults, options },
    .state_names = { "mean" },
    .prepare = prepare, .rates = rates, .run = run,
};
