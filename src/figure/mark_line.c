/* Curves.
 *
 * A curve is traced into pixel columns: of all points that fall into one column only the first, the lowest, the
 * highest and the last are drawn; where the curve goes up and down within the column, as a bar, since Cairo takes ten
 * times longer for the same zigzag. That is the same picture, spikes included, at a cost that depends on the paper. Of
 * full chunks of a series that lie within one column only the extent is read. */
#include "figure/mark.h"

#include <stdlib.h>
#include <string.h>

#define DOT_RADIUS 2.4
#define LONG_ONE   4096 /* points of a curve that are looked at to find room for a legend */
#define LONG_PATH  256    /* Cairo's cost grows faster than the length of a path */
#define ZIGZAG     2.5    /* a column is a bar when the curve travels so many times its height */
#define ENOUGH     4      /* times the area of the box: so long, a curve has covered it */
#define BAND       0.2    /* how dense the band between low and high is */
#define FAINT      0.3    /* the curve itself beside its smoothed form */

/* --- points ------------------------------------------------------------------------------------- */
typedef struct span { /* some points that follow each other */
    int64_t           n;
    const double     *x, *y;
    const mli_extent *extent; /* NULL = not known */
} span;

static int64_t count_points(const mli_stage *s)
{
    const mli_series *series = mli_series_of(s);
    return series ? series->n : mli_has_data(s->mark) ? mli_slot(s->mark, "x")->n : 0;
}

/* The points from i on, a multiple of MLI_CHUNK, up to the next. */
static span span_at(const mli_stage *s, int64_t i)
{
    const mli_series *series = mli_series_of(s);
    if (series) {
        const mli_chunk *chunk = series->chunks[i / MLI_CHUNK];
        bool             full  = series->n - i >= MLI_CHUNK;
        return (span){ full ? MLI_CHUNK : series->n - i, chunk->x, chunk->y, full ? &chunk->extent : NULL };
    }
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    int64_t         n = x->n - i < MLI_CHUNK ? x->n - i : MLI_CHUNK;
    return (span){ n, x->values + i, y->values + i, NULL };
}

static bool all_shown(const mli_extent *e, ml_scale xscale, ml_scale yscale)
{
    return e && e->whole && (xscale != ML_SCALE_LOG || e->x_low > 0) && (yscale != ML_SCALE_LOG || e->y_low > 0);
}

static void reach(const mli_stage *s, mli_reach *r)
{
    int64_t n = count_points(s);
    for (int64_t i = 0; i < n; i += MLI_CHUNK) {
        span              at     = span_at(s, i);
        const mli_extent *e      = at.extent;
        bool              inside = e && (!r->window || (e->x_low >= r->window[0] && e->x_high <= r->window[1]));
        if (inside && all_shown(e, r->xscale, r->yscale)) {
            /* symlog asks for the smallest size, which no extent knows; its corners are near enough */
            mli_reach_point(r, e->x_low, e->y_low);
            mli_reach_point(r, e->x_high, e->y_high);
            continue;
        }
        for (int64_t k = 0; k < at.n; k++) mli_reach_point(r, at.x[k], at.y[k]);
    }
    const mli_data *low = mli_slot(s->mark, "low"), *high = mli_slot(s->mark, "high");
    if (!low || !high) return;
    const mli_data *x = mli_slot(s->mark, "x");
    for (int64_t i = 0; i < x->n; i++) {
        mli_reach_point(r, x->values[i], low->values[i]);
        mli_reach_point(r, x->values[i], high->values[i]);
    }
}

/* --- the pen: draws what lies near the box ---------------------------------------------------------- */
typedef struct curve_pen {
    mli_stage *s;
    cairo_t   *cr;
    mli_box    box;
    double     width;
    bool       down;
    bool       moved; /* the path ends at (x, y) */
    double     x, y;
    int        length; /* of the path */
    double     left;   /* of the length that may still be drawn */
} curve_pen;

static bool clip_to(double a, double b, double low, double high, double *t0, double *t1)
{
    double d = b - a;
    if (d == 0) return a >= low && a <= high;
    double at_low = (low - a) / d, at_high = (high - a) / d;
    *t0 = fmax(*t0, fmin(at_low, at_high));
    *t1 = fmin(*t1, fmax(at_low, at_high));
    return *t0 <= *t1;
}

static void pen_stroke(curve_pen *pen)
{
    if (!pen->s->busy) cairo_stroke(pen->cr);
    pen->length = 0;
    pen->moved  = false;
}

static void pen_line(curve_pen *pen, double x, double y)
{
    const mli_box *b  = &pen->box;
    double         x0 = pen->x, y0 = pen->y, t0 = 0, t1 = 1, m = pen->width;
    bool           was_down = pen->down;
    pen->x = x, pen->y = y, pen->down = true;
    if (!was_down) {
        pen->moved = false;
        return;
    }
    if (!clip_to(x0, x, b->x - m, b->x + b->w + m, &t0, &t1) || !clip_to(y0, y, b->y - m, b->y + b->h + m, &t0, &t1)) {
        pen->moved = false;
        return;
    }
    double from_x = x0 + t0 * (x - x0), from_y = y0 + t0 * (y - y0);
    double to_x = x0 + t1 * (x - x0), to_y = y0 + t1 * (y - y0);
    pen->s->touched++;
    if (pen->s->busy) {
        mli_note(pen->s, from_x, from_y, to_x, to_y);
        return;
    }
    if (pen->left <= 0) { /* back and forth over the paper so often that it is covered */
        pen->moved = false;
        return;
    }
    pen->left -= hypot(to_x - from_x, to_y - from_y);
    if (!pen->moved || t0 > 0) cairo_move_to(pen->cr, from_x, from_y);
    cairo_line_to(pen->cr, to_x, to_y);
    pen->moved = t1 >= 1;
    if (++pen->length >= LONG_PATH) pen_stroke(pen);
}

/* Everything from (x, low) to (x, high) in one column, as wide as the line. */
static void pen_bar(curve_pen *pen, double x, double low, double high)
{
    const mli_box *b = &pen->box;
    double         r = pen->width / 2;
    low              = fmax(low, b->y - pen->width);
    high             = fmin(high, b->y + b->h + pen->width);
    if (x < b->x - pen->width || x > b->x + b->w + pen->width || high < low) return;
    pen->s->touched++;
    if (pen->s->busy) {
        mli_note(pen->s, x, low, x, high);
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
    pen->s->touched++;
    if (pen->s->busy) {
        mli_note(pen->s, x, y, x, y);
        return;
    }
    pen_stroke(pen);
    mli_dot(pen->cr, x, y, DOT_RADIUS, 0);
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
        c->travel                             = 0;
    }
    c->travel += fabs(at.y - c->last.y);
    if (at.y < c->low.y) c->low = at;
    if (at.y > c->high.y) c->high = at;
    c->last = at;
}

static void column_as_bar(column *c, curve_pen *pen, double density)
{
    bool touches =
        c->after_bar && llabs(c->number - c->bar_number) <= 1 && c->low.y <= c->bar_high && c->high.y >= c->bar_low;
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
    bool   bar    = height > pen->width && c->travel > ZIGZAG * height;
    if (bar)
        column_as_bar(c, pen, density);
    else
        column_as_line(c, pen);
    c->after_bar = bar;
    c->n         = 0;
}

typedef struct trace { /* a curve under way */
    mli_stage *s;
    curve_pen *pen;
    column     c;
    int64_t    run; /* points since the last break */
    place      last;
    bool       steps;
    double     past, sum, weight; /* of the smoothing; past = 0: none */
} trace;

static place place_of(const mli_stage *s, double x, double y, int64_t i)
{
    return (place){ mli_ruler_at(&s->x, x), mli_ruler_at(&s->y, y), i };
}

static void trace_add(trace *t, place at)
{
    double  density = t->s->p->density;
    int64_t number  = (int64_t)floor(at.x * density);
    if (t->c.n && number != t->c.number) column_flush(&t->c, t->pen, density);
    t->c.number = number;
    column_add(&t->c, at);
}

static void trace_break(trace *t)
{
    column_flush(&t->c, t->pen, t->s->p->density);
    t->pen->down   = false;
    t->c.after_bar = false;
    if (t->run == 1) pen_dot(t->pen, t->last.x, t->last.y); /* a line needs two points */
    t->run = 0;
}

static void trace_point(trace *t, double x, double y, int64_t i)
{
    mli_stage *s = t->s;
    if (!mli_can_show(s->x.scale, x) || !mli_can_show(s->y.scale, y)) {
        trace_break(t);
        return;
    }
    if (t->past > 0) { /* an average whose weights fall with age, made up for its beginning at zero */
        t->sum    = t->past * t->sum + (1 - t->past) * y;
        t->weight = t->past * t->weight + (1 - t->past);
        y         = t->sum / t->weight;
    }
    place at = place_of(s, x, y, 2 * i + 1);
    if (t->steps && t->run) trace_add(t, (place){ at.x, t->last.y, 2 * i });
    trace_add(t, at);
    t->last = at;
    t->run++;
}

static int64_t column_of(const trace *t, double x)
{
    return (int64_t)floor(x * t->s->p->density);
}

/* Points that follow each other within one column, by their range of y. */
static void trace_range(trace *t, place first, place last, double low, double high)
{
    const mli_ruler *y = &t->s->y; /* y grows downwards: low values are far down */
    trace_add(t, first);
    trace_add(t, (place){ first.x, mli_ruler_at(y, high), first.index + 1 });
    trace_add(t, (place){ first.x, mli_ruler_at(y, low), first.index + 2 });
    trace_add(t, last);
}

/* A full chunk by its extent: all of it when it is within one column or to one side of the box, else block by block.
 * False: it has gaps or goes back and forth, and must be looked at point by point. */
static bool trace_chunk(trace *t, const span *at, int64_t i)
{
    const mli_stage  *s = t->s;
    const mli_extent *e = at->extent;
    if (t->steps || t->past > 0 || !all_shown(e, s->x.scale, s->y.scale)) return false;
    double reach_px = 2 * t->pen->width, low = mli_ruler_at(&s->x, e->x_low), high = mli_ruler_at(&s->x, e->x_high);
    bool   aside    = high < s->box.x - reach_px || low > s->box.x + s->box.w + reach_px;
    place  first    = place_of(s, at->x[0], at->y[0], 2 * i);
    place  last     = place_of(s, at->x[at->n - 1], at->y[at->n - 1], 2 * (i + at->n) - 1);
    if (aside) {
        trace_add(t, first);
        trace_add(t, last);
    } else if (column_of(t, low) == column_of(t, high)) {
        trace_range(t, first, last, e->y_low, e->y_high);
    } else if (e->rising) {
        for (int64_t k = 0; k < at->n; k += MLI_BLOCK) {
            int64_t end = k + MLI_BLOCK - 1;
            place   a = place_of(s, at->x[k], at->y[k], 2 * (i + k)), b = place_of(s, at->x[end], at->y[end], 2 * (i + end) + 1);
            if (column_of(t, a.x) == column_of(t, b.x)) {
                trace_range(t, a, b, e->low[k / MLI_BLOCK], e->high[k / MLI_BLOCK]);
                continue;
            }
            for (int64_t j = k; j <= end; j++) trace_add(t, place_of(s, at->x[j], at->y[j], 2 * (i + j) + 1));
        }
    } else {
        return false;
    }
    t->last = last;
    t->run += at->n;
    return true;
}

static void trace_all(mli_stage *s, curve_pen *pen, double smoothing)
{
    trace   t = { .s = s, .pen = pen, .steps = mli_opt_flag(s->mark, "steps"), .past = smoothing };
    int64_t n = count_points(s), each = s->busy ? 1 + n / LONG_ONE : 1; /* roughly, when a legend asks */
    for (int64_t i = 0; i < n; i += MLI_CHUNK) {
        span at = span_at(s, i);
        if (each > 1) {
            for (int64_t k = (each - i % each) % each; k < at.n; k += each) trace_point(&t, at.x[k], at.y[k], i + k);
            continue;
        }
        if (trace_chunk(&t, &at, i)) continue;
        for (int64_t k = 0; k < at.n; k++) trace_point(&t, at.x[k], at.y[k], i + k);
    }
    trace_break(&t);
    pen_stroke(pen);
}

/* --- the band ------------------------------------------------------------------------------------------ */
typedef struct edge { /* of the band: at most a few points a pixel column */
    double x, low, high;
} edge;

static void band_fill(mli_stage *s, const edge *edges, int64_t n)
{
    cairo_t *cr = s->p->cr;
    if (n == 0) return;
    for (int64_t i = 0; i < n; i++) cairo_line_to(cr, edges[i].x, edges[i].low);
    for (int64_t i = n - 1; i >= 0; i--) cairo_line_to(cr, edges[i].x, edges[i].high);
    cairo_close_path(cr);
    cairo_fill(cr);
}

static bool paint_band(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *low = mli_slot(s->mark, "low"), *high = mli_slot(s->mark, "high");
    if (mli_series_of(s) || !low || !high || !x) return true;
    for (int64_t i = 0; i < x->n && s->busy; i += 1 + x->n / 512) { /* roughly: a legend asks */
        place a = place_of(s, x->values[i], low->values[i], i), b = place_of(s, x->values[i], high->values[i], i);
        if (isfinite(a.x + a.y + b.y)) mli_note(s, a.x, a.y, b.x, b.y);
    }
    if (s->busy) return true;
    int64_t room = (int64_t)(4 * s->box.w * s->p->density) + 16, n = 0;
    if (room > x->n + 1) room = x->n + 1;
    edge *edges = ml_realloc(NULL, 0, (size_t)room * sizeof *edges);
    if (!edges) return false;
    mli_ink(s->p, mli_stage_colour(s, 0), BAND * mli_stage_alpha(s));
    int64_t half = INT64_MIN; /* a pixel column */
    for (int64_t i = 0; i <= x->n; i++) {
        bool shown = i < x->n && mli_can_show(s->x.scale, x->values[i]) && mli_can_show(s->y.scale, low->values[i]) &&
                     mli_can_show(s->y.scale, high->values[i]);
        if (!shown) {
            band_fill(s, edges, n);
            n = 0, half = INT64_MIN;
            continue;
        }
        place   a = place_of(s, x->values[i], low->values[i], i), b = place_of(s, x->values[i], high->values[i], i);
        int64_t at = (int64_t)floor(a.x * s->p->density * 2);
        if (at == half && n) {
            edges[n - 1].low = fmax(edges[n - 1].low, a.y), edges[n - 1].high = fmin(edges[n - 1].high, b.y);
            continue;
        }
        if (n == room - 1) { /* x goes back and forth: what there is, then the rest */
            edge last = edges[n - 1];
            band_fill(s, edges, n);
            edges[0] = last, n = 1;
        }
        edges[n++] = (edge){ a.x, a.y, b.y };
        half       = at;
    }
    ml_realloc(edges, (size_t)room * sizeof *edges, 0);
    return true;
}

/* --- painting --------------------------------------------------------------------------------------------- */
static void paint_dots(mli_stage *s)
{
    int64_t n = count_points(s);
    if (s->busy || !mli_opt_flag(s->mark, "dots") || n > (int64_t)(s->box.w * 4)) return; /* so many are a thick line */
    mli_ink(s->p, mli_stage_colour(s, 0), mli_stage_alpha(s));
    for (int64_t i = 0; i < n; i += MLI_CHUNK) {
        span at = span_at(s, i);
        for (int64_t k = 0; k < at.n; k++) {
            if (!mli_can_show(s->x.scale, at.x[k]) || !mli_can_show(s->y.scale, at.y[k])) continue;
            place p = place_of(s, at.x[k], at.y[k], 0);
            mli_dot(s->p->cr, p.x, p.y, DOT_RADIUS, 0);
        }
    }
    cairo_fill(s->p->cr);
}

static bool paint(mli_stage *s)
{
    double width = mli_opt_number(s->mark, "width");
    if (!(width > 0)) width = s->p->style->line;
    if (!paint_band(s)) return false;
    double    smoothing = mli_series_of(s) ? fmin(s->p->look->smoothing, 0.9999) : 0;
    curve_pen pen       = { .s = s, .cr = s->p->cr, .box = s->box, .width = width };
    pen.left            = ENOUGH * (s->box.w + 1) * (s->box.h + 1);
    mli_set_line(s, 0);
    cairo_set_line_width(s->p->cr, width);
    if ((double)count_points(s) > s->box.w)
        cairo_set_line_join(s->p->cr, CAIRO_LINE_JOIN_BEVEL); /* too short to tell, and faster */
    if (smoothing > 0) {
        curve_pen faint = pen;
        mli_ink(s->p, mli_stage_colour(s, 0), FAINT * mli_stage_alpha(s));
        trace_all(s, &faint, 0);
        mli_ink(s->p, mli_stage_colour(s, 0), mli_stage_alpha(s));
    }
    trace_all(s, &pen, smoothing);
    cairo_set_dash(s->p->cr, NULL, 0, 0);
    paint_dots(s);
    return true;
}

/* --- the legend ------------------------------------------------------------------------------------------- */
static int entries(const mli_stage *s, mli_entry *to, int room)
{
    const mli_series *series = mli_series_of(s);
    if (room < 1) return 0;
    if (mli_label_entry(s, to)) return 1;
    if (!series || mli_option(s->mark, "label")->given) return 0; /* an empty label: none */
    memcpy(to->name, series->name, sizeof to->name);
    to->stage = s;
    to->part  = 0;
    return 1;
}

static void swatch(const mli_stage *s, int part, mli_box b)
{
    if (mli_slot(s->mark, "low")) {
        mli_ink(s->p, mli_stage_colour(s, part), BAND * mli_stage_alpha(s));
        cairo_rectangle(s->p->cr, b.x + 1, b.y + b.h / 2 - 4.5, b.w - 2, 9);
        cairo_fill(s->p->cr);
    }
    mli_swatch_line(s, part, b);
    if (!mli_opt_flag(s->mark, "dots")) return;
    mli_dot(s->p->cr, b.x + b.w / 2, b.y + b.h / 2, DOT_RADIUS, 0);
    cairo_fill(s->p->cr);
}

const mli_mark_kind mli_mark_line = {
    .reach   = reach,
    .entries = entries,
    .swatch  = swatch,
    .paint   = paint,
};
