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
/* A loss that is computed when asked for: a function of Lua. */
typedef struct closure {
    lua_State *L;
    int        function, loss; /* where they are in the stack */
    bool       raised;         /* what it raised is on top */
} closure;

static int call_function(lua_State *L) /* protected; leaves the loss */
{
    lua_settop(L, 1);
    lua_call(L, 0, 1);
    if (!lml_test_tensor(L, -1)) lml_raise(L, "minimize: the function must return the loss, a tensor, got %s", lml_got(L, -1));
    return 1;
}

static ml_tensor *call_closure(void *ctx)
{
    closure *c = ctx;
    lua_pushcfunction(c->L, call_function);
    lua_pushvalue(c->L, c->function);
    c->raised = lua_pcall(c->L, 1, 1, 0) != LUA_OK;
    lml_set_running(c->L);
    if (c->raised) return ml_fail("minimize: the function failed");
    lua_replace(c->L, c->loss); /* the stack keeps it until the next */
    return lml_test_tensor(c->L, c->loss);
}

static int minimize_function(lua_State *L, ml_optim *opt)
{
    lua_settop(L, 2);
    lua_pushnil(L);
    luaL_checkstack(L, 10, "minimize");
    closure  c     = { L, 2, 3, false };
    double   value = 0;
    lml_work work  = lml_enter(L);
    bool     ok    = ml_optim_minimize_fn(opt, call_closure, &c, &value);
    lml_leave(L, &work, ok || c.raised);
    if (c.raised) return ml_error_clear(), lua_error(L); /* as it was raised, with its own line */
    lua_settop(L, 1);
    lua_pushnumber(L, value);
    return 2;
}

static int optim_minimize(lua_State *L)
{
    ml_optim *opt = lml_check_optim(L, "minimize");
    lml_apply_schedule(L, opt);
    if (lua_isfunction(L, 2)) return minimize_function(L, opt);
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
    ml_optim *opt = lml_check_optim(L, "step");
    lml_apply_schedule(L, opt);
    lml_work work = lml_enter(L);
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

/* --- schedules: a function of the steps made so far, which gives what all rates of learning count ------------------- */
void lml_set_schedule(lua_State *L, int opt, int function)
{
    const ml_optim *o = lml_test(L, opt, &lml_optim_type);
    if (!lua_isfunction(L, function) && !lua_isnil(L, function))
        lml_raise(L, "%s: a schedule must be a function of the step, as ml.optim.schedule.cosine gives, got %s", ml_optim_kind(o), lml_got(L, function));
    lua_pushvalue(L, function);
    lua_setiuservalue(L, opt, LML_SCHEDULE);
    lua_pushinteger(L, ml_optim_steps(o));
    lua_setiuservalue(L, opt, LML_SCHEDULE_START);
}

void lml_apply_schedule(lua_State *L, ml_optim *opt)
{
    if (lua_getiuservalue(L, 1, LML_SCHEDULE) == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    lua_getiuservalue(L, 1, LML_SCHEDULE_START);
    lua_pushinteger(L, ml_optim_steps(opt) - lua_tointeger(L, -1));
    lua_remove(L, -2);
    lua_call(L, 1, 1);
    if (!ml_optim_set_factor(opt, lml_check_number(L, -1, ml_optim_kind(opt), "what a schedule returns"))) lml_error(L);
    lua_pop(L, 1);
}

static int optim_set_schedule(lua_State *L)
{
    ml_optim *opt = lml_check_optim(L, "set_schedule");
    lua_settop(L, 2);
    lml_set_schedule(L, 1, 2);
    ml_optim_set_factor(opt, 1);
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

static int push_lr_now(lua_State *L, ml_optim *opt) /* of the next step, with the schedule */
{
    lml_apply_schedule(L, opt);
    lml_work   work = lml_begin(L);
    ml_tensor *each = ml_optim_lr_each(opt);
    if (each) return lml_finish(L, &work, ml_mul(each, ml_scalar(ml_optim_factor(opt), ML_F64)));
    lml_leave(L, &work, true);
    lua_pushnumber(L, ml_optim_lr(opt) * ml_optim_factor(opt));
    return 1;
}

static bool push_field(lua_State *L, ml_optim *opt, const char *name)
{
    int rate = rate_found(name);
    if (rate >= 0) lml_push_rate(L, opt, -1, (ml_rate)rate);
    else if (strcmp(name, "steps") == 0) lua_pushinteger(L, ml_optim_steps(opt));
    else if (strcmp(name, "kind") == 0) lua_pushstring(L, ml_optim_kind(opt));
    else if (strcmp(name, "groups") == 0) push_groups(L, opt);
    else if (strcmp(name, "lr_now") == 0) push_lr_now(L, opt);
    else if (strcmp(name, "clip_norm") == 0) lua_pushnumber(L, ml_optim_clip_norm(opt));
    else if (strcmp(name, "clip_value") == 0) lua_pushnumber(L, ml_optim_clip_value(opt));
    else if (strcmp(name, "time") == 0) lua_pushnumber(L, ml_optim_time(opt));
    else return false;
    return true;
}

static int optim_index(lua_State *L) /* opt.lr, opt:step; upvalue: the methods */
{
    ml_optim *opt = lml_check_optim(L, "index");
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
    bool        ok;
    if (rate >= 0) ok = lml_set_rate(L, opt, -1, (ml_rate)rate, 3);
    else if (strcmp(name, "clip_norm") == 0) ok = ml_optim_set_clip_norm(opt, lml_check_number(L, 3, ml_optim_kind(opt), name));
    else if (strcmp(name, "clip_value") == 0) ok = ml_optim_set_clip_value(opt, lml_check_number(L, 3, ml_optim_kind(opt), name));
    else return lml_raise(L, "%s: no field '%s' can be set; lr, weight_decay, clip_norm and clip_value can", ml_optim_kind(opt), name);
    return ok ? 0 : lml_error(L);
}

static int optim_tostring(lua_State *L)
{
    const ml_optim *opt = lml_check_optim(L, "tostring");
    lua_pushfstring(L, "%s(lr = %f, weight_decay = %f): %d parameters, %I steps", ml_optim_kind(opt),
                    ml_optim_lr(opt), ml_optim_weight_decay(opt), ml_optim_n_parameters(opt),
                    (LUAI_UACINT)ml_optim_steps(opt));
    return 1;
}

/* --- functions ------------------------------------------------------------------------------------------------------ */
static int sam(lua_State *L) /* SAM(opt, { rho =, adaptive = }) -> opt, whose steps are sharpness-aware from now on */
{
    static const char *const known[] = { "rho", "adaptive" };
    ml_optim   *opt = lml_check_optim(L, "SAM");
    ml_sam_opts o   = ml_sam_defaults();
    lua_settop(L, 2);
    lml_check_options(L, 2, "SAM", known, 2);
    lml_option_number(L, 2, "SAM", "rho", &o.rho);
    lml_option_flag(L, 2, "SAM", "adaptive", &o.adaptive);
    if (!ml_optim_set_sam(opt, &o)) return lml_error(L);
    lua_settop(L, 1);
    return 1;
}

static int clip_grad_norm(lua_State *L) /* (params, most) -> the norm before */
{
    int         n;
    double      most   = lml_check_number(L, 2, "clip_grad_norm", "the most");
    ml_tensor **params = lml_check_params(L, 1, "clip_grad_norm", &n);
    lml_work    work   = lml_begin(L);
    return lml_finish(L, &work, ml_clip_grad_norm(params, n, most));
}

static int clip_grad_value(lua_State *L) /* (params, most) */
{
    int         n;
    double      most   = lml_check_number(L, 2, "clip_grad_value", "the most");
    ml_tensor **params = lml_check_params(L, 1, "clip_grad_value", &n);
    lml_work    work   = lml_enter(L);
    lml_leave(L, &work, ml_clip_grad_value(params, n, most));
    return 0;
}

static const luaL_Reg functions[] = {
    { "SAM", sam }, { "clip_grad_norm", clip_grad_norm }, { "clip_grad_value", clip_grad_value }, { NULL, NULL },
};

static const luaL_Reg methods[] = {
    { "minimize", optim_minimize }, { "step", optim_step }, { "zero_grad", optim_zero_grad },
    { "set_schedule", optim_set_schedule },
    { "state", lml_optim_state }, { "load_state", lml_optim_load_state }, { NULL, NULL },
};

static const luaL_Reg metamethods[] = {
    { "__newindex", optim_newindex }, { "__tostring", optim_tostring }, { NULL, NULL },
};

int lml_open_optim(lua_State *L)
{
    luaL_newlib(L, functions);
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
