/* What an optimizer remembers: read, and put back. */
#include "optim/optim_impl.h"

#include "tensor/tensor_impl.h"

/* Where state k of parameter i is among those that its kind may have; -1: there is none. */
static int place(const ml_optim *opt, int i, int k)
{
    if (!opt || i < 0 || i >= opt->n || k < 0) return -1;
    for (int at = 0; at < MLI_MAX_STATE; at++)
        if (opt->slots[i].state[at] && k-- == 0) return at;
    return -1;
}

int ml_optim_n_state(const ml_optim *opt, int i)
{
    int n = 0;
    while (place(opt, i, n) >= 0) n++;
    return n;
}

const char *ml_optim_state_name(const ml_optim *opt, int i, int k)
{
    int at = place(opt, i, k);
    return at < 0 ? "?" : opt->groups[opt->slots[i].group].kind->state_names[at];
}

ml_tensor *ml_optim_state(const ml_optim *opt, int i, int k)
{
    if (!opt) return NULL;
    int at = place(opt, i, k);
    if (at >= 0) return opt->slots[i].state[at];
    return ml_fail("%s: no state %d of parameter %d; there are %d parameters, and this one has %d", opt->kind->info.name, k, i, opt->n,
                   ml_optim_n_state(opt, i));
}

int64_t ml_optim_parameter_steps(const ml_optim *opt, int i)
{
    return opt && i >= 0 && i < opt->n ? opt->slots[i].steps : 0;
}

int ml_optim_parameter_group(const ml_optim *opt, int i)
{
    return opt && i >= 0 && i < opt->n ? opt->slots[i].group : -1;
}

static bool check_state(const ml_optim *opt, int i, int k, const ml_tensor *given)
{
    const ml_tensor *own = ml_optim_state(opt, i, k);
    if (!given || !mli_has_values(opt->kind->info.name, given)) return false;
    if (given->dtype == own->dtype && ml_shape_equal(&given->shape, &own->shape)) return true;
    return ml_fail("%s: %s of parameter %d must be %s %s, got %s %s", opt->kind->info.name, ml_optim_state_name(opt, i, k), i + 1,
                   ml_dtype_name((ml_dtype)own->dtype), ml_shape_text(&own->shape), ml_dtype_name((ml_dtype)given->dtype),
                   ml_shape_text(&given->shape));
}

bool ml_optim_set_state(ml_optim *opt, int64_t steps, const int64_t *parameter_steps, ml_tensor *const *state)
{
    if (!opt) return false;
    bool counts = steps >= 0;
    for (int i = 0, next = 0; i < opt->n; i++) {
        counts = counts && parameter_steps[i] >= 0;
        for (int k = 0; k < ml_optim_n_state(opt, i); k++)
            if (!check_state(opt, i, k, state[next++])) return false;
    }
    if (!counts) return ml_fail("%s: steps must not be negative", opt->kind->info.name);
    opt->steps = steps;
    for (int i = 0, next = 0; i < opt->n; i++) {
        mli_slot *s = &opt->slots[i];
        s->steps    = parameter_steps[i];
        for (int at = 0; at < MLI_MAX_STATE; at++)
            if (s->state[at]) mli_strided_copy(state[next++], (ml_dtype)s->state[at]->dtype, s->data[1 + at]); /* needs no memory */
    }
    return true;
}

int ml_optim_n_own(const ml_optim *opt)
{
    int n = 0;
    while (opt && n < MLI_MAX_OWN && opt->own[n]) n++;
    return n;
}

const char *ml_optim_own_name(const ml_optim *opt, int k)
{
    return k >= 0 && k < ml_optim_n_own(opt) ? opt->kind->own_names[k] : "?";
}

ml_tensor *ml_optim_own(const ml_optim *opt, int k)
{
    if (!opt) return NULL;
    if (k >= 0 && k < ml_optim_n_own(opt)) return opt->own[k];
    return ml_fail("%s: there is no own tensor %d; there are %d", opt->kind->info.name, k, ml_optim_n_own(opt));
}

bool ml_optim_set_own(ml_optim *opt, ml_tensor *const *own)
{
    int n = ml_optim_n_own(opt);
    for (int k = 0; k < n; k++) {
        if (!own[k] || !mli_has_values(opt->kind->info.name, own[k])) return false;
        if (own[k]->dtype != ML_F64 || !ml_shape_equal(&own[k]->shape, &opt->own[k]->shape))
            return ml_fail("%s: %s must be f64 %s, got %s %s", opt->kind->info.name, ml_optim_own_name(opt, k), ml_shape_text(&opt->own[k]->shape),
                           ml_dtype_name((ml_dtype)own[k]->dtype), ml_shape_text(&own[k]->shape));
    }
    for (int k = 0; k < n; k++) mli_strided_copy(own[k], ML_F64, mli_data(opt->own[k]));
    return opt != NULL;
}
