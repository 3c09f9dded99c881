/* moonlab/index.h - x[...]: positions, ranges, tensors of positions and masks, for reading and for writing, as NumPy's.
 *
 *     ml_pick rows[] = { ML_PICK_RANGE(0, 10, 2), ML_PICK_AT(-1) };       // x[0:10:2, -1]
 *     ml_tensor *y = ml_index(x, rows, 2);
 *     ml_pick at[] = { ML_PICK_TENSOR(ids), ML_PICK_TENSOR(others) };     // x[ids, others]: one place for each pair
 *     ml_index_assign(x, at, 2, ml_scalar(0, ML_F32));
 *
 * There may be fewer picks than dimensions: the rest is whole. A position removes its dimension. A tensor of positions (i64)
 * replaces its dimension by its own; a mask (bool) lies over as many dimensions as it has and replaces them by one, of the
 * places where it holds. Several tensors broadcast together, a mask as the positions where it holds, and pick one place for
 * each element; where they stood side by side the result has their dimensions, else in front, as in NumPy. Negative positions
 * count from the end, but not in tensors inside vmap.
 */
#ifndef MOONLAB_INDEX_H
#define MOONLAB_INDEX_H

#include "moonlab/tensor.h"

typedef struct ml_pick {
    ml_tensor *tensor;            /* positions or a mask; NULL: what follows */
    bool       one;               /* the position start, which removes its dimension */
    int64_t    start, stop, step; /* else start, start + step, ... before stop; ends beyond the dimension are cut */
    int        base;              /* what the positions in a tensor count from */
} ml_pick;

#define ML_PICK_ALL                     ((ml_pick){ .stop = INT64_MAX, .step = 1 })
#define ML_PICK_AT(position)            ((ml_pick){ .one = true, .start = (position) })
#define ML_PICK_RANGE(first, end, by)   ((ml_pick){ .start = (first), .stop = (end), .step = (by) })
#define ML_PICK_TENSOR(t)               ((ml_pick){ .tensor = (t) })

/* Made of recorded operations: has derivatives of any order, and works inside vmap. Without tensors a view. */
ml_tensor *ml_index(ml_tensor *x, const ml_pick *picks, int n);

/* x[picks] = value, which broadcasts. False, with nothing changed, when something does not fit, or where the change would
 * falsify a graph: x is the result of a recorded operation, or x or the value wants a gradient while operations are recorded.
 * Where a place is picked twice, the last value stays. */
bool ml_index_assign(ml_tensor *x, const ml_pick *picks, int n, ml_tensor *value);

#endif
