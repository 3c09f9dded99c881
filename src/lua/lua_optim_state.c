/* What an optimizer remembers, as tables: opt:state() and opt:load_state().
 *
 *     { kind =, steps =, lr =, weight_decay =, groups = { { lr =, weight_decay = }, ... },
 *       parameters = { { steps =, <name> = tensor, ... }, ... },
 *       own = { <name> = tensor, ... }, schedule_start = }                                 the tensors are copies */
#include <math.h>
#include <string.h>

#include "lua/lua_optim.h"

/* Sets the rates of a group, or of the whole (-1), as fields of the table on top. */
static void push_rates(lua_State *L, const ml_optim *opt, int group)
{
    int t = lua_gettop(L);
    for (int r = 0; r < ML_RATE_COUNT; r++) {
        lml_push_rate(L, opt, group, (ml_rate)r);
        lua_setfield(L, t, lml_rate_names[r]);
        lua_settop(L, t); /* a rate leaves more than itself */
    }
}

static void push_copy(lua_State *L, ml_tensor *t)
{
    lml_work   work = lml_begin(L);
    ml_tensor *copy;
    do copy = ml_clone(t);
    while (!copy && lml_retry(L, &work));
    lml_finish(L, &work, copy);
}

int lml_optim_state(lua_State *L)
{
    const ml_optim *opt = lml_check_optim(L, "state");
    lua_settop(L, 1);
    lua_newtable(L);
    lua_pushstring(L, ml_optim_kind(opt));
    lua_setfield(L, 2, "kind");
    lua_pushinteger(L, ml_optim_steps(opt));
    lua_setfield(L, 2, "steps");
    push_rates(L, opt, -1);
    lua_newtable(L);
    for (int g = 0; g < ml_optim_n_groups(opt); g++) {
        lua_newtable(L);
        push_rates(L, opt, g);
        lua_rawseti(L, 3, g + 1);
    }
    lua_setfield(L, 2, "groups");
    lua_createtable(L, ml_optim_n_parameters(opt), 0);
    for (int i = 0; i < ml_optim_n_parameters(opt); i++) {
        lua_newtable(L);
        lua_pushinteger(L, ml_optim_parameter_steps(opt, i));
        lua_setfield(L, -2, "steps");
        for (int k = 0; k < ml_optim_n_state(opt, i); k++) {
            push_copy(L, ml_optim_state(opt, i, k));
            lua_setfield(L, -2, ml_optim_state_name(opt, i, k));
        }
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, 2, "parameters");
    if (ml_optim_n_own(opt) > 0) {
        lua_newtable(L);
        for (int k = 0; k < ml_optim_n_own(opt); k++) {
            push_copy(L, ml_optim_own(opt, k));
            lua_setfield(L, -2, ml_optim_own_name(opt, k));
        }
        lua_setfield(L, 2, "own");
    }
    if (lua_getiuservalue(L, 1, LML_SCHEDULE_START) == LUA_TNUMBER) lua_setfield(L, 2, "schedule_start");
    lua_settop(L, 2);
    return 1;
}

/* --- back --------------------------------------------------------------------------------------------------------- */
/* Field `name` of the table on top, pushed. */
static void state_field(lua_State *L, const char *name, int type)
{
    if (!lua_istable(L, -1) || lua_getfield(L, -1, name) != type)
        lml_raise(L, "load_state: this is no state of an optimizer: it has no %s", name);
}

static int64_t state_count(lua_State *L)
{
    state_field(L, "steps", LUA_TNUMBER);
    int64_t n = lml_check_integer(L, -1, "load_state", "steps");
    lua_pop(L, 1);
    return n;
}

/* The rates in the table on top: numbers that can be one, or tensors. */
static void check_rates(lua_State *L)
{
    for (int r = 0; r < ML_RATE_COUNT; r++) {
        lua_getfield(L, -1, lml_rate_names[r]);
        double value = lml_test_tensor(L, -1) ? 0 : lml_check_number(L, -1, "load_state", lml_rate_names[r]);
        if (!(value >= 0 && isfinite(value))) lml_raise(L, "load_state: %s must be a finite number, 0 or more, got %f", lml_rate_names[r], value);
        lua_pop(L, 1);
    }
}

static void check_groups(lua_State *L, const ml_optim *opt)
{
    check_rates(L);
    state_field(L, "groups", LUA_TTABLE);
    int given = (int)lua_rawlen(L, -1);
    if (given != ml_optim_n_groups(opt)) lml_raise(L, "load_state: this is the state of %d groups, not of %d", given, ml_optim_n_groups(opt));
    for (int g = 0; g < given; g++) {
        if (lua_rawgeti(L, -1, g + 1) != LUA_TTABLE) lml_raise(L, "load_state: group %d must be a table, got %s", g + 1, lml_got(L, -1));
        check_rates(L);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* From the table on top. A group that follows the whole goes on following: only what differs is set. */
static bool load_rates(lua_State *L, ml_optim *opt, int group)
{
    bool ok = true;
    for (int r = 0; ok && r < ML_RATE_COUNT; r++) {
        lua_getfield(L, -1, lml_rate_names[r]);
        ml_rate which = (ml_rate)r;
        bool    same  = lml_test_tensor(L, -1) ? group >= 0 && ml_optim_rate_follows(opt, group, which)
                                               : !ml_optim_rate_varies(opt, group, which) && lua_tonumber(L, -1) == ml_optim_rate(opt, group, which);
        ok = same || lml_set_rate(L, opt, group, which, lua_gettop(L));
        lua_pop(L, 1);
    }
    return ok;
}

int lml_optim_load_state(lua_State *L) /* opt:load_state(state): what opt:state() gave, of an optimizer made alike */
{
    ml_optim *opt = lml_check_optim(L, "load_state");
    lua_settop(L, 2);
    state_field(L, "kind", LUA_TSTRING);
    if (strcmp(lua_tostring(L, -1), ml_optim_kind(opt)) != 0)
        return lml_raise(L, "load_state: this is the state of %s, not of %s", lua_tostring(L, -1), ml_optim_kind(opt));
    lua_pop(L, 1);
    int64_t steps = state_count(L);
    check_groups(L, opt);
    state_field(L, "parameters", LUA_TTABLE);
    int n = ml_optim_n_parameters(opt), given = (int)lua_rawlen(L, -1), total = 0;
    if (given != n) return lml_raise(L, "load_state: this is the state of %d parameters, not of %d", given, n);
    for (int i = 0; i < n; i++) total += ml_optim_n_state(opt, i);
    int64_t    *counts = lua_newuserdatauv(L, (size_t)n * sizeof *counts + 1, 0);
    ml_tensor **state  = lua_newuserdatauv(L, (size_t)total * sizeof *state + 1, 0);
    for (int i = 0, next = 0; i < n; i++) {
        lua_rawgeti(L, 3, i + 1);
        counts[i] = state_count(L);
        for (int k = 0; k < ml_optim_n_state(opt, i); k++) {
            state_field(L, ml_optim_state_name(opt, i, k), LUA_TUSERDATA);
            state[next++] = lml_check(L, -1, &lml_tensor_type, "load_state", ml_optim_state_name(opt, i, k));
            lua_pop(L, 1); /* the table keeps it */
        }
        lua_pop(L, 1);
    }
    lua_pushvalue(L, 2); /* on top of the arrays, which the stack keeps */
    ml_tensor *own[16];
    if (ml_optim_n_own(opt) > 0) state_field(L, "own", LUA_TTABLE);
    for (int k = 0; k < ml_optim_n_own(opt); k++) {
        state_field(L, ml_optim_own_name(opt, k), LUA_TUSERDATA);
        own[k] = lml_check(L, -1, &lml_tensor_type, "load_state", ml_optim_own_name(opt, k));
        lua_pop(L, 1); /* the table keeps it */
    }
    if (!ml_optim_set_own(opt, own) || !ml_optim_set_state(opt, steps, counts, state)) return lml_error(L);
    lua_settop(L, 2);
    lua_getfield(L, 2, "schedule_start");
    if (lua_isinteger(L, -1)) lua_setiuservalue(L, 1, LML_SCHEDULE_START);
    lua_settop(L, 2);
    if (!load_rates(L, opt, -1)) return lml_error(L);
    state_field(L, "groups", LUA_TTABLE);
    for (int g = 0; g < ml_optim_n_groups(opt); g++) {
        lua_rawgeti(L, 3, g + 1);
        if (!load_rates(L, opt, g)) return lml_error(L);
        lua_pop(L, 1);
    }
    lua_settop(L, 1);
    return 1;
}
