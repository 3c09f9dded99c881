/* How many values fall into each bin. */
#include "figure/mark.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BINS 500
#define SAMPLE    20000 /* values that the quartiles are taken from */

typedef struct bins {
    int    n;
    double low, width;
    double height[MOST_BINS];
} bins;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Twice the middle half of the values over the cube root of their number (Freedman and Diaconis 1981); 0: no spread. */
static double bin_width(const mli_data *values, int64_t count)
{
    int64_t step = values->n / SAMPLE + 1, n = 0;
    double *some = ml_realloc(NULL, 0, SAMPLE * sizeof *some);
    if (!some) {
        ml_error_clear(); /* then by another rule */
        return 0;
    }
    for (int64_t i = 0; i < values->n && n < SAMPLE; i += step)
        if (isfinite(values->values[i])) some[n++] = values->values[i];
    qsort(some, (size_t)n, sizeof *some, ascending);
    double middle = n ? some[n * 3 / 4] - some[n / 4] : 0;
    ml_realloc(some, SAMPLE * sizeof *some, 0);
    return 2 * middle / cbrt((double)count);
}

static void count(const mli_stage *s, bins *b)
{
    const mli_data  *values = mli_slot(s->mark, "values");
    const mli_value *range  = mli_option(s->mark, "range");
    mli_range        r      = MLI_NOTHING;
    int64_t          n      = 0;
    memset(b, 0, sizeof *b);
    for (int64_t i = 0; i < values->n; i++)
        if (isfinite(values->values[i])) mli_range_add(&r, values->values[i]), n++;
    if (range->given) r.low = range->number[0], r.high = range->number[1];
    if (!(r.low <= r.high) || n == 0) return;
    if (r.low == r.high) r.low -= 0.5, r.high += 0.5;
    double asked = mli_opt_number(s->mark, "bins");
    if (asked < 1) {
        double width = bin_width(values, n);
        asked        = width > 0 ? (r.high - r.low) / width : sqrt((double)n);
    }
    b->n     = (int)fmin(fmax(ceil(asked - 1e-9), 1), MOST_BINS);
    b->low   = r.low;
    b->width = r.high / b->n - r.low / b->n;
    if (!(b->width > 0)) { /* values so close that doubles end */
        b->n = 0;
        return;
    }
    for (int64_t i = 0; i < values->n; i++) {
        double v = values->values[i];
        if (!(v >= r.low && v <= r.high)) continue;
        int at = (int)((v - r.low) / b->width);
        b->height[at < b->n ? at : b->n - 1]++;
    }
    for (int i = 0; i < b->n && mli_opt_flag(s->mark, "density"); i++) b->height[i] /= (double)n * b->width;
}

static void reach(const mli_stage *s, mli_reach *r)
{
    bins b;
    count(s, &b);
    for (int i = 0; i < b.n; i++) {
        mli_reach_point(r, b.low + i * b.width, b.height[i]);
        mli_reach_point(r, b.low + (i + 1) * b.width, b.height[i]);
    }
    if (b.n && r->yscale != ML_SCALE_LOG) {
        mli_range_add(&r->y, 0);
        r->y.stands = true;
    }
}

static bool paint(mli_stage *s)
{
    bins b;
    count(s, &b);
    double base = s->y.scale == ML_SCALE_LOG ? s->y.from : mli_ruler_at(&s->y, 0);
    for (int i = 0; i < b.n; i++) {
        double a = b.low + i * b.width, c = a + b.width;
        if (!(b.height[i] > 0) || !mli_can_show(s->x.scale, a) || !mli_can_show(s->x.scale, c)) continue;
        double  x0 = mli_ruler_at(&s->x, a), x1 = mli_ruler_at(&s->x, c), y = mli_ruler_at(&s->y, b.height[i]);
        mli_box box = { x0, fmin(y, base), x1 - x0, fabs(base - y) };
        mli_note_box(s, box);
        if (s->busy) continue;
        double gap = box.w > 5 ? 0.4 : 0;
        mli_ink(s->p, mli_stage_colour(s, 0), 0.8 * mli_stage_alpha(s));
        cairo_rectangle(s->p->cr, box.x + gap, box.y, box.w - 2 * gap, box.h);
        cairo_fill(s->p->cr);
    }
    return true;
}

const mli_mark_kind mli_mark_histogram = {
    .reach  = reach,
    .swatch = mli_swatch_patch,
    .paint  = paint,
};
