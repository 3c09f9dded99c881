/* matmul, with batches and vectors. Kernels take any steps, so nothing is transposed. */
#include "ops/matrix.h"

#include <string.h>

/* --- matmul -------------------------------------------------------------------------------------------------------------------- */
/* A vector is a row on the left, a column on the right; its dimension of 1 is dropped from the result. */
static ml_shape as_matrix(const ml_shape *s, bool left)
{
    if (s->n != 1) return *s;
    return left ? (ml_shape){ 2, { 1, s->size[0] } } : (ml_shape){ 2, { s->size[0], 1 } };
}

static ml_shape batch_of(const ml_shape *s) { ml_shape b = *s; b.n -= 2; return b; }

static bool matmul_infer(ml_call *c)
{
    ml_shape x = c->in[0]->shape, y = c->in[1]->shape;
    if (x.n == 0 || y.n == 0) return ml_fail("matmul: needs vectors or matrices, got %s x %s; numbers multiply by mul", ml_shape_text(&x), ml_shape_text(&y));
    ml_shape a = as_matrix(&x, true), b = as_matrix(&y, false), ab = batch_of(&a), bb = batch_of(&b), batch;
    if (a.size[a.n - 1] != b.size[b.n - 2])
        return ml_fail("matmul: inner sizes differ: %s x %s", ml_shape_text(&x), ml_shape_text(&y));
    if (!ml_shape_broadcast(&ab, &bb, &batch))
        return ml_fail("matmul: batch sizes do not broadcast: %s x %s", ml_shape_text(&x), ml_shape_text(&y));
    c->shape = batch;
    if (x.n > 1) c->shape.size[c->shape.n++] = a.size[a.n - 2];
    if (y.n > 1) c->shape.size[c->shape.n++] = b.size[b.n - 1];
    return true;
}

typedef struct {
    mlk_gemm       g;
    ml_dtype       dtype;
    const char    *a, *b;
    char          *c;
    ml_shape       batch;
    int64_t        a_stride[ML_MAX_DIMS], b_stride[ML_MAX_DIMS];
    bool           failed;
} batch_job;

static void one_of_batch(void *ctx, int64_t i)
{
    batch_job *j = ctx;
    int64_t    width = (int64_t)ml_dtype_bytes(j->dtype), a = 0, b = 0, rest = i;
    for (int d = j->batch.n - 1; d >= 0; d--) {
        int64_t at = rest % j->batch.size[d];
        rest /= j->batch.size[d];
        a += at * j->a_stride[d];
        b += at * j->b_stride[d];
    }
    mlk_gemm g = j->g;
    g.a = j->a + a * width;
    g.b = j->b + b * width;
    g.c = j->c + i * g.m * g.n * width;
    if (!mli_multiply(j->dtype, &g)) j->failed = true;
}

static void batch_strides(const ml_tensor *t, const ml_shape *batch, int64_t *stride)
{
    int missing = batch->n - (t->shape.n - 2);
    for (int d = 0; d < batch->n; d++)
        stride[d] = d < missing || t->shape.size[d - missing] == 1 ? 0 : t->strides[d - missing];
}

/* (b, n, k) x (k, m) of a contiguous left side is one product of b n rows; so is one whose right sides are the same, repeated. */
static void merge_batch(const ml_tensor *a, const ml_tensor *b, batch_job *j)
{
    if (j->batch.n == 0 || !ml_tensor_is_contiguous(a) || a->shape.n != j->batch.n + 2) return;
    for (int d = 0; d < j->batch.n; d++)
        if ((b->shape.n != 2 && j->b_stride[d] != 0) || a->shape.size[d] != j->batch.size[d]) return;
    for (int d = 0; d < j->batch.n; d++) j->g.m *= j->batch.size[d];
    j->g.a_row   = j->g.k;
    j->g.a_col   = 1;
    j->batch.n   = 0;
}

static bool matmul_forward(ml_call *c)
{
    ml_shape   as = as_matrix(&c->in[0]->shape, true), bs = as_matrix(&c->in[1]->shape, false);
    ml_tensor *a = c->in[0], *b = c->in[1];
    if (a->shape.n == 1) a = mli_view(a, as, (int64_t[]){ 0, a->strides[0] }, a->offset);
    if (b->shape.n == 1) b = mli_view(b, bs, (int64_t[]){ b->strides[0], 0 }, b->offset);
    if (!a || !b) return false;
    mli_matrix l = mli_last_two(a), r = mli_last_two(b);
    batch_job j = { .g = { .m = l.rows, .n = r.cols, .k = l.cols, .a_row = l.row, .a_col = l.col, .b_row = r.row, .b_col = r.col, .c_row = r.cols },
                    .dtype = c->dtype, .a = mli_data(a), .b = mli_data(b), .c = mli_data(c->out) };
    ml_shape  ab = batch_of(&as), bb = batch_of(&bs);
    ml_shape_broadcast(&ab, &bb, &j.batch);
    batch_strides(a, &j.batch, j.a_stride);
    batch_strides(b, &j.batch, j.b_stride);
    merge_batch(a, b, &j);
    int64_t n = ml_shape_numel(&j.batch);
    if (n > 1 && (double)j.g.m * (double)j.g.n * (double)j.g.k < 1e6) ml_parallel(n, one_of_batch, &j);
    else for (int64_t i = 0; i < n; i++) one_of_batch(&j, i); /* each product shares its own work out */
    return !j.failed;
}

/* With every side as a matrix (or batch of them): dx = dy y^T, dy = x^T dy. Batches that were repeated are summed by the engine. */
static bool pull_back(ml_call *c, ml_tensor *dy, ml_tensor *dx[], ml_tensor *(*turned)(ml_tensor *x))
{
    ml_shape   xs = c->in[0]->shape, ys = c->in[1]->shape, a = as_matrix(&xs, true), b = as_matrix(&ys, false), d = c->shape;
    if (ys.n == 1) d.size[d.n++] = 1;
    if (xs.n == 1) {
        d.size[d.n] = d.size[d.n - 1];
        d.size[d.n - 1] = 1;
        d.n++;
    }
    ml_tensor *full = ml_reshape(dy, &(ml_reshape_opts){ d });
    if (ml_needs(c, 0)) {
        ml_tensor *right = ys.n == 1 ? ml_reshape(c->in[1], &(ml_reshape_opts){ b }) : c->in[1];
        dx[0] = ml_matmul(full, turned(right));
        if (dx[0] && xs.n == 1) { /* (batch, 1, k) -> (batch, k) */
            ml_shape s = ml_tensor_shape(dx[0]);
            s.size[s.n - 2] = s.size[s.n - 1];
            s.n--;
            dx[0] = ml_reshape(dx[0], &(ml_reshape_opts){ s });
        }
    }
    if (ml_needs(c, 1)) {
        ml_tensor *left = xs.n == 1 ? ml_reshape(c->in[0], &(ml_reshape_opts){ a }) : c->in[0];
        dx[1] = ml_matmul(turned(left), full);
        if (dx[1] && ys.n == 1) { /* (batch, k, 1) -> (batch, k) */
            ml_shape s = ml_tensor_shape(dx[1]);
            s.n--;
            dx[1] = ml_reshape(dx[1], &(ml_reshape_opts){ s });
        }
    }
    return !ml_failed();
}

static ml_tensor *turned_view(ml_tensor *x) /* not recorded */
{
    if (!x) return NULL;
    ml_shape shape = x->shape;
    int64_t  strides[ML_MAX_DIMS];
    int      n = shape.n;
    memcpy(strides, x->strides, sizeof strides);
    shape.size[n - 1] = x->shape.size[n - 2], strides[n - 1] = x->strides[n - 2];
    shape.size[n - 2] = x->shape.size[n - 1], strides[n - 2] = x->strides[n - 1];
    return mli_view(x, shape, strides, x->offset);
}

static bool matmul_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[]) { return pull_back(c, dy, dx, ml_mT); }

static bool is_turned(const ml_tensor *x)
{
    int n = x->shape.n;
    return n >= 2 && x->strides[n - 2] == 1 && x->strides[n - 1] > 1;
}

/* The gradient of a side that is the transpose of something is made as a transpose too, so that it goes back there as it lies. */
static bool matmul_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *a = c->in[0], *b = c->in[1];
    if (a->shape.n < 2 || b->shape.n < 2 || !(is_turned(a) || is_turned(b))) return pull_back(c, dy, dx, turned_view);
    if (ml_needs(c, 0)) dx[0] = is_turned(a) ? turned_view(ml_matmul(b, turned_view(dy))) : ml_matmul(dy, turned_view(b));
    if (ml_needs(c, 1)) dx[1] = is_turned(b) ? turned_view(ml_matmul(turned_view(dy), a)) : ml_matmul(turned_view(a), dy);
    return !ml_failed();
}

/* Vectors become matrices behind the batch, matrices get as many dimensions of 1 as the other side has batches. */
static ml_tensor *matmul_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *in[2];
    int        rank[2], most = 2;
    for (int i = 0; i < 2; i++) {
        in[i]   = c->in[i];
        rank[i] = in[i]->shape.n - batched[i];
        if (rank[i] == 0) return ml_fail("matmul: needs vectors or matrices, inside vmap each is a single number; numbers multiply by mul");
        if (rank[i] > most) most = rank[i];
    }
    for (int i = 0; i < 2; i++) {
        ml_shape s = in[i]->shape;
        if (rank[i] == 1) { /* k -> (1, k) on the left, (k, 1) on the right */
            int64_t k       = s.size[s.n - 1];
            s.size[s.n - 1] = i == 0 ? 1 : k;
            s.size[s.n++]   = i == 0 ? k : 1;
            in[i]           = ml_reshape(in[i], &(ml_reshape_opts){ s });
        }
        if (batched[i] && in[i]) in[i] = mli_pad_dims(in[i], 1, most);
    }
    ml_tensor *y = ml_matmul(in[0], in[1]);
    if (!y || (rank[0] > 1 && rank[1] > 1)) return y;
    ml_shape s = { 0 };
    (void)n;
    for (int d = 0; d < y->shape.n; d++)
        if (!(rank[0] == 1 && d == y->shape.n - 2) && !(rank[1] == 1 && d == y->shape.n - 1)) s.size[s.n++] = y->shape.size[d];
    return ml_reshape(y, &(ml_reshape_opts){ s });
}

/* --- the operation ----------------------------------------------------------------------------------------------------------- */
static const ml_sample matmul_samples[] = {
    { .in = { "(2, 3)", "(3, 4)" } }, { .in = { "(3)", "(3, 4)" } }, { .in = { "(2, 3)", "(3)" } }, { .in = { "(3)", "(3)" } },
    { .in = { "(2, 1, 2, 3)", "(3, 3, 2)" } }, { .in = { "(3)", "(2, 3, 2)" } }, { .in = { "(2, 2, 3)", "(3)" } }, { .in = { "(2, 2, 3)", "(3, 4)" } }, { 0 }
};

const ml_op ml_op_matmul = { .kind = ML_OTHER, .flags = ML_COUNTS, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .infer = matmul_infer, .forward = matmul_forward,
                             .vjp = matmul_vjp, .vjp_direct = matmul_direct, .vmap = matmul_vmap, .samples = matmul_samples };

/* --- shared by the other products ----------------------------------------------------------------------------------------------- */
static void multiply_integers(const mlk_gemm *g)
{
    const int64_t *a = g->a, *b = g->b;
    int64_t       *c = g->c;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            uint64_t sum = 0; /* wraps around, as NumPy's */
            for (int64_t k = 0; k < g->k; k++) sum += (uint64_t)a[i * g->a_row + k * g->a_col] * (uint64_t)b[k * g->b_row + j * g->b_col];
            c[i * g->c_row + j] = (int64_t)sum;
        }
}

bool mli_multiply(ml_dtype dtype, const mlk_gemm *g)
{
    if (dtype == ML_F32) return mlk()->gemm_f32(g);
    if (dtype == ML_F64) return mlk()->gemm_f64(g);
    multiply_integers(g);
    return true;
}
