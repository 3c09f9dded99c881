/* A canvas of characters: cells of 2 x 4 dots, each with the ink of what was drawn there last. */
#ifndef MLI_FIGURE_BRAILLE_H
#define MLI_FIGURE_BRAILLE_H

#include "run/text.h"

#define MLI_CELL_COLUMNS 400
#define MLI_CELL_ROWS    100

typedef struct mli_cells {
    int           columns, rows;
    unsigned char dots[MLI_CELL_ROWS][MLI_CELL_COLUMNS]; /* as Unicode numbers them, from U+2800 on */
    unsigned char ink[MLI_CELL_ROWS][MLI_CELL_COLUMNS];
    char          letter[MLI_CELL_ROWS][MLI_CELL_COLUMNS]; /* stands in place of the dots; 0 = none */
} mli_cells;

typedef struct mli_pens { /* how ink looks */
    bool               braille; /* else . ' : */
    int                n;       /* 0 = without colour */
    const char *const *codes;   /* of the terminal: "36" */
} mli_pens;

void mli_cells_clear(mli_cells *c, int columns, int rows); /* cut to what there is room for */
/* In dots from the top left; what is outside is not drawn. Any coordinates, short of overflow: |x|, |y| <= 1e6. */
void mli_cells_line(mli_cells *c, int x0, int y0, int x1, int y1, int ink);
void mli_cells_put_row(const mli_cells *c, int row, const mli_pens *pens, mli_text *to); /* all columns of it */

void mli_pen_begin(const mli_pens *pens, int ink, mli_text *to);
void mli_pen_end(const mli_pens *pens, mli_text *to);

#endif
