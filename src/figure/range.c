/* Which values an axis shows, and where they are. In both halves: the curves of a terminal are drawn without Cairo. */
#include "figure/axis.h"

/* --- ranges ----------------------------------------------------------------------------------------- */
void mli_range_join(mli_range *r, const mli_range *other)
{
    bool tight = other->tight || r->tight;
    if (other->tight && !r->tight && other->low <= other->high)
        r->low = other->low, r->high = other->high;
    else if (other->tight == r->tight)
        r->low = fmin(r->low, other->low), r->high = fmax(r->high, other->high);
    r->least  = fmin(r->least, other->least);
    r->tight  = tight;
    r->stands = r->stands || other->stands;
}

/* Near the ends of double's range a margin must not make an infinity, and a range must hold more doubles than ticks. */
static void keep_apart(mli_ruler *r)
{
    bool   log  = r->scale == ML_SCALE_LOG;
    double a    = mli_on_scale(r, fmin(fmax(r->low, log ? 1e-300 : -1e300), 1e300));
    double b    = mli_on_scale(r, fmin(fmax(r->high, log ? 1e-300 : -1e300), 1e300));
    double size = fmax(fabs(a), fabs(b));
    if (b - a <= 1e-9 * size || b - a < 1e-290) { /* constant, or as good as */
        double around = r->scale == ML_SCALE_LINEAR ? (size == 0 ? 1 : fmax(0.1 * size, 1e-290)) : 0.5;
        a -= around, b += around;
    }
    r->low  = mli_off_scale(r, a);
    r->high = mli_off_scale(r, b);
    if (!log && r->high - r->low < 1e-290)
        r->low -= 1e-290, r->high += 1e-290; /* apart on a scale that is nearly log */
}

/* Where symlog turns linear: a power of ten near the smallest value, but not so small that the sign change takes the
 * whole axis. */
static double choose_knee(const mli_range *values, double low, double high)
{
    double largest = fmax(fabs(low), fabs(high));
    if (!(largest > 0) || !isfinite(largest)) return 1;
    double smallest = isfinite(values->least) ? fmin(values->least, largest) : largest;
    return fmax(pow(10, floor(log10(fmax(smallest, largest * 1e-6)))), 1e-290);
}

void mli_axis_range(mli_axis *axis, ml_scale scale, const mli_range *values, const double fixed[2], double margin)
{
    mli_ruler *r = &axis->ruler;
    r->scale     = scale == ML_SCALE_DEFAULT ? ML_SCALE_LINEAR : scale;
    bool   log   = r->scale == ML_SCALE_LOG;
    double low = values->low, high = values->high;
    if (!(low <= high)) low = log ? 1 : 0, high = log ? 10 : 1; /* nothing to show yet */
    bool is_fixed = fixed && fixed[0] != fixed[1] && !(log && fixed[0] <= 0);
    if (is_fixed) low = fixed[0], high = fixed[1];
    r->knee = choose_knee(values, low, high);
    if (!is_fixed && !values->tight) {
        double a = mli_on_scale(r, low), b = mli_on_scale(r, high), more = 2 * margin * (b / 2 - a / 2);
        if (!(values->stands && low == 0)) low = log ? low / pow(10, more) : mli_off_scale(r, a - more);
        if (!(values->stands && high == 0)) high = log ? high * pow(10, more) : mli_off_scale(r, b + more);
    }
    r->low  = low;
    r->high = high;
    keep_apart(r);
}
