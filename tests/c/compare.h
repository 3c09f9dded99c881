/* Are two pictures the same to the eye? Blocks of 4 x 4 pixels are compared by their mean colours: letters and edges may be
 * set a fraction of a pixel apart by another version of a library, but nothing may be missing, moved or of another colour. */
#ifndef TEST_COMPARE_H
#define TEST_COMPARE_H

#include "picture.h"

#include <stdlib.h>

#define BLOCK      4
#define WORST      0.34  /* of one block, of 0..1 */
#define ON_AVERAGE 0.012 /* of all */

typedef struct difference {
    double worst, mean;
    int    x, y; /* of the worst */
} difference;

static inline mli_colour block_mean(const picture *p, int x, int y)
{
    mli_colour sum = { 0, 0, 0 };
    int        n   = 0;
    for (int j = y; j < y + BLOCK && j < p->h; j++)
        for (int i = x; i < x + BLOCK && i < p->w; i++, n++) {
            mli_colour c = picture_at(p, i, j);
            sum.r += c.r, sum.g += c.g, sum.b += c.b;
        }
    return (mli_colour){ sum.r / n, sum.g / n, sum.b / n };
}

/* With slack, each block of a may be found so many pixels away in b: viewers set long words a pixel apart. */
static inline difference compare_with(const picture *a, const picture *b, int slack)
{
    difference d = { 1, 1, -1, -1 };
    int        n = 0;
    if (!a->surface || !b->surface || abs(a->w - b->w) > 1 || abs(a->h - b->h) > 1)
        return d; /* a PDF's page is in points */
    int w = a->w < b->w ? a->w : b->w, h = a->h < b->h ? a->h : b->h;
    d = (difference){ 0, 0, 0, 0 };
    for (int y = 0; y + BLOCK <= h; y += BLOCK)
        for (int x = 0; x + BLOCK <= w; x += BLOCK, n++) {
            mli_colour mean = block_mean(a, x, y);
            double     far  = colour_distance(mean, block_mean(b, x, y));
            for (int i = 0; i < (2 * slack + 1) * (2 * slack + 1) && far > 0.05; i++) {
                int u = x + i % (2 * slack + 1) - slack, v = y + i / (2 * slack + 1) - slack;
                if (u >= 0 && v >= 0) far = fmin(far, colour_distance(mean, block_mean(b, u, v)));
            }
            d.mean += far;
            if (far > d.worst) d.worst = far, d.x = x, d.y = y;
        }
    d.mean /= n;
    return d;
}

static inline difference compare(const picture *a, const picture *b)
{
    return compare_with(a, b, 0);
}

static inline bool looks_the_same(difference d)
{
    return d.worst < WORST && d.mean < ON_AVERAGE;
}

#endif
