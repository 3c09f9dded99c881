/* moonlab repl: reads, evaluates, prints; no error ends it. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/lua_moonlab.h"

static void print_failure(lua_State *L)
{
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
}

/* ml and nn become globals; moonlab.run learns who it works for. */
static bool prepare(lua_State *L, bool terminal)
{
    script_session(L);
    lua_pushstring(L, "repl");
    lua_setfield(L, -2, "program");
    lua_pushstring(L, "moonlab repl");
    lua_setfield(L, -2, "command");
    lua_pushboolean(L, terminal);
    lua_setfield(L, -2, "window");
    lua_pop(L, 1);
    bool good = luaL_loadstring(L, "ml = require 'moonlab' nn = ml.nn") == LUA_OK && script_call(L, 0, 0);
    if (!good) print_failure(L);
    lua_settop(L, 0);
    return good;
}

static void evaluate(lua_State *L) /* the function on the stack */
{
    script_session(L);
    lua_pushnil(L);
    lua_setfield(L, -2, "interrupted"); /* of what ran before */
    lua_pop(L, 1);
    if (!script_call(L, 0, LUA_MULTRET)) {
        print_failure(L);
    } else if (lua_gettop(L) > 0) {
        lua_getglobal(L, "print");
        lua_insert(L, 1);
        if (!script_call(L, lua_gettop(L) - 1, 0)) print_failure(L);
    }
    lua_settop(L, 0);
    fflush(stdout);
}

/* moonlab.repl.compile(input): a function; nil when more is needed; or nil and the problem. */
static int compile(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, "moonlab.repl");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "compile");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    return 2;
}

/* True when the input is dealt with, for good or ill; false when more lines are needed. */
static bool take(lua_State *L, const char *input)
{
    bool complete = true;
    lua_pushcfunction(L, compile);
    lua_pushstring(L, input);
    if (!script_call(L, 1, 2) || lua_isstring(L, 2)) {
        print_failure(L);
    } else if (lua_isfunction(L, 1)) {
        lua_settop(L, 1);
        evaluate(L);
    } else {
        complete = false;
    }
    lua_settop(L, 0);
    return complete;
}

static char *append(char *input, const char *line) /* frees input; NULL when there is no memory */
{
    size_t before = input ? strlen(input) : 0, more = strlen(line);
    char  *longer = realloc(input, before + more + 2);
    if (!longer) {
        free(input);
        return NULL;
    }
    if (before > 0) longer[before++] = '\n';
    memcpy(longer + before, line, more + 1);
    return longer;
}

static void loop(lua_State *L, prompt *p)
{
    const char  *line;
    char        *input = NULL; /* what is not complete yet */
    prompt_event event;
    while ((event = prompt_read(p, input ? "... " : "> ", &line)) != PROMPT_END) {
        if (event == PROMPT_LINE) {
            prompt_remember(p, line);
            input = append(input, line);
            if (input && !take(L, input)) continue;
        }
        free(input);
        input = NULL;
    }
    if (input) { /* as a file that ends too early */
        if (luaL_loadbuffer(L, input, strlen(input), "=repl") != LUA_OK) print_failure(L);
        lua_settop(L, 0);
        free(input);
    }
    if (prompt_is_terminal(p)) putchar('\n');
}

int command_repl(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return usage_error("repl", "takes no arguments");
    lua_State *L    = script_state();
    prompt    *p    = L ? prompt_open(L) : NULL;
    int        code = FAILED;
    if (!p) {
        fputs("moonlab: cannot open a prompt: out of memory\n", stderr);
    } else if (prepare(L, prompt_is_terminal(p))) {
        if (prompt_is_terminal(p)) puts("moonlab " ML_VERSION "  (ml and nn are ready; Tab completes, Ctrl-D leaves)");
        loop(L, p);
        code = DONE;
        script_finish(L, NULL, false);
    }
    prompt_close(p);
    if (L) lua_close(L);
    return code;
}
