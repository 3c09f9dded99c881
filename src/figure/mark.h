/* What a mark is to the painter: how far it reaches, what it says in the legend, how it is drawn. One file and one
 * `const mli_mark_kind` each; mark_list.h has the line that makes it known.
 *
 *     static void reach(const mli_stage *s, mli_reach *r)     // so that the axes can be chosen
 *     {
 *         const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
 *         for (int64_t i = 0; i < x->n; i++) mli_reach_point(r, x->values[i], y->values[i]);
 *     }
 *
 *     static bool paint(mli_stage *s)                         // places: mli_ruler_at(&s->x, value)
 *     {
 *         ...
 *         return true;                                        // false with a message: memory was refused
 *     }
 *
 *     const mli_mark_kind mli_mark_scatter = { .reach = reach, .paint = paint };
 */
#ifndef MLI_FIGURE_MARK_H
#define MLI_FIGURE_MARK_H

#include "figure/paint.h"

/* --- where the curves pass, for the legend ---------------------------------------------------------- */
#define MLI_BUSY_COLS 48
#define MLI_BUSY_ROWS 32

typedef struct mli_busy { /* the box of a plot in coarse cells: those that something is drawn in */
    bool at[MLI_BUSY_ROWS][MLI_BUSY_COLS];
} mli_busy;

/* --- colours that stand for values: shades.c ---------------------------------------------------------- */
typedef struct mli_shades {
    mli_map  map;
    double   low, high;
    uint32_t missing; /* of nan */
    uint32_t at[MLI_SHADES];
} mli_shades;

uint32_t   mli_pixel(mli_colour c);
uint32_t   mli_shade(const mli_shades *s, double value);        /* 0xFFRRGGBB */
mli_colour mli_shade_colour(const mli_shades *s, double value);

/* --- a mark on its way to paper ------------------------------------------------------------------------ */
struct mli_mark_kind;
typedef struct mli_plot mli_plot;

typedef struct mli_stage {
    mli_paper                  *p;
    const mli_plot             *plot;
    const mli_mark             *mark;
    const struct mli_mark_kind *kind;
    int       place;   /* the first of its colours in the palette */
    bool      hidden;
    mli_box   box;     /* inside the axes */
    mli_ruler x, y;
    mli_busy *busy;    /* not NULL: nothing is drawn, only noted */
    int64_t   touched; /* how often it met the box */
} mli_stage;

typedef struct mli_reach {
    mli_range     x, y;
    ml_scale      xscale, yscale;
    const double *window; /* the x that can be seen; NULL = all */
} mli_reach;

void mli_reach_point(mli_reach *r, double x, double y);
void mli_reach_grid(mli_reach *r, const mli_data *x, const mli_data *y); /* cells around the points of a grid: tight */

typedef enum mli_frame { /* what a mark wants around it */
    MLI_FRAME_AXES,
    MLI_FRAME_CELLS, /* axes that count rows, downwards, and columns; cells are square */
    MLI_FRAME_NONE,
    MLI_FRAME_ANY,   /* whatever the others want */
} mli_frame;

typedef struct mli_entry {
    char             name[ML_SERIES_NAME];
    const mli_stage *stage;
    int              part; /* of the mark: which of its classes */
} mli_entry;

typedef struct mli_mark_kind {
    mli_frame frame;
    bool      plain; /* takes no colour of the palette */
    int  (*colours)(const mli_stage *s);                       /* how many; NULL = one */
    void (*reach)(const mli_stage *s, mli_reach *r);           /* only called with data, as all but swatch */
    bool (*shades)(const mli_stage *s, mli_shades *shades);    /* fills in map, low, high for a bar; NULL or false: none */
    int  (*entries)(const mli_stage *s, mli_entry *to, int room); /* names in the legend; NULL: its label */
    void (*ticks)(const mli_stage *s, mli_axis *x);            /* names for places along x, instead of numbers */
    void (*swatch)(const mli_stage *s, int part, mli_box box); /* what stands beside a name */
    bool (*paint)(mli_stage *s);
} mli_mark_kind;

#define ML_MARK(name, doc, slots, options) extern const mli_mark_kind mli_mark_##name;
#include "moonlab/mark_list.h"
#undef ML_MARK

const mli_mark_kind *mli_mark_kind_of(const mli_mark *mark);

/* --- what marks share: stage.c ---------------------------------------------------------------------------- */
const mli_series *mli_series_of(const mli_stage *s);         /* of a line that grows; or NULL */
mli_colour mli_stage_colour(const mli_stage *s, int part);   /* by the option, or the palette */
double     mli_stage_alpha(const mli_stage *s);
const double *mli_stage_dash(const mli_stage *s, int part);  /* four lengths, on and off by turns; NULL = none */
void mli_set_line(const mli_stage *s, int part);             /* colour, width, dashes */
/* What of t0..t1 of the way from a to b lies within low..high; false: nothing. */
bool mli_clip(double a, double b, double low, double high, double *t0, double *t1);
void mli_note(mli_stage *s, double x0, double y0, double x1, double y1); /* a line that is drawn, or will be: clips itself */
void mli_note_box(mli_stage *s, mli_box b);
void mli_dot(cairo_t *cr, double x, double y, double radius, int shape); /* a path; shape 0 is a circle */
void mli_swatch_patch(const mli_stage *s, int part, mli_box box);
void mli_swatch_line(const mli_stage *s, int part, mli_box box);
int  mli_label_entry(const mli_stage *s, mli_entry *to);     /* 1, or 0 without a label */
int64_t mli_hides(const mli_mark *mark);                     /* what a click on its name hides: a mark's id, or -group */
bool mli_is_hidden(const mli_look *look, const mli_mark *mark);

/* Classes: the whole numbers in values, rising, when they are few; 0 when these are no classes. */
#define MLI_CLASSES 12
int mli_classes_of(const mli_data *values, double classes[MLI_CLASSES]);
int mli_class_index(const double *classes, int n, double value); /* -1 = none */
int mli_class_part(const double *classes, double value); /* which colour and name: the first for 1, or for the lowest below */

/* Colours by the options map and limits of a mark, for values low..high. */
void mli_shades_for(const mli_stage *s, const mli_data *values, bool diverging, mli_map otherwise, bool thin, mli_shades *shades);
/* The table, once map, low and high are known. thin: for lines and dots, which need shades that the paper does not swallow. */
void mli_shades_fill(mli_shades *shades, const mli_style *style, bool thin);

/* --- images: picture.c ---------------------------------------------------------------------------------------- */
typedef struct mli_picture {
    uint32_t *pixels;
    int       w, h;
    size_t    bytes;
} mli_picture;

bool mli_picture_new (mli_picture *pic, int w, int h);                /* transparent; false: memory was refused */
bool mli_picture_for (const mli_paper *p, mli_picture *pic, mli_box box); /* one pixel a device pixel */
void mli_picture_show(mli_paper *p, mli_picture *pic, mli_box box, double alpha); /* and gives it back */

/* The matrix (rows, cols), row 0 at the top, into x0..x1, y0..y1 of the picture; sharp cells. Where several fall on one
 * pixel, it shows the one that stands out: the highest, or of diverging colours the one farthest from the middle. */
void mli_picture_cells(mli_picture *pic, int x0, int y0, int x1, int y1, const double *values, int64_t rows, int64_t cols,
                       const mli_shades *s);

/* --- panels ----------------------------------------------------------------------------------------- */
struct mli_plot { /* a panel on its way to paper */
    const mli_panel *panel;
    int              index; /* in the figure */
    const char      *title;
    mli_frame        frame;
    bool             equal, has_y2, has_bar;
    bool             x_numbers, y_numbers; /* are written; not where they are shared */
    bool             x_names;              /* its ticks are names */
    double           left, right;          /* what labels, numbers and bars take beside the box */
    double           spare;                /* what is free to the right of that, as the box had to keep its shape */
    mli_box          box;                  /* inside the axes */
    double           cell_from, cell_to;   /* how far words may reach to the left and to the right */
    mli_axis         axis[MLI_AXES], bar;
    mli_reach        reach[2];             /* over the left and the right y axis */
    mli_shades       shades;               /* of the bar */
    int              n_stages;
    mli_stage       *stages;
};

/* plot.c: first the axes, whose labels make the layout; then, in the final box, the rest. */
void mli_plot_prepare(mli_paper *p, mli_plot *plot);                 /* frame, reach, colours of the bar */
void mli_plot_ranges (mli_plot *plot, int axis, const mli_range *r); /* the ends of an axis */
void mli_plot_sides  (mli_paper *p, mli_plot *plot);                 /* ticks of y, left, right; box.h is known */
double mli_plot_wish (mli_paper *p, const mli_plot *plot, double left, double room); /* how much of a column's width it fills:
                                                                           all, unless its axes keep a shape. box.h and right are known */
bool mli_plot_paint  (mli_paper *p, mli_plot *plot);
bool mli_plot_aligned(const mli_plot *plot);                         /* its axes stand in line with those of others */

/* --- legend.c --------------------------------------------------------------------------------------- */
typedef struct mli_legend {
    int       n, rows; /* entries shown, 0 = no legend; entries in a column */
    int       more;    /* entries without room, told by their number */
    double    entry_w, entry_h;
    mli_box   box;
    bool      outside; /* to the right of the plot's box, which the planning made narrower */
    mli_entry entries[MLI_ENTRIES];
} mli_legend;

void mli_legend_plan(mli_paper *p, mli_plot *plot, const mli_busy *busy, mli_legend *legend);
double mli_legend_width(mli_paper *p, const mli_plot *plot); /* beside the box, in one column, with what keeps it off; 0 = no legend */
void mli_legend_draw(mli_paper *p, const mli_plot *plot, const mli_legend *legend);

#endif
