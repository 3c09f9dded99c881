/* moonlab/fuse.h - chains of pointwise operations in one pass over memory.
 *
 *     ml_tensor *z = ml_fuse_input(x);
 *     ml_tensor *y = ml_sub(ml_mul(ml_relu(ml_add(ml_mul(z, two), one)), z), z);   // nothing is computed yet
 *     ml_fuse_compute(&y, 1);                                                      // one pass: x is read once, y written once
 *
 * A pointwise operation on such an input, or on a result of it, waits; whoever needs its values computes them, with all that
 * they need in one pass, strip by strip in the cache, on all threads. So results are those of the same operations without
 * fuse, to the bit, and no operation is refused: one that is not pointwise computes what it reads first. Operations whose
 * inputs are recorded for a derivative, or are inside vmap, are not deferred. Chains of floats gain; integers are computed
 * at once. One thread only may use a tensor while it waits. A tensor that is modified while a result that reads it waits
 * makes that result fail, with a message.
 */
#ifndef MOONLAB_FUSE_H
#define MOONLAB_FUSE_H

#include "moonlab/tensor.h"

ml_tensor *ml_fuse_input(ml_tensor *x); /* x, unrecorded, such that operations wait; x itself where they cannot */
/* Computes those that wait, in as few passes as their shapes allow; operations on them wait no longer. NULLs are left out.
 * False on error: none of them was computed. */
bool       ml_fuse_compute(ml_tensor *const *t, int n);
bool       ml_fuse_waits(const ml_tensor *t); /* not computed yet */

#endif
