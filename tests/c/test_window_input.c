/* What the mouse does in a live window: real events in, the state of the window and what is on the screen out. */
#define _GNU_SOURCE
#include "foreign_leaks.h"
#include "hands.h"
#include "hands_samples.h"

TestSuite(window_input, .init = need_screen);

/* --- the wheel ------------------------------------------------------------------------------------------- */
Test(window_input, the_wheel_zooms_around_the_pointer)
{
    ml_figure     *fig;
    ml_window     *w = open_four(&fig);
    mli_seen_panel p = panel_of(w, 0);
    mli_box        b = p.box;
    double         x = b.x + 0.25 * b.w, y = b.y + 0.5 * b.h, under = mli_ruler_value(&p.ruler[MLI_X], x);
    keep_screen("01-four-panels");
    move_to(x, y);
    wheel(2);
    WAIT_UNTIL(width_of(w, 0, MLI_X) > 0);
    double wide = p.ruler[MLI_X].high - p.ruler[MLI_X].low;
    WAIT_UNTIL(fabs(width_of(w, 0, MLI_X) - wide / 1.25 / 1.25) < 0.01 * wide);
    WAIT_UNTIL(is_settled(w));
    p = panel_of(w, 0);
    cr_expect(fabs(mli_ruler_value(&p.ruler[MLI_X], x) - under) < 0.01 * wide, "what is under the pointer stays there");
    cr_expect(width_of(w, 0, MLI_Y) > 0, "both axes");
    look_away(); /* the values beside the pointer would lie over the curves */
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    WAIT_UNTIL(curve_is_drawn(w, 0, false, down, light()->palette[1]));
    keep_screen("02-wheel");
    cr_expect_eq(width_of(w, 1, MLI_X), 0, "the other panels stay as they were");
    move_to(x, y);
    wheel(-2);
    WAIT_UNTIL(fabs(width_of(w, 0, MLI_X) - wide) < 0.01 * wide);
    close_four(w, fig);
}

Test(window_input, beside_an_axis_the_wheel_turns_that_axis)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    mli_box    b = panel_of(w, 0).box, two = panel_of(w, 1).box;
    move_to(b.x + b.w / 2, b.y + b.h + 8);
    wheel(3);
    WAIT_UNTIL(width_of(w, 0, MLI_X) > 0);
    cr_expect_eq(width_of(w, 0, MLI_Y), 0);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("03-wheel-below-the-axis");
    move_to(two.x - 8, two.y + two.h / 2);
    wheel(1);
    WAIT_UNTIL(width_of(w, 1, MLI_Y) > 0);
    cr_expect(width_of(w, 1, MLI_X) == 0 && width_of(w, 1, MLI_Y2) == 0);
    move_to(two.x + two.w + 8, two.y + two.h / 2);
    wheel(-1);
    WAIT_UNTIL(width_of(w, 1, MLI_Y2) > 0);
    cr_expect_eq(width_of(w, 1, MLI_X), 0);
    WAIT_UNTIL(curve_is_drawn(w, 1, true, falling, light()->palette[1]));
    keep_screen("04-wheel-beside-the-axes");
    close_four(w, fig);
}

/* --- dragging ------------------------------------------------------------------------------------------------ */
Test(window_input, a_box_is_zoomed_into)
{
    ml_figure     *fig;
    ml_window     *w     = open_four(&fig);
    mli_seen_panel p     = panel_of(w, 0);
    mli_box        b     = p.box;
    double         wide  = p.ruler[MLI_X].high - p.ruler[MLI_X].low, high = p.ruler[MLI_Y].high - p.ruler[MLI_Y].low;
    mli_colour     shade = mli_mix(light()->paper, light()->palette[0], 0.15);
    int            plain = on_screen(shade);
    move_to(b.x + 0.25 * b.w, b.y + 0.25 * b.h);
    button(1, true);
    move_to(b.x + 0.75 * b.w, b.y + 0.75 * b.h);
    WAIT_UNTIL(on_screen(shade) > plain + 0.2 * pixels_of(see(w), b.w) * pixels_of(&visited, b.h));
    keep_screen("05-box");
    cr_expect_eq(width_of(w, 0, MLI_X), 0, "not before it is let go");
    button(1, false);
    WAIT_UNTIL(fabs(width_of(w, 0, MLI_X) - wide / 2) < 0.02 * wide);
    cr_expect(fabs(width_of(w, 0, MLI_Y) - high / 2) < 0.02 * high);
    WAIT_UNTIL(on_screen(shade) <= plain + 100);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("06-zoomed");

    click(b.x + b.w / 2, b.y + b.h / 2, 2); /* all of it again */
    WAIT_UNTIL(width_of(w, 0, MLI_X) == 0 && width_of(w, 0, MLI_Y) == 0);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));

    b = panel_of(w, 0).box; /* a strip is about one axis */
    drag(1, b.x + 0.5 * b.w, b.y + 0.5 * b.h, b.x + 0.75 * b.w, b.y + 0.5 * b.h + 1);
    WAIT_UNTIL(width_of(w, 0, MLI_X) > 0);
    cr_expect_eq(width_of(w, 0, MLI_Y), 0);
    drag(1, b.x + 0.6 * b.w, b.y + 0.5 * b.h, b.x + 0.6 * b.w + 1, b.y + 0.25 * b.h);
    WAIT_UNTIL(width_of(w, 0, MLI_Y) > 0);

    move_to(b.x + 0.25 * b.w, b.y + 0.25 * b.h); /* Escape lets go */
    button(1, true);
    move_to(b.x + 0.75 * b.w, b.y + 0.75 * b.h);
    WAIT_UNTIL(see(w)->hand.grip == MLI_GRIP_BOX);
    double before = width_of(w, 0, MLI_X);
    press(XK_Escape);
    WAIT_UNTIL(see(w)->hand.grip == MLI_GRIP_NONE);
    button(1, false);
    cr_expect_eq(width_of(w, 0, MLI_X), before);
    close_four(w, fig);
}

Test(window_input, a_box_on_a_log_axis_and_over_two_y_axes)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    mli_box    b = panel_of(w, 1).box;
    move_to(b.x + 10, b.y + 30);
    press(XK_x);
    WAIT_UNTIL(panel_of(w, 1).ruler[MLI_X].scale == ML_SCALE_LOG);
    WAIT_UNTIL(is_settled(w));
    mli_seen_panel p = panel_of(w, 1);
    b                = p.box;
    double from = mli_ruler_value(&p.ruler[MLI_X], b.x + 0.25 * b.w), to = mli_ruler_value(&p.ruler[MLI_X], b.x + 0.75 * b.w);
    drag(1, b.x + 0.25 * b.w, b.y + 0.02 * b.h, b.x + 0.75 * b.w, b.y + 0.9 * b.h);
    WAIT_UNTIL(width_of(w, 1, MLI_X) > 0);
    cr_expect(fabs(log(visited.hand.look.panel[1].range[MLI_X][0] / from)) < 0.1, "a quarter of the decades: %g, not %g",
              visited.hand.look.panel[1].range[MLI_X][0], from);
    cr_expect(fabs(log(visited.hand.look.panel[1].range[MLI_X][1] / to)) < 0.1);
    cr_expect(width_of(w, 1, MLI_Y) > 0 && width_of(w, 1, MLI_Y2) > 0);
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 1, false, rising, light()->palette[0]));
    WAIT_UNTIL(curve_is_drawn(w, 1, true, falling, light()->palette[1]));
    keep_screen("07-box-on-a-log-axis");
    close_four(w, fig);
}

/* The right and the middle button, and the left one with shift. */
Test(window_input, values_are_dragged_along)
{
    ml_figure     *fig;
    ml_window     *w    = open_four(&fig);
    mli_seen_panel p    = panel_of(w, 0);
    mli_box        b    = p.box;
    double         wide = p.ruler[MLI_X].high - p.ruler[MLI_X].low, low = p.ruler[MLI_X].low;
    const unsigned buttons[] = { 3, 2, 1 };
    for (int i = 0; i < 3; i++) {
        if (i == 2) hold(XK_Shift_L, true);
        drag(buttons[i], b.x + 0.5 * b.w, b.y + 0.5 * b.h, b.x + 0.75 * b.w, b.y + 0.4 * b.h);
        if (i == 2) hold(XK_Shift_L, false);
        low -= wide / 4;
        WAIT_UNTIL(fabs(see(w)->hand.look.panel[0].range[MLI_X][0] - low) < 0.02 * wide);
        cr_expect(fabs(width_of(w, 0, MLI_X) - wide) < 1e-6 * wide, "button %u only moves", buttons[i]);
        cr_expect(visited.hand.look.panel[0].range[MLI_Y][1] < p.ruler[MLI_Y].high, "and upwards");
        WAIT_UNTIL(is_settled(w));
    }
    WAIT_UNTIL(panel_of(w, 0).ruler[MLI_X].high < 400);
    keep_screen("08-moved");
    press(XK_r);
    WAIT_UNTIL(width_of(w, 0, MLI_X) == 0);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));

    drag(1, b.x + 0.5 * b.w, b.y + b.h + 8, b.x + 0.6 * b.w, b.y + b.h + 40); /* an axis by its numbers */
    WAIT_UNTIL(fabs(see(w)->hand.look.panel[0].range[MLI_X][0] - p.ruler[MLI_X].low + wide / 10) < 0.02 * wide);
    cr_expect_eq(width_of(w, 0, MLI_Y), 0);
    close_four(w, fig);
}

Test(window_input, what_is_dragged_may_leave_the_window)
{
    ml_figure     *fig;
    ml_window     *w = open_four(&fig);
    mli_seen_panel p = panel_of(w, 0);
    mli_box        b = p.box;
    move_to(b.x + 0.5 * b.w, b.y + 0.5 * b.h);
    button(1, true);
    move_to(b.x - 300, b.y + 0.9 * b.h);
    button(1, false); /* outside */
    WAIT_UNTIL(see(w)->hand.grip == MLI_GRIP_NONE && width_of(w, 0, MLI_X) > 0);
    cr_expect(fabs(visited.hand.look.panel[0].range[MLI_X][0] - p.ruler[MLI_X].low) < 1, "as far as the axes go");
    close_four(w, fig);
}

/* --- clicks -------------------------------------------------------------------------------------------------- */
Test(window_input, two_clicks_on_a_title_leave_its_panel_alone)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    double     narrow = panel_of(w, 0).box.w;
    mli_box    b      = panel_of(w, 0).box;
    click(b.x + 20, b.y - 12, 2);
    WAIT_UNTIL(see(w)->hand.look.alone == 1);
    WAIT_UNTIL(panel_of(w, 0).box.w > 1.6 * narrow);
    cr_expect_eq(panel_of(w, 1).box.w, 0);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("09-alone");
    b = panel_of(w, 0).box;
    click(b.x + 20, b.y - 12, 2);
    WAIT_UNTIL(see(w)->hand.look.alone == 0);
    WAIT_UNTIL(panel_of(w, 1).box.w > 0);
    close_four(w, fig);
}

Test(window_input, a_click_on_a_name_hides_the_curve)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, down, light()->palette[1]));
    mli_seen_entry e = see(w)->hand.seen.entry[1];
    cr_assert_eq(e.panel, 0, "up and down");
    click(e.box.x + 30, e.box.y + 5, 1);
    WAIT_UNTIL(see(w)->hand.look.n_hidden == 1);
    look_away();
    WAIT_UNTIL(curve_is_not_drawn(w, 0, false, down, light()->palette[1]));
    cr_expect(curve_is_drawn(w, 0, false, up, light()->palette[0]));
    keep_screen("10-hidden");
    see(w);
    cr_expect(fabs(e.box.x - visited.hand.seen.entry[1].box.x) + fabs(e.box.y - visited.hand.seen.entry[1].box.y) < 1, "the names stay where they were");
    click(e.box.x + 30, e.box.y + 5, 1);
    WAIT_UNTIL(see(w)->hand.look.n_hidden == 0);
    WAIT_UNTIL(curve_is_drawn(w, 0, false, down, light()->palette[1]));
    close_four(w, fig);
}

/* --- the pointer ------------------------------------------------------------------------------------------------ */
Test(window_input, values_stand_beside_the_pointer)
{
    ml_figure *fig;
    ml_window *w = open_four(&fig);
    mli_box    b = panel_of(w, 0).box;
    look_away();
    WAIT_UNTIL(curve_is_drawn(w, 0, false, down, light()->palette[1]));
    int     plain  = on_screen(light()->palette[1]);
    int64_t frames = ml_window_frames(w);
    move_to(b.x + 0.25 * b.w, b.y + 0.55 * b.h);
    WAIT_UNTIL(on_screen(light()->palette[1]) >= plain + 30); /* the square beside the name, and a dot on the curve */
    keep_screen("11-values");
    mli_seen_panel p = panel_of(w, 0); /* a dot on the curve, at the point next to the pointer */
    screen         s = screen_open();
    double         x = mli_ruler_value(&p.ruler[MLI_X], b.x + 0.25 * b.w);
    spot           at = place_on_screen(&visited, b.x + 0.25 * b.w, mli_ruler_at(&p.ruler[MLI_Y], up(round(x))));
    int            full = 0;
    for (int dy = -2; dy <= 2; dy++)
        for (int dx = -2; dx <= 2; dx++) full += colour_near(&s, (spot){ at.x + dx, at.y + dy }, light()->palette[0], 0);
    munmap(s.map, s.bytes);
    cr_expect(full >= 16, "a dot of %d pixels", full);

    mli_box heat = panel_of(w, 2).box;
    move_to(heat.x + 0.5 * heat.w, heat.y + 0.5 * heat.h);
    WAIT_UNTIL(on_screen(light()->palette[1]) <= plain);
    nap(0.2);
    keep_screen("12-value-of-a-cell");
    mli_box signs = panel_of(w, 3).box;
    move_to(signs.x + 0.9 * signs.w, signs.y + 0.9 * signs.h);
    nap(0.2);
    keep_screen("13-values-near-the-edge");
    XWarpPointer(hands, None, DefaultRootWindow(hands), 0, 0, 0, 0, 1279, 1023); /* out of the window */
    XSync(hands, False);
    WAIT_UNTIL(!see(w)->hand.points);
    WAIT_UNTIL(on_screen(light()->palette[1]) == plain);
    cr_expect_eq(ml_window_frames(w), frames, "the figure was not drawn again for it");
    close_four(w, fig);
}

Test(window_input, a_storm_of_events_harms_nothing)
{
    static const KeySym keys[] = { XK_x, XK_y, XK_m, XK_bracketleft, XK_bracketright, XK_r, XK_question, XK_t, XK_plus, XK_minus };
    ml_figure          *fig;
    ml_window          *w = open_four(&fig);
    for (uint32_t i = 0; i < 500; i++) {
        int x = (int)(450 + 450 * sample_noise(4 * i)), y = (int)(350 + 350 * sample_noise(4 * i + 1));
        XWarpPointer(hands, None, hands_x, 0, 0, 0, 0, x, y);
        switch ((int)(fabs(sample_noise(4 * i + 2)) * 6)) {
        case 0: wheel((int)(sample_noise(4 * i + 3) * 10)); break;
        case 1: button(1, true); break;
        case 2: button(1, false); break;
        case 3: button(3, i % 2); break;
        case 4: resize_by_manager(300 + 7 * (i % 100), 200 + 5 * (i % 90)); break;
        default: press(keys[i % 10]); break;
        }
        if (i % 20 == 0) ml_figure_point(fig, "up", 1000 + i, 0.5);
        if (i % 20 == 0) nap(0.02);
    }
    button(1, false), button(3, false);
    resize_by_manager(900, 700);
    press(XK_q);
    cr_expect(ml_window_wait(w, PATIENCE), "it still listens");
    close_four(w, fig);
}
