/* Data sets made by rule: every pair once, the right answers, a split that the seed alone decides. */
#include "checks.h"
#include "moonlab/data.h"

#include <stdlib.h>

TestSuite(data, .init = begin_test, .fini = end_test, .timeout = 60);

/* What the answer must satisfy, without the generator's own way to it. */
static bool is_answer(char op, int64_t p, int64_t a, int64_t b, int64_t y)
{
    if (y < 0 || y >= p) return false;
    switch (op) {
    case '+': return (a + b - y) % p == 0;
    case '-': return (a - b - y) % p == 0;
    case '*': return (a * b - y) % p == 0;
    default: return b != 0 && (y * b - a) % p == 0; /* y = a / b is what gives a back */
    }
}

/* Every pair is in one of the sets, once, with its answer. */
static void expect_whole(const ml_modular_opts *o, const ml_dataset *train, const ml_dataset *test)
{
    int64_t p     = o->p, total = p * (*o->op == '/' ? p - 1 : p), seen = 0;
    char   *found = calloc((size_t)(p * p), 1);
    const ml_dataset *sets[] = { train, test };
    for (int k = 0; k < 2; k++) {
        ml_shape x = ml_tensor_shape(sets[k]->x), y = ml_tensor_shape(sets[k]->y);
        cr_assert(x.n == 2 && x.size[1] == 2 && y.n == 1 && y.size[0] == x.size[0], "%s and %s", ml_shape_text(&x), ml_shape_text(&y));
        cr_assert(ml_tensor_dtype(sets[k]->x) == ML_I64 && ml_tensor_dtype(sets[k]->y) == ML_I64);
        const int64_t *pairs = ml_tensor_data(sets[k]->x), *answers = ml_tensor_data(sets[k]->y);
        for (int64_t i = 0; i < y.size[0]; i++) {
            int64_t a = pairs[2 * i] - o->base, b = pairs[2 * i + 1] - o->base;
            cr_assert(a >= 0 && a < p && b >= 0 && b < p, "%lld, %lld", (long long)a, (long long)b);
            expect(is_answer(*o->op, p, a, b, answers[i] - o->base), "%lld %c %lld mod %lld is not %lld", (long long)a, *o->op, (long long)b,
                   (long long)p, (long long)answers[i] - o->base);
            expect(!found[a * p + b], "(%lld, %lld) is there twice", (long long)a, (long long)b);
            found[a * p + b] = 1;
            seen++;
        }
    }
    expect(seen == total, "%s mod %lld: %lld pairs of %lld", o->op, (long long)p, (long long)seen, (long long)total);
    free(found);
}

Test(data, modular_has_every_pair_once_with_its_answer)
{
    static const char    ops[] = "+-*/";
    static const int64_t ps[]  = { 2, 3, 7, 10, 97 };
    for (const char *op = ops; *op; op++)
        for (int i = 0; i < 5; i++)
            for (int base = 0; base <= 1; base++) {
                if (*op == '/' && ps[i] == 10) continue;
                ml_scope        scope = ml_scope_begin();
                ml_modular_opts o     = { .p = ps[i], .op = (char[]){ *op, 0 }, .train_fraction = 0.4, .seed = 3, .base = base };
                ml_dataset      train, test;
                cr_assert(ml_data_modular(&o, &train, &test), "%s", ml_error_message());
                expect_whole(&o, &train, &test);
                ml_scope_end(&scope);
            }
}

Test(data, modular_keeps_the_fraction)
{
    static const struct { int64_t p; double fraction; int64_t n_train; } cases[] = {
        { 97, 0.4, 3764 }, { 97, 0.5, 4705 }, { 10, 0.25, 25 }, { 10, 1e-9, 1 }, { 10, 1 - 1e-9, 99 }, { 2, 0.5, 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_scope   scope = ml_scope_begin();
        ml_dataset train, test;
        cr_assert(ml_data_modular(&(ml_modular_opts){ .p = cases[i].p, .op = "+", .train_fraction = cases[i].fraction }, &train, &test));
        expect(ml_tensor_size(train.y, 0) == cases[i].n_train, "%g of %lld^2: %lld", cases[i].fraction, (long long)cases[i].p,
               (long long)ml_tensor_size(train.y, 0));
        ml_scope_end(&scope);
    }
}

Test(data, modular_is_a_function_of_its_options)
{
    ml_scope        scope = ml_scope_begin();
    ml_modular_opts o     = { .p = 31, .op = "*", .train_fraction = 0.5, .seed = 4 };
    ml_dataset      a[2], b[2], c[2];
    cr_assert(ml_data_modular(&o, &a[0], &a[1]));
    ml_seed(99); /* has nothing to do with it */
    ml_key_next();
    ml_threads_set(1);
    cr_assert(ml_data_modular(&o, &b[0], &b[1]));
    o.seed = 5;
    cr_assert(ml_data_modular(&o, &c[0], &c[1]));
    for (int k = 0; k < 2; k++) {
        expect_same(a[k].x, b[k].x, "inputs of the same seed");
        expect_same(a[k].y, b[k].y, "labels of the same seed");
    }
    const int64_t *x = ml_tensor_data(a[0].x), *other = ml_tensor_data(c[0].x);
    int64_t        n = ml_tensor_size(a[0].x, 0), same = 0;
    for (int64_t i = 0; i < n; i++) same += x[2 * i] == other[2 * i] && x[2 * i + 1] == other[2 * i + 1];
    expect(same < n / 20, "another seed has %lld of %lld rows the same", (long long)same, (long long)n);
    ml_scope_end(&scope);
}

/* A script has one seed for weights and data: the streams that its layers draw from must not be that of the split. */
Test(data, modular_shares_no_stream_with_the_layers)
{
    ml_scope   scope = ml_scope_begin();
    ml_dataset train, test;
    cr_assert(ml_data_modular(&(ml_modular_opts){ .p = 97, .op = "+", .train_fraction = 0.5, .seed = 1 }, &train, &test));
    const int64_t *x = ml_tensor_data(train.x);
    for (uint64_t stream = 0; stream < 20; stream++) {
        const int64_t *order = ml_tensor_data(ml_randperm(97 * 97, ml_key_of(1, stream)));
        int            same  = 0;
        for (int i = 0; i < 1000; i++) same += x[2 * i] * 97 + x[2 * i + 1] == order[i];
        expect(same < 10, "stream %d orders %d of 1000 pairs alike", (int)stream, same);
    }
    ml_scope_end(&scope);
}

/* The split is no pattern: each row and column of the table has about its share in the training set. */
Test(data, modular_is_split_at_random)
{
    ml_scope   scope = ml_scope_begin();
    ml_dataset train, test;
    int        count[2][97] = { { 0 } };
    cr_assert(ml_data_modular(&(ml_modular_opts){ .p = 97, .op = "+", .train_fraction = 0.4, .seed = 1 }, &train, &test));
    const int64_t *x = ml_tensor_data(train.x);
    for (int64_t i = 0; i < 2 * ml_tensor_size(train.x, 0); i++) count[i % 2][x[i]]++;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 97; i++) /* 38.8, with a standard deviation of 4.8 */
            expect(count[k][i] > 14 && count[k][i] < 63, "side %d, number %d: %d of 97 are for training", k, i, count[k][i]);
    ml_scope_end(&scope);
}

Test(data, modular_refuses_what_makes_no_sense)
{
    ml_scope        scope = ml_scope_begin();
    ml_dataset      train = { NULL, NULL }, test = { NULL, NULL };
    ml_modular_opts good = { .p = 97, .op = "+", .train_fraction = 0.4, .seed = 1 }, o;
#define REFUSED(change, words) o = good; change; expect_fails(ml_data_modular(&o, &train, &test), words)
    REFUSED(o.p = 1, "modular: p must be 2..4096, got 1");
    REFUSED(o.p = 4097, "modular: p must be 2..4096, got 4097");
    REFUSED(o.op = "%", "modular: op must be \"+\", \"-\", \"*\", \"/\" or a polynomial such as \"x^2+xy+y^2\", got '%'");
    REFUSED(o.op = "", "modular: op must be");
    REFUSED(o.op = NULL, "modular: op must be");
    static const char *const no_polynomials[] = { "7", "x^", "x^65", "z", "x^2++y", "x+", "3x 4z", "x^-1", "99999999999x", "xy)", "+x" };
    for (size_t i = 0; i < sizeof no_polynomials / sizeof *no_polynomials; i++) {
        REFUSED(o.op = no_polynomials[i], "modular: op must be");
    }
    REFUSED((o.op = "/", o.p = 96), "modular: division needs a prime p, and 96 is none");
    REFUSED(o.train_fraction = 0, "modular: train_fraction must be between 0 and 1, got 0");
    REFUSED(o.train_fraction = 1, "modular: train_fraction must be between 0 and 1, got 1");
    REFUSED(o.train_fraction = 0.0 / (double)(train.x != NULL), "modular: train_fraction must be between 0 and 1");
    REFUSED(o.base = 2, "modular: base must be 0 or 1, got 2");
    cr_expect(!train.x && !train.y && !test.x && !test.y);
    ml_scope_end(&scope);
}

/* A group: closed, every row and column a permutation of it, the identity first; and associative. */
Test(data, permutations_are_a_group)
{
    enum { N = 24 };
    ml_scope   scope = ml_scope_begin();
    ml_dataset sets[2];
    int64_t    table[N][N];
    cr_assert(ml_data_permutations(&(ml_permutations_opts){ .n = 4, .op = "xy", .train_fraction = 0.5 }, &sets[0], &sets[1]));
    for (int k = 0; k < 2; k++) {
        const int64_t *x = ml_tensor_data(sets[k].x), *y = ml_tensor_data(sets[k].y);
        for (int64_t i = 0; i < ml_tensor_size(sets[k].y, 0); i++) table[x[2 * i]][x[2 * i + 1]] = y[i];
    }
    const int64_t *e = ml_tensor_data(ml_permutation_elements(4, 0));
    for (int a = 0; a < N; a++) {
        uint64_t row = 0, column = 0;
        expect(table[0][a] == a && table[a][0] == a, "the first is not the identity for %d", a);
        for (int b = 0; b < N; b++) {
            row |= UINT64_C(1) << table[a][b], column |= UINT64_C(1) << table[b][a];
            for (int c = 0; c < N; c++) expect(table[table[a][b]][c] == table[a][table[b][c]], "(%d %d) %d", a, b, c);
            for (int i = 0; i < 4; i++) expect(e[table[a][b] * 4 + i] == e[a * 4 + e[b * 4 + i]], "%d after %d sends %d elsewhere", a, b, i);
        }
        expect(row == (1 << N) - 1 && column == (1 << N) - 1, "row or column %d has not every element", a);
    }
    ml_dataset bad[2];
    expect_fails(ml_data_permutations(&(ml_permutations_opts){ .n = 7, .op = "xy", .train_fraction = 0.5 }, &bad[0], &bad[1]), "permutations: n must be 2..6, got 7");
    expect_fails(ml_data_permutations(&(ml_permutations_opts){ .n = 3, .op = "yx", .train_fraction = 0.5 }, &bad[0], &bad[1]), "permutations: op must be");
    expect_fails(ml_data_permutations(&(ml_permutations_opts){ .n = 3, .op = "xy", .train_fraction = 1 }, &bad[0], &bad[1]), "permutations: train_fraction must be");
    ml_scope_end(&scope);
}

/* --- every generator ------------------------------------------------------------------------------------------------ */
typedef bool generator(ml_dataset *train, ml_dataset *test);

static bool modular(ml_dataset *train, ml_dataset *test)
{
    return ml_data_modular(&(ml_modular_opts){ .p = 7, .op = "+", .train_fraction = 0.4, .seed = 1 }, train, test);
}

static bool permutations(ml_dataset *train, ml_dataset *test)
{
    return ml_data_permutations(&(ml_permutations_opts){ .n = 3, .op = "xy", .train_fraction = 0.4, .seed = 1 }, train, test);
}

static bool mnist1d(ml_dataset *train, ml_dataset *test)
{
    ml_mnist1d_opts o = ml_mnist1d_defaults();
    o.n = 20;
    return ml_data_mnist1d(&o, train, test);
}

static bool drawn(ml_drawing what, bool colour, ml_dataset *train, ml_dataset *test)
{
    ml_drawn_opts o = ml_drawn_defaults();
    o.n_train = o.n_test = 25, o.colour = colour, o.train.noise = 0.1;
    return ml_data_drawn(what, &o, train, test);
}

static bool digits(ml_dataset *train, ml_dataset *test) { return drawn(ML_DRAW_DIGITS, false, train, test); }
static bool shapes(ml_dataset *train, ml_dataset *test) { return drawn(ML_DRAW_SHAPES, true, train, test); }

static const struct { const char *name; generator *make; } generators[] = {
    { "modular", modular }, { "permutations", permutations }, { "mnist1d", mnist1d }, { "digits", digits }, { "shapes", shapes },
};
#define N_GENERATORS (sizeof generators / sizeof *generators)

Test(data, any_allocation_may_be_refused)
{
    for (size_t g = 0; g < N_GENERATORS; g++) {
        ml_scope   scope = ml_scope_begin();
        ml_dataset train = { NULL, NULL }, test = { NULL, NULL };
        bool       ok    = false;
        int64_t    n;
        ml_scalar(1, ML_F32); /* the thread's own lists are there */
        for (n = 1; !ok && n < 100; n++) {
            size_t   live  = ml_memory().live;
            ml_scope inner = ml_scope_begin();
            ml_memory_fail_after(n);
            ok = generators[g].make(&train, &test);
            ml_memory_fail_after(0);
            expect(ok == (train.x != NULL), "%s, allocation %lld: the result was written", generators[g].name, (long long)n);
            ml_scope_end(&inner);
            expect(ml_memory().live == live, "%s, allocation %lld: %lld bytes were left", generators[g].name, (long long)n,
                   (long long)(ml_memory().live - live));
        }
        expect(ok && n > 5, "%s: %lld allocations", generators[g].name, (long long)n);
        ml_scope_end(&scope);
    }
}

Test(data, every_generator_is_the_same_on_any_number_of_threads)
{
    for (size_t g = 0; g < N_GENERATORS; g++) {
        ml_scope   scope = ml_scope_begin();
        ml_dataset one[2], four[2];
        ml_threads_set(1);
        cr_assert(generators[g].make(&one[0], &one[1]), "%s", ml_error_message());
        ml_threads_set(4);
        cr_assert(generators[g].make(&four[0], &four[1]), "%s", ml_error_message());
        for (int k = 0; k < 2; k++) {
            expect_same(one[k].x, four[k].x, generators[g].name);
            expect_same(one[k].y, four[k].y, generators[g].name);
        }
        ml_scope_end(&scope);
    }
}
