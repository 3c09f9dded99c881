/* Where a window stood, how large it was made and how it looked, for the next program of moonlab run --watch: MOONLAB_WINDOWS names a path,
 * of which each window has a file, numbered in the order of opening. What cannot be read or written changes nothing. */
#define _GNU_SOURCE
#include "figure/window.h"

#include <stdio.h>
#include <stdlib.h>

#define LARGEST 16384

static int opened; /* by this process; the window thread's own */

static FILE *place_file(int number, const char *mode)
{
    char        path[1024];
    const char *stem = getenv("MOONLAB_WINDOWS");
    if (!stem || !stem[0] || snprintf(path, sizeof path, "%s-%d", stem, number) >= (int)sizeof path) return NULL;
    return fopen(path, mode);
}

static bool is_on_a_screen(int x, int y)
{
    for (int i = 0; i < SDL_GetNumVideoDisplays(); i++) {
        SDL_Rect b;
        if (SDL_GetDisplayBounds(i, &b) == 0 && x > b.x - 100 && y > b.y - 100 && x < b.x + b.w - 50 && y < b.y + b.h - 50) return true;
    }
    return false;
}

void mli_place_begin(ml_window *w, mli_place *at)
{
    mli_place was;
    int       style;
    double    zoom;
    w->number  = ++opened;
    w->asked_w = at->w, w->asked_h = at->h;
    FILE *file = place_file(w->number, "r");
    if (!file) return;
    int n = fscanf(file, "%d %d %d %d %d %lf", &was.x, &was.y, &was.w, &was.h, &style, &zoom);
    fclose(file);
    if (n != 6 || style < ML_STYLE_DEFAULT || style >= ML_STYLES || !(zoom >= 0.4 && zoom <= 4)) return;
    if (is_on_a_screen(was.x, was.y)) at->x = was.x, at->y = was.y;
    if (was.w > 0 && was.h > 0 && was.w <= LARGEST && was.h <= LARGEST) at->w = was.w, at->h = was.h;
    if (style != ML_STYLE_DEFAULT) w->style = (ml_style)style;
    w->zoom = zoom;
}

void mli_place_end(const ml_window *w)
{
    int   x, y, width, height, top = 0, left = 0;
    FILE *file = place_file(w->number, "w");
    if (!file) return;
    SDL_GetWindowPosition(w->sdl, &x, &y);
    SDL_GetWindowSize(w->sdl, &width, &height);
    SDL_GetWindowBordersSize(w->sdl, &top, &left, NULL, NULL); /* a window is placed by its frame */
    bool same = width == w->asked_w && height == w->asked_h;   /* nobody made it another size: the script's, also a new one, holds */
    fprintf(file, "%d %d %d %d %d %.17g\n", x - left, y - top, same ? 0 : width, same ? 0 : height, (int)w->style, w->zoom);
    fclose(file);
}
