/* What the bindings of runs and figures know of knobs. */
#ifndef MOONLAB_LUA_KNOBS_H
#define MOONLAB_LUA_KNOBS_H

#include "lua/lua_moonlab.h"
#include "moonlab/knobs.h"

ml_knobs *lml_knobs_at(lua_State *L, int index);

#endif
