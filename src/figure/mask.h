/* Lines of one colour on pixels, made here: Cairo takes some ten times longer to stroke a zigzag that is taller than wide.
 *
 * A mask holds how much of each pixel the colour covers, 0..255. What is drawn takes the larger of what is there and its
 * own, so that joints, crossings and overlaps need no thought and a faint curve does not add up over itself; then the whole
 * is laid over the picture at once. Places are in pixels of the mask; a pixel's middle is at 0.5. */
#ifndef MLI_FIGURE_MASK_H
#define MLI_FIGURE_MASK_H

#include <cairo.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MLI_MASK_PHASES 32 /* places of a line within a pixel, */
#define MLI_MASK_SLOPES 32 /* and slopes of steep lines, that are told apart */
#define MLI_MASK_ROW    16 /* pixels of a row that a steep line may cover, at most */
#define MLI_MASK_DISCS  8  /* places of a round end within a pixel, each way */
#define MLI_MASK_GROUP  64 /* bars that are drawn together */

typedef struct mli_mask {
    uint8_t *at;           /* every byte 0 but while a curve is drawn */
    size_t   bytes;
    int      w, h, stride;
    int      x, y;         /* its place on the surface */
    int      top, bottom;  /* rows that are not all 0, from the first to behind the last */
} mli_mask;

/* What lines are drawn with. Its tables fill as they are needed. */
typedef struct mli_nib {
    mli_mask *mask;
    double    radius; /* half the width, in pixels */
    double    level;  /* of full cover, 0..255 */
    bool      known[MLI_MASK_SLOPES + 1];
    uint8_t   row[MLI_MASK_SLOPES + 1][MLI_MASK_PHASES][MLI_MASK_ROW];
    bool      disc_known[MLI_MASK_DISCS][MLI_MASK_DISCS];
    uint8_t   disc[MLI_MASK_DISCS][MLI_MASK_DISCS][MLI_MASK_ROW][MLI_MASK_ROW];
    int       first, n; /* columns of bars that wait, beside each other */
    float     bar[MLI_MASK_GROUP][2];
} mli_nib;

/* Over the pixels of an image surface that a box touches (in its pixels). False: memory was refused; the message is there. */
bool mli_mask_open(mli_mask *m, cairo_surface_t *surface, double x, double y, double w, double h);
void mli_mask_free(mli_mask *m);
void mli_mask_show(mli_mask *m, cairo_surface_t *surface, double r, double g, double b); /* and all is 0 again */

void mli_nib_set(mli_nib *nib, mli_mask *m, double radius, double level);

/* A line whose ends are round, or flat. */
void mli_nib_line(mli_nib *nib, double x0, double y0, double x1, double y1, bool flat0, bool flat1);

void mli_nib_disc(mli_nib *nib, double x, double y, double radius);

/* From top to bottom in a column of pixels. May wait for the next: mli_nib_flush ends that. */
void mli_nib_bar  (mli_nib *nib, int column, double top, double bottom);
void mli_nib_flush(mli_nib *nib);

#endif
