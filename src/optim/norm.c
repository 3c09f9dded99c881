/* How long the gradients are, all together, and making them shorter. Inside vmap each copy has a length of its own. */
#include "optim/optim_impl.h"

#include "moonlab/ops.h"
#include "tensor/tensor_impl.h"

/* Sum of squares of x, without its first `lead` dimensions: f64. */
static ml_tensor *squares(ml_tensor *x, int lead)
{
    if (!x) return NULL;
    ml_sum_opts o = { .dims.n = 0 };
    for (int d = lead; d < x->shape.n; d++) o.dims.at[o.dims.n++] = d;
    ml_tensor *each = ml_square(ml_cast(x, &(ml_cast_opts){ ML_F64 }));
    return o.dims.n ? ml_sum(each, &o) : each;
}

static ml_tensor *with_ones(ml_tensor *t, int n) /* (lead) -> (lead, 1, ...) of n dimensions */
{
    if (!t) return NULL;
    ml_shape shape = t->shape;
    while (shape.n < n) shape.size[shape.n++] = 1;
    return ml_reshape(t, &(ml_reshape_opts){ shape });
}

static ml_tensor *times_each(ml_tensor *x, ml_tensor *factor)
{
    factor = with_ones(factor, x->shape.n);
    return ml_mul(x, factor ? ml_cast(factor, &(ml_cast_opts){ (ml_dtype)x->dtype }) : NULL);
}

ml_tensor *mli_gradient_norm(const char *where, const mli_gradient *g, int n)
{
    ml_tensor *total = NULL;
    for (int i = 0; i < n; i++) {
        if (g[i].lead != g[0].lead || g[i].level != g[0].level)
            return ml_fail("%s: some parameters are inside vmap, some outside: their gradients have no length together", where);
        ml_tensor *own = squares(g[i].value, g[i].lead);
        total = total ? ml_add(total, own) : own;
        if (!total) return NULL;
    }
    return total ? ml_sqrt(total) : ml_scalar(0, ML_F64);
}

bool mli_gradient_scale(mli_gradient *g, int n, ml_tensor *factor)
{
    for (int i = 0; factor && i < n; i++)
        if (!(g[i].value = mli_contiguous(times_each(g[i].value, factor)))) return false;
    return factor != NULL;
}

/* min(1, most / (norm + 1e-6)), as PyTorch has it */
ml_tensor *mli_clip_factor(ml_tensor *norm, double most)
{
    ml_tensor *ratio = norm ? ml_div(ml_scalar(most, ML_F64), ml_add(norm, ml_scalar(1e-6, ML_F64))) : NULL;
    return ml_clamp(ratio, &(ml_clamp_opts){ .min = -INFINITY, .max = 1 });
}

/* --- for scripts that step by hand ------------------------------------------------------------------------------------------ */
static void set_grad(ml_tensor *w, ml_tensor *grad)
{
    ml_retain(grad);
    ml_release(w->grad);
    w->grad = grad;
}

static mli_gradient *collect(ml_tensor *const *params, int n, int *found)
{
    ml_tensor    *room = ml_empty(ML_SHAPE((int64_t)sizeof(mli_gradient) * (n > 0 ? n : 1)), ML_U8);
    mli_gradient *g    = room ? mli_data(room) : NULL;
    *found = 0;
    for (int i = 0; g && i < n; i++) {
        const ml_tensor *w = mli_innermost(params[i]);
        ml_tensor       *grad = ml_tensor_grad(w);
        if (!grad) continue;
        if (!mli_has_values("clip_grad", grad)) return NULL;
        g[(*found)++] = (mli_gradient){ grad, (ml_tensor *)(uintptr_t)w, w->shape.n - params[i]->shape.n, mli_level_of(params[i]) };
    }
    return g;
}

ml_tensor *ml_clip_grad_norm(ml_tensor *const *params, int n, double most)
{
    if (!(most >= 0)) return ml_fail("clip_grad_norm: the most must be a number, 0 or more, got %g", most);
    for (int i = 0; i < n; i++) if (!params[i]) return NULL;
    ml_scope      scope = ml_scope_begin();
    bool          was   = ml_set_recording(false);
    int           found;
    mli_gradient *g    = collect(params, n, &found);
    ml_tensor    *norm = g ? mli_gradient_norm("clip_grad_norm", g, found) : NULL;
    bool          ok   = norm && (!isfinite(most) || mli_gradient_scale(g, found, mli_clip_factor(norm, most)));
    for (int i = 0; ok && i < found; i++) set_grad(g[i].of, g[i].value);
    if (ok && found && g[0].lead) norm = mli_batched_new(norm, g[0].level);
    ml_set_recording(was);
    return ml_scope_return(&scope, ok ? norm : NULL);
}

bool ml_clip_grad_value(ml_tensor *const *params, int n, double most)
{
    if (!(most >= 0)) return ml_fail("clip_grad_value: the most must be a number, 0 or more, got %g", most);
    for (int i = 0; i < n; i++) if (!params[i]) return false;
    ml_scope      scope = ml_scope_begin();
    bool          was   = ml_set_recording(false);
    int           found;
    mli_gradient *g  = collect(params, n, &found);
    bool          ok = g != NULL;
    for (int i = 0; ok && i < found; i++) ok = (g[i].value = ml_clamp(g[i].value, &(ml_clamp_opts){ .min = -most, .max = most })) != NULL;
    for (int i = 0; ok && i < found; i++) set_grad(g[i].of, g[i].value);
    ml_set_recording(was);
    ml_scope_end(&scope);
    return ok;
}
