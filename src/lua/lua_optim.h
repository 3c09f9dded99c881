/* What the files of the optimizers' binding share. */
#ifndef MOONLAB_LUA_OPTIM_H
#define MOONLAB_LUA_OPTIM_H

#include "lua/lua_moonlab.h"
#include "moonlab/optim.h"

ml_optim *lml_check_optim(lua_State *L, const char *where); /* argument 1, borrowed */

int lml_new_optim(lua_State *L);        /* AdamW(params or groups, options); upvalue 1: which of ml_optim_info_at. lua_optim_new.c */
int lml_optim_state(lua_State *L);      /* opt:state(), opt:load_state(state): lua_optim_state.c */
int lml_optim_load_state(lua_State *L);

/* lr or weight_decay, of a group from 0 or of the whole (-1): a number, or inside vmap a tensor. lua_optim.c */
extern const char *const lml_rate_names[ML_RATE_COUNT];
int  lml_push_rate(lua_State *L, const ml_optim *opt, int group, ml_rate which);
bool lml_set_rate(lua_State *L, ml_optim *opt, int group, ml_rate which, int value); /* false: ml_error_message */

#endif
