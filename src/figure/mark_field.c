/* A field of vectors. Lengths are compared on paper; the longest is a part of a cell, so that arrows do not overlap. */
#include "figure/mark.h"

#define CLOSEST 9.0 /* arrows are not nearer to each other; of more, every second, third ... is drawn */

static void reach(const mli_stage *s, mli_reach *r)
{
    mli_reach_grid(r, mli_slot(s->mark, "x"), mli_slot(s->mark, "y"));
}

static void sizes_range(const mli_stage *s, double *low, double *high)
{
    const mli_data *u = mli_slot(s->mark, "u"), *v = mli_slot(s->mark, "v");
    mli_range       r = MLI_NOTHING;
    for (int64_t i = 0; i < u->n; i++) {
        double size = hypot(u->values[i], v->values[i]);
        if (isfinite(size)) mli_range_add(&r, size);
    }
    *low  = r.low;
    *high = r.high;
}

static bool shades(const mli_stage *s, mli_shades *colours)
{
    if (!mli_opt_flag(s->mark, "even")) return false;
    static const char *const names[] = { "viridis", "diverging", "cyclic", "grey" };
    colours->map                     = MLI_MAP_VIRIDIS;
    for (int i = 0; i < 4; i++)
        if (mli_opt_word(s->mark, "map", names[i])) colours->map = (mli_map)i;
    sizes_range(s, &colours->low, &colours->high);
    if (!(colours->low < colours->high)) colours->low = 0, colours->high = isfinite(colours->high) && colours->high > 0 ? colours->high : 1;
    mli_shades_fill(colours, s->p->style, true);
    return true;
}

static double spacing(const mli_ruler *ruler, const mli_data *at)
{
    if (at->n < 2) return fabs(ruler->to - ruler->from) / 4;
    return fabs(mli_ruler_at(ruler, at->values[at->n - 1]) - mli_ruler_at(ruler, at->values[0])) / (double)(at->n - 1);
}

static int64_t stride_for(double apart)
{
    return apart >= CLOSEST || !(apart > 0) ? 1 : (int64_t)ceil(CLOSEST / apart);
}

static void arrow(cairo_t *cr, double x, double y, double dx, double dy)
{
    double length = hypot(dx, dy), head = fmin(fmax(0.35 * length, 1.5), 6);
    if (length < 0.4) { /* nearly nothing: a dot */
        mli_dot(cr, x, y, 0.6, 0);
        cairo_fill(cr);
        return;
    }
    double ux = dx / length, uy = dy / length, tip_x = x + dx / 2, tip_y = y + dy / 2;
    cairo_move_to(cr, x - dx / 2, y - dy / 2);
    cairo_line_to(cr, tip_x - 0.6 * head * ux, tip_y - 0.6 * head * uy);
    cairo_stroke(cr);
    cairo_move_to(cr, tip_x, tip_y);
    cairo_line_to(cr, tip_x - head * ux + 0.45 * head * uy, tip_y - head * uy - 0.45 * head * ux);
    cairo_line_to(cr, tip_x - head * ux - 0.45 * head * uy, tip_y - head * uy + 0.45 * head * ux);
    cairo_close_path(cr);
    cairo_fill(cr);
}

static bool paint(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y"), *u = mli_slot(s->mark, "u"), *v = mli_slot(s->mark, "v");
    double          low, high, apart_x = spacing(&s->x, x), apart_y = spacing(&s->y, y);
    int64_t         step_x = stride_for(apart_x), step_y = stride_for(apart_y);
    bool            even = mli_opt_flag(s->mark, "even");
    mli_shades      colours;
    if (even) shades(s, &colours);
    sizes_range(s, &low, &high);
    double longest = fmin(apart_x * (double)step_x, apart_y * (double)step_y) * fmax(mli_opt_number(s->mark, "length"), 0);
    double sx = (s->x.to > s->x.from ? 1 : -1) * s->x.per, sy = s->y.per, most = 0;
    if (s->x.scale != ML_SCALE_LINEAR || s->y.scale != ML_SCALE_LINEAR) sx = 1, sy = -1; /* directions as they are */
    for (int64_t i = 0; i < u->n; i++) {
        double size = hypot(u->values[i] * sx, v->values[i] * sy);
        if (isfinite(size) && size > most) most = size;
    }
    cairo_set_line_width(s->p->cr, fmax(0.7, s->p->style->line * 0.7));
    cairo_set_line_cap(s->p->cr, CAIRO_LINE_CAP_BUTT);
    for (int64_t r = step_y / 2; r < y->n; r += step_y)
        for (int64_t c = step_x / 2; c < x->n; c += step_x) {
            double a = u->values[r * x->n + c], b = v->values[r * x->n + c], size = hypot(a * sx, b * sy);
            if (!isfinite(size) || !mli_can_show(s->x.scale, x->values[c]) || !mli_can_show(s->y.scale, y->values[r])) continue;
            double px = mli_ruler_at(&s->x, x->values[c]), py = mli_ruler_at(&s->y, y->values[r]);
            double length = most > 0 ? longest * (even ? (size > 0) : size / most) : 0;
            mli_note(s, px, py, px, py);
            if (s->busy) continue;
            mli_ink(s->p, even ? mli_shade_colour(&colours, hypot(a, b)) : mli_stage_colour(s, 0), mli_stage_alpha(s));
            arrow(s->p->cr, px, py, size > 0 ? a * sx / size * length : 0, size > 0 ? b * sy / size * length : 0);
        }
    return true;
}

const mli_mark_kind mli_mark_field = {
    .reach  = reach,
    .shades = shades,
    .swatch = mli_swatch_line,
    .paint  = paint,
};
