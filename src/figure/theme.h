/* Colours: themes, the palette of the curves, the colour maps of the heatmaps. */
#ifndef MLI_FIGURE_THEME_H
#define MLI_FIGURE_THEME_H

#include "moonlab/figure.h"

#define MLI_PALETTE 7

typedef struct mli_colour {
    double r, g, b; /* sRGB, 0..1 */
} mli_colour;

typedef struct mli_theme {
    bool       dark;
    mli_colour paper, ink, quiet, grid; /* background; titles; ticks and labels; grid lines */
    mli_colour missing;                 /* cells that are nan */
    mli_colour palette[MLI_PALETTE];
} mli_theme;

const mli_theme *mli_theme_of(ml_theme theme);
mli_colour       mli_map_sequential(double t);             /* t in 0..1: dark violet to light yellow */
mli_colour       mli_map_diverging(double t, bool dark);   /* t in 0..1: blue, the paper's shade at 0.5, red */

#endif
