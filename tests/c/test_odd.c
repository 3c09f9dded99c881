/* Odd data: whatever a run may bring makes a picture that says what there is, soon, and no crash. */
#include "compare.h"
#include "foreign_leaks.h"
#include "mark_samples.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define W 440
#define H 330

static picture look(ml_figure *fig, const char *name)
{
    static uint32_t pixels[W * H];
    char            path[512];
    cr_assert(ml_figure_pixels(fig, W, H, pixels, NULL), "%s", ml_error_message());
    snprintf(path, sizeof path, "%s/odd-%s.png", MOONLAB_PICTURES, name); /* kept, to be looked at */
    cr_assert(ml_figure_save(fig, path, &(ml_save_opts){ .width = W, .height = H, .dpi = 96 }), "%s",
              ml_error_message());
    picture p = picture_read(path);
    cr_assert(p.surface && p.w == W && p.h == H);
    return p;
}

static ml_figure *series(const char *name, int64_t n, double x_of(int64_t), double y_of(int64_t), ml_panel_opts opts)
{
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(fig && ml_figure_lines(fig, 0, &name, 1, &opts));
    for (int64_t i = 0; i < n; i++) cr_assert(ml_figure_point(fig, name, x_of(i), y_of(i)));
    return fig;
}

static mli_colour blue(void)
{
    return mli_style_of(ML_STYLE_LIGHT)->palette[0];
}

static double index_of(int64_t i)
{
    return (double)i;
}
static double noise_of(int64_t i)
{
    return sample_noise((uint32_t)i);
}
static double seven(int64_t i)
{
    (void)i;
    return 7;
}
static double falling_to_zero(int64_t i)
{
    return i < 50 ? pow(10, -(double)i / 10) : 0;
}
static double with_gaps(int64_t i)
{
    return i % 10 == 7 ? NAN : i % 10 == 8 ? INFINITY : i % 10 == 9 ? -INFINITY : sin(0.1 * (double)i);
}

Test(odd, ten_million_points)
{
    double     began = ml_clock();
    ml_figure *fig   = series("noise", 10000000, index_of, noise_of, (ml_panel_opts){ .ylabel = "noise" });
    double     built = ml_clock();
    picture    p     = look(fig, "10M");
    double     drawn = ml_clock();
    bounds     b     = picture_bounds(&p, blue());
    cr_expect(b.right - b.left > 340 && b.bottom - b.top > 240, "the noise fills its band: %d x %d", b.right - b.left,
              b.bottom - b.top);
    cr_expect(picture_count(&p, blue()) > 0.95 * (b.right - b.left) * (b.bottom - b.top), "without holes");
    cr_expect(is_quick(built, 5), "two pictures took %.2f s (adding the points %.2f s)", drawn - built, built - began);
    picture_free(&p);
    ml_figure_release(fig);
}

/* The extent of a chunk must not be mistaken for its points: of all chunks only one has a spike. */
Test(odd, a_spike_among_ten_million)
{
    ml_figure  *fig  = ml_figure_new(1, 1, NULL);
    const char *name = "a";
    cr_assert(ml_figure_lines(fig, 0, &name, 1, &(ml_panel_opts){ .ylabel = "a", .ylim = { -1, 1 } }));
    for (int i = 0; i < 10000000; i++) ml_figure_point(fig, "a", i, i == 5000000 ? 1 : 0);
    picture p    = look(fig, "spike");
    int     high = 0;
    for (int x = 80; x < W - 20; x++) high += picture_at(&p, x, 60).r < 0.6; /* of no grid line */
    cr_expect(high >= 1 && high <= 3, "one spike, of %d pixels", high);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(odd, ten_million_given_points_and_dots)
{
    const int64_t n = 10000000;
    double       *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    cr_assert(x && y);
    for (int64_t i = 0; i < n; i++) x[i] = noise_of(i), y[i] = noise_of(i + n);
    ml_figure *fig  = ml_figure_new(1, 2, NULL);
    int64_t    line = ml_figure_add(fig, 0, "line", NULL, 0), dots = ml_figure_add(fig, 1, "scatter", NULL, 0);
    cr_assert(ml_figure_give(fig, line, DATA(VECTOR(x, n, x), VECTOR(y, n, y))) &&
              ml_figure_give(fig, dots, DATA(VECTOR(x, n, x), VECTOR(y, n, y))));
    double  began = ml_clock();
    picture p     = look(fig, "10M-dots");
    cr_expect(is_quick(began, 20), "%.2f s",
              ml_clock() - began); /* back and forth over the whole width: columns spare nothing */
    cr_expect(picture_count(&p, blue()) > 50000);
    picture_free(&p);
    ml_figure_release(fig);
    free(x);
    free(y);
}

Test(odd, two_hundred_series)
{
    char        names[200][16];
    const char *list[200];
    for (int i = 0; i < 200; i++) snprintf(names[i], sizeof names[i], "seed %d", i), list[i] = names[i];
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, list, 200, &(ml_panel_opts){ .title = "200 series" }));
    for (int i = 0; i < 200; i++)
        for (int k = 0; k < 100; k++) cr_assert(ml_figure_point(fig, names[i], k, i + sin(0.1 * k + i)));
    double  began = ml_clock();
    picture p     = look(fig, "200");
    cr_expect(is_quick(began, 2));
    for (int k = 0; k < MLI_PALETTE; k++)
        cr_expect(picture_count(&p, mli_style_of(ML_STYLE_LIGHT)->palette[k]) > 100, "colour %d is there", k);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(odd, gaps)
{
    ml_figure *fig   = series("a", 100, index_of, with_gaps, (ml_panel_opts){ .ylabel = "a" });
    picture    p     = look(fig, "gaps");
    bounds     b     = picture_bounds(&p, blue());
    int        empty = 0;
    for (int x = b.left; x <= b.right; x++) {
        bool any = false;
        for (int y = b.top; y <= b.bottom; y++) any |= picture_is(&p, x, y, blue());
        empty += !any;
    }
    cr_expect(empty > 60, "nine gaps of three points: %d empty columns", empty);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(odd, log_of_zero)
{
    ml_figure *log = series("a", 100, index_of, falling_to_zero,
                            (ml_panel_opts){ .ylabel = "a", .yscale = ML_SCALE_LOG, .xlim = { 0, 99 } });
    ml_figure *sym =
        series("a", 100, index_of, falling_to_zero, (ml_panel_opts){ .ylabel = "a", .yscale = ML_SCALE_SYMLOG });
    picture p = look(log, "log-of-zero"), q = look(sym, "symlog-of-zero");
    bounds  b = picture_bounds(&p, blue()), c = picture_bounds(&q, blue());
    cr_expect(b.right < W * 2 / 3, "on a log axis the curve ends where it is zero: %d", b.right);
    cr_expect(c.right > W * 0.9, "on a symlog axis it goes on: %d", c.right);
    picture_free(&p);
    picture_free(&q);
    ml_figure_release(log);
    ml_figure_release(sym);
}

Test(odd, constant_one_and_none)
{
    ml_figure *constant = series("a", 50, index_of, seven, (ml_panel_opts){ .ylabel = "a" });
    ml_figure *one      = series("a", 1, index_of, seven, (ml_panel_opts){ .ylabel = "a" });
    ml_figure *none     = series("a", 0, index_of, seven, (ml_panel_opts){ .ylabel = "a" });
    picture    p = look(constant, "constant"), q = look(one, "one"), r = look(none, "none");
    bounds     b = picture_bounds(&p, blue()), c = picture_bounds(&q, blue());
    cr_expect(b.bottom - b.top < 4 && b.top > 100 && b.bottom < 250 && b.right - b.left > 350,
              "a level line in the middle");
    cr_expect(c.right - c.left < 8 && c.bottom - c.top < 8 && c.left > 150, "a dot in the middle");
    cr_expect_eq(picture_count(&r, blue()), 0);
    picture_free(&p);
    picture_free(&q);
    picture_free(&r);
    ml_figure_release(constant);
    ml_figure_release(one);
    ml_figure_release(none);
}

/* --- the same, smoothed ------------------------------------------------------------------------------------ */
static double falling(int64_t i)
{
    return -(double)i;
}
static double back_and_forth(int64_t i)
{
    return i % 3 == 0 ? -1e9 : (double)(i % 977);
}
static double huge(int64_t i)
{
    return copysign(pow(10, (double)(i % 600) - 300), i % 2 ? 1 : -1);
}
static double nothing(int64_t i)
{
    return i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
}
static double one_in_many(int64_t i)
{
    return i % 700 == 350 ? 1 : NAN;
}

Test(odd, ten_million_points_smoothed)
{
    double     began = ml_clock();
    ml_figure *fig   = series("noise", 10000000, index_of, noise_of, (ml_panel_opts){ .ylabel = "noise", .smooth = 0.999 });
    double     built = ml_clock();
    picture    p     = look(fig, "10M-smooth");
    double     drawn = ml_clock();
    mli_colour faint = mli_mix((mli_colour){ 1, 1, 1 }, blue(), 0.44);
    bounds     b = picture_bounds(&p, faint), c = picture_bounds(&p, blue());
    cr_expect(b.right - b.left > 340 && b.bottom - b.top > 240, "the noise fills its band, faint: %d x %d", b.right - b.left, b.bottom - b.top);
    cr_expect(c.right - c.left > 340 && c.bottom - c.top < 80, "its average is a strip in it: %d high", c.bottom - c.top);
    cr_expect(is_quick(built, 5), "two pictures took %.2f s (adding the points %.2f s)", drawn - built, built - began);
    picture_free(&p);
    ml_figure_release(fig);
}

Test(odd, smoothing_takes_any_curve)
{
    static double (*const ys[])(int64_t) = { seven, with_gaps, falling_to_zero, huge, nothing, one_in_many, noise_of };
    static double (*const xs[])(int64_t) = { index_of, falling, back_and_forth, huge, seven, with_gaps };
    static const int64_t  sizes[]        = { 0, 1, 2, 15, 16, 17, 511, 512, 513, 3000 };
    static const double   pasts[]        = { 0.5, 0.99, 0.9999999 };
    static const ml_scale scales[]       = { ML_SCALE_LINEAR, ML_SCALE_LOG, ML_SCALE_SYMLOG };
    static uint32_t       pixels[300 * 200];
    for (size_t y = 0; y < sizeof ys / sizeof *ys; y++)
        for (size_t x = 0; x < sizeof xs / sizeof *xs; x++)
            for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
                for (size_t k = 0; k < 3; k++) {
                    ml_figure *fig = series("a", sizes[n], xs[x], ys[y],
                                            (ml_panel_opts){ .smooth = pasts[(n + k) % 3], .xscale = scales[k], .yscale = scales[(n + x) % 3] });
                    double began = ml_clock();
                    cr_expect(ml_figure_pixels(fig, 300, 200, pixels, NULL), "y %zu, x %zu, n %ld: %s", y, x, (long)sizes[n], ml_error_message());
                    cr_expect(is_quick(began, 2), "y %zu, x %zu, n %ld: %.1f s", y, x, (long)sizes[n], ml_clock() - began);
                    ml_figure_release(fig);
                }
}

/* What is smooth already has an average on top of it and no band; one point is a dot; gaps stay gaps, and the average goes on
 * behind them as if they were not there. */
Test(odd, smoothing_of_constants_points_and_gaps)
{
    ml_panel_opts opts = { .ylabel = "a", .smooth = 0.9 };
    ml_figure    *constant = series("a", 50, index_of, seven, opts), *one = series("a", 1, index_of, seven, opts);
    ml_figure    *gaps = series("a", 100, index_of, with_gaps, opts), *sparse = series("a", 3000, index_of, one_in_many, opts);
    picture       p = look(constant, "constant-smooth"), q = look(one, "one-smooth"), r = look(gaps, "gaps-smooth"), s = look(sparse, "sparse-smooth");
    bounds        b = picture_bounds(&p, blue()), c = picture_bounds(&q, blue()), d = picture_bounds(&r, blue());
    cr_expect(b.bottom - b.top < 4 && b.right - b.left > 350, "a level line");
    bounds pale = picture_bounds(&p, mli_mix((mli_colour){ 1, 1, 1 }, blue(), 0.2));
    cr_expect(pale.top >= b.top - 2 && pale.bottom <= b.bottom + 2, "without a band: %d..%d", pale.top, pale.bottom);
    cr_expect(c.right - c.left < 8 && c.bottom - c.top < 8 && c.left > 150, "a dot in the middle");
    int empty = 0;
    for (int x = d.left; x <= d.right; x++) {
        bool any = false;
        for (int y = d.top; y <= d.bottom; y++) any |= picture_is(&r, x, y, blue());
        empty += !any;
    }
    cr_expect(empty > 60, "nine gaps of three points: %d empty columns", empty);
    cr_expect(picture_count(&s, blue()) >= 4, "points between gaps are dots");
    picture *all[] = { &p, &q, &r, &s };
    for (int i = 0; i < 4; i++) picture_free(all[i]);
    ml_figure_release(constant);
    ml_figure_release(one);
    ml_figure_release(gaps);
    ml_figure_release(sparse);
}

Test(odd, labels_in_any_script)
{
    const char *words[] = { "損失関数 \xE2\x88\x87",
                            "فقدان الدالة",
                            "ошибка обучения",
                            "त्रुटि",
                            "🙂 \\alpha^{2}_{i}",
                            "\xFF\xFE broken \xC3",
                            "a^{b^{c^{d^{e^{f}}}}} _{",
                            "^_{}\\",
                            "\\" };
    ml_figure  *fig     = ml_figure_new(1, 1, words[0]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_assert(ml_figure_lines(fig, 0, &words[i], 1,
                                  &(ml_panel_opts){ .title = words[i], .xlabel = words[1], .ylabel = words[2] }));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int k = 0; k < 5; k++) cr_assert(ml_figure_point(fig, words[i], k, (double)i + k));
    picture p = look(fig, "scripts");
    cr_expect(picture_count(&p, mli_style_of(ML_STYLE_LIGHT)->ink) > 200);
    picture_free(&p);
    ml_figure_release(fig);
}

/* Every mark with every odd value in every place of its data, and with data of no and of one value. */
static bool give_odd(ml_figure *fig, int64_t mark, int kind, double value, int64_t size)
{
    static double       values[64];
    const ml_mark_info *info = ml_mark_at(kind);
    ml_data             data[ML_MARK_SLOTS];
    int                 n = 0;
    for (int i = 0; i < 64; i++) values[i] = i % 5 == 3 ? value : i % 7;
    for (int i = 0; i < 64 && size == 1; i++) values[i] = value;
    for (int i = 0; info->slots[i].name; i++) {
        ml_data *d = &data[n++];
        *d         = (ml_data){ .name = info->slots[i].name, .n_dims = 1, .values = values };
        for (const char *c = info->slots[i].dims; *c; c++) d->n_dims += *c == ',';
        for (int k = 0; k < d->n_dims; k++) d->size[k] = size;
    }
    return ml_figure_give(fig, mark, data, n);
}

Test(odd, every_mark_takes_any_value)
{
    static const double   odd[]    = { 0, -1, NAN, INFINITY, -INFINITY, 1e308, -1e308, 1e-308, 5e-324, 1e16 };
    static const ml_scale scales[] = { ML_SCALE_LINEAR, ML_SCALE_LOG, ML_SCALE_SYMLOG };
    static uint32_t       pixels[300 * 200];
    for (int kind = 0; kind < ml_mark_count(); kind++)
        for (size_t v = 0; v < sizeof odd / sizeof *odd; v++)
            for (int64_t size = 0; size <= 4; size += size == 1 ? 3 : 1)
                for (int k = 0; k < 3; k++) {
                    ml_figure *fig  = ml_figure_new(1, 1, NULL);
                    int64_t    mark = ml_figure_add(fig, 0, ml_mark_at(kind)->name, NULL, 0);
                    cr_assert(ml_figure_panel(fig, 0, &(ml_panel_opts){ .xscale = scales[k], .yscale = scales[k] }));
                    cr_assert(give_odd(fig, mark, kind, odd[v], size), "%s: %s", ml_mark_at(kind)->name,
                              ml_error_message());
                    double began = ml_clock();
                    cr_expect(ml_figure_pixels(fig, 300, 200, pixels, NULL), "%s of %g: %s", ml_mark_at(kind)->name,
                              odd[v], ml_error_message());
                    cr_expect(is_quick(began, 2), "%s of %g, %ld values: %.1f s", ml_mark_at(kind)->name, odd[v],
                              (long)size, ml_clock() - began);
                    ml_figure_release(fig);
                }
}

/* Wherever memory is refused: a message, nothing lost, and a good picture the next time. */
Test(odd, every_mark_survives_refused_memory)
{
    static uint32_t pixels[W * H];
    for (int kind = 0; kind < ml_mark_count(); kind++) {
        size_t before  = ml_memory().live;
        int    refused = 0;
        for (int64_t n = 1; n < 60; n++) {
            ml_error_clear();
            ml_memory_fail_after(n);
            ml_figure *fig = sample_mark(kind);
            bool       ok  = fig && ml_figure_pixels(fig, W, H, pixels, NULL);
            ml_memory_fail_after(0);
            if (!ok) {
                refused++;
                cr_expect(strstr(ml_error_message(), "out of memory"), "%s, allocation %ld: '%s'", ml_mark_at(kind)->name, (long)n,
                          ml_error_message());
            }
            ml_error_clear();
            cr_expect(!fig || ml_figure_pixels(fig, W, H, pixels, NULL), "%s after allocation %ld", ml_mark_at(kind)->name, (long)n);
            ml_figure_release(fig);
            cr_expect_eq(ml_memory().live, before, "%s: allocation %ld leaks", ml_mark_at(kind)->name, (long)n);
        }
        cr_expect(refused >= 6, "%s: only %d allocations were refused", ml_mark_at(kind)->name, refused);
    }
}
