/* Which format a file has, and the way in and out for all of them. */
#include "io/io_impl.h"

#include "tensor/tensor_impl.h"

#include <string.h>

static const mli_format *const formats[ML_FORMAT_COUNT] = {
    [ML_NPY] = &mli_npy,         [ML_NPZ] = &mli_npz,           [ML_SAFETENSORS] = &mli_safetensors, [ML_IDX] = &mli_idx,
    [ML_CIFAR10] = &mli_cifar10, [ML_CIFAR100] = &mli_cifar100, [ML_CSV] = &mli_csv,
};

const char *ml_format_name(ml_format f)
{
    return f > ML_FORMAT_GUESS && f < ML_FORMAT_COUNT ? formats[f]->name : "?";
}

bool ml_format_parse(const char *name, ml_format *f)
{
    const char *known[ML_FORMAT_COUNT];
    for (int i = 1; i < ML_FORMAT_COUNT; i++) {
        known[i - 1] = formats[i]->name;
        if (strcmp(name, formats[i]->name) != 0) continue;
        *f = (ml_format)i;
        return true;
    }
    const char *near = ml_nearest_word(name, known, ML_FORMAT_COUNT - 1);
    return ml_fail("no format is called '%.40s'%s%s%s; they are npy, npz, safetensors, idx, cifar10, cifar100 and csv", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* --- reading --------------------------------------------------------------------------------------------------------------- */
static bool named(const char *name, const char *ending)
{
    size_t n = strlen(name), k = strlen(ending);
    return n >= k && strcmp(name + n - k, ending) == 0;
}

/* By the first bytes, unpacked where the file is gzip. */
static bool by_content(const mli_source *src, ml_format *f)
{
    mli_stream s;
    uint8_t    head[9];
    size_t     n;
    *f = ML_FORMAT_GUESS;
    if (!mli_stream_open_all(&s, src)) return false;
    bool ok = mli_stream_some(&s, head, sizeof head, &n);
    mli_stream_close(&s);
    if (!ok) return false;
    if (n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0) *f = ML_NPY;
    else if (n >= 4 && (memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0)) *f = ML_NPZ;
    else if (n == 9 && head[8] == '{' && mli_u64(head) <= src->size - 8) *f = ML_SAFETENSORS;
    else if (n >= 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 && head[3] >= 1) *f = ML_IDX;
    return true;
}

/* The end of a name decides only where the content does not: a file is often not what it is called. */
static bool guess(const mli_source *src, ml_format *f)
{
    static const struct { const char *ending; ml_format format; } endings[] = {
        { ".npy", ML_NPY },         { ".npy.gz", ML_NPY },    { ".npz", ML_NPZ },         { ".safetensors", ML_SAFETENSORS },
        { "-ubyte", ML_IDX },       { "-ubyte.gz", ML_IDX },  { ".idx", ML_IDX },         { ".idx.gz", ML_IDX },
        { ".csv", ML_CSV },         { ".csv.gz", ML_CSV },    { ".tsv", ML_CSV },         { ".tsv.gz", ML_CSV },
    };
    if (!by_content(src, f)) return false;
    for (size_t i = 0; *f == ML_FORMAT_GUESS && i < sizeof endings / sizeof *endings; i++)
        if (named(src->name, endings[i].ending)) *f = endings[i].format;
    if (*f != ML_FORMAT_GUESS) return true;
    return mli_refuse(src, 0, "neither its content nor its name says what it is; name the format: npy, npz, safetensors, idx, cifar10, cifar100 or csv");
}

static ml_archive *read_source(mli_source *src, const ml_load_opts *given)
{
    ml_load_opts opts = given ? *given : (ml_load_opts){ .base = 0 };
    src->limit        = opts.limit ? opts.limit : ml_load_limit();
    if (opts.format < 0 || opts.format >= ML_FORMAT_COUNT) return ml_fail("load: there is no format %d", (int)opts.format);
    if (opts.delimiter == '"' || opts.delimiter == '\n' || opts.delimiter == '\r') return ml_fail("load: a quote or a line's end is no delimiter");
    if (opts.format == ML_FORMAT_GUESS && !guess(src, &opts.format)) return NULL;
    ml_archive *a = ml_archive_new();
    if (a && formats[opts.format]->read(src, &opts, a)) return a;
    ml_archive_free(a);
    return NULL;
}

ml_archive *ml_load(const char *path, const ml_load_opts *opts)
{
    mli_source src;
    if (!mli_source_open(&src, path)) return NULL;
    ml_archive *a = read_source(&src, opts);
    mli_source_close(&src);
    return a;
}

ml_archive *ml_load_bytes(const void *bytes, size_t n, const char *name, const ml_load_opts *opts)
{
    mli_source src = { .name = name ? name : "bytes", .size = n, .memory = bytes ? bytes : "", .fd = -1 };
    return read_source(&src, opts);
}

/* --- writing ----------------------------------------------------------------------------------------------------------------- */
static bool can_write(const ml_archive *a, ml_format f)
{
    if (!a) return false;
    if (f <= ML_FORMAT_GUESS || f >= ML_FORMAT_COUNT || !formats[f]->write)
        return ml_fail("save: %s files are not written; npy, npz and safetensors are", ml_format_name(f));
    for (int i = 0; i < ml_archive_count(a); i++)
        if (!mli_has_values("save", ml_archive_tensor(a, i))) return false;
    return true;
}

bool ml_save(const char *path, const ml_archive *a, const ml_format *format)
{
    static const ml_format written[] = { ML_NPY, ML_NPZ, ML_SAFETENSORS };
    ml_format              f         = format ? *format : ML_FORMAT_GUESS;
    char                   ending[16];
    if (!path || !*path) return ml_fail("save: a file needs a name");
    for (int i = 0; f == ML_FORMAT_GUESS && i < 3; i++) {
        snprintf(ending, sizeof ending, ".%s", formats[written[i]]->name);
        if (named(path, ending)) f = written[i];
    }
    if (f == ML_FORMAT_GUESS) return ml_fail("save: '%.700s' must end in .npy, .npz or .safetensors, or the format be named", path);
    if (!can_write(a, f)) return false;
    mli_sink sink = { .file = ml_file_begin(path) };
    return sink.file && ml_file_end(sink.file, formats[f]->write(a, &sink));
}

void *ml_save_bytes(const ml_archive *a, ml_format format, size_t *n)
{
    mli_sink sink = { 0 };
    if (!can_write(a, format)) return NULL;
    bool  ok    = formats[format]->write(a, &sink);
    char *bytes = ok ? ml_realloc(sink.bytes, sink.capacity, sink.used) : NULL;
    if (!bytes) ml_realloc(sink.bytes, sink.capacity, 0);
    *n = sink.used;
    return bytes;
}
