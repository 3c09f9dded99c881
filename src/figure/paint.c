/* The page: titles, a grid of panels, and margins that line up. Panels in one column share the width of their labels,
 * panels in one row the height of their titles, so that axes stand in line. */
#include "figure/paint.h"

#include <math.h>
#include <string.h>

#define EDGE      14 /* around the figure */
#define GAP       24 /* between panels */
#define BARE_EDGE 3  /* the same where there is no room for words */
#define BARE_GAP  4
#define COMFORT_W 240 /* a panel narrower or lower than this gets smaller letters, */
#define COMFORT_H 180
#define SMALLEST  0.7 /* down to this; */
#define BARE_W    120 /* and where even they have no room, there are no words */
#define BARE_H    92
#define TITLE_GAP 8 /* under a title */
#define TICK_GAP  8 /* from an axis to the end of its labels, with the ticks */
#define LABEL_GAP 4

/* --- one panel -------------------------------------------------------------------------------- */
/* A single curve in a panel without a title is its title. */
static const char *title_of(const mli_view *view, const mli_panel *panel)
{
    if (panel->title[0] || panel->kind != MLI_LINES || panel->n_series != 1 || panel->ylabel[0])
        return panel->title;
    return view->series[panel->series[0]].name;
}

void mli_plot_says(mli_paper *p, const mli_plot *plot, const char *text)
{
    if (p->bare) return;
    mli_box b = plot->box;
    mli_ink(p, p->theme->quiet, 0.8);
    mli_text_draw(p, mli_font_label, text, b.x + b.w / 2, b.y + b.h / 2, 0.5, 0.5, b.w - 16, false);
}

static void paint_words(mli_paper *p, const mli_plot *plot)
{
    mli_box b = plot->box;
    mli_ink(p, p->theme->ink, 1);
    mli_text_draw(p, mli_font_title, plot->title, b.x, b.y - TITLE_GAP, 0, 1, plot->cell_to - b.x, false);
    mli_ink(p, p->theme->quiet, 1);
    double under = b.y + b.h + TICK_GAP + mli_text_height(p, mli_font_tick);
    mli_text_draw(p, mli_font_label, plot->panel->xlabel, b.x + b.w / 2, under, 0.5, 0, b.w, false);
    mli_text_draw(p, mli_font_label, plot->panel->ylabel, plot->cell_from, b.y + b.h / 2, 0.5, 0, b.h, true);
}

static bool paint_panel(mli_paper *p, mli_plot *plot)
{
    bool ok = true;
    if (plot->panel->kind == MLI_LINES) mli_lines_paint(p, plot);
    if (plot->panel->kind == MLI_HEATMAP) ok = mli_heatmap_paint(p, plot);
    if (!p->bare) paint_words(p, plot);
    return ok;
}

/* --- the grid --------------------------------------------------------------------------------- */
typedef struct cell_size {
    double w, h, gap;
} cell_size;

static bool row_has(const mli_view *v, const mli_plot *plots, int row, bool xlabel)
{
    for (int c = 0; c < v->cols; c++) {
        const mli_plot *plot = &plots[row * v->cols + c];
        if ((xlabel ? plot->panel->xlabel : plot->title)[0]) return true;
    }
    return false;
}

/* Heights come from the words of the row; then the y axes are known, and with them the widths of their labels. */
static void lay_row(mli_paper *p, mli_plot *plots, int row, mli_box page, cell_size cells)
{
    const mli_view *v      = p->view;
    double          top = 0, bottom = 0;
    if (!p->bare) {
        top    = row_has(v, plots, row, false) ? mli_text_height(p, mli_font_title) + TITLE_GAP : 6;
        bottom = mli_text_height(p, mli_font_tick) + TICK_GAP;
        if (row_has(v, plots, row, true)) bottom += mli_text_height(p, mli_font_label);
    }
    for (int c = 0; c < v->cols; c++) {
        mli_plot *plot = &plots[row * v->cols + c];
        plot->box.y    = page.y + row * (cells.h + cells.gap) + top;
        plot->box.h    = cells.h - top - bottom;
        plot->y.from   = plot->box.y + plot->box.h;
        plot->y.to     = plot->box.y;
        if (plot->panel->kind == MLI_LINES) mli_lines_ranges(p, plot);
        if (plot->panel->kind == MLI_HEATMAP) mli_heatmap_ranges(plot);
    }
}

static void lay_column(mli_paper *p, mli_plot *plots, int column, mli_box page, cell_size cells)
{
    const mli_view *v    = p->view;
    double          left = 0;
    for (int r = 0; r < v->rows && !p->bare; r++) {
        const mli_plot *plot = &plots[r * v->cols + column];
        if (plot->panel->kind == MLI_EMPTY) continue;
        double label = plot->panel->ylabel[0] ? mli_text_height(p, mli_font_label) + LABEL_GAP : 0;
        left         = fmax(left, mli_axis_label_width(p, &plot->y) + TICK_GAP + label);
    }
    left = fmin(left, cells.w / 2);
    for (int r = 0; r < v->rows; r++) {
        mli_plot *plot  = &plots[r * v->cols + column];
        plot->cell_from = page.x + column * (cells.w + cells.gap);
        plot->cell_to   = plot->cell_from + cells.w + (column + 1 < v->cols ? cells.gap / 2 : EDGE / 2);
        plot->box.x     = plot->cell_from + left;
        plot->box.w     = cells.w - left;
    }
}

static bool paint_grid(mli_paper *p, mli_box page, mli_plot *plots)
{
    const mli_view *v   = p->view;
    double          gap = p->bare ? BARE_GAP : GAP;
    cell_size cells = { (page.w - gap * (v->cols - 1)) / v->cols, (page.h - gap * (v->rows - 1)) / v->rows,
                        gap };
    if (cells.w < 2 || cells.h < 2) return true; /* less than a pixel or two a panel: a blank page */
    for (int i = 0; i < v->rows * v->cols; i++) {
        plots[i].panel = &v->panels[i];
        plots[i].title = title_of(v, &v->panels[i]);
    }
    for (int r = 0; r < v->rows; r++) lay_row(p, plots, r, page, cells);
    for (int c = 0; c < v->cols; c++) lay_column(p, plots, c, page, cells);
    bool ok = true;
    for (int i = 0; i < v->rows * v->cols && ok; i++) ok = paint_panel(p, &plots[i]);
    return ok;
}

/* --- the page --------------------------------------------------------------------------------- */
static PangoLayout *make_layout(cairo_t *cr)
{
    PangoLayout          *layout = pango_cairo_create_layout(cr);
    cairo_font_options_t *options = cairo_font_options_create(); /* the same letters on every kind of surface */
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(pango_layout_get_context(layout), options);
    cairo_font_options_destroy(options);
    pango_layout_context_changed(layout);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    return layout;
}

static void paint_notice(mli_paper *p, const char *notice, double width, double height)
{
    double h = mli_text_height(p, mli_font_label) + 10, room = width - 40;
    double w = fmin(mli_text_width(p, mli_font_label, notice), room) + 20;
    double x = width - w - 8, y = height - h - 8;
    mli_ink(p, p->theme->ink, 0.9);
    cairo_rectangle(p->cr, x, y, w, h);
    cairo_fill(p->cr);
    mli_ink(p, p->theme->paper, 1);
    mli_text_draw(p, mli_font_label, notice, x + 10, y + h / 2, 0, 0.5, room, false);
}

static double title_height(mli_paper *p)
{
    return p->view->title[0] && !p->bare ? mli_text_height(p, mli_font_figure) + 12 : 0;
}

/* How large everything is drawn, so that small panels stay readable; sets whether there are words at all. */
static double choose_scale(mli_paper *p, double width, double height)
{
    const mli_view *v     = p->view;
    double          w     = (width - 2 * EDGE - GAP * (v->cols - 1)) / v->cols;
    double          h     = (height - 2 * EDGE - title_height(p) - GAP * (v->rows - 1)) / v->rows;
    double          scale = fmin(fmin(w / COMFORT_W, h / COMFORT_H), 1);
    p->bare               = scale < SMALLEST && (w < BARE_W || h < BARE_H);
    return p->bare ? 1 : fmax(scale, SMALLEST);
}

bool mli_paint(cairo_t *cr, const mli_view *view, const mli_page *page)
{
    size_t    bytes = (size_t)(view->rows * view->cols) * sizeof(mli_plot);
    mli_plot *plots = ml_realloc(NULL, 0, bytes);
    if (!plots) return false;
    memset(plots, 0, bytes);
    mli_paper paper = {
        .cr     = cr,
        .layout = make_layout(cr),
        .theme  = mli_theme_of(page->theme == ML_THEME_DEFAULT ? view->theme : page->theme),
        .view   = view,
    };
    double scale = choose_scale(&paper, page->width, page->height);
    double width = page->width / scale, height = page->height / scale;
    paper.density = page->density * scale;
    cairo_scale(cr, scale, scale);
    pango_cairo_update_layout(cr, paper.layout);

    mli_ink(&paper, paper.theme->paper, 1);
    cairo_paint(cr);

    double  edge = paper.bare ? BARE_EDGE : EDGE;
    mli_box area = { edge, edge, width - 2 * edge, height - 2 * edge };
    double  used = title_height(&paper);
    if (used > 0) {
        mli_ink(&paper, paper.theme->ink, 1);
        mli_text_draw(&paper, mli_font_figure, view->title, area.x, area.y, 0, 0, area.w, false);
        area.y += used, area.h -= used;
    }
    bool ok = paint_grid(&paper, area, plots);
    if (ok && page->notice) paint_notice(&paper, page->notice, width, height);
    g_object_unref(paper.layout);
    ml_realloc(plots, bytes, 0);
    cairo_status_t status = cairo_status(cr);
    if (ok && status != CAIRO_STATUS_SUCCESS)
        return ml_fail("figure: drawing failed: %s", cairo_status_to_string(status));
    return ok;
}
