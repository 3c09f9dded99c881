/* Residual and Parallel: several ways from one input. */
#include "nn/module.h"

#include "moonlab/ops.h"

#include <math.h>
#include <stdio.h>

/* --- Residual: y = shortcut(x) + scale f(x) ----------------------------------------------------------------------------- */
static const char *const residual_names[] = { "inner", "shortcut" };

static ml_tensor *residual_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_tensor *y = mli_run_child(m, a, 0, x), *way = m->n_children > 1 ? mli_run_child(m, a, 1, x) : x;
    if (!y || !way) return NULL;
    ml_shape inner = ml_tensor_shape(y), around = ml_tensor_shape(way);
    if (!ml_shape_equal(&inner, &around)) /* broadcasting would add them without a word */
        return ml_fail("%s: the inner layers give %s, %s %s; %s must be of the same shape", ml_module_text(m), ml_shape_text(&inner),
                       m->n_children > 1 ? "the shortcut" : "their input is", ml_shape_text(&around),
                       m->n_children > 1 ? "both" : "with no shortcut both");
    return ml_add(way, m->residual.scale == 1 ? y : ml_mul(y, ml_number(m->residual.scale)));
}

static void residual_text(const ml_module *m, char *to, size_t bytes)
{
    if (m->residual.scale == 1) snprintf(to, bytes, "Residual");
    else snprintf(to, bytes, "Residual(scale %g)", m->residual.scale);
}

static const mli_module_kind residual_kind = { "Residual", residual_forward, residual_text, { NULL }, { NULL } };

static ml_module *make_residual(ml_module *const *ways, int n, const ml_residual_layer_opts *opts)
{
    double     scale = opts ? opts->scale : 1;
    ml_module *m     = mli_container_new(&residual_kind, ways, n, 0, 0);
    if (!m) return NULL;
    if (!isfinite(scale)) {
        ml_module_release(m);
        return ml_fail("Residual: scale must be a finite number, got %g", scale);
    }
    m->child_names    = residual_names;
    m->residual.scale = scale;
    return m;
}

ml_module *ml_nn_residual(ml_module *inner, const ml_residual_layer_opts *opts)
{
    return make_residual(&inner, 1, opts);
}

ml_module *ml_nn_residual_with(ml_module *inner, ml_module *shortcut, const ml_residual_layer_opts *opts)
{
    return make_residual((ml_module *[]){ inner, shortcut }, 2, opts);
}

/* --- Parallel: branches on one input, put together ------------------------------------------------------------------------- */
static ml_tensor *sum_of(const ml_module *m, ml_tensor *const *y)
{
    ml_tensor *sum   = y[0];
    ml_shape   first = ml_tensor_shape(y[0]);
    for (int i = 1; i < m->n_children; i++) {
        ml_shape next = ml_tensor_shape(y[i]);
        if (!ml_shape_equal(&first, &next))
            return ml_fail("%s: branch 1 gives %s, branch %d %s; a sum needs the same shape", ml_module_text(m), ml_shape_text(&first),
                           i + 1, ml_shape_text(&next));
        sum = ml_add(sum, y[i]);
    }
    return sum;
}

static ml_tensor *parallel_forward(const ml_module *m, const mli_args *given, ml_tensor *x)
{
    ml_tensor *y[MLI_MAX_BRANCHES];
    mli_args   a = *given;
    for (int i = 0; i < m->n_children; i++) {
        if (!(y[i] = mli_run(m->children[i], &a, i, x))) return NULL;
        a = mli_args_behind(&a, m->children[i]);
    }
    switch (m->parallel.merge) {
    case ML_MERGE_SUM: return sum_of(m, y);
    case ML_MERGE_STACK: return mli_blame(m, "stack", ml_stack(y, m->n_children, &(ml_stack_opts){ m->parallel.dim }));
    default: return mli_blame(m, "cat", ml_cat(y, m->n_children, &(ml_cat_opts){ m->parallel.dim }));
    }
}

static void parallel_text(const ml_module *m, char *to, size_t bytes)
{
    static const char *const names[] = { "concat", "sum", "stack" };
    snprintf(to, bytes, "Parallel(%s)", names[m->parallel.merge]);
}

static const mli_module_kind parallel_kind = { "Parallel", parallel_forward, parallel_text, { NULL }, { NULL } };

ml_module *ml_nn_parallel(ml_module *const *branches, int n, const ml_parallel_layer_opts *opts)
{
    ml_parallel_layer_opts o = opts ? *opts : (ml_parallel_layer_opts){ ML_MERGE_CONCAT, 1 };
    if (n < 1 || n > MLI_MAX_BRANCHES) {
        for (int i = 0; i < n; i++) ml_module_release(branches[i]);
        return ml_fail("Parallel: takes 1 to %d branches, got %d", MLI_MAX_BRANCHES, n);
    }
    ml_module *m = mli_container_new(&parallel_kind, branches, n, 0, 0);
    if (!m) return NULL;
    m->parallel.merge = o.merge;
    m->parallel.dim   = o.dim;
    return m;
}
