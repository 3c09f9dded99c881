/* A run under bad luck: killed, on a full disk, without memory. What was logged before stays. */
#define _GNU_SOURCE
#include "run_helper.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

TestSuite(run_faults, .init = begin_run_test, .fini = end_run_test);

/* --- killed --------------------------------------------------------------------------------------------- */
Test(run_faults, a_record_is_in_the_file_at_once_or_with_the_next)
{
    ml_run *run = start();
    cr_expect(log1(run, 0, "loss", 1));
    cr_expect_eq(count_records(ml_run_dir(run), NULL), 1, "the first at once");
    for (int i = 1; i < 4; i++) {
        usleep(25000);
        cr_expect(log1(run, i, "loss", 1));
        cr_expect_eq(count_records(ml_run_dir(run), NULL), 1 + i, "after a pause at once");
    }
    for (int i = 0; i < 10; i++) log1(run, 10 + i, "loss", 1);
    ml_run_event(run, 20, "now");
    cr_expect_eq(count_records(ml_run_dir(run), NULL), 15, "events at once, with what came before");
    log1(run, 30, "loss", 1);
    ml_run_check(run, "now", true, NULL);
    cr_expect_eq(count_records(ml_run_dir(run), NULL), 17);
    ml_run_release(run);
}

typedef struct shared {
    _Atomic int64_t logged; /* the last step whose ml_run_log has returned */
    _Atomic double  when;   /* it was called */
    char            dir[4096];
} shared;

Test(run_faults, killed_at_any_instant_a_prefix_is_read_and_little_is_lost)
{
    shared *child_says =
        mmap(NULL, sizeof *child_says, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char   *dir   = child_says->dir;
    int64_t total = 0;
    srand(1);
    for (int round = 0; round < 20; round++) {
        atomic_store(&child_says->logged, -1);
        pid_t child = fork();
        if (child == 0) {
            ml_run *run = start();
            snprintf(dir, 4096, "%s", ml_run_dir(run));
            for (int64_t i = 0;; i++) {
                double now = ml_clock();
                ml_run_log(run, i, (const char *[]){ "a", "b" },
                           (double[]){ (double)i, 1.0 / (double)(i + 1) }, 1 + (int)(i % 2));
                if (i % 1000 == 999) ml_run_event(run, i, "thousand");
                atomic_store(&child_says->when, now);
                atomic_store(&child_says->logged, i);
            }
        }
        while (atomic_load(&child_says->logged) < 0) usleep(100);
        usleep((useconds_t)(rand() % 40000));
        int64_t sure =
            atomic_load(&child_says->logged); /* must survive once another was logged 20 ms later */
        double then = ml_clock();
        while (atomic_load(&child_says->when) < then + 0.0201) usleep(100);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        ml_run_reader *reader = ml_run_open(dir);
        ml_record      record;
        int64_t        next = 0;
        cr_assert(reader, "%s", ml_error_message());
        while (ml_run_next(reader, &record)) {
            if (record.kind == ML_RECORD_EVENT) {
                cr_assert(record.step == next - 1 && next % 1000 == 0);
                continue;
            }
            cr_assert(record.kind == ML_RECORD_METRICS && record.step == next &&
                      record.n == 1 + (int)(next % 2));
            cr_assert(record.values[0] == (double)next &&
                      (record.n == 1 || record.values[1] == 1.0 / (double)(next + 1)));
            next++;
        }
        ml_run_close(reader);
        cr_expect(next > sure, "%lld read, %lld were logged before the last 20 ms", (long long)next,
                  (long long)sure);
        strcat(dir, "/run.json");
        bytes b = read_file(dir);
        cr_expect(contains(b.data, "\"status\": \"running\""));
        free(b.data);
        total += next;
    }
    cr_expect(total > 1000, "%lld", (long long)total);
    munmap(child_says, sizeof *child_says);
}

/* --- a full disk ---------------------------------------------------------------------------------------- */
static void limit_files(rlim_t most)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = most;
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

Test(run_faults, a_full_disk_is_told_once_and_what_waits_arrives_later)
{
    ml_run *run  = start();
    int     told = 0;
    limit_files(20000);
    for (int i = 0; i < 1200; i++) { /* 53 bytes each: the limit comes on the way, the rest waits */
        if (log1(run, i, "loss", i)) continue;
        told++;
        expect_message("/log': File too large; what was logged before is safe");
    }
    cr_expect(ml_run_event(run, 1200, "x") || ++told, "soon after the first");
    cr_expect_eq(told, 1);
    int before = count_records(ml_run_dir(run), NULL);
    cr_expect(before > 300 && before < 600, "%d", before);
    limit_files(RLIM_INFINITY);
    double value;
    cr_expect(ml_run_last(run, "loss", &value) && value == 1199);
    cr_expect(ml_run_finish(run, ML_RUN_DONE, NULL), "%s", ml_error_message());
    bool torn;
    cr_expect_eq(count_records(ml_run_dir(run), &torn), 1202, "none was lost");
    cr_expect_not(torn);
    ml_run_release(run);
}

Test(run_faults, a_disk_that_is_full_for_long_loses_records_and_says_how_many)
{
    enum { STEPS = 6000 };
    ml_run        *run = start();
    ml_run_reader *reader;
    ml_record      record;
    limit_files(1000);
    int told = 0, read = 0, waited = -1, lost = 0;
    for (int i = 0; i < STEPS; i++) {
        const char *name =
            i < STEPS / 2 ? "early" : "late"; /* a name that is first met when there is no room */
        told += !log1(run, i, name, i);
    }
    cr_expect_eq(told, 1);
    limit_files(RLIM_INFINITY);
    usleep(1100000);
    cr_expect(log1(run, STEPS, "late", 1));
    cr_expect(log1(run, STEPS + 1, "late", 2));
    cr_expect(ml_run_finish(run, ML_RUN_DONE, NULL), "%s", ml_error_message());
    reader = ml_run_open(ml_run_dir(run));
    while (ml_run_next(reader, &record)) {
        if (record.kind == ML_RECORD_EVENT)
            sscanf(record.text, "%d records before this one were lost", &lost);
        if (record.kind != ML_RECORD_METRICS) continue;
        read++;
        if (record.step < STEPS)
            cr_expect_eq(record.step, ++waited, "without a gap until the memory was full");
    }
    cr_expect(waited > 1000 && waited < STEPS - 1, "%d", waited);
    cr_expect_eq(record.kind, ML_RECORD_END);
    cr_expect(lost > 0 && read + lost == STEPS + 2, "%d read, %d lost", read, lost);
    cr_expect_not(ml_run_torn(reader));
    ml_run_close(reader);
    ml_run_release(run);
}

Test(run_faults, a_disk_that_stays_full_is_told_by_the_finish)
{
    ml_run *run = start();
    log1(run, 0, "loss", 0.5);
    limit_files(200);
    for (int i = 1; i < 100; i++) log1(run, i, "loss", i);
    cr_expect_not(ml_run_finish(run, ML_RUN_DONE, NULL));
    expect_message("/log' may lack its last records");
    expect_message("File too large");
    bool torn;
    int  n = count_records(ml_run_dir(run), &torn);
    cr_expect(n >= 1 && n < 10, "%d", n);
    limit_files(RLIM_INFINITY);
    char run_json[4096];
    snprintf(run_json, sizeof run_json, "%s/run.json", ml_run_dir(run));
    bytes b = read_file(run_json);
    cr_expect(contains(b.data, "\"status\": \"running\"") && b.data[b.n - 2] == '}', "the old one, whole");
    free(b.data);
    ml_run_release(run);
}

Test(run_faults, no_run_starts_on_a_full_disk)
{
    limit_files(100);
    expect_fails(ml_run_start(&(ml_run_opts){ .name = "a", .root = folder }), "run.json': File too large");
    cr_expect_eq(entries_in(in_folder("a")), 0);
}

/* --- without memory ------------------------------------------------------------------------------------- */
/* Each allocation of a whole life is refused in turn. What was logged before stays, nothing leaks, and the same calls
 * work once there is memory again. */
static bool live(ml_run **out)
{
    const char *names[] = { "loss", "acc", "norm" };
    ml_run     *run = *out = ml_run_start(&(ml_run_opts){
            .name = "a", .root = folder, .params = "{\"a\":1}", .command = "x", .script = in_folder("s.lua") });
    bool        good       = run != NULL;
    for (int i = 0; i < 20; i++)
        good = good && ml_run_log(run, i, names, (double[]){ i, 2 * i, -i }, 1 + i % 3);
    for (int i = 0; i < 6; i++) good = good && ml_run_check(run, "claim", i % 2, "detail");
    return good && ml_run_event(run, 20, "event") && ml_run_finish(run, ML_RUN_DONE, "well");
}

Test(run_faults, every_allocation_of_the_writer_may_fail)
{
    put_file(in_folder("s.lua"), "x", 1);
    int refused = 0;
    for (int64_t n = 1;; n++) {
        ml_run *run;
        ml_error_clear();
        ml_memory_fail_after(n);
        bool good = live(&run);
        ml_memory_fail_after(0);
        if (good) {
            cr_expect_not(ml_failed());
            ml_run_release(run);
            break;
        }
        refused++;
        expect_message("out of memory");
        if (run) {
            double  last;
            int64_t logged = ml_run_last(run, "loss", &last) ? (int64_t)last : -1, read = -1;
            bool    whole = ml_run_finish(run, ML_RUN_DONE, NULL); /* or it was refused while finishing */
            ml_run_reader *reader = ml_run_open(ml_run_dir(run));
            ml_record      record;
            cr_assert(reader, "%s", ml_error_message());
            while (ml_run_next(reader, &record))
                if (record.kind == ML_RECORD_METRICS) read = record.step;
            cr_expect_eq(read, logged, "%lld of %lld", (long long)read, (long long)logged);
            cr_expect_not(ml_run_torn(reader));
            cr_expect(whole || record.kind == ML_RECORD_END);
            ml_run_close(reader);
        }
        ml_run_release(run);
        cr_assert_eq(ml_memory().live, live_before, "refusing allocation %lld leaks", (long long)n);
    }
    cr_expect(refused > 20, "%d", refused);
}

Test(run_faults, every_allocation_of_the_reader_and_the_table_may_fail)
{
    put_file(in_folder("s.lua"), "x", 1);
    ml_run *run;
    cr_assert(live(&run));
    size_t held = ml_memory().live;
    for (int64_t n = 1;; n++) {
        ml_record record;
        int       records = 0;
        ml_memory_fail_after(n);
        ml_run_reader *reader = ml_run_open(ml_run_dir(run));
        while (ml_run_next(reader, &record)) records++;
        bool stopped = ml_run_stopped(reader);
        ml_memory_fail_after(0);
        cr_expect_not(ml_run_torn(reader));
        ml_run_close(reader);
        cr_assert_eq(ml_memory().live, held, "refusing allocation %lld leaks", (long long)n);
        if (reader && !stopped) {
            cr_expect_eq(records, 28);
            break;
        }
        expect_message("out of memory");
    }
    for (int64_t n = 1;; n++) {
        ml_memory_fail_after(n);
        bool made = ml_run_export_csv(ml_run_dir(run), in_folder("out.csv"));
        ml_memory_fail_after(0);
        cr_assert_eq(ml_memory().live, held, "refusing allocation %lld leaks", (long long)n);
        cr_expect_eq(made, access(in_folder("out.csv"), F_OK) == 0);
        if (made) break;
        expect_message("out of memory");
    }
    ml_run_release(run);
}
