/* How convolutions are run: planes of the input, taps, results (kernels/conv.c says what these are), shared out over threads.
 *
 * With a stride of s, a plane holds every s-th row or column of the image, one plane for each remainder: taps are shifted runs
 * again. The adjoint is a convolution too: the results at every s-th place, for each remainder, are a sum over those taps that
 * reach them. A task is some rows of one image (or some whole images, where a plane needs no rows beside those of the result), as
 * many as stay in the second cache; the cut depends on the sizes alone, and no sum is ever cut. */
#include "ops/conv_parts.h"

#include <string.h>

#define FIRST_BYTES 24576 /* what stays in the first cache beside sums */

static int64_t whole_panels(int64_t n) { return ceil_div(n, MLK_PANEL) * MLK_PANEL; }

/* --- planes ------------------------------------------------------------------------------------------------------------------ */
typedef struct {
    int64_t channels, h, w;           /* of the images, in one group */
    int64_t phases[2], step[2];       /* planes of a channel; from one row or column of a plane to the next, in the image */
    int64_t start[2];                 /* row and column of the image at the first place of plane 0 */
    int64_t halo[2];                  /* rows and columns of a plane beside those of the result */
    int64_t rows, width;              /* of the result */
    size_t  bytes;                    /* of a value */
    bool    f32;
} planes;

static int64_t pitch_of(const planes *p) { return p->width + p->halo[1]; }
static int64_t count_of(const planes *p) { return p->channels * p->phases[0] * p->phases[1]; }

/* Values of the planes for some rows of some images; the last run of a tap reads on behind them. */
static int64_t plane_values(const planes *p, int64_t images, int64_t rows)
{
    return count_of(p) * images * (rows + p->halo[0]) * pitch_of(p) + p->halo[1] + MLK_PANEL;
}

/* Fills them for rows from row on; to holds plane after plane, each with room for most_rows of most_images. */
static void fill(const planes *p, const char *image, int64_t image_bytes, int64_t images, int64_t most_images, int64_t row, int64_t rows,
                 int64_t most_rows, char *to)
{
    const ml_kernels *k     = mlk();
    int64_t           pitch = pitch_of(p), size = (most_rows + p->halo[0]) * pitch, phases = p->phases[0] * p->phases[1], bytes = (int64_t)p->bytes;
    for (int64_t a = 0; a < p->phases[0]; a++)
        for (int64_t b = 0; b < p->phases[1]; b++, to += most_images * size * bytes)
            for (int64_t n = 0; n < images; n++)
                (p->f32 ? k->plane_fill_f32 : k->plane_fill_f64)(p->channels, image + n * image_bytes, p->h * p->w, p->h, p->w, p->start[0] + row * p->step[0] + a,
                                                                 p->start[1] + b, p->step[0], p->step[1], rows + p->halo[0], pitch, to + n * size * bytes,
                                                                 phases * most_images * size);
}

/* A tap: which plane, and by how much it is shifted. */
typedef struct {
    int64_t plane, down, right;
} tap;

static void offsets(const planes *p, const tap *taps, int64_t n, int64_t images, int64_t rows, int64_t *off)
{
    int64_t pitch = pitch_of(p), size = images * (rows + p->halo[0]) * pitch;
    for (int64_t i = 0; i < n; i++) off[i] = taps[i].plane * size + taps[i].down * pitch + taps[i].right;
}

/* The planes of the input of a convolution, and its taps in the order of a weight: (c, kh, kw). */
static planes planes_of(const mli_conv *g)
{
    planes p = { .channels = g->c / g->opt.groups, .h = g->in[0], .w = g->in[1], .rows = g->out[0], .width = g->out[1],
                 .bytes = ml_dtype_bytes(g->dtype), .f32 = g->dtype == ML_F32 };
    for (int d = 0; d < 2; d++) {
        int64_t reach = (g->kernel[d] - 1) * g->opt.dilation[d];
        p.step[d]     = g->opt.stride[d];
        p.start[d]    = -g->opt.padding[d];
        p.phases[d]   = smaller(g->opt.stride[d], reach + 1);
        p.halo[d]     = reach / g->opt.stride[d];
    }
    return p;
}

static void list_taps(const mli_conv *g, const planes *p, tap *to)
{
    const int64_t *s = g->opt.stride, *d = g->opt.dilation;
    for (int64_t c = 0; c < p->channels; c++)
        for (int64_t i = 0; i < g->kernel[0]; i++)
            for (int64_t j = 0; j < g->kernel[1]; j++)
                *to++ = (tap){ (c * p->phases[0] + i * d[0] % s[0]) * p->phases[1] + j * d[1] % s[1], i * d[0] / s[0], j * d[1] / s[1] };
}

/* --- results ------------------------------------------------------------------------------------------------------------------ */
typedef struct {
    planes         p;
    int64_t        n, groups, m, k; /* images, groups; results and taps of a group */
    int64_t        each, blocks, images; /* rows of a task, tasks of an image, images of a task */
    const char    *x, *a, *bias;    /* a: (groups, k, m) */
    char          *y;
    const int64_t *off;
    int64_t        y_h, y_w, y_start[2], y_step[2]; /* where the results go: images of y_h by y_w, every y_step-th from y_start */
    ml_act         act;
    int            failed;
} correlation;

static void correlate_some(void *ctx, int64_t task)
{
    correlation      *t     = ctx;
    const planes     *p     = &t->p;
    const ml_kernels *k     = mlk();
    int64_t bytes = (int64_t)p->bytes, block = task % t->blocks, group = task / t->blocks % t->groups, first = task / t->blocks / t->groups * t->images;
    int64_t images = smaller(t->images, t->n - first), row = block * t->each, rows = smaller(t->each, p->rows - row), pitch = pitch_of(p);
    if (rows <= 0) return;
    int64_t n = whole_panels(images * rows * pitch), image_bytes = t->groups * p->channels * p->h * p->w * bytes, y_size = t->y_h * t->y_w * bytes;
    size_t  near = (size_t)(plane_values(p, t->images, t->each) * bytes), total = near + (size_t)(t->m * n * bytes);
    char   *near_values = ml_block_take(total);
    if (!near_values) {
        __atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    char *sums = near_values + near;
    fill(p, t->x + first * image_bytes + group * p->channels * p->h * p->w * bytes, image_bytes, images, t->images, row, rows, t->each, near_values);
    mlk_taps taps = { .m = t->m, .k = t->k, .n = n, .a = t->a + group * t->k * t->m * bytes, .a_step = t->m, .b = near_values, .off = t->off, .c = sums, .c_step = n };
    (p->f32 ? k->taps_f32 : k->taps_f64)(&taps);
    for (int64_t i = 0; i < images; i++)
        for (int64_t m = 0; m < t->m; m++) {
            int64_t channel = group * t->m + m;
            char   *y = t->y + ((first + i) * t->groups * t->m + channel) * y_size + ((t->y_start[0] + row * t->y_step[0]) * t->y_w + t->y_start[1]) * bytes;
            (p->f32 ? k->plane_store_f32 : k->plane_store_f64)(rows, p->width, sums + (m * n + i * rows * pitch) * bytes, pitch,
                                                               t->bias ? t->bias + channel * bytes : NULL, mli_kernel_act(t->act), y,
                                                               t->y_step[0] * t->y_w, t->y_step[1]);
        }
    ml_block_give(near_values, total);
}

/* How much a task does: as much as stays near, and several tasks where there is work. */
static void cut(correlation *t)
{
    const planes *p       = &t->p;
    int64_t       row     = (count_of(p) + t->m) * pitch_of(p) * (int64_t)p->bytes; /* bytes of a row of everything */
    double        work    = (double)t->n * (double)t->groups * (double)t->m * (double)t->k * (double)p->rows * (double)p->width;
    int64_t       wanted  = work < 2.0 * WORTH ? 1 : (int64_t)(work / WORTH < TASKS ? work / WORTH : TASKS);
    int64_t       images  = t->n * t->groups;
    t->blocks             = ceil_div(p->rows, larger(1, NEAR_BYTES / larger(row, 1) - p->halo[0]));
    t->blocks             = smaller(larger(t->blocks, ceil_div(wanted, larger(images, 1))), p->rows);
    t->each               = ceil_div(p->rows, larger(t->blocks, 1));
    t->images             = 1;
    if (t->blocks == 1 && p->halo[0] == 0)
        t->images = larger(1, smaller(NEAR_BYTES / larger(row * p->rows, 1), ceil_div(t->n, wanted)));
    t->blocks = ceil_div(p->rows, larger(t->each, 1));
}

static bool correlate(correlation *t, const tap *taps)
{
    if (t->n == 0 || t->m == 0 || t->groups == 0 || t->p.rows == 0 || t->p.width == 0) return true;
    size_t bytes = (size_t)(t->k + 1) * sizeof(int64_t);
    cut(t);
    int64_t *off = ml_block_take(bytes);
    if (!off) return false;
    offsets(&t->p, taps, t->k, t->images, t->each, off);
    t->off = off;
    ml_parallel(ceil_div(t->n, t->images) * t->groups * t->blocks, correlate_some, t);
    ml_block_give(off, bytes);
    return !t->failed;
}

/* The weights of each group as (taps, results): a copy of a view. steps: of group, then of the dimensions of shape. */
void *mli_conv_weights(ml_tensor *w, ml_shape shape, const int64_t *steps, int64_t offset)
{
    ml_tensor *view = mli_view(w, shape, steps, w->offset + offset), *copy = view ? ml_empty(shape, (ml_dtype)w->dtype) : NULL;
    if (!copy) return NULL;
    mli_strided_copy(view, (ml_dtype)w->dtype, mli_data(copy));
    return mli_data(copy);
}

bool mli_conv_forward(const mli_conv *g, ml_tensor *x, ml_tensor *w, const void *bias, ml_act act, ml_tensor *y)
{
    int64_t        groups = g->opt.groups, m = g->o / groups;
    const int64_t *s = w->strides;
    if (mli_conv_has_lanes(g)) return mli_conv_lanes_forward(g, x, w, bias, act, y);
    correlation    t = { .p = planes_of(g), .n = g->n, .groups = groups, .m = m, .x = mli_data(x), .bias = bias, .y = mli_data(y),
                         .y_h = g->out[0], .y_w = g->out[1], .y_step = { 1, 1 }, .act = act == ML_ACT_RELU ? act : ML_ACT_NONE };
    t.k          = t.p.channels * g->kernel[0] * g->kernel[1];
    size_t bytes = (size_t)(t.k + 1) * sizeof(tap);
    t.a          = mli_conv_weights(w, ML_SHAPE(groups, t.p.channels, g->kernel[0], g->kernel[1], m), (int64_t[]){ m * s[0], s[1], s[2], s[3], s[0] }, 0);
    tap *taps    = t.a ? ml_block_take(bytes) : NULL;
    if (!taps) return false;
    list_taps(g, &t.p, taps);
    bool ok = correlate(&t, taps);
    ml_block_give(taps, bytes);
    return ok;
}

/* --- the adjoint ------------------------------------------------------------------------------------------------------------------ */
int64_t mli_conv_shift(const mli_conv *g, int d, int64_t remainder, int64_t weight)
{
    return floor_div(remainder + g->opt.padding[d] - weight * g->opt.dilation[d], g->opt.stride[d]);
}

mli_reach mli_conv_reach(const mli_conv *g, int d, int64_t remainder)
{
    mli_reach r    = { 0, 1, 0, ceil_div(g->in[d] - remainder, g->opt.stride[d]) };
    int64_t   second = -1;
    for (int64_t i = 0; i < g->kernel[d] && second < 0; i++) {
        if ((remainder + g->opt.padding[d] - i * g->opt.dilation[d]) % g->opt.stride[d] != 0) continue;
        if (r.n++ == 0) r.first = i;
        else second = i;
    }
    if (second >= 0) {
        r.step = second - r.first;
        r.n    = (g->kernel[d] - 1 - r.first) / r.step + 1;
    }
    return r;
}

static bool dx_of_remainders(const mli_conv *g, ml_tensor *y, ml_tensor *w, ml_tensor *dx, const int64_t remainder[2])
{
    int64_t        groups = g->opt.groups, o = g->o / groups, shift[2];
    const int64_t *s    = w->strides;
    mli_reach      r[2] = { mli_conv_reach(g, 0, remainder[0]), mli_conv_reach(g, 1, remainder[1]) };
    planes         p    = { .channels = o, .h = g->out[0], .w = g->out[1], .phases = { 1, 1 }, .step = { 1, 1 }, .rows = r[0].rows,
                            .width = r[1].rows, .bytes = ml_dtype_bytes(g->dtype), .f32 = g->dtype == ML_F32 };
    for (int d = 0; d < 2; d++) {
        shift[d]   = mli_conv_shift(g, d, remainder[d], r[d].first);
        p.start[d] = r[d].n ? mli_conv_shift(g, d, remainder[d], r[d].first + (r[d].n - 1) * r[d].step) : 0;
        p.halo[d]  = r[d].n ? shift[d] - p.start[d] : 0;
    }
    correlation t = { .p = p, .n = g->n, .groups = groups, .m = g->c / groups, .k = o * r[0].n * r[1].n, .x = mli_data(y), .y = mli_data(dx),
                      .y_h = g->in[0], .y_w = g->in[1], .y_start = { remainder[0], remainder[1] }, .y_step = { g->opt.stride[0], g->opt.stride[1] } };
    size_t bytes = (size_t)(t.k + 1) * sizeof(tap);
    t.a       = mli_conv_weights(w, ML_SHAPE(groups, o, r[0].n, r[1].n, t.m), (int64_t[]){ o * s[0], s[0], r[0].step * s[2], r[1].step * s[3], s[1] },
                        r[0].first * s[2] + r[1].first * s[3]);
    tap *taps = t.a ? ml_block_take(bytes) : NULL, *at = taps;
    if (!taps) return false;
    for (int64_t c = 0; c < o; c++)
        for (int64_t i = 0; i < r[0].n; i++)
            for (int64_t j = 0; j < r[1].n; j++)
                *at++ = (tap){ c, mli_conv_shift(g, 0, remainder[0], r[0].first + i * r[0].step) - p.start[0],
                               mli_conv_shift(g, 1, remainder[1], r[1].first + j * r[1].step) - p.start[1] };
    bool ok = correlate(&t, taps);
    ml_block_give(taps, bytes);
    return ok;
}

bool mli_conv_dx(const mli_conv *g, ml_tensor *y, ml_tensor *w, ml_tensor *dx)
{
    if (mli_conv_has_lanes(g)) return mli_conv_lanes_dx(g, y, w, dx);
    for (int64_t i = 0; i < smaller(g->opt.stride[0], g->in[0]); i++)
        for (int64_t j = 0; j < smaller(g->opt.stride[1], g->in[1]); j++)
            if (!dx_of_remainders(g, y, w, dx, (int64_t[]){ i, j })) return false;
    return true;
}

/* --- the weights' adjoint ---------------------------------------------------------------------------------------------------------- */
/* A task sums over some images, in order, for some channels of one group; the sums of the tasks are added in order. */
typedef struct {
    planes         p; /* of channels_each channels; one value reaches many sums, so they may be apart: one plane a channel at any stride */
    int64_t        n, groups, channels, m, k, panels; /* k: taps of a channel; panels: m rounded up */
    int64_t        rows, width, stride[2]; /* of y; its steps in the planes */
    int64_t        chunks, images_each, channel_blocks, channels_each, each, together; /* each: rows at a time; together: images at a time */
    const char    *x, *y;
    char          *sums; /* (chunks, groups, channels, k, panels) */
    const int64_t *off;  /* of channels_each channels */
    int            failed;
} weight_sums;

/* Rows of a plane beside its halo for so many rows of y. */
static int64_t taken(const weight_sums *t, int64_t rows) { return (rows - 1) * t->stride[0] + 1; }

static void fill_images(const weight_sums *t, const planes *p, int64_t count, const char *x, int64_t row, int64_t rows, char *to)
{
    (p->f32 ? mlk()->plane_fill_f32 : mlk()->plane_fill_f64)(count, x, p->h * p->w, p->h, p->w, p->start[0] + row * t->stride[0] * p->step[0], p->start[1], p->step[0],
                                                             p->step[1], taken(t, rows) + p->halo[0], pitch_of(p), to,
                                                             (taken(t, t->each) + p->halo[0]) * pitch_of(p));
}

static void sum_some(void *ctx, int64_t task)
{
    weight_sums      *t     = ctx;
    const ml_kernels *k     = mlk();
    planes            p     = t->p;
    int64_t bytes = (int64_t)p.bytes, block = task % t->channel_blocks, group = task / t->channel_blocks % t->groups, chunk = task / t->channel_blocks / t->groups;
    int64_t c0 = block * t->channels_each, channels = smaller(t->channels_each, t->channels - c0), row_bytes = t->k * t->panels * bytes;
    char   *sums = t->sums + ((chunk * t->groups + group) * t->channels + c0) * row_bytes;
    if (channels <= 0) return;
    memset(sums, 0, (size_t)(channels * row_bytes));
    int64_t size = (taken(t, t->each) + p.halo[0]) * pitch_of(&p); /* of a plane */
    size_t  near = (size_t)(t->together * channels * size * bytes), total = near + (size_t)(t->together * t->panels * t->each * t->width * bytes);
    char   *near_values = ml_block_take(total);
    if (!near_values) {
        __atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    p.channels = channels;
    int64_t end = smaller((chunk + 1) * t->images_each, t->n), image = t->groups * t->channels * p.h * p.w, y_image = t->groups * t->m * t->rows * t->width;
    for (int64_t n = chunk * t->images_each, images; n < end; n += images) {
        images = smaller(t->together, end - n);
        for (int64_t row = 0; row < t->rows; row += t->each) {
            int64_t     rows = smaller(t->each, t->rows - row);
            const char *x = t->x + (n * image + (group * t->channels + c0) * p.h * p.w) * bytes, *y = t->y + (n * y_image + (group * t->m * t->rows + row) * t->width) * bytes;
            if (channels == t->groups * t->channels) fill_images(t, &p, images * channels, x, row, rows, near_values);
            else for (int64_t i = 0; i < images; i++) fill_images(t, &p, channels, x + i * image * bytes, row, rows, near_values + i * channels * size * bytes);
            (p.f32 ? k->tap_sums_pack_f32 : k->tap_sums_pack_f64)(images, y_image, t->m, rows * t->width, y, t->rows * t->width, near_values + near);
            mlk_tap_sums s = { .m = t->m, .k = channels * t->k, .images = images, .image = channels * size, .rows = rows, .width = t->width,
                               .pitch = pitch_of(&p) * t->stride[0], .step = t->stride[1], .b = near_values, .off = t->off, .packed = near_values + near,
                               .c = sums, .c_step = t->panels };
            (p.f32 ? k->tap_sums_f32 : k->tap_sums_f64)(&s);
        }
    }
    ml_block_give(near_values, total);
}

static void cut_sums(weight_sums *t)
{
    int64_t channel = t->k * t->panels * (int64_t)t->p.bytes, all = t->groups * t->channels * channel; /* bytes of sums */
    double  work    = (double)t->n * (double)t->groups * (double)t->channels * (double)t->k * (double)t->m * (double)t->rows * (double)t->width;
    int64_t wanted  = work < 2.0 * WORTH ? 1 : (int64_t)(work / WORTH < TASKS ? work / WORTH : TASKS);
    t->chunks         = larger(1, smaller(smaller(wanted, t->n), (16 << 20) / larger(all, 1)));
    t->images_each    = ceil_div(t->n, t->chunks);
    t->channel_blocks = larger(1, smaller(t->channels, ceil_div(wanted, t->chunks * t->groups)));
    t->channels_each  = ceil_div(t->channels, t->channel_blocks);
    t->p.channels     = t->channels_each;
    int64_t row = (t->channels_each * pitch_of(&t->p) * t->stride[0] + t->panels * t->width) * (int64_t)t->p.bytes;
    t->each     = ceil_div(t->rows, larger(1, ceil_div(t->rows, larger(1, NEAR_BYTES / larger(row, 1) - ceil_div(t->p.halo[0], t->stride[0])))));
    row         = (t->channels_each * pitch_of(&t->p) * (taken(t, t->each) + t->p.halo[0]) + t->panels * t->width * t->each) * (int64_t)t->p.bytes; /* of an image */
    t->together = t->each < t->rows ? 1 : larger(1, smaller(t->images_each, FIRST_BYTES / larger(row, 1)));
}

/* Adds the sums of the other chunks to those of the first and turns them: (groups, channels k, panels) -> (o, channels k). */
static bool gather_sums(const weight_sums *t, ml_tensor *sums, ml_tensor *dw)
{
    int64_t           taps = t->channels * t->k, size = t->groups * taps * t->panels;
    const ml_kernels *k    = mlk();
    for (int64_t chunk = 1; chunk < t->chunks; chunk++) {
        char *more = t->sums + chunk * size * (int64_t)t->p.bytes;
        (t->p.f32 ? k->add_f32 : k->add_f64)(size, t->sums, 1, more, 1, t->sums);
    }
    ml_tensor *turned = mli_view(sums, ML_SHAPE(t->groups, t->m, taps), (int64_t[]){ taps * t->panels, 1, t->panels }, 0);
    if (turned) mli_strided_copy(turned, (ml_dtype)dw->dtype, mli_data(dw));
    return turned != NULL;
}

bool mli_conv_dw(const mli_conv *g, ml_tensor *x, ml_tensor *y, ml_tensor *dw)
{
    int64_t     groups = g->opt.groups;
    weight_sums t      = { .p = { .h = g->in[0], .w = g->in[1], .phases = { 1, 1 }, .step = { 1, 1 }, .start = { -g->opt.padding[0], -g->opt.padding[1] },
                                  .bytes = ml_dtype_bytes(g->dtype), .f32 = g->dtype == ML_F32 },
                           .n = g->n, .groups = groups, .channels = g->c / groups, .m = g->o / groups, .k = g->kernel[0] * g->kernel[1], .rows = g->out[0],
                           .width = g->out[1], .stride = { g->opt.stride[0], g->opt.stride[1] }, .x = mli_data(x), .y = mli_data(y) };
    t.panels           = whole_panels(t.m);
    if (ml_tensor_numel(dw) == 0) return true;
    for (int d = 0; d < 2; d++) {
        t.p.halo[d] = (g->kernel[d] - 1) * g->opt.dilation[d];
        if (t.p.halo[d] > 0) continue;
        t.p.step[d] = t.stride[d]; /* one tap: what lies between is never read */
        t.stride[d] = 1;
    }
    t.p.width = (t.width - 1) * t.stride[1] + 1;
    cut_sums(&t);
    ml_tensor *sums = ml_empty(ML_SHAPE(t.chunks, groups, t.channels, t.k, t.panels), g->dtype);
    int64_t    n    = t.channels_each * t.k;
    size_t     tap_bytes = (size_t)n * sizeof(tap), off_bytes = (size_t)n * sizeof(int64_t);
    char      *block = sums ? ml_block_take(tap_bytes + off_bytes) : NULL;
    if (!block) return false;
    tap     *taps = (tap *)(void *)block;
    int64_t *off  = (int64_t *)(void *)(block + tap_bytes);
    for (int64_t i = 0; i < n; i++)
        taps[i] = (tap){ i / t.k, i % t.k / g->kernel[1] * g->opt.dilation[0], i % g->kernel[1] * g->opt.dilation[1] };
    offsets(&t.p, taps, n, 1, taken(&t, t.each), off);
    t.sums = mli_data(sums);
    t.off  = off;
    ml_parallel(t.chunks * groups * t.channel_blocks, sum_some, &t);
    ml_block_give(block, tap_bytes + off_bytes);
    return !t.failed && gather_sums(&t, sums, dw);
}
