/* Adam, and AdamW: the same but for where the weight decay goes. Adam adds it to the gradient, so that it is scaled by
 * the running size of the gradient like all else; AdamW shrinks the weight itself, whatever its gradients were. */
#include "optim/optim_impl.h"

#include <math.h>

static const mli_optim_kind adam, adamw;

static void prepare(const ml_optim *opt, mli_slot *s)
{
    double t      = (double)(s->steps + 1);
    s->correction = 1 - pow(opt->betas[0], t);
    s->rule.adam  = (mlk_adam){ .beta1 = opt->betas[0], .beta2 = opt->betas[1], .eps = opt->eps, .root_scale = 1 / sqrt(1 - pow(opt->betas[1], t)) };
}

static void rates(const ml_optim *opt, const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    bool decoupled       = opt->kind == &adamw;
    rule->adam.lr        = lr;
    rule->adam.step_size = lr / s->correction;
    rule->adam.l2        = decoupled ? 0 : weight_decay;
    rule->adam.decay     = decoupled ? lr * weight_decay : 0;
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

static const mli_optim_kind adam  = { "Adam", { "mean", "square" }, prepare, rates, run };
static const mli_optim_kind adamw = { "AdamW", { "mean", "square" }, prepare, rates, run };

ml_adam_opts ml_adam_defaults(void)
{
    return (ml_adam_opts){ .lr = 1e-3, .betas = { 0.9, 0.999 }, .eps = 1e-8 };
}

ml_adam_opts ml_adamw_defaults(void)
{
    ml_adam_opts o = ml_adam_defaults();
    o.weight_decay = 1e-2;
    return o;
}

static ml_optim *make(const mli_optim_kind *kind, ml_tensor *const *params, int n, ml_adam_opts o)
{
    for (int i = 0; i < 2; i++)
        if (!(o.betas[i] >= 0 && o.betas[i] < 1)) return ml_fail("%s: betas must be in [0, 1), got %g", kind->name, o.betas[i]);
    if (!(o.eps >= 0 && isfinite(o.eps))) return ml_fail("%s: eps must be a finite number, 0 or more, got %g", kind->name, o.eps);
    ml_optim proto = { .kind = kind, .n_state = 2, .lr.all = o.lr, .weight_decay.all = o.weight_decay,
                       .betas = { o.betas[0], o.betas[1] }, .eps = o.eps };
    return mli_optim_new(&proto, params, n);
}

ml_optim *ml_adam(ml_tensor *const *params, int n, const ml_adam_opts *opts)
{
    return make(&adam, params, n, opts ? *opts : ml_adam_defaults());
}

ml_optim *ml_adamw(ml_tensor *const *params, int n, const ml_adam_opts *opts)
{
    return make(&adamw, params, n, opts ? *opts : ml_adamw_defaults());
}
