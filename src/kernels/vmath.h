/* Functions of one f32 without branches or calls, so that a loop over them becomes vector code.
 *
 * Selections (a ? b : c) compute both sides and pick. Bits are moved by unions, never by conversions that could
 * overflow. The coefficients are minimax fits on the reduced intervals (Cephes' for log and tanh). Errors against the
 * exact value, measured by tests/c/test_kernels.c over the whole range: exp, log 1 ulp; expm1, log1p, tanh 1.5; softplus 2;
 * sigmoid 2.6. NaN, infinities, zeros and denormals come out as IEEE says, but results below 2^-126 of exp are
 * rounded once more than they should be. */
#ifndef MLK_VMATH_H
#define MLK_VMATH_H

#include <math.h>
#include <stdint.h>

typedef union {
    float    f;
    uint32_t u;
    int32_t  i;
} mlk_bits;

static inline float bits_to_float(uint32_t u) { return (mlk_bits){ .u = u }.f; }
static inline int32_t float_to_bits(float f) { return (mlk_bits){ .f = f }.i; }

/* x = n ln 2 + r, |r| <= ln 2 / 2; n comes as a float and as an integer. Adding 1.5 * 2^23 rounds to an integer. */
static inline float reduce_exp(float x, int32_t *n, float *n_float)
{
    const float magic = 12582912.0f;
    float t  = x * 1.44269504f + magic;
    *n       = (int32_t)((uint32_t)float_to_bits(t) - 0x4B400000u);
    *n_float = t - magic;
    float r  = x - *n_float * 0.693359375f; /* ln 2 in two parts: the first product is exact */
    return r + *n_float * 2.12194440e-4f;
}

/* e^r - 1 - r over r^2 */
static inline float exp_tail(float r)
{
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    return p * r + 5.0000001201e-1f;
}

static inline float power_of_two(int32_t n) { return bits_to_float((uint32_t)(n + 127) << 23); }

static inline float vexp(float x)
{
    float   limited = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x; /* NaN passes: both comparisons fail */
    int32_t n;
    float   n_float, r = reduce_exp(limited, &n, &n_float);
    float   e    = exp_tail(r) * (r * r) + r + 1.0f;
    int32_t half = n >> 1; /* 2^n in two factors: n may be 128 or -150 */
    return e * power_of_two(half) * power_of_two(n - half);
}

static inline float vexpm1(float x)
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
static inline float log_of(float f, float e)
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

static inline float vlog(float x)
{
    float   scaled = x < 1.17549435e-38f ? x * 8388608.0f : x; /* denormals become normal: 2^23 */
    float   shift  = x < 1.17549435e-38f ? -23.0f : 0.0f;
    int32_t bits   = float_to_bits(scaled);
    int32_t up     = (int32_t)((uint32_t)bits - 0x3F3504F3u); /* sqrt(1/2); wraps for -0 */
    int32_t e      = up >> 23;
    float   m      = bits_to_float((uint32_t)bits - ((uint32_t)e << 23));
    float   y      = log_of(m - 1.0f, (float)e + shift);
    y = x == INFINITY ? INFINITY : y;
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return x != x ? x : y;
}

/* log(1 + x) = log(u) + the part of x that rounding u = 1 + x lost, over u (after Kahan). */
static inline float vlog1p(float x)
{
    float u = 1.0f + x;
    float d = u - 1.0f;
    float lost = (x - d) / u;
    float y = vlog(u) + (u > 3e38f || u <= 0.0f ? 0.0f : lost);
    y = x < 1e-4f && x > -1e-4f ? x - 0.5f * x * x + x * x * x * 0.33333333f : y;
    return x == 0.0f ? x : y;
}

static inline float vtanh(float x)
{
    float a = fabsf(x);
    float z = x * x;
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    float small = p * z * x + x;
    float e     = vexp(a + a);
    float big   = 1.0f - 2.0f / (e + 1.0f);
    big = x < 0.0f ? -big : big;
    float y = a < 0.625f ? small : big;
    return x == 0.0f || x != x ? x : y; /* keeps -0 */
}

static inline float vsigmoid(float x)
{
    float z = vexp(-fabsf(x)); /* at most 1: no overflow, and full precision in both tails */
    float s = 1.0f / (1.0f + z);
    return x < 0.0f ? z * s : s;
}

static inline float vsoftplus(float x)
{
    return (x > 0.0f ? x : 0.0f) + vlog1p(vexp(-fabsf(x))); /* NaN comes through the second term */
}

#endif
