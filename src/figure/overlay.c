/* What is drawn over a figure in its window, and is no part of it: values at the pointer, the box that is being dragged,
 * notices, the keys. */
#include "figure/reading.h"
#include "figure/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LINE 19 /* of the list of keys */

/* --- the list of keys ----------------------------------------------------------------------------------- */
static const char *const keys[][2] = {
    { "wheel", "zoom; beside an axis, only that axis" },
    { "drag", "zoom into a box" },
    { "right drag, shift drag", "move" },
    { "double click", "all of a panel; on its title, that panel alone" },
    { "click a name", "hide or show a curve" },
    { "x  y", "logarithmic axis, of the panel under the pointer" },
    { "[  ]", "smooth less, more" },
    { "m", "this panel alone, or all" },
    { "r", "everything as it was" },
    { "+  \xE2\x88\x92", "size of everything" },
    { "t", "light or dark" },
    { "s", "save a picture" },
    { "Tab  arrows", "to the next control; turn it" },
    { "Enter", "press it" },
    { "double click a slider", "as it was at the start" },
    { "Space", "pause the training, or go on" },
    { ".", "one step" },
    { "Ctrl Q", "stop the training after the step under way" },
    { "?", "this list" },
    { "q", "close the window; the run goes on" },
    { "Esc", "back" },
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static void sheet(mli_paper *p, mli_box b)
{
    mli_ink(p, p->style->paper, 0.95);
    cairo_rectangle(p->cr, b.x, b.y, b.w, b.h);
    cairo_fill_preserve(p->cr);
    mli_ink(p, p->style->quiet, 0.8);
    cairo_set_line_width(p->cr, 0.8);
    cairo_stroke(p->cr);
}

static void list_keys(mli_paper *p, double width, double height)
{
    double left = 0, right = 0;
    for (int i = 0; i < N_KEYS; i++) {
        left  = fmax(left, mli_text_width(p, mli_font_label, keys[i][0]));
        right = fmax(right, mli_text_width(p, mli_font_label, keys[i][1]));
    }
    double w = left + right + 20 + 40, h = N_KEYS * LINE + 32;
    double fit = fmin(fmin(width / (w + 16), height / (h + 16)), 1); /* all of it, however small the window */
    cairo_save(p->cr);
    cairo_scale(p->cr, fit, fit);
    pango_cairo_update_layout(p->cr, p->layout);
    double x = fmax((width / fit - w) / 2, 8), y = fmax((height / fit - h) / 2, 8);
    sheet(p, (mli_box){ x, y, w, h });
    for (int i = 0; i < N_KEYS; i++) {
        double at = y + 16 + (i + 0.5) * LINE;
        mli_ink(p, p->style->ink, 1);
        mli_text_draw(p, mli_font_label, keys[i][0], x + 20, at, 0, 0.5, INFINITY, false);
        mli_ink(p, p->style->quiet, 1);
        mli_text_draw(p, mli_font_label, keys[i][1], x + 40 + left, at, 0, 0.5, INFINITY, false);
    }
    cairo_restore(p->cr);
    pango_cairo_update_layout(p->cr, p->layout);
}

/* --- values at the pointer ---------------------------------------------------------------------------------- */
#define ROW       16
#define MOST_ROWS 24

static void cross(mli_paper *p, mli_box b, double x, double y)
{
    static const double dash[] = { 3, 3 };
    mli_ink(p, p->style->quiet, 0.7);
    cairo_set_line_width(p->cr, 1 / p->density);
    cairo_set_dash(p->cr, dash, 2, 0);
    cairo_move_to(p->cr, mli_snap(p, x), b.y);
    cairo_line_to(p->cr, mli_snap(p, x), b.y + b.h);
    cairo_move_to(p->cr, b.x, mli_snap(p, y));
    cairo_line_to(p->cr, b.x + b.w, mli_snap(p, y));
    cairo_stroke(p->cr);
    cairo_set_dash(p->cr, NULL, 0, 0);
}

/* A name and a value a row; beside the pointer, on the side where there is more room. */
static void list_values(mli_paper *p, const mli_reading *r, int n, int more, double x, double y, double width, double height)
{
    char   text[MOST_ROWS + 2][48], head[2][64] = { "", "" };
    double names = 0, values = 0;
    for (int i = 0; i < n; i++) {
        if (r[i].smoothed) snprintf(text[i], sizeof text[i], "%.5g (%.5g)", r[i].y, r[i].value);
        else snprintf(text[i], sizeof text[i], "%.5g", r[i].value);
        names  = fmax(names, fmin(mli_text_width(p, mli_font_legend, r[i].name), 180));
        values = fmax(values, mli_text_width(p, mli_font_legend, text[i]));
    }
    if (r->cell)
        snprintf(head[0], sizeof head[0], "row %.0f, column %.0f", r->y, r->x);
    else
        snprintf(head[0], sizeof head[0], r->x == floor(r->x) && fabs(r->x) < 1e15 ? "x %.0f%s" : "x %.6g%s", r->x,
                 r->smoothed ? ", average (value)" : ""); /* a step is told whole */
    if (more > 0) snprintf(head[1], sizeof head[1], "+%d more", more);
    double w = fmax(names + values + (names > 0 ? 12 : 0), mli_text_width(p, mli_font_legend, head[0])) + 28;
    double h = ROW * (1 + n + (more > 0)) + 10;
    double left = x + w + 14 < width ? x + 14 : fmax(x - w - 14, 2), top = fmax(fmin(y + 14, height - h - 4), 2);
    sheet(p, (mli_box){ left, top, w, h });
    mli_ink(p, p->style->quiet, 1);
    mli_text_draw(p, mli_font_legend, head[0], left + 8, top + 5 + ROW / 2.0, 0, 0.5, INFINITY, false);
    for (int i = 0; i < n; i++) {
        double at = top + 5 + ROW * (i + 1.5);
        if (!r[i].cell) {
            mli_ink(p, r[i].colour, 1);
            cairo_rectangle(p->cr, left + 8, at - 3, 7, 7);
            cairo_fill(p->cr);
        }
        mli_ink(p, p->style->ink, 1);
        mli_text_draw(p, mli_font_legend, r[i].name, left + 20, at, 0, 0.5, 180, false);
        mli_text_draw(p, mli_font_legend, text[i], left + w - 8, at, 1, 0.5, INFINITY, false);
    }
    if (more > 0) mli_text_draw(p, mli_font_legend, head[1], left + 20, top + 5 + ROW * (n + 1.5), 0, 0.5, INFINITY, false);
}

static void values(mli_paper *p, ml_window *w, double width, double height)
{
    const mli_hand *hand = &w->hand;
    mli_view        view;
    mli_reading     r[ML_PANEL_MARKS];
    mli_spot        spot = mli_spot_at(&hand->seen, hand->x, hand->y);
    if (!hand->points || !spot.inside) return;
    if (!mli_view_take(w->fig, &view)) {
        ml_error_clear(); /* no memory just now: no values */
        return;
    }
    int     n = mli_readings(&view, &hand->seen, &hand->look, &w->averages, spot.panel, hand->x, hand->y, r, ML_PANEL_MARKS);
    int     shown = mli_readings_near(r, n, hand->y, MOST_ROWS);
    double  s = hand->seen.scale;
    mli_box b = hand->seen.panel[spot.panel].box;
    mli_view_drop(&view);
    cross(p, (mli_box){ b.x * s, b.y * s, b.w * s, b.h * s }, hand->x * s, hand->y * s);
    for (int i = 0; i < shown; i++) {
        double x = r[i].at_x, y = r[i].at_y;
        if (r[i].cell || x < b.x - 1 || x > b.x + b.w + 1 || y < b.y - 1 || y > b.y + b.h + 1) continue;
        mli_ink(p, r[i].colour, 1);
        cairo_arc(p->cr, x * s, y * s, 3.5, 0, 6.283185307179586);
        cairo_fill_preserve(p->cr);
        mli_ink(p, p->style->paper, 1);
        cairo_set_line_width(p->cr, 1);
        cairo_stroke(p->cr);
    }
    if (n > 0) list_values(p, r, shown, n - shown, hand->x * s, hand->y * s, width, height);
}

/* --- the rest --------------------------------------------------------------------------------------------- */
static void say(mli_paper *p, const char *notice, double width, double height)
{
    double h = mli_text_height(p, mli_font_label) + 10, room = width - 40;
    double w = fmin(mli_text_width(p, mli_font_label, notice), room) + 20;
    double x = width - w - 8, y = height - h - 8;
    mli_ink(p, p->style->ink, 0.9);
    cairo_rectangle(p->cr, x, y, w, h);
    cairo_fill(p->cr);
    mli_ink(p, p->style->paper, 1);
    mli_text_draw(p, mli_font_label, notice, x + 10, y + h / 2, 0, 0.5, room, false);
}

static void drag_box(mli_paper *p, const mli_hand *hand)
{
    mli_box b;
    if (!mli_hand_box(hand, &b)) return;
    double s = hand->seen.scale;
    cairo_rectangle(p->cr, mli_snap(p, b.x * s), mli_snap(p, b.y * s), b.w * s, b.h * s);
    mli_ink(p, p->style->palette[0], 0.15);
    cairo_fill_preserve(p->cr);
    mli_ink(p, p->style->palette[0], 0.9);
    cairo_set_line_width(p->cr, 1);
    cairo_stroke(p->cr);
}

void mli_overlay_draw(ml_window *w, uint32_t *pixels)
{
    static const mli_look plain;
    double                scale = w->scale * w->zoom, width = w->pixels_w / scale, height = w->pixels_h / scale;
    mli_controls *c = &w->controls;
    if (!w->help && !w->hand.points && !c->bar && c->column <= 0 && w->notice_end <= 0) return;
    cairo_surface_t *surface = cairo_image_surface_create_for_data((unsigned char *)pixels, CAIRO_FORMAT_RGB24, w->pixels_w,
                                                                   w->pixels_h, w->pixels_w * 4);
    cairo_t         *cr      = cairo_create(surface);
    cairo_scale(cr, scale, scale);
    mli_paper p = { .cr = cr, .layout = mli_layout_make(cr), .style = mli_style_of(mli_view_style(w)), .look = &plain,
                    .density = scale };
    c->smoothing = mli_hand_smoothing(&w->hand);
    mli_controls_lay(c, &p, width, height);
    cairo_save(cr);
    cairo_translate(cr, c->column, 0);
    if (w->hand.grip == MLI_GRIP_BOX) drag_box(&p, &w->hand);
    else if (w->hand.grip == MLI_GRIP_NONE && !w->help) values(&p, w, mli_view_width(w), mli_view_height(w));
    cairo_restore(cr);
    mli_controls_draw(c, &p, c->loop ? w->status : "");
    if (w->help) list_keys(&p, width, height);
    if (w->notice_end > 0) say(&p, w->notice, width, mli_view_height(w));
    g_object_unref(p.layout);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
}
