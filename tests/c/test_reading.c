/* The values beside the pointer, held to a plain search of all points. */
#include "figure/reading.h"
#include "figure_samples.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define NAMES(...) ((const char *[]){ __VA_ARGS__ })
#define WIDE 500.0

static mli_seen seen; /* of one panel: x in 0..WIDE, y in 0..100 upwards */

static void look(ml_scale scale, double low, double high, int n_marks)
{
    memset(&seen, 0, sizeof seen);
    mli_seen_panel *p = &seen.panel[0];
    seen.scale = 1, seen.n_panels = 1, seen.n_marks = n_marks;
    p->box          = (mli_box){ 0, 0, WIDE, 100 };
    p->ruler[MLI_X] = (mli_ruler){ .scale = scale, .low = low, .high = high };
    p->ruler[MLI_Y] = (mli_ruler){ .scale = ML_SCALE_LINEAR, .low = -1, .high = 1 };
    mli_ruler_set(&p->ruler[MLI_X], 0, WIDE);
    mli_ruler_set(&p->ruler[MLI_Y], 100, 0);
    for (int i = 0; i < n_marks; i++) seen.mark[i] = (mli_seen_mark){ .id = i + 1 };
}

static int read(ml_figure *fig, double x, double y, mli_reading *r, int room)
{
    mli_view view;
    cr_assert(mli_view_take(fig, &view));
    mli_averages averages = { 0 };
    int          n        = mli_readings(&view, &seen, NULL, &averages, 0, x, y, r, room);
    mli_averages_free(&averages);
    mli_view_drop(&view);
    return n;
}

/* How near to the pointer the nearest of all points is. */
static double least_distance(const double *x, const double *y, int n, double at)
{
    double least = INFINITY;
    for (int i = 0; i < n; i++)
        if (isfinite(y[i]) && mli_can_show(seen.panel[0].ruler[MLI_X].scale, x[i]))
            least = fmin(least, fabs(mli_ruler_at(&seen.panel[0].ruler[MLI_X], x[i]) - at));
    return least;
}

Test(reading, the_nearest_point_of_a_curve)
{
    enum { N = 5000 }; /* ten chunks, of which most are not looked at */
    static double x[N], y[N];
    for (int shape = 0; shape < 4; shape++) {
        ml_figure *fig = ml_figure_new(1, 1, NULL);
        cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, NULL));
        for (int i = 0; i < N; i++) {
            x[i] = shape == 0 ? i : shape == 1 ? N - i : shape == 2 ? N * fabs(sample_noise((uint32_t)i)) : i / 7;
            y[i] = i % 50 == 13 ? NAN : sin(i * 0.01);
            cr_assert(ml_figure_point(fig, "a", x[i], y[i]));
        }
        for (int log = 0; log < 2; log++) {
            look(log ? ML_SCALE_LOG : ML_SCALE_LINEAR, 1, N, 1);
            for (double at = -20; at <= WIDE + 20; at += 7.3) {
                mli_reading r;
                cr_assert_eq(read(fig, at, 50, &r, 1), 1);
                double least = least_distance(x, y, N, at);
                cr_expect(fabs(fabs(r.at_x - at) - least) < 1e-9, "shape %d, log %d, %g: %g away, not %g", shape, log, at,
                          fabs(r.at_x - at), least);
                bool is_point = false;
                for (int i = 0; i < N && !is_point; i++) is_point = x[i] == r.x && y[i] == r.y;
                cr_expect(is_point, "a point of the curve");
                cr_expect(r.value == r.y && strcmp(r.name, "a") == 0);
                cr_expect(fabs(r.at_y - (50 - 50 * r.y)) < 1e-9);
            }
        }
        ml_figure_release(fig);
    }
}

Test(reading, what_is_hidden_or_empty_or_elsewhere_has_no_value)
{
    mli_reading r[4];
    ml_figure  *fig = ml_figure_new(1, 2, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("a", "empty", "nan", "b"), 4, NULL));
    for (int i = 0; i < 3; i++) {
        cr_assert(ml_figure_point(fig, "a", i, 0.25) && ml_figure_point(fig, "b", i, 0.5));
        cr_assert(ml_figure_point(fig, "nan", NAN, i));
    }
    look(ML_SCALE_LINEAR, 0, 2, 4);
    cr_assert_eq(read(fig, 250, 50, r, 4), 2);
    cr_expect(r[0].x == 1 && r[0].value == 0.25 && r[1].value == 0.5);
    cr_expect_eq(read(fig, 250, 50, r, 1), 1, "no more than there is room for");
    seen.mark[0].id = 99; /* was taken away */
    cr_assert_eq(read(fig, 250, 50, r, 4), 1);
    cr_expect_str_eq(r[0].name, "b");
    seen.mark[3].panel = 1;
    cr_expect_eq(read(fig, 250, 50, r, 4), 0);
    mli_view view;
    cr_assert(mli_view_take(fig, &view));
    cr_expect_eq(mli_readings(&view, &seen, NULL, NULL, -1, 0, 0, r, 4), 0);
    cr_expect_eq(mli_readings(&view, &seen, NULL, NULL, 2, 0, 0, r, 4), 0);
    mli_view_drop(&view);
    ml_figure_release(fig);
}

Test(reading, an_average_and_what_it_is_made_of)
{
    enum { N = 3000 };
    static double y[N], average[N];
    mlk_average   state = { .past = 0.9 };
    mli_averages  kept  = { 0 };
    mli_view      view;
    mli_reading   r;
    ml_figure    *fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, &(ml_panel_opts){ .smooth = 0.9 }));
    for (int i = 0; i < N; i++) {
        y[i] = i % 50 == 13 ? NAN : sample_noise((uint32_t)i);
        cr_assert(ml_figure_point(fig, "a", i, y[i]));
    }
    mlk_smooth(N, y, average, &state);
    look(ML_SCALE_LINEAR, 0, N - 1, 1);
    cr_assert(mli_view_take(fig, &view));
    for (double at = 0; at < WIDE; at += 3.7) {
        cr_assert_eq(mli_readings(&view, &seen, NULL, &kept, 0, at, 50, &r, 1), 1);
        int i = (int)r.x;
        cr_expect(r.smoothed && r.value == y[i] && r.y == average[i], "%d: %g (%g), not %g (%g)", i, r.y, r.value, average[i], y[i]);
        cr_expect(fabs(r.at_y - (50 - 50 * average[i])) < 1e-9, "where the average is drawn");
    }
    cr_assert_eq(mli_readings(&view, &seen, &(mli_look){ .smoothing = -1 }, &kept, 0, 100, 50, &r, 1), 1);
    cr_expect(!r.smoothed && r.value == r.y && r.y == y[(int)r.x], "not when the window shows none");
    ml_memory_fail_after(1);
    mli_averages fresh = { 0 };
    cr_expect_eq(mli_readings(&view, &seen, NULL, &fresh, 0, 100, 50, &r, 1), 1);
    ml_memory_fail_after(0);
    cr_expect(!r.smoothed && r.y == r.value && !ml_failed(), "without memory: the value alone");
    mli_averages_free(&kept);
    mli_averages_free(&fresh);
    mli_view_drop(&view);
    ml_figure_release(fig);
}

Test(reading, the_cell_under_the_pointer)
{
    mli_reading  r;
    const double cells[6] = { 1, 2, 3, 4, 5, 6 };
    ml_figure   *fig      = ml_figure_new(1, 1, NULL);
    cr_assert(sample_heatmap(fig, 0, NULL, NULL, 0, 2, 3, cells));
    look(ML_SCALE_LINEAR, 0.5, 3.5, 1);
    seen.panel[0].ruler[MLI_Y] = (mli_ruler){ .scale = ML_SCALE_LINEAR, .low = 0.5, .high = 2.5 };
    mli_ruler_set(&seen.panel[0].ruler[MLI_Y], 0, 100); /* downwards */
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(read(fig, WIDE * (i % 3 + 0.9) / 3, 100 * (i / 3 + 0.1) / 2, &r, 1), 1);
        cr_expect(r.cell && r.value == cells[i] && r.x == i % 3 + 1 && r.y == i / 3 + 1, "%g at %g, %g", r.value, r.x, r.y);
    }
    cr_expect_eq(read(fig, WIDE + 5, 50, &r, 1), 0);
    cr_expect_eq(read(fig, 5, -5, &r, 1), 0);
    ml_figure_release(fig);
}

Test(reading, the_nearest_of_many_keep_their_order)
{
    mli_reading r[40] = { 0 };
    for (int i = 0; i < 40; i++) r[i].value = i, r[i].at_y = i % 2 ? 1000 + i : i; /* every other one is far away */
    cr_assert_eq(mli_readings_near(r, 40, 20, 5), 5);
    for (int i = 0; i < 5; i++) cr_expect_eq(r[i].value, 16 + 2 * i, "%g", r[i].value);
    cr_expect_eq(mli_readings_near(r, 5, 0, 24), 5);
    cr_expect_eq(mli_readings_near(r, 0, 0, 24), 0);
}
