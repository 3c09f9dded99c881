/* moonlab run SCRIPT, and scripts that are commands of their own: one script, from its command line to its exit code. */
#define _POSIX_C_SOURCE 200809L
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/lua_moonlab.h"
#include "moonlab/run.h"

extern const lml_chunk cli_scripts[]; /* made by embed.cmake of the scripts that CMakeLists.txt names */

typedef struct request {
    const char *name; /* of the command */
    const char *script;
    const lml_chunk *embedded; /* the script's text, where it is part of the program; NULL = read it */
    char      **overrides;
    int         n_overrides;
    bool        quiet, no_window, tui, watch;
    const char *tui_names; /* with commas; NULL = whatever there is */
    const char *command; /* as it was typed */
    long        threads; /* 0 = as the environment says */
} request;

static bool is_override(const char *word)
{
    size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && word[n] == '=' && word[0] != '_' && (word[0] < '0' || word[0] > '9');
}

static bool read_threads(const char *word, long *threads)
{
    char *end;
    errno    = 0;
    *threads = word ? strtol(word, &end, 10) : 0;
    return word && *word && !*end && !errno && *threads >= 1 && *threads <= 256;
}

/* Returns DONE, or USAGE after saying what is wrong. The overrides are gathered at the front of argv. */
static int read_arguments(int argc, char **argv, const lml_chunk *embedded, request *wanted)
{
    *wanted = (request){ .name = argv[0], .embedded = embedded, .overrides = argv };
    if (embedded) wanted->script = embedded->name + 1; /* without the @ */
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (!strcmp(word, "--no-window")) wanted->no_window = true;
        else if (!strcmp(word, "--tui")) wanted->tui = true;
        else if (!strcmp(word, "--watch") && !embedded) wanted->watch = true;
        else if (!strncmp(word, "--tui=", 6)) wanted->tui = true, wanted->tui_names = word + 6;
        else if (!strcmp(word, "--quiet") || !strcmp(word, "-q")) wanted->quiet = true;
        else if (!strcmp(word, "--threads") || !strncmp(word, "--threads=", 10)) {
            const char *number = word[9] ? word + 10 : argv[++i]; /* argv ends with NULL */
            if (!read_threads(number, &wanted->threads))
                return usage_error(wanted->name, "--threads needs a number 1..256, got '%s'", number ? number : "");
        } else if (word[0] == '-' && word[1]) return usage_error(wanted->name, "unknown option '%s'", word);
        else if (!wanted->script) wanted->script = word;
        else if (is_override(word)) wanted->overrides[wanted->n_overrides++] = word;
        else return usage_error(wanted->name, "'%s' is not of the form key=value", word);
    }
    if (wanted->script) return DONE;
    return usage_error(wanted->name, "needs a script, as in moonlab run examples/grokking.lua");
}

/* The global `arg`, as the stock interpreter has it: the script at 0, what follows it from 1 on. */
static void set_arg(lua_State *L, const request *wanted)
{
    lua_newtable(L);
    lua_pushstring(L, wanted->script);
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < wanted->n_overrides; i++) {
        lua_pushstring(L, wanted->overrides[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
}

/* Curves in the terminal: where they are asked for, or by themselves where somebody looks and no window was refused. */
static void set_tui(lua_State *L, const request *wanted)
{
    bool seen = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    if (wanted->tui) lua_pushboolean(L, 1);
    else if (seen && !wanted->no_window) lua_pushliteral(L, "auto");
    else lua_pushboolean(L, 0);
    lua_setfield(L, -2, "tui");
    if (!wanted->tui_names) return;
    lua_newtable(L);
    for (const char *at = wanted->tui_names; *at; at += strspn(at, ",")) {
        size_t n = strcspn(at, ",");
        if (n) {
            lua_pushlstring(L, at, n);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        }
        at += n;
    }
    lua_setfield(L, -2, "tui_names");
}

static void set_session(lua_State *L, const request *wanted, const char *command)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    script_session(L);
    lua_pushstring(L, "run");
    lua_setfield(L, -2, "program");
    lua_pushstring(L, command);
    lua_setfield(L, -2, "command");
    if (wanted->embedded) {
        lua_pushlstring(L, (const char *)wanted->embedded->source, wanted->embedded->bytes);
        lua_setfield(L, -2, "script_text");
    }
    lua_pushboolean(L, wanted->quiet);
    lua_setfield(L, -2, "quiet");
    lua_pushboolean(L, !wanted->no_window && !wanted->tui);
    lua_setfield(L, -2, "window");
    set_tui(L, wanted);
    lua_pushboolean(L, terminal && !wanted->no_window && !wanted->tui);
    lua_setfield(L, -2, "linger");
    lua_pop(L, 1);
}

static bool session_flag(lua_State *L, const char *name)
{
    script_session(L);
    lua_getfield(L, -1, name);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return set;
}

static void print_usage_error(lua_State *L, const char *command)
{
    script_session(L);
    lua_getfield(L, -1, "usage_error");
    usage_error(command, "%s", lua_tostring(L, -1));
    lua_pop(L, 2);
}

/* Windows stay until they are closed, when somebody is there to close them. Ctrl-C ends the waiting, nothing else. */
static void wait_for_windows(lua_State *L)
{
    if (!session_flag(L, "linger")) return;
    script_session(L);
    if (lua_getfield(L, -1, "wait") == LUA_TFUNCTION) (void)script_call(L, 0, 0);
    lua_settop(L, 0);
}

static int load(lua_State *L, const request *wanted)
{
    const lml_chunk *text = wanted->embedded;
    if (!text) return luaL_loadfile(L, wanted->script);
    return luaL_loadbufferx(L, (const char *)text->source, text->bytes, text->name, "t");
}

static int run(lua_State *L, const request *wanted, bool watched)
{
    bool loaded = load(L, wanted) == LUA_OK, good = loaded && script_call(L, 0, 0);
    bool interrupted = loaded && script_interrupted();
    char *failure = NULL;
    if (!good) {
        const char *text = lua_tostring(L, -1);
        failure          = strdup(text ? text : "an error without a message");
    }
    lua_settop(L, 0);
    int code = script_finish(L, failure, interrupted);
    if (failure && code == USAGE) print_usage_error(L, wanted->name);
    else if (failure && strcmp(failure, SCRIPT_INTERRUPTED) != 0) {
        fprintf(stderr, "%s\n", failure);
        if (watched) ml_loop_failed(failure);
    }
    free(failure);
    if (code == DONE && wanted->n_overrides > 0 && !session_flag(L, "consumed"))
        return usage_error(wanted->name, "'%s' has no effect: %s calls no ml.run", wanted->overrides[0], wanted->script);
    if (code == DONE || code == CHECK_FAILED || (watched && code == FAILED)) wait_for_windows(L); /* then they show the error, too */
    return code;
}

static char *join(int argc, char **argv)
{
    size_t bytes = sizeof "moonlab";
    for (int i = 0; i < argc; i++) bytes += strlen(argv[i]) + 1;
    char *line = malloc(bytes);
    if (!line) return NULL;
    strcpy(line, "moonlab");
    for (int i = 0; i < argc; i++) strcat(strcat(line, " "), argv[i]);
    return line;
}

static int tell_file(lua_State *L) /* a path, to the one who watches */
{
    size_t      n;
    const char *path = luaL_checklstring(L, 1, &n);
    if (!strchr(path, '\n')) (void)dprintf((int)lua_tointeger(L, lua_upvalueindex(1)), "%s\n", path);
    return 0;
}

/* moonlab.watched.begin(tell); what is kept has its path in the session. */
static bool set_watched(lua_State *L, const watched_run *watched)
{
    script_session(L);
    lua_pushstring(L, watched->state);
    lua_setfield(L, -2, "reload");
    lua_settop(L, 0);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonlab");
    if (!script_call(L, 1, 0)) return false;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonlab.watched");
    if (!script_call(L, 1, 1)) return false;
    lua_getfield(L, -1, "begin");
    lua_pushinteger(L, watched->files);
    lua_pushcclosure(L, tell_file, 1);
    return script_call(L, 1, 0);
}

static int run_script_once(void *context, const watched_run *watched)
{
    const request *wanted = context;
    if (wanted->threads > 0) ml_threads_set((int)wanted->threads);
    lua_State *L    = script_state();
    int        code = FAILED;
    if (!L) {
        fputs("moonlab: out of memory\n", stderr);
        return code;
    }
    set_arg(L, wanted);
    set_session(L, wanted, wanted->command);
    if (!watched || set_watched(L, watched)) code = (lua_settop(L, 0), run(L, wanted, watched != NULL));
    else fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_close(L);
    return code;
}

/* The command line of a script that is part of the program, or of one in a file: embedded NULL. */
static int run_command(int argc, char **argv, const lml_chunk *embedded)
{
    request wanted;
    char   *command = join(argc, argv); /* before the overrides move */
    int     code    = command ? read_arguments(argc, argv, embedded, &wanted) : FAILED;
    if (code == DONE && !embedded && access(wanted.script, R_OK) != 0)
        code = usage_error("run", "cannot read '%s': %s", wanted.script, strerror(errno));
    if (code == DONE) {
        wanted.command = command;
        code = wanted.watch ? run_watched(wanted.script, run_script_once, &wanted, wanted.quiet) : run_script_once(&wanted, NULL);
    }
    free(command);
    return code;
}

int command_run(int argc, char **argv)
{
    return run_command(argc, argv, NULL);
}

int command_script(int argc, char **argv)
{
    const lml_chunk *script = cli_scripts;
    while (strcmp(script->module, argv[0]) != 0) script++; /* main's table names only commands that there are */
    return run_command(argc, argv, script);
}
