/* Modules written in Lua. The core has a custom module, whose forward calls the script; what the script made of it, its class and
 * its fields, is its part in Lua: a table { class =, fields =, lists = }.
 *
 * Who keeps a part alive? Not the registry: a function in it may hold the model, and such a circle would never go. Every userdata of
 * a module has, as its user value, the set of the parts of all modules inside it. So the core's modules hold only numbers, by which
 * they find their parts in a table with weak values, and Lua's collector sees all there is. */
#include "lua/lua_nn.h"

#include <stdio.h>
#include <string.h>

#include "moonlab/module.h"

static const char parts_key;  /* in the registry: number -> part, weak */
static const char copies_key; /* in the registry: the set of parts of the clone under way, or false */

typedef struct part {
    lua_State *main;
    int64_t    number;
} part;

static bool push_part(lua_State *L, const part *p)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &parts_key);
    bool found = lua_rawgeti(L, -1, p->number) == LUA_TTABLE;
    lua_remove(L, -2);
    if (!found) lua_pop(L, 1);
    return found;
}

static void release_part(void *ctx)
{
    ml_realloc(ctx, sizeof(part), 0);
}

/* A number for the table at index; NULL with a message. May raise. */
static part *new_part(lua_State *L, int index)
{
    static _Atomic int64_t last;
    int64_t number = ++last;
    index          = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &parts_key);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, number);
    lua_pop(L, 1);
    part *p = ml_realloc(NULL, 0, sizeof *p);
    if (p) *p = (part){ lml_main(L), number };
    return p;
}

/* --- the sets that keep parts alive ---------------------------------------------------------------------------------------- */
void lml_keep_parts(lua_State *L, int module, int of)
{
    module = lua_absindex(L, module);
    if (lua_getiuservalue(L, of, 1) == LUA_TTABLE) {
        if (lua_getiuservalue(L, module, 1) != LUA_TTABLE) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushvalue(L, -1);
            lua_setiuservalue(L, module, 1);
        }
        for (lua_pushnil(L); lua_next(L, -3);) { /* of the inner set */
            lua_pushvalue(L, -2);
            lua_insert(L, -3);
            lua_rawset(L, -4);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* --- a pass: what `self` is inside forward ------------------------------------------------------------------------------------ */
#define PASS "moonlab.Pass"

typedef struct pass {
    ml_pass     *is;
    struct pass *root; /* the one whose forward runs; user value 1 keeps it */
    bool         over;
} pass; /* of one that was entered the ml_pass follows */

static pass *check_pass(lua_State *L)
{
    pass *p = luaL_checkudata(L, 1, PASS);
    if (p->root->over) lml_raise(L, "self is of a call of forward that is over; keep what it returns, or the module itself");
    return p;
}

static ml_module *module_of(const pass *p) { return ml_pass_module(p->is); }

static ml_tensor *forward(void *ctx, ml_pass *is, ml_tensor *x);

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

/* Field `key` (at index 2) of the part on the top: one of its own fields, or its class's. Replaces the part; false: nil. */
static bool part_field(lua_State *L)
{
    lua_getfield(L, -1, "fields");
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 2);
        lua_getfield(L, -1, "class");
        lua_pushvalue(L, 2);
        lua_gettable(L, -2);
    }
    lua_replace(L, -3);
    lua_pop(L, 1);
    return !lua_isnil(L, -1);
}

/* A list of modules in a field: pushes a list of what push makes of the children there. */
static bool part_list(lua_State *L, void *of, void (*push)(lua_State *L, void *of, int i))
{
    lua_getfield(L, -1, "lists");
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TTABLE) return lua_pop(L, 2), false;
    int n = (int)lua_rawlen(L, -1);
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, -2, i);
        int child = (int)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
        push(L, of, child);
        lua_rawseti(L, -2, i);
    }
    return true;
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
    const part *own = ml_custom_context(m, forward);
    if (own && push_part(L, own)) {
        if (!part_list(L, p, push_pass_of)) part_field(L); /* it may be nil: for `if self.x then` */
        return 1;
    }
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
        return lml_raise(L, "%s: %s is a %s; it does not change while the module runs", ml_module_text(m), name, what == ML_PART_CHILD ? "layer" : "parameter");
    const part *own = ml_custom_context(m, forward);
    if (!own || !push_part(L, own)) return lml_raise(L, "%s: no field '%s' can be set", ml_module_text(m), name);
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
    { "__newindex", pass_newindex }, { "__call", pass_call }, { "__len", pass_len }, { "__close", pass_close }, { "__tostring", pass_describe }, { NULL, NULL },
};

/* --- forward ----------------------------------------------------------------------------------------------------------------------- */
typedef struct call {
    const part *of;
    ml_pass    *is;
    ml_tensor  *x, *y;
} call;

static int run(lua_State *L) /* under lml_protect: it may raise */
{
    call       *c    = lua_touserdata(L, 1);
    const char *kind = ml_module_kind(ml_pass_module(c->is));
    if (!push_part(L, c->of)) return lml_raise(L, "%s: what the script made of it is gone", kind);
    lua_getfield(L, -1, "class");
    lua_getfield(L, -1, "forward");
    pass *self = lua_newuserdatauv(L, sizeof *self, 1);
    *self      = (pass){ c->is, self, false };
    luaL_setmetatable(L, PASS);
    lua_toclose(L, -1);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lml_push_tensor(L, c->x);
    lua_call(L, 2, 1);
    ml_tensor *y = lml_test_tensor(L, -1);
    if (!y) return lml_raise(L, "%s: forward must return a tensor, got %s", kind, lml_got(L, -1));
    c->y = ml_retain(y);
    return 0;
}

static ml_tensor *forward(void *ctx, ml_pass *is, ml_tensor *x)
{
    const part *of = ctx;
    call        c  = { of, is, x, NULL };
    lml_protect(lml_running() ? lml_running() : of->main, run, &c);
    ml_scope   scope = ml_scope_begin();
    ml_tensor *y     = ml_scope_return(&scope, c.y); /* the userdata that holds it may go any time */
    ml_release(c.y);
    return y;
}

/* --- copies ------------------------------------------------------------------------------------------------------------------------ */
typedef struct copying {
    const part *from;
    part       *to;
} copying;

static int copy(lua_State *L) /* { class, fields, lists }: fields of its own, with the same values */
{
    copying *c = lua_touserdata(L, 1);
    if (!push_part(L, c->from)) return lml_raise(L, "clone: what the script made of it is gone");
    lua_newtable(L);
    for (const char *const *name = (const char *const[]){ "class", "lists", NULL }; *name; name++) {
        lua_getfield(L, 2, *name);
        lua_setfield(L, 3, *name);
    }
    lua_getfield(L, 2, "fields");
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, 4);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -3);
        lua_rawset(L, 5);
    }
    lua_setfield(L, 3, "fields");
    lua_settop(L, 3);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &copies_key);
    lua_pushvalue(L, 3);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    c->to = new_part(L, 3);
    return c->to ? 0 : lml_error(L);
}

static void *copy_part(void *ctx)
{
    const part *from = ctx;
    copying     c    = { from, NULL };
    return lml_protect(lml_running() ? lml_running() : from->main, copy, &c) ? c.to : NULL;
}

int lml_clone_module(lua_State *L) /* model:clone() */
{
    ml_module *m    = lml_check(L, 1, &lml_module_type, "clone", "the module"), *to;
    void     **slot = lml_new(L, &lml_module_type);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &copies_key);
    lml_work work = lml_enter(L);
    do to = ml_module_clone(m);
    while (!to && lml_retry(L, &work));
    *slot = to;
    lua_pushboolean(L, false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &copies_key);
    lml_leave(L, &work, to != NULL);
    return 1;
}

/* --- making one ---------------------------------------------------------------------------------------------------------------------- */
static const char **check_names(lua_State *L, int index, int *n)
{
    luaL_checktype(L, index, LUA_TTABLE);
    *n                 = (int)lua_rawlen(L, index);
    const char **names = lua_newuserdatauv(L, (size_t)*n * sizeof *names + 1, 0);
    for (int i = 0; i < *n; i++) {
        lua_rawgeti(L, index, i + 1);
        names[i] = luaL_checkstring(L, -1); /* the list keeps it */
        lua_pop(L, 1);
    }
    return names;
}

static void **check_held(lua_State *L, int index, int n, const lml_type *type, const char *kind, const char *const *names)
{
    void **held = lua_newuserdatauv(L, (size_t)n * sizeof *held + 1, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, index, i + 1);
        held[i] = lml_check(L, -1, type, kind, names[i]);
        lua_pop(L, 1);
    }
    return held;
}

/* custom(kind, part, parameter_names, parameters, buffer_names, buffers, child_names, children): for lua/moonlab/module.lua */
int lml_new_custom(lua_State *L)
{
    ml_custom c = { .kind = luaL_checkstring(L, 1), .forward = forward, .copy = copy_part, .release = release_part };
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 8);
    c.parameter_names    = check_names(L, 3, &c.n_parameters);
    c.parameters         = (ml_tensor *const *)(void *)check_held(L, 4, c.n_parameters, &lml_tensor_type, c.kind, c.parameter_names);
    c.buffer_names       = check_names(L, 5, &c.n_buffers);
    c.buffers            = (ml_tensor *const *)(void *)check_held(L, 6, c.n_buffers, &lml_tensor_type, c.kind, c.buffer_names);
    c.child_names        = check_names(L, 7, &c.n_children);
    c.children           = (ml_module *const *)(void *)check_held(L, 8, c.n_children, &lml_module_type, c.kind, c.child_names);
    void **slot          = lml_new(L, &lml_module_type);
    int    module        = lua_gettop(L);
    lua_newtable(L);
    lua_pushvalue(L, 2);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    lua_setiuservalue(L, module, 1);
    for (int i = 1; i <= c.n_children; i++) {
        lua_rawgeti(L, 8, i);
        lml_keep_parts(L, module, lua_gettop(L));
        lua_pop(L, 1);
    }
    c.ctx         = new_part(L, 2);
    lml_work work = lml_enter(L);
    for (int i = 0; c.ctx && i < c.n_children; i++) ml_module_retain(c.children[i]);
    return lml_finish_module(L, slot, &work, c.ctx ? ml_nn_custom(&c) : NULL);
}

/* --- what such a module has beside: for lua_nn.c ---------------------------------------------------------------------------------------- */
typedef struct face {
    ml_module *m;
    int        index; /* of its userdata */
} face;

static void push_module_of(lua_State *L, void *of, int i)
{
    const face *f = of;
    lml_push_child(L, f->index, ml_module_child(f->m, i));
}

bool lml_module_field(lua_State *L, ml_module *m)
{
    const part *own = ml_custom_context(m, forward);
    if (own && strcmp(lua_tostring(L, 2), "forward") == 0) lml_raise(L, "%s: forward is called by calling the module: model(x)", ml_module_kind(m));
    if (!own || !push_part(L, own)) return false;
    return part_list(L, &(face){ m, 1 }, push_module_of) || part_field(L);
}

void lml_open_module(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &parts_key);
    lua_pushboolean(L, false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &copies_key);
    luaL_newmetatable(L, PASS);
    luaL_setfuncs(L, pass_metamethods, 0);
    luaL_newlib(L, pass_methods);
    lua_pushcclosure(L, pass_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
