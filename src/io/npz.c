/* npz: npy files in a zip archive. The directory at the end of the file says what there is; each entry is checked against the
 * header that stands before its data, since two readers that believe different ones read different files. */
#include "io/io_impl.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define END_BYTES     22 /* of the record that ends the file, without its comment */
#define ENTRY_BYTES   46 /* of an entry of the directory, without names */
#define LOCAL_BYTES   30 /* of the header before the data, without names */
#define MOST_MEMBERS  65535

enum { ENCRYPTED = 1, SIZES_BEHIND = 8, STRONG = 64, IS_UTF8 = 2048 };

typedef struct member {
    char     name[MLI_LONGEST_NAME + 1];
    uint16_t flags, method;
    uint32_t crc;
    uint64_t packed, unpacked, local; /* local: where its header begins */
    uint64_t data;                    /* where its data do */
    int      name_bytes;
} member;

typedef struct directory {
    uint64_t at, end; /* bytes of the file */
    int      n;
} directory;

/* The record is the last one whose comment ends where the file does. */
static bool find_end(const mli_source *src, directory *d)
{
    uint8_t  tail[END_BYTES];
    uint64_t last = src->size >= END_BYTES ? src->size - END_BYTES : 0, first = last > 65535 ? last - 65535 : 0;
    if (src->size < END_BYTES) return mli_refuse(src, 0, "this is no zip archive: it is shorter than the smallest one");
    for (uint64_t at = last;; at--) {
        if (!mli_source_read(src, at, tail, 4)) return false;
        if (memcmp(tail, "PK\5\6", 4) == 0) {
            if (!mli_source_read(src, at, tail, END_BYTES)) return false;
            if (mli_u16(tail + 20) == src->size - at - END_BYTES) {
                d->n   = mli_u16(tail + 10);
                d->at  = mli_u32(tail + 16);
                d->end = d->at + mli_u32(tail + 12);
                if (mli_u16(tail + 10) == 0xFFFF || d->at == 0xFFFFFFFFu || mli_u32(tail + 12) == 0xFFFFFFFFu)
                    return mli_refuse(src, at, "zip64 archives, of over 4 GB or 65,534 members, are not read; safetensors files may be as large");
                if (mli_u16(tail + 4) != 0 || mli_u16(tail + 6) != 0 || mli_u16(tail + 8) != mli_u16(tail + 10))
                    return mli_refuse(src, at, "zip archives in several parts are not read");
                if (d->end != at) return mli_refuse(src, at, "the directory must end where this record begins, and ends at byte %llu", (unsigned long long)d->end);
                return true;
            }
        }
        if (at == first) return mli_refuse(src, src->size, "this is no zip archive, or its end is missing: there is no directory");
    }
}

static bool refuse_member(const mli_source *src, uint64_t at, const member *m, const char *why)
{
    return mli_refuse(src, at, "'%.100s': %s", m->name, why);
}

/* The entry at byte *at of the directory; *at is moved behind it. */
static bool read_entry(const mli_source *src, const directory *d, uint64_t *at, member *m)
{
    uint8_t e[ENTRY_BYTES];
    size_t  wrong;
    m->name[0] = '\0';
    if (d->end - *at < ENTRY_BYTES) return mli_refuse(src, *at, "the directory is too short for its %d entries", d->n);
    if (!mli_source_read(src, *at, e, ENTRY_BYTES)) return false;
    if (memcmp(e, "PK\1\2", 4) != 0) return mli_refuse(src, *at, "an entry of the directory should begin here");
    uint16_t n = mli_u16(e + 28), extra = mli_u16(e + 30), comment = mli_u16(e + 32);
    m->flags = mli_u16(e + 8), m->method = mli_u16(e + 10);
    m->crc = mli_u32(e + 16), m->packed = mli_u32(e + 20), m->unpacked = mli_u32(e + 24), m->local = mli_u32(e + 42);
    if (d->end - *at - ENTRY_BYTES < (uint64_t)n + extra + comment) return mli_refuse(src, *at, "an entry is longer than the directory");
    if (n == 0 || n > MLI_LONGEST_NAME) return mli_refuse(src, *at, "a name of %d bytes; 1 to %d are allowed", n, MLI_LONGEST_NAME);
    if (!mli_source_read(src, *at + ENTRY_BYTES, m->name, n)) return false;
    m->name[n]    = '\0';
    m->name_bytes = n;
    if (!mli_is_utf8(m->name, n, &wrong)) return mli_refuse(src, *at + ENTRY_BYTES + wrong - 1, "a name that is not UTF-8");
    for (int i = 0; i < n; i++)
        if (!(m->flags & IS_UTF8) && (unsigned char)m->name[i] >= 0x80)
            return refuse_member(src, *at, m, "its name is not ASCII, and no flag says that it is UTF-8");
    if (m->flags & (ENCRYPTED | STRONG)) return refuse_member(src, *at, m, "it is encrypted");
    if (m->method != 0 && m->method != 8) return mli_refuse(src, *at, "'%.100s': packed by method %d; stored (0) and deflated (8) are read", m->name, m->method);
    if (m->packed == 0xFFFFFFFFu || m->unpacked == 0xFFFFFFFFu || m->local == 0xFFFFFFFFu)
        return refuse_member(src, *at, m, "it is over 4 GB (zip64), which is not read; safetensors files may be as large");
    if (m->method == 0 && m->packed != m->unpacked) return refuse_member(src, *at, m, "it is stored as it is, and has two sizes");
    if (m->unpacked > m->packed * MLI_MOST_RATIO)
        return mli_refuse(src, *at, "'%.100s': %llu bytes are said to unpack to %llu, which deflate cannot do", m->name, (unsigned long long)m->packed,
                          (unsigned long long)m->unpacked);
    if (n < 5 || memcmp(m->name + n - 4, ".npy", 4) != 0) return refuse_member(src, *at, m, "it is no npy file, and only these are read");
    *at += ENTRY_BYTES + (uint64_t)n + extra + comment;
    return true;
}

/* Sizes in the header before the data: NumPy writes them as zip64 even when they are small. */
static bool local_sizes(const mli_source *src, uint64_t at, uint16_t n, uint64_t *packed, uint64_t *unpacked)
{
    uint8_t field[20];
    for (uint64_t end = at + n; end - at >= 4;) {
        if (!mli_source_read(src, at, field, 4)) return false;
        uint16_t id = mli_u16(field), bytes = mli_u16(field + 2);
        if (bytes > end - at - 4) return mli_refuse(src, at, "an extra field is longer than what it stands in");
        if (id == 1 && bytes >= 16) {
            if (!mli_source_read(src, at + 4, field, 16)) return false;
            if (*unpacked == 0xFFFFFFFFu) *unpacked = mli_u64(field);
            if (*packed == 0xFFFFFFFFu) *packed = mli_u64(field + 8);
            return true;
        }
        at += 4 + (uint64_t)bytes;
    }
    return true;
}

static bool check_local(const mli_source *src, const directory *d, member *m)
{
    uint8_t h[LOCAL_BYTES];
    char    name[MLI_LONGEST_NAME];
    if (m->local > d->at || d->at - m->local < LOCAL_BYTES + (uint64_t)m->name_bytes) return refuse_member(src, m->local, m, "it begins too late in the file");
    if (!mli_source_read(src, m->local, h, LOCAL_BYTES) || !mli_source_read(src, m->local + LOCAL_BYTES, name, (size_t)m->name_bytes)) return false;
    uint16_t n = mli_u16(h + 26), extra = mli_u16(h + 28);
    uint64_t packed = mli_u32(h + 18), unpacked = mli_u32(h + 22);
    if (memcmp(h, "PK\3\4", 4) != 0) return refuse_member(src, m->local, m, "its header should begin here");
    m->data = m->local + LOCAL_BYTES + n + extra;
    if (m->data > d->at || m->packed > d->at - m->data) return refuse_member(src, m->local, m, "it does not fit between its header and the directory");
    if (!local_sizes(src, m->local + LOCAL_BYTES + n, extra, &packed, &unpacked)) return false;
    bool sizes = (m->flags & SIZES_BEHIND) || (packed == m->packed && unpacked == m->unpacked && mli_u32(h + 14) == m->crc);
    if (n != m->name_bytes || memcmp(name, m->name, n) != 0 || mli_u16(h + 8) != m->method || mli_u16(h + 6) != m->flags || !sizes)
        return refuse_member(src, m->local, m, "its header and the directory say different things of it");
    return true;
}

static bool read_member(const mli_source *src, member *m, ml_archive *into)
{
    mli_stream s;
    if (!mli_stream_open(&s, src, m->data, m->data + m->packed, m->method ? MLI_DEFLATED : MLI_PLAIN, m->unpacked)) return false;
    s.with_crc     = true;
    ml_scope scope = ml_scope_begin();
    ml_tensor *t   = mli_npy_read(&s);
    bool       ok  = t != NULL;
    if (ok && s.given != m->unpacked) ok = refuse_member(src, m->data, m, "it unpacks to another size than was said");
    if (ok && s.crc != m->crc) ok = refuse_member(src, m->data, m, "its bytes are not those that were written: the checksum differs");
    m->name[m->name_bytes - 4] = '\0';
    if (ok && !ml_archive_add(into, m->name, t)) {
        char why[256];
        snprintf(why, sizeof why, "%s", ml_error_message());
        ok = mli_refuse(src, m->local, "%s", why);
    }
    ml_scope_end(&scope);
    mli_stream_close(&s);
    return ok;
}

/* Bytes of the file that a member takes. */
typedef struct range {
    uint64_t begin, end;
} range;

static int by_begin(const void *a, const void *b)
{
    const range *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* All members are looked at before the first is unpacked: together they may be too much, or share their bytes, which
 * makes a small file unpack to a huge one. */
static bool check_members(const mli_source *src, const directory *d, member *m, range *ranges)
{
    uint64_t at = d->at, all = 0;
    for (int i = 0; i < d->n; i++) {
        if (!read_entry(src, d, &at, m) || !check_local(src, d, m)) return false;
        ranges[i] = (range){ m->local, m->data + m->packed };
        all += m->unpacked;
        if (all > src->limit && all > src->size) /* what is stored as it is needs no limit */
            return mli_refuse(src, at, "its members unpack to more than %llu bytes; the option limit, or MOONLAB_LOAD_LIMIT, allows more",
                              (unsigned long long)src->limit);
    }
    if (at != d->end) return mli_refuse(src, at, "the directory is longer than its %d entries", d->n);
    qsort(ranges, (size_t)d->n, sizeof *ranges, by_begin);
    for (int i = 1; i < d->n; i++)
        if (ranges[i].begin < ranges[i - 1].end) return mli_refuse(src, ranges[i].begin, "two members share these bytes");
    return true;
}

static bool read_file(const mli_source *src, const ml_load_opts *opts, ml_archive *into)
{
    (void)opts;
    directory d;
    if (!find_end(src, &d)) return false;
    if (d.at + (uint64_t)d.n * ENTRY_BYTES > d.end) return mli_refuse(src, d.at, "the directory is too short for its %d entries", d.n);
    size_t  bytes  = (size_t)d.n * sizeof(range);
    member *m      = ml_realloc(NULL, 0, sizeof *m);
    range  *ranges = m && bytes ? ml_realloc(NULL, 0, bytes) : NULL;
    bool    ok     = m && (ranges || !bytes) && (!bytes || check_members(src, &d, m, ranges));
    if (ok && d.at != d.end && !bytes) ok = mli_refuse(src, d.at, "the directory is longer than its entries");
    uint64_t at = d.at;
    for (int i = 0; ok && i < d.n; i++) ok = read_entry(src, &d, &at, m) && check_local(src, &d, m) && read_member(src, m, into);
    if (ranges) ml_realloc(ranges, bytes, 0);
    if (m) ml_realloc(m, sizeof *m, 0);
    return ok;
}

/* --- writing: everything stored, of one date, so that equal tensors give equal bytes ---------------------------------- */
static void put_u16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put_u32(uint8_t *p, uint64_t v)
{
    put_u16(p, (uint32_t)v & 0xFFFF);
    put_u16(p + 2, (uint32_t)(v >> 16) & 0xFFFF);
}

/* What the header before the data and the entry of the directory share: from the version on to the lengths. */
static void put_common(uint8_t p[26], uint32_t crc, uint64_t bytes, size_t name)
{
    memset(p, 0, 26);
    put_u16(p, 20);            /* version 2.0 is enough to read it */
    put_u16(p + 2, IS_UTF8);
    put_u16(p + 8, 0x21);      /* 1 January 1980, midnight */
    put_u32(p + 10, crc);
    put_u32(p + 14, bytes);
    put_u32(p + 18, bytes);
    put_u16(p + 22, (uint32_t)name);
}

typedef struct placed {
    uint64_t at, bytes;
    uint32_t crc;
} placed;

static bool write_member(const ml_archive *a, int i, mli_sink *sink, placed *where)
{
    char             npy[256], name[MLI_LONGEST_NAME + 8];
    uint8_t          h[LOCAL_BYTES] = "PK\3\4";
    const ml_tensor *t = ml_archive_tensor(a, i);
    int              n = snprintf(name, sizeof name, "%s.npy", ml_archive_name(a, i)), head = mli_npy_header(t, npy);
    *where             = (placed){ sink->written, (uint64_t)head + (uint64_t)ml_tensor_numel(t) * ml_dtype_bytes(ml_tensor_dtype(t)),
                                   (uint32_t)crc32(0, (const uint8_t *)npy, (unsigned)head) };
    if (n > MLI_LONGEST_NAME || n == 4) return ml_fail("save: a name in an npz file has 1 to %d bytes, '%.40s' has %d", MLI_LONGEST_NAME - 4, ml_archive_name(a, i), n - 4);
    if (where->at + where->bytes >= 0xFFFFFFFFu - (1u << 27)) /* room for the directory */
        return ml_fail("save: an npz file holds up to 4 GB; safetensors files may be larger");
    if (!mli_crc_values(t, &where->crc)) return false;
    put_common(h + 4, where->crc, where->bytes, (size_t)n);
    return mli_put(sink, h, LOCAL_BYTES) && mli_put(sink, name, (size_t)n) && mli_put(sink, npy, (size_t)head) && mli_put_values(sink, t);
}

static bool write_entry(const ml_archive *a, int i, mli_sink *sink, const placed *where)
{
    char    name[MLI_LONGEST_NAME + 8];
    uint8_t e[ENTRY_BYTES] = "PK\1\2";
    int     n = snprintf(name, sizeof name, "%s.npy", ml_archive_name(a, i));
    put_u16(e + 4, 20);
    put_common(e + 6, where->crc, where->bytes, (size_t)n);
    put_u32(e + 42, where->at);
    return mli_put(sink, e, ENTRY_BYTES) && mli_put(sink, name, (size_t)n);
}

static bool write_file(const ml_archive *a, mli_sink *sink)
{
    int n = ml_archive_count(a);
    if (n >= MOST_MEMBERS) return ml_fail("save: an npz file holds up to %d tensors, not %d; safetensors holds more", MOST_MEMBERS - 1, n);
    if (ml_archive_n_notes(a) > 0) return ml_fail("save: an npz file holds no notes; safetensors does");
    size_t  bytes  = (size_t)n * sizeof(placed);
    placed *places = bytes ? ml_realloc(NULL, 0, bytes) : NULL;
    bool    ok     = places || !bytes;
    for (int i = 0; ok && i < n; i++) ok = write_member(a, i, sink, &places[i]);
    uint64_t begin = sink->written;
    for (int i = 0; ok && i < n; i++) ok = write_entry(a, i, sink, &places[i]);
    uint8_t end[END_BYTES] = "PK\5\6";
    put_u16(end + 8, (uint32_t)n);
    put_u16(end + 10, (uint32_t)n);
    put_u32(end + 12, sink->written - begin);
    put_u32(end + 16, begin);
    ok = ok && mli_put(sink, end, END_BYTES);
    if (places) ml_realloc(places, bytes, 0);
    return ok;
}

const mli_format mli_npz = { "npz", read_file, write_file };
