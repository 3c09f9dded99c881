#include "figure/mask.h"

#include "moonlab/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEEP   0.7   /* the cosine of a lean: lines are drawn row by row, */
#define UPRIGHT 0.995 /* and their ends as if they did not lean at all */
#define MARGIN (MLI_MASK_ROW + 8) /* columns beside the mask, so that rows of a nib need no clipping */

/* --- the mask --------------------------------------------------------------------------------------------- */
static int within(double at, int most)
{
    return at > 0 ? at < most ? (int)at : most : 0;
}

bool mli_mask_open(mli_mask *m, cairo_surface_t *surface, double x, double y, double w, double h)
{
    int most_w = cairo_image_surface_get_width(surface), most_h = cairo_image_surface_get_height(surface);
    m->x   = within(floor(x), most_w);
    m->y   = within(floor(y), most_h);
    m->w   = within(ceil(x + w), most_w) - m->x;
    m->h   = within(ceil(y + h), most_h) - m->y;
    m->w   = m->w > 0 ? m->w : 0;
    m->h   = m->h > 0 ? m->h : 0;
    m->top = m->h, m->bottom = 0;
    m->stride   = (m->w + 2 * MARGIN + 7) & ~7;
    size_t need = (size_t)m->stride * (size_t)m->h + 1;
    if (need <= m->bytes) return true;
    uint8_t *fresh = ml_realloc(NULL, 0, need);
    if (!fresh) return false;
    ml_realloc(m->at, m->bytes, 0);
    m->at    = fresh;
    m->bytes = need;
    memset(m->at, 0, need);
    return true;
}

void mli_mask_free(mli_mask *m)
{
    ml_realloc(m->at, m->bytes, 0);
    m->at    = NULL;
    m->bytes = 0;
}

static uint8_t *row_of(const mli_mask *m, int y)
{
    return m->at + (size_t)y * (size_t)m->stride + MARGIN;
}

/* The rows from..to, which must be in the mask, are not empty any more. */
static void touch(mli_mask *m, int from, int to)
{
    if (from < m->top) m->top = from;
    if (to > m->bottom) m->bottom = to;
}

/* --- laying it over the picture ------------------------------------------------------------------------------ */
#define SIDE 8 /* pixels at a time */

static void blend(uint8_t *restrict pixel, const uint8_t *restrict cover, const uint8_t colour[4 * SIDE])
{
    uint8_t part[4 * SIDE];
    for (int i = 0; i < SIDE; i++) memset(part + 4 * i, cover[i], 4);
    for (int i = 0; i < 4 * SIDE; i++) { /* nothing is over 16 bits, which vectors are quick with */
        uint16_t sum = (uint16_t)(colour[i] * part[i] + pixel[i] * (255 - part[i]) + 128);
        pixel[i]     = (uint8_t)((uint16_t)(sum + (sum >> 8)) >> 8);
    }
}

/* The same where all are covered alike; add: colour * cover + 128. */
static void blend_evenly(uint8_t *restrict pixel, unsigned cover, const uint16_t add[4 * SIDE])
{
    uint16_t rest = (uint16_t)(255 - cover);
    for (int i = 0; i < 4 * SIDE; i++) {
        uint16_t sum = (uint16_t)(pixel[i] * rest + add[i]);
        pixel[i]     = (uint8_t)((uint16_t)(sum + (sum >> 8)) >> 8);
    }
}

void mli_mask_show(mli_mask *m, cairo_surface_t *surface, double r, double g, double b)
{
    uint8_t  colour[4 * SIDE], edge[4 * SIDE];
    uint16_t add[4 * SIDE];
    unsigned even = 256; /* what add is for */
    uint32_t ink = 0xFF000000u | (uint32_t)lround(r * 255) << 16 | (uint32_t)lround(g * 255) << 8 | (uint32_t)lround(b * 255);
    for (int i = 0; i < SIDE; i++) memcpy(colour + 4 * i, &ink, 4);
    cairo_surface_flush(surface);
    uint8_t  *data   = cairo_image_surface_get_data(surface);
    ptrdiff_t stride = cairo_image_surface_get_stride(surface);
    for (int y = m->top; y < m->bottom; y++) {
        uint8_t *cover = row_of(m, y), *pixels = data + (m->y + y) * stride + 4 * (ptrdiff_t)m->x;
        for (int x = 0; x < m->w; x += SIDE) {
            uint64_t all;
            memcpy(&all, cover + x, sizeof all);
            if (all == 0) continue;
            int left = m->w - x;
            if (left < SIDE) { /* never behind the picture's edge */
                memset(edge, 0, sizeof edge);
                memcpy(edge, pixels + 4 * x, 4 * (size_t)left);
                blend(edge, cover + x, colour);
                memcpy(pixels + 4 * x, edge, 4 * (size_t)left);
            } else if (all == UINT64_MAX) {
                memcpy(pixels + 4 * x, colour, sizeof colour);
            } else if (all == cover[x] * UINT64_C(0x0101010101010101)) {
                for (int i = 0; i < 4 * SIDE && even != cover[x]; i++) add[i] = (uint16_t)(colour[i] * cover[x] + 128);
                even = cover[x];
                blend_evenly(pixels + 4 * x, even, add);
            } else {
                blend(pixels + 4 * x, cover + x, colour);
            }
        }
        memset(cover - MARGIN, 0, (size_t)m->stride);
    }
    m->top = m->h, m->bottom = 0;
    cairo_surface_mark_dirty(surface);
}

/* --- the nib ------------------------------------------------------------------------------------------------- */
static void cover_row(uint8_t *restrict to, const uint8_t *restrict row)
{
    for (int i = 0; i < MLI_MASK_ROW; i++) to[i] = to[i] > row[i] ? to[i] : row[i];
}

static void cover_part(uint8_t *restrict to, const uint8_t *restrict row, double part)
{
    uint8_t  faint[MLI_MASK_ROW];
    unsigned p = (unsigned)(part * 256);
    for (int i = 0; i < MLI_MASK_ROW; i++) faint[i] = (uint8_t)(row[i] * p >> 8);
    cover_row(to, faint);
}

static double clamp(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

void mli_nib_set(mli_nib *nib, mli_mask *m, double radius, double level)
{
    nib->mask   = m;
    nib->radius = radius < 0.5 ? 0.5 : radius; /* what is thinner than a pixel is fainter instead */
    nib->level  = level * (radius < 0.5 ? 2 * radius : 1);
    nib->n      = 0;
    memset(nib->known, 0, sizeof nib->known);
    memset(nib->disc_known, 0, sizeof nib->disc_known);
}

/* The cover of a row of pixels by a line through it, at a phase within a pixel; upright is the cosine of its lean. */
static const uint8_t *rows_of_slope(mli_nib *nib, double upright)
{
    int slope = (int)lround(upright * MLI_MASK_SLOPES);
    if (!nib->known[slope]) {
        double exact = (double)slope / MLI_MASK_SLOPES;
        for (int phase = 0; phase < MLI_MASK_PHASES; phase++)
            for (int i = 0; i < MLI_MASK_ROW; i++) {
                double off = i + 0.5 - MLI_MASK_ROW / 2 - (phase + 0.5) / MLI_MASK_PHASES;
                nib->row[slope][phase][i] =
                    (uint8_t)(clamp(nib->radius + 0.5 - fabs(off) * exact) * nib->level + 0.5);
            }
        nib->known[slope] = true;
    }
    return nib->row[slope][0];
}

typedef struct line {
    double x0, y0, ux, uy, length; /* u: its direction, of length 1 */
    double reach;                  /* so far from its middle a pixel is still touched */
    bool   flat0, flat1;
} line;

/* Pixel by pixel: ends, and lines that are not steep. */
static void exact_row(const mli_nib *nib, const line *l, int y)
{
    const mli_mask *m    = nib->mask;
    uint8_t        *row  = row_of(m, y);
    double          x1   = l->x0 + l->length * l->ux, dy = y + 0.5 - l->y0;
    double          from = fmin(l->x0, x1) - l->reach, to = fmax(l->x0, x1) + l->reach;
    if (fabs(l->uy) > 1e-3) { /* where the line is as wide as its reach */
        double middle = l->x0 + dy * l->ux / l->uy, half = l->reach / fabs(l->uy);
        from = fmax(from, middle - half), to = fmin(to, middle + half);
    }
    int   first = within(floor(from), m->w), end = within(ceil(to), m->w);
    float along  = (float)((first + 0.5 - l->x0) * l->ux + dy * l->uy);
    float beside = (float)((first + 0.5 - l->x0) * l->uy - dy * l->ux);
    float length = (float)l->length, reach = (float)l->reach, level = (float)nib->level;
    float step_along = (float)l->ux, step_beside = (float)l->uy;
    for (int x = first; x < end; x++, along += step_along, beside += step_beside) {
        float past = along < 0 ? -along : along > length ? along - length : 0, part = 1;
        float off = fabsf(beside);
        if (along < 0.5f ? l->flat0 : along > length - 0.5f && l->flat1) { /* cut across, within a pixel */
            part = 0.5f + (along < 0.5f ? along : length - along);
            if (part <= 0) continue;
            part = part > 1 ? 1 : part;
        } else if (past > 0) {
            off = sqrtf(off * off + past * past);
        }
        float cover = reach - off;
        if (cover <= 0) continue;
        uint8_t value = (uint8_t)((cover > 1 ? 1 : cover) * part * level + 0.5f);
        if (value > row[x]) row[x] = value;
    }
}

/* The round end of a line that is nearly upright. */
static void stamp_disc(mli_nib *nib, double x, double y)
{
    mli_mask *m    = nib->mask;
    double    left = floor(x), top = floor(y);
    int       i = (int)((x - left) * MLI_MASK_DISCS), j = (int)((y - top) * MLI_MASK_DISCS);
    int       reach = (int)nib->radius + 2;
    if (left < -MLI_MASK_ROW / 2 || left >= m->w + MLI_MASK_ROW / 2 || top < -MLI_MASK_ROW || top > m->h + MLI_MASK_ROW) return;
    if (!nib->disc_known[j][i]) {
        for (int row = 0; row < MLI_MASK_ROW; row++)
            for (int col = 0; col < MLI_MASK_ROW; col++) {
                double dx = col + 0.5 - MLI_MASK_ROW / 2 - (i + 0.5) / MLI_MASK_DISCS;
                double dy = row + 0.5 - MLI_MASK_ROW / 2 - (j + 0.5) / MLI_MASK_DISCS;
                nib->disc[j][i][row][col] = (uint8_t)(clamp(nib->radius + 0.5 - sqrt(dx * dx + dy * dy)) * nib->level + 0.5);
            }
        nib->disc_known[j][i] = true;
    }
    for (int row = -reach; row < reach; row++)
        if (top + row >= 0 && top + row < m->h)
            cover_row(row_of(m, (int)top + row) + (int)left - MLI_MASK_ROW / 2, nib->disc[j][i][row + MLI_MASK_ROW / 2]);
}

/* Rows that no end reaches: each pixel of them lies beside the line. */
static void steep_rows(mli_nib *nib, const line *l, int first, int last)
{
    mli_mask      *m    = nib->mask;
    const uint8_t *rows = rows_of_slope(nib, l->uy);
    double         per  = l->ux / l->uy;
    int64_t        step = (int64_t)floor(per * 4294967296.0);
    int64_t        at   = (int64_t)floor((l->x0 + (first + 0.5 - l->y0) * per) * 4294967296.0);
    for (int y = first; y < last; y++, at += step) {
        int64_t x = at >> 32;
        if (x < -MLI_MASK_ROW / 2 || x >= m->w + MLI_MASK_ROW / 2) continue;
        size_t phase = (size_t)((uint64_t)at >> 27 & (MLI_MASK_PHASES - 1));
        cover_row(row_of(m, y) + x - MLI_MASK_ROW / 2, rows + phase * MLI_MASK_ROW);
    }
}

/* A flat end of a line that is nearly upright: part of a row. */
static void part_of_row(mli_nib *nib, const line *l, int y, double part)
{
    mli_mask *m = nib->mask;
    double    x = l->x0 + (y + 0.5 - l->y0) * l->ux / l->uy, left = floor(x);
    if (y < 0 || y >= m->h || left < -MLI_MASK_ROW / 2 || left >= m->w + MLI_MASK_ROW / 2) return;
    const uint8_t *row = rows_of_slope(nib, l->uy) + (int)((x - left) * MLI_MASK_PHASES) * MLI_MASK_ROW;
    cover_part(row_of(m, y) + (int)left - MLI_MASK_ROW / 2, row, part);
}

static void upright_line(mli_nib *nib, const line *l, double y1)
{
    mli_mask *m     = nib->mask;
    int       first = within(l->flat0 ? ceil(l->y0) : ceil(l->y0 - 0.5), m->h);
    int       last  = within(l->flat1 ? floor(y1) : floor(y1 + 0.5), m->h);
    if (first < last) steep_rows(nib, l, first, last);
    if (l->flat0 && l->flat1 && floor(l->y0) == floor(y1)) {
        part_of_row(nib, l, (int)floor(y1), y1 - l->y0);
        return;
    }
    if (l->flat0) part_of_row(nib, l, (int)floor(l->y0), ceil(l->y0) - l->y0);
    else stamp_disc(nib, l->x0, l->y0);
    if (l->flat1) part_of_row(nib, l, (int)floor(y1), y1 - floor(y1));
    else stamp_disc(nib, l->x0 + l->length * l->ux, y1);
}

void mli_nib_line(mli_nib *nib, double x0, double y0, double x1, double y1, bool flat0, bool flat1)
{
    mli_mask *m = nib->mask;
    if (y1 < y0) {
        double x = x0, y = y0;
        bool   flat = flat0;
        x0 = x1, y0 = y1, x1 = x, y1 = y;
        flat0 = flat1, flat1 = flat;
    }
    double dx = x1 - x0, dy = y1 - y0, length = sqrt(dx * dx + dy * dy), reach = nib->radius + 0.5;
    line   l      = { x0, y0, 1, 0, length, reach, flat0, flat1 };
    if (length > 1e-9) l.ux = dx / length, l.uy = dy / length;
    int from = within(floor(y0 - reach), m->h), to = within(ceil(y1 + reach), m->h);
    if (from >= to) return;
    touch(m, from, to);
    bool by_rows = 2 * reach / l.uy + 2 < MLI_MASK_ROW; /* never, if it is level */
    if (by_rows && l.uy > UPRIGHT) {
        upright_line(nib, &l, y1);
        return;
    }
    double end   = reach * fabs(l.ux) + 0.5 * l.uy; /* what its ends reach */
    int    first = from, last = from;
    if (by_rows && l.uy > STEEP) first = within(ceil(y0 + end - 0.5), m->h), last = within(floor(y1 - end + 0.5), m->h);
    if (first >= last) first = last = to;
    for (int y = from; y < first; y++) exact_row(nib, &l, y);
    if (first < last) steep_rows(nib, &l, first, last);
    for (int y = last; y < to; y++) exact_row(nib, &l, y);
}

void mli_nib_disc(mli_nib *nib, double x, double y, double radius)
{
    double of_line = nib->radius;
    nib->radius    = radius;
    mli_nib_line(nib, x, y, x, y, false, false);
    nib->radius = of_line;
}

/* --- bars ---------------------------------------------------------------------------------------------------- */
static void part_of_bar(const mli_mask *m, int column, double top, double bottom, const uint8_t *row)
{
    int from = within(floor(top), m->h), first = within(ceil(top), m->h), last = within(floor(bottom), m->h);
    if (!(bottom > top) || bottom <= 0 || top >= m->h) return;
    uint8_t *at = row_of(m, from) + column - MLI_MASK_ROW / 2;
    if (from == last) { /* within a row */
        if (from < m->h) cover_part(at, row, bottom - fmax(top, from));
        return;
    }
    if (from < first) {
        cover_part(at, row, first - top);
        at += m->stride;
    }
    for (int y = first; y < last; y++, at += m->stride) cover_row(at, row);
    if (last < m->h && last < bottom) cover_part(at, row, bottom - last);
}

/* What all of the bars cover is filled row by row; only the sides and what is left above and below, bar by bar. */
void mli_nib_flush(mli_nib *nib)
{
    mli_mask *m = nib->mask;
    int       n = nib->n, side = (int)ceil(nib->radius - 0.5);
    uint8_t   row[MLI_MASK_ROW];
    double    top = -INFINITY, bottom = INFINITY, highest = INFINITY, lowest = -INFINITY;
    if (n == 0) return;
    nib->n = 0;
    for (int i = 0; i < MLI_MASK_ROW; i++)
        row[i] = (uint8_t)(clamp(nib->radius + 0.5 - abs(i - MLI_MASK_ROW / 2)) * nib->level + 0.5);
    for (int i = 0; i < n; i++) {
        double a = (double)nib->bar[i][0], b = (double)nib->bar[i][1];
        top = a > top ? a : top, bottom = b < bottom ? b : bottom;
        highest = a < highest ? a : highest, lowest = b > lowest ? b : lowest;
    }
    int from = within(floor(highest), m->h), to = within(ceil(lowest), m->h);
    if (from < to) touch(m, from, to);
    int  first = within(ceil(top), m->h), last = within(floor(bottom), m->h);
    bool whole = n > 2 * side + 4 && last - first > 4;
    for (int y = first; whole && y < last; y++) {
        uint8_t *at = row_of(m, y) + nib->first, level = row[MLI_MASK_ROW / 2];
        for (int i = 0; i < n; i++) at[i] = at[i] > level ? at[i] : level;
    }
    for (int i = 0; i < n; i++) {
        double a = (double)nib->bar[i][0], b = (double)nib->bar[i][1];
        if (whole && i >= side && i < n - side) {
            part_of_bar(m, nib->first + i, a, fmin(b, first), row);
            part_of_bar(m, nib->first + i, fmax(a, last), b, row);
        } else {
            part_of_bar(m, nib->first + i, a, b, row);
        }
    }
}

void mli_nib_bar(mli_nib *nib, int column, double top, double bottom)
{
    if (column < 0 || column >= nib->mask->w || !(bottom > top)) return;
    if (nib->n && (nib->n == MLI_MASK_GROUP || column != nib->first + nib->n)) mli_nib_flush(nib);
    if (nib->n == 0) nib->first = column;
    nib->bar[nib->n][0]   = (float)top;
    nib->bar[nib->n++][1] = (float)bottom;
}
