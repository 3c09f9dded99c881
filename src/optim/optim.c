/* A step as one pass over everything.
 *
 * The elements of all parameters are thought of as laid end to end, each parameter from a multiple of ALIGN on (make.c). A
 * task is TASK of these elements, whichever parameters they belong to. So a hundred small parameters are one task and one
 * large one is many, and what a task covers depends on the sizes alone: results have the same bits on any number of threads. */
#include "optim/optim_impl.h"

#include "tensor/tensor_impl.h"

#define TASK 16384 /* elements: some microseconds of work, well over the price of handing it to a thread */

/* Finds every gradient, before anything is written: a copy of one that is not contiguous may be refused. */
static bool find_gradients(ml_optim *opt)
{
    bool any = false;
    for (int i = 0; i < opt->n; i++) {
        mli_slot  *s    = &opt->slots[i];
        ml_tensor *grad = ml_tensor_grad(s->w);
        s->g            = NULL;
        if (!grad) continue;
        if (!mli_has_values(opt->kind->info.name, grad) || !(grad = mli_contiguous(grad))) return false;
        const mli_group *g = &opt->groups[s->group];
        s->g               = mli_data(grad);
        any                = true;
        if (g->kind->direction && !g->kind->direction(g->opts, s, grad)) return false;
    }
    if (any) return true;
    return ml_fail("%s: none of the %d parameters has a gradient: the loss does not depend on them, or backward was not called",
                   opt->kind->info.name, opt->n);
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
        g->kind->rates(s, rate_of(&g->rate[ML_LR], copy), rate_of(&g->rate[ML_WEIGHT_DECAY], copy), &rule);
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

bool ml_optim_step(ml_optim *opt)
{
    if (!opt) return false;
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

void ml_optim_zero_grad(ml_optim *opt)
{
    for (int i = 0; opt && i < opt->n; i++) ml_tensor_zero_grad(opt->slots[i].w);
}

bool ml_optim_minimize(ml_optim *opt, ml_tensor *loss)
{
    if (!opt || !loss) return false;
    ml_optim_zero_grad(opt);
    return ml_backward(loss, NULL) && ml_optim_step(opt);
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
