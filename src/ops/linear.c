/* The fused layer act(x w^T + b): bias and activation are applied while the product is warm. */
#include "ops/matrix.h"

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
ml_tensor *mli_before_act(ml_act act, ml_tensor *dy, ml_tensor *y)
{
    const ml_kernels *k   = mlk();
    bool              f32 = y->dtype == ML_F32;
    if (act == ML_ACT_NONE) return dy;
    ml_tensor  *in[] = { dy, y };
    ml_call     run  = { .n_in = 2, .in = in, .shape = y->shape, .dtype = (ml_dtype)y->dtype, .out = ml_empty(y->shape, (ml_dtype)y->dtype) };
    mli_map2_fn f    = act == ML_ACT_RELU ? (f32 ? k->relu_dx_f32 : k->relu_dx_f64)
                     : act == ML_ACT_TANH ? (f32 ? k->tanh_dx_f32 : k->tanh_dx_f64)
                                          : (f32 ? k->sigmoid_dx_f32 : k->sigmoid_dx_f64);
    return run.out && mli_map2(&run, f) ? run.out : NULL;
}

/* --- linear -------------------------------------------------------------------------------------------------------------------- */
static bool linear_infer(ml_call *c)
{
    if (!mli_choice("linear", "act", ((const ml_linear_opts *)c->opts)->act, ML_ACT_COUNT)) return false;
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

static bool linear_forward(ml_call *c)
{
    ml_tensor *x = as_rows(c->in[0]), *bias = mli_contiguous(c->in[2]);
    if (!x || !bias) return false;
    mli_matrix l = mli_last_two(x), r = mli_last_two(c->in[1]);
    mlk_gemm g = { .m = l.rows, .n = r.rows, .k = l.cols, .a = mli_data(x), .a_row = l.row, .a_col = l.col, .b = mli_data(c->in[1]),
                   .b_row = r.col, .b_col = r.row, .c = mli_data(c->out), .c_row = r.rows, .bias = mli_data(bias),
                   .act = mli_kernel_act(((const ml_linear_opts *)c->opts)->act) };
    return mli_multiply(c->dtype, &g);
}

static ml_tensor *linear_compose(ml_call *c)
{
    return mli_act(((const ml_linear_opts *)c->opts)->act, ml_add(ml_matmul(c->in[0], ml_mT(c->in[1])), c->in[2]));
}

static bool linear_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *dz = as_rows(mli_before_act(((const ml_linear_opts *)c->opts)->act, dy, c->out)), *x = as_rows(c->in[0]); /* (n, m), (n, k) */
    if (!dz || !x) return false;
    ml_tensor *w = c->in[1];                                            /* (m, k) */
    mli_matrix z = mli_last_two(dz), l = mli_last_two(x), r = mli_last_two(w);
    if (ml_needs(c, 0)) { /* (n, m) x (m, k) */
        if (!(dx[0] = ml_empty(c->in[0]->shape, c->dtype))) return false;
        mlk_gemm g = { .m = z.rows, .n = l.cols, .k = z.cols, .a = mli_data(dz), .a_row = z.row, .a_col = z.col, .b = mli_data(w),
                       .b_row = r.row, .b_col = r.col, .c = mli_data(dx[0]), .c_row = l.cols };
        if (!mli_multiply(c->dtype, &g)) return false;
    }
    if (ml_needs(c, 1)) { /* (m, n) x (n, k) */
        if (!(dx[1] = ml_empty(w->shape, c->dtype))) return false;
        mlk_gemm g = { .m = z.cols, .n = l.cols, .k = z.rows, .a = mli_data(dz), .a_row = z.col, .a_col = z.row, .b = mli_data(x),
                       .b_row = l.row, .b_col = l.col, .c = mli_data(dx[1]), .c_row = l.cols };
        if (!mli_multiply(c->dtype, &g)) return false;
    }
    if (ml_needs(c, 2)) dx[2] = ml_sum_dim(dz, 0, false);
    return !ml_failed();
}

/* --- samples, the operation ------------------------------------------------------------------------------------------------------ */
static const ml_linear_opts with_relu = { ML_ACT_RELU }, with_tanh = { ML_ACT_TANH }, with_sigmoid = { ML_ACT_SIGMOID };
static const ml_sample linear_samples[] = {
    { .in = { "(4, 3)", "(2, 3)", "(2)" } },
    { .in = { "(4, 3)", "(2, 3)", "(2)" }, .opts = &with_tanh },
    { .in = { "(3)", "(2, 3)", "(2)" }, .opts = &with_sigmoid },
    { .in = { "(2, 2, 3)", "(2, 3)", "(2)" }, .opts = &with_relu, .low = 0.2, .high = 1 }, /* away from the kink */
    { 0 }
};

const ml_op ml_op_linear = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0) | ML_SAVE_IN(1) | ML_SAVE_OUT, .infer = linear_infer,
                             .forward = linear_forward, .vjp_direct = linear_direct, .compose = linear_compose, .samples = linear_samples };
