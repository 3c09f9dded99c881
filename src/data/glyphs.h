/* The drawings of the data sets of images: digits and shapes as strokes in a square from -1 to 1, y downwards. */
#ifndef MOONLAB_DATA_GLYPHS_H
#define MOONLAB_DATA_GLYPHS_H

#include <stdbool.h>

#define MLI_MOST_STROKES 3
#define MLI_MOST_POINTS  14 /* of a stroke */

typedef struct mli_stroke {
    int    n;
    bool   smooth; /* a curve through the points; else straight lines */
    bool   closed;
    double at[MLI_MOST_POINTS][2];
} mli_stroke;

typedef struct mli_glyph {
    const char *name;
    int         n;
    mli_stroke  stroke[MLI_MOST_STROKES];
} mli_glyph;

#define MLI_DIGITS 10
#define MLI_SHAPES 8
extern const mli_glyph mli_digits[MLI_DIGITS], mli_shapes[MLI_SHAPES];

#endif
