/* Where bytes go: a file that appears whole at the end, or memory. */
#include "io/io_impl.h"

#include "tensor/tensor_impl.h"

#include <string.h>
#include <zlib.h>

bool mli_put(mli_sink *s, const void *bytes, size_t n)
{
    s->written += n;
    if (s->file) return ml_file_put(s->file, bytes, n);
    if (n > s->capacity - s->used) {
        size_t capacity = s->used + n > 2 * s->capacity ? s->used + n : 2 * s->capacity;
        char  *more     = ml_realloc(s->bytes, s->capacity, capacity);
        if (!more) return false;
        s->bytes    = more;
        s->capacity = capacity;
    }
    if (n) memcpy(s->bytes + s->used, bytes, n);
    s->used += n;
    return true;
}

typedef bool (*use_bytes)(void *ctx, const void *bytes, size_t n);

/* The values in the order and the bytes of a file, piece by piece. */
static bool walk_values(const ml_tensor *t, use_bytes use, void *ctx)
{
    const uint16_t one = 1;
    if (!mli_has_values("save", t)) return false;
    ml_scope         scope = ml_scope_begin();
    const ml_tensor *whole = mli_contiguous((ml_tensor *)(uintptr_t)t);
    size_t           size  = ml_dtype_bytes(ml_tensor_dtype(t)), n = whole ? (size_t)ml_tensor_numel(t) * size : 0;
    const uint8_t   *data  = whole ? mli_data(whole) : NULL;
    bool             ok    = whole != NULL;
    if (ok && (size == 1 || *(const uint8_t *)&one == 1)) ok = use(ctx, data, n);
    else
        for (size_t i = 0; ok && i < n; i += size) { /* a big-endian machine: slow, and right */
            uint8_t turned[8];
            for (size_t k = 0; k < size; k++) turned[k] = data[i + size - 1 - k];
            ok = use(ctx, turned, size);
        }
    ml_scope_end(&scope);
    return ok;
}

static bool put_bytes(void *sink, const void *bytes, size_t n)
{
    return mli_put(sink, bytes, n);
}

bool mli_put_values(mli_sink *s, const ml_tensor *t)
{
    return walk_values(t, put_bytes, s);
}

static bool sum_bytes(void *crc, const void *bytes, size_t n)
{
    uint32_t *sum = crc;
    for (size_t done = 0; done < n;) {
        unsigned k = n - done < 1u << 30 ? (unsigned)(n - done) : 1u << 30;
        *sum       = (uint32_t)crc32(*sum, (const uint8_t *)bytes + done, k);
        done += k;
    }
    return true;
}

bool mli_crc_values(const ml_tensor *t, uint32_t *crc)
{
    return walk_values(t, sum_bytes, crc);
}
