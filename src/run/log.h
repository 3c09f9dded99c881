/* The writer of a log. Needs no memory beyond its own buffer, so it cannot fail for want of any. */
#ifndef MOONLAB_RUN_LOG_H
#define MOONLAB_RUN_LOG_H

#include "moonlab/run.h"

#define MLI_LOG_BUFFER 65536 /* more than the largest record */

/* Invariant: the file holds good bytes of whole records; buffer holds used bytes of whole records that come
 * next. They are written at good, not "at the end": what a failed write left is written over by the next try. */
typedef struct mli_log {
    int      fd; /* -1: closed */
    char    *path;
    int64_t  good;
    size_t   used;
    double   tried;    /* time of the last try to write */
    int      error;    /* errno of the last try, 0 when it worked */
    bool     reported; /* this trouble has been told */
    int64_t  lost;     /* records that found the buffer full while the file could not be written */
    uint32_t names;    /* declared so far */
    int64_t  step;     /* the last one logged */
    uint8_t  buffer[MLI_LOG_BUFFER];
} mli_log;

bool mli_log_create(mli_log *log, const char *path); /* the file must not exist; on failure nothing is held */

/* Add a record; now is in seconds since the start. A record that finds no room is counted in lost. */
bool mli_log_name(mli_log *log, double now, const char *name, uint32_t *id); /* false: no room, so no id yet */
void mli_log_metrics(mli_log *log, double now, int64_t step, const uint32_t *ids, const double *values, int n);
void mli_log_words(mli_log *log, double now, ml_record_kind kind, int64_t step, const char *text,
                   const char *detail, bool passed);
void mli_log_change(mli_log *log, double now, int64_t step, int loop, const char *name, const char *value, bool goes_on);
void mli_log_stop(mli_log *log, double now, int64_t step, int loop);

void mli_log_drop(mli_log *log); /* closes it as it is: nothing was logged */

void mli_log_flush(mli_log *log, double now); /* tries to write what waits */
bool mli_log_told(mli_log *log);              /* false once when trouble begins, with a message; else true */
bool mli_log_close(mli_log *log, double now); /* writes, syncs, closes; false with a message: not all arrived */

#endif
