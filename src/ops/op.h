/* What an operation is. Read this first; every file beside it is a family of these.
 *
 * An operation says its shapes (infer), its numbers (forward) and its derivative. The engine (src/autograd/apply.c)
 * checks, promotes, allocates, records; src/autograd/backward.c undoes broadcasting and casts. Rules therefore
 * mention neither. They are written in recorded operations, so a derivative has a derivative.
 */
#ifndef MOONLAB_OPS_OP_H
#define MOONLAB_OPS_OP_H

#include "moonlab/ops.h"
#include "tensor/tensor_impl.h"

#define ML_MAX_IN 4 /* of an operation with a fixed number of inputs */

typedef enum ml_op_kind {
    ML_OTHER,
    ML_POINTWISE, /* output element i depends on input elements i: shape by broadcasting, derivative by slope */
    ML_LINEAR     /* linear in its inputs together; vjp is the adjoint operation */
} ml_op_kind;

enum {
    ML_NOGRAD     = 1, /* the output is a constant to the derivative */
    ML_VIEW       = 2, /* forward makes out[0] itself, sharing storage */
    ML_TO_BOOL    = 4, /* pointwise: the output is bool, inputs of bool and u8 stay as they are */
    ML_FLOAT_ONLY = 8, /* integers are promoted to f32 first */
    ML_NO_PROMOTE = 16, /* inputs keep their own dtypes */
    ML_COUNTS     = 32  /* bool and u8 are promoted to i64 first, as they are for other POINTWISE */
};
#define ML_SAVE_IN(i) (1u << (i))
#define ML_SAVE_OUT   (1u << 31)

typedef struct ml_op     ml_op;
typedef struct ml_sample ml_sample;
typedef struct mli_kernel mli_kernel;

typedef struct ml_call {
    const ml_op      *op;
    int               id;
    int               n_in;
    ml_tensor *const *in;
    ml_tensor        *out;   /* set before forward, unless ML_VIEW; in rules: the output, recorded, when ML_SAVE_OUT */
    const void       *opts;
    uint32_t          needs; /* bit i: somebody wants the gradient of in[i] (inputs from 31 on share bit 31) */
    ml_shape          shape; /* of the output: infer writes it */
    ml_dtype          dtype;
    mli_kernel       *capture; /* not NULL: mli_map1, 2, 3 write here what they would run, and run nothing */
} ml_call;

struct ml_op {
    ml_op_kind kind;
    uint32_t   flags;
    uint32_t   saves; /* what the derivative reads: ML_SAVE_IN(i), ML_SAVE_OUT; the rest may be freed at once */
    bool (*infer)(ml_call *c);                                                /* NULL for POINTWISE; reads shapes and dtypes, no values */
    bool (*forward)(ml_call *c);                                              /* NULL: compose gives the value */
    ml_tensor *(*slope)(ml_call *c, int i);                                   /* POINTWISE: d out / d in[i] */
    bool (*vjp)(ml_call *c, ml_tensor *dy, ml_tensor *dx[]);                  /* else; dx[i] = NULL means zero */
    bool (*vjp_direct)(ml_call *c, ml_tensor *dy, ml_tensor *dx[]);           /* faster, when nothing records */
    ml_tensor *(*compose)(ml_call *c);                                        /* the same value from simpler ops */
    /* vmap: inputs with batched[i] have the batch, of n, as their first dimension, the others have none. Returns the
     * whole result, batch first, from public operations. NULL: pointwise by kind, else through compose, else in a loop. */
    ml_tensor *(*vmap)(ml_call *c, const bool batched[], int64_t n);
    const ml_sample *samples;
};

/* What the tests feed. */
struct ml_sample {
    const char *in[ML_MAX_IN]; /* "(2, 3)" floats; "i(4)" integers 0..ids-1; "b(4)" bools; matrices far
                                  * from singular: "m(3, 2)", symmetric positive definite "s(3, 3)" */
    const void *opts;
    int64_t     ids;
    double      low, high;     /* range of the floats; both 0 = -2..2 */
    int         order;         /* highest derivative checked; 0 = 2 */
    const char *why;           /* the reason for a lower order: printed */
    uint32_t    shared;        /* bit i: input i decides the result's shape by its values, so vmap refuses one for each */
};
#define ML_VALUE_ONLY (-1)     /* .order: no derivative is checked */

static inline bool ml_needs(const ml_call *c, int i) { return (c->needs >> (i < 31 ? i : 31)) & 1u; }

const ml_op *mli_op_at(int id);

/* Runs an operation and records it when an input is recorded (src/autograd/apply.c). */
ml_tensor *mli_apply(int id, ml_tensor *const *in, int n_in, const void *opts);

/* --- helpers shared by the families ---------------------------------------------------------------------- */
/* Pointwise loops over any strides: f32/f64/i64 kernels get contiguous (stride 1) or repeated (stride 0) runs. */
typedef void (*mli_map1_fn)(int64_t n, const void *x, void *y);
typedef void (*mli_map2_fn)(int64_t n, const void *a, int sa, const void *b, int sb, void *y);
typedef void (*mli_map3_fn)(int64_t n, const void *c, int sc, const void *a, int sa, const void *b, int sb, void *y);
bool mli_map1(ml_call *c, mli_map1_fn f);
bool mli_map2(ml_call *c, mli_map2_fn f);
bool mli_map3(ml_call *c, mli_map3_fn f);

/* The same for any loop over several inputs and outputs; the outputs are contiguous and of one shape. */
#define MLI_MAP_MOST_IN  72
#define MLI_MAP_MOST_OUT 8
typedef void (*mli_map_loop)(int64_t n, const char *const *in, const int *step, char *const *out, const void *ctx);
bool mli_map(ml_tensor *const *in, int n_in, ml_tensor *const *out, int n_out, mli_map_loop loop, const void *ctx);

/* What a pointwise operation would run, when its call has a place for it (capture): fused chains run it strip by strip. */
struct mli_kernel {
    int         n_in;
    size_t      out_bytes; /* of an element */
    mli_map1_fn f1;
    mli_map2_fn f2;
    mli_map3_fn f3;
};
void mli_kernel_run(const mli_kernel *k, int64_t n, const char *const *in, const int *step, void *y);

/* For vmap rules: dimensions of 1 between the leading ones and the rest, up to rank besides the leading ones. */
ml_tensor *mli_pad_dims(ml_tensor *x, int leading, int rank);
ml_tensor *mli_pointwise_vmap(ml_call *c, const bool batched[], int64_t n); /* the rule of POINTWISE, for others */
ml_tensor *mli_with_batch(ml_tensor *x, bool batched, int64_t n); /* the batch in front, repeated if need be */

/* Resolves a dimension (negative counts from the end) of a tensor with n dims; false with a message. */
bool mli_dim(const char *op, int64_t dim, int n, int *out);
/* The same where there must be a dimension: refuses a single number too. */
bool mli_own_dim(const char *op, int64_t dim, int n, int *out);
/* For vmap rules: a dimension of one, which has n, as a dimension of the batch, whose first is hidden. */
bool mli_dim_behind(const ml_call *c, int64_t dim, int n, int *out);
/* For vmap rules: is there room for the batch before a shape? False with a message. */
bool mli_room_for_batch(const ml_call *c, const ml_shape *s);
/* (batch, s...) */
ml_shape mli_behind(int64_t batch, const ml_shape *s);
/* Marks the reduced dimensions; false with a message for one out of range or given twice. */
bool mli_dims_mask(const char *op, const ml_dims *dims, int n, bool mask[ML_MAX_DIMS]);
/* Refuses, inside vmap, an input whose values decide the shape of the result. */
void *mli_refuse_each(const ml_call *c, const char *what, const char *instead);
/* Is a CHOICE one of its n words? Only C can get it wrong; false with a message. */
bool mli_choice(const char *op, const char *field, int choice, int n);
/* Where a mask holds: sum over its dimensions of position times stride, i64 (count). strides NULL: of a contiguous tensor,
 * so positions in row-major order. The mask has bytes, 0 or not. */
ml_tensor *mli_true_offsets(ml_tensor *mask, const int64_t *strides);
bool mli_integers(const char *op, const char *what, const ml_tensor *ids); /* false, with a message, when they are none */
/* Reads ids as contiguous i64 (a scope temporary); checks base..base+limit-1. what names them in the message. */
const int64_t *mli_ids(const char *op, const char *what, ml_tensor *ids, int64_t limit, int base);

#endif
