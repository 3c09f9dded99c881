/* One window on screen: its pixels. Everything here runs in the window thread. */
#define _GNU_SOURCE
#include "figure/window.h"

#include <SDL_syswm.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PANEL_W     440
#define PANEL_H     330
#define LARGEST_W   1400
#define LARGEST_H   940
#define SHARE       0.025 /* of the time of all cores that new data may make this thread work, when the process has none to spare */
#define SPARE_TIME  0.5 /* seconds between two looks at that */
#define NOTICE_TIME 3.0
#define STATUS_TIME 0.25
#define KEYS        "   ? keys"

atomic_bool mli_display_lost;

/* --- the display may go away, the run goes on ----------------------------------------------------- */
#if defined(SDL_VIDEO_DRIVER_X11)
static void on_lost(Display *display, void *unused)
{
    (void)display, (void)unused;
    atomic_store(&mli_display_lost, true);
}

static int on_io_error(Display *display)
{
    (void)display;
    return 0; /* Xlib's own would print; what follows is on_lost */
}

static int on_error(Display *display, XErrorEvent *error)
{
    (void)display, (void)error;
    return 0;
}

/* Xlib ends the process when the server dies (an ssh -X that breaks) or refuses a request. Asked by name, as SDL may
 * have loaded it at run time; an Xlib older than 1.7 has no such call, and there the process ends as ever. */
static void survive_display(SDL_Window *window)
{
    SDL_SysWMinfo info;
    SDL_VERSION(&info.version);
    if (!SDL_GetWindowWMInfo(window, &info) || info.subsystem != SDL_SYSWM_X11) return;
    void *x11 = dlopen("libX11.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (!x11) return;
    void (*set_exit)(Display *, void (*)(Display *, void *), void *);
    XIOErrorHandler (*set_io_error)(XIOErrorHandler);
    XErrorHandler (*set_error)(XErrorHandler);
    *(void **)&set_exit     = dlsym(x11, "XSetIOErrorExitHandler");
    *(void **)&set_io_error = dlsym(x11, "XSetIOErrorHandler");
    *(void **)&set_error    = dlsym(x11, "XSetErrorHandler");
    if (set_exit) set_exit(info.info.x11.display, on_lost, NULL);
    if (set_exit && set_io_error) set_io_error(on_io_error);
    if (set_error) set_error(on_error);
    dlclose(x11);
}
#else
static void survive_display(SDL_Window *window)
{
    (void)window;
}
#endif

/* --- size ------------------------------------------------------------------------------------------- */
/* Pixels per 1/96 inch: from the window where the system scales (Wayland), else from the desktop or the screen. */
static double scale_of(const ml_window *w, int pixels)
{
    int units, unused;
    SDL_GetWindowSize(w->sdl, &units, &unused);
    if (units > 0 && pixels > units) return (double)pixels / units;
    return mli_screen_scale(w->desktop, SDL_GetWindowDisplayIndex(w->sdl));
}

/* more: of what stands beside the panels. */
static int fit_size(int asked, double panels, int largest, double more, double scale, int usable)
{
    if (asked > 0) return asked;
    double size = (fmin(panels, largest) + more) * scale;
    return (int)(usable > 0 ? fmin(size, 0.92 * usable) : size);
}

/* --- controls --------------------------------------------------------------------------------------- */
static mli_paper paper_on(cairo_surface_t *surface, const ml_window *w, double scale)
{
    static const mli_look plain;
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, scale, scale);
    return (mli_paper){ .cr = cr, .layout = mli_layout_make(cr), .style = mli_style_of(mli_view_style(w)), .look = &plain,
                        .density = scale };
}

static void paper_drop(mli_paper *p)
{
    g_object_unref(p->layout);
    cairo_destroy(p->cr);
}

/* How large controls are, before anything is drawn. */
static void measure_controls(ml_window *w)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    mli_paper        p       = paper_on(surface, w, 1);
    mli_controls_lay(&w->controls, &p, LARGEST_W, LARGEST_H);
    paper_drop(&p);
    cairo_surface_destroy(surface);
}

void mli_view_knobs(ml_window *w)
{
    mli_controls *c       = &w->controls;
    uint64_t      version = ml_knobs_version(w->knobs); /* before the look: what comes between is seen again */
    if (version == w->knobs_version) return;
    int n            = c->n_knobs;
    w->knobs_version = version;
    c->n_knobs       = w->knobs ? ml_knobs_look(w->knobs, c->knob, &c->locked) : 0;
    w->stale |= c->n_knobs != n; /* the column may be wider now */
    w->uncovered = true;
}

/* What the figure has that controls are for. */
static void look_at_figure(ml_window *w, const mli_view *view)
{
    ml_knobs *knobs = mli_figure_knobs(w->fig);
    if (w->knobs) ml_knobs_release(w->knobs); /* that of the figure, or an older one */
    if (knobs != w->knobs) w->knobs_version = 0;
    w->knobs = knobs;
    mli_view_knobs(w);
    if (!w->knobs) w->controls.n_knobs = 0;
    w->controls.curves = view->n_series > 0;
    w->controls.bar    = w->controls.curves || w->controls.loop;
}

bool mli_view_open(ml_window *w)
{
    mli_view view;
    if (!mli_view_take(w->fig, &view)) {
        snprintf(w->why, sizeof w->why, "%s", ml_error_message());
        return false;
    }
    SDL_Rect usable = { 0 };
    SDL_GetDisplayUsableBounds(0, &usable);
    w->desktop = mli_desktop_scale();
    look_at_figure(w, &view);
    measure_controls(w);
    double scale  = mli_screen_scale(w->desktop, 0), tall = fmax(view.rows * PANEL_H, w->controls.content); /* all knobs, if they fit */
    int    width  = fit_size(w->width, view.cols * PANEL_W, LARGEST_W, w->controls.column, scale, usable.w);
    int    height = fit_size(w->height, tall, LARGEST_H, w->controls.bar ? MLI_BAR : 0, scale, usable.h);
    mli_view_drop(&view);

    char title[sizeof w->title + sizeof KEYS];
    snprintf(title, sizeof title, "%s%s", w->title, KEYS);
    mli_place at = { (int)SDL_WINDOWPOS_UNDEFINED, (int)SDL_WINDOWPOS_UNDEFINED, width, height };
    mli_place_begin(w, &at);
    w->sdl = SDL_CreateWindow(title, at.x, at.y, at.w, at.h,
                              SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (!w->sdl) {
        snprintf(w->why, sizeof w->why, "window: %s", SDL_GetError());
        return false;
    }
    survive_display(w->sdl);
    w->stale = true;
    return true;
}

/* Of a picture, twice: without and with what is over it. */
static size_t pixel_bytes(int width, int height)
{
    return 2 * (size_t)width * (size_t)height * sizeof(uint32_t);
}

void mli_view_close(ml_window *w)
{
    if (!atomic_load(&mli_display_lost)) {
        mli_place_end(w);
        SDL_DestroyWindow(w->sdl);
    }
    w->sdl = NULL;
    ml_realloc(w->pixels, pixel_bytes(w->pixels_w, w->pixels_h), 0);
    mli_averages_free(&w->averages);
    w->pixels   = NULL;
    w->pixels_w = w->pixels_h = 0;
    if (w->knobs) ml_knobs_release(w->knobs);
    w->knobs = NULL;
}

/* --- drawing ------------------------------------------------------------------------------------------ */
static bool resize_pixels(ml_window *w, int width, int height)
{
    if (w->pixels && w->pixels_w == width && w->pixels_h == height) return true;
    uint32_t *fresh = ml_realloc(w->pixels, pixel_bytes(w->pixels_w, w->pixels_h), pixel_bytes(width, height));
    if (!fresh) return false;
    w->pixels   = fresh;
    w->pixels_w = width;
    w->pixels_h = height;
    return true;
}

static bool draw(ml_window *w)
{
    mli_view     view;
    SDL_Surface *screen = SDL_GetWindowSurface(w->sdl);
    if (!screen || screen->w < 1 || screen->h < 1 || !resize_pixels(w, screen->w, screen->h)) return false;
    uint64_t version = mli_figure_version(w->fig); /* before the snapshot: what comes between is drawn again */
    if (!mli_view_take(w->fig, &view)) return false;
    w->scale       = scale_of(w, screen->w);
    double   scale = w->scale * w->zoom;
    look_at_figure(w, &view);
    cairo_surface_t *surface = cairo_image_surface_create_for_data(
        (unsigned char *)w->pixels, CAIRO_FORMAT_RGB24, screen->w, screen->h, screen->w * 4);
    mli_paper paper = paper_on(surface, w, scale);
    mli_controls_lay(&w->controls, &paper, screen->w / scale, screen->h / scale);
    mli_page page  = {
         .width   = mli_view_width(w),
         .height  = mli_view_height(w),
         .density = scale,
         .style   = w->style == ML_STYLE_DEFAULT ? view.style : w->style,
         .look    = &w->hand.look,
         .seen    = &w->hand.seen,
         .averages = &w->averages,
    };
    mli_ties_of(&view, &w->hand.ties);
    cairo_translate(paper.cr, w->controls.column, 0);
    bool ok = mli_paint(paper.cr, &view, &page);
    paper_drop(&paper);
    cairo_surface_destroy(surface);
    mli_view_drop(&view);
    if (!ok) return false;
    w->version = version;
    w->dark    = page.style == ML_STYLE_DARK;
    return true;
}

static void show(ml_window *w)
{
    SDL_Surface *screen = SDL_GetWindowSurface(w->sdl);
    if (!screen || !w->pixels) return;
    uint32_t *shown = w->pixels + (size_t)w->pixels_w * (size_t)w->pixels_h;
    memcpy(shown, w->pixels, pixel_bytes(w->pixels_w, w->pixels_h) / 2);
    mli_overlay_draw(w, shown);
    SDL_Surface *picture = SDL_CreateRGBSurfaceWithFormatFrom(shown, w->pixels_w, w->pixels_h, 32,
                                                              w->pixels_w * 4, SDL_PIXELFORMAT_RGB888);
    if (!picture) return;
    SDL_BlitSurface(picture, NULL, screen, NULL);
    SDL_FreeSurface(picture);
    SDL_UpdateWindowSurface(w->sdl);
    w->uncovered = false;
}

double mli_view_width(const ml_window *w)
{
    return fmax(w->pixels_w / (w->scale * w->zoom) - w->controls.column, 1);
}

double mli_view_height(const ml_window *w)
{
    return fmax(w->pixels_h / (w->scale * w->zoom) - (w->controls.bar ? MLI_BAR : 0), 1);
}

/* The buttons come with the first loop and stay. */
static void look_at_loop(ml_window *w, double now)
{
    char          text[sizeof w->status];
    mli_controls *c    = &w->controls;
    ml_loop       loop = ml_loop_look();
    w->uncovered |= c->loop && (c->running != loop.running || c->paused != loop.paused);
    c->running = loop.running;
    c->paused  = loop.paused;
    if (now < w->status_time) return;
    w->status_time = now + STATUS_TIME;
    if (!c->loop && !loop.running) return;
    w->stale |= !c->loop;
    c->loop = true;
    ml_loop_watch(&w->watcher, text, sizeof text);
    bool failed = !strncmp(text, ML_LOOP_FAILED, strlen(ML_LOOP_FAILED));
    if (failed && w->notice_end <= 0) mli_view_notice(w, "", text); /* for as long as it is so */
    w->uncovered |= strcmp(text, w->status) != 0;
    memcpy(w->status, text, sizeof text);
}

static double cpu_time(clockid_t of)
{
    struct timespec t;
    return clock_gettime(of, &t) == 0 ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : 0;
}

/* Is there a core that the rest of the process leaves alone? Then drawing often takes nothing from the training. */
static bool has_spare_core(ml_window *w, double now)
{
    if (now - w->load_time < SPARE_TIME) return w->spare;
    double others = cpu_time(CLOCK_PROCESS_CPUTIME_ID) - cpu_time(CLOCK_THREAD_CPUTIME_ID);
    double load   = w->load_time > 0 ? (others - w->load) / (now - w->load_time) : INFINITY;
    w->spare      = load < SDL_GetCPUCount() - 0.75;
    w->load       = others;
    w->load_time  = now;
    return w->spare;
}

/* A window that no one sees waits; SDL tells when it is seen again. */
static bool is_out_of_sight(const ml_window *w)
{
    return SDL_GetWindowFlags(w->sdl) & (SDL_WINDOW_MINIMIZED | SDL_WINDOW_HIDDEN);
}

void mli_view_refresh(ml_window *w, double now)
{
    look_at_loop(w, now);
    mli_view_knobs(w);
    if (is_out_of_sight(w)) return;
    if (w->notice_end > 0 && now >= w->notice_end) {
        w->notice_end = 0;
        w->uncovered  = true;
    }
    bool news = mli_figure_version(w->fig) != w->version && now >= w->next_time;
    if (!news && !(w->stale && now >= w->user_time)) {
        if (w->uncovered) show(w);
        return;
    }
    w->stale = false;
    if (draw(w)) {
        show(w);
        atomic_fetch_add(&w->frames, 1);
    } else {
        ml_error_clear(); /* no memory just now: the old picture stays, and the next time may do */
    }
    double cost  = ml_clock() - now;
    w->user_time = now + MLI_FRAME_TIME;
    w->next_time = now + fmax(MLI_FRAME_TIME, has_spare_core(w, now) ? 0 : cost / (SHARE * SDL_GetCPUCount()));
}

double mli_view_due(const ml_window *w)
{
    if (is_out_of_sight(w)) return INFINITY;
    double news = mli_figure_version(w->fig) != w->version ? w->next_time : INFINITY;
    return fmin(news, w->stale ? w->user_time : INFINITY);
}

void mli_view_notice(ml_window *w, const char *said, const char *what)
{
    snprintf(w->notice, sizeof w->notice, "%s%s", said, what);
    w->notice_end = ml_clock() + NOTICE_TIME;
    w->uncovered  = true;
}

ml_style mli_view_style(const ml_window *w)
{
    if (w->style != ML_STYLE_DEFAULT) return w->style;
    return w->dark ? ML_STYLE_DARK : ML_STYLE_LIGHT;
}
