/* base: error text, accounted memory, threads, files, clocks. Each test is a process of its own (Criterion), so an
 * environment variable set at its start is read by the library as if it came from outside. */
#define _GNU_SOURCE
#include "support.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define KB ((size_t)1024)
#define MB (1024 * KB)

/* --- errors ----------------------------------------------------------------------------------------------- */
Test(error, starts_empty_and_is_cleared)
{
    cr_expect(!ml_failed());
    cr_expect_str_eq(ml_error_message(), "");
    cr_expect_null(ml_fail("op: bad size %d", 7));
    cr_expect(ml_failed());
    cr_expect_str_eq(ml_error_message(), "op: bad size 7");
    ml_error_clear();
    cr_expect(!ml_failed());
    cr_expect_str_eq(ml_error_message(), "");
}

Test(error, takes_its_own_message_as_argument)
{
    ml_fail("inner: no");
    ml_fail("outer: %s", ml_error_message());
    cr_expect_str_eq(ml_error_message(), "outer: inner: no");
}

Test(error, is_cut_not_overrun)
{
    char long_text[10000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    ml_fail("%s", long_text);
    size_t n = strlen(ml_error_message());
    cr_expect(n >= 1000 && n < sizeof long_text, "kept %zu characters", n);
    cr_expect_eq(strspn(ml_error_message(), "x"), n);
}

static void *fail_elsewhere(void *saw)
{
    *(bool *)saw = ml_failed();
    ml_fail("elsewhere");
    return NULL;
}

Test(error, is_one_per_thread)
{
    bool      saw = true;
    pthread_t other;
    ml_fail("here");
    cr_assert_eq(pthread_create(&other, NULL, fail_elsewhere, &saw), 0);
    pthread_join(other, NULL);
    cr_expect(!saw, "a new thread saw this thread's message");
    cr_expect_str_eq(ml_error_message(), "here");
}

/* --- sizes in words ------------------------------------------------------------------------------------------ */
Test(bytes, are_parsed)
{
    static const struct {
        const char *text;
        size_t      bytes;
    } good[] = {
        { "1", 1 }, { "4096", 4096 }, { "64M", 64 * MB }, { "64m", 64 * MB }, { "64MB", 64 * MB }, { "64MiB", 64 * MB },
        { "1.5G", 1536 * MB }, { "2K", 2 * KB }, { "1T", MB * MB }, { "100B", 100 }, { " 8k", 8 * KB },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t bytes = 0;
        cr_expect(ml_parse_bytes(good[i].text, &bytes), "'%s' was refused", good[i].text);
        cr_expect_eq(bytes, good[i].bytes, "'%s' gave %zu", good[i].text, bytes);
    }
    /* "0.5" would be a cap of 0 bytes, which means no cap at all */
    static const char *const bad[] = { "", "M", "0", "-1", "-64M", "64Q", "64 M", "lots", "nan", "inf", "1e30", "12x", "0.5",
                                       "8192P", "iB" };
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
    static const size_t sizes[] = { 0, 1, 63, 64, 65, 1000, 1024, 1025, 1088, 1089, 4096, 4097, 65535, 65536, 1000000, 12345678 };
    size_t start = ml_memory().live;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i], before = ml_memory().live;
        char  *p = ml_block_take(n);
        cr_assert_not_null(p);
        size_t took = ml_memory().live - before;
        cr_expect_eq((uintptr_t)p % 64, 0u, "%zu bytes: not aligned", n);
        cr_expect(took >= n, "%zu bytes: counted as %zu", n, took);
        cr_expect(took <= n + 64 || (double)took <= 1.0625 * (double)n, "%zu bytes: %zu is too much", n, took);
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

Test(memory, the_environment_does_not_undo_what_the_program_set)
{
    setenv("MOONLAB_MEMORY", "64M", 1);
    ml_memory_set_cap(MB);
    cr_expect_null(ml_block_take(2 * MB));
    cr_expect_eq(ml_memory().cap, MB);
}

Test(memory, the_systems_refusal_empties_the_cache_first)
{
#if defined(__SANITIZE_ADDRESS__)
    cr_skip_test("the sanitizer's allocator does not live under this limit");
#endif
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

/* --- threads -------------------------------------------------------------------------------------------------- */
Test(threads, come_from_the_environment)
{
    setenv("MOONLAB_THREADS", "3", 1);
    cr_expect_eq(ml_threads(), 3);
}

Test(threads, nonsense_in_the_environment_means_the_default)
{
    setenv("MOONLAB_THREADS", "many", 1);
    int n = ml_threads();
    cr_expect(n >= 1 && n <= sysconf(_SC_NPROCESSORS_CONF), "%d", n);
}

Test(threads, are_limited)
{
    cr_expect(ml_threads_set(2));
    cr_expect_eq(ml_threads(), 2);
    expect_fails(ml_threads_set(0), "threads: must be 1..256, got 0");
    expect_fails(ml_threads_set(-1), "got -1");
    expect_fails(ml_threads_set(257), "got 257");
    cr_expect_eq(ml_threads(), 2, "a refused number changed it");
}

enum { N_WORK = 1000 };
static atomic_int ran[N_WORK];
static atomic_int inner_ran;

static void note_run(void *ctx, int64_t i)
{
    cr_assert(ctx == ran);
    atomic_fetch_add(&ran[i], 1);
}

static void note_inner(void *ctx, int64_t i)
{
    (void)ctx, (void)i;
    atomic_fetch_add(&inner_ran, 1);
}

static void run_nested(void *ctx, int64_t i)
{
    atomic_fetch_add(&ran[i], 1);
    ml_parallel(10, note_inner, ctx);
}

Test(threads, parallel_runs_each_index_once)
{
    for (int threads = 1; threads <= 4; threads++) {
        for (int64_t n = -1; n <= N_WORK; n = n < 5 ? n + 1 : n * 5) {
            ml_threads_set(threads);
            memset(ran, 0, sizeof ran);
            ml_parallel(n, note_run, ran);
            for (int64_t i = 0; i < N_WORK; i++)
                cr_assert_eq(atomic_load(&ran[i]), i < n, "%d threads, n = %d: index %d ran %d times", threads, (int)n, (int)i, atomic_load(&ran[i]));
        }
    }
}

Test(threads, parallel_may_nest)
{
    ml_threads_set(3);
    ml_parallel(20, run_nested, NULL);
    for (int i = 0; i < 20; i++) cr_expect_eq(atomic_load(&ran[i]), 1);
    cr_expect_eq(atomic_load(&inner_ran), 200);
}

static void fail_and_linger(void *ctx, int64_t i)
{
    (void)ctx;
    usleep(1000); /* long enough for the others to arrive */
    if (i % 2) ml_fail("task %s", "failed");
}

Test(threads, a_tasks_message_reaches_the_caller)
{
    ml_threads_set(4);
    for (int round = 0; round < 20; round++) {
        ml_parallel(8, fail_and_linger, NULL);
        cr_expect_str_eq(ml_error_message(), "task failed", "round %d", round);
        ml_error_clear();
        ml_parallel(8, note_inner, NULL);
        cr_expect(!ml_failed(), "a message came back in round %d", round);
    }
}

static void note_thread(void *ctx, int64_t i)
{
    ((pthread_t *)ctx)[i] = pthread_self();
    usleep(2000); /* long enough for the others to arrive */
}

Test(threads, parallel_uses_more_than_one)
{
    pthread_t who[8];
    ml_threads_set(2);
    ml_parallel(8, note_thread, who);
    bool several = false;
    for (int i = 1; i < 8; i++) several |= !pthread_equal(who[i], who[0]);
    cr_expect(several);
    ml_threads_set(1);
    ml_parallel(8, note_thread, who);
    for (int i = 0; i < 8; i++) cr_expect(pthread_equal(who[i], pthread_self()), "one thread means the caller's");
}

/* --- files ------------------------------------------------------------------------------------------------------ */
static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/moonlab-base-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static int count_files(void)
{
    DIR *dir = opendir(folder);
    int  n   = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') n++;
    closedir(dir);
    return n;
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void expect_content(const char *path, const char *wanted, size_t n)
{
    char  got[4096];
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s is missing", path);
    size_t k = fread(got, 1, sizeof got, f);
    fclose(f);
    cr_expect(k == n && memcmp(got, wanted, n) == 0, "%s holds %zu bytes, not the wanted %zu", path, k, n);
}

TestSuite(file, .init = make_folder, .fini = remove_folder);

Test(file, is_written_whole_and_replaced)
{
    const char *path = in_folder("a");
    cr_expect(ml_file_write(path, "one\0two", 7));
    expect_content(path, "one\0two", 7);
    cr_expect(ml_file_write(path, "x", 1));
    expect_content(path, "x", 1);
    cr_expect(ml_file_write(path, NULL, 0));
    expect_content(path, "", 0);
    cr_expect_eq(count_files(), 1, "a temporary file was left");
}

Test(file, a_name_without_folder_works)
{
    cr_assert_eq(chdir(folder), 0);
    cr_expect(ml_file_write("plain", "p", 1), "%s", ml_error_message());
    expect_content("plain", "p", 1);
}

Test(file, failures_name_the_path_and_the_reason)
{
    expect_fails(ml_file_write("/nowhere/at/all", "x", 1), "cannot write '/nowhere/at/all': No such file or directory");
    const char *path = in_folder("dir");
    mkdir(path, 0777);
    expect_fails(ml_file_write(path, "x", 1), "Is a directory");
    cr_expect_eq(count_files(), 1, "a temporary file was left");
    char long_path[6000];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    expect_fails(ml_file_write(long_path, "x", 1), "too long");
}

Test(file, a_failed_write_leaves_the_old_file)
{
    const char *path = in_folder("kept");
    cr_assert(ml_file_write(path, "old", 3));
    signal(SIGXFSZ, SIG_IGN); /* a write past the limit then fails with EFBIG, as on a full disk */
    struct rlimit limit = { 1000, 1000 };
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    char big[5000] = { 0 };
    expect_fails(ml_file_write(path, big, sizeof big), "File too large");
    expect_content(path, "old", 3);
    cr_expect_eq(count_files(), 1, "a temporary file was left");
}

static void *read_often(void *path)
{
    for (int i = 0; i < 300; i++) {
        char  got[3000];
        FILE *f = fopen(path, "rb");
        if (!f) return "the file was gone for a moment";
        size_t n = fread(got, 1, sizeof got, f);
        fclose(f);
        if (n != 1000 && n != 2000) return "the file was seen half written";
        for (size_t k = 1; k < n; k++)
            if (got[k] != got[0]) return "two versions were seen in one file";
    }
    return NULL;
}

Test(file, a_reader_sees_the_old_or_the_new_one)
{
    char path[256], content[2000];
    snprintf(path, sizeof path, "%s", in_folder("raced"));
    memset(content, 'a', sizeof content);
    cr_assert(ml_file_write(path, content, 1000));
    pthread_t reader;
    cr_assert_eq(pthread_create(&reader, NULL, read_often, path), 0);
    for (int i = 0; i < 200; i++) {
        memset(content, 'a' + i % 26, sizeof content);
        cr_expect(ml_file_write(path, content, i % 2 ? 1000 : 2000));
    }
    void *complaint;
    pthread_join(reader, &complaint);
    cr_expect_null(complaint, "%s", (const char *)complaint);
}

/* --- words ---------------------------------------------------------------------------------------------------- */
Test(words, the_nearest_is_offered_when_one_is_near)
{
    static const char *const known[] = { "lr", "momentum", "nesterov", "weight_decay", "weight_init" };
    static const struct { const char *word, *nearest; } cases[] = {
        { "momentun", "momentum" }, { "weight_dacey", "weight_decay" }, { "wieght_init", "weight_init" }, { "lr", "lr" }, { "l", NULL },
        { "lt", "lr" }, { "xy", NULL }, { "", NULL }, { "learning_rate", NULL }, { "nesterov_momentum", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = ml_nearest_word(cases[i].word, known, 5);
        if (cases[i].nearest) cr_expect(nearest && strcmp(nearest, cases[i].nearest) == 0, "'%s': %s", cases[i].word, nearest ? nearest : "none");
        else cr_expect(!nearest, "'%s': %s", cases[i].word, nearest);
    }
    char long_word[200]; /* longer than the table of distances: compared by length only */
    memset(long_word, 'm', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    cr_expect_null(ml_nearest_word(long_word, known, 5));
    cr_expect_null(ml_nearest_word("lr", known, 0));
}

/* --- clocks --------------------------------------------------------------------------------------------------- */
Test(clock, runs_forward_in_seconds)
{
    double start = ml_clock();
    usleep(20000);
    double took = ml_clock() - start;
    cr_expect(took >= 0.02 && took < 5, "20 ms took %g s", took);
}
