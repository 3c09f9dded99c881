/* The log of a run for Lua: what hands did to it. */
#include "lua/lua_run.h"

typedef struct history {
    ml_run_reader *reader;
} history;

#define HISTORY "moonlab.Run.history"

static int history_gc(lua_State *L)
{
    history *self = luaL_checkudata(L, 1, HISTORY);
    ml_run_close(self->reader);
    self->reader = NULL;
    return 0;
}

static void push_change(lua_State *L, const ml_record *record)
{
    lua_createtable(L, 0, 5);
    lua_pushinteger(L, record->step);
    lua_setfield(L, -2, "step");
    lua_pushinteger(L, record->loop);
    lua_setfield(L, -2, "loop");
    lua_pushstring(L, record->text);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, record->detail);
    lua_setfield(L, -2, "value");
    lua_pushboolean(L, record->goes_on);
    lua_setfield(L, -2, "goes_on");
}

static int push_problem(lua_State *L)
{
    lua_pushnil(L);
    lua_pushstring(L, ml_error_message());
    ml_error_clear();
    return 2;
}

/* history(run directory) -> { changes = { { step =, loop =, name =, value = JSON, goes_on = }, ... }, stops = { [loop] = step },
 * last = the last step that was logged, ended = the log is complete }; or
 * nil and what is wrong */
int lml_run_history(lua_State *L)
{
    const char *dir  = luaL_checkstring(L, 1);
    history    *self = lua_newuserdatauv(L, sizeof *self, 0); /* closes the reader whatever happens */
    self->reader     = NULL;
    if (luaL_newmetatable(L, HISTORY)) {
        lua_pushcfunction(L, history_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    self->reader = ml_run_open(dir);
    if (!self->reader) return push_problem(L);
    ml_record record;
    int64_t   last  = 0;
    bool      ended = false;
    lua_newtable(L);
    int all = lua_gettop(L);
    lua_newtable(L);
    int changes = lua_gettop(L);
    lua_newtable(L);
    int stops = lua_gettop(L);
    for (lua_Integer n = 0; ml_run_next(self->reader, &record);) {
        if (record.kind == ML_RECORD_CHANGE) {
            push_change(L, &record);
            lua_rawseti(L, changes, ++n);
        } else if (record.kind == ML_RECORD_STOP) {
            lua_pushinteger(L, record.step);
            lua_rawseti(L, stops, record.loop);
        }
        if (record.step > last) last = record.step;
        ended = record.kind == ML_RECORD_END;
    }
    if (ml_run_stopped(self->reader)) return push_problem(L);
    lua_setfield(L, all, "stops");
    lua_setfield(L, all, "changes");
    lua_pushinteger(L, last);
    lua_setfield(L, all, "last");
    lua_pushboolean(L, ended);
    lua_setfield(L, all, "ended");
    ml_run_close(self->reader);
    self->reader = NULL;
    return 1;
}
