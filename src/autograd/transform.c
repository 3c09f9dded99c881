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

/* The gradients of t's wanted inputs into t->grads: of one output with its seed, or of several as a sum of products. */
static bool pull_back(trial *t, ml_tensor *const *out, ml_tensor *const *seeds, int n_out)
{
    ml_grad_opts o   = { .nested = true };
    ml_tensor   *y   = out[0];
    bool         was = ml_set_recording(true);
    if (n_out == 1) o.seed = seeds ? seeds[0] : NULL;
    else y = scalar_product(out, seeds, n_out);
    ml_set_recording(was);
    return y && ml_grad(y, t->wanted, t->n_wanted, t->grads, &o);
}

/* A result as the caller of the transform may see it: still part of the graph of somebody outside, else of none. */
static ml_tensor *released(const trial *t, ml_tensor *y)
{
    return !y || mli_reaches_outside(y, t->wanted, t->n_wanted) ? y : ml_detach(y);
}

static bool release_all(const trial *t, ml_tensor **y, int n)
{
    for (int i = 0; i < n; i++)
        if (!(y[i] = released(t, y[i]))) return false;
    return true;
}

/* --- vjp, jvp ------------------------------------------------------------------------------------------------------------- */
bool ml_vjp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *seeds, const bool *wanted, ml_tensor **out, ml_tensor **grads)
{
    trial t;
    if (!try_out(f, in, wanted, out, &t)) return false;
    bool ok = pull_back(&t, out, seeds, f->n_out) && release_all(&t, out, f->n_out);
    for (int i = 0, k = 0; i < f->n_in; i++) grads[i] = ok && t.in[i] != in[i] ? t.grads[k++] : NULL;
    drop(&t);
    return ok;
}

/* The gradient g = J^T u is linear in the seeds u, so its derivative along the tangents, with respect to u, is J t. */
bool ml_jvp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *tangents, ml_tensor **out, ml_tensor **douts)
{
    trial       t;
    size_t      bytes = (size_t)(f->n_in + f->n_out) * sizeof(ml_tensor *);
    ml_tensor **seeds = ml_block_take(bytes);
    if (!seeds) return false;
    ml_tensor **given  = seeds + f->n_out; /* the tangents that are not NULL, side by side */
    bool       *wanted = ml_block_take((size_t)f->n_in);
    bool        ok     = wanted != NULL;
    int         n      = 0;
    for (int i = 0; ok && i < f->n_in; i++) {
        wanted[i] = tangents[i] != NULL;
        if (!wanted[i]) continue;
        given[n++] = tangents[i];
        if (in[i] && !ml_shape_equal(&in[i]->shape, &tangents[i]->shape))
            ok = ml_fail("jvp: tangent %d has shape %s, the input %s", i + 1, ml_shape_text(&tangents[i]->shape), ml_shape_text(&in[i]->shape));
    }
    if (ok && n == 0) ok = ml_fail("jvp: no tangent was given");
    if (ok && (ok = try_out(f, in, wanted, out, &t))) {
        bool was = ml_set_recording(true);
        for (int i = 0; ok && i < f->n_out; i++) ok = (seeds[i] = ml_fresh(ml_zeros(out[i]->shape, (ml_dtype)out[i]->dtype))) != NULL;
        ml_tensor *y = ok ? scalar_product(out, seeds, f->n_out) : NULL;
        ok = y && ml_grad(y, t.wanted, n, t.grads, &(ml_grad_opts){ .create_graph = true });
        y  = ok ? scalar_product(t.grads, given, n) : NULL;
        ok = y && ml_grad(y, seeds, f->n_out, douts, &(ml_grad_opts){ .create_graph = was });
        ml_set_recording(was);
        ok = ok && release_all(&t, out, f->n_out) && release_all(&t, douts, f->n_out);
        drop(&t);
    }
    if (wanted) ml_block_give(wanted, (size_t)f->n_in);
    ml_block_give(seeds, bytes);
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

bool ml_jacobian(const ml_function *f, ml_tensor *const *in, int k, ml_tensor **jacobian)
{
    trial       t;
    size_t      out_bytes = (size_t)f->n_out * sizeof(ml_tensor *);
    ml_tensor **out       = ml_block_take(out_bytes);
    bool       *wanted    = ml_block_take((size_t)f->n_in);
    bool        ok        = out && wanted;
    for (int i = 0; ok && i < f->n_in; i++) wanted[i] = i == k;
    if (ok && (ok = try_out(f, in, wanted, out, &t))) {
        ml_shape one   = out[0]->shape;
        int64_t  n     = ml_shape_numel(&one);
        int      level = ml_vmap_begin(n);
        ml_tensor *basis = ml_vmap_wrap(level, as_shapes(ml_eye(n, (ml_dtype)out[0]->dtype), &(ml_shape){ 1, { n } }, &one), 0);
        ok = level && basis && ml_grad(out[0], t.wanted, 1, t.grads, &(ml_grad_opts){ .seed = basis, .nested = true });
        ml_tensor *rows = ok ? ml_vmap_unwrap(level, t.grads[0], 0) : NULL;
        if (level) ml_vmap_end(level);
        *jacobian = rows ? as_shapes(rows, &one, &in[k]->shape) : NULL;
        ok        = *jacobian && (*jacobian = released(&t, *jacobian));
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

bool ml_hvp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *v, ml_tensor **products)
{
    size_t      bytes = (size_t)f->n_in * (2 * sizeof(ml_tensor *) + sizeof(bool));
    ml_tensor **out   = ml_block_take(bytes);
    if (!out) return false;
    ml_tensor **given  = out + f->n_in;
    bool       *wanted = (bool *)(given + f->n_in);
    int         n      = 0;
    for (int i = 0; i < f->n_in; i++)
        if ((wanted[i] = v[i] != NULL)) given[n++] = v[i];
    gradient    g  = { f, wanted };
    ml_function of = { call_gradient, &g, f->n_in, n };
    bool        ok = n > 0 ? ml_vjp(&of, in, given, wanted, out, products) : (ml_fail("hvp: no vector was given"), false);
    ml_block_give(out, bytes);
    return ok;
}
