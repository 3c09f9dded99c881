/* What happens when things go wrong, for every operation: each allocation refused once, and input that fits nothing. */
#include "samples.h"

#include <stdlib.h>

TestSuite(faults, .init = begin_test, .fini = end_test);

static bool any(const ml_op *op, const ml_op_info *info) { (void)op, (void)info; return true; }

/* --- every allocation fails once ---------------------------------------------------------------------------------- */
/* What must not change when a call fails: the inputs, and the gradients that the leaves hold. */
typedef struct {
    ml_tensor *in[ML_MAX_IN], *in_copy[ML_MAX_IN];
    ml_tensor *grad[ML_MAX_IN], *grad_copy[ML_MAX_IN];
} leaves;

static void make_leaves(const trial *t, ml_dtype dtype, leaves *l)
{
    *l = (leaves){ { NULL }, { NULL }, { NULL }, { NULL } };
    trial_inputs(t, dtype, LAYOUT_TRANSPOSED, 5, l->in);
    bool recorded = false;
    for (int i = 0; i < t->n_in; i++) {
        l->in_copy[i] = ml_clone(l->in[i]);
        if (t->floats[i]) recorded = ml_requires_grad(l->in[i], true);
    }
    if (!recorded || (t->op->flags & ML_NOGRAD)) return;
    ml_tensor *y = ml_op_apply(t->id, l->in, t->n_in, t->opts);
    expect(ml_backward(y, &(ml_grad_opts){ .seed = random_like(y, 1) }), "%s: first backward", t->label);
    for (int i = 0; i < t->n_in; i++)
        if ((l->grad[i] = ml_tensor_grad(l->in[i]))) l->grad_copy[i] = ml_clone(l->grad[i]);
}

static void expect_unchanged(const trial *t, const leaves *l, int n)
{
    for (int i = 0; i < t->n_in; i++) {
        expect_same(l->in[i], l->in_copy[i], "%s: input %d after refusal %d", t->label, i, n);
        expect(ml_tensor_grad(l->in[i]) == l->grad[i],
               "%s: the gradient of leaf %d was replaced at refusal %d", t->label, i, n);
        if (l->grad[i])
            expect_same(l->grad[i], l->grad_copy[i], "%s: the gradient of leaf %d after refusal %d", t->label,
                        i, n);
    }
}

typedef enum { FORWARD_BACKWARD, RECORDED_GRADIENT, N_TASKS } task;

static bool do_task(task what, const trial *t, const leaves *l, ml_tensor *dy)
{
    ml_tensor *y = ml_op_apply(t->id, l->in, t->n_in, t->opts), *wanted[ML_MAX_IN], *g[ML_MAX_IN];
    if (!y || !ml_tensor_requires_grad(y)) return y != NULL;
    if (what == FORWARD_BACKWARD) return ml_backward(y, &(ml_grad_opts){ .seed = dy });
    int n = 0;
    for (int i = 0; i < t->n_in; i++)
        if (t->floats[i]) wanted[n++] = l->in[i];
    return ml_grad(y, wanted, n, g, &(ml_grad_opts){ .seed = dy, .create_graph = true });
}

static void refuse_each(task what, const trial *t, ml_dtype dtype)
{
    leaves   l;
    ml_scope outer = ml_scope_begin();
    make_leaves(t, dtype, &l);
    ml_tensor *dy = random_like(ml_op_apply(t->id, l.in_copy, t->n_in, t->opts), 9);
    for (int round = 0; round < 2; round++) { /* the first lets the lists grow that stay */
        size_t live = ml_memory().live;
        for (int n = round == 0 ? 0 : 1; n < 10000; n++) {
            ml_error_clear();
            ml_scope scope = ml_scope_begin();
            ml_memory_fail_after(n);
            bool ok = do_task(what, t, &l, dy);
            ml_memory_fail_after(0);
            bool   failed  = ml_failed();
            bool   because = strstr(ml_error_message(), "out of memory") != NULL;
            ml_scope_end(&scope);
            if (ok) {
                expect(!failed, "%s: succeeded with a message at refusal %d", t->label, n);
                if (round == 1) expect(n > 2, "%s: asked for %d blocks only", t->label, n - 1);
                break;
            }
            expect(because, "%s: failed at refusal %d without saying why", t->label, n);
            expect(ml_memory().live == live, "%s: refusal %d leaks %lld bytes", t->label, n,
                   (long long)ml_memory().live - (long long)live);
            expect_unchanged(t, &l, n);
        }
        for (int i = 0; i < t->n_in; i++) { /* the successful run of a backward has added to the gradients */
            if (!l.grad[i]) continue;
            l.grad[i]      = ml_tensor_grad(l.in[i]);
            l.grad_copy[i] = ml_clone(l.grad[i]);
        }
    }
    ml_scope_end(&outer);
}

ParameterizedTestParameters(faults, each_allocation_may_fail) { return groups_where(any); }
ParameterizedTest(group *g, faults, each_allocation_may_fail)
{
    trial t;
    FOR_EACH_SAMPLE(g, t)
    for (int what = 0; what < N_TASKS; what++) refuse_each((task)what, &t, what == 0 ? ML_F32 : ML_F64);
}

/* The same where tasks allocate on other threads: the message must reach the caller. */
Test(faults, a_failure_on_another_thread_has_a_message)
{
    static const ml_sum_opts middle = { .dims = { 1, { 1 } } };
    static const struct {
        int       id;
        ml_sample sample;
    } shared[] = {
        { ML_OP_matmul, { .in = { "(200, 200)", "(200, 200)" } } },
        { ML_OP_matmul, { .in = { "(16, 40, 30)", "(16, 30, 20)" } } },
        { ML_OP_sum, { .in = { "(50, 100, 40)" }, .opts = &middle } },
        { ML_OP_linear, { .in = { "(200, 200)", "(200, 200)", "(200)" } } },
    };
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        for (int attempt = 0; attempt < 5; attempt++) { /* who meets the refusal is a matter of luck */
            trial    t;
            leaves   l;
            ml_scope scope = ml_scope_begin();
            trial_of(shared[i].id, &shared[i].sample, 0, &t);
            ml_threads_set(4);
            make_leaves(&t, ML_F32, &l);
            for (int n = 1; n < 60; n++) {
                ml_scope inner = ml_scope_begin();
                ml_error_clear();
                ml_memory_fail_after(n);
                bool ok = do_task(FORWARD_BACKWARD, &t, &l, NULL);
                ml_memory_fail_after(0);
                expect(ok || strstr(ml_error_message(), "out of memory") ||
                           strstr(ml_error_message(), "non-scalar"),
                       "%s: refusal %d gives '%s'", t.label, n, ml_error_message());
                ml_scope_end(&inner);
            }
            ml_scope_end(&scope);
        }
    }
}

/* --- input that fits nothing ----------------------------------------------------------------------------------------- */
ParameterizedTestParameters(faults, wrong_numbers_of_inputs_are_named) { return groups_where(any); }
ParameterizedTest(group *g, faults, wrong_numbers_of_inputs_are_named)
{
    trial t;
    FOR_EACH_OP(g, t) {
        int        n_in  = ml_op_info_at(t.id)->n_in;
        ml_tensor *x     = ml_ones(ML_SHAPE(2, 2), ML_F32);
        ml_tensor *in[8] = { x, x, x, x, x, x, x, x };
        for (int n = 0; n < 8; n++) {
            if (n == n_in || (n_in < 0 && n > 0)) continue;
            expect(!ml_op_apply(t.id, in, n, NULL), "%s took %d inputs", t.name, n);
            expect_message(t.name, "%s of %d inputs", t.name, n);
        }
        for (int i = 0; i < n_in; i++) { /* NULL in, NULL out: the first message stays */
            in[i] = NULL;
            ml_fail("the first message");
            expect(!ml_op_apply(t.id, in, n_in, NULL), "%s took NULL", t.name);
            expect(strcmp(ml_error_message(), "the first message") == 0, "%s of NULL says '%s'", t.name,
                   ml_error_message());
            in[i] = x;
        }
        ml_error_clear();
    }
}

/* Random shapes, dtypes and options: a result or a message that names the operation, and no crash (the sanitizers
 * watch). */
static uint32_t draw(uint64_t *counter)
{
    uint32_t r[4];
    ml_philox(ml_key_of(77, 1), (*counter)++, r);
    return r[0];
}
#define PICK(list, c) ((list)[draw(c) % (sizeof(list) / sizeof *(list))])

static ml_shape random_shape(uint64_t *c)
{
    static const int64_t sizes[] = { 0, 1, 1, 2, 2, 3, 3, 4, 5 };
    ml_shape s = { (int)(draw(c) % 5), { 0 } };
    if (draw(c) % 40 == 0) s.n = ML_MAX_DIMS;
    for (int d = 0; d < s.n; d++) s.size[d] = PICK(sizes, c);
    return s;
}

static ml_tensor *random_tensor(uint64_t *c)
{
    ml_dtype   dtype = (ml_dtype)(draw(c) % ML_DTYPE_COUNT);
    ml_tensor *t     = ml_empty(random_shape(c), dtype);
    ml_tensor *v     = ml_randint(-1, 4, ml_tensor_shape(t), ml_key_of(5, (*c)++));
    ml_copy_into(t, v);
    t = view_with_layout(t, (layout)(draw(c) % LAYOUT_COUNT));
    if (ml_dtype_is_float(dtype) && draw(c) % 2) ml_requires_grad(t, true);
    return t;
}

static uint32_t count_words(const char *words)
{
    uint32_t n = 1;
    while ((words = strchr(words, '|'))) n++, words++;
    return n;
}

static void random_options(const ml_op_info *info, void *opts, uint64_t *c)
{
    static const int64_t numbers[] = {
        -3, -2, -1, 0, 0, 1, 1, 2, 3, 4, 6, 12, INT64_MAX, INT64_MAX - 1, INT64_MIN, (int64_t)1 << 40
    };
    static const int     dims[]    = { -9, -4, -3, -2, -1, 0, 0, 1, 1, 2, 3, 8, INT32_MAX, INT32_MIN };
    memcpy(opts, info->defaults, info->opts_bytes);
    for (const ml_field *f = info->fields; f->name; f++) {
        if (draw(c) % 3 == 0) continue; /* the default */
        void *at = (char *)opts + f->offset;
        switch (f->kind) {
        case ML_FIELD_DIMS: {
            ml_dims list = { .n = (int)(draw(c) % 5) };
            for (int i = 0; i < list.n; i++) list.at[i] = draw(c) % 10 ? PICK(dims, c) : PICK(numbers, c);
            *(ml_dims *)at = list;
            break;
        }
        case ML_FIELD_SHAPE: {
            ml_shape s = random_shape(c);
            for (int d = 0; d < s.n; d++)
                if (draw(c) % 8 == 0) s.size[d] = PICK(numbers, c);
            *(ml_shape *)at = s;
            break;
        }
        case ML_FIELD_INTS: {
            ml_ints list = { .n = (int)(draw(c) % 7) };
            for (int i = 0; i < list.n; i++) list.at[i] = PICK(numbers, c);
            *(ml_ints *)at = list;
            break;
        }
        case ML_FIELD_PAIR:
            for (int i = 0; i < 2; i++) ((int64_t *)at)[i] = PICK(numbers, c);
            break;
        case ML_FIELD_NEWDIM:
        case ML_FIELD_DIM: *(int *)at = PICK(dims, c); break;
        case ML_FIELD_BASE: *(int *)at = (int)(draw(c) % 2); break;
        case ML_FIELD_INT:
        case ML_FIELD_INDEX: *(int64_t *)at = PICK(numbers, c); break;
        case ML_FIELD_REAL: *(double *)at = (double)PICK(numbers, c); break;
        case ML_FIELD_FLAG: *(bool *)at = draw(c) % 2; break;
        case ML_FIELD_CHOICE: *(int *)at = (int)(draw(c) % (2 + count_words(f->words))) - 1; break;
        case ML_FIELD_DTYPE: *(ml_dtype *)at = (ml_dtype)(draw(c) % ML_DTYPE_COUNT); break;
        case ML_FIELD_TEXT: { /* of the characters that mean something, in any order */
            static const char some[] = "ijkabzZ,,..->  ?1";
            int n = (int)(draw(c) % 12);
            memset(at, 0, ML_TEXT_BYTES);
            for (int i = 0; i < n; i++) ((char *)at)[i] = some[draw(c) % (sizeof some - 1)];
            break;
        }
        }
    }
}

/* Says whether a message is acceptable: it names the operation, or the memory that is not there. */
static bool names(const char *op, const char *message)
{
    size_t n = strlen(op);
    return (strncmp(message, op, n) == 0 && message[n] == ':') ||
           strncmp(message, "out of memory", 13) == 0 || strncmp(message, "shape: ", 7) == 0;
}

ParameterizedTestParameters(faults, random_input_is_computed_or_refused) { return groups_where(any); }
ParameterizedTest(group *g, faults, random_input_is_computed_or_refused)
{
    trial t;
    ml_memory_set_cap((size_t)256 << 20);
    FOR_EACH_OP(g, t) {
        const ml_op_info *info    = ml_op_info_at(t.id);
        uint64_t          counter = (uint64_t)t.id << 32;
        int               n_ok = 0, n_refused = 0;
        for (int k = 0; k < 400; k++) {
            _Alignas(16) char opts[ML_OPTS_BYTES];
            ml_scope   scope = ml_scope_begin();
            ml_tensor *in[ML_MAX_IN];
            bool       whole = draw(&counter) % 2;
            int        n_in  = info->n_in > 0 ? info->n_in : 1 + (int)(draw(&counter) % ML_MAX_IN);
            if (whole) { /* a sample, of which an input or the options are exchanged */
                trial_inputs(&t, ML_F32, LAYOUT_CONTIGUOUS, counter++, in);
                n_in = t.n_in;
                for (int i = 0; i < n_in; i++) in[i] = draw(&counter) % 4 ? in[i] : random_tensor(&counter);
            } else {
                for (int i = 0; i < n_in; i++)
                    in[i] = draw(&counter) % 4 || i == 0 ? random_tensor(&counter) : in[i - 1];
            }
            if (info->opts_bytes) {
                if (whole && draw(&counter) % 2) memcpy(opts, t.opts, info->opts_bytes);
                else random_options(info, opts, &counter);
            }
            ml_error_clear();
            ml_tensor *y = ml_op_apply(t.id, in, n_in, info->opts_bytes ? opts : NULL);
            if (!y) {
                n_refused++;
                expect(names(t.name, ml_error_message()), "%s, random input %d: says '%s'", t.name, k,
                       ml_error_message());
                tally_count(1);
            } else {
                n_ok++;
                expect(!ml_failed(), "%s, random input %d: a result and a message", t.name, k);
                expect(ml_tensor_numel(y) >= 0, "%s, random input %d: %lld values, shape %s", t.name, k,
                       (long long)ml_tensor_numel(y), ml_shape_text(&y->shape));
                if (ml_tensor_numel(y) >= 0 && ml_tensor_numel(y) < 1000000) {
                    free(values_of(y)); /* reads every value */
                    ml_tensor *dy =
                        ml_tensor_requires_grad(y) ? random_like(y, 1) : NULL; /* NULL too for (2^60, 0) */
                    if (dy)
                        expect(ml_backward(y, &(ml_grad_opts){ .seed = dy }), "%s, random input %d: backward",
                               t.name, k);
                }
            }
            ml_error_clear();
            ml_scope_end(&scope);
        }
        expect(n_ok > 0, "%s: no random input fitted", t.name);
        bool takes_all = t.n_in == 1 && (t.op->kind == ML_POINTWISE || t.id == ML_OP_cast || t.id == ML_OP_nonzero); /* fit any shape */
        if (!takes_all && (t.n_in > 1 || info->opts_bytes))
            expect(n_refused > 0, "%s: no random input was refused", t.name);
    }
    ml_memory_set_cap(0);
}

/* Shapes that do not go together are both named, and so is a wrong dtype. */
Test(faults, messages_say_what_does_not_fit)
{
    ml_tensor *a = ml_zeros(ML_SHAPE(2, 3), ML_F32), *b = ml_zeros(ML_SHAPE(4, 5), ML_F32),
              *ids = ml_zeros(ML_SHAPE(2), ML_I64), *row = ml_zeros(ML_SHAPE(3), ML_F32),
              *number = ml_zeros(ML_SCALAR, ML_F32);
    expect_fails(ml_add(a, b), "add: shapes do not broadcast: (2, 3) and (4, 5)");
    expect_fails(ml_where(ml_gt(a, row), a, b), "where: shapes do not broadcast: (2, 3), (2, 3) and (4, 5)");
    expect_fails(ml_where(a, a, a), "where: the condition must be bool, got f32");
    expect_fails(ml_matmul(a, b), "matmul: inner sizes differ: (2, 3) x (4, 5)");
    expect_fails(ml_matmul(number, b), "matmul: needs vectors or matrices, got () x (4, 5)");
    expect_fails(ml_linear(a, b, row, NULL), "linear: inner sizes differ: (2, 3) x (4, 5)");
    expect_fails(ml_linear(a, ml_zeros(ML_SHAPE(4, 3), ML_F32), row, NULL),
                 "linear: the bias must have shape (4)");
    expect_fails(ml_mse(a, b), "mse: shapes differ: (2, 3) and (4, 5)");
    expect_fails(ml_cross_entropy(a, a, NULL),
                 "cross_entropy: needs logits (n, classes) and labels (n), or (classes) and one label, got (2, 3) and (2, 3)");
    expect_fails(ml_cross_entropy(a, ml_zeros(ML_SHAPE(2), ML_F32), NULL),
                 "cross_entropy: labels must be integers (i64), got f32");
    expect_fails(ml_cross_entropy(a, ml_full(ML_SHAPE(2), ML_I64, 3), NULL),
                 "cross_entropy: labels must be 0..2, found 3 (subtract 1)");
    expect_fails(ml_cross_entropy(a, ids, &(ml_cross_entropy_opts){ .base = 1 }),
                 "cross_entropy: labels must be 1..3, found 0 (add 1)");
    expect_fails(ml_embedding(a, ml_full(ML_SHAPE(2), ML_I64, 2), NULL),
                 "embedding: ids must be 0..1, found 2");
    expect_fails(ml_embedding(a, row, NULL), "embedding: ids must be integers (i64), got f32");
    expect_fails(ml_one_hot(ids, NULL), "one_hot: classes must be at least 1, got 0");
    expect_fails(ml_scatter_rows(b, ids, NULL),
                 "scatter_rows: the shape of x, (4, 5), must have that of the ids, (2), from dimension 1 on");
    expect_fails(ml_reshape(a, &(ml_reshape_opts){ { 1, { 7 } } }),
                 "reshape: (2, 3) has 6 values, which do not fill (7)");
    expect_fails(ml_expand(a, &(ml_expand_opts){ { 2, { 4, 3 } } }),
                 "expand: (2, 3) cannot be repeated to (4, 3)");
    expect_fails(ml_sum_to(a, &(ml_sum_to_opts){ { 1, { 2 } } }), "sum_to: (2, 3) cannot be summed to (2)");
    expect_fails(ml_permute(a, &(ml_permute_opts){ ML_DIMS(0) }),
                 "permute: needs all 2 dimensions of (2, 3), got 1");
    expect_fails(ml_transpose(row, NULL), "transpose: needs at least 2 dimensions, got shape (3)");
    expect_fails(ml_slice(a, &(ml_slice_opts){ .step = 0 }), "slice: the step must be at least 1, got 0");
    expect_fails(ml_cat((ml_tensor *[]){ a, b }, 2, NULL),
                 "cat: tensor 2 has shape (4, 5), the first (2, 3)");
    expect_fails(ml_sum(a, &(ml_sum_opts){ .dims = ML_DIMS(0, -2) }), "sum: dimension 1 is given twice");
    expect_fails(ml_softmax(a, &(ml_softmax_opts){ .dim = 5 }),
                 "softmax: dimension 6 does not exist, the tensor has 2");
}
