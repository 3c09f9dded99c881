/* Everything at once on one figure: threads that add points, matrices and panels, threads that save, windows that
 * draw. A program of its own, as Criterion does not run under the thread sanitizer. Exits with 0 when all went well. */
#define _GNU_SOURCE
#include "figure_samples.h"
#include "foreign_leaks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static ml_figure *fig;
static atomic_int failures;

static void expect(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s: %s\n", what, ml_error_message());
    atomic_fetch_add(&failures, 1);
}

static void *add_points(void *unused)
{
    (void)unused;
    for (int i = 0; i < 4000; i++) {
        expect(ml_figure_point(fig, "train_acc", i + 1, sample_noise((uint32_t)i)), "point");
        expect(ml_figure_point(fig, "test_acc", i + 1, i % 100 ? 0.5 : NAN), "point");
        if (i % 400 == 0) nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    return NULL;
}

static void *change_panels(void *unused)
{
    (void)unused;
    double cells[64] = { 0 };
    for (int i = 0; i < 200; i++) {
        cells[i % 64] = i;
        expect(ml_figure_give(fig, SAMPLE_HEATMAP, (ml_data[]){ { "values", 2, { 8, 8 }, cells } }, 1), "heatmap");
        expect(ml_figure_lines(fig, 2, (const char *[]){ "weight_norm", "train_acc" }, 1 + i % 2, NULL),
               "lines");
        expect(ml_figure_shows(fig, "train_acc"), "shows");
        ml_figure_set_style(fig, i % 2 ? ML_STYLE_DARK : ML_STYLE_LIGHT);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    return NULL;
}

static void *save(void *name)
{
    char path[64];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "threads-%ld-%s", (long)getpid(), (const char *)name);
        expect(ml_figure_save(fig, path, &(ml_save_opts){ .dpi = 48 }), "save");
        unlink(path);
    }
    return NULL;
}

static void *open_and_close(void *wanted)
{
    for (int i = 0; i < 3; i++) {
        ml_window *window = ml_window_open(fig, &(ml_window_opts){ .width = 400, .height = 300 });
        if (*(bool *)wanted) expect(window != NULL, "window");
        ml_window_wait(window, 0.2);
        ml_window_close(window);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    bool      display = argc > 1 && argv[1][0] == 'd'; /* "display": one must be there */
    size_t    before  = ml_memory().live;
    pthread_t threads[7];
    fig = sample_grokking(10);
    pthread_create(&threads[0], NULL, add_points, NULL);
    pthread_create(&threads[1], NULL, add_points, NULL);
    pthread_create(&threads[2], NULL, change_panels, NULL);
    pthread_create(&threads[3], NULL, save, (void *)"a.png");
    pthread_create(&threads[4], NULL, save, (void *)"b.pdf");
    pthread_create(&threads[5], NULL, open_and_close, &display);
    pthread_create(&threads[6], NULL, open_and_close, &display);
    for (int i = 0; i < 7; i++) pthread_join(threads[i], NULL);
    ml_figure_release(fig);
    expect(ml_memory().live == before, "memory");
    return atomic_load(&failures) != 0;
}
