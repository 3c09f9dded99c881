/* Values along a slider, and how they are written. */
#include "figure/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH 180.0 /* of a usual track: says how many digits a value is written with */

/* --- places ------------------------------------------------------------------------------------------ */
double mli_slider_place(const ml_knob *k, double value)
{
    double t = k->log ? log(value / k->from) / log(k->to / k->from) : (value - k->from) / (k->to - k->from);
    return fmin(fmax(t, 0), 1);
}

/* 1, 2 or 5 times a power of ten, not less than x. */
static double round_step(double x)
{
    double ten = pow(10, floor(log10(x)));
    return x <= ten ? ten : x <= 2 * ten ? 2 * ten : x <= 5 * ten ? 5 * ten : 10 * ten;
}

static double step_of(const ml_knob *k, double length)
{
    return round_step((k->to - k->from) / fmax(length, 10));
}

/* Digits of a value on a log scale: two places that are next to each other differ by 1 % or more, or by less. */
static int log_digits(const ml_knob *k, double length)
{
    return log(k->to / k->from) / fmax(length, 10) > 0.02 ? 2 : 3;
}

/* The value that is written so: 0.3, not 3 * 0.1. */
static double written(const char *format, int digits, double value)
{
    char text[400];
    snprintf(text, sizeof text, format, digits, value);
    return strtod(text, NULL);
}

static int decimals(double step)
{
    return (int)fmin(fmax(-floor(log10(step) + 1e-9), 0), 15);
}

double mli_slider_value(const ml_knob *k, double place, double length)
{
    if (!(place > 0)) return k->from;
    if (place >= 1) return k->to;
    double value;
    if (k->log) {
        value = k->from * pow(k->to / k->from, place);
        value = k->whole ? round(value) : written("%.*g", log_digits(k, length), value);
    } else {
        double step = step_of(k, length);
        value       = k->from + place * (k->to - k->from);
        value       = k->whole ? round(value) : step < 1e-12 ? value : written("%.*f", decimals(step), round(value / step) * step);
    }
    return fmin(fmax(value, k->from), k->to);
}

double mli_slider_next(const ml_knob *k, double value, double length, double by)
{
    double place = mli_slider_place(k, value), next = value;
    for (int i = 0; i < 100 && (by > 0 ? next <= value : next >= value); i++) {
        place += by;
        next = mli_slider_value(k, place, length);
        if (place <= 0 || place >= 1) break;
    }
    return next;
}

/* As many digits as places along the line can tell apart; a value that a script has set may have more, and is cut. */
void mli_slider_text(const ml_knob *k, double value, char *text, size_t room)
{
    double most = fmax(fabs(k->from), fabs(k->to)), step = step_of(k, LENGTH);
    if (k->whole) snprintf(text, room, "%.0f", value);
    else if (k->log) snprintf(text, room, "%.*g", log_digits(k, LENGTH) < 3 && value == written("%.*g", 2, value) ? 2 : 3, value);
    else if (most >= 1e6 || step < 1e-5) snprintf(text, room, "%.4g", value);
    else snprintf(text, room, "%.*f", decimals(step), value);
    if (strcmp(text, "-0") == 0) snprintf(text, room, "0");
}

/* --- smoothing: the weight of what came before; the nearer to 1, the finer ------------------------------ */
#define DECADES 3.0 /* 0 .. 0.999 */

double mli_smoothing_place(double s)
{
    return fmin(fmax(-log10(1 - fmin(s, 0.9999)) / DECADES, 0), 1);
}

double mli_smoothing_value(double place)
{
    double s = 1 - pow(10, -DECADES * fmin(fmax(place, 0), 1));
    return written("%.*f", s < 0.9 ? 2 : s < 0.99 ? 3 : 4, s);
}

void mli_smoothing_text(double s, char *text, size_t room)
{
    if (s > 0) snprintf(text, room, "%.4g", s);
    else snprintf(text, room, "off");
}
