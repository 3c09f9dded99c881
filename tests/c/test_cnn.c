/* Layers of networks of images: against the operations they are made of, their buffers, and what may go through them. */
#include "checks.h"
#include "moonlab/nn.h"
#include "moonlab/transform.h"

#include <math.h>
#include <stdlib.h>

TestSuite(cnn, .init = begin_test, .fini = end_test, .timeout = 60);

static ml_tensor *normals(ml_shape shape, uint64_t stream) { return ml_randn(shape, ML_F64, ml_key_of(5, stream)); }
static const int64_t three[2] = { 3, 3 };

static ml_module *batch_net(void)
{
    ml_linear_layer_opts wide = { .dtype = ML_F64 };
    ml_norm_layer_opts   norm = { .dtype = ML_F64 };
    return ml_nn_sequential((ml_module *[]){ ml_nn_linear(3, 4, &wide), ml_nn_batch_norm(1, 4, &norm), ml_nn_activation(ML_OP_tanh), ml_nn_linear(4, 2, &wide) }, 4);
}

/* --- convolutions against sums written out ------------------------------------------------------------------------------ */
Test(cnn, conv2d_is_the_sum_written_out)
{
    ml_tensor         *x = normals(ML_SHAPE(2, 4, 6, 5), 1);
    ml_conv_layer_opts o = { .stride = { 2, 1 }, .padding = { 1, 2 }, .dilation = { 1, 2 }, .groups = 2, .dtype = ML_F64 };
    ml_module         *m = ml_nn_conv2d(4, 6, three, &o);
    ml_tensor         *y = ml_module_forward(m, x), *w = ml_module_own(m, "weight"), *b = ml_module_own(m, "bias");
    cr_assert(y, "%s", ml_error_message());
    ml_tensor *sum = ml_zeros(ml_tensor_shape(y), ML_F64);
    double    *v   = ml_tensor_mutable_data(sum);
    for (int64_t n = 0; n < 2; n++)
        for (int64_t k = 0; k < 6; k++)
            for (int64_t i = 0; i < ml_tensor_size(y, 2); i++)
                for (int64_t j = 0; j < ml_tensor_size(y, 3); j++, v++) {
                    *v = ml_tensor_at(b, &k);
                    for (int64_t c = 0; c < 2; c++)
                        for (int64_t p = 0; p < 3; p++)
                            for (int64_t q = 0; q < 3; q++) {
                                int64_t r = 2 * i - 1 + p, s = j - 2 + 2 * q;
                                if (r < 0 || r >= 6 || s < 0 || s >= 5) continue;
                                *v += ml_tensor_at(w, (int64_t[]){ k, c, p, q }) * ml_tensor_at(x, (int64_t[]){ n, k / 3 * 2 + c, r, s });
                            }
                }
    expect_close(y, sum, 1e-13, "conv2d");
    ml_module_release(m);
}

/* Larger than any block of the kernels, so that images, rows and channels are cut; and the same bits however many threads. */
Test(cnn, large_convolutions_are_cut_without_a_trace)
{
    static const struct {
        ml_shape           x;
        int64_t            out, kernel[2];
        ml_conv_layer_opts o;
    } cases[] = {
        { { 4, { 3, 40, 50, 30 } }, 37, { 3, 3 }, { .padding = { 1, 1 } } },
        { { 4, { 70, 24, 1, 40 } }, 25, { 1, 5 }, { .stride = { 1, 2 }, .padding = { 0, 1 } } },
        { { 4, { 70, 24, 1, 40 } }, 25, { 1, 3 }, { .stride = { 1, 3 }, .padding = { 0, 1 } } },
        { { 4, { 2, 300, 9, 9 } }, 12, { 1, 1 }, { .stride = { 2, 2 } } },
        { { 4, { 1, 3, 200, 120 } }, 8, { 7, 7 }, { .stride = { 2, 2 }, .padding = { 3, 3 } } },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ml_scope   scope = ml_scope_begin();
        ml_module *m     = ml_nn_conv2d(cases[k].x.size[1], cases[k].out, cases[k].kernel, &cases[k].o);
        ml_tensor *x     = ml_requires_grad(ml_randn(cases[k].x, ML_F32, ml_key_of(6, k)), true), *one[3], *two[3];
        ml_tensor *in[]  = { x, ml_module_own(m, "weight"), ml_module_own(m, "bias") };
        ml_tensor *seed  = NULL;
        for (int threads = 1; threads <= 2; threads++) {
            ml_threads_set(threads);
            ml_tensor *y = ml_module_forward(m, x);
            if (!seed) seed = ml_randn(ml_tensor_shape(y), ML_F32, ml_key_of(7, k));
            cr_assert(ml_grad(y, in, 3, threads == 1 ? one : two, &(ml_grad_opts){ .seed = seed }), "%s", ml_error_message());
        }
        for (int i = 0; i < 3; i++) expect_same(one[i], two[i], "case %d, gradient %d", (int)k, i);
        /* <dy, conv(x, w)> is linear in x and in w: each gradient gives the same number */
        ml_tensor *bare  = ml_sub(ml_module_forward(m, x), ml_reshape(in[2], &(ml_reshape_opts){ { 3, { cases[k].out, 1, 1 } } }));
        double     value = ml_item(ml_sum(ml_mul(ml_cast(bare, &(ml_cast_opts){ ML_F64 }), seed), NULL));
        for (int i = 0; i < 2; i++) {
            double by = ml_item(ml_sum(ml_mul(ml_cast(one[i], &(ml_cast_opts){ ML_F64 }), in[i]), NULL));
            double size = ml_item(ml_norm(ml_cast(bare, &(ml_cast_opts){ ML_F64 }), NULL)) * ml_item(ml_norm(ml_cast(seed, &(ml_cast_opts){ ML_F64 }), NULL));
            expect(fabs(by - value) < 1e-5 * size, "case %d: <dy, y> is %g, by gradient %d %g", (int)k, value, i, by);
        }
        ml_module_release(m);
        ml_scope_end(&scope);
    }
}

/* Many small images are run side by side, one alone is not: what each gives must not tell. Steps, borders, groups, both types, and numbers
 * of images that do and do not fill what they lie in. */
Test(cnn, images_give_together_what_each_gives_alone)
{
    static const struct {
        ml_shape           x;
        int64_t            out, kernel[2];
        ml_conv_layer_opts o;
    } cases[] = {
        { { 4, { 100, 25, 1, 19 } }, 25, { 1, 3 }, { .stride = { 1, 2 }, .padding = { 0, 1 } } },
        { { 4, { 64, 1, 1, 40 } }, 7, { 1, 5 }, { .stride = { 1, 2 }, .padding = { 0, 1 } } },
        { { 4, { 45, 6, 5, 7 } }, 8, { 3, 2 }, { .stride = { 2, 3 }, .padding = { 2, 3 }, .dilation = { 2, 1 }, .groups = 2 } },
        { { 4, { 33, 4, 6, 5 } }, 13, { 1, 1 }, { .stride = { 4, 3 }, .dtype = ML_F64 } },
        { { 4, { 14, 3, 8, 8 } }, 5, { 3, 3 }, { .padding = { 1, 1 }, .dtype = ML_F64 } },
        { { 4, { 32, 30, 3, 3 } }, 4, { 3, 3 }, { .padding = { 1, 1 } } }, /* more than one block of taps */
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ml_scope   scope = ml_scope_begin();
        ml_dtype   dtype = cases[k].o.dtype;
        double     tol   = dtype == ML_F64 ? 1e-12 : 1e-4;
        ml_module *m     = ml_nn_conv2d(cases[k].x.size[1], cases[k].out, cases[k].kernel, &cases[k].o);
        ml_tensor *x     = ml_requires_grad(ml_randn(cases[k].x, dtype, ml_key_of(8, k)), true), *y = ml_module_forward(m, x), *all[3];
        cr_assert(y, "%s", ml_error_message());
        ml_tensor *seed = ml_randn(ml_tensor_shape(y), dtype, ml_key_of(9, k)), *sums[2] = { NULL, NULL };
        ml_tensor *own[] = { ml_module_own(m, "weight"), ml_module_own(m, "bias") };
        cr_assert(ml_grad(y, (ml_tensor *[]){ x, own[0], own[1] }, 3, all, &(ml_grad_opts){ .seed = seed }), "%s", ml_error_message());
        for (int64_t i = 0; i < cases[k].x.size[0]; i++) {
            ml_slice_opts at  = { .dim = 0, .start = i, .stop = i + 1, .step = 1 };
            ml_tensor     *one = ml_requires_grad(ml_clone(ml_slice(x, &at)), true), *alone = ml_module_forward(m, one), *d[3];
            cr_assert(ml_grad(alone, (ml_tensor *[]){ one, own[0], own[1] }, 3, d, &(ml_grad_opts){ .seed = ml_slice(seed, &at) }), "%s", ml_error_message());
            expect_close(alone, ml_slice(y, &at), tol, "case %d, image %d", (int)k, (int)i);
            expect_close(d[0], ml_slice(all[0], &at), tol, "case %d, gradient of image %d", (int)k, (int)i);
            for (int j = 0; j < 2; j++) sums[j] = sums[j] ? ml_add(sums[j], d[1 + j]) : d[1 + j];
        }
        for (int j = 0; j < 2; j++) expect_close(all[1 + j], sums[j], 10 * tol, "case %d, gradient %d", (int)k, j);
        ml_module_release(m);
        ml_scope_end(&scope);
    }
}

/* --- buffers ------------------------------------------------------------------------------------------------------------------ */
Test(cnn, batch_norm_is_pure_with_its_buffers_given)
{
    ml_module *m = batch_net();
    ml_tensor *x = normals(ML_SHAPE(6, 3), 2), *become[2], *before[2];
    int        n = ml_module_n_parameters(m);
    cr_assert_eq(ml_module_n_buffers(m), 2);
    for (int i = 0; i < 2; i++) before[i] = ml_clone(ml_module_buffers(m)[i]);
    ml_tensor *pure = ml_module_apply_with(m, ml_module_parameters(m), n, x, &(ml_apply_opts){ .buffers = before, .n_buffers = 2, .new_buffers = become });
    for (int i = 0; i < 2; i++) expect_same(ml_module_buffers(m)[i], before[i], "apply changed buffer %d", i);
    ml_tensor *own = ml_module_forward(m, x);
    expect_same(own, pure, "training forward");
    for (int i = 0; i < 2; i++) expect_close(ml_module_buffers(m)[i], become[i], 1e-15, "buffer %d", i);
    ml_module_train(m, false);
    ml_tensor *calm = ml_module_apply_with(m, ml_module_parameters(m), n, x, &(ml_apply_opts){ .buffers = become, .n_buffers = 2 });
    expect_same(ml_module_forward(m, x), calm, "evaluation forward");
    char name[32];
    expect(ml_module_buffer_name(m, 1, name, sizeof name) && strcmp(name, "2.running_var") == 0, "it is called %s", name);
    ml_module_release(m);
}

typedef struct {
    ml_module *m;
    ml_mode    mode;
} net;

static bool net_of_rows(void *ctx, ml_tensor *const *in, ml_tensor **out) /* in[0]: a batch (6, 3) */
{
    net *f = ctx;
    out[0] = ml_module_apply_with(f->m, ml_module_parameters(f->m), ml_module_n_parameters(f->m), in[0], &(ml_apply_opts){ .mode = f->mode });
    return out[0] != NULL;
}

/* vmap over batches of the Jacobian of a network with batch normalisation: each as if it were alone. */
Test(cnn, batch_norm_goes_through_vmap_of_jacobian)
{
    net         f    = { batch_net(), ML_MODE_TRAIN };
    ml_tensor  *many = normals(ML_SHAPE(4, 6, 3), 3), *alone, *mapped;
    ml_function call = { .call = net_of_rows, .ctx = &f, .n_in = 1, .n_out = 1 };
    int64_t     level = ml_vmap_begin(4);
    ml_tensor  *one   = ml_vmap_wrap(level, many, 0);
    bool        ok    = ml_jacobian(&call, &one, 0, &mapped);
    mapped            = ok ? ml_vmap_unwrap(level, mapped, 0) : NULL;
    ml_vmap_end(level);
    cr_assert(mapped, "%s", ml_error_message());
    for (int64_t i = 0; i < 4; i++) {
        ml_tensor *x = ml_reshape(ml_slice(many, &(ml_slice_opts){ 0, i, i + 1, 1 }), &(ml_reshape_opts){ ML_SHAPE(6, 3) });
        cr_assert(ml_jacobian(&call, &x, 0, &alone), "%s", ml_error_message());
        ml_tensor *part = ml_reshape(ml_slice(mapped, &(ml_slice_opts){ 0, i, i + 1, 1 }), &(ml_reshape_opts){ ml_tensor_shape(alone) });
        expect_close(part, alone, 1e-12, "Jacobian %d", (int)i);
    }
    ml_module_release(f.m);
}

/* In a Sequential a norm and the activation behind it are one operation: the same values, slopes and running statistics as one by one. */
Test(cnn, batch_norm_takes_the_activation_behind_it)
{
    static const ml_op_id acts[] = { ML_OP_relu, ML_OP_tanh, ML_OP_sigmoid, ML_OP_softplus };
    static const ml_shape shapes[] = { { 2, { 40, 3 } }, { 4, { 4, 3, 5, 6 } }, { 4, { 3, 3, 40, 40 } } };
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++)
            for (int train = 0; train < 2; train++) {
                ml_scope           scope = ml_scope_begin();
                ml_norm_layer_opts o     = { .dtype = ML_F64 };
                ml_module         *m     = ml_nn_sequential((ml_module *[]){ ml_nn_batch_norm(k == 0 ? 1 : 2, 3, &o), ml_nn_activation(acts[i]) }, 2);
                ml_module         *bare  = ml_module_child(m, 0);
                ml_tensor *x = ml_requires_grad(normals(shapes[k], 4), true), *w = ml_module_own(bare, "weight"), *b = ml_module_own(bare, "bias");
                cr_assert(ml_copy_into(w, normals(ML_SHAPE(3), 5)) && ml_copy_into(b, normals(ML_SHAPE(3), 6)));
                ml_tensor     *in[] = { x, w, b }, *after[2][2], *slopes[2][3], *y[2];
                for (int alone = 0; alone < 2; alone++) {
                    ml_apply_opts a = { .new_buffers = after[alone], .mode = train ? ML_MODE_TRAIN : ML_MODE_EVAL };
                    y[alone] = ml_module_apply_with(alone ? bare : m, in + 1, 2, x, &a);
                    if (alone) y[alone] = ml_op_apply(acts[i], &y[alone], 1, NULL);
                    cr_assert(ml_grad(ml_sum(ml_mul(y[alone], normals(shapes[k], 7)), NULL), in, 3, slopes[alone], NULL), "%s", ml_error_message());
                }
                expect_close(y[0], y[1], 1e-14, "value, case %d %d, training %d", i, k, train);
                for (int j = 0; j < 2; j++) expect_close(after[0][j], after[1][j], 1e-14, "buffer %d, case %d %d, training %d", j, i, k, train);
                for (int j = 0; j < 3; j++) expect_close(slopes[0][j], slopes[1][j], 1e-12, "slope %d, case %d %d, training %d", j, i, k, train);
                ml_module_release(m);
                ml_scope_end(&scope);
            }
}

/* In evaluation a convolution takes the norm behind it into its weights, and the activation too. */
Test(cnn, convolutions_take_in_a_norm_in_evaluation)
{
    for (int k = 0; k < 8; k++) {
        ml_scope           scope = ml_scope_begin();
        bool               row = k & 1, affine = k & 2, bias = k & 4;
        ml_norm_layer_opts n = { .dtype = ML_F64, .no_affine = !affine };
        ml_conv_layer_opts o = { .dtype = ML_F64, .no_bias = !bias, .groups = 2, .same = true };
        ml_module *m = ml_nn_sequential((ml_module *[]){ row ? ml_nn_conv1d(2, 4, 3, &o) : ml_nn_conv2d(2, 4, three, &o), ml_nn_batch_norm(row ? 1 : 2, 4, &n),
                                                         ml_nn_activation(ML_OP_relu) }, 3);
        ml_tensor *x = ml_requires_grad(row ? normals(ML_SHAPE(3, 2, 9), 1) : normals(ML_SHAPE(3, 2, 5, 6), 1), true), *in[5] = { x }, *slopes[2][5], *y[2];
        int        params = ml_module_n_parameters(m);
        for (int i = 0; i < params; i++) in[1 + i] = ml_module_parameter(m, i);
        for (int i = 0; i < params; i++) cr_assert(ml_copy_into(in[1 + i], normals(ml_tensor_shape(in[1 + i]), (uint64_t)(10 + i))));
        for (int i = 0; i < 3; i++) cr_assert(ml_module_forward(m, x), "%s", ml_error_message()); /* running statistics */
        ml_module_train(m, false);
        for (int alone = 0; alone < 2; alone++) {
            y[alone] = x;
            for (int i = 0; alone && i < 3; i++) y[alone] = ml_module_forward(ml_module_child(m, i), y[alone]);
            if (!alone) y[0] = ml_module_forward(m, x);
            cr_assert(ml_grad(ml_sum(ml_mul(y[alone], normals(ml_tensor_shape(y[alone]), 7)), NULL), in, 1 + params, slopes[alone], NULL), "%s", ml_error_message());
        }
        expect_close(y[0], y[1], 1e-13, "value, case %d", k);
        for (int j = 0; j <= params; j++) expect_close(slopes[0][j], slopes[1][j], 1e-12, "slope %d, case %d", j, k);
        ml_module_release(m);
        ml_scope_end(&scope);
    }
}

/* --- pooling keeps to its first largest value ------------------------------------------------------------------------------------ */
Test(cnn, max_pool_passes_nan_on)
{
    double     v[] = { 1, NAN, 2, 3, 4, 5, 6, 7 };
    ml_tensor *y   = ml_max_pool2d(ml_from(ML_SHAPE(2, 4), ML_F64, v), NULL);
    expect(isnan(ml_tensor_at(y, (int64_t[]){ 0, 0 })) && ml_tensor_at(y, (int64_t[]){ 0, 1 }) == 7, "NaN and 7 were expected");
}

/* Windows of 2 by 2 have loops of their own: the value is that at the position which the general loop finds, with ties and NaN in
 * odd places, and the slope arrives there. */
Test(cnn, quarters_agree_with_windows_of_any_size)
{
    for (int64_t size = 2; size <= 41; size++) {
        ml_scope   scope = ml_scope_begin();
        ml_tensor *x     = ml_empty(ML_SHAPE(3, size, size + 1), ML_F32), *g, *recorded;
        ml_copy_into(x, ml_randint(0, 4, ML_SHAPE(3, size, size + 1), ml_key_of(8, (uint64_t)size)));
        float *v = ml_tensor_mutable_data(x);
        for (int64_t i = 0; i < ml_tensor_numel(x); i++)
            if (v[i] == 3 && i % 5 == 0) v[i] = NAN;
        ml_requires_grad(x, true);
        ml_tensor *y = ml_max_pool2d(x, NULL), *at = ml_max_pool2d_positions(x, NULL), *dy = ml_randn(ml_tensor_shape(y), ML_F32, ml_key_of(9, (uint64_t)size));
        ml_tensor *found = ml_empty(ml_tensor_shape(y), ML_F32);
        float     *to    = ml_tensor_mutable_data(found);
        const int64_t *position = ml_tensor_data(at);
        int64_t    windows = ml_tensor_numel(at) / 3;
        for (int64_t i = 0; i < 3 * windows; i++) to[i] = v[i / windows * size * (size + 1) + position[i]];
        expect_same(y, found, "size %d", (int)size);
        cr_assert(ml_grad(y, &x, 1, &g, &(ml_grad_opts){ .seed = dy, .keep_graph = true }) &&
                  ml_grad(y, &x, 1, &recorded, &(ml_grad_opts){ .seed = dy, .create_graph = true }), "%s", ml_error_message());
        expect_same(g, recorded, "slopes, size %d", (int)size);
        ml_scope_end(&scope);
    }
}

/* --- refused memory ------------------------------------------------------------------------------------------------------------- */
static bool try_all(void)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *m     = ml_nn_sequential((ml_module *[]){ ml_nn_conv2d(2, 3, three, &(ml_conv_layer_opts){ .same = true, .padding_mode = ML_PAD_CIRCULAR }), ml_nn_batch_norm(2, 3, NULL),
                                                         ml_nn_activation(ML_OP_relu), ml_nn_max_pool2d((int64_t[]){ 2, 2 }, NULL), ml_nn_dropout(0.5),
                                                         ml_nn_conv_transpose2d(3, 2, three, NULL), ml_nn_group_norm(2, 2, NULL), ml_nn_global_avg_pool() }, 8);
    ml_tensor *x = ml_randn(ML_SHAPE(2, 2, 4, 4), ML_F32, ml_key_of(1, 1)), *y = ml_module_forward(m, x);
    bool       ok = y && ml_backward(ml_sum(y, NULL), NULL);
    ml_module_release(m);
    ml_scope_end(&scope);
    return ok;
}

/* Layers that are made of several operations: what each of them is refused must not stay. */
static bool try_composed(void)
{
    ml_scope   scope = ml_scope_begin();
    ml_module *turns = ml_nn_sequential((ml_module *[]){ ml_nn_lift_conv2d(ML_SYMMETRY_P4M, 2, 2, 3, NULL), ml_nn_batch_norm(2, 2, NULL), ml_nn_activation(ML_OP_relu),
                                                         ml_nn_group_conv2d(ML_SYMMETRY_P4M, 2, 2, 3, &(ml_conv_layer_opts){ .same = true }), ml_nn_group_pool(false),
                                                         ml_nn_adaptive_max_pool2d((int64_t[]){ 2, 3 }), ml_nn_global_max_pool() }, 7);
    ml_module *rows  = ml_nn_sequential((ml_module *[]){ ml_nn_locally_connected1d(2, 4, 3, 6, &(ml_conv_layer_opts){ .padding = { 1 }, .padding_mode = ML_PAD_REFLECT }),
                                                         ml_nn_maxout(2, 1), ml_nn_selu(), ml_nn_conv_transpose1d(2, 3, 2, NULL), ml_nn_adaptive_avg_pool1d(5),
                                                         ml_nn_sine(2), ml_nn_bilinear(2, 3, 4, NULL), ml_nn_activation_with(ML_OP_softmax, NULL) }, 8);
    ml_tensor *x = ml_randn(ML_SHAPE(2, 2, 6, 6), ML_F32, ml_key_of(1, 1)), *z = ml_randn(ML_SHAPE(2, 2, 6), ML_F32, ml_key_of(1, 2));
    ml_tensor *y = ml_module_forward(turns, x), *v = ml_module_forward(rows, z);
    bool       ok = y && v && ml_backward(ml_add(ml_sum(y, NULL), ml_sum(ml_square(v), NULL)), NULL);
    ml_module_train(turns, false);
    ok = ok && ml_module_forward(turns, x);
    ml_module_release(turns);
    ml_module_release(rows);
    ml_scope_end(&scope);
    return ok;
}

Test(cnn, survive_refused_memory) { expect_survives_refused_memory(try_all); }
Test(cnn, composed_layers_survive_refused_memory) { expect_survives_refused_memory(try_composed); }
