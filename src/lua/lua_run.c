/* Runs, progress and Ctrl-C for Lua: a thin layer; the interface that scripts see is lua/moonlab/run.lua. */
#include "lua/lua_knobs.h"

#include <stdlib.h>
#include <string.h>

#include "moonlab/figure.h"
#include "moonlab/run.h"

#define RUN         "moonlab.Run.core"
#define MAX_METRICS 256 /* in one record */

typedef struct lua_run {
    ml_run       *run;
    ml_progress  *progress;
    ml_terminal  *terminal; /* curves above the bar; NULL = none */
    ml_knobs     *knobs;    /* NULL = none */
    bool          looping;      /* between loop_begin and loop_end */
    bool          finished;
    ml_run_status outcome;      /* what the run becomes when it is collected unfinished */
    char          message[512]; /* and why */
} lua_run;

static lua_run *check_run(lua_State *L)
{
    return luaL_checkudata(L, 1, RUN);
}

static const char *optional_field(lua_State *L, int t, const char *name)
{
    lua_getfield(L, t, name); /* the table keeps the string alive */
    const char *text = lua_tostring(L, -1);
    lua_pop(L, 1);
    return text;
}

static ml_run_status check_status(lua_State *L, int index)
{
    static const char *const names[] = { "running", "done", "interrupted", "failed", NULL };
    static const ml_run_status status[] = { ML_RUN_RUNNING, ML_RUN_DONE, ML_RUN_INTERRUPTED, ML_RUN_FAILED };
    return status[luaL_checkoption(L, index, NULL, names)];
}

/* --- one run ------------------------------------------------------------------------------------------------------ */
static int run_start(lua_State *L) /* { name =, seed =, params =, script =, script_text =, command = } -> run */
{
    luaL_checktype(L, 1, LUA_TTABLE);
    ml_run_opts opts = {
        .name    = optional_field(L, 1, "name"),
        .params  = optional_field(L, 1, "params"),
        .script  = optional_field(L, 1, "script"),
        .command = optional_field(L, 1, "command"),
        .script_text = optional_field(L, 1, "script_text"),
    };
    lua_getfield(L, 1, "seed");
    opts.seed = (uint64_t)luaL_checkinteger(L, -1);
    lua_run *self = lua_newuserdatauv(L, sizeof *self, 0);
    memset(self, 0, sizeof *self);
    self->outcome = ML_RUN_DONE;
    luaL_setmetatable(L, RUN);
    self->run = ml_run_start(&opts);
    if (!self->run) return lml_error(L);
    ml_seed(opts.seed);
    return 1;
}

static int run_dir(lua_State *L)
{
    lua_pushstring(L, ml_run_dir(check_run(L)->run));
    return 1;
}

typedef struct metric {
    const char *name;
    double      value;
} metric;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const metric *)a)->name, ((const metric *)b)->name);
}

/* run:log(step, { name = number }). The names are sorted: Lua's order of keys differs from process to process, and two
 * runs with one seed must write the same bytes. */
static int run_log(lua_State *L)
{
    lua_run    *self = check_run(L);
    lua_Integer step = luaL_checkinteger(L, 2);
    metric      metrics[MAX_METRICS];
    const char *names[MAX_METRICS];
    double      values[MAX_METRICS];
    int         n = 0;
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
        if (n == MAX_METRICS) return lml_raise(L, "run:log: at most %d metrics in one call", MAX_METRICS);
        metrics[n++] = (metric){ lua_tostring(L, -2), lua_tonumber(L, -1) };
    }
    qsort(metrics, (size_t)n, sizeof *metrics, by_name);
    for (int i = 0; i < n; i++) {
        names[i]  = metrics[i].name;
        values[i] = metrics[i].value;
    }
    if (!ml_run_log(self->run, step, names, values, n)) return lml_error(L);
    ml_progress_metrics(self->progress, names, values, n);
    return 0;
}

static int run_event(lua_State *L) /* run:event(step, text) */
{
    if (!ml_run_event(check_run(L)->run, luaL_checkinteger(L, 2), luaL_checkstring(L, 3))) return lml_error(L);
    return 0;
}

static int run_change(lua_State *L) /* run:change(step, loop, name, value as JSON, goes_on) */
{
    if (!ml_run_change(check_run(L)->run, luaL_checkinteger(L, 2), (int)luaL_checkinteger(L, 3), luaL_checkstring(L, 4),
                       luaL_checkstring(L, 5), lua_toboolean(L, 6)))
        return lml_error(L);
    return 0;
}

static int run_stop(lua_State *L) /* run:stop(step, loop) */
{
    if (!ml_run_stop(check_run(L)->run, luaL_checkinteger(L, 2), (int)luaL_checkinteger(L, 3))) return lml_error(L);
    return 0;
}

static int run_check(lua_State *L) /* run:check(name, passed, detail or nil) */
{
    if (!ml_run_check(check_run(L)->run, luaL_checkstring(L, 2), lua_toboolean(L, 3), luaL_optstring(L, 4, NULL)))
        return lml_error(L);
    return 0;
}

static int run_checks_failed(lua_State *L)
{
    lua_pushinteger(L, ml_run_checks_failed(check_run(L)->run));
    return 1;
}

static int run_last(lua_State *L) /* run:last(name) -> number or nil */
{
    double value;
    if (!ml_run_last(check_run(L)->run, luaL_checkstring(L, 2), &value)) return 0;
    lua_pushnumber(L, value);
    return 1;
}

static int run_reached(lua_State *L) /* run:reached(name, threshold) -> first step or nil */
{
    int64_t step = ml_run_reached(check_run(L)->run, luaL_checkstring(L, 2), luaL_checknumber(L, 3));
    if (step < 0) return 0;
    lua_pushinteger(L, step);
    return 1;
}

/* --- its end -------------------------------------------------------------------------------------------------------- */
static int run_outcome(lua_State *L) /* run:outcome(status, message or nil): the end, should nobody say another */
{
    lua_run    *self    = check_run(L);
    const char *message = luaL_optstring(L, 3, "");
    self->outcome       = check_status(L, 2);
    strncpy(self->message, message, sizeof self->message - 1);
    self->message[sizeof self->message - 1] = '\0';
    return 0;
}

static int run_finish(lua_State *L) /* run:finish(): with the outcome; a second time does nothing */
{
    lua_run *self = check_run(L);
    if (self->finished) return 0;
    self->finished = true;
    if (!ml_run_finish(self->run, self->outcome, self->message[0] ? self->message : NULL)) return lml_error(L);
    return 0;
}

/* --- its loop ------------------------------------------------------------------------------------------------------- */
static int run_loop_begin(lua_State *L) /* run:loop_begin(total, quiet) */
{
    lua_run    *self  = check_run(L);
    lua_Integer total = luaL_checkinteger(L, 2);
    if (self->looping) return lml_raise(L, "run:steps: a loop over this run is under way already");
    self->progress = ml_progress_new(total, lua_toboolean(L, 3));
    self->looping  = true;
    ml_loop_begin(self, total);
    ml_interrupt_begin();
    return 0;
}

/* run:tick(steps done) -> true: the next step; false: Ctrl-C was pressed; nil: a turn of a knob waits to be taken: take it, and
 * ask again. Waits while a window says pause; second: is it paused? */
static int run_tick(lua_State *L)
{
    lua_run    *self = check_run(L);
    lua_Integer done = lua_tointeger(L, 2);
    if (done > 0) ml_progress_step(self->progress, done);
    bool turned = ml_knobs_waiting(self->knobs);
    if (!turned) {
        double waited = ml_loop_wait(self, done, &turned);
        if (waited > 0) ml_progress_waited(self->progress, waited);
    }
    if (ml_interrupted()) lua_pushboolean(L, false);
    else if (turned) lua_pushnil(L);
    else lua_pushboolean(L, true);
    lua_pushboolean(L, ml_loop_look().paused);
    return 2;
}

static int run_set_knobs(lua_State *L) /* run:set_knobs(board): tick looks at it */
{
    lua_run *self = check_run(L);
    ml_knobs_release(self->knobs);
    self->knobs = ml_knobs_retain(lml_knobs_at(L, 2));
    return 0;
}

static int run_clear(lua_State *L) /* run:clear(): makes room to print something while the bar is there */
{
    ml_progress_clear(check_run(L)->progress);
    return 0;
}

static int run_above(lua_State *L) /* run:above(figure): its curves stand above the bar until the loop ends */
{
    lua_run *self = check_run(L);
    if (self->terminal || !self->progress) return 0;
    self->terminal = ml_terminal_new(lml_figure_at(L, 2));
    if (!self->terminal) return lml_error(L);
    ml_progress_above(self->progress, ml_terminal_rows, self->terminal);
    return 0;
}

static void end_loop(lua_run *self)
{
    if (!self->looping) return;
    self->looping = false;
    ml_progress_end(self->progress);
    ml_terminal_free(self->terminal);
    self->progress = NULL;
    self->terminal = NULL;
    ml_loop_end(self);
    ml_interrupt_end();
}

static int run_loop_end(lua_State *L) /* run:loop_end() -> was it interrupted? */
{
    lua_run *self = check_run(L);
    lua_pushboolean(L, self->looping && ml_interrupted());
    end_loop(self);
    return 1;
}

static int run_gc(lua_State *L)
{
    lua_run *self = check_run(L);
    end_loop(self);
    if (self->run && !self->finished) {
        self->finished = true; /* nobody is left to tell when this fails */
        (void)ml_run_finish(self->run, self->outcome, self->message[0] ? self->message : NULL);
    }
    ml_run_release(self->run);
    ml_knobs_release(self->knobs);
    self->run   = NULL;
    self->knobs = NULL;
    return 0;
}

/* --- the rest --------------------------------------------------------------------------------------------------------- */
static int run_number(lua_State *L) /* number(value) -> a number, from a number, a boolean or a tensor of one value */
{
    ml_tensor *t = lml_test_tensor(L, 1);
    if (t && ml_tensor_numel(t) == 1) lua_pushnumber(L, ml_item(t));
    else if (lua_type(L, 1) == LUA_TNUMBER) lua_pushnumber(L, lua_tonumber(L, 1));
    else if (lua_isboolean(L, 1)) lua_pushnumber(L, lua_toboolean(L, 1));
    else return 0;
    return 1;
}

static int run_export_csv(lua_State *L) /* export_csv(run directory, file) */
{
    if (!ml_run_export_csv(luaL_checkstring(L, 1), luaL_checkstring(L, 2))) return lml_error(L);
    return 0;
}

static const luaL_Reg run_methods[] = {
    { "dir", run_dir },           { "log", run_log },         { "event", run_event },     { "check", run_check },
    { "change", run_change },     { "stop", run_stop },       { "set_knobs", run_set_knobs },
    { "last", run_last },         { "reached", run_reached }, { "outcome", run_outcome }, { "finish", run_finish },
    { "loop_begin", run_loop_begin }, { "tick", run_tick },   { "loop_end", run_loop_end },
    { "clear", run_clear },   { "above", run_above },               { "checks_failed", run_checks_failed }, { NULL, NULL },
};

static const luaL_Reg run_functions[] = {
    { "start", run_start }, { "number", run_number }, { "export_csv", run_export_csv }, { NULL, NULL },
};

int lml_open_run(lua_State *L)
{
    luaL_newmetatable(L, RUN);
    luaL_newlib(L, run_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, run_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, run_functions);
    return 1;
}
