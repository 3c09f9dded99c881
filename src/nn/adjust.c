/* What can be done to any module: copies, frozen parameters, factors. */
#include "nn/module.h"

#include "tensor/tensor_impl.h"

#include <math.h>
#include <string.h>

/* --- copies: a layer that stands twice does so in the copy too, hence the list of what was copied -------------------------- */
typedef struct pair {
    ml_module *from, *to;
} pair;

typedef struct pairs {
    pair *at;
    int   n, room;
} pairs;

static ml_module *clone(ml_module *m, pairs *known);

static bool note(pairs *known, ml_module *from, ml_module *to)
{
    if (known->n == known->room) {
        int   room = known->room ? 2 * known->room : 16;
        pair *at   = ml_realloc(known->at, (size_t)known->room * sizeof *at, (size_t)room * sizeof *at);
        if (!at) return false;
        known->at   = at;
        known->room = room;
    }
    known->at[known->n++] = (pair){ from, to };
    return true;
}

static ml_tensor *copy_leaf(ml_tensor *t)
{
    ml_tensor *copy = ml_clone(t);
    if (copy && mli_innermost(t)->requires_grad) ml_requires_grad(copy, true);
    if (copy) ((ml_tensor *)(uintptr_t)mli_innermost(copy))->frozen = mli_innermost(t)->frozen;
    return ml_retain(copy);
}

static bool copy_own(ml_module *to, const ml_module *from)
{
    for (int i = 0; i < from->n_own; i++, to->n_own++)
        if (!(to->params[i] = copy_leaf(from->params[i]))) return false;
    for (int i = 0; i < from->n_own_buffers; i++, to->n_own_buffers++)
        if (!(to->buffers[i] = copy_leaf(from->buffers[i]))) return false;
    if (!from->factors) return true;
    to->factors = ml_realloc(NULL, 0, (size_t)from->n_own * sizeof *to->factors);
    if (to->factors) memcpy(to->factors, from->factors, (size_t)from->n_own * sizeof *to->factors);
    return to->factors != NULL;
}

/* The children, and their parameters and buffers behind the own ones. */
static bool copy_children(ml_module *to, const ml_module *from, pairs *known)
{
    int         n = from->n_children, done = 0, param = from->n_own, buffer = from->n_own_buffers;
    ml_module **children = n ? ml_realloc(NULL, 0, (size_t)n * sizeof *children) : NULL;
    if (n == 0 || !children) return n == 0;
    while (done < n && (children[done] = clone(from->children[done], known))) done++;
    if (done < n) {
        while (done > 0) ml_module_release(children[--done]);
        ml_realloc(children, (size_t)n * sizeof *children, 0);
        return false;
    }
    to->children   = children;
    to->n_children = n;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < children[i]->n_params; k++) to->params[param++] = children[i]->params[k];
        for (int k = 0; k < children[i]->n_buffers; k++) to->buffers[buffer++] = children[i]->buffers[k];
    }
    return true;
}

static ml_module *clone(ml_module *m, pairs *known)
{
    for (int i = 0; i < known->n; i++)
        if (known->at[i].from == m) return ml_module_retain(known->at[i].to);
    ml_module *to = mli_module_new(m->kind, m->n_params, m->n_buffers);
    if (!to) return NULL;
    size_t plain = offsetof(ml_module, linear); /* from here on it is what the kind knows of it: numbers, but for a custom one */
    if (m->kind != &mli_custom_kind) memcpy((char *)to + plain, (const char *)m + plain, sizeof *m - plain);
    to->child_names = m->child_names;
    to->depth       = m->depth;
    atomic_store(&to->evaluating, atomic_load(&m->evaluating));
    bool ok = (m->kind != &mli_custom_kind || mli_custom_copy(to, m)) && copy_own(to, m) && copy_children(to, m, known) && note(known, m, to);
    if (ok) return to;
    ml_module_release(to);
    return NULL;
}

ml_module *ml_module_clone(ml_module *m)
{
    if (!m) return NULL;
    pairs      known = { 0 };
    ml_scope   scope = ml_scope_begin();
    ml_module *to    = clone(m, &known);
    ml_scope_end(&scope);
    if (known.at) ml_realloc(known.at, (size_t)known.room * sizeof *known.at, 0);
    return to;
}

/* --- frozen parameters --------------------------------------------------------------------------------------------------------- */
bool ml_module_freeze(ml_module *m, int i, bool on)
{
    ml_tensor *p = ml_module_parameter(m, i);
    if (!p) return false;
    p                = (ml_tensor *)(uintptr_t)mli_innermost(p);
    p->requires_grad = !on;
    p->frozen        = on;
    if (on) ml_tensor_zero_grad(p);
    return true;
}

bool ml_module_frozen(const ml_module *m, int i)
{
    const ml_tensor *p = ml_module_parameter(m, i);
    return p && mli_innermost(p)->frozen;
}

/* --- factors -------------------------------------------------------------------------------------------------------------------- */
/* The module that has parameter *i itself, and its position there. */
static ml_module *owner_of(const ml_module *m, int *i)
{
    if (!ml_module_parameter(m, *i)) return NULL;
    while (*i >= m->n_own) {
        int child = 0;
        for (*i -= m->n_own; *i >= m->children[child]->n_params; child++) *i -= m->children[child]->n_params;
        m = m->children[child];
    }
    return (ml_module *)(uintptr_t)m;
}

bool ml_module_set_factor(ml_module *m, int i, double factor)
{
    ml_module *owner = owner_of(m, &i);
    if (!owner) return false;
    if (!isfinite(factor)) return ml_fail("%s: a factor must be finite, got %g", ml_module_text(m), factor);
    if (!owner->factors) {
        if (factor == 1) return true;
        owner->factors = ml_realloc(NULL, 0, (size_t)owner->n_own * sizeof *owner->factors);
        if (!owner->factors) return false;
        for (int k = 0; k < owner->n_own; k++) owner->factors[k] = 1;
    }
    owner->factors[i] = factor;
    return true;
}

double ml_module_factor(const ml_module *m, int i)
{
    const ml_module *owner = owner_of(m, &i);
    return !owner ? NAN : owner->factors ? owner->factors[i] : 1;
}
