/* Convolutions over p4 and p4m. The weights of a group convolution are those of one symmetry; for the others the kernel moves with the
 * symmetry, and what stands for symmetry h in the input comes from g^-1 h:   w_g[h, u] = w[g^-1 h, g^-1 u].
 * All of them are one selection from the weights, by a table that follows from the group alone, and then one conv2d. So derivatives of
 * any order are those of index_select, and no weight is tied by anything but where it is read. */
#include "nn/conv.h"

#include <stdio.h>
#include <string.h>

/* --- the group: symmetry 4 m + t is r^t s^m, with s the mirror of columns, r a quarter turn; s r s = r^-1 -------------------------- */
static int inverse_times(int g, int h) /* g^-1 h; s^-m r^-t r^t' s^m' */
{
    int turns = (h % 4 - g % 4 + 4) % 4, mirror = g / 4 ^ h / 4;
    return 4 * mirror + (g / 4 ? (4 - turns) % 4 : turns);
}

/* Where symmetry g of a kernel of size k has its value at (i, j) from. */
static int64_t source(int g, int64_t k, int64_t i, int64_t j)
{
    for (int t = 0; t < g % 4; t++) {
        int64_t was = i;
        i = j;
        j = k - 1 - was;
    }
    return i * k + (g / 4 ? k - 1 - j : j);
}

/* (g, from k k): the places of w_g in w (from k k); from: the symmetries of the input, 1 for an image */
static ml_tensor *places_of(int symmetries, int from, int64_t k)
{
    ml_tensor *t  = ml_empty(ML_SHAPE(symmetries, from * k * k), ML_I64);
    int64_t   *at = t ? ml_tensor_mutable_data(t) : NULL;
    for (int g = 0; at && g < symmetries; g++)
        for (int h = 0; h < from; h++)
            for (int64_t i = 0; i < k; i++)
                for (int64_t j = 0; j < k; j++) *at++ = (from == 1 ? 0 : inverse_times(g, h)) * k * k + source(g, k, i, j);
    return t;
}

/* --- forward --------------------------------------------------------------------------------------------------------------------- */
static ml_tensor *convolve(const ml_module *m, const mli_args *a, ml_tensor *x, int from)
{
    int64_t    n = ml_tensor_size(x, 0), in = m->conv.in, out = m->conv.out, k = m->conv.kernel[0], all = m->conv.symmetries;
    ml_tensor *w = mli_reshaped(a->params[0], ML_SHAPE(out, in, from * k * k)), *b = mli_conv_bias(m, a->params);
    w = ml_index_select(w, places_of((int)all, from, k), &(ml_index_select_opts){ .dim = 2 }); /* (out, in, g, from k k) */
    w = mli_reshaped(ml_permute(w, &(ml_permute_opts){ { 4, { 0, 2, 1, 3 } } }), ML_SHAPE(out * all, in * from, k, k));
    b = ml_repeat_interleave(b, &(ml_repeat_interleave_opts){ .repeats = all, .dim = 0 });
    ml_tensor *y = mli_conv_with(m, x, w, b, ML_ACT_NONE);
    return y ? mli_reshaped(y, ML_SHAPE(n, out, all, ml_tensor_size(y, 2), ml_tensor_size(y, 3))) : NULL;
}

static ml_tensor *lift(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    return mli_conv_fits(m, x) ? convolve(m, a, x, 1) : NULL;
}

static ml_tensor *among(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_shape s   = ml_tensor_shape(x);
    int      all = m->conv.symmetries;
    if (s.n != 5 || s.size[1] != m->conv.in || s.size[2] != all)
        return ml_fail("%s: the input must be (n, %lld, %d, height, width), got %s; LiftConv2d makes such of an image",
                       ml_module_text(m), (long long)m->conv.in, all, ml_shape_text(&s));
    return convolve(m, a, mli_reshaped(x, ML_SHAPE(s.size[0], s.size[1] * all, s.size[3], s.size[4])), all);
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    mli_conv_text(m, to, bytes);
    size_t used = strlen(to) - 1; /* before the bracket */
    snprintf(to + used, bytes - used, ", %s)", m->conv.symmetries == 8 ? "p4m" : "p4");
}

static const mli_module_kind lift_kind = { "LiftConv2d", lift, text, { "weight", "bias" }, { NULL } },
                             among_kind = { "GroupConv2d", among, text, { "weight", "bias" }, { NULL } };

/* --- making one ------------------------------------------------------------------------------------------------------------------ */
static bool check(const char *name, int64_t kernel, const ml_conv_layer_opts *o)
{
    if (o->groups > 1) return ml_fail("%s: takes no groups", name);
    if (o->stride[0] != o->stride[1] || o->padding[0] != o->padding[1] || o->dilation[0] != o->dilation[1])
        return ml_fail("%s: stride, padding and dilation must be the same for rows and columns, or a turn would change them", name);
    if (o->same && kernel % 2 == 0)
        return ml_fail("%s: \"same\" padding has no centre with a kernel of %lld; only odd ones are equivariant", name, (long long)kernel);
    if (o->weight_init.kind == ML_INIT_IDENTITY) return ml_fail("%s: identity is made for one matrix", name);
    return true;
}

static ml_module *make(const mli_module_kind *kind, ml_symmetry group, int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts)
{
    ml_conv_layer_opts o = opts ? *opts : (ml_conv_layer_opts){ 0 };
    if (group != ML_SYMMETRY_P4 && group != ML_SYMMETRY_P4M) return ml_fail("%s: there is no group %d", kind->name, (int)group);
    if (!check(kind->name, kernel, &o)) return NULL;
    ml_module *m = mli_conv_new(kind, 2, in, out, (int64_t[]){ kernel, kernel }, o);
    if (!m) return NULL;
    m->conv.symmetries = group == ML_SYMMETRY_P4M ? 8 : 4;
    int64_t  all = m->conv.symmetries, from = kind == &lift_kind ? 1 : all, area = kernel * kernel;
    ml_shape weight = kind == &lift_kind ? ML_SHAPE(out, in, kernel, kernel) : ML_SHAPE(out, in, all, kernel, kernel);
    const mli_parameter list[] = { { weight, mli_init_or(o.weight_init, ML_INIT_FAN_IN_UNIFORM) },
                                   { ML_SHAPE(out), mli_init_or(o.bias_init, ML_INIT_FAN_IN_UNIFORM) } };
    return mli_module_fill(m, list, m->n_params, o.dtype, in * from * area, out * all * area);
}

ml_module *ml_nn_lift_conv2d(ml_symmetry group, int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts)
{
    return make(&lift_kind, group, in, out, kernel, opts);
}

ml_module *ml_nn_group_conv2d(ml_symmetry group, int64_t in, int64_t out, int64_t kernel, const ml_conv_layer_opts *opts)
{
    return make(&among_kind, group, in, out, kernel, opts);
}

/* --- pooling ------------------------------------------------------------------------------------------------------------------------ */
static ml_tensor *pool(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_shape s = ml_tensor_shape(x);
    (void)a;
    if (s.n != 5) return ml_fail("%s: the input must be (n, channels, symmetries, height, width), got %s", ml_module_text(m), ml_shape_text(&s));
    return m->group_pool.mean ? ml_mean(x, &(ml_mean_opts){ .dims = ML_DIMS(2) }) : ml_max(x, &(ml_max_opts){ .dims = ML_DIMS(2) });
}

static void pool_text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "GroupPool(%s)", m->group_pool.mean ? "mean" : "max");
}

static const mli_module_kind pool_kind = { "GroupPool", pool, pool_text, { NULL }, { NULL } };

ml_module *ml_nn_group_pool(bool mean)
{
    ml_module *m = mli_module_new(&pool_kind, 0, 0);
    if (m) m->group_pool.mean = mean;
    return m;
}
