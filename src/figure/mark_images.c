/* Many small images: in a grid, which is one image in the end, with gaps between them; or each at its own place, as on the nodes
 * of a graph. */
#include "figure/mark.h"

#define GAP 3 /* between two, in 1/96 inch */

/* Half a unit around each place, which is what an image of size 1 takes. */
static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    for (int64_t i = 0; x && y && i < x->n; i++) {
        mli_reach_point(r, x->values[i] - 0.5, y->values[i] - 0.5);
        mli_reach_point(r, x->values[i] + 0.5, y->values[i] + 0.5);
    }
}

static bool is_shared(const mli_stage *s)
{
    return mli_opt_flag(s->mark, "shared") || mli_option(s->mark, "limits")->given;
}

static bool shades(const mli_stage *s, mli_shades *colours)
{
    if (!is_shared(s)) return false;
    mli_shades_for(s, mli_slot(s->mark, "images"), mli_opt_flag(s->mark, "diverging"), MLI_MAP_GREY, false, colours);
    return true;
}

/* Of one image alone. */
static void own_shades(const mli_stage *s, const double *values, int64_t n, mli_shades *colours)
{
    mli_range r = MLI_NOTHING;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(values[i])) mli_range_add(&r, values[i]);
    double most = fmax(fabs(r.low), fabs(r.high));
    if (!(r.low <= r.high)) r.low = 0, r.high = 1;
    if (colours->map == MLI_MAP_DIVERGING && isfinite(most)) r.low = -most, r.high = most;
    if (r.low == r.high) r.low -= 1, r.high += 1;
    colours->low  = r.low;
    colours->high = r.high;
    (void)s;
}

/* As many columns as let the images be largest. */
static int64_t choose_columns(const mli_stage *s, int64_t n, int64_t h, int64_t w)
{
    double asked = mli_opt_number(s->mark, "columns");
    if (asked >= 1) return asked < (double)n ? (int64_t)asked : n;
    double  largest = 0;
    int64_t best    = 1;
    for (int64_t c = 1; c <= n && c <= 1000; c++) {
        int64_t r    = (n + c - 1) / c;
        double  size = fmin((s->box.w - GAP * (double)(c - 1)) / (double)(c * w),
                            (s->box.h - GAP * (double)(r - 1)) / (double)(r * h));
        if (size > largest * (1 + 1e-9)) largest = size, best = c;
    }
    return best;
}

static bool paint_grid(mli_stage *s)
{
    const mli_data *m = mli_slot(s->mark, "images");
    int64_t         n = m->size[0], h = m->size[1], w = m->size[2];
    s->touched++;
    if (s->busy) {
        mli_note_box(s, s->box);
        return true;
    }
    if (m->n == 0) return true;
    int64_t cols = choose_columns(s, n, h, w), rows = (n + cols - 1) / cols;
    double  d = s->p->density, gap = GAP;
    if (gap * (double)cols > 0.3 * s->box.w || gap * (double)rows > 0.3 * s->box.h) gap = 1 / d;
    double size = fmin((s->box.w - gap * (double)(cols - 1)) / (double)(cols * w),
                       (s->box.h - gap * (double)(rows - 1)) / (double)(rows * h));
    if (!(size > 0)) return true;
    mli_box     box = { s->box.x, s->box.y, size * (double)(cols * w) + gap * (double)(cols - 1),
                        size * (double)(rows * h) + gap * (double)(rows - 1) };
    mli_picture pic;
    box = mli_on_pixels(s->p, box);
    if (!mli_picture_for(s->p, &pic, box)) return false;
    mli_shades colours;
    mli_shades_for(s, m, mli_opt_flag(s->mark, "diverging"), MLI_MAP_GREY, false, &colours);
    for (int64_t i = 0; i < n; i++) {
        double x = (double)(i % cols) * (size * (double)w + gap) * d,
               y = (double)(i / cols) * (size * (double)h + gap) * d;
        int x0 = (int)lround(x), y0 = (int)lround(y);
        int x1 = (int)lround(x + size * (double)w * d), y1 = (int)lround(y + size * (double)h * d);
        x1 = x1 > pic.w ? pic.w : x1, y1 = y1 > pic.h ? pic.h : y1;
        if (x1 <= x0 || y1 <= y0) continue; /* smaller than a pixel */
        if (!is_shared(s)) own_shades(s, m->values + i * h * w, h * w, &colours);
        mli_picture_cells(&pic, x0, y0, x1, y1, m->values + i * h * w, h, w, &colours);
    }
    mli_picture_show(s->p, &pic, box, mli_stage_alpha(s));
    return true;
}

/* Pixels of a unit, along the axis where they are fewer. */
static double unit_of(const mli_stage *s)
{
    double across = s->box.w / fabs(s->x.high - s->x.low), up = s->box.h / fabs(s->y.high - s->y.low);
    return fmin(across, up);
}

static bool paint_placed(mli_stage *s, const mli_data *x, const mli_data *y)
{
    const mli_data *m = mli_slot(s->mark, "images");
    int64_t         h = m->size[1], w = m->size[2];
    double          side = fmin(mli_opt_number(s->mark, "size") * unit_of(s), fmin(s->box.w, s->box.h));
    double          d    = s->p->density;
    mli_shades      colours;
    if (m->n == 0 || !(side * d >= 0.5)) return true; /* smaller than a pixel */
    side /= (double)(h > w ? h : w); /* of a cell, from here on */
    mli_shades_for(s, m, mli_opt_flag(s->mark, "diverging"), MLI_MAP_GREY, false, &colours);
    for (int64_t i = 0; i < m->size[0]; i++) {
        if (!mli_can_show(s->x.scale, x->values[i]) || !mli_can_show(s->y.scale, y->values[i])) continue;
        double  wide = fmax(round(side * (double)w * d), 1) / d, high = fmax(round(side * (double)h * d), 1) / d;
        mli_box box  = { mli_ruler_at(&s->x, x->values[i]) - wide / 2, mli_ruler_at(&s->y, y->values[i]) - high / 2,
                         wide, high }; /* all of them have the same pixels */
        mli_note_box(s, box);
        if (s->busy || box.x + box.w < s->box.x || box.x > s->box.x + s->box.w || box.y + box.h < s->box.y ||
            box.y > s->box.y + s->box.h)
            continue;
        if (!is_shared(s)) own_shades(s, m->values + i * h * w, h * w, &colours);
        mli_picture pic;
        box = mli_on_pixels(s->p, box);
        if (!mli_picture_for(s->p, &pic, box)) return false;
        mli_picture_cells(&pic, 0, 0, pic.w, pic.h, m->values + i * h * w, h, w, &colours);
        mli_picture_show(s->p, &pic, box, mli_stage_alpha(s));
    }
    return true;
}

static bool paint(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    return x && y ? paint_placed(s, x, y) : paint_grid(s);
}

const mli_mark_kind mli_mark_images = {
    .frame  = MLI_FRAME_NONE,
    .plain  = true,
    .reach  = reach,
    .shades = shades,
    .paint  = paint,
};
