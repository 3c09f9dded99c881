/* What draws curves: lines, bars, dots and bands of a mark's colour, near its box. Into a window or a PNG by a mask, into an
 * SVG or a PDF by paths of Cairo; and when a legend looks for room, they are only noted.
 *
 *     mli_brush b;
 *     if (!mli_brush_begin(&b, stage, width, 1)) return false;
 *     mli_brush_line(&b, x0, y0);                // the first only goes there
 *     mli_brush_line(&b, x1, y1);
 *     mli_brush_end(&b);
 *
 * Columns are those of the pixels of the paper, counted from some place to its left. */
#ifndef MLI_FIGURE_BRUSH_H
#define MLI_FIGURE_BRUSH_H

#include "figure/mark.h"
#include "figure/mask.h"

typedef enum mli_brush_way { MLI_BRUSH_NOTES, MLI_BRUSH_MASK, MLI_BRUSH_PATHS } mli_brush_way;

typedef struct mli_brush {
    mli_stage     *s;
    cairo_t       *cr;
    mli_brush_way  way;
    mli_box        reach;     /* what lies outside is not drawn */
    double         width, strength;
    bool           down;      /* at (x, y) */
    double         x, y;
    double         left;      /* of the length that may still be drawn */
    double         per, from; /* columns: x * per + from */
    /* mask */
    double         up;        /* rows: y * per + up */
    mli_nib        nib;
    const double  *dash;      /* four lengths, on and off by turns; NULL = none */
    double         gone;      /* along them, since the line began */
    bool           dashing;   /* a dash is under way, from (dash_x, dash_y) to (end_x, end_y), pixels of the mask */
    bool           cut;       /* its beginning is flat */
    double         dash_x, dash_y, end_x, end_y;
    /* paths */
    double         alpha;
    bool           moved;     /* the path ends at (x, y) */
    int            length;    /* of the path: lines */
    int            n_bars;    /* of the path: bars; it has one or the other */
} mli_brush;

typedef struct mli_edge { /* of a band: places at one x */
    double x, low, high;
} mli_edge;

/* strength: of the mark's colour, 0..1, beside its own alpha. False: memory was refused. */
bool mli_brush_begin(mli_brush *b, mli_stage *s, double width, double strength);
void mli_brush_again(mli_brush *b, double strength); /* what follows lies on what was, and is stronger, the two together so strong */
void mli_brush_end  (mli_brush *b);

void mli_brush_line(mli_brush *b, double x, double y); /* from where it is */
void mli_brush_lift(mli_brush *b);                     /* the next line begins anew */
void mli_brush_jump(mli_brush *b, double x, double y); /* goes there without a trace */
void mli_brush_bar (mli_brush *b, int64_t column, double high, double low); /* all of it, as wide as a line */
void mli_brush_dot (mli_brush *b, double x, double y, double radius);
void mli_brush_band(mli_brush *b, const mli_edge *edges, int64_t n);

static inline double mli_brush_column(const mli_brush *b, double x)
{
    return floor(x * b->per + b->from);
}

#endif
