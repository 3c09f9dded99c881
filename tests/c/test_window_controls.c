/* Knobs and the bar in a live window: real events in; the board, the training and what is on the screen out. At the end a whole run of
 * the program, with a hand on it, and the same run without one. */
#define _GNU_SOURCE
#include "foreign_leaks.h"
#include "hands.h"

#include "moonlab/run.h"

#include <pthread.h>
#include <sys/wait.h>

TestSuite(window_controls, .init = need_screen);

/* --- places are those of the page -------------------------------------------------------------------------- */
static mli_control find(ml_window *w, mli_control_kind kind, int knob, int part)
{
    const mli_control *at = NULL;
    mli_control_id     id = { kind, knob, part };
    for (int i = 0; i < see(w)->controls.n; i++)
        if (memcmp(&visited.controls.at[i].id, &id, sizeof id) == 0) at = &visited.controls.at[i];
    cr_assert(at, "there is no control %d of knob %d", kind, knob);
    return *at;
}

static spot on_page(ml_window *w, double x, double y)
{
    Window unused;
    spot   corner;
    double pixels = see(w)->scale * visited.zoom;
    XTranslateCoordinates(hands, hands_x, DefaultRootWindow(hands), 0, 0, &corner.x, &corner.y, &unused);
    return (spot){ corner.x + (int)lround(pixels * x), corner.y + (int)lround(pixels * y) };
}

static void point_to(spot at)
{
    XTestFakeMotionEvent(hands, -1, at.x, at.y, 0);
    XSync(hands, False);
}

static void click_on(ml_window *w, mli_control at)
{
    point_to(on_page(w, at.box.x + at.box.w / 2, at.box.y + at.box.h / 2));
    button(1, true), button(1, false);
}

static bool is_there(spot at, mli_colour c)
{
    screen s   = screen_open();
    bool   yes = colour_near(&s, at, c, 0);
    munmap(s.map, s.bytes);
    return yes;
}

/* --- a training that takes turns ---------------------------------------------------------------------------- */
enum { LR, AUGMENT, ACT, DATA, RESET };

static ml_knobs    *knobs;
static ml_figure   *fig;
static atomic_llong steps_done;
static atomic_int   n_turns, n_resets;
static ml_turn      turns[1000]; /* written before they are counted */
static long long    turned_at[1000];

static void *train(void *unused)
{
    for (int64_t done = 0; !ml_interrupted(); done++) {
        bool woken = true;
        while (woken) {
            ml_turn turn;
            ml_loop_wait(&steps_done, done, &woken);
            while (ml_knobs_take(knobs, &turn)) {
                int n        = atomic_load(&n_turns);
                turns[n]     = turn;
                turned_at[n] = done;
                if (turn.knob == RESET) atomic_fetch_add(&n_resets, 1);
                atomic_store(&n_turns, n + 1);
            }
        }
        if (ml_interrupted()) break;
        nap(0.001);
        if (done % 10 == 0) ml_figure_point(fig, "loss", (double)done, 1 + sample_noise((uint32_t)done) / 2);
        atomic_store(&steps_done, done + 1);
    }
    ml_loop_end(&steps_done);
    return unused;
}

static bool last_turn_is(int knob, double value)
{
    int n = atomic_load(&n_turns);
    return n > 0 && turns[n - 1].knob == knob && fabs(turns[n - 1].value - value) <= 0.06 * value; /* a pixel of a log scale */
}

static ml_window *open_with_knobs(pthread_t *thread, ml_window_opts opts)
{
    static const char *const acts[] = { "relu", "tanh", "gelu" };
    static const char *const data[] = { "two moons", "spirals", "checkerboard", "circles", "xor", "gaussian blobs" };
    knobs = ml_knobs_new();
    fig   = ml_figure_new(1, 1, "Knobs");
    cr_assert(ml_figure_lines(fig, 0, (const char *[]){ "loss" }, 1, NULL));
    ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_SLIDER, .label = "learning rate", .from = 1e-4, .to = 1, .log = true, .value = 0.01 });
    ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_TOGGLE, .label = "augment" });
    ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_CHOICE, .label = "activation", .choices = acts, .n_choices = 3 });
    ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_CHOICE, .label = "data", .choices = data, .n_choices = 6 });
    ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_BUTTON, .label = "reset" });
    ml_figure_set_knobs(fig, knobs);
    ml_interrupt_begin();
    ml_loop_begin(&steps_done, 1000000);
    cr_assert(pthread_create(thread, NULL, train, NULL) == 0);
    ml_window *w = open_window(fig, opts);
    hands_on(w);
    WAIT_UNTIL(see(w)->controls.loop && is_settled(w) && visited.controls.page_h * visited.scale == visited.pixels_h);
    return w;
}

static void close_with_knobs(ml_window *w, pthread_t thread)
{
    ml_interrupt_raise();
    pthread_join(thread, NULL);
    ml_interrupt_end();
    ml_window_close(w);
    ml_figure_release(fig);
    ml_knobs_release(knobs);
    hands_off();
}

/* --- knobs -------------------------------------------------------------------------------------------------- */
Test(window_controls, knobs_are_turned_by_hand)
{
    pthread_t  thread;
    ml_window *w = open_with_knobs(&thread, (ml_window_opts){ .width = 800, .height = 420 });
    mli_colour blue = light()->palette[0];
    see(w);
    cr_expect(visited.controls.column > 150 && visited.hand.seen.panel[0].box.w < 800 - visited.controls.column, "the figure has the rest");

    mli_control s    = find(w, MLI_CONTROL_SLIDER, LR, 0);
    spot        from = on_page(w, s.track.x + s.track.w * mli_slider_place(&visited.controls.knob[LR], 0.01), s.track.y);
    spot        to   = on_page(w, s.track.x + 0.75 * s.track.w, s.track.y);
    cr_expect(is_there((spot){ from.x, from.y }, light()->paper), "the handle");
    cr_expect_not(is_there((spot){ from.x + 14, from.y }, blue));
    point_to(from);
    button(1, true);
    for (int i = 1; i <= 6; i++) {
        point_to((spot){ from.x + (to.x - from.x) * i / 6, from.y + 5 * i });
        nap(0.03);
    }
    keep_screen("50-dragging-a-knob");
    button(1, false);
    WAIT_UNTIL(last_turn_is(LR, 0.1));
    int n = atomic_load(&n_turns);
    cr_expect(n >= 3, "it was felt all the way, %d times", n);
    for (int i = 1; i < n; i++) cr_expect(turns[i].knob == LR && turns[i].goes_on && turns[i].value > turns[i - 1].value, "one gesture");
    WAIT_UNTIL(is_settled(w) && is_there((spot){ from.x + 14, from.y }, blue));

    click_on(w, find(w, MLI_CONTROL_TOGGLE, AUGMENT, 0));
    WAIT_UNTIL(last_turn_is(AUGMENT, 1));
    mli_control toggle = find(w, MLI_CONTROL_TOGGLE, AUGMENT, 0), tanh_part = find(w, MLI_CONTROL_SEGMENT, ACT, 1);
    WAIT_UNTIL(is_there(on_page(w, toggle.track.x + 7, toggle.track.y + toggle.track.h / 2), blue));
    click_on(w, tanh_part);
    WAIT_UNTIL(last_turn_is(ACT, 1));
    WAIT_UNTIL(is_there(on_page(w, tanh_part.box.x + 4, tanh_part.box.y + 6), blue));

    click_on(w, find(w, MLI_CONTROL_LIST, DATA, 0));
    WAIT_UNTIL(see(w)->controls.list == DATA + 1 && is_settled(w));
    mli_control entry = find(w, MLI_CONTROL_ENTRY, DATA, 3);
    point_to(on_page(w, entry.box.x + 20, entry.box.y + 8));
    WAIT_UNTIL(see(w)->controls.hover.kind == MLI_CONTROL_ENTRY && is_settled(w));
    keep_screen("51-an-open-list");
    click_on(w, entry);
    WAIT_UNTIL(last_turn_is(DATA, 3) && see(w)->controls.list == 0);

    click_on(w, find(w, MLI_CONTROL_BUTTON, RESET, 0));
    click_on(w, find(w, MLI_CONTROL_BUTTON, RESET, 0));
    WAIT_UNTIL(atomic_load(&n_resets) == 2);
    cr_expect(turned_at[n] > 0 && turned_at[n] <= turned_at[atomic_load(&n_turns) - 1], "between steps, in order");

    cr_assert(ml_knobs_set(knobs, LR, 0.0002)); /* what the script sets is shown */
    WAIT_UNTIL(see(w)->controls.knob[LR].value == 0.0002 && is_settled(w) && !is_there((spot){ from.x - 20, from.y }, blue));

    press(XK_t);
    WAIT_UNTIL(on_screen(dark()->paper) > 50000);
    keep_screen("52-knobs-dark");
    for (int i = 0; i < 6; i++) press(XK_plus); /* twice as large, and too tall: it scrolls */
    WAIT_UNTIL(see(w)->zoom > 2 && is_settled(w));
    keep_screen("53-knobs-large");
    cr_expect(visited.controls.content > mli_column_height(&visited.controls), "%g", visited.controls.content);
    point_to(on_page(w, visited.controls.column - 10, 5));
    wheel(-20);
    WAIT_UNTIL(see(w)->controls.scroll > 0);
    click_on(w, find(w, MLI_CONTROL_BUTTON, RESET, 0));
    WAIT_UNTIL(atomic_load(&n_resets) == 3);
    keep_screen("54-scrolled");

    ml_knobs_lock(knobs, true); /* as when the loop is over */
    n = atomic_load(&n_turns);
    click_on(w, find(w, MLI_CONTROL_BUTTON, RESET, 0));
    see(w);
    nap(0.1);
    cr_expect_eq(atomic_load(&n_turns), n, "nobody is there to take it");
    close_with_knobs(w, thread);
}

/* --- the bar ------------------------------------------------------------------------------------------------- */
static bool stands(void)
{
    long long before = atomic_load(&steps_done);
    nap(0.1);
    return ml_loop_look().paused && atomic_load(&steps_done) == before;
}

Test(window_controls, the_bar_pauses_steps_smooths_and_stops)
{
    pthread_t  thread;
    ml_window *w = open_with_knobs(&thread, (ml_window_opts){ .width = 800, .height = 420 });
    mli_control pause = find(w, MLI_CONTROL_PAUSE, 0, 0), step = find(w, MLI_CONTROL_STEP, 0, 0);
    spot        middle = on_page(w, pause.box.x + pause.box.w / 2, pause.box.y + pause.box.h / 2);
    cr_expect(is_there(middle, light()->paper), "between two bars");
    click_on(w, pause);
    WAIT_UNTIL(stands());
    point_to(on_page(w, 400, 100));
    WAIT_UNTIL(strstr(see(w)->status, "paused at step") && !is_there(middle, light()->paper)); /* a triangle */
    long long at = atomic_load(&steps_done);
    click_on(w, step);
    click_on(w, step);
    WAIT_UNTIL(atomic_load(&steps_done) == at + 2);
    cr_expect(stands());

    click_on(w, find(w, MLI_CONTROL_BUTTON, RESET, 0)); /* a knob works in a pause */
    WAIT_UNTIL(atomic_load(&n_resets) == 1);
    cr_expect_eq(turned_at[0], at + 2);
    cr_expect(stands(), "and takes no step");

    mli_control s = find(w, MLI_CONTROL_SMOOTHING, 0, 0);
    int64_t frames = ml_window_frames(w);
    point_to(on_page(w, s.track.x, s.track.y));
    button(1, true);
    point_to(on_page(w, s.track.x + s.track.w * 0.4, s.track.y));
    point_to(on_page(w, s.track.x + s.track.w * 2 / 3, s.track.y));
    button(1, false);
    WAIT_UNTIL(fabs(see(w)->hand.look.smoothing - 0.99) < 0.0011 && is_settled(w));
    cr_expect_gt(ml_window_frames(w), frames, "the figure is drawn anew");
    cr_expect_eq(visited.controls.smoothing, visited.hand.look.smoothing);
    cr_expect(is_there(on_page(w, s.track.x + s.track.w / 3, s.track.y), light()->palette[0]));
    keep_screen("55-smoothed-in-a-pause");
    press(XK_bracketleft); /* the key and the slider are one thing */
    WAIT_UNTIL(see(w)->controls.smoothing < 0.985 && visited.controls.smoothing == visited.hand.look.smoothing);

    click_on(w, pause);
    WAIT_UNTIL(atomic_load(&steps_done) > at + 20);
    mli_control slider = find(w, MLI_CONTROL_SLIDER, LR, 0);
    point_to(on_page(w, slider.track.x + 10, slider.track.y));
    wheel(1);
    WAIT_UNTIL(atomic_load(&n_turns) == 2);
    double after_wheel = turns[1].value;
    press(XK_Left);
    WAIT_UNTIL(atomic_load(&n_turns) == 3 && turns[2].value < after_wheel);
    click_on(w, find(w, MLI_CONTROL_STOP, 0, 0));
    WAIT_UNTIL(!ml_loop_look().running);
    cr_expect(ml_window_is_open(w), "the window stays");
    WAIT_UNTIL(strstr(see(w)->status, "ended"));
    click_on(w, pause);
    WAIT_UNTIL(strstr(see(w)->notice, "no training is under way"));
    keep_screen("56-stopped");
    close_with_knobs(w, thread);
}

Test(window_controls, the_slider_shows_what_a_panel_smooths_and_ends_it)
{
    ml_figure *smooth = ml_figure_new(1, 1, "smooth");
    cr_assert(ml_figure_lines(smooth, 0, (const char *[]){ "noise" }, 1, &(ml_panel_opts){ .smooth = 0.99 }));
    for (int i = 0; i < 400; i++) cr_assert(ml_figure_point(smooth, "noise", i, i % 2));
    ml_window *w = open_window(smooth, (ml_window_opts){ .width = 700, .height = 400 });
    hands_on(w);
    WAIT_UNTIL(see(w)->pixels && is_settled(w));
    mli_control s = find(w, MLI_CONTROL_SMOOTHING, 0, 0);
    cr_expect_float_eq(visited.controls.smoothing, 0.99, 1e-9);
    cr_expect(is_there(on_page(w, s.track.x + s.track.w / 3, s.track.y), light()->palette[0]));
    click_on(w, s);
    point_to(on_page(w, s.track.x + s.track.w / 2, s.track.y));
    button(1, true);
    point_to(on_page(w, s.track.x - 5, s.track.y));
    button(1, false);
    WAIT_UNTIL(see(w)->controls.smoothing == 0 && visited.hand.look.smoothing < 0 && is_settled(w));
    keep_screen("58-smoothing-ended");
    cr_expect_not(is_there(on_page(w, s.track.x + s.track.w / 3, s.track.y), light()->palette[0]));
    ml_window_close(w);
    ml_figure_release(smooth);
    hands_off();
}

/* --- a whole run ------------------------------------------------------------------------------------------------ */
static const char script[] =
    "local ml = require 'moonlab'\n"
    "local run = ml.run { name = 'hand', steps = math.huge, lr = 0.01 }\n"
    "local w, n = ml.randn { 8 }, 0\n"
    "ml.ui.slider(run, 'lr', { from = 1e-4, to = 1, scale = 'log' })\n"
    "ml.ui.button(run, 'reset', { on = function() w, n = ml.randn { 8 }, n + 1 end })\n"
    "local fig = run:figure { title = 'hand' }\n"
    "fig:lines(1, { 'loss' })\n"
    "for step in run:steps() do\n"
    "  w = w * (1 - run.lr * 0.01) + ml.randn { 8 } * 1e-3\n"
    "  if run:every(5) then run:log { loss = w:square():sum() } end\n"
    "  local t = os.clock() while os.clock() - t < 1e-3 do end\n"
    "end\n"
    "print('resets ' .. n .. ' lr ' .. run.lr)\n";

static char folder[64];

/* Leaks of the libraries under the window are not what this is about. */
static int run_program(const char *arguments, bool window, char *out, size_t room)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s ASAN_OPTIONS=detect_leaks=0 MOONLAB_RUNS=runs '%s' run script.lua --quiet %s 2>&1", folder,
             window ? "" : "DISPLAY=", getenv("MOONLAB_PROGRAM"), arguments);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe);
    size_t n = fread(out, 1, room - 1, pipe);
    out[n]   = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void *run_in_window(void *out)
{
    return (void *)(intptr_t)run_program("", true, out, 4096);
}

/* The window whose title begins so; 0: not there. */
static Window named(Window in, const char *title)
{
    Window   root, parent, *inner = NULL, found = 0;
    unsigned n = 0;
    char    *name = NULL;
    if (XFetchName(hands, in, &name) && name && strncmp(name, title, strlen(title)) == 0) found = in;
    if (name) XFree(name);
    if (!found && XQueryTree(hands, in, &root, &parent, &inner, &n))
        for (unsigned i = 0; i < n && !found; i++) found = named(inner[i], title);
    if (inner) XFree(inner);
    return found;
}

/* Where the controls of the script's window are: as they are laid here. */
static mli_controls lay_as_script_does(double w, double h)
{
    static const mli_look plain;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t         *cr      = cairo_create(surface);
    mli_paper        paper = { .cr = cr, .layout = mli_layout_make(cr), .style = light(), .look = &plain, .density = 1 };
    mli_controls     c     = { .n_knobs = 2, .bar = true, .loop = true, .curves = true };
    c.knob[0] = (ml_knob){ .kind = ML_KNOB_SLIDER, .label = "lr", .from = 1e-4, .to = 1, .log = true, .value = 0.01 };
    c.knob[1] = (ml_knob){ .kind = ML_KNOB_BUTTON, .label = "reset" };
    mli_controls_lay(&c, &paper, w, h);
    g_object_unref(paper.layout);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return c;
}

static spot in_foreign(Window w, mli_box b, double part)
{
    Window unused;
    spot   corner;
    XTranslateCoordinates(hands, w, DefaultRootWindow(hands), 0, 0, &corner.x, &corner.y, &unused);
    return (spot){ corner.x + (int)lround(b.x + part * b.w), corner.y + (int)lround(b.y + b.h / 2) };
}

static void read_csv(const char *run, char *text, size_t room) /* without the times */
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && '%s' export %s --csv - | cut -d, -f1,3", folder, getenv("MOONLAB_PROGRAM"), run);
    FILE *pipe = popen(command, "r");
    size_t n   = fread(text, 1, room - 1, pipe);
    text[n]    = '\0';
    pclose(pipe);
}

static void list_runs(char run[2][256])
{
    char command[256];
    snprintf(command, sizeof command, "cd %s && ls -d runs/hand/*", folder);
    FILE *pipe = popen(command, "r");
    for (int i = 0; i < 2; i++)
        if (fscanf(pipe, "%255s", run[i]) != 1) run[i][0] = '\0';
    pclose(pipe);
}

Test(window_controls, a_run_with_a_hand_on_it_is_done_again_without)
{
    static char out[4096], again[4096], first[1 << 20], second[1 << 20];
    char        run[2][256], arguments[512], path[128];
    pthread_t   thread;
    void       *code;
    if (!getenv("MOONLAB_PROGRAM")) cr_skip_test("no program");
    snprintf(folder, sizeof folder, "/tmp/moonlab-hand-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/script.lua", folder);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(script, file) >= 0 && fclose(file) == 0);
    hands = XOpenDisplay(NULL);
    cr_assert(hands);
    cr_assert(pthread_create(&thread, NULL, run_in_window, out) == 0);
    Window w = 0;
    WAIT_UNTIL((w = named(DefaultRootWindow(hands), "hand")) != 0);
    WAIT_UNTIL(on_screen(light()->palette[0]) > 300); /* the curve grows */
    XWindowAttributes size;
    XGetWindowAttributes(hands, w, &size);
    mli_controls c  = lay_as_script_does(size.width, size.height);
    const mli_control *lr = mli_control_of(&c, (mli_control_id){ MLI_CONTROL_SLIDER, 0, 0 });
    const mli_control *reset = mli_control_of(&c, (mli_control_id){ MLI_CONTROL_BUTTON, 1, 0 });
    const mli_control *stop  = mli_control_of(&c, (mli_control_id){ MLI_CONTROL_STOP, 0, 0 });
    point_to(in_foreign(w, lr->track, 0.5));
    button(1, true);
    for (int i = 1; i <= 10; i++) {
        point_to(in_foreign(w, lr->track, 0.5 + 0.025 * i));
        nap(0.03);
    }
    button(1, false);
    nap(0.2);
    point_to(in_foreign(w, reset->box, 0.5));
    button(1, true), button(1, false);
    nap(0.3);
    keep_screen("57-a-run-with-a-hand-on-it");
    point_to(in_foreign(w, stop->box, 0.5));
    button(1, true), button(1, false);
    pthread_join(thread, &code);
    cr_expect_eq((intptr_t)code, 0, "%s", out);
    double to = 0;
    cr_expect(sscanf(out, "resets 1 lr %lf", &to) == 1 && fabs(to - 0.1) < 0.006, "%s", out);

    list_runs(run);
    cr_assert(run[0][0] && !run[1][0]);
    nap(1.1); /* another second, another folder */
    snprintf(arguments, sizeof arguments, "replay=%s", run[0]);
    cr_expect_eq(run_program(arguments, false, again, sizeof again), 0, "%s", again);
    cr_expect_str_eq(again, out);
    list_runs(run);
    cr_assert(run[1][0]);
    read_csv(run[0], first, sizeof first);
    read_csv(run[1], second, sizeof second);
    cr_expect(strlen(first) > 200, "%s", first);
    cr_expect_str_eq(first, second);

    nap(1.1);
    cr_expect_eq(run_program("steps=100", false, again, sizeof again), 0, "%s", again); /* the hand has made a difference */
    cr_expect(strstr(again, "resets 0 lr 0.01\n"), "%s", again);
    snprintf(arguments, sizeof arguments, "rm -r %s", folder);
    cr_expect_eq(system(arguments), 0);
    hands_off();
}
