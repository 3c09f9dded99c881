/* Functions of one f32 without branches or calls, so that a loop over them becomes vector code.
 *
 * Selections (a ? b : c) compute both sides and pick. Bits are moved by unions, never by conversions that could
 * overflow. The coefficients are minimax fits on the reduced intervals (Cephes' for exp and log). Greatest errors in units of the
 * last place against the exact value, over every 101st f32 (tests/c/test_kernels.c does every 4099th), with fused operations (pow: over 12 million pairs):
 *     exp 0.99   exp2 1.02   expm1 1.42   log 0.81   log2 1.66   log10 1.91   log1p 1.23   sin 1.92   cos 1.91   pow 0.54
 *     tanh 2.39  sigmoid 2.22   softplus 1.82   erf 2.01   erfc 3.94   gelu 3.71
 *     tan 3.9    sinh 3.1   cosh 2.4   asinh 1.9   acosh 2.0   atanh 2.1 (every 997th)
 * NaN, infinities, zeros and denormals come out as IEEE says, but results below 2^-126 of exp are rounded once more than they
 * should be. */
#ifndef MLK_VMATH_H
#define MLK_VMATH_H

#include <math.h>
#include <stdint.h>

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define MLK_FUSED /* a * b + c with one rounding is an instruction */
#endif
#define VMATH static inline __attribute__((always_inline)) /* a call in a loop would keep it from becoming vector code */

typedef union {
    float    f;
    uint32_t u;
    int32_t  i;
} mlk_bits;

VMATH float bits_to_float(uint32_t u) { return (mlk_bits){ .u = u }.f; }
VMATH int32_t float_to_bits(float f) { return (mlk_bits){ .f = f }.i; }

/* x = n ln 2 + r, |r| <= ln 2 / 2; n comes as a float and as an integer. Adding 1.5 * 2^23 rounds to an integer. */
VMATH float reduce_exp(float x, int32_t *n, float *n_float)
{
    const float magic = 12582912.0f;
    float t  = x * 1.44269504f + magic;
    *n       = (int32_t)((uint32_t)float_to_bits(t) - 0x4B400000u);
    *n_float = t - magic;
    float r  = x - *n_float * 0.693359375f; /* ln 2 in two parts: the first product is exact */
    return r + *n_float * 2.12194440e-4f;
}

/* e^r - 1 - r over r^2 */
VMATH float exp_tail(float r)
{
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    return p * r + 5.0000001201e-1f;
}

VMATH float power_of_two(int32_t n) { return bits_to_float((uint32_t)(n + 127) << 23); }

VMATH float vexp(float x)
{
    float   limited = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x; /* NaN passes: both comparisons fail */
    int32_t n;
    float   n_float, r = reduce_exp(limited, &n, &n_float);
    float   e    = exp_tail(r) * (r * r) + r + 1.0f;
    int32_t half = n >> 1; /* 2^n in two factors: n may be 128 or -150 */
    return e * power_of_two(half) * power_of_two(n - half);
}

/* e^x for x <= 0: 2^n in one factor, 64 places too large, so that it is never denormal. */
VMATH float exp_scale(float e, int32_t n) { return e * power_of_two(n + 64) * 5.42101086e-20f; }

VMATH float exp_negative(float x)
{
    float   limited = x < -104.0f ? -104.0f : x; /* NaN passes */
    int32_t n;
    float   n_float, r = reduce_exp(limited, &n, &n_float);
    return exp_scale(exp_tail(r) * (r * r) + r + 1.0f, n);
}

VMATH float vexp2(float x)
{
    const float magic = 12582912.0f;
    float   limited = x < -151.0f ? -151.0f : x > 129.0f ? 129.0f : x;
    float   t = limited + magic;
    int32_t n = (int32_t)((uint32_t)float_to_bits(t) - 0x4B400000u), half = n >> 1;
    float   r = (limited - (t - magic)) * 0.693147181f;
    float   e = exp_tail(r) * (r * r) + r + 1.0f;
    return e * power_of_two(half) * power_of_two(n - half);
}

VMATH float vexpm1(float x)
{
    float   limited = x < -50.0f ? -50.0f : x > 89.0f ? 89.0f : x;
    int32_t n;
    float   n_float, r = reduce_exp(limited, &n, &n_float);
    float   p    = exp_tail(r) * (r * r) + r; /* e^r - 1 */
    int32_t half = n >> 1;
    float   s1 = power_of_two(half), s2 = power_of_two(n - half);
    float   y = p * s1 * s2 + (s1 * s2 - 1.0f); /* 2^n (e^r - 1) + (2^n - 1): no cancellation, and exact for tiny x */
    float   big = (p + 1.0f) * s1 * s2;         /* n = 128: 2^n alone would overflow before its time */
    y = limited > 60.0f ? big : y;
    return x == 0.0f ? x : y; /* keeps -0 */
}

/* log of a positive normal m 2^e with m in [sqrt(1/2), sqrt(2)): m - 1 = f; returns log m + e ln 2. */
VMATH float log_of(float f, float e)
{
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    float z = f * f;
    float y = p * f * z;
    y += e * -2.12194440e-4f;
    y -= 0.5f * z;
    return f + y + e * 0.693359375f;
}

/* x = m 2^e: returns m - 1. */
VMATH float split_log(float x, float *e)
{
    float   scaled = x < 1.17549435e-38f ? x * 8388608.0f : x; /* denormals become normal: 2^23 */
    float   shift  = x < 1.17549435e-38f ? -23.0f : 0.0f;
    int32_t bits   = float_to_bits(scaled);
    int32_t up     = (int32_t)((uint32_t)bits - 0x3F3504F3u); /* sqrt(1/2); wraps for -0 */
    int32_t n      = up >> 23;
    *e = (float)n + shift;
    return bits_to_float((uint32_t)bits - ((uint32_t)n << 23)) - 1.0f;
}

VMATH float log_special(float x, float y)
{
    y = x == INFINITY ? INFINITY : y;
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return x != x ? x : y;
}

VMATH float vlog(float x)
{
    float e, f = split_log(x, &e);
    return log_special(x, log_of(f, e));
}

/* log(1 + x) = log(u) + the part of x that rounding u = 1 + x lost, over u (after Kahan). */
VMATH float vlog1p(float x)
{
    float u = 1.0f + x;
    float d = u - 1.0f;
    float lost = (x - d) / u;
    float y = vlog(u) + (u > 3e38f || u <= 0.0f ? 0.0f : lost);
    y = x < 1e-4f && x > -1e-4f ? x - 0.5f * x * x + x * x * x * 0.33333333f : y;
    return x == 0.0f ? x : y;
}

/* log2 x = log2 m + e, and log10 x = log10 m + e log10 2, whose first part has 8 bits, so that its product is exact. */
VMATH float vlog2(float x)
{
    float e, f = split_log(x, &e);
    return log_special(x, log_of(f, 0.0f) * 1.44269504f + e);
}

VMATH float vlog10(float x)
{
    float e, f = split_log(x, &e);
    return log_special(x, log_of(f, 0.0f) * 0.434294482f + e * 2.48745664e-4f + e * 0.30078125f);
}

/* t / (t + 2), t = e^(2|x|) - 1 = 2^n (e^r - 1) + (2^n - 1). Beyond 9.1 it rounds to 1. */
VMATH float vtanh(float x)
{
    float   a = fabsf(x);
    float   limited = a > 9.1f ? 9.1f : a; /* NaN passes */
    int32_t n;
    float   n_float, r = reduce_exp(limited + limited, &n, &n_float);
    float   scale = power_of_two(n);
    float   t = (exp_tail(r) * (r * r) + r) * scale + (scale - 1.0f);
    return copysignf(t / (t + 2.0f), x);
}

VMATH float vsigmoid(float x)
{
    float z = exp_negative(-fabsf(x)); /* at most 1: no overflow, and full precision in both tails */
    return (x < 0.0f ? z : 1.0f) / (1.0f + z);
}

/* max(x, 0) + log1p(e^-|x|): NaN comes through the second term, whose argument is at most 1, so no case of log1p is special. */
VMATH float vsoftplus(float x)
{
    float z = exp_negative(-fabsf(x)), u = 1.0f + z;
    float e, f = split_log(u, &e);
    float y = log_of(f, e) + (z - (u - 1.0f)) / u;
    y = z < 1e-4f ? z - 0.5f * z * z : y;
    return (x > 0.0f ? x : 0.0f) + y;
}

/* --- the error function ------------------------------------------------------------------------------------------------- */
/* factor e^(s a^2), s negative, where rounding a^2 would cost as many places as it has before the point: it is kept in two parts. */
VMATH float exp_of_square(float a, float s, float factor)
{
    float b = s * a;
#if defined(MLK_FUSED)
    float high = b * a, low = __builtin_fmaf(b, a, -high);
#else
    float h = bits_to_float((uint32_t)float_to_bits(a) & 0xFFFFF000u); /* 12 bits, whose square is exact */
    float high = s * h * h, low = (b - s * h) * (a + h);
#endif
    int32_t n;
    float   n_float;
    reduce_exp(high + low, &n, &n_float);
    float r = (high - n_float * 0.693359375f) + (low + n_float * 2.12194440e-4f);
    return exp_scale((exp_tail(r) * (r * r) + r) * factor + factor, n); /* the scale may make it denormal: last */
}

/* e^(z^2) erfc(z) for z in 0..10.35: u P(2 s - 1), u = 1 / (z + 2), s = z u, which has no rounding where z is 0. P by a minimax
 * fit, good to 2^-24.5. */
VMATH float scaled_erfc(float z)
{
    float u = 1.0f / (z + 2.0f), t = 2.0f * (z * u) - 1.0f;
    float p = -4.622010819e-4f;
    p = p * t - 7.559602016e-4f;
    p = p * t + 2.978960233e-3f;
    p = p * t + 6.438077267e-3f;
    p = p * t - 2.148335244e-2f;
    p = p * t - 3.643531745e-2f;
    p = p * t + 2.794695949e-1f;
    p = p * t - 6.871609679e-1f;
    p = p * t + 1.021582744f;
    return u * p;
}

VMATH float at_most(float a, float limit) { return a > limit ? limit : a; } /* NaN passes */

VMATH float erfc_positive(float x)
{
    float a = at_most(fabsf(x), 10.3f); /* 0 from here on */
    return exp_of_square(a, -1.0f, scaled_erfc(a));
}

VMATH float verfc(float x)
{
    float q = erfc_positive(x);
    return x < 0.0f ? 2.0f - q : q;
}

VMATH float verf(float x)
{
    float z = x * x;
    float p = 4.717984676e-3f; /* erf x / x - 1 for |x| <= 0.5 */
    p = p * z - 2.675718156e-2f;
    p = p * z + 1.128282277e-1f;
    p = p * z - 3.761260857e-1f;
    p = p * z + 1.283791656e-1f;
    return fabsf(x) < 0.5f ? p * x + x : copysignf(1.0f - erfc_positive(x), x);
}

/* x erfc(-x / sqrt 2) / 2 = max(x, 0) - |x| q, where q is the tail beyond |x|: |x| q e^(x^2 / 2) = s Q(2 s - 1) with
 * s = |x| / (|x| + 2 sqrt 2), Q by a minimax fit for |x| to 14.6, good to 2^-24.3. */
VMATH float vgelu(float x)
{
    float a = at_most(fabsf(x), 14.6f);
    float s = a / (a + 2.82842712f), t = 2.0f * s - 1.0f;
    float p = -3.295146744e-4f;
    p = p * t - 5.365282414e-4f;
    p = p * t + 2.110361587e-3f;
    p = p * t + 4.554684740e-3f;
    p = p * t - 1.519306283e-2f;
    p = p * t - 2.576442808e-2f;
    p = p * t + 1.976152658e-1f;
    p = p * t - 4.858961105e-1f;
    p = p * t + 7.223680615e-1f;
    return (x >= 0.0f ? x : -0.0f) - exp_of_square(a, -0.5f, s * p);
}

/* --- circular functions ---------------------------------------------------------------------------------------------------- */
/* x = n pi/2 + r, |r| <= pi/4, for |x| <= FAR_FROM_0, where n has 20 bits. With fused operations in f32: x - n c1 is exact, as
 * n c1 is a multiple of 2^-23, and the next is rounded once. Without them in f64, with three parts of pi/2 of 33 bits. */
#define FAR_FROM_0 1e6f
VMATH float reduce_circle(float x, int32_t *n)
{
#if defined(MLK_FUSED)
    const float magic = 12582912.0f;
    float t = __builtin_fmaf(x, 0.636619772f, magic), k = t - magic;
    *n = float_to_bits(t);
    float r = __builtin_fmaf(k, -1.57079637f, x);
    r = __builtin_fmaf(k, 4.37113883e-8f, r);
    return __builtin_fmaf(k, 1.71512439e-15f, r);
#else
    const double magic = 6755399441055744.0; /* 1.5 * 2^52 rounds to an integer */
    double t = (double)x * 0.63661977236758134308 + magic, k = t - magic;
    *n = (int32_t)(k < 0 ? k - 0.5 : k + 0.5);
    double r = (double)x - k * 1.57079632673412561417;
    r = r - k * 6.07710050630396597660e-11;
    r = r - k * 2.02226624879595063154e-21;
    return (float)r;
#endif
}

VMATH float sin_near(float r)
{
    float z = r * r;
    return ((2.71823282e-6f * z - 1.98393266e-4f) * z + 8.33332936e-3f) * z * (z * r) + (-1.66666666e-1f * z * r + r);
}

VMATH float cos_near(float r)
{
    float z = r * r;
    return ((2.44377017e-5f * z - 1.38873612e-3f) * z + 4.16666467e-2f) * (z * z) + (1.0f - 0.5f * z);
}

VMATH float vsin(float x) /* |x| <= FAR_FROM_0 */
{
    int32_t n;
    float   r = reduce_circle(x, &n);
    float   y = n & 1 ? cos_near(r) : sin_near(r);
    y = n & 2 ? -y : y;
    return x == 0.0f ? x : y; /* keeps -0 */
}

VMATH float vcos(float x) /* |x| <= FAR_FROM_0 */
{
    int32_t n;
    float   r = reduce_circle(x, &n);
    float   y = n & 1 ? sin_near(r) : cos_near(r);
    return (n + 1) & 2 ? -y : y;
}

VMATH float vtan(float x) /* |x| <= FAR_FROM_0 */
{
    int32_t n;
    float   r = reduce_circle(x, &n), s = sin_near(r), c = cos_near(r);
    float   y = (n & 1 ? -c : s) / (n & 1 ? s : c);
    return x == 0.0f ? x : y; /* keeps -0 */
}

/* --- hyperbolic functions --------------------------------------------------------------------------------------------------- */
/* e^a / 2 = e^(a - 1) e / 2 overflows no earlier than the functions do. */
VMATH float half_exp(float a) { return vexp(a - 1.0f) * 1.35914091f; }

VMATH float vcosh(float x)
{
    float h = half_exp(fabsf(x));
    return h + 0.25f / h;
}

VMATH float vsinh(float x)
{
    float a = fabsf(x), h = half_exp(a), t = vexpm1(at_most(a, 1.0f));
    return copysignf(a < 1.0f ? 0.5f * (t + t / (t + 1.0f)) : h - 0.25f / h, x);
}

/* log(1 + w) for w >= 0; but log(2 a) beyond 1e4, where the root is a and its square might overflow. */
VMATH float log_of_root(float w, float a)
{
    float one = 1.0f + w, e, f = split_log(a > 1e4f ? a : one, &e);
    float y = log_of(f, e) + (a > 1e4f ? 0.693147181f : (w - (one - 1.0f)) / one);
    y = w < 1e-4f ? w - 0.5f * w * w : y;
    y = a == INFINITY ? INFINITY : y;
    return a != a ? a : y;
}

VMATH float vasinh(float x) /* log(a + sqrt(a^2 + 1)) */
{
    float a = fabsf(x), near = at_most(a, 1e4f), square = near * near;
    return copysignf(log_of_root(near + square / (1.0f + sqrtf(square + 1.0f)), a), x);
}

VMATH float vacosh(float x) /* log(x + sqrt(x^2 - 1)) */
{
    float t = at_most(x, 1e4f) - 1.0f, y = log_of_root(t + sqrtf(t * (t + 2.0f)), x);
    return x < 1.0f ? NAN : y;
}

VMATH float vatanh(float x)
{
    float a = fabsf(x);
    return copysignf(0.5f * vlog1p((a + a) / (1.0f - a)), x);
}

/* --- powers ------------------------------------------------------------------------------------------------------------------ */
typedef union {
    double   d;
    uint64_t u;
} mlk_bits64;
VMATH double bits_to_double(uint64_t u) { return (mlk_bits64){ .u = u }.d; }
VMATH uint64_t double_to_bits(double d) { return (mlk_bits64){ .d = d }.u; }

/* log2 of x > 0 that an f32 can be: m 2^e, m in [sqrt(1/2), sqrt(2)), by the series of 2 atanh((m - 1) / (m + 1)); good to 2^-37.
 * Integers become numbers by standing in the last places of 2^52. */
VMATH double log2_of(double x)
{
    const uint64_t one = 0x3FF0000000000000u;
    uint64_t bits = double_to_bits(x), up = (bits - 0x3FE6A09E667F3BCDu + one) >> 52;
    double   e = bits_to_double(up | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
    double   m = bits_to_double(bits - (up << 52) + one);
    double   f = (m - 1.0) / (m + 1.0), w = f * f;
    double   p = 0.34074888352161617236;
    p = p * w + 0.41167175156662021422;
    p = p * w + 0.57708360022314189325;
    p = p * w + 0.96179667326692710191;
    p = p * w + 2.8853900817901412868;
    return f * p + e;
}

VMATH double exp2_of(double t) /* |t| < 1000; good to 2^-29 */
{
    double   shifted = t + 6755399441055744.0, r = t - (shifted - 6755399441055744.0);
    double   p = 1.5345743376331110942e-4;
    p = p * r + 1.3399930663571664192e-3;
    p = p * r + 9.6184892122256725818e-3;
    p = p * r + 5.5503287786955083509e-2;
    p = p * r + 2.4022646888277290379e-1;
    p = p * r + 6.9314720573619381433e-1;
    p = p * r + 1.0000000005544842125;
    return p * bits_to_double((double_to_bits(shifted) << 52) + 0x3FF0000000000000u);
}

/* a^b = 2^(b log2 |a|) in f64, where no f32 overflows; then the cases of C's pow. */
VMATH float vpow(float af, float bf)
{
    double a = (double)af, b = (double)bf, x = fabs(a);
    double l = log2_of(x);
    l = x == 0.0 ? -(double)INFINITY : l;
    l = x == (double)INFINITY ? (double)INFINITY : l;
    double t = b * l;
    t = t < -200.0 ? -200.0 : t;
    t = t > 200.0 ? 200.0 : t;
    double y = exp2_of(t);
    double whole = b < -33554432.0 ? -33554432.0 : b > 33554432.0 ? 33554432.0 : b; /* beyond 2^24 an f32 is an even number */
    double rounded = (whole + 6755399441055744.0) - 6755399441055744.0, half = 0.5 * whole;
    double half_rounded = (half + 6755399441055744.0) - 6755399441055744.0;
    double odd = half_rounded != half ? copysign(1.0, a) : 1.0;
    double root = (a < 0.0) & (x != (double)INFINITY) ? (double)NAN : 1.0; /* of a negative number there is none */
    double sign = rounded != whole ? root : odd;
    y = y * sign;
    y = (a != a) | (b != b) ? (double)NAN : y;
    y = (x == 1.0) & (fabs(b) == (double)INFINITY) ? 1.0 : y;
    y = (a == 1.0) | (b == 0.0) ? 1.0 : y;
    return (float)y;
}

#endif
