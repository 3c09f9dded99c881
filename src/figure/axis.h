/* Axes: which values an axis shows, where they are on paper, and how it is marked. */
#ifndef MLI_FIGURE_AXIS_H
#define MLI_FIGURE_AXIS_H

#include "figure/ticks.h"
#include "moonlab/figure.h"

#include <math.h>

/* --- places: ruler.c -------------------------------------------------------------------------------- */
typedef struct mli_ruler {
    ml_scale scale;
    double   knee;      /* symlog is linear in -knee..knee */
    double   low, high; /* values at the two ends */
    double   from, to;  /* their places on paper */
    double   zero, per; /* made of the above by mli_ruler_set */
} mli_ruler;

void   mli_ruler_set(mli_ruler *r, double from, double to);
double mli_ruler_value(const mli_ruler *r, double at); /* the value at a place: the inverse of mli_ruler_at */
double mli_symlog(double value, double knee);
double mli_off_scale(const mli_ruler *r, double at);   /* the inverse of mli_on_scale */

static inline double mli_on_scale(const mli_ruler *r, double value)
{
    return r->scale == ML_SCALE_LOG ? log10(value) : r->scale == ML_SCALE_SYMLOG ? mli_symlog(value, r->knee) : value;
}

#define MLI_FAR 1e6 /* beyond, a place is as good as there, and Cairo's numbers end */

static inline double mli_ruler_at(const mli_ruler *r, double value)
{
    double at = r->from + (mli_on_scale(r, value) - r->zero) * r->per;
    return at > MLI_FAR ? MLI_FAR : at < -MLI_FAR ? -MLI_FAR : at;
}

static inline bool mli_can_show(ml_scale scale, double value)
{
    return isfinite(value) && (scale != ML_SCALE_LOG || value > 0);
}

/* --- ranges ----------------------------------------------------------------------------------------- */
typedef struct mli_range { /* of values that are to be seen */
    double low, high;      /* low > high: there are none */
    double least;          /* the smallest size of one that is not 0; INFINITY: none */
    bool   tight;          /* ends are edges, not points: no margin */
    bool   stands;         /* on zero: no margin below it */
} mli_range;

#define MLI_NOTHING ((mli_range){ INFINITY, -INFINITY, INFINITY, false, false })

static inline void mli_range_add(mli_range *r, double value)
{
    double size = fabs(value);
    if (value < r->low) r->low = value;
    if (value > r->high) r->high = value;
    if (size < r->least && size > 0) r->least = size;
}

void mli_range_join(mli_range *r, const mli_range *other);

/* --- an axis ---------------------------------------------------------------------------------------- */
typedef struct mli_axis {
    mli_ruler ruler;
    int       n_ticks;
    mli_tick  ticks[MLI_MAX_TICKS];
} mli_axis;

/* Chooses the ends. Equal values get a range around them. Whatever comes in, what goes out can be drawn: low < high, far
 * enough apart for doubles to tell ticks apart. fixed[0] != fixed[1]: these are the ends. */
void mli_axis_range(mli_axis *axis, ml_scale scale, const mli_range *values, const double fixed[2], double margin);
void mli_axis_ticks(mli_axis *axis, int most, double least);

#endif
