/* The entrance of moonlab_figure.so, and the core's functions as drawing calls them. */
#include "figure/drawing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const mli_core *core;

static const mli_drawing drawing = {
    .save           = mli_save,
    .pixels         = mli_pixels,
    .film_open  = mli_film_open,
    .film_frame = mli_film_frame,
    .film_close = mli_film_close,
    .window_open    = mli_window_open,
    .window_is_open = mli_window_is_open,
    .window_wait    = mli_window_wait,
    .window_frames  = mli_window_frames,
    .window_close   = mli_window_close,
    .libraries      = mli_libraries,
    .display        = mli_display,
};

mli_drawing_entry mli_drawing_start;

__attribute__((visibility("default"))) const mli_drawing *mli_drawing_start(const mli_core *from)
{
    if (strcmp(from->version, ML_VERSION) != 0 || from->core_bytes != sizeof(mli_core) || from->drawing_bytes != sizeof(mli_drawing) ||
        from->mark_bytes != sizeof(mli_mark) || from->view_bytes != sizeof(mli_view) ||
        from->panel_bytes != sizeof(mli_panel) || from->series_bytes != sizeof(mli_series) || from->knob_bytes != sizeof(ml_knob))
        return NULL;
    core = from;
    return &drawing;
}

/* --- the core --------------------------------------------------------------------------------- */
void *ml_fail(const char *format, ...)
{
    char    text[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return core->fail("%s", n < 0 ? "" : text);
}

bool ml_failed(void)
{
    return core->failed();
}

const char *ml_error_message(void)
{
    return core->error_message();
}

void ml_error_clear(void)
{
    core->error_clear();
}

void *ml_realloc(void *ptr, size_t old_bytes, size_t new_bytes)
{
    return core->realloc(ptr, old_bytes, new_bytes);
}

bool ml_file_write(const char *path, const void *bytes, size_t n)
{
    return core->file_write(path, bytes, n);
}

double ml_clock(void)
{
    return core->clock();
}

ml_figure *ml_figure_retain(ml_figure *fig)
{
    return core->figure_retain(fig);
}

void ml_figure_release(ml_figure *fig)
{
    core->figure_release(fig);
}

bool mli_view_take(ml_figure *fig, mli_view *view)
{
    return core->view_take(fig, view);
}

void mli_view_drop(mli_view *view)
{
    core->view_drop(view);
}

uint64_t mli_figure_version(ml_figure *fig)
{
    return core->figure_version(fig);
}

ml_knobs *mli_figure_knobs(ml_figure *fig)
{
    return core->figure_knobs(fig);
}

void ml_knobs_release(ml_knobs *knobs)
{
    core->knobs_release(knobs);
}

int ml_knobs_look(const ml_knobs *knobs, ml_knob out[ML_KNOBS], bool *locked)
{
    return core->knobs_look(knobs, out, locked);
}

uint64_t ml_knobs_version(const ml_knobs *knobs)
{
    return core->knobs_version(knobs);
}

bool ml_knobs_turn(ml_knobs *knobs, int knob, double value, bool goes_on)
{
    return core->knobs_turn(knobs, knob, value, goes_on);
}

ml_loop ml_loop_look(void)
{
    return core->loop_look();
}

void ml_loop_watch(ml_loop_watcher *watcher, char *text, size_t room)
{
    core->loop_watch(watcher, text, room);
}

bool ml_loop_pause(bool pause)
{
    return core->loop_pause(pause);
}

bool ml_loop_advance(void)
{
    return core->loop_advance();
}

void ml_interrupt_raise(void)
{
    core->interrupt_raise();
}

void mlk_smooth(int64_t n, const double *y, double *average, mlk_average *state)
{
    core->smooth(n, y, average, state);
}

int64_t mlk_smooth_width(double past)
{
    return core->smooth_width(past);
}
