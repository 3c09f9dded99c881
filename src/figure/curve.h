/* Curves as they are drawn: traced into pixel columns. Of all points that follow each other in one column only the first, the
 * lowest, the highest and the last are drawn; where the curve goes up and down within the column, as a bar. That is the same
 * picture, spikes included, at a cost that depends on the paper. Most blocks of a series that grows are not looked into: their
 * extent is enough. */
#ifndef MLI_FIGURE_CURVE_H
#define MLI_FIGURE_CURVE_H

#include "figure/averages.h"
#include "figure/brush.h"

int64_t mli_curve_points(const mli_stage *s); /* how many there are */

/* Its points; of a series, their average when there is one; as steps when the mark says so. */
void mli_curve_trace(mli_stage *s, mli_brush *b, const mli_averaged *average);

/* The range that each point of an average stands for. */
void mli_curve_envelope(mli_stage *s, mli_brush *b, const mli_averaged *average);

/* The band between low and high of a mark, when it has them. */
void mli_curve_band(mli_stage *s, mli_brush *b);

/* Some points that follow each other, from i on, a multiple of MLI_CHUNK, to the end of that chunk. */
typedef struct mli_span {
    int64_t           n;
    const double     *x, *y;
    const mli_extent *extent; /* NULL = not known */
} mli_span;

mli_span mli_curve_span(const mli_stage *s, int64_t i);

/* Every y is finite and can be shown, and so can every x. */
static inline bool mli_extent_shown(const mli_extent *e, ml_scale xscale, ml_scale yscale)
{
    return e && e->whole && (xscale != ML_SCALE_LOG || e->x_low > 0) && (yscale != ML_SCALE_LOG || e->y_low > 0);
}

#endif
