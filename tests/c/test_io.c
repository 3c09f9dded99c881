/* Readers and writers of files. The seeds are those of the fuzzers; what numpy writes and reads is in tests/lua/io_spec.lua. */
#define _GNU_SOURCE
#include "run_helper.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <zlib.h>

#include "../fuzz/fuzz.h"
#include "moonlab/io.h"
#include "moonlab/ops.h"

static size_t live;

static void begin(void)
{
    make_folder();
    ml_scope scope = ml_scope_begin();
    for (int i = 0; i < 1000; i++) ml_scalar(1, ML_F32); /* the thread's own lists are there, as long as any test needs them */
    ml_scope_end(&scope);
    live = ml_memory().live;
}

static void end(void)
{
    cr_expect(ml_memory().live == live, "%zu bytes leak", ml_memory().live - live);
    remove_folder();
}

TestSuite(io, .init = begin, .fini = end);

/* --- helpers ----------------------------------------------------------------------------------------------------------- */
static ml_archive *load(ml_format format, const void *data, size_t n)
{
    return ml_load_bytes(data, n, "x", &(ml_load_opts){ .format = format });
}

#define refused(format, bytes, n, words)                                                                                       \
    do {                                                                                                                       \
        ml_error_clear();                                                                                                      \
        ml_archive *got = load(format, bytes, n);                                                                              \
        cr_expect(!got && contains(ml_error_message(), words), "line %d: '%s' lacks '%s'", __LINE__, got ? "loaded" : ml_error_message(), words); \
        ml_archive_free(got);                                                                                                  \
        ml_error_clear();                                                                                                      \
    } while (0)

static ml_archive *one(const char *name, ml_tensor *t)
{
    ml_archive *a = ml_archive_new();
    cr_assert(ml_archive_add(a, name, t), "%s", ml_error_message());
    return a;
}

static void expect_same(const ml_tensor *a, const ml_tensor *b)
{
    ml_shape x = ml_tensor_shape(a), y = ml_tensor_shape(b);
    cr_assert(ml_tensor_dtype(a) == ml_tensor_dtype(b) && ml_shape_equal(&x, &y), "%s %s and %s %s", ml_dtype_name(ml_tensor_dtype(a)), ml_shape_text(&x),
              ml_dtype_name(ml_tensor_dtype(b)), ml_shape_text(&y));
    size_t n = (size_t)ml_tensor_numel(a) * ml_dtype_bytes(ml_tensor_dtype(a));
    char  *va = malloc(n + 1), *vb = malloc(n + 1);
    ml_tensor_copy_out(a, ml_tensor_dtype(a), va);
    ml_tensor_copy_out(b, ml_tensor_dtype(b), vb);
    cr_expect(memcmp(va, vb, n) == 0, "values of %s %s differ", ml_dtype_name(ml_tensor_dtype(a)), ml_shape_text(&x));
    free(va);
    free(vb);
}

/* The only tensor of a file as doubles. */
static int values_of(ml_archive *a, double *out, int most)
{
    cr_assert(a && ml_archive_count(a) == 1, "%s", ml_error_message());
    const ml_tensor *t = ml_archive_tensor(a, 0);
    cr_assert(ml_tensor_numel(t) <= most);
    ml_tensor_copy_out(t, ML_F64, out);
    return (int)ml_tensor_numel(t);
}

static void expect_values(ml_archive *a, ml_dtype dtype, const double *values, int n)
{
    double got[64];
    int    count = values_of(a, got, 64);
    cr_expect(ml_tensor_dtype(ml_archive_tensor(a, 0)) == dtype && count == n, "%d values of %s", count, ml_dtype_name(ml_tensor_dtype(ml_archive_tensor(a, 0))));
    for (int i = 0; i < n && i < count; i++)
        cr_expect(got[i] == values[i] || (isnan(got[i]) && isnan(values[i])), "value %d is %g, not %g", i, got[i], values[i]);
    ml_archive_free(a);
}

static bytes npy(int version, const char *dictionary, const void *values, size_t n)
{
    bytes  b    = { calloc(1, strlen(dictionary) + n + 16), 0 };
    size_t size = strlen(dictionary), head = version == 1 ? 10 : 12;
    memcpy(b.data, "\x93NUMPY", 6);
    b.data[6] = (char)version;
    b.data[8] = (char)(size & 255), b.data[9] = (char)(size >> 8);
    memcpy(b.data + head, dictionary, size);
    memcpy(b.data + head + size, values, n);
    b.n = head + size + n;
    return b;
}

static void npy_gives(const char *dictionary, const void *bits, size_t n, ml_dtype dtype, const double *values, int count)
{
    bytes b = npy(1, dictionary, bits, n);
    expect_values(load(ML_NPY, b.data, b.n), dtype, values, count);
    free(b.data);
}

static void npy_refuses(int version, const char *dictionary, const void *values, size_t n, const char *words)
{
    bytes b = npy(version, dictionary, values, n);
    refused(ML_NPY, b.data, b.n, words);
    free(b.data);
}

static bytes with_header(const char *header, size_t data)
{
    size_t n = strlen(header);
    bytes  b = { calloc(1, 8 + n + data + 1), 8 + n + data };
    for (int i = 0; i < 8; i++) b.data[i] = (char)(n >> 8 * i);
    memcpy(b.data + 8, header, n);
    return b;
}

static void safetensors_refuses(const char *header, size_t data, const char *words)
{
    bytes b = with_header(header, data);
    refused(ML_SAFETENSORS, b.data, b.n, words);
    free(b.data);
}

static bytes gzipped(const void *data, size_t n)
{
    z_stream z = { 0 };
    bytes    b = { malloc(n + 100), 0 };
    cr_assert(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (void *)(uintptr_t)data, z.avail_in = (unsigned)n, z.next_out = (void *)b.data, z.avail_out = (unsigned)n + 100;
    cr_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    b.n = z.total_out;
    deflateEnd(&z);
    return b;
}

/* --- there and back --------------------------------------------------------------------------------------------------------- */
Test(io, what_is_saved_is_loaded_to_the_bit)
{
    static const char *const names[] = { "a.npy", "a.npz", "a.safetensors" };
    ml_scope scope = ml_scope_begin();
    for (int d = 0; d < ML_DTYPE_COUNT; d++) {
        ml_tensor *x     = ml_cast(ml_mul(ml_randn(ML_SHAPE(3, 4, 5), ML_F64, ml_key_of(1, 0)), ml_scalar(50, ML_F64)), &(ml_cast_opts){ (ml_dtype)d });
        ml_tensor *all[] = { x, ml_transpose(x, &(ml_transpose_opts){ 0, 2 }), ml_zeros(ML_SHAPE(0, 3), (ml_dtype)d), ml_scalar(1, (ml_dtype)d),
                             ml_zeros(ML_SHAPE(1, 1, 1, 1, 1, 1, 1, 2), (ml_dtype)d), ml_ones(ML_SHAPE(7), (ml_dtype)d) };
        for (int i = 0; i < 6; i++)
            for (int k = 0; k < 3; k++) {
                ml_archive *a = one("x.1 é", all[i]);
                cr_assert(ml_save(in_folder(names[k]), a, NULL), "%s", ml_error_message());
                ml_archive *b = ml_load(in_folder(names[k]), NULL);
                cr_assert(b && ml_archive_count(b) == 1, "%s", ml_error_message());
                expect_same(all[i], ml_archive_tensor(b, 0));
                cr_expect_str_eq(ml_archive_name(b, 0), k == 0 ? "" : "x.1 é");
                ml_archive_free(a);
                ml_archive_free(b);
            }
    }
    cr_expect_eq(entries_in(folder), 3, "nothing is left beside the files");
    ml_scope_end(&scope);
}

Test(io, many_tensors_keep_their_names_and_notes)
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = ml_archive_new();
    char        name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "layer.%d", (i * 7919) % 300);
        cr_assert(ml_archive_add(a, name, ml_scalar(i, i % 2 ? ML_F64 : ML_U8)));
    }
    expect_fails(ml_archive_add(a, "layer.7", ml_scalar(1, ML_F32)), "two tensors called 'layer.7'");
    expect_fails(ml_archive_add(a, "\xff", ml_scalar(1, ML_F32)), "not UTF-8 at its byte 1");
    for (int k = 0; k < 2; k++) {
        if (k == 1) cr_assert(ml_archive_note(a, "q\"\\\n\x01é", "{\"a\": 1}\t\x7f\xF0\x9F\x98\x80"));
        size_t      n;
        void       *file = ml_save_bytes(a, k ? ML_SAFETENSORS : ML_NPZ, &n);
        cr_assert(file, "%s", ml_error_message());
        ml_archive *b = ml_load_bytes(file, n, "b", NULL);
        cr_assert(b && ml_archive_count(b) == 300 && ml_archive_n_notes(b) == k, "%s", ml_error_message());
        for (int i = 0; i < 300; i++) expect_same(ml_archive_find(b, ml_archive_name(a, i)), ml_archive_tensor(a, i));
        if (k == 1) cr_expect_str_eq(ml_archive_note_name(b, 0), "q\"\\\n\x01é");
        if (k == 1) cr_expect_str_eq(ml_archive_note_text(b, 0), "{\"a\": 1}\t\x7f\xF0\x9F\x98\x80");
        expect_fails(ml_archive_find(b, "layer.300"), "no tensor called 'layer.300' among the 300");
        ml_archive_free(b);
        ml_realloc(file, n, 0);
    }
    expect_fails(ml_save(in_folder("a.npz"), a, NULL), "holds no notes");
    expect_fails(ml_save(in_folder("a.npy"), a, NULL), "holds one tensor, 300 were given");
    expect_fails(ml_save(in_folder("a.txt"), a, NULL), "must end in .npy, .npz or .safetensors");
    expect_fails(ml_save(in_folder("a.csv"), a, &(ml_format){ ML_CSV }), "csv files are not written");
    cr_expect_eq(entries_in(folder), 0);
    ml_archive_free(a);
    ml_scope_end(&scope);
}

/* The header's length, JSON, offsets without gaps from 0 on, values on multiples of their size; the widest first. */
Test(io, the_layout_of_safetensors)
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = one("bytes", ml_ones(ML_SHAPE(3), ML_U8));
    cr_assert(ml_archive_add(a, "double", ml_scalar(2, ML_F64)) && ml_archive_add(a, "b", ml_scalar(1, ML_F32)) && ml_archive_add(a, "a", ml_scalar(1, ML_F32)));
    size_t n;
    char  *file = ml_save_bytes(a, ML_SAFETENSORS, &n);
    static const char expected[] = "{\"double\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},"
                                   "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[12,16]},\"bytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]}}";
    size_t header = (size_t)(unsigned char)file[0] + 256 * (size_t)(unsigned char)file[1];
    cr_expect(header % 8 == 0 && header >= sizeof expected - 1 && n == 8 + header + 19, "%zu, %zu", header, n);
    cr_expect(memcmp(file + 8, expected, sizeof expected - 1) == 0, "%.*s", (int)header, file + 8);
    for (size_t i = sizeof expected - 1; i < header; i++) cr_expect_eq(file[8 + i], ' ');
    static const unsigned char values[] = { 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 1, 1, 1 };
    cr_expect(memcmp(file + 8 + header, values, 19) == 0);
    ml_realloc(file, n, 0);
    ml_archive_free(a);
    ml_scope_end(&scope);
}

/* --- npy ------------------------------------------------------------------------------------------------------------------------ */
Test(io, npy_widens_what_tensors_do_not_have)
{
#define GIVES(descr, bits, dtype, ...)                                                                                              \
    npy_gives("{'descr': '" descr "', 'fortran_order': False, 'shape': (2,), }", bits, sizeof bits - 1, dtype, (double[]){ __VA_ARGS__ }, 2)
    GIVES("|i1", "\x80\x7f", ML_I64, -128, 127);
    GIVES("|u1", "\x80\x7f", ML_U8, 128, 127);
    GIVES("|b1", "\x02\x00", ML_BOOL, 1, 0);
    GIVES("<i2", "\x00\x80\x01\x00", ML_I64, -32768, 1);
    GIVES(">i2", "\x80\x00\x00\x01", ML_I64, -32768, 1);
    GIVES("<u2", "\xff\xff\x01\x00", ML_I64, 65535, 1);
    GIVES(">i4", "\xff\xff\xff\xfe\x7f\xff\xff\xff", ML_I64, -2, 2147483647);
    GIVES("<u4", "\xff\xff\xff\xff\x01\x00\x00\x00", ML_I64, 4294967295.0, 1);
    GIVES(">i8", "\xff\xff\xff\xff\xff\xff\xff\xfd\x00\x00\x00\x01\x00\x00\x00\x00", ML_I64, -3, 4294967296.0);
    GIVES("<u8", "\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40", ML_I64, 7, 0x1p62);
    GIVES(">f4", "\x3f\x80\x00\x00\xff\x80\x00\x00", ML_F32, 1, -INFINITY);
    GIVES(">f8", "\xbf\xf8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", ML_F64, -1.5, 0x1p-1074);
    GIVES("<f2", "\x00\x3c\xff\x7b", ML_F32, 1, 65504);
    GIVES("<f2", "\x01\x00\x00\x80", ML_F32, 0x1p-24, -0.0);
    GIVES("<f2", "\xff\x03\x00\x04", ML_F32, 0x1p-14 - 0x1p-24, 0x1p-14);
    GIVES(">f2", "\xfc\x00\x7e\x00", ML_F32, -INFINITY, NAN);
    GIVES("<f2", "\x55\x35\x01\xbc", ML_F32, 0.333251953125, -1.0009765625);
    npy_refuses(1, "{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }", "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80", 16, "value 2 of 2 is over 2^63 - 1");
}

Test(io, npy_of_fortran_and_of_other_versions)
{
    static const float column_by_column[] = { 1, 4, 2, 5, 3, 6 };
    npy_gives("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", column_by_column, 24, ML_F32, (double[]){ 1, 2, 3, 4, 5, 6 }, 6);
    npy_gives("{'descr': '<f4', 'fortran_order': True, 'shape': (), }", column_by_column, 4, ML_F32, (double[]){ 1 }, 1);
    static const uint8_t three[12] = { 0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11 }; /* (2, 3, 2), first index fastest */
    npy_gives("{\"shape\": (2L, 3L, 2L), 'fortran_order': True , \"descr\": '|u1'}   \n", three, 12, ML_U8,
              (double[]){ 0, 4, 3, 2, 1, 5, 6, 10, 9, 8, 7, 11 }, 12);
    for (int version = 2; version <= 3; version++) {
        bytes b = npy(version, "{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}", "\5\0\0\0\0\0\0\0", 8);
        expect_values(load(ML_NPY, b.data, b.n), ML_I64, (double[]){ 5 }, 1);
        free(b.data);
    }
}

Test(io, npy_headers_that_lie_are_refused)
{
#define D(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"
    npy_refuses(1, D("'|O'", "False", "(1,)"), "", 0, "pickles, which can run code");
    npy_refuses(1, D("'O8'", "False", "(1,)"), "", 0, "pickles, which can run code");
    npy_refuses(1, D("[('a', '<f4')]", "False", "(1,)"), "", 0, "records of several fields");
    npy_refuses(1, D("'<U3'", "False", "(1,)"), "", 0, "the dtype '<U3' is not read");
    npy_refuses(1, D("'<c8'", "False", "(1,)"), "", 0, "the dtype '<c8' is not read");
    npy_refuses(1, D("'<f16'", "False", "(1,)"), "", 0, "the dtype '<f16' is not read");
    npy_refuses(1, D("'|f4'", "False", "(1,)"), "", 0, "is not read");
    npy_refuses(1, D("'<f4'", "1", "(1,)"), "", 0, "True or False is missing");
    npy_refuses(1, D("'<f4'", "False", "(1)"), "1234", 4, "(n) is no shape");
    npy_refuses(1, D("'<f4'", "False", "(-1,)"), "", 0, "not negative");
    npy_refuses(1, D("'<f4'", "False", "(9223372036854775808,)"), "", 0, "over 2^63 - 1");
    npy_refuses(1, D("'<f4'", "False", "(9223372036854775807,)"), "", 0, "does not fit into any memory");
    npy_refuses(1, D("'|u1'", "False", "(4294967296, 4294967296)"), "", 0, "does not fit into any memory");
    npy_refuses(1, D("'|u1'", "False", "(0, 4294967296, 4294967296)"), "", 0, "does not fit into any memory");
    npy_refuses(1, D("'|i1'", "False", "(2147483648, 2147483648)"), "", 0, "does not fit into any memory"); /* as bytes it would */
    npy_refuses(1, D("'<f4'", "False", "(1000000000,)"), "1234", 4, "needs 4000000000 bytes, and only 4 can follow");
    npy_refuses(1, D("'<f4'", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "1234", 4, "more than 8 dimensions");
    npy_refuses(1, D("'<f4'", "False", "(2,)"), "123456789", 9, "1 bytes follow that belong to nothing");
    npy_refuses(1, D("'<f4'", "False", "(2,)") "x", "12345678", 8, "something follows the dictionary");
    npy_refuses(1, D("'<f4'", "False", "__import__('os').system('true')"), "", 0, "a '(' is missing");
    npy_refuses(1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", "1234", 4, "a key is there twice");
    npy_refuses(1, "{'descr': '<f4', 'fortran_order': False}", "1234", 4, "must be there");
    npy_refuses(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}", "1234", 4, "a key that is not");
    npy_refuses(1, "{'descr': '<f4' 'fortran_order': False, 'shape': ()}", "1234", 4, "a ',' is missing");
    npy_refuses(1, "{'descr': '<f4", "", 0, "a text does not end");
    npy_refuses(4, "{}", "", 0, "version 4.0 of npy is not known");
    refused(ML_NPY, "\x93NUMPY\2\0\xff\xff\xff\xff{}", 14, "a header of 4294967295 bytes; 65536 are allowed");
    refused(ML_NPY, "\x93NUMPY\1\0\xff\xff{}", 12, "a header of 65535 bytes, where 2 follow");
    refused(ML_NPY, "\x93NUMPZ\1\0\2\0{}", 12, "this is no npy file");
    refused(ML_NPY, "", 0, "byte 0: it ends here");
}

/* --- npz: a zip is changed where its records are -------------------------------------------------------------------------------- */
static bytes zip_of(int seed)
{
    fuzz_seed seeds[FUZZ_MOST_SEEDS];
    int       n = fuzz_seeds(ML_NPZ, seeds);
    bytes     b = { NULL, 0 };
    for (int i = 0; i < n; i++) {
        if (i == seed) b = (bytes){ (char *)seeds[i].bytes, seeds[i].n };
        else free(seeds[i].bytes);
    }
    return b;
}

static char *record(bytes b, const char *magic, int nth)
{
    for (size_t i = 0; i + 4 <= b.n; i++)
        if (memcmp(b.data + i, magic, 4) == 0 && nth-- == 0) return b.data + i;
    cr_assert(false, "no record");
    return NULL;
}

#define CHANGED(seed, magic, nth, offset, change, words)     \
    do {                                                     \
        bytes b  = zip_of(seed);                             \
        char *at = record(b, magic, nth) + (offset);         \
        memcpy(at, change, sizeof change - 1);               \
        refused(ML_NPZ, b.data, b.n, words);                 \
        free(b.data);                                        \
    } while (0)
#define LOCAL "PK\3\4"
#define ENTRY "PK\1\2"
#define LAST  "PK\5\6"

Test(io, npz_that_contradicts_itself_is_refused)
{
    CHANGED(1, ENTRY, 0, 8, "\1", "it is encrypted");
    CHANGED(1, ENTRY, 0, 10, "\x0c", "packed by method 12");
    CHANGED(1, ENTRY, 0, 16, "\1\2\3\4", "its header and the directory say different things");
    CHANGED(1, ENTRY, 0, 20, "\xff\xff\xff\xff", "it is over 4 GB (zip64)");
    CHANGED(1, ENTRY, 0, 24, "\xff\xff\xff\x7f", "which deflate cannot do");
    CHANGED(1, ENTRY, 0, 24, "\xff\x03", "its header and the directory say different things");
    CHANGED(1, ENTRY, 0, 42, "\xff\xff\xff\x7f", "it begins too late");
    CHANGED(1, ENTRY, 0, 46, "b", "its header and the directory say different things");
    CHANGED(1, ENTRY, 0, 46 + 2, "txt", "it is no npy file");
    CHANGED(1, ENTRY, 0, 46, "\0", "a name that is not UTF-8");
    CHANGED(1, ENTRY, 0, 46, "\xff", "a name that is not UTF-8");
    CHANGED(1, ENTRY, 0, 46, "\xc3\xa9", "its name is not ASCII, and no flag says that it is UTF-8");
    CHANGED(1, LOCAL, 0, 26, "\xff\xff", "it does not fit");
    CHANGED(1, LOCAL, 0, 0, "PX", "its header should begin here");
    CHANGED(1, LOCAL, 0, 14, "\1\2\3\4", "say different things");
    CHANGED(0, ENTRY, 1, 42, "\0\0\0\0", "say different things"); /* the second member is said to be where the first is */
    CHANGED(1, LAST, 0, 10, "\2", "in several parts");
    CHANGED(1, LAST, 0, 8, "\2\0\2\0", "too short for its 2 entries");
    CHANGED(1, LAST, 0, 8, "\0\0\0\0", "longer than its");
    CHANGED(1, LAST, 0, 8, "\xff\xff\xff\xff", "zip64 archives");
    CHANGED(1, LAST, 0, 4, "\1", "in several parts");
    CHANGED(1, LAST, 0, 12, "\1", "must end where this record begins");
    CHANGED(1, LAST, 0, 20, "\1", "there is no directory");
}

/* A bit of the data: deflate's own codes, or the checksum, notice. (Of equal bytes, a copy from elsewhere is the same.) */
Test(io, npz_with_any_damaged_byte_of_data_is_refused)
{
    for (int seed = 0; seed < 2; seed++) {
        bytes  b    = zip_of(seed);
        size_t from = (size_t)(record(b, LOCAL, 0) - b.data) + 30, to = (size_t)(record(b, seed ? ENTRY : LOCAL, !seed) - b.data);
        ml_archive *whole = load(ML_NPZ, b.data, b.n);
        cr_assert(whole, "%s", ml_error_message());
        for (size_t i = from; i < to; i++) {
            b.data[i] ^= 16;
            ml_archive *a = load(ML_NPZ, b.data, b.n);
            cr_expect(a ? seed == 1 : contains(ml_error_message(), "'x', byte "), "byte %zu of zip %d", i, seed);
            if (a) expect_same(ml_archive_tensor(a, 0), ml_archive_tensor(whole, 0));
            ml_archive_free(a);
            b.data[i] ^= 16;
        }
        ml_archive_free(whole);
        free(b.data);
    }
}

Test(io, npz_members_may_not_share_bytes_nor_names)
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = one("a", ml_scalar(1, ML_F32));
    cr_assert(ml_archive_add(a, "b", ml_scalar(1, ML_F32)));
    size_t n;
    char  *file = ml_save_bytes(a, ML_NPZ, &n);
    bytes  b    = { file, n };
    record(b, LOCAL, 1)[30] = 'a';
    record(b, ENTRY, 1)[46] = 'a';
    refused(ML_NPZ, b.data, b.n, "there are two tensors called 'a'");
    memcpy(record(b, ENTRY, 1) + 42, "\0\0\0\0", 4); /* both are the first */
    refused(ML_NPZ, b.data, b.n, "two members share these bytes");
    ml_realloc(file, n, 0);
    ml_archive_free(a);
    ml_scope_end(&scope);
}

Test(io, npz_members_meet_the_limit_together)
{
    bytes b = zip_of(1);
    expect_fails(ml_load_bytes(b.data, b.n, "x", &(ml_load_opts){ .format = ML_NPZ, .limit = 900 }), "its members unpack to more than 900 bytes");
    ml_archive *a = ml_load_bytes(b.data, b.n, "x", &(ml_load_opts){ .format = ML_NPZ, .limit = 928 });
    cr_expect(a, "%s", ml_error_message());
    ml_archive_free(a);
    free(b.data);
}

/* A name is a name, whatever it looks like: nothing is written by it. */
Test(io, names_are_no_paths)
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = one("../../etc/passwd", ml_scalar(1, ML_F32));
    cr_assert(ml_save(in_folder("a.npz"), a, NULL));
    ml_archive *b = ml_load(in_folder("a.npz"), NULL);
    cr_expect_str_eq(ml_archive_name(b, 0), "../../etc/passwd");
    cr_expect_eq(entries_in(folder), 1);
    ml_archive_free(a);
    ml_archive_free(b);
    ml_scope_end(&scope);
}

/* --- safetensors ------------------------------------------------------------------------------------------------------------------ */
#define T(name, dtype, shape, offsets) "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

Test(io, safetensors_headers_that_lie_are_refused)
{
    safetensors_refuses("[" T("a", "F32", "1", "0,4") "]", 4, "byte 8: the header must begin with {");
    safetensors_refuses(" {" T("a", "F32", "1", "0,4") "}", 4, "must begin with {");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "} x", 4, "something follows the header's last bracket");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") ",}", 4, "a '\"' is missing");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("a", "F32", "1", "4,8") "}", 8, "two tensors called 'a'");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("\\u0061", "F32", "1", "4,8") "}", 8, "two tensors called 'a'");
    safetensors_refuses("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a field is there twice");
    safetensors_refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "a field that is not");
    safetensors_refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a tensor needs dtype, shape and data_offsets");
    safetensors_refuses("{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}", 0, "a '{' is missing");
    safetensors_refuses("{" T("a", "F8_E4M3", "4", "0,4") "}", 4, "the dtype 'F8_E4M3' is not read");
    safetensors_refuses("{" T("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, "more than 8 dimensions");
    safetensors_refuses("{" T("a", "F32", "-1", "0,4") "}", 4, "a whole number, not negative");
    safetensors_refuses("{" T("a", "F32", "1.0", "0,4") "}", 4, "whole numbers");
    safetensors_refuses("{" T("a", "F32", "1e0", "0,4") "}", 4, "whole numbers");
    safetensors_refuses("{" T("a", "F32", "01", "0,4") "}", 4, "begins with 0");
    safetensors_refuses("{" T("a", "F32", "NaN", "0,4") "}", 4, "a whole number, not negative");
    safetensors_refuses("{" T("a", "F32", "9223372036854775808", "0,4") "}", 4, "over 2^63 - 1");
    safetensors_refuses("{" T("a", "F32", "4611686018427387905", "0,4") "}", 4, "does not fit into any memory"); /* times 4 it wraps to 4 */
    safetensors_refuses("{" T("a", "U8", "4294967296,4294967297", "0,4294967296") "}", 4, "does not fit into any memory");
    safetensors_refuses("{" T("a", "F32", "2", "0,4") "}", 4, "do not fit the shape");
    safetensors_refuses("{" T("a", "F32", "1", "4,0") "}", 4, "end before they begin");
    safetensors_refuses("{" T("a", "F32", "2", "0,8") "}", 4, "beyond the end of the file");
    safetensors_refuses("{" T("a", "F32", "1", "0") "}", 4, "two numbers");
    safetensors_refuses("{" T("a", "F32", "1", "0,4,4") "}", 4, "two numbers");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "2,6") "}", 6, "two tensors share bytes: 'b' begins at byte 2");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "0,4") "}", 4, "two tensors share bytes");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "," T("b", "F32", "1", "8,12") "}", 12, "bytes that belong to no tensor: 'b'");
    safetensors_refuses("{" T("a", "F32", "1", "4,8") "}", 8, "bytes that belong to no tensor: 'a'");
    safetensors_refuses("{" T("a", "F32", "1", "0,4") "}", 5, "1 bytes follow the last tensor");
    safetensors_refuses("{" T("a", "F32", "0", "2,2") "," T("b", "F32", "1", "0,4") "}", 4, "two tensors share bytes");
    safetensors_refuses("{\"__metadata__\":{\"a\":1}}", 0, "must be text");
    safetensors_refuses("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "two notes called 'a'");
    safetensors_refuses("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ is there twice");
    safetensors_refuses("{" T("\\u0000", "F32", "1", "0,4") "}", 4, "a zero in a text");
    safetensors_refuses("{" T("\\ud800", "F32", "1", "0,4") "}", 4, "half of a surrogate pair");
    safetensors_refuses("{" T("\\udc00", "F32", "1", "0,4") "}", 4, "half of a surrogate pair");
    safetensors_refuses("{" T("\\x", "F32", "1", "0,4") "}", 4, "an unknown escape");
    safetensors_refuses("{" T("\\u00g0", "F32", "1", "0,4") "}", 4, "four hexadecimal digits");
    safetensors_refuses("{" T("\n", "F32", "1", "0,4") "}", 4, "a control character");
    safetensors_refuses("{" T("\xff", "F32", "1", "0,4") "}", 4, "byte 10: the header is not UTF-8");
    safetensors_refuses("{\"a", 0, "a text does not end");
    refused(ML_SAFETENSORS, "1234567", 7, "7 bytes are too few");
    refused(ML_SAFETENSORS, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "a header of 18446744073709551615 bytes, where 2 follow");
    bytes large = { calloc(1, 17000008), 17000008 };
    memcpy(large.data, "\x40\x66\x03\x01\0\0\0\0{", 9);
    refused(ML_SAFETENSORS, large.data, large.n, "16 MB are allowed");
    free(large.data);
}

Test(io, safetensors_of_many_small_things_are_refused_before_they_are_made)
{
    size_t n = 0, room = (size_t)66000 * 70;
    char  *header = malloc(room);
    n += (size_t)snprintf(header, room, "{");
    for (int i = 0; i <= 65536; i++)
        n += (size_t)snprintf(header + n, room - n, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "", i);
    snprintf(header + n, room - n, "}");
    safetensors_refuses(header, 0, "more than 65,536 tensors");
    free(header);
}

Test(io, safetensors_that_others_write_are_read)
{
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}, \"\\ud83d\\ude00\\t\\/\" : { \"shape\" : [ ] , \"data_offsets\":[2,4],\"dtype\":\"BF16\"},"
                                 T("h", "F16", "1", "0,2") "," T("n", "I32", "1,2", "4,12") "," T("none", "F32", "0,3", "4,4") "," T("e", "F64", "0", "12,12") "}   ";
    bytes b = with_header(header, 12);
    memcpy(b.data + b.n - 12, "\x00\x3e\xc0\x3f\xff\xff\xff\xff\x05\x00\x00\x00", 12);
    ml_archive *a = load(ML_FORMAT_GUESS, b.data, b.n);
    cr_assert(a && ml_archive_count(a) == 5, "%s", ml_error_message());
    cr_expect(ml_item(ml_archive_find(a, "h")) == 1.5 && ml_item(ml_archive_find(a, "\xF0\x9F\x98\x80\t/")) == 1.5);
    double n[2];
    ml_tensor_copy_out(ml_archive_find(a, "n"), ML_F64, n);
    cr_expect(n[0] == -1 && n[1] == 5 && ml_tensor_size(ml_archive_find(a, "n"), 1) == 2);
    cr_expect(ml_tensor_numel(ml_archive_find(a, "none")) == 0 && ml_tensor_size(ml_archive_find(a, "none"), 1) == 3);
    cr_expect_str_eq(ml_archive_note_text(a, 0), "pt");
    ml_archive_free(a);
    free(b.data);
    b = with_header("{}", 0);
    a = load(ML_SAFETENSORS, b.data, b.n);
    cr_expect(a && ml_archive_count(a) == 0, "%s", ml_error_message());
    ml_archive_free(a);
    free(b.data);
}

/* --- IDX, CIFAR --------------------------------------------------------------------------------------------------------------------- */
Test(io, idx_of_every_type)
{
#define IDX(bits) load(ML_FORMAT_GUESS, bits, sizeof bits - 1)
    expect_values(IDX("\0\0\x08\2\0\0\0\2\0\0\0\2\1\2\3\xff"), ML_U8, (double[]){ 1, 2, 3, 255 }, 4);
    expect_values(IDX("\0\0\x09\1\0\0\0\2\x01\xff"), ML_I64, (double[]){ 1, -1 }, 2);
    expect_values(IDX("\0\0\x0b\1\0\0\0\2\x01\x00\xff\xff"), ML_I64, (double[]){ 256, -1 }, 2);
    expect_values(IDX("\0\0\x0c\1\0\0\0\1\x00\x00\x01\x00"), ML_I64, (double[]){ 256 }, 1);
    expect_values(IDX("\0\0\x0d\1\0\0\0\1\x3f\x80\x00\x00"), ML_F32, (double[]){ 1 }, 1);
    expect_values(IDX("\0\0\x0e\1\0\0\0\1\x3f\xf0\x00\x00\x00\x00\x00\x00"), ML_F64, (double[]){ 1 }, 1);
#define IDX_REFUSED(bits, words) refused(ML_IDX, bits, sizeof bits - 1, words)
    IDX_REFUSED("\0\1\x08\1\0\0\0\1a", "does not begin with two zeros");
    IDX_REFUSED("\0\0\x0a\1\0\0\0\1a", "no type 0x0a");
    IDX_REFUSED("\0\0\x08\0", "0 dimensions");
    IDX_REFUSED("\0\0\x08\5\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1a", "5 dimensions");
    IDX_REFUSED("\0\0\x08\1\0\0\0\2a", "needs 2 bytes, and only 1 can follow");
    IDX_REFUSED("\0\0\x08\1\0\0\0\1ab", "1 bytes follow that belong to nothing");
    IDX_REFUSED("\0\0\x08\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "does not fit into any memory");
    IDX_REFUSED("\0\0\x08\2\xff\xff\xff\xff\0\0\0\1abcd", "needs 4294967295 bytes");
}

Test(io, packed_files_are_unpacked_and_no_more_than_that)
{
    static char plain[16 + 1000] = "\0\0\x08\1\0\0\3\xe8";
    bytes b = gzipped(plain, 8 + 1000);
    cr_expect(b.n < 60);
    ml_archive *a = load(ML_FORMAT_GUESS, b.data, b.n);
    cr_assert(a && ml_tensor_numel(ml_archive_tensor(a, 0)) == 1000, "%s", ml_error_message());
    ml_archive_free(a);
    for (size_t n = 2; n < b.n; n++) refused(ML_IDX, b.data, n, n < 20 ? "'x', byte" : "the packed data end here");
    b.data[b.n - 6] ^= 1; /* the checksum */
    refused(ML_IDX, b.data, b.n, "the packed data are damaged: incorrect data check");
    b.data[b.n - 6] ^= 1;
    b.data[b.n++] = 'x';
    refused(ML_IDX, b.data, b.n, "1 bytes follow the packed data");
    free(b.data);
    memcpy(plain + 4, "\0\0\3\xe9", 4); /* claims one value more than there is */
    b = gzipped(plain, 8 + 1000);
    refused(ML_IDX, b.data, b.n, "ends here, 1 bytes too early");
    free(b.data);
    memcpy(plain + 4, "\x7f\xff\xff\xff", 4);
    b = gzipped(plain, 8 + 1000);
    ml_memory_peak_reset();
    refused(ML_IDX, b.data, b.n, "needs 2147483647 bytes, and at most");
    cr_expect(ml_memory().peak - live < 200000, "%zu bytes for a claim", ml_memory().peak - live);
    free(b.data);
    memcpy(plain + 4, "\0\0\3\xe7", 4);
    b = gzipped(plain, 8 + 1000);
    refused(ML_IDX, b.data, b.n, "bytes follow that belong to nothing");
    free(b.data);
}

Test(io, a_bomb_meets_the_limit)
{
    size_t n    = 5u << 20;
    char  *zero = calloc(1, n);
    memcpy(zero, "\0\0\x08\1\0\x4f\xff\xf8", 8);
    bytes  b = gzipped(zero, n);
    setenv("MOONLAB_LOAD_LIMIT", "1M", 1);
    ml_memory_peak_reset();
    refused(ML_IDX, b.data, b.n, "needs 5242872 bytes, and at most 1048568 can follow");
    memset(zero, '\n', n);
    bytes text = gzipped(zero, n);
    refused(ML_CSV, text.data, text.n, "more than 1048576 bytes are unpacked; the option limit, or MOONLAB_LOAD_LIMIT");
    cr_expect(ml_memory().peak - live < 1u << 20, "%zu bytes", ml_memory().peak - live);
    ml_archive *a = ml_load_bytes(b.data, b.n, "x", &(ml_load_opts){ .format = ML_IDX, .limit = 5u << 20 });
    cr_expect(a, "%s", ml_error_message());
    ml_archive_free(a);
    unsetenv("MOONLAB_LOAD_LIMIT");
    memset(zero, ',', 60000); /* of lines, each comma a value of eight bytes */
    zero[60000] = '\n';
    bytes wide = gzipped(zero, 60001);
    expect_fails(ml_load_bytes(wide.data, wide.n, "x", &(ml_load_opts){ .format = ML_CSV, .limit = 300000 }), "more values than fit into 300000 bytes");
    free(wide.data);
    a = load(ML_IDX, b.data, b.n);
    cr_expect(a, "%s", ml_error_message());
    ml_archive_free(a);
    free(zero);
    free(b.data);
    free(text.data);
}

Test(io, cifar_records)
{
    static uint8_t file[2 * 3074];
    for (int i = 0; i < 2 * 3073; i++) file[i] = (uint8_t)(i % 251);
    file[0] = 9, file[3073] = 0;
    ml_archive *a = ml_load_bytes(file, 2 * 3073, "x", &(ml_load_opts){ .format = ML_CIFAR10, .base = 1 });
    cr_assert(a, "%s", ml_error_message());
    const uint8_t *x = ml_tensor_data(ml_archive_find(a, "x"));
    const int64_t *y = ml_tensor_data(ml_archive_find(a, "y"));
    cr_expect(ml_tensor_size(ml_archive_find(a, "x"), 0) == 2 && y[0] == 10 && y[1] == 1 && x[0] == 1 && x[3071] == 3072 % 251 && x[3072] == 3074 % 251);
    ml_archive_free(a);
    refused(ML_CIFAR10, file, 3074, "byte 3073: the file is no whole number of records of 3073 bytes");
    refused(ML_CIFAR10, file, 0, "no whole number of records");
    file[3073] = 10;
    refused(ML_CIFAR10, file, 2 * 3073, "byte 3073: label 10 of image 2; there are 10 classes");
    file[0] = 19, file[1] = 99, file[3074] = 0, file[3075] = 1;
    a = load(ML_CIFAR100, file, 2 * 3074);
    cr_assert(a, "%s", ml_error_message());
    cr_expect(((const int64_t *)ml_tensor_data(ml_archive_find(a, "coarse")))[0] == 19 && ((const int64_t *)ml_tensor_data(ml_archive_find(a, "y")))[0] == 99);
    ml_archive_free(a);
    file[3075] = 100;
    refused(ML_CIFAR100, file, 2 * 3074, "byte 3075: label 100 of image 2; there are 100 classes");
    file[0] = 20;
    refused(ML_CIFAR100, file, 2 * 3074, "byte 0: label 20 of image 1; there are 20 classes");
}

/* --- CSV ---------------------------------------------------------------------------------------------------------------------------- */
static void csv_gives(const char *text, ml_csv_header header, int rows, int columns, const double *values, int names)
{
    ml_archive *a = ml_load_bytes(text, strlen(text), "x.csv", &(ml_load_opts){ .header = header });
    cr_assert(a, "%s: %s", text, ml_error_message());
    cr_expect(ml_tensor_size(ml_archive_tensor(a, 0), 0) == rows && ml_tensor_size(ml_archive_tensor(a, 0), 1) == columns && ml_archive_n_notes(a) == names,
              "%s: (%d, %d), %d names", text, (int)ml_tensor_size(ml_archive_tensor(a, 0), 0), (int)ml_tensor_size(ml_archive_tensor(a, 0), 1), ml_archive_n_notes(a));
    expect_values(a, ML_F64, values, rows * columns);
}

Test(io, csv_tables)
{
    csv_gives("1,2\n3,4", 0, 2, 2, (double[]){ 1, 2, 3, 4 }, 0);
    csv_gives("\xEF\xBB\xBF" "a,b\r\n1,2\r\n\r\n3,4\r\n", 0, 2, 2, (double[]){ 1, 2, 3, 4 }, 2);
    csv_gives("1,b\n1,2\n", 0, 1, 2, (double[]){ 1, 2 }, 2);
    csv_gives("1,2\n1,2\n", ML_HEADER_YES, 1, 2, (double[]){ 1, 2 }, 2);
    csv_gives("1,NA\n,nan\n", ML_HEADER_NO, 2, 2, (double[]){ 1, NAN, NAN, NAN }, 0);
    csv_gives(" +1.5e3 ,\"-.5\",5.,1E-2\n", 0, 1, 4, (double[]){ 1500, -.5, 5, .01 }, 0);
    csv_gives("inf,-Inf,+infinity,0.1\n", 0, 1, 4, (double[]){ INFINITY, -INFINITY, INFINITY, 0.1 }, 0);
    csv_gives("9007199254740993,1e-320,0.30000000000000004\n", 0, 1, 3, (double[]){ 9007199254740992.0, 1e-320, 0.1 + 0.2 }, 0);
    csv_gives("x\n1\n\n2\n", 0, 2, 1, (double[]){ 1, 2 }, 1);
    csv_gives("a,b\n", 0, 0, 2, NULL, 2);
    csv_gives(",\n", 0, 1, 2, (double[]){ NAN, NAN }, 0);
    static const char quoted[] = "\"a \"\"x\"\"\n,;\";b\n1;2\n";
    ml_archive       *a        = ml_load_bytes(quoted, sizeof quoted - 1, "x", &(ml_load_opts){ .format = ML_CSV, .delimiter = ';' });
    cr_assert(a, "%s", ml_error_message());
    cr_expect_str_eq(ml_archive_note_text(a, 0), "a \"x\"\n,;");
    cr_expect_str_eq(ml_archive_note_name(a, 1), "2");
    cr_expect_str_eq(ml_archive_note_text(a, 1), "b");
    ml_archive_free(a);
    a = ml_load_bytes("1\t2\n", 4, "x.tsv", NULL);
    expect_values(a, ML_F64, (double[]){ 1, 2 }, 2);
}

Test(io, csv_says_where_it_is_wrong)
{
#define CSV_REFUSED(text, words) refused(ML_CSV, text, sizeof text - 1, words)
    CSV_REFUSED("1,2\n3,x\n", "'x', line 2, column 2: 'x' is no number");
    CSV_REFUSED("1,2\n3\n", "line 2, column 1: the line ends here, the lines before have 2 fields");
    CSV_REFUSED("1,2\n3,4,5\n", "line 2, column 3: the lines before have 2 fields");
    CSV_REFUSED("1,2\n0x10,1\n", "'0x10' is no number");
    CSV_REFUSED("1\n1e\n", "'1e' is no number");
    CSV_REFUSED("1\n.\n", "'.' is no number");
    CSV_REFUSED("1\n+\n", "'+' is no number");
    CSV_REFUSED("1\n1,5\n", "line 2, column 2: the lines before have 1 fields");
    CSV_REFUSED("1\n1 5\n", "'1 5' is no number");
    CSV_REFUSED("1\n--1\n", "'--1' is no number");
    CSV_REFUSED("1\nnone\n", "'none' is no number");
    CSV_REFUSED("1e999\n", "line 1, column 1: '1e999' is too large for a double");
    CSV_REFUSED("1\n-1e999\n", "'-1e999' is too large for a double");
    CSV_REFUSED("1\n\"2\n", "a field in quotes that does not end");
    CSV_REFUSED("1\n\"2\"3\n", "something follows a closing quote");
    CSV_REFUSED("1\n2\0\n", "a control character, byte 0");
    CSV_REFUSED("1\r2\n", "a carriage return that ends no line");
    CSV_REFUSED("", "there is nothing in it");
    CSV_REFUSED("\n\n", "there is nothing in it");
    CSV_REFUSED("a,\xff\n1,2\n", "line 1, column 2: the text of a note is not UTF-8");
    char *wide = malloc(70000);
    memset(wide, ',', 70000);
    refused(ML_CSV, wide, 70000, "line 1, column 65537: more than 65536 fields");
    memset(wide, '1', 70000);
    refused(ML_CSV, wide, 70000, "line 1, column 1: a field of more than 1024 bytes");
    free(wide);
}

/* --- all of them -------------------------------------------------------------------------------------------------------------------- */
typedef void (*use_seed)(ml_format format, fuzz_seed seed);

static void each_seed(use_seed use)
{
    for (int f = 1; f < ML_FORMAT_COUNT; f++) {
        fuzz_seed seeds[FUZZ_MOST_SEEDS];
        int       n = fuzz_seeds((ml_format)f, seeds);
        for (int i = 0; i < n; i++) {
            use((ml_format)f, seeds[i]);
            free(seeds[i].bytes);
        }
    }
}

static void cut_anywhere(ml_format format, fuzz_seed seed)
{
    for (size_t n = 0; n < seed.n; n++) {
        if (format >= ML_CIFAR10 && n % 64 != 5) continue; /* records are long, and a CSV file may end anywhere */
        if (format == ML_CSV && !(seed.bytes[0] == 0x1f)) continue;
        ml_archive *a = load(format, seed.bytes, n);
        cr_expect(!a && contains(ml_error_message(), "'x'"), "%s: %zu of %zu bytes: '%s'", ml_format_name(format), n, seed.n, ml_error_message());
        ml_archive_free(a);
    }
}

Test(io, a_file_that_is_cut_anywhere_is_refused) { each_seed(cut_anywhere); }

/* From a file as from memory; and when any allocation is refused, nothing is left. */
static void without_memory(ml_format format, fuzz_seed seed)
{
    put_file(in_folder("seed"), seed.bytes, seed.n);
    bool    ok = false;
    int64_t n;
    size_t  before = ml_memory().live;
    for (n = 1; !ok && n < 1000; n++) {
        ml_memory_fail_after(n);
        ml_archive *a = ml_load(in_folder("seed"), &(ml_load_opts){ .format = format });
        ml_memory_fail_after(0);
        ok = a != NULL;
        if (!ok) cr_expect(contains(ml_error_message(), "memory"), "%s, allocation %d: '%s'", ml_format_name(format), (int)n, ml_error_message());
        ml_archive_free(a);
        ml_error_clear();
        cr_expect(ml_memory().live == before, "%s, allocation %d: %zu bytes are left", ml_format_name(format), (int)n, ml_memory().live - before);
    }
    cr_expect(ok && n > 3, "%s: %d allocations", ml_format_name(format), (int)n);
}

Test(io, any_allocation_of_a_reader_may_be_refused) { each_seed(without_memory); }

Test(io, any_allocation_of_a_writer_may_be_refused)
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = one("x", ml_transpose(ml_ones(ML_SHAPE(2, 3), ML_F32), &(ml_transpose_opts){ 0, 1 }));
    for (ml_format f = ML_NPY; f <= ML_SAFETENSORS; f++) {
        put_file(in_folder("f"), "old", 3);
        bool   ok = false;
        size_t before = ml_memory().live;
        for (int64_t n = 1; !ok && n < 100; n++) {
            ml_memory_fail_after(n);
            ok = ml_save(in_folder("f"), a, &f);
            ml_memory_fail_after(0);
            cr_expect(ok || contains(ml_error_message(), "memory"), "'%s'", ml_error_message());
            bytes b = read_file(in_folder("f"));
            cr_expect(ok || strcmp(b.data, "old") == 0, "the old file is gone");
            free(b.data);
            cr_expect(ml_memory().live == before && entries_in(folder) == 1);
        }
        cr_expect(ok, "%s", ml_error_message());
    }
    ml_archive_free(a);
    ml_scope_end(&scope);
}

/* The disk is full, somewhere in the file: the old one stays, and nothing beside it. */
Test(io, a_write_that_fails_leaves_the_old_file)
{
    ml_scope    scope = ml_scope_begin();
    ml_archive *a     = one("x", ml_ones(ML_SHAPE(1000), ML_F32));
    signal(SIGXFSZ, SIG_IGN);
    for (ml_format f = ML_NPY; f <= ML_SAFETENSORS; f++)
        for (rlim_t most = 0; most < 4000; most += 371) {
            put_file(in_folder("f"), "old", 3);
            struct rlimit was;
            getrlimit(RLIMIT_FSIZE, &was);
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){ most, was.rlim_max });
            bool ok = ml_save(in_folder("f"), a, &f);
            setrlimit(RLIMIT_FSIZE, &was);
            cr_expect(!ok && contains(ml_error_message(), "/f': File too large"), "'%s'", ml_error_message());
            bytes b = read_file(in_folder("f"));
            cr_expect(strcmp(b.data, "old") == 0 && entries_in(folder) == 1);
            free(b.data);
        }
    ml_archive_free(a);
    ml_scope_end(&scope);
}

Test(io, a_checksum_is_of_everything)
{
    ml_scope scope = ml_scope_begin();
    char     sums[8][16];
    for (int i = 0; i < 7; i++) {
        ml_archive *a = ml_archive_new();
        ml_tensor  *x = i == 1 ? ml_zeros(ML_SHAPE(2, 3), ML_F32) : i == 2 ? ml_ones(ML_SHAPE(3, 2), ML_F32) : ml_ones(ML_SHAPE(2, 3), ML_F32);
        ml_tensor  *y = ml_zeros(ML_SHAPE(1), i == 3 ? ML_F64 : ML_I64);
        if (i == 6) cr_assert(ml_archive_add(a, "y", y)); /* the order does not matter */
        cr_assert(ml_archive_add(a, i == 4 ? "z" : "x", x) && (i == 6 || ml_archive_add(a, "y", y)));
        cr_assert(ml_archive_note(a, "n", i == 5 ? "2" : "1") && ml_archive_note(a, "sum", i == 6 ? "a" : "b"));
        cr_assert(ml_archive_checksum(a, "sum", sums[i]));
        ml_archive_free(a);
    }
    for (int i = 1; i < 6; i++)
        for (int k = 0; k < i; k++) cr_expect_str_neq(sums[i], sums[k], "%d and %d", i, k);
    cr_expect_str_eq(sums[6], sums[0]);
    ml_scope_end(&scope);
}

Test(io, only_regular_files_are_read)
{
    expect_fails(ml_load(in_folder("none.npy"), NULL), "none.npy': No such file or directory");
    expect_fails(ml_load(folder, NULL), "Is a directory");
    expect_fails(ml_load("/dev/zero", &(ml_load_opts){ .format = ML_CSV }), "it is a device or a pipe");
    cr_assert(mkfifo(in_folder("pipe"), 0600) == 0);
    expect_fails(ml_load(in_folder("pipe"), NULL), "it is a device or a pipe");
    expect_fails(ml_load("", NULL), "without a name");
    put_file(in_folder("data.bin"), "hello", 5);
    expect_fails(ml_load(in_folder("data.bin"), NULL), "neither its content nor its name says what it is");
    expect_fails(ml_load(in_folder("data.bin"), &(ml_load_opts){ .format = 99 }), "there is no format 99");
    put_file(in_folder("wrong.npz"), "\x93NUMPY", 6); /* what it is called does not matter */
    expect_fails(ml_load(in_folder("wrong.npz"), NULL), "byte 6: it ends here");
}

Test(io, md5_of_published_texts)
{
    static const struct { const char *text, *digits; } cases[] = { /* RFC 1321, appendix A.5 */
        { "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "a", "0cc175b9c0f1b6a831c399e269772661" },
        { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { "12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a" },
    };
    char digits[33];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_file(in_folder("f"), cases[i].text, strlen(cases[i].text));
        cr_assert(ml_file_md5(in_folder("f"), digits), "%s", ml_error_message());
        cr_expect_str_eq(digits, cases[i].digits);
        bytes b = gzipped(cases[i].text, strlen(cases[i].text));
        put_file(in_folder("f"), b.data, b.n);
        cr_assert(ml_file_md5(in_folder("f"), digits), "%s", ml_error_message());
        cr_expect_str_eq(digits, cases[i].digits);
        free(b.data);
    }
}
