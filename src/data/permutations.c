/* The symmetric group as a data set. Its elements are numbered in the order of a dictionary: 0 is the identity. */
#include "moonlab/data.h"

#include <string.h>

#include "data/pairs.h"

#define LARGEST_N    6
#define SPLIT_STREAM 0x73796d6d6574u /* "symmet" in ASCII */

typedef struct group {
    int     n, op;
    uint8_t element[720][LARGEST_N];
} group;

static const char *const operations[] = { "xy", "xyx", "xyx^-1" }; /* Power et al. 2022 */

/* The next permutation in the dictionary, from the one before. */
static void next_of(const uint8_t *from, uint8_t *to, int n)
{
    memcpy(to, from, (size_t)n);
    int i = n - 2, j = n - 1;
    while (i >= 0 && to[i] > to[i + 1]) i--;
    if (i < 0) return;
    while (to[j] < to[i]) j--;
    uint8_t swap = to[i];
    to[i] = to[j];
    to[j] = swap;
    for (i++, j = n - 1; i < j; i++, j--) {
        swap  = to[i];
        to[i] = to[j];
        to[j] = swap;
    }
}

static int64_t count(int64_t n) { return n <= 1 ? 1 : n * count(n - 1); }

static void make_group(group *g, int n)
{
    g->n = n;
    for (int i = 0; i < n; i++) g->element[0][i] = (uint8_t)i;
    for (int64_t k = 1; k < count(n); k++) next_of(g->element[k - 1], g->element[k], n);
}

static void compose(const uint8_t *a, const uint8_t *b, uint8_t *ab, int n) /* first b, then a */
{
    for (int i = 0; i < n; i++) ab[i] = a[b[i]];
}

static int64_t number_of(const uint8_t *p, int n) /* how many come before it: Lehmer's code */
{
    int64_t number = 0;
    for (int i = 0; i < n; i++) {
        int smaller = 0;
        for (int j = i + 1; j < n; j++) smaller += p[j] < p[i];
        number = number * (n - i) + smaller;
    }
    return number;
}

static int64_t answer(const void *ctx, int64_t a, int64_t b)
{
    const group *g = ctx;
    uint8_t      ab[LARGEST_N], last[LARGEST_N], result[LARGEST_N];
    compose(g->element[a], g->element[b], ab, g->n);
    if (g->op == 0) return number_of(ab, g->n);
    for (int i = 0; i < g->n; i++) {
        if (g->op == 1) last[i] = g->element[a][i];
        else last[g->element[a][i]] = (uint8_t)i;
    }
    compose(ab, last, result, g->n);
    return number_of(result, g->n);
}

static bool check_n(int64_t n)
{
    return (n >= 2 && n <= LARGEST_N) || ml_fail("permutations: n must be 2..%d, got %lld", LARGEST_N, (long long)n);
}

bool ml_data_permutations(const ml_permutations_opts *o, ml_dataset *train, ml_dataset *test)
{
    group g = { .op = -1 };
    if (!check_n(o->n)) return false;
    for (int i = 0; i < 3; i++)
        if (o->op && strcmp(o->op, operations[i]) == 0) g.op = i;
    if (g.op < 0) return ml_fail("permutations: op must be \"xy\", \"xyx\" or \"xyx^-1\", got '%.40s'", o->op ? o->op : "");
    make_group(&g, (int)o->n);
    mli_pairs pairs = {
        .where = "permutations", .n_a = count(o->n), .n_b = count(o->n), .answer = answer, .ctx = &g,
        .train_fraction = o->train_fraction, .split = ml_key_of(o->seed, SPLIT_STREAM), .base = o->base,
    };
    return mli_pairs_check(&pairs) && mli_pairs_make(&pairs, train, test);
}

ml_tensor *ml_permutation_elements(int64_t n, int base)
{
    group g;
    if (!check_n(n)) return NULL;
    make_group(&g, (int)n);
    ml_tensor *t  = ml_empty(ML_SHAPE(count(n), n), ML_I64);
    int64_t   *to = t ? ml_tensor_mutable_data(t) : NULL;
    for (int64_t k = 0; to && k < count(n); k++)
        for (int64_t i = 0; i < n; i++) to[k * n + i] = g.element[k][i] + base;
    return t;
}
