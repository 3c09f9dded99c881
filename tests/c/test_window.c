/* Live windows, on the display that runs the tests (xvfb-run): their life, and that of the display. */
#define _GNU_SOURCE
#include "foreign_leaks.h"
#include "hands.h"
#include "picture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMES(...) ((const char *[]){ __VA_ARGS__ })

/* As the kernel lists them, where a thread that was joined may stay for a moment: wait for a count. */
static int count_threads(void)
{
    int  n    = 0;
    DIR *list = opendir("/proc/self/task");
    for (struct dirent *entry; list && (entry = readdir(list));) n += entry->d_name[0] != '.';
    closedir(list);
    return n;
}

TestSuite(window, .init = need_screen);

/* --- tests -------------------------------------------------------------------------------------- */
Test(window, shows_the_figure_and_follows_it)
{
    size_t     before  = ml_memory().live;
    int        threads = count_threads();
    ml_figure *fig     = sample_grokking(300);
    ml_window *window  = open_window(fig, (ml_window_opts){ .width = 800, .height = 600 });
    cr_expect(ml_window_is_open(window));
    cr_expect_str_eq(ml_display(), "x11", "the window's own display");
    WAIT_UNTIL(on_screen(light()->paper) > 300000);
    cr_expect(on_screen(mli_map_at(MLI_MAP_VIRIDIS, false, 0.1)) + on_screen(light()->palette[0]) > 100,
              "there is a picture");

    double cells[6] = { 0, 1, 0, 1, 0, 1 };
    cr_assert(sample_heatmap(fig, 0, NULL, (ml_given[]){ { .name = "limits", .number = { 0, 1 } } }, 1, 2, 3, cells));
    WAIT_UNTIL(on_screen(mli_map_at(MLI_MAP_VIRIDIS, false, 1)) > 9000);
    WAIT_UNTIL(count_threads() == threads + 1); /* one thread of its own */

    ml_window_close(window);
    ml_figure_release(fig);
    WAIT_UNTIL(count_threads() == threads); /* which is gone */
    cr_expect_eq(ml_memory().live, before);
}

Test(window, several_at_once_and_one_after_the_other)
{
    size_t     before  = ml_memory().live;
    int        threads = count_threads();
    ml_figure *fig     = sample_grokking(300);
    for (int round = 0; round < 3; round++) {
        ml_window *a = open_window(fig, (ml_window_opts){ .width = 300, .height = 200 });
        ml_window *b =
            open_window(fig, (ml_window_opts){ .width = 500, .height = 300, .style = ML_STYLE_DARK });
        ml_window *c = open_window(fig, (ml_window_opts){ .width = 200, .height = 200 });
        WAIT_UNTIL(count_threads() == threads + 1); /* all in one thread */
        ml_window_close(a);
        int64_t frames = ml_window_frames(b);
        ml_figure_point(fig, "train_acc", 301 + round, 0.5);
        WAIT_UNTIL(ml_window_frames(b) > frames);
        ml_window_close(c);
        cr_expect(ml_window_is_open(b));
        ml_window_close(b);
        WAIT_UNTIL(count_threads() == threads);
    }
    ml_figure_release(fig);
    cr_expect_eq(ml_memory().live, before);
}

static void *train(void *fig)
{
    double cells[64];
    for (int i = 0; i < 20000; i++) {
        ml_figure_point(fig, "train_acc", i + 1, sample_noise((uint32_t)i));
        ml_figure_point(fig, "test_acc", i + 1, i % 1000 ? 0.5 : NAN);
        if (i % 100) continue;
        for (int k = 0; k < 64; k++) cells[k] = sample_noise((uint32_t)(i + k));
        ml_figure_give(fig, SAMPLE_HEATMAP, (ml_data[]){ { "values", 2, { 8, 8 }, cells } }, 1);
        ml_figure_set_style(fig, i % 200 ? ML_STYLE_DARK : ML_STYLE_LIGHT);
        ml_figure_lines(fig, 2, NAMES("weight_norm", "train_acc"), 1 + i % 200 / 100, NULL);
        nap(0.002);
    }
    return NULL;
}

Test(window, points_come_from_another_thread_while_it_draws)
{
    ml_figure *fig    = sample_grokking(10);
    ml_window *window = open_window(fig, (ml_window_opts){ .width = 800, .height = 600 });
    pthread_t  thread;
    cr_assert(pthread_create(&thread, NULL, train, fig) == 0);
    for (int i = 0; i < 5; i++) {
        char path[32];
        snprintf(path, sizeof path, "window-%d.png", (int)getpid());
        cr_expect(ml_figure_save(fig, path, &(ml_save_opts){ .dpi = 48 }), "a third thread saves: %s",
                  ml_error_message());
        unlink(path);
    }
    pthread_join(thread, NULL);
    WAIT_UNTIL(ml_window_frames(window) > 1);
    ml_window_close(window);
    ml_figure_release(fig);
}

Test(window, redraws_at_most_forty_times_a_second_and_rests_when_nothing_changes)
{
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, NULL));
    ml_window *window = open_window(fig, (ml_window_opts){ .width = 200, .height = 150 });
    double     began = ml_clock(), longest = 0;
    int64_t    frames = ml_window_frames(window);
    int        n      = 0;
    for (; ml_clock() - began < 1; n++) {
        double before = ml_clock();
        ml_figure_point(fig, "a", n, n % 100);
        longest = fmax(longest, ml_clock() - before);
        nap(0.0005);
    }
    double drawn = (double)(ml_window_frames(window) - frames), seconds = ml_clock() - began;
    cr_expect(drawn >= 2 && drawn <= 41 * seconds + 1, "%g pictures in %.2f s", drawn, seconds);
    cr_expect(longest < 0.25, "no point waited for a picture: %.3f s", longest);
    nap(0.5);
    frames = ml_window_frames(window);
    nap(0.5);
    cr_expect_eq(ml_window_frames(window), frames, "nothing new, nothing drawn");
    ml_window_close(window);
    ml_figure_release(fig);
}

Test(window, refused_memory_keeps_the_old_picture)
{
    size_t     before = ml_memory().live;
    ml_figure *fig    = sample_grokking(300);
    ml_window *window = open_window(fig, (ml_window_opts){ .width = 400, .height = 300 });
    for (int i = 1; i <= 12; i++) {
        ml_memory_fail_after(i);
        ml_figure_point(fig, "train_acc", 300 + i, 0.5);
        nap(0.1);
        ml_memory_fail_after(0);
    }
    int64_t frames = ml_window_frames(window);
    cr_assert(ml_figure_point(fig, "train_acc", 400, 0.5));
    WAIT_UNTIL(ml_window_frames(window) > frames);
    cr_expect(ml_window_is_open(window));
    ml_window_close(window);
    ml_figure_release(fig);
    cr_expect_eq(ml_memory().live, before);
}

Test(window, every_allocation_of_opening_may_fail)
{
    size_t     before  = ml_memory().live;
    ml_figure *fig     = sample_grokking(10);
    int        refused = 0;
    for (int n = 1;; n++) {
        ml_error_clear();
        ml_memory_fail_after(n);
        ml_window *window = ml_window_open(fig, NULL);
        ml_memory_fail_after(0);
        bool open = window != NULL;
        ml_window_close(window);
        if (open) break;
        refused++;
        cr_expect(strstr(ml_error_message(), "out of memory"), "%s", ml_error_message());
    }
    cr_expect(refused >= 4, "only %d", refused);
    ml_figure_release(fig);
    cr_expect_eq(ml_memory().live, before);
}

/* What one program of moonlab run --watch tells the next; here the second window of one. */
Test(window, stands_where_the_last_program_had_it)
{
    char folder[] = "places-XXXXXX", stem[64], first[80], second[80];
    int  width, height;
    cr_assert(mkdtemp(folder));
    snprintf(stem, sizeof stem, "%s/window", folder);
    snprintf(first, sizeof first, "%s-1", stem);
    snprintf(second, sizeof second, "%s-2", stem);
    setenv("MOONLAB_WINDOWS", stem, 1);
    ml_figure *fig = sample_grokking(100);
    ml_window *w   = open_window(fig, (ml_window_opts){ .width = 400, .height = 300 });
    hands_on(w);
    XMoveWindow(hands, hands_x, 210, 130);
    resize_by_manager(520, 380);
    press(XK_t), press(XK_plus);
    WAIT_UNTIL(see(w)->pixels_w == 520 && visited.dark && visited.zoom > 1);
    ml_window_close(w);
    cr_assert_eq(rename(first, second), 0, "it was written");
    w = open_window(fig, (ml_window_opts){ .width = 400, .height = 300 });
    hands_on(w);
    WAIT_UNTIL(see(w)->pixels_w == 520 && visited.pixels_h == 380 && visited.dark && visited.zoom == 1.125);
    spot at = place_on_screen(&visited, 0, 0);
    cr_expect(at.x == 210 && at.y == 130, "%d, %d", at.x, at.y);
    ml_window_close(w);

    FILE *file = fopen(second, "r"); /* a size that nobody changed is the script's */
    cr_assert(file && fscanf(file, "%*d %*d %d %d", &width, &height) == 2);
    fclose(file);
    cr_expect(width == 520 && height == 380);
    const char *const odd[] = { "", "x", "1 2 3", "9000000 -70 99999999 5 77 1e9", "-5000 5000 0 0 0 1", "1 1 -5 -5 2 nan" };
    for (int i = 0; i < 6; i++) { /* and what makes no sense changes nothing */
        char path[80];
        snprintf(path, sizeof path, "%s-%d", stem, i + 3);
        cr_assert((file = fopen(path, "w")) && fputs(odd[i], file) >= 0 && fclose(file) == 0);
        w = open_window(fig, (ml_window_opts){ .width = 400, .height = 300 });
        cr_expect(see(w)->pixels_w == 400 && visited.zoom == 1 && !visited.dark, "'%s'", odd[i]);
        ml_window_close(w);
        unlink(path);
    }
    unlink(second);
    cr_expect_eq(rmdir(folder), 0);
    ml_figure_release(fig);
    hands_off();
}

/* A script may end without closing anything, by os.exit even. */
Test(window, a_process_may_end_with_windows_open)
{
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        ml_figure *fig = sample_grokking(100);
        if (!ml_window_open(fig, NULL) || !ml_window_open(fig, NULL)) _exit(3);
        exit(0);
    }
    int status = -1;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(window, a_display_that_dies_ends_nothing)
{
    char       name[16];
    pid_t      display = start_display(name, sizeof name, NAMES("-screen", "0", "800x600x24", NULL));
    ml_figure *fig     = sample_grokking(100);
    setenv("DISPLAY", name, 1);
    ml_window *window = open_window(fig, (ml_window_opts){ 0 });
    kill(display, SIGKILL);
    waitpid(display, NULL, 0);
    for (int i = 0; i < 20; i++) cr_expect(ml_figure_point(fig, "train_acc", 200 + i, 1));
    cr_expect(ml_window_wait(window, PATIENCE), "the window counts as closed");
    cr_expect_null(ml_window_open(fig, NULL));
    cr_expect(strstr(ml_error_message(), "no display"), "%s", ml_error_message());
    ml_window_close(window);
    ml_figure_release(fig);
}

Test(window, no_display_after_a_wrong_one)
{
    cr_expect_str_eq(ml_display(), "x11", "%s", ml_error_message()); /* asked before any window, and given back */
    ml_figure  *fig  = sample_grokking(10);
    const char *name = getenv("DISPLAY");
    char        good[64];
    snprintf(good, sizeof good, "%s", name ? name : "");
    setenv("DISPLAY", ":3277", 1);
    cr_expect_null(ml_window_open(fig, NULL));
    cr_expect(strstr(ml_error_message(), ":3277"), "%s", ml_error_message());
    setenv("DISPLAY", good, 1);
    ml_window *window = open_window(fig, (ml_window_opts){ 0 });
    ml_window_close(window);
    ml_figure_release(fig);
}
