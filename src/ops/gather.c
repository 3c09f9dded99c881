/* Positions for each element: gather and its adjoint scatter_add, take by flat positions; and what holds a condition:
 * masked_select, nonzero. */
#include "ops/op.h"

#include <string.h>

/* --- gather, scatter_add --------------------------------------------------------------------------------------------------- */
/* The dimension, and that ids fits into x: as many dimensions, none larger but along dim. */
static bool ids_fit(const char *op, const ml_shape *x, const ml_shape *ids, int64_t option, int *dim)
{
    if (!mli_own_dim(op, option, x->n, dim)) return false;
    bool fits = x->n == ids->n;
    for (int d = 0; fits && d < x->n; d++) fits = d == *dim || ids->size[d] <= x->size[d];
    return fits || ml_fail("%s: the positions, shape %s, must have the dimensions of x, %s, none larger but dimension %d", op, ml_shape_text(ids),
                           ml_shape_text(x), *dim + 1);
}

/* Walks ids (row-major) along a tensor with these strides: each run is the last dimension. */
typedef struct {
    const ml_shape *shape; /* of ids */
    const int64_t  *stride;
    int             dim;
    int64_t         run, runs, step, across; /* step: from one of a run to the next; across: from one position to the next */
    int64_t         at[ML_MAX_DIMS], offset;
} walk;

static walk walk_along(const ml_shape *ids, const int64_t *strides, int dim)
{
    int  last = ids->n - 1;
    walk w    = { .shape = ids, .stride = strides, .dim = dim, .run = ids->size[last], .step = dim == last ? 0 : strides[last], .across = strides[dim] };
    w.runs    = w.run ? ml_shape_numel(ids) / w.run : 0;
    return w;
}

static void next_run(walk *w)
{
    for (int d = w->shape->n - 2; d >= 0; d--) {
        int64_t stride = d == w->dim ? 0 : w->stride[d];
        w->offset += stride;
        if (++w->at[d] < w->shape->size[d]) break;
        w->offset -= w->at[d] * stride;
        w->at[d] = 0;
    }
}

static bool gather_infer(ml_call *c)
{
    int dim;
    c->dtype = (ml_dtype)c->in[0]->dtype;
    c->shape = c->in[1]->shape;
    return mli_integers("gather", "positions", c->in[1]) && ids_fit("gather", &c->in[0]->shape, &c->shape, ((const ml_gather_opts *)c->opts)->dim, &dim);
}

#define GATHER_RUNS(T)                                                                                        \
    {                                                                                                         \
        const T *x = mli_data(c->in[0]);                                                                      \
        T       *y = mli_data(c->out);                                                                        \
        for (int64_t r = 0; r < w.runs; r++, next_run(&w))                                                    \
            for (int64_t i = 0; i < w.run; i++) *y++ = x[w.offset + i * w.step + (*ids++ - o->base) * w.across]; \
    }

static bool gather_forward(ml_call *c)
{
    const ml_gather_opts *o = c->opts;
    const ml_shape       *s = &c->in[0]->shape;
    int dim;
    if (!mli_own_dim("gather", o->dim, s->n, &dim)) return false;
    const int64_t *ids = mli_ids("gather", "positions", c->in[1], s->size[dim], o->base);
    if (!ids) return false;
    walk w = walk_along(&c->shape, c->in[0]->strides, dim);
    switch (ml_dtype_bytes(c->dtype)) {
    case 4: GATHER_RUNS(uint32_t) break;
    case 8: GATHER_RUNS(uint64_t) break;
    default: GATHER_RUNS(uint8_t) break;
    }
    return true;
}

static bool gather_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_gather_opts *o = c->opts;
    dx[0] = ml_scatter_add(ml_zeros(c->in[0]->shape, c->dtype), c->in[1], dy, &(ml_scatter_add_opts){ o->dim, o->base });
    return dx[0] != NULL;
}

static bool scatter_infer(ml_call *c)
{
    const ml_tensor *x = c->in[0], *ids = c->in[1], *z = c->in[2];
    const char      *op = ml_op_info_at(c->id)->name, *done = c->id == ML_OP_scatter ? "written" : "added";
    int dim;
    if (!mli_integers(op, "positions", ids) || !ids_fit(op, &x->shape, &ids->shape, ((const ml_scatter_add_opts *)c->opts)->dim, &dim)) return false;
    if (!ml_shape_equal(&ids->shape, &z->shape))
        return ml_fail("%s: what is %s has shape %s, its positions %s", op, done, ml_shape_text(&z->shape), ml_shape_text(&ids->shape));
    if (x->dtype != z->dtype)
        return ml_fail("%s: x is %s, what is %s %s; cast one", op, ml_dtype_name((ml_dtype)x->dtype), done, ml_dtype_name((ml_dtype)z->dtype));
    c->shape = x->shape;
    c->dtype = (ml_dtype)x->dtype;
    return true;
}
_Static_assert(sizeof(ml_scatter_opts) == sizeof(ml_scatter_add_opts) && offsetof(ml_scatter_opts, base) == offsetof(ml_scatter_add_opts, base), "they are read alike");

static bool scatter_add_infer(ml_call *c)
{
    const ml_tensor *x = c->in[0];
    if (!scatter_infer(c)) return false;
    if (x->dtype == ML_U8 || x->dtype == ML_BOOL) return ml_fail("scatter_add: adds f32, f64 or i64, not %s; cast first", ml_dtype_name((ml_dtype)x->dtype));
    return true;
}

/* OP: how an element of z gets to its place. */
#define PUT_RUNS(T, OP)                                                                                           \
    {                                                                                                         \
        const T *from = mli_data(z);                                                                          \
        T       *y    = mli_data(c->out);                                                                     \
        for (int64_t r = 0; r < w.runs; r++, next_run(&w))                                                    \
            for (int64_t i = 0; i < w.run; i++) y[w.offset + i * w.step + (*ids++ - o->base) * w.across] OP *from++; \
    }

/* Both scatters: one thread, so the order of z decides, and the sums are in that order. */
static bool scatter_forward(ml_call *c)
{
    const ml_scatter_add_opts *o  = c->opts;
    const char                *op = ml_op_info_at(c->id)->name;
    int dim;
    if (!mli_own_dim(op, o->dim, c->shape.n, &dim)) return false;
    const int64_t *ids = mli_ids(op, "positions", c->in[1], c->shape.size[dim], o->base);
    ml_tensor     *z   = ids ? mli_contiguous(c->in[2]) : NULL;
    if (!z) return false;
    mli_strided_copy(c->in[0], c->dtype, mli_data(c->out));
    walk w = walk_along(&c->in[1]->shape, c->out->strides, dim);
    if (c->id == ML_OP_scatter) {
        switch (ml_dtype_bytes(c->dtype)) {
        case 4: PUT_RUNS(uint32_t, =) break;
        case 8: PUT_RUNS(uint64_t, =) break;
        default: PUT_RUNS(uint8_t, =) break;
        }
    }
    else if (c->dtype == ML_F32) PUT_RUNS(float, +=)
    else if (c->dtype == ML_F64) PUT_RUNS(double, +=)
    else PUT_RUNS(int64_t, +=)
    return true;
}

/* Does each element of z stay? Its number, written like itself, is the one that is read where it went. */
static ml_tensor *stays(ml_call *c)
{
    const ml_scatter_opts *o = c->opts;
    ml_tensor             *numbers = ml_empty(c->in[1]->shape, ML_I64);
    if (!numbers) return NULL;
    int64_t *v = mli_data(numbers);
    for (int64_t i = 0; i < ml_tensor_numel(numbers); i++) v[i] = i;
    ml_tensor *written = ml_scatter(ml_zeros(c->in[0]->shape, ML_I64), c->in[1], numbers, o);
    return ml_eq(ml_gather(written, c->in[1], &(ml_gather_opts){ o->dim, o->base }), numbers);
}

static bool scatter_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_scatter_opts *o = c->opts;
    if (ml_needs(c, 0)) dx[0] = ml_scatter(dy, c->in[1], ml_zeros(c->in[2]->shape, c->dtype), o);
    if (ml_needs(c, 2)) dx[2] = ml_where(stays(c), ml_gather(dy, c->in[1], &(ml_gather_opts){ o->dim, o->base }), ml_scalar(0, c->dtype));
    return !ml_failed();
}

static bool scatter_add_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_scatter_add_opts *o = c->opts;
    dx[0] = dy;
    if (ml_needs(c, 2)) dx[2] = ml_gather(dy, c->in[1], &(ml_gather_opts){ o->dim, o->base });
    return !ml_failed();
}

/* Of both: every input with the batch, which is one more dimension to walk. */
static ml_tensor *positions_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor      *in[3];
    ml_gather_opts  o = *(const ml_gather_opts *)c->opts; /* scatter_add's are the same */
    for (int i = 0; i < c->n_in; i++)
        if (!(in[i] = mli_with_batch(c->in[i], batched[i], n))) return NULL;
    if (!mli_dim_behind(c, o.dim, in[0]->shape.n - 1, &o.dim)) return NULL;
    return ml_op_apply(c->id, in, c->n_in, &o);
}

/* --- take ------------------------------------------------------------------------------------------------------------------- */
static bool take_infer(ml_call *c)
{
    c->dtype = (ml_dtype)c->in[0]->dtype;
    c->shape = c->in[1]->shape;
    return mli_integers("take", "positions", c->in[1]);
}

static ml_tensor *take_compose(ml_call *c)
{
    int base = ((const ml_take_opts *)c->opts)->base;
    if (!c->in[1]->inner && !mli_ids("take", "positions", c->in[1], ml_tensor_numel(c->in[0]), base)) return NULL;
    return ml_embedding(ml_flatten(c->in[0], NULL), c->in[1], &(ml_embedding_opts){ base });
}

static bool take_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_scatter_rows_opts o = { .rows = ml_shape_numel(&c->in[0]->shape), .base = ((const ml_take_opts *)c->opts)->base };
    dx[0] = ml_reshape(ml_scatter_rows(dy, c->in[1], &o), &(ml_reshape_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

/* --- what holds: masked_select, nonzero ------------------------------------------------------------------------------------- */
void *mli_refuse_each(const ml_call *c, const char *what, const char *instead)
{
    return ml_fail("%s: inside vmap %s differs from one of the batch to the next, and with it the number of results; %s",
                   ml_op_info_at(c->id)->name, what, instead);
}

/* While shapes are worked out for one of a batch, nobody counts: the rule for vmap refuses. */
static int64_t count_true(const ml_tensor *mask)
{
    if (mask->inner) return 0;
    const uint8_t *v = mli_data(mask);
    int64_t        k = 0;
    for (int64_t i = 0, n = ml_tensor_numel(mask); i < n; i++) k += v[i] != 0;
    return k;
}

ml_tensor *mli_true_offsets(ml_tensor *mask, const int64_t *strides)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *out   = NULL;
    if ((mask = mli_contiguous(mask))) out = ml_empty(ML_SHAPE(count_true(mask) + 1), ML_I64); /* one more: see below */
    if (!out) return ml_scope_return(&scope, NULL);
    const ml_shape *s    = &mask->shape;
    int64_t         flat = ml_tensor_numel(mask), run = flat, step = 1, k = 0, offset = 0, at[ML_MAX_DIMS] = { 0 };
    int64_t        *to   = mli_data(out);
    if (strides && s->n > 0) run = s->size[s->n - 1], step = strides[s->n - 1];
    const uint8_t *v = mli_data(mask);
    for (int64_t done = 0; done < flat; done += run, v += run) {
        for (int64_t i = 0; i < run; i++) {
            to[k] = offset + i * step; /* written always, kept when it counts: no branch to guess */
            k += v[i] != 0;
        }
        for (int d = s->n - 2; strides && d >= 0; d--) {
            offset += strides[d];
            if (++at[d] < s->size[d]) break;
            offset -= at[d] * strides[d];
            at[d] = 0;
        }
    }
    return ml_scope_return(&scope, mli_view(out, ML_SHAPE(k), NULL, 0));
}

/* x as contiguous bytes of 0 and others: itself, or compared with 0. */
static ml_tensor *as_bytes(ml_tensor *x)
{
    bool was = x->dtype == ML_BOOL || x->dtype == ML_U8;
    if (was) return mli_contiguous(x);
    return ml_ne(ml_detach(x), ml_scalar(0, (ml_dtype)x->dtype)); /* NaN is not 0; detached, nothing waits */
}

static bool masked_select_infer(ml_call *c)
{
    const ml_shape *x = &c->in[0]->shape, *m = &c->in[1]->shape;
    if (c->in[1]->dtype != ML_BOOL)
        return ml_fail("masked_select: the mask must be bool, got %s; compare first, e.g. x:gt(0)", ml_dtype_name((ml_dtype)c->in[1]->dtype));
    bool fits = m->n <= x->n;
    for (int d = 0; fits && d < m->n; d++) fits = m->size[d] == x->size[d];
    if (!fits) return ml_fail("masked_select: a mask of shape %s does not lie over the first dimensions of %s", ml_shape_text(m), ml_shape_text(x));
    if (!c->in[1]->inner && !mli_has_values("masked_select", c->in[1])) return false;
    ml_tensor *mask = c->in[1]->inner ? c->in[1] : mli_contiguous(c->in[1]);
    if (!mask) return false;
    c->dtype = (ml_dtype)c->in[0]->dtype;
    c->shape = (ml_shape){ .n = x->n - m->n + 1, .size = { count_true(mask) } };
    if (c->shape.n > ML_MAX_DIMS) return ml_fail("masked_select: the result would have %d dimensions, at most %d are possible", c->shape.n, ML_MAX_DIMS);
    for (int d = m->n; d < x->n; d++) c->shape.size[1 + d - m->n] = x->size[d];
    return true;
}

/* (mask..., rest...) as (numel of the mask, rest...) and the other way. */
static ml_tensor *as_masked_rows(ml_tensor *x, const ml_shape *m)
{
    ml_shape rows = { x->shape.n - m->n + 1, { ml_shape_numel(m) } };
    for (int d = m->n; d < x->shape.n; d++) rows.size[1 + d - m->n] = x->shape.size[d];
    return ml_reshape(x, &(ml_reshape_opts){ rows });
}

static ml_tensor *masked_select_compose(ml_call *c)
{
    return ml_embedding(as_masked_rows(c->in[0], &c->in[1]->shape), mli_true_offsets(c->in[1], NULL), NULL);
}

static bool masked_select_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_scatter_rows_opts o = { .rows = ml_tensor_numel(c->in[1]) };
    dx[0] = ml_reshape(ml_scatter_rows(dy, mli_true_offsets(c->in[1], NULL), &o), &(ml_reshape_opts){ c->in[0]->shape });
    return dx[0] != NULL;
}

static ml_tensor *masked_select_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)n;
    if (batched[1]) return mli_refuse_each(c, "the mask", "where(mask, x, 0) keeps the shape");
    int m = c->in[1]->shape.n;
    if (c->in[0]->shape.n - 1 < m) return ml_fail("masked_select: the mask has more dimensions than x");
    ml_tensor *y = ml_masked_select(ml_movedim(c->in[0], &(ml_movedim_opts){ 0, m }), c->in[1]);
    return ml_movedim(y, &(ml_movedim_opts){ 1, 0 });
}

static bool nonzero_infer(ml_call *c)
{
    if (!c->in[0]->inner && !mli_has_values("nonzero", c->in[0])) return false;
    ml_tensor *v = c->in[0]->inner ? c->in[0] : as_bytes(c->in[0]);
    if (!v) return false;
    c->dtype = ML_I64;
    c->shape = (ml_shape){ 2, { count_true(v), c->in[0]->shape.n } };
    return true;
}

static bool nonzero_forward(ml_call *c)
{
    const ml_shape *s    = &c->in[0]->shape;
    int             base = ((const ml_nonzero_opts *)c->opts)->base;
    ml_tensor      *v = as_bytes(c->in[0]), *flat = v ? mli_true_offsets(v, NULL) : NULL;
    if (!flat) return false;
    const int64_t *at = mli_data(flat);
    int64_t       *y  = mli_data(c->out);
    for (int64_t i = 0; i < c->shape.size[0]; i++, y += s->n)
        for (int64_t d = s->n - 1, rest = at[i]; d >= 0; d--) {
            y[d] = rest % s->size[d] + base;
            rest /= s->size[d];
        }
    return true;
}

static ml_tensor *nonzero_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    return mli_refuse_each(c, "what is not 0", "a mask, x:ne(0), keeps the shape");
}

/* --- samples, operations ----------------------------------------------------------------------------------------------------- */
static const ml_gather_opts      first_dim = { .dim = 0 };
static const ml_scatter_add_opts along_0   = { .dim = 0 };

static const ml_sample gather_samples[]        = { { .in = { "(2, 4)", "i(2, 3)" }, .ids = 4 }, { .in = { "(3, 4, 2)", "i(5, 2, 2)" }, .opts = &first_dim, .ids = 3 }, { 0 } };
static const ml_sample scatter_add_samples[]   = { { .in = { "(2, 4)", "i(2, 6)", "(2, 6)" }, .ids = 4 }, { .in = { "(3, 4, 2)", "i(4, 2, 2)", "(4, 2, 2)" }, .opts = &along_0, .ids = 3 }, { 0 } };
static const ml_scatter_opts written_0 = { .dim = 0 };
static const ml_sample scatter_samples[]       = { { .in = { "(2, 4)", "i(2, 6)", "(2, 6)" }, .ids = 4 }, { .in = { "(3, 4, 2)", "i(2, 2, 2)", "(2, 2, 2)" }, .opts = &written_0, .ids = 3 }, { 0 } };
static const ml_sample take_samples[]          = { { .in = { "(2, 4)", "i(3, 2)" }, .ids = 8 }, { .in = { "(5)", "i()" }, .ids = 5 }, { 0 } };
static const ml_sample masked_select_samples[] = { { .in = { "(3, 4)", "b(3, 4)" }, .shared = 2 }, { .in = { "(5, 2)", "b(5)" }, .shared = 2 }, { 0 } };
static const ml_sample nonzero_samples[]       = { { .in = { "b(3, 4)" }, .order = ML_VALUE_ONLY, .shared = 1 }, { .in = { "(5)" }, .order = ML_VALUE_ONLY, .shared = 1 }, { 0 } };

const ml_op ml_op_gather        = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = gather_infer, .forward = gather_forward, .vjp = gather_vjp,
                                    .vmap = positions_vmap, .samples = gather_samples };
const ml_op ml_op_scatter_add   = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = scatter_add_infer, .forward = scatter_forward,
                                    .vjp = scatter_add_vjp, .vmap = positions_vmap, .samples = scatter_add_samples };
const ml_op ml_op_scatter       = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = scatter_infer, .forward = scatter_forward,
                                    .vjp = scatter_vjp, .vmap = positions_vmap, .samples = scatter_samples };
const ml_op ml_op_take          = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = take_infer, .compose = take_compose, .vjp = take_vjp, .samples = take_samples };
const ml_op ml_op_masked_select = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = masked_select_infer, .compose = masked_select_compose,
                                    .vjp = masked_select_vjp, .vmap = masked_select_vmap, .samples = masked_select_samples };
const ml_op ml_op_nonzero       = { .kind = ML_OTHER, .flags = ML_NOGRAD | ML_NO_PROMOTE, .infer = nonzero_infer, .forward = nonzero_forward, .vmap = nonzero_vmap, .samples = nonzero_samples };
