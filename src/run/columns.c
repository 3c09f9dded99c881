/* The metrics of a log as columns, a block of records at a time. */
#include "run/run_impl.h"
#include "run/text.h"

typedef struct column {
    int64_t n;
    size_t  steps_capacity, values_capacity;
    int64_t *steps;
    double  *values;
} column;

struct ml_columns {
    column *columns; /* by id, as the log names them */
    size_t  n, capacity;
    int64_t held; /* values in all columns */
};

ml_columns *ml_columns_new(void)
{
    ml_columns *c = ml_realloc(NULL, 0, sizeof *c);
    if (c) *c = (ml_columns){ 0 };
    return c;
}

static bool reserve(ml_columns *c, size_t n)
{
    if (n <= c->n) return true;
    column *grown = mli_grown(c->columns, &c->capacity, n, sizeof *c->columns);
    if (!grown) return false;
    c->columns = grown;
    while (c->n < n) c->columns[c->n++] = (column){ 0 };
    return true;
}

static bool add(column *to, int64_t step, double value)
{
    size_t   at    = (size_t)to->n;
    int64_t *steps = mli_grown(to->steps, &to->steps_capacity, at + 1, sizeof *steps);
    if (!steps) return false;
    to->steps      = steps;
    double *values = mli_grown(to->values, &to->values_capacity, at + 1, sizeof *values);
    if (!values) return false;
    to->values     = values;
    to->steps[at]  = step;
    to->values[at] = value;
    to->n++;
    return true;
}

static bool take(ml_columns *c, const ml_run_reader *reader, const ml_record *record)
{
    const uint32_t *ids = mli_reader_ids(reader);
    for (int i = 0; i < record->n; i++) {
        if (!reserve(c, (size_t)ids[i] + 1) || !add(&c->columns[ids[i]], record->step, record->values[i])) return false;
        c->held++;
    }
    return true;
}

ml_columns_met ml_columns_read(ml_columns *c, ml_run_reader *reader, int64_t most, ml_record *other)
{
    if (!c || !reader) return ML_COLUMNS_FAILED;
    while (c->held < most) {
        if (!ml_run_next(reader, other)) return ml_run_stopped(reader) ? ML_COLUMNS_FAILED : ML_COLUMNS_END;
        if (other->kind != ML_RECORD_METRICS) return ML_COLUMNS_RECORD;
        if (!take(c, reader, other)) return ML_COLUMNS_FAILED;
    }
    return ML_COLUMNS_FULL;
}

int64_t ml_columns_get(const ml_columns *c, int id, const int64_t **steps, const double **values)
{
    bool known = c && id >= 0 && (size_t)id < c->n;
    *steps     = known ? c->columns[id].steps : NULL;
    *values    = known ? c->columns[id].values : NULL;
    return known ? c->columns[id].n : 0;
}

void ml_columns_clear(ml_columns *c)
{
    for (size_t i = 0; c && i < c->n; i++) c->columns[i].n = 0;
    if (c) c->held = 0;
}

void ml_columns_free(ml_columns *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n; i++) {
        ml_realloc(c->columns[i].steps, c->columns[i].steps_capacity * sizeof(int64_t), 0);
        ml_realloc(c->columns[i].values, c->columns[i].values_capacity * sizeof(double), 0);
    }
    ml_realloc(c->columns, c->capacity * sizeof *c->columns, 0);
    ml_realloc(c, sizeof *c, 0);
}
