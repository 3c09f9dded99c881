/* The options of an operation, from Lua's arguments: by position in the order of op_list.h, or by name. Here, and nowhere
 * else, counting from 1 becomes counting from 0: dimensions and positions are shifted, the end of a slice is included. */
#include "lua/lua_op.h"

#include <string.h>

bool lml_has_inclusive_end(const ml_field *f)
{
    return f->kind == ML_FIELD_INT && strcmp(f->name, "stop") == 0;
}

static bool is_list(const ml_field *f)
{
    return f->name && (f->kind == ML_FIELD_DIMS || f->kind == ML_FIELD_SHAPE || f->kind == ML_FIELD_INTS || f->kind == ML_FIELD_PAIR);
}

bool lml_needs_value(const ml_field *f)
{
    return f->kind == ML_FIELD_SHAPE || f->kind == ML_FIELD_DTYPE || f->kind == ML_FIELD_TEXT;
}

/* --- one value at the top of the stack, into a field -------------------------------------------------------- */
static int64_t check_dim(lua_State *L, const lml_binding *b, const char *name, int n_dims)
{
    int64_t dim = lml_check_integer(L, -1, b->info->name, name);
    if (dim == 0 || dim > n_dims || dim < -n_dims)
        lml_raise(L, "%s: dim %lld of a tensor with %d dimensions; they count from 1, or from -1 at the end",
                  b->info->name, (long long)dim, n_dims);
    return dim > 0 ? dim - 1 : dim;
}

static void check_index(lua_State *L, const lml_binding *b, const char *name, int64_t *at)
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

static int check_choice(lua_State *L, const lml_binding *b, const ml_field *f)
{
    const char *got = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    int         choice = got ? ml_choice_find(f->words, got) : -1;
    if (choice >= 0) return choice;
    if (got) lua_pushfstring(L, "\"%s\"", got);
    else lua_pushstring(L, lml_got(L, -1));
    push_words(L, f->words);
    return lml_raise(L, "%s: %s must be %s, got %s", b->info->name, f->name, lua_tostring(L, -1), lua_tostring(L, -2));
}

static void read_ints(lua_State *L, const lml_binding *b, const ml_field *f, ml_ints *ints)
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
static void read_pair(lua_State *L, const lml_binding *b, const ml_field *f, int64_t pair[2])
{
    ml_ints ints;
    read_ints(L, b, f, &ints);
    if (ints.n != 1 && ints.n != 2) lml_raise(L, "%s: %s takes one number, or two for rows and columns, got %d", b->info->name, f->name, ints.n);
    pair[0] = ints.at[0];
    pair[1] = ints.at[ints.n - 1];
}

static void check_text(lua_State *L, const lml_binding *b, const char *name, char *at)
{
    size_t n = 0;
    if (lua_type(L, -1) != LUA_TSTRING) lml_raise(L, "%s: the %s must be a text, got %s", b->info->name, name, lml_got(L, -1));
    const char *text = lua_tolstring(L, -1, &n);
    if (n >= ML_TEXT_BYTES) lml_raise(L, "%s: the %s has %d characters, at most %d are possible", b->info->name, name, (int)n, ML_TEXT_BYTES - 1);
    memset(at, 0, ML_TEXT_BYTES); /* equal options are equal bytes */
    memcpy(at, text, n);
}

static void read_list(lua_State *L, const lml_binding *b, const ml_field *f, void *at, int n_dims)
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

static void read_field(lua_State *L, const lml_binding *b, const ml_field *f, unsigned char *opts, int n_dims)
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
        if (lml_has_inclusive_end(f) && value < 0) value = value == -1 ? INT64_MAX : value + 1;
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
static void read_names(lua_State *L, const lml_binding *b, int t, unsigned char *opts, uint32_t *given, int n_dims)
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
static int push_run(lua_State *L, const lml_binding *b, const ml_field *f, int arg, int top)
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

void lml_read_options(lua_State *L, const lml_binding *b, int first, int top, unsigned char *opts, int n_dims)
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
        if (lml_needs_value(f) && !((given >> (f - begin)) & 1u))
            lml_raise(L, "%s: needs the %s", b->info->name, f->name);
}

void lml_op_options(lua_State *L, int id, const char *where, int first, void *opts)
{
    ml_op_info  info = *lml_binding_of(id)->info;
    lml_binding b    = *lml_binding_of(id);
    info.name = where;
    b.info    = &info;
    memcpy(opts, b.defaults, sizeof b.defaults);
    lml_read_options(L, &b, first, lua_gettop(L), opts, ML_MAX_DIMS);
}
