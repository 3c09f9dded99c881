/* Values on a grid whose lines may be anywhere, read between its points: contours and regions. */
#ifndef MLI_FIGURE_GRID_H
#define MLI_FIGURE_GRID_H

#include "figure/mark.h"

typedef struct mli_between { /* a place along one side of the grid */
    int64_t at;   /* the point before it */
    double  part; /* 0..1 of the way to the next */
} mli_between;

/* For each of n pixels from `from` on, 1 / density apart. NULL with a message when memory is refused; freed with
 * mli_between_free. Beyond the ends the outermost points go on. */
mli_between *mli_between_make(const mli_ruler *ruler, const mli_data *at, double from, double density, int n);
void         mli_between_free(mli_between *between, int n);

#endif
