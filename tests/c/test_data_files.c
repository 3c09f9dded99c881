/* IDX, CIFAR and CSV. */
#define _GNU_SOURCE
#include "io_files.h"

FILES_SUITE(data_files);

/* --- IDX, CIFAR --------------------------------------------------------------------------------------------------------------------- */
Test(data_files, idx_of_every_type)
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

Test(data_files, packed_files_are_unpacked_and_no_more_than_that)
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

Test(data_files, a_bomb_meets_the_limit)
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

Test(data_files, cifar_records)
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

Test(data_files, csv_tables)
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

Test(data_files, csv_says_where_it_is_wrong)
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
