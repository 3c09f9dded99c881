/* The inside of a module, for src/nn alone. A new layer is a kind (below), a constructor that makes its parameters, and
 * nothing else: holding, listing, naming and applying are in module.c for all. */
#ifndef MOONLAB_NN_MODULE_H
#define MOONLAB_NN_MODULE_H

#include "moonlab/module.h"

#include <stdatomic.h>

#define MLI_MAX_OWN   4   /* parameters that a layer has itself; and so many buffers */
#define MLI_MAX_BRANCHES 256
#define MLI_MAX_DEPTH 100 /* containers inside containers: the way down is a recursion */

/* What a layer computes from, beside its input: all of it, so that a module is a pure function too. params and buffers are those of
 * the layer and its children, in order; a container moves on behind each child (mli_args_behind). */
typedef struct mli_args {
    ml_tensor *const *params, *const *buffers;
    ml_tensor       **new_buffers; /* a layer with buffers puts what they become here, retained; NULL: not wanted */
    bool              keep;        /* the module's own buffers become new_buffers */
    ml_mode           mode;
    ml_key           *key;         /* the next one is that with one stream more; NULL: ml_draw */
    const struct mli_place *place; /* of the layer, where hooks may ask; NULL: nobody does */
} mli_args;

/* The way down to a layer that runs, for the names of points: links on the stacks of those above it. */
typedef struct mli_place {
    const struct mli_place *up;
    const ml_module        *m;
    int                     at; /* its position in up->m */
} mli_place;

typedef struct mli_module_kind {
    const char *name; /* "Linear"; of an activation NULL: the module has it */
    /* The value for input x. Results go to the innermost scope. */
    ml_tensor *(*forward)(const ml_module *m, const mli_args *a, ml_tensor *x);
    void (*text)(const ml_module *m, char *text, size_t bytes); /* NULL: the name says it all */
    const char *own[MLI_MAX_OWN];                               /* what its parameters are called */
    const char *buffers[MLI_MAX_OWN];                           /* and its buffers */
} mli_module_kind;

struct ml_module {
    const mli_module_kind *kind;
    atomic_int  refs;
    atomic_bool evaluating;
    int         n_own, n_params, n_own_buffers, n_buffers, n_children, depth;
    ml_tensor **params;   /* own ones, retained; then those of the children in their order, borrowed from them */
    ml_tensor **buffers;  /* likewise */
    ml_module **children; /* one reference each */
    const char *const *child_names; /* NULL: they are called by their positions, from 1 */
    double     *factors;  /* of the own parameters; NULL: all 1 */
    struct mli_hooks *hooks; /* NULL: none */
    union {
        struct { int64_t in, out; bool bias; } linear;
        struct { int64_t rows, dim; int base; } embedding;
        struct { ml_op_id op; char name[32]; bool has_opts; _Alignas(16) unsigned char opts[ML_OPTS_BYTES]; } activation;
        struct { double w0; } sine;
        struct { int64_t pieces; int dim; } maxout;
        struct { bool mean; } group_pool;
        struct { int64_t in[2], out; bool bias; } bilinear;
        struct {
            int64_t in, out, kernel[2], stride[2], padding[2], dilation[2], groups, output_padding[2];
            int64_t     size[2]; /* of the images of a locally connected layer */
            int         dims, symmetries; /* of an equivariant one: how many the group has */
            ml_pad_mode padding_mode;
            bool        bias, same;
        } conv;
        struct { int64_t kernel[2], stride[2], padding[2]; bool count_include_pad; } pool;
        struct { ml_shape shape; int64_t groups; int dims; double eps, momentum; bool affine, tracking; } norm;
        struct { double p; } dropout;
        struct mli_custom *custom;
        struct { double scale; } residual;
        struct { ml_merge merge; int dim; } parallel;
        struct { int64_t in, hidden; double dropout; ml_act act; bool bias, bidirectional, reverse, last; } recurrent;
        struct { int64_t dim, heads; double dropout; bool causal, bias, rotary; } attention;
        struct { int norm1, attention, norm2, mlp; ml_block_norm norm; bool norm_first, gelu, last; double dropout; } block; /* places of children; -1: none */
        struct { int64_t most, dim; } position;
    };
};

/* A module with room for so many parameters and buffers and with no children yet. NULL when there is no memory. */
ml_module *mli_module_new(const mli_module_kind *kind, int n_params, int n_buffers);

/* --- containers (container.c) ---------------------------------------------------------------------------------------- */
/* A module of these children, with room for so many parameters and buffers of its own in front of theirs, still to be filled. Takes the
 * references over, also when it fails and when one is NULL. */
ml_module *mli_container_new(const mli_module_kind *kind, ml_module *const *children, int n, int n_own, int n_own_buffers);
mli_args   mli_args_of(const ml_module *m, const mli_args *a, int child);     /* those of a child, among m's */
mli_args   mli_args_behind(const mli_args *a, const ml_module *child);        /* those behind a child's */
/* Every layer runs by this: a is its own, but for the place, which is that of the module around it; there it stands `at`. */
ml_tensor *mli_run(const ml_module *m, const mli_args *a, int at, ml_tensor *x);
ml_tensor *mli_run_child(const ml_module *m, const mli_args *a, int child, ml_tensor *x); /* a is m's */
/* For a layer that runs a child otherwise than by its forward, as part of an operation of its own: with the child's part of what m was
 * given (mli_args_of), between these two it computes y from e.args. */
#define MLI_FEW 16
typedef struct mli_entered {
    const ml_module *m;
    mli_args         args;
    mli_place        place;
    ml_tensor       *few[MLI_FEW], **room;
} mli_entered;
bool       mli_enter(const ml_module *m, const mli_args *a, int at, mli_entered *e); /* false, with a message: do not leave */
ml_tensor *mli_leave(mli_entered *e, ml_tensor *y);                                  /* what goes on in place of y */
/* params with the factors of these layers; params itself where all are 1. room: for as many as they have together. */
ml_tensor *const *mli_with_factors(ml_module *const *layers, int n, ml_tensor *const *params, ml_tensor **room);

/* --- hooks (hooks.c) --------------------------------------------------------------------------------------------------- */
void       mli_hooks_release(struct mli_hooks *hooks);
ml_tensor *mli_point_at(const mli_place *place, const char *name, ml_tensor *value);
ml_tensor *mli_module_point(const mli_place *place, ml_tensor *value); /* the point that every module is */
bool       mli_wanted(const mli_place *around, const ml_module *m, int at); /* may a hook want its result? */
bool       mli_wants_at(const mli_place *place, const char *name);
/* May a hook want such a value of this layer? For one that is not computed otherwise. */
static inline bool mli_wants(const mli_args *a, const char *name) { return a->place && mli_wants_at(a->place, name); }
/* A value inside a layer that hooks may see and replace: y = mli_point(a, "pattern", y). */
static inline ml_tensor *mli_point(const mli_args *a, const char *name, ml_tensor *value)
{
    return a->place && value ? mli_point_at(a->place, name, value) : value;
}

/* --- modules of the user's own (custom.c) ------------------------------------------------------------------------------ */
extern const mli_module_kind mli_custom_kind;
const char *mli_custom_name(const struct mli_custom *custom);
const char *mli_custom_own(const struct mli_custom *custom, bool buffer, int i);
void        mli_custom_release(struct mli_custom *custom);
bool        mli_custom_copy(ml_module *to, const ml_module *from); /* names and ctx; false with a message */

/* --- for layers: what they are given, and what becomes of their buffers ---------------------------------------------- */
const char *mli_own_name(const ml_module *m, bool buffer, int i); /* of an own parameter or buffer */
ml_tensor *mli_buffer(const mli_args *a, int i); /* as it is by now */
bool     mli_trains(const ml_module *m, const mli_args *a);
ml_key   mli_next_key(const mli_args *a); /* where there is one */
/* Keeps or hands over what buffer i of the layer becomes. False, with a message, where it cannot be kept. */
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
    if (init.kind == ML_INIT_DEFAULT) init.kind = standard;
    return init;
}

/* ml_init_fill with fans that the shape does not tell: a bias goes by those of its weight. */
bool mli_init_fill(ml_tensor *w, ml_init init, ml_key key, int64_t fan_in, int64_t fan_out);

/* A new tensor in f64 of shape s, which is not empty, for an initialiser whose values know of each other. */
ml_tensor *mli_init_structured(ml_shape s, ml_init init, ml_key key);
/* Dropout inside another layer: x itself where the layer is not in training. */
ml_tensor *mli_dropout(const ml_module *m, const mli_args *a, double p, ml_tensor *x);

/* y, the result of an operation that the layer ran. When it failed with "op: ...", the message names the layer instead:
 * what is wrong the operation says best, but where it was only the layer knows. */
ml_tensor *mli_blame(const ml_module *m, const char *op, ml_tensor *y);

/* --- what fusion needs to know of layers (sequential.c) ------------------------------------------------------------ */
extern const mli_module_kind mli_linear_kind, mli_embedding_kind, mli_flatten_kind, mli_activation_kind, mli_conv1d_kind, mli_conv2d_kind;
ml_tensor *mli_linear_run(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_act act);
ml_tensor *mli_linear_bias(const ml_module *m, ml_tensor *const *params);
ml_tensor *mli_conv_apply(const ml_module *m, ml_tensor *w, ml_tensor *b, ml_tensor *x, ml_act act); /* with these in place of its own */
bool       mli_is_batch_norm(const ml_module *m);
/* What a batch norm multiplies each channel with and then adds, where these are constants of the batch: in evaluation. a: its own. */
bool       mli_batch_is_affine(const ml_module *m, const mli_args *a);
void       mli_batch_affine(const ml_module *m, const mli_args *a, ml_dtype dtype, ml_tensor **scale, ml_tensor **shift);
ml_tensor *mli_batch_run(const ml_module *m, const mli_args *a, ml_tensor *x, ml_act act);
ml_tensor *mli_conv_run(const ml_module *m, ml_tensor *const *params, ml_tensor *x, ml_act act);
ml_act     mli_activation_act(const ml_module *m); /* ML_ACT_NONE when linear has no such act */

#endif
