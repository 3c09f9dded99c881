/* Atomic writing: whoever reads the path sees the old file or the new one, whenever the power fails. */
#define _POSIX_C_SOURCE 200809L
#include "moonlab/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, bytes, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return false;
        bytes += k;
        n -= (size_t)k;
    }
    return true;
}

/* The rename itself must survive: the folder is synced too. A file system that cannot is no reason to fail. */
static void sync_folder(const char *path)
{
    char        folder[4096] = ".";
    const char *slash        = strrchr(path, '/');
    if (slash && (size_t)(slash - path) < sizeof folder - 1) {
        size_t n = slash == path ? 1 : (size_t)(slash - path);
        memcpy(folder, path, n);
        folder[n] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

/* The path is cut before the message is: the reason comes last and must be seen. */
static bool failed(const char *path, const char *why)
{
    return ml_fail("cannot write '%.1000s': %s", path, why);
}

bool ml_file_write(const char *path, const void *bytes, size_t n)
{
    static _Thread_local unsigned counter;
    char temporary[4096];
    int  length = snprintf(temporary, sizeof temporary, "%s.%ld-%u.tmp", path, (long)getpid(), counter++);
    if (length < 0 || (size_t)length >= sizeof temporary) return failed(path, "the path is too long");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return failed(path, strerror(errno));
    int why = 0;
    if (!write_all(fd, bytes, n) || fsync(fd) != 0) why = errno;
    if (close(fd) != 0 && !why) why = errno;
    if (!why && rename(temporary, path) != 0) why = errno;
    if (why) {
        unlink(temporary);
        return failed(path, strerror(why));
    }
    sync_folder(path);
    return true;
}
