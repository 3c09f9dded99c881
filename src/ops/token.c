/* token_linear: embedding, flatten and linear in one, for when there are more rows than there are tokens.
 *
 * A row of the embedded input is one of v vectors at each of its t places, so x w^T needs only the v products of the
 * table with each place's part of w; a row's result is then a sum of t looked-up vectors. Backward likewise: dz is first
 * summed by token, (n, m) -> (v, m), and then multiplied. With n rows of t tokens of d numbers the work falls from n t d m
 * multiplications to v t d m and n t m additions: 20 times less for modular addition with p = 97. */
#include "ops/matrix.h"

#include <string.h>

typedef struct {
    int64_t n, t, v, d, m; /* rows, places, tokens, width of the table, outputs */
    int     base;
    ml_act  act;
} sizes;

static sizes sizes_of(const ml_call *c)
{
    const ml_token_linear_opts *o = c->opts;
    return (sizes){ c->in[0]->shape.size[0], c->in[0]->shape.size[1], c->in[1]->shape.size[0], c->in[1]->shape.size[1],
                    c->in[2]->shape.size[0], o->base, o->act };
}

static bool token_linear_infer(ml_call *c)
{
    if (!mli_choice("token_linear", "act", ((const ml_token_linear_opts *)c->opts)->act, ML_ACT_COUNT)) return false;
    ml_shape ids = c->in[0]->shape, table = c->in[1]->shape, w = c->in[2]->shape, b = c->in[3]->shape;
    if (c->in[0]->dtype != ML_I64 && c->in[0]->dtype != ML_U8)
        return ml_fail("token_linear: ids must be integers (i64), got %s; cast them first", ml_dtype_name((ml_dtype)c->in[0]->dtype));
    if (ids.n != 2 || table.n != 2 || w.n != 2 || w.size[1] != ids.size[1] * table.size[1])
        return ml_fail("token_linear: needs ids (n, t), table (v, d), w (m, t d), got %s, %s and %s", ml_shape_text(&ids), ml_shape_text(&table), ml_shape_text(&w));
    if (b.n != 1 || b.size[0] != w.size[0])
        return ml_fail("token_linear: the bias must have shape (%lld), one number an output, got %s", (long long)w.size[0], ml_shape_text(&b));
    c->dtype = (ml_dtype)c->in[1]->dtype;
    if (!ml_dtype_is_float(c->dtype) || c->in[2]->dtype != c->dtype || c->in[3]->dtype != c->dtype)
        return ml_fail("token_linear: table, w and b must share one dtype, f32 or f64, got %s, %s and %s", ml_dtype_name(c->dtype),
                       ml_dtype_name((ml_dtype)c->in[2]->dtype), ml_dtype_name((ml_dtype)c->in[3]->dtype));
    c->shape = (ml_shape){ 2, { ids.size[0], w.size[0] } };
    return true;
}

static ml_tensor *token_linear_compose(ml_call *c)
{
    sizes      s = sizes_of(c);
    ml_tensor *x = ml_embedding(c->in[1], c->in[0], &(ml_embedding_opts){ s.base });
    return ml_linear(ml_reshape(x, &(ml_reshape_opts){ { 2, { s.n, s.t * s.d } } }), c->in[2], c->in[3], &(ml_linear_opts){ s.act });
}

/* The part of w that place i sees, as (m, d): first value and steps, for a kernel. */
static const void *part_of_w(const ml_tensor *w, int64_t place, int64_t d)
{
    return (const char *)mli_data(w) + place * d * w->strides[1] * (int64_t)ml_dtype_bytes((ml_dtype)w->dtype);
}

/* --- forward ---------------------------------------------------------------------------------------------------------------- */
typedef struct {
    sizes          s;
    const int64_t *ids;
    bool           f32;
    const char    *from; /* forward: the products (t, v, m); backward: dz (n, m) */
    const char    *bias;
    char          *to;   /* forward: (n, m); backward: (t, v, m) */
    int64_t        each;
} job;

#define GATHER(T)                                                                                         \
    for (int64_t i = first; i < last; i++) {                                                              \
        T       *y = (T *)(void *)j->to + i * m;                                                          \
        const T *p = (const T *)(const void *)j->from + (j->ids[i * t] - j->s.base) * m, *b = (const T *)(const void *)j->bias; \
        for (int64_t k = 0; k < m; k++) y[k] = b[k] + p[k];                                               \
        for (int64_t place = 1; place < t; place++) {                                                     \
            p = (const T *)(const void *)j->from + (place * j->s.v + j->ids[i * t + place] - j->s.base) * m; \
            for (int64_t k = 0; k < m; k++) y[k] += p[k];                                                 \
        }                                                                                                 \
    }

static void gather_rows(void *ctx, int64_t task)
{
    const job *j = ctx;
    int64_t    m = j->s.m, t = j->s.t, first = task * j->each, last = first + j->each < j->s.n ? first + j->each : j->s.n;
    if (j->f32) GATHER(float)
    else GATHER(double)
    int64_t            at = first * m, n = (last - first) * m;
    const ml_kernels *k  = mlk();
    if (j->s.act == ML_ACT_NONE) return;
    void *y = j->to + at * (j->f32 ? 4 : 8);
    switch (j->s.act) { /* while the rows are warm */
    case ML_ACT_RELU: j->f32 ? k->relu_f32(n, y, y) : k->relu_f64(n, y, y); break;
    case ML_ACT_TANH: j->f32 ? k->tanh_f32(n, y, y) : k->tanh_f64(n, y, y); break;
    default: j->f32 ? k->sigmoid_f32(n, y, y) : k->sigmoid_f64(n, y, y); break;
    }
}

static bool token_linear_forward(ml_call *c)
{
    sizes s = sizes_of(c);
    if (s.t == 0 || s.v == 0 || s.n == 0) return s.n == 0 || (ml_fail("token_linear: no tokens to look up in %s", ml_shape_text(&c->in[1]->shape)), false);
    const int64_t *ids      = mli_ids("token_linear", "ids", c->in[0], s.v, s.base);
    ml_tensor     *products = ml_empty(ML_SHAPE(s.t, s.v, s.m), c->dtype), *bias = mli_contiguous(c->in[3]);
    if (!ids || !products || !bias) return false;
    const ml_tensor *table = c->in[1], *w = c->in[2];
    size_t           width = ml_dtype_bytes(c->dtype);
    for (int64_t place = 0; place < s.t; place++) { /* (v, d) x (d, m) */
        mlk_gemm g = { .m = s.v, .n = s.m, .k = s.d, .a = mli_data(table), .a_row = table->strides[0], .a_col = table->strides[1],
                       .b = part_of_w(w, place, s.d), .b_row = w->strides[1], .b_col = w->strides[0],
                       .c = (char *)mli_data(products) + (size_t)(place * s.v * s.m) * width, .c_row = s.m };
        if (!mli_multiply(c->dtype, &g)) return false;
    }
    job j = { .s = s, .ids = ids, .f32 = c->dtype == ML_F32, .from = mli_data(products), .bias = mli_data(bias), .to = mli_data(c->out),
              .each = 16384 / (s.m + 1) + 1 };
    ml_parallel((s.n + j.each - 1) / j.each, gather_rows, &j);
    return true;
}

/* --- backward --------------------------------------------------------------------------------------------------------------- */
/* A task owns one place and a range of tokens and reads all rows: the order of each sum is that of the rows. */
#define SCATTER(T)                                                                                        \
    for (int64_t i = 0; i < j->s.n; i++) {                                                                \
        int64_t id = j->ids[i * j->s.t + place] - j->s.base;                                              \
        if (id < first || id >= last) continue;                                                           \
        const T *z = (const T *)(const void *)j->from + i * m;                                            \
        T       *y = (T *)(void *)j->to + (place * j->s.v + id) * m;                                      \
        for (int64_t k = 0; k < m; k++) y[k] += z[k];                                                     \
    }

static void scatter_rows(void *ctx, int64_t task)
{
    const job *j     = ctx;
    int64_t    parts = (j->s.v + j->each - 1) / j->each, place = task / parts, m = j->s.m;
    int64_t    first = task % parts * j->each, last = first + j->each < j->s.v ? first + j->each : j->s.v;
    size_t     width = j->f32 ? 4 : 8;
    memset(j->to + (size_t)((place * j->s.v + first) * m) * width, 0, (size_t)((last - first) * m) * width);
    if (j->f32) SCATTER(float)
    else SCATTER(double)
}

static bool token_linear_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    sizes          s   = sizes_of(c);
    const int64_t *ids = mli_ids("token_linear", "ids", c->in[0], s.v, s.base);
    ml_tensor     *dz  = ids ? mli_contiguous(mli_before_act(s.act, dy, c->out)) : NULL;
    ml_tensor     *sums = dz ? ml_empty(ML_SHAPE(s.t, s.v, s.m), c->dtype) : NULL;
    if (!sums) return false;
    job j = { .s = s, .ids = ids, .f32 = c->dtype == ML_F32, .from = mli_data(dz), .to = mli_data(sums), .each = (s.v + 3) / 4 };
    ml_parallel(s.t * ((s.v + j.each - 1) / j.each), scatter_rows, &j);

    const ml_tensor *table = c->in[1], *w = c->in[2];
    size_t           width = ml_dtype_bytes(c->dtype);
    if (ml_needs(c, 2) && !(dx[2] = ml_empty(w->shape, c->dtype))) return false;
    for (int64_t place = 0; place < s.t; place++) {
        const void *sum = (const char *)mli_data(sums) + (size_t)(place * s.v * s.m) * width;
        if (ml_needs(c, 1)) { /* (v, m) x (m, d) */
            ml_tensor *part = ml_empty(table->shape, c->dtype);
            if (!part) return false;
            mlk_gemm g = { .m = s.v, .n = s.d, .k = s.m, .a = sum, .a_row = s.m, .a_col = 1, .b = part_of_w(w, place, s.d),
                           .b_row = w->strides[0], .b_col = w->strides[1], .c = mli_data(part), .c_row = s.d };
            if (!mli_multiply(c->dtype, &g)) return false;
            dx[1] = dx[1] ? ml_add(dx[1], part) : part;
        }
        if (ml_needs(c, 2)) { /* (m, v) x (v, d), into the columns of this place */
            mlk_gemm g = { .m = s.m, .n = s.d, .k = s.v, .a = sum, .a_row = 1, .a_col = s.m, .b = mli_data(table), .b_row = table->strides[0],
                           .b_col = table->strides[1], .c = (char *)mli_data(dx[2]) + (size_t)(place * s.d) * width, .c_row = s.t * s.d };
            if (!mli_multiply(c->dtype, &g)) return false;
        }
    }
    if (ml_needs(c, 3)) dx[3] = ml_sum_dim(ml_reshape(ml_slice(sums, &(ml_slice_opts){ 0, 0, 1, 1 }), &(ml_reshape_opts){ { 2, { s.v, s.m } } }), 0, false);
    return !ml_failed();
}

/* --- samples, the operation --------------------------------------------------------------------------------------------------- */
static const ml_token_linear_opts with_tanh = { .act = ML_ACT_TANH };
static const ml_sample token_linear_samples[] = {
    { .in = { "i(7, 2)", "(3, 4)", "(5, 8)", "(5)" }, .ids = 3 },
    { .in = { "i(4, 3)", "(3, 2)", "(2, 6)", "(2)" }, .ids = 3, .opts = &with_tanh }, { 0 }
};

const ml_op ml_op_token_linear = { .kind = ML_OTHER, .flags = ML_NO_PROMOTE, .saves = ML_SAVE_OUT, .infer = token_linear_infer, .forward = token_linear_forward,
                                   .vjp_direct = token_linear_direct, .compose = token_linear_compose, .samples = token_linear_samples };
