#include "figure/grid.h"

mli_between *mli_between_make(const mli_ruler *ruler, const mli_data *at, double from, double density, int n)
{
    mli_between *all  = ml_realloc(NULL, 0, (size_t)n * sizeof *all);
    int64_t      last = at->n - 1;
    bool         down = last > 0 && at->values[last] < at->values[0];
    for (int i = 0; all && i < n; i++) {
        double  value = mli_ruler_value(ruler, from + (i + 0.5) / density);
        int64_t low = 0, high = last > 0 ? last : 0;
        while (high - low > 1) {
            int64_t middle = (low + high) / 2;
            if (down ? at->values[middle] >= value : at->values[middle] <= value) low = middle;
            else high = middle;
        }
        double gap  = last > 0 ? at->values[low + 1] - at->values[low] : 0;
        double part = gap != 0 ? (value - at->values[low]) / gap : 0;
        all[i]      = (mli_between){ low, fmin(fmax(part, 0), 1) };
    }
    return all;
}

void mli_between_free(mli_between *between, int n)
{
    if (between) ml_realloc(between, (size_t)n * sizeof *between, 0);
}
