/* Reading a log while it is being written: growth, tails that are completed later, and files that stop being the log. */
#define _POSIX_C_SOURCE 200809L
#include "run_helper.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>

TestSuite(follow, .init = begin_run_test, .fini = end_run_test);

/* --- records as text, to compare two readings of a log --------------------------------------------------- */
#define MOST 64

typedef struct reading {
    int  n;
    char text[MOST][512];
} reading;

static void take(reading *to, const ml_record *r)
{
    cr_assert_lt(to->n, MOST);
    char  *at  = to->text[to->n++];
    size_t end = 512;
    int    k   = snprintf(at, end, "%d %lld %a '%.40s' '%.40s' %d", (int)r->kind, (long long)r->step, r->time, r->text,
                          r->detail, r->passed);
    for (int i = 0; i < r->n && k < 500; i++) k += snprintf(at + k, end - (size_t)k, " %s=%a", r->names[i], r->values[i]);
}

static void read_on(ml_run_reader *reader, reading *to)
{
    ml_record record;
    while (ml_run_next(reader, &record)) take(to, &record);
}

static reading read_fresh(const char *dir)
{
    reading        all    = { 0 };
    ml_run_reader *reader = ml_run_open(dir);
    cr_assert(reader, "%s", ml_error_message());
    read_on(reader, &all);
    ml_run_close(reader);
    return all;
}

static void expect_same(const reading *a, const reading *b, const char *when)
{
    cr_assert_eq(a->n, b->n, "%s: %d and %d records", when, a->n, b->n);
    for (int i = 0; i < a->n; i++) cr_expect_str_eq(a->text[i], b->text[i], "%s", when);
}

/* --- logs ---------------------------------------------------------------------------------------------------- */
/* One of each kind, names that come late, values that are no ordinary numbers. The log as bytes. */
static bytes sample_log(void)
{
    ml_run *run = start();
    cr_assert(log1(run, 1, "loss", 0.1));
    cr_assert(ml_run_log(run, 2, (const char *[]){ "loss", "train/acc" }, (double[]){ NAN, -0.0 }, 2));
    cr_assert(ml_run_event(run, 2, "the rate was halved"));
    cr_assert(ml_run_check(run, "learned", false, "0.5 < 0.99"));
    cr_assert(log1(run, 3, "\xCE\xBB", INFINITY));
    cr_assert(ml_run_finish(run, ML_RUN_DONE, NULL));
    bytes log = read_file(in_run(run, "log"));
    ml_run_release(run);
    return log;
}

static const char *new_log(const char *name, const bytes *log, size_t n)
{
    const char *dir = in_folder(name);
    char        path[4096];
    cr_assert(mkdir(dir, 0777) == 0);
    snprintf(path, sizeof path, "%s/log", dir);
    put_file(path, log->data, n);
    return dir;
}

static void write_log(const char *dir, const char *data, size_t from, size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/log", dir);
    int fd = open(path, O_WRONLY);
    cr_assert(fd >= 0 && pwrite(fd, data, n, (off_t)from) == (ssize_t)n);
    close(fd);
}

static void cut_log(const char *dir, size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/log", dir);
    cr_assert(truncate(path, (off_t)n) == 0);
}

/* --- growth ---------------------------------------------------------------------------------------------------- */
Test(follow, a_log_that_comes_byte_by_byte_is_read_as_a_whole_one)
{
    bytes          log    = sample_log();
    const char    *dir    = new_log("slow", &log, 0);
    reading        seen   = { 0 };
    ml_run_reader *reader = ml_run_open(dir);
    cr_assert(reader, "%s", ml_error_message());
    read_on(reader, &seen);
    cr_expect(ml_run_cut(reader), "not even the header is there");
    cr_expect_not(ml_run_more(reader));
    for (size_t n = 1; n <= log.n; n++) {
        write_log(dir, log.data + n - 1, n - 1, 1);
        cr_expect(ml_run_more(reader), "byte %zu", n);
        read_on(reader, &seen);
        reading fresh = read_fresh(dir); /* stops before what is not whole */
        expect_same(&seen, &fresh, "grown");
        cr_expect_eq(ml_run_torn(reader), ml_run_cut(reader), "byte %zu: what is missing may still come", n);
        cr_expect_not(ml_run_stopped(reader), "byte %zu: %s", n, ml_error_message());
    }
    cr_expect_eq(seen.n, 6);
    cr_expect_not(ml_run_torn(reader));
    cr_expect_not(ml_run_more(reader));
    cr_expect_not(ml_run_stopped(reader));
    ml_run_close(reader);
    free(log.data);
}

Test(follow, any_two_pieces_make_the_whole)
{
    bytes   log = sample_log();
    reading all = { 0 };
    for (size_t cut = 0; cut <= log.n; cut++) {
        char           name[32];
        reading        seen = { 0 };
        snprintf(name, sizeof name, "piece-%zu", cut);
        const char    *dir    = new_log(name, &log, cut);
        ml_run_reader *reader = ml_run_open(dir);
        cr_assert(reader, "%s", ml_error_message());
        read_on(reader, &seen);
        write_log(dir, log.data + cut, cut, log.n - cut);
        cr_expect_eq(ml_run_more(reader), cut < log.n);
        read_on(reader, &seen);
        if (cut == 0) all = seen;
        expect_same(&seen, &all, name);
        cr_expect_not(ml_run_torn(reader));
        ml_run_close(reader);
    }
    cr_expect_eq(all.n, 6);
    free(log.data);
}

/* Another process logs, this one reads on; what arrives is what a fresh reader finds. */
Test(follow, a_run_at_work)
{
    ml_run        *run    = start();
    ml_run_reader *reader = ml_run_open(ml_run_dir(run));
    ml_record      record;
    int64_t        next = 1;
    for (int64_t step = 1; step <= 20000; step++) {
        cr_assert(ml_run_log(run, step, (const char *[]){ "loss", "acc" }, (double[]){ (double)step, 0.5 }, 2));
        if (step % 1000 == 0) cr_assert(ml_run_event(run, step, "now")); /* is in the file at once */
        if (step % 1000) continue;
        cr_assert(ml_run_more(reader), "%s", ml_error_message());
        while (ml_run_next(reader, &record)) {
            if (record.kind != ML_RECORD_METRICS) continue;
            cr_assert_eq(record.step, next++);
            cr_assert_eq(record.values[strcmp(record.names[0], "loss") != 0], (double)record.step);
        }
        cr_expect_eq(next, step + 1);
    }
    ml_run_release(run);
    ml_run_close(reader);
}

/* --- columns ------------------------------------------------------------------------------------------------------ */
static void log_pairs(ml_run *run, int64_t from, int64_t to)
{
    for (int64_t step = from; step <= to; step++) {
        cr_assert(ml_run_log(run, step, (const char *[]){ "a", "b" }, (double[]){ (double)step, -(double)step }, 2));
        if (step % 2 == 0) cr_assert(log1(run, step, "even", (double)step / 2));
    }
}

Test(follow, columns_hold_what_was_logged_block_by_block)
{
    ml_run *run = start();
    log_pairs(run, 1, 500);
    cr_assert(ml_run_event(run, 500, "half"));
    log_pairs(run, 501, 1000);
    cr_assert(ml_run_event(run, 1000, "all"));
    ml_run_reader *reader  = ml_run_open(ml_run_dir(run));
    ml_columns    *columns = ml_columns_new();
    ml_record      other;
    const int64_t *steps;
    const double  *values;
    int64_t        n[3] = { 0 }, events = 0, blocks = 0;
    for (ml_columns_met met = ML_COLUMNS_FULL; met != ML_COLUMNS_END;) {
        met = ml_columns_read(columns, reader, 100, &other);
        cr_assert_neq(met, ML_COLUMNS_FAILED, "%s", ml_error_message());
        if (met == ML_COLUMNS_RECORD) {
            cr_expect_str_eq(other.text, events++ ? "all" : "half");
            continue;
        }
        blocks++;
        for (int id = 0; id < ml_run_metrics(reader); id++) {
            int64_t k = ml_columns_get(columns, id, &steps, &values);
            bool    b = strcmp(ml_run_metric(reader, id), "b") == 0, even = strcmp(ml_run_metric(reader, id), "even") == 0;
            cr_assert_leq(k, 102);
            for (int64_t i = 0; i < k; i++) {
                int64_t step = even ? 2 * ++n[id] : ++n[id];
                cr_assert_eq(steps[i], step);
                cr_assert_eq(values[i], even ? (double)step / 2 : b ? -(double)step : (double)step);
            }
        }
        ml_columns_clear(columns);
        cr_assert_eq(ml_columns_get(columns, 0, &steps, &values), 0);
    }
    cr_expect_eq(events, 2);
    cr_expect(n[0] == 1000 && n[1] == 1000 && n[2] == 500);
    cr_expect(blocks >= 25, "%lld", (long long)blocks);
    cr_expect_eq(ml_columns_get(columns, 99, &steps, &values), 0);
    cr_expect_eq(ml_columns_get(columns, -1, &steps, &values), 0);
    ml_run_close(reader);
    ml_columns_free(columns);
    ml_run_release(run);
}

Test(follow, columns_without_memory_say_so)
{
    ml_run *run = start();
    log_pairs(run, 1, 100);
    cr_assert(ml_run_event(run, 100, "all"));
    size_t before = ml_memory().live;
    for (int64_t k = 1;; k++) {
        ml_error_clear();
        ml_memory_fail_after(k);
        ml_run_reader *reader  = ml_run_open(ml_run_dir(run));
        ml_columns    *columns = reader ? ml_columns_new() : NULL;
        ml_record      other;
        ml_columns_met met = ML_COLUMNS_RECORD;
        while (columns && met == ML_COLUMNS_RECORD) met = ml_columns_read(columns, reader, 1000, &other);
        ml_memory_fail_after(0);
        ml_columns_free(columns);
        ml_run_close(reader);
        cr_expect_eq(ml_memory().live, before, "allocation %lld", (long long)k);
        if (met == ML_COLUMNS_END) break;
        expect_message("out of memory");
        cr_assert_lt(k, 200);
    }
    ml_run_release(run);
}

/* --- finding -------------------------------------------------------------------------------------------------------- */
static void make_run(const char *path)
{
    char json[4096];
    snprintf(json, sizeof json, "%s/run.json", path);
    cr_assert(mkdir(path, 0777) == 0);
    put_file(json, "{}", 2);
}

Test(follow, runs_are_listed_newest_first)
{
    static const char *const names[] = { "20260102-030405-10", "20260102-030405-9", "20260102-030405", "20260101-235959" };
    cr_assert(mkdir(in_folder("demo"), 0777) == 0 && mkdir(in_folder("demo/figures"), 0777) == 0);
    make_run(in_folder("demo/20260102-030405"));
    make_run(in_folder("demo/20260102-030405-10"));
    make_run(in_folder("demo/20260101-235959"));
    make_run(in_folder("demo/20260102-030405-9"));
    make_run(in_folder("demo/.hidden"));
    cr_assert(mkdir(in_folder("demo/20260103-000000"), 0777) == 0); /* one that begins this moment */
    put_file(in_folder("demo/20260103-000000/log"), "", 0);
    ml_run_list *list = ml_run_list_open(in_folder("demo"), true);
    cr_assert_eq(ml_run_list_count(list), 4);
    for (int i = 0; i < 4; i++) cr_expect_str_eq(ml_run_list_name(list, i), names[i]);
    cr_expect_null(ml_run_list_name(list, 4));
    cr_expect_null(ml_run_list_name(list, -1));
    ml_run_list_close(list);
    list = ml_run_list_open(folder, false);
    cr_expect(ml_run_list_count(list) == 1 && strcmp(ml_run_list_name(list, 0), "demo") == 0);
    ml_run_list_close(list);
    list = ml_run_list_open(in_folder("nothing"), true);
    cr_expect(list && ml_run_list_count(list) == 0, "what is not there has none");
    ml_run_list_close(list);
    cr_expect(ml_run_is(in_folder("demo/20260103-000000")) && ml_run_is(in_folder("demo/20260102-030405")) && !ml_run_is(in_folder("demo")) && !ml_run_is(NULL));
    cr_expect_lt(ml_run_order("x/20260102-030405-10", "y/20260102-030405-9"), 0);
    cr_expect_eq(ml_run_order("x/20260102-030405", "y/20260102-030405"), 0);
}

/* --- what is no growth ----------------------------------------------------------------------------------------- */
Test(follow, a_broken_record_stays_the_end_until_it_is_mended)
{
    bytes log   = sample_log(), broken = { malloc(log.n), log.n };
    int   whole = 0;
    for (size_t at = 16; at < log.n; at++) {
        char           name[32];
        reading        seen = { 0 };
        memcpy(broken.data, log.data, log.n);
        broken.data[at] ^= 0x40;
        snprintf(name, sizeof name, "broken-%zu", at);
        const char    *dir    = new_log(name, &broken, log.n);
        ml_run_reader *reader = ml_run_open(dir);
        cr_assert(reader, "%s", ml_error_message());
        read_on(reader, &seen);
        cr_expect(ml_run_torn(reader), "byte %zu", at);
        int n = seen.n;
        ml_run_more(reader);
        read_on(reader, &seen);
        cr_expect_eq(seen.n, n, "byte %zu", at);
        cr_expect(ml_run_torn(reader), "byte %zu", at);
        write_log(dir, log.data, 0, log.n);
        cr_expect(ml_run_more(reader), "byte %zu", at);
        read_on(reader, &seen);
        cr_expect_eq(seen.n, 6, "byte %zu: %d records", at, seen.n);
        cr_expect_not(ml_run_torn(reader));
        whole += n == 6;
        ml_run_close(reader);
    }
    cr_expect_eq(whole, 0);
    free(broken.data);
    free(log.data);
}

Test(follow, a_log_that_becomes_shorter_is_left)
{
    bytes log = sample_log();
    for (size_t n = 0; n < log.n; n += 7) {
        char           name[32];
        reading        seen = { 0 };
        snprintf(name, sizeof name, "short-%zu", n);
        const char    *dir    = new_log(name, &log, log.n);
        ml_run_reader *reader = ml_run_open(dir);
        read_on(reader, &seen);
        cut_log(dir, n);
        ml_error_clear();
        cr_expect_not(ml_run_more(reader), "%zu", n);
        cr_expect(ml_run_stopped(reader));
        expect_message("has become shorter than what was read of it");
        cut_log(dir, log.n + 100);
        cr_expect_not(ml_run_more(reader), "it is left for good");
        read_on(reader, &seen);
        cr_expect_eq(seen.n, 6);
        ml_run_close(reader);
    }
    free(log.data);
}

/* Cut while there was more to read, or behind what was read: nothing that was handed out is touched, so it goes on. */
Test(follow, a_tail_that_is_taken_back_may_come_again)
{
    bytes          log    = sample_log();
    const char    *dir    = new_log("tail", &log, log.n - 3);
    reading        seen   = { 0 };
    ml_run_reader *reader = ml_run_open(dir);
    read_on(reader, &seen);
    cr_expect(ml_run_cut(reader));
    cut_log(dir, log.n - 9);
    cr_expect(ml_run_more(reader));
    read_on(reader, &seen);
    cr_expect(ml_run_cut(reader));
    write_log(dir, log.data, 0, log.n);
    cr_expect(ml_run_more(reader));
    read_on(reader, &seen);
    cr_expect_eq(seen.n, 6);
    cr_expect_not(ml_run_torn(reader));
    ml_run_close(reader);
    free(log.data);
}

Test(follow, a_log_that_is_replaced_or_removed_is_left)
{
    bytes log = sample_log();
    for (int removed = 0; removed < 2; removed++) {
        reading        seen   = { 0 };
        const char    *dir    = new_log(removed ? "removed" : "replaced", &log, 200);
        ml_run_reader *reader = ml_run_open(dir);
        char           path[4096], other[4096];
        read_on(reader, &seen);
        snprintf(path, sizeof path, "%s/log", dir);
        snprintf(other, sizeof other, "%s/other", dir);
        put_file(other, log.data, log.n);
        cr_assert(removed ? unlink(path) == 0 : rename(other, path) == 0);
        ml_error_clear();
        cr_expect_not(ml_run_more(reader));
        cr_expect(ml_run_stopped(reader));
        expect_message(removed ? "is gone: No such file" : "was replaced by another file");
        ml_run_close(reader);
    }
    free(log.data);
}

Test(follow, what_grows_out_of_an_empty_file_must_be_a_log)
{
    bytes          junk   = { strdup("something else altogether"), 25 };
    const char    *dir    = new_log("junk", &junk, 0);
    ml_run_reader *reader = ml_run_open(dir);
    ml_record      record;
    cr_assert(reader, "%s", ml_error_message());
    write_log(dir, junk.data, 0, junk.n);
    cr_expect_not(ml_run_more(reader));
    cr_expect(ml_run_stopped(reader));
    expect_message("is not the log of a run");
    cr_expect_not(ml_run_next(reader, &record));
    ml_run_close(reader);
    cr_expect_not(ml_run_more(NULL));
    cr_expect_not(ml_run_cut(NULL));
    free(junk.data);
}
