/* Modules made of modules: containers, modules of one's own, hooks, clones. */
#include "checks.h"
#include "moonlab/nn.h"

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
    static const struct { ml_merge merge; int dim; } cases[] = { { ML_MERGE_CONCAT, 1 }, { ML_MERGE_CONCAT, 0 }, { ML_MERGE_SUM, 0 }, { ML_MERGE_STACK, 1 }, { ML_MERGE_STACK, -1 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_tensor *y[] = { ya, yb };
        switch (cases[i].merge) {
        case ML_MERGE_SUM: want = ml_add(ya, yb); break;
        case ML_MERGE_STACK: want = ml_stack(y, 2, &(ml_stack_opts){ cases[i].dim }); break;
        default: want = ml_cat(y, 2, &(ml_cat_opts){ cases[i].dim });
        }
        ml_module *m = ml_nn_parallel((ml_module *[]){ ml_module_retain(a), ml_module_retain(b) }, 2, &(ml_parallel_layer_opts){ cases[i].merge, cases[i].dim });
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
