/* Arithmetic modulo p as a data set: every pair once, split at random. */
#include "moonlab/data.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#define LARGEST_P 4096
/* A stream of its own, "modular" in ASCII: a script that uses one seed for weights (streams 1, 2, ...) and data gets
 * numbers that have nothing to do with each other. */
#define SPLIT_STREAM 0x6d6f64756c6172u

static bool is_prime(int64_t p)
{
    for (int64_t d = 2; d * d <= p; d++)
        if (p % d == 0) return false;
    return p > 1;
}

static bool check(const ml_modular_opts *o)
{
    if (o->p < 2 || o->p > LARGEST_P) return ml_fail("modular: p must be 2..%d, got %lld", LARGEST_P, (long long)o->p);
    if (o->op != '+' && o->op != '-' && o->op != '*' && o->op != '/') {
        char got[16];
        snprintf(got, sizeof got, isprint((unsigned char)o->op) ? "'%c'" : "code %d", o->op);
        return ml_fail("modular: op must be '+', '-', '*' or '/', got %s", got);
    }
    if (o->op == '/' && !is_prime(o->p))
        return ml_fail("modular: division needs a prime p, and %lld is none: not every number has an inverse", (long long)o->p);
    if (!(o->train_fraction > 0 && o->train_fraction < 1))
        return ml_fail("modular: train_fraction must be between 0 and 1, got %g", o->train_fraction);
    if (o->base != 0 && o->base != 1) return ml_fail("modular: base must be 0 or 1, got %d", o->base);
    return true;
}

/* Pairs are numbered row by row; for '/' the column b = 0 is left out. */
static void pair_at(const ml_modular_opts *o, int64_t number, int64_t *a, int64_t *b)
{
    int64_t n_b = o->op == '/' ? o->p - 1 : o->p;
    *a = number / n_b;
    *b = number % n_b + (o->p - n_b);
}

static int64_t inverse(int64_t b, int64_t p) /* b^(p - 2), by Fermat; p is prime */
{
    int64_t result = 1;
    for (int64_t e = p - 2; e > 0; e /= 2) {
        if (e % 2) result = result * b % p;
        b = b * b % p;
    }
    return result;
}

static int64_t answer(const ml_modular_opts *o, int64_t a, int64_t b)
{
    switch (o->op) {
    case '+': return (a + b) % o->p;
    case '-': return (a - b + o->p) % o->p;
    case '*': return a * b % o->p;
    default: return a * inverse(b, o->p) % o->p;
    }
}

static bool make(int64_t n, ml_dataset *set)
{
    set->x = ml_empty(ML_SHAPE(n, 2), ML_I64);
    set->y = ml_empty(ML_SHAPE(n), ML_I64);
    return set->x && set->y;
}

/* The pairs numbers[0..n-1]. */
static void fill(const ml_modular_opts *o, const int64_t *numbers, const ml_dataset *set)
{
    int64_t *x = ml_tensor_mutable_data(set->x), *y = ml_tensor_mutable_data(set->y);
    for (int64_t i = 0, n = ml_tensor_numel(set->y); i < n; i++) {
        int64_t a, b;
        pair_at(o, numbers[i], &a, &b);
        x[2 * i]     = a + o->base;
        x[2 * i + 1] = b + o->base;
        y[i]         = answer(o, a, b) + o->base;
    }
}

bool ml_data_modular(const ml_modular_opts *opts, ml_dataset *train, ml_dataset *test)
{
    if (!check(opts)) return false;
    int64_t total   = opts->p * (opts->op == '/' ? opts->p - 1 : opts->p);
    int64_t n_train = (int64_t)round(opts->train_fraction * (double)total);
    if (n_train < 1) n_train = 1;
    if (n_train > total - 1) n_train = total - 1;
    ml_dataset first, rest;
    if (!make(n_train, &first) || !make(total - n_train, &rest)) return false;
    ml_scope       scope   = ml_scope_begin();
    const int64_t *numbers = ml_tensor_data(ml_randperm(total, ml_key_of(opts->seed, SPLIT_STREAM)));
    if (numbers) {
        fill(opts, numbers, &first);
        fill(opts, numbers + n_train, &rest);
        *train = first;
        *test  = rest;
    }
    ml_scope_end(&scope);
    return numbers != NULL;
}
