/* moonlab run --watch: the script runs in a child, again whenever one of its files is saved. A child is a clean start: nothing of the
 * old program is left but what it kept on purpose (run:on_reload), in a file that lives as long as the watching. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/watch.h"
#include "moonlab/base.h"

#define PATIENCE 10.0 /* seconds for the step under way, before the child is told again; then it ends at once */
#define LAST     2.0  /* and for that */

typedef struct child {
    pid_t  id;
    int    files;      /* what it reads, a path a line */
    char   line[4096]; /* the one that is coming */
    size_t n_line;
} child;

static volatile sig_atomic_t asked; /* Ctrl-C or SIGTERM: the watching is over */

static void on_signal(int number)
{
    asked = number;
}

static bool start(child *c, run_script *script, void *context, const char *state)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    fflush(NULL);
    c->id = fork();
    if (c->id == 0) {
        close(ends[0]);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        int code = script(context, &(watched_run){ .files = ends[1], .state = state });
        fflush(NULL);
        _exit(code);
    }
    close(ends[1]);
    if (c->id < 0) close(ends[0]);
    c->files  = ends[0];
    c->n_line = 0;
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return c->id > 0;
}

/* Takes the paths that have come. A path too long for a line is not watched. */
static void hear(child *c, watch *w)
{
    for (ssize_t n; c->files >= 0;) {
        n = read(c->files, c->line + c->n_line, sizeof c->line - c->n_line);
        if (n < 0) return; /* nothing now */
        if (n == 0) {
            close(c->files);
            c->files = -1;
            return;
        }
        c->n_line += (size_t)n;
        for (char *end; (end = memchr(c->line, '\n', c->n_line));) {
            *end = '\0';
            (void)watch_add(w, c->line);
            c->n_line -= (size_t)(end + 1 - c->line);
            memmove(c->line, end + 1, c->n_line);
        }
        if (c->n_line == sizeof c->line) c->n_line = 0;
    }
}

static bool ended(child *c, int *code)
{
    int status;
    if (c->id == 0) return true;
    if (waitpid(c->id, &status, WNOHANG) != c->id) return false;
    c->id = 0;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

/* Ends the child as Ctrl-C would: after the step under way; by force when it does not hear. */
static void stop(child *c, watch *w, int *code, bool told)
{
    double began = ml_clock();
    for (int n = told ? 1 : 0; !ended(c, code);) {
        double waited = ml_clock() - began;
        if (n == 0 || (n == 1 && waited > PATIENCE)) kill(c->id, SIGTERM), n++;
        else if (n == 2 && waited > PATIENCE + LAST) kill(c->id, SIGKILL), n++;
        hear(c, w);
        (void)poll(NULL, 0, 10);
    }
}

static void say(bool quiet, const char *what, const char *path)
{
    if (!quiet) fprintf(stderr, "watch: %s%s\n", path ? path : "", what);
}

/* One child after another; returns when Ctrl-C has been pressed. */
static int go(watch *w, run_script *script, void *context, const char *state, bool quiet)
{
    child c    = { .files = -1 };
    int   code = DONE;
    for (const char *path; !asked;) {
        if (!start(&c, script, context, state)) {
            fprintf(stderr, "moonlab run: cannot start the script: %s\n", strerror(errno));
            return FAILED;
        }
        bool waiting = false, changed = false;
        while (!asked && !changed) {
            hear(&c, w);
            if (ended(&c, &code) && !waiting) {
                hear(&c, w);
                waiting = true;
                if (!asked) say(quiet, "waiting for a file to be saved; Ctrl-C ends", NULL);
            }
            if (asked) break;
            watch_wait(w, c.files, 100);
            changed = watch_changed(w, &path);
        }
        stop(&c, w, &code, asked == SIGINT); /* the terminal tells it of Ctrl-C by itself */
        if (c.files >= 0) close(c.files);
        c.files = -1;
        if (changed) say(quiet, " was saved: from the start", path);
    }
    return code;
}

int run_watched(const char *path, run_script *script, void *context, bool quiet)
{
    char             folder[512], state[540], windows[540], place[560];
    const char      *tmp  = getenv("TMPDIR");
    struct sigaction ours = { .sa_handler = on_signal };
    watch           *w    = watch_open();
    snprintf(folder, sizeof folder, "%s/moonlab-XXXXXX", tmp && *tmp && strlen(tmp) < 400 ? tmp : "/tmp");
    if (!w || !watch_add(w, path) || !mkdtemp(folder)) {
        fprintf(stderr, "moonlab run: cannot watch '%s': %s\n", path, strerror(errno));
        watch_close(w);
        return FAILED;
    }
    snprintf(state, sizeof state, "%s/state", folder);
    sigemptyset(&ours.sa_mask);
    sigaction(SIGINT, &ours, NULL);
    sigaction(SIGTERM, &ours, NULL);
    snprintf(windows, sizeof windows, "%s/window", folder);
    setenv("MOONLAB_WINDOWS", windows, 1); /* where they stood: window_place.c */
    int code = go(w, script, context, state, quiet);
    unlink(state);
    for (int i = 1; snprintf(place, sizeof place, "%s-%d", windows, i) > 0 && unlink(place) == 0;) i++;
    rmdir(folder);
    watch_close(w);
    return code;
}
