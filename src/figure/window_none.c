/* In place of window.c in a build without windows: every other picture works. */
#include "figure/drawing.h"

#define NO_DISPLAY "no display: this moonlab was built with -DMOONLAB_WINDOW=OFF"

ml_window *mli_window_open(ml_figure *fig, const ml_window_opts *opts)
{
    (void)fig, (void)opts;
    return ml_fail(NO_DISPLAY "; pictures go to files");
}

bool mli_window_is_open(const ml_window *window)
{
    (void)window;
    return false;
}

bool mli_window_wait(ml_window *window, double seconds)
{
    (void)window, (void)seconds;
    return true;
}

int64_t mli_window_frames(const ml_window *window)
{
    (void)window;
    return 0;
}

void mli_window_close(ml_window *window)
{
    (void)window;
}

const char *mli_display(void)
{
    return ml_fail(NO_DISPLAY);
}
