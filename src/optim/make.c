/* Making an optimizer: groups, their options, and what parameters must be. */
#include "optim/optim_impl.h"

#include "tensor/tensor_impl.h"

#include <string.h>

#define ALIGN 64 /* elements: no vector and no cache line straddles two parameters */

/* --- kinds and options --------------------------------------------------------------------------------------------------- */
static const mli_optim_kind *const kinds[] = {
    &mli_sgd, &mli_adam, &mli_adamw, &mli_rmsprop, &mli_adagrad, &mli_lion, &mli_muon, &mli_lbfgs, &mli_flow,
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

const ml_optim_info *ml_optim_info_at(int i)
{
    return i >= 0 && i < N_KINDS ? &kinds[i]->info : NULL;
}

const mli_optim_kind *mli_optim_kind_find(const char *name)
{
    const char *names[N_KINDS];
    for (int i = 0; i < N_KINDS; i++) {
        names[i] = kinds[i]->info.name;
        if (strcmp(name, names[i]) == 0) return kinds[i];
    }
    const char *nearest = ml_nearest_word(name, names, N_KINDS);
    return nearest ? ml_fail("there is no optimizer '%s'; did you mean '%s'?", name, nearest) : ml_fail("there is no optimizer '%s'", name);
}

const ml_optim_option *mli_option_find(const mli_optim_kind *kind, const char *name)
{
    for (const ml_optim_option *o = kind->info.options; o->name; o++)
        if (strcmp(o->name, name) == 0) return o;
    return NULL;
}

static double option_value(const ml_optim_option *o, const void *opts, int i)
{
    const char *at = (const char *)opts + o->offset;
    switch (o->kind) {
    case ML_OPTION_FLAG: return *(const bool *)at;
    case ML_OPTION_INTEGER: return (double)*(const int64_t *)at;
    default: return ((const double *)at)[i];
    }
}

bool mli_option_check(const char *kind, const ml_optim_option *o, double value)
{
    bool above = o->open_low ? value > o->low : value >= o->low, below = o->open_high ? value < o->high : value <= o->high;
    if (above && below && isfinite(value)) return true;
    if (isfinite(o->high))
        return ml_fail("%s: %s must be in %c%g, %g%c, got %g", kind, o->name, o->open_low ? '(' : '[', o->low, o->high,
                       o->open_high ? ')' : ']', value);
    const char *what = o->kind == ML_OPTION_INTEGER ? "whole" : "finite";
    if (o->open_low) return ml_fail("%s: %s must be a %s number above %g, got %g", kind, o->name, what, o->low, value);
    return ml_fail("%s: %s must be a %s number, %g or more, got %g", kind, o->name, what, o->low, value);
}

static bool check_options(const mli_optim_kind *kind, const void *opts)
{
    for (const ml_optim_option *o = kind->info.options; o->name; o++)
        for (int i = 0; o->kind != ML_OPTION_FLAG && i < (o->kind == ML_OPTION_PAIR ? 2 : 1); i++)
            if (!mli_option_check(kind->info.name, o, option_value(o, opts, i))) return false;
    return !kind->check || kind->check(opts);
}

/* --- parameters ------------------------------------------------------------------------------------------------------------ */
static bool check_parameter(const char *kind, const ml_tensor *w)
{
    if (!w) return false;
    const char *shape = ml_shape_text(&w->shape);
    w                 = mli_innermost(w);
    if (w->node)
        return ml_fail("%s: a parameter of shape %s is the result of a recorded operation; only leaves are stepped", kind, shape);
    if (!w->requires_grad && !w->frozen)
        return ml_fail("%s: a parameter of shape %s wants no gradient; call requires_grad on it first", kind, shape);
    if (!ml_tensor_is_contiguous(w))
        return ml_fail("%s: a parameter of shape %s is not contiguous; clone it first", kind, shape);
    return true;
}

static const mli_slot *slot_of(const ml_optim *opt, const ml_tensor *w)
{
    for (int i = 0; i < opt->n; i++)
        if (opt->slots[i].w == mli_innermost(w)) return &opt->slots[i];
    return NULL;
}

static bool add_slot(ml_optim *opt, int group, ml_tensor *w)
{
    const mli_group      *g    = &opt->groups[group];
    const mli_optim_kind *kind = g->kind;
    const mli_slot       *same = slot_of(opt, w);
    if (same && same->group == group) return true; /* tied weights */
    if (same) return ml_fail("%s: a parameter of shape %s is in two groups", opt->kind->info.name, ml_shape_text(&w->shape));
    mli_slot *s = &opt->slots[opt->n++];
    memset(s, 0, sizeof *s);
    s->group  = group;
    s->level  = mli_level_of(w);
    s->copies = w->inner ? w->inner->shape.size[0] : 1;
    if (w->inner && w->inner->inner) s->level = -1; /* of several vmaps: only one rate for all will do */
    s->lead  = mli_innermost(w)->shape.n - w->shape.n;
    w        = (ml_tensor *)(uintptr_t)mli_innermost(w);
    s->w     = ml_retain(w);
    s->n     = ml_tensor_numel(w);
    s->start = opt->total;
    opt->total += (s->n + ALIGN - 1) / ALIGN * ALIGN;
    for (int k = 0; k < MLI_MAX_STATE; k++) {
        if (!kind->state_names[k] || (kind->uses && !kind->uses(g->opts, k))) continue;
        s->state[k] = ml_retain(ml_full(w->shape, ml_tensor_dtype(w), kind->initial ? kind->initial(g->opts) : 0));
        if (!s->state[k]) return false;
        s->data[1 + k] = mli_data(s->state[k]);
    }
    return true;
}

/* --- groups ---------------------------------------------------------------------------------------------------------------- */
static void add_group(ml_optim *opt, const mli_optim_kind *kind, const void *opts, double lr_scale)
{
    mli_group *g = &opt->groups[opt->n_groups++];
    memset(g, 0, sizeof *g);
    g->kind = kind;
    memcpy(g->opts, opts, kind->info.opts_bytes);
    for (int r = 0; r < ML_RATE_COUNT; r++) {
        const ml_optim_option *o     = mli_option_find(kind, mli_rate_names[r]);
        double                 value = o ? option_value(o, opts, 0) : 0, shared = opt->rate[r].all;
        /* A rate of learning follows that of all in proportion; a decay that differs stands for itself: often it is 0. */
        g->ratio[r] = value == shared ? 1 : r == ML_LR && shared > 0 ? value / shared : 0;
        if (r == ML_LR) g->ratio[r] *= lr_scale;
        g->rate[r].all = r == ML_LR ? value * lr_scale : value;
    }
}

static bool check_group(const ml_optim *opt, const ml_param_group *group, const mli_optim_kind *kind, const void *opts)
{
    const char *name = opt->kind->info.name;
    if (!(group->lr_scale >= 0 && isfinite(group->lr_scale)))
        return ml_fail("%s: lr_scale must be a finite number, 0 or more, got %g", name, group->lr_scale);
    if (!check_options(kind, opts) || !group->params) return false; /* of a network that could not be made: its message stays */
    if (group->n < 1) return ml_fail("%s: there are no parameters to optimize", name);
    for (int i = 0; i < group->n; i++)
        if (!check_parameter(name, group->params[i])) return false;
    return true;
}

/* The parameters of at least `least` and at most `most` dimensions. */
static bool add_some(ml_optim *opt, const ml_param_group *group, int least, int most)
{
    for (int i = 0; i < group->n; i++) {
        int n = group->params[i]->shape.n;
        if (n >= least && n <= most && !add_slot(opt, opt->n_groups - 1, group->params[i])) return false;
    }
    return true;
}

/* Muon steps matrices; the rest becomes a group of AdamW, made only where there is a rest. */
static bool add_muon(ml_optim *opt, const ml_param_group *group, const void *opts, double lr_scale)
{
    const ml_muon_opts *o    = opts;
    ml_adam_opts        adam = { o->adam_lr, { o->adam_betas[0], o->adam_betas[1] }, o->adam_eps, o->adam_weight_decay };
    int                 matrices = 0;
    for (int i = 0; i < group->n; i++) matrices += group->params[i]->shape.n >= 2;
    if (matrices) {
        add_group(opt, &mli_muon, opts, lr_scale);
        if (!add_some(opt, group, 2, ML_MAX_DIMS)) return false;
    }
    if (matrices == group->n) return true;
    add_group(opt, &mli_adamw, &adam, lr_scale);
    return add_some(opt, group, 0, 1);
}

bool mli_own(ml_optim *opt, int k, ml_shape shape)
{
    return (opt->own[k] = ml_retain(ml_zeros(shape, ML_F64))) != NULL;
}

/* A kind that moves all parameters along one line. */
static bool finish_whole(ml_optim *opt)
{
    const char *name = opt->kind->info.name;
    if (opt->n_groups != 1 || opt->groups[0].kind != opt->kind)
        return ml_fail("%s: moves all parameters together and takes no groups; give it one list", name);
    for (int i = 0; i < opt->n; i++)
        if (opt->slots[i].lead) return ml_fail("%s: chooses its steps by the loss, which differs between the copies of vmap; make it outside", name);
    return opt->kind->make_own(opt);
}

static bool fill(ml_optim *opt, const ml_param_group *groups, int n, const void *shared)
{
    for (int r = 0; r < ML_RATE_COUNT; r++) {
        const ml_optim_option *o = mli_option_find(opt->kind, mli_rate_names[r]);
        if (o) opt->rate[r].all = option_value(o, shared, 0);
    }
    for (int i = 0; i < n; i++) {
        const mli_optim_kind *kind = groups[i].kind ? mli_optim_kind_find(groups[i].kind) : opt->kind;
        if (!kind) return false;
        const void *opts = groups[i].opts ? groups[i].opts : kind == opt->kind ? shared : kind->info.defaults;
        if (!check_group(opt, &groups[i], kind, opts)) return false;
        double lr_scale = groups[i].lr_scale > 0 ? groups[i].lr_scale : 1;
        if (kind == &mli_muon) {
            if (!add_muon(opt, &groups[i], opts, lr_scale)) return false;
            continue;
        }
        add_group(opt, kind, opts, lr_scale);
        if (!add_some(opt, &groups[i], 0, ML_MAX_DIMS)) return false;
        if (kind->minimize && kind != opt->kind)
            return ml_fail("%s: %s moves all parameters together; it cannot be the rule of a group", opt->kind->info.name, kind->info.name);
    }
    return !opt->kind->minimize || finish_whole(opt);
}

/* memset and room for everything, so that a release at any later point finds only what is there. */
static ml_optim *allocate(const mli_optim_kind *kind, int room, int n_slots)
{
    ml_optim *opt = ml_realloc(NULL, 0, sizeof *opt);
    if (!opt) return NULL;
    memset(opt, 0, sizeof *opt);
    atomic_init(&opt->refs, 1);
    opt->kind    = kind;
    opt->factor  = 1;
    opt->clip_norm = opt->clip_value = INFINITY;
    opt->n_slots = n_slots;
    opt->groups  = ml_realloc(NULL, 0, (size_t)room * sizeof *opt->groups);
    opt->slots   = opt->groups ? ml_realloc(NULL, 0, (size_t)n_slots * sizeof *opt->slots) : NULL;
    opt->room    = room;
    if (opt->slots) return opt;
    ml_optim_release(opt);
    return NULL;
}

static ml_optim *make(const mli_optim_kind *kind, const ml_param_group *groups, int n, const void *opts)
{
    const char *name   = kind->info.name;
    const void *shared = opts ? opts : kind->info.defaults;
    int         total  = 0;
    if (!groups || !check_options(kind, shared)) return NULL;
    if (n < 1) return ml_fail("%s: there are no parameters to optimize", name);
    for (int i = 0; i < n; i++) total += groups[i].n > 0 ? groups[i].n : 0;
    ml_optim *opt = allocate(kind, 2 * n, total > 0 ? total : 1); /* a group of Muon may become two */
    if (!opt) return NULL;
    ml_scope scope = ml_scope_begin();
    bool     ok    = fill(opt, groups, n, shared);
    ml_scope_end(&scope);
    if (ok) return opt;
    ml_optim_release(opt);
    return NULL;
}

ml_optim *ml_optim_new(const char *kind, const ml_param_group *groups, int n, const void *opts)
{
    const mli_optim_kind *found = mli_optim_kind_find(kind);
    return found ? make(found, groups, n, opts) : NULL;
}

static ml_optim *make_one(const mli_optim_kind *kind, ml_tensor *const *params, int n, const void *opts)
{
    return make(kind, &(ml_param_group){ .params = params, .n = n }, 1, opts);
}

ml_optim *ml_sgd(ml_tensor *const *params, int n, const ml_sgd_opts *opts) { return make_one(&mli_sgd, params, n, opts); }
ml_optim *ml_adam(ml_tensor *const *params, int n, const ml_adam_opts *opts) { return make_one(&mli_adam, params, n, opts); }
ml_optim *ml_adamw(ml_tensor *const *params, int n, const ml_adam_opts *opts) { return make_one(&mli_adamw, params, n, opts); }

ml_optim *ml_rmsprop(ml_tensor *const *params, int n, const ml_rmsprop_opts *opts) { return make_one(&mli_rmsprop, params, n, opts); }
ml_optim *ml_adagrad(ml_tensor *const *params, int n, const ml_adagrad_opts *opts) { return make_one(&mli_adagrad, params, n, opts); }
ml_optim *ml_lion(ml_tensor *const *params, int n, const ml_lion_opts *opts) { return make_one(&mli_lion, params, n, opts); }
ml_optim *ml_muon(ml_tensor *const *params, int n, const ml_muon_opts *opts) { return make_one(&mli_muon, params, n, opts); }

ml_optim *ml_lbfgs(ml_tensor *const *params, int n, const ml_lbfgs_opts *opts) { return make_one(&mli_lbfgs, params, n, opts); }
ml_optim *ml_gradient_flow(ml_tensor *const *params, int n, const ml_flow_opts *opts) { return make_one(&mli_flow, params, n, opts); }

ml_optim *ml_optim_retain(ml_optim *opt)
{
    if (opt) atomic_fetch_add_explicit(&opt->refs, 1, memory_order_relaxed);
    return opt;
}

void ml_optim_release(ml_optim *opt)
{
    if (!opt || atomic_fetch_sub_explicit(&opt->refs, 1, memory_order_acq_rel) != 1) return;
    for (int i = 0; i < opt->n; i++) {
        ml_release(opt->slots[i].w);
        for (int k = 0; k < MLI_MAX_STATE; k++) ml_release(opt->slots[i].state[k]);
    }
    for (int k = 0; k < MLI_MAX_OWN; k++) ml_release(opt->own[k]);
    for (int r = 0; r < ML_RATE_COUNT; r++) {
        ml_release(opt->rate[r].each);
        for (int g = 0; g < opt->n_groups; g++) ml_release(opt->groups[g].rate[r].each);
    }
    if (opt->slots) ml_realloc(opt->slots, (size_t)opt->n_slots * sizeof *opt->slots, 0);
    if (opt->groups) ml_realloc(opt->groups, (size_t)opt->room * sizeof *opt->groups, 0);
    ml_realloc(opt, sizeof *opt, 0);
}
