/* moonlab/transform.h - functions of functions: vmap, vjp, jvp, jacobian, hessian, hvp.
 *
 *     static bool loss(void *ctx, ml_tensor *const *in, ml_tensor **out)      // in: weights, one sample
 *     {
 *         (void)ctx;
 *         out[0] = ml_sum(ml_tanh(ml_matmul(in[1], in[0])), NULL);
 *         return out[0] != NULL;
 *     }
 *     ml_function f = { loss, NULL, 2, 1 };
 *     ml_jacobian(&f, in, 0, &j);                       // d out[0] / d in[0]
 *
 * Any of them may be used inside a function given to another, to any depth. Results belong to the innermost scope. A
 * function must be made of operations on tensors; it may branch on anything but the values of a batch.
 */
#ifndef MOONLAB_TRANSFORM_H
#define MOONLAB_TRANSFORM_H

#include "moonlab/autograd.h"

#define ML_MAX_LEVELS 32 /* of vmap inside vmap */

typedef struct ml_function {
    bool (*call)(void *ctx, ml_tensor *const *in, ml_tensor **out); /* false: failed, message set */
    void *ctx;
    int   n_in, n_out;
} ml_function;

/* --- vmap ------------------------------------------------------------------------------------------------------------ */
/* out[i] = f(in[i]) for each i along dimension in_dims[k] of in[k] (ML_WHOLE: the same for all), computed as one batch.
 * The results' batch dimension goes to out_dims[k] (NULL = 0). Equals the loop up to rounding. */
#define ML_WHOLE INT32_MIN
bool ml_vmap(const ml_function *f, ml_tensor *const *in, const int *in_dims, ml_tensor **out, const int *out_dims);

/* The same in steps, for callers whose function is no ml_function. Between begin and end: wrap the inputs, call, unwrap. */
int64_t    ml_vmap_begin(int64_t size);                            /* the level; 0 with a message: too deep, or size < 0 */
ml_tensor *ml_vmap_wrap(int64_t level, ml_tensor *x, int dim);     /* x seen as one of its slices along dim */
ml_tensor *ml_vmap_unwrap(int64_t level, ml_tensor *y, int dim);   /* the whole batch; one that does not depend on it is repeated */
void       ml_vmap_end(int64_t level);                             /* ends it, and what was begun inside it and not ended */

/* Recording and the levels under way, to be put back when a function has failed in the middle. */
typedef struct ml_transform_state {
    bool  recording;
    int   n_levels;
    void *recorder; /* the checkpoint under way */
} ml_transform_state;
ml_transform_state ml_transform_save(void);
void               ml_transform_restore(ml_transform_state was);

/* --- random numbers inside vmap --------------------------------------------------------------------------------------- */
typedef enum ml_randomness {
    ML_RANDOM_ERROR,     /* ml_draw fails, and says that one has to choose */
    ML_RANDOM_DIFFERENT, /* each of the batch draws its own */
    ML_RANDOM_SAME       /* one draw for all */
} ml_randomness;
void       ml_vmap_randomness(int64_t level, ml_randomness randomness); /* of a level just begun: ML_RANDOM_ERROR */
/* ml_seed inside vmap. A seed that is one of a batch gives each a default stream of its own: as if it had been alone with its seed. */
bool       ml_vmap_seed(ml_tensor *seed);
/* What draw makes of the next key of the default stream; inside vmap of one for each, or of one for all. Everything that
 * draws without a key of its own does it by this. Not recorded. */
ml_tensor *ml_draw(ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx);
/* The same from a seed, one whole number or one of a batch of them: with ml_key_of(seed, 0). */
ml_tensor *ml_draw_seeded(ml_tensor *seed, ml_tensor *(*draw)(void *ctx, ml_key key), void *ctx);
/* For copies of a network as one batch: what is made inside is one for each, since it may become a parameter or be written to.
 * ml_draw does it; whoever makes tensors for a user without drawing passes them through ml_own, which elsewhere gives x. */
void       ml_vmap_own_tensors(int64_t level);
ml_tensor *ml_own(ml_tensor *x);
/* A plain number for each of the batch, as ml_number: it takes the dtype of what it meets. */
ml_tensor *ml_vmap_numbers(int64_t level, const double *values);

/* --- derivatives of functions --------------------------------------------------------------------------------------- */
/* A copy of x to differentiate with respect to: part of the outer graph, and inside vmap one for each of the batch. */
ml_tensor *ml_fresh(ml_tensor *x);

/* grads[k] = d (sum of out[i] . seeds[i]) / d in[k] for k with wanted[k] (NULL = all; others get NULL); the value in out. */
bool ml_vjp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *seeds, const bool *wanted, ml_tensor **out, ml_tensor **grads);
/* douts[i] = sum over k of d out[i] / d in[k] tangents[k]; tangents[k] NULL = 0. Forward mode by two reverse ones. */
bool ml_jvp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *tangents, ml_tensor **out, ml_tensor **douts);
/* d out[0] / d in[k]: shape of out[0], then of in[k]. One backward pass, batched over out[0]. */
bool ml_jacobian(const ml_function *f, ml_tensor *const *in, int k, ml_tensor **jacobian);
/* d^2 out[0] / d in[k]^2 of a single number: shape of in[k] twice. */
bool ml_hessian(const ml_function *f, ml_tensor *const *in, int k, ml_tensor **hessian);
/* The Hessian of out[0] with respect to all in[k] with v[k] not NULL, times v. */
bool ml_hvp(const ml_function *f, ml_tensor *const *in, ml_tensor *const *v, ml_tensor **products);

/* --- checkpoints -------------------------------------------------------------------------------------------------------- */
/* out = f(in), but the graph keeps none of the values between them: a backward pass calls f again for them. Memory for time.
 * The second call meets the same random numbers and vmaps; apart from these f may depend on in and on constants alone, and
 * f->ctx must live as long as the graph. One inside another is part of it. */
bool ml_checkpoint(const ml_function *f, ml_tensor *const *in, ml_tensor **out);

/* The same in steps: save the state, begin, call, end (or, when the call failed, ml_transform_restore). */
typedef struct ml_again {
    bool (*call)(void *ctx);    /* computes everything again; what it makes may be forgotten */
    void (*release)(void *ctx); /* when no one can ask any more; NULL: nothing to do */
    void *ctx;
} ml_again;
bool ml_checkpoint_begin(const ml_again *again); /* takes ctx over, also when it fails */
void ml_checkpoint_end(ml_transform_state before);

/* --- the same in steps, for callers whose function is no ml_function ----------------------------------------------------- */
/* Make the inputs fresh, call the function on them with recording on, put recording back; then one of these, where `fresh`
 * are the n inputs, and at the end ml_release_results of what the caller gives away. NULL among seeds or tangents: zero. */
bool ml_pull_back(ml_tensor *const *out, ml_tensor *const *seeds, int n_out, ml_tensor *const *fresh, int n, bool keep_graph, ml_tensor **grads);
bool ml_push_forward(ml_tensor *const *out, int n_out, ml_tensor *const *fresh, ml_tensor *const *tangents, int n, ml_tensor **douts);
bool ml_jacobian_of(ml_tensor *out, ml_tensor *const *fresh, int n, bool keep_graph, ml_tensor **jacobians); /* one for each input */
bool ml_hvp_of(ml_tensor *out, ml_tensor *const *fresh, ml_tensor *const *v, int n, ml_tensor **products);
/* Each y as somebody outside may see it: still part of the graph of others, but not of that of the fresh inputs alone. */
bool ml_release_results(ml_tensor **y, int n_y, ml_tensor *const *fresh, int n);

#endif
