/* Derivatives: backward, gradients as results, switching the recording, anomaly detection. */
#include "moonlab/autograd.h"
#include "moonlab/fuse.h"

#include "lua/lua_moonlab.h"

static ml_grad_opts read_grad_options(lua_State *L, int t, const char *where)
{
    static const char *const known[] = { "seed", "keep_graph", "create_graph" };
    ml_grad_opts             opts    = { 0 };
    lml_check_options(L, t, where, known, 3);
    if (!lua_istable(L, t)) return opts;
    if (lua_getfield(L, t, "seed") != LUA_TNIL)
        opts.seed = lml_check(L, -1, &lml_tensor_type, where, "seed"); /* t keeps it */
    lua_pop(L, 1);
    lml_option_flag(L, t, where, "keep_graph", &opts.keep_graph);
    lml_option_flag(L, t, where, "create_graph", &opts.create_graph);
    return opts;
}

static int tensor_backward(lua_State *L) /* x:backward{ seed =, keep_graph =, create_graph = } */
{
    ml_tensor   *x    = lml_check_tensor(L, 1, "backward");
    ml_grad_opts opts = read_grad_options(L, 2, "backward");
    lml_work     work = lml_enter(L);
    bool         ok;
    do ok = ml_backward(x, &opts);
    while (!ok && lml_retry(L, &work));
    lml_leave(L, &work, ok);
    return 0;
}

static int tensor_requires_grad_(lua_State *L) /* x:requires_grad_(true); returns x */
{
    ml_tensor *x  = lml_check_tensor(L, 1, "requires_grad_");
    bool       on = lua_isnone(L, 2) || lua_toboolean(L, 2);
    if (!ml_requires_grad(x, on)) return lml_error(L);
    lua_settop(L, 1);
    return 1;
}

static int tensor_zero_grad(lua_State *L)
{
    ml_tensor_zero_grad(lml_check_tensor(L, 1, "zero_grad"));
    lua_settop(L, 1);
    return 1;
}

static int tensor_detach(lua_State *L)
{
    ml_tensor *x    = lml_check_tensor(L, 1, "detach");
    lml_work   work = lml_begin(L);
    return lml_finish(L, &work, ml_detach(x));
}

/* grad(y, x, options) -> gradient; grad(y, {x1, x2}, options) -> list of gradients */
static int grad(lua_State *L)
{
    ml_tensor   *y    = lml_check_tensor(L, 1, "grad");
    ml_grad_opts opts = read_grad_options(L, 3, "grad");
    bool         one  = lml_test_tensor(L, 2) != NULL;
    if (!one && !lua_istable(L, 2))
        return lml_raise(L, "grad: argument 2 must be a tensor or a list of them, got %s", lml_got(L, 2));
    if (one) {
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, 2);
        lua_rawseti(L, -2, 1);
        lua_replace(L, 2);
    }
    int n = (int)lua_rawlen(L, 2);
    ml_tensor **all   = lua_newuserdatauv(L, (size_t)n * 2 * sizeof *all + 1, 0), **dx = all + n;
    void     ***slots = lua_newuserdatauv(L, (size_t)n * sizeof *slots + 1, 0);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        ml_tensor *x     = lml_check(L, -1, &lml_tensor_type, "grad", "an input");
        ml_shape   shape = ml_tensor_shape(x);
        if (!ml_tensor_requires_grad(x))
            return lml_raise(L, "grad: input %d, shape %s, is not recorded; x:requires_grad_() before it is used",
                             i + 1, ml_shape_text(&shape));
        lua_pop(L, 1); /* the list keeps it */
        all[i]   = x;
        slots[i] = lml_new(L, &lml_tensor_type);
        lua_rawseti(L, -2, i + 1);
    }
    lml_work work = lml_enter(L);
    bool     ok;
    do ok = ml_grad(y, all, n, dx, &opts);
    while (!ok && lml_retry(L, &work));
    for (int i = 0; ok && i < n; i++) *slots[i] = ml_retain(dx[i]);
    lml_leave(L, &work, ok);
    if (one) lua_rawgeti(L, -1, 1);
    return 1;
}

/* --- fuse ----------------------------------------------------------------------------------------------------------- */
/* What a fused function returned is computed, together. */
static int end_fused(lua_State *L, int status, lua_KContext unused)
{
    (void)status, (void)unused;
    int         n       = lua_gettop(L);
    ml_tensor **results = lua_newuserdatauv(L, (size_t)n * sizeof *results + 1, 0);
    for (int i = 0; i < n; i++) results[i] = lml_test_tensor(L, i + 1);
    lml_work work = lml_enter(L);
    bool     ok;
    do ok = ml_fuse_compute(results, n);
    while (!ok && lml_retry(L, &work));
    lml_leave(L, &work, ok);
    lua_settop(L, n);
    return n;
}

static int call_fused(lua_State *L) /* upvalue 1: the function */
{
    int n = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        ml_tensor *x = lml_test_tensor(L, i);
        if (!x) continue;
        lml_work work = lml_begin(L);
        lml_finish(L, &work, ml_fuse_input(x));
        lua_replace(L, i);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, n, LUA_MULTRET, 0, end_fused);
    return end_fused(L, LUA_OK, 0);
}

static int fuse(lua_State *L) /* fuse(f) -> function */
{
    lua_settop(L, 1);
    if (!lua_isfunction(L, 1) && !luaL_getmetafield(L, 1, "__call")) return lml_raise(L, "fuse: needs a function, got %s", lml_got(L, 1));
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, call_fused, 1);
    return 1;
}

/* recording() -> boolean; recording(on) sets it and returns what it was. ml.no_grad is made of it. */
static int recording(lua_State *L)
{
    bool was = lua_isnone(L, 1) ? ml_recording() : ml_set_recording(lua_toboolean(L, 1));
    lua_pushboolean(L, was);
    return 1;
}

static int detect_anomaly(lua_State *L) /* detect_anomaly(on); returns what it was */
{
    bool was = ml_anomaly_detection();
    if (!lua_isboolean(L, 1)) return lml_raise(L, "detect_anomaly: takes true or false, got %s", lml_got(L, 1));
    ml_detect_anomaly(lua_toboolean(L, 1));
    lua_pushboolean(L, was);
    return 1;
}

static const luaL_Reg methods[] = {
    { "backward", tensor_backward }, { "requires_grad_", tensor_requires_grad_ }, { "zero_grad", tensor_zero_grad },
    { "detach", tensor_detach }, { NULL, NULL },
};

static const luaL_Reg functions[] = {
    { "grad", grad }, { "recording", recording }, { "detect_anomaly", detect_anomaly }, { "fuse", fuse }, { NULL, NULL },
};

int lml_open_autograd(lua_State *L)
{
    lml_push_methods(L);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
