/* Where bytes come from. A file is read piece by piece, so that no more of it is in memory than a reader has asked for; it is
 * not mapped, since another process that shortens a mapped file ends ours. */
#define _XOPEN_SOURCE 700
#include "io/io_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot_open(const char *path, const char *why)
{
    return ml_fail("cannot read '%.1000s': %s", path, why);
}

bool mli_source_open(mli_source *s, const char *path)
{
    struct stat about;
    *s = (mli_source){ .name = path, .limit = ml_load_limit(), .fd = -1 };
    if (!path || !*path) return ml_fail("cannot read a file without a name");
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not keep us waiting */
    if (s->fd < 0) return cannot_open(path, strerror(errno));
    const char *why = NULL;
    if (fstat(s->fd, &about) != 0) why = strerror(errno);
    else if (S_ISDIR(about.st_mode)) why = strerror(EISDIR);
    else if (!S_ISREG(about.st_mode)) why = "it is a device or a pipe, not a file";
    if (why) {
        mli_source_close(s);
        return cannot_open(path, why);
    }
    s->size = (uint64_t)about.st_size;
    return true;
}

void mli_source_close(mli_source *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

bool mli_source_read(const mli_source *s, uint64_t at, void *to, size_t n)
{
    if (at > s->size || n > s->size - at)
        return mli_refuse(s, s->size, "it ends here, %llu bytes too early", (unsigned long long)(at + n - s->size));
    if (s->memory) {
        if (n) memcpy(to, s->memory + at, n);
        return true;
    }
    for (char *next = to; n > 0;) {
        ssize_t k = pread(s->fd, next, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return mli_refuse(s, at, "%s", strerror(errno));
        if (k == 0) return mli_refuse(s, at, "it became shorter while it was read");
        next += k;
        at += (uint64_t)k;
        n -= (size_t)k;
    }
    return true;
}

bool mli_refuse(const mli_source *s, uint64_t at, const char *format, ...)
{
    char    why[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return ml_fail("load: '%.700s', byte %llu: %s", s->name, (unsigned long long)at, why);
}
