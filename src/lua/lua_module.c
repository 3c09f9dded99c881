/* Modules written in Lua. The core has a custom module, whose forward calls the script; what the script made of it, its class and
 * its fields, is its part in Lua: a table { class =, fields =, lists = }.
 *
 * Who keeps a part alive? Not the registry: a function in it may hold the model, and such a circle would never go. Every userdata of
 * a module has, as its user value, the set of the parts of all modules inside it. So the core's modules hold only numbers, by which
 * they find their parts in a table with weak values, and Lua's collector sees all there is. */
#include "lua/lua_nn.h"

#include <stdio.h>
#include <string.h>

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

/* --- what a part has ---------------------------------------------------------------------------------------------------------- */
/* Field `key` (at index 2) of the part on the top: one of its own fields, or its class's. Replaces the part. */
static void part_field(lua_State *L)
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

void lml_part_value(lua_State *L, void *of, void (*push)(lua_State *L, void *of, int i))
{
    if (!part_list(L, of, push)) part_field(L);
}

static ml_tensor *forward(void *ctx, ml_pass *is, ml_tensor *x);

bool lml_push_part(lua_State *L, const ml_module *m)
{
    const part *own = ml_custom_context(m, forward);
    return own && push_part(L, own);
}

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
    lml_push_pass(L, c->is);
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
    c.parameter_names = check_names(L, 3, &c.n_parameters);
    c.parameters      = (ml_tensor *const *)(void *)check_held(L, 4, c.n_parameters, &lml_tensor_type, c.kind, c.parameter_names);
    c.buffer_names    = check_names(L, 5, &c.n_buffers);
    c.buffers         = (ml_tensor *const *)(void *)check_held(L, 6, c.n_buffers, &lml_tensor_type, c.kind, c.buffer_names);
    c.child_names     = check_names(L, 7, &c.n_children);
    c.children        = (ml_module *const *)(void *)check_held(L, 8, c.n_children, &lml_module_type, c.kind, c.child_names);
    void **slot   = lml_new(L, &lml_module_type);
    int    module = lua_gettop(L);
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
    if (!lml_push_part(L, m)) return false;
    if (strcmp(lua_tostring(L, 2), "forward") == 0)
        lml_raise(L, "%s: forward is called by calling the module: model(x)", ml_module_kind(m));
    lml_part_value(L, &(face){ m, 1 }, push_module_of);
    return !lua_isnil(L, -1);
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
    lml_open_pass(L);
}
