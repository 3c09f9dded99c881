/* moonlab/run.h - a run: one directory, one writer, an append-only log.
 *
 *     ml_run_opts opts = { .name = "grokking", .seed = 1, .params = "{\"lr\":0.005}" };
 *     ml_run *run = ml_run_start(&opts);
 *     ml_run_log(run, step, (const char *[]){ "loss" }, (double[]){ 0.5 }, 1);
 *     ml_run_check(run, "generalised", test_acc > 0.99, NULL);
 *     ml_run_finish(run, ML_RUN_DONE, NULL);
 *     ml_run_release(run);
 *
 * runs/<name>/<date>-<time>[-k]/   local time; MOONLAB_RUNS sets another root than "runs"
 *     run.json      parameters, seed, versions, machine, command, status, checks; written whole or not at all,
 *                   at the start ("running") and at the finish; the log knows what happens in between
 *     log           records, each with its length and checksum; a torn last record is dropped on reading
 *     script.lua    a copy of the script
 *     figures/      pictures
 * Functions that fail return NULL or false, leave a message, and have lost nothing that was logged before.
 * A run, a reader and a progress bar each belong to one thread at a time.
 */
#ifndef MOONLAB_RUN_H
#define MOONLAB_RUN_H

#include "moonlab/base.h"

typedef struct ml_run ml_run; /* opaque: the fields are in src/run */

typedef enum ml_run_status { ML_RUN_RUNNING, ML_RUN_DONE, ML_RUN_INTERRUPTED, ML_RUN_FAILED } ml_run_status;
const char *ml_run_status_name(ml_run_status status); /* "running", "done", "interrupted", "failed", or "?" */

typedef struct ml_run_opts {
    const char *name;    /* letters, digits, '-', '_', '.'; at most 100; not "." or ".." */
    const char *root;    /* NULL: MOONLAB_RUNS, else "runs". Relative: then the working directory must stay */
    const char *params;  /* the resolved parameters, a JSON object, kept as it is written; NULL = {} */
    const char *script;  /* path of the script to copy; NULL = none. A pipe is not copied: it has been read */
    const char *command; /* what was typed; NULL = unknown */
    uint64_t    seed;
} ml_run_opts;

#define ML_RUN_METRICS 4096  /* most metrics in one record */
#define ML_RUN_NAME    256   /* most bytes of a metric's or a check's name, with its end */
#define ML_RUN_TEXT    16384 /* most bytes of an event's or a detail's text, with its end */

/* --- writing ------------------------------------------------------------------------------------------ */
/* A record is in the file at once, or with the first one that comes 20 ms later: that much a kill can cost. Events,
 * checks and the finish are written at once; the finish also waits for the disk.
 * A full disk: the call that meets it returns false, with the path and the reason; its record waits in memory. Later
 * calls return true; once a second one of them tries again. How many were lost, if any, is then an event of the log.
 * ml_run_last and ml_run_reached know all of them. */
ml_run     *ml_run_start(const ml_run_opts *opts); /* makes the directory; or names it and says why not */
const char *ml_run_dir(const ml_run *run);

/* One record of n metrics; a value may be NaN, step >= 0. */
bool ml_run_log(ml_run *run, int64_t step, const char *const *names, const double *values, int n);
bool ml_run_event(ml_run *run, int64_t step, const char *text); /* something that happened, in words */
bool ml_run_check(ml_run *run, const char *name, bool passed, const char *detail); /* a claim; detail: or NULL */
int  ml_run_checks_failed(const ml_run *run);
bool ml_run_finish(ml_run *run, ml_run_status status, const char *message); /* closes the log; once */
void ml_run_release(ml_run *run); /* an unfinished one is finished as failed; NULL is fine */

/* --- looking back ------------------------------------------------------------------------------------- */
/* The latest value; false without a message when never logged. */
bool ml_run_last(const ml_run *run, const char *name, double *value);
/* The first step that was logged with a value >= threshold; -1 when none was. */
int64_t ml_run_reached(const ml_run *run, const char *name, double threshold);

/* --- reading: hostile input is refused or cut, never trusted ------------------------------------------- */
typedef struct ml_run_reader ml_run_reader;
typedef enum ml_record_kind {
    ML_RECORD_METRICS = 1,
    ML_RECORD_EVENT,
    ML_RECORD_CHECK,
    ML_RECORD_END
} ml_record_kind;

typedef struct ml_record {
    ml_record_kind     kind;
    int64_t            step;   /* check, end: the last one logged */
    double             time;   /* seconds since the start of the run */
    int                n;      /* metrics */
    const char *const *names;
    const double      *values; /* to the bit what was logged, NaN too */
    const char        *text;   /* event: text; check: name; end: status; metrics: "" */
    const char        *detail; /* check, end: may be ""; others: "" */
    bool               passed; /* check */
} ml_record;

ml_run_reader *ml_run_open(const char *dir); /* as far as the log goes now; NULL, with a message: no run */
bool ml_run_next(ml_run_reader *reader, ml_record *record); /* false at the end. Good until the next call */
bool ml_run_torn(const ml_run_reader *reader);    /* a broken record was met: it and what follows were dropped */
bool ml_run_stopped(const ml_run_reader *reader); /* ended early, with a message: no memory, or the disk failed */
void ml_run_close(ml_run_reader *reader);         /* NULL is fine */

/* step,time,<metrics in the order of their first appearance>. Records of one step that follow each other share a row,
 * with the time of the first. Values as short as they can be and read back the same; nothing where not logged. Atomic. */
bool ml_run_export_csv(const char *dir, const char *path);

/* --- progress: a bar on a terminal, plain lines elsewhere ---------------------------------------------- */
/* On stderr. Every function takes NULL and then does nothing: without memory there is no bar, and the work goes on. */
typedef struct ml_progress ml_progress;
ml_progress *ml_progress_new(int64_t total, bool quiet);     /* total 0: unknown; quiet: shows nothing */
void         ml_progress_step(ml_progress *p, int64_t step); /* step is done; looks at the clock now and then */
void         ml_progress_waited(ml_progress *p, double seconds); /* the loop was held up: that time does not count */
void         ml_progress_metrics(ml_progress *p, const char *const *names, const double *values, int n);
void         ml_progress_clear(ml_progress *p); /* makes room to print something; a later step redraws */
/* What stands above the bar on a terminal: *n lines that end with \n, none wider than columns, at most `most` of them. Asked for
 * a few times a second and at the end, between two steps; NULL = leave it as it is. Drawing takes 1 % of the time at most. */
typedef const char *ml_progress_rows(void *context, int columns, int most, int *n);
void         ml_progress_above(ml_progress *p, ml_progress_rows *rows, void *context); /* NULL rows: nothing more */
void         ml_progress_end(ml_progress *p);   /* the last state stays on screen; frees */

/* --- a hand on the loop: pause, one step, go on ------------------------------------------------------------ */
/* There is one loop at a time that others see, the outermost. begin, step and end are for who runs it (who: any address of
 * its own); the rest is for any thread. False: no loop is under way. */
void   ml_loop_begin(const void *who, int64_t total);
double ml_loop_step (const void *who, int64_t step); /* so many are done; waits while paused; returns the seconds waited */
void   ml_loop_end  (const void *who);               /* also goes on */
bool   ml_loop_pause(bool pause);                    /* Ctrl-C ends a pause, too */
bool   ml_loop_advance(void);                        /* a paused loop takes one step; one at work pauses */

typedef struct ml_loop {
    bool    running, paused;
    int64_t step, total; /* total 0: unknown */
} ml_loop;

ml_loop ml_loop_look(void);

/* The same in words, with rate, time left and the memory of tensors: "step 20 of 100  5.0 it/s   0:16 left   3.2 MB". One
 * watcher, zeros at first, for each place that shows it; call it a few times a second. */
typedef struct ml_loop_watcher {
    double  steps, seconds, time;
    int64_t step;
} ml_loop_watcher;
void ml_loop_watch(ml_loop_watcher *watcher, char *text, size_t room);

/* What the loop's script failed with, for ml_loop_watch to tell in place of all that, until the next loop; behind ML_LOOP_FAILED. */
#define ML_LOOP_FAILED "error: "
void ml_loop_failed(const char *message);

/* --- Ctrl-C ------------------------------------------------------------------------------------------- */
void ml_interrupt_begin(void); /* the first Ctrl-C (or SIGTERM) only sets a flag, the second ends the process */
bool ml_interrupted(void);
void ml_interrupt_raise(void); /* sets the flag as the signal would */
void ml_interrupt_end(void);   /* of the outermost begin: puts back what was there and clears the flag */

#endif
