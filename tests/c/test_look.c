/* How a figure is looked at: ranges, scales, hidden marks, one panel alone, smoothing; and where things came to stand. The painter is
 * called as the window calls it. */
#include "figure_samples.h"
#include "foreign_leaks.h"
#include "figure/drawing.h"
#include "figure/paint.h"

#include <criterion/criterion.h>
#include <math.h>

#define W 600
#define H 400

static uint32_t pixels[W * H];
static mli_seen seen;

static bool look_at(ml_figure *fig, const mli_look *look)
{
    mli_view view;
    cr_assert(mli_view_take(fig, &view));
    cairo_surface_t *surface =
        cairo_image_surface_create_for_data((unsigned char *)pixels, CAIRO_FORMAT_RGB24, W, H, W * 4);
    cairo_t *cr   = cairo_create(surface);
    mli_page page = { .width = W, .height = H, .density = 1, .look = look, .seen = &seen };
    bool     ok   = mli_paint(cr, &view, &page);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    mli_view_drop(&view);
    return ok;
}

static int count(mli_colour c)
{
    int n = 0;
    for (int i = 0; i < W * H; i++) {
        double r = (pixels[i] >> 16 & 255) / 255.0, g = (pixels[i] >> 8 & 255) / 255.0, b = (pixels[i] & 255) / 255.0;
        n += fabs(r - c.r) < 0.02 && fabs(g - c.g) < 0.02 && fabs(b - c.b) < 0.02;
    }
    return n;
}

static ml_figure *two_curves(void)
{
    ml_figure *fig = ml_figure_new(1, 2, NULL);
    cr_assert(ml_figure_lines(fig, 0, (const char *[]){ "a", "b" }, 2, NULL) &&
              ml_figure_lines(fig, 1, (const char *[]){ "c" }, 1, NULL));
    for (int i = 1; i <= 100; i++)
        cr_assert(ml_figure_point(fig, "a", i, i) && ml_figure_point(fig, "b", i, 100 - i + (i % 2 ? 20 : -20)) &&
                  ml_figure_point(fig, "c", i, i));
    return fig;
}

Test(look, places_are_told_and_read_back)
{
    ml_figure *fig = two_curves();
    cr_assert(look_at(fig, NULL));
    cr_expect_eq(seen.n_panels, 2);
    cr_expect_eq(seen.n_entries, 2, "the names of a and b");
    for (int k = 0; k < 2; k++) {
        const mli_seen_panel *p = &seen.panel[k];
        cr_assert(p->has[MLI_X] && p->has[MLI_Y] && !p->has[MLI_Y2] && p->box.w > 100);
        for (double v = 10; v < 100; v += 20)
            cr_expect_float_eq(mli_ruler_value(&p->ruler[MLI_X], mli_ruler_at(&p->ruler[MLI_X], v)), v, 1e-9);
        cr_expect(mli_ruler_at(&p->ruler[MLI_X], p->ruler[MLI_X].low) == p->box.x);
    }
    mli_ruler log = { .scale = ML_SCALE_LOG, .low = 1e-3, .high = 1e3 },
              sym = { .scale = ML_SCALE_SYMLOG, .knee = 0.1, .low = -100, .high = 100 };
    mli_ruler_set(&log, 0, 600);
    mli_ruler_set(&sym, 0, 800);
    cr_expect_float_eq(mli_ruler_at(&log, 1), 300, 1e-9);
    cr_expect_float_eq(mli_ruler_at(&sym, 0), 400, 1e-9);
    cr_expect_float_eq(mli_ruler_at(&sym, 0.1), 500, 1e-9, "linear up to the knee, a decade long");
    cr_expect_float_eq(mli_ruler_at(&sym, 100), 800, 1e-9, "then a decade for each power of ten");
    for (double v = -90; v < 100; v += 7.3) cr_expect_float_eq(mli_ruler_value(&sym, mli_ruler_at(&sym, v)), v, 1e-9);
    ml_figure_release(fig);
}

Test(look, ranges_and_scales_are_the_lookers)
{
    ml_figure *fig                = two_curves();
    mli_look   look               = { 0 };
    look.panel[0].range[MLI_X][0] = 20, look.panel[0].range[MLI_X][1] = 40;
    look.panel[0].scale[MLI_Y] = ML_SCALE_LOG;
    cr_assert(look_at(fig, &look));
    cr_expect(seen.panel[0].ruler[MLI_X].low == 20 && seen.panel[0].ruler[MLI_X].high == 40);
    cr_expect_eq(seen.panel[0].ruler[MLI_Y].scale, ML_SCALE_LOG);
    cr_expect(seen.panel[0].ruler[MLI_Y].low > 10, "y follows what can be seen");
    cr_expect_eq(seen.panel[1].ruler[MLI_Y].scale, ML_SCALE_LINEAR);
    cr_expect(seen.panel[1].ruler[MLI_X].high > 90, "the other panel is as it was");
    ml_figure_release(fig);
}

Test(look, hidden_marks_are_not_drawn_and_their_names_stay)
{
    ml_figure *fig  = two_curves();
    mli_look   look = { 0 };
    mli_colour blue = mli_style_of(ML_STYLE_LIGHT)->palette[0], orange = mli_style_of(ML_STYLE_LIGHT)->palette[1];
    cr_assert(look_at(fig, NULL));
    int before = count(orange);
    cr_expect_eq(seen.entry[1].panel, 0);
    look.hidden[look.n_hidden++] = seen.entry[1].mark;
    cr_assert(look_at(fig, &look));
    cr_expect(count(orange) < before / 10 && count(blue) > 100, "orange: %d, then %d", before, count(orange));
    cr_expect_eq(seen.n_entries, 2);
    cr_expect(seen.panel[0].ruler[MLI_Y].high < 110, "axes follow what is drawn");
    look.hidden[look.n_hidden++] = seen.entry[0].mark;
    cr_expect(look_at(fig, &look), "nothing is left to see");
    ml_figure_release(fig);
}

/* A curve with a label and a colour, over 1..100. */
static void add_curve(ml_figure *fig, int panel, const char *name, const char *label, const char *colour, double group, double subgroup)
{
    ml_given options[] = { { "label", { 0 }, label }, { "colour", { 0 }, colour }, { "group", { group } }, { "subgroup", { subgroup } } };
    double   x[100], y[100];
    for (int i = 0; i < 100; i++) x[i] = i + 1, y[i] = group * i + 10 * subgroup;
    cr_assert(ml_figure_curve(fig, panel, name, options, 4), "%s", ml_error_message());
    cr_assert(ml_figure_points(fig, name, x, y, 100), "%s", ml_error_message());
}

Test(look, a_group_is_hidden_in_all_panels_by_one_name)
{
    ml_figure *fig  = ml_figure_new(1, 2, NULL);
    mli_look   look = { 0 };
    mli_colour blue = mli_style_of(ML_STYLE_LIGHT)->palette[0], orange = mli_style_of(ML_STYLE_LIGHT)->palette[1];
    for (int panel = 0; panel < 2; panel++) {
        add_curve(fig, panel, panel ? "a1" : "a0", panel ? "" : "one", "blue", 1, 7 + panel);
        add_curve(fig, panel, panel ? "b1" : "b0", panel ? "" : "two", "orange", 2, 7 + panel);
    }
    cr_assert(look_at(fig, NULL));
    cr_expect_eq(seen.n_entries, 2, "an empty label is none: %d", seen.n_entries);
    cr_expect(seen.entry[0].mark == -1 && seen.entry[1].mark == -2);
    int blues = count(blue), oranges = count(orange);
    cr_expect(blues > 200 && oranges > 200);
    look.hidden[look.n_hidden++] = seen.entry[1].mark;
    cr_assert(look_at(fig, &look));
    cr_expect(count(orange) < oranges / 10, "orange: %d, then %d, in both panels", oranges, count(orange));
    cr_expect(count(blue) > blues / 2);
    look.hidden[0] = -7; /* the first panel's curves are a subgroup */
    cr_assert(look_at(fig, &look));
    cr_expect(count(orange) < oranges * 3 / 4 && count(orange) > oranges / 4, "orange: %d, then %d", oranges, count(orange));
    ml_figure_release(fig);
}

Test(look, one_panel_may_be_alone)
{
    ml_figure *fig = two_curves();
    cr_assert(look_at(fig, NULL));
    double narrow = seen.panel[1].box.w;
    cr_assert(look_at(fig, &(mli_look){ .alone = 2 }));
    cr_expect(seen.panel[1].box.w > 1.8 * narrow && seen.panel[0].box.w == 0);
    cr_expect(look_at(fig, &(mli_look){ .alone = 99 }), "a panel that is not there: all of them");
    cr_expect(seen.panel[0].box.w > 0);
    ml_figure_release(fig);
}

Test(look, columns_of_panels_that_keep_their_shape_are_narrow)
{
    ml_figure *fig = two_curves();
    cr_assert(look_at(fig, NULL));
    double wide = seen.panel[1].box.w;
    cr_assert(ml_figure_panel(fig, 0, &(ml_panel_opts){ .equal = true, .xlim = { 0, 50 }, .ylim = { 0, 200 } }));
    cr_assert(look_at(fig, NULL));
    mli_box a = seen.panel[0].box, b = seen.panel[1].box;
    cr_expect(fabs(a.w * 4 - a.h) < 2, "%g x %g", a.w, a.h);
    cr_expect(b.w > wide + 100, "the other takes what that leaves: %g, then %g", wide, b.w);
    cr_expect(b.x > a.x + a.w + 60 && b.x + b.w < W, "between them stands a legend");
    cr_assert(ml_figure_panel(fig, 1, &(ml_panel_opts){ .equal = true, .xlim = { 0, 50 }, .ylim = { 0, 200 } }));
    cr_assert(look_at(fig, NULL));
    cr_expect(seen.panel[1].box.x > W / 2, "nobody takes it: all columns are as wide");
    ml_figure_release(fig);
}

Test(look, smoothing_leaves_the_curve_faint_behind_its_average)
{
    ml_figure *fig    = two_curves();
    mli_colour orange = mli_style_of(ML_STYLE_LIGHT)->palette[1];
    cr_assert(look_at(fig, NULL));
    int zigzag = count(orange);
    cr_assert(look_at(fig, &(mli_look){ .smoothing = 0.9 }));
    int smooth = count(orange), faint = count(mli_mix((mli_colour){ 1, 1, 1 }, orange, 0.44));
    int band = count(mli_mix((mli_colour){ 1, 1, 1 }, orange, 0.2));
    cr_expect(smooth < zigzag / 2 && smooth > 20, "the zigzag of %d pixels is a line of %d", zigzag, smooth);
    cr_expect(faint > 50, "and still there, faint: %d", faint);
    cr_expect(band > 2000, "on a pale band from the least to the most: %d", band);
    ml_figure_release(fig);
}
