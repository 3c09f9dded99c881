/* The painter: one for windows, PNG, SVG and PDF. Lengths are in 1/96 inch; y grows downwards. */
#ifndef MLI_FIGURE_PAINT_H
#define MLI_FIGURE_PAINT_H

#include "figure/averages.h"
#include "figure/axis.h"
#include "figure/mask.h"
#include "figure/model.h"
#include "figure/style.h"

#include <math.h>
#include <pango/pangocairo.h>

typedef struct mli_box {
    double x, y, w, h;
} mli_box;

/* --- how a figure is looked at: not part of the figure, files need none -------------------------------- */
#define MLI_PANELS (ML_FIGURE_SIDE * ML_FIGURE_SIDE)
#define MLI_HIDDEN 512

typedef struct mli_panel_look {
    double   range[MLI_AXES][2]; /* what is seen of an axis; equal = all */
    ml_scale scale[MLI_AXES];    /* default: the panel's */
} mli_panel_look;

typedef struct mli_look {
    mli_panel_look panel[MLI_PANELS];
    int            alone;     /* the panel that has the whole page, counted from 1; 0 = all are seen */
    double         smoothing; /* of curves that grow: the weight of the past, up to 1; 0 = what the panels say; < 0: none */
    int            n_hidden;
    int64_t        hidden[MLI_HIDDEN]; /* marks, or groups below 0, that are not drawn; their names in the legend are faint */
} mli_look;

/* Where things came to stand, for whoever points at them. */
#define MLI_ENTRIES 256

typedef struct mli_seen_panel {
    mli_box   box;             /* inside the axes; no width: not on the page */
    bool      has[MLI_AXES];
    mli_ruler ruler[MLI_AXES]; /* mli_ruler_value reads a place */
} mli_seen_panel;

typedef struct mli_seen_entry { /* of a legend */
    mli_box box;
    int     panel;
    int64_t mark; /* that it hides, or below 0 a group */
} mli_seen_entry;

typedef struct mli_seen_mark {
    int64_t    id;
    int        panel;
    bool       right; /* over the y axis on the right */
    mli_colour colour;
} mli_seen_mark;

#define MLI_SEEN_MARKS 1024

typedef struct mli_seen {
    double         scale; /* of all lengths here to those of the page */
    int            n_panels, n_entries, n_marks;
    mli_seen_mark  mark[MLI_SEEN_MARKS]; /* that are not hidden */
    mli_seen_panel panel[MLI_PANELS];
    mli_seen_entry entry[MLI_ENTRIES];
} mli_seen;

/* --- paint.c: the whole figure ------------------------------------------------------------------ */
typedef struct mli_page {
    double          width, height;
    double          density; /* device pixels a unit */
    ml_style        style;   /* default: the figure's */
    const mli_look *look;    /* NULL = as the figure says */
    mli_seen       *seen;    /* filled in; NULL = nobody asks */
    mli_averages   *averages; /* kept from picture to picture of one figure; NULL = computed for this one */
} mli_page;

/* False with a message when memory is refused or Cairo gives up. */
bool mli_paint(cairo_t *cr, const mli_view *view, const mli_page *page);

/* The weight of the past in the curves of a panel that grow; 0 = they are shown as they are. */
static inline double mli_smoothing(const mli_view *view, const mli_look *look, int panel)
{
    double past = look->smoothing != 0 ? look->smoothing : view->panels[panel].smooth;
    return past > 0 ? fmin(past, MLI_SMOOTHEST) : 0;
}

bool mli_save_look(ml_figure *fig, const char *path, const ml_save_opts *opts, const mli_look *look); /* save.c */

typedef struct mli_font {
    double size;
    bool   bold;
    bool   cut_middle; /* what is too long loses its middle: names of one list often differ in their ends */
} mli_font;

#define MLI_FONTS 8 /* whose measures are remembered */

typedef struct mli_measures { /* of plain digits in a font; other scripts have other heights, and places come from these */
    mli_font font;
    double   base, height, middle;
} mli_measures;

/* --- what every part of the painter is given ---------------------------------------------------- */
typedef struct mli_paper {
    cairo_t         *cr;
    PangoLayout     *layout;
    const mli_style *style;
    const mli_view  *view;
    const mli_look  *look; /* never NULL */
    mli_seen        *seen; /* or NULL */
    double           density;
    bool             bare; /* too small for words: marks only */
    mli_mask         mask; /* for curves; kept from one to the next */
    mli_averages    *averages;
    int              n_measures;
    mli_measures     measures[MLI_FONTS];
} mli_paper;

PangoLayout *mli_layout_make(cairo_t *cr);
void   mli_ink(mli_paper *p, mli_colour c, double alpha);
double mli_snap(const mli_paper *p, double at);                 /* the middle of a device pixel: crisp hairlines */
mli_box mli_on_pixels(const mli_paper *p, mli_box box);         /* whole pixels: sharp edges */

/* --- text.c --------------------------------------------------------------------------------------- */
extern const mli_font mli_font_figure, mli_font_title, mli_font_label, mli_font_tick, mli_font_legend;

double mli_text_width (mli_paper *p, mli_font font, const char *text);
double mli_text_height(mli_paper *p, mli_font font); /* of a line */

/* Draws one line at (x, y). ax: 0 = starts there, 0.5 = centred, 1 = ends there. ay: 0 = hangs below, 0.5 = digits
 * centred, 1 = stands above. Longer than room: cut, with an ellipsis (INFINITY: never). up: read from below, along
 * the y axis. */
void mli_text_draw(mli_paper *p, mli_font font, const char *text, double x, double y, double ax, double ay, double room,
                   bool up);

/* --- words.c: 10^{-3}, w_{i}, \alpha ------------------------------------------------------------------ */
/* The text as it is to be read, and how its parts are raised; NULL when it has nothing of the kind. Freed with g_free
 * and pango_attr_list_unref. */
char *mli_words(const char *text, double size, PangoAttrList **how);

/* --- axis.c --------------------------------------------------------------------------------------- */
void   mli_axis_fit_x(mli_paper *p, mli_axis *axis, double from, double to, double least); /* as many ticks as fit without touching, from..to */
double mli_axis_label_width(mli_paper *p, const mli_axis *axis);   /* of the widest label */
void   mli_axis_draw_x(mli_paper *p, const mli_axis *axis, mli_box box, double cell_from, double cell_to, bool numbers);
void   mli_axis_draw_y(mli_paper *p, const mli_axis *axis, mli_box box, bool right, bool numbers);

#endif
