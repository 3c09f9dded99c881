/* moonlab view RUN...: runs that have ended, or that other processes are at. The work is lua/moonlab/view_command.lua's. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static bool call(lua_State *L, int argc, char **argv)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonlab");
    if (!script_call(L, 1, 0)) return false;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonlab.view_command");
    if (!script_call(L, 1, 1)) return false;
    lua_getfield(L, -1, "run");
    if (!lua_checkstack(L, argc)) return false;
    for (int i = 1; i < argc; i++) lua_pushstring(L, argv[i]);
    return script_call(L, argc - 1, 2);
}

int command_view(int argc, char **argv)
{
    lua_State *L    = script_state();
    int        code = FAILED;
    if (!L) {
        fputs("moonlab view: out of memory\n", stderr);
        return code;
    }
    if (call(L, argc, argv)) {
        const char *problem = lua_tostring(L, -1);
        code                = (int)lua_tointeger(L, -2);
        if (code == USAGE) usage_error("view", "%s", problem);
        else if (problem) fprintf(stderr, "moonlab view: %s\n", problem);
    } else if (script_interrupted()) {
        code = DONE; /* that is how one leaves a terminal; the runs go on */
    } else {
        fprintf(stderr, "moonlab view: %s\n", lua_tostring(L, -1));
    }
    lua_close(L);
    return code;
}
