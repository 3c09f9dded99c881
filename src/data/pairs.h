/* A binary operation on a finite set as a data set: every pair once, split at random. */
#ifndef MOONLAB_DATA_PAIRS_H
#define MOONLAB_DATA_PAIRS_H

#include "moonlab/data.h"

typedef struct mli_pairs {
    const char *where;          /* for messages */
    int64_t     n_a, n_b;       /* a is 0..n_a - 1 */
    int64_t     first_b;        /* b is first_b..first_b + n_b - 1 */
    int64_t   (*answer)(const void *ctx, int64_t a, int64_t b);
    const void *ctx;
    double      train_fraction;
    ml_key      split;
    int         base;
} mli_pairs;

bool mli_pairs_check(const mli_pairs *p); /* of what all such sets have: train_fraction and base */
bool mli_pairs_make(const mli_pairs *p, ml_dataset *train, ml_dataset *test);

#endif
