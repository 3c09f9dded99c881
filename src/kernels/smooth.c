/* Smoothing of a curve: the average of what came before, and the range that it stands for. */
#include "kernels/kernels.h"

#include <math.h>

void mlk_smooth(int64_t n, const double *y, double *average, mlk_average *state)
{
    double past = state->past, now = 1 - past, sum = state->sum, weight = state->weight;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(y[i])) {
            average[i] = y[i];
            continue;
        }
        sum        = past * sum + now * y[i];
        weight     = past * weight + now;
        average[i] = sum / weight;
    }
    state->sum    = sum;
    state->weight = weight;
}

int64_t mlk_smooth_width(double past)
{
    double width = round((1 + past) / (1 - past));
    return width < 1 ? 1 : width < 1e15 ? (int64_t)width : (int64_t)1e15;
}

/* Blocks as long as the window: a window is the end of one and the beginning of the next, whose extremes are running ones
 * from the back and from the front (van Herk 1992, Gil and Werman 1993). */
static void rolling(int64_t n, const double *y, int64_t width, double sign, double *to, double *ends)
{
    for (int64_t i = 0; i < n; i++) {
        double here = isfinite(y[i]) ? sign * y[i] : -INFINITY;
        to[i]       = i % width ? fmax(to[i - 1], here) : here;
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        double here = isfinite(y[i]) ? sign * y[i] : -INFINITY;
        ends[i]     = i == n - 1 || (i + 1) % width == 0 ? here : fmax(ends[i + 1], here);
    }
    for (int64_t i = 0; i < n; i++) {
        double most = i < width ? to[i] : fmax(ends[i - width + 1], to[i]);
        to[i]       = isfinite(y[i]) ? sign * most : y[i];
    }
}

void mlk_rolling_range(int64_t n, const double *y, int64_t width, double *low, double *high, double *scratch)
{
    rolling(n, y, width, -1, low, scratch);
    rolling(n, y, width, 1, high, scratch);
}
