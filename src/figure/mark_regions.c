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

typedef struct knot { /* a point of the grid */
    double certain;
    int    k; /* its class; < 0: none */
} knot;

typedef struct plane {
    knot    *knots;
    int64_t  rows, cols;
    int      n;
    double   names[MLI_CLASSES];
    uint32_t shade[MLI_CLASSES][64]; /* from unsure to sure */
    double   least, most;            /* of what `sure` can be: 1 / classes .. 1 */
} plane;

static void make_shades(const mli_stage *s, plane *g)
{
    const mli_style *style = s->p->style;
    for (int k = 0; k < g->n; k++)
        for (int i = 0; i < 64; i++) {
            double part    = PALEST + (FULL - PALEST) * i / 63;
            g->shade[k][i] = mli_pixel(mli_mix(
                style->paper, style->palette[(s->place + mli_class_part(g->names, g->names[k])) % MLI_PALETTE], part));
        }
    g->least = g->n > 1 ? 1.0 / g->n : 0;
    g->most  = 1;
}

static size_t knot_bytes(const plane *g)
{
    return (size_t)(g->rows * g->cols) * sizeof(knot);
}

static bool make_knots(plane *g, const mli_data *classes, const mli_data *sure)
{
    g->knots = ml_realloc(NULL, 0, knot_bytes(g));
    for (int64_t i = 0; g->knots && i < g->rows * g->cols; i++) {
        double certain = sure ? sure->values[i] : 1;
        g->knots[i]    = (knot){ isfinite(certain) ? certain : g->least, mli_class_index(g->names, g->n, classes->values[i]) };
    }
    return g->knots != NULL;
}

static uint32_t shade_of(const plane *g, int k, double certain)
{
    double t = (certain - g->least) / (g->most - g->least);
    t        = t < 0 ? 0 : t > 1 ? 1 : t;
    return g->shade[k][(int)(t * 63 + 0.5)];
}

/* Where the points around it are of several classes. */
static uint32_t vote(const plane *g, const knot *const around[4], const double weight[4])
{
    double votes[MLI_CLASSES] = { 0 }, sure[MLI_CLASSES] = { 0 }, near[MLI_CLASSES] = { 0 };
    for (int i = 0; i < 4; i++) {
        int k = around[i]->k;
        if (k < 0 || weight[i] == 0) continue;
        votes[k] += weight[i] * fmax(around[i]->certain - g->least, 1e-6);
        sure[k] += weight[i] * around[i]->certain;
        near[k] += weight[i];
    }
    int best = -1;
    for (int k = 0; k < g->n; k++)
        if (votes[k] > 0 && (best < 0 || votes[k] > votes[best])) best = k;
    return best < 0 ? 0 : shade_of(g, best, sure[best] / near[best]);
}

static uint32_t pixel_at(const plane *g, mli_between x, mli_between y)
{
    int64_t     right = x.at + 1 < g->cols, below = y.at + 1 < g->rows ? g->cols : 0; /* at the last ones, parts are 0 */
    const knot *at = g->knots + y.at * g->cols + x.at, *around[4] = { at, at + right, at + below, at + below + right };
    double      weight[4] = { (1 - x.part) * (1 - y.part), x.part * (1 - y.part), (1 - x.part) * y.part, x.part * y.part };
    int         k         = at->k;
    if (k < 0 || around[1]->k != k || around[2]->k != k || around[3]->k != k) return vote(g, around, weight);
    return shade_of(g, k, weight[0] * around[0]->certain + weight[1] * around[1]->certain + weight[2] * around[2]->certain +
                              weight[3] * around[3]->certain);
}

static bool paint(mli_stage *s)
{
    const mli_data *x = mli_slot(s->mark, "x"), *y = mli_slot(s->mark, "y");
    const mli_data *classes = mli_slot(s->mark, "class"), *sure = mli_slot(s->mark, "sure");
    plane           g = { .rows = y->n, .cols = x->n };
    g.n               = mli_classes_of(classes, g.names);
    s->touched++;
    if (s->busy || g.n == 0) return true;
    make_shades(s, &g);
    mli_box     box = mli_on_pixels(s->p, s->box);
    mli_picture pic;
    if (!mli_picture_for(s->p, &pic, box)) return false;
    mli_between *across = mli_between_make(&s->x, x, box.x, s->p->density, pic.w);
    mli_between *down   = across ? mli_between_make(&s->y, y, box.y, s->p->density, pic.h) : NULL;
    bool         ok     = down && make_knots(&g, classes, sure);
    for (int r = 0; ok && r < pic.h; r++)
        for (int c = 0; c < pic.w; c++) pic.pixels[(int64_t)r * pic.w + c] = pixel_at(&g, across[c], down[r]);
    mli_between_free(across, pic.w);
    mli_between_free(down, pic.h);
    ml_realloc(g.knots, g.knots ? knot_bytes(&g) : 0, 0);
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
