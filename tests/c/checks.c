#define _GNU_SOURCE
#include "checks.h"

#include <criterion/hooks.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- counting over processes ---------------------------------------------------------------------------------- */
#define TALLY "MOONLAB_TEST_TALLY" /* path of the file; the runner sets it, its tests inherit it */

static long  n_checks;
static char *notes;
static size_t notes_length;

/* One write to a file opened for appending: lines stay whole. */
static void write_tally(const char *text, size_t n)
{
    const char *path = getenv(TALLY);
    int         fd   = path ? open(path, O_WRONLY | O_APPEND) : -1;
    if (fd < 0) return;
    cr_expect_eq(write(fd, text, n), (ssize_t)n);
    close(fd);
}

void tally_count(int n) { n_checks += n; }

void tally_note(const char *format, ...)
{
    va_list args;
    char    line[512];
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line) n = (int)strlen(line);
    notes = realloc(notes, notes_length + (size_t)n + 2);
    memcpy(notes + notes_length, line, (size_t)n);
    notes_length += (size_t)n;
    notes[notes_length++] = '\n';
    notes[notes_length]   = '\0';
}

static void flush(void)
{
    char count[32];
    write_tally(count, (size_t)snprintf(count, sizeof count, "%ld\n", n_checks));
    if (notes) write_tally(notes, notes_length);
    free(notes);
    notes        = NULL;
    notes_length = 0;
    n_checks     = 0;
}

void begin_test(void) { ml_threads_set(1); }

void end_test(void)
{
    ml_scope_end(&(ml_scope){ 0 });
    size_t live = ml_memory().live, list = 256 * sizeof(void *);
    while (list < live && list <= 4096 * sizeof(void *)) list *= 2;
    bool whole = expect(live == 0 || live == list, "%zu bytes are still in use at the end", live);
    flush();
    if (!whole) abort(); /* Criterion prints what fails after a test, but counts only a crash */
}

/* --- the runner's side ------------------------------------------------------------------------------------------ */
ReportHook(PRE_ALL)(struct criterion_test_set *unused)
{
    (void)unused;
    static char path[] = "/tmp/moonlab-tally-XXXXXX";
    int         fd     = mkstemp(path);
    if (fd < 0) return;
    close(fd);
    setenv(TALLY, path, 1);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

ReportHook(POST_ALL)(struct criterion_global_stats *unused)
{
    (void)unused;
    const char *path = getenv(TALLY);
    FILE       *f    = path ? fopen(path, "r") : NULL;
    if (!f) return;
    char **lines = NULL, *line = NULL;
    size_t n = 0, capacity = 0;
    long   total = 0;
    while (getline(&line, &capacity, f) > 0) {
        char *end;
        long  count = strtol(line, &end, 10);
        if (*end == '\n' && end > line) {
            total += count;
            continue;
        }
        lines      = realloc(lines, (n + 1) * sizeof *lines);
        lines[n++] = strdup(line);
    }
    fclose(f);
    unlink(path);
    if (n) qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0) fprintf(stderr, "note: %s", lines[i]);
    fprintf(stderr, "%ld checks\n", total);
    for (size_t i = 0; i < n; i++) free(lines[i]);
    free(lines);
    free(line);
}

/* --- comparing -------------------------------------------------------------------------------------------------- */
#define WORDS(format)                                       \
    char    words[512];                                     \
    va_list args;                                           \
    va_start(args, format);                                 \
    vsnprintf(words, sizeof words, format, args);           \
    va_end(args)

bool expect(bool condition, const char *format, ...)
{
    n_checks++;
    if (condition) return true;
    WORDS(format);
    cr_expect(false, "%s%s%s", words, ml_failed() ? "\n  message: " : "", ml_error_message());
    return false;
}

double *values_of(const ml_tensor *t)
{
    double *v = malloc((size_t)ml_tensor_numel(t) * sizeof *v + 1);
    cr_assert(v && ml_tensor_copy_out(t, ML_F64, v));
    return v;
}

/* Both exist and have one shape. */
static bool comparable(const ml_tensor *a, const ml_tensor *b, const char *words)
{
    if (!a || !b) return expect(false, "%s: %s is missing", words, a ? "the reference" : "the result");
    ml_shape sa = ml_tensor_shape(a), sb = ml_tensor_shape(b);
    return expect(ml_shape_equal(&sa, &sb), "%s: shape %s, not %s", words, ml_shape_text(&sa),
                  ml_shape_text(&sb));
}

bool expect_close(const ml_tensor *a, const ml_tensor *b, double tolerance, const char *format, ...)
{
    WORDS(format);
    if (!comparable(a, b, words)) return false;
    int64_t n = ml_tensor_numel(a), bad = -1;
    double *x = values_of(a), *y = values_of(b), scale = 1, worst = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(y[i]) && fabs(y[i]) > scale) scale = fabs(y[i]);
    for (int64_t i = 0; i < n; i++) {
        if (x[i] == y[i] || (isnan(x[i]) && isnan(y[i]))) continue;
        double d = fabs(x[i] - y[i]);
        if (d <= worst) continue;
        worst = d; /* NaN and infinity against a number: d is not <= anything, or infinite */
        bad   = i;
        if (!isfinite(d)) {
            worst = INFINITY;
            break;
        }
    }
    bool ok = expect(bad < 0 || worst <= tolerance * scale,
                     "%s: element %lld of %lld is %.17g, not %.17g (tolerance %g)", words, (long long)bad,
                     (long long)n, bad < 0 ? 0 : x[bad], bad < 0 ? 0 : y[bad], tolerance * scale);
    free(x);
    free(y);
    return ok;
}

bool expect_same(const ml_tensor *a, const ml_tensor *b, const char *format, ...)
{
    WORDS(format);
    if (!comparable(a, b, words)) return false;
    if (!expect(ml_tensor_dtype(a) == ml_tensor_dtype(b), "%s: dtype %s, not %s", words,
                ml_dtype_name(ml_tensor_dtype(a)), ml_dtype_name(ml_tensor_dtype(b))))
        return false;
    int64_t n = ml_tensor_numel(a), bad = -1; /* as f64 all dtypes keep their bits but large i64 */
    double *x = values_of(a), *y = values_of(b);
    for (int64_t i = 0; i < n && bad < 0; i++)
        if (memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i]))) bad = i;
    bool ok = expect(bad < 0, "%s: element %lld of %lld is %.17g, not %.17g", words, (long long)bad,
                     (long long)n, bad < 0 ? 0 : x[bad], bad < 0 ? 0 : y[bad]);
    free(x);
    free(y);
    return ok;
}

bool expect_message(const char *op, const char *format, ...)
{
    WORDS(format);
    char   text[300];
    size_t n = strlen(op);
    snprintf(text, sizeof text, "%s", ml_error_message());
    bool ok = ml_failed() && strncmp(text, op, n) == 0 && text[n] == ':' && text[n + 1] == ' ' &&
              strlen(text) > n + 10;
    ml_error_clear();
    return expect(ok, "%s: the message is '%s', which does not begin with '%s: '", words, text, op);
}

void expect_survives_refused_memory(bool (*try_all)(void))
{
    cr_assert(try_all(), "%s", ml_error_message());
    for (int64_t n = 1; n < 3000; n++) {
        ml_error_clear();
        ml_memory_trim();
        size_t before = ml_memory().live;
        ml_memory_fail_after(n);
        bool ok = try_all();
        ml_memory_fail_after(0);
        cr_expect_eq(ml_memory().live, before, "refusal %d leaks", (int)n);
        if (ok) return;
        cr_expect(ml_failed(), "refusal %d is silent", (int)n);
    }
    cr_expect(false, "it never ends");
}
