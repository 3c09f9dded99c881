/* What the two layouts of convolutions share: planes of single images (conv_run.c) and images side by side (conv_lanes.c). */
#ifndef MOONLAB_OPS_CONV_PARTS_H
#define MOONLAB_OPS_CONV_PARTS_H

#include "ops/conv.h"

#define NEAR_BYTES 262144 /* what a task keeps near: half of a second cache of 512 kB */
#define TASKS      8      /* at least so many where there is work for them */
#define WORTH      500000 /* multiplications that are worth a task */

static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -ceil_div(-a, b); }
static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* The weights of each group as (taps, results): a copy of a view. steps: of group, then of the dimensions of shape. */
void *mli_conv_weights(ml_tensor *w, ml_shape shape, const int64_t *steps, int64_t offset);

/* The weights that reach results of the adjoint at places remainder, remainder + stride, ...: first, first + step, ..., n of them; rows: how
 * many results. Result u gets from weight i what was at place u + shift(i); the shifts fall from that of the first weight. */
typedef struct {
    int64_t first, step, n, rows;
} mli_reach;

mli_reach mli_conv_reach(const mli_conv *g, int d, int64_t remainder);
int64_t   mli_conv_shift(const mli_conv *g, int d, int64_t remainder, int64_t weight);

/* Whether small images lie better side by side; then the two that do so. */
bool mli_conv_has_lanes(const mli_conv *g);
bool mli_conv_lanes_forward(const mli_conv *g, ml_tensor *x, ml_tensor *w, const void *bias, ml_act act, ml_tensor *y);
bool mli_conv_lanes_dx(const mli_conv *g, ml_tensor *y, ml_tensor *w, ml_tensor *dx);

#endif
