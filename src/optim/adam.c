/* Adam, and AdamW: the same but for where the weight decay goes. Adam adds it to the gradient, so that it is scaled by
 * the running size of the gradient like all else; AdamW shrinks the weight itself, whatever its gradients were. */
#include "optim/optim_impl.h"

static void prepare(const void *opts, mli_slot *s)
{
    const ml_adam_opts *o = opts;
    double              t = (double)(s->steps + 1);
    s->correction = 1 - pow(o->betas[0], t);
    s->rule.adam  = (mlk_adam){ .beta1 = o->betas[0], .beta2 = o->betas[1], .eps = o->eps, .root_scale = 1 / sqrt(1 - pow(o->betas[1], t)) };
}

static void rates_coupled(const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    rule->adam.lr        = lr;
    rule->adam.step_size = lr / s->correction;
    rule->adam.l2        = weight_decay;
    rule->adam.decay     = 0;
}

static void rates_decoupled(const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    rates_coupled(s, lr, 0, rule);
    rule->adam.decay = lr * weight_decay;
}

static void run(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n)
{
    if (ml_tensor_dtype(s->w) == ML_F32) {
        float *w = s->data[0], *m = s->data[1], *v = s->data[2];
        mlk()->adam_f32(n, &rule->adam, w + first, (const float *)s->g + first, m + first, v + first);
    } else {
        double *w = s->data[0], *m = s->data[1], *v = s->data[2];
        mlk()->adam_f64(n, &rule->adam, w + first, (const double *)s->g + first, m + first, v + first);
    }
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_adam_opts, lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_adam_opts, betas, ML_OPTION_PAIR, MLI_BELOW_ONE),
    MLI_OPTION(ml_adam_opts, eps, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_adam_opts, weight_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    { 0 },
};
static const ml_adam_opts adam_defaults  = { .lr = 1e-3, .betas = { 0.9, 0.999 }, .eps = 1e-8 };
static const ml_adam_opts adamw_defaults = { .lr = 1e-3, .betas = { 0.9, 0.999 }, .eps = 1e-8, .weight_decay = 1e-2 };

ml_adam_opts ml_adam_defaults(void) { return adam_defaults; }
ml_adam_opts ml_adamw_defaults(void) { return adamw_defaults; }

const mli_optim_kind mli_adam = {
    .info        = { "Adam", sizeof adam_defaults, &adam_defaults, options },
    .state_names = { "mean", "square" },
    .prepare = prepare, .rates = rates_coupled, .run = run,
};

const mli_optim_kind mli_adamw = {
    .info        = { "AdamW", sizeof adamw_defaults, &adamw_defaults, options },
    .state_names = { "mean", "square" },
    .prepare = prepare, .rates = rates_decoupled, .run = run,
};
