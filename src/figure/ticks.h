/* Where an axis is marked, and what the marks say. */
#ifndef MLI_FIGURE_TICKS_H
#define MLI_FIGURE_TICKS_H

#include <stdbool.h>

#define MLI_MAX_TICKS 192

typedef struct mli_tick {
    double at;
    bool   major;     /* minor ticks have no label */
    char   label[48]; /* UTF-8 */
} mli_tick;

/* Both need low < high, both finite (and 0 < low on a log axis), and most >= 1. They write at most MLI_MAX_TICKS ticks,
 * about `most` of them major, and return how many. `least` is the smallest step allowed (1 for indices), or 0. */
int mli_ticks_linear(double low, double high, int most, double least, mli_tick *ticks);
int mli_ticks_log   (double low, double high, int most, mli_tick *ticks);
int mli_ticks_symlog(double low, double high, double knee, int most, mli_tick *ticks); /* knee: a power of ten */

#endif
