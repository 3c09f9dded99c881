/* How curves come onto pixels: the mask against areas and against Cairo's own strokes, decimation against the curve point by
 * point, averages that are kept against fresh ones, envelopes against plain loops. */
#include "compare.h"
#include "figure/curve.h"
#include "figure/drawing.h"
#include "figure_samples.h"
#include "foreign_leaks.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define W 600
#define H 400
#define NAMES(...) ((const char *[]){ __VA_ARGS__ })

/* --- the mask ------------------------------------------------------------------------------------------------ */
static cairo_surface_t *surface_of(uint32_t *pixels, int w, int h)
{
    return cairo_image_surface_create_for_data((unsigned char *)pixels, CAIRO_FORMAT_RGB24, w, h, w * 4);
}

static double covered(const mli_mask *m)
{
    double sum = 0;
    for (size_t i = 0; i < m->bytes; i++) sum += m->at[i];
    return sum / 255;
}

/* Steep, nearly upright, level and tiny lines go different ways; all cover what a line of that width covers. */
Test(curve, lines_cover_their_area)
{
    static uint32_t  pixels[200 * 200];
    static mli_nib   nib;
    cairo_surface_t *s = surface_of(pixels, 200, 200);
    mli_mask         m = { 0 };
    cr_assert(mli_mask_open(&m, s, 0, 0, 200, 200));
    for (int k = 0; k < 400; k++) {
        double radius = 0.5 + 0.5 * (k % 5), angle = k * 0.05, length = k % 3 ? 80 : 3;
        double x = 100 + 0.37 * (k % 11), y = 100 + 0.29 * (k % 7), dx = length / 2 * cos(angle), dy = length / 2 * sin(angle);
        bool   flat = k % 2;
        mli_nib_set(&nib, &m, radius, 255);
        mli_nib_line(&nib, x - dx, y - dy, x + dx, y + dy, flat, flat);
        double want = 2 * radius * length + (flat ? 0 : 3.14159265 * radius * radius);
        cr_expect(fabs(covered(&m) - want) < (radius > 0.5 ? 0.03 : 0.1) * want + 0.5, "radius %g, angle %g, length %g: %g, not %g", radius, angle,
                  length, covered(&m), want);
        mli_mask_show(&m, s, 1, 1, 1);
        cr_assert_eq(covered(&m), 0, "shown: all is 0 again");
    }
    mli_mask_free(&m);
    cairo_surface_destroy(s);
}

Test(curve, bars_cover_what_they_say_however_many_wait)
{
    static uint32_t  pixels[200 * 200];
    static mli_nib   nib;
    cairo_surface_t *s = surface_of(pixels, 200, 200);
    mli_mask         m = { 0 };
    cr_assert(mli_mask_open(&m, s, 0, 0, 200, 200));
    for (int n = 1; n <= 150; n += 7) {
        double want = 0;
        mli_nib_set(&nib, &m, 0.5, 255);
        for (int i = 0; i < n; i++) {
            double top = 40 + 30 * sin(i * 1.7) + 0.1 * i, bottom = 150 + 20 * cos(i * 0.9);
            mli_nib_bar(&nib, 10 + i, top, bottom);
            want += bottom - top;
        }
        mli_nib_flush(&nib);
        cr_expect(fabs(covered(&m) - want) < 0.01 * n + 0.05, "%d bars: %g, not %g", n, covered(&m), want);
        mli_mask_show(&m, s, 1, 1, 1);
    }
    mli_mask_free(&m);
    cairo_surface_destroy(s);
}

Test(curve, half_a_colour_is_half_way_there)
{
    static uint32_t  pixels[40 * 40];
    static mli_nib   nib;
    cairo_surface_t *s = surface_of(pixels, 40, 40);
    mli_mask         m = { 0 };
    for (int level = 0; level <= 255; level += 5) {
        for (int i = 0; i < 40 * 40; i++) pixels[i] = 0x204060;
        cr_assert(mli_mask_open(&m, s, 0, 0, 40, 40));
        mli_nib_set(&nib, &m, 4, level);
        mli_nib_line(&nib, 4, 20, 36, 20, true, true);
        mli_mask_show(&m, s, 1, 0.5, 0);
        uint32_t got  = pixels[20 * 40 + 20];
        double   t    = level / 255.0, want[3] = { 0x20 + t * (255 - 0x20), 0x40 + t * (128 - 0x40), 0x60 * (1 - t) };
        for (int c = 0; c < 3; c++)
            cr_expect(fabs((double)(got >> (16 - 8 * c) & 255) - want[c]) <= 1, "level %d: %06x", level, got & 0xFFFFFF);
    }
    mli_mask_free(&m);
    cairo_surface_destroy(s);
}

/* --- the same picture by the mask and by Cairo ------------------------------------------------------------------- */
static mli_seen seen;

static picture painted(ml_figure *fig, const mli_look *look, mli_averages *averages, double density, bool by_paths)
{
    mli_view view;
    picture  p = { .w = (int)(W * density), .h = (int)(H * density) };
    cr_assert(mli_view_take(fig, &view));
    p.surface           = cairo_image_surface_create(CAIRO_FORMAT_RGB24, p.w, p.h);
    cairo_surface_t *to = by_paths ? cairo_recording_surface_create(CAIRO_CONTENT_COLOR, NULL) : cairo_surface_reference(p.surface);
    cairo_t         *cr = cairo_create(to);
    cairo_scale(cr, density, density);
    cr_assert(mli_paint(cr, &view, &(mli_page){ .width = W, .height = H, .density = density, .look = look, .seen = &seen, .averages = averages }),
              "%s", ml_error_message());
    cairo_destroy(cr);
    if (by_paths) {
        cr = cairo_create(p.surface);
        cairo_set_source_surface(cr, to, 0, 0);
        cairo_paint(cr);
        cairo_destroy(cr);
    }
    cairo_surface_destroy(to);
    cairo_surface_flush(p.surface);
    p.stride = cairo_image_surface_get_stride(p.surface);
    p.pixels = cairo_image_surface_get_data(p.surface);
    mli_view_drop(&view);
    return p;
}

static bool same_pixels(const picture *a, const picture *b)
{
    return memcmp(a->pixels, b->pixels, (size_t)(a->stride * a->h)) == 0;
}

static double value(int shape, int i, int n)
{
    double t = (double)i / n, noise = sample_noise((uint32_t)i);
    switch (shape) {
    case 0: return sin(20 * t);
    case 1: return noise;
    case 2: return 3 * sin(9 * t) + (i % 97 == 0 ? 4 * noise : 0.1 * noise);
    case 3: return i % 50 > 45 ? NAN : sin(20 * t) + 0.2 * noise;
    case 4: return floor(10 * t) + (i % 1000 == 7 ? 3 : 0);
    default: return exp(-6 * t) * (1 + 0.3 * noise);
    }
}

#define SHAPES 6

static ml_figure *curves(int shape, int n, int many, ml_panel_opts opts)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, names, many, &opts));
    for (int k = 0; k < many; k++)
        for (int i = 0; i < n; i++) cr_assert(ml_figure_point(fig, names[k], i + 1, value(shape, i, n) + (shape == 5 ? 0 : k)));
    return fig;
}

Test(curve, looks_as_cairo_draws_it)
{
    static const int sizes[] = { 3, 40, 300, 1500, 20000 };
    for (int shape = 0; shape < SHAPES; shape++)
        for (int k = 0; k < 5; k++)
            for (int density = 1; density <= 2; density++)
                for (int smooth = 0; smooth < 2; smooth++) {
                    ml_panel_opts opts = { .yscale = shape == 5 ? ML_SCALE_LOG : 0, .xscale = k % 2 ? ML_SCALE_LOG : 0,
                                           .smooth = smooth ? 0.9 : 0 };
                    ml_figure *fig = curves(shape, sizes[k], 2, opts);
                    picture    a = painted(fig, NULL, NULL, density, false), b = painted(fig, NULL, NULL, density, true);
                    difference d = compare(&a, &b);
                    cr_expect(d.worst < WORST && d.mean < (smooth ? 0.02 : ON_AVERAGE), "shape %d, %d points, density %d, smooth %d: worst %.2f at %d, %d, mean %.4f", shape,
                              sizes[k], density, smooth, d.worst, d.x, d.y, d.mean);
                    picture_free(&a);
                    picture_free(&b);
                    ml_figure_release(fig);
                }
}

Test(curve, dashes_are_as_cairo_draws_them)
{
    ml_figure *fig = curves(0, 5000, 9, (ml_panel_opts){ 0 }); /* the colours come again, dashed */
    picture    a = painted(fig, NULL, NULL, 2, false), b = painted(fig, NULL, NULL, 2, true);
    difference d = compare(&a, &b);
    mli_colour first = mli_style_of(ML_STYLE_LIGHT)->palette[0];
    double     ratio = (double)picture_count(&a, first) / picture_count(&b, first);
    cr_expect(d.mean < ON_AVERAGE, "mean %.4f", d.mean);
    cr_expect(ratio > 0.9 && ratio < 1.1, "as much ink: %g", ratio);
    picture_free(&a);
    picture_free(&b);
    ml_figure_release(fig);
}

/* A translated page, as beside a column of controls. */
Test(curve, follows_the_page)
{
    static uint32_t  here[W * H], there[(W + 50) * H];
    mli_view         view;
    ml_figure       *fig = curves(1, 3000, 2, (ml_panel_opts){ 0 });
    cairo_surface_t *a = surface_of(here, W, H), *b = surface_of(there, W + 50, H);
    cairo_t         *p = cairo_create(a), *q = cairo_create(b);
    cr_assert(mli_view_take(fig, &view));
    cairo_translate(q, 50, 0);
    cr_assert(mli_paint(p, &view, &(mli_page){ .width = W, .height = H, .density = 1 }));
    cr_assert(mli_paint(q, &view, &(mli_page){ .width = W, .height = H, .density = 1 }));
    int differ = 0;
    for (int i = 0; i < W * H; i++) differ += (here[i] & 0xFFFFFF) != (there[i / W * (W + 50) + i % W + 50] & 0xFFFFFF);
    cr_expect_eq(differ, 0, "%d pixels", differ);
    mli_view_drop(&view);
    cairo_destroy(p), cairo_destroy(q);
    cairo_surface_destroy(a), cairo_surface_destroy(b);
    ml_figure_release(fig);
}

/* --- smoothing ----------------------------------------------------------------------------------------------------- */
Test(curve, averages_that_are_kept_are_those_made_afresh)
{
    mli_averages kept = { 0 };
    ml_figure   *fig  = curves(3, 1, 1, (ml_panel_opts){ .smooth = 0.95 });
    size_t       live = 0;
    for (int i = 1; i < 6000; i++) {
        cr_assert(ml_figure_point(fig, "a", i + 1, value(3, i, 6000)));
        if (i % 389) continue;
        picture a = painted(fig, NULL, &kept, 1, false), b = painted(fig, NULL, NULL, 1, false);
        cr_expect(same_pixels(&a, &b), "after %d points", i);
        cr_expect_eq(kept.n, 1);
        picture_free(&a);
        picture_free(&b);
    }
    mli_view view;
    cr_assert(mli_view_take(fig, &view));
    const mli_averaged *average = mli_averages_get(&kept, &view, 0, 0.95);
    static double       y[6000], want[6000];
    mlk_average         state = { .past = 0.95 };
    for (int i = 0; i < 6000; i++) y[i] = value(3, i, 6000);
    y[0] = value(3, 0, 1);
    mlk_smooth(6000, y, want, &state);
    cr_assert(average);
    for (int i = 0; i < 6000; i += 7) {
        double got = mli_average_at(average, &view.series[0], i);
        cr_expect(got == want[i] || (isnan(got) && isnan(want[i])), "%d: %g, not %g", i, got, want[i]);
    }
    mli_averages_sweep(&kept);
    mli_averages_sweep(&kept);
    cr_expect_eq(kept.n, 0, "what nobody asks for goes");
    live = ml_memory().live;
    mli_averages_free(&kept);
    cr_expect(ml_memory().live < live || kept.room == 0);
    mli_view_drop(&view);
    ml_figure_release(fig);
}

Test(curve, ranges_are_those_of_a_plain_loop)
{
    enum { N = 3000 };
    mli_view   view;
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    double     low, high;
    cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, NULL));
    for (int i = 0; i < N; i++)
        ml_figure_point(fig, "a", i, i % 40 == 7 ? NAN : i % 40 == 8 ? INFINITY : i / 600 == 2 ? NAN : sample_noise((uint32_t)i));
    cr_assert(mli_view_take(fig, &view));
    for (int k = 0; k < 4000; k++) {
        int64_t from = (k * 7919) % N, to = from + (k * k) % 1500;
        double  least = INFINITY, most = -INFINITY;
        if (to >= N) to = N - 1;
        for (int64_t i = from; i <= to; i++) {
            double y = view.series[0].chunks[i / MLI_CHUNK]->y[i % MLI_CHUNK];
            if (isfinite(y)) least = fmin(least, y), most = fmax(most, y);
        }
        bool any = mli_series_range(&view.series[0], k % 5 ? from : -from, to, &low, &high);
        if (k % 5 == 0) continue; /* from before the first: only that it is safe */
        cr_expect(any == (least <= most) && low == least && high == most, "%ld..%ld", (long)from, (long)to);
    }
    mli_view_drop(&view);
    ml_figure_release(fig);
}

/* One spike in a level curve: the band reaches it from there on, as long as the average remembers, and not before. */
Test(curve, the_envelope_lasts_as_long_as_the_average_remembers)
{
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, &(ml_panel_opts){ .ylim = { -1, 2 }, .xlim = { 0, 100 }, .smooth = 0.9, .ylabel = "a" }));
    for (int i = 0; i <= 100; i++) cr_assert(ml_figure_point(fig, "a", i, i == 40 ? 1.5 : 0));
    picture    p    = painted(fig, NULL, NULL, 1, false);
    mli_colour blue = mli_style_of(ML_STYLE_LIGHT)->palette[0], pale = mli_mix((mli_colour){ 1, 1, 1 }, blue, 0.2);
    bounds     b = { W, -1, H, -1 };
    double     per = seen.panel[0].box.w / 100;
    for (int y = 0; y < H / 2; y++) /* well above the curve */
        for (int x = 0; x < W; x++) {
            if (!picture_is(&p, x, y, pale)) continue;
            b.left = x < b.left ? x : b.left, b.right = x > b.right ? x : b.right;
            b.top = y < b.top ? y : b.top, b.bottom = y;
        }
    cr_expect(fabs((b.left - seen.panel[0].box.x) / per - 40) < 2, "from the spike on: %g", (b.left - seen.panel[0].box.x) / per);
    cr_expect(fabs((b.right - b.left) / per - 19) < 2, "for 19 points: %g", (b.right - b.left) / per);
    cr_expect(b.top < 0.25 * H && b.bottom == H / 2 - 1, "as high as it: %d..%d", b.top, b.bottom);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(curve, a_look_goes_before_the_panel)
{
    ml_panel_opts smooth = { .smooth = 0.9 }, none = { 0 };
    ml_figure    *fig = curves(2, 2000, 2, smooth), *plain = curves(2, 2000, 2, none);
    picture       by_panel = painted(fig, NULL, NULL, 1, false), as_it_is = painted(plain, NULL, NULL, 1, false);
    picture       by_look = painted(plain, &(mli_look){ .smoothing = 0.9 }, NULL, 1, false);
    picture       off = painted(fig, &(mli_look){ .smoothing = -1 }, NULL, 1, false);
    picture       more = painted(fig, &(mli_look){ .smoothing = 0.99 }, NULL, 1, false);
    cr_expect(same_pixels(&by_panel, &by_look));
    cr_expect(same_pixels(&off, &as_it_is));
    cr_expect_not(same_pixels(&by_panel, &as_it_is));
    cr_expect_not(same_pixels(&by_panel, &more));
    cr_assert(ml_figure_panel(fig, 0, &(ml_panel_opts){ .smooth = -1 }));
    picture again = painted(fig, NULL, NULL, 1, false);
    cr_expect(same_pixels(&again, &as_it_is), "a panel can be told to stop");
    cr_expect_not(ml_figure_panel(fig, 0, &(ml_panel_opts){ .smooth = 1 }));
    cr_expect(strstr(ml_error_message(), "smooth is the weight of the past"), "%s", ml_error_message());
    cr_expect_not(ml_figure_panel(fig, 0, &(ml_panel_opts){ .smooth = NAN }));
    picture *all[] = { &by_panel, &as_it_is, &by_look, &off, &more, &again };
    for (int i = 0; i < 6; i++) picture_free(all[i]);
    ml_figure_release(fig);
    ml_figure_release(plain);
}

/* --- memory ---------------------------------------------------------------------------------------------------------- */
Test(curve, refused_memory_is_an_error_and_loses_nothing)
{
    ml_figure *fig    = curves(2, 5000, 3, (ml_panel_opts){ .smooth = 0.9 });
    size_t     before = ml_memory().live;
    int        refused = 0;
    for (int64_t n = 1; n < 80; n++) {
        mli_view         view;
        mli_averages     kept    = { 0 };
        cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, W, H);
        cairo_t         *cr      = cairo_create(surface);
        ml_error_clear();
        cr_assert(mli_view_take(fig, &view));
        ml_memory_fail_after(n);
        bool ok = mli_paint(cr, &view, &(mli_page){ .width = W, .height = H, .density = 1, .averages = &kept });
        ml_memory_fail_after(0);
        refused += !ok;
        cr_expect(ok || strstr(ml_error_message(), "out of memory"), "allocation %ld: '%s'", (long)n, ml_error_message());
        mli_averages_free(&kept);
        mli_view_drop(&view);
        cairo_destroy(cr);
        cairo_surface_destroy(surface);
        cr_expect_eq(ml_memory().live, before, "allocation %ld leaks", (long)n);
    }
    cr_expect(refused >= 5, "only %d allocations were refused", refused);
    ml_figure_release(fig);
}
