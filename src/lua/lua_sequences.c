/* Making the layers of sequences, recurrent ones and those of transformers; running the first with a state that the script holds,
 * looking at where the second look. */
#include "lua/lua_nn.h"

#include <stdio.h>
#include <string.h>

/* One of two words; false when the option is not given. *second: it is the second one. */
static bool option_word(lua_State *L, int t, const char *where, const char *name, const char *first, const char *other, bool *second)
{
    const char *word = NULL;
    if (!lml_option_text(L, t, where, name, &word)) return false;
    *second = strcmp(word, other) == 0;
    if (!*second && strcmp(word, first) != 0) lml_raise(L, "%s: %s must be \"%s\" or \"%s\", got \"%s\"", where, name, first, other, word);
    return true;
}

/* --- recurrent layers ------------------------------------------------------------------------------------------------ */
typedef ml_module *(*recurrent_make)(int64_t, int64_t, const ml_recurrent_opts *);

/* GRU(inputs, hidden, { layers =, bidirectional =, bias =, dropout =, output =, dtype = }) */
static int new_recurrent(lua_State *L, const char *where, recurrent_make make)
{
    static const char *const known[] = { "layers", "bidirectional", "bias", "dropout", "output", "dtype", "nonlinearity" };
    ml_recurrent_opts o = { 0 };
    int64_t layers = 1, in = lml_check_integer(L, 1, where, "the number of inputs"), hidden = lml_check_integer(L, 2, where, "the size of the state");
    bool    bias = true, relu = false;
    lml_check_options(L, 3, where, known, make == ml_nn_rnn ? 7 : 6);
    if (lml_option_integer(L, 3, where, "layers", &layers) && (layers < 1 || layers > 1000)) lml_raise(L, "%s: layers must be at least 1 and few, got %d", where, (int)layers);
    lml_option_flag(L, 3, where, "bidirectional", &o.bidirectional);
    lml_option_flag(L, 3, where, "bias", &bias);
    lml_option_number(L, 3, where, "dropout", &o.dropout);
    option_word(L, 3, where, "output", "all", "last", &o.last);
    lml_option_dtype(L, 3, where, "dtype", &o.dtype);
    if (make == ml_nn_rnn && option_word(L, 3, where, "nonlinearity", "tanh", "relu", &relu)) o.act = relu ? ML_ACT_RELU : ML_ACT_TANH;
    o.layers  = (int)layers;
    o.no_bias = !bias;
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, make(in, hidden, &o));
}

static int new_rnn(lua_State *L) { return new_recurrent(L, "RNN", ml_nn_rnn); }
static int new_gru(lua_State *L) { return new_recurrent(L, "GRU", ml_nn_gru); }
static int new_lstm(lua_State *L) { return new_recurrent(L, "LSTM", ml_nn_lstm); }

/* params = a list as layer:parameters() gives it: NULL when it is not given. The list keeps the tensors; pushes the block. */
static ml_tensor **option_params(lua_State *L, int t, const char *where, int *n)
{
    if (!lua_istable(L, t) || lua_getfield(L, t, "params") == LUA_TNIL) return NULL;
    if (!lua_istable(L, -1)) lml_raise(L, "%s: params must be a list of tensors, got %s", where, lml_got(L, -1));
    int list = lua_gettop(L);
    *n       = (int)lua_rawlen(L, list);
    ml_tensor **params = lua_newuserdatauv(L, (size_t)*n * sizeof *params + 1, 0);
    for (int i = 0; i < *n; i++) {
        char name[32];
        snprintf(name, sizeof name, "parameter %d", i + 1);
        lua_rawgeti(L, list, i + 1);
        params[i] = lml_check(L, -1, &lml_tensor_type, where, name);
        lua_pop(L, 1);
    }
    return params;
}

/* layer:scan(x, state, { params =, train =, seed = }) -> outputs, the state after the last step */
static int module_scan(lua_State *L)
{
    static const char *const known[] = { "params", "train", "seed" };
    ml_module    *m     = lml_check(L, 1, &lml_module_type, "scan", "the layer");
    ml_tensor    *x     = lml_check(L, 2, &lml_tensor_type, "scan", "the input"), *y, *last = NULL;
    ml_tensor    *first = lua_isnoneornil(L, 3) ? NULL : lml_check(L, 3, &lml_tensor_type, "scan", "the state");
    ml_apply_opts o     = { 0 };
    ml_key        key;
    int64_t       seed;
    int           n = 0;
    bool          train;
    lua_settop(L, 4);
    lml_check_options(L, 4, "scan", known, 3);
    if (lml_option_flag(L, 4, "scan", "train", &train)) o.mode = train ? ML_MODE_TRAIN : ML_MODE_EVAL;
    if (lml_option_integer(L, 4, "scan", "seed", &seed)) key = ml_key_of((uint64_t)seed, 0), o.key = &key;
    ml_tensor **params = option_params(L, 4, "scan", &n);
    void      **slot   = lml_new(L, &lml_tensor_type);
    int         state  = lua_gettop(L);
    lml_work    work   = lml_begin(L);
    do y = ml_module_scan(m, params, n, x, first, &last, &o);
    while (!y && lml_retry(L, &work));
    if (y) *slot = ml_retain(last);
    lml_finish(L, &work, y);
    lua_pushvalue(L, state);
    return 2;
}

/* --- transformers ------------------------------------------------------------------------------------------------------- */
static int new_multi_head_attention(lua_State *L) /* MultiHeadAttention(dim, heads, { causal =, dropout =, bias =, rotary =, dtype = }) */
{
    static const char *const where = "MultiHeadAttention", *const known[] = { "causal", "dropout", "bias", "rotary", "dtype" };
    ml_attention_layer_opts o = { 0 };
    int64_t dim = lml_check_integer(L, 1, where, "the width"), heads = lml_check_integer(L, 2, where, "the number of heads");
    bool    bias = true;
    lml_check_options(L, 3, where, known, 5);
    lml_option_flag(L, 3, where, "causal", &o.causal);
    lml_option_number(L, 3, where, "dropout", &o.dropout);
    lml_option_flag(L, 3, where, "bias", &bias);
    lml_option_flag(L, 3, where, "rotary", &o.rotary);
    lml_option_dtype(L, 3, where, "dtype", &o.dtype);
    o.no_bias     = !bias;
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_multi_head_attention(dim, heads, &o));
}

static void option_norm(lua_State *L, int t, const char *where, ml_block_norm *norm)
{
    static const char *const names[] = { "layer", "rms", "none" };
    const char *word;
    if (!lml_option_text(L, t, where, "norm", &word)) return;
    for (int i = 0; i < 3; i++) {
        *norm = (ml_block_norm)i;
        if (strcmp(word, names[i]) == 0) return;
    }
    lml_raise(L, "%s: norm must be \"layer\", \"rms\" or \"none\", got \"%s\"", where, word);
}

/* TransformerBlock(dim, heads, { mlp =, activation =, norm =, norm_first =, causal =, dropout =, bias =, rotary =, output =, dtype = }) */
static int new_transformer_block(lua_State *L)
{
    static const char *const where = "TransformerBlock";
    static const char *const known[] = { "mlp", "activation", "norm", "norm_first", "causal", "dropout", "bias", "rotary", "output", "dtype" };
    ml_transformer_opts o = { 0 };
    int64_t dim = lml_check_integer(L, 1, where, "the width"), heads = lml_check_integer(L, 2, where, "the number of heads");
    bool    bias = true, norm_first = true;
    lml_check_options(L, 3, where, known, 10);
    if (lml_option_integer(L, 3, where, "mlp", &o.mlp)) o.no_mlp = o.mlp == 0;
    option_word(L, 3, where, "activation", "relu", "gelu", &o.gelu);
    option_norm(L, 3, where, &o.norm);
    lml_option_flag(L, 3, where, "norm_first", &norm_first);
    lml_option_flag(L, 3, where, "causal", &o.causal);
    lml_option_number(L, 3, where, "dropout", &o.dropout);
    lml_option_flag(L, 3, where, "bias", &bias);
    lml_option_flag(L, 3, where, "rotary", &o.rotary);
    option_word(L, 3, where, "output", "all", "last", &o.last);
    lml_option_dtype(L, 3, where, "dtype", &o.dtype);
    o.no_bias     = !bias;
    o.norm_behind = !norm_first;
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_transformer_block(dim, heads, &o));
}

static int new_positional_embedding(lua_State *L) /* PositionalEmbedding(positions, dim, { init =, dtype = }) */
{
    static const char *const where = "PositionalEmbedding", *const known[] = { "init", "dtype" };
    ml_embedding_layer_opts o = { 0 };
    int64_t positions = lml_check_integer(L, 1, where, "the number of positions"), dim = lml_check_integer(L, 2, where, "the width");
    lml_check_options(L, 3, where, known, 2);
    lml_option_init(L, 3, where, "init", &o.init);
    lml_option_dtype(L, 3, where, "dtype", &o.dtype);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_positional_embedding(positions, dim, &o));
}

static int new_sinusoidal_embedding(lua_State *L)
{
    int64_t  dim  = lml_check_integer(L, 1, "SinusoidalEmbedding", "the width");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_sinusoidal_embedding(dim));
}

static int module_pattern(lua_State *L) /* attention:pattern(x, { params = }) -> (n, heads, t, t) */
{
    static const char *const known[] = { "params" };
    ml_module *m = lml_check(L, 1, &lml_module_type, "pattern", "the layer");
    ml_tensor *x = lml_check(L, 2, &lml_tensor_type, "pattern", "the input"), *y;
    int        n = 0;
    lua_settop(L, 3);
    lml_check_options(L, 3, "pattern", known, 1);
    ml_tensor **params = option_params(L, 3, "pattern", &n);
    lml_work    work   = lml_begin(L);
    do y = ml_attention_pattern(m, params, n, x);
    while (!y && lml_retry(L, &work));
    return lml_finish(L, &work, y);
}

const luaL_Reg lml_sequence_layers[] = {
    { "RNN", new_rnn }, { "GRU", new_gru }, { "LSTM", new_lstm }, { "MultiHeadAttention", new_multi_head_attention },
    { "TransformerBlock", new_transformer_block }, { "PositionalEmbedding", new_positional_embedding },
    { "SinusoidalEmbedding", new_sinusoidal_embedding }, { NULL, NULL },
};
const luaL_Reg lml_sequence_methods[] = { { "scan", module_scan }, { "pattern", module_pattern }, { NULL, NULL } };
