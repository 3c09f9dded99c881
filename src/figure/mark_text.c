/* Words at places, with arrows to what they speak of. */
#include "figure/mark.h"

#define AWAY 6 /* from the place, when the words stand to a side of it */

static bool in_panel(const mli_stage *s)
{
    return mli_opt_flag(s->mark, "panel");
}

static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y"), *to_x = mli_slot(s->mark, "to_x"), *to_y = mli_slot(s->mark, "to_y");
    for (int64_t i = 0; i < x->n && !in_panel(s); i++) mli_reach_point(r, x->values[i], y->values[i]);
    for (int64_t i = 0; to_x && to_y && i < to_x->n; i++) mli_reach_point(r, to_x->values[i], to_y->values[i]);
}

static bool place_of(const mli_stage *s, int64_t i, double *px, double *py)
{
    double x = mli_slot(s->mark, "x")->values[i], y = mli_slot(s->mark, "y")->values[i];
    if (in_panel(s)) {
        *px = s->box.x + x * s->box.w;
        *py = s->box.y + (1 - y) * s->box.h;
        return isfinite(x) && isfinite(y);
    }
    *px = mli_ruler_at(&s->x, x);
    *py = mli_ruler_at(&s->y, y);
    return mli_can_show(s->x.scale, x) && mli_can_show(s->y.scale, y);
}

/* From the edge of the words to the point, with a small head. */
static void arrow(mli_stage *s, mli_box words, double x, double y)
{
    double cx = words.x + words.w / 2, cy = words.y + words.h / 2, dx = x - cx, dy = y - cy, far = hypot(dx, dy);
    if (far < 8) return;
    double out = fmin(dx != 0 ? (words.w / 2 + 3) / fabs(dx) : INFINITY, dy != 0 ? (words.h / 2 + 2) / fabs(dy) : INFINITY);
    if (!(out < 1)) return;
    double ux = dx / far, uy = dy / far, tip_x = x - 3 * ux, tip_y = y - 3 * uy, head = 5;
    cairo_t *cr = s->p->cr;
    mli_ink(s->p, mli_stage_colour(s, 0), 0.8 * mli_stage_alpha(s));
    cairo_set_line_width(cr, 0.9);
    cairo_move_to(cr, cx + out * dx, cy + out * dy);
    cairo_line_to(cr, tip_x, tip_y);
    cairo_move_to(cr, tip_x - head * ux + 0.5 * head * uy, tip_y - head * uy - 0.5 * head * ux);
    cairo_line_to(cr, tip_x, tip_y);
    cairo_line_to(cr, tip_x - head * ux - 0.5 * head * uy, tip_y - head * uy + 0.5 * head * ux);
    cairo_stroke(cr);
}

static bool paint(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *to_x = mli_slot(s->mark, "to_x"), *to_y = mli_slot(s->mark, "to_y");
    mli_font        font = { .size = fmin(fmax(mli_opt_number(s->mark, "size"), 4), 96) };
    char            text[256];
    if (s->p->bare) return true;
    double ax = mli_opt_word(s->mark, "side", "right") ? 0 : mli_opt_word(s->mark, "side", "left") ? 1 : 0.5;
    bool   above = mli_opt_word(s->mark, "side", "above"), below = mli_opt_word(s->mark, "side", "below");
    double ay = above ? 1 : below ? 0 : 0.5;
    for (int64_t i = 0; i < x->n; i++) {
        double px, py; /* first where the words belong, then where they are */
        if (!mli_opt_line(s->mark, "text", i, text, sizeof text)[0] || !place_of(s, i, &px, &py)) continue;
        double w = mli_text_width(s->p, font, text), h = font.size * 1.2;
        if (px < s->box.x - 0.5 || px > s->box.x + s->box.w + 0.5 || py < s->box.y - 0.5 || py > s->box.y + s->box.h + 0.5) continue;
        px += ax == 0 ? AWAY : ax == 1 ? -AWAY : 0;
        py += above ? -AWAY + 2 : below ? AWAY - 2 : 0;
        px = fmax(fmin(px, s->box.x + s->box.w - (1 - ax) * w), s->box.x + ax * w); /* whole words, also at the edge */
        py = fmax(fmin(py, s->box.y + s->box.h - (1 - ay) * h), s->box.y + ay * h);
        mli_box words = { px - ax * w, py - ay * h, w, h };
        mli_note_box(s, words);
        if (s->busy) continue;
        if (mli_opt_flag(s->mark, "boxed")) {
            mli_ink(s->p, s->p->style->paper, 0.85);
            cairo_rectangle(s->p->cr, words.x - 3, words.y - 2, words.w + 6, words.h + 4);
            cairo_fill(s->p->cr);
        }
        bool points = to_x && to_y && i < to_x->n && mli_can_show(s->x.scale, to_x->values[i]) && mli_can_show(s->y.scale, to_y->values[i]);
        if (points) arrow(s, words, mli_ruler_at(&s->x, to_x->values[i]), mli_ruler_at(&s->y, to_y->values[i]));
        mli_ink(s->p, mli_stage_colour(s, 0), mli_stage_alpha(s));
        mli_text_draw(s->p, font, text, px, py, ax, ay, INFINITY, false);
    }
    return true;
}

const mli_mark_kind mli_mark_text = {
    .frame = MLI_FRAME_ANY,
    .plain = true,
    .reach = reach,
    .paint = paint,
};
