/* The page: titles, a grid of panels, and margins that line up. Panels in one column share the width of their labels,
 * panels in one row the height of their titles, so that axes stand in line. */
#include "figure/paint.h"

#include <math.h>
#include <string.h>

#define EDGE 14 /* around the figure */
#define GAP  24 /* between panels */

static bool has_any(const mli_view *v, int row, size_t field)
{
    for (int c = 0; c < v->cols; c++)
        if (((const char *)&v->panels[row * v->cols + c])[field]) return true;
    return false;
}

static void paint_frame(mli_paper *p, const mli_plot *plot)
{
    mli_box b = plot->box;
    mli_ink(p, p->theme->ink, 1);
    mli_text_draw(p, mli_font_title, plot->panel->title, b.x, b.y - 8, 0, 1, plot->cell_to - b.x, false);
    mli_ink(p, p->theme->quiet, 1);
    double under = b.y + b.h + 8 + mli_text_height(p, mli_font_tick);
    mli_text_draw(p, mli_font_label, plot->panel->xlabel, b.x + b.w / 2, under, 0.5, 0, b.w, false);
    double left = b.x - 12 - mli_axis_label_width(p, &plot->y);
    mli_text_draw(p, mli_font_label, plot->panel->ylabel, left, b.y + b.h / 2, 0.5, 1, b.h, true);
}

static void paint_grid(mli_paper *p, const mli_view *view, mli_box page, mli_plot *plots)
{
    double tick = mli_text_height(p, mli_font_tick), label = mli_text_height(p, mli_font_label);
    double cell_w = (page.w - GAP * (view->cols - 1)) / view->cols;
    double cell_h = (page.h - GAP * (view->rows - 1)) / view->rows;
    for (int r = 0; r < view->rows; r++) {
        double top    = has_any(view, r, offsetof(mli_panel, title)) ? mli_text_height(p, mli_font_title) + 8 : 6;
        double bottom = tick + 8 + (has_any(view, r, offsetof(mli_panel, xlabel)) ? label + 2 : 0);
        for (int c = 0; c < view->cols; c++) {
            mli_plot *plot = &plots[r * view->cols + c];
            plot->panel    = &view->panels[r * view->cols + c];
            plot->cell_from = page.x + c * (cell_w + GAP);
            plot->cell_to   = plot->cell_from + cell_w + (c + 1 < view->cols ? GAP / 2.0 : EDGE - 4);
            plot->box.y    = page.y + r * (cell_h + GAP) + top;
            plot->box.h    = cell_h - top - bottom;
            plot->y.from   = plot->box.y + plot->box.h;
            plot->y.to     = plot->box.y;
            if (plot->panel->kind == MLI_LINES) mli_lines_ranges(p, plot);
            if (plot->panel->kind == MLI_HEATMAP) mli_heatmap_ranges(p, plot);
        }
    }
    for (int c = 0; c < view->cols; c++) {
        double left = 0;
        for (int r = 0; r < view->rows; r++) {
            mli_plot *plot = &plots[r * view->cols + c];
            if (plot->panel->kind == MLI_EMPTY) continue;
            left = fmax(left, mli_axis_label_width(p, &plot->y) + 8 + (plot->panel->ylabel[0] ? label + 4 : 0));
        }
        for (int r = 0; r < view->rows; r++) {
            mli_plot *plot = &plots[r * view->cols + c];
            plot->box.x    = plot->cell_from + left;
            plot->box.w    = cell_w - left - 4;
            if (plot->panel->kind == MLI_EMPTY || plot->box.w < 24 || plot->box.h < 24) continue; /* no room: no panel */
            if (plot->panel->kind == MLI_LINES) mli_lines_paint(p, plot);
            if (plot->panel->kind == MLI_HEATMAP) mli_heatmap_paint(p, plot);
            paint_frame(p, plot);
        }
    }
}

bool mli_paint(cairo_t *cr, const mli_view *view, ml_theme theme, double width, double height, double density)
{
    if (theme == ML_THEME_DEFAULT) theme = view->theme;
    size_t    bytes = (size_t)(view->rows * view->cols) * sizeof(mli_plot);
    mli_plot *plots = ml_realloc(NULL, 0, bytes);
    if (!plots) return false;
    memset(plots, 0, bytes);

    mli_paper paper = { .cr = cr, .theme = mli_theme_of(theme), .view = view, .density = density };
    paper.layout    = pango_cairo_create_layout(cr);
    cairo_font_options_t *options = cairo_font_options_create(); /* same shapes and widths on every kind of surface */
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(pango_layout_get_context(paper.layout), options);
    cairo_font_options_destroy(options);
    pango_layout_context_changed(paper.layout);
    pango_layout_set_single_paragraph_mode(paper.layout, TRUE);

    mli_ink(&paper, paper.theme->paper, 1);
    cairo_paint(cr);
    mli_box page = { EDGE, EDGE, width - 2 * EDGE, height - 2 * EDGE };
    if (view->title[0]) {
        double line = mli_text_height(&paper, mli_font_figure);
        mli_ink(&paper, paper.theme->ink, 1);
        mli_text_draw(&paper, mli_font_figure, view->title, page.x, page.y, 0, 0, page.w > 1 ? page.w : 1, false);
        page.y += line + 12;
        page.h -= line + 12;
    }
    paint_grid(&paper, view, page, plots);
    g_object_unref(paper.layout);
    ml_realloc(plots, bytes, 0);
    cairo_status_t status = cairo_status(cr);
    if (status != CAIRO_STATUS_SUCCESS) return ml_fail("figure: drawing failed: %s", cairo_status_to_string(status));
    return true;
}
