/* What all optimizers share: parameters and their state, and a step as one pass over everything.
 *
 * The elements of all parameters are thought of as laid end to end, each parameter from a multiple of ALIGN on. A task is
 * TASK of these elements, whichever parameters they belong to. So a hundred small parameters are one task and one large
 * one is many, and what a task covers depends on the sizes alone: results have the same bits on any number of threads. */
#include "optim/optim_impl.h"

#include "tensor/tensor_impl.h"

#include <math.h>
#include <string.h>

#define ALIGN 64    /* elements: no vector and no cache line straddles two parameters */
#define TASK  16384 /* elements: some microseconds of work, well over the price of handing it to a thread */

/* --- making -------------------------------------------------------------------------------------------------------- */
static bool check_rate(const char *kind, const char *what, double value)
{
    if (value >= 0 && isfinite(value)) return true;
    return ml_fail("%s: %s must be a finite number, 0 or more, got %g", kind, what, value);
}

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

static bool holds(const ml_optim *opt, const ml_tensor *w)
{
    for (int i = 0; i < opt->n; i++)
        if (opt->slots[i].w == mli_innermost(w)) return true;
    return false;
}

static bool add_slot(ml_optim *opt, ml_tensor *w)
{
    mli_slot *s = &opt->slots[opt->n++];
    memset(s, 0, sizeof *s);
    s->level  = mli_level_of(w);
    s->copies = w->inner ? w->inner->shape.size[0] : 1;
    if (w->inner && w->inner->inner) s->level = -1; /* of several vmaps: only one rate for all will do */
    w        = (ml_tensor *)(uintptr_t)mli_innermost(w);
    s->w     = ml_retain(w);
    s->n     = ml_tensor_numel(w);
    s->start = opt->total;
    opt->total += (s->n + ALIGN - 1) / ALIGN * ALIGN;
    for (int k = 0; k < opt->n_state; k++) {
        s->state[k] = ml_retain(ml_zeros(w->shape, ml_tensor_dtype(w)));
        if (!s->state[k]) return false;
        s->data[1 + k] = mli_data(s->state[k]);
    }
    return true;
}

ml_optim *mli_optim_new(const ml_optim *proto, ml_tensor *const *params, int n)
{
    const char *kind = proto->kind->name;
    if (!check_rate(kind, "lr", proto->lr.all) || !check_rate(kind, "weight_decay", proto->weight_decay.all)) return NULL;
    if (!params) return NULL; /* of a network that could not be made: its message stays */
    if (n < 1) return ml_fail("%s: there are no parameters to optimize", kind);
    for (int i = 0; i < n; i++)
        if (!check_parameter(kind, params[i])) return NULL;
    ml_optim *opt = ml_realloc(NULL, 0, sizeof *opt);
    if (!opt) return NULL;
    memcpy(opt, proto, sizeof *opt);
    atomic_init(&opt->refs, 1);
    opt->n_slots = n;
    opt->slots   = ml_realloc(NULL, 0, (size_t)n * sizeof *opt->slots);
    ml_scope scope = ml_scope_begin();
    bool     ok    = opt->slots != NULL;
    for (int i = 0; ok && i < n; i++) ok = holds(opt, params[i]) || add_slot(opt, params[i]);
    ml_scope_end(&scope);
    if (ok) return opt;
    ml_optim_release(opt);
    return NULL;
}

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
    ml_release(opt->lr.each);
    ml_release(opt->weight_decay.each);
    if (opt->slots) ml_realloc(opt->slots, (size_t)opt->n_slots * sizeof *opt->slots, 0);
    ml_realloc(opt, sizeof *opt, 0);
}

/* --- a step ----------------------------------------------------------------------------------------------------------- */
/* Finds every gradient, before anything is written: a copy of one that is not contiguous may be refused. */
static bool find_gradients(ml_optim *opt)
{
    bool any = false;
    for (int i = 0; i < opt->n; i++) {
        mli_slot  *s    = &opt->slots[i];
        ml_tensor *grad = ml_tensor_grad(s->w);
        s->g            = NULL;
        if (!grad) continue;
        if (!mli_has_values(opt->kind->name, grad) || !(grad = mli_contiguous(grad))) return false;
        s->g = mli_data(grad);
        any  = true;
    }
    if (any) return true;
    return ml_fail("%s: none of the %d parameters has a gradient: the loss does not depend on them, or backward was not called",
                   opt->kind->name, opt->n);
}

static double rate_of(const mli_rate *rate, int64_t copy)
{
    return rate->each ? ((const double *)mli_data(rate->each))[copy] : rate->all;
}

/* Elements from..to of one parameter; where the rates differ between its copies, copy by copy. */
static void run_part(const ml_optim *opt, const mli_slot *s, int64_t from, int64_t to)
{
    int64_t each = opt->lr.each || opt->weight_decay.each ? s->n / s->copies : to;
    for (int64_t next; from < to; from = next) {
        int64_t copy = from / each;
        next         = (copy + 1) * each < to ? (copy + 1) * each : to;
        mli_rule rule = s->rule;
        opt->kind->rates(opt, s, rate_of(&opt->lr, copy), rate_of(&opt->weight_decay, copy), &rule);
        opt->kind->run(s, &rule, from, next - from);
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
        mli_slot *s = &opt->slots[i];
        if (!s->g) continue;
        s->data[0] = ml_tensor_mutable_data(s->w); /* a graph that has used the old values will say so */
        opt->kind->prepare(opt, s);
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

/* --- looking, changing ---------------------------------------------------------------------------------------------------- */
const char *ml_optim_kind(const ml_optim *opt)
{
    return opt ? opt->kind->name : "?";
}

double ml_optim_lr(const ml_optim *opt)
{
    return opt ? opt->lr.all : 0;
}

double ml_optim_weight_decay(const ml_optim *opt)
{
    return opt ? opt->weight_decay.all : 0;
}

static bool set_rate(ml_optim *opt, mli_rate *rate, const char *what, double value)
{
    if (!check_rate(opt->kind->name, what, value)) return false;
    ml_release(rate->each);
    *rate = (mli_rate){ .all = value };
    return true;
}

bool ml_optim_set_lr(ml_optim *opt, double lr)
{
    return opt && set_rate(opt, &opt->lr, "lr", lr);
}

bool ml_optim_set_weight_decay(ml_optim *opt, double weight_decay)
{
    return opt && set_rate(opt, &opt->weight_decay, "weight_decay", weight_decay);
}

static bool set_rate_each(ml_optim *opt, mli_rate *rate, const char *what, ml_tensor *value)
{
    const char *kind = opt->kind->name;
    if (value->shape.n) return ml_fail("%s: %s must be one number, got shape %s", kind, what, ml_shape_text(&value->shape));
    if (!value->inner) return set_rate(opt, rate, what, ml_item(value));
    if (value->inner->inner) return ml_fail("%s: %s differs inside several vmaps; it can in one", kind, what);
    int64_t n = value->inner->shape.size[0];
    for (int i = 0; i < opt->n; i++)
        if (opt->slots[i].level != value->level || opt->slots[i].copies != n)
            return ml_fail("%s: %s differs between %lld copies, but a parameter does not: make it inside the same vmap", kind, what, (long long)n);
    ml_scope   scope = ml_scope_begin();
    ml_tensor *each  = ml_empty(ML_SHAPE(n), ML_F64);
    bool       ok    = each && ml_tensor_copy_out(value->inner, ML_F64, mli_data(each));
    for (int64_t i = 0; ok && i < n; i++) ok = check_rate(kind, what, ((const double *)mli_data(each))[i]);
    if (ok) {
        ml_release(rate->each);
        *rate = (mli_rate){ .all = rate->all, .each = ml_retain(each), .level = value->level };
    }
    ml_scope_end(&scope);
    return ok;
}

bool ml_optim_set_lr_each(ml_optim *opt, ml_tensor *lr)
{
    return opt && lr && set_rate_each(opt, &opt->lr, "lr", lr);
}

bool ml_optim_set_weight_decay_each(ml_optim *opt, ml_tensor *weight_decay)
{
    return opt && weight_decay && set_rate_each(opt, &opt->weight_decay, "weight_decay", weight_decay);
}

static ml_tensor *rate_each(const mli_rate *rate)
{
    return rate->each ? mli_batched_new(rate->each, rate->level) : NULL;
}

ml_tensor *ml_optim_lr_each(const ml_optim *opt)
{
    return opt ? rate_each(&opt->lr) : NULL;
}

ml_tensor *ml_optim_weight_decay_each(const ml_optim *opt)
{
    return opt ? rate_each(&opt->weight_decay) : NULL;
}

int64_t ml_optim_steps(const ml_optim *opt)
{
    return opt ? opt->steps : 0;
}

int ml_optim_n_parameters(const ml_optim *opt)
{
    return opt ? opt->n : 0;
}

/* --- going on later --------------------------------------------------------------------------------------------------------- */
int ml_optim_n_state(const ml_optim *opt)
{
    return opt ? opt->n_state : 0;
}

const char *ml_optim_state_name(const ml_optim *opt, int k)
{
    return opt && k >= 0 && k < opt->n_state ? opt->kind->state_names[k] : "?";
}

ml_tensor *ml_optim_state(const ml_optim *opt, int i, int k)
{
    if (!opt) return NULL;
    if (i >= 0 && i < opt->n && k >= 0 && k < opt->n_state) return opt->slots[i].state[k];
    return ml_fail("%s: no state %d of parameter %d; there are %d parameters with %d each", opt->kind->name, k, i, opt->n, opt->n_state);
}

int64_t ml_optim_parameter_steps(const ml_optim *opt, int i)
{
    return opt && i >= 0 && i < opt->n ? opt->slots[i].steps : 0;
}

static bool check_state(const ml_optim *opt, int i, int k, const ml_tensor *given)
{
    const ml_tensor *own = opt->slots[i].state[k];
    if (!given || !mli_has_values(opt->kind->name, given)) return false;
    if (given->dtype == own->dtype && ml_shape_equal(&given->shape, &own->shape)) return true;
    return ml_fail("%s: %s of parameter %d must be %s %s, got %s %s", opt->kind->name, ml_optim_state_name(opt, k), i + 1,
                   ml_dtype_name((ml_dtype)own->dtype), ml_shape_text(&own->shape), ml_dtype_name((ml_dtype)given->dtype),
                   ml_shape_text(&given->shape));
}

bool ml_optim_set_state(ml_optim *opt, int64_t steps, const int64_t *parameter_steps, ml_tensor *const *state)
{
    if (!opt) return false;
    bool counts = steps >= 0;
    for (int i = 0; i < opt->n; i++) {
        counts = counts && parameter_steps[i] >= 0;
        for (int k = 0; k < opt->n_state; k++)
            if (!check_state(opt, i, k, state[i * opt->n_state + k])) return false;
    }
    if (!counts) return ml_fail("%s: steps must not be negative", opt->kind->name);
    opt->steps = steps;
    for (int i = 0; i < opt->n; i++) {
        mli_slot *s = &opt->slots[i];
        s->steps    = parameter_steps[i];
        for (int k = 0; k < opt->n_state; k++)
            mli_strided_copy(state[i * opt->n_state + k], (ml_dtype)s->state[k]->dtype, s->data[1 + k]); /* needs no memory */
    }
    return true;
}
