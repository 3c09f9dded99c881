/* Optimizers: what a script does with one. */
#include "lua/lua_optim.h"

#include <string.h>

static void release_optim(void *opt)
{
    ml_optim_release(opt);
}
const lml_type lml_optim_type = { "moonlab.Optimizer", release_optim };

ml_optim *lml_check_optim(lua_State *L, const char *where)
{
    ml_optim *opt = lml_test(L, 1, &lml_optim_type);
    return opt ? opt : lml_check(L, 1, &lml_optim_type, where, "the optimizer");
}

/* --- using it: all return the optimizer, so that calls chain ------------------------------------------------ */
static int optim_minimize(lua_State *L)
{
    ml_optim  *opt  = lml_check_optim(L, "minimize");
    ml_tensor *loss = lml_check(L, 2, &lml_tensor_type, "minimize", "the loss");
    lml_work   work = lml_enter(L);
    bool       ok;
    do ok = ml_optim_minimize(opt, loss);
    while (!ok && lml_retry(L, &work));
    lml_leave(L, &work, ok);
    lua_settop(L, 1);
    return 1;
}

static int optim_step(lua_State *L)
{
    ml_optim *opt  = lml_check_optim(L, "step");
    lml_work  work = lml_enter(L);
    lml_leave(L, &work, ml_optim_step(opt));
    lua_settop(L, 1);
    return 1;
}

static int optim_zero_grad(lua_State *L)
{
    ml_optim_zero_grad(lml_check_optim(L, "zero_grad"));
    lua_settop(L, 1);
    return 1;
}

/* --- looking, changing: opt.lr, and opt.groups[2].lr ------------------------------------------------------------- */
const char *const lml_rate_names[ML_RATE_COUNT] = { "lr", "weight_decay" };

static int rate_found(const char *name) /* -1: it is none */
{
    for (int r = 0; r < ML_RATE_COUNT; r++)
        if (strcmp(name, lml_rate_names[r]) == 0) return r;
    return -1;
}

int lml_push_rate(lua_State *L, const ml_optim *opt, int group, ml_rate which)
{
    lml_work   work = lml_begin(L);
    ml_tensor *rate = ml_optim_rate_each(opt, group, which);
    if (rate) return lml_finish(L, &work, rate);
    lml_leave(L, &work, true);
    lua_pushnumber(L, ml_optim_rate(opt, group, which));
    return 1;
}

bool lml_set_rate(lua_State *L, ml_optim *opt, int group, ml_rate which, int value)
{
    ml_tensor *each = lml_test_tensor(L, value);
    if (each) return ml_optim_set_rate_each(opt, group, which, each);
    return ml_optim_set_rate(opt, group, which, lml_check_number(L, value, ml_optim_kind(opt), lml_rate_names[which]));
}

static ml_optim *of_group(lua_State *L, int *group) /* upvalues of a group's functions */
{
    *group = (int)lua_tointeger(L, lua_upvalueindex(2));
    return lml_test(L, lua_upvalueindex(1), &lml_optim_type);
}

static int group_index(lua_State *L)
{
    int             group;
    const ml_optim *opt  = of_group(L, &group);
    const char     *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    int             rate = rate_found(name);
    if (!opt) return lml_raise(L, "the optimizer of this group has been closed");
    if (rate >= 0) return lml_push_rate(L, opt, group, (ml_rate)rate);
    if (strcmp(name, "kind") != 0) return lml_raise(L, "a group has no field '%s'; it has kind, lr, weight_decay", name);
    lua_pushstring(L, ml_optim_group_kind(opt, group));
    return 1;
}

static int group_newindex(lua_State *L)
{
    int         group;
    ml_optim   *opt  = of_group(L, &group);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    int         rate = rate_found(name);
    if (!opt) return lml_raise(L, "the optimizer of this group has been closed");
    if (rate < 0) return lml_raise(L, "%s: no field '%s' of a group can be set; lr and weight_decay can", ml_optim_kind(opt), name);
    return lml_set_rate(L, opt, group, (ml_rate)rate, 3) ? 0 : lml_error(L);
}

/* A list with a table for each group, whose fields are read and written through. */
static void push_groups(lua_State *L, const ml_optim *opt)
{
    static const luaL_Reg through[] = { { "__index", group_index }, { "__newindex", group_newindex }, { NULL, NULL } };
    lua_newtable(L);
    for (int i = 0; i < ml_optim_n_groups(opt); i++) {
        lua_newtable(L);
        luaL_newlibtable(L, through);
        lua_pushvalue(L, 1);
        lua_pushinteger(L, i);
        luaL_setfuncs(L, through, 2);
        lua_setmetatable(L, -2);
        lua_rawseti(L, -2, i + 1);
    }
}

static bool push_field(lua_State *L, const ml_optim *opt, const char *name)
{
    int rate = rate_found(name);
    if (rate >= 0) lml_push_rate(L, opt, -1, (ml_rate)rate);
    else if (strcmp(name, "steps") == 0) lua_pushinteger(L, ml_optim_steps(opt));
    else if (strcmp(name, "kind") == 0) lua_pushstring(L, ml_optim_kind(opt));
    else if (strcmp(name, "groups") == 0) push_groups(L, opt);
    else return false;
    return true;
}

static int optim_index(lua_State *L) /* opt.lr, opt:step; upvalue: the methods */
{
    const ml_optim *opt = lml_check_optim(L, "index");
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (lua_type(L, 2) != LUA_TSTRING)
        return lml_raise(L, "%s: takes a name, got %s", ml_optim_kind(opt), lml_got(L, 2));
    if (push_field(L, opt, lua_tostring(L, 2))) return 1;
    return lml_no_field(L, ml_optim_kind(opt), lua_tostring(L, 2), lua_upvalueindex(1));
}

static int optim_newindex(lua_State *L)
{
    ml_optim   *opt  = lml_check_optim(L, "assign");
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    int         rate = rate_found(name);
    if (rate < 0) return lml_raise(L, "%s: no field '%s' can be set; lr and weight_decay can", ml_optim_kind(opt), name);
    return lml_set_rate(L, opt, -1, (ml_rate)rate, 3) ? 0 : lml_error(L);
}

static int optim_tostring(lua_State *L)
{
    const ml_optim *opt = lml_check_optim(L, "tostring");
    lua_pushfstring(L, "%s(lr = %f, weight_decay = %f): %d parameters, %I steps", ml_optim_kind(opt),
                    ml_optim_lr(opt), ml_optim_weight_decay(opt), ml_optim_n_parameters(opt),
                    (LUAI_UACINT)ml_optim_steps(opt));
    return 1;
}

static const luaL_Reg methods[] = {
    { "minimize", optim_minimize }, { "step", optim_step }, { "zero_grad", optim_zero_grad },
    { "state", lml_optim_state }, { "load_state", lml_optim_load_state }, { NULL, NULL },
};

static const luaL_Reg metamethods[] = {
    { "__newindex", optim_newindex }, { "__tostring", optim_tostring }, { NULL, NULL },
};

int lml_open_optim(lua_State *L)
{
    lua_newtable(L);
    const ml_optim_info *info;
    for (int i = 0; (info = ml_optim_info_at(i)); i++) {
        lua_pushinteger(L, i);
        lua_pushcclosure(L, lml_new_optim, 1);
        lua_setfield(L, -2, info->name);
    }
    lml_new_type(L, &lml_optim_type);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, optim_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    return 1;
}
