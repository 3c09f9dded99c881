#include "figure/record.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PANEL_W 440 /* as pictures have, unless told otherwise */
#define PANEL_H 330
#define RATE    20 /* frames a second */
#define LAST    40 /* frames that the last picture stays */
#define MOST    8192

struct ml_film {
    const mli_film_kind *kind;
    void                *film;
    ml_figure           *fig;
    int                  w, h;
    int64_t              frames;
    uint32_t            *pixels;
    ml_save_opts         opts;
    bool                 broken; /* the message of the first failure was given */
};

static const mli_film_kind *kind_of(const char *path)
{
    static const char *const films[] = { ".mp4", ".mkv", ".webm", ".mov" };
    const char              *dot     = path ? strrchr(path, '.') : NULL;
    if (dot && strcasecmp(dot, ".gif") == 0) return &mli_film_gif;
    for (int i = 0; dot && i < 4; i++)
        if (strcasecmp(dot, films[i]) == 0) return &mli_film_ffmpeg;
    return ml_fail("record: '%s' does not end in .gif, .mp4, .mkv, .webm or .mov", path ? path : "(no path)");
}

/* A long training should not find out at its end. */
static bool has_folder(const char *path)
{
    char        folder[1024];
    const char *slash = strrchr(path, '/');
    if (!slash) return true;
    if (slash - path >= (ptrdiff_t)sizeof folder) return ml_fail("record: the path is too long");
    snprintf(folder, sizeof folder, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    return access(folder, W_OK) == 0 || ml_fail("record: cannot write '%s': the folder %s: %s", path, folder, strerror(errno));
}

static size_t pixel_bytes(const ml_film *r)
{
    return (size_t)r->w * (size_t)r->h * sizeof(uint32_t);
}

ml_film *mli_film_open(ml_figure *fig, const char *path, const ml_save_opts *opts)
{
    static const ml_save_opts defaults;
    const mli_film_kind      *kind = kind_of(path);
    mli_view                  view;
    if (!kind || !has_folder(path) || !mli_view_take(fig, &view)) return NULL;
    if (!opts) opts = &defaults;
    double dpi = opts->dpi != 0 ? opts->dpi : kind == &mli_film_gif ? 96 : 144;
    double w   = (opts->width != 0 ? opts->width : PANEL_W * view.cols) * dpi / 96;
    double h   = (opts->height != 0 ? opts->height : PANEL_H * view.rows) * dpi / 96;
    mli_view_drop(&view);
    if (!(w >= 2 && w <= MOST && h >= 2 && h <= MOST))
        return ml_fail("record: a frame has 2..%d pixels a side, got %g x %g", MOST, w, h);
    ml_film *r = ml_realloc(NULL, 0, sizeof *r);
    if (!r) return NULL;
    *r = (ml_film){
        .kind = kind, .fig = fig, .w = (int)w / 2 * 2, .h = (int)h / 2 * 2, .opts = { .dpi = dpi, .style = opts->style }
    };
    r->pixels = ml_realloc(NULL, 0, pixel_bytes(r)); /* films want even numbers of pixels */
    r->film   = r->pixels ? kind->open(path, r->w, r->h, RATE) : NULL;
    if (!r->film) {
        if (r->pixels) ml_realloc(r->pixels, pixel_bytes(r), 0);
        ml_realloc(r, sizeof *r, 0);
        return NULL;
    }
    ml_figure_retain(fig);
    return r;
}

bool mli_film_frame(ml_film *r)
{
    if (r->broken) return false;
    bool ok   = mli_pixels(r->fig, r->w, r->h, r->pixels, &r->opts) && r->kind->frame(r->film, r->pixels, 1);
    r->broken = !ok;
    r->frames += ok;
    return ok;
}

bool mli_film_close(ml_film *r)
{
    bool ok = !r->broken && (r->frames > 0 || ml_fail("record: there is nothing to show, no frame was drawn"));
    if (ok) ok = r->kind->frame(r->film, r->pixels, LAST);
    ok = r->kind->close(r->film, ok) && ok;
    ml_figure_release(r->fig);
    ml_realloc(r->pixels, pixel_bytes(r), 0);
    ml_realloc(r, sizeof *r, 0);
    return ok;
}
