/* Curves.
 *
 * A curve is traced into pixel columns: of all points that fall into one column only the first, the lowest, the
 * highest and the last are drawn; where the curve goes up and down within the column, as a bar, since Cairo takes ten
 * times longer for the same zigzag. That is the same picture, spikes included, at a cost that depends on the paper. */
#include "figure/paint.h"

#include <math.h>
#include <stdlib.h>

#define LINE_WIDTH 1.6
#define DOT_RADIUS 2.4
#define FAR        1e6 /* in widths of the box: beyond, a place is as good as there */
#define LONG_PATH  256 /* Cairo's cost grows faster than the length of a path */
#define ZIGZAG     2.5 /* a column is a bar when the curve travels so many times its height */

/* --- points ------------------------------------------------------------------------------------- */
static bool can_draw(const mli_panel *panel, double x, double y)
{
    return isfinite(x) && isfinite(y) && (panel->xscale != ML_SCALE_LOG || x > 0) &&
           (panel->yscale != ML_SCALE_LOG || y > 0);
}

static const mli_series *series_of(const mli_paper *p, const mli_plot *plot, int place)
{
    return &p->view->series[plot->panel->series[place]];
}

void mli_lines_ranges(mli_paper *p, mli_plot *plot)
{
    const mli_panel *panel    = plot->panel;
    const double    *xlim     = panel->xlim;
    bool             windowed = xlim[0] != xlim[1]; /* then y follows what can be seen */
    double           x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
    for (int k = 0; k < panel->n_series; k++) {
        const mli_series *s = series_of(p, plot, k);
        for (int64_t i = 0; i < s->n; i++) {
            double x, y;
            mli_point_at(s, i, &x, &y);
            if (!can_draw(panel, x, y) || (windowed && (x < xlim[0] || x > xlim[1]))) continue;
            x_low = fmin(x_low, x), x_high = fmax(x_high, x);
            y_low = fmin(y_low, y), y_high = fmax(y_high, y);
        }
    }
    mli_axis_range(&plot->x, panel->xscale, x_low, x_high, panel->xlim, 0.02);
    mli_axis_range(&plot->y, panel->yscale, y_low, y_high, panel->ylim, 0.05);
    mli_axis_ticks(&plot->y, (int)fmin(fmax(plot->box.h / 42, 2), 12), 0);
}

/* --- the pen: draws what lies near the box, notes where it has been ------------------------------- */
typedef struct curve_pen {
    cairo_t  *cr;
    mli_busy *busy; /* not NULL: only notes where it would draw */
    mli_box   box;
    double    margin; /* lines reach beyond the box by this: a line on the limit is seen in its full width */
    bool      down;
    bool      moved; /* the path ends at (x, y) */
    double    x, y;
    int       length; /* of the path */
    int64_t   marks;  /* lines and dots that touched the box */
} curve_pen;

/* Keeps the part of a segment between low and high in one coordinate, as parameters t0..t1 of the segment. */
static bool clip_to(double a, double b, double low, double high, double *t0, double *t1)
{
    double d = b - a;
    if (d == 0) return a >= low && a <= high;
    double at_low = (low - a) / d, at_high = (high - a) / d;
    *t0 = fmax(*t0, fmin(at_low, at_high));
    *t1 = fmin(*t1, fmax(at_low, at_high));
    return *t0 <= *t1;
}

static int clamp_index(double at, int n)
{
    return at < 0 ? 0 : at >= n ? n - 1 : (int)at;
}

static void note(curve_pen *pen, double x0, double y0, double x1, double y1)
{
    double scale_x = MLI_BUSY_COLS / pen->box.w, scale_y = MLI_BUSY_ROWS / pen->box.h;
    double a = (x0 - pen->box.x) * scale_x, b = (y0 - pen->box.y) * scale_y;
    double c = (x1 - pen->box.x) * scale_x, d = (y1 - pen->box.y) * scale_y;
    int steps = 1 + (int)(2 * fmax(fabs(c - a), fabs(d - b))); /* half a cell each; the segment is clipped */
    for (int i = 0; i <= steps; i++) {
        double t   = (double)i / steps;
        int    row = clamp_index(b + t * (d - b), MLI_BUSY_ROWS), col = clamp_index(a + t * (c - a), MLI_BUSY_COLS);
        pen->busy->at[row][col] = true;
    }
}

static void pen_stroke(curve_pen *pen)
{
    if (!pen->busy) cairo_stroke(pen->cr);
    pen->length = 0;
    pen->moved  = false;
}

static void pen_line(curve_pen *pen, double x, double y)
{
    const mli_box *b  = &pen->box;
    double         x0 = pen->x, y0 = pen->y, t0 = 0, t1 = 1, m = pen->margin;
    bool           was_down = pen->down;
    pen->x = x, pen->y = y, pen->down = true;
    if (!was_down) {
        pen->moved = false;
        return;
    }
    if (!clip_to(x0, x, b->x - m, b->x + b->w + m, &t0, &t1) ||
        !clip_to(y0, y, b->y - m, b->y + b->h + m, &t0, &t1)) {
        pen->moved = false;
        return;
    }
    double from_x = x0 + t0 * (x - x0), from_y = y0 + t0 * (y - y0);
    double to_x = x0 + t1 * (x - x0), to_y = y0 + t1 * (y - y0);
    pen->marks++;
    if (pen->busy) {
        note(pen, from_x, from_y, to_x, to_y);
        return;
    }
    if (!pen->moved || t0 > 0) cairo_move_to(pen->cr, from_x, from_y);
    cairo_line_to(pen->cr, to_x, to_y);
    pen->moved = t1 >= 1;
    if (++pen->length >= LONG_PATH) pen_stroke(pen);
}

/* Everything from (x, low) to (x, high) in one column, as wide as the line. */
static void pen_bar(curve_pen *pen, double x, double low, double high)
{
    const mli_box *b = &pen->box;
    double         r = LINE_WIDTH / 2;
    low  = fmax(low, b->y - pen->margin);
    high = fmin(high, b->y + b->h + pen->margin);
    if (x < b->x - pen->margin || x > b->x + b->w + pen->margin || high < low) return;
    pen->marks++;
    if (pen->busy) {
        note(pen, x, low, x, high);
        return;
    }
    pen_stroke(pen);
    cairo_rectangle(pen->cr, x - r, low - r, 2 * r, high - low + 2 * r);
    cairo_fill(pen->cr);
}

static void pen_jump(curve_pen *pen, double x, double y)
{
    pen->x = x, pen->y = y, pen->down = true, pen->moved = false;
}

static void pen_dot(curve_pen *pen, double x, double y)
{
    const mli_box *b = &pen->box;
    if (x < b->x - 0.5 || x > b->x + b->w + 0.5 || y < b->y - 0.5 || y > b->y + b->h + 0.5) return;
    pen->marks++;
    if (pen->busy) {
        note(pen, x, y, x, y);
        return;
    }
    pen_stroke(pen);
    cairo_arc(pen->cr, x, y, DOT_RADIUS, 0, 6.283185307179586);
    cairo_fill(pen->cr);
}

/* --- tracing ------------------------------------------------------------------------------------ */
typedef struct place {
    double  x, y;
    int64_t index;
} place;

typedef struct column { /* the points of one column so far */
    int64_t n, number;
    place   first, low, high, last;
    double  travel;    /* up and down */
    bool    after_bar; /* the column before it was drawn as a bar, from bar_low to bar_high */
    double  bar_low, bar_high;
    int64_t bar_number;
} column;

static void column_add(column *c, place at)
{
    if (c->n++ == 0) {
        c->first = c->low = c->high = c->last = at;
        c->travel = 0;
    }
    c->travel += fabs(at.y - c->last.y);
    if (at.y < c->low.y) c->low = at;
    if (at.y > c->high.y) c->high = at;
    c->last = at;
}

static void column_as_bar(column *c, curve_pen *pen, double density)
{
    bool touches = c->after_bar && llabs(c->number - c->bar_number) <= 1 && c->low.y <= c->bar_high &&
                   c->high.y >= c->bar_low;
    if (!touches) pen_line(pen, c->first.x, c->first.y);
    double middle = ((double)c->number + 0.5) / density; /* so that no light falls between two bars */
    pen_bar(pen, middle, c->low.y, c->high.y);
    pen_jump(pen, c->last.x, c->last.y);
    c->bar_low    = c->low.y;
    c->bar_high   = c->high.y;
    c->bar_number = c->number;
}

static void column_as_line(const column *c, curve_pen *pen)
{
    bool  low_first = c->low.index < c->high.index;
    place order[4]  = { c->first, low_first ? c->low : c->high, low_first ? c->high : c->low, c->last };
    for (int i = 0; i < 4; i++)
        if (i == 0 || order[i].index != order[i - 1].index) pen_line(pen, order[i].x, order[i].y);
}

static void column_flush(column *c, curve_pen *pen, double density)
{
    if (c->n == 0) return;
    double height = c->high.y - c->low.y;
    bool   bar    = height > LINE_WIDTH && c->travel > ZIGZAG * height;
    if (bar)
        column_as_bar(c, pen, density);
    else
        column_as_line(c, pen);
    c->after_bar = bar;
    c->n         = 0;
}

static double bounded(double at, double from, double size)
{
    return from + fmin(fmax(at - from, -FAR * size), FAR * size);
}

static void trace(const mli_paper *p, const mli_plot *plot, const mli_series *s, curve_pen *pen)
{
    mli_box   b       = plot->box;
    mli_ruler x_ruler = mli_axis_ruler(&plot->x), y_ruler = mli_axis_ruler(&plot->y);
    column    c    = { 0 };
    int64_t   run  = 0; /* points since the last break */
    place     lone = { 0 };
    for (int64_t i = 0; i <= s->n; i++) {
        double x = NAN, y = NAN; /* the end breaks the line like a nan */
        if (i < s->n) mli_point_at(s, i, &x, &y);
        if (!can_draw(plot->panel, x, y)) {
            column_flush(&c, pen, p->density);
            pen->down   = false;
            c.after_bar = false;
            if (run == 1) pen_dot(pen, lone.x, lone.y); /* a line needs two points */
            run = 0;
            continue;
        }
        place   at     = { bounded(mli_ruler_at(&x_ruler, x), b.x, b.w),
                           bounded(mli_ruler_at(&y_ruler, y), b.y, b.h), i };
        int64_t number = (int64_t)floor(at.x * p->density);
        if (c.n && number != c.number) column_flush(&c, pen, p->density);
        c.number = number;
        column_add(&c, at);
        lone = at;
        run++;
    }
    pen_stroke(pen);
}

/* --- painting ------------------------------------------------------------------------------------- */
void mli_line_style(mli_paper *p, int at)
{
    static const double dashes[][4] = { { 7, 3, 7, 3 }, { 1.6, 2.6, 1.6, 2.6 }, { 8, 3, 1.6, 3 } };
    mli_ink(p, p->theme->palette[at % MLI_PALETTE], 1);
    cairo_set_line_width(p->cr, LINE_WIDTH);
    cairo_set_line_join(p->cr, CAIRO_LINE_JOIN_ROUND);
    int dash = at / MLI_PALETTE; /* the colours come again, with dashes */
    cairo_set_line_cap(p->cr, dash ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
    if (dash)
        cairo_set_dash(p->cr, dashes[(dash - 1) % 3], 4, 0);
    else
        cairo_set_dash(p->cr, NULL, 0, 0);
}

static void paint_grid_lines(mli_paper *p, const mli_plot *plot)
{
    mli_box b = plot->box;
    mli_ink(p, p->theme->grid, 1);
    cairo_set_line_width(p->cr, 0.8);
    cairo_set_line_cap(p->cr, CAIRO_LINE_CAP_BUTT);
    cairo_set_dash(p->cr, NULL, 0, 0);
    for (int i = 0; i < plot->x.n_ticks; i++) {
        double at = mli_axis_at(&plot->x, plot->x.ticks[i].at);
        if (!plot->x.ticks[i].major || at < b.x - 0.5 || at > b.x + b.w + 0.5) continue;
        cairo_move_to(p->cr, mli_snap(p, at), b.y);
        cairo_line_to(p->cr, mli_snap(p, at), b.y + b.h);
    }
    for (int i = 0; i < plot->y.n_ticks; i++) {
        double at = mli_axis_at(&plot->y, plot->y.ticks[i].at);
        if (!plot->y.ticks[i].major || at < b.y - 0.5 || at > b.y + b.h + 0.5) continue;
        cairo_move_to(p->cr, b.x, mli_snap(p, at));
        cairo_line_to(p->cr, b.x + b.w, mli_snap(p, at));
    }
    cairo_stroke(p->cr);
}

/* Draws, or with busy only notes where the curves pass. Returns how much of them is within the axes. */
static int64_t paint_curves(mli_paper *p, const mli_plot *plot, mli_busy *busy)
{
    int64_t marks = 0;
    for (int k = 0; k < plot->panel->n_series; k++) {
        curve_pen pen = { .cr = p->cr, .busy = busy, .box = plot->box, .margin = LINE_WIDTH };
        if (!busy) mli_line_style(p, k);
        trace(p, plot, series_of(p, plot, k), &pen);
        marks += pen.marks;
    }
    return marks;
}

static void say_why_empty(mli_paper *p, const mli_plot *plot)
{
    int64_t n = 0;
    for (int k = 0; k < plot->panel->n_series; k++) n += series_of(p, plot, k)->n;
    bool log   = plot->panel->xscale == ML_SCALE_LOG || plot->panel->yscale == ML_SCALE_LOG;
    bool fixed = plot->panel->xlim[0] != plot->panel->xlim[1] || plot->panel->ylim[0] != plot->panel->ylim[1];
    mli_plot_says(p, plot,
                  n == 0  ? "no data yet"
                  : fixed ? "no points within the limits"
                  : log   ? "no finite points, or none above 0"
                          : "no finite points");
}

static void set_x(mli_plot *plot)
{
    plot->x.from = plot->box.x;
    plot->x.to   = plot->box.x + plot->box.w;
}

void mli_lines_paint(mli_paper *p, mli_plot *plot)
{
    mli_legend legend = { 0 };
    set_x(plot);
    if (!p->bare) {
        mli_busy busy = { 0 };
        paint_curves(p, plot, &busy);
        mli_legend_plan(p, plot, &busy, &legend);
        set_x(plot); /* a legend outside made the box narrower */
        mli_axis_fit_x(p, &plot->x, 0);
        paint_grid_lines(p, plot);
    }
    mli_box b = plot->box;
    cairo_save(p->cr);
    cairo_rectangle(p->cr, b.x - LINE_WIDTH, b.y - LINE_WIDTH, b.w + 2 * LINE_WIDTH, b.h + 2 * LINE_WIDTH);
    cairo_clip(p->cr);
    int64_t marks = paint_curves(p, plot, NULL);
    cairo_restore(p->cr);
    if (p->bare) return;
    mli_axis_draw_x(p, &plot->x, b, plot->cell_from, plot->cell_to);
    mli_axis_draw_y(p, &plot->y, b, false);
    mli_legend_draw(p, plot, &legend);
    if (marks == 0) say_why_empty(p, plot);
}
