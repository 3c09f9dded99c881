/* moonlab/data.h - data sets made by rule.
 *
 *     ml_dataset train, test;
 *     ml_data_modular(&(ml_modular_opts){ .p = 97, .op = "+", .train_fraction = 0.4, .seed = 1 }, &train, &test);
 *
 * Every generator is a function of its options alone, the seed among them. Tensors belong to the innermost scope.
 */
#ifndef MOONLAB_DATA_H
#define MOONLAB_DATA_H

#include "moonlab/tensor.h"

typedef struct ml_dataset {
    ml_tensor *x, *y; /* inputs (n, ...); labels (n) */
} ml_dataset;

/* --- operations on finite sets: every pair once, split at random ------------------------------------------------------- */
typedef struct ml_modular_opts {
    int64_t     p;              /* 2..4096; for "/" a prime */
    const char *op;             /* "+", "-", "*", "/" (b = 0 is left out), or a polynomial such as "x^2+xy+y^2" */
    double      train_fraction; /* between 0 and 1; rounded to whole pairs, at least one on each side */
    uint64_t    seed;           /* of the split; has nothing to do with ml_seed(seed) */
    int         base;           /* what ids and labels count from: C 0, Lua 1 */
} ml_modular_opts;

/* All pairs (a, b) and a op b mod p: x (n, 2) i64, y (n) i64; a random split of the p^2 pairs (p (p - 1) for "/").
 * False, with train and test as they were, for options out of range or want of memory.
 * Power et al. 2022, "Grokking: Generalization Beyond Overfitting on Small Algorithmic Datasets". */
bool ml_data_modular(const ml_modular_opts *opts, ml_dataset *train, ml_dataset *test);

typedef struct ml_permutations_opts {
    int64_t     n;              /* of the symmetric group: 2..6, with n! elements */
    const char *op;             /* "xy" (first y, then x), "xyx" or "xyx^-1" */
    double      train_fraction;
    uint64_t    seed;
    int         base;
} ml_permutations_opts;

/* The same for the symmetric group, its elements in the order of a dictionary: the identity is the first. Power et al. 2022. */
bool       ml_data_permutations(const ml_permutations_opts *opts, ml_dataset *train, ml_dataset *test);
ml_tensor *ml_permutation_elements(int64_t n, int base); /* (n!, n) i64: where each element sends 1..n */

/* --- MNIST-1D ------------------------------------------------------------------------------------------------------- */
typedef struct ml_mnist1d_opts {
    int64_t  n;                /* examples, as many of each of the 10 classes: 5000 */
    double   train_fraction;   /* 0.8 */
    int64_t  length;           /* of a signal: 40 */
    int64_t  padding[2];       /* zeros behind the 12 points of a template, at least and at most: 36, 60 */
    int64_t  max_translation;  /* moved right, round the end, by less than this: 48 */
    double   scale, correlated_noise, iid_noise, shear; /* 0.4, 0.25, 0.02, 0.75 */
    bool     shuffled;         /* positions in one random order, the same for all: no neighbourhood is left */
    uint64_t seed;             /* below 2^32; 42 are the published arrays */
    int      base;             /* what labels count from: C 0, Lua 1 */
    ml_dtype dtype;            /* f32 */
} ml_mnist1d_opts;

ml_mnist1d_opts ml_mnist1d_defaults(void); /* the published parameters */

/* Ten digits as signals: x (n, length), mean 0 and standard deviation 1 over train and test together; y (n) i64. False, with
 * train and test as they were, for options out of range or want of memory.
 * Greydanus & Kobak 2024, "Scaling down deep learning with MNIST-1D". */
bool       ml_data_mnist1d(const ml_mnist1d_opts *opts, ml_dataset *train, ml_dataset *test);
ml_tensor *ml_mnist1d_positions(const ml_mnist1d_opts *opts); /* (length) i64: where each position comes from, shuffled or not */

/* --- images drawn by rule ---------------------------------------------------------------------------------------------- */
typedef enum ml_drawing { ML_DRAW_DIGITS, ML_DRAW_SHAPES } ml_drawing;

/* How the examples of a set differ: each draws from these ranges, evenly. */
typedef struct ml_look {
    double rotation[2];  /* degrees, with the clock */
    double shear[2];     /* x -= shear y */
    double scale[2];     /* 1: 0.72 of the image's height */
    double shift[2];     /* pixels, to the right and, drawn again, downwards */
    double thickness[2]; /* of the pen, pixels */
    double wobble;       /* standard deviation of each point of a stroke; half a glyph's height is 1 */
    double noise;        /* standard deviation added to each pixel */
} ml_look;

typedef struct ml_drawn_opts {
    int64_t  n_train, n_test;
    int64_t  size;        /* of the square images, 8..256 */
    bool     filled;      /* what the strokes enclose too */
    bool     colour;      /* 3 channels: an ink and a ground for each image, else 1 on 0 in one */
    ml_look  train, test; /* the test set may look different */
    uint64_t seed;
    int      base;        /* what labels count from: C 0, Lua 1 */
} ml_drawn_opts;

ml_drawn_opts ml_drawn_defaults(void);

/* x (n, channels, size, size) f32 in 0..1; y (n) i64, the classes as equal as n allows, in random order. Of digits the class is the
 * digit. False, with train and test as they were, for options out of range or want of memory. */
bool        ml_data_drawn(ml_drawing what, const ml_drawn_opts *opts, ml_dataset *train, ml_dataset *test);
int         ml_drawn_classes(ml_drawing what);
const char *ml_drawn_name(ml_drawing what, int class); /* "7", "star"; NULL with a message outside */

/* --- batches ------------------------------------------------------------------------------------------------------------ */
/* What happens to each example of a batch, drawn anew every epoch. Images are (c, h, w) or (h, w); what comes in from outside is 0. */
typedef enum ml_augment_kind {
    ML_AUGMENT_SHIFT,         /* whole pixels, at most amount each way: a crop of the image padded by amount */
    ML_AUGMENT_ROTATE,        /* at most amount degrees each way, about the middle, linear between pixels */
    ML_AUGMENT_FLIP,          /* left to right, with probability amount */
    ML_AUGMENT_FLIP_VERTICAL, /* top to bottom, with probability amount */
    ML_AUGMENT_CUTOUT,        /* a square of amount pixels becomes 0, its middle anywhere; DeVries & Taylor 2017 */
    ML_AUGMENT_NOISE,         /* of standard deviation amount on every value; x of any shape */
    ML_AUGMENT_MIXUP,         /* with another example of the batch, in shares from Beta(amount, amount); Zhang et al. 2018. The last one */
    ML_AUGMENT_COUNT
} ml_augment_kind;
typedef struct ml_augment {
    ml_augment_kind kind;
    double          amount;
} ml_augment;
const char *ml_augment_name(ml_augment_kind kind); /* "flip_vertical"; "?" for none */
bool        ml_augment_parse(const char *name, ml_augment_kind *kind); /* false, with a message that names the nearest */

#define ML_MOST_AUGMENTS 8
typedef struct ml_loader_opts {
    int64_t    batch;       /* examples, at least 1; 0 = 64 */
    bool       in_order;    /* else each epoch has an order of its own, from (seed, epoch) */
    bool       drop_last;   /* no smaller batch at the end of an epoch */
    bool       prefetch;    /* the next batch is made by a second thread meanwhile; the same batches */
    uint64_t   seed;
    ml_augment augment[ML_MOST_AUGMENTS];
    int        n_augment;   /* they need x in f32, as do: */
    ml_tensor *mean, *std;  /* f32 of the shape of an example: at last (x - mean) / std; NULL = not wanted */
    int        base;        /* what ids count from: C 0, Lua 1 */
} ml_loader_opts;

typedef struct ml_batch {
    ml_tensor *x, *y;   /* (n, ...), in the innermost scope; x is NULL when the epoch is over */
    ml_tensor *ids;     /* (n) i64: which examples of the set */
    ml_tensor *y_other; /* mixup of labels: those of the other examples, else NULL. Of floats y itself is mixed */
    double     share;   /* of x and y in the mixture; 1 without */
} ml_batch;

typedef struct ml_loader ml_loader; /* opaque: the fields are in src/data */

/* x (n, ...), y (n, ...) of any dtype. They are held, not copied, where they are contiguous: leave their values alone. */
ml_loader *ml_loader_new(ml_tensor *x, ml_tensor *y, const ml_loader_opts *opts);
int64_t    ml_loader_batches(const ml_loader *loader);                    /* of an epoch */
bool       ml_loader_start(ml_loader *loader, int64_t epoch, int64_t batch); /* the next one is this batch of this epoch, both from 0 */
bool       ml_loader_next(ml_loader *loader, ml_batch *batch);            /* false for want of memory: ask again */
void       ml_loader_release(ml_loader *loader);                          /* ends its thread; NULL is fine */

#endif
