#define _POSIX_C_SOURCE 200809L
#include "run/log.h"
#include "run/text.h"
#include "run/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define WRITE_PERIOD 0.02 /* seconds; a write costs 1 us, which a small network would notice at every step */
#define RETRY_PERIOD 1.0

_Static_assert(MLI_RECORD_HEAD + MLI_TIMED_BYTES + MLI_METRIC_BYTES * ML_RUN_METRICS <= MLI_LOG_BUFFER,
               "metrics fit");
_Static_assert(MLI_RECORD_HEAD + MLI_TIMED_BYTES + 1 + 2 * ML_RUN_TEXT <= MLI_LOG_BUFFER, "words fit");

/* --- from the buffer to the file ------------------------------------------------------------------------ */
static int write_at(int fd, const uint8_t *bytes, size_t n, int64_t offset)
{
    while (n > 0) {
        ssize_t k = pwrite(fd, bytes, n, (off_t)offset);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return k < 0 ? errno : EIO;
        bytes += k;
        offset += k;
        n -= (size_t)k;
    }
    return 0;
}

void mli_log_flush(mli_log *log, double now)
{
    log->tried = now;
    log->error = write_at(log->fd, log->buffer, log->used, log->good);
    if (log->error) return;
    log->good += (int64_t)log->used;
    log->used     = 0;
    log->reported = false;
    if (log->lost == 0) return;
    char text[96];
    snprintf(text, sizeof text, "%lld records before this one were lost: the log could not be written",
             (long long)log->lost);
    log->lost = 0;
    mli_log_words(log, now, ML_RECORD_EVENT, log->step, text, "", false); /* comes here once more, lost = 0 */
}

static void flush_when_due(mli_log *log, double now, double period)
{
    if (log->error) period = RETRY_PERIOD;
    if (now - log->tried >= period) mli_log_flush(log, now);
}

/* --- from values to the buffer -------------------------------------------------------------------------- */
/* The place of a payload, which the caller fills to the byte and commits; NULL when there is no room. */
static uint8_t *reserve(mli_log *log, double now, size_t payload)
{
    size_t bytes = MLI_RECORD_HEAD + payload;
    if (bytes > sizeof log->buffer - log->used) flush_when_due(log, now, 0);
    if (bytes > sizeof log->buffer - log->used) return NULL;
    return log->buffer + log->used + MLI_RECORD_HEAD;
}

static void commit(mli_log *log, size_t payload)
{
    uint8_t *record = log->buffer + log->used;
    mli_put_u32(record, (uint32_t)payload);
    mli_put_u32(record + 4, mli_record_crc(record, (uint32_t)payload));
    log->used += MLI_RECORD_HEAD + payload;
}

static uint8_t *put_timed(uint8_t *p, ml_record_kind kind, double now, int64_t step)
{
    *p++ = (uint8_t)kind;
    return mli_put_u64(mli_put_f64(p, now), (uint64_t)step);
}

static uint8_t *put_text(uint8_t *p, const char *text)
{
    size_t n = strlen(text) + 1;
    memcpy(p, text, n);
    return p + n;
}

bool mli_log_name(mli_log *log, double now, const char *name, uint32_t *id)
{
    size_t   payload = 1 + 4 + strlen(name) + 1;
    uint8_t *p       = reserve(log, now, payload);
    if (!p) return false;
    *p++ = MLI_RECORD_NAME;
    put_text(mli_put_u32(p, log->names), name);
    commit(log, payload);
    *id = log->names++;
    return true;
}

void mli_log_metrics(mli_log *log, double now, int64_t step, const uint32_t *ids, const double *values, int n)
{
    size_t   payload = MLI_TIMED_BYTES + MLI_METRIC_BYTES * (size_t)n;
    uint8_t *p       = reserve(log, now, payload);
    log->step        = step;
    if (p) {
        p = put_timed(p, ML_RECORD_METRICS, now, step);
        for (int i = 0; i < n; i++) p = mli_put_f64(mli_put_u32(p, ids[i]), values[i]);
        commit(log, payload);
    } else {
        log->lost++;
    }
    flush_when_due(log, now, WRITE_PERIOD);
}

void mli_log_words(mli_log *log, double now, ml_record_kind kind, int64_t step, const char *text,
                   const char *detail, bool passed)
{
    size_t   payload = MLI_TIMED_BYTES + 1 + strlen(text) + 1 + strlen(detail) + 1;
    uint8_t *p       = reserve(log, now, payload);
    if (p) {
        p    = put_timed(p, kind, now, step);
        *p++ = passed;
        put_text(put_text(p, text), detail);
        commit(log, payload);
    } else {
        log->lost++;
    }
    flush_when_due(log, now, 0);
}

static uint8_t *put_loop(uint8_t *p, ml_record_kind kind, double now, int64_t step, int loop)
{
    return mli_put_u32(put_timed(p, kind, now, step), (uint32_t)loop);
}

void mli_log_change(mli_log *log, double now, int64_t step, int loop, const char *name, const char *value, bool goes_on)
{
    size_t   payload = MLI_TIMED_BYTES + 4 + 1 + strlen(name) + 1 + strlen(value) + 1;
    uint8_t *p       = reserve(log, now, payload);
    if (p) {
        p    = put_loop(p, ML_RECORD_CHANGE, now, step, loop);
        *p++ = goes_on;
        put_text(put_text(p, name), value);
        commit(log, payload);
    } else {
        log->lost++;
    }
    flush_when_due(log, now, 0);
}

void mli_log_stop(mli_log *log, double now, int64_t step, int loop)
{
    size_t   payload = MLI_TIMED_BYTES + 4;
    uint8_t *p       = reserve(log, now, payload);
    if (p) {
        put_loop(p, ML_RECORD_STOP, now, step, loop);
        commit(log, payload);
    } else {
        log->lost++;
    }
    flush_when_due(log, now, 0);
}

/* --- life ----------------------------------------------------------------------------------------------- */
bool mli_log_create(mli_log *log, const char *path)
{
    uint8_t header[MLI_LOG_HEADER];
    memset(log, 0, sizeof *log);
    log->tried = -RETRY_PERIOD; /* the first record is written at once */
    log->fd    = -1;
    log->path  = mli_copy(path);
    if (!log->path) return false;
    mli_log_header(header);
    log->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int why = log->fd < 0 ? errno : write_at(log->fd, header, sizeof header, 0);
    if (!why) {
        log->good = sizeof header;
        return true;
    }
    if (log->fd >= 0) close(log->fd);
    mli_copy_free(log->path);
    return ml_fail("run: cannot write '%s': %s", path, strerror(why));
}

void mli_log_drop(mli_log *log)
{
    close(log->fd);
    mli_copy_free(log->path);
    log->path = NULL;
    log->fd   = -1;
}

bool mli_log_told(mli_log *log)
{
    if (!log->error || log->reported) return true;
    log->reported = true;
    return ml_fail(
        "run: cannot write '%s': %s; what was logged before is safe, new records wait in memory: make room",
        log->path, strerror(log->error));
}

bool mli_log_close(mli_log *log, double now)
{
    mli_log_flush(log, now);
    if (!log->error && fsync(log->fd) != 0) log->error = errno;
    if (close(log->fd) != 0 && !log->error) log->error = errno;
    bool whole = !log->error;
    if (!whole)
        ml_fail("run: '%s' may lack its last records, %zu bytes and %lld records more: %s", log->path, log->used,
                (long long)log->lost, strerror(log->error));
    mli_copy_free(log->path);
    log->path = NULL;
    log->fd   = -1;
    return whole;
}
