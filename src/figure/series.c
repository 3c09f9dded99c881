/* Curves that grow: their points, and the marks that show them. */
#include "figure/figure_impl.h"

#include <math.h>
#include <string.h>

static int64_t chunks_of(int64_t n)
{
    return (n + MLI_CHUNK - 1) / MLI_CHUNK;
}

int mli_series_find(const mli_view *view, const char *name)
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

static void measure(mli_chunk *c)
{
    mli_extent *e = &c->extent;
    e->x_low = e->y_low = INFINITY;
    e->x_high = e->y_high = -INFINITY;
    e->whole = e->rising = true;
    for (int k = 0; k < MLI_CHUNK / MLI_BLOCK; k++) {
        double low = INFINITY, high = -INFINITY;
        for (int i = k * MLI_BLOCK; i < (k + 1) * MLI_BLOCK; i++) {
            e->whole &= isfinite(c->x[i]) && isfinite(c->y[i]);
            e->rising &= i == 0 || c->x[i] >= c->x[i - 1];
            e->x_low = c->x[i] < e->x_low ? c->x[i] : e->x_low, e->x_high = c->x[i] > e->x_high ? c->x[i] : e->x_high;
            if (!isfinite(c->y[i])) continue;
            low = c->y[i] < low ? c->y[i] : low, high = c->y[i] > high ? c->y[i] : high;
        }
        e->low[k] = low, e->high[k] = high;
        e->y_low = low < e->y_low ? low : e->y_low, e->y_high = high > e->y_high ? high : e->y_high;
    }
}

static bool push_point(mli_series *s, double x, double y)
{
    int64_t at = s->n / MLI_CHUNK, i = s->n % MLI_CHUNK;
    if (i == 0) { /* the next chunk is new; a chunk left by a failure below is never counted */
        if (at == s->room) {
            int64_t     room  = s->room ? s->room * 2 : 4;
            mli_chunk **fresh = ml_realloc(s->chunks, (size_t)s->room * sizeof *fresh, (size_t)room * sizeof *fresh);
            if (!fresh) return false;
            s->chunks = fresh;
            s->room   = room;
        }
        mli_chunk *chunk = ml_realloc(NULL, 0, sizeof *chunk);
        if (!chunk) return false;
        s->chunks[at] = chunk;
    }
    s->chunks[at]->x[i] = x;
    s->chunks[at]->y[i] = y;
    if (i == MLI_CHUNK - 1) measure(s->chunks[at]);
    s->n++;
    return true;
}

/* --- for snapshots ----------------------------------------------------------------------------------- */
bool mli_series_copy(const mli_view *now, mli_view *view)
{
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

void mli_series_drop(mli_view *view, bool points)
{
    for (int i = 0; i < view->n_series; i++) {
        mli_series *s = &view->series[i];
        for (int64_t j = 0; points && j < chunks_of(s->n); j++) ml_realloc(s->chunks[j], sizeof(mli_chunk), 0);
        ml_realloc(s->chunks, (size_t)s->room * sizeof(mli_chunk *), 0);
    }
    ml_realloc(view->series, (size_t)view->series_room * sizeof(mli_series), 0);
}

/* --- declaring --------------------------------------------------------------------------------------- */
static bool check_name(const char *what, int i, const char *name)
{
    size_t length = name ? strlen(name) : 0;
    return (length > 0 && length < ML_SERIES_NAME) ||
           ml_fail("%s: the name of series %d must have 1..%d bytes, has %zu", what, i + 1, ML_SERIES_NAME - 1, length);
}

static bool check_names(const char *const *names, int n)
{
    if (n < 0 || n > ML_PANEL_MARKS)
        return ml_fail("lines: a panel shows at most %d series, got %d", ML_PANEL_MARKS, n);
    if (n > 0 && !names) return ml_fail("lines: %d series without names", n);
    for (int i = 0; i < n; i++) {
        if (!check_name("lines", i, names[i])) return false;
        for (int j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0) return ml_fail("lines: '%s' is named twice in one panel", names[i]);
    }
    return true;
}

static bool shows(const mli_panel *panel, int series)
{
    for (int i = 0; i < panel->n_marks; i++)
        if (panel->marks[i]->series == series) return true;
    return false;
}

/* All or nothing: what is added before a failure is taken away again. */
static bool add_lines(ml_figure *fig, mli_panel *panel, const char *const *names, int n, const ml_given *options, int n_options)
{
    int n_marks = panel->n_marks, n_series = fig->now.n_series;
    if (!reserve_series(&fig->now, n) || !mli_panel_reserve(panel, n)) return false;
    for (int i = 0; i < n; i++) {
        int at = mli_series_find(&fig->now, names[i]);
        if (at >= 0 && shows(panel, at)) continue;
        if (at < 0) {
            at = fig->now.n_series++;
            memset(&fig->now.series[at], 0, sizeof(mli_series));
            memcpy(fig->now.series[at].name, names[i], strlen(names[i]) + 1);
        }
        mli_mark *mark = mli_mark_of_series(fig, at, options, n_options);
        if (!mark) {
            while (panel->n_marks > n_marks) mli_mark_release(panel->marks[--panel->n_marks]);
            fig->now.n_series = n_series;
            return false;
        }
        panel->marks[panel->n_marks++] = mark;
    }
    return true;
}

bool ml_figure_lines(ml_figure *fig, int panel, const char *const *names, int n, const ml_panel_opts *opts)
{
    static const ml_panel_opts defaults;
    if (!fig) return false;
    if (!opts) opts = &defaults;
    if (!mli_check_panel(fig, "lines", panel) || !check_names(names, n)) return false;
    pthread_mutex_lock(&fig->lock);
    mli_panel *p  = &fig->now.panels[panel];
    ml_given   right = { .name = "right", .number = { 1 } };
    bool       ok = mli_check_opts("lines", p, opts) && add_lines(fig, p, names, n, &right, opts->right);
    if (ok) mli_set_opts(p, opts);
    pthread_mutex_unlock(&fig->lock);
    if (ok) mli_changed(fig);
    return ok;
}

bool ml_figure_curve(ml_figure *fig, int panel, const char *name, const ml_given *options, int n)
{
    if (!fig) return false;
    if (!mli_check_panel(fig, "curve", panel) || !check_name("curve", 0, name)) return false;
    pthread_mutex_lock(&fig->lock);
    bool ok = add_lines(fig, &fig->now.panels[panel], &name, 1, options, n);
    pthread_mutex_unlock(&fig->lock);
    if (ok) mli_changed(fig);
    return ok;
}

/* --- points -------------------------------------------------------------------------------------------- */
bool ml_figure_points(ml_figure *fig, const char *name, const double *x, const double *y, int64_t n)
{
    if (!fig) return false;
    pthread_mutex_lock(&fig->lock);
    int  at = mli_series_find(&fig->now, name);
    bool ok = at >= 0 || ml_fail("point: no panel shows '%s' (declare it with lines)", name);
    for (int64_t i = 0; i < n && ok; i++) ok = push_point(&fig->now.series[at], x[i], y[i]);
    pthread_mutex_unlock(&fig->lock);
    if (at >= 0 && n > 0) mli_changed(fig);
    return ok;
}

bool ml_figure_point(ml_figure *fig, const char *name, double x, double y)
{
    return ml_figure_points(fig, name, &x, &y, 1);
}

bool ml_figure_shows(ml_figure *fig, const char *name)
{
    if (!fig) return false;
    pthread_mutex_lock(&fig->lock);
    bool found = mli_series_find(&fig->now, name) >= 0;
    pthread_mutex_unlock(&fig->lock);
    return found;
}
