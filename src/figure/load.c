/* Finds and loads the drawing half (drawing.h) once, at the first picture. */
#define _GNU_SOURCE
#include "figure/drawing.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static const mli_core core = {
    .version        = ML_VERSION,
    .view_bytes     = sizeof(mli_view),
    .panel_bytes    = sizeof(mli_panel),
    .series_bytes   = sizeof(mli_series),
    .fail           = ml_fail,
    .failed         = ml_failed,
    .error_message  = ml_error_message,
    .error_clear    = ml_error_clear,
    .realloc        = ml_realloc,
    .file_write     = ml_file_write,
    .clock          = ml_clock,
    .figure_retain  = ml_figure_retain,
    .figure_release = ml_figure_release,
    .view_take      = mli_view_take,
    .view_drop      = mli_view_drop,
    .figure_version = mli_figure_version,
};

static pthread_once_t     once = PTHREAD_ONCE_INIT;
static const mli_drawing *drawing;
static char               why_not[1024];

/* --- where it stands -------------------------------------------------------------------------- */
/* "/a/bin/moonlab" -> "/a/bin"; false without a folder */
static bool cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash) return false;
    *slash = '\0';
    return true;
}

/* The folder of the program or module that this code was linked into. */
static bool folder_of_this(char folder[PATH_BYTES])
{
    Dl_info here;
    if (!dladdr(&core, &here) || !here.dli_fname) return false;
    snprintf(folder, PATH_BYTES, "%s", here.dli_fname);
    return cut_name(folder);
}

/* A program that was found through PATH knows itself by its bare name, so the kernel is asked as well. */
static bool folder_of_program(char folder[PATH_BYTES])
{
    ssize_t n = readlink("/proc/self/exe", folder, PATH_BYTES - 1);
    if (n <= 0) return false;
    folder[n] = '\0';
    return cut_name(folder);
}

static void *open_at(const char *folder, const char *below)
{
    char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s%s/moonlab_figure.so", folder, below);
    if (access(path, R_OK) != 0) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(why_not, sizeof why_not, "%s", dlerror());
    return library;
}

static void *open_library(void)
{
    char  folder[PATH_BYTES];
    void *library = NULL;
    if (folder_of_this(folder)) library = open_at(folder, "");
    if (!library && folder_of_this(folder)) library = open_at(folder, "/../lib/moonlab");
    if (!library && folder_of_program(folder)) library = open_at(folder, "/../lib/moonlab");
    if (!library) library = open_at(MOONLAB_FIGURE_FOLDER, "");
    if (!library && !why_not[0])
        snprintf(why_not, sizeof why_not, "moonlab_figure.so is missing; its place is beside this program or module, "
                                          "or in ../lib/moonlab from there");
    return library;
}

static void load(void)
{
    void *library = open_library();
    if (!library) return;
    mli_drawing_entry *start;
    *(void **)&start = dlsym(library, MLI_DRAWING_ENTRY); /* POSIX's way from a pointer to data to a function */
    if (start) drawing = start(&core);
    if (!drawing) snprintf(why_not, sizeof why_not, "the moonlab_figure.so found is not of this build");
}

static const mli_drawing *find_drawing(void)
{
    pthread_once(&once, load);
    return drawing ? drawing : ml_fail("figure: nothing can be drawn: %s", why_not);
}

/* --- the functions of figure.h that draw ------------------------------------------------------ */
bool ml_figure_save(ml_figure *fig, const char *path, const ml_save_opts *opts)
{
    if (!fig) return false;
    const mli_drawing *d = find_drawing();
    return d && d->save(fig, path, opts);
}

ml_window *ml_window_open(ml_figure *fig, const ml_window_opts *opts)
{
    if (!fig) return NULL;
    const mli_drawing *d = find_drawing();
    return d ? d->window_open(fig, opts) : NULL;
}

bool ml_window_is_open(const ml_window *window)
{
    return window && drawing->window_is_open(window);
}

bool ml_window_wait(ml_window *window, double seconds)
{
    return !window || drawing->window_wait(window, seconds);
}

int64_t ml_window_frames(const ml_window *window)
{
    return window ? drawing->window_frames(window) : 0;
}

void ml_window_close(ml_window *window)
{
    if (window) drawing->window_close(window);
}

const char *ml_figure_libraries(void)
{
    const mli_drawing *d = find_drawing();
    return d ? d->libraries() : NULL;
}

const char *ml_display(void)
{
    const mli_drawing *d = find_drawing();
    return d ? d->display() : NULL;
}
