/* Hooks whose functions are written in Lua; lua/moonlab/hooks.lua matches names and closes them. */
#include "lua/lua_nn.h"

/* Its functions are in the registry until it is closed, however long that takes: a hook that the collector took away would end at
 * a moment that nobody knows. */
typedef struct hooked {
    lua_State *main;
    int        ref; /* { wants, value } */
} hooked;

typedef struct question {
    const hooked *of;
    const char   *point;
    ml_tensor    *value, *answer;
    bool          wanted;
} question;

static lua_State *state_of(const hooked *h) { return lml_running() ? lml_running() : h->main; }

static int ask_wants(lua_State *L) /* under lml_protect, as the next */
{
    question *q = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, q->of->ref);
    lua_rawgeti(L, -1, 1);
    lua_pushstring(L, q->point);
    lua_call(L, 1, 1);
    q->wanted = lua_toboolean(L, -1);
    return 0;
}

static int ask_value(lua_State *L)
{
    question *q = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, q->of->ref);
    lua_rawgeti(L, -1, 2);
    lua_pushstring(L, q->point);
    lml_push_tensor(L, q->value);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1)) return 0; /* it goes on as it is */
    ml_tensor *answer = lml_test_tensor(L, -1);
    if (!answer) return lml_raise(L, "hook of '%s': it must return a tensor, or nothing, got %s", q->point, lml_got(L, -1));
    q->answer = ml_retain(answer);
    return 0;
}

static bool wants(void *ctx, const char *point)
{
    question q = { ctx, point, NULL, NULL, false };
    if (lml_protect(state_of(ctx), ask_wants, &q)) return q.wanted;
    ml_error_clear(); /* no memory: then the value is asked for, and its function knows what it wants */
    return true;
}

static ml_tensor *value(void *ctx, const char *point, ml_tensor *given)
{
    question q = { ctx, point, given, NULL, false };
    if (!lml_protect(state_of(ctx), ask_value, &q)) return NULL;
    if (!q.answer) return given;
    ml_scope   scope  = ml_scope_begin();
    ml_tensor *answer = ml_scope_return(&scope, q.answer);
    ml_release(q.answer);
    return answer;
}

static void release(void *ctx)
{
    hooked *h = ctx;
    luaL_unref(h->main, LUA_REGISTRYINDEX, h->ref);
    ml_realloc(h, sizeof *h, 0);
}

static int hook(lua_State *L) /* hook(model, wants, value) -> number */
{
    ml_module *m = lml_check(L, 1, &lml_module_type, "hook", "the module");
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_createtable(L, 2, 0);
    for (int i = 1; i <= 2; i++) {
        lua_pushvalue(L, 1 + i);
        lua_rawseti(L, -2, i);
    }
    int     ref = luaL_ref(L, LUA_REGISTRYINDEX);
    hooked *h   = ml_realloc(NULL, 0, sizeof *h);
    if (!h) return luaL_unref(L, LUA_REGISTRYINDEX, ref), lml_error(L);
    *h             = (hooked){ lml_main(L), ref };
    int64_t number = ml_module_hook(m, &(ml_hook){ wants, value, release, h });
    if (!number) return lml_error(L);
    lua_pushinteger(L, number);
    return 1;
}

static int unhook(lua_State *L) /* unhook(model, number) */
{
    ml_module_unhook(lml_check(L, 1, &lml_module_type, "hook", "the module"), luaL_checkinteger(L, 2));
    return 0;
}

const luaL_Reg lml_hooks[] = { { "hook", hook }, { "unhook", unhook }, { NULL, NULL } };
