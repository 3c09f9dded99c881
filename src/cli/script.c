/* Lua for the commands: a state with moonlab in it, and calls that survive errors and Ctrl-C. */
#define _POSIX_C_SOURCE 200809L
#include "cli/cli.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <lualib.h>

#include "lua/lua_moonlab.h"

#define MOST_CALLERS 8 /* lines of who called whom */

lua_State *script_state(void)
{
    lua_State *L = luaL_newstate();
    if (!L) return NULL;
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_moonlab);
    lua_setfield(L, -2, "moonlab");
    lua_pop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_newtable(L);
    lua_setfield(L, -2, "moonlab.session");
    lua_pop(L, 1);
    return L;
}

void script_session(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "moonlab.session");
    lua_remove(L, -2);
}

/* --- errors: the message, and who called, when that says more than the message does --------------------------- */
static bool is_script(const lua_Debug *at)
{
    return at->currentline > 0 && strncmp(at->source, "@moonlab/", 9) != 0;
}

static void add_caller(luaL_Buffer *text, const lua_Debug *at)
{
    char line[LUA_IDSIZE + 128];
    if (!strcmp(at->what, "main")) snprintf(line, sizeof line, "\n    from %s:%d", at->short_src, at->currentline);
    else if (!at->name) snprintf(line, sizeof line, "\n    from %s:%d, in a function", at->short_src, at->currentline);
    else snprintf(line, sizeof line, "\n    from %s:%d, in '%.60s'", at->short_src, at->currentline, at->name);
    luaL_addstring(text, line);
}

/* Message handler. The first of the script's own frames is in the message already, when it is there at all. */
static int explain(lua_State *L)
{
    const char *message = luaL_tolstring(L, 1, NULL);
    luaL_Buffer text;
    lua_Debug   at;
    if (!strcmp(message, SCRIPT_INTERRUPTED)) return 1; /* where does not matter */
    luaL_buffinit(L, &text);
    luaL_addstring(&text, message);
    int n = 0; /* of the script's frames so far */
    for (int level = 1; n <= MOST_CALLERS && lua_getstack(L, level, &at); level++) {
        lua_getinfo(L, "Sln", &at);
        if (!is_script(&at)) continue;
        char place[LUA_IDSIZE + 24];
        snprintf(place, sizeof place, "%s:%d:", at.short_src, at.currentline);
        bool told = n++ == 0 && !strncmp(message, place, strlen(place));
        if (!told) add_caller(&text, &at);
    }
    luaL_pushresult(&text);
    return 1;
}

/* --- Ctrl-C: a hook raises at the next instruction, as the stock interpreter does --------------------------------- */
static lua_State            *running;
static pthread_t             main_thread;
static volatile sig_atomic_t stopped;

static void raise_interrupted(lua_State *L, lua_Debug *at)
{
    (void)at;
    lua_sethook(L, NULL, 0, 0);
    lua_pushliteral(L, SCRIPT_INTERRUPTED);
    lua_error(L);
}

static void on_interrupt(int signal_number)
{
    if (!pthread_equal(pthread_self(), main_thread)) { /* the hook may be set by the thread that runs Lua only */
        pthread_kill(main_thread, signal_number);
        return;
    }
    if (stopped) { /* the first one was not heard: a loop in C, say. Ends the process once this handler returns */
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    stopped = 1;
    lua_sethook(running, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* Who ignored the signal for us (nohup, a shell's background) does not want it. */
static void take_signal(int number, struct sigaction *before)
{
    struct sigaction ours = { .sa_handler = on_interrupt };
    sigemptyset(&ours.sa_mask);
    sigaction(number, NULL, before);
    if (before->sa_handler != SIG_IGN) sigaction(number, &ours, NULL);
}

bool script_call(lua_State *L, int n_args, int n_results)
{
    struct sigaction before_int, before_term;
    int              function = lua_gettop(L) - n_args;
    lua_pushcfunction(L, explain);
    lua_insert(L, function);
    running     = L;
    main_thread = pthread_self();
    stopped     = 0;
    take_signal(SIGINT, &before_int);
    take_signal(SIGTERM, &before_term);
    int status = lua_pcall(L, n_args, n_results, function);
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
    lua_sethook(L, NULL, 0, 0); /* one that came too late to be seen */
    lua_remove(L, function);
    return status == LUA_OK;
}

bool script_interrupted(void)
{
    return stopped;
}

/* The session's finish(failure, interrupted); without it no run was started, and the outcome is the script's. */
int script_finish(lua_State *L, const char *failure, bool interrupted)
{
    int code = interrupted ? INTERRUPTED : failure ? FAILED : DONE;
    script_session(L);
    if (lua_getfield(L, -1, "finish") == LUA_TFUNCTION) {
        lua_pushstring(L, failure);
        lua_pushboolean(L, interrupted);
        if (script_call(L, 2, 1)) {
            code = (int)lua_tointeger(L, -1);
        } else {
            fprintf(stderr, "%s\n", lua_tostring(L, -1));
            code = script_interrupted() ? INTERRUPTED : FAILED;
        }
    }
    lua_settop(L, 0);
    return code;
}
