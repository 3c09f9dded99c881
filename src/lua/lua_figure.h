/* What the bindings of figures share: lua_figure.c (figures, panels, files, windows) and lua_marks.c (marks). */
#ifndef MOONLAB_LUA_FIGURE_H
#define MOONLAB_LUA_FIGURE_H

#include "lua/lua_moonlab.h"
#include "moonlab/figure.h"
#include "moonlab/marks.h"

#define FIGURE "moonlab.Figure.core"

typedef struct lua_figure {
    ml_figure *fig;
    ml_window *window; /* NULL = never opened, or closed again */
} lua_figure;

#define PANEL_OPTIONS \
    "title", "xlabel", "ylabel", "y2label", "xscale", "yscale", "y2scale", "xlim", "ylim", "y2lim", "equal", "legend", \
        "smooth"
#define N_PANEL_OPTIONS 13

lua_figure   *lml_check_figure(lua_State *L);
int           lml_check_panel(lua_State *L, const lua_figure *self, int index, const char *where); /* counted from 0 */
const char   *lml_text_option(lua_State *L, int t, const char *where, const char *name);           /* NULL = not given */
double        lml_number_option(lua_State *L, int t, const char *where, const char *name, double otherwise);
bool          lml_flag_option(lua_State *L, int t, const char *where, const char *name);
void          lml_limits_option(lua_State *L, int t, const char *where, const char *name, double limits[2]);
bool          lml_has_option(lua_State *L, int t, const char *name);
ml_panel_opts lml_panel_options(lua_State *L, int t, const char *where);

int lml_list_marks(lua_State *L);  /* for Lua: the table of marks, as data */
int lml_figure_add(lua_State *L);
int lml_figure_change(lua_State *L);
int lml_figure_give(lua_State *L);
int lml_figure_curve(lua_State *L);

#endif
