/* samples.h - an operation with the inputs that one of its samples describes, and runs of it.
 *
 *     trial t;
 *     FOR_EACH_SAMPLE(ops, t) {
 *         ml_tensor *in[ML_MAX_IN];
 *         trial_inputs(&t, ML_F64, LAYOUT_CONTIGUOUS, 1, in);
 *         run r = trial_run(&t, in, ALL, NULL, false);        // r.y, r.dx[i]
 *     }
 */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

#include "checks.h"
#include "autograd/node.h"

#include <criterion/parameterized.h>

typedef struct trial {
    int              id;
    const char      *name;
    const ml_op     *op;
    const ml_sample *sample;
    const void      *opts;
    int              n_in;
    bool             floats[ML_MAX_IN]; /* input i has a derivative */
    ml_shape         shape[ML_MAX_IN];
    char             kind[ML_MAX_IN];   /* 'f', 'i' or 'b' */
    char             label[128];        /* "sum of (2, 3), sample 1": opens every complaint */
} trial;

bool trial_at(int id, int k, trial *t); /* the k-th sample of the operation; false behind the last */
void trial_of(int id, const ml_sample *sample, int k, trial *t); /* any sample; k is what the label says */

/* How the values of an input lie in memory. */
typedef enum layout {
    LAYOUT_CONTIGUOUS, LAYOUT_TRANSPOSED, LAYOUT_SLICED, LAYOUT_EXPANDED, LAYOUT_COUNT
} layout;
const char *layout_name(layout l);
ml_tensor  *view_with_layout(ml_tensor *values, layout l); /* the same values; expanded: its first row repeats */

ml_tensor  *trial_view(const trial *t, int i, ml_tensor *values, layout l); /* of input i, with a layout that it bears */

/* Fresh inputs: leaves without gradient. The values depend on the seed alone, and are f32 numbers in f64 too. */
void trial_inputs(const trial *t, ml_dtype dtype, layout l, uint64_t seed, ml_tensor *in[ML_MAX_IN]);
ml_tensor *random_like(const ml_tensor *t, uint64_t seed); /* normal, of its shape and dtype */

#define ALL (~0u)
typedef struct run {
    ml_tensor *y;
    ml_tensor *dx[ML_MAX_IN]; /* NULL where none was asked for, or on failure */
    bool       ok;
} run;

/* y = op(in), and for each float input in the bits of needs its gradient for dy (NULL: random by seed 99). The inputs
 * themselves are left alone: views of them become the leaves. */
run trial_run(const trial *t, ml_tensor *const in[], uint32_t needs, ml_tensor *dy, bool create_graph);

/* Parameters of a test: the operations that fit, a few at a time, since a process costs more than a check. Indices, as
 * a pointer does not survive the way into the process of a test. */
enum { GROUP = 12 };
typedef struct group {
    int n, id[GROUP];
} group;
struct criterion_test_params groups_where(bool (*fits)(const ml_op *op, const ml_op_info *info));

/* Loops with a scope around each turn; the trial is set. A complaint names the operation. */
typedef struct turn {
    int      op, sample;
    ml_scope scope;
} turn;
bool next_sample(turn *at, const group *g, trial *t); /* every sample of every operation */
bool next_op(turn *at, const group *g, trial *t);     /* the first sample of every operation */
#define FOR_EACH_SAMPLE(g, t) for (turn at = { 0, -1, { SIZE_MAX } }; next_sample(&at, g, &(t));)
#define FOR_EACH_OP(g, t)     for (turn at = { -1, 0, { SIZE_MAX } }; next_op(&at, g, &(t));)

#endif
