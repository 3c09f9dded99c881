/* Making the layers of networks of images: arguments in the order that PyTorch has them, the rest in a table by name. */
#include "lua/lua_nn.h"

#include <string.h>

/* A number for both, or a list of two: rows, columns. */
static void read_pair(lua_State *L, int index, const char *where, const char *name, int64_t pair[2])
{
    if (!lua_istable(L, index)) {
        pair[0] = pair[1] = lml_check_integer(L, index, where, name);
        return;
    }
    if (lua_rawlen(L, index) != 2) lml_raise(L, "%s: %s takes one number, or two for rows and columns, got %d", where, name, (int)lua_rawlen(L, index));
    for (int i = 0; i < 2; i++) {
        lua_rawgeti(L, index, i + 1);
        pair[i] = lml_check_integer(L, -1, where, name);
        lua_pop(L, 1);
    }
}

static void option_pair(lua_State *L, int t, const char *where, const char *name, int64_t least, int64_t pair[2])
{
    if (!lua_istable(L, t)) return;
    if (lua_getfield(L, t, name) != LUA_TNIL) {
        read_pair(L, lua_gettop(L), where, name, pair);
        for (int i = 0; i < 2; i++)
            if (pair[i] < least) lml_raise(L, "%s: %s must be at least %d, got %d", where, name, (int)least, (int)pair[i]);
    }
    lua_pop(L, 1);
}

#define KNOWN(...) static const char *const known[] = { __VA_ARGS__ }
#define N_KNOWN    ((int)(sizeof known / sizeof *known))

/* --- convolutions ------------------------------------------------------------------------------------------------ */
/* padding = 1, { 1, 2 } or "same"; padding_mode = "zeros" or "circular" */
static void option_padding(lua_State *L, int t, const char *where, ml_conv_layer_opts *o)
{
    const char *mode = NULL;
    if (!lua_istable(L, t)) return;
    if (lua_getfield(L, t, "padding") == LUA_TSTRING) {
        if (strcmp(lua_tostring(L, -1), "same") != 0) lml_raise(L, "%s: padding must be a number, two, or \"same\", got \"%s\"", where, lua_tostring(L, -1));
        o->same = true;
        lua_pop(L, 1);
    } else {
        lua_pop(L, 1);
        option_pair(L, t, where, "padding", 0, o->padding);
    }
    if (!lml_option_text(L, t, where, "padding_mode", &mode)) return;
    o->circular = strcmp(mode, "circular") == 0;
    if (!o->circular && strcmp(mode, "zeros") != 0) lml_raise(L, "%s: padding_mode must be \"zeros\" or \"circular\", got \"%s\"", where, mode);
}

typedef struct conv_arguments {
    int64_t            in, out, kernel[2];
    ml_conv_layer_opts opts;
} conv_arguments;

static void read_conv(lua_State *L, const char *where, const char *const *known, int n_known, conv_arguments *c)
{
    bool bias = true;
    *c        = (conv_arguments){ .in = lml_check_integer(L, 1, where, "the number of input channels"),
                                  .out = lml_check_integer(L, 2, where, "the number of output channels") };
    read_pair(L, 3, where, "the kernel", c->kernel);
    lml_check_options(L, 4, where, known, n_known);
    option_pair(L, 4, where, "stride", 1, c->opts.stride);
    option_pair(L, 4, where, "dilation", 1, c->opts.dilation);
    option_pair(L, 4, where, "output_padding", 0, c->opts.output_padding);
    option_padding(L, 4, where, &c->opts);
    lml_option_integer(L, 4, where, "groups", &c->opts.groups);
    lml_option_flag(L, 4, where, "bias", &bias);
    c->opts.no_bias = !bias;
    lml_option_init(L, 4, where, "weight_init", &c->opts.weight_init);
    lml_option_init(L, 4, where, "bias_init", &c->opts.bias_init);
    lml_option_dtype(L, 4, where, "dtype", &c->opts.dtype);
}

#define CONV_OPTIONS "stride", "padding", "dilation", "groups", "bias", "padding_mode", "weight_init", "bias_init", "dtype"

static int new_conv2d(lua_State *L) /* Conv2d(in, out, kernel, { stride =, padding =, dilation =, groups =, ... }) */
{
    KNOWN(CONV_OPTIONS);
    conv_arguments c;
    read_conv(L, "Conv2d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_conv2d(c.in, c.out, c.kernel, &c.opts));
}

static int new_conv1d(lua_State *L)
{
    KNOWN(CONV_OPTIONS);
    conv_arguments c;
    if (lua_istable(L, 3)) lml_raise(L, "Conv1d: the kernel is one number");
    read_conv(L, "Conv1d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_conv1d(c.in, c.out, c.kernel[0], &c.opts));
}

static int new_conv_transpose2d(lua_State *L)
{
    KNOWN("stride", "padding", "output_padding", "dilation", "groups", "bias", "weight_init", "bias_init", "dtype");
    conv_arguments c;
    read_conv(L, "ConvTranspose2d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_conv_transpose2d(c.in, c.out, c.kernel, &c.opts));
}

/* --- pooling -------------------------------------------------------------------------------------------------------- */
typedef enum { MAX_2D, MAX_1D, AVG_2D, AVG_1D } pooling;

static ml_module *make_pool(pooling kind, const int64_t kernel[2], const ml_pool_layer_opts *o)
{
    switch (kind) {
    case MAX_2D: return ml_nn_max_pool2d(kernel, o);
    case MAX_1D: return ml_nn_max_pool1d(kernel[0], o);
    case AVG_2D: return ml_nn_avg_pool2d(kernel, o);
    default: return ml_nn_avg_pool1d(kernel[0], o);
    }
}

static int new_pool(lua_State *L, const char *where, pooling kind) /* MaxPool2d(kernel, { stride =, padding = }) */
{
    KNOWN("stride", "padding", "count_include_pad");
    int64_t            kernel[2];
    bool               counted = true;
    ml_pool_layer_opts o = { 0 };
    read_pair(L, 1, where, "the kernel", kernel);
    lml_check_options(L, 2, where, known, kind == AVG_2D || kind == AVG_1D ? 3 : 2);
    option_pair(L, 2, where, "stride", 1, o.stride);
    option_pair(L, 2, where, "padding", 0, o.padding);
    lml_option_flag(L, 2, where, "count_include_pad", &counted);
    o.count_only_inside = !counted;
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, make_pool(kind, kernel, &o));
}

static int new_max_pool2d(lua_State *L) { return new_pool(L, "MaxPool2d", MAX_2D); }
static int new_max_pool1d(lua_State *L) { return new_pool(L, "MaxPool1d", MAX_1D); }
static int new_avg_pool2d(lua_State *L) { return new_pool(L, "AvgPool2d", AVG_2D); }
static int new_avg_pool1d(lua_State *L) { return new_pool(L, "AvgPool1d", AVG_1D); }

static int new_adaptive_avg_pool2d(lua_State *L)
{
    int64_t size[2];
    read_pair(L, 1, "AdaptiveAvgPool2d", "the size", size);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_adaptive_avg_pool2d(size));
}

static int new_global_avg_pool(lua_State *L)
{
    if (!lua_isnone(L, 1)) lml_raise(L, "GlobalAvgPool: takes no arguments, got %s", lml_got(L, 1));
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_global_avg_pool());
}

/* --- normalisation ---------------------------------------------------------------------------------------------------- */
static ml_norm_layer_opts read_norm(lua_State *L, int t, const char *where, bool batch)
{
    KNOWN("eps", "affine", "dtype", "momentum", "tracking");
    ml_norm_layer_opts o = { 0 };
    bool affine = true, tracking = true;
    lml_check_options(L, t, where, known, batch ? 5 : 3);
    lml_option_number(L, t, where, "eps", &o.eps);
    lml_option_flag(L, t, where, "affine", &affine);
    lml_option_dtype(L, t, where, "dtype", &o.dtype);
    lml_option_number(L, t, where, "momentum", &o.momentum);
    lml_option_flag(L, t, where, "tracking", &tracking);
    o.no_affine   = !affine;
    o.no_tracking = !tracking;
    return o;
}

static int new_batch_norm(lua_State *L, const char *where, int dims)
{
    int64_t            channels = lml_check_integer(L, 1, where, "the number of channels");
    ml_norm_layer_opts o        = read_norm(L, 2, where, true);
    void             **slot     = lml_new(L, &lml_module_type);
    lml_work           work     = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_batch_norm(dims, channels, &o));
}

static int new_batch_norm1d(lua_State *L) { return new_batch_norm(L, "BatchNorm1d", 1); }
static int new_batch_norm2d(lua_State *L) { return new_batch_norm(L, "BatchNorm2d", 2); }

static int new_last_norm(lua_State *L, const char *where, ml_module *(*make)(ml_shape, const ml_norm_layer_opts *))
{
    int                next;
    ml_shape           last = lml_check_shape(L, 1, where, &next);
    ml_norm_layer_opts o    = read_norm(L, next, where, false);
    void             **slot = lml_new(L, &lml_module_type);
    lml_work           work = lml_enter(L);
    return lml_finish_module(L, slot, &work, make(last, &o));
}

static int new_layer_norm(lua_State *L) { return new_last_norm(L, "LayerNorm", ml_nn_layer_norm); }
static int new_rms_norm(lua_State *L) { return new_last_norm(L, "RMSNorm", ml_nn_rms_norm); }

static int new_group_norm(lua_State *L)
{
    int64_t            groups = lml_check_integer(L, 1, "GroupNorm", "the number of groups"), channels = lml_check_integer(L, 2, "GroupNorm", "the number of channels");
    ml_norm_layer_opts o      = read_norm(L, 3, "GroupNorm", false);
    void             **slot   = lml_new(L, &lml_module_type);
    lml_work           work   = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_group_norm(groups, channels, &o));
}

static int new_dropout(lua_State *L) /* Dropout(p = 0.5) */
{
    double   p    = lua_isnoneornil(L, 1) ? 0.5 : lml_check_number(L, 1, "Dropout", "p");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_dropout(p));
}

const luaL_Reg lml_layers[] = {
    { "Conv1d", new_conv1d }, { "Conv2d", new_conv2d }, { "ConvTranspose2d", new_conv_transpose2d },
    { "MaxPool1d", new_max_pool1d }, { "MaxPool2d", new_max_pool2d }, { "AvgPool1d", new_avg_pool1d }, { "AvgPool2d", new_avg_pool2d },
    { "AdaptiveAvgPool2d", new_adaptive_avg_pool2d }, { "GlobalAvgPool", new_global_avg_pool },
    { "BatchNorm1d", new_batch_norm1d }, { "BatchNorm2d", new_batch_norm2d }, { "LayerNorm", new_layer_norm }, { "RMSNorm", new_rms_norm },
    { "GroupNorm", new_group_norm }, { "Dropout", new_dropout }, { NULL, NULL },
};
