/* Sharpness-aware minimisation (Foret et al. 2021): the gradient is taken where the loss is worst within a radius, to first order:
 * at w + radius g / |g|. Adaptive (Kwon et al. 2021): the radius is measured in units of each weight, w + radius w^2 g / |w g|.
 * Inside vmap each copy has its own |g|. */
#include "optim/optim_impl.h"

#include "moonlab/ops.h"
#include "tensor/tensor_impl.h"

#include <string.h>

static bool times_weights(mli_gradient *g, int n)
{
    for (int i = 0; i < n; i++)
        if (!(g[i].value = ml_mul(g[i].value, ml_abs(ml_detach(g[i].of))))) return false;
    return true;
}

/* The way up, in g: each radius g / (|g| + 1e-12). */
static bool find_ascent(ml_optim *opt, mli_gradient *g, int n)
{
    if (opt->sam_adaptive && !times_weights(g, n)) return false;
    ml_tensor *norm = mli_gradient_norm("SAM", g, n);
    ml_tensor *scale = norm ? ml_div(ml_scalar(opt->sam_radius, ML_F64), ml_add(norm, ml_scalar(1e-12, ML_F64))) : NULL;
    return mli_gradient_scale(g, n, scale) && (!opt->sam_adaptive || times_weights(g, n));
}

static void put_values(ml_tensor *w, const ml_tensor *from)
{
    memcpy(ml_tensor_mutable_data(w), mli_data(from), (size_t)ml_tensor_numel(w) * ml_dtype_bytes((ml_dtype)w->dtype));
}

bool mli_sam_ascend(ml_optim *opt, const mli_closure *f, double *value)
{
    if (!mli_loss_backward(opt, f, value)) return false;
    ml_scope scope = ml_scope_begin();
    for (int i = 0; i < opt->n; i++) opt->slots[i].grad = ml_tensor_grad(opt->slots[i].w);
    bool          was = ml_set_recording(false);
    int           n   = 0;
    mli_gradient *g   = mli_gradients(opt, &n);
    ml_tensor    *room = ml_empty(ML_SHAPE((int64_t)sizeof(ml_tensor *) * (n + 1)), ML_U8), **start = room ? mli_data(room) : NULL;
    bool          ok   = g && start && find_ascent(opt, g, n);
    for (int i = 0; ok && i < n; i++) ok = (start[i] = ml_clone(ml_detach(g[i].of))) != NULL;
    for (int i = 0; ok && i < n; i++) ok = (g[i].value = mli_contiguous(ml_add(start[i], g[i].value))) != NULL;
    if (ok) for (int i = 0; i < n; i++) put_values(g[i].of, g[i].value);
    ml_set_recording(was);
    if (ok) {
        double there;
        ok = mli_loss_backward(opt, f, &there);
        for (int i = 0; i < n; i++) put_values(g[i].of, start[i]);
    }
    ml_scope_end(&scope);
    return ok;
}

bool ml_optim_set_sam(ml_optim *opt, const ml_sam_opts *opts)
{
    if (!opt) return false;
    ml_sam_opts o = opts ? *opts : ml_sam_defaults();
    if (!(o.rho >= 0 && isfinite(o.rho))) return ml_fail("SAM: rho must be a finite number, 0 or more, got %g", o.rho);
    if (opt->kind->minimize)
        return ml_fail("SAM: %s chooses its steps by the loss itself; SAM needs one that steps along a gradient", opt->kind->info.name);
    opt->sam_radius   = o.rho;
    opt->sam_adaptive = o.adaptive;
    return true;
}

ml_sam_opts ml_sam_defaults(void) { return (ml_sam_opts){ .rho = 0.05 }; }
