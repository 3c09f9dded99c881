/* Lines of equal value by marching squares: each cell of the grid gives at most two segments a level. Bands between
 * levels are an image, each pixel read between the points of the grid. */
#include "figure/grid.h"

#include <stdio.h>
#include <string.h>

#define MOST_LEVELS 64

typedef struct levels {
    int        n;
    double     at[MOST_LEVELS];
    mli_shades shades;
} levels;

static void find_levels(const mli_stage *s, levels *l)
{
    const mli_data *given = mli_slot(s->mark, "at");
    mli_shades_for(s, mli_slot(s->mark, "values"), false, MLI_MAP_VIRIDIS, !mli_opt_flag(s->mark, "filled"), &l->shades);
    l->n = 0;
    if (given) {
        for (int64_t i = 0; i < given->n && l->n < MOST_LEVELS; i++)
            if (isfinite(given->values[i])) l->at[l->n++] = given->values[i];
        return;
    }
    mli_tick ticks[MLI_MAX_TICKS];
    int      n = mli_ticks_linear(l->shades.low, l->shades.high, (int)fmin(fmax(mli_opt_number(s->mark, "levels"), 1), MOST_LEVELS), 0, ticks);
    for (int i = 0; i < n && l->n < MOST_LEVELS; i++) l->at[l->n++] = ticks[i].at;
}

static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    mli_range       rx = MLI_NOTHING, ry = MLI_NOTHING;
    for (int64_t i = 0; i < x->n; i++)
        if (mli_can_show(r->xscale, x->values[i])) mli_range_add(&rx, x->values[i]);
    for (int64_t i = 0; i < y->n; i++)
        if (mli_can_show(r->yscale, y->values[i])) mli_range_add(&ry, y->values[i]);
    rx.tight = ry.tight = true; /* lines end at the outermost points */
    mli_range_join(&r->x, &rx);
    mli_range_join(&r->y, &ry);
}

static bool shades(const mli_stage *s, mli_shades *colours)
{
    if (mli_opt_text(s->mark, "colour")[0]) return false;
    levels l;
    find_levels(s, &l);
    *colours = l.shades;
    if (!mli_opt_flag(s->mark, "filled")) return true;
    for (int i = 0; i < MLI_SHADES; i++) { /* the bar has bands too */
        double value = l.shades.low + (l.shades.high - l.shades.low) * i / (MLI_SHADES - 1);
        double low = l.shades.low, high = l.shades.high;
        for (int k = 0; k < l.n; k++) {
            if (l.at[k] <= value) low = fmax(low, l.at[k]);
            if (l.at[k] > value) high = fmin(high, l.at[k]);
        }
        colours->at[i] = mli_shade(&l.shades, low / 2 + high / 2);
    }
    return true;
}

/* --- bands --------------------------------------------------------------------------------------------- */
static double read_between(const double *values, int64_t cols, int64_t rows, mli_between x, mli_between y)
{
    int64_t right = x.at + 1 < cols ? x.at + 1 : x.at, below = y.at + 1 < rows ? y.at + 1 : y.at;
    double  a = values[y.at * cols + x.at], b = values[y.at * cols + right];
    double  c = values[below * cols + x.at], d = values[below * cols + right];
    double  upper = x.part == 0 ? a : x.part == 1 ? b : a + (b - a) * x.part;
    double  lower = x.part == 0 ? c : x.part == 1 ? d : c + (d - c) * x.part;
    return y.part == 0 ? upper : y.part == 1 ? lower : upper + (lower - upper) * y.part;
}

static bool paint_bands(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y"), *m = mli_slot(s->mark, "values");
    mli_box         box = mli_on_pixels(s->p, s->box);
    mli_shades      colours;
    mli_picture     pic;
    if (!shades(s, &colours)) { /* of one colour: bands would say nothing */
        return true;
    }
    if (!mli_picture_for(s->p, &pic, box)) return false;
    mli_between *across = mli_between_make(&s->x, x, box.x, s->p->density, pic.w);
    mli_between *down   = across ? mli_between_make(&s->y, y, box.y, s->p->density, pic.h) : NULL;
    for (int r = 0; down && r < pic.h; r++)
        for (int c = 0; c < pic.w; c++) {
            double v = read_between(m->values, x->n, y->n, across[c], down[r]);
            pic.pixels[(int64_t)r * pic.w + c] = isnan(v) ? 0 : mli_shade(&colours, v);
        }
    bool ok = down != NULL;
    mli_between_free(across, pic.w);
    mli_between_free(down, pic.h);
    if (ok)
        mli_picture_show(s->p, &pic, box, mli_stage_alpha(s));
    else
        ml_realloc(pic.pixels, pic.bytes, 0);
    return ok;
}

/* --- lines ----------------------------------------------------------------------------------------------- */
typedef struct point {
    double x, y;
} point;

typedef struct tracer {
    mli_stage      *s;
    const mli_data *x, *y, *m;
    double          level;
    point           best; /* of its number: the middle of the segment nearest to a diagonal of the box */
    double          best_far;
} tracer;

static point on_edge(const tracer *t, int64_t r0, int64_t c0, int64_t r1, int64_t c1)
{
    double a = t->m->values[r0 * t->x->n + c0], b = t->m->values[r1 * t->x->n + c1];
    double part = (t->level - a) / (b - a);
    double x0 = mli_ruler_at(&t->s->x, t->x->values[c0]), x1 = mli_ruler_at(&t->s->x, t->x->values[c1]);
    double y0 = mli_ruler_at(&t->s->y, t->y->values[r0]), y1 = mli_ruler_at(&t->s->y, t->y->values[r1]);
    return (point){ x0 + (x1 - x0) * part, y0 + (y1 - y0) * part };
}

static void segment(tracer *t, point a, point b)
{
    if (!isfinite(a.x + a.y + b.x + b.y)) return; /* at a place that a log axis does not have */
    mli_note(t->s, a.x, a.y, b.x, b.y);
    if (t->s->busy) return;
    cairo_move_to(t->s->p->cr, a.x, a.y);
    cairo_line_to(t->s->p->cr, b.x, b.y);
    mli_box box = t->s->box;
    point   m   = { (a.x + b.x) / 2, (a.y + b.y) / 2 };
    double  u = (m.x - box.x) / box.w, v = (m.y - box.y) / box.h;
    double  far = fabs(u - v) + 0.05 * u + (u < 0.1 || u > 0.9 || v < 0.08 || v > 0.92 ? 2 : 0);
    if (far < t->best_far) t->best_far = far, t->best = m;
}

static void march_cell(tracer *t, int64_t r, int64_t c)
{
    const double *m = t->m->values;
    int64_t       n = t->x->n;
    double        v[4] = { m[r * n + c], m[r * n + c + 1], m[(r + 1) * n + c + 1], m[(r + 1) * n + c] }; /* around the cell */
    int           which = 0;
    for (int i = 0; i < 4; i++) {
        if (!isfinite(v[i])) return;
        which |= (v[i] > t->level) << i;
    }
    if (which == 0 || which == 15) return;
    const int64_t corner[4][2] = { { r, c }, { r, c + 1 }, { r + 1, c + 1 }, { r + 1, c } };
    point         cut[4];
    int           cuts[4], k = 0;
    for (int i = 0; i < 4; i++) {
        int j = (i + 1) % 4;
        if ((which >> i & 1) == (which >> j & 1)) continue;
        cut[i]    = on_edge(t, corner[i][0], corner[i][1], corner[j][0], corner[j][1]);
        cuts[k++] = i;
    }
    if (k == 2) {
        segment(t, cut[cuts[0]], cut[cuts[1]]);
        return;
    }
    /* a saddle: the value in the middle tells which corners belong together */
    bool high_middle = (v[0] + v[1] + v[2] + v[3]) / 4 > t->level, first_high = which & 1;
    if (high_middle == first_high) segment(t, cut[0], cut[1]), segment(t, cut[2], cut[3]);
    else segment(t, cut[3], cut[0]), segment(t, cut[1], cut[2]);
}

typedef struct numbers { /* that are written already */
    int     n;
    mli_box at[MOST_LEVELS];
} numbers;

static void write_number(mli_stage *s, const tracer *t, numbers *written)
{
    char text[32];
    if (!(t->best_far < 2)) return;
    snprintf(text, sizeof text, "%s%.4g", t->level < 0 ? "\xE2\x88\x92" : "", fabs(t->level));
    double  w = mli_text_width(s->p, mli_font_tick, text) + 4, h = 12;
    mli_box b = { t->best.x - w / 2, t->best.y - h / 2, w, h };
    for (int i = 0; i < written->n; i++) {
        mli_box o = written->at[i];
        if (b.x < o.x + o.w && o.x < b.x + b.w && b.y < o.y + o.h && o.y < b.y + b.h) return; /* no room for this one */
    }
    written->at[written->n++] = b;
    mli_ink(s->p, s->p->style->paper, 0.8);
    cairo_rectangle(s->p->cr, b.x, b.y, b.w, b.h);
    cairo_fill(s->p->cr);
    mli_ink(s->p, s->p->style->ink, 1);
    mli_text_draw(s->p, mli_font_tick, text, t->best.x, t->best.y, 0.5, 0.5, INFINITY, false);
}

static void paint_lines(mli_stage *s)
{
    tracer t      = { s, mli_slot(s->mark, "x"), mli_slot(s->mark, "y"), mli_slot(s->mark, "values"), 0, { 0, 0 }, 0 };
    bool   filled = mli_opt_flag(s->mark, "filled"), coloured = !mli_opt_text(s->mark, "colour")[0];
    numbers written = { 0 };
    levels  l;
    find_levels(s, &l);
    for (int k = 0; k < l.n; k++) {
        t.level    = l.at[k];
        t.best_far = INFINITY;
        for (int64_t r = 0; r + 1 < t.y->n; r++)
            for (int64_t c = 0; c + 1 < t.x->n; c++) march_cell(&t, r, c);
        if (s->busy) continue;
        mli_ink(s->p, filled ? s->p->style->paper : coloured ? mli_shade_colour(&l.shades, l.at[k]) : mli_stage_colour(s, 0),
                (filled ? 0.5 : 1) * mli_stage_alpha(s));
        cairo_set_line_width(s->p->cr, filled ? 0.6 : s->p->style->line * 0.8);
        cairo_set_line_cap(s->p->cr, CAIRO_LINE_CAP_ROUND);
        cairo_stroke(s->p->cr);
        if (mli_opt_flag(s->mark, "numbers") && !s->p->bare) write_number(s, &t, &written);
    }
}

static bool paint(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    if (x->n == 0 || y->n == 0) return true;
    if (mli_opt_flag(s->mark, "filled") && !s->busy) {
        s->touched++;
        if (!paint_bands(s)) return false;
    }
    paint_lines(s);
    return true;
}

const mli_mark_kind mli_mark_contour = {
    .plain  = true,
    .reach  = reach,
    .shades = shades,
    .swatch = mli_swatch_line,
    .paint  = paint,
};
