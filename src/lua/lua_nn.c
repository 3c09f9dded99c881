/* Layers: a userdata holds one reference to a module. Printing a model reads better in Lua: lua/moonlab/nn.lua. */
#include "lua/lua_nn.h"

#include <stdio.h>
#include <string.h>

static void release_module(void *m)
{
    ml_module_release(m);
}
const lml_type lml_module_type = { "moonlab.Module", release_module };

static ml_module *check_module(lua_State *L, int index, const char *where)
{
    ml_module *m = lml_test(L, index, &lml_module_type);
    return m ? m : lml_check(L, index, &lml_module_type, where, "the module");
}

/* --- initialisers: "he_normal", or { "he_normal", scale = 2, fan = "out" } ------------------------------------- */
static ml_init_kind check_kind(lua_State *L, int index, const char *where)
{
    ml_init_kind kind = ML_INIT_DEFAULT;
    if (lua_type(L, index) != LUA_TSTRING)
        lml_raise(L, "%s: an initialiser is a name, or { name, scale = }, got %s", where, lml_got(L, index));
    if (!ml_init_parse(lua_tostring(L, index), &kind)) lml_error(L);
    return kind;
}

/* What an initialiser of that kind can be told; in a layer it has its seed and its groups from there. */
static void read_init(lua_State *L, int t, const char *where, bool alone, ml_init *init)
{
    static const char *const fans[ML_FAN_COUNT] = { "", "in", "out", "mean" };
    const char *known[6] = { "scale", "gain" }, *text;
    int         n        = 2;
    if (init->kind >= ML_INIT_FAN_IN_UNIFORM && init->kind <= ML_INIT_LECUN_NORMAL) known[n++] = "fan";
    if (init->kind == ML_INIT_SPARSE) known[n++] = "connections";
    if (alone && init->kind == ML_INIT_IDENTITY) known[n++] = "groups";
    if (alone) known[n++] = "seed";
    if (!lua_istable(L, t)) return;
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        bool found = lua_isinteger(L, -2) && !alone; /* the name of the initialiser */
        if (lua_type(L, -2) != LUA_TSTRING) {
            if (!found) lml_raise(L, "%s: its options have names", where);
            continue;
        }
        for (int i = 0; i < n; i++) found |= strcmp(lua_tostring(L, -2), known[i]) == 0;
        if (!found) lml_unknown_option(L, where, lua_tostring(L, -2), known, n);
    }
    lml_option_number(L, t, where, "scale", &init->scale);
    if (lml_option_text(L, t, where, "gain", &text)) {
        if (init->scale != 0) lml_raise(L, "%s: gain = \"%s\" is a scale by name; give one of both", where, text);
        if (!ml_init_gain(text, 0.01, &init->scale)) lml_error(L);
    }
    if (lml_option_text(L, t, where, "fan", &text)) {
        for (int i = ML_FAN_IN; i < ML_FAN_COUNT; i++)
            if (strcmp(text, fans[i]) == 0) init->fan = (ml_fan)i;
        if (init->fan == ML_FAN_DEFAULT) lml_raise(L, "%s: fan must be \"in\", \"out\" or \"mean\", got \"%s\"", where, text);
    }
    if (lml_option_integer(L, t, where, "connections", &init->connections) && init->connections < 1) lml_raise(L, "%s: connections must be at least 1", where);
    if (lml_option_integer(L, t, where, "groups", &init->groups) && init->groups < 1) lml_raise(L, "%s: groups must be at least 1", where);
}

void lml_option_init(lua_State *L, int t, const char *where, const char *name, ml_init *init)
{
    if (!lua_istable(L, t)) return;
    if (lua_getfield(L, t, name) == LUA_TTABLE) {
        int list = lua_gettop(L);
        lua_rawgeti(L, list, 1);
        init->kind = check_kind(L, -1, where);
        lua_pop(L, 1);
        read_init(L, list, where, false, init);
    } else if (!lua_isnil(L, -1)) {
        init->kind = check_kind(L, -1, where);
    }
    lua_pop(L, 1);
}

static int init_gain(lua_State *L) /* nn.init.gain("leaky_relu", slope) */
{
    double slope = lua_isnoneornil(L, 2) ? 0.01 : lml_check_number(L, 2, "init.gain", "the slope"), gain = 0;
    if (lua_type(L, 1) != LUA_TSTRING) return lml_raise(L, "init.gain: takes the name of an activation, got %s", lml_got(L, 1));
    if (!ml_init_gain(lua_tostring(L, 1), slope, &gain)) return lml_error(L);
    lua_pushnumber(L, gain);
    return 1;
}

/* nn.init.he_normal(w, { scale =, seed = }): fills w and returns it. Upvalue: the kind. */
static int init_fill(lua_State *L)
{
    ml_init    init = { .kind = (ml_init_kind)lua_tointeger(L, lua_upvalueindex(1)) };
    char       where[64];
    int64_t    seed;
    snprintf(where, sizeof where, "init.%s", ml_init_name(init.kind));
    ml_tensor *w = lml_check_tensor(L, 1, where);
    if (!lua_isnoneornil(L, 2) && !lua_istable(L, 2)) lml_raise(L, "%s: options must be a table, got %s", where, lml_got(L, 2));
    read_init(L, 2, where, true, &init);
    bool   seeded = lml_option_integer(L, 2, where, "seed", &seed);
    lml_work work = lml_enter(L);
    lml_leave(L, &work, seeded ? ml_init_fill(w, init, ml_key_of((uint64_t)seed, 0)) : ml_init_draw(w, init));
    lua_settop(L, 1);
    return 1;
}

/* --- making layers ------------------------------------------------------------------------------------------ */
/* The userdata first, since making it may raise; then the module. */
int lml_finish_module(lua_State *L, void **slot, lml_work *work, ml_module *m)
{
    *slot = m;
    lml_leave(L, work, m != NULL);
    return 1;
}

static ml_linear_layer_opts read_linear(lua_State *L, int t, const char *where)
{
    static const char *const known[] = { "bias", "weight_init", "bias_init", "dtype" };
    ml_linear_layer_opts opts = { 0 };
    bool                 bias = true;
    lml_check_options(L, t, where, known, 4);
    lml_option_flag(L, t, where, "bias", &bias);
    opts.no_bias = !bias;
    lml_option_init(L, t, where, "weight_init", &opts.weight_init);
    lml_option_init(L, t, where, "bias_init", &opts.bias_init);
    lml_option_dtype(L, t, where, "dtype", &opts.dtype);
    return opts;
}

static int new_linear(lua_State *L) /* Linear(in, out, { bias =, weight_init =, bias_init =, dtype = }) */
{
    int64_t in  = lml_check_integer(L, 1, "Linear", "the number of inputs");
    int64_t out = lml_check_integer(L, 2, "Linear", "the number of outputs");
    ml_linear_layer_opts opts = read_linear(L, 3, "Linear");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_linear(in, out, &opts));
}

static int new_embedding(lua_State *L) /* Embedding(rows, dim, { init =, dtype = }); ids count from 1 */
{
    static const char *const known[] = { "init", "dtype" };
    ml_embedding_layer_opts opts = { .base = 1 };
    int64_t rows = lml_check_integer(L, 1, "Embedding", "the number of rows");
    int64_t dim  = lml_check_integer(L, 2, "Embedding", "the width");
    lml_check_options(L, 3, "Embedding", known, 2);
    lml_option_init(L, 3, "Embedding", "init", &opts.init);
    lml_option_dtype(L, 3, "Embedding", "dtype", &opts.dtype);
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_embedding(rows, dim, &opts));
}

static int new_bilinear(lua_State *L) /* Bilinear(in1, in2, out, { bias =, weight_init =, bias_init =, dtype = }) */
{
    int64_t in1 = lml_check_integer(L, 1, "Bilinear", "the size of the first vector");
    int64_t in2 = lml_check_integer(L, 2, "Bilinear", "the size of the second vector");
    int64_t out = lml_check_integer(L, 3, "Bilinear", "the number of outputs");
    ml_linear_layer_opts opts = read_linear(L, 4, "Bilinear");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_bilinear(in1, in2, out, &opts));
}

void lml_check_no_arguments(lua_State *L, const char *where)
{
    if (!lua_isnone(L, 1)) lml_raise(L, "%s: takes no arguments, got %s", where, lml_got(L, 1));
}

static int new_flatten(lua_State *L)
{
    lml_check_no_arguments(L, "Flatten");
    void   **slot = lml_new(L, &lml_module_type);
    lml_work work = lml_enter(L);
    return lml_finish_module(L, slot, &work, ml_nn_flatten());
}

/* --- using one ---------------------------------------------------------------------------------------------- */
static int module_call(lua_State *L) /* model(x) */
{
    ml_module *m    = check_module(L, 1, "model");
    ml_tensor *x    = lml_check(L, 2, &lml_tensor_type, ml_module_kind(m), "its input"), *y;
    lml_work   work = lml_begin(L);
    do y = ml_module_forward(m, x);
    while (!y && lml_retry(L, &work));
    return lml_finish(L, &work, y);
}

/* The tensors of the list at index, in a block that stays on the stack; the list keeps them. */
static ml_tensor **check_tensors(lua_State *L, int index, const char *what, int *n)
{
    if (!lua_istable(L, index)) lml_raise(L, "apply: the %ss must be a list of tensors, got %s", what, lml_got(L, index));
    *n                  = (int)lua_rawlen(L, index);
    ml_tensor **tensors = lua_newuserdatauv(L, (size_t)*n * sizeof *tensors + 1, 0);
    for (int i = 0; i < *n; i++) {
        char name[48];
        snprintf(name, sizeof name, "%s %d", what, i + 1);
        lua_rawgeti(L, index, i + 1);
        tensors[i] = lml_check(L, -1, &lml_tensor_type, "apply", name);
        lua_pop(L, 1);
    }
    return tensors;
}

/* train = true or false: else as each layer is. seed: what dropout draws. */
static void read_apply(lua_State *L, int t, ml_apply_opts *o, ml_key *key)
{
    static const char *const known[] = { "train", "seed" };
    int64_t seed = 0;
    bool    train;
    lml_check_options(L, t, "apply", known, 2);
    if (lml_option_flag(L, t, "apply", "train", &train)) o->mode = train ? ML_MODE_TRAIN : ML_MODE_EVAL;
    if (!lml_option_integer(L, t, "apply", "seed", &seed)) return;
    *key   = ml_key_of((uint64_t)seed, 0);
    o->key = key;
}

/* model:apply(params, x, options) -> y: as model:parameters() lists them; the buffers are the module's own and stay as they are.
 * model:apply(params, buffers, x, options) -> y, new_buffers: as model:buffers() lists them. */
static int module_apply(lua_State *L)
{
    ml_module    *m            = check_module(L, 1, "apply");
    bool          with_buffers = lua_istable(L, 3);
    int           at           = with_buffers ? 4 : 3, n, n_buffers = ml_module_n_buffers(m);
    ml_apply_opts o            = { 0 };
    ml_tensor    *x            = lml_check(L, at, &lml_tensor_type, "apply", "the input"), *y;
    ml_key        key;
    read_apply(L, at + 1, &o, &key);
    ml_tensor **params = check_tensors(L, 2, "parameter", &n);
    if (with_buffers) {
        o.buffers     = check_tensors(L, 3, "buffers", &o.n_buffers);
        o.new_buffers = lua_newuserdatauv(L, (size_t)n_buffers * sizeof *o.new_buffers + 1, 0);
        lua_createtable(L, n_buffers, 0);
    }
    int      list  = lua_gettop(L);
    void  ***slots = lua_newuserdatauv(L, (size_t)n_buffers * sizeof *slots + 1, 0);
    for (int i = 0; with_buffers && i < n_buffers; i++) { /* all that may raise comes before the call */
        slots[i] = lml_new(L, &lml_tensor_type);
        lua_rawseti(L, list, i + 1);
    }
    lml_work work = lml_begin(L);
    do y = ml_module_apply_with(m, params, n, x, &o);
    while (!y && lml_retry(L, &work));
    for (int i = 0; y && with_buffers && i < n_buffers; i++) *slots[i] = ml_retain(o.new_buffers[i]);
    lml_finish(L, &work, y);
    if (!with_buffers) return 1;
    lua_pushvalue(L, list);
    return 2;
}

static int module_train(lua_State *L) /* model:train(), model:train(false); returns the model */
{
    ml_module *m = check_module(L, 1, "train");
    if (!lua_isnoneornil(L, 2) && !lua_isboolean(L, 2)) lml_raise(L, "train: takes true or false, got %s", lml_got(L, 2));
    ml_module_train(m, lua_isnoneornil(L, 2) || lua_toboolean(L, 2));
    lua_settop(L, 1);
    return 1;
}

static int module_eval(lua_State *L)
{
    ml_module_train(check_module(L, 1, "eval"), false);
    lua_settop(L, 1);
    return 1;
}

static int module_training(lua_State *L)
{
    lua_pushboolean(L, ml_module_training(check_module(L, 1, "training")));
    return 1;
}

/* --- looking inside ----------------------------------------------------------------------------------------- */
void lml_push_child(lua_State *L, int index, ml_module *child)
{
    void **slot = lml_new(L, &lml_module_type);
    *slot       = ml_module_retain(child);
    lua_getiuservalue(L, index, 1); /* those of all modules around it: more than it needs */
    lua_setiuservalue(L, -2, 1);
}

static int module_parameters(lua_State *L)
{
    ml_module *m = check_module(L, 1, "parameters");
    int        n = ml_module_n_parameters(m);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lml_push_tensor(L, ml_module_parameter(m, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int module_buffers(lua_State *L)
{
    ml_module        *m       = check_module(L, 1, "buffers");
    int               n       = ml_module_n_buffers(m);
    ml_tensor *const *buffers = ml_module_buffers(m);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lml_push_tensor(L, buffers[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int next_named(lua_State *L) /* upvalues: the module, how many were given, whether buffers are meant */
{
    ml_module  *m      = check_module(L, lua_upvalueindex(1), "named");
    lua_Integer i      = lua_tointeger(L, lua_upvalueindex(2));
    bool        buffer = lua_toboolean(L, lua_upvalueindex(3));
    char        name[256];
    if (i >= (buffer ? ml_module_n_buffers(m) : ml_module_n_parameters(m))) return lua_pushnil(L), 1;
    if (!(buffer ? ml_module_buffer_name : ml_module_parameter_name)(m, (int)i, name, sizeof name)) return lml_error(L);
    lua_pushinteger(L, i + 1);
    lua_replace(L, lua_upvalueindex(2));
    lua_pushstring(L, name);
    lml_push_tensor(L, buffer ? ml_module_buffers(m)[i] : ml_module_parameter(m, (int)i));
    return 2;
}

static int named(lua_State *L, const char *where, bool buffer)
{
    check_module(L, 1, where);
    lua_settop(L, 1);
    lua_pushinteger(L, 0);
    lua_pushboolean(L, buffer);
    lua_pushcclosure(L, next_named, 3);
    return 1;
}

static int module_named_parameters(lua_State *L) { return named(L, "named_parameters", false); } /* for name, p in ... do */
static int module_named_buffers(lua_State *L) { return named(L, "named_buffers", true); }

static int next_child(lua_State *L) /* upvalues: the module, how many were given */
{
    ml_module  *m = check_module(L, lua_upvalueindex(1), "named_children");
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));
    char        name[128];
    if (i >= ml_module_children(m)) return lua_pushnil(L), 1;
    if (!ml_module_child_name(m, (int)i, name, sizeof name)) return lml_error(L);
    lua_pushinteger(L, i + 1);
    lua_replace(L, lua_upvalueindex(2));
    lua_pushstring(L, name);
    lml_push_child(L, lua_upvalueindex(1), ml_module_child(m, (int)i));
    return 2;
}

static int module_named_children(lua_State *L) /* for name, layer in model:named_children() do */
{
    check_module(L, 1, "named_children");
    lua_settop(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_child, 2);
    return 1;
}

static int module_kind(lua_State *L)
{
    lua_pushstring(L, ml_module_kind(check_module(L, 1, "kind")));
    return 1;
}

static int module_describe(lua_State *L) /* "Linear(256 -> 97)" */
{
    lua_pushstring(L, ml_module_text(check_module(L, 1, "describe")));
    return 1;
}

static int module_len(lua_State *L)
{
    lua_pushinteger(L, ml_module_children(check_module(L, 1, "#")));
    return 1;
}

static int module_eq(lua_State *L)
{
    ml_module *a = lml_test(L, 1, &lml_module_type);
    lua_pushboolean(L, a && a == lml_test(L, 2, &lml_module_type));
    return 1;
}

static int module_index(lua_State *L) /* model[1], model[-1], model.weight, model:method; upvalue: the methods */
{
    ml_module *m = check_module(L, 1, "index");
    if (lua_isinteger(L, 2)) {
        lua_Integer i = lua_tointeger(L, 2), n = ml_module_children(m);
        if (i == 0 || i > n || i < -n)
            return lml_raise(L, "%s: no layer %lld; it has %lld, counted from 1", ml_module_kind(m), (long long)i,
                             (long long)n);
        lml_push_child(L, 1, ml_module_child(m, (int)(i > 0 ? i - 1 : n + i)));
        return 1;
    }
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return lml_raise(L, "%s: takes a position or a name, got %s", ml_module_kind(m), lml_got(L, 2));
    ml_tensor *own = ml_module_own(m, lua_tostring(L, 2));
    if (own) return lml_push_tensor(L, own);
    ml_module *child = ml_module_child_named(m, lua_tostring(L, 2));
    if (child) return lml_push_child(L, 1, child), 1;
    if (lml_module_field(L, m)) return 1;
    return lml_no_field(L, ml_module_kind(m), lua_tostring(L, 2), lua_upvalueindex(1));
}

static int module_newindex(lua_State *L)
{
    const ml_module *m = check_module(L, 1, "assign");
    return lml_raise(L, "%s: no field of a model can be set; write values into a parameter, model.weight:detach()[{}] = values",
                     ml_module_kind(m));
}

static const luaL_Reg methods[] = {
    { "apply", module_apply }, { "parameters", module_parameters }, { "named_parameters", module_named_parameters },
    { "buffers", module_buffers }, { "named_buffers", module_named_buffers }, { "train", module_train }, { "eval", module_eval },
    { "training", module_training }, { "clone", lml_clone_module }, { "named_children", module_named_children }, { "kind", module_kind }, { "describe", module_describe }, { NULL, NULL },
};

static const luaL_Reg metamethods[] = {
    { "__call", module_call }, { "__len", module_len }, { "__eq", module_eq }, { "__newindex", module_newindex }, { NULL, NULL },
};

static const luaL_Reg layers[] = {
    { "Linear", new_linear }, { "Bilinear", new_bilinear }, { "Embedding", new_embedding }, { "Flatten", new_flatten },
    { NULL, NULL },
};

/* Leaves { Linear =, ..., init = { ... }, and for lua/moonlab/nn.lua: module = the metatable, inner = what only moonlab's own
 * files use }. */
int lml_open_nn(lua_State *L)
{
    luaL_newlib(L, layers);
    luaL_setfuncs(L, lml_layers, 0);
    luaL_setfuncs(L, lml_equivariant_layers, 0);
    luaL_setfuncs(L, lml_more_activations, 0);
    luaL_setfuncs(L, lml_containers, 0);
    luaL_setfuncs(L, lml_sequence_layers, 0);
    lml_open_module(L);
    lua_newtable(L);
    lua_pushcfunction(L, lml_new_custom);
    lua_setfield(L, -2, "custom");
    luaL_setfuncs(L, lml_adjust, 0);
    luaL_setfuncs(L, lml_hooks, 0);
    lua_setfield(L, -2, "inner");
    lml_new_type(L, &lml_module_type);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    luaL_setfuncs(L, lml_sequence_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods"); /* nn.lua adds to them */
    lua_pushcclosure(L, module_index, 1);
    lua_setfield(L, -2, "__index");
    lua_setfield(L, -2, "module");
    lml_add_activations(L);
    lua_newtable(L);
    for (int kind = ML_INIT_DEFAULT + 1; kind < ML_INIT_COUNT; kind++) {
        lua_pushinteger(L, kind);
        lua_pushcclosure(L, init_fill, 1);
        lua_setfield(L, -2, ml_init_name((ml_init_kind)kind));
    }
    lua_pushcfunction(L, init_gain);
    lua_setfield(L, -2, "gain");
    lua_setfield(L, -2, "init");
    return 1;
}
