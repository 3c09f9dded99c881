/* Averages of growing series, as smoothing shows them. What is known of full chunks is kept from picture to picture: the state
 * of the average before each block, from which its values can be made again, and their range, by which most blocks are drawn
 * without being looked into. That is a seventh of what the points take.
 *
 * The average goes by points, in the order in which they came: x plays no part. What it stands for, its envelope, is the range
 * of the values among the last so many points (mlk_smooth_width); that is read from the extents of the series itself. */
#ifndef MLI_FIGURE_AVERAGES_H
#define MLI_FIGURE_AVERAGES_H

#include "figure/model.h"
#include "kernels/kernels.h"

#define MLI_SMOOTHEST 0.9999 /* no average remembers more */

typedef struct mli_average_chunk { /* of a full chunk */
    mlk_average before[MLI_BLOCKS];
    double      low[MLI_BLOCKS], high[MLI_BLOCKS], y_low, y_high; /* of the finite averages; low > high: there are none */
} mli_average_chunk;

typedef struct mli_averaged { /* one series by one weight */
    int                series; /* in the figure */
    double             past;
    int64_t            n, room; /* chunks */
    mli_average_chunk *chunks;
    mlk_average        after;  /* behind them */
    bool               used;
} mli_averaged;

typedef struct mli_averages { /* of a figure; all 0 at first */
    int           n, room;
    mli_averaged *of;
} mli_averages;

/* Brought up to the length of the series; good until the next is asked for. NULL with a message: memory was refused. */
const mli_averaged *mli_averages_get(mli_averages *a, const mli_view *view, int series, double past);
void mli_averages_sweep(mli_averages *a); /* forgets those that nobody asked for since the last sweep */
void mli_averages_free (mli_averages *a);

/* The averages of n points from one on that begins a block, within one chunk. */
void   mli_average_values(const mli_averaged *a, const mli_series *s, int64_t from, int64_t n, double *to);
double mli_average_at    (const mli_averaged *a, const mli_series *s, int64_t i);

/* The range of the finite y of the points from..to, both included; false: there are none. */
bool mli_series_range(const mli_series *s, int64_t from, int64_t to, double *low, double *high);

#endif
