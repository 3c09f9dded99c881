/* Heatmaps: one image, made at the resolution of the paper, so that every cell has sharp edges in every format and no
 * viewer draws seams between cells. Row 1 is at the top, as a matrix is printed.
 *
 * Where several cells fall on one pixel, it shows the one that stands out: the highest, or with diverging colours the
 * one farthest from the middle. A mean would hide what heatmaps are searched for, single cells that light up, and
 * never reach the ends of its own colour bar. */
#include "figure/paint.h"

#include <math.h>
#include <string.h>

#define BAR_WIDTH 10
#define BAR_GAP   10
#define SHADES    512
#define TICK_ROOM 7 /* from the bar to its labels */

/* --- ranges --------------------------------------------------------------------------------------- */
static void value_range(const mli_panel *panel, mli_axis *bar)
{
    double            low = INFINITY, high = -INFINITY;
    const mli_matrix *m = panel->matrix;
    for (int64_t i = 0; m && i < m->rows * m->cols; i++)
        if (isfinite(m->values[i])) low = fmin(low, m->values[i]), high = fmax(high, m->values[i]);
    if (panel->diverging && low <= high) {
        high = fmax(fabs(low), fabs(high));
        if (high == 0) high = 1;
        low = -high;
    }
    mli_axis_range(bar, ML_SCALE_LINEAR, low, high, panel->limits, 0);
}

static void index_axis(mli_axis *axis, int64_t n, int64_t shift)
{
    axis->scale = ML_SCALE_LINEAR;
    axis->low   = 0.5 + (double)shift;
    axis->high  = 0.5 + (double)(n + shift);
}

void mli_heatmap_ranges(mli_plot *plot)
{
    const mli_matrix *m = plot->panel->matrix;
    index_axis(&plot->x, m ? m->cols : 1, plot->panel->col_shift);
    index_axis(&plot->y, m ? m->rows : 1, plot->panel->row_shift);
    if (!m) return; /* then there is nothing to count: no ticks */
    mli_axis_ticks(&plot->y, (int)fmin(fmax(plot->box.h / 34, 2), 12), 1);
}

/* --- the image -------------------------------------------------------------------------------------- */
typedef struct picture {
    uint32_t *pixels;
    int       w, h;
    size_t    bytes;
} picture;

static uint32_t pixel_of(mli_colour c)
{
    return 0xFF000000u | (uint32_t)lround(c.r * 255) << 16 | (uint32_t)lround(c.g * 255) << 8 |
           (uint32_t)lround(c.b * 255);
}

static bool picture_new(picture *pic, int w, int h)
{
    pic->w = w < 1 ? 1 : w;
    pic->h = h < 1 ? 1 : h;
    pic->bytes = (size_t)pic->w * (size_t)pic->h * sizeof(uint32_t); /* rows without gaps suit Cairo */
    pic->pixels = ml_realloc(NULL, 0, pic->bytes);
    return pic->pixels != NULL;
}

static void picture_show(mli_paper *p, picture *pic, mli_box box)
{
    cairo_surface_t *image = cairo_image_surface_create_for_data(
        (unsigned char *)pic->pixels, CAIRO_FORMAT_RGB24, pic->w, pic->h, pic->w * (int)sizeof(uint32_t));
    cairo_save(p->cr);
    cairo_translate(p->cr, box.x, box.y);
    cairo_scale(p->cr, box.w / pic->w, box.h / pic->h);
    cairo_set_source_surface(p->cr, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(p->cr), CAIRO_FILTER_NEAREST);
    cairo_rectangle(p->cr, 0, 0, pic->w, pic->h);
    cairo_fill(p->cr);
    cairo_restore(p->cr);
    cairo_surface_finish(image); /* a PDF may keep the surface until its end: it now copies the pixels, which go */
    cairo_surface_destroy(image);
    ml_realloc(pic->pixels, pic->bytes, 0);
}

typedef struct shades {
    double   low, high, middle;
    bool     diverging;
    uint32_t missing, map[SHADES];
} shades;

static void shades_make(shades *s, const mli_theme *theme, bool diverging, double low, double high)
{
    s->low       = low;
    s->high      = high;
    s->middle    = low / 2 + high / 2;
    s->diverging = diverging;
    s->missing   = pixel_of(theme->missing);
    for (int i = 0; i < SHADES; i++) {
        double t  = (double)i / (SHADES - 1);
        s->map[i] = pixel_of(diverging ? mli_map_diverging(t, theme->dark) : mli_map_sequential(t));
    }
}

static uint32_t shade_of(const shades *s, double value)
{
    if (isnan(value)) return s->missing;
    double t = (value - s->low) / (s->high - s->low);
    return s->map[(int)(fmin(fmax(t, 0), 1) * (SHADES - 1) + 0.5)];
}

static bool stands_out(const shades *s, double a, double than)
{
    if (isnan(than)) return true;
    return s->diverging ? fabs(a - s->middle) > fabs(than - s->middle) : a > than; /* false for a nan */
}

static void paint_cells(picture *pic, const mli_matrix *m, const shades *s)
{
    int64_t last_from = -1, last_to = -1;
    for (int y = 0; y < pic->h; y++) {
        uint32_t *row  = pic->pixels + (int64_t)y * pic->w;
        int64_t   from = y * m->rows / pic->h, to = (y + 1) * m->rows / pic->h;
        if (to <= from) to = from + 1;
        if (from == last_from && to == last_to) {
            memcpy(row, row - pic->w, (size_t)pic->w * sizeof *row);
            continue;
        }
        last_from = from, last_to = to;
        for (int x = 0; x < pic->w; x++) {
            int64_t left = x * m->cols / pic->w, right = (x + 1) * m->cols / pic->w;
            if (right <= left) right = left + 1;
            double shown = NAN;
            for (int64_t r = from; r < to; r++)
                for (int64_t c = left; c < right; c++)
                    if (stands_out(s, m->values[r * m->cols + c], shown)) shown = m->values[r * m->cols + c];
            row[x] = shade_of(s, shown);
        }
    }
}

/* --- layout --------------------------------------------------------------------------------------- */
static double on_pixel(const mli_paper *p, double at)
{
    return round(at * p->density) / p->density;
}

/* Whole pixels: cells then have sharp edges on screens, too. */
static mli_box snapped(const mli_paper *p, mli_box b)
{
    double x = on_pixel(p, b.x), y = on_pixel(p, b.y);
    return (mli_box){ x, y, fmax(on_pixel(p, b.x + b.w) - x, 1 / p->density),
                      fmax(on_pixel(p, b.y + b.h) - y, 1 / p->density) };
}

/* Square cells, unless much of the panel would stay empty. */
static mli_box fit_cells(mli_box box, const mli_panel *panel, double reserved)
{
    const mli_matrix *m = panel->matrix;
    mli_box           b = box;
    b.w -= reserved;
    double cell = fmin(b.w / (double)m->cols, b.h / (double)m->rows);
    double w = cell * (double)m->cols, h = cell * (double)m->rows;
    if (panel->stretch || w * h < 0.6 * b.w * b.h) return b;
    return (mli_box){ b.x, b.y + (b.h - h) / 2, w, h };
}

static bool paint_bar(mli_paper *p, mli_box cells, mli_axis *bar, const shades *s)
{
    picture pic;
    mli_box box = snapped(p, (mli_box){ cells.x + cells.w + BAR_GAP, cells.y, BAR_WIDTH, cells.h });
    if (!picture_new(&pic, 1, (int)lround(box.h * p->density))) return false;
    for (int y = 0; y < pic.h; y++) {
        double t      = 1 - (y + 0.5) / pic.h;
        pic.pixels[y] = s->map[(int)(t * (SHADES - 1) + 0.5)];
    }
    picture_show(p, &pic, box);
    bar->from = box.y + box.h;
    bar->to   = box.y;
    mli_axis_draw_y(p, bar, box, true);
    return true;
}

static void paint_no_matrix(mli_paper *p, mli_plot *plot)
{
    mli_box b = plot->box;
    mli_ink(p, p->theme->grid, 1);
    cairo_set_line_width(p->cr, 0.8);
    cairo_rectangle(p->cr, mli_snap(p, b.x), mli_snap(p, b.y), b.w, b.h);
    cairo_stroke(p->cr);
    mli_plot_says(p, plot, "no data yet");
}

bool mli_heatmap_paint(mli_paper *p, mli_plot *plot)
{
    const mli_matrix *m = plot->panel->matrix;
    if (!m) {
        paint_no_matrix(p, plot);
        return true;
    }
    mli_axis bar;
    shades   colours;
    picture  pic;
    value_range(plot->panel, &bar);
    shades_make(&colours, p->theme, plot->panel->diverging, bar.low, bar.high);

    mli_axis_ticks(&bar, (int)fmin(fmax(plot->box.h / 40, 2), 10), 0);
    double reserved = p->bare ? 0 : BAR_GAP + BAR_WIDTH + TICK_ROOM + mli_axis_label_width(p, &bar);
    if (reserved > 0.6 * plot->box.w) reserved = 0; /* no room for a bar */
    plot->box = snapped(p, fit_cells(plot->box, plot->panel, reserved));

    if (!picture_new(&pic, (int)lround(plot->box.w * p->density), (int)lround(plot->box.h * p->density)))
        return false;
    paint_cells(&pic, m, &colours);
    picture_show(p, &pic, plot->box);
    if (p->bare) return true;

    plot->x.from = plot->box.x;
    plot->x.to   = plot->box.x + plot->box.w;
    plot->y.from = plot->box.y;
    plot->y.to   = plot->box.y + plot->box.h;
    mli_axis_fit_x(p, &plot->x, 1);
    mli_axis_draw_x(p, &plot->x, plot->box, plot->cell_from, plot->cell_to);
    mli_axis_draw_y(p, &plot->y, plot->box, false);
    return reserved == 0 || paint_bar(p, plot->box, &bar, &colours);
}
