/* What all containers share: making one of its children, and running them with their part of what it was given. */
#include "nn/module.h"

#include <string.h>

#define MOST_PARAMETERS (1 << 20) /* listed in one module; the same layers in each other again and again double it */

/* --- making one ------------------------------------------------------------------------------------------------------------- */
static bool check_children(const char *name, ml_module *const *children, int n, int *n_params, int *n_buffers, int *depth)
{
    for (int i = 0; i < n; i++)
        if (!children[i]) return false; /* it could not be made: its message stays */
    for (int i = 0; i < n; i++) {
        if (children[i]->depth > *depth) *depth = children[i]->depth;
        *n_params += children[i]->n_params;
        *n_buffers += children[i]->n_buffers;
        if (*n_params > MOST_PARAMETERS || *n_buffers > MOST_PARAMETERS)
            return ml_fail("%s: more than %d parameters in one module", name, MOST_PARAMETERS);
    }
    if (*depth >= MLI_MAX_DEPTH) return ml_fail("%s: more than %d modules inside each other", name, MLI_MAX_DEPTH);
    return true;
}

static ml_module *make(const mli_module_kind *kind, ml_module *const *children, int n, int n_own, int n_own_buffers)
{
    int n_params = n_own, n_buffers = n_own_buffers, depth = 0;
    if (!check_children(kind->name ? kind->name : "module", children, n, &n_params, &n_buffers, &depth)) return NULL;
    ml_module *m = mli_module_new(kind, n_params, n_buffers);
    if (!m) return NULL;
    m->depth = depth + 1;
    if (n <= 0) return m;
    m->children = ml_realloc(NULL, 0, (size_t)n * sizeof *m->children);
    if (!m->children) {
        ml_module_release(m);
        return NULL;
    }
    int param = n_own, buffer = n_own_buffers;
    for (int i = 0; i < n; i++) {
        m->children[m->n_children++] = children[i];
        for (int k = 0; k < children[i]->n_params; k++) m->params[param++] = children[i]->params[k];
        for (int k = 0; k < children[i]->n_buffers; k++) m->buffers[buffer++] = children[i]->buffers[k];
    }
    return m;
}

ml_module *mli_container_new(const mli_module_kind *kind, ml_module *const *children, int n, int n_own, int n_own_buffers)
{
    ml_module *m = make(kind, children, n, n_own, n_own_buffers);
    for (int i = 0; !m && i < n; i++) ml_module_release(children[i]); /* they were given away either way */
    return m;
}

/* --- running its children ----------------------------------------------------------------------------------------------------- */
mli_args mli_args_behind(const mli_args *a, const ml_module *child)
{
    mli_args next = *a;
    next.params += child->n_params;
    next.buffers += child->n_buffers;
    if (next.new_buffers) next.new_buffers += child->n_buffers;
    return next;
}

mli_args mli_args_of(const ml_module *m, const mli_args *a, int child)
{
    mli_args next = *a;
    next.params += m->n_own;
    next.buffers += m->n_own_buffers;
    if (next.new_buffers) next.new_buffers += m->n_own_buffers;
    for (int i = 0; i < child; i++) next = mli_args_behind(&next, m->children[i]);
    return next;
}

ml_tensor *const *mli_with_factors(ml_module *const *layers, int n, ml_tensor *const *params, ml_tensor **room)
{
    bool any = false;
    for (int i = 0; i < n; i++) any = any || layers[i]->factors;
    if (!any) return params;
    for (int i = 0, at = 0; i < n; i++)
        for (int k = 0; k < layers[i]->n_params; k++, at++) {
            double factor = layers[i]->factors && k < layers[i]->n_own ? layers[i]->factors[k] : 1;
            room[at]      = factor == 1 ? params[at] : ml_mul(params[at], ml_number(factor));
        }
    return room;
}

bool mli_enter(const ml_module *m, const mli_args *a, int at, mli_entered *e)
{
    *e       = (mli_entered){ .m = m, .args = *a, .place = { a->place, m, at } };
    e->room  = e->few;
    if (a->place || m->hooks) e->args.place = &e->place;
    if (m->factors && m->n_params > MLI_FEW && !(e->room = ml_realloc(NULL, 0, (size_t)m->n_params * sizeof *e->room))) return false;
    e->args.params = mli_with_factors(&(ml_module *){ (ml_module *)(uintptr_t)m }, 1, a->params, e->room);
    return true;
}

ml_tensor *mli_leave(mli_entered *e, ml_tensor *y)
{
    if (e->room && e->room != e->few) ml_realloc(e->room, (size_t)e->m->n_params * sizeof *e->room, 0);
    return e->args.place ? mli_module_point(e->args.place, y) : y;
}

/* What most modules do not need: hooks that ask, factors. */
static ml_tensor *run_with_all(const ml_module *m, const mli_args *a, int at, ml_tensor *x)
{
    mli_entered e;
    return mli_enter(m, a, at, &e) ? mli_leave(&e, m->kind->forward(m, &e.args, x)) : NULL;
}

ml_tensor *mli_run(const ml_module *m, const mli_args *a, int at, ml_tensor *x)
{
    if (!x) return NULL;
    return a->place || m->hooks || m->factors ? run_with_all(m, a, at, x) : m->kind->forward(m, a, x);
}

ml_tensor *mli_run_child(const ml_module *m, const mli_args *a, int child, ml_tensor *x)
{
    mli_args own = mli_args_of(m, a, child);
    return mli_run(m->children[child], &own, child, x);
}
