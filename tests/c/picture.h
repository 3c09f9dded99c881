/* A PNG as pixels, for tests that look at pictures. */
#ifndef TEST_PICTURE_H
#define TEST_PICTURE_H

#include "figure/style.h"

#include <cairo.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct picture {
    cairo_surface_t *surface; /* NULL: could not be read */
    int              w, h, stride;
    unsigned char   *pixels;
} picture;

static inline picture picture_read(const char *path)
{
    picture p = { .surface = cairo_image_surface_create_from_png(path) };
    if (cairo_surface_status(p.surface) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(p.surface);
        return (picture){ 0 };
    }
    p.w      = cairo_image_surface_get_width(p.surface);
    p.h      = cairo_image_surface_get_height(p.surface);
    p.stride = cairo_image_surface_get_stride(p.surface);
    p.pixels = cairo_image_surface_get_data(p.surface);
    return p;
}

static inline void picture_free(picture *p)
{
    if (p->surface) cairo_surface_destroy(p->surface);
    p->surface = NULL;
}

static inline mli_colour picture_at(const picture *p, int x, int y)
{
    uint32_t c = *(const uint32_t *)(const void *)(p->pixels + (int64_t)y * p->stride + 4 * x);
    return (mli_colour){ (c >> 16 & 255) / 255.0, (c >> 8 & 255) / 255.0, (c & 255) / 255.0 };
}

static inline double colour_distance(mli_colour a, mli_colour b)
{
    return fmax(fmax(fabs(a.r - b.r), fabs(a.g - b.g)), fabs(a.b - b.b));
}

/* Within a few steps of 1/255: the colour itself, not a blend at an edge. */
static inline bool picture_is(const picture *p, int x, int y, mli_colour c)
{
    return x >= 0 && y >= 0 && x < p->w && y < p->h && colour_distance(picture_at(p, x, y), c) < 0.02;
}

static inline int picture_count(const picture *p, mli_colour c)
{
    int n = 0;
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) n += picture_is(p, x, y, c);
    return n;
}

typedef struct bounds {
    int left, right, top, bottom; /* left > right: nowhere */
} bounds;

static inline bounds picture_bounds(const picture *p, mli_colour c)
{
    bounds b = { p->w, -1, p->h, -1 };
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            if (!picture_is(p, x, y, c)) continue;
            if (x < b.left) b.left = x;
            if (x > b.right) b.right = x;
            if (y < b.top) b.top = y;
            if (y > b.bottom) b.bottom = y;
        }
    return b;
}

#endif
