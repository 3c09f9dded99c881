/* Tensors joined: cat along a dimension that they have, stack along a new one. */
#include "ops/op.h"

/* --- cat -------------------------------------------------------------------------------------------------------------------------- */
static bool cat_infer(ml_call *c)
{
    int       dim;
    ml_tensor *first = c->in[0];
    if (first->shape.n == 0) return ml_fail("cat: single numbers have no dimension to join along; reshape them to {1}");
    if (!mli_dim("cat", ((const ml_cat_opts *)c->opts)->dim, first->shape.n, &dim)) return false;
    c->shape           = first->shape;
    c->shape.size[dim] = 0;
    for (int i = 0; i < c->n_in; i++) {
        ml_shape s = c->in[i]->shape;
        if (c->in[i]->dtype != first->dtype)
            return ml_fail("cat: tensor %d is %s, the first is %s; cast one", i + 1, ml_dtype_name((ml_dtype)c->in[i]->dtype), ml_dtype_name((ml_dtype)first->dtype));
        bool fits = s.n == c->shape.n;
        for (int d = 0; fits && d < s.n; d++) fits = d == dim || s.size[d] == c->shape.size[d];
        if (!fits)
            return ml_fail("cat: tensor %d has shape %s, the first %s; they may differ in dimension %d alone", i + 1, ml_shape_text(&s),
                           ml_shape_text(&first->shape), dim + 1);
        c->shape.size[dim] += s.size[dim];
    }
    c->dtype = (ml_dtype)first->dtype;
    return true;
}

static bool cat_forward(ml_call *c)
{
    int     dim;
    int64_t at = 0;
    mli_dim("cat", ((const ml_cat_opts *)c->opts)->dim, c->shape.n, &dim);
    for (int i = 0; i < c->n_in; i++) {
        ml_tensor *x = c->in[i];
        if (ml_tensor_numel(x) && !mli_write(mli_view(c->out, x->shape, c->out->strides, at * c->out->strides[dim]), x)) return false;
        at += x->shape.size[dim];
    }
    return true;
}

static bool cat_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int     dim;
    int64_t at = 0;
    mli_dim("cat", ((const ml_cat_opts *)c->opts)->dim, c->shape.n, &dim);
    for (int i = 0; i < c->n_in; i++) {
        int64_t n = c->in[i]->shape.size[dim];
        if (ml_needs(c, i) && !(dx[i] = ml_slice(dy, &(ml_slice_opts){ .dim = dim, .start = at, .stop = at + n, .step = 1 }))) return false;
        at += n;
    }
    return true;
}

static ml_tensor *cat_vmap(ml_call *c, const bool batched[], int64_t n)
{
    size_t      bytes = (size_t)c->n_in * sizeof(ml_tensor *);
    ml_tensor **in    = ml_block_take(bytes), *y = NULL;
    bool        ok    = in != NULL;
    for (int i = 0; ok && i < c->n_in; i++) {
        in[i] = mli_with_batch(c->in[i], batched[i], n);
        if (in[i] && in[i]->shape.n < 2) in[i] = ml_fail("cat: single numbers have no dimension to join along; reshape them to {1}");
        ok = in[i] != NULL;
    }
    int dim = ((const ml_cat_opts *)c->opts)->dim;
    if (ok && mli_dim_behind(c, dim, in[0]->shape.n - 1, &dim)) y = ml_cat(in, c->n_in, &(ml_cat_opts){ dim });
    if (in) ml_block_give(in, bytes);
    return y;
}

/* --- stack ------------------------------------------------------------------------------------------------------------------ */
static bool stack_infer(ml_call *c)
{
    const ml_tensor *first = c->in[0];
    ml_shape s = first->shape;
    int      dim;
    if (s.n == ML_MAX_DIMS) return ml_fail("stack: %s has %d dimensions already, more are not possible", ml_shape_text(&s), ML_MAX_DIMS);
    if (!mli_dim("stack", ((const ml_stack_opts *)c->opts)->dim, s.n + 1, &dim)) return false;
    for (int i = 1; i < c->n_in; i++) {
        if (c->in[i]->dtype != first->dtype)
            return ml_fail("stack: tensor %d is %s, the first is %s; cast one", i + 1, ml_dtype_name((ml_dtype)c->in[i]->dtype), ml_dtype_name((ml_dtype)first->dtype));
        if (!ml_shape_equal(&c->in[i]->shape, &s))
            return ml_fail("stack: tensor %d has shape %s, the first %s; all must be alike (cat joins others)", i + 1, ml_shape_text(&c->in[i]->shape), ml_shape_text(&s));
    }
    c->shape = (ml_shape){ .n = s.n + 1 };
    for (int d = 0, k = 0; d < c->shape.n; d++) c->shape.size[d] = d == dim ? c->n_in : s.size[k++];
    c->dtype = (ml_dtype)first->dtype;
    return true;
}

static ml_tensor *stack_compose(ml_call *c)
{
    int         dim   = ((const ml_stack_opts *)c->opts)->dim;
    size_t      bytes = (size_t)c->n_in * sizeof(ml_tensor *);
    ml_tensor **in    = ml_block_take(bytes), *y = NULL;
    bool        ok    = in && mli_dim("stack", dim, c->in[0]->shape.n + 1, &dim);
    for (int i = 0; ok && i < c->n_in; i++) ok = (in[i] = ml_unsqueeze(c->in[i], &(ml_unsqueeze_opts){ dim })) != NULL;
    if (ok) y = ml_cat(in, c->n_in, &(ml_cat_opts){ dim });
    if (in) ml_block_give(in, bytes);
    return y;
}

static bool stack_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int dim;
    mli_dim("stack", ((const ml_stack_opts *)c->opts)->dim, c->shape.n, &dim);
    for (int i = 0; i < c->n_in; i++) {
        if (!ml_needs(c, i)) continue;
        ml_tensor *row = ml_slice(dy, &(ml_slice_opts){ .dim = dim, .start = i, .stop = i + 1, .step = 1 });
        if (!(dx[i] = ml_squeeze(row, &(ml_squeeze_opts){ ML_DIMS(dim) }))) return false;
    }
    return true;
}

/* --- samples, operations -------------------------------------------------------------------------------------------------------- */
static const ml_cat_opts   join_1     = { 1 };
static const ml_stack_opts as_columns = { -1 };

static const ml_sample cat_samples[]   = { { .in = { "(2, 3)", "(1, 3)" } }, { .in = { "(2, 3)", "(2, 1)", "(2, 2)" }, .opts = &join_1 }, { 0 } };
static const ml_sample stack_samples[] = { { .in = { "(2, 3)", "(2, 3)" } }, { .in = { "(3)", "(3)", "(3)" }, .opts = &as_columns }, { .in = { "()", "()" } }, { 0 } };

const ml_op ml_op_cat   = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = cat_infer, .forward = cat_forward, .vjp = cat_vjp, .vmap = cat_vmap, .samples = cat_samples };
const ml_op ml_op_stack = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .infer = stack_infer, .compose = stack_compose, .vjp = stack_vjp, .samples = stack_samples };
