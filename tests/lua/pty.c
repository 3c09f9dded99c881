/* Talks to a program through a terminal: pty PROGRAM [ARGUMENT...] < dialogue
 *
 *     expect > \n          waits until this text appears in what the program printed since the last expect
 *     send ml.zeros\t      types this; \n \t \e \\ and \x03 (any byte) are understood
 *
 * Prints all that the program printed. Exit code: the program's, 128 + signal, or 99 when an expected text did not come. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60.0 /* seconds for one expected text: sanitizers on a busy machine are slow */

static char   seen[1 << 20];
static size_t n_seen, n_taken; /* taken: up to the end of the last expected text */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Reads what has come, waiting at most so long; false when the program has closed its side. */
static bool hear(int terminal, double seconds)
{
    struct pollfd ready = { terminal, POLLIN, 0 };
    if (poll(&ready, 1, (int)(seconds * 1000)) <= 0) return true;
    ssize_t n = read(terminal, seen + n_seen, sizeof seen - 1 - n_seen);
    if (n <= 0) return n < 0 && (errno == EINTR || errno == EAGAIN);
    n_seen += (size_t)n;
    return true;
}

static bool expect(int terminal, const char *text)
{
    double end = now() + PATIENCE;
    for (bool open = true;;) {
        char *found = memmem(seen + n_taken, n_seen - n_taken, text, strlen(text));
        if (found) {
            n_taken = (size_t)(found - seen) + strlen(text);
            return true;
        }
        if (!open || now() > end) return false;
        open = hear(terminal, 0.1);
    }
}

static void unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        if (*in != '\\') {
            *out++ = *in;
            continue;
        }
        in++;
        if (*in == 'n') *out++ = '\n';
        else if (*in == 't') *out++ = '\t';
        else if (*in == 'e') *out++ = '\033';
        else if (*in == 'x') {
            *out++ = (char)strtol((char[]){ in[1], in[2], 0 }, NULL, 16);
            in += 2;
        } else *out++ = *in;
    }
    *out = '\0';
}

static pid_t start(char **argv, int *terminal)
{
    *terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (*terminal < 0 || grantpt(*terminal) != 0 || unlockpt(*terminal) != 0) return -1;
    struct winsize size = { .ws_row = 40, .ws_col = 100 };
    ioctl(*terminal, TIOCSWINSZ, &size);
    pid_t child = fork();
    if (child != 0) return child;
    setsid();
    int other = open(ptsname(*terminal), O_RDWR); /* becomes the controlling terminal of the new session */
    ioctl(other, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++) dup2(other, fd);
    close(other);
    close(*terminal);
    execv(argv[0], argv);
    _exit(127);
}

/* The prompt is shown a moment before the line editor has the terminal; a Ctrl-D typed in between is lost to both. */
static void wait_for_editor(int terminal)
{
    struct termios mode;
    for (double end = now() + PATIENCE; now() < end && tcgetattr(terminal, &mode) == 0 && (mode.c_lflag & ICANON);) hear(terminal, 0.01);
}

int main(int argc, char **argv)
{
    char  line[4096];
    int   terminal, status = 0;
    bool  good  = true;
    pid_t child = argc > 1 ? start(argv + 1, &terminal) : -1;
    if (child < 0) return 98;
    while (good && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *text = strchr(line, ' ');
        text       = text ? text + 1 : line + strlen(line);
        unescape(text);
        if (!strncmp(line, "expect", 6)) {
            good = expect(terminal, text);
            if (!good) fprintf(stderr, "pty: did not come: '%s'\n", text);
        } else {
            size_t n = strlen(text);
            if (strchr(text, 4)) wait_for_editor(terminal);
            good     = write(terminal, text, n) == (ssize_t)n;
        }
    }
    if (!good) kill(child, SIGKILL);
    for (double end = now() + PATIENCE; hear(terminal, 0.1);)
        if (now() > end) kill(child, SIGKILL);
    waitpid(child, &status, 0);
    fwrite(seen, 1, n_seen, stdout);
    if (!good) return 99;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
