/* Derivatives of functions, made of ml_grad and vmap. Gradients are recorded when, and only when, somebody outside may
 * differentiate them (ml_grad_opts.nested), so that transforms nest to any depth and cost nothing extra alone. */
#include "autograd/node.h"
#include "moonlab/transform.h"

static ml_tensor *fresh(ml_tensor *x)
{
    if (x && x->inner) return mli_batched_new(fresh(x->inner), x->level);
    if (x && mli_records(x) && ml_recording()) return ml_reshape(x, &(ml_reshape_opts){ x->shape });
    return ml_requires_grad(ml_detach(x), true);
}

ml_tensor *ml_fresh(ml_tensor *x)
{
    if (x && !ml_dtype_is_float((ml_dtype)x->dtype))
        return ml_fail("grad: only f32 and f64 have derivatives, an input is %s", ml_dtype_name((ml_dtype)x->dtype));
    return fresh(mli_one_for_each(x));
}

/* --- a function called on fresh inputs ---------------------------------------------------------------------------------- */
typedef struct {
    int         n_in, n_wanted;
    ml_tensor **in;     /* what the function was given */
    ml_tensor **wanted; /* the fresh ones among them, side by side */
    ml_tensor **grads;
    size_t      bytes;
} trial;

static void drop(trial *t)
{
    if (t->in) ml_block_give(t->in, t->bytes);
}

/* Calls f with recording on; inputs with wanted[i] (NULL: all of floats) are fresh. False: failed, nothing to drop. */
static bool try_out(const ml_function *f, ml_tensor *const *in, const bool *wanted, ml_tensor **out, trial *t)
{
    size_t n = (size_t)f->n_in;
    *t = (trial){ .n_in = f->n_in, .bytes = 3 * n * sizeof *t->in };
    if (!(t->in = ml_block_take(t->bytes))) return false;
    t->wanted = t->in + n;
    t->grads  = t->wanted + n;
    bool was  = ml_set_recording(true), ok = true;
    for (int i = 0; ok && i < f->n_in; i++) {
        t->in[i] = in[i];
        if (!in[i]) ok = false;
        else if (wanted ? wanted[i] : ml_dtype_is_float((ml_dtype)in[i]->dtype)) {
            t->wanted[t->n_wanted++] = t->in[i] = ml_fresh(in[i]);
            ok = t->in[i] != NULL;
        }
    }
    ok = ok && f->call(f->ctx, t->in, out);
    ml_set_recording(was);
    if (!ok) drop(t);
    return ok;
}

static ml_tensor *scalar_product(ml_tensor *const *out, ml_tensor *const *seeds, int n)
{
    ml_tensor *sum = NULL;
    for (int i = 0; i < n; i++) {
        if (!seeds[i]) continue;
        ml_tensor *part = ml_sum(ml_mul(out[i], seeds[i]), NULL);
        sum = sum ? ml_add(sum, part) : part;
        if (!sum) return NULL;
    }
    return sum ? sum : ml_fail("vjp: no seed was given");
}

/* The gradients of the sum of out[i] seeds[i], without computing it where that can be. A seed of NULL is none. */
static bool grad_of_all(ml_tensor *const *out, ml_tensor *const *seeds, int n_out, ml_tensor *const *in, int n, ml_tensor **grads, const ml_grad_opts *o)
{
    int         n_given = 0;
    bool        plain = true, failed = false;
    size_t      bytes = 2 * (size_t)n_out * sizeof(ml_tensor *);
    ml_tensor **given = ml_block_take(bytes), **results = given + n_out;
    if (!given) return false;
    for (int i = 0; i < n; i++) plain &= in[i] && !in[i]->inner;
    for (int i = 0; i < n_out; i++) {
        failed |= !out[i];
        if (!out[i] || !seeds[i]) continue;
        plain &= !out[i]->inner && !seeds[i]->inner && ml_shape_equal(&out[i]->shape, &seeds[i]->shape);
        if (!mli_records(out[i])) continue; /* a constant */
        results[n_given] = out[i];
        given[n_given++] = seeds[i];
    }
    bool ok = !failed;
    if (ok && plain && n_given > 0) ok = mli_grad_of_all(results, given, n_given, in, n, grads, o);
    else if (ok) {
        bool       was = ml_set_recording(true);
        ml_tensor *y   = scalar_product(out, seeds, n_out);
        ml_set_recording(was);
        ok = y && ml_grad(y, in, n, grads, o);
    }
    ml_block_give(given, bytes);
    return ok;
}

bool ml_pull_back(ml_tensor *const *out, ml_tensor *const *seeds, int n_out, ml_tensor *const *fresh_in, int n, bool keep_graph, ml_tensor **grads)
{
    ml_grad_opts o = { .nested = true, .keep_graph = keep_graph };
    if (n_out > 1) return grad_of_all(out, seeds, n_out, fresh_in, n, grads, &o);
    o.seed = seeds ? seeds[0] : NULL;
    return ml_grad(out[0], fresh_in, n, grads, &o);
}

static ml_tensor *released(ml_tensor *y, ml_tensor *const *fresh_in, int n)
{
    return !y || mli_reaches_outside(y, fresh_in, n) ? y : ml_detach(y);
}

bool ml_release_results(ml_tensor **y, int n_y, ml_tensor *const *fresh_in, int n)
{
    for (int i = 0; i < n_y; i++)
        if (!(y[i] = released(y[i], fresh_in, n))) return false;
    return true;
}

/* --- vjp, jvp ------------------------------------------------------------------------------------------------------------- */
bool ml_vjp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *seeds, const bool *wanted, ml_tensor **out, ml_tensor **grads)
{
    trial t;
    if (!try_out(f, in, wanted, out, &t)) return false;
    bool ok = ml_pull_back(out, seeds, f->n_out, t.wanted, t.n_wanted, false, t.grads) && ml_release_results(out, f->n_out, t.wanted, t.n_wanted);
    for (int i = 0, k = 0; i < f->n_in; i++) grads[i] = ok && t.in[i] != in[i] ? t.grads[k++] : NULL;
    drop(&t);
    return ok;
}

/* The gradient g = J^T u is linear in the seeds u, so its derivative along the tangents, with respect to u, is J t. */
bool ml_push_forward(ml_tensor *const *out, int n_out, ml_tensor *const *fresh_in, ml_tensor *const *tangents, int n, ml_tensor **douts)
{
    size_t      bytes = (size_t)(n + n_out) * sizeof(ml_tensor *);
    ml_tensor **seeds = ml_block_take(bytes), **grads = seeds + n_out;
    bool        was   = ml_set_recording(true), ok = seeds != NULL;
    for (int i = 0; ok && i < n; i++)
        if (tangents[i] && !ml_shape_equal(&fresh_in[i]->shape, &tangents[i]->shape))
            ok = ml_fail("jvp: tangent %d has shape %s, the input %s", i + 1, ml_shape_text(&tangents[i]->shape), ml_shape_text(&fresh_in[i]->shape));
    for (int i = 0; ok && i < n_out; i++) ok = (seeds[i] = ml_fresh(ml_zeros(out[i]->shape, (ml_dtype)out[i]->dtype))) != NULL;
    ok = ok && grad_of_all(out, seeds, n_out, fresh_in, n, grads, &(ml_grad_opts){ .create_graph = true });
    ok = ok && grad_of_all(grads, tangents, n, seeds, n_out, douts, &(ml_grad_opts){ .create_graph = was });
    ml_set_recording(was);
    if (seeds) ml_block_give(seeds, bytes);
    return ok;
}

bool ml_jvp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *tangents, ml_tensor **out, ml_tensor **douts)
{
    trial       t;
    size_t      bytes = (size_t)f->n_in * (sizeof(ml_tensor *) + sizeof(bool));
    ml_tensor **given = ml_block_take(bytes); /* the tangents that are not NULL, side by side */
    if (!given) return false;
    bool *wanted = (bool *)(given + f->n_in);
    int   n      = 0;
    for (int i = 0; i < f->n_in; i++)
        if ((wanted[i] = tangents[i] != NULL)) given[n++] = tangents[i];
    bool ok = n > 0 || ml_fail("jvp: no tangent was given");
    if (ok && (ok = try_out(f, in, wanted, out, &t))) {
        ok = ml_push_forward(out, f->n_out, t.wanted, given, n, douts) && ml_release_results(out, f->n_out, t.wanted, n) &&
             ml_release_results(douts, f->n_out, t.wanted, n);
        drop(&t);
    }
    ml_block_give(given, bytes);
    return ok;
}

/* --- jacobian, hessian, hvp ----------------------------------------------------------------------------------------------- */
static ml_tensor *as_shapes(ml_tensor *x, const ml_shape *a, const ml_shape *b) /* reshape to a, then b */
{
    if (a->n + b->n > ML_MAX_DIMS)
        return ml_fail("jacobian: %s by %s has more than %d dimensions; flatten the input or the output", ml_shape_text(a), ml_shape_text(b), ML_MAX_DIMS);
    ml_shape s = *a;
    for (int d = 0; d < b->n; d++) s.size[s.n++] = b->size[d];
    return ml_reshape(x, &(ml_reshape_opts){ s });
}

bool ml_jacobian_of(ml_tensor *out, ml_tensor *const *fresh_in, int n, bool keep_graph, ml_tensor **jacobians)
{
    ml_shape   one   = out->shape;
    int64_t    rows  = ml_shape_numel(&one), level = ml_vmap_begin(rows);
    ml_tensor *basis = level ? ml_vmap_wrap(level, as_shapes(ml_eye(rows, (ml_dtype)out->dtype), &(ml_shape){ 1, { rows } }, &one), 0) : NULL;
    bool       ok    = basis && ml_grad(out, fresh_in, n, jacobians, &(ml_grad_opts){ .seed = basis, .nested = true, .keep_graph = keep_graph });
    for (int i = 0; ok && i < n; i++) {
        ml_tensor *j = ml_vmap_unwrap(level, jacobians[i], 0);
        jacobians[i] = j ? as_shapes(j, &one, &fresh_in[i]->shape) : NULL;
        ok           = jacobians[i] != NULL;
    }
    if (level) ml_vmap_end(level);
    return ok;
}

bool ml_jacobian(const ml_function *f, ml_tensor *const *in, int k, ml_tensor **jacobian)
{
    trial       t;
    size_t      out_bytes = (size_t)f->n_out * sizeof(ml_tensor *);
    ml_tensor **out       = ml_block_take(out_bytes);
    bool       *wanted    = ml_block_take((size_t)f->n_in);
    bool        ok        = out && wanted;
    for (int i = 0; ok && i < f->n_in; i++) wanted[i] = i == k;
    if (ok && (ok = try_out(f, in, wanted, out, &t))) {
        ok = ml_jacobian_of(out[0], t.wanted, 1, false, jacobian) && ml_release_results(jacobian, 1, t.wanted, 1);
        drop(&t);
    }
    if (wanted) ml_block_give(wanted, (size_t)f->n_in);
    if (out) ml_block_give(out, out_bytes);
    return ok;
}

/* The gradient of a function, as a function: of in[k] with wanted[k]. */
typedef struct {
    const ml_function *f;
    const bool        *wanted;
} gradient;

static bool call_gradient(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    const gradient *g     = ctx;
    size_t          bytes = (size_t)(g->f->n_in + g->f->n_out) * sizeof(ml_tensor *);
    ml_tensor     **grads = ml_block_take(bytes);
    if (!grads) return false;
    bool ok = ml_vjp(g->f, in, NULL, g->wanted, grads + g->f->n_in, grads);
    for (int i = 0, k = 0; ok && i < g->f->n_in; i++)
        if (g->wanted[i]) out[k++] = grads[i];
    ml_block_give(grads, bytes);
    return ok;
}

bool ml_hessian(const ml_function *f, ml_tensor *const *in, int k, ml_tensor **hessian)
{
    bool *wanted = ml_block_take((size_t)f->n_in);
    if (!wanted) return false;
    for (int i = 0; i < f->n_in; i++) wanted[i] = i == k;
    gradient    g  = { f, wanted };
    ml_function of = { call_gradient, &g, f->n_in, 1 };
    bool        ok = ml_jacobian(&of, in, k, hessian);
    ml_block_give(wanted, (size_t)f->n_in);
    return ok;
}

/* The derivative of g.v, where g is the gradient, recorded. */
bool ml_hvp_of(ml_tensor *out, ml_tensor *const *fresh_in, ml_tensor *const *v, int n, ml_tensor **products)
{
    size_t      bytes = (size_t)n * sizeof(ml_tensor *);
    ml_tensor **grads = ml_block_take(bytes);
    bool        ok    = grads && ml_grad(out, fresh_in, n, grads, &(ml_grad_opts){ .create_graph = true });
    ok = ok && grad_of_all(grads, v, n, fresh_in, n, products, &(ml_grad_opts){ .nested = true });
    if (grads) ml_block_give(grads, bytes);
    return ok;
}

bool ml_hvp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *v, ml_tensor **products)
{
    trial       t;
    size_t      bytes = (size_t)(f->n_in + f->n_out) * sizeof(ml_tensor *) + (size_t)f->n_in * sizeof(bool);
    ml_tensor **given = ml_block_take(bytes), **out = given + f->n_in;
    if (!given) return false;
    bool *wanted = (bool *)(out + f->n_out);
    int   n      = 0;
    for (int i = 0; i < f->n_in; i++)
        if ((wanted[i] = v[i] != NULL)) given[n++] = v[i];
    bool ok = n > 0 || ml_fail("hvp: no vector was given");
    if (ok && (ok = try_out(f, in, wanted, out, &t))) {
        ok = ml_hvp_of(out[0], t.wanted, given, n, t.grads) && ml_release_results(t.grads, n, t.wanted, n);
        for (int i = 0, k = 0; i < f->n_in; i++) products[i] = ok && wanted[i] ? t.grads[k++] : NULL;
        drop(&t);
    }
    ml_block_give(given, bytes);
    return ok;
}
