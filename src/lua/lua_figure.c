/* Figures for Lua: a thin layer; the interface that scripts see is lua/moonlab/figure.lua. Panels count from 1 here. */
#include "lua/lua_figure.h"

#include "lua/lua_knobs.h"

#include <math.h>
#include <string.h>

#include "moonlab/autograd.h"

lua_figure *lml_check_figure(lua_State *L)
{
    return luaL_checkudata(L, 1, FIGURE);
}

ml_figure *lml_figure_at(lua_State *L, int index)
{
    return ((lua_figure *)luaL_checkudata(L, index, FIGURE))->fig;
}

/* --- arguments ---------------------------------------------------------------------------------------------------- */
int lml_check_panel(lua_State *L, const lua_figure *self, int index, const char *where)
{
    int     n_panels = ml_figure_panels(self->fig);
    int64_t panel    = lml_check_integer(L, index, where, "the panel");
    if (panel < 1 || panel > n_panels)
        return lml_raise(L, "%s: no panel %lld; this figure has panels 1..%d, counted row by row", where,
                         (long long)panel, n_panels);
    return (int)panel - 1;
}

const char *lml_text_option(lua_State *L, int t, const char *where, const char *name)
{
    const char *text = NULL;
    (void)lml_option_text(L, t, where, name, &text);
    return text;
}

double lml_number_option(lua_State *L, int t, const char *where, const char *name, double otherwise)
{
    (void)lml_option_number(L, t, where, name, &otherwise);
    return otherwise;
}

bool lml_flag_option(lua_State *L, int t, const char *where, const char *name)
{
    bool flag = false;
    (void)lml_option_flag(L, t, where, name, &flag);
    return flag;
}

/* { low, high } into limits; none leaves both 0, which means: from the data. */
void lml_limits_option(lua_State *L, int t, const char *where, const char *name, double limits[2])
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
    const char *text = lml_text_option(L, t, where, name);
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
    static const char *const names[]  = { "default", "linear", "log", "symlog" };
    static const ml_scale    scales[] = { ML_SCALE_DEFAULT, ML_SCALE_LINEAR, ML_SCALE_LOG, ML_SCALE_SYMLOG };
    return scales[choice_option(L, t, where, name, names, 4)];
}

static ml_style style_option(lua_State *L, int t, const char *where)
{
    static const char *const names[]  = { "default", "light", "dark", "print" };
    static const ml_style    styles[] = { ML_STYLE_DEFAULT, ML_STYLE_LIGHT, ML_STYLE_DARK, ML_STYLE_PRINT };
    return styles[choice_option(L, t, where, "style", names, 4)];
}

bool lml_has_option(lua_State *L, int t, const char *name)
{
    bool has = lua_istable(L, t) && lua_getfield(L, t, name) != LUA_TNIL;
    if (lua_istable(L, t)) lua_pop(L, 1);
    return has;
}

ml_panel_opts lml_panel_options(lua_State *L, int t, const char *where)
{
    ml_panel_opts opts = {
        .title   = lml_text_option(L, t, where, "title"),
        .xlabel  = lml_text_option(L, t, where, "xlabel"),
        .ylabel  = lml_text_option(L, t, where, "ylabel"),
        .y2label = lml_text_option(L, t, where, "y2label"),
        .xscale  = scale_option(L, t, where, "xscale"),
        .yscale  = scale_option(L, t, where, "yscale"),
        .y2scale = scale_option(L, t, where, "y2scale"),
        .equal   = lml_flag_option(L, t, where, "equal"),
    };
    bool legend = true;
    (void)lml_option_flag(L, t, where, "legend", &legend);
    opts.no_legend = !legend;
    if (lml_has_option(L, t, "smooth")) {
        double smooth = lml_number_option(L, t, where, "smooth", 0);
        if (!(smooth >= 0)) lml_raise(L, "%s: smooth is the weight of the past, 0 to below 1; got %f", where, smooth);
        opts.smooth = smooth > 0 ? smooth : -1; /* 0 is said: none */
    }
    lml_limits_option(L, t, where, "xlim", opts.xlim);
    lml_limits_option(L, t, where, "ylim", opts.ylim);
    lml_limits_option(L, t, where, "y2lim", opts.y2lim);
    return opts;
}

/* --- making one --------------------------------------------------------------------------------------------------- */
static int figure_new(lua_State *L) /* new({ rows =, cols =, layout =, share_x =, share_y =, title =, style = }) */
{
    static const char *const known[] = { "rows", "cols", "layout", "share_x", "share_y", "title", "style" };
    lml_check_options(L, 1, "figure", known, 7);
    int64_t rows = 1, cols = 1;
    bool    grid = lml_option_integer(L, 1, "figure", "rows", &rows);
    grid         = lml_option_integer(L, 1, "figure", "cols", &cols) || grid;
    ml_figure_opts opts = {
        .layout  = lml_text_option(L, 1, "figure", "layout"),
        .share_x = lml_flag_option(L, 1, "figure", "share_x"),
        .share_y = lml_flag_option(L, 1, "figure", "share_y"),
        .title   = lml_text_option(L, 1, "figure", "title"),
        .style   = style_option(L, 1, "figure"),
    };
    if (rows < 1 || rows > ML_FIGURE_SIDE || cols < 1 || cols > ML_FIGURE_SIDE)
        return lml_raise(L, "figure: rows and cols must be 1..%d, got %lld x %lld", ML_FIGURE_SIDE, (long long)rows,
                         (long long)cols);
    if (opts.layout && grid) return lml_raise(L, "figure: layout says how many rows and cols there are; give one or the other");
    opts.rows = (int)rows;
    opts.cols = (int)cols;
    lua_figure *self = lua_newuserdatauv(L, sizeof *self, 0);
    memset(self, 0, sizeof *self);
    luaL_setmetatable(L, FIGURE);
    self->fig = ml_figure_make(&opts);
    return self->fig ? 1 : lml_error(L);
}

static int figure_gc(lua_State *L)
{
    lua_figure *self = lml_check_figure(L);
    ml_window_close(self->window);
    ml_figure_release(self->fig);
    self->window = NULL;
    self->fig    = NULL;
    return 0;
}

/* --- panels ------------------------------------------------------------------------------------------------------- */
static int figure_panel(lua_State *L) /* fig:panel(panel, options) */
{
    static const char *const known[] = { PANEL_OPTIONS };
    lua_figure *self  = lml_check_figure(L);
    int         panel = lml_check_panel(L, self, 2, "fig:panel");
    lml_check_options(L, 3, "fig:panel", known, N_PANEL_OPTIONS);
    ml_panel_opts opts = lml_panel_options(L, 3, "fig:panel");
    return ml_figure_panel(self->fig, panel, &opts) ? 0 : lml_error(L);
}

static int figure_clear(lua_State *L)
{
    lua_figure *self  = lml_check_figure(L);
    int         panel = lml_check_panel(L, self, 2, "fig:clear");
    return ml_figure_clear(self->fig, panel) ? 0 : lml_error(L);
}

/* --- curves that grow --------------------------------------------------------------------------------------------- */
static int figure_lines(lua_State *L) /* fig:lines(panel, names, options) */
{
    static const char *const where   = "fig:lines";
    static const char *const known[] = { PANEL_OPTIONS, "x", "right" };
    lua_figure *self  = lml_check_figure(L);
    int         panel = lml_check_panel(L, self, 2, where);
    const char *names[ML_PANEL_MARKS];
    if (!lua_istable(L, 3))
        return lml_raise(L, "%s: the names of the curves come in a list, as in { \"loss\" }, got %s", where,
                         lml_got(L, 3));
    int n = (int)lua_rawlen(L, 3);
    if (n < 1 || n > ML_PANEL_MARKS)
        return lml_raise(L, "%s: a panel shows 1..%d curves, got %d", where, ML_PANEL_MARKS, n);
    for (int i = 0; i < n; i++) {
        if (lua_rawgeti(L, 3, i + 1) != LUA_TSTRING)
            return lml_raise(L, "%s: the name of curve %d must be text, got %s", where, i + 1, lml_got(L, -1));
        names[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    lml_check_options(L, 4, where, known, N_PANEL_OPTIONS + 2);
    ml_panel_opts opts = lml_panel_options(L, 4, where);
    opts.right         = lml_flag_option(L, 4, where, "right");
    if (!ml_figure_lines(self->fig, panel, names, n, &opts)) return lml_error(L);
    return 0;
}

static int figure_point(lua_State *L) /* fig:point(name, x, y) */
{
    if (!ml_figure_point(lml_check_figure(L)->fig, luaL_checkstring(L, 2), luaL_checknumber(L, 3), luaL_checknumber(L, 4)))
        return lml_error(L);
    return 0;
}

static int figure_arrange(lua_State *L) /* fig:arrange(rows, cols) */
{
    int64_t rows = luaL_checkinteger(L, 2), cols = luaL_checkinteger(L, 3);
    if (rows < 1 || rows > ML_FIGURE_SIDE || cols < 1 || cols > ML_FIGURE_SIDE)
        return lml_raise(L, "figure: rows and cols must be 1..%d, got %lld x %lld", ML_FIGURE_SIDE, (long long)rows, (long long)cols);
    return ml_figure_arrange(lml_check_figure(L)->fig, (int)rows, (int)cols) ? 0 : lml_error(L);
}

static int figure_title(lua_State *L) /* fig:title(text) */
{
    ml_figure_set_title(lml_check_figure(L)->fig, luaL_checkstring(L, 2));
    return 0;
}

static int figure_set_knobs(lua_State *L) /* fig:set_knobs(board): they stand beside the figure in its window */
{
    ml_figure_set_knobs(lml_check_figure(L)->fig, lml_knobs_at(L, 2));
    return 0;
}

static int figure_shows(lua_State *L)
{
    lua_pushboolean(L, ml_figure_shows(lml_check_figure(L)->fig, luaL_checkstring(L, 2)));
    return 1;
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
static void size_option(lua_State *L, int t, const char *where, double *width, double *height)
{
    if (!lml_has_option(L, t, "size")) return;
    lua_getfield(L, t, "size");
    bool good = lua_istable(L, -1) && lua_rawlen(L, -1) == 2 && lua_rawgeti(L, -1, 1) == LUA_TNUMBER &&
                lua_rawgeti(L, -2, 2) == LUA_TNUMBER;
    if (!good) lml_raise(L, "%s: size is width and height in 1/96 inch, as in size = { 880, 330 }", where);
    *width  = lua_tonumber(L, -2);
    *height = lua_tonumber(L, -1);
    lua_pop(L, 3);
}

static int figure_save(lua_State *L) /* fig:save(path, options) */
{
    static const char *const where   = "fig:save";
    static const char *const known[] = { "size", "dpi", "style" };
    lua_figure *self = lml_check_figure(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        return lml_raise(L, "%s: the path must be text, as in \"figure.png\", got %s", where, lml_got(L, 2));
    lml_check_options(L, 3, where, known, 3);
    ml_save_opts opts = { .dpi = lml_number_option(L, 3, where, "dpi", 0), .style = style_option(L, 3, where) };
    size_option(L, 3, where, &opts.width, &opts.height);
    if (!ml_figure_save(self->fig, lua_tostring(L, 2), &opts)) return lml_error(L);
    return 0;
}

static int figure_pixels(lua_State *L) /* fig:pixels(options) -> (rows, columns, 3), u8 */
{
    static const char *const where   = "fig:pixels";
    static const char *const known[] = { "size", "dpi", "style" };
    lua_figure *self  = lml_check_figure(L);
    double      width = 0, height = 0;
    lml_check_options(L, 2, where, known, 3);
    ml_save_opts opts = { .dpi = lml_number_option(L, 2, where, "dpi", 96), .style = style_option(L, 2, where) };
    size_option(L, 2, where, &width, &height);
    double w = round((width > 0 ? width : 440) * opts.dpi / 96), h = round((height > 0 ? height : 330) * opts.dpi / 96);
    if (!(w >= 1 && w <= 32767 && h >= 1 && h <= 32767)) return lml_raise(L, "%s: a picture has 1..32767 pixels a side", where);
    size_t     n = (size_t)w * (size_t)h, bytes = n * sizeof(uint32_t);
    lml_work   work   = lml_begin(L);
    ml_tensor *pixels = ml_empty((ml_shape){ .n = 3, .size = { (int64_t)h, (int64_t)w, 3 } }, ML_U8);
    uint32_t  *drawn  = pixels ? ml_block_take(bytes) : NULL;
    bool       ok     = drawn && ml_figure_pixels(self->fig, (int)w, (int)h, drawn, &opts);
    uint8_t   *to     = ok ? ml_tensor_mutable_data(pixels) : NULL;
    for (size_t i = 0; to && i < n; i++) {
        to[3 * i]     = (uint8_t)(drawn[i] >> 16);
        to[3 * i + 1] = (uint8_t)(drawn[i] >> 8);
        to[3 * i + 2] = (uint8_t)drawn[i];
    }
    if (drawn) ml_block_give(drawn, bytes);
    return lml_finish(L, &work, ok ? pixels : NULL);
}

/* --- recordings ------------------------------------------------------------------------------------------------------- */
#define RECORDING "moonlab.Recording"

static ml_film **check_recording(lua_State *L)
{
    return luaL_checkudata(L, 1, RECORDING);
}

static int figure_record(lua_State *L) /* record(path, options) -> recording */
{
    static const char *const where   = "fig:record";
    static const char *const known[] = { "size", "dpi", "style" };
    lua_figure *self = lml_check_figure(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        return lml_raise(L, "%s: the path must be text, as in \"figure.gif\", got %s", where, lml_got(L, 2));
    lml_check_options(L, 3, where, known, 3);
    ml_save_opts opts = { .dpi = lml_number_option(L, 3, where, "dpi", 0), .style = style_option(L, 3, where) };
    size_option(L, 3, where, &opts.width, &opts.height);
    ml_film **slot = lua_newuserdatauv(L, sizeof *slot, 0);
    *slot               = NULL;
    luaL_setmetatable(L, RECORDING);
    *slot = ml_film_open(self->fig, lua_tostring(L, 2), &opts);
    return *slot ? 1 : lml_error(L);
}

static int film_frame(lua_State *L)
{
    ml_film **slot = check_recording(L);
    if (!*slot) return lml_raise(L, "record: this recording was closed");
    return ml_film_frame(*slot) ? 0 : lml_error(L);
}

static int film_close(lua_State *L)
{
    ml_film **slot = check_recording(L), *recording = *slot;
    *slot               = NULL;
    return ml_film_close(recording) ? 0 : lml_error(L);
}

static int recording_gc(lua_State *L) /* forgotten: what there is is kept; nobody can be told of a failure */
{
    ml_film **slot = check_recording(L);
    if (!ml_film_close(*slot)) ml_error_clear();
    *slot = NULL;
    return 0;
}

static int figure_show(lua_State *L) /* fig:show(folder of pictures, title, width, height of the window) -> true, or nil and the reason: no display is no error */
{
    lua_figure    *self = lml_check_figure(L);
    ml_window_opts opts = { .folder = luaL_optstring(L, 2, NULL), .title = luaL_optstring(L, 3, NULL),
                            .width  = (int)luaL_optinteger(L, 4, 0), .height = (int)luaL_optinteger(L, 5, 0) };
    if (!ml_window_is_open(self->window)) {
        ml_window_close(self->window);
        self->window = ml_window_open(self->fig, &opts);
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
    lua_pushboolean(L, ml_window_is_open(lml_check_figure(L)->window));
    return 1;
}

static int figure_frames(lua_State *L) /* pictures that its window has drawn so far; for bench/ */
{
    lua_pushinteger(L, ml_window_frames(lml_check_figure(L)->window));
    return 1;
}

static int figure_wait(lua_State *L) /* fig:wait(seconds) -> is the window closed now? */
{
    lua_figure *self = lml_check_figure(L);
    lua_pushboolean(L, !self->window || ml_window_wait(self->window, luaL_checknumber(L, 2)));
    return 1;
}

static int figure_close(lua_State *L)
{
    lua_figure *self = lml_check_figure(L);
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
    { "panel", figure_panel }, { "clear", figure_clear },   { "lines", figure_lines },     { "point", figure_point },
    { "shows", figure_shows }, { "add", lml_figure_add },       { "give", lml_figure_give },       { "save", figure_save },
    { "show", figure_show },   { "pixels", figure_pixels }, { "record", figure_record },   { "is_open", figure_is_open },
    { "wait", figure_wait },   { "close", figure_close },   { "curve", lml_figure_curve }, { "arrange", figure_arrange },
    { "title", figure_title }, { "set_knobs", figure_set_knobs }, { "frames", figure_frames }, { "change", lml_figure_change }, { NULL, NULL },
};

static const luaL_Reg recording_methods[] = { { "frame", film_frame }, { "close", film_close }, { NULL, NULL } };

static const luaL_Reg figure_functions[] = {
    { "new", figure_new }, { "marks", lml_list_marks }, { "aside", figure_aside }, { "clock", figure_clock }, { NULL, NULL },
};

int lml_open_figure(lua_State *L)
{
    luaL_newmetatable(L, FIGURE);
    luaL_newlib(L, figure_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, figure_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newmetatable(L, RECORDING);
    luaL_newlib(L, recording_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, recording_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, figure_functions);
    return 1;
}
