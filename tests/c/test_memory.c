/* Accounted memory: exact, capped, cached, refused on demand. Each test is a process of its own (Criterion), so an
 * environment variable set at its start is read by the library as if it came from outside. */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#define KB ((size_t)1024)
#define MB (1024 * KB)

/* --- sizes in words ------------------------------------------------------------------------------------------ */
Test(bytes, are_parsed)
{
    static const struct {
        const char *text;
        size_t      bytes;
    } good[] = {
        { "1", 1 },          { "4096", 4096 },     { "64M", 64 * MB },    { "64m", 64 * MB },
        { "64MB", 64 * MB }, { "64MiB", 64 * MB }, { "1.5G", 1536 * MB }, { "2K", 2 * KB },
        { "1T", MB * MB },   { "100B", 100 },      { " 8k", 8 * KB },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t bytes = 0;
        cr_expect(ml_parse_bytes(good[i].text, &bytes), "'%s' was refused", good[i].text);
        cr_expect_eq(bytes, good[i].bytes, "'%s' gave %zu", good[i].text, bytes);
    }
    /* "0.5" would be a cap of 0 bytes, which means no cap at all */
    static const char *const bad[] = { "",    "M",   "0",    "-1",  "-64M", "64Q",   "64 M", "lots",
                                       "nan", "inf", "1e30", "12x", "0.5",  "8192P", "iB" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t bytes = 77;
        cr_expect(!ml_parse_bytes(bad[i], &bytes), "'%s' was taken for %zu", bad[i], bytes);
        cr_expect_eq(bytes, 77u, "'%s' changed the result", bad[i]);
    }
}

/* --- memory --------------------------------------------------------------------------------------------------- */
Test(memory, realloc_counts_exactly)
{
    size_t start = ml_memory().live;
    char  *p     = ml_realloc(NULL, 0, 1000);
    cr_assert_not_null(p);
    cr_expect_eq(ml_memory().live, start + 1000);
    memset(p, 42, 1000);
    p = ml_realloc(p, 1000, 5000);
    cr_assert_not_null(p);
    cr_expect_eq(ml_memory().live, start + 5000);
    cr_expect(p[0] == 42 && p[999] == 42, "the content did not survive growing");
    p = ml_realloc(p, 5000, 10);
    cr_expect_eq(ml_memory().live, start + 10);
    cr_expect_null(ml_realloc(p, 10, 0));
    cr_expect(!ml_failed(), "freeing is not a failure");
    cr_expect_eq(ml_memory().live, start);
    cr_expect_null(ml_realloc(NULL, 0, 0));
    cr_expect_eq(ml_memory().live, start);
}

Test(memory, blocks_come_aligned_from_classes_with_little_waste)
{
    static const size_t sizes[] = { 0,    1,    63,   64,   65,    1000,  1024,    1025,
                                    1088, 1089, 4096, 4097, 65535, 65536, 1000000, 12345678 };
    size_t start = ml_memory().live;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i], before = ml_memory().live;
        char  *p = ml_block_take(n);
        cr_assert_not_null(p);
        size_t took = ml_memory().live - before;
        cr_expect_eq((uintptr_t)p % 64, 0u, "%zu bytes: not aligned", n);
        cr_expect(took >= n, "%zu bytes: counted as %zu", n, took);
        cr_expect(took <= n + 64 || (double)took <= 1.0625 * (double)n, "%zu bytes: %zu is too much", n,
                  took);
        memset(p, 1, n); /* the sanitizer objects when the block is smaller */
        ml_block_give(p, n);
        cr_expect_eq(ml_memory().live, before);
    }
    cr_expect_eq(ml_memory().live, start);
    ml_block_give(NULL, 100);
    cr_expect_eq(ml_memory().live, start);
}

Test(memory, every_size_has_a_class_that_holds_it)
{
    for (size_t n = 1; n <= 40000; n += n < 5000 ? 1 : 97) {
        size_t before = ml_memory().live;
        void  *p      = ml_block_take(n);
        size_t took   = ml_memory().live - before;
        cr_assert(p && took >= n && took % 64 == 0, "%zu bytes: %zu", n, took);
        ml_block_give(p, n);
        cr_assert_eq(ml_memory().live, before);
    }
}

Test(memory, a_given_block_is_used_again)
{
    void *p = ml_block_take(5000);
    ml_block_give(p, 5000);
    size_t cached = ml_memory().cached;
    cr_expect(cached >= 5000, "nothing was kept");
    void *q = ml_block_take(4999); /* the same class */
    cr_expect_eq(p, q);
    cr_expect(ml_memory().cached < cached);
    ml_block_give(q, 4999);
    ml_memory_trim();
    cr_expect_eq(ml_memory().cached, 0u);
}

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
Test(memory, the_sanitizer_knows_the_size_of_a_block)
{
    char *p = ml_block_take(100);
    cr_expect(!__asan_region_is_poisoned(p, 100), "what was asked for may be used");
    cr_expect_eq(__asan_region_is_poisoned(p, 101), p + 100, "what was not may not");
    ml_block_give(p, 100);
    cr_expect(__asan_address_is_poisoned(p + sizeof(void *)), "a block in the cache is nobody's");
    char *q = ml_block_take(120);
    cr_expect(q == p && !__asan_region_is_poisoned(p, 120));
    ml_block_give(q, 120);
}
#endif

Test(memory, peak_is_the_most_in_use)
{
    ml_memory_peak_reset();
    size_t start = ml_memory().live;
    cr_expect_eq(ml_memory().peak, start);
    void *p = ml_realloc(NULL, 0, 3 * MB);
    ml_realloc(p, 3 * MB, 0);
    cr_expect_eq(ml_memory().peak, start + 3 * MB);
    ml_memory_peak_reset();
    cr_expect_eq(ml_memory().peak, start);
}

Test(memory, absurd_sizes_are_refused_with_a_message)
{
    expect_fails(ml_block_take(SIZE_MAX), "out of memory");
    expect_fails(ml_block_take((size_t)1 << 50), "out of memory");
    expect_fails(ml_block_take(PTRDIFF_MAX), "out of memory");
    cr_expect_eq(ml_memory().live, 0u);
}

Test(memory, the_cap_holds_and_the_old_block_stays)
{
    ml_memory_set_cap(8 * MB);
    cr_expect_eq(ml_memory().cap, 8 * MB);
    char *p = ml_realloc(NULL, 0, 6 * MB);
    cr_assert_not_null(p);
    p[0] = 7;
    expect_fails(ml_realloc(NULL, 0, 3 * MB), "the cap is 8.0 MB (MOONLAB_MEMORY)");
    expect_fails(ml_realloc(p, 6 * MB, 9 * MB), "out of memory: 9.0 MB more asked for, 6.0 MB in use");
    expect_fails(ml_block_take(3 * MB), "3.0 MB more asked for");
    cr_expect_eq(p[0], 7);
    cr_expect_eq(ml_memory().live, 6 * MB);
    cr_expect_not_null(p = ml_realloc(p, 6 * MB, 8 * MB), "exactly the cap is allowed");
    ml_memory_set_cap(0);
    void *q = ml_realloc(NULL, 0, 3 * MB);
    cr_expect_not_null(q, "0 lifts the cap");
    ml_realloc(p, 8 * MB, 0);
    ml_realloc(q, 3 * MB, 0);
}

Test(memory, the_cache_gives_way_before_a_request_is_refused)
{
    ml_memory_set_cap(8 * MB);
    for (size_t n = 1; n <= 3; n++) { /* three different classes */
        void *p = ml_block_take(n * MB);
        cr_assert_not_null(p);
        ml_block_give(p, n * MB);
    }
    cr_expect_eq(ml_memory().cached, 6 * MB);
    void *p = ml_block_take(7 * MB);
    cr_assert_not_null(p, "%s", ml_error_message());
    cr_expect(ml_memory().live + ml_memory().cached <= 8 * MB);
    ml_block_give(p, 7 * MB);
}

Test(memory, a_lower_cap_binds_the_cache_too)
{
    void *p = ml_block_take(20 * MB);
    ml_block_give(p, 20 * MB);
    ml_memory_set_cap(8 * MB);
    cr_expect(ml_memory().live + ml_memory().cached <= 8 * MB, "%zu bytes are kept", ml_memory().cached);
    expect_fails(ml_block_take(20 * MB), "out of memory");
}

Test(memory, the_cap_comes_from_the_environment)
{
    setenv("MOONLAB_MEMORY", "64M", 1);
    cr_expect_eq(ml_memory().cap, 64 * MB);
    expect_fails(ml_block_take(65 * MB), "the cap is 64.0 MB (MOONLAB_MEMORY)");
    expect_fails(ml_realloc(NULL, 0, 65 * MB), "the cap is 64.0 MB (MOONLAB_MEMORY)");
}

Test(memory, an_unreadable_environment_is_told_to_who_asks)
{
    cr_expect(ml_memory_environment(), "nothing is set");
    setenv("MOONLAB_MEMORY", "1.5G", 1);
    cr_expect(ml_memory_environment() && !ml_failed());
    setenv("MOONLAB_MEMORY", "lots", 1);
    expect_fails(ml_memory_environment(), "such as 512M or 1.5G; it is 'lots'");
    void *p = ml_block_take(100);
    cr_expect(p && ml_memory().cap == 0, "no cap");
    ml_block_give(p, 100);
}

Test(memory, the_environment_does_not_undo_what_the_program_set)
{
    setenv("MOONLAB_MEMORY", "64M", 1);
    ml_memory_set_cap(MB);
    cr_expect_null(ml_block_take(2 * MB));
    cr_expect_eq(ml_memory().cap, MB);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool is_watched = true;
#else
static const bool is_watched = false;
#endif

Test(memory, the_systems_refusal_empties_the_cache_first)
{
    if (is_watched || under_valgrind())
        cr_skip_test("a sanitizer or valgrind needs more than the limit");
    void *p = ml_block_take(600 * MB);
    cr_assert_not_null(p);
    ml_block_give(p, 600 * MB);
    struct rlimit limit = { 900 * MB, 900 * MB };
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    void *q = ml_realloc(NULL, 0, 700 * MB);
    cr_expect_not_null(q, "%s", ml_error_message());
    if (q) ml_realloc(q, 700 * MB, 0);
    expect_fails(ml_realloc(NULL, 0, 1000 * MB), "out of memory: 1000.0 MB more asked for");
    expect_fails(ml_block_take(1000 * MB), "out of memory: 1000.0 MB more asked for");
}

Test(memory, the_nth_allocation_is_refused_once)
{
    ml_memory_fail_after(3);
    void *a = ml_realloc(NULL, 0, 100), *b = ml_block_take(100);
    cr_expect(a && b);
    expect_fails(ml_block_take(100), "out of memory");
    void *c = ml_block_take(100);
    cr_expect_not_null(c, "only one is refused");
    ml_memory_fail_after(1);
    expect_fails(ml_realloc(a, 100, 200), "out of memory");
    ml_memory_fail_after(1);
    ml_block_give(b, 100); /* giving back is no allocation */
    ml_realloc(a, 100, 0);
    expect_fails(ml_block_take(100), "out of memory");
    ml_memory_fail_after(1);
    ml_memory_fail_after(0);
    void *d = ml_block_take(100);
    cr_expect_not_null(d, "0 turns it off");
    ml_block_give(c, 100);
    ml_block_give(d, 100);
    cr_expect_eq(ml_memory().live, 0u);
}

static void *churn(void *seed)
{
    unsigned state = *(unsigned *)seed;
    void    *held[16] = { NULL };
    size_t   size[16] = { 0 };
    for (int i = 0; i < 20000; i++) {
        int k = rand_r(&state) % 16;
        if (held[k]) {
            if (((unsigned char *)held[k])[0] != (unsigned char)k) return NULL; /* somebody else wrote here */
            ml_block_give(held[k], size[k]);
            held[k] = NULL;
        } else {
            size[k] = (size_t)(rand_r(&state) % 9000) + 1;
            held[k] = ml_block_take(size[k]);
            if (!held[k]) return NULL;
            memset(held[k], k, size[k]);
        }
    }
    for (int k = 0; k < 16; k++) ml_block_give(held[k], size[k]);
    return seed;
}

Test(memory, threads_share_the_cache)
{
    enum { N = 4 };
    pthread_t threads[N];
    unsigned  seeds[N];
    for (unsigned i = 0; i < N; i++) {
        seeds[i] = 100 + i;
        cr_assert_eq(pthread_create(&threads[i], NULL, churn, &seeds[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        void *result;
        pthread_join(threads[i], &result);
        cr_expect_not_null(result, "thread %d found foreign bytes in its block", i);
    }
    cr_expect_eq(ml_memory().live, 0u);
}
