/* vmap: a function of one, run on a batch at once.
 *
 * Inside it a tensor may stand for one of a batch: its inner tensor has the batch as a hidden first dimension, and what the
 * function sees is the rest. An operation with such an input is handled here before anything is computed or recorded:
 * the highest level among its inputs is taken off, its rule runs ordinary operations on the inner tensors, the result is put
 * back. These operations may have inputs of lower levels (vmap inside vmap), and they are recorded like any other (a
 * gradient of a vmap, and a vmap of a gradient): nothing else in the engine knows of batches. */
#include "autograd/node.h"
#include "moonlab/transform.h"

#include <string.h>

/* --- into a level and out of it -------------------------------------------------------------------------------------- */
static ml_tensor *batch_first(ml_tensor *x, int dim)
{
    ml_dims order = { .n = x->shape.n };
    order.at[0]   = dim;
    for (int d = 0, k = 1; d < x->shape.n; d++)
        if (d != dim) order.at[k++] = d;
    return dim == 0 ? x : ml_permute(x, &(ml_permute_opts){ order });
}

ml_tensor *ml_vmap_wrap(int64_t level, ml_tensor *x, int dim)
{
    int     d;
    int64_t n = mli_level_size(level);
    if (!x || n < 0) return NULL;
    if (x->shape.n == 0) return ml_fail("vmap: a single number has no dimension to map over; give it ML_WHOLE (nil in Lua)");
    if (!mli_dim("vmap", dim, x->shape.n, &d)) return NULL;
    if (x->shape.size[d] != n)
        return ml_fail("vmap: sizes differ: dimension %d of %s has %lld, another input %lld", d + 1, ml_shape_text(&x->shape),
                       (long long)x->shape.size[d], (long long)n);
    return mli_batched_new(batch_first(x, d), level);
}

static ml_tensor *repeated(ml_tensor *x, int64_t n) /* (s...) -> (n, s...), without a copy */
{
    if (x->shape.n == ML_MAX_DIMS) return ml_fail("vmap: %s has no room for the batch, at most %d dimensions are possible", ml_shape_text(&x->shape), ML_MAX_DIMS);
    ml_shape s = { x->shape.n + 1, { n } };
    memcpy(s.size + 1, x->shape.size, (size_t)x->shape.n * sizeof *s.size);
    return ml_expand(x, &(ml_expand_opts){ s });
}

ml_tensor *ml_vmap_unwrap(int64_t level, ml_tensor *y, int dim)
{
    int64_t n = mli_level_size(level);
    if (!y || n < 0) return NULL;
    if (y->inner && y->level > level) return mli_level_size(y->level), NULL; /* an inner one, which has ended */
    ml_tensor *inner = y->inner && y->level == level ? y->inner : repeated(y, n);
    int        d;
    if (!inner || !mli_dim("vmap", dim, inner->shape.n, &d)) return NULL;
    if (d == 0) return inner == y->inner ? ml_reshape(inner, &(ml_reshape_opts){ inner->shape }) : inner; /* a result of the scope */
    ml_dims order = { .n = inner->shape.n };
    for (int i = 0, k = 1; i < order.n; i++) order.at[i] = i == d ? 0 : k++;
    return ml_permute(inner, &(ml_permute_opts){ order });
}

static ml_tensor *swap_first_two(ml_tensor *x) { return ml_transpose(x, &(ml_transpose_opts){ 0, 1 }); }

ml_tensor *mli_take_batch(ml_tensor *x, int64_t level, int64_t n)
{
    if (!x) return NULL;
    if (!x->inner || x->level < level) return repeated(x, n);
    if (x->level == level) return x->inner;
    return mli_batched_new(swap_first_two(mli_take_batch(x->inner, level, n)), x->level); /* (n, N, s) -> (N, n, s) */
}

ml_tensor *mli_give_batch(ml_tensor *x, int64_t level)
{
    if (!x) return NULL;
    if (!x->inner || x->level < level) return mli_batched_new(x, level);
    return mli_batched_new(mli_give_batch(swap_first_two(x->inner), level), x->level); /* (N, n, s) -> (n, N, s) */
}

static bool is_part_of(const ml_tensor *x, int64_t level)
{
    while (x->inner && x->level != level) x = x->inner;
    return x->inner;
}

ml_tensor *mli_one_for_each(ml_tensor *x)
{
    for (int64_t l = mli_level_above(0); x && l; l = mli_level_above(l))
        if (!is_part_of(x, l)) x = mli_give_batch(mli_take_batch(x, l, mli_level_size(l)), l);
    return x;
}

/* --- the rules ---------------------------------------------------------------------------------------------------------- */
/* A pointwise operation: the batch first, ones where an input has fewer dimensions than another. */
ml_tensor *mli_pointwise_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)n;
    ml_tensor *in[ML_MAX_IN];
    int        rank = 0;
    for (int i = 0; i < c->n_in; i++) {
        int own = c->in[i]->shape.n - batched[i];
        if (own > rank) rank = own;
    }
    for (int i = 0; i < c->n_in; i++) in[i] = batched[i] ? mli_pad_dims(c->in[i], 1, rank) : c->in[i];
    return ml_op_apply(c->id, in, c->n_in, c->opts);
}

ml_tensor *mli_pad_dims(ml_tensor *x, int leading, int rank)
{
    int missing = rank - (x->shape.n - leading);
    if (missing <= 0) return x;
    ml_shape s = { leading, { 0 } };
    for (int d = 0; d < leading; d++) s.size[d] = x->shape.size[d];
    for (int d = 0; d < missing; d++) s.size[s.n++] = 1;
    for (int d = leading; d < x->shape.n; d++) s.size[s.n++] = x->shape.size[d];
    return ml_reshape(x, &(ml_reshape_opts){ s });
}

ml_tensor *mli_with_batch(ml_tensor *x, bool batched, int64_t n)
{
    return batched ? x : repeated(x, n);
}

/* One after the other: for an operation without a rule. Slow, but it never fails where the operation itself would not. */
static ml_tensor *loop(ml_call *c, const bool batched[], int64_t n)
{
    if (c->n_in > ML_MAX_IN) return ml_fail("%s: has no rule for vmap", ml_op_info_at(c->id)->name);
    if (n == 0) return ml_fail("%s: inside vmap over nothing", ml_op_info_at(c->id)->name);
    ml_tensor *sum = NULL;
    for (int64_t i = 0; i < n; i++) {
        ml_tensor *one[ML_MAX_IN];
        for (int k = 0; k < c->n_in; k++) {
            one[k] = c->in[k];
            if (!batched[k]) continue;
            ml_shape s = { c->in[k]->shape.n - 1, { 0 } };
            memcpy(s.size, c->in[k]->shape.size + 1, (size_t)s.n * sizeof *s.size);
            one[k] = ml_reshape(ml_slice(c->in[k], &(ml_slice_opts){ 0, i, i + 1, 1 }), &(ml_reshape_opts){ s });
        }
        ml_tensor *y = ml_op_apply(c->id, one, c->n_in, c->opts);
        if (!y || !(y = repeated(y, 1))) return NULL;
        sum = sum ? ml_cat((ml_tensor *[]){ sum, y }, 2, NULL) : y;
        if (!sum) return NULL;
    }
    return sum;
}

ml_tensor *mli_apply_batched(ml_call *c)
{
    int64_t level = 0;
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i]->inner && c->in[i]->level > level) level = c->in[i]->level;
    int64_t n = mli_level_size(level);
    if (n < 0) return NULL;
    const ml_op *op = c->op;
    if (!op->vmap && op->kind != ML_POINTWISE && op->compose) { /* its operations come back here one by one */
        c->dtype = (ml_dtype)c->in[c->n_in - 1]->dtype;
        return op->infer(c) ? op->compose(c) : NULL;
    }

    size_t      bytes = (size_t)c->n_in * (sizeof(ml_tensor *) + sizeof(bool));
    ml_tensor **in    = ml_block_take(bytes);
    if (!in) return NULL;
    bool *batched = (bool *)(in + c->n_in);
    for (int i = 0; i < c->n_in; i++) {
        batched[i] = c->in[i]->inner && c->in[i]->level == level;
        in[i]      = batched[i] ? c->in[i]->inner : c->in[i];
    }
    ml_call    inner = { .op = op, .id = c->id, .n_in = c->n_in, .in = in, .opts = c->opts };
    ml_tensor *y     = op->vmap ? op->vmap(&inner, batched, n) : op->kind == ML_POINTWISE ? mli_pointwise_vmap(&inner, batched, n) : loop(&inner, batched, n);
    ml_block_give(in, bytes);
    return y ? mli_batched_new(y, level) : NULL;
}

/* --- vmap of a function --------------------------------------------------------------------------------------------------- */
bool ml_vmap(const ml_function *f, ml_tensor *const *in, const int *in_dims, ml_tensor **out, const int *out_dims)
{
    int64_t size = -1;
    for (int i = 0; i < f->n_in; i++) {
        if (!in[i]) return false;
        int d;
        if (in_dims[i] == ML_WHOLE || size >= 0) continue;
        if (in[i]->shape.n == 0 || !mli_dim("vmap", in_dims[i], in[i]->shape.n, &d))
            return ml_fail("vmap: input %d, shape %s, has no dimension %d", i + 1, ml_shape_text(&in[i]->shape), in_dims[i] + 1);
        size = in[i]->shape.size[d];
    }
    if (size < 0) return ml_fail("vmap: no input is mapped over; give at least one a dimension");
    ml_tensor **wrapped = ml_block_take((size_t)f->n_in * sizeof *wrapped);
    int64_t     level   = wrapped ? ml_vmap_begin(size) : 0;
    bool        ok      = level > 0;
    for (int i = 0; ok && i < f->n_in; i++) {
        wrapped[i] = in_dims[i] == ML_WHOLE ? in[i] : ml_vmap_wrap(level, in[i], in_dims[i]);
        ok         = wrapped[i] != NULL;
    }
    ok = ok && f->call(f->ctx, wrapped, out);
    for (int i = 0; ok && i < f->n_out; i++) {
        out[i] = ml_vmap_unwrap(level, out[i], out_dims ? out_dims[i] : 0);
        ok     = out[i] != NULL;
    }
    if (level) ml_vmap_end(level);
    ml_block_give(wrapped, (size_t)f->n_in * sizeof *wrapped);
    return ok;
}
