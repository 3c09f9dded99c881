#include "figure/brush.h"

#include <string.h>

#define LONG_PATH 256 /* Cairo's cost grows faster than the length of a path */
#define BEND      0.3 /* pixels that a dash may be straighter than its curve */
#define ENOUGH    4   /* times the area of the box: so long, a curve has covered it */

/* --- beginning and ending ------------------------------------------------------------------------------------- */
static void set_nib(mli_brush *b, double width)
{
    mli_nib_set(&b->nib, &b->s->p->mask, width / 2, 255 * b->strength * mli_stage_alpha(b->s));
}

static bool begin_mask(mli_brush *b)
{
    cairo_surface_t *target = cairo_get_group_target(b->cr);
    cairo_matrix_t   m;
    double           dx, dy;
    cairo_get_matrix(b->cr, &m);
    cairo_surface_get_device_offset(target, &dx, &dy);
    b->per  = m.xx;
    b->from = m.x0 + dx;
    b->up   = m.y0 + dy;
    mli_box box  = b->s->box;
    double  more = b->s->p->style->line; /* as the painter clips */
    double  x = round((box.x - more) * b->per + b->from), y = round((box.y - more) * b->per + b->up);
    if (!mli_mask_open(&b->s->p->mask, target, x, y, (box.w + 2 * more) * b->per, (box.h + 2 * more) * b->per)) return false;
    b->dash = mli_stage_dash(b->s, 0);
    set_nib(b, b->width * b->per);
    return true;
}

/* under: how strong what lies below is already. */
static void begin_paths(mli_brush *b, double under)
{
    b->alpha = (b->strength - under) / (1 - under) * mli_stage_alpha(b->s);
    if (b->alpha < 1) cairo_push_group(b->cr); /* where it covers itself it is not stronger */
    mli_set_line(b->s, 0);
    mli_ink(b->s->p, mli_stage_colour(b->s, 0), 1);
    cairo_set_line_width(b->cr, b->width);
}

/* Pixels that belong to nobody else, without a turn. */
static bool has_pixels(cairo_t *cr)
{
    cairo_surface_t *target = cairo_get_group_target(cr);
    cairo_matrix_t   m;
    cairo_get_matrix(cr, &m);
    if (cairo_surface_get_type(target) != CAIRO_SURFACE_TYPE_IMAGE || m.xy != 0 || m.yx != 0 || m.xx != m.yy || !(m.xx > 0))
        return false;
    cairo_format_t format = cairo_image_surface_get_format(target);
    return format == CAIRO_FORMAT_RGB24 || format == CAIRO_FORMAT_ARGB32;
}

bool mli_brush_begin(mli_brush *b, mli_stage *s, double width, double strength)
{
    const mli_box box  = s->box;
    double        more = 2 * width;
    memset(b, 0, offsetof(mli_brush, nib));
    b->s     = s;
    b->cr    = s->p->cr;
    b->reach = (mli_box){ box.x - more, box.y - more, box.w + 2 * more, box.h + 2 * more };
    b->width = width;
    b->strength = strength;
    b->per   = s->p->density;
    b->left  = ENOUGH * (box.w + 1) * (box.h + 1);
    b->dash  = NULL;
    b->gone  = 0;
    b->moved = b->dashing = false;
    b->length = b->n_bars = 0;
    b->way = s->busy ? MLI_BRUSH_NOTES : has_pixels(b->cr) ? MLI_BRUSH_MASK : MLI_BRUSH_PATHS;
    if (b->way == MLI_BRUSH_MASK) return begin_mask(b);
    if (b->way == MLI_BRUSH_PATHS) begin_paths(b, 0);
    return true;
}

static void finish_path(mli_brush *b)
{
    if (b->length) cairo_stroke(b->cr);
    if (b->n_bars) cairo_fill(b->cr);
    b->length = b->n_bars = 0;
    b->moved              = false;
}

static void end_paths(mli_brush *b)
{
    finish_path(b);
    cairo_set_dash(b->cr, NULL, 0, 0);
    if (!(b->alpha < 1)) return;
    cairo_pop_group_to_source(b->cr);
    cairo_paint_with_alpha(b->cr, b->alpha);
}

void mli_brush_again(mli_brush *b, double strength)
{
    double under = b->strength;
    mli_brush_lift(b);
    b->strength = strength;
    b->left     = ENOUGH * (b->s->box.w + 1) * (b->s->box.h + 1);
    if (b->way == MLI_BRUSH_MASK) {
        mli_nib_flush(&b->nib);
        set_nib(b, b->width * b->per);
    } else if (b->way == MLI_BRUSH_PATHS) {
        end_paths(b);
        begin_paths(b, under);
    }
}

void mli_brush_end(mli_brush *b)
{
    if (b->way == MLI_BRUSH_MASK) {
        mli_colour c = mli_stage_colour(b->s, 0);
        mli_brush_lift(b);
        mli_nib_flush(&b->nib);
        mli_mask_show(b->nib.mask, cairo_get_group_target(b->cr), c.r, c.g, c.b);
    } else if (b->way == MLI_BRUSH_PATHS) {
        end_paths(b);
    }
}

/* --- lines ------------------------------------------------------------------------------------------------------ */
static double to_column(const mli_brush *b, double x)
{
    return x * b->per + b->from - b->nib.mask->x;
}

static double to_row(const mli_brush *b, double y)
{
    return y * b->per + b->up - b->nib.mask->y;
}

/* Of a zigzag finer than the paper dashes would be a blur, and cost a lot. */
static bool has_dashes(const mli_brush *b, double dx, double length)
{
    return b->dash && !(fabs(dx) * b->per < 2 && length > b->dash[0] + b->dash[1] + b->dash[2] + b->dash[3]);
}

static void dash_draw(mli_brush *b, bool flat)
{
    mli_nib_line(&b->nib, b->dash_x, b->dash_y, b->end_x, b->end_y, b->cut, flat);
}

static void dash_end(mli_brush *b)
{
    if (b->dashing) dash_draw(b, true);
    b->dashing = false;
}

/* A dash is longer than many of the lines that it follows: as long as it is nearly straight, it is one line. */
static void dash_to(mli_brush *b, double x, double y)
{
    double dx = x - b->dash_x, dy = y - b->dash_y, off = fabs((b->end_x - b->dash_x) * dy - (b->end_y - b->dash_y) * dx);
    if (off * off > BEND * BEND * (dx * dx + dy * dy)) {
        dash_draw(b, false);
        b->dash_x = b->end_x, b->dash_y = b->end_y;
        b->cut    = false;
    }
    b->end_x = x, b->end_y = y;
}

/* before, after: what the box has cut off. */
static void dashed_line(mli_brush *b, double x0, double y0, double x1, double y1, double before, double after)
{
    double length = hypot(x1 - x0, y1 - y0), all = b->dash[0] + b->dash[1] + b->dash[2] + b->dash[3], at = 0;
    double gone   = fmod(b->gone + before, all);
    double px = to_column(b, x0), py = to_row(b, y0), dx = (x1 - x0) * b->per / length, dy = (y1 - y0) * b->per / length;
    int    dash = 0;
    b->gone     = fmod(b->gone + before + length + after, all);
    if (before > 0) dash_end(b);
    while (dash < 3 && gone >= b->dash[dash]) gone -= b->dash[dash++];
    while (at < length) {
        double rest = b->dash[dash] - gone, to = fmin(at + rest, length);
        if (dash % 2 == 0) {
            if (!b->dashing) b->dash_x = b->end_x = px + at * dx, b->dash_y = b->end_y = py + at * dy;
            if (!b->dashing) b->dashing = b->cut = true;
            dash_to(b, px + to * dx, py + to * dy);
            if (at + rest <= length) dash_end(b);
        }
        at = to, gone = 0;
        dash = (dash + 1) % 4;
    }
    if (after > 0) dash_end(b);
}

static bool clip_line(const mli_box *r, double x0, double y0, double x1, double y1, double *t0, double *t1)
{
    *t0 = 0, *t1 = 1;
    return mli_clip(x0, x1, r->x, r->x + r->w, t0, t1) && mli_clip(y0, y1, r->y, r->y + r->h, t0, t1);
}

void mli_brush_line(mli_brush *b, double x, double y)
{
    double x0 = b->x, y0 = b->y, t0, t1;
    bool   was_down = b->down;
    b->x = x, b->y = y, b->down = true;
    if (!was_down) {
        dash_end(b);
        b->moved = false;
        b->gone  = 0;
        return;
    }
    if (!clip_line(&b->reach, x0, y0, x, y, &t0, &t1)) {
        dash_end(b);
        b->moved = false;
        return;
    }
    double from_x = x0 + t0 * (x - x0), from_y = y0 + t0 * (y - y0);
    double to_x = x0 + t1 * (x - x0), to_y = y0 + t1 * (y - y0);
    b->s->touched++;
    if (b->way == MLI_BRUSH_NOTES) {
        mli_note(b->s, from_x, from_y, to_x, to_y);
        return;
    }
    if (b->left <= 0) { /* back and forth over the paper so often that it is covered */
        b->moved = false;
        return;
    }
    double length = sqrt((to_x - from_x) * (to_x - from_x) + (to_y - from_y) * (to_y - from_y));
    b->left -= length;
    if (b->way == MLI_BRUSH_MASK) {
        double whole = b->dash ? hypot(x - x0, y - y0) : 0;
        if (has_dashes(b, x - x0, whole)) dashed_line(b, from_x, from_y, to_x, to_y, t0 * whole, (1 - t1) * whole);
        else dash_end(b), mli_nib_line(&b->nib, to_column(b, from_x), to_row(b, from_y), to_column(b, to_x), to_row(b, to_y), false, false);
        return;
    }
    if (b->n_bars) finish_path(b);
    if (!b->moved || t0 > 0) cairo_move_to(b->cr, from_x, from_y);
    cairo_line_to(b->cr, to_x, to_y);
    b->moved = t1 >= 1;
    if (++b->length >= LONG_PATH) finish_path(b);
}

void mli_brush_lift(mli_brush *b)
{
    dash_end(b);
    b->down = false;
}

void mli_brush_jump(mli_brush *b, double x, double y)
{
    dash_end(b);
    b->x = x, b->y = y, b->down = true, b->moved = false;
}

/* --- bars, dots ---------------------------------------------------------------------------------------------------- */
void mli_brush_bar(mli_brush *b, int64_t column, double high, double low)
{
    double middle = ((double)column + 0.5 - b->from) / b->per, r = b->width / 2;
    high = fmax(high - r, b->reach.y), low = fmin(low + r, b->reach.y + b->reach.h);
    if (middle < b->reach.x || middle > b->reach.x + b->reach.w || low < high) return;
    b->s->touched++;
    if (b->way == MLI_BRUSH_NOTES) {
        mli_note(b->s, middle, high, middle, low);
    } else if (b->way == MLI_BRUSH_MASK && r * b->per < MLI_MASK_ROW / 2 - 1) {
        mli_nib_bar(&b->nib, (int)column - b->nib.mask->x, to_row(b, high), to_row(b, low));
    } else if (b->way == MLI_BRUSH_MASK) {
        mli_nib_line(&b->nib, to_column(b, middle), to_row(b, high), to_column(b, middle), to_row(b, low), true, true);
    } else {
        if (b->length) finish_path(b);
        cairo_rectangle(b->cr, middle - r, high, 2 * r, low - high);
        if (++b->n_bars >= LONG_PATH) finish_path(b);
    }
}

void mli_brush_dot(mli_brush *b, double x, double y, double radius)
{
    const mli_box *box = &b->s->box;
    if (x < box->x - 0.5 || x > box->x + box->w + 0.5 || y < box->y - 0.5 || y > box->y + box->h + 0.5) return;
    b->s->touched++;
    if (b->way == MLI_BRUSH_NOTES) {
        mli_note(b->s, x, y, x, y);
    } else if (b->way == MLI_BRUSH_MASK) {
        mli_nib_disc(&b->nib, to_column(b, x), to_row(b, y), radius * b->per);
    } else {
        finish_path(b);
        mli_dot(b->cr, x, y, radius, 0);
        cairo_fill(b->cr);
    }
}

/* --- bands ----------------------------------------------------------------------------------------------------------- */
static void mask_band(mli_brush *b, const mli_edge *from, const mli_edge *to)
{
    if (to->x < from->x) {
        const mli_edge *swap = from;
        from = to, to = swap;
    }
    double x0 = to_column(b, from->x), x1 = to_column(b, to->x), w = b->nib.mask->w;
    for (int x = (int)fmin(fmax(ceil(x0 - 0.5), 0), w), end = (int)fmin(fmax(ceil(x1 - 0.5), 0), w); x < end; x++) {
        double t = (x + 0.5 - x0) / (x1 - x0);
        double high = from->high + t * (to->high - from->high), low = from->low + t * (to->low - from->low);
        mli_nib_bar(&b->nib, x, to_row(b, fmin(high, low)), to_row(b, fmax(high, low)));
    }
}

void mli_brush_band(mli_brush *b, const mli_edge *edges, int64_t n)
{
    if (n < 2) return;
    if (b->way == MLI_BRUSH_NOTES) {
        for (int64_t i = 0; i < n; i++) mli_note(b->s, edges[i].x, edges[i].low, edges[i].x, edges[i].high);
    } else if (b->way == MLI_BRUSH_MASK) {
        mli_nib_flush(&b->nib);
        set_nib(b, 1); /* bars as wide as a pixel */
        for (int64_t i = 1; i < n; i++) mask_band(b, &edges[i - 1], &edges[i]);
        mli_nib_flush(&b->nib);
        set_nib(b, b->width * b->per);
    } else {
        finish_path(b);
        for (int64_t i = 0; i < n; i++) cairo_line_to(b->cr, edges[i].x, edges[i].low);
        for (int64_t i = n - 1; i >= 0; i--) cairo_line_to(b->cr, edges[i].x, edges[i].high);
        cairo_close_path(b->cr);
        cairo_fill(b->cr);
    }
}
