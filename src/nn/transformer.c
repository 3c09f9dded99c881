/* The transformer block: attention, then a network of one hidden layer on each position, both added to what they read. And positions,
 * learned or of sines, that are added to what is embedded. */
#include "nn/attention.h"

#include <stdio.h>

/* --- the block ---------------------------------------------------------------------------------------------------------------------- */
static ml_tensor *drop(const ml_module *m, const mli_args *a, ml_tensor *x) { return mli_dropout(m, a, m->block.dropout, x); }

static ml_tensor *normalised(const ml_module *m, const mli_args *a, int norm, ml_tensor *x)
{
    return norm < 0 || !x ? x : mli_run_child(m, a, norm, x);
}

/* x, or its last position where that alone is wanted: (n, 1, dim) */
static ml_tensor *wanted_of(const ml_module *m, ml_tensor *x)
{
    if (!x || !m->block.last) return x;
    int64_t t = ml_tensor_size(x, 1);
    return ml_slice(x, &(ml_slice_opts){ .dim = 1, .start = t - 1, .stop = t, .step = 1 });
}

/* wanted: that of x, what attention is added to. */
static ml_tensor *attend(const ml_module *m, const mli_args *a, ml_tensor *x, ml_tensor *wanted)
{
    const ml_module *attention = m->children[m->block.attention];
    mli_args         own       = mli_args_of(m, a, m->block.attention);
    ml_tensor       *read      = m->block.norm_first ? normalised(m, a, m->block.norm1, x) : x;
    mli_entered      e;
    if (!mli_enter(attention, &own, m->block.attention, &e)) return NULL;
    return mli_leave(&e, mli_attend(attention, &e.args, read, read == x ? wanted : wanted_of(m, read)));
}

static bool check_input(const ml_module *m, ml_tensor *x)
{
    int64_t  dim = m->children[m->block.attention]->attention.dim;
    ml_shape s   = ml_tensor_shape(x);
    if (s.n != 3 || s.size[2] != dim)
        return ml_fail("%s: the input must be (n, t, %lld), samples first, then positions, got %s", ml_module_text(m), (long long)dim, ml_shape_text(&s));
    return !m->block.last || s.size[1] > 0 || ml_fail("%s: a sequence of no positions has no last one", ml_module_text(m));
}

static ml_tensor *mlp(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    if (!x) return NULL;
    ml_module *in  = m->children[m->block.mlp];
    mli_args   own = mli_args_of(m, a, m->block.mlp);
    ml_tensor *h, *room[MLI_MAX_OWN];
    if (m->block.gelu) h = ml_gelu(mli_run(in, &own, m->block.mlp, x), NULL);
    else if (mli_wanted(a->place, in, m->block.mlp)) h = ml_relu(mli_run(in, &own, m->block.mlp, x));
    else h = mli_linear_run(in, mli_with_factors(&in, 1, own.params, room), x, ML_ACT_RELU);
    return mli_run_child(m, a, m->block.mlp + 1, drop(m, a, mli_point(a, "hidden", h)));
}

static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    if (!check_input(m, x)) return NULL;
    bool       first = m->block.norm_first;
    ml_tensor *wanted = wanted_of(m, x), *y = ml_add(wanted, drop(m, a, attend(m, a, x, wanted)));
    if (!first) y = normalised(m, a, m->block.norm1, y);
    if (m->block.mlp >= 0) {
        y = ml_add(y, drop(m, a, mlp(m, a, first ? normalised(m, a, m->block.norm2, y) : y)));
        if (!first) y = normalised(m, a, m->block.norm2, y);
    }
    return m->block.last ? ml_squeeze(y, &(ml_squeeze_opts){ ML_DIMS(1) }) : y;
}

static void text(const ml_module *m, char *to, size_t bytes)
{
    static const char *const norms[] = { "", ", RMS norm", ", no norm" };
    const ml_module *attention = m->children[m->block.attention];
    int used = snprintf(to, bytes, "TransformerBlock(%lld, %lld heads", (long long)attention->attention.dim, (long long)attention->attention.heads);
    if (m->block.mlp < 0) used += snprintf(to + used, bytes - (size_t)used, ", no mlp");
    else used += snprintf(to + used, bytes - (size_t)used, ", mlp %lld %s", (long long)m->children[m->block.mlp]->linear.out, m->block.gelu ? "gelu" : "relu");
    snprintf(to + used, bytes - (size_t)used, "%s%s%s%s)", attention->attention.causal ? ", causal" : "", norms[m->block.norm],
             m->block.norm_first || m->block.norm == ML_BLOCK_NO_NORM ? "" : ", norm behind", m->block.last ? ", last position" : "");
}

static const mli_module_kind block_kind = { "TransformerBlock", forward, text, { NULL }, { NULL } };

static ml_module *new_norm(ml_block_norm norm, int64_t dim, ml_dtype dtype)
{
    ml_norm_layer_opts o = { .dtype = dtype };
    return norm == ML_BLOCK_RMS_NORM ? ml_nn_rms_norm(ML_SHAPE(dim), &o) : ml_nn_layer_norm(ML_SHAPE(dim), &o);
}

static bool check_block(const ml_transformer_opts *o)
{
    if (o->mlp < 0) return ml_fail("TransformerBlock: the width of the mlp must be at least 1, got %lld", (long long)o->mlp);
    if (o->norm < 0 || o->norm > ML_BLOCK_NO_NORM) return ml_fail("TransformerBlock: there is no norm %d", (int)o->norm);
    return (o->dropout >= 0 && o->dropout <= 1) || ml_fail("TransformerBlock: dropout must be in 0..1, got %g", o->dropout);
}

ml_module *ml_nn_transformer_block(int64_t dim, int64_t heads, const ml_transformer_opts *opts)
{
    ml_transformer_opts  o = opts ? *opts : (ml_transformer_opts){ 0 };
    if (!check_block(&o)) return NULL;
    ml_attention_layer_opts of_attention = { .causal = o.causal, .no_bias = o.no_bias, .rotary = o.rotary, .dropout = o.dropout, .dtype = o.dtype };
    ml_linear_layer_opts    of_mlp       = { .no_bias = o.no_bias, .dtype = o.dtype };
    int64_t    mlp    = o.mlp ? o.mlp : 4 * dim;
    bool       norms  = o.norm != ML_BLOCK_NO_NORM;
    ml_key     first  = ml_key_next();
    ml_module *children[5];
    int        n = 0, at_norm1 = -1, at_norm2 = -1, at_mlp = -1;
    ml_key_reset(first);
    if (norms) children[at_norm1 = n++] = new_norm(o.norm, dim, o.dtype);
    int at_attention = n;
    children[n++]    = ml_nn_multi_head_attention(dim, heads, &of_attention);
    if (norms && !o.no_mlp) children[at_norm2 = n++] = new_norm(o.norm, dim, o.dtype);
    if (!o.no_mlp) {
        children[at_mlp = n++] = ml_nn_linear(dim, mlp, &of_mlp);
        children[n++]          = ml_nn_linear(mlp, dim, &of_mlp);
    }
    ml_module *m = mli_container_new(&block_kind, children, n, 0, 0);
    if (!m) return ml_key_reset(first), NULL;
    m->block.norm1 = at_norm1, m->block.norm2 = at_norm2, m->block.attention = at_attention, m->block.mlp = at_mlp;
    m->block.norm       = o.norm;
    m->block.norm_first = !o.norm_behind || !norms;
    m->block.gelu       = o.gelu;
    m->block.last       = o.last;
    m->block.dropout    = o.dropout;
    return m;
}

/* --- positions --------------------------------------------------------------------------------------------------------------------------- */
static bool check_positions(const ml_module *m, ml_tensor *x)
{
    ml_shape s = ml_tensor_shape(x);
    if (s.n < 2 || s.size[s.n - 1] != m->position.dim)
        return ml_fail("%s: the input must be (..., t, %lld), got %s", ml_module_text(m), (long long)m->position.dim, ml_shape_text(&s));
    int64_t t = s.size[s.n - 2];
    if (m->position.most && t > m->position.most)
        return ml_fail("%s: the input has %lld positions, there are %lld; its shape is %s", ml_module_text(m), (long long)t, (long long)m->position.most, ml_shape_text(&s));
    return true;
}

static ml_tensor *add_learned(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    if (!check_positions(m, x)) return NULL;
    int64_t    t = ml_tensor_size(x, ml_tensor_ndim(x) - 2);
    ml_tensor *w = a->params[0];
    return ml_add(x, t == m->position.most ? w : ml_slice(w, &(ml_slice_opts){ .dim = 0, .start = 0, .stop = t, .step = 1 }));
}

/* (t, dim): sin and cos of the same angle side by side */
static ml_tensor *add_sines(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    (void)a;
    if (!check_positions(m, x)) return NULL;
    int64_t    t    = ml_tensor_size(x, ml_tensor_ndim(x) - 2), dim = m->position.dim;
    ml_dtype   dtype = ml_dtype_is_float(ml_tensor_dtype(x)) ? ml_tensor_dtype(x) : ML_F32;
    ml_tensor *angles = mli_position_angles(t, dim / 2, 0, ML_F64), *waves[] = { ml_sin(angles), ml_cos(angles) };
    if (!waves[0] || !waves[1]) return NULL;
    ml_tensor *table = ml_reshape(ml_stack(waves, 2, &(ml_stack_opts){ -1 }), &(ml_reshape_opts){ ML_SHAPE(t, dim) });
    return ml_add(x, ml_cast(table, &(ml_cast_opts){ dtype }));
}

static void learned_text(const ml_module *m, char *to, size_t bytes)
{
    snprintf(to, bytes, "PositionalEmbedding(%lld, %lld)", (long long)m->position.most, (long long)m->position.dim);
}

static void sines_text(const ml_module *m, char *to, size_t bytes) { snprintf(to, bytes, "SinusoidalEmbedding(%lld)", (long long)m->position.dim); }

static const mli_module_kind learned_kind = { "PositionalEmbedding", add_learned, learned_text, { "weight" }, { NULL } },
                             sines_kind   = { "SinusoidalEmbedding", add_sines, sines_text, { NULL }, { NULL } };

ml_module *ml_nn_positional_embedding(int64_t positions, int64_t dim, const ml_embedding_layer_opts *opts)
{
    ml_embedding_layer_opts o = opts ? *opts : (ml_embedding_layer_opts){ 0 };
    if (positions < 1 || dim < 1) return ml_fail("PositionalEmbedding: sizes must be at least 1, got %lld, %lld", (long long)positions, (long long)dim);
    if (!ml_dtype_is_float(o.dtype)) return ml_fail("PositionalEmbedding: dtype must be f32 or f64, got %s", ml_dtype_name(o.dtype));
    ml_module *m = mli_module_new(&learned_kind, 1, 0);
    if (!m) return NULL;
    m->position.most = positions;
    m->position.dim  = dim;
    const mli_parameter weight = { ML_SHAPE(positions, dim), o.init.kind == ML_INIT_DEFAULT ? (ml_init){ ML_INIT_NORMAL, 0.02 } : o.init };
    return mli_module_fill(m, &weight, 1, o.dtype, dim, positions);
}

ml_module *ml_nn_sinusoidal_embedding(int64_t dim)
{
    if (dim < 2 || dim % 2) return ml_fail("SinusoidalEmbedding: needs an even width, a sine and a cosine of each angle, got %lld", (long long)dim);
    ml_module *m = mli_module_new(&sines_kind, 0, 0);
    if (m) m->position.dim = dim;
    return m;
}
