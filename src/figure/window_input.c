/* The keys and the mouse of a window. Everything here runs in the window thread. */
#include "figure/window.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* --- pictures --------------------------------------------------------------------------------------- */
/* "Grokking: p = 97" -> "grokking-p-97"; letters of other scripts stay, whole */
static void file_stem(const char *title, char *stem, size_t room)
{
    size_t n = 0;
    for (const unsigned char *c = (const unsigned char *)title; *c && n + 1 < room; c++) {
        bool begins = (*c & 0xC0) != 0x80; /* a letter, not the rest of one */
        if (begins && n + 5 > room) break;
        if (isupper(*c) && *c < 0x80) stem[n++] = (char)tolower(*c);
        else if (*c >= 0x80 || isalnum(*c) || *c == '_') stem[n++] = (char)*c;
        else if (n && stem[n - 1] != '-') stem[n++] = '-';
    }
    while (n && stem[n - 1] == '-') n--;
    stem[n] = '\0';
    if (n == 0) snprintf(stem, room, "figure");
}

static void save_picture(ml_window *w)
{
    if (!w->pixels) return; /* nothing to be seen yet */
    char stem[80], path[sizeof w->folder + sizeof stem + 16];
    file_stem(w->title, stem, sizeof stem);
    for (int k = 1; k < 10000; k++) {
        snprintf(path, sizeof path, "%s%s%s-%d.png", w->folder, w->folder[0] ? "/" : "", stem, k);
        if (access(path, F_OK) != 0) break;
    }
    ml_save_opts opts = { .width = mli_view_width(w), .height = mli_view_height(w), .style = mli_view_style(w) };
    if (mli_save_look(w->fig, path, &opts, &w->hand.look)) {
        mli_view_notice(w, "saved ", path);
    } else {
        mli_view_notice(w, "", ml_error_message());
        ml_error_clear();
    }
}

/* --- keys --------------------------------------------------------------------------------------------- */
static void on_look(ml_window *w, bool changed)
{
    w->stale |= changed;
    w->uncovered = true; /* the pointer has moved, or what it holds */
}

/* Keys for the training: Space, '.', Ctrl-Q. */
static void on_loop_key(ml_window *w, SDL_Keycode key)
{
    bool paused = ml_loop_look().paused, done = true;
    switch (key) {
    case SDLK_SPACE: done = ml_loop_pause(!paused); break;
    case SDLK_PERIOD: done = ml_loop_advance(); break;
    default:
        done = ml_loop_look().running;
        if (done) {
            ml_interrupt_raise();
            mli_view_notice(w, "stops after the step under way", "");
        }
    }
    if (!done) mli_view_notice(w, "no training is under way", "");
    w->status_time = 0;
}

static void tell_smoothing(ml_window *w)
{
    char much[32];
    snprintf(much, sizeof much, "%g", mli_hand_smoothing(&w->hand));
    mli_view_notice(w, "smoothing ", mli_hand_smoothing(&w->hand) > 0 ? much : "off");
}

static void on_key(ml_window *w, SDL_Keycode key, bool shift)
{
    switch (key) {
    case SDLK_s: save_picture(w); break;
    case SDLK_t: w->style = mli_view_style(w) == ML_STYLE_DARK ? ML_STYLE_LIGHT : ML_STYLE_DARK; break;
    case SDLK_PLUS:
    case SDLK_EQUALS:
    case SDLK_KP_PLUS: w->zoom = fmin(w->zoom * 1.125, 4); break;
    case SDLK_MINUS:
    case SDLK_KP_MINUS: w->zoom = fmax(w->zoom / 1.125, 0.4); break;
    case SDLK_SPACE:
    case SDLK_PERIOD: on_loop_key(w, key); return;
    case SDLK_q: atomic_store(&w->state, MLI_CLOSED); break;
    case SDLK_QUESTION:
    case SDLK_F1: w->help = !w->help; break;
    case SDLK_SLASH:
        if (shift) w->help = !w->help; /* where ? is on most keyboards */
        break;
    case SDLK_ESCAPE:
        if (w->help)
            w->help = false;
        else
            on_look(w, mli_hand_key(&w->hand, '\x1b'));
        break;
    default:
        if (key < 128) on_look(w, mli_hand_key(&w->hand, (int)key));
        if (key == SDLK_LEFTBRACKET || key == SDLK_RIGHTBRACKET) tell_smoothing(w);
        return;
    }
    w->stale = true;
}

/* --- controls ----------------------------------------------------------------------------------------- */
/* Does what a control wants. False: the gesture was not for controls. */
static bool perform(ml_window *w, mli_act act)
{
    switch (act.kind) {
    case MLI_ACT_PASS: return false;
    case MLI_ACT_LOOK: break;
    case MLI_ACT_TURN:
        if (!ml_knobs_turn(w->knobs, act.knob, act.value, act.goes_on)) w->knobs_version = 0; /* show what it is */
        break;
    case MLI_ACT_PAUSE: on_loop_key(w, SDLK_SPACE); break;
    case MLI_ACT_STEP: on_loop_key(w, SDLK_PERIOD); break;
    case MLI_ACT_STOP: on_loop_key(w, SDLK_q); break;
    case MLI_ACT_SMOOTH: w->stale |= mli_hand_smooth(&w->hand, act.value); break;
    }
    w->uncovered = true;
    return true;
}

static bool on_control_key(ml_window *w, SDL_Keycode key, bool shift)
{
    mli_controls *c = &w->controls;
    switch (key) {
    case SDLK_LEFT: return perform(w, mli_controls_key(c, MLI_KEY_LEFT));
    case SDLK_RIGHT: return perform(w, mli_controls_key(c, MLI_KEY_RIGHT));
    case SDLK_UP: return perform(w, mli_controls_key(c, MLI_KEY_UP));
    case SDLK_DOWN: return perform(w, mli_controls_key(c, MLI_KEY_DOWN));
    case SDLK_RETURN:
    case SDLK_KP_ENTER: return perform(w, mli_controls_key(c, MLI_KEY_ENTER));
    case SDLK_TAB: return perform(w, mli_controls_key(c, shift ? MLI_KEY_BACK_TAB : MLI_KEY_TAB));
    case SDLK_ESCAPE: return !w->help && perform(w, mli_controls_key(c, MLI_KEY_ESCAPE));
    default: return false;
    }
}

/* --- the mouse ---------------------------------------------------------------------------------------- */
/* SDL counts in the system's units, controls in those of the page, hands in those that the figure was laid out in. */
static double to_page(const ml_window *w, double at)
{
    int width, unused;
    SDL_GetWindowSize(w->sdl, &width, &unused);
    double pixels = width > 0 ? (double)w->pixels_w / width : 1;
    return at * pixels / (w->scale * w->zoom);
}

static double to_hand(const ml_window *w, double at)
{
    double scale = w->hand.seen.scale;
    return at / (scale > 0 ? scale : 1);
}

/* A figure that is being dragged has the pointer wherever it is. */
static bool controls_have(ml_window *w, mli_act act)
{
    if (!perform(w, act)) return false;
    w->hand.points = false;
    return true;
}

static void on_motion(ml_window *w, const SDL_MouseMotionEvent *e)
{
    double x = w->at_x = to_page(w, e->x), y = w->at_y = to_page(w, e->y);
    if (w->hand.grip == MLI_GRIP_NONE && controls_have(w, mli_controls_move(&w->controls, x, y))) return;
    on_look(w, mli_hand_move(&w->hand, to_hand(w, x - w->controls.column), to_hand(w, y)));
}

static void on_button(ml_window *w, const SDL_MouseButtonEvent *e)
{
    double page_x = to_page(w, e->x), page_y = to_page(w, e->y);
    double x = to_hand(w, page_x - w->controls.column), y = to_hand(w, page_y);
    bool   left = e->button == SDL_BUTTON_LEFT, pan = !left || (SDL_GetModState() & KMOD_SHIFT);
    if (!left && e->button != SDL_BUTTON_RIGHT && e->button != SDL_BUTTON_MIDDLE) return;
    bool free = w->hand.grip == MLI_GRIP_NONE;
    if (e->type == SDL_MOUSEBUTTONDOWN) {
        SDL_CaptureMouse(SDL_TRUE); /* what is dragged may leave the window */
        if (!w->help && free && left && controls_have(w, mli_controls_down(&w->controls, page_x, page_y, e->clicks))) return;
        if (!w->help && page_x < w->controls.column) return;
        w->help = false;
        on_look(w, mli_hand_down(&w->hand, x, y, pan, e->clicks));
    } else {
        SDL_CaptureMouse(SDL_FALSE);
        if (free && left && controls_have(w, mli_controls_up(&w->controls, page_x, page_y))) return;
        on_look(w, mli_hand_up(&w->hand, x, y));
    }
}

static void on_wheel(ml_window *w, const SDL_MouseWheelEvent *e)
{
    double turns = e->preciseY != 0 ? (double)e->preciseY : e->y;
    if (e->direction == SDL_MOUSEWHEEL_FLIPPED) turns = -turns;
    if (w->hand.points) on_look(w, mli_hand_wheel(&w->hand, w->hand.x, w->hand.y, turns));
    else perform(w, mli_controls_wheel(&w->controls, w->at_x, w->at_y, turns));
}

void mli_window_event(ml_window *w, const SDL_Event *e)
{
    bool drawn = w->pixels; /* before that, nothing has a place */
    switch (e->type) {
    case SDL_KEYDOWN: {
        bool with = e->key.keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI);
        if ((e->key.keysym.mod & KMOD_CTRL) && e->key.keysym.sym == SDLK_q) on_loop_key(w, SDLK_q);
        bool shift = e->key.keysym.mod & KMOD_SHIFT;
        if (!with && !on_control_key(w, e->key.keysym.sym, shift)) on_key(w, e->key.keysym.sym, shift);
        return;
    }
    case SDL_MOUSEMOTION:
        if (drawn) on_motion(w, &e->motion);
        return;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        if (drawn) on_button(w, &e->button);
        return;
    case SDL_MOUSEWHEEL:
        if (drawn) on_wheel(w, &e->wheel);
        return;
    case SDL_WINDOWEVENT: break;
    default: return;
    }
    switch (e->window.event) {
    case SDL_WINDOWEVENT_CLOSE: atomic_store(&w->state, MLI_CLOSED); break;
    case SDL_WINDOWEVENT_SIZE_CHANGED: w->stale = true; break;
    case SDL_WINDOWEVENT_LEAVE:
        w->hand.points = false;
        mli_controls_leave(&w->controls); /* fall through */
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_RESTORED: w->uncovered = true; break;
    default: break;
    }
}
