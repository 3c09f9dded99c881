/* Opening moonlab in a Lua state: the parts in C become moonlab.core, the embedded files package.preload, and
 * lua/moonlab/init.lua puts `ml` together. */
#include <string.h>

#include "moonlab/autograd.h"

#include "lua/lua_moonlab.h"

static const struct part {
    const char   *name;
    lua_CFunction open; /* leaves a table */
} parts[] = { /* tensors first: the others add methods to them */
    { "tensor", lml_open_tensor }, { "make", lml_open_make }, { "op", lml_open_ops },
    { "autograd", lml_open_autograd }, { "transform", lml_open_transform }, { "linalg", lml_open_linalg }, { "nn", lml_open_nn }, { "optim", lml_open_optim },
    { "data", lml_open_data }, { "loader", lml_open_loader }, { "io", lml_open_io }, { "run", lml_open_run }, { "log", lml_open_log }, { "figure", lml_open_figure },
    { "knobs", lml_open_knobs },
    { "stats", lml_open_stats },
};

static int push_methods(lua_State *L) /* the table of names that tensors have */
{
    lml_push_methods(L);
    return 1;
}

static const luaL_Reg helpers[] = { /* for lua/moonlab/ */
    { "methods", push_methods }, { "raise", lml_raise_text }, { "nearest", lml_nearest }, { "either", lml_either }, { "ops", lml_list_ops }, { NULL, NULL },
};

/* Uses nothing that Lua 5.1 lacks. */
static void check_version(lua_State *L)
{
    if (!lua_newuserdatauv)
        luaL_error(L, "moonlab needs Lua 5.4, this is an older one; try lua5.4, or the moonlab program");
    luaL_checkversion(L);
}

int luaopen_moonlab_core(lua_State *L)
{
    check_version(L);
    lml_open_callbacks(L);
    luaL_newlib(L, helpers);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        parts[i].open(L);
        lua_setfield(L, -2, parts[i].name);
    }
    return 1;
}

/* Loads an embedded file; upvalue: its row. */
static int open_chunk(lua_State *L)
{
    const lml_chunk *chunk = lua_touserdata(L, lua_upvalueindex(1));
    if (luaL_loadbufferx(L, (const char *)chunk->source, chunk->bytes, chunk->name, "t") != LUA_OK)
        return lua_error(L);
    lua_pushstring(L, chunk->module);
    lua_call(L, 1, 1);
    return 1;
}

int luaopen_moonlab(lua_State *L)
{
    check_version(L);
    if (!ml_memory_environment()) return lml_error(L);
    const lml_chunk *init = NULL;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    for (const lml_chunk *chunk = lml_chunks; chunk->module; chunk++) {
        if (strcmp(chunk->module, "moonlab") == 0) {
            init = chunk;
            continue;
        }
        lua_pushlightuserdata(L, (void *)(uintptr_t)chunk);
        lua_pushcclosure(L, open_chunk, 1);
        lua_setfield(L, -2, chunk->module);
    }
    lua_pushcfunction(L, luaopen_moonlab_core);
    lua_setfield(L, -2, "moonlab.core");
    lua_pop(L, 1);
    lml_watch_sites();
    lua_pushlightuserdata(L, (void *)(uintptr_t)init);
    lua_pushcclosure(L, open_chunk, 1);
    lua_call(L, 0, 1);
    return 1;
}
