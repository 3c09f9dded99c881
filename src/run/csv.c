/* A log as a table. Two passes over the same bytes: the columns are known when the first row is written. */
#include "run/run_impl.h"
#include "run/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct table {
    mli_text text;
    size_t   n_columns;
    double  *values; /* of the row being collected */
    bool    *there;
    bool     open; /* a row is being collected, of this step and time: */
    int64_t  step;
    double   time;
} table;

/* RFC 4180: quoted when it must be, quotes doubled. */
static void put_name(mli_text *t, const char *name)
{
    if (!name[strcspn(name, ",\"\r\n")]) {
        mli_text_puts(t, name);
        return;
    }
    mli_text_puts(t, "\"");
    for (; *name; name++) mli_text_put(t, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    mli_text_puts(t, "\"");
}

static void put_row(table *t)
{
    char number[MLI_NUMBER];
    if (!t->open) return;
    mli_text_putf(&t->text, "%lld,%s", (long long)t->step, mli_number(number, round(t->time * 1e6) / 1e6));
    for (size_t i = 0; i < t->n_columns; i++) {
        mli_text_puts(&t->text, ",");
        if (t->there[i]) mli_text_puts(&t->text, mli_number(number, t->values[i]));
        t->there[i] = false;
    }
    mli_text_puts(&t->text, "\n");
    t->open = false;
}

/* A record continues the row when it is of the same step and says nothing twice. */
static void add_record(table *t, const ml_record *record, const uint32_t *ids)
{
    bool same = t->open && t->step == record->step;
    for (int i = 0; i < record->n && same; i++) same = !t->there[ids[i]];
    if (!same) {
        put_row(t);
        t->open = true;
        t->step = record->step;
        t->time = record->time;
    }
    for (int i = 0; i < record->n; i++) {
        t->values[ids[i]] = record->values[i];
        t->there[ids[i]]  = true;
    }
}

static bool make_header(table *t, ml_run_reader *reader)
{
    ml_record    record;
    while (ml_run_next(reader, &record)) continue;
    if (ml_run_stopped(reader)) return false;
    t->n_columns = (size_t)ml_run_metrics(reader);
    mli_text_puts(&t->text, "step,time");
    for (size_t i = 0; i < t->n_columns; i++) {
        mli_text_puts(&t->text, ",");
        put_name(&t->text, ml_run_metric(reader, (int)i));
    }
    mli_text_puts(&t->text, "\n");
    if (t->n_columns == 0) return true;
    t->values = ml_realloc(NULL, 0, t->n_columns * sizeof *t->values);
    t->there  = t->values ? ml_realloc(NULL, 0, t->n_columns * sizeof *t->there) : NULL;
    if (t->there) memset(t->there, 0, t->n_columns * sizeof *t->there);
    return t->there != NULL;
}

static bool make_rows(table *t, ml_run_reader *reader)
{
    ml_record record;
    if (!mli_reader_rewind(reader)) return false;
    while (!t->text.failed && ml_run_next(reader, &record))
        if (record.kind == ML_RECORD_METRICS) add_record(t, &record, mli_reader_ids(reader));
    put_row(t);
    return !t->text.failed && !ml_run_stopped(reader);
}

bool ml_run_export_csv(const char *dir, const char *path)
{
    table          t      = { 0 };
    ml_run_reader *reader = ml_run_open(dir);
    if (!reader) return false;
    bool made =
        make_header(&t, reader) && make_rows(&t, reader) && ml_file_write(path, t.text.bytes, t.text.used);
    if (t.there) ml_realloc(t.there, t.n_columns * sizeof *t.there, 0);
    if (t.values) ml_realloc(t.values, t.n_columns * sizeof *t.values, 0);
    mli_text_free(&t.text);
    ml_run_close(reader);
    return made;
}
