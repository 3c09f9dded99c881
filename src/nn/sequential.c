/* Sequential: one layer after the other. Neighbours that the table of operations can do as one run as one. */
#include "nn/module.h"

#include "tensor/tensor_impl.h"

#include <stdio.h>

#define MOST_PARAMETERS (1 << 20) /* listed in one module; the same layers in each other again and again double it */

/* --- fusion ------------------------------------------------------------------------------------------------------------- */
typedef struct {
    int n_layers;
    bool (*fits)(ml_module *const *layers);
    ml_tensor *(*run)(ml_module *const *layers, ml_tensor *const *params, ml_tensor *x); /* params: of all n_layers */
} fusion;

static bool is_linear_act(ml_module *const *layers)
{
    return layers[0]->kind == &mli_linear_kind && mli_activation_act(layers[1]) != ML_ACT_NONE;
}

static ml_tensor *run_linear_act(ml_module *const *layers, ml_tensor *const *params, ml_tensor *x)
{
    return mli_linear_run(layers[0], params, x, mli_activation_act(layers[1]));
}

/* The longest first. Here goes what the table learns to fuse: { 3, is_token_linear, run_token_linear }, for one. */
static const fusion fusions[] = {
    { 2, is_linear_act, run_linear_act },
};

static const fusion *fusion_at(ml_module *const *layers, int n_layers)
{
    for (size_t i = 0; i < sizeof fusions / sizeof *fusions; i++)
        if (fusions[i].n_layers <= n_layers && fusions[i].fits(layers)) return &fusions[i];
    return NULL;
}

/* --- forward -------------------------------------------------------------------------------------------------------------- */
/* Each step has a scope of its own: what nothing recorded goes as soon as the next layer has read it. */
static ml_tensor *forward(const ml_module *m, ml_tensor *const *params, ml_tensor *x)
{
    ml_tensor *y = ml_retain(x);
    for (int i = 0; y && i < m->n_children;) {
        ml_module *const *layers = m->children + i;
        const fusion     *f      = fusion_at(layers, m->n_children - i);
        ml_scope          scope  = ml_scope_begin();
        ml_tensor        *next   = ml_retain(f ? f->run(layers, params, y) : layers[0]->kind->forward(layers[0], params, y));
        ml_scope_end(&scope);
        ml_release(y);
        y = next;
        for (int end = i + (f ? f->n_layers : 1); i < end; i++) params += m->children[i]->n_params;
    }
    if (!y || mli_scope_adopt(y)) return y;
    ml_release(y);
    return NULL;
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "Sequential(%d layer%s)", m->n_children, m->n_children == 1 ? "" : "s");
}

static const mli_module_kind sequential_kind = { "Sequential", forward, text, { NULL } };

/* --- making one ------------------------------------------------------------------------------------------------------------- */
static bool check_layers(ml_module *const *layers, int n, int *n_params, int *depth)
{
    for (int i = 0; i < n; i++)
        if (!layers[i]) return false; /* it could not be made: its message stays */
    *n_params = *depth = 0;
    for (int i = 0; i < n; i++) {
        if (layers[i]->depth > *depth) *depth = layers[i]->depth;
        *n_params += layers[i]->n_params;
        if (*n_params > MOST_PARAMETERS) return ml_fail("Sequential: more than %d parameters in one module", MOST_PARAMETERS);
    }
    if (*depth >= MLI_MAX_DEPTH) return ml_fail("Sequential: more than %d modules inside each other", MLI_MAX_DEPTH);
    return true;
}

static ml_module *make(ml_module *const *layers, int n)
{
    int n_params, depth;
    if (!check_layers(layers, n, &n_params, &depth)) return NULL;
    ml_module *m = mli_module_new(&sequential_kind, n_params);
    if (!m) return NULL;
    m->depth = depth + 1;
    if (n <= 0) return m;
    m->children = ml_realloc(NULL, 0, (size_t)n * sizeof *m->children);
    if (!m->children) {
        ml_module_release(m);
        return NULL;
    }
    ml_tensor **params = m->params;
    for (int i = 0; i < n; i++) {
        m->children[m->n_children++] = layers[i];
        for (int k = 0; k < layers[i]->n_params; k++) *params++ = layers[i]->params[k];
    }
    return m;
}

ml_module *ml_nn_sequential(ml_module *const *layers, int n)
{
    ml_module *m = make(layers, n);
    for (int i = 0; !m && i < n; i++) ml_module_release(layers[i]); /* they were given away either way */
    return m;
}
