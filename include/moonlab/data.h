/* moonlab/data.h - data sets made by rule.
 *
 *     ml_dataset train, test;
 *     ml_data_modular(&(ml_modular_opts){ .p = 97, .op = '+', .train_fraction = 0.4, .seed = 1 }, &train, &test);
 *
 * Every generator is a function of its options alone, the seed among them. Tensors belong to the innermost scope.
 */
#ifndef MOONLAB_DATA_H
#define MOONLAB_DATA_H

#include "moonlab/tensor.h"

typedef struct ml_dataset {
    ml_tensor *x, *y; /* inputs (n, ...); labels (n) */
} ml_dataset;

typedef struct ml_modular_opts {
    int64_t  p;              /* 2..4096; for '/' a prime */
    char     op;             /* '+', '-', '*' or '/' (b = 0 is left out) */
    double   train_fraction; /* between 0 and 1; rounded to whole pairs, at least one on each side */
    uint64_t seed;           /* of the split; has nothing to do with ml_seed(seed) */
    int      base;           /* what ids and labels count from: C 0, Lua 1 */
} ml_modular_opts;

/* All pairs (a, b) and a op b mod p: x (n, 2) i64, y (n) i64; a random split of the p^2 pairs (p (p - 1) for '/').
 * False, with train and test as they were, for options out of range or want of memory.
 * Power et al. 2022, "Grokking: Generalization Beyond Overfitting on Small Algorithmic Datasets". */
bool ml_data_modular(const ml_modular_opts *opts, ml_dataset *train, ml_dataset *test);

#endif
