/* What lua_nn.c and lua_layers.c share. */
#ifndef MOONLAB_LUA_NN_H
#define MOONLAB_LUA_NN_H

#include "lua/lua_moonlab.h"
#include "moonlab/module.h"

/* Option `name` of the table at index t: "he_normal", or { "he_normal", scale = 2 }. */
void lml_option_init(lua_State *L, int t, const char *where, const char *name, ml_init *init);
/* Puts a new module into the userdata that was pushed before work began; raises when it is NULL. Returns 1. */
int  lml_finish_module(lua_State *L, void **slot, lml_work *work, ml_module *m);
/* Pushes a userdata of a module inside the one at index. */
void lml_push_child(lua_State *L, int index, ml_module *child);
/* A new module at index `module` keeps what was written in Lua of the one at index `of` alive: whoever makes a container calls it for
 * each module that goes inside. Both indices from the bottom of the stack. */
void lml_keep_parts(lua_State *L, int module, int of);
bool lml_module_field(lua_State *L, ml_module *m); /* pushes field [2] that a module in Lua at index 1 has; false: there is none */
/* What the script made of a module in Lua, { class =, fields =, lists = }: pushed; false, and nothing pushed, for others. */
bool lml_push_part(lua_State *L, const ml_module *m);
/* Replaces the part on the top by its field [2], which may be nil; a list of layers by one of what push makes of each. */
void lml_part_value(lua_State *L, void *of, void (*push)(lua_State *L, void *of, int i));
void lml_push_pass(lua_State *L, ml_pass *is); /* the self of forward, which ends with the C function that calls it: lua_pass.c */
void lml_open_pass(lua_State *L);
int  lml_new_custom(lua_State *L);
int  lml_clone_module(lua_State *L);
void lml_open_module(lua_State *L);
extern const luaL_Reg lml_adjust[];     /* freeze, frozen, set_factor, factor: lua_adjust.c */
extern const luaL_Reg lml_hooks[];      /* hook, unhook: lua_hooks.c */
extern const luaL_Reg lml_containers[]; /* Sequential, Residual, Parallel: lua_containers.c */
extern const luaL_Reg lml_layers[]; /* convolutions, pooling, normalisation, dropout */

#endif
