/* Fused chains have the bits of the same operations one by one: every operation of the table, random programs. */
#include "samples.h"

#include "moonlab/fuse.h"
#include "moonlab/transform.h"

TestSuite(fuse, .init = begin_test, .fini = end_test);

static bool any(const ml_op *op, const ml_op_info *info)
{
    (void)info;
    return op->samples != NULL;
}

static bool computed(ml_tensor *y)
{
    return y && ml_fuse_compute(&y, 1) && !ml_fuse_waits(y);
}

/* --- every operation -------------------------------------------------------------------------------------------------- */
/* The inputs as they are, and as results that wait. */
static void fused_inputs(const trial *t, ml_tensor *const in[], bool waiting, ml_tensor *fused[])
{
    for (int i = 0; i < t->n_in; i++) {
        fused[i] = ml_fuse_input(in[i]);
        if (waiting && t->floats[i]) fused[i] = ml_neg(ml_neg(fused[i]));
        cr_assert_not_null(fused[i], "%s: %s", t->label, ml_error_message());
        bool waits = waiting && t->floats[i] && ml_tensor_numel(in[i]) > 0;
        expect(ml_fuse_waits(fused[i]) == waits, "%s: input %d", t->label, i);
    }
}

ParameterizedTestParameters(fuse, every_operation_has_its_own_bits) { return groups_where(any); }
ParameterizedTest(group *g, fuse, every_operation_has_its_own_bits)
{
    trial t;
    FOR_EACH_SAMPLE(g, t)
    for (int l = 0; l < LAYOUT_COUNT; l++)
        for (int variant = 0; variant < 4; variant++) {
            ml_tensor *in[ML_MAX_IN], *fused[ML_MAX_IN];
            trial_inputs(&t, variant & 1 ? ML_F64 : ML_F32, (layout)l, 5, in);
            fused_inputs(&t, in, variant & 2, fused);
            ml_tensor *wanted = ml_op_apply(t.id, in, t.n_in, t.opts), *y = ml_op_apply(t.id, fused, t.n_in, t.opts);
            if (!expect(wanted && computed(y), "%s: %s", t.label, ml_error_message())) continue;
            expect_same(y, wanted, "%s %s, variant %d", t.label, layout_name((layout)l), variant);
        }
}

static bool simple(const ml_op *op, const ml_op_info *info)
{
    return op->kind == ML_POINTWISE && info->opts_bytes == 0;
}

ParameterizedTestParameters(fuse, pointwise_operations_wait) { return groups_where(simple); }
ParameterizedTest(group *g, fuse, pointwise_operations_wait)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        ml_tensor *in[ML_MAX_IN], *fused[ML_MAX_IN];
        bool       floats = true;
        trial_inputs(&t, ML_F32, LAYOUT_CONTIGUOUS, 1, in);
        fused_inputs(&t, in, false, fused);
        for (int i = 0; i < t.n_in; i++) floats &= t.floats[i];
        expect(ml_fuse_waits(ml_op_apply(t.id, fused, t.n_in, t.opts)) == floats, "%s", t.label);
    }
}

/* --- random programs ------------------------------------------------------------------------------------------------------ */
static uint32_t dice(uint64_t *state, uint32_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % n;
}

enum { N_VALUES = 40 };

/* The same draws make the same program of the same inputs, whether they wait or not. */
static int random_program(uint64_t seed, ml_tensor *const *in, int n_in, ml_tensor **value)
{
    static const ml_op_id one[] = { ML_OP_neg, ML_OP_abs, ML_OP_exp, ML_OP_tanh, ML_OP_relu, ML_OP_square, ML_OP_sigmoid,
                                    ML_OP_floor, ML_OP_sign, ML_OP_erf };
    static const ml_op_id two[] = { ML_OP_add, ML_OP_sub, ML_OP_mul, ML_OP_div, ML_OP_maximum, ML_OP_minimum, ML_OP_gt, ML_OP_eq };
    int n = n_in;
    for (int i = 0; i < n_in; i++) value[i] = in[i];
    while (n < N_VALUES) {
        ml_tensor *a = value[dice(&seed, (uint32_t)n)], *b = value[dice(&seed, (uint32_t)n)], *c = value[dice(&seed, (uint32_t)n)];
        switch (dice(&seed, 8)) {
        case 0: case 1: case 2: a = ml_op_apply((int)one[dice(&seed, 10)], &a, 1, NULL); break;
        case 3: case 4: {
            ml_op_id op = two[dice(&seed, 8)];
            if (op == ML_OP_div && !ml_dtype_is_float(ml_tensor_dtype(b))) op = ML_OP_mul; /* integers have no quotient by 0 */
            a = ml_op_apply((int)op, (ml_tensor *[]){ a, b }, 2, NULL);
            break;
        }
        case 5: a = ml_mul(a, ml_number(0.5 + dice(&seed, 4))); break;
        case 6: a = ml_where(ml_gt(a, ml_number(0)), b, c); break;
        default: a = dice(&seed, 3) ? ml_cast(a, &(ml_cast_opts){ dice(&seed, 2) ? ML_F64 : ML_F32 }) : ml_mean(a, &(ml_mean_opts){ .dims = { 0 }, .keepdim = true });
        }
        if (!a) return 0;
        value[n++] = a;
    }
    return n;
}

static void check_program(uint64_t seed, int64_t rows, int64_t columns)
{
    ml_scope   scope = ml_scope_begin();
    ml_shape   shapes[] = { ML_SHAPE(rows, columns), ML_SHAPE(columns), ML_SHAPE(rows, 1), ML_SHAPE(rows, columns), ML_SCALAR };
    ml_tensor *in[5], *fused[5], *plain[N_VALUES], *waiting[N_VALUES];
    for (int i = 0; i < 5; i++) {
        in[i] = ml_randn(shapes[i], i == 3 && seed % 2 ? ML_F64 : ML_F32, ml_key_of(seed, (uint64_t)i));
        if (i == 0 && seed % 3 == 0) in[0] = ml_mT(ml_contiguous(ml_mT(in[0])));
        fused[i] = ml_fuse_input(in[i]);
    }
    int n = random_program(seed, in, 5, plain), m = random_program(seed, fused, 5, waiting);
    expect(n == N_VALUES && m == n, "program %d: %s", (int)seed, ml_error_message());
    if (n == m && n) {
        int from = n - 1 - (int)(seed % 12); /* one result or several, of any shapes */
        expect(ml_fuse_compute(waiting + from, n - from), "program %d: %s", (int)seed, ml_error_message());
        for (int i = from; i < n; i++) expect_same(waiting[i], plain[i], "program %d, value %d", (int)seed, i);
        for (int i = 5; i < from; i += 7) { /* what lies between is still there for who asks */
            expect(ml_fuse_compute(&waiting[i], 1), "program %d: %s", (int)seed, ml_error_message());
            expect_same(waiting[i], plain[i], "program %d, value %d", (int)seed, i);
        }
    }
    ml_scope_end(&scope);
}

Test(fuse, random_programs_have_their_own_bits)
{
    for (uint64_t seed = 1; seed <= 120; seed++) check_program(seed, 1 + (int64_t)(seed % 7), 1 + (int64_t)(seed * 13 % 300));
}

Test(fuse, large_random_programs_have_their_own_bits)
{
    for (int threads = 1; threads <= 3; threads++) {
        ml_threads_set(threads);
        for (uint64_t seed = 1; seed <= 6; seed++) check_program(seed, 150, 451);
    }
    ml_threads_set(1);
}

Test(fuse, a_long_chain_is_computed_in_parts)
{
    ml_tensor *x = ml_randn(ML_SHAPE(3000), ML_F32, ml_key_of(1, 1)), *y = ml_fuse_input(x), *plain = x;
    for (int i = 0; i < 500; i++) {
        y     = ml_mul(ml_add(y, x), ml_number(0.5));
        plain = ml_mul(ml_add(plain, x), ml_number(0.5));
    }
    expect(ml_fuse_waits(y) && computed(y), "%s", ml_error_message());
    expect_same(y, plain, "a chain of 1000");
}

/* --- what does not wait ------------------------------------------------------------------------------------------------------ */
static ml_tensor *chain(ml_tensor *z)
{
    return ml_sub(ml_mul(ml_relu(ml_add(ml_mul(z, ml_number(2)), ml_number(1))), z), z);
}

Test(fuse, derivatives_are_those_without)
{
    ml_tensor *x = ml_requires_grad(ml_randn(ML_SHAPE(50), ML_F64, ml_key_of(1, 1)), true);
    ml_tensor *w = ml_requires_grad(ml_randn(ML_SHAPE(50), ML_F64, ml_key_of(1, 2)), true);
    expect(ml_fuse_input(x) == x, "a recorded input is itself");
    ml_tensor *c    = ml_fuse_input(ml_detach(x));
    ml_tensor *loss = ml_sum(ml_mul(chain(c), w), NULL), *plain = ml_sum(ml_mul(chain(ml_detach(x)), w), NULL), *g[2];
    expect(ml_grad(loss, &w, 1, &g[0], NULL) && ml_grad(plain, &w, 1, &g[1], NULL), "%s", ml_error_message());
    expect_same(g[0], g[1], "d w");
    expect(ml_backward(ml_sum(ml_mul(c, w), NULL), &(ml_grad_opts){ .seed = ml_neg(ml_fuse_input(ml_ones(ML_SCALAR, ML_F64))) }), "%s",
           ml_error_message());
    expect_same(ml_tensor_grad(w), ml_neg(ml_detach(x)), "a seed that waits");
    ml_tensor *leaf = ml_requires_grad(chain(c), true);
    expect(leaf && ml_backward(ml_sum(ml_mul(leaf, w), NULL), NULL), "%s", ml_error_message());
    expect_same(ml_tensor_grad(leaf), ml_detach(w), "a leaf made inside");
}

static bool call_chain(void *ctx, ml_tensor *const *in, ml_tensor **out)
{
    bool      *inside = ctx;
    ml_tensor *z = *inside ? ml_fuse_input(in[0]) : in[0];
    return (out[0] = chain(z)) && (!*inside || ml_fuse_compute(out, 1));
}

Test(fuse, nests_with_transforms)
{
    ml_tensor  *x = ml_randn(ML_SHAPE(4, 30), ML_F64, ml_key_of(1, 1)), *plain = chain(x), *y;
    bool        inside = true, outside = false;
    ml_function f = { call_chain, &inside, 1, 1 }, h = { call_chain, &outside, 1, 1 };
    expect(ml_vmap(&f, &x, (int[]){ 0 }, &y, NULL), "%s", ml_error_message());
    expect_same(y, plain, "fuse inside vmap");
    ml_tensor *in = ml_fuse_input(x);
    expect(ml_vmap(&h, &in, (int[]){ 0 }, &y, NULL) && computed(y), "%s", ml_error_message());
    expect_same(y, plain, "vmap inside fuse");
    ml_tensor *v = ml_ones(ML_SHAPE(4, 30), ML_F64), *dy[2], *out;
    expect(ml_vjp(&f, &x, &v, NULL, &out, &dy[0]) && ml_vjp(&h, &in, &v, NULL, &out, &dy[1]), "%s", ml_error_message());
    expect_same(dy[0], dy[1], "vjp");
    expect(ml_jvp(&f, &x, &v, &out, &dy[0]) && ml_jvp(&h, &in, &v, &out, &dy[1]), "%s", ml_error_message());
    expect_same(dy[0], dy[1], "jvp");
}

Test(fuse, whoever_reads_values_has_them)
{
    ml_tensor *x = ml_full(ML_SHAPE(1, 1), ML_F32, 3), *z = ml_fuse_input(x);
    expect(ml_fuse_waits(ml_neg(z)), "a result waits");
    expect(ml_item(ml_neg(z)) == -3, "item");
    expect(ml_tensor_at(ml_neg(z), (int64_t[]){ 0, 0 }) == -3, "at");
    float v = 0;
    expect(ml_tensor_copy_out(ml_neg(z), ML_F32, &v) && v == -3, "copy_out");
    expect(*(const float *)ml_tensor_data(ml_neg(z)) == -3, "data");
    expect(ml_item(ml_clone(ml_neg(z))) == -3 && ml_item(ml_detach(ml_neg(z))) == -3, "copies");
    ml_tensor *to = ml_neg(z);
    expect(ml_copy_into(to, x) && ml_item(to) == 3, "written to");
    char *text = ml_tensor_text(ml_neg(z));
    expect(text && strstr(text, "-3"), "printed as %s", text);
    ml_realloc(text, strlen(text) + 1, 0);
    ml_detect_anomaly(true);
    expect_fails(ml_log(ml_neg(z)), "log");
    ml_detect_anomaly(false);
}

Test(fuse, integers_are_looked_at_at_once)
{
    ml_tensor *x = ml_fuse_input(ml_full(ML_SHAPE(3), ML_I64, 7));
    expect(!ml_fuse_waits(ml_mul(x, ml_number(2))), "integers do not wait");
    expect_fails(ml_div(x, ml_fuse_input(ml_full(ML_SHAPE(3), ML_I64, 0))), "integer division by zero");
    ml_tensor *half = ml_mul(x, ml_number(0.5));
    expect(ml_fuse_waits(half) && ml_tensor_dtype(half) == ML_F32, "what has become floats does");
    expect_fails(ml_add(half, ml_fuse_input(ml_ones(ML_SHAPE(4), ML_F32))), "do not broadcast");
}

/* --- mistakes ---------------------------------------------------------------------------------------------------------------- */
Test(fuse, an_input_that_was_modified_is_named)
{
    ml_tensor *x = ml_ones(ML_SHAPE(3), ML_F32), *z = ml_fuse_input(x), *y = ml_exp(z), *before = ml_exp(z);
    expect(computed(before), "%s", ml_error_message());
    ml_tensor_set_at(x, (int64_t[]){ 0 }, 5);
    expect_fails(ml_fuse_compute(&y, 1), "an input of 'exp', shape (3), was modified");
    expect(ml_fuse_waits(y), "it goes on waiting");
    ml_tensor *a = ml_mul(z, ml_number(2)), *b = ml_exp(a);
    ml_tensor_set_at(a, (int64_t[]){ 0 }, 5);
    expect_fails(ml_sum(b, NULL), "an input of 'exp'");
}

Test(fuse, every_allocation_may_be_refused)
{
    ml_tensor *x = ml_randn(ML_SHAPE(40, 9), ML_F32, ml_key_of(1, 1)), *row = ml_randn(ML_SHAPE(9), ML_F32, ml_key_of(1, 2));
    ml_tensor *turned = ml_mT(ml_randn(ML_SHAPE(9, 40), ML_F32, ml_key_of(1, 3)));
    ml_tensor *plain  = ml_add(ml_mul(chain(x), ml_exp(row)), turned);
    for (int n = 1, done = 0; !done; n++) {
        ml_scope scope = ml_scope_begin();
        size_t   live  = ml_memory().live;
        cr_assert_lt(n, 200);
        ml_memory_fail_after(n);
        ml_tensor *y = ml_add(ml_mul(chain(ml_fuse_input(x)), ml_exp(ml_fuse_input(row))), turned);
        bool       ok = computed(y);
        ml_memory_fail_after(0);
        if (ok) done = expect_same(y, plain, "allocation %d", n) || true;
        else if (!expect(strstr(ml_error_message(), "out of memory"), "allocation %d: '%s'", n, ml_error_message())) done = 1;
        ml_error_clear();
        if (!ok && y) expect(computed(y), "after a refusal it may be tried again");
        ml_scope_end(&scope);
        expect(ml_memory().live == live, "allocation %d: %d bytes are left", n, (int)(ml_memory().live - live));
    }
}
