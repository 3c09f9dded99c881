#include "figure/paint.h"

void mli_ink(mli_paper *p, mli_colour c, double alpha)
{
    cairo_set_source_rgba(p->cr, c.r, c.g, c.b, alpha);
}

double mli_snap(const mli_paper *p, double at)
{
    return (floor(at * p->density) + 0.5) / p->density;
}

/* --- range and place ---------------------------------------------------------------------------- */
static double on_scale(ml_scale scale, double value)
{
    return scale == ML_SCALE_LOG ? log10(value) : value;
}

/* Near the ends of double's range a margin must not make an infinity, and a range must hold more doubles than ticks. */
static void keep_apart(mli_axis *axis)
{
    bool   log  = axis->scale == ML_SCALE_LOG;
    double a    = on_scale(axis->scale, fmin(fmax(axis->low, log ? 1e-300 : -1e300), 1e300));
    double b    = on_scale(axis->scale, fmin(fmax(axis->high, log ? 1e-300 : -1e300), 1e300));
    double size = fmax(fabs(a), fabs(b));
    if (b - a <= 1e-9 * size || b - a < 1e-290) { /* constant, or as good as */
        double around = log ? 0.5 : size == 0 ? 1 : fmax(0.1 * size, 1e-290);
        a -= around, b += around;
    }
    axis->low  = log ? pow(10, a) : a;
    axis->high = log ? pow(10, b) : b;
}

void mli_axis_range(mli_axis *axis, ml_scale scale, double low, double high, const double fixed[2],
                    double margin)
{
    bool log    = scale == ML_SCALE_LOG;
    axis->scale = scale;
    axis->low   = fixed[0];
    axis->high  = fixed[1];
    if (fixed[0] == fixed[1]) {
        if (!(low <= high)) low = log ? 1 : 0, high = log ? 10 : 1; /* nothing to show yet */
        double a = on_scale(scale, low), b = on_scale(scale, high);
        double more = 2 * margin * (b / 2 - a / 2);
        axis->low   = log ? low / pow(10, more) : a - more;
        axis->high  = log ? high * pow(10, more) : b + more;
    }
    keep_apart(axis);
}

mli_ruler mli_axis_ruler(const mli_axis *axis)
{
    double a = on_scale(axis->scale, axis->low), b = on_scale(axis->scale, axis->high);
    return (mli_ruler){ axis->scale == ML_SCALE_LOG, a, (axis->to - axis->from) / (b - a), axis->from };
}

double mli_axis_at(const mli_axis *axis, double value)
{
    mli_ruler ruler = mli_axis_ruler(axis);
    return mli_ruler_at(&ruler, value);
}

/* --- ticks ---------------------------------------------------------------------------------------- */
void mli_axis_ticks(mli_axis *axis, int most, double least)
{
    axis->n_ticks = axis->scale == ML_SCALE_LOG
                        ? mli_ticks_log(axis->low, axis->high, most, axis->ticks)
                        : mli_ticks_linear(axis->low, axis->high, most, least, axis->ticks);
}

double mli_axis_label_width(mli_paper *p, const mli_axis *axis)
{
    double widest = 0;
    for (int i = 0; i < axis->n_ticks; i++)
        if (axis->ticks[i].major)
            widest = fmax(widest, mli_text_width(p, mli_font_tick, axis->ticks[i].label));
    return widest;
}

void mli_axis_fit_x(mli_paper *p, mli_axis *axis, double least)
{
    for (int most = (int)fmin(fmax(fabs(axis->to - axis->from) / 60, 1), 12); most >= 1; most--) {
        mli_axis_ticks(axis, most, least);
        double end = -INFINITY;
        bool   fit = true;
        for (int i = 0; i < axis->n_ticks && fit; i++) {
            if (!axis->ticks[i].major) continue;
            double at   = mli_axis_at(axis, axis->ticks[i].at);
            double half = mli_text_width(p, mli_font_tick, axis->ticks[i].label) / 2;
            fit         = at - half >= end + 8;
            end         = at + half;
        }
        if (fit) return;
    }
}

static void line_along(mli_paper *p, double x0, double y0, double x1, double y1)
{
    mli_ink(p, p->theme->quiet, 0.8);
    cairo_set_line_width(p->cr, 0.8);
    cairo_set_line_cap(p->cr, CAIRO_LINE_CAP_BUTT);
    cairo_set_dash(p->cr, NULL, 0, 0);
    cairo_move_to(p->cr, x0, y0);
    cairo_line_to(p->cr, x1, y1);
    cairo_stroke(p->cr);
}

void mli_axis_draw_x(mli_paper *p, const mli_axis *axis, mli_box box, double cell_from, double cell_to)
{
    double bottom = mli_snap(p, box.y + box.h);
    line_along(p, box.x, bottom, box.x + box.w, bottom);
    for (int i = 0; i < axis->n_ticks; i++) {
        const mli_tick *tick = &axis->ticks[i];
        double          at   = mli_axis_at(axis, tick->at);
        if (at < box.x - 0.5 || at > box.x + box.w + 0.5) continue;
        line_along(p, mli_snap(p, at), bottom, mli_snap(p, at), bottom + (tick->major ? 4 : 2.5));
        if (!tick->major) continue;
        double half = mli_text_width(p, mli_font_tick, tick->label) / 2;
        double text = fmin(fmax(at, cell_from + half), cell_to - half); /* the last label stays on the page */
        mli_ink(p, p->theme->quiet, 1);
        mli_text_draw(p, mli_font_tick, tick->label, text, box.y + box.h + 6, 0.5, 0, INFINITY, false);
    }
}

void mli_axis_draw_y(mli_paper *p, const mli_axis *axis, mli_box box, bool right)
{
    double side = mli_snap(p, right ? box.x + box.w : box.x), out = right ? 1 : -1;
    line_along(p, side, box.y, side, box.y + box.h);
    for (int i = 0; i < axis->n_ticks; i++) {
        const mli_tick *tick = &axis->ticks[i];
        double          at   = mli_axis_at(axis, tick->at);
        if (at < box.y - 0.5 || at > box.y + box.h + 0.5) continue;
        line_along(p, side, mli_snap(p, at), side + out * (tick->major ? 4 : 2.5), mli_snap(p, at));
        if (!tick->major) continue;
        mli_ink(p, p->theme->quiet, 1);
        mli_text_draw(p, mli_font_tick, tick->label, side + out * 7, at, right ? 0 : 1, 0.5, INFINITY, false);
    }
}
