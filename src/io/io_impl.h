/* The inside of reading and writing: where bytes come from, what numbers they are, where they go. */
#ifndef MOONLAB_IO_IMPL_H
#define MOONLAB_IO_IMPL_H

#include "moonlab/io.h"

#include <stdio.h>

/* Deflate makes at most 258 bytes of two bits: no more than 1032 times what it is given. */
#define MLI_MOST_RATIO 1032u
#define MLI_LONGEST_NAME 1024 /* bytes */

/* --- source.c: the bytes of a file, or of memory ---------------------------------------------------------------- */
typedef struct mli_source {
    const char    *name;   /* for messages */
    uint64_t       size;
    uint64_t       limit;  /* of bytes that it may unpack to */
    const uint8_t *memory; /* NULL: read from fd */
    int            fd;
} mli_source;

bool mli_source_open(mli_source *s, const char *path); /* regular files only */
void mli_source_close(mli_source *s);
bool mli_source_read(const mli_source *s, uint64_t at, void *to, size_t n); /* all n of them, or false with a message */
/* False, with "load: 'name', byte 12: reason". */
bool mli_refuse(const mli_source *s, uint64_t at, const char *format, ...) ML_PRINTF(3, 4);

/* --- stream.c: bytes one after the other, unpacked on the way ------------------------------------------------------ */
typedef enum mli_packing { MLI_PLAIN, MLI_DEFLATED, MLI_GZIPPED } mli_packing;

typedef struct mli_unpacker mli_unpacker;
typedef struct mli_stream {
    const mli_source *source;
    uint64_t          first, at, end; /* the range of the source, and how far it was read */
    uint64_t          given;          /* bytes that came out so far */
    uint64_t          most;           /* bytes that may come out in all */
    mli_unpacker     *unpacker;       /* NULL: plain */
    uint32_t          crc;            /* of what came out, when asked for */
    bool              with_crc;
} mli_stream;

/* The bytes first..end-1 of the source. most: what they may unpack to; for plain ones their number. */
bool     mli_stream_open(mli_stream *s, const mli_source *source, uint64_t first, uint64_t end, mli_packing packing, uint64_t most);
bool     mli_stream_open_all(mli_stream *s, const mli_source *source); /* the whole of it, unpacked when it is gzip */
void     mli_stream_close(mli_stream *s);
bool     mli_stream_read(mli_stream *s, void *to, size_t n);  /* n bytes, or false with a message */
bool     mli_stream_some(mli_stream *s, void *to, size_t n, size_t *got); /* as many as there are, up to n */
bool     mli_stream_finish(mli_stream *s);                    /* that was all: nothing follows, and nothing is missing */
uint64_t mli_stream_left(const mli_stream *s);                /* no more bytes than these can come */
/* False, with the place: the byte of the file, or of what it unpacks to. */
bool     mli_stream_refuse(const mli_stream *s, const char *format, ...) ML_PRINTF(2, 3);

/* --- element.c: the numbers of files --------------------------------------------------------------------------------- */
typedef enum mli_element {
    MLI_BOOL, MLI_U8, MLI_I8, MLI_U16, MLI_I16, MLI_U32, MLI_I32, MLI_U64, MLI_I64, MLI_F16, MLI_BF16, MLI_F32, MLI_F64,
    MLI_ELEMENT_COUNT
} mli_element;

size_t      mli_element_bytes(mli_element e);
ml_dtype    mli_element_dtype(mli_element e);  /* what it becomes */
mli_element mli_element_of(ml_dtype dtype);
/* The values of shape, row by row, from a stream: refused before memory is taken when the stream cannot have them. */
ml_tensor  *mli_read_values(mli_stream *s, mli_element e, bool big_endian, ml_shape shape);
/* Bytes of that many elements in the file; false, without a message, when they, or those of the tensor, are over 62 bits. */
bool        mli_values_bytes(mli_element e, const ml_shape *shape, uint64_t *bytes);

uint16_t mli_u16(const void *p); /* little-endian, anywhere */
uint32_t mli_u32(const void *p);
uint64_t mli_u64(const void *p);

/* --- sink.c: where bytes go ------------------------------------------------------------------------------------------- */
typedef struct mli_sink {
    ml_file *file;     /* NULL: memory */
    char    *bytes;
    size_t   used, capacity;
    uint64_t written;
} mli_sink;

bool mli_put(mli_sink *s, const void *bytes, size_t n);
bool mli_put_values(mli_sink *s, const ml_tensor *t);     /* row by row, little-endian */
bool mli_crc_values(const ml_tensor *t, uint32_t *crc);   /* of what that writes */

/* --- text.c: what names may be ---------------------------------------------------------------------------------------- */
/* Whole UTF-8 without a zero; where it stops being that, when not. */
bool mli_is_utf8(const char *text, size_t n, size_t *wrong);

/* --- the formats --------------------------------------------------------------------------------------------------------- */
typedef struct mli_format {
    const char *name;
    bool (*read)(const mli_source *source, const ml_load_opts *opts, ml_archive *into);
    bool (*write)(const ml_archive *a, mli_sink *sink); /* NULL: cannot be written */
} mli_format;
extern const mli_format mli_npy, mli_npz, mli_safetensors, mli_idx, mli_cifar10, mli_cifar100, mli_csv;

ml_tensor *mli_npy_read(mli_stream *s);               /* in the innermost scope */
int        mli_npy_header(const ml_tensor *t, char out[256]); /* its length */

#endif
