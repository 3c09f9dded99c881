/* What keys, and the window manager, do to a live window: real events in, the state of the window and the screen out. */
#define _GNU_SOURCE
#include "foreign_leaks.h"
#include "hands.h"
#include "hands_samples.h"
#include "picture.h"

#include "moonlab/run.h"

#include <pthread.h>
#include <sys/wait.h>

TestSuite(window_keys, .init = need_screen);

static void point_at(ml_window *w, int panel)
{
    mli_box b = panel_of(w, panel).box;
    move_to(b.x + 0.3 * b.w, b.y + 0.4 * b.h);
}

static ml_scale scale_of(ml_window *w, int panel, int axis)
{
    return panel_of(w, panel).ruler[axis].scale;
}

/* --- scales --------------------------------------------------------------------------------------------------- */
Test(window_keys, x_and_y_make_an_axis_logarithmic_and_back)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    point_at(w, 0);
    press(XK_x);
    WAIT_UNTIL(scale_of(w, 0, MLI_X) == ML_SCALE_LOG);
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    point_at(w, 0);
    keep_screen("20-log-x");
    press(XK_y); /* down ends in 0, which a log axis leaves out */
    WAIT_UNTIL(scale_of(w, 0, MLI_Y) == ML_SCALE_LOG);
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    WAIT_UNTIL(curve_is_drawn(w, 0, false, down, light()->palette[1]));
    cr_expect(panel_of(w, 0).ruler[MLI_Y].low > 0);
    keep_screen("21-log-both");
    cr_expect_eq(scale_of(w, 1, MLI_X), ML_SCALE_LINEAR, "the other panels stay as they were");
    point_at(w, 0);
    press(XK_x), press(XK_y);
    WAIT_UNTIL(scale_of(w, 0, MLI_X) == ML_SCALE_LINEAR && scale_of(w, 0, MLI_Y) == ML_SCALE_LINEAR);
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    cr_expect(panel_of(w, 0).ruler[MLI_Y].low < 0.01);

    point_at(w, 2); /* rows of cells are on no other scale */
    press(XK_x), press(XK_y);
    nap(0.2);
    cr_expect(scale_of(w, 2, MLI_X) == ML_SCALE_LINEAR && scale_of(w, 2, MLI_Y) == ML_SCALE_LINEAR);
    close_four(w, fig);
}

Test(window_keys, y_with_symlog_with_a_right_axis_and_with_nothing_positive)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    point_at(w, 3);
    press(XK_y);
    WAIT_UNTIL(scale_of(w, 3, MLI_Y) == ML_SCALE_LINEAR);
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 3, false, signs, light()->palette[0]));
    point_at(w, 3);
    press(XK_y);
    WAIT_UNTIL(scale_of(w, 3, MLI_Y) == ML_SCALE_SYMLOG); /* what the figure says, not log */
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 3, false, signs, light()->palette[0]));

    mli_box two = panel_of(w, 1).box;
    move_to(two.x + two.w + 10, two.y + 30);
    press(XK_y);
    WAIT_UNTIL(scale_of(w, 1, MLI_Y2) == ML_SCALE_LOG);
    cr_expect_eq(scale_of(w, 1, MLI_Y), ML_SCALE_LINEAR);
    WAIT_UNTIL(curve_is_drawn(w, 1, true, falling, light()->palette[1]));
    keep_screen("22-symlog-and-log-on-the-right");
    close_four(w, fig);

    fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("below"), 1, &(ml_panel_opts){ .title = "below zero" }));
    for (int i = 0; i < 50; i++) cr_assert(ml_figure_point(fig, "below", i, -i));
    w = open_window(fig, (ml_window_opts){ .width = 440, .height = 330 });
    hands_on(w);
    WAIT_UNTIL(on_screen(light()->palette[0]) > 100);
    press(XK_y); /* the only panel is meant without a pointer */
    WAIT_UNTIL(scale_of(w, 0, MLI_Y) == ML_SCALE_LOG);
    WAIT_UNTIL(on_screen(light()->palette[0]) < 50);
    keep_screen("23-log-of-nothing-positive");
    press(XK_y);
    WAIT_UNTIL(on_screen(light()->palette[0]) > 100);
    close_four(w, fig);
}

Test(window_keys, shared_axes_change_together)
{
    ml_figure *fig = ml_figure_make(&(ml_figure_opts){ .rows = 2, .cols = 2, .share_x = true, .share_y = true, .title = "shared" });
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        cr_assert(ml_figure_lines(fig, i, NAMES(name), 1, NULL));
        for (int k = 1; k <= 1000; k++) cr_assert(ml_figure_point(fig, name, k, up(k) * (1 + i)));
    }
    ml_window *w = open_window(fig, (ml_window_opts){ .width = 900, .height = 700 });
    hands_on(w);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    point_at(w, 0);
    press(XK_x), press(XK_y);
    WAIT_UNTIL(scale_of(w, 2, MLI_X) == ML_SCALE_LOG && scale_of(w, 1, MLI_Y) == ML_SCALE_LOG);
    cr_expect(scale_of(w, 1, MLI_X) == ML_SCALE_LINEAR && scale_of(w, 2, MLI_Y) == ML_SCALE_LINEAR);
    wheel(2);
    WAIT_UNTIL(width_of(w, 2, MLI_X) > 0 && width_of(w, 1, MLI_Y) > 0);
    look_away();
    cr_expect(width_of(w, 2, MLI_X) == width_of(w, 0, MLI_X) && width_of(w, 1, MLI_X) == 0 && width_of(w, 2, MLI_Y) == 0);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("24-shared");
    point_at(w, 1); /* from the other end */
    press(XK_y);
    WAIT_UNTIL(scale_of(w, 0, MLI_Y) == ML_SCALE_LINEAR && scale_of(w, 1, MLI_Y) == ML_SCALE_LINEAR);
    close_four(w, fig);
}

/* --- how it looks --------------------------------------------------------------------------------------------- */
Test(window_keys, brackets_smooth)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    for (int i = 0; i < 400; i++) cr_assert(ml_figure_point(fig, "up", 1001 + i, 1 + 0.3 * sample_noise((uint32_t)i)));
    WAIT_UNTIL(is_settled(w) && panel_of(w, 0).ruler[MLI_X].high > 1390);
    int noisy = on_screen(light()->palette[0]);
    press(XK_bracketright);
    WAIT_UNTIL(see(w)->hand.look.smoothing == 0.5 && strstr(visited.notice, "smoothing 0.5"));
    for (int i = 0; i < 4; i++) press(XK_bracketright);
    WAIT_UNTIL(see(w)->hand.look.smoothing == 0.95);
    WAIT_UNTIL(is_settled(w) && on_screen(light()->palette[0]) < 0.8 * noisy);
    keep_screen("25-smoothed");
    for (int i = 0; i < 5; i++) press(XK_bracketleft);
    WAIT_UNTIL(see(w)->hand.look.smoothing == 0 && strstr(visited.notice, "smoothing off"));
    WAIT_UNTIL(is_settled(w) && on_screen(light()->palette[0]) > 0.95 * noisy);
    close_four(w, fig);
}

Test(window_keys, t_plus_minus_and_r)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    press(XK_t);
    WAIT_UNTIL(on_screen(dark()->paper) > 300000 && on_screen(light()->paper) < 2000);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, dark()->palette[0]));
    keep_screen("26-dark");
    point_at(w, 1);
    nap(0.2);
    keep_screen("27-dark-values");
    press(XK_question);
    WAIT_UNTIL(see(w)->help);
    nap(0.2);
    keep_screen("28-dark-keys");
    press(XK_Escape);
    press(XK_t);
    look_away();
    WAIT_UNTIL(on_screen(light()->paper) > 300000);

    double before = panel_of(w, 0).box.w;
    for (int i = 0; i < 4; i++) press(XK_plus);
    WAIT_UNTIL(fabs(see(w)->zoom - pow(1.125, 4)) < 1e-9);
    WAIT_UNTIL(is_settled(w));
    cr_expect(panel_of(w, 0).box.w < 0.95 * before, "larger letters leave fewer units: %g of %g", panel_of(w, 0).box.w, before);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("29-larger");
    for (int i = 0; i < 5; i++) press(XK_minus);
    WAIT_UNTIL(fabs(see(w)->zoom - 1 / 1.125) < 1e-9);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("30-smaller");

    point_at(w, 0);
    press(XK_x), press(XK_bracketright), wheel(2);
    mli_seen_entry e = see(w)->hand.seen.entry[0];
    click(e.box.x + 30, e.box.y + 5, 1);
    WAIT_UNTIL(see(w)->hand.look.n_hidden == 1 && visited.hand.look.smoothing > 0 && width_of(w, 0, MLI_X) > 0);
    static const mli_look plain;
    look_away();
    press(XK_r);
    WAIT_UNTIL(memcmp(&see(w)->hand.look, &plain, sizeof plain) == 0);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    close_four(w, fig);
}

Test(window_keys, m_and_escape)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    double     narrow = panel_of(w, 3).box.w;
    point_at(w, 3);
    press(XK_m);
    WAIT_UNTIL(panel_of(w, 3).box.w > 1.6 * narrow && panel_of(w, 0).box.w == 0);
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 3, false, signs, light()->palette[0]));
    keep_screen("31-alone");
    press(XK_Escape);
    WAIT_UNTIL(panel_of(w, 0).box.w > 0 && see(w)->hand.look.alone == 0);
    point_at(w, 1);
    press(XK_m);
    WAIT_UNTIL(see(w)->hand.look.alone > 0);
    press(XK_m);
    WAIT_UNTIL(see(w)->hand.look.alone == 0);
    close_four(w, fig);
}

Test(window_keys, a_list_of_keys)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    look_away();
    WAIT_UNTIL(is_settled(w));
    nap(0.2);
    int words = on_screen(light()->quiet), curves = on_screen(light()->palette[0]);
    press(XK_question);
    WAIT_UNTIL(see(w)->help);
    WAIT_UNTIL(on_screen(light()->palette[0]) < 0.9 * curves); /* it lies over the figure */
    keep_screen("32-keys");
    press(XK_Escape);
    WAIT_UNTIL(on_screen(light()->palette[0]) == curves);
    cr_expect_eq(on_screen(light()->quiet), words);
    press(XK_F1);
    WAIT_UNTIL(see(w)->help);
    click(2, 2, 1);
    WAIT_UNTIL(!see(w)->help);
    resize_by_manager(360, 260); /* all of it, however small the window */
    press(XK_F1);
    WAIT_UNTIL(see(w)->help && is_settled(w) && visited.pixels_w == 360);
    nap(0.2);
    keep_screen("33-keys-in-a-small-window");
    close_four(w, fig);
}

/* --- pictures --------------------------------------------------------------------------------------------------- */
static picture wait_for_picture(const char *path)
{
    picture p = { 0 };
    WAIT_UNTIL((p = picture_read(path)).surface);
    return p;
}

Test(window_keys, s_saves_what_is_seen)
{
    char folder[] = "window-XXXXXX", path[64];
    cr_assert(mkdtemp(folder));
    ml_figure *fig;
    ml_window *w = open_four_with(&fig, (ml_window_opts){ .width = 900, .height = 700, .title = "A: b!", .folder = folder });
    press(XK_s);
    snprintf(path, sizeof path, "%s/a-b-1.png", folder);
    picture p = wait_for_picture(path);
    cr_expect(p.w == 1800 && p.h == 1400 - 2 * MLI_BAR, "as large as the window but for its bar, at two pixels for each: %d x %d", p.w, p.h);
    cr_expect(colour_distance(picture_at(&p, 0, 0), light()->paper) < 0.01);
    picture_free(&p);
    WAIT_UNTIL(strstr(see(w)->notice, "saved ") && strstr(visited.notice, "a-b-1.png"));
    keep_screen("34-saved");

    press(XK_t);
    for (int i = 0; i < 4; i++) press(XK_plus);
    WAIT_UNTIL(fabs(see(w)->zoom - pow(1.125, 4)) < 1e-9);
    point_at(w, 3);
    press(XK_m);
    WAIT_UNTIL(see(w)->hand.look.alone == 4 && is_settled(w));
    press(XK_s);
    snprintf(path, sizeof path, "%s/a-b-2.png", folder); /* the first is not overwritten */
    p = wait_for_picture(path);
    cr_expect(p.w > 1110 && p.w < 1130, "larger letters on less paper: %d", p.w);
    cr_expect(colour_distance(picture_at(&p, 0, 0), dark()->paper) < 0.01, "in the style of the window");
    cr_expect(picture_count(&p, dark()->palette[1]) == 0, "and of the one panel");
    cr_expect(picture_count(&p, dark()->palette[0]) > 100);
    picture_free(&p);
    unlink(path);
    snprintf(path, sizeof path, "%s/a-b-1.png", folder);
    unlink(path);
    cr_assert_eq(rmdir(folder), 0, "nothing else was written");

    press(XK_s); /* nowhere to put it: the window says so and lives on */
    WAIT_UNTIL(strstr(see(w)->notice, folder) && !strstr(visited.notice, "saved"));
    nap(0.2);
    keep_screen("35-not-saved");
    cr_expect_not(ml_window_wait(w, 0.1));
    press(XK_q);
    cr_expect(ml_window_wait(w, PATIENCE), "q closes");
    cr_expect_not(ml_window_is_open(w));
    cr_expect(ml_figure_point(fig, "up", 2000, 1), "closing ends nothing");
    WAIT_UNTIL(on_screen(dark()->paper) == 0);
    close_four(w, fig);
}

/* --- the window manager, and the screen ------------------------------------------------------------------------------ */
Test(window_keys, the_manager_closes_and_resizes)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    resize_by_manager(600, 400);
    WAIT_UNTIL(see(w)->pixels_w == 600 && visited.pixels_h == 400 && is_settled(w));
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("36-smaller-window");
    resize_by_manager(1200, 900);
    WAIT_UNTIL(see(w)->pixels_w == 1200 && is_settled(w));
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("37-larger-window");
    resize_by_manager(90, 60);
    WAIT_UNTIL(see(w)->pixels_w == 90 && is_settled(w));
    nap(0.2);
    keep_screen("38-tiny-window");
    resize_by_manager(1, 1);
    nap(0.2);
    resize_by_manager(900, 700);
    WAIT_UNTIL(see(w)->pixels_w == 900 && is_settled(w));
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    close_by_manager();
    cr_expect(ml_window_wait(w, PATIENCE));
    close_four(w, fig);
}

Test(window_keys, a_screen_of_high_density)
{
    char name[16], folder[] = "dense-XXXXXX", path[64];
    cr_assert(mkdtemp(folder));
    pid_t display = start_display(name, sizeof name, NAMES("-screen", "0", "1920x1400x24", "-dpi", "192", "-noreset", "-fbdir", folder, NULL));
    setenv("DISPLAY", name, 1);
    setenv("MOONLAB_SCREEN", folder, 1);
    ml_figure *fig;
    ml_window *w = open_four_with(&fig, (ml_window_opts){ 0 });
    cr_expect_eq(see(w)->scale, 2, "%g pixels a unit", visited.scale);
    cr_expect(visited.pixels_w > 1700 && visited.pixels_w < 1920, "two panels, twice as large: %d", visited.pixels_w);
    mli_seen_panel p = panel_of(w, 0);
    move_to(p.box.x + 0.5 * p.box.w, p.box.y + 0.5 * p.box.h); /* the pointer is where it points */
    WAIT_UNTIL(fabs(see(w)->hand.x - p.box.x - 0.5 * p.box.w) < 1);
    nap(0.2);
    keep_screen("39-high-density");
    wheel(2);
    WAIT_UNTIL(width_of(w, 0, MLI_X) > 0);
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    XChangeProperty(hands, DefaultRootWindow(hands), XA_RESOURCE_MANAGER, XA_STRING, 8, PropModeReplace,
                    (const unsigned char *)"Xft.dpi:\t144\n", 13); /* what the desktop says goes first */
    close_four(w, fig);
    w = open_four_with(&fig, (ml_window_opts){ 0 });
    cr_expect_eq(see(w)->scale, 1.5, "%g pixels a unit", visited.scale);
    close_four(w, fig);
    kill(display, SIGTERM);
    waitpid(display, NULL, 0);
    snprintf(path, sizeof path, "%s/Xvfb_screen0", folder);
    unlink(path);
    rmdir(folder);
}

/* --- training --------------------------------------------------------------------------------------------------------- */
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
    return ml_loop_look().paused && atomic_load(&steps_done) == before;
}

Test(window_keys, training_is_paused_stepped_and_stopped)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    pthread_t  thread;
    press(XK_space);
    WAIT_UNTIL(strstr(see(w)->notice, "no training"));
    ml_interrupt_begin();
    ml_loop_begin(&steps_done, 1000000);
    cr_assert(pthread_create(&thread, NULL, train, fig) == 0);
    WAIT_UNTIL(see(w)->controls.loop && strstr(visited.status, "it/s"));
    press(XK_space);
    WAIT_UNTIL(stands());
    WAIT_UNTIL(strstr(see(w)->status, "paused at step"));
    keep_screen("40-paused");
    long long at = atomic_load(&steps_done);
    press(XK_period);
    press(XK_period);
    WAIT_UNTIL(atomic_load(&steps_done) == at + 2);
    cr_expect(stands());
    press(XK_space);
    WAIT_UNTIL(atomic_load(&steps_done) > at + 20);
    press(XK_space);
    WAIT_UNTIL(stands());
    press_with(XK_Control_L, XK_q);
    WAIT_UNTIL(!ml_loop_look().running); /* also out of a pause */
    pthread_join(thread, NULL);
    cr_expect(ml_window_is_open(w), "the window stays");
    ml_interrupt_end();

    /* closing a window ends no training, and no pause is left behind */
    ml_interrupt_begin();
    ml_loop_begin(&steps_done, 1000000);
    cr_assert(pthread_create(&thread, NULL, train, fig) == 0);
    press(XK_space);
    WAIT_UNTIL(ml_loop_look().paused);
    press(XK_q);
    WAIT_UNTIL(!ml_loop_look().paused);
    at = atomic_load(&steps_done);
    WAIT_UNTIL(atomic_load(&steps_done) > at);
    ml_interrupt_raise();
    pthread_join(thread, NULL);
    ml_interrupt_end();
    close_four(w, fig);
}
