/* Curves: their points or the average of them, the band around it, and what the legend says. */
#include "figure/curve.h"

#include <string.h>

#define DOT_RADIUS 2.4
#define BAND       0.2  /* how dense a band is: between low and high, or of what an average stands for */
#define FAINT      0.44 /* the curve itself beside its average, on that band */

static void reach(const mli_stage *s, mli_reach *r)
{
    int64_t n = mli_curve_points(s);
    for (int64_t i = 0; i < n; i += MLI_CHUNK) {
        mli_span          at     = mli_curve_span(s, i);
        const mli_extent *e      = at.extent;
        bool              inside = e && (!r->window || (e->x_low >= r->window[0] && e->x_high <= r->window[1]));
        if (inside && mli_extent_shown(e, r->xscale, r->yscale)) {
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

/* --- painting --------------------------------------------------------------------------------------------- */
static void paint_dots(mli_stage *s)
{
    int64_t n = mli_curve_points(s);
    if (s->busy || !mli_opt_flag(s->mark, "dots") || n > (int64_t)(s->box.w * 4)) return; /* so many are a thick line */
    mli_ink(s->p, mli_stage_colour(s, 0), mli_stage_alpha(s));
    for (int64_t i = 0; i < n; i += MLI_CHUNK) {
        mli_span at = mli_curve_span(s, i);
        for (int64_t k = 0; k < at.n; k++) {
            if (!mli_can_show(s->x.scale, at.x[k]) || !mli_can_show(s->y.scale, at.y[k])) continue;
            mli_dot(s->p->cr, mli_ruler_at(&s->x, at.x[k]), mli_ruler_at(&s->y, at.y[k]), DOT_RADIUS, 0);
        }
    }
    cairo_fill(s->p->cr);
}

/* NULL with `ok` still true: the curve is shown as it is. */
static const mli_averaged *average_of(mli_stage *s, bool *ok)
{
    double past = s->mark->series < 0 ? 0 : mli_smoothing(s->p->view, s->p->look, s->plot->index);
    if (!(past > 0) || s->busy) return NULL;
    const mli_averaged *average = mli_averages_get(s->p->averages, s->p->view, s->mark->series, past);
    *ok                         = average != NULL;
    return average;
}

static bool paint(mli_stage *s)
{
    double    width = mli_opt_number(s->mark, "width");
    mli_brush b;
    bool      ok      = true;
    const mli_averaged *average = average_of(s, &ok);
    if (!(width > 0)) width = s->p->style->line;
    if (!ok || !mli_brush_begin(&b, s, width, BAND)) return false;
    if (average) mli_curve_envelope(s, &b, average);
    else mli_curve_band(s, &b);
    if (average) {
        mli_brush_again(&b, FAINT);
        mli_curve_trace(s, &b, NULL);
    }
    mli_brush_again(&b, 1);
    mli_curve_trace(s, &b, average);
    mli_brush_end(&b);
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
