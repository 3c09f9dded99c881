/* Sequential: one layer after the other. Neighbours that the table of operations can do as one run as one. */
#include "nn/module.h"

#include "tensor/tensor_impl.h"

#include <stdio.h>

/* --- fusion ------------------------------------------------------------------------------------------------------------- */
/* Neighbours that one operation does; the activation behind them, where there is one that it knows, is done with them. */
typedef struct {
    int n_layers;
    bool (*fits)(ml_module *const *layers, const mli_args *a, const ml_tensor *x); /* a: of the first layer, and on from there */
    ml_tensor *(*run)(ml_module *const *layers, const mli_args *a, ml_tensor *x, ml_act act);
} fusion;

/* Embedding, Flatten, Linear. It gains only when there are more rows than tokens; what does not match is left to the
 * layers themselves, which say best what is wrong. */
static bool is_token_linear(ml_module *const *layers, const mli_args *a, const ml_tensor *x)
{
    if (layers[0]->kind != &mli_embedding_kind || layers[1]->kind != &mli_flatten_kind || layers[2]->kind != &mli_linear_kind) return false;
    ml_dtype ids = ml_tensor_dtype(x), dtype = ml_tensor_dtype(a->params[0]);
    for (int i = 1; i < 1 + layers[2]->n_params; i++)
        if (ml_tensor_dtype(a->params[i]) != dtype) return false;
    return (ids == ML_I64 || ids == ML_U8) && ml_tensor_ndim(x) == 2 && ml_tensor_size(x, 0) > layers[0]->embedding.rows &&
           ml_tensor_size(x, 1) * layers[0]->embedding.dim == layers[2]->linear.in;
}

static ml_tensor *run_token_linear(ml_module *const *layers, const mli_args *a, ml_tensor *x, ml_act act)
{
    ml_token_linear_opts opts = { .act = act, .base = layers[0]->embedding.base };
    ml_tensor           *bias = mli_linear_bias(layers[2], a->params + 1);
    return mli_blame(layers[0], "token_linear", ml_token_linear(x, a->params[0], a->params[1], bias, &opts));
}

static bool is_linear(ml_module *const *layers, const mli_args *a, const ml_tensor *x)
{
    (void)a, (void)x;
    return layers[0]->kind == &mli_linear_kind;
}

static ml_tensor *run_linear(ml_module *const *layers, const mli_args *a, ml_tensor *x, ml_act act)
{
    return mli_linear_run(layers[0], a->params, x, act);
}

static bool is_conv(ml_module *const *layers, const mli_args *a, const ml_tensor *x)
{
    (void)a, (void)x;
    return layers[0]->kind == &mli_conv1d_kind || layers[0]->kind == &mli_conv2d_kind;
}

static ml_tensor *run_conv(ml_module *const *layers, const mli_args *a, ml_tensor *x, ml_act act)
{
    return mli_conv_run(layers[0], a->params, x, act);
}

static bool is_norm(ml_module *const *layers, const mli_args *a, const ml_tensor *x)
{
    (void)a, (void)x;
    return mli_is_batch_norm(layers[0]);
}

static ml_tensor *run_norm(ml_module *const *layers, const mli_args *a, ml_tensor *x, ml_act act)
{
    return mli_batch_run(layers[0], a, x, act);
}

/* A convolution and a batch norm in evaluation: the norm is a factor and an addend of each channel, which the weights and the bias take in. */
static bool is_conv_norm(ml_module *const *layers, const mli_args *a, const ml_tensor *x)
{
    mli_args behind = mli_args_behind(a, layers[0]);
    return is_conv(layers, a, x) && mli_batch_is_affine(layers[1], &behind) && layers[0]->conv.out == layers[1]->norm.shape.size[0] &&
           layers[0]->conv.dims == layers[1]->norm.dims;
}

static ml_tensor *run_conv_norm(ml_module *const *layers, const mli_args *a, ml_tensor *x, ml_act act)
{
    mli_args   behind = mli_args_behind(a, layers[0]);
    ml_tensor *w = a->params[0], *scale, *shift;
    mli_batch_affine(layers[1], &behind, ml_tensor_dtype(w), &scale, &shift);
    ml_shape per_output = { ml_tensor_ndim(w), { layers[0]->conv.out, 1, 1, 1 } };
    if (layers[0]->conv.bias) shift = ml_add(ml_mul(a->params[1], scale), shift);
    return mli_conv_apply(layers[0], ml_mul(w, ml_reshape(scale, &(ml_reshape_opts){ per_output })), shift, x, act);
}

static const fusion fusions[] = { /* the longest first */
    { 3, is_token_linear, run_token_linear }, { 2, is_conv_norm, run_conv_norm }, { 1, is_linear, run_linear }, { 1, is_conv, run_conv }, { 1, is_norm, run_norm }
};

#define MOST_FUSED 4 /* layers that one operation does, with the activation */

/* May these run as one? Not where a hook wants the result of one of them. */
static bool may_fuse(const mli_args *a, ml_module *const *layers, int at, int n)
{
    for (int i = 0; i < n; i++)
        if ((a->place || layers[i]->hooks) && mli_wanted(a->place, layers[i], at + i)) return false;
    return true;
}

/* Runs layer `at` of m, with as many behind it as one operation does; *taken says how many. */
static ml_tensor *run_some(const ml_module *m, int at, const mli_args *a, ml_tensor *x, int *taken)
{
    ml_module *const *layers = m->children + at;
    int               n      = m->n_children - at;
    for (size_t i = 0; i < sizeof fusions / sizeof *fusions; i++) {
        const fusion *f = &fusions[i];
        if (f->n_layers > n || !f->fits(layers, a, x)) continue;
        ml_act act = f->n_layers < n ? mli_activation_act(layers[f->n_layers]) : ML_ACT_NONE;
        *taken     = f->n_layers + (act != ML_ACT_NONE);
        if (!may_fuse(a, layers, at, *taken)) break;
        ml_tensor *room[MOST_FUSED * MLI_MAX_OWN];
        mli_args   with = *a;
        with.params     = mli_with_factors(layers, f->n_layers, a->params, room);
        return f->run(layers, &with, x, act);
    }
    *taken = 1;
    return mli_run(layers[0], a, at, x);
}

/* --- forward -------------------------------------------------------------------------------------------------------------- */
/* Each step has a scope of its own: what nothing recorded goes as soon as the next layer has read it. */
static ml_tensor *forward(const ml_module *m, const mli_args *given, ml_tensor *x)
{
    ml_tensor *y = ml_retain(x);
    mli_args   a = *given;
    for (int i = 0, taken; y && i < m->n_children; i += taken) {
        ml_scope   scope = ml_scope_begin();
        ml_tensor *next  = ml_retain(run_some(m, i, &a, y, &taken));
        ml_scope_end(&scope);
        ml_release(y);
        y = next;
        for (int k = 0; k < taken; k++) a = mli_args_behind(&a, m->children[i + k]);
    }
    if (!y || mli_scope_adopt(y)) return y;
    ml_release(y);
    return NULL;
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "Sequential(%d layer%s)", m->n_children, m->n_children == 1 ? "" : "s");
}

static const mli_module_kind sequential_kind = { "Sequential", forward, text, { NULL }, { NULL } };

ml_module *ml_nn_sequential(ml_module *const *layers, int n)
{
    return mli_container_new(&sequential_kind, layers, n, 0, 0);
}
