/* Calling the script from inside the core: a module written in Lua, a hook. What the script raises must not jump through the
 * core, whose scopes and arrays would stay open; it is caught, the core fails in its own way, and when it has returned the
 * same thing is raised again. */
#include "lua/lua_moonlab.h"

#include <stdio.h>
#include <string.h>

static const char                 caught_key;    /* in the registry: what was caught, or false. It exists always: to set it takes no memory */
static _Thread_local char caught_text[2048]; /* the core's message then: while it is the same, nobody has said better */

static void set_caught(lua_State *L) /* to the value on the stack, which is popped */
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &caught_key);
}

void lml_open_callbacks(lua_State *L)
{
    lua_pushboolean(L, false);
    set_caught(L);
}

lua_State *lml_main(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return main;
}

bool lml_protect(lua_State *L, lua_CFunction f, void *ctx)
{
    if (!lua_checkstack(L, 4)) return ml_fail("out of memory: no room to call the script");
    int top = lua_gettop(L);
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, ctx);
    bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!ok) {
        if (lua_type(L, -1) == LUA_TSTRING) ml_fail("%s", lua_tostring(L, -1));
        else ml_fail("the script raised a %s", luaL_typename(L, -1));
        snprintf(caught_text, sizeof caught_text, "%s", ml_error_message());
        set_caught(L);
    }
    lua_settop(L, top);
    lml_set_running(L);
    return ok;
}

bool lml_caught(lua_State *L)
{
    if (!caught_text[0] || strcmp(caught_text, ml_error_message()) != 0) return false;
    caught_text[0] = '\0';
    lua_rawgetp(L, LUA_REGISTRYINDEX, &caught_key);
    lua_pushboolean(L, false);
    set_caught(L);
    if (!lua_isboolean(L, -1)) return true;
    lua_pop(L, 1); /* another state's */
    return false;
}
