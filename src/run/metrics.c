/* Logging metrics. All that can be refused is refused before anything changes. */
#include "run/run_impl.h"
#include "run/text.h"

#include <math.h>
#include <string.h>

/* --- finding -------------------------------------------------------------------------------------------- */
/* The place of a metric, or -1. Scripts log the same names in the same order, so the search begins behind the
 * last one found and is mostly over at once. */
static int64_t place_of(const ml_run *run, const char *name, size_t begin)
{
    for (size_t i = 0; i < run->n_metrics; i++) {
        size_t at = (begin + i) % run->n_metrics;
        if (strcmp(run->metrics[at].name, name) == 0) return (int64_t)at;
    }
    return -1;
}

static int64_t add_metric(ml_run *run, const char *name)
{
    if (!mli_name_fits("log: a metric", name)) return -1;
    mli_metric *grown =
        mli_grown(run->metrics, &run->metrics_capacity, run->n_metrics + 1, sizeof *run->metrics);
    if (!grown) return -1;
    run->metrics = grown;
    char *copy   = mli_copy(name);
    if (!copy) return -1;
    run->metrics[run->n_metrics] = (mli_metric){ .name = copy, .visit = -1 };
    return (int64_t)run->n_metrics++;
}

static bool is_best(const mli_metric *m, double value)
{
    return !isnan(value) && (m->n_best == 0 || value > m->best[m->n_best - 1].value);
}

/* Finds or makes the metrics of a record and the memory for their values. */
static bool prepare(ml_run *run, const char *const *names, const double *values, int n)
{
    int64_t at = -1;
    run->visits++;
    for (int i = 0; i < n; i++) {
        if (!names[i]) return ml_fail("log: metric %d of %d has no name", i + 1, n);
        size_t begin = (size_t)(at + 1);
        at           = place_of(run, names[i], begin);
        if (at < 0) at = add_metric(run, names[i]);
        if (at < 0) return false;
        mli_metric *m = &run->metrics[at];
        if (m->visit == run->visits) return ml_fail("log: '%s' is given twice in one record", names[i]);
        m->visit      = run->visits;
        run->place[i] = (uint32_t)at;
        if (!is_best(m, values[i])) continue;
        mli_best *grown = mli_grown(m->best, &m->best_capacity, m->n_best + 1, sizeof *m->best);
        if (!grown) return false;
        m->best = grown;
    }
    return true;
}

/* --- logging -------------------------------------------------------------------------------------------- */
static void write_record(ml_run *run, int64_t step, const double *values, int n)
{
    double now = mli_run_now(run);
    for (int i = 0; i < n; i++) {
        mli_metric *m = &run->metrics[run->place[i]];
        if (!m->declared) m->declared = mli_log_name(&run->log, now, m->name, &m->id);
        if (!m->declared) { /* no room for the name, so none for the record: the next one tries again */
            run->log.lost++;
            return;
        }
        run->ids[i] = m->id;
    }
    mli_log_metrics(&run->log, now, step, run->ids, values, n);
}

bool ml_run_log(ml_run *run, int64_t step, const char *const *names, const double *values, int n)
{
    if (!run) return false;
    if (run->status != ML_RUN_RUNNING) return ml_fail("log: the run '%s' has been finished", run->dir);
    if (n < 1 || n > ML_RUN_METRICS)
        return ml_fail("log: a record has 1..%d metrics, got %d", ML_RUN_METRICS, n);
    if (step < 0) return ml_fail("log: the step must not be negative, got %lld", (long long)step);
    if (!prepare(run, names, values, n)) return false;
    write_record(run, step, values, n);
    for (int i = 0; i < n; i++) {
        mli_metric *m = &run->metrics[run->place[i]];
        m->last       = values[i];
        m->known      = true;
        if (is_best(m, values[i])) m->best[m->n_best++] = (mli_best){ values[i], step };
    }
    return mli_log_told(&run->log);
}

/* --- looking back --------------------------------------------------------------------------------------- */
bool ml_run_last(const ml_run *run, const char *name, double *value)
{
    int64_t at = run && name ? place_of(run, name, 0) : -1;
    if (at < 0 || !run->metrics[at].known) return false;
    *value = run->metrics[at].last;
    return true;
}

int64_t ml_run_reached(const ml_run *run, const char *name, double threshold)
{
    int64_t at = run && name ? place_of(run, name, 0) : -1;
    if (at < 0) return -1;
    const mli_metric *m   = &run->metrics[at];
    size_t            low = 0, high = m->n_best; /* the first value >= threshold is in low..high */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->best[middle].value >= threshold)
            high = middle;
        else
            low = middle + 1;
    }
    return low < m->n_best ? m->best[low].step : -1;
}

void mli_metrics_free(ml_run *run)
{
    for (size_t i = 0; i < run->n_metrics; i++) {
        mli_metric *m = &run->metrics[i];
        mli_copy_free(m->name);
        ml_realloc(m->best, m->best_capacity * sizeof *m->best, 0);
    }
    ml_realloc(run->metrics, run->metrics_capacity * sizeof *run->metrics, 0);
}
