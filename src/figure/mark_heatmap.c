/* A matrix as colours: one image. Row 1 is at the top, as a matrix is printed. */
#include "figure/mark.h"

static void index_range(mli_range *range, int64_t n, double shift)
{
    mli_range r = MLI_NOTHING;
    r.tight     = true;
    mli_range_add(&r, 0.5 + shift);
    mli_range_add(&r, 0.5 + (double)n + shift);
    mli_range_join(range, &r);
}

static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *m = mli_slot(s->mark, "values");
    index_range(&r->x, m->size[1], mli_opt_number(s->mark, "col_shift"));
    index_range(&r->y, m->size[0], mli_opt_number(s->mark, "row_shift"));
}

static bool shades(const mli_stage *s, mli_shades *colours)
{
    mli_shades_for(s, mli_slot(s->mark, "values"), mli_opt_flag(s->mark, "diverging"), MLI_MAP_VIRIDIS, false, colours);
    return true;
}

static bool paint(mli_stage *s)
{
    const mli_data *m = mli_slot(s->mark, "values");
    double          row = mli_opt_number(s->mark, "row_shift") + 0.5, col = mli_opt_number(s->mark, "col_shift") + 0.5;
    mli_box         box = { mli_ruler_at(&s->x, col), mli_ruler_at(&s->y, row), 0, 0 };
    box.w = mli_ruler_at(&s->x, col + (double)m->size[1]) - box.x;
    box.h = mli_ruler_at(&s->y, row + (double)m->size[0]) - box.y;
    s->touched++;
    if (s->busy || m->n == 0) return true;
    mli_shades  colours;
    mli_picture pic;
    shades(s, &colours);
    bool all = fabs(box.w - s->box.w) < 1e-6 * box.w && fabs(box.h - s->box.h) < 1e-6 * box.h;
    if (all) { /* made for the pixels */
        if (!mli_picture_for(s->p, &pic, box)) return false;
        mli_picture_cells(&pic, 0, 0, pic.w, pic.h, m->values, m->size[0], m->size[1], &colours);
    } else { /* a part of it, enlarged: cells as they are, unless there are too many of them */
        int w = (int)fmin((double)m->size[1], 4096), h = (int)fmin((double)m->size[0], 4096);
        if (!mli_picture_new(&pic, w, h)) return false;
        mli_picture_cells(&pic, 0, 0, w, h, m->values, m->size[0], m->size[1], &colours);
    }
    mli_picture_show(s->p, &pic, box, mli_stage_alpha(s));
    return true;
}

const mli_mark_kind mli_mark_heatmap = {
    .frame  = MLI_FRAME_CELLS,
    .plain  = true,
    .reach  = reach,
    .shades = shades,
    .paint  = paint,
};
