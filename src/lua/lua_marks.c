/* Marks for Lua: the table as data, options and numbers of one. The methods that scripts see are made in lua/moonlab/figure.lua. */
#include "lua/lua_figure.h"

#include <stdio.h>

int lml_list_marks(lua_State *L) /* marks(): the table of marks, as data */
{
    static const char *const kinds[] = { "number", "flag", "word", "text", "texts", "pair" };
    lua_createtable(L, ml_mark_count(), 0);
    for (int i = 0; i < ml_mark_count(); i++) {
        const ml_mark_info *info = ml_mark_at(i);
        lua_newtable(L);
        lua_pushstring(L, info->name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, info->doc);
        lua_setfield(L, -2, "doc");
        lua_newtable(L);
        for (int k = 0; info->slots[k].name; k++) {
            lua_newtable(L);
            lua_pushstring(L, info->slots[k].name);
            lua_setfield(L, -2, "name");
            lua_pushstring(L, info->slots[k].dims);
            lua_setfield(L, -2, "dims");
            lua_pushboolean(L, info->slots[k].optional);
            lua_setfield(L, -2, "optional");
            lua_rawseti(L, -2, k + 1);
        }
        lua_setfield(L, -2, "slots");
        lua_newtable(L);
        for (int k = 0; info->options[k].name; k++) {
            lua_newtable(L);
            lua_pushstring(L, info->options[k].name);
            lua_setfield(L, -2, "name");
            lua_pushstring(L, kinds[info->options[k].kind]);
            lua_setfield(L, -2, "kind");
            lua_pushstring(L, info->options[k].doc);
            lua_setfield(L, -2, "doc");
            lua_pushstring(L, info->options[k].words); /* NULL is nil */
            lua_setfield(L, -2, "words");
            lua_pushnumber(L, info->options[k].number);
            lua_setfield(L, -2, "default");
            lua_rawseti(L, -2, k + 1);
        }
        lua_setfield(L, -2, "options");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* The strings of a list (or one string), each with a newline behind it; pushes the result. */
static const char *texts_option(lua_State *L, int t, const char *where, const char *name)
{
    luaL_Buffer all;
    lua_getfield(L, t, name);
    int list = lua_gettop(L);
    if (lua_type(L, list) == LUA_TSTRING) {
        lua_pushfstring(L, "%s\n", lua_tostring(L, list));
        return lua_tostring(L, -1);
    }
    if (!lua_istable(L, list)) lml_raise(L, "%s: %s must be a list of texts, got %s", where, name, lml_got(L, list));
    luaL_buffinit(L, &all);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, list); i++) {
        if (lua_rawgeti(L, list, i) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
            lml_raise(L, "%s: %s must be a list of texts, got %s in it", where, name, lml_got(L, -1));
        luaL_addvalue(&all);
        luaL_addchar(&all, '\n');
    }
    luaL_pushresult(&all);
    return lua_tostring(L, -1);
}

/* Options of the table at t that are the mark's own; texts that are made here stay on the stack. */
static int mark_options(lua_State *L, int t, const char *where, const ml_mark_info *info, ml_given given[ML_MARK_OPTIONS])
{
    int n = 0;
    for (int i = 0; info->options[i].name; i++) {
        const char *name = info->options[i].name;
        if (!lml_has_option(L, t, name)) continue;
        ml_given *g = &given[n++];
        *g          = (ml_given){ .name = name };
        switch (info->options[i].kind) {
        case ML_OPTION_REAL: g->number[0] = lml_number_option(L, t, where, name, 0); break;
        case ML_OPTION_FLAG: g->number[0] = lml_flag_option(L, t, where, name); break;
        case ML_OPTION_PAIR: lml_limits_option(L, t, where, name, g->number); break;
        case ML_OPTION_TEXTS: g->text = texts_option(L, t, where, name); break;
        case ML_OPTION_WORD:
        case ML_OPTION_TEXT: g->text = lml_text_option(L, t, where, name); break;
        }
    }
    return n;
}

int lml_figure_add(lua_State *L) /* add(kind, panel, options) -> the mark's number; options of the panel among them */
{
    lua_figure         *self = lml_check_figure(L);
    int                 kind = ml_mark_find(luaL_checkstring(L, 2));
    const char         *known[ML_MARK_OPTIONS + N_PANEL_OPTIONS] = { PANEL_OPTIONS };
    char                where[64];
    ml_given            given[ML_MARK_OPTIONS];
    int                 n_known = N_PANEL_OPTIONS;
    if (kind < 0) return lml_raise(L, "figure: no mark is called '%s'", lua_tostring(L, 2));
    const ml_mark_info *info = ml_mark_at(kind);
    snprintf(where, sizeof where, "fig:%s", info->name);
    int panel = lml_check_panel(L, self, 3, where);
    for (int i = 0; info->options[i].name; i++) known[n_known++] = info->options[i].name;
    lml_check_options(L, 4, where, known, n_known);
    luaL_checkstack(L, 2 * ML_MARK_OPTIONS, NULL);
    ml_panel_opts opts = lml_panel_options(L, 4, where);
    int           n    = mark_options(L, 4, where, info, given);
    int64_t       id   = ml_figure_panel(self->fig, panel, &opts) ? ml_figure_add(self->fig, panel, info->name, given, n) : 0;
    if (!id) return lml_raise(L, "fig:%s", ml_error_message());
    lua_pushinteger(L, id);
    return 1;
}

int lml_figure_curve(lua_State *L) /* curve(panel, name, options of a line) */
{
    static const char *const where = "fig:curve";
    lua_figure              *self  = lml_check_figure(L);
    const ml_mark_info      *info  = ml_mark_at(ml_mark_find("line"));
    const char              *known[ML_MARK_OPTIONS + N_PANEL_OPTIONS] = { PANEL_OPTIONS };
    ml_given                 given[ML_MARK_OPTIONS];
    int                      n_known = N_PANEL_OPTIONS, panel = lml_check_panel(L, self, 2, where);
    if (lua_type(L, 3) != LUA_TSTRING) return lml_raise(L, "%s: the name must be text, as in \"loss\", got %s", where, lml_got(L, 3));
    for (int i = 0; info->options[i].name; i++) known[n_known++] = info->options[i].name;
    lml_check_options(L, 4, where, known, n_known);
    luaL_checkstack(L, 2 * ML_MARK_OPTIONS, NULL);
    ml_panel_opts opts = lml_panel_options(L, 4, where);
    int           n    = mark_options(L, 4, where, info, given);
    if (!ml_figure_panel(self->fig, panel, &opts) || !ml_figure_curve(self->fig, panel, lua_tostring(L, 3), given, n))
        return lml_error(L);
    return 0;
}

int lml_figure_change(lua_State *L) /* change(mark, kind, options of the mark alone) */
{
    lua_figure         *self = lml_check_figure(L);
    int64_t             mark = luaL_checkinteger(L, 2);
    const ml_mark_info *info = ml_mark_at(ml_mark_find(luaL_checkstring(L, 3)));
    ml_given            given[ML_MARK_OPTIONS];
    char                where[64];
    snprintf(where, sizeof where, "fig:%s", info->name);
    luaL_checkstack(L, 2 * ML_MARK_OPTIONS, NULL);
    int n = mark_options(L, 4, where, info, given);
    if (ml_figure_change(self->fig, mark, given, n)) return 0;
    return lml_raise(L, "fig:%s", ml_error_message());
}

/* A tensor as numbers of a mark; false with a message. */
static bool take_values(ml_tensor *t, const char *name, ml_data *d, size_t *bytes)
{
    ml_shape shape = ml_tensor_shape(t);
    *d             = (ml_data){ .name = name, .n_dims = shape.n };
    for (int k = 0; k < shape.n && k < 3; k++) d->size[k] = shape.size[k];
    *bytes = (size_t)ml_shape_numel(&shape) * sizeof(double);
    if (*bytes == 0) return true;
    double *values = ml_block_take(*bytes);
    d->values      = values;
    return values && ml_tensor_copy_out(t, ML_F64, values);
}

int lml_figure_give(lua_State *L) /* give(mark, kind, { x = tensor, ... }) */
{
    lua_figure         *self = lml_check_figure(L);
    int64_t             mark = luaL_checkinteger(L, 2);
    const ml_mark_info *info = ml_mark_at(ml_mark_find(luaL_checkstring(L, 3)));
    ml_tensor          *tensors[ML_MARK_SLOTS] = { NULL };
    ml_data             data[ML_MARK_SLOTS];
    size_t              bytes[ML_MARK_SLOTS];
    int                 n    = 0;
    bool                good = true;
    for (int i = 0; info->slots[i].name; i++) { /* what may raise comes first */
        if (lua_getfield(L, 4, info->slots[i].name) != LUA_TNIL && !(tensors[i] = lml_test_tensor(L, -1)))
            return lml_raise(L, "fig:%s: %s must be a tensor, got %s", info->name, info->slots[i].name, lml_got(L, -1));
        lua_pop(L, 1); /* the table keeps it */
    }
    for (int i = 0; info->slots[i].name && good; i++)
        if (tensors[i]) {
            good = take_values(tensors[i], info->slots[i].name, &data[n], &bytes[n]);
            n++;
        }
    good = good && ml_figure_give(self->fig, mark, data, n);
    for (int i = 0; i < n; i++)
        if (data[i].values) ml_block_give((void *)(uintptr_t)data[i].values, bytes[i]);
    if (good) return 0;
    return lml_raise(L, "fig:%s", ml_error_message());
}
