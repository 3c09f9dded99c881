/* Layers: values against the operations they are made of, parameters, initialisers, messages, refused memory. */
#include "checks.h"
#include "moonlab/nn.h"
#include "moonlab/optim.h"
#include "moonlab/transform.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(nn, .init = begin_test, .fini = end_test, .timeout = 60);

static ml_tensor *normals(ml_shape shape, uint64_t stream)
{
    return ml_randn(shape, ML_F32, ml_key_of(5, stream));
}

/* The same layers one by one: what a Sequential must give, fused or not. */
static ml_tensor *one_by_one(ml_module *net, ml_tensor *x)
{
    for (int i = 0; i < ml_module_children(net); i++) x = ml_module_forward(ml_module_child(net, i), x);
    return x;
}

static ml_module *mlp(ml_dtype dtype)
{
    ml_linear_layer_opts o = { .dtype = dtype };
    return ml_nn_sequential((ml_module *[]){ ml_nn_linear(3, 8, &o), ml_nn_activation(ML_OP_relu), ml_nn_linear(8, 7, &o),
                                             ml_nn_activation(ML_OP_tanh), ml_nn_linear(7, 6, &o), ml_nn_activation(ML_OP_sigmoid),
                                             ml_nn_linear(6, 5, &o), ml_nn_activation(ML_OP_softplus), ml_nn_linear(5, 2, &o) }, 9);
}

static ml_module *grokking(ml_op_id act)
{
    return ml_nn_sequential((ml_module *[]){ ml_nn_embedding(11, 6, NULL), ml_nn_flatten(), ml_nn_linear(12, 9, NULL),
                                             ml_nn_activation(act), ml_nn_linear(9, 11, NULL) }, 5);
}

/* --- values -------------------------------------------------------------------------------------------------------- */
Test(nn, linear_is_x_times_w_transposed_plus_b)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *m = ml_nn_linear(3, 4, NULL), *bare = ml_nn_linear(3, 4, &(ml_linear_layer_opts){ .no_bias = true });
    ml_tensor *w = ml_module_own(m, "weight"), *b = ml_module_own(m, "bias"), *v = ml_module_own(bare, "weight");
    static const ml_shape inputs[] = { { 1, { 3 } }, { 2, { 5, 3 } }, { 3, { 2, 5, 3 } }, { 2, { 0, 3 } } };
    for (int i = 0; i < 4; i++) {
        ml_tensor *x = normals(inputs[i], (uint64_t)i);
        expect_close(ml_module_forward(m, x), ml_add(ml_matmul(x, ml_mT(w)), b), 1e-6, "with bias, input %d", i);
        expect_close(ml_module_forward(bare, x), ml_matmul(x, ml_mT(v)), 1e-6, "without bias, input %d", i);
    }
    expect(ml_module_own(bare, "bias") == NULL && ml_module_n_parameters(bare) == 1, "no_bias has a bias");
    ml_module_release(m);
    ml_module_release(bare);
    ml_scope_end(&scope);
}

Test(nn, embedding_looks_up_rows)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *from0 = ml_nn_embedding(5, 3, NULL), *from1 = ml_nn_embedding(5, 3, &(ml_embedding_layer_opts){ .base = 1, .dtype = ML_F64 });
    ml_tensor *ids = ml_from(ML_SHAPE(2, 2), ML_I64, (int64_t[]){ 1, 4, 1, 3 });
    ml_tensor *a = ml_module_forward(from0, ids), *b = ml_module_forward(from1, ids);
    ml_shape   shape = ml_tensor_shape(a);
    cr_expect_str_eq(ml_shape_text(&shape), "(2, 2, 3)");
    cr_expect_eq(ml_tensor_dtype(b), ML_F64);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 2; j++)
            for (int64_t k = 0; k < 3; k++) {
                int64_t id = (int64_t)ml_tensor_at(ids, (int64_t[]){ i, j });
                cr_expect_eq(ml_tensor_at(a, (int64_t[]){ i, j, k }), ml_tensor_at(ml_module_own(from0, "weight"), (int64_t[]){ id, k }));
                cr_expect_eq(ml_tensor_at(b, (int64_t[]){ i, j, k }), ml_tensor_at(ml_module_own(from1, "weight"), (int64_t[]){ id - 1, k }));
            }
    ml_module_release(from0);
    ml_module_release(from1);
    ml_scope_end(&scope);
}

Test(nn, flatten_keeps_the_first_dimension)
{
    static const struct { ml_shape in; const char *out; } cases[] = {
        { { 1, { 4 } }, "(4, 1)" }, { { 2, { 4, 3 } }, "(4, 3)" }, { { 3, { 4, 3, 2 } }, "(4, 6)" }, { { 3, { 0, 3, 2 } }, "(0, 6)" },
        { { 4, { 2, 0, 3, 2 } }, "(2, 0)" },
    };
    ml_scope   scope = ml_scope_begin();
    ml_module *m     = ml_nn_flatten();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_tensor *x = normals(cases[i].in, 1), *y = ml_module_forward(m, x);
        ml_shape   shape = ml_tensor_shape(y);
        cr_expect_str_eq(ml_shape_text(&shape), cases[i].out);
        expect_same(ml_reshape(y, &(ml_reshape_opts){ cases[i].in }), x, "values of case %zu", i);
    }
    ml_module_release(m);
    ml_scope_end(&scope);
}

Test(nn, an_activation_is_its_operation)
{
    static const struct { ml_op_id op; const char *kind; } cases[] = {
        { ML_OP_relu, "ReLU" }, { ML_OP_tanh, "Tanh" }, { ML_OP_sigmoid, "Sigmoid" }, { ML_OP_softplus, "Softplus" }, { ML_OP_log1p, "Log1p" },
    };
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x     = ml_rand(ML_SHAPE(4, 3), ML_F32, ml_key_of(5, 1));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_module *m = ml_nn_activation(cases[i].op);
        cr_expect_str_eq(ml_module_kind(m), cases[i].kind);
        expect_same(ml_module_forward(m, x), ml_op_apply(cases[i].op, &x, 1, NULL), "%s", cases[i].kind);
        ml_module_release(m);
    }
    ml_scope_end(&scope);
}

/* The gradients of every parameter, of a loss that no output leaves alone. */
static void gradients(ml_module *net, ml_tensor *y, ml_tensor **grads)
{
    int n = ml_module_n_parameters(net);
    cr_assert(ml_grad(ml_mean(ml_square(ml_sub(y, ml_number(0.3))), NULL), ml_module_parameters(net), n, grads, NULL), "%s", ml_error_message());
}

static void expect_fused_equals_unfused(ml_module *net, ml_tensor *x, double tolerance, const char *what)
{
    ml_tensor *fused[16], *unfused[16];
    ml_tensor *a = ml_module_forward(net, x), *b = one_by_one(net, x);
    expect_close(a, b, tolerance, "%s: value", what);
    gradients(net, a, fused);
    gradients(net, b, unfused);
    for (int i = 0; i < ml_module_n_parameters(net); i++) {
        char name[32];
        cr_assert(ml_module_parameter_name(net, i, name, sizeof name));
        expect_close(fused[i], unfused[i], tolerance, "%s: gradient of %s", what, name);
        expect(ml_item(ml_max(ml_abs(fused[i]), NULL)) > 1e-6, "%s: no gradient reaches %s", what, name);
    }
}

Test(nn, a_sequential_is_its_layers_one_by_one)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *f32 = mlp(ML_F32), *f64 = mlp(ML_F64);
    ml_tensor *x = normals(ML_SHAPE(6, 3), 1), *deep = normals(ML_SHAPE(2, 4, 3), 2);
    expect_fused_equals_unfused(f32, x, 1e-6, "mlp, f32");
    expect_fused_equals_unfused(f64, ml_cast(deep, &(ml_cast_opts){ ML_F64 }), 1e-14, "mlp, f64, three dimensions");
    ml_module_release(f32);
    ml_module_release(f64);
    ml_scope_end(&scope);
}

Test(nn, tokens_go_through_embedding_flatten_and_linear_as_one)
{
    static const ml_op_id acts[] = { ML_OP_relu, ML_OP_tanh, ML_OP_sigmoid, ML_OP_softplus };
    ml_scope scope = ml_scope_begin();
    for (int i = 0; i < 4; i++) {
        ml_module *net = grokking(acts[i]);
        /* 60 rows of 11 tokens are fused, 7 are not worth it: both must do */
        expect_fused_equals_unfused(net, ml_randint(0, 11, ML_SHAPE(60, 2), ml_key_of(5, 9)), 1e-6, ml_module_kind(ml_module_child(net, 3)));
        expect_fused_equals_unfused(net, ml_randint(0, 11, ML_SHAPE(7, 2), ml_key_of(5, 9)), 1e-6, "few rows");
        ml_module_release(net);
    }
    ml_scope_end(&scope);
}

/* Fusion looks ahead, but not over the end. */
Test(nn, a_sequential_may_end_anywhere)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *ids   = ml_randint(0, 11, ML_SHAPE(60, 2), ml_key_of(5, 9));
    for (int n = 1; n <= 4; n++) {
        ml_module *layers[] = { ml_nn_embedding(11, 6, NULL), ml_nn_flatten(), ml_nn_linear(12, 9, NULL), ml_nn_activation(ML_OP_relu) };
        for (int i = n; i < 4; i++) ml_module_release(layers[i]);
        ml_module *net = ml_nn_sequential(layers, n);
        expect_close(ml_module_forward(net, ids), one_by_one(net, ids), 1e-6, "%d layers", n);
        ml_module_release(net);
    }
    ml_scope_end(&scope);
}

Test(nn, containers_inside_containers)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *inner = ml_nn_sequential((ml_module *[]){ ml_nn_linear(3, 4, NULL), ml_nn_activation(ML_OP_tanh) }, 2);
    ml_module *empty = ml_nn_sequential(NULL, 0);
    ml_module *net   = ml_nn_sequential((ml_module *[]){ inner, empty, ml_nn_sequential((ml_module *[]){ ml_nn_linear(4, 2, NULL) }, 1) }, 3);
    ml_tensor *x     = normals(ML_SHAPE(5, 3), 1);
    expect_same(ml_module_forward(empty, x), x, "the identity");
    expect_fused_equals_unfused(net, x, 1e-6, "nested");
    static const char *const names[] = { "1.1.weight", "1.1.bias", "3.1.weight", "3.1.bias" };
    for (int i = 0; i < 4; i++) {
        char name[32];
        cr_assert(ml_module_parameter_name(net, i, name, sizeof name));
        cr_expect_str_eq(name, names[i]);
    }
    ml_module_release(net);
    ml_scope_end(&scope);
}

Test(nn, apply_takes_other_parameters)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *a = mlp(ML_F32), *b = mlp(ML_F32);
    ml_tensor *x = normals(ML_SHAPE(6, 3), 1);
    int        n = ml_module_n_parameters(a);
    expect(n == 10, "%d parameters", n);
    expect_same(ml_module_apply(a, ml_module_parameters(b), n, x), ml_module_forward(b, x), "a with the parameters of b");
    expect_same(ml_module_apply(a, ml_module_parameters(a), n, x), ml_module_forward(a, x), "a with its own");

    /* a derivative by what was given, and not by what the module holds */
    ml_tensor *copies[10], *grads[10];
    for (int i = 0; i < n; i++) copies[i] = ml_requires_grad(ml_clone(ml_module_parameter(a, i)), true);
    ml_tensor *loss = ml_sum(ml_module_apply(a, copies, n, x), NULL);
    cr_assert(ml_grad(loss, copies, n, grads, NULL));
    loss = ml_sum(ml_module_apply(a, copies, n, x), NULL);
    cr_assert(ml_backward(loss, NULL));
    for (int i = 0; i < n; i++) {
        expect(!ml_tensor_grad(ml_module_parameter(a, i)), "the module's own parameter %d got a gradient", i);
        expect_same(ml_tensor_grad(copies[i]), grads[i], "gradient of the copy %d", i);
    }
    ml_module_release(a);
    ml_module_release(b);
    ml_scope_end(&scope);
}

/* A module is a function of its parameters for ml_vmap too: here of a stack of them, one model each. */
static bool apply_to(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    ml_module *m = ctx;
    int        n = ml_module_n_parameters(m);
    return (out[0] = ml_module_apply(m, in, n, in[n])) != NULL;
}

static ml_tensor *stacked(ml_tensor *a, ml_tensor *b) /* (...), (...) -> (2, ...) */
{
    ml_shape s = ml_tensor_shape(a), one = { s.n + 1, { 1 } };
    memcpy(one.size + 1, s.size, (size_t)s.n * sizeof *s.size);
    return ml_cat((ml_tensor *[]){ ml_reshape(a, &(ml_reshape_opts){ one }), ml_reshape(b, &(ml_reshape_opts){ one }) }, 2, NULL);
}

static void expect_replicas(ml_module *a, ml_module *b, ml_tensor *x, const char *what)
{
    int         n = ml_module_n_parameters(a), dims[17] = { 0 };
    ml_tensor  *in[17], *y;
    ml_function f = { apply_to, a, n + 1, 1 };
    for (int i = 0; i < n; i++) in[i] = stacked(ml_module_parameter(a, i), ml_module_parameter(b, i));
    in[n]   = x;
    dims[n] = ML_WHOLE;
    cr_assert(ml_vmap(&f, in, dims, &y, NULL), "%s", ml_error_message());
    expect_close(y, stacked(ml_module_forward(a, x), ml_module_forward(b, x)), 1e-6, "%s", what);
}

Test(nn, replicas_are_a_vmap_over_the_parameters)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *nets[] = { mlp(ML_F32), mlp(ML_F32), grokking(ML_OP_relu), grokking(ML_OP_relu) };
    expect_replicas(nets[0], nets[1], normals(ML_SHAPE(6, 3), 1), "mlp");
    expect_replicas(nets[2], nets[3], ml_randint(0, 11, ML_SHAPE(60, 2), ml_key_of(5, 9)), "tokens");
    for (int i = 0; i < 4; i++) ml_module_release(nets[i]);
    ml_scope_end(&scope);
}

Test(nn, what_nothing_records_goes_at_once)
{
    ml_scope scope = ml_scope_begin();
    enum { LAYERS = 20, N = 4096 };
    ml_module *layers[LAYERS];
    for (int i = 0; i < LAYERS; i++) layers[i] = ml_nn_activation(ML_OP_tanh);
    ml_module *net = ml_nn_sequential(layers, LAYERS);
    ml_tensor *x   = normals(ML_SHAPE(N), 1);
    ml_memory_peak_reset();
    size_t before = ml_memory().live;
    cr_assert(ml_module_forward(net, x));
    size_t peak = ml_memory().peak - before, layer = N * sizeof(float);
    expect(peak < 3 * layer, "the peak is %zu bytes, a layer's output %zu", peak, layer);
    expect(ml_memory().live - before < 2 * layer, "%zu bytes are held", ml_memory().live - before);
    ml_module_release(net);
    ml_scope_end(&scope);
}

Test(nn, bits_do_not_depend_on_the_number_of_threads)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *result[2], *x = ml_randint(0, 11, ML_SHAPE(3000, 2), ml_key_of(5, 1)), *y = ml_randint(0, 11, ML_SHAPE(3000), ml_key_of(5, 2));
    for (int threads = 1; threads <= 2; threads++) {
        cr_assert(ml_threads_set(threads));
        ml_seed(3);
        ml_module *net = ml_nn_sequential((ml_module *[]){ ml_nn_embedding(11, 64, NULL), ml_nn_flatten(), ml_nn_linear(128, 200, NULL),
                                                           ml_nn_activation(ML_OP_relu), ml_nn_linear(200, 11, NULL) }, 5);
        ml_optim *opt = ml_adamw(ml_module_parameters(net), ml_module_n_parameters(net), NULL);
        for (int step = 0; step < 5; step++)
            cr_assert(ml_optim_minimize(opt, ml_cross_entropy(ml_module_forward(net, x), y, NULL)), "%s", ml_error_message());
        result[threads - 1] = ml_module_forward(net, x);
        ml_optim_release(opt);
        ml_module_release(net);
    }
    expect_same(result[0], result[1], "1 thread and 2");
    ml_scope_end(&scope);
}

/* --- initialisers --------------------------------------------------------------------------------------------------------- */
typedef struct { double low, high, mean, variance; int64_t n; } spread;

static spread spread_of(const ml_tensor *t)
{
    double *v = values_of(t);
    spread  s = { INFINITY, -INFINITY, 0, 0, ml_tensor_numel(t) };
    for (int64_t i = 0; i < s.n; i++) {
        s.low  = fmin(s.low, v[i]);
        s.high = fmax(s.high, v[i]);
        s.mean += v[i] / (double)s.n;
    }
    for (int64_t i = 0; i < s.n; i++) s.variance += (v[i] - s.mean) * (v[i] - s.mean) / (double)s.n;
    free(v);
    return s;
}

/* Limits of five standard errors: of the mean s / sqrt(n); of the variance s^2 sqrt((kurtosis - 1) / n). */
static void expect_uniform(const ml_tensor *t, double a, const char *what)
{
    spread s  = spread_of(t);
    double n  = (double)s.n, variance = a * a / 3;
    expect(s.low >= -a * (1 + 1e-7) && s.high <= a * (1 + 1e-7), "%s: %g..%g is outside -+%g", what, s.low, s.high, a);
    expect(s.low < -0.98 * a && s.high > 0.98 * a, "%s: %g..%g does not reach the ends of -+%g", what, s.low, s.high, a);
    expect(fabs(s.mean) < 5 * sqrt(variance / n), "%s: mean %g", what, s.mean);
    expect(fabs(s.variance / variance - 1) < 5 * sqrt(0.8 / n), "%s: variance %g, not %g", what, s.variance, variance);
}

static void expect_normal(const ml_tensor *t, double deviation, const char *what)
{
    spread s = spread_of(t);
    double n = (double)s.n, variance = deviation * deviation;
    expect(s.high > 2.5 * deviation && s.high < 6 * deviation && s.low < -2.5 * deviation && s.low > -6 * deviation,
           "%s: %g..%g is no normal sample of deviation %g", what, s.low, s.high, deviation);
    expect(fabs(s.mean) < 5 * sqrt(variance / n), "%s: mean %g", what, s.mean);
    expect(fabs(s.variance / variance - 1) < 5 * sqrt(2 / n), "%s: variance %g, not %g", what, s.variance, variance);
}

Test(nn, initialisers_keep_their_formulas)
{
    static const struct { ml_shape shape; double fan_in, fan_out; } cases[] = {
        { { 1, { 3000 } }, 3000, 3000 },
        { { 2, { 60, 50 } }, 50, 60 },
        { { 4, { 20, 10, 5, 3 } }, 150, 300 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int f64 = 0; f64 < 2; f64++) {
            double    in = cases[i].fan_in, out = cases[i].fan_out;
            ml_scope  scope = ml_scope_begin();
            ml_tensor *w    = ml_requires_grad(ml_empty(cases[i].shape, f64 ? ML_F64 : ML_F32), true);
            for (int kind = ML_INIT_DEFAULT + 1; kind < ML_INIT_ORTHOGONAL; kind++) /* these: test_init.c */
                for (int scaled = 0; scaled < 2; scaled++) {
                    double s = scaled ? 2.5 : 1;
                    char   what[64];
                    snprintf(what, sizeof what, "%s, scale %g, case %zu", ml_init_name((ml_init_kind)kind), s, i);
                    cr_assert(ml_init_fill(w, (ml_init){ (ml_init_kind)kind, scaled ? s : 0 }, ml_key_of(5, 100 * i + (size_t)kind)), "%s", ml_error_message());
                    switch (kind) {
                    case ML_INIT_ZEROS: expect_same(w, ml_zeros(cases[i].shape, ml_tensor_dtype(w)), "%s", what); break;
                    case ML_INIT_CONSTANT: expect_same(w, ml_full(cases[i].shape, ml_tensor_dtype(w), s), "%s", what); break;
                    case ML_INIT_UNIFORM: expect_uniform(w, s, what); break;
                    case ML_INIT_NORMAL: expect_normal(w, s, what); break;
                    case ML_INIT_FAN_IN_UNIFORM: expect_uniform(w, s / sqrt(in), what); break;
                    case ML_INIT_GLOROT_UNIFORM: expect_uniform(w, s * sqrt(6 / (in + out)), what); break;
                    case ML_INIT_GLOROT_NORMAL: expect_normal(w, s * sqrt(2 / (in + out)), what); break;
                    case ML_INIT_HE_UNIFORM: expect_uniform(w, s * sqrt(6 / in), what); break;
                    case ML_INIT_HE_NORMAL: expect_normal(w, s * sqrt(2 / in), what); break;
                    case ML_INIT_LECUN_UNIFORM: expect_uniform(w, s * sqrt(3 / in), what); break;
                    case ML_INIT_LECUN_NORMAL: expect_normal(w, s * sqrt(1 / in), what); break;
                    default: cr_assert(false, "an initialiser that this test does not know: %s", what);
                    }
                }
            ml_scope_end(&scope);
        }
}

Test(nn, initialisers_are_a_function_of_the_key)
{
    ml_scope   scope = ml_scope_begin();
    ml_init    init  = { ML_INIT_HE_NORMAL, 0 };
    ml_tensor *a = ml_empty(ML_SHAPE(50, 40), ML_F64), *b = ml_empty(ML_SHAPE(50, 40), ML_F64), *c = ml_empty(ML_SHAPE(50, 40), ML_F32);
    cr_assert(ml_init_fill(a, init, ml_key_of(1, 2)) && ml_init_fill(b, init, ml_key_of(1, 2)) && ml_init_fill(c, init, ml_key_of(1, 2)));
    expect_same(a, b, "the same key");
    expect_close(c, a, 1e-7, "the same key in f32");
    cr_assert(ml_init_fill(b, init, ml_key_of(1, 3)));
    expect(ml_item(ml_max(ml_abs(ml_sub(a, b)), NULL)) > 0.1, "another stream gives the same numbers");

    ml_tensor *none = ml_empty(ML_SHAPE(0, 3), ML_F32), *one = ml_empty(ML_SCALAR, ML_F32);
    cr_expect(ml_init_fill(none, init, ml_key_of(1, 2)) && ml_init_fill(one, init, ml_key_of(1, 2)), "%s", ml_error_message());
    cr_expect(isfinite(ml_item(one)));
    ml_tensor *plain = ml_empty(ML_SHAPE(3, 2), ML_F32), *turned = ml_empty(ML_SHAPE(2, 3), ML_F32);
    cr_expect(ml_init_fill(plain, init, ml_key_of(1, 2)) && ml_init_fill(ml_mT(turned), init, ml_key_of(1, 2)), "%s", ml_error_message());
    expect_same(ml_contiguous(ml_mT(turned)), plain, "a transposed tensor");
    ml_scope_end(&scope);
}

Test(nn, what_cannot_be_initialised)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w = ml_requires_grad(ml_ones(ML_SHAPE(2, 3), ML_F32), true);
    ml_init    he = { ML_INIT_HE_NORMAL, 0 };
    ml_key     key = { 1, 1 };
    expect_fails(ml_init_fill(ml_ones(ML_SHAPE(2), ML_I64), he, key), "init: only f32 and f64 are initialised, this tensor is i64");
    expect_fails(ml_init_fill(ml_square(w), he, key), "init: this tensor, shape (2, 3), is the result of a recorded operation");
    expect_fails(ml_init_fill(w, (ml_init){ ML_INIT_DEFAULT, 0 }, key), "init: only a layer has a default");
    expect_fails(ml_init_fill(w, (ml_init){ ML_INIT_HE_NORMAL, NAN }, key), "init: the scale must be finite");
    int64_t level = ml_vmap_begin(2);
    expect_fails(ml_init_fill(ml_vmap_wrap(level, w, 0), he, key), "init: inside vmap a tensor stands for one of a batch");
    ml_vmap_end(level);
    expect_same(w, ml_ones(ML_SHAPE(2, 3), ML_F32), "a refused tensor");
    ml_scope_end(&scope);
}

Test(nn, names_of_initialisers)
{
    for (int kind = 0; kind < ML_INIT_COUNT; kind++) {
        ml_init_kind back;
        cr_assert(ml_init_parse(ml_init_name((ml_init_kind)kind), &back));
        cr_expect_eq((int)back, kind);
    }
    ml_init_kind kind = ML_INIT_ZEROS;
    expect_fails(ml_init_parse("he_norml", &kind), "init: there is no 'he_norml'; did you mean 'he_normal'?");
    expect_fails(ml_init_parse("xavier", &kind), "init: there is no 'xavier'; there are zeros,");
    cr_expect_eq(kind, ML_INIT_ZEROS);
    cr_expect_str_eq(ml_init_name((ml_init_kind)99), "?");
}

Test(nn, layers_start_as_in_pytorch)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *l = ml_nn_linear(100, 2000, NULL), *e = ml_nn_embedding(50, 60, NULL);
    expect_uniform(ml_module_own(l, "weight"), 0.1, "weight");
    expect_uniform(ml_module_own(l, "bias"), 0.1, "bias");
    expect_normal(ml_module_own(e, "weight"), 1, "embedding");
    ml_module *other = ml_nn_linear(100, 2000, &(ml_linear_layer_opts){ .weight_init = { ML_INIT_GLOROT_NORMAL, 0 },
                                                                        .bias_init = { ML_INIT_HE_UNIFORM, 2 }, .dtype = ML_F64 });
    expect_normal(ml_module_own(other, "weight"), sqrt(2 / 2100.0), "weight, Glorot");
    expect_uniform(ml_module_own(other, "bias"), 2 * sqrt(6 / 100.0), "a bias goes by the fans of its weight");
    cr_expect_eq(ml_tensor_dtype(ml_module_own(other, "bias")), ML_F64);
    ml_module_release(l);
    ml_module_release(e);
    ml_module_release(other);
    ml_scope_end(&scope);
}

Test(nn, a_seed_settles_the_network)
{
    ml_scope   scope = ml_scope_begin();
    ml_linear_layer_opts zero_bias = { .bias_init = { ML_INIT_ZEROS, 0 } };
    ml_module *nets[3];
    for (int i = 0; i < 3; i++) {
        ml_seed(i == 2 ? 12 : 11);
        nets[i] = ml_nn_sequential((ml_module *[]){ ml_nn_embedding(5, 4, NULL), ml_nn_linear(4, 3, i == 1 ? &zero_bias : NULL), ml_nn_linear(3, 2, NULL) }, 3);
    }
    for (int i = 0; i < 5; i++) {
        ml_tensor *a = ml_module_parameter(nets[0], i), *b = ml_module_parameter(nets[1], i), *c = ml_module_parameter(nets[2], i);
        if (i == 2) expect_same(b, ml_zeros(ML_SHAPE(3), ML_F32), "the bias");
        else expect_same(a, b, "parameter %d with the same seed, whatever the bias between starts as", i);
        expect(ml_item(ml_max(ml_abs(ml_sub(a, c)), NULL)) > 1e-3, "parameter %d with another seed is the same", i);
    }
    ml_seed(11); /* the first key of the seed is the embedding's weight, the next the weight, then the bias */
    ml_tensor *w = ml_empty(ML_SHAPE(5, 4), ML_F32);
    cr_assert(ml_init_fill(w, (ml_init){ ML_INIT_NORMAL, 0 }, ml_key_next()));
    expect_same(w, ml_module_parameter(nets[0], 0), "the first key");
    for (int i = 0; i < 3; i++) ml_module_release(nets[i]);
    ml_scope_end(&scope);
}

/* --- looking inside ----------------------------------------------------------------------------------------------------------- */
Test(nn, names_and_texts)
{
    ml_module *net = grokking(ML_OP_relu);
    static const char *const names[] = { "1.weight", "3.weight", "3.bias", "5.weight", "5.bias" };
    static const char *const texts[] = { "Embedding(11 -> 6)", "Flatten", "Linear(12 -> 9)", "ReLU", "Linear(9 -> 11)" };
    static const char *const kinds[] = { "Embedding", "Flatten", "Linear", "ReLU", "Linear" };
    cr_expect_eq(ml_module_children(net), 5);
    cr_expect_eq(ml_module_n_parameters(net), 5);
    char name[16];
    for (int i = 0; i < 5; i++) {
        cr_expect_str_eq(ml_module_text(ml_module_child(net, i)), texts[i]);
        cr_expect_str_eq(ml_module_kind(ml_module_child(net, i)), kinds[i]);
        cr_assert(ml_module_parameter_name(net, i, name, sizeof name));
        cr_expect_str_eq(name, names[i]);
        cr_expect_eq(ml_module_parameters(net)[i], ml_module_parameter(net, i));
        cr_expect(ml_tensor_requires_grad(ml_module_parameter(net, i)));
    }
    cr_expect_str_eq(ml_module_text(net), "Sequential(5 layers)");
    cr_expect_eq(ml_module_own(ml_module_child(net, 2), "bias"), ml_module_parameter(net, 2));
    cr_expect_null(ml_module_own(net, "weight"));
    cr_expect_null(ml_module_own(ml_module_child(net, 2), "gain"));
    expect_fails(ml_module_child(net, 5), "Sequential(5 layers): there is no layer at position 5; it has 5");
    expect_fails(ml_module_parameter(net, -1), "Sequential(5 layers): there is no parameter at position -1; it has 5");
    expect_fails(ml_module_parameter_name(net, 5, name, sizeof name), "there is no parameter at position 5");
    for (size_t bytes = 1; bytes < sizeof "3.weight"; bytes++)
        expect_fails(ml_module_parameter_name(net, 1, name, bytes), "parameter name: it needs more than");
    cr_expect(ml_module_parameter_name(net, 1, name, sizeof "3.weight"));
    ml_module_release(net);
}

/* --- what is refused ------------------------------------------------------------------------------------------------------------ */
Test(nn, inputs_that_do_not_fit)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *l = ml_nn_linear(256, 97, NULL), *e = ml_nn_embedding(97, 4, &(ml_embedding_layer_opts){ .base = 1 }), *f = ml_nn_flatten();
    ml_module *tokens = ml_nn_sequential((ml_module *[]){ ml_module_retain(e), ml_module_retain(f), ml_nn_linear(8, 2, NULL) }, 3);
    ml_tensor *number = ml_scalar(1, ML_F32), *ids = ml_full(ML_SHAPE(200, 2), ML_I64, 1);
    expect_fails(ml_module_forward(l, normals(ML_SHAPE(5, 100), 1)), "Linear(256 -> 97): the input's last size is 100, not 256; its shape is (5, 100)");
    expect_fails(ml_module_forward(l, number), "Linear(256 -> 97): the input is a single number; its last size must be 256");
    expect_fails(ml_module_forward(f, number), "Flatten: the input is a single number");
    expect_fails(ml_module_forward(e, normals(ML_SHAPE(5, 2), 1)), "Embedding(97 -> 4): ids must be integers (i64), got f32");
    expect_fails(ml_module_forward(e, ml_zeros(ML_SHAPE(5, 2), ML_I64)), "Embedding(97 -> 4): ids must be 1..97, found 0 (add 1)");
    ml_tensor_set_at(ids, (int64_t[]){ 3, 1 }, 98);
    expect_fails(ml_module_forward(tokens, ids), "Embedding(97 -> 4): ids must be 1..97, found 98"); /* fused */
    expect_fails(ml_module_forward(tokens, ml_ones(ML_SHAPE(200, 3), ML_I64)), "Linear(8 -> 2): the input's last size is 12, not 8");
    ml_module_release(l);
    ml_module_release(e);
    ml_module_release(f);
    ml_module_release(tokens);
    ml_scope_end(&scope);
}

Test(nn, layers_that_cannot_be)
{
    ml_scope scope = ml_scope_begin();
    expect_fails(ml_nn_linear(0, 3, NULL), "Linear: sizes must be at least 1, got 0 -> 3");
    expect_fails(ml_nn_linear(3, 3, &(ml_linear_layer_opts){ .dtype = ML_I64 }), "Linear: dtype must be f32 or f64, got i64");
    expect_fails(ml_nn_embedding(3, -1, NULL), "Embedding: sizes must be at least 1, got 3 -> -1");
    expect_fails(ml_nn_embedding(3, 3, &(ml_embedding_layer_opts){ .dtype = ML_BOOL }), "Embedding: dtype must be f32 or f64, got bool");
    expect_fails(ml_nn_activation(ML_OP_matmul), "activation: matmul is none; an activation has one input and no options");
    expect_fails(ml_nn_activation(ML_OP_softmax), "activation: softmax is none");
    expect_fails(ml_nn_activation_with(ML_OP_add, NULL), "activation: add is none; an activation has one input");
    expect_fails(ml_nn_activation(ML_OP_COUNT), "activation: there is no operation");
    expect_fails(ml_nn_linear(INT64_MAX / 2, 3, NULL), "out of memory");
    expect_fails(ml_nn_linear(3, 3, &(ml_linear_layer_opts){ .weight_init = { ML_INIT_NORMAL, INFINITY } }), "init: the scale must be finite");

    ml_module *deep = ml_nn_flatten(), *wide = ml_nn_linear(1, 1, NULL);
    for (int i = 0; i < 100; i++) cr_assert(deep = ml_nn_sequential(&deep, 1), "%d inside each other", i);
    expect_fails(ml_nn_sequential(&deep, 1), "Sequential: more than 100 modules inside each other");
    for (int i = 0; i < 19; i++) cr_assert(wide = ml_nn_sequential((ml_module *[]){ wide, ml_module_retain(wide) }, 2), "%s", ml_error_message());
    expect_fails(ml_nn_sequential((ml_module *[]){ wide, ml_module_retain(wide) }, 2), "Sequential: more than 1048576 parameters in one module");
    ml_scope_end(&scope);
}

Test(nn, other_parameters_that_do_not_fit)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *net = ml_nn_sequential((ml_module *[]){ ml_nn_linear(3, 2, NULL) }, 1);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1), *w = normals(ML_SHAPE(2, 3), 2), *b = normals(ML_SHAPE(2), 3), *c = normals(ML_SHAPE(3), 3);
    expect_fails(ml_module_apply(net, (ml_tensor *[]){ w }, 1, x), "Sequential(1 layer): it has 2 parameters, 1 were given");
    expect_fails(ml_module_apply(net, (ml_tensor *[]){ w, c }, 2, x), "Sequential(1 layer): parameter 1.bias must have shape (2), got (3)");
    cr_expect(ml_module_apply(net, (ml_tensor *[]){ w, b }, 2, x));
    ml_module_release(net);
    ml_scope_end(&scope);
}

Test(nn, null_gives_null_and_keeps_the_message)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x     = normals(ML_SHAPE(2), 1);
    ml_module *m     = ml_nn_flatten();
    size_t     live  = ml_memory().live;
    ml_fail("the first message");
    cr_expect(!ml_nn_sequential((ml_module *[]){ ml_nn_flatten(), NULL, ml_nn_activation(ML_OP_relu) }, 3));
    cr_expect_eq(ml_memory().live, live, "the other layers were given away and are still there");
    cr_expect(!ml_module_forward(NULL, x) && !ml_module_forward(m, NULL) && !ml_module_apply(NULL, NULL, 0, x) && !ml_module_parameters(NULL) &&
              !ml_module_child(NULL, 0) && !ml_module_parameter(NULL, 0) && !ml_module_own(NULL, "weight") && !ml_module_n_parameters(NULL));
    cr_expect(ml_module_parameters(m), "a module without parameters is no failure");
    cr_expect_str_eq(ml_error_message(), "the first message");
    ml_module_release(NULL);
    ml_module_release(m);
    ml_scope_end(&scope);
}

/* --- refused memory ---------------------------------------------------------------------------------------------------------------- */
Test(nn, any_allocation_of_a_new_network_may_be_refused)
{
    ml_module_release(grokking(ML_OP_tanh)); /* the thread's own lists are there */
    ml_module *net  = NULL;
    size_t     live = ml_memory().live;
    int64_t    n;
    for (n = 1; !net && n < 200; n++) {
        ml_error_clear();
        ml_memory_fail_after(n);
        net = grokking(ML_OP_tanh);
        ml_memory_fail_after(0);
        if (net) break;
        expect(strstr(ml_error_message(), "out of memory"), "allocation %lld: the message is '%s'", (long long)n, ml_error_message());
        expect(ml_memory().live == live, "allocation %lld: %lld bytes were left", (long long)n, (long long)(ml_memory().live - live));
    }
    expect(net && n > 20, "%lld allocations", (long long)n);
    ml_module_release(net);
    expect(ml_memory().live == live, "%lld bytes were left", (long long)(ml_memory().live - live));
}

Test(nn, a_layer_that_fails_takes_no_random_numbers)
{
    ml_seed(1);
    ml_key  first = ml_key_next();
    int64_t n;
    ml_module *m = NULL;
    for (n = 1; !m && n < 100; n++) {
        ml_seed(1);
        ml_memory_fail_after(n);
        m = ml_nn_linear(3, 2, NULL);
        ml_memory_fail_after(0);
        ml_key next = ml_key_next();
        expect(next.stream == first.stream + (m ? 2 : 0), "allocation %lld: the next stream is %llu", (long long)n, (unsigned long long)next.stream);
    }
    expect(m && n > 6, "%lld allocations", (long long)n);
    ml_module_release(m);
}

Test(nn, any_allocation_of_a_training_step_may_be_refused)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *net   = grokking(ML_OP_relu);
    ml_optim  *opt   = ml_adamw(ml_module_parameters(net), ml_module_n_parameters(net), NULL);
    for (int rows = 7; rows <= 60; rows += 53) { /* both ways through the embedding */
        ml_tensor *x = ml_randint(0, 11, ML_SHAPE(rows, 2), ml_key_of(5, 1)), *y = ml_randint(0, 11, ML_SHAPE(rows), ml_key_of(5, 2));
        bool       ok = false;
        int64_t    n;
        for (n = 0; !ok && n < 1000; n++) { /* n = 0 is not refused: it brings the thread's own lists to size */
            ml_optim_zero_grad(opt);
            ml_scope   each = ml_scope_begin();
            ml_tensor *was[5];
            for (int i = 0; i < 5; i++) was[i] = ml_clone(ml_module_parameter(net, i));
            size_t   live  = ml_memory().live;
            ml_scope inner = ml_scope_begin();
            ml_error_clear();
            ml_memory_fail_after(n);
            ok = ml_optim_minimize(opt, ml_cross_entropy(ml_module_forward(net, x), y, NULL));
            ml_memory_fail_after(0);
            ml_scope_end(&inner);
            for (int i = 0; !ok && i < 5; i++) expect_same(ml_module_parameter(net, i), was[i], "allocation %lld: parameter %d", (long long)n, i);
            if (!ok) expect(strstr(ml_error_message(), "out of memory"), "allocation %lld: the message is '%s'", (long long)n, ml_error_message());
            ml_optim_zero_grad(opt);
            expect(ml_memory().live == live, "allocation %lld: %lld bytes were left", (long long)n, (long long)(ml_memory().live - live));
            ml_scope_end(&each);
            if (n > 0) continue;
            cr_assert(ok, "%s", ml_error_message());
            ok = false;
        }
        expect(ok && n > 20, "%lld allocations", (long long)n);
    }
    ml_optim_release(opt);
    ml_module_release(net);
    ml_scope_end(&scope);
}
