/* Initialisers whose values know of each other, and the rules of fans and gains. */
#include "checks.h"
#include "moonlab/nn.h"

#include <math.h>
#include <stdlib.h>

TestSuite(init, .init = begin_test, .fini = end_test, .timeout = 60);

static ml_tensor *filled(ml_shape shape, ml_init init, uint64_t stream)
{
    ml_tensor *w = ml_empty(shape, ML_F64);
    cr_assert(ml_init_fill(w, init, ml_key_of(5, stream)), "%s", ml_error_message());
    return w;
}

static ml_tensor *flat(ml_tensor *w) /* (first size, all others) */
{
    return ml_reshape(w, &(ml_reshape_opts){ ML_SHAPE(ml_tensor_size(w, 0), -1) });
}

static double mean_square(ml_tensor *w) { return ml_item(ml_mean(ml_square(w), NULL)); }

/* --- orthogonal ------------------------------------------------------------------------------------------------------------ */
Test(init, orthogonal_rows_or_columns)
{
    static const ml_shape shapes[] = { { 2, { 5, 5 } }, { 2, { 3, 40 } }, { 2, { 40, 3 } }, { 4, { 6, 2, 3, 3 } }, { 4, { 40, 2, 3, 3 } }, { 2, { 1, 1 } } };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int scaled = 0; scaled < 2; scaled++) {
            double     s = scaled ? 1.5 : 1;
            ml_tensor *w = flat(filled(shapes[i], (ml_init){ .kind = ML_INIT_ORTHOGONAL, .scale = scaled ? s : 0 }, i));
            int64_t    rows = ml_tensor_size(w, 0), cols = ml_tensor_size(w, 1), n = rows < cols ? rows : cols;
            ml_tensor *gram = rows <= cols ? ml_matmul(w, ml_mT(w)) : ml_matmul(ml_mT(w), w);
            expect_close(gram, ml_diag_embed(ml_full(ML_SHAPE(n), ML_F64, s * s), NULL), 1e-12, "case %zu, scale %g", i, s);
        }
}

/* Uniform among the orthogonal matrices: the trace of one of size n has mean 0 and variance 1; the plain Q of LAPACK, whose signs are
 * not drawn, has not. */
Test(init, orthogonal_is_uniform)
{
    enum { N = 400 };
    double sum = 0, squares = 0, corner = 0;
    for (uint64_t i = 0; i < N; i++) {
        ml_scope   scope = ml_scope_begin();
        ml_tensor *w     = filled(ML_SHAPE(3, 3), (ml_init){ ML_INIT_ORTHOGONAL }, i);
        double     trace = ml_item(ml_trace(w));
        sum += trace / N;
        squares += trace * trace / N;
        corner += ml_tensor_at(w, (int64_t[]){ 0, 0 }) / N;
        ml_scope_end(&scope);
    }
    expect(fabs(sum) < 5 / sqrt(N), "the mean of the trace is %g", sum);
    expect(fabs(squares - 1) < 5 * sqrt(2.0 / N), "its variance is %g", squares);
    expect(fabs(corner) < 5 / sqrt(3.0 * N), "the mean of a corner is %g", corner);
}

/* --- identity -------------------------------------------------------------------------------------------------------------- */
Test(init, identity_passes_channels_through)
{
    const int64_t kernels[][2] = { { 1, 1 }, { 3, 3 }, { 3, 5 }, { 4, 2 } };
    ml_tensor    *x = ml_randn(ML_SHAPE(2, 4, 7, 6), ML_F64, ml_key_of(1, 1));
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        for (int64_t groups = 1; groups <= 4; groups *= 2) {
            ml_module *m = ml_nn_conv2d(4, 4, kernels[i], &(ml_conv_layer_opts){ .same = true, .groups = groups, .no_bias = true, .dtype = ML_F64,
                                                                                .weight_init = { ML_INIT_IDENTITY } });
            expect_same(ml_module_forward(m, x), x, "kernel %zu, %d groups", i, (int)groups);
            ml_module_release(m);
        }
    ml_tensor *w = filled(ML_SHAPE(3, 5), (ml_init){ ML_INIT_IDENTITY, 2 }, 0);
    for (int64_t i = 0; i < 15; i++) expect(((const double *)ml_tensor_data(w))[i] == (i / 5 == i % 5 ? 2 : 0), "value %d", (int)i);
}

/* --- sparse ---------------------------------------------------------------------------------------------------------------- */
Test(init, sparse_rows_have_their_number_of_connections)
{
    static const struct { ml_shape shape; int64_t connections, expected; } cases[] = {
        { { 2, { 300, 100 } }, 0, 15 }, { { 2, { 200, 100 } }, 7, 7 }, { { 2, { 50, 10 } }, 0, 10 }, { { 4, { 60, 4, 3, 3 } }, 5, 5 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_tensor *w      = flat(filled(cases[i].shape, (ml_init){ .kind = ML_INIT_SPARSE, .scale = 0.5, .connections = cases[i].connections }, i));
        ml_tensor *counts = ml_count_nonzero(w, &(ml_count_nonzero_opts){ .dims = ML_DIMS(1) });
        expect(ml_item(ml_min(counts, NULL)) == (double)cases[i].expected && ml_item(ml_max(counts, NULL)) == (double)cases[i].expected, "case %zu", i);
        double n = (double)(ml_tensor_size(w, 0) * cases[i].expected), variance = mean_square(w) * (double)ml_tensor_numel(w) / n;
        expect(fabs(variance / 0.25 - 1) < 5 * sqrt(2 / n), "case %zu: the variance of the connections is %g", i, variance);
        expect(fabs(ml_item(ml_sum(w, NULL)) / n) < 5 * 0.5 / sqrt(n), "case %zu: their mean", i);
    }
    /* each place is as likely as any other, and its value does not tell which it is */
    ml_tensor *w     = filled(ML_SHAPE(4000, 20), (ml_init){ .kind = ML_INIT_SPARSE, .connections = 5 }, 9);
    ml_tensor *share = ml_mean(ml_cast(ml_ne(w, ml_number(0)), &(ml_cast_opts){ ML_F64 }), &(ml_mean_opts){ .dims = ML_DIMS(0) });
    double     most  = ml_item(ml_max(ml_abs(ml_sub(share, ml_number(0.25))), NULL));
    expect(most < 5 * sqrt(0.25 * 0.75 / 4000), "a place differs by %g from a quarter", most);
    ml_tensor *by_place = ml_mean(ml_square(w), &(ml_mean_opts){ .dims = ML_DIMS(0) });
    expect(ml_item(ml_max(ml_abs(ml_sub(by_place, ml_number(0.25))), NULL)) < 0.08, "the spread depends on the place");
}

/* --- all of them ------------------------------------------------------------------------------------------------------------ */
Test(init, another_key_gives_other_values)
{
    static const ml_init_kind drawn[] = { ML_INIT_ORTHOGONAL, ML_INIT_SPARSE };
    for (int i = 0; i < 2; i++) {
        ml_init    init = { drawn[i] };
        ml_tensor *a    = filled(ML_SHAPE(6, 20), init, 1), *b = filled(ML_SHAPE(6, 20), init, 2);
        expect_same(a, filled(ML_SHAPE(6, 20), init, 1), "%s, the same key", ml_init_name(init.kind));
        expect(ml_item(ml_max(ml_abs(ml_sub(a, b)), NULL)) > 0.05, "%s, another key", ml_init_name(init.kind));
    }
}

Test(init, fans)
{
    ml_shape     shape = ML_SHAPE(60, 10, 4, 5); /* in 200, out 1200, mean 700 */
    const double fans[ML_FAN_COUNT] = { 0, 200, 1200, 700 };
    for (int kind = ML_INIT_FAN_IN_UNIFORM; kind <= ML_INIT_LECUN_NORMAL; kind++) {
        bool   glorot = kind == ML_INIT_GLOROT_UNIFORM || kind == ML_INIT_GLOROT_NORMAL, he = kind == ML_INIT_HE_UNIFORM || kind == ML_INIT_HE_NORMAL;
        double factor = kind == ML_INIT_FAN_IN_UNIFORM ? 1.0 / 3 : he ? 2 : 1;
        for (int fan = ML_FAN_DEFAULT; fan < ML_FAN_COUNT; fan++) {
            double expected = factor / fans[fan ? fan : glorot ? ML_FAN_MEAN : ML_FAN_IN];
            double got      = mean_square(filled(shape, (ml_init){ .kind = (ml_init_kind)kind, .fan = (ml_fan)fan }, (uint64_t)(10 * kind + fan)));
            expect(fabs(got / expected - 1) < 5 * sqrt(2.0 / 12000), "%s, fan %d: variance %g, not %g", ml_init_name((ml_init_kind)kind), fan, got, expected);
        }
    }
}

/* The gain of relu, leaky_relu and linear keeps the mean square of what 30 layers pass on, as He et al. 2015 derive; without it, it goes. */
static double passed_on(double gain, double slope)
{
    ml_tensor *x = ml_randn(ML_SHAPE(50, 256), ML_F64, ml_key_of(1, 1));
    for (uint64_t i = 0; i < 30; i++) {
        x = ml_matmul(x, filled(ML_SHAPE(256, 256), (ml_init){ ML_INIT_LECUN_NORMAL, gain }, i));
        if (i < 29) x = ml_leaky_relu(x, &(ml_leaky_relu_opts){ slope });
    }
    return mean_square(x);
}

Test(init, gains_keep_the_variance)
{
    static const struct { const char *name; double slope; } cases[] = { { "relu", 0 }, { "leaky_relu", 0.2 }, { "linear", 1 } };
    double gain;
    for (size_t i = 0; i < 3; i++) {
        cr_assert(ml_init_gain(cases[i].name, cases[i].slope, &gain));
        double kept = passed_on(gain, cases[i].slope); /* the first layer has gain^2 too much */
        expect(kept > 0.25 * gain * gain && kept < 4 * gain * gain, "%s: the mean square becomes %g", cases[i].name, kept);
        if (gain > 1.01) expect(passed_on(1, cases[i].slope) < 1e-4, "%s: without its gain it stays", cases[i].name);
    }
    cr_assert(ml_init_gain("tanh", 0, &gain));
    cr_expect_float_eq(gain, 5.0 / 3, 1e-15);
    expect_fails(ml_init_gain("rulu", 0, &gain), "init.gain: there is no 'rulu'; did you mean 'relu'?");
    expect_fails(ml_init_gain("maxpool", 0, &gain), "init.gain: there is no 'maxpool'; there are linear,");
    expect_fails(ml_init_gain("leaky_relu", NAN, &gain), "init.gain: the slope must be finite");
}

Test(init, what_does_not_fit)
{
    ml_tensor *row = ml_ones(ML_SHAPE(4), ML_F32), *w = ml_ones(ML_SHAPE(3, 4), ML_F32);
    ml_key     key = { 1, 1 };
    expect_fails(ml_init_fill(row, (ml_init){ ML_INIT_ORTHOGONAL }, key), "init: orthogonal needs a matrix, got shape (4)");
    expect_fails(ml_init_fill(row, (ml_init){ ML_INIT_IDENTITY }, key), "init: identity needs a matrix, got shape (4)");
    expect_fails(ml_init_fill(row, (ml_init){ ML_INIT_SPARSE }, key), "init: sparse needs a matrix, got shape (4)");
    expect_fails(ml_init_fill(w, (ml_init){ .kind = ML_INIT_NORMAL, .fan = ML_FAN_IN }, key), "init: normal does not go by a fan");
    expect_fails(ml_init_fill(w, (ml_init){ .kind = ML_INIT_HE_NORMAL, .fan = ML_FAN_COUNT }, key), "init: there is no fan 4");
    expect_fails(ml_init_fill(w, (ml_init){ .kind = ML_INIT_SPARSE, .connections = -1 }, key), "init: connections and groups must be at least 1");
    expect_fails(ml_init_fill(w, (ml_init){ .kind = ML_INIT_IDENTITY, .groups = 2 }, key), "init: 2 groups do not divide the first size of (3, 4)");
    expect_fails(ml_nn_linear(3, 2, &(ml_linear_layer_opts){ .bias_init = { ML_INIT_ORTHOGONAL } }), "init: orthogonal needs a matrix, got shape (2)");
    expect_same(w, ml_ones(ML_SHAPE(3, 4), ML_F32), "a refused tensor");
    expect_same(row, ml_ones(ML_SHAPE(4), ML_F32), "a refused tensor");
    for (int kind = ML_INIT_ORTHOGONAL; kind < ML_INIT_COUNT; kind++)
        cr_expect(ml_init_fill(ml_empty(ML_SHAPE(0, 3), ML_F32), (ml_init){ (ml_init_kind)kind }, key), "%s of nothing", ml_init_name((ml_init_kind)kind));
}

Test(init, survives_refused_memory)
{
    for (int kind = ML_INIT_ORTHOGONAL; kind < ML_INIT_COUNT; kind++) {
        ml_tensor *w = ml_ones(ML_SHAPE(6, 5), ML_F32);
        ml_init    init = { (ml_init_kind)kind };
        bool       done = false;
        cr_assert(ml_init_fill(ml_empty(ML_SHAPE(6, 5), ML_F32), init, ml_key_of(1, 1))); /* LAPACK is loaded */
        for (int64_t n = 1; !done && n < 300; n++) {
            ml_error_clear();
            ml_memory_trim();
            size_t before = ml_memory().live;
            ml_memory_fail_after(n);
            done = ml_init_fill(w, init, ml_key_of(1, 1));
            ml_memory_fail_after(0);
            expect(ml_memory().live == before, "%s, allocation %d leaks", ml_init_name(init.kind), (int)n);
            if (done) break;
            expect(ml_failed(), "%s, allocation %d: no message", ml_init_name(init.kind), (int)n);
            expect_same(w, ml_ones(ML_SHAPE(6, 5), ML_F32), "%s: a refused tensor", ml_init_name(init.kind));
        }
        expect(done, "%s never ends", ml_init_name(init.kind));
    }
}
