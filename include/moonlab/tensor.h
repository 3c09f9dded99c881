/* moonlab/tensor.h - n-dimensional arrays: storage, shape, strides, views, printing, random numbers.
 *
 *     ml_scope scope = ml_scope_begin();
 *     ml_tensor *x = ml_randn(ML_SHAPE(3, 4), ML_F32, ml_key(1, 0));
 *     ml_tensor *y = ml_mean(ml_tanh(x), NULL);
 *     printf("%g\n", ml_item(y));
 *     ml_scope_end(&scope);                                   // x, y and all between are gone
 *
 * Ownership: tensors are counted. A result belongs to the innermost scope and dies with it unless retained.
 * Every function that takes a tensor gives NULL for NULL and keeps the first message, so formulas chain.
 * The C interface counts from 0; Lua counts from 1.
 */
#ifndef MOONLAB_TENSOR_H
#define MOONLAB_TENSOR_H

#include "moonlab/base.h"

#define ML_MAX_DIMS 8

typedef enum ml_dtype { ML_F32, ML_F64, ML_I64, ML_U8, ML_BOOL, ML_DTYPE_COUNT } ml_dtype;

typedef struct ml_tensor ml_tensor; /* opaque: the fields are in src/tensor/tensor_impl.h */

typedef struct ml_shape {
    int     n;                /* number of dimensions, 0..ML_MAX_DIMS; 0 is a single number */
    int64_t size[ML_MAX_DIMS];
} ml_shape;

#define ML_SHAPE(...) ml_shape_of((int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (int64_t[]){ __VA_ARGS__ })
#define ML_SCALAR     ((ml_shape){ 0, { 0 } })

ml_shape    ml_shape_of(int n, const int64_t *size);
int64_t     ml_shape_numel(const ml_shape *s);
bool        ml_shape_equal(const ml_shape *a, const ml_shape *b);
const char *ml_shape_text(const ml_shape *s); /* "(3, 4)"; one of eight buffers a thread, so a few fit in one message */
bool        ml_shape_broadcast(const ml_shape *a, const ml_shape *b, ml_shape *out); /* NumPy's rule; false silently */

const char *ml_dtype_name(ml_dtype d);                 /* "f32", "f64", "i64", "u8", "bool" */
bool        ml_dtype_parse(const char *name, ml_dtype *d);
size_t      ml_dtype_bytes(ml_dtype d);
static inline bool ml_dtype_is_float(ml_dtype d) { return d == ML_F32 || d == ML_F64; }
ml_dtype    ml_dtype_promote(ml_dtype a, ml_dtype b);  /* bool < u8 < i64 < f32 < f64 */

/* --- ownership ---------------------------------------------------------------------------------------------- */
typedef struct ml_scope { size_t mark; } ml_scope;
ml_scope   ml_scope_begin(void);
void       ml_scope_end(ml_scope *scope);
ml_tensor *ml_scope_return(ml_scope *scope, ml_tensor *result); /* ends it; result moves to the scope around it */
ml_tensor *ml_retain(ml_tensor *t);   /* one more reference; returns t */
void       ml_release(ml_tensor *t);  /* one fewer; NULL is fine */

/* --- making ------------------------------------------------------------------------------------------------- */
ml_tensor *ml_empty(ml_shape shape, ml_dtype dtype);                /* values undefined */
ml_tensor *ml_full(ml_shape shape, ml_dtype dtype, double value);
ml_tensor *ml_zeros(ml_shape shape, ml_dtype dtype);
ml_tensor *ml_ones(ml_shape shape, ml_dtype dtype);
ml_tensor *ml_scalar(double value, ml_dtype dtype);
ml_tensor *ml_number(double value);        /* a plain number: takes the dtype of what it meets, as 2 in x + 2 */
ml_tensor *ml_arange(double start, double stop, double step, ml_dtype dtype); /* start, start+step, ... < stop */
ml_tensor *ml_linspace(double start, double stop, int64_t n, ml_dtype dtype); /* both ends included */
ml_tensor *ml_logspace(double start, double stop, int64_t n, double base, ml_dtype dtype); /* base^start .. base^stop, evenly apart in the exponent */
ml_tensor *ml_eye(int64_t n, ml_dtype dtype);
ml_tensor *ml_eye_of(int64_t rows, int64_t columns, ml_dtype dtype); /* ones on the diagonal */
ml_tensor *ml_from(ml_shape shape, ml_dtype dtype, const void *values); /* copies row-major values of that dtype */

/* --- random numbers: a function of (seed, stream, counter) alone; Philox 4x32-10, Salmon et al. 2011 --------- */
typedef struct ml_key { uint64_t seed, stream; } ml_key;
ml_key     ml_key_of(uint64_t seed, uint64_t stream);
ml_key     ml_key_next(void);          /* the next stream of the default seed; ml_seed sets it */
void       ml_seed(uint64_t seed);
void       ml_key_reset(ml_key next);   /* ml_key_next goes on from here: with its own result, as if it had not been called */
void       ml_philox(ml_key key, uint64_t counter, uint32_t out[4]);
ml_tensor *ml_rand(ml_shape shape, ml_dtype dtype, ml_key key);                 /* uniform in [0, 1) */
ml_tensor *ml_randn(ml_shape shape, ml_dtype dtype, ml_key key);                /* standard normal */
ml_tensor *ml_uniform(ml_shape shape, ml_dtype dtype, double low, double high, ml_key key); /* [low, high) */
ml_tensor *ml_normal(ml_shape shape, ml_dtype dtype, double mean, double std, ml_key key);
ml_tensor *ml_bernoulli(const ml_tensor *p, ml_dtype dtype, ml_key key); /* 1 with probability p, else 0; of the shape of p */
ml_tensor *ml_randint(int64_t low, int64_t high, ml_shape shape, ml_key key);   /* i64, low..high-1 */
ml_tensor *ml_randperm(int64_t n, ml_key key);                                  /* i64, a permutation of 0..n-1 */

/* --- memory: where the largest comes from; sizes and totals are in base.h ------------------------------------ */
typedef struct ml_largest {
    size_t   bytes;
    ml_shape shape; /* of the tensor that it was made for */
    ml_dtype dtype;
    char     site[96]; /* "script.lua:12"; empty when nobody knew */
} ml_largest;
bool ml_memory_largest(ml_largest *largest); /* the largest values in use; false when all are below 1 MiB */

/* --- looking ------------------------------------------------------------------------------------------------ */
int         ml_tensor_ndim(const ml_tensor *t);
ml_shape    ml_tensor_shape(const ml_tensor *t);
int64_t     ml_tensor_size(const ml_tensor *t, int dim);
int64_t     ml_tensor_numel(const ml_tensor *t);
ml_dtype    ml_tensor_dtype(const ml_tensor *t);
bool        ml_tensor_is_contiguous(const ml_tensor *t);
bool        ml_tensor_is_batched(const ml_tensor *t); /* inside vmap: it stands for one of a batch and has no values of its own */
double      ml_item(const ml_tensor *t);                                 /* its only value; NAN with a message otherwise */
double      ml_tensor_at(const ml_tensor *t, const int64_t *at);         /* one value, at n positions */
bool        ml_tensor_set_at(ml_tensor *t, const int64_t *at, double v); /* refused for a tensor that records */
bool        ml_tensor_copy_out(const ml_tensor *t, ml_dtype dtype, void *values); /* row-major, converted */
const void *ml_tensor_data(const ml_tensor *t); /* first value of a contiguous tensor; NULL with a message otherwise */
void       *ml_tensor_mutable_data(ml_tensor *t); /* the same for writing; counts as a modification */
char       *ml_tensor_text(const ml_tensor *t); /* as NumPy prints; free with ml_realloc(p, strlen(p) + 1, 0) */

/* --- views and copies that are not recorded (the recorded ones are in ops.h) ---------------------------------- */
ml_tensor *ml_detach(ml_tensor *t);      /* the same values, outside the graph */
ml_tensor *ml_clone(const ml_tensor *t); /* a contiguous copy, outside the graph */
bool       ml_copy_into(ml_tensor *dst, const ml_tensor *src); /* dst[...] = src, same shape; converts the dtype */

/* --- gradients held by leaves ----------------------------------------------------------------------------------- */
ml_tensor *ml_requires_grad(ml_tensor *t, bool on); /* marks a leaf; f32 and f64 only; returns t */
bool       ml_tensor_requires_grad(const ml_tensor *t); /* it, or what it was computed from */
bool       ml_tensor_is_leaf(const ml_tensor *t);       /* not the result of a recorded operation */
ml_tensor *ml_tensor_grad(const ml_tensor *t);      /* borrowed; NULL without message when there is none */
void       ml_tensor_zero_grad(ml_tensor *t);       /* drops it */

#endif
