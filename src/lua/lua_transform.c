/* What lua/moonlab/transform.lua makes the functional transforms of: fresh inputs, gradients of results, levels of vmap.
 * Lists of tensors go in and come out; trees, arguments and messages about them are the business of the Lua side. */
#include "moonlab/transform.h"

#include "lua/lua_moonlab.h"
#include "moonlab/autograd.h"

/* --- lists ------------------------------------------------------------------------------------------------------------- */
typedef struct list {
    int         n;
    ml_tensor **at;
} list;

/* The list of tensors at index, as an array that Lua owns; false in it: NULL. Pushes one value. */
static list check_list(lua_State *L, int index, const char *where)
{
    luaL_checktype(L, index, LUA_TTABLE);
    list l = { .n = (int)lua_rawlen(L, index) };
    l.at   = lua_newuserdatauv(L, (size_t)l.n * sizeof *l.at + 1, 0);
    for (int i = 0; i < l.n; i++) {
        lua_rawgeti(L, index, i + 1);
        l.at[i] = lua_isboolean(L, -1) ? NULL : lml_check(L, -1, &lml_tensor_type, where, "a value");
        lua_pop(L, 1); /* the list keeps it */
    }
    return l;
}

/* Pushes a list of n empty userdata, for results; their slots and room for the tensors are Lua's. */
typedef struct results {
    int         n;
    ml_tensor **at;
    void     ***slot;
} results;

static results new_results(lua_State *L, int n)
{
    results r = { .n = n };
    r.at      = lua_newuserdatauv(L, (size_t)n * sizeof *r.at + 1, 0);
    r.slot    = lua_newuserdatauv(L, (size_t)n * sizeof *r.slot + 1, 0);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        r.slot[i] = lml_new(L, &lml_tensor_type);
        lua_rawseti(L, -2, i + 1);
    }
    return r;
}

static int finish(lua_State *L, lml_work *work, const results *r, bool ok)
{
    for (int i = 0; ok && i < r->n; i++) *r->slot[i] = ml_retain(r->at[i]);
    lml_leave(L, work, ok);
    return 1;
}

/* --- calling a function, whatever happens in it ------------------------------------------------------------------------- */
static const char unwind_key; /* of the metatable of what puts the state back */

static int unwind(lua_State *L)
{
    ml_transform_restore(*(ml_transform_state *)lua_touserdata(L, 1));
    return 0;
}

/* call(recording, f, ...) -> what f returns. Recording is as asked for inside (nil: as it is) and as before afterwards; levels
 * of vmap that f has begun end with it. No continuation: a coroutine cannot yield out of f, which would leave its state. */
static int call(lua_State *L)
{
    int                 n   = lua_gettop(L);
    ml_transform_state *was = lua_newuserdatauv(L, sizeof *was, 0);
    *was                    = ml_transform_save();
    lua_rawgetp(L, LUA_REGISTRYINDEX, &unwind_key);
    lua_setmetatable(L, -2);
    bool asked = !lua_isnil(L, 1), on = lua_toboolean(L, 1);
    lua_replace(L, 1);
    lua_toclose(L, 1);
    if (asked) ml_set_recording(on);
    lua_call(L, n - 2, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* --- checkpoints -------------------------------------------------------------------------------------------------------- */
/* What is called again lives in the registry, as { fn, arguments, n = } under a reference. */
typedef struct kept_call {
    lua_State *main; /* any state of the same Lua; the main one lives longest */
    int        ref;
    lml_kept_passes *passes; /* of the modules in whose forward it is */
} kept_call;

static bool call_again(void *ctx)
{
    const kept_call *kept = ctx;
    lua_State       *L    = lml_running() ? lml_running() : kept->main;
    if (!lua_checkstack(L, 8)) return ml_fail("checkpoint: out of memory: no room to call the function again");
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, kept->ref);
    int saved = lua_gettop(L);
    lua_rawgeti(L, saved, 0);
    int n = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (!lua_checkstack(L, n + 1)) return lua_settop(L, top), ml_fail("checkpoint: out of memory: no room to call the function again");
    for (int i = 1; i <= n; i++) lua_rawgeti(L, saved, i);
    lml_resume_passes(kept->passes);
    bool ok = lua_pcall(L, n - 1, 0, 0) == LUA_OK;
    lml_suspend_passes(kept->passes);
    if (!ok) ml_fail("checkpoint: computing it again failed: %s", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1));
    lua_settop(L, top);
    lml_set_running(L);
    return ok;
}

static void release_call(void *ctx)
{
    kept_call *kept = ctx;
    luaL_unref(kept->main, LUA_REGISTRYINDEX, kept->ref);
    lml_drop_passes(kept->passes);
    ml_realloc(kept, sizeof *kept, 0);
}

/* checkpoint(fn, ...) -> what fn returns, recorded without the values between */
static int checkpoint(lua_State *L)
{
    int                 n   = lua_gettop(L);
    ml_transform_state *was = lua_newuserdatauv(L, sizeof *was, 0);
    *was                    = ml_transform_save();
    lua_rawgetp(L, LUA_REGISTRYINDEX, &unwind_key);
    lua_setmetatable(L, -2);
    lua_insert(L, 1);
    lua_toclose(L, 1);
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
        lua_pushvalue(L, 1 + i);
        lua_rawseti(L, -2, i);
    }
    lua_pushinteger(L, n);
    lua_rawseti(L, -2, 0);
    int        ref  = luaL_ref(L, LUA_REGISTRYINDEX);
    kept_call *kept = ml_realloc(NULL, 0, sizeof *kept);
    if (!kept) return luaL_unref(L, LUA_REGISTRYINDEX, ref), lml_error(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    *kept = (kept_call){ lua_tothread(L, -1), ref, NULL };
    lua_pop(L, 1);
    if (!lml_keep_passes(&kept->passes)) return release_call(kept), lml_error(L);
    if (!ml_checkpoint_begin(&(ml_again){ call_again, release_call, kept })) return lml_error(L);
    lua_call(L, n - 1, LUA_MULTRET);
    ml_checkpoint_end(*was);
    return lua_gettop(L) - 1;
}

/* --- derivatives -------------------------------------------------------------------------------------------------------- */
static int fresh(lua_State *L) /* fresh(list) -> list */
{
    list     in   = check_list(L, 1, "grad");
    results  r    = new_results(L, in.n);
    lml_work work = lml_enter(L);
    bool     ok;
    do {
        ok = true;
        for (int i = 0; ok && i < in.n; i++) ok = (r.at[i] = ml_fresh(in.at[i])) != NULL;
    } while (!ok && lml_retry(L, &work));
    return finish(L, &work, &r, ok);
}

static int release(lua_State *L) /* release(results, fresh) -> results as somebody outside may see them */
{
    list     y = check_list(L, 1, "grad"), in = check_list(L, 2, "grad");
    results  r = new_results(L, y.n);
    lml_work work = lml_enter(L);
    bool     ok;
    do {
        for (int i = 0; i < y.n; i++) r.at[i] = y.at[i];
        ok = ml_release_results(r.at, y.n, in.at, in.n);
    } while (!ok && lml_retry(L, &work));
    return finish(L, &work, &r, ok);
}

static int first_other_shape(lua_State *L) /* first_other_shape(tensors, others) -> the first place where shapes differ, or nil */
{
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, 1); i <= n; i++) {
        lua_rawgeti(L, 1, i);
        lua_rawgeti(L, 2, i);
        ml_shape a = ml_tensor_shape(lml_check_tensor(L, -2, "tree")), b = ml_tensor_shape(lml_check_tensor(L, -1, "tree"));
        lua_pop(L, 2);
        if (!ml_shape_equal(&a, &b)) return lua_pushinteger(L, i), 1;
    }
    return 0;
}

static int pull_back(lua_State *L) /* pull_back(results, seeds or nil, fresh, keep) -> gradients */
{
    list out = check_list(L, 1, "vjp"), in = check_list(L, 3, "vjp"), seeds = { 0 };
    if (!lua_isnil(L, 2)) seeds = check_list(L, 2, "vjp");
    bool     keep = lua_toboolean(L, 4);
    results  r    = new_results(L, in.n);
    lml_work work = lml_enter(L);
    bool     ok;
    do ok = ml_pull_back(out.at, seeds.at, out.n, in.at, in.n, keep, r.at);
    while (!ok && lml_retry(L, &work));
    return finish(L, &work, &r, ok);
}

static int push_forward(lua_State *L) /* push_forward(results, fresh, tangents) -> derivatives of the results */
{
    list     out = check_list(L, 1, "jvp"), in = check_list(L, 2, "jvp"), tangents = check_list(L, 3, "jvp");
    results  r    = new_results(L, out.n);
    lml_work work = lml_enter(L);
    bool     ok;
    do ok = ml_push_forward(out.at, out.n, in.at, tangents.at, in.n, r.at);
    while (!ok && lml_retry(L, &work));
    return finish(L, &work, &r, ok);
}

static int jacobian(lua_State *L) /* jacobian(result, fresh, keep) -> one for each input */
{
    ml_tensor *out  = lml_check_tensor(L, 1, "jacobian");
    list       in   = check_list(L, 2, "jacobian");
    bool       keep = lua_toboolean(L, 3);
    results    r    = new_results(L, in.n);
    lml_work   work = lml_enter(L);
    bool       ok;
    do ok = ml_jacobian_of(out, in.at, in.n, keep, r.at);
    while (!ok && lml_retry(L, &work));
    return finish(L, &work, &r, ok);
}

static int hvp(lua_State *L) /* hvp(result, fresh, v) -> products */
{
    ml_tensor *out  = lml_check_tensor(L, 1, "hvp");
    list       in   = check_list(L, 2, "hvp"), v = check_list(L, 3, "hvp");
    results    r    = new_results(L, in.n);
    lml_work   work = lml_enter(L);
    bool       ok;
    do ok = ml_hvp_of(out, in.at, v.at, in.n, r.at);
    while (!ok && lml_retry(L, &work));
    return finish(L, &work, &r, ok);
}

/* --- vmap ----------------------------------------------------------------------------------------------------------------- */
static int vmap_begin(lua_State *L) /* vmap_begin(size, randomness, own) -> level; inside `call`, which ends it */
{
    static const char *const names[] = { "error", "different", "same", NULL };
    ml_randomness randomness = (ml_randomness)luaL_checkoption(L, 2, "error", names);
    int64_t       level      = ml_vmap_begin(luaL_checkinteger(L, 1));
    if (!level) return lml_error(L);
    ml_vmap_randomness(level, randomness);
    if (lua_toboolean(L, 3)) ml_vmap_own_tensors(level);
    lua_pushinteger(L, level);
    return 1;
}

static int vmap_wrap(lua_State *L) /* vmap_wrap(level, x, dim): dim from 1, or from -1 at the end */
{
    int64_t    level = luaL_checkinteger(L, 1), dim = luaL_checkinteger(L, 3);
    ml_tensor *x     = lml_check_tensor(L, 2, "vmap"), *y;
    lml_work   work  = lml_begin(L);
    do y = ml_vmap_wrap(level, x, (int)(dim > 0 ? dim - 1 : dim));
    while (!y && lml_retry(L, &work));
    return lml_finish(L, &work, y);
}

static int vmap_unwrap(lua_State *L) /* vmap_unwrap(level, y, dim) */
{
    int64_t    level = luaL_checkinteger(L, 1), dim = luaL_checkinteger(L, 3);
    ml_tensor *y     = lml_check_tensor(L, 2, "vmap"), *x;
    lml_work   work  = lml_begin(L);
    do x = ml_vmap_unwrap(level, y, (int)(dim > 0 ? dim - 1 : dim));
    while (!x && lml_retry(L, &work));
    return lml_finish(L, &work, x);
}

static int vmap_numbers(lua_State *L) /* vmap_numbers(level, list) -> a plain number for each of the batch */
{
    int64_t level = luaL_checkinteger(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    int     n      = (int)lua_rawlen(L, 2);
    double *values = lua_newuserdatauv(L, (size_t)n * sizeof *values + 1, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        values[i] = luaL_checknumber(L, -1);
        lua_pop(L, 1);
    }
    lml_work   work = lml_begin(L);
    ml_tensor *x;
    do x = ml_vmap_numbers(level, values);
    while (!x && lml_retry(L, &work));
    return lml_finish(L, &work, x);
}

static int is_batched(lua_State *L) /* is_batched(x): does it stand for one of a batch? */
{
    lua_pushboolean(L, ml_tensor_is_batched(lml_check_tensor(L, 1, "is_batched")));
    return 1;
}

static const luaL_Reg functions[] = {
    { "call", call }, { "fresh", fresh }, { "release", release }, { "pull_back", pull_back }, { "push_forward", push_forward },
    { "jacobian", jacobian }, { "hvp", hvp }, { "first_other_shape", first_other_shape }, { "vmap_begin", vmap_begin }, { "vmap_wrap", vmap_wrap }, { "vmap_unwrap", vmap_unwrap },
    { "vmap_numbers", vmap_numbers }, { "checkpoint", checkpoint },
    { "is_batched", is_batched }, { NULL, NULL },
};

int lml_open_transform(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, unwind);
    lua_setfield(L, -2, "__close");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &unwind_key);
    luaL_newlib(L, functions);
    return 1;
}
