#include "figure/reading.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- the point of a curve nearest along x --------------------------------------------------------------- */
/* The last of the nearest at or below a value, and of those above. Which of the two is nearer depends on the scale. */
typedef struct nearest {
    double value;
    double low_x, low_y, high_x, high_y;
    int64_t low, high; /* which points */
} nearest;

static void look_at(nearest *n, const mli_ruler *xr, const mli_ruler *yr, const double *x, const double *y, int64_t count,
                    int64_t first)
{
    for (int64_t i = 0; i < count; i++) {
        bool below = x[i] <= n->value;
        if (below ? x[i] < n->low_x : !(x[i] <= n->high_x)) continue; /* or nan */
        if (!mli_can_show(xr->scale, x[i]) || !mli_can_show(yr->scale, y[i])) continue;
        if (below)
            n->low_x = x[i], n->low_y = y[i], n->low = first + i;
        else
            n->high_x = x[i], n->high_y = y[i], n->high = first + i;
    }
}

/* No point of a full chunk that lies outside of what has been found is nearer. */
static bool is_farther(const nearest *n, const mli_extent *e)
{
    return e->whole && (e->x_high < n->low_x || e->x_low > n->high_x);
}

static void look_at_series(nearest *n, const mli_ruler *xr, const mli_ruler *yr, const mli_series *s)
{
    for (int64_t i = 0; i < s->n; i += MLI_CHUNK) {
        const mli_chunk *chunk = s->chunks[i / MLI_CHUNK];
        bool             full  = s->n - i >= MLI_CHUNK;
        if (full && is_farther(n, &chunk->extent)) continue;
        look_at(n, xr, yr, chunk->x, chunk->y, full ? MLI_CHUNK : s->n - i, i);
    }
}

static bool read_curve(const mli_view *view, const mli_mark *mark, const mli_ruler *xr, const mli_ruler *yr, double at,
                       double past, mli_averages *averages, mli_reading *r)
{
    nearest n = { mli_ruler_value(xr, at), -INFINITY, NAN, INFINITY, NAN, 0, 0 };
    if (mark->series >= 0) {
        look_at_series(&n, xr, yr, &view->series[mark->series]);
    } else {
        const mli_data *x = mli_slot(mark, "x"), *y = mli_slot(mark, "y");
        if (!x || !y) return false;
        look_at(&n, xr, yr, x->values, y->values, x->n, 0);
    }
    bool low = isfinite(n.low_x), high = isfinite(n.high_x);
    if (!low && !high) return false;
    if (low && high) low = at - mli_ruler_at(xr, n.low_x) <= mli_ruler_at(xr, n.high_x) - at;
    r->x    = low ? n.low_x : n.high_x;
    r->y    = low ? n.low_y : n.high_y;
    r->value = r->y;
    if (mark->series >= 0 && past > 0) {
        const mli_averaged *average = mli_averages_get(averages, view, mark->series, past);
        if (average) r->y = mli_average_at(average, &view->series[mark->series], low ? n.low : n.high);
        else ml_error_clear(); /* no memory just now: the value itself */
        r->smoothed = average != NULL;
    }
    mli_opt_line(mark, "label", 0, r->name, sizeof r->name);
    if (!r->name[0] && mark->series >= 0) snprintf(r->name, sizeof r->name, "%s", view->series[mark->series].name);
    return true;
}

/* --- cells ------------------------------------------------------------------------------------------------ */
static bool read_cell(const mli_mark *mark, const mli_ruler *xr, const mli_ruler *yr, double x, double y, mli_reading *r)
{
    const mli_data *m = mli_slot(mark, "values");
    if (!m) return false;
    double col = round(mli_ruler_value(xr, x)), row = round(mli_ruler_value(yr, y));
    double j = col - 1 - mli_opt_number(mark, "col_shift"), i = row - 1 - mli_opt_number(mark, "row_shift");
    if (!(i >= 0 && j >= 0 && i < (double)m->size[0] && j < (double)m->size[1])) return false;
    r->cell  = true;
    r->x     = col;
    r->y     = row;
    r->value = m->values[(int64_t)i * m->size[1] + (int64_t)j];
    return true;
}

/* --- all of a panel ----------------------------------------------------------------------------------------- */
static const mli_mark *find_mark(const mli_panel *panel, int64_t id)
{
    for (int i = 0; i < panel->n_marks; i++)
        if (panel->marks[i]->id == id) return panel->marks[i];
    return NULL; /* taken away since the picture was made */
}

int mli_readings(const mli_view *view, const mli_seen *seen, const mli_look *look, mli_averages *averages, int panel, double x,
                 double y, mli_reading *to, int room)
{
    static const mli_look plain;
    int n = 0, line = ml_mark_find("line"), heatmap = ml_mark_find("heatmap");
    if (panel < 0 || panel >= view->n_panels) return 0;
    double past = mli_smoothing(view, look ? look : &plain, panel);
    for (int i = 0; i < seen->n_marks && n < room; i++) {
        const mli_seen_mark *s    = &seen->mark[i];
        const mli_mark      *mark = s->panel == panel ? find_mark(&view->panels[panel], s->id) : NULL;
        const mli_ruler     *xr = &seen->panel[panel].ruler[MLI_X], *yr = &seen->panel[panel].ruler[s->right ? MLI_Y2 : MLI_Y];
        mli_reading          r  = { .colour = s->colour };
        bool read = mark && ((mark->kind == line && read_curve(view, mark, xr, yr, x, past, averages, &r)) ||
                             (mark->kind == heatmap && read_cell(mark, xr, yr, x, y, &r)));
        if (!read) continue;
        r.at_x  = mli_ruler_at(xr, r.x);
        r.at_y  = mli_ruler_at(yr, r.y);
        to[n++] = r;
    }
    return n;
}

int mli_readings_near(mli_reading *readings, int n, double y, int most)
{
    int kept = n < most ? n : most;
    for (int i = kept; i < n && most > 0; i++) { /* each of the others may take the place of the farthest */
        int farthest = 0;
        for (int k = 1; k < kept; k++)
            if (fabs(readings[k].at_y - y) > fabs(readings[farthest].at_y - y)) farthest = k;
        if (!(fabs(readings[i].at_y - y) < fabs(readings[farthest].at_y - y))) continue;
        memmove(&readings[farthest], &readings[farthest + 1], (size_t)(kept - 1 - farthest) * sizeof *readings);
        readings[kept - 1] = readings[i];
    }
    return kept;
}
