/* What a hand does to a figure on screen, without a screen: gestures in, the look out. */
#include "figure/hand.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Two panels side by side, x logarithmic in the first; the second has a right axis. y grows downwards on paper. */
#define LEFT  50.0
#define TOP   40.0
#define WIDE  400.0
#define HIGH  300.0
#define APART 600.0

static mli_ruler ruler(ml_scale scale, double low, double high, double from, double to)
{
    mli_ruler r = { .scale = scale, .knee = 1, .low = low, .high = high };
    mli_ruler_set(&r, from, to);
    return r;
}

static mli_hand hand(void)
{
    mli_hand h;
    memset(&h, 0, sizeof h);
    h.seen.scale    = 1;
    h.seen.n_panels = h.ties.n = 2;
    h.ties.first[MLI_X][1] = h.ties.first[MLI_Y][1] = 1;
    h.ties.scale[0][MLI_X]                          = ML_SCALE_LOG;
    for (int i = 0; i < 2; i++) {
        mli_seen_panel *p = &h.seen.panel[i];
        double          x = LEFT + i * APART;
        p->box            = (mli_box){ x, TOP, WIDE, HIGH };
        p->has[MLI_X] = p->has[MLI_Y] = true;
        p->has[MLI_Y2]                = i == 1;
        p->ruler[MLI_X]  = ruler(i ? ML_SCALE_LINEAR : ML_SCALE_LOG, i ? 0 : 1, 1e4, x, x + WIDE);
        p->ruler[MLI_Y]  = ruler(ML_SCALE_LINEAR, 0, 1, TOP + HIGH, TOP);
        p->ruler[MLI_Y2] = ruler(ML_SCALE_LINEAR, -5, 5, TOP + HIGH, TOP);
    }
    h.seen.n_entries = 1;
    h.seen.entry[0]  = (mli_seen_entry){ { 300, 60, 100, 16 }, 0, 77 };
    return h;
}

static bool is_near(double got, double want)
{
    return fabs(got - want) <= 1e-9 * fmax(fabs(want), 1);
}

#define NEAR(got, want) cr_expect(is_near(got, want), "%s: %.12g, not %.12g", #got, (double)(got), (double)(want))

static void drag(mli_hand *h, double x0, double y0, double x1, double y1, bool pan)
{
    mli_hand_down(h, x0, y0, pan, 1);
    mli_hand_move(h, (x0 + x1) / 2, (y0 + y1) / 2);
    mli_hand_move(h, x1, y1);
    mli_hand_up(h, x1, y1);
}

Test(hand, the_value_under_the_pointer_stays_when_the_wheel_turns)
{
    mli_hand h = hand();
    double   x = LEFT + 0.25 * WIDE, y = TOP + 0.75 * HIGH; /* 10 of 1..1e4, 0.25 of 0..1 */
    cr_expect(mli_hand_wheel(&h, x, y, 1));
    const double *xs = h.look.panel[0].range[MLI_X], *ys = h.look.panel[0].range[MLI_Y];
    NEAR((log10(10) - log10(xs[0])) / (log10(xs[1]) - log10(xs[0])), 0.25);
    NEAR((0.25 - ys[0]) / (ys[1] - ys[0]), 0.25);
    NEAR(log10(xs[1] / xs[0]), 4 / 1.25);
    NEAR(ys[1] - ys[0], 1 / 1.25);
    cr_expect(mli_hand_wheel(&h, x, y, 2), "before the next picture");
    NEAR(ys[1] - ys[0], 1 / 1.25 / 1.25 / 1.25);
    mli_hand_wheel(&h, x, y, -3);
    NEAR(xs[0], 1);
    NEAR(xs[1], 1e4);
    cr_expect_eq(h.look.panel[1].range[MLI_X][1], 0, "the other panel is not meant");
    cr_expect_not(mli_hand_wheel(&h, 5000, 5000, 1), "nothing is there");
}

Test(hand, beside_an_axis_the_wheel_is_about_that_axis)
{
    mli_hand h = hand();
    cr_expect(mli_hand_wheel(&h, LEFT + 100, TOP + HIGH + 10, 1));
    cr_expect(h.look.panel[0].range[MLI_X][1] > 0 && h.look.panel[0].range[MLI_Y][1] == 0);
    cr_expect(mli_hand_wheel(&h, LEFT + APART + WIDE + 10, TOP + 100, 1));
    cr_expect(h.look.panel[1].range[MLI_Y2][1] > 0 && h.look.panel[1].range[MLI_Y][1] == 0 && h.look.panel[1].range[MLI_X][1] == 0);
}

Test(hand, the_wheel_ends_where_doubles_do)
{
    mli_hand h = hand();
    for (int i = 0; i < 3000; i++) mli_hand_wheel(&h, LEFT + APART + 130, TOP + 100, 3);
    for (int axis = MLI_X; axis < MLI_AXES; axis++) {
        const double *r = h.look.panel[1].range[axis];
        cr_expect(r[0] < r[1] && r[1] - r[0] >= 1e-9 * fabs(r[1]), "%.17g..%.17g", r[0], r[1]);
    }
    h = hand();
    for (int i = 0; i < 3000; i++) mli_hand_wheel(&h, LEFT + 130, TOP + 100, -3);
    for (int axis = MLI_X; axis <= MLI_Y; axis++) {
        const double *r = h.look.panel[0].range[axis];
        cr_expect(isfinite(r[0]) && isfinite(r[1]) && r[0] < r[1], "%g..%g", r[0], r[1]);
    }
    cr_expect(h.look.panel[0].range[MLI_X][0] > 0, "a log axis");
}

Test(hand, a_box_becomes_the_panel)
{
    mli_hand h = hand();
    mli_box  b;
    mli_hand_down(&h, LEFT + 300, TOP + 60, false, 1);
    cr_expect_not(mli_hand_box(&h, &b), "nothing is dragged yet");
    mli_hand_move(&h, LEFT + 100, TOP + 150);
    cr_assert(mli_hand_box(&h, &b), "from right to left is a box, too");
    cr_expect(b.x == LEFT + 100 && b.y == TOP + 60 && b.w == 200 && b.h == 90);
    cr_expect_eq(h.look.panel[0].range[MLI_X][1], 0, "until it is let go");
    cr_expect(mli_hand_up(&h, LEFT + 100, TOP + 150));
    NEAR(h.look.panel[0].range[MLI_X][0], 10);
    NEAR(h.look.panel[0].range[MLI_X][1], 1000);
    NEAR(h.look.panel[0].range[MLI_Y][0], 0.5);
    NEAR(h.look.panel[0].range[MLI_Y][1], 0.8);
    cr_expect_not(mli_hand_box(&h, &b));

    h = hand();
    drag(&h, LEFT + 100, TOP + 100, LEFT + 5000, TOP + 102, false); /* a strip, as far as the axes go */
    NEAR(h.look.panel[0].range[MLI_X][0], 10);
    NEAR(h.look.panel[0].range[MLI_X][1], 1e4);
    cr_expect_eq(h.look.panel[0].range[MLI_Y][1], 0);

    h = hand();
    drag(&h, LEFT + 100, TOP + 100, LEFT + 103, TOP + 98, false);
    cr_expect_eq(h.look.panel[0].range[MLI_X][1], 0, "a click with a shaking hand");

    mli_hand_down(&h, LEFT + 100, TOP + 100, false, 1);
    mli_hand_move(&h, LEFT + 200, TOP + 200);
    cr_expect(mli_hand_key(&h, '\x1b'), "Escape lets go");
    cr_expect_not(mli_hand_up(&h, LEFT + 200, TOP + 200));
}

Test(hand, what_is_dragged_stays_under_the_pointer)
{
    mli_hand h = hand();
    drag(&h, LEFT + 100, TOP + 150, LEFT + 200, TOP + 120, true); /* a decade to the right, a tenth up */
    NEAR(h.look.panel[0].range[MLI_X][0], 0.1);
    NEAR(h.look.panel[0].range[MLI_X][1], 1000);
    NEAR(h.look.panel[0].range[MLI_Y][0], -0.1);
    NEAR(h.look.panel[0].range[MLI_Y][1], 0.9);
    h = hand();
    drag(&h, LEFT + APART + 10, TOP + HIGH + 8, LEFT + APART + 50, TOP + HIGH + 80, false); /* an axis by its numbers */
    NEAR(h.look.panel[1].range[MLI_X][0], -1000);
    cr_expect_eq(h.look.panel[1].range[MLI_Y][0], h.look.panel[1].range[MLI_Y][1]);
}

Test(hand, two_clicks_show_all)
{
    mli_hand h = hand();
    drag(&h, LEFT + 100, TOP + 60, LEFT + 300, TOP + 150, false);
    cr_expect(mli_hand_down(&h, LEFT + 100, TOP + 60, false, 2));
    for (int axis = MLI_X; axis < MLI_AXES; axis++) cr_expect_eq(h.look.panel[0].range[axis][0], h.look.panel[0].range[axis][1]);
    cr_expect_not(mli_hand_down(&h, LEFT + 100, TOP + 60, false, 2), "it is all there already");
}

Test(hand, shared_axes_move_together)
{
    mli_hand h = hand();
    h.ties.first[MLI_Y][1] = 0; /* one row, one y */
    drag(&h, LEFT + 100, TOP + 60, LEFT + 300, TOP + 150, false);
    NEAR(h.look.panel[1].range[MLI_Y][0], 0.5);
    cr_expect_eq(h.look.panel[1].range[MLI_X][0], h.look.panel[1].range[MLI_X][1]);
    mli_hand_key(&h, 'y');
    cr_expect_eq(h.look.panel[1].scale[MLI_Y], ML_SCALE_LOG);
    mli_hand_down(&h, LEFT + APART + 100, TOP + 60, false, 2);
    cr_expect_eq(h.look.panel[0].range[MLI_Y][0], h.look.panel[0].range[MLI_Y][1]);
}

Test(hand, ties_are_those_of_the_figure)
{
    ml_figure *fig = ml_figure_make(&(ml_figure_opts){ .layout = "aab ccd", .share_x = true });
    mli_view   view;
    mli_ties   ties;
    cr_assert(ml_figure_panel(fig, 1, &(ml_panel_opts){ .yscale = ML_SCALE_SYMLOG }));
    cr_assert(mli_view_take(fig, &view));
    mli_ties_of(&view, &ties);
    const int x[4] = { 0, 1, 0, 1 }, y[4] = { 0, 1, 2, 3 };
    cr_assert_eq(ties.n, 4);
    for (int i = 0; i < 4; i++) cr_expect(ties.first[MLI_X][i] == x[i] && ties.first[MLI_Y][i] == y[i], "panel %d", i);
    cr_expect_eq(ties.scale[1][MLI_Y], ML_SCALE_SYMLOG);
    mli_view_drop(&view);
    ml_figure_release(fig);
}

Test(hand, keys_change_scales_of_the_panel_pointed_at)
{
    mli_hand h = hand();
    cr_expect_not(mli_hand_key(&h, 'x'), "which of the two?");
    mli_hand_move(&h, LEFT + 10, TOP + 10);
    cr_expect(mli_hand_key(&h, 'x'));
    cr_expect_eq(h.look.panel[0].scale[MLI_X], ML_SCALE_LINEAR);
    cr_expect_eq(h.look.panel[1].scale[MLI_X], ML_SCALE_DEFAULT);

    mli_hand_move(&h, LEFT + APART + 10, TOP + 10);
    h.look.panel[1].range[MLI_X][0] = -5, h.look.panel[1].range[MLI_X][1] = 5;
    cr_expect(mli_hand_key(&h, 'x'));
    cr_expect_eq(h.look.panel[1].scale[MLI_X], ML_SCALE_LOG);
    cr_expect_eq(h.look.panel[1].range[MLI_X][1], 0, "no log axis begins at -5");

    mli_hand_move(&h, LEFT + APART + WIDE + 10, TOP + 10);
    cr_expect(mli_hand_key(&h, 'y'), "beside the right axis, that one");
    cr_expect_eq(h.look.panel[1].scale[MLI_Y2], ML_SCALE_LOG);
    cr_expect_eq(h.look.panel[1].scale[MLI_Y], ML_SCALE_DEFAULT);

    h.ties.scale[1][MLI_Y]          = ML_SCALE_SYMLOG;
    h.seen.panel[1].ruler[MLI_Y].scale = ML_SCALE_SYMLOG;
    mli_hand_move(&h, LEFT + APART + 10, TOP + 10);
    mli_hand_key(&h, 'y');
    cr_expect_eq(h.look.panel[1].scale[MLI_Y], ML_SCALE_LINEAR);
    h.seen.panel[1].ruler[MLI_Y].scale = ML_SCALE_LINEAR;
    mli_hand_key(&h, 'y');
    cr_expect_eq(h.look.panel[1].scale[MLI_Y], ML_SCALE_SYMLOG, "back to what the figure says");

    mli_ruler *y = &h.seen.panel[1].ruler[MLI_Y];
    *y           = ruler(ML_SCALE_LINEAR, 0, 8, TOP, TOP + HIGH); /* cells count downwards */
    cr_expect_not(mli_hand_key(&h, 'x'));
}

Test(hand, names_of_the_legend_hide_and_show)
{
    mli_hand h = hand();
    cr_expect(mli_hand_down(&h, 310, 66, false, 1));
    cr_expect(h.look.n_hidden == 1 && h.look.hidden[0] == 77);
    cr_expect_eq(h.grip, MLI_GRIP_NONE, "no box begins in the legend");
    mli_hand_up(&h, 310, 66);
    mli_hand_down(&h, 310, 66, false, 1);
    cr_expect_eq(h.look.n_hidden, 0);
    for (int i = 0; i < MLI_HIDDEN + 3; i++) {
        h.seen.entry[0].mark = 1000 + i;
        mli_hand_down(&h, 310, 66, false, 1);
    }
    cr_expect_eq(h.look.n_hidden, MLI_HIDDEN);
}

Test(hand, one_panel_alone)
{
    mli_hand h = hand();
    cr_expect_not(mli_hand_key(&h, 'm'), "which?");
    cr_expect(mli_hand_down(&h, LEFT + APART + 20, TOP - 10, false, 2), "two clicks on the title");
    cr_expect_eq(h.look.alone, 2);
    cr_expect(mli_hand_down(&h, LEFT + APART + 20, TOP - 10, false, 4) && h.look.alone == 0, "two more, fast");
    mli_hand_down(&h, LEFT + APART + 20, TOP - 10, false, 2);
    cr_expect(mli_hand_key(&h, '\x1b'));
    cr_expect_eq(h.look.alone, 0);
    cr_expect_not(mli_hand_key(&h, '\x1b'));
    mli_hand_move(&h, LEFT + 10, TOP + 10);
    cr_expect(mli_hand_key(&h, 'm') && h.look.alone == 1);
    cr_expect(mli_hand_key(&h, 'm') && h.look.alone == 0);
}

Test(hand, smoothing_goes_up_and_down)
{
    mli_hand h = hand();
    cr_expect_not(mli_hand_key(&h, '['), "less than none");
    double last = 0;
    while (mli_hand_key(&h, ']')) {
        cr_expect(h.look.smoothing > last && h.look.smoothing < 1);
        last = h.look.smoothing;
    }
    while (mli_hand_key(&h, '[')) cr_expect(h.look.smoothing < last || h.look.smoothing == 0);
    cr_expect_eq(h.look.smoothing, 0);
    h.ties.smooth = 0.8; /* a panel's own */
    cr_expect_eq(mli_hand_smoothing(&h), 0.8);
    cr_expect(mli_hand_key(&h, ']') && mli_hand_smoothing(&h) > 0.8, "from there on");
    cr_expect(mli_hand_smooth(&h, 0) && h.look.smoothing < 0 && mli_hand_smoothing(&h) == 0, "none, whatever the panel says");
    cr_expect_not(mli_hand_smooth(&h, 0), "nothing has changed");
    cr_expect(mli_hand_smooth(&h, 1) && h.look.smoothing < 1);
    mli_hand_key(&h, ']');
    drag(&h, LEFT + 100, TOP + 60, LEFT + 300, TOP + 150, false);
    cr_expect(mli_hand_key(&h, 'r'));
    static const mli_look plain;
    cr_expect(memcmp(&h.look, &plain, sizeof plain) == 0, "all as the figure says");
}
