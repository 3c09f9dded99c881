/* Positions along one dimension: embedding and index_select read, scatter_rows, their adjoint, adds; one_hot. Ids are checked
 * before anything is read or written. */
#include "ops/op.h"

#include <string.h>

bool mli_integers(const char *op, const char *what, const ml_tensor *ids)
{
    return ids->dtype == ML_I64 || ids->dtype == ML_U8 ||
           ml_fail("%s: %s must be integers (i64), got %s; cast them first", op, what, ml_dtype_name((ml_dtype)ids->dtype));
}

const int64_t *mli_ids(const char *op, const char *what, ml_tensor *ids, int64_t limit, int base)
{
    if (!mli_integers(op, what, ids)) return NULL;
    if (ids->dtype != ML_I64) {
        ml_tensor *wide = ml_empty(ids->shape, ML_I64);
        if (!wide) return NULL;
        mli_strided_copy(ids, ML_I64, mli_data(wide));
        ids = wide;
    } else if (!(ids = mli_contiguous(ids))) {
        return NULL;
    }
    const int64_t *v = mli_data(ids);
    for (int64_t i = 0, n = ml_tensor_numel(ids); i < n; i++) {
        if (v[i] >= base && v[i] < base + limit) continue;
        const char *hint = v[i] == base - 1 ? " (add 1)" : v[i] == base + limit && base == 0 ? " (subtract 1)" : "";
        return ml_fail("%s: %s must be %d..%lld, found %lld%s", op, what, base, (long long)(base + limit - 1), (long long)v[i], hint);
    }
    return v;
}

/* s with dimensions from..to-1 replaced by those of other */
static bool replace_dims(const char *op, const ml_shape *s, int from, int to, const ml_shape *other, ml_shape *out)
{
    int n = s->n - (to - from) + other->n;
    if (n > ML_MAX_DIMS) return ml_fail("%s: the result would have %d dimensions, at most %d are possible", op, n, ML_MAX_DIMS);
    *out = (ml_shape){ 0 };
    for (int d = 0; d < from; d++) out->size[out->n++] = s->size[d];
    for (int d = 0; d < other->n; d++) out->size[out->n++] = other->size[d];
    for (int d = to; d < s->n; d++) out->size[out->n++] = s->size[d];
    return true;
}

/* The many: (outer, n, inner), the few: (outer, n_rows, inner); an element of outer and n is a row of so many bytes. */
typedef struct {
    const int64_t *ids;
    int64_t        outer, n, n_rows, each, base;
    const char    *from;
    char          *to;
    size_t         bytes;
    ml_dtype       dtype;
} rows_job;

static rows_job job_of(const ml_shape *few, int dim, ml_dtype dtype, const int64_t *ids, int64_t n, int base)
{
    rows_job j = { .ids = ids, .outer = 1, .n = n, .n_rows = few->size[dim], .base = base, .bytes = ml_dtype_bytes(dtype), .dtype = dtype };
    for (int d = 0; d < dim; d++) j.outer *= few->size[d];
    for (int d = dim + 1; d < few->n; d++) j.bytes *= (size_t)few->size[d];
    return j;
}

/* --- embedding, index_select ------------------------------------------------------------------------------------------------- */
static bool select_options(const ml_call *c, int n_dims, int *dim, int *base)
{
    const ml_index_select_opts *o = c->opts;
    if (c->id == ML_OP_embedding) {
        *dim  = 0;
        *base = ((const ml_embedding_opts *)c->opts)->base;
        return n_dims > 0 || ml_fail("embedding: the table must have at least 1 dimension, got a single number");
    }
    *base = o->base;
    return mli_own_dim("index_select", o->dim, n_dims, dim);
}

static bool select_infer(ml_call *c)
{
    const ml_shape *x = &c->in[0]->shape;
    int             dim, base;
    if (!select_options(c, x->n, &dim, &base) || !mli_integers(ml_op_info_at(c->id)->name, "ids", c->in[1])) return false;
    c->dtype = (ml_dtype)c->in[0]->dtype;
    return replace_dims(ml_op_info_at(c->id)->name, x, dim, dim + 1, &c->in[1]->shape, &c->shape);
}

static void copy_rows(void *ctx, int64_t task)
{
    const rows_job *j = ctx;
    for (int64_t i = task * j->each, all = j->outer * j->n; i < (task + 1) * j->each && i < all; i++)
        memcpy(j->to + (size_t)i * j->bytes, j->from + (size_t)(i / j->n * j->n_rows + j->ids[i % j->n] - j->base) * j->bytes, j->bytes);
}

#define COPY_VALUES(T)                                                                                                       \
    for (int64_t o = 0; o < j->outer; o++)                                                                                   \
        for (int64_t i = 0; i < j->n; i++)                                                                                   \
            ((T *)(void *)j->to)[o * j->n + i] = ((const T *)(const void *)j->from)[o * j->n_rows + j->ids[i] - j->base];

static bool copy_values(const rows_job *j) /* rows of one value, which a call of memcpy each would slow down; false: they are not */
{
    if (j->bytes == 4) COPY_VALUES(uint32_t)
    else if (j->bytes == 8) COPY_VALUES(uint64_t)
    else if (j->bytes == 1) COPY_VALUES(uint8_t)
    else return false;
    return true;
}

static bool select_forward(ml_call *c)
{
    int        dim, base;
    ml_tensor *x = c->in[0];
    if (!select_options(c, x->shape.n, &dim, &base)) return false;
    const int64_t *ids = mli_ids(ml_op_info_at(c->id)->name, "ids", c->in[1], x->shape.size[dim], base);
    if (!ids || !(x = mli_contiguous(x))) return false;
    rows_job j = job_of(&x->shape, dim, c->dtype, ids, ml_tensor_numel(c->in[1]), base);
    j.from     = mli_data(x);
    j.to       = mli_data(c->out);
    if (j.outer * j.n == 0 || copy_values(&j)) return true;
    j.each = j.bytes < 65536 ? 65536 / (int64_t)(j.bytes + 1) + 1 : 1;
    ml_parallel((j.outer * j.n + j.each - 1) / j.each, copy_rows, &j);
    return true;
}

static bool select_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int dim, base;
    if (!select_options(c, c->in[0]->shape.n, &dim, &base)) return false;
    dx[0] = ml_scatter_rows(dy, c->in[1], &(ml_scatter_rows_opts){ .rows = c->in[0]->shape.size[dim], .dim = dim, .base = base });
    return dx[0] != NULL;
}

/* --- scatter_rows --------------------------------------------------------------------------------------------------------- */
static bool scatter_rows_at(const ml_call *c, int n_dims, int n_ids, int *dim) /* dim is one of the result */
{
    return mli_dim("scatter_rows", ((const ml_scatter_rows_opts *)c->opts)->dim, n_dims - n_ids + 1, dim);
}

static bool scatter_rows_infer(ml_call *c)
{
    const ml_scatter_rows_opts *o = c->opts;
    ml_shape x = c->in[0]->shape, ids = c->in[1]->shape;
    int      dim  = 0;
    bool     fits = x.n >= ids.n;
    if (fits && !scatter_rows_at(c, x.n, ids.n, &dim)) return false;
    for (int d = 0; fits && d < ids.n; d++) fits = x.size[dim + d] == ids.size[d];
    if (!fits)
        return ml_fail("scatter_rows: the shape of x, %s, must have that of the ids, %s, from dimension %d on", ml_shape_text(&x), ml_shape_text(&ids), dim + 1);
    if (!mli_integers(ml_op_info_at(c->id)->name, "ids", c->in[1])) return false;
    if (o->rows < 0) return ml_fail("scatter_rows: rows must not be negative, got %lld", (long long)o->rows);
    c->dtype = (ml_dtype)c->in[0]->dtype;
    if (c->dtype != ML_F32 && c->dtype != ML_F64) return ml_fail("scatter_rows: x must be f32 or f64, got %s", ml_dtype_name(c->dtype));
    ml_shape rows = { 1, { o->rows } };
    return replace_dims("scatter_rows", &x, dim, dim + ids.n, &rows, &c->shape);
}

/* A task owns a range of the output's rows and looks at all ids: each row's sum is in the order of the ids, whoever
 * does it. */
#define ADD_MINE(T)                                                                                  \
    for (int64_t o = 0; o < j->outer; o++)                                                           \
        for (int64_t i = 0; i < j->n; i++) {                                                         \
            int64_t row = j->ids[i] - j->base;                                                       \
            if (row < first || row >= last) continue;                                                \
            const T *x = (const T *)(const void *)j->from + (o * j->n + i) * width;                  \
            T       *y = (T *)(void *)j->to + (o * j->n_rows + row) * width;                         \
            for (int64_t k = 0; k < width; k++) y[k] += x[k];                                        \
        }

static void add_rows(void *ctx, int64_t task)
{
    const rows_job *j     = ctx;
    int64_t         width = (int64_t)(j->bytes / ml_dtype_bytes(j->dtype));
    int64_t         first = task * j->each, last = first + j->each < j->n_rows ? first + j->each : j->n_rows;
    for (int64_t o = 0; o < j->outer; o++)
        memset(j->to + (size_t)(o * j->n_rows + first) * j->bytes, 0, (size_t)(last - first) * j->bytes);
    if (j->dtype == ML_F32) ADD_MINE(float)
    else ADD_MINE(double)
}

static bool scatter_rows_forward(ml_call *c)
{
    const ml_scatter_rows_opts *o = c->opts;
    int dim;
    if (!scatter_rows_at(c, c->in[0]->shape.n, c->in[1]->shape.n, &dim)) return false;
    const int64_t *ids = mli_ids("scatter_rows", "ids", c->in[1], o->rows, o->base);
    ml_tensor     *x   = ids ? mli_contiguous(c->in[0]) : NULL;
    if (!x) return false;
    rows_job j     = job_of(&c->shape, dim, c->dtype, ids, ml_tensor_numel(c->in[1]), o->base);
    int64_t  tasks = (int64_t)j.bytes * j.n * j.outer < 262144 ? 1 : 8;
    j.from         = mli_data(x);
    j.to           = mli_data(c->out);
    j.each         = (o->rows + tasks - 1) / tasks;
    if (j.each > 0) ml_parallel((o->rows + j.each - 1) / j.each, add_rows, &j);
    return true;
}

static bool scatter_rows_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_scatter_rows_opts *o = c->opts;
    int dim;
    if (!scatter_rows_at(c, c->in[0]->shape.n, c->in[1]->shape.n, &dim)) return false;
    dx[0] = ml_index_select(dy, c->in[1], &(ml_index_select_opts){ .dim = dim, .base = o->base });
    return dx[0] != NULL;
}

/* --- one_hot --------------------------------------------------------------------------------------------------------------- */
static bool one_hot_infer(ml_call *c)
{
    const ml_one_hot_opts *o = c->opts;
    if (o->classes < 1) return ml_fail("one_hot: classes must be at least 1, got %lld", (long long)o->classes);
    if (!mli_integers(ml_op_info_at(c->id)->name, "ids", c->in[0])) return false;
    ml_shape last = { 1, { o->classes } };
    c->dtype      = ML_F32;
    return replace_dims("one_hot", &last, 0, 0, &c->in[0]->shape, &c->shape);
}

static bool one_hot_forward(ml_call *c)
{
    const ml_one_hot_opts *o = c->opts;
    const int64_t *ids = mli_ids("one_hot", "ids", c->in[0], o->classes, o->base);
    if (!ids) return false;
    float *y = mli_data(c->out);
    memset(y, 0, (size_t)ml_tensor_numel(c->out) * sizeof *y);
    for (int64_t i = 0, n = ml_tensor_numel(c->in[0]); i < n; i++) y[i * o->classes + ids[i] - o->base] = 1;
    return true;
}

/* --- vmap ------------------------------------------------------------------------------------------------------------------- */
/* Ids (batch, ids...) into tables that lie one after the other: id + b * rows. One outside its own table must not meet another's. */
static ml_tensor *ids_in_batch(const ml_call *c, ml_tensor *ids, int base, int64_t n, int64_t rows)
{
    if (!ids->inner && !mli_ids(ml_op_info_at(c->id)->name, "ids", ids, rows, base)) return NULL;
    ml_shape column = { ids->shape.n, { n } };
    for (int d = 1; d < column.n; d++) column.size[d] = 1;
    ml_tensor *first = ml_arange(0, (double)n, 1, ML_I64);
    return ml_add(ids, ml_reshape(ml_mul(first, ml_number((double)rows)), &(ml_reshape_opts){ column }));
}

/* (a, first (n_first), second (n_second), b...) with the two groups behind the a leading dimensions exchanged */
static ml_tensor *exchange_groups(ml_tensor *x, int a, int n_first, int n_second)
{
    if (!x || n_first == 0 || n_second == 0) return x;
    ml_dims order = { .n = x->shape.n };
    for (int d = 0; d < order.n; d++) order.at[d] = d;
    for (int d = 0; d < n_second; d++) order.at[a + d] = a + n_first + d;
    for (int d = 0; d < n_first; d++) order.at[a + n_second + d] = a + d;
    return ml_permute(x, &(ml_permute_opts){ order });
}

/* Both differ: the rows of all are laid one after the other, (batch rows, outer..., inner...), and the ids shifted. */
static ml_tensor *select_of_each(const ml_call *c, int dim, int base, int64_t n)
{
    ml_tensor *ids = c->in[1], *x = c->in[0];
    int64_t    rows = x->shape.size[dim + 1];
    x = ml_movedim(x, &(ml_movedim_opts){ dim + 1, 1 });
    ml_tensor *y = ml_embedding(ml_flatten(x, &(ml_flatten_opts){ 0, 1 }), ids_in_batch(c, ids, base, n, rows), &(ml_embedding_opts){ base });
    return exchange_groups(y, 1, ids->shape.n - 1, dim);
}

static ml_tensor *select_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *x = c->in[0], *ids = c->in[1];
    int        dim, base;
    if (!select_options(c, x->shape.n - batched[0], &dim, &base)) return NULL;
    if (batched[0] && batched[1]) return select_of_each(c, dim, base, n);
    ml_tensor *y = ml_index_select(x, ids, &(ml_index_select_opts){ .dim = dim + batched[0], .base = base });
    return batched[0] ? y : exchange_groups(y, 0, dim, 1); /* (outer..., batch, ids..., inner...) */
}

static ml_tensor *scatter_rows_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_scatter_rows_opts o = *(const ml_scatter_rows_opts *)c->opts;
    ml_tensor *x = mli_with_batch(c->in[0], batched[0], n), *ids = c->in[1];
    int        n_ids = ids->shape.n - batched[1];
    int64_t    rows  = o.rows;
    if (!x) return NULL;
    if (x->shape.n - 1 < n_ids) return ml_fail("scatter_rows: x has fewer dimensions than the ids");
    if (!scatter_rows_at(c, x->shape.n - 1, n_ids, &o.dim)) return NULL;
    if (!batched[1]) {
        o.dim++;
        return ml_scatter_rows(x, ids, &o);
    }
    int dim = o.dim;
    if (rows < 0 || rows > INT64_MAX / (n + 1)) return ml_fail("scatter_rows: rows must not be negative or this large, got %lld", (long long)rows);
    o.dim        = 0;
    o.rows       = n * rows;
    ml_tensor *y = ml_scatter_rows(exchange_groups(x, 1, dim, n_ids), ids_in_batch(c, ids, o.base, n, rows), &o);
    if (!y) return NULL;
    ml_shape s = { y->shape.n + 1, { n, rows } };
    for (int d = 2; d < s.n; d++) s.size[d] = y->shape.size[d - 1];
    return ml_movedim(ml_reshape(y, &(ml_reshape_opts){ s }), &(ml_movedim_opts){ 1, dim + 1 });
}

static ml_tensor *one_hot_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    return ml_one_hot(c->in[0], c->opts);
}

/* --- samples, operations ----------------------------------------------------------------------------------------------------- */
static const ml_scatter_rows_opts to_5_rows = { .rows = 5 };
static const ml_scatter_rows_opts to_5_cols = { .rows = 5, .dim = -1 };
static const ml_index_select_opts columns   = { .dim = 1 }, last = { .dim = -1 };
static const ml_one_hot_opts      four      = { .classes = 4 };
static const ml_sample embedding_samples[]    = { { .in = { "(4, 3)", "i(2, 3)" }, .ids = 4 }, { .in = { "(4)", "i(5)" }, .ids = 4 },
                                                  { .in = { "(4, 2, 2)", "i()" }, .ids = 4 }, { 0 } };
static const ml_sample scatter_rows_samples[] = { { .in = { "(4, 3)", "i(4)" }, .opts = &to_5_rows, .ids = 5 },
                                                  { .in = { "(2, 2, 3)", "i(2, 2)" }, .opts = &to_5_rows, .ids = 5 },
                                                  { .in = { "(2, 3)", "i(3)" }, .opts = &to_5_cols, .ids = 5 }, { 0 } };
static const ml_sample index_select_samples[] = { { .in = { "(2, 4, 3)", "i(5)" }, .opts = &columns, .ids = 4 }, { .in = { "(2, 4)", "i(2, 3)" }, .opts = &last, .ids = 4 },
                                                  { .in = { "(3, 2)", "i()" }, .ids = 3 }, { 0 } };
static const ml_sample one_hot_samples[]      = { { .in = { "i(3)" }, .opts = &four, .ids = 4, .order = ML_VALUE_ONLY }, { 0 } };

#define SELECT(name) const ml_op ml_op_##name = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = select_infer, \
                                                  .forward = select_forward, .vjp = select_vjp, .vmap = select_vmap, .samples = name##_samples };
SELECT(embedding)
SELECT(index_select)
const ml_op ml_op_scatter_rows = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = scatter_rows_infer,
                                   .forward = scatter_rows_forward, .vjp = scatter_rows_vjp, .vmap = scatter_rows_vmap, .samples = scatter_rows_samples };
const ml_op ml_op_one_hot      = { .kind = ML_OTHER, .flags = ML_NOGRAD | ML_NO_PROMOTE, .infer = one_hot_infer, .forward = one_hot_forward,
                                   .vmap = one_hot_vmap, .samples = one_hot_samples };
