/* The painter: one for windows, PNG, SVG and PDF. Lengths are in 1/96 inch; y grows downwards. */
#ifndef MLI_FIGURE_PAINT_H
#define MLI_FIGURE_PAINT_H

#include "figure/model.h"
#include "figure/theme.h"
#include "figure/ticks.h"

#include <math.h>
#include <pango/pangocairo.h>

/* --- paint.c: the whole figure ------------------------------------------------------------------ */
typedef struct mli_page {
    double      width, height;
    double      density; /* device pixels a unit */
    ml_theme    theme;   /* default: the figure's */
    const char *notice;  /* said in a corner, on top of everything; NULL = nothing */
} mli_page;

/* False with a message when memory is refused or Cairo gives up. */
bool mli_paint(cairo_t *cr, const mli_view *view, const mli_page *page);

/* --- what every part of the painter is given ---------------------------------------------------- */
typedef struct mli_paper {
    cairo_t         *cr;
    PangoLayout     *layout;
    const mli_theme *theme;
    const mli_view  *view;
    double           density;
    bool             bare; /* too small for words: curves and cells only */
} mli_paper;

typedef struct mli_box {
    double x, y, w, h;
} mli_box;

/* --- text.c --------------------------------------------------------------------------------------- */
typedef struct mli_font {
    double size;
    bool   bold;
} mli_font;

extern const mli_font mli_font_figure, mli_font_title, mli_font_label, mli_font_tick, mli_font_legend;

double mli_text_width (mli_paper *p, mli_font font, const char *text);
double mli_text_height(mli_paper *p, mli_font font); /* of a line */

/* Draws one line at (x, y). ax: 0 = starts there, 0.5 = centred, 1 = ends there. ay: 0 = hangs below, 0.5 = digits
 * centred, 1 = stands above. Longer than room: cut, with an ellipsis (INFINITY: never). up: read from below, along
 * the y axis. */
void mli_text_draw(mli_paper *p, mli_font font, const char *text, double x, double y, double ax, double ay, double room,
                   bool up);

/* --- axis.c --------------------------------------------------------------------------------------- */
typedef struct mli_axis {
    ml_scale scale;
    double   low, high; /* values at the two ends */
    double   from, to;  /* their places on paper */
    int      n_ticks;
    mli_tick ticks[MLI_MAX_TICKS];
} mli_axis;

/* Limits for values of low..high (low > high: no values), with a margin; equal values get a range around them. Whatever
 * comes in, what goes out can be drawn: low < high, far enough apart for doubles to tell their ticks apart. */
void   mli_axis_range(mli_axis *axis, ml_scale scale, double low, double high, const double fixed[2], double margin);
void   mli_axis_ticks(mli_axis *axis, int most, double least);
double mli_axis_at(const mli_axis *axis, double value);              /* the place of a value on paper */
void   mli_axis_fit_x(mli_paper *p, mli_axis *axis, double least);   /* as many ticks as fit without touching */
double mli_axis_label_width(mli_paper *p, const mli_axis *axis);     /* of the widest label */
void   mli_axis_draw_x(mli_paper *p, const mli_axis *axis, mli_box box, double cell_from, double cell_to);
void   mli_axis_draw_y(mli_paper *p, const mli_axis *axis, mli_box box, bool right);
void   mli_ink(mli_paper *p, mli_colour c, double alpha);
double mli_snap(const mli_paper *p, double at);                      /* the middle of a device pixel: crisp hairlines */

/* mli_axis_at for many values: what depends on the axis alone is done once. */
typedef struct mli_ruler {
    bool   log;
    double zero, per, from;
} mli_ruler;

mli_ruler mli_axis_ruler(const mli_axis *axis);

static inline double mli_ruler_at(const mli_ruler *r, double value)
{
    return r->from + ((r->log ? log10(value) : value) - r->zero) * r->per;
}

/* --- panels ----------------------------------------------------------------------------------------- */
typedef struct mli_plot { /* a panel on its way to paper */
    const mli_panel *panel;
    const char      *title;
    mli_box          box; /* inside the axes; painting may make it smaller, for a colour bar or a legend */
    double           cell_from, cell_to; /* how far words may reach to the left and to the right */
    mli_axis         x, y;
} mli_plot;

/* First the ranges and the ticks of y, as the widths of their labels make the layout; then, in the final box, the rest. */
void mli_lines_ranges  (mli_paper *p, mli_plot *plot);
void mli_lines_paint   (mli_paper *p, mli_plot *plot);
void mli_heatmap_ranges(mli_plot *plot);
bool mli_heatmap_paint (mli_paper *p, mli_plot *plot); /* false with a message when memory is refused */
void mli_plot_says(mli_paper *p, const mli_plot *plot, const char *text); /* in place of data */

/* --- legend.c --------------------------------------------------------------------------------------- */
#define MLI_BUSY_COLS 48
#define MLI_BUSY_ROWS 32

typedef struct mli_busy { /* the box of a plot in coarse cells: those that a curve passes through */
    bool at[MLI_BUSY_ROWS][MLI_BUSY_COLS];
} mli_busy;

typedef struct mli_legend {
    int     n, rows; /* entries shown, 0 = no legend; entries in a column */
    int     more;    /* entries without room, told by their number */
    double  entry_w, entry_h;
    mli_box box;
    bool    outside; /* to the right of the plot's box, which the planning made narrower */
} mli_legend;

void mli_legend_plan(mli_paper *p, mli_plot *plot, const mli_busy *busy, mli_legend *legend);
void mli_legend_draw(mli_paper *p, const mli_plot *plot, const mli_legend *legend);
void mli_line_style(mli_paper *p, int place); /* colour, width and dashes of the place-th curve of a panel */

#endif
