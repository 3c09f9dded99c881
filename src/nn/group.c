/* Modules of others that know what their children are: several recurrent layers, a transformer block. */
#include "nn/module.h"

static bool can_hold(const mli_module_kind *kind, ml_module *const *children, int n, int *n_params, int *depth)
{
    for (int i = 0; i < n; i++) {
        if (!children[i]) return false; /* it could not be made: its message stays */
        *n_params += children[i]->n_params;
        if (children[i]->depth > *depth) *depth = children[i]->depth;
    }
    return *depth < MLI_MAX_DEPTH || ml_fail("%s: more than %d modules inside each other", kind->name, MLI_MAX_DEPTH);
}

static ml_module *make(const mli_module_kind *kind, ml_module *const *children, int n)
{
    int n_params = 0, depth = 0;
    if (!can_hold(kind, children, n, &n_params, &depth)) return NULL;
    ml_module *m = mli_module_new(kind, n_params, 0);
    if (!m) return NULL;
    m->depth = depth + 1;
    if (!(m->children = ml_realloc(NULL, 0, (size_t)n * sizeof *m->children))) {
        ml_module_release(m);
        return NULL;
    }
    ml_tensor **params = m->params;
    for (int i = 0; i < n; i++) {
        m->children[m->n_children++] = children[i];
        for (int k = 0; k < children[i]->n_params; k++) *params++ = children[i]->params[k];
    }
    return m;
}

ml_module *mli_group_new(const mli_module_kind *kind, ml_module *const *children, int n)
{
    ml_module *m = make(kind, children, n);
    for (int i = 0; !m && i < n; i++) ml_module_release(children[i]); /* they were given away either way */
    return m;
}

mli_args mli_group_args(const ml_module *m, const mli_args *a, int child)
{
    mli_args own = *a;
    for (int i = 0; i < child; i++) own.params += m->children[i]->n_params;
    return own;
}
