/* Comparisons and logic, whose results are bools; choosing by them; other dtypes. Every number but 0 is true, NaN too. */
#include "ops/pointwise.h"

#include <float.h>

MLK_COMPARE(FORWARD2_ALL)
MLK_TEST(FORWARD1_ALL)

/* --- where -------------------------------------------------------------------------------------------------------------- */
static bool where_infer(ml_call *c)
{
    const ml_shape *a = &X->shape, *b = &Y->shape, *d = &Z->shape;
    ml_shape ab;
    if (!ml_shape_broadcast(a, b, &ab) || !ml_shape_broadcast(&ab, d, &c->shape))
        return ml_fail("where: shapes do not broadcast: %s, %s and %s", ml_shape_text(a), ml_shape_text(b), ml_shape_text(d));
    if (X->dtype != ML_BOOL && X->dtype != ML_U8)
        return ml_fail("where: the condition must be bool, got %s; compare first, e.g. x:gt(0)", ml_dtype_name((ml_dtype)X->dtype));
    c->dtype = (ml_dtype)Y->dtype;
    return true;
}

static bool where_forward(ml_call *c)
{
    size_t bytes = ml_dtype_bytes((ml_dtype)Y->dtype);
    return mli_map3(c, bytes == 4 ? mlk()->where_4 : bytes == 8 ? mlk()->where_8 : mlk()->where_1);
}

static bool where_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    if (ml_needs(c, 1)) dx[1] = ml_where(X, dy, like(dy, 0));
    if (ml_needs(c, 2)) dx[2] = ml_where(X, like(dy, 0), dy);
    return !ml_failed();
}

/* --- nan_to_num ----------------------------------------------------------------------------------------------------------- */
static ml_tensor *nan_to_num_compose(ml_call *c)
{
    const ml_nan_to_num_opts *o        = c->opts;
    double                    greatest = X->dtype == ML_F32 ? (double)FLT_MAX : DBL_MAX;
    double                    above = isnan(o->posinf) ? greatest : o->posinf, below = isnan(o->neginf) ? -greatest : o->neginf;
    ml_tensor                *edge  = ml_where(ml_gt(X, ml_number(0)), like(X, above), like(X, below));
    return ml_where(ml_isnan(X), like(X, o->nan), ml_where(ml_isinf(X), edge, X));
}

/* --- cast: copies whatever the output needs; the gradient is cast back by the engine ------------------------------------------ */
static bool cast_infer(ml_call *c)
{
    c->shape = X->shape;
    c->dtype = ((const ml_cast_opts *)c->opts)->dtype;
    return true;
}

static bool cast_forward(ml_call *c)
{
    mli_strided_copy(X, c->dtype, mli_data(OUT));
    return true;
}

static bool cast_vjp(ml_call *c, ml_tensor *dy, ml_tensor *dx[])
{
    (void)c;
    dx[0] = dy;
    return true;
}

/* --- the operations -------------------------------------------------------------------------------------------------------- */
SAMPLES(compare) = { { .in = { "(2, 3)", "(2, 3)" }, .order = ML_VALUE_ONLY }, { .in = { "(2, 1)", "(3)" }, .order = ML_VALUE_ONLY }, { 0 } };
SAMPLES(test)    = { { .in = { "(2, 3)" }, .order = ML_VALUE_ONLY }, { .in = { "()" }, .order = ML_VALUE_ONLY }, { 0 } };
SAMPLES(where)   = { { .in = { "b(2, 3)", "(2, 3)", "(2, 3)" } }, { .in = { "b(3)", "(2, 1)", "()" } }, { 0 } };
SAMPLES(any)     = { SHAPES_1, { 0 } };
static const ml_cast_opts to_f64 = { ML_F64 };
SAMPLES(cast)    = { { .in = { "(2, 3)" }, .opts = &to_f64 }, { 0 } };

#define COMPARISON(f) FLAT(f, ML_TO_BOOL, compare)
#define TEST(f)       FLAT(f, ML_TO_BOOL, test)
MLK_COMPARE(COMPARISON)
MLK_TEST(TEST)

const ml_op ml_op_where = { .kind = ML_OTHER, .vmap = mli_pointwise_vmap, .saves = ML_SAVE_IN(0), .infer = where_infer, .forward = where_forward,
                            .vjp = where_vjp, .samples = where_samples };
const ml_op ml_op_nan_to_num = { .kind = ML_POINTWISE, .saves = IN, .compose = nan_to_num_compose, .samples = any_samples };
const ml_op ml_op_cast  = { .kind = ML_LINEAR, .vmap = mli_pointwise_vmap, .flags = ML_NO_PROMOTE, .infer = cast_infer, .forward = cast_forward,
                            .vjp = cast_vjp, .samples = cast_samples };
