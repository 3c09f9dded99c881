/* The page: titles, a grid of panels, and margins that line up. Panels that begin in one column share the width of their
 * labels, panels in one row the height of their titles, so that axes stand in line. A column of panels that keep their shape is no
 * wider than they are. */
#include "figure/mark.h"

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

/* --- shared by all ----------------------------------------------------------------------------- */
void mli_ink(mli_paper *p, mli_colour c, double alpha)
{
    cairo_set_source_rgba(p->cr, c.r, c.g, c.b, alpha);
}

double mli_snap(const mli_paper *p, double at)
{
    return (floor(at * p->density) + 0.5) / p->density;
}

static double on_pixel(const mli_paper *p, double at)
{
    return round(at * p->density) / p->density;
}

mli_box mli_on_pixels(const mli_paper *p, mli_box b)
{
    double x = on_pixel(p, b.x), y = on_pixel(p, b.y);
    return (mli_box){ x, y, fmax(on_pixel(p, b.x + b.w) - x, 1 / p->density),
                      fmax(on_pixel(p, b.y + b.h) - y, 1 / p->density) };
}

/* --- what is on the page ------------------------------------------------------------------------ */
typedef struct page {
    int        rows, cols, n;
    mli_plot  *plots;
    mli_stage *stages;
    size_t     plot_bytes, stage_bytes;
    mli_box    area;
    double     cell_w, cell_h, gap;
    double     at[ML_FIGURE_SIDE], wide[ML_FIGURE_SIDE]; /* of the columns */
} page;

/* A single curve in a panel without a title is its title. */
static const char *title_of(const mli_view *view, const mli_panel *panel)
{
    const mli_mark *curve = NULL;
    if (panel->title[0] || panel->label[MLI_Y][0]) return panel->title;
    for (int i = 0; i < panel->n_marks; i++) {
        if (panel->marks[i]->series < 0 && mli_mark_kind_of(panel->marks[i])->plain) continue;
        if (curve || panel->marks[i]->series < 0) return panel->title;
        curve = panel->marks[i];
    }
    return curve ? view->series[curve->series].name : panel->title;
}

static void add_plot(mli_paper *p, page *pg, int index, mli_stage **next)
{
    const mli_panel *panel = &p->view->panels[index];
    mli_plot        *plot  = &pg->plots[pg->n++];
    plot->panel            = panel;
    plot->index            = index;
    plot->title            = title_of(p->view, panel);
    plot->stages           = *next;
    plot->n_stages         = panel->n_marks;
    plot->x_numbers = plot->y_numbers = true;
    for (int i = 0; i < panel->n_marks; i++) {
        const mli_mark *mark = panel->marks[i];
        *(*next)++           = (mli_stage){
                      .p = p, .plot = plot, .mark = mark, .kind = mli_mark_kind_of(mark), .hidden = mli_is_hidden(p->look, mark)
        };
    }
}

static bool page_make(mli_paper *p, page *pg)
{
    const mli_view *v     = p->view;
    int             alone = p->look->alone;
    size_t          marks = 0;
    if (alone < 0 || alone > v->n_panels) alone = 0;
    for (int i = 0; i < v->n_panels; i++) marks += (size_t)v->panels[i].n_marks;
    pg->rows        = alone ? 1 : v->rows;
    pg->cols        = alone ? 1 : v->cols;
    pg->plot_bytes  = (size_t)v->n_panels * sizeof *pg->plots;
    pg->stage_bytes = (marks + 1) * sizeof *pg->stages;
    pg->plots       = ml_realloc(NULL, 0, pg->plot_bytes);
    pg->stages      = pg->plots ? ml_realloc(NULL, 0, pg->stage_bytes) : NULL;
    if (!pg->stages) return false;
    memset(pg->plots, 0, pg->plot_bytes);
    mli_stage *next = pg->stages;
    for (int i = 0; i < v->n_panels; i++)
        if (!alone || i == alone - 1) add_plot(p, pg, i, &next);
    return true;
}

static void page_drop(page *pg)
{
    if (pg->stages) ml_realloc(pg->stages, pg->stage_bytes, 0);
    if (pg->plots) ml_realloc(pg->plots, pg->plot_bytes, 0);
}

/* --- cells ------------------------------------------------------------------------------------------ */
static bool is_single(const page *pg)
{
    return pg->rows == 1 && pg->cols == 1;
}

static int row_of(const page *pg, const mli_plot *plot)
{
    return is_single(pg) ? 0 : plot->panel->row;
}
static int col_of(const page *pg, const mli_plot *plot)
{
    return is_single(pg) ? 0 : plot->panel->col;
}
static int last_row(const page *pg, const mli_plot *plot)
{
    return is_single(pg) ? 0 : plot->panel->row + plot->panel->n_rows - 1;
}
static int last_col(const page *pg, const mli_plot *plot)
{
    return is_single(pg) ? 0 : plot->panel->col + plot->panel->n_cols - 1;
}

static bool same_cols(const page *pg, const mli_plot *a, const mli_plot *b)
{
    return col_of(pg, a) == col_of(pg, b) && last_col(pg, a) == last_col(pg, b);
}
static bool same_rows(const page *pg, const mli_plot *a, const mli_plot *b)
{
    return row_of(pg, a) == row_of(pg, b) && last_row(pg, a) == last_row(pg, b);
}

/* --- ranges, shared where the figure says so ------------------------------------------------------------ */
static mli_range range_of(const mli_plot *plot, int axis)
{
    mli_range r = axis == MLI_X ? plot->reach[0].x : plot->reach[axis - MLI_Y].y;
    if (axis == MLI_X) mli_range_join(&r, &plot->reach[1].x);
    return r;
}

static void choose_ranges(mli_paper *p, page *pg)
{
    const mli_view *v = p->view;
    for (int i = 0; i < pg->n; i++) mli_plot_prepare(p, &pg->plots[i]);
    for (int i = 0; i < pg->n; i++) {
        mli_plot *plot = &pg->plots[i];
        for (int axis = MLI_X; axis < MLI_AXES; axis++) {
            mli_range r = range_of(plot, axis);
            bool shared = plot->frame == MLI_FRAME_AXES && (axis == MLI_X ? v->share_x : axis == MLI_Y && v->share_y);
            for (int k = 0; k < pg->n && shared; k++) {
                const mli_plot *other = &pg->plots[k];
                if (k == i || other->frame != MLI_FRAME_AXES || !other->n_stages) continue;
                if (!(axis == MLI_X ? same_cols(pg, plot, other) : same_rows(pg, plot, other))) continue;
                mli_range theirs = range_of(other, axis);
                mli_range_join(&r, &theirs);
                if (axis == MLI_X && row_of(pg, other) > row_of(pg, plot)) plot->x_numbers = false;
                if (axis == MLI_Y && col_of(pg, other) < col_of(pg, plot)) plot->y_numbers = false;
            }
            mli_plot_ranges(plot, axis, &r);
        }
    }
}

/* --- margins ------------------------------------------------------------------------------------------- */
static void lay_rows(mli_paper *p, page *pg)
{
    double top[ML_FIGURE_SIDE] = { 0 }, bottom[ML_FIGURE_SIDE] = { 0 };
    for (int i = 0; i < pg->n && !p->bare; i++) {
        const mli_plot *plot  = &pg->plots[i];
        double          above = plot->title[0] ? mli_text_height(p, mli_font_title) + TITLE_GAP : 6, below = 0;
        bool            label = plot->panel->label[MLI_X][0] && plot->x_numbers;
        if (plot->n_stages && plot->frame != MLI_FRAME_NONE)
            below = TICK_GAP + (plot->x_numbers ? mli_text_height(p, mli_font_tick) : 0);
        if (label) below += mli_text_height(p, mli_font_label) + (plot->frame == MLI_FRAME_NONE ? 4 : 0);
        int first = row_of(pg, plot), last = last_row(pg, plot);
        top[first]   = fmax(top[first], above);
        bottom[last] = fmax(bottom[last], below);
    }
    for (int i = 0; i < pg->n; i++) {
        mli_plot *plot  = &pg->plots[i];
        int       first = row_of(pg, plot), last = last_row(pg, plot);
        plot->box.y = pg->area.y + first * (pg->cell_h + pg->gap) + top[first];
        plot->box.h = pg->area.y + last * (pg->cell_h + pg->gap) + pg->cell_h - bottom[last] - plot->box.y;
    }
}

/* What columns of panels that keep their shape would leave empty goes to the other columns; without those all are as wide. */
static void choose_widths(mli_paper *p, page *pg, const double *left)
{
    double wish[ML_FIGURE_SIDE] = { 0 }, spare = 0, at = pg->area.x;
    int    others               = 0;
    for (int i = 0; i < pg->n; i++) {
        const mli_plot *plot  = &pg->plots[i];
        int             first = col_of(pg, plot), last = last_col(pg, plot);
        for (int c = first; c <= last; c++)
            wish[c] = fmax(wish[c], first == last ? mli_plot_wish(p, plot, left[c], pg->cell_w) : pg->cell_w);
    }
    for (int c = 0; c < pg->cols; c++) {
        if (wish[c] > 0 && wish[c] < pg->cell_w)
            spare += pg->cell_w - wish[c];
        else
            wish[c] = pg->cell_w, others++;
    }
    for (int c = 0; c < pg->cols; c++, at += pg->gap) {
        pg->at[c]   = at;
        pg->wide[c] = !others ? pg->cell_w : wish[c] < pg->cell_w ? wish[c] : pg->cell_w + spare / others;
        at += pg->wide[c];
    }
}

static void lay_columns(mli_paper *p, page *pg)
{
    double left[ML_FIGURE_SIDE] = { 0 }, right[ML_FIGURE_SIDE] = { 0 };
    for (int i = 0; i < pg->n; i++) {
        mli_plot *plot = &pg->plots[i];
        mli_plot_sides(p, plot);
        int first = col_of(pg, plot), last = last_col(pg, plot);
        if (mli_plot_aligned(plot)) left[first] = fmax(left[first], fmin(plot->left, pg->cell_w / 2));
        right[last] = fmax(right[last], plot->right);
    }
    choose_widths(p, pg, left);
    for (int i = 0; i < pg->n; i++) {
        mli_plot *plot  = &pg->plots[i];
        int       first = col_of(pg, plot), last = last_col(pg, plot);
        double    end   = pg->at[last] + pg->wide[last];
        plot->cell_from = pg->at[first];
        plot->cell_to   = end + (last + 1 < pg->cols ? pg->gap / 2 : EDGE / 2);
        plot->box.x     = plot->cell_from + (mli_plot_aligned(plot) ? left[first] : 0);
        plot->box.w     = end - plot->box.x;
        /* panels over one x axis end in one place too */
        if (p->view->share_x && plot->frame == MLI_FRAME_AXES && right[last] < 0.6 * plot->box.w) {
            plot->box.w -= right[last] - plot->right;
        }
    }
}

static bool paint_grid(mli_paper *p, page *pg)
{
    pg->gap    = p->bare ? BARE_GAP : GAP;
    pg->cell_w = (pg->area.w - pg->gap * (pg->cols - 1)) / pg->cols;
    pg->cell_h = (pg->area.h - pg->gap * (pg->rows - 1)) / pg->rows;
    if (pg->cell_w < 2 || pg->cell_h < 2) return true; /* less than a pixel or two a panel: a blank page */
    choose_ranges(p, pg);
    lay_rows(p, pg);
    lay_columns(p, pg);
    bool ok = true;
    for (int i = 0; i < pg->n && ok; i++) ok = mli_plot_paint(p, &pg->plots[i]);
    return ok;
}

/* --- the page --------------------------------------------------------------------------------- */
PangoLayout *mli_layout_make(cairo_t *cr)
{
    PangoLayout          *layout  = pango_cairo_create_layout(cr);
    cairo_font_options_t *options = cairo_font_options_create(); /* the same letters on every kind of surface */
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(pango_layout_get_context(layout), options);
    cairo_font_options_destroy(options);
    pango_layout_context_changed(layout);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_auto_dir(layout, FALSE); /* words from right to left begin where others do */
    return layout;
}

static double title_height(mli_paper *p)
{
    return p->view->title[0] && !p->bare ? mli_text_height(p, mli_font_figure) + 12 : 0;
}

/* How large everything is drawn, so that small panels stay readable; sets whether there are words at all. */
static double choose_scale(mli_paper *p, const page *pg, double width, double height)
{
    double w     = (width - 2 * EDGE - GAP * (pg->cols - 1)) / pg->cols;
    double h     = (height - 2 * EDGE - title_height(p) - GAP * (pg->rows - 1)) / pg->rows;
    double scale = fmin(fmin(w / COMFORT_W, h / COMFORT_H), 1);
    p->bare      = scale < SMALLEST && (w < BARE_W || h < BARE_H);
    return p->bare ? 1 : fmax(scale, SMALLEST);
}

static bool paint_page(mli_paper *p, page *pg, const mli_page *asked)
{
    double scale = choose_scale(p, pg, asked->width, asked->height);
    double width = asked->width / scale, height = asked->height / scale;
    p->density = asked->density * scale;
    cairo_scale(p->cr, scale, scale);
    pango_cairo_update_layout(p->cr, p->layout);
    p->n_measures = 0;
    if (p->seen) p->seen->scale = scale;

    mli_ink(p, p->style->paper, 1);
    cairo_paint(p->cr);

    double edge = p->bare ? BARE_EDGE : EDGE, used = title_height(p);
    pg->area = (mli_box){ edge, edge, width - 2 * edge, height - 2 * edge };
    if (used > 0) {
        mli_ink(p, p->style->ink, 1);
        mli_text_draw(p, mli_font_figure, p->view->title, pg->area.x, pg->area.y, 0, 0, pg->area.w, false);
        pg->area.y += used, pg->area.h -= used;
    }
    return paint_grid(p, pg);
}

bool mli_paint(cairo_t *cr, const mli_view *view, const mli_page *asked)
{
    static const mli_look plain;
    mli_averages          own   = { 0 };
    page                  pg    = { 0 };
    mli_paper             paper = {
                    .cr    = cr,
                    .style = mli_style_of(asked->style == ML_STYLE_DEFAULT ? view->style : asked->style),
                    .view  = view,
                    .look  = asked->look ? asked->look : &plain,
                    .seen  = asked->seen,
                    .averages = asked->averages ? asked->averages : &own,
    };
    if (paper.seen) {
        memset(paper.seen, 0, sizeof *paper.seen);
        paper.seen->n_panels = view->n_panels;
    }
    bool ok = page_make(&paper, &pg);
    if (ok) {
        paper.layout = mli_layout_make(cr);
        ok           = paint_page(&paper, &pg, asked);
        g_object_unref(paper.layout);
    }
    page_drop(&pg);
    mli_mask_free(&paper.mask);
    mli_averages_sweep(paper.averages);
    mli_averages_free(&own);
    cairo_status_t status = cairo_status(cr);
    if (ok && status != CAIRO_STATUS_SUCCESS)
        return ml_fail("figure: drawing failed: %s", cairo_status_to_string(status));
    return ok;
}
