/* Products: matmul with batches, and the fused layer act(x w^T + b). Kernels take any steps, so nothing is transposed. */
#include "ops/op.h"

#include "kernels/kernels.h"

#include <string.h>

/* --- one product of two matrices given as tensors of at least two dimensions ------------------------------------------------ */
typedef struct {
    const ml_tensor *t;
    int64_t          rows, cols, row, col; /* sizes and steps of the last two dimensions */
} matrix;

static matrix last_two(const ml_tensor *t)
{
    int n = t->shape.n;
    return (matrix){ t, t->shape.size[n - 2], t->shape.size[n - 1], t->strides[n - 2], t->strides[n - 1] };
}

static void multiply_integers(const mlk_gemm *g)
{
    const int64_t *a = g->a, *b = g->b;
    int64_t       *c = g->c;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            uint64_t sum = 0;
            for (int64_t k = 0; k < g->k; k++) sum += (uint64_t)a[i * g->a_row + k * g->a_col] * (uint64_t)b[k * g->b_row + j * g->b_col];
            c[i * g->c_row + j] = (int64_t)sum;
        }
}

static bool multiply(ml_dtype dtype, const mlk_gemm *g)
{
    if (dtype == ML_F32) return mlk()->gemm_f32(g);
    if (dtype == ML_F64) return mlk()->gemm_f64(g);
    multiply_integers(g);
    return true;
}

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
    if (!multiply(j->dtype, &g)) j->failed = true;
}

static void batch_strides(const ml_tensor *t, const ml_shape *batch, int64_t *stride)
{
    int missing = batch->n - (t->shape.n - 2);
    for (int d = 0; d < batch->n; d++)
        stride[d] = d < missing || t->shape.size[d - missing] == 1 ? 0 : t->strides[d - missing];
}

/* (b, n, k) x (k, m) of a contiguous left side is one product of b n rows. */
static void merge_batch(const ml_tensor *a, const ml_tensor *b, batch_job *j)
{
    if (b->shape.n != 2 || j->batch.n == 0 || !ml_tensor_is_contiguous(a)) return;
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
    matrix    l = last_two(a), r = last_two(b);
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
static bool matmul_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
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
        dx[0] = ml_matmul(full, ml_mT(right));
        if (dx[0] && xs.n == 1) { /* (batch, 1, k) -> (batch, k) */
            ml_shape s = ml_tensor_shape(dx[0]);
            s.size[s.n - 2] = s.size[s.n - 1];
            s.n--;
            dx[0] = ml_reshape(dx[0], &(ml_reshape_opts){ s });
        }
    }
    if (ml_needs(c, 1)) {
        ml_tensor *left = xs.n == 1 ? ml_reshape(c->in[0], &(ml_reshape_opts){ a }) : c->in[0];
        dx[1] = ml_matmul(ml_mT(left), full);
        if (dx[1] && ys.n == 1) { /* (batch, k, 1) -> (batch, k) */
            ml_shape s = ml_tensor_shape(dx[1]);
            s.n--;
            dx[1] = ml_reshape(dx[1], &(ml_reshape_opts){ s });
        }
    }
    return !ml_failed();
}

/* --- linear ---------------------------------------------------------------------------------------------------------------------- */
static bool linear_infer(ml_call *c)
{
    ml_shape x = c->in[0]->shape, w = c->in[1]->shape, b = c->in[2]->shape;
    if (w.n != 2) return ml_fail("linear: the weight must be a matrix (out, in), got %s", ml_shape_text(&w));
    if (x.n < 1 || x.size[x.n - 1] != w.size[1])
        return ml_fail("linear: inner sizes differ: %s x %s transposed", ml_shape_text(&x), ml_shape_text(&w));
    if (b.n != 1 || b.size[0] != w.size[0])
        return ml_fail("linear: the bias must have shape (%lld), one number an output, got %s", (long long)w.size[0], ml_shape_text(&b));
    c->shape                       = x;
    c->shape.size[c->shape.n - 1] = w.size[0];
    return true;
}

/* x as a matrix of rows: (n, k); a vector is one row. */
static ml_tensor *as_rows(ml_tensor *x)
{
    if (!x || x->shape.n == 2) return x;
    int64_t k = x->shape.size[x->shape.n - 1], n = 1;
    for (int d = 0; d + 1 < x->shape.n; d++) n *= x->shape.size[d];
    x = mli_contiguous(x);
    return x ? mli_view(x, ML_SHAPE(n, k), NULL, x->offset) : NULL;
}

static mlk_act kernel_act(ml_act act)
{
    static const mlk_act acts[ML_ACT_COUNT] = { MLK_ACT_NONE, MLK_ACT_RELU, MLK_ACT_TANH, MLK_ACT_SIGMOID };
    return acts[act];
}

static bool linear_forward(ml_call *c)
{
    ml_tensor *x = as_rows(c->in[0]), *bias = mli_contiguous(c->in[2]);
    if (!x || !bias) return false;
    matrix   l = last_two(x), r = last_two(c->in[1]);
    mlk_gemm g = { .m = l.rows, .n = r.rows, .k = l.cols, .a = mli_data(x), .a_row = l.row, .a_col = l.col, .b = mli_data(c->in[1]),
                   .b_row = r.col, .b_col = r.row, .c = mli_data(c->out), .c_row = r.rows, .bias = mli_data(bias),
                   .act = kernel_act(((const ml_linear_opts *)c->opts)->act) };
    return multiply(c->dtype, &g);
}

static ml_tensor *linear_compose(ml_call *c)
{
    ml_tensor *z = ml_add(ml_matmul(c->in[0], ml_mT(c->in[1])), c->in[2]);
    switch (((const ml_linear_opts *)c->opts)->act) {
    case ML_ACT_RELU: return ml_relu(z);
    case ML_ACT_TANH: return ml_tanh(z);
    case ML_ACT_SIGMOID: return ml_sigmoid(z);
    default: return z;
    }
}

/* dy times the slope of the activation, which all three have from their output alone; one pass. */
static ml_tensor *before_act(ml_call *c, ml_tensor *dy)
{
    ml_act act = ((const ml_linear_opts *)c->opts)->act;
    bool   f32 = c->dtype == ML_F32;
    if (act == ML_ACT_NONE) return dy;
    ml_tensor *in[] = { dy, c->out };
    ml_call    run  = { .op = c->op, .id = c->id, .n_in = 2, .in = in, .shape = c->shape, .dtype = c->dtype, .out = ml_empty(c->shape, c->dtype) };
    mli_map2_fn f = act == ML_ACT_RELU ? (f32 ? mlk()->relu_dx_f32 : mlk()->relu_dx_f64)
                  : act == ML_ACT_TANH ? (f32 ? mlk()->tanh_dx_f32 : mlk()->tanh_dx_f64)
                                       : (f32 ? mlk()->sigmoid_dx_f32 : mlk()->sigmoid_dx_f64);
    return run.out && mli_map2(&run, f) ? run.out : NULL;
}

static bool linear_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *dz = as_rows(before_act(c, dy)), *x = as_rows(c->in[0]); /* (n, m), (n, k) */
    if (!dz || !x) return false;
    ml_tensor *w = c->in[1];                                            /* (m, k) */
    matrix     z = last_two(dz), l = last_two(x), r = last_two(w);
    if (ml_needs(c, 0)) { /* (n, m) x (m, k) */
        if (!(dx[0] = ml_empty(c->in[0]->shape, c->dtype))) return false;
        mlk_gemm g = { .m = z.rows, .n = l.cols, .k = z.cols, .a = mli_data(dz), .a_row = z.row, .a_col = z.col, .b = mli_data(w),
                       .b_row = r.row, .b_col = r.col, .c = mli_data(dx[0]), .c_row = l.cols };
        if (!multiply(c->dtype, &g)) return false;
    }
    if (ml_needs(c, 1)) { /* (m, n) x (n, k) */
        if (!(dx[1] = ml_empty(w->shape, c->dtype))) return false;
        mlk_gemm g = { .m = z.cols, .n = l.cols, .k = z.rows, .a = mli_data(dz), .a_row = z.col, .a_col = z.row, .b = mli_data(x),
                       .b_row = l.row, .b_col = l.col, .c = mli_data(dx[1]), .c_row = l.cols };
        if (!multiply(c->dtype, &g)) return false;
    }
    if (ml_needs(c, 2)) dx[2] = ml_sum_dim(dz, 0, false);
    return !ml_failed();
}

/* --- samples, operations ----------------------------------------------------------------------------------------------------------- */
static const ml_sample matmul_samples[] = {
    { .in = { "(2, 3)", "(3, 4)" } }, { .in = { "(3)", "(3, 4)" } }, { .in = { "(2, 3)", "(3)" } }, { .in = { "(3)", "(3)" } },
    { .in = { "(2, 1, 2, 3)", "(3, 3, 2)" } }, { .in = { "(3)", "(2, 3, 2)" } }, { .in = { "(2, 2, 3)", "(3)" } }, { .in = { "(2, 2, 3)", "(3, 4)" } }, { 0 }
};
static const ml_linear_opts with_relu = { ML_ACT_RELU }, with_tanh = { ML_ACT_TANH }, with_sigmoid = { ML_ACT_SIGMOID };
static const ml_sample linear_samples[] = {
    { .in = { "(4, 3)", "(2, 3)", "(2)" } },
    { .in = { "(4, 3)", "(2, 3)", "(2)" }, .opts = &with_tanh },
    { .in = { "(3)", "(2, 3)", "(2)" }, .opts = &with_sigmoid },
    { .in = { "(2, 2, 3)", "(2, 3)", "(2)" }, .opts = &with_relu, .low = 0.2, .high = 1 }, /* away from the kink */
    { 0 }
};

const ml_op ml_op_matmul = { .kind = ML_OTHER, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .infer = matmul_infer, .forward = matmul_forward,
                             .vjp = matmul_vjp, .samples = matmul_samples };
const ml_op ml_op_linear = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1) | ML_SAVE_OUT, .infer = linear_infer,
                             .forward = linear_forward, .vjp_direct = linear_direct, .compose = linear_compose, .samples = linear_samples };
