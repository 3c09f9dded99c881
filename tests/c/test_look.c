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
