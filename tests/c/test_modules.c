/* Modules made of modules: containers, modules of one's own, hooks, clones. */
#include "checks.h"
#include "moonlab/module.h"
#include "moonlab/optim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

TestSuite(modules, .init = begin_test, .fini = end_test, .timeout = 60);

static ml_tensor *normals(ml_shape shape, uint64_t stream)
{
    return ml_randn(shape, ML_F64, ml_key_of(5, stream));
}

static ml_module *linear(int64_t in, int64_t out)
{
    return ml_nn_linear(in, out, &(ml_linear_layer_opts){ .dtype = ML_F64 });
}

static ml_module *relu(void) { return ml_nn_activation(ML_OP_relu); }

static ml_tensor *affine(ml_module *m, ml_tensor *x)
{
    return ml_add(ml_matmul(x, ml_mT(ml_module_own(m, "weight"))), ml_module_own(m, "bias"));
}

static void expect_words(const char *words)
{
    expect(strstr(ml_error_message(), words) != NULL, "the message is: %s", ml_error_message());
    ml_error_clear();
}

static const char *name_of(const ml_module *m, int i)
{
    static char name[64];
    cr_assert(ml_module_parameter_name(m, i, name, sizeof name), "%s", ml_error_message());
    return name;
}

/* --- containers ------------------------------------------------------------------------------------------------------- */
Test(modules, a_residual_adds_what_it_was_given)
{
    ml_module *inner = ml_nn_sequential((ml_module *[]){ linear(3, 4), relu(), linear(4, 3) }, 3);
    ml_module *plain = ml_nn_residual(ml_module_retain(inner), NULL);
    ml_module *half  = ml_nn_residual_with(ml_module_retain(inner), linear(3, 3), &(ml_residual_layer_opts){ 0.5 });
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1);
    ml_tensor *f = affine(ml_module_child(inner, 2), ml_relu(affine(ml_module_child(inner, 0), x)));
    expect_close(ml_module_forward(plain, x), ml_add(x, f), 1e-14, "plain");
    expect_close(ml_module_forward(half, x), ml_add(affine(ml_module_child(half, 1), x), ml_mul(f, ml_number(0.5))), 1e-14, "with a shortcut");
    cr_expect_str_eq(name_of(half, 2), "inner.3.weight");
    cr_expect_str_eq(name_of(half, 5), "shortcut.bias");
    expect(ml_module_child_named(half, "shortcut") == ml_module_child(half, 1) && !ml_module_child_named(plain, "shortcut"), "children by name");
    cr_expect_eq(ml_module_n_parameters(half), 6);
    ml_module_release(inner);
    ml_module_release(plain);
    ml_module_release(half);
}

Test(modules, a_residual_never_broadcasts)
{
    ml_module *m = ml_nn_residual(linear(3, 1), NULL);
    expect(!ml_module_forward(m, normals(ML_SHAPE(5, 3), 1)), "(5, 1) was added to (5, 3)");
    expect_words("Residual: the inner layers give (5, 1), their input is (5, 3)");
    ml_module_release(m);
    expect(!ml_nn_residual(NULL, NULL) && !ml_nn_residual_with(linear(2, 2), NULL, NULL), "a module that could not be made");
}

Test(modules, parallel_branches_see_one_input)
{
    ml_module *a = linear(3, 4), *b = linear(3, 4);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1), *ya = affine(a, x), *yb = affine(b, x), *want;
    static const ml_parallel_layer_opts cases[] = { { ML_MERGE_CONCAT, 1 }, { ML_MERGE_CONCAT, 0 }, { ML_MERGE_SUM, 0 }, { ML_MERGE_STACK, 1 },
                                                    { ML_MERGE_STACK, -1 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_tensor *y[] = { ya, yb };
        switch (cases[i].merge) {
        case ML_MERGE_SUM: want = ml_add(ya, yb); break;
        case ML_MERGE_STACK: want = ml_stack(y, 2, &(ml_stack_opts){ cases[i].dim }); break;
        default: want = ml_cat(y, 2, &(ml_cat_opts){ cases[i].dim });
        }
        ml_module *m = ml_nn_parallel((ml_module *[]){ ml_module_retain(a), ml_module_retain(b) }, 2, &cases[i]);
        expect_close(ml_module_forward(m, x), want, 1e-14, "case %d", (int)i);
        cr_expect_str_eq(name_of(m, 2), "2.weight");
        ml_module_release(m);
    }
    ml_module *uneven = ml_nn_parallel((ml_module *[]){ ml_module_retain(a), linear(3, 1) }, 2, &(ml_parallel_layer_opts){ ML_MERGE_SUM, 0 });
    expect(!ml_module_forward(uneven, x), "a sum broadcasts");
    expect_words("Parallel(sum): branch 1 gives (5, 4), branch 2 (5, 1)");
    expect(!ml_nn_parallel(NULL, 0, NULL), "no branches");
    ml_module_release(uneven);
    ml_module_release(a);
    ml_module_release(b);
}

/* Buffers go to the right layers, whatever stands in front of them. */
Test(modules, buffers_go_through_containers)
{
    ml_norm_layer_opts o = { .dtype = ML_F64 };
    ml_module *m = ml_nn_parallel((ml_module *[]){ ml_nn_residual(ml_nn_batch_norm(1, 3, &o), NULL), ml_nn_batch_norm(1, 3, &o) }, 2, NULL);
    ml_tensor *x = normals(ML_SHAPE(6, 3), 2), *become[4];
    cr_assert_eq(ml_module_n_buffers(m), 4);
    ml_tensor *y = ml_module_apply_with(m, ml_module_parameters(m), 4, x, &(ml_apply_opts){ .new_buffers = become });
    cr_assert(y, "%s", ml_error_message());
    ml_tensor *mean = ml_mul(ml_mean(x, &(ml_mean_opts){ .dims = { 1, { 0 } } }), ml_number(0.1));
    expect_close(become[0], mean, 1e-12, "in the residual");
    expect_close(become[2], mean, 1e-12, "behind it");
    ml_module_forward(m, x);
    for (int i = 0; i < 4; i++) expect_close(ml_module_buffers(m)[i], become[i], 1e-15, "buffer %d", i);
    ml_module_release(m);
}

/* --- modules of one's own ------------------------------------------------------------------------------------------------ */
/* x + gate f(f(x)), which keeps a running sum of means in training; f runs twice. The result is read back from the buffer. */
static ml_tensor *gated(void *ctx, ml_pass *pass, ml_tensor *x)
{
    (*(int *)ctx)++;
    ml_tensor *f = ml_pass_point(pass, "half way", ml_pass_child(pass, 0, x));
    ml_tensor *y = ml_add(x, ml_mul(ml_pass_parameter(pass, 0), ml_pass_child(pass, 0, f)));
    ml_tensor *total = ml_add(ml_pass_buffer(pass, 0), ml_mean(y, NULL));
    if (!y || !ml_pass_training(pass)) return y;
    if (!ml_pass_set_buffer(pass, 0, total)) return NULL;
    return ml_add(y, ml_sub(ml_detach(total), ml_pass_buffer(pass, 0))); /* + 0, if it is what was set */
}

static int n_released, n_copies;

static void *copy_count(void *ctx) { return n_copies++, ctx; }

static void forget(void *ctx)
{
    (void)ctx;
    n_released++;
}

static ml_module *new_gated(int *count, ml_module *f)
{
    static const char *const gate[] = { "gate" }, *const total[] = { "total" }, *const child[] = { "f" };
    ml_tensor *one = ml_full(ML_SHAPE(1), ML_F64, 0.5), *zero = ml_zeros(ML_SCALAR, ML_F64);
    return ml_nn_custom(&(ml_custom){ .kind = "Gated", .forward = gated, .release = forget, .copy = copy_count, .ctx = count,
        .n_parameters = 1, .n_buffers = 1, .n_children = 1,
        .parameter_names = gate, .buffer_names = total, .child_names = child, .parameters = &one, .buffers = &zero, .children = &f });
}

static ml_tensor *gated_by_hand(ml_module *m, ml_tensor *x)
{
    ml_module *f = ml_module_child(m, 0);
    return ml_add(x, ml_mul(ml_module_own(m, "gate"), ml_module_forward(f, ml_module_forward(f, x))));
}

static ml_module *small(int *count) /* one of our own between others, with others inside it */
{
    ml_module *f = ml_nn_sequential((ml_module *[]){ linear(3, 4), relu(), linear(4, 3) }, 3);
    return ml_nn_sequential((ml_module *[]){ linear(3, 3), new_gated(count, f), linear(3, 2) }, 3);
}

Test(modules, one_of_your_own_is_like_all_others)
{
    int        count = 0;
    ml_module *m = small(&count), *own = ml_module_child(m, 1);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1);
    ml_tensor *want = affine(ml_module_child(m, 2), gated_by_hand(own, affine(ml_module_child(m, 0), x)));
    expect_close(ml_module_forward(m, x), want, 1e-13, "value");
    cr_expect_str_eq(ml_module_text(own), "Gated");
    cr_expect_str_eq(name_of(m, 2), "2.gate");
    cr_expect_str_eq(name_of(m, 3), "2.f.1.weight");
    char name[32];
    expect(ml_module_buffer_name(m, 0, name, sizeof name) && strcmp(name, "2.total") == 0, "the buffer is called %s", name);
    cr_expect_neq(ml_item(ml_module_own(own, "total")), 0);
    /* pure: what was given is used, nothing in it changes */
    int        n = ml_module_n_parameters(m);
    ml_tensor *params[16], *start = ml_full(ML_SCALAR, ML_F64, 10), *become;
    for (int i = 0; i < n; i++) params[i] = ml_mul(ml_module_parameter(m, i), ml_number(0.5));
    double     before = ml_item(ml_module_own(own, "total"));
    ml_tensor *y = ml_module_apply_with(m, params, n, x, &(ml_apply_opts){ .buffers = &start, .n_buffers = 1, .new_buffers = &become });
    cr_assert(y, "%s", ml_error_message());
    cr_expect_eq(ml_item(ml_module_own(own, "total")), before);
    for (int i = 0; i < n; i++) ml_copy_into(ml_detach(ml_module_parameter(m, i)), ml_detach(params[i]));
    ml_tensor *middle = gated_by_hand(own, affine(ml_module_child(m, 0), x));
    expect_close(y, affine(ml_module_child(m, 2), middle), 1e-13, "applied");
    expect_close(become, ml_add(start, ml_mean(middle, NULL)), 1e-13, "what the buffer becomes");
    expect_same(ml_module_apply_with(m, params, n, x, &(ml_apply_opts){ .buffers = &start, .n_buffers = 1 }), y, "whether or not anybody asks for it");
    /* evaluation leaves buffers alone, and hands them on */
    y = ml_module_apply_with(m, params, n, x, &(ml_apply_opts){ .buffers = &start, .n_buffers = 1, .new_buffers = &become, .mode = ML_MODE_EVAL });
    expect(y && become == start, "a buffer that nobody has set");
    n_released = 0;
    ml_module_release(m);
    cr_expect_eq(n_released, 1);
    cr_expect_eq(count, 4);
}

static ml_tensor *fails_silently(void *ctx, ml_pass *pass, ml_tensor *x)
{
    (void)ctx, (void)pass, (void)x;
    return NULL;
}

static ml_tensor *asks_too_much(void *ctx, ml_pass *pass, ml_tensor *x)
{
    (void)ctx;
    expect(!ml_pass_parameter(pass, 0), "a parameter that is not there");
    expect_words("Asks: there is no parameter at position 0; it has 0");
    expect(!ml_pass_set_buffer(pass, -1, x), "a buffer that is not there");
    ml_error_clear();
    return ml_pass_child(pass, 1, x);
}

Test(modules, ones_that_fail_say_so)
{
    ml_tensor *x = normals(ML_SHAPE(2, 3), 1);
    ml_module *silent = ml_nn_custom(&(ml_custom){ .kind = "Silent", .forward = fails_silently }), *f = relu();
    ml_module *asks   = ml_nn_custom(&(ml_custom){ .kind = "Asks", .forward = asks_too_much, .n_children = 1, .children = &f });
    expect(!ml_module_forward(silent, x), "it fails");
    expect_words("Silent: its forward function failed without a message");
    expect(!ml_module_forward(asks, x), "it fails");
    expect_words("Asks: there is no child at position 1; it has 1");
    n_released = 0;
    ml_module *missing = NULL;
    expect(!new_gated(&n_copies, missing) && n_released == 1, "a module of a child that could not be made");
    static const char *const name[] = { "scale" };
    ml_tensor *recorded = ml_mul(ml_requires_grad(ml_ones(ML_SHAPE(1), ML_F64), true), ml_number(2)), *ids = ml_zeros(ML_SHAPE(1), ML_I64);
    ml_error_clear();
    expect(!ml_nn_custom(&(ml_custom){ .kind = "K", .forward = gated, .n_parameters = 1, .parameter_names = name, .parameters = &recorded }), "recorded");
    expect_words("K: scale is the result of a recorded operation");
    expect(!ml_nn_custom(&(ml_custom){ .kind = "K", .forward = gated, .n_parameters = 1, .parameter_names = name, .parameters = &ids }), "ids");
    expect_words("K: parameter scale must be f32 or f64, got i64");
    expect(!ml_nn_custom(&(ml_custom){ .kind = "Empty" }), "without a function");
    expect_words("Empty: a module needs a kind and a forward function");
    ml_module_release(silent);
    ml_module_release(asks);
}

static ml_tensor *keeps(void *ctx, ml_pass *pass, ml_tensor *x)
{
    ml_pass **kept = ctx;
    if (!*kept) *kept = ml_pass_keep(pass);
    return ml_pass_child(pass, 0, ml_mul(x, ml_pass_parameter(pass, 0)));
}

Test(modules, a_run_that_is_kept_has_what_it_was_given)
{
    static const char *const name[] = { "scale" };
    ml_pass   *kept = NULL;
    ml_tensor *scale = ml_full(ML_SHAPE(1), ML_F64, 2), *x = normals(ML_SHAPE(6, 3), 1), *params[3];
    ml_module *norm = ml_nn_batch_norm(1, 3, &(ml_norm_layer_opts){ .dtype = ML_F64 });
    ml_module *m = ml_nn_custom(&(ml_custom){ .kind = "Keeps", .forward = keeps, .ctx = &kept, .n_parameters = 1, .parameter_names = name,
        .parameters = &scale, .n_children = 1, .children = &norm });
    for (int i = 0; i < 3; i++) params[i] = ml_mul(ml_detach(ml_module_parameter(m, i)), ml_number(3));
    ml_tensor *y = ml_module_apply(m, params, 3, x), *mean = ml_clone(ml_module_own(norm, "running_mean"));
    cr_assert(y && kept, "%s", ml_error_message());
    for (int i = 0; i < 2; i++) {
        ml_pass_rewind(kept);
        expect_same(ml_pass_child(kept, 0, ml_mul(x, ml_pass_parameter(kept, 0))), y, "again, time %d", i);
    }
    expect_same(ml_module_own(norm, "running_mean"), mean, "it keeps statistics");
    ml_module_release(m);
    expect_same(ml_pass_parameter(kept, 0), params[0], "without the module");
    ml_pass_drop(kept);
    ml_pass_drop(NULL);
}

/* --- copies, frozen parameters, factors -------------------------------------------------------------------------------- */
Test(modules, a_clone_shares_nothing)
{
    int        count = 0;
    ml_module *tied = linear(3, 3);
    ml_module *norm = ml_nn_batch_norm(1, 2, &(ml_norm_layer_opts){ .dtype = ML_F64 });
    ml_module *m = ml_nn_sequential((ml_module *[]){ tied, ml_module_retain(tied), small(&count), ml_nn_residual(norm, NULL) }, 4);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1);
    ml_module_freeze(m, 1, true);
    ml_module_set_factor(m, 4, 0.25);
    ml_module_forward(m, x);
    ml_module_train(ml_module_child(m, 3), false);
    n_copies = n_released = 0;
    ml_module *copy = ml_module_clone(m);
    cr_assert(copy, "%s", ml_error_message());
    cr_expect_eq(n_copies, 1);
    for (int i = 0; i < ml_module_n_parameters(m); i++) {
        expect(ml_module_parameter(m, i) != ml_module_parameter(copy, i), "parameter %d is shared", i);
        expect(ml_module_frozen(copy, i) == (i == 1 || i == 3), "parameter %d frozen", i); /* the same parameter, twice */
        expect(ml_tensor_requires_grad(ml_module_parameter(copy, i)) != ml_module_frozen(copy, i), "parameter %d records", i);
        cr_expect_str_eq(name_of(copy, i), name_of(m, i));
        cr_expect_eq(ml_module_factor(copy, i), i == 4 ? 0.25 : 1);
    }
    expect(ml_module_child(copy, 0) == ml_module_child(copy, 1), "tied layers are not tied any more");
    expect(!ml_module_training(ml_module_child(copy, 3)) && ml_module_training(copy), "training or not");
    expect_same(ml_module_forward(copy, x), ml_module_forward(m, x), "value");
    ml_copy_into(ml_detach(ml_module_parameter(copy, 0)), ml_zeros(ML_SHAPE(3, 3), ML_F64));
    expect(ml_item(ml_sum(ml_abs(ml_module_parameter(m, 0)), NULL)) > 0, "the copy writes into the original");
    ml_module_release(m);
    ml_module_release(copy);
    cr_expect_eq(n_released, 2);
    ml_module *alone = ml_nn_custom(&(ml_custom){ .kind = "Alone", .forward = gated, .ctx = &count });
    expect(!ml_module_clone(alone), "a copy of what cannot be copied");
    expect_words("Alone: it does not say how it is copied");
    ml_module_release(alone);
}

Test(modules, frozen_parameters_have_no_gradient_and_stay)
{
    ml_module *m = ml_nn_sequential((ml_module *[]){ linear(3, 4), relu(), linear(4, 2) }, 3);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1), *before[4];
    cr_assert(ml_backward(ml_sum(ml_module_forward(m, x), NULL), NULL));
    ml_module_freeze(m, 0, true);
    expect(!ml_tensor_grad(ml_module_parameter(m, 0)), "the old gradient stays");
    for (int i = 0; i < 4; i++) before[i] = ml_clone(ml_module_parameter(m, i));
    ml_optim *opt = ml_adamw(ml_module_parameters(m), 4, NULL);
    cr_assert(opt, "%s", ml_error_message());
    cr_assert(ml_optim_minimize(opt, ml_sum(ml_module_forward(m, x), NULL)), "%s", ml_error_message());
    expect_same(ml_module_parameter(m, 0), before[0], "the frozen one moved"); /* not even by weight decay */
    expect(!ml_tensor_grad(ml_module_parameter(m, 0)), "the frozen one has a gradient");
    expect(ml_item(ml_sum(ml_abs(ml_sub(ml_module_parameter(m, 2), before[2])), NULL)) > 0, "the others did not move");
    ml_module_freeze(m, 0, false);
    cr_assert(ml_optim_minimize(opt, ml_sum(ml_module_forward(m, x), NULL)), "%s", ml_error_message());
    expect(ml_item(ml_sum(ml_abs(ml_sub(ml_module_parameter(m, 0), before[0])), NULL)) > 0, "it never moves again");
    ml_optim_release(opt);
    ml_tensor *plain = ml_ones(ML_SHAPE(2), ML_F64);
    expect(!ml_adamw(&plain, 1, NULL), "a tensor that is no parameter");
    expect_words("wants no gradient");
    ml_module_release(m);
}

/* Each layer alone and inside a Sequential that fuses: as if its parameters had the factor themselves. */
Test(modules, factors_are_part_of_what_a_layer_reads)
{
    ml_module *inner = ml_nn_sequential((ml_module *[]){ linear(2, 2) }, 1);
    ml_module *m = ml_nn_sequential((ml_module *[]){ linear(3, 4), relu(), linear(4, 2), ml_nn_residual(inner, NULL) }, 4);
    ml_module *want = ml_module_clone(m);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1), *dy[6], *dw[6];
    for (int i = 0; i < 6; i++) {
        double factor = 0.5 + i;
        cr_assert(ml_module_set_factor(m, i, factor));
        cr_expect_eq(ml_module_factor(m, i), factor);
        ml_copy_into(ml_detach(ml_module_parameter(want, i)), ml_detach(ml_mul(ml_module_parameter(m, i), ml_number(factor))));
    }
    ml_tensor *y = ml_module_forward(m, x), *z = ml_module_forward(want, x);
    expect_close(y, z, 1e-13, "value");
    expect_close(ml_module_forward(ml_module_child(m, 0), x), ml_module_forward(ml_module_child(want, 0), x), 1e-14, "one layer");
    cr_assert(ml_grad(ml_sum(ml_square(y), NULL), ml_module_parameters(m), 6, dy, NULL) && ml_grad(ml_sum(ml_square(z), NULL), ml_module_parameters(want), 6, dw, NULL));
    for (int i = 0; i < 6; i++) expect_close(dy[i], ml_mul(dw[i], ml_number(0.5 + i)), 1e-12, "gradient %d", i);
    expect(!ml_module_set_factor(m, 6, 1) && !ml_module_set_factor(m, 0, HUGE_VAL), "what is no factor");
    ml_module_release(m);
    ml_module_release(want);
}

/* --- hooks ------------------------------------------------------------------------------------------------------------------- */
typedef struct watch {
    const char *wanted;   /* a piece of the names that it wants; "" all */
    double      factor;   /* what goes on in their place */
    char        seen[1024];
    ml_tensor  *last;
    ml_module  *closes;   /* unhooks this from here */
    int64_t     number;
} watch;

static bool wants(void *ctx, const char *point)
{
    const watch *w = ctx;
    return strstr(point, w->wanted) != NULL;
}

static ml_tensor *watched(void *ctx, const char *point, ml_tensor *value)
{
    watch *w = ctx;
    size_t used = strlen(w->seen);
    snprintf(w->seen + used, sizeof w->seen - used, "%s ", point);
    w->last = value;
    if (w->closes) ml_module_unhook(w->closes, w->number);
    return w->factor == 1 ? value : ml_mul(value, ml_number(w->factor));
}

Test(modules, hooks_see_every_point_by_its_way)
{
    int        count = 0;
    ml_module *m = small(&count), *around = ml_nn_sequential((ml_module *[]){ ml_module_retain(m), relu() }, 2);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1), *plain = ml_module_forward(m, x);
    watch      all = { .wanted = "", .factor = 1 }, half = { .wanted = "half way", .factor = 1 };
    int64_t    a = ml_module_hook(m, &(ml_hook){ wants, watched, forget, &all }), b = ml_module_hook(around, &(ml_hook){ wants, watched, NULL, &half });
    cr_assert(a && b && a != b);
    expect_close(ml_module_forward(m, x), plain, 1e-13, "looking changes nothing");
    const char *once = "1.linear 2.f.1.linear 2.f.2.relu 2.f.3.linear 2.f.sequential 2.half way 2.f.1.linear 2.f.2.relu 2.f.3.linear "
                       "2.f.sequential 2.gated 3.linear sequential ";
    cr_expect_str_eq(all.seen, once);
    cr_expect_str_eq(half.seen, "");
    all.seen[0] = '\0';
    ml_module_forward(around, x);
    cr_expect_str_eq(all.seen, once); /* names go by where the hook is */
    cr_expect_str_eq(half.seen, "1.2.half way ");
    n_released = 0;
    ml_module_unhook(m, a);
    ml_module_unhook(m, a);
    cr_expect_eq(n_released, 1);
    all.seen[0] = '\0';
    ml_module_forward(around, x);
    cr_expect_str_eq(all.seen, "");
    ml_module_release(m);
    ml_module_release(around); /* with a hook still there */
}

Test(modules, fusing_steps_aside_where_a_hook_looks)
{
    ml_module *m = ml_nn_sequential((ml_module *[]){ linear(3, 4), relu(), linear(4, 2) }, 3);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1), *h = affine(ml_module_child(m, 0), x), *g[4], *want[4];
    watch      inner = { .wanted = "1.linear", .factor = -1 };
    int64_t    number = ml_module_hook(m, &(ml_hook){ wants, watched, NULL, &inner });
    ml_tensor *y = ml_module_forward(m, x), *z = affine(ml_module_child(m, 2), ml_relu(ml_neg(h)));
    expect_close(inner.last, h, 1e-14, "what the hook saw");
    expect_close(y, z, 1e-14, "with what it put there");
    cr_assert(ml_grad(ml_sum(ml_square(y), NULL), ml_module_parameters(m), 4, g, NULL) && ml_grad(ml_sum(ml_square(z), NULL), ml_module_parameters(m), 4, want, NULL));
    for (int i = 0; i < 4; i++) expect_close(g[i], want[i], 1e-13, "gradient %d", i);
    ml_tensor *applied = ml_module_apply(m, ml_module_parameters(m), 4, x);
    expect_close(applied, z, 1e-14, "in apply too");
    ml_module_unhook(m, number);
    /* a hook on the layer itself */
    watch own = { .wanted = "linear", .factor = -1 };
    number = ml_module_hook(ml_module_child(m, 0), &(ml_hook){ wants, watched, NULL, &own });
    expect_close(ml_module_forward(m, x), z, 1e-14, "on the layer");
    ml_module_unhook(ml_module_child(m, 0), number);
    ml_module_release(m);
}

Test(modules, a_hook_may_close_itself)
{
    ml_module *m = ml_nn_sequential((ml_module *[]){ relu(), relu() }, 2);
    ml_tensor *x = normals(ML_SHAPE(5, 3), 1);
    watch      first = { .wanted = "", .factor = 1, .closes = m }, second = { .wanted = "", .factor = 1 };
    first.number = ml_module_hook(m, &(ml_hook){ wants, watched, NULL, &first });
    int64_t number = ml_module_hook(m, &(ml_hook){ wants, watched, NULL, &second });
    ml_module_forward(m, x);
    cr_expect_str_eq(first.seen, "1.relu ");
    cr_expect_str_eq(second.seen, "1.relu 2.relu sequential ");
    ml_module_unhook(m, number);
    ml_module_release(m);
}

/* --- refused memory --------------------------------------------------------------------------------------------------------- */
static bool try_all(void)
{
    int        count = 0;
    ml_scope   scope = ml_scope_begin();
    watch      all   = { .wanted = "", .factor = 2 };
    ml_module *m     = ml_nn_parallel((ml_module *[]){ small(&count), ml_nn_residual_with(linear(3, 2), linear(3, 2), NULL) }, 2, NULL);
    bool       ok    = m && ml_module_set_factor(m, 1, 3) && ml_module_hook(m, &(ml_hook){ wants, watched, NULL, &all });
    ml_module *copy  = ok ? ml_module_clone(m) : NULL;
    ml_tensor *y     = copy ? ml_module_forward(m, normals(ML_SHAPE(4, 3), 1)) : NULL;
    ok               = y && ml_backward(ml_sum(y, NULL), NULL);
    ml_module_release(m);
    ml_module_release(copy);
    ml_scope_end(&scope);
    return ok;
}

Test(modules, survive_refused_memory) { expect_survives_refused_memory(try_all); }
