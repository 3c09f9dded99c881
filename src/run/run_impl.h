/* The inside of a run. */
#ifndef MOONLAB_RUN_IMPL_H
#define MOONLAB_RUN_IMPL_H

#include "run/log.h"

#include <time.h>

/* One metric, and enough of its past for ml_run_reached: the values that were higher than all before them. */
typedef struct mli_best {
    double  value;
    int64_t step;
} mli_best;

typedef struct mli_metric {
    char     *name;
    double    last;
    bool      known;    /* last is a value: it was logged */
    bool      declared; /* the log has its name, as id */
    uint32_t  id;
    int64_t   visit; /* number of the last call that named it: finds a name given twice */
    mli_best *best;  /* rising in value */
    size_t    n_best, best_capacity;
} mli_metric;

typedef struct mli_check {
    char *name, *detail;
    bool  passed;
} mli_check;

struct ml_run {
    char         *dir, *name, *params, *command; /* command may be NULL */
    uint64_t      seed;
    ml_run_status status;
    double        began; /* of ml_clock */
    time_t        started, finished;
    mli_log       log;
    mli_metric   *metrics;
    size_t        n_metrics, metrics_capacity;
    int64_t       visits;
    mli_check    *checks;
    size_t        n_checks, checks_capacity;
    uint32_t      place[ML_RUN_METRICS]; /* of the metrics in the record being logged */
    uint32_t      ids[ML_RUN_METRICS];   /* and their ids in the log */
    char          message[ML_RUN_TEXT];  /* given to finish */
};

/* items grown to hold at least wanted of them, and capacity with it. NULL with a message; then both are as before. */
void *mli_grown(void *items, size_t *capacity, size_t wanted, size_t item_bytes);

double mli_run_now(const ml_run *run);                    /* seconds since the start */
bool   mli_name_fits(const char *what, const char *name); /* of a metric or a check; false with a message */
void   mli_metrics_free(ml_run *run);

/* folder.c: root NULL as in ml_run_opts. dir receives the path of the new directory. */
bool mli_folder_make(const char *root, const char *name, char *dir, size_t dir_bytes);
bool mli_folder_add(const char *dir, const char *script, const char *text); /* figures/ and script.lua */
void mli_folder_remove(const char *dir);                  /* what was made in it, and itself */

/* reader.c */
const uint32_t *mli_reader_ids(const ml_run_reader *reader); /* of the metrics that ml_run_next gave last */
bool   mli_reader_rewind(ml_run_reader *reader); /* to the start of the same bytes; no name has been met */

bool mli_describe(const ml_run *run); /* writes run.json */

#endif
