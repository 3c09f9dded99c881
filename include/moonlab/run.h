/* moonlab/run.h - a run: one directory, one writer, an append-only log.
 *
 *     ml_run *run = ml_run_start(&(ml_run_opts){ .name = "grokking", .seed = 1, .params = "{\"lr\":0.005}" });
 *     ml_run_log(run, step, (const char *[]){ "loss" }, (double[]){ 0.5 }, 1);
 *     ml_run_check(run, "generalised", test_acc > 0.99, NULL);
 *     ml_run_finish(run, ML_RUN_DONE, NULL);
 *     ml_run_release(run);
 *
 * runs/<name>/<date>-<time>[-k]/   MOONLAB_RUNS sets another root than "runs"
 *     run.json      parameters, seed, versions, machine, command, status, checks; written whole or not at all
 *     log           records, each with its length and checksum; a torn last record is dropped on reading
 *     script.lua    a copy of the script
 *     figures/      pictures
 * Functions that fail return NULL or false, leave a message, and have lost nothing that was logged before.
 */
#ifndef MOONLAB_RUN_H
#define MOONLAB_RUN_H

#include "moonlab/base.h"

typedef struct ml_run ml_run; /* opaque: the fields are in src/run */

typedef enum ml_run_status { ML_RUN_RUNNING, ML_RUN_DONE, ML_RUN_INTERRUPTED, ML_RUN_FAILED } ml_run_status;
const char *ml_run_status_name(ml_run_status status); /* "running", "done", "interrupted", "failed" */

typedef struct ml_run_opts {
    const char *name;    /* letters, digits, '-', '_', '.'; not "." or ".." */
    const char *root;    /* NULL: MOONLAB_RUNS, else "runs" */
    const char *params;  /* the resolved parameters, a JSON object; NULL = {} */
    const char *script;  /* path of the script to copy; NULL = none */
    const char *command; /* what was typed; NULL = unknown */
    uint64_t    seed;
} ml_run_opts;

/* --- writing ------------------------------------------------------------------------------------------------------ */
ml_run     *ml_run_start(const ml_run_opts *opts); /* makes the directory; names it and the reason when it cannot */
const char *ml_run_dir(const ml_run *run);
bool ml_run_log(ml_run *run, int64_t step, const char *const *names, const double *values, int n); /* one record; NaN is fine */
bool ml_run_event(ml_run *run, int64_t step, const char *text);                 /* something that happened, in words */
bool ml_run_check(ml_run *run, const char *name, bool passed, const char *detail); /* a claim of the experiment; detail may be NULL */
int  ml_run_checks_failed(const ml_run *run);
bool ml_run_finish(ml_run *run, ml_run_status status, const char *message); /* flushes, syncs, closes the log; once */
void ml_run_release(ml_run *run); /* an unfinished one is finished as failed; NULL is fine */

/* --- looking back --------------------------------------------------------------------------------------------------- */
bool   ml_run_last(const ml_run *run, const char *name, double *value); /* latest value; false without message when never logged */
int64_t ml_run_reached(const ml_run *run, const char *name, double threshold); /* first step with value >= threshold; -1 */

/* --- reading: hostile input is refused or cut, never trusted ----------------------------------------------------- */
typedef struct ml_run_reader ml_run_reader;
typedef enum ml_record_kind { ML_RECORD_METRICS = 1, ML_RECORD_EVENT, ML_RECORD_CHECK, ML_RECORD_END } ml_record_kind;
typedef struct ml_record {
    ml_record_kind     kind;
    int64_t            step;
    double             time;   /* seconds since the start of the run */
    int                n;      /* metrics */
    const char *const *names;
    const double      *values;
    const char        *text;   /* event: text; check: name; end: status */
    const char        *detail; /* check, end: may be "" */
    bool               passed; /* check */
} ml_record;

ml_run_reader *ml_run_open(const char *dir);      /* NULL with a message when there is no run */
bool ml_run_next(ml_run_reader *reader, ml_record *record); /* false at the end; what record points to lives until the next call */
bool ml_run_torn(const ml_run_reader *reader);    /* the log ended in a broken record, which was dropped */
void ml_run_close(ml_run_reader *reader);
bool ml_run_export_csv(const char *dir, const char *path); /* step, time, one column a metric; empty where not logged; atomic */

/* --- progress: a bar on a terminal, plain lines elsewhere ---------------------------------------------------------- */
typedef struct ml_progress ml_progress;
ml_progress *ml_progress_new(int64_t total, bool quiet);           /* draws on stderr; quiet: nothing */
void         ml_progress_step(ml_progress *p, int64_t step);       /* cheap: looks at the clock now and then */
void         ml_progress_metrics(ml_progress *p, const char *const *names, const double *values, int n); /* shown beside it */
void         ml_progress_end(ml_progress *p);                      /* the last state stays on screen; frees; NULL is fine */

/* --- Ctrl-C --------------------------------------------------------------------------------------------------------- */
void ml_interrupt_begin(void);  /* from now the first Ctrl-C (or SIGTERM) only sets a flag; the second ends the process */
bool ml_interrupted(void);
void ml_interrupt_raise(void);  /* sets the flag as the signal would */
void ml_interrupt_end(void);    /* puts back what was there; clears the flag */

#endif
