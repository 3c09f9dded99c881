/* What the fuzzers share: a small valid file or some of each format, and the test of one input. */
#ifndef FUZZ_H
#define FUZZ_H

#include "moonlab/io.h"

#define FUZZ_MOST_SEEDS 8

typedef struct fuzz_seed {
    uint8_t *bytes; /* from malloc */
    size_t   n;
} fuzz_seed;

int fuzz_seeds(ml_format format, fuzz_seed seeds[FUZZ_MOST_SEEDS]); /* how many */

/* Loads the bytes as that format and looks at all of what came. Aborts, with a message, when anything is not as io.h says:
 * a refusal without a reason, more memory than the bytes justify, memory that is not given back, a bool that is neither
 * 0 nor 1, a result that cannot be saved and loaded again. */
void fuzz_one(ml_format format, const uint8_t *bytes, size_t n);

#endif
