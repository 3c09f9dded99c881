/* What lua_nn.c and lua_layers.c share. */
#ifndef MOONLAB_LUA_NN_H
#define MOONLAB_LUA_NN_H

#include "lua/lua_moonlab.h"
#include "moonlab/nn.h"

/* Option `name` of the table at index t: "he_normal", or { "he_normal", scale = 2 }. */
void lml_option_init(lua_State *L, int t, const char *where, const char *name, ml_init *init);
/* Puts a new module into the userdata that was pushed before work began; raises when it is NULL. Returns 1. */
int  lml_finish_module(lua_State *L, void **slot, lml_work *work, ml_module *m);
extern const luaL_Reg lml_layers[]; /* convolutions, pooling, normalisation, dropout */
extern const luaL_Reg lml_sequence_layers[], lml_sequence_methods[]; /* recurrent layers, transformers */

#endif
