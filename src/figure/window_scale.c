/* Pixels per 1/96 inch, the unit that figures are laid out in. */
#define _GNU_SOURCE
#include "figure/window.h"

#include <SDL_syswm.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ORDINARY 120 /* dots per inch up to which nothing is enlarged */
#define NONSENSE 600

#if defined(SDL_VIDEO_DRIVER_X11)
/* Under X, what the user has set for the whole desktop (Xft.dpi) goes before what the screen says of itself, and the server's
 * own size before nothing: SDL knows only what monitors say, and many say nothing. Asked over a connection of its own, as
 * SDL shows none before there is a window. */
static double desktop_dpi(void)
{
    const char *driver = SDL_GetCurrentVideoDriver();
    void       *x11    = driver && !strcmp(driver, "x11") ? dlopen("libX11.so.6", RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (!x11) return 0;
    Display *(*open_display)(const char *);
    int (*close_display)(Display *);
    char *(*get_default)(Display *, const char *, const char *);
    *(void **)&open_display  = dlsym(x11, "XOpenDisplay");
    *(void **)&close_display = dlsym(x11, "XCloseDisplay");
    *(void **)&get_default   = dlsym(x11, "XGetDefault");
    double   dpi     = 0;
    Display *display = open_display && close_display && get_default ? open_display(NULL) : NULL;
    if (display) {
        const char *text = get_default(display, "Xft", "dpi");
        float       own;
        if (text) dpi = strtod(text, NULL);
        if (!(dpi > 0) && SDL_GetDisplayDPI(0, &own, NULL, NULL) != 0) {
            int screen = DefaultScreen(display), mm = DisplayHeightMM(display, screen);
            if (mm > 0) dpi = 25.4 * DisplayHeight(display, screen) / mm;
        }
        close_display(display);
    }
    dlclose(x11);
    return dpi;
}
#else
static double desktop_dpi(void)
{
    return 0;
}
#endif

static double scale_for(double dpi)
{
    return dpi > ORDINARY && dpi < NONSENSE ? fmin(round(dpi / 96 * 4) / 4, 3) : 1;
}

double mli_desktop_scale(void)
{
    double dpi = desktop_dpi();
    return dpi > 0 ? scale_for(dpi) : 0;
}

double mli_screen_scale(double desktop, int screen)
{
    float dpi;
    if (desktop > 0) return desktop;
    return SDL_GetDisplayDPI(screen < 0 ? 0 : screen, &dpi, NULL, NULL) == 0 ? scale_for((double)dpi) : 1;
}
