/* Pictures as files. Each is made in memory first and written whole: a crash or a full disk leaves the old one. */
#include "figure/drawing.h"
#include "figure/paint.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define PANEL_W       440
#define PANEL_H       330
#define DPI           192.0
#define UNITS         96.0  /* an inch */
#define POINTS        72.0  /* an inch */
#define PAPER_DENSITY 4.0   /* pixels a unit for what becomes an image on paper: 384 dpi */
#define MOST_PIXELS   32767 /* a side; Cairo's own limit */

/* --- a file in memory ----------------------------------------------------------------------------- */
typedef struct bytes {
    unsigned char *at;
    size_t         n, room;
    bool           refused; /* for want of memory; the message is there */
} bytes;

static cairo_status_t append(void *to, const unsigned char *data, unsigned int length)
{
    bytes *b = to;
    if (b->n + length > b->room) {
        size_t         room  = 2 * b->room + length + 4096;
        unsigned char *fresh = ml_realloc(b->at, b->room, room);
        if (!fresh) {
            b->refused = true;
            return CAIRO_STATUS_NO_MEMORY;
        }
        b->at   = fresh;
        b->room = room;
    }
    memcpy(b->at + b->n, data, length);
    b->n += length;
    return CAIRO_STATUS_SUCCESS;
}

static bool went_well(const bytes *file, cairo_status_t status)
{
    if (status == CAIRO_STATUS_SUCCESS) return true;
    if (!file->refused) ml_fail("save: %s", cairo_status_to_string(status));
    return false;
}

/* --- the three kinds -------------------------------------------------------------------------------- */
static cairo_surface_t *paint_pixels(const mli_view *view, const mli_page *page, int w, int h, void *pixels, bool *ok)
{
    cairo_surface_t *surface = cairo_image_surface_create_for_data(pixels, CAIRO_FORMAT_RGB24, w, h, w * 4);
    cairo_t         *cr      = cairo_create(surface);
    cairo_scale(cr, page->density, page->density);
    *ok = mli_paint(cr, view, page);
    cairo_destroy(cr);
    return surface;
}

static bool make_png(const mli_view *view, const mli_page *page, bytes *file)
{
    int    w = (int)lround(page->width * page->density), h = (int)lround(page->height * page->density);
    size_t size   = (size_t)w * (size_t)h * 4;
    void  *pixels = ml_realloc(NULL, 0, size); /* ours, so that the account knows it */
    bool   ok;
    if (!pixels) return false;
    memset(pixels, 0, size);
    cairo_surface_t *surface = paint_pixels(view, page, w, h, pixels, &ok);
    if (ok) ok = went_well(file, cairo_surface_write_to_png_stream(surface, append, file));
    cairo_surface_destroy(surface);
    ml_realloc(pixels, size, 0);
    return ok;
}

static bool make_vector(const mli_view *view, mli_page page, bool pdf, bytes *file)
{
    double           scale = POINTS / UNITS, w = page.width * scale, h = page.height * scale;
    cairo_surface_t *surface = pdf ? cairo_pdf_surface_create_for_stream(append, file, w, h)
                                   : cairo_svg_surface_create_for_stream(append, file, w, h);
    if (pdf) {
        char *title = g_utf8_make_valid(view->title, -1);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "moonlab " ML_VERSION);
        /* no date: the same picture has the same bytes */
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
        g_free(title);
    }
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, scale, scale);
    page.density = PAPER_DENSITY;
    bool ok      = mli_paint(cr, view, &page);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    if (ok) ok = went_well(file, cairo_surface_status(surface));
    cairo_surface_destroy(surface);
    return ok;
}

/* --- choosing --------------------------------------------------------------------------------------- */
typedef enum file_kind { KIND_PNG, KIND_SVG, KIND_PDF, KIND_NONE } file_kind;

static file_kind kind_of(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *dot  = strrchr(name ? name : path, '.');
    if (!dot) return KIND_NONE;
    if (strcasecmp(dot, ".png") == 0) return KIND_PNG;
    if (strcasecmp(dot, ".svg") == 0) return KIND_SVG;
    if (strcasecmp(dot, ".pdf") == 0) return KIND_PDF;
    return KIND_NONE;
}

static bool set_page(mli_page *page, const mli_view *view, const ml_save_opts *opts, file_kind kind)
{
    double dpi    = opts->dpi != 0 ? opts->dpi : DPI;
    page->width   = opts->width != 0 ? opts->width : PANEL_W * view->cols;
    page->height  = opts->height != 0 ? opts->height : PANEL_H * view->rows;
    page->density = dpi / UNITS;
    page->style   = opts->style;
    double most   = MOST_PIXELS / (kind == KIND_PNG ? page->density : 1);
    bool   sane   = isfinite(dpi) && dpi >= 1 && isfinite(page->width) && isfinite(page->height);
    if (sane && page->width * page->density >= 1 && page->height * page->density >= 1 &&
        page->width <= most && page->height <= most)
        return true;
    return ml_fail("save: a picture has 1..%d pixels a side, got %g x %g / 96 inch at %g dpi", MOST_PIXELS,
                   page->width, page->height, dpi);
}

bool mli_pixels(ml_figure *fig, int width, int height, uint32_t *pixels, const ml_save_opts *opts)
{
    static const ml_save_opts defaults;
    mli_view                  view;
    bool                      ok;
    if (!opts) opts = &defaults;
    double density = (opts->dpi != 0 ? opts->dpi : UNITS) / UNITS;
    if (!(density > 0.01 && density < 1000) || width < 1 || height < 1 || width > MOST_PIXELS || height > MOST_PIXELS)
        return ml_fail("pixels: a picture has 1..%d pixels a side, got %d x %d at %g dpi", MOST_PIXELS, width, height,
                       opts->dpi);
    if (!mli_view_take(fig, &view)) return false;
    mli_page page = { .width = width / density, .height = height / density, .density = density, .style = opts->style };
    cairo_surface_t *surface = paint_pixels(&view, &page, width, height, pixels, &ok);
    cairo_surface_flush(surface);
    cairo_surface_destroy(surface);
    mli_view_drop(&view);
    return ok;
}

bool mli_save_look(ml_figure *fig, const char *path, const ml_save_opts *opts, const mli_look *look)
{
    static const ml_save_opts defaults;
    mli_view                  view;
    mli_page                  page = { .look = look };
    bytes                     file = { 0 };
    file_kind                 kind = path ? kind_of(path) : KIND_NONE;
    if (kind == KIND_NONE)
        return ml_fail("save: '%s' does not end in .png, .svg or .pdf", path ? path : "(no path)");
    if (!mli_view_take(fig, &view)) return false;
    bool ok = set_page(&page, &view, opts ? opts : &defaults, kind);
    if (ok)
        ok = kind == KIND_PNG ? make_png(&view, &page, &file)
                              : make_vector(&view, page, kind == KIND_PDF, &file);
    if (ok) ok = ml_file_write(path, file.at, file.n);
    ml_realloc(file.at, file.room, 0);
    mli_view_drop(&view);
    return ok;
}

bool mli_save(ml_figure *fig, const char *path, const ml_save_opts *opts)
{
    return mli_save_look(fig, path, opts, NULL);
}
