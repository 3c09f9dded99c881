/* Sliding windows as a view, and the adjoint, which adds them up where they overlap. */
#include "ops/op.h"

#include <string.h>

/* --- unfold ---------------------------------------------------------------------------------------------------------------- */
static bool unfold_at(ml_call *c, int *dim, int64_t *windows)
{
    const ml_unfold_opts *o = c->opts;
    const ml_shape       *s = &c->in[0]->shape;
    if (!mli_own_dim("unfold", o->dim, s->n, dim)) return false;
    if (s->n == ML_MAX_DIMS) return ml_fail("unfold: %s has %d dimensions already, more are not possible", ml_shape_text(s), ML_MAX_DIMS);
    if (o->size < 1 || o->step < 1) return ml_fail("unfold: size and step must be at least 1, got %lld and %lld", (long long)o->size, (long long)o->step);
    if (o->size > s->size[*dim])
        return ml_fail("unfold: a window of %lld is longer than dimension %d of %s", (long long)o->size, *dim + 1, ml_shape_text(s));
    *windows = (s->size[*dim] - o->size) / o->step + 1;
    return true;
}

static bool unfold_infer(ml_call *c)
{
    int     dim;
    int64_t windows;
    if (!unfold_at(c, &dim, &windows)) return false;
    c->shape                      = c->in[0]->shape;
    c->shape.size[dim]            = windows;
    c->shape.size[c->shape.n++] = ((const ml_unfold_opts *)c->opts)->size;
    return true;
}

static bool unfold_forward(ml_call *c)
{
    const ml_unfold_opts *o = c->opts;
    int     dim;
    int64_t windows, strides[ML_MAX_DIMS];
    unfold_at(c, &dim, &windows);
    memcpy(strides, c->in[0]->strides, sizeof strides);
    strides[c->shape.n - 1] = strides[dim];
    strides[dim] *= windows > 1 ? o->step : 1; /* a huge step takes one window, and would overflow */
    c->out = mli_view(c->in[0], c->shape, strides, c->in[0]->offset);
    return c->out != NULL;
}

static bool unfold_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    int     dim;
    int64_t windows;
    if (!unfold_at(c, &dim, &windows)) return false;
    dx[0] = ml_overlap_add(dy, &(ml_overlap_add_opts){ .dim = dim, .size = c->in[0]->shape.size[dim], .step = ((const ml_unfold_opts *)c->opts)->step });
    return dx[0] != NULL;
}

static ml_tensor *unfold_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_unfold_opts o = *(const ml_unfold_opts *)c->opts;
    if (!mli_dim_behind(c, o.dim, c->in[0]->shape.n - 1, &o.dim)) return NULL;
    return ml_unfold(c->in[0], &o);
}

/* --- overlap_add ------------------------------------------------------------------------------------------------------------- */
/* dim counts the dimensions of x, and is not its last one, which holds the window. */
static bool overlap_at(const ml_overlap_add_opts *o, const ml_shape *s, int *dim)
{
    if (s->n < 2) return ml_fail("overlap_add: needs windows (..., windows, ..., size), got shape %s", ml_shape_text(s));
    if (!mli_dim("overlap_add", o->dim, s->n, dim)) return false;
    if (*dim == s->n - 1) return ml_fail("overlap_add: dim must not be the last dimension, which holds the windows");
    return true;
}

static bool overlap_add_infer(ml_call *c)
{
    const ml_overlap_add_opts *o = c->opts;
    ml_shape s = c->in[0]->shape;
    int      dim;
    if (!overlap_at(o, &s, &dim)) return false;
    int64_t windows = s.size[dim], k = s.size[s.n - 1];
    if (o->step < 1 || o->size < 0 || (windows > 0 && (k > o->size || windows - 1 > (o->size - k) / o->step)))
        return ml_fail("overlap_add: %lld windows of %lld, each a step of %lld further, do not fit into size %lld", (long long)windows,
                       (long long)k, (long long)o->step, (long long)o->size);
    c->shape = s;
    c->shape.n--;
    c->shape.size[dim] = o->size;
    return true;
}

/* x (outer, windows, inner, k) into y (outer, size, inner) */
#define ADD_WINDOWS(T)                                                                            \
    {                                                                                             \
        const T *x = mli_data(in);                                                                \
        T       *y = mli_data(c->out);                                                            \
        for (int64_t a = 0; a < outer; a++)                                                       \
            for (int64_t w = 0; w < windows; w++)                                                 \
                for (int64_t b = 0; b < inner; b++, x += k) {                                     \
                    T *to = y + (a * o->size + w * o->step) * inner + b;                          \
                    for (int64_t j = 0; j < k; j++) to[j * inner] += x[j];                        \
                }                                                                                 \
    }

static bool overlap_add_forward(ml_call *c)
{
    const ml_overlap_add_opts *o = c->opts;
    ml_tensor *in = mli_contiguous(c->in[0]);
    int        dim;
    if (!in || !overlap_at(o, &in->shape, &dim)) return false;
    int64_t outer = 1, inner = 1, windows = in->shape.size[dim], k = in->shape.size[in->shape.n - 1];
    for (int d = 0; d < dim; d++) outer *= in->shape.size[d];
    for (int d = dim + 1; d < in->shape.n - 1; d++) inner *= in->shape.size[d];
    memset(mli_data(c->out), 0, (size_t)ml_tensor_numel(c->out) * ml_dtype_bytes(c->dtype));
    if (ml_tensor_numel(in) == 0) return true;
    if (c->dtype == ML_F32) ADD_WINDOWS(float)
    else if (c->dtype == ML_F64) ADD_WINDOWS(double)
    else ADD_WINDOWS(int64_t)
    return true;
}

static bool overlap_add_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_overlap_add_opts *o = c->opts;
    ml_shape s = c->in[0]->shape;
    int      dim;
    if (!overlap_at(o, &s, &dim)) return false;
    if (ml_shape_numel(&s) == 0) return true; /* nothing to differentiate */
    ml_tensor *windows = ml_unfold(dy, &(ml_unfold_opts){ .dim = dim, .size = s.size[s.n - 1], .step = o->step });
    if (windows && windows->shape.size[dim] > s.size[dim]) windows = ml_slice(windows, &(ml_slice_opts){ dim, 0, s.size[dim], 1 });
    dx[0] = windows;
    return windows != NULL;
}

static ml_tensor *overlap_add_vmap(ml_call *c, const bool batched[], int64_t n)
{
    (void)batched, (void)n;
    ml_overlap_add_opts o = *(const ml_overlap_add_opts *)c->opts;
    ml_shape one = { c->in[0]->shape.n - 1, { 0 } };
    memcpy(one.size, c->in[0]->shape.size + 1, (size_t)one.n * sizeof *one.size);
    if (!overlap_at(&o, &one, &o.dim)) return NULL;
    o.dim++;
    return ml_overlap_add(c->in[0], &o);
}

/* --- samples, operations ---------------------------------------------------------------------------------------------------------- */
static const ml_unfold_opts      threes = { -1, 3, 1 }, pairs = { 0, 2, 2 };
static const ml_overlap_add_opts to_6   = { -2, 6, 1 }, first_7 = { 0, 7, 2 };
static const ml_sample unfold_samples[]      = { { .in = { "(2, 5)" }, .opts = &threes }, { .in = { "(5, 2)" }, .opts = &pairs }, { 0 } };
static const ml_sample overlap_add_samples[] = { { .in = { "(2, 4, 3)" }, .opts = &to_6 }, { .in = { "(2, 2, 3)" }, .opts = &first_7 }, { 0 } };

const ml_op ml_op_unfold      = { .kind = ML_LINEAR, .flags = ML_VIEW | ML_NO_PROMOTE, .infer = unfold_infer, .forward = unfold_forward, .vjp = unfold_vjp, .vmap = unfold_vmap, .samples = unfold_samples };
const ml_op ml_op_overlap_add = { .kind = ML_LINEAR, .flags = ML_COUNTS, .infer = overlap_add_infer, .forward = overlap_add_forward, .vjp = overlap_add_vjp, .vmap = overlap_add_vmap, .samples = overlap_add_samples };
