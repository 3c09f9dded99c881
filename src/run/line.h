/* A line of text about progress, and the rate in it. */
#ifndef MLI_RUN_LINE_H
#define MLI_RUN_LINE_H

#include "moonlab/base.h"

#include <math.h>

#define MLI_COLUMNS 400

typedef struct mli_line {
    char   bytes[4 * MLI_COLUMNS + 64];
    size_t used;
} mli_line;

void mli_line_put(mli_line *l, const char *format, ...) ML_PRINTF(2, 3);
void mli_line_number(mli_line *l, double v);
void mli_line_duration(mli_line *l, double seconds);
void mli_line_rate(mli_line *l, double rate);

typedef struct mli_rate { /* fading sums: their quotient is the rate */
    double  steps, seconds, time;
    int64_t step;
} mli_rate;

#define MLI_RATE_MEMORY 5.0 /* seconds after which the past counts for 1/e */

static inline void mli_rate_measure(mli_rate *r, double now, int64_t step)
{
    double  seconds = now - r->time;
    int64_t steps   = step > r->step ? step - r->step : 0;
    double  fade    = exp(-seconds / MLI_RATE_MEMORY);
    r->steps        = r->steps * fade + (double)steps;
    r->seconds      = r->seconds * fade + seconds;
    r->time         = now;
    r->step         = step;
}

static inline double mli_rate_of(const mli_rate *r) /* steps a second */
{
    return r->seconds > 0 ? r->steps / r->seconds : 0;
}

#endif
