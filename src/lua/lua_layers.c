/* Making the layers of networks of images: arguments in the order that PyTorch has them, the rest in a table by name. */
#include "lua/lua_nn.h"

#include <string.h>

void lml_check_pair(lua_State *L, int index, const char *where, const char *name, int64_t pair[2])
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
        lml_check_pair(L, lua_gettop(L), where, name, pair);
        for (int i = 0; i < 2; i++)
            if (pair[i] < least) lml_raise(L, "%s: %s must be at least %d, got %d", where, name, (int)least, (int)pair[i]);
    }
    lua_pop(L, 1);
}

#define KNOWN(...) static const char *const known[] = { __VA_ARGS__ }
#define N_KNOWN    ((int)(sizeof known / sizeof *known))

/* --- convolutions ------------------------------------------------------------------------------------------------ */
/* padding = 1, { 1, 2 }, "same" or "valid"; padding_mode = "zeros", "reflect", "replicate" or "circular" */
static void option_padding(lua_State *L, int t, const char *where, ml_conv_layer_opts *o)
{
    const char *mode = NULL;
    if (!lua_istable(L, t)) return;
    if (lua_getfield(L, t, "padding") == LUA_TSTRING) {
        o->same = strcmp(lua_tostring(L, -1), "same") == 0;
        if (!o->same && strcmp(lua_tostring(L, -1), "valid") != 0) lml_raise(L, "%s: padding must be a number, two, \"same\" or \"valid\", got \"%s\"", where, lua_tostring(L, -1));
        lua_pop(L, 1);
    } else {
        lua_pop(L, 1);
        option_pair(L, t, where, "padding", 0, o->padding);
    }
    if (!lml_option_text(L, t, where, "padding_mode", &mode)) return;
    int found = strcmp(mode, "zeros") == 0 ? ML_PAD_CONSTANT : ml_choice_find(ML_PAD_WORDS, mode);
    if (found < 0 || strcmp(mode, "constant") == 0)
        lml_raise(L, "%s: padding_mode must be \"zeros\", \"reflect\", \"replicate\" or \"circular\", got \"%s\"", where, mode);
    o->padding_mode = (ml_pad_mode)found;
}

void lml_check_conv(lua_State *L, int n, const char *where, const char *const *known, int n_known, lml_conv_arguments *c)
{
    bool bias = true;
    int  t    = 4 + n;
    *c        = (lml_conv_arguments){ .in = lml_check_integer(L, 1, where, "the number of input channels"),
                                      .out = lml_check_integer(L, 2, where, "the number of output channels") };
    lml_check_pair(L, 3, where, "the kernel", c->kernel);
    lml_check_options(L, t, where, known, n_known);
    option_pair(L, t, where, "stride", 1, c->opts.stride);
    option_pair(L, t, where, "dilation", 1, c->opts.dilation);
    option_pair(L, t, where, "output_padding", 0, c->opts.output_padding);
    option_padding(L, t, where, &c->opts);
    lml_option_integer(L, t, where, "groups", &c->opts.groups);
    lml_option_flag(L, t, where, "bias", &bias);
    c->opts.no_bias = !bias;
    lml_option_init(L, t, where, "weight_init", &c->opts.weight_init);
    lml_option_init(L, t, where, "bias_init", &c->opts.bias_init);
    lml_option_dtype(L, t, where, "dtype", &c->opts.dtype);
}

#define CONV_OPTIONS "stride", "padding", "dilation", "groups", "bias", "padding_mode", "weight_init", "bias_init", "dtype"

#define TRANSPOSED_OPTIONS "stride", "padding", "output_padding", "dilation", "groups", "bias", "weight_init", "bias_init", "dtype"
#define LOCAL_OPTIONS "stride", "padding", "bias", "padding_mode", "weight_init", "bias_init", "dtype"

static void one_number(lua_State *L, int index, const char *where, const char *name)
{
    if (lua_istable(L, index)) lml_raise(L, "%s: %s is one number", where, name);
}

static int new_conv2d(lua_State *L) /* Conv2d(in, out, kernel, { stride =, padding =, dilation =, groups =, ... }) */
{
    KNOWN(CONV_OPTIONS);
    lml_conv_arguments c;
    lml_check_conv(L, 0, "Conv2d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_conv2d(c.in, c.out, c.kernel, &c.opts));
}

static int new_conv1d(lua_State *L)
{
    KNOWN(CONV_OPTIONS);
    lml_conv_arguments c;
    one_number(L, 3, "Conv1d", "the kernel");
    lml_check_conv(L, 0, "Conv1d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_conv1d(c.in, c.out, c.kernel[0], &c.opts));
}

static int new_conv_transpose2d(lua_State *L)
{
    KNOWN(TRANSPOSED_OPTIONS);
    lml_conv_arguments c;
    lml_check_conv(L, 0, "ConvTranspose2d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_conv_transpose2d(c.in, c.out, c.kernel, &c.opts));
}

static int new_conv_transpose1d(lua_State *L)
{
    KNOWN(TRANSPOSED_OPTIONS);
    lml_conv_arguments c;
    one_number(L, 3, "ConvTranspose1d", "the kernel");
    lml_check_conv(L, 0, "ConvTranspose1d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_conv_transpose1d(c.in, c.out, c.kernel[0], &c.opts));
}

static int new_locally_connected2d(lua_State *L) /* LocallyConnected2d(in, out, kernel, size, { stride =, padding =, ... }) */
{
    KNOWN(LOCAL_OPTIONS);
    lml_conv_arguments c;
    int64_t            size[2];
    lml_check_pair(L, 4, "LocallyConnected2d", "the size of the images", size);
    lml_check_conv(L, 1, "LocallyConnected2d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_locally_connected2d(c.in, c.out, c.kernel, size, &c.opts));
}

static int new_locally_connected1d(lua_State *L)
{
    KNOWN(LOCAL_OPTIONS);
    lml_conv_arguments c;
    one_number(L, 3, "LocallyConnected1d", "the kernel");
    int64_t size = lml_check_integer(L, 4, "LocallyConnected1d", "the length of its input");
    lml_check_conv(L, 1, "LocallyConnected1d", known, N_KNOWN, &c);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_locally_connected1d(c.in, c.out, c.kernel[0], size, &c.opts));
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
    lml_check_pair(L, 1, where, "the kernel", kernel);
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

static int new_adaptive_pool2d(lua_State *L, const char *where, ml_module *(*make)(const int64_t size[2]))
{
    int64_t size[2];
    lml_check_pair(L, 1, where, "the size", size);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, make(size));
}

static int new_adaptive_pool1d(lua_State *L, const char *where, ml_module *(*make)(int64_t size))
{
    int64_t  size = lml_check_integer(L, 1, where, "the size");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, make(size));
}

static int new_adaptive_avg_pool2d(lua_State *L) { return new_adaptive_pool2d(L, "AdaptiveAvgPool2d", ml_nn_adaptive_avg_pool2d); }
static int new_adaptive_max_pool2d(lua_State *L) { return new_adaptive_pool2d(L, "AdaptiveMaxPool2d", ml_nn_adaptive_max_pool2d); }
static int new_adaptive_avg_pool1d(lua_State *L) { return new_adaptive_pool1d(L, "AdaptiveAvgPool1d", ml_nn_adaptive_avg_pool1d); }
static int new_adaptive_max_pool1d(lua_State *L) { return new_adaptive_pool1d(L, "AdaptiveMaxPool1d", ml_nn_adaptive_max_pool1d); }

static int new_global_pool(lua_State *L, const char *where, ml_module *(*make)(void))
{
    lml_check_no_arguments(L, where);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, make());
}

static int new_global_avg_pool(lua_State *L) { return new_global_pool(L, "GlobalAvgPool", ml_nn_global_avg_pool); }
static int new_global_max_pool(lua_State *L) { return new_global_pool(L, "GlobalMaxPool", ml_nn_global_max_pool); }

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
    { "Conv1d", new_conv1d }, { "Conv2d", new_conv2d }, { "ConvTranspose1d", new_conv_transpose1d }, { "ConvTranspose2d", new_conv_transpose2d },
    { "LocallyConnected1d", new_locally_connected1d }, { "LocallyConnected2d", new_locally_connected2d },
    { "MaxPool1d", new_max_pool1d }, { "MaxPool2d", new_max_pool2d }, { "AvgPool1d", new_avg_pool1d }, { "AvgPool2d", new_avg_pool2d },
    { "AdaptiveAvgPool1d", new_adaptive_avg_pool1d }, { "AdaptiveAvgPool2d", new_adaptive_avg_pool2d },
    { "AdaptiveMaxPool1d", new_adaptive_max_pool1d }, { "AdaptiveMaxPool2d", new_adaptive_max_pool2d },
    { "GlobalAvgPool", new_global_avg_pool }, { "GlobalMaxPool", new_global_max_pool },
    { "BatchNorm1d", new_batch_norm1d }, { "BatchNorm2d", new_batch_norm2d }, { "LayerNorm", new_layer_norm }, { "RMSNorm", new_rms_norm },
    { "GroupNorm", new_group_norm }, { "Dropout", new_dropout }, { NULL, NULL },
};
