/* Modules: what all layers share. A module never changes after it was made; only the values of its parameters do. */
#include "nn/module.h"

#include "moonlab/transform.h"
#include "tensor/tensor_impl.h"

#include <stdio.h>
#include <string.h>

/* --- life ------------------------------------------------------------------------------------------------------------ */
ml_module *mli_module_new(const mli_module_kind *kind, int n_params)
{
    ml_module *m = ml_realloc(NULL, 0, sizeof *m);
    if (!m) return NULL;
    memset(m, 0, sizeof *m);
    m->kind = kind;
    atomic_init(&m->refs, 1);
    m->n_params = n_params;
    if (n_params == 0) return m;
    m->params = ml_realloc(NULL, 0, (size_t)n_params * sizeof *m->params);
    if (m->params) return m;
    ml_realloc(m, sizeof *m, 0);
    return NULL;
}

typedef struct new_parameter {
    const mli_parameter *of;
    ml_dtype             dtype;
    int64_t              fan_in, fan_out;
} new_parameter;

static ml_tensor *draw_parameter(void *ctx, ml_key key)
{
    const new_parameter *p = ctx;
    ml_tensor           *w = ml_empty(p->of->shape, p->dtype);
    return w && mli_init_fill(w, p->of->init, key, p->fan_in, p->fan_out) ? w : NULL;
}

ml_module *mli_module_fill(ml_module *m, const mli_parameter *list, int n, ml_dtype dtype, int64_t fan_in, int64_t fan_out)
{
    if (!m) return NULL;
    ml_scope scope = ml_scope_begin();
    ml_key   first = ml_key_next();
    bool     ok    = true;
    ml_key_reset(first);
    for (int i = 0; ok && i < n; i++) {
        new_parameter p = { &list[i], dtype, fan_in, fan_out };
        ml_tensor    *w = ml_requires_grad(ml_draw(draw_parameter, &p), true);
        ok              = w != NULL;
        if (ok) m->params[m->n_own++] = ml_retain(w);
        else ml_key_reset(first);
    }
    ml_scope_end(&scope);
    if (ok) return m;
    ml_module_release(m);
    return NULL;
}

ml_module *ml_module_retain(ml_module *m)
{
    if (m) atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void ml_module_release(ml_module *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    for (int i = 0; i < m->n_own; i++) ml_release(m->params[i]);
    for (int i = 0; i < m->n_children; i++) ml_module_release(m->children[i]);
    if (m->params) ml_realloc(m->params, (size_t)m->n_params * sizeof *m->params, 0);
    if (m->children) ml_realloc(m->children, (size_t)m->n_children * sizeof *m->children, 0);
    ml_realloc(m, sizeof *m, 0);
}

/* --- using one --------------------------------------------------------------------------------------------------------- */
static bool check_params(const ml_module *m, ml_tensor *const *params, int n)
{
    if (n != m->n_params) return ml_fail("%s: it has %d parameters, %d were given", ml_module_text(m), m->n_params, n);
    for (int i = 0; i < n; i++) {
        if (!params[i]) return false;
        if (ml_shape_equal(&params[i]->shape, &m->params[i]->shape)) continue;
        char name[64] = "?";
        ml_module_parameter_name(m, i, name, sizeof name);
        return ml_fail("%s: parameter %s must have shape %s, got %s", ml_module_text(m), name,
                       ml_shape_text(&m->params[i]->shape), ml_shape_text(&params[i]->shape));
    }
    return true;
}

ml_tensor *ml_module_apply(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x)
{
    if (!m || !x) return NULL;
    if (params != m->params && !check_params(m, params, n)) return NULL;
    ml_scope scope = ml_scope_begin();
    return ml_scope_return(&scope, m->kind->forward(m, params, x));
}

ml_tensor *ml_module_forward(ml_module *m, ml_tensor *x)
{
    return m ? ml_module_apply(m, m->params, m->n_params, x) : NULL;
}

ml_tensor *mli_blame(const ml_module *m, const char *op, ml_tensor *y)
{
    size_t      n       = strlen(op);
    const char *message = ml_error_message();
    if (!y && strncmp(message, op, n) == 0 && message[n] == ':') ml_fail("%s%s", ml_module_text(m), message + n);
    return y;
}

/* --- looking inside ------------------------------------------------------------------------------------------------------ */
const char *ml_module_kind(const ml_module *m)
{
    if (!m) return "?";
    return m->kind->name ? m->kind->name : m->activation.name;
}

const char *ml_module_text(const ml_module *m)
{
    static _Thread_local char text[128];
    if (!m || !m->kind->text) return ml_module_kind(m);
    m->kind->text(m, text, sizeof text);
    return text;
}

int ml_module_children(const ml_module *m)
{
    return m ? m->n_children : 0;
}

ml_module *ml_module_child(const ml_module *m, int i)
{
    if (!m) return NULL;
    if (i >= 0 && i < m->n_children) return m->children[i];
    return ml_fail("%s: there is no layer at position %d; it has %d", ml_module_text(m), i, m->n_children);
}

int ml_module_n_parameters(const ml_module *m)
{
    return m ? m->n_params : 0;
}

ml_tensor *const *ml_module_parameters(const ml_module *m)
{
    static ml_tensor *const none[1]; /* no parameters is no failure */
    if (!m) return NULL;
    return m->params ? m->params : none;
}

static bool has_parameter(const ml_module *m, int i)
{
    if (!m) return false;
    if (i >= 0 && i < m->n_params) return true;
    return ml_fail("%s: there is no parameter at position %d; it has %d", ml_module_text(m), i, m->n_params);
}

ml_tensor *ml_module_parameter(const ml_module *m, int i)
{
    return has_parameter(m, i) ? m->params[i] : NULL;
}

bool ml_module_parameter_name(const ml_module *m, int i, char *name, size_t bytes)
{
    if (!has_parameter(m, i)) return false;
    size_t used = 0;
    while (i >= m->n_own) { /* down to the child that has it */
        int child = 0;
        for (i -= m->n_own; i >= m->children[child]->n_params; child++) i -= m->children[child]->n_params;
        int n = snprintf(name + used, bytes - used, "%d.", child + 1);
        used += (size_t)n;
        if (used >= bytes) break;
        m = m->children[child];
    }
    if (used < bytes) used += (size_t)snprintf(name + used, bytes - used, "%s", m->kind->own[i]);
    if (used < bytes) return true;
    return ml_fail("parameter name: it needs more than %zu bytes", bytes);
}

ml_tensor *ml_module_own(const ml_module *m, const char *name)
{
    for (int i = 0; m && i < m->n_own; i++)
        if (strcmp(m->kind->own[i], name) == 0) return m->params[i];
    return NULL;
}
