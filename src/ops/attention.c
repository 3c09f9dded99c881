/* Attention: softmax(scale q k^T) v, of many heads and sequences at a time.
 *
 * compose defines it. forward and vjp_direct take one head of one sequence after the other, some rows of queries at a time, so that
 * their scores stay in the second cache and are never stored; the derivative computes them again. Queries, keys, values and results
 * may lie in memory with any steps between rows: self_attention (and cross_attention, whose queries come from elsewhere) reads them
 * side by side as one product has left them, and its heads write next to each other. Short sequences have products of their own (kernels/attention.c): there gemm would mostly pack. */
#include "ops/matrix.h"

#include <math.h>
#include <string.h>

#define SCORES 65536 /* of a block of queries: 256 kB in f32 */
#define WORTH  50000 /* multiplications that are worth a task */

/* --- shapes ---------------------------------------------------------------------------------------------------------------------- */
static ml_shape batch_of(const ml_shape *s) { ml_shape b = *s; b.n -= 2; return b; }
static int64_t  rows_of(const ml_shape *s) { return s->size[s->n - 2]; }
static int64_t  width_of(const ml_shape *s) { return s->size[s->n - 1]; }

static bool check_scale(const char *op, double scale)
{
    return isfinite(scale) || ml_fail("%s: scale must be a number, got %g; 0 stands for 1 / sqrt(d)", op, scale);
}

static bool attention_infer(ml_call *c)
{
    const ml_attention_opts *o = c->opts;
    const ml_shape *q = &c->in[0]->shape, *k = &c->in[1]->shape, *v = &c->in[2]->shape;
    if (!check_scale("attention", o->scale)) return false;
    if (q->n < 2 || k->n < 2 || v->n < 2)
        return ml_fail("attention: needs queries (..., t, d), keys (..., s, d), values (..., s, e), got %s, %s, %s", ml_shape_text(q), ml_shape_text(k), ml_shape_text(v));
    if (width_of(q) != width_of(k)) return ml_fail("attention: queries and keys must be of one width, got %s and %s", ml_shape_text(q), ml_shape_text(k));
    if (rows_of(k) != rows_of(v)) return ml_fail("attention: needs a value for each key, got %s and %s", ml_shape_text(k), ml_shape_text(v));
    if (o->causal && rows_of(q) > rows_of(k))
        return ml_fail("attention: causal, the first of %lld queries would see none of %lld keys", (long long)rows_of(q), (long long)rows_of(k));
    ml_shape qb = batch_of(q), kb = batch_of(k), vb = batch_of(v), both;
    if (!ml_shape_broadcast(&qb, &kb, &both) || !ml_shape_broadcast(&both, &vb, &c->shape))
        return ml_fail("attention: batch sizes do not broadcast: %s, %s, %s", ml_shape_text(q), ml_shape_text(k), ml_shape_text(v));
    c->shape.size[c->shape.n++] = rows_of(q);
    c->shape.size[c->shape.n++] = width_of(v);
    return true;
}

/* self_attention and cross_attention: the last input holds 3 or 2 parts side by side, each of all heads. */
_Static_assert(offsetof(ml_self_attention_opts, scale) == offsetof(ml_cross_attention_opts, scale) &&
               sizeof(ml_self_attention_opts) == sizeof(ml_cross_attention_opts), "read alike");
static const ml_self_attention_opts *heads_opts(const ml_call *c) { return c->opts; }

/* Heads of a width each, of which there may be none only in one head. */
static bool divides(int64_t heads, int64_t width) { return heads >= 1 && width % heads == 0 && (width >= heads || heads == 1); }

static bool self_infer(ml_call *c)
{
    const ml_self_attention_opts *o = heads_opts(c);
    const ml_shape *x = &c->in[0]->shape;
    if (!check_scale("self_attention", o->scale)) return false;
    if (x->n < 2 || width_of(x) % 3 || !divides(o->heads, width_of(x) / 3))
        return ml_fail("self_attention: needs queries, keys and values of %lld heads side by side, (..., t, 3 %lld d), got %s", (long long)o->heads,
                       (long long)o->heads, ml_shape_text(x));
    c->shape = *x;
    c->shape.size[x->n - 1] /= 3;
    return true;
}

static bool cross_infer(ml_call *c)
{
    const ml_self_attention_opts *o = heads_opts(c);
    const ml_shape *x = &c->in[0]->shape, *y = &c->in[1]->shape;
    if (!check_scale("cross_attention", o->scale)) return false;
    if (x->n < 2 || !divides(o->heads, width_of(x)))
        return ml_fail("cross_attention: needs queries of %lld heads side by side, (..., t, %lld d), got %s", (long long)o->heads, (long long)o->heads, ml_shape_text(x));
    ml_shape wanted = *x;
    if (y->n == x->n) wanted.size[x->n - 2] = rows_of(y);
    wanted.size[x->n - 1] *= 2;
    if (!ml_shape_equal(&wanted, y))
        return ml_fail("cross_attention: needs keys and values side by side, twice as wide as the queries, of the same batch: (..., s, %lld), got %s and %s",
                       (long long)width_of(&wanted), ml_shape_text(x), ml_shape_text(y));
    if (o->causal && rows_of(x) > rows_of(y))
        return ml_fail("cross_attention: causal, the first of %lld queries would see none of %lld keys", (long long)rows_of(x), (long long)rows_of(y));
    c->shape = *x;
    return true;
}

static double scale_of(double scale, int64_t width) { return scale != 0 ? scale : width ? 1 / sqrt((double)width) : 1; }

/* --- definitions ------------------------------------------------------------------------------------------------------------------ */
static ml_tensor *attention_compose(ml_call *c)
{
    const ml_attention_opts *o = c->opts;
    const ml_shape *q = &c->in[0]->shape;
    int64_t    t = rows_of(q), s = rows_of(&c->in[1]->shape);
    ml_tensor *scores = ml_mul(ml_matmul(c->in[0], ml_mT(c->in[1])), ml_number(scale_of(o->scale, width_of(q))));
    if (o->causal && scores) {
        ml_tensor *seen = ml_tril(ml_ones(ML_SHAPE(t, s), ML_F32), &(ml_tril_opts){ .diagonal = s - t });
        scores          = ml_where(ml_cast(seen, &(ml_cast_opts){ ML_BOOL }), scores, ml_scalar(-INFINITY, (ml_dtype)scores->dtype));
    }
    return ml_matmul(ml_softmax(scores, NULL), c->in[2]);
}

/* Part i of n side by side, (..., t, n heads d) -> (..., heads, t, d). */
static ml_tensor *part(ml_tensor *x, int i, int n, int64_t heads)
{
    ml_shape s = x->shape;
    if (s.n + 1 > ML_MAX_DIMS) return ml_fail("attention: %s has too many dimensions, at most %d are possible", ml_shape_text(&s), ML_MAX_DIMS - 1);
    int64_t all = width_of(&s) / n;
    s.size[s.n - 1] = heads;
    s.size[s.n++]   = all / heads;
    ml_tensor *own  = n == 1 ? x : ml_slice(x, &(ml_slice_opts){ .dim = -1, .start = i * all, .stop = (i + 1) * all, .step = 1 });
    return ml_transpose(ml_reshape(own, &(ml_reshape_opts){ s }), &(ml_transpose_opts){ -3, -2 });
}

static ml_tensor *heads_compose(ml_call *c)
{
    const ml_self_attention_opts *o = heads_opts(c);
    ml_shape   y     = c->shape;
    bool       cross = c->n_in == 2;
    ml_tensor *of    = c->in[cross], *q = cross ? part(c->in[0], 0, 1, o->heads) : part(of, 0, 3, o->heads);
    ml_tensor *z     = ml_attention(q, part(of, !cross, 3 - cross, o->heads), part(of, 1 + !cross, 3 - cross, o->heads), &(ml_attention_opts){ o->causal, o->scale });
    return ml_reshape(ml_transpose(z, &(ml_transpose_opts){ -3, -2 }), &(ml_reshape_opts){ y });
}

/* --- the fast way ------------------------------------------------------------------------------------------------------------------- */
/* Matrices with rows that lie together, one for each of the batch. */
typedef struct {
    char   *at;
    int64_t row, step[ML_MAX_DIMS]; /* from one to the next: row, in each dimension of the batch */
} operand;

enum { Q, K, V, Y, DQ, DK, DV, OPERANDS }; /* Y: the result, or its slope */

typedef struct {
    operand  of[OPERANDS];
    ml_shape batch;
    int64_t  t, s, d, e, block, each, bytes; /* block: queries at a time; each: of the batch, in a task */
    double   scale;
    bool     causal, f32, small, back, failed;
} job;

/* The matrices of one of the batch. */
typedef struct {
    char *at[OPERANDS];
    char *p, *ds, *sum; /* scores; their slopes; a product that is to be added */
} place;

static bool multiply(const job *j, int64_t m, int64_t n, int64_t k, const char *a, int64_t a_row, int64_t a_col, const char *b, int64_t b_row, int64_t b_col, char *c, int64_t c_row)
{
    mlk_gemm g = { .m = m, .n = n, .k = k, .a = a, .a_row = a_row, .a_col = a_col, .b = b, .b_row = b_row, .b_col = b_col, .c = c, .c_row = c_row };
    return mli_multiply(j->f32 ? ML_F32 : ML_F64, &g);
}

/* c (m, n) = a (m, width) x b (n, width) transposed, of operands from their first rows on */
static bool dots(const job *j, int64_t m, int64_t n, int64_t width, const char *a, int a_of, const char *b, int b_of, char *c)
{
    mlk_dots t = { .m = m, .n = n, .width = width, .a = a, .b = b, .a_row = j->of[a_of].row, .b_row = j->of[b_of].row, .c = c };
    if (!j->small) return multiply(j, m, n, width, a, t.a_row, 1, b, 1, t.b_row, c, n);
    (j->f32 ? mlk()->dots_f32 : mlk()->dots_f64)(&t);
    return true;
}

/* y (m, width) = p (m, n) x (n, width), in which p's steps may be exchanged; or added to y */
static bool weigh(const job *j, int64_t m, int64_t n, int64_t width, const char *p, int64_t p_row, int64_t p_col, const char *x, int x_of, char *y, int y_of, bool add, char *sum)
{
    mlk_weigh t = { .m = m, .n = n, .width = width, .add = add, .p = p, .p_row = p_row, .p_col = p_col, .x = x, .x_row = j->of[x_of].row, .y = y, .y_row = j->of[y_of].row };
    if (j->small) {
        (j->f32 ? mlk()->weigh_f32 : mlk()->weigh_f64)(&t);
        return true;
    }
    if (!multiply(j, m, width, n, p, p_row, p_col, x, t.x_row, 1, add ? sum : y, add ? width : t.y_row)) return false;
    for (int64_t i = 0; add && i < m; i++)
        (j->f32 ? mlk()->add_f32 : mlk()->add_f64)(width, sum + i * width * j->bytes, 1, y + i * t.y_row * j->bytes, 1, y + i * t.y_row * j->bytes);
    return true;
}

/* The weights of queries first..first+m-1 for the n keys that the last of them sees. */
static bool weights(const job *j, const place *w, int64_t first, int64_t m, int64_t n)
{
    if (!dots(j, m, n, j->d, w->at[Q] + first * j->of[Q].row * j->bytes, Q, w->at[K], K, w->p)) return false;
    int64_t seen = j->causal ? j->s - j->t + first + 1 : n;
    (j->f32 ? mlk()->attend_f32 : mlk()->attend_f64)(m, n, seen, j->causal, j->scale, w->p);
    return true;
}

static bool forward_one(const job *j, const place *w, int64_t first, int64_t m, int64_t n)
{
    return weights(j, w, first, m, n) && weigh(j, m, n, j->e, w->p, n, 1, w->at[V], V, w->at[Y] + first * j->of[Y].row * j->bytes, Y, false, NULL);
}

/* With p the weights: dv = p^T dy, dp = dy v^T, ds = p (dp - sum of p dp) scale, dq = ds k, dk = ds^T q. */
static bool back_one(const job *j, const place *w, int64_t first, int64_t m, int64_t n)
{
    const char *dy = w->at[Y] + first * j->of[Y].row * j->bytes, *q = w->at[Q] + first * j->of[Q].row * j->bytes;
    bool        add = j->block < j->t;
    if (!weights(j, w, first, m, n)) return false;
    if (w->at[DV] && !weigh(j, n, m, j->e, w->p, 1, n, dy, Y, w->at[DV], DV, add, w->sum)) return false;
    if (!w->at[DQ] && !w->at[DK]) return true;
    if (!dots(j, m, n, j->e, dy, Y, w->at[V], V, w->ds)) return false;
    (j->f32 ? mlk()->attend_dx_f32 : mlk()->attend_dx_f64)(m, n, w->p, j->scale, w->ds);
    if (w->at[DQ] && !weigh(j, m, n, j->d, w->ds, n, 1, w->at[K], K, w->at[DQ] + first * j->of[DQ].row * j->bytes, DQ, false, NULL)) return false;
    return !w->at[DK] || weigh(j, n, m, j->d, w->ds, 1, n, q, Q, w->at[DK], DK, add, w->sum);
}

/* Blocks of queries add to the slopes of keys and values, from zero on. */
static void clear(const job *j, const place *w, int of, int64_t width)
{
    for (int64_t i = 0; w->at[of] && i < j->s; i++) memset(w->at[of] + i * j->of[of].row * j->bytes, 0, (size_t)(width * j->bytes));
}

static bool all_queries(const job *j, const place *w)
{
    if (j->back && j->block < j->t) clear(j, w, DK, j->d), clear(j, w, DV, j->e);
    for (int64_t first = 0; first < j->t; first += j->block) {
        int64_t m = j->t - first < j->block ? j->t - first : j->block, n = j->causal ? j->s - j->t + first + m : j->s;
        if (!(j->back ? back_one : forward_one)(j, w, first, m, n)) return false;
    }
    return true;
}

static void find_place(const job *j, int64_t i, place *w)
{
    int64_t at[OPERANDS] = { 0 };
    for (int d = j->batch.n - 1; d >= 0; d--) {
        int64_t here = i % j->batch.size[d];
        i /= j->batch.size[d];
        for (int k = 0; k < OPERANDS; k++) at[k] += here * j->of[k].step[d];
    }
    for (int k = 0; k < OPERANDS; k++) w->at[k] = j->of[k].at ? j->of[k].at + at[k] * j->bytes : NULL;
}

static void run_task(void *ctx, int64_t task)
{
    job    *j      = ctx;
    int64_t n      = ml_shape_numel(&j->batch), scores = j->block * j->s * j->bytes, most = j->d > j->e ? j->d : j->e;
    int64_t sum    = j->back && !j->small && j->block < j->t ? j->s * most * j->bytes : 0;
    size_t  bytes  = (size_t)((1 + j->back) * scores + sum + 1);
    place   w      = { .p = ml_block_take(bytes) };
    bool    ok     = w.p != NULL;
    w.ds           = w.p + scores;
    w.sum          = w.ds + scores;
    for (int64_t i = task * j->each; ok && i < n && i < (task + 1) * j->each; i++) {
        find_place(j, i, &w);
        ok = all_queries(j, &w);
    }
    if (w.p) ml_block_give(w.p, bytes);
    if (!ok) __atomic_store_n(&j->failed, true, __ATOMIC_RELAXED);
}

static bool run(job *j)
{
    int64_t n    = ml_shape_numel(&j->batch);
    double  work = (double)j->t * (double)j->s * (double)(j->d + j->e);
    j->block = SCORES / (j->s + 1) + 1 < j->t ? SCORES / (j->s + 1) + 1 : j->t;
    j->small = j->t < 16 || j->s < 16;
    j->each  = (int64_t)(WORTH / (work + 1)) + 1;
    if (n == 1) run_task(j, 0); /* its products share themselves out */
    else ml_parallel((n + j->each - 1) / j->each, run_task, j);
    return !j->failed;
}

/* --- operands: where they lie ----------------------------------------------------------------------------------------------------------- */
/* A tensor (..., rows, width), repeated where the batch is larger than its own; rows that do not lie together are copied. */
static bool take(job *j, int of, ml_tensor *x)
{
    if (x && x->strides[x->shape.n - 1] != 1 && width_of(&x->shape) > 1) x = mli_contiguous(x);
    if (!x) return false;
    int missing = j->batch.n - (x->shape.n - 2);
    j->of[of].at  = mli_data(x);
    j->of[of].row = x->strides[x->shape.n - 2];
    for (int d = 0; d < j->batch.n; d++) j->of[of].step[d] = d < missing || x->shape.size[d - missing] == 1 ? 0 : x->strides[d - missing];
    return true;
}

static job job_of(const ml_call *c, const ml_shape *q, const ml_shape *k, const ml_shape *v, bool causal, double scale)
{
    return (job){ .t = rows_of(q), .s = rows_of(k), .d = width_of(q), .e = width_of(v), .causal = causal, .scale = scale_of(scale, width_of(q)),
                  .f32 = c->dtype == ML_F32, .bytes = (int64_t)ml_dtype_bytes(c->dtype) };
}

static bool nothing(const ml_call *c, const job *j) { return ml_shape_numel(&c->shape) == 0 || j->s == 0; }

static job attention_job(const ml_call *c)
{
    const ml_attention_opts *o = c->opts;
    job j   = job_of(c, &c->in[0]->shape, &c->in[1]->shape, &c->in[2]->shape, o->causal, o->scale);
    j.batch = batch_of(&c->shape);
    return j;
}

static bool attention_forward(ml_call *c)
{
    job j = attention_job(c);
    if (nothing(c, &j)) { /* of no keys nothing comes */
        memset(mli_data(c->out), 0, (size_t)(ml_shape_numel(&c->shape) * j.bytes));
        return true;
    }
    return take(&j, Q, c->in[0]) && take(&j, K, c->in[1]) && take(&j, V, c->in[2]) && take(&j, Y, c->out) && run(&j);
}

static bool attention_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    job j  = attention_job(c);
    j.back = true;
    if (nothing(c, &j)) return true;
    if (!take(&j, Q, c->in[0]) || !take(&j, K, c->in[1]) || !take(&j, V, c->in[2]) || !take(&j, Y, dy)) return false;
    for (int i = 0; i < 3; i++) { /* of each of the batch: the engine sums where an input was repeated */
        ml_shape s = j.batch;
        s.size[s.n++] = rows_of(&c->in[i]->shape);
        s.size[s.n++] = width_of(&c->in[i]->shape);
        if (ml_needs(c, i) && !((dx[i] = ml_empty(s, c->dtype)) && take(&j, DQ + i, dx[i]))) return false;
    }
    return run(&j);
}

/* As matmul: matrices behind the batch get as many dimensions of 1 as the others have batches. */
static ml_tensor *attention_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *in[3];
    int        most = 2;
    (void)n;
    for (int i = 0; i < 3; i++)
        if (c->in[i]->shape.n - batched[i] > most) most = c->in[i]->shape.n - batched[i];
    for (int i = 0; i < 3; i++) in[i] = batched[i] ? mli_pad_dims(c->in[i], 1, most) : c->in[i];
    return ml_attention(in[0], in[1], in[2], c->opts);
}

/* --- heads side by side: the operands are parts of the tensors ---------------------------------------------------------------------------------- */
/* Part i of n, (batch, t, n heads d) contiguous, as (batch, heads, t, d). */
static ml_tensor *heads_of(ml_tensor *x, int i, int n, int64_t heads)
{
    if (!x) return NULL;
    int64_t t = rows_of(&x->shape), all = width_of(&x->shape), d = all / (n * heads), batch = t ? ml_tensor_numel(x) / (t * (all ? all : 1)) : 0;
    return mli_view(x, ML_SHAPE(batch, heads, t, d), (int64_t[]){ t * all, d, all, 1 }, x->offset + i * heads * d);
}

/* Queries, keys, values of the inputs, or what is like these, from operand `first` on; NULL: not asked for. */
static bool take_heads(job *j, int first, ml_tensor *const in[], int n_in, int64_t heads)
{
    bool cross = n_in == 2;
    for (int i = 0; i < 3; i++) {
        ml_tensor *x = in[cross && i > 0];
        if (x && !take(j, first + i, cross ? heads_of(x, i ? i - 1 : 0, i ? 2 : 1, heads) : heads_of(x, i, 3, heads))) return false;
    }
    return true;
}

static bool heads_job(const ml_call *c, job *j)
{
    const ml_self_attention_opts *o = heads_opts(c);
    ml_tensor *in[2] = { NULL, NULL }, *q = NULL, *v = NULL;
    bool       cross = c->n_in == 2;
    for (int i = 0; i < c->n_in; i++)
        if (!(in[i] = mli_contiguous(c->in[i]))) return false;
    q = heads_of(in[0], 0, cross ? 1 : 3, o->heads);
    v = heads_of(in[cross], 0, cross ? 2 : 3, o->heads);
    if (!q || !v) return false;
    *j       = job_of(c, &q->shape, &v->shape, &v->shape, o->causal, o->scale);
    j->batch = batch_of(&q->shape);
    return take_heads(j, Q, in, c->n_in, o->heads);
}

static bool heads_forward(ml_call *c)
{
    job j;
    if (ml_shape_numel(&c->shape) == 0) return true;
    if (!heads_job(c, &j)) return false;
    if (j.s == 0) return memset(mli_data(c->out), 0, (size_t)(ml_shape_numel(&c->shape) * j.bytes)) != NULL; /* of no keys nothing comes */
    return take(&j, Y, heads_of(c->out, 0, 1, heads_opts(c)->heads)) && run(&j);
}

static bool heads_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    job     j;
    int64_t heads = heads_opts(c)->heads;
    if (ml_shape_numel(&c->shape) == 0 || rows_of(&c->in[c->n_in - 1]->shape) == 0) return true;
    if (!heads_job(c, &j) || !take(&j, Y, heads_of(mli_contiguous(dy), 0, 1, heads))) return false;
    for (int i = 0; i < c->n_in; i++)
        if (ml_needs(c, i) && !(dx[i] = ml_empty(c->in[i]->shape, c->dtype))) return false;
    j.back = true;
    return take_heads(&j, DQ, dx, c->n_in, heads) && run(&j);
}

static ml_tensor *heads_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *in[2];
    for (int i = 0; i < c->n_in; i++) in[i] = mli_with_batch(c->in[i], batched[i], n);
    return ml_op_apply(c->id, in, c->n_in, c->opts);
}

/* --- samples, operations ------------------------------------------------------------------------------------------------------------------------- */
static const ml_attention_opts causal = { .causal = true }, scaled = { .scale = 0.3 };
static const ml_self_attention_opts two_heads = { .heads = 2 }, causal_heads = { .heads = 2, .causal = true, .scale = 0.7 };
static const ml_sample attention_samples[] = {
    { .in = { "(2, 3, 2)", "(2, 4, 2)", "(2, 4, 3)" } },
    { .in = { "(2, 2)", "(3, 2)", "(3, 1)" }, .opts = &causal },
    { .in = { "(2, 1, 2, 2)", "(3, 3, 2)", "(3, 2)" }, .opts = &scaled },
    { 0 }
};
static const ml_sample self_samples[] = {
    { .in = { "(3, 6)" } },
    { .in = { "(2, 3, 6)" }, .opts = &two_heads },
    { .in = { "(2, 2, 12)" }, .opts = &causal_heads },
    { 0 }
};

static const ml_sample cross_samples[] = {
    { .in = { "(2, 2, 4)", "(2, 3, 8)" }, .opts = &two_heads },
    { .in = { "(1, 3)", "(2, 6)" } },
    { .in = { "(2, 4)", "(3, 8)" }, .opts = &causal_heads },
    { 0 }
};

const ml_op ml_op_attention = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1) | ML_SAVE_IN(2), .infer = attention_infer,
                                .forward = attention_forward, .vjp_direct = attention_direct, .compose = attention_compose, .vmap = attention_vmap,
                                .samples = attention_samples };
const ml_op ml_op_self_attention = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = self_infer, .forward = heads_forward,
                                     .vjp_direct = heads_direct, .compose = heads_compose, .vmap = heads_vmap, .samples = self_samples };
const ml_op ml_op_cross_attention = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .infer = cross_infer, .forward = heads_forward,
                                      .vjp_direct = heads_direct, .compose = heads_compose, .vmap = heads_vmap, .samples = cross_samples };
