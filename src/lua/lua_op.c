/* Every operation of the table, as a method of tensors and as a function, through one C function.
 *
 *     x:sum()   x:sum(1)   x:sum({1, 2}, true)   x:sum{ 1, keepdim = true }   x:sum{ dims = {1}, keepdim = true }
 *     x:reshape(3, 4)   x:reshape{3, 4}   x:cast "f64"   ml.where(mask, x, 0)   ml.cat({ x, y }, 1)
 *
 * Tensors come first, plain numbers may stand for them; then the options (lua_op_options.c). BASE fields, what ids in
 * tensors count from, are 1 here, and stay invisible. */
#include "lua/lua_op.h"

#include <string.h>

#define MOST_INPUTS 4 /* of an operation with a fixed number */
#define COUNT_1 1
#define COUNT_2 2
#define COUNT_3 3
#define COUNT_4 4
#define COUNT_N 0
#define ML_OP(name, n, doc)       _Static_assert(COUNT_##n <= MOST_INPUTS, #name " takes more");
#define ML_OPX(name, n, doc, ...) ML_OP(name, n, doc)
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX

static lml_binding bindings[ML_OP_COUNT]; /* constant once open; the same whoever fills it */

const lml_binding *lml_binding_of(int id)
{
    return &bindings[id];
}

/* --- calling ------------------------------------------------------------------------------------------------ */
/* A tensor, or a plain number standing for one. */
typedef struct input {
    ml_tensor *tensor; /* NULL: the number */
    double     number;
} input;

static void wrong_input(lua_State *L, const lml_binding *b, int arg)
{
    lml_raise(L, "%s: argument %d must be a tensor or a number, got %s", b->info->name, arg, lml_got(L, arg));
}

static inline input check_input(lua_State *L, const lml_binding *b, int arg)
{
    input in = { lml_test_tensor(L, arg), 0 };
    if (!in.tensor) {
        if (lua_type(L, arg) != LUA_TNUMBER) wrong_input(L, b, arg);
        in.number = lua_tonumber(L, arg);
    }
    return in;
}

static inline ml_tensor *tensor_of(const input *in)
{
    return in->tensor ? in->tensor : ml_number(in->number);
}

static int call(lua_State *L, const lml_binding *b, const input *given, const void *opts)
{
    lml_work   work = lml_begin(L);
    ml_tensor *in[MOST_INPUTS], *out;
    do {
        for (int i = 0; i < b->n_in; i++) in[i] = tensor_of(&given[i]);
        out = ml_op_apply(b->id, in, b->n_in, opts);
    } while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

/* cat({x, y, ...}, options) or cat(x, y, ..., options); a text may stand first: einsum("ij,jk->ik", x, y) */
static int call_many(lua_State *L, const lml_binding *b)
{
    if (lua_type(L, 1) == LUA_TSTRING) lua_rotate(L, 1, -1);
    int  top = lua_gettop(L), n = 0;
    bool list = lua_istable(L, 1);
    if (list) n = (int)lua_rawlen(L, 1);
    else while (lml_test_tensor(L, n + 1)) n++;
    if (n == 0)
        return lml_raise(L, "%s: needs a list of tensors, got %s", b->info->name,
                         list ? "an empty one" : lml_got(L, 1));
    ml_tensor **in = lua_newuserdatauv(L, (size_t)n * sizeof *in, 0);
    for (int i = 0; i < n; i++) {
        if (list) lua_rawgeti(L, 1, i + 1);
        else lua_pushvalue(L, i + 1);
        if (!(in[i] = lml_test_tensor(L, -1)))
            return lml_raise(L, "%s: entry %d of the list must be a tensor, got %s", b->info->name, i + 1,
                             lml_got(L, -1));
        lua_pop(L, 1); /* the list keeps it */
    }
    _Alignas(16) unsigned char opts[ML_OPTS_BYTES];
    memcpy(opts, b->defaults, sizeof opts);
    lml_read_options(L, b, list ? 2 : n + 1, top, opts, ml_tensor_ndim(in[0]));
    lml_work   work = lml_begin(L);
    ml_tensor *out;
    do out = ml_op_apply(b->id, in, n, opts);
    while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

static int call_with_options(lua_State *L, const lml_binding *b, const input *in)
{
    _Alignas(16) unsigned char opts[ML_OPTS_BYTES];
    memcpy(opts, b->defaults, sizeof opts);
    lml_read_options(L, b, b->n_in + 1, lua_gettop(L), opts, in[0].tensor ? ml_tensor_ndim(in[0].tensor) : 0);
    return call(L, b, in, opts);
}

static int call_op(lua_State *L)
{
    const lml_binding *b = lua_touserdata(L, lua_upvalueindex(1));
    if (b->n_in < 0) return call_many(L, b);
    input in[MOST_INPUTS];
    for (int i = 0; i < b->n_in; i++) in[i] = check_input(L, b, i + 1);
    if (lua_gettop(L) > b->n_in || b->needs_options) return call_with_options(L, b, in);
    return call(L, b, in, b->defaults);
}

/* --- operators ---------------------------------------------------------------------------------------------- */
static int unary_minus(lua_State *L) /* Lua gives the operand twice */
{
    const lml_binding *b  = &bindings[ML_OP_neg];
    input          in = check_input(L, b, 1);
    return call(L, b, &in, b->defaults);
}

static bool is_float(const input *in)
{
    return in->tensor && ml_dtype_is_float(ml_tensor_dtype(in->tensor));
}

/* x / y is true division, as in Lua: integers meet in f32. (The operation div divides integers to the floor.) */
static ml_tensor *true_div(const input in[2])
{
    ml_tensor *x = tensor_of(&in[0]), *y = tensor_of(&in[1]);
    if (!is_float(&in[0]) && !is_float(&in[1])) {
        if (in[0].tensor) x = ml_cast(x, &(ml_cast_opts){ ML_F32 });
        else y = ml_cast(y, &(ml_cast_opts){ ML_F32 });
    }
    return ml_div(x, y);
}

static ml_tensor *floor_div(const input in[2])
{
    ml_tensor *q = ml_div(tensor_of(&in[0]), tensor_of(&in[1]));
    return q && ml_dtype_is_float(ml_tensor_dtype(q)) ? ml_floor(q) : q;
}

static int operate(lua_State *L, ml_tensor *(*f)(const input in[2]))
{
    const lml_binding *b     = &bindings[ML_OP_div];
    input          in[2] = { check_input(L, b, 1), check_input(L, b, 2) };
    lml_work       work  = lml_begin(L);
    ml_tensor     *out;
    do out = f(in);
    while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

static int operator_div(lua_State *L) { return operate(L, true_div); }
static int operator_idiv(lua_State *L) { return operate(L, floor_div); }

/* --- opening them all -------------------------------------------------------------------------------------- */
static void bind(int id)
{
    lml_binding *b = &bindings[id];
    b->id      = id;
    b->info    = ml_op_info_at(id);
    b->n_in    = b->info->n_in;
    if (b->info->opts_bytes) memcpy(b->defaults, b->info->defaults, b->info->opts_bytes);
    for (const ml_field *f = b->info->fields; f && f->name; f++) {
        if (f->kind == ML_FIELD_BASE) *(int *)(void *)(b->defaults + f->offset) = 1;
        b->needs_options |= lml_needs_value(f);
    }
}

static const struct { const char *event; ml_op_id op; } operators[] = {
    { "__add", ML_OP_add }, { "__sub", ML_OP_sub }, { "__mul", ML_OP_mul }, { "__pow", ML_OP_pow },
    { "__mod", ML_OP_remainder },
};

static const luaL_Reg other_operators[] = {
    { "__unm", unary_minus }, { "__div", operator_div }, { "__idiv", operator_idiv },
    { NULL, NULL },
};

/* Needs lml_open_tensor first. Leaves { name = function, ... }. */
int lml_open_ops(lua_State *L)
{
    lua_createtable(L, 0, ML_OP_COUNT);
    lml_push_methods(L);
    for (int id = 0; id < ML_OP_COUNT; id++) {
        bind(id);
        lua_pushlightuserdata(L, &bindings[id]);
        lua_pushcclosure(L, call_op, 1);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, bindings[id].info->name);
        lua_setfield(L, -3, bindings[id].info->name);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lml_tensor_type);
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        lua_getfield(L, -2, bindings[operators[i].op].info->name);
        lua_setfield(L, -2, operators[i].event);
    }
    luaL_setfuncs(L, other_operators, 0);
    lua_pop(L, 2);
    return 1;
}
