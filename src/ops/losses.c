/* Losses beside cross_entropy and mse (softmax.c): each by its definition, in other operations. */
#include "ops/op.h"

#include <math.h>

/* --- what they share --------------------------------------------------------------------------------------------------- */
static ml_tensor *reduced(ml_tensor *each, int reduction)
{
    if (reduction == ML_REDUCTION_NONE) return each;
    return reduction == ML_REDUCTION_SUM ? ml_sum(each, NULL) : ml_mean(each, NULL);
}

static ml_tensor *times(ml_tensor *x, double factor) { return factor == 1 ? x : ml_mul(x, ml_number(factor)); }

/* Two tensors of one shape, compared element by element; the options of all end in how they are put together. */
static bool elements_infer(ml_call *c, int reduction)
{
    const char *name = ml_op_info_at(c->id)->name;
    if (!ml_shape_equal(&c->in[0]->shape, &c->in[1]->shape))
        return ml_fail("%s: shapes differ: %s and %s; reshape or expand one of them", name, ml_shape_text(&c->in[0]->shape),
                       ml_shape_text(&c->in[1]->shape));
    if (!mli_choice(name, "reduction", reduction, ML_REDUCTION_COUNT)) return false;
    c->shape = reduction == ML_REDUCTION_NONE ? c->in[0]->shape : ML_SCALAR;
    return true;
}

/* Scores (n, classes) with labels (n), or (classes) with one label. */
static bool rows_infer(ml_call *c, int reduction)
{
    const char *name = ml_op_info_at(c->id)->name;
    ml_shape    x = c->in[0]->shape, y = c->in[1]->shape;
    bool        fits = x.n == y.n + 1 && y.n <= 1 && (y.n == 0 || x.size[0] == y.size[0]);
    if (!fits)
        return ml_fail("%s: needs scores (n, classes) and labels (n), or (classes) and one label, got %s and %s", name, ml_shape_text(&x),
                       ml_shape_text(&y));
    if (!ml_dtype_is_float((ml_dtype)c->in[0]->dtype))
        return ml_fail("%s: scores must be f32 or f64, got %s", name, ml_dtype_name((ml_dtype)c->in[0]->dtype));
    if (!mli_integers(name, "labels", c->in[1]) || !mli_choice(name, "reduction", reduction, ML_REDUCTION_COUNT)) return false;
    if (x.size[x.n - 1] < 1) return ml_fail("%s: there are no classes, shape %s", name, ml_shape_text(&x));
    c->shape = reduction == ML_REDUCTION_NONE ? y : ML_SCALAR;
    c->dtype = (ml_dtype)c->in[0]->dtype;
    return true;
}

static ml_tensor *hot(const ml_call *c, int base)
{
    const ml_shape *x = &c->in[0]->shape;
    ml_tensor      *y = ml_one_hot(c->in[1], &(ml_one_hot_opts){ .classes = x->size[x->n - 1], .base = base });
    return ml_cast(y, &(ml_cast_opts){ (ml_dtype)c->in[0]->dtype });
}

/* --- a number against a number ------------------------------------------------------------------------------------------- */
#define ELEMENTS(name)                                                                                                           \
    static bool name##_infer(ml_call *c) { return elements_infer(c, ((const ml_##name##_opts *)c->opts)->reduction); }           \
    static ml_tensor *name##_compose(ml_call *c)                                                                                 \
    {                                                                                                                            \
        const ml_##name##_opts *o = c->opts;                                                                                     \
        return reduced(name##_each(c->in[0], c->in[1], o), o->reduction);                                                        \
    }

/* -(p y log s + (1 - y) log(1 - s)) with s = sigmoid(x), whose logarithms are softplus: no overflow, no log 0 */
static ml_tensor *bce_with_logits_each(ml_tensor *x, ml_tensor *y, const ml_bce_with_logits_opts *o)
{
    ml_tensor *yes = times(ml_mul(y, ml_softplus(ml_neg(x))), o->pos_weight);
    return ml_add(yes, ml_mul(ml_sub(ml_number(1), y), ml_softplus(x)));
}
ELEMENTS(bce_with_logits)

static ml_tensor *hinge_each(ml_tensor *x, ml_tensor *y, const ml_hinge_opts *o)
{
    return ml_relu(ml_sub(ml_number(o->margin), ml_mul(x, y)));
}
ELEMENTS(hinge)

static ml_tensor *logistic_loss_each(ml_tensor *x, ml_tensor *y, const ml_logistic_loss_opts *o)
{
    (void)o;
    return ml_softplus(ml_neg(ml_mul(x, y)));
}
ELEMENTS(logistic_loss)

static ml_tensor *exponential_loss_each(ml_tensor *x, ml_tensor *y, const ml_exponential_loss_opts *o)
{
    (void)o;
    return ml_exp(ml_neg(ml_mul(x, y)));
}
ELEMENTS(exponential_loss)

/* With a = |x - y| and c = min(a, delta) it is c (a - c / 2): a^2 / 2 within delta, delta (a - delta / 2) beyond. */
static ml_tensor *huber_of(ml_tensor *x, ml_tensor *y, double delta)
{
    ml_tensor *a = ml_abs(ml_sub(x, y)), *near = ml_clamp(a, &(ml_clamp_opts){ .min = -INFINITY, .max = delta });
    return ml_mul(near, ml_sub(a, times(near, 0.5)));
}

static ml_tensor *huber_each(ml_tensor *x, ml_tensor *y, const ml_huber_opts *o)
{
    if (!(o->delta > 0)) return ml_fail("huber: delta must be above 0, got %g", o->delta);
    return huber_of(x, y, o->delta);
}
ELEMENTS(huber)

static ml_tensor *smooth_l1_each(ml_tensor *x, ml_tensor *y, const ml_smooth_l1_opts *o)
{
    if (!(o->beta >= 0)) return ml_fail("smooth_l1: beta must be 0 or more, got %g", o->beta);
    return o->beta == 0 ? ml_abs(ml_sub(x, y)) : times(huber_of(x, y, o->beta), 1 / o->beta);
}
ELEMENTS(smooth_l1)

/* --- distributions --------------------------------------------------------------------------------------------------------- */
static bool kl_div_infer(ml_call *c)
{
    int reduction = ((const ml_kl_div_opts *)c->opts)->reduction;
    if (!elements_infer(c, reduction)) return false;
    if (c->in[0]->shape.n == 0) return ml_fail("kl_div: needs a last dimension with the logarithms of a distribution, got ()");
    if (reduction == ML_REDUCTION_NONE) c->shape.n--;
    return true;
}

static ml_tensor *kl_div_compose(ml_call *c)
{
    /* log 0 = -inf has a share of 0: 0 (-1e30 - x) is 0, where 0 (-inf - x) is not a number */
    ml_tensor *p = ml_clamp(c->in[1], &(ml_clamp_opts){ .min = -1e30, .max = INFINITY });
    ml_tensor *rows = ml_sum_dim(ml_mul(ml_exp(p), ml_sub(p, c->in[0])), -1, false);
    return reduced(rows, ((const ml_kl_div_opts *)c->opts)->reduction);
}

/* (1 - s) w[y] (-log p[y]) + s / k sum_c w[c] (-log p[c]); the mean is over the sum of w[y] */
static bool weighted_cross_entropy_infer(ml_call *c)
{
    const ml_weighted_cross_entropy_opts *o = c->opts;
    const ml_shape *x = &c->in[0]->shape, *w = &c->in[2]->shape;
    if (!rows_infer(c, o->reduction)) return false;
    if (w->n != 1 || w->size[0] != x->size[x->n - 1])
        return ml_fail("weighted_cross_entropy: needs a weight for each of %lld classes, got shape %s", (long long)x->size[x->n - 1],
                       ml_shape_text(w));
    if (!ml_dtype_is_float((ml_dtype)c->in[2]->dtype))
        return ml_fail("weighted_cross_entropy: weights must be f32 or f64, got %s", ml_dtype_name((ml_dtype)c->in[2]->dtype));
    if (!(o->label_smoothing >= 0 && o->label_smoothing <= 1))
        return ml_fail("weighted_cross_entropy: label_smoothing must be in [0, 1], got %g", o->label_smoothing);
    return true;
}

static ml_tensor *weighted_cross_entropy_compose(ml_call *c)
{
    const ml_weighted_cross_entropy_opts *o = c->opts;
    double     classes = (double)c->in[0]->shape.size[c->in[0]->shape.n - 1], s = o->label_smoothing;
    ml_tensor *w = ml_cast(c->in[2], &(ml_cast_opts){ (ml_dtype)c->in[0]->dtype }), *own = ml_mul(hot(c, o->base), w);
    ml_tensor *logs = ml_neg(ml_log_softmax(c->in[0], NULL));
    ml_tensor *share = s == 0 ? own : ml_add(times(own, 1 - s), times(w, s / classes));
    ml_tensor *each = ml_sum_dim(ml_mul(logs, share), -1, false);
    if (o->reduction == ML_REDUCTION_MEAN) return ml_div(ml_sum(each, NULL), ml_sum(own, NULL));
    return reduced(each, o->reduction);
}

/* --- margins of scores ------------------------------------------------------------------------------------------------------- */
static bool multi_margin_infer(ml_call *c)
{
    const ml_multi_margin_opts *o = c->opts;
    if (o->p != 1 && o->p != 2) return ml_fail("multi_margin: p must be 1 or 2, got %lld", (long long)o->p);
    return rows_infer(c, o->reduction);
}

static ml_tensor *own_score(ml_tensor *x, ml_tensor *mine) { return ml_sum_dim(ml_mul(x, mine), -1, true); }

static ml_tensor *multi_margin_compose(ml_call *c)
{
    const ml_multi_margin_opts *o = c->opts;
    ml_tensor *x = c->in[0], *mine = hot(c, o->base);
    ml_tensor *above = ml_relu(ml_add(ml_sub(x, own_score(x, mine)), ml_number(o->margin)));
    if (o->p == 2) above = ml_square(above);
    ml_tensor *others = ml_mul(above, ml_sub(ml_number(1), mine)); /* the label is no rival of itself */
    return reduced(times(ml_sum_dim(others, -1, false), 1 / (double)x->shape.size[x->shape.n - 1]), o->reduction);
}

static bool margin_infer(ml_call *c)
{
    if (!rows_infer(c, ML_REDUCTION_NONE)) return false;
    if (c->in[0]->shape.size[c->in[0]->shape.n - 1] > 1) return true;
    return ml_fail("margin: needs two classes at least, got scores %s", ml_shape_text(&c->in[0]->shape));
}

static ml_tensor *margin_compose(ml_call *c)
{
    ml_tensor *x = c->in[0], *mine = hot(c, ((const ml_margin_opts *)c->opts)->base);
    ml_tensor *others = ml_where(ml_ne(mine, ml_number(0)), ml_number(-INFINITY), x);
    return ml_sub(ml_sum_dim(ml_mul(x, mine), -1, false), ml_max(others, &(ml_max_opts){ .dims = ML_DIMS(-1) }));
}

/* --- samples, operations --------------------------------------------------------------------------------------------------- */
#define NONE(name) static const ml_##name##_opts name##_none
NONE(bce_with_logits)  = { .pos_weight = 3, .reduction = ML_REDUCTION_NONE };
NONE(hinge)            = { .margin = 0.5, .reduction = ML_REDUCTION_NONE };
NONE(logistic_loss)    = { .reduction = ML_REDUCTION_NONE };
NONE(exponential_loss) = { .reduction = ML_REDUCTION_SUM };
NONE(huber)            = { .delta = 0.7, .reduction = ML_REDUCTION_SUM };
NONE(smooth_l1)        = { .beta = 2, .reduction = ML_REDUCTION_NONE };
NONE(kl_div)           = { .reduction = ML_REDUCTION_NONE };
NONE(multi_margin)     = { .margin = 1, .p = 2, .reduction = ML_REDUCTION_NONE };
static const ml_weighted_cross_entropy_opts smooth = { .label_smoothing = 0.2, .reduction = ML_REDUCTION_NONE }, smooth_mean = { .label_smoothing = 0.2 };

#define PAIRS(name)                                                                                                    \
    static const ml_sample name##_samples[] = { { .in = { "(3, 4)", "(3, 4)" } },                                      \
                                                { .in = { "(5)", "(5)" }, .opts = &name##_none },                      \
                                                { .in = { "()", "()" } }, { 0 } };
PAIRS(bce_with_logits)
PAIRS(hinge)
PAIRS(logistic_loss)
PAIRS(exponential_loss)
PAIRS(huber)
PAIRS(smooth_l1)
static const ml_sample kl_div_samples[] = { { .in = { "(3, 4)", "(3, 4)" } }, { .in = { "(4)", "(4)" } },
                                            { .in = { "(3, 2, 4)", "(3, 2, 4)" }, .opts = &kl_div_none }, { 0 } };
static const ml_sample weighted_cross_entropy_samples[] = {
    { .in = { "(5, 4)", "i(5)", "(4)" }, .ids = 4, .low = 0.5, .high = 2 },
    { .in = { "(5, 4)", "i(5)", "(4)" }, .opts = &smooth_mean, .ids = 4, .low = 0.5, .high = 2 },
    { .in = { "(4)", "i()", "(4)" }, .opts = &smooth, .ids = 4, .low = 0.5, .high = 2 }, { 0 },
};
static const ml_sample multi_margin_samples[] = { { .in = { "(5, 4)", "i(5)" }, .ids = 4 },
                                                  { .in = { "(5, 4)", "i(5)" }, .opts = &multi_margin_none, .ids = 4 },
                                                  { .in = { "(4)", "i()" }, .ids = 4 }, { 0 } };
static const ml_sample margin_samples[] = { { .in = { "(5, 4)", "i(5)" }, .ids = 4 }, { .in = { "(4)", "i()" }, .ids = 4 }, { 0 } };

#define LOSS(name, flags_) const ml_op ml_op_##name = { .kind = ML_OTHER, .flags = flags_, .infer = name##_infer, .compose = name##_compose, \
                                                        .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .samples = name##_samples }
LOSS(bce_with_logits, ML_FLOAT_ONLY);
LOSS(hinge, ML_FLOAT_ONLY);
LOSS(logistic_loss, ML_FLOAT_ONLY);
LOSS(exponential_loss, ML_FLOAT_ONLY);
LOSS(huber, ML_FLOAT_ONLY);
LOSS(smooth_l1, ML_FLOAT_ONLY);
LOSS(kl_div, ML_FLOAT_ONLY);
LOSS(multi_margin, ML_NO_PROMOTE);
LOSS(margin, ML_NO_PROMOTE);
const ml_op ml_op_weighted_cross_entropy = { .kind = ML_OTHER, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1) | ML_SAVE_IN(2),
                                             .infer = weighted_cross_entropy_infer, .compose = weighted_cross_entropy_compose,
                                             .samples = weighted_cross_entropy_samples };
