/* x[...] in two steps: what positions and ranges cut out, which is a view, and of that what tensors pick. A mask counts as
 * one tensor over the dimensions that it covers, which are merged for reading; for writing each tensor becomes a list of
 * offsets in memory, so no dimension needs to be merged and any strides will do. */
#include "moonlab/index.h"

#include "autograd/node.h"

#include <string.h>

typedef struct {
    ml_tensor *t;
    int        dim, n_dims; /* the dimensions of the view that it is over */
    int        base;
} picker;

typedef struct {
    const char *what;    /* "index" or "assign" */
    ml_tensor  *view;    /* after positions and ranges */
    int         n;       /* of the tensors */
    picker      by[ML_MAX_DIMS];
    int         place;   /* how many of the view's dimensions come before theirs in the result */
    ml_shape    shared;  /* what they broadcast to */
} selection;

static bool is_mask(const ml_tensor *t) { return t->dtype == ML_BOOL; }

static int dims_of(const ml_pick *p) { return p->tensor && is_mask(p->tensor) ? p->tensor->shape.n : 1; }

static bool check_count(const char *what, const ml_tensor *x, const ml_pick *picks, int n)
{
    int all = 0;
    for (int i = 0; i < n; i++) all += dims_of(&picks[i]) ? dims_of(&picks[i]) : 1;
    return all <= x->shape.n || ml_fail("%s: %d positions for a tensor of shape %s", what, all, ml_shape_text(&x->shape));
}

/* --- what a tensor picks from -------------------------------------------------------------------------------------------- */
static bool check_mask(const char *what, const ml_tensor *x, const ml_tensor *mask, int dim)
{
    if (!mask->inner && !mli_has_values(what, mask)) return false; /* what waits inside fuse is computed */
    if (mask->inner)
        return ml_fail("%s: inside vmap a mask differs from one of the batch to the next, and with it the number of results; "
                       "where(mask, x, 0) keeps the shape", what);
    if (mask->shape.n == 0) return ml_fail("%s: a single boolean is no mask; a mask has the first dimensions of what it picks from", what);
    for (int d = 0; d < mask->shape.n; d++)
        if (mask->shape.size[d] != x->shape.size[dim + d])
            return ml_fail("%s: a mask of shape %s does not fit dimension %d of a tensor of shape %s, from dimension %d on", what,
                           ml_shape_text(&mask->shape), dim + d + 1, ml_shape_text(&x->shape), dim + 1);
    return true;
}

/* Positions with those from the end counted from the start; checked, but inside vmap, where the operations check them. */
static ml_tensor *check_ids(const char *what, const ml_tensor *x, ml_tensor *ids, int dim, int base)
{
    int64_t size = x->shape.size[dim];
    if (ids->dtype != ML_I64 && ids->dtype != ML_U8)
        return ml_fail("%s: a tensor of positions must be i64, a mask bool; got %s", what, ml_dtype_name((ml_dtype)ids->dtype));
    if (ids->inner) return ids;
    ids = ids->dtype == ML_I64 ? mli_contiguous(ids) : ml_cast(ids, &(ml_cast_opts){ ML_I64 });
    if (!ids) return NULL;
    const int64_t *at = mli_data(ids);
    int64_t       *to = NULL;
    for (int64_t i = 0, n = ml_tensor_numel(ids); i < n; i++) {
        if (at[i] >= base && at[i] < base + size) continue;
        if (at[i] >= 0 || at[i] < -size)
            return ml_fail("%s: positions in dimension %d of a tensor of shape %s must be %d..%lld, or from -1 at the end; found %lld%s", what,
                           dim + 1, ml_shape_text(&x->shape), base, (long long)(size - 1 + base), (long long)at[i],
                           at[i] == 0 && base == 1 && size > 0 ? " (add 1)" : "");
        if (!to) {
            if (!(ids = ml_clone(ids))) return NULL;
            at = to = mli_data(ids);
        }
        to[i] += size + base;
    }
    return ids;
}

/* --- positions and ranges: the view --------------------------------------------------------------------------------------- */
static bool cut(selection *s, ml_tensor *x, const ml_pick *picks, int n)
{
    ml_dims gone = { 0 };
    bool    apart = false, in_group = false, any = false; /* is something whole between two that pick single places? */
    int     dim = 0, kept = 0;
    s->view = x;
    for (int i = 0; i < n; i++) {
        const ml_pick *p    = &picks[i];
        bool           pick = p->one || p->tensor;
        apart |= pick && any && !in_group;
        if (pick && !any) s->place = kept;
        any |= pick;
        in_group = pick;
        if (p->tensor) {
            if (is_mask(p->tensor) ? !check_mask(s->what, x, p->tensor, dim) : !(s->by[s->n].t = check_ids(s->what, x, p->tensor, dim, p->base))) return false;
            if (is_mask(p->tensor)) s->by[s->n].t = p->tensor;
            s->by[s->n].dim    = kept;
            s->by[s->n].base   = is_mask(p->tensor) ? 0 : p->base;
            s->by[s->n].n_dims = dims_of(p);
            s->n++;
        } else if (p->one) {
            int64_t size = x->shape.size[dim], at = p->start < 0 ? p->start + size : p->start;
            if (at < 0 || at >= size)
                return ml_fail("%s: position %lld does not exist in dimension %d of a tensor of shape %s", s->what, (long long)p->start, dim + 1, ml_shape_text(&x->shape));
            s->view = ml_slice(s->view, &(ml_slice_opts){ .dim = dim, .start = at, .stop = at + 1, .step = 1 });
            gone.at[gone.n++] = dim;
        } else if (p->start != 0 || p->step != 1 || (p->stop < x->shape.size[dim])) {
            s->view = ml_slice(s->view, &(ml_slice_opts){ .dim = dim, .start = p->start, .stop = p->stop, .step = p->step });
        }
        if (!s->view) return false;
        if (!p->one) kept += dims_of(p);
        dim += dims_of(p);
    }
    if (apart) s->place = 0;
    if (gone.n) s->view = ml_squeeze(s->view, &(ml_squeeze_opts){ gone });
    return s->view != NULL;
}

/* Masks become positions: for reading in the merged dimension, for writing offsets in memory. Then the shape of all together. */
static bool meet(selection *s, bool as_offsets)
{
    for (int i = 0; i < s->n; i++) {
        picker *p = &s->by[i];
        if (is_mask(p->t) && !(p->t = mli_true_offsets(p->t, as_offsets ? s->view->strides + p->dim : NULL))) return false;
        if (i == 0) s->shared = p->t->shape;
        else if (!ml_shape_broadcast(&s->shared, &p->t->shape, &s->shared))
            return ml_fail("%s: tensors of positions pick together, but %s and %s do not broadcast; for every combination give one of them a "
                           "dimension of 1", s->what, ml_shape_text(&s->shared), ml_shape_text(&p->t->shape));
    }
    return true;
}

/* --- reading --------------------------------------------------------------------------------------------------------------- */
/* The dimensions from `from` on, n of them, moved to start at `to`. */
static ml_tensor *move_group(ml_tensor *y, int from, int n, int to)
{
    ml_dims order = { .n = y ? y->shape.n : 0 };
    if (!y || from == to || n == 0) return y;
    for (int d = 0, next = 0; d < order.n; d++) {
        if (next == from) next += n;
        order.at[d] = d >= to && d < to + n ? from + d - to : next++;
    }
    return ml_permute(y, &(ml_permute_opts){ order });
}

/* One position in all the tensors' dimensions merged: ((i1 - base) n2 + i2 - base) n3 + ... */
static ml_tensor *merged_positions(const selection *s, const ml_shape *merged)
{
    ml_tensor *at = NULL;
    for (int i = 0; i < s->n; i++) {
        ml_tensor *ids = s->by[i].base ? ml_sub(s->by[i].t, ml_number(s->by[i].base)) : s->by[i].t;
        at = at ? ml_add(ml_mul(at, ml_number((double)merged->size[i])), ids) : ids;
    }
    return at;
}

static ml_tensor *read_selection(selection *s)
{
    ml_tensor *x = s->view;
    if (!meet(s, false)) return NULL;
    int merged = 0; /* a mask's dimensions become one, which moves what is behind them */
    for (int i = 0; i < s->n; i++) {
        picker *p = &s->by[i];
        p->dim -= merged;
        if (p->n_dims > 1) x = ml_flatten(x, &(ml_flatten_opts){ p->dim, p->dim + p->n_dims - 1 });
        merged += p->n_dims - 1;
    }
    if (!x) return NULL;
    if (s->n == 1) {
        ml_tensor *y = ml_index_select(x, s->by[0].t, &(ml_index_select_opts){ .dim = s->by[0].dim, .base = s->by[0].base });
        return move_group(y, s->by[0].dim, s->shared.n, s->place);
    }
    ml_dims  order = { .n = x->shape.n };
    ml_shape sizes = { .n = s->n };
    int      k     = s->n;
    for (int i = 0; i < s->n; i++) {
        order.at[i]   = s->by[i].dim;
        sizes.size[i] = x->shape.size[s->by[i].dim];
    }
    for (int d = 0; d < x->shape.n; d++) {
        bool picked = false;
        for (int i = 0; i < s->n; i++) picked |= s->by[i].dim == d;
        if (!picked) order.at[k++] = d;
    }
    x = ml_flatten(ml_permute(x, &(ml_permute_opts){ order }), &(ml_flatten_opts){ 0, s->n - 1 });
    return move_group(ml_embedding(x, merged_positions(s, &sizes), NULL), 0, s->shared.n, s->place);
}

ml_tensor *ml_index(ml_tensor *x, const ml_pick *picks, int n)
{
    if (!x) return NULL;
    ml_scope   scope = ml_scope_begin();
    selection  s     = { .what = "index" };
    ml_tensor *y     = NULL;
    if (check_count(s.what, x, picks, n) && cut(&s, x, picks, n)) {
        y = s.n ? read_selection(&s) : s.view;
        if (y == x) y = ml_reshape(x, &(ml_reshape_opts){ x->shape }); /* x[{}]: a view all the same */
    }
    return ml_scope_return(&scope, y);
}

/* --- writing ---------------------------------------------------------------------------------------------------------------- */
static bool may_change(const ml_tensor *x, const ml_tensor *value)
{
    if (!ml_tensor_is_leaf(x)) return ml_fail("assign: this tensor is the result of a recorded operation, which a change would falsify; change x:clone()");
    if (mli_records(x) && ml_recording()) return ml_fail("assign: this tensor requires a gradient; change it inside ml.no_grad");
    if (mli_records(value) && ml_recording()) return ml_fail("assign: the value is recorded and its gradient would be lost; assign x:detach()");
    return true;
}

/* The value seen in another shape, without a copy. */
static ml_tensor *stretched(ml_tensor *value, const ml_shape *shape)
{
    ml_shape all;
    if (!ml_shape_broadcast(&value->shape, shape, &all) || !ml_shape_equal(&all, shape))
        return ml_fail("assign: a value of shape %s does not fit into a place of shape %s", ml_shape_text(&value->shape), ml_shape_text(shape));
    return ml_expand(ml_detach(value), &(ml_expand_opts){ *shape });
}

/* Where in memory each place begins, from the view's first value on: i64 of the shape that the tensors share. */
static ml_tensor *offsets_of(const selection *s, const bool masks[ML_MAX_DIMS])
{
    ml_tensor *sum = NULL;
    for (int i = 0; i < s->n; i++) {
        const picker *p  = &s->by[i];
        ml_tensor    *at = p->t;
        if (!masks[i]) at = ml_mul(p->base ? ml_sub(at, ml_number(p->base)) : at, ml_number((double)s->view->strides[p->dim]));
        sum = sum ? ml_add(sum, at) : at;
        if (!sum) return NULL;
    }
    return mli_contiguous(sum);
}

#define WRITE_EACH(T)                                                                                          \
    for (int64_t i = 0; i < n; i++) ((T *)to)[at[i]] = ((const T *)from)[i * each];

/* values (n, rest) to the n places at: rows of the view's other dimensions; each = 0 writes the same row everywhere. */
static void write_places(int64_t n, const int64_t *at, const ml_shape *rest, const int64_t *strides, size_t width, const void *from, int64_t each, void *to)
{
    if (ml_shape_numel(rest) == 1) {
        if (width == 4) WRITE_EACH(uint32_t)
        else if (width == 8) WRITE_EACH(uint64_t)
        else WRITE_EACH(uint8_t)
        return;
    }
    for (int64_t i = 0; i < n; i++)
        mli_scatter(rest, strides, width, (const char *)from + i * each * (int64_t)width, (char *)to + at[i] * (int64_t)width);
}

/* A copy of the value in rows: (places, rest), or one row when it is a single number. */
static ml_tensor *value_rows(ml_tensor *value, const selection *s, const ml_shape *rest, ml_dtype dtype)
{
    ml_shape shape = ML_SCALAR, rows = *rest;
    for (int d = 0; d < rest->n + s->shared.n; d++) {
        int k = d - s->place;
        shape.size[shape.n++] = k < 0 ? rest->size[d] : k < s->shared.n ? s->shared.size[k] : rest->size[d - s->shared.n];
    }
    bool       single = ml_tensor_numel(value) == 1;
    ml_tensor *v      = stretched(value, &shape);
    if (v && single) v = ml_expand(ml_reshape(ml_detach(value), &(ml_reshape_opts){ ML_SCALAR }), &(ml_expand_opts){ rows });
    else v = move_group(v, s->place, s->shared.n, 0);
    ml_tensor *copy = v ? ml_empty(v->shape, dtype) : NULL;
    if (copy) mli_strided_copy(v, dtype, mli_data(copy));
    return copy;
}

static bool write_selection(selection *s, ml_tensor *value)
{
    bool     masks[ML_MAX_DIMS], picked[ML_MAX_DIMS] = { false };
    ml_shape rest = ML_SCALAR;
    int64_t  strides[ML_MAX_DIMS];
    for (int i = 0; i < s->n; i++) {
        masks[i] = is_mask(s->by[i].t);
        for (int d = 0; d < s->by[i].n_dims; d++) picked[s->by[i].dim + d] = true;
    }
    for (int d = 0; d < s->view->shape.n; d++) {
        if (picked[d]) continue;
        strides[rest.n]          = s->view->strides[d];
        rest.size[rest.n++] = s->view->shape.size[d];
    }
    if (!meet(s, true)) return false;
    if (rest.n + s->shared.n > ML_MAX_DIMS) return ml_fail("assign: the place has more than %d dimensions", ML_MAX_DIMS);
    ml_dtype   dtype = (ml_dtype)s->view->dtype;
    ml_tensor *rows = value_rows(value, s, &rest, dtype), *at = rows ? offsets_of(s, masks) : NULL;
    if (!at) return false;
    int64_t n = ml_shape_numel(&s->shared), each = ml_shape_numel(&rest);
    if (n == 0 || each == 0) return true;
    at = ml_shape_equal(&at->shape, &s->shared) ? at : mli_contiguous(ml_expand(at, &(ml_expand_opts){ s->shared }));
    if (!at) return false;
    write_places(n, mli_data(at), &rest, strides, ml_dtype_bytes(dtype), mli_data(rows), ml_tensor_numel(value) == 1 ? 0 : each, mli_data(s->view));
    s->view->storage->version++;
    return true;
}

static bool assign(ml_tensor *x, const ml_pick *picks, int n, ml_tensor *value);

/* Inside vmap: of each of the batch, with its own positions and value where they have the batch too. */
static ml_tensor *of_one(ml_tensor *t, int64_t level, int64_t i)
{
    if (!t || !t->inner || t->level != level) return t;
    return ml_squeeze(ml_slice(t->inner, &(ml_slice_opts){ 0, i, i + 1, 1 }), &(ml_squeeze_opts){ ML_DIMS(0) });
}

static bool assign_to_each(ml_tensor *x, const ml_pick *picks, int n, ml_tensor *value)
{
    bool ok = x->inner->inner || mli_each_once("assign", x->inner);
    for (int64_t i = 0; ok && i < x->inner->shape.size[0]; i++) {
        ml_pick  own[ML_MAX_DIMS];
        ml_scope scope = ml_scope_begin();
        for (int k = 0; ok && k < n; k++) {
            own[k]        = picks[k];
            own[k].tensor = of_one(picks[k].tensor, x->level, i);
            ok            = own[k].tensor || !picks[k].tensor;
        }
        ml_tensor *to = of_one(x, x->level, i), *from = of_one(value, x->level, i);
        ok            = ok && to && from && assign(to, own, n, from);
        ml_scope_end(&scope);
    }
    return ok;
}

static bool assign(ml_tensor *x, const ml_pick *picks, int n, ml_tensor *value)
{
    selection s = { .what = "assign" };
    if (!check_count(s.what, x, picks, n)) return false;
    if (x->inner) return assign_to_each(x, picks, n, value);
    bool differs = value->inner;
    for (int i = 0; i < n; i++) differs |= picks[i].tensor && picks[i].tensor->inner;
    if (differs) return ml_fail("assign: a tensor from outside the vmap cannot take a value for each of the batch; make one inside");
    if (!cut(&s, x, picks, n) || !mli_each_once(s.what, s.view)) return false;
    if (s.n) return write_selection(&s, value);
    value = stretched(value, &s.view->shape);
    return value && ml_copy_into(s.view, value);
}

bool ml_index_assign(ml_tensor *x, const ml_pick *picks, int n, ml_tensor *value)
{
    if (!x || !value || !may_change(x, value)) return false;
    ml_scope scope = ml_scope_begin();
    bool     was   = ml_set_recording(false);
    x       = ml_detach(x);
    bool ok = x && assign(x, picks, n, value);
    ml_set_recording(was);
    ml_scope_end(&scope);
    return ok;
}
