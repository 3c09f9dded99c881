/* autograd: recording, the backward pass, and who owns what. The derivatives themselves are checked by walking the table
 * (test_derivatives.c); here are the engine's own promises. */
#include "checks.h"
#include "autograd/node.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

TestSuite(autograd, .init = begin_test, .fini = end_test);

static ml_tensor *leaf(ml_shape shape, uint64_t stream)
{
    return ml_requires_grad(ml_randn(shape, ML_F64, ml_key_of(3, stream)), true);
}

static ml_tensor *total(ml_tensor *x) { return ml_sum(x, NULL); }
static ml_tensor *numbers(double a, double b) { return ml_from(ML_SHAPE(2), ML_F64, (double[]){ a, b }); }

/* A failure that says the words, and changes nothing else. */
#define expect_refusal(call, words)                                                                                          \
    do {                                                                                                                     \
        ml_error_clear();                                                                                                    \
        expect(!(call), "this succeeded: %s", #call);                                                                        \
        expect(strstr(ml_error_message(), words) != NULL, "%s says '%s', and not '%s'", #call, ml_error_message(), words);   \
        ml_error_clear();                                                                                                    \
    } while (0)

/* --- leaves ------------------------------------------------------------------------------------------------------- */
Test(autograd, leaves_add_up_until_they_are_cleared)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1), *y = leaf(ML_SHAPE(2), 2);
    expect(ml_backward(total(ml_mul(x, y)), NULL), "backward");
    expect_same(ml_tensor_grad(x), ml_clone(y), "d xy / dx");
    expect_same(ml_tensor_grad(y), ml_clone(x), "d xy / dy");
    expect(ml_backward(total(ml_mul(x, y)), NULL), "backward");
    expect_close(ml_tensor_grad(x), ml_mul(y, ml_number(2)), 1e-15, "after two");
    ml_tensor_zero_grad(x);
    expect(!ml_tensor_grad(x), "cleared");
    expect(ml_backward(total(x), NULL), "backward");
    expect_same(ml_tensor_grad(x), ml_ones(ML_SHAPE(2), ML_F64), "starts anew");
    expect_close(ml_tensor_grad(y), ml_mul(x, ml_number(2)), 1e-15, "the other leaf keeps its own");
    expect(!ml_tensor_requires_grad(ml_tensor_grad(x)), "a plain gradient is not recorded");
}

/* Whoever scales or clips one gradient in place must not touch another, nor the seed. */
Test(autograd, a_leafs_gradient_is_its_own)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1), *y = leaf(ML_SHAPE(2), 2), *z = leaf(ML_SHAPE(2), 3),
              *seed = numbers(3, 4);
    expect(ml_backward(ml_add(x, y), &(ml_grad_opts){ .seed = seed }), "backward");
    expect(ml_backward(z, &(ml_grad_opts){ .seed = seed }), "backward of a leaf");
    ml_tensor *grads[] = { ml_tensor_grad(x), ml_tensor_grad(y), ml_tensor_grad(z) };
    for (int i = 0; i < 3; i++) {
        expect_same(grads[i], numbers(3, 4), "gradient %d", i);
        expect(ml_tensor_set_at(grads[i], (int64_t[]){ 0 }, 100 + i), "gradient %d cannot be written", i);
    }
    for (int i = 0; i < 3; i++)
        expect_same(grads[i], numbers(100 + i, 4), "gradient %d after all were changed", i);
    expect_same(seed, numbers(3, 4), "the seed");
    ml_tensor *w = leaf(ML_SHAPE(3, 2), 4);
    expect(ml_backward(total(w), NULL), "backward");
    double *p = ml_tensor_mutable_data(ml_tensor_grad(w));
    expect(p != NULL, "the gradient of a sum can be written like any other");
}

Test(autograd, a_leaf_is_its_own_result)
{
    ml_tensor *x = ml_requires_grad(ml_scalar(3, ML_F64), true), *g;
    expect(ml_backward(x, NULL), "backward of a leaf");
    expect(ml_item(ml_tensor_grad(x)) == 1, "dx / dx");
    expect(ml_grad(x, &x, 1, &g, NULL) && ml_item(g) == 1, "dx / dx by grad");
}

/* --- graphs are freed ------------------------------------------------------------------------------------------------ */
Test(autograd, a_freed_graph_says_so)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1), *y = ml_exp(x), *loss = total(y), *g;
    expect(ml_backward(loss, NULL), "backward");
    expect_refusal(ml_backward(loss, NULL), "has been freed by an earlier backward; pass keep_graph = true");
    expect_refusal(ml_backward(total(y), NULL), "the graph of 'exp' has been freed");
    expect_refusal(ml_grad(loss, &x, 1, &g, NULL), "has been freed");
    expect_same(ml_tensor_grad(x), ml_clone(y), "the refusals changed nothing");
}

Test(autograd, a_kept_graph_serves_again)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1), *loss = total(ml_exp(x)), *g;
    for (int i = 0; i < 3; i++)
        expect(ml_backward(loss, &(ml_grad_opts){ .keep_graph = true }), "backward %d", i);
    expect(ml_grad(loss, &x, 1, &g, NULL), "grad");
    expect_close(ml_tensor_grad(x), ml_mul(g, ml_number(3)), 1e-15, "three times");
    expect_refusal(ml_backward(loss, NULL), "has been freed");
}

Test(autograd, backward_frees_the_graphs_memory)
{
    ml_tensor *x = leaf(ML_SHAPE(1000), 1);
    size_t     before = ml_memory().live, big = 1000 * sizeof(double);
    ml_scope   scope = ml_scope_begin();
    ml_tensor *y = x;
    for (int i = 0; i < 20; i++) y = ml_tanh(y);
    ml_tensor *loss = ml_retain(total(y));
    ml_scope_end(&scope);
    expect(ml_memory().live - before > 20 * big, "tanh keeps its 20 outputs");
    expect(ml_backward(loss, NULL), "backward");
    expect(ml_memory().live - before < 2 * big, "%zu bytes are left, the gradient has %zu",
           ml_memory().live - before, big);
    ml_release(loss);
    ml_tensor_zero_grad(x);
    expect(ml_memory().live == before, "%lld bytes stay", (long long)ml_memory().live - (long long)before);
}

Test(autograd, what_no_rule_reads_is_not_kept)
{
    ml_tensor *x = leaf(ML_SHAPE(1000), 1);
    size_t     before = ml_memory().live, big = 1000 * sizeof(double);
    ml_scope   scope = ml_scope_begin();
    ml_tensor *y = x;
    for (int i = 0; i < 20; i++) y = ml_add(y, x);
    ml_retain(y);
    ml_scope_end(&scope);
    expect(ml_memory().live - before < 4 * big, "a chain of sums keeps %zu bytes", ml_memory().live - before);
    expect(ml_backward(total(y), NULL), "backward");
    expect_same(ml_tensor_grad(x), ml_full(ML_SHAPE(1000), ML_F64, 21), "and has its gradient");
    ml_release(y);
}

Test(autograd, a_graph_dies_with_its_last_result)
{
    ml_tensor *x = leaf(ML_SHAPE(10), 1);
    size_t     before = ml_memory().live;
    ml_scope   scope = ml_scope_begin();
    ml_tensor *g, *loss = total(ml_square(ml_tanh(ml_exp(x))));
    expect(ml_grad(loss, &x, 1, &g, &(ml_grad_opts){ .create_graph = true }), "grad");
    expect(ml_grad(total(ml_square(g)), &x, 1, &g, &(ml_grad_opts){ .create_graph = true }), "grad of grad");
    ml_scope_end(&scope);
    expect(ml_memory().live == before, "%lld bytes stay", (long long)ml_memory().live - (long long)before);
}

/* --- what may be differentiated ------------------------------------------------------------------------------------------ */
Test(autograd, refusals_name_what_is_wrong)
{
    ml_tensor *x = leaf(ML_SHAPE(2, 3), 1), *plain = ml_ones(ML_SHAPE(2), ML_F64), *g;
    expect_refusal(
        ml_backward(ml_exp(x), NULL),
        "the gradient of a non-scalar: shape (2, 3); reduce it (sum, mean) or pass a seed of that shape");
    expect_refusal(ml_grad(ml_exp(x), &x, 1, &g, NULL), "the gradient of a non-scalar");
    expect_refusal(ml_backward(ml_exp(x), &(ml_grad_opts){ .seed = plain }),
                   "the seed has shape (2), the result (2, 3)");
    expect_refusal(ml_backward(total(plain), NULL), "does not depend on anything that requires a gradient");
    expect_refusal(ml_grad(total(x), &plain, 1, &g, NULL), "is not recorded; call requires_grad on it first");
    expect_refusal(ml_requires_grad(ml_exp(x), true), "is the result of a recorded operation");
    expect_refusal(ml_tensor_set_at(ml_exp(x), (int64_t[]){ 0, 0 }, 1),
                   "is the result of a recorded operation");
    expect_refusal(ml_copy_into(ml_exp(x), ml_ones(ML_SHAPE(2, 3), ML_F64)),
                   "is the result of a recorded operation");
    ml_fail("the first message");
    expect(!ml_backward(NULL, NULL) && !ml_grad(NULL, &x, 1, &g, NULL) &&
               strcmp(ml_error_message(), "the first message") == 0,
           "NULL keeps the message");
    ml_error_clear();
    expect(!ml_tensor_grad(x), "no refusal left a gradient");
}

/* A seed of another dtype means the same numbers. */
Test(autograd, a_seed_may_have_another_dtype)
{
    static const ml_dtype dtypes[] = { ML_F32, ML_F64, ML_I64, ML_BOOL };
    ml_tensor *(*const ops[])(ml_tensor *) = { ml_exp, ml_tanh, ml_relu, ml_neg };
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++)
        for (size_t s = 0; s < 4; s++)
            for (int d = 0; d < 2; d++) {
                ml_tensor *x = ml_requires_grad(ml_rand(ML_SHAPE(64), d ? ML_F64 : ML_F32, ml_key_of(1, 1)),
                                                true),
                          *g, *wanted;
                bool ok = ml_grad(ops[o](x), &x, 1, &g,
                                  &(ml_grad_opts){ .seed = ml_ones(ML_SHAPE(64), dtypes[s]) });
                expect(ok && ml_grad(total(ops[o](x)), &x, 1, &wanted, NULL), "function %zu, seed %s", o,
                       ml_dtype_name(dtypes[s]));
                if (ok)
                    expect_same(g, wanted, "function %zu of %s, seed %s", o, d ? "f64" : "f32",
                                ml_dtype_name(dtypes[s]));
            }
}

Test(autograd, changed_values_are_noticed)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1), *y = leaf(ML_SHAPE(2), 2);
    ml_tensor *loss = total(ml_mul(x, y));
    ml_tensor_mutable_data(x); /* mul reads x for the gradient of y */
    expect_refusal(ml_backward(loss, NULL), "an input of 'mul', shape (2), was modified after it was used");
    expect(!ml_tensor_grad(x) && !ml_tensor_grad(y), "the refusal left a gradient");
    loss = total(ml_add(x, y));
    ml_tensor_set_at(x, (int64_t[]){ 0 }, 5);
    expect(ml_backward(loss, NULL), "add reads nothing: %s", ml_error_message());
    ml_tensor *e = ml_exp(x);
    loss = total(e);
    ml_tensor_set_at(ml_detach(e), (int64_t[]){ 0 }, 5); /* through a view of the same storage */
    expect_refusal(ml_backward(loss, NULL),
                   "the result of 'exp', shape (2), was modified after it was computed");
    loss = total(ml_square(x));
    ml_copy_into(ml_detach(x), y);
    expect_refusal(ml_backward(loss, NULL), "an input of 'square'");
    expect_refusal(ml_backward(loss, NULL), "an input of 'square'");
}

/* --- grad ---------------------------------------------------------------------------------------------------------------- */
Test(autograd, grad_of_results_on_the_way)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1), *y = ml_exp(x), *z = ml_square(y), *loss = total(ml_add(z, y)),
              *g[4];
    ml_tensor *in[] = { x, y, z, y };
    expect(ml_grad(loss, in, 4, g, NULL), "grad");
    ml_tensor *dy = ml_add(ml_mul(y, ml_number(2)), ml_number(1));
    expect_same(g[2], ml_ones(ML_SHAPE(2), ML_F64), "d / dz");
    expect_close(g[1], ml_detach(dy), 1e-15, "d / dy, by both ways");
    expect_same(g[3], g[1], "asked twice");
    expect_close(g[0], ml_detach(ml_mul(dy, y)), 1e-15, "d / dx");
    expect(!ml_tensor_grad(x), "the leaf's own gradient is left alone");
}

Test(autograd, grad_of_what_does_not_matter_is_zero)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1), *unused = leaf(ML_SHAPE(3, 1), 2), *in[] = { x, unused }, *g[2];
    expect(ml_grad(total(x), in, 2, g, NULL), "grad");
    expect_same(g[1], ml_zeros(ML_SHAPE(3, 1), ML_F64), "unused");
    expect(ml_grad(total(ml_detach(x)), in, 2, g, NULL), "grad of a constant");
    expect_same(g[0], ml_zeros(ML_SHAPE(2), ML_F64), "detached");
    expect(ml_grad(total(ml_step(x)), in, 1, g, NULL), "grad of a constant operation");
    expect_same(g[0], ml_zeros(ML_SHAPE(2), ML_F64), "step");
}

Test(autograd, shared_results_are_visited_once)
{
    ml_tensor *x = ml_requires_grad(ml_scalar(1, ML_F64), true), *y = x, *g;
    for (int i = 0; i < 50; i++) y = ml_add(y, y); /* 2^50 paths */
    expect(ml_grad(y, &x, 1, &g, NULL), "grad");
    expect(ml_item(g) == 0x1p50, "2^50 paths give %g", ml_item(g));
    ml_tensor *a = leaf(ML_SHAPE(3), 1), *b = ml_mul(a, a);
    expect(ml_grad(total(ml_add(ml_mul(b, a), ml_sub(b, b))), &a, 1, &g, NULL), "a^3");
    expect_close(g, ml_detach(ml_mul(ml_square(a), ml_number(3))), 1e-15, "3 a^2");
}

Test(autograd, promotion_and_broadcasting_are_undone)
{
    ml_tensor *x = ml_requires_grad(ml_ones(ML_SHAPE(3), ML_F32), true), *y = leaf(ML_SHAPE(2, 1), 1),
              *n = ml_requires_grad(ml_ones(ML_SCALAR, ML_F32), true);
    expect(ml_backward(total(ml_add(ml_mul(x, y), n)), NULL), "backward");
    expect(ml_tensor_dtype(ml_tensor_grad(x)) == ML_F32, "f32 leaf, %s gradient",
           ml_dtype_name(ml_tensor_dtype(ml_tensor_grad(x))));
    expect_close(ml_tensor_grad(x), ml_full(ML_SHAPE(3), ML_F32, ml_item(total(ml_detach(y)))), 1e-6,
                 "a row, twice");
    expect_same(ml_tensor_grad(y), ml_full(ML_SHAPE(2, 1), ML_F64, 3), "a column, three times");
    expect(ml_item(ml_tensor_grad(n)) == 6, "a number, six times");
}

/* --- recording ------------------------------------------------------------------------------------------------------------- */
Test(autograd, recording_can_be_off)
{
    ml_tensor *x = leaf(ML_SHAPE(2), 1);
    expect(ml_recording() && ml_set_recording(false), "on at first");
    expect(!ml_tensor_requires_grad(ml_exp(x)), "recorded while off");
    expect(!ml_set_recording(true) && ml_recording(), "on again");
    expect(ml_tensor_requires_grad(ml_exp(x)), "not recorded while on");
    expect(!ml_tensor_requires_grad(ml_detach(ml_exp(x))), "detached");
    expect(!ml_tensor_requires_grad(ml_exp(ml_ones(ML_SHAPE(2), ML_F64))), "no input wants it");
    ml_set_recording(false); /* a derivative is as exact while recording is off */
    ml_set_recording(true);
    ml_tensor *loss = total(ml_exp(x));
    ml_set_recording(false);
    expect(ml_backward(loss, NULL) && !ml_recording(), "backward while off");
    ml_set_recording(true);
    expect(!ml_backward(ml_exp(x), NULL) && ml_recording(), "put back after a failure");
}

static void *look_and_record(void *seen)
{
    *(bool *)seen = ml_recording();
    ml_set_recording(false);
    ml_scope_end(&(ml_scope){ 0 });
    return NULL;
}

Test(autograd, recording_is_a_matter_of_the_thread)
{
    bool      seen = false;
    pthread_t thread;
    ml_set_recording(false);
    pthread_create(&thread, NULL, look_and_record, &seen);
    pthread_join(thread, NULL);
    expect(seen, "a new thread records");
    ml_set_recording(true);
    pthread_create(&thread, NULL, look_and_record, &seen);
    pthread_join(thread, NULL);
    expect(ml_recording(), "another thread turned it off here");
}

typedef struct {
    ml_tensor *x, *y;
} handed_over;

static void *square_and_hand_over(void *ctx)
{
    handed_over *h = ctx;
    ml_scope scope = ml_scope_begin();
    ml_tensor *y = h->x;
    for (int i = 0; i < 10; i++) y = ml_mul(y, ml_number(2)); /* the numbers of these recordings are high */
    h->y = ml_retain(ml_square(y));
    ml_scope_end(&scope);
    return NULL;
}

/* A graph begun on one thread, continued and differentiated on another. */
Test(autograd, a_graph_may_change_threads)
{
    for (int i = 0; i < 2; i++) {
        handed_over h = { ml_requires_grad(ml_scalar(3, ML_F64), true), NULL };
        pthread_t   thread;
        pthread_create(&thread, NULL, square_and_hand_over, &h);
        pthread_join(thread, NULL);
        ml_tensor *loss = ml_neg(ml_neg(h.y));
        expect(ml_backward(loss, NULL), "backward");
        ml_tensor *g = ml_tensor_grad(h.x);
        expect(g && ml_item(g) == 2.0 * 3 * 1024 * 1024, "the gradient is %g", g ? ml_item(g) : 0);
        ml_release(h.y);
    }
}

/* --- depth ------------------------------------------------------------------------------------------------------------------ */
static void *long_chain(void *ctx)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x = ml_requires_grad(ml_scalar(1, ML_F64), true), *y = ml_retain(x), *g;
    for (int i = 0; i < 100000; i++) {
        ml_scope   step = ml_scope_begin();
        ml_tensor *next = ml_retain(i % 2 ? ml_neg(y) : ml_tanh(y));
        ml_release(y);
        y = next;
        ml_scope_end(&step);
    }
    *(bool *)ctx = ml_grad(y, &x, 1, &g, &(ml_grad_opts){ .keep_graph = true }) && isfinite(ml_item(g));
    ml_release(y); /* the whole chain goes at once */
    y = ml_retain(x);
    for (int i = 0; i < 30000; i++) {
        ml_scope   step = ml_scope_begin();
        ml_tensor *next = ml_retain(ml_tanh(y));
        ml_release(y);
        y = next;
        ml_scope_end(&step);
    }
    *(bool *)ctx &= ml_backward(y, NULL); /* and here, node by node */
    ml_release(y);
    ml_scope_end(&scope);
    return NULL;
}

/* On a stack of 256 KiB: two bytes a step would be too much. With the usual 8 MiB this is a chain of three million. */
Test(autograd, depth_does_not_use_the_stack)
{
    bool           ok = false;
    pthread_t      thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    cr_assert_eq(pthread_create(&thread, &attr, long_chain, &ok), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    expect(ok, "the chain");
}

/* --- anomaly detection --------------------------------------------------------------------------------------------------------- */
static const char *a_site(void *ctx) { return ctx; }

Test(autograd, anomalies_are_named)
{
    ml_tensor *x = ml_requires_grad(numbers(1, 0), true);
    ml_tensor *bad = ml_log(x);
    expect(bad && ml_item(ml_slice(bad, &(ml_slice_opts){ 0, 1, 2, 1 })) == -INFINITY,
           "off: infinities are values");
    ml_detect_anomaly(true);
    expect(ml_anomaly_detection(), "on");
    ml_set_site_hook(a_site, "script.lua:12");
    expect_refusal(ml_log(x), "log: the operation made an infinity: value 2 of 2, shape (2)");
    expect_refusal(ml_sqrt(numbers(1, -1)), "sqrt: the operation made NaN: value 2 of 2, shape (2)");
    ml_tensor *root = ml_sqrt(x); /* its value is fine, its slope at 0 is not */
    expect(root, "sqrt of 0: %s", ml_error_message());
    ml_set_site_hook(a_site, "elsewhere.lua:99");
    expect_refusal(
        ml_backward(total(root), NULL),
        "sqrt: the derivative made an infinity: value 2 of 2, shape (2) (called at script.lua:12)");
    expect(!ml_tensor_grad(x), "nothing was left in the leaf");
    ml_detect_anomaly(false);
    ml_set_site_hook(NULL, NULL);
    expect(ml_backward(total(ml_sqrt(x)), NULL), "off again");
}

/* --- higher order on a network ---------------------------------------------------------------------------------------------------- */
/* Two layers with everything that is delicate: shared inputs, fused operations beside their plain forms, a residual path. */
typedef struct {
    ml_tensor *x, *labels;
    bool       fused;
} network;

enum { N_PARAMS = 4 };

static ml_tensor *loss_of(const network *net, ml_tensor *const p[N_PARAMS])
{
    ml_tensor *h, *logits, *loss;
    if (net->fused) { /* p[0] and p[1] serve twice */
        h      = ml_linear(net->x, p[0], p[1], &(ml_linear_opts){ ML_ACT_TANH });
        h      = ml_add(ml_linear(h, p[0], p[1], &(ml_linear_opts){ ML_ACT_SIGMOID }), h);
        logits = ml_linear(h, p[2], p[3], NULL);
        loss   = ml_cross_entropy(logits, net->labels, NULL);
        return ml_add(loss, ml_mse(h, net->x));
    }
    h      = ml_tanh(ml_add(ml_matmul(net->x, ml_mT(p[0])), p[1]));
    h      = ml_add(ml_sigmoid(ml_add(ml_matmul(h, ml_mT(p[0])), p[1])), h);
    logits = ml_add(ml_matmul(h, ml_mT(p[2])), p[3]);
    loss   = ml_mul(total(ml_mul(ml_log_softmax(logits, NULL),
                                 ml_one_hot(net->labels, &(ml_one_hot_opts){ .classes = 3 }))),
                    ml_number(-1.0 / 5));
    return ml_add(loss, ml_mean(ml_square(ml_sub(h, net->x)), NULL));
}

/* Derivatives of t -> loss(p + t v) at t, of orders 0..3, each by differentiating the one before with respect to p. */
static bool along(const network *net, double t, double d[4])
{
    ml_shape   shapes[N_PARAMS] = { ML_SHAPE(4, 4), ML_SHAPE(4), ML_SHAPE(3, 4), ML_SHAPE(3) };
    ml_tensor *p[N_PARAMS], *v[N_PARAMS], *g[N_PARAMS];
    for (int i = 0; i < N_PARAMS; i++) {
        v[i] = ml_randn(shapes[i], ML_F64, ml_key_of(2, 100 + (uint64_t)i));
        p[i] = ml_requires_grad(ml_detach(ml_add(ml_randn(shapes[i], ML_F64, ml_key_of(2, (uint64_t)i)),
                                                 ml_mul(v[i], ml_number(t)))),
                                true);
    }
    ml_tensor *y = loss_of(net, p);
    for (int order = 0;; order++) {
        if (!y) return false;
        d[order] = ml_item(y);
        if (order == 3) return true;
        if (!ml_grad(y, p, N_PARAMS, g, &(ml_grad_opts){ .create_graph = true })) return false;
        y = NULL;
        for (int i = 0; i < N_PARAMS; i++) {
            ml_tensor *term = total(ml_mul(g[i], v[i]));
            y = i == 0 ? term : ml_add(y, term);
        }
    }
}

Test(autograd, three_orders_on_a_network)
{
    double d[2][4], left[4], right[4];
    for (int fused = 0; fused < 2; fused++) {
        network      net = { ml_randn(ML_SHAPE(5, 4), ML_F64, ml_key_of(1, 1)),
                             ml_randint(0, 3, ML_SHAPE(5), ml_key_of(1, 2)), fused };
        const double h = 1e-4;
        expect(along(&net, 0, d[fused]) && along(&net, h, right) && along(&net, -h, left), "fused = %d",
               fused);
        for (int order = 0; order < 3; order++) {
            double slope = (right[order] - left[order]) / (2 * h);
            expect(fabs(slope - d[fused][order + 1]) < 1e-5 * (1 + fabs(slope)),
                   "fused = %d: order %d is %.9g, by differences %.9g", fused, order + 1, d[fused][order + 1],
                   slope);
        }
    }
    for (int order = 0; order < 4; order++)
        expect(fabs(d[0][order] - d[1][order]) < 1e-12 * (1 + fabs(d[0][order])),
               "order %d: plain %.15g, fused %.15g", order, d[0][order], d[1][order]);
}

static bool second_order(ml_tensor *y, ml_tensor *const p[N_PARAMS], ml_tensor *g[N_PARAMS])
{
    return y && ml_grad(y, p, N_PARAMS, g, &(ml_grad_opts){ .create_graph = true }) &&
           ml_grad(total(ml_square(g[0])), p, N_PARAMS, g, NULL);
}

/* Every allocation of a training step, and of a gradient of a gradient, fails once. */
Test(autograd, a_network_survives_refused_memory)
{
    network    net         = { ml_randn(ML_SHAPE(5, 4), ML_F64, ml_key_of(1, 1)),
                               ml_randint(0, 3, ML_SHAPE(5), ml_key_of(1, 2)), true };
    ml_tensor *p[N_PARAMS] = { leaf(ML_SHAPE(4, 4), 1), leaf(ML_SHAPE(4), 2), leaf(ML_SHAPE(3, 4), 3),
                               leaf(ML_SHAPE(3), 4) },
              *g[N_PARAMS], *before[N_PARAMS], *copy[N_PARAMS];
    expect(ml_backward(loss_of(&net, p), NULL), "a first step");
    for (int second = 0; second < 2; second++) {
        size_t live = 0;
        for (int i = 0; i < N_PARAMS; i++) copy[i] = ml_clone(before[i] = ml_tensor_grad(p[i]));
        for (int n = 0; n < 5000; n++) { /* 0 refuses nothing: the lists that stay grow first */
            ml_scope scope = ml_scope_begin();
            ml_error_clear();
            ml_memory_fail_after(n);
            ml_tensor *y  = loss_of(&net, p);
            bool       ok = second || n == 0 ? second_order(y, p, g) : y && ml_backward(y, NULL);
            ml_memory_fail_after(0);
            bool because = strstr(ml_error_message(), "out of memory") != NULL;
            ml_scope_end(&scope);
            if (n == 0) live = ml_memory().live;
            else if (ok) {
                expect(n > 50, "only %d allocations", n - 1);
                break;
            }
            expect(ok == (n == 0) && because == !ok, "refusal %d says '%s'", n, ml_error_message());
            expect(ml_memory().live == live, "refusal %d leaks %lld bytes", n,
                   (long long)ml_memory().live - (long long)live);
            for (int i = 0; i < N_PARAMS; i++)
                if (expect(ml_tensor_grad(p[i]) == before[i], "refusal %d replaced gradient %d", n, i))
                    expect_same(before[i], copy[i], "gradient %d after refusal %d", i, n);
        }
    }
}
