/* Maps of simple arithmetic: one loop a function and dtype. What needs a series is in functions.c. */
#include "kernels/loops.h"
#include "kernels/vmath.h"

#include <math.h>

/* --- one input ----------------------------------------------------------------------------------------------------- */
LOOP1(sqrt_f32, float, sqrtf(x))             LOOP1(sqrt_f64, double, sqrt(x))
LOOP1(rsqrt_f32, float, 1 / sqrtf(x))        LOOP1(rsqrt_f64, double, 1 / sqrt(x))
LOOP1(reciprocal_f32, float, 1 / x)          LOOP1(reciprocal_f64, double, 1 / x)
LOOP1(floor_f32, float, floorf(x))           LOOP1(floor_f64, double, floor(x))
LOOP1(ceil_f32, float, ceilf(x))             LOOP1(ceil_f64, double, ceil(x))
LOOP1(round_f32, float, rintf(x))            LOOP1(round_f64, double, rint(x))
LOOP1(trunc_f32, float, truncf(x))           LOOP1(trunc_f64, double, trunc(x))
LOOP1(frac_f32, float, x - truncf(x))        LOOP1(frac_f64, double, x - trunc(x))

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

#define TEST(name, FLOAT, INTEGER)                    \
    LOOP1_AS(name##_f32, float, uint8_t, FLOAT)       \
    LOOP1_AS(name##_f64, double, uint8_t, FLOAT)      \
    LOOP1_AS(name##_i64, int64_t, uint8_t, INTEGER)   \
    LOOP1_AS(name##_u8, uint8_t, uint8_t, INTEGER)
TEST(isnan, x != x, 0 * x) /* an integer is neither */
TEST(isinf, x == INFINITY || x == -INFINITY, 0 * x)
TEST(isfinite, x - x == 0, 0 * x + 1) /* inf - inf and NaN - NaN are NaN */
TEST(logical_not, x == 0, x == 0)

/* --- two inputs ----------------------------------------------------------------------------------------------------- */
static int64_t floor_div(int64_t a, int64_t b) /* 0 for b = 0: the operation refuses it before */
{
    if (b == 0) return 0;
    if (b == -1) return WRAP(-U(a)); /* the one quotient that overflows */
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t floor_mod(int64_t a, int64_t b) /* the sign of b; 0 for b = 0, as above */
{
    if (b == 0 || b == -1) return 0;
    int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

#define FLOOR_MOD(T, S, FMOD)                               \
    static T floor_mod_##S(T a, T b)                        \
    {                                                       \
        T r = FMOD(a, b);                                   \
        return r != 0 && (r < 0) != (b < 0) ? r + b : r;    \
    }
FLOOR_MOD(float, f32, fmodf)
FLOOR_MOD(double, f64, fmod)

static int64_t power(int64_t a, int64_t b) /* 0 for b < 0: the operation refuses it before */
{
    uint64_t y = 1, x = U(a);
    if (b < 0) return 0;
    for (; b; b >>= 1, x *= x)
        if (b & 1) y *= x;
    return WRAP(y);
}

#if defined(__AVX2__)
#define POW32 vpow
#else
#define POW32 powf /* two lanes of f64 without a selection are slower */
#endif
LOOP2(add_f32, float, a + b)       LOOP2(add_f64, double, a + b)      LOOP2(add_i64, int64_t, WRAP(U(a) + U(b)))
LOOP2(sub_f32, float, a - b)       LOOP2(sub_f64, double, a - b)      LOOP2(sub_i64, int64_t, WRAP(U(a) - U(b)))
LOOP2(mul_f32, float, a * b)       LOOP2(mul_f64, double, a * b)      LOOP2(mul_i64, int64_t, WRAP(U(a) * U(b)))
LOOP2(div_f32, float, a / b)       LOOP2(div_f64, double, a / b)      LOOP2(div_i64, int64_t, floor_div(a, b))
LOOP2(pow_f32, float, POW32(a, b)) LOOP2(pow_f64, double, pow(a, b))  LOOP2(pow_i64, int64_t, power(a, b))
LOOP2(remainder_f32, float, floor_mod_f32(a, b)) LOOP2(remainder_f64, double, floor_mod_f64(a, b)) LOOP2(remainder_i64, int64_t, floor_mod(a, b))
/* NaN on either side wins, as in NumPy */
#define MAXIMUM (a > b || a != a ? a : b)
#define MINIMUM (a < b || a != a ? a : b)
LOOP2(maximum_f32, float, MAXIMUM) LOOP2(maximum_f64, double, MAXIMUM) LOOP2(maximum_i64, int64_t, a > b ? a : b)
LOOP2(minimum_f32, float, MINIMUM) LOOP2(minimum_f64, double, MINIMUM) LOOP2(minimum_i64, int64_t, a < b ? a : b)

#define COMPARE(name, EXPR)                         \
    LOOP2_AS(name##_f32, float, uint8_t, EXPR)      \
    LOOP2_AS(name##_f64, double, uint8_t, EXPR)     \
    LOOP2_AS(name##_i64, int64_t, uint8_t, EXPR)    \
    LOOP2_AS(name##_u8, uint8_t, uint8_t, EXPR)
COMPARE(eq, a == b)
COMPARE(ne, a != b)
COMPARE(lt, a < b)
COMPARE(le, a <= b)
COMPARE(gt, a > b)
COMPARE(ge, a >= b)
COMPARE(logical_and, (a != 0) & (b != 0))
COMPARE(logical_or, (a != 0) | (b != 0))
COMPARE(logical_xor, (a != 0) ^ (b != 0))

/* dx from dy = a and the output y = b. A product with 0 would turn an infinite dy into NaN, hence the selection. */
LOOP2(relu_dx_f32, float, b > 0 ? a : 0)          LOOP2(relu_dx_f64, double, b > 0 ? a : 0)
LOOP2(tanh_dx_f32, float, a * ((1 - b) * (1 + b))) LOOP2(tanh_dx_f64, double, a * ((1 - b) * (1 + b))) /* 1 - y*y cancels near 1 */
LOOP2(sigmoid_dx_f32, float, a * (b * (1 - b)))   LOOP2(sigmoid_dx_f64, double, a * (b * (1 - b)))

/* --- three inputs --------------------------------------------------------------------------------------------------- */
#define LOOP3_AS(name, C, T, EXPR)                                                                           \
    static void name(int64_t n, const void *va, int sa, const void *vb, int sb, const void *vc, int sc, void *vy) \
    {                                                                                                        \
        const C *as = va;                                                                                    \
        const T *bs = vb, *cs = vc;                                                                          \
        T       *ys = vy;                                                                                    \
        if (sa && sb && sc) {                                                                                \
            for (int64_t i = 0; i < n; i++) { C a = as[i]; T b = bs[i], c = cs[i]; ys[i] = (T)(EXPR); }       \
        } else if (sa && !sb && !sc) {                                                                       \
            const T b = n ? bs[0] : 0, c = n ? cs[0] : 0;                                                    \
            for (int64_t i = 0; i < n; i++) { C a = as[i]; ys[i] = (T)(EXPR); }                               \
        } else {                                                                                             \
            for (int64_t i = 0; i < n; i++) { C a = as[i * sa]; T b = bs[i * sb], c = cs[i * sc]; ys[i] = (T)(EXPR); } \
        }                                                                                                    \
    }
#define LOOP3(name, T, EXPR) LOOP3_AS(name, T, T, EXPR)
LOOP3_AS(where_1, uint8_t, uint8_t, a ? b : c)
LOOP3_AS(where_4, uint8_t, uint32_t, a ? b : c)
LOOP3_AS(where_8, uint8_t, uint64_t, a ? b : c)
/* NaN comes through; c wins where the bounds cross, as in NumPy */
#define CLAMP(a, b, c) ((a < b ? b : a) > c ? c : (a < b ? b : a))
LOOP3(clamp_f32, float, CLAMP(a, b, c)) LOOP3(clamp_f64, double, CLAMP(a, b, c)) LOOP3(clamp_i64, int64_t, CLAMP(a, b, c))
/* from the nearer end, so that c = 1 gives b exactly */
#define LERP (c < 0.5f ? a + c * (b - a) : b - (b - a) * (1 - c))
LOOP3(lerp_f32, float, LERP) LOOP3(lerp_f64, double, LERP)

/* The same slopes differentiated: a dx that arrives at the slope of b = dy at the output c, for c. */
LOOP3(tanh_bend_f32, float, a * b * (-2 * c))            LOOP3(tanh_bend_f64, double, a * b * (-2 * c))
LOOP3(sigmoid_bend_f32, float, a * b * (1 - 2 * c))      LOOP3(sigmoid_bend_f64, double, a * b * (1 - 2 * c))

void AT_LEVEL(mlk_fill_pointwise)(ml_kernels *k)
{
#define SET_FLOAT(f) k->f##_f32 = f##_f32, k->f##_f64 = f##_f64;
#define SET_ANY(f)   SET_FLOAT(f) k->f##_i64 = f##_i64;
#define SET_ALL(f)   SET_ANY(f) k->f##_u8 = f##_u8;
    SET_FLOAT(sqrt) SET_FLOAT(rsqrt) SET_FLOAT(reciprocal)
    SET_FLOAT(floor) SET_FLOAT(ceil) SET_FLOAT(round) SET_FLOAT(trunc) SET_FLOAT(frac)
    MLK_MAP1_ANY(SET_ANY)
    MLK_MAP2_ANY(SET_ANY)
    MLK_TEST(SET_ALL)
    MLK_COMPARE(SET_ALL)
    MLK_SLOPE(SET_FLOAT)
    SET_ANY(clamp)
    SET_FLOAT(lerp)
    SET_FLOAT(tanh_bend)
    SET_FLOAT(sigmoid_bend)
    k->where_1 = where_1;
    k->where_4 = where_4;
    k->where_8 = where_8;
}
