/* Pooling: windows over the last two dimensions of x (..., h, w). A row of values is pooled as an image with one row, so the same
 * operations serve (n, c, length) with a kernel of { 1, k }. */
#include "ops/conv.h"

#include <string.h>

typedef struct {
    int64_t kernel[2], stride[2], padding[2];
} pool_opts; /* what the option structs begin with */

#define READS_AS_POOL(op)                                                                                                  \
    _Static_assert(offsetof(ml_##op##_opts, kernel) == offsetof(pool_opts, kernel) && offsetof(ml_##op##_opts, stride) == offsetof(pool_opts, stride) && \
                   offsetof(ml_##op##_opts, padding) == offsetof(pool_opts, padding), #op " begins with the options of all")
READS_AS_POOL(max_pool2d);
READS_AS_POOL(max_pool2d_positions);
READS_AS_POOL(avg_pool2d);

static bool has_planes(const ml_call *c, const ml_shape *x)
{
    return x->n >= 2 || ml_fail("%s: the input must be (..., h, w), got %s", ml_op_info_at(c->id)->name, ml_shape_text(x));
}

static bool pool_sizes(const ml_call *c, mlk_pool *p)
{
    const pool_opts *o  = c->opts;
    const char      *op = ml_op_info_at(c->id)->name;
    const ml_shape  *x  = &c->in[0]->shape;
    if (!has_planes(c, x)) return false;
    mli_conv_opts windows = { .dilation = { 1, 1 }, .groups = 1 };
    *p = (mlk_pool){ .in = { x->size[x->n - 2], x->size[x->n - 1] }, .count_padding = true };
    for (int d = 0; d < 2; d++) {
        p->kernel[d]         = o->kernel[d];
        p->padding[d]        = windows.padding[d] = o->padding[d];
        p->stride[d]         = windows.stride[d]  = o->stride[d] ? o->stride[d] : o->kernel[d];
    }
    if (!mli_places(op, &windows, p->in, p->kernel, p->out)) return false;
    for (int d = 0; d < 2; d++)
        if (p->padding[d] > p->kernel[d] / 2)
            return ml_fail("%s: the padding may be at most half of the kernel, so that no window is empty, got %lld for %lld", op, (long long)p->padding[d],
                           (long long)p->kernel[d]);
    return true;
}

static bool pool_infer(ml_call *c)
{
    mlk_pool p;
    if (!pool_sizes(c, &p)) return false;
    c->shape                       = c->in[0]->shape;
    c->shape.size[c->shape.n - 2] = p.out[0];
    c->shape.size[c->shape.n - 1] = p.out[1];
    return true;
}

/* --- planes shared out ------------------------------------------------------------------------------------------------------------- */
typedef struct {
    mlk_pool    p;
    const char *x, *dy;
    char       *to;
    int64_t     n, each, base, x_bytes, y_bytes, to_bytes;
    void (*values)(const mlk_pool *p, const void *x, void *y);
    void (*positions)(const mlk_pool *p, const void *x, int64_t base, int64_t *at);
    void (*slopes)(const mlk_pool *p, const void *x, const void *dy, void *dx);
} pool_job;

static void pool_some(void *ctx, int64_t task)
{
    const pool_job *j = ctx;
    for (int64_t i = task * j->each; i < (task + 1) * j->each && i < j->n; i++) {
        const char *x  = j->x + i * j->x_bytes;
        char       *to = j->to + i * j->to_bytes;
        if (j->values) j->values(&j->p, x, to);
        else if (j->positions) j->positions(&j->p, x, j->base, (int64_t *)(void *)to);
        else j->slopes(&j->p, x, j->dy + i * j->y_bytes, to);
    }
}

/* x: as the planes that are read; to: contiguous. */
static bool run_planes(pool_job *j, ml_tensor *x, ml_tensor *dy, ml_tensor *to)
{
    const mlk_pool *p = &j->p;
    int64_t         bytes = (int64_t)ml_dtype_bytes((ml_dtype)to->dtype), in = p->in[0] * p->in[1], out = p->out[0] * p->out[1];
    bool            slopes = !j->values && !j->positions;
    if ((x && !(x = mli_contiguous(x))) || (dy && !(dy = mli_contiguous(dy)))) return false;
    j->x        = x ? mli_data(x) : NULL;
    j->dy       = dy ? mli_data(dy) : NULL;
    j->to       = mli_data(to);
    j->x_bytes  = x ? in * (int64_t)ml_dtype_bytes((ml_dtype)x->dtype) : 0;
    j->y_bytes  = out * bytes;
    j->to_bytes = (slopes ? in : out) * bytes;
    j->n        = j->to_bytes ? ml_tensor_numel(to) / (j->to_bytes / bytes) : 0;
    j->each     = 16384 / (in + 1) + 1;
    ml_parallel((j->n + j->each - 1) / j->each, pool_some, j);
    return true;
}

/* --- largest --------------------------------------------------------------------------------------------------------------------------- */
static bool max_pool2d_forward(ml_call *c)
{
    pool_job j = { .values = c->dtype == ML_F32 ? mlk()->max_pool_f32 : mlk()->max_pool_f64 };
    return pool_sizes(c, &j.p) && run_planes(&j, c->in[0], NULL, c->out);
}

static bool max_pool2d_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    pool_job j = { .slopes = c->dtype == ML_F32 ? mlk()->max_pool_dx_f32 : mlk()->max_pool_dx_f64 };
    dx[0]      = ml_empty(c->in[0]->shape, c->dtype);
    return dx[0] && pool_sizes(c, &j.p) && run_planes(&j, c->in[0], dy, dx[0]);
}

/* Positions in all of x, in a row: those in each plane, and where the plane begins. */
static ml_tensor *positions_in_all(ml_call *c, int64_t planes, int64_t plane)
{
    ml_max_pool2d_positions_opts o = { 0 };
    memcpy(&o, c->opts, sizeof(pool_opts));
    ml_tensor *at = ml_max_pool2d_positions(c->in[0], &o);
    if (!at) return NULL;
    int64_t    windows = planes ? ml_tensor_numel(at) / planes : 0;
    ml_tensor *begin   = ml_reshape(ml_mul(ml_arange(0, (double)planes, 1, ML_I64), ml_number((double)plane)), &(ml_reshape_opts){ ML_SHAPE(planes, 1) });
    return ml_reshape(ml_add(ml_reshape(at, &(ml_reshape_opts){ ML_SHAPE(planes, windows) }), begin), &(ml_reshape_opts){ ML_SHAPE(planes * windows) });
}

static bool max_pool2d_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_shape *s     = &c->in[0]->shape;
    int64_t         plane = s->size[s->n - 2] * s->size[s->n - 1], all = ml_shape_numel(s);
    ml_tensor      *at    = positions_in_all(c, plane ? all / plane : 0, plane);
    if (!at) return false;
    ml_tensor *flat = ml_reshape(dy, &(ml_reshape_opts){ at->shape });
    dx[0]           = ml_reshape(ml_scatter_rows(flat, at, &(ml_scatter_rows_opts){ .rows = all }), &(ml_reshape_opts){ *s });
    return dx[0] != NULL;
}

static bool max_pool2d_positions_infer(ml_call *c)
{
    c->dtype = ML_I64;
    return pool_infer(c);
}

static bool max_pool2d_positions_forward(ml_call *c)
{
    pool_job j = { .positions = c->in[0]->dtype == ML_F32 ? mlk()->max_pool_at_f32 : mlk()->max_pool_at_f64,
                   .base      = ((const ml_max_pool2d_positions_opts *)c->opts)->base };
    return pool_sizes(c, &j.p) && run_planes(&j, c->in[0], NULL, c->out);
}

/* --- mean -------------------------------------------------------------------------------------------------------------------------------- */
/* The mean over a window of rows and columns is one over rows of one over columns: a y b^T with the matrices of one direction. */
static ml_tensor *mean_matrix(int64_t n, int64_t places, ml_dtype dtype, int64_t (*begin)(const void *, int64_t), int64_t (*end)(const void *, int64_t),
                              const void *ctx, int64_t count)
{
    ml_tensor *a = ml_zeros(ML_SHAPE(places, n), ML_F64);
    if (!a) return NULL;
    double *v = mli_data(a);
    for (int64_t i = 0; i < places; i++)
        for (int64_t k = begin(ctx, i); k < end(ctx, i); k++) v[i * n + k] = 1 / (double)(count ? count : end(ctx, i) - begin(ctx, i));
    return ml_cast(a, &(ml_cast_opts){ dtype });
}

typedef struct {
    int64_t n, places, kernel, stride, padding;
} windows;
static int64_t window_begin(const void *ctx, int64_t i)
{
    const windows *w = ctx;
    int64_t        k = i * w->stride - w->padding;
    return k < 0 ? 0 : k;
}
static int64_t window_end(const void *ctx, int64_t i)
{
    const windows *w = ctx;
    int64_t        k = i * w->stride - w->padding + w->kernel;
    return k > w->n ? w->n : k;
}
static int64_t part_begin(const void *ctx, int64_t i) { const windows *w = ctx; return i * w->n / w->places; }
static int64_t part_end(const void *ctx, int64_t i) { const windows *w = ctx; return ((i + 1) * w->n + w->places - 1) / w->places; }

static ml_tensor *apply_means(ml_tensor *x, ml_tensor *rows, ml_tensor *columns)
{
    return ml_matmul(ml_matmul(rows, x), ml_mT(columns));
}

static ml_tensor *avg_pool2d_compose(ml_call *c)
{
    mlk_pool   p;
    bool       counted = ((const ml_avg_pool2d_opts *)c->opts)->count_include_pad;
    ml_tensor *a[2]    = { NULL, NULL };
    if (!pool_sizes(c, &p)) return NULL;
    for (int d = 0; d < 2; d++) {
        windows w = { p.in[d], p.out[d], p.kernel[d], p.stride[d], p.padding[d] };
        a[d]      = mean_matrix(w.n, w.places, (ml_dtype)c->in[0]->dtype, window_begin, window_end, &w, counted ? w.kernel : 0);
    }
    return apply_means(c->in[0], a[0], a[1]);
}

static bool avg_pool2d_forward(ml_call *c)
{
    pool_job j = { .values = c->dtype == ML_F32 ? mlk()->avg_pool_f32 : mlk()->avg_pool_f64 };
    if (!pool_sizes(c, &j.p)) return false;
    j.p.count_padding = ((const ml_avg_pool2d_opts *)c->opts)->count_include_pad;
    return run_planes(&j, c->in[0], NULL, c->out);
}

static void avg_dx_f32(const mlk_pool *p, const void *x, const void *dy, void *dx) { (void)x; mlk()->avg_pool_dx_f32(p, dy, dx); }
static void avg_dx_f64(const mlk_pool *p, const void *x, const void *dy, void *dx) { (void)x; mlk()->avg_pool_dx_f64(p, dy, dx); }

static bool avg_pool2d_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    pool_job j = { .slopes = c->dtype == ML_F32 ? avg_dx_f32 : avg_dx_f64 };
    dx[0]      = ml_empty(c->in[0]->shape, c->dtype);
    if (!dx[0] || !pool_sizes(c, &j.p)) return false;
    j.p.count_padding = ((const ml_avg_pool2d_opts *)c->opts)->count_include_pad;
    return run_planes(&j, NULL, dy, dx[0]);
}

static bool adaptive_avg_pool2d_infer(ml_call *c)
{
    const ml_adaptive_avg_pool2d_opts *o = c->opts;
    const ml_shape *x = &c->in[0]->shape;
    if (!has_planes(c, x)) return false;
    c->shape = *x;
    for (int d = 0; d < 2; d++) {
        int64_t n = x->size[x->n - 2 + d];
        if (o->size[d] < 1 || n < 1 || n > INT32_MAX || o->size[d] > INT32_MAX)
            return ml_fail("adaptive_avg_pool2d: cannot make (%lld, %lld) of an image of %s", (long long)o->size[0], (long long)o->size[1], ml_shape_text(x));
        c->shape.size[x->n - 2 + d] = o->size[d];
    }
    return true;
}

static ml_tensor *adaptive_avg_pool2d_compose(ml_call *c)
{
    const ml_adaptive_avg_pool2d_opts *o = c->opts;
    const ml_shape *x = &c->in[0]->shape;
    ml_tensor      *a[2];
    for (int d = 0; d < 2; d++) {
        windows w = { .n = x->size[x->n - 2 + d], .places = o->size[d] };
        a[d]      = mean_matrix(w.n, w.places, (ml_dtype)c->in[0]->dtype, part_begin, part_end, &w, 0);
    }
    return apply_means(c->in[0], a[0], a[1]);
}

/* --- vmap: one more dimension in front -------------------------------------------------------------------------------------------------- */
static ml_tensor *pool_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    if (c->in[0]->shape.n < 3) return ml_fail("%s: the input must be (..., h, w), inside vmap it has fewer dimensions", ml_op_info_at(c->id)->name);
    return ml_op_apply(c->id, c->in, 1, c->opts);
}

/* --- samples, the operations --------------------------------------------------------------------------------------------------------------- */
static const ml_max_pool2d_opts max_padded = { { 3, 2 }, { 2, 1 }, { 1, 0 } };
static const ml_sample max_pool2d_samples[] = { { .in = { "(2, 3, 4, 5)" } }, { .in = { "(2, 5, 4)" }, .opts = &max_padded }, { 0 } };
static const ml_max_pool2d_positions_opts at_padded = { { 3, 2 }, { 2, 1 }, { 1, 0 }, 0 };
static const ml_sample max_pool2d_positions_samples[] = {
    { .in = { "(2, 3, 4, 5)" }, .order = ML_VALUE_ONLY }, { .in = { "(5, 4)" }, .opts = &at_padded, .order = ML_VALUE_ONLY }, { 0 }
};
static const ml_avg_pool2d_opts avg_padded = { { 3, 2 }, { 2, 1 }, { 1, 1 }, false }, avg_counted = { { 2, 3 }, { 1, 2 }, { 1, 0 }, true };
static const ml_sample avg_pool2d_samples[] = {
    { .in = { "(2, 3, 4, 5)" } }, { .in = { "(2, 5, 4)" }, .opts = &avg_padded }, { .in = { "(4, 5)" }, .opts = &avg_counted }, { 0 }
};
static const ml_adaptive_avg_pool2d_opts two_by_three = { { 2, 3 } };
static const ml_sample adaptive_avg_pool2d_samples[] = { { .in = { "(2, 3, 4, 5)" } }, { .in = { "(2, 5, 4)" }, .opts = &two_by_three }, { 0 } };

const ml_op ml_op_max_pool2d = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = pool_infer, .forward = max_pool2d_forward,
                                 .vjp = max_pool2d_vjp, .vjp_direct = max_pool2d_direct, .vmap = pool_vmap, .samples = max_pool2d_samples };
const ml_op ml_op_max_pool2d_positions = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY | ML_NOGRAD, .infer = max_pool2d_positions_infer,
                                           .forward = max_pool2d_positions_forward, .vmap = pool_vmap, .samples = max_pool2d_positions_samples };
const ml_op ml_op_avg_pool2d = { .kind = ML_LINEAR, .flags = ML_FLOAT_ONLY, .infer = pool_infer, .forward = avg_pool2d_forward,
                                 .vjp_direct = avg_pool2d_direct, .compose = avg_pool2d_compose, .vmap = pool_vmap, .samples = avg_pool2d_samples };
const ml_op ml_op_adaptive_avg_pool2d = { .kind = ML_LINEAR, .flags = ML_FLOAT_ONLY, .infer = adaptive_avg_pool2d_infer,
                                          .compose = adaptive_avg_pool2d_compose, .vmap = pool_vmap, .samples = adaptive_avg_pool2d_samples };
