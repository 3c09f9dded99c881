/* Spectra of functions of Lua. lua/moonlab/linalg.lua makes trees into vectors and options into arguments. */
#include "moonlab/linalg.h"

#include "lua/lua_moonlab.h"

/* --- a function of Lua as an operator -------------------------------------------------------------------------------------- */
typedef struct callback {
    lua_State *L;
    int        function;  /* its index in the stack */
    bool       raised;    /* it did; what it raised is on top */
    ml_tensor *in, *out;
} callback;

/* Protected: whatever Lua may raise. Leaves the result on the stack, which keeps it. */
static int call_function(lua_State *L)
{
    callback *c = lua_touserdata(L, 1);
    lua_settop(L, 2); /* the function */
    lml_push_tensor(L, c->in);
    lua_call(L, 1, 1);
    c->out = lml_test_tensor(L, -1);
    if (!c->out) lml_raise(L, "linalg: the function must return a tensor, got %s", lml_got(L, -1));
    return 1;
}

static bool apply(void *ctx, ml_tensor *v, ml_tensor **out)
{
    callback *c = ctx;
    c->in       = v;
    lua_pushcfunction(c->L, call_function);
    lua_pushlightuserdata(c->L, c);
    lua_pushvalue(c->L, c->function);
    c->raised = lua_pcall(c->L, 2, 1, 0) != LUA_OK;
    if (c->raised) return ml_fail("linalg: the function failed");
    *out = ml_detach(c->out);
    lua_pop(c->L, 1);
    return *out != NULL;
}

/* Arguments of all: 1 function, 2 n, 3 dtype, 4 seed or nil */
static ml_operator check_operator(lua_State *L, callback *c, const char *where, ml_key *start)
{
    luaL_checkstack(L, 20, where);
    *c = (callback){ .L = L, .function = 1 };
    ml_operator a = { apply, c, lml_check_integer(L, 2, where, "n"), lml_check_dtype(L, 3, where) };
    *start = lua_isnil(L, 4) ? ml_key_next() : ml_key_of((uint64_t)lml_check_integer(L, 4, where, "seed"), 0);
    return a;
}

/* The slots of results are made before the work, as what makes them may raise. */
static void finish(lua_State *L, lml_work *work, const callback *c, bool ok, void **const slots[], ml_tensor *const results[], int n)
{
    for (int i = 0; ok && i < n; i++) *slots[i] = ml_retain(results[i]);
    lml_leave(L, work, ok || c->raised);
    if (c->raised) lua_error(L); /* as it was raised, with its own line */
}

/* --- the functions ------------------------------------------------------------------------------------------------------------ */
static int power_iteration(lua_State *L) /* (f, n, dtype, seed, steps, tolerance) -> value, vector, residual */
{
    callback      c;
    ml_power_opts o = { 0 };
    ml_operator   a = check_operator(L, &c, "power_iteration", &o.start);
    o.steps     = lml_check_integer(L, 5, "power_iteration", "steps");
    o.tolerance = lml_check_number(L, 6, "power_iteration", "tolerance");
    lua_settop(L, 6);
    void    **slot = lml_new(L, &lml_tensor_type);
    lml_work  work = lml_enter(L);
    ml_tensor *vector = NULL;
    double     value, residual;
    bool       ok = ml_power_iteration(&a, &o, &value, &vector, &residual);
    finish(L, &work, &c, ok, (void **const[]){ slot }, &vector, 1);
    lua_pushnumber(L, value);
    lua_insert(L, -2);
    lua_pushnumber(L, residual);
    return 3;
}

static int lanczos(lua_State *L) /* (f, n, dtype, seed, k, ends, steps, vectors) -> values, errors, vectors or nil */
{
    static const char *const ends[] = { "largest", "smallest", "both", NULL };
    callback        c;
    ml_lanczos_opts o = { 0 };
    ml_operator     a = check_operator(L, &c, "lanczos", &o.start);
    o.k       = lml_check_integer(L, 5, "lanczos", "k");
    o.ends    = (ml_ends)luaL_checkoption(L, 6, NULL, ends);
    o.steps   = lml_check_integer(L, 7, "lanczos", "steps");
    o.vectors = lua_toboolean(L, 8);
    lua_settop(L, 8);
    void      **slots[3];
    int         n = o.vectors ? 3 : 2;
    for (int i = 0; i < n; i++) slots[i] = lml_new(L, &lml_tensor_type);
    lml_work    work = lml_enter(L);
    ml_spectrum s    = { 0 };
    bool        ok   = ml_lanczos(&a, &o, &s);
    finish(L, &work, &c, ok, slots, (ml_tensor *[]){ s.values, s.errors, s.vectors }, n);
    return n;
}

static int spectral_density(lua_State *L) /* (f, n, dtype, seed, probes, steps, points, sigma, low, high) -> points, density */
{
    static const char *const where = "spectral_density";
    callback        c;
    ml_density_opts o = { 0 };
    ml_operator     a = check_operator(L, &c, where, &o.start);
    o.probes = lml_check_integer(L, 5, where, "probes");
    o.steps  = lml_check_integer(L, 6, where, "steps");
    o.points = lml_check_integer(L, 7, where, "points");
    o.sigma  = lml_check_number(L, 8, where, "sigma");
    o.low    = lml_check_number(L, 9, where, "low");
    o.high   = lml_check_number(L, 10, where, "high");
    lua_settop(L, 10);
    void    **slots[2] = { lml_new(L, &lml_tensor_type), lml_new(L, &lml_tensor_type) };
    lml_work  work = lml_enter(L);
    ml_tensor *results[2] = { NULL, NULL };
    bool       ok = ml_spectral_density(&a, &o, &results[0], &results[1]);
    finish(L, &work, &c, ok, slots, results, 2);
    return 2;
}

static const luaL_Reg functions[] = {
    { "power_iteration", power_iteration }, { "lanczos", lanczos }, { "spectral_density", spectral_density }, { NULL, NULL },
};

int lml_open_linalg(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
