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
    const char *script_text; /* the script itself, where it is in no file; NULL = it is read */
    const char *command; /* what was typed; NULL = unknown */
    uint64_t    seed;
} ml_run_opts;

#define ML_RUN_METRICS 4096  /* most metrics in one record */
#define ML_RUN_NAME    256   /* most bytes of a metric's or a check's name, with its end */
#define ML_RUN_TEXT    16384 /* most bytes of an event's or a detail's text, with its end */

/* --- writing ------------------------------------------------------------------------------------------ */
/* A record is in the file at once, or with the first one that comes 20 ms later: that much a kill can cost. Events,
 * checks, changes and the finish are written at once; the finish also waits for the disk.
 * A full disk: the call that meets it returns false, with the path and the reason; its record waits in memory. Later
 * calls return true; once a second one of them tries again. How many were lost, if any, is then an event of the log.
 * ml_run_last and ml_run_reached know all of them. */
ml_run     *ml_run_start(const ml_run_opts *opts); /* makes the directory; or names it and says why not */
const char *ml_run_dir(const ml_run *run);

/* One record of n metrics; a value may be NaN, step >= 0. */
bool ml_run_log(ml_run *run, int64_t step, const char *const *names, const double *values, int n);
bool ml_run_event(ml_run *run, int64_t step, const char *text); /* something that happened, in words */
/* A hand has changed something after that step of the run's loop number `loop`, counted from 1: what has that name is now
 * value, JSON. goes_on: with the gesture that made the change of it before, as in a drag. */
bool ml_run_change(ml_run *run, int64_t step, int loop, const char *name, const char *value, bool goes_on);
bool ml_run_stop(ml_run *run, int64_t step, int loop); /* a hand has ended that loop after that step, before its end */
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
    ML_RECORD_END,
    ML_RECORD_CHANGE,
    ML_RECORD_STOP
} ml_record_kind;

typedef struct ml_record {
    ml_record_kind     kind;
    int64_t            step;   /* check, end: the last one logged */
    double             time;   /* seconds since the start of the run */
    int                n;      /* metrics */
    const char *const *names;
    const double      *values; /* to the bit what was logged, NaN too */
    const char        *text;   /* event: text; check, change: name; end: status; others: "" */
    const char        *detail; /* check, end: may be ""; change: the value, as JSON; others: "" */
    bool               passed; /* check */
    int                loop;    /* change, stop: which loop of the run, counted from 1 */
    bool               goes_on; /* change: with the gesture of the change before */
} ml_record;

ml_run_reader *ml_run_open(const char *dir); /* as far as the log goes now; NULL, with a message: no run */
bool ml_run_next(ml_run_reader *reader, ml_record *record); /* false at the end. Good until the next call */
bool ml_run_torn(const ml_run_reader *reader);    /* a broken record was met: it and what follows were dropped */
bool ml_run_cut(const ml_run_reader *reader);     /* and the log ends within it: its writer may still complete it */
bool ml_run_stopped(const ml_run_reader *reader); /* ended early, with a message: no memory, or the disk failed */
/* Looks at the log again, which may have grown. True: ml_run_next goes on, at a broken record with that record, so one that
 * has been completed is read whole. False: nothing came, or with a message (ml_run_stopped) nothing ever will: the log has
 * become shorter than what was read, is gone, or was replaced by another file. */
bool ml_run_more(ml_run_reader *reader);
void ml_run_close(ml_run_reader *reader);         /* NULL is fine */

int         ml_run_metrics(const ml_run_reader *reader);            /* how many the log has named so far */
const char *ml_run_metric (const ml_run_reader *reader, int i);     /* the name of one, i < ml_run_metrics; good until the close */

/* --- many records at once: columns of steps and values, one a metric ------------------------------------ */
typedef struct ml_columns ml_columns;
typedef enum ml_columns_met {
    ML_COLUMNS_END,    /* of the log, as it is now */
    ML_COLUMNS_FULL,   /* `most` values are held, or a record more: clear, and read on */
    ML_COLUMNS_RECORD, /* one that has no metrics is in *other, as by ml_run_next: read on */
    ML_COLUMNS_FAILED  /* with a message: no memory, or the disk failed */
} ml_columns_met;
ml_columns    *ml_columns_new(void);
ml_columns_met ml_columns_read(ml_columns *c, ml_run_reader *reader, int64_t most, ml_record *other); /* adds to what is held */
int64_t        ml_columns_get(const ml_columns *c, int metric, const int64_t **steps, const double **values); /* how many */
void           ml_columns_clear(ml_columns *c); /* holds nothing, and keeps its memory */
void           ml_columns_free(ml_columns *c);  /* NULL is fine */

/* --- finding -------------------------------------------------------------------------------------------- */
const char *ml_run_root(void);          /* MOONLAB_RUNS, else "runs" */
bool        ml_run_is(const char *dir); /* the directory of a run: it has a run.json or a log */
int         ml_run_order(const char *a, const char *b); /* of two directories, as for qsort: the newer one first */

/* The runs in a folder, those with a run.json, newest first; or the folders in it, by name. What is not there has none; NULL, with a message, is a
 * folder that cannot be read. */
typedef struct ml_run_list ml_run_list;
ml_run_list *ml_run_list_open(const char *folder, bool runs);
int          ml_run_list_count(const ml_run_list *list);
const char  *ml_run_list_name(const ml_run_list *list, int i); /* within the folder; NULL: no such one */
void         ml_run_list_close(ml_run_list *list);             /* NULL is fine */

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
void         ml_progress_tell(ml_progress *p, const char *line); /* stands in place of the bar from now on; looks at the clock */
void         ml_progress_end(ml_progress *p);   /* the last state stays on screen; frees */

/* --- a hand on the loop: pause, one step, go on ------------------------------------------------------------ */
/* There is one loop at a time that others see, the outermost. begin, step and end are for who runs it (who: any address of
 * its own); the rest is for any thread. False: no loop is under way. */
void   ml_loop_begin(const void *who, int64_t total);
double ml_loop_step (const void *who, int64_t step); /* so many are done; waits while paused; returns the seconds waited */
void   ml_loop_end  (const void *who);               /* also goes on */
/* As ml_loop_step, but comes back when somebody has said ml_loop_wake: then *woken, and the loop is still paused. Look at what
 * has come, and ask again. */
double ml_loop_wait (const void *who, int64_t step, bool *woken);
void   ml_loop_wake (void);
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
