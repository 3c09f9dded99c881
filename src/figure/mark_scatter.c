/* Points. Many of them are stamped into an image: Cairo would take seconds for a million dots. */
#include "figure/mark.h"

#include <stdio.h>
#include <string.h>

#define MANY     20000 /* more points than this become an image */
#define OUTLINED 2000  /* up to so many have an outline, which keeps them apart */

typedef struct colours { /* of the points */
    const mli_data *by;  /* NULL: all have one */
    mli_colour one;
    int        n;        /* classes; 0: shades, if there are values */
    double     classes[MLI_CLASSES];
    mli_shades shades;
} colours;

static void reach(const mli_stage *s, mli_reach *r)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    for (int64_t i = 0; i < x->n; i++) mli_reach_point(r, x->values[i], y->values[i]);
}

static bool shades(const mli_stage *s, mli_shades *shades)
{
    double          classes[MLI_CLASSES];
    const mli_data *by = mli_slot(s->mark, "by");
    if (!by || mli_classes_of(by, classes) > 0 || by->n == 0) return false;
    mli_shades_for(s, by, false, MLI_MAP_VIRIDIS, true, shades);
    return true;
}

static int n_colours(const mli_stage *s)
{
    double          classes[MLI_CLASSES];
    const mli_data *by = mli_slot(s->mark, "by");
    int             n  = by ? mli_classes_of(by, classes) : 0;
    return n ? mli_class_part(classes, classes[n - 1]) + 1 : 1;
}

static void find_colours(const mli_stage *s, colours *c)
{
    const mli_data *by = mli_slot(s->mark, "by");
    c->by              = by;
    c->one             = mli_stage_colour(s, 0);
    c->n               = by ? mli_classes_of(by, c->classes) : 0;
    if (by && c->n == 0) shades(s, &c->shades);
}

/* The colour of point i, and its class; false: it has none and is not drawn. */
static bool colour_of(const mli_stage *s, const colours *c, int64_t i, mli_colour *colour, int *part)
{
    *part = 0;
    if (!c->by) {
        *colour = c->one;
        return true;
    }
    double value = c->by->values[i];
    if (c->n == 0) {
        *colour = mli_shade_colour(&c->shades, value);
        return true;
    }
    if (mli_class_index(c->classes, c->n, value) < 0) return false;
    *part   = mli_class_part(c->classes, value);
    *colour = s->p->style->palette[(s->place + *part) % MLI_PALETTE];
    return true;
}

static double radius_of(const mli_stage *s, int64_t n)
{
    double asked = mli_opt_number(s->mark, "radius");
    return asked > 0 ? fmin(asked, 100) : n <= 300 ? 3.2 : n <= 3000 ? 2.4 : n <= 30000 ? 1.6 : 1;
}

static int shape_of(const mli_stage *s, int part)
{
    return s->p->style->dashes ? s->place + part : 0;
}

/* --- few: dots --------------------------------------------------------------------------------------- */
static void paint_dots(mli_stage *s, const colours *c, double radius)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    cairo_t        *cr    = s->p->cr;
    mli_box         b     = s->box;
    double          alpha = mli_stage_alpha(s);
    for (int64_t i = 0; i < x->n; i++) {
        mli_colour colour;
        int        part;
        if (!mli_can_show(s->x.scale, x->values[i]) || !mli_can_show(s->y.scale, y->values[i])) continue;
        double px = mli_ruler_at(&s->x, x->values[i]), py = mli_ruler_at(&s->y, y->values[i]);
        if (px < b.x - 1 || px > b.x + b.w + 1 || py < b.y - 1 || py > b.y + b.h + 1) continue;
        if (!colour_of(s, c, i, &colour, &part)) continue;
        mli_note_box(s, (mli_box){ px - radius, py - radius, 2 * radius, 2 * radius });
        if (s->busy) continue;
        mli_dot(cr, px, py, radius, shape_of(s, part));
        mli_ink(s->p, colour, alpha);
        if (x->n > OUTLINED || s->p->bare) {
            cairo_fill(cr);
            continue;
        }
        cairo_fill_preserve(cr);
        mli_ink(s->p, s->p->style->paper, alpha);
        cairo_set_line_width(cr, 0.6);
        cairo_stroke(cr);
    }
}

/* --- many: an image -------------------------------------------------------------------------------------- */
static void stamp(mli_picture *pic, double x, double y, double r, uint32_t pixel)
{
    int cx = (int)floor(x), cy = (int)floor(y);
    if (cx < 0 || cy < 0 || cx >= pic->w || cy >= pic->h) return;
    if (pic->pixels[(int64_t)cy * pic->w + cx] == pixel) return; /* one like it is there already */
    int reach_px = (int)ceil(r);
    for (int dy = -reach_px; dy <= reach_px; dy++)
        for (int dx = -reach_px; dx <= reach_px; dx++) {
            int at_x = cx + dx, at_y = cy + dy;
            if (at_x < 0 || at_y < 0 || at_x >= pic->w || at_y >= pic->h || dx * dx + dy * dy > r * r) continue;
            pic->pixels[(int64_t)at_y * pic->w + at_x] = pixel;
        }
}

static bool paint_image(mli_stage *s, const colours *c, double radius)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    mli_box         box = mli_on_pixels(s->p, s->box);
    mli_picture     pic = { 0 };
    double          d   = s->p->density;
    if (!s->busy && !mli_picture_for(s->p, &pic, box)) return false;
    for (int64_t i = 0; i < x->n; i += s->busy ? 1 + x->n / MANY : 1) { /* some are enough to know where they are */
        mli_colour colour;
        int        part;
        if (!mli_can_show(s->x.scale, x->values[i]) || !mli_can_show(s->y.scale, y->values[i])) continue;
        double px = mli_ruler_at(&s->x, x->values[i]), py = mli_ruler_at(&s->y, y->values[i]);
        if (!(px >= box.x && px <= box.x + box.w && py >= box.y && py <= box.y + box.h)) continue;
        if (s->busy) {
            mli_note(s, px, py, px, py);
        } else if (colour_of(s, c, i, &colour, &part)) {
            s->touched++;
            stamp(&pic, (px - box.x) * d, (py - box.y) * d, fmax(radius * d, 0.5), mli_pixel(colour));
        }
    }
    if (!s->busy) mli_picture_show(s->p, &pic, box, mli_stage_alpha(s));
    return true;
}

static bool paint(mli_stage *s)
{
    colours c;
    int64_t n      = mli_slot(s->mark, "x")->n;
    double  radius = radius_of(s, n);
    find_colours(s, &c);
    if (n > MANY) return paint_image(s, &c, radius);
    paint_dots(s, &c, radius);
    return true;
}

/* --- the legend ------------------------------------------------------------------------------------------ */
static int entries(const mli_stage *s, mli_entry *to, int room)
{
    colours c;
    if (room < 1 || mli_label_entry(s, to)) return room >= 1;
    find_colours(s, &c);
    int n = c.n < room ? c.n : room;
    for (int i = 0; i < n; i++) {
        to[i].stage = s;
        to[i].part  = mli_class_part(c.classes, c.classes[i]);
        if (!mli_opt_line(s->mark, "classes", to[i].part, to[i].name, sizeof to[i].name)[0])
            snprintf(to[i].name, sizeof to[i].name, "%.0f", c.classes[i]);
    }
    return n;
}

static void swatch(const mli_stage *s, int part, mli_box b)
{
    const mli_data *by = mli_slot(s->mark, "by");
    mli_ink(s->p, by ? s->p->style->palette[(s->place + part) % MLI_PALETTE] : mli_stage_colour(s, part), mli_stage_alpha(s));
    mli_dot(s->p->cr, b.x + b.w / 2, b.y + b.h / 2, 3.6, shape_of(s, part));
    cairo_fill(s->p->cr);
}

const mli_mark_kind mli_mark_scatter = {
    .colours = n_colours,
    .reach   = reach,
    .shades  = shades,
    .entries = entries,
    .swatch  = swatch,
    .paint   = paint,
};
