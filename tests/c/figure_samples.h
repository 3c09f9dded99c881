/* Figures to look at and to test on: the grokking figure, with curves of the shape that such runs have. */
#ifndef FIGURE_SAMPLES_H
#define FIGURE_SAMPLES_H

#include "moonlab/figure.h"

#include <math.h>
#include <stdint.h>

/* A repeatable number in -1..1. */
static inline double sample_noise(uint32_t i)
{
    uint32_t h = (i + 1) * 2654435761u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    return h / 2147483648.0 - 1;
}

static inline double sample_rise(double step, double at, double steep)
{
    return 1 / (1 + pow(at / step, steep));
}

static inline void sample_spectrum(double *values, int rows, int cols, double progress)
{
    for (int k = 0; k < rows; k++)
        for (int d = 0; d < cols; d++) {
            int    lit   = k == 5 || k == 14 || k == 23 || k == 31 || k == 42;
            double phase = 0.5 + 0.5 * sample_noise((uint32_t)(k * 977 + d));
            values[k * cols + d] =
                lit ? 0.02 + 0.9 * progress * phase * phase : 0.05 * (1 - 0.8 * progress) * phase;
        }
}

/* A heatmap with these options and values; 0 with a message. */
static inline int64_t sample_heatmap(ml_figure *fig, int panel, const ml_panel_opts *opts, const ml_given *given, int n, int64_t rows,
                                     int64_t cols, const double *values)
{
    if (opts && !ml_figure_panel(fig, panel, opts)) return 0;
    int64_t mark = ml_figure_add(fig, panel, "heatmap", given, n);
    ml_data data = { "values", 2, { rows, cols }, values };
    return mark && (!values || ml_figure_give(fig, mark, &data, 1)) ? mark : 0;
}

#define SAMPLE_HEATMAP 6 /* the spectrum of sample_grokking, after five curves */

/* 2 x 2: accuracies over a log axis, losses with log y, weight norm, spectrum of the embedding. */
static inline ml_figure *sample_grokking(int steps)
{
    static double spectrum[49 * 128];
    ml_figure    *fig = ml_figure_new(2, 2, "Grokking: addition modulo 97");
    if (!fig) return NULL;
    bool ok = ml_figure_lines(
        fig, 0, (const char *[]){ "train_acc", "test_acc" }, 2,
        &(ml_panel_opts){ .title = "Accuracy", .xlabel = "step", .xscale = ML_SCALE_LOG, .ylim = { 0, 1 } });
    ok = ok && ml_figure_lines(
                   fig, 1, (const char *[]){ "train_loss", "test_loss" }, 2,
                   &(ml_panel_opts){
                       .title = "Loss", .xlabel = "step", .xscale = ML_SCALE_LOG, .yscale = ML_SCALE_LOG });
    ok = ok && ml_figure_lines(
                   fig, 2, (const char *[]){ "weight_norm" }, 1,
                   &(ml_panel_opts){ .title = "Weight norm", .xlabel = "step", .xscale = ML_SCALE_LOG });
    for (int step = 1; ok && step <= steps; step += step < 10 ? 1 : 10 - (step % 10)) {
        double s = step, wiggle = 1 + 0.03 * sample_noise((uint32_t)step);
        double train = sample_rise(s, 18, 2.6), test = sample_rise(s, 900, 4.2) * (1 - 0.01) + 0.01;
        ok = ml_figure_point(fig, "train_acc", s, train) && ml_figure_point(fig, "test_acc", s, test) &&
             ml_figure_point(fig, "train_loss", s, 4.57 * wiggle / (1 + pow(s / 12, 2.2)) + 2e-7 * wiggle) &&
             ml_figure_point(fig, "test_loss", s,
                             (4.57 + 9 * sample_rise(s, 40, 1.5)) * (1.0005 - sample_rise(s, 900, 4)) *
                                 wiggle) &&
             ml_figure_point(fig, "weight_norm", s,
                             61 + 22 * sample_rise(s, 30, 2) - 46 * sample_rise(s, 700, 1.8));
    }
    sample_spectrum(spectrum, 49, 128, sample_rise(steps, 900, 4));
    const ml_panel_opts words = { .title = "Power spectrum of the embedding", .xlabel = "dimension", .ylabel = "frequency" };
    if (ok && sample_heatmap(fig, 3, &words, (ml_given[]){ { .name = "row_shift", .number = { -1 } } }, 1, 49, 128, spectrum)) return fig;
    ml_figure_release(fig);
    return NULL;
}

#endif
