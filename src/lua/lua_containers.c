/* Making modules of modules. */
#include "lua/lua_nn.h"

#include <stdio.h>
#include <string.h>

/* The modules of the list at argument 1, or of all arguments when it is none, as an array that Lua owns; the list, which keeps
 * them, is then argument 1. */
static ml_module **check_list(lua_State *L, const char *where, const char *what, int *n)
{
    if (!lua_istable(L, 1)) {
        int given = lua_gettop(L);
        lua_createtable(L, given, 0);
        for (int i = 1; i <= given; i++) {
            lua_pushvalue(L, i);
            lua_rawseti(L, -2, i);
        }
        lua_insert(L, 1);
        lua_settop(L, 1);
    }
    *n                 = (int)lua_rawlen(L, 1);
    ml_module **modules = lua_newuserdatauv(L, (size_t)*n * sizeof *modules + 1, 0);
    for (int i = 0; i < *n; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s %d", what, i + 1);
        lua_rawgeti(L, 1, i + 1);
        modules[i] = lml_check(L, -1, &lml_module_type, where, name);
        lua_pop(L, 1);
    }
    return modules;
}

static void retain_all(ml_module *const *modules, int n) /* for a container, which takes references over */
{
    for (int i = 0; i < n; i++) ml_module_retain(modules[i]);
}

/* The userdata of a container, which keeps the parts in Lua of the modules in the list alive. */
static void **new_container(lua_State *L, int list)
{
    void **slot   = lml_new(L, &lml_module_type);
    int    module = lua_gettop(L);
    for (int i = 1, n = (int)lua_rawlen(L, list); i <= n; i++) {
        lua_rawgeti(L, list, i);
        lml_keep_parts(L, module, lua_gettop(L));
        lua_pop(L, 1);
    }
    return slot;
}

static int new_sequential(lua_State *L) /* Sequential{ layer, layer, ... } or Sequential(layer, ...) */
{
    int n;
    if (lua_istable(L, 1)) lml_check_options(L, 2, "Sequential", NULL, 0);
    ml_module **layers = check_list(L, "Sequential", "layer", &n);
    void      **slot   = new_container(L, 1);
    lml_work    work   = lml_enter(L);
    retain_all(layers, n);
    return lml_finish_module(L, slot, &work, ml_nn_sequential(layers, n));
}

static int new_residual(lua_State *L) /* Residual(inner, { shortcut = module, scale = }) */
{
    static const char *const known[] = { "shortcut", "scale" };
    ml_residual_layer_opts o = { 1 };
    ml_module *ways[2] = { lml_check(L, 1, &lml_module_type, "Residual", "the inner module"), NULL };
    lml_check_options(L, 2, "Residual", known, 2);
    lml_option_number(L, 2, "Residual", "scale", &o.scale);
    if (lua_istable(L, 2)) {
        if (lua_getfield(L, 2, "shortcut") != LUA_TNIL) ways[1] = lml_check(L, -1, &lml_module_type, "Residual", "shortcut");
    }
    void **slot = lml_new(L, &lml_module_type);
    int  module = lua_gettop(L);
    lml_keep_parts(L, module, 1);
    if (ways[1]) lml_keep_parts(L, module, module - 1);
    lml_work work = lml_enter(L);
    retain_all(ways, 2);
    return lml_finish_module(L, slot, &work, ways[1] ? ml_nn_residual_with(ways[0], ways[1], &o) : ml_nn_residual(ways[0], &o));
}

static int new_parallel(lua_State *L) /* Parallel({ branch, ... }, { merge = "concat" | "sum" | "stack", dim = }) */
{
    static const char *const known[] = { "merge", "dim" }, *const merges[] = { "concat", "sum", "stack" };
    ml_parallel_layer_opts o = { ML_MERGE_CONCAT, 1 };
    const char *merge = "concat";
    int64_t     dim   = 2;
    int         n, kind = 0;
    if (lua_istable(L, 1)) {
        lml_check_options(L, 2, "Parallel", known, 2);
        lml_option_text(L, 2, "Parallel", "merge", &merge);
        lml_option_integer(L, 2, "Parallel", "dim", &dim);
    }
    while (kind < 3 && strcmp(merge, merges[kind]) != 0) kind++;
    if (kind == 3) lml_raise(L, "Parallel: merge must be \"concat\", \"sum\" or \"stack\", got \"%s\"", merge);
    if (dim == 0 || dim > ML_MAX_DIMS || dim < -ML_MAX_DIMS)
        lml_raise(L, "Parallel: dim is a dimension, counted from 1, or from -1 at the end, got %d", (int)dim);
    o.merge = (ml_merge)kind;
    o.dim   = (int)(dim > 0 ? dim - 1 : dim);
    ml_module **branches = check_list(L, "Parallel", "branch", &n);
    void      **slot     = new_container(L, 1);
    lml_work    work     = lml_enter(L);
    retain_all(branches, n);
    return lml_finish_module(L, slot, &work, ml_nn_parallel(branches, n, &o));
}

const luaL_Reg lml_containers[] = { { "Sequential", new_sequential }, { "Residual", new_residual }, { "Parallel", new_parallel }, { NULL, NULL } };
