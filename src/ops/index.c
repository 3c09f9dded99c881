/* Positions: embedding (rows by id), its adjoint, one_hot. Ids are checked before anything is read or written. */
#include "ops/op.h"

#include <string.h>

const int64_t *mli_ids(const char *op, const char *what, ml_tensor *ids, int64_t limit, int base)
{
    if (ids->dtype != ML_I64 && ids->dtype != ML_U8)
        return ml_fail("%s: %s must be integers (i64), got %s; cast them first", op, what, ml_dtype_name((ml_dtype)ids->dtype));
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

/* (ids..., row...) */
static bool join_shapes(const char *op, const ml_shape *ids, const ml_shape *rest, int rest_from, ml_shape *out)
{
    if (ids->n + rest->n - rest_from > ML_MAX_DIMS)
        return ml_fail("%s: the result would have %d dimensions, at most %d are possible", op, ids->n + rest->n - rest_from, ML_MAX_DIMS);
    *out = *ids;
    for (int d = rest_from; d < rest->n; d++) out->size[out->n++] = rest->size[d];
    return true;
}

static bool is_integer(const ml_tensor *t) { return t->dtype == ML_I64 || t->dtype == ML_U8; }

/* --- embedding ----------------------------------------------------------------------------------------------------------- */
static bool embedding_infer(ml_call *c)
{
    if (c->in[0]->shape.n == 0) return ml_fail("embedding: the table must have at least 1 dimension, got a single number");
    if (!is_integer(c->in[1]))
        return ml_fail("embedding: ids must be integers (i64), got %s; cast them first", ml_dtype_name((ml_dtype)c->in[1]->dtype));
    c->dtype = (ml_dtype)c->in[0]->dtype;
    return join_shapes("embedding", &c->in[1]->shape, &c->in[0]->shape, 1, &c->shape);
}

static size_t row_bytes(const ml_tensor *table)
{
    size_t n = ml_dtype_bytes((ml_dtype)table->dtype);
    for (int d = 1; d < table->shape.n; d++) n *= (size_t)table->shape.size[d];
    return n;
}

typedef struct {
    const int64_t *ids;
    int64_t        n, n_rows, each, base;
    const char    *from;
    char          *to;
    size_t         bytes;
    ml_dtype       dtype;
} rows_job;

static void copy_rows(void *ctx, int64_t task)
{
    const rows_job *j = ctx;
    for (int64_t i = task * j->each; i < (task + 1) * j->each && i < j->n; i++)
        memcpy(j->to + (size_t)i * j->bytes, j->from + (size_t)(j->ids[i] - j->base) * j->bytes, j->bytes);
}

static bool embedding_forward(ml_call *c)
{
    int            base  = ((const ml_embedding_opts *)c->opts)->base;
    const int64_t *ids   = mli_ids("embedding", "ids", c->in[1], c->in[0]->shape.size[0], base);
    ml_tensor     *table = ids ? mli_contiguous(c->in[0]) : NULL;
    if (!table) return false;
    size_t   bytes = row_bytes(table);
    rows_job j = { .ids = ids, .n = ml_tensor_numel(c->in[1]), .base = base, .from = mli_data(table), .to = mli_data(c->out),
                   .bytes = bytes, .each = bytes < 65536 ? 65536 / (int64_t)(bytes + 1) + 1 : 1 };
    ml_parallel((j.n + j.each - 1) / j.each, copy_rows, &j);
    return true;
}

static bool embedding_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_scatter_rows(dy, c->in[1], &(ml_scatter_rows_opts){ .rows = c->in[0]->shape.size[0], .base = ((const ml_embedding_opts *)c->opts)->base });
    return dx[0] != NULL;
}

/* --- scatter_rows --------------------------------------------------------------------------------------------------------- */
static bool scatter_rows_infer(ml_call *c)
{
    const ml_scatter_rows_opts *o = c->opts;
    ml_shape x = c->in[0]->shape, ids = c->in[1]->shape;
    bool     fits = x.n >= ids.n;
    for (int d = 0; fits && d < ids.n; d++) fits = x.size[d] == ids.size[d];
    if (!fits) return ml_fail("scatter_rows: the shape of x, %s, must begin with that of the ids, %s", ml_shape_text(&x), ml_shape_text(&ids));
    if (!is_integer(c->in[1])) return ml_fail("scatter_rows: ids must be integers (i64), got %s", ml_dtype_name((ml_dtype)c->in[1]->dtype));
    if (o->rows < 0) return ml_fail("scatter_rows: rows must not be negative, got %lld", (long long)o->rows);
    c->dtype = (ml_dtype)c->in[0]->dtype;
    if (c->dtype != ML_F32 && c->dtype != ML_F64) return ml_fail("scatter_rows: x must be f32 or f64, got %s", ml_dtype_name(c->dtype));
    ml_shape rows = { 1, { o->rows } };
    return join_shapes("scatter_rows", &rows, &x, ids.n, &c->shape);
}

/* A task owns a range of the output's rows and looks at all ids: each row's sum is in the order of the ids, whoever
 * does it. */
#define ADD_MINE(T)                                                                                  \
    for (int64_t i = 0; i < j->n; i++) {                                                             \
        int64_t row = j->ids[i] - j->base;                                                           \
        if (row < first || row >= last) continue;                                                    \
        const T *x = (const T *)(const void *)j->from + i * width;                                   \
        T       *y = (T *)(void *)j->to + row * width;                                               \
        for (int64_t k = 0; k < width; k++) y[k] += x[k];                                            \
    }

static void add_rows(void *ctx, int64_t task)
{
    const rows_job *j     = ctx;
    int64_t         width = (int64_t)(j->bytes / ml_dtype_bytes(j->dtype));
    int64_t         first = task * j->each, last = first + j->each < j->n_rows ? first + j->each : j->n_rows;
    memset(j->to + (size_t)first * j->bytes, 0, (size_t)(last - first) * j->bytes);
    if (j->dtype == ML_F32) ADD_MINE(float)
    else ADD_MINE(double)
}

static bool scatter_rows_forward(ml_call *c)
{
    const ml_scatter_rows_opts *o = c->opts;
    const int64_t *ids = mli_ids("scatter_rows", "ids", c->in[1], o->rows, o->base);
    ml_tensor     *x   = ids ? mli_contiguous(c->in[0]) : NULL;
    if (!x) return false;
    size_t   bytes = row_bytes(c->out);
    int64_t  n     = ml_tensor_numel(c->in[1]), tasks = (int64_t)bytes * n < 262144 ? 1 : 8;
    rows_job j = { .ids = ids, .n = n, .n_rows = o->rows, .each = (o->rows + tasks - 1) / tasks, .base = o->base, .from = mli_data(x),
                   .to = mli_data(c->out), .bytes = bytes, .dtype = c->dtype };
    if (j.each > 0) ml_parallel((o->rows + j.each - 1) / j.each, add_rows, &j);
    return true;
}

static bool scatter_rows_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    dx[0] = ml_embedding(dy, c->in[1], &(ml_embedding_opts){ ((const ml_scatter_rows_opts *)c->opts)->base });
    return dx[0] != NULL;
}

/* --- one_hot --------------------------------------------------------------------------------------------------------------- */
static bool one_hot_infer(ml_call *c)
{
    const ml_one_hot_opts *o = c->opts;
    if (o->classes < 1) return ml_fail("one_hot: classes must be at least 1, got %lld", (long long)o->classes);
    if (!is_integer(c->in[0])) return ml_fail("one_hot: ids must be integers (i64), got %s; cast them first", ml_dtype_name((ml_dtype)c->in[0]->dtype));
    ml_shape last = { 1, { o->classes } };
    c->dtype      = ML_F32;
    return join_shapes("one_hot", &c->in[0]->shape, &last, 0, &c->shape);
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
/* Ids into tables that lie one after the other: id + b * rows, (batch, ids...). */
static ml_tensor *ids_in_batch(ml_tensor *ids, bool batched, int64_t n, int64_t rows)
{
    ids = mli_with_batch(ids, batched, n);
    if (!ids) return NULL;
    ml_shape column = { ids->shape.n, { n } };
    for (int d = 1; d < column.n; d++) column.size[d] = 1;
    ml_tensor *first = ml_arange(0, (double)n, 1, ML_I64);
    return ml_add(ids, ml_reshape(ml_mul(first, ml_number((double)rows)), &(ml_reshape_opts){ column }));
}

static ml_tensor *embedding_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *table = c->in[0];
    if (!batched[0]) return ml_embedding(table, c->in[1], c->opts);
    if (table->shape.n < 2) return ml_fail("embedding: the table must have at least 1 dimension, got a single number");
    ml_shape flat = { table->shape.n - 1, { n * table->shape.size[1] } };
    for (int d = 1; d < flat.n; d++) flat.size[d] = table->shape.size[d + 1];
    return ml_embedding(ml_reshape(table, &(ml_reshape_opts){ flat }), ids_in_batch(c->in[1], batched[1], n, table->shape.size[1]), c->opts);
}

static ml_tensor *scatter_rows_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_scatter_rows_opts o = *(const ml_scatter_rows_opts *)c->opts;
    int64_t    rows = o.rows;
    ml_tensor *x = mli_with_batch(c->in[0], batched[0], n), *ids = ids_in_batch(c->in[1], batched[1], n, rows);
    o.rows       = n * rows;
    ml_tensor *y = ml_scatter_rows(x, ids, &o);
    if (!y) return NULL;
    ml_shape s = { y->shape.n + 1, { n, rows } };
    for (int d = 2; d < s.n; d++) s.size[d] = y->shape.size[d - 1];
    return ml_reshape(y, &(ml_reshape_opts){ s });
}

static ml_tensor *one_hot_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    return ml_one_hot(c->in[0], c->opts);
}

/* --- samples, operations ----------------------------------------------------------------------------------------------------- */
static const ml_scatter_rows_opts to_5_rows = { .rows = 5 };
static const ml_one_hot_opts      four      = { .classes = 4 };
static const ml_sample embedding_samples[]    = { { .in = { "(4, 3)", "i(2, 3)" }, .ids = 4 }, { .in = { "(4)", "i(5)" }, .ids = 4 },
                                                  { .in = { "(4, 2, 2)", "i()" }, .ids = 4 }, { 0 } };
static const ml_sample scatter_rows_samples[] = { { .in = { "(4, 3)", "i(4)" }, .opts = &to_5_rows, .ids = 5 },
                                                  { .in = { "(2, 2, 3)", "i(2, 2)" }, .opts = &to_5_rows, .ids = 5 }, { 0 } };
static const ml_sample one_hot_samples[]      = { { .in = { "i(3)" }, .opts = &four, .ids = 4, .order = ML_VALUE_ONLY }, { 0 } };

const ml_op ml_op_embedding    = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = embedding_infer, .forward = embedding_forward,
                                   .vjp = embedding_vjp, .vmap = embedding_vmap, .samples = embedding_samples };
const ml_op ml_op_scatter_rows = { .kind = ML_LINEAR, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_IN(1), .infer = scatter_rows_infer,
                                   .forward = scatter_rows_forward, .vjp = scatter_rows_vjp, .vmap = scatter_rows_vmap, .samples = scatter_rows_samples };
const ml_op ml_op_one_hot      = { .kind = ML_OTHER, .flags = ML_NOGRAD | ML_NO_PROMOTE, .infer = one_hot_infer, .forward = one_hot_forward,
                                   .vmap = one_hot_vmap, .samples = one_hot_samples };
