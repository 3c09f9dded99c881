/* All windows live in one thread, which is started by the first and joined by the last. It alone talks to SDL. Others
 * talk to it through the desk: a list of windows with wishes, under one lock that is never held while drawing. */
#define _GNU_SOURCE
#include "figure/window.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE   0.016 /* seconds between two looks at the keyboard */
#define NO_DISPLAY "no display: neither DISPLAY nor WAYLAND_DISPLAY is set"

typedef enum desk_state { DESK_EMPTY, DESK_RUNNING, DESK_ENDING } desk_state;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t  changed; /* a wish, or its fulfilment */
    pthread_once_t  once;
    pthread_t       thread;
    pid_t           process; /* that started it: a fork has no such thread */
    desk_state      state;
    ml_window      *windows;
    bool            wish;    /* somebody changed the list: look again before waiting */
    bool            at_exit; /* the process ends: so does the thread, with windows or without */
} desk = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static void leave_at_exit(void);

static void desk_make(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* setting the machine's clock delays no one */
    pthread_cond_init(&desk.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    atexit(leave_at_exit);
}

/* Waits for a change, but not longer than this; with the lock held. */
static void desk_wait(double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    double whole = (double)(time_t)seconds;
    until.tv_sec += (time_t)whole;
    until.tv_nsec += (long)((seconds - whole) * 1e9);
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&desk.changed, &desk.lock, &until);
}

static void set_state(ml_window *w, mli_state state) /* with the lock held */
{
    atomic_store(&w->state, state);
    pthread_cond_broadcast(&desk.changed);
}

/* --- the window thread ------------------------------------------------------------------------ */
static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

/* The variable that names a display. Without one, SDL would go on to consoles and off-screen drivers. */
static const char *display_variable(void)
{
    static const char *const names[] = { "SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY" };
    for (int i = 0; i < 3; i++)
        if (env(names[i])) return names[i];
    return NULL;
}

static bool start_sdl(char *why, size_t room)
{
    bool x = env("DISPLAY"), wayland = env("WAYLAND_DISPLAY");
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1"); /* Ctrl-C belongs to the run */
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0"); /* plain pixels: no OpenGL driver is loaded */
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_APP_NAME, "moonlab");
    /* only what was named: libwayland complains on stderr. A variable SDL_VIDEODRIVER goes before this. */
    SDL_SetHint(SDL_HINT_VIDEODRIVER, x && wayland ? "x11,wayland" : x ? "x11" : "wayland");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) == 0) {
        SDL_StopTextInput();
        return true;
    }
    const char *name = display_variable();
    snprintf(why, room, "no display: %s=%s cannot be opened (%s)", name, env(name), SDL_GetError());
    return false;
}

static ml_window *window_of(ml_window *list, Uint32 id)
{
    for (ml_window *w = list; w; w = w->next)
        if (w->sdl && SDL_GetWindowID(w->sdl) == id) return w;
    return NULL;
}

static Uint32 window_id(const SDL_Event *e)
{
    switch (e->type) {
    case SDL_WINDOWEVENT: return e->window.windowID;
    case SDL_KEYDOWN:
    case SDL_KEYUP: return e->key.windowID;
    case SDL_MOUSEMOTION: return e->motion.windowID;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP: return e->button.windowID;
    case SDL_MOUSEWHEEL: return e->wheel.windowID;
    default: return 0;
    }
}

static void handle_events(ml_window *list)
{
    SDL_Event event;
    while (!atomic_load(&mli_display_lost) && SDL_PollEvent(&event)) {
        ml_window *w = window_of(list, window_id(&event));
        if (w && atomic_load(&w->state) == MLI_OPEN) mli_window_event(w, &event);
    }
}

static void wish(void) /* with the lock held */
{
    desk.wish = true;
    pthread_cond_broadcast(&desk.changed);
}

static void unlink_window(ml_window *gone) /* with the lock held */
{
    for (ml_window **at = &desk.windows; *at; at = &(*at)->next) {
        if (*at != gone) continue;
        *at = gone->next;
        return;
    }
}

/* One look at every window. Returns how many are on screen. The lock is held, but given up while SDL works. */
static int serve(void)
{
    int open = 0;
    for (ml_window *w = desk.windows; w; w = w->next) {
        int state = atomic_load(&w->state);
        if (state == MLI_WAITING) {
            pthread_mutex_unlock(&desk.lock);
            bool ok = mli_view_open(w);
            pthread_mutex_lock(&desk.lock);
            set_state(w, ok ? MLI_OPEN : MLI_FAILED);
            state = atomic_load(&w->state);
        }
        bool over = w->leaving || desk.at_exit || atomic_load(&mli_display_lost);
        if (w->sdl && (state == MLI_CLOSED || over)) {
            pthread_mutex_unlock(&desk.lock);
            mli_view_close(w);
            pthread_mutex_lock(&desk.lock);
            if (state == MLI_OPEN) state = MLI_CLOSED;
            set_state(w, state);
        }
        open += w->sdl != NULL;
    }
    return open;
}

static void refresh_all(ml_window *list, double now)
{
    for (ml_window *w = list; w; w = w->next) {
        if (!w->sdl || atomic_load(&w->state) != MLI_OPEN || atomic_load(&mli_display_lost)) continue;
        mli_view_refresh(w, now);
        mli_visit *visit = atomic_exchange(&w->visit, NULL);
        if (visit) visit(w);
    }
}

/* Windows that their owners gave up leave the list here and nowhere else: the thread may walk it without the lock. */
static void drop_left(void)
{
    for (ml_window *w = desk.windows, *next; w; w = next) {
        next = w->next;
        if (!w->leaving || w->sdl) continue;
        unlink_window(w);
        w->leaving = false; /* the owner is waiting for this */
        pthread_cond_broadcast(&desk.changed);
    }
}

/* Until the keyboard is looked at again, or a window has something to draw. */
static double patience(double now)
{
    double due = now + PATIENCE;
    for (ml_window *w = desk.windows; w; w = w->next)
        if (w->sdl && atomic_load(&w->state) == MLI_OPEN) due = fmin(due, mli_view_due(w));
    return fmax(due - now, 0.001);
}

static void fail_all(const char *why)
{
    for (ml_window *w = desk.windows; w; w = w->next) {
        if (atomic_load(&w->state) != MLI_WAITING) continue;
        snprintf(w->why, sizeof w->why, "%s", why);
        set_state(w, MLI_FAILED);
    }
}

static void *window_thread(void *unused)
{
    (void)unused;
    char why[256] = "no display: the connection to it was lost";
#ifdef __linux__
    setpriority(PRIO_PROCESS, 0, 5); /* of this thread alone: training goes first */
#endif
    bool works = !atomic_load(&mli_display_lost) && start_sdl(why, sizeof why);
    int  had   = 0; /* windows on screen, the last time */
    pthread_mutex_lock(&desk.lock);
    for (;;) {
        desk.wish = false;
        works     = works && !atomic_load(&mli_display_lost);
        if (!works) fail_all(why);
        int open = serve();
        if (open == 0 && had > 0) ml_loop_pause(false); /* nobody is left who could */
        had = open;
        drop_left();
        if (desk.state == DESK_ENDING) break;
        if (open > 0) {
            ml_window *list = desk.windows;
            pthread_mutex_unlock(&desk.lock);
            handle_events(list);
            refresh_all(list, ml_clock());
            pthread_mutex_lock(&desk.lock);
        }
        if (desk.wish) continue;
        if (open > 0)
            desk_wait(patience(ml_clock()));
        else
            pthread_cond_wait(&desk.changed, &desk.lock);
    }
    pthread_mutex_unlock(&desk.lock);
    if (works) SDL_QuitSubSystem(SDL_INIT_VIDEO);
    SDL_TLSCleanup(); /* what SDL keeps for a thread, as this is none of its own */
    return NULL;
}

/* --- starting and ending it: with the lock held ----------------------------------------------------- */
static bool start_thread(void)
{
    while (desk.state == DESK_ENDING) pthread_cond_wait(&desk.changed, &desk.lock);
    if (desk.state == DESK_RUNNING) return true;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the script's thread */
    int why = pthread_create(&desk.thread, NULL, window_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why) return ml_fail("window: no thread for it: %s", strerror(why));
    desk.process = getpid();
    desk.state   = DESK_RUNNING;
    return true;
}

static void end_thread(void)
{
    if (desk.state != DESK_RUNNING || (desk.windows && !desk.at_exit)) return;
    desk.state = DESK_ENDING;
    wish();
    pthread_mutex_unlock(&desk.lock);
    pthread_join(desk.thread, NULL);
    pthread_mutex_lock(&desk.lock);
    desk.state = DESK_EMPTY;
    pthread_cond_broadcast(&desk.changed);
}

/* A process may end with windows open: they go before the libraries under them do. */
static void leave_at_exit(void)
{
    if (desk.process != getpid()) return;
    pthread_mutex_lock(&desk.lock);
    desk.at_exit = true;
    end_thread();
    pthread_mutex_unlock(&desk.lock);
}

/* --- the functions of figure.h ------------------------------------------------------------------ */
static ml_window *window_new(ml_figure *fig, const ml_window_opts *opts)
{
    mli_view view;
    if (!mli_view_take(fig, &view)) return NULL;
    ml_window *w = ml_realloc(NULL, 0, sizeof *w);
    if (w) {
        memset(w, 0, sizeof *w);
        const char *title = opts->title ? opts->title : view.title;
        snprintf(w->title, sizeof w->title, "%s", title[0] ? title : "moonlab");
        snprintf(w->folder, sizeof w->folder, "%s", opts->folder ? opts->folder : "");
        w->width  = opts->width > 0 ? opts->width : 0;
        w->height = opts->height > 0 ? opts->height : 0;
        w->style  = opts->style;
        w->zoom   = 1;
        w->fig    = ml_figure_retain(fig);
        atomic_init(&w->state, MLI_WAITING);
        atomic_init(&w->frames, 0);
        atomic_init(&w->visit, NULL);
    }
    mli_view_drop(&view);
    return w;
}

static void window_free(ml_window *w)
{
    ml_figure_release(w->fig);
    ml_realloc(w, sizeof *w, 0);
}

/* Out of the list, then gone; the thread ends with the last. */
static void leave(ml_window *w)
{
    pthread_mutex_lock(&desk.lock);
    if (desk.state == DESK_RUNNING) {
        w->leaving = true;
        wish();
        while (w->leaving) pthread_cond_wait(&desk.changed, &desk.lock);
    } else {
        unlink_window(w);
    }
    end_thread();
    pthread_mutex_unlock(&desk.lock);
    window_free(w);
}

ml_window *mli_window_open(ml_figure *fig, const ml_window_opts *opts)
{
    static const ml_window_opts defaults;
    if (!display_variable()) return ml_fail(NO_DISPLAY "; pictures go to files");
    ml_window *w = window_new(fig, opts ? opts : &defaults);
    if (!w) return NULL;
    pthread_once(&desk.once, desk_make);
    pthread_mutex_lock(&desk.lock);
    if (desk.at_exit || !start_thread()) {
        pthread_mutex_unlock(&desk.lock);
        window_free(w);
        return NULL;
    }
    w->next      = desk.windows;
    desk.windows = w;
    wish();
    while (atomic_load(&w->state) == MLI_WAITING) pthread_cond_wait(&desk.changed, &desk.lock);
    bool failed = atomic_load(&w->state) == MLI_FAILED;
    pthread_mutex_unlock(&desk.lock);
    if (!failed) return w;
    ml_fail("%s; pictures go to files", w->why);
    leave(w);
    return NULL;
}

bool mli_window_is_open(const ml_window *window)
{
    return atomic_load(&window->state) == MLI_OPEN;
}

bool mli_window_wait(ml_window *window, double seconds)
{
    double until = seconds < 0 ? INFINITY : ml_clock() + seconds;
    pthread_mutex_lock(&desk.lock);
    while (atomic_load(&window->state) == MLI_OPEN) {
        double left = until - ml_clock();
        if (left <= 0) break;
        desk_wait(left < 1e6 ? left : 1e6);
    }
    bool closed = atomic_load(&window->state) != MLI_OPEN;
    pthread_mutex_unlock(&desk.lock);
    return closed;
}

int64_t mli_window_frames(const ml_window *window)
{
    return (int64_t)atomic_load(&window->frames);
}

void mli_window_close(ml_window *window)
{
    leave(window);
}

/* Asks SDL in this thread while the window thread is not there, and else what that thread has found. */
const char *mli_display(void)
{
    static char name[64];
    char        why[256] = "no display: the connection to it was lost";
    if (!display_variable()) return ml_fail(NO_DISPLAY);
    pthread_once(&desk.once, desk_make);
    pthread_mutex_lock(&desk.lock);
    while (desk.state == DESK_ENDING) pthread_cond_wait(&desk.changed, &desk.lock);
    bool        ours  = desk.state == DESK_EMPTY;
    bool        works = !atomic_load(&mli_display_lost) && (!ours || start_sdl(why, sizeof why));
    const char *found = works ? SDL_GetCurrentVideoDriver() : NULL;
    if (found) snprintf(name, sizeof name, "%s", found);
    if (works && ours) SDL_QuitSubSystem(SDL_INIT_VIDEO);
    pthread_mutex_unlock(&desk.lock);
    return found ? name : ml_fail("%s", why);
}
