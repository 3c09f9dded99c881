/* moonlab/figure.h - figures: panels of curves and heatmaps, drawn to files and to a live window.
 *
 *     ml_figure *fig = ml_figure_new(1, 2, "Grokking");
 *     ml_figure_lines(fig, 0, (const char *[]){ "train", "test" }, 2,
 *                     &(ml_panel_opts){ .title = "accuracy", .xscale = ML_SCALE_LOG });
 *     ml_window *window = ml_window_open(fig, NULL);            // NULL without a display: go on without
 *     for (int step = 1; step <= 1000; step++) ml_figure_point(fig, "train", step, accuracy(step));
 *     ml_figure_save(fig, "grokking.pdf", NULL);
 *     ml_window_close(window);
 *     ml_figure_release(fig);
 *
 * Panels count from 0, row by row. Every function may be called from any thread; one painter serves the window, PNG,
 * SVG and PDF. Functions that fail return NULL or false, leave a message, and have changed nothing. Text is UTF-8.
 *
 * The painter and the window are loaded when first asked for, from moonlab_figure.so: beside the program or module that
 * moonlab was linked into, or in ../lib/moonlab from there, or in the build folder.
 */
#ifndef MOONLAB_FIGURE_H
#define MOONLAB_FIGURE_H

#include "moonlab/base.h"

#define ML_FIGURE_SIDE   8    /* most rows, and most columns, of panels */
#define ML_PANEL_SERIES  24   /* most curves in one panel */
#define ML_SERIES_NAME   96   /* bytes of a series' name, with its end */

typedef struct ml_figure ml_figure; /* opaque: the fields are in src/figure */
typedef struct ml_window ml_window;

typedef enum ml_scale { ML_SCALE_LINEAR, ML_SCALE_LOG } ml_scale;
typedef enum ml_theme { ML_THEME_DEFAULT, ML_THEME_LIGHT, ML_THEME_DARK } ml_theme; /* default: the figure's, then light */

typedef struct ml_panel_opts {
    const char *title, *xlabel, *ylabel; /* NULL = none */
    ml_scale    xscale, yscale;
    double      xlim[2], ylim[2];        /* equal = from the data */
} ml_panel_opts;

typedef struct ml_heatmap_opts {
    const char *title, *xlabel, *ylabel; /* NULL = none */
    double      limits[2];               /* values at the two ends of the colours; equal = from the data */
    bool        diverging;               /* two hues that meet at the middle; limits from the data are then -m..m */
    bool        stretch;                 /* fill the panel; else cells are square, unless that leaves a thin strip */
    int64_t     row_shift, col_shift;    /* added to the numbers on the axes, which count from 1; -1 counts from 0 */
} ml_heatmap_opts;

typedef struct ml_save_opts {
    double   width, height; /* in 1/96 inch; 0 = 440 x 330 a panel */
    double   dpi;           /* pixels an inch of a PNG; 0 = 192, two pixels for each 1/96 inch */
    ml_theme theme;
} ml_save_opts;

typedef struct ml_window_opts {
    const char *title;         /* of the window; NULL = the figure's */
    const char *folder;        /* where the key s puts pictures: <title>-1.png, -2 ...; NULL = the current one */
    int         width, height; /* pixels; 0 = by the number of panels and the screen */
    ml_theme    theme;
} ml_window_opts;

/* --- making one ------------------------------------------------------------------------------- */
ml_figure *ml_figure_new(int rows, int cols, const char *title); /* NULL title = none */
ml_figure *ml_figure_retain(ml_figure *fig);
void       ml_figure_release(ml_figure *fig);                    /* NULL is fine */
void       ml_figure_set_theme(ml_figure *fig, ml_theme theme);  /* for saves and windows that name none */
int        ml_figure_panels(const ml_figure *fig);               /* rows x cols */

/* --- curves ----------------------------------------------------------------------------------- */
/* Declares what a panel shows, in place of what it showed. A name in two panels is one series, drawn twice; the
 * points of a series stay when panels change. The legend stands where it hides the least; a panel with one curve has
 * none if its title or y label says the name, or if it has neither: then the name is the title. */
bool ml_figure_lines(ml_figure *fig, int panel, const char *const *names, int n, const ml_panel_opts *opts);

/* Appends to a series. A nan or inf breaks the line, and so does what is not positive on a log axis; a point between two
 * breaks is drawn as a dot. Any number of points: what no pixel can show is left out, but never a spike. */
bool ml_figure_point(ml_figure *fig, const char *name, double x, double y);
bool ml_figure_shows(ml_figure *fig, const char *name);                     /* a panel has shown this series */

/* --- heatmaps --------------------------------------------------------------------------------- */
/* Row 1 is at the top, as a matrix is printed. Limits from the data come from its finite values; cells that are nan have
 * a colour of their own. Where more cells than pixels are to be shown, a pixel shows the one that stands out: the highest,
 * or of diverging colours the one farthest from their middle. */
bool ml_figure_heatmap(ml_figure *fig, int panel, const ml_heatmap_opts *opts);
bool ml_figure_heatmap_set(ml_figure *fig, int panel, int64_t rows, int64_t cols, const double *values); /* copies */

/* --- files ------------------------------------------------------------------------------------ */
/* .png, .svg or .pdf by the path's end. The file appears complete or not at all: a crash leaves the old one. Panels that
 * are small get small letters; without room for letters there are curves and cells only. */
bool ml_figure_save(ml_figure *fig, const char *path, const ml_save_opts *opts);

/* --- a live window ---------------------------------------------------------------------------- */
/* All windows live in one thread of their own, which redraws at most 30 times a second, and with new data a fifth of the
 * time at most, from a snapshot: who adds points waits for a short copy, never for drawing. Keys: s saves a picture, t
 * changes the theme, + and - the size of everything, q closes. Closing a window ends nothing, nor does the display when it
 * goes away. NULL with a message, soon and without a word on stderr, when there is no display or moonlab was built without
 * MOONLAB_WINDOW. */
ml_window *ml_window_open(ml_figure *fig, const ml_window_opts *opts);
bool       ml_window_is_open(const ml_window *window);            /* NULL is not open */
bool       ml_window_wait(ml_window *window, double seconds);     /* until closed, at most so long (< 0: no limit); true = closed */
int64_t    ml_window_frames(const ml_window *window);             /* pictures drawn so far */
void       ml_window_close(ml_window *window);                    /* also frees; joins the thread after the last; NULL is fine */

/* --- what figures stand on, for reports ------------------------------------------------------- */
const char *ml_figure_libraries(void); /* "cairo 1.16.0, pango 1.50.12, SDL 2.26.5"; NULL with a message */
const char *ml_display(void);          /* "x11": where windows open, or would; NULL with a message */

#endif
