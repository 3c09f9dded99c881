/* What the layers made of convolutions share: conv.c, local.c, equivariant.c. One dimension is an image of one row. */
#ifndef MOONLAB_NN_CONV_H
#define MOONLAB_NN_CONV_H

#include "nn/module.h"

static inline ml_tensor *mli_reshaped(ml_tensor *x, ml_shape s) { return ml_reshape(x, &(ml_reshape_opts){ s }); }
ml_tensor *mli_with_row(ml_tensor *x);    /* (n, c, l) -> (n, c, 1, l) */
ml_tensor *mli_without_row(ml_tensor *y); /* and back */

/* Is x (n, in, h, w), or (n, in, l) for a layer of one dimension? */
bool mli_conv_fits(const ml_module *m, ml_tensor *x);
/* What the padding is before and behind: of "same" one more behind where it is odd. */
void mli_conv_padding(const ml_module *m, int d, int64_t *before, int64_t *behind);
/* x with the padding joined on, in the layer's mode. */
ml_tensor *mli_conv_padded(const ml_module *m, ml_tensor *x);
/* act(conv2d(x, w) + b) with the stride, padding, dilation and groups of the layer. */
ml_tensor *mli_conv_with(const ml_module *m, ml_tensor *x, ml_tensor *w, ml_tensor *b, ml_act act);
ml_tensor *mli_conv_bias(const ml_module *m, ml_tensor *const *params); /* without one a constant zero stands in */

/* A module of that kind, its sizes and options checked and noted, still without parameters. */
ml_module *mli_conv_new(const mli_module_kind *kind, int dims, int64_t in, int64_t out, const int64_t kernel[2], ml_conv_layer_opts o);
void       mli_conv_text(const ml_module *m, char *to, size_t bytes);

#endif
