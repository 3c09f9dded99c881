/* Values and their places on paper. */
#include "figure/axis.h"

/* Linear between -knee and knee, which are a decade long each; beyond, a decade of the value is as long. */
double mli_symlog(double value, double knee)
{
    double size = fabs(value) / knee;
    return size <= 1 ? value / knee : copysign(1 + log10(size), value);
}

double mli_off_scale(const mli_ruler *r, double at)
{
    if (r->scale == ML_SCALE_LOG) return pow(10, at);
    if (r->scale != ML_SCALE_SYMLOG) return at;
    return fabs(at) <= 1 ? at * r->knee : copysign(r->knee * pow(10, fabs(at) - 1), at);
}

void mli_ruler_set(mli_ruler *r, double from, double to)
{
    double a = mli_on_scale(r, r->low), b = mli_on_scale(r, r->high);
    r->from = from;
    r->to   = to;
    r->zero = a;
    r->per  = (to - from) / (b - a);
}

double mli_ruler_value(const mli_ruler *r, double at)
{
    return mli_off_scale(r, r->zero + (at - r->from) / r->per);
}
