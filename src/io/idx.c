/* IDX, the files of MNIST: two zeros, a type, the number of dimensions; their sizes; the values. All big-endian. */
#include "io/io_impl.h"

#define MOST_DIMS 4

static bool element(int code, mli_element *e)
{
    switch (code) {
    case 0x08: *e = MLI_U8; return true;
    case 0x09: *e = MLI_I8; return true;
    case 0x0B: *e = MLI_I16; return true;
    case 0x0C: *e = MLI_I32; return true;
    case 0x0D: *e = MLI_F32; return true;
    case 0x0E: *e = MLI_F64; return true;
    default: return false;
    }
}

static ml_tensor *read_tensor(mli_stream *s)
{
    uint8_t     magic[4], sizes[4 * MOST_DIMS];
    mli_element e;
    ml_shape    shape = ML_SCALAR;
    if (!mli_stream_read(s, magic, 4)) return NULL;
    if (magic[0] != 0 || magic[1] != 0) return mli_stream_refuse(s, "this is no IDX file: it does not begin with two zeros"), NULL;
    if (!element(magic[2], &e)) return mli_stream_refuse(s, "IDX has no type 0x%02x; 08, 09, 0b, 0c, 0d and 0e are known", magic[2]), NULL;
    if (magic[3] < 1 || magic[3] > MOST_DIMS) return mli_stream_refuse(s, "%d dimensions; 1 to %d are read", magic[3], MOST_DIMS), NULL;
    if (!mli_stream_read(s, sizes, 4 * (size_t)magic[3])) return NULL;
    for (shape.n = 0; shape.n < magic[3]; shape.n++) {
        const uint8_t *p      = sizes + 4 * shape.n;
        shape.size[shape.n] = (int64_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
    }
    ml_tensor *t = mli_read_values(s, e, true, shape);
    return t && mli_stream_finish(s) ? t : NULL;
}

static bool read_file(const mli_source *source, const ml_load_opts *opts, ml_archive *into)
{
    (void)opts;
    mli_stream s;
    if (!mli_stream_open_all(&s, source)) return false;
    ml_scope scope = ml_scope_begin();
    bool     ok    = ml_archive_add(into, "", read_tensor(&s));
    ml_scope_end(&scope);
    mli_stream_close(&s);
    return ok;
}

const mli_format mli_idx = { "idx", read_file, NULL };
