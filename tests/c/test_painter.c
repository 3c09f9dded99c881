/* What is on the paper: pictures are saved, read back, and looked at pixel by pixel. */
#include "figure_samples.h"
#include "foreign_leaks.h"
#include "picture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMES(...) ((const char *[]){ __VA_ARGS__ })

static const mli_colour white = { 1, 1, 1 };

#define GIVEN(...) ((ml_given[]){ __VA_ARGS__ }), (int)(sizeof((ml_given[]){ __VA_ARGS__ }) / sizeof(ml_given))

static mli_colour mapped(double t)
{
    return mli_map_at(MLI_MAP_VIRIDIS, false, t);
}

static mli_colour diverging(double t)
{
    return mli_map_at(MLI_MAP_DIVERGING, false, t);
}

static mli_colour series_colour(int i)
{
    return mli_style_of(ML_STYLE_LIGHT)->palette[i];
}

/* Saves, reads, and removes the file. */
static picture paint_opts(ml_figure *fig, ml_save_opts opts)
{
    char path[64];
    snprintf(path, sizeof path, "painter-%ld.png", (long)getpid());
    cr_assert(ml_figure_save(fig, path, &opts), "%s", ml_error_message());
    picture p = picture_read(path);
    unlink(path);
    cr_assert(p.surface, "the PNG can be decoded");
    return p;
}

/* One pixel a unit. A figure as small as 60 x 40 has no words: then the axes are all but 3 pixels on each side. */
static picture paint(ml_figure *fig, double width, double height)
{
    return paint_opts(fig, (ml_save_opts){ .width = width, .height = height, .dpi = 96 });
}

static ml_figure *one_panel(const char *const *names, int n, ml_panel_opts opts)
{
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(fig && ml_figure_lines(fig, 0, names, n, &opts), "%s", ml_error_message());
    return fig;
}

static bool column_has(const picture *p, int x, int from, int to, mli_colour c)
{
    for (int y = from; y <= to; y++)
        if (picture_is(p, x, y, c)) return true;
    return false;
}

/* --- curves ------------------------------------------------------------------------------------- */
/* The diagonal of the axes shows where they are; the other curve is then where its values say. */
static void check_curve(ml_panel_opts opts, double x_of(double), double y_of(double))
{
    ml_figure *fig = one_panel(NAMES("diagonal", "curve"), 2, opts);
    for (int i = 0; i <= 200; i++) {
        double t = i / 200.0;
        ml_figure_point(fig, "diagonal", x_of(t), y_of(t));
        ml_figure_point(fig, "curve", x_of(t), y_of(t * t));
    }
    picture p = paint_opts(fig, (ml_save_opts){ .width = 440, .height = 330, .dpi = 192 });
    bounds  b = picture_bounds(&p, series_colour(0));
    cr_assert(b.right - b.left > 500 && b.bottom - b.top > 350, "axes %d..%d, %d..%d", b.left, b.right, b.top,
              b.bottom);
    for (int i = 2; i <= 8; i++) {
        double t = i / 10.0;
        int    x = b.left + (int)lround(t * (b.right - b.left)),
            y    = b.bottom - (int)lround(t * t * (b.bottom - b.top));
        cr_expect(column_has(&p, x, y - 4, y + 4, series_colour(1)), "the curve at %g", t);
        cr_expect_not(column_has(&p, x, y + 16, b.bottom - 60, series_colour(1)),
                      "nothing below the curve at %g", t);
    }
    picture_free(&p);
    ml_figure_release(fig);
}

static double same(double t)
{
    return t;
}
static double decades(double t)
{
    return pow(10, 4 * t);
}

Test(painter, curves_are_where_their_values_say)
{
    check_curve((ml_panel_opts){ .xlim = { 0, 1 }, .ylim = { 0, 1 } }, same, same);
}

Test(painter, curves_on_log_axes_are_where_their_values_say)
{
    check_curve((ml_panel_opts){ .xscale = ML_SCALE_LOG, .xlim = { 1, 1e4 }, .ylim = { 0, 1 } }, decades,
                same);
    check_curve((ml_panel_opts){ .yscale = ML_SCALE_LOG, .xlim = { 0, 1 }, .ylim = { 1, 1e4 } }, same,
                decades);
}

Test(painter, axes_follow_the_data)
{
    ml_figure *fig = one_panel(NAMES("a"), 1, (ml_panel_opts){ 0 });
    for (int i = 0; i <= 10; i++) ml_figure_point(fig, "a", 1000 + i, -3e5 + i * 1e4);
    picture p = paint(fig, 60, 40);
    bounds  b = picture_bounds(&p, series_colour(0));
    cr_expect(b.left < 8 && b.right > 51 && b.top < 10 && b.bottom > 29, "%d..%d, %d..%d", b.left, b.right,
              b.top, b.bottom);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, decimation_keeps_a_spike)
{
    ml_figure *fig = one_panel(NAMES("a"), 1, (ml_panel_opts){ .ylim = { -1, 1 } });
    for (int i = 0; i < 100000; i++) ml_figure_point(fig, "a", i, i == 25000 ? 1 : i == 75000 ? -1 : 0);
    picture p = paint(fig, 60, 40);
    /* x runs over 54 pixels from 3, with 2 % of margin: a quarter is at 16, three quarters at 43 */
    cr_expect(column_has(&p, 16, 3, 8, series_colour(0)) || column_has(&p, 17, 3, 8, series_colour(0)), "up");
    cr_expect(column_has(&p, 43, 31, 36, series_colour(0)) || column_has(&p, 42, 31, 36, series_colour(0)),
              "down");
    cr_expect_not(column_has(&p, 30, 3, 15, series_colour(0)), "and nothing else is high");
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, decimation_of_noise_fills_its_band)
{
    ml_figure *fig = one_panel(NAMES("a"), 1, (ml_panel_opts){ .ylim = { -2, 2 } });
    for (int i = 0; i < 100000; i++) ml_figure_point(fig, "a", i, sample_noise((uint32_t)i));
    picture p = paint(fig, 60, 40);
    for (int x = 6; x < 54; x++) {
        cr_expect(picture_is(&p, x, 13, series_colour(0)) && picture_is(&p, x, 26, series_colour(0)),
                  "column %d", x);
        cr_expect(picture_is(&p, x, 6, white) && picture_is(&p, x, 33, white), "column %d", x);
    }
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, nan_and_inf_break_the_line)
{
    const double gaps[] = { NAN, INFINITY, -INFINITY };
    for (int k = 0; k < 3; k++) {
        ml_figure *fig = one_panel(NAMES("a"), 1, (ml_panel_opts){ 0 });
        for (int i = 0; i <= 30; i++) ml_figure_point(fig, "a", i, i > 10 && i < 20 ? gaps[k] : i % 2);
        picture p = paint(fig, 60, 40);
        cr_expect(column_has(&p, 14, 0, 39, series_colour(0)) && column_has(&p, 45, 0, 39, series_colour(0)));
        for (int x = 26; x < 36; x++)
            cr_expect_not(column_has(&p, x, 0, 39, series_colour(0)), "gap %g, column %d", gaps[k], x);
        picture_free(&p);
        ml_figure_release(fig);
    }
}

Test(painter, log_axes_leave_out_what_is_not_positive)
{
    ml_figure *fig = one_panel(NAMES("a"), 1, (ml_panel_opts){ .yscale = ML_SCALE_LOG });
    for (int i = 0; i <= 30; i++)
        ml_figure_point(fig, "a", i, i > 10 && i < 20 ? -i : i == 10 ? 0 : 1e-3 * (i + 1));
    picture p = paint(fig, 60, 40);
    for (int x = 26; x < 36; x++) cr_expect_not(column_has(&p, x, 0, 39, series_colour(0)), "column %d", x);
    bounds b = picture_bounds(&p, series_colour(0));
    cr_expect(b.top < 9 && b.bottom > 30, "the limits come from the positive values alone: %d..%d", b.top,
              b.bottom);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, a_lone_point_is_a_dot)
{
    ml_figure *fig = one_panel(NAMES("a"), 1, (ml_panel_opts){ 0 });
    ml_figure_point(fig, "a", 5, 5);
    picture p = paint(fig, 60, 40);
    bounds  b = picture_bounds(&p, series_colour(0));
    int     n = picture_count(&p, series_colour(0));
    cr_expect(n >= 9 && n <= 30, "%d pixels", n);
    cr_expect(b.left >= 26 && b.right <= 33 && b.top >= 16 && b.bottom <= 23, "in the middle: %d..%d, %d..%d",
              b.left, b.right, b.top, b.bottom);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, points_outside_the_limits_are_cut_at_the_axes)
{
    ml_figure *fig = one_panel(NAMES("a", "b"), 2, (ml_panel_opts){ .xlim = { 0, 1 }, .ylim = { 0, 1 } });
    ml_figure_point(fig, "a", -1e300, 0.5); /* through the axes from far left to far right */
    ml_figure_point(fig, "a", 1e300, 0.5);
    ml_figure_point(fig, "b", 0.5, -1.7e308);
    ml_figure_point(fig, "b", 0.5, 1.7e308);
    picture p =
        paint_opts(fig, (ml_save_opts){ .width = 60, .height = 40, .dpi = 384 }); /* axes: 12..228, 12..148 */
    bounds a = picture_bounds(&p, series_colour(0)), b = picture_bounds(&p, series_colour(1));
    cr_expect(a.left >= 4 && a.left <= 14 && a.right >= 225 && a.right <= 236, "%d..%d", a.left, a.right);
    cr_expect(b.top >= 4 && b.top <= 14 && b.bottom >= 145 && b.bottom <= 156, "%d..%d", b.top, b.bottom);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, one_series_in_two_panels_is_drawn_twice)
{
    ml_figure *fig = ml_figure_new(1, 2, NULL);
    ml_figure_lines(fig, 0, NAMES("a"), 1, NULL);
    ml_figure_lines(fig, 1, NAMES("a"), 1, NULL);
    for (int i = 0; i < 5; i++) ml_figure_point(fig, "a", i, i);
    picture p = paint(fig, 60, 40);
    bounds  b = picture_bounds(&p, series_colour(0));
    cr_expect(b.left < 10 && b.right > 50);
    cr_expect_not(column_has(&p, 29, 0, 39, series_colour(0)), "with a gap between");
    picture_free(&p);
    ml_figure_release(fig);
}

/* --- heatmaps ------------------------------------------------------------------------------------- */
static ml_figure *one_heatmap(const ml_given *given, int n, int rows, int cols, const double *values)
{
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(fig && sample_heatmap(fig, 0, NULL, given, n, rows, cols, values), "%s", ml_error_message());
    return fig;
}

static void expect_colour(const picture *p, int x, int y, mli_colour c, const char *what)
{
    mli_colour got = picture_at(p, x, y);
    cr_expect(colour_distance(got, c) < 0.012, "%s at %d, %d: (%.3f %.3f %.3f), not (%.3f %.3f %.3f)", what,
              x, y, got.r, got.g, got.b, c.r, c.g, c.b);
}

Test(painter, a_cell_has_the_colour_of_its_value)
{
    const double values[] = { 0, 0.25, 0.5, 0.75, 1, NAN, INFINITY, -INFINITY, 2, -7, 0.1, 0.9 };
    ml_figure   *fig = one_heatmap(GIVEN({ .name = "limits", .number = { 0, 1 } }, { .name = "stretch", .number = { 1 } }), 3, 4, values);
    for (int style = ML_STYLE_LIGHT; style <= ML_STYLE_DARK; style++) {
        picture p =
            paint_opts(fig, (ml_save_opts){ .width = 66, .height = 36, .dpi = 96, .style = (ml_style)style });
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 4; c++) { /* cells of 15 x 10 from (3, 3); row 0 at the top */
                double     v  = values[r * 4 + c];
                mli_colour as = isnan(v) ? mli_style_of((ml_style)style)->missing
                                         : mapped(fmin(fmax(v, 0), 1));
                for (int corner = 0; corner < 4; corner++)
                    expect_colour(&p, 3 + 15 * c + (corner & 1 ? 14 : 0), 3 + 10 * r + (corner & 2 ? 9 : 0),
                                  as, "cell");
            }
        picture_free(&p);
    }
    ml_figure_release(fig);
}

Test(painter, limits_come_from_the_finite_values)
{
    const double values[] = { -3, 5, INFINITY, NAN };
    ml_figure   *fig      = one_heatmap(GIVEN({ .name = "stretch", .number = { 1 } }), 1, 4, values);
    picture      p        = paint(fig, 66, 36);
    expect_colour(&p, 10, 18, mapped(0), "lowest");
    expect_colour(&p, 25, 18, mapped(1), "highest");
    expect_colour(&p, 40, 18, mapped(1), "inf");
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, diverging_colours_meet_at_zero)
{
    const double values[] = { -1, 0, 4, -4 };
    ml_figure   *fig = one_heatmap(GIVEN({ .name = "stretch", .number = { 1 } }, { .name = "diverging", .number = { 1 } }), 1, 4, values);
    picture      p   = paint(fig, 66, 36);
    expect_colour(&p, 10, 18, diverging(3.0 / 8), "-1 of -4..4");
    expect_colour(&p, 25, 18, diverging(0.5), "zero");
    expect_colour(&p, 40, 18, diverging(1), "4");
    expect_colour(&p, 55, 18, diverging(0), "-4");
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, a_single_cell_of_a_large_matrix_is_seen)
{
    enum { N = 1500 };
    static double values[N * N];
    values[700 * N + 300] = 1;
    values[10 * N + 1400] = NAN;
    ml_figure *fig        = one_heatmap(GIVEN({ .name = "stretch", .number = { 1 } }), N, N, values);
    picture    p          = paint(fig, 66, 36);
    cr_expect_eq(picture_count(&p, mapped(1)), 1);
    expect_colour(&p, 3 + 300 * 60 / N, 3 + 700 * 30 / N, mapped(1), "the spike");
    cr_expect_eq(picture_count(&p, mli_style_of(ML_STYLE_LIGHT)->missing), 0,
                 "a nan among values is not shown");
    picture_free(&p);
    ml_figure_release(fig);

    values[700 * N + 300] = -1;
    values[20 * N + 20]   = 0.5;
    fig = one_heatmap(GIVEN({ .name = "stretch", .number = { 1 } }, { .name = "diverging", .number = { 1 } }), N, N, values);
    p   = paint(fig, 66, 36);
    expect_colour(&p, 3 + 300 * 60 / N, 3 + 700 * 30 / N, diverging(0),
                  "farthest from the middle");
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, cells_are_square_when_that_fills_the_panel)
{
    const double values[] = { 1, 1, 1, 1 };
    ml_figure   *fig      = one_heatmap(GIVEN({ .name = "limits", .number = { 0, 1 } }), 2, 2, values);
    picture      p        = paint(fig, 46, 36);
    bounds       b        = picture_bounds(&p, mapped(1));
    cr_expect(b.right - b.left == 29 && b.bottom - b.top == 29, "%d x %d", b.right - b.left + 1,
              b.bottom - b.top + 1);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(painter, equal_values_and_one_cell_make_a_picture)
{
    const double seven = 7;
    ml_figure   *fig   = one_heatmap(NULL, 0, 1, 1, &seven);
    picture      p     = paint(fig, 440, 330);
    cr_expect(picture_count(&p, mapped(0.5)) > 10000, "the middle of the colours");
    picture_free(&p);
    ml_figure_release(fig);
}

/* --- the page ----------------------------------------------------------------------------------- */
Test(painter, styles_differ_and_palettes_are_theirs)
{
    ml_figure *fig = sample_grokking(2000);
    for (int style = ML_STYLE_LIGHT; style <= ML_STYLE_DARK; style++) {
        const mli_style *t = mli_style_of((ml_style)style);
        picture          p = paint_opts(fig, (ml_save_opts){ .style = (ml_style)style });
        cr_expect_eq(p.w, 1760);
        cr_expect_eq(p.h, 1320);
        cr_expect(picture_is(&p, 0, 0, t->paper) && picture_is(&p, p.w - 1, p.h - 1, t->paper));
        cr_expect(picture_count(&p, t->palette[0]) > 2000 && picture_count(&p, t->palette[1]) > 2000);
        cr_expect(picture_count(&p, t->ink) > 500, "words are written");
        picture_free(&p);
    }
    ml_figure_set_style(fig, ML_STYLE_DARK);
    picture p = paint(fig, 400, 300);
    cr_expect(picture_is(&p, 0, 0, mli_style_of(ML_STYLE_DARK)->paper), "the figure's style is the default");
    picture_free(&p);
    ml_figure_release(fig);
}

/* Nothing is drawn in the outermost pixels: no word is cut by the edge. */
Test(painter, no_word_is_cut_by_the_edge)
{
    char long_text[400];
    memset(long_text, 'W', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const double  sizes[][2]        = { { 440, 330 }, { 880, 660 },  { 300, 220 },
                                        { 170, 130 }, { 1200, 200 }, { 200, 900 } };
    ml_figure    *fig               = ml_figure_new(2, 2, long_text);
    ml_panel_opts opts              = { .title = long_text, .xlabel = long_text, .ylabel = long_text };
    cr_assert(ml_figure_lines(fig, 0, NAMES("a", "b"), 2, &opts) &&
              ml_figure_lines(fig, 1, NAMES("a", "c"), 2, &opts));
    opts.xscale = opts.yscale = ML_SCALE_LOG;
    cr_assert(ml_figure_lines(fig, 2, NAMES("a", "b", "c"), 3, &opts));
    const double values[] = { 1e-7, 2e-7, -3e-7, 5e-7 };
    cr_assert(sample_heatmap(fig, 3, &(ml_panel_opts){ .title = long_text, .ylabel = long_text }, NULL, 0, 2, 2, values));
    for (int i = 0; i < 50; i++)
        cr_assert(ml_figure_point(fig, "a", i * 2e4, i * 1e6) && ml_figure_point(fig, "b", i, -i * 1e-9) &&
                  ml_figure_point(fig, "c", i, i));
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        picture p     = paint(fig, sizes[k][0], sizes[k][1]);
        int     marks = 0;
        for (int x = 0; x < p.w; x++)
            marks += !picture_is(&p, x, 0, white) + !picture_is(&p, x, p.h - 1, white);
        for (int y = 0; y < p.h; y++)
            marks += !picture_is(&p, 0, y, white) + !picture_is(&p, p.w - 1, y, white);
        cr_expect_eq(marks, 0, "%g x %g: %d pixels on the edge", sizes[k][0], sizes[k][1], marks);
        picture_free(&p);
    }
    ml_figure_release(fig);
}

Test(painter, every_size_and_any_data_make_a_picture)
{
    const double sizes[][2] = { { 1, 1 },    { 2, 300 },   { 300, 2 },  { 60, 40 },
                                { 121, 93 }, { 150, 110 }, { 3000, 50 } };
    const double odd[]      = { 0,        -0.0,      1e308, -1e308,    1e-308, 5e-324,  NAN,
                                INFINITY, -INFINITY, 1,     1 + 1e-15, 1e16,   1e16 + 2 };
    enum { N = sizeof odd / sizeof *odd };
    enum { SERIES = 200 };
    char        names[SERIES][8];
    const char *list[SERIES];
    for (int i = 0; i < SERIES; i++)
        snprintf(names[i], sizeof names[i], "s%d", i), list[i] = names[i];
    for (int scale = 0; scale < 4; scale++) {
        ml_figure    *fig  = ml_figure_new(2, 2, "odd");
        ml_panel_opts opts = { .xscale = scale & 1 ? ML_SCALE_LOG : 0,
                               .yscale = scale & 2 ? ML_SCALE_LOG : 0 };
        cr_assert(ml_figure_lines(fig, 0, list, SERIES, &opts) &&
                  ml_figure_lines(fig, 1, list + 3, 1, &opts));
        for (int s = 0; s < SERIES; s++)
            for (int i = 0; i < 5 * N; i++)
                cr_assert(ml_figure_point(fig, names[s], odd[i % N], odd[(i / N + s) % N]));
        cr_assert(sample_heatmap(fig, 2, NULL, GIVEN({ .name = "diverging", .number = { scale & 1 } }), 1, N, odd));
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            picture p = paint(fig, sizes[k][0], sizes[k][1]);
            cr_expect(p.w == sizes[k][0] && p.h == sizes[k][1]);
            picture_free(&p);
        }
        ml_figure_release(fig);
    }
}

Test(painter, empty_panels_say_so)
{
    ml_figure *fig  = one_panel(NAMES("a", "b"), 2, (ml_panel_opts){ 0 });
    picture    none = paint_opts(fig, (ml_save_opts){ 0 });
    ml_figure_point(fig, "a", 1, NAN);
    picture nan    = paint_opts(fig, (ml_save_opts){ 0 });
    int     differ = 0;
    for (int y = 0; y < none.h; y++)
        for (int x = 0; x < none.w; x++)
            differ += colour_distance(picture_at(&none, x, y), picture_at(&nan, x, y)) > 0.05;
    cr_expect(differ > 20, "'no data yet' and 'no finite points' are different words");
    cr_expect(picture_count(&none, series_colour(0)) > 0, "the legend stands already");
    picture_free(&none);
    picture_free(&nan);
    ml_figure_release(fig);
}
