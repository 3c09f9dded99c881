/* Convolutions, in the sense of networks: correlations. Three operations, each an adjoint of the others, so that derivatives of
 * any order stay among them; and the fused layer. */
#include "ops/conv.h"

#include <string.h>

#define MOST_VALUES ((double)((int64_t)1 << 40)) /* of an image with its padding */

/* --- sizes ---------------------------------------------------------------------------------------------------------------------- */
#define READS_AS_CONV(op)                                                                                                     \
    _Static_assert(offsetof(ml_##op##_opts, stride) == offsetof(mli_conv_opts, stride) &&                                     \
                   offsetof(ml_##op##_opts, padding) == offsetof(mli_conv_opts, padding) &&                                   \
                   offsetof(ml_##op##_opts, dilation) == offsetof(mli_conv_opts, dilation) &&                                 \
                   offsetof(ml_##op##_opts, groups) == offsetof(mli_conv_opts, groups), #op " begins with the options of all")
READS_AS_CONV(conv2d);
READS_AS_CONV(conv2d_dx);
READS_AS_CONV(conv2d_dw);
READS_AS_CONV(conv2d_bias);

static bool in_range(const char *op, const char *field, const int64_t pair[2], int64_t least)
{
    for (int d = 0; d < 2; d++)
        if (pair[d] < least || pair[d] > INT32_MAX)
            return ml_fail("%s: %s must be %lld..%d, got %lld", op, field, (long long)least, INT32_MAX, (long long)pair[d]);
    return true;
}

bool mli_places(const char *op, const mli_conv_opts *o, const int64_t in[2], const int64_t kernel[2], int64_t out[2])
{
    if (!in_range(op, "stride", o->stride, 1) || !in_range(op, "padding", o->padding, 0) || !in_range(op, "dilation", o->dilation, 1) ||
        !in_range(op, "the size of the kernel", kernel, 1))
        return false;
    for (int d = 0; d < 2; d++) {
        int64_t reach = (kernel[d] - 1) * o->dilation[d] + 1, padded = in[d] + 2 * o->padding[d]; /* both below 2^63 */
        if (in[d] > INT32_MAX || reach > padded)
            return ml_fail("%s: the kernel reaches over %lld %s, the image has %lld with its padding", op, (long long)reach, d ? "columns" : "rows",
                           (long long)padded);
        out[d] = (padded - reach) / o->stride[d] + 1;
    }
    return true;
}

/* Of an input with four dimensions. */
static bool is_images(const char *op, const char *what, const char *dims, const ml_shape *s)
{
    return s->n == 4 || ml_fail("%s: %s must have four dimensions, (%s), got %s", op, what, dims, ml_shape_text(s));
}

/* Channels and groups; fills all of g but in and out. */
static bool match_channels(const char *op, int64_t channels, const ml_shape *x, const ml_shape *w, const mli_conv_opts *o, mli_conv *g)
{
    if (o->groups < 1) return ml_fail("%s: groups must be at least 1, got %lld", op, (long long)o->groups);
    if (channels % o->groups || w->size[0] % o->groups)
        return ml_fail("%s: %lld groups do not divide %lld inputs and %lld outputs", op, (long long)o->groups, (long long)channels, (long long)w->size[0]);
    if (channels / o->groups != w->size[1])
        return ml_fail("%s: the weight %s takes %lld channels a group, the images %s have %lld", op, ml_shape_text(w), (long long)w->size[1],
                       ml_shape_text(x), (long long)(channels / o->groups));
    *g = (mli_conv){ .n = x->size[0], .c = channels, .o = w->size[0], .kernel = { w->size[2], w->size[3] }, .opt = *o };
    return true;
}

static bool set_places(const char *op, mli_conv *g, int64_t h, int64_t w)
{
    g->in[0] = h;
    g->in[1] = w;
    if (!mli_places(op, &g->opt, g->in, g->kernel, g->out)) return false;
    double padded = (double)(h + 2 * g->opt.padding[0]) * (double)(w + 2 * g->opt.padding[1]);
    return padded * (double)(g->c + g->o + 1) < MOST_VALUES || ml_fail("%s: images of %lld by %lld with padding (%lld, %lld) are too large", op,
           (long long)h, (long long)w, (long long)g->opt.padding[0], (long long)g->opt.padding[1]);
}

bool mli_conv_sizes(const char *op, const ml_shape *x, const ml_shape *w, const mli_conv_opts *o, mli_conv *g)
{
    return is_images(op, "the input", "n, c, h, w", x) && is_images(op, "the weight", "o, c/groups, kh, kw", w) &&
           match_channels(op, x->size[1], x, w, o, g) && set_places(op, g, x->size[2], x->size[3]);
}

/* The other two, from what they are given; the size that is asked for must be one that conv2d takes to that of y. */
static bool sizes_of_dx(ml_call *c, mli_conv *g)
{
    const ml_conv2d_dx_opts *o = c->opts;
    const ml_shape *y = &c->in[0]->shape, *w = &c->in[1]->shape;
    if (!is_images("conv2d_dx", "the input", "n, o, h', w'", y) || !is_images("conv2d_dx", "the weight", "o, c/groups, kh, kw", w)) return false;
    if (o->groups < 1 || w->size[1] > INT64_MAX / o->groups) return ml_fail("conv2d_dx: groups must be at least 1, got %lld", (long long)o->groups);
    ml_shape images = *y;
    if (y->size[1] != w->size[0])
        return ml_fail("conv2d_dx: the weight %s gives %lld channels, the input %s has %lld", ml_shape_text(w), (long long)w->size[0], ml_shape_text(y), (long long)y->size[1]);
    if (!in_range("conv2d_dx", "size", o->size, 0) || !match_channels("conv2d_dx", w->size[1] * o->groups, &images, w, c->opts, g) ||
        !set_places("conv2d_dx", g, o->size[0], o->size[1])) return false;
    return (g->out[0] == y->size[2] && g->out[1] == y->size[3]) ||
           ml_fail("conv2d_dx: a size of (%lld, %lld) gives (%lld, %lld) places, the input %s has others", (long long)o->size[0], (long long)o->size[1],
                   (long long)g->out[0], (long long)g->out[1], ml_shape_text(y));
}

static bool sizes_of_dw(ml_call *c, mli_conv *g)
{
    const ml_conv2d_dw_opts *o = c->opts;
    const ml_shape *x = &c->in[0]->shape, *y = &c->in[1]->shape;
    if (!is_images("conv2d_dw", "x", "n, c, h, w", x) || !is_images("conv2d_dw", "y", "n, o, h', w'", y)) return false;
    if (o->groups < 1) return ml_fail("conv2d_dw: groups must be at least 1, got %lld", (long long)o->groups);
    ml_shape w = { 4, { y->size[1], x->size[1] / o->groups, o->kernel[0], o->kernel[1] } };
    if (!match_channels("conv2d_dw", x->size[1], x, &w, c->opts, g) || !set_places("conv2d_dw", g, x->size[2], x->size[3])) return false;
    return (g->out[0] == y->size[2] && g->out[1] == y->size[3] && g->n == y->size[0]) ||
           ml_fail("conv2d_dw: x %s with a kernel of (%lld, %lld) gives (%lld, ..., %lld, %lld), y has shape %s", ml_shape_text(x), (long long)o->kernel[0],
                   (long long)o->kernel[1], (long long)g->n, (long long)g->out[0], (long long)g->out[1], ml_shape_text(y));
}

/* --- conv2d ------------------------------------------------------------------------------------------------------------------------ */
static bool conv2d_infer(ml_call *c)
{
    mli_conv g;
    if (!mli_conv_sizes("conv2d", &c->in[0]->shape, &c->in[1]->shape, c->opts, &g)) return false;
    c->shape = (ml_shape){ 4, { g.n, g.o, g.out[0], g.out[1] } };
    return true;
}

static bool conv2d_forward(ml_call *c)
{
    mli_conv g;
    if (!mli_conv_sizes("conv2d", &c->in[0]->shape, &c->in[1]->shape, c->opts, &g)) return false;
    g.dtype      = c->dtype;
    ml_tensor *x = mli_contiguous(c->in[0]);
    return x && mli_conv_forward(&g, x, c->in[1], NULL, ML_ACT_NONE, c->out);
}

static ml_tensor *dx_of(const mli_conv_opts *o, const ml_tensor *x, ml_tensor *dy, ml_tensor *w)
{
    ml_conv2d_dx_opts d = { .size = { x->shape.size[2], x->shape.size[3] } };
    memcpy(&d, o, sizeof *o);
    return ml_conv2d_dx(dy, w, &d);
}

static ml_tensor *dw_of(const mli_conv_opts *o, ml_tensor *x, ml_tensor *dy, const ml_tensor *w)
{
    ml_conv2d_dw_opts d = { .kernel = { w->shape.size[2], w->shape.size[3] } };
    memcpy(&d, o, sizeof *o);
    return ml_conv2d_dw(x, dy, &d);
}

static ml_tensor *conv_of(const mli_conv_opts *o, ml_tensor *x, ml_tensor *w)
{
    ml_conv2d_opts d;
    memcpy(&d, o, sizeof d);
    return ml_conv2d(x, w, &d);
}
_Static_assert(sizeof(ml_conv2d_opts) == sizeof(mli_conv_opts), "the options of conv2d are those of all");

static bool conv2d_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    if (ml_needs(c, 0)) dx[0] = dx_of(c->opts, c->in[0], dy, c->in[1]);
    if (ml_needs(c, 1)) dx[1] = dw_of(c->opts, c->in[0], dy, c->in[1]);
    return !ml_failed();
}

/* --- its adjoints -------------------------------------------------------------------------------------------------------------------- */
static bool conv2d_dx_infer(ml_call *c)
{
    mli_conv g;
    if (!sizes_of_dx(c, &g)) return false;
    c->shape = (ml_shape){ 4, { g.n, g.c, g.in[0], g.in[1] } };
    return true;
}

static bool conv2d_dx_forward(ml_call *c)
{
    mli_conv g;
    if (!sizes_of_dx(c, &g)) return false;
    g.dtype      = c->dtype;
    ml_tensor *y = mli_contiguous(c->in[0]);
    return y && mli_conv_dx(&g, y, c->in[1], c->out);
}

static bool conv2d_dx_vjp(ml_call *c, ml_tensor *dz, ml_tensor *dx[])
{
    if (ml_needs(c, 0)) dx[0] = conv_of(c->opts, dz, c->in[1]);
    if (ml_needs(c, 1)) dx[1] = dw_of(c->opts, dz, c->in[0], c->in[1]);
    return !ml_failed();
}

static bool conv2d_dw_infer(ml_call *c)
{
    mli_conv g;
    if (!sizes_of_dw(c, &g)) return false;
    c->shape = (ml_shape){ 4, { g.o, g.c / g.opt.groups, g.kernel[0], g.kernel[1] } };
    return true;
}

static bool conv2d_dw_forward(ml_call *c)
{
    mli_conv g;
    if (!sizes_of_dw(c, &g)) return false;
    g.dtype      = c->dtype;
    ml_tensor *x = mli_contiguous(c->in[0]), *y = mli_contiguous(c->in[1]);
    return x && y && mli_conv_dw(&g, x, y, c->out);
}

static bool conv2d_dw_vjp(ml_call *c, ml_tensor *dz, ml_tensor *dx[])
{
    if (ml_needs(c, 0)) dx[0] = dx_of(c->opts, c->in[0], c->in[1], dz);
    if (ml_needs(c, 1)) dx[1] = conv_of(c->opts, c->in[0], dz);
    return !ml_failed();
}

/* --- the fused layer -------------------------------------------------------------------------------------------------------------------- */
static bool conv2d_bias_infer(ml_call *c)
{
    const ml_conv2d_bias_opts *o = c->opts;
    const ml_shape *b = &c->in[2]->shape;
    mli_conv        g;
    if (!mli_choice("conv2d_bias", "act", o->act, ML_ACT_COUNT)) return false;
    if (!mli_conv_sizes("conv2d_bias", &c->in[0]->shape, &c->in[1]->shape, c->opts, &g)) return false;
    if (b->n != 1 || b->size[0] != g.o)
        return ml_fail("conv2d_bias: the bias must have shape (%lld), one number a channel, got %s", (long long)g.o, ml_shape_text(b));
    c->shape = (ml_shape){ 4, { g.n, g.o, g.out[0], g.out[1] } };
    return true;
}

/* relu is applied while a result is stored; the others cost so much that a pass of their own does not show. */
static bool conv2d_bias_forward(ml_call *c)
{
    ml_act   act = ((const ml_conv2d_bias_opts *)c->opts)->act;
    mli_conv g;
    if (!mli_conv_sizes("conv2d_bias", &c->in[0]->shape, &c->in[1]->shape, c->opts, &g)) return false;
    g.dtype = c->dtype;
    ml_tensor *x = mli_contiguous(c->in[0]), *bias = mli_contiguous(c->in[2]);
    if (!x || !bias || !mli_conv_forward(&g, x, c->in[1], mli_data(bias), act, c->out)) return false;
    if (act != ML_ACT_TANH && act != ML_ACT_SIGMOID) return true;
    const ml_kernels *k   = mlk();
    bool              f32 = c->dtype == ML_F32;
    ml_call           run = *c;
    run.n_in = 1;
    run.in   = &c->out;
    return mli_map1(&run, act == ML_ACT_TANH ? (f32 ? k->tanh_f32 : k->tanh_f64) : f32 ? k->sigmoid_f32 : k->sigmoid_f64);
}

static ml_tensor *conv2d_bias_compose(ml_call *c)
{
    ml_tensor *b = ml_reshape(c->in[2], &(ml_reshape_opts){ { 3, { c->in[2]->shape.size[0], 1, 1 } } });
    return mli_act(((const ml_conv2d_bias_opts *)c->opts)->act, ml_add(conv_of(c->opts, c->in[0], c->in[1]), b));
}

static bool conv2d_bias_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    ml_tensor *dz = mli_before_act(((const ml_conv2d_bias_opts *)c->opts)->act, dy, c->out);
    if (!dz) return false;
    if (ml_needs(c, 0)) dx[0] = dx_of(c->opts, c->in[0], dz, c->in[1]);
    if (ml_needs(c, 1)) dx[1] = dw_of(c->opts, c->in[0], dz, c->in[1]);
    if (ml_needs(c, 2)) dx[2] = ml_sum(dz, &(ml_sum_opts){ .dims = ML_DIMS(0, 2, 3) });
    return !ml_failed();
}

/* --- vmap ------------------------------------------------------------------------------------------------------------------------------ */
static ml_tensor *with_shape(ml_tensor *x, ml_shape s) { return ml_reshape(x, &(ml_reshape_opts){ s }); }

/* (batch, n, ...) -> (batch n, ...) */
static ml_tensor *fold(ml_tensor *x)
{
    if (!x) return NULL;
    ml_shape s = { x->shape.n - 1, { x->shape.size[0] * x->shape.size[1] } };
    for (int d = 1; d < s.n; d++) s.size[d] = x->shape.size[d + 1];
    return with_shape(x, s);
}

/* (batch n, ...) -> (batch, n, ...) */
static ml_tensor *unfold(ml_tensor *x, int64_t batch)
{
    if (!x) return NULL;
    ml_shape s = { x->shape.n + 1, { batch, batch ? x->shape.size[0] / batch : 0 } };
    for (int d = 2; d < s.n; d++) s.size[d] = x->shape.size[d - 1];
    return with_shape(x, s);
}

static ml_tensor *swap_first_two(ml_tensor *x) { return ml_transpose(x, &(ml_transpose_opts){ 0, 1 }); }
static bool has_rank(const ml_call *c, int i, const bool batched[])
{
    return c->in[i]->shape.n == 4 + batched[i] ||
           ml_fail("%s: input %d must have four dimensions inside vmap, got %d", ml_op_info_at(c->id)->name, i + 1, c->in[i]->shape.n - batched[i]);
}

/* Images (batch, n, c, h, w) as (n, batch c, h, w): each of the batch is a group of channels. */
static ml_tensor *as_channels(ml_tensor *x, bool batched, int64_t n)
{
    x = swap_first_two(mli_with_batch(x, batched, n));
    if (!x) return NULL;
    const int64_t *s = x->shape.size;
    return with_shape(x, ML_SHAPE(s[0], s[1] * s[2], s[3], s[4]));
}

static ml_tensor *from_channels(ml_tensor *x, int64_t n)
{
    if (!x) return NULL;
    const int64_t *s = x->shape.size;
    return swap_first_two(with_shape(x, ML_SHAPE(s[0], n, n ? s[1] / n : 0, s[2], s[3])));
}

/* Weights without a batch: more images. Weights with one: more groups. conv2d and conv2d_dx. */
static ml_tensor *images_vmap(ml_call *c, const bool batched[], int64_t n)
{
    _Alignas(16) unsigned char opts[ML_OPTS_BYTES];
    if (!has_rank(c, 0, batched) || !has_rank(c, 1, batched)) return NULL;
    memcpy(opts, c->opts, ml_op_info_at(c->id)->opts_bytes);
    if (!batched[1]) return unfold(ml_op_apply(c->id, (ml_tensor *[]){ fold(c->in[0]), c->in[1] }, 2, opts), n);
    mli_conv_opts *o = (mli_conv_opts *)(void *)opts;
    if (n == 0) return ml_fail("%s: inside vmap over nothing", ml_op_info_at(c->id)->name);
    if (o->groups > 0 && o->groups <= INT64_MAX / n) o->groups *= n;
    ml_tensor *x = as_channels(c->in[0], batched[0], n), *w = fold(c->in[1]);
    return x && w ? from_channels(ml_op_apply(c->id, (ml_tensor *[]){ x, w }, 2, opts), n) : NULL;
}

static ml_tensor *conv2d_dw_vmap(ml_call *c, const bool batched[], int64_t n)
{
    ml_conv2d_dw_opts o = *(const ml_conv2d_dw_opts *)c->opts;
    if (!has_rank(c, 0, batched) || !has_rank(c, 1, batched)) return NULL;
    if (n == 0) return ml_fail("conv2d_dw: inside vmap over nothing");
    if (o.groups > 0 && o.groups <= INT64_MAX / n) o.groups *= n;
    return unfold(ml_conv2d_dw(as_channels(c->in[0], batched[0], n), as_channels(c->in[1], batched[1], n), &o), n);
}

/* --- samples, the operations --------------------------------------------------------------------------------------------------------------- */
#define PLAIN .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1
static const ml_conv2d_opts padded = { .stride = { 2, 1 }, .padding = { 1, 2 }, .dilation = { 1, 2 }, .groups = 1 },
                            grouped = { .stride = { 1, 2 }, .dilation = { 1, 1 }, .groups = 2 };
static const ml_sample conv2d_samples[] = {
    { .in = { "(2, 3, 4, 5)", "(2, 3, 3, 2)" } },
    { .in = { "(1, 2, 5, 4)", "(3, 2, 3, 2)" }, .opts = &padded },
    { .in = { "(2, 4, 3, 5)", "(2, 2, 2, 1)" }, .opts = &grouped }, { 0 }
};
static const ml_conv2d_dx_opts plain_dx = { PLAIN, .size = { 4, 5 } },
                               padded_dx = { .stride = { 2, 1 }, .padding = { 1, 2 }, .dilation = { 1, 2 }, .groups = 1, .size = { 6, 4 } },
                               grouped_dx = { .stride = { 1, 3 }, .dilation = { 1, 1 }, .groups = 2, .size = { 3, 5 } };
static const ml_sample conv2d_dx_samples[] = {
    { .in = { "(2, 2, 2, 4)", "(2, 3, 3, 2)" }, .opts = &plain_dx },
    { .in = { "(1, 3, 3, 6)", "(3, 2, 3, 2)" }, .opts = &padded_dx },
    { .in = { "(2, 2, 2, 2)", "(2, 2, 2, 1)" }, .opts = &grouped_dx }, { 0 }
};
static const ml_conv2d_dw_opts plain_dw = { PLAIN, .kernel = { 3, 2 } },
                               padded_dw = { .stride = { 2, 1 }, .padding = { 1, 2 }, .dilation = { 1, 2 }, .groups = 1, .kernel = { 3, 2 } },
                               grouped_dw = { .stride = { 1, 2 }, .dilation = { 1, 1 }, .groups = 2, .kernel = { 2, 1 } };
static const ml_sample conv2d_dw_samples[] = {
    { .in = { "(2, 3, 4, 5)", "(2, 2, 2, 4)" }, .opts = &plain_dw },
    { .in = { "(1, 2, 5, 4)", "(1, 3, 3, 6)" }, .opts = &padded_dw },
    { .in = { "(2, 4, 3, 5)", "(2, 2, 2, 3)" }, .opts = &grouped_dw }, { 0 }
};
static const ml_conv2d_bias_opts tanh_act = { PLAIN, .padding = { 1, 0 }, .act = ML_ACT_TANH }, relu_act = { PLAIN, .act = ML_ACT_RELU };
static const ml_sample conv2d_bias_samples[] = {
    { .in = { "(2, 2, 3, 4)", "(3, 2, 2, 3)", "(3)" } },
    { .in = { "(1, 2, 3, 4)", "(2, 2, 3, 2)", "(2)" }, .opts = &tanh_act },
    { .in = { "(2, 1, 3, 3)", "(2, 1, 2, 2)", "(2)" }, .opts = &relu_act, .low = 0.2, .high = 1 }, /* away from the kink */
    { 0 }
};

#define BOTH (ML_SAVE_IN(0) | ML_SAVE_IN(1))
const ml_op ml_op_conv2d = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = BOTH, .infer = conv2d_infer, .forward = conv2d_forward,
                             .vjp = conv2d_vjp, .vmap = images_vmap, .samples = conv2d_samples };
const ml_op ml_op_conv2d_dx = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = BOTH, .infer = conv2d_dx_infer, .forward = conv2d_dx_forward,
                                .vjp = conv2d_dx_vjp, .vmap = images_vmap, .samples = conv2d_dx_samples };
const ml_op ml_op_conv2d_dw = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = BOTH, .infer = conv2d_dw_infer, .forward = conv2d_dw_forward,
                                .vjp = conv2d_dw_vjp, .vmap = conv2d_dw_vmap, .samples = conv2d_dw_samples };
const ml_op ml_op_conv2d_bias = { .kind = ML_OTHER, .flags = ML_FLOAT_ONLY, .saves = BOTH | ML_SAVE_OUT, .infer = conv2d_bias_infer,
                                  .forward = conv2d_bias_forward, .vjp_direct = conv2d_bias_direct, .compose = conv2d_bias_compose,
                                  .samples = conv2d_bias_samples };
