/* Nodes and edges: a network with its weights. Of very many edges the strongest are drawn; the others would be a fog. */
#include "figure/mark.h"

#include <stdlib.h>

#define MOST_EDGES 12000
#define FAINTEST   0.02 /* of the strongest: weaker edges are not drawn */

static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    for (int64_t i = 0; i < x->n; i++) mli_reach_point(r, x->values[i], y->values[i]);
}

static bool shades(const mli_stage *s, mli_shades *colours)
{
    const mli_data *value = mli_slot(s->mark, "value");
    if (!value || value->n == 0) return false;
    colours->map = MLI_MAP_VIRIDIS;
    mli_range r  = MLI_NOTHING;
    for (int64_t i = 0; i < value->n; i++)
        if (isfinite(value->values[i])) mli_range_add(&r, value->values[i]);
    if (!(r.low < r.high)) return false;
    colours->low  = r.low;
    colours->high = r.high;
    mli_shades_fill(colours, s->p->style, false);
    return true;
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The size from which on edges are drawn; *most: the largest. */
static bool find_threshold(const mli_data *weight, double *threshold, double *most)
{
    *most = 0;
    for (int64_t i = 0; i < weight->n; i++)
        if (isfinite(weight->values[i])) *most = fmax(*most, fabs(weight->values[i]));
    *threshold = FAINTEST * *most;
    if (weight->n <= MOST_EDGES) return true;
    size_t  bytes = (size_t)weight->n * sizeof(double);
    double *sizes = ml_realloc(NULL, 0, bytes);
    if (!sizes) return false;
    for (int64_t i = 0; i < weight->n; i++) sizes[i] = isfinite(weight->values[i]) ? fabs(weight->values[i]) : 0;
    qsort(sizes, (size_t)weight->n, sizeof *sizes, descending);
    *threshold = fmax(*threshold, sizes[MOST_EDGES - 1]);
    ml_realloc(sizes, bytes, 0);
    return true;
}

typedef struct places {
    const mli_data *x, *y;
    int64_t         base;
} places;

static bool place_of(const mli_stage *s, const places *p, double number, double *px, double *py)
{
    double i = number - (double)p->base;
    if (!(i >= 0 && i < (double)p->x->n)) return false;
    double x = p->x->values[(int64_t)i], y = p->y->values[(int64_t)i];
    if (!mli_can_show(s->x.scale, x) || !mli_can_show(s->y.scale, y)) return false;
    *px = mli_ruler_at(&s->x, x);
    *py = mli_ruler_at(&s->y, y);
    return true;
}

static bool paint_edges(mli_stage *s, const places *p)
{
    const mli_data *from = mli_slot(s->mark, "from"), *to = mli_slot(s->mark, "to"), *weight = mli_slot(s->mark, "weight");
    const mli_style *style = s->p->style;
    double           threshold, most;
    if (!find_threshold(weight, &threshold, &most)) return false;
    cairo_set_line_cap(s->p->cr, CAIRO_LINE_CAP_BUTT);
    for (int64_t i = 0; i < weight->n; i++) {
        double w = weight->values[i], x0, y0, x1, y1;
        if (!isfinite(w) || w == 0 || fabs(w) < threshold) continue;
        if (!place_of(s, p, from->values[i], &x0, &y0) || !place_of(s, p, to->values[i], &x1, &y1)) continue;
        mli_note(s, x0, y0, x1, y1);
        if (s->busy) continue;
        double strength = fabs(w) / most;
        mli_ink(s->p, style->palette[w > 0 ? 0 : 1], (0.15 + 0.75 * strength) * mli_stage_alpha(s));
        cairo_set_line_width(s->p->cr, 0.3 + 2.2 * strength);
        if (style->dashes && w < 0) cairo_set_dash(s->p->cr, (double[]){ 3, 2 }, 2, 0);
        cairo_move_to(s->p->cr, x0, y0);
        cairo_line_to(s->p->cr, x1, y1);
        cairo_stroke(s->p->cr);
        if (style->dashes) cairo_set_dash(s->p->cr, NULL, 0, 0);
    }
    return true;
}

/* Half the way between the two nodes of a column that are nearest, at most. */
static double choose_radius(const mli_stage *s, const places *p)
{
    double asked = mli_opt_number(s->mark, "radius"), apart = INFINITY, x0 = 0, y0 = 0, x1, y1;
    if (asked > 0) return fmin(asked, 200);
    bool before = false;
    for (int64_t i = 0; i < p->x->n; i++) {
        if (!place_of(s, p, (double)(i + p->base), &x1, &y1)) continue;
        double d = hypot(x1 - x0, y1 - y0);
        if (before && d > 0) apart = fmin(apart, d);
        x0 = x1, y0 = y1, before = true;
    }
    return fmin(fmax(0.36 * apart, 1), 9);
}

static bool paint(mli_stage *s)
{
    places     p = { mli_slot(s->mark, "x"), mli_slot(s->mark, "y"), (int64_t)mli_opt_number(s->mark, "base") };
    mli_shades colours;
    bool       by_value = shades(s, &colours);
    if (!paint_edges(s, &p)) return false;
    double          radius = choose_radius(s, &p);
    const mli_data *value  = mli_slot(s->mark, "value");
    for (int64_t i = 0; i < p.x->n; i++) {
        double x, y;
        if (!place_of(s, &p, (double)(i + p.base), &x, &y)) continue;
        mli_note_box(s, (mli_box){ x - radius, y - radius, 2 * radius, 2 * radius });
        if (s->busy) continue;
        mli_dot(s->p->cr, x, y, radius, 0);
        mli_ink(s->p, by_value ? mli_shade_colour(&colours, value->values[i]) : s->p->style->paper, 1);
        cairo_fill_preserve(s->p->cr);
        mli_ink(s->p, mli_opt_text(s->mark, "colour")[0] ? mli_stage_colour(s, 0) : s->p->style->quiet, 1);
        cairo_set_line_width(s->p->cr, radius > 3 ? 1 : 0.6);
        cairo_stroke(s->p->cr);
    }
    return true;
}

const mli_mark_kind mli_mark_graph = {
    .frame  = MLI_FRAME_NONE,
    .plain  = true,
    .reach  = reach,
    .shades = shades,
    .swatch = mli_swatch_line,
    .paint  = paint,
};
