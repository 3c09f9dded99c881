/* Bars from zero; on a log axis from its lower end. */
#include "figure/mark.h"

#include <stdio.h>

typedef struct layout {
    const mli_data *x, *y, *low, *high;
    int64_t         n, k;
    double          width; /* of one bar, in units of x */
} layout;

static layout layout_of(const mli_stage *s)
{
    layout l = { mli_slot(s->mark, "x"), mli_slot(s->mark, "y"), mli_slot(s->mark, "low"), mli_slot(s->mark, "high"), 0, 0, 0 };
    l.n      = l.y->size[0];
    l.k      = l.y->size[1];
    double apart = l.x && l.n > 1 ? INFINITY : 1; /* of two places */
    for (int64_t i = 1; l.x && i < l.n; i++) {
        double d = fabs(l.x->values[i] - l.x->values[i - 1]);
        if (d > 0 && d < apart) apart = d;
    }
    if (!isfinite(apart)) apart = 1;
    l.width = apart * fmin(fmax(mli_opt_number(s->mark, "width"), 0.01), 1) / (double)(l.k > 0 ? l.k : 1);
    return l;
}

static double centre(const layout *l, int64_t i)
{
    return l->x ? l->x->values[i] : (double)(i + 1);
}

static double left_of(const layout *l, int64_t i, int64_t j)
{
    return centre(l, i) + ((double)j - (double)l->k / 2) * l->width;
}

static int n_colours(const mli_stage *s)
{
    return (int)fmin((double)mli_slot(s->mark, "y")->size[1], MLI_ENTRIES);
}

static void reach(const mli_stage *s, mli_reach *r)
{
    layout l = layout_of(s);
    for (int64_t i = 0; i < l.n; i++)
        for (int64_t j = 0; j < l.k; j++) {
            double a = left_of(&l, i, j), top = l.y->values[i * l.k + j];
            mli_reach_point(r, a, top);
            mli_reach_point(r, a + l.width, top);
            if (l.low) mli_reach_point(r, a, l.low->values[i * l.k + j]);
            if (l.high) mli_reach_point(r, a, l.high->values[i * l.k + j]);
        }
    if (r->y.low <= r->y.high && r->yscale != ML_SCALE_LOG) {
        mli_range_add(&r->y, 0);
        r->y.stands = true;
    }
}

static void whisker(mli_stage *s, double x, double y0, double y1, double cap)
{
    cairo_t *cr = s->p->cr;
    mli_ink(s->p, s->p->style->ink, 0.9);
    cairo_set_line_width(cr, 1);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);
    cairo_move_to(cr, x, y0);
    cairo_line_to(cr, x, y1);
    for (int end = 0; end < 2; end++) {
        cairo_move_to(cr, x - cap, end ? y1 : y0);
        cairo_line_to(cr, x + cap, end ? y1 : y0);
    }
    cairo_stroke(cr);
}

static bool paint(mli_stage *s)
{
    layout l    = layout_of(s);
    double base = mli_ruler_at(&s->y, s->y.scale == ML_SCALE_LOG ? s->y.low : 0);
    base        = fmin(fmax(base, s->box.y - 10), s->box.y + s->box.h + 10);
    for (int64_t j = 0; j < l.k; j++)
        for (int64_t i = 0; i < l.n; i++) {
            double value = l.y->values[i * l.k + j], a = left_of(&l, i, j), b = a + l.width;
            if (!mli_can_show(s->y.scale, value) || !mli_can_show(s->x.scale, a) || !mli_can_show(s->x.scale, b)) continue;
            double x0 = mli_ruler_at(&s->x, a), x1 = mli_ruler_at(&s->x, b), y = mli_ruler_at(&s->y, value);
            y = fmin(fmax(y, s->box.y - 10), s->box.y + s->box.h + 10);
            mli_box box = { fmin(x0, x1), fmin(y, base), fmax(fabs(x1 - x0), 1 / s->p->density), fabs(y - base) };
            mli_note_box(s, box);
            if (s->busy) continue;
            double gap = l.k > 1 && box.w > 6 ? 0.5 : 0;
            mli_ink(s->p, mli_stage_colour(s, (int)(j % MLI_PALETTE)), mli_stage_alpha(s));
            cairo_rectangle(s->p->cr, box.x + gap, box.y, box.w - 2 * gap, box.h);
            cairo_fill(s->p->cr);
            if (!l.low || !l.high) continue;
            double low = l.low->values[i * l.k + j], high = l.high->values[i * l.k + j];
            if (!mli_can_show(s->y.scale, low) || !mli_can_show(s->y.scale, high)) continue;
            whisker(s, box.x + box.w / 2, mli_ruler_at(&s->y, low), mli_ruler_at(&s->y, high), fmin(box.w / 4, 5));
        }
    return true;
}

static void ticks(const mli_stage *s, mli_axis *x)
{
    layout l = layout_of(s);
    if (mli_option(s->mark, "names")->text < 0) return;
    for (int64_t i = 0; i < l.n && x->n_ticks < MLI_MAX_TICKS; i++) {
        mli_tick *tick = &x->ticks[x->n_ticks];
        if (!mli_opt_line(s->mark, "names", i, tick->label, sizeof tick->label)[0]) continue;
        tick->at    = centre(&l, i);
        tick->major = true;
        x->n_ticks++;
    }
}

static int entries(const mli_stage *s, mli_entry *to, int room)
{
    int64_t k = mli_slot(s->mark, "y")->size[1];
    if (room < 1 || mli_option(s->mark, "groups")->text < 0) return room < 1 ? 0 : mli_label_entry(s, to);
    int n = 0;
    for (int64_t j = 0; j < k && n < room; j++) {
        if (!mli_opt_line(s->mark, "groups", j, to[n].name, sizeof to[n].name)[0]) continue;
        to[n].stage = s;
        to[n].part  = (int)(j % MLI_PALETTE);
        n++;
    }
    return n;
}

const mli_mark_kind mli_mark_bars = {
    .colours = n_colours,
    .reach   = reach,
    .entries = entries,
    .ticks   = ticks,
    .swatch  = mli_swatch_patch,
    .paint   = paint,
};
