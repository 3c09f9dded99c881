#include "figure/paint.h"

#include <math.h>
#include <pthread.h>

const mli_font mli_font_figure = { .size = 16, .bold = true };
const mli_font mli_font_title  = { .size = 13, .bold = true };
const mli_font mli_font_label  = { .size = 12 };
const mli_font mli_font_tick   = { .size = 11 };
const mli_font mli_font_legend = { .size = 11, .cut_middle = true };

/* The faces are made once a process: looking them up costs more than drawing a word. */
static PangoFontDescription *faces[2];

static void make_faces(void)
{
    for (int i = 0; i < 2; i++) {
        faces[i] = pango_font_description_new();
        pango_font_description_set_family(faces[i], "Inter, Source Sans 3, Noto Sans, DejaVu Sans, sans-serif");
        pango_font_description_set_weight(faces[i], i ? PANGO_WEIGHT_SEMIBOLD : PANGO_WEIGHT_NORMAL);
    }
}

static const PangoFontDescription *face_of(bool bold)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* and no lock of GLib's, which the thread sanitizer cannot see */
    pthread_once(&once, make_faces);
    return faces[bold];
}

static void set_text(mli_paper *p, mli_font font, const char *text)
{
    PangoFontDescription *face = pango_font_description_copy_static(face_of(font.bold));
    pango_font_description_set_absolute_size(face, font.size * PANGO_SCALE);
    pango_layout_set_font_description(p->layout, face);
    pango_font_description_free(face);
    pango_layout_set_width(p->layout, -1);
    char          *valid = g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
    PangoAttrList *how   = NULL;
    char          *words = mli_words(valid ? valid : text, font.size, &how);
    pango_layout_set_text(p->layout, words ? words : valid ? valid : text, -1);
    pango_layout_set_attributes(p->layout, how);
    if (how) pango_attr_list_unref(how);
    g_free(words);
    g_free(valid);
}

double mli_text_width(mli_paper *p, mli_font font, const char *text)
{
    int width, height;
    set_text(p, font, text);
    pango_layout_get_size(p->layout, &width, &height);
    return (double)width / PANGO_SCALE;
}

static mli_measures measures_of(mli_paper *p, mli_font font)
{
    for (int i = 0; i < p->n_measures; i++)
        if (p->measures[i].font.size == font.size && p->measures[i].font.bold == font.bold) return p->measures[i];
    PangoRectangle ink, line;
    set_text(p, font, "0");
    pango_layout_get_extents(p->layout, &ink, &line);
    mli_measures m = { font, (double)pango_layout_get_baseline(p->layout) / PANGO_SCALE,
                       (double)line.height / PANGO_SCALE, (double)(ink.y + ink.height / 2) / PANGO_SCALE };
    if (p->n_measures < MLI_FONTS) p->measures[p->n_measures++] = m;
    return m;
}

double mli_text_height(mli_paper *p, mli_font font)
{
    return measures_of(p, font).height;
}

void mli_text_draw(mli_paper *p, mli_font font, const char *text, double x, double y, double ax, double ay, double room,
                   bool up)
{
    if (!text[0] || !(room > 0)) return;
    mli_measures   m = measures_of(p, font);
    PangoRectangle line;
    set_text(p, font, text);
    if (isfinite(room)) {
        pango_layout_set_ellipsize(p->layout, font.cut_middle ? PANGO_ELLIPSIZE_MIDDLE : PANGO_ELLIPSIZE_END);
        pango_layout_set_width(p->layout, (int)(room * PANGO_SCALE));
    }
    pango_layout_get_extents(p->layout, NULL, &line);
    double width = (double)line.width / PANGO_SCALE;
    double shift = ay <= 0 ? 0 : ay >= 1 ? -m.height : -m.middle;
    double lift  = m.base - (double)pango_layout_get_baseline(p->layout) / PANGO_SCALE;

    cairo_save(p->cr);
    cairo_translate(p->cr, x, y);
    if (up) cairo_rotate(p->cr, -1.5707963267948966);
    cairo_move_to(p->cr, -ax * width, shift + lift);
    pango_cairo_show_layout(p->cr, p->layout);
    cairo_restore(p->cr);
    pango_layout_set_ellipsize(p->layout, PANGO_ELLIPSIZE_NONE);
}
