/* A step as one pass over everything.
 *
 * The elements of all parameters are thought of as laid end to end, each parameter from a multiple of ALIGN on (make.c). A
 * task is TASK of these elements, whichever parameters they belong to. So a hundred small parameters are one task and one
 * large one is many, and what a task covers depends on the sizes alone: results have the same bits on any number of threads. */
#include "optim/optim_impl.h"

#include "tensor/tensor_impl.h"

#define TASK 16384 /* elements: some microseconds of work, well over the price of handing it to a thread */

mli_gradient *mli_gradients(ml_optim *opt, int *n)
{
    ml_tensor    *room = ml_empty(ML_SHAPE((int64_t)sizeof(mli_gradient) * opt->n), ML_U8);
    mli_gradient *g    = room ? mli_data(room) : NULL;
    *n = 0;
    for (int i = 0; g && i < opt->n; i++) {
        const mli_slot *s = &opt->slots[i];
        if (s->grad) g[(*n)++] = (mli_gradient){ s->grad, s->w, s->lead, s->level };
    }
    return g;
}

/* Shorter gradients; the parameters keep theirs. */
static bool clip(ml_optim *opt)
{
    bool was = ml_set_recording(false), ok = true;
    for (int i = 0; ok && isfinite(opt->clip_value) && i < opt->n; i++) {
        mli_slot *s = &opt->slots[i];
        if (s->grad) ok = (s->grad = ml_clamp(s->grad, &(ml_clamp_opts){ .min = -opt->clip_value, .max = opt->clip_value })) != NULL;
    }
    if (ok && isfinite(opt->clip_norm)) {
        int           n, next = 0;
        mli_gradient *g = mli_gradients(opt, &n);
        ok = g && mli_gradient_scale(g, n, mli_clip_factor(mli_gradient_norm(opt->kind->info.name, g, n), opt->clip_norm));
        for (int i = 0; ok && i < opt->n; i++)
            if (opt->slots[i].grad) opt->slots[i].grad = g[next++].value;
    }
    ml_set_recording(was);
    return ok;
}

/* Finds every gradient, before anything is written: a copy of one that is not contiguous may be refused. */
static bool find_gradients(ml_optim *opt)
{
    bool any = false;
    for (int i = 0; i < opt->n; i++) {
        mli_slot *s = &opt->slots[i];
        s->g        = NULL;
        s->grad     = ml_tensor_grad(s->w);
        any         = any || s->grad;
        if (s->grad && !mli_has_values(opt->kind->info.name, s->grad)) return false;
    }
    if (!any)
        return ml_fail("%s: none of the %d parameters has a gradient: the loss does not depend on them, or backward was not called",
                       opt->kind->info.name, opt->n);
    if ((isfinite(opt->clip_norm) || isfinite(opt->clip_value)) && !clip(opt)) return false;
    for (int i = 0; i < opt->n; i++) {
        mli_slot        *s = &opt->slots[i];
        const mli_group *g = &opt->groups[s->group];
        if (!s->grad) continue;
        if (!(s->grad = mli_contiguous(s->grad))) return false;
        s->g = mli_data(s->grad);
        if (g->kind->direction && !g->kind->direction(g->opts, s, s->grad)) return false;
    }
    return true;
}

static double rate_of(const mli_rate *rate, int64_t copy)
{
    return rate->each ? ((const double *)mli_data(rate->each))[copy] * rate->times : rate->all;
}

/* Elements from..to of one parameter; where the rates differ between its copies, copy by copy. */
static void run_part(const ml_optim *opt, const mli_slot *s, int64_t from, int64_t to)
{
    const mli_group *g    = &opt->groups[s->group];
    int64_t          each = g->rate[ML_LR].each || g->rate[ML_WEIGHT_DECAY].each ? s->n / s->copies : to;
    for (int64_t next; from < to; from = next) {
        int64_t copy = from / each;
        next         = (copy + 1) * each < to ? (copy + 1) * each : to;
        mli_rule rule = s->rule;
        g->kind->rates(s, rate_of(&g->rate[ML_LR], copy) * opt->factor, rate_of(&g->rate[ML_WEIGHT_DECAY], copy), &rule);
        g->kind->run(s, &rule, from, next - from);
    }
}

static void run_task(void *ctx, int64_t task)
{
    const ml_optim *opt   = ctx;
    int64_t         first = task * TASK, last = first + TASK;
    for (int i = 0; i < opt->n; i++) {
        const mli_slot *s    = &opt->slots[i];
        int64_t         from = first > s->start ? first - s->start : 0, to = last - s->start < s->n ? last - s->start : s->n;
        if (s->g && from < to) run_part(opt, s, from, to);
    }
}

static bool wants_function(const ml_optim *opt)
{
    const char *kind = opt->kind->info.name;
    return ml_fail("%s%s: computes the loss more than once a step: give minimize a function that returns it, not the loss", kind,
                   opt->sam_radius > 0 ? " with SAM" : "");
}

static bool step(ml_optim *opt)
{
    ml_scope scope = ml_scope_begin();
    bool     ok    = find_gradients(opt);
    for (int i = 0; ok && i < opt->n; i++) {
        mli_slot        *s = &opt->slots[i];
        const mli_group *g = &opt->groups[s->group];
        if (!s->g) continue;
        s->data[0] = ml_tensor_mutable_data(s->w); /* a graph that has used the old values will say so */
        g->kind->prepare(g->opts, s);
        s->steps++;
    }
    if (ok) {
        ml_parallel((opt->total + TASK - 1) / TASK, run_task, opt);
        opt->steps++;
    }
    ml_scope_end(&scope);
    return ok;
}

bool ml_optim_step(ml_optim *opt)
{
    if (!opt) return false;
    return opt->kind->minimize || opt->sam_radius > 0 ? wants_function(opt) : step(opt);
}

void ml_optim_zero_grad(ml_optim *opt)
{
    for (int i = 0; opt && i < opt->n; i++) ml_tensor_zero_grad(opt->slots[i].w);
}

bool mli_loss_backward(ml_optim *opt, const mli_closure *f, double *value)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *loss  = f->loss(f->ctx);
    ml_optim_zero_grad(opt);
    bool ok = loss && ml_backward(loss, NULL);
    if (ok) *value = loss->inner ? NAN : ml_item(loss); /* one for each copy is no number */
    ml_scope_end(&scope);
    return ok;
}

static bool descend(ml_optim *opt, ml_tensor *loss)
{
    ml_optim_zero_grad(opt);
    return ml_backward(loss, NULL) && step(opt);
}

bool ml_optim_minimize(ml_optim *opt, ml_tensor *loss)
{
    if (!opt || !loss) return false;
    return opt->kind->minimize || opt->sam_radius > 0 ? wants_function(opt) : descend(opt, loss);
}

bool ml_optim_minimize_fn(ml_optim *opt, ml_loss_fn loss, void *ctx, double *value)
{
    if (!opt || !loss) return false;
    mli_closure f     = { loss, ctx };
    double      first = NAN;
    bool        ok;
    if (opt->kind->minimize) {
        ok = opt->kind->minimize(opt, &f, &first);
        for (int i = 0; ok && i < opt->n; i++) opt->slots[i].steps++;
        opt->steps += ok;
    } else {
        ok = opt->sam_radius > 0 ? mli_sam_ascend(opt, &f, &first) : mli_loss_backward(opt, &f, &first);
        ok = ok && step(opt);
    }
    if (ok && value) *value = first;
    return ok;
}

const char *ml_optim_kind(const ml_optim *opt)
{
    return opt ? opt->kind->info.name : "?";
}

int64_t ml_optim_steps(const ml_optim *opt)
{
    return opt ? opt->steps : 0;
}

int ml_optim_n_parameters(const ml_optim *opt)
{
    return opt ? opt->n : 0;
}

int ml_optim_n_groups(const ml_optim *opt)
{
    return opt ? opt->n_groups : 0;
}

const char *ml_optim_group_kind(const ml_optim *opt, int group)
{
    return opt && group >= 0 && group < opt->n_groups ? opt->groups[group].kind->info.name : "?";
}
