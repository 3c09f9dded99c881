#include "figure/axis.h"
#include "figure/paint.h"

/* --- ticks ---------------------------------------------------------------------------------------- */
void mli_axis_ticks(mli_axis *axis, int most, double least)
{
    const mli_ruler *r = &axis->ruler;
    axis->n_ticks      = r->scale == ML_SCALE_LOG      ? mli_ticks_log(r->low, r->high, most, axis->ticks)
                         : r->scale == ML_SCALE_SYMLOG ? mli_ticks_symlog(r->low, r->high, r->knee, most, axis->ticks)
                                                       : mli_ticks_linear(r->low, r->high, most, least, axis->ticks);
}

double mli_axis_label_width(mli_paper *p, const mli_axis *axis)
{
    double widest = 0;
    for (int i = 0; i < axis->n_ticks; i++)
        if (axis->ticks[i].major) widest = fmax(widest, mli_text_width(p, mli_font_tick, axis->ticks[i].label));
    return widest;
}

/* Where the middle of a label stands: the last one stays on the page. */
static double label_place(double at, double half, double from, double to)
{
    return fmin(fmax(at, from + half), to - half);
}

void mli_axis_fit_x(mli_paper *p, mli_axis *axis, double from, double to, double least)
{
    const mli_ruler *r = &axis->ruler;
    for (int most = (int)fmin(fmax(fabs(r->to - r->from) / 60, 1), 12); most >= 1; most--) {
        mli_axis_ticks(axis, most, least);
        double end = -INFINITY;
        bool   fit = true;
        for (int i = 0; i < axis->n_ticks && fit; i++) {
            if (!axis->ticks[i].major) continue;
            double half = mli_text_width(p, mli_font_tick, axis->ticks[i].label) / 2;
            double at   = label_place(mli_ruler_at(r, axis->ticks[i].at), half, from, to);
            fit         = at - half >= end + 8;
            end         = at + half;
        }
        if (fit) return;
    }
}

/* --- drawing ---------------------------------------------------------------------------------------- */
static void line_along(mli_paper *p, double x0, double y0, double x1, double y1)
{
    cairo_move_to(p->cr, x0, y0);
    cairo_line_to(p->cr, x1, y1);
}

static void stroke_axis(mli_paper *p)
{
    mli_ink(p, p->style->quiet, 0.8);
    cairo_set_line_width(p->cr, 0.8);
    cairo_set_line_cap(p->cr, CAIRO_LINE_CAP_BUTT);
    cairo_set_dash(p->cr, NULL, 0, 0);
    cairo_stroke(p->cr);
}

void mli_axis_draw_x(mli_paper *p, const mli_axis *axis, mli_box box, double cell_from, double cell_to, bool numbers)
{
    double bottom = mli_snap(p, box.y + box.h);
    line_along(p, box.x, bottom, box.x + box.w, bottom);
    for (int i = 0; i < axis->n_ticks; i++) {
        double at = mli_ruler_at(&axis->ruler, axis->ticks[i].at);
        if (at < box.x - 0.5 || at > box.x + box.w + 0.5) continue;
        line_along(p, mli_snap(p, at), bottom, mli_snap(p, at), bottom + (axis->ticks[i].major ? 4 : 2.5));
    }
    stroke_axis(p);
    mli_ink(p, p->style->quiet, 1);
    for (int i = 0; i < axis->n_ticks && numbers; i++) {
        const mli_tick *tick = &axis->ticks[i];
        double          at   = mli_ruler_at(&axis->ruler, tick->at);
        if (!tick->major || at < box.x - 0.5 || at > box.x + box.w + 0.5) continue;
        double half = mli_text_width(p, mli_font_tick, tick->label) / 2;
        mli_text_draw(p, mli_font_tick, tick->label, label_place(at, half, cell_from, cell_to), box.y + box.h + 6, 0.5, 0, INFINITY, false);
    }
}

void mli_axis_draw_y(mli_paper *p, const mli_axis *axis, mli_box box, bool right, bool numbers)
{
    double side = mli_snap(p, right ? box.x + box.w : box.x), out = right ? 1 : -1;
    line_along(p, side, box.y, side, box.y + box.h);
    for (int i = 0; i < axis->n_ticks; i++) {
        double at = mli_ruler_at(&axis->ruler, axis->ticks[i].at);
        if (at < box.y - 0.5 || at > box.y + box.h + 0.5) continue;
        line_along(p, side, mli_snap(p, at), side + out * (axis->ticks[i].major ? 4 : 2.5), mli_snap(p, at));
    }
    stroke_axis(p);
    mli_ink(p, p->style->quiet, 1);
    for (int i = 0; i < axis->n_ticks && numbers; i++) {
        const mli_tick *tick = &axis->ticks[i];
        double          at   = mli_ruler_at(&axis->ruler, tick->at);
        if (!tick->major || at < box.y - 0.5 || at > box.y + box.h + 0.5) continue;
        mli_text_draw(p, mli_font_tick, tick->label, side + out * 7, at, right ? 0 : 1, 0.5, INFINITY, false);
    }
}
