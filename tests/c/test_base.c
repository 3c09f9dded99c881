/* base: error text, threads, files, words, clocks; accounted memory is in test_memory.c. Each test is a process of
 * its own (Criterion), so an environment variable set at its start is read as if it came from outside. */
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
                cr_assert_eq(atomic_load(&ran[i]), i < n, "%d threads, n = %d: index %d ran %d times",
                             threads, (int)n, (int)i, atomic_load(&ran[i]));
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
    for (int i = 0; i < 8; i++)
        cr_expect(pthread_equal(who[i], pthread_self()), "one thread means the caller's");
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
    expect_fails(ml_file_write("/nowhere/at/all", "x", 1),
                 "cannot write '/nowhere/at/all': No such file or directory");
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
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        { "momentun", "momentum" }, { "weight_dacey", "weight_decay" }, { "wieght_init", "weight_init" },
        { "lr", "lr" }, { "l", NULL }, { "lt", "lr" }, { "xy", NULL }, { "", NULL }, { "learning_rate", NULL },
        { "nesterov_momentum", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = ml_nearest_word(cases[i].word, known, 5);
        if (cases[i].nearest)
            cr_expect(nearest && strcmp(nearest, cases[i].nearest) == 0, "'%s': %s", cases[i].word,
                      nearest ? nearest : "none");
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
