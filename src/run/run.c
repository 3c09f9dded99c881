/* The life of a run: start, events, checks, finish. */
#include "run/json.h"
#include "run/run_impl.h"

#include <stdio.h>
#include <string.h>

#define NAME_LIMIT 100

const char *ml_run_status_name(ml_run_status status)
{
    static const char *const names[] = { "running", "done", "interrupted", "failed" };
    return (unsigned)status < sizeof names / sizeof *names ? names[status] : "?";
}

void *mli_grown(void *items, size_t *capacity, size_t wanted, size_t item_bytes)
{
    if (wanted <= *capacity) return items;
    size_t more  = wanted + wanted / 2 + 4;
    void  *grown = ml_realloc(items, *capacity * item_bytes, more * item_bytes);
    if (grown) *capacity = more;
    return grown;
}

double mli_run_now(const ml_run *run)
{
    return ml_clock() - run->began;
}

/* --- start ---------------------------------------------------------------------------------------------- */
static bool is_good_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (!name || !*name) return ml_fail("run: a run needs a name");
    size_t good = strspn(name, allowed);
    if (name[good])
        return ml_fail("run: the name '%s' may only have letters, digits, '-', '_' and '.'", name);
    if (good > NAME_LIMIT)
        return ml_fail("run: the name '%.20s...' has %zu letters; the most is %d", name, good, NAME_LIMIT);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return ml_fail("run: '%s' is no name for a run", name);
    return true;
}

static void free_all(ml_run *run)
{
    for (size_t i = 0; i < run->n_checks; i++) {
        mli_copy_free(run->checks[i].name);
        mli_copy_free(run->checks[i].detail);
    }
    ml_realloc(run->checks, run->checks_capacity * sizeof *run->checks, 0);
    mli_metrics_free(run);
    mli_copy_free(run->dir);
    mli_copy_free(run->name);
    mli_copy_free(run->params);
    mli_copy_free(run->command);
    ml_realloc(run, sizeof *run, 0);
}

/* run.json comes last: who finds one in a directory finds a log, too. */
static bool fill_folder(ml_run *run, const ml_run_opts *opts)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/log", run->dir);
    if (!mli_folder_add(run->dir, opts->script, opts->script_text) || !mli_log_create(&run->log, path)) return false;
    if (mli_describe(run)) return true;
    mli_log_drop(&run->log);
    return false;
}

ml_run *ml_run_start(const ml_run_opts *opts)
{
    char dir[4096];
    if (!opts) return ml_fail("run: there are no options");
    const char *params = opts->params ? opts->params : "{}";
    if (!is_good_name(opts->name) || !mli_json_is_object(params)) return NULL;
    ml_run *run = ml_realloc(NULL, 0, sizeof *run);
    if (!run) return NULL;
    memset(run, 0, sizeof *run);
    run->seed    = opts->seed;
    run->began   = ml_clock();
    run->started = time(NULL);
    run->name    = mli_copy(opts->name);
    run->params  = mli_copy(params);
    run->command = opts->command ? mli_copy(opts->command) : NULL;
    bool copied  = run->name && run->params && (run->command || !opts->command);
    if (!copied || !mli_folder_make(opts->root, opts->name, dir, sizeof dir - 16)) {
        free_all(run);
        return NULL;
    }
    run->dir = mli_copy(dir);
    if (!run->dir || !fill_folder(run, opts)) {
        mli_folder_remove(dir);
        free_all(run);
        return NULL;
    }
    return run;
}

const char *ml_run_dir(const ml_run *run)
{
    return run ? run->dir : NULL;
}

/* --- events, changes and checks ------------------------------------------------------------------------- */
static bool is_running(const ml_run *run, const char *what)
{
    if (!run) return false;
    return run->status == ML_RUN_RUNNING || ml_fail("%s: the run '%s' has been finished", what, run->dir);
}

bool mli_name_fits(const char *what, const char *name)
{
    if (!name || !*name) return ml_fail("%s needs a name", what);
    size_t n = strlen(name);
    return n < ML_RUN_NAME ||
           ml_fail("%s has a name of %zu bytes, '%.20s...'; the most is %d", what, n, name, ML_RUN_NAME - 1);
}

static bool text_fits(const char *what, const char *text)
{
    size_t n = strlen(text);
    return n < ML_RUN_TEXT || ml_fail("%s has %zu bytes; the most is %d", what, n, ML_RUN_TEXT - 1);
}

bool ml_run_event(ml_run *run, int64_t step, const char *text)
{
    if (!is_running(run, "event")) return false;
    if (!text) return ml_fail("event: there is no text");
    if (!text_fits("event: the text", text)) return false;
    mli_log_words(&run->log, mli_run_now(run), ML_RECORD_EVENT, step, text, "", false);
    return mli_log_told(&run->log);
}

bool ml_run_change(ml_run *run, int64_t step, int loop, const char *name, const char *value, bool goes_on)
{
    if (!is_running(run, "change")) return false;
    if (!value) return ml_fail("change: there is no value");
    if (!mli_name_fits("change: what is changed", name) || !text_fits("change: the value", value)) return false;
    mli_log_change(&run->log, mli_run_now(run), step, loop, name, value, goes_on);
    return mli_log_told(&run->log);
}

bool ml_run_stop(ml_run *run, int64_t step, int loop)
{
    if (!is_running(run, "stop")) return false;
    mli_log_stop(&run->log, mli_run_now(run), step, loop);
    return mli_log_told(&run->log);
}

bool ml_run_check(ml_run *run, const char *name, bool passed, const char *detail)
{
    if (!detail) detail = "";
    if (!is_running(run, "check")) return false;
    if (!mli_name_fits("check: a check", name) || !text_fits("check: the detail", detail)) return false;
    mli_check *grown = mli_grown(run->checks, &run->checks_capacity, run->n_checks + 1, sizeof *run->checks);
    if (!grown) return false;
    run->checks     = grown;
    mli_check check = { mli_copy(name), mli_copy(detail), passed };
    if (!check.name || !check.detail) {
        mli_copy_free(check.name);
        mli_copy_free(check.detail);
        return false;
    }
    run->checks[run->n_checks++] = check;
    mli_log_words(&run->log, mli_run_now(run), ML_RECORD_CHECK, run->log.step, name, detail, passed);
    return mli_log_told(&run->log);
}

int ml_run_checks_failed(const ml_run *run)
{
    int failed = 0;
    for (size_t i = 0; run && i < run->n_checks; i++) failed += !run->checks[i].passed;
    return failed;
}

/* --- finish --------------------------------------------------------------------------------------------- */
/* The beginning of a message, cut between two characters: a long one is no reason why a run could not end. */
static void cut(char *out, size_t bytes, const char *text)
{
    size_t n = strlen(text);
    if (n >= bytes) {
        n = bytes - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
    }
    memcpy(out, text, n);
    out[n] = '\0';
}

bool ml_run_finish(ml_run *run, ml_run_status status, const char *message)
{
    if (!is_running(run, "finish")) return false;
    if (status != ML_RUN_DONE && status != ML_RUN_INTERRUPTED && status != ML_RUN_FAILED)
        return ml_fail("finish: the status must be done, interrupted or failed, got %s",
                       ml_run_status_name(status));
    char trouble[1024] = "";
    cut(run->message, sizeof run->message, message ? message : "");
    run->status   = status;
    run->finished = time(NULL);
    double now    = mli_run_now(run);
    mli_log_flush(&run->log, now);
    mli_log_words(&run->log, now, ML_RECORD_END, run->log.step, ml_run_status_name(status), run->message,
                  false);
    if (!mli_log_close(&run->log, now)) cut(trouble, sizeof trouble, ml_error_message());
    bool described = mli_describe(run);
    if (*trouble) ml_fail("%s", trouble); /* what the log lacks matters more than why run.json is old */
    return described && !*trouble;
}

void ml_run_release(ml_run *run)
{
    if (!run) return;
    if (run->status == ML_RUN_RUNNING)
        (void)ml_run_finish(run, ML_RUN_FAILED, "ended without being finished");
    free_all(run);
}
