/* Indexing as Lua writes it; positions count from 1, or from -1 at the end. moonlab/index.h has the rules.
 *
 *     x[2]                 the second row: a view with one dimension fewer
 *     x[{1, 3}]            the element (1, 3), as a tensor of shape (): it has derivatives; :item() gives the number
 *     x[{{1, 10}, 2}]      rows 1 to 10 of column 2; {first, last, step} is a range, {} is the whole dimension
 *     x[ids]               rows at the positions in an i64 tensor; x[{ {}, ids }] columns
 *     x[mask]              the values where a bool tensor holds, x[x:gt(0)]; or the rows, for a mask with one entry each
 *     x[2] = 0             the same places, written; refused where it would falsify a recorded graph */
#include "lua/lua_moonlab.h"

#include "moonlab/index.h"

static const char *ordinal(int dim)
{
    static const char *const names[ML_MAX_DIMS] = { "first", "second", "third", "fourth", "fifth", "sixth",
                                                    "seventh", "eighth" };
    return names[dim];
}

static int64_t check_position(lua_State *L, int index, const ml_shape *shape, int dim)
{
    int64_t size = shape->size[dim], at = lml_check_integer(L, index, "index", "a position");
    if (at == 0) lml_raise(L, "index: positions count from 1, or from -1 at the end; got 0 (add 1)");
    if (at > size || at < -size)
        lml_raise(L, "index: position %lld in the %s dimension of a tensor of shape %s", (long long)at,
                  ordinal(dim), ml_shape_text(shape));
    return at > 0 ? at - 1 : size + at;
}

/* The list at the top of the stack: {first, last}, {first, last, step}, or {}. */
static ml_pick check_range(lua_State *L, const ml_shape *shape, int dim)
{
    int top = lua_gettop(L), n = (int)lua_rawlen(L, top);
    if (n == 0) return ML_PICK_ALL;
    if (n > 3) lml_raise(L, "index: a range is {first, last} or {first, last, step}, got %d numbers", n);
    for (int i = 1; i <= n; i++) {
        if (lua_rawgeti(L, top, i) == LUA_TUSERDATA)
            lml_raise(L, "index: tensors of positions stand beside ranges, as in x[{ ids, {1, 2} }], not in them");
    }
    ml_pick r = ML_PICK_ALL;
    r.start   = check_position(L, top + 1, shape, dim);
    r.stop    = n > 1 ? check_position(L, top + 2, shape, dim) + 1 : shape->size[dim];
    if (n > 2) r.step = lml_check_integer(L, top + 3, "index", "a step");
    if (r.step < 1) lml_raise(L, "index: a step must be at least 1, got %lld", (long long)r.step);
    if (r.stop < r.start)
        lml_raise(L, "index: the range {%lld, %lld} ends before it begins", (long long)r.start + 1,
                  (long long)r.stop);
    lua_settop(L, top);
    return r;
}

/* The value at the top of the stack, for dimension dim. */
static ml_pick check_pick(lua_State *L, const ml_shape *shape, int dim)
{
    ml_tensor *t = lml_test_tensor(L, -1);
    if (t) return (ml_pick){ .tensor = t, .base = 1 };
    if (lua_istable(L, -1)) return check_range(L, shape, dim);
    return ML_PICK_AT(check_position(L, -1, shape, dim));
}

/* Argument 2 of x[...]: a pick for each dimension, from the first; returns how many. */
static int check_key(lua_State *L, const ml_shape *shape, ml_pick picks[ML_MAX_DIMS])
{
    bool list = lua_istable(L, 2);
    int  n    = list ? (int)lua_rawlen(L, 2) : 1, dim = 0;
    if (!list && lua_type(L, 2) != LUA_TNUMBER && !lml_test_tensor(L, 2))
        lml_raise(L, "index: takes a position, a list of positions and ranges, a tensor of positions (i64) or a mask "
                     "(bool), got %s", lml_got(L, 2));
    if (n > shape->n) lml_raise(L, "index: %d positions for a tensor of shape %s", n, ml_shape_text(shape));
    luaL_checkstack(L, 8, "index");
    for (int i = 0; i < n; i++) {
        if (list) lua_rawgeti(L, 2, i + 1);
        else lua_pushvalue(L, 2);
        if (dim >= shape->n) lml_raise(L, "index: more positions than dimensions in a tensor of shape %s", ml_shape_text(shape));
        picks[i] = check_pick(L, shape, dim);
        dim += picks[i].tensor && ml_tensor_dtype(picks[i].tensor) == ML_BOOL ? ml_tensor_ndim(picks[i].tensor) : 1;
        lua_pop(L, 1); /* the list keeps it */
    }
    return n;
}

int lml_index(lua_State *L)
{
    ml_tensor *x     = lml_check_tensor(L, 1, "index"), *out;
    ml_shape   shape = ml_tensor_shape(x);
    ml_pick    picks[ML_MAX_DIMS];
    int        n    = check_key(L, &shape, picks);
    lml_work   work = lml_begin(L);
    do out = ml_index(x, picks, n);
    while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

int lml_assign(lua_State *L)
{
    ml_tensor *x = lml_check_tensor(L, 1, "assign"), *given = lml_test_tensor(L, 3);
    double     number = 0;
    if (lua_isboolean(L, 3)) number = lua_toboolean(L, 3);
    else if (lua_istable(L, 3)) lml_raise(L, "assign: the value must be a number or a tensor; of a list make one, ml.tensor { ... }");
    else if (!given) number = lml_check_number(L, 3, "assign", "the value");
    ml_shape shape = ml_tensor_shape(x);
    ml_pick  picks[ML_MAX_DIMS];
    int      n    = check_key(L, &shape, picks);
    lml_work work = lml_enter(L);
    bool     ok;
    do ok = ml_index_assign(x, picks, n, given ? given : ml_scalar(number, ml_tensor_dtype(x)));
    while (!ok && lml_retry(L, &work));
    lml_leave(L, &work, ok);
    return 0;
}
