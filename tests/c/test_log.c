/* The log: bit-exact, cut or damaged anywhere, made up by an enemy. */
#define _GNU_SOURCE
#include "run_helper.h"

#include <math.h>
#include <zlib.h>

TestSuite(log, .init = begin_run_test, .fini = end_run_test);

/* --- an independent writer of the format ---------------------------------------------------------------- */
typedef struct image {
    unsigned char data[4096];
    size_t        n;
} image;

static void add(image *m, const void *data, size_t n)
{
    cr_assert(m->n + n <= sizeof m->data);
    memcpy(m->data + m->n, data, n);
    m->n += n;
}

static void add_number(image *m, uint64_t v, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++) add(m, &(unsigned char){ (unsigned char)(v >> 8 * i) }, 1);
}

static void add_double(image *m, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    add_number(m, bits, 8);
}

static void add_record(image *m, const image *payload)
{
    image record = { .n = 0 };
    add_number(&record, payload->n, 4);
    add(&record, payload->data, payload->n);
    add_number(m, payload->n, 4);
    add_number(m, crc32(0, record.data, (uInt)record.n), 4);
    add(m, payload->data, payload->n);
}

static image header(unsigned version)
{
    image m = { .n = 0 };
    add(&m, "moonrun\n", 8);
    add_number(&m, version, 4);
    add_number(&m, crc32(0, m.data, 12), 4);
    return m;
}

static image timed(int kind, double time, int64_t step)
{
    image p = { .n = 0 };
    add_number(&p, (uint64_t)kind, 1);
    add_double(&p, time);
    add_number(&p, (uint64_t)step, 8);
    return p;
}

static image with(image payload, const void *tail, size_t n)
{
    add(&payload, tail, n);
    return payload;
}

static image name_record(uint32_t id, const char *name, size_t n)
{
    image p = { .n = 0 };
    add_number(&p, 64, 1);
    add_number(&p, id, 4);
    add(&p, name, n);
    return p;
}

static void save(const image *m)
{
    put_file(in_folder("log"), m->data, m->n);
}

/* --- what goes in comes out ----------------------------------------------------------------------------- */
Test(log, the_format_is_the_documented_one)
{
    image m = header(1), p = name_record(0, "loss", 5);
    add_record(&m, &p);
    p = timed(1, 0.5, 7);
    add_number(&p, 0, 4);
    add_double(&p, 0.25);
    add_record(&m, &p);
    p = timed(3, 1.5, 7);
    add(&p, "\1claim\0why", 11);
    add_record(&m, &p);
    save(&m);
    ml_record      record;
    ml_run_reader *reader = ml_run_open(folder);
    cr_assert(reader, "%s", ml_error_message());
    cr_assert(ml_run_next(reader, &record));
    cr_expect(record.kind == ML_RECORD_METRICS && record.time == 0.5 && record.step == 7 && record.n == 1);
    cr_expect(strcmp(record.names[0], "loss") == 0 && record.values[0] == 0.25);
    cr_assert(ml_run_next(reader, &record));
    cr_expect(record.kind == ML_RECORD_CHECK && record.time == 1.5 && record.passed && record.n == 0);
    cr_expect(strcmp(record.text, "claim") == 0 && strcmp(record.detail, "why") == 0);
    cr_expect_not(ml_run_next(reader, &record));
    cr_expect_not(ml_run_torn(reader));
    ml_run_close(reader);

    ml_run *run = start(); /* and the writer writes the same, but for the times */
    log1(run, 7, "loss", 0.25);
    ml_run_check(run, "claim", true, "why");
    bytes b = read_file(in_run(run, "log"));
    cr_expect_eq(b.n, m.n);
    cr_expect(memcmp(b.data, m.data, 16 + 8 + 10) == 0, "header and name");
    cr_expect(memcmp(b.data + 34, m.data + 34, 4) == 0 && memcmp(b.data + 51, m.data + 51, 20) == 0,
              "metrics");
    free(b.data);
    ml_run_release(run);
}

Test(log, changes_and_stops)
{
    image m = header(1), p = timed(5, 0.5, 12);
    add_number(&p, 2, 4);
    add(&p, "\1lr\0000.25", 9);
    add_record(&m, &p);
    p = timed(6, 0.75, 13);
    add_number(&p, 2, 4);
    add_record(&m, &p);
    save(&m);
    ml_run *run = start(); /* what the writer wrote, and what was written by hand */
    cr_assert(ml_run_change(run, 12, 2, "lr", "0.25", true) && ml_run_stop(run, 13, 2));
    const char *const places[] = { folder, ml_run_dir(run) };
    for (int i = 0; i < 2; i++) {
        ml_record      record;
        ml_run_reader *reader = ml_run_open(places[i]);
        cr_assert(reader && ml_run_next(reader, &record), "%s", ml_error_message());
        cr_expect(record.kind == ML_RECORD_CHANGE && record.step == 12 && record.loop == 2 && record.goes_on && record.n == 0);
        cr_expect(strcmp(record.text, "lr") == 0 && strcmp(record.detail, "0.25") == 0);
        cr_assert(ml_run_next(reader, &record));
        cr_expect(record.kind == ML_RECORD_STOP && record.step == 13 && record.loop == 2 && !record.goes_on);
        cr_expect(!record.text[0] && !record.detail[0]);
        cr_expect_not(ml_run_next(reader, &record));
        cr_expect_not(ml_run_torn(reader));
        ml_run_close(reader);
    }
    bytes b = read_file(in_run(run, "log"));
    cr_expect_eq(b.n, m.n);
    cr_expect(memcmp(b.data + 33, m.data + 33, 21) == 0, "step, loop and texts");
    free(b.data);
    cr_expect_not(ml_run_change(run, 1, 1, "", "1", false));
    expect_message("change: what is changed needs a name");
    cr_expect_not(ml_run_change(run, 1, 1, "lr", NULL, false));
    cr_expect(ml_run_export_csv(ml_run_dir(run), in_folder("out.csv")));
    b = read_file(in_folder("out.csv"));
    cr_expect_str_eq(b.data, "step,time\n", "changes are no metrics");
    free(b.data);
    ml_run_release(run);
}

Test(log, values_and_words_come_back_to_the_bit)
{
    uint64_t bits[] = { 0x7FF8000000000001, 0xFFF123456789ABCD, 0x7FF0000000000000,
                        0xFFF0000000000000, 0x8000000000000000, 1,
                        0x3FB999999999999A };
    enum { N = sizeof bits / sizeof *bits };
    static const char *const names[N] = { "nan",      "signalling \xC3\xA4", "inf", "-inf", "-0", "tiny",
                                          "a,\"b\"\n" };
    double                   values[N];
    ml_run                  *run = start();
    memcpy(values, bits, sizeof bits);
    cr_assert(ml_run_log(run, INT64_MAX, names, values, N));
    cr_assert(ml_run_event(run, 3, "paused\n\xFF"));
    cr_assert(ml_run_check(run, "fails", false, NULL));
    cr_assert(ml_run_finish(run, ML_RUN_FAILED, "script.lua:3: boom"));
    ml_run_reader *reader = ml_run_open(ml_run_dir(run));
    ml_record      record;
    cr_assert(ml_run_next(reader, &record));
    cr_expect(record.kind == ML_RECORD_METRICS && record.step == INT64_MAX && record.n == N);
    cr_expect(memcmp(record.values, bits, sizeof bits) == 0);
    for (int i = 0; i < N; i++) cr_expect_str_eq(record.names[i], names[i]);
    cr_expect_str_eq(record.text, "");
    double time = record.time;
    cr_expect(time >= 0 && time < 60);
    cr_assert(ml_run_next(reader, &record));
    cr_expect(record.kind == ML_RECORD_EVENT && record.step == 3 && record.time >= time && record.n == 0);
    cr_expect_str_eq(record.text, "paused\n\xFF");
    cr_assert(ml_run_next(reader, &record));
    cr_expect(record.kind == ML_RECORD_CHECK && !record.passed && record.step == INT64_MAX);
    cr_expect_str_eq(record.detail, "");
    cr_assert(ml_run_next(reader, &record));
    cr_expect(record.kind == ML_RECORD_END);
    cr_expect_str_eq(record.text, "failed");
    cr_expect_str_eq(record.detail, "script.lua:3: boom");
    ml_run_close(reader);
    ml_run_release(run);
}

Test(log, long_logs_and_the_largest_records)
{
    enum { STEPS = 60000 };
    ml_run *run = start();
    for (int i = 0; i < STEPS; i++)
        cr_assert(
            ml_run_log(run, i, (const char *[]){ "a", "b", "c" }, (double[]){ i, -i, i * 0.5 }, 1 + i % 3));
    char(*names)[ML_RUN_NAME] = calloc(ML_RUN_METRICS, sizeof *names);
    const char **pointers     = calloc(ML_RUN_METRICS, sizeof *pointers);
    double      *values       = calloc(ML_RUN_METRICS, sizeof *values);
    for (int i = 0; i < ML_RUN_METRICS; i++) {
        memset(names[i], 'n', ML_RUN_NAME - 1);
        snprintf(names[i] + 200, ML_RUN_NAME - 200, "%d", i);
        pointers[i] = names[i];
        values[i]   = i;
    }
    for (int k = 0; k < 3; k++)
        cr_assert(ml_run_log(run, STEPS, pointers, values, ML_RUN_METRICS), "%s", ml_error_message());
    cr_assert(ml_run_finish(run, ML_RUN_DONE, NULL));
    ml_run_reader *reader = ml_run_open(ml_run_dir(run));
    ml_record      record;
    for (int i = 0; i < STEPS; i++) {
        cr_assert(ml_run_next(reader, &record));
        cr_assert(record.step == i && record.n == 1 + i % 3 && record.values[0] == i);
        if (record.n == 3) cr_assert(record.values[2] == i * 0.5 && strcmp(record.names[2], "c") == 0);
    }
    for (int k = 0; k < 3; k++) {
        cr_assert(ml_run_next(reader, &record) && record.n == ML_RUN_METRICS);
        for (int i = 0; i < ML_RUN_METRICS; i++)
            cr_assert(record.values[i] == i && strcmp(record.names[i], names[i]) == 0);
    }
    cr_expect(ml_run_next(reader, &record) && record.kind == ML_RECORD_END);
    ml_run_close(reader);
    ml_run_release(run);
    free(names);
    free(pointers);
    free(values);
}

/* --- damage --------------------------------------------------------------------------------------------- */
/* A log with every kind of record; ends[i] is where the i-th record that a reader hands out is complete. */
static bytes sample_log(size_t *ends, int *n)
{
    ml_run *run = start();
    *n          = 0;
    for (int i = 0; i < 4; i++) {
        log1(run, i, i < 2 ? "loss" : "acc", i);
        if (i == 1) ml_run_event(run, i, "event");
        if (i == 2) ml_run_check(run, "check", true, "detail");
    }
    ml_run_finish(run, ML_RUN_DONE, "message");
    bytes b = read_file(in_run(run, "log"));
    ml_run_release(run);
    for (size_t at = 16; at < b.n;) {
        uint32_t length;
        memcpy(&length, b.data + at, 4); /* this test runs on a little-endian machine */
        int kind = b.data[at + 8];
        at += 8 + length;
        if (kind != 64) ends[(*n)++] = at;
    }
    cr_assert(*n == 7);
    return b;
}

Test(log, cut_at_any_byte_all_before_is_read)
{
    size_t ends[16];
    int    n;
    bytes  b = sample_log(ends, &n);
    for (size_t cut = 0; cut <= b.n; cut++) {
        bool torn, whole = cut == 16;
        int  expected = 0;
        put_file(in_folder("log"), b.data, cut);
        while (expected < n && ends[expected] <= cut) expected++;
        cr_expect_eq(count_records(folder, &torn), expected, "cut at %zu", cut);
        for (size_t at = 16; at <= cut; at += 8 + (size_t)(unsigned char)b.data[at])
            whole = whole || at == cut;
        cr_expect_eq(torn, !whole, "cut at %zu", cut);
    }
    free(b.data);
}

Test(log, a_flipped_bit_anywhere_ends_the_reading_there)
{
    size_t ends[16];
    int    n;
    bytes  b = sample_log(ends, &n);
    for (size_t at = 0; at < b.n; at++) {
        for (int bit = 0; bit < 9; bit++) { /* the ninth time all of them */
            char mask = (char)(bit < 8 ? 1 << bit : 0xFF);
            b.data[at] ^= mask;
            put_file(in_folder("log"), b.data, b.n);
            b.data[at] ^= mask;
            if (at < 16) {
                cr_expect_null(ml_run_open(folder), "byte %zu", at);
                continue;
            }
            bool torn;
            int  expected = 0;
            while (ends[expected] <= at) expected++;
            cr_expect_eq(count_records(folder, &torn), expected, "byte %zu", at);
            cr_expect(torn, "byte %zu", at);
        }
    }
    free(b.data);
}

Test(log, garbage_or_zeros_behind_a_log_are_dropped)
{
    size_t ends[16];
    int    n;
    bytes  b   = sample_log(ends, &n);
    char  *all = calloc(1, b.n + 5000);
    memcpy(all, b.data, b.n);
    bool torn;
    put_file(in_folder("log"), all, b.n + 5000); /* as a power cut may leave it */
    cr_expect_eq(count_records(folder, &torn), n);
    cr_expect(torn);
    srand(3);
    for (int round = 0; round < 200; round++) {
        size_t more = (size_t)(rand() % 5000) + 1;
        for (size_t i = 0; i < more; i++) all[b.n + i] = (char)rand();
        put_file(in_folder("log"), all, b.n + more);
        cr_expect_eq(count_records(folder, &torn), n);
        cr_expect(torn);
    }
    free(all);
    free(b.data);
}

Test(log, absurd_lengths_cost_no_memory)
{
    static const uint32_t lengths[] = {
        0, 1, 100, 65536, 1u << 20, (1u << 20) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF7, 0xFFFFFFFF
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        image m = header(1);
        add_number(&m, lengths[i], 4);
        add_number(&m, 0, 4);
        add(&m, "abc", 3);
        save(&m);
        ml_memory_peak_reset();
        bool torn;
        cr_expect_eq(count_records(folder, &torn), 0);
        cr_expect(torn, "%u", lengths[i]);
        cr_expect(ml_memory().peak - live_before < 100000, "%u took %zu bytes", lengths[i], ml_memory().peak);
    }
}

Test(log, right_checksums_over_nonsense_are_not_believed)
{
    image good = header(1), name = name_record(0, "loss", 5), cases[32];
    int   n = 0;
    add_record(&good, &name);
    cases[n++] = (image){ .n = 0 };                            /* nothing at all */
    cases[n++] = (image){ .data = { 1 }, .n = 1 };             /* a kind and nothing behind it */
    cases[n++] = (image){ .data = { 2 }, .n = 17 };            /* words without words */
    cases[n++] = timed(1, 0, 0);                               /* metrics without any */
    cases[n++] = with(timed(1, 0, 0), "\0\0\0\0abcdefg", 11);  /* part of a metric */
    cases[n++] = with(timed(1, 0, 0), "\1\0\0\0abcdefgh", 12); /* an id that has no name */
    cases[n++] = with(timed(1, 0, 0), "\377\377\377\377abcdefgh", 12);
    cases[n++] = with(timed(2, 0, 0), "\0a", 2);   /* a text without end */
    cases[n++] = with(timed(2, 0, 0), "\0a\0", 3); /* one text of two */
    cases[n++] = with(timed(2, 0, 0), "\0a\0b", 4);
    cases[n++] = with(timed(4, 0, 0), "\0a\0b\0c\0", 7); /* three */
    cases[n++] = timed(5, 0, 0);                                  /* a change without a loop */
    cases[n++] = with(timed(5, 0, 0), "\1\0\0\0", 4);             /* and nothing behind it */
    cases[n++] = with(timed(5, 0, 0), "\1\0\0\200\0a\0b", 9);     /* loop 2^31 + 1 */
    cases[n++] = with(timed(5, 0, 0), "\1\0\0\0\0a\0b", 8);       /* a value without end */
    cases[n++] = with(timed(5, 0, 0), "\1\0\0\0\0a\0b\0c\0", 11); /* three texts */
    cases[n++] = with(timed(6, 0, 0), "\1\0\0", 3);
    cases[n++] = with(timed(6, 0, 0), "\1\0\0\0\0", 5);
    cases[n++] = name_record(0, "again", 6);             /* an id that is taken */
    cases[n++] = name_record(2, "gap", 4);
    cases[n++] = name_record(1, "endless", 7);
    cases[n++] = name_record(1, "two\0", 5);
    cases[n++] = (image){ .data = { 64, 1, 0 }, .n = 3 };
    for (int i = 0; i < n; i++) {
        image m = good, after = with(timed(2, 0, 0), "\0fine\0", 7);
        bool  torn;
        add_record(&m, &cases[i]);
        add_record(&m, &after);
        save(&m);
        cr_expect_eq(count_records(folder, &torn), 0, "case %d", i);
        cr_expect(torn, "case %d", i);
        cr_expect(ml_run_export_csv(folder, in_folder("out.csv")), "case %d: %s", i, ml_error_message());
    }
}

Test(log, random_payloads_with_right_checksums)
{
    static const int kinds[] = { 0, 1, 1, 1, 2, 3, 4, 64, 5, 6 };
    srand(11);
    for (int round = 0; round < 300; round++) {
        image m = header(1);
        for (int i = rand() % 12; i >= 0; i--) {
            image p = { .n = 0 };
            add_number(&p, (uint64_t)kinds[rand() % 10], 1);
            bool tame = rand() % 2; /* small numbers and whole metrics get further than noise */
            int  body = tame ? 16 + 12 * (rand() % 4) : rand() % 60;
            if (p.data[0] == 64 && tame) body = 6;
            for (int k = 0; k < body; k++)
                add_number(&p, tame ? (uint64_t)(rand() % 2) * (rand() % 8 == 0) : (uint64_t)rand(), 1);
            add_record(&m, &p);
        }
        save(&m);
        count_records(folder, NULL);
        cr_expect(ml_run_export_csv(folder, in_folder("out.csv")), "%s", ml_error_message());
    }
}

Test(log, kinds_of_a_later_version_are_skipped)
{
    image m = header(1), later = timed(77, 0, 0), event = with(timed(2, 2, 5), "\0fine\0", 7);
    bool  torn;
    add_record(&m, &later);
    add_record(&m, &event);
    save(&m);
    cr_expect_eq(count_records(folder, &torn), 1);
    cr_expect_not(torn);
}

Test(log, what_is_no_log_is_refused_with_its_name)
{
    expect_fails(ml_run_open(folder), "/log': No such file or directory");
    expect_fails(ml_run_open(NULL), "there is no run in ''");
    image m = header(2);
    save(&m);
    expect_fails(ml_run_open(folder), "was written by a newer moonlab (format 2, this one reads 1)");
    put_file(in_folder("log"), "step,loss\n1,2\n3,4\n5,6\n", 23);
    expect_fails(ml_run_open(folder), "/log' is not the log of a run");
    put_file(in_folder("log"), "x", 1);
    cr_expect_null(ml_run_open(folder));
    m = header(1);
    m.data[13] ^= 1;
    save(&m);
    cr_expect_null(ml_run_open(folder));
    expect_message("header of '");
    expect_message("damaged");
    unlink(in_folder("log"));
    cr_assert(mkfifo(in_folder("log"), 0600) == 0);
    expect_fails(ml_run_open(folder), "/log' is not a file");
    unlink(in_folder("log"));
    cr_assert(mkdir(in_folder("log"), 0700) == 0);
    expect_fails(ml_run_open(folder), "is not a file");
}

Test(log, a_log_that_shrinks_while_it_is_read)
{
    ml_run *run = start();
    for (int i = 0; i < 20000; i++) log1(run, i, "loss", i);
    ml_run_finish(run, ML_RUN_DONE, NULL);
    ml_run_reader *reader = ml_run_open(ml_run_dir(run));
    ml_record      record;
    int            n = 0;
    cr_assert(ml_run_next(reader, &record));
    cr_assert(truncate(in_run(run, "log"), 100000) == 0);
    while (ml_run_next(reader, &record)) n++;
    cr_expect(n > 1000 && n < 19000, "%d", n);
    cr_expect(ml_run_torn(reader));
    ml_run_close(reader);
    ml_run_release(run);
}
