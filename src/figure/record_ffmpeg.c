/* A film through the system's ffmpeg: frames go as raw pixels into its standard input, which is a socket, so that its
 * early end is an error here and no signal. It writes beside the path, and is renamed when it is whole. */
#define _GNU_SOURCE
#include "figure/record.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL /* macOS says it of the socket instead */
#define MSG_NOSIGNAL 0
#endif
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif

extern char **environ;

typedef struct film {
    char   path[1024], part[1100];
    int    socket;
    pid_t  child;
    size_t frame_bytes;
} film;

/* "runs/a.mp4" -> "runs/a.part.mp4": ffmpeg knows the format by the end */
static bool part_path(film *f, const char *path)
{
    const char *dot = strrchr(path, '.');
    if (strlen(path) >= sizeof f->path) return ml_fail("record: the path is too long");
    snprintf(f->path, sizeof f->path, "%s", path);
    snprintf(f->part, sizeof f->part, "%.*s.part%s", (int)(dot - path), path, dot);
    return true;
}

static bool is_kind(const film *f, const char *ending)
{
    return strcasecmp(strrchr(f->path, '.'), ending) == 0;
}

static bool start(film *f, int input, int width, int height, double rate)
{
    char size[32], rate_text[32];
    snprintf(size, sizeof size, "%dx%d", width, height);
    snprintf(rate_text, sizeof rate_text, "%g", rate);
    /* -xerror: a full disk is an error, not only a message. Films know nothing of sRGB: without the colours' names players guess them by
     * the size. The last two words are the format's own: a beginning that plays while the rest is fetched, and an encoder that keeps up. */
    bool        webm = is_kind(f, ".webm"), mov = is_kind(f, ".mp4") || is_kind(f, ".mov");
    const char *words[40] = { "ffmpeg", "-y", "-loglevel", "error", "-xerror", "-f", "rawvideo", "-pix_fmt", "bgr0", "-s", size, "-r", rate_text,
                              "-i", "-", "-an", "-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p", "-colorspace",
                              "bt709", "-color_primaries", "bt709", "-color_trc", "bt709" };
    int         n         = 0;
    while (words[n]) n++;
    if (mov) words[n++] = "-movflags", words[n++] = "+faststart";
    if (webm) words[n++] = "-deadline", words[n++] = "realtime", words[n++] = "-cpu-used", words[n++] = "4";
    words[n] = f->part;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          group; /* of its own: Ctrl-C ends the training, and then the film, not the film in the middle */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawnattr_init(&group);
    posix_spawnattr_setflags(&group, POSIX_SPAWN_SETPGROUP);
    int status = posix_spawnp(&f->child, "ffmpeg", &actions, &group, (char *const *)(uintptr_t)words, environ);
    posix_spawnattr_destroy(&group);
    posix_spawn_file_actions_destroy(&actions);
    if (status == 0) return true;
    return ml_fail(status == ENOENT
                       ? "record: '%s' needs ffmpeg, which is not installed; a path that ends in .gif needs nothing"
                       : "record: '%s': ffmpeg could not be started",
                   f->path);
}

static void *film_open(const char *path, int width, int height, double rate)
{
    film *f = ml_realloc(NULL, 0, sizeof *f);
    int   ends[2];
    if (!f) return NULL;
    memset(f, 0, sizeof *f);
    f->frame_bytes = (size_t)width * (size_t)height * 4;
    bool ok        = part_path(f, path);
    if (ok && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        ok = ml_fail("record: %s", strerror(errno));
    else if (ok) {
        f->socket = ends[0];
#ifdef SO_NOSIGPIPE
        setsockopt(f->socket, SOL_SOCKET, SO_NOSIGPIPE, &(int){ 1 }, sizeof(int));
#endif
        ok        = start(f, ends[1], width, height, rate);
        close(ends[1]);
        if (!ok) close(f->socket);
    }
    if (ok) return f;
    ml_realloc(f, sizeof *f, 0);
    return NULL;
}

static bool film_frame(void *of, const uint32_t *pixels, int times)
{
    film *f = of;
    for (int i = 0; i < times; i++) {
        const char *at   = (const char *)pixels;
        size_t      left = f->frame_bytes;
        while (left > 0) {
            ssize_t n = send(f->socket, at, left, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0)
                return ml_fail("record: ffmpeg has stopped taking frames for '%s'; its own words are above", f->path);
            at += n, left -= (size_t)n;
        }
    }
    return true;
}

static bool film_close(void *of, bool keep)
{
    film *f      = of;
    int   status = 0;
    close(f->socket);
    while (waitpid(f->child, &status, 0) < 0 && errno == EINTR) continue;
    bool ok = keep;
    if (keep && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        ok = ml_fail("record: ffmpeg could not make '%s'; its own words are above", f->path);
    if (ok && rename(f->part, f->path) != 0) ok = ml_fail("record: '%s': %s", f->path, strerror(errno));
    if (!ok) unlink(f->part);
    ml_realloc(f, sizeof *f, 0);
    return ok || !keep;
}

const mli_film_kind mli_film_ffmpeg = { film_open, film_frame, film_close };
