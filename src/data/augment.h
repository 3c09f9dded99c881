/* Augmentation of one example, for the loader. */
#ifndef MOONLAB_DATA_AUGMENT_H
#define MOONLAB_DATA_AUGMENT_H

#include "data/draws.h"
#include "moonlab/data.h"

/* What an example looks like: channels of rows and columns. No image: all of it is one row. */
typedef struct mli_frame { int64_t channels, rows, columns; } mli_frame;

/* False, with a message, when the step does not go with examples of that shape, or its amount makes no sense. */
bool mli_augment_check(const ml_augment *step, ml_shape example);
/* One step on the example x in place; spare has room for another. Not for mixup. */
void mli_augment(const ml_augment *step, mli_frame frame, mli_draws *draws, float *x, float *spare);
double mli_draw_beta(mli_draws *draws, double a); /* Beta(a, a) */

#endif
