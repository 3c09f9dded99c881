/* The kinds of numbers that files hold, and how each becomes a value of a tensor. */
#include "io/io_impl.h"

#include "tensor/tensor_impl.h"

#include <string.h>

static const struct {
    size_t   bytes;
    ml_dtype dtype;
} elements[MLI_ELEMENT_COUNT] = {
    [MLI_BOOL] = { 1, ML_BOOL }, [MLI_U8] = { 1, ML_U8 },   [MLI_I8] = { 1, ML_I64 },  [MLI_U16] = { 2, ML_I64 },
    [MLI_I16] = { 2, ML_I64 },   [MLI_U32] = { 4, ML_I64 }, [MLI_I32] = { 4, ML_I64 }, [MLI_U64] = { 8, ML_I64 },
    [MLI_I64] = { 8, ML_I64 },   [MLI_F16] = { 2, ML_F32 }, [MLI_BF16] = { 2, ML_F32 }, [MLI_F32] = { 4, ML_F32 },
    [MLI_F64] = { 8, ML_F64 },
};

size_t   mli_element_bytes(mli_element e) { return elements[e].bytes; }
ml_dtype mli_element_dtype(mli_element e) { return elements[e].dtype; }

mli_element mli_element_of(ml_dtype dtype)
{
    static const mli_element of[ML_DTYPE_COUNT] = {
        [ML_F32] = MLI_F32, [ML_F64] = MLI_F64, [ML_I64] = MLI_I64, [ML_U8] = MLI_U8, [ML_BOOL] = MLI_BOOL,
    };
    return of[dtype];
}

uint16_t mli_u16(const void *p)
{
    const uint8_t *b = p;
    return (uint16_t)(b[0] | b[1] << 8);
}

uint32_t mli_u32(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)mli_u16(b) | (uint32_t)mli_u16(b + 2) << 16;
}

uint64_t mli_u64(const void *p)
{
    const uint8_t *b = p;
    return (uint64_t)mli_u32(b) | (uint64_t)mli_u32(b + 4) << 32;
}

/* The bits of an element of `size` bytes. */
static uint64_t bits_at(const uint8_t *p, size_t size, bool big_endian)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) bits = bits << 8 | p[big_endian ? i : size - 1 - i];
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE binary16: 1 bit of sign, 5 of exponent, 10 of fraction. Every one is an f32; a NaN keeps its bits. */
static float half_of(uint32_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    if (exponent == 31) return float_of(sign | 0x7f800000u | fraction << 13);
    if (exponent > 0) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f; /* below the smallest normal one: exact in f32 */
    return sign ? -tiny : tiny;
}

/* The element with these bits as element i of out; false when it does not fit. */
static bool put(mli_element e, uint64_t bits, void *out, int64_t i)
{
    int64_t *whole  = out;
    float   *single = out;
    double   wide;
    switch (e) {
    case MLI_BOOL: ((uint8_t *)out)[i] = bits != 0; break; /* whatever the file has: a bool is 0 or 1 */
    case MLI_U8: ((uint8_t *)out)[i] = (uint8_t)bits; break;
    case MLI_I8: whole[i] = (int8_t)bits; break;
    case MLI_I16: whole[i] = (int16_t)bits; break;
    case MLI_I32: whole[i] = (int32_t)bits; break;
    case MLI_U16: case MLI_U32: case MLI_I64: whole[i] = (int64_t)bits; break;
    case MLI_U64:
        if (bits > INT64_MAX) return false;
        whole[i] = (int64_t)bits;
        break;
    case MLI_F16: single[i] = half_of((uint32_t)bits); break;
    case MLI_BF16: single[i] = float_of((uint32_t)bits << 16); break;
    case MLI_F32: single[i] = float_of((uint32_t)bits); break;
    default:
        memcpy(&wide, &bits, sizeof wide);
        ((double *)out)[i] = wide;
        break;
    }
    return true;
}

bool mli_values_bytes(mli_element e, const ml_shape *shape, uint64_t *bytes)
{
    uint64_t wide  = ml_dtype_bytes(elements[e].dtype); /* the tensor's may be the larger ones: they must fit too */
    bool     empty = false;
    for (int i = 0; i < shape->n; i++) { /* a size of 0 excuses no overflow of the others */
        if (shape->size[i] < 0) return false;
        if (shape->size[i] == 0) empty = true;
        else if (__builtin_mul_overflow(wide, (uint64_t)shape->size[i], &wide) || wide > INT64_MAX / 2) return false;
    }
    *bytes = empty ? 0 : wide / ml_dtype_bytes(elements[e].dtype) * elements[e].bytes;
    return true;
}

/* Are the bytes of the file those of the tensor, on this machine? */
static bool is_native(mli_element e, bool big_endian)
{
    const uint16_t one  = 1;
    bool           same = big_endian != (*(const uint8_t *)&one == 1);
    return (e == MLI_U8 || ((e == MLI_I64 || e == MLI_F32 || e == MLI_F64) && same));
}

static bool read_into(mli_stream *s, mli_element e, bool big_endian, int64_t n, void *out)
{
    size_t  size = elements[e].bytes;
    uint8_t piece[8192];
    if (is_native(e, big_endian)) return mli_stream_read(s, out, (size_t)n * size);
    for (int64_t done = 0; done < n;) {
        int64_t k = n - done < (int64_t)(sizeof piece / size) ? n - done : (int64_t)(sizeof piece / size);
        if (!mli_stream_read(s, piece, (size_t)k * size)) return false;
        for (int64_t i = 0; i < k; i++)
            if (!put(e, bits_at(piece + (size_t)i * size, size, big_endian), out, done + i))
                return mli_stream_refuse(s, "value %lld of %lld is over 2^63 - 1: it does not fit into an i64", (long long)(done + i + 1),
                                         (long long)n);
        done += k;
    }
    return true;
}

ml_tensor *mli_read_values(mli_stream *s, mli_element e, bool big_endian, ml_shape shape)
{
    uint64_t bytes;
    if (!mli_values_bytes(e, &shape, &bytes))
        return mli_stream_refuse(s, "the shape %s does not fit into any memory", ml_shape_text(&shape)), NULL;
    if (bytes > mli_stream_left(s))
        return mli_stream_refuse(s, "the shape %s needs %llu bytes, and %s%llu can follow", ml_shape_text(&shape), (unsigned long long)bytes,
                                 s->unpacker ? "at most " : "only ", (unsigned long long)mli_stream_left(s)), NULL;
    ml_tensor *t = ml_empty(shape, elements[e].dtype);
    return t && read_into(s, e, big_endian, ml_tensor_numel(t), mli_data(t)) ? t : NULL;
}
