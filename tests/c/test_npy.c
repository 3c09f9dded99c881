/* npy and npz: what numpy means by its headers, and zips that lie. */
#define _GNU_SOURCE
#include "io_files.h"

FILES_SUITE(npy);

/* --- npy ------------------------------------------------------------------------------------------------------------------------ */
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

Test(npy, npy_widens_what_tensors_do_not_have)
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

Test(npy, npy_of_fortran_and_of_other_versions)
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

Test(npy, npy_headers_that_lie_are_refused)
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

Test(npy, npz_that_contradicts_itself_is_refused)
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
Test(npy, npz_with_any_damaged_byte_of_data_is_refused)
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

Test(npy, npz_members_may_not_share_bytes_nor_names)
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

Test(npy, npz_members_meet_the_limit_together)
{
    bytes b = zip_of(1);
    expect_fails(ml_load_bytes(b.data, b.n, "x", &(ml_load_opts){ .format = ML_NPZ, .limit = 900 }), "its members unpack to more than 900 bytes");
    ml_archive *a = ml_load_bytes(b.data, b.n, "x", &(ml_load_opts){ .format = ML_NPZ, .limit = 928 });
    cr_expect(a, "%s", ml_error_message());
    ml_archive_free(a);
    free(b.data);
}

/* A name is a name, whatever it looks like: nothing is written by it. */
Test(npy, names_are_no_paths)
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
