/* What the files of the core's half share: the figure itself. */
#ifndef MLI_FIGURE_IMPL_H
#define MLI_FIGURE_IMPL_H

#include "figure/model.h"

#include <pthread.h>

struct ml_figure {
    pthread_mutex_t      lock; /* guards now; held for copies of tables, never while drawing */
    atomic_int           refs;
    atomic_uint_fast64_t version;
    int64_t              last_id; /* of marks */
    ml_knobs            *knobs;   /* or NULL */
    mli_view             now;
};

/* figure.c */
void mli_copy_text(char to[MLI_TEXT], const char *from);
bool mli_check_panel(const ml_figure *fig, const char *what, int panel);
bool mli_check_opts(const char *what, const mli_panel *now, const ml_panel_opts *opts);
void mli_set_opts(mli_panel *panel, const ml_panel_opts *opts);
void mli_changed(ml_figure *fig);

/* series.c; the caller has the lock */
int  mli_series_find(const mli_view *view, const char *name); /* -1 = none */
void mli_series_drop(mli_view *view, bool points);            /* a snapshot owns its tables only */
bool mli_series_copy(const mli_view *now, mli_view *view);

/* marks.c; the caller has the lock */
mli_mark *mli_mark_of_series(ml_figure *fig, int series, const ml_given *options, int n); /* NULL with a message */
void      mli_mark_release(mli_mark *mark);
bool      mli_panel_reserve(mli_panel *panel, int more);
void      mli_panel_empty(mli_panel *panel);

#endif
