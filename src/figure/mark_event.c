/* A line across the panel where something happened, and what it was. */
#include "figure/mark.h"

#define ROWS   8  /* of words under each other */
#define PLACES 64 /* most words */

static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *at    = mli_slot(s->mark, "at");
    bool            level = mli_opt_flag(s->mark, "level");
    for (int64_t i = 0; i < at->n; i++) {
        double v = at->values[i];
        if (level && mli_can_show(r->yscale, v)) mli_range_add(&r->y, v);
        if (!level && mli_can_show(r->xscale, v) && (!r->window || (v >= r->window[0] && v <= r->window[1])))
            mli_range_add(&r->x, v);
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
    if (!mli_opt_word(s->mark, "dash", "solid"))
        cairo_set_dash(cr, dashes[mli_opt_word(s->mark, "dash", "dotted")], 2, 0);
    cairo_move_to(cr, level ? b.x : at, level ? at : b.y);
    cairo_line_to(cr, level ? b.x + b.w : at, level ? at : b.y + b.h);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

/* --- words: none over another, nor over a line that comes later; where there is no place left, none ------------ */
typedef struct places {
    mli_box taken[PLACES];
    int     n;
} places;

static bool is_free(const places *used, mli_box b)
{
    for (int i = 0; i < used->n; i++) {
        const mli_box *t = &used->taken[i];
        if (b.x < t->x + t->w + 6 && t->x < b.x + b.w + 6 && b.y < t->y + t->h - 0.5 && t->y < b.y + b.h - 0.5) return false;
    }
    return true;
}

/* Beside the line, in the first row where there is room: to its right, or to its left where the panel ends. */
static bool find_place(const mli_stage *s, const places *used, double at, double w, double h, mli_box *place)
{
    mli_box b    = s->box;
    int     rows = (int)fmin(fmax(0.4 * b.h / h, 1), ROWS);
    for (int row = 0; row < rows; row++) {
        double right = at + 4, left = at - 4 - w;
        *place = (mli_box){ right + w <= b.x + b.w || left < b.x ? right : left, b.y + 2 + row * h, w, h };
        if (is_free(used, *place)) return true;
    }
    return false;
}

static bool word(mli_stage *s, const char *text, double at, bool level, places *used)
{
    mli_box b = s->box, place;
    double  w = mli_text_width(s->p, mli_font_legend, text), h = mli_text_height(s->p, mli_font_legend);
    if (used->n == PLACES) return false;
    if (level) place = (mli_box){ b.x + b.w - w - 4, at - h - 1 < b.y ? at + 1 : at - h - 1, w, h };
    else if (!find_place(s, used, at, w, h, &place)) return false;
    used->taken[used->n++] = place;
    return true;
}

static void draw_word(mli_stage *s, const char *text, mli_box place)
{
    mli_note_box(s, place);
    if (s->busy) return;
    mli_ink(s->p, s->p->style->paper, 0.8);
    cairo_rectangle(s->p->cr, place.x - 1, place.y + 1, place.w + 2, place.h - 2);
    cairo_fill(s->p->cr);
    mli_ink(s->p, mli_stage_colour(s, 0), mli_stage_alpha(s));
    mli_text_draw(s->p, mli_font_legend, text, place.x, place.y, 0, 0, s->box.x + s->box.w - place.x, false);
}

/* --- all of it --------------------------------------------------------------------------------------------- */
/* Where event i is across the panel; false: not in it. */
static bool place_of(const mli_stage *s, double value, bool level, double *place)
{
    const mli_ruler *ruler = level ? &s->y : &s->x;
    double           low = level ? s->box.y : s->box.x, size = level ? s->box.h : s->box.w;
    if (!mli_can_show(ruler->scale, value)) return false;
    *place = mli_ruler_at(ruler, value);
    return *place >= low - 0.5 && *place <= low + size + 0.5;
}

/* Finds places in their order, or from the last one on; false when there is none for some. names: which event has which. */
static bool find_places(mli_stage *s, const mli_data *at, bool level, bool backwards, places *used, int64_t names[PLACES])
{
    char   text[256];
    double place;
    bool   all = true;
    used->n    = 0;
    for (int64_t k = 0; k < at->n; k++) {
        int64_t i = backwards ? at->n - 1 - k : k;
        if (!place_of(s, at->values[i], level, &place) || !mli_opt_line(s->mark, "text", i, text, sizeof text)[0]) continue;
        bool found = word(s, text, place, level, used);
        if (found) names[used->n - 1] = i;
        all &= found;
    }
    return all;
}

static bool paint(mli_stage *s)
{
    const mli_data *at    = mli_slot(s->mark, "at");
    bool            level = mli_opt_flag(s->mark, "level");
    char            text[256];
    double          place;
    places          used = { .n = 0 };
    int64_t         names[PLACES];
    for (int64_t i = 0; i < at->n; i++) {
        if (!place_of(s, at->values[i], level, &place)) continue;
        s->touched++;
        if (!s->busy) across(s, place, level);
    }
    if (s->p->bare) return true;
    if (!find_places(s, at, level, false, &used, names)) /* too many: then the last ones matter most */
        find_places(s, at, level, true, &used, names);
    for (int i = 0; i < used.n; i++) draw_word(s, mli_opt_line(s->mark, "text", names[i], text, sizeof text), used.taken[i]);
    return true;
}

const mli_mark_kind mli_mark_event = {
    .frame  = MLI_FRAME_ANY,
    .plain  = true,
    .reach  = reach,
    .swatch = mli_swatch_line,
    .paint  = paint,
};
