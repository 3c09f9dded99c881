/* moonlab/ops.h - every operation as a C function, made from op_list.h.
 *
 *     ml_tensor *ml_tanh(ml_tensor *x);
 *     ml_tensor *ml_sum(ml_tensor *x, const ml_sum_opts *opts);         // NULL = the defaults of op_list.h
 *     ml_tensor *ml_cat(ml_tensor *const *xs, int n, const ml_cat_opts *opts);
 *     ml_sum(x, &(ml_sum_opts){ .dims = ML_DIMS(0), .keepdim = true });
 *
 * Results belong to the innermost scope. NULL in, NULL out. A result is recorded for the derivative when an
 * input is, unless inside ml_no_grad. Inputs of different dtype are promoted: bool < u8 < i64 < f32 < f64.
 */
#ifndef MOONLAB_OPS_H
#define MOONLAB_OPS_H

#include "moonlab/tensor.h"

typedef struct ml_dims {
    int     n; /* 0: none given */
    int64_t at[ML_MAX_DIMS];
} ml_dims;
#define ML_MAX_INTS (2 * ML_MAX_DIMS)
typedef struct ml_ints {
    int     n; /* 0: none given */
    int64_t at[ML_MAX_INTS];
} ml_ints;
#define ML_DIMS(...) ((ml_dims){ (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), { __VA_ARGS__ } })
#define ML_INTS(...) ((ml_ints){ (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), { __VA_ARGS__ } })

#define ML_TEXT_BYTES 120 /* of an option that is text, its end included: part of the struct, so that a recorded call owns it */

/* CHOICE options: in C an int that counts the words of op_list.h from 0, under these names. */
typedef enum ml_act { ML_ACT_NONE, ML_ACT_RELU, ML_ACT_TANH, ML_ACT_SIGMOID, ML_ACT_COUNT } ml_act;
#define ML_ACT_WORDS "none|relu|tanh|sigmoid"
typedef enum ml_pad_mode { ML_PAD_CONSTANT, ML_PAD_REFLECT, ML_PAD_REPLICATE, ML_PAD_CIRCULAR, ML_PAD_COUNT } ml_pad_mode;
#define ML_PAD_WORDS "constant|reflect|replicate|circular"
typedef enum ml_reduction { ML_REDUCTION_MEAN, ML_REDUCTION_SUM, ML_REDUCTION_NONE, ML_REDUCTION_COUNT } ml_reduction;
#define ML_REDUCTION_WORDS "mean|sum|none"
int ml_choice_find(const char *words, const char *word); /* its place in "a|b|c", from 0; -1 when it is none of them */

/* --- option structs --------------------------------------------------------------------------------------- */
#define DIMS(f)       ml_dims f;
#define DIM(f, d)     int f;
#define NEWDIM(f, d)  int f;
#define SHAPE(f)      ml_shape f;
#define INTS(f)       ml_ints f;
#define PAIR(f, d)    int64_t f[2];
#define INT(f, d)     int64_t f;
#define INDEX(f, d)   int64_t f;
#define REAL(f, d)    double f;
#define FLAG(f, d)    bool f;
#define CHOICE(f, d, words) int f;
#define DTYPE(f)      ml_dtype f;
#define BASE(f)       int f;
#define TEXT(f)       char f[ML_TEXT_BYTES];
#define ML_OP(name, n, doc)
#define ML_OPX(name, n, doc, ...) typedef struct ml_##name##_opts { __VA_ARGS__ } ml_##name##_opts;
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX

/* --- prototypes, ids --------------------------------------------------------------------------------------- */
#define ML_IN_1 ml_tensor *x
#define ML_IN_2 ml_tensor *x, ml_tensor *y
#define ML_IN_3 ml_tensor *x, ml_tensor *y, ml_tensor *z
#define ML_IN_4 ml_tensor *x, ml_tensor *y, ml_tensor *z, ml_tensor *w
#define ML_IN_N ml_tensor *const *xs, int n
#define ML_OP(name, n, doc)       ml_tensor *ml_##name(ML_IN_##n);
#define ML_OPX(name, n, doc, ...) ml_tensor *ml_##name(ML_IN_##n, const ml_##name##_opts *opts);
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX

typedef enum ml_op_id {
#define ML_OP(name, n, doc)       ML_OP_##name,
#define ML_OPX(name, n, doc, ...) ML_OP_##name,
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX
    ML_OP_COUNT
} ml_op_id;
#undef DIMS
#undef DIM
#undef NEWDIM
#undef SHAPE
#undef INTS
#undef PAIR
#undef INT
#undef INDEX
#undef REAL
#undef FLAG
#undef CHOICE
#undef DTYPE
#undef BASE
#undef TEXT

/* --- the table, for bindings, documentation and tests --------------------------------------------------------- */
typedef enum ml_field_kind {
    ML_FIELD_DIMS, ML_FIELD_DIM, ML_FIELD_NEWDIM, ML_FIELD_SHAPE, ML_FIELD_INTS, ML_FIELD_PAIR, ML_FIELD_INT, ML_FIELD_INDEX, ML_FIELD_REAL,
    ML_FIELD_FLAG, ML_FIELD_CHOICE, ML_FIELD_DTYPE, ML_FIELD_BASE, ML_FIELD_TEXT
} ml_field_kind;

typedef struct ml_field {
    const char   *name; /* NULL ends the list */
    ml_field_kind kind;
    size_t        offset; /* in the option struct */
    const char   *words;  /* of a CHOICE: "a|b|c"; else NULL */
} ml_field;

#define ML_OPTS_BYTES 256 /* no option struct is larger */

typedef struct ml_op_info {
    const char     *name, *doc;
    int             n_in; /* -1: any number */
    size_t          opts_bytes;
    const void     *defaults;
    const ml_field *fields;
} ml_op_info;

const ml_op_info *ml_op_info_at(int id); /* NULL outside 0..ML_OP_COUNT-1 */
int               ml_op_find(const char *name); /* -1 when there is none */
ml_tensor        *ml_op_apply(int id, ml_tensor *const *in, int n_in, const void *opts); /* opts NULL = defaults */

/* Short forms for the most common options. */
ml_tensor *ml_sum_dim(ml_tensor *x, int dim, bool keepdim);
ml_tensor *ml_mT(ml_tensor *x); /* the last two dimensions swapped */

#endif
