/* One panel: which axes its marks need, how wide what stands beside them is, and then all of it in its box. */
#include "figure/mark.h"

#include <string.h>

#define TITLE_GAP 8 /* under a title */
#define TICK_GAP  8 /* from an axis to the end of its labels, with the ticks */
#define LABEL_GAP 4
#define BAR_WIDTH 10
#define BAR_GAP   10
#define THIN      0.6 /* cells that would leave more of a panel empty are not square */

/* --- what the marks want --------------------------------------------------------------------------- */
static bool is_empty(const mli_stage *s)
{
    const mli_series *series = mli_series_of(s);
    return series ? series->n == 0 : !mli_has_data(s->mark);
}

static void choose_frame(mli_plot *plot)
{
    int asked[4] = { 0 };
    for (int i = 0; i < plot->n_stages; i++) asked[plot->stages[i].kind->frame]++;
    plot->frame = asked[MLI_FRAME_CELLS]  ? MLI_FRAME_CELLS
                  : asked[MLI_FRAME_AXES] ? MLI_FRAME_AXES
                  : asked[MLI_FRAME_NONE] ? MLI_FRAME_NONE
                                          : MLI_FRAME_AXES;
    plot->equal = plot->panel->equal;
    for (int i = 0; i < plot->n_stages && plot->frame == MLI_FRAME_CELLS; i++) {
        const mli_value *stretch = mli_option(plot->stages[i].mark, "stretch");
        plot->equal |= plot->stages[i].kind->frame == MLI_FRAME_CELLS && stretch && stretch->number[0] == 0;
    }
}

static ml_scale scale_of(const mli_paper *p, const mli_plot *plot, int axis)
{
    ml_scale scale = p->look->panel[plot->index].scale[axis];
    if (!scale) scale = plot->panel->scale[axis];
    return plot->frame == MLI_FRAME_AXES && scale ? scale : ML_SCALE_LINEAR;
}

/* NULL = from the data */
static const double *ends_of(const mli_paper *p, const mli_plot *plot, int axis)
{
    const double *seen = p->look->panel[plot->index].range[axis], *lim = plot->panel->lim[axis];
    return seen[0] != seen[1] ? seen : lim[0] != lim[1] ? lim : NULL;
}

void mli_plot_prepare(mli_paper *p, mli_plot *plot)
{
    choose_frame(plot);
    for (int side = 0; side < 2; side++)
        plot->reach[side] = (mli_reach){ MLI_NOTHING, MLI_NOTHING, scale_of(p, plot, MLI_X),
                                         scale_of(p, plot, MLI_Y + side), ends_of(p, plot, MLI_X) };
    int place = 0;
    for (int i = 0; i < plot->n_stages; i++) {
        mli_stage *s     = &plot->stages[i];
        bool       right = mli_opt_flag(s->mark, "right") && plot->frame == MLI_FRAME_AXES;
        bool       empty = is_empty(s);
        s->place         = place;
        plot->has_y2 |= right;
        if (!s->kind->plain) place += s->kind->colours && !empty ? s->kind->colours(s) : 1;
        if (empty || s->hidden) continue;
        if (s->kind->reach) s->kind->reach(s, &plot->reach[right]);
        if (!plot->has_bar && s->kind->shades) plot->has_bar = s->kind->shades(s, &plot->shades);
    }
    if (!plot->has_bar || p->bare) return;
    mli_range r = { plot->shades.low, plot->shades.high, INFINITY, true, false };
    mli_axis_range(&plot->bar, ML_SCALE_LINEAR, &r, NULL, 0);
}

void mli_plot_ranges(mli_plot *plot, int axis, const mli_range *r)
{
    const mli_paper *p      = plot->n_stages ? plot->stages[0].p : NULL;
    double           margin = plot->frame == MLI_FRAME_NONE ? 0.08 : axis == MLI_X ? 0.02 : 0.05;
    ml_scale         scale  = p ? scale_of(p, plot, axis) : plot->panel->scale[axis];
    mli_axis_range(&plot->axis[axis], scale, r, p ? ends_of(p, plot, axis) : plot->panel->lim[axis], margin);
}

bool mli_plot_aligned(const mli_plot *plot)
{
    return plot->n_stages > 0 && plot->frame != MLI_FRAME_NONE;
}

static bool counts_nothing(const mli_plot *plot) /* cells that are not there yet have no numbers */
{
    for (int i = 0; i < plot->n_stages; i++)
        if (!is_empty(&plot->stages[i])) return false;
    return plot->frame == MLI_FRAME_CELLS;
}

static double y2_width(mli_paper *p, const mli_plot *plot)
{
    if (!plot->has_y2) return 0;
    double label = plot->panel->label[MLI_Y2][0] ? mli_text_height(p, mli_font_label) + LABEL_GAP : 0;
    return TICK_GAP + mli_axis_label_width(p, &plot->axis[MLI_Y2]) + label;
}

void mli_plot_sides(mli_paper *p, mli_plot *plot)
{
    plot->left = plot->right = 0;
    if (!mli_plot_aligned(plot) && !plot->has_bar) return;
    double h    = plot->box.h;
    bool   cell = plot->frame == MLI_FRAME_CELLS;
    if (mli_plot_aligned(plot) && !counts_nothing(plot))
        mli_axis_ticks(&plot->axis[MLI_Y], (int)fmin(fmax(h / (cell ? 34 : 42), 2), 12), cell ? 1 : 0);
    if (plot->has_y2) mli_axis_ticks(&plot->axis[MLI_Y2], (int)fmin(fmax(h / 42, 2), 12), 0);
    if (plot->has_bar) mli_axis_ticks(&plot->bar, (int)fmin(fmax(h / 40, 2), 10), 0);
    if (p->bare) return;
    if (mli_plot_aligned(plot)) {
        double label =
            plot->panel->label[MLI_Y][0] && plot->y_numbers ? mli_text_height(p, mli_font_label) + LABEL_GAP : 0;
        plot->left = TICK_GAP + label + (plot->y_numbers ? mli_axis_label_width(p, &plot->axis[MLI_Y]) : 0);
    }
    plot->right = y2_width(p, plot);
    if (plot->has_bar) plot->right += BAR_GAP + BAR_WIDTH + TICK_GAP + mli_axis_label_width(p, &plot->bar);
}

/* --- the box -------------------------------------------------------------------------------------------- */
static void set_rulers(mli_plot *plot)
{
    mli_box b    = plot->box;
    bool    down = plot->frame == MLI_FRAME_CELLS;
    mli_ruler_set(&plot->axis[MLI_X].ruler, b.x, b.x + b.w);
    for (int y = MLI_Y; y <= MLI_Y2; y++)
        mli_ruler_set(&plot->axis[y].ruler, down ? b.y : b.y + b.h, down ? b.y + b.h : b.y);
    for (int i = 0; i < plot->n_stages; i++) {
        mli_stage *s     = &plot->stages[i];
        bool       right = plot->has_y2 && mli_opt_flag(s->mark, "right");
        s->box           = b;
        s->x             = plot->axis[MLI_X].ruler;
        s->y             = plot->axis[right ? MLI_Y2 : MLI_Y].ruler;
    }
}

/* A unit of x as long as one of y; of cells only when they then fill most of the panel. */
static mli_box fit_equal(const mli_plot *plot)
{
    mli_box          b = plot->box;
    const mli_ruler *x = &plot->axis[MLI_X].ruler, *y = &plot->axis[MLI_Y].ruler;
    double           dx = x->high - x->low, dy = y->high - y->low;
    double           unit = fmin(b.w / dx, b.h / dy), w = unit * dx, h = unit * dy;
    if (plot->frame == MLI_FRAME_CELLS && w * h < THIN * b.w * b.h) return b;
    return (mli_box){ b.x, b.y, fmax(w, 1), fmax(h, 1) }; /* at the top, so that titles stand in line */
}

static mli_box shaped(const mli_plot *plot)
{
    bool linear = plot->axis[MLI_X].ruler.scale == ML_SCALE_LINEAR && plot->axis[MLI_Y].ruler.scale == ML_SCALE_LINEAR;
    return plot->equal && linear && plot->frame != MLI_FRAME_NONE && !counts_nothing(plot) ? fit_equal(plot) : plot->box;
}

static void shape_box(mli_paper *p, mli_plot *plot)
{
    double wide = plot->box.w;
    plot->box   = shaped(plot);
    plot->spare = wide - plot->box.w;
    if (plot->frame == MLI_FRAME_CELLS) plot->box = mli_on_pixels(p, plot->box);
}

double mli_plot_wish(mli_paper *p, const mli_plot *plot, double left, double room)
{
    mli_plot as = *plot; /* with all the room that there is */
    as.box.w    = room - left - plot->right;
    double w    = as.box.w > 1 ? shaped(&as).w : as.box.w;
    if (p->bare || w >= as.box.w) return room;
    double title = mli_text_width(p, mli_font_title, plot->title);
    return fmin(left + fmax(w + plot->right + mli_legend_width(p, plot), title), room);
}

/* --- painting ------------------------------------------------------------------------------------------ */
static void plot_says(mli_paper *p, const mli_plot *plot, const char *text)
{
    mli_box b = plot->box;
    mli_ink(p, p->style->quiet, 0.8);
    mli_text_draw(p, mli_font_label, text, b.x + b.w / 2, b.y + b.h / 2, 0.5, 0.5, b.w - 16, false);
}

static void say_why_empty(mli_paper *p, const mli_plot *plot)
{
    bool any = false, hidden = plot->n_stages > 0, log = false, fixed = false;
    for (int i = 0; i < plot->n_stages; i++) {
        any |= !is_empty(&plot->stages[i]);
        hidden &= plot->stages[i].hidden;
    }
    for (int a = MLI_X; a <= MLI_Y; a++) {
        log |= scale_of(p, plot, a) == ML_SCALE_LOG;
        fixed |= ends_of(p, plot, a) != NULL;
    }
    plot_says(p, plot,
              hidden  ? "hidden"
              : !any  ? "no data yet"
              : fixed ? "no points within the limits"
              : log   ? "no finite points, or none above 0"
                      : "no finite points");
}

static void paint_grid_lines(mli_paper *p, const mli_plot *plot)
{
    mli_box         b = plot->box;
    const mli_axis *x = &plot->axis[MLI_X], *y = &plot->axis[MLI_Y];
    mli_ink(p, p->style->grid, 1);
    cairo_set_line_width(p->cr, 0.8);
    cairo_set_line_cap(p->cr, CAIRO_LINE_CAP_BUTT);
    cairo_set_dash(p->cr, NULL, 0, 0);
    for (int i = 0; i < x->n_ticks && !plot->x_names; i++) {
        double at = mli_ruler_at(&x->ruler, x->ticks[i].at);
        if (!x->ticks[i].major || at < b.x - 0.5 || at > b.x + b.w + 0.5) continue;
        cairo_move_to(p->cr, mli_snap(p, at), b.y);
        cairo_line_to(p->cr, mli_snap(p, at), b.y + b.h);
    }
    for (int i = 0; i < y->n_ticks; i++) {
        double at = mli_ruler_at(&y->ruler, y->ticks[i].at);
        if (!y->ticks[i].major || at < b.y - 0.5 || at > b.y + b.h + 0.5) continue;
        cairo_move_to(p->cr, b.x, mli_snap(p, at));
        cairo_line_to(p->cr, b.x + b.w, mli_snap(p, at));
    }
    cairo_stroke(p->cr);
}

/* Draws, or with busy only notes where something will be; there hidden marks count too, as a legend that went elsewhere when
 * a name in it is clicked would run away from the pointer. False when memory is refused. */
static bool paint_marks(mli_plot *plot, mli_busy *busy, int64_t *touched)
{
    *touched = 0;
    for (int i = 0; i < plot->n_stages; i++) {
        mli_stage *s = &plot->stages[i];
        s->busy      = busy;
        s->touched   = 0;
        if ((s->hidden && !busy) || is_empty(s)) continue;
        if (!s->kind->paint(s)) return false;
        *touched += s->touched;
    }
    return true;
}

static bool paint_bar(mli_paper *p, mli_plot *plot)
{
    mli_picture pic;
    double      x   = plot->box.x + plot->box.w + y2_width(p, plot) + BAR_GAP;
    mli_box     box = mli_on_pixels(p, (mli_box){ x, plot->box.y, BAR_WIDTH, plot->box.h });
    if (!mli_picture_new(&pic, 1, (int)lround(box.h * p->density))) return false;
    for (int y = 0; y < pic.h; y++)
        pic.pixels[y] = plot->shades.at[(int)((1 - (y + 0.5) / pic.h) * (MLI_SHADES - 1) + 0.5)];
    mli_picture_show(p, &pic, box, 1);
    mli_ruler_set(&plot->bar.ruler, box.y + box.h, box.y);
    mli_axis_draw_y(p, &plot->bar, box, true, true);
    return true;
}

static void paint_words(mli_paper *p, const mli_plot *plot)
{
    const mli_panel *panel = plot->panel;
    mli_box          b     = plot->box;
    mli_ink(p, p->style->ink, 1);
    mli_text_draw(p, mli_font_title, plot->title, b.x, b.y - TITLE_GAP, 0, 1, plot->cell_to - b.x, false);
    mli_ink(p, p->style->quiet, 1);
    double under =
        b.y + b.h + (plot->frame == MLI_FRAME_NONE ? LABEL_GAP : TICK_GAP + mli_text_height(p, mli_font_tick));
    if (plot->x_numbers)
        mli_text_draw(p, mli_font_label, panel->label[MLI_X], b.x + b.w / 2, under, 0.5, 0, b.w, false);
    if (plot->y_numbers)
        mli_text_draw(p, mli_font_label, panel->label[MLI_Y], plot->cell_from, b.y + b.h / 2, 0.5, 0, b.h, true);
    if (!plot->has_y2) return;
    double at = b.x + b.w + y2_width(p, plot) - mli_text_height(p, mli_font_label);
    mli_text_draw(p, mli_font_label, panel->label[MLI_Y2], at, b.y + b.h / 2, 0.5, 0, b.h, true);
}

static void paint_axes(mli_paper *p, mli_plot *plot)
{
    mli_box b = plot->box;
    if (plot->frame == MLI_FRAME_NONE) return;
    if (counts_nothing(plot)) {
        mli_ink(p, p->style->grid, 1);
        cairo_set_line_width(p->cr, 0.8);
        cairo_rectangle(p->cr, mli_snap(p, b.x), mli_snap(p, b.y), b.w, b.h);
        cairo_stroke(p->cr);
        return;
    }
    mli_axis_draw_x(p, &plot->axis[MLI_X], b, plot->cell_from, plot->cell_to, plot->x_numbers);
    mli_axis_draw_y(p, &plot->axis[MLI_Y], b, false, plot->y_numbers);
    if (plot->has_y2) mli_axis_draw_y(p, &plot->axis[MLI_Y2], b, true, true);
}

static void tell(const mli_paper *p, const mli_plot *plot)
{
    if (!p->seen) return;
    mli_seen_panel *seen = &p->seen->panel[plot->index];
    seen->box            = plot->box;
    for (int i = 0; i < MLI_AXES; i++) seen->ruler[i] = plot->axis[i].ruler;
    seen->has[MLI_X] = seen->has[MLI_Y] = mli_plot_aligned(plot);
    seen->has[MLI_Y2]                   = plot->has_y2;
    for (int i = 0; i < plot->n_stages && p->seen->n_marks < MLI_SEEN_MARKS; i++) {
        const mli_stage *s     = &plot->stages[i];
        bool             right = plot->has_y2 && mli_opt_flag(s->mark, "right");
        if (s->hidden) continue;
        p->seen->mark[p->seen->n_marks++] = (mli_seen_mark){ s->mark->id, plot->index, right, mli_stage_colour(s, 0) };
    }
}

/* Names that would touch are left out, evenly. */
static void thin_names(mli_paper *p, mli_axis *axis)
{
    double widest = 0, apart = INFINITY;
    for (int i = 0; i < axis->n_ticks; i++) {
        widest = fmax(widest, mli_text_width(p, mli_font_tick, axis->ticks[i].label));
        if (i)
            apart = fmin(apart, fabs(mli_ruler_at(&axis->ruler, axis->ticks[i].at) -
                                     mli_ruler_at(&axis->ruler, axis->ticks[i - 1].at)));
    }
    int each = apart > 0 && isfinite(apart) ? (int)ceil((widest + 6) / apart) : 1;
    for (int i = 0; i < axis->n_ticks; i++) axis->ticks[i].major = i % (each < 1 ? 1 : each) == 0;
}

static void choose_x_ticks(mli_paper *p, mli_plot *plot)
{
    if (plot->frame == MLI_FRAME_NONE || counts_nothing(plot)) return;
    mli_axis *x = &plot->axis[MLI_X];
    x->n_ticks  = 0;
    for (int i = 0; i < plot->n_stages && !x->n_ticks; i++) {
        const mli_stage *s = &plot->stages[i];
        if (s->kind->ticks && !is_empty(s)) s->kind->ticks(s, x);
    }
    plot->x_names = x->n_ticks > 0;
    if (plot->x_names)
        thin_names(p, x);
    else
        mli_axis_fit_x(p, x, plot->cell_from, plot->cell_to, plot->frame == MLI_FRAME_CELLS ? 1 : 0);
}

bool mli_plot_paint(mli_paper *p, mli_plot *plot)
{
    mli_legend legend;
    int64_t    touched = 0;
    legend.n           = 0;
    if (plot->right > 0.6 * plot->box.w) { /* no room for it */
        plot->right   = 0;
        plot->has_bar = false;
    }
    plot->box.w -= plot->right;
    shape_box(p, plot);
    set_rulers(plot);
    if (!p->bare && plot->n_stages) {
        mli_busy busy = { 0 };
        if (!paint_marks(plot, &busy, &touched)) return false;
        mli_legend_plan(p, plot, &busy, &legend);
        if (legend.n && legend.outside) shape_box(p, plot); /* it made the box narrower */
        set_rulers(plot);
        choose_x_ticks(p, plot);
        if (plot->frame == MLI_FRAME_AXES) paint_grid_lines(p, plot);
    }
    mli_box b    = plot->box;
    double  more = plot->frame == MLI_FRAME_AXES ? p->style->line : plot->frame == MLI_FRAME_NONE ? 4 : 0;
    cairo_save(p->cr);
    cairo_rectangle(p->cr, b.x - more, b.y - more, b.w + 2 * more, b.h + 2 * more);
    cairo_clip(p->cr);
    bool ok = paint_marks(plot, NULL, &touched);
    cairo_restore(p->cr);
    if (!ok) return false;
    tell(p, plot);
    if (p->bare) return true;
    if (plot->n_stages) paint_axes(p, plot);
    if (plot->has_bar && !paint_bar(p, plot)) return false;
    mli_legend_draw(p, plot, &legend);
    if (touched == 0 && plot->n_stages) say_why_empty(p, plot);
    paint_words(p, plot);
    return true;
}
