/* A training and its window, with hands on it: points and panels come from one thread, steps are paused and gone on with, every key and
 * every gesture arrives meanwhile, and the window is seen, closed and opened again. A program of its own, as Criterion does not run under
 * the thread sanitizer. Needs a display. Exits with 0 when all went well. */
#define _GNU_SOURCE
#include "figure_samples.h"
#include "foreign_leaks.h"

#include "figure/window.h"
#include "moonlab/run.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static atomic_llong steps_done;
static atomic_int   failures, visits, n_turns;
static ml_figure   *fig;
static ml_knobs    *knobs;
static double       width_seen; /* written by the window thread before it counts the visit */
static mli_box      axes;
static Uint32       id; /* of the window, to SDL */

static void expect(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s: %s\n", what, ml_error_message());
    atomic_fetch_add(&failures, 1);
}

static void nap(double seconds)
{
    nanosleep(&(struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) }, NULL);
}

enum { N_KNOBS = 4 };

static void add_knobs(void)
{
    static const char *const choices[] = { "one", "another", "a third", "one that is long", "a fifth that is longer" };
    knobs = ml_knobs_new();
    expect(ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_SLIDER, .label = "slider", .to = 1 }) == 0, "slider");
    expect(ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_TOGGLE, .label = "toggle" }) == 1, "toggle");
    expect(ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_CHOICE, .label = "choice", .choices = choices, .n_choices = 5 }) == 2, "choice");
    expect(ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_BUTTON, .label = "button" }) == 3, "button");
}

static void *train(void *unused)
{
    double cells[64] = { 0 };
    for (int64_t done = 0; !ml_interrupted(); done++) {
        bool woken = true; /* turns are taken in a pause too */
        while (woken) {
            ml_turn turn;
            ml_loop_wait(&steps_done, done, &woken);
            while (ml_knobs_take(knobs, &turn)) {
                expect(turn.knob >= 0 && turn.knob < N_KNOBS, "a turn");
                atomic_fetch_add(&n_turns, 1);
            }
        }
        if (ml_interrupted()) break;
        if (done % 30 == 0) expect(ml_knobs_set(knobs, 0, (double)(done % 100) / 100), "set");
        if (done % 200 == 0) ml_knobs_lock(knobs, done % 400 == 0);
        expect(ml_figure_point(fig, "train_acc", (double)(1000 + done), sample_noise((uint32_t)done)), "point");
        cells[done % 64] = (double)done;
        if (done % 20 == 0) expect(ml_figure_give(fig, SAMPLE_HEATMAP, (ml_data[]){ { "values", 2, { 8, 8 }, cells } }, 1), "heatmap");
        nap(0.001);
        atomic_store(&steps_done, done + 1);
    }
    ml_loop_end(&steps_done);
    return unused;
}

static void look(ml_window *w)
{
    width_seen = w->hand.look.panel[0].range[MLI_X][1] - w->hand.look.panel[0].range[MLI_X][0];
    axes       = w->hand.seen.panel[0].box;
    id         = SDL_GetWindowID(w->sdl);
    atomic_fetch_add(&visits, 1);
}

static bool seen(ml_window *w)
{
    int before = atomic_load(&visits);
    atomic_store(&w->visit, look);
    for (int i = 0; i < 3000 && atomic_load(&visits) == before; i++) nap(0.01);
    return atomic_load(&visits) != before;
}

static void push(SDL_Event e)
{
    expect(SDL_PushEvent(&e) == 1, "an event");
}

static void storm(void)
{
    static const SDL_Keycode keys[] = { SDLK_x, SDLK_y, SDLK_m, SDLK_RIGHTBRACKET, SDLK_r, SDLK_QUESTION, SDLK_t, SDLK_PLUS, SDLK_MINUS, SDLK_SPACE,
                                        SDLK_PERIOD, SDLK_ESCAPE, SDLK_TAB, SDLK_LEFT, SDLK_RETURN };
    for (uint32_t i = 0; i < 120; i++) {
        int x = (int)(300 + 300 * sample_noise(3 * i)), y = (int)(200 + 200 * sample_noise(3 * i + 1));
        push((SDL_Event){ .motion = { .type = SDL_MOUSEMOTION, .windowID = id, .x = x, .y = y } });
        if (i % 4 == 0) push((SDL_Event){ .wheel = { .type = SDL_MOUSEWHEEL, .windowID = id, .y = i % 3 ? 1 : -1 } });
        if (i % 5 == 0)
            push((SDL_Event){ .button = { .type = i % 2 ? SDL_MOUSEBUTTONUP : SDL_MOUSEBUTTONDOWN, .windowID = id, .button = SDL_BUTTON_LEFT,
                                          .clicks = 1, .x = x, .y = y } });
        push((SDL_Event){ .key = { .type = SDL_KEYDOWN, .windowID = id, .keysym = { .sym = keys[i % 15] } } });
        nap(0.005);
    }
}

int main(void)
{
    size_t    before = ml_memory().live;
    pthread_t thread;
    fig = sample_grokking(1000);
    add_knobs();
    ml_figure_set_knobs(fig, knobs);
    for (int round = 0; round < 2 && !atomic_load(&failures); round++) {
        ml_window *window = ml_window_open(fig, &(ml_window_opts){ .width = 600, .height = 400 });
        expect(window != NULL, "window");
        if (!window) break;
        ml_interrupt_begin();
        atomic_store(&steps_done, 0);
        ml_loop_begin(&steps_done, 1000000);
        pthread_create(&thread, NULL, train, NULL);
        expect(seen(window), "the window is seen");
        storm();
        push((SDL_Event){ .key = { .type = SDL_KEYDOWN, .windowID = id, .keysym = { .sym = SDLK_r } } });
        for (int i = 0; i < 1000 && (!seen(window) || width_seen != 0); i++) nap(0.01);
        expect(width_seen == 0 && axes.w > 0, "r");
        if (ml_loop_look().paused) ml_loop_pause(false);
        push((SDL_Event){ .key = { .type = SDL_KEYDOWN, .windowID = id, .keysym = { .sym = SDLK_q, .mod = KMOD_LCTRL } } });
        pthread_join(thread, NULL); /* Ctrl-Q has stopped it */
        ml_interrupt_end();
        ml_window_close(window);
    }
    expect(atomic_load(&n_turns) > 0, "no knob was turned");
    ml_figure_release(fig);
    ml_knobs_release(knobs);
    expect(ml_memory().live == before, "memory");
    return atomic_load(&failures) != 0;
}
