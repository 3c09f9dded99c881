/* The log's bytes, for the writer and the reader.
 *
 * The file: an 8-byte mark, u32 version, u32 crc of those twelve; then records. All little-endian.
 * A record: u32 length, u32 crc, payload of length bytes. The crc (zlib's crc32) covers length and payload: a
 * tail of zeros, as a power cut may leave it, is no valid empty record.
 * A payload: u8 kind, then by kind, with text ended by a zero byte:
 *     name        u32 id, text                 before its first use; ids count up from 0
 *     metrics     f64 time, i64 step, (u32 id, f64 value) to the end
 *     event, check, end
 *                 f64 time, i64 step, u8 passed, text, detail
 *     change      f64 time, i64 step, u32 loop, u8 goes_on, name, value
 *     stop        f64 time, i64 step, u32 loop
 * A reader skips kinds that it does not know, so kinds may be added; anything else raises the version. */
#ifndef MOONLAB_RUN_WIRE_H
#define MOONLAB_RUN_WIRE_H

#include "moonlab/run.h"

#include <string.h>
#include <zlib.h>

#define MLI_LOG_MARK     "moonrun\n"
#define MLI_LOG_VERSION  1u
#define MLI_LOG_HEADER   16u
#define MLI_RECORD_HEAD  8u
#define MLI_RECORD_LIMIT (1u << 20) /* a reader refuses longer payloads; the writer stays far below */
#define MLI_RECORD_NAME  64         /* a kind beside those of ml_record_kind */
#define MLI_TIMED_BYTES  17u        /* kind, time, step */
#define MLI_METRIC_BYTES 12u        /* id, value */

static inline uint8_t *mli_put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) *p++ = (uint8_t)(v >> 8 * i);
    return p;
}

static inline uint8_t *mli_put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) *p++ = (uint8_t)(v >> 8 * i);
    return p;
}

static inline uint8_t *mli_put_f64(uint8_t *p, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return mli_put_u64(p, bits);
}

static inline uint32_t mli_get_u32(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) v |= (uint32_t)p[i] << 8 * i;
    return v;
}

static inline uint64_t mli_get_u64(const uint8_t *p)
{
    return mli_get_u32(p) | (uint64_t)mli_get_u32(p + 4) << 32;
}

static inline double mli_get_f64(const uint8_t *p)
{
    uint64_t bits = mli_get_u64(p);
    double   v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Of a record whose length field and payload stand in place. */
static inline uint32_t mli_record_crc(const uint8_t *record, uint32_t length)
{
    uLong crc = crc32(crc32(0, NULL, 0), record, 4);
    return (uint32_t)crc32(crc, record + MLI_RECORD_HEAD, length);
}

static inline void mli_log_header(uint8_t header[MLI_LOG_HEADER])
{
    memcpy(header, MLI_LOG_MARK, 8);
    mli_put_u32(header + 8, MLI_LOG_VERSION);
    mli_put_u32(header + 12, (uint32_t)crc32(crc32(0, NULL, 0), header, 12));
}

#endif
