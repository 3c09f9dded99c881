/* The draws of one example of a data set, one after the other: a function of key and example alone, so that examples may be
 * made in any order and on any thread. */
#ifndef MOONLAB_DATA_DRAWS_H
#define MOONLAB_DATA_DRAWS_H

#include "moonlab/tensor.h"

#include <math.h>

typedef struct mli_draws {
    ml_key   key;
    uint64_t counter, second; /* a block gives two draws: this is the other one */
    bool     has_second;
} mli_draws;

/* 2^25 draws for each example, which is more than any takes. */
static inline mli_draws mli_draws_of(ml_key key, int64_t example) { return (mli_draws){ .key = key, .counter = (uint64_t)example << 24 }; }

static inline uint64_t mli_draw_bits(mli_draws *d)
{
    uint32_t r[4];
    d->has_second = !d->has_second;
    if (!d->has_second) return d->second;
    ml_philox(d->key, d->counter++, r);
    d->second = ((uint64_t)r[2] << 32) | r[3];
    return ((uint64_t)r[0] << 32) | r[1];
}

static inline double mli_draw_uniform(mli_draws *d) { return (double)(mli_draw_bits(d) >> 11) * 0x1p-53; } /* in [0, 1) */

static inline double mli_draw_between(mli_draws *d, const double range[2]) /* draws also where there is no choice */
{
    return range[0] + (range[1] - range[0]) * mli_draw_uniform(d);
}

static inline int64_t mli_draw_below(mli_draws *d, int64_t n) /* 0..n - 1; n > 0 */
{
    return (int64_t)(((unsigned __int128)mli_draw_bits(d) * (uint64_t)n) >> 64);
}

static inline double mli_draw_normal(mli_draws *d)
{
    double radius = sqrt(-2 * log(1 - mli_draw_uniform(d)));
    return radius * cos(6.283185307179586476925 * mli_draw_uniform(d));
}

#endif
