/* Functions of functions, by walking the table: vmap against the loop, jvp against vjp and differences, and every two of
 * them inside each other, over every operation that has a derivative. */
#include "samples.h"

#include "moonlab/transform.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(transform, .init = begin_test, .fini = end_test, .timeout = 120);

static bool any_op(const ml_op *op, const ml_op_info *info) { (void)op, (void)info; return true; }
static bool has_derivative(const ml_op *op, const ml_op_info *info) { (void)info; return !(op->flags & ML_NOGRAD); }

/* --- an operation as a function ------------------------------------------------------------------------------------------ */
static bool call_op(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    const trial *t = ctx;
    out[0] = ml_op_apply(t->id, in, t->n_in, t->opts);
    return out[0] != NULL;
}

/* The gradients of <y, cos(1, 2, ...)> with respect to the float inputs. */
static ml_tensor *weights_like(const ml_tensor *y)
{
    ml_tensor *w = ml_cos(ml_arange(1, (double)ml_tensor_numel(y) + 1, 1, (ml_dtype)y->dtype));
    return ml_reshape(w, &(ml_reshape_opts){ y->shape });
}

static bool call_gradients(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    const trial *t = ctx;
    ml_function  f = { call_op, ctx, t->n_in, 1 };
    ml_tensor   *y, *like = ml_op_apply(t->id, in, t->n_in, t->opts), *seed, *grads[ML_MAX_IN];
    if (!like || !(seed = weights_like(like)) || !ml_vjp(&f, in, &seed, t->floats, &y, grads)) return false;
    for (int i = 0, k = 0; i < t->n_in; i++)
        if (t->floats[i]) out[k++] = grads[i];
    return true;
}

/* --- vmap against the loop ------------------------------------------------------------------------------------------------ */
enum { BATCH = 3 };

static ml_tensor *stacked(ml_tensor *const x[BATCH], int dim)
{
    ml_tensor *rows[BATCH];
    for (int b = 0; b < BATCH; b++) {
        ml_shape s = { 1, { 1 } };
        for (int d = 0; d < x[b]->shape.n; d++) s.size[s.n++] = x[b]->shape.size[d];
        rows[b] = ml_reshape(x[b], &(ml_reshape_opts){ s });
    }
    ml_tensor *whole = ml_cat(rows, BATCH, NULL);
    if (dim == 0) return whole;
    ml_dims order = { .n = whole->shape.n };
    for (int d = 0, k = 1; d < order.n; d++) order.at[d] = d == dim ? 0 : k++;
    return ml_permute(whole, &(ml_permute_opts){ order });
}

static bool all_floats_or_none(const trial *t)
{
    for (int i = 0; i < t->n_in; i++)
        if (t->floats[i]) return true;
    return false;
}

/* An input whose values decide the shape of the result has one for all: the operation says so. */
static bool refuses_each(const trial *t, const ml_function *f, ml_tensor *const *whole, const int *dims)
{
    ml_tensor *out[ML_MAX_IN];
    return expect(!ml_vmap(f, whole, dims, out, NULL), "%s: vmap gave results of different shapes", t->label) && expect_message(t->name, "%s: vmap", t->label);
}

static void check_vmap(const trial *t, bool (*call)(void *, ml_tensor *const *, ml_tensor **), int n_out, uint32_t mapped, bool last_dim, const char *what)
{
    ml_function f = { call, (void *)(uintptr_t)t, t->n_in, n_out };
    ml_tensor  *in[BATCH][ML_MAX_IN], *whole[ML_MAX_IN], *out[ML_MAX_IN], *one[BATCH][ML_MAX_IN];
    int         dims[ML_MAX_IN];
    for (int b = 0; b < BATCH; b++) {
        trial_inputs(t, ML_F64, LAYOUT_CONTIGUOUS, 11 + (uint64_t)b, in[b]);
        for (int i = 0; i < t->n_in; i++)
            if (!(mapped >> i & 1u)) in[b][i] = in[0][i];
        if (!(mapped & t->sample->shared) && !expect(call(f.ctx, in[b], one[b]), "%s: %s of one", t->label, what)) return;
    }
    for (int i = 0; i < t->n_in; i++) {
        ml_tensor *column[BATCH] = { in[0][i], in[1][i], in[2][i] };
        dims[i]  = mapped >> i & 1u ? (last_dim ? column[0]->shape.n : 0) : ML_WHOLE;
        whole[i] = mapped >> i & 1u ? stacked(column, dims[i]) : in[0][i];
    }
    if (mapped & t->sample->shared) {
        refuses_each(t, &f, whole, dims);
        return;
    }
    if (!expect(ml_vmap(&f, whole, dims, out, NULL), "%s: vmap of %s, inputs %x", t->label, what, mapped)) return;
    for (int k = 0; k < n_out; k++) {
        ml_tensor *column[BATCH] = { one[0][k], one[1][k], one[2][k] };
        expect_close(out[k], stacked(column, 0), 1e-12, "%s: vmap of %s, inputs %x, result %d", t->label, what, mapped, k + 1);
    }
}

ParameterizedTestParameters(transform, vmap_equals_the_loop) { return groups_where(any_op); }
ParameterizedTest(group *g, transform, vmap_equals_the_loop)
{
    trial t;
    FOR_EACH_SAMPLE(g, t)
        for (uint32_t mapped = 1; mapped < 1u << t.n_in; mapped++) {
            check_vmap(&t, call_op, 1, mapped, false, "the value");
            check_vmap(&t, call_op, 1, mapped, true, "the value");
        }
}

ParameterizedTestParameters(transform, vmap_of_the_gradient_equals_the_loop) { return groups_where(has_derivative); }
ParameterizedTest(group *g, transform, vmap_of_the_gradient_equals_the_loop)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        int n = 0;
        for (int i = 0; i < t.n_in; i++) n += t.floats[i];
        for (uint32_t mapped = 1; all_floats_or_none(&t) && mapped < 1u << t.n_in; mapped++)
            check_vmap(&t, call_gradients, n, mapped, false, "the gradients");
    }
}

/* --- functions of one float input, and what is made of them ----------------------------------------------------------------- */
typedef struct function function;
struct function {
    bool (*call)(const function *f, ml_tensor *x, ml_tensor **y);
    const char      *name;
    const function  *of;                /* the function inside */
    const trial     *t;                 /* at the bottom: the operation, */
    ml_tensor       *fixed[ML_MAX_IN];  /* its other inputs, */
    int              which;             /* and the one that varies */
};

static bool call_inner(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    const function *f = ctx;
    return f->call(f, in[0], out);
}

static ml_function as_function(const function *f) { return (ml_function){ call_inner, (void *)(uintptr_t)f, 1, 1 }; }

static bool bottom(const function *f, ml_tensor *x, ml_tensor **y)
{
    ml_tensor *in[ML_MAX_IN];
    for (int i = 0; i < f->t->n_in; i++) in[i] = i == f->which ? x : f->fixed[i];
    *y = ml_op_apply(f->t->id, in, f->t->n_in, f->t->opts);
    return *y != NULL;
}

/* <y, weights> with a bend, so that linear operations have a second derivative too */
static bool call_scalar(const function *f, ml_tensor *x, ml_tensor **y)
{
    ml_tensor *z;
    if (!f->of->call(f->of, x, &z)) return false;
    ml_tensor *w = weights_like(z);
    *y = ml_sum(ml_add(ml_mul(z, w), ml_mul(ml_mul(z, z), ml_mul(w, ml_number(0.3)))), NULL);
    return *y != NULL;
}

static bool call_grad(const function *f, ml_tensor *x, ml_tensor **y)
{
    function    s  = { .call = call_scalar, .of = f->of };
    ml_function of = as_function(&s);
    ml_tensor  *value;
    return ml_vjp(&of, &x, NULL, NULL, &value, y);
}

static bool call_vjp(const function *f, ml_tensor *x, ml_tensor **y)
{
    ml_function of = as_function(f->of);
    ml_tensor  *value, *seed;
    if (!f->of->call(f->of, x, &value) || !(seed = weights_like(value))) return false;
    return ml_vjp(&of, &x, &seed, NULL, &value, y);
}

static bool call_jvp(const function *f, ml_tensor *x, ml_tensor **y)
{
    ml_function of = as_function(f->of);
    ml_tensor  *value, *tangent = weights_like(x);
    return ml_jvp(&of, &x, &tangent, &value, y);
}

static bool call_jacobian(const function *f, ml_tensor *x, ml_tensor **y)
{
    ml_function of = as_function(f->of);
    return ml_jacobian(&of, &x, 0, y);
}

static bool call_hessian(const function *f, ml_tensor *x, ml_tensor **y)
{
    function    s  = { .call = call_scalar, .of = f->of };
    ml_function of = as_function(&s);
    return ml_hessian(&of, &x, 0, y);
}

static const double stretch[2] = { 1, 0.9 };

static bool call_vmap(const function *f, ml_tensor *x, ml_tensor **y) /* of x and 0.9 x */
{
    ml_function of = as_function(f->of);
    ml_shape    s  = { 1, { 2 } }, one = { 1, { 2 } };
    for (int d = 0; d < x->shape.n; d++) s.size[s.n++] = x->shape.size[d], one.size[one.n++] = 1;
    ml_tensor *both = ml_mul(ml_expand(x, &(ml_expand_opts){ s }), ml_cast(ml_reshape(ml_from(ML_SHAPE(2), ML_F64, stretch), &(ml_reshape_opts){ one }), &(ml_cast_opts){ (ml_dtype)x->dtype }));
    return ml_vmap(&of, &both, (int[]){ 0 }, y, NULL);
}

static const struct {
    const char *name;
    bool (*call)(const function *, ml_tensor *, ml_tensor **);
    int order; /* of derivative */
} transforms[] = { { "grad", call_grad, 1 }, { "vjp", call_vjp, 1 }, { "jvp", call_jvp, 1 }, { "jacobian", call_jacobian, 1 }, { "hessian", call_hessian, 2 }, { "vmap", call_vmap, 0 } };
enum { N_TRANSFORMS = sizeof transforms / sizeof *transforms };

/* --- each of them against differences and loops of what it is applied to ------------------------------------------------------ */
static ml_tensor *moved(ml_tensor *x, ml_tensor *v, double h) { return ml_add(x, ml_mul(v, ml_number(h))); }

/* (f(x + h v) - f(x - h v)) / 2h, extrapolated from two steps; values only */
static ml_tensor *quotient(const function *f, ml_tensor *x, ml_tensor *v)
{
    ml_tensor *d[2];
    for (int k = 0; k < 2; k++) {
        double     h = 1e-3 / (1 + k);
        ml_tensor *right, *left;
        if (!f->call(f, moved(x, v, h), &right) || !f->call(f, moved(x, v, -h), &left)) return NULL;
        d[k] = ml_mul(ml_sub(ml_detach(right), ml_detach(left)), ml_number(1 / (2 * h)));
    }
    return ml_mul(ml_sub(ml_mul(d[1], ml_number(4)), d[0]), ml_number(1.0 / 3));
}

/* sum over the last dimensions, those of v, of y times v */
static ml_tensor *contract(ml_tensor *y, ml_tensor *v)
{
    ml_dims dims = { .n = v->shape.n };
    for (int d = 0; d < dims.n; d++) dims.at[d] = d - dims.n;
    ml_tensor *p = ml_mul(y, v);
    return dims.n ? ml_sum(p, &(ml_sum_opts){ dims, false }) : p;
}

static ml_tensor *reference(int transform, const function *inner, ml_tensor *x, ml_tensor *v, ml_tensor **got)
{
    function   scalar = { .call = call_scalar, .of = inner }, grad = { .call = call_grad, .of = inner };
    ml_tensor *y, *want;
    switch (transform) {
    case 0: /* grad: <grad, v> is the slope along v */
        *got = contract(*got, v);
        return quotient(&scalar, x, v);
    case 1: /* vjp: <J^T w, v> = <w, J v> */
        *got = contract(*got, v);
        if (!(y = quotient(inner, x, v))) return NULL;
        return ml_sum(ml_mul(y, weights_like(y)), NULL);
    case 2: return quotient(inner, x, weights_like(x));
    case 3:
        *got = contract(*got, v);
        return quotient(inner, x, v);
    case 4: /* hessian: H v is the slope of the gradient */
        *got = contract(*got, v);
        return quotient(&grad, x, v);
    default: {
        ml_tensor *rows[2];
        for (int k = 0; k < 2; k++) {
            if (!inner->call(inner, ml_mul(x, ml_number(stretch[k])), &y)) return NULL;
            ml_shape s = { 1, { 1 } };
            for (int d = 0; d < y->shape.n; d++) s.size[s.n++] = y->shape.size[d];
            rows[k] = ml_reshape(y, &(ml_reshape_opts){ s });
        }
        want = ml_cat(rows, 2, NULL);
        return want;
    }
    }
}

static void check_composition(const trial *t, int which, int outer, int inner)
{
    char     name[64];
    function op = { .call = bottom, .t = t, .which = which };
    trial_inputs(t, ML_F64, LAYOUT_CONTIGUOUS, 5, op.fixed);
    ml_tensor *x = op.fixed[which], *v = random_like(x, 3), *got;
    function   in = { .call = inner < 0 ? bottom : transforms[inner].call, .of = &op, .t = t, .which = which };
    if (inner < 0) in = op;
    function   out = { .call = transforms[outer].call, .of = &in };
    snprintf(name, sizeof name, "%s of %s, input %d", transforms[outer].name, inner < 0 ? "the operation" : transforms[inner].name, which + 1);
    if (!expect(out.call(&out, x, &got), "%s: %s", t->label, name)) return;
    expect(!mli_records(got), "%s: %s: the result hangs on a graph that nobody asked for", t->label, name);
    ml_tensor *want = reference(outer, &in, x, v, &got);
    if (!expect(want && got, "%s: %s: reference", t->label, name)) return;
    expect_close(got, want, outer == 5 ? 1e-12 : 3e-6, "%s: %s", t->label, name);
}

static bool fits(const trial *t, int which, int outer, int inner) /* 8 dimensions hold the result */
{
    ml_scope   scope = ml_scope_begin();
    function   op    = { .call = bottom, .t = t, .which = which };
    ml_tensor *y;
    trial_inputs(t, ML_F64, LAYOUT_CONTIGUOUS, 5, op.fixed);
    int n = t->shape[which].n, m = bottom(&op, op.fixed[which], &y) ? y->shape.n : 99;
    for (int step = 0; step < 2; step++) {
        int transform = step == 0 ? inner : outer;
        if (transform < 0) continue;
        switch (transform) {
        case 0: case 1: m = n; break;
        case 2: break;
        case 3: m += n; break;
        case 4: m = 2 * n; break;
        default: m += 1; break;
        }
        if (m + 2 > ML_MAX_DIMS) m = 99;
    }
    ml_scope_end(&scope);
    return m < 99;
}

ParameterizedTestParameters(transform, every_one_of_every_operation) { return groups_where(has_derivative); }
ParameterizedTest(group *g, transform, every_one_of_every_operation)
{
    trial t;
    FOR_EACH_SAMPLE(g, t)
        for (int which = 0; which < t.n_in; which++)
            for (int outer = 0; t.floats[which] && outer < N_TRANSFORMS; outer++)
                if (fits(&t, which, outer, -1)) check_composition(&t, which, outer, -1);
}

ParameterizedTestParameters(transform, every_two_of_every_operation) { return groups_where(has_derivative); }
ParameterizedTest(group *g, transform, every_two_of_every_operation)
{
    trial t;
    FOR_EACH_SAMPLE(g, t)
        for (int which = 0; which < t.n_in; which++)
            for (int outer = 0; t.floats[which] && outer < N_TRANSFORMS; outer++)
                for (int inner = 0; inner < N_TRANSFORMS; inner++)
                    if (fits(&t, which, outer, inner)) check_composition(&t, which, outer, inner);
}

/* --- checkpoints -------------------------------------------------------------------------------------------------------------- */
static bool call_chain(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    int *calls = ctx;
    ++*calls;
    ml_tensor *h = in[0];
    for (int i = 0; i < 3; i++) h = ml_tanh(ml_mul(ml_matmul(in[1], h), ml_number(1.3)));
    out[0] = h;
    return h != NULL;
}

static bool call_checked(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    ml_function f = { call_chain, ctx, 2, 1 };
    if (!ml_checkpoint(&f, in, out)) return false;
    out[0] = ml_sum(ml_square(out[0]), NULL);
    return out[0] != NULL;
}

static bool call_unchecked(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    if (!call_chain(ctx, in, out)) return false;
    out[0] = ml_sum(ml_square(out[0]), NULL);
    return out[0] != NULL;
}

/* What is composed meets a batch with shapes of its own: the product of nothing is 1 there too. */
static bool product(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    (void)ctx;
    return (out[0] = ml_prod(in[0], NULL)) != NULL;
}

Test(transform, of_nothing_in_a_batch)
{
    ml_function f = { product, NULL, 1, 1 };
    ml_tensor  *x = ml_zeros(ML_SHAPE(2, 0), ML_F64), *y;
    expect(ml_vmap(&f, &x, (int[]){ 0 }, &y, NULL), "%s", ml_error_message());
    expect_same(y, ml_ones(ML_SHAPE(2), ML_F64), "products of nothing");
}

Test(transform, a_checkpoint_has_the_same_derivatives)
{
    ml_scope    scope = ml_scope_begin();
    int         calls = 0, calls_too = 0;
    ml_tensor  *in[2] = { ml_randn(ML_SHAPE(3), ML_F64, ml_key_of(1, 1)), ml_randn(ML_SHAPE(3, 3), ML_F64, ml_key_of(2, 1)) };
    ml_function f[2]  = { { call_checked, &calls, 2, 1 }, { call_unchecked, &calls_too, 2, 1 } };
    ml_tensor  *h[2], *g[2][2], *value[2];
    for (int i = 0; i < 2; i++) {
        cr_assert(ml_vjp(&f[i], in, NULL, NULL, &value[i], g[i]), "%s", ml_error_message());
        if (i == 0) cr_expect_eq(calls, 2, "%d calls", calls);
        cr_assert(ml_hessian(&f[i], in, 0, &h[i]), "%s", ml_error_message());
    }
    expect_close(value[0], value[1], 1e-14, "the value");
    for (int k = 0; k < 2; k++) expect_close(g[0][k], g[1][k], 1e-14, "gradient %d", k);
    expect_close(h[0], h[1], 1e-14, "the Hessian");
    ml_scope_end(&scope);
}

/* --- want of memory ------------------------------------------------------------------------------------------------------------- */
static ml_tensor *draw_noise(void *ctx, ml_key key) { return (void)ctx, ml_randn(ML_SHAPE(3), ML_F64, key); }

static bool call_noisy(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    (void)ctx;
    out[0] = ml_tanh(ml_mul(in[0], ml_draw(draw_noise, NULL)));
    return out[0] != NULL;
}

static bool call_noisy_sum(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    ml_function f = { call_noisy, ctx, 1, 1 };
    if (!ml_checkpoint(&f, in, out)) return false;
    out[0] = ml_sum(out[0], NULL);
    return out[0] != NULL;
}

/* Random numbers, a checkpoint and a Hessian-vector product, inside a vmap. */
static ml_tensor *everything(ml_tensor *x)
{
    ml_transform_state was   = ml_transform_save();
    int64_t            level = ml_vmap_begin(ml_tensor_size(x, 0));
    ml_vmap_randomness(level, ML_RANDOM_DIFFERENT);
    ml_function f  = { call_noisy_sum, NULL, 1, 1 };
    ml_tensor  *in = ml_vmap_wrap(level, x, 0), *hv = NULL;
    bool        ok = in && ml_hvp(&f, &in, &in, &hv);
    hv = ok ? ml_vmap_unwrap(level, hv, 0) : NULL;
    ml_transform_restore(was);
    return hv;
}

Test(transform, each_allocation_may_fail)
{
    ml_scope outer = ml_scope_begin();
    ml_seed(3);
    ml_tensor *x = ml_randn(ML_SHAPE(4, 3), ML_F64, ml_key_of(1, 1)), *wanted = everything(x);
    cr_assert(wanted, "%s", ml_error_message());
    size_t live = 0;
    for (int round = 0; round < 2; round++) { /* the first lets the lists grow that stay */
        live = ml_memory().live;
        for (int n = 1;; n++) {
            cr_assert(n < 100000);
            ml_error_clear();
            ml_seed(3);
            ml_scope scope = ml_scope_begin();
            ml_memory_fail_after(n);
            ml_tensor *hv = everything(x);
            ml_memory_fail_after(0);
            cr_expect(ml_recording() && ml_transform_save().n_levels == 0 && !ml_transform_save().recorder, "the state after refusal %d", n);
            if (hv) expect_same(hv, wanted, "after %d refusals", n);
            else cr_expect(strstr(ml_error_message(), "out of memory"), "refusal %d: '%s'", n, ml_error_message());
            bool done = hv != NULL;
            ml_scope_end(&scope);
            if (done) break;
            if (round == 1) cr_expect(ml_memory().live == live, "refusal %d leaks %lld bytes", n, (long long)ml_memory().live - (long long)live);
        }
    }
    ml_scope_end(&outer);
}
