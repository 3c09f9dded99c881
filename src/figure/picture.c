/* Images inside a figure, made at the resolution of the paper, so that every cell has sharp edges in every format and no
 * viewer draws seams between cells. */
#include "figure/mark.h"

#include <string.h>

bool mli_picture_new(mli_picture *pic, int w, int h)
{
    pic->w      = w < 1 ? 1 : w;
    pic->h      = h < 1 ? 1 : h;
    pic->bytes  = (size_t)pic->w * (size_t)pic->h * sizeof(uint32_t); /* rows without gaps suit Cairo */
    pic->pixels = ml_realloc(NULL, 0, pic->bytes);
    if (pic->pixels) memset(pic->pixels, 0, pic->bytes);
    return pic->pixels != NULL;
}

bool mli_picture_for(const mli_paper *p, mli_picture *pic, mli_box box)
{
    return mli_picture_new(pic, (int)lround(box.w * p->density), (int)lround(box.h * p->density));
}

void mli_picture_show(mli_paper *p, mli_picture *pic, mli_box box, double alpha)
{
    cairo_surface_t *image = cairo_image_surface_create_for_data(
        (unsigned char *)pic->pixels, CAIRO_FORMAT_ARGB32, pic->w, pic->h, pic->w * (int)sizeof(uint32_t));
    cairo_save(p->cr);
    cairo_translate(p->cr, box.x, box.y);
    cairo_scale(p->cr, box.w / pic->w, box.h / pic->h);
    cairo_set_source_surface(p->cr, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(p->cr), CAIRO_FILTER_NEAREST);
    cairo_rectangle(p->cr, 0, 0, pic->w, pic->h);
    if (alpha < 1) {
        cairo_clip(p->cr);
        cairo_paint_with_alpha(p->cr, alpha);
    } else {
        cairo_fill(p->cr);
    }
    cairo_restore(p->cr);
    cairo_surface_finish(image); /* a PDF may keep the surface until its end: it now copies the pixels, which go */
    cairo_surface_destroy(image);
    ml_realloc(pic->pixels, pic->bytes, 0);
}

/* --- cells ------------------------------------------------------------------------------------------- */
/* Where several cells fall on one pixel, a mean would hide what heatmaps are searched for, single cells that light up,
 * and never reach the ends of its own colour bar. */
static bool stands_out(const mli_shades *s, double a, double than)
{
    if (isnan(than)) return true;
    double middle = s->low / 2 + s->high / 2;
    return s->map == MLI_MAP_DIVERGING ? fabs(a - middle) > fabs(than - middle) : a > than; /* false for a nan */
}

void mli_picture_cells(mli_picture *pic, int x0, int y0, int x1, int y1, const double *values, int64_t rows, int64_t cols,
                       const mli_shades *s)
{
    int64_t last_from = -1, last_to = -1;
    int     w = x1 - x0, h = y1 - y0;
    for (int y = 0; y < h; y++) {
        uint32_t *row  = pic->pixels + (int64_t)(y0 + y) * pic->w + x0;
        int64_t   from = y * rows / h, to = (y + 1) * rows / h;
        if (to <= from) to = from + 1;
        if (from == last_from && to == last_to) {
            memcpy(row, row - pic->w, (size_t)w * sizeof *row);
            continue;
        }
        last_from = from, last_to = to;
        for (int x = 0; x < w; x++) {
            int64_t left = x * cols / w, right = (x + 1) * cols / w;
            if (right <= left) right = left + 1;
            double shown = NAN;
            for (int64_t r = from; r < to; r++)
                for (int64_t c = left; c < right; c++)
                    if (stands_out(s, values[r * cols + c], shown)) shown = values[r * cols + c];
            row[x] = mli_shade(s, shown);
        }
    }
}
