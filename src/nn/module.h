/* The inside of a module, for src/nn alone. A new layer is a kind (below), a constructor that makes its parameters, and
 * nothing else: holding, listing, naming and applying are in module.c for all. */
#ifndef MOONLAB_NN_MODULE_H
#define MOONLAB_NN_MODULE_H

#include "moonlab/nn.h"

#include <stdatomic.h>

#define MLI_MAX_OWN   2   /* parameters that a layer has itself */
#define MLI_MAX_DEPTH 100 /* containers inside containers: the way down is a recursion */

typedef struct mli_module_kind {
    const char *name; /* "Linear"; of an activation NULL: the module has it */
    /* The value for input x; params: those of m and its children, in order. Results go to the innermost scope. */
    ml_tensor *(*forward)(const ml_module *m, ml_tensor *const *params, ml_tensor *x);
    void (*text)(const ml_module *m, char *text, size_t bytes); /* NULL: the name says it all */
    const char *own[MLI_MAX_OWN];                               /* what its parameters are called */
} mli_module_kind;

struct ml_module {
    const mli_module_kind *kind;
    atomic_int  refs;
    int         n_own, n_params, n_children, depth;
    ml_tensor **params;   /* own ones, retained; then those of the children in their order, borrowed from them */
    ml_module **children; /* one reference each */
    union {
        struct { int64_t in, out; bool bias; } linear;
        struct { int64_t rows, dim; int base; } embedding;
        struct { ml_op_id op; char name[32]; } activation;
    };
};

/* A module with room for n_params parameters and with no children yet. NULL when there is no memory. */
ml_module *mli_module_new(const mli_module_kind *kind, int n_params);

typedef struct mli_parameter {
    ml_shape shape;
    ml_init  init; /* of no default kind: see mli_init_or */
} mli_parameter;

/* Makes the own parameters of a new layer: leaves with requires_grad, each filled with the next random key. Returns m;
 * when it fails, m is released and the random stream put back: NULL. NULL in, NULL out. */
ml_module *mli_module_fill(ml_module *m, const mli_parameter *list, int n, ml_dtype dtype, int64_t fan_in, int64_t fan_out);

/* init with the layer's own default where none is given. */
static inline ml_init mli_init_or(ml_init init, ml_init_kind standard)
{
    return (ml_init){ init.kind == ML_INIT_DEFAULT ? standard : init.kind, init.scale };
}

/* ml_init_fill with fans that the shape does not tell: a bias goes by those of its weight. */
bool mli_init_fill(ml_tensor *w, ml_init init, ml_key key, int64_t fan_in, int64_t fan_out);

/* y, the result of an operation that the layer ran. When it failed with "op: ...", the message names the layer instead:
 * what is wrong the operation says best, but where it was only the layer knows. */
ml_tensor *mli_blame(const ml_module *m, const char *op, ml_tensor *y);

/* --- what fusion needs to know of layers (sequential.c) ------------------------------------------------------------ */
extern const mli_module_kind mli_linear_kind, mli_embedding_kind, mli_flatten_kind, mli_activation_kind;
ml_tensor *mli_linear_run(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_act act);
ml_tensor *mli_linear_bias(const ml_module *m, ml_tensor *const *params);
ml_act     mli_activation_act(const ml_module *m); /* ML_ACT_NONE when linear has no such act */

#endif
