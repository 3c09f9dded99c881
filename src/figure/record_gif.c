/* An animated GIF. Each frame has 256 colours of its own, by median cut (Heckbert 1982) over the colours that it has; of a frame only
 * the rectangle that has changed is stored. */
#include "figure/record.h"

#include <string.h>

#ifndef MOONLAB_GIF
static void *gif_open(const char *path, int width, int height, double rate)
{
    (void)width, (void)height, (void)rate;
    return ml_fail("record: '%s': moonlab was built without giflib; a path that ends in .mp4 needs ffmpeg instead", path);
}
static bool gif_frame(void *of, const uint32_t *pixels, int times)
{
    (void)of, (void)pixels, (void)times;
    return false;
}
static bool gif_close(void *of, bool keep)
{
    (void)of, (void)keep;
    return false;
}
#else
#include <gif_lib.h>

#define BITS  5 /* of a channel that colours are told apart by */
#define BINS  (1 << 3 * BITS)
#define MOST  256
#define TICKS 100.0 /* a second */

typedef struct bin { /* colours that are nearly the same */
    uint32_t n;
    uint64_t r, g, b; /* sums */
} bin;

typedef struct gif {
    char         path[1024];
    int          w, h;
    double       rate;
    GifFileType *file;
    unsigned char *bytes;
    size_t       n, room;
    uint32_t    *before; /* the frame that is shown; its time is not yet known */
    bool         any;
    GifByteType *indices;
    bin         *bins;
    uint16_t    *index_of; /* bin -> colour */
    int         *used, *sorted; /* bins with pixels */
} gif;

static int bin_of(uint32_t pixel)
{
    return (int)((pixel >> (16 + 8 - BITS) & 31) << 2 * BITS | (pixel >> (8 + 8 - BITS) & 31) << BITS | (pixel >> (8 - BITS) & 31));
}

static int channel(int b, int axis)
{
    return b >> (2 - axis) * BITS & 31;
}

/* --- colours ------------------------------------------------------------------------------------------ */
typedef struct cut {
    int from, to; /* of used */
} cut;

/* By counting, as qsort has no place for the axis. */
static void sort_along(gif *g, cut c, int axis)
{
    int begin[33] = { 0 };
    for (int i = c.from; i < c.to; i++) begin[channel(g->used[i], axis) + 1]++;
    for (int k = 1; k <= 32; k++) begin[k] += begin[k - 1];
    for (int i = c.from; i < c.to; i++) g->sorted[begin[channel(g->used[i], axis)]++] = g->used[i];
    memcpy(g->used + c.from, g->sorted, (size_t)(c.to - c.from) * sizeof *g->used);
}

static int widest_axis(const gif *g, cut c, int *width)
{
    int best = 0;
    *width   = -1;
    for (int axis = 0; axis < 3; axis++) {
        int low = 31, high = 0;
        for (int i = c.from; i < c.to; i++) {
            int v = channel(g->used[i], axis);
            low = v < low ? v : low, high = v > high ? v : high;
        }
        if (high - low > *width) *width = high - low, best = axis;
    }
    return best;
}

/* Halves the box that is widest, until there are enough. */
static int cut_colours(gif *g, int n_used, cut cuts[MOST])
{
    int n   = 1;
    cuts[0] = (cut){ 0, n_used };
    while (n < MOST) {
        int widest = 0, which = -1, axis = 0;
        for (int i = 0; i < n; i++) {
            int width, a = widest_axis(g, cuts[i], &width);
            if (cuts[i].to - cuts[i].from > 1 && width > widest) widest = width, which = i, axis = a;
        }
        if (which < 0) break;
        cut c = cuts[which];
        sort_along(g, c, axis);
        int middle  = (c.from + c.to) / 2;
        cuts[which] = (cut){ c.from, middle };
        cuts[n++]   = (cut){ middle, c.to };
    }
    return n;
}

static ColorMapObject *choose_colours(gif *g, const uint32_t *pixels)
{
    size_t n = (size_t)g->w * (size_t)g->h;
    int    n_used = 0;
    memset(g->bins, 0, BINS * sizeof *g->bins);
    for (size_t i = 0; i < n; i++) {
        bin *b = &g->bins[bin_of(pixels[i])];
        if (b->n++ == 0) g->used[n_used++] = bin_of(pixels[i]);
        b->r += pixels[i] >> 16 & 255, b->g += pixels[i] >> 8 & 255, b->b += pixels[i] & 255;
    }
    cut             cuts[MOST];
    int             n_cuts = cut_colours(g, n_used, cuts);
    ColorMapObject *map    = GifMakeMapObject(MOST, NULL);
    if (!map) return NULL;
    for (int k = 0; k < n_cuts; k++) {
        bin sum = { 0 };
        for (int i = cuts[k].from; i < cuts[k].to; i++) {
            const bin *b = &g->bins[g->used[i]];
            sum.n += b->n, sum.r += b->r, sum.g += b->g, sum.b += b->b;
            g->index_of[g->used[i]] = (uint16_t)k;
        }
        if (sum.n) map->Colors[k] = (GifColorType){ (GifByteType)(sum.r / sum.n), (GifByteType)(sum.g / sum.n), (GifByteType)(sum.b / sum.n) };
    }
    return map;
}

/* --- the file -------------------------------------------------------------------------------------------- */
static int append(GifFileType *file, const GifByteType *data, int length)
{
    gif *g = file->UserData;
    if (g->n + (size_t)length > g->room) {
        size_t         room  = 2 * g->room + (size_t)length + 65536;
        unsigned char *fresh = ml_realloc(g->bytes, g->room, room);
        if (!fresh) return 0;
        g->bytes = fresh;
        g->room  = room;
    }
    memcpy(g->bytes + g->n, data, (size_t)length);
    g->n += (size_t)length;
    return length;
}

static void *take(size_t bytes)
{
    void *block = ml_realloc(NULL, 0, bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

static void gif_free(gif *g)
{
    int    error;
    size_t n = (size_t)g->w * (size_t)g->h;
    if (g->file) EGifCloseFile(g->file, &error);
    if (g->before) ml_realloc(g->before, n * sizeof *g->before, 0);
    if (g->indices) ml_realloc(g->indices, n, 0);
    if (g->bins) ml_realloc(g->bins, BINS * sizeof *g->bins, 0);
    if (g->index_of) ml_realloc(g->index_of, BINS * sizeof *g->index_of, 0);
    if (g->used) ml_realloc(g->used, BINS * sizeof *g->used, 0);
    if (g->sorted) ml_realloc(g->sorted, BINS * sizeof *g->sorted, 0);
    ml_realloc(g->bytes, g->room, 0);
    ml_realloc(g, sizeof *g, 0);
}

static void *gif_open(const char *path, int width, int height, double rate)
{
    if (strlen(path) >= sizeof ((gif *)0)->path) return ml_fail("record: the path is too long");
    gif *g = take(sizeof *g);
    if (!g) return NULL;
    size_t n = (size_t)width * (size_t)height;
    int    error = 0;
    memcpy(g->path, path, strlen(path) + 1);
    g->w = width, g->h = height, g->rate = rate;
    g->before   = take(n * sizeof *g->before);
    g->indices  = take(n);
    g->bins     = take(BINS * sizeof *g->bins);
    g->index_of = take(BINS * sizeof *g->index_of);
    g->used     = take(BINS * sizeof *g->used);
    g->sorted   = take(BINS * sizeof *g->sorted);
    bool ok     = g->before && g->indices && g->bins && g->index_of && g->used && g->sorted;
    if (ok) {
        g->file = EGifOpen(g, append, &error);
        ok      = g->file != NULL;
        if (!ok) ml_fail("record: %s", GifErrorString(error));
    }
    if (ok) {
        EGifSetGifVersion(g->file, true);
        GifByteType forever[] = { 1, 0, 0 };
        ok = EGifPutScreenDesc(g->file, width, height, 8, 0, NULL) == GIF_OK && EGifPutExtensionLeader(g->file, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
             EGifPutExtensionBlock(g->file, 11, "NETSCAPE2.0") == GIF_OK && EGifPutExtensionBlock(g->file, 3, forever) == GIF_OK &&
             EGifPutExtensionTrailer(g->file) == GIF_OK;
        if (!ok && !ml_failed()) ml_fail("record: %s", GifErrorString(g->file->Error));
    }
    if (ok) return g;
    gif_free(g);
    return NULL;
}

/* The rectangle in which two frames differ; false: nowhere. */
static bool changed(const gif *g, const uint32_t *now, int box[4])
{
    int left = g->w, right = -1, top = g->h, bottom = -1;
    for (int y = 0; y < g->h; y++) {
        const uint32_t *a = g->before + (int64_t)y * g->w, *b = now + (int64_t)y * g->w;
        if (memcmp(a, b, (size_t)g->w * sizeof *a) == 0) continue;
        if (top == g->h) top = y;
        bottom = y;
        for (int x = 0; x < left; x++)
            if (a[x] != b[x]) left = x;
        for (int x = g->w - 1; x > right; x--)
            if (a[x] != b[x]) right = x;
    }
    box[0] = left, box[1] = top, box[2] = right - left + 1, box[3] = bottom - top + 1;
    return bottom >= 0;
}

static bool put_frame(gif *g, const uint32_t *pixels, const int box[4], int delay)
{
    GraphicsControlBlock control = { .DisposalMode = DISPOSE_DO_NOT, .DelayTime = delay, .TransparentColor = NO_TRANSPARENT_COLOR };
    GifByteType          packed[4];
    ColorMapObject      *map = choose_colours(g, pixels);
    if (!map) return ml_fail("record: out of memory");
    EGifGCBToExtension(&control, packed);
    bool ok = EGifPutExtension(g->file, GRAPHICS_EXT_FUNC_CODE, 4, packed) == GIF_OK &&
              EGifPutImageDesc(g->file, box[0], box[1], box[2], box[3], false, map) == GIF_OK;
    for (int y = box[1]; ok && y < box[1] + box[3]; y++) {
        for (int x = 0; x < box[2]; x++) g->indices[x] = (GifByteType)g->index_of[bin_of(pixels[(int64_t)y * g->w + box[0] + x])];
        ok = EGifPutLine(g->file, g->indices, box[2]) == GIF_OK;
    }
    GifFreeMapObject(map);
    return ok || ml_failed() || ml_fail("record: %s", GifErrorString(g->file->Error));
}

static bool gif_frame(void *of, const uint32_t *pixels, int times)
{
    gif *g      = of;
    int  box[4] = { 0, 0, g->w, g->h };
    if (g->any && !changed(g, pixels, box)) box[0] = box[1] = 0, box[2] = box[3] = 1; /* time passes in one pixel */
    if (!put_frame(g, pixels, box, (int)(TICKS / g->rate * times + 0.5))) return false;
    memcpy(g->before, pixels, (size_t)g->w * (size_t)g->h * sizeof *pixels);
    g->any = true;
    return true;
}

static bool gif_close(void *of, bool keep)
{
    gif *g     = of;
    int  error = 0;
    bool ok    = EGifCloseFile(g->file, &error) == GIF_OK || !keep; /* its last byte */
    g->file    = NULL;
    if (!ok && !ml_failed()) ml_fail("record: %s", GifErrorString(error));
    if (ok && keep) ok = ml_file_write(g->path, g->bytes, g->n);
    gif_free(g);
    return ok;
}
#endif

const mli_film_kind mli_film_gif = { gif_open, gif_frame, gif_close };
