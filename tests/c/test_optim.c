/* Optimizers: against PyTorch's trajectories (tests/golden/optim.py), and what a step promises besides. */
#include "checks.h"
#include "moonlab/optim.h"
#include "moonlab/transform.h"

#include <math.h>
#include <stdio.h>

TestSuite(optim, .init = begin_test, .fini = end_test, .timeout = 60);

/* --- the golden problem ------------------------------------------------------------------------------------------ */
enum { X, Y, W1, B, W2, N_BLOCKS };
static const char *const block_names[N_BLOCKS]  = { "x", "y", "w1", "b", "w2" };
static const ml_shape    block_shapes[N_BLOCKS] = {
    { 2, { 8, 3 } }, { 2, { 8, 2 } }, { 2, { 3, 5 } }, { 1, { 5 } }, { 2, { 5, 2 } },
};

typedef struct {
    char                 name[64];
    const ml_optim_info *info;
    double               tolerance[2]; /* in f64, f32; 0: not there */
    int                  steps;        /* the others of 100 do nothing */
    int                  b_sits_out;   /* every how many steps, from the first on */
    double               factor;       /* of lr after each step */
    double               rho, adaptive, clip_norm, clip_value; /* 0: none */
    _Alignas(double) char opts[ML_OPTIM_OPTS_BYTES];
} golden_case;

static const ml_optim_info *find_kind(const char *name)
{
    const ml_optim_info *info;
    for (int i = 0; (info = ml_optim_info_at(i)); i++)
        if (strcmp(info->name, name) == 0) return info;
    cr_assert(false, "no optimizer is called '%s'", name);
    return NULL;
}

static void read_numbers(FILE *f, double *to, int n)
{
    for (int i = 0; i < n; i++) cr_assert_eq(fscanf(f, "%lf", &to[i]), 1, "the golden file ends too early");
}

static void expect_word(FILE *f, const char *word)
{
    char got[64] = "";
    cr_assert(fscanf(f, "%63s", got) == 1 && strcmp(got, word) == 0, "the golden file has '%s' where '%s' was to be", got, word);
}

static int read_count(FILE *f)
{
    int n = 0;
    cr_assert_eq(fscanf(f, "%d", &n), 1);
    return n;
}

static void read_block(FILE *f, const char *word, double *to, int n)
{
    expect_word(f, word);
    cr_assert_eq(read_count(f), n);
    read_numbers(f, to, n);
}

/* "betas 0.9 0.99": a name and one number, or two where the option has two. */
static void read_option(FILE *f, golden_case *c)
{
    char   name[64] = "";
    double v[2];
    cr_assert_eq(fscanf(f, "%63s", name), 1);
    const ml_optim_option *o = c->info->options;
    while (o->name && strcmp(o->name, name) != 0) o++;
    cr_assert(o->name, "%s: %s has no option '%s'", c->name, c->info->name, name);
    read_numbers(f, v, o->kind == ML_OPTION_PAIR ? 2 : 1);
    void *at = c->opts + o->offset;
    if (o->kind == ML_OPTION_FLAG) *(bool *)at = v[0] != 0;
    else if (o->kind == ML_OPTION_INTEGER) *(int64_t *)at = (int64_t)v[0];
    else memcpy(at, v, (o->kind == ML_OPTION_PAIR ? 2 : 1) * sizeof *v);
}

static golden_case read_case(FILE *f)
{
    golden_case c;
    char        kind[32];
    double      v[9];
    expect_word(f, "case");
    cr_assert_eq(fscanf(f, "%63s %31s", c.name, kind), 2);
    read_numbers(f, v, 9);
    c.tolerance[0] = v[0], c.tolerance[1] = v[1], c.steps = (int)v[2], c.b_sits_out = (int)v[3], c.factor = v[4];
    c.rho = v[5], c.adaptive = v[6], c.clip_norm = v[7], c.clip_value = v[8];
    c.info = find_kind(kind);
    memcpy(c.opts, c.info->defaults, c.info->opts_bytes);
    for (int n = read_count(f); n > 0; n--) read_option(f, &c);
    return c;
}

static ml_optim *make_optim(const golden_case *c, ml_tensor *const *params, int n)
{
    ml_optim *opt = ml_optim_new(c->info->name, &(ml_param_group){ .params = params, .n = n }, 1, c->opts);
    if (c->rho > 0) cr_assert(ml_optim_set_sam(opt, &(ml_sam_opts){ c->rho, c->adaptive != 0 }));
    if (c->clip_norm > 0) cr_assert(ml_optim_set_clip_norm(opt, c->clip_norm));
    if (c->clip_value > 0) cr_assert(ml_optim_set_clip_value(opt, c->clip_value));
    return opt;
}

static ml_tensor *as(ml_dtype dtype, int block, const double *values)
{
    return ml_clone(ml_cast(ml_from(block_shapes[block], ML_F64, values), &(ml_cast_opts){ dtype }));
}

/* Compares all parameters together: the largest difference, relative to the largest value. */
static double distance_from(ml_tensor *const *params, const double *wanted)
{
    double got[30], worst = 0, largest = 0;
    cr_assert(ml_tensor_copy_out(params[0], ML_F64, got) && ml_tensor_copy_out(params[1], ML_F64, got + 15) &&
              ml_tensor_copy_out(params[2], ML_F64, got + 20));
    for (int i = 0; i < 30; i++) {
        worst   = fmax(worst, fabs(got[i] - wanted[i]));
        largest = fmax(largest, fabs(wanted[i]));
        if (isnan(got[i])) return INFINITY;
    }
    return worst / largest;
}

typedef struct {
    ml_tensor *x, *y, *params[3];
} golden_problem;

static ml_tensor *golden_loss(void *ctx)
{
    const golden_problem *p = ctx;
    return ml_mse(ml_matmul(ml_tanh(ml_add(ml_matmul(p->x, p->params[0]), p->params[1])), p->params[2]), p->y);
}

static void golden_step(const golden_case *c, golden_problem *p, ml_optim *opt, int step)
{
    if (c->rho > 0 || step % 2 || strcmp(c->info->name, "LBFGS") == 0 || strcmp(c->info->name, "GradientFlow") == 0) {
        double value = 0;
        if (!(c->b_sits_out && step % c->b_sits_out == 1)) {
            double loss = ml_item(golden_loss(p));
            cr_assert(ml_optim_minimize_fn(opt, golden_loss, p, &value), "%s: %s", c->name, ml_error_message());
            cr_assert_eq(value, loss, "%s: the loss was %g, not %g", c->name, loss, value);
            return;
        }
    }
    ml_tensor *loss = golden_loss(p);
    if (c->b_sits_out && step % c->b_sits_out == 1) {
        ml_optim_zero_grad(opt);
        cr_assert(ml_backward(loss, NULL));
        ml_tensor_zero_grad(p->params[1]);
        cr_assert(ml_optim_step(opt), "%s", ml_error_message());
    } else {
        cr_assert(ml_optim_minimize(opt, loss), "%s", ml_error_message());
    }
}

static void follow(FILE *f, const golden_case *c, double blocks[N_BLOCKS][30], ml_dtype dtype, double tolerance)
{
    ml_scope       scope = ml_scope_begin();
    golden_problem p     = { as(dtype, X, blocks[X]), as(dtype, Y, blocks[Y]), { NULL } };
    for (int i = 0; i < 3; i++) p.params[i] = ml_requires_grad(as(dtype, W1 + i, blocks[W1 + i]), true);
    ml_tensor **params = p.params;
    ml_optim   *opt    = make_optim(c, params, 3);
    cr_assert(opt, "%s: %s", c->name, ml_error_message());
    expect_word(f, ml_dtype_name(dtype));
    for (int step = 1; step <= 100; step++) {
        ml_scope each = ml_scope_begin();
        if (step <= c->steps) golden_step(c, &p, opt, step);
        if (c->factor != 1) cr_assert(ml_optim_set_lr(opt, ml_optim_lr(opt) * c->factor));
        if (step == 1 || step == 2 || step == 10 || step == 100) {
            double wanted[30];
            cr_assert_eq(read_count(f), step);
            cr_assert_eq(read_count(f), 30);
            read_numbers(f, wanted, 30);
            double d = distance_from(params, wanted);
            expect(d <= tolerance, "%s, %s, step %d: off by %g, the tolerance is %g", c->name, ml_dtype_name(dtype), step, d, tolerance);
        }
        ml_scope_end(&each);
    }
    expect(ml_optim_steps(opt) == c->steps, "%s: counts %lld steps", c->name, (long long)ml_optim_steps(opt));
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

Test(optim, trajectories_are_those_of_other_implementations)
{
    FILE *f = fopen(TESTS_GOLDEN "/optim.txt", "r");
    cr_assert(f, "no " TESTS_GOLDEN "/optim.txt");
    double blocks[N_BLOCKS][30];
    for (int i = 0; i < N_BLOCKS; i++) read_block(f, block_names[i], blocks[i], (int)ml_shape_numel(&block_shapes[i]));
    expect_word(f, "cases");
    int n = read_count(f);
    bool seen[64] = { 0 };
    for (int i = 0; i < n; i++) {
        golden_case c = read_case(f);
        for (int k = 0; ml_optim_info_at(k); k++) seen[k] = seen[k] || ml_optim_info_at(k) == c.info;
        if (c.tolerance[0] > 0) follow(f, &c, blocks, ML_F64, c.tolerance[0]);
        if (c.tolerance[1] > 0) follow(f, &c, blocks, ML_F32, c.tolerance[1]);
    }
    fclose(f);
    for (int k = 0; ml_optim_info_at(k); k++) expect(seen[k], "%s has no trajectory: add one to tests/golden/optim.py", ml_optim_info_at(k)->name);
}

/* --- what a step promises ------------------------------------------------------------------------------------------ */
static ml_tensor *leaf(ml_shape shape, uint64_t stream)
{
    return ml_requires_grad(ml_randn(shape, ML_F32, ml_key_of(7, stream)), true);
}

/* loss = sum w^2 / 2: the gradient of w is w. */
static ml_tensor *half_square(ml_tensor *w)
{
    return ml_mul(ml_sum(ml_square(w), NULL), ml_number(0.5));
}

/* One of each kind, with all that it can do. */
enum { MUON = 8 /* the only one whose step is not element by element */, N_KINDS };

static ml_optim *of_kind(int kind, ml_tensor *const *params, int n)
{
    switch (kind) {
    case 0: return ml_sgd(params, n, &(ml_sgd_opts){ .lr = 0.1, .weight_decay = 0.1 });
    case 1: return ml_sgd(params, n, &(ml_sgd_opts){ 0.1, 0.9, true, 0.1, true });
    case 2: return ml_adam(params, n, NULL);
    case 3: return ml_adamw(params, n, NULL);
    case 4: return ml_rmsprop(params, n, NULL);
    case 5: return ml_rmsprop(params, n, &(ml_rmsprop_opts){ 1e-2, 0.9, 1e-3, 0.5, true, 0.1, false });
    case 6: return ml_adagrad(params, n, NULL);
    case 7: return ml_lion(params, n, NULL);
    case MUON: return ml_muon(params, n, NULL);
    default: return NULL;
    }
}

Test(optim, bits_do_not_depend_on_the_number_of_threads)
{
    static const int64_t sizes[] = { 100003, 5, 16384, 1, 40000, 0, 64 };
    enum { N = sizeof sizes / sizeof *sizes };
    for (int kind = 0; kind < N_KINDS; kind++) {
        ml_scope   scope = ml_scope_begin();
        ml_tensor *params[2][N];
        for (int threads = 1; threads <= 2; threads++) {
            ml_tensor **p = params[threads - 1];
            cr_assert(ml_threads_set(threads));
            for (int i = 0; i < N; i++) p[i] = leaf(ML_SHAPE(sizes[i]), (uint64_t)i);
            ml_optim *opt = of_kind(kind, p, N);
            for (int step = 0; step < 5; step++) {
                ml_tensor *loss = ml_scalar(0, ML_F32);
                for (int i = 0; i < N; i++) loss = ml_add(loss, half_square(p[i]));
                cr_assert(ml_optim_minimize(opt, loss), "%s", ml_error_message());
            }
            ml_optim_release(opt);
        }
        for (int i = 0; i < N; i++) expect_same(params[0][i], params[1][i], "kind %d, %lld elements", kind, (long long)sizes[i]);
        ml_scope_end(&scope);
    }
}

/* Where a task begins and ends must not show: no element is left out, none is stepped twice. */
Test(optim, every_element_of_a_large_parameter_is_stepped_once)
{
    for (int kind = 0; kind < MUON; kind++) {
        ml_scope   scope = ml_scope_begin();
        ml_tensor *three = leaf(ML_SHAPE(3), 1);
        ml_tensor *large = ml_requires_grad(ml_clone(ml_expand(ml_detach(three), &(ml_expand_opts){ ML_SHAPE(33333, 3) })), true);
        ml_tensor *single = ml_requires_grad(ml_full(ML_SCALAR, ML_F32, ml_tensor_at(three, (int64_t[]){ 2 })), true);
        ml_tensor *all[]  = { three, leaf(ML_SHAPE(70), 2), large, single };
        ml_optim  *opt    = of_kind(kind, all, 4);
        for (int step = 0; step < 4; step++) {
            ml_tensor *loss = ml_add(ml_add(half_square(three), half_square(large)), half_square(single));
            cr_assert(ml_optim_minimize(opt, loss), "%s", ml_error_message());
        }
        cr_expect_float_eq(ml_item(single), ml_tensor_at(three, (int64_t[]){ 2 }), 1e-6, "kind %d: a parameter of one element", kind);
        expect_close(large, ml_expand(ml_detach(three), &(ml_expand_opts){ ML_SHAPE(33333, 3) }), 1e-6, "kind %d", kind);
        expect_same(all[1], ml_detach(leaf(ML_SHAPE(70), 2)), "kind %d: a parameter without gradient was changed", kind);
        ml_optim_release(opt);
        ml_scope_end(&scope);
    }
}

Test(optim, a_gradient_of_any_layout_will_do)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w = leaf(ML_SHAPE(3, 4), 1), *v = leaf(ML_SHAPE(3, 4), 1), *ones = ml_ones(ML_SHAPE(3, 4), ML_F32);
    ml_optim  *a = ml_sgd(&w, 1, &(ml_sgd_opts){ .lr = 0.5 }), *b = ml_sgd(&v, 1, &(ml_sgd_opts){ .lr = 0.5 });
    cr_assert(ml_backward(ml_sum(w, NULL), &(ml_grad_opts){ .create_graph = true })); /* left as it is, for its own derivative */
    cr_assert(!ml_tensor_is_contiguous(ml_tensor_grad(w)), "this test wants the expanded gradient of a sum");
    cr_assert(ml_optim_step(a) && ml_optim_minimize(b, ml_sum(ml_mul(v, ones), NULL)));
    expect_same(w, v, "expanded and plain gradient");
    ml_optim_release(a);
    ml_optim_release(b);
    ml_scope_end(&scope);
}

Test(optim, a_parameter_listed_twice_is_stepped_once)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w = ml_requires_grad(ml_full(ML_SHAPE(2), ML_F64, 8), true);
    ml_optim  *opt = ml_sgd((ml_tensor *[]){ w, w }, 2, &(ml_sgd_opts){ .lr = 0.25 });
    expect(ml_optim_n_parameters(opt) == 1, "%d parameters", ml_optim_n_parameters(opt));
    cr_assert(ml_optim_minimize(opt, half_square(w)));
    expect_same(w, ml_full(ML_SHAPE(2), ML_F64, 6), "8 - 0.25 * 8");
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

Test(optim, a_graph_of_old_values_is_found_out)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w = leaf(ML_SHAPE(3), 1), *old = half_square(w);
    ml_optim  *opt = ml_sgd(&w, 1, NULL);
    cr_assert(ml_optim_minimize(opt, half_square(w)));
    expect_fails(ml_backward(old, NULL), "was modified after it was used");
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

Test(optim, a_step_takes_no_memory_and_gradients_are_dropped)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w     = leaf(ML_SHAPE(3000), 1);
    for (int kind = 0; kind < N_KINDS; kind++) {
        ml_optim *opt = of_kind(kind, &w, 1);
        ml_optim_zero_grad(opt);
        expect(!ml_tensor_grad(w), "zero_grad left a gradient");
        cr_assert(ml_backward(half_square(w), NULL));
        ml_memory_fail_after(1);
        bool ok = ml_optim_step(opt);
        ml_memory_fail_after(0);
        expect(ok, "%s: the step asked for memory", ml_optim_kind(opt));
        ml_optim_release(opt);
    }
    ml_scope_end(&scope);
}

Test(optim, a_state_lives_as_long_as_its_optimizer)
{
    ml_scope       scope  = ml_scope_begin();
    ml_tensor     *w      = ml_retain(leaf(ML_SHAPE(1000), 1));
    ml_memory_info before = ml_memory();
    ml_optim      *opt    = ml_adam(&w, 1, NULL);
    expect(ml_memory().live >= before.live + 8000, "two arrays of 1000 floats take %zu bytes", ml_memory().live - before.live);
    cr_assert(ml_optim_retain(opt) == opt);
    ml_optim_release(opt);
    ml_scope_end(&scope);
    scope = ml_scope_begin();
    cr_assert(ml_optim_minimize(opt, half_square(w)), "%s", ml_error_message());
    ml_optim_zero_grad(opt);
    ml_scope_end(&scope);
    ml_optim_release(opt);
    expect(ml_memory().live == before.live, "%zu bytes were left", ml_memory().live - before.live);
    ml_release(w);
}

/* --- refused memory: false, nothing changed, nothing lost ------------------------------------------------------------ */
Test(optim, any_allocation_of_a_step_may_be_refused)
{
    ml_scope   scope     = ml_scope_begin();
    ml_tensor *params[3] = { leaf(ML_SHAPE(3, 5), 1), leaf(ML_SHAPE(5), 2), leaf(ML_SHAPE(5, 2), 3) };
    ml_tensor *x = ml_randn(ML_SHAPE(8, 3), ML_F32, ml_key_of(7, 4)), *y = ml_randn(ML_SHAPE(8, 2), ML_F32, ml_key_of(7, 5));
    ml_optim  *opt = ml_adamw(params, 3, NULL);
    int64_t    n;
    bool       ok = false;
    for (n = 0; !ok && n < 1000; n++) { /* the first, n = 0, is not refused: it brings the thread's own lists to size */
        ml_optim_zero_grad(opt);
        ml_scope   each = ml_scope_begin();
        ml_tensor *was[3];
        for (int i = 0; i < 3; i++) was[i] = ml_clone(params[i]);
        int64_t        steps  = ml_optim_steps(opt);
        ml_memory_info before = ml_memory();
        ml_scope       inner  = ml_scope_begin();
        ml_error_clear();
        ml_memory_fail_after(n);
        ml_tensor *hidden = ml_tanh(ml_add(ml_matmul(x, params[0]), params[1]));
        ok = ml_optim_minimize(opt, ml_add(ml_mse(ml_matmul(hidden, params[2]), y), ml_sum(params[1], NULL)));
        ml_memory_fail_after(0);
        ml_scope_end(&inner);
        if (!ok) {
            expect(strstr(ml_error_message(), "out of memory"), "allocation %lld: the message is '%s'", (long long)n, ml_error_message());
            expect(ml_optim_steps(opt) == steps, "allocation %lld: a failed step was counted", (long long)n);
            for (int i = 0; i < 3; i++) expect_same(params[i], was[i], "allocation %lld: parameter %d", (long long)n, i);
        }
        ml_optim_zero_grad(opt);
        expect(ml_memory().live == before.live, "allocation %lld: %lld bytes were left", (long long)n, (long long)(ml_memory().live - before.live));
        ml_scope_end(&each);
        if (n == 0) {
            cr_assert(ok);
            ok = false;
        }
    }
    expect(ok && n > 20, "%lld allocations", (long long)n);
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

Test(optim, any_allocation_of_a_new_optimizer_may_be_refused)
{
    ml_scope       scope     = ml_scope_begin();
    ml_tensor     *params[3] = { leaf(ML_SHAPE(3, 5), 1), leaf(ML_SHAPE(5), 2), leaf(ML_SHAPE(5, 2), 3) };
    ml_optim      *opt       = NULL;
    ml_memory_info before    = ml_memory();
    int64_t        n;
    for (n = 1; !opt && n < 100; n++) {
        ml_memory_fail_after(n);
        opt = ml_adam(params, 3, NULL);
        ml_memory_fail_after(0);
        if (!opt) expect(ml_memory().live == before.live, "allocation %lld: %lld bytes were left", (long long)n, (long long)(ml_memory().live - before.live));
    }
    expect(opt && n > 6, "%lld allocations", (long long)n);
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

/* --- what is refused ----------------------------------------------------------------------------------------------------- */
Test(optim, options_out_of_range)
{
    ml_scope     scope = ml_scope_begin();
    ml_tensor   *w     = leaf(ML_SHAPE(3), 1);
    ml_sgd_opts  sgd   = ml_sgd_defaults();
    ml_adam_opts adam  = ml_adam_defaults();
    sgd.lr = -1;
    expect_fails(ml_sgd(&w, 1, &sgd), "SGD: lr must be a finite number, 0 or more, got -1");
    sgd.lr = NAN;
    expect_fails(ml_sgd(&w, 1, &sgd), "SGD: lr must be a finite number, 0 or more, got");
    sgd = (ml_sgd_opts){ .lr = 1, .weight_decay = INFINITY };
    expect_fails(ml_sgd(&w, 1, &sgd), "SGD: weight_decay must be a finite number, 0 or more, got inf");
    sgd = (ml_sgd_opts){ .lr = 1, .momentum = 1.5 };
    expect_fails(ml_sgd(&w, 1, &sgd), "SGD: momentum must be in [0, 1], got 1.5");
    sgd = (ml_sgd_opts){ .lr = 1, .nesterov = true };
    expect_fails(ml_sgd(&w, 1, &sgd), "SGD: nesterov looks ahead along the momentum; set momentum > 0");
    adam.betas[1] = 1;
    expect_fails(ml_adam(&w, 1, &adam), "Adam: betas must be in [0, 1), got 1");
    adam     = ml_adam_defaults();
    adam.eps = -1e-8;
    expect_fails(ml_adamw(&w, 1, &adam), "AdamW: eps must be a finite number, 0 or more, got -1e-08");
    ml_scope_end(&scope);
}

Test(optim, parameters_that_cannot_be_stepped)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w = leaf(ML_SHAPE(3, 4), 1), *product = ml_square(w), *plain = ml_ones(ML_SHAPE(2), ML_F32);
    ml_tensor *turned = ml_requires_grad(ml_detach(ml_mT(ml_detach(w))), true);
    expect_fails(ml_adam(&w, 0, NULL), "Adam: there are no parameters to optimize");
    expect_fails(ml_adam(&product, 1, NULL), "Adam: a parameter of shape (3, 4) is the result of a recorded operation");
    expect_fails(ml_adam(&plain, 1, NULL), "Adam: a parameter of shape (2) wants no gradient; call requires_grad on it first");
    expect_fails(ml_adam(&turned, 1, NULL), "Adam: a parameter of shape (4, 3) is not contiguous; clone it first");

    ml_fail("the first message");
    cr_expect(!ml_adam(NULL, 0, NULL) && !ml_adam((ml_tensor *[]){ w, NULL }, 2, NULL) && !ml_optim_minimize(NULL, w));
    cr_expect_str_eq(ml_error_message(), "the first message");
    ml_optim *opt = ml_adam(&w, 1, NULL);
    cr_expect(opt && !ml_optim_minimize(opt, NULL));
    cr_expect_str_eq(ml_error_message(), "the first message");
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

/* Three copies of a parameter inside vmap, with rates of their own, against three optimizers. */
static void check_copies(const char *what, ml_optim *(*make)(ml_tensor *const *params, int n))
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *start = ml_randn(ML_SHAPE(3, 4, 2), ML_F64, ml_key_of(1, 1));
    double     lr[3] = { 0.1, 0.02, 0.003 }, decay[3] = { 0, 0.5, 0.1 };
    int64_t    level = ml_vmap_begin(3);
    ml_tensor *w     = ml_requires_grad(ml_vmap_wrap(level, ml_clone(start), 0), true);
    ml_optim  *opt   = make(&w, 1);
    cr_assert(opt && ml_optim_set_lr_each(opt, ml_vmap_wrap(level, ml_from(ML_SHAPE(3), ML_F64, lr), 0)) &&
              ml_optim_set_weight_decay_each(opt, ml_vmap_wrap(level, ml_from(ML_SHAPE(3), ML_F64, decay), 0)), "%s", ml_error_message());
    for (int step = 0; step < 5; step++) cr_assert(ml_optim_minimize(opt, ml_sum(ml_square(ml_square(w)), NULL)), "%s", ml_error_message());
    expect_same(ml_vmap_unwrap(level, ml_optim_lr_each(opt), 0), ml_from(ML_SHAPE(3), ML_F64, lr), "the rates, read back");
    ml_tensor *all = ml_detach(ml_vmap_unwrap(level, w, 0));
    ml_optim_release(opt);
    expect_fails(ml_optim_set_lr_each(opt = make(&w, 1), ml_vmap_wrap(level, ml_from(ML_SHAPE(3), ML_F64, (double[]){ 1, -1, 1 }), 0)),
                 "lr must be a finite number, 0 or more, got -1");
    ml_optim_release(opt);
    ml_tensor *outside = leaf(ML_SHAPE(3), 1);
    expect_fails(ml_optim_set_lr_each(opt = make(&outside, 1), ml_vmap_wrap(level, ml_from(ML_SHAPE(3), ML_F64, lr), 0)),
                 "lr differs between 3 copies, but a parameter does not");
    ml_optim_release(opt);
    ml_vmap_end(level);
    for (int i = 0; i < 3; i++) {
        ml_tensor *one = ml_requires_grad(ml_clone(ml_reshape(ml_slice(start, &(ml_slice_opts){ 0, i, i + 1, 1 }), &(ml_reshape_opts){ ML_SHAPE(4, 2) })), true);
        opt            = make(&one, 1);
        cr_assert(ml_optim_set_lr(opt, lr[i]) && ml_optim_set_weight_decay(opt, decay[i]));
        for (int step = 0; step < 5; step++) cr_assert(ml_optim_minimize(opt, ml_sum(ml_square(ml_square(one)), NULL)));
        expect_same(ml_reshape(ml_slice(all, &(ml_slice_opts){ 0, i, i + 1, 1 }), &(ml_reshape_opts){ ML_SHAPE(4, 2) }), ml_detach(one), what);
        ml_optim_release(opt);
    }
    ml_scope_end(&scope);
}

static ml_optim *make_momentum(ml_tensor *const *params, int n) { return ml_sgd(params, n, &(ml_sgd_opts){ .lr = 1, .momentum = 0.9 }); }
static ml_optim *make_adam(ml_tensor *const *params, int n) { return ml_adam(params, n, NULL); }
static ml_optim *make_adamw(ml_tensor *const *params, int n) { return ml_adamw(params, n, NULL); }
static ml_optim *make_rmsprop(ml_tensor *const *params, int n) { return ml_rmsprop(params, n, NULL); }
static ml_optim *make_adagrad(ml_tensor *const *params, int n) { return ml_adagrad(params, n, NULL); }
static ml_optim *make_muon(ml_tensor *const *params, int n) { return ml_muon(params, n, NULL); }
static ml_optim *make_lion(ml_tensor *const *params, int n) { return ml_lion(params, n, NULL); }

Test(optim, copies_inside_vmap_step_as_if_alone)
{
    check_copies("SGD", make_momentum);
    check_copies("Adam", make_adam);
    check_copies("AdamW", make_adamw);
    check_copies("RMSprop", make_rmsprop);
    check_copies("Adagrad", make_adagrad);
    check_copies("Lion", make_lion);
    check_copies("Muon", make_muon);
}

/* --- groups ---------------------------------------------------------------------------------------------------------- */
/* Two groups in one optimizer against two optimizers: the bits of each alone. */
Test(optim, groups_step_as_optimizers_of_their_own)
{
    ml_scope      scope = ml_scope_begin();
    ml_tensor    *w[2] = { leaf(ML_SHAPE(5, 3), 1), leaf(ML_SHAPE(70), 2) }, *v[2] = { leaf(ML_SHAPE(5, 3), 1), leaf(ML_SHAPE(70), 2) };
    ml_tensor    *third[2] = { leaf(ML_SHAPE(9), 3), leaf(ML_SHAPE(9), 3) };
    ml_adam_opts  all = { .lr = 0.01, .betas = { 0.9, 0.99 }, .eps = 1e-8, .weight_decay = 0.3 }, plain = all;
    plain.weight_decay = 0;
    plain.betas[0]     = 0.5;
    ml_sgd_opts    sgd      = { .lr = 0.05, .momentum = 0.9 };
    ml_param_group groups[] = { { .params = &w[0], .n = 1, .lr_scale = 0.5 }, { .params = &w[1], .n = 1, .opts = &plain },
                                { .params = &third[0], .n = 1, .opts = &sgd, .kind = "SGD" } };
    ml_optim *grouped = ml_optim_new("AdamW", groups, 3, &all);
    cr_assert(grouped, "%s", ml_error_message());
    ml_adam_opts half = all;
    half.lr *= 0.5;
    ml_optim *alone[3] = { ml_adamw(&v[0], 1, &half), ml_adamw(&v[1], 1, &plain), ml_sgd(&third[1], 1, &sgd) };
    cr_expect_eq(ml_optim_n_groups(grouped), 3);
    cr_expect_eq(ml_optim_parameter_group(grouped, 1), 1);
    cr_expect_str_eq(ml_optim_group_kind(grouped, 2), "SGD");
    cr_expect_eq(ml_optim_n_state(grouped, 0), 2);
    cr_expect_eq(ml_optim_n_state(grouped, 2), 1);
    for (int step = 0; step < 6; step++) {
        cr_assert(ml_optim_minimize(grouped, ml_add(ml_add(half_square(w[0]), half_square(w[1])), half_square(third[0]))), "%s", ml_error_message());
        cr_assert(ml_optim_minimize(alone[0], half_square(v[0])) && ml_optim_minimize(alone[1], half_square(v[1])) &&
                  ml_optim_minimize(alone[2], half_square(third[1])));
        if (step == 2) { /* all rates of learning follow, the decay of the second does not */
            cr_assert(ml_optim_set_lr(grouped, 0.02) && ml_optim_set_weight_decay(grouped, 0.7));
            cr_expect_eq(ml_optim_rate(grouped, 0, ML_LR), 0.01);
            cr_expect_eq(ml_optim_rate(grouped, 1, ML_LR), 0.02);
            cr_expect_float_eq(ml_optim_rate(grouped, 2, ML_LR), 0.1, 1e-15);
            cr_expect_eq(ml_optim_rate(grouped, 1, ML_WEIGHT_DECAY), 0);
            cr_assert(ml_optim_set_rate(grouped, 2, ML_LR, 0.1) && ml_optim_set_lr(alone[0], 0.01) && ml_optim_set_weight_decay(alone[0], 0.7) &&
                      ml_optim_set_lr(alone[1], 0.02) && ml_optim_set_lr(alone[2], 0.1));
        }
    }
    for (int i = 0; i < 2; i++) expect_same(w[i], v[i], "group %d", i);
    expect_same(third[0], third[1], "the group with a rule of its own");
    expect_fails(ml_optim_set_rate(grouped, 3, ML_LR, 1), "AdamW: there is no group 4; there are 3");
    expect_fails(ml_optim_set_rate(grouped, 1, ML_LR, -1), "AdamW: lr must be a finite number, 0 or more, got -1");
    ml_optim_release(grouped);
    for (int i = 0; i < 3; i++) ml_optim_release(alone[i]);

    groups[1].params = &w[0];
    expect_fails(ml_optim_new("AdamW", groups, 2, &all), "AdamW: a parameter of shape (5, 3) is in two groups");
    groups[1].params = &w[1];
    plain.betas[1]   = 2;
    expect_fails(ml_optim_new("AdamW", groups, 2, &all), "AdamW: betas must be in [0, 1), got 2");
    plain.betas[1] = 0.9, groups[0].lr_scale = -1;
    expect_fails(ml_optim_new("AdamW", groups, 2, &all), "AdamW: lr_scale must be a finite number, 0 or more, got -1");
    groups[0].lr_scale = 0, groups[1].n = 0;
    expect_fails(ml_optim_new("AdamW", groups, 2, &all), "AdamW: there are no parameters to optimize");
    groups[1].n = 1, groups[1].kind = "AdamV";
    expect_fails(ml_optim_new("AdamW", groups, 2, &all), "there is no optimizer 'AdamV'; did you mean 'Adam");
    expect_fails(ml_optim_new("AdamX", groups, 1, NULL), "there is no optimizer 'AdamX'");
    ml_scope_end(&scope);
}

Test(optim, a_loss_that_has_nothing_to_do_with_the_parameters)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w = leaf(ML_SHAPE(3), 1), *other = leaf(ML_SHAPE(3), 2), *was = ml_clone(w);
    ml_optim  *opt = ml_adamw(&w, 1, NULL);
    expect_fails(ml_optim_step(opt), "AdamW: none of the 1 parameters has a gradient");
    expect_fails(ml_optim_minimize(opt, half_square(other)), "AdamW: none of the 1 parameters has a gradient");
    expect_fails(ml_optim_minimize(opt, ml_square(w)), "the gradient of a non-scalar");
    expect(ml_optim_steps(opt) == 0, "%lld steps", (long long)ml_optim_steps(opt));
    expect_same(w, was, "parameters after failed steps");
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

Test(optim, looking_and_changing)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w     = leaf(ML_SHAPE(3), 1);
    ml_optim  *opts[] = { ml_sgd(&w, 1, NULL), ml_adam(&w, 1, NULL), ml_adamw(&w, 1, NULL) };
    static const char *const kinds[] = { "SGD", "Adam", "AdamW" };
    static const double lrs[] = { 1e-2, 1e-3, 1e-3 }, decays[] = { 0, 0, 1e-2 };
    for (int i = 0; i < 3; i++) {
        cr_expect_str_eq(ml_optim_kind(opts[i]), kinds[i]);
        cr_expect_eq(ml_optim_lr(opts[i]), lrs[i]);
        cr_expect_eq(ml_optim_weight_decay(opts[i]), decays[i]);
        cr_expect(ml_optim_set_lr(opts[i], 0.5) && ml_optim_set_weight_decay(opts[i], 0.25));
        expect_fails(ml_optim_set_lr(opts[i], -0.5), "lr must be a finite number, 0 or more, got -0.5");
        expect_fails(ml_optim_set_weight_decay(opts[i], NAN), "weight_decay must be a finite number");
        cr_expect_eq(ml_optim_lr(opts[i]), 0.5);
        cr_expect_eq(ml_optim_weight_decay(opts[i]), 0.25);
        ml_optim_release(opts[i]);
    }
    cr_expect_str_eq(ml_optim_kind(NULL), "?");
    ml_optim_release(NULL);
    ml_scope_end(&scope);
}

/* Half of the steps, state and parameters taken into another optimizer, the rest: the bits of going on without a break. */
Test(optim, state_put_back_goes_on_to_the_bit)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        ml_scope   scope = ml_scope_begin();
        ml_tensor *w[2] = { leaf(ML_SHAPE(5, 3), 1), leaf(ML_SHAPE(7), 2) }, *v[2], *state[6];
        ml_optim  *whole = of_kind(kind, w, 2);
        int        n_state = 0;
        int64_t    steps[2];
        for (int step = 0; step < 5; step++) /* the second sits some steps out: each has its own count */
            cr_assert(ml_optim_minimize(whole, step < 2 ? half_square(w[0]) : ml_add(half_square(w[0]), half_square(w[1]))), "%s", ml_error_message());
        for (int i = 0; i < 2; i++) {
            v[i]     = ml_requires_grad(ml_clone(w[i]), true);
            steps[i] = ml_optim_parameter_steps(whole, i);
            for (int k = 0; k < ml_optim_n_state(whole, i); k++) state[n_state++] = ml_optim_state(whole, i, k);
        }
        cr_expect(steps[0] == 5 && steps[1] == 3);
        ml_optim *rest = of_kind(kind, v, 2);
        cr_assert(ml_optim_set_state(rest, ml_optim_steps(whole), steps, state), "%s", ml_error_message());
        cr_expect_eq(ml_optim_steps(rest), 5);
        for (int step = 0; step < 4; step++)
            cr_assert(ml_optim_minimize(whole, ml_add(half_square(w[0]), half_square(w[1]))) && ml_optim_minimize(rest, ml_add(half_square(v[0]), half_square(v[1]))));
        for (int i = 0; i < 2; i++) {
            expect_same(w[i], v[i], "%s: parameter %d", ml_optim_kind(whole), i);
            for (int k = 0; k < ml_optim_n_state(whole, i); k++) expect_same(ml_optim_state(whole, i, k), ml_optim_state(rest, i, k), "%s", ml_optim_state_name(whole, i, k));
        }
        if (n_state > 0) {
            ml_tensor *bad[6];
            memcpy(bad, state, sizeof bad);
            bad[n_state - 1] = ml_zeros(ML_SHAPE(3), ML_F32);
            ml_tensor *before = ml_clone(ml_optim_state(rest, 0, 0));
            expect_fails(ml_optim_set_state(rest, 1, steps, bad), "of parameter 2 must be f32 (7), got f32 (3)");
            bad[n_state - 1] = ml_zeros(ML_SHAPE(7), ML_F64);
            expect_fails(ml_optim_set_state(rest, 1, steps, bad), "must be f32 (7), got f64 (7)");
            expect_fails(ml_optim_set_state(rest, -1, steps, state), "must not be negative");
            expect_same(before, ml_optim_state(rest, 0, 0), "nothing changed");
            cr_expect_eq(ml_optim_steps(rest), 9);
        }
        expect_fails(ml_optim_state(rest, 2, 0), "no state 0 of parameter 2");
        cr_expect_str_eq(ml_optim_state_name(rest, 0, 3), "?");
        ml_optim_release(whole);
        ml_optim_release(rest);
        ml_scope_end(&scope);
    }
}
