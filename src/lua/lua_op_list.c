/* The table of operations as data, for documentation and tests. */
#include "lua/lua_op.h"

#include <string.h>

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
static void push_default(lua_State *L, const lml_binding *b, const ml_field *f)
{
    const void *at = b->defaults + f->offset;
    int64_t     n  = 0;
    switch (f->kind) {
    case ML_FIELD_DIM:
    case ML_FIELD_NEWDIM: n = *(const int *)at, lua_pushinteger(L, n < 0 ? n : n + 1); return;
    case ML_FIELD_INDEX: n = *(const int64_t *)at, lua_pushinteger(L, n < 0 ? n : n + 1); return;
    case ML_FIELD_INT:
        n = *(const int64_t *)at;
        if (lml_has_inclusive_end(f) && n == INT64_MAX) lua_pushnil(L);
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
        const ml_op_info *info = lml_binding_of(id)->info;
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
            push_default(L, lml_binding_of(id), f), lua_setfield(L, -2, "default");
            if (f->words) lua_pushstring(L, f->words), lua_setfield(L, -2, "words");
            lua_rawseti(L, -2, ++n);
        }
        lua_setfield(L, -2, "options");
        lua_rawseti(L, -2, id + 1);
    }
    return 1;
}
