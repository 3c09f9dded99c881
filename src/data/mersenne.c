/* MT19937: 624 words, made anew all at once. */
#include "data/mersenne.h"

#include <math.h>

#define WORDS 624
#define AHEAD 397

void mli_mersenne_seed(mli_mersenne *m, uint32_t seed)
{
    m->state[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++) {
        uint32_t last = m->state[i - 1];
        m->state[i]   = 1812433253u * (last ^ (last >> 30)) + i;
    }
    m->used       = WORDS;
    m->has_normal = false;
}

static void renew(uint32_t *s)
{
    for (int i = 0; i < WORDS; i++) {
        uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % WORDS] & 0x7fffffffu);
        s[i]       = s[(i + AHEAD) % WORDS] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
}

static uint32_t word(mli_mersenne *m)
{
    if (m->used == WORDS) {
        renew(m->state);
        m->used = 0;
    }
    uint32_t y = m->state[m->used++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

double mli_mersenne_uniform(mli_mersenne *m)
{
    uint32_t high = word(m) >> 5, low = word(m) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
}

double mli_mersenne_normal(mli_mersenne *m)
{
    if (m->has_normal) {
        m->has_normal = false;
        return m->normal;
    }
    double x, y, r;
    do {
        x = 2 * mli_mersenne_uniform(m) - 1;
        y = 2 * mli_mersenne_uniform(m) - 1;
        r = x * x + y * y;
    } while (r >= 1 || r == 0);
    double f      = sqrt(-2 * log(r) / r);
    m->normal     = f * x;
    m->has_normal = true;
    return f * y;
}

uint32_t mli_mersenne_upto(mli_mersenne *m, uint32_t largest)
{
    uint32_t mask = largest, drawn;
    if (largest == 0) return 0;
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    do drawn = word(m) & mask;
    while (drawn > largest);
    return drawn;
}

void mli_mersenne_permutation(mli_mersenne *m, int64_t n, int64_t *p)
{
    for (int64_t i = 0; i < n; i++) p[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = mli_mersenne_upto(m, (uint32_t)i), swap = p[i];
        p[i] = p[j];
        p[j] = swap;
    }
}
