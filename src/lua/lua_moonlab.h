/* What the bindings share: userdata, checking arguments, calling the core, raising errors at the script's line.
 *
 * A binding reads: arguments, one call into the core, push. What Lua may raise (a wrong argument, its own want of
 * memory) happens before the call; what the core makes lives in a scope that is closed before an error is raised.
 *
 *     static int double_it(lua_State *L)
 *     {
 *         ml_tensor *x    = lml_check_tensor(L, 1, "double_it");
 *         lml_work   work = lml_begin(L);                        // pushes the userdata of the result, still empty
 *         ml_tensor *y;
 *         do y = ml_add(x, x);
 *         while (!y && lml_retry(L, &work));                     // out of memory: collect, and try once more
 *         return lml_finish(L, &work, y);                        // fills the userdata, or raises
 *     }
 */
#ifndef MOONLAB_LUA_MOONLAB_H
#define MOONLAB_LUA_MOONLAB_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "lua/lua_weak.h"
#include "moonlab/ops.h"
#include "moonlab/tensor.h"

/* --- errors: lua_error.c, the only place that raises ---------------------------------------------------------- */
int lml_error(lua_State *L);                                          /* ml_error_message() with the script's line */
int lml_raise(lua_State *L, const char *format, ...) ML_PRINTF(2, 3); /* the same with a message of its own */
int lml_raise_text(lua_State *L);                                     /* for Lua: raise(message) */
const char *lml_site(lua_State *L); /* "script.lua:12", the first line outside moonlab; NULL when there is none */
const char *lml_got(lua_State *L, int index); /* what a wrong argument is: "string", "nothing", "moonlab.Tensor" */

/* --- options and other arguments: lua_options.c ------------------------------------------------------------------- */
/* Raises "where: unknown option 'got'; did you mean 'nearest'?" */
int lml_unknown_option(lua_State *L, const char *where, const char *got, const char *const *known, int n_known);
/* Raises "owner has no field 'got'; did you mean 'nearest'?", from the names in the table at index t. */
int lml_no_field(lua_State *L, const char *owner, const char *got, int t);
int lml_nearest(lua_State *L); /* for Lua: nearest(word, list) -> the entry that was meant, or nil */
/* For Lua: either(plain, general, names) -> a function that calls general when its options, the last argument, have one of the names,
 * else plain. In C, so that a script that returns its result stays the place that errors name. */
int lml_either(lua_State *L);
/* Fails unless the value at index t is nil or a table that has only keys of known. */
void lml_check_options(lua_State *L, int t, const char *where, const char *const *known, int n_known);
bool lml_has_names(lua_State *L, int index); /* is it a table with a key that is text: options? */
/* Option `name` of the table at index t; false when it is not given, or when there is no table. Wrong types raise. */
bool lml_option_number(lua_State *L, int t, const char *where, const char *name, double *value);
bool lml_option_integer(lua_State *L, int t, const char *where, const char *name, int64_t *value);
bool lml_option_flag(lua_State *L, int t, const char *where, const char *name, bool *value);
bool lml_option_text(lua_State *L, int t, const char *where, const char *name, const char **value); /* owned by t */
bool lml_option_dtype(lua_State *L, int t, const char *where, const char *name, ml_dtype *value);
int64_t  lml_check_integer(lua_State *L, int index, const char *where, const char *name);
double   lml_check_number(lua_State *L, int index, const char *where, const char *name);
ml_dtype lml_check_dtype(lua_State *L, int index, const char *where);
/* Sizes from the list at index, or from the run of numbers that begins there; *next is the argument behind them. */
ml_shape lml_check_shape(lua_State *L, int index, const char *where, int *next);

/* --- userdata: lua_userdata.c ---------------------------------------------------------------------------------- */
typedef struct lml_type {
    const char *name;             /* "moonlab.Tensor"; the registry has its metatable under the address of this */
    void      (*release)(void *); /* of what is held */
} lml_type;
extern const lml_type lml_tensor_type, lml_module_type, lml_optim_type;

void   lml_new_type(lua_State *L, const lml_type *type); /* pushes its metatable, with __name, __gc and __close set */
void **lml_new(lua_State *L, const lml_type *type);      /* pushes a userdata that is empty; put one reference there */
void **lml_new_with(lua_State *L, const lml_type *type, int n_values); /* the same with values of Lua beside it */
void  *lml_test(lua_State *L, int index, const lml_type *type); /* borrowed; NULL when of another type, or closed */
void  *lml_check(lua_State *L, int index, const lml_type *type, const char *where, const char *name);
size_t lml_released(void); /* how many userdata were closed or collected so far */

/* --- tensors: lua_tensor.c, lua_index.c -------------------------------------------------------------------------- */
ml_tensor *lml_check_tensor(lua_State *L, int index, const char *where); /* borrowed; raises when it is none */
struct ml_figure *lml_figure_at(lua_State *L, int index);                  /* of lua_figure.c; borrowed */
ml_tensor *lml_test_tensor(lua_State *L, int index);                     /* borrowed, or NULL */
int  lml_push_tensor(lua_State *L, ml_tensor *t); /* one that others own too; NULL raises the core's message. Returns 1 */
void lml_push_item(lua_State *L, const ml_tensor *t); /* its only value: an integer, a boolean or a float */
void lml_push_shape(lua_State *L, const ml_shape *shape); /* a list of its sizes */
void lml_push_methods(lua_State *L);                  /* the table of names that tensors have */
int  lml_index(lua_State *L);                         /* x[...] of (x, key) */
int  lml_assign(lua_State *L);                        /* x[...] = v of (x, key, v) */
int  lml_list_ops(lua_State *L);                      /* for Lua: the table of operations as data; lua_op_list.c */
/* The options of operation id into opts, ML_OPTS_BYTES large, from the arguments that begin at first, as the operation itself takes them
 * behind its tensor, before there is one; messages name `where`. */
void lml_op_options(lua_State *L, int id, const char *where, int first, void *opts);

/* --- calling the core: lua_work.c; see the example above -------------------------------------------------------- */
typedef struct lml_work {
    void   **slot;
    ml_scope scope;
    bool     retried;
} lml_work;
lml_work lml_begin(lua_State *L);                 /* pushes the userdata of the result, opens a scope */
int      lml_finish(lua_State *L, lml_work *work, ml_tensor *result); /* fills it; NULL raises. Returns 1 */
lml_work lml_enter(lua_State *L);                 /* the same for a call that makes no tensor */
void     lml_leave(lua_State *L, lml_work *work, bool ok);
bool     lml_retry(lua_State *L, lml_work *work); /* worth trying again? once, after out of memory */
void     lml_collect(lua_State *L);               /* lets Lua's collector keep pace with tensor memory */
lua_State *lml_running(void);                     /* the state that has called into the core, or NULL */
void       lml_set_running(lua_State *L);         /* of a caller that has called Lua from inside the core */
void     lml_watch_sites(void); /* tells the core where the script is, for the messages of anomaly detection */

/* --- calling the script from the core: lua_callback.c ------------------------------------------------------------- */
/* Calls f, with ctx as its only argument, from inside the core: nothing jumps through it. False with the script's message, or
 * whatever it raised, which lml_error raises again where the core was called from. */
bool lml_protect(lua_State *L, lua_CFunction f, void *ctx);
bool lml_caught(lua_State *L);       /* pushes what lml_protect caught, if that is why the core failed */
/* A checkpoint inside the forward of modules in Lua: the runs under way, to be gone through again when they are over; lua_pass.c */
typedef struct lml_kept_passes lml_kept_passes;
bool lml_keep_passes(lml_kept_passes **kept); /* NULL where there is none; false with a message */
void lml_resume_passes(lml_kept_passes *kept);
void lml_suspend_passes(lml_kept_passes *kept);
void lml_drop_passes(lml_kept_passes *kept);
lua_State *lml_main(lua_State *L);   /* the state that lives longest: for callbacks that outlive a coroutine */
void lml_open_callbacks(lua_State *L);

/* --- the parts; each leaves its table on the stack ---------------------------------------------------------------- */
int lml_open_tensor(lua_State *L);
int lml_open_make(lua_State *L);
int lml_open_ops(lua_State *L);
int lml_open_autograd(lua_State *L);
int lml_open_transform(lua_State *L);
int lml_open_linalg(lua_State *L);
int lml_open_nn(lua_State *L);
int lml_open_optim(lua_State *L);
int lml_open_data(lua_State *L);
int lml_open_loader(lua_State *L);
int lml_open_io(lua_State *L);
int lml_open_run(lua_State *L);
int lml_open_log(lua_State *L);
int lml_open_figure(lua_State *L);
int lml_open_knobs(lua_State *L);
int lml_open_stats(lua_State *L);
int luaopen_moonlab_core(lua_State *L); /* a table of the above, by the names of the parts */
int luaopen_moonlab(lua_State *L);      /* registers the modules of lua/moonlab/ and returns `ml` */

/* Lua files that are made part of the library or the program when it is built (embed.cmake). */
typedef struct lml_chunk {
    const char *module; /* "moonlab.check" */
    const char *name;   /* "@moonlab/check.lua" */
    const unsigned char *source;
    size_t      bytes;
} lml_chunk;
extern const lml_chunk lml_chunks[]; /* those of lua/moonlab/; a table of chunks ends with a NULL module */

#endif
