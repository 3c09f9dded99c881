/* Reading option tables. An unknown name is an error that offers the nearest known one. */
#include "lua/lua_moonlab.h"

#include <stdio.h>
#include <string.h>

#define MOST_NAMES 512 /* that a word is compared with */

/* --- names nearly right ------------------------------------------------------------------------------------- */
int lml_nearest(lua_State *L)
{
    const char *word = luaL_checkstring(L, 1), *known[MOST_NAMES];
    int         n    = 0;
    luaL_checktype(L, 2, LUA_TTABLE);
    for (; n < MOST_NAMES && lua_rawgeti(L, 2, n + 1) == LUA_TSTRING; n++) {
        known[n] = lua_tostring(L, -1); /* the list keeps it */
        lua_pop(L, 1);
    }
    lua_pushstring(L, ml_nearest_word(word, known, n)); /* NULL is nil */
    return 1;
}

int lml_unknown_option(lua_State *L, const char *where, const char *got, const char *const *known, int n_known)
{
    const char *nearest = ml_nearest_word(got, known, n_known);
    if (nearest) return lml_raise(L, "%s: unknown option '%s'; did you mean '%s'?", where, got, nearest);
    if (n_known == 0) return lml_raise(L, "%s: unknown option '%s'; it has no options", where, got);
    char   list[512];
    size_t used = 0;
    for (int i = 0; i < n_known && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known[i]);
    return lml_raise(L, "%s: unknown option '%s'; it knows %s", where, got, list);
}

int lml_no_field(lua_State *L, const char *owner, const char *got, int t)
{
    const char *known[MOST_NAMES], *nearest;
    int         n = 0;
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING && n < MOST_NAMES)
            known[n++] = lua_tostring(L, -2); /* the table keeps it */
    nearest = ml_nearest_word(got, known, n);
    if (nearest) return lml_raise(L, "%s has no field '%s'; did you mean '%s'?", owner, got, nearest);
    return lml_raise(L, "%s has no field '%s'", owner, got);
}

void lml_check_options(lua_State *L, int t, const char *where, const char *const *known, int n_known)
{
    if (lua_isnoneornil(L, t)) return;
    t = lua_absindex(L, t);
    if (!lua_istable(L, t)) lml_raise(L, "%s: options must be a table, got %s", where, lml_got(L, t));
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            lml_raise(L, "%s: options are given by name, { name = value }, got a value without a name", where);
        const char *got   = lua_tostring(L, -2);
        bool        found = false;
        for (int i = 0; i < n_known && !found; i++) found = strcmp(got, known[i]) == 0;
        if (!found) lml_unknown_option(L, where, got, known, n_known);
    }
}

bool lml_has_names(lua_State *L, int index)
{
    if (!lua_istable(L, index)) return false;
    index = lua_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) continue;
        lua_pop(L, 2);
        return true;
    }
    return false;
}

/* Upvalues: the plain function, the general one, a table of the options that only the latter has. */
static int call_either(lua_State *L)
{
    int  n = lua_gettop(L), which = 1;
    bool options = n > 0 && lua_istable(L, n);
    if (options)
        for (lua_pushnil(L); lua_next(L, n); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            if (lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL) which = 2;
            lua_pop(L, 1);
        }
    lua_pushvalue(L, lua_upvalueindex(which));
    lua_insert(L, 1);
    lua_call(L, n, LUA_MULTRET);
    return lua_gettop(L);
}

int lml_either(lua_State *L)
{
    lua_settop(L, 3);
    lua_pushcclosure(L, call_either, 3);
    return 1;
}

/* --- single values ------------------------------------------------------------------------------------------ */
int64_t lml_check_integer(lua_State *L, int index, const char *where, const char *name)
{
    int     whole;
    int64_t value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &whole) : (whole = 0);
    if (!whole) lml_raise(L, "%s: %s must be a whole number, got %s", where, name,
                          lua_type(L, index) == LUA_TNUMBER ? luaL_tolstring(L, index, NULL) : lml_got(L, index));
    return value;
}

double lml_check_number(lua_State *L, int index, const char *where, const char *name)
{
    if (lua_type(L, index) != LUA_TNUMBER)
        lml_raise(L, "%s: %s must be a number, got %s", where, name, lml_got(L, index));
    return lua_tonumber(L, index);
}

ml_dtype lml_check_dtype(lua_State *L, int index, const char *where)
{
    ml_dtype    dtype = ML_F32;
    const char *name  = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
    if (!name)
        lml_raise(L, "%s: dtype must be \"f32\", \"f64\", \"i64\", \"u8\" or \"bool\", got %s", where,
                  lml_got(L, index));
    if (!ml_dtype_parse(name, &dtype)) {
        ml_error_clear();
        lml_raise(L, "%s: no dtype is called '%s'; they are f32, f64, i64, u8, bool", where, name);
    }
    return dtype;
}

/* Pushes the option; false (and nothing pushed) when it is not given. */
static bool push_option(lua_State *L, int t, const char *name)
{
    if (!lua_istable(L, t)) return false;
    if (lua_getfield(L, t, name) != LUA_TNIL) return true;
    lua_pop(L, 1);
    return false;
}

bool lml_option_number(lua_State *L, int t, const char *where, const char *name, double *value)
{
    if (!push_option(L, t, name)) return false;
    *value = lml_check_number(L, -1, where, name);
    lua_pop(L, 1);
    return true;
}

bool lml_option_integer(lua_State *L, int t, const char *where, const char *name, int64_t *value)
{
    if (!push_option(L, t, name)) return false;
    *value = lml_check_integer(L, -1, where, name);
    lua_pop(L, 1);
    return true;
}

bool lml_option_flag(lua_State *L, int t, const char *where, const char *name, bool *value)
{
    if (!push_option(L, t, name)) return false;
    if (!lua_isboolean(L, -1)) lml_raise(L, "%s: %s must be true or false, got %s", where, name, lml_got(L, -1));
    *value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return true;
}

bool lml_option_text(lua_State *L, int t, const char *where, const char *name, const char **value)
{
    if (!push_option(L, t, name)) return false;
    if (lua_type(L, -1) != LUA_TSTRING) lml_raise(L, "%s: %s must be text, got %s", where, name, lml_got(L, -1));
    *value = lua_tostring(L, -1);
    lua_pop(L, 1);
    return true;
}

bool lml_option_dtype(lua_State *L, int t, const char *where, const char *name, ml_dtype *value)
{
    if (!push_option(L, t, name)) return false;
    *value = lml_check_dtype(L, -1, where);
    lua_pop(L, 1);
    return true;
}

/* --- shapes ------------------------------------------------------------------------------------------------- */
static void add_size(lua_State *L, const char *where, ml_shape *shape)
{
    if (shape->n == ML_MAX_DIMS) lml_raise(L, "%s: at most %d dimensions", where, ML_MAX_DIMS);
    shape->size[shape->n++] = lml_check_integer(L, -1, where, "a size");
    lua_pop(L, 1);
}

ml_shape lml_check_shape(lua_State *L, int index, const char *where, int *next)
{
    ml_shape shape = ML_SCALAR;
    if (lua_istable(L, index)) {
        lua_Integer n = (lua_Integer)lua_rawlen(L, index);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_rawgeti(L, index, i);
            add_size(L, where, &shape);
        }
        *next = index + 1;
        return shape;
    }
    if (lua_type(L, index) != LUA_TNUMBER)
        lml_raise(L, "%s: the shape must be a list of sizes, as in {3, 4}, got %s", where, lml_got(L, index));
    for (*next = index; lua_type(L, *next) == LUA_TNUMBER; ++*next) {
        lua_pushvalue(L, *next);
        add_size(L, where, &shape);
    }
    return shape;
}
