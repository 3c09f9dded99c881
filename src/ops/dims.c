/* Other lists of dimensions for the same values: one moved, those of size 1 left out, one more, several as one.
 * Views, except for a flatten that must copy. */
#include "ops/op.h"

#include <string.h>

static bool view(ml_call *c, const int64_t *strides)
{
    c->out = mli_view(c->in[0], c->shape, strides, c->in[0]->offset);
    return c->out != NULL;
}

/* Of all but movedim: the adjoint gives the values their old dimensions back. */
static bool old_shape_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_reshape(dy, &(ml_reshape_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

/* --- movedim ------------------------------------------------------------------------------------------------------------- */
/* Result dimension d is input dimension order[d]. */
static bool movedim_order(ml_call *c, int order[ML_MAX_DIMS])
{
    const ml_movedim_opts *o = c->opts;
    int n = c->in[0]->shape.n, from, to;
    if (!mli_own_dim("movedim", o->source, n, &from) || !mli_own_dim("movedim", o->destination, n, &to)) return false;
    for (int d = 0, next = 0; d < n; d++) {
        if (next == from) next++;
        order[d] = d == to ? from : next++;
    }
    return true;
}

static bool movedim_infer(ml_call *c)
{
    int order[ML_MAX_DIMS];
    if (!movedim_order(c, order)) return false;
    c->shape.n = c->in[0]->shape.n;
    for (int d = 0; d < c->shape.n; d++) c->shape.size[d] = c->in[0]->shape.size[order[d]];
    return true;
}

static bool movedim_forward(ml_call *c)
{
    int     order[ML_MAX_DIMS];
    int64_t strides[ML_MAX_DIMS];
    movedim_order(c, order);
    for (int d = 0; d < c->shape.n; d++) strides[d] = c->in[0]->strides[order[d]];
    return view(c, strides);
}

static bool movedim_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_movedim_opts *o = c->opts;
    dx[0] = ml_movedim(dy, &(ml_movedim_opts){ .source = o->destination, .destination = o->source });
    return dx[0] != NULL;
}

static ml_tensor *movedim_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    const ml_movedim_opts *o = c->opts;
    ml_movedim_opts moved;
    int one = c->in[0]->shape.n - 1;
    if (!mli_dim_behind(c, o->source, one, &moved.source) || !mli_dim_behind(c, o->destination, one, &moved.destination)) return NULL;
    return ml_movedim(c->in[0], &moved);
}

/* --- squeeze, unsqueeze ----------------------------------------------------------------------------------------------------- */
/* Marks what goes: the dimensions named, or all, where their size is 1. */
static bool squeezed(ml_call *c, bool gone[ML_MAX_DIMS])
{
    const ml_shape *s = &c->in[0]->shape;
    if (!mli_dims_mask("squeeze", &((const ml_squeeze_opts *)c->opts)->dims, s->n, gone)) return false;
    for (int d = 0; d < s->n; d++) gone[d] &= s->size[d] == 1;
    return true;
}

static bool squeeze_infer(ml_call *c)
{
    bool gone[ML_MAX_DIMS];
    if (!squeezed(c, gone)) return false;
    c->shape = ML_SCALAR;
    for (int d = 0; d < c->in[0]->shape.n; d++)
        if (!gone[d]) c->shape.size[c->shape.n++] = c->in[0]->shape.size[d];
    return true;
}

static bool squeeze_forward(ml_call *c)
{
    bool    gone[ML_MAX_DIMS];
    int64_t strides[ML_MAX_DIMS];
    squeezed(c, gone);
    for (int d = 0, k = 0; d < c->in[0]->shape.n; d++)
        if (!gone[d]) strides[k++] = c->in[0]->strides[d];
    return view(c, strides);
}

static ml_tensor *squeeze_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    const ml_dims *given = &((const ml_squeeze_opts *)c->opts)->dims;
    ml_shape       s     = c->in[0]->shape;
    ml_dims        dims  = { .n = given->n };
    for (int i = 0, d; i < given->n; i++) {
        if (!mli_dim("squeeze", given->at[i], s.n - 1, &d)) return NULL;
        dims.at[i] = s.n == 1 ? 0 : d + 1; /* of a single number: the batch, which is given twice or stays */
    }
    if (given->n == 0)
        for (int d = 1; d < s.n; d++)
            if (s.size[d] == 1) dims.at[dims.n++] = d;
    return dims.n == 0 || s.n == 1 ? c->in[0] : ml_squeeze(c->in[0], &(ml_squeeze_opts){ dims });
}

static bool unsqueeze_at(ml_call *c, int *dim)
{
    const ml_shape *s = &c->in[0]->shape;
    if (s->n == ML_MAX_DIMS) return ml_fail("unsqueeze: %s has %d dimensions already, more are not possible", ml_shape_text(s), ML_MAX_DIMS);
    return mli_dim("unsqueeze", ((const ml_unsqueeze_opts *)c->opts)->dim, s->n + 1, dim);
}

static bool unsqueeze_infer(ml_call *c)
{
    int dim;
    if (!unsqueeze_at(c, &dim)) return false;
    c->shape = (ml_shape){ .n = c->in[0]->shape.n + 1 };
    for (int d = 0, k = 0; d < c->shape.n; d++) c->shape.size[d] = d == dim ? 1 : c->in[0]->shape.size[k++];
    return true;
}

static bool unsqueeze_forward(ml_call *c)
{
    int     dim;
    int64_t strides[ML_MAX_DIMS];
    unsqueeze_at(c, &dim);
    for (int d = 0, k = 0; d < c->shape.n; d++) strides[d] = d == dim ? 1 : c->in[0]->strides[k++];
    return view(c, strides);
}

static ml_tensor *unsqueeze_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_unsqueeze_opts o;
    if (!mli_dim_behind(c, ((const ml_unsqueeze_opts *)c->opts)->dim, c->in[0]->shape.n, &o.dim)) return NULL;
    return ml_unsqueeze(c->in[0], &o);
}

/* --- flatten --------------------------------------------------------------------------------------------------------------- */
static bool flatten_infer(ml_call *c)
{
    const ml_flatten_opts *o = c->opts;
    const ml_shape        *s = &c->in[0]->shape;
    int first, last;
    if (!mli_dim("flatten", o->start_dim, s->n, &first) || !mli_dim("flatten", o->end_dim, s->n, &last)) return false;
    if (first > last) return ml_fail("flatten: start_dim %d comes after end_dim %d", first + 1, last + 1);
    c->shape = (ml_shape){ .n = first + 1, .size = { 1 } };
    memcpy(c->shape.size, s->size, (size_t)first * sizeof *s->size);
    c->shape.size[first] = 1;
    for (int d = first; d < s->n; d++) {
        if (d <= last) c->shape.size[first] *= s->size[d];
        else c->shape.size[c->shape.n++] = s->size[d];
    }
    return true;
}

static ml_tensor *flatten_compose(ml_call *c)
{
    return ml_reshape(c->in[0], &(ml_reshape_opts){ c->shape });
}

static ml_tensor *flatten_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    const ml_flatten_opts *o = c->opts;
    int first, last, one = c->in[0]->shape.n - 1;
    if (!mli_dim("flatten", o->start_dim, one, &first) || !mli_dim("flatten", o->end_dim, one, &last)) return NULL;
    if (one == 0) return ml_unsqueeze(c->in[0], &(ml_unsqueeze_opts){ 1 });
    return ml_flatten(c->in[0], &(ml_flatten_opts){ first + 1, last + 1 });
}

/* --- samples, operations -------------------------------------------------------------------------------------------------------- */
static const ml_movedim_opts   last_first = { -1, 0 }, second_last = { 1, 2 };
static const ml_squeeze_opts   second     = { { 1, { 1 } } };
static const ml_unsqueeze_opts at_end     = { -1 }, inside = { 1 };
static const ml_flatten_opts   inner_two  = { 1, -1 };

static const ml_sample movedim_samples[]   = { { .in = { "(2, 3, 4)" }, .opts = &last_first }, { .in = { "(2, 3, 2)" }, .opts = &second_last }, { 0 } };
static const ml_sample squeeze_samples[]   = { { .in = { "(1, 3, 1)" } }, { .in = { "(1, 1, 2)" }, .opts = &second }, { .in = { "(2, 3)" } }, { 0 } };
static const ml_sample unsqueeze_samples[] = { { .in = { "(2, 3)" }, .opts = &at_end }, { .in = { "(3, 2)" }, .opts = &inside }, { .in = { "()" } }, { 0 } };
static const ml_sample flatten_samples[]   = { { .in = { "(2, 3, 2)" } }, { .in = { "(2, 3, 2)" }, .opts = &inner_two }, { .in = { "()" } }, { 0 } };

const ml_op ml_op_movedim   = { .kind = ML_LINEAR, .flags = ML_VIEW | ML_NO_PROMOTE, .infer = movedim_infer, .forward = movedim_forward, .vjp = movedim_vjp, .vmap = movedim_vmap, .samples = movedim_samples };
const ml_op ml_op_squeeze   = { .kind = ML_LINEAR, .flags = ML_VIEW | ML_NO_PROMOTE, .infer = squeeze_infer, .forward = squeeze_forward, .vjp = old_shape_vjp, .vmap = squeeze_vmap, .samples = squeeze_samples };
const ml_op ml_op_unsqueeze = { .kind = ML_LINEAR, .flags = ML_VIEW | ML_NO_PROMOTE, .infer = unsqueeze_infer, .forward = unsqueeze_forward, .vjp = old_shape_vjp, .vmap = unsqueeze_vmap, .samples = unsqueeze_samples };
const ml_op ml_op_flatten   = { .kind = ML_LINEAR, .flags = ML_VIEW | ML_NO_PROMOTE, .infer = flatten_infer, .compose = flatten_compose, .vjp = old_shape_vjp, .vmap = flatten_vmap, .samples = flatten_samples };
