/* Odd data in a live window: whatever a figure holds, it is drawn soon, answers keys and the pointer, and closes. Every picture stays in
 * the build's folder of screenshots. */
#define _GNU_SOURCE
#include "foreign_leaks.h"
#include "hands.h"

#define NAMES(...)  ((const char *[]){ __VA_ARGS__ })
#define DATA(...)   ((ml_data[]){ __VA_ARGS__ }), (int)(sizeof((ml_data[]){ __VA_ARGS__ }) / sizeof(ml_data))
#define PANELS      6
#define SOON        (PATIENCE / 4)

TestSuite(window_odd, .init = need_screen);

static void settle(ml_window *w)
{
    nap(0.05);
    WAIT_UNTIL(is_settled(w));
    nap(0.1);
}

/* Every key and a gesture or two in every panel, fewer where a picture is slow; the screen is kept as it is at first, with values at the pointer, and on log axes. */
static void go_through(ml_figure *fig, const char *name, bool slow)
{
    char       file[64];
    double     began = ml_clock();
    ml_window *w     = open_window(fig, (ml_window_opts){ .width = 1100, .height = 760, .title = name });
    cr_expect(ml_clock() - began < SOON, "%s: %.1f s to the first picture", name, ml_clock() - began);
    hands_on(w);
    settle(w);
    snprintf(file, sizeof file, "50-%s", name);
    keep_screen(file);
    int n = see(w)->hand.seen.n_panels;
    for (int i = 0; i < n; i++) {
        mli_box b = panel_of(w, i).box;
        if (b.w <= 0) continue;
        move_to(b.x + 0.45 * b.w, b.y + 0.5 * b.h);
        settle(w);
        snprintf(file, sizeof file, "51-%s-values", name);
        if (i == 0) keep_screen(file);
        if (slow) {
            wheel(2);
            continue;
        }
        press(XK_x), press(XK_y), press(XK_bracketright);
        wheel(2);
        wheel(-3);
        drag(3, b.x + 0.4 * b.w, b.y + 0.4 * b.h, b.x + 0.6 * b.w, b.y + 0.5 * b.h);
    }
    settle(w);
    snprintf(file, sizeof file, "52-%s-after", name);
    keep_screen(file);
    press(XK_r), press(XK_t), press(XK_plus);
    settle(w);
    cr_expect(on_screen(dark()->paper) > 100000, "%s is dark", name);
    press(XK_m), press(XK_Escape), press(XK_minus), press(XK_question);
    settle(w);
    cr_expect(see(w)->help, "%s answers", name);
    int64_t frames = ml_window_frames(w);
    ml_figure_set_style(fig, ML_STYLE_DARK); /* and goes on following its figure */
    WAIT_UNTIL(ml_window_frames(w) > frames);
    press(XK_q);
    cr_expect(ml_window_wait(w, PATIENCE), "%s closes", name);
    ml_window_close(w);
    ml_figure_release(fig);
    hands_off();
}

Test(window_odd, two_hundred_series)
{
    ml_figure *fig = ml_figure_new(1, 2, "two hundred");
    char       name[96];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, i < 200 ? "seed %d" : "a name that is too long for any legend, of seed %d", i);
        cr_assert(ml_figure_lines(fig, i / 200, NAMES(name), 1, NULL));
        for (int k = 0; k < 100; k++) cr_assert(ml_figure_point(fig, name, k, i % 200 + sin(0.1 * k + i)));
    }
    go_through(fig, "series", false);
}

Test(window_odd, ten_million_points)
{
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("noise"), 1, NULL));
    for (int i = 0; i < 10000000; i++) ml_figure_point(fig, "noise", i, sample_noise((uint32_t)i));
    go_through(fig, "ten-million", true);
}

Test(window_odd, labels_in_any_script)
{
    static const char *const words[PANELS][3] = {
        { "損失関数 \xE2\x88\x87", "فقدان الدالة", "ошибка" },
        { "त्रुटि", "🙂🚀", "e\xCC\x81 a\xCC\x88" },
        { "\xFF\xFE broken \xC3", "two\nlines", "a\ttab" },
        { "a^{b^{c^{d", "^_{}\\", "\\" },
        { "שלום", "\xE2\x80\xAEoverride", "\x01\x02\x1b[31m" },
        { "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW", " ", "&<>\"'%s%n" },
    };
    ml_figure *fig = ml_figure_new(2, 3, words[0][1]);
    for (int i = 0; i < PANELS; i++)
        for (int k = 0; k < 3; k++) {
            cr_assert(ml_figure_lines(fig, i, &words[i][k], 1, &(ml_panel_opts){ .title = words[i][0], .xlabel = words[i][1], .ylabel = words[i][2] }),
                      "%s", ml_error_message());
            for (int x = 0; x < 5; x++) cr_assert(ml_figure_point(fig, words[i][k], x, x * k));
        }
    go_through(fig, "scripts", false);
    fig = ml_figure_new(1, 1, words[2][0]); /* the window's own title, too */
    cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, NULL));
    ml_window *w = open_window(fig, (ml_window_opts){ 0 });
    ml_window_close(w);
    ml_figure_release(fig);
}

Test(window_odd, numbers)
{
    static const double x[6] = { 1, 2, 3, 4, 5, 6 }, gaps[6] = { 1, NAN, 3, INFINITY, -INFINITY, 2 }, zeros[6] = { 0, 0, 1, 10, 100, 0 },
                        level[6] = { 5, 5, 5, 5, 5, 5 }, none[6] = { NAN, NAN, NAN, NAN, NAN, NAN };
    const double *const ys[PANELS] = { gaps, zeros, level, none, x, x };
    ml_figure          *fig        = ml_figure_new(2, 3, "odd numbers");
    for (int i = 0; i < PANELS; i++) {
        int64_t n = i == 4 ? 1 : i == 5 ? 0 : 6, mark = ml_figure_add(fig, i, "line", NULL, 0);
        cr_assert(ml_figure_give(fig, mark, DATA({ "x", 1, { n }, x }, { "y", 1, { n }, ys[i] })), "%s", ml_error_message());
    }
    cr_assert(ml_figure_panel(fig, 1, &(ml_panel_opts){ .title = "log of zero", .yscale = ML_SCALE_LOG }));
    go_through(fig, "numbers", false);
}

Test(window_odd, extreme_numbers)
{
    static const double x[4] = { 1, 2, 3, 4 }, huge[4] = { 1e308, -1e308, 1e308, 0 }, tiny[4] = { 5e-324, 1e-310, 0, -5e-324 },
                        close[4] = { 1, 1 + 1e-15, 1 + 2e-15, 1 }, far[4] = { 1e16, 1e16 + 2, 1e16 + 4, 1e16 + 6 }, below[4] = { -1, -5, -2, -9 };
    const double *const xs[PANELS] = { x, x, far, x, huge, tiny }, *const ys[PANELS] = { huge, tiny, close, below, x, x };
    ml_figure          *fig        = ml_figure_new(2, 3, "extreme numbers");
    for (int i = 0; i < PANELS; i++) {
        int64_t mark = ml_figure_add(fig, i, i % 2 ? "scatter" : "line", NULL, 0);
        cr_assert(ml_figure_give(fig, mark, DATA({ "x", 1, { 4 }, xs[i] }, { "y", 1, { 4 }, ys[i] })), "%s", ml_error_message());
    }
    cr_assert(ml_figure_panel(fig, 3, &(ml_panel_opts){ .title = "log of what is below 0", .yscale = ML_SCALE_LOG }));
    go_through(fig, "extreme", false);
}

Test(window_odd, odd_cells)
{
    static const double nans[4] = { NAN, NAN, NAN, NAN }, one[1] = { 7 }, wide[4] = { 1e308, -1e308, INFINITY, NAN };
    static double       many[300 * 300];
    for (int i = 0; i < 300 * 300; i++) many[i] = i % 7 ? (double)i : (double)NAN;
    ml_figure *fig = ml_figure_new(2, 3, "odd cells");
    cr_assert(sample_heatmap(fig, 0, NULL, NULL, 0, 2, 2, nans) && sample_heatmap(fig, 1, NULL, NULL, 0, 1, 1, one) &&
              sample_heatmap(fig, 2, NULL, NULL, 0, 2, 2, wide) && sample_heatmap(fig, 3, NULL, NULL, 0, 300, 300, many) &&
              sample_heatmap(fig, 4, NULL, NULL, 0, 1, 90000, many) && sample_heatmap(fig, 5, NULL, NULL, 0, 0, 0, NULL));
    go_through(fig, "cells", false);
}
