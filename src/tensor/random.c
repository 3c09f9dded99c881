/* Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). A draw is a function of
 * (seed, stream, counter) alone, so any thread may fill any part of a tensor and the numbers stay the same.
 * Element i of a tensor uses counter i / (values a block gives); never keep state here but the default stream. */
#include "tensor/tensor_impl.h"

#include <math.h>

static _Thread_local ml_key default_key = { 0, 1 };

ml_key ml_key_of(uint64_t seed, uint64_t stream)
{
    return (ml_key){ seed, stream };
}

void ml_seed(uint64_t seed)
{
    default_key = (ml_key){ seed, 1 };
}

ml_key ml_key_next(void)
{
    ml_key key = default_key;
    default_key.stream++;
    return key;
}

void ml_key_reset(ml_key next)
{
    default_key = next;
}

void ml_philox(ml_key key, uint64_t counter, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key.seed, k1 = (uint32_t)(key.seed >> 32);
    uint32_t c[4] = { (uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)key.stream, (uint32_t)(key.stream >> 32) };
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)p1;
        c[3] = (uint32_t)p0;
        c[0] = n0;
        c[2] = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) out[i] = c[i];
}

/* Two words give 53 bits in [0, 1). f32 keeps its top 24 by truncation, so 1 is never reached. */
static double uniform53(uint32_t high, uint32_t low)
{
    return (double)((((uint64_t)high << 32) | low) >> 11) * 0x1p-53;
}

static void store(ml_tensor *t, int64_t i, double v)
{
    if (t->dtype == ML_F32) ((float *)mli_data(t))[i] = (float)v;
    else ((double *)mli_data(t))[i] = v;
}

static ml_tensor *empty_float(const char *op, ml_shape shape, ml_dtype dtype)
{
    if (!ml_dtype_is_float(dtype)) return ml_fail("%s: dtype must be f32 or f64, got %s", op, ml_dtype_name(dtype));
    return ml_empty(shape, dtype);
}

ml_tensor *ml_rand(ml_shape shape, ml_dtype dtype, ml_key key)
{
    ml_tensor *t = empty_float("rand", shape, dtype);
    int64_t    n = t ? ml_tensor_numel(t) : 0;
    uint32_t   r[4];
    for (int64_t i = 0; i < n; i++) {
        if (i % 2 == 0) ml_philox(key, (uint64_t)i / 2, r);
        double u = uniform53(r[2 * (i % 2)], r[2 * (i % 2) + 1]);
        if (dtype == ML_F32) u = (double)((uint32_t)(u * 0x1p24)) * 0x1p-24;
        store(t, i, u);
    }
    return t;
}

/* Box-Muller in f64: two normals from two uniforms; 1 - u keeps the logarithm away from 0. */
ml_tensor *ml_randn(ml_shape shape, ml_dtype dtype, ml_key key)
{
    ml_tensor *t = empty_float("randn", shape, dtype);
    int64_t    n = t ? ml_tensor_numel(t) : 0;
    uint32_t   r[4];
    for (int64_t i = 0; i < n; i += 2) {
        ml_philox(key, (uint64_t)i / 2, r);
        double radius = sqrt(-2 * log(1 - uniform53(r[0], r[1])));
        double angle  = 6.283185307179586476925 * uniform53(r[2], r[3]);
        store(t, i, radius * cos(angle));
        if (i + 1 < n) store(t, i + 1, radius * sin(angle));
    }
    return t;
}

/* t = low + scale t */
static ml_tensor *scaled(ml_tensor *t, double low, double scale)
{
    int64_t n = t ? ml_tensor_numel(t) : 0;
    if (!t || (low == 0 && scale == 1)) return t;
    if (t->dtype == ML_F32)
        for (int64_t i = 0; i < n; i++) ((float *)mli_data(t))[i] = (float)(low + scale * (double)((float *)mli_data(t))[i]);
    else
        for (int64_t i = 0; i < n; i++) ((double *)mli_data(t))[i] = low + scale * ((double *)mli_data(t))[i];
    return t;
}

ml_tensor *ml_uniform(ml_shape shape, ml_dtype dtype, double low, double high, ml_key key)
{
    if (!(low <= high) || !isfinite(high - low)) return ml_fail("rand: low must not be above high, got %g and %g", low, high);
    ml_tensor *t = scaled(ml_rand(shape, dtype, key), low, high - low);
    double     below_high = dtype == ML_F32 ? (double)nextafterf((float)high, -INFINITY) : nextafter(high, -INFINITY);
    for (int64_t i = 0, n = t && high > low ? ml_tensor_numel(t) : 0; i < n; i++) { /* rounding may have reached it */
        double v = dtype == ML_F32 ? (double)((float *)mli_data(t))[i] : ((double *)mli_data(t))[i];
        if (v > below_high) store(t, i, below_high);
    }
    return t;
}

ml_tensor *ml_normal(ml_shape shape, ml_dtype dtype, double mean, double std, ml_key key)
{
    if (!(std >= 0) || !isfinite(mean) || !isfinite(std)) return ml_fail("randn: mean must be finite and std at least 0, got %g and %g", mean, std);
    return scaled(ml_randn(shape, dtype, key), mean, std);
}

ml_tensor *ml_bernoulli(const ml_tensor *p, ml_dtype dtype, ml_key key)
{
    if (!p || !mli_has_values("bernoulli", p)) return NULL;
    ml_scope   scope  = ml_scope_begin();
    ml_tensor *limits = ml_empty(p->shape, ML_F64), *draws = limits ? ml_rand(p->shape, ML_F64, key) : NULL;
    ml_tensor *out    = draws ? ml_empty(p->shape, dtype) : NULL;
    if (out) {
        double *limit = mli_data(limits), *u = mli_data(draws);
        mli_strided_copy(p, ML_F64, limit);
        for (int64_t i = 0, n = ml_tensor_numel(p); i < n; i++) {
            if (!(limit[i] >= 0 && limit[i] <= 1)) {
                ml_fail("bernoulli: a probability must be 0..1, got %g", limit[i]);
                return ml_scope_return(&scope, NULL);
            }
            u[i] = u[i] < limit[i];
        }
        mli_strided_copy(draws, dtype, mli_data(out));
    }
    return ml_scope_return(&scope, out);
}

/* A number below range from 64 random bits, by the high half of a 128-bit product; its bias is under range / 2^64. */
static uint64_t below(uint64_t range, const uint32_t r[2])
{
    uint64_t bits = ((uint64_t)r[0] << 32) | r[1];
    return (uint64_t)(((unsigned __int128)bits * range) >> 64);
}

ml_tensor *ml_randint(int64_t low, int64_t high, ml_shape shape, ml_key key)
{
    if (high <= low) return ml_fail("randint: low must be below high, got %lld and %lld", (long long)low, (long long)high);
    ml_tensor *t = ml_empty(shape, ML_I64);
    int64_t    n = t ? ml_tensor_numel(t) : 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t r[4];
        ml_philox(key, (uint64_t)i, r);
        ((int64_t *)mli_data(t))[i] = (int64_t)((uint64_t)low + below((uint64_t)high - (uint64_t)low, r));
    }
    return t;
}

ml_tensor *ml_randperm(int64_t n, ml_key key)
{
    if (n < 0) return ml_fail("randperm: n must not be negative, got %lld", (long long)n);
    ml_tensor *t = ml_empty(ML_SHAPE(n), ML_I64);
    if (!t) return NULL;
    int64_t *p = mli_data(t);
    for (int64_t i = 0; i < n; i++) p[i] = i;
    for (int64_t i = n - 1; i > 0; i--) { /* Fisher-Yates */
        uint32_t r[4];
        ml_philox(key, (uint64_t)i, r);
        int64_t j = (int64_t)below((uint64_t)i + 1, r), swap = p[i];
        p[i] = p[j];
        p[j] = swap;
    }
    return t;
}
