/* What the families of pointwise operations share: arithmetic.c, functions.c, activations.c, compare.c. The slope is dy/dx in
 * public operations, so it has a slope too; a vjp stands where a slope of 0 or 1 would cost a product, or 0 * inf a NaN;
 * vjp_direct does dy * slope in one pass where that is worth a kernel. */
#ifndef MOONLAB_OPS_POINTWISE_H
#define MOONLAB_OPS_POINTWISE_H

#include "ops/op.h"

#include "kernels/kernels.h"

#include <math.h>

/* --- forward: by dtype of the input ---------------------------------------------------------------------------------- */
#define PICK_FLOAT(c, f) ((c)->in[0]->dtype == ML_F32 ? mlk()->f##_f32 : mlk()->f##_f64)
#define PICK_ANY(c, f)   ((c)->in[0]->dtype == ML_I64 ? mlk()->f##_i64 : PICK_FLOAT(c, f))
#define PICK_ALL(c, f)   (ml_dtype_bytes((ml_dtype)(c)->in[0]->dtype) == 1 ? mlk()->f##_u8 : PICK_ANY(c, f)) /* u8, bool too */

#define FORWARD1_FLOAT(f) static bool f##_forward(ml_call *c) { return mli_map1(c, PICK_FLOAT(c, f)); }
#define FORWARD1_ANY(f)   static bool f##_forward(ml_call *c) { return mli_map1(c, PICK_ANY(c, f)); }
#define FORWARD1_ALL(f)   static bool f##_forward(ml_call *c) { return mli_map1(c, PICK_ALL(c, f)); }
#define FORWARD2_FLOAT(f) static bool f##_forward(ml_call *c) { return mli_map2(c, PICK_FLOAT(c, f)); }
#define FORWARD2_ANY(f)   static bool f##_forward(ml_call *c) { return mli_map2(c, PICK_ANY(c, f)); }
#define FORWARD2_ALL(f)   static bool f##_forward(ml_call *c) { return mli_map2(c, PICK_ALL(c, f)); }

/* --- numbers in rules: a plain number takes the dtype of what it meets -------------------------------------------------- */
static inline ml_tensor *times(double a, ml_tensor *x) { return ml_mul(ml_number(a), x); }
static inline ml_tensor *plus(double a, ml_tensor *x) { return ml_add(ml_number(a), x); }
static inline ml_tensor *minus_from(double a, ml_tensor *x) { return ml_sub(ml_number(a), x); }
static inline ml_tensor *like(ml_tensor *x, double v) { return x ? ml_scalar(v, (ml_dtype)x->dtype) : NULL; }
/* a comparison as numbers of the dtype of x */
static inline ml_tensor *as_float(ml_tensor *mask, ml_tensor *x) { return ml_cast(mask, &(ml_cast_opts){ (ml_dtype)x->dtype }); }
/* x, but v where the mask holds: keeps 0 / 0 and the like out of a rule, whose derivative they would spoil */
static inline ml_tensor *except(ml_tensor *mask, double v, ml_tensor *x) { return ml_where(mask, like(x, v), x); }
static inline ml_tensor *is_zero(ml_tensor *x) { return ml_eq(x, ml_number(0)); }

/* --- slopes, samples, rows of the table ----------------------------------------------------------------------------------- */
#define X   (c->in[0])
#define Y   (c->in[1])
#define Z   (c->in[2])
#define OUT (c->out)
#define SLOPE(f, EXPR) static ml_tensor *f##_slope(ml_call *c, int i) { (void)i; return EXPR; }
#define IN   ML_SAVE_IN(0)
#define IN2  (ML_SAVE_IN(0) | ML_SAVE_IN(1))
#define IN3  (ML_SAVE_IN(0) | ML_SAVE_IN(1) | ML_SAVE_IN(2))

#define SAMPLES(name) static const ml_sample name##_samples[]
#define SHAPES_1 { .in = { "(2, 3)" } }, { .in = { "()" } }
#define WITHIN(from, to) { { .in = { "(2, 3)" }, .low = from, .high = to }, { .in = { "()" }, .low = from, .high = to }, { 0 } }

#define MAP(f, SAVES, FLAGS, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = FLAGS, .saves = SAVES, .forward = f##_forward, \
                              .slope = f##_slope, .samples = SAMPLE##_samples };
#define MAP_DIRECT(f, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = ML_FLOAT_ONLY, .saves = ML_SAVE_OUT, .forward = f##_forward, \
                              .slope = f##_slope, .vjp_direct = f##_direct, .samples = SAMPLE##_samples };
#define MAP_VJP(f, SAVES, FLAGS, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = FLAGS, .saves = SAVES, .forward = f##_forward, \
                              .vjp = f##_vjp, .samples = SAMPLE##_samples };
#define FLAT(f, FLAGS, SAMPLE) \
    const ml_op ml_op_##f = { .kind = ML_POINTWISE, .flags = ML_NOGRAD | (FLAGS), .forward = f##_forward, .samples = SAMPLE##_samples };

#endif
