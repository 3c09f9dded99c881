/* Special values: NaN, infinities, zeros of both signs, denormals, huge and tiny numbers, through every pointwise operation
 * against libm, and through the reductions and losses by facts. */
#include "samples.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

TestSuite(special, .init = begin_test, .fini = end_test);

static const double values[] = {
    NAN,      INFINITY, -INFINITY, 0.0,   -0.0,   0x1p-149, -0x1p-149, 0x1p-130, -0x1p-130, FLT_MIN,
    -FLT_MIN, 1e-30,    -1e-30,    1e-10, -1e-10, 1e-5,     -1e-5,     0.3,      -0.3,      0.5,
    -0.5,     0.625,    1,         -1,    1.5,    -1.5,     2,         -2,       2.5,       -2.5,
    10,       -10,      50,        -50,   88,     -87.5,    88.8,      -95,      -103,      89.5,
    -110,     1e5,      -1e5,      1e10,  -1e10,  1e30,     -1e30,     FLT_MAX,  -FLT_MAX,
};
enum { N = sizeof values / sizeof *values };

/* --- what each function should give ------------------------------------------------------------------------------ */
static bool in_f32; /* constants are rounded to what is tested */
static double neg(double x) { return -x; }
static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static double rsqrt(double x) { return 1 / sqrt(x); }
static double square(double x) { return x * x; }
static double reciprocal(double x) { return 1 / x; }
static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 30 ? x + exp(-x) : log1p(exp(x)); }
static double relu(double x) { return isnan(x) || x >= 0 ? x : 0; } /* -0 stays */
static double step(double x) { return x > 0; }
static double frac(double x) { return x - trunc(x); }
static double identity(double x) { return x; }
static double erfinv(double x) /* by bisection of erf, so no better than erf's last places */
{
    if (!(fabs(x) < 1)) return fabs(x) == 1 ? copysign(INFINITY, x) : NAN;
    double low = 0, high = 6, a = fabs(x);
    if (a < 1e-9) return x * sqrt(acos(-1)) / 2;
    for (int i = 0; i < 200; i++) *(erf((low + high) / 2) < a ? &low : &high) = (low + high) / 2;
    return copysign((low + high) / 2, x);
}
static double leaky_relu(double x) { return x < 0 ? (in_f32 ? (double)(float)0.01 : 0.01) * x : x; }
static double elu(double x) { return x < 0 ? expm1(x) : x; }
static double gelu(double x) { return x < -100 ? -0.0 : (double)(x * erfcl(-x / sqrtl(2)) / 2); }
static double silu(double x) { return x < -1000 ? -0.0 : x * sigmoid(x); }
static double mish(double x) { return x < -1000 ? -0.0 : x * tanh(softplus(x)); }
static double log_sigmoid(double x) { return -softplus(-x); }
static double softsign(double x) { return isinf(x) ? copysign(1, x) : x / (1 + fabs(x)); }
static double nan_to_num(double x) { return isnan(x) ? 0 : isinf(x) ? copysign(in_f32 ? (double)FLT_MAX : DBL_MAX, x) : x; }
static double is_nan(double x) { return isnan(x); }
static double is_inf(double x) { return isinf(x) != 0; }
static double is_finite(double x) { return isfinite(x) != 0; }
static double logical_not(double x) { return x == 0; }

static const struct {
    int id;
    double (*f)(double);
} unary[] = {
    { ML_OP_neg, neg },
    { ML_OP_abs, fabs },
    { ML_OP_sign, sign },
    { ML_OP_exp, exp },
    { ML_OP_expm1, expm1 },
    { ML_OP_log, log },
    { ML_OP_log1p, log1p },
    { ML_OP_sqrt, sqrt },
    { ML_OP_rsqrt, rsqrt },
    { ML_OP_square, square },
    { ML_OP_reciprocal, reciprocal },
    { ML_OP_sin, sin },
    { ML_OP_cos, cos },
    { ML_OP_tanh, tanh },
    { ML_OP_sigmoid, sigmoid },
    { ML_OP_erf, erf },
    { ML_OP_softplus, softplus },
    { ML_OP_relu, relu },
    { ML_OP_step, step },
    { ML_OP_floor, floor },
    { ML_OP_ceil, ceil },
    { ML_OP_round, rint },
    { ML_OP_trunc, trunc },
    { ML_OP_frac, frac },
    { ML_OP_exp2, exp2 },
    { ML_OP_log2, log2 },
    { ML_OP_log10, log10 },
    { ML_OP_tan, tan },
    { ML_OP_asin, asin },
    { ML_OP_acos, acos },
    { ML_OP_atan, atan },
    { ML_OP_sinh, sinh },
    { ML_OP_cosh, cosh },
    { ML_OP_asinh, asinh },
    { ML_OP_acosh, acosh },
    { ML_OP_atanh, atanh },
    { ML_OP_erfc, erfc },
    { ML_OP_erfinv, erfinv },
    { ML_OP_leaky_relu, leaky_relu },
    { ML_OP_elu, elu },
    { ML_OP_gelu, gelu },
    { ML_OP_silu, silu },
    { ML_OP_mish, mish },
    { ML_OP_log_sigmoid, log_sigmoid },
    { ML_OP_softsign, softsign },
    { ML_OP_clamp, identity },
    { ML_OP_nan_to_num, nan_to_num },
    { ML_OP_isnan, is_nan },
    { ML_OP_isinf, is_inf },
    { ML_OP_isfinite, is_finite },
    { ML_OP_logical_not, logical_not },
};

static double add(double x, double y) { return x + y; }
static double sub(double x, double y) { return x - y; }
static double mul(double x, double y) { return x * y; }
static double quotient(double x, double y) { return x / y; }
static double larger(double x, double y) { return isnan(x) || isnan(y) ? NAN : x > y ? x : y; }
static double smaller(double x, double y) { return isnan(x) || isnan(y) ? NAN : x < y ? x : y; }
static double eq(double x, double y) { return x == y; }
static double ne(double x, double y) { return x != y; }
static double lt(double x, double y) { return x < y; }
static double le(double x, double y) { return x <= y; }
static double gt(double x, double y) { return x > y; }
static double ge(double x, double y) { return x >= y; }
static double both(double x, double y) { return x != 0 && y != 0; }
static double either(double x, double y) { return x != 0 || y != 0; }
static double one_of(double x, double y) { return (x != 0) != (y != 0); }
static double modulo(double x, double y) /* as lua.org's manual has it for floats */
{
    double m = fmod(x, y);
    return m * y < 0 ? m + y : m;
}
static double logaddexp(double x, double y) { return x == y ? x + log(2) : larger(x, y) + log1p(exp(-fabs(x - y))); }

/* Its terms may cancel: what their roundings come from. */
static double scale_of_logaddexp(double x, double y)
{
    double far = fabs(x - y), scale = fabs(larger(x, y)) + far * exp(-far);
    return isfinite(scale) ? scale : 0;
}

static const struct {
    int id;
    double (*f)(double, double);
} binary[] = {
    { ML_OP_add, add }, { ML_OP_sub, sub },        { ML_OP_mul, mul },         { ML_OP_div, quotient },
    { ML_OP_pow, pow }, { ML_OP_maximum, larger }, { ML_OP_minimum, smaller }, { ML_OP_eq, eq },
    { ML_OP_ne, ne },   { ML_OP_lt, lt },          { ML_OP_le, le },           { ML_OP_gt, gt },
    { ML_OP_ge, ge },   { ML_OP_logical_and, both }, { ML_OP_logical_or, either }, { ML_OP_logical_xor, one_of },
    { ML_OP_remainder, modulo }, { ML_OP_hypot, hypot }, { ML_OP_atan2, atan2 }, { ML_OP_logaddexp, logaddexp },
};

static double apply(int id, double x, double y, bool *known)
{
    *known = true;
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++)
        if (unary[i].id == id) return unary[i].f(x);
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++)
        if (binary[i].id == id) return binary[i].f(x, y);
    *known = false;
    return 0;
}

/* Equal, or near for the precision: a few units in the last place, or in the last place of the denormals. The sign of a
 * zero counts. */
static bool near(double got, double wanted, double scale, bool f32)
{
    if (isnan(wanted)) return isnan(got);
    if (f32) wanted = (double)(float)wanted;
    if (wanted == 0 && got == 0) return signbit(wanted) == signbit(got);
    if (isinf(wanted)) return got == wanted;
    scale = fmax(scale, fabs(wanted));
    return fabs(got - wanted) <= (f32 ? scale * 4 * FLT_EPSILON + 2 * 0x1p-149 : scale * 4 * DBL_EPSILON + 2 * 0x1p-1074);
}

static bool pointwise(const ml_op *op, const ml_op_info *info)
{
    return op->kind == ML_POINTWISE && info->n_in <= 2;
}

/* The inputs: every value, for two inputs every pair. */
static void make_inputs(int n_in, ml_dtype dtype, ml_tensor *in[2])
{
    ml_tensor *all = ml_empty(ML_SHAPE(N), dtype);
    ml_copy_into(all, ml_from(ML_SHAPE(N), ML_F64, values));
    in[0] = n_in == 1 ? all : ml_clone(mli_view(all, ML_SHAPE(N, N), (int64_t[]){ 1, 0 }, 0));
    in[1] = n_in == 1 ? NULL : ml_clone(mli_view(all, ML_SHAPE(N, N), (int64_t[]){ 0, 1 }, 0));
}

ParameterizedTestParameters(special, values_are_those_of_libm) { return groups_where(pointwise); }
ParameterizedTest(group *g, special, values_are_those_of_libm)
{
    if (under_valgrind()) cr_skip_test("valgrind computes long double as double: no reference");
    trial t;
    FOR_EACH_OP(g, t)
    for (int f32 = 0; f32 < 2; f32++) {
        ml_tensor *in[2];
        in_f32 = f32;
        make_inputs(t.n_in, f32 ? ML_F32 : ML_F64, in);
        ml_tensor *y = ml_op_apply(t.id, in, t.n_in, NULL);
        if (!expect(y, "%s", t.name)) continue;
        double *a = values_of(in[0]), *b = in[1] ? values_of(in[1]) : a, *got = values_of(y);
        for (int64_t k = 0; k < ml_tensor_numel(y); k++) {
            bool   known;
            double wanted = apply(t.id, a[k], b[k], &known);
            cr_assert(known, "%s has no reference: add it to the lists of this file", t.name);
            double scale = t.id == ML_OP_logaddexp ? scale_of_logaddexp(a[k], b[k]) : 0;
            expect(near(got[k], wanted, scale, f32), "%s of %g%s%g in %s is %.9g, not %.9g", t.name, a[k],
                   t.n_in > 1 ? ", " : " = ", b[k], f32 ? "f32" : "f64", got[k], wanted);
        }
        if (in[1]) free(b);
        free(a);
        free(got);
    }
}

/* Where the value is a number, so is the slope: a zero slope times an infinite intermediate must not become NaN. */
static bool has_slope_everywhere(const ml_op *op, const ml_op_info *info)
{
    return op->kind == ML_POINTWISE && !(op->flags & ML_NOGRAD) && info->n_in == 1;
}
ParameterizedTestParameters(special, slopes_are_numbers_where_values_are)
{
    return groups_where(has_slope_everywhere);
}
ParameterizedTest(group *g, special, slopes_are_numbers_where_values_are)
{
    trial t;
    FOR_EACH_OP(g, t)
    for (int f32 = 0; f32 < 2; f32++) {
        for (int create = 0; create < 2; create++) {
            ml_tensor *in[2];
            make_inputs(1, f32 ? ML_F32 : ML_F64, in);
            run     r = trial_run(&t, in, ALL, ml_ones(ML_SHAPE(N), f32 ? ML_F32 : ML_F64), create);
            double *y = values_of(r.y), *dx = values_of(r.dx[0]);
            for (int k = 0; k < N; k++)
                expect(!isnan(dx[k]) || isnan(y[k]), "%s of %g is %g, its slope %g (%s, %s rule)", t.name,
                       values[k], y[k], dx[k], f32 ? "f32" : "f64", create ? "recorded" : "direct");
            free(y);
            free(dx);
        }
    }
}

/* --- facts about the others ------------------------------------------------------------------------------------------ */
#define ROW(...)                                                                                             \
    ml_from(ML_SHAPE((int64_t)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double))), ML_F64,                 \
            (double[]){ __VA_ARGS__ })

/* The same in f32 and f64. */
#define BOTH(x, CALL, ...)                                                                              \
    for (int f32 = 0; f32 < 2; f32++) {                                                                 \
        ml_tensor *x64 = x, *r = ml_cast(x64, &(ml_cast_opts){ f32 ? ML_F32 : ML_F64 });                \
        expect_close(CALL, ROW(__VA_ARGS__), f32 ? 1e-6 : 1e-14, "%s in %s", #CALL, f32 ? "f32" : "f64"); \
    }
static ml_tensor *one(ml_tensor *x) { return ml_reshape(x, &(ml_reshape_opts){ { 1, { 1 } } }); }

Test(special, softmax_rows)
{
    BOTH(ROW(-INFINITY, 0), ml_softmax(r, NULL), 0, 1)
    BOTH(ROW(1000, 1000, -1000), ml_softmax(r, NULL), 0.5, 0.5, 0)
    BOTH(ROW(1e30, -1e30), ml_softmax(r, NULL), 1, 0)
    BOTH(ROW(-1e30, -1e30), ml_softmax(r, NULL), 0.5, 0.5)
    BOTH(ROW(NAN, 1, 2), ml_softmax(r, NULL), NAN, NAN, NAN)
    BOTH(ROW(1, 2, NAN), ml_softmax(r, NULL), NAN, NAN, NAN)
    BOTH(ROW(-INFINITY, -INFINITY), ml_softmax(r, NULL), NAN, NAN)
    BOTH(ROW(3), ml_softmax(r, NULL), 1)
    BOTH(ROW(1000, 0), ml_log_softmax(r, NULL), 0, -1000)
    BOTH(ROW(0, -INFINITY), ml_log_softmax(r, NULL), 0, -INFINITY)
    BOTH(ROW(NAN, 0), ml_log_softmax(r, NULL), NAN, NAN)
}

Test(special, logsumexp_rows)
{
    BOTH(ROW(1000, 1000), one(ml_logsumexp(r, NULL)), 1000 + log(2))
    BOTH(ROW(-1000, -1000), one(ml_logsumexp(r, NULL)), -1000 + log(2))
    BOTH(ROW(-INFINITY, -INFINITY), one(ml_logsumexp(r, NULL)), -INFINITY)
    BOTH(ROW(INFINITY, 1), one(ml_logsumexp(r, NULL)), INFINITY)
    BOTH(ROW(-INFINITY, 5), one(ml_logsumexp(r, NULL)), 5)
    BOTH(ROW(1, NAN), one(ml_logsumexp(r, NULL)), NAN)
}

Test(special, losses_of_confident_rows)
{
    for (int label = 0; label < 2; label++) {
        ml_tensor *labels = ml_full(ML_SHAPE(1), ML_I64, label);
        for (int f32 = 0; f32 < 2; f32++) {
            ml_tensor *x =
                ml_requires_grad(ml_cast(ml_reshape(ROW(1000, -1000), &(ml_reshape_opts){ { 2, { 1, 2 } } }),
                                         &(ml_cast_opts){ f32 ? ML_F32 : ML_F64 }),
                                 true);
            ml_tensor *y = ml_cross_entropy(x, labels, NULL);
            expect(ml_item(y) == (label ? 2000 : 0), "label %d costs %g", label, ml_item(y));
            expect(ml_backward(y, NULL), "backward");
            double g = ml_tensor_at(ml_tensor_grad(x), (int64_t[]){ 0, 0 });
            expect(g == label, "and has the slope %g", g);
        }
    }
}

Test(special, extremes_see_nan)
{
    BOTH(ROW(1, NAN, 3), one(ml_max(r, NULL)), NAN)
    BOTH(ROW(NAN, 1), one(ml_min(r, NULL)), NAN)
    BOTH(ROW(1, NAN, NAN), one(ml_argmax(r, NULL)), 1)
    BOTH(ROW(-INFINITY, -INFINITY), one(ml_max(r, NULL)), -INFINITY)
    BOTH(ROW(-INFINITY, -INFINITY), one(ml_argmax(r, NULL)), 0)
    BOTH(ROW(2, INFINITY, INFINITY), one(ml_argmax(r, NULL)), 1)
    BOTH(ROW(0, -0.0, 0), one(ml_argmin(r, NULL)), 0)
}

Test(special, sums)
{
    BOTH(ROW(INFINITY, 1), one(ml_sum(r, NULL)), INFINITY)
    BOTH(ROW(INFINITY, -INFINITY), one(ml_sum(r, NULL)), NAN)
    BOTH(ROW(1, NAN), one(ml_mean(r, NULL)), NAN)
    ml_tensor *ones = ml_ones(ML_SHAPE(20000000), ML_F32); /* beyond 2^24 a naive f32 sum stands still */
    expect(ml_item(ml_sum(ones, NULL)) == 20000000, "20 million ones are %.1f", ml_item(ml_sum(ones, NULL)));
    ml_tensor *tenths = ml_full(ML_SHAPE(1000000), ML_F32, 0.1);
    expect(ml_item(ml_mean(tenths, NULL)) == (double)0.1f, "the mean of 0.1f is %.10f", ml_item(ml_mean(tenths, NULL)));
    ml_tensor *means = ml_mean(ml_full(ML_SHAPE(1000, 1000), ML_F32, 0.1), &(ml_mean_opts){ .dims = ML_DIMS(0) });
    expect(fabs(ml_tensor_at(means, (int64_t[]){ 7 }) - (double)0.1f) < 1e-8, "the mean of a column of 0.1f is %.10f",
           ml_tensor_at(means, (int64_t[]){ 7 }));
    ml_tensor *column = ml_sum_dim(ml_ones(ML_SHAPE(20000000, 1), ML_F32), 0, false);
    expect(ml_item(column) == 20000000, "20 million rows of one are %.1f", ml_item(column));
}

/* What does not fit an integer becomes the nearest that does, NaN becomes 0: by every way into a tensor. */
Test(special, numbers_become_integers)
{
    static const struct {
        double  number;
        int64_t i64;
        uint8_t u8;
    } cases[] = {
        { NAN, 0, 0 },          { INFINITY, INT64_MAX, 255 }, { -INFINITY, INT64_MIN, 0 }, { 1e30, INT64_MAX, 255 }, { -1e30, INT64_MIN, 0 },
        { 0x1p63, INT64_MAX, 255 }, { -0x1p63, INT64_MIN, 0 }, { 0x1p62, (int64_t)1 << 62, 255 }, { 255.9, 255, 255 }, { 256, 256, 255 },
        { -0.9, 0, 0 },         { -3.7, -3, 0 },              { 3.7, 3, 3 },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (int to = 0; to < 2; to++) {
            ml_dtype   dtype = to ? ML_U8 : ML_I64;
            ml_tensor *set = ml_zeros(ML_SHAPE(1), dtype), *made[4];
            ml_tensor_set_at(set, (int64_t[]){ 0 }, cases[k].number);
            made[0] = set;
            made[1] = ml_full(ML_SHAPE(1), dtype, cases[k].number);
            for (int f32 = 0; f32 < 2; f32++)
                made[2 + f32] = ml_cast(ml_full(ML_SHAPE(1), f32 ? ML_F32 : ML_F64, cases[k].number), &(ml_cast_opts){ dtype });
            for (int way = 0; way < 4; way++) {
                const void *v = ml_tensor_data(made[way]);
                if (way == 3 && cases[k].number == 255.9) continue; /* which is 255.899994 in f32, and fits */
                expect(to ? *(const uint8_t *)v == cases[k].u8 : *(const int64_t *)v == cases[k].i64, "%g as %s, way %d", cases[k].number,
                       ml_dtype_name(dtype), way);
            }
        }
    }
    static const int64_t wide[] = { -1, 256, 511 };
    const uint8_t       *low    = ml_tensor_data(ml_cast(ml_from(ML_SHAPE(3), ML_I64, wide), &(ml_cast_opts){ ML_U8 }));
    expect(low[0] == 255 && low[1] == 0 && low[2] == 255, "integers keep their low bits");
}

Test(special, norms_at_zero_and_products_of_zeros)
{
    static const double ps[] = { 0, 0.5, 1, 2, 3, INFINITY };
    for (size_t i = 0; i < sizeof ps / sizeof *ps; i++) {
        ml_tensor *x = ml_requires_grad(ml_zeros(ML_SHAPE(3), ML_F64), true);
        expect(ml_backward(ml_norm(x, &(ml_norm_opts){ .p = ps[i] }), NULL), "norm %g at 0", ps[i]);
        ml_tensor *g = ml_tensor_grad(x); /* none: nothing depends on x for p = 0 */
        if (g) expect_close(g, ml_zeros(ML_SHAPE(3), ML_F64), 0, "the slope of norm %g at 0", ps[i]);
    }
    BOTH(ROW(3, 4), one(ml_norm(r, NULL)), 5)
    BOTH(ROW(0, NAN), one(ml_norm(r, NULL)), NAN)
    BOTH(ROW(0, -INFINITY), one(ml_norm(r, NULL)), INFINITY)
    BOTH(ROW(1, 0, 3), one(ml_norm(r, &(ml_norm_opts){ .p = -1 })), 0)
    BOTH(ROW(1e30, 1e30, 1e-30, 1e-30), one(ml_prod(r, NULL)), 1)
    BOTH(ROW(2, 2, 2), one(ml_std(r, NULL)), 0)
    BOTH(ROW(2), one(ml_var(r, &(ml_var_opts){ .correction = 1 })), NAN)
    BOTH(ROW(1, NAN, 2), one(ml_median(r, &(ml_median_opts){ .dim = 0 })), NAN)
    BOTH(ROW(1, NAN, 2), one(ml_kthvalue(r, &(ml_kthvalue_opts){ .k = 2, .dim = 0 })), 2)
    BOTH(ROW(-INFINITY, 5, INFINITY), one(ml_quantile(r, &(ml_quantile_opts){ .q = 0.5, .dim = 0 })), 5)
    BOTH(ROW(1, 0, 4, 0, 2), ml_cumprod(r, &(ml_cumprod_opts){ 0 }), 1, 0, 0, 0, 0)
}

Test(special, integers)
{
    ml_tensor *a = ml_from(ML_SHAPE(6), ML_I64, (int64_t[]){ 7, -7, 7, -7, INT64_MIN, 6 }),
              *b = ml_from(ML_SHAPE(6), ML_I64, (int64_t[]){ 2, 2, -2, -2, -1, 3 });
    const int64_t *q = ml_tensor_data(ml_div(a, b));
    static const int64_t wanted[] = { 3, -4, -4, 3, INT64_MIN, 2 };
    for (int i = 0; i < 6; i++) expect(q[i] == wanted[i], "quotient %d is %lld", i, (long long)q[i]);
    expect(!ml_div(a, ml_zeros(ML_SHAPE(6), ML_I64)), "divided by zero");
    expect_message("div", "integers by zero");
    expect(!ml_pow(b, ml_full(ML_SHAPE(6), ML_I64, -1)), "an integer to a negative power");
    expect_message("pow", "a negative power");
    expect(*(const int64_t *)ml_tensor_data(ml_neg(ml_full(ML_SHAPE(1), ML_I64, -5))) == 5, "-(-5)");
    const int64_t *p = ml_tensor_data(ml_pow(b, ml_full(ML_SHAPE(6), ML_I64, 3)));
    expect(p[0] == 8 && p[2] == -8 && p[4] == -1 && p[5] == 27, "cubes");
    int64_t big = (int64_t)1 << 62;
    const int64_t *s =
        ml_tensor_data(ml_add(ml_from(ML_SHAPE(1), ML_I64, &big), ml_from(ML_SHAPE(1), ML_I64, &big)));
    expect(s[0] == INT64_MIN, "integers wrap around");
    expect(ml_item(ml_sum(ml_ones(ML_SHAPE(1000), ML_BOOL), NULL)) == 1000, "trues are counted: %g",
           ml_item(ml_sum(ml_ones(ML_SHAPE(1000), ML_BOOL), NULL)));
    expect(ml_item(ml_sum(ml_full(ML_SHAPE(1000), ML_U8, 200), NULL)) == 200000,
           "a sum of u8 does not wrap at 256");
    expect(ml_item(ml_mean(ml_ones(ML_SHAPE(4), ML_BOOL), NULL)) == 1, "the mean of bools is a number");
}
