/* The inside of a tensor, for the core alone. */
#ifndef MOONLAB_TENSOR_IMPL_H
#define MOONLAB_TENSOR_IMPL_H

#include "moonlab/tensor.h"

#include <stdatomic.h>

typedef struct ml_node ml_node; /* a recorded operation; src/autograd */
typedef struct ml_wait ml_wait; /* how to compute what was not computed yet; src/autograd/fuse.c */

/* The values follow the header in the same block, on a boundary of 64 bytes. */
typedef struct ml_storage {
    atomic_int refs;
    uint32_t   version; /* counts modifications: a graph that saved an older one says so */
    size_t     bytes;   /* of the values */
    void      *data;
} ml_storage;

struct ml_tensor {
    atomic_int  refs;
    uint8_t     dtype;
    bool        requires_grad : 1; /* a leaf that wants its gradient */
    bool        number : 1;        /* a plain number: gives way to any dtype of its kind */
    bool        defers : 1;        /* inside fuse: pointwise operations on it wait */
    bool        frozen : 1;        /* a parameter that wants no gradient for now: optimizers let it be */
    ml_shape    shape;
    int64_t     strides[ML_MAX_DIMS]; /* in elements; 0 where expanded */
    union {
        int64_t offset;               /* in elements */
        int64_t level;                /* of a tensor with an inner one: of which vmap */
    };
    ml_storage *storage;              /* NULL for a ghost (shape and place in the graph, no values) and while it waits */
    ml_node    *node;                 /* what made it, or NULL; one reference */
    ml_tensor  *grad;
    ml_tensor  *inner;                /* inside vmap: the whole batch, its first dimension hidden; one reference. Then */
    ml_wait    *wait;                 /* storage and node are NULL, shape is that of one. wait: inside fuse, until computed */
};
_Static_assert(sizeof(ml_tensor) <= 192, "a size class of the memory");

/* Makes a tensor in the innermost scope. storage: retained; NULL makes a ghost. */
ml_tensor *mli_tensor_new(ml_shape shape, const int64_t *strides, int64_t offset, ml_dtype dtype, ml_storage *storage);
ml_tensor *mli_ghost(const ml_tensor *of);                    /* shape, dtype and node of a tensor, not its values */
ml_tensor *mli_view(const ml_tensor *t, ml_shape shape, const int64_t *strides, int64_t offset); /* not recorded */
void       mli_contiguous_strides(const ml_shape *shape, int64_t *strides);
ml_tensor *mli_contiguous(ml_tensor *t); /* t itself when it is; else an unrecorded copy */
bool       mli_scope_adopt(ml_tensor *t); /* gives one reference to the innermost scope */
void      *mli_data(const ml_tensor *t);  /* address of the first element */
void       mli_strided_copy(const ml_tensor *src, ml_dtype dtype, void *dst); /* row-major, converting */
void       mli_repeat(int64_t n, size_t bytes, void *y); /* y[i] = y[0] for i < n */
void       mli_convert(int64_t n, ml_dtype from, const void *src, int64_t step, ml_dtype to, void *dst); /* one run of values */

/* What a number becomes as an integer: its integer part, the nearest limit where that does not fit, 0 for NaN. */
static inline int64_t mli_to_i64(double v)
{
    return v != v ? 0 : v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}
static inline uint8_t mli_to_u8(double v) { return !(v > 0) ? 0 : v >= 255 ? 255 : (uint8_t)v; }
/* Large values are noted with the place in the user's program that made them (largest.c). */
#define MLI_NOTED ((size_t)1 << 20) /* bytes: what costs far more to fill than to note */
void mli_note(const ml_storage *storage, const ml_shape *shape, ml_dtype dtype);
void mli_forget(const ml_storage *storage);

/* Row-major values into a place with strides, elements of so many bytes: the place may not repeat. */
void       mli_scatter(const ml_shape *shape, const int64_t *strides, size_t width, const void *values, void *place);
bool       mli_each_once(const char *op, const ml_tensor *dst); /* false, with a message, where strides repeat values */
bool       mli_write(ml_tensor *dst, const ml_tensor *src); /* dst[...] = src: same shape, any strides, converting */

/* One of a batch: inner without its first dimension. */
ml_tensor *mli_batched_new(ml_tensor *inner, int64_t level);
bool       mli_has_values(const char *op, const ml_tensor *t); /* computes them if need be; false, with a message, inside vmap */

static inline const ml_tensor *mli_innermost(const ml_tensor *t) /* the tensor behind all vmaps, which has the values */
{
    while (t->inner) t = t->inner;
    return t;
}

static inline int64_t mli_level_of(const ml_tensor *t) { return t->inner ? t->level : 0; }

static inline bool mli_records(const ml_tensor *t)
{
    t = mli_innermost(t);
    return t->node || t->requires_grad;
}

/* Defined by src/autograd. Drops a node's reference without recursion; computes what waits. */
void mli_node_release(ml_node *node);
void mli_node_retain(ml_node *node);
bool mli_compute(ml_tensor *const *t, int n); /* false, with a message: none was computed */
void mli_wait_release(ml_wait *wait);

#endif
