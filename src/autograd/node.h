/* A recorded operation. Edges point from results to inputs, so a graph lives as long as its results do.
 *
 * The one subtle point: a rule may read its own output (tanh does). Holding the output tensor would make a cycle
 * (tensor -> node -> tensor); the node keeps the output's storage and shape (saved_out, unrecorded) and makes a
 * tensor attached to itself again when a rule asks. Inputs that no rule reads are kept as ghosts: place in the
 * graph and shape, no values, so their memory is free at once. */
#ifndef MOONLAB_AUTOGRAD_NODE_H
#define MOONLAB_AUTOGRAD_NODE_H

#include "moonlab/autograd.h"
#include "ops/op.h"

typedef struct mli_group  mli_group;  /* the nodes of a checkpoint; src/autograd/checkpoint.c */
typedef struct mli_levels mli_levels; /* the vmaps under way at some moment; src/autograd/levels.c */

struct ml_node {
    atomic_int refs;
    int        id;            /* of the operation */
    int        n_in;
    uint32_t   needs;
    bool       freed;
    bool       useful;        /* leads to an input that the current backward pass is asked for */
    uint64_t   number;        /* counts recordings: a result's is larger than those of its inputs */
    uint64_t   visit;         /* which backward pass saw it last */
    ml_node   *next;          /* list of nodes waiting to be freed */
    ml_tensor *dy;            /* gradient arriving, during a backward pass */
    bool       dy_owned;      /* dy is ours alone: add in place */
    ml_tensor *saved_out;
    uint32_t   out_version;
    ml_shape   out_shape;
    ml_dtype   out_dtype;
    mli_group *group;         /* of a checkpoint: the values may have to be computed again; one reference */
    int        place;         /* in it */
    char      *site;          /* where it was called; only under anomaly detection */
    size_t     opts_bytes;
    size_t     bytes;         /* of this block */
    uint32_t  *versions;      /* of the inputs' storages when saved */
    ml_tensor **in;           /* these three point behind the struct */
    void      *opts;
};

/* Does the derivative read the value of input i? A compose that is the only rule runs again from all of them. */
static inline bool mli_saves(const ml_op *op, int i)
{
    return (op->compose && !op->vjp) || ((op->saves >> (i < 30 ? i : 30)) & 1u);
}

/* x with a batch of its own for every vmap that it is not part of yet, so that it has a gradient for each. */
ml_tensor *mli_one_for_each(ml_tensor *x);
/* Is y recorded with respect to any leaf that is none of these? */
bool mli_reaches_outside(ml_tensor *y, ml_tensor *const *leaves, int n);
/* The batch of one level as a first dimension, whatever levels lie above it; and back. */
ml_tensor *mli_take_batch(ml_tensor *x, int64_t level, int64_t n);
ml_tensor *mli_give_batch(ml_tensor *x, int64_t level);
int64_t    mli_level_size(int64_t level);  /* its batch; -1, with a message, when that vmap has ended */
int64_t    mli_level_above(int64_t level); /* the next one inside it, of 0 the outermost; 0 when there is none */
mli_levels *mli_levels_copy(const mli_levels *of); /* of NULL: of those under way; NULL when there is no memory */
void        mli_levels_swap(mli_levels *other);    /* exchanges the vmaps under way with those of other */
void        mli_levels_free(mli_levels *levels);

bool mli_group_note(ml_node *node);  /* of a node just recorded: notes it when a checkpoint is under way; false: no memory */
void mli_group_leave(ml_node *node); /* it has no use for its values any more */
bool mli_group_fill(ml_node *asks);  /* sees that the node has its values; false when they could not be computed again */
void mli_pass_begins(void);          /* around every backward pass */
void mli_pass_ends(void);
void *mli_recorder(void);            /* for ml_transform_save and _restore: the checkpoint under way, */
void  mli_stop_recorder(void *keep); /* and its end, if it is not this one */

ml_tensor *mli_apply_batched(ml_call *c); /* an operation with an input inside vmap; src/autograd/vmap.c */

/* Inside fuse, for a call whose shape is known: *out is a result that waits, or NULL when it must be computed now; then
 * its inputs have been. False: failed. */
bool mli_defer(ml_call *c, ml_tensor **out);

/* ml_grad of several recorded results at once, none of them and of the inputs inside vmap: the sum over them of what each seed gives. */
bool mli_grad_of_all(ml_tensor **out, ml_tensor **seeds, int n_out, ml_tensor *const *in, int n, ml_tensor **grads, const ml_grad_opts *opts);

ml_node   *mli_record(const ml_call *c); /* NULL on error */
void       mli_node_drop_inputs(ml_node *node);
bool       mli_add_in_place(ml_tensor *sum, const ml_tensor *dx); /* false when their layouts do not allow it */
bool       mli_check_finite(const char *op, const ml_tensor *t, const char *phase, const char *site);

#endif
