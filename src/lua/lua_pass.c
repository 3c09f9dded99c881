/* A pass: what `self` is inside the forward of a module in Lua. It gives the parameters, buffers and layers that this run of the
 * module was given, and layers that it gives are passes too, of runs that have not begun. */
#include "lua/lua_nn.h"

#include <string.h>

#define PASS "moonlab.Pass"

typedef struct pass {
    ml_pass     *is;
    struct pass *root; /* the one whose forward runs; user value 1 keeps it */
    bool         over;
} pass; /* of one that was entered the ml_pass follows */

static pass *check_pass(lua_State *L)
{
    pass *p = luaL_checkudata(L, 1, PASS);
    if (p->root->over)
        lml_raise(L, "self is of a call of forward that is over; keep what it returns, or the module itself; ml.checkpoint goes "
                     "around a module, not inside its forward");
    return p;
}

static ml_module *module_of(const pass *p) { return ml_pass_module(p->is); }

/* Pushes the run of child i of the pass at index 1. */
static void push_child(lua_State *L, const pass *p, int i)
{
    size_t head  = (sizeof(pass) + 15) / 16 * 16;
    pass  *child = lua_newuserdatauv(L, head + ml_pass_bytes(), 1);
    *child       = (pass){ (ml_pass *)(void *)((char *)child + head), p->root, false };
    luaL_setmetatable(L, PASS);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    if (!ml_pass_enter(p->is, i, child->is)) lml_error(L);
}

static void push_pass_of(lua_State *L, void *of, int i) { push_child(L, of, i); }

static int pass_index(lua_State *L) /* self.name, self[i]; upvalue: the methods */
{
    pass            *p = check_pass(L);
    const ml_module *m = module_of(p);
    int              i, n = ml_module_children(m);
    if (lua_isinteger(L, 2)) {
        lua_Integer at = lua_tointeger(L, 2);
        if (at == 0 || at > n || at < -n) return lml_raise(L, "%s: no layer %lld; it has %d, counted from 1", ml_module_text(m), (long long)at, n);
        return push_child(L, p, (int)(at > 0 ? at - 1 : n + at)), 1;
    }
    if (lua_type(L, 2) != LUA_TSTRING) return lml_raise(L, "%s: takes a position or a name, got %s", ml_module_text(m), lml_got(L, 2));
    switch (ml_pass_find(p->is, lua_tostring(L, 2), &i)) {
    case ML_PART_PARAMETER: return lml_push_tensor(L, ml_pass_parameter(p->is, i));
    case ML_PART_BUFFER: return lml_push_tensor(L, ml_pass_buffer(p->is, i));
    case ML_PART_CHILD: return push_child(L, p, i), 1;
    default: break;
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (lml_push_part(L, m)) return lml_part_value(L, p, push_pass_of), 1; /* it may be nil: for `if self.x then` */
    return lml_no_field(L, ml_module_kind(m), lua_tostring(L, 2), lua_upvalueindex(1));
}

static int pass_newindex(lua_State *L) /* self.name = value: a buffer becomes it; else a field of the module */
{
    pass            *p    = check_pass(L);
    const ml_module *m    = module_of(p);
    const char      *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    int              i;
    ml_part          what = ml_pass_find(p->is, name, &i);
    if (what == ML_PART_BUFFER) {
        ml_tensor *value = lml_check(L, 3, &lml_tensor_type, ml_module_kind(m), name);
        lml_work   work  = lml_enter(L);
        bool       ok;
        do ok = ml_pass_set_buffer(p->is, i, value);
        while (!ok && lml_retry(L, &work));
        lml_leave(L, &work, ok);
        return 0;
    }
    if (what != ML_PART_NONE)
        return lml_raise(L, "%s: %s is a %s; it does not change while the module runs", ml_module_text(m), name,
                         what == ML_PART_CHILD ? "layer" : "parameter");
    if (!lml_push_part(L, m)) return lml_raise(L, "%s: no field '%s' can be set", ml_module_text(m), name);
    lua_getfield(L, -1, "fields");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

static int pass_call(lua_State *L) /* self.layer(x) */
{
    pass *p = check_pass(L);
    if (p == p->root) return lml_raise(L, "%s: it is running already; call its layers", ml_module_text(module_of(p)));
    ml_tensor *x    = lml_check(L, 2, &lml_tensor_type, ml_module_kind(module_of(p)), "its input"), *y;
    lml_work   work = lml_begin(L);
    do y = ml_pass_run(p->is, x);
    while (!y && lml_retry(L, &work));
    return lml_finish(L, &work, y);
}

static int pass_len(lua_State *L)
{
    lua_pushinteger(L, ml_module_children(module_of(check_pass(L))));
    return 1;
}

static int pass_training(lua_State *L)
{
    lua_pushboolean(L, ml_pass_training(check_pass(L)->is));
    return 1;
}

static int pass_kind(lua_State *L)
{
    lua_pushstring(L, ml_module_kind(module_of(check_pass(L))));
    return 1;
}

static int pass_describe(lua_State *L)
{
    lua_pushstring(L, ml_module_text(module_of(check_pass(L))));
    return 1;
}

static int pass_point(lua_State *L) /* self:point("pattern", y) -> y, or what a hook puts there */
{
    pass       *p    = check_pass(L);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
    if (!name) return lml_raise(L, "point: a value inside a module has a name, got %s", lml_got(L, 2));
    ml_tensor *value = lml_check(L, 3, &lml_tensor_type, "point", name), *y;
    lml_work   work  = lml_begin(L);
    do y = ml_pass_point(p->is, name, value);
    while (!y && lml_retry(L, &work));
    return lml_finish(L, &work, y);
}

static int pass_close(lua_State *L) /* forward has returned, or raised */
{
    pass *p = lua_touserdata(L, 1);
    p->over = true;
    return 0;
}

static const luaL_Reg pass_methods[] = {
    { "training", pass_training }, { "point", pass_point }, { "kind", pass_kind }, { "describe", pass_describe }, { NULL, NULL },
};
static const luaL_Reg pass_metamethods[] = {
    { "__newindex", pass_newindex }, { "__call", pass_call }, { "__len", pass_len }, { "__close", pass_close },
    { "__tostring", pass_describe }, { NULL, NULL },
};

void lml_push_pass(lua_State *L, ml_pass *is)
{
    pass *self = lua_newuserdatauv(L, sizeof *self, 1);
    *self      = (pass){ is, self, false };
    luaL_setmetatable(L, PASS);
}

void lml_open_pass(lua_State *L)
{
    luaL_newmetatable(L, PASS);
    luaL_setfuncs(L, pass_metamethods, 0);
    luaL_newlib(L, pass_methods);
    lua_pushcclosure(L, pass_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
