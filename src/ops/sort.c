/* Order: sort, argsort, argtopk, searchsorted, bincount. NaN comes last in both directions; equal values keep their order. */
#include "ops/op.h"

#include "kernels/kernels.h"

#include <string.h>

/* --- sorted rows ------------------------------------------------------------------------------------------------------------ */
typedef struct {
    int64_t     rows, n, each; /* a task sorts each rows */
    ml_dtype    dtype;
    bool        descending;
    const char *x;
    int64_t    *at; /* (rows, n) or NULL */
    char       *y;  /* the same */
    char       *scratch;
} sort_job;

static void sort_some(void *ctx, int64_t task)
{
    const sort_job *j = ctx;
    int64_t  row = task * j->each, rows = row + j->each < j->rows ? j->each : j->rows - row;
    size_t   skip = (size_t)(row * j->n) * ml_dtype_bytes(j->dtype);
    int64_t *at   = j->at ? j->at + row * j->n : NULL;
    void    *y    = j->y ? j->y + skip : NULL, *scratch = j->scratch + (size_t)task * mlk_sort_scratch(j->n);
    switch (j->dtype) {
    case ML_F32: mlk_sort_rows_f32(rows, j->n, (const void *)(j->x + skip), j->descending, at, y, scratch); break;
    case ML_F64: mlk_sort_rows_f64(rows, j->n, (const void *)(j->x + skip), j->descending, at, y, scratch); break;
    case ML_I64: mlk_sort_rows_i64(rows, j->n, (const void *)(j->x + skip), j->descending, at, y, scratch); break;
    default: mlk_sort_rows_u8(rows, j->n, (const void *)(j->x + skip), j->descending, at, y, scratch); break;
    }
}

/* x with dimension dim last, sorted: positions (base added) and values, whichever is not NULL, of that shape, contiguous. */
static bool sort_along(ml_tensor *x, int dim, bool descending, int base, ml_tensor **at, ml_tensor **y)
{
    ml_tensor *last = dim < x->shape.n - 1 ? ml_movedim(ml_detach(x), &(ml_movedim_opts){ dim, -1 }) : x;
    if (!last || !(last = mli_contiguous(last))) return false;
    if (at && !(*at = ml_empty(last->shape, ML_I64))) return false;
    if (y && !(*y = ml_empty(last->shape, (ml_dtype)x->dtype))) return false;
    int64_t total = ml_tensor_numel(last), n = last->shape.size[last->shape.n - 1], tasks = total < 16384 ? 1 : 8;
    if (total == 0) return true;
    sort_job j     = { .rows = total / n, .n = n, .dtype = (ml_dtype)x->dtype, .descending = descending, .x = mli_data(last), .at = at ? mli_data(*at) : NULL,
                       .y = y ? mli_data(*y) : NULL };
    j.each         = (j.rows + tasks - 1) / tasks;
    tasks          = (j.rows + j.each - 1) / j.each;
    size_t scratch = (size_t)tasks * mlk_sort_scratch(n);
    if (!(j.scratch = ml_block_take(scratch))) return false;
    ml_parallel(tasks, sort_some, &j);
    ml_block_give(j.scratch, scratch);
    for (int64_t i = 0; at && base != 0 && i < total; i++) j.at[i] += base;
    return true;
}

/* out, whose dimension dim is last in values, filled with them; of each row the first out.size[dim]. */
static bool place(ml_tensor *out, int dim, ml_tensor *values)
{
    ml_tensor *to   = ml_movedim(ml_detach(out), &(ml_movedim_opts){ dim, -1 });
    ml_tensor *from = to ? mli_view(values, to->shape, values->strides, values->offset) : NULL;
    return from && (ml_tensor_numel(out) == 0 || mli_write(to, from));
}

/* --- sort, argsort ------------------------------------------------------------------------------------------------------------ */
static bool sort_infer(ml_call *c) /* of both: argsort's options begin as sort's */
{
    int dim;
    c->shape = c->in[0]->shape;
    if (c->id == ML_OP_argsort) c->dtype = ML_I64;
    return mli_own_dim(ml_op_info_at(c->id)->name, ((const ml_sort_opts *)c->opts)->dim, c->shape.n, &dim);
}

static bool sort_forward(ml_call *c)
{
    const ml_sort_opts *o = c->opts;
    ml_tensor          *y;
    int                 dim;
    return mli_own_dim("sort", o->dim, c->shape.n, &dim) && sort_along(c->in[0], dim, o->descending, 0, NULL, &y) && place(c->out, dim, y);
}

static bool sort_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_sort_opts *o  = c->opts;
    ml_tensor          *at = ml_argsort(c->in[0], &(ml_argsort_opts){ .dim = o->dim, .descending = o->descending });
    dx[0] = ml_scatter_add(ml_zeros(c->shape, c->dtype), at, dy, &(ml_scatter_add_opts){ .dim = o->dim });
    return dx[0] != NULL;
}

static bool argsort_forward(ml_call *c)
{
    const ml_argsort_opts *o = c->opts;
    ml_tensor             *at;
    int                    dim;
    return mli_own_dim("argsort", o->dim, c->shape.n, &dim) && sort_along(c->in[0], dim, o->descending, o->base, &at, NULL) && place(c->out, dim, at);
}

static ml_tensor *sort_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    const ml_argsort_opts *o = c->opts;
    int dim, one = c->in[0]->shape.n - 1;
    if (!mli_dim_behind(c, o->dim, one, &dim)) return NULL;
    if (c->id == ML_OP_sort) return ml_sort(c->in[0], &(ml_sort_opts){ dim, o->descending });
    return ml_argsort(c->in[0], &(ml_argsort_opts){ dim, o->descending, o->base });
}

/* --- argtopk -------------------------------------------------------------------------------------------------------------------- */
static bool argtopk_infer(ml_call *c)
{
    const ml_argtopk_opts *o = c->opts;
    int dim;
    c->shape = c->in[0]->shape;
    c->dtype = ML_I64;
    if (!mli_own_dim("argtopk", o->dim, c->shape.n, &dim)) return false;
    if (o->k < 0 || o->k > c->shape.size[dim])
        return ml_fail("argtopk: k must be 0..%lld, the size of dimension %d, got %lld", (long long)c->shape.size[dim], dim + 1, (long long)o->k);
    c->shape.size[dim] = o->k;
    return true;
}

static bool argtopk_forward(ml_call *c)
{
    const ml_argtopk_opts *o = c->opts;
    ml_tensor             *at;
    int                    dim;
    return mli_own_dim("argtopk", o->dim, c->shape.n, &dim) && sort_along(c->in[0], dim, o->largest, o->base, &at, NULL) && place(c->out, dim, at);
}

static ml_tensor *argtopk_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_argtopk_opts o = *(const ml_argtopk_opts *)c->opts;
    if (!mli_dim_behind(c, o.dim, c->in[0]->shape.n - 1, &o.dim)) return NULL;
    return ml_argtopk(c->in[0], &o);
}

/* --- searchsorted ------------------------------------------------------------------------------------------------------------------ */
static bool searchsorted_infer(ml_call *c)
{
    const ml_shape *x = &c->in[0]->shape, *y = &c->in[1]->shape;
    bool            fits = x->n == 1 || (x->n > 1 && y->n == x->n);
    for (int d = 0; fits && x->n > 1 && d < x->n - 1; d++) fits = x->size[d] == y->size[d];
    if (!fits)
        return ml_fail("searchsorted: the sorted values must have shape (n), or the shape of the others but for the last dimension; got %s and %s",
                       ml_shape_text(x), ml_shape_text(y));
    c->shape = *y;
    c->dtype = ML_I64;
    return true;
}

/* How many of the sorted row are before v: v itself comes after equal ones when right. NaN is after all others. */
#define COUNT_BEFORE(T)                                                                                             \
    for (int64_t i = 0; i < total; i++) {                                                                           \
        const T *row = (const T *)mli_data(x) + (own_row ? i / each * n : 0), v = ((const T *)mli_data(y))[i];     \
        int64_t  low = 0, high = n;                                                                                 \
        while (low < high) {                                                                                        \
            int64_t mid    = low + (high - low) / 2;                                                                \
            T       w      = row[mid];                                                                              \
            bool    before = w < v || (v != v && w == w) || (o->right && (w == v || (w != w && v != v)));           \
            if (before) low = mid + 1;                                                                              \
            else high = mid;                                                                                        \
        }                                                                                                           \
        out[i] = low + o->base;                                                                                     \
    }

static bool searchsorted_forward(ml_call *c)
{
    const ml_searchsorted_opts *o = c->opts;
    ml_tensor *x = mli_contiguous(c->in[0]), *y = mli_contiguous(c->in[1]);
    if (!x || !y) return false;
    int64_t  n = x->shape.size[x->shape.n - 1], total = ml_tensor_numel(y);
    int64_t  each = y->shape.n ? y->shape.size[y->shape.n - 1] : 1;
    bool     own_row = x->shape.n > 1;
    int64_t *out     = mli_data(c->out);
    if (x->dtype == ML_F32) COUNT_BEFORE(float)
    else if (x->dtype == ML_F64) COUNT_BEFORE(double)
    else COUNT_BEFORE(int64_t)
    return true;
}

static ml_tensor *searchsorted_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *x = c->in[0], *y = c->in[1];
    if (!batched[0] && x->shape.n == 1) return ml_searchsorted(x, y, c->opts);
    if (!(x = mli_with_batch(x, batched[0], n)) || !(y = mli_with_batch(y, batched[1], n))) return NULL;
    if (x->shape.n != 2) return ml_searchsorted(x, y, c->opts);
    ml_shape s = y->shape, rows = { 2, { n, 1 } }; /* one row of sorted values for each of the batch */
    for (int d = 1; d < s.n; d++) rows.size[1] *= s.size[d];
    return ml_reshape(ml_searchsorted(x, ml_reshape(y, &(ml_reshape_opts){ rows }), c->opts), &(ml_reshape_opts){ s });
}

/* --- bincount ------------------------------------------------------------------------------------------------------------------------ */
static bool bincount_infer(ml_call *c)
{
    const ml_bincount_opts *o = c->opts;
    int64_t classes = o->classes;
    if (!mli_integers("bincount", "ids", c->in[0])) return false;
    if (classes < 0) return ml_fail("bincount: classes must not be negative, got %lld", (long long)classes);
    if (classes == 0 && !c->in[0]->inner) { /* of a batch nobody counts here: the rule for vmap refuses */
        const int64_t *ids = mli_ids("bincount", "ids", c->in[0], INT64_MAX - 1, o->base);
        if (!ids) return false;
        for (int64_t i = 0, n = ml_tensor_numel(c->in[0]); i < n; i++)
            if (ids[i] - o->base >= classes) classes = ids[i] - o->base + 1;
    }
    c->dtype = ML_I64;
    c->shape = (ml_shape){ 1, { classes } };
    return true;
}

static bool bincount_forward(ml_call *c)
{
    const ml_bincount_opts *o = c->opts;
    const int64_t *ids = mli_ids("bincount", "ids", c->in[0], c->shape.size[0], o->base);
    int64_t       *y   = mli_data(c->out);
    if (!ids) return false;
    memset(y, 0, (size_t)c->shape.size[0] * sizeof *y);
    for (int64_t i = 0, n = ml_tensor_numel(c->in[0]); i < n; i++) y[ids[i] - o->base]++;
    return true;
}

/* Of each: counted apart, by adding ones at its ids. */
static ml_tensor *bincount_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched;
    const ml_bincount_opts *o = c->opts;
    if (o->classes == 0) return mli_refuse_each(c, "the largest id", "give the number of classes");
    if (o->classes < 0) return ml_fail("bincount: classes must not be negative, got %lld", (long long)o->classes);
    ml_tensor *ids  = ml_flatten(ml_unsqueeze(c->in[0], &(ml_unsqueeze_opts){ -1 }), &(ml_flatten_opts){ 1, -1 }); /* (n, ids) */
    ml_tensor *ones = ids ? ml_expand(ml_scalar(1, ML_I64), &(ml_expand_opts){ ids->shape }) : NULL;
    return ml_scatter_add(ml_zeros(ML_SHAPE(n, o->classes), ML_I64), ids, ones, &(ml_scatter_add_opts){ .dim = 1, .base = o->base });
}

/* --- samples, operations -------------------------------------------------------------------------------------------------------------- */
static const ml_sort_opts         falling = { -1, true }, down_0 = { 0, false };
static const ml_argsort_opts      arg_falling = { -1, true, 0 }, arg_down_0 = { 0, false, 0 };
static const ml_argtopk_opts      three = { .k = 3, .dim = -1, .largest = true }, two_least = { .k = 2, .dim = 0, .largest = false };
static const ml_searchsorted_opts after = { .right = true };
static const ml_bincount_opts     five  = { .classes = 5 };

static const ml_sample sort_samples[]         = { { .in = { "(2, 5)" } }, { .in = { "(2, 5)" }, .opts = &falling }, { .in = { "(4, 3)" }, .opts = &down_0 }, { 0 } };
static const ml_sample argsort_samples[]      = { { .in = { "(2, 5)" }, .order = ML_VALUE_ONLY }, { .in = { "i(2, 9)" }, .ids = 4, .opts = &arg_falling, .order = ML_VALUE_ONLY },
                                                  { .in = { "(4, 3)" }, .opts = &arg_down_0, .order = ML_VALUE_ONLY }, { 0 } };
static const ml_sample argtopk_samples[]      = { { .in = { "(2, 5)" }, .opts = &three, .order = ML_VALUE_ONLY }, { .in = { "(4, 3)" }, .opts = &two_least, .order = ML_VALUE_ONLY }, { 0 } };
static const ml_sample searchsorted_samples[] = { { .in = { "(4)", "(2, 3)" }, .order = ML_VALUE_ONLY }, { .in = { "(2, 4)", "(2, 3)" }, .opts = &after, .order = ML_VALUE_ONLY }, { 0 } };
static const ml_sample bincount_samples[]     = { { .in = { "i(7)" }, .ids = 5, .opts = &five, .order = ML_VALUE_ONLY }, { .in = { "i(2, 3)" }, .ids = 4, .order = ML_VALUE_ONLY, .shared = 1 }, { 0 } };

const ml_op ml_op_sort         = { .kind = ML_OTHER, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(0), .infer = sort_infer, .forward = sort_forward, .vjp = sort_vjp, .vmap = sort_vmap, .samples = sort_samples };
#define POSITIONS(name, INFER, VMAP, FLAGS) \
    const ml_op ml_op_##name = { .kind = ML_OTHER, .flags = ML_NOGRAD | (FLAGS), .infer = INFER, .forward = name##_forward, .vmap = VMAP, .samples = name##_samples };
POSITIONS(argsort, sort_infer, sort_vmap, ML_NO_PROMOTE)
POSITIONS(argtopk, argtopk_infer, argtopk_vmap, ML_NO_PROMOTE)
POSITIONS(searchsorted, searchsorted_infer, searchsorted_vmap, ML_COUNTS)
POSITIONS(bincount, bincount_infer, bincount_vmap, ML_NO_PROMOTE)
