/* Knobs for Lua: a thin layer; the interface that scripts see is lua/moonlab/ui.lua. Knobs and choices count from 1 here. */
#include "lua/lua_knobs.h"

#define KNOBS "moonlab.Knobs.core"

ml_knobs *lml_knobs_at(lua_State *L, int index)
{
    return *(ml_knobs **)luaL_checkudata(L, index, KNOBS);
}

static int knobs_new(lua_State *L)
{
    ml_knobs **slot = lua_newuserdatauv(L, sizeof *slot, 0);
    *slot           = NULL;
    luaL_setmetatable(L, KNOBS);
    *slot = ml_knobs_new();
    return *slot ? 1 : lml_error(L);
}

static int knobs_gc(lua_State *L)
{
    ml_knobs **slot = luaL_checkudata(L, 1, KNOBS);
    ml_knobs_release(*slot);
    *slot = NULL;
    return 0;
}

static double number_field(lua_State *L, int t, const char *name)
{
    lua_getfield(L, t, name);
    double value = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return value;
}

static bool flag_field(lua_State *L, int t, const char *name)
{
    lua_getfield(L, t, name);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* add({ kind =, label =, from =, to =, log =, whole =, choices = { ... }, value = }) -> its number. A value of a choice is its
 * place, of a toggle 0 or 1. */
static int knobs_add(lua_State *L)
{
    static const char *const names[] = { "slider", "toggle", "choice", "button", NULL };
    ml_knobs   *knobs = lml_knobs_at(L, 1);
    const char *choices[ML_KNOB_CHOICES + 1];
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checkstack(L, ML_KNOB_CHOICES + 10, NULL);
    lua_getfield(L, 2, "kind");
    ml_knob knob = { .kind = (ml_knob_kind)luaL_checkoption(L, -1, NULL, names) };
    lua_getfield(L, 2, "label");
    knob.label = luaL_checkstring(L, -1);
    knob.from  = number_field(L, 2, "from");
    knob.to    = number_field(L, 2, "to");
    knob.log   = flag_field(L, 2, "log");
    knob.whole = flag_field(L, 2, "whole");
    knob.value = number_field(L, 2, "value");
    if (knob.kind == ML_KNOB_CHOICE) {
        lua_getfield(L, 2, "choices");
        int list = lua_gettop(L), n = (int)lua_rawlen(L, list);
        knob.n_choices = n;
        for (int i = 0; i < n && i <= ML_KNOB_CHOICES; i++) { /* one too many is told by the board */
            lua_rawgeti(L, list, i + 1);
            choices[i] = luaL_checkstring(L, -1); /* the table keeps it */
            lua_pop(L, 1);
        }
        knob.choices = choices;
        knob.value -= 1;
    }
    int i = ml_knobs_add(knobs, &knob);
    if (i < 0) return lml_error(L);
    lua_pushinteger(L, i + 1);
    return 1;
}

/* What Lua says of a value, to what the board says, and back. */
static double from_lua(ml_knobs *knobs, int i, double value)
{
    ml_knob all[ML_KNOBS];
    bool    locked;
    return i >= 0 && i < ml_knobs_look(knobs, all, &locked) && all[i].kind == ML_KNOB_CHOICE ? value - 1 : value;
}

static double to_lua(ml_knobs *knobs, int i, double value)
{
    return value - from_lua(knobs, i, 0);
}

static int knobs_set(lua_State *L) /* set(knob, value): what is shown */
{
    ml_knobs *knobs = lml_knobs_at(L, 1);
    int       i     = (int)luaL_checkinteger(L, 2) - 1;
    return ml_knobs_set(knobs, i, from_lua(knobs, i, luaL_checknumber(L, 3))) ? 0 : lml_error(L);
}

static int knobs_turn(lua_State *L) /* turn(knob, value, goes_on) -> queued? as a hand in the window does */
{
    ml_knobs *knobs = lml_knobs_at(L, 1);
    int       i     = (int)luaL_checkinteger(L, 2) - 1;
    lua_pushboolean(L, ml_knobs_turn(knobs, i, from_lua(knobs, i, luaL_checknumber(L, 3)), lua_toboolean(L, 4)));
    return 1;
}

static int knobs_take(lua_State *L) /* take() -> knob, value, goes_on; nothing when no turn waits */
{
    ml_knobs *knobs = lml_knobs_at(L, 1);
    ml_turn   turn;
    if (!ml_knobs_take(knobs, &turn)) return 0;
    lua_pushinteger(L, turn.knob + 1);
    lua_pushnumber(L, to_lua(knobs, turn.knob, turn.value));
    lua_pushboolean(L, turn.goes_on);
    return 3;
}

static int knobs_shown(lua_State *L) /* shown(knob) -> value, locked */
{
    ml_knob     all[ML_KNOBS];
    bool        locked;
    ml_knobs   *knobs = lml_knobs_at(L, 1);
    lua_Integer i     = luaL_checkinteger(L, 2) - 1;
    if (i < 0 || i >= ml_knobs_look(knobs, all, &locked)) return 0;
    lua_pushnumber(L, to_lua(knobs, (int)i, all[i].value));
    lua_pushboolean(L, locked);
    return 2;
}

static int knobs_lock(lua_State *L) /* lock(locked) */
{
    ml_knobs_lock(lml_knobs_at(L, 1), lua_toboolean(L, 2));
    return 0;
}

static const luaL_Reg knobs_methods[] = {
    { "add", knobs_add },     { "set", knobs_set },   { "turn", knobs_turn }, { "take", knobs_take },
    { "shown", knobs_shown }, { "lock", knobs_lock }, { NULL, NULL },
};

static const luaL_Reg knobs_functions[] = { { "new", knobs_new }, { NULL, NULL } };

int lml_open_knobs(lua_State *L)
{
    luaL_newmetatable(L, KNOBS);
    luaL_newlib(L, knobs_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, knobs_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, knobs_functions);
    return 1;
}
