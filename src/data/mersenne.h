/* The Mersenne Twister MT19937 (Matsumoto & Nishimura 1998) with the draws that were made from it before there were counters:
 * for data sets that were published with it, and for nothing else; moonlab's own draws are Philox's. */
#ifndef MOONLAB_DATA_MERSENNE_H
#define MOONLAB_DATA_MERSENNE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mli_mersenne {
    uint32_t state[624];
    int      used;
    bool     has_normal; /* the polar method makes two: the second waits here, whatever is drawn in between */
    double   normal;
} mli_mersenne;

void     mli_mersenne_seed(mli_mersenne *m, uint32_t seed);
double   mli_mersenne_uniform(mli_mersenne *m);                /* in [0, 1): 53 bits of two words */
double   mli_mersenne_normal(mli_mersenne *m);                 /* Marsaglia's polar method */
uint32_t mli_mersenne_upto(mli_mersenne *m, uint32_t largest); /* 0..largest, by rejection; 0 draws nothing */
void     mli_mersenne_permutation(mli_mersenne *m, int64_t n, int64_t *p); /* of 0..n-1 */

#endif
