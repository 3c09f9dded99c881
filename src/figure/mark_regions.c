/* The plane in colours of classes. Each pixel asks the four points of the grid around it, each with the weight of its
 * nearness and of how sure it is; so borders are smooth although classes are not. */
#include "figure/grid.h"

#include <stdio.h>

#define PALEST 0.10 /* how much of the class's colour where nothing is sure, */
#define FULL   0.45 /* and where all is */

static void reach(const mli_stage *s, mli_reach *r)
{
    mli_reach_grid(r, mli_slot(s->mark, "x"), mli_slot(s->mark, "y"));
}

typedef struct plane {
    const mli_data *classes, *sure;
    int64_t         rows, cols;
    int             n;
    double          names[MLI_CLASSES];
    uint32_t        shade[MLI_CLASSES][64]; /* from unsure to sure */
    double          least, most;            /* of what `sure` can be: 1 / classes .. 1 */
} plane;

static void make_shades(const mli_stage *s, plane *g)
{
    const mli_style *style = s->p->style;
    for (int k = 0; k < g->n; k++)
        for (int i = 0; i < 64; i++) {
            double part    = PALEST + (FULL - PALEST) * i / 63;
            g->shade[k][i] = mli_pixel(mli_mix(style->paper, style->palette[(s->place + mli_class_part(g->names, g->names[k])) % MLI_PALETTE], part));
        }
    g->least = g->n > 1 ? 1.0 / g->n : 0;
    g->most  = 1;
}

static uint32_t pixel_at(const plane *g, mli_between x, mli_between y)
{
    double votes[MLI_CLASSES] = { 0 }, sure[MLI_CLASSES] = { 0 }, near[MLI_CLASSES] = { 0 };
    for (int corner = 0; corner < 4; corner++) {
        int64_t c = x.at + (corner & 1), r = y.at + (corner >> 1);
        double  w = (corner & 1 ? x.part : 1 - x.part) * (corner >> 1 ? y.part : 1 - y.part);
        if (c >= g->cols || r >= g->rows || w == 0) continue;
        int k = mli_class_index(g->names, g->n, g->classes->values[r * g->cols + c]);
        if (k < 0) continue;
        double certain = g->sure ? g->sure->values[r * g->cols + c] : 1;
        if (!isfinite(certain)) certain = g->least;
        votes[k] += w * fmax(certain - g->least, 1e-6);
        sure[k] += w * certain;
        near[k] += w;
    }
    int best = -1;
    for (int k = 0; k < g->n; k++)
        if (votes[k] > 0 && (best < 0 || votes[k] > votes[best])) best = k;
    if (best < 0) return 0;
    double t = (sure[best] / near[best] - g->least) / (g->most - g->least);
    return g->shade[best][(int)(fmin(fmax(t, 0), 1) * 63 + 0.5)];
}

static bool paint(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    plane           g = { mli_slot(s->mark, "class"), mli_slot(s->mark, "sure"), y->n, x->n, 0, { 0 }, { { 0 } }, 0, 0 };
    g.n               = mli_classes_of(g.classes, g.names);
    s->touched++;
    if (s->busy || g.n == 0) return true;
    make_shades(s, &g);
    mli_box     box = mli_on_pixels(s->p, s->box);
    mli_picture pic;
    if (!mli_picture_for(s->p, &pic, box)) return false;
    mli_between *across = mli_between_make(&s->x, x, box.x, s->p->density, pic.w);
    mli_between *down   = across ? mli_between_make(&s->y, y, box.y, s->p->density, pic.h) : NULL;
    bool         ok     = down != NULL;
    for (int r = 0; ok && r < pic.h; r++)
        for (int c = 0; c < pic.w; c++) pic.pixels[(int64_t)r * pic.w + c] = pixel_at(&g, across[c], down[r]);
    mli_between_free(across, pic.w);
    mli_between_free(down, pic.h);
    if (ok)
        mli_picture_show(s->p, &pic, box, mli_stage_alpha(s));
    else
        ml_realloc(pic.pixels, pic.bytes, 0);
    return ok;
}

static int entries(const mli_stage *s, mli_entry *to, int room)
{
    double classes[MLI_CLASSES];
    if (room < 1 || mli_option(s->mark, "classes")->text < 0) return room < 1 ? 0 : mli_label_entry(s, to);
    int n = mli_classes_of(mli_slot(s->mark, "class"), classes), k = 0;
    for (int i = 0; i < n && k < room; i++) {
        int part = mli_class_part(classes, classes[i]);
        if (!mli_opt_line(s->mark, "classes", part, to[k].name, sizeof to[k].name)[0]) continue;
        to[k].stage  = s;
        to[k++].part = part;
    }
    return k;
}

static void swatch(const mli_stage *s, int part, mli_box b)
{
    mli_ink(s->p, mli_mix(s->p->style->paper, s->p->style->palette[(s->place + part) % MLI_PALETTE], FULL), 1);
    cairo_rectangle(s->p->cr, b.x + 2, b.y + b.h / 2 - 4.5, b.w - 4, 9);
    cairo_fill(s->p->cr);
}

const mli_mark_kind mli_mark_regions = {
    .plain   = true, /* points of the same classes, drawn on top, begin with the same colours */
    .reach   = reach,
    .entries = entries,
    .swatch  = swatch,
    .paint   = paint,
};
