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

static ml_tensor *global_forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_dims dims = { 0 };
    (void)a;
    if (ml_tensor_ndim(x) < 3) {
        ml_shape s = ml_tensor_shape(x);
        return ml_fail("%s: the input must be (n, channels, ...) with something to take the mean of, got %s", ml_module_text(m), ml_shape_text(&s));
    }
    for (int d = 2; d < ml_tensor_ndim(x); d++) dims.at[dims.n++] = d;
    return ml_mean(x, &(ml_mean_opts){ .dims = dims });
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
                             adaptive = { "AdaptiveAvgPool2d", adaptive_forward, text, NONE }, global = { "GlobalAvgPool", global_forward, NULL, NONE };

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
        if (kernel[d] < 1 || o.stride[d] < 0 || o.padding[d] < 0 || o.padding[d] > kernel[d] / 2)
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
ml_module *ml_nn_global_avg_pool(void) { return mli_module_new(&global, 0, 0); }
