/* The painter: one for windows, PNG, SVG and PDF. Lengths are in 1/96 inch; y grows downwards. */
#ifndef MLI_FIGURE_PAINT_H
#define MLI_FIGURE_PAINT_H

#include "figure/model.h"
#include "figure/theme.h"
#include "figure/ticks.h"

#include <pango/pangocairo.h>

/* --- what every part of the painter is given ---------------------------------------------------- */
typedef struct mli_paper {
    cairo_t         *cr;
    PangoLayout     *layout;
    const mli_theme *theme;
    const mli_view  *view;
    double           density; /* device pixels a unit, for decimation and images; 4 on paper */
} mli_paper;

typedef struct mli_box {
    double x, y, w, h;
} mli_box;

/* --- text.c --------------------------------------------------------------------------------------- */
typedef struct mli_font {
    double size;
    bool   bold, markup;
} mli_font;

extern const mli_font mli_font_figure, mli_font_title, mli_font_label, mli_font_tick, mli_font_legend;

double mli_text_width (mli_paper *p, mli_font font, const char *text);
double mli_text_height(mli_paper *p, mli_font font); /* of a line */

/* Draws one line at (x, y). ax: 0 = starts there, 0.5 = centred, 1 = ends there. ay: 0 = hangs below, 0.5 = digits
 * centred, 1 = stands above. Longer than room (> 0): cut, with an ellipsis. up: read from below, along the y axis. */
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

/* Limits for values of low..high (low > high: no values), with a margin; equal values get a range around them. */
void   mli_axis_range(mli_axis *axis, ml_scale scale, double low, double high, const double fixed[2], double margin);
void   mli_axis_ticks(mli_axis *axis, int most, double least);
double mli_axis_at(const mli_axis *axis, double value);
void   mli_axis_fit_x(mli_paper *p, mli_axis *axis, double least);   /* as many ticks as fit without touching */
double mli_axis_label_width(mli_paper *p, const mli_axis *axis);     /* of the widest label */
void   mli_axis_draw_x(mli_paper *p, const mli_axis *axis, mli_box box, double cell_from, double cell_to);
void   mli_axis_draw_y(mli_paper *p, const mli_axis *axis, mli_box box, bool right);
void   mli_ink(mli_paper *p, mli_colour c, double alpha);
double mli_snap(const mli_paper *p, double at);                      /* the middle of a device pixel: crisp hairlines */

/* --- panels ----------------------------------------------------------------------------------------- */
typedef struct mli_plot { /* a panel on its way to paper */
    const mli_panel *panel;
    mli_box          box; /* inside the axes */
    double           cell_from, cell_to;
    mli_axis         x, y;
} mli_plot;

void mli_lines_ranges  (mli_paper *p, mli_plot *plot);
void mli_lines_paint   (mli_paper *p, mli_plot *plot);
void mli_heatmap_ranges(mli_paper *p, mli_plot *plot);
void mli_heatmap_paint (mli_paper *p, mli_plot *plot);

/* Paints the whole figure on a surface of width x height units. False with a message when Cairo gives up. */
bool mli_paint(cairo_t *cr, const mli_view *view, ml_theme theme, double width, double height, double density);

#endif
