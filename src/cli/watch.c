/* What has changed is read from the files themselves, so it is the same everywhere; on Linux inotify says when to look. The folders
 * are watched, not the files: editors write a new file and give it the old one's name. */
#define _GNU_SOURCE
#include "cli/watch.h"

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#define LOOK_MS 200 /* between two looks where nobody tells, and where telling fails: network file systems */

typedef struct look {
    bool    there;
    int64_t seconds, nanoseconds, bytes, file;
} look;

typedef struct watched {
    char *path;
    look  seen;
} watched;

struct watch {
    watched *files;
    int      n, room, notify; /* notify: -1 = none */
};

static look look_at(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return (look){ 0 };
#ifdef __APPLE__
    struct timespec when = about.st_mtimespec;
#else
    struct timespec when = about.st_mtim;
#endif
    return (look){ true, when.tv_sec, when.tv_nsec, about.st_size, (int64_t)about.st_ino };
}

static bool same(look a, look b)
{
    return a.there == b.there && a.seconds == b.seconds && a.nanoseconds == b.nanoseconds && a.bytes == b.bytes && a.file == b.file;
}

watch *watch_open(void)
{
    watch *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->notify = -1;
#ifdef __linux__
    w->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
#endif
    return w;
}

static void tell_of_folder(watch *w, const char *path)
{
#ifdef __linux__
    char       *folder = strdup(path);
    char       *slash  = folder ? strrchr(folder, '/') : NULL;
    if (slash) slash[slash == folder] = '\0';
    if (folder && w->notify >= 0) /* when it fails, the looks find out */
        (void)inotify_add_watch(w->notify, slash ? folder : ".", IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE);
    free(folder);
#else
    (void)w, (void)path;
#endif
}

bool watch_add(watch *w, const char *path)
{
    for (int i = 0; i < w->n; i++)
        if (!strcmp(w->files[i].path, path)) return true;
    if (w->n == w->room) {
        int      room  = w->room ? 2 * w->room : 8;
        watched *fresh = realloc(w->files, (size_t)room * sizeof *fresh);
        if (!fresh) return false;
        w->files = fresh;
        w->room  = room;
    }
    char *copy = strdup(path);
    if (!copy) return false;
    w->files[w->n++] = (watched){ copy, look_at(path) };
    tell_of_folder(w, path);
    return true;
}

/* A file that is gone is about to be there again; one that still changes is being written. */
bool watch_changed(watch *w, const char **path)
{
    bool changed = false;
    for (int i = 0; i < w->n; i++) {
        look now = look_at(w->files[i].path);
        if (!now.there || same(now, w->files[i].seen)) continue;
        for (look before = { 0 }; !same(before, now);) {
            before = now;
            usleep(20000);
            now = look_at(w->files[i].path);
        }
        if (!now.there) continue;
        w->files[i].seen = now;
        *path            = w->files[i].path;
        changed          = true;
    }
    return changed;
}

void watch_wait(watch *w, int other, int milliseconds)
{
    struct pollfd ready[2] = { { w->notify, POLLIN, 0 }, { other, POLLIN, 0 } }; /* negative ones are not looked at */
    (void)poll(ready, 2, milliseconds < LOOK_MS ? milliseconds : LOOK_MS);
    char events[4096];
    while (w->notify >= 0 && (ready[0].revents & POLLIN) && read(w->notify, events, sizeof events) > 0) {}
}

void watch_close(watch *w)
{
    if (!w) return;
    for (int i = 0; i < w->n; i++) free(w->files[i].path);
    if (w->notify >= 0) close(w->notify);
    free(w->files);
    free(w);
}
