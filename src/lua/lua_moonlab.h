/* What the bindings share: checking arguments, pushing tensors, raising errors at the script's line. */
#ifndef MOONLAB_LUA_MOONLAB_H
#define MOONLAB_LUA_MOONLAB_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "moonlab/ops.h"
#include "moonlab/tensor.h"

/* --- errors: the only places that raise --------------------------------------------------------------- */
int lml_error(lua_State *L);                            /* raises ml_error_message() with the script's line */
int lml_raise(lua_State *L, const char *format, ...) ML_PRINTF(2, 3); /* the same with a message of its own */
/* Raises "where: unknown option 'got'; did you mean 'nearest'?" */
int lml_unknown_option(lua_State *L, const char *where, const char *got, const char *const *known, int n_known);
/* Fails unless the table at index t has only keys of known (NULL: nothing to check). */
void lml_check_options(lua_State *L, int t, const char *where, const char *const *known, int n_known);

/* --- tensors ------------------------------------------------------------------------------------------- */
ml_tensor *lml_check_tensor(lua_State *L, int index, const char *where); /* borrowed; raises when it is none */
ml_tensor *lml_test_tensor(lua_State *L, int index);                     /* borrowed, or NULL */
int        lml_push_tensor(lua_State *L, ml_tensor *t); /* retains; a NULL raises ml_error_message(). Returns 1 */
void       lml_collect(lua_State *L);                   /* lets Lua's collector keep pace with tensor memory */

/* --- the parts; each leaves its table on the stack -------------------------------------------------------- */
int lml_open_tensor(lua_State *L);
int lml_open_ops(lua_State *L);
int lml_open_nn(lua_State *L);
int lml_open_optim(lua_State *L);
int lml_open_data(lua_State *L);
int lml_open_run(lua_State *L);
int lml_open_figure(lua_State *L);
int luaopen_moonlab_core(lua_State *L);

#endif
