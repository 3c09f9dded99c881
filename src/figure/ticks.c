/* Ticks as a careful person sets them: steps of 1, 2 or 5 times a power of ten; on a log axis decades, or 1-2-5 where
 * there are too few decades, or even steps where there is less than one. Values are made from integers and one power
 * of ten, so that 0.3 is 0.3 and zero is zero. */
#include "figure/ticks.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SLACK        1e-6 /* of a step: an end that misses a tick by rounding still gets it */
#define MANY_DECADES 60

/* "-3" with a true minus sign */
static void put(char *to, size_t room, double value, int decimals, const char *unit)
{
    char digits[40];
    snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
    bool zero = strspn(digits, "0.") == strlen(digits);
    snprintf(to, room, "%s%s%s", value < 0 && !zero ? "\xE2\x88\x92" : "", zero ? "0" : digits,
             zero ? "" : unit);
}

/* "2.5x10^-3" with a true times and superscripts, "10^4" where the front is 1 */
static void power_label(char *to, size_t room, double mantissa, int decimals, int exponent)
{
    static const char *const raised[] = {
        "\xE2\x81\xB0", "\xC2\xB9",     "\xC2\xB2",     "\xC2\xB3",     "\xE2\x81\xB4",
        "\xE2\x81\xB5", "\xE2\x81\xB6", "\xE2\x81\xB7", "\xE2\x81\xB8", "\xE2\x81\xB9",
    };
    char front[24] = "", digits[16];
    if (fabs(mantissa) != 1 || decimals) put(front, sizeof front, mantissa, decimals, "\xC3\x97");
    else if (mantissa < 0) snprintf(front, sizeof front, "\xE2\x88\x92");
    int n = snprintf(to, room, "%s", front);
    if (strcmp(front, "0") == 0) return;
    n += snprintf(to + n, room - (size_t)n, "10%s", exponent < 0 ? "\xE2\x81\xBB" : "");
    snprintf(digits, sizeof digits, "%d", exponent < 0 ? -exponent : exponent);
    for (const char *d = digits; *d; d++) n += snprintf(to + n, room - (size_t)n, "%s", raised[*d - '0']);
}

/* --- linear ----------------------------------------------------------------------------------- */
typedef struct {
    int mantissa, exponent;
} step_size;

/* The nice step nearest to range / most, by ratio (the bounds are geometric means), but not below least. */
static step_size choose_step(double range, int most, double least)
{
    double    raw      = range / most;
    step_size step     = { 1, (int)floor(log10(raw)) };
    double    fraction = raw / pow(10, step.exponent);
    if (fraction > 7.07)
        step.exponent++;
    else if (fraction > 3.16)
        step.mantissa = 5;
    else if (fraction > 1.41)
        step.mantissa = 2;
    if (step.mantissa * pow(10, step.exponent) < least)
        return (step_size){ 1, (int)ceil(log10(least) - SLACK) };
    return step;
}

static double times_power(double value, int exponent)
{
    if (exponent >= 0) return value * pow(10, exponent);
    return value / pow(10, -exponent); /* division keeps 3/10 exact */
}

static int decimals_for(int unit, int exponent)
{
    return unit > exponent ? unit - exponent : 0;
}

/* Labels on one axis share their form: plain, thousands (12k), millions, or a common power of ten. */
static void linear_label(mli_tick *tick, double biggest, int exponent)
{
    int unit = (int)floor(log10(biggest) + 1e-12);
    if (biggest >= 1e9 || biggest < 1e-3) {
        power_label(tick->label, sizeof tick->label, times_power(tick->at, -unit),
                    decimals_for(unit, exponent), unit);
        return;
    }
    int thousands = biggest >= 1e6 ? 6 : biggest >= 1e4 ? 3 : 0;
    int decimals  = decimals_for(thousands, exponent);
    if (thousands && decimals <= 2) {
        /* one axis may start below a unit and still read well: 0.5k, 1.0k */
        put(tick->label, sizeof tick->label, times_power(tick->at, -thousands), decimals,
            thousands == 3 ? "k" : "M");
        return;
    }
    put(tick->label, sizeof tick->label, tick->at, decimals_for(0, exponent), "");
}

int mli_ticks_linear(double low, double high, int most, double least, mli_tick *ticks)
{
    if (!(high > low)) return 0;
    step_size step    = choose_step(high - low, most < 1 ? 1 : most, least);
    double    size    = times_power(step.mantissa, step.exponent);
    double    first   = ceil(low / size - SLACK);
    double    last    = floor(high / size + SLACK);
    double    biggest = fmax(fabs(first), fabs(last)) * size;
    int       n       = 0;
    if (!(biggest > 0)) biggest = 1;
    for (double k = first; k <= last && n < MLI_MAX_TICKS; k++, n++) {
        ticks[n] = (mli_tick){ .at = times_power(k * step.mantissa, step.exponent), .major = true };
        linear_label(&ticks[n], biggest, step.exponent);
    }
    return n;
}

/* --- log -------------------------------------------------------------------------------------- */
static bool is_125(int digit)
{
    return digit == 1 || digit == 2 || digit == 5;
}

static bool add(mli_tick *ticks, int *n, double at, bool major)
{
    if (*n >= MLI_MAX_TICKS) return false;
    ticks[(*n)++] = (mli_tick){ .at = at, .major = major };
    return true;
}

static bool inside(double at, double low, double high)
{
    return at >= low * (1 - SLACK) && at <= high * (1 + SLACK);
}

static int count_125(double low, double high, int first, int last)
{
    int n = 0;
    for (int e = first - 1; e <= last; e++)
        for (int digit = 1; digit <= 9; digit++)
            n += is_125(digit) && inside(times_power(digit, e), low, high);
    return n;
}

/* Plain numbers where they are short, 10^e elsewhere; all labels of an axis alike. */
static void label_majors(mli_tick *ticks, int n)
{
    double smallest = INFINITY, biggest = 0;
    for (int i = 0; i < n; i++) {
        double size = fabs(ticks[i].at);
        if (ticks[i].major && size > 0) smallest = fmin(smallest, size), biggest = fmax(biggest, size);
    }
    bool plain = smallest > 0.99e-3 && biggest < 9.99e6;
    for (int i = 0; i < n; i++) {
        mli_tick *t = &ticks[i];
        if (!t->major) continue;
        if (t->at == 0) {
            put(t->label, sizeof t->label, 0, 0, "");
            continue;
        }
        int    exponent = (int)floor(log10(fabs(t->at)) + 1e-9);
        double mantissa = round(times_power(t->at, -exponent));
        if (!plain)
            power_label(t->label, sizeof t->label, mantissa, 0, exponent);
        else if (exponent >= 6)
            put(t->label, sizeof t->label, mantissa * pow(10, exponent - 6), 0, "M");
        else if (exponent >= 3 && biggest > 9.99e3)
            put(t->label, sizeof t->label, mantissa * pow(10, exponent - 3), 0, "k");
        else
            put(t->label, sizeof t->label, t->at, decimals_for(0, exponent), "");
    }
}

/* Decades from one label to the next: 1, or a number that people count in and that leaves at least one label. */
static int choose_stride(int decades, int most)
{
    static const int nice[] = { 2, 3, 5, 10, 20, 50, 100, 200, 500, INT_MAX };
    if (2 * decades <= 3 * most) return 1;
    int i = 0;
    while (nice[i] * most < decades && nice[i + 1] <= decades) i++;
    return nice[i];
}

int mli_ticks_log(double low, double high, int most, mli_tick *ticks)
{
    if (most < 1) most = 1;
    int first   = (int)ceil(log10(low) - SLACK);
    int last    = (int)floor(log10(high) + SLACK);
    int decades = last - first + 1; /* powers of ten inside */
    int n       = 0;

    int  n_125  = decades <= 3 ? count_125(low, high, first, last) : 0;
    bool use125 = n_125 >= 3 && n_125 <= most;
    if (decades < 2 && !use125) return mli_ticks_linear(low, high, most, 0, ticks);

    int stride = choose_stride(decades, most);
    for (int e = first - 1; e <= last; e++) {
        if (stride > 1) { /* so many decades that the tens themselves become the minor ticks, or disappear */
            bool major = e % stride == 0;
            if (e >= first && (major || decades <= MANY_DECADES)) add(ticks, &n, times_power(1, e), major);
            continue;
        }
        for (int digit = 1; digit <= 9; digit++) {
            double at = times_power(digit, e);
            if (inside(at, low, high)) add(ticks, &n, at, use125 ? is_125(digit) : digit == 1);
        }
    }
    label_majors(ticks, n);
    return n;
}

/* --- symlog ----------------------------------------------------------------------------------- */
/* Zero and the powers of ten on both sides of it, from the knee on; between -knee and knee the scale is linear, and
 * minor ticks stand at its tenths. */
int mli_ticks_symlog(double low, double high, double knee, int most, mli_tick *ticks)
{
    int first = (int)lround(log10(knee)), last = (int)floor(log10(fmax(fabs(low), fabs(high))) + SLACK), n = 0;
    if (last <= first && (low > 0 || high < 0 || fmax(fabs(low), fabs(high)) < 2 * knee))
        return mli_ticks_linear(low, high, most, 0, ticks);
    int sides   = (low < 0) + (high > 0);
    int stride  = choose_stride((last - first + 1) * sides, most < 2 ? 1 : most - 1);
    int decades = last - first + 1;
    int anchor  = 0; /* labels are a stride apart from there: from 1, or from the outermost when that would leave the ends bare */
    if (stride > 2 && last - floor((double)last / stride) * stride >= 2) anchor = last;
    for (int sign = -1; sign <= 1; sign++) {
        if (sign == 0) {
            if (low <= 0 && high >= 0) add(ticks, &n, 0, true);
            continue;
        }
        for (int k = 0; k <= last - first; k++) {
            int e = sign < 0 ? last - k : first + k;
            for (int j = 1; j <= 9; j++) {
                int    digit = sign < 0 ? 10 - j : j;
                double at    = sign * times_power(digit, e);
                if (at < low - SLACK * fabs(low) || at > high + SLACK * fabs(high)) continue;
                bool major = digit == 1 && (e - anchor) % stride == 0 && (sides == 1 || 2 * (e - first + 1) >= stride); /* off zero */
                if (major || (digit == 1 && decades <= MANY_DECADES) || (stride == 1 && decades <= 6)) add(ticks, &n, at, major);
            }
        }
    }
    label_majors(ticks, n);
    return n;
}
