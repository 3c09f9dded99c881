/* Colours: styles, the palette of the marks, the colour maps of values. */
#ifndef MLI_FIGURE_STYLE_H
#define MLI_FIGURE_STYLE_H

#include "moonlab/figure.h"

#define MLI_PALETTE 7
#define MLI_SHADES  256 /* of a colour map */

typedef struct mli_colour {
    double r, g, b; /* sRGB, 0..1 */
} mli_colour;

typedef struct mli_style {
    bool       dark, dashes;            /* with dashes, curves differ in them from the first on: for printers without colour */
    double     line;                    /* width of a curve */
    mli_colour paper, ink, quiet, grid; /* background; titles; ticks and labels; grid lines */
    mli_colour missing;                 /* cells that are nan */
    mli_colour palette[MLI_PALETTE];
} mli_style;

const mli_style *mli_style_of(ml_style style);
mli_colour       mli_colour_named(const mli_style *style, const char *name); /* "#rrggbb", "blue"; else the ink */
mli_colour       mli_mix(mli_colour a, mli_colour b, double t);              /* a at 0, b at 1 */

/* Colour maps, made by maps.lua: 0xRRGGBB from the lowest value to the highest. */
typedef enum mli_map { MLI_MAP_VIRIDIS, MLI_MAP_DIVERGING, MLI_MAP_CYCLIC, MLI_MAP_GREY } mli_map;

extern const uint32_t mli_map_viridis[MLI_SHADES], mli_map_diverging[MLI_SHADES], mli_map_diverging_dark[MLI_SHADES],
    mli_map_cyclic[MLI_SHADES], mli_map_grey[MLI_SHADES];

const uint32_t *mli_map_of(mli_map map, bool dark);
mli_colour      mli_map_at(mli_map map, bool dark, double t); /* t in 0..1 */

#endif
