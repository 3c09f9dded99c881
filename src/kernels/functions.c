/* Maps of elementary functions: f32 by vmath.h where it has them, else by libm; f64 by libm. */
#include "kernels/loops.h"
#include "kernels/vmath.h"

#include <math.h>

/* --- exponentials and logarithms ------------------------------------------------------------------------------------- */
LOOP1(exp_f32, float, vexp(x))               LOOP1(exp_f64, double, exp(x))
LOOP1(exp2_f32, float, vexp2(x))             LOOP1(exp2_f64, double, exp2(x))
LOOP1(expm1_f32, float, vexpm1(x))           LOOP1(expm1_f64, double, expm1(x))
LOOP1(log_f32, float, vlog(x))               LOOP1(log_f64, double, log(x))
LOOP1(log2_f32, float, vlog2(x))             LOOP1(log2_f64, double, log2(x))
LOOP1(log10_f32, float, vlog10(x))           LOOP1(log10_f64, double, log10(x))
LOOP1(log1p_f32, float, vlog1p(x))           LOOP1(log1p_f64, double, log1p(x))

/* max + log(1 + e^-|a - b|); equal infinities have no difference */
static inline float logaddexp32(float a, float b)
{
    float far = a == b ? 0.0f : fabsf(a - b), high = a > b ? a : b;
    return (a != a ? a : high) + vsoftplus(-far);
}

static inline double logaddexp64(double a, double b)
{
    double far = a == b ? 0 : fabs(a - b), high = a > b ? a : b;
    return (a != a ? a : high) + log1p(exp(-far));
}
LOOP2(logaddexp_f32, float, logaddexp32(a, b)) LOOP2(logaddexp_f64, double, logaddexp64(a, b))

/* Where a block has arguments far from 0, these go to libm one by one. */
#define NEAR1(name, NEAR, LIBM)                                                                      \
    static void name(int64_t n, const void *vx, void *vy)                                            \
    {                                                                                                \
        const float *xs = vx;                                                                        \
        float       *ys = vy;                                                                        \
        for (int64_t from = 0; from < n; from += 256, xs += 256, ys += 256) {                        \
            int64_t count = n - from < 256 ? n - from : 256;                                         \
            int32_t far = 0;                                                                         \
            for (int64_t i = 0; i < count; i++) far |= !(fabsf(xs[i]) <= FAR_FROM_0);                \
            if (!far) {                                                                              \
                for (int64_t i = 0; i < count; i++) { float x = xs[i]; ys[i] = NEAR; }               \
            } else {                                                                                 \
                for (int64_t i = 0; i < count; i++) {                                                \
                    float x = xs[i];                                                                 \
                    ys[i]   = fabsf(x) <= FAR_FROM_0 ? NEAR : LIBM;                                  \
                }                                                                                    \
            }                                                                                        \
        }                                                                                            \
    }

/* --- circular and hyperbolic ------------------------------------------------------------------------------------------ */
NEAR1(sin_f32, vsin(x), sinf(x))              LOOP1(sin_f64, double, sin(x))
NEAR1(cos_f32, vcos(x), cosf(x))              LOOP1(cos_f64, double, cos(x))
NEAR1(tan_f32, vtan(x), tanf(x))             LOOP1(tan_f64, double, tan(x))
LOOP1(asin_f32, float, asinf(x))             LOOP1(asin_f64, double, asin(x))
LOOP1(acos_f32, float, acosf(x))             LOOP1(acos_f64, double, acos(x))
LOOP1(atan_f32, float, atanf(x))             LOOP1(atan_f64, double, atan(x))
LOOP2(atan2_f32, float, atan2f(a, b))        LOOP2(atan2_f64, double, atan2(a, b))
LOOP1(sinh_f32, float, vsinh(x))             LOOP1(sinh_f64, double, sinh(x))
LOOP1(cosh_f32, float, vcosh(x))             LOOP1(cosh_f64, double, cosh(x))
LOOP1(tanh_f32, float, vtanh(x))             LOOP1(tanh_f64, double, tanh(x))
LOOP1(asinh_f32, float, vasinh(x))           LOOP1(asinh_f64, double, asinh(x))
LOOP1(acosh_f32, float, vacosh(x))           LOOP1(acosh_f64, double, acosh(x))
LOOP1(atanh_f32, float, vatanh(x))           LOOP1(atanh_f64, double, atanh(x))

/* squares of f32 do not overflow in f64; an infinite side is longer than a NaN */
static inline float hypot32(float a, float b)
{
    float h = (float)sqrt((double)a * (double)a + (double)b * (double)b);
    return fabsf(a) == INFINITY || fabsf(b) == INFINITY ? INFINITY : h;
}
LOOP2(hypot_f32, float, hypot32(a, b))       LOOP2(hypot_f64, double, hypot(a, b))

/* --- the error function -------------------------------------------------------------------------------------------------- */
LOOP1(erf_f32, float, verf(x))               LOOP1(erf_f64, double, erf(x))
LOOP1(erfc_f32, float, verfc(x))             LOOP1(erfc_f64, double, erfc(x))

/* Winitzki's closed form (2008), good to 2e-3, then Halley's steps for erf(y) = x, each of which triples the digits. In the
 * tails 1 - x is exact and erfc keeps what erf has lost. */
static double inverse_erf(double x)
{
    double a = fabs(x);
    if (!(a < 1)) return a == 1 ? copysign(INFINITY, x) : NAN;
    if (a < 1e-8) return x * 0.88622692545275801365;
    const double k = 0.147, pi = 3.14159265358979323846;
    double l = log1p(-a * a), h = 2 / (pi * k) + l / 2, y = sqrt(sqrt(h * h - l / k) - h);
    for (int step = 0; step < 3; step++) {
        double error = a < 0.5 ? erf(y) - a : (1 - a) - erfc(y);
        double u     = error * 0.88622692545275801365 * exp(y * y);
        y -= u / (1 + u * y);
    }
    return copysign(y, x);
}
LOOP1(erfinv_f32, float, inverse_erf((double)x)) LOOP1(erfinv_f64, double, inverse_erf(x))

/* --- activations: what has vanished for x -> -inf is -0 there, not inf * 0 ------------------------------------------------- */
static inline double sigmoid64(double x)
{
    double z = exp(-fabs(x));
    return (x < 0 ? z : 1) / (1 + z);
}

static inline double softplus64(double x) { return (x > 0 ? x : 0) + (isnan(x) ? x : log1p(exp(-fabs(x)))); }

/* silu and mish of x < -50 are x e^x. e^x alone would be denormal long before that product: e^(x + 40) and a scale. */
#define E_MINUS_40 4.2483542552915889953e-18f
static inline float exp_before(float x, float limit) { return vexp(x < -50 ? x + 40 : x > limit ? limit : x); }

static inline float silu32(float x)
{
    float e = exp_before(x, 80);
    return x < -120 ? -0.0f : x < -50 ? x * e * E_MINUS_40 : x * (e / (1 + e));
}

/* tanh(softplus(x)) = n / (n + 2), n = e^x (e^x + 2) */
static inline float mish32(float x)
{
    float e = exp_before(x, 20), n = e * (e + 2);
    return x < -120 ? -0.0f : x < -50 ? x * e * E_MINUS_40 : x * (n / (n + 2));
}

static inline double exp_before64(double x, double limit) { return exp(x < -700 ? x + 40 : x > limit ? limit : x); }
static double silu64(double x)
{
    double e = exp_before64(x, 40);
    return x < -800 ? -0.0 : x < -700 ? x * e * 4.2483542552915889953e-18 : x * (e / (1 + e));
}

static double mish64(double x)
{
    double e = exp_before64(x, 40), n = e * (e + 2);
    return x < -800 ? -0.0 : x < -700 ? x * e * 4.2483542552915889953e-18 : x * (n / (n + 2));
}

/* x erfc(-x / sqrt 2) / 2. In the tail erfc magnifies the rounding of its argument: the slope times it is taken off. */
static double gelu64(double x)
{
    const double c = -0.70710678118654752440, c_rest = 4.8336466567264567e-17; /* c + c_rest = -1 / sqrt 2 */
    double z = x * c, lost = fma(x, c, -z) + x * c_rest;
    double q = erfc(z) - (z > 0 ? 1.1283791670955125739 * exp(-z * z) * lost : 0);
    return x < -40 ? -0.0 : 0.5 * x * q;
}

#define GELU_BEND(x) ((x) * (1.5957691216057307117 + 0.071354816272600140 * (x) * (x))) /* 2 sqrt(2/pi) (x + 0.044715 x^3) */
static inline float gelu_tanh32(float x)
{
    float s = vsigmoid((float)GELU_BEND((double)x)); /* a large argument of e^: its last place counts */
    return x < -20 ? -0.0f : x * s;
}

static double gelu_tanh64(double x) { return x < -30 ? -0.0 : x * sigmoid64(GELU_BEND(x)); }

LOOP1(sigmoid_f32, float, vsigmoid(x))           LOOP1(sigmoid_f64, double, sigmoid64(x))
LOOP1(softplus_f32, float, vsoftplus(x))         LOOP1(softplus_f64, double, softplus64(x))
LOOP1(log_sigmoid_f32, float, -vsoftplus(-x))    LOOP1(log_sigmoid_f64, double, -softplus64(-x))
LOOP1(gelu_f32, float, vgelu(x))                  LOOP1(gelu_f64, double, gelu64(x))
LOOP1(gelu_tanh_f32, float, gelu_tanh32(x))      LOOP1(gelu_tanh_f64, double, gelu_tanh64(x))
LOOP1(silu_f32, float, silu32(x))                LOOP1(silu_f64, double, silu64(x))
LOOP1(mish_f32, float, mish32(x))                LOOP1(mish_f64, double, mish64(x))
/* 1 - 1 / (1 + |x|) would cancel; inf / inf is avoided by the last finite place before 1 */
LOOP1(softsign_f32, float, fabsf(x) == INFINITY ? copysignf(1, x) : x / (1 + fabsf(x)))
LOOP1(softsign_f64, double, fabs(x) == (double)INFINITY ? copysign(1, x) : x / (1 + fabs(x)))
/* b is the slope, or alpha, of the left side */
LOOP2(leaky_relu_f32, float, a > 0 ? a : a * b)  LOOP2(leaky_relu_f64, double, a > 0 ? a : a * b)
LOOP2(elu_f32, float, a > 0 ? a : b * vexpm1(a)) LOOP2(elu_f64, double, a > 0 ? a : b * expm1(a))

void AT_LEVEL(mlk_fill_functions)(ml_kernels *k)
{
#define SET(f) k->f##_f32 = f##_f32, k->f##_f64 = f##_f64;
    SET(exp) SET(exp2) SET(expm1) SET(log) SET(log2) SET(log10) SET(log1p) SET(logaddexp)
    SET(sin) SET(cos) SET(tan) SET(asin) SET(acos) SET(atan) SET(atan2) SET(hypot)
    SET(sinh) SET(cosh) SET(tanh) SET(asinh) SET(acosh) SET(atanh)
    SET(erf) SET(erfc) SET(erfinv)
    SET(sigmoid) SET(softplus) SET(log_sigmoid) SET(gelu) SET(gelu_tanh) SET(silu) SET(mish) SET(softsign) SET(leaky_relu) SET(elu)
}
