/* What the files of convolutions share: the sizes of one, and the two ways of running it. */
#ifndef MOONLAB_OPS_CONV_H
#define MOONLAB_OPS_CONV_H

#include "ops/matrix.h"

/* The options that all convolutions begin with; the option structs are read as this. */
typedef struct mli_conv_opts {
    int64_t stride[2], padding[2], dilation[2], groups;
} mli_conv_opts;

/* x (n, c, in), w (o, c / groups, kernel), y (n, o, out); pairs are rows, columns. */
typedef struct mli_conv {
    int64_t       n, c, o, in[2], kernel[2], out[2];
    mli_conv_opts opt;
    ml_dtype      dtype;
} mli_conv;

/* The size that a window of kernel, dilated, has at its places in a row of in values; false with a message when there is none. */
bool mli_places(const char *op, const mli_conv_opts *o, const int64_t in[2], const int64_t kernel[2], int64_t out[2]);
/* Checks shapes and options and fills g from those of x and w. */
bool mli_conv_sizes(const char *op, const ml_shape *x, const ml_shape *w, const mli_conv_opts *o, mli_conv *g);

/* All of contiguous x and y; w has any steps. False: no memory. */
bool mli_conv_forward(const mli_conv *g, ml_tensor *x, ml_tensor *w, const void *bias, ml_act act, ml_tensor *y);
bool mli_conv_dx(const mli_conv *g, ml_tensor *y, ml_tensor *w, ml_tensor *dx);
bool mli_conv_dw(const mli_conv *g, ml_tensor *x, ml_tensor *y, ml_tensor *dw);

#endif
