/* Userdata: what it is, and one reference. The type is known by the address in its first word, which costs two reads,
 * where looking up a metatable by name would cost more than a small operation. */
#include "lua/lua_moonlab.h"

typedef struct box {
    const lml_type *type;
    void           *held; /* NULL: not filled yet, or closed */
} box;

static box *box_at(lua_State *L, int index, const lml_type *type)
{
    box *b = lua_touserdata(L, index); /* of a light userdata too, but its length is 0 */
    return b && lua_rawlen(L, index) == sizeof *b && b->type == type ? b : NULL;
}

void *lml_test(lua_State *L, int index, const lml_type *type)
{
    const box *b = box_at(L, index, type);
    return b ? b->held : NULL;
}

void *lml_check(lua_State *L, int index, const lml_type *type, const char *where, const char *name)
{
    const box *b = box_at(L, index, type);
    if (b && b->held) return b->held;
    if (b) lml_raise(L, "%s: %s has been closed", where, name);
    lml_raise(L, "%s: %s must be a %s, got %s", where, name, type->name, lml_got(L, index));
    return NULL;
}

static size_t n_released;

size_t lml_released(void)
{
    return n_released;
}

static int release(lua_State *L)
{
    n_released++;
    const lml_type *type = lua_touserdata(L, lua_upvalueindex(1));
    box            *b    = box_at(L, 1, type);
    if (b && b->held) {
        void *held = b->held;
        b->held    = NULL;
        type->release(held);
    }
    return 0;
}

void lml_new_type(lua_State *L, const lml_type *type)
{
    lua_newtable(L);
    lua_pushstring(L, type->name);
    lua_setfield(L, -2, "__name");
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    lua_pushcclosure(L, release, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__close");
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, type);
}

void **lml_new_with(lua_State *L, const lml_type *type, int n_values)
{
    box *b  = lua_newuserdatauv(L, sizeof *b, n_values);
    b->type = type;
    b->held = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, type);
    lua_setmetatable(L, -2);
    return &b->held;
}

void **lml_new(lua_State *L, const lml_type *type)
{
    return lml_new_with(L, type, type == &lml_module_type); /* a module keeps its parts in Lua alive: lua_module.c */
}
