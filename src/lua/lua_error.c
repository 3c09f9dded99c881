/* Raising. A message starts with the first line outside moonlab's own Lua files: the user's, not ours. */
#include "lua/lua_moonlab.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_ours(const char *source)
{
    for (const lml_chunk *chunk = lml_chunks; chunk->module; chunk++)
        if (strcmp(source, chunk->name) == 0) return true;
    return false;
}

const char *lml_site(lua_State *L)
{
    static _Thread_local char text[LUA_IDSIZE + 24];
    lua_Debug at;
    for (int level = 0; lua_getstack(L, level, &at); level++) {
        lua_getinfo(L, "Sl", &at);
        if (at.currentline < 0 || is_ours(at.source)) continue; /* < 0: a C function */
        snprintf(text, sizeof text, "%s:%d", at.short_src, at.currentline);
        return text;
    }
    return NULL;
}

static int raise_text(lua_State *L, const char *message)
{
    const char *site = lml_site(L);
    if (site) lua_pushfstring(L, "%s: %s", site, message);
    else lua_pushstring(L, message);
    return lua_error(L);
}

int lml_error(lua_State *L)
{
    if (lml_caught(L)) { /* it came from the script: with its own line, or no text at all */
        ml_error_clear();
        return lua_error(L);
    }
    char message[2048];
    snprintf(message, sizeof message, "%s",
             ml_failed() ? ml_error_message() : "internal error: it failed without a message");
    ml_error_clear();
    return raise_text(L, message);
}

int lml_raise(lua_State *L, const char *format, ...)
{
    char    message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return raise_text(L, message);
}

const char *lml_got(lua_State *L, int index)
{
    if (lua_isnone(L, index)) return "nothing";
    if (lua_isnil(L, index)) return "nil";
    if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING)
        return lua_tostring(L, -1); /* stays on the stack: an error follows */
    return luaL_typename(L, index);
}

int lml_raise_text(lua_State *L)
{
    return raise_text(L, luaL_checkstring(L, 1));
}
