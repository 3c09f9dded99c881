/* Maps: one loop a function and dtype. */
#include "kernels/level.h"
#include "kernels/vmath.h"

#include <math.h>

/* --- one input ----------------------------------------------------------------------------------------------------- */
#define LOOP1(name, T, EXPR)                                                   \
    static void name(int64_t n, const void *vx, void *vy)                      \
    {                                                                          \
        const T *xs = vx;                                                      \
        T       *ys = vy;                                                      \
        for (int64_t i = 0; i < n; i++) {                                      \
            T x   = xs[i];                                                     \
            ys[i] = (T)(EXPR);                                                 \
        }                                                                      \
    }

LOOP1(exp_f32, float, vexp(x))               LOOP1(exp_f64, double, exp(x))
LOOP1(expm1_f32, float, vexpm1(x))           LOOP1(expm1_f64, double, expm1(x))
LOOP1(log_f32, float, vlog(x))               LOOP1(log_f64, double, log(x))
LOOP1(log1p_f32, float, vlog1p(x))           LOOP1(log1p_f64, double, log1p(x))
LOOP1(sqrt_f32, float, sqrtf(x))             LOOP1(sqrt_f64, double, sqrt(x))
LOOP1(rsqrt_f32, float, 1 / sqrtf(x))        LOOP1(rsqrt_f64, double, 1 / sqrt(x))
LOOP1(reciprocal_f32, float, 1 / x)          LOOP1(reciprocal_f64, double, 1 / x)
LOOP1(sin_f32, float, sinf(x))               LOOP1(sin_f64, double, sin(x))
LOOP1(cos_f32, float, cosf(x))               LOOP1(cos_f64, double, cos(x))
LOOP1(tanh_f32, float, vtanh(x))             LOOP1(tanh_f64, double, tanh(x))
LOOP1(sigmoid_f32, float, vsigmoid(x))
LOOP1(erf_f32, float, erff(x))               LOOP1(erf_f64, double, erf(x))
LOOP1(softplus_f32, float, vsoftplus(x))
LOOP1(floor_f32, float, floorf(x))           LOOP1(floor_f64, double, floor(x))
LOOP1(ceil_f32, float, ceilf(x))             LOOP1(ceil_f64, double, ceil(x))
LOOP1(round_f32, float, rintf(x))            LOOP1(round_f64, double, rint(x))

static double sigmoid64(double x)
{
    double z = exp(-fabs(x));
    return x < 0 ? z / (1 + z) : 1 / (1 + z);
}
LOOP1(sigmoid_f64, double, sigmoid64(x))
LOOP1(softplus_f64, double, (x > 0 ? x : 0) + (isnan(x) ? x : log1p(exp(-fabs(x)))))

/* Integers wrap around, as in NumPy. */
#define WRAP(expr) (int64_t)(expr)
#define U(x)       (uint64_t)(x)
LOOP1(neg_f32, float, -x)                     LOOP1(neg_f64, double, -x)                   LOOP1(neg_i64, int64_t, WRAP(-U(x)))
LOOP1(abs_f32, float, fabsf(x))               LOOP1(abs_f64, double, fabs(x))              LOOP1(abs_i64, int64_t, WRAP(x < 0 ? -U(x) : U(x)))
LOOP1(square_f32, float, x * x)               LOOP1(square_f64, double, x * x)             LOOP1(square_i64, int64_t, WRAP(U(x) * U(x)))
LOOP1(sign_f32, float, x > 0 ? 1 : x < 0 ? -1 : x) LOOP1(sign_f64, double, x > 0 ? 1 : x < 0 ? -1 : x) LOOP1(sign_i64, int64_t, (x > 0) - (x < 0))
/* x < 0 ? 0 : x lets NaN through, which x > 0 ? x : 0 would hide */
LOOP1(relu_f32, float, x < 0 ? 0 : x)         LOOP1(relu_f64, double, x < 0 ? 0 : x)       LOOP1(relu_i64, int64_t, x < 0 ? 0 : x)
LOOP1(step_f32, float, x > 0 ? 1.0f : 0.0f)   LOOP1(step_f64, double, x > 0 ? 1.0 : 0.0)   LOOP1(step_i64, int64_t, x > 0)

/* --- two inputs ----------------------------------------------------------------------------------------------------- */
/* The three cases of steps get a loop each, so that each becomes vector code. */
#define LOOP2_AS(name, T, R, EXPR)                                                                     \
    static void name(int64_t n, const void *va, int sa, const void *vb, int sb, void *vy)              \
    {                                                                                                  \
        const T *as = va, *bs = vb;                                                                    \
        R       *ys = vy;                                                                              \
        if (sa && sb) {                                                                                \
            for (int64_t i = 0; i < n; i++) { T a = as[i], b = bs[i]; ys[i] = (R)(EXPR); }              \
        } else if (sa) {                                                                               \
            const T b = n ? bs[0] : 0;                                                                 \
            for (int64_t i = 0; i < n; i++) { T a = as[i]; ys[i] = (R)(EXPR); }                         \
        } else if (sb) {                                                                               \
            const T a = n ? as[0] : 0;                                                                 \
            for (int64_t i = 0; i < n; i++) { T b = bs[i]; ys[i] = (R)(EXPR); }                         \
        } else {                                                                                       \
            const T a = n ? as[0] : 0, b = n ? bs[0] : 0;                                              \
            for (int64_t i = 0; i < n; i++) ys[i] = (R)(EXPR);                                         \
        }                                                                                              \
    }
#define LOOP2(name, T, EXPR) LOOP2_AS(name, T, T, EXPR)

static int64_t floor_div(int64_t a, int64_t b) /* 0 for b = 0: the operation refuses it before */
{
    if (b == 0) return 0;
    if (b == -1) return WRAP(-U(a)); /* the one quotient that overflows */
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t power(int64_t a, int64_t b) /* 0 for b < 0: the operation refuses it before */
{
    uint64_t y = 1, x = U(a);
    if (b < 0) return 0;
    for (; b; b >>= 1, x *= x)
        if (b & 1) y *= x;
    return WRAP(y);
}

LOOP2(add_f32, float, a + b)       LOOP2(add_f64, double, a + b)      LOOP2(add_i64, int64_t, WRAP(U(a) + U(b)))
LOOP2(sub_f32, float, a - b)       LOOP2(sub_f64, double, a - b)      LOOP2(sub_i64, int64_t, WRAP(U(a) - U(b)))
LOOP2(mul_f32, float, a * b)       LOOP2(mul_f64, double, a * b)      LOOP2(mul_i64, int64_t, WRAP(U(a) * U(b)))
LOOP2(div_f32, float, a / b)       LOOP2(div_f64, double, a / b)      LOOP2(div_i64, int64_t, floor_div(a, b))
LOOP2(pow_f32, float, powf(a, b))  LOOP2(pow_f64, double, pow(a, b))  LOOP2(pow_i64, int64_t, power(a, b))
/* NaN on either side wins, as in NumPy */
#define MAXIMUM (a > b || a != a ? a : b)
#define MINIMUM (a < b || a != a ? a : b)
LOOP2(maximum_f32, float, MAXIMUM) LOOP2(maximum_f64, double, MAXIMUM) LOOP2(maximum_i64, int64_t, a > b ? a : b)
LOOP2(minimum_f32, float, MINIMUM) LOOP2(minimum_f64, double, MINIMUM) LOOP2(minimum_i64, int64_t, a < b ? a : b)

#define COMPARE(name, EXPR)                         \
    LOOP2_AS(name##_f32, float, uint8_t, EXPR)      \
    LOOP2_AS(name##_f64, double, uint8_t, EXPR)     \
    LOOP2_AS(name##_i64, int64_t, uint8_t, EXPR)
COMPARE(eq, a == b)
COMPARE(ne, a != b)
COMPARE(lt, a < b)
COMPARE(le, a <= b)
COMPARE(gt, a > b)
COMPARE(ge, a >= b)

/* dx from dy = a and the output y = b. A product with 0 would turn an infinite dy into NaN, hence the selection. */
LOOP2(relu_dx_f32, float, b > 0 ? a : 0)          LOOP2(relu_dx_f64, double, b > 0 ? a : 0)
LOOP2(tanh_dx_f32, float, a * ((1 - b) * (1 + b))) LOOP2(tanh_dx_f64, double, a * ((1 - b) * (1 + b))) /* 1 - y*y cancels near 1 */
LOOP2(sigmoid_dx_f32, float, a * (b * (1 - b)))   LOOP2(sigmoid_dx_f64, double, a * (b * (1 - b)))

/* --- three inputs --------------------------------------------------------------------------------------------------- */
#define WHERE(name, T)                                                                                       \
    static void name(int64_t n, const void *vc, int sc, const void *va, int sa, const void *vb, int sb, void *vy) \
    {                                                                                                        \
        const uint8_t *cs = vc;                                                                              \
        const T       *as = va, *bs = vb;                                                                    \
        T             *ys = vy;                                                                              \
        if (sc && sa && sb) {                                                                                \
            for (int64_t i = 0; i < n; i++) ys[i] = cs[i] ? as[i] : bs[i];                                   \
        } else {                                                                                             \
            for (int64_t i = 0; i < n; i++) ys[i] = cs[i * sc] ? as[i * sa] : bs[i * sb];                    \
        }                                                                                                    \
    }
WHERE(where_1, uint8_t)
WHERE(where_4, uint32_t)
WHERE(where_8, uint64_t)

void AT_LEVEL(mlk_fill_pointwise)(ml_kernels *k)
{
#define SET_FLOAT(f) k->f##_f32 = f##_f32, k->f##_f64 = f##_f64;
#define SET_ANY(f)   SET_FLOAT(f) k->f##_i64 = f##_i64;
    MLK_MAP1_FLOAT(SET_FLOAT)
    MLK_MAP1_ANY(SET_ANY)
    MLK_MAP2_ANY(SET_ANY)
    MLK_COMPARE(SET_ANY)
    MLK_SLOPE(SET_FLOAT)
    k->where_1 = where_1;
    k->where_4 = where_4;
    k->where_8 = where_8;
}
