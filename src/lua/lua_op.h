/* How an operation of the table is called from Lua: shared by the parts of that, and by nothing else. */
#ifndef LML_OP_H
#define LML_OP_H

#include "lua/lua_moonlab.h"

typedef struct lml_binding {
    int               id;
    int               n_in; /* -1: any number */
    bool              needs_options;
    const ml_op_info *info;
    _Alignas(16) unsigned char defaults[ML_OPTS_BYTES]; /* of the options, BASE fields 1 */
} lml_binding;

const lml_binding *lml_binding_of(int id); /* the same for all interpreters, once lml_open_ops was called */

/* Arguments first..top into opts, which holds the defaults; n_dims: of the tensor that dimensions are of. */
void lml_read_options(lua_State *L, const lml_binding *b, int first, int top, unsigned char *opts, int n_dims);

/* What an option is, beyond its kind. */
bool lml_has_inclusive_end(const ml_field *f); /* the end of a slice is included in Lua */
bool lml_needs_value(const ml_field *f);       /* a shape, a dtype or a text has no default */

#endif
