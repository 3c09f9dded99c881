/* The fused layer act(x w^T + b): bias and activation are applied while the product is warm. */
#include "ops/matrix.h"
#include "ops/reduce.h"

#define WORTH_SHARING 1e5 /* multiplications: some microseconds, well above what handing them to a thread costs */

/* --- activations, shared by the fused layers ---------------------------------------------------------------------------------- */
ml_tensor *mli_act(ml_act act, ml_tensor *z)
{
    switch (act) {
    case ML_ACT_RELU: return ml_relu(z);
    case ML_ACT_TANH: return ml_tanh(z);
    case ML_ACT_SIGMOID: return ml_sigmoid(z);
    default: return z;
    }
}

mlk_act mli_kernel_act(ml_act act)
{
    static const mlk_act acts[ML_ACT_COUNT] = { MLK_ACT_NONE, MLK_ACT_RELU, MLK_ACT_TANH, MLK_ACT_SIGMOID };
    return acts[act];
}

/* All three have their slope from the output alone. */
static mli_map2_fn slope_kernel(ml_act act, bool f32)
{
    const ml_kernels *k = mlk();
    if (act == ML_ACT_RELU) return f32 ? k->relu_dx_f32 : k->relu_dx_f64;
    if (act == ML_ACT_TANH) return f32 ? k->tanh_dx_f32 : k->tanh_dx_f64;
    return f32 ? k->sigmoid_dx_f32 : k->sigmoid_dx_f64;
}

ml_tensor *mli_before_act(ml_act act, ml_tensor *dy, ml_tensor *y)
{
    if (act == ML_ACT_NONE) return dy;
    ml_tensor *in[] = { dy, y };
    ml_call    run  = { .n_in = 2, .in = in, .shape = y->shape, .dtype = (ml_dtype)y->dtype, .out = ml_empty(y->shape, (ml_dtype)y->dtype) };
    return run.out && mli_map2(&run, slope_kernel(act, y->dtype == ML_F32)) ? run.out : NULL;
}

/* --- act_dx: the same as an operation, for derivatives that have derivatives ----------------------------------------------------- */
static bool act_dx_infer(ml_call *c)
{
    ml_act act = ((const ml_act_dx_opts *)c->opts)->act;
    if (!mli_choice("act_dx", "act", act, ML_ACT_COUNT)) return false;
    if (act == ML_ACT_NONE) return ml_fail("act_dx: needs an activation: relu, tanh or sigmoid");
    if (ml_shape_broadcast(&c->in[0]->shape, &c->in[1]->shape, &c->shape)) return true;
    return ml_fail("act_dx: shapes do not broadcast: %s and %s", ml_shape_text(&c->in[0]->shape), ml_shape_text(&c->in[1]->shape));
}

static bool act_dx_forward(ml_call *c)
{
    ml_act act = ((const ml_act_dx_opts *)c->opts)->act;
    return mli_map2(c, slope_kernel(act, c->dtype == ML_F32));
}

static bool act_dx_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[]) /* the slope is 1 - y^2, or y (1 - y), or a step */
{
    ml_act act = ((const ml_act_dx_opts *)c->opts)->act;
    if (ml_needs(c, 0)) dx[0] = ml_act_dx(dy, c->in[1], c->opts);
    if (!ml_needs(c, 1)) return !ml_failed();
    if (act == ML_ACT_RELU) return (dx[1] = ml_zeros(c->in[1]->shape, c->dtype)) && !ml_failed();
    ml_tensor *bend = act == ML_ACT_TANH ? ml_mul(c->in[1], ml_number(-2)) : ml_sub(ml_number(1), ml_mul(c->in[1], ml_number(2)));
    dx[1] = ml_mul(ml_mul(dy, c->in[0]), bend);
    return !ml_failed();
}

static bool act_dx_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_kernels *k   = mlk();
    ml_act            act = ((const ml_act_dx_opts *)c->opts)->act;
    bool              f32 = c->dtype == ML_F32;
    if (act == ML_ACT_RELU || !ml_shape_equal(&c->in[1]->shape, &c->shape)) return act_dx_vjp(c, dy, dx);
    if (ml_needs(c, 0) && !(dx[0] = mli_before_act(act, dy, c->in[1]))) return false;
    if (!ml_needs(c, 1)) return true;
    ml_tensor *in[] = { dy, c->in[0], c->in[1] };
    ml_call    run  = { .n_in = 3, .in = in, .shape = c->shape, .dtype = c->dtype, .out = dx[1] = ml_empty(c->shape, c->dtype) };
    return run.out && mli_map3(&run, act == ML_ACT_TANH ? (f32 ? k->tanh_bend_f32 : k->tanh_bend_f64) : f32 ? k->sigmoid_bend_f32 : k->sigmoid_bend_f64);
}

/* --- linear -------------------------------------------------------------------------------------------------------------------- */
static bool linear_infer(ml_call *c)
{
    if (!mli_choice("linear", "act", ((const ml_linear_opts *)c->opts)->act, ML_ACT_COUNT)) return false;
    ml_shape x = c->in[0]->shape, w = c->in[1]->shape, b = c->in[2]->shape;
    int      batch = w.n == 3;
    if (w.n != 2 && w.n != 3) return ml_fail("linear: the weight must be a matrix (out, in), or a batch of them, got %s", ml_shape_text(&w));
    if (batch && (x.n < 2 || x.size[0] != w.size[0]))
        return ml_fail("linear: the input must begin with the batch of the weight %s, got %s", ml_shape_text(&w), ml_shape_text(&x));
    int64_t m = w.size[batch], k = w.size[batch + 1];
    if (x.n < 1 || x.size[x.n - 1] != k)
        return ml_fail("linear: inner sizes differ: %s x %s transposed", ml_shape_text(&x), ml_shape_text(&w));
    if (b.n != 1 + batch || b.size[batch] != m || (batch && b.size[0] != w.size[0]))
        return ml_fail("linear: the bias must have shape (%lld), one number an output, got %s", (long long)m, ml_shape_text(&b));
    c->shape                       = x;
    c->shape.size[c->shape.n - 1] = m;
    return true;
}

/* x as matrices of rows: (rows, k), or (batch, rows, k); a vector is one row. */
static ml_shape rows_shape(const ml_shape *x, bool batch)
{
    int64_t rows = 1;
    for (int d = batch; d + 1 < x->n; d++) rows *= x->size[d];
    return batch ? ML_SHAPE(x->size[0], rows, x->size[x->n - 1]) : ML_SHAPE(rows, x->size[x->n - 1]);
}

static ml_tensor *as_rows(ml_tensor *x, bool batch)
{
    if (!x || x->shape.n == 2 + batch) return x;
    ml_shape s = rows_shape(&x->shape, batch);
    if (x->shape.n == 1 + batch) { /* a row each, where it is; from one to the next as in the batch, which may become rows */
        int64_t strides[3] = { x->strides[0], x->strides[0], x->strides[x->shape.n - 1] };
        return mli_view(x, s, batch ? strides : strides + 1, x->offset);
    }
    x = mli_contiguous(x);
    return x ? mli_view(x, s, NULL, x->offset) : NULL;
}

/* A product, or one for each of a batch; the steps from one to the next in elements. */
typedef struct products {
    mlk_gemm g;
    ml_dtype dtype;
    int64_t  n, a_step, b_step, c_step, bias_step;
    bool     failed;
} products;

static void one_product(void *ctx, int64_t i)
{
    products *p     = ctx;
    int64_t   width = (int64_t)ml_dtype_bytes(p->dtype);
    mlk_gemm  g     = p->g;
    g.a    = (const char *)g.a + i * p->a_step * width;
    g.b    = (const char *)g.b + i * p->b_step * width;
    g.c    = (char *)g.c + i * p->c_step * width;
    g.bias = g.bias ? (const char *)g.bias + i * p->bias_step * width : NULL;
    if (!mli_multiply(p->dtype, &g)) p->failed = true;
}

static double work_of(const products *p) { return (double)p->g.m * (double)p->g.n * (double)p->g.k; } /* of one */
static bool   is_small(const products *p) { return work_of(p) < 1e6; } /* a larger one shares its own work out */

static bool are_rows_of_one(const products *p)
{
    return p->b_step == 0 && p->bias_step == 0 && p->a_step == p->g.m * p->g.a_row && p->c_step == p->g.m * p->g.c_row;
}

static bool multiply_all(products *p)
{
    if (p->n > 1 && are_rows_of_one(p)) {
        p->g.m *= p->n;
        p->n = 1;
    }
    if (p->n > 1 && is_small(p) && (work_of(p) + (p->g.act ? 16 * (double)p->g.m * (double)p->g.n : 0)) * (double)p->n > WORTH_SHARING)
        ml_parallel(p->n, one_product, p);
    else for (int64_t i = 0; i < p->n; i++) one_product(p, i); /* too little to share, or each shares its own */
    return !p->failed;
}

static inline int64_t step_of(const ml_tensor *t, bool batch) { return batch ? t->strides[0] : 0; }

static bool linear_forward(ml_call *c)
{
    bool       batch = c->in[1]->shape.n == 3, bias_in_rows = c->in[2]->strides[batch] == 1 || c->in[2]->shape.size[batch] == 1;
    ml_tensor *x = as_rows(c->in[0], batch), *bias = bias_in_rows ? c->in[2] : mli_contiguous(c->in[2]);
    if (!x || !bias) return false;
    mli_matrix l = mli_last_two(x), r = mli_last_two(c->in[1]);
    products p = { .g = { .m = l.rows, .n = r.rows, .k = l.cols, .a = mli_data(x), .a_row = l.row, .a_col = l.col, .b = mli_data(c->in[1]),
                          .b_row = r.col, .b_col = r.row, .c = mli_data(c->out), .c_row = r.rows, .bias = mli_data(bias),
                          .act = mli_kernel_act(((const ml_linear_opts *)c->opts)->act) },
                   .dtype = c->dtype, .n = batch ? x->shape.size[0] : 1, .a_step = step_of(x, batch), .b_step = step_of(c->in[1], batch),
                   .c_step = l.rows * r.rows, .bias_step = step_of(bias, batch) };
    return multiply_all(&p);
}

static ml_tensor *linear_compose(ml_call *c)
{
    ml_act     act = ((const ml_linear_opts *)c->opts)->act;
    ml_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
    if (w->shape.n == 2) return mli_act(act, ml_add(ml_matmul(x, ml_mT(w)), b));
    ml_shape y = x->shape;
    y.size[y.n - 1] = w->shape.size[1];
    x = ml_reshape(x, &(ml_reshape_opts){ rows_shape(&x->shape, true) });
    b = ml_reshape(b, &(ml_reshape_opts){ ML_SHAPE(w->shape.size[0], 1, w->shape.size[1]) });
    return mli_act(act, ml_reshape(ml_add(ml_matmul(x, ml_mT(w)), b), &(ml_reshape_opts){ y }));
}

static bool linear_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_act     act   = ((const ml_linear_opts *)c->opts)->act;
    bool       batch = c->in[1]->shape.n == 3;
    ml_tensor *x = c->in[0], *dz = act == ML_ACT_NONE ? dy : ml_act_dx(dy, c->out, &(ml_act_dx_opts){ act });
    if (!dz) return false;
    if (x->shape.n != 2 + batch) {
        ml_shape s = dz->shape;
        dz         = ml_reshape(dz, &(ml_reshape_opts){ rows_shape(&s, batch) });
        if (ml_needs(c, 1)) x = ml_reshape(x, &(ml_reshape_opts){ rows_shape(&x->shape, batch) });
    }
    if (ml_needs(c, 0)) {
        dx[0] = ml_matmul(dz, c->in[1]); /* (rows, m) x (m, k) */
        if (c->in[0]->shape.n != 2 + batch) dx[0] = ml_reshape(dx[0], &(ml_reshape_opts){ c->in[0]->shape });
    }
    if (ml_needs(c, 1)) dx[1] = ml_matmul(ml_mT(dz), x); /* (m, rows) x (rows, k) */
    if (ml_needs(c, 2)) dx[2] = ml_sum_dim(dz, -2, false);
    return !ml_failed();
}

/* The whole backward pass of one layer of a batch: what each step leaves is still in the cache when the next one reads it. */
typedef struct backward {
    products    dx, dw; /* where g.c is NULL: not wanted */
    mli_map2_fn slope;  /* NULL: dz is there */
    const char *dy, *y;
    char       *dz, *db; /* db NULL: not wanted */
    int64_t     rows, m;
} backward;

static void one_backward(void *ctx, int64_t i)
{
    backward *b     = ctx;
    int64_t   width = (int64_t)ml_dtype_bytes(b->dx.dtype), at = i * b->rows * b->m * width;
    if (b->slope) b->slope(b->rows * b->m, b->dy + at, 1, b->y + at, 1, b->dz + at);
    if (b->dx.g.c) one_product(&b->dx, i);
    if (b->dw.g.c) one_product(&b->dw, i);
    if (b->db) mli_sum_down(b->dx.dtype, b->rows, b->m, b->dz + at, b->m, 1, b->db + i * b->m * width);
}

static bool run_backward(backward *b, int64_t n)
{
    double work = ((b->dx.g.c ? work_of(&b->dx) : 0) + (b->dw.g.c ? work_of(&b->dw) : 0) + 8 * (double)b->rows * (double)b->m) * (double)n;
    if (n > 1 && work > WORTH_SHARING) ml_parallel(n, one_backward, b);
    else for (int64_t i = 0; i < n; i++) one_backward(b, i);
    return !b->dx.failed && !b->dw.failed;
}

static bool linear_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_act     act   = ((const ml_linear_opts *)c->opts)->act;
    bool       batch = c->in[1]->shape.n == 3;
    int64_t    n     = batch ? c->in[1]->shape.size[0] : 1;
    ml_tensor *w = c->in[1], *x = as_rows(c->in[0], batch), *y = as_rows(c->out, batch), *dz = as_rows(dy, batch);
    if (!dz || !x || !y) return false;
    mli_matrix l = mli_last_two(x), r = mli_last_two(w);
    int64_t    rows = l.rows, k = l.cols, m = r.rows; /* x (rows, k), w (m, k), dz (rows, m) */
    products   dx_of = { .dtype = c->dtype, .n = n, .b_step = step_of(w, batch), .c_step = rows * k,
                         .g = { .m = rows, .n = k, .k = m, .b = mli_data(w), .b_row = r.row, .b_col = r.col, .c_row = k } };
    products   dw_of = { .dtype = c->dtype, .n = n, .b_step = step_of(x, batch), .c_step = m * k,
                         .g = { .m = m, .n = k, .k = rows, .b = mli_data(x), .b_row = l.row, .b_col = l.col, .c_row = k } };
    if (ml_needs(c, 0) && !(dx[0] = ml_empty(c->in[0]->shape, c->dtype))) return false;
    if (ml_needs(c, 1) && !(dx[1] = ml_empty(w->shape, c->dtype))) return false;

    bool       whole = ml_tensor_is_contiguous(dz) && ml_tensor_is_contiguous(y), same_w = n > 1 && ml_needs(c, 0) && dx_of.b_step == 0;
    bool       apart = whole && is_small(&dx_of) && !same_w; /* each for itself; else one step after the other, each shared out */
    ml_tensor *before = dz;
    if (act != ML_ACT_NONE && !(dz = apart ? ml_empty(dz->shape, c->dtype) : mli_before_act(act, dz, y))) return false;
    mli_matrix z = mli_last_two(dz);
    dx_of.a_step = dw_of.a_step = step_of(dz, batch);
    dx_of.g.a = dw_of.g.a = mli_data(dz);
    dx_of.g.a_row = dw_of.g.a_col = z.row;
    dx_of.g.a_col = dw_of.g.a_row = z.col;
    dx_of.g.c = dx[0] ? mli_data(dx[0]) : NULL;
    dw_of.g.c = dx[1] ? mli_data(dx[1]) : NULL;
    if (apart) {
        if (ml_needs(c, 2) && !(dx[2] = ml_empty(c->in[2]->shape, c->dtype))) return false;
        backward b = { .dx = dx_of, .dw = dw_of, .slope = act == ML_ACT_NONE ? NULL : slope_kernel(act, c->dtype == ML_F32), .dy = mli_data(before),
                       .y = mli_data(y), .dz = mli_data(dz), .db = dx[2] ? mli_data(dx[2]) : NULL, .rows = rows, .m = m };
        return run_backward(&b, n);
    }
    if (dx[0] && !multiply_all(&dx_of)) return false;
    if (dx[1] && !multiply_all(&dw_of)) return false;
    if (ml_needs(c, 2)) dx[2] = ml_sum_dim(dz, -2, false);
    return !ml_failed();
}

/* The batch in front of the weight; two of them, one inside the other, become one. */
static ml_tensor *linear_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_tensor *in[3];
    int        w_rank = c->in[1]->shape.n - batched[1];
    if (!batched[1] && !batched[2] && w_rank == 2) return ml_linear(c->in[0], c->in[1], c->in[2], c->opts);
    for (int i = 0; i < 3; i++) in[i] = mli_with_batch(c->in[i], batched[i], n);
    if (!in[0] || !in[1] || !in[2] || w_rank == 2) return ml_linear(in[0], in[1], in[2], c->opts);
    ml_shape y = in[0]->shape;
    for (int i = 0; i < 3; i++) {
        ml_shape s = { in[i]->shape.n - 1, { in[i]->shape.size[0] * in[i]->shape.size[1] } };
        for (int d = 1; d < s.n; d++) s.size[d] = in[i]->shape.size[d + 1];
        in[i] = ml_reshape(in[i], &(ml_reshape_opts){ s });
    }
    y.size[y.n - 1] = c->in[1]->shape.size[c->in[1]->shape.n - 2];
    return ml_reshape(ml_linear(in[0], in[1], in[2], c->opts), &(ml_reshape_opts){ y });
}

/* --- samples, the operation ------------------------------------------------------------------------------------------------------ */
static const ml_linear_opts with_relu = { ML_ACT_RELU }, with_tanh = { ML_ACT_TANH }, with_sigmoid = { ML_ACT_SIGMOID };
static const ml_sample linear_samples[] = {
    { .in = { "(4, 3)", "(2, 3)", "(2)" } },
    { .in = { "(4, 3)", "(2, 3)", "(2)" }, .opts = &with_tanh },
    { .in = { "(3)", "(2, 3)", "(2)" }, .opts = &with_sigmoid },
    { .in = { "(2, 2, 3)", "(2, 3)", "(2)" }, .opts = &with_relu, .low = 0.2, .high = 1 }, /* away from the kink */
    { .in = { "(2, 4, 3)", "(2, 2, 3)", "(2, 2)" }, .opts = &with_tanh },                  /* one for each of a batch */
    { .in = { "(2, 3)", "(2, 2, 3)", "(2, 2)" } },
    { 0 }
};
static const ml_act_dx_opts by_relu = { ML_ACT_RELU }, by_tanh = { ML_ACT_TANH }, by_sigmoid = { ML_ACT_SIGMOID };
static const ml_sample act_dx_samples[] = {
    { .in = { "(2, 3)", "(2, 3)" }, .opts = &by_tanh, .low = -0.9, .high = 0.9 },
    { .in = { "(2, 3)", "(3)" }, .opts = &by_sigmoid, .low = 0.1, .high = 0.9 },
    { .in = { "(3)", "(3)" }, .opts = &by_relu, .low = 0.2, .high = 1 }, /* away from the kink */
    { 0 }
};

const ml_op ml_op_linear = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1) | ML_SAVE_OUT, .infer = linear_infer,
                             .forward = linear_forward, .vjp = linear_vjp, .vjp_direct = linear_direct, .compose = linear_compose, .vmap = linear_vmap,
                             .samples = linear_samples };
const ml_op ml_op_act_dx = { .kind = ML_OTHER, .infer = act_dx_infer, .vmap = mli_pointwise_vmap, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1), .forward = act_dx_forward,
                             .vjp = act_dx_vjp, .vjp_direct = act_dx_direct, .samples = act_dx_samples };
