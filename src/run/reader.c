/* Reading a log that may be cut, damaged or made up, and may still grow. No length is believed before it is compared
 * with what is there, and memory grows only with bytes that the file really has.
 *
 * A record that is not whole ends the reading, and its place is kept: ml_run_more begins there again. So a tail that
 * its writer completes later is read like any other record, and one that stays broken stays the end. */
#define _POSIX_C_SOURCE 200809L
#include "run/run_impl.h"
#include "run/text.h"
#include "run/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536

struct ml_run_reader {
    int          fd;
    char        *path;
    int64_t      bytes;  /* of the file, as of the last look at it */
    int64_t      unread; /* of those, behind the buffer */
    int64_t      record; /* where the record under way begins; 0: the header */
    uint8_t     *buffer; /* holds begin..end, the bytes that come next */
    size_t       begin, end, capacity;
    char       **names; /* by id */
    size_t       n_names, names_capacity;
    double      *values; /* of the record handed out, as are labels and ids */
    const char **labels;
    uint32_t    *ids;
    size_t       values_capacity, labels_capacity, ids_capacity;
    bool         torn, cut, stopped, ended;
};

/* --- bytes ---------------------------------------------------------------------------------------------- */
static int64_t left(const ml_run_reader *r)
{
    return (int64_t)(r->end - r->begin) + r->unread;
}

static void *stop(ml_run_reader *r)
{
    r->stopped = r->ended = true;
    return NULL;
}

static void *tear(ml_run_reader *r)
{
    r->torn = r->ended = true;
    return NULL;
}

static void *tear_off(ml_run_reader *r) /* the file ends within a record */
{
    r->cut = true;
    return tear(r);
}

/* The next n bytes in one piece, not yet consumed. n must not exceed left(). */
static const uint8_t *look(ml_run_reader *r, size_t n)
{
    if (r->end - r->begin >= n) return r->buffer + r->begin;
    memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
    r->end -= r->begin;
    r->begin = 0;
    if (n > r->capacity) {
        uint8_t *grown = ml_realloc(r->buffer, r->capacity, n);
        if (!grown) return stop(r);
        r->buffer   = grown;
        r->capacity = n;
    }
    while (r->end < n) {
        size_t  room = r->capacity - r->end;
        ssize_t k    = read(r->fd, r->buffer + r->end, room < (uint64_t)r->unread ? room : (size_t)r->unread);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
            ml_fail("run: cannot read '%s': %s", r->path, strerror(errno));
            return stop(r);
        }
        if (k == 0) return tear(r); /* somebody has made the file shorter */
        r->end += (size_t)k;
        r->unread -= k;
    }
    return r->buffer + r->begin;
}

/* The payload of the next record, consumed and checked; NULL at the end. */
static const uint8_t *next_payload(ml_run_reader *r, size_t *length)
{
    if (r->ended) return NULL;
    if (left(r) == 0) {
        r->ended = true;
        return NULL;
    }
    r->record = r->bytes - left(r);
    if (left(r) < MLI_RECORD_HEAD) return tear_off(r);
    const uint8_t *record = look(r, MLI_RECORD_HEAD);
    if (!record) return NULL;
    uint32_t n = mli_get_u32(record);
    if (n == 0 || n > MLI_RECORD_LIMIT) return tear(r);
    if (n > left(r) - MLI_RECORD_HEAD) return tear_off(r);
    record = look(r, MLI_RECORD_HEAD + n);
    if (!record) return NULL;
    if (mli_record_crc(record, n) != mli_get_u32(record + 4)) return tear(r);
    r->begin += MLI_RECORD_HEAD + n;
    *length = n;
    return record + MLI_RECORD_HEAD;
}

/* --- payloads: false when the content is not what its kind promises, or memory was refused -------------- */
/* A text at p with its end before limit; returns what follows it, or NULL. */
static const uint8_t *take_text(const uint8_t *p, const uint8_t *limit, const char **text)
{
    const uint8_t *zero = p < limit ? memchr(p, 0, (size_t)(limit - p)) : NULL;
    *text               = (const char *)p;
    return zero ? zero + 1 : NULL;
}

static bool read_name(ml_run_reader *r, const uint8_t *p, size_t length)
{
    const char *name;
    if (length < 5 || mli_get_u32(p + 1) != r->n_names || take_text(p + 5, p + length, &name) != p + length)
        return tear(r);
    char **grown = mli_grown(r->names, &r->names_capacity, r->n_names + 1, sizeof *r->names);
    if (!grown) return stop(r);
    r->names   = grown;
    char *copy = mli_copy(name);
    if (!copy) return stop(r);
    r->names[r->n_names++] = copy;
    return true;
}

static bool read_metrics(ml_run_reader *r, const uint8_t *p, size_t length, ml_record *record)
{
    size_t n = (length - MLI_TIMED_BYTES) / MLI_METRIC_BYTES;
    if (length != MLI_TIMED_BYTES + n * MLI_METRIC_BYTES) return tear(r);
    double *values = mli_grown(r->values, &r->values_capacity, n, sizeof *r->values);
    if (!values) return n == 0 ? tear(r) : stop(r);
    r->values           = values;
    const char **labels = mli_grown(r->labels, &r->labels_capacity, n, sizeof *r->labels);
    if (!labels) return stop(r);
    r->labels     = labels;
    uint32_t *ids = mli_grown(r->ids, &r->ids_capacity, n, sizeof *r->ids);
    if (!ids) return stop(r);
    r->ids = ids;
    p += MLI_TIMED_BYTES;
    for (size_t i = 0; i < n; i++, p += MLI_METRIC_BYTES) {
        ids[i] = mli_get_u32(p);
        if (ids[i] >= r->n_names) return tear(r);
        labels[i] = r->names[ids[i]];
        values[i] = mli_get_f64(p + 4);
    }
    record->n      = (int)n;
    record->names  = labels;
    record->values = values;
    return true;
}

static bool read_words(ml_run_reader *r, const uint8_t *p, size_t length, ml_record *record)
{
    const uint8_t *limit = p + length;
    p += MLI_TIMED_BYTES;
    if (p == limit) return tear(r);
    record->passed = *p++ != 0;
    p              = take_text(p, limit, &record->text);
    if (p) p = take_text(p, limit, &record->detail);
    return p == limit || tear(r);
}

static bool read_loop(ml_run_reader *r, const uint8_t *p, size_t length, ml_record *record)
{
    const uint8_t *limit = p + length;
    p += MLI_TIMED_BYTES;
    if (limit - p < 4 || mli_get_u32(p) > INT_MAX) return tear(r);
    record->loop = (int)mli_get_u32(p);
    p += 4;
    if (record->kind == ML_RECORD_STOP) return p == limit || tear(r);
    if (p == limit) return tear(r);
    record->goes_on = *p++ != 0;
    p               = take_text(p, limit, &record->text);
    if (p) p = take_text(p, limit, &record->detail);
    return p == limit || tear(r);
}

static bool read_timed(ml_run_reader *r, const uint8_t *p, size_t length, ml_record *record)
{
    if (length < MLI_TIMED_BYTES) return tear(r);
    *record      = (ml_record){ .kind = (ml_record_kind)p[0], .text = "", .detail = "" };
    record->time = mli_get_f64(p + 1);
    record->step = (int64_t)mli_get_u64(p + 9);
    switch (record->kind) {
    case ML_RECORD_METRICS: return read_metrics(r, p, length, record);
    case ML_RECORD_CHANGE:
    case ML_RECORD_STOP: return read_loop(r, p, length, record);
    default: return read_words(r, p, length, record);
    }
}

/* --- public --------------------------------------------------------------------------------------------- */
/* A log that was cut within its header is an empty one; anything else without the right header is none. */
static bool read_header(ml_run_reader *r)
{
    uint8_t        good[MLI_LOG_HEADER];
    size_t         n      = left(r) < MLI_LOG_HEADER ? (size_t)left(r) : MLI_LOG_HEADER;
    const uint8_t *header = look(r, n);
    if (!header) return r->torn;
    mli_log_header(good);
    if (memcmp(header, good, n < 8 ? n : 8) != 0)
        return ml_fail("run: '%s' is not the log of a run", r->path);
    if (n == MLI_LOG_HEADER && mli_get_u32(header + 8) > MLI_LOG_VERSION &&
        (uint32_t)crc32(crc32(0, NULL, 0), header, 12) == mli_get_u32(header + 12))
        return ml_fail("run: '%s' was written by a newer moonlab (format %u, this one reads %u)", r->path,
                       mli_get_u32(header + 8), MLI_LOG_VERSION);
    if (memcmp(header, good, n) != 0) return ml_fail("run: the header of '%s' is damaged", r->path);
    r->begin += n;
    if (n < MLI_LOG_HEADER) tear_off(r);
    return true;
}

ml_run_reader *ml_run_open(const char *dir)
{
    struct stat about;
    char        path[4096];
    if (!dir || (size_t)snprintf(path, sizeof path, "%s/log", dir) >= sizeof path)
        return ml_fail("run: there is no run in '%s'", dir ? dir : "");
    ml_run_reader *r = ml_realloc(NULL, 0, sizeof *r);
    if (!r) return NULL;
    *r          = (ml_run_reader){ .fd = -1 };
    r->path     = mli_copy(path);
    r->buffer   = ml_realloc(NULL, 0, CHUNK);
    r->capacity = r->buffer ? CHUNK : 0;
    bool good   = r->path && r->buffer;
    if (good) {
        r->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe without a writer must not stop us */
        good  = r->fd >= 0 && fstat(r->fd, &about) == 0;
        if (!good)
            ml_fail("run: there is no run in '%s': cannot open '%s': %s", dir, path, strerror(errno));
        else if (!S_ISREG(about.st_mode))
            good = ml_fail("run: there is no run in '%s': '%s' is not a file", dir, path);
    }
    if (good) {
        r->bytes = r->unread = about.st_size;
        good                 = read_header(r);
    }
    if (good) return r;
    ml_run_close(r);
    return NULL;
}

bool ml_run_next(ml_run_reader *r, ml_record *record)
{
    size_t         length;
    const uint8_t *payload;
    while (r && (payload = next_payload(r, &length))) {
        switch (payload[0]) {
        case MLI_RECORD_NAME:
            if (!read_name(r, payload, length)) return false;
            break;
        case ML_RECORD_METRICS:
        case ML_RECORD_EVENT:
        case ML_RECORD_CHECK:
        case ML_RECORD_END:
        case ML_RECORD_CHANGE:
        case ML_RECORD_STOP: return read_timed(r, payload, length, record);
        default: break; /* of a later moonlab */
        }
    }
    return false;
}

bool ml_run_torn(const ml_run_reader *r)
{
    return r && r->torn;
}

bool ml_run_cut(const ml_run_reader *r)
{
    return r && r->torn && r->cut;
}

bool ml_run_stopped(const ml_run_reader *r)
{
    return r && r->stopped;
}

int ml_run_metrics(const ml_run_reader *r)
{
    return r ? (int)r->n_names : 0;
}

const char *ml_run_metric(const ml_run_reader *r, int i)
{
    return i >= 0 && i < ml_run_metrics(r) ? r->names[i] : NULL;
}

/* --- for csv.c and columns.c ------------------------------------------------------------------------------------------ */
const uint32_t *mli_reader_ids(const ml_run_reader *r)
{
    return r->ids;
}

static void forget_names(ml_run_reader *r)
{
    while (r->n_names > 0) mli_copy_free(r->names[--r->n_names]);
}

/* Goes on with the file's first `bytes` at a record, or at the header. */
static bool go_to(ml_run_reader *r, int64_t record, int64_t bytes)
{
    if (lseek(r->fd, record, SEEK_SET) != record)
        return ml_fail("run: cannot read '%s' again: %s", r->path, strerror(errno));
    r->begin = r->end = 0;
    r->bytes          = bytes;
    r->unread         = bytes - record;
    r->record         = record;
    r->torn = r->cut = r->stopped = r->ended = false;
    return record > 0 || read_header(r);
}

bool mli_reader_rewind(ml_run_reader *r)
{
    forget_names(r);
    return go_to(r, 0, r->bytes);
}

/* --- a log that grows ------------------------------------------------------------------------------------ */
/* Is the file still the one that its path leads to? */
static bool is_in_place(ml_run_reader *r, const struct stat *ours)
{
    struct stat about;
    if (stat(r->path, &about) != 0)
        return ml_fail("run: '%s' is gone: %s; what was read of it stays", r->path, strerror(errno));
    return (about.st_ino == ours->st_ino && about.st_dev == ours->st_dev) ||
           ml_fail("run: '%s' was replaced by another file; what was read of it stays", r->path);
}

bool ml_run_more(ml_run_reader *r)
{
    struct stat about;
    if (!r || r->stopped) return false;
    int64_t behind = r->torn ? r->record : r->bytes - left(r); /* what is before it has been read */
    bool    good   = fstat(r->fd, &about) == 0;
    if (!good) ml_fail("run: cannot look at '%s': %s", r->path, strerror(errno));
    else if (about.st_size < behind)
        good = ml_fail("run: '%s' has become shorter than what was read of it; that stays", r->path);
    else if (about.st_size == r->bytes)
        good = is_in_place(r, &about);
    bool more = good && about.st_size > behind;
    if (more && (r->torn || about.st_size < r->bytes)) { /* what is in hand may be there no more */
        good = go_to(r, behind, about.st_size);
    } else if (more) {
        r->unread += about.st_size - r->bytes;
        r->bytes = about.st_size;
        r->ended = false;
    }
    if (!good) stop(r);
    return good && more;
}

void ml_run_close(ml_run_reader *r)
{
    if (!r) return;
    if (r->fd >= 0) close(r->fd);
    forget_names(r);
    ml_realloc(r->names, r->names_capacity * sizeof *r->names, 0);
    ml_realloc(r->values, r->values_capacity * sizeof *r->values, 0);
    ml_realloc(r->ids, r->ids_capacity * sizeof *r->ids, 0);
    ml_realloc((void *)r->labels, r->labels_capacity * sizeof *r->labels, 0);
    ml_realloc(r->buffer, r->capacity, 0);
    mli_copy_free(r->path);
    ml_realloc(r, sizeof *r, 0);
}
