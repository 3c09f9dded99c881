/* The progress bar on a pseudo-terminal and in a pipe; Ctrl-C. */
#define _GNU_SOURCE
#include "run_helper.h"

#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

static int reading, real_stderr;

/* From here on, what is written to stderr is kept for captured(). */
static void capture(int columns)
{
    int writing;
    if (columns > 0) {
        struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };
        struct termios raw;
        cr_assert(openpty(&reading, &writing, NULL, NULL, &size) == 0);
        tcgetattr(writing, &raw);
        cfmakeraw(&raw);
        tcsetattr(writing, TCSANOW, &raw);
    } else {
        int ends[2];
        cr_assert(pipe(ends) == 0);
        reading = ends[0];
        writing = ends[1];
    }
    fcntl(reading, F_SETFL, O_NONBLOCK);
    real_stderr = dup(2);
    dup2(writing, 2);
    close(writing);
}

static char output[1 << 20];

static const char *captured(void)
{
    size_t  n = strlen(output);
    ssize_t k;
    while ((k = read(reading, output + n, sizeof output - 1 - n)) > 0) n += (size_t)k;
    output[n] = '\0';
    return output;
}

static const char *release(void)
{
    captured();
    dup2(real_stderr, 2);
    close(real_stderr);
    close(reading);
    return output;
}

static void begin(void)
{
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TERM", "xterm", 1);
    live_before = ml_memory().live;
}

static void end(void)
{
    cr_expect_eq(ml_memory().live, live_before);
}

TestSuite(progress, .init = begin, .fini = end);

/* Steps with pauses, so that a few pictures are drawn. */
static void some_steps(ml_progress *p, int from, int to, int pause_us)
{
    for (int i = from; i <= to; i++) {
        usleep((useconds_t)pause_us);
        ml_progress_metrics(p, (const char *[]){ "loss", "test_acc" }, (double[]){ 1.0 / i, i * 0.001 }, 2);
        ml_progress_step(p, i);
    }
}

/* Columns of a text of one-column characters. */
static int columns_in(const char *text, size_t n)
{
    int columns = 0;
    for (size_t i = 0; i < n; i++) columns += ((unsigned char)text[i] & 0xC0) != 0x80;
    return columns;
}

/* Each picture is "\r" content "\033[K"; calls look for each, returns their number. */
static int pictures(const char *text, int most_columns)
{
    int n = 0;
    while (*text == '\r') {
        const char *stop = strstr(text, "\033[K");
        cr_assert(stop, "a picture without its end");
        cr_expect(columns_in(text + 1, (size_t)(stop - text) - 1) <= most_columns, "%.*s", (int)(stop - text),
                  text);
        text = stop + 3;
        n++;
    }
    cr_expect_str_eq(text, "\n");
    return n;
}

static const char *last_picture(void)
{
    char *at = strrchr(output, '\r');
    cr_assert(at);
    return at + 1;
}

Test(progress, a_bar_is_one_line_that_is_redrawn)
{
    capture(100);
    ml_progress *p     = ml_progress_new(400, false);
    double       began = ml_clock();
    some_steps(p, 1, 100, 4000);
    int most = (int)((ml_clock() - began) * 10) + 2;
    cr_expect(contains(captured(), "\r  0% "), "a picture at once");
    cr_expect(contains(captured(), " left  loss 0."), "%s", output);
    ml_progress_end(p);
    release();
    int n = pictures(output, 99);
    cr_expect(n >= 3 && n <= most, "%d pictures, at most %d are due", n, most);
    const char *final = last_picture();
    cr_expect(contains(final, " 25% \u2502\u2588\u2588\u2588\u2588\u2588"), "%s", final);
    cr_expect(contains(final, "100/400  ") && contains(final, " it/s  0:0"), "%s", final);
    cr_expect(contains(final, "loss 0.01000  test_acc 0.1000"), "%s", final);
    cr_expect_not(contains(final, "left"));
}

Test(progress, rate_and_time_left_are_true)
{
    double rate, left;
    capture(120);
    ml_progress *p     = ml_progress_new(1000, false);
    double       began = ml_clock();
    some_steps(p, 501, 600, 5000); /* a resumed run */
    double seconds = ml_clock() - began;
    char  *shown   = strstr(strrchr((captured(), output), '\r'), "/1000");
    cr_assert(shown && sscanf(shown, "/1000  %lf it/s  0:%lf left", &rate, &left) == 2, "%s", output);
    ml_progress_end(p);
    release();
    double real = 100 / seconds;
    cr_expect(rate > 0.5 * real && rate < 2 * real, "%g it/s shown, %g real", rate, real);
    cr_expect(fabs(left - 400 / real) < 0.5 * 400 / real + 1, "%g s left shown, %g real", left, 400 / real);
    cr_expect(contains(last_picture(), " 60% "));
}

Test(progress, every_width_is_kept)
{
    static const int widths[] = { 1, 2, 5, 10, 20, 40, 49, 50, 51, 79, 80, 200, 3000 };
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        output[0] = '\0';
        capture(widths[i]);
        ml_progress *p = ml_progress_new(30, false);
        ml_progress_metrics(
            p, (const char *[]){ "\u00E4\u00F6\u00FC long name of a metric", "another one", "and more" },
            (double[]){ 1, 2, 3 }, 3);
        some_steps(p, 1, 30, 5000);
        ml_progress_end(p);
        release();
        cr_expect(pictures(output, widths[i] - 1) >= 2);
        if (widths[i] >= 200) cr_expect(contains(output, "\u00E4\u00F6\u00FC long name"), "%s", output);
        if (widths[i] == 40) cr_expect(contains(output, "100% 30/30"), "%s", output);
    }
}

Test(progress, wide_characters_count_twice_and_controls_never_arrive)
{
    capture(60);
    ml_progress *p = ml_progress_new(0, false);
    ml_progress_metrics(p, (const char *[]){ "\u6E2C\u8A66", "x\033[2J\n\x7F\xFF\u0301" }, (double[]){ 5, 7 },
                        2);
    ml_progress_step(p, 1);
    ml_progress_end(p);
    release();
    cr_expect(contains(last_picture(), "\u6E2C\u8A66 5.000  x?[2J???\u0301 7.000"), "%s", output);
    output[0] = '\0';
    capture(30);
    p                   = ml_progress_new(0, false);
    char long_name[100] = "";
    for (int i = 0; i < 15; i++) strcat(long_name, "\u6E2C");
    ml_progress_metrics(p, (const char *[]){ long_name }, (double[]){ 5 }, 1);
    ml_progress_step(p, 1);
    captured();
    const char *stop = strstr(output, "\033[K");
    int         wide = 0;
    for (const char *at = output; (at = strstr(at, "\u6E2C")) && at < stop; at++) wide++;
    cr_expect(columns_in(output + 1, (size_t)(stop - output) - 1) + wide <= 29, "%s", output);
    cr_expect(wide > 3);
    ml_progress_end(p);
    release();
}

Test(progress, a_terminal_that_knows_no_utf8_gets_ascii)
{
    setenv("LC_ALL", "C", 1);
    capture(80);
    ml_progress *p = ml_progress_new(10, false);
    ml_progress_metrics(p, (const char *[]){ "\u00E4" }, (double[]){ 5 }, 1);
    ml_progress_step(p, 5);
    ml_progress_end(p);
    release();
    for (const char *c = output; *c; c++) cr_expect((unsigned char)*c < 128);
    cr_expect(contains(output, " 50% [########--------] 5/10"), "%s", output);
    cr_expect(contains(output, "? 5.000"), "%s", output);
}

Test(progress, elsewhere_plain_lines)
{
    capture(0);
    ml_progress *p = ml_progress_new(50, false);
    some_steps(p, 1, 50, 1000);
    cr_expect_str_eq(captured(), "", "nothing to tell in the first seconds");
    ml_progress_end(p);
    release();
    cr_expect(contains(output, "100% 50/50  "), "%s", output);
    cr_expect(contains(output, "  loss 0.02000  test_acc 0.05000\n"), "%s", output);
    cr_expect_null(strpbrk(output, "\r\033"));
    cr_expect_eq(strchr(output, '\n'), output + strlen(output) - 1, "one line");
}

Test(progress, a_dumb_terminal_gets_plain_lines)
{
    setenv("TERM", "dumb", 1);
    capture(80);
    ml_progress *p = ml_progress_new(50, false);
    some_steps(p, 1, 50, 5000);
    ml_progress_end(p);
    release();
    cr_expect_null(strpbrk(output, "\r\033"));
    cr_expect(contains(output, "100% 50/50"));
}

Test(progress, totals_that_are_unknown_or_wrong)
{
    capture(80);
    ml_progress *p = ml_progress_new(0, false);
    some_steps(p, 1, 30, 5000);
    ml_progress_end(p);
    captured();
    cr_expect(contains(last_picture(), "step 30  ") && !contains(output, "%") && !contains(output, "left"),
              "%s", output);
    p = ml_progress_new(10, false);
    ml_progress_step(p, 25);
    ml_progress_end(p);
    captured();
    cr_expect(contains(last_picture(), "100% ") && contains(output, "25/10"), "%s", last_picture());
    p = ml_progress_new(-5, false);
    ml_progress_step(p, INT64_MAX);
    ml_progress_step(p, -3);
    ml_progress_end(p);
    captured();
    cr_expect(contains(last_picture(), "step 0  "), "%s", last_picture());
    p = ml_progress_new(INT64_MAX, false);
    ml_progress_step(p, 1);
    ml_progress_step(p, INT64_MAX - 1);
    usleep(120000);
    ml_progress_step(p, INT64_MAX);
    ml_progress_end(p);
    release();
    cr_expect(contains(last_picture(), "100% "), "%s", last_picture());
}

Test(progress, quiet_and_null_and_no_steps_say_nothing)
{
    capture(80);
    ml_progress *p = ml_progress_new(10, true);
    some_steps(p, 1, 10, 15000);
    ml_progress_clear(p);
    ml_progress_end(p);
    ml_progress_end(ml_progress_new(10, false));
    some_steps(NULL, 1, 2, 0);
    ml_progress_clear(NULL);
    ml_progress_end(NULL);
    ml_memory_fail_after(1);
    cr_expect_null(ml_progress_new(10, false));
    ml_memory_fail_after(0);
    cr_expect_str_eq(release(), "");
}

Test(progress, clearing_makes_room_for_other_words)
{
    capture(80);
    ml_progress *p = ml_progress_new(10, false);
    ml_progress_step(p, 1);
    ml_progress_clear(p);
    ml_progress_clear(p);
    fputs("words\n", stderr);
    usleep(120000);
    ml_progress_step(p, 2);
    ml_progress_end(p);
    release();
    cr_expect(contains(output, "\033[K\r\033[Kwords\n\r"), "%s", output);
}

Test(progress, numbers_are_short)
{
    static const double      values[] = { 0,       1,      0.5, 0.00012344, 1e-12, 12.3456, 999.96,
                                          1234.56, 123456, 1e9, -2.5,       NAN,   INFINITY };
    static const char *const names[]  = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m" };
    capture(300);
    ml_progress *p = ml_progress_new(10, false);
    ml_progress_metrics(p, names, values, 13);
    ml_progress_step(p, 10);
    ml_progress_end(p);
    release();
    cr_expect(contains(output, "  a 0.000  b 1.000  c 0.5000  d 0.0001234  e 1.000e-12  f 12.35  g 1000  h "
                               "1235  i 123456  j 1.000e+09"
                               "  k -2.500  l nan  m inf\033[K"),
              "%s", output);
}

Test(progress, a_step_is_cheap_and_slow_steps_do_not_freeze_the_bar)
{
    enum { CALLS = 200000, BATCHES = 10 };
    double a_step = INFINITY, a_look = INFINITY; /* the best of a few: others use this machine too */
    capture(80);
    ml_progress *p = ml_progress_new(CALLS * BATCHES + 100, false);
    for (int k = 0; k < BATCHES; k++) {
        double began = ml_clock();
        for (int i = 1; i <= CALLS; i++) ml_progress_step(p, CALLS * k + i);
        a_step = fmin(a_step, (ml_clock() - began) / CALLS * 1e9);
        began  = ml_clock();
        for (int i = 0; i < CALLS / 10; i++) ml_clock();
        a_look = fmin(a_look, (ml_clock() - began) / (CALLS / 10) * 1e9);
    }
    captured();
    output[0] = '\0';
    for (int i = 1; i <= 100; i++) { /* suddenly slow: a picture after at most 64 of them */
        usleep(2000);
        ml_progress_step(p, CALLS * BATCHES + i);
    }
    captured();
    cr_expect(contains(output, "\r"), "the bar froze");
    ml_progress_end(p);
    release();
    cr_expect(a_step < a_look, "a step costs %.1f ns, a look at the clock %.1f ns", a_step, a_look);
}

/* --- Ctrl-C --------------------------------------------------------------------------------------------- */
static volatile sig_atomic_t own;

static void on_own(int number)
{
    own = number;
}

Test(progress, the_first_signal_sets_a_flag_and_the_handlers_come_back)
{
    struct sigaction mine = { .sa_handler = on_own }, now;
    sigaction(SIGINT, &mine, NULL);
    ml_interrupt_begin();
    cr_expect_not(ml_interrupted());
    raise(SIGINT);
    cr_expect(ml_interrupted());
    cr_expect_eq(own, 0);
    ml_interrupt_end();
    cr_expect_not(ml_interrupted());
    raise(SIGINT);
    cr_expect_eq(own, SIGINT, "the handler from before");
    sigaction(SIGTERM, NULL, &now);
    cr_expect(now.sa_handler == SIG_DFL);

    ml_interrupt_begin();
    ml_interrupt_begin(); /* a loop within a loop */
    raise(SIGTERM);
    ml_interrupt_end();
    cr_expect(ml_interrupted(), "until the outermost end");
    ml_interrupt_end();
    cr_expect_not(ml_interrupted());
    ml_interrupt_end(); /* one too many is harmless */
    own = 0;
    raise(SIGINT);
    cr_expect_eq(own, SIGINT);

    ml_interrupt_begin();
    ml_interrupt_raise();
    cr_expect(ml_interrupted());
    ml_interrupt_end();
    cr_expect_not(ml_interrupted());
}

Test(progress, the_second_signal_ends_the_process)
{
    for (int i = 0; i < 2; i++) {
        int   status;
        pid_t child = fork();
        if (child == 0) {
            signal(SIGINT, SIG_DFL);
            signal(SIGTERM, SIG_DFL);
            ml_interrupt_begin();
            raise(SIGINT);
            if (!ml_interrupted()) _exit(1);
            raise(i ? SIGTERM : SIGINT);
            _exit(2);
        }
        waitpid(child, &status, 0);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == (i ? SIGTERM : SIGINT), "status %d", status);
    }
}

Test(progress, a_signal_that_was_ignored_stays_ignored)
{
    signal(SIGINT, SIG_IGN); /* as nohup and the shell's & do */
    ml_interrupt_begin();
    raise(SIGINT);
    raise(SIGINT);
    cr_expect_not(ml_interrupted());
    ml_interrupt_end();
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    cr_expect(now.sa_handler == SIG_IGN);
}

/* --- what stands above the bar ---------------------------------------------------------------------------- */
typedef struct asked {
    int calls, columns, most;
} asked;

static const char *two_rows(void *context, int columns, int most, int *n)
{
    asked *a = context;
    a->calls++;
    a->columns = columns;
    a->most    = most;
    *n         = 2;
    return "upper\nlower\n";
}

Test(progress, rows_above_the_bar_are_redrawn_in_place_and_follow_the_size_of_the_terminal)
{
    asked a = { 0 };
    capture(100);
    ml_progress *p = ml_progress_new(1000, false);
    ml_progress_above(p, two_rows, &a);
    some_steps(p, 1, 20, 5000);
    cr_expect_eq(a.columns, 99);
    cr_expect_eq(a.most, 23);
    cr_expect(contains(captured(), "upper\033[K\nlower\033[K\n"), "%s", output);
    cr_expect_not(contains(output, "\033[2A"), "the first rows move nothing");
    ioctl(2, TIOCSWINSZ, &(struct winsize){ .ws_row = 10, .ws_col = 60 });
    some_steps(p, 21, 60, 5000);
    cr_expect_eq(a.columns, 59);
    cr_expect_eq(a.most, 9);
    cr_expect(contains(captured(), "\r\033[4Aupper"), "each row has been wrapped into two: %s", output);
    int before = a.calls;
    ml_progress_clear(p);
    cr_expect(contains(captured(), "\r\033[2A\r\033[J"), "%s", output);
    ml_progress_end(p);
    release();
    cr_expect_eq(a.calls, before + 1, "once more at the end");
}

static const char *slow_rows(void *context, int columns, int most, int *n)
{
    double began = ml_clock();
    while (ml_clock() - began < 0.02) {}
    return two_rows(context, columns, most, n);
}

Test(progress, rows_that_are_slow_to_draw_are_drawn_rarely)
{
    asked a = { 0 };
    capture(100);
    ml_progress *p = ml_progress_new(1000, false);
    ml_progress_above(p, slow_rows, &a);
    some_steps(p, 1, 240, 5000); /* 1.2 s and more: at four pictures a second there would be five */
    cr_expect_eq(a.calls, 1, "%d", a.calls);
    ml_progress_end(p);
    release();
}
