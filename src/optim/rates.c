/* Learning rates and weight decays: of the whole optimizer, of a group, and inside vmap of each copy. */
#include "optim/optim_impl.h"

#include "tensor/tensor_impl.h"

static mli_rate *rate_at(const ml_optim *opt, int group, ml_rate which)
{
    if (!opt) return NULL;
    const char *kind = opt->kind->info.name;
    if (which < 0 || which >= ML_RATE_COUNT) return ml_fail("%s: there is no rate %d", kind, (int)which);
    if (group >= opt->n_groups) return ml_fail("%s: there is no group %d; there are %d", kind, group + 1, opt->n_groups);
    return group < 0 ? (mli_rate *)(uintptr_t)&opt->rate[which] : &opt->groups[group].rate[which];
}

static bool check_value(const ml_optim *opt, int group, ml_rate which, double value)
{
    const mli_optim_kind  *kind   = group < 0 ? opt->kind : opt->groups[group].kind;
    const ml_optim_option *option = mli_option_find(kind, mli_rate_names[which]);
    if (!option && value == 0) return true;
    if (!option) return ml_fail("%s: it has no %s", kind->info.name, mli_rate_names[which]);
    return mli_option_check(kind->info.name, option, value);
}

/* each: retained, or NULL for one number. */
static void put(mli_rate *rate, double all, ml_tensor *each, double times, int64_t level)
{
    ml_tensor *was = rate->each;
    *rate          = (mli_rate){ .all = all, .each = ml_retain(each), .times = times, .level = level };
    ml_release(was);
}

/* That of one group, or of all: then groups follow by their ratios. */
static void put_all(ml_optim *opt, int group, ml_rate which, double all, ml_tensor *each, int64_t level)
{
    mli_rate *whole = &opt->rate[which];
    if (group >= 0) {
        mli_group *g    = &opt->groups[group];
        g->ratio[which] = each || which != ML_LR ? 0 : whole->all > 0 ? all / whole->all : 0;
        put(&g->rate[which], all, each, 1, level);
        return;
    }
    put(whole, all, each, 1, level);
    for (int i = 0; i < opt->n_groups; i++) {
        mli_group *g     = &opt->groups[i];
        double     ratio = g->ratio[which];
        if (ratio > 0) put(&g->rate[which], each ? g->rate[which].all : all * ratio, each, ratio, level);
    }
}

bool ml_optim_set_rate(ml_optim *opt, int group, ml_rate which, double value)
{
    if (!rate_at(opt, group, which) || !check_value(opt, group, which, value)) return false;
    put_all(opt, group, which, value, NULL, 0);
    return true;
}

double ml_optim_rate(const ml_optim *opt, int group, ml_rate which)
{
    const mli_rate *rate = rate_at(opt, group, which);
    return rate ? rate->all : 0;
}

bool ml_optim_set_rate_each(ml_optim *opt, int group, ml_rate which, ml_tensor *value)
{
    const mli_rate *rate = value ? rate_at(opt, group, which) : NULL;
    if (!rate) return false;
    const char *kind = opt->kind->info.name, *what = mli_rate_names[which];
    if (value->shape.n) return ml_fail("%s: %s must be one number, got shape %s", kind, what, ml_shape_text(&value->shape));
    if (!value->inner) return ml_optim_set_rate(opt, group, which, ml_item(value));
    if (value->inner->inner) return ml_fail("%s: %s differs inside several vmaps; it can in one", kind, what);
    int64_t n = value->inner->shape.size[0];
    for (int i = 0; i < opt->n; i++) {
        const mli_slot *s = &opt->slots[i];
        if ((group < 0 || s->group == group) && (s->level != value->level || s->copies != n))
            return ml_fail("%s: %s differs between %lld copies, but a parameter does not: make it inside the same vmap", kind, what, (long long)n);
    }
    ml_scope   scope = ml_scope_begin();
    ml_tensor *each  = ml_empty(ML_SHAPE(n), ML_F64);
    bool       ok    = each && ml_tensor_copy_out(value->inner, ML_F64, mli_data(each));
    for (int64_t i = 0; ok && i < n; i++) ok = check_value(opt, group, which, ((const double *)mli_data(each))[i]);
    if (ok) put_all(opt, group, which, rate->all, each, value->level);
    ml_scope_end(&scope);
    return ok;
}

ml_tensor *ml_optim_rate_each(const ml_optim *opt, int group, ml_rate which)
{
    const mli_rate *rate = rate_at(opt, group, which);
    if (!rate || !rate->each) return NULL;
    ml_tensor *each = mli_batched_new(rate->each, rate->level);
    return rate->times == 1 ? each : ml_mul(each, ml_scalar(rate->times, ML_F64));
}

bool ml_optim_rate_varies(const ml_optim *opt, int group, ml_rate which)
{
    const mli_rate *rate = rate_at(opt, group, which);
    return rate && rate->each;
}

bool ml_optim_rate_follows(const ml_optim *opt, int group, ml_rate which)
{
    return rate_at(opt, group, which) && (group < 0 || opt->groups[group].ratio[which] > 0);
}

bool ml_optim_set_factor(ml_optim *opt, double factor)
{
    if (!opt) return false;
    if (!(factor >= 0 && isfinite(factor)))
        return ml_fail("%s: the factor of a schedule must be a finite number, 0 or more, got %g", opt->kind->info.name, factor);
    opt->factor = factor;
    return true;
}

double ml_optim_factor(const ml_optim *opt) { return opt ? opt->factor : 1; }

static bool set_clip(ml_optim *opt, double *clip, const char *what, double most)
{
    if (!(most >= 0)) return ml_fail("%s: %s must be a number, 0 or more, got %g", opt->kind->info.name, what, most);
    if (opt->kind->minimize && isfinite(most))
        return ml_fail("%s: needs gradients as they are; %s is for those that step along one", opt->kind->info.name, what);
    *clip = most;
    return true;
}

bool   ml_optim_set_clip_norm(ml_optim *opt, double most) { return opt && set_clip(opt, &opt->clip_norm, "clip_norm", most); }
bool   ml_optim_set_clip_value(ml_optim *opt, double most) { return opt && set_clip(opt, &opt->clip_value, "clip_value", most); }
double ml_optim_clip_norm(const ml_optim *opt) { return opt ? opt->clip_norm : INFINITY; }
double ml_optim_clip_value(const ml_optim *opt) { return opt ? opt->clip_value : INFINITY; }

double ml_optim_lr(const ml_optim *opt) { return ml_optim_rate(opt, -1, ML_LR); }
double ml_optim_weight_decay(const ml_optim *opt) { return ml_optim_rate(opt, -1, ML_WEIGHT_DECAY); }
bool   ml_optim_set_lr(ml_optim *opt, double lr) { return ml_optim_set_rate(opt, -1, ML_LR, lr); }
bool   ml_optim_set_weight_decay(ml_optim *opt, double value) { return ml_optim_set_rate(opt, -1, ML_WEIGHT_DECAY, value); }
bool   ml_optim_set_lr_each(ml_optim *opt, ml_tensor *lr) { return ml_optim_set_rate_each(opt, -1, ML_LR, lr); }
bool   ml_optim_set_weight_decay_each(ml_optim *opt, ml_tensor *value) { return ml_optim_set_rate_each(opt, -1, ML_WEIGHT_DECAY, value); }
ml_tensor *ml_optim_lr_each(const ml_optim *opt) { return ml_optim_rate_each(opt, -1, ML_LR); }
ml_tensor *ml_optim_weight_decay_each(const ml_optim *opt) { return ml_optim_rate_each(opt, -1, ML_WEIGHT_DECAY); }
