/* What a figure holds, and a snapshot of it.
 *
 * Points are written once and never move: a series is a table of chunks that only grows at its end. A snapshot is
 * therefore a copy of the tables, not of the points; it stays valid as long as its figure does. Matrices are
 * replaced, never changed, and counted. */
#ifndef MLI_FIGURE_MODEL_H
#define MLI_FIGURE_MODEL_H

#include "moonlab/figure.h"

#include <stdatomic.h>

#define MLI_TEXT  192 /* bytes of a title or a label; longer ones are cut */
#define MLI_CHUNK 512 /* points a chunk */

typedef struct mli_chunk {
    double x[MLI_CHUNK], y[MLI_CHUNK];
} mli_chunk;

typedef struct mli_series {
    char        name[ML_SERIES_NAME];
    int64_t     n;      /* points */
    int64_t     room;   /* entries of the table below */
    mli_chunk **chunks; /* the first ceil(n / MLI_CHUNK) are there */
} mli_series;

static inline void mli_point_at(const mli_series *s, int64_t i, double *x, double *y)
{
    const mli_chunk *chunk = s->chunks[i / MLI_CHUNK];
    *x = chunk->x[i % MLI_CHUNK];
    *y = chunk->y[i % MLI_CHUNK];
}

typedef struct mli_matrix {
    atomic_int refs;
    int64_t    rows, cols;
    double     values[]; /* (rows, cols) */
} mli_matrix;

typedef enum mli_kind { MLI_EMPTY, MLI_LINES, MLI_HEATMAP } mli_kind;

typedef struct mli_panel {
    mli_kind    kind;
    char        title[MLI_TEXT], xlabel[MLI_TEXT], ylabel[MLI_TEXT];
    ml_scale    xscale, yscale;
    double      xlim[2], ylim[2];
    int         n_series, series[ML_PANEL_SERIES]; /* indices into the figure's series */
    double      limits[2];
    bool        diverging, stretch;
    int64_t     row_shift, col_shift;
    mli_matrix *matrix; /* NULL before the first values */
} mli_panel;

typedef struct mli_view {
    int         rows, cols, n_series;
    char        title[MLI_TEXT];
    ml_theme    theme;
    mli_panel  *panels;
    mli_series *series;
    int         series_room;
} mli_view;

bool     mli_view_take(ml_figure *fig, mli_view *view); /* a snapshot; the caller keeps fig until mli_view_drop */
void     mli_view_drop(mli_view *view);
uint64_t mli_figure_version(ml_figure *fig);            /* changes whenever a picture of it would */

#endif
