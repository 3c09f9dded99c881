#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void broken(const char *format, ...) ML_PRINTF(1, 2);
static void broken(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (message: '%s')\n", ml_error_message());
    abort();
}

/* Every byte of every tensor, for the sanitizers; and what the core relies on. */
static void look_at(const ml_archive *a)
{
    unsigned sum = 0;
    for (int i = 0; i < ml_archive_count(a); i++) {
        ml_tensor     *t     = ml_archive_tensor(a, i);
        const uint8_t *bytes = ml_tensor_data(t);
        size_t         n     = (size_t)ml_tensor_numel(t) * ml_dtype_bytes(ml_tensor_dtype(t));
        if (!bytes || !ml_archive_name(a, i)) broken("tensor %d has no values or no name", i);
        for (size_t k = 0; k < n; k++) {
            if (ml_tensor_dtype(t) == ML_BOOL && bytes[k] > 1) broken("a bool that is %d", bytes[k]);
            sum += bytes[k];
        }
    }
    for (int i = 0; i < ml_archive_n_notes(a); i++) sum += (unsigned)(strlen(ml_archive_note_name(a, i)) + strlen(ml_archive_note_text(a, i)));
    if (sum == 12345678) fputs("", stderr); /* the sum is used */
}

static void save_and_load(const ml_archive *a)
{
    size_t n;
    void  *bytes = ml_save_bytes(a, ML_SAFETENSORS, &n);
    if (!bytes) {
        if (!strstr(ml_error_message(), "save: ")) broken("cannot be saved");
        ml_error_clear();
        return;
    }
    ml_archive *again = ml_load_bytes(bytes, n, "again", NULL);
    if (!again) broken("what was saved cannot be loaded");
    if (ml_archive_count(again) != ml_archive_count(a) || ml_archive_n_notes(again) != ml_archive_n_notes(a)) broken("something got lost");
    for (int i = 0; i < ml_archive_count(a); i++) {
        ml_tensor *x = ml_archive_tensor(a, i), *y = ml_archive_find(again, ml_archive_name(a, i));
        size_t     bytes_of = (size_t)ml_tensor_numel(x) * ml_dtype_bytes(ml_tensor_dtype(x));
        if (!y || ml_tensor_dtype(x) != ml_tensor_dtype(y) || memcmp(ml_tensor_data(x), ml_tensor_data(y), bytes_of) != 0) broken("tensor %d differs", i);
    }
    ml_archive_free(again);
    ml_realloc(bytes, n, 0);
}

/* Bytes of memory that n bytes of a file may take: widened integers 8 times over, twice for Fortran's order, some hundreds
 * a tensor or a name; and what deflate can do at most. */
static size_t justified(ml_format format, const uint8_t *bytes, size_t n)
{
    bool   packed = format == ML_NPZ || (n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b);
    size_t each   = format == ML_CSV ? 200 : 40;
    return (1u << 19) + n * each * (packed ? 1032 : 1);
}

void fuzz_one(ml_format format, const uint8_t *bytes, size_t n)
{
    ml_scope scope = ml_scope_begin();
    ml_tensor *first = ml_scalar(0, ML_F32); /* the thread's own lists are there */
    if (!first) broken("no memory for a scalar");
    size_t live = ml_memory().live;
    ml_memory_peak_reset();
    ml_error_clear();
    ml_archive *a    = ml_load_bytes(bytes, n, "input", &(ml_load_opts){ .format = format });
    size_t      most = ml_memory().peak - live;
    if (most > justified(format, bytes, n)) broken("%zu bytes of memory for a file of %zu", most, n);
    if (!a && !strstr(ml_error_message(), "'input'")) broken("refused without naming the file");
    if (a && ml_failed()) broken("loaded with an error");
    if (a) {
        look_at(a);
        save_and_load(a);
    }
    ml_archive_free(a);
    ml_error_clear();
    if (ml_memory().live != live) broken("%zu bytes are not given back", ml_memory().live - live);
    ml_scope_end(&scope);
}
