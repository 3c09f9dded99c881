#include "figure/curve.h"

#include <float.h>
#include <stdlib.h>

#define ROUGHLY    2048 /* points of a curve that are looked at to find room for a legend */
#define DOT_RADIUS 2.4
#define EDGES      4096

/* --- points -------------------------------------------------------------------------------------------------- */
int64_t mli_curve_points(const mli_stage *s)
{
    const mli_series *series = mli_series_of(s);
    return series ? series->n : mli_has_data(s->mark) ? mli_slot(s->mark, "x")->n : 0;
}

mli_span mli_curve_span(const mli_stage *s, int64_t i)
{
    const mli_series *series = mli_series_of(s);
    if (series) {
        const mli_chunk *chunk = series->chunks[i / MLI_CHUNK];
        bool             full  = series->n - i >= MLI_CHUNK;
        return (mli_span){ full ? MLI_CHUNK : series->n - i, chunk->x, chunk->y, full ? &chunk->extent : NULL };
    }
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    int64_t         n = x->n - i < MLI_CHUNK ? x->n - i : MLI_CHUNK;
    return (mli_span){ n, x->values + i, y->values + i, NULL };
}

/* --- edges of a band that is under way ------------------------------------------------------------------------- */
typedef struct ribbon {
    mli_brush *b;
    int64_t    n;
    mli_edge   edges[EDGES];
} ribbon;

static void ribbon_end(ribbon *r)
{
    mli_brush_band(r->b, r->edges, r->n);
    r->n = 0;
}

static void ribbon_add(ribbon *r, mli_edge e)
{
    if (r->n == EDGES) { /* what there is, then the rest */
        mli_edge last = r->edges[EDGES - 1];
        ribbon_end(r);
        r->edges[r->n++] = last;
    }
    r->edges[r->n++] = e;
}

/* --- columns ---------------------------------------------------------------------------------------------------- */
typedef struct column { /* the points of one column so far; values, not places */
    int64_t n;
    double  number, from, to;        /* of x, from..to but not to itself */
    double  first_x, first_y, last_x, last_y, low, high;
    int64_t first, last;             /* which points */
} column;

typedef struct trace { /* a curve under way */
    mli_stage          *s;
    mli_brush          *b;
    const mli_averaged *average;
    ribbon             *ribbon;      /* not NULL: the envelope is drawn, not the curve */
    int64_t             width;       /* of the envelope, in points */
    column              c;
    double              least;       /* a y below cannot be shown */
    bool                steps;
    int64_t             run;         /* points since the last break */
    double              last_x, last_y;
    bool                after_bar;   /* the column before was a bar from high to low, in places */
    double              bar_number, bar_high, bar_low;
} trace;

static double place_of(const mli_stage *s, double y) /* what a log axis cannot show stands at its end */
{
    return mli_ruler_at(&s->y, mli_can_show(s->y.scale, y) ? y : s->y.low);
}

static void column_as_edge(trace *t)
{
    const column    *c = &t->c;
    const mli_stage *s = t->s;
    double           low, high;
    if (!mli_series_range(mli_series_of(s), c->first - t->width + 1, c->last, &low, &high)) return;
    double x = (mli_ruler_at(&s->x, c->first_x) + mli_ruler_at(&s->x, c->last_x)) / 2;
    ribbon_add(t->ribbon, (mli_edge){ x, place_of(s, low), place_of(s, high) });
}

static void column_as_bar(trace *t, double first, double last, double high, double low)
{
    const column *c       = &t->c;
    bool          touches = t->after_bar && fabs(c->number - t->bar_number) <= 1 && high <= t->bar_low && low >= t->bar_high;
    if (!touches) mli_brush_line(t->b, mli_ruler_at(&t->s->x, c->first_x), first);
    mli_brush_bar(t->b, (int64_t)c->number, high, low);
    mli_brush_jump(t->b, mli_ruler_at(&t->s->x, c->last_x), last);
    t->bar_high = high, t->bar_low = low, t->bar_number = c->number;
}

/* Places grow downwards: the highest value has the smallest, but on axes that count cells. */
static void column_draw(trace *t)
{
    const column *c     = &t->c;
    double        first = mli_ruler_at(&t->s->y, c->first_y), last = mli_ruler_at(&t->s->y, c->last_y);
    double        a = mli_ruler_at(&t->s->y, c->high), z = mli_ruler_at(&t->s->y, c->low);
    double        high = a < z ? a : z, low = a < z ? z : a;
    double        by_high = fabs(first - high) + fabs(low - last), by_low = fabs(first - low) + fabs(high - last);
    /* up and down by more than a line's width, and not just up or down */
    bool bar = c->n > 2 && low - high > t->b->width && (by_high < by_low ? by_high : by_low) > t->b->width;
    if (bar) {
        column_as_bar(t, first, last, high, low);
    } else {
        double x0 = mli_ruler_at(&t->s->x, c->first_x), x1 = mli_ruler_at(&t->s->x, c->last_x), middle = (x0 + x1) / 2;
        double next = by_high <= by_low ? high : low, after = by_high <= by_low ? low : high;
        mli_brush_line(t->b, x0, first);
        if (c->n > 2 && next != first) mli_brush_line(t->b, middle, next);
        if (c->n > 2 && after != last) mli_brush_line(t->b, middle, after);
        if (c->n > 1) mli_brush_line(t->b, x1, last);
    }
    t->after_bar = bar;
}

static void column_end(trace *t)
{
    if (t->c.n == 0) return;
    if (t->ribbon) column_as_edge(t);
    else column_draw(t);
    t->c.n = 0;
}

static void column_add(column *c, double x, double y, int64_t i)
{
    if (c->n++ == 0) {
        c->first_x = x, c->first_y = c->low = c->high = y;
        c->first   = i;
    }
    c->low = y < c->low ? y : c->low, c->high = y > c->high ? y : c->high;
    c->last_x = x, c->last_y = y;
    c->last = i;
}

/* Which x share the column of this one. All that lies to one side of what is drawn is one column. */
static void column_at(trace *t, double x)
{
    const mli_ruler *r  = &t->s->x;
    const mli_box   *b  = &t->b->reach;
    double           at = mli_ruler_at(r, x), left = b->x, right = b->x + b->w;
    column          *c  = &t->c;
    c->number = at < left ? -1e9 : at > right ? 1e9 : mli_brush_column(t->b, at);
    if (at < left) {
        c->from = -INFINITY, c->to = mli_ruler_value(r, left);
    } else if (at > right) {
        c->from = mli_ruler_value(r, right), c->to = INFINITY;
    } else {
        c->from = mli_ruler_value(r, (c->number - t->b->from) / t->b->per);
        c->to   = mli_ruler_value(r, (c->number + 1 - t->b->from) / t->b->per);
    }
}

/* --- tracing ---------------------------------------------------------------------------------------------------- */
static void trace_break(trace *t)
{
    column_end(t);
    if (t->ribbon) ribbon_end(t->ribbon);
    mli_brush_lift(t->b);
    t->after_bar = false;
    if (t->run == 1 && !t->ribbon) /* a line needs two points */
        mli_brush_dot(t->b, mli_ruler_at(&t->s->x, t->last_x), mli_ruler_at(&t->s->y, t->last_y), DOT_RADIUS);
    t->run = 0;
}

static void trace_point(trace *t, double x, double y, int64_t i)
{
    if (!mli_can_show(t->s->x.scale, x) || !mli_can_show(t->s->y.scale, y)) {
        trace_break(t);
        return;
    }
    column *c = &t->c;
    if (!(c->n && x >= c->from && x < c->to)) {
        column_end(t);
        column_at(t, x);
    }
    if (t->steps && t->run) column_add(c, x, t->last_y, i);
    column_add(c, x, y, i);
    t->last_x = x, t->last_y = y;
    t->run++;
}

/* As point by point, but quick within a column. */
static void trace_points(trace *t, const double *x, const double *y, int64_t n, int64_t i)
{
    column *c = &t->c;
    for (int64_t k = 0; k < n; k++) {
        int64_t began = k;
        double  from = c->from, to = c->to, low = c->low, high = c->high, least = t->least;
        for (; k < n && c->n && x[k] >= from && x[k] < to && y[k] >= least && y[k] <= DBL_MAX; k++) {
            low  = y[k] < low ? y[k] : low;
            high = y[k] > high ? y[k] : high;
        }
        if (k > began) {
            c->n += k - began, t->run += k - began;
            c->low = low, c->high = high;
            c->last   = i + k - 1;
            c->last_x = t->last_x = x[k - 1], c->last_y = t->last_y = y[k - 1];
        }
        if (k < n) trace_point(t, x[k], y[k], i + k);
    }
}

/* What follows each other within the column under way, by its range. */
static void trace_range(trace *t, int64_t n, double x, double y, double low, double high, int64_t last)
{
    column *c = &t->c;
    c->n += n, t->run += n;
    c->low = low < c->low ? low : c->low, c->high = high > c->high ? high : c->high;
    c->last   = last;
    c->last_x = t->last_x = x, c->last_y = t->last_y = y;
}

/* A full chunk without gaps in which x never falls: blocks within one column by their extent. */
static void trace_chunk(trace *t, const mli_span *at, int64_t i)
{
    const column            *c       = &t->c;
    const mli_series        *series  = mli_series_of(t->s);
    const mli_average_chunk *average = t->average ? &t->average->chunks[i / MLI_CHUNK] : NULL;
    double                   values[MLI_BLOCK];
    int64_t                  last = MLI_CHUNK - 1;
    if (c->n && at->x[0] >= c->from && at->x[last] < c->to) {
        double y = average ? mli_average_at(t->average, series, i + last) : at->y[last];
        double low = average ? average->y_low : at->extent->y_low, high = average ? average->y_high : at->extent->y_high;
        trace_range(t, MLI_CHUNK, at->x[last], y, low, high, i + last);
        return;
    }
    const double *lows = average ? average->low : at->extent->low, *highs = average ? average->high : at->extent->high;
    for (int64_t k = 0; k < MLI_CHUNK; k += MLI_BLOCK) {
        bool          within = c->n && at->x[k] >= c->from && at->x[k + MLI_BLOCK - 1] < c->to;
        const double *y      = at->y + k;
        if (average && !(within && k + MLI_BLOCK < MLI_CHUNK && at->x[k + MLI_BLOCK] < c->to)) {
            mli_average_values(t->average, series, i + k, MLI_BLOCK, values);
            y = values; /* else nobody asks for the block's last value: the column goes on */
        }
        if (within)
            trace_range(t, MLI_BLOCK, at->x[k + MLI_BLOCK - 1], y[MLI_BLOCK - 1], lows[k / MLI_BLOCK], highs[k / MLI_BLOCK],
                        i + k + MLI_BLOCK - 1);
        else
            trace_points(t, at->x + k, y, MLI_BLOCK, i + k);
    }
}

static bool chunk_is_plain(const trace *t, const mli_span *at)
{
    const mli_extent *e = at->extent;
    return !t->steps && e && e->rising && mli_extent_shown(e, t->s->x.scale, t->s->y.scale);
}

static void trace_all(trace *t)
{
    const mli_stage  *s      = t->s;
    const mli_series *series = mli_series_of(s);
    int64_t           n = mli_curve_points(s), each = s->busy ? 1 + n / ROUGHLY : 1;
    double            values[MLI_CHUNK];
    t->least = s->y.scale == ML_SCALE_LOG ? 5e-324 : -DBL_MAX;
    for (int64_t i = 0; i < n; i += MLI_CHUNK) {
        mli_span at = mli_curve_span(s, i);
        if (each > 1) {
            for (int64_t k = (each - i % each) % each; k < at.n; k += each) trace_point(t, at.x[k], at.y[k], i + k);
            continue;
        }
        if (chunk_is_plain(t, &at)) {
            trace_chunk(t, &at, i);
            continue;
        }
        if (t->average) {
            mli_average_values(t->average, series, i, at.n, values);
            at.y = values;
        }
        if (t->steps)
            for (int64_t k = 0; k < at.n; k++) trace_point(t, at.x[k], at.y[k], i + k);
        else
            trace_points(t, at.x, at.y, at.n, i);
    }
    trace_break(t);
}

void mli_curve_trace(mli_stage *s, mli_brush *b, const mli_averaged *average)
{
    trace_all(&(trace){ .s = s, .b = b, .average = s->busy ? NULL : average, .steps = mli_opt_flag(s->mark, "steps") });
}

/* --- bands ------------------------------------------------------------------------------------------------------ */
void mli_curve_envelope(mli_stage *s, mli_brush *b, const mli_averaged *average)
{
    ribbon r;
    r.b = b, r.n = 0;
    if (s->busy) return; /* the curve itself is within */
    /* only on a log axis may an average be there where its point is not: else it need not be known here */
    const mli_averaged *where = s->y.scale == ML_SCALE_LOG ? average : NULL;
    trace_all(&(trace){ .s = s, .b = b, .average = where, .ribbon = &r, .width = mlk_smooth_width(average->past) });
}

/* Into halves of pixel columns. */
void mli_curve_band(mli_stage *s, mli_brush *b)
{
    const mli_data *x = mli_slot(s->mark, "x"), *low = mli_slot(s->mark, "low"), *high = mli_slot(s->mark, "high");
    if (mli_series_of(s) || !low || !high || !x) return;
    int64_t each = s->busy ? 1 + x->n / 512 : 1;
    double  half = NAN;
    ribbon  r;
    r.b = b, r.n = 0;
    for (int64_t i = 0; i < x->n; i += each) {
        if (!mli_can_show(s->x.scale, x->values[i]) || !mli_can_show(s->y.scale, low->values[i]) ||
            !mli_can_show(s->y.scale, high->values[i])) {
            ribbon_end(&r);
            half = NAN;
            continue;
        }
        mli_edge e  = { mli_ruler_at(&s->x, x->values[i]), mli_ruler_at(&s->y, low->values[i]), mli_ruler_at(&s->y, high->values[i]) };
        double   at = floor(e.x * s->p->density * 2);
        if (at == half) {
            mli_edge *last = &r.edges[r.n - 1];
            last->low = fmax(last->low, e.low), last->high = fmin(last->high, e.high);
            continue;
        }
        ribbon_add(&r, e);
        half = at;
    }
    ribbon_end(&r);
}
