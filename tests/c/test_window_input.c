/* What keys and the mouse do in a live window: real events in, the state of the window and what is on the screen out. */
#define _GNU_SOURCE
#include "foreign_leaks.h"
#include "picture.h"
#include "screen.h"

#include "figure/window.h"
#include "moonlab/run.h"

#include <pthread.h>

#define NAMES(...) ((const char *[]){ __VA_ARGS__ })

TestSuite(window_input, .init = need_screen);

/* --- the mouse: places are those of the picture ------------------------------------------------------ */
static ml_window *hand_in;

static int on_window(double at)
{
    return (int)lround(at * hand_in->hand.seen.scale * hand_in->scale * hand_in->zoom);
}

static void push(SDL_Event e)
{
    cr_assert(SDL_PushEvent(&e) == 1);
}

static void move_to(double x, double y)
{
    push((SDL_Event){ .motion = { .type = SDL_MOUSEMOTION, .windowID = 1, .x = on_window(x), .y = on_window(y) } });
}

static void button(Uint32 type, Uint8 which, double x, double y, Uint8 clicks)
{
    push((SDL_Event){ .button = { .type = type, .windowID = 1, .button = which, .clicks = clicks, .x = on_window(x),
                                  .y = on_window(y) } });
}

static void click(double x, double y, Uint8 clicks)
{
    for (Uint8 i = 1; i <= clicks; i++) {
        button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_LEFT, x, y, i);
        button(SDL_MOUSEBUTTONUP, SDL_BUTTON_LEFT, x, y, i);
    }
}

static void wheel(int turns)
{
    push((SDL_Event){ .wheel = { .type = SDL_MOUSEWHEEL, .windowID = 1, .y = turns } });
}

/* Panel 1: a rising and a falling curve over 1..1000; panel 2: one curve. */
static ml_window *open_two(ml_figure **fig)
{
    *fig = ml_figure_new(1, 2, "Hands");
    cr_assert(ml_figure_lines(*fig, 0, NAMES("up", "down"), 2, &(ml_panel_opts){ .title = "first", .xlabel = "step" }));
    cr_assert(ml_figure_lines(*fig, 1, NAMES("flat"), 1, &(ml_panel_opts){ .title = "flat", .yscale = ML_SCALE_LOG }));
    for (int i = 1; i <= 1000; i++) {
        cr_assert(ml_figure_point(*fig, "up", i, i / 1000.0));
        cr_assert(ml_figure_point(*fig, "down", i, 1 - i / 1000.0));
        cr_assert(ml_figure_point(*fig, "flat", i, 3 + i % 2));
    }
    hand_in = open_window(*fig, (ml_window_opts){ .width = 900, .height = 500 });
    WAIT_UNTIL(on_screen(light()->palette[1]) > 100);
    return hand_in;
}

static void close_two(ml_window *window, ml_figure *fig)
{
    ml_window_close(window);
    ml_figure_release(fig);
}

static double width_of(const ml_window *w, int panel, int axis)
{
    const double *r = w->hand.look.panel[panel].range[axis];
    return r[1] - r[0];
}

/* Until the picture on screen is one of the present look. */
static void wait_for_picture(ml_window *w)
{
    nap(0.05);
    int64_t frames = ml_window_frames(w);
    WAIT_UNTIL(!w->stale && !w->uncovered && ml_window_frames(w) >= frames);
    nap(0.1);
}

Test(window_input, wheel_box_pan_and_two_clicks)
{
    ml_figure     *fig;
    ml_window     *w = open_two(&fig);
    mli_seen_panel p = w->hand.seen.panel[0];
    mli_box        b = p.box;
    move_to(b.x + b.w / 2, b.y + b.h / 2);
    wheel(2);
    WAIT_UNTIL(width_of(w, 0, MLI_X) > 0);
    double middle = mli_ruler_value(&p.ruler[MLI_X], b.x + b.w / 2), wide = p.ruler[MLI_X].high - p.ruler[MLI_X].low;
    cr_expect(fabs(width_of(w, 0, MLI_X) - wide / 1.25 / 1.25) < 0.02 * wide, "%g of %g", width_of(w, 0, MLI_X), wide);
    cr_expect(w->hand.look.panel[0].range[MLI_X][0] < middle && w->hand.look.panel[0].range[MLI_X][1] > middle);
    wait_for_picture(w);
    cr_expect(fabs(w->hand.seen.panel[0].ruler[MLI_X].low - w->hand.look.panel[0].range[MLI_X][0]) < 1, "it is on the picture");

    click(b.x + b.w / 2, b.y + b.h / 2, 2);
    WAIT_UNTIL(width_of(w, 0, MLI_X) == 0);
    wait_for_picture(w);

    /* a box, seen while it is dragged */
    mli_colour shade = mli_mix(light()->paper, light()->palette[0], 0.15);
    int        before = on_screen(shade);
    button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_LEFT, b.x + 0.25 * b.w, b.y + 0.25 * b.h, 1);
    move_to(b.x + 0.75 * b.w, b.y + 0.75 * b.h);
    WAIT_UNTIL(on_screen(shade) > before + 5000);
    keep_screen("box");
    button(SDL_MOUSEBUTTONUP, SDL_BUTTON_LEFT, b.x + 0.75 * b.w, b.y + 0.75 * b.h, 1);
    WAIT_UNTIL(on_screen(shade) <= before + 100);
    cr_expect(fabs(width_of(w, 0, MLI_X) - wide / 2) < 0.02 * wide, "%g of %g", width_of(w, 0, MLI_X), wide);
    wait_for_picture(w);

    double low = w->hand.look.panel[0].range[MLI_X][0], seen = width_of(w, 0, MLI_X);
    b = w->hand.seen.panel[0].box;
    button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_RIGHT, b.x + 0.5 * b.w, b.y + 0.5 * b.h, 1);
    move_to(b.x + 0.75 * b.w, b.y + 0.5 * b.h);
    button(SDL_MOUSEBUTTONUP, SDL_BUTTON_RIGHT, b.x + 0.75 * b.w, b.y + 0.5 * b.h, 1);
    WAIT_UNTIL(w->hand.look.panel[0].range[MLI_X][0] < low);
    cr_expect(fabs(low - w->hand.look.panel[0].range[MLI_X][0] - seen / 4) < 0.02 * seen);
    cr_expect(fabs(width_of(w, 0, MLI_X) - seen) < 1e-6 * seen);
    cr_expect_eq(width_of(w, 1, MLI_X), 0, "the other panel stays as it was");
    press(1, SDLK_r);
    WAIT_UNTIL(width_of(w, 0, MLI_X) == 0);
    close_two(w, fig);
}

Test(window_input, values_stand_beside_the_pointer)
{
    ml_figure *fig;
    ml_window *w = open_two(&fig);
    mli_box    b = w->hand.seen.panel[0].box;
    move_to(5, 5);
    wait_for_picture(w);
    int     plain  = on_screen(light()->palette[1]);
    int64_t frames = ml_window_frames(w);
    move_to(b.x + 0.25 * b.w, b.y + 0.5 * b.h);
    WAIT_UNTIL(on_screen(light()->palette[1]) >= plain + 49); /* the square beside the name, and a dot on the curve */
    keep_screen("values");
    push((SDL_Event){ .window = { .type = SDL_WINDOWEVENT, .windowID = 1, .event = SDL_WINDOWEVENT_LEAVE } });
    WAIT_UNTIL(on_screen(light()->palette[1]) == plain);
    cr_expect_eq(ml_window_frames(w), frames, "the figure was not drawn again for it");
    close_two(w, fig);
}

Test(window_input, a_click_on_a_name_hides_the_curve)
{
    ml_figure     *fig;
    ml_window     *w = open_two(&fig);
    mli_seen_entry e = w->hand.seen.entry[0];
    cr_assert_eq(w->hand.seen.n_entries, 2, "up and down; the third curve is its panel's title");
    move_to(5, 5);
    wait_for_picture(w);
    int shown = on_screen(light()->palette[1]);
    click(w->hand.seen.entry[1].box.x + 30, w->hand.seen.entry[1].box.y + 5, 1);
    WAIT_UNTIL(w->hand.look.n_hidden == 1);
    move_to(5, 5);
    WAIT_UNTIL(on_screen(light()->palette[1]) == 0);
    wait_for_picture(w);
    keep_screen("hidden");
    e = w->hand.seen.entry[1];
    click(e.box.x + 30, e.box.y + 5, 1);
    WAIT_UNTIL(w->hand.look.n_hidden == 0);
    move_to(5, 5);
    WAIT_UNTIL(on_screen(light()->palette[1]) == shown);
    close_two(w, fig);
}

Test(window_input, keys_for_scales_and_panels)
{
    ml_figure *fig;
    ml_window *w = open_two(&fig);
    mli_box    b = w->hand.seen.panel[1].box;
    move_to(b.x + 20, b.y + 20);
    press(1, SDLK_x);
    press(1, SDLK_y);
    WAIT_UNTIL(w->hand.seen.panel[1].ruler[MLI_X].scale == ML_SCALE_LOG);
    WAIT_UNTIL(w->hand.seen.panel[1].ruler[MLI_Y].scale == ML_SCALE_LINEAR);
    cr_expect_eq(w->hand.seen.panel[0].ruler[MLI_X].scale, ML_SCALE_LINEAR);

    press(1, SDLK_m);
    WAIT_UNTIL(w->hand.seen.panel[1].box.w > 700);
    WAIT_UNTIL(on_screen(light()->palette[1]) == 0); /* the first panel's second curve */
    press(1, SDLK_ESCAPE);
    WAIT_UNTIL(on_screen(light()->palette[1]) > 100);

    b = w->hand.seen.panel[0].box;
    click(b.x + 20, b.y - 15, 2);
    WAIT_UNTIL(w->hand.seen.panel[0].box.w > 700);
    wait_for_picture(w);
    b = w->hand.seen.panel[0].box;
    click(b.x + 20, b.y - 15, 2);
    WAIT_UNTIL(w->hand.seen.panel[0].box.w < 500);

    press(1, SDLK_RIGHTBRACKET);
    WAIT_UNTIL(w->hand.look.smoothing > 0);
    WAIT_UNTIL(strstr(w->notice, "smoothing 0.5"));
    press(1, SDLK_LEFTBRACKET);
    WAIT_UNTIL(w->hand.look.smoothing == 0);
    close_two(w, fig);
}

Test(window_input, a_list_of_keys)
{
    ml_figure *fig;
    ml_window *w = open_two(&fig);
    wait_for_picture(w);
    int words = on_screen(light()->quiet), curves = on_screen(light()->palette[0]);
    press(1, SDLK_QUESTION);
    WAIT_UNTIL(on_screen(light()->palette[0]) < curves - 5000); /* it lies over the figure */
    cr_expect(on_screen(light()->quiet) > words, "and says something");
    keep_screen("keys");
    press(1, SDLK_ESCAPE);
    WAIT_UNTIL(on_screen(light()->palette[0]) == curves);
    cr_expect_eq(on_screen(light()->quiet), words);
    close_two(w, fig);
}

Test(window_input, a_saved_picture_is_what_is_seen)
{
    char folder[] = "hands-XXXXXX", path[64];
    cr_assert(mkdtemp(folder));
    ml_figure *fig = ml_figure_new(1, 2, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, NULL) && ml_figure_lines(fig, 1, NAMES("b", "c"), 2, NULL));
    for (int i = 0; i < 100; i++) cr_assert(ml_figure_point(fig, "a", i, i) && ml_figure_point(fig, "c", i, -i));
    ml_window *w = hand_in = open_window(fig, (ml_window_opts){ .width = 600, .height = 300, .title = "p", .folder = folder });
    mli_box    b = w->hand.seen.panel[0].box;
    move_to(b.x + 20, b.y + 20);
    press(1, SDLK_m);
    WAIT_UNTIL(w->hand.look.alone == 1);
    press(1, SDLK_s);
    snprintf(path, sizeof path, "%s/p-1.png", folder);
    picture p = { 0 };
    WAIT_UNTIL((p = picture_read(path)).surface);
    int other = 0;
    for (int y = 0; y < p.h; y++)
        for (int x = 0; x < p.w; x++) other += colour_distance(picture_at(&p, x, y), light()->palette[1]) < 0.02;
    cr_expect_eq(other, 0, "the second panel is not on it");
    picture_free(&p);
    unlink(path);
    rmdir(folder);
    close_two(w, fig);
}

/* A training of many short steps. */
static atomic_llong steps_done;

static void *train(void *fig)
{
    for (int64_t done = 0; done < 1000000 && !ml_interrupted(); done++) {
        ml_loop_step(&steps_done, done);
        if (ml_interrupted()) break;
        nap(0.001);
        atomic_store(&steps_done, done + 1);
        if (done % 100 == 0) ml_figure_point(fig, "up", (double)(1000 + done), 0.5);
    }
    ml_loop_end(&steps_done);
    return NULL;
}

static bool stands(void)
{
    long long before = atomic_load(&steps_done);
    nap(0.1);
    return atomic_load(&steps_done) == before;
}

Test(window_input, training_is_paused_stepped_and_stopped)
{
    ml_figure *fig;
    ml_window *w = open_two(&fig);
    pthread_t  thread;
    press(1, SDLK_SPACE);
    WAIT_UNTIL(strstr(w->notice, "no training"));
    ml_interrupt_begin();
    ml_loop_begin(&steps_done, 1000000);
    cr_assert(pthread_create(&thread, NULL, train, fig) == 0);
    WAIT_UNTIL(w->controls.loop && strstr(w->status, "it/s"));
    press(1, SDLK_SPACE);
    WAIT_UNTIL(stands());
    WAIT_UNTIL(strstr(w->status, "paused at step"));
    keep_screen("paused");
    long long at = atomic_load(&steps_done);
    press(1, SDLK_PERIOD);
    press(1, SDLK_PERIOD);
    WAIT_UNTIL(atomic_load(&steps_done) == at + 2);
    cr_expect(stands());
    press(1, SDLK_SPACE);
    WAIT_UNTIL(atomic_load(&steps_done) > at + 20);
    press(1, SDLK_SPACE);
    WAIT_UNTIL(stands());
    push((SDL_Event){ .key = { .type = SDL_KEYDOWN, .windowID = 1, .keysym = { .sym = SDLK_q, .mod = KMOD_LCTRL } } });
    WAIT_UNTIL(!ml_loop_look().running); /* also out of a pause */
    pthread_join(thread, NULL);
    cr_expect(ml_window_is_open(w), "the window stays");
    ml_interrupt_end();

    /* closing a window ends no training, and no pause is left behind */
    ml_interrupt_begin();
    ml_loop_begin(&steps_done, 1000000);
    cr_assert(pthread_create(&thread, NULL, train, fig) == 0);
    press(1, SDLK_SPACE);
    WAIT_UNTIL(ml_loop_look().paused);
    press(1, SDLK_q);
    WAIT_UNTIL(!ml_loop_look().paused);
    at = atomic_load(&steps_done);
    WAIT_UNTIL(atomic_load(&steps_done) > at);
    ml_interrupt_raise();
    pthread_join(thread, NULL);
    ml_interrupt_end();
    close_two(w, fig);
}

Test(window_input, a_storm_of_events_harms_nothing)
{
    ml_figure *fig;
    ml_window *w = open_two(&fig);
    for (uint32_t i = 0; i < 600; i++) {
        double x = 900 * sample_noise(4 * i) / 2, y = 500 * sample_noise(4 * i + 1) / 2;
        x = 450 + x, y = 250 + y;
        switch ((int)(fabs(sample_noise(4 * i + 2)) * 6)) {
        case 0: move_to(x, y); break;
        case 1: wheel((int)(sample_noise(4 * i + 3) * 10)); break;
        case 2: button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_LEFT, x, y, (Uint8)(1 + i % 2)); break;
        case 3: button(SDL_MOUSEBUTTONUP, SDL_BUTTON_RIGHT, x, y, 1); break;
        case 4: button(SDL_MOUSEBUTTONDOWN, SDL_BUTTON_RIGHT, x, y, 1); break;
        default: press(1, (SDL_Keycode) "xym[]r?t+-"[i % 10]); break;
        }
        if (i % 20 == 0) ml_figure_point(fig, "up", 1000 + i, 0.5);
        if (i % 20 == 0) nap(0.02);
    }
    press(1, SDLK_q);
    cr_expect(ml_window_wait(w, PATIENCE), "it still listens");
    close_two(w, fig);
}
