/* A figure's life, its panels, and snapshots of it. */
#include "figure/figure_impl.h"

#include <math.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------------------- */
void mli_copy_text(char to[MLI_TEXT], const char *from)
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

/* --- the grid of panels ----------------------------------------------------------------------------- */
typedef struct grid {
    int       rows, cols, n;
    mli_panel at[ML_FIGURE_SIDE * ML_FIGURE_SIDE];
} grid;

static bool grid_plain(grid *g, int rows, int cols)
{
    if (rows < 1 || cols < 1 || rows > ML_FIGURE_SIDE || cols > ML_FIGURE_SIDE)
        return ml_fail("figure: rows and cols must be 1..%d, got %d x %d", ML_FIGURE_SIDE, rows, cols);
    g->rows = rows;
    g->cols = cols;
    for (g->n = 0; g->n < rows * cols; g->n++) {
        mli_panel *p = &g->at[g->n];
        p->row = g->n / cols, p->col = g->n % cols, p->n_rows = p->n_cols = 1;
    }
    return true;
}

/* "aab ccb" as a table of letters; 0 where there is no panel. */
static bool read_layout(const char *layout, char cells[ML_FIGURE_SIDE][ML_FIGURE_SIDE], int *rows, int *cols)
{
    *rows = *cols = 0;
    for (const char *c = layout; *c;) {
        size_t n = strcspn(c, " \n\t");
        if (n == 0) {
            c++;
            continue;
        }
        if (*rows == ML_FIGURE_SIDE || n > ML_FIGURE_SIDE || (*cols && n != (size_t)*cols))
            return ml_fail(
                "figure: layout has 1..%d rows of equally many letters, 1..%d, as in \"aab ccb\"; got \"%s\"",
                ML_FIGURE_SIDE, ML_FIGURE_SIDE, layout);
        *cols = (int)n;
        for (size_t i = 0; i < n; i++) cells[*rows][i] = c[i] == '.' ? '\0' : c[i];
        ++*rows;
        c += n;
    }
    return *rows || ml_fail("figure: layout is empty; it is like \"aab ccb\"");
}

static bool grid_layout(grid *g, const char *layout)
{
    char cells[ML_FIGURE_SIDE][ML_FIGURE_SIDE] = { { 0 } };
    if (!read_layout(layout, cells, &g->rows, &g->cols)) return false;
    for (int r = 0; r < g->rows; r++)
        for (int c = 0; c < g->cols; c++) {
            char letter = cells[r][c];
            if (!letter) continue;
            mli_panel p = { .row = r, .col = c };
            while (c + p.n_cols < g->cols && cells[r][c + p.n_cols] == letter) p.n_cols++;
            while (r + p.n_rows < g->rows && cells[r + p.n_rows][c] == letter) p.n_rows++;
            for (int i = 0; i < p.n_rows; i++)
                for (int j = 0; j < p.n_cols; j++) {
                    if (cells[r + i][c + j] != letter)
                        return ml_fail("figure: layout \"%s\": the cells of '%c' are no rectangle", layout, letter);
                    cells[r + i][c + j] = '\0';
                }
            for (int i = 0; i < g->rows * g->cols; i++)
                if (cells[i / g->cols][i % g->cols] == letter)
                    return ml_fail("figure: layout \"%s\": the cells of '%c' are no rectangle", layout, letter);
            g->at[g->n++] = p;
        }
    return g->n || ml_fail("figure: layout \"%s\" has no panel", layout);
}

/* --- life ------------------------------------------------------------------------------------- */
ml_figure *ml_figure_new(int rows, int cols, const char *title)
{
    if (rows == 0 || cols == 0)
        return ml_fail("figure: rows and cols must be 1..%d, got %d x %d", ML_FIGURE_SIDE, rows, cols);
    return ml_figure_make(&(ml_figure_opts){ .rows = rows, .cols = cols, .title = title });
}

ml_figure *ml_figure_make(const ml_figure_opts *opts)
{
    static const ml_figure_opts defaults;
    if (!opts) opts = &defaults;
    grid g    = { 0 };
    bool good = opts->layout ? grid_layout(&g, opts->layout)
                             : grid_plain(&g, opts->rows ? opts->rows : 1, opts->cols ? opts->cols : 1);
    if (!good) return NULL;
    ml_figure *fig = ml_realloc(NULL, 0, sizeof *fig);
    if (!fig) return NULL;
    memset(fig, 0, sizeof *fig);
    size_t bytes    = (size_t)g.n * sizeof(mli_panel);
    fig->now.panels = ml_realloc(NULL, 0, bytes);
    if (!fig->now.panels) {
        ml_realloc(fig, sizeof *fig, 0);
        return NULL;
    }
    memcpy(fig->now.panels, g.at, bytes);
    pthread_mutex_init(&fig->lock, NULL);
    fig->now.rows     = g.rows;
    fig->now.cols     = g.cols;
    fig->now.n_panels = g.n;
    fig->now.share_x  = opts->share_x;
    fig->now.share_y  = opts->share_y;
    fig->now.style    = opts->style;
    mli_copy_text(fig->now.title, opts->title);
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
    if (!view->panels) return;
    for (int i = 0; i < view->n_panels; i++) mli_panel_empty(&view->panels[i]);
    ml_realloc(view->panels, (size_t)view->n_panels * sizeof(mli_panel), 0);
}

void ml_figure_release(ml_figure *fig)
{
    if (!fig || atomic_fetch_sub(&fig->refs, 1) != 1) return;
    mli_series_drop(&fig->now, true);
    drop_panels(&fig->now);
    ml_knobs_release(fig->knobs);
    pthread_mutex_destroy(&fig->lock);
    ml_realloc(fig, sizeof *fig, 0);
}

void mli_changed(ml_figure *fig)
{
    atomic_fetch_add(&fig->version, 1);
}

void ml_figure_set_style(ml_figure *fig, ml_style style)
{
    if (!fig) return;
    pthread_mutex_lock(&fig->lock);
    fig->now.style = style;
    pthread_mutex_unlock(&fig->lock);
    mli_changed(fig);
}

void ml_figure_set_title(ml_figure *fig, const char *title)
{
    if (!fig) return;
    pthread_mutex_lock(&fig->lock);
    mli_copy_text(fig->now.title, title);
    pthread_mutex_unlock(&fig->lock);
    mli_changed(fig);
}

bool ml_figure_arrange(ml_figure *fig, int rows, int cols)
{
    grid g = { 0 };
    if (!fig || !grid_plain(&g, rows, cols)) return false;
    pthread_mutex_lock(&fig->lock);
    mli_view  *now  = &fig->now;
    int        had  = now->n_panels, used = had;
    while (used > 0 && now->panels[used - 1].n_marks == 0) used--;
    bool       room  = used <= g.n;
    for (int i = used; i < had && room; i++) mli_panel_empty(&now->panels[i]);
    mli_panel *fresh = room ? ml_realloc(now->panels, (size_t)had * sizeof *fresh, (size_t)g.n * sizeof *fresh) : NULL;
    for (int i = 0; i < g.n && fresh; i++) {
        if (i >= used) fresh[i] = g.at[i];
        fresh[i].row = g.at[i].row, fresh[i].col = g.at[i].col, fresh[i].n_rows = fresh[i].n_cols = 1;
    }
    if (fresh) {
        now->panels   = fresh;
        now->n_panels = g.n;
        now->rows     = rows;
        now->cols     = cols;
    }
    pthread_mutex_unlock(&fig->lock);
    if (!room) return ml_fail("figure: %d x %d is too little room for its %d panels", rows, cols, used);
    if (fresh) mli_changed(fig);
    return fresh != NULL;
}

void ml_figure_set_knobs(ml_figure *fig, ml_knobs *knobs)
{
    if (!fig) return;
    ml_knobs_retain(knobs);
    pthread_mutex_lock(&fig->lock);
    ml_knobs *old = fig->knobs;
    fig->knobs    = knobs;
    pthread_mutex_unlock(&fig->lock);
    ml_knobs_release(old);
    mli_changed(fig);
}

ml_knobs *mli_figure_knobs(ml_figure *fig)
{
    pthread_mutex_lock(&fig->lock);
    ml_knobs *knobs = ml_knobs_retain(fig->knobs);
    pthread_mutex_unlock(&fig->lock);
    return knobs;
}

/* --- panels ------------------------------------------------------------------------------------- */
int ml_figure_panels(const ml_figure *fig)
{
    return fig ? fig->now.n_panels : 0;
}

bool mli_check_panel(const ml_figure *fig, const char *what, int panel)
{
    int n = ml_figure_panels(fig);
    if (panel >= 0 && panel < n) return true;
    /* people count from 1, and so does Lua: the message does too */
    return ml_fail("%s: panel %d does not exist, the figure has 1..%d", what, panel + 1, n);
}

bool mli_check_opts(const char *what, const mli_panel *now, const ml_panel_opts *opts)
{
    static const char *const axes[MLI_AXES]   = { "x", "y", "y2" };
    const double *const      lims[MLI_AXES]   = { opts->xlim, opts->ylim, opts->y2lim };
    const ml_scale           scales[MLI_AXES] = { opts->xscale, opts->yscale, opts->y2scale };
    for (int i = 0; i < MLI_AXES; i++) {
        bool          given = lims[i][0] != lims[i][1];
        const double *lim   = given ? lims[i] : now->lim[i];
        ml_scale      scale = scales[i] ? scales[i] : now->scale[i];
        if (given && (!isfinite(lim[0]) || !isfinite(lim[1]) || lim[0] > lim[1]))
            return ml_fail("%s: %slim must be two finite numbers, low then high; got %g, %g", what, axes[i], lim[0],
                           lim[1]);
        if (scale == ML_SCALE_LOG && lim[0] != lim[1] && lim[0] <= 0)
            return ml_fail("%s: %slim starts at %g, a log axis needs a positive start", what, axes[i], lim[0]);
    }
    if (!(opts->smooth < 1))
        return ml_fail("%s: smooth is the weight of the past, 0 to below 1; got %g", what, opts->smooth);
    return true;
}

void mli_set_opts(mli_panel *p, const ml_panel_opts *opts)
{
    const char *const   labels[MLI_AXES] = { opts->xlabel, opts->ylabel, opts->y2label };
    const double *const lims[MLI_AXES]   = { opts->xlim, opts->ylim, opts->y2lim };
    const ml_scale      scales[MLI_AXES] = { opts->xscale, opts->yscale, opts->y2scale };
    if (opts->title) mli_copy_text(p->title, opts->title);
    for (int i = 0; i < MLI_AXES; i++) {
        if (labels[i]) mli_copy_text(p->label[i], labels[i]);
        if (scales[i]) p->scale[i] = scales[i];
        if (lims[i][0] != lims[i][1]) memcpy(p->lim[i], lims[i], sizeof p->lim[i]);
    }
    p->equal |= opts->equal;
    p->no_legend |= opts->no_legend;
    if (opts->smooth != 0) p->smooth = opts->smooth > 0 ? opts->smooth : 0;
}

bool ml_figure_panel(ml_figure *fig, int panel, const ml_panel_opts *opts)
{
    if (!fig) return false;
    if (!mli_check_panel(fig, "panel", panel)) return false;
    pthread_mutex_lock(&fig->lock);
    bool ok = !opts || mli_check_opts("panel", &fig->now.panels[panel], opts);
    if (ok && opts) mli_set_opts(&fig->now.panels[panel], opts);
    pthread_mutex_unlock(&fig->lock);
    if (ok) mli_changed(fig);
    return ok;
}

bool ml_figure_clear(ml_figure *fig, int panel)
{
    if (!fig) return false;
    if (!mli_check_panel(fig, "clear", panel)) return false;
    pthread_mutex_lock(&fig->lock);
    mli_panel *p = &fig->now.panels[panel];
    mli_panel_empty(p);
    *p = (mli_panel){ .row = p->row, .col = p->col, .n_rows = p->n_rows, .n_cols = p->n_cols };
    pthread_mutex_unlock(&fig->lock);
    mli_changed(fig);
    return true;
}

/* --- snapshots -------------------------------------------------------------------------------- */
static bool copy_panels(const mli_view *now, mli_view *view)
{
    size_t bytes = (size_t)now->n_panels * sizeof(mli_panel);
    view->panels = ml_realloc(NULL, 0, bytes);
    if (!view->panels) return false;
    memcpy(view->panels, now->panels, bytes);
    for (int i = 0; i < now->n_panels; i++)
        view->panels[i].n_marks = view->panels[i].room = 0, view->panels[i].marks = NULL;
    for (int i = 0; i < now->n_panels; i++) {
        const mli_panel *from = &now->panels[i];
        mli_panel       *to   = &view->panels[i];
        if (!mli_panel_reserve(to, from->n_marks)) return false;
        for (int k = 0; k < from->n_marks; k++) {
            atomic_fetch_add(&from->marks[k]->refs, 1);
            to->marks[k] = from->marks[k];
        }
        to->n_marks = from->n_marks;
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
    bool ok           = copy_panels(&fig->now, view) && mli_series_copy(&fig->now, view);
    pthread_mutex_unlock(&fig->lock);
    if (!ok) mli_view_drop(view);
    return ok;
}

void mli_view_drop(mli_view *view)
{
    mli_series_drop(view, false);
    drop_panels(view);
    memset(view, 0, sizeof *view);
}

uint64_t mli_figure_version(ml_figure *fig)
{
    return atomic_load(&fig->version);
}
