#include "figure/model.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

struct ml_figure {
    pthread_mutex_t      lock; /* guards now; held for copies of tables, never while drawing */
    atomic_int           refs;
    atomic_uint_fast64_t version;
    mli_view             now;
};

/* --- text ------------------------------------------------------------------------------------- */
static void copy_text(char *to, const char *from)
{
    size_t n = from ? strlen(from) : 0;
    if (n >= MLI_TEXT) {
        n = MLI_TEXT - 1;
        /* never through the middle of a UTF-8 letter */
        while (n && ((unsigned char)from[n] & 0xC0) == 0x80) n--;
    }
    if (n) memcpy(to, from, n);
    to[n] = '\0';
}

/* --- matrices --------------------------------------------------------------------------------- */
static size_t matrix_bytes(int64_t rows, int64_t cols)
{
    return sizeof(mli_matrix) + (size_t)rows * (size_t)cols * sizeof(double);
}

static void matrix_release(mli_matrix *m)
{
    if (m && atomic_fetch_sub(&m->refs, 1) == 1) ml_realloc(m, matrix_bytes(m->rows, m->cols), 0);
}

/* --- series ----------------------------------------------------------------------------------- */
static int64_t chunks_of(int64_t n)
{
    return (n + MLI_CHUNK - 1) / MLI_CHUNK;
}

static int find_series(const mli_view *view, const char *name)
{
    for (int i = 0; i < view->n_series; i++)
        if (strcmp(view->series[i].name, name) == 0) return i;
    return -1;
}

static bool reserve_series(mli_view *view, int more)
{
    int need = view->n_series + more;
    if (need <= view->series_room) return true;
    int         room  = need < 8 ? 8 : need * 2;
    size_t      each  = sizeof(mli_series);
    mli_series *fresh = ml_realloc(view->series, (size_t)view->series_room * each, (size_t)room * each);
    if (!fresh) return false;
    view->series      = fresh;
    view->series_room = room;
    return true;
}

static bool push_point(mli_series *s, double x, double y)
{
    int64_t at = s->n / MLI_CHUNK;
    if (s->n % MLI_CHUNK == 0) { /* the next chunk is new; a chunk left by a failure below is never counted */
        if (at == s->room) {
            int64_t     room = s->room ? s->room * 2 : 4;
            mli_chunk **fresh =
                ml_realloc(s->chunks, (size_t)s->room * sizeof *fresh, (size_t)room * sizeof *fresh);
            if (!fresh) return false;
            s->chunks = fresh;
            s->room   = room;
        }
        mli_chunk *chunk = ml_realloc(NULL, 0, sizeof *chunk);
        if (!chunk) return false;
        s->chunks[at] = chunk;
    }
    s->chunks[at]->x[s->n % MLI_CHUNK] = x;
    s->chunks[at]->y[s->n % MLI_CHUNK] = y;
    s->n++;
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */
ml_figure *ml_figure_new(int rows, int cols, const char *title)
{
    if (rows < 1 || cols < 1 || rows > ML_FIGURE_SIDE || cols > ML_FIGURE_SIDE)
        return ml_fail("figure: rows and cols must be 1..%d, got %d x %d", ML_FIGURE_SIDE, rows, cols);
    ml_figure *fig = ml_realloc(NULL, 0, sizeof *fig);
    if (!fig) return NULL;
    memset(fig, 0, sizeof *fig);
    size_t bytes    = (size_t)(rows * cols) * sizeof(mli_panel);
    fig->now.panels = ml_realloc(NULL, 0, bytes);
    if (!fig->now.panels) {
        ml_realloc(fig, sizeof *fig, 0);
        return NULL;
    }
    memset(fig->now.panels, 0, bytes);
    pthread_mutex_init(&fig->lock, NULL);
    fig->now.rows = rows;
    fig->now.cols = cols;
    copy_text(fig->now.title, title);
    atomic_init(&fig->refs, 1);
    atomic_init(&fig->version, 1);
    return fig;
}

ml_figure *ml_figure_retain(ml_figure *fig)
{
    if (fig) atomic_fetch_add(&fig->refs, 1);
    return fig;
}

static void drop_panels(mli_view *view)
{
    int n = view->rows * view->cols;
    if (!view->panels) return;
    for (int i = 0; i < n; i++) matrix_release(view->panels[i].matrix);
    ml_realloc(view->panels, (size_t)n * sizeof(mli_panel), 0);
}

void ml_figure_release(ml_figure *fig)
{
    if (!fig || atomic_fetch_sub(&fig->refs, 1) != 1) return;
    for (int i = 0; i < fig->now.n_series; i++) {
        mli_series *s = &fig->now.series[i];
        for (int64_t j = 0; j < chunks_of(s->n); j++) ml_realloc(s->chunks[j], sizeof(mli_chunk), 0);
        ml_realloc(s->chunks, (size_t)s->room * sizeof(mli_chunk *), 0);
    }
    ml_realloc(fig->now.series, (size_t)fig->now.series_room * sizeof(mli_series), 0);
    drop_panels(&fig->now);
    pthread_mutex_destroy(&fig->lock);
    ml_realloc(fig, sizeof *fig, 0);
}

void ml_figure_set_theme(ml_figure *fig, ml_theme theme)
{
    if (!fig) return;
    pthread_mutex_lock(&fig->lock);
    fig->now.theme = theme;
    pthread_mutex_unlock(&fig->lock);
    atomic_fetch_add(&fig->version, 1);
}

int ml_figure_panels(const ml_figure *fig)
{
    return fig ? fig->now.rows * fig->now.cols : 0;
}

static bool check_panel(const ml_figure *fig, const char *what, int panel)
{
    int n = ml_figure_panels(fig);
    if (panel >= 0 && panel < n) return true;
    /* people count from 1, and so does Lua: the message does too */
    return ml_fail("%s: panel %d does not exist, the figure has 1..%d", what, panel + 1, n);
}

/* --- curves ----------------------------------------------------------------------------------- */
static bool check_limits(const char *what, const char *axis, const double lim[2], ml_scale scale)
{
    if (lim[0] == lim[1]) return true;
    if (!isfinite(lim[0]) || !isfinite(lim[1]) || lim[0] > lim[1])
        return ml_fail("%s: %slim must be two finite numbers, low then high; got %g, %g", what, axis, lim[0],
                       lim[1]);
    if (scale == ML_SCALE_LOG && lim[0] <= 0)
        return ml_fail("%s: %slim starts at %g, a log axis needs a positive start", what, axis, lim[0]);
    return true;
}

bool ml_figure_lines(ml_figure *fig, int panel, const char *const *names, int n, const ml_panel_opts *opts)
{
    static const ml_panel_opts defaults;
    if (!fig) return false;
    if (!opts) opts = &defaults;
    if (!check_panel(fig, "lines", panel)) return false;
    if (n < 0 || n > ML_PANEL_SERIES)
        return ml_fail("lines: a panel shows at most %d series, got %d", ML_PANEL_SERIES, n);
    if (n > 0 && !names) return ml_fail("lines: %d series without names", n);
    for (int i = 0; i < n; i++) {
        size_t length = names[i] ? strlen(names[i]) : 0;
        if (length == 0 || length >= ML_SERIES_NAME)
            return ml_fail("lines: the name of series %d must have 1..%d bytes, has %zu", i + 1,
                           ML_SERIES_NAME - 1, length);
        for (int j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                return ml_fail("lines: '%s' is named twice in one panel", names[i]);
    }
    if (!check_limits("lines", "x", opts->xlim, opts->xscale) ||
        !check_limits("lines", "y", opts->ylim, opts->yscale))
        return false;

    pthread_mutex_lock(&fig->lock);
    bool ok = reserve_series(&fig->now, n);
    if (ok) {
        mli_panel *p = &fig->now.panels[panel];
        matrix_release(p->matrix);
        memset(p, 0, sizeof *p);
        p->kind = MLI_LINES;
        copy_text(p->title, opts->title);
        copy_text(p->xlabel, opts->xlabel);
        copy_text(p->ylabel, opts->ylabel);
        p->xscale = opts->xscale;
        p->yscale = opts->yscale;
        memcpy(p->xlim, opts->xlim, sizeof p->xlim);
        memcpy(p->ylim, opts->ylim, sizeof p->ylim);
        p->n_series = n;
        for (int i = 0; i < n; i++) {
            int at = find_series(&fig->now, names[i]);
            if (at < 0) {
                at = fig->now.n_series++;
                memset(&fig->now.series[at], 0, sizeof(mli_series));
                memcpy(fig->now.series[at].name, names[i], strlen(names[i]) + 1);
            }
            p->series[i] = at;
        }
    }
    pthread_mutex_unlock(&fig->lock);
    if (ok) atomic_fetch_add(&fig->version, 1);
    return ok;
}

bool ml_figure_point(ml_figure *fig, const char *name, double x, double y)
{
    if (!fig) return false;
    pthread_mutex_lock(&fig->lock);
    int  at = find_series(&fig->now, name);
    bool ok = at >= 0 ? push_point(&fig->now.series[at], x, y)
                      : (ml_fail("point: no panel shows '%s' (declare it with lines)", name), false);
    pthread_mutex_unlock(&fig->lock);
    if (ok) atomic_fetch_add(&fig->version, 1);
    return ok;
}

bool ml_figure_shows(ml_figure *fig, const char *name)
{
    if (!fig) return false;
    pthread_mutex_lock(&fig->lock);
    bool found = find_series(&fig->now, name) >= 0;
    pthread_mutex_unlock(&fig->lock);
    return found;
}

/* --- heatmaps --------------------------------------------------------------------------------- */
bool ml_figure_heatmap(ml_figure *fig, int panel, const ml_heatmap_opts *opts)
{
    static const ml_heatmap_opts defaults;
    if (!fig) return false;
    if (!opts) opts = &defaults;
    if (!check_panel(fig, "heatmap", panel)) return false;
    const double *lim = opts->limits;
    if (lim[0] != lim[1] && (!isfinite(lim[0]) || !isfinite(lim[1]) || lim[0] > lim[1]))
        return ml_fail("heatmap: limits must be two finite numbers, low then high; got %g, %g", lim[0],
                       lim[1]);
    pthread_mutex_lock(&fig->lock);
    mli_panel *p = &fig->now.panels[panel];
    matrix_release(p->matrix);
    memset(p, 0, sizeof *p);
    p->kind = MLI_HEATMAP;
    copy_text(p->title, opts->title);
    copy_text(p->xlabel, opts->xlabel);
    copy_text(p->ylabel, opts->ylabel);
    memcpy(p->limits, lim, sizeof p->limits);
    p->diverging = opts->diverging;
    p->stretch   = opts->stretch;
    p->row_shift = opts->row_shift;
    p->col_shift = opts->col_shift;
    pthread_mutex_unlock(&fig->lock);
    atomic_fetch_add(&fig->version, 1);
    return true;
}

bool ml_figure_heatmap_set(ml_figure *fig, int panel, int64_t rows, int64_t cols, const double *values)
{
    if (!fig) return false;
    if (!check_panel(fig, "heatmap", panel)) return false;
    if (rows < 1 || cols < 1 || rows > INT32_MAX / cols)
        return ml_fail("heatmap: needs at least one cell and at most 2^31, got %lld x %lld", (long long)rows,
                       (long long)cols);
    if (!values) return ml_fail("heatmap: no values");
    mli_matrix *fresh = ml_realloc(NULL, 0, matrix_bytes(rows, cols));
    if (!fresh) return false;
    atomic_init(&fresh->refs, 1);
    fresh->rows = rows;
    fresh->cols = cols;
    memcpy(fresh->values, values, (size_t)(rows * cols) * sizeof(double)); /* before the lock: no one waits */
    pthread_mutex_lock(&fig->lock);
    mli_panel  *p     = &fig->now.panels[panel];
    bool        ok    = p->kind == MLI_HEATMAP;
    mli_matrix *spare = ok ? p->matrix : fresh;
    if (ok) p->matrix = fresh;
    pthread_mutex_unlock(&fig->lock);
    matrix_release(spare);
    if (!ok) return ml_fail("heatmap: panel %d was not declared as a heatmap", panel + 1);
    atomic_fetch_add(&fig->version, 1);
    return true;
}

/* --- snapshots -------------------------------------------------------------------------------- */
static bool copy_tables(const mli_view *now, mli_view *view)
{
    size_t panels = (size_t)(now->rows * now->cols) * sizeof(mli_panel);
    view->panels  = ml_realloc(NULL, 0, panels);
    if (!view->panels) return false;
    memcpy(view->panels, now->panels, panels);
    for (int i = 0; i < now->rows * now->cols; i++)
        if (view->panels[i].matrix) atomic_fetch_add(&view->panels[i].matrix->refs, 1);

    if (now->n_series == 0) return true;
    view->series = ml_realloc(NULL, 0, (size_t)now->n_series * sizeof(mli_series));
    if (!view->series) return false;
    view->series_room = now->n_series;
    for (int i = 0; i < now->n_series; i++) {
        mli_series       *to   = &view->series[i];
        const mli_series *from = &now->series[i];
        *to                    = *from;
        to->room               = chunks_of(from->n);
        to->chunks             = NULL;
        view->n_series         = i + 1;
        if (!to->room) continue;
        to->chunks = ml_realloc(NULL, 0, (size_t)to->room * sizeof(mli_chunk *));
        if (!to->chunks) {
            to->room = 0;
            return false;
        }
        memcpy(to->chunks, from->chunks, (size_t)to->room * sizeof(mli_chunk *));
    }
    return true;
}

bool mli_view_take(ml_figure *fig, mli_view *view)
{
    pthread_mutex_lock(&fig->lock);
    *view             = fig->now;
    view->panels      = NULL;
    view->series      = NULL;
    view->n_series    = 0;
    view->series_room = 0;
    bool ok           = copy_tables(&fig->now, view);
    pthread_mutex_unlock(&fig->lock);
    if (!ok) mli_view_drop(view);
    return ok;
}

void mli_view_drop(mli_view *view)
{
    for (int i = 0; i < view->n_series; i++)
        ml_realloc(view->series[i].chunks, (size_t)view->series[i].room * sizeof(mli_chunk *), 0);
    ml_realloc(view->series, (size_t)view->series_room * sizeof(mli_series), 0);
    drop_panels(view);
    memset(view, 0, sizeof *view);
}

uint64_t mli_figure_version(ml_figure *fig)
{
    return atomic_load(&fig->version);
}
