/* What the drawing half stands on, for reports. */
#include "figure/drawing.h"

#include <pango/pangocairo.h>
#include <stdio.h>
#ifdef MOONLAB_WINDOW
#include <SDL.h>
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
