/* Figures for Lua: a thin layer; the interface that scripts see is lua/moonlab/figure.lua. Panels count from 1 here. */
#include "lua/lua_moonlab.h"

#include <string.h>

#include "moonlab/autograd.h"
#include "moonlab/figure.h"

#define FIGURE "moonlab.Figure.core"

typedef struct lua_figure {
    ml_figure *fig;
    ml_window *window; /* NULL = never opened, or closed again */
} lua_figure;

static lua_figure *check_figure(lua_State *L)
{
    return luaL_checkudata(L, 1, FIGURE);
}

/* --- arguments ---------------------------------------------------------------------------------------------------- */
static int check_panel(lua_State *L, const lua_figure *self, int index, const char *where)
{
    int     n_panels = ml_figure_panels(self->fig);
    int64_t panel    = lml_check_integer(L, index, where, "the panel");
    if (panel < 1 || panel > n_panels)
        return lml_raise(L, "%s: no panel %lld; this figure has panels 1..%d, counted row by row", where,
                         (long long)panel, n_panels);
    return (int)panel - 1;
}

static const char *text_option(lua_State *L, int t, const char *where, const char *name)
{
    const char *text = NULL;
    (void)lml_option_text(L, t, where, name, &text);
    return text;
}

static double number_option(lua_State *L, int t, const char *where, const char *name, double otherwise)
{
    (void)lml_option_number(L, t, where, name, &otherwise);
    return otherwise;
}

static bool flag_option(lua_State *L, int t, const char *where, const char *name)
{
    bool flag = false;
    (void)lml_option_flag(L, t, where, name, &flag);
    return flag;
}

/* { low, high } into limits; none leaves both 0, which means: from the data. */
static void limits_option(lua_State *L, int t, const char *where, const char *name, double limits[2])
{
    limits[0] = limits[1] = 0;
    if (!lua_istable(L, t)) return;
    if (lua_getfield(L, t, name) != LUA_TNIL) {
        bool good = lua_istable(L, -1) && lua_rawlen(L, -1) == 2;
        for (int i = 0; good && i < 2; i++) {
            good      = lua_rawgeti(L, -1, i + 1) == LUA_TNUMBER;
            limits[i] = lua_tonumber(L, -1);
            lua_pop(L, 1);
        }
        if (!good || !(limits[0] < limits[1]))
            lml_raise(L, "%s: %s must be two numbers, the lower first, as in %s = { 0, 1 }", where, name, name);
    }
    lua_pop(L, 1);
}

/* The position of the option's text in names; 0 when it is not given. */
static int choice_option(lua_State *L, int t, const char *where, const char *name, const char *const *names, int n)
{
    const char *text = text_option(L, t, where, name);
    if (!text) return 0;
    for (int i = 0; i < n; i++)
        if (!strcmp(text, names[i])) return i;
    luaL_Buffer list;
    luaL_buffinit(L, &list);
    for (int i = 0; i < n; i++) {
        luaL_addstring(&list, i == 0 ? "'" : i == n - 1 ? "' or '" : "', '");
        luaL_addstring(&list, names[i]);
    }
    luaL_pushresult(&list);
    return lml_raise(L, "%s: %s must be %s', got '%s'", where, name, lua_tostring(L, -1), text);
}

static ml_scale scale_option(lua_State *L, int t, const char *where, const char *name)
{
    static const char *const names[] = { "linear", "log" };
    return choice_option(L, t, where, name, names, 2) == 1 ? ML_SCALE_LOG : ML_SCALE_LINEAR;
}

static ml_theme theme_option(lua_State *L, int t, const char *where)
{
    static const char *const names[]  = { "default", "light", "dark" };
    static const ml_theme    themes[] = { ML_THEME_DEFAULT, ML_THEME_LIGHT, ML_THEME_DARK };
    return themes[choice_option(L, t, where, "theme", names, 3)];
}

/* --- making one --------------------------------------------------------------------------------------------------- */
static int figure_new(lua_State *L) /* new({ rows =, cols =, title =, theme = }) */
{
    static const char *const known[] = { "rows", "cols", "title", "theme" };
    lml_check_options(L, 1, "figure", known, 4);
    int64_t rows = 1, cols = 1;
    (void)lml_option_integer(L, 1, "figure", "rows", &rows);
    (void)lml_option_integer(L, 1, "figure", "cols", &cols);
    const char *title = text_option(L, 1, "figure", "title");
    ml_theme    theme = theme_option(L, 1, "figure");
    if (rows < 1 || rows > ML_FIGURE_SIDE || cols < 1 || cols > ML_FIGURE_SIDE)
        return lml_raise(L, "figure: rows and cols must be 1..%d, got %lld x %lld", ML_FIGURE_SIDE, (long long)rows,
                         (long long)cols);
    lua_figure *self = lua_newuserdatauv(L, sizeof *self, 0);
    memset(self, 0, sizeof *self);
    luaL_setmetatable(L, FIGURE);
    self->fig = ml_figure_new((int)rows, (int)cols, title);
    if (!self->fig) return lml_error(L);
    ml_figure_set_theme(self->fig, theme);
    return 1;
}

static int figure_gc(lua_State *L)
{
    lua_figure *self = check_figure(L);
    ml_window_close(self->window);
    ml_figure_release(self->fig);
    self->window = NULL;
    self->fig    = NULL;
    return 0;
}

/* --- curves ------------------------------------------------------------------------------------------------------- */
static int figure_lines(lua_State *L) /* fig:lines(panel, names, options) */
{
    static const char *const where   = "fig:lines";
    static const char *const known[] = { "x", "xscale", "yscale", "xlim", "ylim", "title", "xlabel", "ylabel" };
    lua_figure *self  = check_figure(L);
    int         panel = check_panel(L, self, 2, where);
    const char *names[ML_PANEL_SERIES];
    if (!lua_istable(L, 3))
        return lml_raise(L, "%s: the names of the curves come in a list, as in { \"loss\" }, got %s", where,
                         lml_got(L, 3));
    int n = (int)lua_rawlen(L, 3);
    if (n < 1 || n > ML_PANEL_SERIES)
        return lml_raise(L, "%s: a panel shows 1..%d curves, got %d", where, ML_PANEL_SERIES, n);
    for (int i = 0; i < n; i++) {
        if (lua_rawgeti(L, 3, i + 1) != LUA_TSTRING)
            return lml_raise(L, "%s: the name of curve %d must be text, got %s", where, i + 1, lml_got(L, -1));
        names[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    lml_check_options(L, 4, where, known, 8);
    ml_panel_opts opts = {
        .title  = text_option(L, 4, where, "title"),
        .xlabel = text_option(L, 4, where, "xlabel"),
        .ylabel = text_option(L, 4, where, "ylabel"),
        .xscale = scale_option(L, 4, where, "xscale"),
        .yscale = scale_option(L, 4, where, "yscale"),
    };
    limits_option(L, 4, where, "xlim", opts.xlim);
    limits_option(L, 4, where, "ylim", opts.ylim);
    if (!ml_figure_lines(self->fig, panel, names, n, &opts)) return lml_error(L);
    return 0;
}

static int figure_point(lua_State *L) /* fig:point(name, x, y) */
{
    if (!ml_figure_point(check_figure(L)->fig, luaL_checkstring(L, 2), luaL_checknumber(L, 3), luaL_checknumber(L, 4)))
        return lml_error(L);
    return 0;
}

static int figure_shows(lua_State *L)
{
    lua_pushboolean(L, ml_figure_shows(check_figure(L)->fig, luaL_checkstring(L, 2)));
    return 1;
}

/* --- heatmaps ------------------------------------------------------------------------------------------------------- */
static int figure_heatmap(lua_State *L) /* fig:heatmap(panel, options) */
{
    static const char *const where   = "fig:heatmap";
    static const char *const known[] = { "title", "xlabel", "ylabel", "row_shift", "col_shift", "limits", "diverging",
                                         "stretch" };
    lua_figure *self  = check_figure(L);
    int         panel = check_panel(L, self, 2, where);
    lml_check_options(L, 3, where, known, 8);
    ml_heatmap_opts opts = {
        .title     = text_option(L, 3, where, "title"),
        .xlabel    = text_option(L, 3, where, "xlabel"),
        .ylabel    = text_option(L, 3, where, "ylabel"),
        .diverging = flag_option(L, 3, where, "diverging"),
        .stretch   = flag_option(L, 3, where, "stretch"),
    };
    (void)lml_option_integer(L, 3, where, "row_shift", &opts.row_shift);
    (void)lml_option_integer(L, 3, where, "col_shift", &opts.col_shift);
    limits_option(L, 3, where, "limits", opts.limits);
    if (!ml_figure_heatmap(self->fig, panel, &opts)) return lml_error(L);
    return 0;
}

static int figure_set(lua_State *L) /* fig:set(panel, tensor): a matrix, or a vector as one row */
{
    lua_figure *self  = check_figure(L);
    int         panel = check_panel(L, self, 2, "fig:heatmap");
    ml_tensor  *t     = lml_test_tensor(L, 3);
    if (!t) return lml_raise(L, "fig:heatmap: panel %d needs a tensor to show, got %s", panel + 1, lml_got(L, 3));
    ml_shape shape = ml_tensor_shape(t);
    if (shape.n < 1 || shape.n > 2 || ml_shape_numel(&shape) == 0)
        return lml_raise(L, "fig:heatmap: panel %d needs a matrix, got shape %s", panel + 1, ml_shape_text(&shape));
    int64_t rows = shape.n == 2 ? shape.size[0] : 1, cols = shape.size[shape.n - 1];
    size_t  bytes  = (size_t)(rows * cols) * sizeof(double);
    double *values = ml_block_take(bytes);
    if (!values) return lml_error(L);
    bool good = ml_tensor_copy_out(t, ML_F64, values) && ml_figure_heatmap_set(self->fig, panel, rows, cols, values);
    ml_block_give(values, bytes);
    if (!good) return lml_error(L);
    return 0;
}

/* aside(f) -> f(): what f does leaves no trace in the training: nothing is recorded for the derivative, and the default
 * random stream goes on as if f had drawn nothing. Looking at a run must not change it. */
static int figure_aside(lua_State *L)
{
    lua_settop(L, 1);
    ml_key key       = ml_key_next();
    bool   recording = ml_set_recording(false);
    int    status    = lua_pcall(L, 0, 1, 0);
    ml_set_recording(recording);
    ml_key_reset(key);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* --- files and windows ------------------------------------------------------------------------------------------------ */
static int figure_save(lua_State *L) /* fig:save(path, options) */
{
    static const char *const where   = "fig:save";
    static const char *const known[] = { "width", "height", "dpi", "theme" };
    lua_figure *self = check_figure(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        return lml_raise(L, "%s: the path must be text, as in \"figure.png\", got %s", where, lml_got(L, 2));
    lml_check_options(L, 3, where, known, 4);
    ml_save_opts opts = {
        .width  = number_option(L, 3, where, "width", 0),
        .height = number_option(L, 3, where, "height", 0),
        .dpi    = number_option(L, 3, where, "dpi", 0),
        .theme  = theme_option(L, 3, where),
    };
    if (!ml_figure_save(self->fig, lua_tostring(L, 2), &opts)) return lml_error(L);
    return 0;
}

static int figure_show(lua_State *L) /* fig:show() -> true, or nil and the reason: no display is no error */
{
    lua_figure *self = check_figure(L);
    if (!ml_window_is_open(self->window)) {
        ml_window_close(self->window);
        self->window = ml_window_open(self->fig, NULL);
    }
    if (self->window) {
        lua_pushboolean(L, true);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, ml_error_message());
    ml_error_clear();
    return 2;
}

static int figure_is_open(lua_State *L)
{
    lua_pushboolean(L, ml_window_is_open(check_figure(L)->window));
    return 1;
}

static int figure_wait(lua_State *L) /* fig:wait(seconds) -> is the window closed now? */
{
    lua_figure *self = check_figure(L);
    lua_pushboolean(L, !self->window || ml_window_wait(self->window, luaL_checknumber(L, 2)));
    return 1;
}

static int figure_close(lua_State *L)
{
    lua_figure *self = check_figure(L);
    ml_window_close(self->window);
    self->window = NULL;
    return 0;
}

static int figure_clock(lua_State *L)
{
    lua_pushnumber(L, ml_clock());
    return 1;
}

static const luaL_Reg figure_methods[] = {
    { "lines", figure_lines }, { "point", figure_point },     { "shows", figure_shows }, { "heatmap", figure_heatmap },
    { "set", figure_set },     { "save", figure_save },       { "show", figure_show },   { "is_open", figure_is_open },
    { "wait", figure_wait },   { "close", figure_close },     { NULL, NULL },
};

static const luaL_Reg figure_functions[] = {
    { "new", figure_new }, { "aside", figure_aside }, { "clock", figure_clock }, { NULL, NULL },
};

int lml_open_figure(lua_State *L)
{
    luaL_newmetatable(L, FIGURE);
    luaL_newlib(L, figure_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, figure_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, figure_functions);
    return 1;
}
