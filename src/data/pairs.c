/* Pairs are numbered row by row and dealt out in a random order of their numbers. */
#include "data/pairs.h"

#include <math.h>

bool mli_pairs_check(const mli_pairs *p)
{
    if (!(p->train_fraction > 0 && p->train_fraction < 1))
        return ml_fail("%s: train_fraction must be between 0 and 1, got %g", p->where, p->train_fraction);
    if (p->base != 0 && p->base != 1) return ml_fail("%s: base must be 0 or 1, got %d", p->where, p->base);
    return true;
}

static bool make(int64_t n, ml_dataset *set)
{
    set->x = ml_empty(ML_SHAPE(n, 2), ML_I64);
    set->y = ml_empty(ML_SHAPE(n), ML_I64);
    return set->x && set->y;
}

/* The pairs numbers[0..n-1]. */
static void fill(const mli_pairs *p, const int64_t *numbers, const ml_dataset *set)
{
    int64_t *x = ml_tensor_mutable_data(set->x), *y = ml_tensor_mutable_data(set->y);
    for (int64_t i = 0, n = ml_tensor_numel(set->y); i < n; i++) {
        int64_t a = numbers[i] / p->n_b, b = numbers[i] % p->n_b + p->first_b;
        x[2 * i]     = a + p->base;
        x[2 * i + 1] = b + p->base;
        y[i]         = p->answer(p->ctx, a, b) + p->base;
    }
}

bool mli_pairs_make(const mli_pairs *p, ml_dataset *train, ml_dataset *test)
{
    int64_t total = p->n_a * p->n_b, n_train = (int64_t)round(p->train_fraction * (double)total);
    if (n_train < 1) n_train = 1;
    if (n_train > total - 1) n_train = total - 1;
    ml_dataset first, rest;
    if (!make(n_train, &first) || !make(total - n_train, &rest)) return false;
    ml_scope       scope   = ml_scope_begin();
    const int64_t *numbers = ml_tensor_data(ml_randperm(total, p->split));
    if (numbers) {
        fill(p, numbers, &first);
        fill(p, numbers + n_train, &rest);
        *train = first;
        *test  = rest;
    }
    ml_scope_end(&scope);
    return numbers != NULL;
}
