/* Pooling layers; those of one dimension see an image of one row for each channel. */
#include "nn/module.h"

#include <stdio.h>
#include <string.h>

static ml_tensor *max_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_max_pool2d_opts o;
    (void)a;
    memcpy(o.kernel, m->pool.kernel, sizeof o.kernel);
    memcpy(o.stride, m->pool.stride, sizeof o.stride);
    memcpy(o.padding, m->pool.padding, sizeof o.padding);
    return mli_blame(m, "max_pool2d", ml_max_pool2d(x, &o));
}

static ml_tensor *avg_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_avg_pool2d_opts o = { .count_include_pad = m->pool.count_include_pad };
    (void)a;
    memcpy(o.kernel, m->pool.kernel, sizeof o.kernel);
    memcpy(o.stride, m->pool.stride, sizeof o.stride);
    memcpy(o.padding, m->pool.padding, sizeof o.padding);
    return mli_blame(m, "avg_pool2d", ml_avg_pool2d(x, &o));
}

static ml_tensor *adaptive_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    (void)a;
    return mli_blame(m, "adaptive_avg_pool2d", ml_adaptive_avg_pool2d(x, &(ml_adaptive_avg_pool2d_opts){ { m->pool.kernel[0], m->pool.kernel[1] } }));
}

/* Of one dimension: all rows stay, each a part of its own. */
static ml_tensor *adaptive_row_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    int     n    = ml_tensor_ndim(x);
    int64_t rows = n > 1 ? ml_tensor_size(x, n - 2) : 1;
    (void)a;
    return mli_blame(m, "adaptive_avg_pool2d", ml_adaptive_avg_pool2d(x, &(ml_adaptive_avg_pool2d_opts){ { rows, m->pool.kernel[1] } }));
}

/* The largest value of each of parts equal parts of x along dim, which overlap where they do not divide it. */
static ml_tensor *largest_of_parts(ml_tensor *x, int dim, int64_t parts)
{
    int64_t     n    = ml_tensor_size(x, dim);
    size_t      room = (size_t)parts * sizeof(ml_tensor *);
    ml_tensor **part = ml_realloc(NULL, 0, room), *y = part ? x : NULL;
    for (int64_t i = 0; y && i < parts; i++) {
        ml_slice_opts at = { dim, i * n / parts, ((i + 1) * n + parts - 1) / parts, 1 };
        y = part[i] = ml_max(ml_slice(x, &at), &(ml_max_opts){ .dims = ML_DIMS(dim), .keepdim = true });
    }
    y = y ? ml_cat(part, (int)parts, &(ml_cat_opts){ dim }) : NULL;
    if (part) ml_realloc(part, room, 0);
    return y;
}

static ml_tensor *adaptive_max_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    bool row = strstr(ml_module_kind(m), "1d") != NULL;
    (void)a;
    ml_shape s = ml_tensor_shape(x);
    if (s.n < 2 || s.size[s.n - 1] < 1 || s.size[s.n - 2] < 1)
        return ml_fail("%s: the input must be %s, got %s", ml_module_text(m), row ? "(..., channels, length)" : "(..., height, width)", ml_shape_text(&s));
    if (!row) x = largest_of_parts(x, s.n - 2, m->pool.kernel[0]);
    return x ? largest_of_parts(x, s.n - 1, m->pool.kernel[1]) : NULL;
}

/* All dimensions behind the channels; none, with a message, where there are none. */
static ml_dims places(const ml_module *m, ml_tensor *x)
{
    ml_dims  dims = { 0 };
    ml_shape s    = ml_tensor_shape(x);
    for (int d = 2; d < s.n; d++) dims.at[dims.n++] = d;
    if (dims.n == 0) ml_fail("%s: the input must be (n, channels, ...) with something to pool, got %s", ml_module_text(m), ml_shape_text(&s));
    return dims;
}

static ml_tensor *global_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_dims dims = places(m, x);
    (void)a;
    return dims.n ? ml_mean(x, &(ml_mean_opts){ .dims = dims }) : NULL;
}

static ml_tensor *global_max_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_dims dims = places(m, x);
    (void)a;
    return dims.n ? ml_max(x, &(ml_max_opts){ .dims = dims }) : NULL;
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    const int64_t *k = m->pool.kernel, *s = m->pool.stride;
    bool           row = strstr(ml_module_kind(m), "1d") != NULL;
    if (row || k[0] == k[1]) snprintf(to, bytes, "%s(%lld", ml_module_kind(m), (long long)k[1]);
    else snprintf(to, bytes, "%s(%lldx%lld", ml_module_kind(m), (long long)k[0], (long long)k[1]);
    size_t used = strlen(to);
    if (s[1] && s[1] != k[1]) snprintf(to + used, bytes - used, ", stride %lld", (long long)s[1]);
    used = strlen(to);
    if (m->pool.padding[1]) snprintf(to + used, bytes - used, ", padding %lld", (long long)m->pool.padding[1]);
    used = strlen(to);
    snprintf(to + used, bytes - used, ")");
}

#define NONE { NULL }, { NULL }
static const mli_module_kind max2d = { "MaxPool2d", max_forward, text, NONE }, max1d = { "MaxPool1d", max_forward, text, NONE },
                             avg2d = { "AvgPool2d", avg_forward, text, NONE }, avg1d = { "AvgPool1d", avg_forward, text, NONE },
                             adaptive = { "AdaptiveAvgPool2d", adaptive_forward, text, NONE }, adaptive_row = { "AdaptiveAvgPool1d", adaptive_row_forward, text, NONE },
                             adaptive_max = { "AdaptiveMaxPool2d", adaptive_max_forward, text, NONE },
                             adaptive_max_row = { "AdaptiveMaxPool1d", adaptive_max_forward, text, NONE },
                             global = { "GlobalAvgPool", global_forward, NULL, NONE }, global_max = { "GlobalMaxPool", global_max_forward, NULL, NONE };

/* --- making one ------------------------------------------------------------------------------------------------------------------ */
static ml_module *make(const mli_module_kind *kind, const int64_t kernel[2], const ml_pool_layer_opts *opts, bool row)
{
    ml_pool_layer_opts o = opts ? *opts : (ml_pool_layer_opts){ 0 };
    if (row) { /* the first of each pair, for columns */
        o.stride[1] = o.stride[0], o.padding[1] = o.padding[0];
        o.stride[0] = 1;
        o.padding[0] = 0;
    }
    for (int d = 0; d < 2; d++)
        if (kernel[d] < 1 || kernel[d] > INT32_MAX || o.stride[d] < 0 || o.padding[d] < 0 || o.padding[d] > kernel[d] / 2)
            return ml_fail("%s: the kernel must be at least 1, the padding at most half of it, got %lld and %lld", kind->name, (long long)kernel[d], (long long)o.padding[d]);
    ml_module *m = mli_module_new(kind, 0, 0);
    if (!m) return NULL;
    for (int d = 0; d < 2; d++) {
        m->pool.kernel[d]  = kernel[d];
        m->pool.stride[d]  = o.stride[d];
        m->pool.padding[d] = o.padding[d];
    }
    m->pool.count_include_pad = !o.count_only_inside;
    return m;
}

ml_module *ml_nn_max_pool2d(const int64_t kernel[2], const ml_pool_layer_opts *opts) { return make(&max2d, kernel, opts, false); }
ml_module *ml_nn_avg_pool2d(const int64_t kernel[2], const ml_pool_layer_opts *opts) { return make(&avg2d, kernel, opts, false); }
ml_module *ml_nn_max_pool1d(int64_t kernel, const ml_pool_layer_opts *opts) { return make(&max1d, (int64_t[]){ 1, kernel }, opts, true); }
ml_module *ml_nn_avg_pool1d(int64_t kernel, const ml_pool_layer_opts *opts) { return make(&avg1d, (int64_t[]){ 1, kernel }, opts, true); }
ml_module *ml_nn_adaptive_avg_pool2d(const int64_t size[2]) { return make(&adaptive, size, NULL, false); }
ml_module *ml_nn_adaptive_avg_pool1d(int64_t size) { return make(&adaptive_row, (int64_t[]){ 1, size }, NULL, true); }
ml_module *ml_nn_adaptive_max_pool2d(const int64_t size[2]) { return make(&adaptive_max, size, NULL, false); }
ml_module *ml_nn_adaptive_max_pool1d(int64_t size) { return make(&adaptive_max_row, (int64_t[]){ 1, size }, NULL, true); }
ml_module *ml_nn_global_max_pool(void) { return mli_module_new(&global_max, 0, 0); }
ml_module *ml_nn_global_avg_pool(void) { return mli_module_new(&global, 0, 0); }
