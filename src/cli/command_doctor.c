/* moonlab doctor: what this machine and this build are, a line and a verdict each. */
#define _POSIX_C_SOURCE 200809L
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>

#include "moonlab/autograd.h"
#include "moonlab/figure.h"
#include "moonlab/linalg.h"

typedef enum verdict { GOOD, NOTE, BROKEN } verdict; /* NOTE: works, but not as well as it could */

static int n_broken;

static void report(verdict v, const char *title, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void report(verdict v, const char *title, const char *format, ...)
{
    static const char *const marks[] = { "ok", "note", "BROKEN" };
    va_list args;
    printf("%-7s %-10s ", marks[v], title);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    n_broken += v == BROKEN;
}

/* --- libraries ------------------------------------------------------------------------------------------------------ */
static void report_lua(void)
{
    lua_State *L = script_state();
    if (!L) {
        report(BROKEN, "Lua", LUA_RELEASE ": no memory for a state");
        return;
    }
    lua_getglobal(L, "require");
    lua_pushstring(L, "moonlab");
    if (!script_call(L, 1, 1)) report(BROKEN, "Lua", LUA_RELEASE ", moonlab does not load: %s", lua_tostring(L, -1));
    else report(lua_version(L) == LUA_VERSION_NUM ? GOOD : BROKEN, "Lua", LUA_RELEASE);
    lua_close(L);
}

/* A product and a derivative with known results: the kernels that were chosen for this CPU do work here. */
static void report_arithmetic(void)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x     = ml_requires_grad(ml_arange(1, 5, 1, ML_F32), true);
    ml_tensor *m     = ml_reshape(x, &(ml_reshape_opts){ .shape = ML_SHAPE(2, 2) });
    ml_tensor *sum   = ml_sum(ml_matmul(m, m), NULL); /* ((7, 10), (15, 22)); d sum / d x = row sums + column sums */
    ml_tensor *dx    = NULL;
    double     value = ml_item(sum), first = 0;
    if (ml_grad(sum, &x, 1, &dx, NULL)) first = ml_tensor_at(dx, (int64_t[]){ 0 });
    if (ml_failed()) report(BROKEN, "kernels", "%s: %s", ml_cpu_level(), ml_error_message());
    else if (value != 54 || first != 7) report(BROKEN, "kernels", "%s: wrong numbers: %g for 54, %g for 7", ml_cpu_level(), value, first);
    else report(GOOD, "kernels", "%s, arithmetic checked; matrix products are moonlab's own, no BLAS", ml_cpu_level());
    ml_error_clear();
    ml_scope_end(&scope);
}

/* Loading it is not enough: a factorisation with a known result. */
static void report_linalg(void)
{
    const char *library = ml_linalg_library();
    ml_scope    scope   = ml_scope_begin();
    double      x[4]    = { 2, 1, 1, 2 };
    ml_tensor  *values  = library ? ml_eigvalsh(ml_from(ML_SHAPE(2, 2), ML_F64, x)) : NULL;
    double      largest = values ? ml_tensor_at(values, (int64_t[]){ 1 }) : 0;
    if (!values) report(BROKEN, "linalg", "%s", ml_error_message());
    else if (largest < 3 - 1e-12 || largest > 3 + 1e-12) report(BROKEN, "linalg", "%s: wrong numbers: %g for 3", library, largest);
    else report(GOOD, "linalg", "LAPACK of %s, one thread", library);
    ml_error_clear();
    ml_scope_end(&scope);
}

/* --- limits ----------------------------------------------------------------------------------------------------------- */
static void report_threads(void)
{
    const char *text = getenv("MOONLAB_THREADS");
    if (text && (atoi(text) < 1 || atoi(text) > 256))
        report(BROKEN, "threads", "%d; MOONLAB_THREADS must be 1..256, it is '%s'", ml_threads(), text);
    else report(GOOD, "threads", "%d%s", ml_threads(), text ? " (MOONLAB_THREADS)" : "");
}

static void report_memory(void)
{
    size_t cap = ml_memory().cap;
    if (!ml_memory_environment()) report(BROKEN, "memory", "%s", ml_error_message());
    else if (!cap) report(GOOD, "memory", "no cap (MOONLAB_MEMORY=4G would set one)");
    else report(GOOD, "memory", "cap %.1f MB (MOONLAB_MEMORY)", (double)cap / 1048576.0);
    ml_error_clear();
}

static void report_figures(void)
{
    const char *libraries = ml_figure_libraries();
    if (!libraries) {
        report(BROKEN, "figures", "%s", ml_error_message());
        ml_error_clear();
        return;
    }
    report(GOOD, "figures", "%s", libraries);
    const char *display = ml_display();
    if (display) report(GOOD, "display", "%s", display);
    else report(NOTE, "display", "none; figures go to files (%s)", ml_error_message());
    ml_error_clear();
}

/* The folder of the runs, or the one it would be made in. Only a trial tells: rights are not everything. */
static void report_runs(void)
{
    const char *root = getenv("MOONLAB_RUNS");
    char        folder[4096], trial[4200];
    struct stat about;
    if (!root || !*root) root = "runs";
    snprintf(folder, sizeof folder, "%s", root);
    while (stat(folder, &about) != 0 && errno == ENOENT) {
        char *slash = strrchr(folder, '/');
        if (slash == folder) slash[1] = '\0';
        else if (slash) *slash = '\0';
        else strcpy(folder, ".");
    }
    snprintf(trial, sizeof trial, "%s/.moonlab-doctor-%ld", folder, (long)getpid());
    if (!ml_file_write(trial, "", 0)) report(BROKEN, "runs", "'%s': %s", root, ml_error_message());
    else report(GOOD, "runs", "'%s' can be written", root);
    unlink(trial);
    ml_error_clear();
}

int command_doctor(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return usage_error("doctor", "takes no arguments");
    report(GOOD, "moonlab", ML_VERSION);
    report_lua();
    report_arithmetic();
    report_linalg();
    report_threads();
    report_memory();
    report_figures();
    report_runs();
    return n_broken ? FAILED : DONE;
}
