/* Live windows, shared by window.c (the thread, the functions of figure.h), window_view.c (one window on screen),
 * window_scale.c (how large a unit is), window_place.c (where
 * the last program had it), window_input.c (its keys and its mouse) and overlay.c (what is drawn over the figure). */
#ifndef MLI_FIGURE_WINDOW_H
#define MLI_FIGURE_WINDOW_H

#include "figure/control.h"
#include "figure/drawing.h"
#include "figure/hand.h"

#include <SDL.h>

#define MLI_FRAME_TIME (1.0 / 40) /* seconds, at least, between two pictures */

typedef void mli_visit(ml_window *w);

typedef enum mli_state { MLI_WAITING, MLI_OPEN, MLI_CLOSED, MLI_FAILED } mli_state;

struct ml_window {
    /* set by who opens it, then constant */
    ml_figure *fig;
    char       title[MLI_TEXT];
    char       folder[1024]; /* where pictures go; "" = the current one */
    int        width, height; /* asked for; 0 = by the number of panels */

    /* shared */
    atomic_int           state;  /* mli_state */
    atomic_uint_fast64_t frames;
    bool                 leaving; /* desk.lock: its owner wants it gone */
    char                 why[256]; /* desk.lock, or before the state says failed */
    ml_window           *next;    /* desk.lock */
    _Atomic(mli_visit *) visit;   /* tests: called once by the window thread, between two pictures; then NULL again */

    /* the window thread's own */
    SDL_Window *sdl;
    ml_style    style;     /* default: the figure's */
    bool        dark;      /* as on screen */
    double      zoom;      /* of everything, by + and - */
    int         number;    /* in the order of opening, from 1 */
    int         asked_w, asked_h; /* the size that it would have had without a last program */
    uint64_t    version;   /* of the figure, as on screen */
    bool        stale;     /* something besides the figure has changed */
    bool        uncovered; /* the picture in hand is good, but the screen has lost it, or shows other things over it */
    double      next_time; /* when new data may be drawn */
    double      load, load_time; /* what the rest of the process had computed, and when, the last time somebody looked */
    bool        spare;     /* since then: a core is free */
    double      user_time; /* when a key or a new size may be answered */
    uint32_t   *pixels;    /* the figure, and behind it, as large, the same with what is over it */
    int         pixels_w, pixels_h;
    double      scale; /* pixels a unit, without the zoom */
    double      desktop; /* the same, as the desktop says; 0 = it does not */
    mli_hand    hand;
    mli_averages averages; /* of its figure's curves, when they are smoothed */
    bool        help;  /* all keys are told */
    ml_knobs       *knobs;   /* of the figure; NULL = none */
    uint64_t        knobs_version; /* as they are in controls */
    mli_controls    controls;
    double          at_x, at_y; /* the pointer, on the page */
    char            status[160]; /* in the bar */
    double          status_time; /* when to look again */
    ml_loop_watcher watcher;
    char        notice[1400];
    double      notice_end; /* 0 = none */
};

typedef struct mli_place { /* of a window on the screen */
    int x, y, w, h;
} mli_place;

/* All of these are called by the window thread only. */
bool mli_view_open (ml_window *w);                      /* false: w->why says why */
void mli_view_close(ml_window *w);
void mli_window_event(ml_window *w, const SDL_Event *e); /* may ask to close: then the state is MLI_CLOSED */
void mli_view_refresh(ml_window *w, double now);        /* draws if there is something to draw, and time to */
void mli_place_begin(ml_window *w, mli_place *at);      /* where the same window of the last program stood, if there was one */
void mli_place_end  (const ml_window *w);
double mli_view_due(const ml_window *w);                /* when it will draw next, as far as is known now */
double mli_view_width(const ml_window *w);              /* of the figure, in 1/96 inch: without the column of controls, */
double mli_view_height(const ml_window *w);             /* without the bar */
void mli_view_knobs(ml_window *w);                      /* as they are now; what is drawn follows */
double mli_desktop_scale(void);                         /* of everything, where the desktop says one; else 0 */
double mli_screen_scale(double desktop, int screen);    /* the desktop's, or that of a screen */
ml_style mli_view_style(const ml_window *w);            /* light or dark; chosen by key, it may not be on screen yet */
void mli_view_notice(ml_window *w, const char *said, const char *what); /* for a few seconds */
void mli_overlay_draw(ml_window *w, uint32_t *pixels);  /* over a copy of the figure's */

extern atomic_bool mli_display_lost; /* the server went away: no call to SDL can be made any more */

#endif
