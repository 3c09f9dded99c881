#include "figure/averages.h"

#include <math.h>
#include <string.h>

/* --- ranges --------------------------------------------------------------------------------------------------- */
static void join(double a, double b, double *low, double *high)
{
    *low = a < *low ? a : *low, *high = b > *high ? b : *high;
}

static void widen(int64_t n, const double *y, double *low, double *high)
{
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(y[i])) continue;
        *low = y[i] < *low ? y[i] : *low, *high = y[i] > *high ? y[i] : *high;
    }
}

bool mli_series_range(const mli_series *s, int64_t from, int64_t to, double *low, double *high)
{
    *low = INFINITY, *high = -INFINITY;
    for (int64_t i = from < 0 ? 0 : from; i <= to;) {
        const mli_chunk *c     = s->chunks[i / MLI_CHUNK];
        int64_t          place = i % MLI_CHUNK, left = to - i + 1;
        bool             full  = s->n - (i - place) >= MLI_CHUNK;
        if (full && place == 0 && left >= MLI_CHUNK) {
            join(c->extent.y_low, c->extent.y_high, low, high);
            i += MLI_CHUNK;
        } else if (full && place % MLI_BLOCK == 0 && left >= MLI_BLOCK) {
            join(c->extent.low[place / MLI_BLOCK], c->extent.high[place / MLI_BLOCK], low, high);
            i += MLI_BLOCK;
        } else {
            int64_t n = MLI_BLOCK - place % MLI_BLOCK;
            n         = n < left ? n : left;
            widen(n, c->y + place, low, high);
            i += n;
        }
    }
    return *low <= *high;
}

/* --- averages --------------------------------------------------------------------------------------------------- */
static void add_chunk(mli_averaged *a, const mli_chunk *c)
{
    mli_average_chunk *to = &a->chunks[a->n];
    double             values[MLI_BLOCK];
    to->y_low = INFINITY, to->y_high = -INFINITY;
    for (int k = 0; k < MLI_BLOCKS; k++) {
        to->before[k] = a->after;
        to->low[k] = INFINITY, to->high[k] = -INFINITY;
        mlk_smooth(MLI_BLOCK, c->y + k * MLI_BLOCK, values, &a->after);
        widen(MLI_BLOCK, values, &to->low[k], &to->high[k]);
        join(to->low[k], to->high[k], &to->y_low, &to->y_high);
    }
    a->n++;
}

static bool follow(mli_averaged *a, const mli_series *s)
{
    int64_t full = s->n / MLI_CHUNK;
    if (full > a->room) {
        int64_t            room = full > 2 * a->room ? full : 2 * a->room;
        size_t             each = sizeof *a->chunks;
        mli_average_chunk *fresh = ml_realloc(a->chunks, (size_t)a->room * each, (size_t)room * each);
        if (!fresh) return false;
        a->chunks = fresh;
        a->room   = room;
    }
    while (a->n < full) add_chunk(a, s->chunks[a->n]);
    return true;
}

const mli_averaged *mli_averages_get(mli_averages *a, const mli_view *view, int series, double past)
{
    int at = 0;
    while (at < a->n && (a->of[at].series != series || a->of[at].past != past)) at++;
    if (at == a->room) {
        int           room  = a->room ? 2 * a->room : 8;
        mli_averaged *fresh = ml_realloc(a->of, (size_t)a->room * sizeof *a->of, (size_t)room * sizeof *a->of);
        if (!fresh) return NULL;
        a->of   = fresh;
        a->room = room;
    }
    mli_averaged *found = &a->of[at];
    if (at == a->n) {
        *found = (mli_averaged){ .series = series, .past = past, .after = { .past = past } };
        a->n++;
    }
    found->used = true;
    return follow(found, &view->series[series]) ? found : NULL;
}

static void drop(mli_averaged *a)
{
    ml_realloc(a->chunks, (size_t)a->room * sizeof *a->chunks, 0);
}

void mli_averages_sweep(mli_averages *a)
{
    int kept = 0;
    for (int i = 0; i < a->n; i++) {
        if (!a->of[i].used) {
            drop(&a->of[i]);
            continue;
        }
        a->of[kept]        = a->of[i];
        a->of[kept++].used = false;
    }
    a->n = kept;
}

void mli_averages_free(mli_averages *a)
{
    for (int i = 0; i < a->n; i++) drop(&a->of[i]);
    ml_realloc(a->of, (size_t)a->room * sizeof *a->of, 0);
    *a = (mli_averages){ 0 };
}

void mli_average_values(const mli_averaged *a, const mli_series *s, int64_t from, int64_t n, double *to)
{
    int64_t     chunk = from / MLI_CHUNK, place = from % MLI_CHUNK;
    mlk_average state = chunk < a->n ? a->chunks[chunk].before[place / MLI_BLOCK] : a->after;
    double      passed[MLI_CHUNK];
    if (chunk >= a->n) mlk_smooth(place, s->chunks[chunk]->y, passed, &state); /* the last chunk is not full */
    mlk_smooth(n, s->chunks[chunk]->y + place, to, &state);
}

double mli_average_at(const mli_averaged *a, const mli_series *s, int64_t i)
{
    double  values[MLI_BLOCK];
    int64_t first = i - i % MLI_BLOCK;
    mli_average_values(a, s, first, i - first + 1, values);
    return values[i - first];
}
