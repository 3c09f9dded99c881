/* What the drawing half stands on, for reports. */
#include "figure/drawing.h"

#include <pango/pangocairo.h>
#include <stdio.h>
#ifdef MOONLAB_WINDOW
#include <SDL.h>
#include <stdlib.h>
#endif

const char *mli_libraries(void)
{
    static char text[128];
    int         n = snprintf(text, sizeof text, "cairo %s, pango %s", cairo_version_string(), pango_version_string());
#ifdef MOONLAB_WINDOW
    SDL_version sdl;
    SDL_GetVersion(&sdl);
    snprintf(text + n, sizeof text - (size_t)n, ", SDL %d.%d.%d", sdl.major, sdl.minor, sdl.patch);
#else
    (void)n;
#endif
    return text;
}

const char *mli_display(void)
{
#ifdef MOONLAB_WINDOW
    static char name[64];
    if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
        return ml_fail("no display: neither DISPLAY nor WAYLAND_DISPLAY is set");
    SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11,wayland");
    if (SDL_VideoInit(NULL) != 0) return ml_fail("no display: %s", SDL_GetError());
    snprintf(name, sizeof name, "%s", SDL_GetCurrentVideoDriver());
    SDL_VideoQuit();
    return name;
#else
    return ml_fail("no display: this moonlab was built with -DMOONLAB_WINDOW=OFF");
#endif
}
