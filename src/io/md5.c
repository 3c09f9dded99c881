/* MD5 (Rivest 1992, RFC 1321), in which publishers name their files. It tells a damaged or another file, no forged one. */
#include "io/io_impl.h"

#include <string.h>

typedef struct md5 {
    uint32_t state[4];
    uint8_t  block[64];
    uint64_t n; /* bytes so far */
} md5;

static uint32_t turn(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void add_block(md5 *m, const uint8_t *block)
{
    static const uint32_t sines[64] = { /* floor(2^32 |sin(i + 1)|) */
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
        0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
        0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
        0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
        0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
        0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
    };
    static const uint8_t turns[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };
    uint32_t a = m->state[0], b = m->state[1], c = m->state[2], d = m->state[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f = i < 16 ? (b & c) | (~b & d) : i < 32 ? (d & b) | (~d & c) : i < 48 ? b ^ c ^ d : c ^ (b | ~d);
        unsigned g = i < 16 ? i : i < 32 ? (5 * i + 1) % 16 : i < 48 ? (3 * i + 5) % 16 : 7 * i % 16;
        uint32_t next = b + turn(a + f + sines[i] + mli_u32(block + 4 * g), turns[i / 16][i % 4]);
        a = d, d = c, c = b, b = next;
    }
    m->state[0] += a, m->state[1] += b, m->state[2] += c, m->state[3] += d;
}

static void add_bytes(md5 *m, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t at = m->n % 64, k = n - i < 64 - at ? n - i : 64 - at;
        memcpy(m->block + at, bytes + i, k);
        m->n += k;
        i += k;
        if (m->n % 64 == 0) add_block(m, m->block);
    }
}

static void finish(md5 *m, char digits[33])
{
    uint8_t  length[8];
    uint64_t bits = m->n * 8;
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> 8 * i);
    add_bytes(m, (const uint8_t *)"\x80", 1);
    while (m->n % 64 != 56) add_bytes(m, (const uint8_t *)"", 1);
    add_bytes(m, length, 8);
    for (int i = 0; i < 16; i++) snprintf(digits + 2 * i, 3, "%02x", m->state[i / 4] >> 8 * (i % 4) & 0xFF);
}

bool ml_file_md5(const char *path, char digits[33])
{
    md5        m = { .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
    mli_source src;
    mli_stream s;
    uint8_t    piece[16384];
    size_t     n = sizeof piece;
    if (!mli_source_open(&src, path)) return false;
    bool ok = mli_stream_open_all(&s, &src);
    if (ok) {
        while (ok && n == sizeof piece) {
            ok = mli_stream_some(&s, piece, sizeof piece, &n);
            if (ok) add_bytes(&m, piece, n);
        }
        ok = ok && mli_stream_finish(&s);
        mli_stream_close(&s);
    }
    mli_source_close(&src);
    if (ok) finish(&m, digits);
    return ok;
}
