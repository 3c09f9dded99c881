/* Logs of runs for Lua: reading in blocks, going on as they grow; the interface that scripts see is
 * lua/moonlab/run_reader.lua. Metrics count from 1 here. Also what finds runs, and a view's lines in a terminal. */
#define _POSIX_C_SOURCE 200809L
#include "lua/lua_figure.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "moonlab/run.h"

#define LOG        "moonlab.Log.core"
#define MOST_TOLD  1000      /* events and checks of one read */
#define MOST_BYTES (1 << 24) /* of a small file */

typedef struct lua_log {
    ml_run_reader *reader;
    ml_columns    *columns;
} lua_log;

static lua_log *check_log(lua_State *L)
{
    lua_log *self = luaL_checkudata(L, 1, LOG);
    if (!self->reader) lml_raise(L, "open_run: this reader was closed");
    return self;
}

static int log_open(lua_State *L) /* open(directory) -> log */
{
    const char *dir  = luaL_checkstring(L, 1);
    lua_log    *self = lua_newuserdatauv(L, sizeof *self, 0);
    memset(self, 0, sizeof *self);
    luaL_setmetatable(L, LOG);
    self->reader  = ml_run_open(dir);
    self->columns = self->reader ? ml_columns_new() : NULL;
    return self->columns ? 1 : lml_error(L);
}

static int log_close(lua_State *L)
{
    lua_log *self = luaL_checkudata(L, 1, LOG);
    ml_run_close(self->reader);
    ml_columns_free(self->columns);
    *self = (lua_log){ 0 };
    return 0;
}

/* --- records ------------------------------------------------------------------------------------------------------ */
static const char *kind_name(ml_record_kind kind)
{
    switch (kind) {
    case ML_RECORD_EVENT: return "event";
    case ML_RECORD_CHECK: return "check";
    case ML_RECORD_END: return "end";
    case ML_RECORD_CHANGE: return "change";
    case ML_RECORD_STOP: return "stop";
    default: return "other";
    }
}

static void push_record(lua_State *L, const ml_record *r)
{
    lua_createtable(L, 0, 8);
    lua_pushstring(L, kind_name(r->kind));
    lua_setfield(L, -2, "kind");
    lua_pushinteger(L, r->step);
    lua_setfield(L, -2, "step");
    lua_pushnumber(L, r->time);
    lua_setfield(L, -2, "time");
    lua_pushstring(L, r->text);
    lua_setfield(L, -2, "text");
    lua_pushstring(L, r->detail);
    lua_setfield(L, -2, "detail");
    lua_pushboolean(L, r->passed);
    lua_setfield(L, -2, "passed");
    lua_pushinteger(L, r->loop);
    lua_setfield(L, -2, "loop");
    lua_pushboolean(L, r->goes_on);
    lua_setfield(L, -2, "goes_on");
}

/* log:read(most) -> records without metrics, is there more? Metrics are held in columns, about `most` values of them. */
static int log_read(lua_State *L)
{
    lua_log       *self = check_log(L);
    lua_Integer    most = luaL_checkinteger(L, 2), n = 0;
    ml_record      record;
    ml_columns_met met = ML_COLUMNS_RECORD;
    lua_newtable(L);
    while (n < MOST_TOLD && (met = ml_columns_read(self->columns, self->reader, most, &record)) == ML_COLUMNS_RECORD) {
        push_record(L, &record);
        lua_rawseti(L, -2, ++n);
    }
    if (met == ML_COLUMNS_FAILED) return lml_error(L);
    lua_pushboolean(L, met != ML_COLUMNS_END);
    return 2;
}

static int log_clear(lua_State *L)
{
    ml_columns_clear(check_log(L)->columns);
    return 0;
}

static int log_more(lua_State *L) /* log:more() -> may there be more?; with false: why there never will be, or nil */
{
    lua_log *self = check_log(L);
    bool     over = ml_run_stopped(self->reader), more = ml_run_more(self->reader);
    lua_pushboolean(L, more);
    if (more || over || !ml_run_stopped(self->reader)) return 1;
    lua_pushstring(L, ml_error_message());
    ml_error_clear();
    return 2;
}

static int log_is_over(lua_State *L) /* it cannot be followed any more */
{
    lua_pushboolean(L, ml_run_stopped(check_log(L)->reader));
    return 1;
}

static int log_torn(lua_State *L) /* log:torn() -> nil, "cut" or "damaged" */
{
    const ml_run_reader *reader = check_log(L)->reader;
    if (!ml_run_torn(reader)) return 0;
    lua_pushstring(L, ml_run_cut(reader) ? "cut" : "damaged");
    return 1;
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */
static int log_names(lua_State *L) /* log:names(from) -> the names of the metrics from that number on */
{
    const ml_run_reader *reader = check_log(L)->reader;
    lua_Integer          from   = luaL_optinteger(L, 2, 1);
    lua_newtable(L);
    for (lua_Integer i = from < 1 ? 1 : from; i <= ml_run_metrics(reader); i++) {
        lua_pushstring(L, ml_run_metric(reader, (int)i - 1));
        lua_rawseti(L, -2, i - from + 1);
    }
    return 1;
}

static ml_tensor *tensor_of(const void *values, int64_t n, ml_dtype dtype)
{
    return ml_from((ml_shape){ .n = 1, .size = { n } }, dtype, values);
}

static int log_holds(lua_State *L) /* log:holds(metric) -> how many values of it, and the step of the last; or nil */
{
    const int64_t *steps;
    const double  *values;
    int64_t        n = ml_columns_get(check_log(L)->columns, (int)luaL_checkinteger(L, 2) - 1, &steps, &values);
    if (n == 0) return 0;
    lua_pushinteger(L, n);
    lua_pushinteger(L, steps[n - 1]);
    return 2;
}

static int log_column(lua_State *L) /* log:column(metric) -> steps (n) i64, values (n) f64; nil when nothing is held */
{
    lua_log       *self = check_log(L);
    const int64_t *steps;
    const double  *values;
    int64_t        n = ml_columns_get(self->columns, (int)luaL_checkinteger(L, 2) - 1, &steps, &values);
    if (n == 0) return 0;
    lml_work   work = lml_begin(L);
    ml_tensor *t;
    do t = tensor_of(steps, n, ML_I64);
    while (!t && lml_retry(L, &work));
    lml_finish(L, &work, t);
    work = lml_begin(L);
    do t = tensor_of(values, n, ML_F64);
    while (!t && lml_retry(L, &work));
    lml_finish(L, &work, t);
    return 2;
}

/* log:feed(figure, metric, series): what is held becomes points of a curve that grows, over the step -> how many */
static int log_feed(lua_State *L)
{
    lua_log       *self   = check_log(L);
    ml_figure     *figure = lml_figure_at(L, 2);
    const char    *series = luaL_checkstring(L, 4);
    const int64_t *steps;
    const double  *values;
    double         x[512];
    int64_t        n = ml_columns_get(self->columns, (int)luaL_checkinteger(L, 3) - 1, &steps, &values);
    for (int64_t i = 0; i < n;) {
        int64_t k = n - i < 512 ? n - i : 512;
        for (int64_t j = 0; j < k; j++) x[j] = (double)steps[i + j];
        if (!ml_figure_points(figure, series, x, values + i, k)) return lml_error(L);
        i += k;
    }
    lua_pushinteger(L, n);
    return 1;
}

/* --- finding runs ------------------------------------------------------------------------------------------------- */
static int log_list(lua_State *L) /* list(folder, runs?) -> names in it: of runs, newest first, or of folders */
{
    ml_run_list *list = ml_run_list_open(luaL_checkstring(L, 1), lua_toboolean(L, 2));
    if (!list) return lml_error(L);
    ml_run_list **slot = lua_newuserdatauv(L, sizeof *slot, 0); /* gone with the list, should Lua run out of memory */
    *slot              = list;
    luaL_setmetatable(L, LOG ".list");
    lua_newtable(L);
    for (int i = 0; i < ml_run_list_count(list); i++) {
        lua_pushstring(L, ml_run_list_name(list, i));
        lua_rawseti(L, -2, i + 1);
    }
    ml_run_list_close(list);
    *slot = NULL;
    return 1;
}

static int list_gc(lua_State *L)
{
    ml_run_list **slot = lua_touserdata(L, 1);
    ml_run_list_close(*slot);
    *slot = NULL;
    return 0;
}

static int log_root(lua_State *L)
{
    lua_pushstring(L, ml_run_root());
    return 1;
}

static int log_is_run(lua_State *L)
{
    lua_pushboolean(L, ml_run_is(luaL_checkstring(L, 1)));
    return 1;
}

static int log_newer(lua_State *L) /* newer(a, b): does the run's directory a come before b in a list, newest first? */
{
    lua_pushboolean(L, ml_run_order(luaL_checkstring(L, 1), luaL_checkstring(L, 2)) < 0);
    return 1;
}

/* read_file(path) -> the text of a small file; nil and why not. A pipe or a device is not waited for. */
static int log_read_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *why = NULL;
    struct stat about;
    if (stat(path, &about) != 0) why = strerror(errno);
    else if (!S_ISREG(about.st_mode)) why = "it is no file";
    else if (about.st_size > MOST_BYTES) why = "it has more than 16 MB";
    size_t room = why ? 0 : (size_t)about.st_size, n = 0;
    char  *text = lua_newuserdatauv(L, room + 1, 0);
    FILE  *file = why ? NULL : fopen(path, "rb");
    if (!why && !file) why = strerror(errno);
    if (file) {
        n = fread(text, 1, room, file);
        fclose(file);
    }
    if (!why) lua_pushlstring(L, text, n);
    else lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* Dead, but its parent has not heard of it; where there is no /proc, nobody knows. */
static bool is_zombie(int pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *name = strrchr(text, ')'); /* the state stands behind the name, which may be anything */
    return name && (name[1] == ' ' && (name[2] == 'Z' || name[2] == 'X'));
}

/* alive(host, pid) -> false when that process of this machine is there no more; true when it is, or who knows */
static int log_alive(lua_State *L)
{
    char        here[256] = "";
    const char *host = luaL_checkstring(L, 1);
    lua_Integer pid  = luaL_checkinteger(L, 2);
    bool        ours = gethostname(here, sizeof here - 1) == 0 && !strcmp(here, host) && pid > 0 && pid <= INT32_MAX;
    bool        there = !ours || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
    lua_pushboolean(L, there && !(ours && is_zombie((int)pid)));
    return 1;
}

/* --- curves in the terminal ------------------------------------------------------------------------------------------ */
#define PAGE LOG ".page"

typedef struct lua_page { /* of curves, with a line below them */
    ml_progress *progress;
    ml_terminal *terminal;
} lua_page;

static int page_open(lua_State *L) /* page(figure) */
{
    ml_figure *figure = lml_figure_at(L, 1);
    lua_page  *self   = lua_newuserdatauv(L, sizeof *self, 1);
    memset(self, 0, sizeof *self);
    luaL_setmetatable(L, PAGE);
    self->terminal = ml_terminal_new(figure);
    self->progress = self->terminal ? ml_progress_new(0, false) : NULL;
    if (!self->progress) return lml_error(L);
    ml_progress_above(self->progress, ml_terminal_rows, self->terminal);
    return 1;
}

static int page_tell(lua_State *L) /* page:tell(line): draws all, when it is time to */
{
    ml_progress_tell(((lua_page *)luaL_checkudata(L, 1, PAGE))->progress, luaL_checkstring(L, 2));
    return 0;
}

static int page_close(lua_State *L) /* the last picture stays */
{
    lua_page *self = luaL_checkudata(L, 1, PAGE);
    ml_progress_end(self->progress);
    ml_terminal_free(self->terminal);
    *self = (lua_page){ 0 };
    return 0;
}

static int log_is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty(STDERR_FILENO));
    return 1;
}

static int log_sleep(lua_State *L) /* sleep(seconds): a signal ends it */
{
    double          seconds = luaL_checknumber(L, 1);
    struct timespec time    = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&time, NULL);
    return 0;
}

/* --- registering ------------------------------------------------------------------------------------------------------ */
static const luaL_Reg log_methods[] = {
    { "read", log_read },     { "clear", log_clear }, { "more", log_more },   { "torn", log_torn }, { "names", log_names },
    { "holds", log_holds },   { "column", log_column }, { "feed", log_feed }, { "is_over", log_is_over }, { "close", log_close },
    { NULL, NULL },
};

static const luaL_Reg page_methods[] = { { "tell", page_tell }, { "close", page_close }, { NULL, NULL } };

static const luaL_Reg log_functions[] = {
    { "open", log_open },   { "list", log_list },           { "root", log_root },   { "is_run", log_is_run },
    { "newer", log_newer }, { "read_file", log_read_file }, { "alive", log_alive }, { "page", page_open },
    { "sleep", log_sleep }, { "is_terminal", log_is_terminal }, { NULL, NULL },
};

static void new_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    if (methods) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

int lml_open_log(lua_State *L)
{
    new_class(L, LOG, log_methods, log_close);
    new_class(L, PAGE, page_methods, page_close);
    new_class(L, LOG ".list", NULL, list_gc);
    luaL_newlib(L, log_functions);
    return 1;
}
