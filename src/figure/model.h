/* What a figure holds, and a snapshot of it.
 *
 * Points are written once and never move: a series is a table of chunks that only grows at its end. Marks and their
 * numbers are replaced, never changed, and counted. A snapshot is therefore a copy of the tables, not of what they
 * lead to; it stays valid as long as its figure does. */
#ifndef MLI_FIGURE_MODEL_H
#define MLI_FIGURE_MODEL_H

#include "moonlab/figure.h"
#include "moonlab/marks.h"

#include <stdatomic.h>

#define MLI_TEXT  192 /* bytes of a title or a label; longer ones are cut */
#define MLI_CHUNK 512 /* points a chunk */
#define MLI_BLOCK 16  /* points a block, of which a chunk knows the range of y */
#define MLI_BLOCKS (MLI_CHUNK / MLI_BLOCK)

/* --- series --------------------------------------------------------------------------------------- */
typedef struct mli_extent { /* of a full chunk */
    double x_low, x_high;
    double y_low, y_high; /* of the y that are finite; low > high: there are none */
    bool   whole;         /* every point is finite; else x_low and x_high mean nothing */
    bool   rising;        /* x never falls */
    double low[MLI_BLOCKS], high[MLI_BLOCKS]; /* of y, by blocks */
} mli_extent;

typedef struct mli_chunk {
    double     x[MLI_CHUNK], y[MLI_CHUNK];
    mli_extent extent; /* written when the last point is */
} mli_chunk;

typedef struct mli_series {
    char        name[ML_SERIES_NAME];
    int64_t     n;      /* points */
    int64_t     room;   /* entries of the table below */
    mli_chunk **chunks; /* the first ceil(n / MLI_CHUNK) are there */
} mli_series;

/* --- marks ------------------------------------------------------------------------------------------ */
typedef struct mli_data {
    atomic_int refs;
    int64_t    n, size[ML_MARK_DIMS]; /* missing dimensions are 1 */
    double     values[];
} mli_data;

typedef struct mli_value { /* of an option: its default, unless given */
    bool   given;
    double number[2];
    int    text; /* where in the mark's texts; -1 = none */
} mli_value;

typedef struct mli_mark { /* never changed once it is in a panel */
    atomic_int refs;
    int        kind;   /* in the table of marks */
    int64_t    id;     /* the same for all that follow each other in one place */
    int        series; /* of a line that grows; -1 = none */
    mli_value  options[ML_MARK_OPTIONS];
    mli_data  *data[ML_MARK_SLOTS]; /* NULL = not given */
    size_t     text_bytes;
    char       texts[];
} mli_mark;

/* What has a name that the kind does not know is a mistake of ours: then these return NULL. */
const mli_value *mli_option(const mli_mark *mark, const char *name);
const mli_data  *mli_slot  (const mli_mark *mark, const char *name);
double           mli_opt_number(const mli_mark *mark, const char *name);
bool             mli_opt_flag(const mli_mark *mark, const char *name);
const char      *mli_opt_text(const mli_mark *mark, const char *name);          /* "" when not given */
const char      *mli_opt_line(const mli_mark *mark, const char *name, int64_t i, char *to, size_t room); /* of texts; "" */
bool             mli_opt_word(const mli_mark *mark, const char *name, const char *word); /* is it this one? */
bool             mli_has_data(const mli_mark *mark);                          /* all that it must have */

/* --- panels ----------------------------------------------------------------------------------------- */
enum { MLI_X, MLI_Y, MLI_Y2, MLI_AXES };

typedef struct mli_panel {
    int        row, col, n_rows, n_cols; /* its cells */
    char       title[MLI_TEXT], label[MLI_AXES][MLI_TEXT];
    ml_scale   scale[MLI_AXES];
    double     lim[MLI_AXES][2];
    bool       equal, no_legend;
    double     smooth; /* the weight of the past in curves that grow, 0 to below 1 */
    int        n_marks, room;
    mli_mark **marks;
} mli_panel;

typedef struct mli_view {
    int         rows, cols, n_panels, n_series, series_room;
    bool        share_x, share_y;
    char        title[MLI_TEXT];
    ml_style    style;
    mli_panel  *panels;
    mli_series *series;
} mli_view;

bool     mli_view_take(ml_figure *fig, mli_view *view); /* a snapshot; the caller keeps fig until mli_view_drop */
void     mli_view_drop(mli_view *view);
uint64_t mli_figure_version(ml_figure *fig);            /* changes whenever a picture of it would */
ml_knobs *mli_figure_knobs(ml_figure *fig);             /* retained; NULL: none */

#endif
