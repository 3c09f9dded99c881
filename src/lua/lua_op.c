/* Every operation of the table, as a method of tensors and as a function, through one C function.
 *
 *     x:sum()   x:sum(1)   x:sum({1, 2}, true)   x:sum{ 1, keepdim = true }   x:sum{ dims = {1}, keepdim = true }
 *     x:reshape(3, 4)   x:reshape{3, 4}   x:cast "f64"   ml.where(mask, x, 0)   ml.cat({ x, y }, 1)
 *
 * Tensors come first, plain numbers may stand for them; then the options, by position in the order of op_list.h or by
 * name. Here, and nowhere else, counting from 1 becomes counting from 0: dimensions and positions are shifted, BASE
 * fields (what ids in tensors count from) are set to 1 and stay invisible, and the end of a slice is included. */
#include "lua/lua_moonlab.h"

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

typedef struct binding {
    int               id;
    int               n_in; /* -1: any number */
    bool              needs_options;
    const ml_op_info *info;
    _Alignas(16) unsigned char defaults[ML_OPTS_BYTES]; /* of the options, BASE fields 1 */
} binding;

static binding bindings[ML_OP_COUNT]; /* constant once open; the same whoever fills it */

/* What an option counts, beyond its kind: the end of a slice is included in Lua. */
static bool is_inclusive_end(const ml_field *f)
{
    return f->kind == ML_FIELD_INT && strcmp(f->name, "stop") == 0;
}

static bool is_list(const ml_field *f)
{
    return f->name && (f->kind == ML_FIELD_DIMS || f->kind == ML_FIELD_SHAPE || f->kind == ML_FIELD_INTS || f->kind == ML_FIELD_PAIR);
}

/* A shape, a dtype or a text has no default. */
static bool needs_value(const ml_field *f)
{
    return f->kind == ML_FIELD_SHAPE || f->kind == ML_FIELD_DTYPE || f->kind == ML_FIELD_TEXT;
}

/* --- one value at the top of the stack, into a field -------------------------------------------------------- */
static int64_t check_dim(lua_State *L, const binding *b, const char *name, int n_dims)
{
    int64_t dim = lml_check_integer(L, -1, b->info->name, name);
    if (dim == 0 || dim > n_dims || dim < -n_dims)
        lml_raise(L, "%s: dim %lld of a tensor with %d dimensions; they count from 1, or from -1 at the end",
                  b->info->name, (long long)dim, n_dims);
    return dim > 0 ? dim - 1 : dim;
}

static void check_index(lua_State *L, const binding *b, const char *name, int64_t *at)
{
    *at = lml_check_integer(L, -1, b->info->name, name);
    if (*at == 0) lml_raise(L, "%s: %s counts from 1, or from -1 at the end; got 0 (add 1)", b->info->name, name);
    if (*at > 0) --*at;
}

/* "a|b|c" as a person reads it: "a", "b" or "c". */
static void push_words(lua_State *L, const char *words)
{
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (;;) {
        size_t n = strcspn(words, "|");
        luaL_addchar(&text, '"');
        luaL_addlstring(&text, words, n);
        luaL_addchar(&text, '"');
        if (!words[n]) break;
        words += n + 1;
        luaL_addstring(&text, strchr(words, '|') ? ", " : " or ");
    }
    luaL_pushresult(&text);
}

static int check_choice(lua_State *L, const binding *b, const ml_field *f)
{
    const char *got = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    int         choice = got ? ml_choice_find(f->words, got) : -1;
    if (choice >= 0) return choice;
    if (got) lua_pushfstring(L, "\"%s\"", got);
    else lua_pushstring(L, lml_got(L, -1));
    push_words(L, f->words);
    return lml_raise(L, "%s: %s must be %s, got %s", b->info->name, f->name, lua_tostring(L, -1), lua_tostring(L, -2));
}

static void read_ints(lua_State *L, const binding *b, const ml_field *f, ml_ints *ints)
{
    bool        list = lua_istable(L, -1);
    lua_Integer n    = list ? (lua_Integer)lua_rawlen(L, -1) : 1;
    if (n > ML_MAX_INTS) lml_raise(L, "%s: at most %d numbers for %s", b->info->name, ML_MAX_INTS, f->name);
    ints->n = (int)n;
    for (int i = 0; i < ints->n; i++) {
        if (list) lua_rawgeti(L, -1, i + 1);
        else lua_pushvalue(L, -1);
        ints->at[i] = lml_check_integer(L, -1, b->info->name, f->name);
        lua_pop(L, 1);
    }
}

/* Two numbers, or one for both. */
static void read_pair(lua_State *L, const binding *b, const ml_field *f, int64_t pair[2])
{
    ml_ints ints;
    read_ints(L, b, f, &ints);
    if (ints.n != 1 && ints.n != 2) lml_raise(L, "%s: %s takes one number, or two for rows and columns, got %d", b->info->name, f->name, ints.n);
    pair[0] = ints.at[0];
    pair[1] = ints.at[ints.n - 1];
}

static void check_text(lua_State *L, const binding *b, const char *name, char *at)
{
    size_t n = 0;
    if (lua_type(L, -1) != LUA_TSTRING) lml_raise(L, "%s: the %s must be a text, got %s", b->info->name, name, lml_got(L, -1));
    const char *text = lua_tolstring(L, -1, &n);
    if (n >= ML_TEXT_BYTES) lml_raise(L, "%s: the %s has %d characters, at most %d are possible", b->info->name, name, (int)n, ML_TEXT_BYTES - 1);
    memset(at, 0, ML_TEXT_BYTES); /* equal options are equal bytes */
    memcpy(at, text, n);
}

static void read_list(lua_State *L, const binding *b, const ml_field *f, void *at, int n_dims)
{
    if (f->kind == ML_FIELD_SHAPE) {
        int next;
        *(ml_shape *)at = lml_check_shape(L, lua_gettop(L), b->info->name, &next);
        return;
    }
    if (f->kind == ML_FIELD_INTS) {
        read_ints(L, b, f, at);
        return;
    }
    if (f->kind == ML_FIELD_PAIR) {
        read_pair(L, b, f, at);
        return;
    }
    ml_dims *dims = at;
    dims->n       = 0;
    if (!lua_istable(L, -1)) {
        dims->at[dims->n++] = check_dim(L, b, f->name, n_dims);
        return;
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (n > ML_MAX_DIMS) lml_raise(L, "%s: at most %d dimensions", b->info->name, ML_MAX_DIMS);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        dims->at[dims->n++] = check_dim(L, b, f->name, n_dims);
        lua_pop(L, 1);
    }
}

static void read_field(lua_State *L, const binding *b, const ml_field *f, unsigned char *opts, int n_dims)
{
    const char *op = b->info->name;
    void       *at = opts + f->offset;
    switch (f->kind) {
    case ML_FIELD_DIMS:
    case ML_FIELD_INTS:
    case ML_FIELD_PAIR:
    case ML_FIELD_SHAPE: read_list(L, b, f, at, n_dims); break;
    case ML_FIELD_NEWDIM: *(int *)at = (int)check_dim(L, b, f->name, n_dims + 1); break;
    case ML_FIELD_DIM: *(int *)at = (int)check_dim(L, b, f->name, n_dims); break;
    case ML_FIELD_INDEX: check_index(L, b, f->name, at); break;
    case ML_FIELD_INT: {
        int64_t value = lml_check_integer(L, -1, op, f->name);
        if (is_inclusive_end(f) && value < 0) value = value == -1 ? INT64_MAX : value + 1;
        *(int64_t *)at = value;
        break;
    }
    case ML_FIELD_REAL: *(double *)at = lml_check_number(L, -1, op, f->name); break;
    case ML_FIELD_FLAG:
        if (!lua_isboolean(L, -1)) lml_raise(L, "%s: %s must be true or false, got %s", op, f->name, lml_got(L, -1));
        *(bool *)at = lua_toboolean(L, -1);
        break;
    case ML_FIELD_CHOICE: *(int *)at = check_choice(L, b, f); break;
    case ML_FIELD_DTYPE: *(ml_dtype *)at = lml_check_dtype(L, -1, op); break;
    case ML_FIELD_TEXT: check_text(L, b, f->name, at); break;
    case ML_FIELD_BASE: break; /* never given */
    }
}

/* --- all options -------------------------------------------------------------------------------------------- */
static void read_names(lua_State *L, const binding *b, int t, unsigned char *opts, uint32_t *given, int n_dims)
{
    if (!b->info->fields) lml_check_options(L, t, b->info->name, NULL, 0);
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) continue; /* the list beside the names has been read */
        const char     *got = lua_tostring(L, -2), *known[16];
        int             n_known = 0;
        const ml_field *f       = b->info->fields;
        for (; f->name && strcmp(f->name, got) != 0; f++)
            if (f->kind != ML_FIELD_BASE && n_known < 16) known[n_known++] = f->name;
        if (!f->name || f->kind == ML_FIELD_BASE) lml_unknown_option(L, b->info->name, got, known, n_known);
        read_field(L, b, f, opts, n_dims);
        *given |= 1u << (f - b->info->fields);
    }
}

/* A field that takes a list takes the run of numbers that begins at arg too; returns the last of them. */
static int push_run(lua_State *L, const binding *b, const ml_field *f, int arg, int top)
{
    lua_createtable(L, 4, 0);
    lua_Integer n = 0;
    for (; arg <= top && lua_type(L, arg) == LUA_TNUMBER; arg++) {
        lua_pushvalue(L, arg);
        lua_rawseti(L, -2, ++n);
    }
    if (n == 0)
        lml_raise(L, "%s: %s must be a list of whole numbers, got %s", b->info->name, f->name, lml_got(L, arg));
    return arg - 1;
}

/* Arguments first..top into opts, which holds the defaults. */
static void read_options(lua_State *L, const binding *b, int first, int top, unsigned char *opts, int n_dims)
{
    static const ml_field none  = { NULL, ML_FIELD_BASE, 0, NULL };
    const ml_field       *f     = b->info->fields ? b->info->fields : &none, *begin = f;
    uint32_t              given = 0;
    while (top >= first && lua_isnil(L, top)) top--; /* says nothing, also behind a table of options */
    for (int arg = first; arg <= top; arg++, f += f->name != NULL) {
        bool names = lml_has_names(L, arg), table = lua_istable(L, arg);
        if (names && arg < top) lml_raise(L, "%s: the table of options must come last", b->info->name);
        while (f->name && f->kind == ML_FIELD_BASE) f++;
        bool list = table && (lua_rawlen(L, arg) > 0 || (!names && is_list(f)));
        if (list || !(table || lua_isnil(L, arg))) { /* a value for the next field; nil leaves its default */
            if (!f->name) lml_raise(L, "%s: too many arguments: %s", b->info->name, lml_got(L, arg));
            if (list && !is_list(f)) lml_raise(L, "%s: %s does not take a list", b->info->name, f->name);
            if (is_list(f) && f->kind != ML_FIELD_INTS && f->kind != ML_FIELD_PAIR && !list) arg = push_run(L, b, f, arg, top);
            else lua_pushvalue(L, arg);
            read_field(L, b, f, opts, n_dims);
            lua_pop(L, 1);
            given |= 1u << (f - begin);
        }
        if (names) read_names(L, b, arg, opts, &given, n_dims);
    }
    for (f = begin; f->name; f++)
        if (needs_value(f) && !((given >> (f - begin)) & 1u))
            lml_raise(L, "%s: needs the %s", b->info->name, f->name);
}

void lml_op_options(lua_State *L, int id, const char *where, int first, void *opts)
{
    ml_op_info info = *bindings[id].info;
    binding    b    = bindings[id];
    info.name = where;
    b.info    = &info;
    memcpy(opts, b.defaults, sizeof b.defaults);
    read_options(L, &b, first, lua_gettop(L), opts, ML_MAX_DIMS);
}

/* --- calling ------------------------------------------------------------------------------------------------ */
/* A tensor, or a plain number standing for one. */
typedef struct input {
    ml_tensor *tensor; /* NULL: the number */
    double     number;
} input;

static void wrong_input(lua_State *L, const binding *b, int arg)
{
    lml_raise(L, "%s: argument %d must be a tensor or a number, got %s", b->info->name, arg, lml_got(L, arg));
}

static inline input check_input(lua_State *L, const binding *b, int arg)
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

static int call(lua_State *L, const binding *b, const input *given, const void *opts)
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
static int call_many(lua_State *L, const binding *b)
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
    read_options(L, b, list ? 2 : n + 1, top, opts, ml_tensor_ndim(in[0]));
    lml_work   work = lml_begin(L);
    ml_tensor *out;
    do out = ml_op_apply(b->id, in, n, opts);
    while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

static int call_with_options(lua_State *L, const binding *b, const input *in)
{
    _Alignas(16) unsigned char opts[ML_OPTS_BYTES];
    memcpy(opts, b->defaults, sizeof opts);
    read_options(L, b, b->n_in + 1, lua_gettop(L), opts, in[0].tensor ? ml_tensor_ndim(in[0].tensor) : 0);
    return call(L, b, in, opts);
}

static int call_op(lua_State *L)
{
    const binding *b = lua_touserdata(L, lua_upvalueindex(1));
    if (b->n_in < 0) return call_many(L, b);
    input in[MOST_INPUTS];
    for (int i = 0; i < b->n_in; i++) in[i] = check_input(L, b, i + 1);
    if (lua_gettop(L) > b->n_in || b->needs_options) return call_with_options(L, b, in);
    return call(L, b, in, b->defaults);
}

/* --- operators ---------------------------------------------------------------------------------------------- */
static int unary_minus(lua_State *L) /* Lua gives the operand twice */
{
    const binding *b  = &bindings[ML_OP_neg];
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
    const binding *b     = &bindings[ML_OP_div];
    input          in[2] = { check_input(L, b, 1), check_input(L, b, 2) };
    lml_work       work  = lml_begin(L);
    ml_tensor     *out;
    do out = f(in);
    while (!out && lml_retry(L, &work));
    return lml_finish(L, &work, out);
}

static int operator_div(lua_State *L) { return operate(L, true_div); }
static int operator_idiv(lua_State *L) { return operate(L, floor_div); }

/* --- the table as data, for documentation and tests --------------------------------------------------------- */
static const char *kind_name(const ml_field *f)
{
    static const char *const names[] = {
        [ML_FIELD_DIMS] = "dims",      [ML_FIELD_DIM] = "dim",        [ML_FIELD_SHAPE] = "shape",
        [ML_FIELD_NEWDIM] = "dim",     [ML_FIELD_INTS] = "integers",
        [ML_FIELD_INT] = "integer",    [ML_FIELD_INDEX] = "position", [ML_FIELD_REAL] = "number",
        [ML_FIELD_FLAG] = "flag",      [ML_FIELD_CHOICE] = "choice",  [ML_FIELD_DTYPE] = "dtype",
        [ML_FIELD_BASE] = "base",      [ML_FIELD_TEXT] = "text",     [ML_FIELD_PAIR] = "pair",
    };
    return names[f->kind];
}

/* The word at a place of "a|b|c". */
static void push_word(lua_State *L, const char *words, int place)
{
    while (place-- > 0) words = strchr(words, '|') + 1;
    lua_pushlstring(L, words, strcspn(words, "|"));
}

/* Pushes the default of an option as Lua would give it; nil where there is none, or where it means "all" or "to the end". */
static void push_default(lua_State *L, const binding *b, const ml_field *f)
{
    const void *at = b->defaults + f->offset;
    int64_t     n  = 0;
    switch (f->kind) {
    case ML_FIELD_DIM:
    case ML_FIELD_NEWDIM: n = *(const int *)at, lua_pushinteger(L, n < 0 ? n : n + 1); return;
    case ML_FIELD_INDEX: n = *(const int64_t *)at, lua_pushinteger(L, n < 0 ? n : n + 1); return;
    case ML_FIELD_INT:
        n = *(const int64_t *)at;
        if (is_inclusive_end(f) && n == INT64_MAX) lua_pushnil(L);
        else lua_pushinteger(L, n);
        return;
    case ML_FIELD_PAIR: lua_pushinteger(L, *(const int64_t *)at); return; /* both are the same */
    case ML_FIELD_REAL: lua_pushnumber(L, *(const double *)at); return;
    case ML_FIELD_FLAG: lua_pushboolean(L, *(const bool *)at); return;
    case ML_FIELD_CHOICE: push_word(L, f->words, *(const int *)at); return;
    default: lua_pushnil(L); return;
    }
}

/* In the order of the table: { name =, doc =, inputs = (-1: any number),
 * options = { { name =, kind =, default =, words = "a|b" of a choice }, ... } } */
int lml_list_ops(lua_State *L)
{
    lua_createtable(L, ML_OP_COUNT, 0);
    for (int id = 0; id < ML_OP_COUNT; id++) {
        const ml_op_info *info = bindings[id].info;
        lua_createtable(L, 0, 4);
        lua_pushstring(L, info->name), lua_setfield(L, -2, "name");
        lua_pushstring(L, info->doc), lua_setfield(L, -2, "doc");
        lua_pushinteger(L, info->n_in), lua_setfield(L, -2, "inputs");
        lua_newtable(L);
        lua_Integer n = 0;
        for (const ml_field *f = info->fields; f && f->name; f++) {
            if (f->kind == ML_FIELD_BASE) continue;
            lua_createtable(L, 0, 3);
            lua_pushstring(L, f->name), lua_setfield(L, -2, "name");
            lua_pushstring(L, kind_name(f)), lua_setfield(L, -2, "kind");
            push_default(L, &bindings[id], f), lua_setfield(L, -2, "default");
            if (f->words) lua_pushstring(L, f->words), lua_setfield(L, -2, "words");
            lua_rawseti(L, -2, ++n);
        }
        lua_setfield(L, -2, "options");
        lua_rawseti(L, -2, id + 1);
    }
    return 1;
}

static void bind(int id)
{
    binding *b = &bindings[id];
    b->id      = id;
    b->info    = ml_op_info_at(id);
    b->n_in    = b->info->n_in;
    if (b->info->opts_bytes) memcpy(b->defaults, b->info->defaults, b->info->opts_bytes);
    for (const ml_field *f = b->info->fields; f && f->name; f++) {
        if (f->kind == ML_FIELD_BASE) *(int *)(void *)(b->defaults + f->offset) = 1;
        b->needs_options |= needs_value(f);
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
