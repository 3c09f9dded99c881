/* What is on the screen of the display that runs the tests (xvfb-run), read from the file that Xvfb keeps it in (-fbdir,
 * named by MOONLAB_SCREEN), and what a window knows, asked in the window's own thread. */
#ifndef TESTS_SCREEN_H
#define TESTS_SCREEN_H

#include "figure/style.h"
#include "figure/window.h"
#include "figure_samples.h"

#include <cairo.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE 20.0 /* seconds; a sanitizer on a busy machine is slow */

static inline void nap(double seconds)
{
    usleep((useconds_t)(seconds * 1e6));
}

#define WAIT_UNTIL(condition)                                                                                \
    do {                                                                                                     \
        double began_ = ml_clock();                                                                          \
        bool   met_   = false;                                                                               \
        while (!(met_ = (condition)) && ml_clock() - began_ < PATIENCE) nap(0.01);                           \
        cr_assert(met_, "not within %g seconds: %s", PATIENCE, #condition);                                  \
    } while (0)

/* --- the screen ------------------------------------------------------------------------------------ */
/* Pixels of a colour on the screen. The file is an X window dump: a header of 32-bit numbers, big end first. */
static inline uint32_t dump_number(const unsigned char *dump, int i)
{
    const unsigned char *b = dump + 4 * i;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

typedef struct screen {
    void                *map;
    size_t               bytes;
    const unsigned char *pixels;
    uint32_t             w, h, stride;
} screen;

static inline screen screen_open(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/Xvfb_screen0", getenv("MOONLAB_SCREEN"));
    int         file = open(path, O_RDONLY);
    struct stat info;
    cr_assert(file >= 0 && fstat(file, &info) == 0, "%s", path);
    screen s = { .bytes = (size_t)info.st_size };
    s.map    = mmap(NULL, s.bytes, PROT_READ, MAP_SHARED, file, 0);
    cr_assert(s.map != MAP_FAILED);
    close(file);
    cr_assert(dump_number(s.map, 11) == 32, "32 bits a pixel");
    s.w      = dump_number(s.map, 4);
    s.h      = dump_number(s.map, 5);
    s.stride = dump_number(s.map, 12);
    s.pixels = (const unsigned char *)s.map + dump_number(s.map, 0) + 12 * dump_number(s.map, 19);
    return s;
}

static inline mli_colour screen_at(const screen *s, int x, int y)
{
    if (x < 0 || y < 0 || x >= (int)s->w || y >= (int)s->h) return (mli_colour){ -1, -1, -1 };
    const unsigned char *p = s->pixels + (size_t)y * s->stride + 4 * (size_t)x;
    return (mli_colour){ p[2] / 255.0, p[1] / 255.0, p[0] / 255.0 };
}

static inline int on_screen(mli_colour c)
{
    screen s = screen_open();
    int want[3] = { (int)lround(c.b * 255), (int)lround(c.g * 255), (int)lround(c.r * 255) }, n = 0;
    for (uint32_t y = 0; y < s.h; y++)
        for (uint32_t x = 0; x < s.w; x++) {
            const unsigned char *p = s.pixels + (size_t)y * s.stride + 4 * x;
            n += p[0] == want[0] && p[1] == want[1] && p[2] == want[2];
        }
    munmap(s.map, s.bytes);
    return n;
}

/* Kept in the build's folder of screenshots, as <name>.png, to be looked at. */
static inline void keep_screen(const char *name)
{
    char   path[512];
    screen s = screen_open();
    snprintf(path, sizeof path, "%s/%s.png", MOONLAB_SCREENSHOTS, name);
    cairo_surface_t *surface = cairo_image_surface_create_for_data((unsigned char *)(uintptr_t)s.pixels, CAIRO_FORMAT_RGB24, (int)s.w,
                                                                   (int)s.h, (int)s.stride);
    cr_assert_eq(cairo_surface_write_to_png(surface, path), CAIRO_STATUS_SUCCESS, "%s", path);
    cairo_surface_destroy(surface);
    munmap(s.map, s.bytes);
}

/* A display of its own, with more words for Xvfb, up to a NULL; it goes when its test does, however that ends. */
static inline pid_t start_display(char *name, size_t room, const char *const *more)
{
    const char *words[24] = { "Xvfb", "-displayfd" };
    char        number[16];
    int         ends[2], n = 3;
    pid_t       parent = getpid();
    cr_assert(pipe(ends) == 0);
    snprintf(number, sizeof number, "%d", ends[1]);
    words[2] = number;
    while (*more) words[n++] = *more++;
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 2);
        execvp("Xvfb", (char *const *)(uintptr_t)words);
        _exit(127);
    }
    close(ends[1]);
    char    text[16] = "";
    ssize_t got      = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    cr_assert(got > 0, "Xvfb tells its number");
    snprintf(name, room, ":%d", atoi(text));
    return child;
}

static inline const mli_style *light(void)
{
    return mli_style_of(ML_STYLE_LIGHT);
}
static inline const mli_style *dark(void)
{
    return mli_style_of(ML_STYLE_DARK);
}

static inline ml_window *open_window(ml_figure *fig, ml_window_opts opts)
{
    ml_window *window = ml_window_open(fig, &opts);
    cr_assert(window, "%s", ml_error_message());
    WAIT_UNTIL(ml_window_frames(window) >= 1);
    return window;
}

/* --- the window's own side -------------------------------------------------------------------------- */
static ml_window  visited;
static atomic_int visits;

/* What the window thread alone may read: the part of the struct that begins with sdl. */
static inline void copy_window(ml_window *w)
{
    size_t from = offsetof(ml_window, sdl);
    memcpy((char *)&visited + from, (const char *)w + from, sizeof visited - from);
    atomic_fetch_add(&visits, 1);
}

/* The window as it stands between two pictures, after all events that it has been given. */
static inline const ml_window *see(ml_window *w)
{
    int before = atomic_load(&visits);
    atomic_store(&w->visit, copy_window);
    for (double began = ml_clock(); atomic_load(&visits) == before && ml_clock() - began < PATIENCE;) nap(0.001);
    cr_assert(atomic_load(&visits) != before, "the window thread answers");
    return &visited;
}

static inline void need_screen(void)
{
    if (!getenv("MOONLAB_SCREEN"))
        cr_skip_test("not started by xvfb-run with a screen (see tests/CMakeLists.txt)");
}

#endif
