/* How controls look, where control_layout.c has put them. */
#include "figure/control.h"

#include <string.h>

#define HANDLE 7
#define FAINT  0.45 /* of what cannot be turned now */
#define TURN   6.283185307179586

typedef struct look { /* of one control */
    bool hover, held, focus;
} look;

static look look_of(const mli_controls *c, mli_control_id id)
{
    return (look){ mli_control_same(id, c->hover), mli_control_same(id, c->held), c->keyed && mli_control_same(id, c->focus) };
}

/* --- shapes ------------------------------------------------------------------------------------------ */
static void rounded(mli_paper *p, mli_box b, double r)
{
    cairo_t *cr = p->cr;
    r           = fmin(r, fmin(b.w, b.h) / 2);
    cairo_new_sub_path(cr);
    cairo_arc(cr, b.x + b.w - r, b.y + r, r, -TURN / 4, 0);
    cairo_arc(cr, b.x + b.w - r, b.y + b.h - r, r, 0, TURN / 4);
    cairo_arc(cr, b.x + r, b.y + b.h - r, r, TURN / 4, TURN / 2);
    cairo_arc(cr, b.x + r, b.y + r, r, TURN / 2, 3 * TURN / 4);
    cairo_close_path(cr);
}

static mli_colour shade(const mli_paper *p, double much)
{
    return mli_mix(p->style->paper, p->style->ink, much);
}

static mli_colour accent(const mli_paper *p)
{
    return p->style->palette[0];
}

/* What stands on the accent: whichever of black and white is further from it. */
static mli_colour on_accent(const mli_paper *p)
{
    mli_colour c = accent(p);
    return 0.3 * c.r + 0.59 * c.g + 0.11 * c.b > 0.55 ? (mli_colour){ 0, 0, 0 } : (mli_colour){ 1, 1, 1 };
}

static void fill(mli_paper *p, mli_box b, double r, mli_colour colour, double alpha)
{
    rounded(p, b, r);
    mli_ink(p, colour, alpha);
    cairo_fill(p->cr);
}

static void outline(mli_paper *p, mli_box b, double r, mli_colour colour, double alpha)
{
    double half = 0.5;
    rounded(p, (mli_box){ b.x + half, b.y + half, b.w - 2 * half, b.h - 2 * half }, r);
    mli_ink(p, colour, alpha);
    cairo_set_line_width(p->cr, 1);
    cairo_stroke(p->cr);
}

static void ring(mli_paper *p, mli_box b, double alpha) /* of the control that keys turn */
{
    rounded(p, (mli_box){ b.x - 3, b.y - 1, b.w + 6, b.h + 2 }, 5);
    mli_ink(p, accent(p), 0.9 * alpha);
    cairo_set_line_width(p->cr, 1.5);
    cairo_stroke(p->cr);
}

static void words(mli_paper *p, const char *text, mli_box b, double ax, mli_colour colour, double alpha, double room)
{
    mli_ink(p, colour, alpha);
    mli_text_draw(p, mli_font_label, text, b.x + ax * b.w, b.y + b.h / 2, ax, 0.5, room, false);
}

/* --- sliders ----------------------------------------------------------------------------------------- */
/* from: where the coloured part begins; start: a small mark; both along the track, 0..1; start < 0: none. */
static void slide(mli_paper *p, mli_box track, double from, double at, double start, look l, double alpha)
{
    double x = track.x + at * track.w, x0 = track.x + from * track.w, y = track.y;
    fill(p, (mli_box){ track.x - 2, y - 2, track.w + 4, 4 }, 2, shade(p, 0.2), alpha);
    fill(p, (mli_box){ fmin(x, x0) - 2, y - 2, fabs(x - x0) + 4, 4 }, 2, accent(p), alpha);
    if (start >= 0) {
        mli_ink(p, p->style->quiet, alpha);
        cairo_rectangle(p->cr, track.x + start * track.w - 0.75, y + 5, 1.5, 4);
        cairo_fill(p->cr);
    }
    cairo_arc(p->cr, x, y, HANDLE - (l.hover || l.held ? 0 : 1), 0, TURN);
    mli_ink(p, l.held ? accent(p) : p->style->paper, 1);
    cairo_fill_preserve(p->cr);
    mli_ink(p, mli_mix(p->style->paper, accent(p), alpha), 1); /* what is faint lets nothing through */
    cairo_set_line_width(p->cr, 2);
    cairo_stroke(p->cr);
}

static void draw_slider(const mli_controls *c, mli_paper *p, const mli_control *at, look l, double alpha)
{
    const ml_knob *k = &c->knob[at->id.knob];
    char           text[64];
    mli_slider_text(k, k->value, text, sizeof text);
    double w = mli_text_width(p, mli_font_label, text);
    words(p, k->label, at->words, 0, p->style->ink, alpha, at->words.w - w - 8);
    words(p, text, at->words, 1, p->style->ink, alpha, INFINITY);
    double zero = !k->log && k->from < 0 && k->to > 0 ? mli_slider_place(k, 0) : 0;
    slide(p, at->track, zero, mli_slider_place(k, k->value), mli_slider_place(k, k->start), l, alpha);
}

/* --- the other knobs ----------------------------------------------------------------------------------- */
static void draw_toggle(const mli_controls *c, mli_paper *p, const mli_control *at, look l, double alpha)
{
    const ml_knob *k  = &c->knob[at->id.knob];
    bool           on = k->value != 0;
    mli_box        b  = at->track;
    words(p, k->label, at->words, 0, p->style->ink, alpha, at->words.w - b.w - 8);
    fill(p, b, b.h / 2, on ? accent(p) : shade(p, l.hover || l.held ? 0.35 : 0.25), alpha);
    cairo_arc(p->cr, on ? b.x + b.w - b.h / 2 : b.x + b.h / 2, b.y + b.h / 2, b.h / 2 - 2, 0, TURN);
    mli_ink(p, p->style->paper, 1);
    cairo_fill(p->cr);
}

static void draw_button(const mli_controls *c, mli_paper *p, const mli_control *at, look l, double alpha)
{
    const ml_knob *k = &c->knob[at->id.knob];
    fill(p, at->box, 4, shade(p, l.held && l.hover ? 0.25 : l.hover ? 0.14 : 0.08), alpha);
    outline(p, at->box, 4, shade(p, 0.3), alpha);
    words(p, k->label, at->box, 0.5, p->style->ink, alpha, at->box.w - 8);
}

static void draw_segment(const mli_controls *c, mli_paper *p, const mli_control *at, look l, double alpha)
{
    const ml_knob *k      = &c->knob[at->id.knob];
    bool           chosen = (int)k->value == at->id.part, last = at->id.part == k->n_choices - 1;
    mli_box        b      = at->box;
    if (at->id.part == 0) words(p, k->label, at->words, 0, p->style->ink, alpha, at->words.w);
    cairo_save(p->cr); /* the row is rounded, its parts are not */
    rounded(p, (mli_box){ at->words.x, b.y, at->words.w, b.h }, 4);
    cairo_clip(p->cr);
    cairo_rectangle(p->cr, b.x, b.y, b.w, b.h);
    mli_ink(p, chosen ? accent(p) : shade(p, l.hover || l.held ? 0.16 : 0.07), alpha);
    cairo_fill(p->cr);
    cairo_restore(p->cr);
    mli_ink(p, chosen ? on_accent(p) : p->style->ink, alpha);
    mli_text_draw(p, mli_font_legend, k->choices[at->id.part], b.x + b.w / 2, b.y + b.h / 2, 0.5, 0.5, b.w - 4, false);
    if (last) outline(p, (mli_box){ at->words.x, b.y, at->words.w, b.h }, 4, shade(p, 0.3), alpha);
}

static void triangle(mli_paper *p, double x, double y, double w, double h) /* points down, or up when h < 0 */
{
    cairo_move_to(p->cr, x - w / 2, y - h / 2);
    cairo_line_to(p->cr, x + w / 2, y - h / 2);
    cairo_line_to(p->cr, x, y + h / 2);
    cairo_close_path(p->cr);
    cairo_fill(p->cr);
}

static void draw_list(const mli_controls *c, mli_paper *p, const mli_control *at, look l, double alpha)
{
    const ml_knob *k = &c->knob[at->id.knob];
    mli_box        b = at->box;
    words(p, k->label, at->words, 0, p->style->ink, alpha, at->words.w);
    fill(p, b, 4, shade(p, l.hover || l.held ? 0.14 : 0.07), alpha);
    outline(p, b, 4, shade(p, 0.3), alpha);
    words(p, k->choices[(int)k->value], (mli_box){ b.x + 7, b.y, b.w - 27, b.h }, 0, p->style->ink, alpha, b.w - 27);
    mli_ink(p, p->style->quiet, alpha);
    triangle(p, b.x + b.w - 12, b.y + b.h / 2, 8, c->list == at->id.knob + 1 ? -5 : 5);
}

static void draw_entry(const mli_controls *c, mli_paper *p, const mli_control *at, look l)
{
    const ml_knob *k = &c->knob[at->id.knob];
    mli_box        b = at->box;
    bool           chosen = (int)k->value == at->id.part;
    mli_ink(p, l.hover ? accent(p) : mli_mix(p->style->paper, p->style->ink, 0.04), 1);
    cairo_rectangle(p->cr, b.x, b.y, b.w, b.h);
    cairo_fill(p->cr);
    mli_colour ink = l.hover ? on_accent(p) : p->style->ink;
    words(p, k->choices[at->id.part], (mli_box){ b.x + 20, b.y, b.w - 26, b.h }, 0, ink, 1, b.w - 26);
    if (!chosen) return;
    mli_ink(p, ink, 1);
    cairo_arc(p->cr, b.x + 10, b.y + b.h / 2, 3, 0, TURN);
    cairo_fill(p->cr);
}

/* The frame of the open list, and that there is more of it above or below. */
static void draw_list_frame(const mli_controls *c, mli_paper *p)
{
    const mli_control *first = NULL, *last = NULL;
    for (int i = 0; i < c->n; i++) {
        if (c->at[i].id.kind != MLI_CONTROL_ENTRY) continue;
        if (!first) first = &c->at[i];
        last = &c->at[i];
    }
    if (!first) return;
    mli_box b = { first->box.x, first->box.y, first->box.w, last->box.y + last->box.h - first->box.y };
    outline(p, (mli_box){ b.x - 1, b.y - 1, b.w + 2, b.h + 2 }, 3, p->style->quiet, 0.9);
    mli_ink(p, p->style->quiet, 1);
    if (first->id.part > 0) triangle(p, b.x + b.w - 10, b.y + 8, 8, -5);
    if (last->id.part < c->knob[last->id.knob].n_choices - 1) triangle(p, b.x + b.w - 10, b.y + b.h - 8, 8, 5);
}

/* --- the column ------------------------------------------------------------------------------------------ */
static void draw_column(const mli_controls *c, mli_paper *p)
{
    double h = mli_column_height(c), alpha = c->locked ? FAINT : 1;
    cairo_save(p->cr);
    cairo_rectangle(p->cr, 0, 0, c->column, h);
    cairo_clip(p->cr);
    mli_ink(p, shade(p, 0.03), 1);
    cairo_paint(p->cr);
    for (int i = 0; i < c->n; i++) {
        const mli_control *at = &c->at[i];
        look               l  = look_of(c, at->id);
        if (at->box.y > h || at->box.y + at->box.h < 0) continue;
        if (c->locked) l = (look){ false, false, false };
        switch (at->id.kind) {
        case MLI_CONTROL_SLIDER: draw_slider(c, p, at, l, alpha); break;
        case MLI_CONTROL_TOGGLE: draw_toggle(c, p, at, l, alpha); break;
        case MLI_CONTROL_BUTTON: draw_button(c, p, at, l, alpha); break;
        case MLI_CONTROL_SEGMENT: draw_segment(c, p, at, l, alpha); break;
        case MLI_CONTROL_LIST: draw_list(c, p, at, l, alpha); break;
        default: continue;
        }
        if (l.focus) ring(p, at->box, alpha);
    }
    if (c->content > h) { /* how far it is scrolled */
        double part = h / c->content;
        fill(p, (mli_box){ c->column - 6, c->scroll * part + 2, 4, h * part - 4 }, 2, p->style->quiet, 0.5);
    }
    cairo_restore(p->cr);
    mli_ink(p, p->style->grid, 1);
    cairo_set_line_width(p->cr, 1 / p->density);
    cairo_move_to(p->cr, c->column - 0.5 / p->density, 0);
    cairo_line_to(p->cr, c->column - 0.5 / p->density, h);
    cairo_stroke(p->cr);
}

/* --- the bar --------------------------------------------------------------------------------------------- */
static void draw_loop_button(const mli_controls *c, mli_paper *p, const mli_control *at, look l)
{
    cairo_t *cr = p->cr;
    double   x = at->box.x + at->box.w / 2, y = at->box.y + at->box.h / 2;
    if (c->running && (l.hover || l.held))
        fill(p, (mli_box){ at->box.x + 1, at->box.y, at->box.w - 2, at->box.h }, 4, shade(p, l.held && l.hover ? 0.25 : 0.12), 1);
    mli_ink(p, p->style->ink, c->running ? 0.85 : 0.3);
    bool plays = at->id.kind == MLI_CONTROL_PAUSE && c->paused;
    if (plays || at->id.kind == MLI_CONTROL_STEP) {
        double left = plays ? x - 4 : x - 5;
        cairo_move_to(cr, left, y - 6);
        cairo_line_to(cr, left + (plays ? 10 : 7), y);
        cairo_line_to(cr, left, y + 6);
        cairo_close_path(cr);
    }
    if (at->id.kind == MLI_CONTROL_STEP) cairo_rectangle(cr, x + 3, y - 6, 2.5, 12);
    if (at->id.kind == MLI_CONTROL_STOP) cairo_rectangle(cr, x - 5, y - 5, 10, 10);
    if (at->id.kind == MLI_CONTROL_PAUSE && !plays) {
        cairo_rectangle(cr, x - 5, y - 6, 3.5, 12);
        cairo_rectangle(cr, x + 1.5, y - 6, 3.5, 12);
    }
    cairo_fill(cr);
}

static void draw_smoothing(const mli_controls *c, mli_paper *p, const mli_control *at, look l)
{
    char text[32];
    mli_smoothing_text(c->smoothing, text, sizeof text);
    if (at->words.x < at->box.x) words(p, "smoothing", at->words, 0, p->style->quiet, 1, INFINITY);
    words(p, text, at->words, 1, p->style->ink, 1, INFINITY);
    slide(p, at->track, 0, mli_smoothing_place(c->smoothing), -1, l, 1);
}

static void draw_bar(const mli_controls *c, mli_paper *p, const char *status)
{
    double y = c->page_h - MLI_BAR;
    mli_ink(p, p->style->paper, 1);
    cairo_rectangle(p->cr, 0, y, c->page_w, MLI_BAR);
    cairo_fill(p->cr);
    mli_ink(p, p->style->grid, 1);
    cairo_set_line_width(p->cr, 1 / p->density);
    cairo_move_to(p->cr, 0, mli_snap(p, y));
    cairo_line_to(p->cr, c->page_w, mli_snap(p, y));
    cairo_stroke(p->cr);
    for (int i = 0; i < c->n; i++) {
        const mli_control *at = &c->at[i];
        look               l  = look_of(c, at->id);
        bool               of_loop = at->id.kind >= MLI_CONTROL_PAUSE && at->id.kind <= MLI_CONTROL_STOP;
        if (of_loop) draw_loop_button(c, p, at, l);
        if (at->id.kind == MLI_CONTROL_SMOOTHING) draw_smoothing(c, p, at, l);
        if (l.focus && (of_loop || at->id.kind == MLI_CONTROL_SMOOTHING)) ring(p, at->box, 1);
    }
    words(p, status, c->status, 0, p->style->quiet, 1, c->status.w);
}

void mli_controls_draw(const mli_controls *c, mli_paper *p, const char *status)
{
    if (c->column > 0) draw_column(c, p);
    if (c->bar) draw_bar(c, p, status);
    for (int i = 0; i < c->n; i++)
        if (c->at[i].id.kind == MLI_CONTROL_ENTRY) draw_entry(c, p, &c->at[i], look_of(c, c->at[i].id));
    draw_list_frame(c, p);
}
