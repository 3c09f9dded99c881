/* Convolutions of many small images: images lie side by side, a panel of them for each place (as the samples of recurrent.c do).
 *
 * Then a tap is a shifted run at any stride, a row may be as short as it likes, and no value is computed that is not used but where the
 * last panel is not full. A stride needs no planes: results are one call a place. Single images lie in planes (conv_run.c), whose copies
 * would cost more than the sums where rows hold few values. */
#include "ops/conv_parts.h"

#include <string.h>

#define LANES  MLK_PANEL
#define NARROW 20 /* places of a row: from here on, planes are as quick */
#define FEWEST 12 /* images: with fewer, most lanes are empty */

/* Results of one set of taps: rows by width, steps in places (of LANES values). */
typedef struct {
    const char    *a; /* (groups, k, m) */
    const int64_t *off;
    int64_t        k, rows, width, from[2], start, to[2]; /* from, to: a row, a column on; in the images and in the results */
} part;

typedef struct {
    int64_t     n, groups, panels; /* images; panels of a task */
    int64_t     c, h, w, border[2], padded[2]; /* of the images in one group; rows and columns before and with everything */
    int64_t     m, y_h, y_w;
    const char *x, *bias;
    char       *y;
    const part *parts;
    int64_t     n_parts;
    ml_act      act;
    bool        f32;
    int         failed;
} lane_run;

/* The values of some images, their borders 0. */
static void load(const lane_run *t, const char *x, int64_t images, char *to)
{
    const ml_kernels *k = mlk();
    int64_t           bytes = t->f32 ? 4 : 8, place = LANES * bytes, image = t->groups * t->c * t->h * t->w;
    int64_t           after = (t->padded[0] - t->border[0] - t->h) * t->padded[1], right = t->padded[1] - t->border[1] - t->w;
    bool              whole = t->padded[0] == t->h && t->padded[1] == t->w;
    int64_t           rows  = whole ? 1 : t->c * t->h, width = whole ? t->c * t->h * t->w : t->w, gap = 0; /* places of border before a row */
    for (int64_t i = 0; i < rows; i++, x += width * bytes, to += width * place) {
        if (!whole) {
            gap += t->border[1] + (i % t->h == 0 ? t->border[0] * t->padded[1] : 0);
            memset(to, 0, (size_t)(gap * place));
            to += gap * place;
            gap = right + (i % t->h == t->h - 1 ? after : 0);
        }
        (t->f32 ? k->lanes_load_f32 : k->lanes_load_f64)(images, width, x, image, to);
    }
    memset(to, 0, (size_t)(gap * place));
}

static void sum_panel(const lane_run *t, int64_t group, int64_t first, char *near, char *sums)
{
    const ml_kernels *k = mlk();
    int64_t bytes = t->f32 ? 4 : 8, place = LANES * bytes, size = t->y_h * t->y_w, images = smaller(LANES, t->n - first);
    load(t, t->x + (first * t->groups + group) * t->c * t->h * t->w * bytes, images, near);
    for (const part *p = t->parts; p < t->parts + t->n_parts; p++) {
        bool    runs  = p->from[1] == 1 && p->to[1] == 1;
        int64_t calls = runs ? 1 : p->width;
        for (int64_t i = 0; i < p->rows; i++)
            for (int64_t j = 0; j < calls; j++) {
                mlk_taps taps = { .m = t->m, .k = p->k, .n = LANES * (runs ? p->width : 1), .a = p->a + group * p->k * t->m * bytes, .a_step = t->m,
                                  .b = near + (i * p->from[0] + j * p->from[1]) * place, .off = p->off,
                                  .c = sums + (p->start + i * p->to[0] + j * p->to[1]) * place, .c_step = size * LANES };
                (t->f32 ? k->taps_f32 : k->taps_f64)(&taps);
            }
    }
    const char *results = sums;
    if (t->bias || t->act != ML_ACT_NONE) { /* into the room of the images, which are read */
        for (int64_t m = 0; m < t->m; m++)
            (t->f32 ? k->plane_store_f32 : k->plane_store_f64)(1, size * LANES, sums + m * size * place, 0, t->bias ? t->bias + (group * t->m + m) * bytes : NULL,
                                                               mli_kernel_act(t->act), near + m * size * place, 0, 1);
        results = near;
    }
    (t->f32 ? k->lanes_store_f32 : k->lanes_store_f64)(images, t->m * size, results, t->y + (first * t->groups + group) * t->m * size * bytes,
                                                       t->groups * t->m * size);
}

static int64_t values_of_images(const lane_run *t) { return larger(t->c * t->padded[0] * t->padded[1], t->m * t->y_h * t->y_w) * LANES; }

static void sum_panels(void *ctx, int64_t task)
{
    lane_run *t     = ctx;
    int64_t   bytes = t->f32 ? 4 : 8, group = task % t->groups, first = task / t->groups * t->panels * LANES;
    int64_t   near  = values_of_images(t) * bytes;
    size_t    total = (size_t)(near + t->m * t->y_h * t->y_w * LANES * bytes);
    char     *room  = ml_block_take(total);
    if (!room) {
        __atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t i = first; i < smaller(t->n, first + t->panels * LANES); i += LANES) sum_panel(t, group, i, room, room + near);
    ml_block_give(room, total);
}

static bool run(lane_run *t, double work)
{
    int64_t wanted = work < 2.0 * WORTH ? 1 : (int64_t)(work / WORTH < TASKS ? work / WORTH : TASKS), panels = ceil_div(t->n, LANES);
    t->panels      = ceil_div(panels, larger(1, ceil_div(wanted, t->groups)));
    ml_parallel(ceil_div(panels, t->panels) * t->groups, sum_panels, t);
    return !t->failed;
}

/* --- which ------------------------------------------------------------------------------------------------------------------------ */
static double work_of(const mli_conv *g)
{
    return (double)g->n * (double)g->o * (double)(g->c / g->opt.groups * g->kernel[0] * g->kernel[1]) * (double)(g->out[0] * g->out[1]);
}

bool mli_conv_has_lanes(const mli_conv *g)
{
    double places = 1, groups = (double)g->opt.groups, bytes = (double)ml_dtype_bytes(g->dtype) * LANES;
    if (g->out[1] > NARROW || g->n < FEWEST || g->c == 0 || g->o == 0 || g->in[0] == 0 || g->in[1] == 0) return false;
    for (int d = 0; d < 2; d++) { /* the adjoint puts a border of the kernel's reach around the results: more than the padding */
        double reach = (double)(g->kernel[d] - 1) * (double)g->opt.dilation[d];
        places *= (double)g->in[d] + 2 * (double)g->opt.padding[d] + 2 * reach;
    }
    return places * (double)(g->c + g->o) / groups * bytes < 2.0 * NEAR_BYTES;
}

/* --- the two ---------------------------------------------------------------------------------------------------------------------- */
bool mli_conv_lanes_forward(const mli_conv *g, ml_tensor *x, ml_tensor *w, const void *bias, ml_act act, ml_tensor *y)
{
    int64_t        groups = g->opt.groups, m = g->o / groups, channels = g->c / groups;
    const int64_t *s = w->strides, *stride = g->opt.stride;
    part           p = { .k = channels * g->kernel[0] * g->kernel[1], .rows = g->out[0], .width = g->out[1], .to = { g->out[1], 1 } };
    lane_run       t = { .n = g->n, .groups = groups, .c = channels, .h = g->in[0], .w = g->in[1], .border = { g->opt.padding[0], g->opt.padding[1] },
                         .m = m, .y_h = g->out[0], .y_w = g->out[1], .x = mli_data(x), .bias = bias, .y = mli_data(y), .parts = &p, .n_parts = 1,
                         .act = act == ML_ACT_RELU ? act : ML_ACT_NONE, .f32 = g->dtype == ML_F32 };
    for (int d = 0; d < 2; d++) t.padded[d] = g->in[d] + 2 * g->opt.padding[d];
    p.from[0] = stride[0] * t.padded[1];
    p.from[1] = stride[1];
    p.a       = mli_conv_weights(w, ML_SHAPE(groups, channels, g->kernel[0], g->kernel[1], m), (int64_t[]){ m * s[0], s[1], s[2], s[3], s[0] }, 0);
    size_t   bytes = (size_t)(p.k + 1) * sizeof(int64_t);
    int64_t *off   = p.a ? ml_block_take(bytes) : NULL, *at = off;
    if (!off) return false;
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < g->kernel[0]; i++)
            for (int64_t j = 0; j < g->kernel[1]; j++)
                *at++ = ((c * t.padded[0] + i * g->opt.dilation[0]) * t.padded[1] + j * g->opt.dilation[1]) * LANES;
    p.off   = off;
    bool ok = run(&t, work_of(g));
    ml_block_give(off, bytes);
    return ok;
}

/* Widens the border of t by what the results of one remainder read in dimension d. */
static void widen(lane_run *t, const mli_conv *g, int d, int64_t remainder, const mli_reach *r, int64_t *end)
{
    if (r->n == 0 || r->rows <= 0) return;
    t->border[d] = larger(t->border[d], -mli_conv_shift(g, d, remainder, r->first + (r->n - 1) * r->step));
    *end         = larger(*end, r->rows + mli_conv_shift(g, d, remainder, r->first));
}

/* One part for each remainder of the stride. */
bool mli_conv_lanes_dx(const mli_conv *g, ml_tensor *y, ml_tensor *w, ml_tensor *dx)
{
    int64_t        groups = g->opt.groups, o = g->o / groups, m = g->c / groups, n[2] = { smaller(g->opt.stride[0], g->in[0]), smaller(g->opt.stride[1], g->in[1]) };
    const int64_t *s = w->strides;
    lane_run       t = { .n = g->n, .groups = groups, .c = o, .h = g->out[0], .w = g->out[1], .m = m, .y_h = g->in[0], .y_w = g->in[1], .x = mli_data(y),
                         .y = mli_data(dx), .n_parts = n[0] * n[1], .f32 = g->dtype == ML_F32 };
    size_t parts_bytes = (size_t)t.n_parts * sizeof(part), bytes = parts_bytes + (size_t)(o * g->kernel[0] * g->kernel[1]) * sizeof(int64_t);
    part  *p = ml_block_take(bytes);
    if (!p) return false;
    for (int d = 0; d < 2; d++) {
        int64_t end = g->out[d];
        for (int64_t i = 0; i < n[d]; i++) {
            mli_reach r = mli_conv_reach(g, d, i);
            widen(&t, g, d, i, &r, &end);
        }
        t.padded[d] = t.border[d] + end;
    }
    int64_t *off = (int64_t *)(void *)((char *)p + parts_bytes);
    bool     ok  = true;
    t.parts      = p;
    for (int64_t a = 0, at = 0; ok && a < n[0]; a++)
        for (int64_t b = 0; ok && b < n[1]; b++, at++) {
            mli_reach r[2] = { mli_conv_reach(g, 0, a), mli_conv_reach(g, 1, b) };
            p[at] = (part){ .k = o * r[0].n * r[1].n, .off = off, .rows = r[0].rows, .width = r[1].rows, .from = { t.padded[1], 1 }, .start = a * g->in[1] + b,
                            .to = { g->opt.stride[0] * g->in[1], g->opt.stride[1] } };
            p[at].a = mli_conv_weights(w, ML_SHAPE(groups, o, r[0].n, r[1].n, m), (int64_t[]){ o * s[0], s[0], r[0].step * s[2], r[1].step * s[3], s[1] },
                                       r[0].first * s[2] + r[1].first * s[3]);
            ok = p[at].a != NULL;
            for (int64_t c = 0; c < o; c++)
                for (int64_t i = 0; i < r[0].n; i++)
                    for (int64_t j = 0; j < r[1].n; j++) {
                        int64_t row = t.border[0] + mli_conv_shift(g, 0, a, r[0].first + i * r[0].step), column = t.border[1] + mli_conv_shift(g, 1, b, r[1].first + j * r[1].step);
                        *off++ = ((c * t.padded[0] + row) * t.padded[1] + column) * LANES;
                    }
        }
    ok = ok && run(&t, work_of(g));
    ml_block_give(p, bytes);
    return ok;
}
