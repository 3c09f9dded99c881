/* Seeds: by the writers where there is one, else put together here. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static fuzz_seed copy_of(const void *bytes, size_t n)
{
    fuzz_seed s = { malloc(n + 1), n };
    if (!s.bytes) abort();
    memcpy(s.bytes, bytes, n);
    return s;
}

static fuzz_seed gzipped(fuzz_seed s)
{
    z_stream  z = { 0 };
    fuzz_seed out = { malloc(s.n + 200), 0 };
    if (!out.bytes || deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    z.next_in = s.bytes, z.avail_in = (unsigned)s.n;
    z.next_out = out.bytes, z.avail_out = (unsigned)s.n + 200;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    out.n = z.total_out;
    deflateEnd(&z);
    return out;
}

static fuzz_seed saved(ml_archive *a, ml_format format)
{
    size_t    n;
    void     *bytes = ml_save_bytes(a, format, &n);
    if (!bytes) abort();
    fuzz_seed s = copy_of(bytes, n);
    ml_realloc(bytes, n, 0);
    return s;
}

/* Every dtype, sizes 0, a scalar. */
static ml_archive *many(void)
{
    ml_archive *a = ml_archive_new();
    for (int d = 0; d < ML_DTYPE_COUNT; d++) ml_archive_add(a, ml_dtype_name((ml_dtype)d), ml_ones(ML_SHAPE(2, 3), (ml_dtype)d));
    ml_archive_add(a, "layer.1", ml_scalar(3, ML_F64));
    ml_archive_add(a, "none", ml_zeros(ML_SHAPE(0, 4), ML_F32));
    return a;
}

/* A zip of one deflated member, as numpy.savez_compressed writes it. */
static fuzz_seed deflated_npz(void)
{
    ml_archive *one = ml_archive_new();
    ml_archive_add(one, "", ml_zeros(ML_SHAPE(40, 5), ML_F32));
    fuzz_seed npy = saved(one, ML_NPY);
    ml_archive_free(one);
    uint8_t  packed[2000], out[2400];
    z_stream z = { 0 };
    if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    z.next_in = npy.bytes, z.avail_in = (unsigned)npy.n, z.next_out = packed, z.avail_out = sizeof packed;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    uint32_t k = (uint32_t)z.total_out, n = (uint32_t)npy.n, crc = (uint32_t)crc32(0, npy.bytes, n), zero = 0;
    deflateEnd(&z);
    uint8_t *p = out; /* the machine is little-endian, as all that fuzz are */
#define PUT(bytes, size) (memcpy(p, bytes, size), p += (size))
    PUT("PK\3\4\x14\0\0\0\x08\0\0\0\x21\0", 14), PUT(&crc, 4), PUT(&k, 4), PUT(&n, 4), PUT("\5\0\0\0a.npy", 9), PUT(packed, k);
    uint32_t at = (uint32_t)(p - out), bytes = 46 + 5;
    PUT("PK\1\2\x14\0\x14\0\0\0\x08\0\0\0\x21\0", 16), PUT(&crc, 4), PUT(&k, 4), PUT(&n, 4), PUT("\5\0\0\0\0\0\0\0\0\0\0\0\0\0", 14), PUT(&zero, 4), PUT("a.npy", 5);
    PUT("PK\5\6\0\0\0\0\1\0\1\0", 12), PUT(&bytes, 4), PUT(&at, 4), PUT("\0\0", 2);
    free(npy.bytes);
    return copy_of(out, (size_t)(p - out));
}

/* What the writer never writes: other versions, byte orders and layouts. */
static fuzz_seed npy_by_hand(int version, const char *dictionary, size_t value_bytes)
{
    uint8_t out[400] = "\x93NUMPY";
    size_t  n = strlen(dictionary), head = version == 1 ? 10 : 12;
    out[6] = (uint8_t)version;
    out[8] = (uint8_t)n;
    memcpy(out + head, dictionary, n);
    for (size_t i = 0; i < value_bytes; i++) out[head + n + i] = (uint8_t)(i + 1);
    return copy_of(out, head + n + value_bytes);
}

static int npy_seeds(fuzz_seed *seeds)
{
    int n = 0;
    for (int d = 0; d < 3; d++) {
        ml_archive *a = ml_archive_new();
        ml_archive_add(a, "", ml_ones(d == 0 ? ML_SHAPE(3, 4) : d == 1 ? ML_SCALAR : ML_SHAPE(5), (ml_dtype)(2 * d)));
        seeds[n++] = saved(a, ML_NPY);
        ml_archive_free(a);
    }
    seeds[n++] = npy_by_hand(1, "{'descr': '>f2', 'fortran_order': True, 'shape': (2, 3), }\n", 12);
    seeds[n++] = npy_by_hand(2, "{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }\n", 7);
    seeds[n - 1].bytes[seeds[n - 1].n++] = 0; /* the eighth: the value fits into an i64 */
    seeds[n++] = npy_by_hand(3, "{\"shape\": (2L, 0, 1), 'fortran_order': False, 'descr': '|b1'}\n", 0);
    seeds[n++] = gzipped(seeds[0]);
    return n;
}

static int idx_seeds(fuzz_seed *seeds)
{
    static const char images[] = "\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijkl", shorts[] = "\0\0\x0b\1\0\0\0\3\1\2\3\4\5\6",
                      doubles[] = "\0\0\x0e\1\0\0\0\1\x40\x09\0\0\0\0\0\0";
    seeds[0] = copy_of(images, sizeof images - 1);
    seeds[1] = copy_of(shorts, sizeof shorts - 1);
    seeds[2] = copy_of(doubles, sizeof doubles - 1);
    seeds[3] = gzipped(seeds[0]);
    return 4;
}

static int csv_seeds(fuzz_seed *seeds)
{
    static const char *const texts[] = { "a,b,\"c \"\"d\"\"\"\r\n1,2.5,-3e-2\r\n,NA,inf\r\n", "1,2\n3,4\n\n5,6", "\xEF\xBB\xBFx\n\"1\"\n+2.\n.5\n" };
    for (int i = 0; i < 3; i++) seeds[i] = copy_of(texts[i], strlen(texts[i]));
    seeds[3] = gzipped(seeds[0]);
    return 4;
}

int fuzz_seeds(ml_format format, fuzz_seed seeds[FUZZ_MOST_SEEDS])
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = many();
    int         n     = 0;
    switch (format) {
    case ML_NPY: n = npy_seeds(seeds); break;
    case ML_NPZ:
        seeds[n++] = saved(a, ML_NPZ);
        seeds[n++] = deflated_npz();
        break;
    case ML_SAFETENSORS:
        seeds[n++] = saved(a, ML_SAFETENSORS);
        ml_archive_note(a, "format", "pt \"\\\n");
        seeds[n++] = saved(a, ML_SAFETENSORS);
        break;
    case ML_IDX: n = idx_seeds(seeds); break;
    case ML_CSV: n = csv_seeds(seeds); break;
    default: { /* CIFAR: two records */
        uint8_t records[2 * 3074] = { 0 };
        seeds[n++] = copy_of(records, format == ML_CIFAR10 ? 2 * 3073 : 2 * 3074);
    }
    }
    ml_archive_free(a);
    ml_scope_end(&scope);
    return n;
}
