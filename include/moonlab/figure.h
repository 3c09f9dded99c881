/* moonlab/figure.h - figures: panels of marks (curves, points, heatmaps ...), drawn to files and to a live window.
 *
 *     ml_figure *fig = ml_figure_new(1, 2, "Grokking");
 *     ml_figure_lines(fig, 0, (const char *[]){ "train", "test" }, 2,
 *                     &(ml_panel_opts){ .title = "accuracy", .xscale = ML_SCALE_LOG });
 *     int64_t map = ml_figure_add(fig, 1, "heatmap", (ml_given[]){ { .name = "diverging", .number = { 1 } } }, 1);
 *     ml_figure_give(fig, map, (ml_data[]){ { "values", 2, { 3, 4 }, weights } }, 1);
 *     ml_window *window = ml_window_open(fig, NULL);            // NULL without a display: go on without
 *     for (int step = 1; step <= 1000; step++) ml_figure_point(fig, "train", step, accuracy(step));
 *     ml_figure_save(fig, "grokking.pdf", NULL);
 *     ml_window_close(window);
 *     ml_figure_release(fig);
 *
 * Panels count from 0, row by row. Every function may be called from any thread; one painter serves the window, PNG,
 * SVG and PDF. Functions that fail return NULL, 0 or false, leave a message, and have changed nothing. Text is UTF-8;
 * titles, labels and names may have 10^{-3}, w_{i} and \alpha in them.
 *
 * The painter and the window are loaded when first asked for, from moonlab_figure.so: beside the program or module that
 * moonlab was linked into, or in ../lib/moonlab from there, or in the build folder.
 */
#ifndef MOONLAB_FIGURE_H
#define MOONLAB_FIGURE_H

#include "moonlab/knobs.h"

#define ML_FIGURE_SIDE   8   /* most rows, and most columns, of cells */
#define ML_PANEL_MARKS   512 /* most marks in one panel */
#define ML_SERIES_NAME   96  /* bytes of a series' name, with its end */

typedef struct ml_figure ml_figure; /* opaque: the fields are in src/figure */
typedef struct ml_window ml_window;

typedef enum ml_scale { ML_SCALE_DEFAULT, ML_SCALE_LINEAR, ML_SCALE_LOG, ML_SCALE_SYMLOG } ml_scale; /* default: as it is */
typedef enum ml_style { ML_STYLE_DEFAULT, ML_STYLE_LIGHT, ML_STYLE_DARK, ML_STYLE_PRINT } ml_style; /* default: the figure's, then light */
#define ML_STYLES 4

typedef struct ml_panel_opts {              /* what is 0 stays as it is */
    const char *title, *xlabel, *ylabel;
    const char *y2label;                    /* of the axis on the right, which is there when a mark has the option right */
    ml_scale    xscale, yscale, y2scale;    /* symlog: both signs, linear around zero */
    double      xlim[2], ylim[2], y2lim[2]; /* equal = from the data */
    bool        equal;                      /* a unit of x is as long as one of y */
    bool        no_legend;
    double      smooth;                     /* of curves that grow: the weight of the past in the average that is drawn over them, to
                                               below 1; < 0: as they are. Behind it stands the range of the points that it stands for:
                                               the last (1 + smooth) / (1 - smooth). It goes by points, not by x */
    bool        right;                      /* the curves that ml_figure_lines adds are over the y axis on the right */
} ml_panel_opts;

typedef struct ml_figure_opts {
    int         rows, cols;         /* 0 = 1 */
    const char *layout;             /* in their place: "aab ccb", a word for each row, a letter for each panel, . for nothing.
                                       Panels are rectangles and count in the order in which they first appear */
    bool        share_x, share_y;   /* panels of a column (row) have one x (y) axis; numbers stand at the outer ones only */
    const char *title;
    ml_style    style;
} ml_figure_opts;

typedef struct ml_given {           /* an option of a mark that is given; its kind is in the table of marks */
    const char *name;
    double      number[2];          /* of a real, a flag, a pair */
    const char *text;               /* of a word, a text; the texts of a list end with \n each */
} ml_given;

typedef struct ml_data {            /* numbers of a mark; read while the call lasts */
    const char   *name;
    int           n_dims;
    int64_t       size[3];
    const double *values;
} ml_data;

typedef struct ml_save_opts {
    double   width, height; /* in 1/96 inch; 0 = 440 x 330 a panel */
    double   dpi;           /* pixels an inch of a PNG; 0 = 192, two pixels for each 1/96 inch */
    ml_style style;
} ml_save_opts;

typedef struct ml_window_opts {
    const char *title;         /* of the window; NULL = the figure's */
    const char *folder;        /* where the key s puts pictures: <title>-1.png, -2 ...; NULL = the current one */
    int         width, height; /* pixels; 0 = by the number of panels and the screen */
    ml_style    style;
} ml_window_opts;

/* --- making one ------------------------------------------------------------------------------- */
ml_figure *ml_figure_new(int rows, int cols, const char *title); /* NULL title = none */
ml_figure *ml_figure_make(const ml_figure_opts *opts);
ml_figure *ml_figure_retain(ml_figure *fig);
void       ml_figure_release(ml_figure *fig);                    /* NULL is fine */
void       ml_figure_set_style(ml_figure *fig, ml_style style);  /* for saves and windows that name none */
void       ml_figure_set_title(ml_figure *fig, const char *title);
bool       ml_figure_arrange(ml_figure *fig, int rows, int cols); /* its panels, in their order; only empty ones at the end go */
int        ml_figure_panels(const ml_figure *fig);
bool       ml_figure_panel(ml_figure *fig, int panel, const ml_panel_opts *opts);
bool       ml_figure_clear(ml_figure *fig, int panel);           /* takes its marks and options away; points of series stay */

/* --- curves that grow --------------------------------------------------------------------------- */
/* Adds curves to a panel, and changes its options. A name in two panels is one series, drawn twice; one that the panel
 * shows already is not added again. The legend stands where it hides the least; a panel with one curve has none if its
 * title or y label says the name, or if it has neither: then the name is the title. */
bool ml_figure_lines(ml_figure *fig, int panel, const char *const *names, int n, const ml_panel_opts *opts);

/* Adds one curve, with options of the mark line: its label, colour, dash ... Then n points to a series at once. */
bool ml_figure_curve (ml_figure *fig, int panel, const char *name, const ml_given *options, int n);
bool ml_figure_points(ml_figure *fig, const char *name, const double *x, const double *y, int64_t n);

/* Appends to a series. A nan or inf breaks the line, and so does what is not positive on a log axis; a point between two
 * breaks is drawn as a dot. Any number of points: what no pixel can show is left out, but never a spike. */
bool ml_figure_point(ml_figure *fig, const char *name, double x, double y);
bool ml_figure_shows(ml_figure *fig, const char *name);                     /* a panel has shown this series */

/* --- marks -------------------------------------------------------------------------------------- */
/* Adds a mark of the table (marks.h) on top of what the panel shows; 0 with a message when that is not possible. */
int64_t ml_figure_add(ml_figure *fig, int panel, const char *kind, const ml_given *options, int n);

/* Gives all of a mark's data at once, in place of what it had; copies. */
bool ml_figure_give(ml_figure *fig, int64_t mark, const ml_data *data, int n);

/* Gives all of a mark's options at once, in place of those it had; its data stays. */
bool ml_figure_change(ml_figure *fig, int64_t mark, const ml_given *options, int n);

/* --- knobs -------------------------------------------------------------------------------------- */
/* The board that the figure's window shows beside it; never in files. Retained; NULL: none. */
void ml_figure_set_knobs(ml_figure *fig, ml_knobs *knobs);

/* --- files ------------------------------------------------------------------------------------ */
/* .png, .svg or .pdf by the path's end. The file appears complete or not at all: a crash leaves the old one. Panels that
 * are small get small letters; without room for letters there are curves and cells only. */
bool ml_figure_save(ml_figure *fig, const char *path, const ml_save_opts *opts);

/* The same into memory: width x height pixels of 0xFFRRGGBB, row by row from the top. opts: as for a PNG of that many
 * pixels, so dpi says how large things are drawn (0 = 96); its width and height are not looked at. */
bool ml_figure_pixels(ml_figure *fig, int width, int height, uint32_t *pixels, const ml_save_opts *opts);

/* --- recordings --------------------------------------------------------------------------------- */
/* Frames of a figure as it changes: an animated .gif, or an .mp4, .mkv, .webm or .mov through the system's ffmpeg. The last
 * frame stays for two seconds. opts: of each frame, as for a save (dpi 0 = 96 for a GIF, else 144). The file appears
 * complete or not at all, at the close. */
typedef struct ml_film ml_film;
ml_film *ml_film_open (ml_figure *fig, const char *path, const ml_save_opts *opts);
bool     ml_film_frame(ml_film *film); /* the figure as it is now; after a failure: false again */
bool     ml_film_close(ml_film *film); /* also frees; NULL is fine */

/* --- a live window ---------------------------------------------------------------------------- */
/* All windows live in one thread of their own, which redraws at most 40 times a second, from a snapshot: who adds points waits
 * for a short copy, never for drawing. Where the process leaves no core free, new data make it draw a fortieth of the time of all
 * cores at most. What keys and the mouse do (? lists it) changes how the figure is looked at, never the figure: zoom, scales,
 * hidden marks, one panel alone, smoothing in place of the panels' own. Closing a window ends nothing, nor does the display when
 * it goes away. NULL with a message, soon and without a word on stderr, when there is no display or moonlab was built without
 * MOONLAB_WINDOW. */
ml_window *ml_window_open(ml_figure *fig, const ml_window_opts *opts);
bool       ml_window_is_open(const ml_window *window);            /* NULL is not open */
bool       ml_window_wait(ml_window *window, double seconds);     /* until closed, at most so long (< 0: no limit); true = closed */
int64_t    ml_window_frames(const ml_window *window);             /* pictures drawn so far */
void       ml_window_close(ml_window *window);                    /* also frees; joins the thread after the last; NULL is fine */

/* --- in a terminal ------------------------------------------------------------------------------ */
/* The curves that grow, in cells of 2 x 4 dots: panels side by side or below each other, as many as there is room for, each
 * with a legend and the ends of its axes. Other marks are not drawn. */
typedef struct ml_terminal ml_terminal;
typedef struct ml_terminal_opts {
    int columns, lines; /* at most: no line is wider */
    int colours;        /* of the terminal: 0, 8 or 256; without, a letter stands at the end of each curve */
    bool utf8;          /* else the cells are ' . and : */
} ml_terminal_opts;
ml_terminal *ml_terminal_new(ml_figure *fig);
/* Lines that end with \n, good until the next call, and how many; NULL with a message, without one when nothing fits. */
const char  *ml_terminal_draw(ml_terminal *t, const ml_terminal_opts *opts, int *n_lines);
const char  *ml_terminal_rows(void *t, int columns, int most, int *n_lines); /* for ml_progress_above, as the terminal is */
void         ml_terminal_free(ml_terminal *t); /* NULL is fine */

/* --- what figures stand on, for reports ------------------------------------------------------- */
const char *ml_figure_libraries(void); /* "cairo 1.16.0, pango 1.50.12, SDL 2.26.5"; NULL with a message */
const char *ml_display(void);          /* "x11": where windows open, or would; NULL with a message */

#endif
