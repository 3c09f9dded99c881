/* safetensors: eight bytes that say how long the header is, the header (safetensors_header.c), and the values of all tensors,
 * one behind the other without gaps. */
#include "io/safetensors.h"

#include "tensor/tensor_impl.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_HEADER ((uint64_t)16 << 20)

/* --- reading --------------------------------------------------------------------------------------------------------- */
static int by_place(const void *a, const void *b)
{
    const mli_entry *x = *(mli_entry *const *)a, *y = *(mli_entry *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Every byte belongs to one tensor: none to two, none to none. Tensors without values may stand between others. */
static bool check_places(const mli_source *src, const mli_header *h, uint64_t data)
{
    size_t      bytes = (size_t)h->n * sizeof(mli_entry *);
    mli_entry **order = bytes ? ml_realloc(NULL, 0, bytes) : NULL;
    uint64_t    at    = 0;
    bool        ok    = order || !bytes;
    for (int i = 0; ok && i < h->n; i++) order[i] = &h->entries[i];
    if (ok && bytes) qsort(order, (size_t)h->n, sizeof *order, by_place);
    for (int i = 0; ok && i < h->n; i++) {
        if (order[i]->begin != at)
            ok = mli_refuse(src, data + at, "%s: '%.100s' begins at byte %llu of the values, the one before it ends at %llu",
                            order[i]->begin < at ? "two tensors share bytes" : "bytes that belong to no tensor", order[i]->name,
                            (unsigned long long)order[i]->begin, (unsigned long long)at);
        at = order[i]->end;
    }
    if (ok && at != h->data_bytes) ok = mli_refuse(src, data + at, "%llu bytes follow the last tensor", (unsigned long long)(h->data_bytes - at));
    if (order) ml_realloc(order, bytes, 0);
    return ok;
}

static bool read_tensor(const mli_source *src, const mli_entry *e, uint64_t data, ml_archive *into)
{
    mli_stream s;
    ml_scope   scope = ml_scope_begin();
    bool       ok    = mli_stream_open(&s, src, data + e->begin, data + e->end, MLI_PLAIN, e->end - e->begin);
    ml_tensor *t     = ok ? mli_read_values(&s, e->element, false, e->shape) : NULL;
    ok               = t && ml_archive_add(into, e->name, t);
    if (t && !ok) {
        char why[256];
        snprintf(why, sizeof why, "%s", ml_error_message());
        mli_refuse(src, 8, "%s", why);
    }
    ml_scope_end(&scope);
    return ok;
}

static bool read_file(const mli_source *src, const ml_load_opts *opts, ml_archive *into)
{
    (void)opts;
    uint8_t length[8];
    if (src->size < 8) return mli_refuse(src, 0, "%llu bytes are too few for a safetensors file", (unsigned long long)src->size);
    if (!mli_source_read(src, 0, length, 8)) return false;
    uint64_t n = mli_u64(length);
    if (n > src->size - 8) return mli_refuse(src, 0, "a header of %llu bytes, where %llu follow", (unsigned long long)n, (unsigned long long)(src->size - 8));
    if (n > LONGEST_HEADER) return mli_refuse(src, 0, "a header of %llu bytes; 16 MB are allowed", (unsigned long long)n);
    char *text = ml_realloc(NULL, 0, (size_t)n + 1);
    if (!text) return false;
    mli_header h    = { .data_bytes = src->size - 8 - n };
    mli_scan   scan = { src, text, text, text + n };
    bool       ok   = mli_source_read(src, 8, text, (size_t)n) && mli_header_read(&scan, &h, into) && check_places(src, &h, 8 + n);
    for (int i = 0; ok && i < h.n; i++) ok = read_tensor(src, &h.entries[i], 8 + n, into);
    ml_realloc(h.entries, (size_t)h.room * sizeof *h.entries, 0);
    ml_realloc(text, (size_t)n + 1, 0);
    return ok;
}

/* --- writing: the widest dtype first, so that every value lies on a multiple of its size; then by name ---------------- */
typedef struct named {
    const char      *name;
    const ml_tensor *t;
} named;

static int in_order(const void *a, const void *b)
{
    const named *x = a, *y = b;
    size_t       wide = ml_dtype_bytes(ml_tensor_dtype(x->t)), other = ml_dtype_bytes(ml_tensor_dtype(y->t));
    if (wide != other) return wide > other ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool put_text(mli_sink *s, const char *text)
{
    bool ok = mli_put(s, "\"", 1);
    for (const char *p = text; ok && *p;) {
        size_t plain = strcspn(p, "\"\\\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0B\x0C\r\x0E\x0F\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F");
        char   code[8];
        ok = mli_put(s, p, plain);
        p += plain;
        if (!*p) break;
        int n = *p == '"' || *p == '\\' ? snprintf(code, sizeof code, "\\%c", *p) : snprintf(code, sizeof code, "\\u%04x", (unsigned)*p);
        ok    = ok && mli_put(s, code, (size_t)n);
        p++;
    }
    return ok && mli_put(s, "\"", 1);
}

static bool put_notes(const ml_archive *a, mli_sink *s)
{
    bool ok = mli_put(s, "\"__metadata__\":{", 16);
    for (int i = 0; ok && i < ml_archive_n_notes(a); i++)
        ok = (i == 0 || mli_put(s, ",", 1)) && put_text(s, ml_archive_note_name(a, i)) && mli_put(s, ":", 1) && put_text(s, ml_archive_note_text(a, i));
    return ok && mli_put(s, "}", 1);
}

static bool put_entry(const named *one, uint64_t *at, mli_sink *s)
{
    static const char *const dtypes[ML_DTYPE_COUNT] = { [ML_F32] = "F32", [ML_F64] = "F64", [ML_I64] = "I64", [ML_U8] = "U8", [ML_BOOL] = "BOOL" };
    ml_shape shape = ml_tensor_shape(one->t);
    ml_dtype dtype = ml_tensor_dtype(one->t);
    uint64_t end   = *at + (uint64_t)ml_tensor_numel(one->t) * ml_dtype_bytes(dtype);
    char     text[400];
    int      n = snprintf(text, sizeof text, ":{\"dtype\":\"%s\",\"shape\":[", dtypes[dtype]);
    for (int i = 0; i < shape.n; i++) n += snprintf(text + n, sizeof text - (size_t)n, i ? ",%lld" : "%lld", (long long)shape.size[i]);
    n += snprintf(text + n, sizeof text - (size_t)n, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)*at, (unsigned long long)end);
    *at = end;
    return put_text(s, one->name) && mli_put(s, text, (size_t)n);
}

static bool put_header(const ml_archive *a, const named *list, int n, mli_sink *s)
{
    uint64_t at    = 0;
    bool     notes = ml_archive_n_notes(a) > 0;
    bool     ok    = mli_put(s, "{", 1) && (!notes || put_notes(a, s));
    for (int i = 0; ok && i < n; i++) ok = ((i == 0 && !notes) || mli_put(s, ",", 1)) && put_entry(&list[i], &at, s);
    ok = ok && mli_put(s, "}", 1);
    while (ok && s->used % 8 != 0) ok = mli_put(s, " ", 1); /* the values begin at a multiple of 8 bytes */
    return ok;
}

static bool write_all(const ml_archive *a, const named *list, int n, mli_sink *sink)
{
    mli_sink header = { 0 };
    uint8_t  length[8];
    bool     ok = put_header(a, list, n, &header);
    if (ok && header.used > LONGEST_HEADER) ok = ml_fail("save: the names and notes take %zu bytes; 16 MB are allowed", header.used);
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header.used >> 8 * i);
    ok = ok && mli_put(sink, length, 8) && mli_put(sink, header.bytes, header.used);
    ml_realloc(header.bytes, header.capacity, 0);
    for (int i = 0; ok && i < n; i++) ok = mli_put_values(sink, list[i].t);
    return ok;
}

static bool write_file(const ml_archive *a, mli_sink *sink)
{
    int n = ml_archive_count(a);
    if (n > MLI_MOST_TENSORS) return ml_fail("save: %d tensors; a safetensors file holds up to %d here", n, MLI_MOST_TENSORS);
    size_t bytes = (size_t)n * sizeof(named);
    named *list  = bytes ? ml_realloc(NULL, 0, bytes) : NULL;
    bool   ok    = list || !bytes;
    for (int i = 0; ok && i < n; i++) {
        list[i] = (named){ ml_archive_name(a, i), ml_archive_tensor(a, i) };
        if (strcmp(list[i].name, "__metadata__") == 0) ok = ml_fail("save: no tensor can be called __metadata__ in a safetensors file: notes are");
    }
    if (ok && bytes) qsort(list, (size_t)n, sizeof *list, in_order);
    ok = ok && write_all(a, list, n, sink);
    if (list) ml_realloc(list, bytes, 0);
    return ok;
}

const mli_format mli_safetensors = { "safetensors", read_file, write_file };
