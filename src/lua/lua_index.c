/* Indexing as Lua writes it; positions count from 1, or from -1 at the end.
 *
 *     x[2]                 the second row: a view with one dimension fewer
 *     x[{1, 3}]            the element (1, 3), as a tensor of shape (): it has derivatives; :item() gives the number
 *     x[{{1, 10}, 2}]      rows 1 to 10 of column 2; {first, last, step} is a range, {} is the whole dimension
 *     x[ids]               rows at the positions in an i64 tensor
 *     x[2] = 0             the same places, written; refused where it would falsify a recorded graph
 *
 * Reading is made of recorded operations (slice, reshape, embedding), so it has derivatives of any order. */
#include "lua/lua_moonlab.h"

#include <math.h>

#include "moonlab/autograd.h"

typedef struct range {
    bool    one, all;          /* a position, which removes its dimension; a whole dimension */
    int64_t start, stop, step; /* from 0, stop excluded */
} range;

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

/* The value at the top of the stack: a position, {first, last}, {first, last, step}, or {}. */
static range check_range(lua_State *L, const ml_shape *shape, int dim)
{
    range r = { .step = 1 };
    if (!lua_istable(L, -1)) {
        r.one   = true;
        r.start = check_position(L, -1, shape, dim);
        r.stop  = r.start + 1;
        return r;
    }
    int top = lua_gettop(L), n = (int)lua_rawlen(L, top);
    if (n == 0) return (range){ .all = true, .stop = shape->size[dim], .step = 1 };
    if (n > 3) lml_raise(L, "index: a range is {first, last} or {first, last, step}, got %d numbers", n);
    for (int i = 1; i <= n; i++) lua_rawgeti(L, top, i);
    r.start = check_position(L, top + 1, shape, dim);
    r.stop  = n > 1 ? check_position(L, top + 2, shape, dim) + 1 : shape->size[dim];
    if (n > 2) r.step = lml_check_integer(L, top + 3, "index", "a step");
    if (r.step < 1) lml_raise(L, "index: a step must be at least 1, got %lld", (long long)r.step);
    if (r.stop < r.start)
        lml_raise(L, "index: the range {%lld, %lld} ends before it begins", (long long)r.start + 1,
                  (long long)r.stop);
    lua_settop(L, top);
    return r;
}

/* Argument 2 of x[...]: one range a dimension, from the first; returns how many. */
static int check_key(lua_State *L, const ml_shape *shape, range ranges[ML_MAX_DIMS])
{
    bool list = lua_istable(L, 2);
    int  n    = list ? (int)lua_rawlen(L, 2) : 1;
    if (!list && lua_type(L, 2) != LUA_TNUMBER)
        lml_raise(L, "index: takes a position, a list of positions and ranges, or an i64 tensor, got %s",
                  lml_got(L, 2));
    if (n > shape->n) lml_raise(L, "index: %d positions for a tensor of shape %s", n, ml_shape_text(shape));
    for (int dim = 0; dim < n; dim++) {
        if (list) lua_rawgeti(L, 2, dim + 1);
        else lua_pushvalue(L, 2);
        ranges[dim] = check_range(L, shape, dim);
        lua_pop(L, 1);
    }
    return n;
}

static ml_tensor *slice_all(ml_tensor *x, const range *ranges, int n)
{
    for (int dim = 0; dim < n; dim++) {
        const range *r = &ranges[dim];
        if (!r->all)
            x = ml_slice(x, &(ml_slice_opts){ .dim = dim, .start = r->start, .stop = r->stop, .step = r->step });
    }
    return x;
}

/* The shape of x[...]: what the ranges cut, without the dimensions of single positions. */
static ml_shape shape_of(const ml_shape *shape, const range *ranges, int n)
{
    ml_shape out = ML_SCALAR;
    for (int dim = 0; dim < shape->n; dim++) {
        const range *r = &ranges[dim];
        if (dim < n && r->one) continue;
        out.size[out.n++] = dim < n ? (r->stop - r->start + r->step - 1) / r->step : shape->size[dim];
    }
    return out;
}

/* Rows at the positions of a tensor; masks are for later. */
static int index_by_tensor(lua_State *L, ml_tensor *x, ml_tensor *ids)
{
    if (ml_tensor_dtype(ids) != ML_I64)
        return lml_raise(L, "index: a tensor of positions must be i64, got %s; masks are not supported here yet, "
                            "ml.where takes them", ml_dtype_name(ml_tensor_dtype(ids)));
    lml_work   work = lml_begin(L);
    ml_tensor *out;
    do out = ml_embedding(x, ids, &(ml_embedding_opts){ .base = 1 });
    while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

int lml_index(lua_State *L)
{
    ml_tensor *x = lml_check_tensor(L, 1, "index"), *ids = lml_test_tensor(L, 2), *out;
    if (ids) return index_by_tensor(L, x, ids);
    ml_shape shape = ml_tensor_shape(x);
    range    ranges[ML_MAX_DIMS];
    int      n     = check_key(L, &shape, ranges);
    ml_shape kept  = shape_of(&shape, ranges, n);
    lml_work work  = lml_begin(L);
    do {
        out = slice_all(x, ranges, n);
        if (kept.n < shape.n) out = ml_reshape(out, &(ml_reshape_opts){ kept });
        else if (out == x) out = ml_reshape(x, &(ml_reshape_opts){ shape }); /* x[{}]: a view all the same */
    } while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

/* --- writing ------------------------------------------------------------------------------------------------ */
/* place (a view of the target, nothing recorded) = value, broadcast to it. */
static bool write(ml_tensor *place, ml_tensor *value)
{
    ml_shape shape = ml_tensor_shape(place), from = ml_tensor_shape(value);
    if (value && !ml_shape_equal(&shape, &from)) value = ml_expand(value, &(ml_expand_opts){ shape });
    if (!value) return false;
    if (ml_tensor_is_contiguous(place)) return ml_copy_into(place, value);
    int64_t at[ML_MAX_DIMS] = { 0 }, left = ml_shape_numel(&shape);
    while (left-- > 0) {
        if (!ml_tensor_set_at(place, at, ml_tensor_at(value, at))) return false;
        for (int dim = shape.n - 1; dim >= 0 && ++at[dim] == shape.size[dim]; dim--) at[dim] = 0;
    }
    return true;
}

/* The value of the third argument in the shape of the sliced target: a dimension of size 1 where a position stood. */
static ml_tensor *value_for(ml_tensor *given, double number, ml_dtype dtype, const ml_shape *place,
                            const ml_shape *kept)
{
    if (!given) return ml_scalar(number, dtype);
    ml_shape from = ml_tensor_shape(given), all;
    if (!ml_shape_broadcast(&from, kept, &all) || !ml_shape_equal(&all, kept))
        return ml_fail("assign: a value of shape %s does not fit into a place of shape %s", ml_shape_text(&from),
                       ml_shape_text(kept));
    if (!ml_shape_equal(&from, kept)) given = ml_expand(given, &(ml_expand_opts){ *kept });
    return ml_reshape(ml_detach(given), &(ml_reshape_opts){ *place });
}

int lml_assign(lua_State *L)
{
    ml_tensor *x = lml_check_tensor(L, 1, "assign"), *given = lml_test_tensor(L, 3);
    if (lml_test_tensor(L, 2)) return lml_raise(L, "assign: takes positions and ranges, not tensors of them");
    double number = 0;
    if (lua_isboolean(L, 3)) number = lua_toboolean(L, 3);
    else if (!given) number = lml_check_number(L, 3, "assign", "the value");
    if (!ml_tensor_is_leaf(x))
        return lml_raise(L, "assign: this tensor is the result of a recorded operation, which a change would falsify; "
                            "change x:clone()");
    if (ml_tensor_requires_grad(x) && ml_recording())
        return lml_raise(L, "assign: this tensor requires a gradient; change it inside ml.no_grad");
    if (given && ml_tensor_requires_grad(given) && ml_recording())
        return lml_raise(L, "assign: the value is recorded and its gradient would be lost; assign x:detach()");
    ml_shape shape = ml_tensor_shape(x);
    range    ranges[ML_MAX_DIMS];
    int      n    = check_key(L, &shape, ranges);
    ml_shape kept = shape_of(&shape, ranges, n);
    lml_work work = lml_enter(L);
    bool     was  = ml_set_recording(false), ok;
    do {
        ml_tensor *place = slice_all(ml_detach(x), ranges, n);
        ml_shape   cut   = ml_tensor_shape(place);
        ok = place && write(place, value_for(given, number, ml_tensor_dtype(x), &cut, &kept));
    } while (!ok && lml_retry(L, &work));
    ml_set_recording(was);
    lml_leave(L, &work, ok);
    return 0;
}
