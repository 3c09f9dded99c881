/* Stochastic gradient descent, with momentum and Nesterov's look ahead. The momentum starts at zero, so that the
 * first step is that of plain descent (Nesterov: 1 + momentum times as long). */
#include "optim/optim_impl.h"

static void prepare(const ml_optim *opt, mli_slot *s)
{
    s->rule.sgd = (mlk_sgd){ .momentum = opt->momentum, .nesterov = opt->nesterov };
}

static void rates(const ml_optim *opt, const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    (void)opt, (void)s;
    rule->sgd.lr = lr;
    rule->sgd.l2 = weight_decay;
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

static const mli_optim_kind sgd = { "SGD", prepare, rates, run };

ml_sgd_opts ml_sgd_defaults(void)
{
    return (ml_sgd_opts){ .lr = 1e-2 };
}

ml_optim *ml_sgd(ml_tensor *const *params, int n, const ml_sgd_opts *opts)
{
    ml_sgd_opts o = opts ? *opts : ml_sgd_defaults();
    if (!(o.momentum >= 0 && o.momentum <= 1)) return ml_fail("SGD: momentum must be in [0, 1], got %g", o.momentum);
    if (o.nesterov && o.momentum == 0) return ml_fail("SGD: nesterov looks ahead along the momentum; set momentum > 0, for example 0.9");
    ml_optim proto = { .kind = &sgd, .n_state = o.momentum > 0 ? 1 : 0, .lr.all = o.lr, .weight_decay.all = o.weight_decay,
                       .momentum = o.momentum, .nesterov = o.nesterov };
    return mli_optim_new(&proto, params, n);
}
