/* The inside of a module, for src/nn alone. A new layer is a kind (below), a constructor that makes its parameters, and
 * nothing else: holding, listing, naming and applying are in module.c for all. */
#ifndef MOONLAB_NN_MODULE_H
#define MOONLAB_NN_MODULE_H

#include "moonlab/nn.h"

#include <stdatomic.h>

#define MLI_MAX_OWN   4   /* parameters that a layer has itself; and so many tensors of state */
#define MLI_MAX_DEPTH 100 /* containers inside containers: the way down is a recursion */

/* What a layer computes from, beside its input: all of it, so that a module is a pure function too. params and state are those of
 * the layer and its children, in order; a container moves on behind each child (mli_args_behind). */
typedef struct mli_args {
    ml_tensor *const *params, *const *state;
    ml_tensor       **new_state; /* a layer with state puts what it becomes here, retained; NULL: not wanted */
    bool              keep;      /* the module's own state becomes new_state */
    ml_mode           mode;
    ml_key           *key;       /* the next one is that with one stream more; NULL: ml_draw */
} mli_args;

typedef struct mli_module_kind {
    const char *name; /* "Linear"; of an activation NULL: the module has it */
    /* The value for input x. Results go to the innermost scope. */
    ml_tensor *(*forward)(const ml_module *m, const mli_args *a, ml_tensor *x);
    void (*text)(const ml_module *m, char *text, size_t bytes); /* NULL: the name says it all */
    const char *own[MLI_MAX_OWN];                               /* what its parameters are called */
    const char *state[MLI_MAX_OWN];                             /* and its state */
} mli_module_kind;

struct ml_module {
    const mli_module_kind *kind;
    atomic_int  refs;
    atomic_bool evaluating;
    int         n_own, n_params, n_own_state, n_state, n_children, depth;
    ml_tensor **params;   /* own ones, retained; then those of the children in their order, borrowed from them */
    ml_tensor **state;    /* likewise */
    ml_module **children; /* one reference each */
    union {
        struct { int64_t in, out; bool bias; } linear;
        struct { int64_t rows, dim; int base; } embedding;
        struct { ml_op_id op; char name[32]; } activation;
        struct {
            int64_t in, out, kernel[2], stride[2], padding[2], dilation[2], groups, output_padding[2];
            int     dims;
            bool    bias, same, circular;
        } conv;
        struct { int64_t kernel[2], stride[2], padding[2]; bool count_include_pad; } pool;
        struct { ml_shape shape; int64_t groups; int dims; double eps, momentum; bool affine, tracking; } norm;
        struct { double p; } dropout;
        struct { int64_t in, hidden; double dropout; ml_act act; bool bias, bidirectional, reverse, last; } recurrent;
        struct { int64_t dim, heads; double dropout; bool causal, bias, rotary; } attention;
        struct { int norm1, attention, norm2, mlp; ml_block_norm norm; bool norm_first, gelu, last; double dropout; } block; /* places of children; -1: none */
        struct { int64_t most, dim; } position;
    };
};

/* A module with room for so many parameters and tensors of state and with no children yet. NULL when there is no memory. */
ml_module *mli_module_new(const mli_module_kind *kind, int n_params, int n_state);
/* The arguments behind those of a child. */
mli_args mli_args_behind(const mli_args *a, const ml_module *child);
bool     mli_trains(const ml_module *m, const mli_args *a);
ml_key   mli_next_key(const mli_args *a); /* where there is one */
/* Keeps or hands over what state i of the layer becomes. False, with a message, where it cannot be kept. */
bool     mli_becomes(const ml_module *m, const mli_args *a, int i, ml_tensor *value);

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

/* A module of others without buffers, whose parameters are theirs. Takes the references over, also when it fails and when one is NULL. */
ml_module *mli_group_new(const mli_module_kind *kind, ml_module *const *children, int n);
mli_args   mli_group_args(const ml_module *m, const mli_args *a, int child); /* those of a child, among m's */
/* Dropout inside another layer: x itself where the layer is not in training. */
ml_tensor *mli_dropout(const ml_module *m, const mli_args *a, double p, ml_tensor *x);

/* y, the result of an operation that the layer ran. When it failed with "op: ...", the message names the layer instead:
 * what is wrong the operation says best, but where it was only the layer knows. */
ml_tensor *mli_blame(const ml_module *m, const char *op, ml_tensor *y);

/* --- what fusion needs to know of layers (sequential.c) ------------------------------------------------------------ */
extern const mli_module_kind mli_linear_kind, mli_embedding_kind, mli_flatten_kind, mli_activation_kind, mli_conv1d_kind, mli_conv2d_kind;
ml_tensor *mli_linear_run(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_act act);
ml_tensor *mli_linear_bias(const ml_module *m, ml_tensor *const *params);
ml_tensor *mli_conv_run(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_act act);
ml_act     mli_activation_act(const ml_module *m); /* ML_ACT_NONE when linear has no such act */

#endif
