#include "run/line.h"

#include <stdarg.h>
#include <stdio.h>

void mli_line_put(mli_line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->bytes + l->used, sizeof l->bytes - l->used, format, args);
    va_end(args);
    if (n > 0) l->used += (size_t)n < sizeof l->bytes - l->used ? (size_t)n : sizeof l->bytes - l->used - 1;
}

/* Four digits, zeros kept: a value that is redrawn ten times a second should not jump. */
void mli_line_number(mli_line *l, double v)
{
    if (fabs(v) >= 999.95 && fabs(v) < 1e7)
        mli_line_put(l, "%.0f", v);
    else
        mli_line_put(l, "%#.4g", v);
}

void mli_line_duration(mli_line *l, double seconds)
{
    int64_t s = seconds > 0 ? (int64_t)fmin(seconds + 0.5, 1e12) : 0;
    if (s >= 86400) mli_line_put(l, "%lldd ", (long long)(s / 86400));
    if (s >= 3600)
        mli_line_put(l, "%lld:%02lld:%02lld", (long long)(s / 3600 % 24), (long long)(s / 60 % 60),
            (long long)(s % 60));
    else
        mli_line_put(l, "%lld:%02lld", (long long)(s / 60), (long long)(s % 60));
}

void mli_line_rate(mli_line *l, double rate)
{
    if (rate >= 1e5)
        mli_line_put(l, "  %.0fk it/s", rate / 1e3);
    else if (rate >= 100)
        mli_line_put(l, "  %.0f it/s", rate);
    else if (rate >= 1)
        mli_line_put(l, "  %.1f it/s", rate);
    else if (rate > 0)
        mli_line_put(l, "  %.1f s/it", 1 / rate);
}
