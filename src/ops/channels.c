/* Normalisation by channels: group_norm and batch_norm, and the moments that batch norm layers keep. norm.c says how they are made. */
#include "ops/matrix.h"
#include "ops/norm.h"

#include <math.h>
#include <string.h>

static double number_at(const mli_norm_loops *l, const char *v, int64_t i)
{
    return l->f32 ? (double)((const float *)(const void *)v)[i] : ((const double *)(const void *)v)[i];
}

static ml_tensor *shaped(ml_tensor *x, ml_shape s) { return ml_reshape(x, &(ml_reshape_opts){ s }); }

/* Set s has the runs q = 0.. of inner values that lie together; each run is of one channel. */
typedef struct {
    mli_norm_loops       l;
    int64_t     sets, runs, inner, groups; /* groups 0: batch_norm */
    double      eps;
    bool        relu;
    const char *x, *w, *b, *dy;
    char       *y;
    double     *sums; /* (sets, runs, 2): sum of dy, of dy z; with relu of what of dy gets through it */
} channels_job;

static int64_t run_at(const channels_job *j, int64_t s, int64_t q)
{
    return (j->groups ? s * j->runs + q : q * j->sets + s) * j->inner * j->l.bytes;
}

static int64_t channel_of(const channels_job *j, int64_t s, int64_t q) { return j->groups ? s % j->groups * j->runs + q : s; }

/* mean is one of the dtype, which the loops subtract; what it lacks, beyond, is made up for in the sums. */
static void set_moments(const channels_job *j, int64_t s, double *mean, double *beyond, double *variance)
{
    double n = (double)(j->runs * j->inner), sum = 0, squares = 0;
    for (int64_t q = 0; q < j->runs; q++) sum += mli_norm_sum(&j->l, j->inner, j->x + run_at(j, s, q));
    *mean   = j->l.f32 ? (double)(float)(sum / n) : sum / n;
    *beyond = sum / n - *mean;
    for (int64_t q = 0; q < j->runs; q++) squares += j->l.squares(j->inner, j->x + run_at(j, s, q), *mean);
    *variance = squares / n - *beyond * *beyond;
    if (*variance < 0) *variance = 0;
}

static void set_statistics(const channels_job *j, int64_t s, double *mean, double *beyond, double *scale)
{
    double variance;
    set_moments(j, s, mean, beyond, &variance);
    *scale = 1 / sqrt(variance + j->eps);
}

static void moments_of_set(void *ctx, int64_t s)
{
    const channels_job *j = ctx;
    double              mean, beyond, variance;
    set_moments(j, s, &mean, &beyond, &variance);
    if (j->l.f32) ((float *)(void *)j->y)[s] = (float)(mean + beyond), ((float *)(void *)j->y)[j->sets + s] = (float)variance;
    else ((double *)(void *)j->y)[s] = mean + beyond, ((double *)(void *)j->y)[j->sets + s] = variance;
}

/* What is added behind (x - mean) scale w. */
static double shift_of(const channels_job *j, int64_t s, int64_t q, double scale, double beyond)
{
    int64_t channel = channel_of(j, s, q);
    return number_at(&j->l, j->b, channel) - beyond * (scale * number_at(&j->l, j->w, channel));
}

static void norm_set(void *ctx, int64_t s)
{
    const channels_job *j = ctx;
    double              mean, beyond, scale;
    set_statistics(j, s, &mean, &beyond, &scale);
    for (int64_t q = 0; q < j->runs; q++) {
        int64_t at = run_at(j, s, q);
        double  by = scale * number_at(&j->l, j->w, channel_of(j, s, q));
        (j->relu ? j->l.scale_relu : j->l.scale)(j->inner, j->x + at, mean, by, shift_of(j, s, q, scale, beyond), j->y + at);
    }
}

static void norm_set_back(void *ctx, int64_t s)
{
    const channels_job *j = ctx;
    double              mean, beyond, scale, n = (double)(j->runs * j->inner), all[2] = { 0, 0 };
    set_statistics(j, s, &mean, &beyond, &scale);
    for (int64_t q = 0; q < j->runs; q++) {
        double *sums = j->sums + 2 * (s * j->runs + q), w = number_at(&j->l, j->w, channel_of(j, s, q));
        int64_t at   = run_at(j, s, q);
        if (j->relu) j->l.slopes_relu(j->inner, j->dy + at, j->x + at, mean, scale * w, shift_of(j, s, q, scale, beyond), sums);
        else j->l.slopes(j->inner, j->dy + at, j->x + at, NULL, mean, sums);
        sums[1] -= beyond * sums[0];
        all[0] += w * sums[0];
        all[1] += w * sums[1];
        sums[1] *= scale;
    }
    double tilt = scale * scale * scale * all[1] / n, level = scale * all[0] / n - beyond * tilt;
    for (int64_t q = 0; j->y && q < j->runs; q++) {
        int64_t at = run_at(j, s, q);
        double  by = scale * number_at(&j->l, j->w, channel_of(j, s, q));
        if (j->relu) j->l.dx_relu(j->inner, j->dy + at, j->x + at, mean, by, shift_of(j, s, q, scale, beyond), level, tilt, j->y + at);
        else j->l.dx(j->inner, j->dy + at, j->x + at, NULL, mean, by, level, tilt, j->y + at);
    }
}

#define SHORT 16 /* runs of fewer values are gathered first: of (n, c) every run would be one */

/* (n, c, inner) -> (c, n, inner), and the other way round. */
static ml_tensor *turned(ml_tensor *x, int64_t first, int64_t second, int64_t inner)
{
    ml_tensor *view = mli_view(x, ML_SHAPE(second, first, inner), (int64_t[]){ inner, second * inner, 1 }, x->offset);
    ml_tensor *copy = view ? ml_empty(view->shape, (ml_dtype)x->dtype) : NULL;
    if (copy) mli_strided_copy(view, (ml_dtype)x->dtype, mli_data(copy));
    return copy;
}

typedef struct {
    int64_t n, c, inner;
    bool    turned; /* batch_norm with short runs works on (c, n inner) */
} images;

static images images_of(const ml_shape *s, bool batch)
{
    images m = { s->size[0], s->size[1], 1, false };
    for (int d = 2; d < s->n; d++) m.inner *= s->size[d];
    m.turned = batch && m.inner < SHORT;
    return m;
}

static bool make_channels(const ml_call *c, int64_t groups, double eps, channels_job *j)
{
    images     m = images_of(&c->in[0]->shape, groups == 0);
    ml_tensor *x = mli_contiguous(c->in[0]), *w = x, *b = x; /* moments have neither weight nor bias, and read none */
    if (c->n_in > 1) w = mli_contiguous(c->in[1]), b = mli_contiguous(c->in[2]);
    if (x && m.turned) x = turned(x, m.n, m.c, m.inner);
    if (!x || !w || !b) return false;
    *j = (channels_job){ .l = mli_norm_loops_of(c->dtype), .groups = groups, .eps = eps, .x = mli_data(x), .w = mli_data(w), .b = mli_data(b) };
    j->sets  = groups ? m.n * groups : m.c;
    j->runs  = groups ? m.c / groups : m.turned ? 1 : m.n;
    j->inner = m.turned ? m.n * m.inner : m.inner;
    return true;
}

/* The result or slope goes to y, which has the shape of the input. */
static bool run_sets(const ml_call *c, channels_job *j, void (*work)(void *, int64_t), ml_tensor *y)
{
    images     m  = images_of(&c->in[0]->shape, j->groups == 0);
    ml_tensor *to = y && m.turned ? ml_empty(ML_SHAPE(m.c, m.n, m.inner), c->dtype) : y;
    if (y && !to) return false;
    j->y = to ? mli_data(to) : NULL;
    if (j->runs * j->inner > 0) ml_parallel(j->sets, work, j);
    if (!y || !m.turned) return true;
    ml_tensor *back = mli_view(to, ML_SHAPE(m.n, m.c, m.inner), (int64_t[]){ m.inner, m.n * m.inner, 1 }, to->offset);
    if (back) mli_strided_copy(back, c->dtype, mli_data(y));
    return back != NULL;
}

/* dw or db: what the runs of each channel gave, in the order of the sets. */
static ml_tensor *per_channel(const channels_job *j, int64_t which, ml_shape shape, ml_dtype dtype)
{
    ml_tensor *t = ml_zeros(shape, ML_F64);
    if (!t) return NULL;
    double *v = mli_data(t);
    for (int64_t s = 0; j->inner > 0 && s < j->sets; s++)
        for (int64_t q = 0; q < j->runs; q++) v[channel_of(j, s, q)] += j->sums[2 * (s * j->runs + q) + which];
    return ml_cast(t, &(ml_cast_opts){ dtype });
}

static bool channels_back(ml_call *c, channels_job *j, ml_tensor *dy, ml_tensor *dx[])
{
    images m = images_of(&c->in[0]->shape, j->groups == 0);
    dy       = mli_contiguous(dy);
    if (dy && m.turned) dy = turned(dy, m.n, m.c, m.inner);
    if (!dy || (ml_needs(c, 0) && !(dx[0] = ml_empty(c->in[0]->shape, c->dtype)))) return false;
    size_t bytes = (size_t)(2 * j->sets * j->runs + 1) * sizeof(double);
    j->sums      = ml_block_take(bytes);
    j->dy        = mli_data(dy);
    if (!j->sums) return false;
    bool ok = run_sets(c, j, norm_set_back, dx[0]);
    if (ok && ml_needs(c, 1)) dx[1] = per_channel(j, 1, c->in[1]->shape, c->dtype);
    if (ok && ml_needs(c, 2)) dx[2] = per_channel(j, 0, c->in[2]->shape, c->dtype);
    ml_block_give(j->sums, bytes);
    return ok && !ml_failed();
}

static bool channels_infer(ml_call *c, double eps)
{
    const char     *op = ml_op_info_at(c->id)->name;
    const ml_shape *x  = &c->in[0]->shape;
    if (!mli_norm_eps(op, eps)) return false;
    if (x->n < 2) return ml_fail("%s: the input must be (n, channels, ...), got %s", op, ml_shape_text(x));
    for (int i = 1; i < c->n_in; i++)
        if (c->in[i]->shape.n != 1 || c->in[i]->shape.size[0] != x->size[1])
            return ml_fail("%s: the %s must have shape (%lld), one number a channel, got %s", op, i == 1 ? "weight" : "bias", (long long)x->size[1],
                           ml_shape_text(&c->in[i]->shape));
    c->shape = *x;
    return true;
}

/* z w + b for each channel */
static ml_tensor *scaled(ml_call *c, ml_tensor *z)
{
    ml_shape s = { c->in[0]->shape.n - 1, { c->in[0]->shape.size[1] } };
    for (int d = 1; d < s.n; d++) s.size[d] = 1;
    return ml_add(ml_mul(z, shaped(c->in[1], s)), shaped(c->in[2], s));
}

static bool group_norm_infer(ml_call *c)
{
    const ml_group_norm_opts *o = c->opts;
    if (!channels_infer(c, o->eps)) return false;
    int64_t channels = c->in[0]->shape.size[1];
    return (o->groups >= 1 && channels % o->groups == 0) ||
           ml_fail("group_norm: %lld groups do not divide %lld channels", (long long)o->groups, (long long)channels);
}

static ml_tensor *group_norm_compose(ml_call *c)
{
    const ml_group_norm_opts *o = c->opts;
    ml_shape s    = c->in[0]->shape;
    int64_t  size = s.size[1] / o->groups;
    for (int d = 2; d < s.n; d++) size *= s.size[d];
    ml_tensor *sets = shaped(c->in[0], ML_SHAPE(s.size[0], o->groups, size));
    return scaled(c, shaped(mli_normalised(sets, &ML_DIMS(2), o->eps, true), s));
}

static bool group_norm_forward(ml_call *c)
{
    const ml_group_norm_opts *o = c->opts;
    channels_job              j;
    return make_channels(c, o->groups, o->eps, &j) && run_sets(c, &j, norm_set, c->out);
}

static bool group_norm_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_group_norm_opts *o = c->opts;
    channels_job              j;
    return make_channels(c, o->groups, o->eps, &j) && channels_back(c, &j, dy, dx);
}

static bool batch_norm_infer(ml_call *c)
{
    const ml_batch_norm_opts *o = c->opts;
    return mli_choice("batch_norm", "act", o->act, ML_ACT_COUNT) && channels_infer(c, o->eps);
}

static ml_dims all_but_channels(const ml_shape *s)
{
    ml_dims dims = { .n = 1, .at = { 0 } };
    for (int d = 2; d < s->n; d++) dims.at[dims.n++] = d;
    return dims;
}

static ml_tensor *batch_norm_compose(ml_call *c)
{
    const ml_batch_norm_opts *o    = c->opts;
    ml_dims                   dims = all_but_channels(&c->in[0]->shape);
    return mli_act(o->act, scaled(c, mli_normalised(c->in[0], &dims, o->eps, true)));
}

/* relu is done on the way, forward and backward, by what comes before it; the others cost so much that a pass of their own does not show. */
static bool batch_norm_forward(ml_call *c)
{
    const ml_batch_norm_opts *o = c->opts;
    const ml_kernels         *k = mlk();
    bool                      f32 = c->dtype == ML_F32;
    channels_job              j;
    if (!make_channels(c, 0, o->eps, &j)) return false;
    j.relu = o->act == ML_ACT_RELU;
    if (!run_sets(c, &j, norm_set, c->out)) return false;
    if (o->act == ML_ACT_NONE || j.relu) return true;
    ml_call run = *c;
    run.n_in = 1;
    run.in   = &c->out;
    return mli_map1(&run, o->act == ML_ACT_TANH ? (f32 ? k->tanh_f32 : k->tanh_f64) : f32 ? k->sigmoid_f32 : k->sigmoid_f64);
}

static bool batch_norm_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    const ml_batch_norm_opts *o    = c->opts;
    bool                      relu = o->act == ML_ACT_RELU;
    channels_job              j;
    if (!relu && !(dy = mli_before_act(o->act, dy, c->out))) return false;
    if (!make_channels(c, 0, o->eps, &j)) return false;
    j.relu = relu;
    return channels_back(c, &j, dy, dx);
}

/* --- moments ---------------------------------------------------------------------------------------------------------------------- */
static bool channel_moments_infer(ml_call *c)
{
    if (!channels_infer(c, 0)) return false;
    c->shape = ML_SHAPE(2, c->in[0]->shape.size[1]);
    return true;
}

static ml_tensor *channel_moments_compose(ml_call *c)
{
    ml_tensor   *x    = c->in[0];
    ml_mean_opts over = { .dims = all_but_channels(&x->shape) }, kept = { .dims = over.dims, .keepdim = true };
    ml_tensor   *parts[] = { ml_mean(x, &over), ml_mean(ml_square(ml_sub(x, ml_mean(x, &kept))), &over) };
    return ml_stack(parts, 2, &(ml_stack_opts){ 0 });
}

static bool channel_moments_forward(ml_call *c)
{
    channels_job j;
    if (!make_channels(c, 0, 0, &j)) return false;
    j.y = mli_data(c->out);
    ml_parallel(j.sets, moments_of_set, &j);
    return true;
}

/* --- samples, the operations ------------------------------------------------------------------------------------------------------------- */
static const ml_group_norm_opts two_groups = { 2, 1e-3 };
static const ml_sample group_norm_samples[] = { { .in = { "(2, 4, 3)", "(4)", "(4)" }, .opts = &two_groups }, { .in = { "(2, 3, 2, 2)", "(3)", "(3)" } }, { 0 } };
static const ml_batch_norm_opts with_relu = { 1e-3, ML_ACT_RELU }, with_tanh = { 1e-3, ML_ACT_TANH };
static const ml_sample batch_norm_samples[] = {
    { .in = { "(7, 3)", "(3)", "(3)" } }, { .in = { "(2, 2, 4, 5)", "(2)", "(2)" } },
    { .in = { "(2, 2, 2, 2)", "(2)", "(2)" }, .opts = &with_relu }, /* few: none near the kink */
    { .in = { "(7, 3)", "(3)", "(3)" }, .opts = &with_tanh }, { 0 }
};
static const ml_sample channel_moments_samples[] = { { .in = { "(7, 3)" } }, { .in = { "(2, 2, 4, 5)" } }, { 0 } };

MLI_NORM(group_norm, 0)
MLI_NORM(batch_norm, ML_SAVE_IN(2) | ML_SAVE_OUT) /* the bias decides where a relu lets through */
const ml_op ml_op_channel_moments = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_IN(0), .infer = channel_moments_infer,
                                      .forward = channel_moments_forward, .compose = channel_moments_compose, .samples = channel_moments_samples };
