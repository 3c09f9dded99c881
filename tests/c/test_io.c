/* Readers and writers of files: there and back, and what holds for all of them. */
#define _GNU_SOURCE
#include "io_files.h"

#include <signal.h>
#include <sys/resource.h>

FILES_SUITE(io);

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
