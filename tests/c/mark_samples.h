/* A small figure for every mark of the table, with all that it can show. */
#ifndef MARK_SAMPLES_H
#define MARK_SAMPLES_H

#include "figure_samples.h"
#include "moonlab/marks.h"

#include <string.h>

#define SIDE  24
#define CURVE 60

static double at_x[SIDE], at_y[SIDE], plane_u[SIDE * SIDE], plane_v[SIDE * SIDE], hills[SIDE * SIDE],
    halves[SIDE * SIDE], certain[SIDE * SIDE], square[CURVE], curve_x[CURVE], curve_y[CURVE], curve_low[CURVE],
    curve_high[CURVE], cloud_x[CURVE], cloud_y[CURVE], cloud_class[CURVE], cloud_value[CURVE];

static inline void fill_samples(void)
{
    for (int i = 0; i < SIDE; i++) at_x[i] = at_y[i] = -2 + 4.0 * i / (SIDE - 1);
    for (int r = 0; r < SIDE; r++)
        for (int c = 0; c < SIDE; c++) {
            double x = at_x[c], y = at_y[r];
            int    i   = r * SIDE + c;
            plane_u[i] = -y, plane_v[i] = x;
            hills[i]   = exp(-x * x - y * y) - 0.6 * exp(-(x - 1) * (x - 1) - (y + 1) * (y + 1));
            halves[i]  = x * x + y * y < 1.5 ? 1 : x > y ? 2 : 3;
            certain[i] = fmin(1, 0.4 + 0.3 * fabs(x * x + y * y - 1.5));
        }
    for (int i = 0; i < CURVE; i++) {
        curve_x[i]     = 0.1 * i;
        curve_y[i]     = sin(curve_x[i]);
        curve_low[i]   = curve_y[i] - 0.2;
        curve_high[i]  = curve_y[i] + 0.2;
        square[i]      = curve_x[i] * curve_x[i];
        cloud_x[i]     = sample_noise((uint32_t)i);
        cloud_y[i]     = sample_noise((uint32_t)i + 1000);
        cloud_class[i] = 1 + i % 4;
        cloud_value[i] = cloud_x[i] * cloud_y[i];
    }
}

#define DATA(...) ((ml_data[]){ __VA_ARGS__ }), (int)(sizeof((ml_data[]){ __VA_ARGS__ }) / sizeof(ml_data))
#define WITH(...) ((ml_given[]){ __VA_ARGS__ }), (int)(sizeof((ml_given[]){ __VA_ARGS__ }) / sizeof(ml_given))
#define NUMBER(option, value)                                                                                          \
    {                                                                                                                  \
        .name = #option, .number = { value }                                                                           \
    }
#define WORDS(option, words)                                                                                           \
    {                                                                                                                  \
        .name = #option, .text = words                                                                                 \
    }
#define VECTOR(slot, n, of)                                                                                            \
    {                                                                                                                  \
#slot, 1, { n }, of                                                                                            \
    }
#define MATRIX(slot, r, c, of)                                                                                         \
    {                                                                                                                  \
#slot, 2, { r, c }, of                                                                                         \
    }

static inline bool show(ml_figure *fig, const char *kind, const ml_given *options, int n, const ml_data *data,
                        int n_data)
{
    int64_t mark = ml_figure_add(fig, 0, kind, options, n);
    return mark && ml_figure_give(fig, mark, data, n_data);
}

static inline bool sample_line(ml_figure *fig)
{
    return show(fig, "line", WITH(WORDS(label, "sin \\alpha"), NUMBER(dots, 0)),
                DATA(VECTOR(x, CURVE, curve_x), VECTOR(y, CURVE, curve_y), VECTOR(low, CURVE, curve_low),
                     VECTOR(high, CURVE, curve_high))) &&
           show(fig, "line", WITH(WORDS(label, "x^2"), NUMBER(right, 1), WORDS(dash, "dashed")),
                DATA(VECTOR(x, CURVE, curve_x), VECTOR(y, CURVE, square)));
}

static inline bool sample_scatter(ml_figure *fig)
{
    return show(fig, "scatter", WITH(WORDS(classes, "a\nb\nc\nd\n")),
                DATA(VECTOR(x, CURVE, cloud_x), VECTOR(y, CURVE, cloud_y), VECTOR(by, CURVE, cloud_class)));
}

static inline bool sample_bars(ml_figure *fig)
{
    static const double y[] = { 3, 1, 4, 1.5, 5, -1 }, low[] = { 2.5, 0.5, 3, 1, 4.5, -2 },
                        high[] = { 3.5, 1.5, 5, 2, 5.5, 0 };
    return show(fig, "bars", WITH(WORDS(names, "one\ntwo\nthree\n"), WORDS(groups, "train\ntest\n")),
                DATA(MATRIX(y, 3, 2, y), MATRIX(low, 3, 2, low), MATRIX(high, 3, 2, high)));
}

static inline bool sample_histogram(ml_figure *fig)
{
    return show(fig, "histogram", WITH(NUMBER(bins, 9)), DATA(VECTOR(values, SIDE * SIDE, hills)));
}

static inline bool sample_heatmap_mark(ml_figure *fig)
{
    return show(fig, "heatmap", WITH(NUMBER(diverging, 1)), DATA(MATRIX(values, SIDE, SIDE, hills)));
}

static inline bool sample_images(ml_figure *fig)
{
    return show(fig, "images", NULL, 0, (ml_data[]){ { "images", 3, { 6, 3, 4 }, hills + 220 } }, 1);
}

static inline bool sample_field(ml_figure *fig)
{
    return show(fig, "field", NULL, 0,
                DATA(VECTOR(x, SIDE, at_x), VECTOR(y, SIDE, at_y), MATRIX(u, SIDE, SIDE, plane_u),
                     MATRIX(v, SIDE, SIDE, plane_v)));
}

static inline bool sample_contour(ml_figure *fig)
{
    return show(fig, "contour", WITH(NUMBER(filled, 1), NUMBER(numbers, 1)),
                DATA(VECTOR(x, SIDE, at_x), VECTOR(y, SIDE, at_y), MATRIX(values, SIDE, SIDE, hills)));
}

static inline bool sample_regions(ml_figure *fig)
{
    return show(fig, "regions", WITH(WORDS(classes, "in\nright\nleft\n")),
                DATA(VECTOR(x, SIDE, at_x), VECTOR(y, SIDE, at_y), MATRIX(class, SIDE, SIDE, halves),
                     MATRIX(sure, SIDE, SIDE, certain)));
}

static inline bool sample_graph(ml_figure *fig)
{
    static const double x[] = { 0, 0, 1, 1, 1, 2 }, y[] = { 0.5, -0.5, 1, 0, -1, 0 }, from[] = { 0, 0, 1, 1, 2, 3, 4 },
                        to[]     = { 2, 3, 3, 4, 5, 5, 5 };
    static const double weight[] = { 1, -0.5, 0.2, -0.9, 0.6, -0.1, 0.4 }, value[] = { 0, 1, 0.2, 0.8, 0.5, 1 };
    return show(fig, "graph", NULL, 0,
                DATA(VECTOR(x, 6, x), VECTOR(y, 6, y), VECTOR(from, 7, from), VECTOR(to, 7, to),
                     VECTOR(weight, 7, weight), VECTOR(value, 6, value)));
}

static inline bool sample_text(ml_figure *fig)
{
    static const double x[] = { 1, 2.5 }, y[] = { 1, 2 };
    return show(fig, "text", WITH(WORDS(text, "here\nthere\n"), NUMBER(boxed, 1)),
                DATA(VECTOR(x, 2, x), VECTOR(y, 2, y), VECTOR(to_x, 2, y), VECTOR(to_y, 2, x)));
}

static inline bool sample_event(ml_figure *fig)
{
    static const double at[] = { 1.5, 4 }, level[] = { 0.5 };
    return show(fig, "line", NULL, 0, DATA(VECTOR(x, CURVE, curve_x), VECTOR(y, CURVE, curve_y))) &&
           show(fig, "event", WITH(WORDS(text, "memorised\nunderstood\n")), DATA(VECTOR(at, 2, at))) &&
           show(fig, "event", WITH(NUMBER(level, 1), WORDS(dash, "dotted")), DATA(VECTOR(at, 1, level)));
}

/* A panel with the i-th mark of the table; NULL with a message. A mark without a sample has none. */
static inline ml_figure *sample_mark(int i)
{
    static const struct {
        const char *name;
        bool (*show)(ml_figure *fig);
    } samples[] = { { "line", sample_line },
                    { "scatter", sample_scatter },
                    { "bars", sample_bars },
                    { "histogram", sample_histogram },
                    { "heatmap", sample_heatmap_mark },
                    { "images", sample_images },
                    { "field", sample_field },
                    { "contour", sample_contour },
                    { "regions", sample_regions },
                    { "graph", sample_graph },
                    { "text", sample_text },
                    { "event", sample_event } };
    fill_samples();
    for (size_t k = 0; k < sizeof samples / sizeof *samples; k++) {
        if (strcmp(samples[k].name, ml_mark_at(i)->name) != 0) continue;
        ml_figure *fig = ml_figure_new(1, 1, NULL);
        if (fig && ml_figure_panel(fig, 0, &(ml_panel_opts){ .title = samples[k].name, .xlabel = "x_{1}" }) &&
            samples[k].show(fig))
            return fig;
        ml_figure_release(fig);
        return NULL;
    }
    return ml_fail("the mark %s has no sample", ml_mark_at(i)->name);
}

/* --- whole figures: what panels add to their marks ---------------------------------------------------------- */
/* Symlog, a second y axis with a scale of its own, shared axes, a span, a panel that keeps its shape. */
static inline ml_figure *sample_axes(void)
{
    ml_figure *fig = ml_figure_make(&(ml_figure_opts){ .layout = "ab cc", .share_x = true, .title = "axes" });
    bool ok = fig && ml_figure_lines(fig, 0, (const char *[]){ "swing" }, 1, &(ml_panel_opts){ .title = "symlog", .yscale = ML_SCALE_SYMLOG });
    ok = ok && ml_figure_lines(fig, 1, (const char *[]){ "round" }, 1, &(ml_panel_opts){ .title = "equal", .equal = true });
    ok = ok && ml_figure_lines(fig, 2, (const char *[]){ "accuracy" }, 1,
                               &(ml_panel_opts){ .title = "two axes", .xlabel = "step", .xscale = ML_SCALE_LOG, .ylabel = "accuracy" });
    ok = ok && ml_figure_lines(fig, 2, (const char *[]){ "loss" }, 1,
                               &(ml_panel_opts){ .y2label = "loss", .y2scale = ML_SCALE_LOG, .right = true });
    for (int i = 1; ok && i <= 100; i++) {
        double t = 0.0628 * i;
        ok = ml_figure_point(fig, "swing", i, 1000 * sin(t) * fabs(sin(t))) && ml_figure_point(fig, "round", cos(t), sin(t)) &&
             ml_figure_point(fig, "accuracy", i, sample_rise(i, 10, 3)) && ml_figure_point(fig, "loss", i, pow(i, -2.5));
    }
    if (ok) return fig;
    ml_figure_release(fig);
    return NULL;
}

/* Greek, what is raised and lowered, and scripts that DejaVu has, from left to right and from right to left; and one that takes another
 * face, so pictures of that one depend on the machine. */
static inline ml_figure *sample_words(const char *title, const char *name)
{
    ml_figure *fig = ml_figure_new(1, 1, title);
    bool       ok  = fig && ml_figure_lines(fig, 0, (const char *[]){ "\\alpha^{2}_{i}", name, "ошибка" }, 3,
                                            &(ml_panel_opts){ .title = "\\partial L / \\partial w_{ij} = 10^{-3}", .xlabel = "\\lambda, log_{10}",
                                                              .ylabel = name });
    for (int i = 1; ok && i <= 20; i++)
        ok = ml_figure_point(fig, "\\alpha^{2}_{i}", i, i) && ml_figure_point(fig, name, i, 20 - i) && ml_figure_point(fig, "ошибка", i, 25);
    if (ok) return fig;
    ml_figure_release(fig);
    return NULL;
}

#define WHOLE_FIGURES 4 /* the last is not compared with a stored picture */

static inline const char *sample_name(int i) /* of the marks, then of whole figures */
{
    static const char *const names[WHOLE_FIGURES] = { "axes", "words", "words-rtl", "words-cjk" };
    return i < ml_mark_count() ? ml_mark_at(i)->name : names[i - ml_mark_count()];
}

static inline ml_figure *sample_figure(int i)
{
    switch (i - ml_mark_count()) {
    case 0: return sample_axes();
    case 1: return sample_words("\\Delta\\theta: обучение", "\\beta_{1} = 0.9");
    case 2: return sample_words("فقدان الدالة", "שגיאה");
    case 3: return sample_words("損失関数", "損失 \\nabla");
    default: return sample_mark(i);
    }
}

#endif
