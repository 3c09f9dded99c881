/* A range of a source as bytes that come one after the other. Packed ones are unpacked piece by piece: what comes out is
 * counted, and never exceeds what the reader was told to expect. */
#include "io/io_impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PIECE 65536 /* bytes of packed data at a time */

struct mli_unpacker {
    z_stream z;
    bool     ended; /* the packed data say that they are over */
    uint8_t  piece[PIECE];
};

/* zlib's memory is counted too. It frees without the size, which stands in front of each block. */
#define FRONT 16

static void *take(void *ctx, unsigned n, unsigned bytes)
{
    (void)ctx;
    size_t  all = (size_t)n * bytes + FRONT;
    size_t *p   = ml_realloc(NULL, 0, all);
    if (!p) return NULL;
    *p = all;
    return (char *)p + FRONT;
}

static void give(void *ctx, void *block)
{
    (void)ctx;
    size_t *p = (size_t *)(void *)((char *)block - FRONT);
    ml_realloc(p, *p, 0);
}

size_t ml_load_limit(void)
{
    size_t      limit;
    const char *said = getenv("MOONLAB_LOAD_LIMIT");
    return said && ml_parse_bytes(said, &limit) ? limit : (size_t)4 << 30;
}

bool mli_stream_open(mli_stream *s, const mli_source *source, uint64_t first, uint64_t end, mli_packing packing, uint64_t most)
{
    *s = (mli_stream){ .source = source, .first = first, .at = first, .end = end, .most = most };
    if (packing == MLI_PLAIN) return true;
    s->unpacker = ml_realloc(NULL, 0, sizeof *s->unpacker);
    if (!s->unpacker) return false;
    memset(&s->unpacker->z, 0, sizeof s->unpacker->z);
    s->unpacker->z.zalloc = take;
    s->unpacker->z.zfree  = give;
    s->unpacker->ended    = false;
    if (inflateInit2(&s->unpacker->z, packing == MLI_GZIPPED ? 15 + 16 : -15) == Z_OK) return true;
    ml_realloc(s->unpacker, sizeof *s->unpacker, 0);
    s->unpacker = NULL;
    return ml_failed() ? false : ml_fail("load: zlib does not start");
}

bool mli_stream_open_all(mli_stream *s, const mli_source *source)
{
    uint8_t magic[2] = { 0 };
    if (source->size >= 2 && !mli_source_read(source, 0, magic, 2)) return false;
    if (magic[0] != 0x1f || magic[1] != 0x8b) return mli_stream_open(s, source, 0, source->size, MLI_PLAIN, source->size);
    uint64_t most = source->size * MLI_MOST_RATIO;
    return mli_stream_open(s, source, 0, source->size, MLI_GZIPPED, most < source->limit ? most : source->limit);
}

void mli_stream_close(mli_stream *s)
{
    if (!s->unpacker) return;
    inflateEnd(&s->unpacker->z);
    ml_realloc(s->unpacker, sizeof *s->unpacker, 0);
    s->unpacker = NULL;
}

uint64_t mli_stream_left(const mli_stream *s)
{
    return s->most - s->given;
}

bool mli_stream_refuse(const mli_stream *s, const char *format, ...)
{
    char    why[900];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (!s->unpacker) return mli_refuse(s->source, s->first + s->given, "%s", why);
    return mli_refuse(s->source, s->first, "byte %llu of what is unpacked from here: %s", (unsigned long long)s->given, why);
}

/* Unpacks up to n bytes; *got is less only at the end of the packed data. */
static bool unpack(mli_stream *s, void *to, size_t n, size_t *got)
{
    mli_unpacker *u = s->unpacker;
    u->z.next_out   = to;
    size_t left     = n;
    while (left > 0 && !u->ended) {
        if (u->z.avail_in == 0 && s->at < s->end) {
            size_t k = s->end - s->at < PIECE ? (size_t)(s->end - s->at) : PIECE;
            if (!mli_source_read(s->source, s->at, u->piece, k)) return false;
            s->at += k;
            u->z.next_in  = u->piece;
            u->z.avail_in = (unsigned)k;
        }
        unsigned room  = left < 1u << 30 ? (unsigned)left : 1u << 30;
        u->z.avail_out = room;
        int code       = inflate(&u->z, Z_NO_FLUSH);
        s->given += room - u->z.avail_out;
        left -= room - u->z.avail_out;
        if (code == Z_STREAM_END) u->ended = true;
        else if (code == Z_BUF_ERROR && u->z.avail_in == 0 && s->at == s->end)
            return mli_refuse(s->source, s->end, "the packed data end here, before they say that they are over");
        else if (code == Z_MEM_ERROR) return ml_failed() ? false : ml_fail("load: out of memory while unpacking");
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return mli_refuse(s->source, s->at - u->z.avail_in, "the packed data are damaged: %s", u->z.msg ? u->z.msg : "unknown code");
    }
    *got = n - left;
    return true;
}

bool mli_stream_some(mli_stream *s, void *to, size_t n, size_t *got)
{
    if (n > mli_stream_left(s)) n = (size_t)mli_stream_left(s);
    *got = n;
    if (s->unpacker && !unpack(s, to, n, got)) return false;
    if (!s->unpacker) {
        if (!mli_source_read(s->source, s->first + s->given, to, n)) return false;
        s->given += n;
    }
    const uint8_t *bytes = to;
    for (size_t done = 0; s->with_crc && done < *got;) { /* crc32 counts in 32 bits */
        unsigned k = *got - done < 1u << 30 ? (unsigned)(*got - done) : 1u << 30;
        s->crc     = (uint32_t)crc32(s->crc, bytes + done, k);
        done += k;
    }
    return true;
}

bool mli_stream_read(mli_stream *s, void *to, size_t n)
{
    size_t got = 0;
    if (!mli_stream_some(s, to, n, &got)) return false;
    if (got == n) return true;
    return mli_stream_refuse(s, "it ends here, %llu bytes too early", (unsigned long long)(n - got));
}

bool mli_stream_finish(mli_stream *s)
{
    if (!s->unpacker) {
        if (mli_stream_left(s) == 0) return true;
        return mli_stream_refuse(s, "%llu bytes follow that belong to nothing", (unsigned long long)mli_stream_left(s));
    }
    uint8_t more;
    size_t  got = 0;
    if (!unpack(s, &more, 1, &got)) return false; /* also reads the checksum of gzip */
    if (got && s->most == s->source->limit)
        return mli_stream_refuse(s, "more than %llu bytes are unpacked; the option limit, or MOONLAB_LOAD_LIMIT, allows more", (unsigned long long)s->most);
    if (got) return mli_stream_refuse(s, "bytes follow that belong to nothing");
    uint64_t rest = s->end - s->at + s->unpacker->z.avail_in;
    if (rest == 0) return true;
    return mli_refuse(s->source, s->end - rest, "%llu bytes follow the packed data", (unsigned long long)rest);
}
