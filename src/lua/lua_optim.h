/* What the files of the optimizers' binding share. */
#ifndef MOONLAB_LUA_OPTIM_H
#define MOONLAB_LUA_OPTIM_H

#include "lua/lua_moonlab.h"
#include "moonlab/optim.h"

ml_optim *lml_check_optim(lua_State *L, const char *where); /* argument 1, borrowed */

enum { LML_SCHEDULE = 1, LML_SCHEDULE_START, LML_OPTIM_VALUES = 2 }; /* values of Lua beside an optimizer */
void lml_set_schedule(lua_State *L, int opt, int function); /* from now on; nil: none. Raises when it is neither */
void lml_apply_schedule(lua_State *L, ml_optim *opt);       /* of the optimizer at 1, for its next step; raises */

ml_tensor **lml_check_params(lua_State *L, int t, const char *where, int *n); /* the list at t, as an array that stays on the stack */
int lml_new_optim(lua_State *L);        /* AdamW(params or groups, options); upvalue 1: which of ml_optim_info_at. lua_optim_new.c */
int lml_optim_state(lua_State *L);      /* opt:state(), opt:load_state(state): lua_optim_state.c */
int lml_optim_load_state(lua_State *L);

/* lr or weight_decay, of a group from 0 or of the whole (-1): a number, or inside vmap a tensor. lua_optim.c */
extern const char *const lml_rate_names[ML_RATE_COUNT];
int  lml_push_rate(lua_State *L, const ml_optim *opt, int group, ml_rate which);
bool lml_set_rate(lua_State *L, ml_optim *opt, int group, ml_rate which, int value); /* false: ml_error_message */

#endif
