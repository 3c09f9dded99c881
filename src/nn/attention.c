/* Multi-head attention. Queries, keys and values come from one product and stay side by side; the operation self_attention reads them
 * there. What needs the weights themselves (dropout on them, looking at them), or turns queries and keys, is made of simpler
 * operations. */
#include "nn/attention.h"

#include <math.h>
#include <stdio.h>

static int64_t width(const ml_module *m) { return m->attention.dim / m->attention.heads; }

static bool check_input(const ml_module *m, ml_tensor *x)
{
    if (!x) return false;
    ml_shape s = ml_tensor_shape(x);
    if (s.n == 3 && s.size[2] == m->attention.dim) return true;
    return ml_fail("%s: the input must be (n, t, %lld), samples first, then positions, got %s", ml_module_text(m), (long long)m->attention.dim, ml_shape_text(&s));
}

/* x times rows first..first+n-1 of the input's projection, in units of dim. */
static ml_tensor *project(const ml_module *m, ml_tensor *const *params, ml_tensor *x, int first, int n)
{
    int64_t       dim  = m->attention.dim;
    ml_slice_opts rows = { .dim = 0, .start = first * dim, .stop = (first + n) * dim, .step = 1 };
    ml_tensor    *w = params[0], *b = m->attention.bias ? params[1] : ml_zeros(ML_SHAPE(3 * dim), ml_tensor_dtype(params[0]));
    if (n < 3) w = ml_slice(w, &rows), b = ml_slice(b, &rows);
    return ml_linear(x, w, b, NULL);
}

static ml_tensor *project_out(const ml_module *m, ml_tensor *const *params, ml_tensor *y)
{
    bool bias = m->attention.bias;
    return ml_linear(y, params[bias ? 2 : 1], bias ? params[3] : ml_zeros(ML_SHAPE(m->attention.dim), ml_tensor_dtype(params[0])), NULL);
}

/* Part i of n that lie side by side, (samples, t, n dim) -> (samples, heads, t, d). */
static ml_tensor *heads_of(const ml_module *m, ml_tensor *x, int i, int n)
{
    if (!x) return NULL;
    int64_t    dim  = m->attention.dim;
    ml_tensor *part = n == 1 ? x : ml_slice(x, &(ml_slice_opts){ .dim = 2, .start = i * dim, .stop = (i + 1) * dim, .step = 1 });
    ml_shape   s    = ML_SHAPE(ml_tensor_size(x, 0), ml_tensor_size(x, 1), m->attention.heads, width(m));
    return ml_transpose(ml_reshape(part, &(ml_reshape_opts){ s }), &(ml_transpose_opts){ 1, 2 });
}

static ml_tensor *joined(const ml_module *m, ml_tensor *y) /* (samples, heads, t, d) -> (samples, t, dim) */
{
    if (!y) return NULL;
    ml_shape s = ML_SHAPE(ml_tensor_size(y, 0), ml_tensor_size(y, 2), m->attention.dim);
    return ml_reshape(ml_transpose(y, &(ml_transpose_opts){ 1, 2 }), &(ml_reshape_opts){ s });
}

/* --- rotary positions: Su et al. 2021 ---------------------------------------------------------------------------------------------- */
static ml_tensor *half(ml_tensor *x, int i, int64_t n)
{
    return ml_slice(x, &(ml_slice_opts){ .dim = -1, .start = i * n, .stop = (i + 1) * n, .step = 1 });
}

/* Values i and i + d/2 of each head as a point, turned by position times 10000^(-2i/d). x (..., t, d), positions from first on. */
static ml_tensor *rotated(ml_tensor *x, int64_t first)
{
    if (!x) return NULL;
    int        last = ml_tensor_ndim(x) - 1;
    int64_t    n    = ml_tensor_size(x, last) / 2;
    ml_dtype   dtype = ml_tensor_dtype(x);
    ml_tensor *turn  = mli_position_angles(ml_tensor_size(x, last - 1), n, first, dtype), *c = ml_cos(turn), *s = ml_sin(turn);
    ml_tensor *a = half(x, 0, n), *b = half(x, 1, n);
    ml_tensor *both[] = { ml_sub(ml_mul(a, c), ml_mul(b, s)), ml_add(ml_mul(b, c), ml_mul(a, s)) };
    return both[0] && both[1] ? ml_cat(both, 2, &(ml_cat_opts){ -1 }) : NULL;
}

ml_tensor *mli_position_angles(int64_t t, int64_t n, int64_t first, ml_dtype dtype)
{
    ml_tensor *place = ml_arange((double)first, (double)(first + t), 1, ML_F64);
    ml_tensor *speed = ml_exp(ml_mul(ml_arange(0, (double)n, 1, ML_F64), ml_number(-log(10000.0) / (double)(n ? n : 1))));
    return ml_cast(ml_outer(place, speed), &(ml_cast_opts){ dtype });
}

/* --- the layer ------------------------------------------------------------------------------------------------------------------------ */
/* The weights themselves: what attention makes of values that are each another unit vector. */
static ml_tensor *pattern_of(const ml_module *m, ml_tensor *q, ml_tensor *k)
{
    if (!q || !k) return NULL;
    return ml_attention(q, k, ml_eye(ml_tensor_size(k, 2), ml_tensor_dtype(k)), &(ml_attention_opts){ .causal = m->attention.causal });
}

/* Queries, keys, values (samples, heads, ., d); the queries are those of the last positions of x. */
static bool read_heads(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_tensor *queries, ml_tensor *h[3])
{
    if (queries == x) {
        ml_tensor *all = project(m, params, x, 0, 3);
        for (int i = 0; i < 3; i++) h[i] = heads_of(m, all, i, 3);
    } else {
        ml_tensor *kv = project(m, params, x, 1, 2);
        h[0] = heads_of(m, project(m, params, queries, 0, 1), 0, 1);
        for (int i = 1; i < 3; i++) h[i] = heads_of(m, kv, i - 1, 2);
    }
    if (m->attention.rotary) {
        h[0] = rotated(h[0], ml_tensor_size(x, 1) - ml_tensor_size(queries, 1));
        h[1] = rotated(h[1], 0);
    }
    return h[0] && h[1] && h[2];
}

/* The same where nobody needs to see the weights: heads side by side, as the projection leaves them. */
static ml_tensor *attend_at_once(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_tensor *queries)
{
    ml_self_attention_opts  self  = { .heads = m->attention.heads, .causal = m->attention.causal };
    ml_cross_attention_opts cross = { .heads = m->attention.heads, .causal = m->attention.causal };
    if (queries == x) return ml_self_attention(project(m, params, x, 0, 3), &self);
    return ml_cross_attention(project(m, params, queries, 0, 1), project(m, params, x, 1, 2), &cross);
}

ml_tensor *mli_attend(const ml_module *m, const mli_args *a, ml_tensor *x, ml_tensor *queries)
{
    if (!queries || !check_input(m, x)) return NULL;
    bool       drops = m->attention.dropout > 0 && mli_trains(m, a), shown = mli_wants(a, "pattern");
    ml_tensor *h[3], *y;
    if (!drops && !shown && !m->attention.rotary) return project_out(m, a->params, attend_at_once(m, a->params, x, queries));
    if (!read_heads(m, a->params, x, queries, h)) return NULL;
    if (drops || shown) {
        ml_tensor *pattern = mli_point(a, "pattern", pattern_of(m, h[0], h[1])); /* (samples, heads, queries, keys) */
        y                  = ml_matmul(drops ? mli_dropout(m, a, m->attention.dropout, pattern) : pattern, h[2]);
    }
    else y = ml_attention(h[0], h[1], h[2], &(ml_attention_opts){ .causal = m->attention.causal });
    return project_out(m, a->params, joined(m, y));
}

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x) { return mli_attend(m, a, x, x); }

static void text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "MultiHeadAttention(%lld, %lld heads%s%s%s)", (long long)m->attention.dim, (long long)m->attention.heads, m->attention.causal ? ", causal" : "",
             m->attention.rotary ? ", rotary" : "", m->attention.bias ? "" : ", no bias");
}

/* Without a bias the two weights stand first and second, so they are named by a kind of their own. */
static const mli_module_kind kind = { "MultiHeadAttention", forward, text, { "in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias" }, { NULL } },
                             kind_without = { "MultiHeadAttention", forward, text, { "in_proj_weight", "out_proj_weight" }, { NULL } };

ml_tensor *ml_attention_pattern(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x)
{
    if (!m || !x) return NULL;
    if (m->kind != &kind && m->kind != &kind_without) return ml_fail("pattern: only MultiHeadAttention has one; this is %s", ml_module_text(m));
    if (params && n != m->n_params) return ml_fail("%s: it has %d parameters, %d were given", ml_module_text(m), m->n_params, n);
    for (int i = 0; params && i < n; i++)
        if (!params[i]) return NULL;
    if (!check_input(m, x)) return NULL;
    ml_tensor *h[3];
    ml_scope   scope = ml_scope_begin();
    bool       ok    = read_heads(m, params ? params : m->params, x, x, h);
    return ml_scope_return(&scope, ok ? pattern_of(m, h[0], h[1]) : NULL);
}

ml_module *ml_nn_multi_head_attention(int64_t dim, int64_t heads, const ml_attention_layer_opts *opts)
{
    ml_attention_layer_opts o = opts ? *opts : (ml_attention_layer_opts){ 0 };
    if (dim < 1 || heads < 1 || dim % heads)
        return ml_fail("MultiHeadAttention: %lld heads do not divide %lld values", (long long)heads, (long long)dim);
    if (o.rotary && dim / heads % 2) return ml_fail("MultiHeadAttention: rotary positions need heads of an even width, got %lld", (long long)(dim / heads));
    if (!(o.dropout >= 0 && o.dropout <= 1)) return ml_fail("MultiHeadAttention: dropout must be in 0..1, got %g", o.dropout);
    if (!ml_dtype_is_float(o.dtype)) return ml_fail("MultiHeadAttention: dtype must be f32 or f64, got %s", ml_dtype_name(o.dtype));
    int        n = o.no_bias ? 2 : 4;
    ml_module *m = mli_module_new(o.no_bias ? &kind_without : &kind, n, 0);
    if (!m) return NULL;
    m->attention.dim     = dim;
    m->attention.heads   = heads;
    m->attention.causal  = o.causal;
    m->attention.rotary  = o.rotary;
    m->attention.bias    = !o.no_bias;
    m->attention.dropout = o.dropout;
    const mli_parameter in = { ML_SHAPE(3 * dim, dim), { ML_INIT_GLOROT_UNIFORM, 0 } }, out = { ML_SHAPE(dim, dim), { ML_INIT_FAN_IN_UNIFORM, 0 } };
    const mli_parameter with[] = { in, { ML_SHAPE(3 * dim), { ML_INIT_ZEROS, 0 } }, out, { ML_SHAPE(dim), { ML_INIT_ZEROS, 0 } } }, without[] = { in, out };
    return mli_module_fill(m, o.no_bias ? without : with, n, o.dtype, dim, 3 * dim);
}
