/* run.json: what one must know to repeat a run, and how it ended. */
#define _POSIX_C_SOURCE 200809L
#include "run/json.h"
#include "run/run_impl.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FORMAT 1

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

/* --- one line each -------------------------------------------------------------------------------------- */
static void put_key(mli_text *t, const char *key)
{
    mli_text_putf(t, "%s  \"%s\": ", t->used > 2 ? ",\n" : "", key);
}

static void put_string(mli_text *t, const char *key, const char *value)
{
    put_key(t, key);
    mli_json_string(t, value);
}

static void put_time(mli_text *t, const char *key, time_t when)
{
    char      text[32];
    struct tm utc;
    gmtime_r(&when, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    put_string(t, key, when ? text : NULL);
}

static void put_versions(mli_text *t)
{
    put_key(t, "versions");
    mli_text_puts(t, "{ \"moonlab\": ");
    mli_json_string(t, ML_VERSION);
    mli_text_puts(t, ", \"compiler\": ");
    mli_json_string(t, COMPILER);
    mli_text_puts(t, " }");
}

static void put_machine(mli_text *t)
{
    struct utsname system = { 0 };
    char           kind[sizeof system];
    (void)uname(&system);
    snprintf(kind, sizeof kind, "%s %s %s", system.sysname, system.release, system.machine);
    put_key(t, "machine");
    mli_text_puts(t, "{ \"host\": ");
    mli_json_string(t, system.nodename);
    mli_text_puts(t, ", \"system\": ");
    mli_json_string(t, kind);
    mli_text_puts(t, ", \"cpu\": ");
    mli_json_string(t, ml_cpu_level());
    mli_text_putf(t, ", \"cores\": %ld }", sysconf(_SC_NPROCESSORS_ONLN));
    put_key(t, "threads");
    mli_text_putf(t, "%d", ml_threads());
    put_key(t, "pid");
    mli_text_putf(t, "%ld", (long)getpid());
}

static void put_checks(mli_text *t, const ml_run *run)
{
    put_key(t, "checks");
    mli_text_puts(t, "[");
    for (size_t i = 0; i < run->n_checks; i++) {
        const mli_check *check = &run->checks[i];
        mli_text_puts(t, i ? ",\n    { \"name\": " : "\n    { \"name\": ");
        mli_json_string(t, check->name);
        mli_text_putf(t, ", \"passed\": %s, \"detail\": ", check->passed ? "true" : "false");
        mli_json_string(t, check->detail);
        mli_text_puts(t, " }");
    }
    mli_text_puts(t, run->n_checks ? "\n  ]" : "]");
}

/* --- the whole ------------------------------------------------------------------------------------------ */
static void put_all(mli_text *t, const ml_run *run)
{
    mli_text_puts(t, "{\n");
    put_key(t, "format");
    mli_text_putf(t, "%d", FORMAT);
    put_string(t, "name", run->name);
    put_string(t, "status", ml_run_status_name(run->status));
    put_string(t, "message", *run->message ? run->message : NULL);
    put_key(t, "seed");
    mli_text_putf(t, "%llu", (unsigned long long)run->seed);
    put_key(t, "params");
    mli_text_puts(t, run->params);
    put_string(t, "command", run->command);
    put_time(t, "started", run->started);
    put_time(t, "finished", run->finished);
    put_checks(t, run);
    put_versions(t);
    put_machine(t);
    mli_text_puts(t, "\n}\n");
}

bool mli_describe(const ml_run *run)
{
    char     path[4096];
    mli_text t = { 0 }, clean = { 0 };
    put_all(&t, run);
    mli_text_put(&t, "", 1);
    if (!t.failed) mli_text_put_utf8(&clean, t.bytes);
    bool written = !t.failed && !clean.failed;
    if (written) {
        snprintf(path, sizeof path, "%s/run.json", run->dir);
        written = ml_file_write(path, clean.bytes, clean.used);
    }
    mli_text_free(&t);
    mli_text_free(&clean);
    return written;
}
