/* Muon: momentum made orthogonal. The step is U V' of the momentum's singular value decomposition U S V', nearly: a few steps of an
 * odd polynomial, x -> a x + b x^3 + c x^5 on each singular value, bring all of them into about 0.7..1.2, with products of
 * matrices only. A kernel of a convolution is a matrix with a row for each output. What is no matrix is stepped by AdamW, as
 * a group of its own (make.c). */
#include "optim/optim_impl.h"

#include "moonlab/ops.h"
#include "tensor/tensor_impl.h"

static ml_tensor *times(ml_tensor *x, double factor)
{
    return x ? ml_mul(x, ml_scalar(factor, ml_tensor_dtype(x))) : NULL;
}

/* x (..., r, c) -> the same, nearly orthogonal. The coefficients are Jordan's: as steep at 0 as still comes back. */
static ml_tensor *orthogonal(ml_tensor *x, int64_t steps)
{
    if (!x) return NULL;
    int64_t rows = x->shape.size[x->shape.n - 2], columns = x->shape.size[x->shape.n - 1];
    bool    tall = rows > columns;
    if (tall) x = ml_mT(x);
    ml_tensor *norm = ml_sqrt(ml_sum(ml_square(x), &(ml_sum_opts){ .dims = ML_DIMS(-2, -1), .keepdim = true }));
    x               = norm ? ml_div(x, ml_add(norm, ml_scalar(1e-7, ml_tensor_dtype(x)))) : NULL;
    for (int64_t i = 0; i < steps; i++) {
        ml_tensor *a = ml_matmul(x, x ? ml_mT(x) : NULL);
        ml_tensor *b = ml_add(times(a, -4.7750), times(ml_matmul(a, a), 2.0315));
        x            = ml_add(times(x, 3.4445), ml_matmul(b, x));
    }
    return tall && x ? ml_mT(x) : x;
}

static ml_shape as_matrices(const mli_slot *s)
{
    const ml_shape *w     = &s->w->shape;
    int             batch = s->lead > 0 ? 1 : 0; /* copies come first */
    ml_shape        m     = { batch + 2, { 1, 1, 1 } };
    for (int i = 0; i < w->n; i++) m.size[i < s->lead ? 0 : i == s->lead ? batch : batch + 1] *= w->size[i];
    return m;
}

static bool direction(const void *opts, mli_slot *s, ml_tensor *grad)
{
    const ml_muon_opts *o = opts;
    bool       was  = ml_set_recording(false);
    ml_shape   m    = as_matrices(s);
    double     mu   = o->momentum;
    ml_tensor *mean = ml_add(times(s->state[0], mu), times(grad, 1 - mu));
    ml_tensor *x    = o->nesterov ? ml_add(times(mean, mu), times(grad, 1 - mu)) : mean;
    ml_tensor *u    = mli_contiguous(orthogonal(ml_reshape(x, &(ml_reshape_opts){ m }), o->ns_steps));
    ml_set_recording(was);
    s->u          = u ? mli_data(u) : NULL;
    s->correction = sqrt(fmax(1, (double)m.size[m.n - 2] / fmax(1, (double)m.size[m.n - 1]))); /* so that outputs move alike */
    return u != NULL;
}

static void prepare(const void *opts, mli_slot *s)
{
    s->rule.muon = (mlk_muon){ .momentum = ((const ml_muon_opts *)opts)->momentum };
}

static void rates(const mli_slot *s, double lr, double weight_decay, mli_rule *rule)
{
    rule->muon.lr    = lr * s->correction;
    rule->muon.decay = lr * weight_decay;
}

#define STATE(T) (const T *)s->u + first, MLI_AT(T, 1)
static void run(const mli_slot *s, const mli_rule *rule, int64_t first, int64_t n)
{
    MLI_RUN(muon, &rule->muon, STATE);
}

static const ml_optim_option options[] = {
    MLI_OPTION(ml_muon_opts, lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_muon_opts, momentum, ML_OPTION_NUMBER, MLI_BELOW_ONE),
    MLI_OPTION(ml_muon_opts, nesterov, ML_OPTION_FLAG),
    MLI_OPTION(ml_muon_opts, weight_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_muon_opts, ns_steps, ML_OPTION_INTEGER, .low = 1, .high = 100),
    MLI_OPTION(ml_muon_opts, adam_lr, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_muon_opts, adam_betas, ML_OPTION_PAIR, MLI_BELOW_ONE),
    MLI_OPTION(ml_muon_opts, adam_eps, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    MLI_OPTION(ml_muon_opts, adam_weight_decay, ML_OPTION_NUMBER, MLI_NOT_NEGATIVE),
    { 0 },
};
static const ml_muon_opts defaults = {
    .lr = 0.02, .momentum = 0.95, .nesterov = true, .ns_steps = 5, .adam_lr = 3e-4, .adam_betas = { 0.9, 0.95 }, .adam_eps = 1e-10,
};

ml_muon_opts ml_muon_defaults(void) { return defaults; }

const mli_optim_kind mli_muon = {
    .info        = { "Muon", sizeof defaults, &defaults, options },
    .state_names = { "momentum" },
    .direction = direction, .prepare = prepare, .rates = rates, .run = run,
};
