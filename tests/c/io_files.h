/* What the tests of readers and writers share. The seeds are those of the fuzzers; what numpy writes and reads is in
 * tests/lua/io_spec.lua. */
#ifndef TESTS_IO_FILES_H
#define TESTS_IO_FILES_H

#include "run_helper.h"

#include <math.h>
#include <zlib.h>

#include "../fuzz/fuzz.h"
#include "moonlab/io.h"
#include "moonlab/ops.h"

static size_t live;

static inline void begin(void)
{
    make_folder();
    ml_scope scope = ml_scope_begin();
    for (int i = 0; i < 1000; i++) ml_scalar(1, ML_F32); /* the thread's own lists are there, as long as any test needs them */
    ml_scope_end(&scope);
    live = ml_memory().live;
}

static inline void end(void)
{
    cr_expect(ml_memory().live == live, "%zu bytes leak", ml_memory().live - live);
    remove_folder();
}

/* Every suite of files: a folder for each test, and nothing leaks. */
#define FILES_SUITE(name) TestSuite(name, .init = begin, .fini = end)

static inline ml_archive *load(ml_format format, const void *data, size_t n)
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

static inline ml_archive *one(const char *name, ml_tensor *t)
{
    ml_archive *a = ml_archive_new();
    cr_assert(ml_archive_add(a, name, t), "%s", ml_error_message());
    return a;
}

static inline void expect_same(const ml_tensor *a, const ml_tensor *b)
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
static inline int values_of(ml_archive *a, double *out, int most)
{
    cr_assert(a && ml_archive_count(a) == 1, "%s", ml_error_message());
    const ml_tensor *t = ml_archive_tensor(a, 0);
    cr_assert(ml_tensor_numel(t) <= most);
    ml_tensor_copy_out(t, ML_F64, out);
    return (int)ml_tensor_numel(t);
}

static inline void expect_values(ml_archive *a, ml_dtype dtype, const double *values, int n)
{
    double got[64];
    int    count = values_of(a, got, 64);
    cr_expect(ml_tensor_dtype(ml_archive_tensor(a, 0)) == dtype && count == n, "%d values of %s", count, ml_dtype_name(ml_tensor_dtype(ml_archive_tensor(a, 0))));
    for (int i = 0; i < n && i < count; i++)
        cr_expect(got[i] == values[i] || (isnan(got[i]) && isnan(values[i])), "value %d is %g, not %g", i, got[i], values[i]);
    ml_archive_free(a);
}

static inline bytes gzipped(const void *data, size_t n)
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

#endif
