/* npy: NumPy's file of one array. A magic number, a version, and a header that is the text of a Python dictionary:
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 *
 * It is read by the small grammar below and never evaluated; arrays of objects, which are pickles, are refused. */
#include "io/io_impl.h"

#include "tensor/tensor_impl.h"

#include <string.h>

#define LONGEST_HEADER 65536 /* bytes; NumPy's own are near 100, and it refuses more than 10,000 itself */

typedef struct scan {
    mli_stream *stream;
    const char *text;
    size_t      at, n;
} scan;

typedef struct header {
    bool        has_descr, has_order, has_shape;
    mli_element element;
    bool        big_endian, fortran;
    ml_shape    shape;
} header;

static bool wrong(const scan *s, const char *why)
{
    return mli_stream_refuse(s->stream, "the header is wrong at its byte %zu: %s", s->at, why);
}

static void skip_space(scan *s)
{
    while (s->at < s->n && (s->text[s->at] == ' ' || s->text[s->at] == '\n' || s->text[s->at] == '\t')) s->at++;
}

static bool accept(scan *s, char c)
{
    skip_space(s);
    if (s->at >= s->n || s->text[s->at] != c) return false;
    s->at++;
    return true;
}

static bool expect(scan *s, char c)
{
    char why[] = "a ' ' is missing";
    why[3]     = c;
    return accept(s, c) || wrong(s, why);
}

/* 'text' or "text", without escapes: none is needed in what this grammar knows. */
static bool string(scan *s, const char **text, size_t *n)
{
    skip_space(s);
    char quote = s->at < s->n ? s->text[s->at] : '\0';
    if (quote != '\'' && quote != '"') return wrong(s, "a text in quotes is missing");
    const char *begin = s->text + ++s->at;
    while (s->at < s->n && s->text[s->at] != quote && s->text[s->at] != '\\' && s->text[s->at] != '\n') s->at++;
    if (s->at == s->n || s->text[s->at] != quote) return wrong(s, "a text does not end");
    *text = begin;
    *n    = (size_t)(s->text + s->at++ - begin);
    return true;
}

static bool word(scan *s, const char *word)
{
    skip_space(s);
    size_t n = strlen(word);
    if (s->n - s->at < n || memcmp(s->text + s->at, word, n) != 0) return false;
    s->at += n;
    return true;
}

static bool size(scan *s, int64_t *value)
{
    skip_space(s);
    size_t begin = s->at;
    for (*value = 0; s->at < s->n && s->text[s->at] >= '0' && s->text[s->at] <= '9'; s->at++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, s->text[s->at] - '0', value))
            return wrong(s, "a size is over 2^63 - 1");
    if (s->at == begin) return wrong(s, "a size, a whole number that is not negative, is missing");
    if (s->at < s->n && s->text[s->at] == 'L') s->at++; /* as Python 2 wrote them */
    return true;
}

static bool shape(scan *s, ml_shape *out)
{
    *out = ML_SCALAR;
    if (!expect(s, '(')) return false;
    bool comma = true;
    while (!accept(s, ')')) {
        int64_t value;
        if (!comma) return wrong(s, "a ',' is missing");
        if (out->n == ML_MAX_DIMS) return wrong(s, "more than 8 dimensions");
        if (!size(s, &value)) return false;
        out->size[out->n++] = value;
        comma               = accept(s, ',');
    }
    if (out->n == 1 && !comma) return wrong(s, "(n) is no shape, (n,) is");
    return true;
}

/* '<f4': byte order, kind, bytes. */
static bool descr(scan *s, header *h)
{
    static const struct { const char *code; mli_element element; } known[] = {
        { "b1", MLI_BOOL }, { "u1", MLI_U8 },  { "i1", MLI_I8 },  { "u2", MLI_U16 }, { "i2", MLI_I16 }, { "u4", MLI_U32 },
        { "i4", MLI_I32 },  { "u8", MLI_U64 }, { "i8", MLI_I64 }, { "f2", MLI_F16 }, { "f4", MLI_F32 }, { "f8", MLI_F64 },
    };
    const char *text;
    size_t      n;
    skip_space(s);
    if (s->at < s->n && (s->text[s->at] == '[' || s->text[s->at] == '(')) return wrong(s, "records of several fields are not read");
    if (!string(s, &text, &n)) return false;
    if (memchr(text, 'O', n))
        return wrong(s, "arrays of Python objects are pickles, which can run code: they are never read");
    for (size_t i = 0; n == 3 && i < sizeof known / sizeof *known; i++) {
        if (memcmp(text + 1, known[i].code, 2) != 0) continue;
        h->element           = known[i].element;
        bool           one   = mli_element_bytes(h->element) == 1;
        const uint16_t order = 1;
        h->big_endian        = text[0] == '>' || (text[0] == '=' && *(const uint8_t *)&order != 1);
        if (text[0] == '<' || text[0] == '>' || text[0] == '=' || (text[0] == '|' && one)) return true;
    }
    char why[128];
    bool plain = true;
    for (size_t i = 0; i < n; i++) plain = plain && text[i] >= ' ' && text[i] <= '~';
    snprintf(why, sizeof why, "the dtype '%.*s' is not read; f2, f4, f8, i1 to i8, u1 to u8 and bool are", plain && n < 20 ? (int)n : 0, text);
    return wrong(s, why);
}

static bool entry(scan *s, header *h)
{
    const char *key;
    size_t      n;
    if (!string(s, &key, &n)) return false;
    bool is_descr = n == 5 && memcmp(key, "descr", n) == 0, is_order = n == 13 && memcmp(key, "fortran_order", n) == 0,
         is_shape = n == 5 && memcmp(key, "shape", n) == 0;
    if (!is_descr && !is_order && !is_shape) return wrong(s, "a key that is not descr, fortran_order or shape");
    if ((is_descr && h->has_descr) || (is_order && h->has_order) || (is_shape && h->has_shape)) return wrong(s, "a key is there twice");
    if (!expect(s, ':')) return false;
    h->has_descr |= is_descr;
    h->has_order |= is_order;
    h->has_shape |= is_shape;
    if (is_descr) return descr(s, h);
    if (is_shape) return shape(s, &h->shape);
    h->fortran = word(s, "True");
    return h->fortran || word(s, "False") || wrong(s, "True or False is missing");
}

static bool dictionary(scan *s, header *h)
{
    if (!expect(s, '{')) return false;
    bool comma = true;
    while (!accept(s, '}')) {
        if (!comma) return wrong(s, "a ',' is missing");
        if (!entry(s, h)) return false;
        comma = accept(s, ',');
    }
    if (!h->has_descr || !h->has_order || !h->has_shape) return wrong(s, "descr, fortran_order and shape must be there");
    skip_space(s);
    return s->at == s->n || wrong(s, "something follows the dictionary");
}

static bool read_header(mli_stream *s, header *h)
{
    uint8_t magic[8], length[4];
    if (!mli_stream_read(s, magic, 8)) return false;
    if (memcmp(magic, "\x93NUMPY", 6) != 0) return mli_stream_refuse(s, "this is no npy file: it does not begin with \\x93NUMPY");
    if (magic[6] < 1 || magic[6] > 3 || magic[7] != 0)
        return mli_stream_refuse(s, "version %d.%d of npy is not known; 1.0, 2.0 and 3.0 are", magic[6], magic[7]);
    if (!mli_stream_read(s, length, magic[6] == 1 ? 2 : 4)) return false;
    uint32_t n = magic[6] == 1 ? mli_u16(length) : mli_u32(length);
    if (n > LONGEST_HEADER) return mli_stream_refuse(s, "a header of %u bytes; %d are allowed", n, LONGEST_HEADER);
    if (n > mli_stream_left(s)) return mli_stream_refuse(s, "a header of %u bytes, where %llu follow", n, (unsigned long long)mli_stream_left(s));
    char *text = ml_realloc(NULL, 0, (size_t)n + 1);
    if (!text) return false;
    scan all = { .stream = s, .text = text, .n = n };
    bool ok  = mli_stream_read(s, text, n) && dictionary(&all, h);
    ml_realloc(text, (size_t)n + 1, 0);
    return ok;
}

/* Fortran's order is ours of the reversed shape. */
static ml_tensor *turned(ml_tensor *t)
{
    ml_shape back;
    int64_t  strides[ML_MAX_DIMS];
    if (!t) return NULL;
    back.n = t->shape.n;
    for (int i = 0; i < back.n; i++) {
        back.size[i] = t->shape.size[back.n - 1 - i];
        strides[i]   = t->strides[back.n - 1 - i];
    }
    return ml_clone(mli_view(t, back, strides, 0));
}

ml_tensor *mli_npy_read(mli_stream *s)
{
    header   h = { .has_descr = false };
    ml_scope scope = ml_scope_begin();
    ml_tensor *t = NULL;
    if (read_header(s, &h)) {
        ml_shape in_file = h.shape;
        for (int i = 0; h.fortran && i < in_file.n; i++) in_file.size[i] = h.shape.size[in_file.n - 1 - i];
        t = mli_read_values(s, h.element, h.big_endian, in_file);
        if (h.fortran && h.shape.n > 1) t = turned(t);
        if (t && !mli_stream_finish(s)) t = NULL;
    }
    return ml_scope_return(&scope, t);
}

static bool read_file(const mli_source *source, const ml_load_opts *opts, ml_archive *into)
{
    (void)opts;
    mli_stream s;
    ml_scope   scope = ml_scope_begin();
    bool       ok    = mli_stream_open_all(&s, source);
    if (ok) {
        ok = ml_archive_add(into, "", mli_npy_read(&s));
        mli_stream_close(&s);
    }
    ml_scope_end(&scope);
    return ok;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */
int mli_npy_header(const ml_tensor *t, char out[256])
{
    static const char *const codes[ML_DTYPE_COUNT] = {
        [ML_F32] = "<f4", [ML_F64] = "<f8", [ML_I64] = "<i8", [ML_U8] = "|u1", [ML_BOOL] = "|b1",
    };
    ml_shape shape = ml_tensor_shape(t);
    char     text[246], sizes[200] = "";
    int      used = 0;
    for (int i = 0; i < shape.n; i++) used += snprintf(sizes + used, sizeof sizes - (size_t)used, i ? ", %lld" : "%lld", (long long)shape.size[i]);
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }", codes[ml_tensor_dtype(t)], sizes,
                     shape.n == 1 ? "," : "");
    int whole = (10 + n + 1 + 63) / 64 * 64; /* the values begin at a multiple of 64 bytes */
    memcpy(out, "\x93NUMPY\x01", 8);          /* with the zero behind it: version 1.0 */
    out[8] = (char)((whole - 10) & 255);
    out[9] = (char)((whole - 10) >> 8);
    memset(out + 10, ' ', (size_t)whole - 10);
    memcpy(out + 10, text, (size_t)n);
    out[whole - 1] = '\n';
    return whole;
}

static bool write_file(const ml_archive *a, mli_sink *sink)
{
    char head[256];
    if (ml_archive_count(a) != 1)
        return ml_fail("save: an npy file holds one tensor, %d were given; npz and safetensors hold many", ml_archive_count(a));
    const ml_tensor *t = ml_archive_tensor(a, 0);
    int              n = mli_npy_header(t, head);
    return mli_put(sink, head, (size_t)n) && mli_put_values(sink, t);
}

const mli_format mli_npy = { "npy", read_file, write_file };
