/* Finds and loads the drawing half (drawing.h) once, at the first picture. */
#include "base/plugin.h"
#include "figure/drawing.h"

#include <pthread.h>
#include <stdio.h>

static const mli_core core = {
    .version        = ML_VERSION,
    .core_bytes     = sizeof(mli_core),
    .drawing_bytes  = sizeof(mli_drawing),
    .view_bytes     = sizeof(mli_view),
    .mark_bytes     = sizeof(mli_mark),
    .panel_bytes    = sizeof(mli_panel),
    .series_bytes   = sizeof(mli_series),
    .knob_bytes     = sizeof(ml_knob),
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
    .figure_knobs   = mli_figure_knobs,
    .knobs_release  = ml_knobs_release,
    .knobs_look     = ml_knobs_look,
    .knobs_version  = ml_knobs_version,
    .knobs_turn     = ml_knobs_turn,
    .loop_look      = ml_loop_look,
    .loop_watch     = ml_loop_watch,
    .loop_pause     = ml_loop_pause,
    .loop_advance   = ml_loop_advance,
    .interrupt_raise = ml_interrupt_raise,
    .smooth         = mlk_smooth,
    .smooth_width   = mlk_smooth_width,
};

static pthread_once_t     once = PTHREAD_ONCE_INIT;
static const mli_drawing *drawing;
static char               why_not[1024];

static void load(void)
{
    mli_drawing_entry *start;
    *(void **)&start = mli_plugin_entry("figure", MLI_DRAWING_ENTRY, why_not, sizeof why_not); /* POSIX's way from data to functions */
    if (start && !(drawing = start(&core))) snprintf(why_not, sizeof why_not, "the moonlab_figure.so found is not of this build");
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

bool ml_figure_pixels(ml_figure *fig, int width, int height, uint32_t *pixels, const ml_save_opts *opts)
{
    if (!fig) return false;
    const mli_drawing *d = find_drawing();
    return d && d->pixels(fig, width, height, pixels, opts);
}

ml_film *ml_film_open(ml_figure *fig, const char *path, const ml_save_opts *opts)
{
    if (!fig) return NULL;
    const mli_drawing *d = find_drawing();
    return d ? d->film_open(fig, path, opts) : NULL;
}

bool ml_film_frame(ml_film *recording)
{
    return recording && drawing->film_frame(recording);
}

bool ml_film_close(ml_film *recording)
{
    return !recording || drawing->film_close(recording);
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
