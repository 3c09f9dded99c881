/* The directory of a run. mkdir is the lock: it succeeds for one of any number of processes. */
#define _POSIX_C_SOURCE 200809L
#include "run/run_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT_LIMIT (16 << 20) /* bytes; a longer one is no script */
#define TRIES        100000     /* runs of one name that start within one second */

/* Makes a folder and those above it; 0, or errno. One that is there is fine. */
static int make_folders(char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return 0;
    char *slash = strrchr(path, '/');
    if (errno != ENOENT || !slash || slash == path) return errno;
    *slash  = '\0';
    int why = make_folders(path);
    *slash  = '/';
    if (why) return why;
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
}

static bool cannot_make(const char *path, int why)
{
    return ml_fail(
        "run: cannot make the folder '%.1000s': %s; MOONLAB_RUNS=FOLDER chooses another place for runs", path,
        strerror(why));
}

bool mli_folder_make(const char *root, const char *name, char *dir, size_t dir_bytes)
{
    char      stamp[32];
    time_t    now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    if (!root || !*root) root = ml_run_root();
    int length = snprintf(dir, dir_bytes, "%s/%s", root, name);
    if (length < 0 || (size_t)length + 32 >= dir_bytes) return cannot_make(root, ENAMETOOLONG);
    int why = make_folders(dir);
    if (why) return cannot_make(dir, why);
    for (int k = 1; k < TRIES; k++) {
        char  *end  = dir + length;
        size_t room = dir_bytes - (size_t)length;
        if (k == 1)
            snprintf(end, room, "/%s", stamp);
        else
            snprintf(end, room, "/%s-%d", stamp, k);
        if (mkdir(dir, 0777) == 0) return true;
        if (errno != EEXIST) return cannot_make(dir, errno);
    }
    return cannot_make(dir, EEXIST);
}

/* --- what is in it -------------------------------------------------------------------------------------- */
static void join(char path[4096], const char *dir, const char *name)
{
    snprintf(path, 4096, "%s/%s", dir, name); /* mli_folder_make left room for it */
}

static bool read_whole(int fd, char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t k = read(fd, bytes, n);
        if (k < 0 && errno == EINTR) continue;
        if (k == 0) errno = EIO; /* it has become shorter */
        if (k <= 0) return false;
        bytes += k;
        n -= (size_t)k;
    }
    return true;
}

static bool copy_script(const char *dir, const char *script)
{
    struct stat about;
    char        path[4096];
    join(path, dir, "script.lua");
    int fd = open(script, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe without a writer must not stop us */
    if (fd < 0 || fstat(fd, &about) != 0) {
        ml_fail("run: cannot copy the script '%s': %s", script, strerror(errno));
        if (fd >= 0) close(fd);
        return false;
    }
    bool  copied = true;
    char *bytes  = NULL;
    if (S_ISREG(about.st_mode) && about.st_size > SCRIPT_LIMIT) {
        copied = ml_fail("run: the script '%s' has %lld bytes; the most is %d", script,
                         (long long)about.st_size, SCRIPT_LIMIT);
    } else if (S_ISREG(about.st_mode)) {
        size_t n = (size_t)about.st_size;
        bytes    = ml_realloc(NULL, 0, n + 1);
        copied   = bytes != NULL;
        if (copied && !read_whole(fd, bytes, n))
            copied = ml_fail("run: cannot read the script '%s': %s", script, strerror(errno));
        copied = copied && ml_file_write(path, bytes, n);
        if (bytes) ml_realloc(bytes, n + 1, 0);
    }
    close(fd);
    return copied;
}

bool mli_folder_add(const char *dir, const char *script, const char *text)
{
    char path[4096];
    join(path, dir, "figures");
    if (mkdir(path, 0777) != 0) return cannot_make(path, errno);
    if (!text) return !script || copy_script(dir, script);
    join(path, dir, "script.lua");
    return ml_file_write(path, text, strlen(text));
}

void mli_folder_remove(const char *dir)
{
    static const char *const files[] = { "log", "run.json", "script.lua" };
    char                     path[4096];
    for (int i = 0; i < 3; i++) {
        join(path, dir, files[i]);
        unlink(path);
    }
    join(path, dir, "figures");
    rmdir(path);
    rmdir(dir);
}
