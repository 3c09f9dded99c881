/* A run from its start to its table: directory, run.json, what is refused, looking back, CSV. */
#define _GNU_SOURCE
#include "run_helper.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <regex.h>
#include <sys/wait.h>

TestSuite(run, .init = begin_run_test, .fini = end_run_test);

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    cr_assert(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

/* run.json through somebody else's reader. */
static cJSON *description(const ml_run *run)
{
    bytes  b    = read_file(in_run(run, "run.json"));
    cJSON *json = cJSON_ParseWithOpts(b.data, NULL, true);
    cr_assert(json, "no JSON: %s", b.data);
    free(b.data);
    return json;
}

static const char *text_of(const cJSON *json, const char *key)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
    return value ? value : "(none)";
}

/* --- the directory -------------------------------------------------------------------------------------- */
Test(run, the_directory_has_everything)
{
    put_file(in_folder("grok.lua"), "print(1)\n", 9);
    ml_run *run = ml_run_start(&(ml_run_opts){
        .name = "grok-1_b.x", .root = in_folder("deep/er"), .script = in_folder("grok.lua") });
    cr_assert(run, "%s", ml_error_message());
    cr_expect(matches(ml_run_dir(run), "/deep/er/grok-1_b\\.x/[0-9]{8}-[0-9]{6}$"), "%s", ml_run_dir(run));
    bytes script = read_file(in_run(run, "script.lua"));
    cr_expect_str_eq(script.data, "print(1)\n");
    free(script.data);
    struct stat about;
    cr_expect(stat(in_run(run, "figures"), &about) == 0 && S_ISDIR(about.st_mode));
    cr_expect_eq(entries_in(ml_run_dir(run)), 4);
    cr_expect(ml_run_finish(run, ML_RUN_DONE, NULL), "%s", ml_error_message());
    ml_run_release(run);
}

Test(run, the_root_is_the_option_then_the_environment_then_runs)
{
    cr_assert(chdir(folder) == 0);
    ml_run *here = ml_run_start(&(ml_run_opts){ .name = "a" });
    cr_assert(here, "%s", ml_error_message());
    cr_expect(matches(ml_run_dir(here), "^runs/a/2"), "%s", ml_run_dir(here));
    setenv("MOONLAB_RUNS", in_folder("other"), 1);
    ml_run *other = ml_run_start(&(ml_run_opts){ .name = "a" });
    cr_expect(matches(ml_run_dir(other), "/other/a/2"));
    ml_run *third = ml_run_start(&(ml_run_opts){ .name = "a", .root = "third/" });
    cr_expect(matches(ml_run_dir(third), "^third//a/2"));
    ml_run_release(here);
    ml_run_release(other);
    ml_run_release(third);
    cr_assert(chdir("/") == 0);
}

Test(run, names_that_could_leave_the_root_are_refused)
{
    static const char *const bad[] = {
        "", ".", "..", "a/b", "../a", "a b", "a\n", "\xC3\xA4", "a\\b", "a:b"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ml_error_clear();
        cr_expect_null(ml_run_start(&(ml_run_opts){ .name = bad[i], .root = folder }), "'%s'", bad[i]);
        expect_message("name");
    }
    char endless[200];
    memset(endless, 'a', 199);
    endless[199] = '\0';
    expect_fails(ml_run_start(&(ml_run_opts){ .name = endless, .root = folder }),
                 "199 letters; the most is 100");
    cr_expect_null(ml_run_start(&(ml_run_opts){ .root = folder }));
    cr_expect_null(ml_run_start(NULL));
    cr_expect_eq(entries_in(folder), 0);
}

Test(run, a_place_that_cannot_be_is_named_with_the_way_out)
{
    put_file(in_folder("file"), "", 0);
    expect_fails(ml_run_start(&(ml_run_opts){ .name = "a", .root = in_folder("file") }),
                 "/file/a': Not a directory; MOONLAB_RUNS=FOLDER chooses another place");
    expect_fails(ml_run_start(&(ml_run_opts){ .name = "a", .root = in_folder("file/x/y") }),
                 "Not a directory; MOONLAB_RUNS");
    char *endless = malloc(5000);
    memset(endless, 'a', 4999);
    endless[4999] = '\0';
    expect_fails(ml_run_start(&(ml_run_opts){ .name = "a", .root = endless }), "File name too long");
    free(endless);
    pid_t child = fork(); /* as root nothing is forbidden */
    if (child == 0) {
        if (chmod(folder, 0555) != 0 || (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)))
            _exit(2);
        ml_run *run = ml_run_start(&(ml_run_opts){ .name = "a", .root = folder });
        _exit(!run && contains(ml_error_message(), folder) &&
                      contains(ml_error_message(), "Permission denied; MOONLAB_RUNS")
                  ? 0
                  : 1);
    }
    int status;
    waitpid(child, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect_eq(entries_in(folder), 1);
}

Test(run, processes_that_start_together_get_directories_of_their_own)
{
    enum { CHILDREN = 8, EACH = 5 };
    int ready[2];
    cr_assert(pipe(ready) == 0);
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() != 0) continue;
        char go;
        close(ready[1]);
        if (read(ready[0], &go, 1) != 0) _exit(1); /* the end of the pipe is the starting gun */
        for (int k = 0; k < EACH; k++) {
            ml_run *run = ml_run_start(
                &(ml_run_opts){ .name = "same", .root = folder, .seed = (uint64_t)(i * EACH + k) });
            if (!run || !log1(run, 0, "who", i * EACH + k) || !ml_run_finish(run, ML_RUN_DONE, NULL))
                _exit(1);
            ml_run_release(run);
        }
        _exit(0);
    }
    close(ready[0]);
    close(ready[1]);
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        wait(&status);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    cr_expect_eq(entries_in(in_folder("same")), CHILDREN * EACH);
}

Test(run, a_script_that_cannot_be_copied)
{
    cr_expect_null(
        ml_run_start(&(ml_run_opts){ .name = "a", .root = folder, .script = in_folder("none.lua") }));
    expect_message("cannot copy the script");
    expect_message("none.lua': No such file");
    cr_expect_eq(entries_in(in_folder("a")), 0, "a failed start leaves no directory");
    cr_assert(mkfifo(in_folder("pipe"), 0600) == 0);
    ml_run *run = ml_run_start(&(ml_run_opts){ .name = "a", .root = folder, .script = in_folder("pipe") });
    cr_assert(run, "%s", ml_error_message());
    cr_expect(access(in_run(run, "script.lua"), F_OK) != 0);
    ml_run_release(run);
    cr_assert(truncate(in_folder("pipe"), 0) != 0);
    put_file(in_folder("huge"), "", 0);
    cr_assert(truncate(in_folder("huge"), (off_t)1 << 40) == 0);
    expect_fails(ml_run_start(&(ml_run_opts){ .name = "a", .root = folder, .script = in_folder("huge") }),
                 "has 1099511627776 bytes; the most is 16777216");
}

/* --- run.json ------------------------------------------------------------------------------------------- */
Test(run, the_description_tells_all)
{
    ml_run *run = ml_run_start(
        &(ml_run_opts){ .name    = "a",
                        .root    = folder,
                        .seed    = UINT64_MAX,
                        .command = "moonlab run \"a.lua\"\tx=1\n\xFF",
                        .params  = " {\"lr\": 5e-3, \"big\": 9223372036854775807, \"name\": "
                                   "\"\\u00e4\xC3\xA4\", \"list\": [1, -0.5, true, null, {}]} " });
    cr_assert(run, "%s", ml_error_message());
    cJSON *json = description(run);
    cr_expect_str_eq(text_of(json, "status"), "running");
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(json, "finished")));
    cr_expect(matches(text_of(json, "started"),
                      "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z$"));
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "checks")), 0);
    cJSON_Delete(json);

    cr_expect(ml_run_check(run, "generalised", true, NULL));
    cr_expect(ml_run_check(run, "quote \" and \xE2\x82\xAC", false, "0.5 < 0.99\nno"));
    cr_expect_eq(ml_run_checks_failed(run), 1);
    cr_expect(ml_run_finish(run, ML_RUN_INTERRUPTED, "Ctrl-C"), "%s", ml_error_message());
    json = description(run);
    cr_expect_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "format")), 1);
    cr_expect_str_eq(text_of(json, "name"), "a");
    cr_expect_str_eq(text_of(json, "status"), "interrupted");
    cr_expect_str_eq(text_of(json, "message"), "Ctrl-C");
    cr_expect_str_eq(text_of(json, "command"), "moonlab run \"a.lua\"\tx=1\n\xEF\xBF\xBD");
    cr_expect(matches(text_of(json, "finished"), "^20.*Z$"));
    cr_expect_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "pid")), getpid());
    cr_expect_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "threads")), ml_threads());
    const cJSON *params = cJSON_GetObjectItem(json, "params");
    cr_expect_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(params, "lr")), 5e-3);
    cr_expect_str_eq(text_of(params, "name"), "\xC3\xA4\xC3\xA4");
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(params, "list")), 5);
    const cJSON *check = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "checks"), 1);
    cr_expect_str_eq(text_of(check, "name"), "quote \" and \xE2\x82\xAC");
    cr_expect_str_eq(text_of(check, "detail"), "0.5 < 0.99\nno");
    cr_expect(cJSON_IsFalse(cJSON_GetObjectItem(check, "passed")));
    cr_expect(cJSON_IsTrue(
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "checks"), 0), "passed")));
    const cJSON *versions = cJSON_GetObjectItem(json, "versions");
    cr_expect_str_eq(text_of(versions, "moonlab"), ML_VERSION);
    cr_expect(matches(text_of(versions, "compiler"), "[0-9]+\\.[0-9]+"));
    const cJSON *machine = cJSON_GetObjectItem(json, "machine");
    char         host[256];
    gethostname(host, sizeof host);
    cr_expect_str_eq(text_of(machine, "host"), host);
    cr_expect_str_eq(text_of(machine, "cpu"), ml_cpu_level());
    cr_expect(cJSON_GetNumberValue(cJSON_GetObjectItem(machine, "cores")) >= 1);
    cJSON_Delete(json);
    bytes b = read_file(in_run(run, "run.json")); /* digits that no double holds */
    cr_expect(contains(b.data, "\"big\": 9223372036854775807") &&
              contains(b.data, "\"seed\": 18446744073709551615"));
    free(b.data);
    ml_run_release(run);
}

Test(run, params_that_are_no_json_object_are_refused)
{
    static const char *const bad[] = {
        "",
        "[1]",
        "1",
        "null",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":nan}",
        "{\"a\":tru}",
        "{\"a\":1}x",
        "{\"a\":1}{}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"a\":[1 2]}",
        "{\"a\":[}",
        "{\"a\":1 \"b\":2}",
        "{,}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ml_error_clear();
        cr_expect_null(ml_run_start(&(ml_run_opts){ .name = "a", .root = folder, .params = bad[i] }), "%s",
                       bad[i]);
        expect_message("params must be a JSON object, went wrong at byte");
    }
    char deep[20000] = "{\"a\":";
    memset(deep + 5, '[', sizeof deep - 6);
    cr_expect_null(ml_run_start(&(ml_run_opts){ .name = "a", .root = folder, .params = deep }));
    ml_run_start(&(ml_run_opts){ .name = "a", .root = folder, .params = "{\"a\": oops}" });
    expect_message("at byte 7: 'oops}'");
    cr_expect_eq(entries_in(folder), 0);
}

/* --- what is refused, and how a run ends ---------------------------------------------------------------- */
Test(run, bad_records_are_refused_and_change_nothing)
{
    ml_run     *run      = start();
    const char *twice[]  = { "loss", "acc", "loss" };
    const char *none[]   = { "loss", NULL };
    double      values[] = { 1, 2, 3 }, value;
    expect_fails(ml_run_log(run, 1, twice, values, 3), "'loss' is given twice");
    expect_fails(ml_run_log(run, 1, none, values, 2), "metric 2 of 2 has no name");
    expect_fails(ml_run_log(run, 1, twice, values, 0), "1..4096 metrics, got 0");
    cr_expect_not(ml_run_log(run, 1, twice, values, 4097));
    expect_fails(ml_run_log(run, -1, twice, values, 2), "must not be negative, got -1");
    cr_expect_not(log1(run, 1, "", 0));
    char endless[ML_RUN_TEXT + 1];
    memset(endless, 'a', ML_RUN_TEXT);
    endless[ML_RUN_TEXT] = '\0';
    expect_fails(log1(run, 1, endless, 0), "has a name of 16384 bytes");
    expect_fails(ml_run_event(run, 1, endless), "event: the text has 16384 bytes; the most is 16383");
    cr_expect_not(ml_run_event(run, 1, NULL));
    expect_fails(ml_run_check(run, NULL, true, NULL), "check: a check needs a name");
    cr_expect_not(ml_run_check(run, "a", true, endless));
    cr_expect_eq(ml_run_checks_failed(run), 0);
    cr_expect_not(ml_run_last(run, "loss", &value));
    cr_expect_eq(ml_run_reached(run, "loss", 0), -1);
    cr_expect_not(ml_run_finish(run, ML_RUN_RUNNING, NULL));
    expect_fails(ml_run_finish(run, (ml_run_status)9, NULL), "got ?");
    cr_expect(ml_run_finish(run, ML_RUN_DONE, NULL));
    ml_run_reader *reader = ml_run_open(ml_run_dir(run));
    ml_record      record;
    cr_expect(ml_run_next(reader, &record) && record.kind == ML_RECORD_END, "only the end is in the log");
    ml_run_close(reader);
    ml_run_release(run);
}

Test(run, a_finished_run_takes_nothing_more)
{
    ml_run *run = start();
    cr_expect(log1(run, 3, "loss", 0.25));
    cr_expect(ml_run_finish(run, ML_RUN_DONE, NULL));
    double value;
    cr_expect_not(log1(run, 4, "loss", 0.5));
    expect_message("log: the run '");
    expect_message("has been finished");
    cr_expect_not(ml_run_event(run, 4, "late"));
    cr_expect_not(ml_run_check(run, "late", true, NULL));
    expect_fails(ml_run_finish(run, ML_RUN_FAILED, NULL), "finish: the run '");
    cr_expect(ml_run_last(run, "loss", &value) && value == 0.25, "looking back still works");
    ml_run_release(run);
}

Test(run, null_runs_are_nothing)
{
    double value;
    cr_expect_null(ml_run_dir(NULL));
    cr_expect_not(log1(NULL, 1, "loss", 1));
    cr_expect_not(ml_run_event(NULL, 1, "x"));
    cr_expect_not(ml_run_check(NULL, "x", true, NULL));
    cr_expect_not(ml_run_finish(NULL, ML_RUN_DONE, NULL));
    cr_expect_not(ml_run_last(NULL, "loss", &value));
    cr_expect_eq(ml_run_reached(NULL, "loss", 0), -1);
    cr_expect_eq(ml_run_checks_failed(NULL), 0);
    ml_run_release(NULL);
    ml_run_close(NULL);
}

Test(run, an_unfinished_run_is_finished_as_failed)
{
    ml_run *run = start();
    char    dir[4096];
    snprintf(dir, sizeof dir, "%s", ml_run_dir(run));
    log1(run, 1, "loss", 1);
    ml_run_release(run);
    ml_run_reader *reader = ml_run_open(dir);
    ml_record      record;
    cr_expect(ml_run_next(reader, &record) && record.kind == ML_RECORD_METRICS);
    cr_expect(ml_run_next(reader, &record) && record.kind == ML_RECORD_END);
    cr_expect_str_eq(record.text, "failed");
    cr_expect_str_eq(record.detail, "ended without being finished");
    ml_run_close(reader);
}

Test(run, a_long_message_is_cut_between_characters)
{
    ml_run *run  = start();
    char   *text = malloc(50001);
    for (int i = 0; i < 50000; i += 2) memcpy(text + i, "\xC3\xA4", 2);
    text[50000] = '\0';
    cr_expect(ml_run_finish(run, ML_RUN_FAILED, text), "%s", ml_error_message());
    cJSON *json = description(run);
    cr_expect_eq(strlen(text_of(json, "message")), ML_RUN_TEXT - 2);
    cr_expect(strncmp(text_of(json, "message"), text, ML_RUN_TEXT - 2) == 0);
    cJSON_Delete(json);
    free(text);
    ml_run_release(run);
}

Test(run, the_message_of_a_finish_may_be_the_pending_error)
{
    ml_run *run = start();
    ml_fail("matmul: inner sizes differ");
    cr_expect(ml_run_finish(run, ML_RUN_FAILED, ml_error_message()));
    expect_message("matmul: inner sizes differ");
    cJSON *json = description(run);
    cr_expect_str_eq(text_of(json, "message"), "matmul: inner sizes differ");
    cJSON_Delete(json);
    ml_run_release(run);
}

Test(run, statuses_have_names)
{
    cr_expect_str_eq(ml_run_status_name(ML_RUN_RUNNING), "running");
    cr_expect_str_eq(ml_run_status_name(ML_RUN_DONE), "done");
    cr_expect_str_eq(ml_run_status_name(ML_RUN_INTERRUPTED), "interrupted");
    cr_expect_str_eq(ml_run_status_name(ML_RUN_FAILED), "failed");
    cr_expect_str_eq(ml_run_status_name((ml_run_status)-1), "?");
}

/* --- looking back --------------------------------------------------------------------------------------- */
Test(run, last_and_reached_agree_with_a_plain_search)
{
    enum { STEPS = 500 };
    ml_run *run = start();
    double  history[STEPS], value;
    srand(5);
    for (int i = 0; i < STEPS; i++) {
        history[i] = i % 7 == 3 ? NAN : (double)rand() / RAND_MAX + i * 1e-3;
        cr_assert(
            ml_run_log(run, 10 * i, (const char *[]){ "noise", "steady" }, (double[]){ history[i], 1 }, 2));
        cr_expect(ml_run_last(run, "noise", &value) && memcmp(&value, &history[i], sizeof value) == 0);
    }
    for (double threshold = -0.1; threshold < 1.7; threshold += 0.01) {
        int64_t expected = -1;
        for (int i = 0; i < STEPS && expected < 0; i++)
            if (history[i] >= threshold) expected = 10 * i;
        cr_expect_eq(ml_run_reached(run, "noise", threshold), expected, "%g", threshold);
    }
    cr_expect_eq(ml_run_reached(run, "steady", 1), 0);
    cr_expect_eq(ml_run_reached(run, "steady", 1 + DBL_EPSILON), -1);
    cr_expect_eq(ml_run_reached(run, "noise", NAN), -1);
    cr_expect_eq(ml_run_reached(run, "other", 0), -1);
    ml_error_clear();
    cr_expect_not(ml_run_last(run, "other", &value));
    cr_expect_not(ml_failed());
    cr_expect(log1(run, 9000, "noise", INFINITY));
    cr_expect_eq(ml_run_reached(run, "noise", 1e300), 9000);
    ml_run_release(run);
}

/* --- CSV ------------------------------------------------------------------------------------------------ */
static char *csv_of(ml_run *run)
{
    cr_assert(ml_run_finish(run, ML_RUN_DONE, NULL));
    cr_assert(ml_run_export_csv(ml_run_dir(run), in_folder("out.csv")), "%s", ml_error_message());
    return read_file(in_folder("out.csv")).data;
}

/* The times differ from run to run: they are checked to be numbers and left out. */
static void expect_csv(ml_run *run, const char *expected)
{
    char  *text = csv_of(run), *without = calloc(1, strlen(text) + 1);
    size_t n    = 0;
    double last = 0;
    char  *line = text + strcspn(text, "\n") + 1;
    memcpy(without, text, n = (size_t)(line - text));
    while (*line) {
        char  *time    = line + strcspn(line, ",") + 1, *rest;
        double seconds = strtod(time, &rest);
        cr_expect(*rest == ',' && seconds >= last && seconds < 100, "time in %s", line);
        last = seconds;
        memcpy(without + n, line, (size_t)(time - line));
        n += (size_t)(time - line);
        size_t m = strcspn(rest, "\n") + 1;
        memcpy(without + n, rest, m);
        n += m;
        line = rest + m;
    }
    cr_expect_str_eq(without, expected);
    free(without);
    free(text);
}

Test(run, csv_joins_records_of_a_step_and_leaves_gaps)
{
    ml_run *run = start();
    ml_run_log(run, 0, (const char *[]){ "loss", "acc" }, (double[]){ 0.5, 0.1 }, 2);
    ml_run_event(run, 0, "not in the table");
    log1(run, 0, "norm", 3);
    log1(run, 10, "acc", 0.2);
    log1(run, 10, "acc", 0.3);
    log1(run, 20, "late", -1);
    log1(run, 10, "loss", 1e-300);
    ml_run_check(run, "nor this", true, NULL);
    expect_csv(run, "step,time,loss,acc,norm,late\n"
                    "0,,0.5,0.1,3,\n"
                    "10,,,0.2,,\n"
                    "10,,,0.3,,\n"
                    "20,,,,,-1\n"
                    "10,,1e-300,,,\n");
    ml_run_release(run);
}

Test(run, csv_quotes_names_as_rfc_4180_says)
{
    ml_run *run = start();
    ml_run_log(run, 1, (const char *[]){ "plain name", "a,b", "say \"x\"", "two\nlines", "\xC3\xA4" },
               (double[]){ 1, 2, 3, 4, 5 }, 5);
    char *text = csv_of(run);
    cr_expect(matches(text, "^step,time,plain name,\"a,b\",\"say "
                            "\"\"x\"\"\",\"two\nlines\",\xC3\xA4\n1,[0-9.e-]+,1,2,3,4,5\n$"),
              "%s", text);
    free(text);
    ml_run_release(run);
}

Test(run, csv_values_read_back_to_the_bit)
{
    double  values[1000];
    ml_run *run = start();
    srand(7);
    for (int i = 0; i < 1000; i++) {
        uint64_t bits = 0;
        for (int k = 0; k < 8; k++) bits = bits << 8 | (uint64_t)(rand() & 255);
        memcpy(&values[i], &bits, sizeof bits);
    }
    double special[] = {
        0.1, 1.0 / 3, DBL_MAX, DBL_MIN, 5e-324, -0.0, INFINITY, -INFINITY, 9007199254740993.0, 100
    };
    memcpy(values, special, sizeof special);
    for (int i = 0; i < 1000; i++) cr_assert(log1(run, i, "v", values[i]));
    char *text = csv_of(run), *line = text;
    cr_expect(contains(text, ",0.1\n") && contains(text, ",-0\n") && contains(text, ",inf\n") &&
                  contains(text, ",100\n"),
              "the short forms");
    for (int i = 0; i < 1000; i++) {
        line        = strchr(line, '\n') + 1;
        double back = strtod(strchr(strchr(line, ',') + 1, ',') + 1, NULL);
        cr_expect(isnan(values[i]) ? isnan(back) : memcmp(&back, &values[i], sizeof back) == 0,
                  "%a became %a", values[i], back);
    }
    free(text);
    ml_run_release(run);
}

Test(run, csv_of_an_empty_run_and_of_none)
{
    ml_run *run = start();
    expect_csv(run, "step,time\n");
    ml_run_release(run);
    expect_fails(ml_run_export_csv(in_folder("none"), in_folder("x.csv")), "there is no run in '");
    cr_expect(access(in_folder("x.csv"), F_OK) != 0);
}
