/* What a panel shows at a place: the values beside the pointer. */
#ifndef MLI_FIGURE_READING_H
#define MLI_FIGURE_READING_H

#include "figure/paint.h"

typedef struct mli_reading { /* of a curve: its point next to the pointer along x; of cells: the one pointed at */
    char       name[ML_SERIES_NAME];
    double     x, y;             /* of cells: the column, the row */
    double     value;            /* y, or what the cell holds */
    bool       smoothed;         /* y is the average that is drawn, value what it was made of */
    bool       cell;
    double     at_x, at_y;       /* where it stands, in the units of seen */
    mli_colour colour;
} mli_reading;

/* look: NULL = as the figure says. averages: those of its window.
 * Returns how many, at most room: curves in the order of the figure, or else one cell. Hidden marks have none. */
int mli_readings(const mli_view *view, const mli_seen *seen, const mli_look *look, mli_averages *averages, int panel, double x,
                 double y, mli_reading *to, int room);

/* Keeps the `most` that stand nearest to y, in the order they have. Returns how many that are. */
int mli_readings_near(mli_reading *readings, int n, double y, int most);

#endif
