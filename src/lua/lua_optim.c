/* Optimizers: SGD, Adam, AdamW. */
#include "moonlab/optim.h"

#include <stdio.h>
#include <string.h>

#include "lua/lua_moonlab.h"

static void release_optim(void *opt)
{
    ml_optim_release(opt);
}
const lml_type lml_optim_type = { "moonlab.Optimizer", release_optim };

static ml_optim *check_optim(lua_State *L, const char *where)
{
    ml_optim *opt = lml_test(L, 1, &lml_optim_type);
    return opt ? opt : lml_check(L, 1, &lml_optim_type, where, "the optimizer");
}

/* --- making one --------------------------------------------------------------------------------------------- */
/* The list of tensors at argument 1, as an array that Lua owns. */
static ml_tensor **check_params(lua_State *L, const char *where, int *n)
{
    if (!lua_istable(L, 1))
        lml_raise(L, "%s: the parameters must be a list of tensors, as model:parameters() gives, got %s", where,
                  lml_got(L, 1));
    *n = (int)lua_rawlen(L, 1);
    ml_tensor **params = lua_newuserdatauv(L, (size_t)*n * sizeof *params + 1, 0);
    for (int i = 0; i < *n; i++) {
        char name[32];
        snprintf(name, sizeof name, "parameter %d", i + 1);
        lua_rawgeti(L, 1, i + 1);
        params[i] = lml_check(L, -1, &lml_tensor_type, where, name);
        lua_pop(L, 1); /* the list keeps it */
    }
    return params;
}

/* lr or weight_decay: a number, or a tensor with one for each of a batch, which is returned and set afterwards. */
static ml_tensor *option_rate(lua_State *L, int t, const char *where, const char *name, double *value)
{
    if (!lua_istable(L, t)) return NULL;
    lua_getfield(L, t, name);
    ml_tensor *each = lml_test_tensor(L, -1);
    lua_pop(L, 1); /* the table keeps it */
    if (!each) lml_option_number(L, t, where, name, value);
    return each;
}

static int finish(lua_State *L, void **slot, ml_optim *opt, ml_tensor *lr, ml_tensor *weight_decay)
{
    *slot = opt;
    bool ok = opt && (!lr || ml_optim_set_lr_each(opt, lr)) && (!weight_decay || ml_optim_set_weight_decay_each(opt, weight_decay));
    return ok ? 1 : lml_error(L);
}

static void option_betas(lua_State *L, int t, const char *where, double betas[2])
{
    if (!lua_istable(L, t)) return;
    if (lua_getfield(L, t, "betas") != LUA_TNIL) {
        if (!lua_istable(L, -1) || lua_rawlen(L, -1) != 2)
            lml_raise(L, "%s: betas must be a list of two numbers, as in { 0.9, 0.999 }", where);
        for (int i = 0; i < 2; i++) {
            lua_rawgeti(L, -1, i + 1);
            betas[i] = lml_check_number(L, -1, where, "a beta");
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

static int new_sgd(lua_State *L) /* SGD(params, { lr =, momentum =, nesterov =, weight_decay = }) */
{
    static const char *const known[] = { "lr", "momentum", "nesterov", "weight_decay" };
    ml_sgd_opts opts = ml_sgd_defaults();
    int         n;
    lua_settop(L, 2);
    ml_tensor **params = check_params(L, "SGD", &n);
    lml_check_options(L, 2, "SGD", known, 4);
    ml_tensor *lr = option_rate(L, 2, "SGD", "lr", &opts.lr), *decay = option_rate(L, 2, "SGD", "weight_decay", &opts.weight_decay);
    lml_option_number(L, 2, "SGD", "momentum", &opts.momentum);
    lml_option_flag(L, 2, "SGD", "nesterov", &opts.nesterov);
    void **slot = lml_new(L, &lml_optim_type);
    return finish(L, slot, ml_sgd(params, n, &opts), lr, decay);
}

static int new_adam_like(lua_State *L, const char *where, ml_adam_opts opts,
                         ml_optim *(*make)(ml_tensor *const *, int, const ml_adam_opts *))
{
    static const char *const known[] = { "lr", "betas", "eps", "weight_decay" };
    int         n;
    lua_settop(L, 2);
    ml_tensor **params = check_params(L, where, &n);
    lml_check_options(L, 2, where, known, 4);
    ml_tensor *lr = option_rate(L, 2, where, "lr", &opts.lr), *decay = option_rate(L, 2, where, "weight_decay", &opts.weight_decay);
    option_betas(L, 2, where, opts.betas);
    lml_option_number(L, 2, where, "eps", &opts.eps);
    void **slot = lml_new(L, &lml_optim_type);
    return finish(L, slot, make(params, n, &opts), lr, decay);
}

static int new_adam(lua_State *L) { return new_adam_like(L, "Adam", ml_adam_defaults(), ml_adam); }
static int new_adamw(lua_State *L) { return new_adam_like(L, "AdamW", ml_adamw_defaults(), ml_adamw); }

/* --- using it: all return the optimizer, so that calls chain ------------------------------------------------ */
static int optim_minimize(lua_State *L)
{
    ml_optim  *opt  = check_optim(L, "minimize");
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
    ml_optim *opt  = check_optim(L, "step");
    lml_work  work = lml_enter(L);
    lml_leave(L, &work, ml_optim_step(opt));
    lua_settop(L, 1);
    return 1;
}

static int optim_zero_grad(lua_State *L)
{
    ml_optim_zero_grad(check_optim(L, "zero_grad"));
    lua_settop(L, 1);
    return 1;
}

/* --- looking, changing -------------------------------------------------------------------------------------- */
static int push_rate(lua_State *L, const ml_optim *opt, ml_tensor *(*each)(const ml_optim *), double (*all)(const ml_optim *))
{
    lml_work   work = lml_begin(L);
    ml_tensor *rate = each(opt);
    if (rate) return lml_finish(L, &work, rate);
    lml_leave(L, &work, true);
    lua_pushnumber(L, all(opt));
    return 1;
}

static int push_field(lua_State *L, const ml_optim *opt, const char *name)
{
    if (strcmp(name, "lr") == 0) return push_rate(L, opt, ml_optim_lr_each, ml_optim_lr);
    if (strcmp(name, "weight_decay") == 0) return push_rate(L, opt, ml_optim_weight_decay_each, ml_optim_weight_decay);
    if (strcmp(name, "steps") == 0) lua_pushinteger(L, ml_optim_steps(opt));
    else if (strcmp(name, "kind") == 0) lua_pushstring(L, ml_optim_kind(opt));
    else return 0;
    return 1;
}

static int optim_index(lua_State *L) /* opt.lr, opt:step; upvalue: the methods */
{
    const ml_optim *opt = check_optim(L, "index");
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
    ml_optim   *opt  = check_optim(L, "assign");
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    ml_tensor  *each = lml_test_tensor(L, 3);
    bool        ok   = true;
    if (each && strcmp(name, "lr") == 0) ok = ml_optim_set_lr_each(opt, each);
    else if (each && strcmp(name, "weight_decay") == 0) ok = ml_optim_set_weight_decay_each(opt, each);
    else if (strcmp(name, "lr") == 0) ok = ml_optim_set_lr(opt, lml_check_number(L, 3, ml_optim_kind(opt), "lr"));
    else if (strcmp(name, "weight_decay") == 0)
        ok = ml_optim_set_weight_decay(opt, lml_check_number(L, 3, ml_optim_kind(opt), "weight_decay"));
    else return lml_raise(L, "%s: no field '%s' can be set; lr and weight_decay can", ml_optim_kind(opt), name);
    return ok ? 0 : lml_error(L);
}

/* --- going on later --------------------------------------------------------------------------------------------- */
/* { kind =, steps =, lr =, weight_decay =, parameters = { { steps =, <name> = tensor, ... }, ... } }; the tensors are copies. */
static int optim_state(lua_State *L)
{
    const ml_optim *opt = check_optim(L, "state");
    static const char *const fields[] = { "kind", "steps", "lr", "weight_decay" };
    lua_settop(L, 1);
    lua_newtable(L);
    for (int i = 0; i < 4; i++) {
        push_field(L, opt, fields[i]);
        lua_setfield(L, 2, fields[i]);
        lua_settop(L, 2); /* a rate leaves more than itself */
    }
    lua_createtable(L, ml_optim_n_parameters(opt), 0);
    for (int i = 0; i < ml_optim_n_parameters(opt); i++) {
        lua_newtable(L);
        lua_pushinteger(L, ml_optim_parameter_steps(opt, i));
        lua_setfield(L, -2, "steps");
        for (int k = 0; k < ml_optim_n_state(opt); k++) {
            lml_work   work = lml_begin(L);
            ml_tensor *copy;
            do copy = ml_clone(ml_optim_state(opt, i, k));
            while (!copy && lml_retry(L, &work));
            lml_finish(L, &work, copy);
            lua_setfield(L, -2, ml_optim_state_name(opt, k));
        }
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, 2, "parameters");
    return 1;
}

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

static int optim_load_state(lua_State *L) /* opt:load_state(state): what opt:state() gave, of an optimizer made alike */
{
    ml_optim *opt = check_optim(L, "load_state");
    lua_settop(L, 2);
    state_field(L, "kind", LUA_TSTRING);
    if (strcmp(lua_tostring(L, -1), ml_optim_kind(opt)) != 0)
        return lml_raise(L, "load_state: this is the state of %s, not of %s", lua_tostring(L, -1), ml_optim_kind(opt));
    lua_pop(L, 1);
    int64_t steps = state_count(L);
    state_field(L, "parameters", LUA_TTABLE);
    int n = ml_optim_n_parameters(opt), n_state = ml_optim_n_state(opt), given = (int)lua_rawlen(L, -1);
    if (given != n) return lml_raise(L, "load_state: this is the state of %d parameters, not of %d", given, n);
    int64_t    *counts = lua_newuserdatauv(L, (size_t)n * sizeof *counts + 1, 0);
    ml_tensor **state  = lua_newuserdatauv(L, (size_t)(n * n_state) * sizeof *state + 1, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 3, i + 1);
        counts[i] = state_count(L);
        for (int k = 0; k < n_state; k++) {
            state_field(L, ml_optim_state_name(opt, k), LUA_TUSERDATA);
            state[i * n_state + k] = lml_check(L, -1, &lml_tensor_type, "load_state", ml_optim_state_name(opt, k));
            lua_pop(L, 1); /* the table keeps it */
        }
        lua_pop(L, 1);
    }
    static const char *const rates[] = { "lr", "weight_decay" };
    lua_settop(L, 2);
    for (int i = 0; i < 2; i++) {
        lua_getfield(L, 2, rates[i]);
        if (!lml_test_tensor(L, -1)) lml_check_number(L, -1, "load_state", rates[i]);
    }
    if (!ml_optim_set_state(opt, steps, counts, state)) return lml_error(L);
    for (int i = 0; i < 2; i++) { /* as opt.lr = value */
        lua_pushvalue(L, 3 + i);
        lua_setfield(L, 1, rates[i]);
    }
    lua_settop(L, 1);
    return 1;
}

static int optim_tostring(lua_State *L)
{
    const ml_optim *opt = check_optim(L, "tostring");
    lua_pushfstring(L, "%s(lr = %f, weight_decay = %f): %d parameters, %I steps", ml_optim_kind(opt),
                    ml_optim_lr(opt), ml_optim_weight_decay(opt), ml_optim_n_parameters(opt),
                    (LUAI_UACINT)ml_optim_steps(opt));
    return 1;
}

static const luaL_Reg methods[] = {
    { "minimize", optim_minimize }, { "step", optim_step }, { "zero_grad", optim_zero_grad },
    { "state", optim_state }, { "load_state", optim_load_state }, { NULL, NULL },
};

static const luaL_Reg metamethods[] = {
    { "__newindex", optim_newindex }, { "__tostring", optim_tostring }, { NULL, NULL },
};

static const luaL_Reg kinds[] = { { "SGD", new_sgd }, { "Adam", new_adam }, { "AdamW", new_adamw }, { NULL, NULL } };

int lml_open_optim(lua_State *L)
{
    luaL_newlib(L, kinds);
    lml_new_type(L, &lml_optim_type);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, optim_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    return 1;
}
