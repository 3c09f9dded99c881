/* A figure for hands: what its curves are is known at every place. */
#ifndef TESTS_HANDS_SAMPLES_H
#define TESTS_HANDS_SAMPLES_H

#include "hands.h"

#define NAMES(...) ((const char *[]){ __VA_ARGS__ })

static inline double up(double x)
{
    return x / 1000;
}
static inline double down(double x)
{
    return 1 - x / 1000;
}
static inline double rising(double x)
{
    return 2 + log10(x);
}
static inline double falling(double x)
{
    return 1000 - x;
}
static inline double signs(double x)
{
    return (x - 500) * fabs(x - 500) / 100;
}

/* Panel 1: a rising and a falling curve over 1..1000; 2: one over each y axis; 3: cells; 4: a curve of both signs, symlog. */
static inline ml_figure *four_panels(void)
{
    double     cells[48];
    ml_figure *fig = ml_figure_new(2, 2, "Hands");
    cr_assert(ml_figure_lines(fig, 0, NAMES("up", "down"), 2, &(ml_panel_opts){ .title = "first", .xlabel = "step" }));
    cr_assert(ml_figure_lines(fig, 1, NAMES("rising"), 1, &(ml_panel_opts){ .title = "two axes", .ylabel = "rising" }));
    cr_assert(ml_figure_lines(fig, 1, NAMES("falling"), 1, &(ml_panel_opts){ .y2label = "falling", .right = true }));
    for (int i = 0; i < 48; i++) cells[i] = i;
    cr_assert(sample_heatmap(fig, 2, &(ml_panel_opts){ .title = "cells" }, NULL, 0, 6, 8, cells));
    cr_assert(ml_figure_lines(fig, 3, NAMES("signs"), 1, &(ml_panel_opts){ .title = "signs", .yscale = ML_SCALE_SYMLOG }));
    for (int i = 1; i <= 1000; i++)
        cr_assert(ml_figure_point(fig, "up", i, up(i)) && ml_figure_point(fig, "down", i, down(i)) &&
                  ml_figure_point(fig, "rising", i, rising(i)) && ml_figure_point(fig, "falling", i, falling(i)) &&
                  ml_figure_point(fig, "signs", i, signs(i)));
    return fig;
}

static inline ml_window *open_four_with(ml_figure **fig, ml_window_opts opts)
{
    *fig         = four_panels();
    ml_window *w = open_window(*fig, opts);
    hands_on(w);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    return w;
}

static inline ml_window *open_four(ml_figure **fig)
{
    return open_four_with(fig, (ml_window_opts){ .width = 900, .height = 700 });
}

static inline void close_four(ml_window *w, ml_figure *fig)
{
    ml_window_close(w);
    ml_figure_release(fig);
    hands_off();
}

#endif
