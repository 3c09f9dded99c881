/* Hands at the display: key presses, motions and buttons that the server makes as if they came from a device (XTEST), and what
 * only a window manager does: new sizes, closing. Places are those of the picture, in the units of mli_seen. */
#ifndef TESTS_HANDS_H
#define TESTS_HANDS_H

#include "screen.h"

#include <SDL_syswm.h>
#include <X11/XKBlib.h>
#include <X11/Xatom.h>
#include <X11/extensions/XTest.h>
#include <X11/keysym.h>

static Display   *hands;
static ml_window *hands_in;
static Window     hands_x; /* the same, to the server */

static inline void find_x_window(ml_window *w)
{
    SDL_SysWMinfo info;
    SDL_VERSION(&info.version);
    hands_x = SDL_GetWindowWMInfo(w->sdl, &info) ? info.info.x11.window : 0;
    copy_window(w);
}

/* As a window manager does, the window gets the keys. */
static inline void hands_on(ml_window *w)
{
    if (!hands) hands = XOpenDisplay(NULL);
    cr_assert(hands, "the display %s", getenv("DISPLAY"));
    hands_in   = w;
    int before = atomic_load(&visits);
    atomic_store(&w->visit, find_x_window);
    WAIT_UNTIL(atomic_load(&visits) != before);
    cr_assert(hands_x);
    XSetInputFocus(hands, hands_x, RevertToParent, CurrentTime);
    XSync(hands, False);
}

static inline void hands_off(void)
{
    if (hands) XCloseDisplay(hands);
    hands = NULL;
}

/* --- places ------------------------------------------------------------------------------------------- */
typedef struct spot {
    int x, y;
} spot;

static inline double pixels_of(const ml_window *w, double at)
{
    return at * w->hand.seen.scale * w->scale * w->zoom;
}

static inline spot place_on_screen(const ml_window *w, double x, double y)
{
    Window unused;
    spot   corner;
    XTranslateCoordinates(hands, hands_x, DefaultRootWindow(hands), 0, 0, &corner.x, &corner.y, &unused);
    return (spot){ corner.x + (int)lround(pixels_of(w, x)), corner.y + (int)lround(pixels_of(w, y)) };
}

/* Is the picture on screen that of the last key or gesture? */
static inline bool is_settled(ml_window *w)
{
    const ml_window *s = see(w);
    return !s->stale && !s->uncovered;
}

/* --- hands ---------------------------------------------------------------------------------------------- */
static inline void move_to(double x, double y)
{
    WAIT_UNTIL(is_settled(hands_in)); /* as a person does: places are those of the picture */
    spot at = place_on_screen(see(hands_in), x, y);
    XTestFakeMotionEvent(hands, -1, at.x, at.y, 0);
    XSync(hands, False);
}

/* To where no values stand beside the pointer. */
static inline void look_away(void)
{
    move_to(2, 2);
}

static inline void button(unsigned which, bool down)
{
    XTestFakeButtonEvent(hands, which, down, 0);
    XSync(hands, False);
}

static inline void click(double x, double y, int times)
{
    move_to(x, y);
    for (int i = 0; i < times; i++) button(1, true), button(1, false);
}

static inline void drag(unsigned which, double x0, double y0, double x1, double y1)
{
    move_to(x0, y0);
    button(which, true);
    move_to((x0 + x1) / 2, (y0 + y1) / 2);
    move_to(x1, y1);
    button(which, false);
}

static inline void wheel(int turns) /* > 0: away from the hand */
{
    for (int i = 0; i < abs(turns); i++) button(turns > 0 ? 4 : 5, true), button(turns > 0 ? 4 : 5, false);
}

static inline void hold(KeySym key, bool down)
{
    XTestFakeKeyEvent(hands, XKeysymToKeycode(hands, key), down, 0);
    XSync(hands, False);
}

/* On the keyboard that the display has: with shift where the sign needs it. */
static inline void press(KeySym key)
{
    KeyCode code = XKeysymToKeycode(hands, key);
    cr_assert(code, "no key for %#lx", (unsigned long)key);
    bool shift = XkbKeycodeToKeysym(hands, code, 0, 0) != key;
    if (shift) hold(XK_Shift_L, true);
    XTestFakeKeyEvent(hands, code, True, 0);
    XTestFakeKeyEvent(hands, code, False, 0);
    if (shift) hold(XK_Shift_L, false);
    XSync(hands, False);
}

static inline void press_with(KeySym with, KeySym key)
{
    hold(with, true);
    press(key);
    hold(with, false);
}

/* What a window manager does when its button is pressed. */
static inline void close_by_manager(void)
{
    XEvent e = { .xclient = { .type = ClientMessage, .window = hands_x, .format = 32 } };
    e.xclient.message_type = XInternAtom(hands, "WM_PROTOCOLS", False);
    e.xclient.data.l[0]    = (long)XInternAtom(hands, "WM_DELETE_WINDOW", False);
    cr_assert(XSendEvent(hands, hands_x, False, NoEventMask, &e));
    XSync(hands, False);
}

static inline void resize_by_manager(unsigned width, unsigned height)
{
    XResizeWindow(hands, hands_x, width, height);
    XSync(hands, False);
}

/* --- what the hands' window shows ------------------------------------------------------------------------- */
static inline double width_of(ml_window *w, int panel, int axis)
{
    const double *r = see(w)->hand.look.panel[panel].range[axis];
    return r[1] - r[0];
}

static inline mli_seen_panel panel_of(ml_window *w, int panel)
{
    return see(w)->hand.seen.panel[panel];
}

static inline bool colour_near(const screen *s, spot at, mli_colour c, int within)
{
    for (int y = at.y - within; y <= at.y + within; y++)
        for (int x = at.x - within; x <= at.x + within; x++) {
            mli_colour got = screen_at(s, x, y);
            if (fabs(got.r - c.r) + fabs(got.g - c.g) + fabs(got.b - c.b) < 0.03) return true;
        }
    return false;
}

/* Is the curve y_of where the axes of the panel say, all along what they show? Counts the places looked at. */
static inline int curve_places(ml_window *w, int panel, bool right, double y_of(double), mli_colour c, int *missing)
{
    mli_seen_panel   p  = panel_of(w, panel);
    const mli_ruler *xr = &p.ruler[MLI_X], *yr = &p.ruler[right ? MLI_Y2 : MLI_Y];
    screen           s  = screen_open();
    int              n  = 0;
    *missing            = 0;
    for (int i = 1; i < 24; i++) {
        double x  = mli_ruler_value(xr, p.box.x + p.box.w * i / 24), y = y_of(x);
        double at = mli_ruler_at(yr, y);
        if (!(at > p.box.y + 4 && at < p.box.y + p.box.h - 4)) continue;
        n++;
        *missing += !colour_near(&s, place_on_screen(&visited, p.box.x + p.box.w * i / 24, at), c, 3);
    }
    munmap(s.map, s.bytes);
    return n;
}

static inline bool curve_is_drawn(ml_window *w, int panel, bool right, double y_of(double), mli_colour c)
{
    int missing, n = curve_places(w, panel, right, y_of, c, &missing);
    return is_settled(w) && n >= 5 && missing <= n / 5; /* the legend and other curves may lie over it */
}

static inline bool curve_is_not_drawn(ml_window *w, int panel, bool right, double y_of(double), mli_colour c)
{
    int missing, n = curve_places(w, panel, right, y_of, c, &missing);
    return is_settled(w) && n >= 5 && missing >= n - 1;
}

#endif
