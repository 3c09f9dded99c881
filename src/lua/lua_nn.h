/* What lua_nn.c and lua_layers.c share. */
#ifndef MOONLAB_LUA_NN_H
#define MOONLAB_LUA_NN_H

#include "lua/lua_moonlab.h"
#include "moonlab/module.h"

/* Option `name` of the table at index t: "he_normal", or { "he_normal", scale = 2 }. */
void lml_option_init(lua_State *L, int t, const char *where, const char *name, ml_init *init);
/* Puts a new module into the userdata that was pushed before work began; raises when it is NULL. Returns 1. */
int  lml_finish_module(lua_State *L, void **slot, lml_work *work, ml_module *m);
void lml_check_no_arguments(lua_State *L, const char *where);
/* A number for both, or a list of two: rows, columns. */
void lml_check_pair(lua_State *L, int index, const char *where, const char *name, int64_t pair[2]);

typedef struct lml_conv_arguments {
    int64_t            in, out, kernel[2];
    ml_conv_layer_opts opts;
} lml_conv_arguments;

/* (in, out, kernel) and the table of options behind n more arguments. */
void lml_check_conv(lua_State *L, int n, const char *where, const char *const *known, int n_known, lml_conv_arguments *c);

extern const luaL_Reg lml_layers[];             /* convolutions, pooling, normalisation, dropout */
extern const luaL_Reg lml_equivariant_layers[]; /* over symmetries */
extern const luaL_Reg lml_more_activations[];   /* those that are no operation of the table */
void lml_add_activations(lua_State *L);         /* those of the table, to the table on top of the stack */
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
extern const luaL_Reg lml_sequence_layers[], lml_sequence_methods[]; /* recurrent layers, transformers */

#endif
