/* Atomic writing: whoever reads the path sees the old file or the new one, whenever the power fails. */
#define _XOPEN_SOURCE 700
#include "moonlab/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

/* The path is cut before the message is: the reason comes last and must be seen. */
static bool refuse(const char *path, const char *why)
{
    return ml_fail("cannot write '%.1000s': %s", path, why);
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, bytes, n);
        if (k < 0 && errno == EINTR) continue;
        if (k == 0) errno = EIO; /* rare, and no error by itself: a short file must not pass for a whole one */
        if (k <= 0) return false;
        bytes += k;
        n -= (size_t)k;
    }
    return true;
}

/* Bytes of path before its last name: "a/b" 2, "/b" 1, "b" 0. */
static int folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (int)(slash - path) + 1 : 0;
}

/* The rename itself must survive: the folder is synced too. A file system that cannot is no reason to fail. */
static void sync_folder(const char *path)
{
    char folder[PATH_BYTES];
    int  n = folder_length(path);
    snprintf(folder, sizeof folder, "%.*s", n ? n : 1, n ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

/* Renaming would replace a device, or the link instead of what it leads to. So a link is followed (to target), and
 * what is there but no regular file is refused. mode: that of the old file, 0 when there is none. */
static bool look_at_target(const char *path, char target[PATH_BYTES], mode_t *mode)
{
    struct stat old;
    *mode = 0;
    if (strlen(path) >= PATH_BYTES) return refuse(path, strerror(ENAMETOOLONG));
    strcpy(target, path);
    if (lstat(path, &old) != 0) return errno == ENOENT || refuse(path, strerror(errno));
    if (S_ISLNK(old.st_mode) && (!realpath(path, target) || stat(target, &old) != 0)) {
        return refuse(path, errno == ENOENT ? "it is a link that leads nowhere" : strerror(errno));
    }
    if (S_ISDIR(old.st_mode)) return refuse(path, strerror(EISDIR));
    if (!S_ISREG(old.st_mode)) return refuse(path, "it is a device or a pipe, not a file");
    *mode = old.st_mode & 07777;
    return true;
}

/* A name beside path that nobody has: other threads and processes write too, and one that was killed may have left
 * a file with our process id. Short, so that every name that is legal for path itself works. */
static int open_beside(const char *path, char temporary[PATH_BYTES])
{
    static atomic_uint counter;
    for (int tries = 0; tries < 1000; tries++) {
        int length = snprintf(temporary, PATH_BYTES, "%.*s.ml%ld-%u.tmp", folder_length(path), path,
                              (long)getpid(), atomic_fetch_add(&counter, 1u));
        if (length >= PATH_BYTES) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* --- in pieces -------------------------------------------------------------------------------------------------- */
struct ml_file {
    int  fd;
    bool failed;
    char path[PATH_BYTES], target[PATH_BYTES], temporary[PATH_BYTES]; /* as it was named; what is replaced; the new one */
};

static bool begin(ml_file *file, const char *path)
{
    mode_t mode;
    if (!path || !*path) return ml_fail("cannot write a file without a name");
    if (!look_at_target(path, file->target, &mode)) return false;
    file->failed = false;
    file->fd     = open_beside(file->target, file->temporary);
    if (file->fd < 0) return refuse(path, strerror(errno));
    snprintf(file->path, sizeof file->path, "%s", path);
    if (mode) (void)fchmod(file->fd, mode); /* a private file stays private; where modes mean nothing, no matter */
    return true;
}

bool ml_file_put(ml_file *file, const void *bytes, size_t n)
{
    if (!file || file->failed) return false;
    if (write_all(file->fd, bytes, n)) return true;
    file->failed = true;
    return refuse(file->path, strerror(errno));
}

static bool end(ml_file *file, bool keep)
{
    int why = 0;
    keep    = keep && !file->failed;
    if (keep && fsync(file->fd) != 0) why = errno;
    if (close(file->fd) != 0 && !why) why = errno;
    if (keep && !why && rename(file->temporary, file->target) != 0) why = errno;
    if (keep && !why) {
        sync_folder(file->target);
        return true;
    }
    unlink(file->temporary);
    return keep ? refuse(file->path, strerror(why)) : false;
}

ml_file *ml_file_begin(const char *path)
{
    ml_file *file = ml_realloc(NULL, 0, sizeof *file);
    if (!file || begin(file, path)) return file;
    ml_realloc(file, sizeof *file, 0);
    return NULL;
}

bool ml_file_end(ml_file *file, bool keep)
{
    if (!file) return false;
    bool ok = end(file, keep);
    ml_realloc(file, sizeof *file, 0);
    return ok;
}

bool ml_file_write(const char *path, const void *bytes, size_t n)
{
    ml_file file; /* no memory is asked for: what is written may be the last thing that is possible */
    return begin(&file, path) && end(&file, ml_file_put(&file, bytes, n));
}
