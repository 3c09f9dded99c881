/* A line across the panel where something happened, and what it was. */
#include "figure/mark.h"

#define LINES 4 /* of words under each other, before they overlap */

static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *at    = mli_slot(s->mark, "at");
    bool            level = mli_opt_flag(s->mark, "level");
    for (int64_t i = 0; i < at->n; i++) {
        double v = at->values[i];
        if (level && mli_can_show(r->yscale, v)) mli_range_add(&r->y, v);
        if (!level && mli_can_show(r->xscale, v) && (!r->window || (v >= r->window[0] && v <= r->window[1]))) mli_range_add(&r->x, v);
    }
}

static void across(mli_stage *s, double at, bool level)
{
    static const double dashes[][2] = { { 4, 3 }, { 1.2, 2.4 } };
    cairo_t            *cr          = s->p->cr;
    mli_box             b           = s->box;
    mli_ink(s->p, mli_stage_colour(s, 0), 0.75 * mli_stage_alpha(s));
    cairo_set_line_width(cr, 1);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);
    if (!mli_opt_word(s->mark, "dash", "solid")) cairo_set_dash(cr, dashes[mli_opt_word(s->mark, "dash", "dotted")], 2, 0);
    cairo_move_to(cr, level ? b.x : at, level ? at : b.y);
    cairo_line_to(cr, level ? b.x + b.w : at, level ? at : b.y + b.h);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void words(mli_stage *s, const char *text, double at, bool level, double used[LINES])
{
    mli_box b = s->box;
    double  w = mli_text_width(s->p, mli_font_legend, text), h = mli_text_height(s->p, mli_font_legend);
    double  x = level ? b.x + b.w - w - 4 : at + 4, y = level ? at - h - 1 : b.y + 2;
    if (level && y < b.y) y = at + 1;
    if (!level && x + w > b.x + b.w && at - 4 - w >= b.x) x = at - 4 - w;
    for (int line = 0; !level && line < LINES; line++) { /* beside words that are there already: under them */
        if (x < used[line] && line + 1 < LINES) continue;
        y += line * h;
        used[line] = x + w + 6;
        break;
    }
    mli_note_box(s, (mli_box){ x, y, w, h });
    if (s->busy) return;
    mli_ink(s->p, s->p->style->paper, 0.7);
    cairo_rectangle(s->p->cr, x - 1, y + 1, w + 2, h - 2);
    cairo_fill(s->p->cr);
    mli_ink(s->p, mli_stage_colour(s, 0), mli_stage_alpha(s));
    mli_text_draw(s->p, mli_font_legend, text, x, y, 0, 0, b.x + b.w - x, false);
}

static bool paint(mli_stage *s)
{
    const mli_data *at    = mli_slot(s->mark, "at");
    bool            level = mli_opt_flag(s->mark, "level");
    double          used[LINES];
    char            text[256];
    for (int i = 0; i < LINES; i++) used[i] = -INFINITY;
    for (int64_t i = 0; i < at->n; i++) {
        const mli_ruler *ruler = level ? &s->y : &s->x;
        if (!mli_can_show(ruler->scale, at->values[i])) continue;
        double place = mli_ruler_at(ruler, at->values[i]), low = level ? s->box.y : s->box.x;
        if (place < low - 0.5 || place > low + (level ? s->box.h : s->box.w) + 0.5) continue;
        s->touched++;
        if (!s->busy) across(s, place, level);
        if (!s->p->bare && mli_opt_line(s->mark, "text", i, text, sizeof text)[0]) words(s, text, place, level, used);
    }
    return true;
}

const mli_mark_kind mli_mark_event = {
    .frame  = MLI_FRAME_ANY,
    .plain  = true,
    .reach  = reach,
    .swatch = mli_swatch_line,
    .paint  = paint,
};
