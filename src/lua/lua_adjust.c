/* What can be done to any module, by the number of a parameter: for lua/moonlab/, which goes by names. */
#include "lua/lua_nn.h"

static ml_module *module_at(lua_State *L, const char *where)
{
    return lml_check(L, 1, &lml_module_type, where, "the module");
}

/* freeze(model, i, on), frozen(model, i), set_factor(model, i, factor), factor(model, i): parameter i, from 1 */
static int freeze(lua_State *L)
{
    return ml_module_freeze(module_at(L, "freeze"), (int)luaL_checkinteger(L, 2) - 1, lua_toboolean(L, 3)) ? 0 : lml_error(L);
}

static int frozen(lua_State *L)
{
    lua_pushboolean(L, ml_module_frozen(module_at(L, "frozen"), (int)luaL_checkinteger(L, 2) - 1));
    return 1;
}

static int set_factor(lua_State *L)
{
    return ml_module_set_factor(module_at(L, "parametrise"), (int)luaL_checkinteger(L, 2) - 1, luaL_checknumber(L, 3)) ? 0 : lml_error(L);
}

static int factor(lua_State *L)
{
    lua_pushnumber(L, ml_module_factor(module_at(L, "parametrise"), (int)luaL_checkinteger(L, 2) - 1));
    return 1;
}

const luaL_Reg lml_adjust[] = {
    { "freeze", freeze }, { "frozen", frozen }, { "set_factor", set_factor }, { "factor", factor }, { NULL, NULL },
};
