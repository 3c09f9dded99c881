/* Tensors as Lua sees them: what can be asked of one, printing, comparing, reading values out. */
#include "lua/lua_moonlab.h"

#include <stdio.h>
#include <string.h>

#include "moonlab/autograd.h"

static void release_tensor(void *t)
{
    ml_release(t);
}
const lml_type lml_tensor_type = { "moonlab.Tensor", release_tensor };

ml_tensor *lml_test_tensor(lua_State *L, int index)
{
    return lml_test(L, index, &lml_tensor_type);
}

ml_tensor *lml_check_tensor(lua_State *L, int index, const char *where)
{
    ml_tensor *t = lml_test(L, index, &lml_tensor_type);
    if (t) return t;
    char name[32];
    snprintf(name, sizeof name, "argument %d", index);
    return lml_check(L, index, &lml_tensor_type, where, name);
}

int lml_push_tensor(lua_State *L, ml_tensor *t)
{
    if (!t) return lml_error(L);
    *lml_new(L, &lml_tensor_type) = ml_retain(t);
    return 1;
}

/* --- reading values ----------------------------------------------------------------------------------------- */
typedef union value { double number; int64_t integer; } value; /* integers stay exact beyond 2^53 */

static ml_dtype wide(ml_dtype dtype)
{
    return ml_dtype_is_float(dtype) ? ML_F64 : ML_I64;
}

static void push_value(lua_State *L, ml_dtype dtype, value v)
{
    if (ml_dtype_is_float(dtype)) lua_pushnumber(L, v.number);
    else if (dtype == ML_BOOL) lua_pushboolean(L, v.integer != 0);
    else lua_pushinteger(L, v.integer);
}

void lml_push_item(lua_State *L, const ml_tensor *t)
{
    ml_shape shape = ml_tensor_shape(t);
    value    v;
    if (ml_tensor_numel(t) != 1)
        lml_raise(L, "item: needs a tensor with one value, got shape %s", ml_shape_text(&shape));
    if (!ml_tensor_copy_out(t, wide(ml_tensor_dtype(t)), &v)) lml_error(L);
    push_value(L, ml_tensor_dtype(t), v);
}

static int tensor_item(lua_State *L)
{
    lml_push_item(L, lml_check_tensor(L, 1, "item"));
    return 1;
}

/* Pushes the nested list of the dimensions from dim on; returns how many values it took. */
static int64_t push_list(lua_State *L, const ml_shape *shape, int dim, ml_dtype dtype, const value *values)
{
    if (dim == shape->n) {
        push_value(L, dtype, *values);
        return 1;
    }
    int64_t used = 0, n = shape->size[dim];
    lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
    for (int64_t i = 0; i < n; i++) {
        used += push_list(L, shape, dim + 1, dtype, values + used);
        lua_rawseti(L, -2, i + 1);
    }
    return used;
}

static int tensor_tolist(lua_State *L)
{
    const ml_tensor *t     = lml_check_tensor(L, 1, "tolist");
    ml_shape         shape = ml_tensor_shape(t);
    luaL_checkstack(L, 2 * ML_MAX_DIMS, "tolist");
    value *values = lua_newuserdatauv(L, (size_t)ml_tensor_numel(t) * sizeof *values, 0); /* Lua frees it */
    if (!ml_tensor_copy_out(t, wide(ml_tensor_dtype(t)), values)) return lml_error(L);
    push_list(L, &shape, 0, ml_tensor_dtype(t), values);
    return 1;
}

/* --- properties: x.name ------------------------------------------------------------------------------------- */
void lml_push_shape(lua_State *L, const ml_shape *shape)
{
    lua_createtable(L, shape->n, 0);
    for (int i = 0; i < shape->n; i++) {
        lua_pushinteger(L, shape->size[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static int push_shape(lua_State *L, ml_tensor *t)
{
    ml_shape shape = ml_tensor_shape(t);
    lml_push_shape(L, &shape);
    return 1;
}

static int push_dtype(lua_State *L, ml_tensor *t)
{
    lua_pushstring(L, ml_dtype_name(ml_tensor_dtype(t)));
    return 1;
}

static int push_grad(lua_State *L, ml_tensor *t)
{
    if (!ml_tensor_is_batched(t)) return ml_tensor_grad(t) ? lml_push_tensor(L, ml_tensor_grad(t)) : (lua_pushnil(L), 1);
    lml_work   work = lml_begin(L); /* inside vmap it is made here */
    ml_tensor *grad = ml_tensor_grad(t);
    if (grad) return lml_finish(L, &work, grad);
    lml_leave(L, &work, true);
    return lua_pushnil(L), 1;
}

static int push_requires_grad(lua_State *L, ml_tensor *t)
{
    lua_pushboolean(L, ml_tensor_requires_grad(t));
    return 1;
}

static int push_is_leaf(lua_State *L, ml_tensor *t)
{
    lua_pushboolean(L, ml_tensor_is_leaf(t));
    return 1;
}

typedef struct property {
    const char *name;
    int (*push)(lua_State *L, ml_tensor *t);
} property;

static const property properties[] = {
    { "shape", push_shape }, { "dtype", push_dtype }, { "grad", push_grad }, { "requires_grad", push_requires_grad },
    { "is_leaf", push_is_leaf },
};

void lml_push_methods(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, properties);
}

/* Upvalue 1: a table of all names; a method is a function there, a property the address of its row above. */
static int tensor_index(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    int kind = lua_rawget(L, lua_upvalueindex(1));
    if (kind == LUA_TFUNCTION) return 1;
    ml_tensor *t = lml_check_tensor(L, 1, "index");
    if (kind == LUA_TLIGHTUSERDATA) return ((const property *)lua_touserdata(L, 3))->push(L, t);
    if (lua_type(L, 2) == LUA_TSTRING) return lml_no_field(L, "a tensor", lua_tostring(L, 2), lua_upvalueindex(1));
    lua_settop(L, 2);
    return lml_index(L);
}

static int tensor_newindex(lua_State *L)
{
    ml_tensor *t = lml_check_tensor(L, 1, "assign");
    if (lua_type(L, 2) != LUA_TSTRING) return lml_assign(L);
    const char *name = lua_tostring(L, 2);
    if (strcmp(name, "requires_grad") == 0) {
        if (!lua_isboolean(L, 3)) return lml_raise(L, "requires_grad must be true or false, got %s", lml_got(L, 3));
        return ml_requires_grad(t, lua_toboolean(L, 3)) ? 0 : lml_error(L);
    }
    if (strcmp(name, "grad") == 0 && lua_isnil(L, 3)) return ml_tensor_zero_grad(t), 0;
    return lml_raise(L, "a tensor has no field '%s' that can be set; requires_grad can, and grad to nil", name);
}

/* --- sizes -------------------------------------------------------------------------------------------------- */
static int tensor_size(lua_State *L)
{
    ml_tensor *t = lml_check_tensor(L, 1, "size");
    if (lua_isnoneornil(L, 2)) return push_shape(L, t);
    int64_t dim = lml_check_integer(L, 2, "size", "dim");
    int     n   = ml_tensor_ndim(t);
    if (dim == 0 || dim > n || dim < -n)
        return lml_raise(L, "size: dim %lld of a tensor with %d dimensions; they count from 1, or from -1 at the end",
                         (long long)dim, n);
    lua_pushinteger(L, ml_tensor_size(t, (int)(dim > 0 ? dim - 1 : n + dim)));
    return 1;
}

static int tensor_numel(lua_State *L)
{
    lua_pushinteger(L, ml_tensor_numel(lml_check_tensor(L, 1, "numel")));
    return 1;
}

static int tensor_dim(lua_State *L)
{
    lua_pushinteger(L, ml_tensor_ndim(lml_check_tensor(L, 1, "dim")));
    return 1;
}

static int tensor_len(lua_State *L)
{
    ml_tensor *t = lml_check_tensor(L, 1, "#");
    if (ml_tensor_ndim(t) == 0) return lml_raise(L, "#: a tensor of shape () has no length");
    lua_pushinteger(L, ml_tensor_size(t, 0));
    return 1;
}

/* --- comparing ---------------------------------------------------------------------------------------------- */
static int tensor_eq(lua_State *L)
{
    ml_tensor *a = lml_test_tensor(L, 1);
    lua_pushboolean(L, a && a == lml_test_tensor(L, 2)); /* identity: x.grad == x.grad */
    return 1;
}

/* Lua makes a boolean of whatever < gives, so it can only mean something for single values. */
static double compared(lua_State *L, int index, const char *sign, const char *op)
{
    if (lua_type(L, index) == LUA_TNUMBER) return lua_tonumber(L, index);
    ml_tensor *t = lml_check_tensor(L, index, sign);
    ml_shape   shape = ml_tensor_shape(t);
    if (ml_tensor_numel(t) != 1)
        lml_raise(L, "%s: compares single values, got shape %s; x:%s(y) compares element by element", sign,
                  ml_shape_text(&shape), op);
    double v = ml_item(t);
    if (ml_tensor_is_batched(t)) lml_error(L);
    return v;
}

static int tensor_lt(lua_State *L)
{
    lua_pushboolean(L, compared(L, 1, "<", "lt") < compared(L, 2, "<", "lt"));
    return 1;
}

static int tensor_le(lua_State *L)
{
    lua_pushboolean(L, compared(L, 1, "<=", "le") <= compared(L, 2, "<=", "le"));
    return 1;
}

/* --- printing ----------------------------------------------------------------------------------------------- */
static void release_text(void *text)
{
    ml_realloc(text, strlen(text) + 1, 0);
}
static const lml_type text_type = { "moonlab.text", release_text }; /* holds the core's text while Lua copies it */

static int tensor_tostring(lua_State *L)
{
    const ml_tensor *t = lml_test_tensor(L, 1);
    if (!t) return lua_pushliteral(L, "a closed tensor"), 1;
    void **slot = lml_new(L, &text_type);
    if (!(*slot = ml_tensor_text(t))) return lml_error(L);
    lua_pushstring(L, *slot);
    release_text(*slot);
    *slot = NULL;
    return 1;
}

/* --- copies ------------------------------------------------------------------------------------------------- */
static int tensor_clone(lua_State *L)
{
    const ml_tensor *x    = lml_check_tensor(L, 1, "clone");
    lml_work         work = lml_begin(L);
    ml_tensor       *copy;
    do copy = ml_clone(x);
    while (!copy && lml_retry(L, &work));
    return lml_finish(L, &work, copy);
}

static int is_tensor(lua_State *L)
{
    lua_pushboolean(L, lml_test_tensor(L, 1) != NULL);
    return 1;
}

static const luaL_Reg methods[] = {
    { "item", tensor_item }, { "tolist", tensor_tolist }, { "size", tensor_size }, { "numel", tensor_numel },
    { "dim", tensor_dim },
    { "clone", tensor_clone }, { NULL, NULL },
};

static const luaL_Reg metamethods[] = {
    { "__len", tensor_len }, { "__eq", tensor_eq }, { "__lt", tensor_lt }, { "__le", tensor_le },
    { "__tostring", tensor_tostring }, { "__newindex", tensor_newindex }, { NULL, NULL },
};

int lml_open_tensor(lua_State *L)
{
    lml_new_type(L, &text_type);
    lua_pop(L, 1);
    lml_new_type(L, &lml_tensor_type);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&properties[i]);
        lua_setfield(L, -2, properties[i].name);
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, properties); /* see lml_push_methods */
    lua_pushcclosure(L, tensor_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushcfunction(L, is_tensor);
    lua_setfield(L, -2, "is_tensor");
    return 1;
}
