/* What the bindings of runs share: lua_run.c (runs, their loops) and lua_run_read.c (reading a run's log). */
#ifndef MOONLAB_LUA_RUN_H
#define MOONLAB_LUA_RUN_H

#include "lua/lua_moonlab.h"
#include "moonlab/run.h"

int lml_run_history(lua_State *L);

#endif
